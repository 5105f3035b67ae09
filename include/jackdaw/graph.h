/*
 * graph.h - nodes, primitives and fused operations: the vocabulary in which a model is written.
 *
 * A model is a C function that adds nodes to a graph.  Shapes are concrete while it is traced and are checked at once.
 * When something does not fit, the first error stays in the context (see base.h) and every later call returns the null
 * node {0}, so model code needs no checks.  So does every call on a graph that is NULL; sizes are 0 then.
 *
 *     static jd_node digits(jd_graph *g, jd_node x)                          // x (B,28,28,1)
 *     {
 *         jd_node w = jd_param(g, "out/W", (jd_init){.kind = JD_INIT_UNIFORM, .scale = .05}, JD_DIMS(10, 784));
 *         return jd_matmul(g, jd_reshape(g, x, JD_DIMS(jd_dim(g, x, 0), 784)), w, .tb = true);   // (B,10)
 *     }
 *
 * Conventions: row-major, channels last.  Images (B,H,W,C), sequences (T,B,C) with int32 lengths (B).  "Real" is the
 * graph's floating type, float32 or float64.
 */
#ifndef JACKDAW_GRAPH_H
#define JACKDAW_GRAPH_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JD_MAX_RANK 8

typedef enum jd_dtype { JD_F32, JD_F64, JD_I32 } jd_dtype;

typedef struct jd_type {
    jd_dtype dtype;
    int rank; /* 0: a scalar */
    int64_t dim[JD_MAX_RANK];
} jd_type;

typedef struct jd_dims {
    int rank;
    int64_t dim[JD_MAX_RANK];
} jd_dims;
/* JD_DIMS(2, 3) is the shape (2,3); JD_SCALAR the shape (). */
#ifdef __cplusplus
extern "C++" {
template <typename... D> constexpr jd_dims jd_make_dims(D... d)
{
    return {int(sizeof...(D)), {int64_t(d)...}};
}
}
#define JD_DIMS(...) jd_make_dims(__VA_ARGS__)
#else
#define JD_DIMS(...) ((jd_dims){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#endif
#define JD_SCALAR JD_MAKE(jd_dims, 0, {0})

typedef struct jd_graph jd_graph;
/* A handle of one value of a graph; {0} is "none". */
typedef struct jd_node {
    uint32_t id;
} jd_node;
#define JD_NONE JD_MAKE(jd_node, 0)

JD_API size_t jd_dtype_size(jd_dtype t);
JD_API int64_t jd_type_count(const jd_type *t); /* number of elements */

JD_API jd_ctx *jd_graph_ctx(const jd_graph *g);
JD_API jd_dtype jd_real(const jd_graph *g);
JD_API const jd_type *jd_type_of(const jd_graph *g, jd_node x);
JD_API int64_t jd_dim(const jd_graph *g, jd_node x, int axis); /* axis < 0 counts from the end */
JD_API int jd_rank(const jd_graph *g, jd_node x);

/* Names given between push and pop are prefixed: "encoder/" + "lstm0/W".  A node's name shows in errors and plans. */
JD_API void jd_scope_push(jd_graph *g, const char *name);
JD_API void jd_scope_pop(jd_graph *g);
JD_API jd_node jd_named(jd_graph *g, const char *name, jd_node x);

/* ---- leaves --------------------------------------------------------------------------------------------------------*/
/* An input of the traced function, of the shape it was called with (fn.h). */
JD_API jd_node jd_arg(jd_graph *g, const char *name);
JD_API bool jd_has_arg(jd_graph *g, const char *name);
JD_API jd_node jd_const(jd_graph *g, double value, jd_dims shape); /* all elements equal */
JD_API jd_node jd_iota(jd_graph *g, int64_t n);                    /* 0,1,..,n-1 as int32 (n) */

