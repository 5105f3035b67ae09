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

static __global__ void __launch_bounds__(JD_REC_THREADS) lstm_step(lstm l, int64_t step)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) -> const float * {
        if (step >= l.s.count(b)) return nullptr;
        return step ? l.y + l.s.row(b, step - 1) * l.P : l.h0 ? l.h0 + b * l.P : nullptr;
    });
    float sum[4] = {0, 0, 0, 0};
    jd_rec_sums<4>(rows, jd_rec_row{l.R, l.H, l.P}, u0, l.H, l.P, sum);
    const int64_t b = b0 + threadIdx.x / JD_REC_TILE, u = u0 + threadIdx.x % JD_REC_TILE;
    if (b >= l.s.B || u >= l.H || step >= l.s.count(b)) return;
    const float old = step ? l.cells[l.s.row(b, step - 1) * l.H + u] : l.c0 ? l.c0[b * l.H + u] : 0;
    cell(l, l.s.row(b, step), u, sum, old);
}

/* y = proj m */
static __global__ void __launch_bounds__(JD_REC_THREADS) lstm_project(lstm l, const float *proj, int64_t step)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) -> const float * {
        return step < l.s.count(b) ? l.m + l.s.row(b, step) * l.H : nullptr;
    });
    float sum = 0;
    jd_rec_sums<1>(rows, jd_rec_row{proj, l.P, l.H}, u0, l.P, l.H, &sum);
    const int64_t b = b0 + threadIdx.x / JD_REC_TILE, p = u0 + threadIdx.x % JD_REC_TILE;
    if (b < l.s.B && p < l.P && step < l.s.count(b)) l.y[l.s.row(b, step) * l.P + p] = sum;
}

static int launch_lstm(jd_cu *d, const jd_call *c)
{
    const jd_lstm_attr *a = jd_attr<jd_lstm_attr>(c);
    const jd_type *x = &c->in_type[0];
    const int64_t T = x->dim[0], B = x->dim[1], N = x->dim[2], H = c->in_type[3].dim[0] / 4, P = c->in_type[3].dim[1];
    const float *proj = jd_in<float>(c, 6);
    float *y = jd_out<float>(c, 0);
    const lstm l = {{T, B, a->reverse != 0, jd_in<int32_t>(c, 1)},
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
    const jd_product input = {false,
                              true,
                              T * B,
                              4 * H,
                              N,
                              jd_in<float>(c, 0),
                              N,
                              jd_in<float>(c, 2),
                              N,
                              l.gates,
                              4 * H,
                              false,
                              jd_in<float>(c, 4),
                              0};
    if (!B) return 0;
    if (jd_gemm(d, input)) return 1;
    for (int64_t s = 0; s < T; s++) {
        if (JD_LAUNCH(d, lstm_step, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, s)) return 1;
        if (proj && JD_LAUNCH(d, lstm_project, jd_rec_grid(P, B), JD_REC_THREADS, 0, l, proj, s)) return 1;
    }
    return jd_rec_clear(d, l.s, l.gates, 4 * H) || jd_rec_clear(d, l.s, l.cells, H) || jd_rec_clear(d, l.s, y, P) ||
           (proj && jd_rec_clear(d, l.s, l.m, H)) || jd_rec_last(d, l.s, y, l.h0, jd_out<float>(c, 1), P) ||
           jd_rec_last(d, l.s, l.cells, l.c0, jd_out<float>(c, 2), H);
}

const jd_cu_op jd_cu_lstm = {"lstm steps", launch_lstm, NULL, NULL, NULL};
