/* fuzz_net.c - the one-line network language, from text to the plan of a network. */

#include "fuzz.h"
#include "jackdaw/fn.h"
#include "jackdaw/layers.h"

static const char *const WORDS[] = {"conv 3 2",
                                    "maxpool 2",
                                    "avgpool 2",
                                    "dense 3",
                                    "dropout 0.5",
                                    "noise 0.1",
                                    "embed 5 3",
                                    "lstm 3",
                                    "blstm 3",
                                    "gru 2",
                                    "bgru 2",
                                    "srn 2",
                                    "bsrn 2",
                                    "mean",
                                    "flatten",
                                    "tanh",
                                    "sigmoid",
                                    "relu",
                                    "stride 2",
                                    "pad 1",
                                    "ceil",
                                    "scaled-tanh",
                                    "peepholes",
                                    "no-forget",
                                    "forget 1",
                                    "mdlstm 2",
                                    "block 2 3",
                                    "collapse",
                                    "each",
                                    "sum",
                                    "clip 1",
                                    ", ",
                                    "clockwork 4 2",
                                    "highway 2",
                                    "layernorm",
                                    "batchnorm",
                                    "residual",
                                    "concat",
                                    "bias -1",
                                    " ",
                                    "projection 2",
                                    "-",
                                    ".5",
                                    "pyramid 2 3",
                                    "cube 2",
                                    "uncube 2",
                                    "polynomial x0*x1",
                                    "x2*0",
                                    "/",
                                    "0*1",
                                    "cubic",
                                    "clamp -1 1",
                                    NULL};

static void text(const char *s)
{
    fuzz_seed(s, strlen(s));
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    text("conv 2 3 tanh, maxpool 2, flatten, dense 4 tanh, dense 3");
    text("conv 2 3 stride 2 pad 1, avgpool 2, dense 3 relu, dropout 0.3, dense 2");
    text("blstm 3 peepholes, lstm 2 projection 2, dense 3");
    text("srn 2 tanh, gru 2, mean, dense 2");
    text("polynomial x0*x2 x1*x3 / 0*1 0*x4 / 1*0 cubic clamp -3 2.5, dense 2");
    text("block 2 2, mdlstm 2 peepholes clip 1, dense 3 each tanh, mdlstm 2 sum, collapse, dense 2");
    text("cube 2, pyramid 2 3, dense 3 each tanh, pyramid 2 5 forget 1, dense 16 each, uncube 2");
}

static void trace(jd_graph *g, void *spec)
{
    jd_result(g, "y", jd_net(g, spec, jd_arg(g, "x"), JD_NONE));
}

/* A network that does not fit the input is refused as wrong use. */
static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    char spec[600];
    const size_t n = bytes < sizeof spec ? bytes : sizeof spec - 1;
    memcpy(spec, data, n);
    spec[n] = 0;
    if (jd_net_check(ctx, spec)) return jd_error(ctx);
    fuzz_check(jd_net_outputs(ctx, spec) >= 0, "a negative number of outputs");
    static const jd_type input[] = {{JD_F32, 4, {2, 9, 9, 1}}, {JD_F32, 3, {4, 2, 3}}, {JD_F32, 5, {1, 3, 4, 5, 1}}};
    bool fits = false;
    for (int i = 0; i < 3; i++) {
        jd_params *p = jd_params_new(ctx, JD_F32);
        jd_fn *f = p ? jd_fn_new(ctx, p, trace, spec) : NULL;
        if (f && jd_fn_plan(f, &(jd_tensor){"x", input[i], NULL}, 1)) fits = true;
        jd_fn_free(f);
        jd_params_free(p);
        if (jd_error(ctx) == JD_EUSAGE) jd_error_clear(ctx);
        if (jd_error(ctx)) return jd_error(ctx);
    }
    return fits ? JD_OK : jd_fail(ctx, JD_EUSAGE, "fuzz: the network fits no input");
}

const fuzz_format fuzz_this = {.name = "net",
                               .inputs = 3000,
                               .longest = 256,
                               .seeds = seeds,
                               .read = read_input,
                               .words = WORDS,
                               .also = JD_EUSAGE};
