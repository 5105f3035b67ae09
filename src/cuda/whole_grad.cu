/* whole_grad.cu - back-propagation through a whole sequence by one kernel; whole.cuh says how and why. */
#include "cuda/whole.cuh"

namespace whole_backwards
{

enum {
    THREADS = WHOLE_THREADS,
    TILE = 8 /* k of a thread */,
    PAD = 4,
    EACH = 2 /* units of samples a thread has at most */
};
enum { AT_ONCE = 32, MOST_SPLIT = 8 };
enum { ONE_COPY = 12 << 20 }; /* bytes of parts that leave room in L2 for a second set */

struct parts {
    int units, samples; /* of a block */
    int TB, tiles;      /* samples of a thread's tile; tiles of a block's product */
    int split;          /* threads that share out the rows of a tile */
    bool twice;         /* two sets of parts in turn */
    int64_t NU, NB, Kp;
    int64_t b0;
    size_t shared;
    float *part;       /* (NB, 1 or 2, NU, samples, Kp): block n's part of the errors of all units */
    unsigned *arrived; /* (NB, 64): signals that parts are there; 32 further on that they were read */
};

/* ---- the kernel --------------------------------------------------------------------------------------------------------*/

/* (4 units, Kp): row gate * units + u. */
template <class L> static __device__ inline void load_weights(const L &l, const parts &p, int64_t u0, float *to)
{
    for (int row = (int)threadIdx.x / 32; row < 4 * p.units; row += THREADS / 32) {
        const int g = row / p.units;
        const int64_t u = u0 + row % p.units;
        for (int k = (int)threadIdx.x % 32; k < p.Kp; k += 32)
            to[row * p.Kp + k] = k < l.H && u < l.H ? l.weight(g, u, k) : 0;
    }
}

/* sum[i][j] = over rows [begin, end): delta of the tile's sample i times R at the tile's k j. */
template <int TB>
static __device__ inline void product(const float *weights, const float *delta, const parts &p, int kt, int bt,
                                      int begin, int end, float sum[TB][TILE])
{
    const int row = p.samples + PAD;
    JD_UNROLL
    for (int e = 0; e < TB * TILE; e++) sum[e / TILE][e % TILE] = 0;
    const float *w = weights + begin * p.Kp + 4 * kt, *d = delta + begin * row + TB * bt;
    for (int j = begin; j < end; j++, w += p.Kp, d += row) {
        float x[TB];
        JD_UNROLL
        for (int i = 0; i < TB; i += 4) {
            const float4 a = *reinterpret_cast<const float4 *>(d + i);
            x[i] = a.x;
            x[i + 1] = a.y;
            x[i + 2] = a.z;
            x[i + 3] = a.w;
        }
        const float4 r0 = *reinterpret_cast<const float4 *>(w), r1 = *reinterpret_cast<const float4 *>(w + p.Kp / 2);
        const float y[TILE] = {r0.x, r0.y, r0.z, r0.w, r1.x, r1.y, r1.z, r1.w};
        JD_UNROLL
        for (int e = 0; e < TB * TILE; e++)
            sum[e / TILE][e % TILE] = fmaf(x[e / TILE], y[e % TILE], sum[e / TILE][e % TILE]);
    }
}

template <int TB>
static __device__ inline void put(float *to, const parts &p, int kt, int bt, const float sum[TB][TILE])
{
    JD_UNROLL
    for (int i = 0; i < TB; i++) {
        float4 *at = reinterpret_cast<float4 *>(to + (TB * bt + i) * p.Kp + 4 * kt);
        at[0] = make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
        at[p.Kp / 8] = make_float4(sum[i][4], sum[i][5], sum[i][6], sum[i][7]);
    }
}

/* The block's part of the errors of the step before: to (samples, Kp) in the device's memory, from when `taken` has counted
 * `reads` (NULL: at once); room: for a split. */
template <int TB>
static __device__ inline void products(const float *weights, const float *delta, const parts &p, float *room, float *to,
                                       const unsigned *taken, unsigned reads)
{
    const int kts = (int)p.Kp / TILE, rows = 4 * p.units, n = p.samples * (int)p.Kp;
    float sum[TB][TILE];
    if (p.split == 1) {
        for (int first = 0; first < p.tiles; first += THREADS) {
            const int tile = first + (int)threadIdx.x;
            if (tile < p.tiles) product<TB>(weights, delta, p, tile % kts, tile / kts, 0, rows, sum);
            if (taken && !first) jd_wait(taken, reads);
            if (tile < p.tiles) put<TB>(to, p, tile % kts, tile / kts, sum);
        }
        return;
    }
    const int tile = (int)threadIdx.x % p.tiles, part = (int)threadIdx.x / p.tiles, each = rows / p.split;
    if (part < p.split) {
        product<TB>(weights, delta, p, tile % kts, tile / kts, part * each, (part + 1) * each, sum);
        put<TB>(room + part * n, p, tile % kts, tile / kts, sum);
    }
    __syncthreads();
    if (taken) jd_wait(taken, reads);
    for (int e = (int)threadIdx.x; e < n; e += THREADS) {
        float all = room[e];
        for (int k = 1; k < p.split; k++) all += room[k * n + e];
        to[e] = all;
    }
}

template <class L> struct mine {
    bool any, alive;
    int sample, unit; /* within the block */
    int64_t b, u, count;
    float extra[3], kept, direct;
    typename L::seen seen;
};

template <class L, int TB> static __global__ void __launch_bounds__(THREADS, 1) layer(L l, parts p)
{
    JD_DYNAMIC_SHARED(float, weights);
    const int t = (int)threadIdx.x, n = (int)(blockIdx.x % p.NU), group = (int)(blockIdx.x / p.NU);
    const int row = p.samples + PAD, cells = p.units * p.samples;
    const int64_t u0 = (int64_t)n * p.units, b0 = p.b0 + (int64_t)group * p.samples, each = p.samples * p.Kp;
    float *delta = weights + 4 * p.units * p.Kp, *room = delta + 4 * p.units * row; /* delta: (4 units, samples) */
    float *parts_of = p.part + (p.twice ? 2 : 1) * group * p.NU * each;
    unsigned *arrived = p.arrived + 64 * group, *taken = arrived + 32;
    mine<L> c[EACH];
    int64_t steps = 0;

    load_weights(l, p, u0, weights);
    for (int i = 0; i < p.samples && b0 + i < l.s.B; i++)
        if (l.s.count(b0 + i) > steps) steps = l.s.count(b0 + i);
    JD_UNROLL
    for (int m = 0; m < EACH; m++) {
        const int at = t + m * THREADS;
        c[m].sample = at / p.units;
        c[m].unit = at % p.units;
        c[m].b = b0 + c[m].sample;
        c[m].u = u0 + c[m].unit;
        c[m].any = at < cells;
        c[m].count = c[m].any && c[m].u < l.H && c[m].b < l.s.B ? l.s.count(c[m].b) : 0;
        c[m].kept = c[m].count ? l.last_kept(c[m].b, c[m].u) : 0;
        if (c[m].count) l.extra(c[m].u, c[m].extra);
    }
    for (int64_t back = 0, s = steps - 1; s >= 0; back++, s--) {
        float *now = parts_of + (p.twice ? back % 2 : 0) * p.NU * each, d[EACH][4];
        const float *before = parts_of + (p.twice ? (back + 1) % 2 : 0) * p.NU * each;
        JD_UNROLL
        for (int m = 0; m < EACH; m++) {
            c[m].alive = s < c[m].count;
            if (!c[m].alive) continue;
            c[m].seen = l.look(c[m].b, c[m].u, s);
            c[m].direct = l.direct(c[m].b, c[m].u, s);
        }
        const bool comes = back > 0 && !l.truncate, goes = s > 0 && !l.truncate;
        if (comes) jd_wait(arrived, (unsigned)(p.NU * back));
        JD_UNROLL
        for (int m = 0; m < EACH; m++) {
            for (int k = 0; k < 4; k++) d[m][k] = 0;
            if (c[m].alive) {
                float dm = c[m].direct;
                const float *from = before + c[m].sample * p.Kp + c[m].u;
                if (comes) dm += jd_sum_of<AT_ONCE>(0, p.NU, 1, [&](int64_t k) { return __ldcg(from + k * each); });
                l.errors(c[m].seen, c[m].extra, dm, &c[m].kept, d[m]);
            }
            if (c[m].any)
                for (int k = 0; k < 4; k++) delta[(k * p.units + c[m].unit) * row + c[m].sample] = d[m][k];
        }
        if (goes) {
            /* With one set of parts nobody may read it any more. */
            if (p.twice)
                __syncthreads();
            else
                jd_signal(taken);
            products<TB>(weights, delta, p, room, now + n * each, p.twice ? nullptr : taken,
                         (unsigned)(p.NU * (back + 1)));
            jd_signal(arrived);
        }
        /* While the others wait: what only later kernels read. */
        JD_UNROLL
        for (int m = 0; m < EACH; m++) {
            if (!c[m].alive) continue;
            float *to = l.delta + l.s.row(c[m].b, s) * 4 * l.H + c[m].u;
            for (int k = 0; k < 4; k++) to[k * l.H] = d[m][k];
        }
    }
    JD_UNROLL
    for (int m = 0; m < EACH; m++)
        if (c[m].count) l.kept[c[m].b * l.H + c[m].u] = c[m].kept;
}

/* ---- the shape of a launch ---------------------------------------------------------------------------------------------*/

static size_t part_bytes(const parts &p)
{
    return (size_t)(p.NB * p.NU * p.samples * p.Kp) * sizeof(float);
}

/* Cycles of a step; the terms of whole.cuh. */
static double cost(const parts &p)
{
    const double passes = (double)((p.tiles * p.split + THREADS - 1) / THREADS);
    const double products = passes * 4 * p.units / p.split * p.TB * TILE * 2 / 0.85,
                 out = (double)(p.samples * p.Kp) * 4;
    const double written = out / 40, read = out / 40 + 700 * (double)((p.NU + AT_ONCE - 1) / AT_ONCE);
    return (products > written ? products : written) + read + (p.split > 1 ? 400 : 0) + 1000 + (p.NU > 1 ? 1500 : 700) +
           (p.twice ? 0 : 1000);
}

static bool fill(parts *p, int units, int samples, int64_t H, int64_t B)
{
    *p = parts();
    p->units = units;
    p->samples = samples;
    p->Kp = (H + TILE - 1) / TILE * TILE;
    p->NU = (H + units - 1) / units;
    p->NB = (B + samples - 1) / samples;
    if (p->NU > WHOLE_BLOCKS || units * samples > EACH * THREADS) return false;
    if (p->NB > WHOLE_BLOCKS / p->NU) p->NB = WHOLE_BLOCKS / p->NU;
    p->twice = part_bytes(*p) <= ONE_COPY;
    p->TB = p->Kp / TILE * (samples / 8) >= THREADS ? 8 : 4;
    p->tiles = (int)(p->Kp / TILE) * (samples / p->TB);
    p->split = 1;
    while (2 * p->split * p->tiles <= THREADS && 2 * p->split <= MOST_SPLIT && 2 * p->split <= 4 * units) p->split *= 2;
    const int64_t room = p->split > 1 ? p->split * samples * p->Kp : 0;
    p->shared = (size_t)(4 * units * (p->Kp + samples + PAD) + room) * sizeof(float);
    return p->shared <= WHOLE_SHARED;
}

static bool choose(whole_size z, parts *p)
{
    whole_choice<parts> all = {parts(), INFINITY};
    if (z.H < 1 || z.H > 4096 || z.T < 2 || !z.B) return false;
    for (int units = 4; units <= 64; units *= 2)
        for (int samples = 8; samples <= 64; samples *= 2)
            if (fill(p, units, samples, z.H, z.B)) all.consider(*p, z.B, cost(*p));
    *p = all.best;
    return all.least < INFINITY;
}

static size_t carve(parts *p, void *base)
{
    jd_pieces m = {static_cast<char *>(base), 0};
    p->arrived = m.take<unsigned>(64 * p->NB);
    p->part = m.take<float>((p->twice ? 2 : 1) * (int64_t)(part_bytes(*p) / sizeof(float)));
    return m.used;
}

template <class L, int TB> static int run(jd_cu *d, const L &l, parts p)
{
    /* Blocks of two kernels side by side wait for their own, so all of both must have a place. */
    if (jd_resident(d, layer<L, TB>, THREADS, p.shared) < p.NU * p.NB * (d->shared ? 2 : 1)) return -1;
    for (p.b0 = 0; p.b0 < l.s.B; p.b0 += p.NB * p.samples)
        if (jd_zero(d, p.arrived, (size_t)(64 * p.NB) * sizeof(unsigned)) ||
            jd_launch_together(d, "whole_back", layer<L, TB>, dim3((unsigned)(p.NU * p.NB)), THREADS, p.shared, l, p))
            return 1;
    return 0;
}

template <class L> static int launch(jd_cu *d, const L &l, void *scratch)
{
    parts p;
    if (!whole_wanted() || !choose({l.H, l.s.T, l.s.B}, &p)) return -1;
    carve(&p, scratch);
    return p.TB == 8 ? run<L, 8>(d, l, p) : run<L, 4>(d, l, p);
}

} // namespace whole_backwards

size_t whole_back_scratch(whole_size z)
{
    whole_backwards::parts p;
    return whole_backwards::choose(z, &p) ? whole_backwards::carve(&p, NULL) : 0;
}

bool whole_back_half(whole_size z)
{
    whole_backwards::parts p;
    return whole_wanted() && whole_backwards::choose(z, &p) && whole_is_half(p, z.B);
}

int whole_back(jd_cu *d, const lstm_back &l, void *scratch)
{
    return whole_backwards::launch(d, l, scratch);
}

int whole_back(jd_cu *d, const gru_back &l, void *scratch)
{
    return whole_backwards::launch(d, l, scratch);
}
