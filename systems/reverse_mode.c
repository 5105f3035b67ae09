/* reverse_mode.c - counting, rounding errors and times of reverse mode. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control.h"
#include "reverse_mode.h"

/* ---- Speelpenning's product ---------------------------------------------------------------------------------------------*/

typedef enum product_kind { FUNCTION, REVERSE, TANGENT } product_kind;
typedef struct product {
    int64_t n;
    product_kind kind;
} product;

/* x (n) -> the product, halving the vector again and again; with dx also the derivative along dx. */
static jd_node tree(jd_graph *g, jd_node x, int64_t n, jd_node *dx)
{
    for (; n > 1; n /= 2) {
        const jd_node a = jd_slice(g, x, 0, 0, n / 2), b = jd_slice(g, x, 0, n / 2, n / 2);
        if (dx) {
            const jd_node da = jd_slice(g, *dx, 0, 0, n / 2), db = jd_slice(g, *dx, 0, n / 2, n / 2);
            *dx = jd_add(g, jd_mul(g, da, b), jd_mul(g, a, db));
        }
        x = jd_mul(g, a, b);
    }
    return x;
}

static void trace_product(jd_graph *g, void *user)
{
    const product *p = user;
    const jd_node x = jd_arg(g, "x");
    jd_node dx = p->kind == TANGENT ? jd_arg(g, "dx") : JD_NONE, grad;
    const jd_node y = tree(g, x, p->n, p->kind == TANGENT ? &dx : NULL);
    jd_result(g, "y", y);
    if (p->kind == TANGENT) jd_result(g, "dy", dx);
    if (p->kind != REVERSE) return;
    jd_grad(g, y, JD_NONE, &x, 1, &grad);
    jd_result(g, "gradient", grad);
}

static double count_product(jd_ctx *ctx, jd_params *none, int64_t n, product_kind kind)
{
    product p = {n, kind};
    jd_fn *f = jd_fn_new(ctx, none, trace_product, &p);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, NULL, n), JD_TENSOR("dx", JD_F64, NULL, n)};
    jd_plan *plan = f ? jd_fn_plan(f, in, kind == TANGENT ? 2 : 1) : NULL;
    const double count = plan ? jd_plan_describe(plan).operations : (double)NAN;
    jd_fn_free(f);
    return count;
}

/* The gradient's largest relative error, against products of all other factors. */
static double check_product(jd_ctx *ctx, jd_params *none, int64_t n, bool zero)
{
    product p = {n, REVERSE};
    jd_fn *f = jd_fn_new(ctx, none, trace_product, &p);
    double *x = jd_alloc_array(ctx, (size_t)n, sizeof *x), *after = jd_alloc_array(ctx, (size_t)n + 1, sizeof *x);
    jd_rng rng = jd_rng_new(jd_ctx_seed(ctx), "speelpenning", (uint64_t)n);
    double worst = 0, before = 1;
    for (int64_t i = 0; x && i < n; i++) x[i] = 0.75 + 0.5 * jd_rng_uniform64(&rng);
    if (x && zero) x[n / 3] = 0; /* f / x[i] would fail here */
    const jd_tensor in = JD_TENSOR("x", JD_F64, x, n);
    const double *g = f && after && !jd_fn_run(f, &in, 1) ? jd_fn_result(f, "gradient", NULL) : NULL;
    if (g) after[n] = 1;
    for (int64_t i = n - 1; g && i >= 0; i--) after[i] = after[i + 1] * x[i];
    for (int64_t i = 0; g && i < n; before *= x[i++]) {
        const double right = before * after[i + 1];
        worst = fmax(worst, fabs(g[i] - right) / fmax(fabs(right), 1e-300));
    }
    jd_fn_free(f);
    jd_free(ctx, x);
    jd_free(ctx, after);
    return worst;
}

jd_status reverse_product(jd_ctx *ctx, int64_t n, product_count *out)
{
    jd_params *none = jd_params_new(ctx, JD_F64);
    *out = (product_count){.n = n};
    out->function = count_product(ctx, none, n, FUNCTION);
    out->reverse = count_product(ctx, none, n, REVERSE);
    out->forward = (double)n * count_product(ctx, none, n, TANGENT);
    out->error = fmax(check_product(ctx, none, n, false), check_product(ctx, none, n, true));
    jd_params_free(none);
    return jd_error(ctx);
}

