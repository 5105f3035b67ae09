/*
 * mnist_mlp.c - "mnist-mlp": a plain multilayer perceptron that learns from digits deformed anew in every epoch.
 *
 * D. C. Ciresan, U. Meier, L. M. Gambardella, J. Schmidhuber, Deep, big, simple neural nets for handwritten digit
 * recognition, Neural Computation 22(12):3207-3220, 2010.
 *
 * The same network is trained twice from the same weights: on deformed digits, and, as the control, on the digits as they
 * are.  The difference is the point of the paper.
 */
#include <stdio.h>

#include "images.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum { SIDE = 29, CLASSES = 10, MOST_LAYERS = 9 };

/* The hidden layers of the paper's table, by setting "net"; 0 ends a row. */
static const int64_t nets[][MOST_LAYERS + 1] = {
    {1000, 500},
    {1500, 1000, 500},
    {2000, 1500, 1000, 500},
    {2500, 2000, 1500, 1000, 500},
    {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
};

static const jd_setting settings[] = {
    {"net", {1, 1, 4}, "network: 1: 1000-500, 2: 1500-1000-500, 3: 2000-..-500, 4: 2500-..-500, 5: 9 x 1000"},
    {"epochs", {4, 55, 800}, "epochs with deformed digits"},
    {"control", {4, 20, 30}, "epochs of the control, with the digits as they are; 0: no control"},
    {"batch", {50, 50, 1}, "digits in a step; the paper's 1 is exact online learning"},
    {"lr", {1e-3, 1e-3, 1e-3}, "learning rate at the start, for the mean gradient of a batch"},
    {"lr_end", {5e-5, 1e-5, 1e-6}, "learning rate at the end; it falls by a constant factor"},
    {"adam", {1, 1, 0}, "1: Adam, which needs fewer epochs; 0: plain gradient descent, as in the paper"},
    {"momentum", {0, 0, 0}, "of plain gradient descent"},
    {"held_out", {5000, 5000, 10000}, "training digits kept for validation, which chooses the epoch"},
    {"init", {0.05, 0.05, 0.05}, "weights and biases start uniform in +- this"},
    {"sigma_min", {5, 5, 5}, "elastic deformation: width of the blur, pixels; drawn anew for each digit"},
    {"sigma_max", {6, 6, 6}, "the same, largest"},
    {"alpha_min", {36, 36, 36}, "elastic deformation: strength, pixels"},
    {"alpha_max", {38, 38, 38}, "the same, largest"},
    {"angle", {15, 15, 15}, "rotation or shear up to +- this, degrees; half of it for 1 and 7"},
    {"scale_min", {15, 15, 15}, "each axis is scaled by up to +- this, per cent"},
    {"scale_max", {20, 20, 20}, "the same, largest"},
    {"loaders", {1, 1, 1}, "threads that deform digits ahead of their use"},
    {NULL, {0}, NULL},
};

typedef struct mlp {
    images *im;
    jd_fn *predict;
    const int64_t *hidden;
    jd_init init;
    bool adam;
    double momentum;
    const char *curve; /* what validation is logged as */
} mlp;

/* x (B,29,29,1) in [-1,1] -> (B,10) */
static jd_node network(jd_graph *g, const mlp *m, jd_node x)
{
    for (int i = 0; m->hidden[i]; i++) {
        char name[24];
        snprintf(name, sizeof name, "hidden%d", i + 1);
        x = jd_dense(g, name, x, .units = m->hidden[i], .act = JD_SCALED_TANH, .init = m->init, .bias_init = m->init);
    }
    return jd_dense(g, "out", x, .units = CLASSES, .init = m->init, .bias_init = m->init);
}

static void step(jd_graph *g, void *user)
{
    const jd_node loss = jd_softmax_xent(g, network(g, user, jd_arg(g, "x")), jd_arg(g, "y"));
    jd_result(g, "loss", loss);
    const mlp *m = user;
    if (m->adam)
        jd_update_adam(g, loss, jd_arg(g, "lr"));
    else
        jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = m->momentum);
}

static void predict(jd_graph *g, void *user)
{
    jd_result(g, "p", jd_softmax(g, network(g, user, jd_arg(g, "x"))));
}

static int next(void *user, int64_t at, int slot, jd_tensor *in)
{
    const mlp *m = user;
    return images_next(m->im, at, slot, in);
}

static double validate(void *user, jd_run *r, int64_t at)
{
    mlp *m = user;
    const double error = images_error(m->im, m->predict, &m->im->valid, NULL);
    jd_run_log(r, at, m->curve, error);
    return error;
}

