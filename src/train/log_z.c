/* log_z.c - the partition function of a small RBM by enumeration, of a larger one by annealed importance sampling. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/pretrain.h"

typedef struct machine {
    int64_t V, H;
    double *W, *b, *c; /* (H,V), (V) visible, (H) hidden */
} machine;

/* Copies a part into float64. */
static double *part_of(jd_ctx *ctx, jd_params *p, const char *name, const char *part, jd_type *type)
{
    char full[96];
    snprintf(full, sizeof full, "%.80s/%s", name, part);
    const jd_range *r = jd_params_find(p, full);
    if (!r) {
        jd_fail(ctx, JD_EUSAGE, "there is no parameter \"%s\"; is \"%s\" a trained RBM?", full, name);
        return NULL;
    }
    const int64_t n = jd_type_count(&r->type);
    double *x = jd_alloc_array(ctx, (size_t)n, sizeof *x);
    const void *data = jd_params_get(p, full);
    for (int64_t i = 0; x && i < n; i++)
        x[i] = r->type.dtype == JD_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
    *type = r->type;
    return x;
}

static jd_status machine_of(jd_ctx *ctx, jd_params *p, const char *name, machine *m)
{
    jd_type w = {0}, other;
    *m = (machine){.W = part_of(ctx, p, name, "W", &w)};
    m->b = jd_error(ctx) ? NULL : part_of(ctx, p, name, "back", &other);
    m->c = jd_error(ctx) ? NULL : part_of(ctx, p, name, "b", &other);
    m->H = w.dim[0];
    m->V = w.dim[1];
    return jd_error(ctx);
}

static void machine_free(jd_ctx *ctx, machine *m)
{
    jd_free(ctx, m->W);
    jd_free(ctx, m->b);
    jd_free(ctx, m->c);
}

static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double add_logs(double a, double b)
{
    const double most = fmax(a, b);
    return most == -INFINITY ? most : most + log(exp(a - most) + exp(b - most));
}

double jd_rbm_log_z(jd_ctx *ctx, jd_params *p, const char *name)
{
    machine m;
    double sum = -INFINITY;
    if (!machine_of(ctx, p, name, &m) && m.H > 20)
        jd_fail(ctx, JD_EUSAGE, "%s: %lld hidden units are too many to enumerate; use jd_rbm_log_z_ais", name,
                (long long)m.H);
    for (uint32_t h = 0; !jd_error(ctx) && h < UINT32_C(1) << m.H; h++) {
        double energy = 0;
        for (int64_t j = 0; j < m.H; j++) energy += h >> j & 1 ? m.c[j] : 0;
        for (int64_t i = 0; i < m.V; i++) {
            double in = m.b[i];
            for (int64_t j = 0; j < m.H; j++) in += h >> j & 1 ? m.W[j * m.V + i] : 0;
            energy += softplus(in);
        }
        sum = add_logs(sum, energy);
    }
    machine_free(ctx, &m);
    return jd_error(ctx) ? (double)NAN : sum;
}

/* ln of the unnormalised probability of v at inverse temperature beta: b'v + sum softplus(beta (c + W v)). */
static double log_weight(const machine *m, const double *in, double bv, double beta)
{
    double sum = bv;
    for (int64_t j = 0; j < m->H; j++) sum += softplus(beta * in[j]);
    return sum;
}

/* One chain from the machine without weights and hidden biases to the whole one; its ln weight. */
static double anneal(const machine *m, jd_rng *r, int64_t temperatures, double *v, double *in)
{
    double log_w = 0;
    for (int64_t i = 0; i < m->V; i++) v[i] = jd_rng_uniform64(r) < 1 / (1 + exp(-m->b[i]));
    for (int64_t t = 1; t <= temperatures; t++) {
        const double beta = (double)t / (double)temperatures, before = (double)(t - 1) / (double)temperatures;
        double bv = 0;
        for (int64_t i = 0; i < m->V; i++) bv += m->b[i] * v[i];
        for (int64_t j = 0; j < m->H; j++) {
            in[j] = m->c[j];
            for (int64_t i = 0; i < m->V; i++) in[j] += m->W[j * m->V + i] * v[i];
        }
        log_w += log_weight(m, in, bv, beta) - log_weight(m, in, bv, before);
        for (int64_t j = 0; j < m->H; j++) in[j] = jd_rng_uniform64(r) < 1 / (1 + exp(-beta * in[j]));
        for (int64_t i = 0; i < m->V; i++) {
            double up = 0;
            for (int64_t j = 0; j < m->H; j++) up += m->W[j * m->V + i] * in[j];
            v[i] = jd_rng_uniform64(r) < 1 / (1 + exp(-m->b[i] - beta * up));
        }
    }
    return log_w;
}

double jd_rbm_log_z_ais(jd_ctx *ctx, jd_params *p, const char *name, int64_t chains, int64_t temperatures)
{
    machine m;
    double sum = -INFINITY, base = 0;
    machine_of(ctx, p, name, &m);
    double *v = jd_error(ctx) ? NULL : jd_alloc_array(ctx, (size_t)(m.V + m.H), sizeof *v);
    if (v && (chains < 1 || temperatures < 1))
        jd_fail(ctx, JD_EUSAGE, "%s: annealing needs at least one chain and one temperature", name);
    for (int64_t k = 0; v && !jd_error(ctx) && k < chains; k++) {
        jd_rng r = jd_rng_new(jd_ctx_seed(ctx), "rbm/anneal", (uint64_t)k);
        sum = add_logs(sum, anneal(&m, &r, temperatures, v, v + m.V));
    }
    for (int64_t i = 0; v && i < m.V; i++) base += softplus(m.b[i]);
    base += (double)m.H * log(2);
    jd_free(ctx, v);
    machine_free(ctx, &m);
    return jd_error(ctx) ? (double)NAN : base + sum - log((double)chains);
}
