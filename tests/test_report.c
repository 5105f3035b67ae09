/* Reports: well-formed whatever the values and texts, the same bytes every time and in every locale, true pictures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jackdaw/csvlog.h>
#include <jackdaw/report.h>

#include "report/internal.h"

#define NASTY "<b a=\"1\" c='2'>&amp;\x01\xff</b>"

/* ---- a small checker of HTML and SVG as written here: tags balance, attributes are quoted, no stray character ---- */

static bool is_void(const char *name, size_t n)
{
    return (n == 4 && !memcmp(name, "meta", 4)) || (n == 3 && !memcmp(name, "img", 3));
}

static const char *check_entity(const char *s)
{
    static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
    for (size_t i = 0; i < 5; i++)
        if (!strncmp(s, known[i], strlen(known[i]))) return s + strlen(known[i]);
    fail_msg("a bare & at: %.60s", s);
    return s;
}

static const char *check_attributes(const char *s)
{
    while (*s == ' ') {
        size_t n = strspn(++s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789");
        bool path = n == 1 && *s == 'd', number = !strncmp(s, "x=", 2) || !strncmp(s, "y=", 2) ||
                                                  !strncmp(s, "cx=", 3) || !strncmp(s, "cy=", 3) ||
                                                  !strncmp(s, "width=", 6) || !strncmp(s, "height=", 7);
        assert_true(n > 0);
        if (s[n] != '=' || s[n + 1] != '"') fail_msg("an attribute without quotes at: %.60s", s);
        const char *value = s += n + 2;
        while (*s != '"') {
            assert_true(*s && *s != '<' && *s != '>');
            s = *s == '&' ? check_entity(s) : s + 1;
        }
        if (path || number) assert_int_equal(strspn(value, "0123456789.-MLHVZhvlz "), s - value);
        s++;
    }
    return s;
}

static void check_markup(const char *s)
{
    struct {
        const char *p;
        size_t n;
    } open[64];
    size_t depth = 0;
    if (!strncmp(s, "<!DOCTYPE html>", 15)) s += 15;
    while (*s) {
        if (*s == '&') {
            s = check_entity(s);
        } else if (*s == '>') {
            fail_msg("a bare > at: %.60s", s);
        } else if (*s != '<') {
            unsigned char c = (unsigned char)*s;
            assert_true(c >= 0x20 || c == '\n' || c == '\t');
            s++;
        } else {
            bool closing = s[1] == '/';
            const char *name = s + 1 + closing;
            size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
            if (!n) fail_msg("not a tag: %.60s", s);
            s = check_attributes(name + n);
            bool empty = *s == '/';
            s += empty;
            if (*s != '>') fail_msg("a tag does not end: %.60s", name);
            s++;
            if (closing) {
                if (!depth || open[depth - 1].n != n || memcmp(open[depth - 1].p, name, n))
                    fail_msg("unbalanced: %.60s", name);
                depth--;
            } else if (!empty && !is_void(name, n)) {
                assert_true(depth < 64);
                open[depth].p = name;
                open[depth++].n = n;
                if (n == 5 && !memcmp(name, "style", 5)) s = strstr(s, "</style>");
            }
        }
    }
    assert_int_equal(depth, 0);
}

static void check_ids(const char *html)
{
    for (const char *a = html; (a = strstr(a, " id=\"")); a++) {
        char key[64];
        size_t n = strcspn(a + 5, "\"");
        assert_true(n < 40);
        snprintf(key, sizeof key, " id=\"%.*s\"", (int)n, a + 5);
        assert_null(strstr(a + 1, key));
    }
}

/* ---- a report with every kind of figure; `bad` puts NaN, infinities and zeros everywhere ---- */

static jd_chart *make_chart(jd_ctx *ctx, bool bad, const char *s)
{
    double x[40], y[80], lo[40], hi[40];
    const char *texts[40] = {s, NULL, "b"};
    for (int i = 0; i < 40; i++) {
        x[i] = i * 0.25;
        y[i] = y[40 + i] = 3.5 * exp(-i * 0.1) + 0.01;
        lo[i] = y[i] * 0.8;
        hi[i] = y[i] * 1.2;
        if (bad && i % 3 == 0) y[i] = lo[i] = i % 2 ? NAN : -INFINITY;
        if (bad && i % 7 == 0) x[i] = INFINITY, hi[i] = 1e308;
        if (bad) y[40 + i] = NAN;
    }
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = s}, &(jd_axis){.label = s, .scale = JD_LOG}, 0);
    jd_chart_band(c, s, x, lo, hi, 40, 0);
    jd_chart_line(c, s, x, y, 40, JD_MARKS | JD_STEPS);
    jd_chart_seeds(c, "seeds", x, y, 2, 40, 0);
    jd_chart_line(c, "empty", NULL, NULL, 0, 0);
    jd_chart_hline(c, s, bad ? NAN : 0.35, JD_DASHED);
    jd_chart_vline(c, s, bad ? INFINITY : 3.5, 0);
    jd_chart_panel(c, &(jd_axis){.label = s}, 100);
    jd_chart_points(c, s, x, y, lo, texts, 40, JD_HOLLOW);
    jd_chart_panel(c, NULL, 100);
    return c;
}

