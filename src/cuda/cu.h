/*
 * cu.h - what the CUDA kernels share: launching, sizes, small copies, the table's entry of an op.
 *
 * One source serves two plug-ins: nvcc makes libjackdaw-cuda.so, g++ with emulate.h makes libjackdaw-cuda-emulated.so,
 * whose device memory is ordinary memory.  Products are compiled without contraction (-fmad=false): a multiply and an add
 * are fused only where the source says fmaf, so that point-wise results have the CPU's bits.  Every sum has one order, which
 * depends on the shapes alone: the only atomic operations are the counters of jd_signal.
 */
#ifndef JD_CUDA_CU_H
#define JD_CUDA_CU_H

#include <stdio.h>

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define JD_DYNAMIC_SHARED(type, name)                                                                                  \
    extern __shared__ float4 jd_dynamic_shared[];                                                                      \
    type *name = reinterpret_cast<type *>(jd_dynamic_shared)
typedef cudaStream_t jd_stream;
#else
#include "cuda/emulate.h"
#define JD_DYNAMIC_SHARED(type, name) type *name = static_cast<type *>(jd_emulate_shared())
typedef void *jd_stream;
#endif

#include "base/device.h"
#include "graph/op.h"
#include "ops/attrs.h"

/* The opened device. */
struct jd_cu {
    jd_stream stream; /* all kernels, in order */
    int side;         /* 1: of two instructions side by side the second */
    bool shared;      /* one of two is being launched */
    jd_precision precision;
    struct jd_blas *blas; /* see blas.h; NULL: own kernels only */
    char error[512];
};

/* An op of the table (table.cu). */
struct jd_cu_op {
    const char *name;                                         /* of the kernel, as plans show it */
    int (*launch)(jd_cu *d, const jd_call *c);                /* 0, or 1 and d->error */
    size_t (*scratch)(const jd_call *c);                      /* NULL: none */
    bool (*fits)(const jd_call *c);                           /* NULL: all shapes */
    const char *(*variant)(const jd_call *c, jd_precision p); /* NULL: `name` */
    bool (*half)(const jd_call *c) = nullptr;                 /* NULL: no; see jd_device_kernel */
};

/* Of a parameter that is not deduced: arguments are converted to what the kernel takes. */
template <class T> struct jd_same {
    typedef T type;
};

#ifdef __CUDACC__
static inline int jd_check(jd_cu *d, const char *what, cudaError_t e)
{
    if (e == cudaSuccess) return 0;
    snprintf(d->error, sizeof d->error, "%s: %s", what, cudaGetErrorString(e));
    cudaGetLastError(); /* it is told; the next launch of this thread shall not tell it again */
    return 1;
}

/* Dynamic shared memory for a launch.  A kernel's limit only ever grows: recordings hold launches of it with other sizes. */
template <class... P> cudaError_t jd_make_room(void (*kernel)(P...), size_t shared)
{
    cudaFuncAttributes has;
    if (!shared) return cudaSuccess;
    const cudaError_t e = cudaFuncGetAttributes(&has, kernel);
    return e != cudaSuccess || (size_t)has.maxDynamicSharedSizeBytes >= shared
               ? e
               : cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
}

template <class... P, class... A>
int jd_launch(jd_cu *d, const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, A... args)
{
    if (jd_check(d, name, jd_make_room(kernel, shared))) return 1;
    kernel<<<grid, block, shared, d->stream>>>(args...);
    return jd_check(d, name, cudaGetLastError());
}

