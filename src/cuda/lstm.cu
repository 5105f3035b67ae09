/* lstm.cu - the LSTM layer over whole sequences (ops/lstm.c). */
#include "cuda/whole.cuh"

JD_REC_KERNEL lstm_step(lstm l, int64_t step)
{
    jd_rec_step<4>(
        l.s, step, jd_rec_row{l.R, l.H, l.P}, l.H, l.P, [&](int64_t b) { return l.s.before(l.y, l.h0, l.P, b, step); },
        [&](int64_t b, int64_t u, const float *sum, const float *) {
            const int64_t row = l.s.row(b, step);
            const float *old = l.s.before(l.cells, l.c0, l.H, b, step);
            float pre[4], p[3];
            l.look(row, u, pre);
            for (int k = 0; k < 4; k++) pre[k] += sum[k];
            l.extra(u, p);
            l.store(row, u, l.cell(pre, p, old ? old[u] : 0));
        });
}

/* y = proj m */
JD_REC_KERNEL lstm_project(lstm l, const float *proj, int64_t step)
{
    jd_rec_step<1>(
        l.s, step, jd_rec_row{proj, l.P, l.H}, l.P, l.H, [&](int64_t b) { return l.s.at(l.m, l.H, b, step); },
        [&](int64_t b, int64_t p, const float *sum, const float *) { l.y[l.s.row(b, step) * l.P + p] = sum[0]; });
}

static int steps(jd_cu *d, const lstm &l, const float *proj)
{
    for (int64_t s = 0; s < l.s.T; s++) {
        if (JD_REC_LAUNCH(d, lstm_step, l.H, l.s, l, s)) return 1;
        if (proj && JD_REC_LAUNCH(d, lstm_project, l.P, l.s, l, proj, s)) return 1;
    }
    return 0;
}

static int launch_lstm(jd_cu *d, const jd_call *c)
{
    const jd_lstm_attr *a = jd_attr<jd_lstm_attr>(c);
    const int64_t H = c->in_type[3].dim[0] / 4, P = c->in_type[3].dim[1];
    const float *proj = jd_in<float>(c, 6);
    float *y = jd_out<float>(c, 0);
    const lstm l = {jd_rec_steps(c, a->reverse),
                    H,
                    P,
                    jd_in<float>(c, 3),
                    jd_in<float>(c, 5),
                    jd_in<float>(c, 7),
                    jd_in<float>(c, 8),
                    jd_out<float>(c, 3),
                    jd_out<float>(c, 4),
                    y,
                    proj ? jd_out<float>(c, 5) : y,
                    a->no_forget != 0,
                    a->in_squash,
                    a->out_squash};
    if (!l.s.B) return 0;
    if (jd_rec_inputs(d, c, 4 * H, l.gates, 4 * H)) return 1;
    const int how = proj ? -1 : whole(d, l, c->scratch);
    if (how > 0 || (how < 0 && steps(d, l, proj))) return 1;
    return jd_rec_clear(d, l.s, l.gates, 4 * H) || jd_rec_clear(d, l.s, l.cells, H) || jd_rec_clear(d, l.s, y, P) ||
           (proj && jd_rec_clear(d, l.s, l.m, H)) || jd_rec_last(d, l.s, y, l.h0, jd_out<float>(c, 1), P) ||
           jd_rec_last(d, l.s, l.cells, l.c0, jd_out<float>(c, 2), H);
}

static size_t scratch_lstm(const jd_call *c)
{
    return whole_scratch(lstm_size(c));
}

static bool half_lstm(const jd_call *c)
{
    return whole_half(lstm_size(c));
}

static const char *variant_lstm(const jd_call *c, jd_precision)
{
    return whole_wanted() && scratch_lstm(c) ? "lstm whole" : "lstm steps";
}

const jd_cu_op jd_cu_lstm = {"lstm steps", launch_lstm, scratch_lstm, NULL, variant_lstm, half_lstm};
