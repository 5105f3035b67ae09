/* train.c - `jackdaw train`: a network of the one-line language on images or on a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/ranks.h"
#include "jackdaw/augment.h"
#include "classes.h"
#include "columns.h"
#include "forms.h"
#include "grow.h"
#include "learning.h"
#include "masks.h"
#include "recipe.h"
#include "targets.h"

enum {
    SLOTS = 3,
    FEW_STEPS = 2000,
    MOST_EPOCHS = 400,
    FEW_SAMPLES = 300,
    ENOUGH_TO_CHOOSE = 30,
    MOST_CLASSES = 20,
    SHOWN_EPOCHS = 40
};

typedef struct slot {
    float *x, *target;
    int32_t *label, *length, *label_length; /* label of texts: (batch, the most letters) */
    uint32_t *order, *sample;               /* the epoch's permutation; the samples of the batch */
    int64_t epoch;                          /* of `order`; -1: none yet */
    jd_deformer *deformer;
} slot;

typedef struct training {
    jd_ctx *ctx;
    cli_args *a;
    model m;
    samples data, test;
    char *beside;    /* the test that lies beside the data */
    uint32_t *index; /* a permutation of the data: the first `valid` are for validation, the others for training */
    size_t valid, count, batch;
    learning l;
    bool regression, grown; /* grown: --method gmdh */
    bool texts;             /* --loss ctc */
    bool chosen;            /* no --net: the recipe's */
    grow_options grow;
    jd_gmdh *gmdh;
    jd_params *params;
    jd_fn *forward;
    slot slot[SLOTS];
    int64_t least_epochs, per_epoch;
    double told; /* when the last epoch was */
} training;

static int next_batch(void *user, int64_t step, int slot_number, jd_tensor *in)
{
    training *t = user;
    slot *s = &t->slot[slot_number];
    const int64_t epoch = step / t->per_epoch;
    const size_t first = (size_t)(step % t->per_epoch) * t->batch;
    if (s->epoch != epoch) jd_epoch_order(t->l.seed, (uint64_t)epoch, s->order, t->count);
    s->epoch = epoch;
    for (size_t i = 0; i < t->batch; i++) s->sample[i] = t->index[t->valid + s->order[first + i]];
    const int inputs =
        model_batch(t->ctx, &t->m, &t->data, s->sample, t->batch, s->x, s->length, s->label, s->target, in);
    if (s->deformer)
        jd_deform_batch(s->deformer, t->l.seed, (uint32_t)epoch, &t->data.images, s->sample, t->batch, s->x, s->label);
    if (t->m.alphabet) {
        const size_t U = (size_t)t->data.most_letters;
        for (size_t i = 0; i < t->batch; i++) {
            const size_t from = t->data.first_letter[s->sample[i]], n = t->data.first_letter[s->sample[i] + 1] - from;
            memset(s->label + i * U, 0, U * sizeof *s->label);
            memcpy(s->label + i * U, t->data.letters + from, n * sizeof *s->label);
            s->label_length[i] = (int32_t)n;
        }
        in[inputs] = JD_TENSOR("label", JD_I32, s->label, (int64_t)t->batch, (int64_t)U);
        in[inputs + 1] = JD_TENSOR("label_length", JD_I32, s->label_length, (int64_t)t->batch);
        return inputs + 2;
    }
    in[inputs] = t->m.classes ? JD_TENSOR("label", JD_I32, s->label, (int64_t)t->batch)
                              : JD_TENSOR("target", JD_F32, s->target, (int64_t)t->batch, t->m.targets);
    return inputs + 1;
}

/* Of equal shares of wrong answers the smaller loss is the better: a net that is right and sure is found early or late alike
 * where the validation samples are few.  What it adds is less than one answer counts. */
enum { TIES = 10000 };

static double with_loss(const training *t, const measured *e, double score)
{
    if (!t->m.classes || t->m.alphabet) return score;
    return score + 100.0 / (double)t->valid * e->loss / (1 + e->loss) / TIES;
}