/* ---- rounding errors -------------------------------------------------------------------------------------------------------*/

enum { NODES = 16384, WIDTH = 8, LAYERS = 4 };

typedef struct program {
    jd_node (*trace)(control_tape *t); /* adds the operations; gives (B,1) */
    bool bound;
} program;

/* |adjoint| |value| of one operation, added over all but the samples: (B,1). */
static jd_node share_of(jd_graph *g, jd_node value, jd_node adjoint, double weight)
{
    const jd_node each = jd_affine(g, jd_abs(g, jd_mul(g, value, adjoint)), weight, 0);
    return jd_dim(g, value, 1) > 1 ? jd_sum(g, each, JD_AXIS(1), true) : each;
}

static void trace_program(jd_graph *g, void *user)
{
    const program *p = user;
    jd_ctx *ctx = jd_graph_ctx(g);
    jd_node *nodes = jd_alloc_array(ctx, 2 * NODES, sizeof *nodes), *adjoint = nodes + NODES;
    double *weight = jd_alloc_array(ctx, NODES, sizeof *weight);
    if (nodes && weight) {
        control_tape t = {.g = g, .nodes = nodes, .weight = weight, .room = NODES};
        const jd_node y = p->trace(&t);
        jd_result(g, "y", y);
        if (t.n == NODES) jd_fail(ctx, JD_EINTERNAL, "reverse_rounding: more than %d operations", NODES);
        if (p->bound) {
            jd_node sum = JD_NONE;
            jd_grad(g, jd_sum(g, y, JD_ALL_AXES, false), JD_NONE, nodes, t.n, adjoint);
            for (int i = 0; i < t.n; i++) {
                if (!adjoint[i].id) continue;
                const jd_node s = share_of(g, nodes[i], adjoint[i], weight[i]);
                sum = sum.id ? jd_add(g, sum, s) : s;
            }
            jd_result(g, "bound", jd_affine(g, sum, 0x1p-24, 0));
        }
    }
    jd_free(ctx, nodes);
    jd_free(ctx, weight);
}

