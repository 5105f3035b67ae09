/*
 * policy.c - recurrent policy gradients: episodes are played in step with each other by a plan for one time step, and
 * learned from, whole and ragged, by a plan that goes back through time.
 */
#include <math.h>
#include <string.h>

#include "base/given.h"
#include "jackdaw/layers.h"
#include "reward/play.h"

typedef struct net {
    jd_params *w;
    jd_fn *learn, *ask; /* ask: the policy acts, the baseline estimates */
} net;

struct jd_policy {
    jd_ctx *ctx;
    jd_policy_options o;
    jd_stage stage;
    net policy, baseline;
    jd_fn *gradient;
    int outputs; /* actions to choose from, or real numbers */
    jd_learning at;
    /* Acting: */
    int64_t n;    /* copies that the state is for */
    float *h, *c; /* (n,units) */
    jd_rng *rng;  /* (n) */
    bool greedy;
    /* Learning; buffers for `room` steps of `o.episodes` or more: */
    size_t room;
    float *obs, *ret, *advantage, *real; /* (T,n,...) */
    int32_t *choice;
};

/* ---- networks --------------------------------------------------------------------------------------------------------*/

/* x (T,B,input) -> (T,B,units); `last` are the states after it. */
static jd_node remember(jd_graph *g, const jd_policy *p, jd_node x, jd_node length, jd_node h, jd_node c,
                        jd_node last[2])
{
    const jd_policy_options *o = &p->o;
    const jd_init init = {.kind = o->init > 0 ? JD_INIT_UNIFORM : JD_INIT_ZERO, .scale = o->init};
    if (o->memory == JD_MEMORY_LSTM) {
        const jd_lstm_out y = jd_lstm_full(g, "lstm", x,
                                           (jd_lstm_options){.units = o->units,
                                                             .length = length,
                                                             .h0 = h,
                                                             .c0 = c,
                                                             .forget_bias = o->forget_bias,
                                                             .in_bias = o->in_bias,
                                                             .init = init});
        last[0] = y.hT, last[1] = y.cT;
        return y.y;
    }
    if (o->memory == JD_MEMORY_SRN) {
        const jd_rnn_out y =
            jd_srn_full(g, "srn", x, (jd_rnn_options){.units = o->units, .length = length, .h0 = h, .init = init});
        last[0] = y.hT, last[1] = JD_NONE;
        return y.y;
    }
    last[0] = last[1] = JD_NONE;
    return jd_dense(g, "units", x, .units = o->units, .act = JD_TANH, .init = init);
}

/* The parameters of real actions: their spread. */
static jd_node log_sigma(jd_graph *g, const jd_policy *p)
{
    return jd_param(g, "log_sigma", (jd_init){JD_INIT_CONST, .scale = log(p->o.sigma)}, JD_DIMS(p->outputs));
}

static void update(jd_graph *g, const jd_policy *p, jd_node loss)
{
    if (p->o.momentum > 0)
        jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = p->o.momentum, .clip = p->o.clip);
    else
        jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = p->o.clip);
}

static jd_node policy_loss(jd_graph *g, const jd_policy *p)
{
    jd_node last[2];
    const jd_node advantage = jd_arg(g, "advantage");
    const jd_node y = remember(g, p, jd_arg(g, "obs"), jd_arg(g, "length"), JD_NONE, JD_NONE, last);
    const jd_node out = jd_dense(g, "out", y, .units = p->outputs, .init = {JD_INIT_UNIFORM, .scale = .1});
    if (!p->stage.act.choices) return jd_gauss_policy_loss(g, out, log_sigma(g, p), jd_arg(g, "action"), advantage);
    jd_node loss = jd_policy_loss(g, out, jd_arg(g, "action"), advantage);
    if (p->o.entropy > 0) { /* the mask is real: steps past the end have none */
        const jd_node log_p = jd_log_softmax(g, out);
        const jd_node each = jd_sum(g, jd_mul(g, jd_exp(g, log_p), log_p), JD_AXIS(2), false);
        const jd_node mask = jd_time_mask(g, jd_arg(g, "length"), jd_dim(g, advantage, 0));
        const jd_node sum = jd_sum(g, jd_mul(g, each, mask), JD_ALL_AXES, false);
        loss = jd_add(g, loss, jd_affine(g, sum, p->o.entropy / (double)jd_dim(g, advantage, 1), 0));
    }
    return loss;
}

