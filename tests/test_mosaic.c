/* Pictures cut from mosaics by an index: places, boxes, groups, and what is wrong named by its line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "jackdaw/data.h"
#include "tmpdir.h"

enum { SIDE = 4, DOWN = 2, ACROSS = 3 };

static jd_ctx *ctx;

/* Tile t of a mosaic has the colour (20 t, 100, x) with x the column inside the tile. */
static int setup(void **state)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1});
    if (!ctx || tmpdir_setup(state)) return -1;
    uint8_t px[DOWN * SIDE * ACROSS * SIDE * 3], *p = px;
    for (int y = 0; y < DOWN * SIDE; y++)
        for (int x = 0; x < ACROSS * SIDE; x++) {
            *p++ = (uint8_t)(20 * (y / SIDE * ACROSS + x / SIDE));
            *p++ = 100;
            *p++ = (uint8_t)(x % SIDE * 10);
        }
    const jd_picture picture = {.height = DOWN * SIDE, .width = ACROSS * SIDE, .channels = 3, .pixels = px};
    return jd_write_png(ctx, tmpdir_file("a.png"), &picture) ? -1 : 0;
}

static int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

static jd_status read_text(const char *text, jd_images *out)
{
    const char *path = tmpdir_file("index.tsv");
    tmpdir_write(path, text, strlen(text));
    return jd_images_read_mosaics(ctx, path, SIDE, 5, out);
}

static void whole_tiles(void **state)
{
    (void)state;
    jd_images im = {0};
    assert_int_equal(read_text("class\tmosaic\ttile\n4\ta.png\t5\n0\ta.png\t1\n", &im), JD_OK);
    assert_true(im.count == 2 && im.height == SIDE && im.width == SIDE && im.channels == 3 && im.classes == 5);
    assert_true(im.labels[0] == 4 && im.labels[1] == 0 && !im.groups);
    for (int i = 0; i < 2 * SIDE * SIDE; i++) {
        assert_int_equal(im.pixels[3 * i], i < SIDE * SIDE ? 100 : 20);
        assert_int_equal(im.pixels[3 * i + 2], i % SIDE * 10);
    }
    jd_images_free(ctx, &im);
}

#define HEAD "mosaic\ttile\tclass\ttrack\torig_w\torig_h\troi_x1\troi_y1\troi_x2\troi_y2\n"

