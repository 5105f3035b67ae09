/* srn.cu - the simple recurrent layer over whole sequences, and its gradient (ops/srn.c, ops/srn_grad.c). */
#include "cuda/recurrent.cuh"

struct srn {
    jd_steps s;
    int64_t H;
    const float *R, *h0;
    float *y; /* holds W x + b first */
    int act;
};

static __device__ inline float act_of(int act, float x)
{
    return act == 0 ? jd_tanhf(x) : act == 1 ? jd_sigmoidf(x) : act == 2 ? (x > 0 ? x : 0) : x;
}

static __device__ inline float slope_of(int act, float y)
{
    return act == 0 ? 1 - y * y : act == 1 ? y * (1 - y) : act == 2 ? (y > 0 ? 1.f : 0.f) : 1.f;
}

static __global__ void __launch_bounds__(JD_REC_THREADS) srn_step(srn l, int64_t step)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE, H = l.H;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) -> const float * {
        if (step >= l.s.count(b)) return nullptr;
        return step ? l.y + l.s.row(b, step - 1) * H : l.h0 ? l.h0 + b * H : nullptr;
    });
    float sum = 0;
    jd_rec_sums<1>(rows, jd_rec_row{l.R, H, H}, u0, H, H, &sum);
    const int64_t b = b0 + threadIdx.x / JD_REC_TILE, u = u0 + threadIdx.x % JD_REC_TILE;
    if (b >= l.s.B || u >= H || step >= l.s.count(b)) return;
    float *y = l.y + l.s.row(b, step) * H + u;
    *y = act_of(l.act, *y + sum);
}

static int launch_srn(jd_cu *d, const jd_call *c)
{
    const jd_rnn_attr *a = jd_attr<jd_rnn_attr>(c);
    const jd_type *x = &c->in_type[0];
    const int64_t T = x->dim[0], B = x->dim[1], N = x->dim[2], H = c->in_type[3].dim[0];
    const srn l = {{T, B, a->reverse != 0, jd_in<int32_t>(c, 1)},
                   H,
                   jd_in<float>(c, 3),
                   jd_in<float>(c, 5),
                   jd_out<float>(c, 0),
                   a->act};
    const jd_product input = {
        false, true, T * B, H, N, jd_in<float>(c, 0), N, jd_in<float>(c, 2), N, l.y, H, false, jd_in<float>(c, 4), 0};
    if (!B) return 0;
    if (jd_gemm(d, input)) return 1;
    for (int64_t s = 0; s < T; s++)
        if (JD_LAUNCH(d, srn_step, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, s)) return 1;
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

static __device__ inline const float *later(const srn_back &l, int64_t b, int64_t step)
{
    return step + 1 < l.s.count(b) ? l.delta + l.s.row(b, step + 1) * l.H : nullptr;
}

/* dh0 NULL: step `step`; else the error of the initial state. */
static __global__ void __launch_bounds__(JD_REC_THREADS) srn_back_step(srn_back l, int64_t step, float *dh0)
{
    __shared__ const float *rows[JD_REC_TILE];
    const int64_t u0 = (int64_t)blockIdx.x * JD_REC_TILE, b0 = (int64_t)blockIdx.y * JD_REC_TILE, H = l.H;
    jd_rec_rows(rows, b0, l.s.B, [&](int64_t b) { return later(l, b, step); });
    float sum = 0;
    jd_rec_sums<1>(rows, jd_rec_column{l.R, H}, u0, H, H, &sum);
    const int64_t b = b0 + threadIdx.x / JD_REC_TILE, u = u0 + threadIdx.x % JD_REC_TILE;
    if (b >= l.s.B || u >= H || step >= l.s.count(b)) return;
    if (step + 1 == l.s.count(b) && l.dhT) sum += l.dhT[b * H + u];
    if (dh0) {
        dh0[b * H + u] = sum;
        return;
    }
    const int64_t row = l.s.row(b, step);
    l.delta[row * H + u] = (sum + (l.dy ? l.dy[row * H + u] : 0)) * slope_of(l.act, l.y[row * H + u]);
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
    const int64_t T = c->in_type[0].dim[0], B = c->in_type[0].dim[1], H = c->in_type[3].dim[0], rows = T * B;
    srn_space s;
    carve(c, &s, c->scratch);
    const srn_back l = {{T, B, a->reverse != 0, jd_in<int32_t>(c, 1)},
                        H,
                        jd_in<float>(c, 3),
                        jd_in<float>(c, 6),
                        jd_in<float>(c, 7),
                        jd_in<float>(c, 8),
                        s.delta,
                        a->act};
    for (int64_t t = T; B && t-- > 0;)
        if (JD_LAUNCH(d, srn_back_step, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, t, (float *)NULL)) return 1;
    if (jd_rec_clear(d, l.s, s.delta, H)) return 1;
    if (B && c->in[5] &&
        JD_LAUNCH(d, srn_back_step, jd_rec_grid(H, B), JD_REC_THREADS, 0, l, (int64_t)-1, jd_out<float>(c, 4)))
        return 1;
    const jd_product dR = {true, false, H, H, rows, s.delta, H, s.before, H, jd_out<float>(c, 2), H, false, NULL, 0};
    return jd_rec_input_grads(d, c, s.delta, H, rows, H, a->need_dx ? jd_out<float>(c, 0) : NULL, jd_out<float>(c, 1),
                              jd_out<float>(c, 3), s.sums) ||
           jd_rec_before(d, l.s, l.y, jd_in<float>(c, 5), s.before, H) || jd_gemm(d, dR);
}

const jd_cu_op jd_cu_srn = {"srn steps", launch_srn, NULL, NULL, NULL};
const jd_cu_op jd_cu_srn_grad = {"srn steps back", launch_srn_grad, scratch_srn_grad, NULL, NULL};
