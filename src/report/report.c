/*
 * report.c - the HTML document: head, contents, results, text, figures, tables.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct jd_report {
    jd_ctx *ctx;
    char *title, *subtitle;
    jd__text results, contents, body;
    int sections, figures, tables;
};

jd_report *jd_report_new(jd_ctx *ctx, const char *title, const char *subtitle)
{
    if (jd_error(ctx)) return NULL;
    jd_report *r = jd_alloc(ctx, sizeof *r);
    if (!r) return NULL;
    r->ctx = r->results.ctx = r->contents.ctx = r->body.ctx = ctx;
    r->title = jd_strdup(ctx, title ? title : "Report");
    if (subtitle) r->subtitle = jd_strdup(ctx, subtitle);
    return r;
}

void jd_report_free(jd_report *r)
{
    if (!r) return;
    jd__text_free(&r->results);
    jd__text_free(&r->contents);
    jd__text_free(&r->body);
    jd_free(r->ctx, r->title);
    jd_free(r->ctx, r->subtitle);
    jd_free(r->ctx, r);
}

static jd_status status(const jd_report *r)
{
    return r ? jd_error(r->ctx) : JD_EUSAGE;
}

/* ---- the head ---- */

static void add_number(jd__text *t, const char *name, const char *value, const char *unit, const char *note)
{
    jd__addf(t, "<div><dt>%e</dt><dd>%e%s%e", name, value, unit ? "\xc2\xa0" : "", unit);
    if (note && note[0]) jd__addf(t, "<small>%e</small>", note);
    jd__append(t, "</dd></div>\n");
}

jd_status jd_report_result(jd_report *r, const jd_result_row *row)
{
    if (status(r)) return status(r);
    if (row->n < 0 || (row->n && !row->values))
        return jd_fail(r->ctx, JD_EUSAGE, "jd_report_result: '%s': %d values without an array", row->metric, row->n);
    jd__text *t = &r->results;
    double lo = INFINITY, hi = -INFINITY;
    const bool judged = isfinite(row->accept), compared = isfinite(row->paper);
    char a[JD__NUM], text[4 * JD__NUM], note[4 * JD__NUM];
    for (int i = 0; i < row->n; i++) lo = fmin(lo, row->values[i]), hi = fmax(hi, row->values[i]);
    jd__addf(t, "<div class=\"result\"><h3>%e<span class=\"verdict%s\">%s</span></h3>\n<dl class=\"nums\">\n",
             row->metric, judged && row->passed ? " ok" : "",
             !row->n       ? "not measured"
             : !judged     ? "measured"
             : row->passed ? "\xe2\x9c\x93 passed"
                           : "not reached");
    if (compared || judged || row->paper_note)
        add_number(t, "Paper", compared ? jd__short(a, row->paper, 5) : "not given", compared ? row->unit : NULL,
                   row->paper_note);
    jd__mean_text(text, sizeof text, row);
    if (row->n > 1) {
        char c[JD__NUM];
        snprintf(note, sizeof note, "mean \xc2\xb1 s.d. of %d seeds; %s to %s", row->n, jd__short(a, lo, 4),
                 jd__short(c, hi, 4));
    } else {
        snprintf(note, sizeof note, "%s", row->n ? "one seed" : "");
    }
    add_number(t, "Ours", text, row->n ? row->unit : NULL, note);
    if (judged) {
        snprintf(text, sizeof text, "%s %s", row->higher_is_better ? "\xe2\x89\xa5" : "\xe2\x89\xa4",
                 jd__short(a, row->accept, 5));
        add_number(t, "Accepted if", text, row->unit, NULL);
    }
    jd__append(t, "</dl>\n");
    jd__result_strip(t, row);
    if (row->reason && row->reason[0]) jd__addf(t, "<p class=\"why\">%e</p>\n", row->reason);
    jd__append(t, "</div>\n");
    return status(r);
}

/* ---- text ---- */

jd_status jd_report_section(jd_report *r, const char *title)
{
    if (status(r)) return status(r);
    r->sections++;
    jd__addf(&r->body, "<h2 id=\"s%d\">%e</h2>\n", r->sections, title);
    jd__addf(&r->contents, "<a href=\"#s%d\">%e</a>\n", r->sections, title);
    return status(r);
}

