/*
 * population.c - many small networks: weights and states in blocks of 16 lanes, blocks shared out to the threads.
 */
#include <string.h>

#include "base/given.h"
#include "search/population.h"

static bool within(int x, int low)
{
    return x >= low && x <= JD_NET_MAX;
}

static bool valid(const jd_net_shape *n)
{
    const bool outputs = !n->direct || (n->outputs == n->hidden && !n->no_output_bias);
    return within(n->inputs, 1) && within(n->hidden, 0) && within(n->outputs, 1) && outputs && n->bias >= -1e6 &&
           n->bias <= 1e6;
}

jd_lane_net jd__lane_net(const jd_net_shape *n)
{
    return (jd_lane_net){.inputs = n->inputs,
                         .hidden = n->hidden,
                         .outputs = n->outputs,
                         .feedback = n->feed_forward ? 0 : n->hidden,
                         .out_bias = !n->no_output_bias,
                         .direct = n->direct,
                         .logistic = n->logistic};
}

size_t jd_net_weights(const jd_net_shape *shape)
{
    if (!shape || !valid(shape)) return 0;
    const jd_lane_net n = jd__lane_net(shape);
    const int seen = n.hidden ? n.hidden : n.inputs;
    const int hidden = n.hidden * (1 + n.inputs + n.feedback);
    return (size_t)(hidden + (n.direct ? 0 : n.outputs * (n.out_bias + seen)));
}

void jd_net_segments(const jd_net_shape *shape, uint32_t *segment)
{
    if (!shape || !valid(shape)) return;
    const jd_lane_net n = jd__lane_net(shape);
    for (int j = 0; j < n.hidden; j++)
        for (int k = 0; k < 1 + n.inputs + n.feedback; k++) *segment++ = (uint32_t)j;
    for (int o = 0; !n.direct && o < n.outputs; o++) {
        const int seen = n.hidden ? n.hidden : n.inputs;
        if (n.out_bias) *segment++ = (uint32_t)(n.hidden ? n.hidden : o);
        for (int k = 0; k < seen; k++) *segment++ = (uint32_t)(n.hidden ? k : o);
    }
}

void jd__net_lane(const jd_net_shape *shape, const double *weights, float *block, int lane)
{
    const jd_lane_net n = jd__lane_net(shape);
    const float bias = shape->bias == 0 ? 1 : (float)shape->bias;
    float *w = block + lane;
    for (int j = 0; j < n.hidden + (n.direct ? 0 : n.outputs); j++) {
        const bool out = j >= n.hidden;
        if (!out || n.out_bias) { /* the bias input is a constant, so its weight carries it */
            *w = (float)*weights++ * bias;
            w += JD_LANES;
        }
        const int rest = out ? (n.hidden ? n.hidden : n.inputs) : n.inputs + n.feedback;
        for (int k = 0; k < rest; k++, w += JD_LANES) *w = (float)*weights++;
    }
}

const jd_control *jd__control_find(const char *isa)
{
    static const jd_control *const all[] = {
#ifdef JD_HAVE_avx2
        &jd__control_avx2,
#endif
#ifdef JD_HAVE_avx512
        &jd__control_avx512,
#endif
#ifdef JD_HAVE_neon
        &jd__control_neon,
#endif
        &jd__control_scalar,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i]->name, isa)) return all[i];
    return &jd__control_scalar;
}

/* ---- a population ------------------------------------------------------------------------------------------------------*/

