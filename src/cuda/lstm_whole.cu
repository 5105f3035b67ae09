/* lstm_whole.cu - the LSTM over a whole sequence by one kernel; lstm.cuh says how and why. */
#include <stdlib.h>

#include "cuda/lstm.cuh"

namespace lstm_forwards
{

/* A thread's sums: 8 samples by the 4 gates of 2 units, for every (8 LK)th k: LK of the lanes of a warp share out the k. */
enum { THREADS = 256, WARPS = THREADS / 32, TILE = 8, STAGES = 4, STAGE = 4096 /* floats */, PAD = 4 };
enum { MOST_BLOCKS = 128, MOST_SHARED = 227 * 1024, MOST_LAUNCHES = 8 };
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
static __device__ inline void load_weights(const lstm &l, const parts &p, int64_t u0, float *to)
{
    const int row = 4 * p.units + PAD, blocks = (int)p.Kp / 8;
    for (int e = (int)threadIdx.x; e < (int)p.Kp * 4 * p.units; e += THREADS) {
        const int rest = e / 32, k = rest % blocks * 8 + e % 8, u = rest / blocks, g = e / 8 % 4;
        to[k * row + 4 * u + g] = k < l.H && u0 + u < l.H ? l.R[(g * l.H + u0 + u) * l.P + k] : 0;
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
    float pre[4], peep[3], old;
};

static __device__ inline void look(const lstm &l, mine &c, int64_t step)
{
    c.alive = step < c.count;
    if (!c.alive) return;
    c.row = l.s.row(c.b, step);
    const float *g = l.gates + c.row * 4 * l.H + c.u;
    for (int k = 0; k < 4; k++) c.pre[k] = g[k * l.H];
}

template <int LK> static __global__ void __launch_bounds__(THREADS, 1) whole(lstm l, parts p)
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
        c[m].old = c[m].count && l.c0 ? l.c0[c[m].b * l.H + c[m].u] : 0;
        if (c[m].any) lstm_peepholes(l.peep, l.H, c[m].u, c[m].peep);
        if (c[m].any)
            state[c[m].u * p.samples + c[m].at / p.units] = c[m].count && l.h0 ? l.h0[c[m].b * l.P + c[m].u] : 0;
    }
    jd_signal(arrived);
    for (int64_t s = 0; s < steps; s++) {
        float sum[TILE][TILE];
        lstm_values v[EACH];
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
                v[m] = lstm_cell(l, pre, c[m].peep, c[m].old);
                c[m].old = v[m].cell;
            }
            state[(s + 1) % 2 * each + c[m].u * p.samples + c[m].at / p.units] = c[m].alive ? v[m].m : 0;
        }
        jd_signal(arrived);
        /* While the others wait: what only later kernels read. */
        JD_UNROLL
        for (int m = 0; m < EACH; m++)
            if (c[m].alive) lstm_store(l, c[m].row, c[m].u, v[m]);
    }
}

/* ---- the shape of a launch ---------------------------------------------------------------------------------------------*/

/* Cycles of a step; the terms of lstm.cuh. */
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
    if (p->NU > MOST_BLOCKS || p->units > MOST_UNITS) return false;
    if (p->NB > MOST_BLOCKS / p->NU) p->NB = MOST_BLOCKS / p->NU;
    p->shared = (size_t)(STAGES * STAGE + p->Kp * (4 * p->units + PAD)) * sizeof(float);
    return p->shared <= MOST_SHARED;
}

/* The cheapest for all samples, in as many launches as they need. */
static bool choose(int64_t H, int64_t B, parts *best)
{
    double least = INFINITY;
    if (H < 1 || H > 4096) return false;
    for (int LK = 1; LK <= 4; LK *= 2)
        for (int LB = 1; LB <= 8 && LB * LK <= 32; LB *= 2) {
            parts p;
            if (!fill(&p, LK, LB, H, B)) continue;
            const int64_t span = p.NB * p.samples, launches = (B + span - 1) / span;
            /* A little longer on half of the device: another layer may run beside it. */
            const double time = (double)launches * cost(p) * (2 * p.NU * p.NB <= MOST_BLOCKS ? 1 : 1.15);
            if (launches > MOST_LAUNCHES || time >= least) continue;
            least = time;
            *best = p;
        }
    return least < INFINITY;
}

static size_t carve(parts *p, void *base)
{
    jd_pieces m = {static_cast<char *>(base), 0};
    p->arrived = m.take<unsigned>(32 * p->NB);
    p->state = m.take<float>(2 * p->NB * p->Kp * p->samples);
    return m.used;
}

template <int LK> static int run(jd_cu *d, const lstm &l, parts p)
{
    /* Blocks of two kernels side by side wait for their own, so all of both must have a place. */
    if (jd_resident(d, whole<LK>, THREADS, p.shared) < p.NU * p.NB * (d->shared ? 2 : 1)) return -1;
    for (p.b0 = 0; p.b0 < l.s.B; p.b0 += p.NB * p.samples)
        if (jd_zero(d, p.arrived, (size_t)(32 * p.NB) * sizeof(unsigned)) ||
            jd_launch_together(d, "lstm_whole", whole<LK>, dim3((unsigned)(p.NU * p.NB)), THREADS, p.shared, l, p))
            return 1;
    return 0;
}

/* The shape for a call. */
static bool shape_of(const jd_call *c, parts *p)
{
    const int64_t H = c->in_type[3].dim[0] / 4, T = c->in_type[0].dim[0], B = c->in_type[0].dim[1];
    return c->in_type[6].rank < 0 && T > 1 && B && choose(H, B, p);
}

} // namespace lstm_forwards

bool lstm_whole_wanted()
{
    const char *how = getenv("JACKDAW_CUDA_LSTM");
    return !how || strcmp(how, "step") != 0;
}

size_t lstm_whole_scratch(const jd_call *c)
{
    lstm_forwards::parts p;
    return lstm_forwards::shape_of(c, &p) ? lstm_forwards::carve(&p, NULL) : 0;
}

bool lstm_whole_half(const jd_call *c)
{
    lstm_forwards::parts p;
    return lstm_whole_wanted() && lstm_forwards::shape_of(c, &p) && 2 * p.NU * p.NB <= lstm_forwards::MOST_BLOCKS &&
           p.NB * p.samples >= c->in_type[0].dim[1];
}

int lstm_whole(jd_cu *d, const lstm &l, void *scratch)
{
    using namespace lstm_forwards;
    parts p;
    if (l.s.T < 2 || !lstm_whole_wanted() || !choose(l.H, l.s.B, &p)) return -1;
    carve(&p, scratch);
    return p.LK == 1 ? run<1>(d, l, p) : p.LK == 2 ? run<2>(d, l, p) : run<4>(d, l, p);
}
