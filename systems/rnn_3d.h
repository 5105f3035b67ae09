/* rnn_3d.h - what "rnn-3d" measures and shows. */
#ifndef RNN_3D_H
#define RNN_3D_H

#include "jackdaw/system.h"
#include "rnn3d_wires.h"

enum { RN_GRIDS = 5, RN_SCALES = 6, RN_SIDES = 6, RN_SYSTEMS = 5, RN_SEEDS = 10, RN_SLICES = 4, RN_SIDE = 64 };

/* A worked case, counted. */
typedef struct rn_case {
    r3_grid grid;
    double halo, ring;        /* bytes from each process in a step */
    bool even;                /* all processes send as much */
    r3_flow flow[RN_SYSTEMS]; /* with a ring; with recursive doubling; fully connected; data-parallel; attention */
} rn_case;
extern const char *const rn_system[RN_SYSTEMS];

typedef struct rn_scaling {
    int procs[R3_AXES], P, steps[2]; /* one scan, eight scans */
    double busy[2], formula;         /* shares */
} rn_scaling;

typedef struct rn_result {
    int seeds;
    double precise, single, planes; /* largest relative differences from the library's result; planes: PyraMiD-LSTM */
    int same, compared;             /* runs with the same bits as one process */
    double counted, formula, near;
    int plane_steps, plane_tasks; /* PyraMiD-LSTM on eight processes */
    rn_case small, large;         /* 2 x 2 x 2 and 4 x 4 x 4 boxes */
    rn_scaling scale[RN_SCALES];
    double side[RN_SIDES], share[RN_SIDES][2],
        per_flop[RN_SIDES]; /* boxes: share of bytes at distance 1, halo bytes per operation */
    /* training */
    int dim, steps;
    double *loss;                      /* (steps) */
    double wrong, threshold, smoothed; /* shares of the test's voxels */
    bool same_training;
    double *volume, *target, *answer; /* (dim,dim,dim): one of the test's */
} rn_result;

extern const int rn_grid[RN_GRIDS][R3_AXES];
/* Compares 1, 2, 4, 6 and 8 processes with the library's result; fills in the first part of the result. */
jd_status rn_equality(jd_run *r, rn_result *e);
void rn_report(jd_run *r, const rn_result *e);

#endif
