/*
 * population.h - what rollouts know of a population's networks.
 */
#ifndef JD_SEARCH_POPULATION_H
#define JD_SEARCH_POPULATION_H

#include "base/ctx.h"
#include "base/device.h"
#include "cpu/control.h"
#include "jackdaw/population.h"

struct jd_population {
    jd_ctx *ctx;
    jd_net_shape shape;
    jd_lane_net net;
    const jd_control *control;
    size_t count, blocks, W;
    float *w; /* (blocks, W, 16) */
    float *h; /* (blocks, 2 hidden + 1, 16); zeros while the states are on a device */
    /* On a device: */
    const char *kernel; /* NULL: the CPU's */
    struct {
        jd_device_room w, h, x, y; /* h (hidden, stride) */
    } there;
    bool weights_newer, states_newer; /* than those of the device */
};

jd_lane_net jd__lane_net(const jd_net_shape *n);
/* The population has a kernel on the context's device, and takes it. */
bool jd__population_offload(jd_population *p);
void jd__population_device_free(jd_population *p);
jd_status jd__population_run_there(jd_population *p, int64_t T, const float *x, bool hold, float *y, bool last);
/* Puts one network's weights into a lane of a block (W, 16). */
void jd__net_lane(const jd_net_shape *shape, const double *weights, float *block, int lane);

#endif
