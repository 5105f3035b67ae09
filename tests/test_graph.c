/* test_graph.c - tracing, fusing, layout, errors: what the planner may do must not change a bit. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jackdaw/device.h"
#include "jackdaw/fn.h"
#include "jackdaw/layers.h"

static jd_ctx *new_ctx(int threads)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads, .seed = 3});
    assert_non_null(ctx);
    return ctx;
}

static void fill(float *x, size_t n, uint64_t stream)
{
    jd_rng r = jd_rng_new(11, "test", stream);
    for (size_t i = 0; i < n; i++) x[i] = 2 * jd_rng_uniform(&r) - 1;
}

/* ---- fusing ------------------------------------------------------------------------------------------------------------*/

/* The same arithmetic, once with every step visible (nothing can be fused away) and once without. */
static void trace_chain(jd_graph *g, void *user)
{
    const bool visible = *(bool *)user;
    const jd_node a = jd_arg(g, "a"), b = jd_arg(g, "b"), c = jd_arg(g, "c");
    const jd_node s = jd_mul(g, a, b), t = jd_add(g, s, c), u = jd_tanh(g, t), v = jd_sub(g, u, a);
    const jd_node w = jd_mul(g, jd_sigmoid(g, v), jd_affine(g, jd_square(g, u), -1, 1));
    /* A user outside the chain in its middle, and an outer slice of the chain's own value. */
    const jd_node m = jd_sum(g, u, JD_AXIS(1), true);
    const jd_node y = jd_sub(g, jd_mul(g, w, m), jd_slice(g, w, 0, 1, 1));
    if (visible) {
        jd_result(g, "s", s);
        jd_result(g, "t", t);
        jd_result(g, "u", u);
        jd_result(g, "v", v);
        jd_result(g, "w", w);
        jd_result(g, "m", m);
    }
    jd_result(g, "y", y);
}

static void fused_chain_has_the_same_bits(void **state)
{
    (void)state;
    enum { M = 9, N = 300 };
    static float a[M * N], b[N], c[M], y[2][M * N];
    fill(a, M * N, 0);
    fill(b, N, 1);
    fill(c, M, 2);
    int instructions[2];
    for (int k = 0; k < 2; k++) {
        bool visible = k == 0;
        jd_ctx *ctx = new_ctx(1);
        jd_fn *f = jd_fn_new(ctx, NULL, trace_chain, &visible);
        const jd_tensor in[] = {JD_TENSOR("a", JD_F32, a, M, N), JD_TENSOR("b", JD_F32, b, N),
                                JD_TENSOR("c", JD_F32, c, M, 1)};
        assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
        memcpy(y[k], jd_fn_result(f, "y", NULL), sizeof y[k]);
        instructions[k] = jd_plan_describe(jd_fn_plan(f, in, 3)).instructions;
        jd_fn_free(f);
        jd_ctx_free(ctx);
    }
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    assert_true(instructions[1] <= 4);
}

static void trace_train(jd_graph *g, void *user)
{
    const bool watched = *(bool *)user;
    jd_node x = jd_arg(g, "x");
    x = jd_dense(g, "one", x, .units = 37, .act = JD_TANH);
    x = jd_dense(g, "two", x, .units = 21, .act = JD_RELU);
    x = jd_dense(g, "three", x, .units = 5);
    const jd_node loss = jd_softmax_xent(g, x, jd_arg(g, "label"));
    if (watched) jd_result(g, "gradient", jd_grad_params(g, loss));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

/* Products that add straight into the weights give what the gradient and the update give apart. */
static void fused_sgd_has_the_same_bits(void **state)
{
    (void)state;
    enum { B = 6, N = 50 };
    float x[B * N], lr = 0.1f;
    const int32_t label[B] = {0, 4, 2, 1, 3, 0};
    float *weights[2] = {NULL, NULL};
    size_t count = 0;
    fill(x, B * N, 3);
    for (int k = 0; k < 2; k++) {
        bool watched = k == 0;
        jd_ctx *ctx = new_ctx(2);
        jd_params *p = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, p, trace_train, &watched);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, B, N), JD_TENSOR("label", JD_I32, label, B),
                                JD_SCALAR_F32("lr", &lr)};
        double first = 0;
        for (int s = 0; s < 10; s++) {
            assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
            if (s == 0) first = jd_fn_scalar(f, "loss");
        }
        assert_true(jd_fn_scalar(f, "loss") < 0.8 * first);
        count = jd_params_count(p);
        weights[k] = malloc(count * sizeof(float));
        memcpy(weights[k], jd_params_data(p), count * sizeof(float));
        jd_fn_free(f);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
    assert_int_equal(count, 37 * 50 + 37 + 21 * 37 + 21 + 5 * 21 + 5);
    assert_memory_equal(weights[0], weights[1], count * sizeof(float));
    free(weights[0]);
    free(weights[1]);
}

