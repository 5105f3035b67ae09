/* test_offload.c - plans on a device: the same training as on the CPU, weights that move to and fro, fall-backs. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jackdaw/device.h"
#include "jackdaw/jackdaw.h"
#include "tmpdir.h"

enum { B = 6, N = 9, CLASSES = 4, STEPS = 5, WEIGHTS = 2048 };

static jd_ctx *context(const char *device, bool describe)
{
    jd_ctx *ctx = jd_ctx_new_on(&(jd_options){.threads = 1, .seed = 3},
                                &(jd_device_options){.device = device, .describe_only = describe});
    assert_non_null(ctx);
    if (jd_error(ctx) == JD_EABSENT && strstr(jd_error_message(ctx), "was not found")) {
        jd_ctx_free(ctx); /* built without a C++ compiler */
        skip();
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    return ctx;
}

static void step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_dense(g, "hidden", jd_arg(g, "x"), .units = 7, .act = JD_TANH);
    const jd_node y = jd_dense(g, "out", jd_dropout(g, "drop", x, 0.2), .units = CLASSES);
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_result(g, "loss", loss);
}

/* Directions of a layer run side by side: forwards and backwards, two pairs each. */
static void both_ways(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_reshape(g, jd_arg(g, "x"), JD_DIMS(3, 2, 9));
    x = jd_blstm(g, "lower", x, .units = 5);
    x = jd_dense(g, "out", jd_blstm(g, "upper", x, .units = 4), .units = CLASSES);
    const jd_node loss = jd_softmax_xent(g, jd_reshape(g, x, JD_DIMS(B, CLASSES)), jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_result(g, "loss", loss);
}

/* The same of a GRU, whose directions are two layers. */
static void both_ways_gru(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_reshape(g, jd_arg(g, "x"), JD_DIMS(3, 2, 9));
    const jd_node there = jd_gru(g, "there", x, .units = 5), back = jd_gru(g, "back", x, .units = 5, .reverse = true);
    const jd_node y = jd_dense(g, "out", jd_concat(g, (const jd_node[]){there, back}, 2, 2), .units = CLASSES);
    const jd_node loss = jd_softmax_xent(g, jd_reshape(g, y, JD_DIMS(B, CLASSES)), jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_result(g, "loss", loss);
}

typedef struct batch {
    float x[B * N], lr;
    int32_t label[B], step;
    jd_tensor in[4];
} batch;

static void fill(batch *b, int32_t n)
{
    jd_rng r = jd_rng_new(1, "test", (uint64_t)n);
    for (int i = 0; i < B * N; i++) b->x[i] = jd_rng_uniform(&r) - 0.5f;
    for (int i = 0; i < B; i++) b->label[i] = (int32_t)jd_rng_below(&r, CLASSES);
    b->lr = 0.01f;
    b->step = n;
    b->in[0] = JD_TENSOR("x", JD_F32, b->x, B, N);
    b->in[1] = JD_TENSOR("label", JD_I32, b->label, B);
    b->in[2] = JD_SCALAR_F32("lr", &b->lr);
    b->in[3] = JD_SCALAR_I32("step", &b->step);
}

/* Trains; writes the weights and returns the last loss.  At step 2 a weight is changed from outside. */
static double train(const char *device, jd_trace *trace, float *weights, size_t room, size_t *count)
{
    jd_ctx *ctx = context(device, false);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace, NULL);
    double loss = 0;
    batch b;
    for (int n = 0; n < STEPS; n++) {
        fill(&b, n);
        if (n == 2) ((float *)jd_params_get(p, "out/b"))[1] = 0.75f;
        assert_int_equal(jd_fn_run(f, b.in, 4), JD_OK);
        const double before = loss;
        loss = jd_fn_scalar(f, "loss");
        if (n > 0 && strcmp(device, "cpu")) assert_true(jd_fn_scalar_before(f, "loss") == before);
        assert_true(isfinite(loss));
    }
    *count = jd_params_count(p);
    assert_true(*count <= room);
    memcpy(weights, jd_params_data(p), *count * sizeof *weights);
    void *t = NULL;
    for (int i = 0; i < jd_params_states(p); i++)
        if (!strcmp(jd_params_state(p, i, NULL)->name, "adam/t")) jd_params_state(p, i, &t);
    assert_non_null(t);
    assert_true(*(double *)t == STEPS);
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return loss;
}

static void check_alike(const char *what, jd_trace *trace)
{
    float a[WEIGHTS], b[WEIGHTS];
    size_t na, nb;
    const double x = train("cpu", trace, a, WEIGHTS, &na), y = train("cuda-emulated", trace, b, WEIGHTS, &nb);
    double diff = 0, norm = 0;
    assert_int_equal(na, nb);
    for (size_t i = 0; i < na; i++) {
        diff += (a[i] - b[i]) * (a[i] - b[i]);
        norm += a[i] * a[i];
    }
    if (!(diff <= 1e-10 * norm) || fabs(x - y) > 1e-4)
        fail_msg("%s: weights %g, loss %g and %g", what, diff / norm, x, y);
}

static void same_training(void **state)
{
    (void)state;
    check_alike("all on the device", step);
}

static void side_by_side(void **state)
{
    (void)state;
    check_alike("two directions", both_ways);
    check_alike("two directions of a GRU", both_ways_gru);
}

/* Operations that run on the CPU in between see and change what the device holds. */
static void another(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_dense(g, "more", jd_arg(g, "x"), .units = 40));
}

