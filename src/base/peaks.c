/* peaks.c - the machine's ceilings, on all threads of a context. */
#include <string.h>

#include "base/ctx.h"
#include "cpu/peak.h"
#include "jackdaw/bench.h"

enum { MAX_MEMBERS = 256, BURSTS = 5 };

typedef struct job {
    double (*fma)(int64_t rounds, float *sink);
    double (*read)(const float *data, int64_t count, int64_t rounds, float *sink);
    const float *data;        /* NULL: arithmetic */
    int64_t count, rounds;    /* floats a member */
    double rate[MAX_MEMBERS]; /* of each member by its own clock: cores may differ */
    float sink[MAX_MEMBERS];
} job;

static void work(void *user, const jd_worker *w)
{
    job *j = user;
    if (w->id >= MAX_MEMBERS) return;
    const double start = jd_now();
    const double done = j->data ? j->read(j->data + j->count * w->id, j->count, j->rounds, &j->sink[w->id])
                                : j->fma(j->rounds, &j->sink[w->id]);
    j->rate[w->id] = done / (jd_now() - start);
}

static double burst(jd_team *team, job *j)
{
    if (team)
        jd_team_run(team, work, j);
    else
        work(j, &(jd_worker){0, 1, NULL});
    double sum = 0;
    for (int i = 0; i < (team ? jd_team_count(team) : 1) && i < MAX_MEMBERS; i++) sum += j->rate[i];
    return sum;
}

/* The best rate of several bursts, each about `seconds` long. */
static double best(jd_team *team, job *j, double seconds)
{
    j->rounds = j->data ? 1 : 1000;
    for (;;) {
        const double start = jd_now();
        burst(team, j);
        const double took = jd_now() - start;
        if (took > seconds / 4) {
            j->rounds = (int64_t)((double)j->rounds * seconds / took) + 1;
            break;
        }
        j->rounds *= 4;
    }
    double top = 0;
    for (int i = 0; i < BURSTS; i++) {
        const double rate = burst(team, j);
        if (rate > top) top = rate;
    }
    return top;
}

static job kernels(const jd_ctx *ctx)
{
    (void)ctx; /* asked only where there are vector kernels */
    job j = {.fma = jd__fma_burst_scalar, .read = jd__read_burst_scalar};
#ifdef JD_HAVE_avx2
    if (!strcmp(ctx->isa, "avx2")) j = (job){.fma = jd__fma_burst_avx2, .read = jd__read_burst_avx2};
#endif
#ifdef JD_HAVE_avx512
    if (!strcmp(ctx->isa, "avx512")) j = (job){.fma = jd__fma_burst_avx512, .read = jd__read_burst_avx512};
#endif
#ifdef JD_HAVE_neon
    if (!strcmp(ctx->isa, "neon")) j = (job){.fma = jd__fma_burst_neon, .read = jd__read_burst_neon};
#endif
    return j;
}

double jd_measure_flops(jd_ctx *ctx, double seconds)
{
    job j = kernels(ctx);
    return best(ctx->threads > 1 ? jd__ctx_team(ctx) : NULL, &j, seconds);
}

jd_peaks jd_measure_peaks(jd_ctx *ctx, double seconds)
{
    static const int64_t KIB[3] = {256, 4096, 98304};
    jd_team *team = ctx->threads > 1 ? jd__ctx_team(ctx) : NULL;
    jd_peaks p = {.flops = jd_measure_flops(ctx, seconds)};
    double *rate[3] = {&p.l2, &p.l3, &p.dram};
    float *data = jd_alloc(ctx, (size_t)KIB[2] * 1024 * (size_t)ctx->threads);
    if (!data) return p;
    for (int i = 0; i < 3; i++) {
        job j = kernels(ctx);
        j.data = data;
        j.count = KIB[i] * 256;
        *rate[i] = best(team, &j, seconds);
    }
    jd_free(ctx, data);
    return p;
}
