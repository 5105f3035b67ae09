/* images_train.c - training a classifier of pictures. */
#include <math.h>

#include "images.h"
#include "jackdaw/layers.h"

/* The logits (B,classes) of the input "x". */
static jd_node logits(jd_graph *g, const images_net *n)
{
    return n->network(g, n->user, jd_arg(g, "x"));
}

static void step(jd_graph *g, void *user)
{
    const images_net *n = user;
    const jd_node loss = jd_softmax_xent(g, logits(g, n), jd_arg(g, "y"));
    jd_result(g, "loss", loss);
    if (n->adam)
        jd_update_adam(g, loss, jd_arg(g, "lr"), .weight_decay = n->weight_decay);
    else
        jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = n->momentum, .nesterov = n->momentum > 0,
                      .weight_decay = n->weight_decay);
}

static void predict(jd_graph *g, void *user)
{
    jd_result(g, "p", jd_softmax(g, logits(g, user)));
}

static int next(void *user, int64_t at, int slot, jd_tensor *in)
{
    const images_net *n = user;
    return images_next(n->im, at, slot, in);
}

static double validate(void *user, jd_run *r, int64_t at)
{
    images_net *n = user;
    const double error = images_error(n->im, n->predict, images_watched(n->im), NULL);
    jd_run_log(r, at, n->curve, error);
    return error;
}

double images_train(jd_run *r, images_net *n, jd_params *w, double epochs, jd_schedule lr, float *p,
                    jd_train_result *result)
{
    if (!n->im || !w) return (double)NAN;
    n->im->chosen = n->choose && n->im->valid.count > 0;
    n->predict = jd_fn_new(jd_run_ctx(r), w, predict, n);
    jd_train(r, w,
             &(jd_train_options){
                 .what = n->what,
                 .series = n->series,
                 .trace = step,
                 .user = n,
                 .steps = (int64_t)(epochs * (double)n->im->steps_per_epoch),
                 .batch = next,
                 .loaders = n->im->loaders,
                 .slots = n->im->slots,
                 .items_per_step = n->im->o.batch,
                 .lr = lr,
                 .validate = validate,
                 .validate_every = n->im->steps_per_epoch,
                 .keep_best = n->im->chosen,
             },
             result);
    const double error = images_error(n->im, n->predict, &n->im->test, p);
    jd_fn_free(n->predict);
    n->predict = NULL;
    return error;
}
