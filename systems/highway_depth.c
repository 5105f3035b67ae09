/*
 * highway_depth.c - depth without pain: plain and highway networks of 10 to 100 layers on handwritten digits.
 *
 * R. K. Srivastava, K. Greff, J. Schmidhuber, Highway networks, arXiv 1505.00387, 2015; Training very deep networks, NIPS
 * 2015.  Plain layers have 71 units, highway layers 50: about 5,000 weights a layer in both.  For each depth and kind the
 * learning rate is the best of a short list on digits held out; the test set is looked at once, with the weights of the
 * last epoch.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/data.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, DEPTHS = 4, RATES = 3, HELD_OUT = 2000, PLAIN = 71, WAY = 50 };
static const int64_t depth_of[DEPTHS] = {10, 20, 50, 100};
static const double rate_of[RATES] = {.1, .03, .01};
static const char *const kind_name[2] = {"plain", "highway"};

typedef struct data {
    jd_images train, test;
    size_t first, limit; /* digits to learn from: 0 .. limit-1; held out: the last HELD_OUT */
} data;

typedef struct net {
    jd_ctx *ctx;
    const data *d;
    bool highway;
    int64_t depth, batch, per_epoch;
    double gate_bias, momentum;
    uint64_t seed;
    char name[32];
    jd_params *params;
    jd_fn *ask;
    float *x;   /* (batch,784) */
    int32_t *y; /* (batch) */
    uint32_t *order;
    int64_t epoch; /* whose order it is */
} net;

