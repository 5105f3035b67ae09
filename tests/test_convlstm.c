/* The convolutional LSTM and PyraMiD-LSTM: fast kernels against the equations, the same bits for any division of the work,
 * the receptive field, flips, one plane, the gradient through two layers, memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"
#include "recurrent_call.h"
#include "sanitized.h"

typedef struct shape {
    const char *name;
    int T, B, Y, X, N, C, k;
    bool reverse, ragged;
} shape;

static const shape cases[] = {
    {"plain", 4, 2, 5, 7, 2, 3, 3, false, false},       {"backwards", 4, 1, 6, 5, 1, 8, 3, true, false},
    {"ragged", 5, 3, 6, 9, 2, 5, 3, false, true},       {"ragged backwards", 4, 5, 7, 4, 3, 9, 5, true, true},
    {"one plane", 1, 2, 4, 4, 3, 4, 3, false, false},   {"one place", 6, 1, 1, 1, 2, 3, 7, true, false},
    {"wide", 3, 1, 19, 33, 4, 17, 3, false, false},     {"full vectors", 3, 2, 8, 21, 16, 16, 7, false, true},
    {"many samples", 3, 9, 3, 4, 1, 2, 3, true, true},  {"large planes", 3, 1, 40, 48, 2, 8, 3, false, false},
    {"four channels", 3, 2, 4, 7, 3, 4, 3, true, true},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* Inputs 0 x, 1 size, 2 W, 3 R, 4 b, 8 dy. */
static layer make(const shape *s)
{
    layer l = {.B = s->B, .T = s->T};
    uint64_t seed = (uint64_t)(s->T * 100 + s->C * 10 + s->k);
    for (int i = 0; i < 16; i++) l.type[i].rank = -1;
    const float scale = 1 / sqrtf((float)(s->k * s->k * s->C));
    fill(&l, 0, true, 1, &seed, JD_DIMS(s->T, s->B, s->Y, s->X, s->N));
    fill(&l, 2, true, .5f, &seed, JD_DIMS(4 * s->C, s->k, s->k, s->N));
    fill(&l, 3, true, scale, &seed, JD_DIMS(4 * s->C, s->k, s->k, s->C));
    fill(&l, 4, true, .5f, &seed, JD_DIMS(4 * s->C));
    fill(&l, 8, true, 1, &seed, JD_DIMS(s->T, s->B, s->Y, s->X, s->C));
    l.length = malloc((size_t)s->B * 3 * sizeof *l.length);
    const int most[3] = {s->T, s->Y, s->X};
    for (int i = 0; i < 3 * s->B; i++) {
        noise(&seed);
        /* the first is whole, some have nothing, some say more than there is */
        l.length[i] = i < 3 ? most[i] : (int32_t)((seed >> 33) % (uint64_t)(most[i % 3] + 3)) - (i % 7 == 6);
    }
    if (s->ragged) set_type(&l.type[1], JD_I32, JD_DIMS(s->B, 3));
    return l;
}

static pass run(const layer *l, const shape *s, jd_dtype real, const char *isa, int threads)
{
    pass p;
    memset(&p, 0, sizeof p);
    const jd_convlstm_attr a = {.reverse = s->reverse, .need_dx = 1};
    const jd_cpu *cpu = isa ? jd__cpu_find(isa) : NULL;
    for (int i = 0; i < 5; i++) call_input(&p.forward, i, l, i, real);
    call_prepare(&p.forward, &jd__op_convlstm, &a, 5, threads);
    call_run(&p.forward, cpu ? cpu->kernel[JD_OP_convlstm] : jd__op_convlstm.ref[real]);
    for (int i = 0; i < 5; i++) call_input(&p.back, i, l, i, real);
    for (int i = 0; i < 3; i++) {
        p.back.in[5 + i] = p.forward.out[i];
        p.back.in_type[5 + i] = p.forward.out_type[i];
    }
    call_input(&p.back, 8, l, 8, real);
    call_prepare(&p.back, &jd__op_convlstm_grad, &a, 9, threads);
    call_run(&p.back, cpu ? cpu->kernel[JD_OP_convlstm_grad] : jd__op_convlstm_grad.ref[real]);
    return p;
}

static bool have(const char *isa)
{
    return jd__cpu_find(isa) && (strcmp(isa, "avx2") || __builtin_cpu_supports("avx2")) &&
           (strcmp(isa, "avx512") || __builtin_cpu_supports("avx512f"));
}
static const char *best(void)
{
    return have("avx2") ? "avx2" : "scalar";
}

