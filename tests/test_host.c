/* test_host.c - what a host program may have set: locale, floating-point mode, stacks, forks; and NULL for what failed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jackdaw/jackdaw.h"
#include "sanitized.h"
#include "tmpdir.h"

#define PICTURES  "conv 8 5 tanh, maxpool 2, conv 16 5 relu, maxpool 2, dropout 0.25, dense 30 tanh, dense 5"
#define SEQUENCES "lstm 32 peepholes, gru 24, dropout 0.25, dense 5"

enum { T = 20, B = 16, SIDE = 28, N = 16 };

static void step(jd_graph *g, void *user)
{
    const jd_node loss = jd_softmax_xent(g, jd_net(g, user, jd_arg(g, "x"), JD_NONE), jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "rate"), .clip = 1);
    jd_result(g, "loss", loss);
}

/* Some steps of training on numbers that are exact in any mode. */
static void train(jd_ctx *ctx, jd_params *p, const char *net, bool pictures)
{
    jd_fn *f = jd_fn_new(ctx, p, step, (void *)(uintptr_t)net);
    const size_t size = pictures ? B * SIDE * SIDE : T * B * N;
    float *x = malloc(size * sizeof *x), rate = 0.01f;
    int32_t label[T * B], number = 3;
    for (size_t i = 0; i < size; i++) x[i] = (float)(i * 7919 % 1024) / 1024.f - 0.5f;
    for (int i = 0; i < T * B; i++) label[i] = i % 5;
    const jd_tensor in[] = {pictures ? JD_TENSOR("x", JD_F32, x, B, SIDE, SIDE, 1) : JD_TENSOR("x", JD_F32, x, T, B, N),
                            pictures ? JD_TENSOR("label", JD_I32, label, B) : JD_TENSOR("label", JD_I32, label, T, B),
                            JD_SCALAR_F32("rate", &rate), JD_SCALAR_I32("step", &number)};
    for (int i = 0; i < 3; i++) jd_fn_run(f, in, 4);
    if (jd_error(ctx)) fail_msg("%s", jd_error_message(ctx));
    jd_fn_free(f);
    free(x);
}

/* A digest of the weights after two trainings. */
static uint64_t digest(jd_ctx *given, int threads)
{
    uint64_t h = UINT64_C(14695981039346656037);
    jd_ctx *ctx = given ? given : jd_ctx_new(&(jd_options){.threads = threads, .seed = 3});
    for (int pictures = 0; pictures < 2; pictures++) {
        jd_params *p = jd_params_new(ctx, JD_F32);
        train(ctx, p, pictures ? PICTURES : SEQUENCES, pictures);
        const unsigned char *w = jd_params_data(p);
        for (size_t i = 0; i < jd_params_count(p) * sizeof(float); i++) h = (h ^ w[i]) * UINT64_C(1099511628211);
        jd_params_free(p);
    }
    if (!given) jd_ctx_free(ctx);
    return h;
}

/* ---- locale ------------------------------------------------------------------------------------------------------------------- */

/* A locale with decimal commas: an installed one, or one made from the C library's sources. */
static bool set_commas(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8", "it_IT.UTF-8", "ru_RU.UTF-8"};
    char command[500];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]) && *localeconv()->decimal_point == ',') return true;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", tmpdir_file("."));
    if (system(command)) return false;
    setenv("LOCPATH", tmpdir_file("."), 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") && *localeconv()->decimal_point == ',';
}

static void write_all(jd_ctx *ctx, const char *dir)
{
    char path[300];
    jd_params *p = jd_params_new(ctx, JD_F32);
    train(ctx, p, PICTURES, true);
    const jd_export e = {
        .net = PICTURES, .params = p, .height = SIDE, .width = SIDE, .channels = 1, .low = -0.5f, .high = 1};
    jd_export_c(ctx, &e, dir, "net");
    snprintf(path, sizeof path, "%s/net.onnx", dir);
    jd_export_onnx(ctx, &e, path, false);
    jd_params_free(p);
    snprintf(path, sizeof path, "%s/run", dir);
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "host", .dir = path, .seed = 1});
    jd_run_config_number(r, "rate", 0.125);
    for (int i = 1; i < 20; i++) jd_run_log(r, i, "train/loss", 1.0 / i);
    jd_run_metric(r, "error", false);
    jd_run_finish(r, 0.375, NULL);
    jd_run_free(r);
    snprintf(path, sizeof path, "%s/chart.svg", dir);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "x"}, &(jd_axis){.label = "y"}, 0);
    jd_chart_line(c, "a", NULL, (double[]){0.25, 0.123456, 1e-7, 2.5}, 4, 0);
    size_t bytes = 0;
    char *svg = jd_chart_svg(c, &bytes);
    jd_write_file(ctx, path, svg, bytes);
    jd_free(ctx, svg);
    jd_chart_free(c);
    int height = 7, width = 7;
    jd_prepared_size(ctx, "adapthisteq tile 8 clip 0.03, resize 5 6", &height, &width);
    if (jd_error(ctx)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(width, 6);
}

