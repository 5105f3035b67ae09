/*
 * test_train.c - schedules, settings, the training loop: resume bit for bit, early stopping, keep-best, NaN stop, the log.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>

#include "jackdaw/layers.h"
#include "jackdaw/system.h"
#include "tmpdir.h"

/* ---- schedules ---- */
static void schedules(void **state)
{
    (void)state;
    jd_schedule s = {.kind = JD_CONSTANT, .rate = 0.5};
    assert_true(jd_schedule_at(&s, 7, 10) == 0.5);
    s = (jd_schedule){.kind = JD_GEOMETRIC, .rate = 1e-2, .end = 1e-4};
    assert_true(fabs(jd_schedule_at(&s, 0, 101) - 1e-2) < 1e-15);
    assert_true(fabs(jd_schedule_at(&s, 50, 101) - 1e-3) < 1e-12);
    assert_true(jd_schedule_at(&s, 100, 101) == 1e-4);
    s = (jd_schedule){.kind = JD_LINEAR_DECAY, .rate = 1, .end = 0};
    assert_true(fabs(jd_schedule_at(&s, 25, 101) - 0.75) < 1e-12);
    s = (jd_schedule){.kind = JD_HALVING, .rate = 1, .period = 10};
    assert_true(jd_schedule_at(&s, 9, 100) == 1 && jd_schedule_at(&s, 10, 100) == 0.5);
    assert_true(jd_schedule_at(&s, 35, 100) == 0.125);
    s = (jd_schedule){.kind = JD_COSINE, .rate = 2, .end = 1};
    assert_true(fabs(jd_schedule_at(&s, 0, 101) - 2) < 1e-12);
    assert_true(fabs(jd_schedule_at(&s, 50, 101) - 1.5) < 1e-12);
    assert_true(fabs(jd_schedule_at(&s, 100, 101) - 1) < 1e-12);
    s = (jd_schedule){.kind = JD_FACTOR, .rate = 1, .factor = 0.1, .period = 5, .end = 0.05};
    assert_true(fabs(jd_schedule_at(&s, 5, 100) - 0.1) < 1e-15 && jd_schedule_at(&s, 12, 100) == 0.05);
    s = (jd_schedule){.kind = JD_CONSTANT, .rate = 1, .warmup = 4};
    assert_true(jd_schedule_at(&s, 0, 10) == 0.25 && jd_schedule_at(&s, 3, 10) == 1 && jd_schedule_at(&s, 4, 10) == 1);
}

/* ---- a small regression ---- */
enum { BATCH = 8, STEPS = 60 };

typedef struct toy {
    float x[4][BATCH * 3], y[4][BATCH]; /* a slot each */
    jd_params *p;
    double score[STEPS + 1]; /* what validate returns; NAN entry: the real loss */
    bool scripted;
    int validations, warnings;
    float best_weight; /* the first weight at the scripted best */
    int64_t watch;     /* at this step the first weight is noted */
    int64_t stop_at;   /* the step after which the flag goes up; 0: never */
    volatile int stop;
    double poison; /* the target of step 20 */
} toy;

static void step(jd_graph *g, void *unused)
{
    (void)unused;
    const jd_node h = jd_dense(g, "hidden", jd_arg(g, "x"), .units = 6, .act = JD_TANH);
    const jd_node y = jd_dense(g, "out", h, .units = 1);
    const jd_node loss = jd_mean(g, jd_square(g, jd_sub(g, y, jd_arg(g, "y"))), JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .beta1 = 0.9);
    jd_result(g, "loss", loss);
}

static int batch(void *user, int64_t at, int slot, jd_tensor *in)
{
    toy *t = user;
    jd_rng r = jd_rng_new(5, "toy", (uint64_t)at);
    for (int i = 0; i < BATCH; i++) {
        float *x = t->x[slot] + 3 * i;
        for (int k = 0; k < 3; k++) x[k] = jd_rng_uniform(&r);
        t->y[slot][i] = x[0] * x[1] - 0.5f * x[2];
    }
    if (at == 20 && t->poison != 0) t->y[slot][3] = (float)t->poison;
    in[0] = JD_TENSOR("x", JD_F32, t->x[slot], BATCH, 3);
    in[1] = JD_TENSOR("y", JD_F32, t->y[slot], BATCH, 1);
    return 2;
}

