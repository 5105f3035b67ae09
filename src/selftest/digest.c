/* digest.c - short trainings whose weights must have the same bits everywhere. */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"
#include "jackdaw/selftest.h"

static void image_net(jd_graph *g, void *user)
{
    const jd_node y = jd_net(g, user, jd_arg(g, "x"), JD_NONE);
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_sgd(g, loss, jd_const(g, 0.1, JD_SCALAR), .momentum = 0.5);
    jd_result(g, "loss", loss);
}

static void sequence_net(jd_graph *g, void *user)
{
    const jd_node length = jd_arg(g, "length"), y = jd_net(g, user, jd_arg(g, "x"), length);
    const jd_node each = jd_ctc(g, y, jd_arg(g, "label"), length, jd_arg(g, "count"), 0);
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_const(g, 0.01, JD_SCALAR), .clip = 5);
    jd_result(g, "loss", loss);
}

static jd_status train(jd_ctx *ctx, jd_trace *trace, const char *net, jd_tensor *in, int n, float *x, size_t count,
                       char hex[17])
{
    char spec[128];
    snprintf(spec, sizeof spec, "%s", net);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = w ? jd_fn_new(ctx, w, trace, spec) : NULL;
    for (int step = 0; step < 20 && f && !jd_error(ctx); step++) {
        jd_rng r = jd_rng_new(5, "digest", (uint64_t)step);
        for (size_t i = 0; i < count; i++) x[i] = 2 * jd_rng_uniform(&r) - 1;
        jd_fn_run(f, in, n);
    }
    if (!jd_error(ctx))
        snprintf(hex, 17, "%016llx",
                 (unsigned long long)XXH3_64bits(jd_params_data(w), jd_params_count(w) * sizeof(float)));
    jd_fn_free(f);
    jd_params_free(w);
    return jd_error(ctx);
}

jd_status jd_selftest_digest(jd_ctx *ctx, char mlp[17], char cnn[17], char lstm[17])
{
    enum { B = 13, SIDE = 13, T = 23, I = 7, U = 4 };
    static const int32_t label[B] = {0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5};
    static const int32_t text[B * U] = {1, 2, 3, 1, 2, 2, 1, 3, 3, 1, 1, 2, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 1,
                                        2, 3, 2, 2, 1, 3, 3, 3, 1, 2, 1, 2, 1, 2, 3, 1, 3, 1, 2, 3, 2, 3, 1, 2, 2, 1};
    static const int32_t length[B] = {23, 20, 23, 17, 23, 9, 23, 22, 11, 23, 19, 23, 12};
    static const int32_t count[B] = {4, 3, 2, 4, 1, 2, 4, 0, 3, 4, 2, 3, 4};
    float *x = jd_alloc_array(ctx, (size_t)B * SIDE * SIDE * 3, sizeof *x);
    if (!x) return jd_error(ctx);
    jd_tensor flat[] = {JD_TENSOR("x", JD_F32, x, B, 97), JD_TENSOR("label", JD_I32, label, B)};
    jd_tensor image[] = {JD_TENSOR("x", JD_F32, x, B, SIDE, SIDE, 3), JD_TENSOR("label", JD_I32, label, B)};
    jd_tensor sequence[] = {JD_TENSOR("x", JD_F32, x, T, B, I), JD_TENSOR("length", JD_I32, length, B),
                            JD_TENSOR("label", JD_I32, text, B, U), JD_TENSOR("count", JD_I32, count, B)};
    const uint64_t seed = jd_ctx_seed(ctx);
    jd_ctx_set_seed(ctx, 1);
    train(ctx, image_net, "dense 301 tanh, dropout 0.2, dense 150 relu, dense 10", flat, 2, x, (size_t)B * 97, mlp);
    train(ctx, image_net, "conv 20 4 tanh, maxpool 2, conv 23 3 relu, dense 30 sigmoid, dense 10", image, 2, x,
          (size_t)B * SIDE * SIDE * 3, cnn);
    train(ctx, sequence_net, "blstm 40 peepholes, bgru 19, lstm 33, srn 12, dense 4", sequence, 4, x, (size_t)T * B * I,
          lstm);
    jd_ctx_set_seed(ctx, seed);
    jd_free(ctx, x);
    return jd_error(ctx);
}
