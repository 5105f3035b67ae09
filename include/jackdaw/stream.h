/*
 * stream.h - a trained recurrent network that is fed as its input arrives: a step or a chunk at a time.
 *
 *     jd_stream *s = jd_stream_new(ctx, params, &(jd_stream_options){.net = "lstm 64, dense 12", .columns = 39});
 *     while (hear(x, &steps)) {
 *         const float *y = jd_stream_feed(s, x, steps);             // x (steps,39) -> y (steps,12); NULL: jd_error tells
 *         if (y) act(y, steps);
 *     }
 *     jd_stream_reset(s);                                           // another recording begins
 *     jd_stream_free(s);
 *
 * The state of the recurrent layers is kept from chunk to chunk.  The outputs are, bit for bit, those of the whole sequence at
 * once, however it is cut into chunks.  Only layers that need no later step can be fed so: lstm, gru, srn, dense, highway, embed,
 * layernorm, batchnorm, the activations; dropout and noise do nothing.
 *
 * One stream serves one thread at a time, and its context's rule holds (base.h).  Many streams may share parameters.
 */
#ifndef JACKDAW_STREAM_H
#define JACKDAW_STREAM_H

#include "jackdaw/fn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_stream jd_stream;

typedef struct jd_stream_options {
    const char *net; /* in the network language (layers.h), on vectors of `columns` numbers */
    int64_t columns; /* numbers of a step; 0: a step is a symbol, an int32, and the network begins with embed */
    int64_t count;   /* B: streams side by side, each with a state of its own; 0: 1 */
    bool softmax;    /* probabilities, not logits */
    const float *mean, *factor;          /* (columns): v goes in as (v - mean) factor, a NaN as 0; NULL: as it is */
    const float *out_factor, *out_shift; /* (outputs): multiply and shift; NULL: as they are */
    /* Instead of `net`, a function of one's own: it reads the input "x" (T,B,columns), or int32 (T,B), and gives the result "y"
     * (T,B,...).  What is both an input and a result of one name is carried to the next chunk: state (states) lists those,
     * of the parameters' type, with what they begin with in `data` (NULL: zero).
     *     jd_lstm_out m = jd_lstm_full(g, "m", jd_arg(g, "x"), o);      // o.h0 = jd_arg(g, "h"), o.c0 = jd_arg(g, "c")
     *     jd_result(g, "h", m.hT), jd_result(g, "c", m.cT), jd_result(g, "y", m.y); */
    jd_trace *trace;
    void *user;
    const jd_tensor *state;
    int states;
} jd_stream_options;

/* `params` (float32) must hold all that the network needs, from jd_params_load or a training, and outlive the stream; what `o`
 * points to must live during this call, `user` as long as the stream.  NULL and JD_EUSAGE: a parameter that is missing, a layer
 * that needs later steps. */
JD_API jd_stream *jd_stream_new(jd_ctx *ctx, jd_params *params, const jd_stream_options *o);
JD_API void jd_stream_free(jd_stream *s);
/* Numbers of an output step of one of the B streams. */
JD_API int64_t jd_stream_outputs(const jd_stream *s);

/* The next steps, any number of them: x (steps,B,columns) -> y (steps,B,outputs), valid until the next call.  NULL after an
 * error, which leaves the state as it was before the call. */
JD_API const float *jd_stream_feed(jd_stream *s, const void *x, int64_t steps);

/* Before the first step: the state is that of the beginning. */
JD_API void jd_stream_reset(jd_stream *s);
/* The state of all B streams, jd_stream_state_size numbers in a row: to go on later, to try two ways, or to serve many talkers,
 * one after the other, with one stream. */
JD_API size_t jd_stream_state_size(const jd_stream *s);
JD_API void jd_stream_get_state(const jd_stream *s, float *state);
JD_API void jd_stream_set_state(jd_stream *s, const float *state);

#ifdef __cplusplus
}
#endif
#endif
