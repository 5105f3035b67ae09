/* test_masks.c - nets trained from pictures and masks, as people have them: every kind of mask, scanned and measured. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <png.h>
#include <sys/stat.h>

#include "own_files.h"
#include "sanitized.h"
#include "tiff_file.h"

enum { N = 6, H = 60, W = 72, DISCS = 5, EPOCHS = SANITIZED ? 1 : 40 /* too few to learn much */ };
#define NET "conv 6 4 relu, maxpool 2, dense 12 relu, dense 2"

static uint8_t shade[N][H * W];
static uint32_t disc[N][H * W]; /* 0, or the disc's number from 1 */

/* Bright discs on a darker ground, of which the last two touch. */
static void draw(void)
{
    for (int i = 0; i < N; i++) {
        jd_rng r = jd_rng_new(11, "tests/discs", (uint64_t)i);
        memset(disc[i], 0, sizeof disc[i]);
        for (uint32_t d = 0; d < DISCS; d++) {
            const int y0 = d < 3 ? 10 + (int)jd_rng_below(&r, 30) : 45,
                      x0 = d < 3 ? 12 + 22 * (int)d : 24 + 12 * ((int)d - 3);
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    if (hypot(y - y0, x - x0) <= 6.5) disc[i][y * W + x] = d + 1;
        }
        for (int p = 0; p < H * W; p++) shade[i][p] = (uint8_t)((disc[i][p] ? 150 : 60) + (int)jd_rng_below(&r, 60));
    }
}

/* A PNG file as libpng is told: grey of 1, 8 or 16 bits, a palette of 256 colours (8 bits), or RGB. */
static void write_raw(const char *name, int kind, int depth, const uint32_t *value)
{
    FILE *f = fopen(tmpdir_file(name), "wb");
    assert_non_null(f);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, W, H, depth, kind, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (kind == PNG_COLOR_TYPE_PALETTE) {
        png_color colour[256];
        for (int k = 0; k < 256; k++) colour[k] = (png_color){(uint8_t)(255 - k), (uint8_t)(7 * k), (uint8_t)(k / 2)};
        png_set_PLTE(png, info, colour, 256);
    }
    png_write_info(png, info);
    for (int y = 0; y < H; y++) {
        uint8_t row[3 * W] = {0};
        for (int x = 0; x < W; x++) {
            const uint32_t v = value[y * W + x];
            if (kind == PNG_COLOR_TYPE_RGB)
                row[3 * x] = (uint8_t)(v >> 16), row[3 * x + 1] = (uint8_t)(v >> 8), row[3 * x + 2] = (uint8_t)v;
            else if (depth == 16)
                row[2 * x] = (uint8_t)(v >> 8), row[2 * x + 1] = (uint8_t)v;
            else if (depth == 8)
                row[x] = (uint8_t)v;
            else
                row[x / 8] |= (uint8_t)(v << (7 - x % 8));
        }
        png_write_row(png, row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}

static void make(const char *folder)
{
    assert_true(mkdir(tmpdir_file(folder), 0777) == 0);
}

/* Pictures DIR/images/p0.png ..., their masks DIR/masks/p0.png ... of one kind: disc d of picture i has the value of(i,d). */
static void write_set(const char *dir, int kind, int depth, uint32_t (*of)(int i, uint32_t d))
{
    char name[80];
    static uint32_t value[H * W];
    make(dir);
    snprintf(name, sizeof name, "%s/images", dir), make(name);
    snprintf(name, sizeof name, "%s/masks", dir), make(name);
    for (int i = 0; i < N; i++) {
        for (int p = 0; p < H * W; p++) value[p] = of(i, disc[i][p]);
        snprintf(name, sizeof name, "%s/masks/p%d.png", dir, i);
        write_raw(name, kind, depth, value);
        snprintf(name, sizeof name, "%s/images/p%d.png", dir, i);
        assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &(jd_picture){H, W, 1, shade[i]}), JD_OK);
    }
}

