/* scanner.c - whole images, tile by tile: mirrored edges, progress, memory. */
#include <string.h>

#include "base/given.h"
#include "vision/scan.h"

struct jd_scanner {
    jd_ctx *ctx;
    jd_params *weights;
    jd_scan_options o;
    jd_scan_shape shape;
    char *net;
    jd_fn *fn;
    int64_t tile[2]; /* whose plan it has */
    int ranges;      /* of the weights when the scanner was made */
    bool checked;    /* whether the weights were the net's */
};

static void trace(jd_graph *g, void *user)
{
    const jd_scanner *s = user;
    const jd_node y = jd_scan_net(g, s->net, jd_arg(g, "x"), s->o.height, s->o.width);
    jd_result(g, "y", s->o.softmax ? jd_softmax(g, y) : y);
}

jd_scanner *jd_scanner_new(jd_ctx *ctx, jd_params *weights, const jd_scan_options *o)
{
    if (!jd__given(ctx, __func__, "weights", weights) || !jd__given(ctx, __func__, "o", o)) return NULL;
    jd_scan_shape shape;
    if (jd_scan_check(ctx, o->net, o->height, o->width, o->channels, &shape)) return NULL;
    if (!weights) {
        jd_fail(ctx, JD_EUSAGE, "scan: no weights; make them with jd_params_new");
        return NULL;
    }
    jd_scanner *s = jd_alloc(ctx, sizeof *s);
    if (!s) return NULL;
    *s = (jd_scanner){.ctx = ctx, .weights = weights, .o = *o, .shape = shape};
    s->ranges = jd_params_ranges(weights);
    s->net = jd_strdup(ctx, o->net);
    s->fn = jd_fn_new(ctx, weights, trace, s);
    if (!s->o.memory) s->o.memory = (size_t)512 << 20;
    if (jd_error(ctx)) {
        jd_scanner_free(s);
        return NULL;
    }
    return s;
}

void jd_scanner_free(jd_scanner *s)
{
    if (!s) return;
    jd_fn_free(s->fn);
    jd_free(s->ctx, s->net);
    jd_free(s->ctx, s);
}

/* n outputs in the fewest tiles of at most `side`, all of one size, a multiple of the step. */
static int64_t tile_side(int64_t n, int64_t side, int64_t step)
{
    if (side < step) side = step;
    side -= side % step;
    const int64_t tiles = (n + side - 1) / side, even = (n + tiles - 1) / tiles;
    return (even + step - 1) / step * step;
}

/* The sides of a tile: what was asked for, made smaller until it fits the memory. */
static void choose_tile(jd_scanner *s, int64_t H, int64_t W, int64_t *th, int64_t *tw)
{
    int64_t side = s->o.tile > 0 ? s->o.tile : 512;
    for (;; side = side * 3 / 4) {
        *th = tile_side(H, side, s->shape.step);
        *tw = tile_side(W, side, s->shape.step);
        if (s->o.tile > 0 || side <= s->shape.step) return;
        const double bytes = jd__scan_bytes(s->ctx, s->net, s->o.height, s->o.width, s->o.channels, *th, *tw);
        if (bytes <= (double)s->o.memory) return;
    }
}

/* Pixels of image row y, mirrored, for the columns x .. x+n-1 of the image's plane, which may lie outside it. */
static jd_status read_row(const jd_scanner *s, const jd_scan_stream *im, int64_t y, int64_t x, int64_t n, float *span,
                          float *out)
{
    const size_t C = (size_t)s->o.channels;
    int64_t lo = im->W, hi = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = jd_scan_mirror(x + i, im->W);
        if (at < lo) lo = at;
        if (at >= hi) hi = at + 1;
    }
    const jd_status status = im->read(im->user, jd_scan_mirror(y, im->H), lo, hi - lo, span);
    if (status) return status;
    for (int64_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * C, span + (size_t)(jd_scan_mirror(x + i, im->W) - lo) * C, C * sizeof *out);
    return JD_OK;
}

/* The plan for tiles of th x tw outputs; an error when the weights turn out not to be the net's. */
static jd_plan *plan_for(jd_scanner *s, int64_t th, int64_t tw)
{
    const jd_tensor in = {"x", {JD_F32, 4, {1, th + s->o.height - 1, tw + s->o.width - 1, s->o.channels}}, NULL};
    /* Images of many sizes would leave a plan each. */
    if (!s->fn || (s->tile[0] && (s->tile[0] != th || s->tile[1] != tw))) {
        jd_fn_free(s->fn);
        s->fn = jd_fn_new(s->ctx, s->weights, trace, s);
        if (!s->fn) return NULL;
    }
    s->tile[0] = th;
    s->tile[1] = tw;
    jd_plan *plan = jd_fn_plan(s->fn, &in, 1);
    if (plan && s->ranges && jd_params_ranges(s->weights) != s->ranges) {
        jd_fail(s->ctx, JD_EUSAGE, "scan: the weights have no \"%s\", which the net \"%s\" needs; is it their net?",
                jd_params_range(s->weights, s->ranges)->name, s->net);
        return NULL;
    }
    return plan;
}

