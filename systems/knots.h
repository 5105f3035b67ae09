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

typedef struct knot {
    int steps; /* points */
    double p[KNOT_MOST][3];
} knot;

/* The path without noise: the start moved by offset (3), radius and duration times these factors. */
void knot_path(const double *offset, double radius, double slowness, knot *k);
/* A demonstration: start N(0, 0.5^2) away, radius within 10 %, duration within 15 %, tremor of 0.03 cm, low-passed. */
void knot_demonstrate(jd_rng *r, knot *k);
/* A start alone: offset (3). */
void knot_offset(jd_rng *r, double *offset);
/* Turns about the needle. */
double knot_winding(const knot *k);
/* Mean distance from the points of a to the nearest of b, or from those of b to the nearest of a, whichever is larger. */
double knot_distance(const knot *a, const knot *b);
/* Mean squared distance of `said` to the demonstration as one walks along it, never back, at most three points a step, up
 * to its end; plus the share of it that is left when `said` is over.  Infinite when it is 20 cm away. */
double knot_misfit(const knot *said, const knot *shown);

#endif
