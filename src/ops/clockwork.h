/*
 * clockwork.h - where the modules of a clockwork layer stand.
 *
 * Module g has the units g S .. (g+1) S - 1, S = H / modules.  It hears the units from `from` on: with the paper's mask
 * those of the modules that are not quicker than itself, which come last because periods rise.  Its rows of R, (S,H-from),
 * start at `at` of the packed R.
 */
#ifndef JD_OPS_CLOCKWORK_H
#define JD_OPS_CLOCKWORK_H

#include "ops/recurrent.h"

typedef struct jd_clock {
    size_t unit, from, heard, at; /* heard = H - from */
    size_t period;
} jd_clock;

/* Fills m[modules]; returns the numbers in R. */
static inline size_t jd__clocks(const jd_clockwork_attr *a, size_t H, jd_clock *m)
{
    const size_t S = H / a->modules;
    size_t at = 0;
    for (size_t g = 0; g < a->modules; g++) {
        m[g].unit = g * S;
        m[g].from = a->full ? 0 : g * S;
        m[g].period = a->period[g];
        m[g].at = at;
        /* modules of the same period hear each other */
        if (!a->full && g && a->period[g] == a->period[g - 1]) m[g].from = m[g - 1].from;
        m[g].heard = H - m[g].from;
        at += S * m[g].heard;
    }
    return at;
}

/* Scratch memory of the fast kernels. */
typedef struct jd_clock_space {
    jd_rec_space rec;    /* plan, sum (B,H), dh (B,H) and outer of it */
    float *w[JD_CLOCKS]; /* packed weights of each module */
    float *r[JD_CLOCKS];
    int32_t *first;          /* backward: (modules + 1, B) row of each sample's first error; the last: of all steps */
    float *delta[JD_CLOCKS]; /* backward: (rows, S) errors of each module's own steps only */
} jd_clock_space;
size_t jd__clock_space(const jd_call *c, bool grad, int threads, void *base, jd_clock_space *s);

#endif
