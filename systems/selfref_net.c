/* selfref_net.c - a net around a layer that changes its own weights: answers, gradient, Adam; see selfref.h. */
#include <string.h>

#include "selfref.h"

/* ---- weights ---------------------------------------------------------------------------------------------------------------*/

static void draw(double *w, size_t n, double mean, double deviation, jd_rng *rng)
{
    for (size_t i = 0; i < n; i++) w[i] = mean + deviation * jd_rng_normal(rng);
}

/* Layers and the places of their weights; n->n becomes the number of all. */
static jd_status layers(jd_ctx *ctx, selfref_net *n)
{
    const selfref_options *o = &n->o;
    if (o->kind == SELFREF_1993) {
        n->z = (srwm93){.inputs = o->inputs + 1,
                        .outputs = o->outputs,
                        .hidden = o->hidden,
                        .steps = o->steps * o->ticks,
                        .width = o->reach};
        srwm93_new(ctx, &n->z);
        n->n = (size_t)n->z.weights;
    } else if (o->kind == SELFREF_FAST) {
        n->f = (fast){.inputs = o->inputs,
                      .keys = o->keys,
                      .values = o->values,
                      .steps = o->steps,
                      .rule = o->rule,
                      .phi = o->phi,
                      .rate = 1};
        fast_new(ctx, &n->f);
        n->read = fast_weights(&n->f);
        n->n = n->read + (size_t)((o->values + 1) * o->outputs);
    } else {
        n->s = (srwm){.heads = o->heads, .d = o->width / o->heads, .steps = o->steps};
        srwm_new(ctx, &n->s);
        n->layer = (size_t)((o->inputs + 1) * o->width);
        n->mix = n->layer + srwm_weights(&n->s);
        n->read = n->mix + (size_t)(o->width * o->width);
        n->n = n->read + (size_t)((o->width + 1) * o->outputs);
    }
    return jd_error(ctx);
}

/* As in the papers' program: rates start around sigmoid(-1), all else with the deviation that keeps sizes. */
static void first_weights(selfref_net *n, jd_rng *rng)
{
    const selfref_options *o = &n->o;
    if (o->kind == SELFREF_1993) {
        draw(n->w, n->n, 0, o->spread, rng);
    } else if (o->kind == SELFREF_FAST) {
        draw(n->w, n->read, 0, 1 / sqrt(o->inputs), rng);
        draw(n->w + n->read, (size_t)(o->values * o->outputs), 0, 1 / sqrt(o->values), rng);
    } else {
        const int d = n->s.d, rows = n->s.rows;
        draw(n->w, n->layer, 0, 1 / sqrt(o->inputs), rng);
        for (int c = 0; c < o->heads * d; c++) {
            draw(n->w + n->layer + c * rows, (size_t)(3 * d), 0, 1 / sqrt(d), rng);
            draw(n->w + n->layer + c * rows + 3 * d, 4, -1, 1 / sqrt(d), rng);
        }
        draw(n->w + n->mix, n->read - n->mix, 0, 1 / sqrt(o->width), rng);
        draw(n->w + n->read, (size_t)(o->width * o->outputs), 0, 1 / sqrt(o->width), rng);
    }
}

jd_status selfref_net_new(jd_ctx *ctx, selfref_net *n, jd_rng *rng)
{
    const selfref_options *o = &n->o;
    const size_t T = (size_t)o->steps, ticks = T * (size_t)(o->ticks > 1 ? o->ticks : 1);
    const size_t wide = (size_t)(o->kind == SELFREF_SRWM ? o->width : o->kind == SELFREF_FAST ? o->values : 1);
    if (layers(ctx, n)) return jd_error(ctx);
    double **arrays[] = {&n->w, &n->g, &n->m, &n->v, &n->x, &n->xs, &n->h, &n->sum, &n->dx, &n->dh, &n->dz};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = jd_alloc_array(ctx, i < 4 ? n->n : T * wide, sizeof(double));
    n->said = jd_alloc_array(ctx, T * (size_t)o->outputs, sizeof *n->said);
    n->dsaid = jd_alloc_array(ctx, ticks * (size_t)o->outputs, sizeof *n->dsaid);
    n->goal = jd_alloc_array(ctx, ticks * (size_t)o->outputs, sizeof *n->goal);
    n->held = jd_alloc_array(ctx, ticks * (size_t)(o->inputs + 1), sizeof *n->held);
    n->shown = jd_alloc_array(ctx, ticks, sizeof *n->shown);
    if (!jd_error(ctx)) first_weights(n, rng);
    return jd_error(ctx);
}

