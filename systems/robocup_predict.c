/* robocup_predict.c - predictors of the present pose, and rounds driven with them; see robocup.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "least_squares.h"
#include "robocup.h"

const char *const rc_name[RC_WAYS] = {
    "last pose seen", "linear regression", "commands integrated", "net", "net without commands", "LSTM", "true pose"};

/* ---- nets ----------------------------------------------------------------------------------------------------------------*/

/* (B,42) -> (T,B,7): the six frames, the oldest first. */
static jd_node frames(jd_graph *g, jd_node x)
{
    const int64_t B = jd_dim(g, x, 0);
    const jd_node poses = jd_reshape(g, jd_slice(g, x, 1, 0, 4 * RB_HISTORY), JD_DIMS(B, RB_HISTORY, 4));
    const jd_node sent = jd_reshape(g, jd_slice(g, x, 1, 4 * RB_HISTORY, 3 * RB_HISTORY), JD_DIMS(B, RB_HISTORY, 3));
    const jd_node both = jd_concat(g, (const jd_node[]){poses, sent}, 2, 2);
    return jd_reverse(g, jd_transpose(g, both, (const int[]){1, 0, 2}), JD_NONE);
}

jd_node rc_answer(jd_graph *g, const rc_net *n, jd_node x)
{
    jd_node h = x;
    jd_scope_push(g, n->name);
    const int64_t B = jd_dim(g, h, 0);
    if (n->kind == RC_BLIND) h = jd_slice(g, h, 1, 0, 4 * RB_HISTORY);
    if (n->kind == RC_LSTM) {
        h = jd_slice(g, jd_lstm(g, "lstm", frames(g, h), .units = n->units), 0, RB_HISTORY - 1, 1);
        h = jd_reshape(g, h, JD_DIMS(B, n->units));
    } else {
        h = jd_dense(g, "hidden", h, .units = n->units, .act = JD_TANH);
    }
    h = jd_dense(g, "out", h, .units = RB_OUTPUTS);
    jd_scope_pop(g);
    return h;
}

static void ask(jd_graph *g, void *user)
{
    jd_result(g, "answer", rc_answer(g, user, jd_arg(g, "x")));
}

static void train_step(jd_graph *g, void *user)
{
    const jd_node error = jd_sub(g, rc_answer(g, user, jd_arg(g, "x")), jd_arg(g, "y"));
    const jd_node loss = jd_affine(g, jd_mean(g, jd_square(g, error), JD_ALL_AXES, false), .5, 0);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = .9);
    jd_result(g, "loss", loss);
}

/* ---- training ------------------------------------------------------------------------------------------------------------*/

typedef struct lesson {
    uint64_t seed, number;
    int64_t rows, batch;
    float *x, *y;   /* (rows,42), (rows,4): targets are what the camera saw later, as a recording has them */
    float *bx, *by; /* (batch,...) */
} lesson;

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    lesson *l = user;
    jd_rng r = jd_rng_new(l->seed, "robocup/rows", (l->number << 40) + (uint64_t)step);
    (void)slot;
    for (int64_t b = 0; b < l->batch; b++) {
        const int64_t row = jd_rng_below(&r, (uint32_t)l->rows);
        memcpy(l->bx + b * RB_INPUTS, l->x + row * RB_INPUTS, RB_INPUTS * sizeof *l->x);
        memcpy(l->by + b * RB_OUTPUTS, l->y + row * RB_OUTPUTS, RB_OUTPUTS * sizeof *l->y);
    }
    in[0] = JD_TENSOR("x", JD_F32, l->bx, l->batch, RB_INPUTS);
    in[1] = JD_TENSOR("y", JD_F32, l->by, l->batch, RB_OUTPUTS);
    return 2;
}