static jd_report *make_report(jd_ctx *ctx, bool bad, const char *s)
{
    float map[24] = {0}, probs[24] = {0};
    uint8_t pixels[2 * 12];
    for (int i = 0; i < 24; i++) {
        map[i] = bad ? (i % 2 ? NAN : INFINITY) : (float)i - 7.25f;
        probs[i] = bad ? NAN : i % 4 == (i / 4) % 3 ? 0.875f : 0.03125f;
        pixels[i] = (uint8_t)(i * 11);
    }
    const char *names[] = {s, s, s, s}, *cells[] = {s, "1.5", NULL, "-2"};
    double nan = NAN, good[] = {1.25, 1.5, 1.375}, none[] = {NAN, INFINITY, 3};
    jd_report *r = jd_report_new(ctx, s, s);
    jd_report_result(r, &(jd_result_row){.metric = s,
                                         .unit = s,
                                         .paper = bad ? nan : 1.125,
                                         .paper_note = s,
                                         .values = bad ? none : good,
                                         .n = 3,
                                         .accept = bad ? INFINITY : 1.4375,
                                         .reason = s});
    jd_report_result(r, &(jd_result_row){.metric = s, .paper = NAN, .accept = NAN});
    static const double few[] = {1, 2, (double)NAN};
    const jd_result_line lines[] = {
        {.name = s,
         .href = s,
         .note = s,
         .row =
             {.metric = s, .paper = 1.5, .values = few, .n = 3, .accept = 1.2, .higher_is_better = true, .reason = s}},
        {.name = s, .row = {.metric = s, .paper = NAN, .values = few, .n = 2, .accept = 5, .passed = true}},
        {.name = s, .row = {.metric = s, .paper = NAN, .accept = NAN}}};
    jd_report_results(r, lines, 3, s);
    for (int i = 0; i < 3; i++) jd_report_section(r, s);
    jd_report_text(r, s);
    jd_report_text(r, "a `code` b\nc\n\n- one\n- two\ntail\n\n`open");
    jd_report_chart(r, make_chart(ctx, bad, s), s);
    jd_report_map(r, &(jd_map){.label = s, .value_label = s, .values = map, .T = 6, .H = 4, .row_names = names}, s, 0,
                  bad ? NAN : 6, s);
    jd_report_map(r, &(jd_map){.values = map, .T = 6, .H = 4, .colors = JD_DIVERGING}, NULL, 0, 6, NULL);
    jd_report_map(r, &(jd_map){.label = "empty"}, NULL, 0, 0, NULL);
    jd_timeline *t = jd_timeline_new(ctx, s, -1.5, 1.5);
    jd_timeline_lines(t, s, map, 6, 4, names, 0, 0);
    jd_timeline_lines(t, s, NULL, 0, 4, names, 0, 0);
    jd_report_timeline(r, t, s);
    jd_report_ctc(r, &(jd_ctc_view){map, 6, 4, 1.5, 0, 8, probs, 6, 4, names, 3, s, s}, s);
    jd_report_confusion(r, names, (int64_t[]){90, 1, 0, 2, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 5, 1000000000000}, 4, s);
    jd_report_images(r, &(jd_tiles){pixels, 2, 2, 2, 3, (const char *[]){s, NULL}, 1}, s);
    jd_report_filters(r, map, 2, 3, 4, 1, false, s);
    const float moving[2 * 2 * 4] = {0, 0, 1, 1, 2, 2, 2, 2, 0, NAN, 1, 1e30f, 2, 2, 2, 2};
    const jd_film_line drawn[2] = {{.1, 0}, {.2, JD_FILM_MUTED}};
    jd_report_film(r, &(jd_film){-1, -1, 3, 3, 2.5, 2, 2, moving, drawn}, s);
    jd_report_matrix(r, &(jd_matrix){map, 4, 4, names, names, s, s, s, 0, 0}, s);
    const jd_tree_node tree[] = {{s, -1, false}, {s, 0, true}, {s, 1, false}, {NULL, 0, false}};
    jd_report_tree(r, tree, 4, s);
    jd_report_table(r, (const char *[]){s, "n"}, cells, 2, 2, s);
    jd_report_pairs(r, s, names, cells, 4);
    return r;
}

