/*
 * population.h - what rollouts know of a population's networks.
 */
#ifndef JD_SEARCH_POPULATION_H
#define JD_SEARCH_POPULATION_H

#include "base/ctx.h"
#include "cpu/control.h"
#include "jackdaw/population.h"

jd_lane_net jd__lane_net(const jd_net_shape *n);
/* Puts one network's weights into a lane of a block (W, 16). */
void jd__net_lane(const jd_net_shape *shape, const double *weights, float *block, int lane);

#endif
