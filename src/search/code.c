/*
 * code.c - codes of weights: an array's separable transform, dimension by dimension.
 *
 * The leading dimensions are summed out one place at a time, which leaves a small matrix of coefficients for the last
 * two; that matrix between two tables of basis functions is a plane of weights.  Only the table rows that genes reach
 * take part.
 */
#include <string.h>

#include "base/given.h"
#include "search/code.h"

enum { MAX_ARRAYS = 64, MAX_PLACES = 65536, ROWS_A_UNIT = 16, SMALL = 100000 };

static const char *const NAME[JD_CODES] = {"dct", "direct", "fourier", "haar"};

const char *jd_code_name(jd_code_kind kind)
{
    return (int)kind >= 0 && kind < JD_CODES ? NAME[kind] : NULL;
}

size_t jd_code_genes(const jd_code *c)
{
    return c ? c->genes : 0;
}

size_t jd_code_weights(const jd_code *c)
{
    return c ? c->weights : 0;
}

double jd_code_ratio(const jd_code *c)
{
    return c ? (double)c->covered / (double)c->genes : 0;
}

jd_status jd_code_place(const jd_code *c, size_t i, int *array, int *index)
{
    if (!c) return JD_EUSAGE;
    for (int a = 0; a < c->parts; a++) {
        const jd__code_part *p = &c->part[a];
        if (i >= p->first + p->genes) continue;
        const size_t g = i - p->first;
        *array = a;
        for (int d = p->added; d < p->rank; d++) index[d - p->added] = (int)p->index[g * (size_t)p->rank + (size_t)d];
        return JD_OK;
    }
    return jd_fail(c->ctx, JD_EUSAGE, "code: gene %zu of %zu does not exist", i, c->genes);
}

/* ---- making ------------------------------------------------------------------------------------------------------------*/

static jd_status bad(jd_ctx *ctx, int array, const char *what)
{
    return jd_fail(ctx, JD_EUSAGE, "code: array %d: %s", array, what);
}

/* Sizes, strides and chromosome of array i; *next: where an array without a place of its own begins. */
static jd_status shape(jd_code *c, const jd_code_options *o, int i, size_t *next)
{
    const jd_code_array *a = &o->array[i];
    jd__code_part *p = &c->part[i];
    if (a->rank < 1 || a->rank > JD_CODE_RANK) return bad(c->ctx, i, "give 1 to 6 dimensions");
    p->added = a->rank < 2;
    p->rank = a->rank + p->added;
    p->size[0] = 1;
    p->weights = 1;
    bool strided = false;
    for (int d = 0; d < a->rank; d++) {
        if (a->size[d] < 1 || a->size[d] > MAX_PLACES) return bad(c->ctx, i, "a dimension has 1 to 65536 places");
        p->size[d + p->added] = a->size[d];
        p->weights *= (size_t)a->size[d];
        if (p->weights > UINT32_MAX) return bad(c->ctx, i, "more than 4,294,967,295 weights");
        strided |= a->stride[d] != 0;
    }
    size_t step = 1, last = a->offset || strided ? a->offset : *next;
    p->offset = last;
    for (int d = p->rank - 1; d >= p->added; d--) {
        p->stride[d] = strided ? a->stride[d - p->added] : step;
        step *= (size_t)p->size[d];
        size_t reach;
        if (__builtin_mul_overflow(p->stride[d], (size_t)p->size[d] - 1, &reach) ||
            __builtin_add_overflow(last, reach, &last) || last >= UINT32_MAX)
            return bad(c->ctx, i, "offset and strides lead past weight 4,294,967,295");
    }
    *next = last + 1;
    if (last >= c->weights) {
        if (o->weights) return bad(c->ctx, i, "offset and strides lead past the last weight");
        c->weights = last + 1;
    }
    p->scale = a->scale == 0 ? 1 : a->scale;
    p->genes = a->genes ? a->genes : p->weights;
    if (p->genes > p->weights) return bad(c->ctx, i, "more genes than weights");
    if (o->kind == JD_CODE_DIRECT && p->genes < p->weights)
        return bad(c->ctx, i, "a direct code has as many genes as weights; leave `genes` at 0");
    if (!(p->scale > -1e300 && p->scale < 1e300)) return bad(c->ctx, i, "its scale is not a number");
    p->first = c->genes;
    c->genes += p->genes;
    c->covered += p->weights;
    return JD_OK;
}