static void trace_learn(jd_graph *g, void *user)
{
    const jd_policy *p = user;
    jd_scope_push(g, "policy");
    const jd_node loss = policy_loss(g, p);
    update(g, p, loss);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void trace_gradient(jd_graph *g, void *user)
{
    const jd_policy *p = user;
    jd_scope_push(g, "policy");
    const jd_node loss = policy_loss(g, p);
    jd_scope_pop(g);
    jd_result(g, "gradient", jd_neg(g, jd_grad_params(g, loss)));
}

/* One step of n copies: "p" (n,choices) the probabilities, or "mean" and "sigma". */
static void trace_act(jd_graph *g, void *user)
{
    const jd_policy *p = user;
    jd_node last[2];
    jd_scope_push(g, "policy");
    const jd_node h = jd_has_arg(g, "h") ? jd_arg(g, "h") : JD_NONE, c = jd_has_arg(g, "c") ? jd_arg(g, "c") : JD_NONE;
    const jd_node y = remember(g, p, jd_arg(g, "obs"), JD_NONE, h, c, last);
    const jd_node out = jd_dense(g, "out", y, .units = p->outputs, .init = {JD_INIT_UNIFORM, .scale = .1});
    if (p->stage.act.choices) {
        jd_result(g, "p", jd_softmax(g, out));
    } else {
        jd_result(g, "p", jd_named(g, "mean", out));
        jd_result(g, "sigma", jd_exp(g, log_sigma(g, p)));
    }
    if (last[0].id) jd_result(g, "h", last[0]);
    if (last[1].id) jd_result(g, "c", last[1]);
    jd_scope_pop(g);
}

static jd_node estimate(jd_graph *g, const jd_policy *p)
{
    jd_node last[2];
    const jd_node y = remember(g, p, jd_arg(g, "obs"), jd_arg(g, "length"), JD_NONE, JD_NONE, last);
    const jd_node out = jd_dense(g, "out", y, .units = 1);
    return jd_reshape(g, out, JD_DIMS(jd_dim(g, out, 0), jd_dim(g, out, 1)));
}

/* "b" (T,n); with the input "ret" it learns. */
static void trace_baseline(jd_graph *g, void *user)
{
    const jd_policy *p = user;
    jd_scope_push(g, "baseline");
    const jd_node b = estimate(g, p);
    jd_result(g, "b", b);
    if (jd_has_arg(g, "ret")) {
        const jd_node ret = jd_arg(g, "ret"), mask = jd_time_mask(g, jd_arg(g, "length"), jd_dim(g, ret, 0));
        const jd_node error = jd_mul(g, jd_square(g, jd_sub(g, ret, b)), mask);
        const jd_node loss = jd_div(g, jd_sum(g, error, JD_ALL_AXES, false), jd_sum(g, mask, JD_ALL_AXES, false));
        update(g, p, loss);
        jd_result(g, "loss", loss);
    }
    jd_scope_pop(g);
}

/* ---- acting ----------------------------------------------------------------------------------------------------------*/

static int draw(const float *prob, int n, bool greedy, jd_rng *r)
{
    int best = 0;
    if (greedy) {
        for (int k = 1; k < n; k++)
            if (prob[k] > prob[best]) best = k;
        return best;
    }
    float u = jd_rng_uniform(r);
    for (int k = 0; k < n - 1; k++) {
        if (u < prob[k]) return k;
        u -= prob[k];
    }
    return n - 1;
}

static void act(void *user, int64_t t, const float *in, float *did)
{
    jd_policy *p = user;
    const int64_t n = p->n, H = p->o.units, A = p->outputs;
    const bool lstm = p->o.memory == JD_MEMORY_LSTM, srn = p->o.memory == JD_MEMORY_SRN;
    const size_t bytes = (size_t)(n * H) * sizeof(float);
    (void)t;
    const jd_tensor input[] = {JD_TENSOR("obs", JD_F32, in, 1, n, p->stage.input), JD_TENSOR("h", JD_F32, p->h, n, H),
                               JD_TENSOR("c", JD_F32, p->c, n, H)};
    if (jd_fn_run(p->policy.ask, input, lstm ? 3 : srn ? 2 : 1)) return;
    const float *prob = jd_fn_result(p->policy.ask, "p", NULL);
    if (lstm || srn) memcpy(p->h, jd_fn_result(p->policy.ask, "h", NULL), bytes);
    if (lstm) memcpy(p->c, jd_fn_result(p->policy.ask, "c", NULL), bytes);
    if (p->stage.act.choices) {
        for (int64_t i = 0; i < n; i++) did[i] = (float)draw(prob + i * A, (int)A, p->greedy, &p->rng[i]);
        return;
    }
    const float *sigma = jd_fn_result(p->policy.ask, "sigma", NULL);
    for (int64_t i = 0; i < n * A; i++)
        did[i] = p->greedy ? prob[i] : prob[i] + sigma[i % A] * (float)jd_rng_normal(&p->rng[i / A]);
}

static jd_status play(jd_policy *p, int64_t n, const jd_play_options *o)
{
    const size_t units = (size_t)(n * p->o.units);
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    if (p->n != n) {
        p->n = 0;
        jd_free(p->ctx, p->h);
        jd_free(p->ctx, p->c);
        jd_free(p->ctx, p->rng);
        p->h = jd_alloc_array(p->ctx, units, sizeof *p->h);
        p->c = jd_alloc_array(p->ctx, units, sizeof *p->c);
        p->rng = jd_alloc_array(p->ctx, (size_t)n, sizeof *p->rng);
        if (jd_error(p->ctx)) return jd_error(p->ctx);
        p->n = n;
    }
    memset(p->h, 0, units * sizeof *p->h);
    memset(p->c, 0, units * sizeof *p->c);
    for (int64_t i = 0; i < n; i++) p->rng[i] = jd_rng_new(p->o.seed, "policy/act", o->seed + (uint64_t)i);
    p->greedy = o->greedy;
    return jd__stage_play(&p->stage, n, o, act, p);
}

const jd_episodes *jd_policy_play(jd_policy *p, const jd_play_options *o)
{
    if (!p) return NULL;
    return play(p, o->episodes ? o->episodes : 1, o) ? NULL : &p->stage.e;
}

/* ---- learning --------------------------------------------------------------------------------------------------------*/

/* Lengths that plans are made for: four to an octave, so that few are. */
static int64_t padded(int64_t T)
{
    int64_t step = 4;
    while (8 * step < T) step *= 2;
    return (T + step - 1) / step * step;
}

static jd_status make_room(jd_policy *p, size_t cells)
{
    if (cells <= p->room) return JD_OK;
    void *const owned[] = {p->obs, p->ret, p->advantage, p->real, p->choice};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(p->ctx, owned[i]);
    p->room = 0;
    p->obs = jd_alloc_array(p->ctx, cells * (size_t)p->stage.input, sizeof *p->obs);
    p->ret = jd_alloc_array(p->ctx, cells, sizeof *p->ret);
    p->advantage = jd_alloc_array(p->ctx, cells, sizeof *p->advantage);
    p->real = jd_alloc_array(p->ctx, cells * (size_t)p->stage.act.size, sizeof *p->real);
    p->choice = jd_alloc_array(p->ctx, cells, sizeof *p->choice);
    if (!jd_error(p->ctx)) p->room = cells;
    return jd_error(p->ctx);
}

/* Copies the episodes just played into inputs of T steps; returns T, or 0 on error. */
static int64_t prepare(jd_policy *p)
{
    const jd_episodes *e = &p->stage.e;
    const int64_t T = padded(e->T), n = e->n;
    const size_t had = (size_t)(e->T * n), all = (size_t)(T * n), in = (size_t)e->input, A = (size_t)e->action;
    if (make_room(p, all)) return 0;
    memcpy(p->obs, e->obs, had * in * sizeof *p->obs);
    memset(p->obs + had * in, 0, (all - had) * in * sizeof *p->obs);
    memcpy(p->real, e->act, had * A * sizeof *p->real);
    memset(p->real + had * A, 0, (all - had) * A * sizeof *p->real);
    for (size_t i = 0; i < all; i++) p->choice[i] = i < had && p->stage.act.choices ? (int32_t)e->act[i * A] : -1;
    jd_returns(e->reward, e->length, e->T, n, p->o.discount, p->ret);
    memset(p->ret + had, 0, (all - had) * sizeof *p->ret);
    return T;
}

static void subtract(jd_policy *p, int64_t T, const float *b)
{
    const jd_episodes *e = &p->stage.e;
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < e->n; i++) {
            const int64_t k = t * e->n + i;
            p->advantage[k] = t < e->length[i] ? p->ret[k] - (b ? b[k] : 0) : 0;
        }
}

