/* gru.cu - the gated recurrent unit over whole sequences, and its gradient; formulas: ops/gru.c, ops/gru_grad.c. */
#include "cuda/recurrent.cuh"

struct gru {
    jd_steps s;
    int64_t H;
    const float *R, *bR, *h0;
    float *gates, *y; /* gates (T,B,4H): r u n q */
};

static __global__ void __launch_bounds__(JD_REC_THREADS) gru_step(gru l, int64_t step)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE, H = l.H;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) -> const float * {
        if (step >= l.s.count(b)) return nullptr;
        return step ? l.y + l.s.row(b, step - 1) * H : l.h0 ? l.h0 + b * H : nullptr;
    });
    float sum[3] = {0, 0, 0};
    jd_rec_sums<3>(rows, jd_rec_row{l.R, H, H}, u0, H, H, sum);
    const int i = (int)threadIdx.x / JD_REC_TILE;
    const int64_t b = b0 + i, u = u0 + threadIdx.x % JD_REC_TILE;
    if (b >= l.s.B || u >= H || step >= l.s.count(b)) return;
    const int64_t row = l.s.row(b, step);
    float *g = l.gates + row * 4 * H + u;
    const float r = jd_sigmoidf(g[0] + sum[0]), keep = jd_sigmoidf(g[H] + sum[1]), q = sum[2] + (l.bR ? l.bR[u] : 0);
    const float n = jd_tanhf(g[2 * H] + r * q), old = rows[i] ? rows[i][u] : 0;
    g[0] = r;
    g[H] = keep;
    g[2 * H] = n;
    g[3 * H] = q;
    l.y[row * H + u] = (1 - keep) * n + keep * old;
}

static int launch_gru(jd_cu *d, const jd_call *c)
{
    const jd_type *x = &c->in_type[0];
    const int64_t T = x->dim[0], B = x->dim[1], N = x->dim[2], H = c->in_type[3].dim[1];
    const gru l = {{T, B, jd_attr<jd_rnn_attr>(c)->reverse != 0, jd_in<int32_t>(c, 1)},
                   H,
                   jd_in<float>(c, 3),
                   jd_in<float>(c, 5),
                   jd_in<float>(c, 6),
                   jd_out<float>(c, 2),
                   jd_out<float>(c, 0)};
    const jd_product input = {false,
                              true,
                              T * B,
                              3 * H,
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
    for (int64_t s = 0; s < T; s++)
        if (JD_LAUNCH(d, gru_step, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, s)) return 1;
    return jd_rec_clear(d, l.s, l.gates, 4 * H) || jd_rec_clear(d, l.s, l.y, H) ||
           jd_rec_last(d, l.s, l.y, l.h0, jd_out<float>(c, 1), H);
}

/* ---- backwards -------------------------------------------------------------------------------------------------------*/

struct gru_back {
    jd_steps s;
    int64_t H;
    const float *R, *h0, *y, *gates, *dy, *dhT;
    float *delta; /* (T,B,4H): errors of r u n, then of q */
    float *kept;  /* (B,H): what goes back past the gates */
};

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

static __device__ inline const float *later(const gru_back &l, int64_t b, int64_t step)
{
    return step + 1 < l.s.count(b) ? l.delta + l.s.row(b, step + 1) * 4 * l.H : nullptr;
}

/* The error of the state after `step` (-1: the initial one), without dy. */
static __device__ inline float state_error(const gru_back &l, int64_t b, int64_t u, int64_t step, float sum)
{
    return step + 1 < l.s.count(b) ? sum + l.kept[b * l.H + u] : l.dhT ? l.dhT[b * l.H + u] : 0;
}

static __global__ void __launch_bounds__(JD_REC_THREADS) gru_back_step(gru_back l, int64_t step)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE, H = l.H;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) { return later(l, b, step); });
    float sum = 0;
    jd_rec_sums<1>(rows, gru_column{l.R, H}, u0, H, 4 * H, &sum);
    const int64_t b = b0 + threadIdx.x / JD_REC_TILE, k = u0 + threadIdx.x % JD_REC_TILE;
    if (b >= l.s.B || k >= H || step >= l.s.count(b)) return;
    const int64_t row = l.s.row(b, step);
    const float *g = l.gates + row * 4 * H + k;
    const float r = g[0], u = g[H], n = g[2 * H], q = g[3 * H];
    const float old = step ? l.y[l.s.row(b, step - 1) * H + k] : l.h0 ? l.h0[b * H + k] : 0;
    const float d = state_error(l, b, k, step, sum) + (l.dy ? l.dy[row * H + k] : 0), dn = d * (1 - u) * (1 - n * n);
    float *to = l.delta + row * 4 * H + k;
    to[0] = dn * q * r * (1 - r);
    to[H] = d * (old - n) * u * (1 - u);
    to[2 * H] = dn;
    to[3 * H] = dn * r;
    l.kept[b * H + k] = d * u;
}

static __global__ void __launch_bounds__(JD_REC_THREADS) gru_back_start(gru_back l, float *dh0)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE, H = l.H;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) { return later(l, b, -1); });
    float sum = 0;
    jd_rec_sums<1>(rows, gru_column{l.R, H}, u0, H, 4 * H, &sum);
    const int64_t b = b0 + threadIdx.x / JD_REC_TILE, k = u0 + threadIdx.x % JD_REC_TILE;
    if (b < l.s.B && k < H) dh0[b * H + k] = state_error(l, b, k, -1, sum);
}

struct gru_space {
    float *delta, *kept, *before, *sums;
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
    const int64_t T = c->in_type[0].dim[0], B = c->in_type[0].dim[1], H = c->in_type[3].dim[1], rows = T * B;
    gru_space s;
    carve(c, &s, c->scratch);
    const gru_back l = {{T, B, a->reverse != 0, jd_in<int32_t>(c, 1)},
                        H,
                        jd_in<float>(c, 3),
                        jd_in<float>(c, 6),
                        jd_in<float>(c, 7),
                        jd_in<float>(c, 8),
                        jd_in<float>(c, 9),
                        jd_in<float>(c, 10),
                        s.delta,
                        s.kept};
    for (int64_t t = T; B && t-- > 0;)
        if (JD_LAUNCH(d, gru_back_step, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, t)) return 1;
    if (jd_rec_clear(d, l.s, s.delta, 4 * H)) return 1;
    if (B && c->in[6] && JD_LAUNCH(d, gru_back_start, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, jd_out<float>(c, 5)))
        return 1;
    float *dR = jd_out<float>(c, 2);
    const jd_product ru = {true, false, 2 * H, H, rows, s.delta, 4 * H, s.before, H, dR, H, false, NULL, 0};
    const jd_product q = {true,           false, H,     H,    rows, s.delta + 3 * H, 4 * H, s.before, H,
                          dR + 2 * H * H, H,     false, NULL, 0};
    return jd_rec_input_grads(d, c, s.delta, 4 * H, rows, 3 * H, a->need_dx ? jd_out<float>(c, 0) : NULL,
                              jd_out<float>(c, 1), jd_out<float>(c, 3), s.sums) ||
           jd_rec_before(d, l.s, l.y, l.h0, s.before, H) || jd_gemm(d, ru) || jd_gemm(d, q) ||
           (c->in[5] && jd_column_sums(d, s.delta + 3 * H, rows, H, 4 * H, jd_out<float>(c, 4), s.sums));
}

const jd_cu_op jd_cu_gru = {"gru steps", launch_gru, NULL, NULL, NULL};
const jd_cu_op jd_cu_gru_grad = {"gru steps back", launch_gru_grad, scratch_gru_grad, NULL, NULL};