static jd_status lesson_new(const rc_lab *lab, const rb_recording *d, uint64_t number, lesson *l)
{
    jd_ctx *ctx = jd_run_ctx(lab->r);
    const int first = rb_first(lab->delay);
    *l = (lesson){.seed = jd_run_seed(lab->r), .number = number, .rows = d->count - first};
    l->batch = (int64_t)jd_run_setting(lab->r, "batch");
    l->x = jd_alloc_array(ctx, (size_t)l->rows * RB_INPUTS, sizeof *l->x);
    l->y = jd_alloc_array(ctx, (size_t)l->rows * RB_OUTPUTS, sizeof *l->y);
    l->bx = jd_alloc_array(ctx, (size_t)l->batch * RB_INPUTS, sizeof *l->bx);
    l->by = jd_alloc_array(ctx, (size_t)l->batch * RB_OUTPUTS, sizeof *l->by);
    for (int64_t i = 0; !jd_error(ctx) && i < l->rows; i++) {
        const int k = first + (int)i;
        rb_inputs(d, k, lab->delay, l->x + i * RB_INPUTS);
        rb_outputs(d, k, lab->delay, d->seen[k], l->y + i * RB_OUTPUTS);
    }
    return jd_error(ctx);
}

static void lesson_free(jd_ctx *ctx, lesson *l)
{
    jd_free(ctx, l->x);
    jd_free(ctx, l->y);
    jd_free(ctx, l->bx);
    jd_free(ctx, l->by);
}

static jd_status train(rc_lab *lab, rc_net *n, lesson *l, double epochs)
{
    jd_ctx *ctx = jd_run_ctx(lab->r);
    static const char *const kind[RC_KINDS] = {[RC_NET] = "net", [RC_BLIND] = "blind", [RC_LSTM] = "lstm"};
    snprintf(n->name, sizeof n->name, "%s-%d-%d", kind[n->kind], (int)l->number + 1, lab->delay);
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    const double rate = jd_run_setting(lab->r, "rate");
    const int64_t steps = (int64_t)(epochs * (double)l->rows / (double)l->batch);
    const jd_train_options o = {.what = n->name,
                                .series = n->name,
                                .trace = train_step,
                                .user = l,
                                .trace_user = n,
                                .steps = steps > 0 ? steps : 1,
                                .batch = batch,
                                .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 100},
                                .items_per_step = l->batch,
                                .log_every = steps / 40 + 1};
    jd_train_result result;
    return jd_train(lab->r, n->params, &o, &result);
}

/* Least squares on the net's inputs and a bias. */
static void fit_linear(rc_lab *lab, const lesson *l)
{
    least_squares sums;
    double x[RB_INPUTS + 1] = {[RB_INPUTS] = 1}, y[RB_OUTPUTS];
    if (!least_squares_new(jd_run_ctx(lab->r), RB_INPUTS + 1, RB_OUTPUTS, &sums)) {
        for (int64_t i = 0; i < l->rows; i++) {
            for (int k = 0; k < RB_INPUTS; k++) x[k] = (double)l->x[i * RB_INPUTS + k];
            for (int k = 0; k < RB_OUTPUTS; k++) y[k] = (double)l->y[i * RB_OUTPUTS + k];
            least_squares_add(&sums, x, y);
        }
        least_squares_solve(&sums, 1e-9, &lab->linear[0][0]);
    }
    least_squares_free(&sums);
}

/* The lag with which the integrated commands err least on the recording. */
static void fit_lag(rc_lab *lab, const rb_recording *d)
{
    double best = HUGE_VAL, kept = .06;
    for (double lag = .03; lag < 1; lag *= 1.15) {
        double sum = 0;
        lab->odometry.lag = lag;
        for (int k = rb_first(lab->delay); k < d->count; k += 7) {
            const rb_pose p = rb_integrate(&lab->odometry, d, k, lab->delay);
            sum += hypot(p.x - d->seen[k].x, p.y - d->seen[k].y);
        }
        if (sum < best) best = sum, kept = lag;
    }
    lab->odometry.lag = kept;
}

jd_status rc_learn(rc_lab *lab, const rb_recording *d, uint64_t number, unsigned kinds, double epochs)
{
    lesson l;
    if (lesson_new(lab, d, number, &l)) return lesson_free(jd_run_ctx(lab->r), &l), jd_error(jd_run_ctx(lab->r));
    fit_linear(lab, &l);
    fit_lag(lab, d);
    for (int k = RC_NET; k <= RC_LSTM; k++) {
        rc_net *n = &lab->net[k];
        if (!(kinds >> k & 1)) continue;
        *n = (rc_net){.kind = (rc_kind)k, .units = (int64_t)jd_run_setting(lab->r, k == RC_LSTM ? "cells" : "hidden")};
        train(lab, n, &l, epochs);
    }
    lesson_free(jd_run_ctx(lab->r), &l);
    return jd_error(jd_run_ctx(lab->r));
}

