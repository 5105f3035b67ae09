/* pixel_driver.c - see pixel_driver.h. */
#include <math.h>
#include <string.h>

#include "pixel_driver.h"

enum { BIG = 160, SMALL = PD_GENES - BIG, SMALL_WEIGHTS = PD_WEIGHTS - PD_BIAS };

/* The scales make up for the number of weights that act together: some hundred edge pixels, 256 units. */
static const jd_code_array NET[] = {
    {.rank = 4, .size = {PD_GRID, PD_GRID, PD_SIDE, PD_SIDE}, .genes = 100, .scale = 1. / 16},
    {.rank = 4, .size = {PD_GRID, PD_GRID, PD_GRID, PD_GRID}, .genes = 60, .scale = 1. / 32},
    {.rank = 2, .size = {PD_GRID, PD_GRID}, .genes = 10},
    {.rank = 3, .size = {PD_OUTPUTS, PD_GRID, PD_GRID}, .genes = 27, .scale = 1. / 32},
    {.rank = 1, .size = {PD_OUTPUTS}, .genes = 3},
};
enum { INPUT, RECURRENT, BIAS };

typedef struct net {
    double genome[PD_GENES];
    double small[SMALL_WEIGHTS]; /* biases and output weights */
    float h[PD_HIDDEN];
} net;

struct pd_nets {
    jd_ctx *ctx;
    jd_code *all, *small;
    net *net;
    size_t count;
};

static jd_code *make_code(jd_ctx *ctx, int first)
{
    return jd_code_new(ctx, &(jd_code_options){.kind = JD_CODE_DCT, .array = NET + first, .arrays = 5 - first});
}

pd_nets *pd_nets_new(jd_ctx *ctx, size_t count)
{
    pd_nets *n = jd_alloc(ctx, sizeof *n);
    if (!n) return NULL;
    *n = (pd_nets){.ctx = ctx, .all = make_code(ctx, 0), .small = make_code(ctx, BIAS), .count = count};
    n->net = jd_alloc_array(ctx, count, sizeof *n->net);
    if (!jd_error(ctx)) return n;
    pd_nets_free(n);
    return NULL;
}

void pd_nets_free(pd_nets *n)
{
    if (!n) return;
    jd_code_free(n->all);
    jd_code_free(n->small);
    jd_free(n->ctx, n->net);
    jd_free(n->ctx, n);
}

void pd_nets_set(pd_nets *n, size_t i, const double *genome)
{
    net *a = &n->net[i];
    memcpy(a->genome, genome, sizeof a->genome);
    memset(a->h, 0, sizeof a->h);
    jd_code_decode(n->small, genome + BIG, a->small);
}

void pd_edges(const float *rgb, float *edge)
{
    float s[PD_PIXELS];
    for (int k = 0; k < PD_PIXELS; k++, rgb += 3) {
        const float high = fmaxf(rgb[0], fmaxf(rgb[1], rgb[2])), low = fminf(rgb[0], fminf(rgb[1], rgb[2]));
        s[k] = high > 0 ? (high - low) / high : 0;
    }
    memset(edge, 0, PD_PIXELS * sizeof *edge);
    for (int i = 0; i + 1 < PD_SIDE; i++)
        for (int j = 0; j + 1 < PD_SIDE; j++) {
            const float *p = s + i * PD_SIDE + j;
            edge[i * PD_SIDE + j] = fabsf(p[0] - p[PD_SIDE + 1]) + fabsf(p[PD_SIDE] - p[1]) > .1f ? 1 : 0;
        }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* outputs (3) of hidden activities; v: output weights, then output biases. */
static void outputs(const double *v, const float *h, double *out)
{
    for (int o = 0; o < PD_OUTPUTS; o++) {
        double sum = v[PD_OUTPUTS * PD_HIDDEN + o];
        for (int k = 0; k < PD_HIDDEN; k++) sum += v[o * PD_HIDDEN + k] * (double)h[k];
        out[o] = sigmoid(sum);
    }
}

void pd_nets_step(pd_nets *n, size_t i, const float *rgb, float action[PD_ACTIONS])
{
    net *a = &n->net[i];
    float edge[PD_PIXELS];
    double seen[PD_HIDDEN], felt[PD_HIDDEN], out[PD_OUTPUTS];
    pd_edges(rgb, edge);
    memset(action, 0, PD_ACTIONS * sizeof *action);
    if (jd_code_multiply(n->all, INPUT, 2, a->genome, edge, seen) ||
        jd_code_multiply(n->all, RECURRENT, 2, a->genome, a->h, felt))
        return;
    for (int k = 0; k < PD_HIDDEN; k++) a->h[k] = (float)sigmoid(seen[k] + felt[k] + a->small[k]);
    outputs(a->small + PD_HIDDEN, a->h, out);
    action[0] = (float)(2 * out[0] - 1);
    action[1] = (float)fmax(0, 2 * out[1] - 1);
    action[2] = (float)(fmax(0, 1 - 2 * out[1]) * out[2]);
}

const float *pd_nets_hidden(const pd_nets *n, size_t i)
{
    return n->net[i].h;
}

float *pd_weights(jd_ctx *ctx, const double *genome)
{
    jd_code *c = make_code(ctx, 0);
    float *w = c && jd_code_weights(c) == PD_WEIGHTS ? jd_alloc_array(ctx, PD_WEIGHTS, sizeof *w) : NULL;
    if (w) jd_code_decode_f32(c, genome, w);
    jd_code_free(c);
    return w;
}

void pd_step_with_weights(const float *weights, const float *rgb, float *h, double *out)
{
    float edge[PD_PIXELS], now[PD_HIDDEN];
    double v[PD_OUTPUTS * (PD_HIDDEN + 1)];
    pd_edges(rgb, edge);
    for (int u = 0; u < PD_HIDDEN; u++) {
        double sum = (double)weights[PD_BIAS + u];
        for (int k = 0; k < PD_PIXELS; k++) sum += (double)weights[u * PD_PIXELS + k] * (double)edge[k];
        for (int k = 0; k < PD_HIDDEN; k++) sum += (double)weights[PD_RECURRENT + u * PD_HIDDEN + k] * (double)h[k];
        now[u] = (float)sigmoid(sum);
    }
    memcpy(h, now, sizeof now);
    for (int k = 0; k < PD_OUTPUTS * (PD_HIDDEN + 1); k++) v[k] = (double)weights[PD_OUTPUT + k];
    outputs(v, h, out);
}
