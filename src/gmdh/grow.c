/* grow.c - layers of units: solved on rows A, ranked on rows B, kept while the criterion falls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gmdh/gmdh.h"

/* A criterion that is only rounding and ridge: nothing is left to explain. */
static const double EXACT = 1e-10;

typedef struct growth {
    jd_ctx *ctx;
    jd_gmdh *net;
    jd_gmdh_options o;
    int64_t rows;
    int terms;
    double *x;    /* (inputs, rows), standardised */
    double *y;    /* (rows), standardised */
    double *z;    /* (m, rows): the candidates' columns: units of the layer before, then, with admix, the inputs */
    int m, units; /* columns; those of them that are units */
    int32_t *row; /* A's rows, then B's */
    int64_t na, nb;
    double *target; /* (rows): y in the order of `row` */
    jd__moments A, B;
} growth;

/* ---- preparation -----------------------------------------------------------------------------------------------------------*/

static double positive(double value, double fallback)
{
    return value > 0 ? value : fallback;
}

static jd_status check_options(growth *w, const jd_gmdh_options *given)
{
    jd_gmdh_options *o = &w->o;
    if (given) *o = *given;
    if (o->unit > JD_GMDH_CUBIC || o->criterion > JD_GMDH_COMBINED || o->split > JD_GMDH_FAR_ROWS || o->fit_rows < 0 ||
        o->fit_rows > 1000 || o->width < 0 || o->width > 10000 || o->layers < 0 || o->layers > 1000 ||
        o->patience < 0 || o->ridge < 0 || o->tolerance < 0 || o->tolerance >= 1 || o->mix < 0 || o->mix > 1 ||
        o->shuffles < -1 || o->shuffles > 100000 || o->level < 0 || o->level > 1)
        return jd_fail(w->ctx, JD_EUSAGE, "gmdh: an option is out of range; see jd_gmdh_options");
    o->fit_rows = o->fit_rows ? o->fit_rows : 1;
    o->width = o->width ? o->width : 20;
    o->layers = o->layers ? o->layers : 12;
    o->shuffles = o->shuffles ? o->shuffles : 99;
    o->ridge = positive(o->ridge, 1e-4);
    o->tolerance = positive(o->tolerance, 0.01);
    o->mix = positive(o->mix, 0.5);
    o->level = positive(o->level, 0.02);
    w->terms = jd__gmdh_terms(o->unit);
    return JD_OK;
}

static double mean_of(const double *v, int64_t n, int64_t step)
{
    double sum = 0;
    for (int64_t r = 0; r < n; r++) sum += v[r * step];
    return sum / (double)n;
}

/* 1 / standard deviation, 0 for a column that does not vary beyond rounding. */
static double scale_of(const double *v, int64_t n, int64_t step, double mean)
{
    double sum = 0;
    for (int64_t r = 0; r < n; r++) sum += (v[r * step] - mean) * (v[r * step] - mean);
    const double sd = sqrt(sum / (double)n);
    return sd > 1e-14 * fabs(mean) && sd > 0 ? 1 / sd : 0;
}

static jd_status check_values(jd_ctx *ctx, const double *x, const double *y, int64_t rows, int64_t inputs)
{
    for (int64_t r = 0; r < rows; r++) {
        if (!isfinite(y[r]))
            return jd_fail(ctx, JD_EDATA, "gmdh: the target of row %lld is not finite; leave the row out",
                           (long long)r);
        for (int64_t i = 0; i < inputs; i++)
            if (!isfinite(x[r * inputs + i]))
                return jd_fail(ctx, JD_EDATA, "gmdh: row %lld, input %lld is not finite; leave the row out or fill it",
                               (long long)r, (long long)i);
    }
    return JD_OK;
}

static jd_status standardise(growth *w, const double *x, const double *y)
{
    jd_gmdh *net = w->net;
    int varied = 0;
    for (int64_t i = 0; i < net->inputs; i++) {
        net->mean[i] = mean_of(x + i, w->rows, net->inputs);
        net->scale[i] = scale_of(x + i, w->rows, net->inputs, net->mean[i]);
        varied += net->scale[i] > 0;
        for (int64_t r = 0; r < w->rows; r++)
            w->x[i * w->rows + r] = (x[r * net->inputs + i] - net->mean[i]) * net->scale[i];
    }
    if (varied < 2) return jd_fail(w->ctx, JD_EUSAGE, "gmdh: %d inputs vary; at least 2 are needed", varied);
    net->y_mean = mean_of(y, w->rows, 1);
    const double scale = scale_of(y, w->rows, 1, net->y_mean);
    net->y_scale = scale > 0 ? 1 / scale : 0;
    net->low = net->high = 0;
    for (int64_t r = 0; r < w->rows; r++) {
        w->y[r] = (y[r] - net->y_mean) * scale;
        net->low = fmin(net->low, w->y[r]);
        net->high = fmax(net->high, w->y[r]);
    }
    const double range = net->high - net->low;
    net->low -= range;
    net->high += range;
    return JD_OK;
}