static double validate(void *user, jd_run *r, int64_t at)
{
    toy *t = user;
    const float *w = jd_params_get(t->p, "hidden/W");
    t->validations++;
    if (at == t->watch) t->best_weight = w[0];
    const double score = t->scripted ? t->score[at] : (double)fabsf(w[0]);
    jd_run_log(r, at, "valid/score", score);
    return score;
}

/* Raises the flag from inside the run, as a signal would. */
static void on_event(void *user, const jd_run_event *e)
{
    toy *t = user;
    if (e->kind == JD_EVENT_METRIC && t->stop_at && e->step == t->stop_at && !strcmp(e->name, "train/loss"))
        t->stop = SIGTERM;
    t->warnings += e->kind == JD_EVENT_WARNING && strstr(e->text, "train-1.safetensors") != NULL;
}

static jd_train_options options(toy *t)
{
    return (jd_train_options){.trace = step,
                              .user = t,
                              .steps = STEPS,
                              .batch = batch,
                              .lr = {.kind = JD_GEOMETRIC, .rate = 0.02, .end = 0.002},
                              .log_every = 3,
                              .validate_every = 10,
                              .validate = validate};
}

static jd_status run(jd_ctx *ctx, toy *t, const char *dir, bool resume, jd_train_options *o, jd_train_result *res)
{
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "toy",
                                                  .seed = 3,
                                                  .dir = tmpdir_file(dir),
                                                  .resume = resume,
                                                  .on_event = on_event,
                                                  .user = t,
                                                  .stop = &t->stop});
    t->p = r ? jd_params_new(ctx, JD_F32) : NULL;
    if (t->p && !jd_train(r, t->p, o, res) && !jd_run_save(r, t->p, res->steps, true))
        jd_run_finish(r, res->best, NULL);
    jd_params_free(t->p);
    jd_run_free(r);
    return jd_error(ctx);
}

static jd_ctx *context(void)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2});
    assert_non_null(ctx);
    return ctx;
}

static void same_files(jd_ctx *ctx, const char *a, const char *b)
{
    size_t na, nb;
    char *x = jd_read_file(ctx, tmpdir_file(a), 0, &na), *y = jd_read_file(ctx, tmpdir_file(b), 0, &nb);
    if (!x || !y) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(na, nb);
    assert_memory_equal(x, y, na);
    jd_free(ctx, x);
    jd_free(ctx, y);
}

static void ok(jd_ctx *ctx, jd_status s)
{
    if (s) fail_msg("status %d: %s", (int)s, jd_error_message(ctx));
}

/* Stopped twice (once right at a validation), then resumed: the same model, the same log. */
static void resume_gives_the_same_bits(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    toy t = {0};
    jd_train_options o = options(&t);
    jd_train_result res;
    o.keep_best = true;
    o.higher = true;
    ok(ctx, run(ctx, &t, "whole", false, &o, &res));
    assert_int_equal(res.steps, STEPS);
    static const int64_t stops[] = {27, 30};
    for (int loaders = 0; loaders <= 1; loaders++) {
        toy u = {0};
        o = options(&u);
        o.keep_best = true;
        o.higher = true;
        o.loaders = loaders;
        o.slots = 3;
        for (int k = 0; k < 2; k++) {
            u.stop_at = stops[k];
            u.stop = 0;
            assert_int_equal(run(ctx, &u, "parts", k > 0, &o, &res), JD_ESTOPPED);
            assert_non_null(strstr(jd_error_message(ctx), "--resume"));
            jd_error_clear(ctx);
            assert_int_equal(res.steps, stops[k]);
        }
        u.stop_at = 0;
        u.stop = 0;
        ok(ctx, run(ctx, &u, "parts", true, &o, &res));
        same_files(ctx, "whole/model.safetensors", "parts/model.safetensors");
        same_files(ctx, "whole/metrics.csv", "parts/metrics.csv");
    }
    /* Once more: nothing is left to do, and everything is still the same. */
    toy v = {0};
    o = options(&v);
    o.keep_best = true;
    o.higher = true;
    ok(ctx, run(ctx, &v, "parts", true, &o, &res));
    assert_int_equal(v.validations, 0);
    same_files(ctx, "whole/model.safetensors", "parts/model.safetensors");
    same_files(ctx, "whole/metrics.csv", "parts/metrics.csv");
    jd_ctx_free(ctx);
}

