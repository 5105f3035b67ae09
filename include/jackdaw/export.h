/*
 * export.h - a trained network in the forms that other programs take: one C file, or ONNX.
 *
 *     jd_export net = {.net = "lstm 32, dense 5", .params = p, .columns = 39, .softmax = true};
 *     jd_export_c(ctx, &net, "build", "reader");                // build/reader.c, build/reader.h
 *     jd_export_onnx(ctx, &net, "reader.onnx", false);
 *
 * Both take what the file or sensor gives, and contain the normalisation.  Errors: JD_EUSAGE (a layer that the form cannot
 * say, and what to do), JD_EDATA (parameters that are missing or of other shapes), JD_EIO.
 */
#ifndef JACKDAW_EXPORT_H
#define JACKDAW_EXPORT_H

#include "jackdaw/fn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One of the nets of a committee. */
typedef struct jd_export_member {
    const char *scope; /* before the names of its parameters: "column1", or "" */
    const char *net;
} jd_export_member;

typedef struct jd_export {
    const char *net;   /* in the network language (layers.h) */
    jd_params *params; /* float32, with the names that the language gives them */
    /* One sample: a picture, a vector of so many columns, or a sequence of such vectors. */
    int64_t height, width, channels; /* pictures; 0: no picture */
    int64_t columns;                 /* vectors and sequences; 1 where the net begins with embed */
    bool sequence;
    bool lengths;               /* ONNX, sequences: a second input "lengths", int32 (B), where a batch has several */
    bool states;                /* ONNX, sequences that arrive in pieces: see jd_export_onnx */
    bool softmax;               /* probabilities, not logits */
    bool half;                  /* C: matrices of 16 bits an element, see jd_export_c */
    float low, high;            /* pictures: what pixels of 0 and 255 become; both 0: pixels go in as they are */
    const float *mean, *factor; /* (columns): v goes in as (v - mean) factor; NULL: as it is */
    const float *out_factor, *out_shift; /* (the last dimension of the output): multiply and shift; NULL: as it is */
    const char *labels;                  /* what the outputs stand for, for people; or NULL */
    const char *note;                    /* what else people must know: how pictures are prepared; or NULL */
    /* A committee: its nets all see the input, and the output is the mean of their probabilities.  Not of sequences, and not
     * without `softmax`.  members 0: the net above, alone. */
    const jd_export_member *member;
    int members;
} jd_export;

/* DIR/NAME.c and DIR/NAME.h: C99 that needs nothing but libm, takes no memory from the heap and keeps no state of its own.
 * Its weights lie so that a compiler makes vectors of the outputs, without -ffast-math; -O3 makes the most of them.
 * NAME, a C identifier, begins every name.
 *   pictures and vectors:    void NAME_run(const float *in, float *out);
 *   sequences, one way:      NAME_reset(NAME_state *), NAME_step(NAME_state *, const float *in, float *out) as the input
 *                            arrives, and NAME_run(const float *in, int steps, float *out) for all of it,
 *   sequences, both ways:    NAME_run(const float *in, int steps, float *out, float *work), work of NAME_WORK(steps) floats.
 * Nets with blstm, bgru, bsrn, window or mdlstm over sequences look both ways.  DIR is made if it is missing.
 *
 * With `half` weight matrices and kernels are kept as the upper halves of floats (bfloat16), rounded to the nearest: half the size,
 * each weight within 0.4 % of what it was, sums in float as ever.
 *
 * Both forms know every layer of the network language but those of volumes (pyramid, cube, uncube), with all switches; embed stands
 * at the beginning, and its input is the number of a symbol: one outside the table is a row of zeros, as in jd_gather.  Dropout and
 * noise do nothing.  A picture that `collapse` makes a sequence has a size of its own, so its output has as many steps as its
 * columns leave. */
JD_API jd_status jd_export_c(jd_ctx *ctx, const jd_export *e, const char *dir, const char *name);

/* ONNX (onnx.ai), IR version 8, operator set 17.  The input "x" is (B,H,W,C) with channels last, (B,N), or (T,B,N); the
 * output "y" (B,K) or (T,B,K); B and T may be anything.  With `lengths` the steps of a sample past its own do not count, in
 * either direction, as in jd_net.  Recurrent layers are LSTM, GRU and RNN operators, with the
 * peepholes of ONNX where the layer has them; with `primitives`, and where an operator lacks what the layer has (projection,
 * layernorm, clockwork, mdlstm), the steps are a Scan of MatMul, Add, Sigmoid and Tanh.
 * With `states` each lstm, gru and srn, here all in one direction, takes the inputs "NAME/h" and, an lstm, "NAME/c" (B,units),
 * zeros before the first piece, and gives "NAME/h_next" and "NAME/c_next" for the next one. */
JD_API jd_status jd_export_onnx(jd_ctx *ctx, const jd_export *e, const char *path, bool primitives);

#ifdef __cplusplus
}
#endif
#endif
