/*
 * attention_scene.h - scenes of 512 x 512 pixels with dark objects, and an artificial retina that moves over them.
 *
 * After J. Schmidhuber and R. Huber, International Journal of Neural Systems 2(1&2):135-141, 1991: 40 round receptive fields, small
 * ones in the middle and large ones outside.  x points right, y down, angles turn clockwise from "up".
 *
 *     at_scene s;
 *     if (at_scene_new(ctx, &s)) return jd_error(ctx);
 *     at_scene_draw(&s, &(at_thing){AT_DISC, 200, 300, 0}, 1, 0, NULL);
 *     at_look(&s, (at_pose){210, 290, 0}, x);       // x (40): 0 white, 1 dark
 */
#ifndef ATTENTION_SCENE_H
#define ATTENTION_SCENE_H

#include "jackdaw/base.h"

#define AT_PI 3.14159265358979323846
enum { AT_SIDE = 512, AT_FIELDS = 40, AT_THINGS = 3 };
typedef enum at_kind {
    AT_TRIANGLE, /* isosceles, legs 60, base 40; its point is the centroid, its apex, the smallest angle, points up */
    AT_DISC,     /* radius 30 */
    AT_T         /* a letter of 50 x 50, strokes of 14; its point is the middle of the box */
} at_kind;
extern const char *const at_kind_name[AT_THINGS];
/* Where a thing or the retina is, and how it is turned. */
typedef struct at_pose {
    double x, y, angle;
} at_pose;
typedef struct at_thing {
    at_kind kind;
    at_pose at;
} at_thing;

/* A field is a disc in the paper; here it is the square of nearly the same area, of side 1.77 radii. */
typedef struct at_field {
    double x, y, side; /* of the middle, from the retina's */
} at_field;

typedef struct at_scene {
    uint8_t *pixels;    /* (512,512): 0 white, 1 dark */
    uint32_t *sum;      /* (513,513): dark pixels above and left of a corner, within the box */
    int x0, y0, x1, y1; /* the box of all that is dark: outside is white */
    at_field field[AT_FIELDS];
} at_scene;
jd_status at_scene_new(jd_ctx *ctx, at_scene *s);
void at_scene_free(jd_ctx *ctx, at_scene *s);
/* White, then `n` things, then squares of 8 x 8 pixels drawn by `r` until they cover the share `clutter` of the scene, all of
 * them clear of the things' surroundings by what AT_CLEAR says. */
enum { AT_CLEAR = 36 };
void at_scene_draw(at_scene *s, const at_thing *thing, int n, double clutter, jd_rng *r);

/* The mean over each field; x (40). */
void at_look(const at_scene *s, at_pose eye, double *x);

/* Four outputs in 0..1, up, down, left, right, are 0 to 20 pixels each, in the retina's own frame; the move is their sum.
 * With six, the last are turns of 0 to 50 degrees, clockwise and counter-clockwise, after the move. */
enum { AT_MOVE = 20, AT_TURN = 50 };
at_pose at_moved(at_pose eye, const double *a, int actions);

#endif
