/* rtrl.c - real-time recurrent learning; see rtrl.h and rtrl_steps.h. */
#include "train/rtrl.h"

#include <math.h>
#include <string.h>

#include "base/given.h"
#include "base/mathf.h"

static double sigmoid64(double x)
{
    const double e = exp(-fabs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

#define FN_CAT_(a, b) a##_##b
#define FN_CAT(a, b)  FN_CAT_(a, b)
#define FN(name)      FN_CAT(name, REAL)
#define REAL          float
#include "train/rtrl_steps.h"
#undef REAL
#define REAL double
#include "train/rtrl_steps.h"
#undef REAL

static bool options_ok(jd_ctx *ctx, const jd_rtrl_options *o)
{
    const bool srn = o->kind == JD_RTRL_SRN;
    if (o->inputs < 1 || o->units < 1 || o->inputs > 1 << 20 || o->units > 1 << 20)
        jd_fail(ctx, JD_EUSAGE, "rtrl: %lld inputs and %lld units; there must be at least one of each",
                (long long)o->inputs, (long long)o->units);
    else if (o->dtype != JD_F32 && o->dtype != JD_F64)
        jd_fail(ctx, JD_EUSAGE, "rtrl: dtype must be JD_F32 or JD_F64");
    else if (o->kind != JD_RTRL_SRN && o->kind != JD_RTRL_LSTM)
        jd_fail(ctx, JD_EUSAGE, "rtrl: kind must be JD_RTRL_SRN or JD_RTRL_LSTM");
    else if (srn && (o->peepholes || o->no_forget || o->truncate))
        jd_fail(ctx, JD_EUSAGE, "rtrl: peepholes, no_forget and truncate belong to an LSTM; set .kind = JD_RTRL_LSTM");
    else if (o->act < JD_LINEAR || o->act > JD_RELU)
        jd_fail(ctx, JD_EUSAGE, "rtrl: a simple recurrent net has tanh, sigmoid, relu or linear units");
    return !jd_error(ctx);
}

static void *numbers(jd_rtrl *r, size_t n)
{
    const size_t size = jd_dtype_size(r->o.dtype);
    void *p = jd_alloc_array(r->ctx, n, size);
    if (p) memset(p, 0, n * size);
    return p;
}

jd_rtrl *jd_rtrl_new(jd_ctx *ctx, const jd_rtrl_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx) || !options_ok(ctx, o)) return NULL;
    jd_rtrl *r = jd_alloc(ctx, sizeof *r);
    if (!r) return NULL;
    *r = (jd_rtrl){.ctx = ctx, .o = *o, .N = (size_t)o->inputs, .H = (size_t)o->units};
    const size_t H = r->H, M = r->N + H + 1;
    r->G = o->kind == JD_RTRL_SRN ? 1 : 4;
    r->weights = r->G * H * M + (o->peepholes ? 3 * H : 0);
    for (int i = 0; i < 2; i++) {
        r->h[i] = numbers(r, H);
        if (!o->truncate) r->dh[i] = numbers(r, H * r->weights);
    }
    if (r->G == 4) r->c = numbers(r, H);
    if (r->G == 4 && !o->truncate) r->dc = numbers(r, H * r->weights);
    if (o->truncate) {
        r->trace = numbers(r, H * (3 * M + 2));
        r->x = numbers(r, r->N);
        r->slope = numbers(r, 2 * H);
    }
    if (jd_error(ctx)) {
        jd_rtrl_free(r);
        return NULL;
    }
    return r;
}

void jd_rtrl_free(jd_rtrl *r)
{
    if (!r) return;
    for (int i = 0; i < 2; i++) {
        jd_free(r->ctx, r->h[i]);
        jd_free(r->ctx, r->dh[i]);
    }
    jd_free(r->ctx, r->c);
    jd_free(r->ctx, r->dc);
    jd_free(r->ctx, r->trace);
    jd_free(r->ctx, r->x);
    jd_free(r->ctx, r->slope);
    jd_free(r->ctx, r);
}

size_t jd_rtrl_weights(const jd_rtrl *r)
{
    if (!r) return 0;
    return r->weights;
}

/* to (n) = from, or zero */
static void put(const jd_rtrl *r, void *to, const void *from, size_t n)
{
    const size_t bytes = n * jd_dtype_size(r->o.dtype);
    if (!to) return;
    if (from)
        memcpy(to, from, bytes);
    else
        memset(to, 0, bytes);
}

void jd_rtrl_reset(jd_rtrl *r, const void *h, const void *c)
{
    if (!r) return;
    put(r, r->h[r->now], h, r->H);
    put(r, r->c, c, r->H);
    put(r, r->dh[r->now], NULL, r->H * r->weights);
    put(r, r->dc, NULL, r->H * r->weights);
    put(r, r->trace, NULL, r->H * (3 * (r->N + r->H + 1) + 2));
    put(r, r->slope, NULL, 2 * r->H);
}

void jd_rtrl_step(jd_rtrl *r, const void *weights, const void *x)
{
    if (!r) return;
    if (r->o.dtype == JD_F64)
        step_double(r, weights, x);
    else
        step_float(r, weights, x);
}

void jd_rtrl_gradient(const jd_rtrl *r, const void *dh, void *gradient)
{
    if (!r) return;
    if (r->o.dtype == JD_F64)
        gradient_double(r, dh, gradient);
    else
        gradient_float(r, dh, gradient);
}

const void *jd_rtrl_h(const jd_rtrl *r)
{
    if (!r) return NULL;
    return r->h[r->now];
}

const void *jd_rtrl_c(const jd_rtrl *r)
{
    if (!r) return NULL;
    return r->c;
}

const void *jd_rtrl_sensitivity(const jd_rtrl *r)
{
    if (!r) return NULL;
    return r->dh[r->now];
}
