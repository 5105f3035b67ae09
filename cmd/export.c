/* export.c - `jackdaw export`: a trained network as a C file or as ONNX. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct net_file {
    jd_export e;
    char *net, *labels;
    float *mean, *factor;
    jd_params *params;
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
    const double scale = number(j, "target-factor");
    if (!e->softmax && scale != 0) { /* of a regression: back to the target's unit */
        e->out_factor = 1 / scale;
        e->out_shift = number(j, "target-mean");
    }
    e->net = n->net;
    e->params = n->params;
    e->labels = n->labels;
    e->mean = n->mean && n->factor ? n->mean : NULL;
    e->factor = n->factor;
    return jd_error(ctx);
}

static jd_status load(jd_ctx *ctx, net_file *n, const char *path)
{
    *n = (net_file){0};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    const char *text = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    json_t *j = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    n->params = f ? jd_params_new(ctx, JD_F32) : NULL;
    if (n->params && !jd_params_load(ctx, n->params, f)) configure(ctx, n, path, j);
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
    if (!load(ctx, &n, a.rest[0])) {
        if (cli_has(&a, "logits")) n.e.softmax = false;
        const char *slash = dir && *dir && dir[strlen(dir) - 1] == '/' ? "" : "/";
        if (dir && !jd_export_c(ctx, &n.e, dir, name))
            printf("%s%s%s.c\n%s%s%s.h\n", dir, slash, name, dir, slash, name);
        if (onnx && !jd_error(ctx) && !jd_export_onnx(ctx, &n.e, onnx, cli_has(&a, "primitives"))) printf("%s\n", onnx);
    }
    unload(ctx, &n);
    return cli_end("export", ctx);
}
