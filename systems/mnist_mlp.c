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
    {"epochs", {4, 40, 800}, "epochs with deformed digits"},
    {"control", {3, 20, 30}, "epochs of the control, with the digits as they are; 0: no control"},
    {"batch", {50, 50, 1}, "digits in a step; the paper's 1 is exact online learning"},
    {"lr", {7e-4, 2.5e-4, 1e-3}, "learning rate at the start, for the mean gradient of a batch"},
    {"lr_end", {1e-5, 1e-5, 1e-6}, "learning rate at the end"},
    {"cosine", {1, 1, 0}, "1: the rate falls along a half cosine; 0: by a constant factor, as in the paper"},
    {"adam", {1, 1, 0}, "1: Adam, which needs fewer epochs; 0: plain gradient descent, as in the paper"},
    {"momentum", {0, 0, 0}, "of plain gradient descent"},
    {"init", {0.05, 0.05, 0.05}, "weights and biases start uniform in +- this"},
    IMAGES_DIGITS(36, 38, 15),
    {NULL, {0}, NULL},
};

typedef struct mlp {
    images *im;
    const int64_t *hidden;
    jd_init init;
} mlp;

/* x (B,29,29,1) in [-1,1] -> (B,10) */
static jd_node network(jd_graph *g, const void *user, jd_node x)
{
    const mlp *m = user;
    for (int i = 0; m->hidden[i]; i++) {
        char name[24];
        snprintf(name, sizeof name, "hidden%d", i + 1);
        x = jd_dense(g, name, x, .units = m->hidden[i], .act = JD_SCALED_TANH, .init = m->init, .bias_init = m->init);
    }
    return jd_dense(g, "out", x, .units = CLASSES, .init = m->init, .bias_init = m->init);
}

/* Trains the weights w, with the digits deformed or as they are, and tests them. */
static double train(const mlp *m, jd_run *r, jd_params *w, bool deformed, float *p, jd_train_result *result)
{
    if (!m->im) return (double)NAN;
    m->im->deformed = deformed;
    images_net n = {.im = m->im,
                    .network = network,
                    .user = m,
                    .adam = jd_run_setting(r, "adam") != 0,
                    .momentum = jd_run_setting(r, "momentum"),
                    .curve = deformed ? "deformed/error" : "control/error",
                    .choose = jd_run_setting(r, "choose") != 0,
                    .what = deformed ? "deformed digits" : "control: digits as they are",
                    .series = deformed ? "deformed" : "control"};
    const jd_schedule lr = {.kind = jd_run_setting(r, "cosine") != 0 ? JD_COSINE : JD_GEOMETRIC,
                            .rate = jd_run_setting(r, "lr"),
                            .end = jd_run_setting(r, "lr_end")};
    return images_train(r, &n, w, jd_run_setting(r, deformed ? "epochs" : "control"), lr, p, result);
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
    images_report_curves(m->im, r, (const char *const[]){"deformed/error", "control/error", NULL}, 0.35, "");
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
    };
    char line[500];
    size_t at = 0;
    for (int i = 0; m.hidden[i]; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, "dense %d scaled-tanh as hidden%d, ", (int)m.hidden[i],
                               i + 1);
    snprintf(line + at, sizeof line - at, "dense %d as out", CLASSES);
    if (m.im) images_describe(m.im, r, line, NULL, NULL);
    jd_run_config(r, "optimizer", jd_run_setting(r, "adam") != 0 ? "Adam" : "gradient descent");
    jd_params *w = jd_params_new(ctx, JD_F32), *plain = jd_params_new(ctx, JD_F32);
    float *p = m.im ? jd_alloc_array(ctx, m.im->test.count * CLASSES, sizeof *p) : NULL;
    jd_train_result deformed = {0}, undeformed = {0};
    double control = -1;

    const double error = train(&m, r, w, true, p, &deformed);
    jd_run_save(r, w, deformed.steps, true);
    if (jd_run_setting(r, "control") > 0) {
        control = train(&m, r, plain, false, NULL, &undeformed);
        jd_run_extra(r, "control_error", control);
    }
    jd_run_extra(r, "train_seconds", deformed.seconds);
    jd_run_extra(r, "control_seconds", undeformed.seconds);
    if (w) jd_run_extra(r, "weights", (double)jd_params_count(w));
    report(&m, r, w, p, error, control);
    const jd_status status = jd_run_finish(r, error, NULL);

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
