/*
 * offload.h (internal) - a plan on a device: the same instructions through the device's table of kernels.
 *
 * The plan keeps its arena in the host's memory, where inputs are given, results are read and fall-backs work; the device
 * has an arena of the same layout, so an operand's place there is its place here.  Parameters and states have a mirror.
 * Nothing is copied back before somebody reads it.
 */
#ifndef JD_GRAPH_OFFLOAD_H
#define JD_GRAPH_OFFLOAD_H

#include "base/device.h"
#include "graph/plan.h"

/* Instructions [begin, end): all on the device, or one on the CPU. */
typedef struct jd__segment {
    int begin, end;
    bool cpu;
    void *recording;
} jd__segment;

struct jd__offload {
    jd_device *dev;
    unsigned char *arena;
    void *scratch;
    size_t scratch_bytes; /* with those of the second of a pair from pair_at on */
    size_t pair_at;
    bool *beside;   /* per instruction: it and the next run side by side */
    jd_call *call;  /* per instruction, with the device's pointers */
    void **pointer; /* what they point to */
    jd__bind *bind; /* pointers into the mirror */
    int nbind;
    uint64_t generation; /* of the mirror, when the pointers were set */
    jd__segment *segment;
    int nsegment, fallbacks;
    bool writes;  /* parameters or states */
    bool exposed; /* somebody may write to the inputs in the host's arena */
    void *reads;  /* scalar results of the last two runs, if the plan changes weights */
    void *feed;
    size_t feed_bytes;
    uint64_t runs;
};

/* After the layout: decides where each instruction runs.  Needs no device. */
jd_status jd__offload_plan(jd_plan *p);
void jd__offload_free(jd_plan *p);
/* Runs the plan; in[n] (may be NULL) are copied to its inputs first. */
jd_status jd__offload_run(jd_plan *p, const jd_tensor *in, int n);
/* One instruction; waits for it. */
jd_status jd__offload_instr(jd_plan *p, int i, int repeats);
/* Brings operands to where the host's call points. */
jd_status jd__offload_fetch(jd_plan *p, int i);
jd_status jd__offload_result(jd_plan *p, jd__io *io);
/* The scalar result number `io` of run `run`, one of the last two; waits for no later run. */
jd_status jd__offload_scalar(jd_plan *p, const jd__io *io, uint64_t run, double *value);
/* The instruction's kernel on a device: fills *k, or false for a fall-back. */
bool jd__offload_kernel(const jd_plan *p, const jd_call *c, jd_opcode code, jd_device_kernel *k);

/* ---- mirror.c: parameters and states on the device -----------------------------------------------------------------*/
/* Makes both sides alike.  to_host: `write` says that the caller may change what it is given. */
jd_status jd__mirror_to_device(jd_params *p);
jd_status jd__mirror_to_host(jd_params *p, bool write);
void jd__mirror_written(jd_params *p); /* the device has changed them */
uint64_t jd__mirror_generation(const jd_params *p);
void *jd__mirror_at(const jd_params *p, const jd__bind *b);
void jd__mirror_free(jd_params *p);

#endif
