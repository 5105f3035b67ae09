/* clockwork.cu - the Clockwork RNN over whole sequences, and its gradient (ops/clockwork.c, ops/clockwork_grad.c). */
#include "ops/clockwork.h"
#include "cuda/recurrent.cuh"

/* The modules as kernels get them, by value; see ops/clockwork.h. */
struct clocks {
    int64_t H, S, at[JD_CLOCKS], from[JD_CLOCKS];
    int period[JD_CLOCKS];
    const float *R;
    /* R as a matrix (H,H) with zeros where a unit does not hear another. */
    __device__ float weight(int64_t unit, int64_t heard) const
    {
        const int64_t g = unit / S, first = from[g];
        return heard < first ? 0 : R[at[g] + unit % S * (H - first) + heard - first];
    }
    __device__ bool active(int64_t unit, int64_t step) const { return step % period[unit / S] == 0; }
};

struct clock_row {
    static constexpr bool k_inner = true;
    const clocks &m;
    __device__ float at(int, int64_t u, int64_t k) const { return m.weight(u, k); }
};
struct clock_column {
    static constexpr bool k_inner = false;
    const clocks &m;
    __device__ float at(int, int64_t u, int64_t k) const { return m.weight(k, u); }
};

static clocks clocks_of(const jd_call *c)
{
    const jd_clockwork_attr *a = jd_attr<jd_clockwork_attr>(c);
    jd_clock m[JD_CLOCKS];
    clocks k = {};
    k.H = c->in_type[2].dim[0];
    k.S = k.H / a->modules;
    k.R = jd_in<float>(c, 3);
    jd__clocks(a, (size_t)k.H, m);
    for (int g = 0; g < a->modules; g++) {
        k.at[g] = (int64_t)m[g].at;
        k.from[g] = (int64_t)m[g].from;
        k.period[g] = (int)m[g].period;
    }
    return k;
}

struct clockwork {
    jd_steps s;
    clocks m;
    const float *h0;
    float *y; /* holds W x + b first */
    int act;
};

/* A block all of whose units keep their outputs has no product to compute. */
JD_REC_KERNEL clockwork_step(clockwork l, int64_t step)
{
    const int64_t H = l.m.H, u0 = (int64_t)blockIdx.x * JD_REC_TILE;
    bool any = false;
    for (int64_t u = u0; u < u0 + JD_REC_TILE && u < H; u++) any = any || l.m.active(u, step);
    jd_rec_step<1>(
        l.s, step, clock_row{l.m}, H, any ? H : 0, [&](int64_t b) { return l.s.before(l.y, l.h0, H, b, step); },
        [&](int64_t b, int64_t u, const float *sum, const float *h) {
            float *y = l.y + l.s.row(b, step) * H + u;
            *y = l.m.active(u, step) ? jd_rnn_act(l.act, *y + sum[0]) : h ? h[u] : 0;
        });
}

static int launch_clockwork(jd_cu *d, const jd_call *c)
{
    const jd_clockwork_attr *a = jd_attr<jd_clockwork_attr>(c);
    const clockwork l = {jd_rec_steps(c, a->reverse), clocks_of(c), jd_in<float>(c, 5), jd_out<float>(c, 0), a->act};
    const int64_t H = l.m.H;
    if (!l.s.B) return 0;
    if (jd_rec_inputs(d, c, H, l.y, H)) return 1;
    for (int64_t s = 0; s < l.s.T; s++)
        if (JD_REC_LAUNCH(d, clockwork_step, H, l.s, l, s)) return 1;
    return jd_rec_clear(d, l.s, l.y, H) || jd_rec_last(d, l.s, l.y, l.h0, jd_out<float>(c, 1), H);
}

/* ---- backwards -------------------------------------------------------------------------------------------------------*/

struct clockwork_back {
    jd_steps s;
    clocks m;
    const float *y, *dy, *dhT;
    float *delta; /* (T,B,H): of the units that computed, else 0 */
    float *kept;  /* (B,H): errors of outputs that were kept */
    int act;
};

