/* control_net.c - networks of a population: each lane is a network with weights of its own. */
#include "cpu/control.h"
#include "cpu/vecmath.h"

/* bias + sum of w[k] in[k], k rising; a chain for each lane. */
JD_INLINE vf chain(vf sum, const float *w, const float *in, size_t stride, int count)
{
    for (int k = 0; k < count; k++) sum = vf_fma(vf_load(w + k * JD_LANES), vf_load(in + (size_t)k * stride), sum);
    return sum;
}

JD_INLINE vf squash(int logistic, vf a)
{
    return logistic ? vf_sigmoid(a) : vf_tanh_short(a);
}

/* chain for four units side by side, so that none waits for itself; row: floats from one unit's weights to the next one's. */
JD_INLINE void four_chains(vf sum[4], const float *w, size_t row, const float *in, size_t stride, int count)
{
    for (int k = 0; k < count; k++) {
        const vf x = vf_load(in + (size_t)k * stride);
        JD_UNROLL
        for (int u = 0; u < 4; u++) sum[u] = vf_fma(vf_load(w + (size_t)u * row + k * JD_LANES), x, sum[u]);
    }
}

/* One step of VL lanes: now -> next. */
JD_INLINE void step(int I, int H, int F, int O, int out_bias, int logistic, size_t stride, const float *w,
                    const float *x, const float *now, float *next, float *y)
{
    const size_t row = (size_t)(1 + I + F) * JD_LANES;
    int j = 0;
    for (; j + 4 <= H; j += 4, w += 4 * row) {
        vf sum[4];
        JD_UNROLL
        for (int u = 0; u < 4; u++) sum[u] = vf_load(w + (size_t)u * row);
        four_chains(sum, w + JD_LANES, row, x, stride, I);
        four_chains(sum, w + (1 + I) * JD_LANES, row, now, JD_LANES, F);
        JD_UNROLL
        for (int u = 0; u < 4; u++) vf_store(next + (j + u) * JD_LANES, squash(logistic, sum[u]));
    }
    for (; j < H; j++, w += row) {
        const vf sum = chain(vf_load(w), w + JD_LANES, x, stride, I);
        vf_store(next + j * JD_LANES, squash(logistic, chain(sum, w + (1 + I) * JD_LANES, now, JD_LANES, F)));
    }
    for (int o = 0; o < O; o++, w += (out_bias + (H ? H : I)) * JD_LANES) {
        vf sum = out_bias ? vf_load(w) : vf_zero();
        if (H)
            sum = chain(sum, w + out_bias * JD_LANES, next, JD_LANES, H);
        else
            sum = chain(sum, w + out_bias * JD_LANES, x, stride, I);
        vf_store(y + (size_t)o * stride, squash(logistic, sum));
    }
}

/* Networks of any shape, one vector of lanes after the other.  O 0: the hidden units are the outputs. */
static void lanes(const jd_lane_net *n, size_t stride, const float *w, float *h, int64_t T, const float *x, size_t dx,
                  float *y, size_t dy)
{
    const int I = n->inputs, H = n->hidden, F = n->feedback, O = n->direct ? 0 : n->outputs, b = n->out_bias;
    for (int v = 0; v < JD_LANES; v += VL) {
        float *now = h + v, *next = h + (size_t)H * JD_LANES + v;
        for (int64_t t = 0; t < T; t++) {
            float *out = y + (size_t)t * dy + v;
            const float *in = x + (size_t)t * dx + v;
            if (n->logistic)
                step(I, H, F, O, b, 1, stride, w + v, in, now, next, out);
            else
                step(I, H, F, O, b, 0, stride, w + v, in, now, next, out);
            for (int j = 0; O == 0 && j < H; j++) vf_store(out + (size_t)j * stride, vf_load(next + j * JD_LANES));
            float *swap = now;
            now = next;
            next = swap;
        }
        if (T % 2) /* the state is the first half */
            for (int j = 0; j < H; j++) vf_store(h + j * JD_LANES + v, vf_load(now + j * JD_LANES));
    }
}

/* ---- fully recurrent tanh units and one output, few enough for registers ----------------------------------------------------*/

/* A vector of lanes. */
typedef struct group {
    const float *w, *x;
    float *h, *y;
} group;

enum { MOST = 5 }; /* hidden units */

/* a (H) = bias + what the inputs give. */
JD_INLINE void see(const group *g, const int I, const int H, size_t stride, const float *x, vf *a)
{
    const int row = (1 + I + H) * JD_LANES;
    JD_UNROLL
    for (int j = 0; j < H; j++) a[j] = vf_load(g->w + j * row);
    JD_UNROLL
    for (int i = 0; i < I; i++) {
        const vf in = vf_load(x + (size_t)i * stride);
        JD_UNROLL
        for (int j = 0; j < H; j++) a[j] = vf_fma(vf_load(g->w + j * row + (1 + i) * JD_LANES), in, a[j]);
    }
}

