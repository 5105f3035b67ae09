/* export.c - `jackdaw export`: a trained network as a C file or as ONNX. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/prepare.h"

#include "columns.h"
#include "model.h"

typedef struct net_file {
    jd_export e;
    char *net, *labels;
    float *mean, *factor, *out_factor, *out_shift;
    jd_params *params;
    model pictures; /* of a model of pictures: its members, and how they see */
    jd_export_member member[MODEL_MEMBERS];
    char *note;
} net_file;

static double number(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
}

/* "29x29x1", "13" or, of sequences, "100x13"; false where it is neither. */
static bool read_input(const char *text, jd_export *e)
{
    long long d[3];
    int end = 0;
    if (sscanf(text, "%9lldx%9lldx%9lld%n", &d[0], &d[1], &d[2], &end) == 3 && !text[end]) {
        e->height = d[0], e->width = d[1], e->channels = d[2];
        return d[0] > 0 && d[1] > 0 && d[2] > 0;
    }
    end = 0;
    if (sscanf(text, "%9lldx%9lld%n", &d[0], &d[1], &end) == 2 && !text[end]) {
        e->columns = d[1];
        e->sequence = true;
        return d[0] > 0 && d[1] > 0;
    }
    end = 0;
    if (sscanf(text, "%9lld%n", &d[0], &end) == 1 && !text[end]) e->columns = d[0];
    return e->columns > 0;
}

/* The columns of sequences: what the first weights take. */
static int64_t first_columns(const jd_params *p)
{
    const jd_range *r = jd_params_ranges(p) ? jd_params_range(p, 0) : NULL;
    return r && r->type.rank == 2 ? r->type.dim[1] : 0;
}

static float *read_numbers(jd_ctx *ctx, const char *path, const json_t *j, const char *name, int64_t n)
{
    const char *at = json_string_value(json_object_get(j, name));
    float *v = at ? jd_alloc_array(ctx, (size_t)n, sizeof *v) : NULL;
    for (int64_t i = 0; v && i < n; i++) {
        char *end;
        v[i] = strtof(at, &end);
        if (end == at) {
            jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"%s\" is not %lld numbers", path, name, (long long)n);
            break;
        }
        at = end;
    }
    return v;
}

/* Of a regression: back to the targets' units; what they are called. */
static jd_status read_outputs(jd_ctx *ctx, net_file *n, const json_t *j)
{
    const json_int_t targets = json_integer_value(json_object_get(j, "targets"));
    const int K = targets > 1 && targets <= MODEL_TARGETS ? (int)targets : 1;
    double *shift = model_read_targets(ctx, j, "target-mean", K), *factor = NULL;
    if (!jd_error(ctx)) factor = model_read_targets(ctx, j, "target-factor", K);
    n->out_factor = jd_alloc_array(ctx, (size_t)K, sizeof *n->out_factor);
    n->out_shift = jd_alloc_array(ctx, (size_t)K, sizeof *n->out_shift);
    for (int k = 0; !jd_error(ctx) && k < K; k++) {
        n->out_factor[k] = fabs(factor[k]) > 0 ? (float)(1 / factor[k]) : 1;
        n->out_shift[k] = (float)shift[k];
    }
    const char *columns = json_string_value(json_object_get(j, "target"));
    char name[COLUMN_NAME];
    for (int k = 0; !jd_error(ctx) && column_title(columns, k, name); k++) {
        char *more = jd_asprintf(ctx, "%s%s%s", n->labels ? n->labels : "", k ? "|" : "", name);
        jd_free(ctx, n->labels);
        n->labels = more;
    }
    n->e.out_factor = n->out_factor;
    n->e.out_shift = n->out_shift;
    jd_free(ctx, shift);
    jd_free(ctx, factor);
    return jd_error(ctx);
}

