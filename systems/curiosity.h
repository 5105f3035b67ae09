/*
 * curiosity.h - the parts of "curiosity": what is measured of each learner in each world.  See curiosity.c.
 */
#ifndef CURIOSITY_H
#define CURIOSITY_H

#include "jackdaw/system.h"
#include "curiosity_rewards.h"
#include "curiosity_worlds.h"

/* Points of every curve, most seeds, learners in a world; maps of the grid show the first 1/MAP_PART of the run; judged
 * seeds are SEED_STRIDE x run's seed + 1, 2, 3... */
enum { CU_POINTS = 200, CU_SEEDS = 100, CU_AGENTS = 4, CU_MAP_PART = 6, CU_SEED_STRIDE = 1000 };

typedef struct cu_agent {
    const char *label;
    double *curve[CW_REGIONS]; /* (seeds, CU_POINTS) */
    double reached[CU_SEEDS];  /* steps to the criterion; INFINITY: not within the run */
    double share[CU_SEEDS];    /* of looks at random cells; of late steps at the screen */
    double cover[CU_SEEDS];    /* of the rooms, in the end */
    double visits[CU_SEEDS][CW_REGIONS];
    double map
        [CW_ROOMS]; /* of the first seed: early looks at cells; steps in rooms; visits of pairs up to the criterion */
} cu_agent;

typedef struct cu_world {
    int seeds, agents;
    double steps;
    double x[CU_POINTS]; /* steps at the points of the curves */
    cu_agent agent[CU_AGENTS];
} cu_world;

/* The four experiments; false: stopped, or an error.  The order of agents is that of these names. */
enum { CU_A_RANDOM, CU_A_ERROR, CU_A_SIGNED, CU_A_IMPROVEMENT };
enum { CU_RANDOM, CU_ERROR, CU_NONE, CU_IMPROVEMENT }; /* B and C; NONE: the controller without any reward */
enum { CU_D_RANDOM, CU_D_NONE, CU_D_COUNT, CU_D_GAIN };
bool cu_regions(jd_run *r, cu_world *w);
bool cu_grid(jd_run *r, cu_world *w);
bool cu_maze(jd_run *r, cu_world *w);
bool cu_markov(jd_run *r, cu_world *w);
void cu_world_free(jd_ctx *ctx, cu_world *w);

uint64_t cu_seed(const jd_run *r, int i);
void cu_sort(double *v, int n);
double cu_quantile(const double *v, int n, double q); /* between neighbours in order; INFINITY allowed */

/* The figures of the report, world by world. */
void cu_draw_regions(jd_run *r, const cu_world *w);
void cu_draw_grid(jd_run *r, const cu_world *w);
void cu_draw_maze(jd_run *r, const cu_world *w);
void cu_draw_markov(jd_run *r, const cu_world *w);

#endif
