/*
 * pretrain.h - layers that learn without labels: restricted Boltzmann machines, deep belief nets, auto-encoders.
 *
 * A layer that was trained so has the parameters of the dense layer of its name, "NAME/W" (units,visible) and "NAME/b", and
 * one more, "NAME/back" (visible), the bias of the way down.  So a pre-trained stack needs no conversion: a network that calls
 * jd_dense under the same names, with sigmoid units, begins where pre-training ended.
 *
 *     jd_pretrain_options o = {.units = 500, .epochs = 15};
 *     jd_pretrain_rbm(ctx, w, "layer1", x, n, 784, &o, NULL, NULL);          // x (n,784) in [0,1], no labels
 *     jd_pretrain_apply(ctx, w, "layer1", x, n, 784, h);                     // h (n,500), the input of the next layer
 *     ... jd_dense(g, "layer1", x, .units = 500, .act = JD_SIGMOID) ...      // fine-tuning, with the same store w
 *
 * Sources.  Hinton, Training products of experts by minimizing contrastive divergence, Neural Computation 14, 2002; Hinton,
 * Osindero, Teh, A fast learning algorithm for deep belief nets, Neural Computation 18, 2006; Tieleman, ICML 2008 (persistent
 * chains); Ballard, Modular learning in neural networks, AAAI 1987; Bengio et al., NIPS 2006; Vincent et al., ICML 2008
 * (denoising).
 */
#ifndef JACKDAW_PRETRAIN_H
#define JACKDAW_PRETRAIN_H

#include "jackdaw/fn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a restricted Boltzmann machine as nodes ------------------------------------------------------------------------------
 * E(v,h) = -b'v - c'h - h'W v with binary hidden units.  Visible units are binary; or, with `gaussian`, real with unit
 * variance, -b'v replaced by |v - b|^2 / 2.  With `classes` the last so many visible units are a one-of-n group: a label. */
typedef struct jd_rbm {
    int64_t units; /* hidden */
    bool gaussian;
    int64_t classes;
    double init; /* W starts as N(0, init^2); 0: 0.01 */
} jd_rbm;
JD_API jd_node jd_rbm_hidden(jd_graph *g, const char *name, jd_node v, jd_rbm r); /* (B,V) -> (B,H): p(h = 1 | v) */
JD_API jd_node jd_rbm_visible(jd_graph *g, const char *name, jd_node h, int64_t visible,
                              jd_rbm r); /* p(v = 1 | h), or the mean */
JD_API jd_node jd_rbm_free_energy(jd_graph *g, const char *name, jd_node v,
                                  jd_rbm r); /* (B,V) -> (B): -ln sum_h e^-E */
/* Free energies (B,classes) of x (B,V - classes) with each of the labels; softmax of their negative is p(label | x). */
JD_API jd_node jd_rbm_label_energies(jd_graph *g, const char *name, jd_node x, jd_rbm r);
/* 1 with probability p, else 0: a function of (seed, name, step, element); constant to the gradient. */
JD_API jd_node jd_bernoulli(jd_graph *g, const char *name, jd_node p, jd_node step);

typedef struct jd_divergence_options {
    int steps; /* k of CD-k: Gibbs steps; 0: 1 */
    bool
        sample_visible; /* the chain's last v is sampled too, which is unbiased and noisier; without it: probabilities */
    jd_node chain;      /* (C,V) where persistent chains stand; none: chains begin at the data */
} jd_divergence_options;
typedef struct jd_divergence {
    jd_node loss;  /* (): mean F(v) - mean F(chain), the chain's end held fixed: its gradient is that of CD-k */
    jd_node end;   /* (B,V) or (C,V): the chain's end */
    jd_node error; /* (): squared reconstruction error after one step, summed over units, mean over samples */
} jd_divergence;
JD_API jd_divergence jd_rbm_divergence(jd_graph *g, const char *name, jd_node v, jd_node step, jd_rbm r,
                                       jd_divergence_options o);

/* ln Z by enumeration of the hidden units, at most 20, and by annealed importance sampling (Salakhutdinov and Murray, ICML
 * 2008) from the biases alone over `temperatures` steps of `chains` chains.  For binary units in a float64 or float32 store.
 * Errors: JD_EUSAGE. */
JD_API double jd_rbm_log_z(jd_ctx *ctx, jd_params *p, const char *name);
JD_API double jd_rbm_log_z_ais(jd_ctx *ctx, jd_params *p, const char *name, int64_t chains, int64_t temperatures);

