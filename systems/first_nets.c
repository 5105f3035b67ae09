/* first_nets.c - two of the problems with which back-propagation became known in 1986: a code for eight symbols, and T or C. */
#include <math.h>
#include <string.h>

#include "reverse_mode.h"

/* Half the summed squared error, plain gradient descent with momentum, the whole set in every step. */
static void descend(jd_graph *g, jd_node y, jd_node target)
{
    const jd_node error = jd_sub(g, y, target);
    const jd_node loss = jd_affine(g, jd_sum(g, jd_square(g, error), JD_ALL_AXES, false), 0.5, 0);
    const jd_node off = jd_abs(g, jd_reshape(g, error, JD_DIMS(1, -1)));
    jd_result(g, "off", jd_reshape(g, jd_amax(g, off), JD_SCALAR));
    jd_result(g, "y", y);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = 0.9);
}

/* Epochs until no output is off by 0.5; 0: never. */
static int learn(jd_ctx *ctx, jd_fn *f, const jd_tensor *in, int n, int most)
{
    for (int epoch = 0; epoch <= most && !jd_error(ctx); epoch++)
        if (!jd_fn_run(f, in, n) && jd_fn_scalar(f, "off") < 0.5) return epoch ? epoch : 1;
    return 0;
}

/* ---- the 8-3-8 encoder --------------------------------------------------------------------------------------------------------*/

static void trace_encoder(jd_graph *g, void *user)
{
    (void)user;
    const jd_init small = {JD_INIT_UNIFORM, 0.5, 0, 0};
    const jd_node x = jd_arg(g, "x");
    const jd_node code = jd_dense(g, "code", x, .units = 3, .act = JD_SIGMOID, .init = small, .bias_init = small);
    jd_result(g, "code", code);
    descend(g, jd_dense(g, "out", code, .units = 8, .act = JD_SIGMOID, .init = small, .bias_init = small), x);
}

int reverse_encoder(jd_ctx *ctx, uint64_t seed, int most, float code[8][3])
{
    float x[64] = {0}, lr = 0.3f;
    const uint64_t before = jd_ctx_seed(ctx);
    jd_ctx_set_seed(ctx, seed);
    for (int i = 0; i < 8; i++) x[9 * i] = 1;
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, trace_encoder, NULL);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 8, 8), JD_SCALAR_F32("lr", &lr)};
    const int epochs = f ? learn(ctx, f, in, 2, most) : 0;
    const float *h = f && !jd_error(ctx) ? jd_fn_result(f, "code", NULL) : NULL;
    if (h) memcpy(code, h, 24 * sizeof *h);
    jd_fn_free(f);
    jd_params_free(w);
    jd_ctx_set_seed(ctx, before);
    return epochs;
}

/* ---- T or C ---------------------------------------------------------------------------------------------------------------------*/

enum { SIDE = 3, PICTURES = 8 };

/* Five squares each, which no two neighbours tell apart, in four rotations.  Their place does not matter: hidden units look
 * through the same weights everywhere, so a picture that is moved gives the same sum. */
static void draw_pictures(float *x, float *target)
{
    static const char *const shape[2][SIDE] = {{"###", ".#.", ".#."}, {"##.", "#..", "##."}};
    for (int n = 0; n < PICTURES; n++) {
        target[n] = n < 4 ? 0 : 1;
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                int a = i, b = j;
                for (int k = 0; k < n % 4; k++) {
                    const int swap = a;
                    a = b, b = SIDE - 1 - swap;
                }
                x[(n * SIDE + i) * SIDE + j] = shape[n / 4][a][b] == '#' ? 1 : 0;
            }
    }
}

/* Hidden units see all 3x3 windows that touch the picture, through the same nine weights; the output sees their sum. */
static void trace_t_c(jd_graph *g, void *user)
{
    (void)user;
    const jd_init small = {JD_INIT_UNIFORM, 0.5, 0, 0};
    const jd_init smaller = {JD_INIT_UNIFORM, 0.05, 0, 0}; /* of a sum of 25 units, which must not be shut at first */
    const jd_node x = jd_arg(g, "x");
    const jd_node h = jd_conv2d(g, "window", x, .maps = 1, .size = SIDE, .pad = SIDE - 1, .act = JD_SIGMOID,
                                .init = small, .bias_init = small);
    const jd_node sum = jd_reshape(g, jd_sum(g, h, JD_AXIS(1) | JD_AXIS(2), false), JD_DIMS(jd_dim(g, x, 0), 1));
    descend(g, jd_dense(g, "out", sum, .units = 1, .act = JD_SIGMOID, .init = smaller), jd_arg(g, "target"));
}

int reverse_t_c(jd_ctx *ctx, uint64_t seed, int most, float kernel[9])
{
    float x[PICTURES * SIDE * SIDE], target[PICTURES], lr = 0.03f;
    const uint64_t before = jd_ctx_seed(ctx);
    jd_ctx_set_seed(ctx, seed);
    draw_pictures(x, target);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, trace_t_c, NULL);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, PICTURES, SIDE, SIDE, 1),
                            JD_TENSOR("target", JD_F32, target, PICTURES, 1), JD_SCALAR_F32("lr", &lr)};
    const int epochs = f ? learn(ctx, f, in, 3, most) : 0;
    const float *k = w ? jd_params_get(w, "window/W") : NULL;
    if (k && !jd_error(ctx)) memcpy(kernel, k, 9 * sizeof *k);
    jd_fn_free(f);
    jd_params_free(w);
    jd_ctx_set_seed(ctx, before);
    return epochs;
}
