/*
 * search.c - what all methods of search share: options, ask and tell, restarts, the best vector.
 */
#include <math.h>
#include <string.h>

#include "base/given.h"
#include "base/dmath.h"
#include "search/search.h"

static const jd_searcher *const METHOD[JD_SEARCH_METHODS] = {
    [JD_SEARCH_SNES] = &jd__snes,           [JD_SEARCH_XNES] = &jd__xnes, [JD_SEARCH_CMAES] = &jd__cmaes,
    [JD_SEARCH_COSYNE] = &jd__cosyne,       [JD_SEARCH_ESP] = &jd__esp,   [JD_SEARCH_GA] = &jd__ga,
    [JD_SEARCH_RANDOM] = &jd__random_search};

enum { MAX_REPEATS = 1 << 20 };

const char *jd_search_method_name(jd_search_method m)
{
    return (unsigned)m < JD_SEARCH_METHODS ? METHOD[m]->name : NULL;
}

jd_search_method jd_search_method_named(jd_ctx *ctx, const char *name)
{
    if (!jd__given(ctx, __func__, "name", name)) return JD_SEARCH_METHODS;
    const char *words[JD_SEARCH_METHODS + 1] = {0};
    for (int i = 0; i < JD_SEARCH_METHODS; i++) {
        words[i] = METHOD[i]->name;
        if (!strcmp(words[i], name)) return (jd_search_method)i;
    }
    const char *near = jd_nearest(name, words);
    jd_fail(ctx, JD_EUSAGE, "search: no method \"%s\"%s%s%s; there are snes, xnes, cmaes, cosyne, esp, ga, random",
            name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return JD_SEARCH_METHODS;
}

/* ---- what methods use ------------------------------------------------------------------------------------------------*/

double *jd__search_field(jd_search *s, int slot, const char *name, size_t rows, size_t columns, bool kept)
{
    jd_search_field *f = &s->field[slot];
    size_t n;
    jd_free(s->ctx, f->v);
    *f = (jd_search_field){.name = name, .rows = rows, .columns = columns, .kept = kept};
    if (__builtin_mul_overflow(rows, columns, &n)) {
        jd_fail(s->ctx, JD_ENOMEM, "search: %zu x %zu numbers do not fit into memory", rows, columns);
        return NULL;
    }
    return f->v = jd_alloc_array(s->ctx, n, sizeof *f->v);
}

jd_rng jd__search_rng(const jd_search *s, const char *purpose, uint64_t k)
{
    /* The index holds generation and candidate, the key the restart. */
    const uint64_t seed = s->o.seed + 0x9E3779B97F4A7C15u * (uint64_t)s->restarts;
    return jd_rng_new(seed, purpose, (uint64_t)s->generation << 24 | k);
}

typedef struct each {
    jd_search *s;
    size_t n;
    void (*fn)(jd_search *s, size_t k);
} each;

static void share(void *user, const jd_worker *w)
{
    const each *e = user;
    size_t begin, end;
    jd_share(w, e->n, 1, &begin, &end);
    for (size_t k = begin; k < end; k++) e->fn(e->s, k);
}

void jd__search_each(jd_search *s, size_t n, size_t work, void (*fn)(jd_search *s, size_t k))
{
    enum { WORTH_A_TEAM = 100000 };
    each e = {s, n, fn};
    jd_team *team = s->ctx->threads > 1 && n > 1 && work > WORTH_A_TEAM / n ? jd__ctx_team(s->ctx) : NULL;
    if (team)
        jd_team_run(team, share, &e);
    else
        share(&e, &(jd_worker){0, 1, NULL});
}

void jd__utilities(double *u, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        u[k] = fmax(0, jd__log64((double)n / 2 + 1) - jd__log64((double)k + 1));
        sum += u[k];
    }
    for (size_t k = 0; k < n; k++) u[k] = u[k] / sum - 1 / (double)n;
}