/* The last loss of three steps, and three more when other weights have come, which move all of them. */
static double train_and_move(const char *device)
{
    jd_ctx *ctx = context(device, false);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, step, NULL), *g = NULL;
    double loss = 0;
    batch b;
    for (int n = 0; n < 6; n++) {
        fill(&b, n);
        if (n == 3) {
            g = jd_fn_new(ctx, p, another, NULL);
            assert_int_equal(jd_fn_run(g, b.in, 1), JD_OK);
        }
        assert_int_equal(jd_fn_run(f, b.in, 4), JD_OK);
        loss = jd_fn_scalar(f, "loss");
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_fn_free(g);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return loss;
}

static void weights_that_move(void **state)
{
    (void)state;
    const double cpu = train_and_move("cpu"), there = train_and_move("cuda-emulated");
    assert_true(fabs(cpu - there) < 1e-5 * fabs(cpu));
}

static void fall_backs(void **state)
{
    (void)state;
    setenv("JACKDAW_CUDA_FALLBACK", "softmax_xent,update_adam,concat,random", 1);
    check_alike("some on the CPU", step);
    unsetenv("JACKDAW_CUDA_FALLBACK");
}

/* Inputs by jd_plan_input, results by jd_plan_result, and a second shape over the same weights. */
static void forward(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_affine(g, jd_arg(g, "x"), 2, 1));
    jd_result(g, "w", jd_param(g, "w", (jd_init){JD_INIT_CONST, 3}, JD_DIMS(2)));
}

static void plan_faces(void **state)
{
    (void)state;
    jd_ctx *ctx = context("cuda-emulated", false);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, forward, NULL);
    float x[3] = {1, 2, 3};
    jd_plan *plan = jd_fn_plan(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, x, 3)}, 1);
    assert_non_null(plan);
    float *in = jd_plan_input(plan, "x");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++) in[i] = (float)(i + round);
        assert_int_equal(jd_plan_run(plan), JD_OK);
        const float *y = jd_plan_result(plan, "y", NULL), *w = jd_plan_result(plan, "w", NULL);
        for (int i = 0; i < 3; i++) assert_true(y[i] == (float)(2 * (i + round) + 1));
        assert_true(w[0] == 3 + (float)round && w[1] == 3);
        ((float *)jd_params_data(p))[0] += 1;
    }
    assert_int_equal(jd_fn_run(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, x, 2)}, 1), JD_OK);
    assert_true(((const float *)jd_fn_result(f, "y", NULL))[1] == 5);
    assert_true(((const float *)jd_fn_result(f, "w", NULL))[0] == 6);
    assert_int_equal(jd_plan_check_finite(plan), JD_OK);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* A context that only describes makes plans, and says so when one is run. */