/* The share without the loss. */
static double without_loss(const training *t, double score)
{
    const double each = 100.0 / (double)t->valid;
    return !t->m.classes || t->m.alphabet ? score : each * round(score / each);
}

/* Of many epochs that pass quickly some are told. */
static bool is_told(training *t, int64_t epoch)
{
    const int64_t each = t->l.epochs / (SHOWN_EPOCHS / 2) + 1;
    const double now = jd_now();
    if (t->l.epochs > SHOWN_EPOCHS && epoch % each && epoch < t->l.epochs && now - t->told < 1) return false;
    t->told = now;
    return true;
}

static const char *score_name(const training *t)
{
    return t->m.alphabet ? "validation label error" : t->m.classes ? "validation error" : "validation rmse";
}

static double validate(void *user, jd_run *r, int64_t step)
{
    training *t = user;
    measured e;
    if (model_measure(t->ctx, t->forward, &t->m, &t->data, t->index, t->valid, r, &e)) return (double)NAN;
    const double score = measured_score(&t->m, &e);
    if (t->m.classes) jd_run_log(r, step, "valid/loss", e.loss);
    jd_run_log(r, step,
               t->m.alphabet  ? "valid/label error (%)"
               : t->m.classes ? "valid/error (%)"
                              : "valid/rmse",
               score);
    if (!cli_stop && is_told(t, step / t->per_epoch))
        jd_run_note(r, "epoch %lld: %s %.4g%s", (long long)(step / t->per_epoch), score_name(t), score,
                    t->m.classes ? " %" : "");
    const double judged = with_loss(t, &e, score);
    measured_free(t->ctx, &e);
    return judged;
}

static jd_status make_slots(training *t)
{
    jd_deform_options o = jd_deform_mnist2010();
    o.low = t->m.low;
    o.high = t->m.high;
    if (t->l.deform && (t->m.rank != 3 || !t->m.classes))
        return jd_fail(t->ctx, JD_EUSAGE, "--deform is for images; leave it out");
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &t->slot[i];
        s->epoch = -1;
        const int64_t size = t->m.rank == 2 ? (t->data.dim[0] + 15) * t->m.dim[1] : model_size(&t->m);
        s->x = jd_alloc_array(t->ctx, t->batch * (size_t)size, sizeof *s->x);
        s->length = jd_alloc_array(t->ctx, t->batch, sizeof *s->length);
        s->target = jd_alloc_array(t->ctx, t->batch, (size_t)(t->m.targets + 1) * sizeof *s->target);
        s->label =
            jd_alloc_array(t->ctx, t->batch, (t->m.alphabet ? (size_t)t->data.most_letters : 1) * sizeof *s->label);
        s->label_length = jd_alloc_array(t->ctx, t->batch, sizeof *s->label_length);
        s->sample = jd_alloc_array(t->ctx, t->batch, sizeof *s->sample);
        s->order = jd_alloc_array(t->ctx, t->count, sizeof *s->order);
        if (t->l.deform)
            s->deformer = jd_deformer_new(t->ctx, &o, (int)t->m.dim[0], (int)t->m.dim[1], (int)t->m.dim[2],
                                          (int)t->m.dim[0], (int)t->m.dim[1]);
    }
    return jd_error(t->ctx);
}

static void free_training(training *t)
{
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &t->slot[i];
        void *const owned[] = {s->x, s->target, s->label, s->label_length, s->length, s->sample, s->order};
        for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) jd_free(t->ctx, owned[k]);
        if (s->deformer) jd_deformer_free(s->deformer);
    }
    jd_fn_free(t->forward);
    jd_params_free(t->params);
    jd_gmdh_free(t->gmdh);
    jd_free(t->ctx, t->index);
    samples_free(t->ctx, &t->data);
    samples_free(t->ctx, &t->test);
    jd_free(t->ctx, t->beside);
    model_free(t->ctx, &t->m);
}