typedef enum jd_init_kind {
    JD_INIT_ZERO,
    JD_INIT_CONST,      /* scale */
    JD_INIT_UNIFORM,    /* U[-scale, scale] */
    JD_INIT_NORMAL,     /* N(0, scale^2) */
    JD_INIT_GLOROT,     /* U[-a, a], a = scale sqrt(6 / (fan in + fan out)) (scale 0 means 1) */
    JD_INIT_HE,         /* N(0, 2 scale^2 / fan in) */
    JD_INIT_FAN_IN,     /* U[-a, a], a = scale / sqrt(fan in) */
    JD_INIT_ORTHOGONAL, /* scale x a random orthogonal matrix; rows or columns orthonormal */
    JD_INIT_LSTM_BIAS /* (4H), or (D,gates,H): forget part `scale`, `in_gate` and `out_gate` the others', cell input 0 */
} jd_init_kind;
typedef struct jd_init {
    jd_init_kind kind;
    double scale;
    double in_gate, out_gate; /* JD_INIT_LSTM_BIAS only */
} jd_init;
/* A trainable parameter of the function's parameter store: made and initialised at its first use (stream "init/NAME"),
 * the same one afterwards.  A second use with another shape is an error. */
JD_API jd_node jd_param(jd_graph *g, const char *name, jd_init init, jd_dims shape);
/* From here on every jd_param is the stored weight plus N(0, sigma^2), drawn anew for each value of `step` (int32 ()). */
JD_API void jd_weight_noise(jd_graph *g, double sigma, jd_node step);
/* A state buffer that lives beside the parameters (optimiser moments, running means); zero at first. */
JD_API jd_node jd_state(jd_graph *g, const char *name, jd_dtype dtype, jd_dims shape);

/* Names a node as a result of the function, to be read after each run (fn.h). */
JD_API void jd_result(jd_graph *g, const char *name, jd_node x);

/* ---- point-wise; shapes broadcast as in NumPy ------------------------------------------------------------------------*/
JD_API jd_node jd_add(jd_graph *g, jd_node a, jd_node b);
JD_API jd_node jd_sub(jd_graph *g, jd_node a, jd_node b);
JD_API jd_node jd_mul(jd_graph *g, jd_node a, jd_node b);
JD_API jd_node jd_div(jd_graph *g, jd_node a, jd_node b);
JD_API jd_node jd_max(jd_graph *g, jd_node a, jd_node b);
JD_API jd_node jd_min(jd_graph *g, jd_node a, jd_node b);
JD_API jd_node jd_greater(jd_graph *g, jd_node a, jd_node b);          /* 1 where a > b, else 0 */
JD_API jd_node jd_where(jd_graph *g, jd_node c, jd_node a, jd_node b); /* a where c != 0, else b */
JD_API jd_node jd_neg(jd_graph *g, jd_node x);
JD_API jd_node jd_exp(jd_graph *g, jd_node x);
JD_API jd_node jd_log(jd_graph *g, jd_node x);
JD_API jd_node jd_tanh(jd_graph *g, jd_node x);
JD_API jd_node jd_sigmoid(jd_graph *g, jd_node x);
JD_API jd_node jd_sin(jd_graph *g, jd_node x); /* radians */
JD_API jd_node jd_cos(jd_graph *g, jd_node x);
JD_API jd_node jd_relu(jd_graph *g, jd_node x);
JD_API jd_node jd_sqrt(jd_graph *g, jd_node x);
JD_API jd_node jd_square(jd_graph *g, jd_node x);
JD_API jd_node jd_abs(jd_graph *g, jd_node x);
JD_API jd_node jd_softplus(jd_graph *g, jd_node x);                           /* ln(1 + e^x) without overflow */
JD_API jd_node jd_affine(jd_graph *g, jd_node x, double scale, double shift); /* scale x + shift */
JD_API jd_node jd_real_of(jd_graph *g, jd_node x);                            /* int32 to real */