/* ---- shapes and stores -------------------------------------------------------------------------------------------------*/

static void trace_double(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_dense(g, "layer", jd_arg(g, "x"), .units = 3));
}

static void trace_more(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_dense(g, "another", jd_arg(g, "x"), .units = 4000));
}

/* An allocator that knows how many bytes are taken; their number stands before each block. */
static void *count_alloc(void *user, size_t bytes)
{
    char *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p) return NULL;
    memcpy(p, &bytes, sizeof bytes);
    *(size_t *)user += bytes;
    return p + 64;
}

static void count_free(void *user, void *p)
{
    size_t bytes;
    memcpy(&bytes, (char *)p - 64, sizeof bytes);
    *(size_t *)user -= bytes;
    free((char *)p - 64);
}

static void trace_ragged(jd_graph *g, void *user)
{
    (void)user;
    const jd_node length = jd_arg(g, "length"), y = jd_net(g, "lstm 8, dense 3", jd_arg(g, "x"), length);
    const jd_node loss = jd_mean(g, jd_square(g, y), JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_const(g, 0.01, JD_SCALAR));
    jd_result(g, "loss", loss);
}

/* Batches of `shapes` lengths, in turn and back; the losses, and the most bytes taken after the first lengths. */
static size_t ragged(size_t keep, int shapes, jd_plan **held, double *losses)
{
    enum { T = 60, B = 2 };
    static float x[T * B * 4];
    size_t taken = 0, most = 0;
    fill(x, T * B * 4, 9);
    jd_ctx *ctx = jd_ctx_new(
        &(jd_options){.threads = 1, .seed = 3, .alloc = count_alloc, .free = count_free, .alloc_user = &taken});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_ragged, NULL);
    jd_fn_keep(f, keep);
    for (int k = 0; k < 3 * shapes; k++) {
        const int step = k % (2 * shapes), t = 1 + (step < shapes ? step : 2 * shapes - 1 - step);
        const int32_t length[B] = {t, (t + 1) / 2};
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, t, B, 4), JD_TENSOR("length", JD_I32, length, B)};
        if (held && k == 1) *held = jd_fn_plan(f, in, 2);
        assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
        losses[k] = jd_fn_scalar(f, "loss");
        if (taken > most) most = taken;
    }
    if (held) assert_int_equal(jd_plan_run(*held), JD_OK); /* one that was given out is never forgotten */
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    assert_int_equal(taken, 0);
    return most;
}

static void plans_out_of_use_are_forgotten(void **state)
{
    (void)state;
    enum { SHAPES = 60 };
    static double all[3 * SHAPES], few[3 * SHAPES];
    jd_plan *held;
    const size_t without = ragged(SIZE_MAX, SHAPES, NULL, all);
    for (size_t keep = 0; keep <= without / 2; keep += without / 4) {
        const size_t with = ragged(keep, SHAPES, &held, few);
        assert_memory_equal(all, few, sizeof all);
        if (with > keep + without / 10) fail_msg("%zu bytes of %zu with %zu to keep", with, without, keep);
    }
}