typedef struct ranked {
    double distance;
    int32_t row;
} ranked;

static int farthest_first(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    return p->distance != q->distance ? (p->distance < q->distance) - (p->distance > q->distance)
                                      : (p->row > q->row) - (p->row < q->row);
}

/* An order of the rows; every (fit_rows + 1)-th of it goes to B, or, with FAR_ROWS, the last ones. */
static jd_status split(growth *w)
{
    const int64_t n = w->rows, period = w->o.fit_rows + 1;
    ranked *order = jd_alloc_array(w->ctx, (size_t)n, sizeof *order);
    uint32_t *shuffled = jd_alloc_array(w->ctx, (size_t)n, sizeof *shuffled);
    if (order && shuffled) {
        for (int64_t r = 0; r < n; r++) {
            shuffled[r] = (uint32_t)r;
            order[r] = (ranked){0, (int32_t)r};
            for (int64_t i = 0; i < w->net->inputs; i++) order[r].distance += w->x[i * n + r] * w->x[i * n + r];
        }
        if (w->o.split == JD_GMDH_RANDOM) {
            jd_rng rng = jd_rng_new(jd_ctx_seed(w->ctx), "gmdh/split", 0);
            jd_rng_shuffle(&rng, shuffled, (size_t)n);
        }
        if (w->o.split == JD_GMDH_FAR_ROWS) qsort(order, (size_t)n, sizeof *order, farthest_first);
        w->nb = n / period;
        w->na = n - w->nb;
        int64_t a = 0, b = w->na;
        for (int64_t r = 0; r < n; r++) {
            const bool fit = w->o.split == JD_GMDH_FAR_ROWS ? r < w->na : r % period != period - 1;
            w->row[fit ? a++ : b++] = w->o.split == JD_GMDH_FAR_ROWS ? order[r].row : (int32_t)shuffled[r];
        }
    }
    jd_free(w->ctx, order);
    jd_free(w->ctx, shuffled);
    return jd_error(w->ctx);
}

/* ---- one layer ---------------------------------------------------------------------------------------------------------------*/

static double variance(const jd__moments *s)
{
    return s->yy - s->y * s->y / s->rows;
}

/* Solves the pair, ranks it; INFINITY where the equations are singular. */
static double try_pair(const growth *w, int i, int j, double *weights)
{
    enum { K = JD_GMDH_TERMS };
    const int k = w->terms;
    const double mix = w->o.criterion == JD_GMDH_REGULARITY ? 1 : w->o.criterion == JD_GMDH_COMBINED ? w->o.mix : 0;
    double GA[K * K], GB[K * K], cA[K], cB[K], on_b[K], d[K], zero[K] = {0}, result = 0;
    jd__moments_pair(&w->A, k, i, j, GA, cA);
    jd__moments_pair(&w->B, k, i, j, GB, cB);
    if (!jd__gmdh_solve(GA, cA, k, w->o.ridge, weights)) return INFINITY;
    if (mix > 0) result += mix * jd__gmdh_error(GB, cB, w->B.yy, weights, k) / variance(&w->B);
    if (mix < 1) {
        if (!jd__gmdh_solve(GB, cB, k, w->o.ridge, on_b)) return INFINITY;
        for (int a = 0; a < k; a++) d[a] = weights[a] - on_b[a];
        for (int a = 0; a < k * k; a++) GA[a] += GB[a];
        for (int a = 0; a < k; a++) cA[a] += cB[a];
        result += (1 - mix) * jd__gmdh_error(GA, zero, 0, d, k) / (variance(&w->A) + variance(&w->B));
        if (mix <= 0 && !jd__gmdh_solve(GA, cA, k, w->o.ridge, weights)) return INFINITY;
    }
    return isfinite(result) ? result : (double)INFINITY;
}

static bool usable(const growth *w, int column)
{
    return column < w->units || w->net->scale[column - w->units] > 0;
}

