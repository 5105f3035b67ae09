/*
 * bench_device.c - what a device can do at most, measured through the same plans as the workloads: the rate of one large
 * matrix product in the context's precision, and the bandwidth of a large copy.
 */
#include "bench.h"
#include "jackdaw/device.h"

enum { SIDE = 8192, FLOATS = 1 << 28, REPEATS = 5 };

static void product(jd_graph *g, void *user)
{
    (void)user;
    const jd_node step = jd_reshape(g, jd_iota(g, 1), JD_SCALAR);
    const jd_node a = jd_random_uniform(g, "a", step, JD_DIMS(SIDE, SIDE));
    jd_result(g, "y", jd_matmul(g, a, jd_state(g, "b", JD_F32, JD_DIMS(SIDE, SIDE)), .tb = true));
}

/* The same without the product, to be taken off. */
static void operand(jd_graph *g, void *user)
{
    (void)user;
    const jd_node step = jd_reshape(g, jd_iota(g, 1), JD_SCALAR);
    jd_result(g, "y", jd_random_uniform(g, "a", step, JD_DIMS(SIDE, SIDE)));
}

static void copy(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_affine(g, jd_state(g, "x", JD_F32, JD_DIMS(FLOATS)), 1, 1));
}

static double seconds_of(jd_ctx *ctx, jd_trace *trace)
{
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = p ? jd_fn_new(ctx, p, trace, NULL) : NULL;
    double best = 1e30;
    for (int k = 0; f && k < 3 + REPEATS && !jd_error(ctx); k++) {
        jd_ctx_sync(ctx);
        const double start = jd_now();
        jd_fn_run(f, NULL, 0);
        jd_ctx_sync(ctx);
        const double s = jd_now() - start;
        if (k >= 3 && s < best) best = s; /* the first runs set up and record */
    }
    jd_fn_free(f);
    jd_params_free(p);
    return jd_error(ctx) ? 0 : best;
}

jd_peaks bench_device_peaks(jd_ctx *ctx)
{
    jd_peaks p = {0};
    const double both = seconds_of(ctx, product), less = seconds_of(ctx, operand), move = seconds_of(ctx, copy);
    if (jd_error(ctx)) return p;
    p.flops = 2.0 * SIDE * SIDE * SIDE / (both > less ? both - less : both);
    p.l2 = p.l3 = p.dram = 8.0 * FLOATS / move;
    return p;
}
