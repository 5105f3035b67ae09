/*
 * scan_net.c - the nodes of a scan: fragments as samples of the batch.
 *
 * All fragments have one size.  Let N outputs be wanted per axis, S be the product of the steps so far and w the window in
 * cells of the maps: they have N/S - 1 + w cells.  A layer of window k and step s is computed at every cell, which gives
 * N/S + w - k, and the cells d, d + s, d + 2s ... become fragment d.  With w' = (w - k)/s + 1 cells left of the window,
 * each needs N/(S s) - 1 + w', which is at hand for all d < s since s w' <= w - k + s.
 *
 * Where not every output is wanted the first steps are taken as in the net itself, and N is divided by them.
 */
#include <stdio.h>

#include "jackdaw/convolve.h"
#include "layers/layers.h"
#include "vision/scan.h"

/* What is left of the window before a layer. */
typedef struct state {
    int64_t h, w; /* cells of the window */
    int64_t step; /* S */
    int64_t channels;
} state;

static jd_status refuse(jd_ctx *ctx, const jd__net_layer *l, const char *why)
{
    return jd_fail(ctx, JD_EUSAGE, "scan: the layer %s: %s", l->name, why);
}

static int64_t step_of(const jd__net_layer *l)
{
    if (l->kind == JD_NET_CONV) return l->stride ? l->stride : 1;
    return l->stride ? l->stride : l->size;
}

/* A layer of window k and step s: the sizes after it. */
static jd_status advance(jd_ctx *ctx, const jd__net_layer *l, state *st)
{
    const int64_t k = l->kind == JD_NET_CONV ? (l->size - 1) * l->dilation + 1 : l->size, s = step_of(l);
    char why[160];
    if (k > st->h || k > st->w) {
        snprintf(why, sizeof why, "its window of %lldx%lld does not fit on the %lldx%lld cells left of the patch",
                 (long long)k, (long long)k, (long long)st->h, (long long)st->w);
        return refuse(ctx, l, why);
    }
    if (l->pad) return refuse(ctx, l, "zeros around a patch have no counterpart inside an image; train without pad");
    if (l->ceil && ((st->h - k) % s || (st->w - k) % s))
        return refuse(ctx, l, "`ceil` pools windows cut off by the patch's edge; choose sizes that divide");
    if (s < 1) return refuse(ctx, l, "its step must be at least 1");
    if (s > 1 && l->dilation > 1) return refuse(ctx, l, "dilation goes with stride 1 only");
    st->h = (st->h - k) / s + 1;
    st->w = (st->w - k) / s + 1;
    st->step *= s;
    return st->step > 4096 ? refuse(ctx, l, "the product of all steps is over 4096") : JD_OK;
}

static jd_status pass(jd_ctx *ctx, const jd__net_layer *l, state *st)
{
    switch (l->kind) {
    case JD_NET_CONV:
        if (l->places) return refuse(ctx, l, "with `places` it does not treat all places of an image alike");
        if (advance(ctx, l, st)) return jd_error(ctx);
        st->channels = l->units;
        return JD_OK;
    case JD_NET_MAXPOOL:
    case JD_NET_AVGPOOL: return advance(ctx, l, st);
    case JD_NET_DENSE:
        if (!l->each) st->h = st->w = 1;
        st->channels = l->units;
        return JD_OK;
    case JD_NET_DROPOUT:
    case JD_NET_NOISE:
    case JD_NET_FLATTEN:
    case JD_NET_ACTIVATION:
    case JD_NET_LAYERNORM:
    case JD_NET_BATCHNORM: return JD_OK;
    default: return refuse(ctx, l, "it does not treat all places of an image alike, so it cannot be scanned");
    }
}

/* Multiply-adds of layer l for one window. */
static double macs_of(const jd__net_layer *l, const state *before, const state *after)
{
    if (l->kind == JD_NET_CONV)
        return (double)(after->h * after->w * after->channels) * (double)(before->channels * l->size * l->size);
    if (l->kind == JD_NET_DENSE) return (double)(before->h * before->w * before->channels) * (double)l->units;
    return 0;
}

