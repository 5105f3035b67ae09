/*
 * pointwise.c - point-wise programs over tiles that stay in the first cache: every step runs over a whole tile, so a
 * fused chain reads its operands and writes its results once.
 */
#include "cpu/isa.h"
#include "cpu/vecmath.h"
#include "ops/pointwise.h"

enum { TILE = 256 };

/* An operand on a tile: TILE floats from `at`, which is memory of the operand itself or of `buffer`. */
typedef struct operand {
    const void *data;
    jd_pw_kind kind;
    int64_t period;
    bool whole; /* int32 */
    float *buffer;
} operand;

#define EACH(expr)                                                                                                     \
    do {                                                                                                               \
        int i = 0;                                                                                                     \
        for (; i + VL <= n; i += VL) {                                                                                 \
            const vf x = vf_load(a + i);                                                                               \
            vf_store(y + i, (expr));                                                                                   \
        }                                                                                                              \
        if (VL > 1 && i < n) {                                                                                         \
            const vf x = vf_loadn(a + i, n - i);                                                                       \
            vf_storen(y + i, (expr), n - i);                                                                           \
        }                                                                                                              \
    } while (0)
#define EACH2(expr)                                                                                                    \
    do {                                                                                                               \
        int i = 0;                                                                                                     \
        for (; i + VL <= n; i += VL) {                                                                                 \
            const vf x = vf_load(a + i), z = vf_load(b + i);                                                           \
            vf_store(y + i, (expr));                                                                                   \
        }                                                                                                              \
        if (VL > 1 && i < n) {                                                                                         \
            const vf x = vf_loadn(a + i, n - i), z = vf_loadn(b + i, n - i);                                           \
            vf_storen(y + i, (expr), n - i);                                                                           \
        }                                                                                                              \
    } while (0)

static void where(const float *a, const float *b, const float *c, float *y, int n)
{
    for (int i = 0; i < n; i += VL) {
        const vm zero = vf_eq(vf_loadn(a + i, n - i), vf_zero());
        vf_storen(y + i, vf_select(zero, vf_loadn(c + i, n - i), vf_loadn(b + i, n - i)), n - i);
    }
}

/* y = step(a, b, c) for n elements. */
static void run_step(const jd_pw_step *s, const double *k, const float *a, const float *b, const float *c, float *y,
                     int n)
{
    const vf one = vf_set1(1.f), zero = vf_zero();
    switch (s->code) {
    case JD_PW_add: EACH2(vf_add(x, z)); break;
    case JD_PW_sub: EACH2(vf_sub(x, z)); break;
    case JD_PW_mul: EACH2(vf_mul(x, z)); break;
    case JD_PW_div: EACH2(vf_div(x, z)); break;
    case JD_PW_max: EACH2(vf_max(x, z)); break;
    case JD_PW_min: EACH2(vf_min(x, z)); break;
    case JD_PW_greater: EACH2(vf_select(vf_gt(x, z), one, zero)); break;
    case JD_PW_where: where(a, b, c, y, n); break;
    case JD_PW_neg: EACH(vi_as_float(vi_xor(vf_bits(x), vi_set1(INT32_MIN)))); break;
    case JD_PW_exp: EACH(vf_exp(x)); break;
    case JD_PW_log: EACH(vf_log(x)); break;
    case JD_PW_tanh: EACH(vf_tanh(x)); break;
    case JD_PW_sigmoid: EACH(vf_sigmoid(x)); break;
    case JD_PW_sin: EACH(vf_sin(x)); break;
    case JD_PW_cos: EACH(vf_cos(x)); break;
    case JD_PW_relu: EACH(vf_select(vf_gt(x, zero), x, zero)); break;
    case JD_PW_sqrt: EACH(vf_sqrt(x)); break;
    case JD_PW_square: EACH(vf_mul(x, x)); break;
    case JD_PW_abs: EACH(vf_abs(x)); break;
    case JD_PW_softplus:
        EACH(vf_add(vf_select(vf_gt(x, zero), x, zero),
                    vf_log(vf_add(one, vf_exp(vi_as_float(vi_or(vf_bits(x), vi_set1(INT32_MIN))))))));
        break;
    case JD_PW_affine: {
        const vf scale = vf_set1((float)k[s->constant]), shift = vf_set1((float)k[s->constant + 1]);
        EACH(vf_fma(x, scale, shift));
        break;
    }
    default: EACH(x); break; /* real: converted when it was read */
    }
}

