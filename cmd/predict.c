/* predict.c - `jackdaw predict`: what a model says to files. */
#include <stdlib.h>
#include <string.h>

#include "model.h"

typedef enum form { PLAIN, JSON, CSV } form;

static void print_one(const model *m, const char *file, size_t i, const measured *e, form how)
{
    const size_t K = m->classes ? (size_t)m->classes : 1;
    const float *p = e->p + i * K;
    const int32_t best = e->predicted[i];
    if (how == JSON) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"index\":%zu,", i);
        if (!m->classes) {
            printf("\"value\":%.9g}\n", (double)p[0]);
            return;
        }
        printf("\"class\":%d,\"probability\":%.9g,\"probabilities\":[", best, (double)p[best]);
        for (size_t k = 0; k < K; k++) printf("%s%.9g", k ? "," : "", (double)p[k]);
        printf("]}\n");
    } else if (how == CSV) {
        const bool quote = strpbrk(file, ",\"\n") != NULL;
        if (quote) putchar('"');
        for (const char *c = file; *c; c++) printf(*c == '"' ? "\"\"" : "%c", *c);
        printf(quote ? "\",%zu," : ",%zu,", i);
        if (m->classes)
            printf("%d,%.9g\n", best, (double)p[best]);
        else
            printf("%.9g\n", (double)p[0]);
    } else if (m->classes) {
        printf("%s:%zu  class %d  probability %.4f\n", file, i, best, (double)p[best]);
    } else {
        printf("%s:%zu  %.6g\n", file, i, (double)p[0]);
    }
}

/* A PNG file is one image of the model's size; any other file is read as samples without labels. */
static jd_status load(jd_ctx *ctx, const model *m, const char *file, samples *s)
{
    const size_t n = strlen(file);
    *s = (samples){0};
    if (n < 4 || strcmp(file + n - 4, ".png") != 0) {
        char *path = strchr(file, '/') ? jd_strdup(ctx, file) : jd_asprintf(ctx, "./%s", file);
        if (path) samples_load(ctx, path, NULL, JD_ALL, false, false, s);
        jd_free(ctx, path);
    } else {
        jd_picture p = {0};
        if (jd_read_picture(ctx, file, m->rank == 3 ? (int)m->dim[2] : 0, &p)) return jd_error(ctx);
        s->rank = 3;
        s->count = 1;
        s->images =
            (jd_images){.count = 1, .height = p.height, .width = p.width, .channels = p.channels, .pixels = p.pixels};
        s->dim[0] = p.height;
        s->dim[1] = p.width;
        s->dim[2] = p.channels;
    }
    return jd_error(ctx) ? jd_error(ctx) : model_check(ctx, m, s, file);
}

int cmd_predict(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    const form how = cli_has(&a, "json") ? JSON : cli_has(&a, "csv") ? CSV : PLAIN;
    model m;
    jd_params *p = NULL;
    jd_fn *f = model_load(ctx, a.rest[0], &m, &p) ? NULL : jd_fn_new(ctx, p, model_forward, &m);
    if (f && how == CSV) printf(m.classes ? "file,index,class,probability\n" : "file,index,value\n");
    for (int i = 1; i < a.n && f && !jd_error(ctx); i++) {
        samples s;
        measured e = {0};
        if (!load(ctx, &m, a.rest[i], &s) && !model_measure(ctx, f, &m, &s, NULL, s.count, NULL, &e))
            for (size_t k = 0; k < e.n; k++) print_one(&m, a.rest[i], k, &e, how);
        measured_free(ctx, &e);
        samples_free(ctx, &s);
    }
    jd_fn_free(f);
    jd_params_free(p);
    model_free(ctx, &m);
    return cli_end("predict", ctx);
}
