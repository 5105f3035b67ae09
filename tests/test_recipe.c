/* test_recipe.c - `jackdaw train` without --net, and data that networks used to be lost on: few levels, many lengths. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "own_files.h"

static double figure_said(const char *before)
{
    const char *at = strstr(said, before);
    assert_non_null(at);
    return strtod(at + strlen(before), NULL);
}

/* Whether the run's result holds this text. */
static bool recorded(const char *dir, const char *text)
{
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/result.json", dir);
    char *json = jd_read_file(ctx, tmpdir_file(path), 1 << 20, &n);
    assert_non_null(json);
    const bool yes = strstr(json, text) != NULL;
    jd_free(ctx, json);
    return yes;
}

/* Two rings around each other, which no straight line parts, and the radius as a target. */
static void write_rings(const char *name, int count, bool target)
{
    static char text[40000];
    size_t at = (size_t)snprintf(text, sizeof text, "x,y,%s\n", target ? "radius" : "ring");
    jd_rng rng = jd_rng_new(7, name, 0);
    for (int i = 0; i < count; i++) {
        const double a = 6.28318530717958648 * jd_rng_uniform64(&rng), r = 1 + i % 2 + 0.3 * jd_rng_uniform64(&rng);
        at += (size_t)snprintf(text + at, sizeof text - at, "%.4f,%.4f,", 50 * r * cos(a), r * sin(a));
        at += target ? (size_t)snprintf(text + at, sizeof text - at, "%.4f\n", 1000 * r)
                     : (size_t)snprintf(text + at, sizeof text - at, "%s\n", i % 2 ? "outer" : "inner");
    }
    tmpdir_write(tmpdir_file(name), text, at);
}

static void suits_tables(void **state)
{
    (void)state;
    write_rings("rings.csv", 400, false);
    write_rings("rings-test.csv", 200, false);
    write_rings("radius.csv", 400, true);
    assert_int_equal(jackdaw("train --data rings.csv --test-data rings-test.csv --out rings"), 0);
    assert_true(figure_said("test error (%) ") < 1);
    assert_non_null(strstr(wrong, "--net \"dense 64 relu, dense 64 relu, dense 2\""));
    assert_non_null(strstr(wrong, "best validation error (%) 0 "));
    assert_true(recorded("rings", "\"schedule\": \"cosine\""));
    int told = 0; /* of the many epochs */
    for (const char *at = wrong; (at = strstr(at, "validation error")); at++) told++;
    assert_in_range(told, 10, 80);
    assert_int_equal(jackdaw("train --data radius.csv --loss mse -q --out radius"), 0);
    assert_true(figure_said("root mean squared error ") < 100); /* the spread is 500 */
    /* Without --out the earlier model stays. */
    for (int k = 0; k < 3; k++) assert_int_equal(jackdaw("train --data rings.csv --epochs 1"), 0);
    assert_non_null(strstr(wrong, "the earlier run of this name is kept in runs/train-rings-1.2"));
    assert_int_equal(jackdaw("predict runs/train-rings-1.1 rings-test.csv"), 0);
    assert_int_equal(jackdaw("predict runs/train-rings-1 rings-test.csv"), 0);
    assert_int_equal(jackdaw("train --data rings.csv --epochs 1 --resume -q"), 0);
    struct stat st;
    assert_int_equal(stat(tmpdir_file("runs/train-rings-1.3"), &st), -1);
    /* What is given stands; a result's configuration repeats the run. */
    assert_int_equal(jackdaw("train --data rings.csv --lr 0.015 --weight-decay 0 --batch 16 --schedule constant "
                             "--validation 0.2 --epochs 5 -q -o given"),
                     0);
    assert_true(recorded("given", "\"lr\": 0.015") && recorded("given", "\"weight-decay\": 0\n"));
    assert_true(recorded("given", "\"batch\": 16") && recorded("given", "\"schedule\": \"constant\""));
    assert_true(recorded("given", "\"epochs\": 5,") && recorded("given", "\"validation\": 0.2"));
    assert_int_equal(jackdaw("train --config rings/result.json -q --out again"), 0);
    size_t n = 0, m = 0;
    char *one = jd_read_file(ctx, tmpdir_file("rings/metrics.csv"), 1 << 20, &n);
    char *two = jd_read_file(ctx, tmpdir_file("again/metrics.csv"), 1 << 20, &m);
    assert_true(one && two && n == m && !memcmp(one, two, n));
    jd_free(ctx, one);
    jd_free(ctx, two);
}

