/* init.c - how a new parameter is filled.  Every rule draws from the stream "init/NAME", so that a parameter's first
 * values depend on the seed and its name alone, not on the order in which a model mentions its parameters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

static void put(void *out, jd_dtype t, size_t i, double x)
{
    if (t == JD_F32)
        ((float *)out)[i] = (float)x;
    else
        ((double *)out)[i] = x;
}

/* Rows (or columns, whichever are fewer) orthonormal, by Gram-Schmidt applied twice to a normal matrix. */
static jd_status orthogonal(jd_ctx *ctx, jd_rng *r, const jd_type *t, double scale, void *out)
{
    const size_t rows = (size_t)t->dim[0], cols = rows ? (size_t)jd__count(t) / rows : 0;
    const bool wide = cols >= rows;
    const size_t n = wide ? rows : cols, len = wide ? cols : rows; /* n vectors of length len */
    double *q = jd_alloc_array(ctx, n * len + 1, sizeof *q);
    if (!q) return jd_error(ctx);
    for (size_t i = 0; i < n; i++) {
        double *v = q + i * len, norm = 0;
        for (size_t k = 0; k < len; k++) v[k] = jd_rng_normal(r);
        for (int pass = 0; pass < 2; pass++)
            for (size_t j = 0; j < i; j++) {
                double dot = 0;
                for (size_t k = 0; k < len; k++) dot += v[k] * q[j * len + k];
                for (size_t k = 0; k < len; k++) v[k] -= dot * q[j * len + k];
            }
        for (size_t k = 0; k < len; k++) norm += v[k] * v[k];
        norm = sqrt(norm);
        for (size_t k = 0; k < len; k++) v[k] /= norm > 0 ? norm : 1;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            put(out, t->dtype, i * cols + j, scale * (wide ? q[i * len + j] : q[j * len + i]));
    jd_free(ctx, q);
    return JD_OK;
}

jd_status jd__init_fill(jd_ctx *ctx, const char *name, const jd_type *type, const jd_init *init, void *out)
{
    char purpose[1100];
    snprintf(purpose, sizeof purpose, "init/%s", name);
    jd_rng r = jd_rng_new(jd_ctx_seed(ctx), purpose, 0);
    const size_t n = (size_t)jd__count(type);
    const double fan_out = type->rank ? (double)type->dim[0] : 1;
    const double fan_in = fan_out > 0 ? (double)n / fan_out : 1;
    const double kernel = type->rank == 4 ? (double)(type->dim[1] * type->dim[2]) : 1;
    const double scale = init->scale;
    switch (init->kind) {
    case JD_INIT_ZERO: memset(out, 0, n * jd_dtype_size(type->dtype)); break;
    case JD_INIT_CONST:
        for (size_t i = 0; i < n; i++) put(out, type->dtype, i, scale);
        break;
    case JD_INIT_UNIFORM:
    case JD_INIT_GLOROT:
    case JD_INIT_FAN_IN: {
        double a = scale;
        if (init->kind == JD_INIT_GLOROT) a = (scale > 0 ? scale : 1) * sqrt(6 / (fan_in + fan_out * kernel));
        if (init->kind == JD_INIT_FAN_IN) a = (scale > 0 ? scale : 1) / sqrt(fan_in);
        for (size_t i = 0; i < n; i++) put(out, type->dtype, i, a * (2 * jd_rng_uniform64(&r) - 1));
        break;
    }
    case JD_INIT_NORMAL:
    case JD_INIT_HE: {
        const double s = init->kind == JD_INIT_HE ? (scale > 0 ? scale : 1) * sqrt(2 / fan_in) : scale;
        for (size_t i = 0; i < n; i++) put(out, type->dtype, i, s * jd_rng_normal(&r));
        break;
    }
    case JD_INIT_ORTHOGONAL: return orthogonal(ctx, &r, type, scale > 0 ? scale : 1, out);
    case JD_INIT_LSTM_BIAS:
        for (size_t i = 0; i < n; i++) {
            const bool many = type->rank == 3; /* (D,gates,H): i f^1.. z o; else i f z o */
            const size_t gates = many ? (size_t)type->dim[1] : 4;
            const size_t gate = many ? i / (size_t)type->dim[2] % gates : n >= 4 ? i / (n / 4) : 0;
            const double forget = gate + 2 < gates ? scale : 0;
            put(out, type->dtype, i, gate == 0 ? init->in_gate : gate + 1 == gates ? init->out_gate : forget);
        }
        break;
    default: return jd_fail(ctx, JD_EUSAGE, "param \"%s\": unknown initialiser %d", name, (int)init->kind);
    }
    return JD_OK;
}
