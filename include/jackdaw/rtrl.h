/*
 * rtrl.h - real-time recurrent learning: the exact gradient of a recurrent net on a stream that never ends, carried forward
 * beside the state instead of back through stored steps (Robinson and Fallside 1987; Williams and Zipser, Neural
 * Computation 1, 1989), and the truncated rule of the 1997 LSTM, which costs no more than the step itself.
 *
 *     jd_rtrl *r = jd_rtrl_new(ctx, &(jd_rtrl_options){.kind = JD_RTRL_LSTM, .inputs = 2, .units = 8});
 *     jd_rtrl_step(r, weights, x);                       // state and sensitivities move one step on
 *     jd_rtrl_gradient(r, dh, gradient);                 // gradient += dh' dh(t)/dw, for the loss of this step
 *
 * The weights are one vector in the order of the layer of that kind: W (G H,N), R (G H,H), b (G H), [peep (3H)], with G = 1
 * for jd_srn and 4 (i f z o) for jd_lstm; a layer made by jd_srn or jd_lstm lies like this from its range "NAME/W" on.
 * While the weights stay as they are, the sum of the gradients of all steps is that of back-propagation through time;
 * with weights that change at every step the sensitivities of older steps are those of older weights.
 *
 * Memory and time a step: SRN H |w| and H^2 |w| numbers, |w| = H (N+H+1); LSTM twice that with |w| = 4H (N+H+1) [+ 3H]; with
 * `truncate` O(|w|).  Float32 has the same bits on every machine; float64 uses the C library's exp and tanh.
 */
#ifndef JACKDAW_RTRL_H
#define JACKDAW_RTRL_H

#include "jackdaw/layers.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_rtrl jd_rtrl;
typedef enum jd_rtrl_kind { JD_RTRL_SRN, JD_RTRL_LSTM } jd_rtrl_kind;
typedef struct jd_rtrl_options {
    jd_rtrl_kind kind;
    int64_t inputs, units;           /* N, H */
    jd_dtype dtype;                  /* JD_F32 or JD_F64: of everything that is handed over */
    jd_activation act;               /* SRN: as in jd_rnn_options */
    bool linear;                     /* SRN */
    bool peepholes, no_forget;       /* LSTM: as in jd_lstm_options */
    bool truncate;                   /* LSTM: errors do not pass through R and peepholes into earlier steps (1997) */
    jd_squash in_squash, out_squash; /* LSTM */
} jd_rtrl_options;

/* JD_EUSAGE for sizes below 1 or switches of the other kind, JD_ENOMEM. */
JD_API jd_rtrl *jd_rtrl_new(jd_ctx *ctx, const jd_rtrl_options *o);
JD_API void jd_rtrl_free(jd_rtrl *r);
JD_API size_t jd_rtrl_weights(const jd_rtrl *r);

/* State and sensitivities as before the first step: zero; h (H) and c (H) may be given, or NULL. */
JD_API void jd_rtrl_reset(jd_rtrl *r, const void *h, const void *c);
/* One step on x (N).  jd_rtrl_h (H) and jd_rtrl_c (H, NULL for an SRN) stay valid until the next one. */
JD_API void jd_rtrl_step(jd_rtrl *r, const void *weights, const void *x);
JD_API const void *jd_rtrl_h(const jd_rtrl *r);
JD_API const void *jd_rtrl_c(const jd_rtrl *r);
/* gradient (weights) += dh' dh(t)/dw: the part of the last step's loss, dh (H) = d loss(t) / d h(t). */
JD_API void jd_rtrl_gradient(const jd_rtrl *r, const void *dh, void *gradient);
/* dh(t)/dw as (H, weights), for looking at; NULL with `truncate`, which does not keep it. */
JD_API const void *jd_rtrl_sensitivity(const jd_rtrl *r);

#ifdef __cplusplus
}
#endif
#endif