/* Options that have no place with such data. */
static jd_status check_options(training *t)
{
    const samples *s = &t->data;
    const char *const name = cli_text(t->a, "data", NULL);
    const struct {
        const char *option;
        bool fits;
        const char *what;
    } check[] = {{"size", s->rank == 3 || !t->l.size[0], "pictures"},
                 {"columns", s->columns != NULL, "tables"},
                 {"target", s->columns != NULL, "tables"},
                 {"missing", s->rank < 3 && !s->rate, "tables, arrays and series"},
                 {"labels", !s->columns && !s->held, "IDX files and arrays"}};
    for (size_t i = 0; i < sizeof check / sizeof *check && !jd_error(t->ctx); i++)
        if (cli_has(t->a, check[i].option) && !check[i].fits)
            jd_fail(t->ctx, JD_EUSAGE, "--%s is for %s, which %s is not; leave it out", check[i].option, check[i].what,
                    name);
    return jd_error(t->ctx);
}

static const char *const losses[] = {"xent", "mse", "ctc", NULL};
static const char *const methods[] = {"gradient", "gmdh", NULL};

/* The network and the options that nobody chose. */
static void take_recipe(training *t)
{
    cli_args *a = t->a;
    const recipe c = recipe_for(&t->data);
    t->m.net = jd_strdup(t->ctx, c.net);
    if (!cli_has(a, "optimizer")) {
        t->m.optimizer = c.optimizer;
        if (!cli_has(a, "lr")) t->l.lr.rate = c.rate;
        if (!cli_has(a, "momentum")) t->m.momentum = strcmp(c.optimizer, "nesterov") ? 0 : 0.9;
    }
    if (!cli_has(a, "schedule")) t->l.lr.kind = JD_COSINE;
    if (!cli_has(a, "lr-end")) t->l.lr.end = t->l.lr.rate / 100;
    if (!cli_has(a, "weight-decay")) t->m.weight_decay = c.weight_decay;
    if (!cli_has(a, "batch")) t->batch = (size_t)c.batch;
    if (!t->l.epochs) t->l.epochs = c.epochs;
    t->least_epochs = c.least_epochs;
    /* a few samples more to learn from are worth more than an estimate that the test makes needless */
    if (t->data.count < FEW_SAMPLES && t->test.count && !cli_has(a, "validation")) t->l.share = 0;
}

