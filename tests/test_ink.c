/* Online handwriting: the three readers, and the frames that a recogniser reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "jackdaw/ink.h"

#include "ctx_tmpdir.h"

static const char *put(const char *name, const char *text)
{
    const char *path = tmpdir_file(name);
    jd_write_file(ctx, path, text, strlen(text));
    return path;
}

typedef jd_status reader(jd_ctx *, const char *, jd_ink *);

/* The file is refused, and the sentence names it and has `says` in it. */
static void refused(reader *read, const char *text, const char *says)
{
    jd_ink ink = {0};
    const char *path = put("bad", text);
    const jd_status st = read(ctx, path, &ink);
    if (st != JD_EDATA) fail_msg("'%s' is taken: %d", text, (int)st);
    assert_null(ink.items);
    if (!strstr(jd_error_message(ctx), path) || !strstr(jd_error_message(ctx), says))
        fail_msg("'%s' is not in: %s", says, jd_error_message(ctx));
    jd_error_clear(ctx);
}

static void check_points(const jd_ink_sample *s, size_t stroke, size_t n, const float *xy)
{
    assert_int_equal(s->start[stroke + 1] - s->start[stroke], n);
    for (size_t i = 0; i < 2 * n; i++) assert_true(s->xy[2 * s->start[stroke] + i] == xy[i]);
}

static void tsv(void **state)
{
    (void)state;
    const char *path = put("a.tsv", "id\twriter\ttext\tstrokes\n"
                                    "a#0\tme\tHi\t3 100 -3 10 5 -9;7 8\n\n"
                                    "a#1\tyou\tsay \"ho\"\t0 0\n");
    jd_ink ink = {0};
    assert_int_equal(jd_read_ink_tsv(ctx, path, &ink), JD_OK);
    assert_int_equal(ink.count, 2);
    assert_string_equal(ink.items[0].id, "a#0");
    assert_string_equal(ink.items[0].writer, "me");
    assert_string_equal(ink.items[0].text, "Hi");
    assert_string_equal(ink.items[1].text, "say \"ho\"");
    assert_int_equal(ink.items[0].strokes, 2);
    check_points(&ink.items[0], 0, 3, (const float[]){3, 100, 0, 110, 5, 101});
    check_points(&ink.items[0], 1, 1, (const float[]){7, 8});
    assert_int_equal(ink.items[1].strokes, 1);
    check_points(&ink.items[1], 0, 1, (const float[]){0, 0});
    jd_ink_free(ctx, &ink);
}

static void tsv_refused(void **state)
{
    (void)state;
#define HEAD "id\twriter\ttext\tstrokes\n"
    refused(jd_read_ink_tsv, HEAD, "line 2");
    refused(jd_read_ink_tsv, "id\twriter\tstrokes\n", "'text'");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\n", "line 2");
    refused(jd_read_ink_tsv, HEAD "\n\na\tb\tc\t\n", "line 4");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 2\na\tb\tc\t1 2 3\n", "line 3");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 2;\n", "line 2");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 2;;3 4\n", "line 2");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 2;3\n", "line 2");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 2.5\n", "line 2");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 99999999\n", "reach");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 9999999 0 9999999\n", "reach");
    refused(jd_read_ink_tsv, HEAD "a\tb\tc\t1 99999999999999999999\n", "line 2");
#undef HEAD
}

