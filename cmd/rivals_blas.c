/*
 * rivals_blas.c - the matrix products of a workload, done by BLAS libraries that are found at run time.
 *
 * Only the products of a step are done (forward, input gradient, weight gradient), in the order and at the sizes in which
 * a network makes them; squashing, losses and updates are left out, so a rival's time is below what a network built on
 * that library would take.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rivals.h"

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };
typedef void sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                   int ldb, float beta, float *c, int ldc);

typedef struct library {
    const char *file, *set_threads;
} library;
static const library OPENBLAS = {"libopenblas.so.0", "openblas_set_num_threads"};
static const library BLIS = {"libblis.so.4", "bli_thread_set_num_threads"};

typedef struct products {
    sgemm *gemm;
    float *a, *b, *c; /* large enough for any operand of the workload */
    char workload[32];
} products;

/* y(B,out) = x(B,in) W'; dW = dy' x; dx = dy W */
static void layer(const products *r, int B, int in, int out, bool need_dx)
{
    r->gemm(ROW_MAJOR, NO_TRANS, TRANS, B, out, in, 1, r->a, in, r->b, in, 0, r->c, out);
    r->gemm(ROW_MAJOR, TRANS, NO_TRANS, out, in, B, 1, r->a, out, r->c, in, 0, r->b, in);
    if (need_dx) r->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, B, in, out, 1, r->a, out, r->b, in, 0, r->c, in);
}

static void mlp(const products *r, int B)
{
    static const int size[] = {784, 2500, 2000, 1500, 1000, 500, 10};
    for (int i = 0; i < 6; i++) layer(r, B, size[i], size[i + 1], i > 0);
}

static void lstm_layer(const products *r, int B, int T, int in, int H, bool need_dx)
{
    r->gemm(ROW_MAJOR, NO_TRANS, TRANS, T * B, 4 * H, in, 1, r->a, in, r->b, in, 0, r->c, 4 * H);
    for (int t = 0; t < T; t++) r->gemm(ROW_MAJOR, NO_TRANS, TRANS, B, 4 * H, H, 1, r->a, H, r->b, H, 1, r->c, 4 * H);
    for (int t = 0; t < T; t++)
        r->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, B, H, 4 * H, 1, r->a, 4 * H, r->b, H, 0, r->c, H);
    r->gemm(ROW_MAJOR, TRANS, NO_TRANS, 4 * H, H, T * B, 1, r->a, 4 * H, r->c, H, 0, r->b, H);
    r->gemm(ROW_MAJOR, TRANS, NO_TRANS, 4 * H, in, T * B, 1, r->a, 4 * H, r->c, in, 0, r->b, in);
    if (need_dx) r->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, T * B, in, 4 * H, 1, r->a, 4 * H, r->b, in, 0, r->c, in);
}

/* Does the workload's products if `really`; false: this workload is none of those known here. */
static bool step(const products *r, bool really)
{
    const char *workload = r->workload;
    int n, H, layers;
    if (sscanf(workload, "mlp_b%d", &n) == 1) {
        if (really) mlp(r, n);
    } else if (sscanf(workload, "lstm_h%d_l%d", &H, &layers) == 2) {
        for (int i = 0; really && i < layers; i++) lstm_layer(r, 32, 100, i ? H : 64, H, i > 0);
    } else if (sscanf(workload, "lstm_h%d_bi", &H) == 1 && strstr(workload, "_bi")) {
        for (int i = 0; really && i < 2; i++) lstm_layer(r, 32, 100, 64, H, false);
    } else if (sscanf(workload, "blstm_ctc_i%d_b%d", &n, &H) == 2) {
        for (int i = 0; really && i < 6; i++) lstm_layer(r, H, 300, i < 2 ? n : 500, 250, i > 1);
    } else if (sscanf(workload, "charlm_b%d", &n) == 1) {
        if (really) lstm_layer(r, n, 100, 96, 512, true);
        if (really) layer(r, 100 * n, 512, 96, true);
    } else
        return false;
    return true;
}

static void step_blas(void *state)
{
    step(state, true);
}

/* The library stays loaded: its threads live in it. */
static void close_blas(void *state)
{
    products *r = state;
    free(r->a);
    free(r->b);
    free(r->c);
    free(r);
}

static rival_state open_blas(const rival *which, rival_work *w, const char *workload, int threads)
{
    const library *l = which->library;
    products *r = calloc(1, sizeof *r);
    if (!r) return RIVAL_FAILED;
    *w = (rival_work){r, step_blas, close_blas, "matrix products only: no squashing, loss or update", ""};
    snprintf(r->workload, sizeof r->workload, "%s", workload);
    if (!step(r, false)) {
        free(r);
        return RIVAL_OTHER_WORK;
    }
    void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        free(r);
        return RIVAL_NOT_INSTALLED;
    }
    void (*set)(int) = NULL;
    /* POSIX's way to turn dlsym's pointer into a function. */
    *(void **)(void *)&r->gemm = dlsym(handle, "cblas_sgemm");
    *(void **)(void *)&set = dlsym(handle, l->set_threads);
    const size_t most = (size_t)32 * 1024 * 1024;
    r->a = calloc(most, sizeof(float));
    r->b = calloc(most, sizeof(float));
    r->c = calloc(most, sizeof(float));
    if (!r->gemm || !set || !r->a || !r->b || !r->c) {
        close_blas(r);
        return RIVAL_FAILED;
    }
    set(threads);
    return RIVAL_READY;
}

const rival rivals_blas[] = {{"OpenBLAS", open_blas, &OPENBLAS}, {"BLIS", open_blas, &BLIS}, {0}};
