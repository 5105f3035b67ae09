/*
 * stream.c - networks that are fed chunk by chunk.
 *
 * A chunk is cut into blocks of few sizes, each with a plan, so that any number of steps needs three plans and no more.
 * Results do not depend on where a sequence is cut, since each step's sums are the same chains (docs/architecture.md).
 */
#include "jackdaw/stream.h"

#include <math.h>
#include <string.h>

#include "jackdaw/device.h"
#include "layers/layers.h"

enum { SIZES = 3 };
static const int64_t BLOCK[SIZES] = {64, 8, 1};

/* One value that is carried on; before and after (SIZES): where it lies in each plan. */
typedef struct carried {
    jd_tensor tensor; /* its name is owned */
    size_t at, count; /* in the state */
    float *before[SIZES];
    const float *after[SIZES];
} carried;

struct jd_stream {
    jd_ctx *ctx;
    jd_fn *fn;
    char *net;
    bool softmax, on_device;
    jd_tensor x;      /* of one step */
    size_t x_bytes;   /* of one step */
    int64_t outputs;  /* of one step of one stream */
    size_t y_count;   /* of one step of all */
    carried *carried; /* (states) */
    int states;
    size_t state_count;
    float *state, *start, *saved; /* (state_count): now, at the beginning, before this chunk */
    jd_plan *plan[SIZES];
    void *x_at[SIZES];
    const float *y_at[SIZES];
    float *y;
    size_t y_room;
    float *scale[4]; /* mean, factor (columns); out_factor, out_shift (outputs); or NULL */
};

static void trace_net(jd_graph *g, void *user)
{
    const jd_stream *s = user;
    const jd_node y = jd__net_chunk(g, s->net, jd_arg(g, "x"));
    jd_result(g, "y", s->softmax ? jd_softmax(g, y) : y);
}

/* Takes up one value to be carried; its type has all dimensions. */
static jd_status take_state(jd_stream *s, const jd_tensor *t)
{
    carried *c = &s->carried[s->states];
    if (!t->name || t->type.dtype != JD_F32 || t->type.rank < 0 || t->type.rank > JD_MAX_RANK)
        return jd_fail(s->ctx, JD_EUSAGE, "jd_stream_new: state %d must have a name and a float32 type", s->states);
    c->tensor = (jd_tensor){jd_strdup(s->ctx, t->name), t->type, t->data};
    c->at = s->state_count;
    c->count = (size_t)jd_type_count(&t->type);
    s->states++;
    s->state_count += c->count;
    return jd_error(s->ctx);
}

static jd_status take_states(jd_stream *s, const jd_stream_options *o, int64_t B)
{
    jd__net_state list[JD_NET_STATES];
    const int n = o->net ? jd__net_states(s->ctx, o->net, list) : o->states;
    s->carried = n >= 0 ? jd_alloc_array(s->ctx, (size_t)n + 1, sizeof *s->carried) : NULL;
    for (int i = 0; i < n && !jd_error(s->ctx); i++)
        take_state(s, o->net ? &(jd_tensor){list[i].name, {JD_F32, 2, {B, list[i].size}}, NULL} : &o->state[i]);
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    s->state = jd_alloc_array(s->ctx, s->state_count, sizeof(float));
    s->start = jd_alloc_array(s->ctx, s->state_count, sizeof(float));
    s->saved = jd_alloc_array(s->ctx, s->state_count, sizeof(float));
    if (!s->state || !s->start || !s->saved) return jd_error(s->ctx);
    for (int i = 0; i < n; i++)
        if (s->carried[i].tensor.data)
            memcpy(s->start + s->carried[i].at, s->carried[i].tensor.data, s->carried[i].count * sizeof(float));
    return JD_OK;
}

static jd_status result_fits(jd_stream *s, const carried *c, const jd_type *t)
{
    bool same = t->dtype == JD_F32 && t->rank == c->tensor.type.rank;
    for (int i = 0; same && i < t->rank; i++) same = t->dim[i] == c->tensor.type.dim[i];
    return same ? JD_OK
                : jd_fail(s->ctx, JD_EUSAGE,
                          "jd_stream_new: the result \"%s\" has another shape than the input of that name",
                          c->tensor.name);
}

