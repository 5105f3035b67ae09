/*
 * attention.h - the parts of "learned-attention": tasks for the retina, and what is measured of each.  See learned_attention.c.
 */
#ifndef ATTENTION_H
#define ATTENTION_H

#include "attention_nets.h"
#include "jackdaw/system.h"

/* Most seeds; points of the curves over the training; most steps of a test. */
enum { AT_SEEDS = 20, AT_POINTS = 20, AT_TEST_STEPS = 12, AT_TRACK_STEPS = 50 };
enum { AT_NEAR = 45 }; /* the retina starts so near, so that it sees a part of the object */

typedef enum at_task_id {
    AT_TASK_TRIANGLE,
    AT_TASK_DISC,
    AT_TASK_T,
    AT_TASK_CLUTTER,
    AT_TASK_GOALS,
    AT_TASK_TURN,
    AT_TASKS
} at_task_id;
typedef struct at_task {
    const char *name;
    at_kind kind;
    int things, actions, goals, steps;
    double clutter;
    double first;  /* of the start's distance, or turn, from the goal: this share at first, all of it later */
    bool together; /* M goes on learning while C does, from random outputs wherever C has come to */
} at_task;
extern const at_task at_tasks[AT_TASKS];

/* One scene, where the retina starts and where it should end. */
typedef struct at_trial {
    at_thing thing[AT_THINGS];
    at_pose goal, start, middle; /* middle: of the things */
    double named[AT_GOALS];      /* C's further inputs */
    int which;                   /* of the patterns */
} at_trial;
void at_place(const at_task *t, jd_rng *r, at_scene *s, at_trial *o); /* draws a scene */
/* Which thing is named, and where the retina starts.  reach 0..1: how far it may be from the goal; between: it is in the middle
 * of the three. */
void at_begin(const at_task *t, jd_rng *r, double reach, bool between, at_trial *o);
void at_pattern(at_scene *s, at_kind kind, double *d); /* draws the kind alone: what the retina sees at the goal */

typedef struct at_result {
    int seeds, points, examples, trajectories;
    double x[AT_POINTS], curve[AT_SEEDS][AT_POINTS]; /* success on scenes kept for this, over trajectories */
    double success[AT_SEEDS], random[AT_SEEDS];      /* 0..1 of the test scenes */
    double by_step[AT_SEEDS][AT_TEST_STEPS + 1];     /* at the goal after so many steps */
    double path[AT_SEEDS], hops[AT_SEEDS];           /* medians: length / straight line; steps / (straight line / 20) */
    double other[AT_SEEDS];   /* success where another thing is nearer; where turned by over 80 degrees */
    double between[AT_SEEDS]; /* started in the middle of the three */
    double expected[AT_SEEDS], stay[AT_SEEDS]; /* squared error of M, and of expecting no change */
    double track[AT_SEEDS];                    /* mean distance from a target that moves */
    at_chain kept;                             /* of the first seed */
} at_result;
typedef struct attention {
    jd_run *r;
    at_scene scene;
    int tasks; /* that are learned, the first ones; the last is that of a retina that turns */
    at_result result[AT_TASKS];
} attention;
/* The runs of one task; false: stopped, or an error. */
bool at_run_task(attention *a, at_task_id id);
void at_result_free(jd_ctx *ctx, at_result *e);
uint64_t at_seed(const jd_run *r, int i);
double at_median(const double *v, int n);
bool at_arrived(const at_task *t, const at_trial *o, at_pose eye);
/* One run of C over a placed scene: poses (steps + 1); act NULL: C, else random actions. */
void at_walk(attention *a, const at_task *t, at_chain *k, const at_trial *o, jd_rng *random, at_pose *pose);
/* A triangle that moves 5 pixels a step in a straight line: mean distance after each step.  Places (50), or NULL. */
enum { AT_SPEED = 5 };
double at_track(attention *a, at_chain *k, jd_rng *r, at_pose *target, at_pose *eye);

void at_draw(attention *a);

#endif
