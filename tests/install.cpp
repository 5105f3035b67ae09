// install.cpp - the public headers from C++: options by name where the standard has them, filled in before.
#include <jackdaw/jackdaw.h>

#include <cstdio>
#include <vector>

static jd_node net(jd_graph *g)
{
    jd_node x = jd_arg(g, "x");
#if __cplusplus >= 202002L
    x = jd_conv2d(g, "conv", x, .maps = 4, .size = 3, .act = JD_TANH);
    x = jd_maxpool(g, x, .size = 2);
    return jd_dense(g, "out", x, .units = 3);
#else
    jd_conv2d_options c = jd_conv2d_options();
    c.maps = 4;
    c.size = 3;
    c.act = JD_TANH;
    jd_pool_options p = jd_pool_options();
    p.size = 2;
    jd_dense_options d = jd_dense_options();
    d.units = 3;
    x = jd_maxpool_opt(g, jd_conv2d_opt(g, "conv", x, c), p);
    return jd_dense_opt(g, "out", x, d);
#endif
}

static void learn(jd_graph *g, void *)
{
    const jd_node loss = jd_softmax_xent(g, net(g), jd_arg(g, "label"));
    const jd_node zero = jd_const(g, 0, JD_DIMS(2, 3)), none = JD_NONE;
    jd_update_sgd_opt(g, loss, jd_arg(g, "rate"), jd_update_options());
    jd_result(g, "loss", loss);
    jd_result(g, "zero", jd_sum(g, zero, JD_ALL_AXES, none.id != 0));
}

int main()
{
    jd_ctx *ctx = jd_ctx_new(nullptr);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, learn, nullptr);
    const std::vector<float> x(2 * 8 * 8, 0.5f);
    const std::vector<int32_t> label = {0, 1};
    const float rate = 0.1f;
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x.data(), label.size(), 8, 8, 1),
                            JD_TENSOR("label", JD_I32, label.data(), 2), JD_SCALAR_F32("rate", &rate)};
    jd_fn_run(f, in, 3);
    const double before = jd_fn_scalar(f, "loss");
    jd_fn_run(f, in, 3);
    const bool learned = jd_fn_scalar(f, "loss") < before;
    std::fputs(jd_error_message(ctx), stderr);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return learned ? 0 : 1;
}
