/* describe.c - a plan in words and figures. */
#include <string.h>

#include "base/number.h"
#include "base/ctx.h"
#include "graph/offload.h"

static double elements(const jd_type *t)
{
    return (double)jd__count(t);
}

/* What the planner folded into a product or a convolution. */
static int act_of(const jd_call *c)
{
    return c->op == &jd__op_conv2d ? ((const jd_conv_attr *)c->attr)->act : ((const jd_matmul_attr *)c->attr)->act;
}
static int pool_of(const jd_call *c)
{
    return ((const jd_conv_attr *)c->attr)->pool;
}

/* Arithmetic operations of an instruction beside its multiply-adds. */
static double other_operations(const jd_call *c)
{
    double n = 0;
    if (c->op == &jd__op_pointwise) {
        const jd_pw_program *p = ((const jd_pw_attr *)c->attr)->program;
        for (int s = 0; s < p->nsteps; s++)
            n += p->step[s].code == JD_PW_affine ? 2 : p->step[s].code == JD_PW_real ? 0 : 1;
        return n * elements(&c->out_type[0]);
    }
    if (c->op == &jd__op_matmul || c->op == &jd__op_conv2d) {
        n = (c->nin > 2 && c->in_type[2].rank >= 0) + (act_of(c) != JD_ACT_NONE);
        if (c->op == &jd__op_conv2d) n += pool_of(c) * pool_of(c);
        return n * elements(&c->out_type[0]);
    }
    static const struct {
        const jd_op *op;
        int each; /* per element of the first input */
    } table[] = {{&jd__op_sum, 1},
                 {&jd__op_amax, 1},
                 {&jd__op_argmax, 1},
                 {&jd__op_maxpool, 1},
                 {&jd__op_avgpool, 1},
                 {&jd__op_avgpool_dx, 1},
                 {&jd__op_unpool, 1},
                 {&jd__op_scatter_add, 1},
                 {&jd__op_softmax, 4},
                 {&jd__op_softmax_xent, 4},
                 {&jd__op_softmax_xent_grad, 3},
                 {&jd__op_update_sgd, 4},
                 {&jd__op_update_rmsprop, 7},
                 {&jd__op_update_rprop, 6},
                 {&jd__op_update_adam, 12}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (c->op == table[i].op) return table[i].each * elements(&c->in_type[0]);
    return 0;
}

jd_plan_info jd_plan_describe(const jd_plan *p)
{
    if (!p) return (jd_plan_info){0};
    jd_plan_info i = {.instructions = p->ninstr,
                      .arena_bytes = p->arena_bytes,
                      .trace_seconds = p->trace_seconds,
                      .compile_seconds = p->compile_seconds};
    for (int k = 0; k < p->ninstr; k++) {
        i.flop += p->instr[k].flop;
        i.bytes += p->instr[k].bytes;
        i.operations += p->instr[k].flop + other_operations(&p->instr[k].call);
    }
    return i;
}

/* "pointwise mul tanh add" for a fused chain, "matmul + bias tanh" or "conv2d maxpool + bias tanh" for a product or a
 * convolution and what follows, else the op's name. */
static void kernel_text(const jd__instr *in, char text[96])
{
    size_t n = (size_t)snprintf(text, 96, "%s", in->call.op->name);
    if (in->call.op == &jd__op_pointwise) {
        const jd_pw_program *q = ((const jd_pw_attr *)in->call.attr)->program;
        n = 0;
        for (int s = 0; s < q->nsteps && n < 60; s++)
            n += (size_t)snprintf(text + n, 96 - n, "%s%s", s ? " " : "", jd__pw_name[q->step[s].code]);
        if (n >= 60) snprintf(text + n, 96 - n, " ...");
    }
    if (in->call.op == &jd__op_matmul || in->call.op == &jd__op_conv2d) {
        static const char *const act[] = {"", " tanh", " sigmoid", " relu"};
        const bool bias = in->call.nin > 2 && in->call.in_type[2].rank >= 0;
        const bool pool = in->call.op == &jd__op_conv2d && pool_of(&in->call);
        snprintf(text + n, 96 - n, "%s%s%s", pool ? " maxpool" : "", bias ? " + bias" : "", act[act_of(&in->call) & 3]);
    }
}

static void time_plan(jd_plan *p)
{
    for (int i = 0; i < p->ninstr; i++) {
        /* On a device several at a time: waiting for one takes longer than most. */
        const bool again = p->off && p->instr[i].device && !(p->instr[i].call.op->flags & JD_OP_FENCE);
        const int repeats = again ? 20 : 1;
        const double start = jd_now();
        if (p->off)
            jd__offload_instr(p, i, repeats);
        else
            jd__run_instr(p, &p->instr[i]);
        p->instr[i].seconds = (jd_now() - start) / repeats;
    }
}

/* Where an instruction runs, and its kernel. */
static void place_text(const jd_plan *p, const jd__instr *in, char text[40])
{
    if (p->off && in->device)
        snprintf(text, 40, "%s", in->device);
    else
        snprintf(text, 40, "%s%s%s", p->off ? "CPU: " : "", in->fast ? p->cpu->name : "reference",
                 in->parallel ? "" : " 1");
}

static double operand_kib(const jd_type *t, int n)
{
    double bytes = 0;
    for (int i = 0; i < n; i++)
        if (t[i].rank >= 0) bytes += (double)jd__count(&t[i]) * (double)jd_dtype_size(t[i].dtype);
    return bytes / 1024;
}

/* What a run moves between host and device. */
static void print_copies(const jd_plan *p, FILE *out)
{
    double in = 0, back = 0, results = 0;
    const jd_precision precision = p->off->dev->precision;
    for (int i = 0; i < p->ninstr; i++) {
        const jd_call *c = &p->instr[i].call;
        if (p->instr[i].device) continue;
        in += operand_kib(c->out_type, c->nout);
        back += operand_kib(c->in_type, c->nin + c->nout);
    }
    for (int i = 0; i < p->nresult; i++) results += operand_kib(&p->result[i].type, 1);
    fprintf(out,
            "device %s, products in %s: inputs %.4g KiB host to device in one copy; results %.4g KiB back when read; "
            "%.4g MiB of scratch\n",
            p->off->dev->api->name,
            precision == JD_TF32   ? "tf32"
            : precision == JD_BF16 ? "bf16"
                                   : "float32",
            (double)p->off->feed_bytes / 1024, results, (double)p->off->scratch_bytes / 1048576);
    if (p->off->fallbacks)
        fprintf(
            out,
            "%d fall-backs to the CPU (marked CPU): %.4g KiB device to host and %.4g KiB host to device a run, in %d "
            "recordings\n",
            p->off->fallbacks, back, in, p->off->nsegment - p->off->fallbacks);
    else
        fprintf(out, "no fall-backs: all instructions run on the device, as one recording\n");
    int pairs = 0;
    for (int i = 0; i < p->ninstr; i++) pairs += p->off->beside[i];
    if (pairs) fprintf(out, "%d pairs of instructions run side by side\n", pairs);
}

jd_status jd_plan_print(jd_plan *p, bool timed, FILE *out)
{
    if (!p) return JD_EUSAGE;
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    if (timed) time_plan(p);
    const locale_t before = jd__c_numbers();
    const int wide = p->off ? 22 : 9;
    fprintf(out, "%4s  %-34s %-*s %-22s %-18s %10s %10s%s\n", "", "instruction", wide, "kernel", "result", "shape",
            "MFLOP", "KiB", timed ? "         us    GFLOP/s" : "");
    for (int i = 0; i < p->ninstr; i++) {
        const jd__instr *in = &p->instr[i];
        char text[96], shape[64] = "", kernel[40];
        kernel_text(in, text);
        if (in->call.nout) jd__shape_text(&in->call.out_type[0], shape);
        place_text(p, in, kernel);
        fprintf(out, "%4d  %-34s %-*s %-22s %-18s %10.4g %10.4g", i, text, wide, kernel, in->name, shape,
                in->flop / 1e6, in->bytes / 1024);
        if (timed) fprintf(out, " %10.2f %10.2f", in->seconds * 1e6, in->flop / in->seconds / 1e9);
        fputc('\n', out);
    }
    const jd_plan_info s = jd_plan_describe(p);
    fprintf(
        out,
        "%d instructions, %.4g MFLOP, %.4g million operations, %.4g MiB touched, arena %.4g MiB, traced in %.1f us, "
        "compiled in %.1f us\n",
        s.instructions, s.flop / 1e6, s.operations / 1e6, s.bytes / 1048576, (double)s.arena_bytes / 1048576,
        s.trace_seconds * 1e6, s.compile_seconds * 1e6);
    if (p->off) print_copies(p, out);
    jd__host_numbers(before);
    return ferror(out) ? jd_fail(p->ctx, JD_EIO, "jd_plan_print: writing failed") : JD_OK;
}
