/* ops.c - the driver: every operation against its reference, its gradient, its second derivative, and the clock. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/ctx.h"
#include "graph/offload.h"
#include "jackdaw/fn.h"
#include "jackdaw/selftest.h"
#include "ops/update.h"
#include "selftest/cases.h"

/* Elements of an input that are varied at most.  Cases with many elements are there for the fast kernels, and slow. */
enum { SAMPLES = 60, LARGE = 1000, SAMPLES_LARGE = 12 };

/* Decompositions of more instructions hold no op that others do not, and take minutes where a device is emulated. */
enum { MOST_SECOND = 1500 };
enum { MOST_MEMBERS = 16 };

/* Of a device's float32 results in exact precision: a normalised mean square error of 1e-10, far below the 1e-7 asked for. */
static const double DEVICE_TOLERANCE = 1e-5;

/* What is traced: the outputs and the gradients of their weighted sum L; L and its gradients without the outputs, which
 * lets more be fused; S, the weighted sum of those, and its gradients; L alone; S alone. */
typedef enum mode { M_OUTPUTS, M_GRADIENT, M_SECOND, M_VALUE, M_SECOND_VALUE } mode;

typedef struct probe {
    const op_case *c;
    mode mode;
    uint8_t *covered; /* per opcode */
    int outs;
} probe;

/* A fixed random weight for each element, so that no error cancels in a sum. */
static jd_node weigh(jd_graph *g, jd_node sum, jd_node x, const char *what, int k)
{
    char name[32];
    snprintf(name, sizeof name, "%s%d", what, k);
    const jd_node step = jd_reshape(g, jd_iota(g, 1), JD_SCALAR);
    const jd_node w = jd_affine(g, jd_random_uniform(g, name, step, jd__dims(jd_type_of(g, x))), 2, -1);
    const jd_node s = jd_sum(g, jd_mul(g, x, w), JD_ALL_AXES, false);
    return sum.id ? jd_add(g, sum, s) : s;
}

/* Adds the case and what the mode asks for.  The sum is the result "value", the gradients are "d0", "d1"... */
static void trace_probe(jd_graph *g, void *user)
{
    probe *p = user;
    jd_node out[CASE_OUTS], wrt[CASE_INPUTS], d[CASE_INPUTS], value = JD_NONE;
    int n = 0;
    p->outs = p->c->build(g, out);
    for (int i = 0; i < CASE_INPUTS && p->c->in[i].name; i++)
        if (!p->c->in[i].below) wrt[n++] = jd_arg(g, p->c->in[i].name);
    for (int k = 0; k < p->outs; k++) {
        char name[16];
        snprintf(name, sizeof name, "out%d", k);
        if (p->mode == M_OUTPUTS) jd_result(g, name, out[k]);
        value = weigh(g, value, out[k], "weight", k);
    }
    if (p->mode == M_SECOND || p->mode == M_SECOND_VALUE) {
        jd_node s = JD_NONE;
        jd_grad(g, value, JD_NONE, wrt, n, d);
        for (int i = 0; i < n; i++)
            if (d[i].id) s = weigh(g, s, d[i], "second", i);
        value = s;
    }
    jd_result(g, "value", value);
    if (p->mode == M_VALUE || p->mode == M_SECOND_VALUE) return;
    jd_grad(g, value, JD_NONE, wrt, n, d);
    for (int i = 0; i < n && !p->c->no_gradient; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i);
        jd_result(g, name, d[i].id ? d[i] : jd_const(g, 0, jd__dims(jd_type_of(g, wrt[i]))));
    }
    for (uint32_t o = 0; o < g->nop; o++) p->covered[g->op[o].code] = 1;
}

/* The inputs of a case, in float64, float32 and int32. */
typedef struct values {
    int n;
    jd_tensor in[CASE_INPUTS];
    double *real[CASE_INPUTS];
    float *single[CASE_INPUTS];
    int32_t *whole[CASE_INPUTS];
} values;

