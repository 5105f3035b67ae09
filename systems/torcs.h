/*
 * torcs.h - what the parts of the system torcs-vision share.
 */
#ifndef SYSTEMS_TORCS_H
#define SYSTEMS_TORCS_H

#include "jackdaw/env.h"
#include "jackdaw/search.h"
#include "jackdaw/system.h"
#include "pixel_driver.h"

/* The environment's state (env.h). */
enum {
    TS_TIME,
    TS_X,
    TS_Y,
    TS_Z,
    TS_ROLL,
    TS_PITCH,
    TS_YAW,
    TS_FORWARD,
    TS_LEFTWARD,
    TS_TO_MIDDLE,
    TS_WIDTH,
    TS_HEADING,
    TS_RACED,
    TS_AT,
    TS_TOP_SPEED,
    TS_ENGINE,
    TS_DAMAGE,
    TS_GEAR,
    TS_FURTHEST,
    TS_SINCE,
    TS_STATE
};

/* A drive that is looked at. */
typedef struct torcs_drive {
    const char *track;
    size_t steps;
    double *state;  /* (steps + 1, TS_STATE) */
    float *action;  /* (steps, PD_ACTIONS) */
    uint8_t *frame; /* (steps, 64, 64, 3) */
    double *road;   /* (places, 3) */
    size_t places;
    double length, within, laps; /* of a lap, m; m within `seconds`; laps in all */
    double lap_time;             /* s for the first lap, from standing; NAN: it was not finished */
    double error;                /* largest difference from the network with all its weights made */
} torcs_drive;

typedef struct torcs_run {
    jd_run *r;
    jd_ctx *ctx;
    double seconds, period;
    const char *track;
} torcs_run;

enum { TORCS_TEST_SECONDS = 200, TORCS_FRAMES = 12 };

/* Drives a genome on a track for at most TORCS_TEST_SECONDS.  The result is to be given to torcs_drive_free. */
jd_status torcs_test(const torcs_run *w, const char *track, const double *genome, torcs_drive *d);
void torcs_drive_free(jd_ctx *ctx, torcs_drive *d);

/* The report: the drive on the training track, those on tracks never seen, the weights. */
void torcs_report_drive(const torcs_run *w, const torcs_drive *d, const char *title);
void torcs_report_table(const torcs_run *w, const torcs_drive *d, size_t n);
void torcs_report_weights(const torcs_run *w, const double *genome);
void torcs_report_search(const torcs_run *w);

#endif