/* Merge sort: stable, so that equal scores rank by their place. */
static void sort(const double *score, uint32_t *a, uint32_t *room, size_t n)
{
    if (n < 2) return;
    const size_t h = n / 2;
    sort(score, a, room, h);
    sort(score, a + h, room, n - h);
    memcpy(room, a, h * sizeof *room);
    for (size_t i = 0, j = h, k = 0; i < h; k++) a[k] = j < n && score[a[j]] > score[room[i]] ? a[j++] : room[i++];
}

void jd__rank(const double *score, uint32_t *order, size_t n)
{
    for (size_t k = 0; k < n; k++) order[k] = (uint32_t)k;
    sort(score, order, order + n, n);
}

size_t jd__default_population(const jd_search *s)
{
    return 4 + (size_t)(3 * jd__log64((double)s->D));
}

/* ---- making ----------------------------------------------------------------------------------------------------------*/

static bool finite_from(double x, double low)
{
    return x >= low && x <= 1e300;
}

static jd_status check(jd_ctx *ctx, const jd_search_options *o)
{
    if ((unsigned)o->method >= JD_SEARCH_METHODS)
        return jd_fail(ctx, JD_EUSAGE, "search: method %d does not exist; use a JD_SEARCH_* constant", (int)o->method);
    const jd_searcher *m = METHOD[o->method];
    if (o->dim < 1 || o->dim > UINT32_MAX || (m->max_dim && o->dim > m->max_dim))
        return jd_fail(ctx, JD_EUSAGE, "search: %s takes vectors of 1 to %zu numbers, not %zu%s", m->name,
                       m->max_dim ? m->max_dim : (size_t)UINT32_MAX, o->dim, m->max_dim ? "; use snes" : "");
    if (o->population && (o->population < 4 || o->population > JD_MAX_POPULATION))
        return jd_fail(ctx, JD_EUSAGE, "search: a population of %zu; give 4 to %d, or 0 for the default", o->population,
                       JD_MAX_POPULATION);
    if (o->trials < 0 || o->trials > 1000)
        return jd_fail(ctx, JD_EUSAGE, "search: %d trials; give 1 to 1000, or 0 for the default", o->trials);
    if (o->repeats < 0 || o->repeats > MAX_REPEATS || o->budget < 0 || o->patience < 0)
        return jd_fail(ctx, JD_EUSAGE,
                       "search: repeats %d, budget %lld, patience %lld; none may be negative, repeats at most %d",
                       o->repeats, (long long)o->budget, (long long)o->patience, MAX_REPEATS);
    if (!finite_from(o->sigma, 0) || !finite_from(o->spread, 0) || !(o->mutation >= 0 && o->mutation <= 1) ||
        !(o->grow == 0 || (o->grow >= 1 && o->grow <= 10)) || (unsigned)o->cosyne > JD_COSYNE_MARKED)
        return jd_fail(ctx, JD_EUSAGE,
                       "search: sigma %g and spread %g are at least 0, mutation %g is 0..1, grow %g is 0 or 1..10, the "
                       "CoSyNE rule %d is a JD_COSYNE_* constant",
                       o->sigma, o->spread, o->mutation, o->grow, (int)o->cosyne);
    for (size_t i = 0; o->center && i < o->dim; i++)
        if (!isfinite(o->center[i]))
            return jd_fail(ctx, JD_EUSAGE, "search: center[%zu] is %g; it has to be finite", i, o->center[i]);
    uint32_t next = 0;
    for (size_t i = 0; o->segment && i < o->dim; i++) {
        if (o->segment[i] > next)
            return jd_fail(ctx, JD_EUSAGE,
                           "search: segment[%zu] is %u, but %u has not occurred before; number the "
                           "segments 0, 1, 2 ... in the order of their first dimensions",
                           i, o->segment[i], next);
        if (o->segment[i] == next) next++;
    }
    return JD_OK;
}

