/* lstm_grad.cu - back-propagation through time for lstm.cu; formulas: ops/lstm_grad.c. */
#include "cuda/whole.cuh"

/* Row of delta that the error of step `step` comes back from, or NULL. */
static __device__ inline const float *later(const lstm_back &l, int64_t b, int64_t step)
{
    return l.truncate ? nullptr : l.s.at(l.delta, 4 * l.H, b, step + 1);
}

/* The unit's errors from that of its output. */
static __device__ inline void errors(const lstm_back &l, int64_t b, int64_t u, int64_t step, float dm)
{
    const bool last = step == l.s.count(b) - 1;
    float p[3], delta[4], dc = last ? l.last_kept(b, u) : l.kept[b * l.H + u];
    l.extra(u, p);
    l.errors(l.look(b, u, step), p, dm, &dc, delta);
    float *to = l.delta + l.s.row(b, step) * 4 * l.H + u;
    for (int k = 0; k < 4; k++) to[k * l.H] = delta[k];
    l.kept[b * l.H + u] = dc;
}

/* The error through R of the output of `step`, for `then`. */
template <class Then> static __device__ inline void through_state(const lstm_back &l, int64_t step, Then then)
{
    jd_rec_step<1>(
        l.s, step, jd_rec_column{l.R, l.P}, l.P, 4 * l.H, [&](int64_t b) { return later(l, b, step); },
        [&](int64_t b, int64_t p, const float *sum, const float *) { then(b, p, sum[0] + l.direct(b, p, step)); });
}

/* One step without projection, */
JD_REC_KERNEL lstm_back_step(lstm_back l, int64_t step)
{
    through_state(l, step, [&](int64_t b, int64_t u, float e) { errors(l, b, u, step, e); });
}

/* with projection in two: the error of the projected output, */
JD_REC_KERNEL lstm_back_output(lstm_back l, int64_t step)
{
    through_state(l, step, [&](int64_t b, int64_t p, float e) { l.dr[l.s.row(b, step) * l.P + p] = e; });
}

/* and the cells. */
JD_REC_KERNEL lstm_back_cells(lstm_back l, int64_t step)
{
    jd_rec_step<1>(
        l.s, step, jd_rec_column{l.proj, l.H}, l.H, l.P, [&](int64_t b) { return l.s.at(l.dr, l.P, b, step); },
        [&](int64_t b, int64_t u, const float *sum, const float *) { errors(l, b, u, step, sum[0]); });
}

/* The error of the initial state. */
JD_REC_KERNEL lstm_back_start(lstm_back l, float *dh0)
{
    through_state(l, -1, [&](int64_t b, int64_t p, float e) { dh0[b * l.P + p] = e; });
}

static __global__ void cell_start(lstm_back l, float *dc0)
{
    JD_EACH(e, l.s.B * l.H) dc0[e] = l.s.count(e / l.H) ? l.kept[e] : l.dcT ? l.dcT[e] : 0;
}

/* The terms of the gradient of the peepholes: to (T,B,3H); `before`: the old cells. */
static __global__ void peephole_terms(lstm_back l, const float *before, float *to)
{
    JD_EACH(e, l.s.T * l.s.B * l.H)
    {
        const int64_t row = e / l.H, u = e % l.H, H = l.H;
        const float *d = l.delta + row * 4 * H + u;
        float *t = to + row * 3 * H + u;
        t[0] = d[0] * before[e];
        t[H] = d[H] * before[e];
        t[2 * H] = d[3 * H] * l.cells[e];
    }
}

struct lstm_space {
    float *delta, *dr, *dc, *before, *old, *terms, *sums;
    char *whole;
};

static size_t carve(const jd_call *c, lstm_space *s, void *base)
{
    const int64_t rows = c->in_type[0].dim[0] * c->in_type[0].dim[1], B = c->in_type[0].dim[1];
    const int64_t H = c->in_type[3].dim[0] / 4, P = c->in_type[3].dim[1];
    const bool peep = c->in_type[5].rank >= 0, proj = c->in_type[6].rank >= 0;
    jd_pieces m = {static_cast<char *>(base), 0};
    s->delta = m.take<float>(rows * 4 * H);
    s->dr = m.take<float>(proj ? rows * P : 0);
    s->dc = m.take<float>(B * H);
    s->before = m.take<float>(rows * P);
    s->old = m.take<float>(peep ? rows * H : 0);
    s->terms = m.take<float>(peep ? rows * 3 * H : 0);
    s->sums = m.take<float>(jd_column_parts(rows) * 4 * H);
    s->whole = m.take<char>((int64_t)whole_back_scratch(lstm_size(c)));
    return m.used;
}

