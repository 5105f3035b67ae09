/*
 * crew.h - the network of advantage learning: LSTM cells and tanh units in 16 lanes, with the truncated real-time
 * gradient of one output (Hochreiter and Schmidhuber 1997; with forget gates: Gers, Schmidhuber, Cummins 2000).
 *
 * Lanes are copies of the environment; they share the weights.  An array (N,16) holds number k of lane l at [16 k + l].
 * All in float64.
 */
#ifndef JD_CPU_CREW_H
#define JD_CPU_CREW_H

#include <stddef.h>

enum { JD_CREW = 16 }; /* lanes */

typedef struct jd_cells {
    int inputs, cells, hidden, actions;
    int columns;    /* inputs + cells + 1: what a cell or unit sees */
    int seen;       /* cells + hidden + 1: what an output sees */
    size_t weights; /* (4,cells,columns) gates i f z o; (hidden,columns); (actions,seen) */
} jd_cells;
jd_cells jd__cells(int inputs, int cells, int hidden, int actions);

/* The state of 16 lanes. */
typedef struct jd_crew {
    double *x;    /* (columns,16): inputs, outputs of the cells one step before, 1 */
    double *y;    /* (seen,16): outputs of the cells, of the units, 1 */
    double *c;    /* (cells,16) */
    double *gate; /* (4,cells,16) */
    double *was;  /* (cells,16): c one step before */
    double *a;    /* (actions,16): the outputs */
    double *s;    /* (3,cells,columns,16): dc/dw of gates i f z */
    double *d;    /* (seen,16): scratch */
} jd_crew;
/* Numbers needed for a crew; with `learning`, s too. */
size_t jd__crew_size(const jd_cells *n, int learning);
void jd__crew_place(const jd_cells *n, int learning, double *memory, jd_crew *c);
/* A lane begins anew. */
void jd__crew_reset(const jd_cells *n, jd_crew *c, int lane);
#endif
