/*
 * report.h - figures as SVG, and a report as one HTML file.
 *
 * A report is a single file that needs no network and no script: inline SVG, pictures as data: URIs, colours as CSS
 * variables that follow the reader's light or dark theme.  The same calls give the same bytes; nothing is read from the
 * clock, the locale or the environment.  All text is UTF-8 and is escaped (bytes that are not UTF-8 become U+FFFD).
 * Values that are not finite leave a gap in a curve, an empty cell in a map and a dash in a table.
 *
 *     jd_report *r = jd_report_new(ctx, "LSTM on the adding problem", "T = 100, 5 seeds");
 *     jd_chart *c = jd_chart_new(ctx, &(jd_axis){ .label = "epoch" }, &(jd_axis){ .label = "loss", .scale = JD_LOG }, 0);
 *     jd_chart_line(c, "train", NULL, loss, n, 0);
 *     jd_report_chart(r, c, "Mean squared error during training.");
 *     jd_report_write(r, "report.html");
 *     jd_report_free(r);
 *
 * Objects copy what they are given.  A function that puts a chart or timeline into a report also frees it.  Every
 * function accepts a NULL object after a failed *_new (the context has the error) and returns the context's status.
 */
#ifndef JACKDAW_REPORT_H
#define JACKDAW_REPORT_H

#include <jackdaw/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_report jd_report;
typedef struct jd_chart jd_chart;
typedef struct jd_timeline jd_timeline;

/* ---- charts ---------------------------------------------------------------------------------------------------- */

typedef enum jd_axis_scale { JD_LIN, JD_LOG } jd_axis_scale;

/* One axis.  min == max (as when left out) takes the range from the data.  On a log axis values <= 0 are gaps. */
typedef struct jd_axis {
    const char *label; /* with its unit, for example "test error (%)" */
    jd_axis_scale scale;
    double min, max;
} jd_axis;

/* How a series looks; combine with |.  Series are labelled at their right end in their own colour, taken from a palette
 * that colour-blind readers can tell apart (seven colours; further ones are the same, dashed); series with the same
 * label share one colour. */
enum {
    JD_DASHED = 1,   /* a dashed line */
    JD_NEUTRAL = 2,  /* the text colour instead of one of the palette: fitted lines, references */
    JD_MARKS = 4,    /* a mark at every point of a line */
    JD_STEPS = 8,    /* horizontal up to the next point */
    JD_HOLLOW = 16,  /* hollow marks: predictions, points left out of a fit */
    JD_NO_LABEL = 32 /* no text at the right end; the label still chooses the colour */
};

/* A chart of one panel, `height` SVG pixels high (0: 300; the width is 680). */
JD_API jd_chart *jd_chart_new(jd_ctx *ctx, const jd_axis *x, const jd_axis *y, double height);
JD_API void jd_chart_free(jd_chart *c);

/* Adds a panel under the last one; they share the x axis.  Later calls draw into the new panel. */
JD_API jd_status jd_chart_panel(jd_chart *c, const jd_axis *y, double height);

/* A curve through n points; x NULL means 0, 1, 2 ...  Any n; long curves keep their extremes in every pixel column. */
JD_API jd_status jd_chart_line(jd_chart *c, const char *label, const double *x, const double *y, size_t n, int flags);

/* A band from lo to hi, for example smallest to largest over seeds, or a fit +- 2 s. */
JD_API jd_status jd_chart_band(jd_chart *c, const char *label, const double *x, const double *lo, const double *hi,
                               size_t n, int flags);

/* Learning curves of several seeds: y is (seeds, n), NaN where a seed has no value (stopped early).  Draws one thin line
 * per seed and the median over the seeds that have a value in bold. */
JD_API jd_status jd_chart_seeds(jd_chart *c, const char *label, const double *x, const double *y, size_t seeds,
                                size_t n, int flags);

/* Marks at n points.  error: half lengths of vertical error bars, or NULL.  texts: a label beside each point, placed
 * where it covers least, or NULL; single entries may be NULL. */
JD_API jd_status jd_chart_points(jd_chart *c, const char *label, const double *x, const double *y, const double *error,
                                 const char *const *texts, size_t n, int flags);

/* A horizontal or vertical reference line over the whole panel with its label: the paper's value (JD_DASHED), a target. */
JD_API jd_status jd_chart_hline(jd_chart *c, const char *label, double y, int flags);
JD_API jd_status jd_chart_vline(jd_chart *c, const char *label, double x, int flags);

/* The chart alone as an SVG document that follows the theme; to be given to jd_free.  NULL on error. */
JD_API char *jd_chart_svg(jd_chart *c, size_t *bytes);

