/*
 * lstm.cuh - the LSTM layer on the device: what the kernels of a step (lstm.cu, lstm_grad.cu) and those of whole sequences
 * (lstm_whole.cu, lstm_whole_grad.cu) share.
 *
 * A kernel of a whole sequence keeps R in the shared memory of the multiprocessors: block (g, n) has all columns of the
 * rows of UB units, and BG samples.  Blocks of one g, a group, exchange what the next step needs through L2 and a counter;
 * groups know nothing of one another.  The numbers behind it, for B = 64 samples on an H200 (132 multiprocessors at
 * 1.98 GHz, 128 fused multiply-adds a cycle and 227 KB each; L2 about 5 TB/s, 700 cycles away; a signal and the wait for it
 * about 1500 cycles), in microseconds a step:
 *
 *     H      R in a block   products   exchange a block, forwards   backwards      hoped for, forwards / backwards
 *     256     68 KB         0.5            8 KB                      8 +  8 KB      2.4 / 2.5
 *     512    136 KB         2.1           32 KB                     32 + 32 KB      4.3 / 4.5
 *     1024   144 KB         8.3          256 KB                    256 + 256 KB    12   / 16
 *
 * Forwards a block reads the states of its group (BG H) and finds its units' gates: copies run ahead of the products in a
 * ring of 4 stages, 64 sums a thread make 64 multiply-adds of 16 numbers read, and the k are dealt to warps, whose sums meet
 * in shared memory.  Backwards the other way about: reading the errors of all gates (BG 4H) would need 4 times the traffic,
 * so a block multiplies the errors of its own units with its rows of R, leaves a part of the error of every unit (BG H), and
 * each unit adds the parts of all blocks.  The states' part of a step is thereby bound by the arithmetic up to H = 512.
 *
 * Sums over k have an order that depends on the shapes alone, but not the CPU's.
 */
#ifndef JD_CUDA_LSTM_CUH
#define JD_CUDA_LSTM_CUH

#include "cuda/recurrent.cuh"

struct lstm {
    jd_steps s;
    int64_t H, P;
    const float *R, *peep, *h0, *c0;
    float *gates, *cells, *y, *m; /* m: the cells' outputs, y itself without projection */
    bool no_forget;
    int in_squash, out_squash;
};

/* The activated gates of one unit, its new cell and output. */
struct lstm_values {
    float i, f, z, o, cell, m;
};

/* pre: the sums i f z o; p: the unit's peepholes i f o, or zeros. */
static __device__ inline lstm_values lstm_cell(const lstm &l, const float *pre, const float *p, float old)
{
    lstm_values v;
    v.i = jd_sigmoidf(pre[0] + (l.peep ? p[0] * old : 0));
    v.f = l.no_forget ? 1 : jd_sigmoidf(pre[1] + (l.peep ? p[1] * old : 0));
    v.z = jd_squash_of(l.in_squash, pre[2]);
    v.cell = fmaf(old, v.f, v.z * v.i);
    v.o = jd_sigmoidf(pre[3] + (l.peep ? p[2] * v.cell : 0));
    v.m = v.o * jd_squash_of(l.out_squash, v.cell);
    return v;
}

static __device__ inline void lstm_peepholes(const float *peep, int64_t H, int64_t u, float *p)
{
    for (int k = 0; k < 3; k++) p[k] = peep ? peep[k * H + u] : 0;
}

static __device__ inline void lstm_store(const lstm &l, int64_t row, int64_t u, const lstm_values &v)
{
    float *g = l.gates + row * 4 * l.H + u;
    g[0] = v.i;
    g[l.H] = v.f;
    g[2 * l.H] = v.z;
    g[3 * l.H] = v.o;
    l.cells[row * l.H + u] = v.cell;
    l.m[row * l.H + u] = v.m;
}

struct lstm_back {
    jd_steps s;
    int64_t H, P;
    const float *R, *peep, *proj, *c0, *gates, *cells, *dy, *dhT, *dcT;
    float *delta; /* (T,B,4H) */
    float *dr;    /* (T,B,P): errors of the projected output */
    float *dc;    /* (B,H) */
    bool no_forget, truncate;
    int in_squash, out_squash;
};

/* What does not come through R: the error of the output, and of the final state at the last step. */
static __device__ inline float lstm_direct(const lstm_back &l, int64_t b, int64_t p, int64_t step)
{
    float e = l.dy && step >= 0 ? l.dy[l.s.row(b, step) * l.P + p] : 0;
    if (step == l.s.count(b) - 1 && l.dhT) e += l.dhT[b * l.P + p];
    return e;
}

/* What the errors of one unit need of the forward pass. */
struct lstm_seen {
    float i, f, z, o, now, old;
};

static __device__ inline lstm_seen lstm_look(const lstm_back &l, int64_t b, int64_t u, int64_t step)
{
    const int64_t row = l.s.row(b, step);
    const float *g = l.gates + row * 4 * l.H + u, *before = l.s.before(l.cells, l.c0, l.H, b, step);
    return {g[0], g[l.H], g[2 * l.H], g[3 * l.H], l.cells[row * l.H + u], before ? before[u] : 0};
}

/* delta: the errors i f z o, from that of the unit's output; dc: of the cell after this step, then after the one before. */
static __device__ inline void lstm_errors(const lstm_back &l, const lstm_seen &v, const float *p, float dm, float *dc,
                                          float *delta)
{
    const float s = jd_squash_of(l.out_squash, v.now), d_o = dm * s * v.o * (1 - v.o);
    float d = *dc + (dm * v.o * jd_squash_slope(l.out_squash, s) + p[2] * d_o);
    const float d_i = d * v.z * v.i * (1 - v.i), d_f = l.no_forget ? 0 : d * v.old * v.f * (1 - v.f);
    delta[0] = d_i;
    delta[1] = d_f;
    delta[2] = d * v.i * jd_squash_slope(l.in_squash, v.z);
    delta[3] = d_o;
    d *= v.f;
    if (l.peep && !l.truncate) d += p[0] * d_i + p[1] * d_f;
    *dc = d;
}

/* The kernels of whole sequences: bytes of scratch (0: not for this shape), and the launch: 0 done, 1 failed, -1 not for
 * this shape or device, or not wanted ($JACKDAW_CUDA_LSTM=step). */
size_t lstm_whole_scratch(const jd_call *c);
int lstm_whole(jd_cu *d, const lstm &l, void *scratch);
size_t lstm_whole_back_scratch(const jd_call *c);
int lstm_whole_back(jd_cu *d, const lstm_back &l, void *scratch);
bool lstm_whole_wanted();
/* Whether two of them fit on the device at once. */
bool lstm_whole_half(const jd_call *c);
bool lstm_whole_back_half(const jd_call *c);

#endif
