/* The layers around the LSTM in several dimensions: blocks, sums over the height, initial biases, one dimension beside
 * jd_lstm, the words of the network language, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"

static void fill(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)((double)(seed >> 40) / 8388608.0 - 1);
    }
}

static jd_ctx *new_ctx(void)
{
    return jd_ctx_new(&(jd_options){.threads = 1});
}

/* ---- blocks -----------------------------------------------------------------------------------------------------------------*/
typedef struct blocking {
    int n;
    int64_t dim[3], block[3];
} blocking;

static void trace_blocks(jd_graph *g, void *user)
{
    const blocking *b = user;
    jd_blocks_options o = {.width = (int)b->block[b->n - 1]};
    if (b->n > 1) o.height = (int)b->block[b->n - 2];
    if (b->n > 2) o.depth = (int)b->block[0];
    jd_node size = jd_arg(g, "size");
    jd_result(g, "y", jd_blocks_opt(g, jd_arg(g, "x"), &size, o));
    jd_result(g, "size", size);
    jd_result(g, "bare", jd_blocks_opt(g, jd_arg(g, "x"), NULL, o));
}

static void blocks_become_channels(void **state)
{
    (void)state;
    static const blocking cases[] = {
        {1, {7}, {3}}, {2, {5, 7}, {2, 3}}, {2, {4, 6}, {2, 3}}, {2, {3, 5}, {4, 1}}, {3, {3, 4, 5}, {2, 2, 3}}};
    enum { B = 4, C = 2 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        blocking k = cases[c];
        int64_t d[3] = {1, 1, 1}, s[3] = {1, 1, 1}, blocks[3];
        for (int e = 0; e < k.n; e++) {
            d[3 - k.n + e] = k.dim[e];
            s[3 - k.n + e] = k.block[e];
        }
        for (int e = 0; e < 3; e++) blocks[e] = (d[e] + s[e] - 1) / s[e];
        const size_t points = (size_t)(d[0] * d[1] * d[2]), width = (size_t)(s[0] * s[1] * s[2]) * C;
        float *x = malloc(B * points * C * sizeof *x);
        fill(x, B * points * C, c);
        int32_t size[B * 3];
        for (int b = 0; b < B; b++)
            for (int e = 0; e < k.n; e++)
                size[b * k.n + e] = (int32_t)(b == 0 ? k.dim[e] : (5 * b + 2 * e) % (k.dim[e] + 1));
        jd_tensor in[2] = {{"x", {JD_F32, k.n + 2, {B}}, x}, {"size", {JD_I32, 2, {B, k.n}}, size}};
        for (int e = 0; e < k.n; e++) in[0].type.dim[1 + e] = k.dim[e];
        in[0].type.dim[k.n + 1] = C;
        jd_ctx *ctx = new_ctx();
        jd_fn *f = jd_fn_new(ctx, NULL, trace_blocks, &k);
        assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
        jd_type type;
        const float *y = jd_fn_result(f, "y", &type);
        assert_int_equal(type.rank, k.n + 2);
        for (int e = 0; e < k.n; e++) assert_int_equal(type.dim[1 + e], blocks[3 - k.n + e]);
        assert_int_equal(type.dim[k.n + 1], width);
        for (int64_t b = 0, at = 0; b < B; b++)
            for (int64_t p = 0; p < blocks[0] * blocks[1] * blocks[2]; p++)
                for (int64_t q = 0; q < s[0] * s[1] * s[2]; q++)
                    for (int64_t ch = 0; ch < C; ch++, at++) {
                        const int64_t i = p / blocks[2] / blocks[1] * s[0] + q / s[2] / s[1],
                                      j = p / blocks[2] % blocks[1] * s[1] + q / s[2] % s[1],
                                      l = p % blocks[2] * s[2] + q % s[2];
                        const bool in_it = i < d[0] && j < d[1] && l < d[2];
                        const float want = in_it ? x[(((b * d[0] + i) * d[1] + j) * d[2] + l) * C + ch] : 0;
                        assert_true(y[at] == want);
                    }
        const size_t bytes = B * (size_t)(blocks[0] * blocks[1] * blocks[2]) * width * sizeof(float);
        assert_memory_equal(y, jd_fn_result(f, "bare", NULL), bytes);
        const int32_t *got = jd_fn_result(f, "size", &type);
        assert_int_equal(type.dtype, JD_I32);
        for (int i = 0; i < B * k.n; i++) assert_int_equal(got[i], (size[i] + k.block[i % k.n] - 1) / k.block[i % k.n]);
        jd_fn_free(f);
        jd_ctx_free(ctx);
        free(x);
    }
}