/* dh0 NULL: step `step`; else the error of the initial state. */
JD_REC_KERNEL clockwork_back_step(clockwork_back l, int64_t step, float *dh0)
{
    const int64_t H = l.m.H;
    jd_rec_step<1>(
        l.s, step, clock_column{l.m}, H, H, [&](int64_t b) { return l.s.at(l.delta, H, b, step + 1); },
        [&](int64_t b, int64_t u, const float *sum, const float *) {
            const bool last = step + 1 == l.s.count(b);
            const float e = last ? (l.dhT ? l.dhT[b * H + u] : 0) : sum[0] + l.kept[b * H + u];
            if (dh0) {
                dh0[b * H + u] = e;
                return;
            }
            const int64_t at = l.s.row(b, step) * H + u;
            const float d = e + (l.dy ? l.dy[at] : 0);
            const bool active = l.m.active(u, step);
            l.delta[at] = active ? d * jd_rnn_slope(l.act, l.y[at]) : 0;
            l.kept[b * H + u] = active ? 0 : d;
        });
}

struct clock_space {
    float *delta, *kept, *before, *sums;
};

static size_t carve(const jd_call *c, clock_space *s, void *base)
{
    const int64_t rows = c->in_type[0].dim[0] * c->in_type[0].dim[1], B = c->in_type[0].dim[1];
    const int64_t H = c->in_type[2].dim[0];
    jd_pieces m = {static_cast<char *>(base), 0};
    s->delta = m.take<float>(rows * H);
    s->kept = m.take<float>(B * H);
    s->before = m.take<float>(rows * H);
    s->sums = m.take<float>(jd_column_parts(rows) * H);
    return m.used;
}

static size_t scratch_clockwork_grad(const jd_call *c)
{
    clock_space s;
    return carve(c, &s, NULL);
}

/* dR: for each module its errors times what it heard. */
static int modules(jd_cu *d, const clocks &m, const clock_space &s, int64_t rows, float *dR)
{
    for (int64_t g = 0; g * m.S < m.H; g++) {
        const int64_t heard = m.H - m.from[g];
        const jd_product p = {
            true,         false, m.S,   heard, rows, s.delta + g * m.S, m.H, s.before + m.from[g], m.H,
            dR + m.at[g], heard, false, NULL,  0};
        if (jd_gemm(d, p)) return 1;
    }
    return 0;
}

static int launch_clockwork_grad(jd_cu *d, const jd_call *c)
{
    const jd_clockwork_attr *a = jd_attr<jd_clockwork_attr>(c);
    clock_space s;
    carve(c, &s, c->scratch);
    const clockwork_back l = {jd_rec_steps(c, a->reverse),
                              clocks_of(c),
                              jd_in<float>(c, 6),
                              jd_in<float>(c, 7),
                              jd_in<float>(c, 8),
                              s.delta,
                              s.kept,
                              a->act};
    const int64_t T = l.s.T, B = l.s.B, H = l.m.H, rows = T * B;
    for (int64_t t = T; B && t-- > 0;)
        if (JD_REC_LAUNCH(d, clockwork_back_step, H, l.s, l, t, (float *)NULL)) return 1;
    if (jd_rec_clear(d, l.s, s.delta, H)) return 1;
    if (B && c->in[5] && JD_REC_LAUNCH(d, clockwork_back_step, H, l.s, l, (int64_t)-1, jd_out<float>(c, 4))) return 1;
    return jd_rec_input_grads(d, c, s.delta, H, rows, H, a->need_dx ? jd_out<float>(c, 0) : NULL, jd_out<float>(c, 1),
                              jd_out<float>(c, 3), s.sums) ||
           jd_rec_before(d, l.s, l.y, jd_in<float>(c, 5), s.before, H) || modules(d, l.m, s, rows, jd_out<float>(c, 2));
}

const jd_cu_op jd_cu_clockwork = {"clockwork steps", launch_clockwork, NULL, NULL, NULL};
const jd_cu_op jd_cu_clockwork_grad = {"clockwork steps back", launch_clockwork_grad, scratch_clockwork_grad, NULL,
                                       NULL};