jd_status jd__search_allocate(jd_search *s)
{
    jd_ctx *ctx = s->ctx;
    jd_free(ctx, s->x);
    jd_free(ctx, s->score);
    jd_free(ctx, s->order);
    s->x = NULL, s->score = NULL, s->order = NULL;
    s->asked = s->population;
    s->m->allocate(s); /* may change `asked` */
    s->room = s->asked;
    size_t n;
    if (__builtin_mul_overflow(s->asked, s->D, &n))
        return jd_fail(ctx, JD_ENOMEM, "search: %zu candidates of %zu numbers do not fit into memory", s->asked, s->D);
    s->x = jd_alloc_array(ctx, n, sizeof *s->x);
    s->score = jd_alloc_array(ctx, s->asked, sizeof *s->score);
    s->order = jd_alloc_array(ctx, 2 * s->asked, sizeof *s->order); /* and room for sorting */
    return jd_error(ctx);
}

static void start(jd_search *s)
{
    s->generation = 0;
    s->stale = 0;
    s->restart_has_best = false;
    s->m->start(s);
}

static jd_status fill_options(jd_search *s, const jd_search_options *o)
{
    s->o = *o;
    s->D = o->dim;
    s->m = METHOD[o->method];
    if (!o->repeats) s->o.repeats = 1;
    if (!o->trials) s->o.trials = 3;
    if (o->sigma == 0) s->o.sigma = 1;
    if (o->grow == 0) s->o.grow = 1;
    if (o->spread == 0) s->o.spread = .3;
    if (o->mutation == 0) s->o.mutation = o->method == JD_SEARCH_GA ? 1 : .3;
    s->population = o->population ? o->population : s->m->population(s);
    s->center0 = jd_alloc_array(s->ctx, s->D, sizeof *s->center0);
    s->segment = jd_alloc_array(s->ctx, s->D, sizeof *s->segment);
    s->best = jd_alloc_array(s->ctx, s->D, sizeof *s->best);
    s->summary = jd_alloc_array(s->ctx, s->D, sizeof *s->summary);
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    for (size_t i = 0; i < s->D; i++) {
        s->center0[i] = o->center ? o->center[i] : 0;
        s->segment[i] = o->segment ? o->segment[i] : (uint32_t)i;
        if (s->segment[i] >= s->segments) s->segments = (size_t)s->segment[i] + 1;
    }
    s->o.center = s->center0;
    s->o.segment = s->segment;
    return jd__search_allocate(s);
}

jd_search *jd_search_new(jd_ctx *ctx, const jd_search_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx) || check(ctx, o)) return NULL;
    jd_search *s = jd_alloc(ctx, sizeof *s);
    if (!s) return NULL;
    s->ctx = ctx;
    if (fill_options(s, o)) {
        jd_search_free(s);
        return NULL;
    }
    start(s);
    return s;
}

void jd_search_free(jd_search *s)
{
    if (!s) return;
    for (int i = 0; i < JD_SEARCH_FIELDS; i++) jd_free(s->ctx, s->field[i].v);
    double *const owned[] = {s->center0, s->best, s->summary, s->x, s->score};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(s->ctx, owned[i]);
    jd_free(s->ctx, s->segment);
    jd_free(s->ctx, s->order);
    jd_free(s->ctx, s);
}

/* ---- ask and tell ------------------------------------------------------------------------------------------------------*/

const double *jd_search_ask(jd_search *s, size_t *n)
{
    if (n) *n = 0;
    if (!s || jd_error(s->ctx) || s->done) return NULL;
    if (!s->pending) s->m->ask(s);
    const int64_t cost = (int64_t)s->asked * s->o.repeats;
    if (s->o.budget && cost > s->o.budget - s->evaluations) {
        s->done = "budget";
        return NULL;
    }
    s->pending = true;
    if (n) *n = s->asked;
    return s->x;
}