/* Trains the weights w, with the digits deformed or as they are, and leaves those of the best validation. */
static void train(mlp *m, jd_run *r, jd_params *w, bool deformed, jd_train_result *result)
{
    jd_fn_free(m->predict);
    m->predict = jd_fn_new(jd_run_ctx(r), w, predict, m);
    m->curve = deformed ? "deformed/error" : "control/error";
    if (!m->im) return;
    m->im->deformed = deformed;
    const bool validated = m->im->valid.count > 0;
    const double epochs = jd_run_setting(r, deformed ? "epochs" : "control");
    jd_train(r, w,
             &(jd_train_options){
                 .what = deformed ? "deformed digits" : "control: digits as they are",
                 .series = deformed ? "deformed" : "control",
                 .trace = step,
                 .user = m,
                 .steps = (int64_t)(epochs * (double)m->im->steps_per_epoch),
                 .batch = next,
                 .loaders = m->im->loaders,
                 .slots = m->im->slots,
                 .items_per_step = m->im->o.batch,
                 .lr = {JD_GEOMETRIC, jd_run_setting(r, "lr"), jd_run_setting(r, "lr_end")},
                 .validate = validated ? validate : NULL,
                 .validate_every = validated ? m->im->steps_per_epoch : 0,
                 .keep_best = validated,
             },
             result);
}

static void report(mlp *m, jd_run *r, jd_params *w, const float *p, double error, double control)
{
    if (!m->im || jd_error(jd_run_ctx(r))) return;
    char text[400];
    if (control >= 0)
        snprintf(
            text, sizeof text,
            "With deformed digits the network errs on %.2f %% of the test set; the control, the same network from the "
            "same first weights on the digits as they are, on %.2f %%: %.2f points more.",
            error, control, control - error);
    else
        snprintf(text, sizeof text, "With deformed digits the network errs on %.2f %% of the test set.", error);
    jd_report_text(jd_run_report(r), text);
    images_report_curves(
        m->im, r, (const char *const[]){"deformed/error", "control/error", NULL}, 0.35,
        "Validation error after each epoch; the weights of the lowest point are the ones that are tested.");
    images_report_deformed(m->im, r);
    images_report_test(m->im, r, p, NULL);
    images_report_filters(m->im, r, w, "hidden1/W", SIDE);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int kind = (int)jd_run_setting(r, "net"), kinds = (int)(sizeof nets / sizeof *nets);
    if (kind < 1 || kind > kinds) return jd_fail(ctx, JD_EUSAGE, "net = %d; 1 to %d are possible", kind, kinds);
    mlp m = {
        .im = images_open_digits(r, SIDE),
        .hidden = nets[kind - 1],
        .init = {JD_INIT_UNIFORM, jd_run_setting(r, "init"), 0, 0},
        .adam = jd_run_setting(r, "adam") != 0,
        .momentum = jd_run_setting(r, "momentum"),
    };
    jd_run_config(r, "optimizer", m.adam ? "Adam" : "gradient descent");
    jd_params *w = jd_params_new(ctx, JD_F32), *plain = jd_params_new(ctx, JD_F32);
    float *p = m.im ? jd_alloc_array(ctx, m.im->test.count * CLASSES, sizeof *p) : NULL;
    jd_train_result deformed = {0}, undeformed = {0};
    double control = -1;

    train(&m, r, w, true, &deformed);
    const double error = images_error(m.im, m.predict, m.im ? &m.im->test : NULL, p);
    jd_run_save(r, w, deformed.best_step, true);
    if (jd_run_setting(r, "control") > 0) {
        train(&m, r, plain, false, &undeformed);
        control = images_error(m.im, m.predict, m.im ? &m.im->test : NULL, NULL);
        jd_run_extra(r, "control_error", control);
    }
    jd_run_extra(r, "train_seconds", deformed.seconds);
    jd_run_extra(r, "control_seconds", undeformed.seconds);
    jd_run_extra(r, "validation_error", deformed.best);
    if (w) jd_run_extra(r, "weights", (double)jd_params_count(w));
    report(&m, r, w, p, error, control);
    const jd_status status = jd_run_finish(r, error, NULL);

    jd_fn_free(m.predict);
    jd_params_free(w);
    jd_params_free(plain);
    jd_free(ctx, p);
    images_close(m.im);
    return status;
}

const jd_system jd_system_mnist_mlp = {
    .name = "mnist-mlp",
    .year = 2010,
    .title = "A deep, big, simple net for handwritten digits",
    .paper = "Ciresan, Meier, Gambardella, Schmidhuber, Neural Computation 22(12), 2010",
    .metric = "test error, %",
    .higher = false,
    .paper_value = 0.35,
    .paper_note = "841-2500-2000-1500-1000-500-10, 12.11 million weights, about 800 epochs online; its 841-1000-500-10 "
                  "reached 0.49 %",
    .accept = {2.0, 1.0, 0.45},
    .about =
        "MNIST: 60,000 handwritten digits of 28 x 28 pixels to learn from, 10,000 to be tested on. The network is a "
        "plain perceptron with 1.7159 tanh(0.6666 a) units and a softmax; no convolution, no pre-training, no "
        "committee. Before every epoch all digits are deformed anew: elastically, rotated or sheared, scaled. So the "
        "network never sees the same picture twice, and can hardly learn them by heart.\n\n"
        "The paper's networks learned online, one digit at a time, for days (scale full). The scales quick and cpu "
        "take the paper's smallest network and batches of 50 with Adam, which needs far fewer epochs.\n\n"
        "Look at the distance between the errors with and without deformation.",
    .data = "mnist",
    .settings = settings,
    .run = run,
};