/* ---- shapes ----------------------------------------------------------------------------------------------------------*/
JD_API jd_node jd_reshape(jd_graph *g, jd_node x, jd_dims shape);     /* one dimension may be -1 */
JD_API jd_node jd_transpose(jd_graph *g, jd_node x, const int *perm); /* perm[rank] */
JD_API jd_node jd_broadcast_to(jd_graph *g, jd_node x, jd_dims shape);
JD_API jd_node jd_slice(jd_graph *g, jd_node x, int axis, int64_t begin, int64_t size);
JD_API jd_node jd_pad(jd_graph *g, jd_node x, int axis, int64_t before, int64_t after); /* zeros */
JD_API jd_node jd_concat(jd_graph *g, const jd_node *x, int n, int axis);
/* (T,B,...) with each sample's first length[b] steps in reverse order, the rest kept; length none: all T. */
JD_API jd_node jd_reverse(jd_graph *g, jd_node x, jd_node length);

/* ---- reductions: over the axes whose bit is set in `axes` ------------------------------------------------------------*/
#define JD_AXIS(i)  (1u << (i))
#define JD_ALL_AXES 0xffu
JD_API jd_node jd_sum(jd_graph *g, jd_node x, unsigned axes, bool keep);
JD_API jd_node jd_mean(jd_graph *g, jd_node x, unsigned axes, bool keep);
JD_API jd_node jd_amax(jd_graph *g, jd_node x); /* largest of the last axis, kept as 1; gradient to the first largest */
JD_API jd_node jd_argmax(jd_graph *g, jd_node x);                /* int32, over the last axis, which goes */
JD_API jd_node jd_sum_to(jd_graph *g, jd_node x, jd_dims shape); /* the adjoint of broadcast_to */

/* ---- products and look-ups --------------------------------------------------------------------------------------------*/
typedef struct jd_matmul_options {
    bool ta, tb; /* use the transpose of a, b */
} jd_matmul_options;
/* (M,K) x (K,N) -> (M,N) */
JD_API jd_node jd_matmul_opt(jd_graph *g, jd_node a, jd_node b, jd_matmul_options o);
#define jd_matmul(g, a, b, ...) jd_matmul_opt(g, a, b, JD_MAKE(jd_matmul_options, __VA_ARGS__))
JD_API jd_node jd_gather(jd_graph *g, jd_node table, jd_node index);                /* (V,E), int32 (...) -> (...,E) */
JD_API jd_node jd_scatter_add(jd_graph *g, jd_node rows, jd_node index, int64_t V); /* adjoint: (...,E) -> (V,E) */
JD_API jd_node jd_onehot(jd_graph *g, jd_node index, int64_t depth); /* int32 (...) -> real (...,depth) */

/* ---- random numbers: a function of (context seed, name, step, element), the same on any number of threads ------------*/
JD_API jd_node jd_random_uniform(jd_graph *g, const char *name, jd_node step, jd_dims shape); /* [0,1); step int32 () */
JD_API jd_node jd_random_normal(jd_graph *g, const char *name, jd_node step, jd_dims shape);

/* ---- convolution and pooling, NHWC -------------------------------------------------------------------------------------*/
typedef struct jd_conv_options {
    int stride; /* 0 means 1; "skipping factor" S of the 2011 paper is stride - 1 */
    int pad;    /* zeros on every side */
} jd_conv_options;
/* x (B,H,W,I), w (O,kH,kW,I) -> (B,H',W',O); cross-correlation */
JD_API jd_node jd_conv2d_raw(jd_graph *g, jd_node x, jd_node w, jd_conv_options o);
typedef struct jd_pool_options {
    int size, stride; /* stride 0 means size */
    bool ceil;        /* pool what is left at the right and lower edge; otherwise it is dropped */
} jd_pool_options;
/* Ties go to the first.  Over an increasing function (tanh, sigmoid, relu, a positive scale, + bias) the pooling is moved
 * inside, which gives the same values with less work. */
