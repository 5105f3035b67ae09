/*
 * torcs.h - the race simulator TORCS in processes of its own: where it is, how an episode is asked for, what the car sees.
 */
#ifndef JD_ENV_TORCS_H
#define JD_ENV_TORCS_H

#include <sys/types.h>

#include "env/torcs/protocol.h"
#include "jackdaw/base.h"

/* The shared object made of torcs/driver.c; 0 bytes where it cannot be built. */
extern const unsigned char jd__torcs_driver[];
extern const size_t jd__torcs_driver_bytes;

/* ---- the track and the camera ---------------------------------------------------------------------------------------------*/

typedef struct torcs_road {
    int sections;
    float length, width;
    char name[112];
    torcs_section *section; /* along the track, the first at the start line */
} torcs_road;

typedef struct torcs_pose {
    double x, y, z, roll, pitch, yaw; /* m, rad */
    double at;                        /* m along the road */
} torcs_pose;

/* What a pin-hole camera of 60 degrees sees that is 3 m above the car's centre and looks 0.2 rad down: road, grass and
 * sky; rgb (h,w,3). */
void jd__torcs_look(const torcs_road *road, const torcs_pose *pose, uint8_t *rgb, int w, int h);

/* ---- processes ------------------------------------------------------------------------------------------------------------*/

/* The simulator with a race that waits to begin. */
typedef struct torcs_server {
    jd_ctx *ctx;
    char track[64];
    pid_t pid;       /* 0: not running */
    int control;     /* socket to it */
    double patience; /* seconds without an answer after which a process is given up */
    torcs_road road;
} torcs_server;

/* One car on its way. */
typedef struct torcs_car {
    int fd; /* -1: none */
    pid_t pid;
} torcs_car;

/* Starts the simulator on a track.  Errors: JD_EABSENT (TORCS or the driver is not there), JD_EUSAGE (no such track),
 * JD_EIO (it does not start; the message says what it printed). */
jd_status jd__torcs_start(torcs_server *s);
void jd__torcs_stop(torcs_server *s);
/* A new episode: the car stands on the grid and the lights are green.  A simulator that died is started once more. */
jd_status jd__torcs_begin(torcs_server *s, torcs_car *c, torcs_state *first);
void jd__torcs_end(torcs_car *c);
/* False when the car's process is gone; jd__torcs_hear then also ends it, as when it does not answer in time, and says why. */
bool jd__torcs_tell(torcs_car *c, const torcs_order *order);
bool jd__torcs_hear(const torcs_server *s, torcs_car *c, torcs_state *state, const char **why);

/* Where TORCS is installed; false and an error when it is not.  (In torcs_install.c) */
typedef struct torcs_places {
    char library[256], data[256], category[16];
} torcs_places;
jd_status jd__torcs_find(jd_ctx *ctx, const char *track, torcs_places *out);
/* Makes the folder that the simulator reads; `dir` gets its path (at least 256 bytes). */
jd_status jd__torcs_folder(jd_ctx *ctx, const torcs_places *p, const char *track, char *dir);
void jd__torcs_folder_remove(const char *dir);

#endif
