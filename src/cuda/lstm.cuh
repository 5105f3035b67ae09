/* lstm.cuh - the LSTM layer on the device: what the kernels of a step (lstm.cu, lstm_grad.cu) and those of whole sequences
 * (whole.cu, whole_grad.cu) share. */
#ifndef JD_CUDA_LSTM_CUH
#define JD_CUDA_LSTM_CUH

#include "cuda/recurrent.cuh"

/* The activated gates of one unit, its new cell and output. */
struct lstm_values {
    float i, f, z, o, cell, m;
    __device__ float kept() const { return cell; }
};

struct lstm {
    jd_steps s;
    int64_t H, P;
    const float *R, *peep, *h0, *c0;
    float *gates, *cells, *y, *m; /* m: the cells' outputs, y itself without projection */
    bool no_forget;
    int in_squash, out_squash;

    typedef lstm_values values;
    /* Of gate g of unit u, from the state's number k. */
    __device__ float weight(int g, int64_t u, int64_t k) const { return R[(g * H + u) * P + k]; }
    __device__ float first_state(int64_t b, int64_t u) const { return h0 ? h0[b * P + u] : 0; }
    __device__ float first_kept(int64_t b, int64_t u) const { return c0 ? c0[b * H + u] : 0; }
    /* The unit's peepholes i f o, or zeros. */
    __device__ void extra(int64_t u, float *p) const
    {
        for (int k = 0; k < 3; k++) p[k] = peep ? peep[k * H + u] : 0;
    }
    /* What the inputs give to i f z o. */
    __device__ void look(int64_t row, int64_t u, float *pre) const
    {
        for (int k = 0; k < 4; k++) pre[k] = gates[row * 4 * H + k * H + u];
    }
    /* pre: the sums i f z o; p: extra; old: the cell before. */
    __device__ values cell(const float *pre, const float *p, float old) const
    {
        values v;
        v.i = jd_sigmoidf(pre[0] + (peep ? p[0] * old : 0));
        v.f = no_forget ? 1 : jd_sigmoidf(pre[1] + (peep ? p[1] * old : 0));
        v.z = jd_squash_of(in_squash, pre[2]);
        v.cell = fmaf(old, v.f, v.z * v.i);
        v.o = jd_sigmoidf(pre[3] + (peep ? p[2] * v.cell : 0));
        v.m = v.o * jd_squash_of(out_squash, v.cell);
        return v;
    }
    __device__ void store(int64_t row, int64_t u, const values &v) const
    {
        float *g = gates + row * 4 * H + u;
        g[0] = v.i;
        g[H] = v.f;
        g[2 * H] = v.z;
        g[3 * H] = v.o;
        cells[row * H + u] = v.cell;
        m[row * H + u] = v.m;
    }
};

/* What the errors of one unit need of the forward pass. */
struct lstm_seen {
    float i, f, z, o, now, old;
};

struct lstm_back {
    jd_steps s;
    int64_t H, P;
    const float *R, *peep, *proj, *c0, *gates, *cells, *dy, *dhT, *dcT;
    float *delta; /* (T,B,4H) */
    float *dr;    /* (T,B,P): errors of the projected output */
    float *kept;  /* (B,H): the error of the cell */
    bool no_forget, truncate;
    int in_squash, out_squash;

    typedef lstm_seen seen;
    __device__ float weight(int g, int64_t u, int64_t k) const { return R[(g * H + u) * P + k]; }
    __device__ float last_kept(int64_t b, int64_t u) const { return dcT ? dcT[b * H + u] : 0; }
    __device__ void extra(int64_t u, float *p) const
    {
        for (int k = 0; k < 3; k++) p[k] = peep ? peep[k * H + u] : 0;
    }
    /* What does not come through R: the error of the output, and of the final state at the last step. */
    __device__ float direct(int64_t b, int64_t p, int64_t step) const
    {
        float e = dy && step >= 0 ? dy[s.row(b, step) * P + p] : 0;
        if (step == s.count(b) - 1 && dhT) e += dhT[b * P + p];
        return e;
    }
    __device__ seen look(int64_t b, int64_t u, int64_t step) const
    {
        const int64_t row = s.row(b, step);
        const float *g = gates + row * 4 * H + u, *before = s.before(cells, c0, H, b, step);
        return {g[0], g[H], g[2 * H], g[3 * H], cells[row * H + u], before ? before[u] : 0};
    }
    /* to: the errors i f z o, from that of the unit's output; dc: of the cell after this step, then after the one before. */
    __device__ void errors(const seen &v, const float *p, float dm, float *dc, float *to) const
    {
        const float y = jd_squash_of(out_squash, v.now), d_o = dm * y * v.o * (1 - v.o);
        float d = *dc + (dm * v.o * jd_squash_slope(out_squash, y) + p[2] * d_o);
        const float d_i = d * v.z * v.i * (1 - v.i), d_f = no_forget ? 0 : d * v.old * v.f * (1 - v.f);
        to[0] = d_i;
        to[1] = d_f;
        to[2] = d * v.i * jd_squash_slope(in_squash, v.z);
        to[3] = d_o;
        d *= v.f;
        if (peep && !truncate) d += p[0] * d_i + p[1] * d_f;
        *dc = d;
    }
};

#endif