/* All blocks at once, so that they can wait for one another. */
template <class... P>
int jd_launch_together(jd_cu *d, const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared,
                       typename jd_same<P>::type... args)
{
    void *list[] = {(void *)&args...};
    if (jd_check(d, name, jd_make_room(kernel, shared))) return 1;
    return jd_check(d, name, cudaLaunchCooperativeKernel((const void *)kernel, grid, block, list, shared, d->stream));
}
/* How many blocks of a kernel the device holds at once; 0: no cooperative launches here. */
template <class... P> int64_t jd_resident(jd_cu *, void (*kernel)(P...), int threads, size_t shared)
{
    int device = 0, count = 0, together = 0, each = 0, most = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) != cudaSuccess ||
        cudaDeviceGetAttribute(&together, cudaDevAttrCooperativeLaunch, device) != cudaSuccess ||
        cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess || !together ||
        shared > (size_t)most || jd_make_room(kernel, shared) != cudaSuccess ||
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, threads, shared) != cudaSuccess) {
        cudaGetLastError(); /* it is answered by the 0 */
        return 0;
    }
    return (int64_t)each * count;
}
/* Between blocks that run at once: what a block wrote before its signal is seen by a block that has waited for it.  All
 * threads of the block call; `at` counts signals from 0 on.  The barrier puts the writes of all threads before the release
 * of one, and its acquire before the reads of all; reads of what others wrote go past L1 (__ldcg, jd_copy_16). */
static __device__ inline void jd_signal(unsigned *at)
{
    __syncthreads();
    if (threadIdx.x == 0) asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(at) : "memory");
}
static __device__ inline void jd_wait(const unsigned *at, unsigned signals)
{
    if (threadIdx.x == 0) {
        /* Some half a minute: blocks that are not all there end in an error, not in a device that hangs. */
        unsigned now, polls = 1u << 26;
        do {
            asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(now) : "l"(at) : "memory");
            if (!polls--) __trap();
        } while ((int)(now - signals) < 0);
    }
    __syncthreads();
}
/* Copies of 16 bytes from the device's memory, past L1, into shared memory; jd_copies_wait<N>: all but the last N groups. */
static __device__ inline void jd_copy_16(float *to, const float *from)
{
    const unsigned there = (unsigned)__cvta_generic_to_shared(to);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(there), "l"(from) : "memory");
}
static __device__ inline void jd_copies_end_group()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int N> static __device__ inline void jd_copies_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}
static inline int jd_zero(jd_cu *d, void *to, size_t bytes)
{
    return bytes ? jd_check(d, "memset", cudaMemsetAsync(to, 0, bytes, d->stream)) : 0;
}
static inline int jd_copy(jd_cu *d, void *to, const void *from, size_t bytes)
{
    return bytes ? jd_check(d, "copy", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, d->stream)) : 0;
}
#else
template <class... P, class... A>
int jd_launch(jd_cu *d, const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, A... args)
{
    return jd_emulate(
        name, grid, block, shared, false, [=] { kernel(args...); }, d->error, sizeof d->error);
}
template <class... P>
int jd_launch_together(jd_cu *d, const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared,
                       typename jd_same<P>::type... args)
{
    return jd_emulate(
        name, grid, block, shared, true, [=] { kernel(args...); }, d->error, sizeof d->error);
}
template <class... P> int64_t jd_resident(jd_cu *, void (*)(P...), int, size_t)
{
    return jd_emulate_multiprocessors();
}
static inline void jd_signal(unsigned *at)
{
    __syncthreads();
    if (threadIdx.x == 0) ++*at;
}
static inline void jd_wait(const unsigned *at, unsigned signals)
{
    if (threadIdx.x == 0)
        while ((int)(*at - signals) < 0) jd_emulate_poll();
    __syncthreads();
}
static inline void jd_copy_16(float *to, const float *from)
{
    if (((uintptr_t)to | (uintptr_t)from) % 16)
        jd_emulate_fault("a copy of 16 bytes from or to an address between them");
    memcpy(to, from, 16);
}
static inline void jd_copies_end_group() {}
template <int N> static inline void jd_copies_wait() {}
static inline int jd_zero(jd_cu *, void *to, size_t bytes)
{
    if (bytes) memset(to, 0, bytes);
    return 0;
}
static inline int jd_copy(jd_cu *, void *to, const void *from, size_t bytes)
{
    if (bytes) memmove(to, from, bytes);
    return 0;
}
#endif
#ifdef __CUDACC__
#define JD_UNROLL _Pragma("unroll")
#else
#define JD_UNROLL
#endif
#define JD_LAUNCH(d, kernel, grid, block, shared, ...) jd_launch(d, #kernel, kernel, grid, block, shared, __VA_ARGS__)

