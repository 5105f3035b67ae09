/* call.h - running one kernel by hand: reference or fast, on any number of threads. */
#ifndef JD_TESTS_CALL_H
#define JD_TESTS_CALL_H

#include <stdlib.h>
#include <string.h>

#include "base/team.h"
#include "cpu/cpu.h"
#include "graph/op.h"

typedef struct call {
    jd_call c;
    jd_type in_type[16], out_type[16];
    void *in[16], *out[16];
} call;

static inline void *aligned(size_t bytes)
{
    void *p = NULL;
    return posix_memalign(&p, 64, bytes ? bytes : 64) ? NULL : p;
}

static inline void call_init(call *k, jd_opcode op, const void *attr)
{
    memset(k, 0, sizeof *k);
    k->c = (jd_call){.op = jd__ops[op], .attr = attr};
}

static inline void call_in(call *k, jd_dtype dtype, jd_dims d, const void *data)
{
    jd_type *t = &k->in_type[k->c.nin];
    *t = (jd_type){.dtype = dtype, .rank = d.rank};
    for (int i = 0; i < d.rank; i++) t->dim[i] = d.dim[i];
    memcpy(&k->in[k->c.nin++], &data, sizeof data);
}

static inline void call_none(call *k)
{
    k->in_type[k->c.nin++].rank = -1;
}

static inline void call_out(call *k, jd_dtype dtype, jd_dims d, void *data)
{
    jd_type *t = &k->out_type[k->c.nout];
    *t = (jd_type){.dtype = dtype, .rank = d.rank};
    for (int i = 0; i < d.rank; i++) t->dim[i] = d.dim[i];
    k->out[k->c.nout++] = data;
}

typedef struct call_job {
    jd_kernel *kernel;
    const jd_call *c;
} call_job;

static void call_member(void *user, const jd_worker *w)
{
    const call_job *j = user;
    j->kernel(j->c, w);
}

static inline void call_run(call *k, jd_kernel *kernel, int threads)
{
    k->c.in_type = k->in_type;
    k->c.out_type = k->out_type;
    k->c.in = k->in;
    k->c.out = k->out;
    if (k->c.op->scratch) {
        const size_t bytes = k->c.op->scratch(&k->c, threads);
        k->c.scratch = aligned(bytes);
        memset(k->c.scratch, 0xA5, bytes); /* its contents are undefined */
    }
    jd_team *team = jd_team_new(threads);
    jd_team_run(team, call_member, &(call_job){kernel, &k->c});
    jd_team_free(team);
    free(k->c.scratch);
    k->c.scratch = NULL;
}

/* The fast kernels of instruction set `i` (0, 1, 2) if this machine runs it; else NULL. */
static inline const jd_cpu *call_isa(int i)
{
    static const char *const name[] = {"scalar", "avx2", "avx512"};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .isa = name[i]});
    jd_ctx_free(ctx);
    return ctx ? jd__cpu_find(name[i]) : NULL;
}

#endif
