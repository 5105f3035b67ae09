/* Segmentation and detection scores against small cases worked out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "jackdaw/metrics.h"

static jd_ctx *ctx;

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-12)) fail_msg("%.17g, expected %.17g", got, want);
}

static jd_partition_score compare(const int32_t *truth, const int32_t *found, size_t n)
{
    jd_partition_score s = {0};
    assert_int_equal(jd_compare_partitions(ctx, truth, found, n, &s), JD_OK);
    return s;
}

static void test_partitions(void **state)
{
    (void)state;
    /* identical, with other numbers; what the truth puts outside does not count */
    jd_partition_score s = compare((int32_t[]){1, 1, 2, 2, 0, 0}, (int32_t[]){9, 9, 4, 4, 4, 0}, 6);
    near(s.rand, 1), near(s.info, 1), near(s.rand_split, 1), near(s.info_merge, 1);
    /* one object cut into halves: P = 1, R = 1/2, F = 2/3 */
    s = compare((int32_t[]){1, 1, 1, 1}, (int32_t[]){1, 1, 2, 2}, 4);
    near(s.rand_merge, 1), near(s.rand_split, 0.5), near(s.rand, 2.0 / 3);
    near(s.info_merge, 1), near(s.info_split, 0), near(s.info, 0);
    /* two equal objects merged: P = 1/2, R = 1, F = 2/3 */
    s = compare((int32_t[]){1, 1, 2, 2}, (int32_t[]){3, 3, 3, 3}, 4);
    near(s.rand_merge, 0.5), near(s.rand_split, 1), near(s.rand, 2.0 / 3);
    near(s.info_split, 1), near(s.info_merge, 0);
    /* found background inside an object: each such pixel is alone.  t = {1}, s = {3/4, 1/4}: sum p^2 = 9/16 + 1/16 */
    s = compare((int32_t[]){1, 1, 1, 1}, (int32_t[]){5, 5, 5, 0}, 4);
    near(s.rand_split, 10.0 / 16), near(s.rand_merge, 1), near(s.rand, 20.0 / 26);
    s = compare((int32_t[]){1, 1, 1, 1}, (int32_t[]){5, 5, 0, 0}, 4);
    near(s.rand_split, 6.0 / 16), near(s.rand_merge, 1);
    /* truth {1: 4, 2: 2}, found {1: 3, 2: 2, alone: 1}: p = 3/6, 1/6 (alone), 2/6 of object 2 */
    s = compare((int32_t[]){1, 1, 1, 1, 2, 2}, (int32_t[]){1, 1, 1, 0, 2, 2}, 6);
    const double t2 = 16.0 / 36 + 4.0 / 36, p2 = 9.0 / 36 + 4.0 / 36 + 1.0 / 36;
    near(s.rand_split, p2 / t2), near(s.rand_merge, 1);
    const double ht = -(4.0 / 6 * log(4.0 / 6) + 2.0 / 6 * log(2.0 / 6));
    const double hs = -(3.0 / 6 * log(3.0 / 6) + 1.0 / 6 * log(1.0 / 6) + 2.0 / 6 * log(2.0 / 6));
    near(s.info_merge, 1), near(s.info_split, ht / hs), near(s.info, 2 * ht / (ht + hs));
    /* crossing: truth {12 34}, found {13 24} of equal parts: independent */
    s = compare((int32_t[]){1, 1, 2, 2}, (int32_t[]){1, 2, 1, 2}, 4);
    near(s.rand_split, 0.5), near(s.rand_merge, 0.5), near(s.rand, 0.5), near(s.info, 0);
    jd_partition_score out;
    assert_int_equal(jd_compare_partitions(ctx, (int32_t[]){0, 0}, (int32_t[]){1, 1}, 2, &out), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_compare_partitions(ctx, (int32_t[]){1, -1}, (int32_t[]){1, 1}, 2, &out), JD_EUSAGE);
    jd_error_clear(ctx);
}

/* '#' is inside. */
static void read_image(const char *const *rows, int H, int W, uint8_t *inside)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) inside[y * W + x] = rows[y][x] == '#';
}