static char *html_of(bool bad, const char *s, size_t *bytes)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_report *r = make_report(ctx, bad, s);
    char *html = jd_report_html(r, bytes), *copy;
    assert_string_equal(jd_error_message(ctx), "");
    assert_non_null(html);
    assert_int_equal(strlen(html), *bytes);
    copy = strdup(html);
    jd_free(ctx, html);
    jd_report_free(r);
    jd_ctx_free(ctx);
    return copy;
}

static void test_well_formed(void **state)
{
    (void)state;
    size_t bytes;
    for (int bad = 0; bad < 2; bad++) {
        char *html = html_of(bad, "plain", &bytes);
        check_markup(html);
        check_ids(html);
        assert_non_null(strstr(html, "Figure 11."));
        assert_non_null(strstr(html, "Table 1."));
        assert_null(strstr(html, "http-equiv"));
        assert_null(strstr(html, "<script"));
        for (const char *p = html; (p = strstr(p, "http")); p++) /* no address but the name space */
            assert_memory_equal(p, "http://www.w3.org/2000/svg\"", 27);
        free(html);
    }
}

static void test_mean_and_spread(void **state)
{
    (void)state;
    double mean, sd;
    int decimals;
    jd__mean_spread(&(jd_result_row){.values = (double[]){0.47, 0.44, 0.49, 0.46, 0.45}, .n = 5}, &mean, &sd,
                    &decimals);
    assert_true(fabs(mean - 0.462) < 1e-12 && fabs(sd - 0.01923538406) < 1e-10 && decimals == 3);
    jd__mean_spread(&(jd_result_row){.values = (double[]){31240, 28800, 102400}, .n = 3}, &mean, &sd, &decimals);
    assert_true(mean == 54000 && sd == 42000 && decimals == 0);
    jd__mean_spread(&(jd_result_row){.values = (double[]){3}, .n = 1}, &mean, &sd, &decimals);
    assert_true(mean == 3 && isnan(sd) && decimals == JD__NO_SPREAD);
}

