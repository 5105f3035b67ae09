/* population.h - small networks on a device (population.cu), for the tables of the runtimes. */
#ifndef JD_CUDA_POPULATION_H
#define JD_CUDA_POPULATION_H

#include "cuda/cu.h"

bool jd_cu_population_kernel(const jd_lane_net *n, jd_device_kernel *k);
int jd_cu_nets(jd_cu *d, const jd_device_nets *p);
int jd_cu_episodes(jd_cu *d, const jd_device_episodes *p);

#endif
