/* update.c - update rules at the speed of memory; formulas and bits are those of ops/update_*.c. */
#include "cpu/cpu.h"
#include "cpu/simd.h"
#include "ops/update.h"

void JD_K(jd__k_update_sgd)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_update_adam)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_update_rmsprop)(const jd_call *c, const jd_worker *w);

/* What every rule starts from: its share of the vectors, and g = fma(decay, w, scale x gradient). */
typedef struct share {
    const float *grad;
    float *w, *s1, *s2;
    float lr;
    vf scale, decay;
    size_t begin, end;
} share;

JD_INLINE share my_share(const jd_call *c, const jd_worker *w)
{
    const jd_update_attr *a = c->attr;
    share s = {.grad = c->in[JD_UP_GRAD], .w = c->in[JD_UP_W], .s1 = c->in[JD_UP_STATE1], .s2 = c->in[JD_UP_STATE2]};
    s.lr = *(const float *)c->in[JD_UP_LR];
    s.scale = vf_set1(c->in[JD_UP_SCALE] ? *(const float *)c->in[JD_UP_SCALE] : 1.f);
    s.decay = vf_set1((float)a->weight_decay);
    jd_share(w, (size_t)jd__count(&c->in_type[JD_UP_W]), 1024, &s.begin, &s.end);
    return s;
}

JD_INLINE vf gradient(const share *s, size_t i, vf w, int n)
{
    return vf_fma(s->decay, w, vf_mul(s->scale, vf_loadn(s->grad + i, n)));
}

JD_INLINE int left(const share *s, size_t i)
{
    return s->end - i < VL ? (int)(s->end - i) : VL;
}

JD_INLINE vf negative(vf x)
{
    return vf_mul(x, vf_set1(-1.f));
}

JD_INLINE void plain(const share *s, size_t i, vf lr, int n)
{
    const vf w = vf_loadn(s->w + i, n);
    vf_storen(s->w + i, vf_fnma(lr, gradient(s, i, w, n), w), n);
}

JD_INLINE void with_momentum(const share *s, size_t i, vf lr, vf momentum, bool nesterov, int n)
{
    const vf w = vf_loadn(s->w + i, n), down = negative(vf_mul(lr, gradient(s, i, w, n)));
    const vf v = vf_fma(momentum, vf_loadn(s->s1 + i, n), down);
    vf_storen(s->s1 + i, v, n);
    vf_storen(s->w + i, vf_add(w, nesterov ? vf_fma(momentum, v, down) : v), n);
}

void JD_K(jd__k_update_sgd)(const jd_call *c, const jd_worker *w)
{
    const jd_update_attr *a = c->attr;
    const share s = my_share(c, w);
    const vf lr = vf_set1(s.lr), momentum = vf_set1((float)a->momentum);
    size_t i = s.begin;
    if (!s.s1) {
        for (; i + VL <= s.end; i += VL) plain(&s, i, lr, VL);
        if (i < s.end) plain(&s, i, lr, left(&s, i));
    } else {
        for (; i + VL <= s.end; i += VL) with_momentum(&s, i, lr, momentum, a->nesterov, VL);
        if (i < s.end) with_momentum(&s, i, lr, momentum, a->nesterov, left(&s, i));
    }
}

typedef struct adam {
    vf b1, b2, r1, r2, step, c2, epsilon;
} adam;

JD_INLINE void adam_step(const share *s, const adam *k, size_t i, int n)
{
    const vf w = vf_loadn(s->w + i, n), g = gradient(s, i, w, n);
    const vf m = vf_fma(k->b1, vf_loadn(s->s1 + i, n), vf_mul(k->r1, g));
    const vf v = vf_fma(k->b2, vf_loadn(s->s2 + i, n), vf_mul(k->r2, vf_mul(g, g)));
    const vf d = vf_div(m, vf_add(vf_sqrt(vf_mul(v, k->c2)), k->epsilon));
    vf_storen(s->s1 + i, m, n);
    vf_storen(s->s2 + i, v, n);
    vf_storen(s->w + i, vf_fma(k->step, d, w), n);
}

void JD_K(jd__k_update_adam)(const jd_call *c, const jd_worker *w)
{
    const jd_update_attr *a = c->attr;
    const share s = my_share(c, w);
    const uint64_t t = (uint64_t)jd__next_step(c, w);
    const adam k = {.b1 = vf_set1((float)a->beta1),
                    .b2 = vf_set1((float)a->beta2),
                    .r1 = vf_set1((float)(1 - a->beta1)),
                    .r2 = vf_set1((float)(1 - a->beta2)),
                    .step = vf_set1((float)(-(double)s.lr / (1 - jd__power(a->beta1, t)))),
                    .c2 = vf_set1((float)(1 / (1 - jd__power(a->beta2, t)))),
                    .epsilon = vf_set1((float)a->epsilon)};
    size_t i = s.begin;
    for (; i + VL <= s.end; i += VL) adam_step(&s, &k, i, VL);
    if (i < s.end) adam_step(&s, &k, i, left(&s, i));
}

typedef struct rmsprop {
    vf b2, r2, lr, momentum, epsilon;
} rmsprop;

JD_INLINE void rmsprop_step(const share *s, const rmsprop *k, size_t i, int n)
{
    const vf w = vf_loadn(s->w + i, n), g = gradient(s, i, w, n);
    const vf ms = vf_fma(k->b2, vf_loadn(s->s1 + i, n), vf_mul(k->r2, vf_mul(g, g)));
    const vf direction = vf_div(g, vf_add(vf_sqrt(ms), k->epsilon));
    vf_storen(s->s1 + i, ms, n);
    if (!s->s2) {
        vf_storen(s->w + i, vf_fnma(k->lr, direction, w), n);
        return;
    }
    const vf v = vf_fma(k->momentum, vf_loadn(s->s2 + i, n), negative(vf_mul(k->lr, direction)));
    vf_storen(s->s2 + i, v, n);
    vf_storen(s->w + i, vf_add(w, v), n);
}

void JD_K(jd__k_update_rmsprop)(const jd_call *c, const jd_worker *w)
{
    const jd_update_attr *a = c->attr;
    const share s = my_share(c, w);
    const rmsprop k = {.b2 = vf_set1((float)a->beta2),
                       .r2 = vf_set1((float)(1 - a->beta2)),
                       .lr = vf_set1(s.lr),
                       .momentum = vf_set1((float)a->momentum),
                       .epsilon = vf_set1((float)a->epsilon)};
    size_t i = s.begin;
    for (; i + VL <= s.end; i += VL) rmsprop_step(&s, &k, i, VL);
    if (i < s.end) rmsprop_step(&s, &k, i, left(&s, i));
}
