/*
 * rnn3d.h - a 3-D LSTM over a volume that is cut into boxes, one for each process of a grid; processes send to their face
 * neighbours only, and add their weights' gradients up along a ring of neighbours.
 *
 *     r3_options o = {.dim = {16, 16, 16}, .procs = {2, 2, 2}, .tiles = 2, .cells = 4, .precise = true, .exact = true};
 *     r3_world *w = r3_new(ctx, &o);
 *     r3_put(w, volume, target);
 *     r3_step(w);                                  // forward, backward, all-reduce
 *     ... r3_loss(w), r3_gradient(w), r3_bytes(w, R3_HALO, p, q) ...
 *     r3_free(w);
 *
 * A process is a box with memory of its own; what it knows of others came in messages, which are counted where they are
 * sent.  All processes of a world may live in one program, or be shared out over the ranks that mpirun has started (ranks.h):
 * the same processes send the same messages and get the same numbers.
 *
 * The net is the multi-dimensional LSTM of Graves, Fernandez, Schmidhuber (ICANN 2007; jd_mdlstm_raw in graph.h), scanning
 * from all eight corners, and a linear output at every voxel with the cross-entropy of its sigmoid.
 */
#ifndef RNN3D_H
#define RNN3D_H

#include "jackdaw/base.h"

enum { R3_AXES = 3, R3_DIRECTIONS = 8, R3_PROCESSES = 64, R3_CELLS = 32, R3_GATES = 6 };

/* ---- the grid of processes and its timetable --------------------------------------------------------------------------------*/

typedef struct r3_grid {
    int dim[R3_AXES], procs[R3_AXES], tiles; /* voxels; processes; sub-tiles of a box along each axis */
    int directions;                          /* 8, or 1: only from the first corner */
} r3_grid;

int r3_count(const r3_grid *g);                              /* of processes */
void r3_place(const r3_grid *g, int p, int at[R3_AXES]);     /* of process p in the grid */
int r3_at(const r3_grid *g, const int at[R3_AXES]);          /* its inverse; -1 outside */
int r3_cut(int n, int parts, int i);                         /* where part i of n begins: sizes differ by at most 1 */
int r3_distance(const int a[R3_AXES], const int b[R3_AXES]); /* city-block */

/* A closed walk through all processes with steps between face neighbours, where a side is even; otherwise its last step is
 * long.  next[p]: who follows p. */
void r3_ring(const r3_grid *g, int next[R3_PROCESSES]);

/* What each process computes in each time step of one pass, if it has all it needs: of the sub-tiles that are ready the one
 * with the longest way still before it.  A message sent in a step has arrived in the next. */
typedef struct r3_timetable {
    jd_ctx *ctx;
    int processes, tasks, steps; /* tasks: of each process */
    int *task;                   /* (steps,processes): direction * tiles^3 + tile, or -1: idle */
} r3_timetable;
jd_status r3_schedule(jd_ctx *ctx, const r3_grid *g, r3_timetable *t);
void r3_timetable_free(r3_timetable *t);

/* ---- one step of training ------------------------------------------------------------------------------------------------------*/

typedef struct r3_options {
    int dim[R3_AXES], procs[R3_AXES], tiles, cells;
    bool precise; /* float64; otherwise float32 */
    bool exact;   /* gradients are added up as integers, whose sum has no order: the same bits for any grid */
    bool idle;    /* send and count all messages of the scans, but compute nothing; there is no output then */
    uint64_t seed;
} r3_options;

typedef struct r3_world r3_world;
/* Weights are drawn from the seed.  Errors: JD_EUSAGE (more processes or tiles than voxels). */
r3_world *r3_new(jd_ctx *ctx, const r3_options *o);
void r3_free(r3_world *w);
size_t r3_weights(const r3_world *w); /* of the scans and the output */
/* One volume: input and target (D,H,W), targets 0 or 1.  Each process takes its own box. */
void r3_put(r3_world *w, const double *volume, const double *target);
jd_status r3_forward(r3_world *w);
jd_status r3_step(r3_world *w);
jd_status r3_update(r3_world *w, double rate); /* Adam, by every process for itself */
/* As process 0 has them, on every rank. */
double r3_loss(const r3_world *w);
const double *r3_weight(const r3_world *w); /* (weights): W (48 C), R (48 C,3 C), b (48 C), output (8 C), its bias */
const double *r3_gradient(const r3_world *w);
/* (D,H,W): what the output says, a probability; gathered from all boxes (for the report; not counted). */
jd_status r3_answer(r3_world *w, double *out);

/* ---- what was sent ---------------------------------------------------------------------------------------------------------------*/

typedef enum r3_kind { R3_HALO, R3_REDUCE, R3_KINDS } r3_kind;
/* Bytes from p to q since the world was made, counted where they are sent; over all ranks. */
double r3_bytes(const r3_world *w, r3_kind kind, int p, int q);
jd_status r3_collect(r3_world *w); /* with ranks: brings the counts of all together */
/* What the formula says that all processes send as halo in a step, 2 C b^2 numbers a face, forward and backward. */
double r3_halo_formula(const r3_options *o);
/* The timetable of its sweeps. */
const r3_timetable *r3_times(const r3_world *w);

#endif
