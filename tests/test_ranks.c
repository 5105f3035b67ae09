/* Shards of a training step in one process: the mean of their gradients, in the order of a binary tree, and the steps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/ctx.h"
#include "base/ranks.h"
#include "jackdaw/fn.h"
#include "jackdaw/layers.h"
#include "jackdaw/ranks.h"

enum { N = 37, MOST = 8 };

static float value(int shard, int i)
{
    return (float)(1 + shard) * 1.1f + (float)(i * i % 11) * 1e-7f * (float)(shard % 3 ? 1 : -100000);
}

/* Neighbours added level by level. */
static float tree(int shards, int i)
{
    float s[MOST];
    for (int k = 0; k < shards; k++) s[k] = value(k, i);
    for (int step = 1; step < shards; step *= 2)
        for (int k = 0; k + step < shards; k += 2 * step) s[k] += s[k + step];
    return s[0] * (float)(1. / shards);
}

static void mean_is_a_tree(void **state)
{
    (void)state;
    for (int shards = 1; shards <= MOST; shards++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        assert_int_equal(jd_ranks_join(ctx, shards), JD_OK);
        assert_int_equal(jd_shards(ctx), shards);
        float in[N], out[N];
        for (int round = 0; round < 2; round++) {
            memset(out, 0, sizeof out);
            for (int k = 0; k < shards; k++) {
                assert_true(out[0] == 0);
                for (int i = 0; i < N; i++) in[i] = value(k, i);
                ctx->group->mean(ctx->group, in, out, N, sizeof *in);
            }
            for (int i = 0; i < N; i++) assert_true(out[i] == tree(shards, i));
        }
        jd_ctx_free(ctx);
    }
}

/* One rank alone hears itself. */
static void exchange_with_oneself(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const char out[] = "to whom it may concern";
    const size_t bytes = sizeof out;
    size_t got = 0;
    void *in = NULL;
    assert_int_equal(jd_ranks_exchange(ctx, out, &bytes, &in, &got), JD_OK);
    assert_int_equal(got, bytes);
    assert_memory_equal(in, out, bytes);
    jd_free(ctx, in);
    jd_ctx_free(ctx);
}

/* One weight w, loss w x: the gradient is x, so a step of rate 1 takes the mean of the shards' x away from it. */
static void trace(jd_graph *g, void *user)
{
    (void)user;
    const jd_node w = jd_param(g, "w", (jd_init){JD_INIT_ZERO, 0, 0, 0}, JD_DIMS(1));
    const jd_node loss = jd_sum(g, jd_mul(g, w, jd_arg(g, "x")), JD_ALL_AXES, false);
    jd_update_sgd(g, loss, jd_const(g, 1, JD_SCALAR), 0);
    jd_result(g, "loss", loss);
}

static void weights_move_with_the_last_shard(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    assert_int_equal(jd_ranks_join(ctx, 4), JD_OK);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace, NULL);
    for (int k = 0; k < 8; k++) {
        const float x = (float)(k + 1);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, &x, 1)};
        assert_int_equal(jd_fn_run(f, in, 1), JD_OK);
        const float *w = jd_params_get(p, "w");
        assert_true(*w == (k < 3 ? 0.f : k < 7 ? -2.5f : -9.f));
    }
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void misuse_is_told(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    assert_int_equal(jd_ranks_join(ctx, 2), JD_OK);
    assert_int_equal(jd_ranks_join(ctx, 2), JD_EUSAGE);
    jd_error_clear(ctx);
    size_t begin, end;
    jd_rank_share(ctx, 5, &begin, &end);
    assert_true(begin == 0 && end == 5);
    assert_false(jd_ranks_stopping(ctx, false));
    assert_true(jd_ranks_stopping(ctx, true));
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_is_a_tree),
        cmocka_unit_test(exchange_with_oneself),
        cmocka_unit_test(weights_move_with_the_last_shard),
        cmocka_unit_test(misuse_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
