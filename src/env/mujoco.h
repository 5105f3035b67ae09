/*
 * mujoco.h - environments whose physics MuJoCo computes.
 */
#ifndef JD_ENV_MUJOCO_H
#define JD_ENV_MUJOCO_H

#include "env/env.h"

extern const char jd__mujoco_cart_pole[], jd__mujoco_hopper[], jd__mujoco_reacher[];

/* What each of them adds to the physics.  s: positions, speeds, the solver's accelerations, own numbers. */
typedef struct mj_task {
    const char *model;     /* in MuJoCo's language */
    int nq, nv, nu, extra; /* positions, speeds, actuators, own numbers of the state */
    int frames;            /* steps of the physics in a step */
    int observation;
    const float *low, *high;
    void (*start)(double *s, jd_rng *r);
    /* After a step from position `before`; returns whether the episode ended. */
    bool (*judge)(const double *s, const double *before, const float *action, float *reward);
    void (*look)(const double *s, float *obs);
    double view[4];  /* what a picture shows: x0, y0, x1, y1 */
    double ground;   /* its height in a picture */
    bool follow;     /* the first body stays in the middle of a picture */
    bool from_above; /* x and y instead of x and z */
} mj_task;

/* The task of an environment, and the other direction (in mujoco_tasks.c). */
const mj_task *jd__mujoco_task(const jd_env *e);
extern const jd_env_outside jd__mujoco_outside;
bool jd__mujoco_valid(const jd_env *e, const double *s);
void jd__mujoco_draw(const jd_env *e, const double *s, jd_canvas *c);

#endif
