/*
 * evolino.h - evolution of recurrent systems with linear outputs (Schmidhuber, Wierstra, Gomez, IJCAI 2005; Schmidhuber,
 * Wierstra, Gagliolo, Gomez, Neural Computation 19:757-779, 2007).
 *
 * Enforced subpopulations evolve the weights of LSTM cells; for each network that is put together the best linear output
 * is computed, not searched.  A network hears what it said one step before (or, while it is taught, what it should have
 * said) and nothing else, one number or several a step (channels):
 *     s_i(t) = sigma(in_i) net_i + sigma(forget_i) s_i(t-1),   phi_i(t) = tanh(sigma(out_i) s_i(t)),   y(t) = W phi(t)
 * (or W (phi, y(t-1), 1), a "direct" output)
 * where in, forget, out, net see phi(t-1), rho y(t-1) and a bias.  All in float64.
 */
#ifndef JACKDAW_SYSTEMS_EVOLINO_H
#define JACKDAW_SYSTEMS_EVOLINO_H

#include "jackdaw/search.h"
#include "jackdaw/system.h"

enum {
    EVOLINO_CELLS = 64,
    EVOLINO_CHANNELS = 4,
    EVOLINO_STARTS = 64,
    EVOLINO_COLUMNS = EVOLINO_CELLS + EVOLINO_CHANNELS + 1
};

typedef struct evolino_net {
    int cells, channels;
    double feedback; /* rho */
    double
        w[EVOLINO_COLUMNS * 4 * EVOLINO_CELLS]; /* (cells + channels + 1, 4 cells): phi, y, bias -> in forget out net */
    double s[EVOLINO_CELLS], phi[EVOLINO_CELLS], y[EVOLINO_CHANNELS]; /* the present state */
    bool direct;                                        /* the output also sees what was heard, and a constant */
    bool forgetful;                                     /* nothing is remembered from step to step: the control */
    double heard[EVOLINO_CHANNELS];                     /* y before the last step */
    double readout[EVOLINO_CHANNELS * EVOLINO_COLUMNS]; /* (channels, evolino_columns) */
} evolino_net;

/* Genes of a network: for each cell its four rows (in, forget, out, net) over all phi, y and the bias. */
size_t evolino_genes(int cells, int channels);
/* Genes beyond +-10 are cut. */
void evolino_unpack(evolino_net *n, int cells, int channels, double feedback, const double *genes);
/* Columns of the output: cells, and for a direct one channels + 1 more. */
int evolino_columns(const evolino_net *n);
/* What the output sees in the present state: row (evolino_columns). */
void evolino_see(const evolino_net *n, double *row);
/* At rest, as if `y` (channels) had just been heard. */
void evolino_rest(evolino_net *n, const double *y);
/* One step that hears y (channels); phi becomes the new one.  Does not touch the output. */
void evolino_step(evolino_net *n, const double *y);
/* The output in the present state: y (channels). */
void evolino_say(const evolino_net *n, double *y);
/* From the present state, `steps` steps on its own: y (steps,channels) is what it says; n->y is where it begins. */
void evolino_free_run(evolino_net *n, int64_t steps, double *y);

/* x (k, n) = the least-squares solutions of A x = b with the smallest norm, for k right sides: A (m, n), m >= n, row by row,
 * is destroyed, as is b (m, k).  Singular values below cut times the largest count as 0.  Returns the rank.  Householder's reflections, then Jacobi's
 * rotations. */
int evolino_solve(double *a, double *b, int m, int n, int k, double cut, double *x);

/* A series of one channel to be continued: taught up to `end`, the output fitted from `washout` on. */
typedef struct evolino_task {
    const double *series; /* at t = 0, 1 ... */
    int64_t washout, end;
    int64_t horizon; /* fitness: steps on its own from each start; 0: from the washout to the end in one go */
    int starts;      /* at equal distances within the taught part; with a horizon */
    int cells;
    double feedback;
    bool direct;
} evolino_task;

/* Teaches a network and fits its output: afterwards it stands at `end`.  Returns its fitness, minus the mean squared error
 * on its own; -1e9 for one that runs away.  room: (end - washout, cells + 3) numbers. */
double evolino_teach(evolino_net *n, const evolino_task *task, double *room);

/* Evolves; genes (evolino_genes) receive the best network.  `name` tells what is evolved; log(user, evaluations, best MSE).
 * Stopped by the user, the search is saved and `false` returned; a run that resumes goes on from there. */
typedef struct evolino_search {
    int members, trials; /* of each subpopulation; networks that each takes part in a generation */
    int64_t generations, patience;
    double sigma, spread, mutation;
    double target;        /* done when the error is no larger; 0: only at the end of the generations */
    const double *center; /* (evolino_genes) the first weights are this +- sigma; NULL: zeros */
    uint64_t seed;
} evolino_search;
/* The run's settings members, generations, patience, sigma, spread and mutation; two trials. */
evolino_search evolino_search_settings(jd_run *r, uint64_t seed);
bool evolino_evolve(jd_run *r, const char *name, const evolino_task *task, const evolino_search *o, bool resume,
                    double *genes);
/* The same for networks that are taught in another way: fitness(user, net) teaches one whose weights were just set. */
typedef struct evolino_species {
    int cells, channels;
    double feedback;
    double (*fitness)(void *user, evolino_net *n);
    void *user;
} evolino_species;
bool evolino_evolve_species(jd_run *r, const char *name, const evolino_species *kind, const evolino_search *o,
                            bool resume, double *genes);

#endif