static void test_escaping(void **state)
{
    (void)state;
    size_t bytes;
    char *html = html_of(false, NASTY, &bytes);
    check_markup(html);
    assert_null(strstr(html, "<b a"));
    assert_null(strstr(html, "&amp;\x01"));
    assert_non_null(strstr(html, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;\xef\xbf\xbd\xef\xbf\xbd&lt;/b&gt;"));
    free(html);
}

static void test_svg_alone(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (int bad = 0; bad < 2; bad++) {
        size_t bytes;
        jd_chart *c = make_chart(ctx, bad, NASTY);
        char *svg = jd_chart_svg(c, &bytes);
        assert_non_null(svg);
        assert_memory_equal(svg, "<svg ", 5);
        check_markup(svg);
        check_ids(svg);
        jd_free(ctx, svg);
        jd_chart_free(c);
        const float values[6] = {0, .5f, bad ? NAN : 1, 2, 1, 0};
        jd_timeline *t = jd_timeline_new(ctx, NASTY, 0, 3);
        jd_timeline_lines(t, NASTY, values, 3, 2, (const char *[]){NASTY, "b"}, 0, 0);
        jd_timeline_text(t, NASTY, "ab", (const double[]){1, 2});
        svg = jd_timeline_svg(t, &bytes);
        assert_non_null(svg);
        assert_memory_equal(svg, "<svg ", 5);
        assert_int_equal(bytes, strlen(svg));
        check_markup(svg);
        check_ids(svg);
        jd_free(ctx, svg);
        jd_timeline_free(t);
    }
    jd_ctx_free(ctx);
}

static void test_same_bytes(void **state)
{
    (void)state;
    size_t n, m;
    char *a = html_of(false, "x", &n), *b = html_of(false, "x", &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

/* A locale with a decimal comma, made on the spot: few machines have one installed. */
static void test_locale(void **state)
{
    (void)state;
    char dir[] = "/tmp/jackdaw-locale-XXXXXX", command[256];
    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", dir);
    bool made = system(command) == 0;
    size_t n, m;
    char *a = html_of(false, "x", &n), buf[JD__NUM];
    setenv("LOCPATH", dir, 1);
    bool german = made && setlocale(LC_ALL, "de_DE.UTF-8");
    if (german) {
        char comma[16];
        snprintf(comma, sizeof comma, "%.1f", 0.5);
        assert_string_equal(comma, "0,5");
        char *b = html_of(false, "x", &m);
        assert_string_equal(jd__plain(buf, -0.1), "-0.1");
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        free(b);
        setlocale(LC_ALL, "C");
    }
    unsetenv("LOCPATH");
    free(a);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    if (!german) skip();
}

static void test_numbers_and_ticks(void **state)
{
    (void)state;
    char b[JD__NUM];
    assert_string_equal(jd__fixed(b, -1.5, 2), "\xe2\x88\x92"
                                               "1.50");
    assert_string_equal(jd__fixed(b, -0.001, 1), "0.0");
    assert_string_equal(jd__fixed(b, 1234567, 0), "1\xe2\x80\x89"
                                                  "234\xe2\x80\x89"
                                                  "567");
    assert_string_equal(jd__fixed(b, 9876.5, 1), "9876.5");
    assert_string_equal(jd__short(b, 3.2e-12, 3), "3.2\xc3\x97"
                                                  "10\xe2\x81\xbb\xc2\xb9\xc2\xb2");
    assert_string_equal(jd__short(b, NAN, 3), "\xe2\x80\x93");
    assert_string_equal(jd__plain(b, 0.1), "0.1");
    assert_string_equal(jd__plain(b, 1.0 / 3), "0.3333333333333333");
    assert_true(strtod(jd__plain(b, 5e-324), NULL) == 5e-324);

    jd__axis a = {0};
    jd__axis_fit(&a, &(jd_axis){.min = 0, .max = 100000}, 1, 0, false, 0, 5);
    assert_int_equal(a.n, 6);
    assert_string_equal(a.tick[0].label, "0");
    assert_string_equal(a.tick[1].label, "20k");
    assert_string_equal(a.tick[5].label, "100k");
    jd__axis_fit(&a, &(jd_axis){.min = -0.3, .max = 0.3}, 1, 0, false, 0, 5);
    assert_string_equal(a.tick[0].label, "\xe2\x88\x92"
                                         "0.2");
    jd__axis_fit(&a, &(jd_axis){.scale = JD_LOG, .min = 1e-6, .max = 1}, 1, 0, false, 0, 5);
    assert_string_equal(a.tick[0].label, "10\xe2\x81\xbb\xe2\x81\xb6");
    assert_string_equal(a.tick[a.n - 1].label, "1");
    a.p0 = 0, a.p1 = 60;
    assert_true(fabs(jd__pos(&a, 1e-3) - 30) < 1e-9);
    /* no range at all, one value, and ranges at the ends of what a double holds */
    double ends[][2] = {{1, 0}, {3, 3}, {0, 0}, {-1e300, 1e300}, {0, 5e-324}, {1e300, 1e300}};
    for (size_t i = 0; i < 6; i++)
        for (int s = 0; s < 2; s++) {
            double lo = ends[i][0], hi = ends[i][1];
            if (s && lo <= 0) continue;
            jd__axis_fit(&a, &(jd_axis){.scale = s ? JD_LOG : JD_LIN}, lo, hi, true, 0.05, 5);
            assert_true(a.min < a.max && a.n >= 1 && a.n <= JD__TICKS);
        }
    double y[] = {50, 10, 12, 11};
    jd__spread(y, 4, 10, 0, 100);
    assert_true(fabs(y[0] - 50) < 1e-9 && fabs(y[1] - 1) < 1e-9 && fabs(y[3] - 11) < 1e-9 && fabs(y[2] - 21) < 1e-9);
}

static uint8_t *decode(const void *png, size_t bytes, size_t channels, size_t *w, size_t *h)
{
    static const uint32_t format[] = {0, PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, png, bytes));
    assert_int_equal(image.format, format[channels]);
    uint8_t *p = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, p, 0, NULL));
    *w = image.width;
    *h = image.height;
    return p;
}

static void test_png(void **state)
{
    (void)state;
    static const size_t size[][2] = {{1, 1}, {7, 5}, {1, 300}, {300, 1}, {64, 64}};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_rng rng = jd_rng_new(7, "png", 0);
    for (size_t channels = 1; channels <= 4; channels++)
        for (size_t i = 0; i < 5; i++) {
            size_t n = size[i][0] * size[i][1] * channels, bytes, w, h;
            uint8_t *pixels = malloc(n);
            for (size_t k = 0; k < n; k++) /* smooth, noisy and flat parts, so that every filter is chosen */
                pixels[k] = (uint8_t)(k % 3 ? k / 5 : jd_rng_below(&rng, 256));
            uint8_t *png = jd_png_encode(ctx, pixels, size[i][0], size[i][1], channels, &bytes);
            uint8_t *back = decode(png, bytes, channels, &w, &h);
            assert_int_equal(w, size[i][0]);
            assert_int_equal(h, size[i][1]);
            assert_memory_equal(back, pixels, n);
            free(back);
            free(pixels);
            jd_free(ctx, png);
        }
    size_t bytes;
    assert_null(jd_png_encode(ctx, (const uint8_t *)"", 0, 1, 1, &bytes));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_ctx_free(ctx);
}

static size_t from_base64(const char *s, uint8_t *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    uint32_t bits = 0;
    for (int have = 0; *s != '"' && *s != '='; s++) {
        const char *d = strchr(digit, *s);
        assert_non_null(d);
        bits = bits << 6 | (uint32_t)(d - digit);
        have += 6;
        if (have >= 8) out[n++] = (uint8_t)(bits >> (have -= 8));
    }
    return n;
}

static void test_pictures(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_report *r = jd_report_new(ctx, "t", NULL);
    float weights[] = {-2, 0, 1, 2, 0, 0, 0, 0};
    jd_report_filters(r, weights, 2, 2, 2, 1, true, "f");
    /* (T = 3, H = 2), upward: entry 0 is the lower row */
    jd_report_map(
        r, &(jd_map){.values = (float[]){0, 1, NAN, 1, 0.5f, 0}, .T = 3, .H = 2, .vmin = 0, .vmax = 1, .upward = true},
        NULL, 0, 3, "m");
    size_t bytes, w, h;
    char *html = jd_report_html(r, &bytes);
    uint8_t *png = malloc(bytes);
    const char *p = strstr(html, "base64,");
    uint8_t *pixels = decode(png, from_base64(p + 7, png), 1, &w, &h);
    assert_int_equal(w * h, 4);
    assert_memory_equal(pixels, "\x00\x80\xbf\xff", 4);
    free(pixels);
    p = strstr(strstr(p + 1, "base64,") + 1, "base64,");
    pixels = decode(png, from_base64(p + 7, png), 4, &w, &h);
    assert_int_equal(w, 3);
    assert_int_equal(h, 2);
    uint8_t lo[3], mid[3], hi[3];
    jd__color(JD_SEQUENTIAL, 0, lo);
    jd__color(JD_SEQUENTIAL, 0.5, mid);
    jd__color(JD_SEQUENTIAL, 1, hi);
    assert_memory_equal(pixels, hi, 3);
    assert_memory_equal(pixels + 4, hi, 3);
    assert_memory_equal(pixels + 8, lo, 3);
    assert_memory_equal(pixels + 12, lo, 3);
    assert_int_equal(pixels[16 + 3], 0); /* the gap is transparent */
    assert_memory_equal(pixels + 20, mid, 3);
    free(pixels);
    free(png);
    jd_free(ctx, html);
    jd_report_free(r);
    jd_ctx_free(ctx);
}

/* A long curve is thinned, but its single spike stays. */
static void test_long_curves(void **state)
{
    (void)state;
    enum { N = 200000 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    double *y = calloc(N, sizeof *y);
    y[123457] = 1;
    jd_chart *c = jd_chart_new(ctx, NULL, &(jd_axis){.min = -1, .max = 1}, 200);
    jd_chart_line(c, NULL, NULL, y, N, 0);
    size_t bytes;
    char *svg = jd_chart_svg(c, &bytes);
    assert_true(bytes < 100000);
    char *path = strstr(svg, "class=\"ln"), top[32];
    jd__text t = {.ctx = ctx};
    jd__addf(&t, " %gL", 14.0); /* the panel's top edge: 4 + 10 */
    snprintf(top, sizeof top, "%s", t.p);
    assert_non_null(strstr(path, top));
    jd__text_free(&t);
    jd_free(ctx, svg);
    jd_chart_free(c);
    free(y);
    jd_ctx_free(ctx);
}

static void test_sparkline(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    char *s = jd_sparkline(ctx, (double[]){0, 1, 2, 3, NAN, 4, 5, 6, 7}, 9, 9);
    assert_string_equal(s, "▁▂▃▄ ▅▆▇█");
    jd_free(ctx, s);
    s = jd_sparkline(ctx, (double[]){1, 3, -4, -4, 7, 7}, 6, 3);
    assert_string_equal(s, "▅▁█");
    jd_free(ctx, s);
    s = jd_sparkline(ctx, (double[]){5, 5}, 2, 80);
    assert_string_equal(s, "▄▄");
    jd_free(ctx, s);
    s = jd_sparkline(ctx, NULL, 0, 80);
    assert_string_equal(s, "");
    jd_free(ctx, s);
    jd_ctx_free(ctx);
}

static void expect_file(jd_ctx *ctx, const char *path, const char *text)
{
    size_t bytes;
    char *s = jd_read_file(ctx, path, 0, &bytes);
    assert_non_null(s);
    assert_string_equal(s, text);
    jd_free(ctx, s);
}

static void test_csv(void **state)
{
    (void)state;
    char dir[] = "/tmp/jackdaw-csv-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/metrics.csv", dir);
    const char *columns[] = {"step", "loss, \"train\"", "note"};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_csv_log *log = jd_csv_log_open(ctx, path, columns, 3, -1);
    jd_csv_log_append(log, (double[]){0, 0.1, NAN});
    jd_csv_log_append_text(log, (const char *[]){"10", "two\nlines", NULL});
    expect_file(ctx, path, "step,\"loss, \"\"train\"\"\",note\n0,0.1,nan\n10,\"two\nlines\",\n"); /* before the close */
    jd_csv_log_append(log, (double[]){20, 1e-7, -INFINITY});
    assert_int_equal(jd_csv_log_append(log, (double[]){20.5, 0, 0}), JD_EUSAGE);
    jd_error_clear(ctx);
    jd_csv_log_close(log);

    FILE *f = fopen(path, "ab"); /* a crash in the middle of a row */
    fputs("30,0.2", f);
    fclose(f);
    log = jd_csv_log_open(ctx, path, columns, 3, 10);
    assert_non_null(log);
    expect_file(ctx, path, "step,\"loss, \"\"train\"\"\",note\n0,0.1,nan\n10,\"two\nlines\",\n");
    jd_csv_log_append(log, (double[]){20, 0.5, 1});
    jd_csv_log_close(log);
    expect_file(ctx, path, "step,\"loss, \"\"train\"\"\",note\n0,0.1,nan\n10,\"two\nlines\",\n20,0.5,1\n");

    assert_null(jd_csv_log_open(ctx, path, columns, 2, 20)); /* other columns: the old table stays */
    assert_int_equal(jd_error(ctx), JD_EDATA);
    jd_error_clear(ctx);
    expect_file(ctx, path, "step,\"loss, \"\"train\"\"\",note\n0,0.1,nan\n10,\"two\nlines\",\n20,0.5,1\n");
    const char *bad = "step\nx\n";
    jd_write_file(ctx, path, bad, strlen(bad));
    assert_null(jd_csv_log_open(ctx, path, columns, 1, 20));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    jd_error_clear(ctx);
    unlink(path);
    log = jd_csv_log_open(ctx, path, columns, 1, 20); /* nothing to resume from */
    assert_non_null(log);
    jd_csv_log_close(log);
    expect_file(ctx, path, "step\n");
    unlink(path);
    rmdir(dir);
    jd_ctx_free(ctx);
}

static void test_write(void **state)
{
    (void)state;
    char dir[] = "/tmp/jackdaw-report-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/r.html", dir);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_report *r = make_report(ctx, false, "x");
    size_t bytes;
    assert_int_equal(jd_report_write(r, path), JD_OK);
    char *html = jd_report_html(r, &bytes);
    expect_file(ctx, path, html);
    jd_free(ctx, html);
    assert_int_equal(jd_report_write(r, "/nonexistent/r.html"), JD_EIO);
    jd_report_free(r);
    unlink(path);
    rmdir(dir);
    jd_ctx_free(ctx);
}