static void text(void **state)
{
    (void)state;
    const char *path =
        put("a.txt", "\n# text: Grüße an alle\n# writer:me\n# anything\n1 2\n1.5 -2e1 77 0.3\r\n\n\n 3,4\n");
    jd_ink ink = {0};
    jd_error_clear(ctx);
    assert_int_equal(jd_read_ink_text(ctx, path, &ink), JD_EDATA); /* a comma between the numbers */
    assert_non_null(strstr(jd_error_message(ctx), "line 9"));
    jd_error_clear(ctx);
    path = put("a.txt", "\n# text: Grüße an alle\n# writer:me\n# anything\n1 2\n1.5 -2e1 77 0.3\r\n\n\n 3 4");
    assert_int_equal(jd_read_ink(ctx, path, &ink), JD_OK);
    assert_int_equal(ink.count, 1);
    assert_string_equal(ink.items[0].text, "Grüße an alle");
    assert_string_equal(ink.items[0].writer, "me");
    assert_int_equal(ink.items[0].strokes, 2);
    check_points(&ink.items[0], 0, 2, (const float[]){1, 2, 1.5f, -20});
    check_points(&ink.items[0], 1, 1, (const float[]){3, 4});
    jd_ink_free(ctx, &ink);
    refused(jd_read_ink_text, "# text: no point\n", "no point");
    refused(jd_read_ink_text, "", "no point");
    refused(jd_read_ink_text, "1 2\n1\n", "line 2");
    refused(jd_read_ink_text, "1 2\n\n1 nan\n", "line 3");
    refused(jd_read_ink_text, "1 2\n1 inf\n", "line 2");
    refused(jd_read_ink_text, "1 2x\n", "line 1");
}

static bool inkml_there(void)
{
    jd_ink ink = {0};
    const bool there = jd_read_inkml(ctx, put("x", "<ink><trace>1 2</trace></ink>"), &ink) != JD_EABSENT;
    jd_ink_free(ctx, &ink);
    jd_error_clear(ctx);
    return there;
}

static void inkml(void **state)
{
    (void)state;
    if (!inkml_there()) skip();
    const char *path =
        put("a.inkml", "<?xml version='1.0'?><ink xmlns='http://www.w3.org/2003/InkML'>"
                       "<annotation type=\"truth\"> a &lt; b\n</annotation>"
                       "<annotation type='writer'>me</annotation>"
                       "<traceFormat><channel name='T' type='integer'/><channel name='X'/>"
                       "<channel name='Y'/><channel name='F'/></traceFormat>"
                       "<trace type='penUp'>1 2 3 4</trace>"
                       "<trace>0 10 20 1, 1 12 21 0.5 , 2 15 23</trace>\n"
                       "<traceGroup><annotation type='truth'>not this</annotation>"
                       "<trace>0 10 20 ?,1'2'-1 *,1 3 4 ?,1\"1\"2 ?,1 -1 * ?</trace></traceGroup></ink>");
    jd_ink ink = {0};
    assert_int_equal(jd_read_ink(ctx, path, &ink), JD_OK);
    const jd_ink_sample *s = &ink.items[0];
    assert_string_equal(s->text, "a < b");
    assert_string_equal(s->writer, "me");
    assert_int_equal(s->strokes, 2);
    check_points(s, 0, 3, (const float[]){10, 20, 12, 21, 15, 23});
    jd_ink_free(ctx, &ink);
}

/* First and second differences, by the rules of section 3.2.1: a mark holds for its channel until the next one. */
static void inkml_differences(void **state)
{
    (void)state;
    if (!inkml_there()) skip();
    jd_ink ink = {0};
    const char *path = put("d.inkml", "<ink><trace>1125 18432,'23'43,\"7\"-8,3-5,+4 -3,!10!20</trace></ink>");
    assert_int_equal(jd_read_inkml(ctx, path, &ink), JD_OK);
    /* positions: +23 +43; velocities 23+7, 43-8; then 30+3, 35-5; then 33+4, 30-3 */
    check_points(&ink.items[0], 0, 6,
                 (const float[]){1125, 18432, 1148, 18475, 1178, 18510, 1211, 18540, 1248, 18567, 10, 20});
    jd_ink_free(ctx, &ink);
}