/* Series of `steps` steps, or of up to half as many more: a bump somewhere, wide or narrow. */
static void write_bumps(const char *name, int count, int steps, bool ragged)
{
    static char text[200000];
    size_t at = (size_t)snprintf(text, sizeof text, "%%# made for the test\n@classLabel true wide narrow\n@data\n");
    jd_rng rng = jd_rng_new(9, name, 0);
    for (int i = 0; i < count; i++) {
        const int T = steps + (ragged ? (int)jd_rng_below(&rng, (uint32_t)steps / 2) : 0);
        const int middle = 8 + (int)jd_rng_below(&rng, (uint32_t)(T - 16)), width = i % 2 ? 2 : 6;
        for (int t = 0; t < T; t++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%.3f", t ? "," : "",
                                   (abs(t - middle) <= width) + 0.3 * (jd_rng_uniform64(&rng) - 0.5));
        at += (size_t)snprintf(text + at, sizeof text - at, ":%s\n", i % 2 ? "narrow" : "wide");
    }
    tmpdir_write(tmpdir_file(name), text, at);
}

static void suits_series(void **state)
{
    (void)state;
    write_bumps("bumps_TRAIN.ts", 60, 40, false);
    write_bumps("bumps_TEST.ts", 60, 40, false);
    assert_int_equal(jackdaw("train --data bumps_TRAIN.ts --epochs 40 --out bumps"), 0);
    assert_non_null(strstr(wrong, "window 3, dense 32 each, batchnorm"));
    assert_true(figure_said("test error (%) ") < 5);
    /* Windows know where series end: an answer does not depend on the series that share a batch. */
    write_bumps("ragged_TRAIN.ts", 60, 40, true);
    write_bumps("ragged_TEST.ts", 60, 40, true);
    assert_int_equal(
        jackdaw("train --data ragged_TRAIN.ts --net 'window 3, dense 16 each relu, window 3, dense 16 each relu, "
                "mean, dense 2' --epochs 80 -q --out ragged"),
        0);
    assert_true(figure_said("test error (%) ") < 5);
    assert_int_equal(jackdaw("predict ragged ragged_TEST.ts --csv"), 0);
    char first[200];
    const char *line = strchr(said, '\n') + 1;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(strchr(line, ','), "\n"), strchr(line, ','));
    size_t n = 0;
    char *text = jd_read_file(ctx, tmpdir_file("ragged_TEST.ts"), 1 << 20, &n);
    assert_non_null(text);
    char *at = strstr(text, "@data\n") + 6;
    tmpdir_write(tmpdir_file("alone.ts"), text, (size_t)(strchr(at, '\n') + 1 - text));
    jd_free(ctx, text);
    assert_int_equal(jackdaw("predict ragged alone.ts --csv"), 0);
    assert_non_null(strstr(said, first));
    /* So do the network for many lengths and its normalisation. */
    assert_int_equal(jackdaw("train --data ragged_TRAIN.ts --epochs 40 --out ragged"), 0);
    assert_non_null(strstr(wrong, "batchnorm, relu, blstm 32, mean, dense 2\""));
    assert_true(figure_said("test error (%) ") < 5);
    assert_int_equal(jackdaw("predict ragged ragged_TEST.ts --csv"), 0);
    line = strchr(said, '\n') + 1;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(strchr(line, ','), "\n"), strchr(line, ','));
    assert_int_equal(jackdaw("predict ragged alone.ts --csv"), 0);
    assert_non_null(strstr(said, first));
}

