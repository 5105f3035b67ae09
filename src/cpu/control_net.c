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

/* Shapes known at compile time are unrolled; the operations are the same.  O 0: the hidden units are the outputs. */
JD_INLINE void lanes(int I, int H, int F, int O, int out_bias, int logistic, size_t stride, const float *w, float *h,
                     int64_t T, const float *x, size_t dx, float *y, size_t dy)
{
    for (int v = 0; v < JD_LANES; v += VL) {
        float *now = h + v, *next = h + (size_t)H * JD_LANES + v;
        for (int64_t t = 0; t < T; t++) {
            float *out = y + (size_t)t * dy + v;
            step(I, H, F, O, out_bias, logistic, stride, w + v, x + (size_t)t * dx + v, now, next, out);
            for (int j = 0; O == 0 && j < H; j++) vf_store(out + (size_t)j * stride, vf_load(next + j * JD_LANES));
            float *swap = now;
            now = next;
            next = swap;
        }
        if (T % 2) /* the state is the first half */
            for (int j = 0; j < H; j++) vf_store(h + j * JD_LANES + v, vf_load(now + j * JD_LANES));
    }
}

void JD_K(jd__net_lanes)(const jd_lane_net *n, const float *w, float *h, int64_t T, const float *x, size_t dx, float *y,
                         size_t dy)
{
    const int I = n->inputs, H = n->hidden, F = n->feedback, O = n->direct ? 0 : n->outputs, b = n->out_bias;
    const size_t s = n->stride ? n->stride : JD_LANES;
    if (n->logistic)
        lanes(I, H, F, O, b, 1, s, w, h, T, x, dx, y, dy);
    else if (I == 4 && H == 5 && F == 5 && O == 1 && !b)
        lanes(4, 5, 5, 1, 0, 0, s, w, h, T, x, dx, y, dy);
    else if (I == 6 && H == 3 && F == 3 && O == 1 && b)
        lanes(6, 3, 3, 1, 1, 0, s, w, h, T, x, dx, y, dy);
    else if (I == 3 && H == 3 && F == 3 && O == 1 && b)
        lanes(3, 3, 3, 1, 1, 0, s, w, h, T, x, dx, y, dy);
    else
        lanes(I, H, F, O, b, 0, s, w, h, T, x, dx, y, dy);
}