/* A file that was logged after the checkpoint must not survive the resume. */
static void metrics_are_cut_to_the_checkpoint(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    toy t = {.stop_at = 33};
    jd_train_options o = options(&t);
    jd_train_result res;
    assert_int_equal(run(ctx, &t, "cut", false, &o, &res), JD_ESTOPPED);
    jd_error_clear(ctx);
    FILE *f = fopen(tmpdir_file("cut/metrics.csv"), "a");
    assert_non_null(f);
    fputs("36,train/loss,123\n39,train/lo", f);
    fclose(f);
    t = (toy){0};
    ok(ctx, run(ctx, &t, "cut", true, &o, &res));
    size_t n;
    char *text = jd_read_file(ctx, tmpdir_file("cut/metrics.csv"), 0, &n);
    assert_non_null(text);
    assert_null(strstr(text, ",123\n"));
    int losses = 0;
    for (const char *at = text; (at = strstr(at, "train/loss")) != NULL; at++) losses++;
    assert_int_equal(losses, STEPS / 3);
    jd_free(ctx, text);
    jd_ctx_free(ctx);
}

static void damaged_checkpoint_is_passed_over(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    toy t = {0};
    jd_train_options o = options(&t);
    jd_train_result res;
    ok(ctx, run(ctx, &t, "sound", false, &o, &res));
    t = (toy){.stop_at = 33};
    o.checkpoint_every = 10;
    assert_int_equal(run(ctx, &t, "damaged", false, &o, &res), JD_ESTOPPED);
    jd_error_clear(ctx);
    const char *path = tmpdir_file("damaged/checkpoints/train-1.safetensors");
    assert_int_equal(truncate(path, 100), 0);
    t = (toy){0};
    ok(ctx, run(ctx, &t, "damaged", true, &o, &res));
    assert_int_equal(t.warnings, 1);
    same_files(ctx, "sound/model.safetensors", "damaged/model.safetensors");
    same_files(ctx, "sound/metrics.csv", "damaged/metrics.csv");
    jd_ctx_free(ctx);
}

