/* scan.c - `jackdaw scan`: a model of small pictures at every pixel of a large one. */
#include <string.h>

#include "model.h"

typedef struct job {
    const model *m;
    jd_picture in;
    int cls, classes;
    uint8_t *gray; /* (H,W), for a PNG */
    float *p;      /* (H,W,K), for an npy */
    cli_view view;
} job;

static jd_status read_pixels(void *user, int64_t y, int64_t x, int64_t n, float *row)
{
    const job *j = user;
    const size_t C = (size_t)j->in.channels;
    jd_pixels_to_float(j->in.pixels + ((size_t)y * (size_t)j->in.width + (size_t)x) * C, (size_t)n * C, j->m->low,
                       j->m->high, row);
    return JD_OK;
}

static jd_status write_values(void *user, int64_t y, int64_t x, int64_t n, const float *row)
{
    const job *j = user;
    const size_t K = (size_t)j->classes, at = (size_t)y * (size_t)j->in.width + (size_t)x;
    if (j->p) memcpy(j->p + at * K, row, (size_t)n * K * sizeof *row);
    for (int64_t i = 0; j->gray && i < n; i++)
        j->gray[at + (size_t)i] = (uint8_t)(row[(size_t)i * K + (size_t)j->cls] * 255.f + 0.5f);
    return JD_OK;
}

static bool progress(void *user, int64_t done, int64_t total)
{
    job *j = user;
    cli_view_event(
        &j->view,
        &(jd_run_event){.kind = JD_EVENT_PROGRESS, .text = "tiles", .done = (double)done, .total = (double)total});
    return cli_stop != 0;
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n > m && !strcmp(s + n - m, end);
}

/* The model must be a classifier of pictures whose pixel range is known. */
static jd_status check_model(jd_ctx *ctx, const char *path, const model *m, int cls)
{
    if (m->rank != 3 || m->classes < 2 || (m->dim[2] != 1 && m->dim[2] != 3))
        return jd_fail(ctx, JD_EUSAGE, "%s: no classifier of grey or colour pictures, so it cannot be scanned over one",
                       path);
    if (!(m->low < m->high))
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config gives pixels the range %g to %g", path, (double)m->low,
                       (double)m->high);
    if (cls >= m->classes)
        return jd_fail(ctx, JD_EUSAGE, "--class %d: the model's classes are 0 to %d", cls, m->classes - 1);
    return JD_OK;
}

static jd_status scan_image(jd_ctx *ctx, const cli_args *a, job *j, jd_params *w, const char *out, int64_t tile)
{
    const model *m = j->m;
    jd_scanner *s = jd_scanner_new(ctx, w,
                                   &(jd_scan_options){.net = m->net,
                                                      .height = m->dim[0],
                                                      .width = m->dim[1],
                                                      .channels = m->dim[2],
                                                      .softmax = true,
                                                      .tile = tile,
                                                      .progress = progress,
                                                      .user = j});
    if (!s || jd_read_picture(ctx, a->rest[1], (int)m->dim[2], &j->in)) goto end;
    const size_t pixels = (size_t)j->in.height * (size_t)j->in.width;
    const bool png = ends_with(out, ".png");
    if (png)
        j->gray = jd_alloc_array(ctx, pixels, 1);
    else
        j->p = jd_alloc_array(ctx, pixels * (size_t)m->classes, sizeof *j->p);
    if (jd_error(ctx)) goto end;
    cli_view_event(&j->view, &(jd_run_event){.kind = JD_EVENT_STAGE, .text = "scanning"});
    cli_view_event(&j->view, &(jd_run_event){.kind = JD_EVENT_PROGRESS, .text = "tiles", .total = 1});
    const double start = jd_now();
    if (jd_scan_run(s, &(jd_scan_stream){j->in.height, j->in.width, read_pixels, write_values, j})) goto end;
    const double seconds = jd_now() - start;
    if (png)
        jd_write_png(ctx, out, &(jd_picture){j->in.height, j->in.width, 1, j->gray});
    else
        jd_npy_write(
            ctx, out,
            &(jd_tensor_entry){
                .dtype = JD_FILE_F32, .rank = 3, .dim = {j->in.height, j->in.width, m->classes}, .data = j->p});
    if (!jd_error(ctx) && !cli_has(a, "quiet"))
        fprintf(stderr, "%s: %d x %d pixels in %.2f s\n", out, j->in.width, j->in.height, seconds);
end:
    cli_view_close(&j->view);
    jd_scanner_free(s);
    return jd_error(ctx);
}

int cmd_scan(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *out = cli_text(&a, "output", NULL);
    const int cls = (int)cli_int(&a, "class", -1, 0, 100000);
    const int64_t tile = cli_int(&a, "tile", 256, 1, 65536);
    if (a.bad) return JD_EUSAGE;
    if (!out || (!ends_with(out, ".png") && !ends_with(out, ".npy")))
        return cli_fail("scan", JD_EUSAGE, "give the result's name, which ends in .png or .npy: -o OUT.png");
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    cli_catch_signals();
    model m;
    jd_params *w = NULL;
    job j = {.m = &m};
    cli_view_init(&j.view, &a);
    if (!model_load(ctx, a.rest[0], &m, &w) && !check_model(ctx, a.rest[0], &m, cls)) {
        j.classes = m.classes;
        j.cls = cls < 0 ? 1 : cls;
        scan_image(ctx, &a, &j, w, out, tile);
    }
    jd_picture_free(ctx, &j.in);
    jd_free(ctx, j.gray);
    jd_free(ctx, j.p);
    jd_params_free(w);
    model_free(ctx, &m);
    return cli_end("scan", ctx);
}
