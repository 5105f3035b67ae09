/*
 * control_crew.c - LSTM cells and tanh units that learn while they act, 16 copies side by side, in float64 (crew.h).
 *
 * Nothing is fused, so that every width of vectors gives the same bits.
 */
#include <string.h>

#include "cpu/control.h"
#include "jackdaw/exp.h"

enum { L = JD_CREW };

/* sum (16) = sum over k of w (K) x (K,16) */
static void sum_of(const double *w, const double *x, int K, double *restrict sum)
{
    double s[L] = {0};
    for (int k = 0; k < K; k++)
        for (int l = 0; l < L; l++) s[l] += w[k] * x[L * k + l];
    memcpy(sum, s, sizeof s);
}

static void sigmoid(double *x)
{
    for (int l = 0; l < L; l++) x[l] = 1 / (1 + jd_exp_lane(-x[l]));
}

static void hyperbolic(double *x)
{
    for (int l = 0; l < L; l++) x[l] = 1 - 2 / (1 + jd_exp_lane(2 * x[l]));
}

void JD_K(jd__crew_step)(const jd_cells *n, const double *w, jd_crew *c)
{
    const int C = n->columns, M = n->cells;
    memcpy(c->x + L * n->inputs, c->y, sizeof(double) * L * (size_t)M);
    for (int l = 0; l < L; l++) c->x[L * (C - 1) + l] = c->y[L * (n->seen - 1) + l] = 1;
    for (int r = 0; r < 4 * M; r++) {
        sum_of(w + r * C, c->x, C, c->gate + L * r);
        if (r / M == 2)
            hyperbolic(c->gate + L * r);
        else
            sigmoid(c->gate + L * r);
    }
    memcpy(c->was, c->c, sizeof(double) * L * (size_t)M);
    for (int j = 0; j < M; j++) {
        const double *i = c->gate + L * j, *f = i + L * M, *z = f + L * M, *o = z + L * M;
        double *cell = c->c + L * j, *y = c->y + L * j;
        for (int l = 0; l < L; l++) y[l] = cell[l] = i[l] * z[l] + f[l] * cell[l];
        hyperbolic(y);
        for (int l = 0; l < L; l++) y[l] *= o[l];
    }
    for (int j = 0; j < n->hidden; j++) {
        sum_of(w + (4 * M + j) * C, c->x, C, c->y + L * (M + j));
        hyperbolic(c->y + L * (M + j));
    }
    const double *out = w + (size_t)(4 * M + n->hidden) * (size_t)C;
    for (int k = 0; k < n->actions; k++) sum_of(out + k * n->seen, c->y, n->seen, c->a + L * k);
}

/* trace (K,16) = decay trace + d (16) x (K,16) */
static void add_to_trace(double *restrict trace, const double *decay, const double *d, const double *x, int K)
{
    for (int k = 0; k < K; k++)
        for (int l = 0; l < L; l++) trace[L * k + l] = decay[l] * trace[L * k + l] + d[l] * x[L * k + l];
}

/* s (K,16) = f s + drive x: what a weight of a gate has done to the cell so far. */
static void carry(double *restrict s, const double *f, const double *drive, const double *x, int K)
{
    for (int k = 0; k < K; k++)
        for (int l = 0; l < L; l++) s[L * k + l] = f[l] * s[L * k + l] + drive[l] * x[L * k + l];
}

void JD_K(jd__crew_trace)(const jd_cells *n, const double *w, jd_crew *c, const int *choice, const double *decay,
                          double *trace)
{
    const int C = n->columns, M = n->cells, S = n->seen;
    const size_t outputs = (size_t)(4 * M + n->hidden) * (size_t)C;
    /* d (seen,16): the chosen output's weights, which are its derivatives to cells and units. */
    for (int k = 0; k < S; k++)
        for (int l = 0; l < L; l++) c->d[L * k + l] = w[outputs + (size_t)(choice[l] * S + k)];
    for (int a = 0; a < n->actions; a++) {
        double chosen[L];
        for (int l = 0; l < L; l++) chosen[l] = choice[l] == a;
        add_to_trace(trace + L * (outputs + (size_t)(a * S)), decay, chosen, c->y, S);
    }
    for (int j = 0; j < n->hidden; j++) {
        const double *y = c->y + L * (M + j);
        double *d = c->d + L * (M + j);
        for (int l = 0; l < L; l++) d[l] *= 1 - y[l] * y[l];
        add_to_trace(trace + (size_t)(L * (4 * M + j) * C), decay, d, c->x, C);
    }
    for (int j = 0; j < M; j++) {
        const double *i = c->gate + L * j, *f = i + L * M, *z = f + L * M, *o = z + L * M, *was = c->was + L * j;
        double squashed[L], drive[3][L], dc[L], out[L];
        for (int l = 0; l < L; l++) squashed[l] = c->c[L * j + l];
        hyperbolic(squashed);
        for (int l = 0; l < L; l++) {
            const double d = c->d[L * j + l];
            out[l] = d * squashed[l] * o[l] * (1 - o[l]);
            dc[l] = d * o[l] * (1 - squashed[l] * squashed[l]);
            drive[0][l] = z[l] * i[l] * (1 - i[l]);
            drive[1][l] = was[l] * f[l] * (1 - f[l]);
            drive[2][l] = i[l] * (1 - z[l] * z[l]);
        }
        for (int g = 0; g < 3; g++) {
            double *s = c->s + (size_t)(L * (g * M + j) * C);
            carry(s, f, drive[g], c->x, C);
            add_to_trace(trace + (size_t)(L * (g * M + j) * C), decay, dc, s, C);
        }
        add_to_trace(trace + (size_t)(L * (3 * M + j) * C), decay, out, c->x, C);
    }
}

void JD_K(jd__crew_move)(size_t n, double *w, const double *step, const double *trace)
{
    for (size_t k = 0; k < n; k++) {
        const double *e = trace + L * k;
        double s[L];
        for (int l = 0; l < L; l++) s[l] = step[l] * e[l];
        for (int l = 0; l < 8; l++) s[l] += s[l + 8];
        for (int l = 0; l < 4; l++) s[l] += s[l + 4];
        w[k] += (s[0] + s[2]) + (s[1] + s[3]);
    }
}
