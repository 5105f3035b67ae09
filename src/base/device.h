/*
 * device.h - what a plug-in for another device offers, and how a context opens one.
 *
 * The plug-in is a shared object with one symbol, jd_device_plugin, which gives a table of functions.  It is opened at run
 * time, so that the library depends on no device's libraries.  A table answers questions about kernels without a device
 * (`jackdaw plan --dry-run`); everything else goes through a device that was opened.
 *
 * One thread uses a device at a time.  Work is queued in the order of the calls; only download, sync and feed_begin wait.
 * Functions that return int return 0, or 1 and leave a sentence for error().
 */
#ifndef JD_BASE_DEVICE_H
#define JD_BASE_DEVICE_H

#include "base/population.h"
#include "jackdaw/base.h"

struct jd_call; /* graph/op.h */

enum { JD_DEVICE_ABI = 3 };

typedef enum jd_precision { JD_EXACT, JD_TF32, JD_BF16 } jd_precision;

/* How an op will be run; text in static storage. */
typedef struct jd_device_kernel {
    const char *name;
    size_t scratch_bytes;
    bool half; /* waits for most of its time, and leaves half of the device to another one */
} jd_device_kernel;

/* Two instructions that run side by side, and everything around them in order. */
typedef enum jd_device_side {
    JD_SIDE_FIRST, /* before the launch of the first, */
    JD_SIDE_OTHER, /* of the second, */
    JD_SIDE_END    /* and behind it */
} jd_device_side;

/* A copy of a piece of a feed into the memory of the device. */
typedef struct jd_device_piece {
    size_t offset, bytes; /* in the feed */
    void *to;
} jd_device_piece;

/* T steps of `count` networks, each with weights of its own (base/population.h).  All memory is the device's. */
typedef struct jd_device_nets {
    jd_lane_net net; /* its stride is that of h, x and y */
    int64_t count, T;
    bool hold, last;
    const float *w; /* blocks of 16 networks */
    float *h;       /* (hidden, stride): the states, which go on */
    const float *x; /* (T, inputs, stride), or (inputs, stride) when `hold`: the same at every step */
    float *y;       /* (T, outputs, stride), or with `last` (outputs, stride): after the last step only */
} jd_device_nets;

/* Networks that act at a task with poles, an episode each; those that are not over go on for at most `steps` steps. */
typedef struct jd_device_episodes {
    jd_lane_net net;
    jd_pole_task task;
    int64_t count, limit, steps;
    bool same;      /* all have the weights of the first network */
    const float *w; /* blocks of 16 networks */
    float *h;       /* (hidden, count) */
    double *s;      /* (2 + 2 poles, count) */
    int64_t *t;     /* (count): steps done */
    uint8_t *over;  /* (count): 1 terminated, 2 truncated at `limit` */
    double *trace;  /* (steps, 2 + 2 poles, count): the states after each step that was done; or NULL */
} jd_device_episodes;

typedef struct jd_device_api {
    uint32_t abi, ops; /* JD_DEVICE_ABI, JD_OP_COUNT */
    const char *name;
    /* False: no kernel for this call; it runs on the CPU. */
    bool (*kernel)(int opcode, const struct jd_call *c, jd_precision p, jd_device_kernel *k);

    void *(*open)(jd_precision p, char *message, size_t size); /* NULL and a message */
    void (*close)(void *d);
    const char *(*describe)(void *d);
    const char *(*error)(void *d);

    void *(*alloc)(void *d, size_t bytes); /* zeroed; NULL: none is left */
    void (*release)(void *d, void *memory);
    int (*upload)(void *d, void *to, const void *from, size_t bytes); /* `from` may change when it returns */
    int (*download)(void *d, void *to, const void *from, size_t bytes);
    int (*sync)(void *d);
    int (*launch)(void *d, int opcode, const struct jd_call *c);
    int (*side)(void *d, jd_device_side where);

    /* Instructions launched between the two are recorded, not run; NULL: this device does not record. */
    int (*record_begin)(void *d);
    int (*record_end)(void *d, void **recording);
    int (*replay)(void *d, void *recording);
    void (*drop)(void *d, void *recording);

    /* Inputs: the caller writes into memory that feed_begin gives (one of two, in turn), feed_end queues the copies. */
    void *(*feed_new)(void *d, size_t bytes);
    void *(*feed_begin)(void *d, void *feed);
    int (*feed_end)(void *d, void *feed, const jd_device_piece *piece, int n);
    void (*feed_free)(void *d, void *feed);

    /* Small results, copied to the host behind the run that computes them, into one of two slots in turn. */
    void *(*read_new)(void *d, size_t bytes);
    int (*read_queue)(void *d, void *reads, int slot, size_t offset, const void *from, size_t bytes);
    const void *(*read_wait)(void *d, void *reads, int slot); /* the slot's memory, when the copies queued are there */
    void (*read_free)(void *d, void *reads);

    /* Populations.  False: no kernel for this network; it runs on the CPU. */
    bool (*population)(const jd_lane_net *n, jd_device_kernel *k);
    int (*nets)(void *d, const jd_device_nets *p);
    int (*episodes)(void *d, const jd_device_episodes *p);
} jd_device_api;

typedef const jd_device_api *jd_device_entry(void);

/* What a context knows of its device. */
typedef struct jd_device {
    const jd_device_api *api;
    void *library, *handle; /* handle NULL: described only */
    jd_precision precision;
    char fallback[256]; /* ops that shall run on the CPU: ",lstm,ctc," */
    bool used;          /* something was computed there */
    char left[400];     /* what was left to the CPU, in words */
    char did[480];      /* room for jd_ctx_device_did */
} jd_device;

void jd__device_close(jd_ctx *ctx);
/* Whether $JACKDAW_CUDA_FALLBACK sends it to the CPU. */
bool jd__device_shunned(const jd_device *d, const char *name);
/* Remembers that this is left to the CPU. */
void jd__device_leave(jd_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The device's error becomes the context's. */
jd_status jd__device_failed(jd_ctx *ctx);

/* The networks of a population on the context's device: its kernel's name; NULL: they run on the CPU, which a device remembers
 * if there is one.  `what` is what $JACKDAW_CUDA_FALLBACK calls it. */
const char *jd__device_population(jd_ctx *ctx, const char *what, const jd_lane_net *n);
/* Memory of a device that grows when it must, and is then lost; its contents too. */
typedef struct jd_device_room {
    void *p;
    size_t bytes;
} jd_device_room;
jd_status jd__device_room(jd_ctx *ctx, jd_device_room *r, size_t bytes);
void jd__device_room_free(jd_ctx *ctx, jd_device_room *r);

#endif