static void fill(jd_ctx *ctx, const op_case *c, values *v)
{
    jd_rng r = jd_rng_new(7, c->name, 0);
    memset(v, 0, sizeof *v);
    for (; v->n < CASE_INPUTS && c->in[v->n].name; v->n++) {
        const case_input *ci = &c->in[v->n];
        jd_type t = {JD_F64, ci->shape.rank, {0}};
        memcpy(t.dim, ci->shape.dim, sizeof t.dim);
        const size_t n = (size_t)jd__count(&t);
        v->real[v->n] = jd_alloc_array(ctx, n, sizeof(double));
        v->single[v->n] = jd_alloc_array(ctx, n, sizeof(float));
        v->whole[v->n] = jd_alloc_array(ctx, n, sizeof(int32_t));
        if (jd_error(ctx)) return;
        for (size_t i = 0; i < n; i++) {
            double x = ci->low + (ci->high - ci->low) * jd_rng_uniform64(&r);
            /* On a grid of its own for each input: away from 0 and from the other inputs. */
            if (c->kink > 0) x = round(x / (4 * c->kink)) * 4 * c->kink + (v->n + 0.5) * c->kink;
            v->single[v->n][i] = (float)x;
            v->real[v->n][i] = (double)v->single[v->n][i];
            v->whole[v->n][i] = ci->values  ? ci->values[i]
                                : ci->below ? (int32_t)jd_rng_below(&r, (uint32_t)ci->below)
                                            : 0;
        }
        v->in[v->n] = (jd_tensor){ci->name, t, v->real[v->n]};
        if (ci->below) {
            v->in[v->n].type.dtype = JD_I32;
            v->in[v->n].data = v->whole[v->n];
        }
    }
}

static void drop(jd_ctx *ctx, values *v)
{
    for (int i = 0; i < CASE_INPUTS; i++) {
        jd_free(ctx, v->real[i]);
        jd_free(ctx, v->single[i]);
        jd_free(ctx, v->whole[i]);
    }
}

static void use_type(values *v, jd_dtype t)
{
    for (int i = 0; i < v->n; i++) {
        if (v->in[i].type.dtype == JD_I32) continue;
        v->in[i].type.dtype = t;
        v->in[i].data = t == JD_F64 ? (const void *)v->real[i] : (const void *)v->single[i];
    }
}

static double at(const void *data, jd_dtype t, int64_t i)
{
    return t == JD_F64   ? ((const double *)data)[i]
           : t == JD_F32 ? (double)((const float *)data)[i]
                         : (double)((const int32_t *)data)[i];
}

/* ||a - b|| / max(||a||, ||b||, 1e-6); infinities of one sign agree.  The floor is above the rounding noise of differences. */
static double distance(const void *a, jd_dtype at_, const void *b, jd_dtype bt, int64_t n)
{
    double diff = 0, na = 0, nb = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = at(a, at_, i), y = at(b, bt, i);
        if (isinf(x) && isinf(y) && (x > 0) == (y > 0)) continue;
        diff += (x - y) * (x - y);
        na += x * x;
        nb += y * y;
    }
    const double scale = fmax(fmax(sqrt(na), sqrt(nb)), 1e-6);
    return sqrt(diff) / scale;
}

static int64_t elements(const values *v)
{
    int64_t n = 0;
    for (int i = 0; i < v->n; i++) n += jd__count(&v->in[i].type);
    return n;
}

/* The four-point difference of "value" at element e of input i. */
static double difference(jd_fn *value, values *v, int i, int64_t e)
{
    static const double STEP[] = {-2, -1, 1, 2};
    const double x = v->real[i][e], h = 1e-3 * fmax(1, fabs(x));
    double y[4];
    for (int q = 0; q < 4; q++) {
        v->real[i][e] = x + STEP[q] * h;
        jd_fn_run(value, v->in, v->n);
        y[q] = jd_fn_scalar(value, "value");
    }
    v->real[i][e] = x;
    return (8 * (y[2] - y[1]) - (y[3] - y[0])) / (12 * h); /* in pairs: exactly 0 where the value does not change */
}

