/*
 * frames.h - nets that say something of every frame of sequences of different length: regression or classes.
 *
 *     frames_set train = frames_set_new(ctx, 800, 106, 6, false);
 *     frames_room(ctx, &train, i, T);  ... fill train.item[i].x, .y, .w ...
 *     frames_net n = {.name = "blstm-1", .spec = "dense 64 tanh, blstm 64, blstm 64, dense 6"};
 *     frames_train(r, &n, &train, &valid, &(frames_plan){.epochs = 30, .batch = 8, .rate = 2e-3});
 *     frames_say(&n, &test, said);                                       // said[i] (T,6)
 */
#ifndef FRAMES_H
#define FRAMES_H

#include "jackdaw/data.h"
#include "jackdaw/layers.h"
#include "jackdaw/system.h"

/* One sequence.  Regression: targets y, which count w times (0: not at all).  Classes: label, -1 where none counts. */
typedef struct frames_item {
    int64_t T;
    float *x;       /* (T,inputs) */
    float *y, *w;   /* (T,outputs) */
    int32_t *label; /* (T) */
} frames_item;

typedef struct frames_set {
    int64_t inputs, outputs;
    bool classes;
    size_t n;
    frames_item *item; /* (n) */
} frames_set;

frames_set frames_set_new(jd_ctx *ctx, size_t n, int64_t inputs, int64_t outputs, bool classes);
/* Zeroed memory for T frames of sequence i. */
frames_item *frames_room(jd_ctx *ctx, frames_set *s, size_t i, int64_t T);
void frames_set_free(jd_ctx *ctx, frames_set *s);

/* Mean and deviation of each target where it counts, of each input with `inputs`: (n), to be given to jd_free. */
typedef struct frames_scale {
    int64_t n;
    float *mean, *deviation;
} frames_scale;
frames_scale frames_scale_of(jd_ctx *ctx, const frames_set *s, bool inputs);
void frames_scale_free(jd_ctx *ctx, frames_scale *k);
/* (v - mean) / deviation of all targets, or of all inputs. */
void frames_scale_apply(const frames_scale *k, frames_set *s, bool inputs);

typedef struct frames_net {
    char name[48],
        spec[160]; /* the scope of its parameters; a line of the network language whose last layer is `outputs` */
    int64_t inputs, outputs;
    bool classes;
    jd_params *params;
    jd_fn *say;
    int64_t steps;
    double seconds;
} frames_net;

typedef struct frames_plan {
    double epochs, rate; /* Adam's rate, falling to a twentieth along half a cosine */
    int64_t batch;       /* sequences of a step */
    uint64_t seed;       /* of the order */
} frames_plan;

/* Logs NAME/loss and, once an epoch, NAME/held out (mean loss of `valid`).  The last weights stay. */
jd_status frames_train(jd_run *r, frames_net *n, const frames_set *train, const frames_set *valid,
                       const frames_plan *plan);
/* What it says of each sequence, said[i] (T,outputs): values, or of classes their probabilities. */
jd_status frames_say(jd_ctx *ctx, frames_net *n, const frames_set *s, float *const *said);
/* Room for that, and its end. */
float **frames_said_new(jd_ctx *ctx, const frames_set *s);
void frames_said_free(jd_ctx *ctx, const frames_set *s, float **said);
void frames_net_free(frames_net *n);

/* Weights of a net of `hidden` layers of `width` tanh units, frame by frame, and the least width with as many as `weights`. */
int64_t frames_dense_weights(int64_t inputs, int64_t outputs, int64_t hidden, int64_t width);
int64_t frames_dense_width(int64_t inputs, int64_t outputs, int64_t hidden, int64_t weights);
/* Of a net that starts with a dense layer of `first` units (0: none), then has `layers` (B)LSTM layers of `units` a direction. */
int64_t frames_lstm_weights(int64_t inputs, int64_t outputs, int64_t first, int64_t layers, int64_t units, bool both);
int64_t frames_lstm_units(int64_t inputs, int64_t outputs, int64_t layers, bool both, int64_t weights);

#endif