static double apart(const call *a, const call *b, int i)
{
    const size_t n = (size_t)jd__count(&a->out_type[i]);
    double most = 0, scale = 1e-30;
    for (size_t k = 0; k < n; k++) {
        const double x = (double)((const float *)a->out[i])[k], y = ((const double *)b->out[i])[k];
        if (!(fabs(x - y) <= most)) most = fabs(x - y);
        if (fabs(y) > scale) scale = fabs(y);
    }
    return most / scale;
}

static void fast_is_exact(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    for (int c = 0; c < CASES; c++) {
        layer l = make(&cases[c]);
        pass exact = run(&l, &cases[c], JD_F64, NULL, 1), fast = run(&l, &cases[c], JD_F32, best(), 1);
        pass plain = run(&l, &cases[c], JD_F32, NULL, 1);
        for (int op = 0; op < 2; op++) {
            const call *e = op ? &exact.back : &exact.forward;
            for (int i = 0; i < e->c.nout; i++)
                for (int which = 0; which < 2; which++) {
                    const pass *p = which ? &plain : &fast;
                    const double d = apart(op ? &p->back : &p->forward, e, i);
                    if (!(d <= 2e-5))
                        fail_msg("%s: %s of %s out %d: %g", cases[c].name, which ? "reference" : "fast", e->c.op->name,
                                 i, d);
                }
        }
        pass_free(&exact);
        pass_free(&fast);
        pass_free(&plain);
        layer_free(&l);
    }
}

static void same_bits_on_any_team_and_isa(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        layer l = make(&cases[c]);
        pass one = run(&l, &cases[c], JD_F32, best(), 1);
        for (int t = 1; t <= 5; t++) {
            pass many = run(&l, &cases[c], JD_F32, t == 1 ? "scalar" : t == 4 && have("avx512") ? "avx512" : best(), t);
            pass_same(&many, &one, cases[c].name);
            pass_free(&many);
        }
        pass_free(&one);
        layer_free(&l);
    }
}

/* ---- layers ---------------------------------------------------------------------------------------------------------------*/

enum { Z = 6, Y = 8, X = 9 };

typedef struct net {
    int size, planes; /* planes: a single scan upwards */
} net;

static void trace_scan(jd_graph *g, void *user)
{
    const net *n = user;
    const jd_node x = jd_arg(g, "x"); /* (1,Z,Y,X,1) */
    if (n->planes) {
        const jd_node y =
            jd_convlstm(g, "scan", jd_transpose(g, x, (int[]){1, 0, 2, 3, 4}), .units = 2, .size = n->size);
        jd_result(g, "y", y);
    } else {
        jd_result(g, "y", jd_pyramid(g, "scan", x, .units = 2, .size = n->size));
    }
}

static void forward(jd_fn *f, const float *x, float *y, size_t n)
{
    assert_int_equal(jd_fn_run(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, x, 1, Z, Y, X, 1)}, 1), JD_OK);
    const float *out = jd_fn_result(f, "y", NULL);
    assert_non_null(out);
    memcpy(y, out, n * sizeof *y);
}

/* A place of the result changes exactly when the pyramid below it holds the place that is changed. */
static void receptive_field(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    enum { N = Z * Y * X };
    static float x[N], was[N * 2], is[N * 2];
    for (int size = 3; size <= 5; size += 2)
        for (int planes = 1; planes >= 0; planes--) {
            jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
            jd_params *p = jd_params_new(ctx, JD_F32);
            net n = {size, planes};
            jd_fn *f = jd_fn_new(ctx, p, trace_scan, &n);
            const int r = size / 2;
            uint64_t seed = 9;
            for (int i = 0; i < N; i++) x[i] = noise(&seed);
            forward(f, x, was, N * 2);
            const int qz = 2, qy = 3, qx = 4;
            x[(qz * Y + qy) * X + qx] += 1;
            forward(f, x, is, N * 2);
            for (int i = 0; i < N; i++) {
                const int z = i / (Y * X), y = i / X % Y, xx = i % X;
                const int dz = abs(z - qz), dy = abs(y - qy), dx = abs(xx - qx);
                bool sees = z >= qz && dy <= r * (dz + 1) && dx <= r * (dz + 1);
                if (!planes)
                    sees = (dy <= r * (dz + 1) && dx <= r * (dz + 1)) || (dz <= r * (dy + 1) && dx <= r * (dy + 1)) ||
                           (dz <= r * (dx + 1) && dy <= r * (dx + 1));
                const bool changed = was[2 * i] != is[2 * i] || was[2 * i + 1] != is[2 * i + 1];
                if (changed != sees)
                    fail_msg("size %d, %s: place %d %d %d %s", size, planes ? "one scan" : "six scans", z, y, xx,
                             changed ? "changes but should not" : "does not change but should");
            }
            jd_fn_free(f);
            jd_params_free(p);
            jd_ctx_free(ctx);
        }
}