static jd_status check_overlap(jd_code *c)
{
    uint8_t *used = jd_alloc(c->ctx, c->weights);
    for (int i = 0; used && i < c->parts; i++) {
        const jd__code_part *p = &c->part[i];
        jd__code_walk w = {.place = p->offset};
        do
            for (int x = 0; x < p->size[p->rank - 1]; x++) {
                uint8_t *u = &used[w.place + (size_t)x * p->stride[p->rank - 1]];
                if (*u) {
                    jd_free(c->ctx, used);
                    return bad(c->ctx, i, "one of its weights belongs to an array already; check offset and strides");
                }
                *u = 1;
            }
        while (jd__code_step(p, &w));
    }
    jd_free(c->ctx, used);
    return jd_error(c->ctx);
}

/* The tables of one dimension. */
static jd_status tables(jd_code *c, jd__code_part *p, int d)
{
    const int n = p->size[d], K = p->K[d];
    const size_t row = d == p->rank - 1 ? jd__code_padded(n) : (size_t)n;
    p->across[d] = jd_alloc_array(c->ctx, (size_t)K, row * sizeof(double));
    p->along[d] = jd_alloc_array(c->ctx, (size_t)n, (size_t)K * sizeof(double));
    p->inverse[d] = jd_alloc_array(c->ctx, (size_t)K, sizeof(double));
    if (jd_error(c->ctx) || jd__code_basis(c->ctx, c->kind, n, K, p->across[d], row)) return jd_error(c->ctx);
    for (int k = 0; k < K; k++) {
        double sum = 0;
        for (int x = 0; x < n; x++) {
            const double b = p->across[d][(size_t)k * row + (size_t)x];
            p->along[d][(size_t)x * (size_t)K + (size_t)k] = b;
            sum += b * b;
        }
        p->inverse[d][k] = 1 / sum;
    }
    return JD_OK;
}

static jd_status fill(jd_code *c, jd__code_part *p, jd_code_fill how)
{
    const size_t R = (size_t)p->rank;
    p->index = jd_alloc_array(c->ctx, p->genes, R * sizeof *p->index);
    p->at = jd_alloc_array(c->ctx, p->genes, sizeof *p->at);
    if (jd_error(c->ctx)) return jd_error(c->ctx);
    if (c->kind == JD_CODE_DIRECT) { /* genes are weights, in row-major order */
        for (size_t g = 0; g < p->genes; g++) {
            size_t rest = g;
            for (size_t d = R; d-- > 0; rest /= (size_t)p->size[d]) {
                p->index[g * R + d] = (uint32_t)(rest % (size_t)p->size[d]);
                p->K[d] = p->size[d];
            }
            p->at[g] = g;
        }
        return JD_OK;
    }
    if (jd__code_order(c->ctx, p->rank, p->size, how, p->genes, p->index)) return jd_error(c->ctx);
    for (size_t g = 0; g < p->genes; g++)
        for (size_t d = 0; d < R; d++)
            if ((int)p->index[g * R + d] >= p->K[d]) p->K[d] = (int)p->index[g * R + d] + 1;
    p->dense = 1;
    for (size_t d = 0; d < R; d++) p->dense *= (size_t)p->K[d];
    p->extent = jd_alloc_array(c->ctx, (size_t)p->K[R - 2], sizeof *p->extent);
    for (size_t g = 0; p->extent && g < p->genes; g++) {
        const uint32_t *k = p->index + g * R;
        for (size_t d = 0; d < R; d++) p->at[g] = p->at[g] * (size_t)p->K[d] + k[d];
        if (p->extent[k[R - 2]] <= (int)k[R - 1]) p->extent[k[R - 2]] = (int)k[R - 1] + 1;
    }
    for (int d = 0; d < p->rank; d++) tables(c, p, d);
    return jd_error(c->ctx);
}

/* Doubles that a thread needs: coefficients left after each leading dimension, then a block of half-done products. */
static size_t scratch_size(const jd__code_part *p)
{
    size_t n = 0, left = p->dense;
    for (int d = 0; d < p->rank - 2; d++) {
        left /= (size_t)p->K[d];
        n += left;
    }
    return n + (size_t)p->K[p->rank - 2] * JD_CODE_BLOCK;
}

