/* test_targets.c - regression of several targets: trained, measured, named in answers and exported. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>

#include "own_files.h"

enum { N = 200, K = 3 };
static double x[N][2], y[N][K];

/* Three targets whose units differ by 10^6: two that the inputs tell, and one that they do not. */
static void write_houses(const char *name)
{
    char text[20000];
    size_t at = (size_t)snprintf(text, sizeof text, "rooms,price,age,\"rent, warm\",noise\n");
    jd_rng rng = jd_rng_new(5, "tests/houses", 0);
    for (int i = 0; i < N; i++) {
        x[i][0] = floor(1 + 6 * jd_rng_uniform64(&rng));
        x[i][1] = 80 * jd_rng_uniform64(&rng);
        y[i][0] = 3e5 + 5e4 * x[i][0] - 1e3 * x[i][1];
        y[i][1] = 0.5 + 0.25 * x[i][0] + 0.01 * x[i][1];
        y[i][2] = jd_rng_uniform64(&rng);
        at += (size_t)snprintf(text + at, sizeof text - at, "%.9g,%.9g,%.9g,%.9g,%.9g\n", x[i][0], y[i][0], x[i][1],
                               y[i][1], y[i][2]);
    }
    tmpdir_write(tmpdir_file(name), text, strlen(text));
}

/* The number behind `key` in what was said. */
static double number(const char *from, const char *key)
{
    const char *at = strstr(from, key);
    if (!at) fail_msg("no %s in: %s", key, from);
    return strtod(at + strlen(key), NULL);
}

/* The answers, column by column, against the truth: the figures that `eval` must tell. */
static void figures(double rmse[K], double r2[K])
{
    const char *line = strchr(said, '\n') + 1;
    double squares[K] = {0}, mean[K] = {0}, spread[K] = {0};
    for (int i = 0; i < N; i++) {
        const char *at = strchr(strchr(line, ',') + 1, ',');
        for (int k = 0; k < K; k++) {
            char *end;
            assert_non_null(at);
            assert_int_equal(*at, ',');
            const double d = strtod(at + 1, &end) - y[i][k];
            squares[k] += d * d;
            mean[k] += y[i][k] / N;
            at = end;
        }
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(*line, 0);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < K; k++) spread[k] += (y[i][k] - mean[k]) * (y[i][k] - mean[k]);
    for (int k = 0; k < K; k++) rmse[k] = sqrt(squares[k] / N), r2[k] = 1 - squares[k] / spread[k];
}

static void learns_several(void **state)
{
    (void)state;
    double rmse[K], r2[K];
    write_houses("houses.csv");
    assert_int_equal(jackdaw("train --data houses.csv --target 'price,\"rent, warm\",noise' --loss mse --net 'dense 3' "
                             "--threads 1 --validation 0.2 -q -o three"),
                     0);
    assert_non_null(strstr(said, "root mean squared error (standard deviations)"));
    assert_int_equal(jackdaw("predict three houses.csv --csv"), 0);
    assert_memory_equal(said, "file,index,price,\"rent, warm\",noise\n", 36);
    figures(rmse, r2);
    assert_true(r2[0] > 0.999 && r2[1] > 0.999 && r2[2] < 0.3 && rmse[0] < 3000 && rmse[1] < 0.02);
    assert_int_equal(jackdaw("eval three --data houses.csv --json"), 0);
    const char *at = strstr(said, "\"targets\":[{\"name\":\"price\"");
    assert_non_null(at);
    for (int k = 0; k < K; k++) {
        /* Targets are kept as floats. */
        assert_true(fabs(number(at, "\"rmse\":") - rmse[k]) < 1e-4 * rmse[k] + 1e-7 * fabs(y[0][k]));
        assert_true(fabs(number(at, "\"r2\":") - r2[k]) < 1e-5);
        at = strchr(at, '}') + 1;
    }
    const double together = (r2[0] + r2[1] + r2[2]) / 3, sure = number(said, "\"value\":");
    assert_true(fabs(number(said, ",\"r2\":") - together) < 1e-5);
    assert_true(fabs(sure * sure - (1 - together)) < 0.03); /* in standard deviations, of the training samples */
    assert_int_equal(jackdaw("eval three --data houses.csv"), 0);
    assert_non_null(strstr(said, "\ntarget "));
    assert_non_null(strstr(said, "\nrent, warm "));
    assert_int_equal(jackdaw("predict three houses.csv"), 0);
    assert_non_null(strstr(said, "houses.csv:0  price "));
    assert_int_equal(jackdaw("predict three houses.csv --json"), 0);
    assert_non_null(strstr(said, "\"values\":{\"price\":"));
    size_t n;
    char *report = jd_read_file(ctx, tmpdir_file("three/report.html"), 1 << 24, &n);
    assert_non_null(memmem(report, n, "rent, warm: what the network answers over what is true", 54));
    jd_free(ctx, report);
}