/* Pictures (N,8,8) of 0 to `most`: a bar, upright or not. */
static void write_bars(const char *name, double most, double fraction)
{
    enum { N = 120, S = 8 };
    static float x[N * S * S];
    static int64_t y[N];
    jd_rng rng = jd_rng_new(4, "tests/bars", 0);
    for (int i = 0; i < N; i++) {
        const int at = 1 + (int)jd_rng_below(&rng, S - 2);
        y[i] = i % 2;
        for (int k = 0; k < S * S; k++) x[i * S * S + k] = (float)((i % 2 ? k % S : k / S) == at ? most : fraction);
    }
    const jd_tensor_entry e[] = {{.name = "x", .dtype = JD_FILE_F32, .rank = 3, .dim = {N, S, S}, .data = x},
                                 {.name = "y", .dtype = JD_FILE_I64, .rank = 1, .dim = {N}, .data = y}};
    assert_int_equal(jd_npz_write(ctx, tmpdir_file(name), e, 2), JD_OK);
}

static void suits_pictures(void **state)
{
    (void)state;
    write_bars("bars.npz", 255, 0);
    write_bars("dark.npz", 3, 0);
    write_bars("lost.npz", 3, 0.5);
    assert_int_equal(jackdaw("train --data bars.npz --epochs 20 --out bars"), 0);
    assert_non_null(strstr(wrong, "--net \"conv 16 3 relu, conv 32 3 relu, maxpool 2, dense 100 relu"));
    assert_true(figure_said("error (%) ") < 1);
    /* Levels of 0 to 3 are to the net what 0 to 255 are: the same bits. */
    assert_int_equal(jackdaw("train --data dark.npz --epochs 20 -q --out dark"), 0);
    size_t n = 0, m = 0;
    char *one = jd_read_file(ctx, tmpdir_file("bars/metrics.csv"), 1 << 20, &n);
    char *two = jd_read_file(ctx, tmpdir_file("dark/metrics.csv"), 1 << 20, &m);
    assert_true(one && two && n == m && !memcmp(one, two, n));
    jd_free(ctx, one);
    jd_free(ctx, two);
    assert_int_equal(jackdaw("eval dark dark.npz"), 0);
    assert_true(figure_said("error (%) ") < 1);
    assert_int_equal(jackdaw("train --data lost.npz -q --out lost"), JD_EDATA);
    assert_non_null(strstr(wrong, "divide them all by the largest"));
}

/* What people's tables hold without a word about it: a column of row numbers, prices as the last, dates. */
static void unsaid(void **state)
{
    (void)state;
    char text[16000];
    size_t at = (size_t)snprintf(text, sizeof text, "Id,x,kind\n");
    for (int i = 0; i < 120; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,%d,%s\n", i + 1, i % 7, i < 60 ? "first" : "second");
    write_text("sorted.csv", text);
    assert_int_equal(jackdaw("train --data sorted.csv --epochs 1 -o sorted"), 0);
    assert_non_null(strstr(wrong, "column 1 counts the rows"));
    assert_non_null(strstr(wrong, "the classes are those of the column kind: first, second; --target"));
    at = (size_t)snprintf(text, sizeof text, "day,rooms,price\n");
    for (int i = 0; i < 120; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d.%d.2024,%d,%d\n", i % 28 + 1, i / 28 + 1, i % 5,
                               90000 + 1737 * i);
    write_text("prices.csv", text);
    assert_int_equal(jackdaw("train --data prices.csv --epochs 1 -o prices"), 0);
    assert_non_null(strstr(wrong, "day: dates, day.month.year: days since 2000, day of the week and of the year"));
    assert_non_null(strstr(wrong, "price holds many different whole numbers: it is learned as a number (--loss mse)"));
    assert_true(recorded("prices", "\"input\": \"6\""));
    assert_int_equal(jackdaw("train --data prices.csv --loss xent -o prices"), JD_EDATA);
    assert_non_null(strstr(wrong, "120 classes in 120 rows, too few of each; --loss mse"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(suits_tables), cmocka_unit_test(suits_series),
                                       cmocka_unit_test(suits_pictures), cmocka_unit_test(unsaid)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
