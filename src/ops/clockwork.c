/*
 * clockwork.c - a Clockwork RNN (Koutnik, Greff, Gomez, Schmidhuber, ICML 2014) over whole sequences: modules of units, each
 * of which computes only at the steps its period divides and keeps its output in between.
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/clockwork.h"
#include "ops/real.h"

size_t jd__clock_space(const jd_call *c, bool grad, int threads, void *base, jd_clock_space *s)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1], N = (size_t)c->in_type[0].dim[2];
    const size_t H = (size_t)c->in_type[2].dim[0], S = H / a->modules, F = sizeof(float), members = (size_t)threads;
    jd_clock clock[JD_CLOCKS];
    jd_carve m = {base, 0};
    memset(s, 0, sizeof *s);
    jd__clocks(a, H, clock);
    s->rec.plan_bytes = jd__rec_plan_bytes(T, B);
    s->rec.plan = jd__carve(&m, s->rec.plan_bytes * members);
    for (size_t g = 0; g < a->modules; g++) {
        const jd_clock *k = &clock[g];
        s->w[g] = jd__carve(&m, F * (grad ? jd__packed_floats(S, 1, N) : jd__packed_floats(N, 1, S)));
        s->r[g] = jd__carve(&m, F * (grad ? jd__packed_floats(S, 1, k->heard) : jd__packed_floats(k->heard, 1, S)));
        if (grad) s->delta[g] = jd__carve(&m, F * B * ((T + k->period - 1) / k->period) * S);
    }
    if (!grad) return m.used;
    s->first = jd__carve(&m, sizeof(int32_t) * (a->modules + 1u) * B);
    s->rec.dh = jd__carve(&m, F * B * H);
    s->rec.sum = jd__carve(&m, F * B * H);
    s->rec.outer_floats = JD_OUTER_ROWS * (jd__packed_floats(1, 1, N) + jd__packed_floats(1, 1, H) + JD_OUTER_COLUMNS);
    s->rec.outer = jd__carve(&m, F * s->rec.outer_floats * members);
    return m.used;
}

static jd_status infer_clockwork(jd_infer *c)
{
    const jd_type *x = &c->in[0];
    if (jd__rec_want_sequence(c)) return JD_EUSAGE;
    const jd_clockwork_attr *a = c->attr;
    jd_clock clock[JD_CLOCKS];
    if (a->act > 3) return jd__bad(c, "act is %d; it must be 0 tanh, 1 sigmoid, 2 relu or 3 linear", a->act);
    if (c->in[2].rank != 2) return jd__bad(c, "W must have the shape (H,N)");
    const int64_t B = x->dim[1], H = c->in[2].dim[0];
    if (a->modules < 1 || a->modules > JD_CLOCKS || H % a->modules)
        return jd__bad(c, "%d modules cannot share %lld units; give 1 to %d modules that divide the number of units",
                       a->modules, (long long)H, JD_CLOCKS);
    for (int g = 0; g < a->modules; g++)
        if (a->period[g] < 1 || (g && a->period[g] < a->period[g - 1]))
            return jd__bad(c, "period %d of module %d; periods must rise from 1 to 65535 at most", a->period[g], g);
    const int64_t n = (int64_t)jd__clocks(a, (size_t)H, clock);
    if (jd__rec_want(c, 2, "W", false, x->dtype, JD_DIMS(H, x->dim[2])) ||
        jd__rec_want(c, 3, "R (packed)", false, x->dtype, JD_DIMS(n)) ||
        jd__rec_want(c, 4, "b", false, x->dtype, JD_DIMS(H)) || jd__rec_want(c, 5, "h0", true, x->dtype, JD_DIMS(B, H)))
        return JD_EUSAGE;
    c->nout = 2;
    c->out[0] = jd__rec_type(x->dtype, JD_DIMS(x->dim[0], B, H));
    c->out[1] = jd__rec_type(x->dtype, JD_DIMS(B, H));
    return JD_OK;
}

static void grad_clockwork(const jd_rule *c)
{
    static const int kept[] = {0};
    jd_clockwork_attr a = *(const jd_clockwork_attr *)c->attr;
    a.need_dx = c->need[0];
    jd__rec_grad(c, JD_OP_clockwork_grad, &a, 6, kept, 1);
}

/* The outputs of all modules at step s from those of the step before. */
static jd_node tick(const jd_rule *c, const jd_clock *clock, int64_t s, jd_node input, jd_node h)
{
    jd_graph *g = c->g;
    const jd_clockwork_attr *a = c->attr;
    const int64_t S = jd_dim(g, c->in[2], 0) / a->modules;
    jd_node part[JD_CLOCKS];
    for (int k = 0; k < a->modules; k++) {
        const int64_t unit = (int64_t)clock[k].unit, from = (int64_t)clock[k].from, heard = (int64_t)clock[k].heard;
        if (s % (int64_t)clock[k].period) {
            part[k] = jd_slice(g, h, 1, unit, S);
            continue;
        }
        const jd_node R = jd_reshape(g, jd_slice(g, c->in[3], 0, (int64_t)clock[k].at, S * heard), JD_DIMS(S, heard));
        const jd_node pre =
            jd_add(g, jd_slice(g, input, 1, unit, S), jd_matmul(g, jd_slice(g, h, 1, from, heard), R, .tb = true));
        part[k] = a->act == 0   ? jd_tanh(g, pre)
                  : a->act == 1 ? jd_sigmoid(g, pre)
                  : a->act == 2 ? jd_relu(g, pre)
                                : pre;
    }
    return jd_concat(g, part, a->modules, 1);
}

