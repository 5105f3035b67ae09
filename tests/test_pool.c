/* test_pool.c - the pooling ops: against plain loops, and the same bits on every instruction set and thread count. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>

#include "call.h"
#include "ops/conv.h"

typedef struct shape {
    int64_t B, H, W, C;
    jd_pool_attr a;
} shape;

static const shape shapes[] = {
    {2, 6, 6, 20, {.size = 2, .stride = 2}},
    {3, 9, 9, 40, {.size = 3, .stride = 3}},
    {1, 7, 5, 1, {.size = 2, .stride = 2}},
    {2, 7, 5, 3, {.size = 2, .stride = 2, .ceil = 1}},
    {2, 8, 9, 13, {.size = 3, .stride = 2}},
    {2, 8, 9, 33, {.size = 3, .stride = 2, .ceil = 1}},
    {1, 3, 3, 250, {.size = 5, .stride = 5, .ceil = 1}},
    {2, 10, 7, 4, {.size = 2, .stride = 3}},
    {2, 10, 7, 5, {.size = 2, .stride = 4, .ceil = 1}},
    {1, 4, 4, 16, {.size = 1, .stride = 1}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const jd_opcode ops[] = {JD_OP_maxpool, JD_OP_unpool, JD_OP_pool_gather, JD_OP_avgpool, JD_OP_avgpool_dx};
enum { OPS = sizeof ops / sizeof *ops };

typedef struct buffers {
    float *x, *dy, *out;
    int32_t *winner, *index; /* index: what maxpool writes */
    jd_dims big, small;
    int64_t nbig, nsmall;
    jd_pool_attr a;
} buffers;

static buffers make(const shape *s)
{
    buffers b = {.a = s->a};
    b.a.h = (int32_t)s->H;
    b.a.w = (int32_t)s->W;
    b.big = JD_DIMS(s->B, s->H, s->W, s->C);
    b.small = JD_DIMS(s->B, jd__pool_size(s->H, &s->a), jd__pool_size(s->W, &s->a), s->C);
    b.nbig = s->B * s->H * s->W * s->C;
    b.nsmall = s->B * b.small.dim[1] * b.small.dim[2] * s->C;
    b.x = aligned((size_t)b.nbig * 4);
    b.out = aligned((size_t)(b.nbig > b.nsmall ? b.nbig : b.nsmall) * 4);
    b.dy = aligned((size_t)b.nsmall * 4);
    b.winner = aligned((size_t)b.nsmall * 4);
    b.index = aligned((size_t)b.nsmall * 4);
    jd_rng r = jd_rng_new(7, "pool", 0);
    for (int64_t i = 0; i < b.nbig; i++) b.x[i] = (float)((int)jd_rng_below(&r, 7) - 5); /* many ties */
    for (int64_t i = 0; i < b.nsmall; i++) b.dy[i] = (float)jd_rng_normal(&r);
    return b;
}

static void drop(buffers *b)
{
    free(b->x);
    free(b->out);
    free(b->dy);
    free(b->winner);
    free(b->index);
}

static bool is_small(jd_opcode op)
{
    return op == JD_OP_maxpool || op == JD_OP_pool_gather || op == JD_OP_avgpool;
}

/* Runs op into b->out (and b->index); false where there is no fast kernel. */
static bool run(buffers *b, jd_opcode op, const jd_cpu *cpu, int threads)
{
    call c;
    call_init(&c, op, &b->a);
    const bool from_big = is_small(op);
    call_in(&c, JD_F32, from_big ? b->big : b->small, from_big ? b->x : b->dy);
    if (op == JD_OP_unpool || op == JD_OP_pool_gather) call_in(&c, JD_I32, b->small, b->winner);
    call_out(&c, JD_F32, from_big ? b->small : b->big, b->out);
    if (op == JD_OP_maxpool) call_out(&c, JD_I32, b->small, b->index);
    jd_kernel *kernel = cpu ? cpu->kernel[op] : c.c.op->ref[JD_F32];
    if (!kernel) return false;
    memset(b->out, 0xFF, (size_t)(from_big ? b->nsmall : b->nbig) * 4);
    call_run(&c, kernel, threads);
    return true;
}