/* ---- timelines: maps, traces and text over one time axis ------------------------------------------------------- */

typedef enum jd_colors { JD_SEQUENTIAL, JD_DIVERGING } jd_colors; /* dark to light; blue - white - red around 0 */

/* Time runs from t0 to t1 (in units of the label), left to right. */
JD_API jd_timeline *jd_timeline_new(jd_ctx *ctx, const char *time_label, double t0, double t1);
JD_API void jd_timeline_free(jd_timeline *t);

/* A map of `values` (T, H): time to the right, entry 0 of H at the top, or at the bottom with `upward` (spectrograms).
 * y0 and y1 number the vertical axis at the edges of entry 0 and entry H-1 (y0 == y1: entries 0 .. H-1).  vmin == vmax:
 * from the data; a diverging map is symmetric around 0.  value_label stands at the colour bar. */
typedef struct jd_map {
    const char *label, *value_label;
    const float *values; /* (T, H) */
    size_t T, H;
    double y0, y1, vmin, vmax;
    jd_colors colors;
    bool upward;
    const char *const *row_names; /* H names instead of numbers, or NULL */
    double height;                /* SVG pixels; 0: by H */
} jd_map;
JD_API jd_status jd_timeline_map(jd_timeline *t, const jd_map *map);

/* Curves: values (T, K), one per name; vmin == vmax: from the data. */
JD_API jd_status jd_timeline_lines(jd_timeline *t, const char *label, const float *values, size_t T, size_t K,
                                   const char *const *names, double vmin, double vmax);

/* Label probabilities (T, K) as a CTC network emits them: each peak above 0.3 carries its label's name; the blank
 * (index `blank`, -1 for none) is a thin grey line. */
JD_API jd_status jd_timeline_spikes(jd_timeline *t, const char *label, const float *probs, size_t T, size_t K,
                                    const char *const *names, int blank);

/* A line of text under the tracks ("true", "HELLO"); with `at` NULL it stands at the left, otherwise `text` is split at
 * its UTF-8 characters and character i is centred at time at[i]. */
JD_API jd_status jd_timeline_text(jd_timeline *t, const char *label, const char *text, const double *at);
JD_API char *jd_timeline_svg(jd_timeline *t, size_t *bytes);

/* ---- the report ------------------------------------------------------------------------------------------------ */

/* subtitle may be NULL. */
JD_API jd_report *jd_report_new(jd_ctx *ctx, const char *title, const char *subtitle);
JD_API void jd_report_free(jd_report *r);

/* The head of a report: the paper's figure beside ours.  Call once per metric, before or after everything else. */
typedef struct jd_result_row {
    const char *metric, *unit; /* "test error", "%"; unit may be NULL */
    double paper;              /* NAN: the paper prints none */
    const char *paper_note;    /* "Table 2, 5 seeds"; may be NULL */
    const double *values;      /* ours, one per seed */
    int n;                     /* number of seeds; 0: not measured */
    double accept;             /* acceptance threshold; NAN: none */
    bool higher_is_better;
    bool passed;
    const char *reason; /* why passed or not; may be NULL */
} jd_result_row;
JD_API jd_status jd_report_result(jd_report *r, const jd_result_row *row);

/* Many results in one table: each with a strip on which the paper's figure, the accepted side and ours, seed by seed, stand.
 * row.reason is a short text under the verdict, such as "4 of 5". */
typedef struct jd_result_line {
    const char *name;
    const char *href; /* where the name leads, relative to the report; NULL: nowhere */
    const char *note; /* under the name; NULL: the metric */
    jd_result_row row;
} jd_result_line;
JD_API jd_status jd_report_results(jd_report *r, const jd_result_line *lines, size_t n, const char *caption);

/* A heading; it also appears in the list of contents. */
JD_API jd_status jd_report_section(jd_report *r, const char *title);

/* Text.  An empty line starts a new paragraph, lines that start with "- " make a list, `back quotes` a fixed-width font. */
JD_API jd_status jd_report_text(jd_report *r, const char *text);

/* Figures are numbered in the order of the calls; the caption says what is seen. */
JD_API jd_status jd_report_chart(jd_report *r, jd_chart *c, const char *caption);
JD_API jd_status jd_report_timeline(jd_report *r, jd_timeline *t, const char *caption);

/* counts (K, K): row = true class, column = predicted.  The colour is the share of the row: one scale for the diagonal,
 * another for the errors, both drawn under the matrix.  names NULL: 0 .. K-1.  K <= 400; numbers are shown to K = 24. */
JD_API jd_status jd_report_confusion(jd_report *r, const char *const *names, const int64_t *counts, size_t K,
                                     const char *caption);

