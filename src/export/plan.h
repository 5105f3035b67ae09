/*
 * plan.h - the layers of an exported network with their shapes and weights, found once for all forms.
 */
#ifndef JD_EXPORT_PLAN_H
#define JD_EXPORT_PLAN_H

#include "io/bytes.h"
#include "jackdaw/export.h"
#include "layers/layers.h"

/* The shape of one sample between two layers. */
typedef struct jd_export_shape {
    bool sequence;
    int rank;       /* 3: a picture (H,W,C); 1: a vector (N), or one step of a sequence */
    int64_t dim[3]; /* rank 1: dim[0] */
} jd_export_shape;

enum { JD_EXPORT_LAYERS = 256 };

/* The weights of one direction of a layer; what it has not is NULL. */
typedef struct jd_export_weights {
    const float *W, *b, *R, *peep, *proj, *bR;
    const float *ln_x, *ln_h, *ln_c, *ln_cb; /* (4H) (4H) (H) (H): gains, and a bias, of a normalised LSTM */
} jd_export_weights;

typedef struct jd_export_layer {
    jd__net_layer l;
    jd_export_shape in, out;
    jd_export_weights way[2]; /* way[1]: backwards in time; of a highway layer way[0] transforms, way[1] gates; an
                                 mdlstm's directions all stand in way[0] */
    const float *gain, *shift, *mean, *variance; /* (C), of a normalising layer; the last two of batchnorm */
} jd_export_layer;

typedef struct jd_export_plan {
    jd_ctx *ctx;
    const jd_export *e;
    const char *net, *scope; /* of this member */
    const char *form;        /* "ONNX", for messages */
    jd_export_layer layer[JD_EXPORT_LAYERS];
    int n; /* layers that do something: no dropout, no noise; each layer of a highway by itself */
    jd_export_shape in, out;
    int64_t symbols; /* the input is a symbol, one of so many; else 0 */
    int64_t steps;   /* of the sequence that a picture became; else 0 */
    bool whole;      /* a layer needs later steps */
} jd_export_plan;

int64_t jd__export_size(const jd_export_shape *s);      /* numbers of a sample, or of one step */
int64_t jd__export_outputs(const jd_export_plan *p);    /* numbers of a sample's output, or of one step of it */
int jd__export_members(const jd_export *e);             /* at least 1 */
int64_t jd__export_gates(const jd_export_layer *x);     /* of a recurrent layer's direction; all of an mdlstm's: 20 */
int64_t jd__export_recurrent(const jd_export_layer *x); /* numbers of R, of layers without gates */
jd_status jd__export_plan(jd_ctx *ctx, const jd_export *e, int member, const char *form, jd_export_plan *p);
/* The units of a polynomial layer one after the other: begin with {0}; false after the last, or an error. */
typedef struct jd_export_unit {
    const char *at;
    int64_t layer, place; /* of the unit, from 0 */
    int64_t units[2];     /* of the layer before, and so far in this one */
    int64_t source[2];    /* 0 .. units[0] - 1: units of the layer before; then the inputs */
    int terms;
    const float *w; /* (terms) */
} jd_export_unit;
bool jd__export_next_unit(const jd_export_plan *p, const jd_export_layer *x, jd_export_unit *u);
/* What batchnorm does to a trained net's channel c: times `scale`, plus `shift`. */
typedef struct jd_export_affine {
    float scale, shift;
} jd_export_affine;
jd_export_affine jd__export_affine(const jd_export_layer *x, int64_t c);
/* The weights of a convolution (M,k,k,C), zero where `fan` leaves a map out; to be given to jd_free.  NULL after an error. */
float *jd__export_kernel(const jd_export_plan *p, const jd_export_layer *x);
/* k weights of contrast's Gaussian, which add up to 1; and what of it lies inside a side of n cells around each of them. */
enum { JD_EXPORT_CONTRAST = 63 };
void jd__export_gaussian(int k, float weight[JD_EXPORT_CONTRAST]);
#define JD_EXPORT_EPSILON 1e-5 /* of the language's normalising layers */
/* Appends formatted text. */
void jd__emit(jd_buffer *b, const char *fmt, ...) JD_PRINTF(2, 3);

#endif
