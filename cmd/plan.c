/* plan.c - `jackdaw plan`: the instructions of a network, with kernels, bytes and FLOPs; needs no data. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct request {
    const char *net;
    bool sequence, train;
    jd_node length;
} request;

/* "28x28x1" into dim; returns the rank, or 0. */
static int read_shape(const char *text, int64_t dim[3])
{
    int rank = 0;
    for (const char *at = text; rank < 3; at++) {
        char *end;
        if (!isdigit((unsigned char)*at)) return 0;
        const long long d = strtoll(at, &end, 10);
        if (d < 1 || d > 1000000) return 0;
        dim[rank++] = d;
        if (!*end) return rank;
        if (*end != 'x') return 0;
        at = end;
    }
    return 0;
}

static void forward(jd_graph *g, void *user)
{
    const request *q = user;
    jd_result(g, "y", jd_net(g, q->net, jd_arg(g, "x"), q->sequence ? jd_arg(g, "length") : JD_NONE));
}

static void step(jd_graph *g, void *user)
{
    const request *q = user;
    const jd_node y = jd_net(g, q->net, jd_arg(g, "x"), q->sequence ? jd_arg(g, "length") : JD_NONE);
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = 0.9);
    jd_result(g, "loss", loss);
}

static void print_json(const jd_plan_info *i, size_t parameters)
{
    printf("{\"instructions\":%d,\"parameters\":%zu,\"arena_bytes\":%zu,\"flop\":%.15g,\"operations\":%.15g,"
           "\"bytes\":%.15g,"
           "\"trace_seconds\":%.3g,\"compile_seconds\":%.3g}\n",
           i->instructions, parameters, i->arena_bytes, i->flop, i->operations, i->bytes, i->trace_seconds,
           i->compile_seconds);
}

typedef struct inputs {
    jd_tensor in[5];
    int n;
    float *x, lr;
    int32_t *length, *label, step;
} inputs;

static jd_status make_inputs(jd_ctx *ctx, inputs *i, const request *q, const int64_t dim[3], int rank, int64_t batch)
{
    jd_type t = {JD_F32, rank + 1, {batch, dim[0], dim[1], dim[2]}};
    if (q->sequence) t = (jd_type){JD_F32, 3, {dim[0], batch, dim[1]}};
    i->x = jd_alloc_array(ctx, (size_t)jd_type_count(&t), sizeof *i->x);
    i->length = jd_alloc_array(ctx, (size_t)batch, sizeof *i->length);
    if (jd_error(ctx)) return jd_error(ctx);
    for (int64_t b = 0; b < batch; b++) i->length[b] = (int32_t)dim[0];
    i->in[i->n++] = (jd_tensor){"x", t, i->x};
    if (q->sequence) i->in[i->n++] = JD_TENSOR("length", JD_I32, i->length, batch);
    return JD_OK;
}

/* The labels have the shape of the network's output without its last axis. */
static jd_status add_labels(jd_ctx *ctx, inputs *i, jd_params *p, request *q)
{
    jd_fn *f = jd_fn_new(ctx, p, forward, q);
    jd_plan *plan = f ? jd_fn_plan(f, i->in, i->n) : NULL;
    jd_type y = {0};
    if (plan) jd_plan_result(plan, "y", &y);
    jd_fn_free(f);
    if (jd_error(ctx)) return jd_error(ctx);
    if (y.rank < 1) return jd_fail(ctx, JD_EUSAGE, "the network's output is a single number; it needs classes");
    const jd_type t = {JD_I32, y.rank - 1, {y.dim[0], y.dim[1], y.dim[2], y.dim[3]}};
    i->label = jd_alloc_array(ctx, (size_t)jd_type_count(&t), sizeof *i->label);
    i->lr = 1e-3f;
    i->in[i->n++] = (jd_tensor){"label", t, i->label};
    i->in[i->n++] = JD_SCALAR_F32("lr", &i->lr);
    i->in[i->n++] = JD_SCALAR_I32("step", &i->step);
    return jd_error(ctx);
}

static void print_plan(jd_ctx *ctx, const cli_args *a, inputs *i, jd_params *p, request *q)
{
    const bool dry = cli_has(a, "dry-run");
    jd_fn *f = jd_fn_new(ctx, p, q->train ? step : forward, q);
    jd_plan *plan = f ? jd_fn_plan(f, i->in, i->n) : NULL;
    for (int k = 0; plan && !dry && k < 3 && !jd_error(ctx); k++) jd_fn_run(f, i->in, i->n);
    if (plan && !jd_error(ctx)) {
        const jd_plan_info info = jd_plan_describe(plan);
        if (cli_has(a, "json")) {
            print_json(&info, jd_params_count(p));
        } else {
            jd_plan_print(plan, !dry, stdout);
            printf("%zu parameters\n", jd_params_count(p));
        }
    }
    jd_fn_free(f);
}

int cmd_plan(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    request q = {.net = cli_text(&a, "net", NULL), .train = cli_has(&a, "train")};
    const char *shape = cli_text(&a, "input", NULL);
    const int64_t batch = cli_int(&a, "batch", 1, 1, 1000000);
    int64_t dim[3] = {0};
    if (a.bad) return JD_EUSAGE;
    if (!q.net) return cli_fail("plan", JD_EUSAGE, "--net is missing; for example --net \"conv 20 5 tanh, dense 10\"");
    if (!shape) return cli_fail("plan", JD_EUSAGE, "--input is missing; for example --input 28x28x1 or --input 100x13");
    const int rank = read_shape(shape, dim);
    if (!rank)
        return cli_fail("plan", JD_EUSAGE, "--input %s: write HxWxC for images, TxC for sequences, N for vectors",
                        shape);
    q.sequence = rank == 2;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    inputs i = {0};
    jd_params *p = jd_net_check(ctx, q.net) ? NULL : jd_params_new(ctx, JD_F32);
    if (p && !make_inputs(ctx, &i, &q, dim, rank, batch) && (!q.train || !add_labels(ctx, &i, p, &q)))
        print_plan(ctx, &a, &i, p, &q);
    jd_params_free(p);
    jd_free(ctx, i.x);
    jd_free(ctx, i.length);
    jd_free(ctx, i.label);
    return cli_end("plan", ctx);
}
