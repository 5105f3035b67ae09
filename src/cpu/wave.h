/*
 * wave.h - who works when in a multi-dimensional scan.
 *
 * A lane is a line of a sample along the last dimension of the scan.  It starts when its place in the other dimensions
 * says so and then goes one point further at each step, so that in step k all lanes stand on the diagonal of the points
 * whose scan coordinates add up to k, and none of these depends on another.  The state of a lane's predecessor in another
 * dimension is that of a lane some places before, one step before.
 *
 * The lanes of one or several samples, a crew, are scanned together; samples stand side by side in each line.  States are
 * (lanes,H): what is computed unit by unit runs over them as if over one row, and lanes that have a point in a step are
 * neighbours.  Where they are not (volumes, samples of several sizes), lanes without a point are set to zero.
 */
#ifndef JD_CPU_WAVE_H
#define JD_CPU_WAVE_H

#include "cpu/points.h"
#include "ops/mdlstm.h"

typedef struct jd_wave {
    jd_md z;
    jd_md_own o;
    jd_worker w;              /* the team at work; a team of one for small products */
    size_t b0, b1;            /* this member's samples... */
    int d0, d1;               /* ...and directions */
    size_t group, flat;       /* jd__md_group, jd__md_flat */
    size_t margin;            /* jd__md_margin */
    bool exact, steady;       /* the lanes with a point are neighbours; their rows are equally far apart */
    size_t from, to;          /* the crew: its samples, */
    size_t samples, lanes;    /* their number, lanes */
    int steps;                /* and steps */
    size_t aside[JD_MD_DIMS]; /* lanes from a lane to its predecessor: 0 for the last dimension */
} jd_wave;

/* False when this member has nothing to do because the work is too small for a team. */
bool JD_K(jd__wave_init)(jd_wave *v, const jd_call *c, const jd_worker *w, const jd_md_space *s, bool grad);

/* The next crew of this member's samples; false after the last.  The first one follows from = to = b0. */
bool JD_K(jd__wave_crew)(jd_wave *v);
/* Prepares the crew for direction number d. */
void JD_K(jd__wave_turn)(jd_wave *v, int d);

/* The lanes of step k: the smallest range with all that have a point. */
void JD_K(jd__wave_range)(const jd_wave *v, int k, size_t *begin, size_t *end);
static inline bool jd__wave_here(const jd_wave *v, size_t lane, int k)
{
    return v->exact || (k >= v->o.first[lane] && k <= v->o.last[lane]);
}
/* The rows of the arrays (B P,...) where lanes l0..l1-1 stand in step k; they hold until the next call. */
jd_rows JD_K(jd__wave_rows)(const jd_wave *v, int k, size_t l0, size_t l1);
/* Rows l + aside[e], or l - aside[e] with before, in arrays of the crew's lanes. */
jd_rows JD_K(jd__wave_neighbours)(const jd_wave *v, int e, bool before, size_t l0, size_t l1);

/* Zeroes n floats, `step` floats apart, at all places outside this member's samples. */
void JD_K(jd__wave_clear)(const jd_wave *v, size_t n, float *out, size_t step);

/* Repeats peepholes (n+2,H) for the lanes of a group. */
void JD_K(jd__wave_peep)(const jd_wave *v, const float *peep);

/* Asks for the rows of n floats, `unit` apart, that the lanes come to next.  Rows of a large layer lie too far
 * apart for the processor to foresee. */
static inline void jd__wave_fetch(const jd_rows *r, ptrdiff_t along, size_t lanes, const float *all, size_t unit,
                                  size_t n)
{
    enum { LINE = 16, LEAST = 32 };
    for (size_t l = 0; n >= LEAST && l < lanes; l++) {
        const ptrdiff_t at = jd_row(r, l);
        const float *row = all + (at + along) * (ptrdiff_t)unit;
        for (size_t k = 0; at >= 0 && k < n; k += LINE) __builtin_prefetch(row + k, 0, 2);
    }
}

static inline void jd__wave_meet(const jd_wave *v)
{
    if (v->w.count == 1) return;
    jd_team_barrier(&v->w);
    const bool samples = v->d1 - v->d0 == v->z.D;
    jd_team_note(&v->w, samples ? v->b1 - v->b0 : (size_t)(v->d1 - v->d0), samples ? v->z.B : (size_t)v->z.D);
}

#endif