/* One line of text, `back quotes` as code. */
static void add_line(jd__text *t, const char *s, size_t n)
{
    while (n) {
        const char *open = memchr(s, '`', n), *close = open ? memchr(open + 1, '`', n - (size_t)(open + 1 - s)) : NULL;
        if (!close) break;
        jd__add_escaped(t, s, (size_t)(open - s));
        jd__append(t, "<code>");
        jd__add_escaped(t, open + 1, (size_t)(close - open - 1));
        jd__append(t, "</code>");
        n -= (size_t)(close + 1 - s);
        s = close + 1;
    }
    jd__add_escaped(t, s, n);
}

jd_status jd_report_text(jd_report *r, const char *text)
{
    static const char *const opens[] = {"", "<p>", "<ul><li>"}, *const closes[] = {"", "</p>\n", "</li></ul>\n"};
    if (status(r)) return status(r);
    int in = 0; /* 0 nothing, 1 a paragraph, 2 a list */
    for (const char *s = text ? text : ""; *s;) {
        size_t n = strcspn(s, "\n");
        bool item = n >= 2 && s[0] == '-' && s[1] == ' ';
        if (n == 0) {
            jd__append(&r->body, closes[in]);
            in = 0;
        } else if (item && in == 2) {
            jd__append(&r->body, "</li>\n<li>");
        } else if (item || !in) {
            jd__append(&r->body, closes[in]);
            in = item ? 2 : 1;
            jd__append(&r->body, opens[in]);
        } else {
            jd__append(&r->body, "\n");
        }
        add_line(&r->body, item ? s + 2 : s, item ? n - 2 : n);
        s += n + (s[n] == '\n');
    }
    jd__append(&r->body, closes[in]);
    return status(r);
}

/* ---- figures ---- */

static void begin_figure(jd_report *r)
{
    r->figures++;
    jd__addf(&r->body, "<figure id=\"fig%d\">\n<div class=\"scroll\">\n", r->figures);
}

static jd_status end_figure(jd_report *r, const char *caption)
{
    jd__addf(&r->body, "</div>\n<figcaption><b>Figure %d.</b> ", r->figures);
    add_line(&r->body, caption ? caption : "", strlen(caption ? caption : ""));
    jd__append(&r->body, "</figcaption>\n</figure>\n");
    return status(r);
}

jd_status jd_report_chart(jd_report *r, jd_chart *c, const char *caption)
{
    if (!status(r) && c) {
        begin_figure(r);
        jd__chart_draw(c, &r->body, r->figures, caption, false);
        end_figure(r, caption);
    }
    jd_chart_free(c);
    return status(r);
}

jd_status jd_report_timeline(jd_report *r, jd_timeline *t, const char *caption)
{
    if (!status(r) && t) {
        begin_figure(r);
        jd__timeline_draw(t, &r->body, r->figures, caption, false);
        end_figure(r, caption);
    }
    jd_timeline_free(t);
    return status(r);
}

jd_status jd_report_map(jd_report *r, const jd_map *map, const char *time_label, double t0, double t1,
                        const char *caption)
{
    if (status(r)) return status(r);
    jd_timeline *t = jd_timeline_new(r->ctx, time_label, t0, t1);
    jd_timeline_map(t, map);
    return jd_report_timeline(r, t, caption);
}

jd_status jd_report_confusion(jd_report *r, const char *const *names, const int64_t *counts, size_t K,
                              const char *caption)
{
    if (status(r)) return status(r);
    if (!K || K > 400 || !counts)
        return jd_fail(r->ctx, JD_EUSAGE, "jd_report_confusion: %zu classes; a matrix of 1 to 400 can be drawn", K);
    for (size_t i = 0; i < K * K; i++)
        if (counts[i] < 0)
            return jd_fail(r->ctx, JD_EUSAGE, "jd_report_confusion: count %lld in row %zu is negative",
                           (long long)counts[i], i / K);
    begin_figure(r);
    jd__confusion_draw(&r->body, names, counts, K, caption);
    return end_figure(r, caption);
}

