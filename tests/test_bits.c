/* test_bits.c - the same bits for any number of threads, on every instruction set, for a sample alone or in a batch. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"
#include "jackdaw/selftest.h"

static void digest(const char *isa, int threads, char all[64])
{
    char mlp[17], cnn[17], lstm[17];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads, .isa = isa});
    assert_non_null(ctx);
    if (jd_selftest_digest(ctx, mlp, cnn, lstm)) fail_msg("%s", jd_error_message(ctx));
    strcat(strcat(strcpy(all, mlp), cnn), lstm);
    jd_ctx_free(ctx);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    char one[64], many[64];
    digest(NULL, 1, one);
    for (int k = 0; k < 3; k++) {
        digest(NULL, (int[]){2, 3, 7}[k], many);
        assert_string_equal(one, many);
    }
}

static void instruction_sets_do_not_change_a_bit(void **state)
{
    (void)state;
    char best[64], other[64];
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_non_null(ctx);
    const char *have = jd_ctx_isa(ctx);
    digest(NULL, 2, best);
    digest("scalar", 2, other);
    assert_string_equal(best, other);
    if (!strcmp(have, "avx512")) {
        digest("avx2", 2, other);
        assert_string_equal(best, other);
    }
    jd_ctx_free(ctx);
}

static void trace_net(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), jd_has_arg(g, "length") ? jd_arg(g, "length") : JD_NONE));
}

/* Runs `spec` on samples first..first+count-1 of a batch that is stored sample after sample (images, vectors) or step
 * after step (sequences), and compares each sample's answer with that of the whole batch. */
static void compare(const char *spec, bool sequence, const jd_type *all, const float *x, const int32_t *length)
{
    char net[128];
    strcpy(net, spec);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2, .seed = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_net, net);
    const int axis = sequence ? 1 : 0;
    const int64_t B = all->dim[axis], T = sequence ? all->dim[0] : 1, row = jd_type_count(all) / B / T;
    jd_tensor in[2] = {{"x", *all, x}, {"length", {JD_I32, 1, {B}}, length}};
    jd_type yt;
    assert_int_equal(jd_fn_run(f, in, sequence ? 2 : 1), JD_OK);
    const float *y = jd_fn_result(f, "y", &yt);
    const int64_t out = jd_type_count(&yt) / B / T;
    float *whole = malloc((size_t)jd_type_count(&yt) * sizeof *whole);
    float *part = malloc((size_t)jd_type_count(all) * sizeof *part);
    memcpy(whole, y, (size_t)jd_type_count(&yt) * sizeof *whole);
    for (int k = 0; k < 3; k++) {
        const int64_t first = (int64_t[]){0, 2, B - 3}[k], count = (int64_t[]){1, 4, 3}[k];
        for (int64_t t = 0; t < T; t++)
            memcpy(part + t * count * row, x + (t * B + first) * row, (size_t)(count * row) * sizeof *part);
        in[0].type.dim[axis] = in[1].type.dim[0] = count;
        in[0].data = part;
        in[1].data = length + first;
        assert_int_equal(jd_fn_run(f, in, sequence ? 2 : 1), JD_OK);
        y = jd_fn_result(f, "y", NULL);
        for (int64_t t = 0; t < T; t++)
            assert_memory_equal(y + t * count * out, whole + (t * B + first) * out, (size_t)(count * out) * sizeof *y);
    }
    free(whole);
    free(part);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void the_batch_does_not_change_a_bit(void **state)
{
    (void)state;
    enum { B = 37, T = 15 };
    static const int32_t length[B] = {15, 3,  15, 9,  1, 12, 15, 4,  15, 2, 8,  15, 15, 7,  6,  15, 11, 13, 15,
                                      5,  15, 14, 15, 3, 2,  15, 10, 15, 9, 15, 1,  15, 12, 15, 6,  15, 8};
    const size_t most = (size_t)B * 17 * 17 * 3;
    float *x = malloc(most * sizeof *x);
    jd_rng r = jd_rng_new(2, "batch", 0);
    for (size_t i = 0; i < most; i++) x[i] = 2 * jd_rng_uniform(&r) - 1;
    compare("dense 130 tanh, dense 57 sigmoid, dense 10", false, &(jd_type){JD_F32, 2, {B, 203}}, x, length);
    compare("conv 20 4 tanh, maxpool 2, conv 9 3 relu, dense 10", false, &(jd_type){JD_F32, 4, {B, 17, 17, 3}}, x,
            length);
    compare("lstm 40 peepholes, dense 7", true, &(jd_type){JD_F32, 3, {T, B, 12}}, x, length);
    compare("blstm 9 projection 5, bgru 8, srn 6", true, &(jd_type){JD_F32, 3, {T, B, 12}}, x, length);
    compare("srn 5, srn 8, srn 3, dense 1 tanh", true, &(jd_type){JD_F32, 3, {T, B, 4}}, x, length);
    compare("lstm 6 layernorm, clockwork 12 3 concat, highway 3 tanh, batchnorm", true,
            &(jd_type){JD_F32, 3, {T, B, 12}}, x, length);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(instruction_sets_do_not_change_a_bit),
        cmocka_unit_test(the_batch_does_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
