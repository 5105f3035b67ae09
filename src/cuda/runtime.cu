/*
 * runtime.cu - the device of libjackdaw-cuda.so: memory, copies, recordings (CUDA graphs), inputs.
 *
 * All kernels and copies back run on one stream, but for those of two instructions side by side; inputs travel on another
 * from pinned memory, so that the batch of the next step arrives while this one is computed.
 */
#include "cuda/blas.h"
#include "cuda/population.h"
#include "cuda/table.h"

struct device {
    jd_cu cu;
    cudaStream_t copies, main, aside;
    cudaEvent_t fork, join;
    char text[400];
};

static device *of(void *d)
{
    return static_cast<device *>(d);
}

static void close_device(void *handle)
{
    device *d = of(handle);
    cudaDeviceSynchronize();
    jd_blas_close(d->cu.blas);
    if (d->main) cudaStreamDestroy(d->main);
    if (d->aside) cudaStreamDestroy(d->aside);
    if (d->copies) cudaStreamDestroy(d->copies);
    if (d->fork) cudaEventDestroy(d->fork);
    if (d->join) cudaEventDestroy(d->join);
    delete d;
}

/* Whether the driver takes machine code or PTX of this library is asked of it. */
static __global__ void probe() {}

static bool is_there(char *message, size_t size)
{
    int count = 0, driver = 0, runtime = 0;
    const cudaError_t e = cudaGetDeviceCount(&count);
    if (e == cudaSuccess && count) return true;
    cudaGetLastError(); /* it is told here */
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (e == cudaErrorInsufficientDriver && driver)
        snprintf(
            message, size,
            "the driver knows CUDA %d.%d, this library was built with %d.%d; update the driver, build with an older "
            "toolkit, or use --device cpu",
            driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    else
        snprintf(message, size, "no NVIDIA GPU or driver here (%s); use --device cpu",
                 e == cudaSuccess                   ? "no device"
                 : e == cudaErrorInsufficientDriver ? "no driver"
                                                    : cudaGetErrorString(e));
    return false;
}

static void *open_device(jd_precision p, char *message, size_t size)
{
    int runtime = 0;
    if (!is_there(message, size)) return NULL;
    device *d = new device();
    cudaDeviceProp prop = {};
    cudaFuncAttributes code;
    d->cu.precision = p;
    int bad = jd_check(&d->cu, "device", cudaSetDevice(0)) ||
              jd_check(&d->cu, "device", cudaGetDeviceProperties(&prop, 0)) ||
              jd_check(&d->cu, "stream", cudaStreamCreateWithFlags(&d->main, cudaStreamNonBlocking)) ||
              jd_check(&d->cu, "stream", cudaStreamCreateWithFlags(&d->aside, cudaStreamNonBlocking)) ||
              jd_check(&d->cu, "stream", cudaStreamCreateWithFlags(&d->copies, cudaStreamNonBlocking)) ||
              jd_check(&d->cu, "stream", cudaEventCreateWithFlags(&d->fork, cudaEventDisableTiming)) ||
              jd_check(&d->cu, "stream", cudaEventCreateWithFlags(&d->join, cudaEventDisableTiming)) ||
              jd_check(&d->cu, "runtime", cudaRuntimeGetVersion(&runtime)) ||
              jd_check(&d->cu, "kernels for this processor", cudaFuncGetAttributes(&code, probe));
    if (bad) {
        snprintf(message, size, "%s%s%s%s; use --device cpu", prop.name, prop.name[0] ? ": " : "", d->cu.error,
                 prop.major && prop.major < 9 ? " (compute capability 9.0 is needed)" : "");
        close_device(d);
        return NULL;
    }
    d->cu.stream = d->main;
    d->cu.blas = jd_blas_open(&d->cu);
    snprintf(d->text, sizeof d->text, "%s, %d multiprocessors, CUDA %d.%d, %s", prop.name, prop.multiProcessorCount,
             runtime / 1000, runtime % 1000 / 10, d->cu.blas ? "cuBLASLt" : "own products only");
    return d;
}

static const char *describe(void *d)
{
    return of(d)->text;
}

static const char *error(void *d)
{
    return of(d)->cu.error;
}

static void *alloc(void *handle, size_t bytes)
{
    device *d = of(handle);
    void *p = NULL;
    if (cudaMalloc(&p, bytes ? bytes : 1) != cudaSuccess) {
        cudaGetLastError(); /* it is reported by the NULL */
        return NULL;
    }
    if (!jd_zero(&d->cu, p, bytes)) return p;
    cudaFree(p);
    return NULL;
}

static int sync(void *d)
{
    return jd_check(&of(d)->cu, "waiting", cudaStreamSynchronize(of(d)->cu.stream));
}

static void release(void *d, void *memory)
{
    sync(d);
    cudaFree(memory);
}

static int upload(void *d, void *to, const void *from, size_t bytes)
{
    return jd_check(&of(d)->cu, "copy to the device",
                    cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, of(d)->cu.stream)) ||
           sync(d);
}