static void inkml_refused(void **state)
{
    (void)state;
    if (!inkml_there()) skip();
    refused(jd_read_inkml, "<ink>\n</ink>", "no point");
    refused(jd_read_inkml, "<ink>\n<trace>1 2", "line 2");
    refused(jd_read_inkml, "<ink>\n<trace>1 2, 3</trace></ink>", "line 2");
    refused(jd_read_inkml, "<ink>\n<trace>1 2 3</trace></ink>", "comma");
    refused(jd_read_inkml, "<ink><trace>'1 2</trace></ink>", "line 1");
    refused(jd_read_inkml, "<ink><trace>1 2,\"1 2</trace></ink>", "line 1");
    refused(jd_read_inkml, "<ink><trace>nan 2</trace></ink>", "line 1");
    refused(jd_read_inkml, "<ink><trace>1e9 2</trace></ink>", "reach");
    refused(jd_read_inkml, "<ink><traceFormat><channel name='X'/></traceFormat><trace>1</trace></ink>", "X and Y");
    refused(jd_read_inkml, "<!DOCTYPE ink [<!ENTITY a 'aaaa'>]><ink><trace>1 2</trace></ink>", "entity");
}

/* ---- UNIPEN and IAM-OnDB -------------------------------------------------------------------------------------------- */

/* Segments of the first one's level, with files from a folder above; y grows up there. */
static void unipen_files(void **state)
{
    (void)state;
    jd_ink ink = {0};
    mkdir(tmpdir_file("set"), 0700), mkdir(tmpdir_file("set/include"), 0700), mkdir(tmpdir_file("set/data"), 0700);
    mkdir(tmpdir_file("set/include/abc"), 0700), mkdir(tmpdir_file("set/data/6"), 0700);
    put("set/include/abc/head.doc", ".COMMENT of\n 12 words\n.COORD T Y X P\n");
    put("set/include/abc/ink.dat",
        "\n.WRITER_ID ann 5\n.PEN_DOWN\n0 5 1 9 1 6 2 9\n2 7 3 9\n.PEN_UP\n.DT 30\n.PEN_DOWN\n3 9 9 1\n4 8 8 1\n"
        ".PEN_UP 2\n5 0 0 0\n.PEN_DOWN\n6 1 4 1\n");
    const char *path = put("set/data/6/a.dat",
                           ".VERSION 1.0\n.INCLUDE abc/head.doc\n.INCLUDE abc/ink.dat\n"
                           ".SEGMENT WORD 0-1 OK \"say \\\"hi\\\"\"\n.SEGMENT WORD 0:1-1:0,3 ? \"two\nlines\"\n"
                           ".SEGMENT CHARACTER 0 OK \"s\"\n.SEGMENT WORD 2 OK \"no ink\"\n.SEGMENT WORD 1 BAD \"x\"\n"
                           ".SEGMENT WORD 3\n");
    if (jd_read_ink(ctx, path, &ink)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(ink.count, 3);
    assert_string_equal(ink.items[0].text, "say \"hi\"");
    assert_string_equal(ink.items[0].writer, "ann");
    assert_int_equal(ink.items[0].strokes, 2);
    check_points(&ink.items[0], 0, 3, (const float[]){1, -5, 2, -6, 3, -7});
    check_points(&ink.items[0], 1, 2, (const float[]){9, -9, 8, -8});
    assert_string_equal(ink.items[1].text, "two\nlines");
    assert_int_equal(ink.items[1].strokes, 3);
    check_points(&ink.items[1], 0, 2, (const float[]){2, -6, 3, -7});
    check_points(&ink.items[1], 1, 1, (const float[]){9, -9});
    check_points(&ink.items[1], 2, 1, (const float[]){4, -1});
    assert_string_equal(ink.items[2].text, "");
    jd_ink_free(ctx, &ink);
    refused(jd_read_unipen, ".PEN_DOWN\n1 2\n3 x\n", "line 3: no number where one of a point is due: 'x'");
    refused(jd_read_unipen, ".COORD X P\n", "line 1: .COORD without X and Y");
    refused(jd_read_unipen, ".SEGMENT WORD\n", "line 1: a segment without components");
    refused(jd_read_unipen, ".PEN_DOWN\n1 2\n.SEGMENT WORD a-b OK \"x\"\n",
            "line 3: no components of a segment: 'a-b'");
    refused(jd_read_unipen, ".INCLUDE ../secret\n", "not below this one");
    path = put("set/gone.dat", ".INCLUDE abc/gone.dat\n");
    assert_int_equal(jd_read_unipen(ctx, path, &ink), JD_ENOINPUT);
    assert_non_null(strstr(jd_error_message(ctx), "gone.dat: line 1: abc/gone.dat is neither beside it"));
    jd_error_clear(ctx);
}

/* The points of a line, and its text out of the transcript of its form. */
static void iam_lines(void **state)
{
    (void)state;
    if (!inkml_there()) skip();
    jd_ink ink = {0};
    static const char *const folders[] = {"iam", "iam/ascii", "iam/ascii/a01", "iam/lineStrokes",
                                          "iam/lineStrokes/a01"};
    for (int i = 0; i < 5; i++) mkdir(tmpdir_file(folders[i]), 0700);
    put("iam/ascii/a01/a01-000u.txt", "OCR:\n\nwrong\nlines\n\nCSR:\n\nA MOVE to \r\n\nstop Mr.\n");
    const char *path = put(
        "iam/lineStrokes/a01/a01-000u-02.xml",
        "<?xml version='1.0' encoding='ISO-8859-1'?><WhiteboardCaptureSession><WhiteboardDescription>"
        "<DiagonallyOppositeCoords x='6512' y='1376'/></WhiteboardDescription><StrokeSet><Stroke colour='black'>"
        "<Point x='1' y='2' time='7.1'/><Point x='3' y='-4.5' time='7'/></Stroke><Stroke><Point x='5' y='6'/></Stroke>"
        "</StrokeSet></WhiteboardCaptureSession>");
    if (jd_read_ink(ctx, path, &ink)) fail_msg("%s", jd_error_message(ctx));
    assert_string_equal(ink.items[0].text, "stop Mr.");
    assert_int_equal(ink.items[0].strokes, 2);
    check_points(&ink.items[0], 0, 2, (const float[]){1, 2, 3, -4.5f});
    check_points(&ink.items[0], 1, 1, (const float[]){5, 6});
    jd_ink twice[2] = {ink, ink}, all = {0};
    assert_int_equal(jd_ink_join(ctx, twice, 2, &all), JD_OK);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.items[1].text, "stop Mr.");
    check_points(&all.items[1], 0, 2, (const float[]){1, 2, 3, -4.5f});
    check_points(&all.items[1], 1, 1, (const float[]){5, 6});
    jd_ink_free(ctx, &all);
    jd_ink_free(ctx, &ink);
    refused(jd_read_iam, "<WhiteboardCaptureSession><Point x='1' y='two'/></WhiteboardCaptureSession>",
            "line 1: a point at ('1', 'two')");
}

