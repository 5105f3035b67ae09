/*
 * bench_rivals.c - the matrix products of a workload, done by BLAS libraries that are found at run time.
 *
 * Only the products of a step are done (forward, input gradient, weight gradient), in the order and at the sizes in which
 * a network makes them; squashing, losses and updates are left out, so a rival's time is below what a network built on
 * that library would take.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };
typedef void sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                   int ldb, float beta, float *c, int ldc);

typedef struct library {
    const char *name, *file, *set_threads;
} library;
static const library LIBRARY[] = {{"OpenBLAS", "libopenblas.so.0", "openblas_set_num_threads"},
                                  {"BLIS", "libblis.so.4", "bli_thread_set_num_threads"}};
enum { LIBRARIES = sizeof LIBRARY / sizeof *LIBRARY };

typedef struct rival {
    sgemm *gemm;
    float *a, *b, *c; /* large enough for any operand of the workload */
} rival;

/* y(B,out) = x(B,in) W'; dW = dy' x; dx = dy W */
static void layer(const rival *r, int B, int in, int out, bool need_dx)
{
    r->gemm(ROW_MAJOR, NO_TRANS, TRANS, B, out, in, 1, r->a, in, r->b, in, 0, r->c, out);
    r->gemm(ROW_MAJOR, TRANS, NO_TRANS, out, in, B, 1, r->a, out, r->c, in, 0, r->b, in);
    if (need_dx) r->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, B, in, out, 1, r->a, out, r->b, in, 0, r->c, in);
}

static void mlp(const rival *r, int B)
{
    static const int size[] = {784, 2500, 2000, 1500, 1000, 500, 10};
    for (int i = 0; i < 6; i++) layer(r, B, size[i], size[i + 1], i > 0);
}

static void lstm_layer(const rival *r, int B, int T, int in, int H, bool need_dx)
{
    r->gemm(ROW_MAJOR, NO_TRANS, TRANS, T * B, 4 * H, in, 1, r->a, in, r->b, in, 0, r->c, 4 * H);
    for (int t = 0; t < T; t++) r->gemm(ROW_MAJOR, NO_TRANS, TRANS, B, 4 * H, H, 1, r->a, H, r->b, H, 1, r->c, 4 * H);
    for (int t = 0; t < T; t++)
        r->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, B, H, 4 * H, 1, r->a, 4 * H, r->b, H, 0, r->c, H);
    r->gemm(ROW_MAJOR, TRANS, NO_TRANS, 4 * H, H, T * B, 1, r->a, 4 * H, r->c, H, 0, r->b, H);
    r->gemm(ROW_MAJOR, TRANS, NO_TRANS, 4 * H, in, T * B, 1, r->a, 4 * H, r->c, in, 0, r->b, in);
    if (need_dx) r->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, T * B, in, 4 * H, 1, r->a, 4 * H, r->b, in, 0, r->c, in);
}

static bool step(const rival *r, const char *workload)
{
    int n, H, layers;
    if (sscanf(workload, "mlp_b%d", &n) == 1)
        mlp(r, n);
    else if (sscanf(workload, "lstm_h%d_l%d", &H, &layers) == 2)
        for (int i = 0; i < layers; i++) lstm_layer(r, 32, 100, i ? H : 64, H, i > 0);
    else if (sscanf(workload, "lstm_h%d_bi", &H) == 1 && strstr(workload, "_bi"))
        for (int i = 0; i < 2; i++) lstm_layer(r, 32, 100, 64, H, false);
    else if (sscanf(workload, "blstm_ctc_i%d_b%d", &n, &H) == 2)
        for (int i = 0; i < 6; i++) lstm_layer(r, H, 300, i < 2 ? n : 500, 250, i > 1);
    else if (sscanf(workload, "charlm_b%d", &n) == 1) {
        lstm_layer(r, n, 100, 96, 512, true);
        layer(r, 100 * n, 512, 96, true);
    } else
        return false;
    return true;
}

static double best_time(const rival *r, const char *workload)
{
    double best = 1e9;
    const double begin = jd_now();
    for (int k = 0; k < 3 || jd_now() - begin < 1; k++) {
        const double start = jd_now();
        step(r, workload);
        const double took = jd_now() - start;
        if (took < best) best = took;
    }
    return best;
}

double bench_rival(const char *workload, int which, const char **name, int threads)
{
    *name = NULL;
    if (which >= LIBRARIES) return 0;
    const library *l = &LIBRARY[which];
    *name = l->name;
    void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return 0;
    rival r = {0};
    void (*set)(int) = NULL;
    /* POSIX's way to turn dlsym's pointer into a function. */
    *(void **)(void *)&r.gemm = dlsym(handle, "cblas_sgemm");
    *(void **)(void *)&set = dlsym(handle, l->set_threads);
    const size_t most = (size_t)32 * 1024 * 1024;
    r.a = calloc(most, sizeof(float));
    r.b = calloc(most, sizeof(float));
    r.c = calloc(most, sizeof(float));
    double seconds = 0;
    if (r.gemm && r.a && r.b && r.c) {
        if (set) set(threads > 0 ? threads : 2);
        if (step(&r, workload)) seconds = best_time(&r, workload);
    }
    free(r.a);
    free(r.b);
    free(r.c);
    /* The library stays loaded: its threads live in it. */
    return seconds;
}
