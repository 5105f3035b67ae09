/*
 * poles_race.c - many searches of one method side by side.
 *
 * The searches do not know of each other; they stand side by side so that one call plays the networks of all of them, which
 * fills the lanes of the vectors.  Each search is saved on its own, so it does not matter at which moment others were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poles.h"

typedef struct racer {
    jd_search *search;
    const double *asked; /* (n, W) */
    size_t n, at;        /* its networks stand at row `at` of the pool */
} racer;

typedef struct race {
    jd_run *r;
    jd_ctx *ctx;
    poles_race_options o;
    const poles_method *m;
    jd_net_shape net;
    int runs;
    bool blind;
    poles_judge *judge;
    racer *racer;
    poles_outcome *out;
    size_t W, capacity;
    double *pool, *score; /* (capacity, W), (capacity) */
    int64_t *steps;       /* (capacity) */
    size_t *row;          /* (capacity) of the pool: the networks of a test */
    double *tested;       /* (capacity, W) */
    int64_t *endured;     /* (capacity) */
} race;

static char *file_of(const race *x, int i)
{
    return jd_asprintf(x->ctx, "%s/checkpoints/%s-%d.safetensors", jd_run_dir(x->r), x->o.name, i);
}

static bool over(const race *x, int i)
{
    const poles_outcome *o = &x->out[i];
    return o->ended > 0 || (x->o.gruau ? o->general > 0 : o->balanced > 0);
}

static jd_status grow(race *x, size_t n)
{
    if (n <= x->capacity) return JD_OK;
    void **const owned[] = {(void **)&x->pool, (void **)&x->score,  (void **)&x->steps,
                            (void **)&x->row,  (void **)&x->tested, (void **)&x->endured};
    const size_t size[] = {x->W * sizeof *x->pool, sizeof *x->score,         sizeof *x->steps,
                           sizeof *x->row,         x->W * sizeof *x->tested, sizeof *x->endured};
    for (size_t k = 0; k < sizeof size / sizeof *size; k++) {
        jd_free(x->ctx, *owned[k]);
        *owned[k] = jd_alloc_array(x->ctx, n, size[k]);
    }
    x->capacity = n;
    return jd_error(x->ctx);
}

/* All searches that go on ask; the pool holds what they ask for.  Returns the number of networks. */
static size_t ask(race *x)
{
    size_t n = 0;
    for (int i = 0; i < x->runs; i++) {
        racer *a = &x->racer[i];
        a->n = 0;
        if (!over(x, i)) {
            a->asked = jd_search_ask(a->search, &a->n);
            x->out[i].ended = !a->asked;
        }
        a->at = n;
        n += a->n;
    }
    if (grow(x, n)) return 0;
    for (int i = 0; i < x->runs; i++) {
        const racer *a = &x->racer[i];
        if (a->n) memcpy(x->pool + a->at * x->W, a->asked, a->n * x->W * sizeof *x->pool);
    }
    return n;
}

/* The networks that balanced all steps asked of them, tested for 100,000 (with velocities they have been).  Leaves their
 * rows in `row` and returns their number. */
static size_t endure(race *x, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (x->steps[i] >= (x->blind ? POLES_SHORT : POLES_STEPS)) {
            memcpy(x->tested + k * x->W, x->pool + i * x->W, x->W * sizeof *x->pool);
            x->row[k++] = i;
        }
    if (!k || !x->blind) return k;
    poles_endure(x->judge, x->tested, k, x->endured);
    size_t left = 0;
    for (size_t i = 0; i < k; i++)
        if (x->endured[i] >= POLES_STEPS) x->row[left++] = x->row[i];
    return left;
}

/* A network that balances 100,000 steps, found by search i as number `count`. */
static void credit(race *x, int i, double count, const double *weights)
{
    poles_outcome *o = &x->out[i];
    int starts = 0;
    if (over(x, i) || poles_generalise(x->judge, weights, 1, &starts, NULL)) return;
    const bool passes = starts >= POLES_GENERAL;
    if (o->balanced > 0 && !passes) return;
    if (!(o->balanced > 0)) {
        o->balanced = count;
        o->starts = starts;
    }
    if (passes) {
        o->general = count;
        o->starts_general = starts;
    }
    memcpy(o->weights, weights, x->W * sizeof *weights);
}