static void test_objects(void **state)
{
    (void)state;
    /* touching at a corner is not touching */
    static const char *const rows[] = {"##.#", "##.#", "..#.", "#.##"};
    uint8_t inside[16];
    int32_t label[16], count;
    read_image(rows, 4, 4, inside);
    assert_int_equal(jd_label_objects(ctx, inside, 4, 4, label, &count), JD_OK);
    assert_int_equal(count, 4);
    static const int32_t want[16] = {1, 1, 0, 2, 1, 1, 0, 2, 0, 0, 3, 0, 4, 0, 3, 3};
    assert_memory_equal(label, want, sizeof want);
}

static void test_thin(void **state)
{
    (void)state;
    /* Two objects and a membrane of three columns: the middle one stays. */
    int32_t label[2 * 7] = {1, 1, 0, 0, 0, 2, 2, 1, 1, 0, 0, 0, 2, 2};
    static const int32_t want[2 * 7] = {1, 1, 1, 0, 2, 2, 2, 1, 1, 1, 0, 2, 2, 2};
    assert_int_equal(jd_label_thin(ctx, label, 2, 7), JD_OK);
    assert_memory_equal(label, want, sizeof want);
    /* One object takes all. */
    int32_t one[9] = {0, 0, 0, 0, 7, 0, 0, 0, 0};
    assert_int_equal(jd_label_thin(ctx, one, 3, 3), JD_OK);
    for (int i = 0; i < 9; i++) assert_int_equal(one[i], 7);
    int32_t none[4] = {0};
    assert_int_equal(jd_label_thin(ctx, none, 2, 2), JD_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(none[i], 0);
}

static void test_membranes(void **state)
{
    (void)state;
    /* Two cells with a membrane between; the map doubts the membrane in one row: below 0.35 the cells merge. */
    enum { H = 3, W = 5 };
    uint8_t inside[H * W];
    float map[H * W];
    for (int i = 0; i < H * W; i++) {
        inside[i] = i % W != 2;
        map[i] = inside[i] ? 0.95f : 0.05f;
    }
    map[1 * W + 2] = 0.35f;
    jd_membrane_score s;
    const jd_membranes m = {.slices = 1, .H = H, .W = W, .inside = inside, .map = map};
    assert_int_equal(jd_score_membranes(ctx, &m, &s), JD_OK);
    near(s.rand, 1), near(s.info, 1), near(s.rand_threshold, 0.4);
    near(s.at[3].rand_merge, 0.5), near(s.at[3].rand_split, 1), near(s.at[3].rand, 2.0 / 3);
    /* nothing is inside at threshold 1: twelve lone pixels, 12 (1/12)^2 against 1/2 */
    near(s.at[10].rand_split, 12.0 / 144 / 0.5), near(s.at[10].rand_merge, 1);
    /* Two slices: the means at each threshold, then the largest. */
    uint8_t both[2 * H * W];
    float maps[2 * H * W];
    memcpy(both, inside, sizeof inside), memcpy(both + H * W, inside, sizeof inside);
    memcpy(maps, map, sizeof map), memcpy(maps + H * W, map, sizeof map);
    maps[H * W + 1 * W + 2] = 0.96f; /* no threshold is good for the second */
    assert_int_equal(
        jd_score_membranes(ctx, &(jd_membranes){.slices = 2, .H = H, .W = W, .inside = both, .map = maps}, &s), JD_OK);
    near(s.rand, (1 + 2.0 / 3) / 2);
    assert_int_equal(jd_score_membranes(ctx, &(jd_membranes){.slices = 0, .H = H, .W = W}, &s), JD_EUSAGE);
    jd_error_clear(ctx);
}

static void test_thick_membrane(void **state)
{
    (void)state;
    /* The proposal's membrane is three pixels wide, the truth's one: thinning makes it perfect. */
    enum { W = 9 };
    uint8_t inside[W];
    float map[W];
    for (int i = 0; i < W; i++) inside[i] = i != 4, map[i] = i < 3 || i > 5 ? 1.f : 0.f;
    jd_membrane_score s;
    jd_membranes m = {.slices = 1, .H = 1, .W = W, .inside = inside, .map = map};
    assert_int_equal(jd_score_membranes(ctx, &m, &s), JD_OK);
    near(s.rand_threshold, 0), near(s.at[5].rand_split, (2 * 9 + 2) / 64.0 / 0.5);
    m.thin = true;
    assert_int_equal(jd_score_membranes(ctx, &m, &s), JD_OK);
    near(s.rand, 1), near(s.info, 1);
}

static void test_pixels(void **state)
{
    (void)state;
    const uint8_t inside[5] = {1, 1, 0, 0, 1};
    const float map[5] = {1.f, 0.75f, 0.25f, 0.5f, 0.f};
    jd_pixel_score s;
    assert_int_equal(jd_score_pixels(ctx, inside, map, 5, &s), JD_OK);
    near(s.square, (0.0625 + 0.0625 + 0.25 + 1) / 5);
    near(s.half, 0.2), near(s.wrong, 0.2), near(s.threshold, 0.5);
    near(s.similarity, 2 * 2.0 / (2 + 3));
    assert_int_equal(jd_score_pixels(ctx, inside, map, 0, &s), JD_EUSAGE);
    jd_error_clear(ctx);
}

static double warp(const char *const *truth, const char *const *found, int H, int W)
{
    uint8_t inside[100], proposal[100];
    float map[100];
    double e = -1;
    read_image(truth, H, W, inside);
    read_image(found, H, W, proposal);
    for (int i = 0; i < H * W; i++) map[i] = proposal[i] ? 1.f : 0.f;
    assert_int_equal(jd_warping_error(ctx, inside, map, H, W, 0.5, &e), JD_OK);
    return e * H * W;
}

static void test_warping(void **state)
{
    (void)state;
    static const char *const two[] = {"##.##", "##.##", "##.##"}, *const moved[] = {"#.###", "#.###", "#.###"};
    static const char *const gap[] = {"##.##", "#####", "##.##"}, *const all[] = {"#####", "#####", "#####"};
    static const char *const hole[] = {"#####", "##.##", "#####"}, *const left[] = {"##...", "##...", "##..."};
    near(warp(two, two, 3, 5), 0);
    near(warp(two, moved, 3, 5), 0); /* moving a membrane costs nothing */
    near(warp(two, gap, 3, 5), 1);   /* a gap merges */
    near(warp(gap, two, 3, 5), 1);   /* closing it splits */
    near(warp(all, hole, 3, 5), 1);
    near(warp(hole, all, 3, 5), 1);
    near(warp(two, left, 3, 5), 1); /* an object can shrink to one pixel, not vanish */
    near(warp(left, two, 3, 5), 6); /* nor appear */
}

static void test_detection(void **state)
{
    (void)state;
    const jd_point truth[] = {{10, 10, 0}, {10, 16, 0}, {50, 50, 0}};
    const jd_point found[] = {{10, 13.5f, 0.9f}, {10, 18, 0.8f}, {50, 56, 0.7f}, {80, 80, 0.6f}};
    jd_detection_score s;
    int32_t match[4];
    assert_int_equal(jd_match_points(ctx, truth, 3, found, 4, 5, &s, match), JD_OK);
    /* the second detection is nearest to the second truth (2), then the first takes the first truth (3.5) */
    assert_int_equal(s.right, 2), assert_int_equal(s.wrong, 2), assert_int_equal(s.missed, 1);
    assert_int_equal(match[0], 0), assert_int_equal(match[1], 1), assert_int_equal(match[2], -1);
    near(s.precision, 0.5), near(s.recall, 2.0 / 3), near(s.f1, 4.0 / 7);
    /* exactly on the radius counts; each truth once */
    assert_int_equal(jd_match_points(ctx, truth, 1, (jd_point[]){{14, 13, 0}, {10, 10, 0}}, 2, 5, &s, match), JD_OK);
    assert_int_equal(s.right, 1), assert_int_equal(match[0], -1), assert_int_equal(match[1], 0);
    jd_detection_score sum = {0};
    jd_detection_add(&sum, &(jd_detection_score){.right = 70, .wrong = 9, .missed = 30});
    near(sum.precision, 70.0 / 79), near(sum.recall, 0.7), near(sum.f1, 140.0 / 179);
    assert_int_equal(jd_match_points(ctx, truth, 0, found, 0, 5, &s, NULL), JD_OK);
    near(s.f1, 0);
}

static void test_peaks(void **state)
{
    (void)state;
    enum { H = 9, W = 12 };
    float map[H * W] = {0}, mean[H * W];
    map[2 * W + 3] = 0.9f;
    map[2 * W + 5] = 0.8f; /* 2 away: suppressed */
    map[6 * W + 3] = 0.7f; /* 4 away: kept */
    map[6 * W + 4] = 0.7f; /* an equal: the first is taken */
    map[8 * W + 11] = 0.3f;
    jd_point *p = NULL;
    size_t n = 0;
    assert_int_equal(jd_find_peaks(ctx, map, H, W, 3, 0.5, &p, &n), JD_OK);
    assert_int_equal(n, 2);
    assert_true(p[0].y == 2 && p[0].x == 3 && p[0].score == 0.9f && p[1].y == 6 && p[1].x == 3);
    jd_free(ctx, p);
    assert_int_equal(jd_find_peaks(ctx, map, H, W, 0, 0.5, &p, &n), JD_OK);
    assert_int_equal(n, 4);
    jd_free(ctx, p);
    /* a disk of radius 1 is a plus of five pixels; at the corner three of them are left */
    assert_int_equal(jd_disk_mean(ctx, map, H, W, 1, mean), JD_OK);
    assert_true(fabs((double)mean[2 * W + 4] - 1.7 / 5) < 1e-6);
    assert_true(fabs((double)mean[8 * W + 11] - 0.1) < 1e-6);
    assert_int_equal(jd_disk_mean(ctx, map, H, W, -1, mean), JD_EUSAGE);
    jd_error_clear(ctx);
}

static int setup(void **state)
{
    (void)state;
    ctx = jd_ctx_new(&(jd_options){.threads = 1});
    return ctx ? 0 : -1;
}
static int teardown(void **state)
{
    (void)state;
    jd_ctx_free(ctx);
    return 0;
}

static void test_auc(void **state)
{
    (void)state;
    const uint8_t is[6] = {0, 0, 1, 1, 0, 1};
    near(jd_auc(ctx, (float[]){1, 2, 3, 4, 0, 5}, is, 6), 1);
    near(jd_auc(ctx, (float[]){5, 4, 3, 2, 6, 1}, is, 6), 0);
    near(jd_auc(ctx, (float[]){7, 7, 7, 7, 7, 7}, is, 6), .5);
    /* positives 2, 2, 5; negatives 1, 2, 3: of nine pairs five are right and two are ties */
    near(jd_auc(ctx, (float[]){1, 2, 2, 2, 3, 5}, (uint8_t[]){0, 0, 1, 1, 0, 1}, 6), (2 * (1 + .5) + 3) / 9.);
    assert_true(isnan(jd_auc(ctx, (float[]){1, 2}, (uint8_t[]){1, 1}, 2)));
    assert_true(isnan(jd_auc(ctx, (float[]){1, 2}, (uint8_t[]){0, 0}, 2)));
    assert_int_equal(jd_error(ctx), JD_OK);
    /* against all pairs, many ties */
    enum { N = 300 };
    float score[N];
    uint8_t positive[N];
    jd_rng r = jd_rng_new(1, "auc", 0);
    double right = 0, pairs = 0;
    for (int i = 0; i < N; i++) {
        positive[i] = jd_rng_below(&r, 4) == 0;
        score[i] = (float)jd_rng_below(&r, 20) + 3 * positive[i];
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (positive[i] && !positive[k]) {
                pairs++;
                right += score[i] > score[k] ? 1 : score[i] == score[k] ? .5 : 0;
            }
    near(jd_auc(ctx, score, positive, N), right / pairs);
    score[7] = (float)NAN;
    assert_true(isnan(jd_auc(ctx, score, positive, N)));
    assert_int_equal(jd_error(ctx), JD_EDIVERGED);
    jd_error_clear(ctx);
}

static void test_boxes(void **state)
{
    (void)state;
    const jd_box a = {0, 0, 2, 2, 0, 0, 0}, b = {1, 1, 3, 3, 0, 0, 0}, c = {0, 2, 2, 4, 0, 0, 0},
                 d = {0, 0, 2, 2, 0, 0, 1};
    near(jd_box_overlap(&a, &a), 1), near(jd_box_overlap(&a, &b), 1. / 7);
    near(jd_box_overlap(&a, &c), 0), near(jd_box_overlap(&a, &d), 0);
    jd_box box[] = {
        {0, 0, 2, 2, .5f, 1, 0}, {0, .5f, 2, 2.5f, .9f, 1, 0}, {0, 0, 2, 2, .4f, 1, 1}, {0, 1.5f, 2, 3.5f, .3f, 1, 0}};
    assert_int_equal(jd_box_suppress(box, 4, .5), 3); /* 0.5 beside 0.9: 1.5 of 2.5 */
    assert_true(box[0].score == .9f && box[1].score == .4f && box[2].score == .3f);
    /* softly: 0.8 has an overlap of 0.6 with 0.9, and falls behind 0.5, which overlaps neither; what falls below 0.2 goes */
    jd_box soft[] = {{0, .5f, 2, 2.5f, .8f, 2, 0},
                     {0, 6, 2, 8, .5f, 1, 0},
                     {0, 0, 2, 2, .9f, 1, 0},
                     {0, 6.5f, 2, 8.5f, .4f, 1, 0},
                     {0, 0, 2, 2, .1f, 1, 1}};
    assert_int_equal(jd_box_soften(soft, 5, .5, .2), 3);
    assert_true(soft[0].score == .9f && soft[1].score == .5f && soft[2].label == 2);
    assert_true(fabs((double)soft[2].score - .8 * exp(-.36 / .5)) < 1e-6);
    assert_int_equal(jd_box_soften(soft, 0, .5, .2), 0);
    /* three truths; in the order of their scores: right, wrong, right, a second one of the first, which is wrong */
    const jd_box truth[] = {{0, 0, 2, 2, 0, 1, 0}, {0, 4, 2, 6, 0, 1, 0}, {0, 8, 2, 10, 0, 1, 0}};
    const jd_box found[] = {
        {0, 0, 2, 2, .9f, 1, 0}, {4, 4, 6, 6, .8f, 1, 0}, {0, 4, 2, 6, .7f, 1, 0}, {0, 0, 2, 2.1f, .6f, 1, 0}};
    double recall[4], precision[4];
    near(jd_average_precision(ctx, truth, 3, found, 4, 1, .5, recall, precision), (1 + 2. / 3) / 3);
    near(recall[0], 1. / 3), near(recall[3], 2. / 3), near(precision[1], .5), near(precision[3], .5);
    near(jd_average_precision(ctx, truth, 3, found, 4, -1, .5, NULL, NULL), (1 + 2. / 3) / 3);
    near(jd_average_precision(ctx, truth, 3, truth, 3, 1, .5, NULL, NULL), 1);
    near(jd_average_precision(ctx, truth, 3, found, 0, 1, .5, NULL, NULL), 0);
    assert_true(isnan(jd_average_precision(ctx, truth, 3, found, 4, 2, .5, NULL, NULL)));
    /* precision is that of the best at this recall or beyond: wrong, right, right is 2/3 at both */
    const jd_box late[] = {{4, 4, 6, 6, .9f, 1, 0}, {0, 0, 2, 2, .8f, 1, 0}, {0, 4, 2, 6, .7f, 1, 0}};
    near(jd_average_precision(ctx, truth, 2, late, 3, 1, .5, NULL, NULL), 2. / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partitions), cmocka_unit_test(test_objects),        cmocka_unit_test(test_thin),
        cmocka_unit_test(test_membranes),  cmocka_unit_test(test_thick_membrane), cmocka_unit_test(test_pixels),
        cmocka_unit_test(test_warping),    cmocka_unit_test(test_detection),      cmocka_unit_test(test_peaks),
        cmocka_unit_test(test_auc),        cmocka_unit_test(test_boxes)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