/* Swaps two ranges of parameters. */
static void swap(jd_params *p, const char *a, const char *b)
{
    const jd_range *ra = jd_params_find(p, a), *rb = jd_params_find(p, b);
    assert_non_null(ra);
    assert_non_null(rb);
    float *w = jd_params_data(p);
    const size_t n = (size_t)jd__count(&ra->type);
    for (size_t i = 0; i < n; i++) {
        const float t = w[ra->offset + i];
        w[ra->offset + i] = w[rb->offset + i];
        w[rb->offset + i] = t;
    }
}

/* Reverses the volume (Z,Y,X,channels) along an axis. */
static void flip(float *v, int axis, int channels)
{
    float t[Z * Y * X * 2];
    for (int i = 0; i < Z * Y * X; i++) {
        int at[3] = {i / (Y * X), i / X % Y, i % X};
        const int n[3] = {Z, Y, X};
        at[axis] = n[axis] - 1 - at[axis];
        memcpy(t + i * channels, v + ((at[0] * Y + at[1]) * X + at[2]) * channels, (size_t)channels * sizeof *t);
    }
    memcpy(v, t, (size_t)(Z * Y * X * channels) * sizeof *t);
}

/* Flipping the volume and swapping the two scans of that axis flips the result.  The windows of the scans along the other
 * axes are flipped as well, so their sums have another order. */