static void files_have_points_in_every_locale(void **state)
{
    (void)state;
    static const char *const files[] = {"net.c", "net.h", "net.onnx", "chart.svg", "run/metrics.csv"};
    char path[2][200];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    snprintf(path[0], sizeof path[0], "%s", tmpdir_file("points"));
    snprintf(path[1], sizeof path[1], "%s", tmpdir_file("commas"));
    write_all(ctx, path[0]);
    if (!set_commas()) {
        jd_ctx_free(ctx);
        skip();
    }
    write_all(ctx, path[1]);
    assert_int_equal(*localeconv()->decimal_point, ',');
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t n[2];
        char *data[2];
        for (int k = 0; k < 2; k++) {
            char full[600];
            snprintf(full, sizeof full, "%s/%s", path[k], files[i]);
            data[k] = jd_read_file(ctx, full, 0, &n[k]);
            assert_non_null(data[k]);
        }
        if (n[0] != n[1] || memcmp(data[0], data[1], n[0])) fail_msg("%s differs between locales", files[i]);
        for (int k = 0; k < 2; k++) jd_free(ctx, data[k]);
    }
    /* And they are read in it. */
    char full[600];
    snprintf(full, sizeof full, "%s/run", path[0]);
    assert_int_equal(jd_run_rebuild_report(ctx, full, tmpdir_file("rebuilt.html")), JD_OK);
    jd_fail(ctx, JD_EUSAGE, "%g", 0.5);
    assert_string_equal(jd_error_message(ctx), "0.5");
    jd_ctx_free(ctx);
    setlocale(LC_ALL, "C");
}

/* ---- floating point, stacks, forks -------------------------------------------------------------------------------------------- */

static void any_floating_point_mode(void **state)
{
    (void)state;
    const uint64_t want = digest(NULL, 1);
    fesetround(FE_UPWARD);
    const uint64_t one = digest(NULL, 1), two = digest(NULL, 2);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    assert_true(one == want && two == want);
    feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
    const uint64_t trapping = digest(NULL, 2);
    assert_int_equal(fegetexcept(), FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
    fedisableexcept(FE_ALL_EXCEPT);
    assert_true(trapping == want);
}

static void *in_thread(void *to)
{
    *(uint64_t *)to = digest(NULL, 2);
    return NULL;
}

static void small_stacks(void **state)
{
    (void)state;
    uint64_t got = 0;
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, (size_t)(SANITIZED ? 2048 : 256) << 10);
    assert_int_equal(pthread_create(&thread, &attr, in_thread, &got), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    assert_true(got == digest(NULL, 1));
}

/* The child has none of its parent's threads, but the context. */
static void children_of_a_fork(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 3, .seed = 3});
    const uint64_t want = digest(ctx, 0);
    const pid_t child = fork();
    if (!child) {
        alarm(60);
        const bool same = digest(ctx, 0) == want && digest(ctx, 0) == want;
        jd_ctx_free(ctx);
        _exit(same ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(digest(ctx, 0) == want);
    jd_ctx_free(ctx);
}

/* ---- messages, and what failed --------------------------------------------------------------------------------------------------- */

static void long_messages_keep_their_end(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    for (size_t n = 900; n < 1100; n++) {
        char path[1200], *at = path;
        /* Letters of two bytes: none is cut in half. */
        if (n % 2) *at++ = 'a';
        for (size_t i = 0; i < n / 2; i++) at = (char *)memcpy(at, "\xc3\xb6", 3) + 2;
        jd_fail(ctx, JD_EIO, "%s: cannot be written: %s", path, "disk full");
        const char *m = jd_error_message(ctx);
        assert_true(strlen(m) < 1024);
        static const char end[] = ": cannot be written: disk full";
        assert_string_equal(m + strlen(m) - (sizeof end - 1), end);
        for (const unsigned char *c = (const unsigned char *)m; *c; c++)
            if (*c == 0xc3)
                assert_int_equal(c[1], 0xb6);
            else
                assert_true(*c != 0xb6 || c[-1] == 0xc3);
        jd_error_clear(ctx);
    }
    jd_ctx_free(ctx);
}

/* Without a context, which an unknown instruction set gives, nothing crashes. */
static void nothing_from_nothing(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.isa = "sse9"});
    assert_null(ctx);
    assert_non_null(strstr(jd_error_message(ctx), "instruction set"));
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, step, NULL);
    float x = 0;
    assert_true(jd_fn_run(f, &JD_TENSOR("x", JD_F32, &x, 1), 1) != JD_OK);
    assert_null(jd_fn_result(f, "y", NULL));
    assert_true(jd_fn_scalar(f, "loss") == 0);
    assert_null(jd_params_data(p));
    assert_int_equal(jd_params_count(p), 0);
    assert_null(jd_plan_input(NULL, "x"));
    assert_true(jd_plan_run(NULL) != JD_OK);
    jd_params_load(ctx, p, jd_safetensors_open(ctx, "none"));
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "x", .dir = "x"});
    jd_run_log(r, 0, "x", 1);
    assert_true(jd_run_finish(r, 0, NULL) != JD_OK);
    jd_run_free(r);
    assert_null(jd_ear_new(ctx, &(jd_ear_options){.preset = "mfcc39"}));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    /* With one, a NULL where something must be says what. */
    ctx = jd_ctx_new(NULL);
    assert_true(jd_params_save(ctx, NULL, "x", NULL, 0) == JD_EUSAGE);
    assert_string_equal(jd_error_message(ctx), "jd_params_save: p is NULL");
    jd_ctx_free(ctx);
}