/* The gradients of p's mode in float64 against differences of the value alone. */
static double check_gradient(jd_ctx *ctx, jd_fn *f, const probe *p, values *v)
{
    probe alone = {p->c, p->mode == M_SECOND ? M_SECOND_VALUE : M_VALUE, p->covered, 0};
    jd_fn *value = jd_fn_new(ctx, NULL, trace_probe, &alone);
    const int64_t most = elements(v) > LARGE ? SAMPLES_LARGE : SAMPLES;
    double worst = 0, exact[SAMPLES], differences[SAMPLES];
    jd_rng r = jd_rng_new(8, p->c->name, 1);
    jd_fn_run(f, v->in, v->n);
    for (int i = 0, k = 0; i < v->n && !jd_error(ctx); i++) {
        if (v->in[i].type.dtype == JD_I32) continue;
        char name[16];
        snprintf(name, sizeof name, "d%d", k++);
        const int64_t n = jd__count(&v->in[i].type), count = n < most ? n : most;
        const double *d = jd_fn_result(f, name, NULL);
        for (int64_t s = 0; s < count && d; s++) {
            const int64_t e = n <= most ? s : (int64_t)jd_rng_below(&r, (uint32_t)n);
            exact[s] = d[e];
            differences[s] = difference(value, v, i, e);
        }
        const double err = d ? distance(exact, JD_F64, differences, JD_F64, count) : NAN;
        if (!(err <= worst)) worst = err;
    }
    jd_fn_free(value);
    return worst;
}

static double compare_results(jd_fn *fast, jd_fn *reference, const probe *p, const values *v)
{
    double worst = 0;
    char name[16];
    for (int k = 0; k < p->outs + v->n; k++) {
        jd_type ta, tb;
        if (k < p->outs)
            snprintf(name, sizeof name, "out%d", k);
        else
            snprintf(name, sizeof name, "d%d", k - p->outs);
        int reals = 0;
        for (int i = 0; i < v->n; i++) reals += v->in[i].type.dtype != JD_I32;
        if (k >= p->outs && (p->c->no_gradient || k - p->outs >= reals)) break;
        const void *a = jd_fn_result(fast, name, &ta), *b = jd_fn_result(reference, name, &tb);
        if (!a || !b) return NAN;
        const double err = distance(a, ta.dtype, b, tb.dtype, jd__count(&ta));
        if (!(err <= worst)) worst = err;
    }
    return worst;
}

static uint64_t bits_of_outputs(jd_fn *f, const probe *p)
{
    uint64_t bits = 0;
    for (int k = 0; k < p->outs; k++) {
        char name[16];
        jd_type t;
        snprintf(name, sizeof name, "out%d", k);
        const void *out = jd_fn_result(f, name, &t);
        if (out) bits = XXH3_64bits_withSeed(out, (size_t)jd__count(&t) * jd_dtype_size(t.dtype), bits);
    }
    return bits;
}

/* Whether members that get very different shares of the work give other bits. */
static bool shares_matter(jd_ctx *ctx, jd_fn *f, const probe *p, const values *v)
{
    jd_team *team = ctx->threads > 1 && !ctx->device ? jd__ctx_team(ctx) : NULL;
    if (!team || ctx->threads > MOST_MEMBERS) return false;
    const uint64_t bits = bits_of_outputs(f, p);
    double part[MOST_MEMBERS], left = 1;
    for (int i = 0; i < ctx->threads; i++) {
        part[i] = i + 1 < ctx->threads ? 0.7 * left : left;
        left -= part[i];
    }
    jd_team_fix(team, part);
    jd_fn_run(f, v->in, v->n);
    jd_team_fix(team, NULL);
    return bits_of_outputs(f, p) != bits;
}

/* Notes what the plan reaches; returns how many of its instructions run on the CPU though there is a device. */
static int mark_plan(jd_fn *f, const values *v, uint8_t *covered)
{
    const jd_plan *p = jd_fn_plan(f, v->in, v->n);
    for (int i = 0; p && i < p->ninstr; i++) covered[p->instr[i].code] = 1;
    return p && p->off ? p->off->fallbacks : 0;
}

static double time_run(jd_ctx *ctx, jd_fn *f, const values *v)
{
    jd_plan *p = jd_fn_plan(f, v->in, v->n);
    double best = INFINITY;
    for (int round = 0; p && round < 5; round++) {
        const double start = jd_now();
        for (int i = 0; i < 20; i++) jd_plan_run(p);
        best = fmin(best, (jd_now() - start) / 20);
    }
    return jd_error(ctx) ? 0 : best;
}

