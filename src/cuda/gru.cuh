/* gru.cuh - the gated recurrent unit on the device: what the kernels of a step (gru.cu) and those of whole sequences (whole.cu,
 * whole_grad.cu) share.  Formulas: ops/gru.c, ops/gru_grad.c. */
#ifndef JD_CUDA_GRU_CUH
#define JD_CUDA_GRU_CUH

#include "cuda/recurrent.cuh"

/* Of one unit: the gates r u, the new state's proposal n, the state's part q of it; the new state. */
struct gru_values {
    float r, u, n, q, m;
    __device__ float kept() const { return m; }
};

struct gru {
    jd_steps s;
    int64_t H;
    const float *R, *bR, *h0;
    float *gates, *y; /* gates (T,B,4H): r u n q */

    typedef gru_values values;
    /* Of r, u, n and q of unit u, from the state's number k: n itself has none. */
    __device__ float weight(int g, int64_t u, int64_t k) const
    {
        return g == 2 ? 0 : R[((g < 2 ? g : 2) * H + u) * H + k];
    }
    __device__ float first_state(int64_t b, int64_t u) const { return h0 ? h0[b * H + u] : 0; }
    __device__ float first_kept(int64_t b, int64_t u) const { return first_state(b, u); }
    __device__ void extra(int64_t u, float *p) const { p[0] = bR ? bR[u] : 0; }
    /* What the inputs give. */
    __device__ void look(int64_t row, int64_t u, float *pre) const
    {
        for (int k = 0; k < 3; k++) pre[k] = gates[row * 4 * H + k * H + u];
        pre[3] = 0;
    }
    /* pre: the sums r u n q; p: extra; old: the state before. */
    __device__ values cell(const float *pre, const float *p, float old) const
    {
        values v;
        v.r = jd_sigmoidf(pre[0]);
        v.u = jd_sigmoidf(pre[1]);
        v.q = pre[3] + p[0];
        v.n = jd_tanhf(pre[2] + v.r * v.q);
        v.m = (1 - v.u) * v.n + v.u * old;
        return v;
    }
    __device__ void store(int64_t row, int64_t k, const values &v) const
    {
        float *g = gates + row * 4 * H + k;
        g[0] = v.r;
        g[H] = v.u;
        g[2 * H] = v.n;
        g[3 * H] = v.q;
        y[row * H + k] = v.m;
    }
};

struct gru_seen {
    float r, u, n, q, old;
};

struct gru_back {
    jd_steps s;
    int64_t H;
    const float *R, *h0, *y, *gates, *dy, *dhT;
    float *delta; /* (T,B,4H): errors of r u n, then of q */
    float *kept;  /* (B,H): what goes back past the gates */

    static constexpr bool truncate = false;
    typedef gru_seen seen;
    __device__ float weight(int g, int64_t u, int64_t k) const
    {
        return g == 2 ? 0 : R[((g < 2 ? g : 2) * H + u) * H + k];
    }
    __device__ float last_kept(int64_t, int64_t) const { return 0; }
    __device__ void extra(int64_t, float *) const {}
    /* The error of the state after `step` that comes neither through R nor past the gates; step -1: the initial state. */
    __device__ float direct(int64_t b, int64_t u, int64_t step) const
    {
        float e = dy && step >= 0 ? dy[s.row(b, step) * H + u] : 0;
        if (step == s.count(b) - 1 && dhT) e += dhT[b * H + u];
        return e;
    }
    __device__ seen look(int64_t b, int64_t u, int64_t step) const
    {
        const float *g = gates + s.row(b, step) * 4 * H + u, *h = s.before(y, h0, H, b, step);
        return {g[0], g[H], g[2 * H], g[3 * H], h ? h[u] : 0};
    }
    /* to: the errors r u n q, from that of the state; k: what goes past the gates to this step, then to the one before. */
    __device__ void errors(const seen &v, const float *, float dm, float *k, float *to) const
    {
        const float d = dm + *k, dn = d * (1 - v.u) * (1 - v.n * v.n);
        to[0] = dn * v.q * v.r * (1 - v.r);
        to[1] = d * (v.old - v.n) * v.u * (1 - v.u);
        to[2] = dn;
        to[3] = dn * v.r;
        *k = d * v.u;
    }
};

#endif
