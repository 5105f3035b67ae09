/*
 * clutter.h - handwritten digits of several sizes among strokes and pieces of digits, 128 x 128 pixels.
 *
 *     clutter c;
 *     jd_rng r = jd_rng_new(seed, "clutter/test", i);
 *     clutter_make(&r, &digits, &c);                         // c.pixels, c.box[0 .. c.n-1]
 *     clutter_window(&c, y, x, CLUTTER_STEP[1], 28, 28, window);
 */
#ifndef CLUTTER_H
#define CLUTTER_H

#include "jackdaw/data.h"
#include "jackdaw/metrics.h"
#include "jackdaw/system.h"

enum { CLUTTER_SIDE = 128, CLUTTER_WINDOW = 28, CLUTTER_DIGITS = 5, CLUTTER_LEVELS = 3 };
/* Pixels of the picture between pixels of a level: 1, 2^0.5, 2. */
extern const double CLUTTER_STEP[CLUTTER_LEVELS];

typedef struct clutter {
    float pixels[CLUTTER_SIDE * CLUTTER_SIDE]; /* 0 dark to 1 bright */
    int n;
    jd_box box[CLUTTER_DIGITS]; /* the squares in which MNIST puts the digits, label 0..9, image 0 */
    int level[CLUTTER_DIGITS];  /* at which a digit has its size in MNIST, but for some percent */
} clutter;

void clutter_make(jd_rng *r, const jd_images *digits, clutter *c);
/* Pixels around (y, x), `step` apart, the mean of four points each: out (h,w).  Past the edges the edge goes on. */
void clutter_window(const clutter *c, double y, double x, double step, int h, int w, float *out);
/* Pixels of a side of a level. */
static inline int clutter_side(int level)
{
    return (int)(CLUTTER_SIDE / CLUTTER_STEP[level]);
}
/* A whole level, out (side,side); pixel (i,j) of it is the middle of the window that jd_scan_image looks at there. */
void clutter_level(const clutter *c, int level, float *out);
/* The box of the window around pixel (i,j) of a level. */
jd_box clutter_box(int level, int i, int j);

#endif