void selfref_net_free(jd_ctx *ctx, selfref_net *n)
{
    void *all[] = {n->w,  n->g,  n->m,  n->v,    n->x,     n->xs,   n->h,    n->sum,
                   n->dx, n->dh, n->dz, n->said, n->dsaid, n->goal, n->held, n->shown};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    srwm_free(ctx, &n->s);
    fast_free(ctx, &n->f);
    srwm93_free(ctx, &n->z);
    *n = (selfref_net){0};
}

/* ---- dense maps over a run: W (I + bias,O), y (T,O) -------------------------------------------------------------------------*/

static void dense(const double *W, const double *x, int T, int I, int O, bool bias, double *y)
{
    for (int t = 0; t < T; t++, x += I, y += O) {
        for (int k = 0; k < O; k++) y[k] = bias ? W[I * O + k] : 0;
        for (int i = 0; i < I; i++)
            for (int k = 0; k < O; k++) y[k] += x[i] * W[i * O + k];
    }
}

static void undense(const double *W, const double *x, const double *dy, int T, int I, int O, bool bias, double *dW,
                    double *dx)
{
    for (int t = 0; t < T; t++, x += I, dy += O) {
        for (int i = 0; i < I; i++) {
            for (int k = 0; k < O; k++) dW[i * O + k] += x[i] * dy[k];
            if (dx) dx[t * I + i] = selfref_dot(W + i * O, dy, O);
        }
        for (int k = 0; k < O && bias; k++) dW[I * O + k] += dy[k];
    }
}

/* ---- the net of 2022: x = E u, z = normalised x + O srwm(x), answer V z -------------------------------------------------------*/

#define LEAST_VARIANCE 1e-5

/* Returns 1 / deviation. */
static double normalise(const double *x, int n, double *z)
{
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean) / n;
    const double scale = 1 / sqrt(square + LEAST_VARIANCE);
    for (int i = 0; i < n; i++) z[i] = (x[i] - mean) * scale;
    return scale;
}

/* dx of normalise, from dz; z as it became. */
static void unnormalise(const double *z, double scale, const double *dz, int n, double *dx)
{
    double mean = 0, along = 0;
    for (int i = 0; i < n; i++) mean += dz[i] / n, along += dz[i] * z[i] / n;
    for (int i = 0; i < n; i++) dx[i] = scale * (dz[i] - mean - z[i] * along);
}

static void code(selfref_net *n, int T)
{
    const int all = T * n->o.width, d = n->s.d;
    for (int i = 0; i < all; i++) n->xs[i] = n->o.code == SELFREF_TANH ? 2 * selfref_sigmoid(2 * n->x[i]) - 1 : n->x[i];
    for (int i = 0; i < all && n->o.code == SELFREF_SOFTMAX; i += d) selfref_softmax(n->xs + i, d, n->xs + i);
}

/* n->dx, of the code, becomes that of E u. */
static void uncode(selfref_net *n, int T)
{
    const int all = T * n->o.width, d = n->s.d;
    for (int i = 0; i < all && n->o.code == SELFREF_TANH; i++) n->dx[i] *= 1 - n->xs[i] * n->xs[i];
    for (int i = 0; i < all && n->o.code == SELFREF_SOFTMAX; i += d)
        selfref_unsoftmax(n->xs + i, n->dx + i, d, n->dx + i);
}

static void run_srwm(selfref_net *n, const selfref_episode *e)
{
    const int T = e->T, N = n->o.width;
    dense(n->w, e->u, T, n->o.inputs, N, true, n->x);
    code(n, T);
    srwm_forward(&n->s, n->w + n->layer, n->xs, T, n->h);
    dense(n->w + n->mix, n->h, T, N, N, false, n->sum);
    for (int t = 0; t < T; t++) {
        double *z = n->dz; /* not in use yet */
        normalise(n->x + t * N, N, z);
        for (int i = 0; i < N; i++) n->sum[t * N + i] += z[i];
    }
    dense(n->w + n->read, n->sum, T, N, n->o.outputs, true, n->said);
}

static void back_srwm(selfref_net *n, const selfref_episode *e)
{
    const int T = e->T, N = n->o.width;
    undense(n->w + n->read, n->sum, n->dsaid, T, N, n->o.outputs, true, n->g + n->read, n->dz);
    undense(n->w + n->mix, n->h, n->dz, T, N, N, false, n->g + n->mix, n->dh);
    srwm_backward(&n->s, n->xs, n->dh, T, n->g + n->layer, n->dx);
    uncode(n, T);
    for (int t = 0; t < T; t++) {
        double *z = n->sum + t * N, *dx = n->dh + t * N; /* both are done with */
        const double scale = normalise(n->x + t * N, N, z);
        unnormalise(z, scale, n->dz + t * N, N, dx);
        for (int i = 0; i < N; i++) dx[i] += n->dx[t * N + i];
    }
    undense(n->w, e->u, n->dh, T, n->o.inputs, N, true, n->g, NULL);
}

