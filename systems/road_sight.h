/*
 * road_sight.h - the 4-D approach: the state of road and car, estimated from the places of a few lane marks in each picture.
 *
 *     sight s;
 *     sight_new(&s, 50);
 *     for (;;) {
 *         sight_predict(&s, speed, steer, .04);          // what will be seen
 *         sight_look(&s, &view, &windows);               // search around it, correct
 *         ... s.kf.x[SIGHT_OFFSET], s.kf.x[SIGHT_BEND] ...
 *     }
 *
 * Nine states, as Dickmanns and Mysliwetz (PAMI 1992) have: the car's offset from its lane, heading, slip angle and yaw rate;
 * the road's curvature and its change averaged over the look-ahead, that change itself, the lane's width; the camera's pitch.
 *     d offset/dt = V (heading + slip)    d heading/dt = yaw - V C0    slip, yaw: the car's linear model (road.h)
 *     d C0/dt = V C1m    d C1m/dt = 3 V/L (C1 - C1m)    C1, width: noise    d pitch/dt = (mean - pitch) / T
 * In the car's frame a border is at y(X) = -offset - heading X + C0 X^2/2 + C1m X^3/6 +- width/2 (Dickmanns and Zapp 1986),
 * in the picture at u = u0 - f y / depth.
 */
#ifndef ROAD_SIGHT_H
#define ROAD_SIGHT_H

#include "kalman.h"
#include "road.h"

enum {
    SIGHT_OFFSET,
    SIGHT_HEADING,
    SIGHT_SLIP,
    SIGHT_YAW,
    SIGHT_BEND,
    SIGHT_CHANGE,
    SIGHT_CHANGES,
    SIGHT_WIDTH,
    SIGHT_PITCH,
    SIGHT_STATES
};
enum { SIGHT_ROWS = 8, SIGHT_WINDOWS = 2 * SIGHT_ROWS };
#define SIGHT_PITCHED (3 / 57.29577951308232)

typedef enum sight_find { SIGHT_NONE, SIGHT_GATED, SIGHT_FOUND } sight_find;
typedef struct sight_window {
    int row, from, to; /* pixels from..to-1 are searched */
    double expected, found;
    sight_find what;
    bool covered; /* something stood before it: what is seen there is not the road */
} sight_window;

typedef struct sight {
    kalman kf;
    double noise, wear; /* standard deviations of a mark's place: pixels of the search, metres of the paint */
    double restless;    /* standard deviation of a step of C1, 1/m^2 */
    double innovations; /* sum of squares, each over its variance, of those that passed the gate */
    int64_t found, gated, looked;
    sight_window window[SIGHT_WINDOWS];
} sight;

void sight_new(sight *s, double restless);
void sight_predict(sight *s, double speed, double steer, double seconds);
/* Where the border on a side (+1 left, -1 right) is expected in row v, and its derivatives by the states; false above the
 * horizon. */
bool sight_expect(const sight *s, const road_camera *c, double v, int side, double *u, double *derivative);
/* covered: bit w set where window w is hidden in this picture; may be 0. */
void sight_look(sight *s, const road_view *view, uint32_t covered);

/* ---- steering ------------------------------------------------------------------------------------------------------------*/

/* Linear-quadratic control of (offset, heading, slip, yaw, steer) by the steering rate. */
typedef struct helm {
    double speed, gain[5];
} helm;
void helm_new(helm *h, double speed);
/* The angle to which the law turns the wheel: where its steering rate would be zero.  bend: the curvature ahead that is fed
 * forward, or 0. */
double helm_goal(const helm *h, const double state[4], double bend);
/* The wheel after `seconds` on its way from `steer` to the goal. */
double helm_turn(const helm *h, double steer, double goal, double seconds);
/* Steering angle that holds a curvature. */
double helm_steady(double speed, double bend);

#endif
