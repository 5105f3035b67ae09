/*
 * wave.h - the diagonals of a multi-dimensional scan.  Points whose scan coordinates add up to the same number do not
 * depend on each other, nor do samples; a diagonal's points of all samples of a member are numbered (slots) sample by
 * sample and cut into panels of 16.  All directions share one list, because it is made in scan coordinates.
 */
#ifndef JD_CPU_WAVE_H
#define JD_CPU_WAVE_H

#include "cpu/lanes.h"

typedef struct jd_wave {
    jd_md z;
    jd_md_own o;
    jd_worker w;     /* the team at work; a team of one for small products */
    size_t b0, b1;   /* this member's samples... */
    int d0, d1;      /* ...and directions */
    int waves;       /* diagonals that have points */
    int32_t nowhere; /* where a zero stands in the states of a diagonal */
} jd_wave;

/* One panel of a diagonal in one direction. */
typedef struct jd_panel {
    int lanes;
    size_t row[JD_MD_LANES];                /* place of the point in arrays (B P,...) */
    size_t before[JD_MD_DIMS][JD_MD_LANES]; /* that of the predecessor, SIZE_MAX outside the grid */
    int32_t from[JD_MD_DIMS][JD_MD_LANES];  /* where the neighbour stands in the states of its diagonal */
} jd_panel;

/* False when this member has nothing to do because the work is too small for a team.  `step` is the number of floats of one
 * panel of the states. */
bool JD_K(jd__wave_init)(jd_wave *v, const jd_call *c, const jd_worker *w, const jd_md_space *s, bool grad,
                         size_t step);

/* Panel q of diagonal k in direction number d; neighbours: one step down (forward) or up (backward). */
void JD_K(jd__wave_panel)(const jd_wave *v, int k, int q, int d, bool up, size_t step, jd_panel *p);
static inline int jd__wave_panels(const jd_wave *v, int k)
{
    return (v->o.wave[k + 1] - v->o.wave[k] + JD_MD_LANES - 1) / JD_MD_LANES;
}

/* Zeroes n floats of direction d at all places outside this member's samples, in out (B P, D n). */
void JD_K(jd__wave_clear)(const jd_wave *v, int d, size_t n, float *out);

static inline void jd__wave_meet(const jd_wave *v)
{
    if (v->w.count > 1) jd_team_barrier(&v->w);
}

#endif
