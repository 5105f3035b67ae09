/*
 * internal.h - what the files of the report share: a growing text, numbers as text, axes, colours.
 */
#ifndef JD_REPORT_INTERNAL_H
#define JD_REPORT_INTERNAL_H

#include <jackdaw/report.h>
#include <jackdaw/treeplot.h>

#define JD__FIGURE_WIDTH 680.0
#define JD__PALETTE      7  /* colours c0 .. c6 of the style sheet */
#define JD__NEUTRAL      -1 /* colour number of the text colour */

/* ---- text ---- */
typedef struct jd__text {
    jd_ctx *ctx;
    char *p; /* NUL-terminated once anything was added */
    size_t len, cap;
} jd__text;

void jd__append(jd__text *t, const char *s);
void jd__add_bytes(jd__text *t, const char *s, size_t n);
void jd__add_escaped(jd__text *t, const char *s, size_t n);
void jd__add_base64(jd__text *t, const uint8_t *data, size_t n);
/* A small printf that no locale touches: %s text as it is, %e text escaped for HTML and XML, %d int, %z size_t,
 * %g a coordinate (two decimals at most, 0 if not finite). */
void jd__addf(jd__text *t, const char *fmt, ...);
/* Hands the text over (never NULL unless out of memory). */
char *jd__text_take(jd__text *t, size_t *bytes);
void jd__text_free(jd__text *t);

/* Bytes of the UTF-8 character at s (n > 0 bytes follow), 0 if it is not well-formed. */
size_t jd__utf8(const char *s, size_t n);
/* Width of a line of text in SVG pixels, from typical widths of a sans-serif face. */
double jd__text_width(const char *s, double font_size);

/* ---- numbers; every function writes at most JD__NUM bytes and returns buf ---- */
enum { JD__NUM = 48 };
char *jd__fixed(char *buf, double v, int decimals); /* "-1.50" with a true minus sign */
char *jd__short(char *buf, double v, int digits);   /* significant digits; "3.2x10^-5" in typographic form */
char *jd__super(char *buf, int e);                  /* e as a superscript */
char *jd__plain(char *buf, double v);               /* ASCII, shortest that reads back; for CSV */

/* ---- axes ---- */
typedef struct jd__tick {
    double v;
    char label[JD__NUM]; /* empty for a minor tick */
} jd__tick;
enum { JD__TICKS = 96 };
typedef struct jd__axis {
    bool log, empty; /* empty: no data decided the range */
    bool whole;      /* only whole numbers stand on this axis: no tick between them */
    double min, max;
    double p0, p1; /* pixels of min and max */
    int n;
    jd__tick tick[JD__TICKS];
} jd__axis;

bool jd__plottable(const jd__axis *a, double v);
double jd__pos(const jd__axis *a, double v);
/* Fixes the range from the data's range (lo > hi: none) and the user's wishes, and makes about `want` ticks. */
void jd__axis_fit(jd__axis *a, const jd_axis *wish, double lo, double hi, bool zero, double pad, int want);

/* ---- colours of maps ---- */
void jd__color(jd_colors map, double s /* 0..1 */, uint8_t rgb[3]);

/* ---- SVG ---- */
extern const char jd__svg_style[], jd__html_style[];
void jd__svg_begin(jd__text *t, double height, const char *about, bool alone);
void jd__svg_text(jd__text *t, double x, double y, const char *cls, const char *s);
void jd__add_png(jd__text *t, const uint8_t *pixels, size_t w, size_t h, size_t channels); /* data: URI */
void jd__x_axis(jd__text *t, const jd__axis *x, double y, const char *label, bool labels);
void jd__y_axis(jd__text *t, const jd__axis *y, double left, double right, bool grid);
double jd__ticks_width(const jd__axis *a);
const char *jd__color_class(int color); /* "k" or "c0" .. "c6" */
/* A polyline of the plottable points; breaks at gaps, thins out what no pixel can show. */
void jd__path(jd__text *t, const jd__axis *ax, const jd__axis *ay, const double *x, const double *y, size_t n,
              bool steps, const char *cls);

/* Moves labels (wanted positions y, each `gap` high) apart inside [top, bottom] with as little motion as possible. */
void jd__spread(double *y, size_t n, double gap, double top, double bottom);

/* `number` makes the ids of clip paths differ between the figures of one document. */
void jd__chart_draw(const jd_chart *c, jd__text *t, int number, const char *about, bool alone);
void jd__timeline_draw(const jd_timeline *tl, jd__text *t, int number, const char *about, bool alone);
void jd__matrix_draw(jd__text *t, const jd_matrix *m, const char *about);
/* `room` holds 4 n numbers. */
void jd__tree_draw(jd__text *t, const jd_tree_node *node, size_t n, double *room, const char *about);
void jd__film_draw(jd__text *t, const jd_film *f, const char *about);
void jd__confusion_draw(jd__text *t, const char *const *names, const int64_t *counts, size_t K, const char *about);
/* A strip with the paper's value, ours per seed and the accepted side; nothing if there is no finite number. */
void jd__result_strip(jd__text *t, const jd_result_row *row);
void jd__results_draw(jd__text *t, const jd_result_line *lines, size_t n);
/* "0.43 +- 0.02": the spread rounded to two digits, the mean to the same place; JD__NO_SPREAD if there is none. */
enum { JD__NO_SPREAD = -1000 };
void jd__mean_spread(const jd_result_row *row, double *mean, double *sd, int *decimals);
/* The mean, with the spread where there is one; a dash where nothing was measured. */
void jd__mean_text(char *buf, size_t size, const jd_result_row *row);

#endif