/* The mean return of the episodes still going on at each time. */
static void subtract_mean(jd_policy *p, int64_t T)
{
    const jd_episodes *e = &p->stage.e;
    subtract(p, T, NULL);
    for (int64_t t = 0; t < T; t++) {
        double sum = 0, n = 0;
        for (int64_t i = 0; i < e->n; i++)
            if (t < e->length[i]) sum += (double)p->ret[t * e->n + i], n++;
        for (int64_t i = 0; i < e->n; i++)
            if (t < e->length[i]) p->advantage[t * e->n + i] -= (float)(sum / n);
    }
}

static jd_status compare(jd_policy *p, jd_baseline kind, int64_t T, bool learn)
{
    const jd_episodes *e = &p->stage.e;
    const float rate = (float)p->o.baseline_rate;
    if (kind == JD_BASELINE_NONE) subtract(p, T, NULL);
    if (kind == JD_BASELINE_MEAN) subtract_mean(p, T);
    if (kind == JD_BASELINE_HISTORY) {
        const jd_tensor in[] = {JD_TENSOR("obs", JD_F32, p->obs, T, e->n, e->input),
                                JD_TENSOR("length", JD_I32, e->length, e->n), JD_TENSOR("ret", JD_F32, p->ret, T, e->n),
                                JD_SCALAR_F32("lr", &rate)};
        jd_fn *f = learn ? p->baseline.learn : p->baseline.ask;
        if (jd_fn_run(f, in, learn ? 4 : 2)) return jd_error(p->ctx);
        subtract(p, T, jd_fn_result(f, "b", NULL));
    }
    return jd_error(p->ctx);
}

