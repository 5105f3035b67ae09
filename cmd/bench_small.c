/* bench_small.c - CTC alone, tiny networks, the making of plans, weights from codes, an arm. */
#include <string.h>

#include "bench.h"

static void ctc_step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x");
    const jd_node each = jd_ctc(g, x, jd_arg(g, "labels"), jd_arg(g, "length"), jd_arg(g, "label_length"), 0);
    jd_node dx;
    jd_grad(g, jd_sum(g, each, JD_ALL_AXES, false), JD_NONE, &x, 1, &dx);
    jd_result(g, "loss", each);
    jd_result(g, "gradient", dx);
}

/* a frames, b symbols.  Batch 32, a / 5 labels, never twice running. */
static jd_status make_ctc(const bench_workload *w, bench_job *j)
{
    enum { B = 32 };
    const int T = w->a, K = w->b, U = T / 5;
    int32_t *labels = bench_random_int(j, (size_t)(B * U), 1, K);
    for (int i = 1; labels && i < B * U; i++)
        if (labels[i] == labels[i - 1]) labels[i] = labels[i] % (K - 1) + 1;
    int32_t *length = bench_random_int(j, B, T, T + 1), *count = bench_random_int(j, B, U, U + 1);
    const size_t n = (size_t)T * B * (size_t)K;
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, n, -1, 1), T, B, K),
                           JD_TENSOR("labels", JD_I32, labels, B, U), JD_TENSOR("length", JD_I32, length, B),
                           JD_TENSOR("label_length", JD_I32, count, B)};
    return bench_plan(j, ctc_step, NULL, t, 4);
}

/* 4 inputs, 5 fully recurrent tanh units with bias, 1 tanh output; one call is 100 time steps. */
static void controller(jd_graph *g, void *user)
{
    (void)user;
    const jd_node h = jd_srn(g, "hidden", jd_arg(g, "x"), .units = 5);
    jd_result(g, "y", jd_dense(g, "out", h, .units = 1, .act = JD_TANH, .no_bias = true));
}

static jd_status make_controller(const bench_workload *w, bench_job *j)
{
    enum { T = 100, B = 1, I = 4 };
    (void)w;
    j->gflop = 100.0 * 2 * (9 * 5 + 5) / 1e9;
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, T * B * I, -1, 1), T, B, I)};
    return bench_plan(j, controller, NULL, t, 1);
}

/* The network that small-network libraries are compared on. */
static void tiny(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_net(g, "dense 32 tanh, dense 4 tanh", jd_arg(g, "x"), JD_NONE));
}

static jd_status make_tiny(const bench_workload *w, bench_job *j)
{
    (void)w;
    j->gflop = 2.0 * (8 * 32 + 32 * 4) / 1e9;
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, 8, -1, 1), 1, 8)};
    return bench_plan(j, tiny, NULL, t, 1);
}

static jd_status plan_again(bench_job *j)
{
    /* An input that nobody asks for makes another plan of the same work; a function starts over every 16 plans, so that
     * looking through them costs nothing. */
    int64_t *salt = j->memory[1];
    if (*salt % 16 == 0) {
        jd_fn_free(j->fn);
        j->fn = jd_fn_new(j->ctx, j->params, tiny, NULL);
        if (!j->fn) return jd_error(j->ctx);
        jd_fn_lenient(j->fn);
    }
    const jd_tensor in[] = {{"x", {JD_F32, 2, {1, 8}}, NULL}, {"salt", {JD_F32, 1, {(*salt)++}}, NULL}};
    return jd_fn_plan(j->fn, in, 2) ? JD_OK : jd_error(j->ctx);
}

static jd_status make_planner(const bench_workload *w, bench_job *j)
{
    (void)w;
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, 8, -1, 1), 1, 8)};
    int64_t *salt = (int64_t *)(void *)bench_random(j, 4, 0, 1);
    if (!salt) return JD_ENOMEM;
    *salt = 0;
    j->step = plan_again;
    return bench_plan(j, tiny, NULL, t, 1);
}

/* Writing the weights is what takes time: as fast as what is past the second cache can be read. */
static double decode_limit(const bench_job *j, const jd_peaks *peak)
{
    return j->bytes / peak->l3;
}

static void free_code(bench_job *j)
{
    jd_code_free(j->state);
}

static jd_status decode_step(bench_job *j)
{
    return jd_code_decode_f32(j->state, j->memory[0], j->memory[1]);
}