/* One run in float32 or float64 on the same inputs, which float32 holds exactly. */
static jd_status run_program(jd_ctx *ctx, program p, const jd_tensor *in64, int n, bool single, double *y,
                             double *bound)
{
    jd_params *none = jd_params_new(ctx, single ? JD_F32 : JD_F64);
    float *copy[2] = {NULL, NULL};
    jd_tensor in[2] = {in64[0], in64[n > 1]};
    for (int k = 0; single && k < n; k++) {
        const size_t count = (size_t)jd_type_count(&in[k].type);
        copy[k] = jd_alloc_array(ctx, count, sizeof **copy);
        for (size_t i = 0; copy[k] && i < count; i++) copy[k][i] = (float)((const double *)in64[k].data)[i];
        in[k].type.dtype = JD_F32;
        in[k].data = copy[k];
    }
    p.bound = bound != NULL;
    jd_fn *f = jd_fn_new(ctx, none, trace_program, &p);
    if (f && !jd_fn_run(f, in, n)) {
        const void *result = jd_fn_result(f, "y", NULL), *e = bound ? jd_fn_result(f, "bound", NULL) : NULL;
        for (int i = 0; result && i < ROUNDING_INPUTS; i++)
            y[i] = single ? (double)((const float *)result)[i] : ((const double *)result)[i];
        if (e) memcpy(bound, e, ROUNDING_INPUTS * sizeof *bound);
    }
    jd_fn_free(f);
    jd_params_free(none);
    for (int k = 0; k < 2; k++) jd_free(ctx, copy[k]);
    return jd_error(ctx);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static jd_status compare(jd_ctx *ctx, program p, const jd_tensor *in, int n, rounding *out)
{
    enum { N = ROUNDING_INPUTS };
    double *single = jd_alloc_array(ctx, 3 * (size_t)N, sizeof *single), *exact = single + N, *ratio = exact + N;
    *out = (rounding){.error = jd_alloc_array(ctx, N, sizeof *out->error),
                      .bound = jd_alloc_array(ctx, N, sizeof *out->bound)};
    if (!jd_error(ctx) && !run_program(ctx, p, in, n, false, exact, out->bound) &&
        !run_program(ctx, p, in, n, true, single, NULL)) {
        for (int i = 0; i < N; i++) {
            out->error[i] = fabs(single[i] - exact[i]);
            ratio[i] = out->error[i] / out->bound[i];
            out->beyond += !(ratio[i] <= 1.01);
        }
        qsort(ratio, N, sizeof *ratio, ascending);
        out->median = ratio[N / 2];
        out->largest = ratio[N - 1];
    }
    jd_free(ctx, single);
    return jd_error(ctx);
}

void reverse_rounding_free(jd_ctx *ctx, rounding *r)
{
    jd_free(ctx, r->error);
    jd_free(ctx, r->bound);
    *r = (rounding){0};
}

static jd_node orbit_program(control_tape *t)
{
    return orbit_trace(t, jd_arg(t->g, "phi"), JD_NONE, 3.3194).r;
}

jd_status reverse_rounding_orbit(jd_ctx *ctx, rounding *out)
{
    const size_t n = (size_t)ORBIT_STEPS * ROUNDING_INPUTS;
    double *phi = jd_alloc_array(ctx, n, sizeof *phi);
    jd_rng rng = jd_rng_new(jd_ctx_seed(ctx), "rounding/orbit", 0);
    for (size_t i = 0; phi && i < n; i++) phi[i] = (double)(6.2831855f * jd_rng_uniform(&rng));
    const jd_tensor in = JD_TENSOR("phi", JD_F64, phi, ORBIT_STEPS, ROUNDING_INPUTS, 1);
    if (phi) compare(ctx, (program){.trace = orbit_program}, &in, 1, out);
    jd_free(ctx, phi);
    return jd_error(ctx);
}

/* A perceptron of elementary operations: every product and every sum is one. */
static jd_node network_program(control_tape *t)
{
    jd_graph *g = t->g;
    const jd_node x = jd_arg(g, "x"), w = jd_arg(g, "w");
    jd_node in[WIDTH];
    for (int k = 0; k < WIDTH; k++) in[k] = jd_slice(g, x, 1, k, 1); /* (B,1) */
    for (int layer = 0; layer < LAYERS; layer++) {
        const int64_t units = layer + 1 < LAYERS ? WIDTH : 1;
        jd_node sum = JD_NONE;
        for (int k = 0; k < WIDTH; k++) {
            const jd_node row = jd_reshape(g, jd_slice(g, w, 0, layer * WIDTH + k, 1), JD_DIMS(1, WIDTH));
            const jd_node part = control_keep(t, jd_mul(g, in[k], jd_slice(g, row, 1, 0, units)), 1);
            sum = k ? control_keep(t, jd_add(g, sum, part), 1) : part;
        }
        if (layer + 1 == LAYERS) return sum;
        const jd_node y = control_keep(t, jd_tanh(g, sum), 4); /* 2 ulp */
        for (int k = 0; k < WIDTH; k++) in[k] = jd_slice(g, y, 1, k, 1);
    }
    return JD_NONE;
}

jd_status reverse_rounding_network(jd_ctx *ctx, rounding *out)
{
    const size_t n = (size_t)WIDTH * ROUNDING_INPUTS, m = (size_t)LAYERS * WIDTH * WIDTH;
    double *x = jd_alloc_array(ctx, n, sizeof *x), *w = jd_alloc_array(ctx, m, sizeof *w);
    jd_rng rng = jd_rng_new(jd_ctx_seed(ctx), "rounding/network", 0);
    for (size_t i = 0; x && i < n; i++) x[i] = (double)(float)jd_rng_normal(&rng);
    for (size_t i = 0; w && i < m; i++) w[i] = (double)(float)(0.5 * jd_rng_normal(&rng));
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, x, ROUNDING_INPUTS, WIDTH),
                            JD_TENSOR("w", JD_F64, w, LAYERS * WIDTH, WIDTH)};
    if (!jd_error(ctx)) compare(ctx, (program){.trace = network_program}, in, 2, out);
    jd_free(ctx, x);
    jd_free(ctx, w);
    return jd_error(ctx);
}