void rc_lab_free(rc_lab *lab)
{
    for (int k = 0; k < RC_KINDS; k++) {
        jd_fn_free(lab->net[k].ask);
        jd_params_free(lab->net[k].params);
    }
}

/* ---- asking --------------------------------------------------------------------------------------------------------------*/

static rb_pose linear_says(const rc_lab *lab, const rb_recording *d, int k)
{
    float in[RB_INPUTS];
    double out[RB_OUTPUTS];
    rb_inputs(d, k, lab->delay, in);
    for (int o = 0; o < RB_OUTPUTS; o++) {
        out[o] = lab->linear[o][RB_INPUTS];
        for (int i = 0; i < RB_INPUTS; i++) out[o] += lab->linear[o][i] * (double)in[i];
    }
    return rb_said(d, k, lab->delay, out);
}

static rb_pose net_says(rc_lab *lab, rc_net *n, const rb_recording *d, int k)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, NULL, 1, RB_INPUTS);
    jd_plan *p = jd_fn_plan(n->ask, &in, 1);
    if (!p) return d->seen[k - lab->delay];
    rb_inputs(d, k, lab->delay, jd_plan_input(p, "x"));
    jd_plan_run(p);
    const float *y = jd_plan_result(p, "answer", NULL);
    double out[RB_OUTPUTS] = {0, 0, 0, 1};
    for (int o = 0; y && o < RB_OUTPUTS; o++) out[o] = (double)y[o];
    return rb_said(d, k, lab->delay, out);
}

rb_pose rc_where(rc_lab *lab, rc_kind kind, const rb_recording *d, int k)
{
    if (kind == RC_TRUE) return d->is[k];
    if (k < rb_first(lab->delay)) return d->seen[k > lab->delay ? k - lab->delay : 0];
    if (kind == RC_LINEAR) return linear_says(lab, d, k);
    if (kind == RC_ODOMETRY) return rb_integrate(&lab->odometry, d, k, lab->delay);
    return kind == RC_LATE ? d->seen[k - lab->delay] : net_says(lab, &lab->net[kind], d, k);
}

rc_error rc_measure(rc_lab *lab, rc_kind kind, const rb_recording *d)
{
    rc_error e = {0};
    const int first = rb_first(lab->delay), n = d->count - first;
    for (int k = first; k < d->count; k++) {
        const rb_pose p = rc_where(lab, kind, d, k);
        e.position += hypot(p.x - d->is[k].x, p.y - d->is[k].y) / n;
        e.angle += fabs(rb_angle(p.phi - d->is[k].phi)) / n;
    }
    return e;
}

double rc_microseconds(rc_lab *lab, rc_kind kind, const rb_recording *d)
{
    double best = HUGE_VAL, unused = 0;
    for (int round = 0; round < 5; round++) {
        const double from = jd_now();
        for (int k = rb_first(lab->delay); k < d->count; k++) unused += rc_where(lab, kind, d, k).x;
        best = fmin(best, (jd_now() - from) / (d->count - rb_first(lab->delay)));
    }
    return isfinite(unused) ? 1e6 * best : (double)NAN;
}

/* ---- driving -------------------------------------------------------------------------------------------------------------*/

double rc_loop(rc_lab *lab, rc_kind kind, uint64_t seed, rb_recording *out)
{
    enum { SETTLED = 60 };
    static rb_path path;
    rb_path_new(&path);
    rb_robot robot = {.pose = {path.x[0], path.y[0], path.phi[0]}, .friction = RB_FRICTION};
    jd_rng noise = jd_rng_new(seed, "robocup/loop", 0); /* the same for all kinds */
    int at = 0, really = 0;
    double sum = 0, far;
    for (out->count = 0; out->count < out->frames;) {
        rb_see(out, &robot, &noise);
        const int k = out->count - 1;
        really = rb_nearest(&path, robot.pose.x, robot.pose.y, really, &far);
        if (k >= SETTLED) sum += far / (out->frames - SETTLED);
        out->sent[k] = rb_follow(&path, rc_where(lab, kind, out, k), &at);
        rb_drive(&robot, &out->sent[k], RB_FRAME_MS);
    }
    return sum;
}