static void description(void **state)
{
    (void)state;
    char text[8192] = "";
    jd_ctx *ctx = context("cuda-emulated", true);
    jd_params *p = jd_params_new(ctx, JD_F32);
    setenv("JACKDAW_CUDA_FALLBACK", "softmax_xent", 1);
    jd_ctx *other = context("cuda-emulated", true);
    unsetenv("JACKDAW_CUDA_FALLBACK");
    jd_params *q = jd_params_new(other, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, step, NULL), *h = jd_fn_new(other, q, step, NULL);
    batch b;
    fill(&b, 0);
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_int_equal(jd_plan_print(jd_fn_plan(f, b.in, 4), false, out), JD_OK);
    fclose(out);
    assert_non_null(strstr(text, "no fall-backs"));
    out = fmemopen(text, sizeof text, "w");
    assert_int_equal(jd_plan_print(jd_fn_plan(h, b.in, 4), false, out), JD_OK);
    fclose(out);
    assert_non_null(strstr(text, "1 fall-backs to the CPU"));
    assert_int_equal(jd_fn_run(f, b.in, 4), JD_EABSENT);
    assert_non_null(strstr(jd_error_message(ctx), "only describe"));
    jd_fn_free(f);
    jd_fn_free(h);
    jd_params_free(p);
    jd_params_free(q);
    jd_ctx_free(ctx);
    jd_ctx_free(other);
}

/* ---- jd_train: losses are read a step late, and none is left out ------------------------------------------------------------*/

enum { TRAINED = 11, LOG_EVERY = 4 };

typedef struct losses {
    double loss[TRAINED];
    int n, poison; /* from this batch on an input is not a number; 0: never */
} losses;

static void note_loss(void *user, const jd_run_event *e)
{
    losses *l = user;
    if (e->kind == JD_EVENT_METRIC && strstr(e->name, "/loss")) l->loss[l->n++] = e->value;
}

static int next(void *user, int64_t n, int slot, jd_tensor *in)
{
    static batch b;
    const losses *l = user;
    (void)slot;
    fill(&b, (int32_t)n);
    if (l->poison && n >= l->poison) b.x[3] = NAN;
    in[0] = b.in[0];
    in[1] = b.in[1];
    return 2;
}

static jd_status trained(const char *device, int poison, losses *l, char message[400])
{
    jd_ctx *ctx = context(device, false);
    *l = (losses){.poison = poison};
    jd_run *r = jd_run_new(
        ctx,
        &(jd_run_options){.name = "late", .seed = 3, .dir = tmpdir_file(device), .on_event = note_loss, .user = l});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_train(
        r, p,
        &(jd_train_options){
            .trace = step, .user = l, .steps = TRAINED, .batch = next, .lr = {.rate = 0.01}, .log_every = LOG_EVERY},
        NULL);
    const jd_status status = jd_error(ctx);
    snprintf(message, 400, "%s", jd_error_message(ctx));
    jd_params_free(p);
    jd_run_free(r);
    jd_ctx_free(ctx);
    return status;
}

static void late_losses(void **state)
{
    losses cpu, device;
    char message[400];
    (void)state;
    assert_int_equal(trained("cpu", 0, &cpu, message), JD_OK);
    assert_int_equal(trained("cuda-emulated", 0, &device, message), JD_OK);
    assert_int_equal(cpu.n, 3); /* after 4, 8 and 11 steps */
    assert_int_equal(device.n, 3);
    for (int i = 0; i < 3; i++) assert_true(fabs(cpu.loss[i] - device.loss[i]) < 1e-5);
    assert_int_equal(trained("cuda-emulated", 6, &device, message), JD_EDIVERGED);
    assert_non_null(strstr(message, "step 7:")); /* batch 6, counted from 0 */
}

static void unknown_names(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new_on(NULL, &(jd_device_options){.device = "cud"});
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "did you mean \"cuda\"?"));
    jd_ctx_free(ctx);
    ctx = jd_ctx_new_on(NULL, &(jd_device_options){.device = "cuda", .precision = "tf23"});
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "did you mean \"tf32\"?"));
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_training), cmocka_unit_test(side_by_side),
                                       cmocka_unit_test(fall_backs),    cmocka_unit_test(plan_faces),
                                       cmocka_unit_test(description),   cmocka_unit_test(late_losses),
                                       cmocka_unit_test(unknown_names), cmocka_unit_test(weights_that_move)};
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