static int download(void *d, void *to, const void *from, size_t bytes)
{
    return jd_check(&of(d)->cu, "copy from the device",
                    cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, of(d)->cu.stream)) ||
           sync(d);
}

static int launch(void *d, int opcode, const jd_call *c)
{
    const jd_cu_op *op = jd_cu_find(opcode, c);
    if (op) return op->launch(&of(d)->cu, c);
    snprintf(of(d)->cu.error, sizeof of(d)->cu.error, "no kernel");
    return 1;
}

/* The other stream takes off from where the first instruction begins, and is waited for; a recording holds it as a branch. */
static int side(void *handle, jd_device_side where)
{
    device *d = of(handle);
    jd_cu *c = &d->cu;
    c->shared = where != JD_SIDE_END;
    if (where == JD_SIDE_FIRST) return jd_check(c, "side", cudaEventRecord(d->fork, d->main));
    c->side = where == JD_SIDE_OTHER;
    c->stream = c->side ? d->aside : d->main;
    if (c->side) return jd_check(c, "side", cudaStreamWaitEvent(d->aside, d->fork, 0));
    return jd_check(c, "side", cudaEventRecord(d->join, d->aside)) ||
           jd_check(c, "side", cudaStreamWaitEvent(d->main, d->join, 0));
}

/* ---- recordings ------------------------------------------------------------------------------------------------------*/

/* Relaxed: a kernel that no run before needed is loaded while the recording is made, which the other modes may forbid. */
static int record_begin(void *d)
{
    return jd_check(&of(d)->cu, "recording", cudaStreamBeginCapture(of(d)->cu.stream, cudaStreamCaptureModeRelaxed));
}

static int record_end(void *d, void **recording)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    if (jd_check(&of(d)->cu, "recording", cudaStreamEndCapture(of(d)->cu.stream, &graph))) return 1;
    const int bad = jd_check(&of(d)->cu, "recording", cudaGraphInstantiateWithFlags(&exec, graph, 0));
    cudaGraphDestroy(graph);
    *recording = bad ? NULL : exec;
    return bad;
}

static int replay(void *d, void *recording)
{
    return jd_check(&of(d)->cu, "replay", cudaGraphLaunch(static_cast<cudaGraphExec_t>(recording), of(d)->cu.stream));
}

static void drop(void *d, void *recording)
{
    sync(d);
    cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recording));
}

/* ---- inputs ----------------------------------------------------------------------------------------------------------*/

/* Two halves in turn: pinned memory that the host fills, and the device's memory that it is copied to. */
struct feed {
    char *host[2], *there[2];
    cudaEvent_t arrived[2], taken[2];
    bool used[2];
    int turn;
};

static void feed_free(void *d, void *handle)
{
    feed *f = static_cast<feed *>(handle);
    sync(d);
    cudaStreamSynchronize(of(d)->copies);
    for (int i = 0; i < 2; i++) {
        if (f->host[i]) cudaFreeHost(f->host[i]);
        if (f->there[i]) cudaFree(f->there[i]);
        if (f->arrived[i]) cudaEventDestroy(f->arrived[i]);
        if (f->taken[i]) cudaEventDestroy(f->taken[i]);
    }
    delete f;
}

static void *feed_new(void *d, size_t bytes)
{
    feed *f = new feed();
    bool ok = true;
    for (int i = 0; i < 2; i++)
        ok = ok && cudaMallocHost(reinterpret_cast<void **>(&f->host[i]), bytes) == cudaSuccess &&
             cudaMalloc(reinterpret_cast<void **>(&f->there[i]), bytes) == cudaSuccess &&
             cudaEventCreateWithFlags(&f->arrived[i], cudaEventDisableTiming) == cudaSuccess &&
             cudaEventCreateWithFlags(&f->taken[i], cudaEventDisableTiming) == cudaSuccess;
    if (ok) return f;
    cudaGetLastError(); /* it is reported by the NULL */
    feed_free(d, f);
    return NULL;
}