/* Loads, splits and normalises. */
static jd_status load(training *t)
{
    cli_args *a = t->a;
    jd_ctx *ctx = t->ctx;
    const char *name = cli_text(a, "data", NULL), *test = cli_text(a, "test-data", NULL);
    samples_options o = {.labels = cli_text(a, "labels", NULL),
                         .split = JD_TRAIN,
                         .regression = t->regression,
                         .skip = cli_has(a, "skip-bad"),
                         .columns = cli_text(a, "columns", NULL),
                         .target = cli_text(a, "target", NULL),
                         .categories = t->grown ? "" : NULL,
                         .missing = t->m.missing,
                         .texts = t->texts,
                         .tails = t->chosen,
                         .guess = t->chosen && !cli_has(a, "loss"),
                         .sequence = t->chosen ? series_are(name) : model_is_sequential(cli_text(a, "net", NULL))};
    memcpy(o.size, t->l.size, sizeof o.size);
    if (samples_load(ctx, name, &o, &t->data) || check_options(t)) return jd_error(ctx);
    if (t->data.rank == 3)
        o.size[0] = (int)t->data.dim[0], o.size[1] = (int)t->data.dim[1], o.size[2] = (int)t->data.dim[2];
    o.rate = t->data.rate;
    o.alphabet = t->data.alphabet;
    if (t->data.label) o.names = t->data.names ? t->data.names : "";
    o.split = JD_TEST;
    o.labels = test ? cli_text(a, "test-labels", NULL) : NULL;
    if (t->data.columns) o.columns = t->data.columns, o.target = t->data.target_column;
    o.categories = t->data.categories ? t->data.categories : "";
    o.forms = t->data.forms ? t->data.forms : "";
    o.regression = t->regression = t->data.target != NULL;
    if (!test) test = t->beside = samples_test_beside(ctx, name);
    if (test || samples_has_test(ctx, name)) samples_load(ctx, test ? test : name, &o, &t->test);
    const size_t all = t->data.count;
    t->index = jd_alloc_array(ctx, all, sizeof *t->index);
    if (jd_error(ctx)) return jd_error(ctx);
    if (t->test.classes > t->data.classes) t->data.classes = t->test.classes;
    if (t->chosen) take_recipe(t);
    if (t->chosen && t->data.label && t->data.target_column && t->data.classes > MOST_CLASSES &&
        (size_t)t->data.classes > all / 2)
        return jd_fail(ctx, JD_EDATA,
                       "%s: %d classes in %zu rows, too few of each; --loss mse learns a number, --target NAME another "
                       "column",
                       name, t->data.classes, all);
    if (t->data.label && !t->texts && t->data.classes < 2)
        return jd_fail(ctx, JD_EDATA, "%s: all %zu samples are of one class; a classifier learns from two and more",
                       name, all);
    jd_epoch_order(t->l.seed, UINT32_MAX, t->index, all); /* no training has that many epochs */
    t->valid = samples_part(ctx, &t->data, t->index, (size_t)(t->l.share * (double)all));
    t->count = all - t->valid;
    if (t->count < 1) return jd_fail(ctx, JD_EUSAGE, "%s: %zu samples are too few to train on", name, all);
    if (t->batch > t->count) t->batch = t->count;
    t->per_epoch = (int64_t)(t->count / t->batch);
    if (!t->l.epochs && !t->grown) { /* few samples are seen more often */
        const int64_t epochs = (FEW_STEPS + t->per_epoch - 1) / t->per_epoch;
        t->l.epochs = epochs < t->least_epochs ? t->least_epochs : epochs > MOST_EPOCHS ? MOST_EPOCHS : epochs;
    }
    t->params = jd_params_new(ctx, JD_F32);
    if (t->grown) {
        t->gmdh = grow_model(ctx, &t->grow, &t->data, t->index + t->valid, t->count, &t->m, t->params);
    } else {
        if (!t->chosen) t->m.net = jd_strdup(ctx, cli_text(a, "net", NULL));
        if (!jd_error(ctx)) model_fit(ctx, &t->m, &t->data, t->index + t->valid, t->count);
    }
    if (jd_error(ctx)) return jd_error(ctx);
    if (model_check(ctx, &t->m, &t->data, name)) return jd_error(ctx);
    if (t->test.count && model_check(ctx, &t->m, &t->test, test ? test : name)) return jd_error(ctx);
    return make_slots(t);
}

static void read_options(training *t)
{
    cli_args *a = t->a;
    /* Recurrent nets hardly learn with a rate that suits the others. */
    const bool sequential = model_is_sequential(cli_text(a, "net", NULL));
    const char *optimizer = cli_text(a, "optimizer", "adam");
    const bool slow = sequential && (!strcmp(optimizer, "adam") || !strcmp(optimizer, "rmsprop"));
    t->grown = cli_word(a, "method", methods, 0) == 1;
    learning_read(a,
                  &(learning_defaults){.optimizer = sequential ? "adam" : "nesterov",
                                       .schedule = "constant",
                                       .rate = slow ? 0.005 : 0,
                                       .least_epochs = t->grown ? 0 : 1},
                  &t->l, &t->m);
    const int loss = cli_word(a, "loss", losses, t->grown);
    t->regression = loss == 1;
    t->texts = loss == 2;
    t->m.missing = (missing)cli_word(a, "missing", samples_missing, MISSING_REFUSE);
    t->grow.gmdh = (jd_gmdh_options){.unit = (jd_gmdh_unit)cli_word(a, "unit", grow_units, 0),
                                     .width = (int)cli_int(a, "width", 20, 2, 1000),
                                     .layers = (int)cli_int(a, "layers", 12, 1, 60),
                                     .admix = true,
                                     .fit_rows = 3};
    t->least_epochs = 10;
    t->batch = (size_t)cli_int(a, "batch", 32, 1, 1000000);
}

