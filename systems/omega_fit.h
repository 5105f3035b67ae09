/*
 * omega_fit.h - the statistics of the omega system: straight lines through logarithms, in double precision.
 *
 * Model: ln t_k = ln T0 + k ln q + e_k, ordinary least squares.
 */
#ifndef OMEGA_FIT_H
#define OMEGA_FIT_H

#include "jackdaw/base.h"

#define OMEGA_EVENTS 19 /* of the table */
#define OMEGA_SEEN   15 /* k = 0..14 are events of the past; the others are forecasts */
#define OMEGA_NOW    2050.0

typedef struct jd__omega_event {
    double years; /* before Omega */
    const char *name;
    const char *mark; /* the table's own question marks */
} jd__omega_event;
extern const jd__omega_event jd__omega_table[OMEGA_EVENTS];

/* Quantile 0.975 of Student's t with `nu` degrees of freedom: the half width, in standard errors, of a 95 % interval. */
double jd__student_975(int nu);

typedef struct jd__omega_line {
    int n;
    double q, q_low, q_high; /* ratio of neighbours and its 95 % interval */
    double T0;               /* years, at k = 0 */
    double ssr;              /* sum of squared residuals of ln t */
    double s;                /* sqrt(ssr / (n - 2)) */
    double rms;              /* sqrt(ssr / n) */
    double r2;
    double slope, intercept; /* of ln t over k */
} jd__omega_line;
/* t[0..n-1], k = 0, 1, ..; n >= 3 and all t > 0. */
jd__omega_line jd__omega_fit(const double *t, int n);

/* Omega itself unknown: event k happened in the year y_k = 2050 - t_k; for a trial Omega fit ln(Omega - y_k). */
typedef struct jd__omega_profile {
    double best, ssr;      /* the Omega of least squared error */
    double low, high;      /* 95 % profile interval */
    double best_half_year; /* the best of a grid of half years */
    int nu;                /* degrees of freedom of the error */
} jd__omega_profile;
/* `log_q` NULL: slope free; otherwise held at *log_q. */
double jd__omega_ssr(const double *t, int n, double omega, const double *log_q);
jd__omega_profile jd__omega_free(const double *t, int n, const double *log_q);

/* Draws of chance: n log-uniform times between t[n-1] and t[0], sorted, then the first and the last set to these ends. */
typedef struct jd__omega_control {
    int draws;
    double *r2, *rms; /* (draws), sorted */
} jd__omega_control;
jd_status jd__omega_chance(jd_ctx *ctx, const double *t, int n, int draws, uint64_t seed, jd__omega_control *out);
void jd__omega_control_free(jd_ctx *ctx, jd__omega_control *c);
/* Quantile p of a sorted list, by linear interpolation. */
double jd__omega_quantile(const double *sorted, int n, double p);

#endif
