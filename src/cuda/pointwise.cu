/*
 * pointwise.cu - point-wise programs (ops/pointwise.h): an interpreter on the device.
 *
 * A thread carries V elements through the program, so that one reading of a step serves V of them; operands that are full
 * size or single are read as they lie, others by their period.
 */
#include "cuda/math.cuh"
#include "cuda/table.h"
#include "ops/pointwise.h"

/* The program as the kernel gets it, by value. */
struct pw_args {
    const void *in[JD_PW_MAX_IN];
    float *out[JD_PW_MAX_OUT];
    jd_divisor period[JD_PW_MAX_IN];
    int64_t n;
    float constant[JD_PW_MAX_CONST];
    jd_pw_step step[JD_PW_MAX_STEPS];
    uint8_t kind[JD_PW_MAX_IN], whole[JD_PW_MAX_IN], value[JD_PW_MAX_OUT];
    int nin, nsteps, nout;
};

static __device__ inline float step_of(const jd_pw_step &s, const float *k, float a, float b, float c)
{
    /* Without a default: the compiler names a step that is missing here. */
    switch ((jd_pw_code)s.code) {
    case JD_PW_add: return a + b;
    case JD_PW_sub: return a - b;
    case JD_PW_mul: return a * b;
    case JD_PW_div: return a / b;
    case JD_PW_max: return a > b ? a : b;
    case JD_PW_min: return a < b ? a : b;
    case JD_PW_greater: return a > b ? 1.f : 0.f;
    case JD_PW_where: return a != 0 ? b : c;
    case JD_PW_neg: return -a;
    case JD_PW_exp: return jd_expf(a);
    case JD_PW_log: return jd_logf(a);
    case JD_PW_tanh: return jd_tanhf(a);
    case JD_PW_sigmoid: return jd_sigmoidf(a);
    case JD_PW_relu: return a > 0 ? a : 0;
    case JD_PW_sqrt: return sqrtf(a);
    case JD_PW_square: return a * a;
    case JD_PW_abs: return fabsf(a);
    case JD_PW_softplus: return (a > 0 ? a : 0) + jd_logf(1.f + jd_expf(a > 0 ? -a : a));
    case JD_PW_affine: return fmaf(a, k[s.constant], k[s.constant + 1]);
    case JD_PW_sin: return jd_sinf(a);
    case JD_PW_cos: return jd_cosf(a);
    case JD_PW_real:
    case JD_PW_COUNT: break;
    }
    return a;
}

static __device__ inline float operand(const pw_args &p, int i, int64_t e)
{
    const int64_t at = p.kind[i] == JD_PW_FULL  ? e
                       : p.kind[i] == JD_PW_ONE ? 0
                       : p.kind[i] == JD_PW_ROW ? e - p.period[i].quotient(e) * p.period[i].d
                                                : p.period[i].quotient(e);
    return p.whole[i] ? (float)static_cast<const int32_t *>(p.in[i])[at] : static_cast<const float *>(p.in[i])[at];
}

template <int V> static __global__ void pointwise(const pw_args p)
{
    const int64_t stride = (int64_t)gridDim.x * blockDim.x;
    for (int64_t first = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; first < p.n; first += V * stride) {
        float v[JD_PW_MAX_IN + JD_PW_MAX_STEPS][V];
        for (int i = 0; i < p.nin; i++)
            for (int k = 0; k < V; k++) {
                const int64_t e = first + k * stride;
                v[i][k] = e < p.n ? operand(p, i, e) : 0;
            }
        for (int s = 0; s < p.nsteps; s++) {
            const jd_pw_step t = p.step[s];
            for (int k = 0; k < V; k++) v[p.nin + s][k] = step_of(t, p.constant, v[t.a][k], v[t.b][k], v[t.c][k]);
        }
        for (int o = 0; o < p.nout; o++)
            for (int k = 0; k < V; k++) {
                const int64_t e = first + k * stride;
                if (e < p.n) p.out[o][e] = v[p.value[o]][k];
            }
    }
}

static int launch_pointwise(jd_cu *d, const jd_call *c)
{
    const jd_pw_program *q = jd_attr<jd_pw_attr>(c)->program;
    pw_args p = {};
    p.n = jd__count(&c->out_type[0]);
    p.nin = q->nin;
    p.nsteps = q->nsteps;
    p.nout = q->nout;
    if (!p.n) return 0;
    for (int i = 0; i < q->nin; i++) {
        p.in[i] = c->in[i];
        int64_t period = 1;
        p.kind[i] = (uint8_t)jd__pw_kind(&c->in_type[i], &c->out_type[0], &period);
        p.period[i] = jd_divide_by(period, p.n);
        p.whole[i] = c->in_type[i].dtype == JD_I32;
    }
    for (int o = 0; o < q->nout; o++) {
        p.out[o] = jd_out<float>(c, o);
        p.value[o] = q->out[o];
    }
    for (int s = 0; s < q->nsteps; s++) {
        p.step[s] = q->step[s];
        /* Unused operands must be numbers of values that exist. */
        static const uint8_t operands[] = {
#define X(code, n, doc) n,
            JD_POINTWISE(X)
#undef X
        };
        if (operands[p.step[s].code] < 2) p.step[s].b = p.step[s].a;
        if (operands[p.step[s].code] < 3) p.step[s].c = p.step[s].a;
    }
    for (int k = 0; k < q->nconst; k++) p.constant[k] = (float)q->constants[k];
    if (p.n < 1 << 18) return JD_LAUNCH(d, pointwise<1>, jd_grid(p.n), JD_BLOCK, 0, p);
    return JD_LAUNCH(d, pointwise<4>, jd_grid((p.n + 3) / 4), JD_BLOCK, 0, p);
}

const jd_cu_op jd_cu_pointwise = {"pointwise", launch_pointwise, NULL, NULL, NULL};