/* ---- memory runs out at every single allocation in turn ---- */

static void *failing_alloc(void *user, size_t bytes)
{
    long *left = user;
    return (*left)-- > 0 ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
}

static void plain_free(void *user, void *p)
{
    (void)user;
    free(p);
}

static void test_no_memory(void **state)
{
    (void)state;
    bool done = false;
    for (long n = 0; !done && n < 5000; n++) {
        long left = 1000000;
        jd_ctx *ctx =
            jd_ctx_new(&(jd_options){.threads = 1, .alloc = failing_alloc, .free = plain_free, .alloc_user = &left});
        assert_non_null(ctx);
        left = n;
        jd_report *r = make_report(ctx, false, "x");
        size_t bytes;
        char *html = jd_report_html(r, &bytes);
        done = html != NULL;
        if (!done) assert_int_equal(jd_error(ctx), JD_ENOMEM);
        jd_free(ctx, html);
        jd_report_free(r);
        jd_ctx_free(ctx);
    }
    assert_true(done);
}

static void test_wrong_use(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_report *r = jd_report_new(ctx, "t", NULL);
    assert_int_equal(jd_report_confusion(r, NULL, (int64_t[]){-1}, 1, ""), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_report_images(r, &(jd_tiles){(const uint8_t *)"", 1, SIZE_MAX / 2, 3, 1, NULL, 0}, ""),
                     JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_report_tree(r, &(jd_tree_node){"x", 0, false}, 1, ""), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_report_matrix(r, &(jd_matrix){.rows = 1, .columns = 401}, ""), JD_EUSAGE);
    jd_error_clear(ctx);
    jd_chart *c = jd_chart_new(ctx, NULL, NULL, 0);
    assert_int_equal(jd_chart_line(c, "a", NULL, NULL, 3, 0), JD_EUSAGE);
    assert_int_equal(jd_report_chart(r, c, "x"), JD_EUSAGE); /* sticky; frees the chart */
    assert_null(jd_chart_new(ctx, NULL, NULL, 0));
    assert_int_equal(jd_chart_line(NULL, "a", NULL, NULL, 0, 0), JD_EUSAGE);
    assert_null(jd_report_html(r, NULL));
    jd_report_free(r);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed), cmocka_unit_test(test_escaping),  cmocka_unit_test(test_svg_alone),
        cmocka_unit_test(test_same_bytes),  cmocka_unit_test(test_locale),    cmocka_unit_test(test_numbers_and_ticks),
        cmocka_unit_test(test_png),         cmocka_unit_test(test_pictures),  cmocka_unit_test(test_long_curves),
        cmocka_unit_test(test_sparkline),   cmocka_unit_test(test_csv),       cmocka_unit_test(test_write),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_wrong_use), cmocka_unit_test(test_mean_and_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
