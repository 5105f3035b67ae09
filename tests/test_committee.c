/* Committees: averages, their identity for equal columns, errors, groups kept out of validation, a committee that learns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tmpdir.h"
#include "../systems/images.c"
#include "../systems/images_report.c"
#include "../systems/committee.c"
#include "../systems/committee_report.c"
#include "../systems/images_train.c"
#include "jackdaw/layers.h"

enum { K = 4, N = 50 };

static void random_rows(float *p, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "test", 0);
    for (int i = 0; i < N; i++) {
        double sum = 0, q[K];
        for (int k = 0; k < K; k++) sum += q[k] = jd_rng_uniform64(&r) + 1e-3;
        for (int k = 0; k < K; k++) p[i * K + k] = (float)(q[k] / sum);
    }
}

/* C copies of one column decide as the column does, and every combination sums to 1. */
static void copies(void **state)
{
    (void)state;
    float p[N * K], q[N * K], out[N * K];
    random_rows(p, 1);
    random_rows(q, 2);
    const float *same[] = {p, p, p, p, p}, *mixed[] = {p, q};
    for (int way = 0; way < COMMITTEE_WAYS; way++) {
        committee_combine(same, 5, N, K, way, out);
        for (int i = 0; i < N; i++) {
            assert_int_equal(choice(out + i * K, K), choice(p + i * K, K));
            for (int k = 0; way != COMMITTEE_VOTE && k < K; k++)
                assert_true(fabs((double)out[i * K + k] - (double)p[i * K + k]) < 1e-6);
        }
        committee_combine(mixed, 2, N, K, way, out);
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += (double)out[i * K + k];
            assert_true(fabs(sum - 1) < 1e-6);
        }
    }
}

static void ways_by_hand(void **state)
{
    (void)state;
    const float a[] = {0.6f, 0.3f, 0.1f, 0.f}, b[] = {0.5f, 0.4f, 0.1f, 0.f}, c[] = {0.f, 0.9f, 0.05f, 0.05f};
    const float *p[] = {a, b, c};
    float out[K];
    committee_combine(p, 3, 1, K, COMMITTEE_MEAN, out);
    assert_true(fabs((double)out[0] - 1.1 / 3) < 1e-6 && fabs((double)out[1] - 1.6 / 3) < 1e-6);
    committee_combine(p, 3, 1, K, COMMITTEE_VOTE, out);
    assert_true(fabs((double)out[0] - 2.0 / 3) < 1e-6 && fabs((double)out[1] - 1.0 / 3) < 1e-6);
    committee_combine(p, 3, 1, K, COMMITTEE_PRODUCT, out);
    const double one = cbrt(0.3 * 0.4 * 0.9), two = cbrt(0.1 * 0.1 * 0.05);
    assert_true(fabs((double)out[2] / (double)out[1] - two / one) < 1e-5 && (double)out[0] < 1e-6);
}

static void top_errors(void **state)
{
    (void)state;
    int32_t labels[] = {0, 1, 2, 3};
    const float p[] = {.4f, .3f, .2f, .1f, .4f, .3f, .2f, .1f, .4f, .3f, .2f, .1f, .25f, .25f, .25f, .25f};
    const jd_images set = {.count = 4, .classes = K, .labels = labels};
    assert_true(fabs(committee_error(&set, p, 1) - 75) < 1e-9); /* of equal ones the first counts */
    assert_true(fabs(committee_error(&set, p, 2) - 50) < 1e-9);
    assert_true(fabs(committee_error(&set, p, 3) - 25) < 1e-9);
    assert_true(committee_error(&set, p, 4) < 1e-9);
}

/* Pictures of 6 x 6 in K classes: a bright quarter, noise over it. */
static jd_images quarters(jd_ctx *ctx, size_t n, uint64_t seed)
{
    jd_images s = {.count = n, .height = 6, .width = 6, .channels = 1, .classes = K};
    s.pixels = jd_alloc_array(ctx, n, 36);
    s.labels = jd_alloc_array(ctx, n, sizeof *s.labels);
    jd_rng r = jd_rng_new(seed, "test", 1);
    for (size_t i = 0; i < n; i++) {
        s.labels[i] = (int32_t)(i % K);
        for (int k = 0; k < 36; k++) {
            const int quarter = k / 18 * 2 + k % 6 / 3;
            s.pixels[i * 36 + (size_t)k] = (uint8_t)(jd_rng_below(&r, 200) + (quarter == s.labels[i] ? 50 : 0));
        }
    }
    return s;
}