static void plans_are_kept_by_shape_and_follow_the_store(void **state)
{
    (void)state;
    float x[5 * 4], before[6], after[6];
    fill(x, 20, 4);
    jd_ctx *ctx = new_ctx(1);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_double, NULL), *more = jd_fn_new(ctx, p, trace_more, NULL);
    const jd_tensor two = JD_TENSOR("x", JD_F32, x, 2, 4), five = JD_TENSOR("x", JD_F32, x, 5, 4);
    jd_plan *a = jd_fn_plan(f, &two, 1), *b = jd_fn_plan(f, &five, 1);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(jd_fn_plan(f, &two, 1), a);
    jd_fn_run(f, &two, 1);
    memcpy(before, jd_fn_result(f, "y", NULL), sizeof before);
    /* Another function makes the store grow, and move. */
    assert_int_equal(jd_fn_run(more, &two, 1), JD_OK);
    jd_fn_run(f, &two, 1);
    memcpy(after, jd_fn_result(f, "y", NULL), sizeof after);
    assert_memory_equal(before, after, sizeof before);
    jd_fn_free(f);
    jd_fn_free(more);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void trace_shared(jd_graph *g, void *user)
{
    (void)user;
    const jd_node w = jd_param(g, "w", (jd_init){JD_INIT_CONST, 2}, JD_DIMS(1));
    const jd_node v = jd_param(g, "w", (jd_init){JD_INIT_CONST, 2}, JD_DIMS(1));
    const jd_node loss = jd_sum(g, jd_mul(g, jd_square(g, w), v), JD_ALL_AXES, false); /* w^3 */
    jd_result(g, "d", jd_grad_params(g, loss));
}

static void shared_parameters_add_their_gradients(void **state)
{
    (void)state;
    jd_ctx *ctx = new_ctx(1);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_shared, NULL);
    assert_int_equal(jd_fn_run(f, NULL, 0), JD_OK);
    assert_true(jd_fn_scalar(f, "d") == 12);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void trace_scopes(jd_graph *g, void *user)
{
    (void)user;
    jd_scope_push(g, "level1");
    jd_scope_push(g, "left/inner");
    const jd_node a = jd_param(g, "w", (jd_init){0}, JD_DIMS(1));
    jd_scope_pop(g);
    const jd_node b = jd_param(g, "w", (jd_init){0}, JD_DIMS(1));
    jd_scope_pop(g);
    jd_result(g, "y", jd_add(g, jd_add(g, a, b), jd_param(g, "w", (jd_init){0}, JD_DIMS(1))));
}

static void scopes_with_slashes_close_as_one(void **state)
{
    (void)state;
    jd_ctx *ctx = new_ctx(1);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_scopes, NULL);
    assert_int_equal(jd_fn_run(f, NULL, 0), JD_OK);
    assert_non_null(jd_params_find(p, "level1/left/inner/w"));
    assert_non_null(jd_params_find(p, "level1/w"));
    assert_non_null(jd_params_find(p, "w"));
    assert_int_equal(jd_params_ranges(p), 3);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- errors --------------------------------------------------------------------------------------------------------------*/

static void trace_misfit(jd_graph *g, void *user)
{
    (void)user;
    jd_scope_push(g, "encoder");
    const jd_node y = jd_matmul(g, jd_arg(g, "a"), jd_arg(g, "b"), 0);
    jd_scope_pop(g);
    jd_result(g, "y", jd_tanh(g, y));
}

static void trace_typo(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_tanh(g, jd_arg(g, "imgae")));
}

static void trace_net(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), JD_NONE));
}

