/* rivals.h - other libraries doing the work of a workload, for `jackdaw bench --rivals`. */
#ifndef JD_CMD_RIVALS_H
#define JD_CMD_RIVALS_H

#include <stdbool.h>

typedef enum rival_state {
    RIVAL_READY,
    RIVAL_NOT_BUILT_IN,  /* its headers were missing when the program was built */
    RIVAL_NOT_INSTALLED, /* its shared library is not on this machine */
    RIVAL_OTHER_WORK,    /* it has no part of this workload */
    RIVAL_FAILED
} rival_state;

/* A rival made ready for one workload. */
typedef struct rival_work {
    void *state;
    void (*step)(void *state); /* the work once */
    void (*close)(void *state);
    const char *holds; /* what a step does and leaves out */
    char version[32];
} rival_work;

typedef struct rival {
    const char *name;
    rival_state (*open)(const struct rival *r, rival_work *w, const char *workload, int threads);
    const void *library; /* for open() */
} rival;

extern const rival rivals_blas[];   /* ends with a NULL name */
extern const rival rivals_onednn[]; /* likewise */

#endif
