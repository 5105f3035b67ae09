/* gru.cu - the gated recurrent unit over whole sequences, and its gradient. */
#include "cuda/whole.cuh"

JD_REC_KERNEL gru_step(gru l, int64_t step)
{
    const int64_t H = l.H;
    jd_rec_step<3>(
        l.s, step, jd_rec_row{l.R, H, H}, H, H, [&](int64_t b) { return l.s.before(l.y, l.h0, H, b, step); },
        [&](int64_t b, int64_t u, const float *sum, const float *h) {
            const int64_t row = l.s.row(b, step);
            float pre[4], p[1];
            l.look(row, u, pre);
            l.extra(u, p);
            pre[0] += sum[0];
            pre[1] += sum[1];
            pre[3] = sum[2];
            l.store(row, u, l.cell(pre, p, h ? h[u] : 0));
        });
}

static int launch_gru(jd_cu *d, const jd_call *c)
{
    const int64_t H = c->in_type[3].dim[1];
    const gru l = {jd_rec_steps(c, jd_attr<jd_rnn_attr>(c)->reverse),
                   H,
                   jd_in<float>(c, 3),
                   jd_in<float>(c, 5),
                   jd_in<float>(c, 6),
                   jd_out<float>(c, 2),
                   jd_out<float>(c, 0)};
    if (!l.s.B) return 0;
    if (jd_rec_inputs(d, c, 3 * H, l.gates, 4 * H)) return 1;
    const int how = whole(d, l, c->scratch);
    if (how > 0) return 1;
    for (int64_t s = 0; how < 0 && s < l.s.T; s++)
        if (JD_REC_LAUNCH(d, gru_step, H, l.s, l, s)) return 1;
    return jd_rec_clear(d, l.s, l.gates, 4 * H) || jd_rec_clear(d, l.s, l.y, H) ||
           jd_rec_last(d, l.s, l.y, l.h0, jd_out<float>(c, 1), H);
}

/* ---- backwards -------------------------------------------------------------------------------------------------------*/

/* Columns of R in the order of the errors r u n q: those of n have no part, those of q are R's third. */
struct gru_column {
    static constexpr bool k_inner = false;
    const float *R;
    int64_t H;
    __device__ float at(int, int64_t u, int64_t k) const
    {
        return k < 2 * H ? R[k * H + u] : k < 3 * H ? 0 : R[(k - H) * H + u];
    }
};

JD_REC_KERNEL gru_back_step(gru_back l, int64_t step)
{
    const int64_t H = l.H;
    jd_rec_step<1>(
        l.s, step, gru_column{l.R, H}, H, 4 * H, [&](int64_t b) { return l.s.at(l.delta, 4 * H, b, step + 1); },
        [&](int64_t b, int64_t k, const float *sum, const float *) {
            float *kept = l.kept + b * H + k, *to = l.delta + l.s.row(b, step) * 4 * H + k, d[4];
            if (step == l.s.count(b) - 1) *kept = 0;
            l.errors(l.look(b, k, step), NULL, sum[0] + l.direct(b, k, step), kept, d);
            for (int g = 0; g < 4; g++) to[g * H] = d[g];
        });
}

JD_REC_KERNEL gru_back_start(gru_back l, float *dh0)
{
    jd_rec_step<1>(
        l.s, -1, gru_column{l.R, l.H}, l.H, 4 * l.H, [&](int64_t b) { return l.s.at(l.delta, 4 * l.H, b, 0); },
        [&](int64_t b, int64_t k, const float *sum, const float *) {
            dh0[b * l.H + k] = sum[0] + l.direct(b, k, -1) + (l.s.count(b) ? l.kept[b * l.H + k] : 0);
        });
}

struct gru_space {
    float *delta, *kept, *before, *sums;
    char *whole;
};

static size_t carve(const jd_call *c, gru_space *s, void *base)
{
    const int64_t rows = c->in_type[0].dim[0] * c->in_type[0].dim[1], B = c->in_type[0].dim[1],
                  H = c->in_type[3].dim[1];
    jd_pieces m = {static_cast<char *>(base), 0};
    s->delta = m.take<float>(rows * 4 * H);
    s->kept = m.take<float>(B * H);
    s->before = m.take<float>(rows * H);
    s->sums = m.take<float>(jd_column_parts(rows) * 4 * H);
    s->whole = m.take<char>((int64_t)whole_back_scratch(gru_size(c)));
    return m.used;
}

static size_t scratch_gru_grad(const jd_call *c)
{
    gru_space s;
    return carve(c, &s, NULL);
}

static int launch_gru_grad(jd_cu *d, const jd_call *c)
{
    const jd_rnn_attr *a = jd_attr<jd_rnn_attr>(c);
    const int64_t H = c->in_type[3].dim[1];
    gru_space s;
    carve(c, &s, c->scratch);
    const gru_back l = {jd_rec_steps(c, a->reverse),
                        H,
                        jd_in<float>(c, 3),
                        jd_in<float>(c, 6),
                        jd_in<float>(c, 7),
                        jd_in<float>(c, 8),
                        jd_in<float>(c, 9),
                        jd_in<float>(c, 10),
                        s.delta,
                        s.kept};
    const int64_t T = l.s.T, B = l.s.B, rows = T * B;
    const int how = B ? whole_back(d, l, s.whole) : 0;
    if (how > 0) return 1;
    for (int64_t t = T; how < 0 && t-- > 0;)
        if (JD_REC_LAUNCH(d, gru_back_step, H, l.s, l, t)) return 1;
    if (jd_rec_clear(d, l.s, s.delta, 4 * H)) return 1;
    if (B && c->in[6] && JD_REC_LAUNCH(d, gru_back_start, H, l.s, l, jd_out<float>(c, 5))) return 1;
    float *dR = jd_out<float>(c, 2), *dq = s.delta + 3 * H;
    return jd_rec_input_grads(d, c, s.delta, 4 * H, rows, 3 * H, a->need_dx ? jd_out<float>(c, 0) : NULL,
                              jd_out<float>(c, 1), jd_out<float>(c, 3), s.sums) ||
           jd_rec_before(d, l.s, l.y, l.h0, s.before, H) ||
           jd_rec_weight_grad(d, s.delta, 4 * H, rows, 2 * H, s.before, H, dR) ||
           jd_rec_weight_grad(d, dq, 4 * H, rows, H, s.before, H, dR + 2 * H * H) ||
           (c->in[5] && jd_column_sums(d, dq, rows, H, 4 * H, jd_out<float>(c, 4), s.sums));
}

static size_t scratch_gru(const jd_call *c)
{
    return whole_scratch(gru_size(c));
}

static bool half_gru(const jd_call *c)
{
    return whole_half(gru_size(c));
}

static bool half_gru_grad(const jd_call *c)
{
    return whole_back_half(gru_size(c));
}

static const char *variant_gru(const jd_call *c, jd_precision)
{
    return whole_wanted() && scratch_gru(c) ? "gru whole" : "gru steps";
}

static const char *variant_gru_grad(const jd_call *c, jd_precision)
{
    return whole_wanted() && whole_back_scratch(gru_size(c)) ? "gru whole back" : "gru steps back";
}

const jd_cu_op jd_cu_gru = {"gru steps", launch_gru, scratch_gru, NULL, variant_gru, half_gru};
const jd_cu_op jd_cu_gru_grad = {"gru steps back", launch_gru_grad, scratch_gru_grad, NULL,
                                 variant_gru_grad, half_gru_grad};