/* One generation of every search that goes on; false when none does. */
static bool generation(race *x)
{
    const size_t n = ask(x);
    if (!n || poles_earn(x->judge, x->pool, n, x->score, x->steps)) return false;
    const size_t good = endure(x, n);
    for (size_t k = 0; k < good; k++)
        for (int i = 0; i < x->runs; i++) {
            const racer *a = &x->racer[i];
            if (x->row[k] < a->at || x->row[k] >= a->at + a->n) continue;
            const double before = (double)jd_search_state(a->search).evaluations;
            credit(x, i, before + (double)(x->row[k] - a->at) + 1, x->pool + x->row[k] * x->W);
        }
    for (int i = 0; i < x->runs; i++) {
        const racer *a = &x->racer[i];
        if (!a->n) continue;
        jd_search_tell(a->search, x->score + a->at);
        x->out[i].tried = (double)jd_search_state(a->search).evaluations;
    }
    return !jd_error(x->ctx);
}

/* Written before the searches: one that is a little older than the book finds again what stands there. */
static void keep_book(race *x)
{
    char name[80];
    const int64_t columns = (int64_t)(sizeof *x->out / sizeof(double));
    snprintf(name, sizeof name, "outcome/%s", x->o.name);
    jd_params_set(x->o.book, name, &(jd_type){JD_F64, 2, {x->runs, columns}}, x->out);
    jd_run_save(x->r, x->o.book, 0, false);
}

static void save(race *x)
{
    keep_book(x);
    for (int i = 0; i < x->runs && !jd_error(x->ctx); i++) {
        char *path = over(x, i) ? NULL : file_of(x, i);
        if (path) jd_search_save(x->racer[i].search, path, 0);
        jd_free(x->ctx, path);
    }
}

static void forget(race *x)
{
    for (int i = 0; i < x->runs; i++) {
        char *path = file_of(x, i);
        if (path) remove(path);
        jd_free(x->ctx, path);
    }
}

static void recall(race *x)
{
    char name[80];
    snprintf(name, sizeof name, "outcome/%s", x->o.name);
    const jd_range *known = jd_params_find(x->o.book, name);
    memset(x->out, 0, (size_t)x->runs * sizeof *x->out);
    if (known && known->type.rank == 2 && known->type.dim[0] == x->runs &&
        known->type.dim[1] == (int64_t)(sizeof *x->out / sizeof(double)))
        memcpy(x->out, jd_params_get(x->o.book, name), (size_t)x->runs * sizeof *x->out);
}

static void begin(race *x)
{
    uint32_t segment[POLES_WEIGHTS];
    jd_net_segments(&x->net, segment);
    for (int i = 0; i < x->runs && !jd_error(x->ctx); i++) {
        jd_search_options o = x->m->search;
        o.dim = x->W;
        o.seed = x->o.seed + (uint64_t)i;
        o.budget = x->o.budget;
        o.segment = segment;
        x->racer[i].search = jd_search_new(x->ctx, &o);
        char *path = x->o.resume ? file_of(x, i) : NULL;
        if (path && jd_search_load(x->racer[i].search, path) == JD_ENOINPUT) jd_error_clear(x->ctx);
        jd_free(x->ctx, path);
    }
}

/* Runs until all searches are over, or the user stops it (true). */
static bool run(race *x)
{
    double saved = jd_now();
    while (!jd_error(x->ctx) && generation(x)) {
        int done = 0;
        for (int i = 0; i < x->runs; i++) done += over(x, i);
        const bool stop = jd_run_progress(x->r, done, x->runs, "%s", x->m->label);
        if (stop || jd_now() - saved > 20) {
            save(x);
            saved = jd_now();
        }
        if (stop) return true;
    }
    return false;
}

jd_status poles_race(jd_run *r, const poles_race_options *o, poles_outcome *out)
{
    race x = {.r = r, .ctx = jd_run_ctx(r), .o = *o, .m = o->method, .runs = o->runs, .blind = o->blind, .out = out};
    x.net = o->method->net;
    x.net.inputs = o->blind ? 3 : 6;
    x.net.outputs = 1;
    x.W = jd_net_weights(&x.net);
    if (!x.W || x.W > POLES_WEIGHTS)
        return jd_fail(x.ctx, JD_EUSAGE, "poles: %d hidden units make %zu weights; there may be 1 to %d", x.net.hidden,
                       x.W, POLES_WEIGHTS);
    x.judge = poles_judge_new(x.ctx, x.blind, &x.net);
    x.racer = jd_alloc_array(x.ctx, (size_t)x.runs, sizeof *x.racer);
    if (!jd_error(x.ctx)) {
        recall(&x);
        begin(&x);
    }
    const bool stop = run(&x);
    if (!stop && !jd_error(x.ctx)) {
        keep_book(&x);
        forget(&x);
    }
    for (int i = 0; x.racer && i < x.runs; i++) jd_search_free(x.racer[i].search);
    poles_judge_free(x.judge);
    void *const owned[] = {x.racer, x.pool, x.score, x.steps, x.row, x.tested, x.endured};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) jd_free(x.ctx, owned[k]);
    return stop ? jd_run_stopped(r) : jd_error(x.ctx);
}