static jd_status configure(jd_ctx *ctx, net_file *n, const char *path, const json_t *j)
{
    jd_export *e = &n->e;
    const char *net = json_string_value(json_object_get(j, "net"));
    const char *input = json_string_value(json_object_get(j, "input"));
    const char *names = json_string_value(json_object_get(j, "class-names"));
    const char *alphabet = json_string_value(json_object_get(j, "alphabet"));
    const json_t *classes = json_object_get(j, "classes");
    n->net = jd_strdup(ctx, net ? net : "");
    if (names) n->labels = jd_strdup(ctx, names);
    if (alphabet) n->labels = jd_asprintf(ctx, "%s, then blank", alphabet);
    if (jd_error(ctx)) return jd_error(ctx);
    e->sequence = !input;
    e->columns = input ? 0 : first_columns(n->params);
    if (!net || jd_net_check(ctx, net) || (input && !read_input(input, e))) {
        jd_error_clear(ctx);
        return jd_fail(
            ctx, JD_EUSAGE,
            "%s: holds no network that the program can rebuild (no net in jackdaw.config); models of `jackdaw "
            "train`, of the handwriting and speech systems and of the digit nets do",
            path);
    }
    e->softmax = alphabet || json_integer_value(classes) > 0;
    e->low = (float)number(j, "low");
    e->high = (float)number(j, "high");
    if (!e->height && e->columns) {
        n->mean = read_numbers(ctx, path, j, "mean", e->columns);
        n->factor = read_numbers(ctx, path, j, "factor", e->columns);
    }
    if (!e->softmax && json_object_get(j, "target-factor") && read_outputs(ctx, n, j)) return jd_error(ctx);
    e->net = n->net;
    e->params = n->params;
    e->labels = n->labels;
    e->mean = n->mean && n->factor ? n->mean : NULL;
    e->factor = n->factor;
    return jd_error(ctx);
}

/* What the inputs are of a net that takes the columns of a table, some of which hold words: "age, town=Bonn, town=Ulm"; a word's
 * input is 1 where it stands in the column, else 0. */
static jd_status note_categories(jd_ctx *ctx, net_file *n, const json_t *j)
{
    const char *words = json_string_value(json_object_get(j, "categories"));
    const char *at = json_string_value(json_object_get(j, "columns"));
    if (!words || !at) return JD_OK;
    char *note = jd_strdup(ctx, "The numbers in turn, a word's 1 where its column has it and else 0: ");
    column c;
    for (bool first = true; !jd_error(ctx) && column_next(&at, &c); first = false) {
        do {
            const size_t word = strcspn(words, "|\n");
            char *more = jd_asprintf(ctx, "%s%s%.*s%s%.*s", note, first ? "" : ", ", (int)c.length, c.begin,
                                     word ? "=" : "", (int)word, words);
            jd_free(ctx, note);
            note = more;
            words += word;
            first = false;
        } while (note && *words == '|' && *++words);
        words += *words == '\n';
    }
    n->e.note = n->note = note;
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
    for (int k = 0; k < m->members; k++)
        if (!one || k == one - 1)
            n->member[n->e.members++] =
                (jd_export_member){m->member[k].scope, m->member[k].net ? m->member[k].net : m->net};
    n->e.member = n->member;
    if (m->halves) {
        n->e.softmax = false;
        n->out_factor = jd_alloc_array(ctx, (size_t)m->classes, sizeof *n->out_factor);
        for (int k = 0; n->out_factor && k < m->classes; k++) n->out_factor[k] = 0.5f;
        n->e.out_factor = n->e.out_shift = n->out_factor;
    }
    return write_note(ctx, n, prepare);
}

static jd_status load(jd_ctx *ctx, net_file *n, const char *path)
{
    *n = (net_file){0};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    const char *text = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    json_t *j = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    n->params = f ? jd_params_new(ctx, JD_F32) : NULL;
    if (n->params && !jd_params_load(ctx, n->params, f) && !configure(ctx, n, path, j)) note_categories(ctx, n, j);
    json_decref(j);
    jd_tensor_file_close(f);
    return jd_error(ctx);
}

static void unload(jd_ctx *ctx, net_file *n)
{
    jd_params_free(n->params);
    jd_free(ctx, n->net);
    jd_free(ctx, n->labels);
    jd_free(ctx, n->mean);
    jd_free(ctx, n->factor);
    jd_free(ctx, n->out_factor);
    jd_free(ctx, n->out_shift);
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
        n.e.lengths = cli_has(&a, "lengths");
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