/* A checkpoint with its checksums in order, in which one tensor or one text is another: what a stranger could write. */
static void sound_files_with_wrong_contents_are_refused(void **state)
{
    (void)state;
    enum { MOST = 40, TEXTS = 16 };
    static const double at[10] = {30, 0, 0, 0, 0, 0, 0, 0, 0, 0}, nan_step[10] = {(double)NAN}, past[10] = {-2},
                        flags[10] = {[6] = 1e12}, rows[10] = {[8] = 1e16};
    static const int32_t series[2] = {0, 99};
    static const int64_t steps[2] = {3, 6};
    const float one = 1;
    const struct {
        const char *name;
        jd_file_dtype dtype;
        int64_t count;
        const void *data; /* NULL: `text` is the value of metadata `name` */
        const char *text, *says;
    } wrong[] = {{"train/at", JD_FILE_F64, 9, at, NULL, "train/at is not 10 numbers"},
                 {"train/at", JD_FILE_I64, 10, at, NULL, "train/at is not 10 numbers"},
                 {"train/at", JD_FILE_F64, 10, nan_step, NULL, "value 0 is out of range"},
                 {"train/at", JD_FILE_F64, 10, past, NULL, "value 0 is out of range"},
                 {"train/at", JD_FILE_F64, 10, flags, NULL, "value 6 is out of range"},
                 {"train/at", JD_FILE_F64, 10, rows, NULL, "value 8 is out of range"},
                 {"train/best", JD_FILE_F32, 1, &one, NULL, "train/best does not fit"},
                 {"metrics/step", JD_FILE_I64, 2, steps, NULL, "do not belong together"},
                 {"metrics/series", JD_FILE_I32, 2, series, NULL, "do not belong together"},
                 {"metrics/value", JD_FILE_F32, 1, &one, NULL, "do not belong together"},
                 {"param/hidden/W", JD_FILE_F32, 1, &one, NULL, "train/best does not fit"},
                 {"jackdaw.metrics", 0, 0, NULL, "[", "not JSON"},
                 {"jackdaw.metrics", 0, 0, NULL, "[]", "row 0 names no series"},
                 {"jackdaw.order", 0, 0, NULL, "{", "not JSON"},
                 {"jackdaw.config", 0, 0, NULL, "", "not JSON"}};
    jd_ctx *ctx = context();
    toy t = {.stop_at = 33};
    jd_train_options o = options(&t);
    o.keep_best = true;
    jd_train_result res;
    assert_int_equal(run(ctx, &t, "odd", false, &o, &res), JD_ESTOPPED);
    jd_error_clear(ctx);
    char path[300];
    snprintf(path, sizeof path, "%s", tmpdir_file("odd/checkpoints/train-1.safetensors"));
    jd_tensor_file *f = jd_checkpoint_load(ctx, path, NULL);
    assert_non_null(f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        jd_tensor_entry entry[MOST];
        jd_metadata text[TEXTS];
        const size_t n = jd_tensor_file_count(f), m = jd_tensor_file_metadata_count(f);
        size_t changed = 0;
        assert_true(n <= MOST && m <= TEXTS);
        for (size_t k = 0; k < n; k++) {
            entry[k] = *jd_tensor_file_entry(f, k);
            if (!wrong[i].data || strcmp(entry[k].name, wrong[i].name)) continue;
            entry[k].dtype = wrong[i].dtype;
            entry[k].rank = 1;
            entry[k].dim[0] = wrong[i].count;
            entry[k].data = wrong[i].data;
            changed++;
        }
        for (size_t k = 0; k < m; k++) {
            text[k] = *jd_tensor_file_metadata(f, k);
            if (wrong[i].data || strcmp(text[k].key, wrong[i].name)) continue;
            text[k].value = wrong[i].text;
            changed++;
        }
        if (changed != 1) fail_msg("%s is not in a checkpoint", wrong[i].name);
        ok(ctx, jd_checkpoint_save(ctx, path, entry, n, text, m, 1));
        t = (toy){0};
        const jd_status s = run(ctx, &t, "odd", true, &o, &res);
        if (s != JD_EDATA || !strstr(jd_error_message(ctx), wrong[i].says))
            fail_msg("%s, %s: %d %s", wrong[i].name, wrong[i].says, (int)s, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    jd_tensor_file_close(f);
    jd_ctx_free(ctx);
}

static void early_stopping_and_keep_best(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    toy t = {.scripted = true, .watch = 20};
    static const double score[] = {0, 5, 3, 4, 3.5, 6, 1}; /* at steps 10, 20...; 60 is never reached */
    for (int i = 1; i <= 6; i++) t.score[10 * i] = score[i];
    jd_train_options o = options(&t);
    jd_train_result res;
    o.patience = 3;
    o.keep_best = true;
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "toy", .seed = 3, .dir = tmpdir_file("early")});
    assert_non_null(r);
    t.p = jd_params_new(ctx, JD_F32);
    ok(ctx, jd_train(r, t.p, &o, &res));
    assert_int_equal(res.steps, 50);
    assert_int_equal(res.best_step, 20);
    assert_true(res.best == 3);
    assert_false(res.reached);
    assert_true(((const float *)jd_params_get(t.p, "hidden/W"))[0] == t.best_weight);
    /* Reaching a score ends it at once. */
    o.has_stop_at = true;
    o.stop_at = 3.2;
    jd_params *q = jd_params_new(ctx, JD_F32);
    toy u = t;
    u.p = q;
    o.user = &u;
    ok(ctx, jd_train(r, q, &o, &res));
    assert_int_equal(res.steps, 20);
    assert_true(res.reached);
    jd_params_free(t.p);
    jd_params_free(q);
    jd_run_free(r);
    jd_ctx_free(ctx);
}