static void errors_name_the_place_and_the_repair(void **state)
{
    (void)state;
    float a[20] = {0};
    jd_ctx *ctx = new_ctx(1);
    jd_fn *f = jd_fn_new(ctx, NULL, trace_misfit, NULL);
    const jd_tensor in[] = {JD_TENSOR("a", JD_F32, a, 4, 5), JD_TENSOR("b", JD_F32, a, 4, 5)};
    assert_int_equal(jd_fn_run(f, in, 2), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "encoder/matmul"));
    assert_non_null(strstr(jd_error_message(ctx), "(4,5)"));
    /* Sticky until cleared; then all is well again. */
    assert_null(jd_fn_plan(f, in, 2));
    jd_error_clear(ctx);
    const jd_tensor good[] = {JD_TENSOR("a", JD_F32, a, 4, 5), JD_TENSOR("b", JD_F32, a, 5, 4)};
    assert_int_equal(jd_fn_run(f, good, 2), JD_OK);
    assert_null(jd_fn_result(f, "Y", NULL));
    assert_non_null(strstr(jd_error_message(ctx), "did you mean \"y\""));
    jd_error_clear(ctx);
    jd_fn_free(f);

    f = jd_fn_new(ctx, NULL, trace_typo, NULL);
    const jd_tensor image = JD_TENSOR("image", JD_F32, a, 4, 5);
    assert_int_equal(jd_fn_run(f, &image, 1), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "did you mean \"image\""));
    jd_error_clear(ctx);
    jd_fn_free(f);

    /* An input that nothing asks for: dropout would be off without a word. */
    int32_t number = 7;
    jd_params *p = jd_params_new(ctx, JD_F32);
    f = jd_fn_new(ctx, p, trace_net, (void *)(uintptr_t) "dense 3, dropout 0.5");
    jd_tensor x[] = {JD_TENSOR("x", JD_F32, a, 4, 5), JD_SCALAR_I32("stpe", &number)};
    assert_int_equal(jd_fn_run(f, x, 2), JD_EUSAGE);
    assert_non_null(
        strstr(jd_error_message(ctx), "input \"stpe\": the function asks for no such input; did you mean \"step\"?"));
    jd_error_clear(ctx);
    x[1].name = "step";
    assert_int_equal(jd_fn_run(f, x, 2), JD_OK);
    jd_fn_free(f);
    f = jd_fn_new(ctx, p, trace_net, (void *)(uintptr_t) "dense 3");
    assert_int_equal(jd_fn_run(f, x, 2), JD_OK); /* layers know it, whether this net has such a layer or not */
    x[1].name = "label";
    assert_int_equal(jd_fn_run(f, x, 2), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "take it out"));
    jd_error_clear(ctx);
    jd_fn_lenient(f);
    assert_int_equal(jd_fn_run(f, x, 2), JD_OK);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

typedef enum misuse {
    GRADIENT_OF_MANY,
    NO_PARAMETERS,
    NO_SUCH_AXIS,
    POP,
    PUSH,
    TWO_RESULTS,
    NO_RESULT,
    OTHER_SHAPE,
    OTHER_STATE,
    NO_INITIALISER,
    MISUSES
} misuse;

static void trace_misuse(jd_graph *g, void *user)
{
    const jd_node x = jd_arg(g, "x");
    jd_node d;
    switch (*(const misuse *)user) {
    case GRADIENT_OF_MANY: jd_grad(g, x, JD_NONE, &x, 1, &d); break;
    case NO_PARAMETERS: jd_grad_params(g, jd_sum(g, x, JD_ALL_AXES, false)); break;
    case NO_SUCH_AXIS: jd_dim(g, x, 2); break;
    case POP: jd_scope_pop(g); break;
    case PUSH:
        for (int i = 0; i < 100; i++) jd_scope_push(g, "deep");
        break;
    case TWO_RESULTS: jd_result(g, "y", x); break;
    case NO_RESULT: jd_result(g, "z", JD_NONE); break;
    case OTHER_SHAPE:
        jd_param(g, "w", (jd_init){JD_INIT_ZERO, 0, 0, 0}, JD_DIMS(2));
        jd_param(g, "w", (jd_init){JD_INIT_ZERO, 0, 0, 0}, JD_DIMS(3));
        break;
    case OTHER_STATE:
        jd_state(g, "s", JD_F32, JD_DIMS(2));
        jd_state(g, "s", JD_F32, JD_DIMS(2, 1));
        break;
    case NO_INITIALISER: jd_param(g, "v", (jd_init){(jd_init_kind)99, 0, 0, 0}, JD_DIMS(3)); break;
    default: break;
    }
    jd_result(g, "y", x);
}

