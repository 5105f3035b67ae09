/* ink.h - what the readers of online handwriting share: an ink that grows point by point. */
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
void jd__inker_free(jd__inker *k);
/* Makes the one sample out of it all; text and writer may be NULL.  Takes the points over. */
jd_status jd__inker_finish(jd__inker *k, const char *text, const char *writer, jd_ink *out);

#endif