static void decompose_clockwork(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_clockwork_attr *a = c->attr;
    const jd_unroll u = jd__unroll(c, a->reverse);
    const int64_t H = jd_dim(g, c->in[2], 0);
    const jd_node input = jd__unroll_input(&u, c->in[0], c->in[2], c->in[4]);
    jd_clock clock[JD_CLOCKS];
    jd_node h = c->in[5].id ? c->in[5] : jd_const(g, 0, JD_DIMS(u.B, H));
    jd_node *y = jd__graph_alloc(g, (size_t)u.T * sizeof *y);
    if (!y) return;
    jd__clocks(a, (size_t)H, clock);
    for (int64_t s = 0; s < u.T; s++) {
        const jd_node out = tick(c, clock, s, jd__unroll_at(&u, input, s), h);
        y[s] = jd__unroll_alive(&u, s, out, JD_NONE);
        h = jd__unroll_alive(&u, s, out, h);
    }
    c->out[0] = jd__unroll_stack(&u, y);
    c->out[1] = h;
}

static double flop_clockwork(const jd_call *c)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], N = (size_t)c->in_type[0].dim[2];
    const size_t H = (size_t)c->in_type[2].dim[0], S = H / a->modules;
    jd_clock clock[JD_CLOCKS];
    double flop = 0;
    jd__clocks(a, H, clock);
    for (size_t g = 0; g < a->modules; g++)
        flop += 2. * (double)(((T + clock[g].period - 1) / clock[g].period) * S * (N + clock[g].heard));
    return flop * (double)c->in_type[0].dim[1];
}

static size_t scratch_clockwork(const jd_call *c, int threads)
{
    jd_clock_space s;
    return jd__clock_space(c, false, threads, NULL, &s);
}

static jd_clockwork_attr attr_of(int modules, const int *period, bool full)
{
    jd_clockwork_attr a;
    memset(&a, 0, sizeof a);
    a.full = full;
    a.modules = (uint8_t)(modules < 1 || modules > JD_CLOCKS ? 0 : modules);
    for (int g = 0; g < a.modules; g++) {
        const int p = period ? period[g] : 1 << g;
        a.period[g] = (uint16_t)(p < 1 || p > UINT16_MAX ? 0 : p);
    }
    return a;
}

int64_t jd_clockwork_weights(int64_t H, int modules, const int *period, bool full)
{
    jd_clock clock[JD_CLOCKS];
    const jd_clockwork_attr a = attr_of(modules, period, full);
    if (!a.modules || H < 1 || H % modules) return 0;
    return (int64_t)jd__clocks(&a, (size_t)H, clock);
}

jd_rnn_out jd_clockwork_raw(jd_graph *g, jd_clockwork_args o)
{
    jd_node out[2] = {{0}};
    if (jd_error(jd_graph_ctx(g))) return (jd_rnn_out){0};
    jd_clockwork_attr a = attr_of(o.modules, o.period, o.full);
    a.reverse = o.reverse;
    a.act = o.act < 0 || o.act > 3 ? 255 : (uint8_t)o.act;
    const jd_node in[6] = {o.x, o.length, o.W, o.R, o.b, o.h0};
    if (!jd__add(g, JD_OP_clockwork, &a, in, 6, out).id) return (jd_rnn_out){0};
    return (jd_rnn_out){out[0], out[1]};
}

#define JD_SELF "ops/clockwork.c"
#include "ops/twice.h"

const jd_op jd__op_clockwork = {.name = "clockwork",
                                .doc = "clockwork RNN over whole sequences: modules that compute at their own periods",
                                .attr_bytes = sizeof(jd_clockwork_attr),
                                .infer = infer_clockwork,
                                .grad = grad_clockwork,
                                .decompose = decompose_clockwork,
                                .scratch = scratch_clockwork,
                                .flop = flop_clockwork,
                                .ref = {clockwork_f32, clockwork_f64}};
#else
#include "ops/squash.h"

/* One module at one of its steps; h (H) is the state before, or NULL. */
static void FN(clockwork_module)(const jd_call *c, const jd_clock *m, const REAL *x, const REAL *h, REAL *y)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t N = (size_t)c->in_type[0].dim[2], S = (size_t)c->in_type[2].dim[0] / a->modules;
    const REAL *W = c->in[2], *R = (const REAL *)c->in[3] + m->at, *bias = c->in[4];
    for (size_t k = 0; k < S; k++) {
        REAL sum = bias[m->unit + k];
        for (size_t j = 0; j < N; j++) sum += W[(m->unit + k) * N + j] * x[j];
        for (size_t j = 0; h && j < m->heard; j++) sum += R[k * m->heard + j] * h[m->from + j];
        y[m->unit + k] = FN(rnn_act)(a->act, sum);
    }
}

static void FN(clockwork)(const jd_call *c, const jd_worker *w)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1];
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[2].dim[0], S = H / a->modules;
    const REAL *x = c->in[0], *h0 = c->in[5];
    REAL *y = c->out[0];
    jd_clock clock[JD_CLOCKS];
    if (w->id) return;
    jd__clocks(a, H, clock);
    for (size_t b = 0; b < B; b++) {
        const size_t length = jd__length(c->in[1], b, T);
        const REAL *h = h0 ? h0 + b * H : NULL;
        for (size_t s = 0; s < length; s++) {
            const size_t row = jd__time(a->reverse, length, s) * B + b;
            for (size_t g = 0; g < a->modules; g++)
                if (s % clock[g].period == 0)
                    FN(clockwork_module)(c, &clock[g], x + row * N, h, y + row * H);
                else
                    memcpy(y + row * H + g * S, h + g * S, S * sizeof(REAL));
            h = y + row * H;
        }
        for (size_t k = 0; k < H; k++) ((REAL *)c->out[1])[b * H + k] = h ? h[k] : 0;
        for (size_t t = length; t < T; t++) memset(y + (t * B + b) * H, 0, H * sizeof(REAL));
    }
}
#endif
