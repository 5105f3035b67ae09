/*
 * robocup_plan.h - looking ahead (Schmidhuber 1990): the predictor, iterated from what the late camera shows over the commands
 * already sent and on over commands that might be, says where they would lead; the gradient of a cost by the commands says
 * how they should change.
 */
#ifndef ROBOCUP_PLAN_H
#define ROBOCUP_PLAN_H

#include "robocup.h"

enum {
    RK_AHEAD = 24, /* frames that are planned, 0.8 s */
    RK_HOLD = 4,   /* frames of one command */
    RK_KNOTS = RK_AHEAD / RK_HOLD,
    RK_OTHERS = 5,   /* moving robots in the way */
    RK_LONGEST = 240 /* frames until a drive is given up */
};
#define RK_TOUCH 0.18 /* metres between centres at which robots touch */

/* Ways to cross the field: straight to the goal pushed aside by who is near, knowing the late or the predicted pose; and by
 * planning. */
typedef enum rk_way { RK_LATE, RK_PREDICTED, RK_PLANNED, RK_WAYS } rk_way;
extern const char *const rk_name[RK_WAYS];

typedef struct rk_drive {
    int frames; /* until the goal, or RK_LONGEST */
    bool there, touched;
    double nearest; /* to another robot */
    float own[RK_LONGEST][3], other[RK_LONGEST][RK_OTHERS][2], planned[RK_LONGEST][RK_KNOTS][2];
} rk_drive;

typedef struct rk_result {
    int drives;
    int there[RK_WAYS], touched[RK_WAYS];
    double seconds[RK_WAYS], nearest[RK_WAYS]; /* means: of those that got there; of all */
    double milliseconds;                       /* of planning in a frame */
    rk_drive shown[RK_WAYS];
} rk_result;

/* ahead: learned for a delay of one frame; now: for RB_DELAY. */
jd_status rk_run(jd_run *r, rc_lab *ahead, rc_lab *now, int drives, rk_result *out);
void rk_report(jd_run *r, const rk_result *p);

#endif