static uint32_t white(int i, uint32_t d)
{
    return (void)i, d ? 255 : 0;
}
static uint32_t one(int i, uint32_t d)
{
    return (void)i, d > 0;
}
static uint32_t entry(int i, uint32_t d)
{
    return (void)i, d ? 9 : 4;
}
static uint32_t three(int i, uint32_t d)
{
    return (void)i, d > 3 ? 200 : d ? 100 : 0;
}
static uint32_t red(int i, uint32_t d)
{
    return (void)i, d ? 0xff2010 : 0;
}
static uint32_t number(int i, uint32_t d)
{
    return d ? (uint32_t)i * 300 + d : 0; /* below 256 for the first picture alone */
}

/* The values as they are stored, which jd_read_picture changes. */
static void reads_values(void **state)
{
    (void)state;
    static const struct {
        int kind, depth;
        uint32_t (*of)(int i, uint32_t d);
    } kinds[] = {{PNG_COLOR_TYPE_GRAY, 1, one},
                 {PNG_COLOR_TYPE_GRAY, 8, three},
                 {PNG_COLOR_TYPE_GRAY, 16, number},
                 {PNG_COLOR_TYPE_PALETTE, 8, entry},
                 {PNG_COLOR_TYPE_RGB, 8, red}};
    static uint32_t value[H * W];
    draw();
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        jd_mask m = {0};
        for (int p = 0; p < H * W; p++) value[p] = kinds[k].of(2, disc[2][p]);
        write_raw("raw.png", kinds[k].kind, kinds[k].depth, value);
        assert_int_equal(jd_read_mask(ctx, tmpdir_file("raw.png"), &m), JD_OK);
        assert_true(m.height == H && m.width == W);
        assert_memory_equal(m.value, value, sizeof value);
        jd_mask_free(ctx, &m);
    }
    if (jd_picture_can("tiff")) {
        static uint8_t file[4 * H * W];
        const tiff_kind tiff = {.bits = 16, .form = 1, .photometric = 1, .pages = 1, .height = H, .width = W};
        for (int p = 0; p < H * W; p++) value[p] = number(3, disc[3][p]);
        tmpdir_write(tmpdir_file("raw.tif"), file, tiff_file(&tiff, value, file));
        jd_mask m = {0};
        assert_int_equal(jd_read_mask(ctx, tmpdir_file("raw.tif"), &m), JD_OK);
        assert_memory_equal(m.value, value, sizeof value);
        jd_mask_free(ctx, &m);
    }
    jd_mask m = {0};
    tmpdir_write(tmpdir_file("lossy.jpg"), "\xff\xd8\xff\xe0 JFIF", 9);
    assert_int_equal(jd_read_mask(ctx, tmpdir_file("lossy.jpg"), &m), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "change the values of a mask; save it as PNG"));
    jd_error_clear(ctx);
    size_t n;
    uint8_t *p = jd_read_file(ctx, tmpdir_file("raw.png"), 1 << 20, &n);
    for (size_t at = n - 40; at < n - 16; at++) p[at] = (uint8_t)~p[at];
    tmpdir_write(tmpdir_file("broken.png"), p, n);
    jd_free(ctx, p);
    assert_int_equal(jd_read_mask(ctx, tmpdir_file("broken.png"), &m), JD_EDATA);
    jd_error_clear(ctx);
}

static double figure(const char *key)
{
    const char *at = strstr(said, key);
    if (!at) fail_msg("no %s in: %s", key, said);
    return strtod(at + strlen(key), NULL);
}

