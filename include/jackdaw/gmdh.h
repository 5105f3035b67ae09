/*
 * gmdh.h - the group method of data handling: networks of polynomial units that grow layer by layer.
 *
 * A unit computes a polynomial of two inputs, solved by least squares on one part of the rows and ranked on the other
 * part (the external criterion).  The best units of a layer are the inputs of the next; growth ends when the criterion no
 * longer falls; what the winner does not need is pruned.  So depth, width and wiring come from the data.
 *
 *     jd_gmdh *net = jd_gmdh_grow(ctx, x, y, rows, inputs, &(jd_gmdh_options){.admix = true});
 *     jd_gmdh_predict(net, x_new, rows_new, y_new);
 *     char *formula = jd_gmdh_text(net, names);
 *
 * Whether there is anything to learn is asked first, by permutation: the best unit of the first layer must beat the best
 * units found for targets in shuffled order.  If it does not, the answer is the constant predictor, with no layers.
 *
 * All arithmetic is float64 (float32 normal equations are singular in deep layers); ties are broken by position, so the same
 * rows give the same network.  Every unit's output is clamped to the range of y, extended by that range on either side:
 * polynomials of degree 2^layers would explode just outside the training inputs.
 *
 * Sources: Ivakhnenko and Lapa, Cybernetic Predicting Devices, 1965; Ivakhnenko, Polynomial theory of complex systems, IEEE
 * Trans. SMC-1(4), 1971.
 */
#ifndef JACKDAW_GMDH_H
#define JACKDAW_GMDH_H

#include "jackdaw/fn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The polynomial of u and v: {1,u,v}, with uv, with u^2 and v^2 too, or with the four cubic terms too. */
typedef enum jd_gmdh_unit { JD_GMDH_QUADRATIC, JD_GMDH_LINEAR, JD_GMDH_BILINEAR, JD_GMDH_CUBIC } jd_gmdh_unit;

/* How units are ranked.  A: the rows that were fitted; B: the others. */
typedef enum jd_gmdh_criterion {
    JD_GMDH_REGULARITY, /* squared error on B over B's variance */
    JD_GMDH_UNBIASED, /* squared difference of the units solved on A and on B alone; kept units are solved on all rows */
    JD_GMDH_COMBINED  /* `mix` of the first and 1 - mix of the second */
} jd_gmdh_criterion;

typedef enum jd_gmdh_split {
    JD_GMDH_ALTERNATE, /* every (fit_rows + 1)-th row is in B */
    JD_GMDH_RANDOM,    /* the same shares, drawn with the context's seed */
    JD_GMDH_FAR_ROWS   /* A gets the rows farthest from the mean, the historical rule */
} jd_gmdh_split;

typedef struct jd_gmdh_options {
    jd_gmdh_unit unit;
    jd_gmdh_criterion criterion;
    jd_gmdh_split split;
    int fit_rows; /* rows in A for each row in B; 0: 1 */
    int width;    /* units kept in a layer; 0: 20 */
    int layers;   /* at most; 0: 12 */
    int patience; /* layers to go on without a better one */
    bool admix;   /* the inputs are candidates in every layer */
    double
        ridge; /* times the diagonal of the normal equations; 0: 1e-4, which keeps near-equal parents from exploding */
    double tolerance; /* a layer counts as better when the criterion falls by this share; 0: 0.01 */
    double mix;       /* of JD_GMDH_COMBINED; 0: 0.5 */
    int shuffles;     /* of the permutation test; 0: 99; -1: no test */
    double level;     /* the share of shuffles that may do as well as the truth; 0: 0.02 */
} jd_gmdh_options;

typedef struct jd_gmdh jd_gmdh;

/* x (rows, inputs), y (rows).  `o` may be NULL.  Errors: JD_EUSAGE (fewer than 8 rows or 2 inputs that vary, options out of
 * range), JD_EDATA (a value that is not finite, with its row and column). */