/* ---- times of layers --------------------------------------------------------------------------------------------------------*/

typedef struct layer_net {
    const char *name, *spec;
    jd_dims input;
    double limit;
} layer_net;

typedef struct layer_run {
    const layer_net *net;
    bool reverse;
} layer_run;

static void trace_layers(jd_graph *g, void *user)
{
    const layer_run *l = user;
    const jd_node y = jd_net(g, l->net->spec, jd_arg(g, "x"), JD_NONE);
    const jd_node loss = jd_mean(g, jd_square(g, y), JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    if (l->reverse) jd_result(g, "gradient", jd_grad_params(g, loss));
}

/* Processor time: what else runs on the machine does not count. */
static double seconds_of(jd_ctx *ctx, jd_fn *f, const jd_tensor *x)
{
    const clock_t began = clock();
    jd_fn_run(f, x, 1);
    return jd_error(ctx) ? (double)NAN : (double)(clock() - began) / CLOCKS_PER_SEC;
}

static jd_status time_nets(jd_ctx *ctx, int rounds, net_cost out[REVERSE_NETS])
{
    static const layer_net nets[REVERSE_NETS] = {
        {"perceptron 784-1000-500-10, 128 pictures", "dense 1000 tanh, dense 500 tanh, dense 10", .limit = 4,
         .input = {2, {128, 784}}},
        {"convolutions 28x28, 32 pictures",
         "conv 20 4 tanh, maxpool 2, conv 40 5 tanh, maxpool 3, dense 150 tanh, dense 10", .limit = 4,
         .input = {4, {32, 28, 28, 1}}},
        {"LSTM 128, 100 steps, 32 sequences", "lstm 128, dense 10", .limit = 5, .input = {3, {100, 32, 64}}},
        {"2-D LSTM 16, 24x24, 8 pictures", "mdlstm 16 sum", .limit = 5, .input = {4, {8, 24, 24, 4}}}};
    for (int i = 0; i < REVERSE_NETS && !jd_error(ctx); i++) {
        const layer_net *n = &nets[i];
        layer_run forward = {n, false}, both = {n, true};
        jd_params *w = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, w, trace_layers, &forward), *b = jd_fn_new(ctx, w, trace_layers, &both);
        jd_type type = {JD_F32, n->input.rank, {0}};
        memcpy(type.dim, n->input.dim, sizeof type.dim);
        const size_t count = (size_t)jd_type_count(&type);
        float *x = jd_alloc_array(ctx, count, sizeof *x);
        jd_rng rng = jd_rng_new(1, "reverse/input", (uint64_t)i);
        for (size_t k = 0; x && k < count; k++) x[k] = (float)jd_rng_normal(&rng);
        const jd_tensor in = {"x", type, x};
        double least[2] = {INFINITY, INFINITY}, operations[2] = {0, 0};
        for (int k = 0; k < rounds + 2 && x && !jd_error(ctx); k++) { /* in turn; the first two warm the caches */
            const double t0 = seconds_of(ctx, f, &in), t1 = seconds_of(ctx, b, &in);
            if (k >= 2) least[0] = fmin(least[0], t0), least[1] = fmin(least[1], t1);
        }
        if (!jd_error(ctx)) {
            operations[0] = jd_plan_describe(jd_fn_plan(f, &in, 1)).operations;
            operations[1] = jd_plan_describe(jd_fn_plan(b, &in, 1)).operations;
        }
        out[i] = (net_cost){n->name, n->limit, least[1] / least[0], operations[1] / operations[0], 1e3 * least[0]};
        jd_free(ctx, x);
        jd_fn_free(f);
        jd_fn_free(b);
        jd_params_free(w);
    }
    return jd_error(ctx);
}

jd_status reverse_nets(jd_ctx *ctx, int rounds, net_cost out[REVERSE_NETS])
{
    jd_ctx *one = jd_ctx_new(&(jd_options){.threads = 1, .isa = jd_ctx_isa(ctx)});
    if (!one) return jd_fail(ctx, JD_ENOMEM, "no memory to time networks");
    if (time_nets(one, rounds, out)) jd_fail(ctx, jd_error(one), "%s", jd_error_message(one));
    jd_ctx_free(one);
    return jd_error(ctx);
}