static void misuse_is_named(void **state)
{
    (void)state;
    static const char *const says[MISUSES] = {"the loss has the shape (2,2)",
                                              "has no parameters",
                                              "axis 2 of a value of rank 2",
                                              "no scope is open",
                                              "64 scopes are open",
                                              "\"y\": named twice",
                                              "\"z\": the null node",
                                              "param \"w\": has the shape (2), but (3)",
                                              "state \"s\": has the shape (2), but (2,1)",
                                              "\"v\": unknown initialiser 99"};
    float x[4] = {1, 2, 3, 4};
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 2, 2);
    jd_ctx *ctx = new_ctx(1);
    for (misuse m = 0; m < MISUSES; m++) {
        jd_params *p = m == NO_PARAMETERS ? NULL : jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, p, trace_misuse, &m);
        assert_int_equal(jd_fn_run(f, &in, 1), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), says[m])) fail_msg("%s: %s", says[m], jd_error_message(ctx));
        jd_error_clear(ctx);
        if (m == NO_INITIALISER) assert_int_equal(jd_params_ranges(p), 0); /* nothing half made stays behind */
        jd_fn_free(f);
        jd_params_free(p);
    }
    assert_null(jd_params_new(ctx, JD_I32));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);

    misuse none = MISUSES;
    jd_fn *f = jd_fn_new(ctx, NULL, trace_misuse, &none);
    jd_fn_lenient(f);
    assert_null(jd_fn_result(f, "y", NULL));
    assert_non_null(strstr(jd_error_message(ctx), "has not run yet"));
    jd_error_clear(ctx);
    jd_tensor wrong[] = {in, in, in, in};
    wrong[0].type.rank = JD_MAX_RANK + 1;
    wrong[1].type.dim[1] = -1;
    wrong[2].type.dim[0] = (int64_t)INT32_MAX + 1;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jd_fn_run(f, &wrong[i], 1), JD_EUSAGE);
        assert_non_null(strstr(jd_error_message(ctx), i ? "out of range" : "rank 9"));
        jd_error_clear(ctx);
    }
    wrong[2] = in;
    assert_int_equal(jd_fn_run(f, wrong + 2, 2), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "given twice"));
    jd_error_clear(ctx);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
    assert_true(jd_fn_scalar(f, "y") == 0);
    assert_non_null(strstr(jd_error_message(ctx), "has the shape (2,2)"));
    jd_error_clear(ctx);
    assert_true(jd_fn_scalar_before(f, "y") == 0);
    assert_non_null(strstr(jd_error_message(ctx), "needs a device"));
    jd_error_clear(ctx);
    const int32_t seven = 7;
    const double half = .5;
    assert_int_equal(jd_fn_run(f, &(jd_tensor){"x", {JD_I32, 0, {0}}, &seven}, 1), JD_OK);
    assert_true(jd_fn_scalar(f, "y") == 7);
    assert_int_equal(jd_fn_run(f, &(jd_tensor){"x", {JD_F64, 1, {1}}, &half}, 1), JD_OK);
    assert_true(jd_fn_scalar(f, "y") == .5);
    /* An input that the function does not take is no error; one without data stays as it was put there. */
    const jd_tensor more[] = {{"x", {JD_F64, 1, {1}}, NULL}, JD_TENSOR("unused", JD_F32, x, 2, 2)};
    double *place = jd_plan_input(jd_fn_plan(f, more, 2), "x");
    *place = 2.5;
    assert_int_equal(jd_fn_run(f, more, 2), JD_OK);
    assert_true(jd_fn_scalar(f, "y") == 2.5);
    jd_fn_free(f);
    jd_ctx_free(ctx);
}