/* ---- the net of 1993: every step is held for some ticks ------------------------------------------------------------------------*/

static srwm93_input ticks_of(selfref_net *n, const selfref_episode *e)
{
    const int I = n->o.inputs, O = n->o.outputs, ticks = n->o.ticks;
    for (int t = 0; t < e->T * ticks; t++) {
        double *x = n->held + t * (I + 1);
        memcpy(x, e->u + t / ticks * I, (size_t)I * sizeof *x);
        x[I] = 1;
        memcpy(n->goal + t * O, e->target + t / ticks * O, (size_t)O * sizeof *x);
        n->shown[t] = e->told[t / ticks] && t % ticks == ticks - 1;
    }
    return (srwm93_input){.T = e->T * ticks,
                          .reset = e->reset < 0 ? -1 : e->reset * ticks,
                          .x = n->held,
                          .target = n->goal,
                          .shown = n->shown};
}

static void run_1993(selfref_net *n, const selfref_episode *e)
{
    const int O = n->o.outputs;
    const srwm93_input in = ticks_of(n, e);
    srwm93_forward(&n->z, n->w, &in);
    for (int t = 0; t < e->T; t++)
        memcpy(n->said + t * O, n->z.y + ((t + 1) * n->o.ticks - 1) * n->z.units, (size_t)O * sizeof *n->said);
}

static void back_1993(selfref_net *n, const selfref_episode *e)
{
    const int O = n->o.outputs, ticks = n->o.ticks;
    const srwm93_input in = ticks_of(n, e);
    for (int t = e->T * ticks - 1; t >= 0; t--) /* from the end: a tick's row lies at or after its step's */
        for (int k = 0; k < O; k++) n->dsaid[t * O + k] = t % ticks == ticks - 1 ? n->dsaid[t / ticks * O + k] : 0;
    srwm93_backward(&n->z, &in, n->dsaid, n->g);
}

/* ---- runs and updates --------------------------------------------------------------------------------------------------------------*/

static int asked(const selfref_episode *e)
{
    int count = 0;
    for (int t = 0; t < e->T; t++) count += e->asked[t];
    return count;
}

double selfref_run(selfref_net *n, const selfref_episode *e, bool frozen)
{
    const int O = n->o.outputs, count = asked(e);
    double loss = 0;
    n->s.frozen = n->f.frozen = n->z.frozen = frozen;
    if (n->o.kind == SELFREF_SRWM) run_srwm(n, e);
    if (n->o.kind == SELFREF_1993) run_1993(n, e);
    if (n->o.kind == SELFREF_FAST) {
        fast_forward(&n->f, n->w, e->u, e->T, n->h);
        dense(n->w + n->read, n->h, e->T, n->o.values, O, true, n->said);
    }
    const bool logistic = n->o.loss == SELFREF_LOGISTIC;
    for (int i = 0; i < e->T * O; i++) {
        const double y = n->said[i], target = e->target[i];
        if (logistic) n->said[i] = selfref_sigmoid(y);
        if (!e->asked[i / O]) continue;
        if (logistic) /* log(1 + e^y) - target y, without overflow */
            loss += (y > 0 ? y : 0) + log1p(jd_exp_lane(-fabs(y))) - target * y;
        else
            loss += .5 * (y - target) * (y - target);
    }
    return loss / count;
}

void selfref_back(selfref_net *n, const selfref_episode *e, double share)
{
    const int O = n->o.outputs, count = asked(e);
    for (int i = 0; i < e->T * O; i++) /* prediction - target for both losses */
        n->dsaid[i] = e->asked[i / O] ? (n->said[i] - e->target[i]) * share / count : 0;
    if (n->o.kind == SELFREF_SRWM) back_srwm(n, e);
    if (n->o.kind == SELFREF_1993) back_1993(n, e);
    if (n->o.kind == SELFREF_FAST) {
        undense(n->w + n->read, n->h, n->dsaid, e->T, n->o.values, O, true, n->g + n->read, n->dh);
        fast_backward(&n->f, n->w, e->u, n->dh, e->T, n->g, NULL);
    }
}

void selfref_adam(selfref_net *n, double rate, double clip)
{
    const double norm = sqrt(selfref_dot(n->g, n->g, (int)n->n)), by = norm > clip ? clip / norm : 1;
    n->updates++;
    const double first = 1 - pow(.9, (double)n->updates), second = 1 - pow(.999, (double)n->updates);
    for (size_t i = 0; i < n->n; i++) {
        const double g = by * n->g[i];
        n->m[i] += .1 * (g - n->m[i]);
        n->v[i] += .001 * (g * g - n->v[i]);
        n->w[i] -= rate * (n->m[i] / first) / (sqrt(n->v[i] / second) + 1e-8);
        n->g[i] = 0;
    }
}
