/* meta_functions.c - classes of functions and the learners beside the LSTM; see meta_functions.h. */
#include "meta_functions.h"

#include <math.h>
#include <string.h>

#include "jackdaw/exp.h"

const char *const meta_name[META_CLASSES] = {"boolean", "semi-linear", "quadratic", "changing"};
const char *const meta_rule_name[META_RULES] = {"constant",         "mean so far",    "last target",
                                                "back-propagation", "the same, Adam", "least squares"};

/* ---- functions -----------------------------------------------------------------------------------------------------------*/

/* Semi-linear weights: the bend of tanh is inside the square for most functions. */
#define STEEPNESS 2.

static double between(jd_rng *r, double most)
{
    return most * (2 * jd_rng_uniform64(r) - 1);
}

meta_function meta_draw(meta_class kind, jd_rng *r)
{
    meta_function f = {.kind = kind};
    if (kind == META_BOOLEAN) {
        const uint32_t table = jd_rng_below(r, 16);
        for (int i = 0; i < 4; i++) f.c[i] = table >> i & 1;
        return f;
    }
    const int n = kind == META_QUADRATIC ? META_FEATURES : 3;
    for (int i = 0; i < n; i++) f.c[i] = between(r, kind == META_QUADRATIC ? 1 : STEEPNESS);
    return f;
}

void meta_features(const double x[2], double *phi)
{
    phi[0] = x[0] * x[0], phi[1] = x[1] * x[1], phi[2] = x[0] * x[1];
    phi[3] = x[0], phi[4] = x[1], phi[5] = 1;
}

double meta_value(const meta_function *f, const double x[2])
{
    if (f->kind == META_BOOLEAN) return f->c[2 * (x[0] > .5) + (x[1] > .5)];
    if (f->kind != META_QUADRATIC) /* (1 + tanh a) / 2 = 1 / (1 + exp(-2a)) */
        return 1 / (1 + jd_exp_lane(-2 * (f->c[0] * x[0] + f->c[1] * x[1] + f->c[2])));
    double phi[META_FEATURES], y = 0;
    meta_features(x, phi);
    for (int i = 0; i < META_FEATURES; i++) y += f->c[i] * phi[i];
    return y;
}

double meta_mean(meta_class kind)
{
    return kind == META_QUADRATIC ? 0 : .5;
}

int64_t meta_episode(meta_class kind, int64_t T, jd_rng *r, double *x, double *y, meta_function *f)
{
    int64_t change = T;
    meta_function now = meta_draw(kind, r), next = now;
    if (f) *f = now;
    if (kind == META_CHANGING) {
        next = meta_draw(kind, r);
        change = T * 3 / 10 + jd_rng_below(r, (uint32_t)(T * 4 / 10 + 1));
    }
    for (int64_t t = 0; t < T; t++) {
        for (int i = 0; i < 2; i++) x[2 * t + i] = kind == META_BOOLEAN ? (double)jd_rng_below(r, 2) : between(r, 1);
        y[t] = meta_value(t < change ? &now : &next, x + 2 * t);
    }
    return change;
}

void meta_shuffle(jd_rng *r, double *y, int64_t T)
{
    for (int64_t t = T - 1; t > 0; t--) {
        const int64_t other = jd_rng_below(r, (uint32_t)t + 1);
        const double kept = y[t];
        y[t] = y[other];
        y[other] = kept;
    }
}

/* ---- the net 2-10-1, tanh, linear output -----------------------------------------------------------------------------------*/

enum { HIDDEN = 10, WEIGHTS = 4 * HIDDEN + 1 }; /* W (10,2), b (10), v (10), c */

static double net_say(const double *w, const double *x, double *h)
{
    const double *b = w + 2 * HIDDEN, *v = b + HIDDEN;
    double say = v[HIDDEN];
    for (int j = 0; j < HIDDEN; j++)
        h[j] = 1 - 2 / (1 + jd_exp_lane(2 * (w[2 * j] * x[0] + w[2 * j + 1] * x[1] + b[j]))); /* tanh */
    for (int j = 0; j < HIDDEN; j++) say += v[j] * h[j];
    return say;
}

