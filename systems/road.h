/*
 * road.h - a road of clothoids and arcs, the car that drives on it, and the camera in the car.
 *
 * Signs, everywhere: x forward, y left; offsets, headings, curvatures, yaw rates and steering angles are positive to the
 * left; pitch is positive when the camera looks down.  Metres, seconds, radians.  Pixel (u, v) has its centre at whole
 * numbers, u to the right, v down.
 *
 *     road w;
 *     road_new(ctx, ROAD_AUTOBAHN, 10000, seed, &w);
 *     car c = {.l = 0, .offset = ROAD_LANE, .speed = 50};
 *     car_step(&c, &w, steer, 0, .04);
 *     road_view v = {.road = &w, .camera = &ROAD_CAMERA, .l = c.l, .offset = c.offset, .heading = c.heading, .pitch = .05};
 *     road_row(&v, 180, 0, 320, rgb);
 */
#ifndef ROAD_H
#define ROAD_H

#include "jackdaw/base.h"

/* Three lanes; ours is the right one. */
#define ROAD_WIDTH 3.75
#define ROAD_LANE  (-ROAD_WIDTH)
#define ROAD_EDGE  (1.5 * ROAD_WIDTH)
#define ROAD_MARK  0.15
#define ROAD_STEP  0.5

typedef enum road_kind {
    ROAD_AUTOBAHN, /* radii from 1250 m: 2 m/s^2 at 50 m/s */
    ROAD_TIGHT,    /* radii from 300 m */
    ROAD_STEADY    /* straight, then one long arc of 1250 m */
} road_kind;

/* Points every half metre of the road's axis. */
typedef struct road {
    jd_ctx *ctx;
    int n;
    uint64_t seed;
    bool cars;                      /* others drive in the lane to the left */
    double *x, *y, *heading, *bend; /* (n) */
} road;
/* So many metres, and half a kilometre to look at beyond them. */
jd_status road_new(jd_ctx *ctx, road_kind kind, double metres, uint64_t seed, road *w);
void road_free(road *w);
/* Curvature at l. */
double road_bend(const road *w, double l);

/* ---- the car -------------------------------------------------------------------------------------------------------------*/

#define CAR_MASS    2200.
#define CAR_INERTIA 3500.
#define CAR_FRONT   1.4
#define CAR_REAR    1.5
#define CAR_AXLES   (CAR_FRONT + CAR_REAR)
#define CAR_TYRE    9e4                      /* N/rad of an axle */
#define CAR_STEER   (30 / 57.29577951308232) /* rad/s at most */

typedef struct car {
    double l, offset, heading; /* along the road, from its axis, relative to its direction */
    double speed, slip, yaw;   /* along the car, slip angle of its centre, rad/s */
    double steer;
} car;
/* Drives for so long, steering towards `steer` as fast as the motor turns; `gust`: newtons from the right. */
void car_step(car *c, const road *w, double steer, double gust, double seconds);
/* Coefficients of the linear model: d slip/dt = a[0] slip + a[1] yaw + a[2] steer, d yaw/dt = a[3] slip + a[4] yaw + a[5] steer. */
void car_model(double speed, double a[6]);

/* ---- the camera ------------------------------------------------------------------------------------------------------------*/

#define ROAD_EYE 1.8 /* height of the camera */
typedef struct road_camera {
    int width, height;
    double f, u0, v0;
} road_camera;
extern const road_camera ROAD_CAMERA; /* 320 x 240, f = 350 */
extern const road_camera ROAD_RETINA; /* 64 x 48, f = 70: the same view */

typedef struct road_view {
    const road *road;
    const road_camera *camera;
    double l, offset, heading, pitch, time;
    uint64_t frame; /* of the sensor's noise */
} road_view;

/* Where the ray through row v meets the ground: distance ahead, and depth along the optical axis; false above the horizon. */
bool road_ahead(const road_camera *c, double pitch, double v, double *ahead, double *depth);
/* The row at which the ground so far ahead is seen. */
double road_row_at(const road_camera *c, double pitch, double ahead);
/* Pixels u0..u1-1 of row v, (u1-u0, 3); pixels outside the picture continue it. */
void road_row(const road_view *s, int v, int u0, int u1, uint8_t *rgb);
void road_picture(const road_view *s, uint8_t *rgb); /* (height,width,3) */

#endif
