/*
 * protocol.h - what the driver inside the simulator and Jackdaw tell each other, over sockets that keep messages whole.
 *
 * Jackdaw starts the simulator with one end of a control socket as descriptor TORCS_CONTROL.  The driver sends a
 * torcs_hello and the track's cross-sections when the race begins, then waits there: each descriptor that arrives makes it
 * fork.  The copy drives one episode over that descriptor: it sends a torcs_state, takes a torcs_order, drives on for so
 * many steps, sends a torcs_state, and so on until the other end is closed.  All episodes begin in the same state.
 */
#ifndef JD_ENV_TORCS_PROTOCOL_H
#define JD_ENV_TORCS_PROTOCOL_H

#include <stdint.h>

enum {
    TORCS_CONTROL = 3,
    TORCS_MAGIC = 0x4A445431,
    TORCS_SECTIONS = 8192, /* at most */
    TORCS_CHUNK = 512,     /* cross-sections a message */
    TORCS_STEPS_A_SECOND = 50
};

typedef struct torcs_hello {
    uint32_t magic;
    int32_t sections; /* 0: the driver refuses, because of `name` */
    float length, width;
    char name[112];
} torcs_hello;

/* The road's edges at one place; m. */
typedef struct torcs_section {
    float at; /* along the middle, from the start line */
    float left[3], right[3];
} torcs_section;

typedef struct torcs_order {
    float steer, accelerate, brake; /* -1 (right) .. 1 (left), 0 .. 1, 0 .. 1 */
    int32_t steps;                  /* of 0.02 s */
} torcs_order;

/* SI units; angles in rad. */
typedef struct torcs_state {
    double time;
    float x, y, z, roll, pitch, yaw;
    float vx, vy;    /* in the car's frame: forward, to the left */
    float to_middle; /* to the left of the middle is positive */
    float width;     /* of the road here */
    float heading;   /* relative to the road, to the left is positive */
    float raced;     /* m along the road since the start */
    float at;        /* m along the road from the start line */
    float top_speed; /* since the start */
    float rpm;       /* rad/s */
    int32_t damage, gear, pid;
} torcs_state;

#endif
