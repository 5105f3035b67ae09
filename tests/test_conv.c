/* test_conv.c - conv2d, conv2d_dx, conv2d_dw: against sums in double, the same bits everywhere, and what conv2d ends with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "base/mathf.h"
#include "call.h"
#include "ops/conv.h"

typedef struct shape {
    int64_t B, H, W, I, O, kh, kw;
    int stride, pad;
} shape;

static const shape shapes[] = {
    {2, 9, 8, 3, 20, 4, 3, 1, 0},   {1, 29, 29, 1, 20, 4, 4, 1, 0}, {3, 13, 13, 20, 40, 5, 5, 1, 0},
    {9, 7, 7, 5, 33, 3, 3, 1, 1},   {2, 6, 6, 1, 1, 1, 1, 1, 0},    {2, 11, 7, 2, 5, 3, 2, 2, 1},
    {5, 16, 16, 1, 12, 5, 5, 2, 1}, {1, 5, 5, 17, 9, 5, 5, 1, 0},   {3, 4, 5, 7, 50, 2, 2, 1, 3},
    {2, 8, 9, 4, 8, 2, 1, 3, 0},    {4, 9, 9, 30, 25, 4, 4, 1, 0},  {2, 10, 10, 3, 6, 1, 2, 3, 2},
    {1, 1, 1, 300, 7, 1, 1, 1, 0},  {17, 3, 3, 2, 4, 3, 3, 1, 2},   {1, 12, 12, 48, 70, 5, 4, 1, 2},
    {2, 5, 150, 3, 32, 3, 3, 1, 1}, {3, 9, 9, 8, 16, 3, 3, 2, 1},   {0, 5, 5, 2, 3, 2, 2, 1, 0},
    {33, 9, 10, 6, 20, 4, 3, 1, 1}, {16, 11, 11, 1, 6, 5, 5, 1, 2}, {18, 7, 8, 7, 24, 3, 3, 1, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef enum pass { FWD, DX, DW, PASSES } pass;
static const jd_opcode opcode[PASSES] = {JD_OP_conv2d, JD_OP_conv2d_dx, JD_OP_conv2d_dw};

typedef struct problem {
    shape s;
    int64_t oh, ow, nx, nw, ny;
    float *x, *w, *dy;
} problem;

/* Small integers make every sum exact; `real`: numbers whose sums round. */
static void fill(float *p, int64_t n, uint64_t seed, bool real)
{
    jd_rng r = jd_rng_new(seed, "conv", 0);
    for (int64_t i = 0; i < n; i++) p[i] = real ? (float)jd_rng_normal(&r) : (float)((int)jd_rng_below(&r, 9) - 4);
}

static problem make(const shape *s, bool real)
{
    problem p = {.s = *s};
    p.oh = jd__conv_size(s->H, s->kh, s->stride, s->pad);
    p.ow = jd__conv_size(s->W, s->kw, s->stride, s->pad);
    p.nx = s->B * s->H * s->W * s->I;
    p.nw = s->O * s->kh * s->kw * s->I;
    p.ny = s->B * p.oh * p.ow * s->O;
    p.x = aligned((size_t)p.nx * 4);
    p.w = aligned((size_t)p.nw * 4);
    p.dy = aligned((size_t)p.ny * 4);
    fill(p.x, p.nx, 1, real);
    fill(p.w, p.nw, 2, real);
    fill(p.dy, p.ny, 3, real);
    return p;
}

static void drop(problem *p)
{
    free(p->x);
    free(p->w);
    free(p->dy);
}

static int64_t result_count(const problem *p, pass k)
{
    return k == FWD ? p->ny : k == DX ? p->nx : p->nw;
}

/* The three sums in one loop over the form dy x w. */
static void naive(const problem *p, pass pass_, double *out)
{
    const shape *s = &p->s;
    memset(out, 0, (size_t)result_count(p, pass_) * sizeof *out);
    for (int64_t b = 0; b < s->B; b++)
        for (int64_t y = 0; y < p->oh; y++)
            for (int64_t x = 0; x < p->ow; x++)
                for (int64_t u = 0; u < s->kh; u++)
                    for (int64_t v = 0; v < s->kw; v++) {
                        const int64_t iy = y * s->stride - s->pad + u, ix = x * s->stride - s->pad + v;
                        if (iy < 0 || iy >= s->H || ix < 0 || ix >= s->W) continue;
                        for (int64_t o = 0; o < s->O; o++)
                            for (int64_t i = 0; i < s->I; i++) {
                                const int64_t ex = ((b * s->H + iy) * s->W + ix) * s->I + i;
                                const int64_t ew = ((o * s->kh + u) * s->kw + v) * s->I + i;
                                const int64_t ey = ((b * p->oh + y) * p->ow + x) * s->O + o;
                                if (pass_ == FWD) out[ey] += (double)p->x[ex] * p->w[ew];
                                if (pass_ == DX) out[ex] += (double)p->dy[ey] * p->w[ew];
                                if (pass_ == DW) out[ew] += (double)p->dy[ey] * p->x[ex];
                            }
                    }
}