/* Reads and checks a net; returns the number of layers, 0 after an error. */
static int read_net(jd_ctx *ctx, const char *net, state st, jd__net_layer *list, jd_scan_shape *shape)
{
    if (jd_error(ctx)) return 0;
    if (!net || st.h < 1 || st.w < 1 || st.channels < 1) {
        jd_fail(ctx, JD_EUSAGE, "scan: a window of %lldx%lld with %lld channels and the net \"%s\"; give all of them",
                (long long)st.h, (long long)st.w, (long long)st.channels, net ? net : "");
        return 0;
    }
    const int n = jd__net_layers(ctx, net, list);
    double macs = 0;
    for (int i = 0; i < n; i++) {
        const state before = st;
        if (pass(ctx, &list[i], &st)) return 0;
        macs += macs_of(&list[i], &before, &st);
    }
    if (n && (st.h != 1 || st.w != 1)) {
        jd_fail(
            ctx, JD_EUSAGE,
            "scan: the net leaves %lldx%lld cells of the patch at its end; a patch must become one cell, for example "
            "by a dense layer",
            (long long)st.h, (long long)st.w);
        return 0;
    }
    if (shape) *shape = (jd_scan_shape){.step = st.step, .outputs = st.channels, .macs = macs};
    return n;
}

jd_status jd_scan_check(jd_ctx *ctx, const char *net, int64_t height, int64_t width, int64_t channels,
                        jd_scan_shape *out)
{
    jd__net_layer list[JD_NET_LAYERS];
    read_net(ctx, net, (state){height, width, 1, channels}, list, out);
    return jd_error(ctx);
}

int64_t jd_scan_every(jd_ctx *ctx, const char *net, int64_t most)
{
    jd__net_layer list[JD_NET_LAYERS];
    const int n = jd__net_layers(ctx, net, list);
    int64_t every = 1;
    for (int i = 0; i < n; i++) {
        const bool strided =
            list[i].kind == JD_NET_CONV || list[i].kind == JD_NET_MAXPOOL || list[i].kind == JD_NET_AVGPOOL;
        const int64_t s = strided ? step_of(&list[i]) : 1;
        if (s < 1 || every * s > most) break;
        every *= s;
    }
    return every;
}

double jd__scan_bytes(jd_ctx *ctx, const char *net, int64_t height, int64_t width, int64_t channels, int64_t N,
                      int64_t M)
{
    jd__net_layer list[JD_NET_LAYERS];
    state st = {height, width, 1, channels};
    const int n = read_net(ctx, net, st, list, NULL);
    double most = 0, in = (double)((N + height - 1) * (M + width - 1) * channels);
    for (int i = 0; i < n; i++) {
        pass(ctx, &list[i], &st);
        const double cells = (double)(N + st.step * (st.h - 1)) * (double)(M + st.step * (st.w - 1));
        const double out = cells * (double)st.channels;
        if (in + 3 * out > most) most = in + 3 * out;
        in = out;
    }
    return most * sizeof(float);
}

/* ---- building ----------------------------------------------------------------------------------------------------------*/

typedef struct builder {
    jd_graph *g;
    int64_t N, M;  /* outputs wanted */
    int64_t every; /* ... of which the first steps still have to leave one in so many */
    state st;
    int64_t split[JD_NET_LAYERS]; /* the steps > 1, in order */
    int splits;
} builder;