static void a_loss_that_is_not_finite_names_the_place(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    toy t = {.poison = (double)INFINITY};
    jd_train_options o = options(&t);
    jd_train_result res;
    assert_int_equal(run(ctx, &t, "nan", false, &o, &res), JD_EDIVERGED);
    assert_non_null(strstr(jd_error_message(ctx), "step 21"));
    assert_non_null(strstr(jd_error_message(ctx), "begins here"));
    assert_int_equal(res.steps, 20);
    jd_ctx_free(ctx);
}

/* ---- settings ---- */
static const jd_setting settings[] = {
    {"hidden", {4, 8, 16}, "units"}, {"rate", {0.5, 0.25, 0.1}, "learning rate"}, {NULL, {0, 0, 0}, NULL}};
static const jd_system demo_system = {.name = "demo",
                                      .year = 2000,
                                      .title = "A demonstration",
                                      .paper = "Nobody, Nowhere 2000",
                                      .metric = "errors",
                                      .paper_value = 3,
                                      .accept = {5, 4, 3},
                                      .settings = settings};

static jd_run *demo(jd_ctx *ctx, const char *dir, bool resume, const char *const *set)
{
    return jd_run_new(
        ctx,
        &(jd_run_options){
            .system = &demo_system, .scale = JD_CPU, .seed = 2, .dir = tmpdir_file(dir), .set = set, .resume = resume});
}

static void settings_are_read_strictly(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    jd_run *r = demo(ctx, "settings", false, (const char *[]){"rate=1e-3", NULL});
    assert_non_null(r);
    assert_true(jd_run_setting(r, "hidden") == 8 && jd_run_setting(r, "rate") == 1e-3);
    jd_run_free(r);
    static const struct {
        const char *set, *message;
    } wrong[] = {{"hiden=3", "did you mean 'hidden'"},
                 {"zzzzzzz=3", "it has hidden, rate"},
                 {"hidden", "key=value"},
                 {"hidden=three", "not a number"},
                 {"hidden=3x", "not a number"},
                 {"hidden=nan", "not a number"},
                 {"=3", "key=value"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(demo(ctx, "settings", false, (const char *[]){wrong[i].set, NULL}));
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), wrong[i].message)) fail_msg("%s", jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    jd_ctx_free(ctx);
}

static void result_and_report(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    jd_run *r = demo(ctx, "result", false, NULL);
    assert_non_null(r);
    for (int i = 0; i < 9; i++) jd_run_log(r, i, "train/loss", 1.0 / (i + 1));
    jd_run_extra(r, "longest", 12);
    ok(ctx, jd_run_finish(r, 4, "because"));
    assert_true(jd_run_passed(r));
    char *line = jd_run_result_json(r);
    static const char head[] = "{\"system\":\"demo\",\"scale\":\"cpu\",\"seed\":2,\"metric\":\"errors\",\"value\":4,"
                               "\"better\":\"lower\",\"paper\":3,\"accept\":4,\"passed\":true,\"seconds\":";
    assert_int_equal(strncmp(line, head, sizeof head - 1), 0);
    assert_non_null(strstr(line, "\"device\":\"cpu\",\"longest\":12}"));
    jd_free(ctx, line);
    jd_run_free(r);
    char events[600] = ""; /* what TensorBoard shows: a file of nine losses */
    DIR *d = opendir(tmpdir_file("result/events"));
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') snprintf(events, sizeof events, "%s/%s", tmpdir_file("result/events"), e->d_name);
    closedir(d);
    jd_event_reader *reader = jd_event_reader_open(ctx, events);
    assert_non_null(reader);
    int losses = 0;
    for (jd_event e; jd_event_reader_next(reader, &e);)
        if (e.tag && !strcmp(e.tag, "train/loss")) {
            assert_true(e.step == losses && e.has_scalar && e.scalar == 1.f / (float)(losses + 1));
            losses++;
        }
    assert_int_equal(losses, 9);
    jd_event_reader_close(reader);
    size_t n;
    char *html = jd_read_file(ctx, tmpdir_file("result/report.html"), 0, &n);
    assert_non_null(html);
    static const char *const there[] = {"A demonstration", "<svg", "Configuration", "Environment", "hidden"};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (!strstr(html, there[i])) fail_msg("the report lacks \"%s\"", there[i]);
    jd_free(ctx, html);
    char *dir = jd_strdup(ctx, tmpdir_file("result"));
    ok(ctx, jd_run_rebuild_report(ctx, dir, tmpdir_file("again.html")));
    html = jd_read_file(ctx, tmpdir_file("again.html"), 0, &n);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (!strstr(html, there[i])) fail_msg("the rebuilt report lacks \"%s\"", there[i]);
    jd_free(ctx, html);
    jd_free(ctx, dir);
    jd_ctx_free(ctx);
}