JD_API jd_node jd_maxpool_opt(jd_graph *g, jd_node x, jd_pool_options o);
#define jd_maxpool(g, x, ...) jd_maxpool_opt(g, x, JD_MAKE(jd_pool_options, __VA_ARGS__))
JD_API jd_node jd_avgpool_opt(jd_graph *g, jd_node x, jd_pool_options o);
#define jd_avgpool(g, x, ...) jd_avgpool_opt(g, x, JD_MAKE(jd_pool_options, __VA_ARGS__))

/* ---- losses --------------------------------------------------------------------------------------------------------------*/
JD_API jd_node jd_softmax(jd_graph *g, jd_node x); /* over the last axis */
JD_API jd_node jd_log_softmax(jd_graph *g, jd_node x);
/* logits (...,K), int32 labels (...) -> real (...): -ln softmax(logits)[label]; a negative label gives 0 and no gradient, one of
 * K or more NaN */
JD_API jd_node jd_softmax_xent_each(jd_graph *g, jd_node logits, jd_node labels);
/* mean over the rows whose label is not negative */
JD_API jd_node jd_softmax_xent(jd_graph *g, jd_node logits, jd_node labels);
/* element-wise, targets in [0,1]: softplus(x) - x t */
JD_API jd_node jd_sigmoid_xent_each(jd_graph *g, jd_node logits, jd_node targets);
/* CTC (Graves, Fernandez, Gomez, Schmidhuber, ICML 2006): logits (T,B,K), int32 labels (B,U) padded with anything, int32
 * input lengths (B) and label lengths (B) -> real (B): -ln p(labels | logits).  Infeasible: +inf and no gradient. */
JD_API jd_node jd_ctc(jd_graph *g, jd_node logits, jd_node labels, jd_node length, jd_node label_length, int blank);

/* ---- recurrent layers, whole sequences; see layers.h for the layers with their own parameters -------------------------*/
typedef enum jd_squash { JD_SQUASH_TANH, JD_SQUASH_LINEAR, JD_SQUASH_4SIGM2, JD_SQUASH_2SIGM1 } jd_squash;
typedef struct jd_lstm_args {
    jd_node x;       /* (T,B,N) */
    jd_node length;  /* int32 (B), or none: all T; steps past a sample's length give 0 and no gradient */
    jd_node W, R, b; /* (4H,N), (4H,P), (4H); gate order i f z o; P = H without projection */
    jd_node peep;    /* (3H): p_i p_f p_o, or none; o looks at the new cell */
    jd_node proj;    /* (P,H), or none: r = proj m is the output and what recurs (LSTMP) */
    jd_node h0, c0;  /* (B,P), (B,H), or none: zero */
    bool reverse;    /* run from each sample's last step to its first; outputs stay in place */
    bool no_forget;  /* the 1997 cell: f = 1 */
    bool truncate;   /* the 1997 gradient: errors do not pass through R and peepholes into earlier steps */
    jd_squash in_squash, out_squash; /* of the cell input and the cell output; the 1997 cell: 4SIGM2, 2SIGM1 */
} jd_lstm_args;
typedef struct jd_lstm_out {
    jd_node y;      /* (T,B,P) */
    jd_node hT, cT; /* (B,P), (B,H): the state after each sample's last step */
    jd_node gates;  /* (T,B,4H) activated i f z o, for looking at */
    jd_node cells;  /* (T,B,H) */
} jd_lstm_out;
JD_API jd_lstm_out jd_lstm_raw(jd_graph *g, jd_lstm_args a);

/* LSTM in n = 1, 2 or 3 dimensions (Graves, Fernandez, Schmidhuber, ICANN 2007): a cell at point p sees its predecessors
 * p - s_e e_e in every dimension e, where the signs s are the direction of the scan; outside the grid they are zero.
 *     i = sigma(Wi x + sum_e Ri^e h_e + sum_e pi c_e + bi)      f^e = sigma(Wf^e x + sum_e' Rf^ee' h_e' + pf^e c_e + bf^e)
 *     c = z i + sum_e f^e c_e    z = g(Wz x + sum_e Rz^e h_e + bz)    o = sigma(... + po c + bo)    h = o squash(c)
 * All D directions are computed by one operation: points on a diagonal do not depend on each other.  With n = 1 the values
 * and gradients are those of jd_lstm_raw bit for bit. */