static jd_status make(jd_code *c, const jd_code_options *o)
{
    size_t next = 0, dense = 1, scratch = 1;
    for (int i = 0; i < c->parts; i++)
        if (shape(c, o, i, &next)) return jd_error(c->ctx);
    if (check_overlap(c)) return jd_error(c->ctx);
    for (int i = 0; i < c->parts; i++) {
        jd__code_part *p = &c->part[i];
        if (fill(c, p, o->fill)) return jd_error(c->ctx);
        if (p->dense > dense) dense = p->dense;
        if (c->kind != JD_CODE_DIRECT && scratch_size(p) > scratch) scratch = scratch_size(p);
    }
    c->genes_in = jd_alloc_array(c->ctx, dense, sizeof *c->genes_in);
    c->scratch = jd_alloc_array(c->ctx, (size_t)c->threads, sizeof *c->scratch);
    for (int t = 0; c->scratch && t < c->threads; t++)
        c->scratch[t] = jd_alloc_array(c->ctx, scratch, sizeof **c->scratch);
    return jd_error(c->ctx);
}

jd_code *jd_code_new(jd_ctx *ctx, const jd_code_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx)) return NULL;
    if (!jd_code_name(o->kind) || o->arrays < 1 || o->arrays > MAX_ARRAYS || o->fill > JD_FILL_LEXICAL ||
        o->weights > UINT32_MAX) {
        jd_fail(ctx, JD_EUSAGE, "code: kind %d, order %d, %d arrays; kinds are 0 to %d, orders 0 and 1, arrays 1 to %d",
                (int)o->kind, (int)o->fill, o->arrays, JD_CODES - 1, MAX_ARRAYS);
        return NULL;
    }
    jd_code *c = jd_alloc(ctx, sizeof *c);
    if (!c) return NULL;
    c->ctx = ctx;
    c->control = jd__control_find(ctx->isa);
    c->kind = o->kind;
    c->weights = o->weights;
    c->threads = ctx->threads;
    c->part = jd_alloc_array(ctx, (size_t)o->arrays, sizeof *c->part);
    c->parts = c->part ? o->arrays : 0;
    if (c->part && !make(c, o)) return c;
    jd_code_free(c);
    return NULL;
}

void jd_code_free(jd_code *c)
{
    if (!c) return;
    for (int i = 0; i < c->parts; i++) {
        jd__code_part *p = &c->part[i];
        jd_free(c->ctx, p->index);
        jd_free(c->ctx, p->at);
        jd_free(c->ctx, p->extent);
        for (int d = 0; d < JD_CODE_RANK; d++) {
            jd_free(c->ctx, p->across[d]);
            jd_free(c->ctx, p->along[d]);
            jd_free(c->ctx, p->inverse[d]);
        }
    }
    for (int t = 0; c->scratch && t < c->threads; t++) jd_free(c->ctx, c->scratch[t]);
    jd_free(c->ctx, c->scratch);
    jd_free(c->ctx, c->genes_in);
    jd_free(c->ctx, c->work[0]);
    jd_free(c->ctx, c->work[1]);
    jd_free(c->ctx, c->part);
    jd_free(c->ctx, c);
}

/* ---- decoding ----------------------------------------------------------------------------------------------------------*/

typedef struct job {
    jd_code *c;
    const jd__code_part *p;
    const double *genes; /* (dense) */
    double *wide;        /* the vector of weights, in one of two types */
    float *narrow;
    size_t rows; /* units of rows in a plane */
} job;

/* Sums out the leading dimensions for plane l, from the first dimension whose place has changed; the rest of the
 * coefficients.  *place: where the plane begins. */
static const double *sum_out(const job *j, double *scratch, size_t l, size_t before, size_t *place)
{
    const jd__code_part *p = j->p;
    size_t planes = 1, left = p->dense, done = 0;
    for (int d = 0; d < p->rank - 2; d++) planes *= (size_t)p->size[d];
    const double *t = j->genes;
    bool changed = before == SIZE_MAX;
    *place = p->offset;
    for (int d = 0; d < p->rank - 2; d++) {
        planes /= (size_t)p->size[d];
        left /= (size_t)p->K[d];
        const size_t x = l / planes % (size_t)p->size[d];
        changed |= before / planes % (size_t)p->size[d] != x;
        double *out = scratch + done;
        if (changed) j->c->control->contract(p->along[d] + x * (size_t)p->K[d], p->K[d], t, left, out);
        t = out;
        done += left;
        *place += x * p->stride[d];
    }
    return t;
}

