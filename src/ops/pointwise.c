/* pointwise.c - element-by-element steps: builders, rules, and the reference interpreter. */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/pointwise.h"
#include "ops/real.h"

const char *const jd__pw_name[JD_PW_COUNT] = {
#define X(code, operands, doc) #code,
    JD_POINTWISE(X)
#undef X
};
const uint8_t jd__pw_operands[JD_PW_COUNT] = {
#define X(code, operands, doc) operands,
    JD_POINTWISE(X)
#undef X
};

/* ---- shape and gradient ------------------------------------------------------------------------------------------------*/

static jd_status infer(jd_infer *c)
{
    const jd_pw_program *p = ((const jd_pw_attr *)c->attr)->program;
    jd_type *out = &c->out[0];
    out->dtype = jd_real(c->g);
    for (int i = 0; i < c->nin; i++) {
        const jd_type *t = &c->in[i];
        const bool whole = p->step[0].code == JD_PW_real;
        if ((t->dtype == JD_I32) != whole)
            return jd__bad(c, "%s needs %s operands; convert with jd_real_of", jd__pw_name[p->step[0].code],
                           whole ? "int32" : "real");
        if (t->rank > out->rank) {
            const int shift = t->rank - out->rank;
            memmove(out->dim + shift, out->dim, (size_t)out->rank * sizeof *out->dim);
            for (int d = 0; d < shift; d++) out->dim[d] = 1;
            out->rank = t->rank;
        }
        for (int d = 0; d < t->rank; d++) {
            int64_t *o = &out->dim[out->rank - t->rank + d];
            if (i == 0 || *o == 1)
                *o = t->dim[d];
            else if (t->dim[d] != 1 && t->dim[d] != *o)
                return jd__bad(c, "%s: these shapes do not broadcast: a dimension must be equal or 1",
                               jd__pw_name[p->step[0].code]);
        }
    }
    c->nout = p->nout;
    for (int k = 1; k < p->nout; k++) c->out[k] = *out;
    return JD_OK;
}

/* Constant 0 or 1 where x > y; for the derivatives of the kinked functions. */
static jd_node step_of(jd_graph *g, jd_node x)
{
    return jd_greater(g, x, jd_const(g, 0, JD_SCALAR));
}

/* d out / d operand i, times d. */
static jd_node partial(const jd_rule *c, jd_pw_code code, const double *k, int i, jd_node d)
{
    jd_graph *g = c->g;
    const jd_node a = c->in[0], b = c->nin > 1 ? c->in[1] : JD_NONE, y = c->out[0];
    switch (code) {
    case JD_PW_add: return d;
    case JD_PW_sub: return i ? jd_neg(g, d) : d;
    case JD_PW_mul: return jd_mul(g, d, i ? a : b);
    case JD_PW_div: return i ? jd_neg(g, jd_div(g, jd_mul(g, d, y), b)) : jd_div(g, d, b);
    case JD_PW_max: {
        const jd_node first = jd_greater(g, a, b);
        return jd_mul(g, d, i ? jd_affine(g, first, -1, 1) : first);
    }
    case JD_PW_min: {
        const jd_node first = jd_greater(g, b, a);
        return jd_mul(g, d, i ? jd_affine(g, first, -1, 1) : first);
    }
    case JD_PW_where: {
        const jd_node zero = jd_const(g, 0, JD_SCALAR);
        return i == 0 ? JD_NONE : i == 1 ? jd_where(g, a, d, zero) : jd_where(g, a, zero, d);
    }
    case JD_PW_neg: return jd_neg(g, d);
    case JD_PW_exp: return jd_mul(g, d, y);
    case JD_PW_log: return jd_div(g, d, a);
    case JD_PW_tanh: return jd_mul(g, d, jd_affine(g, jd_square(g, y), -1, 1));
    case JD_PW_sigmoid: return jd_mul(g, d, jd_mul(g, y, jd_affine(g, y, -1, 1)));
    case JD_PW_sin: return jd_mul(g, d, jd_cos(g, a));
    case JD_PW_cos: return jd_neg(g, jd_mul(g, d, jd_sin(g, a)));
    case JD_PW_relu: return jd_mul(g, d, step_of(g, y));
    case JD_PW_sqrt: return jd_div(g, jd_affine(g, d, 0.5, 0), y);
    case JD_PW_square: return jd_mul(g, d, jd_affine(g, a, 2, 0));
    case JD_PW_abs: return jd_mul(g, d, jd_affine(g, step_of(g, a), 2, -1));
    case JD_PW_softplus: return jd_mul(g, d, jd_sigmoid(g, a));
    case JD_PW_affine: return jd_affine(g, d, k[0], 0);
    default: return JD_NONE; /* greater, real */
    }
}

