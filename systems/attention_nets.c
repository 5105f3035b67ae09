/* attention_nets.c - controller, model and the chain of both; see attention_nets.h. */
#include "attention_nets.h"

#include <math.h>
#include <string.h>

#include "selfref.h"

/* ---- a net -------------------------------------------------------------------------------------------------------------------*/

size_t at_net_weights(const at_net *n)
{
    return (size_t)((n->inputs + 1) * n->hidden + (n->inputs + 1 + n->hidden) * n->outputs);
}

jd_status at_net_new(jd_ctx *ctx, at_net *n, jd_rng *r)
{
    const size_t weights = at_net_weights(n);
    n->w = jd_alloc_array(ctx, weights, sizeof *n->w);
    for (size_t i = 0; n->w && i < weights; i++) n->w[i] = .2 * jd_rng_uniform64(r) - .1;
    return jd_error(ctx);
}

void at_net_free(jd_ctx *ctx, at_net *n)
{
    jd_free(ctx, n->w);
    n->w = NULL;
}

/* y (outputs) = f(W' z); rows of W (n,outputs) belong to inputs. */
static void layer(const double *W, const double *z, int n, double *y, int outputs)
{
    double net[AT_HIDDEN] = {0};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < outputs; j++) net[j] += W[i * outputs + j] * z[i];
    for (int j = 0; j < outputs; j++) y[j] = selfref_sigmoid(net[j]);
}

void at_forward(const at_net *n, at_pass *p)
{
    const int first = n->inputs + 1;
    p->z[n->inputs] = 1;
    layer(n->w, p->z, first, p->z + first, n->hidden);
    layer(n->w + first * n->hidden, p->z, first + n->hidden, p->y, n->outputs);
}

/* dz += W d; g += scale z d'.  Each row of W is read before its gradient is added, so that g may be W. */
static void unlayer(const double *W, const double *z, int n, const double *d, int outputs, double *dz, double *g,
                    double scale)
{
    for (int i = 0; i < n; i++) {
        dz[i] += selfref_dot(W + i * outputs, d, outputs);
        if (!g) continue;
        const double s = scale * z[i];
        for (int j = 0; j < outputs; j++) g[i * outputs + j] += s * d[j];
    }
}

void at_backward(const at_net *n, const at_pass *p, const double *dy, double *dz, double *g, double scale)
{
    const int first = n->inputs + 1, all = first + n->hidden, second = first * n->hidden;
    double d[AT_HIDDEN];
    memset(dz, 0, (size_t)all * sizeof *dz);
    for (int j = 0; j < n->outputs; j++) d[j] = dy[j] * p->y[j] * (1 - p->y[j]);
    unlayer(n->w + second, p->z, all, d, n->outputs, dz, g ? g + second : NULL, scale);
    for (int j = 0; j < n->hidden; j++) d[j] = dz[first + j] * p->z[first + j] * (1 - p->z[first + j]);
    unlayer(n->w, p->z, first, d, n->hidden, dz, g, scale);
}

/* ---- the chain ---------------------------------------------------------------------------------------------------------------*/

jd_status at_chain_new(jd_ctx *ctx, at_chain *k, int actions, int goals, jd_rng *r)
{
    k->actions = actions;
    k->goals = goals;
    k->clip = 1;
    k->c = (at_net){.inputs = AT_FIELDS + goals, .hidden = 20, .outputs = actions};
    k->m = (at_net){.inputs = AT_FIELDS + actions, .hidden = 40, .outputs = AT_FIELDS};
    at_net_new(ctx, &k->c, r);
    at_net_new(ctx, &k->m, r);
    k->g = jd_alloc_array(ctx, at_net_weights(&k->c), sizeof *k->g);
    return jd_error(ctx);
}

void at_chain_free(jd_ctx *ctx, at_chain *k)
{
    at_net_free(ctx, &k->c);
    at_net_free(ctx, &k->m);
    jd_free(ctx, k->g);
    k->g = NULL;
}

const double *at_act(at_chain *k, int t, const double *goal)
{
    at_pass *c = &k->pc[t];
    memcpy(c->z, k->x[t], sizeof k->x[t]);
    if (k->goals) memcpy(c->z + AT_FIELDS, goal, (size_t)k->goals * sizeof *goal);
    at_forward(&k->c, c);
    return c->y;
}

void at_expect(at_chain *k, int t, const double *a)
{
    at_pass *m = &k->pm[t];
    memcpy(m->z, k->x[t], sizeof k->x[t]);
    memcpy(m->z + AT_FIELDS, a, (size_t)k->actions * sizeof *a);
    at_forward(&k->m, m);
}

double at_model_learn(at_chain *k, int t, double rate)
{
    const at_pass *m = &k->pm[t];
    double dy[AT_FIELDS], dz[AT_IN + 1 + AT_HIDDEN], error = 0;
    for (int i = 0; i < AT_FIELDS; i++) {
        dy[i] = m->y[i] - k->x[t + 1][i];
        error += dy[i] * dy[i];
    }
    at_backward(&k->m, m, dy, dz, k->m.w, -rate);
    return error;
}

/* To at most `most` long, in its direction. */
static void clip(double *v, int n, double most)
{
    const double length = sqrt(selfref_dot(v, v, n));
    for (int i = 0; length > most && i < n; i++) v[i] *= most / length;
}

double at_chain_gradient(at_chain *k, int n, const double *d)
{
    double dx[AT_FIELDS], dm[AT_IN + 1 + AT_HIDDEN], dc[AT_IN + 1 + AT_HIDDEN], error = 0;
    memset(k->g, 0, at_net_weights(&k->c) * sizeof *k->g);
    for (int i = 0; i < AT_FIELDS; i++) {
        dx[i] = k->x[n][i] - d[i];
        error += dx[i] * dx[i];
    }
    for (int t = n - 1; t >= 0; t--) {
        clip(dx, AT_FIELDS, k->clip);
        at_backward(&k->m, &k->pm[t], dx, dm, NULL, 0);
        at_backward(&k->c, &k->pc[t], dm + AT_FIELDS, dc, k->g, 1);
        for (int i = 0; i < AT_FIELDS; i++) dx[i] = dm[i] + dc[i];
    }
    return error;
}

void at_chain_step(at_chain *k, double rate)
{
    const int weights = (int)at_net_weights(&k->c);
    clip(k->g, weights, .5);
    for (int i = 0; i < weights; i++) k->c.w[i] -= rate * k->g[i];
}
