/* bench_scan.c - the membrane net N4 of 2012 at every pixel of an image: in one scan, and window by window. */
#include "bench.h"

enum { SIDE = 95, IMAGE = 512 };
static char net[] = "conv 48 4 tanh, maxpool 2, conv 48 5 tanh, maxpool 2, conv 48 4 tanh, maxpool 2, conv 48 4 tanh, "
                    "maxpool 2, dense 200 tanh, dense 2";

static void close_scan(bench_job *j)
{
    jd_scanner_free(j->state);
}

static jd_status scan(bench_job *j)
{
    return jd_scan_image(j->state, j->memory[0], IMAGE, IMAGE, j->memory[1]);
}

/* Multiply-adds when every value is computed once: a layer before which the steps make S, with w cells of the window after
 * it, has (512 + S (w - 1))^2 cells in all its fragments. */
static jd_status make_scan(const bench_workload *w, bench_job *j)
{
    static const struct {
        double step, cells, each;
    } layer[] = {{1, 92, 16 * 48},     {2, 42, 25 * 48 * 48}, {4, 18, 16 * 48 * 48},
                 {8, 6, 16 * 48 * 48}, {16, 1, 9 * 48 * 200}, {16, 1, 400}};
    (void)w;
    for (int i = 0; i < 6; i++) {
        const double side = IMAGE + layer[i].step * (layer[i].cells - 1);
        j->gflop += 2e-9 * side * side * layer[i].each;
    }
    bench_random(j, IMAGE * IMAGE, 0, 1);
    bench_random(j, 2 * IMAGE * IMAGE, 0, 1);
    j->params = jd_params_new(j->ctx, JD_F32);
    j->state =
        jd_scanner_new(j->ctx, j->params, &(jd_scan_options){.net = net, .height = SIDE, .width = SIDE, .channels = 1});
    j->step = scan;
    j->close = close_scan;
    return jd_error(j->ctx);
}

static void forward(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_net(g, net, jd_arg(g, "x"), JD_NONE));
}

/* a windows. */
static jd_status make_patches(const bench_workload *w, bench_job *j)
{
    jd_scan_shape shape;
    if (jd_scan_check(j->ctx, net, SIDE, SIDE, 1, &shape)) return jd_error(j->ctx);
    j->gflop = 2e-9 * shape.macs * w->a;
    const jd_tensor in =
        JD_TENSOR("x", JD_F32, bench_random(j, (size_t)(w->a * SIDE * SIDE), 0, 1), w->a, SIDE, SIDE, 1);
    return bench_plan(j, forward, NULL, &in, 1);
}

const bench_workload bench_scan[] = {
    {"scan_em95", "95-pixel membrane net, 48 maps, at all pixels of 512 x 512", make_scan, 0, 0, 0, 0},
    {"patch_em95", "the same net on 64 windows one by one; an image has 4096 times as many", make_patches, 64, 0, 0, 0},
    {0},
};
