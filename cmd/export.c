/* export.c - `jackdaw export`: a trained network as a C file or as ONNX. */
#include <string.h>

#include "jackdaw/cells.h"
#include "jackdaw/prepare.h"

#include "columns.h"
#include "model.h"

typedef struct net_file {
    jd_export e;
    jd_model *model;
    char *labels;
    model pictures; /* of a model of pictures: its members, and how they see */
    jd_export_member member[MODEL_MEMBERS];
    char *note;
} net_file;

/* Of several targets of a regression: what they are called. */
static void name_targets(jd_ctx *ctx, net_file *n, const jd_tensor_file *f)
{
    char *columns = jd_model_setting(ctx, f, "target"), name[COLUMN_NAME];
    for (int k = 0; !jd_error(ctx) && column_title(columns, k, name); k++) {
        char *more = jd_asprintf(ctx, "%s%s%s", n->labels ? n->labels : "", k ? "|" : "", name);
        jd_free(ctx, n->labels);
        n->labels = more;
    }
    if (n->labels) n->e.labels = n->labels;
    jd_free(ctx, columns);
}

static void append(jd_ctx *ctx, char **text, bool first, const char *what, const char *between, const char *name,
                   size_t length)
{
    char *more =
        *text ? jd_asprintf(ctx, "%s%s%s%s%.*s", *text, first ? "" : ", ", what, between, (int)length, name) : NULL;
    jd_free(ctx, *text);
    *text = more;
}

/* What the inputs are of a net that takes the columns of a table, some of which hold words or dates: "age, town=Bonn, town=Ulm, days
 * from 2000-01-01 to birth"; a word's input is 1 where it stands in the column, else 0. */
static jd_status note_columns(jd_ctx *ctx, net_file *n, const jd_tensor_file *f)
{
    char *categories = jd_model_setting(ctx, f, "categories"), *columns = jd_model_setting(ctx, f, "columns"),
         *forms = jd_model_setting(ctx, f, "forms");
    const char *words = categories ? categories : "", *at = columns, *form = forms ? forms : "";
    char *note = (!categories && !forms) || !at
                     ? NULL
                     : jd_strdup(ctx, "The numbers in turn, a word's 1 where its column has it and else 0: ");
    column c;
    for (bool first = true; note && !jd_error(ctx) && column_next(&at, &c);) {
        const int inputs = jd_cell_inputs(form);
        for (int i = 0; i < inputs && !strcspn(words, "\n"); i++, first = false)
            append(ctx, &note, first, jd_cell_input_name(form, i), inputs > 1 ? " " : "", c.begin, c.length);
        while (note && strcspn(words, "\n")) {
            const size_t word = strcspn(words, "|\n");
            char *name = jd_asprintf(ctx, "%.*s", (int)c.length, c.begin);
            append(ctx, &note, first, name ? name : "", "=", words, word);
            jd_free(ctx, name);
            first = false;
            words += word;
            if (*words != '|') break;
            words++;
        }
        words += *words == '\n';
        form += strcspn(form, "\n");
        form += *form == '\n';
    }
    n->e.note = n->note = note;
    jd_free(ctx, categories);
    jd_free(ctx, columns);
    jd_free(ctx, forms);
    return jd_error(ctx);
}

/* What people must do to pictures before they give them to the file. */
static jd_status write_note(jd_ctx *ctx, net_file *n, const char *prepare)
{
    const model *m = &n->pictures;
    char size[200] = "";
    int h = (int)m->picture[0], w = (int)m->picture[1];
    if (jd_prepared_size(ctx, prepare, &h, &w)) return jd_error(ctx);
    if (h != m->dim[0] || w != m->dim[1])
        snprintf(size, sizeof size, "Pictures of %d x %d stand in the upper left, with background, 0, around.", h, w);
    if (*prepare)
        n->note = jd_asprintf(ctx, "Pictures must have been prepared by \"%s\" (jd_images_prepare)%s%s", prepare,
                              *size ? ". " : ".", size);
    else if (*size)
        n->note = jd_strdup(ctx, size);
    n->e.note = n->note;
    return jd_error(ctx);
}