static void flips(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    enum { N = Z * Y * X, SIZE = 3 };
    static const char *const name[3][2] = {{"z+", "z-"}, {"y+", "y-"}, {"x+", "x-"}};
    static float x[N], was[N * 2], is[N * 2];
    for (int axis = 0; axis < 3; axis++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
        jd_params *p = jd_params_new(ctx, JD_F32);
        net n = {SIZE, 0};
        jd_fn *f = jd_fn_new(ctx, p, trace_scan, &n);
        uint64_t seed = 9;
        for (int i = 0; i < N; i++) x[i] = noise(&seed);
        forward(f, x, was, N * 2);
        for (int i = 0; i < 3; i++) {
            char a[32], b[32];
            snprintf(a, sizeof a, "scan/%s/%s", name[axis][0], (const char *const[]){"W", "R", "b"}[i]);
            snprintf(b, sizeof b, "scan/%s/%s", name[axis][1], (const char *const[]){"W", "R", "b"}[i]);
            swap(p, a, b);
        }
        float *w = jd_params_data(p);
        for (int e = 0; e < 3; e++) /* windows across axis e lie along the two other axes, in order */
            for (int s = 0; s < 2 && e != axis; s++)
                for (int i = 0; i < 2; i++) {
                    char a[32];
                    snprintf(a, sizeof a, "scan/%s/%s", name[e][s], i ? "R" : "W");
                    const jd_range *r = jd_params_find(p, a);
                    const int64_t C = r->type.dim[3];
                    const bool rows = (e == 0 ? 1 : 0) == axis; /* the first of the two others */
                    for (int64_t o = 0; o < r->type.dim[0]; o++)
                        for (int u = 0; u < SIZE; u++)
                            for (int v = 0; v < SIZE; v++) {
                                const int mu = rows ? SIZE - 1 - u : u, mv = rows ? v : SIZE - 1 - v;
                                float *q = w + r->offset + ((o * SIZE + u) * SIZE + v) * C;
                                float *m = w + r->offset + ((o * SIZE + mu) * SIZE + mv) * C;
                                for (int64_t c = 0; c < C && (rows ? u < mu : v < mv); c++) {
                                    const float t = q[c];
                                    q[c] = m[c];
                                    m[c] = t;
                                }
                            }
                }
        flip(x, axis, 1);
        forward(f, x, is, N * 2);
        flip(is, axis, 2);
        for (int i = 0; i < N * 2; i++)
            if (fabs((double)was[i] - (double)is[i]) > 2e-6)
                fail_msg("axis %d, value %d: %g %g", axis, i, (double)was[i], (double)is[i]);
        jd_fn_free(f);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
}

/* Along the axis of a single scan no window is flipped: the bits are the same. */
static void trace_reverse(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_transpose(g, jd_arg(g, "x"), (int[]){1, 0, 2, 3, 4});
    jd_result(g, "y", jd_convlstm(g, "scan", x, .units = 2, .reverse = true));
}

static void reverse_is_forward_on_the_flipped(void **state)
{
    (void)state;
    enum { N = Z * Y * X };
    static float x[N], was[N * 2], is[N * 2];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
    jd_params *p = jd_params_new(ctx, JD_F32);
    net n = {3, 1};
    jd_fn *up = jd_fn_new(ctx, p, trace_scan, &n), *down = jd_fn_new(ctx, p, trace_reverse, NULL);
    uint64_t seed = 9;
    for (int i = 0; i < N; i++) x[i] = noise(&seed);
    forward(up, x, was, N * 2);
    flip(x, 0, 1);
    forward(down, x, is, N * 2);
    flip(is, 0, 2);
    assert_memory_equal(is, was, sizeof was);
    jd_fn_free(up);
    jd_fn_free(down);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* Two layers, six directions, k = 3: the gradient of every 31st weight in float64. */
static void trace_two_layers(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_pyramid(g, "scan1", jd_arg(g, "x"), .units = 2);
    x = jd_dense(g, "mix1", x, .units = 3, .act = JD_TANH, .each = true);
    x = jd_dense(g, "out", jd_pyramid(g, "scan2", x, .units = 2), .units = 3, .each = true);
    const jd_node loss = jd_softmax_xent(g, x, jd_arg(g, "label"));
    jd_result(g, "loss", loss);
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

static void check_gradient(int z, int y, int x)
{
    double in[60 * 2];
    int32_t label[60];
    uint64_t seed = 5;
    const int n = z * y * x;
    for (int i = 0; i < 2 * n; i++) in[i] = (double)noise(&seed);
    for (int i = 0; i < n; i++) label[i] = i % 3;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 2});
    jd_params *p = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, p, trace_two_layers, NULL);
    const jd_tensor t[] = {JD_TENSOR("x", JD_F64, in, 1, z, y, x, 2), JD_TENSOR("label", JD_I32, label, 1, z, y, x)};
    assert_int_equal(jd_fn_run(f, t, 2), JD_OK);
    const size_t count = jd_params_count(p);
    double *d = malloc(count * sizeof *d), most = 0, scale = 0;
    memcpy(d, jd_fn_result(f, "gradient", NULL), count * sizeof *d);
    double *w = jd_params_data(p);
    for (size_t i = 0; i < count; i += 31) {
        const double was = w[i], h = 1e-5;
        double loss[2];
        for (int k = 0; k < 2; k++) {
            w[i] = was + (k ? h : -h);
            jd_fn_run(f, t, 2);
            loss[k] = jd_fn_scalar(f, "loss");
        }
        w[i] = was;
        most = fmax(most, fabs(d[i] - (loss[1] - loss[0]) / (2 * h)));
        scale = fmax(scale, fabs(d[i]));
    }
    if (!(most <= 1e-6 * fmax(scale, 1e-3)))
        fail_msg("%d x %d x %d: gradients differ by %g of %g", z, y, x, most, scale);
    free(d);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void gradient_through_two_layers(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    check_gradient(5, 4, 3);
    check_gradient(1, 4, 5);
}

/* ---- batches of volumes of several sizes ---------------------------------------------------------------------------------- */

static void trace_batch(jd_graph *g, void *user)
{
    const char *spec = user;
    jd_result(g, "y", jd_net(g, spec, jd_arg(g, "x"), jd_has_arg(g, "size") ? jd_arg(g, "size") : JD_NONE));
}

/* What stands outside a volume does not matter, nor do the volumes beside it. */
static void a_volume_alone_is_the_same(void **state)
{
    (void)state;
    enum { B = 3, D = 4, H = 5, W = 6, C = 2, K = 3 };
    static const int32_t size[B][3] = {{4, 5, 6}, {2, 3, 6}, {3, 5, 1}};
    char spec[] = "pyramid 4 3, dense 5 each tanh, pyramid 3 5, dense 3 each";
    float x[B][D][H][W][C], alone[D * H * W * C];
    uint64_t seed = 77;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2, .seed = 2});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_batch, spec);
    for (size_t i = 0; i < sizeof x / sizeof(float); i++) ((float *)x)[i] = noise(&seed);
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, x, B, D, H, W, C), JD_TENSOR("size", JD_I32, size, B, 3)};
    assert_int_equal(jd_fn_run(f, t, 2), JD_OK);
    float all[B][D][H][W][K];
    memcpy(all, jd_fn_result(f, "y", NULL), sizeof all);
    for (int b = 0; b < B; b++) {
        const int d = size[b][0], h = size[b][1], w = size[b][2];
        for (int i = 0; i < d * h * w; i++)
            memcpy(alone + i * C, x[b][i / (h * w)][i / w % h][i % w], C * sizeof(float));
        assert_int_equal(jd_fn_run(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, alone, 1, d, h, w, C)}, 1), JD_OK);
        const float *y = jd_fn_result(f, "y", NULL);
        for (int i = 0; i < d * h * w; i++)
            assert_memory_equal(y + i * K, all[b][i / (h * w)][i / w % h][i % w], K * sizeof(float));
    }
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* Blocks as channels, and back: the input, with zeros up to whole blocks. */
static void trace_cubes(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "blocks", jd_blocks(g, jd_arg(g, "x"), NULL, .depth = 2, .height = 2, .width = 2));
    jd_result(g, "y", jd_net(g, "cube 2, uncube 2", jd_arg(g, "x"), JD_NONE));
}