static void run(const problem *p, pass k, const jd_cpu *cpu, int threads, float *out)
{
    const shape *s = &p->s;
    const jd_dims dx = JD_DIMS(s->B, s->H, s->W, s->I), dw = JD_DIMS(s->O, s->kh, s->kw, s->I);
    const jd_dims dy = JD_DIMS(s->B, p->oh, p->ow, s->O);
    const jd_conv_attr a = {.stride = s->stride,
                            .pad = s->pad,
                            .h = (int32_t)(k == DX ? s->H : s->kh),
                            .w = (int32_t)(k == DX ? s->W : s->kw)};
    call c;
    call_init(&c, opcode[k], &a);
    call_in(&c, JD_F32, k == FWD ? dx : dy, k == FWD ? p->x : p->dy);
    call_in(&c, JD_F32, k == DW ? dx : dw, k == DW ? p->x : p->w);
    call_out(&c, JD_F32, k == FWD ? dy : k == DX ? dx : dw, out);
    memset(out, 0xFF, (size_t)result_count(p, k) * sizeof *out);
    jd_kernel *kernel = cpu ? cpu->kernel[opcode[k]] : c.c.op->ref[JD_F32];
    assert_non_null(kernel);
    call_run(&c, kernel, threads);
}

static void integers_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        problem p = make(&shapes[i], false);
        for (pass k = 0; k < PASSES; k++) {
            const int64_t n = result_count(&p, k);
            double *want = aligned((size_t)n * 8);
            float *got = aligned((size_t)n * 4);
            naive(&p, k, want);
            for (int isa = -1; isa < 3; isa++) {
                const jd_cpu *cpu = isa < 0 ? NULL : call_isa(isa);
                if (isa >= 0 && !cpu) continue;
                run(&p, k, cpu, 1, got);
                for (int64_t e = 0; e < n; e++)
                    if ((double)got[e] != want[e])
                        fail_msg("shape %d pass %d isa %d element %lld: %g, not %g", i, (int)k, isa, (long long)e,
                                 (double)got[e], want[e]);
            }
            free(want);
            free(got);
        }
        drop(&p);
    }
}

static void same_bits_on_threads_and_isas(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7};
    for (int i = 0; i < SHAPES; i++) {
        problem p = make(&shapes[i], true);
        for (pass k = 0; k < PASSES; k++) {
            const int64_t n = result_count(&p, k);
            float *want = aligned((size_t)n * 4), *got = aligned((size_t)n * 4);
            run(&p, k, call_isa(0), 1, want);
            for (int isa = 0; isa < 3; isa++)
                for (int t = 0; t < 4 && call_isa(isa); t++) {
                    run(&p, k, call_isa(isa), threads[t], got);
                    if (memcmp(want, got, (size_t)n * 4))
                        fail_msg("shape %d pass %d isa %d: other bits on %d threads", i, (int)k, isa, threads[t]);
                }
            /* The chains of the result and of the image gradient are the reference's too. */
            run(&p, k, NULL, 2, got);
            if (k != DW) assert_memory_equal(want, got, (size_t)n * 4);
            free(want);
            free(got);
        }
        drop(&p);
    }
}

/* Sample b of a batch has the bits it has alone. */
static void same_bits_in_any_batch(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        problem p = make(&shapes[i], true);
        for (pass k = FWD; k <= DX; k++)
            for (int isa = 0; isa < 3; isa++) {
                if (!call_isa(isa) || p.s.B < 2) continue;
                const int64_t n = result_count(&p, k), each = n / p.s.B, last = p.s.B - 1;
                float *all = aligned((size_t)n * 4), *one = aligned((size_t)each * 4);
                run(&p, k, call_isa(isa), 2, all);
                problem q = p;
                q.s.B = 1;
                q.x += last * (p.nx / p.s.B);
                q.dy += last * (p.ny / p.s.B);
                q.nx /= p.s.B;
                q.ny /= p.s.B;
                run(&q, k, call_isa(isa), 1, one);
                assert_memory_equal(all + last * each, one, (size_t)each * 4);
                free(all);
                free(one);
            }
        drop(&p);
    }
}

/* ---- pooling, bias and squashing within conv2d ----------------------------------------------------------------------*/

typedef struct ending {
    int pool;
    bool ceil, bias;
    jd_act act;
} ending;

static const ending endings[] = {{0, false, true, JD_ACT_NONE},    {0, false, true, JD_ACT_TANH},
                                 {0, false, false, JD_ACT_RELU},   {2, false, false, JD_ACT_NONE},
                                 {2, true, true, JD_ACT_RELU},     {2, false, true, JD_ACT_TANH},
                                 {3, true, false, JD_ACT_SIGMOID}, {3, false, true, JD_ACT_RELU},
                                 {5, true, true, JD_ACT_TANH},     {0, false, true, JD_ACT_SIGMOID}};