/* Every cell of x is computed; cells d, d + s ... become the samples of fragment d: (B,h s,w s,C) -> (s s B,h,w,C). */
static jd_node split(builder *b, jd_node x, int64_t s)
{
    jd_graph *g = b->g;
    const int64_t h = b->N / b->st.step - 1 + b->st.h, w = b->M / b->st.step - 1 + b->st.w;
    if (!x.id || s == 1) return x;
    const int64_t n = jd_dim(g, x, 0), c = jd_dim(g, x, 3);
    if (jd_dim(g, x, 1) != s * h) x = jd_slice(g, x, 1, 0, s * h);
    if (jd_dim(g, x, 2) != s * w) x = jd_slice(g, x, 2, 0, s * w);
    x = jd_transpose(g, jd_reshape(g, x, JD_DIMS(n, h, s, w, s, c)), (const int[]){2, 4, 0, 1, 3, 5});
    b->split[b->splits++] = s;
    return jd_reshape(g, x, JD_DIMS(s * s * n, h, w, c));
}

/* A layer of step s before anything was split: its step is taken, where only every s-th output is wanted. */
static bool keeps_one(builder *b, int64_t s)
{
    if (s == 1 || b->splits || b->every == 1 || b->every % s) return false;
    b->every /= s;
    b->N /= s;
    b->M /= s;
    b->st.step /= s;
    return true;
}

/* What a layer that took its step computed beyond the wanted outputs' windows is cut off. */
static jd_node cut(builder *b, jd_node x)
{
    jd_graph *g = b->g;
    const int64_t h = b->N / b->st.step - 1 + b->st.h, w = b->M / b->st.step - 1 + b->st.w;
    if (!x.id) return x;
    if (jd_dim(g, x, 1) != h) x = jd_slice(g, x, 1, 0, h);
    if (jd_dim(g, x, 2) != w) x = jd_slice(g, x, 2, 0, w);
    return x;
}

/* The reverse for the outputs. */
static jd_node join(builder *b, jd_node y)
{
    jd_graph *g = b->g;
    for (int i = b->splits; i-- > 0 && y.id;) {
        const int64_t s = b->split[i], n = jd_dim(g, y, 0) / (s * s), h = jd_dim(g, y, 1), w = jd_dim(g, y, 2);
        const int64_t c = jd_dim(g, y, 3);
        y = jd_transpose(g, jd_reshape(g, y, JD_DIMS(s, s, n, h, w, c)), (const int[]){2, 3, 0, 4, 1, 5});
        y = jd_reshape(g, y, JD_DIMS(n, s * h, s * w, c));
    }
    return y;
}

/* (F,H,W,C) -> (F,H-h+1,W-w+1,h w C): each cell's window as one row. */
static jd_node unfold(jd_graph *g, jd_node x, int64_t h, int64_t w)
{
    jd_node part[64];
    const int64_t H = jd_dim(g, x, 1) - h + 1, W = jd_dim(g, x, 2) - w + 1;
    int n = 0;
    for (int64_t i = 0; i < h; i++)
        for (int64_t j = 0; j < w; j++) part[n++] = jd_slice(g, jd_slice(g, x, 1, i, H), 2, j, W);
    return jd_concat(g, part, n, 3);
}

/* A dense layer on windows of h x w cells is a convolution; on single cells, a product.  Products of few outputs sum in
 * another order than convolutions, so there the windows are laid out and the product is taken. */
static jd_node dense(builder *b, const jd__net_layer *l, jd_node x, int64_t h, int64_t w)
{
    jd_graph *g = b->g;
    if (!x.id) return x;
    if (l->each || (h == 1 && w == 1)) return jd_dense(g, l->name, x, .units = l->units, .act = l->act, .each = true);
    if (l->units <= 8 && h * w <= 64)
        return jd_dense(g, l->name, unfold(g, x, h, w), .units = l->units, .act = l->act, .each = true);
    const int64_t c = jd_dim(g, x, 3);
    jd_scope_push(g, l->name);
    const jd_node weight = jd_param(g, "W", jd__default_init((jd_init){0}, l->act), JD_DIMS(l->units, h * w * c));
    jd_node y = jd_conv2d_raw(g, x, jd_reshape(g, weight, JD_DIMS(l->units, h, w, c)), (jd_conv_options){0});
    y = jd_activate(g, jd_add(g, y, jd_param(g, "b", (jd_init){0}, JD_DIMS(l->units))), l->act);
    jd_scope_pop(g);
    return y;
}