/* ---- sizes ----------------------------------------------------------------------------------------------------------*/

enum { JD_BLOCK = 256 };

/* Blocks of JD_BLOCK threads, each thread one of n; kernels loop with JD_EACH, so that n may be larger than a grid. */
static inline dim3 jd_grid(int64_t n)
{
    const int64_t blocks = (n + JD_BLOCK - 1) / JD_BLOCK;
    return dim3((unsigned)(blocks < 1 ? 1 : blocks > 1 << 20 ? 1 << 20 : blocks));
}
#define JD_EACH(i, n)                                                                                                  \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (int64_t)gridDim.x * blockDim.x)

/* The sum of at(begin), at(begin + by), ... below end, in their order; AT_ONCE of them are on their way at a time, for memory
 * is some 700 cycles away. */
template <int AT_ONCE, class At> static __device__ inline float jd_sum_of(int64_t begin, int64_t end, int64_t by, At at)
{
    float all = 0, v[AT_ONCE];
    for (; begin < end; begin += AT_ONCE * by) {
        JD_UNROLL
        for (int i = 0; i < AT_ONCE; i++) v[i] = begin + i * by < end ? at(begin + i * by) : 0;
        JD_UNROLL
        for (int i = 0; i < AT_ONCE; i++) all += v[i];
    }
    return all;
}

/* Quotients by a number that the host knows, without a division, which takes 64-bit numbers some 70 instructions.  For n and
 * d below 2^31: n m / 2^(31 + shift) with m = ceil(2^(31 + shift) / d) and 2^shift >= d, too large by less than 1 / d. */
struct jd_divisor {
    int64_t d;
    unsigned m, shift; /* m 0: divide */
    __device__ int64_t quotient(int64_t n) const
    {
        return m ? (int64_t)((uint64_t)(unsigned)n * m >> (31 + shift)) : n / d;
    }
    /* *n becomes the quotient; returns the rest. */
    __device__ int64_t cut(int64_t *n) const
    {
        const int64_t q = quotient(*n), rest = *n - q * d;
        *n = q;
        return rest;
    }
    /* The same where the caller knows that all fit. */
    __device__ int quotient31(int n) const { return (int)((uint64_t)(unsigned)n * m >> (31 + shift)); }
    __device__ int cut31(int *n) const
    {
        const int q = quotient31(*n), rest = *n - q * (int)d;
        *n = q;
        return rest;
    }
};
/* For dividends up to `most`. */
static inline jd_divisor jd_divide_by(int64_t d, int64_t most)
{
    jd_divisor q = {d, 0, 0};
    if (d < 1 || d > INT32_MAX || most > INT32_MAX) return q;
    while ((int64_t)1 << q.shift < d) q.shift++;
    q.m = (unsigned)((((uint64_t)1 << (31 + q.shift)) + (uint64_t)d - 1) / (uint64_t)d);
    return q;
}

template <class T> static inline const T *jd_in(const jd_call *c, int i)
{
    return static_cast<const T *>(c->in[i]);
}
template <class T> static inline T *jd_out(const jd_call *c, int i)
{
    return static_cast<T *>(c->out[i]);
}
template <class A> static inline const A *jd_attr(const jd_call *c)
{
    return static_cast<const A *>(c->attr);
}
/* Pieces of the scratch memory, each aligned; with base NULL a walk through them only measures. */
struct jd_pieces {
    char *base;
    size_t used;
    template <class T> T *take(int64_t n)
    {
        char *p = base ? base + used : nullptr;
        used += ((size_t)n * sizeof(T) + 255) & ~(size_t)255;
        return reinterpret_cast<T *>(p);
    }
};

#endif