/* ---- frames -------------------------------------------------------------------------------------------------------- */

static jd_ink_sample zigzag(float *xy, size_t n, float height, float scale, float x0, float y0)
{
    static size_t start[2];
    start[1] = n;
    for (size_t i = 0; i < n; i++) {
        xy[2 * i] = x0 + scale * (float)i * 0.5f * height;
        xy[2 * i + 1] = y0 + scale * (i % 2 ? height : 0);
    }
    return (jd_ink_sample){.id = "", .writer = "", .text = "", .strokes = 1, .start = start, .xy = xy};
}

/* Points lie `spacing` apart along the way, and neither place nor size of the writing shows in the frames. */
static void frames(void **state)
{
    (void)state;
    float a[40], b[40];
    jd_ink_reader *r = jd_ink_reader_new(ctx, &(jd_ink_options){.spacing = 0.25f, .stack = 3, .view = 3});
    assert_int_equal(jd_ink_reader_width(r), 2 * 3 + 8 + 9);
    jd_ink_sample s = zigzag(a, 20, 10, 1, 0, 0);
    const size_t T = jd_ink_frames(r, &s, NULL, 0), W = jd_ink_reader_width(r);
    /* 19 sides of sqrt(1 + 1/4) heights each, and the first point */
    const double way = 19 * sqrt(1.25);
    const size_t points = 1 + (size_t)(way / 0.25) + (way / 0.25 - floor(way / 0.25) > 0.5);
    assert_int_equal(T, (points + 2) / 3);
    float *first = malloc(T * W * sizeof *first);
    memcpy(first, jd_ink_reader_frames(r), T * W * sizeof *first);
    for (size_t t = 0; t < T; t++) {
        const float *f = first + t * W;
        for (size_t i = 0; i < 3; i++) { /* no longer than the way; shorter only around a turn */
            const float step = sqrtf(f[2 * i] * f[2 * i] + f[2 * i + 1] * f[2 * i + 1]);
            assert_true(step <= 1.0001f);
        }
        assert_true(f[6 + 1] == (t == 0 ? 1.f : 0.f));
    }
    s = zigzag(b, 20, 10, 37, 1000, -500);
    assert_int_equal(jd_ink_frames(r, &s, NULL, 0), T);
    for (size_t i = 0; i < T * W; i++) assert_true(fabsf(jd_ink_reader_frames(r)[i] - first[i]) < 2e-3f);
    const float *places = jd_ink_reader_places(r);
    for (size_t t = 0; t < T; t++) { /* in the sample's own coordinates */
        assert_in_range((int)places[2 * t], 999, 1000 + 37 * 5 * 20);
        assert_in_range((int)places[2 * t + 1] + 501, 0, 372);
    }
    free(first);

    size_t start[3] = {0, 7, 20}; /* two strokes: each frame knows its own */
    s.start = start, s.strokes = 2;
    const size_t two = jd_ink_frames(r, &s, NULL, 0);
    const size_t *stroke = jd_ink_reader_strokes(r);
    assert_true(two > 4);
    assert_int_equal(stroke[0], 0);
    assert_int_equal(stroke[two - 1], 1);
    places = jd_ink_reader_places(r);
    for (size_t t = 0; t < two; t++) { /* x grows by 185 from point to point */
        assert_true(t == 0 || stroke[t] >= stroke[t - 1]);
        assert_true(stroke[t] ? places[2 * t] >= 1000 + 6 * 185 - 1 : places[2 * t] <= 1000 + 6 * 185 + 1);
    }
    jd_ink_reader_free(r);
}

