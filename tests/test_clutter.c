/* test_clutter.c - digits in clutter: boxes, levels, windows, and the places that a detector keeps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../systems/claims.c"
#include "../systems/clutter.c"
#include "../systems/digit_detection.c"

static jd_ctx *ctx;

void detect_report(jd_run *r, const detect_seed *s, int seeds, const jd_images *digits, const claims *c)
{
    (void)r, (void)s, (void)seeds, (void)digits, (void)c;
}

/* Ten "digits": a bright block in the middle, broader for each. */
static uint8_t block[10 * PIXELS];
static int32_t name[10];
static const jd_images digits = {
    .count = 10, .height = 28, .width = 28, .channels = 1, .classes = 10, .pixels = block, .labels = name};

static int setup(void **state)
{
    (void)state;
    ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (int k = 0; k < 10; k++) {
        name[k] = k;
        for (int y = 4; y < 24; y++) memset(block + k * PIXELS + y * 28 + 13 - k, 255, (size_t)(2 + 2 * k));
    }
    return ctx ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    jd_ctx_free(ctx);
    return 0;
}

static void scenes(void **state)
{
    (void)state;
    static clutter c;
    int count[CLUTTER_DIGITS + 1] = {0}, level[CLUTTER_LEVELS] = {0};
    for (uint64_t i = 0; i < 200; i++) {
        detect_scene(1, "test", i, &digits, &c);
        assert_in_range(c.n, 1, CLUTTER_DIGITS);
        count[c.n]++;
        for (int k = 0; k < CLUTTER_SIDE * CLUTTER_SIDE; k++) assert_true(c.pixels[k] >= 0 && c.pixels[k] <= 1);
        for (int k = 0; k < c.n; k++) {
            const jd_box *b = &c.box[k];
            const double side = (double)(b->y1 - b->y0);
            assert_int_equal(b->image, i);
            assert_true(b->y0 >= 0 && b->x0 >= 0 && b->y1 <= CLUTTER_SIDE && b->x1 <= CLUTTER_SIDE);
            assert_true(fabs(side / (CLUTTER_WINDOW * CLUTTER_STEP[c.level[k]]) - 1) < .081);
            level[c.level[k]]++;
            for (int j = 0; j < k; j++) assert_true(jd_box_overlap(b, &c.box[j]) <= .03);
            /* the digit is where its box is */
            assert_true(c.pixels[(int)((b->y0 + b->y1) / 2) * CLUTTER_SIDE + (int)((b->x0 + b->x1) / 2)] > .95f);
        }
    }
    for (int k = 0; k < CLUTTER_LEVELS; k++) assert_true(level[k] > 80);
    for (int k = 1; k <= CLUTTER_DIGITS; k++) assert_true(count[k] > 5);
}

/* The window of a level's pixel is the same cut out of the picture and out of the level. */
static void windows(void **state)
{
    (void)state;
    static clutter c;
    static float whole[CLUTTER_SIDE * CLUTTER_SIDE], a[PIXELS], b[PIXELS];
    detect_scene(1, "test", 7, &digits, &c);
    for (int level = 0; level < CLUTTER_LEVELS; level++) {
        const int side = clutter_side(level), i = side / 2 + 3, j = side / 2 - 2;
        clutter_level(&c, level, whole);
        clutter_window(&c, i * CLUTTER_STEP[level], j * CLUTTER_STEP[level], CLUTTER_STEP[level], 28, 28, a);
        jd_scan_window(whole, side, side, 1, i, j, 28, 28, b);
        for (int k = 0; k < PIXELS; k++) assert_true(fabsf(a[k] - b[k]) < 1e-5f);
        const jd_box box = clutter_box(level, i, j);
        assert_true(fabs(((double)box.y0 + (double)box.y1) / 2 - i * CLUTTER_STEP[level]) < 1e-4);
        assert_true(fabs((double)(box.x1 - box.x0) - 28 * CLUTTER_STEP[level]) < 1e-4);
    }
    clutter_level(&c, 0, whole); /* a constant picture stays one at every level */
    for (int k = 0; k < CLUTTER_SIDE * CLUTTER_SIDE; k++) c.pixels[k] = .5f;
    for (int level = 0; level < CLUTTER_LEVELS; level++) {
        clutter_level(&c, level, whole);
        for (int k = 0; k < clutter_side(level) * clutter_side(level); k++) assert_true(fabsf(whole[k] - .5f) < 1e-6f);
    }
}