/* g (WEIGHTS) = d (say - y)^2 / 2 / dw, with `off` = say - y and the h of net_say. */
static void net_gradient(const double *w, const double *x, const double *h, double off, double *g)
{
    const double *v = w + 3 * HIDDEN;
    for (int j = 0; j < HIDDEN; j++) {
        const double down = off * v[j] * (1 - h[j] * h[j]);
        g[2 * j] = down * x[0];
        g[2 * j + 1] = down * x[1];
        g[2 * HIDDEN + j] = down;
        g[3 * HIDDEN + j] = off * h[j];
    }
    g[WEIGHTS - 1] = off;
}

static void learn_net(bool adam, const meta_setting *s, double mean, jd_rng *r, const double *x, const double *y,
                      int64_t T, double *said)
{
    double w[WEIGHTS], g[WEIGHTS], h[HIDDEN], m[WEIGHTS] = {0}, v[WEIGHTS] = {0}, p1 = 1, p2 = 1;
    for (int i = 0; i < WEIGHTS; i++) w[i] = between(r, s->scale);
    w[WEIGHTS - 1] = mean; /* the mean of the class is known to all */
    for (int64_t t = 0; t < T; t++) {
        said[t] = net_say(w, x + 2 * t, h);
        net_gradient(w, x + 2 * t, h, said[t] - y[t], g);
        p1 *= .9, p2 *= .999;
        for (int i = 0; i < WEIGHTS && adam; i++) {
            m[i] += .1 * (g[i] - m[i]);
            v[i] += .001 * (g[i] * g[i] - v[i]);
            w[i] -= s->rate * (m[i] / (1 - p1)) / (sqrt(v[i] / (1 - p2)) + 1e-8);
        }
        for (int i = 0; i < WEIGHTS && !adam; i++) w[i] -= s->rate * g[i];
    }
}

/* ---- recursive least squares -----------------------------------------------------------------------------------------------*/

typedef struct squares {
    double theta[META_FEATURES], P[META_FEATURES][META_FEATURES];
} squares;

/* The prior of the quadratic class: weights N(0, 1/3), the variance of U[-1,1]. */
static void squares_start(squares *q)
{
    memset(q, 0, sizeof *q);
    for (int i = 0; i < META_FEATURES; i++) q->P[i][i] = 1. / 3;
}

static void squares_hear(squares *q, const meta_setting *s, const double *phi, double off)
{
    double Pphi[META_FEATURES] = {0}, sum = s->noise;
    for (int i = 0; i < META_FEATURES; i++)
        for (int j = 0; j < META_FEATURES; j++) Pphi[i] += q->P[i][j] * phi[j];
    for (int i = 0; i < META_FEATURES; i++) sum += phi[i] * Pphi[i];
    for (int i = 0; i < META_FEATURES; i++) {
        q->theta[i] += Pphi[i] / sum * off;
        for (int j = 0; j < META_FEATURES; j++) q->P[i][j] -= Pphi[i] * Pphi[j] / sum;
    }
    if (!(s->forget < 1)) return;
    for (int i = 0; i < META_FEATURES; i++) /* what was learned grows old, but nothing is less sure than at first */
        for (int j = 0; j < META_FEATURES; j++)
            q->P[i][j] = s->forget * q->P[i][j] + (i == j ? (1 - s->forget) / 3 : 0);
}

static void learn_squares(const meta_setting *s, double mean, const double *x, const double *y, int64_t T, double *said)
{
    squares q;
    squares_start(&q);
    for (int64_t t = 0; t < T; t++) {
        double phi[META_FEATURES];
        meta_features(x + 2 * t, phi);
        said[t] = mean;
        for (int i = 0; i < META_FEATURES; i++) said[t] += q.theta[i] * phi[i];
        squares_hear(&q, s, phi, y[t] - said[t]);
    }
}

/* ---- all learners ----------------------------------------------------------------------------------------------------------*/