/* Where inputs and results lie in the plan for blocks of size k. */
static jd_status locate(jd_stream *s, int k)
{
    jd_type t;
    s->x_at[k] = jd_plan_input(s->plan[k], "x");
    s->y_at[k] = jd_plan_result(s->plan[k], "y", &t);
    if (!s->y_at[k]) return jd_error(s->ctx);
    if (t.dtype != JD_F32 || t.rank < 2 || t.dim[0] != BLOCK[k] || t.dim[1] != s->x.type.dim[1])
        return jd_fail(s->ctx, JD_EUSAGE, "jd_stream_new: the result \"y\" must be float32 (steps,streams,...)");
    s->y_count = (size_t)(jd_type_count(&t) / BLOCK[k]);
    s->outputs = jd_type_count(&t) / BLOCK[k] / t.dim[1];
    for (int i = 0; i < s->states; i++) {
        carried *c = &s->carried[i];
        c->before[k] = jd_plan_input(s->plan[k], c->tensor.name);
        c->after[k] = jd_plan_result(s->plan[k], c->tensor.name, &t);
        if (!c->before[k] || !c->after[k] || result_fits(s, c, &t)) return jd_error(s->ctx);
    }
    return JD_OK;
}

static jd_status make_plan(jd_stream *s, int k)
{
    jd_tensor *in = jd_alloc_array(s->ctx, (size_t)s->states + 1, sizeof *in);
    if (!in) return jd_error(s->ctx);
    in[0] = s->x;
    in[0].type.dim[0] = BLOCK[k];
    for (int i = 0; i < s->states; i++) in[1 + i] = s->carried[i].tensor;
    s->plan[k] = jd_fn_plan(s->fn, in, s->states + 1);
    jd_free(s->ctx, in);
    return s->plan[k] ? locate(s, k) : jd_error(s->ctx);
}

/* Copies of the options' vectors. */
static jd_status take_scales(jd_stream *s, const jd_stream_options *o)
{
    const float *const given[4] = {o->mean, o->factor, o->out_factor, o->out_shift};
    for (int i = 0; i < 4; i++) {
        const size_t n = (size_t)(i < 2 ? o->columns : s->outputs);
        if (!given[i / 2 * 2] || !given[i / 2 * 2 + 1]) continue;
        s->scale[i] = jd_alloc_array(s->ctx, n, sizeof(float));
        if (s->scale[i]) memcpy(s->scale[i], given[i], n * sizeof(float));
    }
    return jd_error(s->ctx);
}

static jd_status check_options(jd_ctx *ctx, const jd_params *params, const jd_stream_options *o)
{
    if (!params || !o || !o->net == !o->trace)
        return jd_fail(ctx, JD_EUSAGE, "jd_stream_new: needs parameters, and a network: .net, or .trace");
    if (jd_params_dtype(params) != JD_F32)
        return jd_fail(ctx, JD_EUSAGE, "jd_stream_new: the parameters are float64; streams compute in float32");
    if (o->columns < 0 || o->columns > INT32_MAX || o->count < 0 || o->count > INT32_MAX || o->states < 0 ||
        (o->states && !o->state))
        return jd_fail(ctx, JD_EUSAGE, "jd_stream_new: %lld columns, %lld streams, %d states; none may be negative",
                       (long long)o->columns, (long long)o->count, o->states);
    return JD_OK;
}

/* The plan for single steps shows at once what does not fit, and which parameters are missing. */
static jd_status begin(jd_stream *s, jd_params *params, const jd_stream_options *o)
{
    const int64_t B = o->count ? o->count : 1;
    const int before = jd_params_ranges(params);
    s->net = o->net ? jd_strdup(s->ctx, o->net) : NULL;
    s->softmax = o->softmax;
    s->on_device = strcmp(jd_ctx_device(s->ctx), "cpu") != 0;
    s->x = (jd_tensor){"x", {o->columns ? JD_F32 : JD_I32, o->columns ? 3 : 2, {1, B, o->columns}}, NULL};
    s->x_bytes = (size_t)B * (o->columns ? (size_t)o->columns * sizeof(float) : sizeof(int32_t));
    s->fn = jd_fn_new(s->ctx, params, o->net ? trace_net : o->trace, o->net ? s : o->user);
    if (jd_error(s->ctx) || take_states(s, o, B) || make_plan(s, SIZES - 1)) return jd_error(s->ctx);
    if (jd_params_ranges(params) != before)
        return jd_fail(
            s->ctx, JD_EUSAGE,
            "jd_stream_new: the parameter \"%s\" was not there and has random numbers now; load the model that "
            "this network was trained as",
            jd_params_range(params, before)->name);
    jd_stream_reset(s);
    return take_scales(s, o);
}

jd_stream *jd_stream_new(jd_ctx *ctx, jd_params *params, const jd_stream_options *o)
{
    if (jd_error(ctx) || check_options(ctx, params, o)) return NULL;
    jd_stream *s = jd_alloc(ctx, sizeof *s);
    if (!s) return NULL;
    s->ctx = ctx;
    if (!begin(s, params, o)) return s;
    jd_stream_free(s);
    return NULL;
}

