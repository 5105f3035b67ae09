/*
 * device.h - running float32 functions on another device than the CPU.
 *
 * A context made here compiles and runs its float32 functions on a device, through the same calls (fn.h); float64 functions
 * run on the CPU.  docs/gpu.md says what runs where.
 *
 *     jd_ctx *ctx = jd_ctx_new_on(NULL, &(jd_device_options){ .device = "cuda" });
 *     if (jd_error(ctx)) fprintf(stderr, "%s\n", jd_error_message(ctx));   // JD_EABSENT: no plug-in, no driver, no GPU
 *
 * Parameters and results live on the device.  jd_params_data, jd_params_get, jd_params_state, jd_plan_result and
 * jd_fn_result copy back what they give, so ask for the pointer again after each run; what is written to parameters goes
 * to the device at the next run.
 */
#ifndef JACKDAW_DEVICE_H
#define JACKDAW_DEVICE_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_device_options {
    /* "cpu" (or NULL), "cuda", or "cuda-emulated", which runs the CUDA kernels on the CPU to test them. */
    const char *device;
    const char *precision; /* of matrix products on a device: "exact" float32 (or NULL), "tf32", "bf16" */
    bool describe_only;    /* plans can be made and printed; the device itself is not needed and not opened */
} jd_device_options;

/* As jd_ctx_new.  Errors, in the context: JD_EABSENT, a device that is not there; JD_EUSAGE, an unknown word. */
JD_API jd_ctx *jd_ctx_new_on(const jd_options *o, const jd_device_options *d);
JD_API const char *jd_ctx_device(const jd_ctx *ctx);      /* "cpu", "cuda", "cuda-emulated" */
JD_API const char *jd_ctx_device_text(const jd_ctx *ctx); /* with the device's own name */
JD_API bool jd_ctx_device_used(const jd_ctx *ctx);        /* something was computed on a device */
/* What was computed where so far: "cpu", the device's text, or what was left to the CPU although there is a device.  The text
 * is the context's, until the next call. */
JD_API const char *jd_ctx_device_did(const jd_ctx *ctx);
/* What a device was asked for and left to the CPU for want of a kernel, such as "rollouts of octopus-arm"; NULL: nothing. */
JD_API const char *jd_ctx_device_left(const jd_ctx *ctx);
JD_API jd_status jd_ctx_sync(jd_ctx *ctx); /* waits for all that runs on the device; for measuring */

struct jd_fn;
/* A scalar result of the run before the last one, without waiting for the last one, so that the host prepares the next
 * step while the device works.  Kept for functions that change weights. */
JD_API double jd_fn_scalar_before(struct jd_fn *f, const char *name);

#ifdef __cplusplus
}
#endif
#endif