static void grad(const jd_rule *c)
{
    const jd_pw_program *p = ((const jd_pw_attr *)c->attr)->program;
    for (int i = 0; i < c->nin; i++) {
        if (!c->need[i]) continue;
        const jd_node d = partial(c, (jd_pw_code)p->step[0].code, p->constants, i, c->dout[0]);
        if (d.id) c->din[i] = jd_sum_to(c->g, d, jd__dims(jd_type_of(c->g, c->in[i])));
    }
}

#define JD_SELF "ops/pointwise.c"
#include "ops/twice.h"

const jd_op jd__op_pointwise = {.name = "pointwise",
                                .doc = "a program of point-wise steps over broadcast operands",
                                .flags = JD_OP_IN_PLACE,
                                .attr_bytes = sizeof(jd_pw_attr),
                                .infer = infer,
                                .grad = grad,
                                .ref = {pointwise_f32, pointwise_f64}};

/* ---- builders -----------------------------------------------------------------------------------------------------------*/

static jd_node one_step(jd_graph *g, jd_pw_code code, const jd_node *in, int n, double scale, double shift)
{
    jd_node x[3];
    for (int i = 0; i < n; i++)
        if (!in[i].id) return JD_NONE;
    jd_pw_program *p = jd__graph_alloc(g, sizeof *p);
    if (!p) return JD_NONE;
    p->nin = n;
    p->nsteps = p->nout = 1;
    p->step[0] = (jd_pw_step){.code = (uint8_t)code, .a = 0, .b = n > 1 ? 1 : 0, .c = n > 2 ? 2 : 0};
    p->out[0] = (uint8_t)n;
    if (code == JD_PW_affine) {
        p->nconst = 2;
        p->constants[0] = scale;
        p->constants[1] = shift;
    }
    /* An operand that repeats in a way the kernels do not know is written out first. */
    jd_infer shape = {.g = g, .op = &jd__op_pointwise, .attr = &(jd_pw_attr){p}, .nin = n, .nout = 1};
    jd_type type[3];
    for (int i = 0; i < n; i++) {
        type[i] = *jd_type_of(g, in[i]);
        x[i] = in[i];
    }
    shape.in = type;
    memset(shape.out, 0, sizeof shape.out);
    if (n > 1 && infer(&shape)) return JD_NONE;
    for (int i = 0; i < n && n > 1; i++) {
        int64_t period;
        if (jd__pw_kind(&type[i], &shape.out[0], &period) == JD_PW_GENERAL)
            x[i] = jd_broadcast_to(g, in[i], jd__dims(&shape.out[0]));
    }
    return jd__add(g, JD_OP_pointwise, &(jd_pw_attr){p}, x, n, NULL);
}