/* `predict` writes what `scan --labels` does, and tells how much is of each class. */
static void predicts_masks(void)
{
    jd_mask one = {0}, two = {0};
    int64_t discs = 0;
    assert_int_equal(jackdaw("predict red-run white/images/p1.png"), 0);
    assert_non_null(strstr(said, "p1-mask.png"));
    const double share = figure("#ff2010 ");
    assert_int_equal(jackdaw("scan red-run white/images/p1.png -o says.png --labels"), 0);
    assert_int_equal(jd_read_mask(ctx, tmpdir_file("p1-mask.png"), &one), JD_OK);
    assert_int_equal(jd_read_mask(ctx, tmpdir_file("says.png"), &two), JD_OK);
    assert_memory_equal(one.value, two.value, sizeof(uint32_t) * H * W);
    for (int q = 0; q < H * W; q++) discs += one.value[q] == 0xff2010;
    assert_true((SANITIZED || discs > 0) && fabs(share - 100.0 * (double)discs / (H * W)) < 0.1);
    jd_mask_free(ctx, &one);
    jd_mask_free(ctx, &two);
    assert_int_equal(jackdaw("predict red-run white/images"), 0);
    assert_memory_equal(said, "file,mask,share_#000000,share_#ff2010\n", 38);
    assert_int_equal(lines(said), 1 + N);
}

/* Whatever the masks are like, the same is learned; and what `scan` says is what `eval` counts. */
static void learns_from_masks(void **state)
{
    (void)state;
    static const struct {
        const char *dir;
        int kind, depth;
        uint32_t (*of)(int i, uint32_t d);
        const char *note;
    } sets[] = {{"white", PNG_COLOR_TYPE_GRAY, 8, white, "classes: 0, 255\n"},
                {"one", PNG_COLOR_TYPE_GRAY, 1, one, "classes: 0, 1\n"},
                {"palette", PNG_COLOR_TYPE_PALETTE, 8, entry, "classes: 4, 9\n"},
                {"red", PNG_COLOR_TYPE_RGB, 8, red, "classes: #000000, #ff2010\n"},
                {"numbers", PNG_COLOR_TYPE_GRAY, 16, number, "the masks tell objects apart"}};
    double iou[sizeof sets / sizeof *sets];
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char command[300];
        write_set(sets[i].dir, sets[i].kind, sets[i].depth, sets[i].of);
        snprintf(command, sizeof command, "train --data %s --net '" NET "' --epochs %d --threads 1 -o %s-run",
                 sets[i].dir, EPOCHS, sets[i].dir);
        if (jackdaw(command) || !strstr(wrong, sets[i].note)) fail_msg("%s: %s", sets[i].dir, wrong);
        snprintf(command, sizeof command, "eval %s-run --data %s --json", sets[i].dir, sets[i].dir);
        assert_int_equal(jackdaw(command), 0);
        iou[i] = figure("\"metric\":\"mean IoU\",\"value\":");
        assert_true(SANITIZED || iou[i] > (i == 4 ? 0.8 : 0.9)); /* the line between two discs is thin */
        assert_true(i == 4 || iou[i] == iou[0]);                 /* the same labels, the same bits */
    }
    assert_int_equal(jackdaw("eval white-run --data one --json"), 0); /* 0 and 1 are 0 and 255 */
    assert_true(fabs(figure("\"value\":") - iou[0]) < 1e-9);
    assert_int_equal(jackdaw("scan white-run white/images/ -o maps --mask 0.5"), 0);
    int64_t wrong_pixels = 0;
    for (int i = 0; i < N; i++) {
        char name[40];
        jd_picture p = {0};
        snprintf(name, sizeof name, "maps/p%d.png", i);
        assert_int_equal(jd_read_picture(ctx, tmpdir_file(name), 1, &p), JD_OK);
        for (int q = 0; q < H * W; q++) wrong_pixels += (p.pixels[q] > 0) != (disc[i][q] > 0);
        jd_picture_free(ctx, &p);
    }
    static const struct {
        const char *model;
        uint32_t back, disc;
    } says[] = {{"white", 0, 255}, {"one", 0, 1}, {"palette", 4, 9}, {"red", 0, 0xff2010}, {"numbers", 0, 255}};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) { /* the classes as the masks had them */
        char command[200];
        jd_mask m = {0};
        int64_t right = 0;
        snprintf(command, sizeof command, "scan %s-run white/images/p1.png -o says.png --labels", says[i].model);
        assert_int_equal(jackdaw(command), 0);
        assert_int_equal(jd_read_mask(ctx, tmpdir_file("says.png"), &m), JD_OK);
        for (int q = 0; q < H * W; q++) {
            assert_true(m.value[q] == says[i].back || m.value[q] == says[i].disc);
            right += m.value[q] == (disc[1][q] ? says[i].disc : says[i].back);
        }
        assert_true(SANITIZED || (double)right > 0.9 * H * W);
        jd_mask_free(ctx, &m);
    }
    assert_int_equal(jackdaw("scan white-run white/images/p1.png -o says.png --labels --overlay"), JD_EUSAGE);
    assert_int_equal(jackdaw("eval white-run --data white"), 0);
    assert_true(fabs(figure("pictures, ") - 100.0 * (double)wrong_pixels / (N * H * W)) < 0.01);
    assert_int_equal(jackdaw("eval white-run --data white -o shown.html"), 0);
    size_t n;
    char *report = jd_read_file(ctx, tmpdir_file("shown.html"), 1 << 24, &n);
    assert_non_null(memmem(report, n, "intersection over union", 23));
    jd_free(ctx, report);
    predicts_masks();
}