static void network_language_answers_with_the_nearest_word(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *says;
    } wrong[] = {{"dens 10", "did you mean \"dense\""},
                 {"dense", "a number is missing"},
                 {"dense ten", "not a usable number"},
                 {"dense 0", "at least 1"},
                 {"conv 20 4 tahn", "did you mean \"tanh\""},
                 {"lstm 20 peephole", "did you mean \"peepholes\""},
                 {"dense 10,", "a layer is missing"},
                 {"dropout 1", "must lie in [0,1)"},
                 {"", "a layer is missing"}};
    jd_ctx *ctx = new_ctx(1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(jd_net_check(ctx, wrong[i].spec), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), wrong[i].says)) fail_msg("%s: %s", wrong[i].spec, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    assert_int_equal(jd_net_check(ctx, "conv 20 4 tanh, maxpool 2, dense 150 tanh, dense 10"), JD_OK);
    assert_int_equal(jd_net_outputs(ctx, "blstm 64 projection 20, dropout 0.5"), 40);
    /* A convolution over vectors: the error comes from the shapes. */
    float x[10] = {0};
    char spec[] = "dense 5, conv 3 3";
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_net, spec);
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, 10);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "conv2"));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void trace_nan(jd_graph *g, void *user)
{
    (void)user;
    jd_scope_push(g, "bad");
    const jd_node y = jd_named(g, "quotient", jd_div(g, jd_arg(g, "a"), jd_sum(g, jd_arg(g, "b"), JD_ALL_AXES, false)));
    jd_scope_pop(g);
    jd_result(g, "y", jd_sum(g, y, JD_ALL_AXES, false));
}

static void a_nan_is_traced_to_its_instruction(void **state)
{
    (void)state;
    float a[3] = {0, 1, 2}, b[2] = {1, -1};
    jd_ctx *ctx = new_ctx(1);
    jd_fn *f = jd_fn_new(ctx, NULL, trace_nan, NULL);
    const jd_tensor in[] = {JD_TENSOR("a", JD_F32, a, 3), JD_TENSOR("b", JD_F32, b, 2)};
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    assert_int_equal(jd_plan_check_finite(jd_fn_plan(f, in, 2)), JD_EDIVERGED);
    assert_non_null(strstr(jd_error_message(ctx), "quotient"));
    jd_fn_free(f);
    jd_ctx_free(ctx);
}

/* ---- memory that runs out -------------------------------------------------------------------------------------------*/

typedef struct failing {
    long left, live;
    bool persistent;
} failing;

static void *failing_alloc(void *user, size_t bytes)
{
    failing *f = user;
    if (f->left == 0) {
        if (!f->persistent) f->left = -1;
        return NULL;
    }
    if (f->left > 0) f->left--;
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes ? bytes : 1)) return NULL;
    f->live++;
    return p;
}

static void failing_free(void *user, void *p)
{
    if (p) ((failing *)user)->live--;
    free(p);
}

/* Returns the status of a whole small training. */
static jd_status train_once(failing *m)
{
    float x[6 * 50], lr = 0.1f;
    const int32_t label[6] = {0};
    bool watched = false;
    fill(x, 6 * 50, 3);
    jd_ctx *ctx =
        jd_ctx_new(&(jd_options){.threads = 1, .alloc = failing_alloc, .free = failing_free, .alloc_user = m});
    if (!ctx) return JD_ENOMEM;
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = p ? jd_fn_new(ctx, p, trace_train, &watched) : NULL;
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 6, 50), JD_TENSOR("label", JD_I32, label, 6),
                            JD_SCALAR_F32("lr", &lr)};
    if (f) jd_fn_run(f, in, 3);
    const jd_status s = jd_error(ctx);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return s;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (long n = 0;; n++) {
            failing m = {.left = n, .persistent = persistent};
            const jd_status s = train_once(&m);
            assert_int_equal(m.live, 0);
            if (s == JD_OK) {
                assert_true(n > 10); /* it went through because nothing failed any more */
                break;
            }
            assert_int_equal(s, JD_ENOMEM);
            assert_true(n < 100000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fused_chain_has_the_same_bits),
        cmocka_unit_test(fused_sgd_has_the_same_bits),
        cmocka_unit_test(plans_are_kept_by_shape_and_follow_the_store),
        cmocka_unit_test(plans_out_of_use_are_forgotten),
        cmocka_unit_test(shared_parameters_add_their_gradients),
        cmocka_unit_test(scopes_with_slashes_close_as_one),
        cmocka_unit_test(errors_name_the_place_and_the_repair),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(network_language_answers_with_the_nearest_word),
        cmocka_unit_test(a_nan_is_traced_to_its_instruction),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
