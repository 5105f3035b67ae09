/* srn.cu - the simple recurrent layer over whole sequences, and its gradient (ops/srn.c, ops/srn_grad.c). */
#include "cuda/recurrent.cuh"

struct srn {
    jd_steps s;
    int64_t H;
    const float *R, *h0;
    float *y; /* holds W x + b first */
    int act;
};

JD_REC_KERNEL srn_step(srn l, int64_t step)
{
    jd_rec_step<1>(
        l.s, step, jd_rec_row{l.R, l.H, l.H}, l.H, l.H, [&](int64_t b) { return l.s.before(l.y, l.h0, l.H, b, step); },
        [&](int64_t b, int64_t u, const float *sum, const float *) {
            float *y = l.y + l.s.row(b, step) * l.H + u;
            *y = jd_rnn_act(l.act, *y + sum[0]);
        });
}

static int launch_srn(jd_cu *d, const jd_call *c)
{
    const jd_rnn_attr *a = jd_attr<jd_rnn_attr>(c);
    const int64_t H = c->in_type[3].dim[0];
    const srn l = {jd_rec_steps(c, a->reverse), H, jd_in<float>(c, 3), jd_in<float>(c, 5), jd_out<float>(c, 0), a->act};
    if (!l.s.B) return 0;
    if (jd_rec_inputs(d, c, H, l.y, H)) return 1;
    for (int64_t s = 0; s < l.s.T; s++)
        if (JD_REC_LAUNCH(d, srn_step, H, l.s, l, s)) return 1;
    return jd_rec_clear(d, l.s, l.y, H) || jd_rec_last(d, l.s, l.y, l.h0, jd_out<float>(c, 1), H);
}

/* ---- backwards -------------------------------------------------------------------------------------------------------*/

struct srn_back {
    jd_steps s;
    int64_t H;
    const float *R, *y, *dy, *dhT;
    float *delta; /* (T,B,H) */
    int act;
};

/* dh0 NULL: step `step`; else the error of the initial state. */
JD_REC_KERNEL srn_back_step(srn_back l, int64_t step, float *dh0)
{
    jd_rec_step<1>(
        l.s, step, jd_rec_column{l.R, l.H}, l.H, l.H, [&](int64_t b) { return l.s.at(l.delta, l.H, b, step + 1); },
        [&](int64_t b, int64_t u, const float *sum, const float *) {
            float e = sum[0];
            if (step + 1 == l.s.count(b) && l.dhT) e += l.dhT[b * l.H + u];
            const int64_t at = dh0 ? b * l.H + u : l.s.row(b, step) * l.H + u;
            if (dh0)
                dh0[at] = e;
            else
                l.delta[at] = (e + (l.dy ? l.dy[at] : 0)) * jd_rnn_slope(l.act, l.y[at]);
        });
}

struct srn_space {
    float *delta, *before, *sums;
};

static size_t carve(const jd_call *c, srn_space *s, void *base)
{
    const int64_t rows = c->in_type[0].dim[0] * c->in_type[0].dim[1], H = c->in_type[3].dim[0];
    jd_pieces m = {static_cast<char *>(base), 0};
    s->delta = m.take<float>(rows * H);
    s->before = m.take<float>(rows * H);
    s->sums = m.take<float>(jd_column_parts(rows) * H);
    return m.used;
}

static size_t scratch_srn_grad(const jd_call *c)
{
    srn_space s;
    return carve(c, &s, NULL);
}

static int launch_srn_grad(jd_cu *d, const jd_call *c)
{
    const jd_rnn_attr *a = jd_attr<jd_rnn_attr>(c);
    const int64_t H = c->in_type[3].dim[0];
    srn_space s;
    carve(c, &s, c->scratch);
    const srn_back l = {jd_rec_steps(c, a->reverse),
                        H,
                        jd_in<float>(c, 3),
                        jd_in<float>(c, 6),
                        jd_in<float>(c, 7),
                        jd_in<float>(c, 8),
                        s.delta,
                        a->act};
    const int64_t T = l.s.T, B = l.s.B, rows = T * B;
    for (int64_t t = T; B && t-- > 0;)
        if (JD_REC_LAUNCH(d, srn_back_step, H, l.s, l, t, (float *)NULL)) return 1;
    if (jd_rec_clear(d, l.s, s.delta, H)) return 1;
    if (B && c->in[5] && JD_REC_LAUNCH(d, srn_back_step, H, l.s, l, (int64_t)-1, jd_out<float>(c, 4))) return 1;
    return jd_rec_input_grads(d, c, s.delta, H, rows, H, a->need_dx ? jd_out<float>(c, 0) : NULL, jd_out<float>(c, 1),
                              jd_out<float>(c, 3), s.sums) ||
           jd_rec_before(d, l.s, l.y, jd_in<float>(c, 5), s.before, H) ||
           jd_rec_weight_grad(d, s.delta, H, rows, H, s.before, H, jd_out<float>(c, 2));
}

const jd_cu_op jd_cu_srn = {"srn steps", launch_srn, NULL, NULL, NULL};
const jd_cu_op jd_cu_srn_grad = {"srn steps back", launch_srn_grad, scratch_srn_grad, NULL, NULL};