/* (B,784) -> (B,10); depth counts the layers with weights but the last */
static jd_node model(jd_graph *g, const net *n, jd_node *gates)
{
    jd_node x = jd_dense(g, "in", jd_arg(g, "x"), .units = n->highway ? WAY : PLAIN, .act = JD_RELU);
    if (n->highway && gates) {
        /* layer by layer, so that each gate can be looked at */
        for (int64_t i = 1; i < n->depth; i++) {
            char name[48];
            snprintf(name, sizeof name, "way/%lld/T", (long long)i);
            gates[i - 1] = jd_dense(g, name, x, .units = WAY, .act = JD_SIGMOID);
            snprintf(name, sizeof name, "way/%lld/H", (long long)i);
            const jd_node h = jd_dense(g, name, x, .units = WAY, .act = JD_RELU);
            x = jd_add(g, x, jd_mul(g, gates[i - 1], jd_sub(g, h, x)));
        }
    } else if (n->highway) {
        x = jd_highway(g, "way", x, .layers = n->depth - 1, .act = JD_RELU, .gate_bias = n->gate_bias);
    } else {
        for (int64_t i = 1; i < n->depth; i++) {
            char name[48];
            snprintf(name, sizeof name, "plain/%lld", (long long)i);
            x = jd_dense(g, name, x, .units = PLAIN, .act = JD_RELU);
        }
    }
    return jd_dense(g, "out", x, .units = CLASSES);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node loss = jd_softmax_xent(g, model(g, n, NULL), jd_arg(g, "y"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = n->momentum, .clip = 5);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    jd_result(g, "class", jd_argmax(g, model(g, n, NULL)));
    jd_scope_pop(g);
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    net *n = user;
    const int64_t epoch = step / n->per_epoch, at = step % n->per_epoch * n->batch;
    (void)slot;
    if (epoch != n->epoch) {
        jd_epoch_order(n->seed, (uint64_t)epoch, n->order, n->d->limit);
        n->epoch = epoch;
    }
    jd_images_batch(&n->d->train, n->order + at, (size_t)n->batch, 0, 1, n->x, n->y);
    in[0] = JD_TENSOR("x", JD_F32, n->x, n->batch, PIXELS);
    in[1] = JD_TENSOR("y", JD_I32, n->y, n->batch);
    return 2;
}

/* Share of digits first .. first+count-1 of a set that are named rightly. */
static double measure(net *n, const jd_images *set, size_t first, size_t count)
{
    size_t right = 0;
    for (size_t i = 0; i < count && !jd_error(n->ctx); i += (size_t)n->batch) {
        const size_t m = count - i < (size_t)n->batch ? count - i : (size_t)n->batch;
        for (size_t k = 0; k < m; k++) n->order[k] = (uint32_t)(first + i + k);
        n->epoch = -1;
        jd_images_batch(set, n->order, m, 0, 1, n->x, n->y);
        const jd_tensor in = JD_TENSOR("x", JD_F32, n->x, (int64_t)m, PIXELS);
        if (jd_fn_run(n->ask, &in, 1)) break;
        const int32_t *c = jd_fn_result(n->ask, "class", NULL);
        for (size_t k = 0; c && k < m; k++) right += c[k] == n->y[k];
    }
    return (double)right / (double)count;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    char series[96];
    const double right = measure(n, &n->d->train, n->d->train.count - HELD_OUT, HELD_OUT);
    snprintf(series, sizeof series, "%s/right (%%)", n->name);
    jd_run_log(r, step, series, 100 * right);
    return right;
}

typedef struct outcome {
    double valid, test, loss, rate, seconds;
    size_t weights;
    char series[48]; /* of the best rate */
} outcome;

/* The mean of the last tenth of the logged training losses. */
static double last_loss(const jd_run *r, const char *name)
{
    char series[96];
    const int64_t *step;
    const double *value;
    double sum = 0;
    snprintf(series, sizeof series, "%s/loss", name);
    const size_t count = jd_run_history(r, series, &step, &value), n = count / 10 + 1;
    if (!count) return (double)NAN;
    for (size_t i = count - n; i < count; i++) sum += value[i] / (double)n;
    return sum;
}

static void gates_of(jd_graph *g, void *user)
{
    const net *n = user;
    jd_node t[128];
    jd_scope_push(g, n->name);
    model(g, n, t);
    for (int64_t i = 0; i + 1 < n->depth; i++) t[i] = jd_reshape(g, t[i], JD_DIMS(1, -1, WAY));
    jd_result(g, "gates", jd_concat(g, t, (int)n->depth - 1, 0));
    jd_scope_pop(g);
}

/* How open each gate is: for one digit, and on the mean over the digits that are tested first. */
static void report_gates(jd_run *r, net *n)
{
    enum { DIGITS = 100 };
    jd_fn *f = jd_fn_new(n->ctx, n->params, gates_of, n);
    const size_t L = (size_t)n->depth - 1;
    float *mean = jd_alloc_array(n->ctx, L * WAY, sizeof *mean), *one = jd_alloc_array(n->ctx, L * WAY, sizeof *one);
    for (size_t k = 0; k < DIGITS; k++) n->order[k] = (uint32_t)k;
    n->epoch = -1;
    if (mean && one && n->batch >= DIGITS) {
        jd_images_batch(&n->d->test, n->order, DIGITS, 0, 1, n->x, n->y);
        const jd_tensor in = JD_TENSOR("x", JD_F32, n->x, DIGITS, PIXELS);
        const float *t = jd_fn_run(f, &in, 1) ? NULL : jd_fn_result(f, "gates", NULL); /* (L,100,50) */
        for (size_t i = 0; t && i < L * WAY; i++) {
            const size_t l = i / WAY, u = i % WAY;
            one[i] = t[l * DIGITS * WAY + u];
            mean[i] = 0;
            for (size_t k = 0; k < DIGITS; k++) mean[i] += t[(l * DIGITS + k) * WAY + u] / DIGITS;
        }
        if (t) {
            jd_timeline *line = jd_timeline_new(n->ctx, "layer", .5, (double)L + .5);
            const jd_map m = {
                .label = "mean gate", .value_label = "T", .values = mean, .T = L, .H = WAY, .colors = JD_SEQUENTIAL};
            jd_map o = m;
            o.label = "for one digit";
            o.values = one;
            jd_timeline_map(line, &m);
            jd_timeline_map(line, &o);
            jd_report_timeline(
                jd_run_report(r), line,
                "The transform gates of the deepest highway network that learned, layer by layer: bright, the unit is "
                "computed anew; dark, it passes as it is. Above the mean over 100 test digits, below one digit.");
        }
    }
    jd_free(n->ctx, mean);
    jd_free(n->ctx, one);
    jd_fn_free(f);
}

/* What the program needs to use the network: the parameters of a network stand in a scope of its name. */
static void describe(jd_run *r, const net *n)
{
    char line[100];
    snprintf(line, sizeof line, "dense %d relu as in, highway %lld relu as way, dense %d as out", WAY,
             (long long)n->depth - 1, CLASSES);
    jd_run_config(r, "net", line);
    jd_run_config(r, "input", "28x28x1");
    jd_run_config(r, "pictures", "28x28x1");
    jd_run_config(r, "ink", "20 mass");
    jd_run_config_number(r, "classes", CLASSES);
    jd_run_config_number(r, "low", 0);
    jd_run_config_number(r, "high", 1);
    jd_run_config_list(r, "members", (const char *const[]){"scope"}, 1, (const char *const[]){n->name}, 1);
}

static void net_free(net *n)
{
    if (!n) return;
    jd_ctx *ctx = n->ctx;
    jd_fn_free(n->ask);
    jd_params_free(n->params);
    jd_free(ctx, n->x);
    jd_free(ctx, n->y);
    jd_free(ctx, n->order);
    jd_free(ctx, n);
}

static net *net_new(jd_run *r, const data *d, bool highway, int64_t depth, double rate)
{
    jd_ctx *ctx = jd_run_ctx(r);
    net *n = jd_alloc(ctx, sizeof *n);
    if (!n) return NULL;
    *n = (net){.ctx = ctx,
               .d = d,
               .highway = highway,
               .depth = depth,
               .batch = (int64_t)jd_run_setting(r, "batch"),
               .momentum = jd_run_setting(r, "momentum"),
               /* the deeper, the nearer to shut */
               .gate_bias = depth <= 20   ? -2
                            : depth <= 50 ? -3
                                          : -4,
               .seed = jd_run_seed(r),
               .epoch = -1};
    snprintf(n->name, sizeof n->name, "%s-%lld-%g", kind_name[highway], (long long)depth, rate);
    n->per_epoch = (int64_t)d->limit / n->batch;
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    n->x = jd_alloc_array(ctx, (size_t)n->batch * PIXELS, sizeof *n->x);
    n->y = jd_alloc_array(ctx, (size_t)n->batch, sizeof *n->y);
    n->order = jd_alloc_array(ctx, d->limit + (size_t)n->batch, sizeof *n->order);
    if (!jd_error(ctx)) return n;
    net_free(n);
    return NULL;
}

/* Trains with one learning rate; when it is the best one so far on the digits held out, it is tested and becomes *kept. */
static jd_status train(jd_run *r, const data *d, bool highway, int64_t depth, double rate, outcome *best, net **kept)
{
    jd_ctx *ctx = jd_run_ctx(r);
    net *n = net_new(r, d, highway, depth, rate);
    if (!n) return jd_error(ctx);
    const int64_t steps = (int64_t)(jd_run_setting(r, "epochs") * (double)n->per_epoch);
    const jd_train_options o = {.what = n->name,
                                .series = n->name,
                                .trace = train_step,
                                .user = n,
                                .steps = steps,
                                .batch = batch,
                                .lr = {.kind = JD_LINEAR_DECAY, .rate = rate, .end = rate / 20},
                                .validate_every = n->per_epoch * 2,
                                .validate = validate,
                                .higher = true,
                                .items_per_step = n->batch};
    jd_train_result res = {0};
    if (!jd_train(r, n->params, &o, &res)) {
        const double valid = measure(n, &d->train, d->train.count - HELD_OUT, HELD_OUT);
        best->seconds += res.seconds;
        if (!(valid <= best->valid)) {
            best->valid = valid;
            best->rate = rate;
            best->loss = last_loss(r, n->name);
            best->weights = jd_params_count(n->params);
            snprintf(best->series, sizeof best->series, "%s/loss", n->name);
            net *old = *kept;
            *kept = n;
            n = old;
        }
    }
    net_free(n);
    return jd_error(ctx);
}

static void report(jd_run *r, outcome o[2][DEPTHS], int depths)
{
    static const char *const headings[] = {"layers",         "network",       "weights",
                                           "learning rate",  "training loss", "held out right (%)",
                                           "test right (%)", "training (s)"};
    enum { COLUMNS = 8 };
    char text[2 * DEPTHS * COLUMNS][32];
    const char *cells[2 * DEPTHS * COLUMNS];
    size_t n = 0;
    double x[DEPTHS], right[2][DEPTHS], loss[2][DEPTHS];
    for (int i = 0; i < depths; i++)
        for (int k = 0; k < 2; k++) {
            const outcome *b = &o[k][i];
            x[i] = (double)depth_of[i];
            right[k][i] = 100 * b->test;
            loss[k][i] = b->loss;
            snprintf(text[n++], sizeof text[0], "%lld", (long long)depth_of[i]);
            snprintf(text[n++], sizeof text[0], "%s", kind_name[k]);
            snprintf(text[n++], sizeof text[0], "%zu", b->weights);
            snprintf(text[n++], sizeof text[0], "%g", b->rate);
            snprintf(text[n++], sizeof text[0], "%.4f", b->loss);
            snprintf(text[n++], sizeof text[0], "%.2f", 100 * b->valid);
            snprintf(text[n++], sizeof text[0], "%.2f", 100 * b->test);
            snprintf(text[n++], sizeof text[0], "%.0f", b->seconds);
        }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report_section(jd_run_report(r), "Depth");
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "layers", .scale = JD_LOG},
                               &(jd_axis){.label = "test right (%)", .min = 0, .max = 100}, 240);
    for (int k = 0; k < 2; k++) jd_chart_line(c, kind_name[k], x, right[k], (size_t)depths, JD_MARKS);
    jd_chart_hline(c, "chance", 10, JD_DASHED | JD_NEUTRAL);
    jd_chart_panel(c, &(jd_axis){.label = "training loss", .scale = JD_LOG}, 200);
    for (int k = 0; k < 2; k++) jd_chart_line(c, kind_name[k], x, loss[k], (size_t)depths, JD_MARKS);
    jd_report_chart(jd_run_report(r), c,
                    "What is left of learning when layers are added, each network with its best learning rate. Below, "
                    "the loss on the digits it learns from: a plain deep network does not over-fit, it cannot be "
                    "trained.");
    jd_report_table(jd_run_report(r), headings, cells, n / COLUMNS, COLUMNS,
                    "The learning rate is the one with the most digits held out right; the seconds are those of all "
                    "rates together. Each layer has about 5,000 weights in both networks.");
    for (int i = 0; i < depths; i++) {
        char caption[160];
        jd_chart *l = jd_chart_new(ctx, &(jd_axis){.label = "step"}, &(jd_axis){.label = "loss", .scale = JD_LOG}, 180);
        for (int k = 0; k < 2; k++) {
            const int64_t *step;
            const double *value;
            const size_t count = jd_run_history(r, o[k][i].series, &step, &value);
            double *at = jd_alloc_array(ctx, count + 1, sizeof *at);
            for (size_t j = 0; at && j < count; j++) at[j] = (double)step[j];
            if (at) jd_chart_line(l, kind_name[k], at, value, count, 0);
            jd_free(ctx, at);
        }
        snprintf(caption, sizeof caption, "Training loss, %lld layers.", (long long)depth_of[i]);
        jd_report_chart(jd_run_report(r), l, caption);
    }
}