static jd_node layer(builder *b, const jd__net_layer *l, jd_node x)
{
    jd_graph *g = b->g;
    const state before = b->st;
    if (pass(jd_graph_ctx(g), l, &b->st)) return JD_NONE;
    const bool strided = l->kind == JD_NET_CONV || l->kind == JD_NET_MAXPOOL || l->kind == JD_NET_AVGPOOL;
    const int64_t s = strided ? step_of(l) : 1;
    const bool kept = keeps_one(b, s);
    const int stride = kept ? (int)s : 1;
    switch (l->kind) {
    case JD_NET_CONV:
        x = jd_conv2d_partial(g, l->name, x,
                              .conv = {.maps = l->units, .size = l->size, .act = l->act, .stride = stride},
                              .dilation = l->dilation, .fan = l->fan);
        break;
    case JD_NET_MAXPOOL: x = jd_maxpool(g, x, .size = l->size, .stride = stride); break;
    case JD_NET_AVGPOOL: x = jd_avgpool(g, x, .size = l->size, .stride = stride); break;
    case JD_NET_DENSE: return dense(b, l, x, before.h, before.w);
    case JD_NET_DROPOUT: return jd_dropout(g, l->name, x, l->rate);
    case JD_NET_NOISE: return jd_gauss_noise(g, l->name, x, l->rate);
    case JD_NET_ACTIVATION: return jd_activate(g, x, l->act);
    case JD_NET_LAYERNORM: return jd_layernorm(g, l->name, x);
    case JD_NET_BATCHNORM: return jd_batchnorm(g, l->name, x);
    default: return x;
    }
    return kept ? cut(b, x) : split(b, x, s);
}

jd_node jd_scan_net(jd_graph *g, const char *net, jd_node x, int64_t height, int64_t width)
{
    if (!g) return (jd_node){0};
    return jd_scan_net_every(g, net, x, height, width, 1);
}

jd_node jd_scan_net_every(jd_graph *g, const char *net, jd_node x, int64_t height, int64_t width, int64_t every)
{
    if (!g) return (jd_node){0};
    jd_ctx *ctx = jd_graph_ctx(g);
    jd__net_layer list[JD_NET_LAYERS];
    jd_scan_shape shape;
    if (!x.id || jd_error(ctx)) return JD_NONE;
    if (jd_rank(g, x) != 4) {
        jd_fail(ctx, JD_EUSAGE, "scan: needs images (B,H,W,C), but its input has rank %d", jd_rank(g, x));
        return JD_NONE;
    }
    builder b = {.g = g,
                 .N = jd_dim(g, x, 1) - height + 1,
                 .M = jd_dim(g, x, 2) - width + 1,
                 .every = every,
                 .st = {height, width, 1, jd_dim(g, x, 3)}};
    const int n = read_net(ctx, net, b.st, list, &shape);
    if (!n) return JD_NONE;
    if (b.N < 1 || b.M < 1 || b.N % shape.step || b.M % shape.step) {
        jd_fail(
            ctx, JD_EUSAGE,
            "scan: an image of %lldx%lld gives %lldx%lld outputs of %lldx%lld windows; they must be multiples of %lld",
            (long long)jd_dim(g, x, 1), (long long)jd_dim(g, x, 2), (long long)b.N, (long long)b.M, (long long)height,
            (long long)width, (long long)shape.step);
        return JD_NONE;
    }
    for (int i = 0; i < n && x.id; i++) x = layer(&b, &list[i], x);
    if (x.id && b.every != 1) {
        jd_fail(ctx, JD_EUSAGE,
                "scan: every %lld-th output is not what the net's first steps leave; give 1 or their "
                "product",
                (long long)every);
        return JD_NONE;
    }
    return join(&b, x);
}
