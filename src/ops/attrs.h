/*
 * attrs.h - the attribute structs of the ops, and the order of their inputs and outputs.  [x] marks an optional input.
 */
#ifndef JD_OPS_ATTRS_H
#define JD_OPS_ATTRS_H

#include "jackdaw/graph.h"

/* matmul: in a, b; out (M,N).  bias [2] (N) and act are set by the planner when it folds "+ bias, tanh" into the product */
typedef enum jd_act { JD_ACT_NONE, JD_ACT_TANH, JD_ACT_SIGMOID, JD_ACT_RELU } jd_act;
typedef struct jd_matmul_attr {
    uint8_t ta, tb;
    uint8_t act; /* jd_act, after the bias */
} jd_matmul_attr;
/* Whether a product sums in 16 parts: term k goes to part k % 16, and jd_tree16 (cpu/simd.h) adds the parts.  So do few
 * outputs of many inputs: their rows of weights are read as they lie, and no long chain delays a small net.  All other
 * products are one chain over k. */
static inline bool jd__matmul_in_parts(bool ta, bool tb, int64_t N, int64_t K)
{
    return !ta && tb && N <= 8 && K >= 16;
}

/* matmul_update: in a, b, w (M,N), alpha (): w = fma(alpha, op(a) op(b), w), each product sum a chain from 0.  With one
 * output, which only the planner asks for and only where op(a) is a column: out (1,N) = its transpose times w as it was
 * before, so that the weights pass once for the error and the update. */
typedef struct jd_matmul_update_attr {
    uint8_t ta, tb;
    uint8_t negate; /* use -alpha */
} jd_matmul_update_attr;

/* transpose: out dim i is in dim perm[i] */
typedef struct jd_transpose_attr {
    int8_t perm[JD_MAX_RANK];
} jd_transpose_attr;
/* slice, pad: along axis; concat: axis only */
typedef struct jd_slice_attr {
    int32_t axis;
    int64_t begin, size; /* pad: zeros before, zeros after */
} jd_slice_attr;
/* sum: axes summed (bits), kept as 1 or dropped */
typedef struct jd_sum_attr {
    uint32_t axes;
    uint8_t keep;
} jd_sum_attr;
/* random: in step int32 (); key of (seed, name); kind 0 uniform, 1 normal; element e is value e % 4 of block e / 4 */
typedef struct jd_random_attr {
    uint64_t name_hash;
    const jd_type *type; /* for the shape rule only */
    int32_t kind;
} jd_random_attr;
/* onehot, scatter_add: depth = number of rows or classes */
typedef struct jd_depth_attr {
    int64_t depth;
} jd_depth_attr;

/* conv2d: x (B,H,W,I), w (O,kH,kW,I) -> (B,H',W',O).  conv2d_dx: dy, w -> (B,H,W,I).  conv2d_dw: dy, x -> (O,kH,kW,I).
 * The sizes that the inputs do not give stand here.  On the CPU the planner folds what follows into conv2d: max pooling by
 * windows of `pool` cells that do not overlap, with the outputs of maxpool or the first of them, bias [2] (O), act. */
typedef struct jd_conv_attr {
    int32_t stride, pad;
    int32_t h, w; /* conv2d_dx: H, W of x.  conv2d_dw: kH, kW */
    int32_t pool; /* 0: none */
    uint8_t act;  /* jd_act, after the bias */
} jd_conv_attr;

/* maxpool: x -> y, winner int32 (B,H',W',C): dy*size + dx inside the window.  unpool: dy, winner -> (B,H,W,C).
 * pool_gather: x, winner -> (B,H',W',C).  avgpool: x -> y (mean of the cells that exist).  avgpool_dx: dy -> (B,H,W,C) */
typedef struct jd_pool_attr {
    int32_t size, stride;
    int32_t ceil;
    int32_t h, w; /* unpool, avgpool_dx: H, W of x */
} jd_pool_attr;

/* softmax: x -> softmax (log = 0) or log softmax (log = 1) over the last axis */
typedef struct jd_softmax_attr {
    int32_t log;
} jd_softmax_attr;
/* softmax_xent: logits (...,K), labels int32 (...) -> loss (...), softmax (...,K).
 * softmax_xent_grad: logits, labels, softmax, dloss (...) -> dlogits (...,K) */

/* ctc: logits (T,B,K), labels (B,U), length (B), label_length (B) -> loss (B), grad (T,B,K) (d loss / d logits).
 * ctc_grad: logits, labels, length, label_length, grad, dloss (B) -> dlogits (T,B,K) */
typedef struct jd_ctc_attr {
    int32_t blank;
} jd_ctc_attr;