static jd_status load(jd_run *r, data *d)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const char *name = jd_run_data(r, "mnist");
    const double limit = jd_run_setting(r, "digits"), batch_size = jd_run_setting(r, "batch");
    jd_run_stage(r, "reading digits");
    if (jd_load_images(ctx, name, JD_TRAIN, &d->train) || jd_load_images(ctx, name, JD_TEST, &d->test))
        return jd_error(ctx);
    if (d->train.height * d->train.width * d->train.channels != PIXELS || d->train.classes != CLASSES)
        return jd_fail(ctx, JD_EUSAGE, "highway-depth: %s is not a set of 28 x 28 grey pictures in ten classes", name);
    if (!(batch_size >= 1 && batch_size <= 10000 && limit >= batch_size && limit + HELD_OUT <= (double)d->train.count))
        return jd_fail(ctx, JD_EUSAGE,
                       "highway-depth: batch is 1..10000, digits at least that and at most %zu (%d are held out)",
                       d->train.count - HELD_OUT, HELD_OUT);
    d->limit = (size_t)limit;
    return JD_OK;
}

static jd_status run_all(jd_run *r, const data *d)
{
    outcome o[2][DEPTHS];
    const int rates = (int)jd_run_setting(r, "rates");
    const double deepest = jd_run_setting(r, "deepest");
    net *show = NULL;
    int depths = 0;
    for (int i = 0; i < DEPTHS && (double)depth_of[i] <= deepest; i++, depths++)
        for (int k = 0; k < 2 && !jd_error(jd_run_ctx(r)); k++) {
            net *kept = NULL;
            o[k][i] = (outcome){.valid = (double)NAN, .test = (double)NAN, .loss = (double)NAN};
            for (int q = 0; q < rates && q < RATES; q++)
                if (train(r, d, k, depth_of[i], rate_of[q], &o[k][i], &kept)) break;
            if (kept) o[k][i].test = measure(kept, &d->test, 0, d->test.count);
            if (kept && k == 1 && depth_of[i] <= 50) {
                net_free(show);
                show = kept;
                kept = NULL;
            }
            net_free(kept);
        }
    jd_status status = jd_error(jd_run_ctx(r));
    if (!status) {
        double way = (double)NAN, plain = (double)NAN;
        report(r, o, depths);
        for (int i = 0; i < depths; i++) {
            char name[48];
            for (int k = 0; k < 2; k++) {
                snprintf(name, sizeof name, "%s_%lld", kind_name[k], (long long)depth_of[i]);
                jd_run_extra(r, name, 100 * o[k][i].test);
            }
            if (depth_of[i] == 50) way = 100 * o[1][i].test, plain = 100 * o[0][i].test;
            jd_run_note(r, "%lld layers: plain %.2f %% right, highway %.2f %%", (long long)depth_of[i],
                        100 * o[0][i].test, 100 * o[1][i].test);
        }
        if (show) {
            jd_report_section(jd_run_report(r), "The gates");
            report_gates(r, show);
            describe(r, show);
            jd_run_save(r, show->params, 0, true);
        }
        jd_run_extra(r, "plain_accuracy", plain);
        status = jd_run_finish(r, way, way < 90 ? "the highway network of 50 layers did not learn" : NULL);
    }
    net_free(show);
    return status;
}

