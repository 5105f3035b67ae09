/*
 * knots.h - loops of a suture around a needle: trajectories of a gripper's tip, and how well another one follows them.
 *
 * In cm and steps.  From (0,0,8) straight to the needle in 25 steps, two turns of radius 1.5 about the needle's axis (the
 * line x = 0.5, z = 3 along y) of 60 steps each while y grows by 0.15 a turn, back to (-3,1,6) in 30 and a pull to (-6,1,9)
 * in 25.  At the end of the first turn the tip is where it is at the end of the second, within 0.15 cm, and has to go
 * another way.
 */
#ifndef JACKDAW_SYSTEMS_KNOTS_H
#define JACKDAW_SYSTEMS_KNOTS_H

#include "jackdaw/base.h"

enum { KNOT_MOST = 720 };
#define KNOT_TURNS 2.0
#define KNOT_KEEP  .8 /* what is left of a tremor after a step, on average */

typedef struct knot {
    int steps; /* points */
    double p[KNOT_MOST][3];
} knot;

/* The path without noise: the start moved by offset (3), radius and duration times these factors. */
void knot_path(const double *offset, double radius, double slowness, knot *k);
/* A tremor of `size` cm, low-passed: (steps, 3). */
void knot_tremor(jd_rng *r, double size, int steps, double (*shake)[3]);
/* A demonstration: start N(0, 0.5^2) away, radius within 10 %, duration within 15 %, tremor of 0.03 cm, low-passed. */
void knot_demonstrate(jd_rng *r, knot *k);
/* A start alone: offset (3). */
void knot_offset(jd_rng *r, double *offset);
/* Turns about the needle. */
double knot_winding(const knot *k);
/* Mean distance from the points of a to the nearest of b, or from those of b to the nearest of a, whichever is larger. */
double knot_distance(const knot *a, const knot *b);
/* Mean squared distance of `said` (a point at least) to the demonstration as one walks along it, never back, at most three
 * points a step, up to its end.  Points that are not reached count with their distance from where `said` ends: one turn too
 * few, or a halt on the way, costs far more than a corner cut.  At 20 cm from it, lost: 1,000 and the points left. */
double knot_misfit(const knot *said, const knot *shown);

#endif