static void decode_share(void *user, const jd_worker *w)
{
    const job *j = user;
    const jd__code_part *p = j->p;
    if (w->id >= j->c->threads) return;
    const int r = p->rank, n1 = p->size[r - 2];
    size_t begin, end, before = SIZE_MAX, place = 0;
    double *scratch = j->c->scratch[w->id];
    const double *g = NULL;
    jd_code_plane plane = {.a = p->along[r - 2],
                           .b = p->across[r - 1],
                           .extent = p->extent,
                           .K1 = p->K[r - 2],
                           .K2 = p->K[r - 1],
                           .n2 = p->size[r - 1],
                           .h = scratch + scratch_size(p) - (size_t)p->K[r - 2] * JD_CODE_BLOCK,
                           .stride = p->stride[r - 2],
                           .apart = p->stride[r - 1]};
    jd_share(w, p->weights / ((size_t)n1 * (size_t)p->size[r - 1]) * j->rows, 1, &begin, &end);
    while (begin < end) {
        const size_t l = begin / j->rows, first = begin % j->rows;
        size_t last = first + (end - begin);
        if (last > j->rows) last = j->rows;
        if (l != before) g = sum_out(j, scratch, l, before, &place);
        before = l;
        plane.g = g;
        plane.wide = j->wide ? j->wide + place : NULL;
        plane.narrow = j->narrow ? j->narrow + place : NULL;
        const int stop = (int)last * ROWS_A_UNIT;
        j->c->control->plane(&plane, (int)first * ROWS_A_UNIT, stop < n1 ? stop : n1);
        begin += last - first;
    }
}

static void copy_direct(const jd__code_part *p, const double *genes, double *wide, float *narrow)
{
    const size_t apart = p->stride[p->rank - 1];
    jd__code_walk w = {.place = p->offset};
    do
        for (int x = 0; x < p->size[p->rank - 1]; x++) {
            const double v = p->scale * *genes++;
            if (narrow)
                narrow[w.place + (size_t)x * apart] = (float)v;
            else
                wide[w.place + (size_t)x * apart] = v;
        }
    while (jd__code_step(p, &w));
}

/* A chromosome in its array of coefficients; what is in no gene is 0 and stays so. */
static void spread(const jd__code_part *p, const double *genes, double scale, double *dense)
{
    memset(dense, 0, p->dense * sizeof *dense);
    for (size_t g = 0; g < p->genes; g++) dense[p->at[g]] = scale * genes[g];
}

/* With `before`: only the arrays whose chromosome has changed. */
static jd_status decode(jd_code *c, const double *before, const double *genome, double *wide, float *narrow)
{
    if (!c) return JD_EUSAGE;
    if (jd_error(c->ctx)) return jd_error(c->ctx);
    if (!before && c->covered < c->weights) {
        if (wide) memset(wide, 0, c->weights * sizeof *wide);
        if (narrow) memset(narrow, 0, c->weights * sizeof *narrow);
    }
    for (int i = 0; i < c->parts; i++) {
        const jd__code_part *p = &c->part[i];
        if (before && !memcmp(before + p->first, genome + p->first, p->genes * sizeof *genome)) continue;
        if (c->kind == JD_CODE_DIRECT) {
            copy_direct(p, genome + p->first, wide, narrow);
            continue;
        }
        spread(p, genome + p->first, p->scale, c->genes_in);
        job j = {c, p, c->genes_in, wide, narrow, ((size_t)p->size[p->rank - 2] + ROWS_A_UNIT - 1) / ROWS_A_UNIT};
        jd_team *team = c->threads > 1 && p->weights > SMALL ? jd__ctx_team(c->ctx) : NULL;
        if (team)
            jd_team_run(team, decode_share, &j);
        else
            decode_share(&j, &(jd_worker){0, 1, NULL});
    }
    return jd_error(c->ctx);
}

jd_status jd_code_decode(jd_code *c, const double *genome, double *weights)
{
    return decode(c, NULL, genome, weights, NULL);
}

jd_status jd_code_decode_f32(jd_code *c, const double *genome, float *weights)
{
    return decode(c, NULL, genome, NULL, weights);
}

jd_status jd_code_change(jd_code *c, const double *before, const double *now, double *weights)
{
    return decode(c, before, now, weights, NULL);
}

jd_status jd_code_change_f32(jd_code *c, const double *before, const double *now, float *weights)
{
    return decode(c, before, now, NULL, weights);
}