static jd_status run(jd_run *r)
{
    data d = {0};
    if (jd_run_setting(r, "deepest") < 50 || jd_run_setting(r, "rates") < 1 || jd_run_setting(r, "epochs") <= 0)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE, "highway-depth: deepest is at least 50, rates 1 to %d, epochs above 0",
                       RATES);
    const jd_status status = load(r, &d) ? jd_error(jd_run_ctx(r)) : run_all(r, &d);
    jd_images_free(jd_run_ctx(r), &d.train);
    jd_images_free(jd_run_ctx(r), &d.test);
    return status;
}

static const jd_setting SETTINGS[] = {
    {"deepest", {50, 100, 100}, "most layers: 10, 20, 50, 100"},
    {"digits", {6000, 6000, 58000}, "training digits"},
    {"epochs", {6, 10, 40}, "passes over them"},
    {"rates", {1, 2, 3}, "learning rates that are tried: 0.1, 0.03, 0.01"},
    {"batch", {100, 100, 100}, "digits a step"},
    {"momentum", {.9, .9, .9}, "of gradient descent"},
    {0},
};

const jd_system jd_system_highway_depth = {
    .name = "highway-depth",
    .year = 2015,
    .title = "Highway networks: depth without pain",
    .paper = "R. K. Srivastava, K. Greff, J. Schmidhuber: Highway networks. arXiv 1505.00387, 2015",
    .metric = "highway of 50 layers, test digits right (%)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "The paper shows training curves: highway networks of 50 and 100 layers are trained as well as those of "
        "10, plain ones are not",
    .accept = {90, 90, 97},
    .about =
        "Plain networks of many layers cannot be trained by gradient descent alone: signals and errors fade on their "
        "way through the layers. A highway layer has gates that decide how much of its input is passed on unchanged; "
        "they start nearly shut, so that at first everything passes. Digits of MNIST, plain against highway networks "
        "with as many weights a layer, from 10 to 100 layers, the same optimiser (gradient descent with momentum) and "
        "learning rates. What to look at: how deep the networks can be before the digits are lost, and which layers "
        "of the highway do something at all.",
    .data = "mnist",
    .settings = SETTINGS,
    .run = run,
};
