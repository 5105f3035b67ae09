/*
 * emulate.h - enough of CUDA C for the kernels of this folder to be compiled by g++ and run on the CPU, so that they can be
 * tested, and their memory accesses checked by ASan, on a machine without a GPU.
 *
 * The threads of a block are fibers that change at __syncthreads(), in an order that $JACKDAW_EMULATE_ORDER turns round
 * (0 upwards, 1 downwards, 2 mixed): a kernel that lacks a barrier gives other results in another order.  Blocks run one
 * after another, in a cooperative launch together; there a thread that polls a word of another block gives way to the
 * others.  A barrier that some threads of a block do not reach, blocks that wait for one another for ever, and memory that
 * is never written, are found.  Not here: warps (no kernel may depend on them), atomics, textures.
 */
#ifndef JD_CUDA_EMULATE_H
#define JD_CUDA_EMULATE_H

#include <functional>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __shared__   static /* of a block: blocks run one after another; not for cooperative launches */
#define __constant__ const

struct alignas(16) float4 {
    float x, y, z, w;
};
static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
static inline float __ldcg(const float *p)
{
    return *p;
}

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads();
void jd_emulate_poll();                 /* lets the others run */
void *jd_emulate_shared();              /* the block's dynamic shared memory */
void jd_emulate_fault(const char *why); /* the launch fails; text in static storage */
int jd_emulate_multiprocessors(); /* $JACKDAW_EMULATE_MULTIPROCESSORS, else 132: blocks that are resident at once */

/* 0, or 1 with a sentence in `why`. */
int jd_emulate(const char *kernel, dim3 grid, dim3 block, size_t shared, bool cooperative,
               const std::function<void()> &body, char *why, size_t size);

static inline int __float_as_int(float x)
{
    int i;
    memcpy(&i, &x, sizeof i);
    return i;
}
static inline float __int_as_float(int i)
{
    float x;
    memcpy(&x, &i, sizeof x);
    return x;
}
static inline int __float2int_rn(float x)
{
    return (int)nearbyintf(x);
}

#endif