jd_status jd_report_matrix(jd_report *r, const jd_matrix *m, const char *caption)
{
    if (status(r)) return status(r);
    if (!m->rows || !m->columns || m->rows > 400 || m->columns > 400 || !m->values || !m->row_names || !m->column_names)
        return jd_fail(r->ctx, JD_EUSAGE,
                       "jd_report_matrix: %zu rows and %zu columns; 1 to 400 of each, all with names, can be drawn",
                       m->rows, m->columns);
    begin_figure(r);
    jd__matrix_draw(&r->body, m, caption);
    return end_figure(r, caption);
}

jd_status jd_report_tree(jd_report *r, const jd_tree_node *node, size_t n, const char *caption)
{
    if (status(r)) return status(r);
    bool good = n && n <= 2000 && node;
    for (size_t i = 0; good && i < n; i++) good = node[i].above < (int32_t)i && node[i].above >= -1;
    if (!good)
        return jd_fail(r->ctx, JD_EUSAGE,
                       "jd_report_tree: %zu nodes; give 1 to 2000, each of which stands after the one it hangs from",
                       n);
    double *room = jd_alloc_array(r->ctx, 4 * n, sizeof *room);
    if (!room) return status(r);
    begin_figure(r);
    jd__tree_draw(&r->body, node, n, room, caption);
    jd_free(r->ctx, room);
    return end_figure(r, caption);
}

jd_status jd_report_film(jd_report *r, const jd_film *f, const char *caption)
{
    if (status(r)) return status(r);
    if (!f->frames || !f->points || !f->line || !(f->seconds > 0) || !(f->x1 > f->x0) || !(f->y1 > f->y0))
        return jd_fail(r->ctx, JD_EUSAGE,
                       "jd_report_film: %zu frames of %zu lines over %g seconds in a view of %g x %g; there must be at "
                       "least one frame, and time and view larger than 0",
                       f->frames, f->lines, f->seconds, f->x1 - f->x0, f->y1 - f->y0);
    begin_figure(r);
    jd__film_draw(&r->body, f, caption);
    return end_figure(r, caption);
}

jd_status jd_report_images(jd_report *r, const jd_tiles *s, const char *caption)
{
    if (status(r)) return status(r);
    size_t size = 0, all = 0;
    if (!s->h || !s->w || (s->channels != 1 && s->channels != 3) || __builtin_mul_overflow(s->h, s->w, &size) ||
        __builtin_mul_overflow(size, s->channels, &size) || __builtin_mul_overflow(size, s->n, &all) ||
        (s->n && !s->pixels))
        return jd_fail(r->ctx, JD_EUSAGE, "jd_report_images: %zu tiles of %zu x %zu x %zu; tiles have 1 or 3 channels",
                       s->n, s->h, s->w, s->channels);
    jd__text *t = &r->body;
    size_t larger = s->h > s->w ? s->h : s->w, zoom = larger >= 72 ? 1 : (72 + larger / 2) / larger,
           width = s->w * zoom;
    bool captions = false;
    for (size_t i = 0; s->tile_captions && i < s->n; i++) captions |= s->tile_captions[i] != NULL;
    size_t cell = captions && width < 86 ? 86 : width;
    begin_figure(r);
    jd__append(t, "<div class=\"tiles\"");
    if (s->columns > 0) jd__addf(t, " style=\"max-width:%zpx\"", (size_t)s->columns * (cell + 13));
    jd__append(t, ">\n");
    for (size_t i = 0; i < s->n; i++) {
        const char *tile = s->tile_captions ? s->tile_captions[i] : NULL;
        jd__addf(t, "<div class=\"tile\" style=\"width:%zpx\"><img width=\"%z\" height=\"%z\" alt=\"%e\" src=\"", cell,
                 width, s->h * zoom, tile ? tile : "");
        jd__add_png(t, s->pixels + i * size, s->w, s->h, s->channels);
        jd__addf(t, "\">%e</div>\n", tile);
    }
    jd__append(t, "</div>\n");
    return end_figure(r, caption);
}