static float element(const operand *o, int64_t at)
{
    return o->whole ? (float)((const int32_t *)o->data)[at] : ((const float *)o->data)[at];
}

/* What stays the same for all tiles: single values, and short rows repeated so that a tile may start anywhere in them. */
static void prepare(operand *o, int64_t count)
{
    const int64_t n = count < TILE ? count : TILE;
    if (o->kind == JD_PW_ONE)
        for (int64_t i = 0; i < n; i++) o->buffer[i] = element(o, 0);
    if (o->kind == JD_PW_ROW && o->period <= TILE)
        for (int64_t i = 0, k = 0; i < o->period + n; i++, k = k + 1 == o->period ? 0 : k + 1)
            o->buffer[i] = element(o, k);
}

/* The operand's values for elements e..e+n-1. */
static const float *tile_of(const operand *o, int64_t e, int n)
{
    const float *x = o->data;
    switch (o->kind) {
    case JD_PW_ONE: return o->buffer;
    case JD_PW_ROW:
        if (o->period <= TILE) return o->buffer + e % o->period;
        if (!o->whole) return x + e % o->period; /* the tile ends with the row */
        for (int i = 0; i < n; i++) o->buffer[i] = element(o, e % o->period + i);
        return o->buffer;
    case JD_PW_COLUMN: {
        int64_t row = e / o->period, left = o->period - e % o->period;
        for (int i = 0; i < n; row++, left = o->period) {
            const int stop = left < n - i ? i + (int)left : n;
            const vf v = vf_set1(element(o, row));
            for (int k = i; k < stop; k += VL) vf_store(o->buffer + k, v); /* the next row's place may be written too */
            i = stop;
        }
        return o->buffer;
    }
    default:
        if (!o->whole) return x + e;
        for (int i = 0; i < n; i++) o->buffer[i] = element(o, e + i);
        return o->buffer;
    }
}

/* Where step s writes: straight into the result that it is, else into its own tile. */
static float *target(const jd_call *c, const jd_pw_program *p, int s, int64_t e, float *own)
{
    for (int k = 0; k < p->nout; k++)
        if (p->out[k] == p->nin + s) return (float *)c->out[k] + e;
    return own;
}

void JD_K(jd__k_pointwise)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_pointwise)(const jd_call *c, const jd_worker *w)
{
    _Alignas(64) float buffer[JD_PW_MAX_IN][2 * TILE], own[JD_PW_MAX_STEPS][TILE];
    const jd_pw_program *p = ((const jd_pw_attr *)c->attr)->program;
    const float *v[JD_PW_MAX_IN + JD_PW_MAX_STEPS];
    operand in[JD_PW_MAX_IN];
    int64_t cut = 0; /* tiles may not cross multiples of the longest row */
    size_t begin, end;
    jd_share(w, (size_t)jd__count(&c->out_type[0]), TILE, &begin, &end);
    for (int i = 0; i < p->nin; i++) {
        in[i] = (operand){.data = c->in[i], .whole = c->in_type[i].dtype == JD_I32, .buffer = buffer[i]};
        in[i].kind = jd__pw_kind(&c->in_type[i], &c->out_type[0], &in[i].period);
        if (in[i].kind == JD_PW_ROW && in[i].period > TILE && (!cut || in[i].period < cut)) cut = in[i].period;
        prepare(&in[i], (int64_t)(end - begin));
    }
    for (int64_t e = (int64_t)begin; e < (int64_t)end;) {
        int64_t n = (int64_t)end - e < TILE ? (int64_t)end - e : TILE;
        if (cut && n > cut - e % cut) n = cut - e % cut;
        for (int i = 0; i < p->nin; i++) v[i] = tile_of(&in[i], e, (int)n);
        for (int s = 0; s < p->nsteps; s++) {
            const jd_pw_step *t = &p->step[s];
            float *y = target(c, p, s, e, own[s]);
            run_step(t, p->constants, v[t->a], v[t->b], v[t->c], y, (int)n);
            v[p->nin + s] = y;
        }
        e += n;
    }
}