/* All steps of K groups side by side, since one alone waits for its own results.  The operations are those of step; held
 * inputs are looked at once.  K, I, H and b are constants where it is inlined, so that states stay in registers. */
JD_INLINE void registers(const int K, const int I, const int H, const int b, size_t stride, const group *g, int64_t T,
                         size_t dx, size_t dy)
{
    const int row = (1 + I + H) * JD_LANES, last = H * row;
    vf s[2][MOST], in[2][MOST], a[2][MOST];
    for (int k = 0; k < K; k++) {
        see(&g[k], I, H, stride, g[k].x, in[k]);
        for (int j = 0; j < H; j++) s[k][j] = vf_load(g[k].h + j * JD_LANES);
    }
    for (int64_t t = 0; t < T; t++) {
        JD_UNROLL
        for (int k = 0; k < K; k++) {
            if (dx) see(&g[k], I, H, stride, g[k].x + (size_t)t * dx, in[k]);
            JD_UNROLL
            for (int j = 0; j < H; j++) a[k][j] = in[k][j];
        }
        JD_UNROLL
        for (int i = 0; i < H; i++) JD_UNROLL
        for (int k = 0; k < K; k++) JD_UNROLL
        for (int j = 0; j < H; j++)
            a[k][j] = vf_fma(vf_load(g[k].w + j * row + (1 + I + i) * JD_LANES), s[k][i], a[k][j]);
        JD_UNROLL
        for (int j = 0; j < H; j++) JD_UNROLL
        for (int k = 0; k < K; k++) s[k][j] = vf_tanh_short(a[k][j]);
        JD_UNROLL
        for (int k = 0; k < K; k++) {
            vf out = b ? vf_load(g[k].w + last) : vf_zero();
            JD_UNROLL
            for (int j = 0; j < H; j++) out = vf_fma(vf_load(g[k].w + last + (b + j) * JD_LANES), s[k][j], out);
            vf_store(g[k].y + (size_t)t * dy, vf_tanh_short(out));
        }
    }
    for (int k = 0; k < K; k++)
        for (int j = 0; j < H; j++) vf_store(g[k].h + j * JD_LANES, s[k][j]);
}

JD_INLINE void recurrent(const int I, const int H, const int b, size_t stride, size_t blocks, const float *w, float *h,
                         int64_t T, const float *x, size_t dx, float *y, size_t dy)
{
    enum { PARTS = JD_LANES / VL };
    const size_t weights = (size_t)(H * (1 + I + H) + b + H) * JD_LANES, state = (size_t)(2 * H + 1) * JD_LANES;
    group g[2];
    int k = 0;
    for (size_t i = 0; i < blocks * PARTS; i++) {
        const size_t block = i / PARTS, v = i % PARTS * VL, at = block * JD_LANES + v;
        g[k++] = (group){w + block * weights + v, x + at, h + block * state + v, y + at};
        if (k == 2) registers(2, I, H, b, stride, g, T, dx, dy), k = 0;
    }
    if (k) registers(1, I, H, b, stride, g, T, dx, dy);
}

void JD_K(jd__net_lanes)(const jd_lane_net *n, size_t blocks, const float *w, float *h, int64_t T, const float *x,
                         size_t dx, float *y, size_t dy)
{
    const int I = n->inputs, H = n->hidden, F = n->feedback, O = n->direct ? 0 : n->outputs, b = n->out_bias;
    const size_t s = n->stride ? n->stride : JD_LANES;
    const int small = !n->logistic && F == H && O == 1;
    if (small && I == 4 && H == 5 && !b)
        recurrent(4, 5, 0, s, blocks, w, h, T, x, dx, y, dy);
    else if (small && I == 6 && H == 3 && b)
        recurrent(6, 3, 1, s, blocks, w, h, T, x, dx, y, dy);
    else if (small && I == 3 && H == 3 && b)
        recurrent(3, 3, 1, s, blocks, w, h, T, x, dx, y, dy);
    else
        for (size_t k = 0; k < blocks; k++) {
            const size_t seen = (size_t)(H ? H : I),
                         weights = (size_t)H * (size_t)(1 + I + F) + (size_t)O * ((size_t)b + seen);
            lanes(n, s, w + k * weights * JD_LANES, h + k * (2 * (size_t)H + 1) * JD_LANES, T, x + k * JD_LANES, dx,
                  y + k * JD_LANES, dy);
        }
}