/* The mean of a candidate's scores, with the sense "higher is better"; not a number becomes the worst. */
static double mean_score(const jd_search *s, const double *score)
{
    double sum = 0;
    for (int i = 0; i < s->o.repeats; i++) sum += score[i];
    sum = (s->o.minimize ? -sum : sum) / s->o.repeats;
    return isnan(sum) ? (double)-INFINITY : sum;
}

static void statistics(jd_search *s)
{
    double sum = 0, squares = 0, n = 0;
    for (size_t k = 0; k < s->asked; k++)
        if (isfinite(s->score[k])) {
            sum += s->score[k];
            n++;
        }
    s->mean = n > 0 ? sum / n : (double)NAN;
    for (size_t k = 0; k < s->asked; k++)
        if (isfinite(s->score[k])) squares += (s->score[k] - s->mean) * (s->score[k] - s->mean);
    s->deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

static void keep_best(jd_search *s)
{
    const uint32_t top = s->order[0];
    s->last_best = s->score[top];
    if (!s->has_best || s->score[top] > s->best_score) {
        s->best_score = s->score[top];
        memcpy(s->best, s->x + (size_t)top * s->D, s->D * sizeof *s->best);
        s->has_best = true;
    }
    s->stale++;
    if (!s->restart_has_best || s->score[top] > s->restart_best) {
        s->restart_best = s->score[top];
        s->restart_has_best = true;
        s->stale = 0;
    }
}

static void restart(jd_search *s)
{
    const double wanted = (double)s->population * s->o.grow;
    const size_t population = wanted < JD_MAX_POPULATION ? (size_t)wanted : JD_MAX_POPULATION;
    s->restarts++;
    if (population != s->population) {
        s->population = population;
        if (jd__search_allocate(s)) return;
    }
    start(s);
}

jd_status jd_search_tell(jd_search *s, const double *score)
{
    if (!s) return JD_EUSAGE;
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    if (!s->pending)
        return jd_fail(s->ctx, JD_EUSAGE, "jd_search_tell: nothing was asked; call jd_search_ask before each tell");
    for (size_t k = 0; k < s->asked; k++) s->score[k] = mean_score(s, score + k * (size_t)s->o.repeats);
    jd__rank(s->score, s->order, s->asked);
    s->pending = false;
    s->evaluations += (int64_t)s->asked * s->o.repeats;
    keep_best(s);
    statistics(s);
    s->m->tell(s);
    s->generation++;
    s->generations++;
    if (s->o.has_target && s->best_score >= (s->o.minimize ? -s->o.target : s->o.target)) {
        s->done = "target";
    } else if ((s->m->stuck && s->m->stuck(s)) || (s->o.patience && s->stale >= s->o.patience)) {
        if (s->o.restart)
            restart(s);
        else
            s->done = "converged";
    }
    return jd_error(s->ctx);
}

/* ---- looking -------------------------------------------------------------------------------------------------------------*/

const char *jd_search_done(const jd_search *s)
{
    return s ? s->done : NULL;
}

static double outer(const jd_search *s, double score)
{
    return s->o.minimize ? -score : score;
}

const double *jd_search_best(const jd_search *s, double *score)
{
    if (!s || !s->has_best) return NULL;
    if (score) *score = outer(s, s->best_score);
    return s->best;
}

const double *jd_search_center(jd_search *s)
{
    double step;
    if (!s) return NULL;
    s->m->summary(s, s->summary, &step);
    return s->summary;
}

jd_search_status jd_search_state(const jd_search *s)
{
    if (!s) return (jd_search_status){0};
    double step;
    s->m->summary(s, NULL, &step);
    return (jd_search_status){.evaluations = s->evaluations,
                              .generations = s->generations,
                              .restarts = s->restarts,
                              .population = s->population,
                              .best = s->has_best ? outer(s, s->best_score) : (double)NAN,
                              .last_best = s->has_best ? outer(s, s->last_best) : (double)NAN,
                              .mean = s->has_best ? outer(s, s->mean) : (double)NAN,
                              .deviation = s->deviation,
                              .step = step};
}