/* Three classes; folders of their own; a part to test on; one mask for each object. */
static void finds_pairs(void **state)
{
    (void)state;
    char command[400];
    write_set("three", PNG_COLOR_TYPE_GRAY, 8, three);
    assert_int_equal(
        jackdaw("train --data three --net 'conv 4 3 relu, dense 3' --epochs 1 --deform --batch 2 -o three-run"), 0);
    assert_non_null(strstr(wrong, "classes: 0, 100, 200; if they number objects, use --mask-values objects"));
    assert_int_equal(jackdaw("train --data three --net 'conv 4 3 relu, dense 4' -q -o no"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "4 outputs, not 3 for the classes (0, 100, 200); end it with \"dense 3\""));
    assert_int_equal(jackdaw("train --data three --net 'conv 4 3 relu, dense 2' --epochs 1 -o o"), 0);
    assert_non_null(strstr(wrong, "tell objects apart")); /* two outputs are for objects */
    assert_int_equal(jackdaw("train --data three --mask-values classes --net 'conv 4 3, dense 2' -q -o no"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "not 3 for the classes"));
    assert_int_equal(jackdaw("eval three-run --data white"), JD_EDATA);
    assert_non_null(strstr(wrong, "the value 255, but the classes are 0, 100, 200"));

    make("split");
    snprintf(command, sizeof command,
             "cd '%s' && cp -r white split/train && cp -r one split/test && rm split/t*/*/p[345].png && cp -r "
             "white/images flat && "
             "mkdir flatmasks && for i in 0 1 2 3 4 5; do cp white/masks/p$i.png flatmasks/p${i}_mask.png; done",
             tmpdir_path);
    assert_int_equal(system(command), 0);
    assert_int_equal(jackdaw("train --data split --net '" NET "' --epochs 2 --size 21x25 -o s"), 0);
    assert_non_null(strstr(wrong, "2 pictures to learn from, 1 to validate, 3 to test; windows of 25 x 21 pixels"));
    assert_non_null(strstr(said, "test mean IoU"));
    assert_int_equal(jackdaw("eval s --data split"), 0);
    assert_non_null(strstr(said, "on 3 pictures"));
    assert_int_equal(jackdaw("train --data flat --masks flatmasks --net '" NET "' --epochs 1 --test-data three -o f"),
                     JD_EDATA);
    assert_non_null(strstr(wrong, "the value 100, but the classes are 0, 255"));
    assert_int_equal(jackdaw("train --data flat --masks flatmasks --net '" NET "' --epochs 1 -o f"), 0);
    snprintf(command, sizeof command, "cd '%s' && rm flatmasks/p2_mask.png", tmpdir_path);
    assert_int_equal(system(command), 0);
    assert_int_equal(jackdaw("train --data flat --masks flatmasks --net '" NET "' --epochs 1 -q -o f2"), JD_ENOINPUT);
    assert_non_null(strstr(wrong, "flat/p2.png: no mask of its name, such as flatmasks/p2.png"));
    assert_int_equal(jackdaw("train --data flat --masks flatmasks --skip-bad --net '" NET "' --epochs 1 -o f3"), 0);
    assert_non_null(strstr(wrong, "1 pictures cannot be used"));

    make("bowl");
    for (int i = 0; i < 3; i++) { /* one mask for each disc */
        char name[80];
        static uint32_t value[H * W];
        snprintf(name, sizeof name, "bowl/id%d", i), make(name);
        snprintf(name, sizeof name, "bowl/id%d/images", i), make(name);
        snprintf(name, sizeof name, "bowl/id%d/masks", i), make(name);
        snprintf(name, sizeof name, "bowl/id%d/images/id%d.png", i, i);
        assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &(jd_picture){H, W, 1, shade[i]}), JD_OK);
        for (uint32_t d = 1; d <= DISCS; d++) {
            for (int p = 0; p < H * W; p++) value[p] = disc[i][p] == d ? 255 : 0;
            snprintf(name, sizeof name, "bowl/id%d/masks/%u.png", i, d);
            write_raw(name, PNG_COLOR_TYPE_GRAY, 8, value);
        }
    }
    assert_int_equal(jackdaw("train --data bowl --net '" NET "' --epochs 2 -o b"), 0);
    assert_non_null(strstr(wrong, "2 pictures to learn from, 1 to validate, 0 to test"));
    assert_non_null(strstr(wrong, "the masks tell objects apart"));
    assert_int_equal(jackdaw("eval numbers-run --data bowl --json"), 0); /* numbers and one mask each tell the same */
    const double apart = figure("\"value\":");
    snprintf(command, sizeof command, "cd '%s' && cp -r numbers few && rm few/*/p[345].png", tmpdir_path);
    assert_int_equal(system(command), 0);
    assert_int_equal(jackdaw("eval numbers-run --data few --json"), 0);
    assert_true(fabs(figure("\"value\":") - apart) < 1e-9);
}

