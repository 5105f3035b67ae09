/*
 * wave.h - who works when in a multi-dimensional scan.
 *
 * A lane is a line of a sample along the last dimension of the scan.  It starts when its place in the other dimensions
 * says so and then goes one point further at each step, so that in step k all lanes stand on the diagonal of the points
 * whose scan coordinates add up to k, and none of these depends on another.  The state of a lane's predecessor in another
 * dimension is that of a neighbouring lane one step before: a vector load a few places aside.
 *
 * The lanes of one or several samples, a crew, are cut into panels of 16 and scanned together, for one direction after
 * the other while their points are in the cache.
 */
#ifndef JD_CPU_WAVE_H
#define JD_CPU_WAVE_H

#include "cpu/lanes.h"

typedef struct jd_wave {
    jd_md z;
    jd_md_own o;
    jd_worker w;                 /* the team at work; a team of one for small products */
    size_t b0, b1;               /* this member's samples... */
    int d0, d1;                  /* ...and directions */
    bool few;                    /* all lanes of all samples are so few that vectors run over rows instead */
    size_t from, to;             /* the crew: its samples, */
    int lanes, panels, steps;    /* lanes, panels and steps */
    ptrdiff_t along;             /* rows from a point to the next of its lane: 1 or -1 */
    ptrdiff_t aside[JD_MD_DIMS]; /* lanes from a lane to its predecessor: 0 for the last dimension */
} jd_wave;

/* One panel in one step. */
typedef struct jd_panel {
    int lanes;
    size_t row[JD_MD_LANES];   /* place of the point in arrays (B P,...); SIZE_MAX where a lane has none */
    int32_t here[JD_MD_LANES]; /* all bits where a lane has a point, else 0 */
} jd_panel;

/* False when this member has nothing to do because the work is too small for a team. */
bool JD_K(jd__wave_init)(jd_wave *v, const jd_call *c, const jd_worker *w, const jd_md_space *s, bool grad);

/* The next crew of this member's samples; false after the last.  The first one follows from = to = b0. */
bool JD_K(jd__wave_crew)(jd_wave *v);
/* Prepares the crew for direction number d. */
void JD_K(jd__wave_turn)(jd_wave *v, int d);

/* Panel q in step k; false when none of its lanes has a point. */
bool JD_K(jd__wave_panel)(const jd_wave *v, int q, int k, jd_panel *p);
static inline bool jd__wave_at_work(const jd_wave *v, int q, int k)
{
    return k >= v->o.begin[q] && k < v->o.end[q];
}

/* Zeroes n floats of direction d at all places outside this member's samples, in out (B P, D n). */
void JD_K(jd__wave_clear)(const jd_wave *v, int d, size_t n, float *out);

static inline void jd__wave_meet(const jd_wave *v)
{
    if (v->w.count > 1) jd_team_barrier(&v->w);
}

#endif