#define ONE(code)                                                                                                      \
    jd_node jd_##code(jd_graph *g, jd_node x)                                                                          \
    {                                                                                                                  \
        return one_step(g, JD_PW_##code, &x, 1, 0, 0);                                                                 \
    }
#define TWO(code)                                                                                                      \
    jd_node jd_##code(jd_graph *g, jd_node a, jd_node b)                                                               \
    {                                                                                                                  \
        return one_step(g, JD_PW_##code, (const jd_node[]){a, b}, 2, 0, 0);                                            \
    }
TWO(add)
TWO(sub)
TWO(mul)
TWO(div)
TWO(max)
TWO(min)
TWO(greater)
ONE(neg)
ONE(exp)
ONE(log)
ONE(tanh)
ONE(sigmoid)
ONE(sin)
ONE(cos)
ONE(relu)
ONE(sqrt)
ONE(square)
ONE(abs)
ONE(softplus)

jd_node jd_where(jd_graph *g, jd_node c, jd_node a, jd_node b)
{
    return one_step(g, JD_PW_where, (const jd_node[]){c, a, b}, 3, 0, 0);
}

jd_node jd_affine(jd_graph *g, jd_node x, double scale, double shift)
{
    return one_step(g, JD_PW_affine, &x, 1, scale, shift);
}

jd_node jd_real_of(jd_graph *g, jd_node x)
{
    return one_step(g, JD_PW_real, &x, 1, 0, 0);
}

#else
/* One step on one element. */
static REAL FN(apply)(const jd_pw_step *s, const double *k, REAL a, REAL b, REAL c)
{
    const REAL one = 1;
    switch (s->code) {
    case JD_PW_add: return a + b;
    case JD_PW_sub: return a - b;
    case JD_PW_mul: return a * b;
    case JD_PW_div: return a / b;
    case JD_PW_max: return a > b ? a : b;
    case JD_PW_min: return a < b ? a : b;
    case JD_PW_greater: return a > b ? one : 0;
    case JD_PW_where: return a != 0 ? b : c;
    case JD_PW_neg: return -a;
    case JD_PW_exp: return R_EXP(a);
    case JD_PW_log: return R_LOG(a);
    case JD_PW_tanh: return R_TANH(a);
    case JD_PW_sigmoid: return R_SIGMOID(a);
    case JD_PW_sin: return R_SIN(a);
    case JD_PW_cos: return R_COS(a);
    case JD_PW_relu: return a > 0 ? a : 0;
    case JD_PW_sqrt: return R_SQRT(a);
    case JD_PW_square: return a * a;
    case JD_PW_abs: return (REAL)fabs((double)a);
    case JD_PW_softplus: return (a > 0 ? a : 0) + R_LOG(one + R_EXP(a > 0 ? -a : a));
    case JD_PW_affine: return R_FMA(a, (REAL)k[s->constant], (REAL)k[s->constant + 1]);
    default: return a;
    }
}

static void FN(pointwise)(const jd_call *c, const jd_worker *w)
{
    const jd_pw_program *p = ((const jd_pw_attr *)c->attr)->program;
    jd_pw_kind kind[JD_PW_MAX_IN];
    int64_t period[JD_PW_MAX_IN];
    size_t begin, end;
    for (int i = 0; i < p->nin; i++) kind[i] = jd__pw_kind(&c->in_type[i], &c->out_type[0], &period[i]);
    jd_share(w, (size_t)jd__count(&c->out_type[0]), 64, &begin, &end);
    for (int64_t e = (int64_t)begin; e < (int64_t)end; e++) {
        REAL v[JD_PW_MAX_IN + JD_PW_MAX_STEPS];
        for (int i = 0; i < p->nin; i++) {
            const int64_t at = kind[i] == JD_PW_FULL  ? e
                               : kind[i] == JD_PW_ONE ? 0
                               : kind[i] == JD_PW_ROW ? e % period[i]
                                                      : e / period[i];
            v[i] = c->in_type[i].dtype == JD_I32 ? (REAL)((const int32_t *)c->in[i])[at] : ((const REAL *)c->in[i])[at];
        }
        for (int s = 0; s < p->nsteps; s++) {
            const jd_pw_step *t = &p->step[s];
            v[p->nin + s] = FN(apply)(t, p->constants, v[t->a], v[t->b], v[t->c]);
        }
        for (int k = 0; k < p->nout; k++) ((REAL *)c->out[k])[e] = v[p->out[k]];
    }
}
#endif
