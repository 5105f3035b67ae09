/*
 * population.cu - many small networks, each with weights of its own, and networks that act at tasks with poles.
 *
 * A network's weights stay in shared memory for all steps of a launch.  Tiny networks have a thread each, 32 of them a block:
 * number k of thread t's network lies at [32 k + t], so that no bank is asked twice and nobody waits for anybody.  Larger
 * ones have a block each, a thread the units t, t + threads...; weights are turned so that neighbours read neighbours.
 * Every unit's sum is one chain in the order of cpu/control_net.c, and what squashes and moves has the operations of the
 * CPU: so have results their bits, and neither way nor number of networks shows in them.
 *
 * Of an episode the first thread of the network looks, moves the cart and judges; the other units' threads wait.
 */
#include "cuda/population.h"

#include "base/pole_motion.h"
#include "cuda/math.cuh"

namespace population
{

enum { EACH = 32, EACH_WEIGHTS = 128, MOST_THREADS = 256, MOST_SHARED = 227 * 1024 };

static __host__ __device__ int row_of(const jd_lane_net &n)
{
    return 1 + n.inputs + n.feedback;
}
/* Of an output. */
static __host__ __device__ int out_row_of(const jd_lane_net &n)
{
    return n.out_bias + (n.hidden ? n.hidden : n.inputs);
}
static __host__ __device__ int weights_of(const jd_lane_net &n)
{
    return n.hidden * row_of(n) + (n.direct ? 0 : n.outputs * out_row_of(n));
}

template <bool ALONE> static __device__ inline void meet()
{
    if (!ALONE) __syncthreads();
}

/* A network in shared memory, and the units that are this thread's: first, first + by... */
template <bool ALONE> struct brain {
    jd_lane_net n;
    int row, first, by;
    float *w, *x, *seen, *now, *next; /* (W), (I), and (H): the sums over bias and inputs, the states */

    static __device__ int at(int k) { return ALONE ? k * EACH : k; }
    __device__ float hidden(int j, int k) const { return ALONE ? w[at(j * row + k)] : w[k * n.hidden + j]; }
    __device__ float output(int o, int k) const
    {
        return w[at(n.hidden * row) + (ALONE ? at(o * out_row_of(n) + k) : k * n.outputs + o)];
    }
    __device__ float squash(float a) const { return n.logistic ? jd_sigmoidf(a) : jd_tanh_shortf(a); }

    /* Weights of network i, from blocks of 16; its place behind those of the threads before. */
    __device__ void sit(const jd_lane_net &net, const float *weights, int64_t i, float *shared)
    {
        const int W = weights_of(net), O = net.outputs, out_row = out_row_of(net);
        n = net;
        row = row_of(net);
        first = ALONE ? 0 : (int)threadIdx.x;
        by = ALONE ? 1 : (int)blockDim.x;
        w = shared + (ALONE ? threadIdx.x : 0);
        x = w + at(W);
        seen = x + at(n.inputs);
        now = seen + at(n.hidden);
        next = now + at(n.hidden);
        weights += i / JD_LANES * W * JD_LANES + i % JD_LANES;
        for (int e = first; e < W; e += by) {
            const int out = e - n.hidden * row;
            const int to = ALONE     ? at(e)
                           : out < 0 ? e % row * n.hidden + e / row
                                     : n.hidden * row + out % out_row * O + out / out_row;
            w[to] = weights[(int64_t)e * JD_LANES];
        }
    }

    /* The chains of U units side by side, so that none waits for itself: weights from k0 on times in (count). */
    template <int U> __device__ void chains(int j, int k0, int count, const float *in, float *sum) const
    {
        for (int k = 0; k < count; k++) {
            const float v = in[at(k)];
            JD_UNROLL
            for (int u = 0; u < U; u++) sum[u] = fmaf(hidden(j + u, k0 + k), v, sum[u]);
        }
    }
    template <int U> __device__ void see_some(int j) const
    {
        float sum[U];
        for (int u = 0; u < U; u++) sum[u] = hidden(j + u, 0);
        chains<U>(j, 1, n.inputs, x, sum);
        for (int u = 0; u < U; u++) seen[at(j + u)] = sum[u];
    }
    template <int U> __device__ void think_some(int j) const
    {
        float sum[U];
        for (int u = 0; u < U; u++) sum[u] = seen[at(j + u)];
        chains<U>(j, 1 + n.inputs, n.feedback, now, sum);
        for (int u = 0; u < U; u++) next[at(j + u)] = squash(sum[u]);
    }

    /* The inputs are there for all; `seen` stays this thread's. */
    __device__ void see() const
    {
        int j = first;
        for (; ALONE && j + 4 <= n.hidden; j += 4) see_some<4>(j);
        for (; j < n.hidden; j += by) see_some<1>(j);
    }
    /* now becomes the next state, for all. */
    __device__ void think()
    {
        int j = first;
        for (; ALONE && j + 4 <= n.hidden; j += 4) think_some<4>(j);
        for (; j < n.hidden; j += by) think_some<1>(j);
        meet<ALONE>();
        float *swap = now;
        now = next;
        next = swap;
    }
    __device__ float say(int o) const
    {
        if (n.direct) return now[at(o)];
        const int seen_by = n.hidden ? n.hidden : n.inputs;
        const float *in = n.hidden ? now : x;
        float sum = n.out_bias ? output(o, 0) : 0;
        for (int k = 0; k < seen_by; k++) sum = fmaf(output(o, n.out_bias + k), in[at(k)], sum);
        return squash(sum);
    }
};

/* The network of this thread. */
template <bool ALONE> static __device__ inline int64_t mine()
{
    return ALONE ? (int64_t)blockIdx.x * EACH + threadIdx.x : (int64_t)blockIdx.x;
}

template <bool ALONE> static __global__ void run(jd_device_nets p)
{
    JD_DYNAMIC_SHARED(float, shared);
    const int64_t i = mine<ALONE>(), stride = (int64_t)p.net.stride;
    const int I = p.net.inputs, H = p.net.hidden, O = p.net.outputs;
    if (i >= p.count) return;
    brain<ALONE> a;
    a.sit(p.net, p.w, i, shared);
    for (int j = a.first; j < H; j += a.by) a.now[a.at(j)] = p.h[j * stride + i];
    for (int64_t t = 0; t < p.T; t++) {
        if (!t || !p.hold) {
            meet<ALONE>();
            for (int k = a.first; k < I; k += a.by) a.x[a.at(k)] = p.x[(t * I + k) * stride + i];
            meet<ALONE>();
            a.see();
        }
        a.think();
        if (p.last && t < p.T - 1) continue;
        for (int o = a.first; o < O; o += a.by) p.y[((p.last ? 0 : t) * O + o) * stride + i] = a.say(o);
    }
    for (int j = a.first; j < H; j += a.by) p.h[j * stride + i] = a.now[a.at(j)];
}

/* ---- episodes --------------------------------------------------------------------------------------------------------*/

template <bool ALONE> static __device__ inline void look(const jd_pole_task &p, const double *s, float *x)
{
    int at = 0;
    JD_UNROLL
    for (int k = 0; k < JD_POLE_STATE; k++)
        if (p.scale[k] > 0) x[brain<ALONE>::at(at++)] = (float)(s[k] / p.scale[k]);
}

static __device__ inline void move(const jd_pole_task &p, double *s, float action)
{
    const double force = jd__pole_force(&p, action);
    if (p.c.poles == 2)
        jd_lanes::pole_motion(&p.c, 2, s, force, p.interval, p.intervals);
    else
        jd_lanes::pole_motion(&p.c, 1, s, force, p.interval, p.intervals);
}

template <bool ALONE> static __global__ void act(jd_device_episodes p)
{
    JD_DYNAMIC_SHARED(float, shared);
    const int64_t i = mine<ALONE>();
    const int H = p.net.hidden, states = 2 + 2 * p.task.c.poles;
    if (i >= p.count || p.over[i]) return;
    const bool leads = ALONE || threadIdx.x == 0;
    double s[JD_POLE_STATE] = {};
    int64_t t = p.t[i];
    int over = 0;
    brain<ALONE> a;
    a.sit(p.net, p.w, p.same ? 0 : i, shared);
    float *ended = a.next + H; /* of a block's network */
    for (int j = a.first; j < H; j += a.by) a.now[a.at(j)] = p.h[j * p.count + i];
    JD_UNROLL
    for (int k = 0; k < JD_POLE_STATE; k++)
        if (k < states) s[k] = p.s[k * p.count + i];
    for (int64_t step = 0; step < p.steps && !over; step++) {
        if (leads) look<ALONE>(p.task, s, a.x);
        meet<ALONE>();
        a.see();
        a.think();
        if (leads) {
            move(p.task, s, a.say(0));
            t++;
            over = !jd__poles_up(&p.task, s, 1) ? 1 : t >= p.limit ? 2 : 0;
            JD_UNROLL
            for (int k = 0; k < JD_POLE_STATE; k++)
                if (p.trace && k < states) p.trace[(step * states + k) * p.count + i] = s[k];
        }
        if (ALONE) continue;
        if (leads) *ended = (float)over;
        __syncthreads();
        over = (int)*ended;
    }
    for (int j = a.first; j < H; j += a.by) p.h[j * p.count + i] = a.now[a.at(j)];
    if (!leads) return;
    JD_UNROLL
    for (int k = 0; k < JD_POLE_STATE; k++)
        if (k < states) p.s[k * p.count + i] = s[k];
    p.t[i] = t;
    p.over[i] = (uint8_t)over;
}

/* ---- the shape of a launch ---------------------------------------------------------------------------------------------*/

struct shape {
    bool alone;
    unsigned threads;
    size_t shared;
};

static bool shape_of(const jd_lane_net &n, shape *s)
{
    const int W = weights_of(n), widest = n.hidden > n.outputs ? n.hidden : n.outputs;
    const size_t floats = (size_t)W + (size_t)n.inputs + 3 * (size_t)n.hidden + 1; /* 1: whether an episode is over */
    s->alone = W <= EACH_WEIGHTS;
    const int threads = s->alone ? (int)EACH : widest < MOST_THREADS ? (widest + 31) / 32 * 32 : (int)MOST_THREADS;
    s->threads = (unsigned)threads;
    s->shared = floats * (s->alone ? EACH : 1) * sizeof(float);
    return s->shared <= MOST_SHARED;
}

static int refuse(jd_cu *d)
{
    snprintf(d->error, sizeof d->error, "population: a network whose weights do not fit into shared memory");
    return 1;
}

static dim3 blocks_of(const shape &s, int64_t count)
{
    return dim3((unsigned)(s.alone ? (count + EACH - 1) / EACH : count));
}

} // namespace population

bool jd_cu_population_kernel(const jd_lane_net *n, jd_device_kernel *k)
{
    population::shape s;
    if (!population::shape_of(*n, &s)) return false;
    *k = {s.alone ? "a thread each" : "a block each", 0, false};
    return true;
}

int jd_cu_nets(jd_cu *d, const jd_device_nets *p)
{
    using namespace population;
    shape s;
    if (!shape_of(p->net, &s)) return refuse(d);
    return s.alone ? JD_LAUNCH(d, run<true>, blocks_of(s, p->count), s.threads, s.shared, *p)
                   : JD_LAUNCH(d, run<false>, blocks_of(s, p->count), s.threads, s.shared, *p);
}

int jd_cu_episodes(jd_cu *d, const jd_device_episodes *p)
{
    using namespace population;
    shape s;
    if (!shape_of(p->net, &s)) return refuse(d);
    return s.alone ? JD_LAUNCH(d, act<true>, blocks_of(s, p->count), s.threads, s.shared, *p)
                   : JD_LAUNCH(d, act<false>, blocks_of(s, p->count), s.threads, s.shared, *p);
}