static void flatten_odd(const void *user, int column, char line[COMMITTEE_LINE], char name[COMMITTEE_NAME])
{
    (void)user;
    snprintf(line, COMMITTEE_LINE, column % 2 ? "histeq" : "");
    snprintf(name, COMMITTEE_NAME, column % 2 ? "flat" : "plain");
}

static void learns(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "committee", .dir = tmpdir_path, .seed = 3});
    committee c = {.r = r,
                   .ctx = ctx,
                   .o = {.pictures = {.side = 6, .held_out = 60, .batch = 10, .seed = 3},
                         .line = "conv 4 3 tanh, maxpool 2, dense 4",
                         .columns = 3,
                         .prepare = flatten_odd},
                   .train = quarters(ctx, 400, 1),
                   .test = quarters(ctx, 200, 2),
                   .w = jd_params_new(ctx, JD_F32)};
    committee_train(&c, 5, (jd_schedule){.kind = JD_CONSTANT, .rate = 0.1});
    assert_int_equal(jd_error(ctx), JD_OK);
    assert_string_equal(c.name[0], "plain");
    assert_string_equal(c.name[1], "flat");
    assert_string_equal(c.name[2], "plain (3)");
    assert_int_equal(jd_params_ranges(c.w), 3 * 4);
    assert_non_null(jd_params_find(c.w, "column2/conv1/W"));
    assert_non_null(jd_params_find(c.w, "column3/conv1/W"));
    assert_memory_not_equal(jd_params_get(c.w, "column1/conv1/W"), jd_params_get(c.w, "column3/conv1/W"),
                            36 * sizeof(float));
    assert_true(c.single < 40 && c.error[COMMITTEE_MEAN] <= c.single);
    assert_true(isfinite(c.valid_error) && c.column_valid[2] < 60);
    /* the kept weights are those that answered: column 2 again, on prepared pictures */
    c.at = 1;
    images *im = open_column(&c, 1);
    jd_fn *f = jd_fn_new(ctx, c.w, column_answer, &c);
    float p[200 * K];
    images_error(im, f, &im->test, p);
    assert_memory_equal(p, c.p[1], sizeof p);
    committee_report(&c, 1);
    size_t bytes;
    char *html = jd_report_html(jd_run_report(r), &bytes);
    assert_non_null(strstr(html, "committee: vote"));
    assert_non_null(strstr(html, "plain, flat, plain (3)"));
    assert_non_null(strstr(html, "the best on the validation set"));
    jd_free(ctx, html);
    jd_fn_free(f);
    images_close(im);
    for (int k = 0; k < 3; k++) {
        jd_free(ctx, c.p[k]);
        jd_free(ctx, c.p_valid[k]);
    }
    jd_free(ctx, c.mean);
    jd_params_free(c.w);
    images_close(c.im);
    jd_images_free(ctx, &c.train);
    jd_images_free(ctx, &c.test);
    jd_run_free(r);
    jd_ctx_free(ctx);
}

/* Groups of four; holding out 10 of 40 holds out 12. */
static void groups_stay_whole(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_images train = quarters(ctx, 40, 1);
    train.groups = jd_alloc_array(ctx, 40, sizeof *train.groups);
    for (int i = 0; i < 40; i++) train.groups[i] = i / 4;
    images *im = images_from(ctx, train, quarters(ctx, 8, 2), &(images_options){.side = 6, .held_out = 10, .batch = 4});
    assert_int_equal(im->train.count, 28);
    assert_int_equal(im->valid.count, 12);
    assert_int_equal(im->valid.groups[0], 7);
    images_close(im);
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "committee", .dir = tmpdir_path});
    assert_null(committee_open(r, "mnist", &(committee_options){.columns = COMMITTEE_COLUMNS + 1}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_run_free(r);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(ways_by_hand),
        cmocka_unit_test(top_errors),
        cmocka_unit_test_setup_teardown(learns, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(groups_stay_whole, tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
