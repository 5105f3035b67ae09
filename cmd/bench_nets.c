/* bench_nets.c - feed-forward workloads: forward, loss, backward, plain SGD with learning rate 0.01. */
#include <string.h>

#include "bench.h"

static const float LR = 0.01f;

static void finish(jd_graph *g, jd_node logits)
{
    const jd_node loss = jd_softmax_xent(g, logits, jd_arg(g, "label"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

static void mlp_step(jd_graph *g, void *user)
{
    (void)user;
    finish(g, jd_net(g, "dense 2500 tanh, dense 2000 tanh, dense 1500 tanh, dense 1000 tanh, dense 500 tanh, dense 10",
                     jd_arg(g, "x"), JD_NONE));
}

/* One sample: the weights are read forward, read and written back. */
static double mlp_limit(const bench_job *j, const jd_peaks *peak)
{
    const double product = j->gflop * 1e9 / peak->flops, memory = j->bytes / peak->dram;
    return j->bytes > 0 && memory > product ? memory : product;
}

/* a batch.  784-2500-2000-1500-1000-500-10. */
static jd_status make_mlp(const bench_workload *w, bench_job *j)
{
    static const double size[] = {784, 2500, 2000, 1500, 1000, 500, 10};
    const int B = w->a;
    double weights = 0;
    for (int i = 0; i < 6; i++) weights += size[i] * size[i + 1];
    j->gflop = (6 * weights - 2 * size[0] * size[1]) * B / 1e9;
    if (B == 1) j->bytes = 3 * weights * sizeof(float);
    j->limit = mlp_limit;
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, (size_t)(B * 784), 0, 1), B, 784),
                           JD_TENSOR("label", JD_I32, bench_random_int(j, (size_t)B, 0, 10), B),
                           JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, mlp_step, NULL, t, 3);
}

static void cnn_step(jd_graph *g, void *user)
{
    finish(g, jd_net(g, user, jd_arg(g, "x"), JD_NONE));
}

/* a batch, b 0: the MNIST net of 2011 on 29x29, 1: the traffic-sign net on 48x48. */
static jd_status make_cnn(const bench_workload *w, bench_job *j)
{
    static char mnist[] = "conv 20 4 tanh, maxpool 2, conv 40 5 tanh, maxpool 3, dense 150 tanh, dense 10";
    static char signs[] = "conv 100 7 tanh, maxpool 2, conv 150 4 tanh, maxpool 2, conv 250 4 tanh, maxpool 2, "
                          "dense 300 tanh, dense 43";
    static const int maps[2][3] = {{20, 40, 0}, {100, 150, 250}}, kernel[2][3] = {{4, 5, 0}, {7, 4, 4}};
    static const int pool[2][3] = {{2, 3, 0}, {2, 2, 2}}, full[2][2] = {{150, 10}, {300, 43}};
    const int B = w->a, k = w->b, side = k ? 48 : 29, channels = k ? 3 : 1;
    double flop = 0;
    int c = channels, h = side;
    for (int i = 0; i < 3 && maps[k][i]; i++) {
        const int ho = h - kernel[k][i] + 1;
        flop += (i == 0 ? 2 : 3) * 2.0 * maps[k][i] * ho * ho * c * kernel[k][i] * kernel[k][i];
        c = maps[k][i];
        h = ho / pool[k][i];
    }
    double n = c * h * h;
    for (int i = 0; i < 2; i++) {
        flop += 6.0 * n * full[k][i];
        n = full[k][i];
    }
    j->gflop = flop * B / 1e9;
    const size_t pixels = (size_t)(B * side * side * channels);
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, pixels, -1, 1), B, side, side, channels),
                           JD_TENSOR("label", JD_I32, bench_random_int(j, (size_t)B, 0, full[k][1]), B),
                           JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, cnn_step, k ? signs : mnist, t, 3);
}

const bench_workload bench_nets[] = {
    {"mlp_b1", "12 million weights, one sample", make_mlp, 1, 0, 0, 0},
    {"mlp_b32", "batch 32", make_mlp, 32, 0, 0, 0},
    {"mlp_b128", "batch 128", make_mlp, 128, 0, 0, 0},
    {"mlp_b1000", "batch 1000", make_mlp, 1000, 0, 0, 0},
    {"cnn_mnist_b1", "max-pooling net for digits, one sample", make_cnn, 1, 0, 0, 0},
    {"cnn_mnist_b32", "batch 32", make_cnn, 32, 0, 0, 0},
    {"cnn_mnist_b128", "batch 128", make_cnn, 128, 0, 0, 0},
    {"cnn_gtsrb_b1", "max-pooling net for traffic signs, one sample", make_cnn, 1, 1, 0, 0},
    {"cnn_gtsrb_b32", "batch 32", make_cnn, 32, 1, 0, 0},
    {"cnn_gtsrb_b128", "batch 128", make_cnn, 128, 1, 0, 0},
    {0},
};
