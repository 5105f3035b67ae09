/*
 * robocup.h - what "robocup-prediction" measures: predictors of a robot's present pose, rounds of the figure of eight steered
 * by them, and the look-ahead in a recorded game.
 */
#ifndef ROBOCUP_H
#define ROBOCUP_H

#include "jackdaw/system.h"
#include "robot.h"

/* Ways to know the present pose.  RC_TRUE only drives. */
typedef enum rc_kind { RC_LATE, RC_LINEAR, RC_ODOMETRY, RC_NET, RC_BLIND, RC_LSTM, RC_TRUE } rc_kind;
enum { RC_KINDS = RC_TRUE, RC_WAYS = RC_TRUE + 1, RC_DELAYS = 11, RC_SEEDS = 20, RC_ROUND = 900, RC_FRICTIONS = 4 };
extern const char *const rc_name[RC_WAYS];

/* A net that says where the robot is now: 42-10-4, the same without the commands, or an LSTM over the six frames. */
typedef struct rc_net {
    rc_kind kind;
    char name[48];
    int64_t units;
    jd_params *params;
    jd_fn *ask;
} rc_net;

/* What was learned from one recording, for one delay. */
typedef struct rc_lab {
    jd_run *r;
    int delay;
    rb_odometry odometry;
    double linear[RB_OUTPUTS][RB_INPUTS + 1];
    rc_net net[RC_KINDS]; /* of the kinds that are nets; params NULL: not trained */
} rc_lab;

/* Mean errors: metres, radians. */
typedef struct rc_error {
    double position, angle;
} rc_error;

/* Fits the baselines and trains nets of these kinds (bit k: kind k), passing so often over the recording. */
jd_status rc_learn(rc_lab *lab, const rb_recording *d, uint64_t number, unsigned kinds, double epochs);
void rc_lab_free(rc_lab *lab);
/* What the net makes of x (B,42): (B,4). */
jd_node rc_answer(jd_graph *g, const rc_net *n, jd_node x);
/* Where the robot is at frame k. */
rb_pose rc_where(rc_lab *lab, rc_kind kind, const rb_recording *d, int k);
rc_error rc_measure(rc_lab *lab, rc_kind kind, const rb_recording *d);
double rc_microseconds(rc_lab *lab, rc_kind kind, const rb_recording *d);

/* RC_ROUND frames of the figure of eight, steered by what `kind` says; the mean distance from the path after two seconds. */
double rc_loop(rc_lab *lab, rc_kind kind, uint64_t seed, rb_recording *out);

typedef struct rc_seed {
    rc_error error[RC_KINDS];
    double path[RC_WAYS];
    rc_error delayed[RC_DELAYS][RC_KINDS];
    double slippery[RC_FRICTIONS][RC_KINDS]; /* position error on carpets that were not driven on before; full scale */
    double lag, microseconds;
} rc_seed;

/* The report's pictures; loop[kind]: the first seed's rounds; test: its driving. */
typedef struct rc_pictures {
    rc_lab *lab;
    const rb_recording *test, *loop; /* loop (RC_WAYS) */
    const rc_seed *seed;
    int seeds;
} rc_pictures;
void rc_report(jd_run *r, const rc_pictures *p);

/* ---- the game ------------------------------------------------------------------------------------------------------------*/

/* Who is followed, and who says where they will be: where they are now; at constant velocity; linear regression; a net. */
enum { RG_BALL, RG_PLAYERS, RG_KINDS };
enum { RG_STAYS, RG_STRAIGHT, RG_LINEAR, RG_NET, RG_RIVALS };
enum { RG_HORIZONS = 6, RG_SCENES = 4, RG_SEEN = 23 }; /* the ball, then 22 players */
typedef struct rg_result {
    int seeds;
    double error[RG_KINDS][RG_RIVALS][RG_HORIZONS][RC_SEEDS]; /* metres, means over the test; every seed has the last */
    int64_t rows[RG_KINDS][2];                                /* learned from, tested on */
    struct {
        int cycle;
        float is[RG_HORIZONS + 1][RG_SEEN][2], said[RG_HORIZONS + 1][RG_SEEN][2]; /* now, then at each horizon */
    } scene[RG_SCENES];
} rg_result;
extern const char *const rg_name[RG_RIVALS];
extern const int rg_cycles[RG_HORIZONS]; /* how far ahead; a cycle is 0.1 s */

/* Nets that look ahead from the positions of the last six cycles: trained on the first part of the game, tested on the last.
 * Errors: JD_ENOINPUT (the game is not here), JD_EDATA. */
jd_status rg_run(jd_run *r, rg_result *out);
void rg_report(jd_run *r, const rg_result *g);

#endif
