/* conv.c - convolutional layers, with gaps and partial connections; local contrast. */
#include <math.h>

#include "jackdaw/convolve.h"
#include "layers/layers.h"

enum { MOST_RUNS = 16384, MOST_CONTRAST = 63 };

/* Taps d cells apart: the cells d i + r of an axis meet only each other.  So the d x d fragments of the image become samples,
 * each is convolved as usual, and the results are put back between each other. */
jd_node jd_conv2d_dilated(jd_graph *g, jd_node x, jd_node w, int dilation, int pad)
{
    if (!x.id || !w.id) return JD_NONE;
    if (jd_rank(g, x) != 4 || jd_rank(g, w) != 4 || dilation == 1) /* which checks them */
        return jd_conv2d_raw(g, x, w, (jd_conv_options){.pad = pad});
    const int64_t d = dilation > 0 ? dilation : 1, B = jd_dim(g, x, 0), I = jd_dim(g, x, 3), kh = jd_dim(g, w, 1),
                  kw = jd_dim(g, w, 2);
    const int64_t H = jd_dim(g, x, 1) + 2 * pad, W = jd_dim(g, x, 2) + 2 * pad;
    const int64_t oh = H - d * (kh - 1), ow = W - d * (kw - 1), h = (H + d - 1) / d, v = (W + d - 1) / d;
    if (dilation < 1 || pad < 0 || oh < 1 || ow < 1) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE,
                "conv2d: dilation %lld, padding %d, a %lldx%lld window on %lldx%lld cells does not fit",
                (long long)dilation, pad, (long long)kh, (long long)kw, (long long)H, (long long)W);
        return JD_NONE;
    }
    if (pad || h * d > H) x = jd_pad(g, x, 1, pad, pad + h * d - H);
    if (pad || v * d > W) x = jd_pad(g, x, 2, pad, pad + v * d - W);
    x = jd_transpose(g, jd_reshape(g, x, JD_DIMS(B, h, d, v, d, I)), (const int[]){0, 2, 4, 1, 3, 5});
    x = jd_conv2d_raw(g, jd_reshape(g, x, JD_DIMS(B * d * d, h, v, I)), w, (jd_conv_options){0});
    if (!x.id) return x;
    const int64_t a = jd_dim(g, x, 1), b = jd_dim(g, x, 2), O = jd_dim(g, x, 3);
    x = jd_transpose(g, jd_reshape(g, x, JD_DIMS(B, d, d, a, b, O)), (const int[]){0, 3, 1, 4, 2, 5});
    x = jd_reshape(g, x, JD_DIMS(B, a * d, b * d, O));
    if (a * d > oh) x = jd_slice(g, x, 1, 0, oh);
    return b * d > ow ? jd_slice(g, x, 2, 0, ow) : x;
}

/* Runs of equal entries become one constant each, and equal rows one block. */
jd_node jd_connections(jd_graph *g, const uint8_t *table, int64_t maps, int64_t I)
{
    jd_ctx *ctx = jd_graph_ctx(g);
    if (jd_error(ctx)) return JD_NONE;
    jd_node *row = jd_alloc_array(ctx, (size_t)maps, sizeof *row), *part = jd_alloc_array(ctx, (size_t)I, sizeof *part);
    int rows = 0, runs = 0;
    for (int64_t o = 0, next; o < maps && row && part && runs <= MOST_RUNS; o = next) {
        const uint8_t *t = table + o * I;
        bool same = true;
        for (next = o; next < maps && same;) {
            next++;
            for (int64_t i = 0; i < I && same && next < maps; i++) same = !t[i] == !table[next * I + i];
        }
        int n = 0;
        for (int64_t i = 0, end; i < I; i = end) {
            for (end = i + 1; end < I && !t[end] == !t[i];) end++;
            part[n++] = jd_const(g, t[i] ? 1 : 0, JD_DIMS(next - o, 1, 1, end - i));
        }
        runs += n;
        row[rows++] = n > 1 ? jd_concat(g, part, n, 3) : part[0];
    }
    jd_node mask = JD_NONE;
    if (runs > MOST_RUNS)
        jd_fail(ctx, JD_EUSAGE,
                "a connection table of %lldx%lld with more than %d runs; make it smaller or more regular",
                (long long)maps, (long long)I, MOST_RUNS);
    else if (rows)
        mask = rows > 1 ? jd_concat(g, row, rows, 0) : row[0];
    jd_free(ctx, row);
    jd_free(ctx, part);
    return jd_error(ctx) ? JD_NONE : mask;
}

uint8_t *jd__fan_table(jd_ctx *ctx, const char *name, int64_t maps, int64_t I, int64_t fan)
{
    if (fan < 1 || fan > I) {
        jd_fail(ctx, JD_EUSAGE, "%s: .fan %lld of %lld maps below; 1 to all are possible", name, (long long)fan,
                (long long)I);
        return NULL;
    }
    uint8_t *table = jd_alloc_array(ctx, (size_t)maps, (size_t)I);
    uint32_t *order = jd_alloc_array(ctx, (size_t)I, sizeof *order);
    jd_rng r = jd_rng_new(1, name, 0);
    for (int64_t o = 0; table && order && o < maps; o++) {
        for (int64_t i = 0; i < I; i++) order[i] = (uint32_t)i;
        jd_rng_shuffle(&r, order, (size_t)I);
        for (int64_t i = 0; i < fan; i++) table[o * I + order[i]] = 1;
    }
    jd_free(ctx, order);
    return table;
}