/* The file that is exported gives each target in its own unit. */
static void exports_units(void **state)
{
    (void)state;
    char command[600], answer[1 << 16];
    assert_int_equal(jackdaw("predict three houses.csv --csv"), 0);
    strcpy(answer, said);
    assert_int_equal(jackdaw("export three --c c --name three --onnx three.onnx"), 0);
    snprintf(command, sizeof command,
             "cd '%s/c' && cc -std=c99 -Wall -Wextra -Wconversion -Werror -fPIC -shared three.c -o three.so -lm",
             tmpdir_path);
    assert_int_equal(system(command), 0);
    void *library = dlopen(tmpdir_file("c/three.so"), RTLD_NOW), (*run)(const float *, float *);
    assert_non_null(library);
    void *p = dlsym(library, "three_run");
    memcpy(&run, &p, sizeof p);
    const char *line = strchr(answer, '\n') + 1;
    for (int i = 0; i < N; i++) {
        float out[K];
        run((float[]){(float)x[i][0], (float)x[i][1]}, out);
        const char *at = strchr(strchr(line, ',') + 1, ',');
        for (int k = 0; k < K; k++) {
            char *end;
            const double want = strtod(at + 1, &end);
            assert_true(fabs((double)out[k] - want) < 1e-5 * (fabs(want) + 0.1));
            at = end;
        }
        line = strchr(line, '\n') + 1;
    }
    dlclose(library);
    size_t n;
    char *h = jd_read_file(ctx, tmpdir_file("c/three.h"), 1 << 20, &n);
    assert_non_null(memmem(h, n, "price|rent, warm|noise", 22));
    jd_free(ctx, h);
    snprintf(command, sizeof command,
             "cd '%s' && for p in python3 /usr/bin/python3; do $p -c 'import onnxruntime' 2>/dev/null && "
             "$p -c 'import onnxruntime as o, numpy as n; s = o.InferenceSession(\"three.onnx\"); "
             "print(*s.run(None, {\"x\": n.array([[%.9g, %.9g]], n.float32)})[0][0])' && exit 0; done; echo none",
             tmpdir_path, x[0][0], x[0][1]);
    assert_int_equal(output_of(command, said, sizeof said), 0);
    if (!strncmp(said, "none", 4)) return; /* no onnxruntime */
    const char *at = strchr(strchr(strchr(answer, '\n'), ',') + 1, ',') + 1;
    char *end = said, *next;
    for (int k = 0; k < K; k++, at = next + 1) {
        const double want = strtod(at, &next), got = strtod(end, &end);
        assert_true(fabs(got - want) < 1e-5 * (fabs(want) + 0.1));
    }
}