static void describe(jd_run *r, const training *t)
{
    static const char *const texts[] = {"labels", "test-data", "test-labels", "size"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_has(t->a, texts[i])) jd_run_config(r, texts[i], cli_text(t->a, texts[i], ""));
    model_describe(r, &t->m);
    jd_run_config(r, "method", methods[t->grown]);
    if (t->grown) {
        jd_run_config(r, "unit", grow_units[t->grow.gmdh.unit]);
        jd_run_config_number(r, "width", t->grow.gmdh.width);
        jd_run_config_number(r, "layers", t->grow.gmdh.layers);
    }
    jd_run_config(r, "loss", losses[t->texts ? 2 : t->regression]);
    jd_run_config_number(r, "batch", (double)t->batch);
    learning_describe(r, &t->l, &t->m);
}

/* How many of each class were found, where the classes are few. */
static void note_each_class(jd_run *r, const training *t, const measured *e)
{
    enum { MOST = 12 };
    const size_t K = (size_t)t->m.classes;
    char text[600], name[40];
    size_t at = 0;
    double found = 0;
    int classes = 0;
    if (!K || t->m.alphabet) return;
    for (size_t k = 0; k < K; k++) {
        int64_t n = 0;
        for (size_t i = 0; i < K; i++) n += e->confusion[k * K + i];
        if (!n) continue;
        found += (double)e->confusion[k * K + k] / (double)n;
        classes++;
        if (K <= MOST && at + 80 < sizeof text)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s: %lld of %lld", at ? ", " : "",
                                   class_name(t->m.names, (int)k, name, sizeof name),
                                   (long long)e->confusion[k * K + k], (long long)n);
    }
    if (classes) jd_run_extra(r, "balanced_error", 100 - 100 * found / classes);
    if (K <= MOST) jd_run_note(r, "right answers, %s", text);
}

/* The figure of the run, on the test set where there is one. */
static jd_status finish(jd_run *r, training *t, const jd_train_result *res)
{
    const learning_part on = learning_measures(t->test.count, t->valid, t->count);
    const samples *s = on.test ? &t->test : &t->data;
    const uint32_t *index = on.test ? NULL : t->index;
    const size_t n = on.n;
    measured e;
    jd_run_stage(r, "measuring on %zu %s samples", n, on.name);
    if (model_measure(t->ctx, t->forward, &t->m, s, index, n, NULL, &e)) return jd_error(t->ctx);
    char metric[64];
    snprintf(metric, sizeof metric, "%s %s", on.name, model_metric(&t->m));
    jd_run_metric(r, metric, false);
    jd_run_extra(r, "samples", (double)n);
    jd_run_extra(r, "mean_loss", e.loss);
    if (t->m.targets) jd_run_extra(r, "r2", targets_r2(&t->m, &e));
    jd_run_extra(r, "parameters", (double)jd_params_count(t->params));
    jd_run_extra(r, "steps", (double)res->steps);
    if (on.valid) jd_run_extra(r, "best_validation", without_loss(t, res->best));
    jd_run_curves(r);
    if (t->gmdh) {
        grow_report(t->ctx, jd_run_report(r), t->gmdh, &t->m);
        grow_source(r, t->gmdh, t->params);
        jd_run_extra(r, "layers", jd_gmdh_layers(t->gmdh));
    }
    model_report(t->ctx, jd_run_report(r), &t->m, t->params, s, index, &e);
    if (t->data.columns && t->data.rank == 1) forms_report(t->ctx, jd_run_report(r), &t->data);
    note_each_class(r, t, &e);
    if (cli_has(t->a, "skip-bad")) jd_run_extra(r, "skipped", (double)(t->data.skipped + t->test.skipped));
    jd_run_finish(r, measured_score(&t->m, &e), NULL);
    if (!jd_error(t->ctx)) {
        char text[120];
        snprintf(text, sizeof text, "%s %.4g on %zu samples", metric, jd_run_value(r), n);
        learning_say(r, t->a, text);
    }
    measured_free(t->ctx, &e);
    return jd_error(t->ctx);
}

/* The root mean squared error on the validation samples, without a word. */
static double quiet_score(training *t)
{
    measured e = {0};
    const bool failed = model_measure(t->ctx, t->forward, &t->m, &t->data, t->index, t->valid, NULL, &e) != JD_OK;
    const double score = failed ? (double)NAN : measured_score(&t->m, &e);
    measured_free(t->ctx, &e);
    return score;
}

