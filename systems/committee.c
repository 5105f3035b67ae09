/* committee.c - columns that learn one after the other, and their average. */
#include "committee.h"
#include "jackdaw/calibration.h"
#include "jackdaw/layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static jd_images copy(jd_ctx *ctx, const jd_images *from)
{
    jd_images to = *from;
    const size_t bytes = (size_t)from->height * (size_t)from->width * (size_t)from->channels;
    to.pixels = jd_alloc_array(ctx, from->count, bytes);
    to.labels = jd_alloc_array(ctx, from->count, sizeof *to.labels);
    to.groups = from->groups ? jd_alloc_array(ctx, from->count, sizeof *to.groups) : NULL;
    if (jd_error(ctx)) {
        jd_images_free(ctx, &to);
        return to;
    }
    memcpy(to.pixels, from->pixels, from->count * bytes);
    memcpy(to.labels, from->labels, from->count * sizeof *to.labels);
    if (to.groups) memcpy(to.groups, from->groups, from->count * sizeof *to.groups);
    return to;
}

committee *committee_open(jd_run *r, const char *data, const committee_options *o)
{
    jd_ctx *ctx = jd_run_ctx(r);
    if (jd_error(ctx)) return NULL;
    if (o->columns < 1 || o->columns > COMMITTEE_COLUMNS) {
        jd_fail(ctx, JD_EUSAGE, "%d columns; 1 to %d are possible", o->columns, COMMITTEE_COLUMNS);
        return NULL;
    }
    committee *c = jd_alloc(ctx, sizeof *c);
    if (!c) return NULL;
    *c = (committee){.r = r, .ctx = ctx, .o = *o, .valid_error = (double)NAN};
    jd_load_images(ctx, data, JD_TRAIN, &c->train);
    jd_load_images(ctx, data, JD_TEST, &c->test);
    /* one order for all seeds: the pictures held out are the same ones, and no group is divided between the parts */
    jd_images_mix(ctx, &c->train, 0);
    c->w = jd_params_new(ctx, JD_F32);
    if (!jd_error(ctx)) return c;
    committee_close(c);
    return NULL;
}

void committee_close(committee *c)
{
    if (!c) return;
    for (int k = 0; k < COMMITTEE_COLUMNS; k++) {
        jd_free(c->ctx, c->p[k]);
        jd_free(c->ctx, c->p_valid[k]);
    }
    jd_free(c->ctx, c->mean);
    jd_params_free(c->w);
    images_close(c->im);
    jd_images_free(c->ctx, &c->train);
    jd_images_free(c->ctx, &c->test);
    jd_free(c->ctx, c);
}

/* ---- training ------------------------------------------------------------------------------------------------------------*/

/* The network of the column in training: its parameters are named "column3/...", so each begins with other weights. */
static jd_node column_network(jd_graph *g, const void *user, jd_node x)
{
    const committee *c = user;
    char scope[32];
    snprintf(scope, sizeof scope, "column%d", c->at + 1);
    jd_scope_push(g, scope);
    const jd_node y = jd_net(g, c->o.line, x, JD_NONE);
    jd_scope_pop(g);
    return y;
}

static void column_answer(jd_graph *g, void *user)
{
    jd_result(g, "p", jd_softmax(g, column_network(g, user, jd_arg(g, "x"))));
}

static void name_column(committee *c, int k)
{
    if (c->o.prepare) {
        c->o.prepare(c->o.user, k, c->prepare[k], c->name[k]);
    } else {
        snprintf(c->prepare[k], COMMITTEE_LINE, "%s", c->o.pictures.prepare ? c->o.pictures.prepare : "");
        snprintf(c->name[k], COMMITTEE_NAME, "column");
    }
    for (int i = 0; i < k; i++)
        if (!strcmp(c->name[i], c->name[k])) { /* the same preparation with another seed */
            const size_t n = strlen(c->name[k]);
            snprintf(c->name[k] + n, COMMITTEE_NAME - n, " (%d)", k + 1);
            break;
        }
}

/* The pictures of column k, prepared. */
static images *open_column(committee *c, int k)
{
    images_options o = c->o.pictures;
    o.seed += 1000003u * (uint64_t)k;
    o.prepare = c->prepare[k];
    return images_from(c->ctx, copy(c->ctx, &c->train), copy(c->ctx, &c->test), &o);
}

/* The column's probabilities of the pictures held out; without any, none. */
static void answer_held_out(committee *c, images *im, jd_params *w, int k)
{
    c->column_valid[k] = (double)NAN;
    if (jd_error(c->ctx) || !im->valid.count) return;
    jd_fn *f = jd_fn_new(c->ctx, w, column_answer, c);
    c->p_valid[k] = jd_alloc_array(c->ctx, im->valid.count * (size_t)im->valid.classes, sizeof(float));
    c->column_valid[k] = images_error(im, f, &im->valid, c->p_valid[k]);
    jd_fn_free(f);
}

static void keep_weights(committee *c, jd_params *w)
{
    for (int i = 0; !jd_error(c->ctx) && i < jd_params_ranges(w); i++) {
        const jd_range *range = jd_params_range(w, i);
        jd_params_set(c->w, range->name, &range->type, jd_params_get(w, range->name));
    }
}