/* ---- calls that make no sense ---------------------------------------------------------------------------------------------------- */

static jd_node kept; /* of another trace */

static void keeps(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_arg(g, "x");
    for (int i = 0; i < 50; i++) x = jd_relu(g, jd_neg(g, x));
    kept = x;
    jd_result(g, "y", x);
}

static void nonsense(jd_graph *g, void *user)
{
    const jd_node x = jd_arg(g, "x");
    switch (*(const int *)user) {
    case 0: jd_result(g, "y", jd_add(g, x, kept)); break;
    case 1: jd_result(g, "y", kept); break;
    case 2: jd_result(g, NULL, x); break;
    case 3: jd_result(g, "y", jd_arg(g, NULL)); break;
    case 4: jd_result(g, "y", jd_dense(g, NULL, x, .units = 2)); break;
    case 5: jd_result(g, "y", jd_sum(g, x, JD_AXIS(5), false)); break;
    case 6: jd_result(g, "y", jd_param(g, "w", (jd_init){0}, JD_DIMS(-2, 3))); break;
    case 7: jd_result(g, "y", jd_param(g, "w", (jd_init){0}, (jd_dims){.rank = 77})); break;
    case 8: jd_result(g, "y", jd_net(g, NULL, x, JD_NONE)); break;
    default: jd_result(g, "y", jd_param(g, NULL, (jd_init){0}, JD_DIMS(3))); break;
    }
}

static void nonsense_is_answered(void **state)
{
    (void)state;
    static const char *const words[] = {"another", "another",    "name",       "name", "name",
                                        "axes",    "dimensions", "dimensions", "spec", "name"};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    const float x[8] = {0};
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 4, 2)};
    jd_fn *first = jd_fn_new(ctx, p, keeps, NULL);
    assert_int_equal(jd_fn_run(first, in, 1), JD_OK);
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) {
        jd_fn *f = jd_fn_new(ctx, p, nonsense, &i);
        assert_int_equal(jd_fn_run(f, in, 1), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), words[i])) fail_msg("%d: %s", i, jd_error_message(ctx));
        jd_error_clear(ctx);
        jd_fn_free(f);
    }
    assert_int_equal(jd_fn_run(first, NULL, 1), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_fn_run(first, in, -1), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_fn_run(first, &(jd_tensor){NULL, {JD_F32, 1, {8}}, x}, 1), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_fn_result(first, NULL, NULL));
    jd_error_clear(ctx);
    assert_int_equal(jd_params_set(p, NULL, NULL, x), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_params_get(p, NULL));
    const jd_export e[] = {
        {.params = p, .columns = 2}, {.net = "dense 2", .columns = 2}, {.net = "dense 2", .params = p}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jd_export_c(ctx, &e[i], tmpdir_file("c"), "net"), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), (const char *[]){".net", ".params", ".columns"}[i]))
            fail_msg("%d: %s", i, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    assert_int_equal(jd_safetensors_write(ctx, tmpdir_file("none"), NULL, 1, NULL, 0), JD_EUSAGE);
    jd_fn_free(first);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_points_in_every_locale),
        cmocka_unit_test(any_floating_point_mode),
        cmocka_unit_test(small_stacks),
        cmocka_unit_test(children_of_a_fork),
        cmocka_unit_test(long_messages_keep_their_end),
        cmocka_unit_test(nothing_from_nothing),
        cmocka_unit_test(nonsense_is_answered),
    };
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