jd_status jd_report_filters(jd_report *r, const float *weights, size_t n, size_t h, size_t w, size_t channels,
                            bool common_scale, const char *caption)
{
    size_t size = 0, all = 0;
    if (status(r)) return status(r);
    if (__builtin_mul_overflow(h, w, &size) || __builtin_mul_overflow(size, channels, &size) ||
        __builtin_mul_overflow(size, n, &all) || (all && !weights))
        return jd_fail(r->ctx, JD_EUSAGE, "jd_report_filters: %zu filters of %zu x %zu x %zu", n, h, w, channels);
    uint8_t *pixels = jd_alloc_array(r->ctx, all + 1, 1);
    if (!pixels) return status(r);
    float largest = 0;
    for (size_t i = 0; i < all; i++)
        if (isfinite(weights[i])) largest = fmaxf(largest, fabsf(weights[i]));
    for (size_t k = 0; k < n; k++) {
        float scale = common_scale ? largest : 0;
        for (size_t i = k * size; i < (k + 1) * size && !common_scale; i++)
            if (isfinite(weights[i])) scale = fmaxf(scale, fabsf(weights[i]));
        for (size_t i = k * size; i < (k + 1) * size; i++)
            pixels[i] =
                isfinite(weights[i]) && scale > 0 ? (uint8_t)lrintf(127.5f + 127.5f * (weights[i] / scale)) : 128;
    }
    jd_report_images(r, &(jd_tiles){.pixels = pixels, .n = n, .h = h, .w = w, .channels = channels}, caption);
    jd_free(r->ctx, pixels);
    return status(r);
}

/* ---- sequences ---- */

/* Times of the labels that best-path decoding emits: the most probable step of each stretch of one label. */
static size_t emissions(const jd_ctc_view *v, double *at)
{
    size_t n = 0, last = v->K;
    float best_p = 0;
    for (size_t t = 0; t < v->Tp; t++) {
        const float *p = v->probs + t * v->K;
        size_t best = 0;
        for (size_t k = 1; k < v->K; k++)
            if (p[k] > p[best]) best = k;
        if ((int)best != v->blank && (best != last || p[best] > best_p)) {
            if (best != last) n++;
            best_p = p[best];
            at[n - 1] = v->seconds * ((double)t + 0.5) / (double)v->Tp;
        }
        last = best;
    }
    return n;
}

static size_t characters(const char *s)
{
    size_t chars = 0, n = strlen(s);
    for (size_t i = 0; i < n; chars++) {
        size_t len = jd__utf8(s + i, n - i);
        i += len ? len : 1;
    }
    return chars;
}

jd_status jd_report_ctc(jd_report *r, const jd_ctc_view *v, const char *caption)
{
    if (status(r)) return status(r);
    if (v->Tp && v->K && !v->probs) return jd_fail(r->ctx, JD_EUSAGE, "jd_report_ctc: probabilities are missing");
    jd_timeline *t = jd_timeline_new(r->ctx, "time (s)", 0, v->seconds);
    if (v->spectrogram)
        jd_timeline_map(t, &(jd_map){.label = "frequency (kHz)",
                                     .values = v->spectrogram,
                                     .T = v->T,
                                     .H = v->F,
                                     .y0 = v->f_min,
                                     .y1 = v->f_max,
                                     .upward = true,
                                     .height = 140});
    jd_timeline_spikes(t, "label probability", v->probs, v->Tp, v->K, v->names, v->blank);
    double *at = jd_alloc_array(r->ctx, v->Tp + 1, sizeof *at);
    size_t n = at && v->K ? emissions(v, at) : 0;
    /* characters under their spikes where both sides agree in number */
    if (v->decoded) jd_timeline_text(t, "decoded", v->decoded, n && characters(v->decoded) == n ? at : NULL);
    if (v->truth) jd_timeline_text(t, "true", v->truth, n && characters(v->truth) == n ? at : NULL);
    jd_free(r->ctx, at);
    return jd_report_timeline(r, t, caption);
}

/* ---- tables ---- */

/* Digits with the signs, units and separators that numbers come with. */
static bool numeric(const char *s)
{
    bool digit = false;
    for (; *s; s++) {
        if (*s >= '0' && *s <= '9')
            digit = true;
        else if (!(*s & 0x80) && !strchr("+-.,eE %()/xk", *s))
            return false;
    }
    return digit;
}

static void begin_table(jd_report *r, const char *caption)
{
    r->tables++;
    jd__addf(&r->body, "<figure id=\"tab%d\">\n<p class=\"cap\"><b>Table %d.</b> ", r->tables, r->tables);
    add_line(&r->body, caption ? caption : "", strlen(caption ? caption : ""));
    jd__append(&r->body, "</p>\n");
}