/* Soft edges, masks of another size, of one value, options of other data. */
static void refuses(void **state)
{
    (void)state;
    static uint32_t value[H * W];
    write_set("soft", PNG_COLOR_TYPE_GRAY, 8, white);
    for (int i = 0; i < N; i++) {
        char name[40];
        for (int p = 0; p < H * W; p++) {
            const int x = p % W, before = x ? disc[i][p - 1] > 0 : 0, here = disc[i][p] > 0;
            value[p] = here != before ? (uint32_t)(here ? 130 + x : 20 + x) : here ? 255 : 0;
        }
        snprintf(name, sizeof name, "soft/masks/p%d.png", i);
        write_raw(name, PNG_COLOR_TYPE_GRAY, 8, value);
    }
    assert_int_equal(jackdaw("train --data soft --net '" NET "' --epochs 1 -o soft-run"), 0);
    assert_non_null(strstr(wrong, "the masks have soft edges: values above 127 are class 1"));
    assert_int_equal(jackdaw("train --data soft --net '" NET "' --loss mse -q -o no"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "--loss is not for pictures and masks"));
    assert_int_equal(jackdaw("train --data soft --net 'lstm 3, dense 2' -q -o no"), JD_EUSAGE);
    assert_int_equal(jackdaw("train --data soft --net 'conv 3 3 pad 1, dense 2' -q -o no"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "train without pad"));
    memset(value, 0, sizeof value);
    for (int i = 0; i < N; i++) {
        char name[40];
        snprintf(name, sizeof name, "soft/masks/p%d.png", i);
        write_raw(name, PNG_COLOR_TYPE_GRAY, 8, value);
    }
    assert_int_equal(jackdaw("train --data soft --net '" NET "' -q -o no"), JD_EDATA);
    assert_non_null(strstr(wrong, "nothing but the value 0"));
    assert_int_equal(jd_write_png(ctx, tmpdir_file("soft/masks/p1.png"), &(jd_picture){H / 2, W, 1, shade[1]}), JD_OK);
    assert_int_equal(jackdaw("train --data soft --net '" NET "' -q -o no"), JD_EDATA);
    assert_non_null(strstr(wrong, "72 x 30 pixels, but the picture soft/images/p1.png has 72 x 60"));
    assert_int_equal(jackdaw("train --data soft --masks nowhere --net '" NET "' -q -o no"), JD_ENOINPUT);
}

