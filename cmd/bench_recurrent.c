/* bench_recurrent.c - LSTM workloads: forward, loss, backward, plain SGD with learning rate 0.01. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

typedef struct lstm_spec {
    int hidden, layers;
    bool both;
} lstm_spec;

static jd_node mean_square(jd_graph *g, jd_node y, jd_node target)
{
    return jd_mean(g, jd_square(g, jd_sub(g, y, target)), JD_ALL_AXES, false);
}

static void lstm_step(jd_graph *g, void *user)
{
    const lstm_spec *s = user;
    jd_node x = jd_arg(g, "x");
    static const char *const name[] = {"lstm1", "lstm2"};
    for (int i = 0; i < s->layers; i++)
        x = s->both ? jd_blstm(g, name[i], x, .units = s->hidden) : jd_lstm(g, name[i], x, .units = s->hidden);
    const jd_node loss = mean_square(g, x, jd_arg(g, "target"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

static void gru_step(jd_graph *g, void *user)
{
    const lstm_spec *s = user;
    const jd_node y = jd_gru(g, "gru", jd_arg(g, "x"), .units = s->hidden);
    const jd_node loss = mean_square(g, y, jd_arg(g, "target"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

static const float LR = 0.01f, LINE_LR = 1e-4f;

/* a hidden units, b layers, c 1: one bidirectional layer; c samples if more, else 32.  100 steps, 64
 * inputs.  A unit has `gates` sums. */
static jd_status make_layers(const bench_workload *w, bench_job *j, double gates, jd_trace *trace)
{
    enum { T = 100, I = 64 };
    lstm_spec *s = calloc(1, sizeof *s);
    if (!s) return JD_ENOMEM;
    *s = (lstm_spec){w->a, w->b, w->c == 1};
    j->memory[7] = s;
    const int dirs = w->c == 1 ? 2 : 1, H = w->a, B = w->c > 1 ? w->c : 32;
    double in = I;
    for (int k = 0; k < w->b; k++) {
        const double f = 2.0 * B * T * gates * H * (in + H) * dirs;
        j->gflop += (3 * f - (k == 0 ? 2.0 * B * T * gates * H * in * dirs : 0)) / 1e9;
        in = H * dirs;
    }
    const jd_tensor t[] = {
        JD_TENSOR("x", JD_F32, bench_random(j, (size_t)T * (size_t)B * I, -1, 1), T, B, I),
        JD_TENSOR("target", JD_F32, bench_random(j, (size_t)T * (size_t)B * (size_t)(H * dirs), 0, 1), T, B, H * dirs),
        JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, trace, s, t, 3);
}

static jd_status make_lstm(const bench_workload *w, bench_job *j)
{
    return make_layers(w, j, 4, lstm_step);
}

static jd_status make_gru(const bench_workload *w, bench_job *j)
{
    return make_layers(w, j, 3, gru_step);
}

static void ctc_net_step(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_arg(g, "x");
    x = jd_blstm(g, "blstm1", x, .units = 250);
    x = jd_blstm(g, "blstm2", x, .units = 250);
    x = jd_blstm(g, "blstm3", x, .units = 250);
    x = jd_dense(g, "out", x, .units = 62);
    const jd_node each = jd_ctc(g, x, jd_arg(g, "labels"), jd_arg(g, "length"), jd_arg(g, "label_length"), 0);
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

/* One sample: the recurrent weights come from L2 at every step, forward and back; the rest runs at the product rate. */
static double ctc_net_limit(const bench_job *j, const jd_peaks *peak)
{
    if (j->bytes == 0) return j->gflop * 1e9 / peak->flops;
    const double recurrent = 2 * 2.0 * 300 * 6 * 1000 * 250; /* forward and dh products */
    return j->bytes / peak->l2 + (j->gflop * 1e9 - recurrent) / peak->flops;
}

/* a inputs, b batch.  300 steps, 3 bidirectional layers of 250 + 250, 62 outputs, CTC with 40 labels. */
static jd_status make_ctc_net(const bench_workload *w, bench_job *j)
{
    enum { T = 300, H = 250, V = 62, U = 40 };
    const int I = w->a, B = w->b;
    double in = I;
    for (int k = 0; k < 3; k++) {
        const double f = 2.0 * B * T * 4 * H * (in + H) * 2;
        j->gflop += (3 * f - (k == 0 ? 2.0 * B * T * 4 * H * in * 2 : 0)) / 1e9;
        in = 2 * H;
    }
    j->gflop += 6.0 * B * T * 2 * H * V / 1e9;
    if (B == 1) j->bytes = 2.0 * T * 6 * 4 * H * H * sizeof(float);
    j->limit = ctc_net_limit;
    int32_t *length = bench_random_int(j, (size_t)B, T, T + 1), *labels = bench_random_int(j, (size_t)(B * U), 1, V);
    int32_t *count = bench_random_int(j, (size_t)B, U, U + 1);
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, (size_t)(T * B * I), -1, 1), T, B, I),
                           JD_TENSOR("labels", JD_I32, labels, B, U), JD_TENSOR("length", JD_I32, length, B),
                           JD_TENSOR("label_length", JD_I32, count, B), JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, ctc_net_step, NULL, t, 5);
}