/* n tiles of (h, w, channels) bytes, channels 1 (grey) or 3 (RGB), each with a caption such as "8 -> 3, p = 0.97"
 * (tile_captions or entries may be NULL).  columns 0: as many as fit. */
typedef struct jd_tiles {
    const uint8_t *pixels; /* (n, h, w, channels) */
    size_t n, h, w, channels;
    const char *const *tile_captions;
    int columns;
} jd_tiles;
JD_API jd_status jd_report_images(jd_report *r, const jd_tiles *tiles, const char *caption);

/* Weights (n, h, w, channels), channels 1 or 3, as pictures.  Zero is mid grey; every filter is scaled by its own largest
 * absolute weight, or by that of all filters with `common_scale`. */
JD_API jd_status jd_report_filters(jd_report *r, const float *weights, size_t n, size_t h, size_t w, size_t channels,
                                   bool common_scale, const char *caption);

/* One map as a figure of its own (a timeline with one track). */
JD_API jd_status jd_report_map(jd_report *r, const jd_map *map, const char *time_label, double t0, double t1,
                               const char *caption);

/* A table of numbers as shades: `values` (rows, columns), each row and column with its name, such as the attention that each
 * word of a translation (down) pays to the words of its source (across).  vmin == vmax: from 0 to the largest. */
typedef struct jd_matrix {
    const float *values; /* (rows, columns), 0 or more */
    size_t rows, columns;
    const char *const *row_names, *const *column_names;
    const char *row_label, *column_label, *value_label; /* what stands down, across, in the key; or NULL */
    double vmin, vmax;
} jd_matrix;
JD_API jd_status jd_report_matrix(jd_report *r, const jd_matrix *m, const char *caption);

/* Lines that move, again and again, without a script: points (frames, lines, 4) are x, y of both ends in the units of the
 * view, y upward, at equal times over `seconds`.  Ends are round, so that a line of no length is a disc. */
enum { JD_FILM_INK = -1, JD_FILM_MUTED = -2 };
typedef struct jd_film_line {
    double width; /* in the units of the view */
    int color;    /* 0..6 of the palette, or JD_FILM_INK, JD_FILM_MUTED */
} jd_film_line;
typedef struct jd_film {
    double x0, y0, x1, y1; /* the view */
    double seconds;
    size_t frames, lines;
    const float *points;
    const jd_film_line *line; /* (lines): later ones stand in front */
} jd_film;
JD_API jd_status jd_report_film(jd_report *r, const jd_film *film, const char *caption);

/* A recognised sequence: spectrogram, label probabilities with the peaks named, decoded and true text. */
typedef struct jd_ctc_view {
    const float *spectrogram; /* (T, F), low frequencies first */
    size_t T, F;
    double seconds, f_min, f_max; /* duration; frequencies of the lowest and highest band, in kHz */
    const float *probs;           /* (Tp, K) */
    size_t Tp, K;
    const char *const *names; /* K label names */
    int blank;                /* index of the blank, -1 for none */
    const char *decoded, *truth;
} jd_ctc_view;
JD_API jd_status jd_report_ctc(jd_report *r, const jd_ctc_view *view, const char *caption);

/* cells (rows, columns), entries may be NULL.  A column whose cells are all numbers is set to the right. */
JD_API jd_status jd_report_table(jd_report *r, const char *const *headings, const char *const *cells, size_t rows,
                                 size_t columns, const char *caption);

/* n names and values: configuration, environment.  `title` may be NULL. */
JD_API jd_status jd_report_pairs(jd_report *r, const char *title, const char *const *names, const char *const *values,
                                 size_t n);

/* The document; to be given to jd_free.  jd_report_write puts it into a file in one step (old contents or new). */
JD_API char *jd_report_html(jd_report *r, size_t *bytes);
JD_API jd_status jd_report_write(jd_report *r, const char *path);

/* ---- pieces ---------------------------------------------------------------------------------------------------- */

/* pixels (h, w, channels), 8 bits, channels 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.  Returns a PNG file to be given to
 * jd_free, its size in *bytes.  Errors: JD_EUSAGE (an empty or too large picture, wrong channels). */
JD_API uint8_t *jd_png_encode(jd_ctx *ctx, const uint8_t *pixels, size_t w, size_t h, size_t channels, size_t *bytes);

/* n values as one line of `width` block characters (UTF-8) for a terminal; to be given to jd_free.  Each character is the
 * mean of its share of the values, scaled from the smallest to the largest; a space where none is finite. */
JD_API char *jd_sparkline(jd_ctx *ctx, const double *values, size_t n, size_t width);

#ifdef __cplusplus
}
#endif
#endif
