/* rnn3d_wires.c - see rnn3d_wires.h. */
#include <stdlib.h>

#include "rnn3d_wires.h"

const char *const r3_wiring_name[R3_WIRINGS] = {"3-D lattice", "flat mesh", "ring", "3-D lattice, shuffled"};

/* A process' place on the lattice when all are shuffled. */
static int shuffled(int P, int p)
{
    uint32_t order[R3_PROCESSES];
    jd_rng r = jd_rng_new(1, "rnn3d/shuffle", 0);
    for (int i = 0; i < P; i++) order[i] = (uint32_t)i;
    jd_rng_shuffle(&r, order, (size_t)P);
    return (int)order[p];
}

int r3_wire(const r3_grid *g, r3_wiring where, int p, int q)
{
    const int P = r3_count(g);
    int a[R3_AXES], b[R3_AXES], width = 1;
    if (where == R3_CIRCLE) {
        const int d = abs(p - q);
        return d < P - d ? d : P - d;
    }
    if (where == R3_MESH) {
        while (width * width < P) width *= 2;
        return abs(p / width - q / width) + abs(p % width - q % width);
    }
    r3_place(g, where == R3_RANDOM ? shuffled(P, p) : p, a);
    r3_place(g, where == R3_RANDOM ? shuffled(P, q) : q, b);
    return r3_distance(a, b);
}

r3_wires r3_measure(const r3_flow *f, const r3_grid *g, r3_wiring where)
{
    r3_wires w = {0};
    for (int p = 0; p < f->P; p++)
        for (int q = 0; q < f->P; q++) {
            const double bytes = f->bytes[p][q];
            if (!(bytes > 0)) continue;
            const int d = r3_wire(g, where, p, q);
            w.at[d] += bytes;
            w.bytes += bytes;
            w.moved += bytes * d;
            w.many += d > 2;
            if (d > w.longest) w.longest = d;
        }
    w.near = w.bytes > 0 ? w.at[1] / w.bytes : 1;
    return w;
}

void r3_add_counted(r3_flow *f, const r3_world *w, unsigned kinds)
{
    for (int k = 0; k < R3_KINDS; k++)
        for (int p = 0; p < f->P && kinds >> k & 1; p++)
            for (int q = 0; q < f->P; q++) f->bytes[p][q] += r3_bytes(w, (r3_kind)k, p, q);
}

void r3_add_doubling(r3_flow *f, double bytes)
{
    for (int p = 0; p < f->P; p++)
        for (int bit = 1; bit < f->P; bit *= 2)
            if ((p ^ bit) < f->P) f->bytes[p][p ^ bit] += bytes;
}

void r3_add_everybody(r3_flow *f, double bytes)
{
    for (int p = 0; p < f->P; p++)
        for (int q = 0; q < f->P; q++)
            if (p != q) f->bytes[p][q] += 2 * bytes / f->P;
}
