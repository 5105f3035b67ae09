/* whole.cu - a recurrent layer over a whole sequence by one kernel; whole.cuh says how and why. */
#include <stdlib.h>

#include "cuda/whole.cuh"

namespace whole_forwards
{

/* A thread's sums: 8 samples by the 4 gates of 2 units, for every (8 LK)th k: LK of the lanes of a warp share out the k. */
enum { THREADS = WHOLE_THREADS, WARPS = THREADS / 32, TILE = 8, STAGES = 4, STAGE = 4096 /* floats */, PAD = 4 };
#ifdef __CUDACC__
enum { MOST_UNITS = 64 };
#else
enum { MOST_UNITS = 16 }; /* so that the layers of the tests need several blocks that wait for one another */
#endif

struct parts {
    int LK, LR, LB;            /* lanes: LR side by side along units, then LB along samples, then LK along k */
    int units, samples, chunk; /* of a block: 2 LR and 8 LB; k that go through the ring at a time */
    int64_t NU, NB, Kp;        /* blocks of a group, groups; k with padding */
    int64_t b0;                /* of this launch */
    size_t shared;
    float *state;      /* (NB, 2, Kp, samples): h of the step before, and of this one */
    unsigned *arrived; /* (NB, 32): signals, in lines of their own */
};

/* ---- the kernel --------------------------------------------------------------------------------------------------------*/

/* (Kp, 4 units + PAD) from R: gate g of unit u in column 4 u + g.  8 k of 4 rows a warp: whole sectors of memory, all banks. */
template <class L> static __device__ inline void load_weights(const L &l, const parts &p, int64_t u0, float *to)
{
    const int row = 4 * p.units + PAD, blocks = (int)p.Kp / 8;
    for (int e = (int)threadIdx.x; e < (int)p.Kp * 4 * p.units; e += THREADS) {
        const int rest = e / 32, k = rest % blocks * 8 + e % 8, u = rest / blocks, g = e / 8 % 4;
        to[k * row + 4 * u + g] = k < l.H && u0 + u < l.H ? l.weight(g, u0 + u, k) : 0;
    }
}

/* The states of `chunk` k from k0 on, which may be past the end. */
static __device__ inline void fetch(const float *from, int k0, const parts &p, float *to)
{
    const int k = p.Kp - k0 < p.chunk ? (int)p.Kp - k0 : p.chunk, n = k * p.samples / 4;
    from += (int64_t)k0 * p.samples;
    for (int e = (int)threadIdx.x; e < n; e += THREADS) jd_copy_16(to + 4 * e, from + 4 * e);
    jd_copies_end_group();
}

/* sum[i][j]: sample i of the thread's 8, row j of its 8, over the thread's k. */
template <int LK>
static __device__ inline void products(const float *state, const float *weights, const parts &p, float *ring, int lr,
                                       int lb, int first, float sum[TILE][TILE])
{
    const int row = 4 * p.units + PAD;
    JD_UNROLL
    for (int e = 0; e < TILE * TILE; e++) sum[e / TILE][e % TILE] = 0;
    for (int s = 0; s < STAGES - 1; s++) fetch(state, s * p.chunk, p, ring + s * STAGE);
    int slot = 0;
    for (int k0 = 0; k0 < p.Kp; k0 += p.chunk, slot = (slot + 1) % STAGES) {
        jd_copies_wait<STAGES - 2>();
        __syncthreads();
        fetch(state, k0 + (STAGES - 1) * p.chunk, p, ring + (slot + STAGES - 1) % STAGES * STAGE);
        const float *h = ring + slot * STAGE + first * p.samples + 4 * lb;
        const float *w = weights + (k0 + first) * row + 4 * lr;
        const int end = p.Kp - k0 < p.chunk ? (int)p.Kp - k0 : p.chunk;
        for (int k = 0; k < end; k += WARPS * LK, h += WARPS * LK * p.samples, w += WARPS * LK * row) {
            float4 a[2], r[2];
            a[0] = *reinterpret_cast<const float4 *>(h);
            a[1] = *reinterpret_cast<const float4 *>(h + p.samples / 2);
            r[0] = *reinterpret_cast<const float4 *>(w);
            r[1] = *reinterpret_cast<const float4 *>(w + 2 * p.units);
            const float x[TILE] = {a[0].x, a[0].y, a[0].z, a[0].w, a[1].x, a[1].y, a[1].z, a[1].w};
            const float y[TILE] = {r[0].x, r[0].y, r[0].z, r[0].w, r[1].x, r[1].y, r[1].z, r[1].w};
            JD_UNROLL
            for (int e = 0; e < TILE * TILE; e++)
                sum[e / TILE][e % TILE] = fmaf(x[e / TILE], y[e % TILE], sum[e / TILE][e % TILE]);
        }
    }
    jd_copies_wait<0>();
    __syncthreads(); /* the ring becomes the place of the sums */
}

/* What a thread knows of one unit of one sample. */
struct mine {
    bool any, alive;
    int at; /* sample and unit within the block: sample * units + unit */
    int64_t b, u, count, row;
    float pre[4], extra[3], old;
};

template <class L> static __device__ inline void look(const L &l, mine &c, int64_t step)
{
    c.alive = step < c.count;
    if (!c.alive) return;
    c.row = l.s.row(c.b, step);
    l.look(c.row, c.u, c.pre);
}

template <class L, int LK> static __global__ void __launch_bounds__(THREADS, 1) layer(L l, parts p)
{
    enum { CELLS = 512 / LK, EACH = CELLS > THREADS ? CELLS / THREADS : 1, SUMS = WARPS * LK };
    JD_DYNAMIC_SHARED(float, shared);
    float *ring = shared, *weights = shared + STAGES * STAGE;
    float4 *part = reinterpret_cast<float4 *>(ring); /* (SUMS, CELLS) */
    const int t = (int)threadIdx.x, lane = t % 32, lr = lane % p.LR, lb = lane / p.LR % p.LB, lk = lane / (32 / LK);
    const int first = t / 32 * LK + lk, n = (int)(blockIdx.x % p.NU), group = (int)(blockIdx.x / p.NU);
    const int64_t u0 = (int64_t)n * p.units, b0 = p.b0 + (int64_t)group * p.samples, each = p.Kp * p.samples;
    float *state = p.state + 2 * group * each;
    unsigned *arrived = p.arrived + 32 * group;
    mine c[EACH];
    int64_t steps = 0;

    load_weights(l, p, u0, weights);
    for (int i = 0; i < p.samples && b0 + i < l.s.B; i++)
        if (l.s.count(b0 + i) > steps) steps = l.s.count(b0 + i);
    for (int i = t; n == 0 && i < (p.Kp - l.H) * p.samples; i += THREADS)
        state[l.H * p.samples + i] = state[each + l.H * p.samples + i] = 0;
    JD_UNROLL
    for (int m = 0; m < EACH; m++) {
        c[m].at = t + m * THREADS;
        c[m].b = b0 + c[m].at / p.units;
        c[m].u = u0 + c[m].at % p.units;
        c[m].any = c[m].at < CELLS && c[m].u < l.H;
        c[m].count = c[m].any && c[m].b < l.s.B ? l.s.count(c[m].b) : 0;
        c[m].old = c[m].count ? l.first_kept(c[m].b, c[m].u) : 0;
        if (c[m].any) l.extra(c[m].u, c[m].extra);
        if (c[m].any) state[c[m].u * p.samples + c[m].at / p.units] = c[m].count ? l.first_state(c[m].b, c[m].u) : 0;
    }
    jd_signal(arrived);
    for (int64_t s = 0; s < steps; s++) {
        float sum[TILE][TILE];
        typename L::values v[EACH];
        JD_UNROLL
        for (int m = 0; m < EACH; m++) look(l, c[m], s);
        jd_wait(arrived, (unsigned)(p.NU * (s + 1)));
        products<LK>(state + s % 2 * each, weights, p, ring, lr, lb, first, sum);
        JD_UNROLL
        for (int i = 0; i < TILE; i++) {
            float4 *to = part + first * CELLS + (i / 4 * (p.samples / 2) + 4 * lb + i % 4) * p.units + lr;
            to[0] = make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
            to[p.LR] = make_float4(sum[i][4], sum[i][5], sum[i][6], sum[i][7]);
        }
        __syncthreads();
        JD_UNROLL
        for (int m = 0; m < EACH; m++) {
            if (!c[m].any) continue;
            if (c[m].alive) {
                float4 all = part[c[m].at];
                JD_UNROLL
                for (int k = 1; k < SUMS; k++) {
                    const float4 x = part[k * CELLS + c[m].at];
                    all = make_float4(all.x + x.x, all.y + x.y, all.z + x.z, all.w + x.w);
                }
                const float pre[4] = {c[m].pre[0] + all.x, c[m].pre[1] + all.y, c[m].pre[2] + all.z,
                                      c[m].pre[3] + all.w};
                v[m] = l.cell(pre, c[m].extra, c[m].old);
                c[m].old = v[m].kept();
            }
            state[(s + 1) % 2 * each + c[m].u * p.samples + c[m].at / p.units] = c[m].alive ? v[m].m : 0;
        }
        jd_signal(arrived);
        /* While the others wait: what only later kernels read. */
        JD_UNROLL
        for (int m = 0; m < EACH; m++)
            if (c[m].alive) l.store(c[m].row, c[m].u, v[m]);
    }
}

/* ---- the shape of a launch ---------------------------------------------------------------------------------------------*/

/* Cycles of a step; the terms of whole.cuh. */
static double cost(const parts &p)
{
    const double products = 16.0 * (double)p.Kp / p.LK / 0.85, traffic = (double)(p.Kp * p.samples) * 4 / 40;
    return (products > traffic ? products : traffic) + 1024 + 1000 + (p.NU > 1 ? 1500 + 4.0 * (double)p.NU : 700);
}

static bool fill(parts *p, int LK, int LB, int64_t H, int64_t B)
{
    *p = parts();
    p->LK = LK;
    p->LB = LB;
    p->LR = 32 / LK / LB;
    p->units = 2 * p->LR;
    p->samples = TILE * LB;
    p->Kp = (H + WARPS * LK - 1) / (WARPS * LK) * (WARPS * LK);
    p->chunk = STAGE / p->samples / (WARPS * LK) * (WARPS * LK);
    if (p->chunk > TILE * WARPS * LK) p->chunk = TILE * WARPS * LK;
    p->NU = (H + p->units - 1) / p->units;
    p->NB = (B + p->samples - 1) / p->samples;
    if (p->NU > WHOLE_BLOCKS || p->units > MOST_UNITS) return false;
    if (p->NB > WHOLE_BLOCKS / p->NU) p->NB = WHOLE_BLOCKS / p->NU;
    p->shared = (size_t)(STAGES * STAGE + p->Kp * (4 * p->units + PAD)) * sizeof(float);
    return p->shared <= WHOLE_SHARED;
}

static bool choose(whole_size z, parts *p)
{
    whole_choice<parts> all = {parts(), INFINITY};
    if (z.H < 1 || z.H > 4096 || z.T < 2 || !z.B) return false;
    for (int LK = 1; LK <= 4; LK *= 2)
        for (int LB = 1; LB <= 8 && LB * LK <= 32; LB *= 2)
            if (fill(p, LK, LB, z.H, z.B)) all.consider(*p, z.B, cost(*p));
    *p = all.best;
    return all.least < INFINITY;
}

static size_t carve(parts *p, void *base)
{
    jd_pieces m = {static_cast<char *>(base), 0};
    p->arrived = m.take<unsigned>(32 * p->NB);
    p->state = m.take<float>(2 * p->NB * p->Kp * p->samples);
    return m.used;
}

template <class L, int LK> static int run(jd_cu *d, const L &l, parts p)
{
    /* Blocks of two kernels side by side wait for their own, so all of both must have a place. */
    if (jd_resident(d, layer<L, LK>, THREADS, p.shared) < p.NU * p.NB * (d->shared ? 2 : 1)) return -1;
    for (p.b0 = 0; p.b0 < l.s.B; p.b0 += p.NB * p.samples)
        if (jd_zero(d, p.arrived, (size_t)(32 * p.NB) * sizeof(unsigned)) ||
            jd_launch_together(d, "whole", layer<L, LK>, dim3((unsigned)(p.NU * p.NB)), THREADS, p.shared, l, p))
            return 1;
    return 0;
}

template <class L> static int launch(jd_cu *d, const L &l, void *scratch)
{
    parts p;
    if (!whole_wanted() || !choose({l.H, l.s.T, l.s.B}, &p)) return -1;
    carve(&p, scratch);
    return p.LK == 1 ? run<L, 1>(d, l, p) : p.LK == 2 ? run<L, 2>(d, l, p) : run<L, 4>(d, l, p);
}

} // namespace whole_forwards

bool whole_wanted()
{
    const char *how = getenv("JACKDAW_CUDA_RECURRENT");
    return !how || strcmp(how, "step") != 0;
}

size_t whole_scratch(whole_size z)
{
    whole_forwards::parts p;
    return whole_forwards::choose(z, &p) ? whole_forwards::carve(&p, NULL) : 0;
}

bool whole_half(whole_size z)
{
    whole_forwards::parts p;
    return whole_wanted() && whole_forwards::choose(z, &p) && whole_is_half(p, z.B);
}

int whole(jd_cu *d, const lstm &l, void *scratch)
{
    return whole_forwards::launch(d, l, scratch);
}

int whole(jd_cu *d, const gru &l, void *scratch)
{
    return whole_forwards::launch(d, l, scratch);
}