static size_t scratch_lstm_grad(const jd_call *c)
{
    lstm_space s;
    return carve(c, &s, NULL);
}

/* dW, dR, db, dpeep, dproj, dx from the errors of all steps. */
static int products(jd_cu *d, const jd_call *c, const lstm_back &l, const lstm_space &s, int64_t rows)
{
    const int64_t H = l.H, P = l.P;
    float *dx = jd_attr<jd_lstm_attr>(c)->need_dx ? jd_out<float>(c, 0) : NULL;
    if (jd_rec_input_grads(d, c, s.delta, 4 * H, rows, 4 * H, dx, jd_out<float>(c, 1), jd_out<float>(c, 3), s.sums) ||
        jd_rec_before(d, l.s, jd_in<float>(c, 9), jd_in<float>(c, 7), s.before, P) ||
        jd_rec_weight_grad(d, s.delta, 4 * H, rows, 4 * H, s.before, P, jd_out<float>(c, 2)) ||
        (l.proj && jd_rec_weight_grad(d, s.dr, P, rows, P, jd_in<float>(c, 12), H, jd_out<float>(c, 5))))
        return 1;
    if (!l.peep) return 0;
    return jd_rec_before(d, l.s, l.cells, l.c0, s.old, H) ||
           (rows * H > 0 &&
            JD_LAUNCH(d, peephole_terms, jd_grid(rows * H), JD_BLOCK, 0, l, (const float *)s.old, s.terms)) ||
           jd_column_sums(d, s.terms, rows, 3 * H, 3 * H, jd_out<float>(c, 4), s.sums);
}

static int steps_back(jd_cu *d, const lstm_back &l)
{
    for (int64_t t = l.s.T; t-- > 0;) {
        const int bad = l.proj ? JD_REC_LAUNCH(d, lstm_back_output, l.P, l.s, l, t) ||
                                     JD_REC_LAUNCH(d, lstm_back_cells, l.H, l.s, l, t)
                               : JD_REC_LAUNCH(d, lstm_back_step, l.H, l.s, l, t);
        if (bad) return 1;
    }
    return 0;
}

static int launch_lstm_grad(jd_cu *d, const jd_call *c)
{
    const jd_lstm_attr *a = jd_attr<jd_lstm_attr>(c);
    const int64_t H = c->in_type[3].dim[0] / 4, P = c->in_type[3].dim[1];
    lstm_space s;
    carve(c, &s, c->scratch);
    lstm_back l = {};
    l.s = jd_rec_steps(c, a->reverse);
    const int64_t T = l.s.T, B = l.s.B;
    l.H = H;
    l.P = P;
    l.R = jd_in<float>(c, 3);
    l.peep = jd_in<float>(c, 5);
    l.proj = jd_in<float>(c, 6);
    l.c0 = jd_in<float>(c, 8);
    l.gates = jd_in<float>(c, 10);
    l.cells = jd_in<float>(c, 11);
    l.dy = jd_in<float>(c, 13);
    l.dhT = jd_in<float>(c, 14);
    l.dcT = jd_in<float>(c, 15);
    l.delta = s.delta;
    l.dr = s.dr;
    l.kept = s.dc;
    l.no_forget = a->no_forget != 0;
    l.truncate = a->truncate != 0;
    l.in_squash = a->in_squash;
    l.out_squash = a->out_squash;
    const int how = l.proj || !B ? -1 : whole_back(d, l, s.whole);
    if (how > 0 || (how < 0 && B && steps_back(d, l))) return 1;
    if (jd_rec_clear(d, l.s, s.delta, 4 * H) || (l.proj && jd_rec_clear(d, l.s, s.dr, P))) return 1;
    if (B && c->in[7] && JD_REC_LAUNCH(d, lstm_back_start, P, l.s, l, jd_out<float>(c, 6))) return 1;
    if (B && c->in[8] && JD_LAUNCH(d, cell_start, jd_grid(B * H), JD_BLOCK, 0, l, jd_out<float>(c, 7))) return 1;
    return products(d, c, l, s, T * B);
}

static bool half_lstm_grad(const jd_call *c)
{
    return whole_back_half(lstm_size(c));
}

static const char *variant_lstm_grad(const jd_call *c, jd_precision)
{
    return whole_wanted() && whole_back_scratch(lstm_size(c)) ? "lstm whole back" : "lstm steps back";
}

const jd_cu_op jd_cu_lstm_grad = {"lstm steps back", launch_lstm_grad, scratch_lstm_grad, NULL,
                                  variant_lstm_grad, half_lstm_grad};