static void *feed_begin(void *d, void *handle)
{
    feed *f = static_cast<feed *>(handle);
    f->turn ^= 1;
    /* The half was filled two runs ago: its copy is over long since, unless the device is behind. */
    if (f->used[f->turn] && jd_check(&of(d)->cu, "inputs", cudaEventSynchronize(f->arrived[f->turn]))) return NULL;
    return f->host[f->turn];
}

static int feed_end(void *handle, void *which, const jd_device_piece *piece, int n)
{
    device *d = of(handle);
    feed *f = static_cast<feed *>(which);
    const int t = f->turn;
    cudaError_t e = f->used[t] ? cudaStreamWaitEvent(d->copies, f->taken[t], 0) : cudaSuccess;
    for (int i = 0; i < n && e == cudaSuccess; i++)
        e = cudaMemcpyAsync(f->there[t] + piece[i].offset, f->host[t] + piece[i].offset, piece[i].bytes,
                            cudaMemcpyHostToDevice, d->copies);
    if (e == cudaSuccess) e = cudaEventRecord(f->arrived[t], d->copies);
    if (e == cudaSuccess) e = cudaStreamWaitEvent(d->cu.stream, f->arrived[t], 0);
    for (int i = 0; i < n && e == cudaSuccess; i++)
        e = cudaMemcpyAsync(piece[i].to, f->there[t] + piece[i].offset, piece[i].bytes, cudaMemcpyDeviceToDevice,
                            d->cu.stream);
    if (e == cudaSuccess) e = cudaEventRecord(f->taken[t], d->cu.stream);
    f->used[t] = true;
    return jd_check(&d->cu, "inputs", e);
}

/* ---- small results ---------------------------------------------------------------------------------------------------*/

struct reads {
    char *host;
    size_t bytes;
    cudaEvent_t there[2];
};

static void read_free(void *d, void *handle)
{
    reads *r = static_cast<reads *>(handle);
    sync(d);
    if (r->host) cudaFreeHost(r->host);
    for (int i = 0; i < 2; i++)
        if (r->there[i]) cudaEventDestroy(r->there[i]);
    delete r;
}

static void *read_new(void *d, size_t bytes)
{
    reads *r = new reads();
    r->bytes = bytes;
    if (cudaMallocHost(reinterpret_cast<void **>(&r->host), 2 * bytes) == cudaSuccess &&
        cudaEventCreateWithFlags(&r->there[0], cudaEventDisableTiming) == cudaSuccess &&
        cudaEventCreateWithFlags(&r->there[1], cudaEventDisableTiming) == cudaSuccess)
        return r;
    cudaGetLastError(); /* it is reported by the NULL */
    read_free(d, r);
    return NULL;
}

static int read_queue(void *handle, void *which, int slot, size_t offset, const void *from, size_t bytes)
{
    device *d = of(handle);
    reads *r = static_cast<reads *>(which);
    return jd_check(&d->cu, "results",
                    cudaMemcpyAsync(r->host + (size_t)slot * r->bytes + offset, from, bytes, cudaMemcpyDeviceToHost,
                                    d->cu.stream)) ||
           jd_check(&d->cu, "results", cudaEventRecord(r->there[slot], d->cu.stream));
}

static const void *read_wait(void *d, void *which, int slot)
{
    reads *r = static_cast<reads *>(which);
    return jd_check(&of(d)->cu, "results", cudaEventSynchronize(r->there[slot])) ? NULL
                                                                                 : r->host + (size_t)slot * r->bytes;
}

/* ---- populations -----------------------------------------------------------------------------------------------------*/

static int nets(void *d, const jd_device_nets *p)
{
    return jd_cu_nets(&of(d)->cu, p);
}

static int episodes(void *d, const jd_device_episodes *p)
{
    return jd_cu_episodes(&of(d)->cu, p);
}

extern "C" __attribute__((visibility("default"))) const jd_device_api *jd_device_plugin()
{
    static const jd_device_api api = {
        JD_DEVICE_ABI, JD_OP_COUNT,  "cuda",     jd_cu_kernel, open_device, close_device, describe,
        error,         alloc,        release,    upload,       download,    sync,         launch,
        side,          record_begin, record_end, replay,       drop,        feed_new,     feed_begin,
        feed_end,      feed_free,    read_new,   read_queue,   read_wait,   read_free,    jd_cu_population_kernel,
        nets,          episodes};
    return &api;
}