/* The definition, element by element, in double; maxpool also fills b->winner. */
static void naive(buffers *b, jd_opcode op, double *out)
{
    const int64_t H = b->big.dim[1], W = b->big.dim[2], C = b->big.dim[3], oh = b->small.dim[1], ow = b->small.dim[2];
    memset(out, 0, (size_t)(is_small(op) ? b->nsmall : b->nbig) * sizeof *out);
    for (int64_t e = 0; e < b->nsmall; e++) {
        const int64_t ch = e % C, x0 = e / C % ow * b->a.stride, y0 = e / C / ow % oh * b->a.stride,
                      s = e / C / ow / oh;
        double best = -INFINITY, sum = 0, cells = 0;
        int32_t at = -1;
        for (int pass = 0; pass < 2; pass++)
            for (int u = 0; u < b->a.size; u++)
                for (int v = 0; v < b->a.size; v++) {
                    if (y0 + u >= H || x0 + v >= W) continue;
                    const int64_t ex = ((s * H + y0 + u) * W + x0 + v) * C + ch;
                    if (pass) {
                        if (op == JD_OP_avgpool_dx) out[ex] += (double)(b->dy[e] / (float)cells);
                        if (op == JD_OP_unpool && at == u * b->a.size + v) out[ex] += (double)b->dy[e];
                        continue;
                    }
                    cells++;
                    sum += (double)b->x[ex];
                    if ((double)b->x[ex] > best) best = (double)b->x[ex], at = u * b->a.size + v;
                }
        if (op == JD_OP_maxpool) b->winner[e] = at;
        if (op == JD_OP_avgpool) out[e] = (double)((float)sum / (float)cells);
        if (op == JD_OP_maxpool || op == JD_OP_pool_gather) out[e] = best;
    }
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        buffers b = make(&shapes[i]);
        double *want = aligned((size_t)(b.nbig > b.nsmall ? b.nbig : b.nsmall) * sizeof *want);
        for (int k = 0; k < OPS; k++) {
            naive(&b, ops[k], want);
            for (int isa = -1; isa < 3; isa++) {
                const jd_cpu *cpu = isa < 0 ? NULL : call_isa(isa);
                if ((isa >= 0 && !cpu) || !run(&b, ops[k], cpu, 1)) continue;
                for (int64_t e = 0; e < (is_small(ops[k]) ? b.nsmall : b.nbig); e++)
                    if (fabs((double)b.out[e] - want[e]) > 1e-5)
                        fail_msg("shape %d %s isa %d element %lld: %g, not %g", i, jd__ops[ops[k]]->name, isa,
                                 (long long)e, (double)b.out[e], want[e]);
                if (ops[k] == JD_OP_maxpool) assert_memory_equal(b.winner, b.index, (size_t)b.nsmall * 4);
            }
        }
        free(want);
        drop(&b);
    }
}

static void same_bits_everywhere(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7};
    for (int i = 0; i < SHAPES; i++) {
        buffers b = make(&shapes[i]);
        const size_t room = (size_t)(b.nbig > b.nsmall ? b.nbig : b.nsmall) * 4;
        run(&b, JD_OP_maxpool, NULL, 1);
        memcpy(b.winner, b.index, (size_t)b.nsmall * 4);
        float *want = aligned(room);
        for (int k = 0; k < OPS; k++) {
            const size_t bytes = (size_t)(is_small(ops[k]) ? b.nsmall : b.nbig) * 4;
            run(&b, ops[k], NULL, 1);
            memcpy(want, b.out, bytes);
            for (int isa = -1; isa < 3; isa++)
                for (int t = 0; t < 4; t++) {
                    const jd_cpu *cpu = isa < 0 ? NULL : call_isa(isa);
                    if ((isa >= 0 && !cpu) || !run(&b, ops[k], cpu, threads[t])) continue;
                    assert_memory_equal(want, b.out, bytes);
                }
        }
        free(want);
        drop(&b);
    }
}

static void nan_wins(void **state)
{
    (void)state;
    buffers b = make(&shapes[0]);
    b.x[8 * 20 + 4] = NAN; /* row 1, column 2: in window (0,1) */
    for (int isa = -1; isa < 3; isa++) {
        const jd_cpu *cpu = isa < 0 ? NULL : call_isa(isa);
        if (isa >= 0 && !cpu) continue;
        run(&b, JD_OP_maxpool, cpu, 1);
        assert_true(b.out[20 + 4] != b.out[20 + 4]);
        assert_int_equal(b.index[20 + 4], 2);
        assert_true(b.out[4] == b.out[4]);
    }
    drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(same_bits_everywhere),
        cmocka_unit_test(nan_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