static void char_step(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_embedding(g, "embed", jd_arg(g, "symbol"), 96, 96);
    x = jd_lstm(g, "lstm", x, .units = 512);
    x = jd_dense(g, "out", x, .units = 96);
    const jd_node loss = jd_softmax_xent(g, x, jd_arg(g, "next"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

static double char_limit(const bench_job *j, const jd_peaks *peak)
{
    if (j->bytes == 0) return j->gflop * 1e9 / peak->flops;
    return j->bytes / peak->l3 + j->gflop * 1e9 / 3 / peak->flops; /* one weight-gradient product */
}

/* a batch.  96 symbols, embedding 96, LSTM 512, 100 steps; counted without the input product. */
static jd_status make_char(const bench_workload *w, bench_job *j)
{
    enum { T = 100, H = 512, V = 96 };
    const int B = w->a;
    j->gflop = (6.0 * B * T * 4 * H * H + 6.0 * B * T * H * V) / 1e9;
    if (B == 1) j->bytes = 200.0 * 4 * H * H * sizeof(float);
    j->limit = char_limit;
    const jd_tensor t[] = {JD_TENSOR("symbol", JD_I32, bench_random_int(j, (size_t)(T * B), 0, V), T, B),
                           JD_TENSOR("next", JD_I32, bench_random_int(j, (size_t)(T * B), 0, V), T, B),
                           JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, char_step, NULL, t, 3);
}

static void line_step(jd_graph *g, void *user)
{
    (void)user;
    jd_node x = jd_blocks(g, jd_arg(g, "image"), NULL, .height = 3, .width = 4);
    x = jd_mdlstm(g, "scan1", x, .units = 2, .peepholes = true);
    x = jd_blocks(g, x, NULL, .height = 3, .width = 4);
    x = jd_dense(g, "map1", x, .units = 6, .act = JD_TANH, .each = true);
    x = jd_mdlstm(g, "scan2", x, .units = 10, .peepholes = true);
    x = jd_blocks(g, x, NULL, .height = 2, .width = 4);
    x = jd_dense(g, "map2", x, .units = 20, .act = JD_TANH, .each = true);
    x = jd_mdlstm(g, "scan3", x, .units = 50, .peepholes = true);
    x = jd_dense(g, "out", jd_collapse(g, x), .units = 27);
    const jd_node each = jd_ctc(g, x, jd_arg(g, "labels"), jd_arg(g, "length"), jd_arg(g, "label_length"), 26);
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = 0.9);
    jd_result(g, "loss", loss);
}

/* Multiply-adds of one scan layer at each point: four directions of H cells with N inputs, (n + 3) H gates. */
static double scan_products(double points, double N, double H, bool first)
{
    return 2 * points * 4 * 5 * H * ((N + 2 * H) * 3 - (first ? N : 0));
}

/* a batch.  A grey line of 48 x 1200, blocks 3x4, 3x4, 2x4; scans of 2, 10 and 50 cells in four directions with
 * peepholes, maps of 6 and 20; 10 labels of 26. */
static jd_status make_line(const bench_workload *w, bench_job *j)
{
    enum { H = 48, W = 1200, T = 19, U = 10, V = 26 };
    const int B = w->a;
    j->gflop = B *
               (scan_products(16 * 300, 12, 2, true) + scan_products(6 * 75, 6, 10, false) +
                scan_products(3 * 19, 20, 50, false) + 6.0 * 6 * 75 * 96 * 6 + 6.0 * 3 * 19 * 320 * 20 +
                6.0 * T * 200 * (V + 1)) /
               1e9;
    int32_t *length = bench_random_int(j, (size_t)B, T, T + 1), *labels = bench_random_int(j, (size_t)(B * U), 0, V);
    int32_t *count = bench_random_int(j, (size_t)B, U, U + 1);
    for (int i = 1; labels && i < B * U; i++)
        if (labels[i] == labels[i - 1]) labels[i] = (labels[i] + 1) % V; /* 10 labels fit into 19 steps in any case */
    const jd_tensor t[] = {JD_TENSOR("image", JD_F32, bench_random(j, (size_t)(B * H * W), -1, 1), B, H, W, 1),
                           JD_TENSOR("labels", JD_I32, labels, B, U), JD_TENSOR("length", JD_I32, length, B),
                           JD_TENSOR("label_length", JD_I32, count, B), JD_SCALAR_F32("lr", &LINE_LR)};
    return bench_plan(j, line_step, NULL, t, 5);
}

static void scan_step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node y = jd_mdlstm(g, "scan", jd_arg(g, "x"), .units = 50, .peepholes = true);
    const jd_node loss = jd_mean(g, jd_square(g, jd_sub(g, y, jd_arg(g, "target"))), JD_ALL_AXES, false);
    jd_update_sgd(g, loss, jd_arg(g, "lr"));
    jd_result(g, "loss", loss);
}

/* One layer of 50 cells in four directions over pictures of 16 x 64 with 50 channels. */
static jd_status make_scan(const bench_workload *w, bench_job *j)
{
    enum { H = 16, W = 64, N = 50, U = 50 };
    const int B = w->a;
    const size_t points = (size_t)(B * H * W);
    j->gflop = scan_products((double)points, N, U, true) / 1e9;
    const jd_tensor t[] = {JD_TENSOR("x", JD_F32, bench_random(j, points * N, -1, 1), B, H, W, N),
                           JD_TENSOR("target", JD_F32, bench_random(j, points * 4 * U, -1, 1), B, H, W, 4 * U),
                           JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, scan_step, NULL, t, 3);
}

/* ---- PyraMiD-LSTM -------------------------------------------------------------------------------------------------------*/

typedef struct pyramid_spec {
    int layers, H, k, mix;
} pyramid_spec;

static void pyramid_step(jd_graph *g, void *user)
{
    const pyramid_spec *s = user;
    static const char *const scan[] = {"scan1", "scan2"}, *const mix[] = {"mix1", "mix2"};
    jd_node x = jd_arg(g, "volume");
    for (int i = 0; i < s->layers; i++) {
        x = jd_pyramid(g, scan[i], x, .units = s->H, .size = s->k);
        x = jd_dense(g, mix[i], x, .units = s->mix, .act = JD_TANH, .each = true);
    }
    x = jd_dense(g, "out", x, .units = 2, .each = true);
    const jd_node loss = jd_softmax_xent(g, x, jd_arg(g, "label"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

/* Window places that lie on a line of n: k n less what reaches over both ends. */
static double on_line(int n, int k)
{
    return (double)k * n - (double)(k / 2) * (k / 2 + 1);
}

/* a layers, b cells of each scan, c side of the windows; dense layers of 2 b between.  One training step on a volume of
 * 64 x 64 x 32 with one input: six scans, four gates, products on the volume only, none for the first plane's state. */
static jd_status make_pyramid(const bench_workload *w, bench_job *j)
{
    enum { Z = 32, Y = 64, X = 64, N = Z * Y * X };
    pyramid_spec *s = calloc(1, sizeof *s);
    if (!s) return JD_ENOMEM;
    *s = (pyramid_spec){w->a, w->b, w->c, 2 * w->b};
    j->memory[7] = s;
    const double z = on_line(Z, s->k), y = on_line(Y, s->k), x = on_line(X, s->k);
    const double plane[3] = {y * x, z * x, z * y}; /* across z, y, x */
    const int length[3] = {Z, Y, X};
    double in = 1, macs = 3. * N * s->mix * 2;
    for (int i = 0; i < s->layers; i++, in = s->mix) {
        for (int e = 0; e < 3; e++)
            macs += 2 * plane[e] * 4 * s->H * (length[e] * in * (i ? 3 : 2) + (length[e] - 1) * s->H * 3.);
        macs += 3. * N * s->H * s->mix;
    }
    j->gflop = 2 * macs / 1e9;
    const jd_tensor t[] = {JD_TENSOR("volume", JD_F32, bench_random(j, N, -1, 1), 1, Z, Y, X, 1),
                           JD_TENSOR("label", JD_I32, bench_random_int(j, N, 0, 2), 1, Z, Y, X),
                           JD_SCALAR_F32("lr", &LR)};
    return bench_plan(j, pyramid_step, s, t, 3);
}

const bench_workload bench_recurrent[] = {
    {"lstm_h128_l1", "LSTM 128, batch 32, 100 steps", make_lstm, 128, 1, 0, 0},
    {"lstm_h128_l2", "two layers", make_lstm, 128, 2, 0, 0},
    {"lstm_h128_bi", "one bidirectional layer", make_lstm, 128, 1, 1, 0},
    {"lstm_h256_l1", "LSTM 256", make_lstm, 256, 1, 0, 0},
    {"lstm_h256_l2", "two layers", make_lstm, 256, 2, 0, 0},
    {"lstm_h256_bi", "one bidirectional layer", make_lstm, 256, 1, 1, 0},
    {"lstm_h512_l1", "LSTM 512", make_lstm, 512, 1, 0, 0},
    {"lstm_h512_l2", "two layers", make_lstm, 512, 2, 0, 0},
    {"lstm_h512_bi", "one bidirectional layer", make_lstm, 512, 1, 1, 0},
    {"lstm_b64_h256", "LSTM 256, batch 64", make_lstm, 256, 1, 64, 0},
    {"lstm_b64_h512", "LSTM 512, batch 64", make_lstm, 512, 1, 64, 0},
    {"lstm_b64_h1024", "LSTM 1024, batch 64", make_lstm, 1024, 1, 64, 0},
    {"gru_b64_h512", "GRU 512, batch 64", make_gru, 512, 1, 64, 0},
    {"gru_b64_h1024", "GRU 1024, batch 64", make_gru, 1024, 1, 64, 0},
    {"blstm_ctc_i39_b1", "speech net, one utterance", make_ctc_net, 39, 1, 0, 0},
    {"blstm_ctc_i39_b16", "speech net, batch 16", make_ctc_net, 39, 16, 0, 0},
    {"blstm_ctc_i123_b1", "speech net, one utterance", make_ctc_net, 123, 1, 0, 0},
    {"blstm_ctc_i123_b16", "speech net, batch 16", make_ctc_net, 123, 16, 0, 0},
    {"charlm_b1", "character model, one text", make_char, 1, 0, 0, 0},
    {"charlm_b32", "character model, batch 32", make_char, 32, 0, 0, 0},
    {"mdlstm_line", "handwriting net, one line", make_line, 1, 0, 0, 0},
    {"mdlstm_line_b16", "handwriting net, batch 16", make_line, 16, 0, 0, 0},
    {"mdlstm_h50_b16", "scans of 50 cells, pictures of 16 x 64, batch 16", make_scan, 16, 0, 0, 0},
    {"pyramid_64x64x32", "PyraMiD-LSTM on a volume of 64x64x32: 2 layers of 6 scans, 8 cells, windows 3x3",
     make_pyramid, 2, 8, 3, 0},
    {"pyramid_64x64x32_k7", "the first layer of the paper: 6 scans, 16 cells, windows 7x7", make_pyramid, 1, 16, 7, 0},
    {0},
};