jd_status jd_report_results(jd_report *r, const jd_result_line *lines, size_t n, const char *caption)
{
    if (status(r)) return status(r);
    for (size_t i = 0; i < n; i++)
        if (lines[i].row.n < 0 || (lines[i].row.n && !lines[i].row.values))
            return jd_fail(r->ctx, JD_EUSAGE, "jd_report_results: '%s': %d values without an array", lines[i].name,
                           lines[i].row.n);
    begin_table(r, caption);
    jd__results_draw(&r->body, lines, n);
    jd__append(&r->body, "</figure>\n");
    return status(r);
}

jd_status jd_report_table(jd_report *r, const char *const *headings, const char *const *cells, size_t rows,
                          size_t columns, const char *caption)
{
    size_t all;
    if (status(r)) return status(r);
    if (!columns || __builtin_mul_overflow(rows, columns, &all) || (all && !cells) || !headings)
        return jd_fail(r->ctx, JD_EUSAGE, "jd_report_table: %zu x %zu cells; give headings and cells", rows, columns);
    bool *right = jd_alloc_array(r->ctx, columns, sizeof *right);
    if (!right) return status(r);
    for (size_t c = 0; c < columns; c++) {
        right[c] = false;
        for (size_t i = 0; i < rows; i++) {
            const char *s = cells[i * columns + c];
            bool none = !s || !s[0] || !strcmp(s, "-") || !strcmp(s, "\xe2\x80\x93");
            if (!none) right[c] = numeric(s);
            if (!none && !right[c]) break;
        }
    }
    jd__text *t = &r->body;
    begin_table(r, caption);
    jd__append(t, "<div class=\"scroll\"><table>\n<thead><tr>");
    for (size_t c = 0; c < columns; c++) jd__addf(t, "<th%s>%e</th>", right[c] ? " class=\"n\"" : "", headings[c]);
    jd__append(t, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < rows; i++) {
        jd__append(t, "<tr>");
        for (size_t c = 0; c < columns; c++) {
            const char *s = cells[i * columns + c];
            jd__addf(t, "<td%s>%e</td>", right[c] ? " class=\"n\"" : "", s ? s : "\xe2\x80\x93");
        }
        jd__append(t, "</tr>\n");
    }
    jd__append(t, "</tbody></table></div>\n</figure>\n");
    jd_free(r->ctx, right);
    return status(r);
}

jd_status jd_report_pairs(jd_report *r, const char *title, const char *const *names, const char *const *values,
                          size_t n)
{
    if (status(r)) return status(r);
    if (title) jd__addf(&r->body, "<p class=\"pt\">%e</p>\n", title);
    jd__append(&r->body, "<dl class=\"pairs\">\n");
    for (size_t i = 0; i < n; i++)
        jd__addf(&r->body, "<dt>%e</dt><dd>%e</dd>\n", names[i], values[i] ? values[i] : "\xe2\x80\x93");
    jd__append(&r->body, "</dl>\n");
    return status(r);
}

/* ---- the document ---- */

char *jd_report_html(jd_report *r, size_t *bytes)
{
    if (bytes) *bytes = 0;
    if (status(r)) return NULL;
    jd__text t = {.ctx = r->ctx};
    jd__addf(&t,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%e</title>\n<style>\n",
             r->title);
    jd__append(&t, jd__svg_style);
    jd__append(&t, jd__html_style);
    jd__addf(&t, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>%e</h1>\n", r->title);
    if (r->subtitle) jd__addf(&t, "<p class=\"sub\">%e</p>\n", r->subtitle);
    if (r->sections > 2) jd__addf(&t, "<nav>\n%s</nav>\n", r->contents.p);
    jd__append(&t, "</header>\n");
    if (r->results.len) jd__addf(&t, "<div class=\"results\">\n%s</div>\n", r->results.p);
    jd__addf(&t, "%s</main>\n</body>\n</html>\n", r->body.p);
    return jd__text_take(&t, bytes);
}

jd_status jd_report_write(jd_report *r, const char *path)
{
    size_t bytes;
    char *html = jd_report_html(r, &bytes);
    if (!html) return status(r);
    jd_write_file(r->ctx, path, html, bytes);
    jd_free(r->ctx, html);
    return status(r);
}