/* The second derivative in float32, on the device, against that in float64. */
static double compare_second(jd_ctx *ctx, jd_fn *f, const probe *p, values *v)
{
    const probe gradients = {p->c, p->mode, p->covered, 0};
    jd_fn *reference = jd_fn_new(ctx, NULL, trace_probe, (void *)(uintptr_t)p);
    double error = NAN;
    use_type(v, JD_F32);
    const jd_plan *plan = jd_fn_plan(f, v->in, v->n);
    if (plan && plan->ninstr > MOST_SECOND) {
        jd_fn_free(reference);
        return -1;
    }
    jd_fn_run(f, v->in, v->n);
    mark_plan(f, v, p->covered);
    use_type(v, JD_F64);
    jd_fn_run(reference, v->in, v->n);
    if (!jd_error(ctx)) error = compare_results(f, reference, &gradients, v);
    jd_fn_free(reference);
    return error;
}

static void run_case(jd_ctx *ctx, const op_case *c, bool timed, uint8_t *covered, jd_selftest_line *l)
{
    values v;
    bool uneven = false;
    probe p = {c, M_OUTPUTS, covered, 0}, gradient = {c, M_GRADIENT, covered, 0}, second = {c, M_SECOND, covered, 0};
    *l = (jd_selftest_line){.name = c->name, .gradient_error = -1, .second_error = -1, .message = ""};
    fill(ctx, c, &v);
    jd_fn *fast = jd_fn_new(ctx, NULL, trace_probe, &p), *reference = jd_fn_new(ctx, NULL, trace_probe, &p);
    jd_fn *d1 = jd_fn_new(ctx, NULL, trace_probe, &gradient), *d2 = jd_fn_new(ctx, NULL, trace_probe, &second);
    if (!jd_error(ctx)) {
        use_type(&v, JD_F32);
        jd_fn_run(fast, v.in, v.n);
        l->fallbacks = mark_plan(fast, &v, covered);
        uneven = shares_matter(ctx, fast, &p, &v);
        if (timed) l->fast_seconds = time_run(ctx, fast, &v);
        use_type(&v, JD_F64);
        jd_fn_run(reference, v.in, v.n);
        if (timed) l->reference_seconds = time_run(ctx, reference, &v);
        if (!jd_error(ctx)) l->forward_error = compare_results(fast, reference, &p, &v);
        /* On a device the gradients are among the results compared; the rules are checked in float64, on the CPU. */
        if (!c->no_gradient && !ctx->device) l->gradient_error = check_gradient(ctx, d1, &gradient, &v);
        if (c->second)
            l->second_error = ctx->device ? compare_second(ctx, d2, &second, &v) : check_gradient(ctx, d2, &second, &v);
    }
    jd_fn_free(fast);
    jd_fn_free(reference);
    jd_fn_free(d1);
    jd_fn_free(d2);
    drop(ctx, &v);
    double tolerance = c->tolerance > 0 ? c->tolerance : 2e-6;
    if (ctx->device && tolerance < 1e-4) tolerance = DEVICE_TOLERANCE;
    l->passed = !jd_error(ctx) && !uneven && l->forward_error <= tolerance && l->gradient_error <= 1e-6 &&
                l->second_error <= 1e-5;
    if (jd_error(ctx))
        l->message = jd_error_message(ctx);
    else if (uneven)
        l->message = "other bits where the threads' shares are uneven";
    else if (!(l->forward_error <= tolerance))
        l->message = "float32 differs from the float64 reference";
    else if (!(l->gradient_error <= 1e-6))
        l->message = "the gradient differs from finite differences";
    else if (!(l->second_error <= 1e-5))
        l->message = "the second derivative differs from finite differences";
}

/* ---- updates: three steps in float32 against the same in float64 -------------------------------------------------------*/

static const char *const RULE[] = {"update_sgd",         "update_sgd momentum", "update_sgd nesterov",
                                   "update_adam",        "update_rmsprop",      "update_rprop",
                                   "update_sgd clipped", "matmul_update",       "exchange"};
enum { RULES = sizeof RULE / sizeof *RULE };

typedef struct updater {
    int rule;
    uint8_t *covered;
} updater;