/* Lists of columns as --columns has them; a header is not needed; arrays of NumPy. */
static void chooses_columns(void **state)
{
    (void)state;
    assert_int_equal(
        jackdaw("train --data houses.csv --columns 1,age --target 4-5 --loss mse --net 'dense 2' --epochs 2 -q -o two"),
        0);
    assert_int_equal(jackdaw("predict two houses.csv --csv"), 0);
    assert_memory_equal(said, "file,index,\"rent, warm\",noise\n", 30);
    char command[400];
    snprintf(command, sizeof command, "cd '%s' && tail -n +2 houses.csv >bare.csv", tmpdir_path);
    assert_int_equal(system(command), 0);
    assert_int_equal(jackdaw("train --data bare.csv --target 4,2 --loss mse --net 'dense 2' --epochs 2 -q -o bare"), 0);
    assert_int_equal(jackdaw("predict bare bare.csv --csv"), 0);
    assert_memory_equal(said, "file,index,column 4,column 2\n", 29);
    static float rows[N][2], both[N][2];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++) rows[i][k] = (float)x[i][k], both[i][k] = (float)y[i][k];
    const char *const names[2] = {"rows.npy", "both.npy"};
    for (int k = 0; k < 2; k++)
        assert_int_equal(jd_npy_write(ctx, tmpdir_file(names[k]),
                                      &(jd_tensor_entry){.name = "a",
                                                         .dtype = JD_FILE_F32,
                                                         .rank = 2,
                                                         .dim = {N, 2},
                                                         .data = k ? (void *)both : (void *)rows}),
                         JD_OK);
    assert_int_equal(jackdaw("train --data rows.npy --labels both.npy --loss mse --net 'dense 2' -q -o arrays"), 0);
    assert_int_equal(jackdaw("eval arrays --data rows.npy --labels both.npy --json"), 0);
    assert_non_null(strstr(said, "\"name\":\"target 2\""));
    assert_true(number(said, ",\"r2\":") > 0.999);
    assert_int_equal(
        jackdaw("train --data houses.csv --target price --columns rooms,age --loss mse --net 'dense 1' -q -o one"), 0);
    assert_int_equal(jackdaw("predict one houses.csv --csv"), 0);
    assert_memory_equal(said, "file,index,value\n", 17);
    assert_int_equal(jackdaw("eval one houses.csv"), 0);
    assert_true(number(said, "\nR2 ") > 0.999);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        jd_status code;
        const char *word;
    } bad[] = {
        {"--target price,noise --loss mse --net 'dense 3'", JD_EUSAGE, "end it with \"dense 2\""},
        {"--target price,noise --net 'dense 2'", JD_EUSAGE, "for several targets that are numbers use --loss mse"},
        {"--target price,noise --method gmdh", JD_EUSAGE, "grow one for each"},
        {"--target price,price --loss mse --net 'dense 2'", JD_EUSAGE, "asked for twice"},
        {"--target price,prise --loss mse --net 'dense 2'", JD_EDATA, "did you mean 'price'?"},
        {"--target ' ' --loss mse --net 'dense 2'", JD_EUSAGE, "names no column"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char command[400];
        snprintf(command, sizeof command, "train --data houses.csv %s -q -o no", bad[i].arguments);
        assert_int_equal(jackdaw(command), bad[i].code);
        if (!strstr(wrong, bad[i].word)) fail_msg("%s: %s", bad[i].arguments, wrong);
    }
    static const char gap[] = "a,b,c\n1,2,3\n2,,5\n3,4,5\n";
    tmpdir_write(tmpdir_file("gap.csv"), gap, sizeof gap - 1);
    assert_int_equal(jackdaw("train --data gap.csv --target b,c --loss mse --net 'dense 2' -q -o no"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 3, column 2 (b): no number"));
    assert_int_equal(
        jackdaw("train --data gap.csv --target b,c --missing drop --loss mse --net 'dense 2' --epochs 1 -o gap"), 0);
    assert_non_null(strstr(wrong, "1 rows of the tables cannot be used"));
    static const char words[] = "a,b,c\n1,2,x\n2,3,y\n3,4,x\n";
    tmpdir_write(tmpdir_file("words.csv"), words, sizeof words - 1);
    assert_int_equal(jackdaw("train --data words.csv --target b,c --loss mse --net 'dense 2' -q -o no"), JD_EDATA);
    assert_non_null(strstr(wrong, "column 3 (c): the target is a word, x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(learns_several), cmocka_unit_test(exports_units),
                                       cmocka_unit_test(chooses_columns), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