static int before(const jd__gmdh_unit *a, const jd__gmdh_unit *b)
{
    if (a->criterion != b->criterion) return a->criterion < b->criterion;
    return a->source[0] != b->source[0] ? a->source[0] < b->source[0] : a->source[1] < b->source[1];
}

static int by_rank(const void *a, const void *b)
{
    return before(a, b) ? -1 : before(b, a) ? 1 : 0;
}

/* The best `room` pairs into unit[], best first; returns how many. */
static int best_pairs(const growth *w, jd__gmdh_unit *unit, int room)
{
    int n = 0;
    for (int i = 0; i < w->m; i++)
        for (int j = i + 1; j < w->m; j++) {
            if (!usable(w, i) || !usable(w, j)) continue;
            jd__gmdh_unit u = {.source = {i, j}};
            u.criterion = try_pair(w, i, j, u.w);
            if (!isfinite(u.criterion) || (n == room && !before(&u, &unit[n - 1]))) continue;
            int at = n < room ? n++ : n - 1;
            for (; at > 0 && before(&u, &unit[at - 1]); at--) unit[at] = unit[at - 1];
            unit[at] = u;
        }
    return n;
}

static void set_targets(growth *w)
{
    jd__moments_of_target(&w->A, w->z, w->rows, w->target, w->row, w->na);
    jd__moments_of_target(&w->B, w->z, w->rows, w->target + w->na, w->row + w->na, w->nb);
}

static jd_status set_moments(growth *w)
{
    const int degree = jd__gmdh_degree(w->o.unit);
    if (jd__moments_new(w->ctx, &w->A, w->m, degree) || jd__moments_new(w->ctx, &w->B, w->m, degree))
        return jd_error(w->ctx);
    jd__moments_of_inputs(&w->A, w->z, w->rows, w->row, w->na);
    jd__moments_of_inputs(&w->B, w->z, w->rows, w->row + w->na, w->nb);
    for (int64_t r = 0; r < w->rows; r++) w->target[r] = w->y[w->row[r]];
    set_targets(w);
    return JD_OK;
}

static void drop_moments(growth *w)
{
    jd__moments_free(w->ctx, &w->A);
    jd__moments_free(w->ctx, &w->B);
}

/* The units' columns out (n, rows); by regularity they are ranked anew by what they really answer, clamps included. */
static void evaluate(const growth *w, jd__gmdh_layer *layer, double *out)
{
    for (int k = 0; k < layer->n; k++) {
        jd__gmdh_unit *u = &layer->unit[k];
        const double *a = w->z + u->source[0] * w->rows, *b = w->z + u->source[1] * w->rows;
        double error = 0;
        for (int64_t r = 0; r < w->rows; r++)
            out[k * w->rows + r] = jd__gmdh_clamp(w->net, jd__gmdh_value(u->w, w->terms, a[r], b[r]));
        for (int64_t r = w->na; r < w->rows; r++) {
            const double e = w->y[w->row[r]] - out[k * w->rows + w->row[r]];
            error += e * e;
        }
        if (w->o.criterion == JD_GMDH_REGULARITY) u->criterion = error / variance(&w->B);
    }
}

static jd_status grow_layer(growth *w)
{
    jd_gmdh *net = w->net;
    jd__gmdh_layer *layer = &net->layer[net->layers];
    const int columns = w->o.width + (w->o.admix ? (int)net->inputs : 0);
    if (!(layer->unit = jd_alloc_array(w->ctx, (size_t)w->o.width, sizeof *layer->unit)) || set_moments(w))
        return jd_error(w->ctx);
    layer->n = best_pairs(w, layer->unit, w->o.width);
    net->layers++;
    double *next = jd_alloc_array(w->ctx, (size_t)columns * (size_t)w->rows, sizeof *next);
    if (!next) return jd_error(w->ctx);
    evaluate(w, layer, next);
    qsort(layer->unit, (size_t)layer->n, sizeof *layer->unit, by_rank);
    evaluate(w, layer, next);
    drop_moments(w);
    w->units = w->m = layer->n;
    if (w->o.admix) {
        memcpy(next + (int64_t)w->m * w->rows, w->x, (size_t)net->inputs * (size_t)w->rows * sizeof *next);
        w->m += (int)net->inputs;
    }
    jd_free(w->ctx, w->z);
    w->z = next;
    return jd_error(w->ctx);
}

/* ---- is there anything to learn? ---------------------------------------------------------------------------------------------*/