/* Inputs of the policy's learning plan; returns how many. */
static int inputs(const jd_policy *p, int64_t T, const float *rate, jd_tensor *in)
{
    const jd_episodes *e = &p->stage.e;
    in[0] = JD_TENSOR("obs", JD_F32, p->obs, T, e->n, e->input);
    in[1] = JD_TENSOR("length", JD_I32, e->length, e->n);
    in[2] = JD_TENSOR("advantage", JD_F32, p->advantage, T, e->n);
    in[3] = p->stage.act.choices ? JD_TENSOR("action", JD_I32, p->choice, T, e->n)
                                 : JD_TENSOR("action", JD_F32, p->real, T, e->n, e->action);
    in[4] = JD_SCALAR_F32("lr", rate);
    return 5;
}

jd_status jd_policy_train(jd_policy *p, jd_learning *at)
{
    if (!p) return JD_EUSAGE;
    jd_tensor in[5];
    const float rate = (float)p->o.rate;
    /* The seeds of training are far from those that a caller is likely to test with. */
    const uint64_t seed = (p->o.seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)p->at.episodes;
    if (play(p, p->o.episodes, &(jd_play_options){.seed = seed, .time_limit = p->o.time_limit}))
        return jd_error(p->ctx);
    const int64_t T = prepare(p);
    if (!T || compare(p, p->o.baseline, T, true)) return jd_error(p->ctx);
    if (jd_fn_run(p->policy.learn, in, inputs(p, T, &rate, in))) return jd_error(p->ctx);
    if (!isfinite(jd_fn_scalar(p->policy.learn, "loss")))
        return jd_fail(p->ctx, JD_EDIVERGED, "policy: %s: the loss is not finite after %lld episodes; lower the rate",
                       p->o.env, (long long)p->at.episodes);
    const jd_episodes *e = &p->stage.e;
    double sum = 0, steps = 0;
    for (int64_t i = 0; i < e->n; i++) sum += jd_episode_return(e, i), steps += e->length[i];
    p->at.episodes += e->n;
    p->at.steps += (int64_t)steps;
    p->at.reward = sum / (double)e->n;
    p->at.length = steps / (double)e->n;
    if (at) *at = p->at;
    return JD_OK;
}

jd_status jd_policy_gradient(jd_policy *p, jd_baseline baseline, int64_t n, uint64_t seed, float *gradient)
{
    if (!p) return JD_EUSAGE;
    jd_tensor in[5];
    if (play(p, n, &(jd_play_options){.seed = seed, .time_limit = p->o.time_limit})) return jd_error(p->ctx);
    const int64_t T = prepare(p);
    if (!T || compare(p, baseline, T, false)) return jd_error(p->ctx);
    inputs(p, T, NULL, in);
    if (jd_fn_run(p->gradient, in, 4)) return jd_error(p->ctx);
    memcpy(gradient, jd_fn_result(p->gradient, "gradient", NULL), jd_params_count(p->policy.w) * sizeof *gradient);
    return jd_error(p->ctx);
}