/* A change is a function of the generator; different ones differ, and nothing stays from the last sample. */
static void changes(void **state)
{
    (void)state;
    float a[40];
    jd_ink_reader *r = jd_ink_reader_new(ctx, NULL);
    const jd_ink_sample s = zigzag(a, 20, 10, 1, 0, 0);
    const size_t W = jd_ink_reader_width(r), plain = jd_ink_frames(r, &s, NULL, 0);
    jd_rng one = jd_rng_new(1, "x", 5), again = one, other = jd_rng_new(1, "x", 6);
    const size_t T = jd_ink_frames(r, &s, &one, 1);
    float *first = malloc(T * W * sizeof *first);
    memcpy(first, jd_ink_reader_frames(r), T * W * sizeof *first);
    const size_t U = jd_ink_frames(r, &s, &other, 1);
    assert_true(U != T || memcmp(first, jd_ink_reader_frames(r), T * W * sizeof *first) != 0);
    assert_int_equal(jd_ink_frames(r, &s, &again, 1), T);
    assert_memory_equal(first, jd_ink_reader_frames(r), T * W * sizeof *first);
    assert_int_equal(jd_ink_frames(r, &s, NULL, 0), plain);
    free(first);
    jd_ink_reader_free(r);
}

/* Dots, level lines and enormous ink give finite frames; a new stroke tells the way over. */
static void odd_ink(void **state)
{
    (void)state;
    jd_ink_reader *r = jd_ink_reader_new(ctx, &(jd_ink_options){.stack = 4, .view = 2});
    const size_t W = jd_ink_reader_width(r), start[] = {0, 1, 3};
    const float xy[] = {5, 5, 1e7f, 5, -1e7f, 5};
    jd_ink_sample s = {.strokes = 1, .start = start, .xy = xy};
    assert_int_equal(jd_ink_frames(r, &s, NULL, 0), 1);
    s.strokes = 2;
    const size_t T = jd_ink_frames(r, &s, NULL, 0);
    assert_in_range(T, 2, 1000);
    const float *f = jd_ink_reader_frames(r);
    for (size_t i = 0; i < T * W; i++) assert_true(isfinite(f[i]));
    assert_true(f[W + 8 + 1] == 1 && f[W + 8 + 2] > 0.9f && f[W + 8 + 3] == 0);
    jd_ink_reader_free(r);
    assert_null(jd_ink_reader_new(ctx, &(jd_ink_options){.spacing = -1}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
}

/* Columns of a picture: a cross of two strokes is where it should be, and nothing is cut off. */
static void columns(void **state)
{
    (void)state;
    enum { ROWS = 24 };
    jd_ink_reader *r = jd_ink_reader_new(ctx, &(jd_ink_options){.rows = ROWS, .size = 10, .pen = 1});
    assert_int_equal(jd_ink_reader_width(r), ROWS);
    const size_t start[] = {0, 2, 4};
    const float xy[] = {100, 0, 100, 50, 80, 25, 120, 25}; /* down at x = 100, across at y = 25 */
    const jd_ink_sample s = {.strokes = 2, .start = start, .xy = xy};
    const size_t T = jd_ink_frames(r, &s, NULL, 0);
    const float *p = jd_ink_reader_frames(r), *places = jd_ink_reader_places(r);
    assert_in_range(T, 8, 14); /* 40 of 50 units, 10 pixels high: 8 columns and the border */
    size_t middle = 0, across = 0;
    for (size_t t = 0; t < T; t++) {
        assert_true(p[t * ROWS] == 0 && p[t * ROWS + ROWS - 1] == 0);
        float sum = 0;
        for (size_t k = 0; k < ROWS; k++) {
            assert_true(p[t * ROWS + k] >= 0 && p[t * ROWS + k] <= 1);
            sum += p[t * ROWS + k];
        }
        if (sum > 8) middle++;
        if (sum > 0.5f && sum < 2) across++;
        if (sum > 8) assert_true(fabsf(places[2 * t] - 100) <= 5);
        if (t) assert_true(fabsf(places[2 * t] - places[2 * t - 2] - 5) < 0.01f); /* a pixel is 5 units wide */
    }
    assert_in_range(middle, 1, 2);
    assert_in_range(across, 5, 10);
    jd_ink_reader_free(r);
    float tall[] = {0, 0, 1, 1, 2, 0, 3, 1, 4, 1000}; /* ten times as high as the picture, were it not made smaller */
    const size_t one[] = {0, 5};
    r = jd_ink_reader_new(ctx, &(jd_ink_options){.rows = ROWS});
    assert_true(jd_ink_frames(r, &(jd_ink_sample){.strokes = 1, .start = one, .xy = tall}, NULL, 0) > 0);
    jd_ink_reader_free(r);
    assert_null(jd_ink_reader_new(ctx, &(jd_ink_options){.rows = 1000}));
    jd_error_clear(ctx);
}

static void unipen(void **state)
{
    (void)state;
    jd_ink ink = {0};
    const jd_status st = jd_load_unipen(ctx, "words_tset", &ink);
    assert_true(st && st == jd_error(ctx));
    assert_true(jd_error(ctx) == JD_ENOINPUT || jd_error(ctx) == JD_EUSAGE);
    jd_error_clear(ctx);
    if (jd_load_unipen(ctx, "lines_valid", &ink)) { /* the data set is not here */
        assert_int_equal(jd_error(ctx), JD_ENOINPUT);
        jd_error_clear(ctx);
        skip();
    }
    assert_int_equal(ink.count, 200);
    for (size_t i = 0; i < ink.count; i++) assert_true(ink.items[i].strokes > 0 && strlen(ink.items[i].text) >= 12);
    jd_ink_free(ctx, &ink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv),          cmocka_unit_test(tsv_refused),       cmocka_unit_test(text),
        cmocka_unit_test(inkml),        cmocka_unit_test(inkml_differences), cmocka_unit_test(inkml_refused),
        cmocka_unit_test(unipen_files), cmocka_unit_test(iam_lines),         cmocka_unit_test(frames),
        cmocka_unit_test(changes),      cmocka_unit_test(odd_ink),           cmocka_unit_test(columns),
        cmocka_unit_test(unipen),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
