/*
 * robot_car.h - drives of the robot car: by the 4-D approach or by a net that has seen it drive.
 */
#ifndef ROBOT_CAR_H
#define ROBOT_CAR_H

#include "jackdaw/system.h"
#include "road_sight.h"

#define DRIVE_CYCLE 0.04 /* 25 Hz */
/* The car is 1.9 m wide: beyond this offset a wheel is out of the lane. */
#define DRIVE_OUT ((ROAD_WIDTH - 1.9) / 2)

enum { DRIVE_TRACE = 6000, SNAPSHOTS = 6 };

/* What was true and what was thought of it, cycle by cycle. */
typedef struct drive_trace {
    int n;
    float l[DRIVE_TRACE], offset[DRIVE_TRACE], bend[DRIVE_TRACE], heading[DRIVE_TRACE], pitch[DRIVE_TRACE],
        steer[DRIVE_TRACE], speed[DRIVE_TRACE];
    float said[4][DRIVE_TRACE]; /* offset, curvature, heading, pitch */
} drive_trace;

/* The car and its eyes at one moment, enough to draw it. */
typedef struct drive_moment {
    bool taken;
    road_view view;
    sight sight;
} drive_moment;

struct cnn_driver;
typedef struct drive_options {
    const road *road;
    double speed, metres;
    uint64_t seed;          /* of gusts, the ride and the noise of the camera */
    bool blind_to_curves;   /* no feed-forward */
    double covered;         /* share of the windows behind dirt, changing every second */
    struct cnn_driver *net; /* drives instead; the filter only watches */
    double from, start[2];  /* where on the road; offset from the lane and heading */
    double shaky;           /* standard deviation of a hand that disturbs the wheel */
    double settle;          /* metres before anything is counted */
    drive_trace *trace;     /* may be NULL, as may be: */
    drive_moment *moment;   /* (SNAPSHOTS) at equal distances */
    /* Called in each cycle before the wheel is turned. */
    void (*watch)(void *user, const road_view *view, const sight *s, const car *c, double goal, double state_goal);
    void *user;
} drive_options;

typedef struct drive_result {
    double offset, most, curvature, innovation; /* RMS, largest, RMS error of C0, mean normalised square */
    double mean;                                /* offset, signed towards the outside of the curve */
    double out;                                 /* metres at which the lane was left; -1: never */
    double metres, slowest, fastest;
    double found, gated; /* shares of the windows looked into */
} drive_result;

void drive(const drive_options *o, drive_result *out);
/* Seconds of driving per second of a processor core: whole pictures drawn, or only what is looked at; and the share of a cycle
 * that drawing takes. */
void drive_time(const road *w, double speed, double seconds, double *whole, double *windows, double *alone);

/* ---- the net -------------------------------------------------------------------------------------------------------------*/

/* 64 x 48 pixels, of which the lower 32 rows are looked at, now and 0.2 s ago: two convolutions of 5 x 5, stride 2, with 8 and
 * 16 maps, 50 units, the wheel's goal. */
enum { RETINA_W = 64, RETINA_H = 32, RETINA_TOP = 16, RETINA = RETINA_W * RETINA_H, RETINA_AGO = 5 };

typedef struct cnn_driver {
    jd_ctx *ctx;
    jd_params *params;
    jd_fn *ask;
    uint8_t seen[RETINA_AGO + 1][RETINA]; /* the last pictures, the newest first */
    int count;
    int64_t frames; /* learned from */
    double valid;
} cnn_driver;

/* Watches the 4-D driver on roads of its own, learns, and is corrected while it drives itself. */
jd_status cnn_learn(jd_run *r, double speed, cnn_driver *d);
void cnn_free(cnn_driver *d);
void cnn_forget(cnn_driver *d);
/* The wheel's goal, seen from here. */
double cnn_steer(cnn_driver *d, const road_view *view);

/* ---- the report ----------------------------------------------------------------------------------------------------------*/

enum { CAR_SEEDS = 100 };
typedef struct drives {
    int seeds, cnn_seeds;
    drive_result plain[CAR_SEEDS], dirty[CAR_SEEDS], tight[CAR_SEEDS], fed[CAR_SEEDS], unfed[CAR_SEEDS], net[CAR_SEEDS];
    double whole, windows, alone;
} drives;

typedef struct car_pictures {
    const drives *d;
    const drive_trace *plain, *tight, *dirty, *net, *fed, *unfed;
    const drive_moment *moment, *dirty_moment, *tight_moment;
    const cnn_driver *driver;
} car_pictures;
void car_report(jd_run *r, const car_pictures *p);

#endif