JD_API jd_gmdh *jd_gmdh_grow(jd_ctx *ctx, const double *x, const double *y, int64_t rows, int64_t inputs,
                             const jd_gmdh_options *o);
JD_API void jd_gmdh_free(jd_gmdh *net);

/* x (rows, inputs) -> y (rows) */
JD_API jd_status jd_gmdh_predict(const jd_gmdh *net, const double *x, int64_t rows, double *y);

JD_API int64_t jd_gmdh_inputs(const jd_gmdh *net);
JD_API int jd_gmdh_layers(const jd_gmdh *net);           /* 0: the constant predictor */
JD_API int jd_gmdh_units(const jd_gmdh *net, int layer); /* that survived, layer 0 .. layers - 1 */
/* Unit k of a layer: its two sources (0 .. units of the layer before, then the inputs; in layer 0 the inputs) and its
 * weights, in the order 1 u v uv u^2 v^2 u^2v uv^2 u^3 v^3, of which it has *terms. */
JD_API const double *jd_gmdh_unit_at(const jd_gmdh *net, int layer, int k, int source[2], int *terms);
/* The best criterion of every layer that was grown, those after the last one kept included. */
JD_API int jd_gmdh_history(const jd_gmdh *net, const double **criterion);
/* Share of shuffled targets that did as well as the true ones; NAN without the test. */
JD_API double jd_gmdh_chance(const jd_gmdh *net);

/* ---- what a grown network can become -----------------------------------------------------------------------------------*/
/* An ordinary graph, x (B, inputs) -> (B,1), whose parameters "gmdh/layer1/unit1" ... may be trained on by gradient. */
JD_API jd_node jd_gmdh_graph(jd_graph *g, const jd_gmdh *net, jd_node x);
/* Puts the network's weights into a parameter store as NAME/layer1/unit1 ...: "gmdh" for jd_gmdh_graph, "polynomial1" for the
 * first layer of jd_net.  jd_gmdh_take brings them back after training. */
JD_API jd_status jd_gmdh_params(const jd_gmdh *net, const char *name, jd_params *p);
JD_API jd_status jd_gmdh_take(jd_gmdh *net, const char *name, jd_params *p);
/* The network in the language of jd_net, "polynomial x0*x2 x1*x3 / 0*1 clamp -3 3", to be given to jd_free.  It works on
 * scaled rows: input i is (x - mean[i]) scale[i] (scale 0: an input that does not vary), the answer y_mean + y_scale z. */
JD_API char *jd_gmdh_spec(const jd_gmdh *net);
JD_API void jd_gmdh_scaling(const jd_gmdh *net, const double **mean, const double **scale, double *y_mean,
                            double *y_scale);

/* The network as text, a line a unit; names of the inputs may be NULL (x0, x1 ...).  To be given to jd_free. */
JD_API char *jd_gmdh_text(const jd_gmdh *net, const char *const *names);
/* A C function `double NAME(const double *x)` that computes the same bits; to be given to jd_free. */
JD_API char *jd_gmdh_source(const jd_gmdh *net, const char *name);

/* The whole network as one polynomial of the inputs, without the clamps.  Terms in order of total degree; at most
 * `room`.  Errors: JD_EUSAGE when there are more than `room` terms or more than 16 inputs are used. */
typedef struct jd_gmdh_term {
    double factor;
    uint8_t power[16]; /* of input `jd_gmdh_used(net)[i]` */
} jd_gmdh_term;
JD_API jd_status jd_gmdh_expand(const jd_gmdh *net, jd_gmdh_term *term, size_t room, size_t *n);
/* The inputs that the network looks at, in ascending order. */
JD_API int jd_gmdh_used(const jd_gmdh *net, const int **inputs);

JD_API jd_status jd_gmdh_save(const jd_gmdh *net, const char *path); /* a safetensors file */
JD_API jd_gmdh *jd_gmdh_load(jd_ctx *ctx, const char *path);

#ifdef __cplusplus
}
#endif
#endif