/* ---- making ----------------------------------------------------------------------------------------------------------*/

static jd_status complain(jd_ctx *ctx, const jd_policy_options *o)
{
    const bool good = o->units >= 0 && o->units <= 4096 && o->episodes >= 0 && o->episodes <= 1 << 16 &&
                      o->time_limit >= 0 && o->discount >= 0 && o->discount <= 1 && o->rate >= 0 &&
                      o->baseline_rate >= 0 && o->momentum >= 0 && o->momentum < 1 && o->init >= 0 && o->sigma >= 0 &&
                      o->entropy >= 0;
    if (good) return JD_OK;
    return jd_fail(
        ctx, JD_EUSAGE,
        "policy: %lld units, %lld episodes, discount %g, rates %g and %g, momentum %g; units are at most 4096, "
        "episodes 65536, the discount 0..1, the momentum below 1, nothing negative",
        (long long)o->units, (long long)o->episodes, o->discount, o->rate, o->baseline_rate, o->momentum);
}

/* Parameters come into being when a function that uses them is traced. */
static jd_status make_parameters(jd_policy *p)
{
    const int64_t H = p->o.units, in = p->stage.input;
    const jd_tensor act[] = {JD_TENSOR("obs", JD_F32, NULL, 1, 1, in), JD_TENSOR("h", JD_F32, NULL, 1, H),
                             JD_TENSOR("c", JD_F32, NULL, 1, H)};
    const jd_tensor estimate[] = {JD_TENSOR("obs", JD_F32, NULL, 4, 1, in), JD_TENSOR("length", JD_I32, NULL, 1)};
    jd_fn_plan(p->policy.ask, act, p->o.memory == JD_MEMORY_LSTM ? 3 : p->o.memory == JD_MEMORY_SRN ? 2 : 1);
    jd_fn_plan(p->baseline.ask, estimate, 2);
    return jd_error(p->ctx);
}

jd_policy *jd_policy_new(jd_ctx *ctx, const jd_policy_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx) || complain(ctx, o)) return NULL;
    jd_policy *p = jd_alloc(ctx, sizeof *p);
    if (!p) return NULL;
    p->ctx = ctx;
    p->o = *o;
    if (!p->o.units) p->o.units = 12;
    if (!p->o.episodes) p->o.episodes = 32;
    if (!(p->o.discount > 0)) p->o.discount = 1;
    if (!(p->o.rate > 0)) p->o.rate = .01;
    if (!(p->o.baseline_rate > 0)) p->o.baseline_rate = .01;
    if (!(p->o.sigma > 0)) p->o.sigma = .5;
    if (!jd__stage_open(&p->stage, ctx, o->env, &o->env_options, o->see_action)) {
        p->outputs = p->stage.act.choices ? p->stage.act.choices : p->stage.act.size;
        p->policy = (net){.w = jd_params_new(ctx, JD_F32)};
        p->baseline = (net){.w = jd_params_new(ctx, JD_F32)};
        p->policy.learn = jd_fn_new(ctx, p->policy.w, trace_learn, p);
        p->policy.ask = jd_fn_new(ctx, p->policy.w, trace_act, p);
        p->gradient = jd_fn_new(ctx, p->policy.w, trace_gradient, p);
        p->baseline.learn = jd_fn_new(ctx, p->baseline.w, trace_baseline, p);
        p->baseline.ask = jd_fn_new(ctx, p->baseline.w, trace_baseline, p);
    }
    if (!jd_error(ctx) && !make_parameters(p)) return p;
    jd_policy_free(p);
    return NULL;
}

void jd_policy_free(jd_policy *p)
{
    if (!p) return;
    jd_fn *const fn[] = {p->policy.learn, p->policy.ask, p->gradient, p->baseline.learn, p->baseline.ask};
    for (size_t i = 0; i < sizeof fn / sizeof *fn; i++) jd_fn_free(fn[i]);
    jd_params_free(p->policy.w);
    jd_params_free(p->baseline.w);
    jd__stage_close(&p->stage);
    void *const owned[] = {p->h, p->c, p->rng, p->obs, p->ret, p->advantage, p->real, p->choice};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(p->ctx, owned[i]);
    jd_free(p->ctx, p);
}

jd_params *jd_policy_params(jd_policy *p)
{
    return p ? p->policy.w : NULL;
}
