/*
 * control.h - kernels of search and control.  On 16 lanes: small networks with weights of their own, and the physics of
 * poles and of an octopus's arm, and cells that learn while they act.  Over matrices: what decodes weights.  Over vectors: noise for searches in many dimensions.
 *
 * An array (N, 16) holds number k of lane l at [16 k + l].  Every lane is computed on its own, by the same operations on
 * every instruction set.
 */
#ifndef JD_CPU_CONTROL_H
#define JD_CPU_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "base/population.h"
#include "cpu/crew.h"

/* Constants of an octopus's arm; numbers of compartments from the base, of pairs of nodes from 0. */
enum { JD_OCTOPUS = 10 };
typedef struct jd_octopus {
    double dorsal[JD_OCTOPUS][2], transverse[JD_OCTOPUS][2], ventral[JD_OCTOPUS][2]; /* 1 / rest length; stiffness */
    double area[JD_OCTOPUS], mass[JD_OCTOPUS + 1], per_mass[JD_OCTOPUS + 1];
    double center[2], radius; /* of the base */
    double active, passive, least_length, damping, pressure, tangential, perpendicular, gravity, surface, repulsion,
        power, threshold;
} jd_octopus;

/* A matrix of weights from its coefficients: w = a g b. */
typedef struct jd_code_plane {
    const double *g, *a, *b; /* (K1,K2), (n1,K1), (K2, n2 padded to JD_CODE_PAD) */
    const int *extent;       /* (K1): columns of g past these are zero */
    int K1, K2, n2;
    double *h;            /* scratch (K1, JD_CODE_BLOCK) */
    size_t stride, apart; /* of a row and of a column of the result */
    double *wide;         /* the result's first element, in one of two types; the other is NULL */
    float *narrow;
} jd_code_plane;
enum { JD_CODE_PAD = 16, JD_CODE_BLOCK = 64 };

typedef struct jd_control {
    const char *name;
    /* T steps of blocks of 16 networks: weights (blocks,W,16), state h (blocks, 2 hidden + 1, 16) whose first rows are the
     * present state, x (T,inputs,stride) with step dx from one time to the next (0: held), y likewise (0: only the last
     * step's remains); each block sees the next 16 columns of x and y. */
    void (*net)(const jd_lane_net *n, size_t blocks, const float *w, float *h, int64_t T, const float *x, size_t dx,
                float *y, size_t dy);
    /* One control interval: `steps` Runge-Kutta steps of length h with a constant force (16); s (2 + 2 poles,16). */
    void (*poles)(const jd_pole_constants *c, double *s, const double *force, double h, int steps);
    /* As poles: s (2 + 8 JD_OCTOPUS,16) is the base's angle and speed, then x, y and velocities of the upper nodes 1 .. n,
     * then of the lower ones; activation (3 JD_OCTOPUS,16), 0..1: dorsal, transverse, ventral muscles. */
    void (*octopus)(const jd_octopus *c, double *s, const double *activation, double h, int steps);
    /* Rows begin .. end - 1 of a plane. */
    void (*plane)(const jd_code_plane *p, int begin, int end);
    /* out (m) = sum over k of a (K) t (K,m). */
    void (*contract)(const double *a, int K, const double *t, size_t m, double *out);
    /* noise (n): the normal numbers first .. of the stream (key, high words of the counter), first a multiple of 64;
     * x = mu + sigma noise. */
    void (*noise)(const uint32_t key[2], const uint32_t high[2], size_t first, size_t n, const double *mu,
                  const double *sigma, float *noise, double *x);
    /* mu += sigma sum u s; sigma *= exp(eta/2 sum u (s^2 - 1)), over the candidates in this order; utility k belongs to
     * order[k], whose noise stands at noise + order[k] row.  n <= 1024 dimensions. */
    void (*separable_move)(size_t n, size_t candidates, const uint32_t *order, const double *utility,
                           const float *noise, size_t row, double eta, double *mu, double *sigma);
    /* One step of a crew: the inputs stand in c->x. */
    void (*crew_step)(const jd_cells *n, const double *w, jd_crew *c);
    /* Carries dc/dw on over the step just made; then trace = decay (16) trace + d a[choice (16)] / dw, trace (weights,16). */
    void (*crew_trace)(const jd_cells *n, const double *w, jd_crew *c, const int *choice, const double *decay,
                       double *trace);
    /* w (n) += the sum over lanes of step (16) trace (n,16), by one tree. */
    void (*crew_move)(size_t n, double *w, const double *step, const double *trace);
} jd_control;

/* The same kernels for the files that define them. */
#ifdef JD_ISA
#include "cpu/isa.h"
void JD_K(jd__net_lanes)(const jd_lane_net *n, size_t blocks, const float *w, float *h, int64_t T, const float *x,
                         size_t dx, float *y, size_t dy);
void JD_K(jd__pole_lanes)(const jd_pole_constants *c, double *s, const double *force, double h, int steps);
void JD_K(jd__octopus_lanes)(const jd_octopus *c, double *s, const double *activation, double h, int steps);
void JD_K(jd__code_plane_rows)(const jd_code_plane *p, int begin, int end);
void JD_K(jd__code_contract)(const double *a, int K, const double *t, size_t m, double *out);
void JD_K(jd__noise)(const uint32_t key[2], const uint32_t high[2], size_t first, size_t n, const double *mu,
                     const double *sigma, float *noise, double *x);
void JD_K(jd__separable_move)(size_t n, size_t candidates, const uint32_t *order, const double *utility,
                              const float *noise, size_t row, double eta, double *mu, double *sigma);
void JD_K(jd__crew_step)(const jd_cells *n, const double *w, jd_crew *c);
void JD_K(jd__crew_trace)(const jd_cells *n, const double *w, jd_crew *c, const int *choice, const double *decay,
                          double *trace);
void JD_K(jd__crew_move)(size_t n, double *w, const double *step, const double *trace);
#endif

extern const jd_control jd__control_scalar, jd__control_avx2, jd__control_avx512, jd__control_neon;
/* The kernels of the instruction set of that name. */
const jd_control *jd__control_find(const char *isa);

#endif