/* Trains a grown network further; keeps the weights that it grew with unless the validation says that training helped. */
static jd_status fine_tune(jd_run *r, training *t, const jd_train_options *o, jd_train_result *res)
{
    const size_t count = jd_params_count(t->params);
    float *grown = jd_alloc_array(t->ctx, count + 1, sizeof *grown);
    const double before = t->valid && grown ? quiet_score(t) : INFINITY;
    if (grown) memcpy(grown, jd_params_data(t->params), count * sizeof *grown);
    if (grown && !jd_train(r, t->params, o, res)) {
        const double after = t->valid ? quiet_score(t) : 0;
        jd_run_note(r, "validation rmse %.4g as grown, %.4g after training", before, after);
        if (!(after < before)) {
            jd_run_note(r, "training did not help; the weights stay as they grew");
            memcpy(jd_params_data(t->params), grown, count * sizeof *grown);
        }
    }
    jd_free(t->ctx, grown);
    return jd_error(t->ctx);
}

/* Where nobody said what is learned. */
static void note_classes(jd_run *r, const training *t)
{
    char title[COLUMN_NAME], some[300];
    if (t->regression && t->chosen && !cli_has(t->a, "loss") && column_title(t->data.target_column, 0, title))
        jd_run_note(r, "%s holds %s: it is learned as a number (--loss mse); --loss xent takes its numbers for classes",
                    title, t->data.fractions ? "fractions" : "many different whole numbers");
    if (!t->chosen || !t->data.label || t->data.label_first || cli_has(t->a, "target")) return;
    if (!t->data.target_column || !column_title(t->data.target_column, 0, title)) return;
    jd_run_note(r, "the classes are those of the column %s%s%s; --target names another", title,
                t->data.names ? ": " : "", t->data.names ? class_some(t->data.names, some, sizeof some) : "");
}

static jd_status train(jd_run *r, training *t)
{
    const size_t skipped = t->data.skipped + t->test.skipped;
    if (skipped)
        jd_run_note(r, "%zu %s cannot be used and were passed over", skipped,
                    t->data.rank == 3 ? "pictures"
                    : t->data.rate    ? "recordings"
                                      : "rows of the tables");
    forms_note(r, &t->data);
    if (t->test.strange) jd_run_note(r, "in the test %s", t->test.strange);
    if (t->data.row_numbers) jd_run_note(r, "column 1 counts the rows: it is left out; --columns 1,* takes it too");
    if (t->data.label_first)
        jd_run_note(r, "the classes stand in column 1, as in the UCR archive; --target last takes the last column");
    if (t->data.ragged)
        jd_run_note(r, "each line is a series of numbers, of at most %lld steps, with its class %s",
                    (long long)t->data.dim[0], t->data.ragged == 1 ? "in front" : "behind");
    if (t->data.resized && !t->l.size[0])
        jd_run_note(r, "the pictures are resized to %lld x %lld; --size HxW names another size",
                    (long long)t->data.dim[0], (long long)t->data.dim[1]);
    note_classes(r, t);
    if (t->chosen) jd_run_note(r, "--net \"%s\"", t->m.net);
    describe(r, t);
    t->forward = jd_fn_new(t->ctx, t->params, model_forward, &t->m);
    if (jd_error(t->ctx)) return jd_error(t->ctx);
    if (t->gmdh && !jd_gmdh_layers(t->gmdh))
        jd_run_note(r, "there is nothing to learn here: a constant does as well");
    else if (t->gmdh)
        jd_run_note(r, "grown: %d layers, %zu weights", jd_gmdh_layers(t->gmdh), jd_params_count(t->params));
    jd_train_result res = {0};
    const jd_train_options o = {.what = "training",
                                .trace = model_step,
                                .trace_user = &t->m,
                                .user = t,
                                .steps = t->l.epochs * t->per_epoch,
                                .batch = next_batch,
                                .loaders = 1,
                                .slots = SLOTS,
                                .lr = t->l.lr,
                                .validate_every = t->valid ? t->per_epoch : 0,
                                .validate = t->valid ? validate : NULL,
                                .score = t->m.classes ? "validation error (%)" : "validation rmse",
                                .score_grain = t->m.classes && !t->m.alphabet ? 100.0 / (double)t->valid : 0,
                                .patience = t->l.patience,
                                .keep_best = t->valid >= (t->chosen ? ENOUGH_TO_CHOOSE : 1),
                                .items_per_step = (int64_t)t->batch};
    if (!t->gmdh)
        jd_train(r, t->params, &o, &res);
    else if (o.steps && jd_params_count(t->params))
        fine_tune(r, t, &o, &res);
    if (jd_error(t->ctx)) return jd_error(t->ctx);
    if (jd_run_save(r, t->params, res.steps, true)) return jd_error(t->ctx);
    return finish(r, t, &res);
}

