/* ink.h - what the parts of online handwriting share: an ink that grows point by point, the inside of jd_ink_reader. */
#ifndef JD_DATA_INK_H
#define JD_DATA_INK_H

#include "jackdaw/ink.h"

#define JD_LIMIT_INK_TEXT ((size_t)1 << 31)
#define JD_LIMIT_INK_AT   1e7 /* largest coordinate */

typedef struct jd__inker {
    jd_ctx *ctx;
    const char *path;
    float *xy;
    size_t *start;
    size_t points, points_room, strokes, strokes_room;
    bool down; /* the last stroke goes on */
} jd__inker;

/* A point at (x,y); the first after jd__inker_up begins a stroke.  `line` stands in errors. */
jd_status jd__inker_point(jd__inker *k, size_t line, double x, double y);
static inline void jd__inker_up(jd__inker *k)
{
    k->down = false;
}
/* Makes the one sample out of it all; text and writer may be NULL.  Takes the points over. */
jd_status jd__inker_finish(jd__inker *k, const char *text, const char *writer, jd_ink *out);

/* Whether a text begins as a UNIPEN file does. */
bool jd__is_unipen(const char *text);
/* InkML, or with `iam` a file of IAM-OnDB, whose text is `truth`, if it is not NULL. */
jd_status jd__read_ink_xml(jd_ctx *ctx, const char *path, bool iam, const char *truth, jd_ink *out);

/* ---- frames ------------------------------------------------------------------------------------------------------------ */

enum { JD_INK_FIXED = 8, JD_INK_MOST_STACK = 16, JD_INK_MOST_VIEW = 15, JD_INK_MOST_ROWS = 256 };
#define JD_INK_MOST_POINTS ((size_t)1 << 22) /* after resampling */

typedef struct jd__ink_point {
    float x, y;   /* as changed and normalised: heights of writing */
    float ox, oy; /* in the sample */
    size_t stroke;
} jd__ink_point;

struct jd_ink_reader {
    jd_ctx *ctx;
    jd_ink_options o;
    size_t width;
    jd__ink_point *raw, *even; /* points of the sample; points a fixed way apart */
    float *reach;              /* scratch for the height */
    float *frames, *places;
    size_t *strokes;
    size_t raw_room, even_room, reach_room, frames_room, places_room, strokes_room;
    size_t raw_n, even_n, T;
    float height, first_x, mean_x; /* x in the sample = first_x + height (x + mean_x), before changes */
};

/* Room for `need` entries whose contents may be lost. */
bool jd__ink_room(jd_ctx *ctx, void **p, size_t *have, size_t need, size_t each);
/* Draws r->raw; frames become columns of the picture. */
size_t jd__ink_columns(jd_ink_reader *r);

#endif
