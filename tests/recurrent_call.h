/*
 * recurrent_call.h - runs the kernels of a recurrent op directly, on inputs made from a seed: for tests that compare
 * kernels with each other.
 */
#ifndef RECURRENT_CALL_H
#define RECURRENT_CALL_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "graph/op.h"
#include "ops/attrs.h"

typedef struct call {
    jd_call c;
    jd_type in_type[16], out_type[JD_MAX_OUT];
    void *in[16], *out[JD_MAX_OUT];
    _Alignas(8) unsigned char attr[JD_ATTR_BYTES];
    int threads;
} call;

static inline size_t type_bytes(const jd_type *t)
{
    return (size_t)jd__count(t) * (t->dtype == JD_F64 ? 8 : 4);
}

/* The shape rule needs no graph as long as the shapes fit. */
static inline void call_prepare(call *k, const jd_op *op, const void *attr, int nin, int threads)
{
    memcpy(k->attr, attr, op->attr_bytes);
    jd_infer infer = {.op = op, .attr = k->attr, .nin = nin, .in = k->in_type};
    if (op->infer(&infer)) abort();
    k->threads = threads;
    k->c = (jd_call){.op = op,
                     .attr = k->attr,
                     .nin = nin,
                     .nout = infer.nout,
                     .in_type = k->in_type,
                     .out_type = k->out_type,
                     .in = k->in,
                     .out = k->out};
    for (int i = 0; i < infer.nout; i++) {
        k->out_type[i] = infer.out[i];
        const size_t bytes = type_bytes(&infer.out[i]);
        k->out[i] = aligned_alloc(64, (bytes + 127) / 64 * 64);
        memset(k->out[i], 0x5a, bytes); /* what a kernel leaves out shows */
    }
    const size_t bytes = op->scratch ? op->scratch(&k->c, threads) : 0;
    k->c.scratch = aligned_alloc(64, (bytes + 127) / 64 * 64);
    memset(k->c.scratch, 0xff, bytes); /* NaN: a read of undefined scratch shows */
}

static inline void call_free(call *k)
{
    for (int i = 0; i < k->c.nout; i++) free(k->out[i]);
    free(k->c.scratch);
}

typedef struct call_job {
    const call *k;
    jd_kernel *f;
} call_job;
static inline void call_member(void *user, const jd_worker *w)
{
    const call_job *j = user;
    j->f(&j->k->c, w);
}
static inline void call_run(const call *k, jd_kernel *f)
{
    if (k->threads == 1) {
        f(&k->c, &(jd_worker){0, 1, NULL});
        return;
    }
    jd_team *team = jd_team_new(k->threads);
    jd_team_run(team, call_member, &(call_job){k, f});
    jd_team_free(team);
}

static inline void set_type(jd_type *t, jd_dtype dtype, jd_dims d)
{
    memset(t, 0, sizeof *t);
    t->dtype = dtype;
    t->rank = d.rank;
    for (int i = 0; i < d.rank; i++) t->dim[i] = d.dim[i];
}

/* The largest difference over the largest value. */
static inline double distance(const float *a, const double *b, size_t n)
{
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - b[i]);
        if (!(d <= most)) most = d;
        if (fabs(b[i]) > scale) scale = fabs(b[i]);
    }
    return most / scale;
}

/* A layer: sizes, switches, and all inputs of the op and of its gradient op, in both precisions. */
typedef struct layer {
    int T, B, N, H, P;
    int gates; /* 4 LSTM, 3 GRU, 1 SRN */
    bool ragged, state, peep, proj, inner_bias;
    float *f32[16];
    double *f64[16];
    jd_type type[16];
    int32_t *length;
} layer;

static inline float noise(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*s >> 40) / 8388608.0 - 1.0);
}

static inline void fill(layer *l, int i, bool present, float scale, uint64_t *seed, jd_dims d)
{
    set_type(&l->type[i], JD_F32, d);
    if (!present) {
        l->type[i].rank = -1;
        return;
    }
    const size_t n = (size_t)jd__count(&l->type[i]);
    l->f32[i] = malloc(n * sizeof(float) + 64);
    l->f64[i] = malloc(n * sizeof(double) + 64);
    for (size_t k = 0; k < n; k++) l->f64[i][k] = l->f32[i][k] = scale * noise(seed);
}

static inline void layer_lengths(layer *l, uint64_t seed)
{
    l->length = malloc((size_t)l->B * sizeof(int32_t));
    for (int b = 0; b < l->B; b++) {
        noise(&seed);
        l->length[b] = b == 1 ? l->T : (int32_t)((seed >> 33) % (uint64_t)(l->T + 1));
    }
    l->type[1].rank = -1;
    if (l->ragged) set_type(&l->type[1], JD_I32, JD_DIMS(l->B));
}

static inline void layer_free(layer *l)
{
    for (int i = 0; i < 16; i++) {
        free(l->f32[i]);
        free(l->f64[i]);
    }
    free(l->length);
}

/* Puts input i of the layer into a call. */
static inline void call_input(call *k, int at, const layer *l, int i, jd_dtype real)
{
    k->in_type[at] = l->type[i];
    if (l->type[i].rank < 0)
        k->in[at] = NULL;
    else if (i == 1)
        k->in[at] = l->length;
    else {
        k->in_type[at].dtype = real;
        k->in[at] = real == JD_F64 ? (void *)l->f64[i] : (void *)l->f32[i];
    }
}

/* ---- an op and its gradient op --------------------------------------------------------------------------------------------*/

typedef struct pass {
    call forward, back;
} pass;

static inline void pass_free(pass *p)
{
    call_free(&p->forward);
    call_free(&p->back);
}

/* Every output of both ops: at most `limit` from the exact one, relative to the largest value of the array. */
static inline void pass_compare(const pass *fast, const pass *exact, double limit, const char *name)
{
    for (int op = 0; op < 2; op++) {
        const call *f = op ? &fast->back : &fast->forward, *e = op ? &exact->back : &exact->forward;
        for (int i = 0; i < f->c.nout; i++) {
            const size_t n = (size_t)jd__count(&f->out_type[i]);
            if (!n) continue;
            const double d = distance(f->out[i], e->out[i], n);
            if (!(d <= limit)) fail_msg("%s: %s out %d: %g", name, f->c.op->name, i, d);
        }
    }
}

static inline void pass_same(const pass *a, const pass *b, const char *name)
{
    for (int op = 0; op < 2; op++) {
        const call *f = op ? &a->back : &a->forward, *e = op ? &b->back : &b->forward;
        for (int i = 0; i < f->c.nout; i++) {
            const size_t bytes = type_bytes(&f->out_type[i]);
            if (bytes && memcmp(f->out[i], e->out[i], bytes))
                fail_msg("%s: %s out %d differs on %d and %d threads", name, f->c.op->name, i, f->threads, e->threads);
        }
    }
}

#endif
