/*
 * fn.h - traced functions: from a C function that adds nodes to a plan that runs.
 *
 * `jd_fn` traces its function for each combination of input shapes, compiles a plan, and keeps it for the next time.  A whole
 * training step - forward, backward, update - is one function:
 *
 *     jd_params *w = jd_params_new(ctx, JD_F32);
 *     jd_fn *f = jd_fn_new(ctx, w, step, NULL);
 *     jd_tensor in[] = { JD_TENSOR("image", JD_F32, pixels, 32, 28, 28, 1), JD_TENSOR("label", JD_I32, labels, 32),
 *                        JD_SCALAR_F32("lr", &lr) };
 *     jd_fn_run(f, in, 3);
 *     float loss = (float)jd_fn_scalar(f, "loss");
 */
#ifndef JACKDAW_FN_H
#define JACKDAW_FN_H

#include "jackdaw/graph.h"
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- parameters: one contiguous vector with named ranges ------------------------------------------------------------*/
typedef struct jd_params jd_params;
typedef struct jd_range {
    const char *name;
    jd_type type;
    size_t offset; /* in elements */
} jd_range;
JD_API jd_params *jd_params_new(jd_ctx *ctx, jd_dtype real);
JD_API void jd_params_free(jd_params *p);
JD_API jd_dtype jd_params_dtype(const jd_params *p);
JD_API size_t jd_params_count(const jd_params *p); /* number of weights */
JD_API void *jd_params_data(jd_params *p);         /* float or double [count]; moves when parameters are added */
JD_API int jd_params_ranges(const jd_params *p);   /* number of named ranges */
JD_API const jd_range *jd_params_range(const jd_params *p, int i);
JD_API const jd_range *jd_params_find(const jd_params *p, const char *name);
JD_API void *jd_params_get(jd_params *p, const char *name); /* pointer to the range's data, or NULL */
/* State buffers (jd_state), in order of creation: name, type and data. */
JD_API int jd_params_states(const jd_params *p);
JD_API const jd_range *jd_params_state(const jd_params *p, int i, void **data);
/* Adds (or overwrites) one by name: how a checkpoint comes back before the function was traced. */
JD_API jd_status jd_params_set(jd_params *p, const char *name, const jd_type *type, const void *data);
JD_API jd_status jd_params_set_state(jd_params *p, const char *name, const jd_type *type, const void *data);
/* From now on a parameter that is not there is an error instead of one that is made and drawn at random.  To be called after a
 * model was loaded: a network that is not the one of the file is then found out.
 *     jd_params_load(ctx, w, file);
 *     jd_params_seal(w); */
JD_API void jd_params_seal(jd_params *p);

/* ---- functions --------------------------------------------------------------------------------------------------------*/
typedef struct jd_tensor {
    const char *name;
    jd_type type;
    const void *data; /* NULL for jd_fn_run: what was put there with jd_plan_input, or the run before */
} jd_tensor;
/* An input of this name, type and shape: JD_TENSOR("image", JD_F32, pixels, 32, 28, 28, 1); scalars: JD_SCALAR_F32("lr", &lr). */
#ifdef __cplusplus
extern "C++" {
template <typename... D> constexpr jd_tensor jd_make_tensor(const char *name, jd_dtype dtype, const void *data, D... d)
{
    return {name, {dtype, int(sizeof...(D)), {int64_t(d)...}}, data};
}
}
#define JD_TENSOR(name_, dtype_, data_, ...) jd_make_tensor(name_, dtype_, data_, __VA_ARGS__)
#else
#define JD_TENSOR(name_, dtype_, data_, ...)                                                                           \
    ((jd_tensor){                                                                                                      \
        (name_), {(dtype_), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}, (data_)})
#endif
#define JD_SCALAR_F32(name_, data_) JD_MAKE(jd_tensor, (name_), {JD_F32, 0, {0}}, (data_))
#define JD_SCALAR_I32(name_, data_) JD_MAKE(jd_tensor, (name_), {JD_I32, 0, {0}}, (data_))

typedef struct jd_fn jd_fn;
typedef struct jd_plan jd_plan;
typedef void jd_trace(jd_graph *g, void *user);

/* `params` may be NULL for a function without parameters; it must outlive the function, and may be shared: on the CPU also by functions
 * and streams of other contexts in threads of their own, when it is sealed, holds all that they need, and nobody writes. */
JD_API jd_fn *jd_fn_new(jd_ctx *ctx, jd_params *params, jd_trace *trace, void *user);
JD_API void jd_fn_free(jd_fn *f);

/* The plan for inputs of these names, types and shapes (`data` is not looked at): found, or traced and compiled.  It is
 * the caller's to run until the function is freed. */
JD_API jd_plan *jd_fn_plan(jd_fn *f, const jd_tensor *in, int n);
/* Plans that jd_fn_plan never gave out are kept for the shapes used last: those that fit in so many bytes together (at first
 * 1 GiB) and at most 1000, but always the last two.  A shape that comes back later is traced again, with the same results. */
JD_API void jd_fn_keep(jd_fn *f, size_t bytes);
/* From now on inputs that the traced function does not ask for are passed over, as jd_train does with what a batch has.  Else
 * such an input is an error that names the nearest one that is asked for; but "step" may always be given (layers.h). */
JD_API void jd_fn_lenient(jd_fn *f);
/* Copies the inputs, runs the plan for their shapes. */
JD_API jd_status jd_fn_run(jd_fn *f, const jd_tensor *in, int n);
/* After jd_fn_run: a result of the last plan that ran, valid until the next run.  NULL or 0, and an error, for an unknown name. */
JD_API const void *jd_fn_result(jd_fn *f, const char *name, jd_type *type);
JD_API double jd_fn_scalar(jd_fn *f, const char *name);

/* ---- plans ------------------------------------------------------------------------------------------------------------*/
/* Where to put an input before jd_plan_run, and where a result lies after it; valid until the function is freed. */
JD_API void *jd_plan_input(jd_plan *p, const char *name);
JD_API const void *jd_plan_result(jd_plan *p, const char *name, jd_type *type);
JD_API jd_status jd_plan_run(jd_plan *p);

typedef struct jd_plan_info {
    int instructions;
    size_t arena_bytes;
    double flop, bytes; /* one run: 2 x multiply-adds of products, and operand bytes of all instructions */
    /* Arithmetic operations of one run: flop, and every point-wise step, sum and comparison on every element.  Of the fused
     * recurrent and CTC operations only their products are counted. */
    double operations;
    double trace_seconds, compile_seconds;
} jd_plan_info;
JD_API jd_plan_info jd_plan_describe(const jd_plan *p);
/* One line an instruction: number, kernel, output name and shape, FLOPs, bytes, and with `timed` the seconds of one run
 * (the plan must have been run before). */
JD_API jd_status jd_plan_print(jd_plan *p, bool timed, FILE *out);
/* Looks for NaN and infinities in every instruction's results of one run: 0 when all are finite, else an error that
 * names the instruction, tensor and index.  Slow; for finding where a training went wrong. */
JD_API jd_status jd_plan_check_finite(jd_plan *p);

#ifdef __cplusplus
}
#endif
#endif
