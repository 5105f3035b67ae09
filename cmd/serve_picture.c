/* serve_picture.c - classifiers of pictures behind a page: what is drawn or dropped becomes the picture the net knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "serve_kinds.h"

jd_status serve_picture_open(serve_model *m, const json_t *config)
{
    jd_ctx *ctx = m->ctx;
    const char *system = json_string_value(json_object_get(config, "system"));
    m->f = model_open(ctx, m->path, &m->model, &m->params);
    if (!m->f) return jd_error(ctx);
    if (m->model.rank < 3)
        return jd_fail(ctx, JD_EUSAGE,
                       "%s: learned from %s, for which there is no page; `jackdaw predict` answers files of them, and "
                       "model.h answers "
                       "in a program of your own",
                       m->path, m->model.rank == 1 ? "a table" : "series");
    if (m->model.rank != 3 || m->model.classes < 2 || (m->model.dim[2] != 1 && m->model.dim[2] != 3))
        return jd_fail(
            ctx, JD_EUSAGE,
            "%s: no net that reads writing and no classifier of grey or colour pictures, so there is no page "
            "for it",
            m->path);
    m->system = jd_strdup(ctx, system ? system : "");
    return jd_error(ctx);
}

void serve_picture_close(serve_model *m)
{
    jd_fn_free(m->f);
    jd_params_free(m->params);
    model_free(m->ctx, &m->model);
    jd_free(m->ctx, m->system);
}

json_t *serve_picture_describe(const serve_model *m)
{
    json_t *names = json_array();
    const char *at = m->model.names;
    for (int k = 0; k < m->model.classes; k++) {
        char number[24];
        const size_t n = strcspn(at, "|");
        snprintf(number, sizeof number, "%d", k);
        json_array_append_new(names, n ? json_stringn(at, n) : json_string(number));
        at += n + (at[n] == '|');
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:[I,I,I]}", "kind", "picture", "path", m->path, "system", m->system,
                     "net", m->model.net, "weights", (json_int_t)jd_params_count(m->params), "names", names, "input",
                     (json_int_t)m->model.dim[0], (json_int_t)m->model.dim[1], (json_int_t)m->model.dim[2]);
}

/* ---- from a body to the net's picture ---------------------------------------------------------------------------------------- */

static jd_status read_body(jd_ctx *ctx, const char *body, size_t bytes, fit_canvas *c)
{
    char head[64] = "", kind[12];
    const char *end = bytes ? memchr(body, '\n', bytes < sizeof head ? bytes : sizeof head - 1) : NULL;
    int used = 0;
    if (end) memcpy(head, body, (size_t)(end - body));
    if (!end || sscanf(head, "%11s %4d %4d%n", kind, &c->width, &c->height, &used) != 3 || head[used] ||
        (strcmp(kind, "draw") != 0 && strcmp(kind, "picture") != 0) || c->width < 1 || c->height < 1 ||
        c->width > SERVE_PICTURE_SIDE || c->height > SERVE_PICTURE_SIDE)
        return jd_fail(
            ctx, JD_EDATA,
            "the body must begin with the line \"draw WIDTH HEIGHT\" or \"picture WIDTH HEIGHT\", sides of 1 to "
            "%d",
            SERVE_PICTURE_SIDE);
    c->drawn = !strcmp(kind, "draw");
    c->channels = c->drawn ? 1 : 3;
    c->pixels = (const uint8_t *)end + 1;
    const size_t have = bytes - (size_t)(end + 1 - body),
                 want = (size_t)c->width * (size_t)c->height * (size_t)c->channels;
    if (have != want)
        return jd_fail(ctx, JD_EDATA, "%zu bytes of pixels, but %d x %d x %d are %zu", have, c->width, c->height,
                       c->channels, want);
    return JD_OK;
}

json_t *serve_picture_answer(serve_model *m, const void *body, size_t bytes)
{
    fit_canvas c;
    json_t *out = NULL;
    if (read_body(m->ctx, body, bytes, &c)) return NULL;
    const model *net = &m->model;
    const uint32_t first = 0;
    const size_t n = (size_t)model_size(net);
    samples s = {.count = 1, .rank = 3, .dim = {net->picture[0], net->picture[1], net->dim[2]}};
    s.images = (jd_images){.count = 1,
                           .height = (int)net->picture[0],
                           .width = (int)net->picture[1],
                           .channels = (int)net->dim[2],
                           .pixels = fit_picture(m->ctx, net, &c)};
    uint8_t *pixels = jd_alloc_array(m->ctx, n, 1); /* what the first member sees */
    float *x = jd_alloc_array(m->ctx, n * (size_t)net->views, sizeof *x);
    jd_tensor in[MODEL_INPUTS];
    const bool ready = s.images.pixels && pixels && x && !model_see(m->ctx, net, 0, &s.images, &first, 1, pixels);
    const int inputs = ready ? model_batch(m->ctx, net, &s, &first, 1, x, NULL, NULL, NULL, in) : 0;
    const float *p = inputs ? model_run(m->ctx, m->f, net, in, inputs) : NULL;
    if (p) {
        json_t *classes = json_array(), *seen = json_array();
        for (int k = 0; k < net->classes; k++) json_array_append_new(classes, json_real((double)p[k]));
        for (size_t i = 0; i < n; i++) json_array_append_new(seen, json_integer(pixels[i]));
        out = json_pack("{s:o,s:o}", "p", classes, "seen", seen);
    }
    jd_free(m->ctx, x);
    jd_free(m->ctx, pixels);
    jd_free(m->ctx, s.images.pixels);
    return out;
}