/* One place of each hill of each digit, of equals the first. */
static void hills(void **state)
{
    (void)state;
    enum { K = DETECT_CLASSES + 1, LEVEL = 2, SIDE = 64 };
    static float p[SIDE * SIDE * K];
    jd_box box[16];
    for (int k = 0; k < SIDE * SIDE; k++) p[k * K + DETECT_NOTHING] = 1;
    p[(20 * SIDE + 30) * K + 4] = .8f;
    p[(20 * SIDE + 31) * K + 4] = .7f;
    p[(40 * SIDE + 10) * K + 7] = .6f;
    p[(40 * SIDE + 11) * K + 7] = .6f;
    p[(40 * SIDE + 11) * K + 3] = .5f;
    p[0 * K + 1] = .05f;
    assert_int_equal(peaks(LEVEL, p, 5, .1f, box, 0, 16), 3);
    assert_true(box[0].label == 4 && box[0].score == .8f && box[0].image == 5);
    assert_true(box[0].y0 == (20 - 14) * 2 && box[0].x0 == (30 - 14) * 2 && box[0].x1 == (30 + 14) * 2);
    assert_true(box[1].label == 7 && box[1].x0 == (10 - 14) * 2);
    assert_true(box[2].label == 3 && box[2].x0 == (11 - 14) * 2 && box[2].score == .5f);
    assert_int_equal(peaks(LEVEL, p, 5, .1f, box, 0, 1), 1); /* no more than there is room for */
    static float smooth[SIDE * SIDE * K];
    smoothen(LEVEL, p, smooth);
    assert_true(fabsf(smooth[(21 * SIDE + 30) * K + 4] - 1.5f / 9) < 1e-6f);
    assert_true(fabsf(smooth[1] - 4 * .05f / 9) < 1e-6f); /* past the corner it goes on */
}

/* What is taken from a picture is a mistake if it names no digit or a wrong one, and is kept with what is there. */
static void mistakes(void **state)
{
    (void)state;
    work w = {.ctx = ctx, .train = &digits, .batch = 8};
    assert_int_equal(make_room(&w), JD_OK);
    do detect_scene(1, "test", w.seed++, &digits, w.scene);
    while (!w.scene->n);
    jd_box found = w.scene->box[0];
    learn_from(&w, &found);
    assert_int_equal(w.hard_n, 0);
    found.label = (found.label + 1) % DETECT_CLASSES;
    learn_from(&w, &found);
    assert_int_equal(w.hard[0].label, w.scene->box[0].label);
    float middle = 0;
    for (int x = 11; x < 17; x++) middle = fmaxf(middle, w.hard[0].pixel[14 * 28 + x]);
    assert_true(middle > .5f);
    found.y1 = found.y0 + (found.y1 - found.y0) / 2;
    learn_from(&w, &found);
    assert_int_equal(w.hard_n, 2);
    assert_int_equal(w.hard[1].label, DETECT_NOTHING);
    void *all[] = {w.image, w.label, w.hard, w.scene, w.level, w.out, w.smooth};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
}

/* A batch has as many digits as it says, and its labels are those of the scene. */
static void batches(void **state)
{
    (void)state;
    work w = {.ctx = ctx, .train = &digits, .seed = 3, .batch = 16};
    jd_tensor in[2];
    assert_int_equal(make_room(&w), JD_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(next_batch(&w, 5, 0, in), 2);
        int shown = 0;
        for (int64_t k = 0; k < w.batch; k++) {
            shown += w.label[k] < DETECT_CLASSES;
            if (w.label[k] < DETECT_CLASSES) assert_true(w.image[k * PIXELS + 14 * 28 + 14] > .5f);
        }
        assert_int_equal(shown, 8);
        memset(w.hard, 0, sizeof *w.hard); /* now with a mistake */
        w.hard[0].label = DETECT_NOTHING;
        w.hard_n = 1;
    }
    void *all[] = {w.image, w.label, w.hard, w.scene, w.level, w.out, w.smooth};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes),   cmocka_unit_test(windows), cmocka_unit_test(hills),
        cmocka_unit_test(mistakes), cmocka_unit_test(batches),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