/* ---- collapse, sum of directions, dense at every point -----------------------------------------------------------------------*/
enum { IB = 2, IH = 4, IW = 6, IC = 3, UNITS = 5 };

static void trace_image(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x");
    jd_result(g, "line", jd_collapse(g, x));
    jd_result(g, "apart", jd_mdlstm(g, "scan", x, .units = UNITS, .peepholes = true, .directions = 11));
    jd_result(g, "sum", jd_mdlstm(g, "scan", x, .units = UNITS, .peepholes = true, .directions = 11, .sum = true));
    jd_result(g, "each", jd_dense(g, "map", x, .units = UNITS, .each = true));
    jd_result(g, "flat", jd_dense(g, "map", jd_reshape(g, x, JD_DIMS(IB * IH * IW, IC)), .units = UNITS));
}

static void layers_of_images(void **state)
{
    (void)state;
    enum { POINTS = IB * IH * IW };
    float x[POINTS * IC];
    fill(x, POINTS * IC, 3);
    jd_ctx *ctx = new_ctx();
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_image, NULL);
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, IB, IH, IW, IC);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
    jd_type type;
    const float *line = jd_fn_result(f, "line", &type);
    assert_int_equal(type.rank, 3);
    assert_true(type.dim[0] == IW && type.dim[1] == IB && type.dim[2] == IC);
    for (int j = 0; j < IW; j++)
        for (int b = 0; b < IB; b++)
            for (int c = 0; c < IC; c++) {
                double want = 0;
                for (int i = 0; i < IH; i++) want += x[((b * IH + i) * IW + j) * IC + c];
                assert_true(fabs(line[(j * IB + b) * IC + c] - want) < 1e-5);
            }
    const float *apart = jd_fn_result(f, "apart", &type);
    assert_true(type.rank == 4 && type.dim[3] == 3 * UNITS);
    const float *sum = jd_fn_result(f, "sum", &type);
    assert_true(type.rank == 4 && type.dim[1] == IH && type.dim[2] == IW && type.dim[3] == UNITS);
    for (int i = 0; i < POINTS; i++)
        for (int u = 0; u < UNITS; u++) {
            const float *a = apart + i * 3 * UNITS + u;
            assert_true(fabs((double)a[0] + a[UNITS] + a[2 * UNITS] - sum[i * UNITS + u]) < 1e-6);
            assert_true(a[0] != a[UNITS] && fabsf(a[0]) <= 1);
        }
    const float *each = jd_fn_result(f, "each", &type);
    assert_true(type.rank == 4 && type.dim[0] == IB && type.dim[2] == IW && type.dim[3] == UNITS);
    assert_memory_equal(each, jd_fn_result(f, "flat", NULL), POINTS * UNITS * sizeof(float));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- biases, one dimension beside jd_lstm -------------------------------------------------------------------------------------*/
static void trace_scan(jd_graph *g, void *user)
{
    const double *forget = user;
    jd_result(g, "y", jd_mdlstm(g, "scan", jd_arg(g, "x"), .units = UNITS, .directions = 1, .forget_bias = *forget));
}

/* The forget gates of all dimensions start with the sum 1, or with the bias asked for; the other gates with bias 0. */
static void forget_gates_share_the_cell(void **state)
{
    (void)state;
    float x[16] = {0};
    for (int n = 1; n <= 3; n++)
        for (int given = 0; given < 2; given++) {
            double forget = given ? 2.5 : 0;
            jd_ctx *ctx = new_ctx();
            jd_params *p = jd_params_new(ctx, JD_F32);
            jd_fn *f = jd_fn_new(ctx, p, trace_scan, &forget);
            jd_tensor in = {"x", {JD_F32, n + 2, {2, 2, 2, 2, 1}}, x};
            in.type.dim[n + 1] = 1;
            assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
            const float *b = jd_params_get(p, "scan/b");
            assert_non_null(b);
            for (int k = 0; k < n + 3; k++)
                for (int u = 0; u < UNITS; u++) {
                    const float got = b[k * UNITS + u];
                    const double open = 1 / (1 + exp(-(double)got));
                    if (k < 1 || k > n)
                        assert_true(got == 0);
                    else if (given || n == 1)
                        assert_true(got == (given ? 2.5f : 1));
                    else
                        assert_true(fabs(n * open - 1) < 1e-6);
                }
            jd_fn_free(f);
            jd_params_free(p);
            jd_ctx_free(ctx);
        }
}

