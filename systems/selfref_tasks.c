/* selfref_tasks.c - episodes of the system self-referential: Boolean functions, pairs, regression; see selfref.h. */
#include <string.h>

#include "selfref.h"

static double sign(jd_rng *r)
{
    return jd_rng_u32(r) & 1 ? 1 : -1;
}

/* Eight examples, each argument twice, and four questions, each argument once, all in random order. */
void selfref_boolean(selfref_episode *e, bool four, jd_rng *r)
{
    static const int pick[4] = {8, 7, 14, 1}; /* and, nand, or, nor: bit 2 x1 + x2 is the value */
    uint32_t order[12] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
    jd_rng_shuffle(r, order, 8);
    jd_rng_shuffle(r, order + 8, 4);
    e->T = 12, e->reset = 8;
    e->kind = four ? pick[jd_rng_below(r, 4)] : (int)jd_rng_below(r, 16);
    for (int t = 0; t < 12; t++) {
        const int value = e->kind >> order[t] & 1;
        const bool question = t >= 8;
        double *u = e->u + t * SELFREF_BOOLEAN;
        u[0] = order[t] & 2 ? 1 : -1;
        u[1] = order[t] & 1 ? 1 : -1;
        u[2] = question ? 0 : 2 * value - 1;
        u[3] = question;
        e->target[t] = value;
        e->asked[t] = question;
        e->told[t] = !question;
    }
}

/* n keys, none twice. */
static void draw_keys(int n, jd_rng *r, double *key)
{
    int seen[SELFREF_PAIRS];
    for (int i = 0; i < n; i++) {
        bool again = true;
        while (again) {
            seen[i] = (int)jd_rng_below(r, 1u << SELFREF_D);
            again = false;
            for (int k = 0; k < i; k++) again |= seen[k] == seen[i];
        }
        for (int k = 0; k < SELFREF_D; k++) key[i * SELFREF_D + k] = seen[i] >> k & 1 ? 1 : -1;
    }
}

void selfref_pairs(selfref_episode *e, int n, int times, jd_rng *r)
{
    enum { D = SELFREF_D };
    const int written = n * times;
    uint32_t order[2 * SELFREF_PAIRS];
    double key[SELFREF_PAIRS * D], value[SELFREF_PAIRS * D];
    *e = (selfref_episode){.T = written + n, .reset = -1, .kind = n};
    draw_keys(n, r, key);
    for (int i = 0; i < written; i++) order[i] = (uint32_t)(i % n);
    jd_rng_shuffle(r, order, (size_t)written);
    for (int t = 0; t < written; t++) {
        double *u = e->u + t * SELFREF_PAIR, *v = value + (int)order[t] * D;
        for (int k = 0; k < D; k++) v[k] = sign(r); /* the last one is asked for */
        memcpy(u, key + (int)order[t] * D, D * sizeof *u);
        memcpy(u + D, v, D * sizeof *u);
    }
    for (int i = 0; i < n; i++) order[i] = (uint32_t)i;
    jd_rng_shuffle(r, order, (size_t)n);
    for (int i = 0; i < n; i++) {
        double *u = e->u + (written + i) * SELFREF_PAIR;
        memcpy(u, key + (int)order[i] * D, D * sizeof *u);
        memcpy(e->target + (written + i) * D, value + (int)order[i] * D, D * sizeof *u);
        u[2 * D] = 1;
        e->asked[written + i] = true;
    }
}

/* Each example takes two steps: x alone, which asks for y, and x with y. */
void selfref_linear(selfref_episode *e, int examples, jd_rng *r)
{
    double w[SELFREF_ARGUMENTS];
    *e = (selfref_episode){.T = 2 * examples, .reset = -1};
    for (int i = 0; i < SELFREF_ARGUMENTS; i++) w[i] = jd_rng_normal(r);
    for (int t = 0; t < 2 * examples; t++) {
        double *u = e->u + t * SELFREF_LINEAR, y = 0;
        for (int i = 0; i < SELFREF_ARGUMENTS; i++) {
            u[i] = t % 2 ? u[i - SELFREF_LINEAR] : jd_rng_normal(r);
            y += w[i] * u[i];
        }
        e->target[t] = y;
        e->asked[t] = t % 2 == 0;
        u[SELFREF_ARGUMENTS] = t % 2 ? y : 0;
        u[SELFREF_ARGUMENTS + 1] = t % 2 == 0;
    }
}

/* The posterior mean of w ~ N(0,I) from the examples so far, with a little noise assumed: no learner can be better. */
void selfref_ridge(const selfref_episode *e, double ridge, double *said)
{
    enum { N = SELFREF_ARGUMENTS };
    double P[N][N] = {{0}}, w[N] = {0};
    for (int i = 0; i < N; i++) P[i][i] = 1;
    for (int t = 0; t < e->T; t++) {
        const double *x = e->u + t * SELFREF_LINEAR;
        double y = 0, Px[N] = {0}, power = ridge;
        for (int i = 0; i < N; i++) y += w[i] * x[i];
        said[t] = y;
        if (e->asked[t]) continue;
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < N; k++) Px[i] += P[i][k] * x[k];
            power += x[i] * Px[i];
        }
        for (int i = 0; i < N; i++) {
            w[i] += Px[i] * (e->target[t] - y) / power;
            for (int k = 0; k < N; k++) P[i][k] -= Px[i] * Px[k] / power;
        }
    }
}