static void cubes_and_back(void **state)
{
    (void)state;
    float x[2][3][4][5][2];
    for (size_t i = 0; i < sizeof x / sizeof(float); i++) ((float *)x)[i] = (float)i + 1;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_cubes, NULL);
    assert_int_equal(jd_fn_run(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, x, 2, 3, 4, 5, 2)}, 1), JD_OK);
    jd_type t;
    const float *y = jd_fn_result(f, "y", &t), *blocks;
    const int64_t want[5] = {2, 4, 4, 6, 2};
    assert_int_equal(t.rank, 5);
    assert_memory_equal(t.dim, want, sizeof want);
    for (int i = 0; i < 2 * 4 * 4 * 6 * 2; i++) {
        const int b = i / 192, z = i / 48 % 4, yy = i / 12 % 4, xx = i / 2 % 6;
        assert_true(y[i] == (z < 3 && xx < 5 ? x[b][z][yy][xx][i % 2] : 0));
    }
    blocks = jd_fn_result(f, "blocks", &t);
    assert_int_equal(t.dim[4], 16);
    assert_true(blocks[15] == x[0][1][1][1][1]);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- memory and errors ------------------------------------------------------------------------------------------------------*/

static void trace_step(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_net(g, "pyramid 4 3, dense 6 each tanh, pyramid 4 3, dense 2 each", jd_arg(g, "x"), JD_NONE);
    jd_update_sgd(g, jd_softmax_xent(g, x, jd_arg(g, "label")), jd_arg(g, "lr"), 0);
}

static size_t arena_of(int d, int h, int w)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_step, NULL);
    const size_t n = (size_t)(d * h * w);
    float *x = calloc(n, sizeof *x), lr = 0;
    int32_t *label = calloc(n, sizeof *label);
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, x, 1, d, h, w, 1), JD_TENSOR("label", JD_I32, label, 1, d, h, w),
                           JD_SCALAR_F32("lr", &lr)};
    jd_plan *plan = jd_fn_plan(f, t, 3);
    assert_non_null(plan);
    const size_t bytes = jd_plan_describe(plan).arena_bytes;
    free(x);
    free(label);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return bytes;
}

/* Eight times the voxels take at most eight times the memory. */
static void memory_is_linear(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    const size_t small = arena_of(8, 12, 10), large = arena_of(16, 24, 20);
    if (large > 8 * small) fail_msg("%zu bytes, of twice the sides %zu", small, large);
    assert_true(large > 4 * small);
}

static void refused(const char *spec, int rank, const char *says)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    char text[64];
    snprintf(text, sizeof text, "%s", spec);
    jd_fn *f = jd_fn_new(ctx, p, trace_batch, text);
    float x[16] = {0};
    jd_tensor t = JD_TENSOR("x", JD_F32, x, 1, 2, 2, 2, 2);
    t.type.rank = rank;
    assert_int_equal(jd_fn_run(f, &t, 1), JD_EUSAGE);
    if (!strstr(jd_error_message(ctx), says)) fail_msg("\"%s\": %s", says, jd_error_message(ctx));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void errors(void **state)
{
    (void)state;
    refused("pyramid 4 4", 5, "odd side");
    refused("pyramid 4 3", 4, "rank 4");
    refused("pyramid 4", 5, "a number is missing");
    refused("uncube 3", 5, "a multiple of the cells of a block");
    refused("pyramis 4 3", 5, "did you mean \"pyramid\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fast_is_exact),
                                       cmocka_unit_test(same_bits_on_any_team_and_isa),
                                       cmocka_unit_test(receptive_field),
                                       cmocka_unit_test(flips),
                                       cmocka_unit_test(reverse_is_forward_on_the_flipped),
                                       cmocka_unit_test(gradient_through_two_layers),
                                       cmocka_unit_test(a_volume_alone_is_the_same),
                                       cmocka_unit_test(cubes_and_back),
                                       cmocka_unit_test(memory_is_linear),
                                       cmocka_unit_test(errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