static jd_status multiply_step(bench_job *j)
{
    return jd_code_multiply(j->state, 0, 2, j->memory[0], j->memory[1], j->memory[2]);
}

/* The network that drives by sight: 256 units on a grid see 64 x 64 pixels and each other, 3 outputs.  a: 0 decodes all its
 * weights, 1 computes what the units get from an image without decoding. */
static jd_status make_code(const bench_workload *w, bench_job *j)
{
    static const jd_code_array net[] = {{.rank = 4, .size = {16, 16, 64, 64}, .genes = 100},
                                        {.rank = 4, .size = {16, 16, 16, 16}, .genes = 60},
                                        {.rank = 2, .size = {16, 16}, .genes = 10},
                                        {.rank = 3, .size = {3, 16, 16}, .genes = 27},
                                        {.rank = 1, .size = {3}, .genes = 3}};
    j->state = jd_code_new(j->ctx, &(jd_code_options){.kind = JD_CODE_DCT, .array = net, .arrays = 5});
    if (!j->state) return jd_error(j->ctx);
    j->close = free_code;
    double *genome = jd_alloc_array(j->ctx, jd_code_genes(j->state), sizeof *genome);
    j->memory[0] = genome;
    jd_rng r = jd_rng_new(1, "bench", 0);
    for (size_t i = 0; genome && i < jd_code_genes(j->state); i++) genome[i] = jd_rng_normal(&r);
    bench_random(j, w->a ? 4096 : jd_code_weights(j->state), 0, 1);
    j->memory[2] = jd_alloc_array(j->ctx, 256, sizeof(double));
    j->step = w->a ? multiply_step : decode_step;
    if (!w->a) {
        j->bytes = (double)jd_code_weights(j->state) * sizeof(float);
        j->limit = decode_limit;
    }
    return jd_error(j->ctx);
}

static void free_octopus(bench_job *j)
{
    jd_env_free(j->state);
}

/* One step of 16 octopus's arms: 25 Runge-Kutta steps each. */
static jd_status arm_step(bench_job *j)
{
    uint8_t *flags = j->memory[3];
    return jd_env_step(j->state, j->memory[0], j->memory[1], j->memory[2], flags, flags + 16);
}

static jd_status make_arm(const bench_workload *w, bench_job *j)
{
    (void)w;
    j->state = jd_env_new(j->ctx, "octopus-arm", &(jd_env_options){.count = 16, .time_limit = INT64_MAX});
    j->close = free_octopus;
    for (size_t i = 0; i < 16 && !jd_error(j->ctx); i++) jd_env_reset(j->state, i, i, NULL);
    bench_random(j, 16 * 32, 0, 1);
    bench_random(j, 16 * 82, 0, 1);
    bench_random(j, 16, 0, 1);
    bench_random(j, 16, 0, 1);
    j->step = arm_step;
    return jd_error(j->ctx);
}

const bench_workload bench_small[] = {
    {"ctc_T150_a28", "CTC loss and gradient, batch 32", make_ctc, 150, 28, 0, 0.85e-3},
    {"ctc_T150_a62", "", make_ctc, 150, 62, 0, 0.93e-3},
    {"ctc_T500_a28", "", make_ctc, 500, 28, 0, 7.3e-3},
    {"ctc_T500_a62", "", make_ctc, 500, 62, 0, 7.5e-3},
    {"ctc_T1000_a28", "", make_ctc, 1000, 28, 0, 31.5e-3},
    {"ctc_T1000_a62", "", make_ctc, 1000, 62, 0, 31.9e-3},
    {"ctc_T150_a5000", "", make_ctc, 150, 5000, 0, 24.1e-3},
    {"ctc_T500_a5000", "", make_ctc, 500, 5000, 0, 106e-3},
    {"controller_p1", "recurrent controller, 100 time steps", make_controller, 0, 0, 0, 2.0e-6},
    {"tiny_8_32_4", "8-32-4 network forward", make_tiny, 0, 0, 0, 60e-9},
    {"plan_small", "tracing and compiling the 8-32-4 network", make_planner, 0, 0, 0, 20e-6},
    {"decode_1m_200", "1,115,139 weights from 200 cosine coefficients", make_code, 0, 0, 0, 0},
    {"respond_1m_100", "256 units' response to 64 x 64 pixels from 100 coefficients", make_code, 1, 0, 0, 0},
    {"octopus_b16", "one step of 16 octopus's arms", make_arm, 0, 0, 0, 0},
    {0},
};