bool meta_setting_at(meta_rule rule, meta_class kind, int i, meta_setting *s)
{
    static const double rate[2][5] = {{.01, .03, .1, .3, 1}, {.003, .01, .03, .1, .3}}; /* descent; Adam */
    static const double scale[6] = {.01, .03, .1, .3, 1, 3};
    static const double noise[6] = {1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1}, forget[5] = {1, .99, .97, .95, .9};
    *s = (meta_setting){.forget = 1};
    if (rule == META_SGD || rule == META_ADAM) {
        if (i >= 30) return false;
        s->rate = rate[rule == META_ADAM][i / 6], s->scale = scale[i % 6];
        return true;
    }
    if (rule != META_RLS) return i == 0;
    if (i >= (kind == META_CHANGING ? 30 : 6)) return false;
    s->noise = noise[i % 6], s->forget = forget[i / 6];
    return true;
}

void meta_learn(meta_rule rule, const meta_setting *s, meta_class kind, jd_rng *r, const double *x, const double *y,
                int64_t T, double *said)
{
    const double mean = meta_mean(kind);
    double sum = 0;
    if (rule == META_SGD || rule == META_ADAM) {
        learn_net(rule == META_ADAM, s, mean, r, x, y, T, said);
        return;
    }
    if (rule == META_RLS) {
        learn_squares(s, mean, x, y, T, said);
        return;
    }
    for (int64_t t = 0; t < T; t++) {
        said[t] = t == 0 || rule == META_CONSTANT ? mean : rule == META_LAST ? y[t - 1] : sum / (double)t;
        sum += y[t];
    }
}

/* ---- learning curves -------------------------------------------------------------------------------------------------------*/

int64_t meta_window(meta_class kind, int64_t T, int64_t change, int64_t *first)
{
    *first = kind == META_CHANGING ? change - META_LEAD : 0;
    return kind == META_CHANGING ? 2 * META_LEAD : T;
}

jd_status meta_curve(jd_ctx *ctx, const meta_episodes *e, meta_rule rule, const meta_setting *s, double *error)
{
    const size_t T = (size_t)e->T;
    double *x = jd_alloc_array(ctx, 4 * T, sizeof *x);
    if (!x) return jd_error(ctx);
    double *y = x + 2 * T, *said = y + T;
    int64_t first, n = meta_window(e->kind, e->T, e->T, &first);
    for (int64_t t = 0; t < n; t++) error[t] = 0;
    for (int64_t i = 0; i < e->count; i++) {
        jd_rng r = jd_rng_new(e->seed, e->stream, (uint64_t)i);
        jd_rng weights = jd_rng_new(e->seed, "meta/weights", (uint64_t)i);
        n = meta_window(e->kind, e->T, meta_episode(e->kind, e->T, &r, x, y, NULL), &first);
        meta_learn(rule, s, e->kind, &weights, x, y, e->T, said);
        for (int64_t t = 0; t < n; t++) {
            const double off = said[first + t] - y[first + t];
            error[t] += off * off / (double)e->count;
        }
    }
    jd_free(ctx, x);
    return jd_error(ctx);
}

double meta_between(const double *error, int64_t first, int64_t last)
{
    double sum = 0;
    for (int64_t t = first - 1; t < last; t++) sum += error[t];
    return sum / (double)(last - first + 1);
}

jd_status meta_tune(jd_ctx *ctx, const meta_episodes *e, meta_rule rule, int64_t first, int64_t last,
                    meta_setting *best)
{
    double *error = jd_alloc_array(ctx, (size_t)e->T, sizeof *error), least = 0;
    meta_setting s;
    bool found = false;
    for (int i = 0; error && meta_setting_at(rule, e->kind, i, &s); i++) {
        if (meta_curve(ctx, e, rule, &s, error)) break;
        const double mean = meta_between(error, first, last); /* NaN where a net diverged */
        if (i == 0) *best = s;
        if (!isfinite(mean) || (found && mean >= least)) continue;
        *best = s;
        least = mean;
        found = true;
    }
    jd_free(ctx, error);
    return jd_error(ctx);
}