static void trace_both(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x"), length = jd_arg(g, "length");
    jd_result(g, "md", jd_mdlstm(g, "md", x, .units = UNITS, .directions = 1, .size = length, .peepholes = true));
    jd_result(g, "lstm", jd_lstm(g, "lstm", x, .units = UNITS, .length = length, .peepholes = true));
}

static void sequences_run_as_in_lstm(void **state)
{
    (void)state;
    enum { T = 7, B = 3, N = 4 };
    float x[T * B * N];
    const int32_t length[B] = {7, 0, 4};
    fill(x, T * B * N, 8);
    jd_ctx *ctx = new_ctx();
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_both, NULL);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, T, B, N), JD_TENSOR("length", JD_I32, length, B)};
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    static const char *const names[4][2] = {
        {"md/W", "lstm/W"}, {"md/R", "lstm/R"}, {"md/b", "lstm/b"}, {"md/peep", "lstm/peep"}};
    for (int i = 0; i < 4; i++) {
        const jd_range *a = jd_params_find(p, names[i][0]), *b = jd_params_find(p, names[i][1]);
        assert_true(a && b);
        size_t n = 1;
        for (int e = 0; e < b->type.rank; e++) n *= (size_t)b->type.dim[e];
        fill(jd_params_get(p, names[i][1]), n, (uint64_t)i);
        memcpy(jd_params_get(p, names[i][0]), jd_params_get(p, names[i][1]), n * sizeof(float));
    }
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    assert_memory_equal(jd_fn_result(f, "md", NULL), jd_fn_result(f, "lstm", NULL), T * B * UNITS * sizeof(float));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- the network language ------------------------------------------------------------------------------------------------------*/
static void trace_net(jd_graph *g, void *user)
{
    jd_node y = jd_net(g, user, jd_arg(g, "x"), JD_NONE);
    jd_result(g, "y", y);
    if (!y.id) return;
    jd_node loss = jd_mean(g, jd_square(g, jd_sub(g, y, jd_arg(g, "t"))), JD_ALL_AXES, false);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = 0.9);
    jd_result(g, "loss", loss);
}

static void a_net_of_scans_learns(void **state)
{
    (void)state;
    enum { H = 7, W = 11 };
    char spec[] = "block 2 3, mdlstm 3 peepholes, dense 4 each tanh, mdlstm 5 sum forget 0.5 clip 1, collapse, dense 2";
    float x[2 * H * W], t[4 * 2 * 2], lr = 0.1f;
    fill(x, 2 * H * W, 1);
    fill(t, 4 * 2 * 2, 2);
    jd_ctx *ctx = new_ctx();
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_net, spec);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 2, H, W, 1), JD_TENSOR("t", JD_F32, t, 4, 2, 2),
                            JD_SCALAR_F32("lr", &lr)};
    double first = 0;
    for (int s = 0; s < 200; s++) {
        if (jd_fn_run(f, in, 3)) fail_msg("%s", jd_error_message(ctx));
        if (!s) first = jd_fn_scalar(f, "loss");
    }
    const double last = jd_fn_scalar(f, "loss");
    if (!(last < 0.8 * first)) fail_msg("loss %g, at first %g", last, first);
    /* scans of 3 and 5 cells, 4 directions of 5 gates; the first with peepholes */
    const size_t want = 4 * 15 * (6 + 6 + 1) + 4 * 12 + 12 * 4 + 4 + 4 * 25 * (4 + 10 + 1) + 5 * 2 + 2;
    assert_int_equal(jd_params_count(p), want);
    assert_non_null(jd_params_find(p, "mdlstm2/peep"));
    assert_null(jd_params_find(p, "mdlstm4/peep"));
    assert_int_equal(jd_net_outputs(ctx, spec), 2);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- what is refused -------------------------------------------------------------------------------------------------------------*/