static jd_status one_tile(jd_scanner *s, const jd_scan_stream *im, jd_plan *plan, const int64_t at[2],
                          const int64_t size[2], float *span)
{
    const int64_t w = size[1] + s->o.width - 1;
    float *x = jd_plan_input(plan, "x");
    jd_status status = x ? JD_OK : jd_error(s->ctx);
    for (int64_t i = 0; i < size[0] + s->o.height - 1 && !status; i++)
        status =
            read_row(s, im, at[0] + i - s->o.height / 2, at[1] - s->o.width / 2, w, span, x + i * w * s->o.channels);
    if (!status) status = jd_plan_run(plan);
    const float *y = status ? NULL : jd_plan_result(plan, "y", NULL);
    const int64_t rows = im->H - at[0] < size[0] ? im->H - at[0] : size[0];
    const int64_t columns = im->W - at[1] < size[1] ? im->W - at[1] : size[1];
    for (int64_t i = 0; i < rows && y && !status; i++)
        status = im->write(im->user, at[0] + i, at[1], columns, y + i * size[1] * s->shape.outputs);
    if (status && !jd_error(s->ctx)) jd_fail(s->ctx, status, "scan: reading or writing rows of the image failed");
    return jd_error(s->ctx);
}

jd_status jd_scan_run(jd_scanner *s, const jd_scan_stream *im)
{
    if (!s) return JD_EUSAGE;
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    if (im->H < 1 || im->W < 1 || im->H > INT32_MAX || im->W > INT32_MAX)
        return jd_fail(s->ctx, JD_EUSAGE, "scan: an image of %lldx%lld pixels; each side must be 1 to 2^31-1",
                       (long long)im->H, (long long)im->W);
    int64_t size[2];
    choose_tile(s, im->H, im->W, &size[0], &size[1]);
    jd_plan *plan = plan_for(s, size[0], size[1]);
    float *span = jd_alloc_array(s->ctx, (size_t)(size[1] + s->o.width) * (size_t)s->o.channels, sizeof *span);
    const int64_t total = ((im->H - 1) / size[0] + 1) * ((im->W - 1) / size[1] + 1);
    int64_t done = 0;
    for (int64_t y = 0; y < im->H && plan && span; y += size[0])
        for (int64_t x = 0; x < im->W; x += size[1]) {
            if (one_tile(s, im, plan, (const int64_t[]){y, x}, size, span)) goto end;
            if (s->o.progress && s->o.progress(s->o.user, ++done, total)) {
                if (done < total)
                    jd_fail(s->ctx, JD_ESTOPPED, "scan: stopped after %lld of %lld tiles", (long long)done,
                            (long long)total);
                goto end;
            }
        }
end:
    jd_free(s->ctx, span);
    return jd_error(s->ctx);
}

typedef struct memory_image {
    const float *in;
    float *out;
    size_t W, C, K;
} memory_image;

static jd_status read_memory(void *user, int64_t y, int64_t x, int64_t n, float *row)
{
    const memory_image *m = user;
    memcpy(row, m->in + ((size_t)y * m->W + (size_t)x) * m->C, (size_t)n * m->C * sizeof *row);
    return JD_OK;
}

static jd_status write_memory(void *user, int64_t y, int64_t x, int64_t n, const float *row)
{
    const memory_image *m = user;
    memcpy(m->out + ((size_t)y * m->W + (size_t)x) * m->K, row, (size_t)n * m->K * sizeof *row);
    return JD_OK;
}

jd_status jd_scan_image(jd_scanner *s, const float *image, int64_t H, int64_t W, float *out)
{
    if (!s) return JD_EUSAGE;
    memory_image m = {image, out, (size_t)W, (size_t)s->o.channels, (size_t)s->shape.outputs};
    return jd_scan_run(s, &(jd_scan_stream){.H = H, .W = W, .read = read_memory, .write = write_memory, .user = &m});
}

void jd_scan_window(const float *image, int64_t H, int64_t W, int64_t C, int64_t y, int64_t x, int64_t height,
                    int64_t width, float *window)
{
    for (int64_t i = 0; i < height; i++)
        for (int64_t j = 0; j < width; j++) {
            const int64_t from = jd_scan_mirror(y - height / 2 + i, H) * W + jd_scan_mirror(x - width / 2 + j, W);
            memcpy(window + (i * width + j) * C, image + from * C, (size_t)C * sizeof *window);
        }
}