jd_node jd_conv2d_partial_opt(jd_graph *g, const char *name, jd_node x, jd_partial_options p)
{
    const jd_conv2d_options o = p.conv;
    const int64_t height = o.height ? o.height : o.size, width = o.width ? o.width : o.size;
    if (!x.id || !jd__size_ok(g, name, ".maps", o.maps) || !jd__size_ok(g, name, ".size", height) ||
        !jd__size_ok(g, name, ".size", width))
        return JD_NONE;
    if (jd_rank(g, x) != 4) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a convolution needs images (B,H,W,C), but its input has rank %d", name,
                jd_rank(g, x));
        return JD_NONE;
    }
    if ((p.dilation > 1 && o.stride > 1) || p.dilation < 0) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: dilation %d, stride %d; dilation goes with stride 1 only", name,
                p.dilation, o.stride);
        return JD_NONE;
    }
    const int64_t I = jd_dim(g, x, 3);
    const int pad = p.around != 0 ? 0 : o.pad;
    if (p.around != 0 && o.pad > 0) { /* zeros around an image that is lower by as much */
        const jd_node level = jd_const(g, p.around, JD_DIMS(1));
        x = jd_pad(g, jd_pad(g, jd_sub(g, x, level), 1, o.pad, o.pad), 2, o.pad, o.pad);
        x = jd_add(g, x, level);
    }
    jd_scope_push(g, name);
    jd_node w = jd_param(g, "W", jd__default_init(o.init, o.act), JD_DIMS(o.maps, height, width, I));
    uint8_t *drawn = !p.table && p.fan ? jd__fan_table(jd_graph_ctx(g), name, o.maps, I, p.fan) : NULL;
    if (p.table || drawn) w = jd_mul(g, w, jd_connections(g, p.table ? p.table : drawn, o.maps, I));
    jd_free(jd_graph_ctx(g), drawn);
    jd_node y = p.dilation > 1 ? jd_conv2d_dilated(g, x, w, p.dilation, pad)
                               : jd_conv2d_raw(g, x, w, (jd_conv_options){.stride = o.stride, .pad = pad});
    const jd_dims place = p.places && y.id ? JD_DIMS(jd_dim(g, y, 1), jd_dim(g, y, 2), o.maps) : JD_DIMS(o.maps);
    if (!o.no_bias) y = jd_add(g, y, jd_param(g, "b", o.bias_init, place));
    y = jd_activate(g, y, o.act);
    jd_scope_pop(g);
    return y;
}

jd_node jd_conv2d_opt(jd_graph *g, const char *name, jd_node x, jd_conv2d_options o)
{
    return jd_conv2d_partial(g, name, x, .conv = o);
}

/* A row (1,1,k,1) or column (1,k,1,1) of a Gaussian. */
static jd_node gaussian(jd_graph *g, int k, double sigma, bool down)
{
    jd_node part[MOST_CONTRAST];
    double w[MOST_CONTRAST], sum = 0;
    for (int i = 0; i < k; i++) sum += w[i] = exp(-(i - k / 2) * (i - k / 2) / (2 * sigma * sigma));
    for (int i = 0; i < k; i++) part[i] = jd_const(g, w[i] / sum, JD_DIMS(1, 1, 1, 1));
    return jd_concat(g, part, k, down ? 1 : 2);
}

/* x (B,H,W,C), or (B,H,W,1): the weighted mean of each window over all channels, (B,H,W,1). */
static jd_node window_mean(jd_graph *g, jd_node x, jd_node down, jd_node across, int k)
{
    const jd_conv_options o = {.pad = k / 2};
    const int64_t H = jd_dim(g, x, 1), W = jd_dim(g, x, 2);
    jd_node m = jd_mean(g, x, JD_AXIS(3), true), ones = jd_const(g, 1, JD_DIMS(1, H, W, 1));
    jd_node *const both[] = {&m, &ones};
    for (int i = 0; i < 2; i++) { /* the padding of one axis is cut off the other */
        *both[i] = jd_slice(g, jd_conv2d_raw(g, *both[i], down, o), 2, k / 2, W);
        *both[i] = jd_slice(g, jd_conv2d_raw(g, *both[i], across, o), 1, k / 2, H);
    }
    return jd_div(g, m, ones);
}

jd_node jd_local_contrast_opt(jd_graph *g, jd_node x, jd_contrast_options o)
{
    const int k = o.size ? o.size : 9;
    const double sigma = o.sigma > 0 ? o.sigma : k / 4.0;
    if (!x.id) return JD_NONE;
    if (jd_rank(g, x) != 4 || k < 3 || k % 2 == 0 || k > MOST_CONTRAST) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE,
                "local contrast: an input of rank %d and a window of %d; images (B,H,W,C) and an odd window of 3 to %d",
                jd_rank(g, x), k, MOST_CONTRAST);
        return JD_NONE;
    }
    const jd_node down = gaussian(g, k, sigma, true), across = gaussian(g, k, sigma, false);
    const jd_node v = jd_sub(g, x, window_mean(g, x, down, across, k));
    /* a little under the root keeps its slope finite where the image is flat */
    const jd_node s = jd_sqrt(g, jd_affine(g, window_mean(g, jd_square(g, v), down, across, k), 1, 1e-8));
    const jd_node c = jd_mean(g, s, JD_AXIS(1) | JD_AXIS(2), true);
    return jd_div(g, v, jd_max(g, s, c));
}
