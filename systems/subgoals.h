/*
 * subgoals.h - arenas with obstacles, a blind executor that walks straight to where it is told, and nets that tell it where.
 * See subgoals.c.
 */
#ifndef SUBGOALS_H
#define SUBGOALS_H

#include "jackdaw/system.h"

/* Most discs, walls, subgoals of one plan (with recursion), steps of a walk; hidden units of the executor; points on a leg at
 * which the evaluator looks. */
enum { SG_DISCS = 12, SG_WALLS = 3, SG_ASKED = 4, SG_WAY = 160, SG_STEPS = 200, SG_UNITS = 16, SG_POINTS = 32 };
#define SG_RADIUS 0.8 /* of a disc */
#define SG_STRIDE 0.4 /* the longest step; also how near a subgoal counts as reached */

typedef enum sg_world { SG_THREE, SG_TWELVE, SG_WALLED, SG_WORLDS } sg_world;

typedef struct sg_rules {
    const char *label;
    double side;
    int discs, walls, subgoals, steps;
    double weight, per_length; /* of what lies in the way, in the closed-form cost */
    double spread, lure;       /* of an obstacle; how far from its gap a wall begins to be one */
} sg_rules;
extern const sg_rules sg_rule[SG_WORLDS];

typedef struct sg_arena {
    sg_world world;
    double start[2], goal[2];
    double disc[SG_DISCS][2];
    double wall[SG_WALLS][2]; /* its y; where its gap is, x */
} sg_arena;

/* Arena `index` of a stream.  With `anywhere` start and goal are any two points apart. */
void sg_arena_new(sg_arena *a, sg_world world, uint64_t seed, const char *stream, uint64_t index, bool anywhere);
/* How much lies in the way at a point, 0 in the open: sum over the discs of exp(-d^2 / 2 spread^2), or over the walls. */
double sg_danger(const sg_arena *a, const double p[2]);
/* Closed form: the length of the leg, and the danger on it; the danger alone, integrated along it, in *in_the_way (or NULL). */
double sg_cost(const sg_arena *a, const double from[2], const double to[2], double *in_the_way);
/* Whether a straight step touches an obstacle. */
bool sg_hits(const sg_arena *a, const double from[2], const double to[2]);
void sg_wall_gap(double *half_width, double *half_height);

/* ---- the executor ------------------------------------------------------------------------------------------------------*/

/* 2-16-2: from where the target lies (beyond 1: its direction) to a step. */
typedef struct sg_executor {
    double in[SG_UNITS][2], in_b[SG_UNITS], out[2][SG_UNITS], out_b[2];
} sg_executor;
/* Trained by regression; *error: root mean square of the step, on other targets. */
bool sg_executor_train(jd_run *r, sg_executor *e, int steps, double *error);

typedef enum sg_end { SG_ARRIVED, SG_CRASHED, SG_LATE } sg_end;
typedef struct sg_walk {
    sg_end end;
    int steps;
    double length, path[SG_STEPS + 1][2];
} sg_walk;
/* From `from` to each of the n points of `way`, in turn. */
void sg_go(const sg_arena *a, const sg_executor *e, const double from[2], const double (*way)[2], int n, sg_walk *w);

/* ---- the nets ----------------------------------------------------------------------------------------------------------*/

typedef enum sg_judge { SG_CLOSED, SG_LEARNED } sg_judge;

/* Of arena and leg, what the leg costs: 1 for a crash, else its length / 15. */
typedef struct sg_evaluator {
    jd_params *params;
    jd_fn *train;
    double error, right; /* on other legs: root mean square, share of crashes foretold */
} sg_evaluator;
bool sg_evaluator_train(jd_run *r, const sg_executor *x, sg_evaluator *e, int seed, int legs, int steps);
void sg_evaluator_free(sg_evaluator *e);
/* What it says of n legs of one arena, (n,4): from x, y to x, y. */
bool sg_evaluator_ask(sg_evaluator *e, const sg_arena *a, const double (*leg)[4], int n, double *cost);

typedef struct sg_generator {
    sg_world world;
    sg_judge by;
    bool recurrent; /* subgoal k from subgoal k-1 and the goal; else all at once */
    bool blind;     /* does not see the discs */
    int plans;      /* proposed at once; the evaluator chooses */
    int hidden;
    jd_params *params;
    jd_fn *train;
    float *where, *rest, *obstacle; /* inputs of a batch, (B,4), (B,R), (B,O,2) */
    const sg_evaluator *evaluator;
} sg_generator;
enum { SG_BATCH = 128, SG_PLANS = 8 };
/* Gradient descent on the summed cost of the legs, through the evaluator, which stays as it is. */
bool sg_generator_train(jd_run *r, sg_generator *g, int seed, int steps, double *curve, int points);
void sg_generator_free(jd_ctx *ctx, sg_generator *g);
/* The subgoals of n <= SG_BATCH arenas. */
bool sg_generator_ask(sg_generator *g, const sg_arena *a, int n, double (*subgoal)[SG_ASKED][2]);
/* The generator's loss as a graph, for tests; the inputs as sg_generator_fill left them. */
void sg_generator_loss(jd_graph *g, void *generator);
int sg_generator_fill(sg_generator *g, const sg_arena *a, int n, jd_tensor *in);

/* ---- figures -------------------------------------------------------------------------------------------------------------*/

enum { SG_SHOWN = 8, SG_SEEDS = 100, SG_CURVE = 100 };
typedef struct sg_shown {
    sg_arena arena;
    int n;
    double way[SG_WAY][2];
    sg_walk walk;
} sg_shown;

/* One way to plan, and what it reached. */
typedef struct sg_arm {
    const char *label;
    sg_world world;
    int seeds, tests;
    double success[SG_SEEDS], length[SG_SEEDS]; /* share; of those that arrived, in terms of the straight way */
    double crashed[SG_SEEDS], late[SG_SEEDS];
    double curve[SG_SEEDS * SG_CURVE];
    sg_shown shown[SG_SHOWN];
    int shows;
} sg_arm;

void sg_draw_arms(jd_run *r, const sg_arm *arm, int n);
void sg_draw_curves(jd_run *r, const sg_arm *arm, int n);
void sg_draw_ways(jd_run *r, const sg_arm *arm, int most, const char *caption);
void sg_draw_film(jd_run *r, const sg_arm *arm);
void sg_draw_landscape(jd_run *r, sg_evaluator *e, const sg_arm *arm);

#endif