/* The right half of a tile that was 8 x 8 before it became 4 x 4: columns 2 and 3, stretched to four. */
static void boxes_and_groups(void **state)
{
    (void)state;
    jd_images im = {0};
    assert_int_equal(read_text(HEAD "a.png\t2\t1\t7\t8\t8\t4\t0\t7\t7\na.png\t2\t1\t7\t8\t8\t0\t0\t7\t7\n"
                                    "a.png\t3\t2\t7\t8\t8\t0\t0\t7\t7\na.png\t3\t2\t-1\t8\t8\t0\t0\t7\t7\n",
                               &im),
                     JD_OK);
    const int want[] = {18, 23, 28, 30}; /* at 1.75, 2.25, 2.75 and past the last column */
    for (int x = 0; x < SIDE; x++) assert_int_equal(im.pixels[3 * x + 2], want[x]);
    for (int x = 0; x < SIDE; x++) assert_int_equal(im.pixels[SIDE * SIDE * 3 + 3 * x + 2], 10 * x);
    assert_int_equal(im.groups[0], im.groups[1]);
    assert_int_not_equal(im.groups[0], im.groups[2]); /* the track numbers of each class begin anew */
    assert_int_not_equal(im.groups[2], im.groups[3]);
    jd_images_free(ctx, &im);
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *say;
    } bad[] = {
        {"mosaic\ttile\n", "line 1"},
        {HEAD, "line 1: 0 pictures"},
        {"mosaic\ttile\tclass\torig_w\na.png\t1\t1\t8\n", "line 1: 1 of the six"},
        {"mosaic\ttile\tclass\na.png\t1\t1\n\na.png\t6\t1\n", "line 4: tile is '6'"},
        {"mosaic\ttile\tclass\na.png\t-1\t1\n", "line 2: tile is '-1'"},
        {"mosaic\ttile\tclass\na.png\t1\t5\n", "line 2: class is '5'"},
        {"mosaic\ttile\tclass\na.png\t1\t1x\n", "line 2: class is '1x'"},
        {"mosaic\ttile\tclass\na.png\t1\t99999999999999999999\n", "line 2: class is"},
        {"mosaic\ttile\tclass\n../a.png\t1\t1\n", "line 2: '../a.png' is no name"},
        {"mosaic\ttile\tclass\n\t1\t1\n", "line 2: '' is no name"},
        {HEAD "a.png\t2\t1\t7\t8\t8\t4\t0\t8\t7\n", "line 2: the box"},
        {HEAD "a.png\t2\t1\t7\t8\t8\t4\t0\t4\t7\n", "line 2: the box"},
        {HEAD "a.png\t2\t1\t7\t0\t8\t0\t0\t4\t7\n", "line 2: orig_w"},
        {HEAD "a.png\t2\t1\t-2\t8\t8\t0\t0\t4\t7\n", "line 2: track"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        jd_images im = {0};
        assert_int_equal(read_text(bad[i].text, &im), JD_EDATA);
        if (!strstr(jd_error_message(ctx), bad[i].say) || !strstr(jd_error_message(ctx), "index.tsv"))
            fail_msg("%zu: %s", i, jd_error_message(ctx));
        assert_null(im.pixels);
        jd_error_clear(ctx);
    }
    jd_images im = {0};
    assert_int_equal(read_text("mosaic\ttile\tclass\nb.png\t1\t1\n", &im), JD_ENOINPUT);
    jd_error_clear(ctx);
    static const char one[] = "mosaic\ttile\tclass\na.png\t1\t1\n";
    tmpdir_write(tmpdir_file("i"), one, strlen(one));
    assert_int_equal(jd_images_read_mosaics(ctx, tmpdir_file("i"), 5, 5, &im),
                     JD_EDATA); /* 8 x 12 is no multiple of 5 */
    assert_non_null(strstr(jd_error_message(ctx), "line 2"));
    jd_error_clear(ctx);
    assert_int_equal(jd_images_read_mosaics(ctx, tmpdir_file("i"), 0, 5, &im), JD_EUSAGE);
    jd_error_clear(ctx);
}

/* Groups stay whole and in their order, and the order depends on the seed. */
static void mixed(void **state)
{
    (void)state;
    enum { N = 60 };
    int32_t first[2][N];
    for (int seed = 0; seed < 2; seed++) {
        jd_images im = {.count = N, .height = 1, .width = 1, .channels = 1, .classes = N};
        im.pixels = jd_alloc_array(ctx, N, 1);
        im.labels = jd_alloc_array(ctx, N, sizeof *im.labels);
        im.groups = jd_alloc_array(ctx, N, sizeof *im.groups);
        for (int i = 0; i < N; i++) {
            im.pixels[i] = (uint8_t)i;
            im.labels[i] = i;
            im.groups[i] = i < 40 ? i / 4 : -1 - i;
        }
        assert_int_equal(jd_images_mix(ctx, &im, (uint64_t)seed), JD_OK);
        int seen[N] = {0};
        for (int i = 0; i < N; i++) {
            const int at = im.labels[i];
            seen[at]++;
            assert_int_equal(im.pixels[i], at);
            assert_int_equal(im.groups[i], at < 40 ? at / 4 : -1 - at);
            if (at < 40 && at % 4) assert_int_equal(im.labels[i - 1], at - 1);
            first[seed][i] = at;
        }
        for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
        jd_images_free(ctx, &im);
    }
    assert_memory_not_equal(first[0], first[1], sizeof first[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_tiles),
        cmocka_unit_test(boxes_and_groups),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(mixed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