void jd_stream_free(jd_stream *s)
{
    if (!s) return;
    jd_fn_free(s->fn);
    for (int i = 0; i < s->states; i++) jd_free(s->ctx, (void *)(uintptr_t)s->carried[i].tensor.name);
    jd_free(s->ctx, s->carried);
    jd_free(s->ctx, s->state);
    jd_free(s->ctx, s->start);
    jd_free(s->ctx, s->saved);
    jd_free(s->ctx, s->net);
    jd_free(s->ctx, s->y);
    for (int i = 0; i < 4; i++) jd_free(s->ctx, s->scale[i]);
    jd_free(s->ctx, s);
}

int64_t jd_stream_outputs(const jd_stream *s)
{
    return s ? s->outputs : 0;
}

/* n rows of numbers (n,N) as the net takes them. */
static void scaled_in(const jd_stream *s, const float *x, size_t n, size_t N, float *to)
{
    const float *mean = s->scale[0], *factor = s->scale[1];
    for (; n; n--, x += N, to += N)
        for (size_t k = 0; k < N; k++) to[k] = isnan(x[k]) ? 0 : (x[k] - mean[k]) * factor[k];
}

static void scaled_out(const jd_stream *s, const float *y, size_t n, size_t K, float *to)
{
    const float *factor = s->scale[2], *shift = s->scale[3];
    for (; n; n--, y += K, to += K)
        for (size_t k = 0; k < K; k++) to[k] = factor[k] * y[k] + shift[k];
}

static jd_status run_block(jd_stream *s, int k, const char *x, float *y)
{
    if (!s->plan[k] && make_plan(s, k)) return jd_error(s->ctx);
    const size_t rows = (size_t)(BLOCK[k] * s->x.type.dim[1]);
    if (s->x_at[k] && s->scale[0])
        scaled_in(s, (const float *)(const void *)x, rows, (size_t)s->x.type.dim[2], s->x_at[k]);
    else if (s->x_at[k])
        memcpy(s->x_at[k], x, (size_t)BLOCK[k] * s->x_bytes);
    for (int i = 0; i < s->states; i++)
        memcpy(s->carried[i].before[k], s->state + s->carried[i].at, s->carried[i].count * sizeof(float));
    /* On a device results are where the host can see them only when they were asked for after the run. */
    if (jd_plan_run(s->plan[k]) || (s->on_device && locate(s, k))) return jd_error(s->ctx);
    if (s->scale[2])
        scaled_out(s, s->y_at[k], rows, (size_t)s->outputs, y);
    else
        memcpy(y, s->y_at[k], (size_t)BLOCK[k] * s->y_count * sizeof *y);
    for (int i = 0; i < s->states; i++)
        memcpy(s->state + s->carried[i].at, s->carried[i].after[k], s->carried[i].count * sizeof(float));
    return JD_OK;
}

const float *jd_stream_feed(jd_stream *s, const void *x, int64_t steps)
{
    if (!s || jd_error(s->ctx)) return NULL;
    if (steps < 0 || (steps && !x)) {
        jd_fail(s->ctx, JD_EUSAGE, "jd_stream_feed: %lld steps%s", (long long)steps, x ? "" : " at NULL");
        return NULL;
    }
    const size_t need = (size_t)steps * s->y_count;
    if (need > s->y_room || !s->y) {
        float *y = jd_alloc_array(s->ctx, need + 1, sizeof *y);
        if (!y) return NULL;
        jd_free(s->ctx, s->y);
        s->y = y;
        s->y_room = need;
    }
    jd_stream_get_state(s, s->saved);
    for (int64_t t = 0, k = 0; t < steps;) {
        while (BLOCK[k] > steps - t) k++;
        if (run_block(s, (int)k, (const char *)x + (size_t)t * s->x_bytes, s->y + (size_t)t * s->y_count)) {
            jd_stream_set_state(s, s->saved);
            return NULL;
        }
        t += BLOCK[k];
    }
    return s->y;
}

void jd_stream_reset(jd_stream *s)
{
    if (s) jd_stream_set_state(s, s->start);
}

size_t jd_stream_state_size(const jd_stream *s)
{
    return s ? s->state_count : 0;
}

void jd_stream_get_state(const jd_stream *s, float *state)
{
    if (s) memcpy(state, s->state, s->state_count * sizeof *state);
}

void jd_stream_set_state(jd_stream *s, const float *state)
{
    if (s) memcpy(s->state, state, s->state_count * sizeof *state);
}