/* The networks that are asked for: all, whose mean is the answer, or --member. */
static jd_status choose_members(jd_ctx *ctx, net_file *n, cli_args *a)
{
    jd_params *params = NULL; /* read once more with the description */
    model *m = &n->pictures;
    const char *path = a->rest[0];
    if (model_load(ctx, path, m, &params)) return jd_error(ctx);
    jd_params_free(params);
    const int one = (int)cli_int(a, "member", 0, 1, MODEL_MEMBERS),
              view = one ? m->member[one <= m->members ? one - 1 : 0].view : 0;
    const char *prepare = m->view[view].prepare;
    if (one > m->members)
        return jd_fail(ctx, JD_EUSAGE, "--member %d: %s has %d network%s", one, path, m->members,
                       m->members > 1 ? "s" : "");
    if (!one && m->views > 1)
        return jd_fail(
            ctx, JD_EUSAGE,
            "%s: a committee whose members see pictures prepared in %d ways, by \"%s\" and others, which C and ONNX "
            "files do not contain; --member K --prepared exports one of the %d members, for pictures that are "
            "prepared as it needs them (`jackdaw inspect` lists these)",
            path, m->views, *prepare ? prepare : m->view[1].prepare, m->members);
    if (*prepare && !cli_has(a, "prepared"))
        return jd_fail(
            ctx, JD_EUSAGE,
            "%s: its pictures are first prepared by \"%s\", which C and ONNX files do not contain; with --prepared "
            "the file takes pictures that have been prepared so",
            path, prepare);
    n->e.members = 0;
    for (int k = 0; k < m->members; k++)
        if (!one || k == one - 1)
            n->member[n->e.members++] =
                (jd_export_member){m->member[k].scope, m->member[k].net ? m->member[k].net : m->net};
    n->e.member = n->member;
    return write_note(ctx, n, prepare);
}

static jd_status load(jd_ctx *ctx, net_file *n, const char *path)
{
    *n = (net_file){0};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    n->model = jd_model_load(ctx, path, f);
    if (n->model) n->e = *jd_model_net(n->model);
    if (n->model && !n->e.softmax && n->e.out_factor) name_targets(ctx, n, f);
    if (n->model) note_columns(ctx, n, f);
    jd_tensor_file_close(f);
    return jd_error(ctx);
}

static void unload(jd_ctx *ctx, net_file *n)
{
    jd_model_free(n->model);
    jd_free(ctx, n->labels);
    jd_free(ctx, n->note);
    model_free(ctx, &n->pictures);
}

int cmd_export(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *dir = cli_text(&a, "c", NULL), *onnx = cli_text(&a, "onnx", NULL), *name = cli_text(&a, "name", "net");
    if (!dir && !onnx)
        return cli_fail("export", JD_EUSAGE, "--c DIR or --onnx FILE is missing; usage: jackdaw export %s",
                        a.command->usage);
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    net_file n;
    if (!load(ctx, &n, a.rest[0]) && (!n.e.height || !choose_members(ctx, &n, &a)) && !a.bad) {
        if (cli_has(&a, "logits")) n.e.softmax = false;
        n.e.half = cli_has(&a, "half");
        n.e.lengths = cli_has(&a, "lengths");
        n.e.states = cli_has(&a, "states");
        const char *slash = dir && *dir && dir[strlen(dir) - 1] == '/' ? "" : "/";
        if (dir && !jd_export_c(ctx, &n.e, dir, name))
            printf("%s%s%s.c\n%s%s%s.h\n", dir, slash, name, dir, slash, name);
        if (onnx && !jd_error(ctx) && !jd_export_onnx(ctx, &n.e, onnx, cli_has(&a, "primitives"))) printf("%s\n", onnx);
    }
    if (n.note && !jd_error(ctx) && !a.bad) cli_fail("export", 0, "%s", n.note);
    unload(ctx, &n);
    code = cli_end("export", ctx);
    return code ? code : a.bad ? JD_EUSAGE : 0;
}
