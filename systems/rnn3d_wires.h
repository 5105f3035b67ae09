/*
 * rnn3d_wires.h - how far bytes travel: who sends how much to whom, where processes stand, and other systems on the same numbers.
 */
#ifndef RNN3D_WIRES_H
#define RNN3D_WIRES_H

#include "rnn3d.h"

/* Bytes of one step from p to q. */
typedef struct r3_flow {
    int P;
    double bytes[R3_PROCESSES][R3_PROCESSES];
} r3_flow;

/* Where processes stand: on the lattice of their grid, on a flat mesh, around a ring, anywhere on the lattice. */
typedef enum r3_wiring { R3_LATTICE, R3_MESH, R3_CIRCLE, R3_RANDOM, R3_WIRINGS } r3_wiring;
extern const char *const r3_wiring_name[R3_WIRINGS];
int r3_wire(const r3_grid *g, r3_wiring where, int p, int q);

enum { R3_FARTHEST = 64 };
typedef struct r3_wires {
    double at[R3_FARTHEST]; /* bytes that go so far */
    double bytes, moved;    /* in all; times distance */
    double near;            /* share of the bytes with distance 1 */
    int longest, many;      /* the longest wire used; wires longer than 2 */
} r3_wires;
r3_wires r3_measure(const r3_flow *f, const r3_grid *g, r3_wiring where);

/* Adds what was counted in a world; `kinds`: bit k for kind k. */
void r3_add_counted(r3_flow *f, const r3_world *w, unsigned kinds);
/* An all-reduce of `bytes` by recursive doubling: with the process whose number differs in one bit, bit after bit. */
void r3_add_doubling(r3_flow *f, double bytes);
/* Everybody's share of `bytes` goes to everybody else, and as much comes back as errors. */
void r3_add_everybody(r3_flow *f, double bytes);

#endif