static void trace_update(jd_graph *g, void *user)
{
    const updater *u = user;
    const jd_node x = jd_arg(g, "x"), lr = jd_const(g, 0.05, JD_SCALAR);
    const jd_node y = jd_tanh(g, jd_dense(g, "layer", x, .units = 6));
    const jd_node loss = jd_mean(g, jd_square(g, jd_affine(g, y, 1, -0.5)), JD_ALL_AXES, false);
    if (u->rule == 0)
        jd_result(g, "gradient", jd_grad_params(g, loss)); /* somebody looks: no fusing with the product */
    switch (u->rule) {
    case 1: jd_update_sgd(g, loss, lr, .momentum = 0.9); break;
    case 2: jd_update_sgd(g, loss, lr, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01); break;
    case 3: jd_update_adam(g, loss, lr, 0); break;
    case 4: jd_update_rmsprop(g, loss, lr, 0); break;
    case 5: jd_update_rprop(g, loss, lr, 0); break;
    case 6: jd_update_sgd(g, loss, lr, .clip = 0.01); break;
    case 8: jd_result(g, "mean", jd__exchange(g, jd_grad_params(g, loss), NULL)); break;
    default: jd_update_sgd(g, loss, lr, 0); break;
    }
    jd_result(g, "loss", loss);
    for (uint32_t o = 0; o < g->nop; o++) u->covered[g->op[o].code] = 1;
}

static void run_update(jd_ctx *ctx, int rule, uint8_t *covered, jd_selftest_line *l)
{
    static const op_case inputs = {"update", {{"x", JD_DIMS(4, 5), -1, 1, 0, 0}}, NULL, .no_gradient = true};
    values v;
    updater u = {rule, covered};
    jd_params *w[2];
    *l = (jd_selftest_line){.name = RULE[rule], .gradient_error = -1, .second_error = -1, .message = ""};
    fill(ctx, &inputs, &v);
    for (int k = 0; k < 2; k++) {
        const jd_dtype t = k ? JD_F64 : JD_F32;
        w[k] = jd_params_new(ctx, t);
        jd_fn *f = jd_fn_new(ctx, w[k], trace_update, &u);
        use_type(&v, t);
        for (int s = 0; s < 3 && f; s++) jd_fn_run(f, v.in, v.n);
        if (f && !k) l->fallbacks = mark_plan(f, &v, covered);
        jd_fn_free(f);
    }
    if (!jd_error(ctx))
        l->forward_error =
            distance(jd_params_data(w[0]), JD_F32, jd_params_data(w[1]), JD_F64, (int64_t)jd_params_count(w[0]));
    jd_params_free(w[0]);
    jd_params_free(w[1]);
    drop(ctx, &v);
    l->passed = !jd_error(ctx) && l->forward_error <= 1e-5;
    l->message = jd_error(ctx) ? jd_error_message(ctx)
                 : l->passed   ? ""
                               : "float32 differs from float64 after three steps";
}

/* ---- all -----------------------------------------------------------------------------------------------------------------*/

static bool wanted(const jd_selftest_options *o, const char *name)
{
    return !o->only || strstr(name, o->only);
}

static void report(jd_ctx *ctx, const jd_selftest_options *o, const jd_selftest_line *l, int *cases, int *failed)
{
    ++*cases;
    if (!l->passed) ++*failed;
    if (o->line) o->line(o->user, l);
    jd_error_clear(ctx);
}

int jd_selftest_ops(jd_ctx *ctx, const jd_selftest_options *o, int *cases)
{
    uint8_t covered[JD_OP_COUNT] = {0};
    const op_case *const list[] = {jd__cases_basic, jd__cases_fused, jd__cases_mdlstm, jd__cases_convlstm};
    jd_selftest_line l;
    int failed = 0;
    *cases = 0;
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        for (const op_case *c = list[k]; c->name; c++) {
            if (!wanted(o, c->name)) continue;
            run_case(ctx, c, o->timed, covered, &l);
            report(ctx, o, &l, cases, &failed);
        }
    for (int k = 0; k < RULES; k++) {
        if (!wanted(o, RULE[k])) continue;
        run_update(ctx, k, covered, &l);
        report(ctx, o, &l, cases, &failed);
    }
    for (int k = 0; k < JD_OP_COUNT && !o->only; k++) {
        /* Leaves for parameters and states are reached through the updates. */
        if (covered[k]) continue;
        l = (jd_selftest_line){.name = jd__ops[k]->name,
                               .gradient_error = -1,
                               .second_error = -1,
                               .message = "no case reaches this operation"};
        report(ctx, o, &l, cases, &failed);
    }
    return failed;
}