typedef struct jd_mdlstm_args {
    jd_node x;           /* (B,d1..dn,N): a batch of sequences, images or volumes, channels last */
    jd_node size;        /* int32 (B,n): each sample's own extents, at the low corner, or none; the rest gives 0 */
    unsigned directions; /* bit s: scan with dimension e backwards where bit e of s is set; 0: all 2^n */
    jd_node W, R, b;     /* (D G,N), (D G,n H), (D G); G = (n+3) H, gates i f^1..f^n z o; R's columns: h_1..h_n */
    jd_node peep;        /* (D (n+2) H): p_i, p_f^1..p_f^n, p_o of each direction, or none */
    jd_squash in_squash, out_squash;
    double clip; /* > 0: keeps the errors of the pre-activations inside [-clip, clip], as RNNLIB does with 1 */
} jd_mdlstm_args;
typedef struct jd_mdlstm_out {
    jd_node y;     /* (B,d1..dn,D H): the directions side by side, in the order of s */
    jd_node gates; /* (B,d1..dn,D G) activated, for looking at */
    jd_node cells; /* (B,d1..dn,D H) */
} jd_mdlstm_out;
JD_API jd_mdlstm_out jd_mdlstm_raw(jd_graph *g, jd_mdlstm_args a);

/* The LSTM over planes (Stollenga, Byeon, Liwicki, Schmidhuber, NIPS 2015, section 2): every product is a convolution of
 * k x k with zeros around, so all places of a plane are computed side by side, and a place sees a pyramid of the planes
 * before it whose sides open by (k-1)/2 places a plane.  No peepholes; the cell is not convolved.
 *     c' = tanh(Wz*x + Rz*h + bz) sigma(Wi*x + Ri*h + bi) + c sigma(Wf*x + Rf*h + bf)    h' = sigma(Wo*x + Ro*h + bo) tanh(c') */
typedef struct jd_convlstm_args {
    jd_node x; /* (T,B,Y,X,N): T planes of B samples, channels last */
    jd_node
        size; /* int32 (B,3): each sample's own T, Y and X, from the low corner, or none; outside, x counts as 0 and y
                        is 0 */
    jd_node W, R, b; /* (4C,k,k,N), (4C,k,k,C), (4C); gate order i f z o; k odd */
    bool reverse;    /* from each sample's last plane to its first; outputs stay in place */
} jd_convlstm_args;
typedef struct jd_convlstm_out {
    jd_node y;     /* (T,B,Y,X,C) */
    jd_node gates; /* (T,B,Y,X,4C) activated i f z o, for looking at */
    jd_node cells; /* (T,B,Y,X,C) */
} jd_convlstm_out;
JD_API jd_convlstm_out jd_convlstm_raw(jd_graph *g, jd_convlstm_args a);

typedef struct jd_rnn_args {
    jd_node x;       /* (T,B,N) */
    jd_node length;  /* int32 (B), or none */
    jd_node W, R, b; /* SRN: (H,N), (H,H), (H).  GRU: (3H,N), (3H,H), (3H), gate order r u n */
    jd_node bR;      /* GRU: (H), bias inside the reset product, or none */
    jd_node h0;      /* (B,H), or none */
    bool reverse;
    int act; /* SRN: 0 tanh, 1 sigmoid, 2 relu, 3 linear */
} jd_rnn_args;
typedef struct jd_rnn_out {
    jd_node y;  /* (T,B,H) */
    jd_node hT; /* (B,H) */
} jd_rnn_out;
JD_API jd_rnn_out jd_srn_raw(jd_graph *g, jd_rnn_args a); /* h = act(W x + R h + b) */
JD_API jd_rnn_out jd_gru_raw(jd_graph *g, jd_rnn_args a); /* n = tanh(Wn x + bn + r (Rn h + bR)); h = (1-u) n + u h */