/* A figure passes at its bar, on its side; one that is no number does not; without a bar every number does. */
static void a_result_passes_at_its_bar(void **state)
{
    (void)state;
    static const struct {
        bool higher;
        double accept, value;
        bool passes;
    } cases[] = {{false, 4, 4, true},     {false, 4, 4.001, false},        {true, 4, 4, true},
                 {true, 4, 3.999, false}, {true, 4, INFINITY, false},      {false, 4, -INFINITY, false},
                 {false, NAN, 1e9, true}, {true, NAN, (double)NAN, false}, {false, 4, (double)NAN, false}};
    jd_ctx *ctx = context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        jd_system system = demo_system;
        system.higher = cases[i].higher;
        system.accept[JD_CPU] = cases[i].accept;
        jd_run *r = jd_run_new(
            ctx, &(jd_run_options){.system = &system, .scale = JD_CPU, .seed = 1, .dir = tmpdir_file("bar")});
        assert_non_null(r);
        assert_true(jd_run_scale(r) == JD_CPU);
        ok(ctx, jd_run_finish(r, cases[i].value, NULL));
        if (jd_run_passed(r) != cases[i].passes) fail_msg("case %zu", i);
        jd_run_free(r);
    }
    jd_ctx_free(ctx);
}

/* A loop of one's own: checkpoint, resume, and other settings are refused. */
static void own_loop_saves_and_loads(void **state)
{
    (void)state;
    jd_ctx *ctx = context();
    const jd_type type = {JD_F32, 1, {3}};
    jd_run *r = demo(ctx, "own", false, NULL);
    jd_params *p = jd_params_new(ctx, JD_F32), *q = jd_params_new(ctx, JD_F32);
    ok(ctx, jd_params_set(p, "w", &type, (const float[]){1, 2, 3}));
    ok(ctx, jd_params_set_state(p, "m", &type, (const float[]){4, 5, 6}));
    assert_int_equal(jd_run_load(r, p), -1);
    jd_run_log(r, 1, "score", 0.5);
    ok(ctx, jd_run_save(r, p, 17, false));
    jd_run_free(r);
    r = demo(ctx, "own", true, NULL);
    assert_int_equal(jd_run_load(r, q), 17);
    void *data = NULL;
    assert_memory_equal(jd_params_get(q, "w"), ((const float[]){1, 2, 3}), 12);
    assert_non_null(jd_params_state(q, 0, &data));
    assert_memory_equal(data, ((const float[]){4, 5, 6}), 12);
    assert_int_equal(jd_run_history(r, "score", NULL, NULL), 1);
    jd_run_free(r);
    r = demo(ctx, "own", true, (const char *[]){"hidden=9", NULL});
    assert_int_equal(jd_run_load(r, q), -1);
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "hidden"));
    jd_run_free(r);
    jd_params_free(p);
    jd_params_free(q);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules),
        cmocka_unit_test(resume_gives_the_same_bits),
        cmocka_unit_test(metrics_are_cut_to_the_checkpoint),
        cmocka_unit_test(damaged_checkpoint_is_passed_over),
        cmocka_unit_test(sound_files_with_wrong_contents_are_refused),
        cmocka_unit_test(early_stopping_and_keep_best),
        cmocka_unit_test(a_loss_that_is_not_finite_names_the_place),
        cmocka_unit_test(settings_are_read_strictly),
        cmocka_unit_test(result_and_report),
        cmocka_unit_test(a_result_passes_at_its_bar),
        cmocka_unit_test(own_loop_saves_and_loads),
    };
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
