/*
 * remember.c - a model in a C product, from training to use.
 *
 * An LSTM learns to remember the first number of a sequence of noise; its weights go to a file, come back into another
 * context, and answer for one sequence that is longer than those of the training.
 *
 *     cc -o remember remember.c $(pkg-config --cflags --libs jackdaw) && ./remember model.safetensors
 */
#include <jackdaw/jackdaw.h>
#include <stdio.h>

enum { T = 30, B = 32, STEPS = 300 };

/* One network for both uses: x (T,B,1) -> logits (B,2), from the LSTM's last output. */
static jd_node network(jd_graph *g)
{
    const jd_lstm_out memory = jd_lstm_full(g, "memory", jd_arg(g, "x"), (jd_lstm_options){.units = 16});
    return jd_dense(g, "out", memory.hT, .units = 2);
}

static void learn(jd_graph *g, void *user)
{
    (void)user;
    const jd_node loss = jd_softmax_xent(g, network(g), jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "rate"), .clip = 1);
    jd_result(g, "loss", loss);
}

static void answer(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "class", jd_argmax(g, network(g)));
}

/* The class is the sign of the first number; the others say nothing. */
static void make(float *x, int32_t *label, int64_t steps, int64_t count, uint64_t index)
{
    jd_rng r = jd_rng_new(1, "remember", index);
    for (int64_t i = 0; i < steps * count; i++) x[i] = 0.2f * (float)jd_rng_normal(&r);
    for (int64_t b = 0; b < count; b++) {
        label[b] = (int32_t)jd_rng_below(&r, 2);
        x[b] = label[b] ? 1.f : -1.f;
    }
}

static jd_status train(const char *path)
{
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, learn, NULL);
    static float x[T * B];
    int32_t label[B];
    const float rate = 0.01f;
    for (int step = 0; step < STEPS && !jd_error(ctx); step++) {
        make(x, label, T, B, (uint64_t)step);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, T, B, 1), JD_TENSOR("label", JD_I32, label, B),
                                JD_SCALAR_F32("rate", &rate)};
        jd_fn_run(f, in, 3);
        if (step % 100 == 99) printf("step %d: loss %.4f\n", step + 1, jd_fn_scalar(f, "loss"));
    }
    jd_params_save(ctx, p, path, (jd_metadata[]){{"about", "remembers the sign of the first number"}}, 1);
    const jd_status status = jd_error(ctx);
    if (status) fprintf(stderr, "%s\n", jd_error_message(ctx));
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return status;
}

static jd_status use(const char *path)
{
    enum { LONG = 2 * T, TRIALS = 20 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_tensor_file *file = jd_safetensors_open(ctx, path);
    jd_params_load(ctx, p, file);
    jd_fn *f = jd_fn_new(ctx, p, answer, NULL);
    int right = 0;
    for (int k = 0; k < TRIALS && !jd_error(ctx); k++) {
        float x[LONG];
        int32_t label;
        make(x, &label, LONG, 1, 1000000u + (uint64_t)k);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, LONG, 1, 1)};
        jd_fn_run(f, in, 1);
        const int32_t *class = jd_fn_result(f, "class", NULL);
        right += class && *class == label;
    }
    jd_status status = jd_error(ctx);
    if (status) fprintf(stderr, "%s\n", jd_error_message(ctx));
    printf("%d of %d right\n", right, TRIALS);
    jd_fn_free(f);
    jd_tensor_file_close(file);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return status ? status : right < TRIALS ? JD_EDIVERGED : JD_OK;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: remember MODEL.safetensors\n");
        return JD_EUSAGE;
    }
    const jd_status status = train(argv[1]);
    return (int)(status ? status : use(argv[1]));
}