/* ---- an auto-encoder as nodes ------------------------------------------------------------------------------------------------
 * x (B,V) in [0,1] -> the cross entropy of sigmoid(b' + W'h) against x, summed over units, mean over samples, with
 * h = sigmoid(c + W x~) and x~ = x with a share `zeroed` of its values set to 0.  Tied weights. */
typedef struct jd_autoencoder {
    int64_t units;
    double zeroed;
} jd_autoencoder;
JD_API jd_node jd_autoencoder_loss(jd_graph *g, const char *name, jd_node x, jd_node step, jd_autoencoder a);

/* ---- training a layer ----------------------------------------------------------------------------------------------------------*/
typedef struct jd_pretrain_options {
    int64_t units, epochs; /* epochs 0: 15 */
    int64_t batch;         /* 0: 20 */
    double rate;           /* for the mean gradient of a batch; 0: 0.05, 0.001 with gaussian units */
    double momentum;       /* after the first five epochs, in which it is 0.5; 0: 0.9 */
    double decay;          /* pull of W to zero; 0: 2e-4, negative: none */
    int steps;             /* RBM: k of CD-k; 0: 1 */
    bool persistent;       /* RBM: PCD, `batch` chains that go on from step to step */
    bool gaussian;
    int64_t classes;
    double zeroed; /* auto-encoder */
} jd_pretrain_options;
/* After each epoch; error: the mean of an epoch, squared error of the reconstruction (RBM) or cross entropy (auto-encoder),
 * summed over units.  Returns true to stop. */
typedef bool jd_pretrain_progress(void *user, int64_t epoch, int64_t epochs, double error);

/* x (n,visible).  The order of samples and all sampling are functions of the context's seed.  Errors: JD_EUSAGE,
 * JD_EDIVERGED (the error is no longer finite). */
JD_API jd_status jd_pretrain_rbm(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n,
                                 int64_t visible, const jd_pretrain_options *o, jd_pretrain_progress *progress,
                                 void *user);
JD_API jd_status jd_pretrain_autoencoder(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n,
                                         int64_t visible, const jd_pretrain_options *o, jd_pretrain_progress *progress,
                                         void *user);
/* What the layer's units say to x (n,visible): y (n,units). */
JD_API jd_status jd_pretrain_apply(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n,
                                   int64_t visible, float *y);
/* Mean free energy of x (n,visible): an RBM that over-fits gives its training data less than fresh data. */
JD_API double jd_pretrain_free_energy(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n,
                                      int64_t visible, const jd_pretrain_options *o);

/* ---- a deep belief net ------------------------------------------------------------------------------------------------------------
 * Directed sigmoid layers "NAME/up1", "NAME/down1" ... below an RBM "NAME/top" whose visible units are the last directed
 * layer and the label.  jd_dbn_adopt makes one of pre-trained layers; jd_dbn_up_down gives the surrogate loss whose gradient
 * is that of the up-down algorithm (Hinton, Osindero, Teh 2006, appendix B): wake, `gibbs` steps at the top, sleep. */
typedef struct jd_dbn {
    int layers;           /* directed ones */
    const int64_t *units; /* (layers + 1): of these and of the top RBM */
    int64_t visible, classes;
    int gibbs; /* 0: 1 */
} jd_dbn;
/* layer[0..layers-1]: names of the pre-trained directed layers; top: of the RBM.  All in p, where the net is put too. */
JD_API jd_status jd_dbn_adopt(jd_ctx *ctx, jd_params *p, const char *name, jd_dbn d, const char *const *layer,
                              const char *top);
JD_API jd_node jd_dbn_up_down(jd_graph *g, const char *name, jd_node v, jd_node label, jd_node step, jd_dbn d);
/* v (B,V) -> (B,classes): minus the free energy of the top RBM with each label; their softmax is p(label | v). */
JD_API jd_node jd_dbn_logits(jd_graph *g, const char *name, jd_node v, jd_dbn d);
/* What the net dreams of with a label: `steps` Gibbs steps at the top from top (B,units of the last directed layer), label
 * int32 (B), and down: (B,V). */
JD_API jd_node jd_dbn_dream(jd_graph *g, const char *name, jd_node top, jd_node label, jd_node step, int steps,
                            jd_dbn d);

#ifdef __cplusplus
}
#endif
#endif