static void trace_sized(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), jd_has_arg(g, "size") ? jd_arg(g, "size") : JD_NONE));
}

/* Pictures of different sizes in one batch give bit for bit what each gives alone, through every word that knows sizes. */
static void a_net_of_sized_pictures(void **state)
{
    (void)state;
    enum { B = 3, H = 6, W = 11, K = 3 };
    static const int32_t size[B][2] = {{6, 11}, {5, 4}, {6, 7}};
    char spec[] = "block 2 2, mdlstm 2 peepholes, block 2 1, dense 4 tanh each, mdlstm 3, collapse, blstm 2, dense 3";
    static float x[B][H][W], alone[H * W];
    fill(&x[0][0][0], B * H * W, 5);
    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++)
            for (int w = 0; w < W; w++)
                if (h >= size[b][0] || w >= size[b][1]) x[b][h][w] = 0;
    jd_ctx *ctx = new_ctx();
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_sized, spec);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, &x[0][0][0], B, H, W, 1),
                            {"size", {JD_I32, 2, {B, 2}}, (void *)size}};
    if (jd_fn_run(f, in, 2)) fail_msg("%s", jd_error_message(ctx));
    jd_type type;
    const float *y = jd_fn_result(f, "y", &type);
    assert_int_equal(type.dim[0], (W + 1) / 2);
    float *all = malloc((size_t)type.dim[0] * B * K * sizeof *all);
    memcpy(all, y, (size_t)type.dim[0] * B * K * sizeof *all);
    for (int b = 0; b < B; b++) {
        const int h = size[b][0], w = size[b][1];
        for (int i = 0; i < h * w; i++) alone[i] = x[b][i / w][i % w];
        const jd_tensor one = JD_TENSOR("x", JD_F32, alone, 1, h, w, 1);
        if (jd_fn_run(f, &one, 1)) fail_msg("%s", jd_error_message(ctx));
        y = jd_fn_result(f, "y", &type);
        assert_int_equal(type.dim[0], (w + 1) / 2);
        for (int t = 0; t < type.dim[0]; t++) assert_memory_equal(all + (t * B + b) * K, y + t * K, K * sizeof(float));
    }
    free(all);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void trace_too_many(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_mdlstm(g, "scan", jd_arg(g, "x"), .units = 2, .directions = 16));
}

static void trace_twice(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_arg(g, "x"), d, dd;
    const jd_node y = jd_mdlstm(g, "scan", x, .units = 2, .clip = 1);
    jd_grad(g, jd_sum(g, y, JD_ALL_AXES, false), JD_NONE, &x, 1, &d);
    jd_grad(g, jd_sum(g, jd_square(g, d), JD_ALL_AXES, false), JD_NONE, &x, 1, &dd);
    jd_result(g, "y", dd);
}

static void trace_spec(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), JD_NONE));
}

static void misfits_are_named(void **state)
{
    (void)state;
    static const struct {
        jd_trace *trace;
        const char *spec, *says;
        int rank;
    } wrong[] = {{trace_too_many, "", "directions 0x10", 4},
                 {trace_twice, "", "no second derivative", 4},
                 {trace_spec, "mdlstm 3", "has rank 2", 2},
                 {trace_spec, "block 2 2", "has rank 2", 2},
                 {trace_spec, "collapse", "has rank 3", 3}};
    float x[16] = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char spec[32];
        memcpy(spec, wrong[i].spec, strlen(wrong[i].spec) + 1);
        jd_ctx *ctx = new_ctx();
        jd_params *p = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, p, wrong[i].trace, spec);
        const jd_tensor in = {"x", {JD_F32, wrong[i].rank, {2, 2, 2, 2}}, x};
        assert_int_equal(jd_fn_run(f, &in, 1), JD_EUSAGE);
        if (!strstr(jd_error_message(ctx), wrong[i].says)) fail_msg("%zu: %s", i, jd_error_message(ctx));
        jd_fn_free(f);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_become_channels),      cmocka_unit_test(layers_of_images),
        cmocka_unit_test(forget_gates_share_the_cell), cmocka_unit_test(sequences_run_as_in_lstm),
        cmocka_unit_test(a_net_of_scans_learns),       cmocka_unit_test(a_net_of_sized_pictures),
        cmocka_unit_test(misfits_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