/* Ground below a sky of another colour, of every picture another size, with a sun or without; half as large with sanitizers. */
static void write_land(const char *dir, int n)
{
    char name[80];
    static const uint8_t colours[3][3] = {{90, 140, 220}, {110, 90, 50}, {240, 220, 90}};
    static const uint32_t values[3] = {0, 128, 255};
    static uint8_t pixels[H * W * 3], mask[H * W];
    make(dir);
    snprintf(name, sizeof name, "%s/images", dir), make(name);
    snprintf(name, sizeof name, "%s/masks", dir), make(name);
    jd_rng r = jd_rng_new(3, "tests/land", 0);
    for (int i = 0; i < n; i++) {
        const int part = SANITIZED ? 2 : 1, h = (H - 3 * (i % 3)) / part, w = (W - 5 * (i % 4)) / part,
                  line = h / 2 + (int)jd_rng_below(&r, 12) / part;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                const int k = y >= line ? 1 : hypot(part * y - 13, part * x - 9 * (i % 5) - 12) < 8 ? 2 : 0;
                mask[y * w + x] = (uint8_t)values[k];
                for (int c = 0; c < 3; c++)
                    pixels[3 * (y * w + x) + c] = (uint8_t)(colours[k][c] - 40 + (int)jd_rng_below(&r, 55));
            }
        snprintf(name, sizeof name, "%s/images/p%d.png", dir, i);
        assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &(jd_picture){h, w, 3, pixels}), JD_OK);
        snprintf(name, sizeof name, "%s/masks/p%d.png", dir, i);
        assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &(jd_picture){h, w, 1, mask}), JD_OK);
    }
}

/* Without --net: pictures in colour, of several sizes and with three classes; what is above is known from what is below. */
static void needs_no_net(void **state)
{
    (void)state;
    write_land("land", 10);
    write_land("four", 4);
    char command[200];
    const double enough = SANITIZED ? 0 : 0.9;
    snprintf(command, sizeof command,
             "train --data land --test-data four --epochs %d --batch 2 --threads 1 -o land-run", EPOCHS);
    assert_int_equal(jackdaw(command), 0);
    assert_non_null(strstr(wrong, "dense 3\" --deform"));
    assert_non_null(strstr(wrong, "mirrored left to right, not turned over"));
    assert_true(figure("test mean IoU ") >= enough);
    assert_int_equal(jackdaw("eval land-run --data four --json"), 0);
    assert_true(figure("\"value\":") >= enough);
    assert_int_equal(jackdaw("predict land-run four/images/p1.png"), 0);
    assert_int_equal(jackdaw("train --data four --epochs 1 --batch 2 --threads 1 -o four-run"), 0);
    assert_non_null(strstr(wrong, "3 pictures to learn from, 1 to validate"));
    assert_null(strstr(wrong, "not turned over")); /* four pictures may lean by chance */
    assert_int_equal(jackdaw("train --config four-run/result.json -q -o again"), 0);
    size_t n = 0, m = 0;
    char *one = jd_read_file(ctx, tmpdir_file("four-run/metrics.csv"), 1 << 20, &n);
    char *two = jd_read_file(ctx, tmpdir_file("again/metrics.csv"), 1 << 20, &m);
    assert_true(one && two && n == m && !memcmp(one, two, n));
    jd_free(ctx, one);
    jd_free(ctx, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_values), cmocka_unit_test(learns_from_masks),
                                       cmocka_unit_test(needs_no_net), cmocka_unit_test(finds_pairs),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