enum { ENDINGS = sizeof endings / sizeof *endings };

static int64_t pooled_size(int64_t n, const ending *e)
{
    return e->pool ? jd__pool_size(n, &(jd_pool_attr){.size = e->pool, .stride = e->pool, .ceil = e->ceil}) : n;
}

static float squashed(jd_act act, float x)
{
    return act == JD_ACT_TANH      ? jd__tanhf(x)
           : act == JD_ACT_SIGMOID ? jd__sigmoidf(x)
           : act == JD_ACT_RELU    ? (x > 0 ? x : 0)
                                   : x;
}

/* One step after the other, from the convolution's own results y. */
static void end_apart(const problem *p, const ending *e, const float *y, float *out, int32_t *winner)
{
    const int64_t O = p->s.O, ph = pooled_size(p->oh, e), pw = pooled_size(p->ow, e), size = e->pool ? e->pool : 1;
    for (int64_t k = 0; k < p->s.B * ph * pw * O; k++) {
        const int64_t o = k % O, x0 = k / O % pw * size, y0 = k / (O * pw) % ph * size, b = k / (O * pw * ph);
        float best = y[((b * p->oh + y0) * p->ow + x0) * O + o];
        int32_t at = 0;
        for (int64_t c = 1; c < size * size; c++) {
            if (y0 + c / size >= p->oh || x0 + c % size >= p->ow) continue;
            const float t = y[((b * p->oh + y0 + c / size) * p->ow + x0 + c % size) * O + o];
            if (t > best || t != t) best = t, at = (int32_t)c;
        }
        winner[k] = at;
        out[k] = squashed(e->act, e->bias ? best + p->w[o] : best);
    }
}

static void run_ending(const problem *p, const ending *e, const jd_cpu *cpu, int threads, bool winners, float *out,
                       int32_t *winner)
{
    const shape *s = &p->s;
    const jd_dims dy = JD_DIMS(s->B, pooled_size(p->oh, e), pooled_size(p->ow, e), s->O);
    const jd_conv_attr a = {.stride = s->stride, .pad = s->pad, .pool = e->pool, .act = (uint8_t)e->act};
    call c;
    call_init(&c, JD_OP_conv2d, &a);
    call_in(&c, JD_F32, JD_DIMS(s->B, s->H, s->W, s->I), p->x);
    call_in(&c, JD_F32, JD_DIMS(s->O, s->kh, s->kw, s->I), p->w);
    if (e->bias)
        call_in(&c, JD_F32, JD_DIMS(s->O), p->w);
    else
        call_none(&c);
    call_out(&c, JD_F32, dy, out);
    if (winners) call_out(&c, JD_I32, dy, winner);
    call_run(&c, cpu ? cpu->kernel[JD_OP_conv2d] : c.c.op->ref[JD_F32], threads);
}

static void ends_as_if_apart(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES * ENDINGS; i++) {
        const ending *e = &endings[i % ENDINGS];
        problem p = make(&shapes[i / ENDINGS], true);
        const int64_t n = p.s.B * pooled_size(p.oh, e) * pooled_size(p.ow, e) * p.s.O;
        const size_t bytes = (size_t)n * 4;
        if (p.ny > 4) p.x[p.nx / 2] = NAN;
        float *y = aligned((size_t)p.ny * 4), *want = aligned(bytes), *got = aligned(bytes);
        int32_t *winner = aligned(bytes), *won = aligned(bytes);
        run(&p, FWD, NULL, 1, y);
        if (n) end_apart(&p, e, y, want, winner);
        for (int isa = -1; isa < 3 && n; isa++)
            for (int threads = 1; threads < 4 && (isa < 0 || call_isa(isa)); threads++) {
                const bool winners = e->pool && threads != 2;
                memset(got, 0xFF, bytes);
                memset(won, 0xFF, bytes);
                run_ending(&p, e, isa < 0 ? NULL : call_isa(isa), threads, winners, got, won);
                for (int64_t k = 0; k < n; k++)
                    if (memcmp(got + k, want + k, 4) && (got[k] == got[k] || want[k] == want[k]))
                        fail_msg("shape %d ending %d isa %d: %g, not %g at %lld", i / ENDINGS, i % ENDINGS, isa,
                                 (double)got[k], (double)want[k], (long long)k);
                if (winners) assert_memory_equal(won, winner, bytes);
            }
        free(y);
        free(want);
        free(got);
        free(winner);
        free(won);
        drop(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(same_bits_on_threads_and_isas),
        cmocka_unit_test(same_bits_in_any_batch),
        cmocka_unit_test(ends_as_if_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