/* Options that the command line leaves open come from the configuration. */
static char *fill_from_config(cli_args *a, const cli_config *c, size_t i)
{
    char buffer[64];
    const cli_option *o = &a->command->options[i];
    const char *text = a->value[i] ? NULL : cli_config_text(c, o->name, buffer);
    char *copy = text ? strdup(o->arg ? text : "") : NULL;
    if (copy) a->value[i] = copy;
    return copy;
}

static int checked(cli_args *a, training *t)
{
    read_options(t);
    t->chosen = !t->grown && !cli_has(a, "net");
    if (t->grown && !t->regression && !a->bad)
        return cli_fail("train", JD_EUSAGE, "--method gmdh grows networks that answer with one number; use --loss mse");
    return a->bad ? JD_EUSAGE : 0;
}

/* Whether it is a folder, or a set of the registry, with pictures and masks. */
static bool has_masks(jd_ctx *ctx, const char *data)
{
    if (samples_is_file(data)) return masks_are(ctx, data);
    const jd_dataset *set = jd_dataset_find(ctx, data);
    char *dir = set && set->format == JD_SET_OTHER ? jd_dataset_locate(ctx, set) : NULL;
    const bool yes = dir && masks_are(ctx, dir);
    jd_free(ctx, dir);
    jd_error_clear(ctx); /* whoever reads it says so again */
    return yes;
}

static int run_training(cli_args *a)
{
    training t = {.a = a};
    cli_view view;
    int code;
    if (!cli_has(a, "data"))
        return cli_fail("train", JD_EUSAGE,
                        "--data is missing; for example --data fashion-mnist (`jackdaw data list`)");
    jd_ctx *ctx = cli_context(a, &code);
    if (!ctx) return code;
    if (cli_has(a, "masks") || has_masks(ctx, cli_text(a, "data", NULL))) return train_masks(ctx, a);
    code = checked(a, &t);
    if (code) {
        jd_ctx_free(ctx);
        return code;
    }
    t.ctx = ctx;
    jd_ctx_set_seed(ctx, t.l.seed);
    jd_ranks_join(ctx, (int)cli_int(a, "shards", 0, 1, 1 << 16));
    cli_view_init(&view, a);
    cli_catch_signals();
    jd_run *r = NULL;
    if ((t.grown || t.chosen || !jd_net_check(ctx, cli_text(a, "net", NULL))) && !load(&t))
        r = learning_run(ctx, a, &t.l, &view);
    if (r) train(r, &t);
    cli_view_close(&view);
    jd_run_free(r);
    free_training(&t);
    return cli_end("train", ctx);
}

int cmd_train(int argc, char **argv)
{
    cli_args a;
    cli_config *config;
    char *filled[CLI_MAX_OPTIONS] = {NULL};
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    code = cli_config_read("train", cli_text(&a, "config", NULL), &config);
    if (code) return code;
    for (size_t i = 0; config && a.command->options[i].name; i++) filled[i] = fill_from_config(&a, config, i);
    code = run_training(&a);
    for (int i = 0; i < CLI_MAX_OPTIONS; i++) free(filled[i]);
    cli_config_free(config);
    return code;
}