/* lstm: in  0 x (T,B,N) 1 [length] 2 W (4H,N) 3 R (4H,P) 4 b (4H) 5 [peep] (3H) 6 [proj] (P,H) 7 [h0] (B,P) 8 [c0] (B,H)
 *       out 0 y (T,B,P) 1 hT (B,P) 2 cT (B,H) 3 gates (T,B,4H) activated i f z o 4 cells (T,B,H)
 *       5 m (T,B,H): o squash(c) before projection, of size 0 without projection
 * lstm_grad: in 0..8 as above, 9 y, 10 gates, 11 cells, 12 m, 13 [dy] 14 [dhT] 15 [dcT]
 *       out 0 dx 1 dW 2 dR 3 db 4 dpeep 5 dproj 6 dh0 7 dc0 (those of absent inputs have size 0) */
typedef struct jd_lstm_attr {
    uint8_t reverse, no_forget, truncate, in_squash, out_squash;
    uint8_t need_dx; /* lstm_grad: 0 leaves dx unset (first layer) */
} jd_lstm_attr;

/* mdlstm: in  0 x (B,d1..dn,N) 1 [size] int32 (B,n) 2 W (D G,N) 3 R (D G,n H) 4 b (D G) 5 [peep] (D (n+2) H); G = (n+3) H
 *         out 0 y (B,d1..dn,D H) 1 gates (B,d1..dn,D G) activated i f1..fn z o 2 cells (B,d1..dn,D H)
 * mdlstm_grad: in 0..5, 6 y 7 gates 8 cells 9 dy; out 0 dx 1 dW 2 dR 3 db 4 dpeep */
typedef struct jd_mdlstm_attr {
    uint8_t n; /* dimensions, 1 to 3 */
    uint8_t
        directions; /* bit s: there is a scan of direction s; in direction s, dimension e runs backwards if bit e of s */
    uint8_t in_squash, out_squash;
    uint8_t need_dx;
    float clip; /* > 0: errors of the pre-activations are kept inside [-clip, clip] */
} jd_mdlstm_attr;

/* convlstm: in 0 x (T,B,Y,X,N) 1 [size] int32 (B,3) 2 W (4C,k,k,N) 3 R (4C,k,k,C) 4 b (4C)
 *           out 0 y (T,B,Y,X,C) 1 gates (T,B,Y,X,4C) activated i f z o 2 cells (T,B,Y,X,C)
 * convlstm_grad: in 0..4, 5 y 6 gates 7 cells 8 dy; out 0 dx 1 dW 2 dR 3 db */
typedef struct jd_convlstm_attr {
    uint8_t reverse, need_dx;
} jd_convlstm_attr;

/* srn: in 0 x (T,B,N) 1 [length] 2 W (H,N) 3 R (H,H) 4 b (H) 5 [h0] (B,H); out 0 y (T,B,H) 1 hT (B,H)
 * srn_grad: in 0..5, 6 y, 7 [dy], 8 [dhT]; out 0 dx 1 dW 2 dR 3 db 4 dh0
 * gru: in 0 x 1 [length] 2 W (3H,N) 3 R (3H,H) 4 b (3H) 5 [bR] (H) 6 [h0]; out 0 y 1 hT 2 gates (T,B,4H): r u n (Rn h + bR)
 * gru_grad: in 0..6, 7 y, 8 gates, 9 [dy], 10 [dhT]; out 0 dx 1 dW 2 dR 3 db 4 dbR 5 dh0 */
typedef struct jd_rnn_attr {
    uint8_t reverse, act, need_dx;
} jd_rnn_attr;

/* clockwork: in 0 x (T,B,N) 1 [length] 2 W (H,N) 3 R (packed, see ops/clockwork.h) 4 b (H) 5 [h0] (B,H); out 0 y 1 hT
 * clockwork_grad: in 0..5, 6 y, 7 [dy], 8 [dhT]; out 0 dx 1 dW 2 dR 3 db 4 dh0 */
enum { JD_CLOCKS = 16 };
typedef struct jd_clockwork_attr {
    uint8_t reverse, act, need_dx;
    uint8_t full;    /* every module hears every other one */
    uint8_t modules; /* of H / modules units */
    uint16_t period[JD_CLOCKS];
} jd_clockwork_attr;

/* update_*: in 0 grad (P) 1 lr () 2 [scale] () factor on the gradient 3 w (P) 4 [state1] (P) 5 [state2] (P) 6 [t] f64 ();
 * no outputs; w and the states are written.  sgd: state1 = velocity.  adam: m, v, t.  rmsprop: mean square.  rprop: step
 * sizes, last gradient, t.  rmsprop with momentum: state2 = velocity. */
typedef struct jd_exchange_attr {
    struct jd_group *group; /* NULL: one shard */
} jd_exchange_attr;

typedef struct jd_update_attr {
    double momentum, weight_decay, beta1, beta2, epsilon;
    uint8_t nesterov;
} jd_update_attr;

#endif
