/* read.c - `jackdaw read`: the text that a handwriting model reads in files of ink. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { LETTERS = 256 };

typedef struct reader {
    jd_ctx *ctx;
    char *net;
    char letter[LETTERS][5]; /* UTF-8 */
    int letters;
    jd_ink_options ink;
    float gain; /* of pictures */
    jd_params *params;
    jd_fn *f;
    jd_ink_reader *frames;
} reader;

static void reader_free(reader *m)
{
    jd_ink_reader_free(m->frames);
    jd_fn_free(m->f);
    jd_params_free(m->params);
    jd_free(m->ctx, m->net);
}

static void forward(jd_graph *g, void *user)
{
    const reader *m = user;
    jd_node y = jd_net(g, m->net, jd_arg(g, "x"), JD_NONE);
    jd_result(g, "p", jd_softmax(g, y)); /* (T,1,letters + 1) */
}

/* Splits the alphabet into its characters; false where it is no UTF-8 or too long. */
static bool split(reader *m, const char *s)
{
    while (*s) {
        const unsigned char c = (unsigned char)*s;
        const size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 ? 4 : 0;
        if (!n || strlen(s) < n || m->letters == LETTERS) return false;
        memcpy(m->letter[m->letters++], s, n);
        s += n;
    }
    return m->letters > 0;
}

static double number(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
}

static jd_status configure(reader *m, const char *path, const char *config)
{
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *net = json_string_value(json_object_get(j, "net"));
    const char *alphabet = json_string_value(json_object_get(j, "alphabet"));
    if (!net || !alphabet || !json_is_number(json_object_get(j, "ink-stack")) || !split(m, alphabet)) {
        jd_fail(
            m->ctx, JD_EUSAGE,
            "%s: holds no net that reads ink (no net, alphabet, ink-stack in jackdaw.config); the model.safetensors "
            "of handwriting-online and handwriting-offline does",
            path);
    } else if (jd_net_outputs(m->ctx, net) != m->letters + 1) {
        if (!jd_error(m->ctx))
            jd_fail(m->ctx, JD_EDATA, "%s: an alphabet of %d letters, but the net \"%.80s\" has not one output more",
                    path, m->letters, net);
    } else {
        m->net = jd_strdup(m->ctx, net);
        m->ink = (jd_ink_options){.spacing = (float)number(j, "ink-spacing"),
                                  .stack = (int)fmin(fmax(number(j, "ink-stack"), -1), 1000),
                                  .view = (int)fmin(fmax(number(j, "ink-view"), -1), 1000),
                                  .view_cell = (float)number(j, "ink-cell"),
                                  .rows = (int)fmin(fmax(number(j, "ink-rows"), -1), 1000),
                                  .size = (float)number(j, "ink-size"),
                                  .pen = (float)number(j, "ink-pen")};
        m->gain = m->ink.rows ? (float)number(j, "ink-gain") : 1;
        m->frames = jd_ink_reader_new(m->ctx, &m->ink);
    }
    json_decref(j);
    return jd_error(m->ctx);
}

static jd_status open_model(reader *m, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(m->ctx, path);
    if (f && !configure(m, path, jd_tensor_file_meta(f, "jackdaw.config"))) m->params = jd_params_new(m->ctx, JD_F32);
    if (m->params) jd_params_load(m->ctx, m->params, f);
    jd_tensor_file_close(f);
    m->f = jd_error(m->ctx) ? NULL : jd_fn_new(m->ctx, m->params, forward, m);
    return jd_error(m->ctx);
}

static void print_one(const reader *m, const char *file, size_t i, const int32_t *found, size_t n, double p, bool json)
{
    char *text = jd_alloc(m->ctx, 4 * n + 1);
    if (!text) return;
    for (size_t k = 0; k < n; k++) strcat(text, m->letter[found[k]]);
    if (json) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"index\":%zu,\"text\":", i);
        cli_json_string(text);
        printf(",\"probability\":%.6g}\n", p);
    } else {
        printf("%s:%zu  %s\n", file, i, text);
    }
    jd_free(m->ctx, text);
}

/* One sample; a picture is turned from columns to rows.  Nothing is padded: the net sees what it saw in training. */
static jd_status read_one(reader *m, const jd_ink_sample *s, const char *file, size_t i, bool json)
{
    jd_ctx *ctx = m->ctx;
    const size_t T = jd_ink_frames(m->frames, s, NULL, 0), W = jd_ink_reader_width(m->frames);
    const float *frames = jd_ink_reader_frames(m->frames);
    float *x = T ? jd_alloc_array(ctx, T * W, sizeof *x) : NULL;
    for (size_t t = 0; x && t < T; t++)
        for (size_t k = 0; k < W; k++) x[m->ink.rows ? k * T + t : t * W + k] = m->gain * frames[t * W + k];
    const jd_tensor in = m->ink.rows ? JD_TENSOR("x", JD_F32, x, 1, (int64_t)W, (int64_t)T, 1)
                                     : JD_TENSOR("x", JD_F32, x, (int64_t)T, 1, (int64_t)W);
    jd_type type;
    const float *p = x && !jd_fn_run(m->f, &in, 1) ? jd_fn_result(m->f, "p", &type) : NULL;
    const size_t steps = p ? (size_t)type.dim[0] : 0, K = (size_t)m->letters + 1;
    int32_t *found = p ? jd_alloc_array(ctx, steps, sizeof *found) : NULL;
    if (found) {
        double ln = 0;
        for (size_t t = 0; t < steps; t++) {
            float best = 0;
            for (size_t k = 0; k < K; k++) best = fmaxf(best, p[t * K + k]);
            ln += log((double)best);
        }
        const size_t n = jd_ctc_best_path(p, K, steps, K, m->letters, found);
        print_one(m, file, i, found, n, exp(ln), json);
    }
    jd_free(ctx, found);
    jd_free(ctx, x);
    return jd_error(ctx);
}

int cmd_read(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    reader m = {.ctx = ctx};
    const bool json = cli_has(&a, "json");
    open_model(&m, a.rest[0]);
    for (int i = 1; i < a.n && !jd_error(ctx); i++) {
        jd_ink ink = {0};
        if (jd_read_ink(ctx, a.rest[i], &ink)) break;
        for (size_t k = 0; k < ink.count && !read_one(&m, &ink.items[k], a.rest[i], k, json); k++) {
        }
        jd_ink_free(ctx, &ink);
    }
    reader_free(&m);
    return cli_end("read", ctx);
}