jd_population *jd_population_new(jd_ctx *ctx, const jd_net_shape *shape, size_t count)
{
    if (!jd__given(ctx, __func__, "shape", shape)) return NULL;
    if (jd_error(ctx)) return NULL;
    const size_t W = jd_net_weights(shape);
    if (!W || !count || count > SIZE_MAX / 2) {
        jd_fail(
            ctx, JD_EUSAGE,
            "population: %zu networks of %d inputs, %d hidden units, %d outputs, bias %g; give at least one network, "
            "and 1 to %d inputs and outputs, 0 to %d hidden units, with `direct` as many as outputs",
            count, shape->inputs, shape->hidden, shape->outputs, shape->bias, JD_NET_MAX, JD_NET_MAX);
        return NULL;
    }
    jd_population *p = jd_alloc(ctx, sizeof *p);
    if (!p) return NULL;
    p->ctx = ctx;
    p->shape = *shape;
    p->net = jd__lane_net(shape);
    p->control = jd__control_find(ctx->isa);
    p->count = count;
    p->blocks = (count + JD_LANES - 1) / JD_LANES;
    p->W = W;
    p->w = jd_alloc_array(ctx, p->blocks, W * JD_LANES * sizeof *p->w);
    p->h = jd_alloc_array(ctx, p->blocks, (2 * (size_t)shape->hidden + 1) * JD_LANES * sizeof *p->h);
    if (!jd_error(ctx)) {
        jd__population_offload(p);
        return p;
    }
    jd_population_free(p);
    return NULL;
}

void jd_population_free(jd_population *p)
{
    if (!p) return;
    jd__population_device_free(p);
    jd_free(p->ctx, p->w);
    jd_free(p->ctx, p->h);
    jd_free(p->ctx, p);
}

jd_status jd_population_set(jd_population *p, size_t first, size_t n, const double *weights)
{
    if (!p) return JD_EUSAGE;
    if (first > p->count || n > p->count - first)
        return jd_fail(p->ctx, JD_EUSAGE, "population: networks %zu .. %zu of %zu do not exist", first, first + n,
                       p->count);
    p->weights_newer = true;
    for (size_t i = 0; i < n; i++) {
        const size_t at = first + i;
        jd__net_lane(&p->shape, weights + i * p->W, p->w + at / JD_LANES * p->W * JD_LANES, (int)(at % JD_LANES));
    }
    return jd_error(p->ctx);
}

void jd_population_reset(jd_population *p)
{
    if (!p) return;
    p->states_newer = true;
    memset(p->h, 0, p->blocks * (2 * (size_t)p->net.hidden + 1) * JD_LANES * sizeof *p->h);
}

const char *jd_population_kernel(const jd_population *p)
{
    return p && p->kernel ? p->kernel : "CPU";
}

size_t jd_population_stride(const jd_population *p)
{
    return p ? p->blocks * JD_LANES : 0;
}

typedef struct job {
    jd_population *p;
    int64_t T;
    const float *x;
    float *y;
    bool hold, last;
} job;

static void run_share(void *user, const jd_worker *w)
{
    const job *j = user;
    jd_population *p = j->p;
    const size_t stride = p->blocks * JD_LANES;
    jd_lane_net net = p->net;
    net.stride = stride;
    size_t begin, end;
    jd_share(w, p->blocks, 1, &begin, &end);
    p->control->net(&net, end - begin, p->w + begin * p->W * JD_LANES,
                    p->h + begin * (2 * (size_t)net.hidden + 1) * JD_LANES, j->T, j->x + begin * JD_LANES,
                    j->hold ? 0 : (size_t)net.inputs * stride, j->y + begin * JD_LANES,
                    j->last ? 0 : (size_t)net.outputs * stride);
}

jd_status jd_population_run(jd_population *p, int64_t T, const float *x, bool hold, float *y, bool last)
{
    if (!p) return JD_EUSAGE;
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    if (T < 1) return jd_fail(p->ctx, JD_EUSAGE, "population: %lld steps; give at least 1", (long long)T);
    if (p->kernel) return jd__population_run_there(p, T, x, hold, y, last);
    job j = {p, T, x, y, hold, last};
    /* Below about 50 microseconds of work a team does not pay. */
    const bool large = (double)p->blocks * (double)p->W * (double)T > 2e5;
    jd_team *team = large && p->ctx->threads > 1 ? jd__ctx_team(p->ctx) : NULL;
    if (team)
        jd_team_run(team, run_share, &j);
    else
        run_share(&j, &(jd_worker){0, 1, NULL});
    return jd_error(p->ctx);
}
