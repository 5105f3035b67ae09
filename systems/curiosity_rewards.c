/* curiosity_rewards.c - rewards for learning; see curiosity_rewards.h. */
#include "curiosity_rewards.h"

#include <math.h>

/* ---- windows -------------------------------------------------------------------------------------------------------------*/

void cr_window_add(cr_window *w, double error)
{
    w->error[w->n++ % (2 * CR_WINDOW)] = error;
}

/* The mean of n errors, the last of them `back` before the newest. */
static double mean_back(const cr_window *w, int64_t back, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += w->error[(w->n - 1 - back - i) % (2 * CR_WINDOW)];
    return sum / (double)n;
}

double cr_window_progress(const cr_window *w)
{
    if (w->n < 2 * CR_WINDOW) return 0;
    return mean_back(w, CR_WINDOW, CR_WINDOW) - mean_back(w, 0, CR_WINDOW);
}

double cr_window_error(const cr_window *w)
{
    return w->n ? mean_back(w, 0, w->n < CR_WINDOW ? w->n : CR_WINDOW) : 0;
}

/* ---- model and confidence --------------------------------------------------------------------------------------------------*/

cr_model cr_model_new(jd_ctx *ctx, int entries, int width, double guess, double doubt)
{
    cr_model m = {.ctx = ctx, .entries = entries, .width = width};
    m.m = jd_alloc_array(ctx, (size_t)entries * (size_t)width, sizeof *m.m);
    m.k = jd_alloc_array(ctx, (size_t)entries, sizeof *m.k);
    for (int i = 0; m.m && i < entries * width; i++) m.m[i] = guess;
    for (int i = 0; m.k && i < entries; i++) m.k[i] = doubt;
    return m;
}

void cr_model_free(cr_model *m)
{
    jd_free(m->ctx, m->m);
    jd_free(m->ctx, m->k);
}

double cr_model_error(const cr_model *m, int entry, const double *x)
{
    const double *p = m->m + (size_t)entry * (size_t)m->width;
    double e = 0;
    for (int i = 0; i < m->width; i++) e += (x[i] - p[i]) * (x[i] - p[i]);
    return e;
}

cr_step cr_model_learn(cr_model *m, int entry, const double *x)
{
    const double e = cr_model_error(m, entry, x), old = m->k[entry];
    double *p = m->m + (size_t)entry * (size_t)m->width;
    for (int i = 0; i < m->width; i++) p[i] += m->rate * (x[i] - p[i]);
    m->k[entry] += m->trust * (e - old);
    return (cr_step){e, old - m->k[entry]};
}

/* ---- counts ----------------------------------------------------------------------------------------------------------------*/

cr_counts cr_counts_new(jd_ctx *ctx, int pairs, int states)
{
    cr_counts c = {.ctx = ctx, .pairs = pairs, .states = states};
    c.count = jd_alloc_array(ctx, (size_t)pairs * (size_t)states, sizeof *c.count);
    c.visits = jd_alloc_array(ctx, (size_t)pairs, sizeof *c.visits);
    return c;
}

void cr_counts_free(cr_counts *c)
{
    jd_free(c->ctx, c->count);
    jd_free(c->ctx, c->visits);
}

double cr_counts_p(const cr_counts *c, int pair, int next)
{
    return (c->count[(size_t)pair * (size_t)c->states + (size_t)next] + 1. / c->states) / (c->visits[pair] + 1);
}

/* All estimates but that of `next` shrink by one factor, so the sum has two terms. */
double cr_counts_learn(cr_counts *c, int pair, int next)
{
    const double before = cr_counts_p(c, pair, next), shrink = (c->visits[pair] + 1) / (c->visits[pair] + 2);
    c->count[(size_t)pair * (size_t)c->states + (size_t)next]++;
    c->visits[pair]++;
    const double after = cr_counts_p(c, pair, next);
    return after * log(after / before) + (1 - after) * log(shrink);
}

/* ---- Q-learning --------------------------------------------------------------------------------------------------------------*/

cr_q cr_q_new(jd_ctx *ctx, int states, int actions, double start)
{
    cr_q q = {.ctx = ctx, .states = states, .actions = actions};
    q.q = jd_alloc_array(ctx, (size_t)states * (size_t)actions, sizeof *q.q);
    for (int i = 0; q.q && i < states * actions; i++) q.q[i] = start;
    return q;
}

void cr_q_free(cr_q *q)
{
    jd_free(q->ctx, q->q);
}

static double best(const cr_q *q, int state)
{
    const double *v = q->q + (size_t)state * (size_t)q->actions;
    double b = v[0];
    for (int a = 1; a < q->actions; a++) b = fmax(b, v[a]);
    return b;
}

int cr_q_choose(const cr_q *q, int state, jd_rng *r)
{
    const double *v = q->q + (size_t)state * (size_t)q->actions, b = best(q, state);
    if (jd_rng_uniform64(r) < q->explore) return (int)jd_rng_below(r, (uint32_t)q->actions);
    uint32_t ties = 0;
    int chosen = 0;
    for (int a = 0; a < q->actions; a++)
        if (v[a] >= b && jd_rng_below(r, ++ties) == 0) chosen = a;
    return chosen;
}

void cr_q_learn(cr_q *q, int state, int action, double reward, int next)
{
    double *v = q->q + (size_t)state * (size_t)q->actions + action;
    *v += q->rate * (reward + q->discount * best(q, next) - *v);
}