/* The share of shuffled targets whose best first unit is as good as the true one's: the same search with the same freedom,
 * so its optimism cancels.  Always by the error on B: unbiasedness does not ask whether anything is explained. */
static jd_status ask_chance(growth *w)
{
    jd__gmdh_unit unit;
    uint32_t *order = jd_alloc_array(w->ctx, (size_t)w->rows, sizeof *order);
    const jd_gmdh_criterion chosen = w->o.criterion;
    w->o.criterion = JD_GMDH_REGULARITY;
    if (!order || set_moments(w)) goto done;
    const double truth = best_pairs(w, &unit, 1) ? unit.criterion : (double)INFINITY;
    int as_good = 0;
    for (int s = 0; s < w->o.shuffles; s++) {
        jd_rng rng = jd_rng_new(jd_ctx_seed(w->ctx), "gmdh/shuffle", (uint64_t)s);
        for (int64_t r = 0; r < w->rows; r++) order[r] = (uint32_t)r;
        jd_rng_shuffle(&rng, order, (size_t)w->rows);
        for (int64_t r = 0; r < w->rows; r++) w->target[r] = w->y[order[r]];
        set_targets(w);
        as_good += best_pairs(w, &unit, 1) && unit.criterion <= truth;
    }
    w->net->chance = (1.0 + as_good) / (1.0 + w->o.shuffles);
done:
    w->o.criterion = chosen;
    drop_moments(w);
    jd_free(w->ctx, order);
    return jd_error(w->ctx);
}

static jd_status grow(growth *w)
{
    jd_gmdh *net = w->net;
    net->layer = jd_alloc_array(w->ctx, (size_t)w->o.layers, sizeof *net->layer);
    net->history = jd_alloc_array(w->ctx, (size_t)w->o.layers, sizeof *net->history);
    w->z = jd_alloc_array(w->ctx, (size_t)net->inputs * (size_t)w->rows, sizeof *w->z);
    if (jd_error(w->ctx) || split(w)) return jd_error(w->ctx);
    memcpy(w->z, w->x, (size_t)net->inputs * (size_t)w->rows * sizeof *w->z);
    w->m = (int)net->inputs;
    if (net->y_scale <= 0) return jd__gmdh_prune(net, 0);
    if (w->o.shuffles > 0 && (ask_chance(w) || net->chance > w->o.level))
        return jd_error(w->ctx) ? jd_error(w->ctx) : jd__gmdh_prune(net, 0);
    double best = 1;
    int kept = 0, since = 0;
    while (net->layers < w->o.layers && since <= w->o.patience) {
        if (grow_layer(w)) return jd_error(w->ctx);
        const jd__gmdh_layer *last = &net->layer[net->layers - 1];
        const double now = last->n ? last->unit[0].criterion : (double)INFINITY;
        net->history[net->grown++] = now;
        since++;
        if (now < (1 - w->o.tolerance) * best) {
            best = now;
            kept = net->layers;
            since = 0;
        }
        if (w->m < 2 || best < EXACT) break;
    }
    return jd__gmdh_prune(net, kept);
}

jd_gmdh *jd_gmdh_grow(jd_ctx *ctx, const double *x, const double *y, int64_t rows, int64_t inputs,
                      const jd_gmdh_options *o)
{
    if (jd_error(ctx)) return NULL;
    if (rows < 8 || rows > INT32_MAX || inputs < 2 || inputs > 100000) {
        jd_fail(ctx, JD_EUSAGE, "gmdh: %lld rows of %lld inputs; at least 8 rows and 2 inputs are needed",
                (long long)rows, (long long)inputs);
        return NULL;
    }
    growth w = {.ctx = ctx, .rows = rows};
    if (check_options(&w, o) || check_values(ctx, x, y, rows, inputs) || !(w.net = jd__gmdh_new(ctx, inputs)))
        return NULL;
    w.net->kind = w.o.unit;
    w.x = jd_alloc_array(ctx, (size_t)inputs * (size_t)rows, sizeof *w.x);
    w.y = jd_alloc_array(ctx, (size_t)rows, sizeof *w.y);
    w.target = jd_alloc_array(ctx, (size_t)rows, sizeof *w.target);
    w.row = jd_alloc_array(ctx, (size_t)rows, sizeof *w.row);
    if (!jd_error(ctx) && !standardise(&w, x, y)) grow(&w);
    void *const owned[] = {w.x, w.y, w.z, w.target, w.row};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
    drop_moments(&w);
    if (!jd_error(ctx)) return w.net;
    jd_gmdh_free(w.net);
    return NULL;
}