static void train_column(committee *c, int k, double epochs, jd_schedule lr)
{
    c->at = k;
    name_column(c, k);
    images *im = open_column(c, k);
    jd_params *w = jd_params_new(c->ctx, JD_F32);
    c->p[k] = jd_alloc_array(c->ctx, c->test.count * (size_t)c->test.classes, sizeof(float));
    if (!jd_error(c->ctx)) {
        char curve[COMMITTEE_NAME + 8], what[COMMITTEE_NAME + 32];
        snprintf(curve, sizeof curve, "%s/error", c->name[k]);
        snprintf(what, sizeof what, "column %d of %d: %s", k + 1, c->o.columns, c->name[k]);
        images_net n = c->o.net;
        n.im = im;
        n.network = column_network;
        n.user = c;
        n.curve = curve;
        n.what = what;
        n.series = c->name[k];
        jd_train_result result = {0};
        c->column_error[k] = images_train(c->r, &n, w, epochs, lr, c->p[k], &result);
        c->seconds += result.seconds;
        c->steps += result.steps;
        answer_held_out(c, im, w, k);
        keep_weights(c, w);
    }
    jd_params_free(w);
    if (k == 0)
        c->im = im;
    else
        images_close(im);
}

static void combine_all(committee *c)
{
    const int n = c->o.columns, K = c->test.classes;
    float *p = jd_alloc_array(c->ctx, c->test.count * (size_t)K, sizeof *p);
    c->mean = jd_alloc_array(c->ctx, c->test.count * (size_t)K, sizeof *p);
    for (int way = 0; p && c->mean && way < COMMITTEE_WAYS; way++) {
        float *to = way == COMMITTEE_MEAN ? c->mean : p;
        committee_combine((const float *const *)c->p, n, c->test.count, K, way, to);
        c->error[way] = committee_error(&c->test, to, 1);
    }
    jd_free(c->ctx, p);
    const size_t held = c->im ? c->im->valid.count : 0;
    float *v = jd_alloc_array(c->ctx, held * (size_t)K + 1, sizeof *v);
    if (v && held) {
        committee_combine((const float *const *)c->p_valid, n, held, K, COMMITTEE_MEAN, v);
        c->valid_error = committee_error(&c->im->valid, v, 1);
    }
    jd_free(c->ctx, v);
    for (int k = 0; k < n; k++) c->single += c->column_error[k] / n;
}

/* The columns are the model's members: their parameters' scopes, names and preparations. */
static void describe(committee *c)
{
    static const char *const field[] = {"scope", "name", "prepare"};
    char scope[COMMITTEE_COLUMNS][24];
    const char *cell[COMMITTEE_COLUMNS][3];
    for (int k = 0; k < c->o.columns; k++) {
        snprintf(scope[k], sizeof scope[k], "column%d", k + 1);
        cell[k][0] = scope[k];
        cell[k][1] = c->name[k];
        cell[k][2] = *c->prepare[k] ? c->prepare[k] : NULL;
    }
    images_describe(c->im, c->r, c->o.line, NULL, c->o.class_names);
    jd_run_config_list(c->r, "members", field, 3, cell[0], (size_t)c->o.columns);
}

void committee_train(committee *c, double epochs, jd_schedule lr)
{
    if (!c) return;
    for (int k = 0; k < c->o.columns && !jd_error(c->ctx); k++) train_column(c, k, epochs, lr);
    if (jd_error(c->ctx)) return;
    combine_all(c);
    describe(c);
    jd_run_save(c->r, c->w, c->steps, true);
    jd_run_extra(c->r, "train_seconds", c->seconds);
    jd_run_extra(c->r, "weights", (double)jd_params_count(c->w));
    jd_run_extra(c->r, "mean_single_error", c->single);
    jd_run_extra(c->r, "product_error", c->error[COMMITTEE_PRODUCT]);
    jd_run_extra(c->r, "vote_error", c->error[COMMITTEE_VOTE]);
    if (isfinite(c->valid_error)) jd_run_extra(c->r, "validation_error", c->valid_error);
}

/* ---- decisions -----------------------------------------------------------------------------------------------------------*/

static int choice(const float *p, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

static void combine_row(const float *const *p, int columns, size_t at, int K, int way, double *sum)
{
    for (int k = 0; k < K; k++) sum[k] = 0;
    for (int c = 0; c < columns; c++) {
        const float *q = p[c] + at;
        if (way == COMMITTEE_VOTE) sum[choice(q, K)] += 1;
        for (int k = 0; way == COMMITTEE_PRODUCT && k < K; k++) sum[k] += log(fmax((double)q[k], 1e-30)) / columns;
    }
    double all = 0;
    for (int k = 0; k < K; k++) all += sum[k] = way == COMMITTEE_PRODUCT ? exp(sum[k]) : sum[k];
    for (int k = 0; k < K; k++) sum[k] /= all;
}

static void mean(const float *const *p, int columns, size_t n, float *out)
{
    const float share = (float)(1.0 / columns);
    for (size_t i = 0; i < n; i++) {
        float sum = p[0][i];
        for (int c = 1; c < columns; c++) sum += p[c][i];
        out[i] = columns > 1 ? sum * share : sum;
    }
}

void committee_combine(const float *const *p, int columns, size_t n, int classes, int way, float *out)
{
    if (way == COMMITTEE_MEAN) {
        mean(p, columns, n * (size_t)classes, out);
        return;
    }
    double sum[4096]; /* GB2312 level 1 has 3,755 characters */
    if (classes > (int)(sizeof sum / sizeof *sum)) return;
    for (size_t i = 0; i < n; i++) {
        combine_row(p, columns, i * (size_t)classes, classes, way, sum);
        for (int k = 0; k < classes; k++) out[i * (size_t)classes + (size_t)k] = (float)sum[k];
    }
}

double committee_error(const jd_images *set, const float *p, int top)
{
    return jd_top_k_error(p, set->labels, set->count, set->classes, top);
}
