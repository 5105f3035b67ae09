/*
 * robot.h - an omnidirectional robot of the small-size league, the camera that sees it late, and a figure of eight to follow.
 *
 *     rb_recording d;
 *     rb_recording_new(ctx, 14400, &d);
 *     rb_wander(&d, seed, "train", RB_FRICTION, 4);          // eight minutes of driving, seen with 4 frames of delay
 *     float in[RB_INPUTS], out[RB_OUTPUTS];
 *     rb_inputs(&d, k, 4, in);                               // what is known at frame k
 *
 * Metres, seconds, radians; x forward, y left, turns to the left are positive.  A frame lasts 33 ms.
 * Source: Behnke, Egorova, Gloye, Rojas, Simon, Predicting away robot control latency, RoboCup 2003.
 */
#ifndef ROBOT_H
#define ROBOT_H

#include "jackdaw/base.h"

enum { RB_FRAME_MS = 33, RB_DELAY = 4, RB_HISTORY = 6, RB_EACH = 7, RB_INPUTS = RB_HISTORY * RB_EACH, RB_OUTPUTS = 4 };
#define RB_FRAME    (RB_FRAME_MS * 1e-3)
#define RB_FRICTION 0.35

typedef struct rb_pose {
    double x, y, phi;
} rb_pose;
typedef struct rb_command { /* in the robot's frame */
    double vx, vy, omega;
} rb_command;

/* ---- the robot ---------------------------------------------------------------------------------------------------------*/

typedef struct rb_robot {
    rb_pose pose;
    double vx, vy, omega; /* of the body, in the field's frame */
    double wheel[3];      /* speeds of the wheels' rims */
    double friction;      /* of the wheels on the carpet, in weights */
} rb_robot;

/* A frame, or any other number of milliseconds, under one command. */
void rb_drive(rb_robot *r, const rb_command *c, int milliseconds);
double rb_angle(double a); /* the same direction within (-pi, pi] */

/* ---- what is recorded ----------------------------------------------------------------------------------------------------*/

typedef struct rb_recording {
    jd_ctx *ctx;
    int frames, count;  /* room for, and recorded */
    rb_pose *is, *seen; /* (frames): the pose, and what the camera makes of it: noise, and 1 % of the frames repeated */
    rb_command *sent;   /* (frames): in force from frame k to k+1 */
} rb_recording;

jd_status rb_recording_new(jd_ctx *ctx, int frames, rb_recording *d);
void rb_recording_free(rb_recording *d);
/* The camera's next frame. */
void rb_see(rb_recording *d, const rb_robot *r, jd_rng *noise);
/* Drives from one random place to the next, each at its own speed of 0.3 to 2 m/s, turning on the way, steered by what is
 * seen `delay` frames late. */
void rb_wander(rb_recording *d, uint64_t seed, const char *stream, double friction, int delay);

/* ---- from a recording to a net -----------------------------------------------------------------------------------------*/

/* `p` seen from `from`: in its frame. */
rb_pose rb_relative(rb_pose p, rb_pose from);
rb_pose rb_absolute(rb_pose p, rb_pose from);
/* The first frame at which everything that rb_inputs looks at exists. */
int rb_first(int delay);
/* At frame k the poses of k-delay and before are known, and the commands up to k-1.  Six of each, relative to the pose of
 * k-delay: dx, dy, sin, cos (newest first), then vx, vy, omega (newest first); scaled to about 1. */
void rb_inputs(const rb_recording *d, int k, int delay, float in[RB_INPUTS]);
/* The pose p relative to the one seen at k-delay as the net says it, and back. */
void rb_outputs(const rb_recording *d, int k, int delay, rb_pose p, float out[RB_OUTPUTS]);
rb_pose rb_said(const rb_recording *d, int k, int delay, const double out[RB_OUTPUTS]);

/* Baseline: speeds that begin as seen and follow the commands with a first-order lag, integrated from the pose of k-delay
 * on. */
typedef struct rb_odometry {
    double lag; /* seconds */
} rb_odometry;
rb_pose rb_integrate(const rb_odometry *o, const rb_recording *d, int k, int delay);

/* ---- the figure of eight -------------------------------------------------------------------------------------------------*/

enum { RB_PATH = 1600 };
/* x = 0.75 sin t, y = 0.4 sin 2t: 1.5 x 0.8 m; 1.5 m/s where the carpet allows it. */
typedef struct rb_path {
    double length, x[RB_PATH], y[RB_PATH], phi[RB_PATH], bend[RB_PATH], speed[RB_PATH];
} rb_path;
void rb_path_new(rb_path *p);
/* The point of the path nearest to (x, y), looked for around point `near`; its distance. */
int rb_nearest(const rb_path *p, double x, double y, int near, double *distance);
/* The P-controller at a pose: along the path, back to it, heading along it.  *at is the point of the last call. */
rb_command rb_follow(const rb_path *p, rb_pose pose, int *at);

#endif
