/* update.cu - one step of the optimisers over the flat parameter vector; the formulas and bits of ops/update_*.c. */
#include "cuda/math.cuh"
#include "cuda/table.h"
#include "ops/update.h"

struct update {
    const float *grad, *lr, *scale;
    float *w, *s1, *s2;
    double *t;
    int64_t n;
    float momentum, decay, epsilon, b1, b2, r1, r2;
    double beta1, beta2;
    bool nesterov;
};

static __device__ inline float gradient(const update &u, int64_t i)
{
    return fmaf(u.decay, u.w[i], (u.scale ? *u.scale : 1.f) * u.grad[i]);
}

static __global__ void sgd(update u)
{
    const float lr = *u.lr;
    JD_EACH(i, u.n)
    {
        const float g = gradient(u, i);
        if (!u.s1) {
            u.w[i] = fmaf(-lr, g, u.w[i]);
            continue;
        }
        const float v = fmaf(u.momentum, u.s1[i], -(lr * g));
        u.s1[i] = v;
        u.w[i] += u.nesterov ? fmaf(u.momentum, v, -(lr * g)) : v;
    }
}

static __device__ inline double power(double base, uint64_t n)
{
    double y = 1;
    for (; n; n >>= 1, base *= base)
        if (n & 1) y *= base;
    return y;
}

/* The step counter is advanced by a kernel of its own, afterwards. */
static __global__ void adam(update u)
{
    const uint64_t t = (uint64_t)(*u.t + 1);
    const float step = (float)(-(double)*u.lr / (1 - power(u.beta1, t))), c2 = (float)(1 / (1 - power(u.beta2, t)));
    JD_EACH(i, u.n)
    {
        const float g = gradient(u, i), m = fmaf(u.b1, u.s1[i], u.r1 * g), v = fmaf(u.b2, u.s2[i], u.r2 * (g * g));
        u.s1[i] = m;
        u.s2[i] = v;
        u.w[i] = fmaf(step, m / (sqrtf(v * c2) + u.epsilon), u.w[i]);
    }
}

static __global__ void rmsprop(update u)
{
    const float lr = *u.lr;
    JD_EACH(i, u.n)
    {
        const float g = gradient(u, i), ms = fmaf(u.b2, u.s1[i], u.r2 * (g * g)), step = g / (sqrtf(ms) + u.epsilon);
        u.s1[i] = ms;
        if (!u.s2) {
            u.w[i] = fmaf(-lr, step, u.w[i]);
            continue;
        }
        const float v = fmaf(u.momentum, u.s2[i], -(lr * step));
        u.s2[i] = v;
        u.w[i] += v;
    }
}

static __global__ void rprop(update u)
{
    const float largest = 50, smallest = 1e-6f;
    const bool start = *u.t == 0;
    JD_EACH(i, u.n)
    {
        const float g = gradient(u, i);
        float s = start ? *u.lr : u.s1[i], l = start ? 0 : u.s2[i];
        if ((g > 0 && l < 0) || (g < 0 && l > 0)) {
            u.w[i] += l > 0 ? s : -s;
            s = s * 0.5f > smallest ? s * 0.5f : smallest;
            l = 0;
        } else {
            if ((g > 0 && l > 0) || (g < 0 && l < 0)) s = s * 1.2f < largest ? s * 1.2f : largest;
            u.w[i] -= g > 0 ? s : g < 0 ? -s : g;
            l = g;
        }
        u.s1[i] = s;
        u.s2[i] = l;
    }
}

static __global__ void count_step(double *t)
{
    if (threadIdx.x == 0) *t += 1;
}

static update arguments(const jd_call *c)
{
    const jd_update_attr *a = jd_attr<jd_update_attr>(c);
    update u = {};
    u.grad = jd_in<float>(c, JD_UP_GRAD);
    u.lr = jd_in<float>(c, JD_UP_LR);
    u.scale = jd_in<float>(c, JD_UP_SCALE);
    u.w = static_cast<float *>(c->in[JD_UP_W]);
    /* A step for one parameter names the first six only. */
    u.s1 = c->nin > JD_UP_STATE1 ? static_cast<float *>(c->in[JD_UP_STATE1]) : NULL;
    u.s2 = c->nin > JD_UP_STATE2 ? static_cast<float *>(c->in[JD_UP_STATE2]) : NULL;
    u.t = c->nin > JD_UP_T ? static_cast<double *>(c->in[JD_UP_T]) : NULL;
    u.n = jd__count(&c->in_type[JD_UP_W]);
    u.momentum = (float)a->momentum;
    u.decay = (float)a->weight_decay;
    u.epsilon = (float)a->epsilon;
    u.beta1 = a->beta1;
    u.beta2 = a->beta2;
    u.b1 = (float)a->beta1;
    u.b2 = (float)a->beta2;
    u.r1 = (float)(1 - a->beta1);
    u.r2 = (float)(1 - a->beta2);
    u.nesterov = a->nesterov != 0;
    return u;
}

static int launch_sgd(jd_cu *d, const jd_call *c)
{
    const update u = arguments(c);
    return u.n ? JD_LAUNCH(d, sgd, jd_grid(u.n), JD_BLOCK, 0, u) : 0;
}

static int launch_adam(jd_cu *d, const jd_call *c)
{
    const update u = arguments(c);
    return (u.n && JD_LAUNCH(d, adam, jd_grid(u.n), JD_BLOCK, 0, u)) || JD_LAUNCH(d, count_step, dim3(1), 1, 0, u.t);
}

static int launch_rmsprop(jd_cu *d, const jd_call *c)
{
    const update u = arguments(c);
    return u.n ? JD_LAUNCH(d, rmsprop, jd_grid(u.n), JD_BLOCK, 0, u) : 0;
}

static int launch_rprop(jd_cu *d, const jd_call *c)
{
    const update u = arguments(c);
    return (u.n && JD_LAUNCH(d, rprop, jd_grid(u.n), JD_BLOCK, 0, u)) || JD_LAUNCH(d, count_step, dim3(1), 1, 0, u.t);
}

const jd_cu_op jd_cu_update_sgd = {"sgd", launch_sgd, NULL, NULL, NULL};
const jd_cu_op jd_cu_update_adam = {"adam", launch_adam, NULL, NULL, NULL};
const jd_cu_op jd_cu_update_rmsprop = {"rmsprop", launch_rmsprop, NULL, NULL, NULL};
const jd_cu_op jd_cu_update_rprop = {"rprop", launch_rprop, NULL, NULL, NULL};
