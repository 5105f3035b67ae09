/* lstm.cu - the LSTM layer over whole sequences (ops/lstm.c). */
#include "cuda/recurrent.cuh"

struct lstm {
    jd_steps s;
    int64_t H, P;
    const float *R, *peep, *h0, *c0;
    float *gates, *cells, *y, *m; /* m: the cells' outputs, y itself without projection */
    bool no_forget;
    int in_squash, out_squash;
};

/* The cell of one unit: gates hold W x + b and become activated. */
static __device__ inline void cell(const lstm &l, int64_t row, int64_t u, const float *sum, float old)
{
    float *g = l.gates + row * 4 * l.H + u;
    const float *p = l.peep;
    const int64_t H = l.H;
    const float i = jd_sigmoidf(g[0] + sum[0] + (p ? p[u] * old : 0));
    const float f = l.no_forget ? 1 : jd_sigmoidf(g[H] + sum[1] + (p ? p[H + u] * old : 0));
    const float z = jd_squash_of(l.in_squash, g[2 * H] + sum[2]);
    const float next = fmaf(old, f, z * i);
    const float o = jd_sigmoidf(g[3 * H] + sum[3] + (p ? p[2 * H + u] * next : 0));
    g[0] = i;
    g[H] = f;
    g[2 * H] = z;
    g[3 * H] = o;
    l.cells[row * H + u] = next;
    l.m[row * H + u] = o * jd_squash_of(l.out_squash, next);
}

JD_REC_KERNEL lstm_step(lstm l, int64_t step)
{
    jd_rec_step<4>(
        l.s, step, jd_rec_row{l.R, l.H, l.P}, l.H, l.P, [&](int64_t b) { return l.s.before(l.y, l.h0, l.P, b, step); },
        [&](int64_t b, int64_t u, const float *sum, const float *) {
            const float *old = l.s.before(l.cells, l.c0, l.H, b, step);
            cell(l, l.s.row(b, step), u, sum, old ? old[u] : 0);
        });
}

/* y = proj m */
JD_REC_KERNEL lstm_project(lstm l, const float *proj, int64_t step)
{
    jd_rec_step<1>(
        l.s, step, jd_rec_row{proj, l.P, l.H}, l.P, l.H, [&](int64_t b) { return l.s.at(l.m, l.H, b, step); },
        [&](int64_t b, int64_t p, const float *sum, const float *) { l.y[l.s.row(b, step) * l.P + p] = sum[0]; });
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
    for (int64_t s = 0; s < l.s.T; s++) {
        if (JD_REC_LAUNCH(d, lstm_step, H, l.s, l, s)) return 1;
        if (proj && JD_REC_LAUNCH(d, lstm_project, P, l.s, l, proj, s)) return 1;
    }
    return jd_rec_clear(d, l.s, l.gates, 4 * H) || jd_rec_clear(d, l.s, l.cells, H) || jd_rec_clear(d, l.s, y, P) ||
           (proj && jd_rec_clear(d, l.s, l.m, H)) || jd_rec_last(d, l.s, y, l.h0, jd_out<float>(c, 1), P) ||
           jd_rec_last(d, l.s, l.cells, l.c0, jd_out<float>(c, 2), H);
}

const jd_cu_op jd_cu_lstm = {"lstm steps", launch_lstm, NULL, NULL, NULL};