/* A Clockwork RNN (Koutnik, Greff, Gomez, Schmidhuber, ICML 2014): H units in `modules` groups of equal size, the first ones
 * quick, the last ones slow.  At step t only the modules whose period divides t compute
 *     h_g(t) = act(W_g x(t) + sum over j with period_j >= period_g of R_gj h_j(t-1) + b_g);  the others keep h_g(t-1).
 * Steps count from each sample's first one (with `reverse`, its last).  R is packed: the rows of module g hold only the
 * columns of the modules it hears, those from the first with its period on, and the modules follow one another;
 * jd_clockwork_weights counts them. */
typedef struct jd_clockwork_args {
    jd_node x;         /* (T,B,N) */
    jd_node length;    /* int32 (B), or none */
    jd_node W, R, b;   /* (H,N), packed (n), (H) */
    jd_node h0;        /* (B,H), or none */
    int modules;       /* at most 16; divides H */
    const int *period; /* [modules], rising, 1..65535; NULL: 1, 2, 4, 8... */
    bool full;         /* every module hears every other one, as in the Brainstorm library; R packed is then (H,H) */
    bool reverse;
    int act; /* as in jd_srn_raw */
} jd_clockwork_args;
JD_API jd_rnn_out jd_clockwork_raw(jd_graph *g, jd_clockwork_args a);
/* Numbers in R for H units. */
JD_API int64_t jd_clockwork_weights(int64_t H, int modules, const int *period, bool full);

/* ---- gradients --------------------------------------------------------------------------------------------------------*/
/* Adds the nodes of d loss / d wrt[i] and stores them in grad[i] (the null node where loss does not depend on it).  loss
 * is a scalar, or `seed` (may be none: ones) gives the cotangent.  May be applied to its own results. */
JD_API void jd_grad(jd_graph *g, jd_node loss, jd_node seed, const jd_node *wrt, int n, jd_node *grad);
/* The gradient with respect to all parameters of the store, one vector (P) in the store's order. */
JD_API jd_node jd_grad_params(jd_graph *g, jd_node loss);
/* The identity whose gradient is zero. */
JD_API jd_node jd_stop(jd_graph *g, jd_node x);

/* ---- updates: change the parameters in place at this point of the step ---------------------------------------------*/
typedef struct jd_update_options {
    double momentum; /* v = momentum v - lr g; w += v */
    bool nesterov;
    double clip;                  /* global norm the gradient is scaled down to; 0: off */
    double weight_decay;          /* added to the gradient: g + weight_decay w */
    double beta1, beta2, epsilon; /* Adam (0: .9, .999, 1e-8); RMSprop uses beta2 (0: .9) and epsilon */
} jd_update_options;
JD_API void jd_update_sgd_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o);
#define jd_update_sgd(g, loss, lr, ...) jd_update_sgd_opt(g, loss, lr, JD_MAKE(jd_update_options, __VA_ARGS__))
JD_API void jd_update_adam_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o);
#define jd_update_adam(g, loss, lr, ...) jd_update_adam_opt(g, loss, lr, JD_MAKE(jd_update_options, __VA_ARGS__))
JD_API void jd_update_rmsprop_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o);
#define jd_update_rmsprop(g, loss, lr, ...) jd_update_rmsprop_opt(g, loss, lr, JD_MAKE(jd_update_options, __VA_ARGS__))
/* A running mean: w += rate (x - w), where w (C) is a parameter or a state and x (C); not part of any gradient. */
JD_API void jd_update_average(jd_graph *g, jd_node w, jd_node x, double rate);
/* Rprop (Riedmiller and Braun 1993), full batch; lr is the first step size. */
JD_API void jd_update_rprop_opt(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o);
#define jd_update_rprop(g, loss, lr, ...) jd_update_rprop_opt(g, loss, lr, JD_MAKE(jd_update_options, __VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
