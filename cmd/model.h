/*
 * model.h - what `train`, `eval` and `predict` share: samples in memory, the network that jd_net describes, measuring it.
 */
#ifndef JD_CMD_MODEL_H
#define JD_CMD_MODEL_H

#include "cli.h"

typedef struct model model;

/* Samples: images (pixels) or rows of a table (values). */
typedef struct samples {
    size_t count;
    int rank; /* 3: H,W,C; 2: T,C; 1: N */
    int64_t dim[3];
    int classes;      /* 0: targets instead of labels */
    jd_images images; /* rank 3 */
    float *values;    /* rank 1: (count, N); rank 2: the steps of all sequences one after the other, (steps,C) */
    size_t *start;    /* rank 2: (count + 1) where each begins, in steps; T is the longest's length */
    int rate;         /* of recordings, whose features the sequences are; else 0 */
    int32_t *label;   /* (count), or NULL */
    float *target;    /* (count), or NULL */
    size_t skipped;   /* rows of the table that were passed over */
    char *columns;    /* of a table: the inputs by name, or by number where there is no header; comma-separated */
    char *target_column;
    char *names;  /* of the classes, with | between (classes.h); NULL: numbers */
    bool scaled;  /* pictures of a folder: those of another size are resized as a whole */
    bool resized; /* some were */
} samples;

/* What to do with cells of a table that hold no number: refuse the file, leave the row out, or keep the cell as NaN, which a
 * model takes as the mean.  A row whose label or target is missing is refused, or else left out. */
typedef enum missing { MISSING_REFUSE, MISSING_DROP, MISSING_MEAN } missing;
extern const char *const samples_missing[]; /* words of --missing */

/* How samples are to be read, beside where they lie. */
typedef struct samples_options {
    const char *labels;           /* IDX file of the labels; NULL: beside the images */
    jd_split split;               /* of a set of the registry */
    bool regression;              /* the label's column is a target */
    bool unlabelled;              /* there is no column or file of labels */
    bool skip;                    /* rows of a table that cannot be used are passed over */
    const char *columns, *target; /* of a table; NULL: all others, the last */
    missing missing;
    const char *names; /* of the classes that may occur, "": numbers; NULL: whatever there is makes the classes */
    int size[3];       /* H,W,C of the pictures in a folder; 0: as they are */
    bool sequence;     /* rows of numbers are sequences */
    int rate;          /* that recordings are heard at; 0: what they have */
    const model *fit;  /* the pictures of a folder as this model is shown them; NULL: by their size */
} samples_options;
/* `name`: a set of the registry, an IDX file of images, a table (CSV and its kin), or a folder with a folder of pictures for
 * each class, which may have such folders called train and test in it.  Labels of a table that are words, or numbers that do
 * not begin at 0, become classes with names. */
jd_status samples_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *out);
void samples_free(jd_ctx *ctx, samples *s);
/* True for a path to a file or folder, false for a name of the registry. */
bool samples_is_file(const char *name);
/* Whether a set has a part of its own to measure on. */
bool samples_has_test(jd_ctx *ctx, const char *name);

/* Labels out of numbers y (count): classes, or targets with o->regression. */
jd_status samples_label(jd_ctx *ctx, const char *name, const double *y, const samples_options *o, samples *s);
/* Steps of a batch: its longest sequence, rounded up where lengths differ so that few shapes are traced. */
int64_t samples_steps(const samples *s, const uint32_t *index, size_t n);

/* NumPy's arrays (arrays.c). */
bool arrays_are(const char *name);
bool arrays_have_test(jd_ctx *ctx, const char *name);
jd_status arrays_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out);

/* What a folder lists (folders.h), as samples. */
struct folder;
jd_status folder_pictures(jd_ctx *ctx, const struct folder *f, const samples_options *o, samples *out);
jd_status folder_sounds(jd_ctx *ctx, const struct folder *f, const samples_options *o, samples *out);
extern const jd_ear_options folder_ear; /* how recordings are heard, at their rate */

/* Rows below and columns to the right that pictures may lack: sets of 28 x 28 are padded up to 32. */
enum { MODEL_PAD = 4 };

struct model {
    char *net;
    int rank;
    int64_t dim[3];
    int classes;            /* 0: regression */
    char *names;            /* of the classes, with | between; "": numbers */
    bool centred;           /* pictures of things of any size are placed as MNIST's digits are (fit.h) */
    bool scaled;            /* pictures of other sizes are resized as a whole, whatever is on them */
    float low, high;        /* of pixels 0 and 255 */
    float *mean, *scale;    /* (N), of sequences (C): a value v is fed as (v - mean) scale */
    int rate;               /* of recordings, see samples */
    double t_mean, t_scale; /* the same for a target */
    char *columns, *target; /* of a table, see samples; NULL: by place */
    missing missing;
    const char *optimizer;
    double momentum, clip, weight_decay;
};

int64_t model_size(const model *m);        /* numbers of a sample, of sequences the most */
bool model_is_sequential(const char *net); /* whether a net reads sequences */
bool model_knows_lengths(const char *net); /* whether every layer leaves the steps behind a sequence's end alone */
/* The model's shape and normalisation from its training samples index[0..n-1]. */
jd_status model_fit(jd_ctx *ctx, model *m, const samples *s, const uint32_t *index, size_t n);
/* Puts into the run's configuration what model_load needs. */
void model_describe(jd_run *r, const model *m);
jd_status model_load(jd_ctx *ctx, const char *path, model *m, jd_params **params);
void model_free(jd_ctx *ctx, model *m);
/* Errors unless the samples fit the model.  Pictures a few pixels smaller than it takes are padded with background, as the
 * 28 x 28 pixels of MNIST are for nets of 29. */
jd_status model_check(jd_ctx *ctx, const model *m, samples *s, const char *name);
/* Copies and normalises: x (n,...), and label (n) or target (n) where there are any. */
/* The samples index[0..n-1] as the net's inputs: "x", made in x, and of sequences "length", made in `length`; returns how many
 * inputs.  `label` and `target` may be NULL. */
int model_batch(const model *m, const samples *s, const uint32_t *index, size_t n, float *x, int32_t *length,
                int32_t *label, float *target, jd_tensor in[2]);
void model_forward(jd_graph *g, void *m); /* result "p": class probabilities (B,K), or the output (B,1) */
void model_step(jd_graph *g, void *m);    /* one training step */

/* What the model makes of samples. */
typedef struct measured {
    size_t n;
    float *p;           /* (n,K) probabilities, or (n,1) outputs in the target's unit */
    int32_t *predicted; /* (n) */
    int64_t *confusion; /* (K,K): row true, column predicted */
    size_t wrong;
    double loss; /* mean -ln p(label), or mean squared error in the target's unit */
} measured;
/* index NULL: all samples in order.  Stops early, with what it has, when `r` (may be NULL) is asked to. */
jd_status model_measure(jd_ctx *ctx, jd_fn *f, const model *m, const samples *s, const uint32_t *index, size_t n,
                        jd_run *r, measured *out);
void measured_free(jd_ctx *ctx, measured *m);
/* Per cent of wrong answers, or the root of the mean squared error. */
double measured_score(const model *m, const measured *e);

/* How well the probabilities of a classifier fit, and the share, in %, whose class is not among the first three answers. */
jd_status measured_calibration(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, const measured *e,
                               jd_calibration *c, double *top3);

/* Confusion matrix, reliability, first filters, the worst mistakes. */
void model_report(jd_ctx *ctx, jd_report *rep, const model *m, jd_params *p, const samples *s, const uint32_t *index,
                  const measured *e);

#endif
