/*
 * ink.h - online handwriting: the strokes of a pen from files, and the frames that a recogniser reads.
 *
 *     jd_ink ink = {0};
 *     jd_load_unipen(ctx, "words_train", &ink);                        // or jd_read_ink(ctx, "note.inkml", &ink)
 *     jd_ink_reader *r = jd_ink_reader_new(ctx, NULL);                 // one for each thread that works
 *     size_t T = jd_ink_frames(r, &ink.items[0], NULL, 0);             // jd_ink_reader_frames(r): (T, width)
 *
 * Readers take their files as hostile; errors name the file, the line and the repair.  A reader that fails leaves `*out`
 * as it was.  Status codes: JD_ENOINPUT (no such file), JD_EDATA (wrong contents), JD_EABSENT (InkML was not built in).
 */
#ifndef JACKDAW_INK_H
#define JACKDAW_INK_H

#include "jackdaw/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One piece of writing. */
typedef struct jd_ink_sample {
    const char *id, *writer, *text; /* "" where the file tells none; text is UTF-8 */
    size_t strokes;                 /* 1 or more; only ink with the pen down */
    const size_t *start;            /* (strokes+1): stroke s is the points start[s] .. start[s+1]-1, at least one */
    const float *xy;                /* (points,2): x to the right, y DOWN, any unit */
} jd_ink_sample;

typedef struct jd_ink {
    size_t count;
    jd_ink_sample *items;
    size_t *start; /* what the pointers of the items point into */
    float *xy;
    char *text;
} jd_ink;
JD_API void jd_ink_free(jd_ctx *ctx, jd_ink *ink);

/* A table with the columns id, writer, text, strokes, plain or gzip-ed.  `strokes`: strokes separated by ';', each
 * `x0 y0 dx1 dy1 dx2 dy2 ...` in whole numbers. */
JD_API jd_status jd_read_ink_tsv(jd_ctx *ctx, const char *path, jd_ink *out);
/* One sample as plain text: a point `x y` a line (further numbers, such as time or pressure, are passed over), an empty
 * line between strokes.  Lines that start with # are comments; `# text: Hello` and `# writer: me` are kept. */
JD_API jd_status jd_read_ink_text(jd_ctx *ctx, const char *path, jd_ink *out);
/* One sample from InkML (W3C 2011): the <trace> elements in their order, with the channels X and Y of <traceFormat>,
 * explicit values, first (') and second (") differences; <annotation type="truth"> and type="writer".  Brush, canvas and
 * time stamps are passed over. */
JD_API jd_status jd_read_inkml(jd_ctx *ctx, const char *path, jd_ink *out);
/* A file of UNIPEN 1.0 (Guyon, Schomaker, Plamondon, Liberman, Janet, ICPR 1994) with those that it includes, from beside it or from
 * a folder `include` above: a sample for each .SEGMENT of the first one's level that is not judged BAD, or all the ink. */
JD_API jd_status jd_read_unipen(jd_ctx *ctx, const char *path, jd_ink *out);
/* A line of IAM-OnDB (Liwicki, Bunke, ICDAR 2005), lineStrokes/a01/a01-000/a01-000u-01.xml; its text from ascii/ beside lineStrokes/,
 * where that is there. */
JD_API jd_status jd_read_iam(jd_ctx *ctx, const char *path, jd_ink *out);
/* The samples of n inks, one after the other, copied. */
JD_API jd_status jd_ink_join(jd_ctx *ctx, const jd_ink *part, size_t n, jd_ink *out);
/* One of them all, told by the contents. */
JD_API jd_status jd_read_ink(jd_ctx *ctx, const char *path, jd_ink *out);
/* A part of the data set "unipen": "words_train", "words_valid", "words_test", "lines_train"... */
JD_API jd_status jd_load_unipen(jd_ctx *ctx, const char *part, jd_ink *out);

/* ---- frames --------------------------------------------------------------------------------------------------------
 * The height of the writing is measured as the median vertical way of the pen between two turns, which is near the
 * height of small letters in print and in cursive writing alike.  Strokes are resampled to points a fixed way apart; a
 * frame is `stack` points of one stroke in a row.  Each frame has:
 *   per point: steps dx, dy from the point before in units of the spacing (zero for points that are missing);
 *   the number of points; the way over its first point from the last stroke's end, if a stroke begins (flag, dx, dy);
 *   the height over the middle of the writing; cosine and sine of the turn since the frame before; how far left of the
 *   rightmost ink it lies (dots and bars that are put on later);
 *   with `view`, a picture of view x view cells of all the ink around the frame (Liwicki, Bunke, PRL 2006, used 3 x 3).
 *
 * With `rows` the order of the strokes is given up: the ink is drawn as a grey picture, 0 paper and 1 ink, smooth at the
 * edges, made smaller where it would not fit between the rows; frame t is column t from the top.  (width = rows) */
typedef struct jd_ink_options {
    float spacing;   /* way between points, in heights of writing; default 0.2 */
    int stack;       /* points a frame; default 4 */
    int view;        /* cells of the picture to a side; 0: no picture */
    float view_cell; /* side of a cell, in heights of writing; default 0.5 */
    int rows;        /* > 0: frames are the columns of a picture of so many rows instead, see below */
    float size;      /* rows that a height of writing takes up; default 0.3 rows */
    float pen;       /* width of the drawn line in pixels; default 1.5 */
} jd_ink_options;

typedef struct jd_ink_reader jd_ink_reader;
/* `o` may be NULL. */
JD_API jd_ink_reader *jd_ink_reader_new(jd_ctx *ctx, const jd_ink_options *o);
JD_API void jd_ink_reader_free(jd_ink_reader *r);
JD_API size_t jd_ink_reader_width(const jd_ink_reader *r); /* features a frame */

/* Makes the frames of a sample and returns their number, at least 1; 0 on error.  With `change`, of a sample written a
 * little differently: slant, width, turn, size, wavy distortion, all times `strength` (1: usual). */
JD_API size_t jd_ink_frames(jd_ink_reader *r, const jd_ink_sample *s, jd_rng *change, double strength);
/* What the last call of jd_ink_frames made; valid until the next.  (T, width) */
JD_API const float *jd_ink_reader_frames(const jd_ink_reader *r);
/* The middle of each frame in the sample's own coordinates, before any change, and its stroke: for drawing.  (T,2), (T) */
JD_API const float *jd_ink_reader_places(const jd_ink_reader *r);
JD_API const size_t *jd_ink_reader_strokes(const jd_ink_reader *r);

#ifdef __cplusplus
}
#endif
#endif
