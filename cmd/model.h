/*
 * model.h - what `train`, `eval`, `predict` and `serve` share: samples in memory, the network that jd_net describes or the
 * committee of such networks, measuring it.  How a file describes them: docs/architecture.md, "What a model file says".
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
    char **text;      /* (count) what is said in them, or NULL; then (letters.h) */
    char *alphabet;
    int32_t
        *letters; /* labels of all texts, one after the other; sample i has first_letter[i] to first_letter[i + 1] */
    size_t *first_letter; /* (count + 1) */
    int64_t most_letters;
    int32_t *label; /* (count), or NULL */
    float *target;  /* (count,targets), or NULL */
    int targets;
    bool *held;     /* (count) kept to validate on, or NULL: the choice is free */
    size_t skipped; /* rows of the table that were passed over */
    char *columns;  /* of a table: the inputs by name, or by number where there is no header; comma-separated */
    /* Their categories (jd_table, data.h), or NULL.  A column of K words is K inputs, of which one is 1. */
    char *categories;
    bool *category;     /* (N) whether an input is one of these, or NULL */
    char *forms;        /* of the inputs' and the targets' cells (jd_table), or NULL */
    char *left_out;     /* columns that tell nothing, or NULL (jd_table) */
    char *strange;      /* a sentence about words that the model does not know, or NULL */
    size_t row_numbers; /* the column that was taken for row numbers, or 0 */
    bool fractions;     /* the target of a guess holds some */
    int ragged;         /* lines of a text are series whose classes stand in front, 1, or behind, 2; 0: other samples */
    bool label_first;   /* the first column was taken for the classes */
    char *target_column; /* or columns, of several targets */
    char *names;         /* of the classes, with | between (classes.h); NULL: numbers */
    bool scaled;         /* pictures of a folder: those of another size are resized as a whole */
    bool resized;        /* some were */
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
    const char *categories;       /* of the columns that hold words; NULL: whatever there is; "": none */
    const char *forms;            /* of the columns' cells; NULL: whatever there is; "": none */
    bool tails;                   /* numbers with long tails become their logarithm */
    bool guess;                   /* a label that is no class is a target: fractions, or many whole numbers */
    missing missing;
    const char *names;    /* of the classes that may occur, "": numbers; NULL: whatever there is makes the classes */
    int size[3];          /* H,W,C of the pictures in a folder; 0: as they are */
    bool sequence;        /* rows of numbers are sequences */
    int rate;             /* that recordings are heard at; 0: what they have */
    bool texts;           /* a folder's table tells texts, not classes */
    const char *alphabet; /* of the texts; NULL: theirs */
    const model *fit;     /* the pictures of a folder as this model is shown them; NULL: by their size */
} samples_options;
/* `name`: a set of the registry, an IDX file of images, a table (CSV and its kin), or a folder with a folder of pictures for
 * each class, which may have such folders called train and test in it.  Labels of a table that are words, or numbers that do
 * not begin at 0, become classes with names. */
jd_status samples_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *out);
/* The first `valid` of a permutation `index` are for validation: those that are held back, where any are.  Pictures of one group show one thing: they are brought
 * together in the order of the samples, and the part ends where a group does.  Returns its size. */
size_t samples_part(jd_ctx *ctx, const samples *s, uint32_t *index, size_t valid);
void images_count_classes(jd_images *images); /* as many as the largest label asks for */
void samples_take_images(samples *s);         /* count, size and labels from s->images */
void samples_free(jd_ctx *ctx, samples *s);
/* True for a path to a file or folder, false for a name of the registry. */
bool samples_is_file(const char *name);
/* NAME_TEST.ts or .tsv of NAME_TRAIN.ts or .tsv, as the archives of time series have them, where it is there, for jd_free; else NULL. */
char *samples_test_beside(jd_ctx *ctx, const char *name);
/* Whether a set has a part of its own to measure on. */
bool samples_has_test(jd_ctx *ctx, const char *name);

/* Labels out of numbers y (count), or of `words` (NULL: of the numbers): classes, or targets with o->regression. */
jd_status samples_label(jd_ctx *ctx, const char *name, const double *y, const char *const *words,
                        const samples_options *o, samples *s);
/* Steps of a batch: its longest sequence, rounded up where lengths differ so that few shapes are traced. */
int64_t samples_steps(const samples *s, const uint32_t *index, size_t n);

/* Gives those of the first columns, the inputs, that have long tails a form with a logarithm (tails.c). */
jd_status tails_find(jd_ctx *ctx, jd_table *t, size_t inputs);
/* Text with numbers and words in columns (tables.c). */
jd_status table_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out);

/* NumPy's arrays (arrays.c). */
bool arrays_are(const char *name);
bool arrays_have_test(jd_ctx *ctx, const char *name);
jd_status arrays_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out);

/* Series of many lengths in a text, one a line (ragged.c); false for anything else. */
bool ragged_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out);

/* Time series in the text format .ts (series.c). */
bool series_are(const char *name);
jd_status series_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out);

/* Pictures as published sets have them (listed.c), for the model o->fit, if there is one: in a folder that holds IDX files of
 * images and labels (of several those that are called after the split), an index of mosaics or of a blob (data.h), traffic signs or
 * Chinese characters as they are distributed (sets.h); or listed by such an index, a .tsv file.  False for anything else. */
bool listed_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out);
/* Whether a folder holds IDX files, or folders of .gnt files, to train and to test on, as their names say. */
bool listed_tests(jd_ctx *ctx, const char *dir);
/* The path of the index of mosaics or of a blob in a folder, or NULL, for jd_free. */
char *listed_index(jd_ctx *ctx, const char *dir, jd_split split);

/* What a folder lists (folders.h), as samples. */
struct folder;
jd_status folder_pictures(jd_ctx *ctx, const struct folder *f, const samples_options *o, samples *out);
jd_status folder_sounds(jd_ctx *ctx, const struct folder *f, const samples_options *o, samples *out);
extern const jd_ear_options folder_ear; /* how recordings are heard, at their rate */

enum { MODEL_MEMBERS = 64, MODEL_TARGETS = 100000, MODEL_VIEWS = 15, MODEL_INPUTS = MODEL_VIEWS + 1 };

/* A way to prepare pictures, and the name of the input that takes them: "x", "x2", "x3"... */
typedef struct member_view {
    char *prepare;
    char input[8];
} member_view;

/* One of the networks whose probabilities are averaged. */
typedef struct member {
    char *scope; /* before the names of its parameters: "column1", or "" */
    char *name;
    char *net; /* NULL: the model's */
    int view;  /* which prepared pictures it sees */
} member;

struct model {
    char *net; /* of a committee: that of the members that name none of their own */
    int rank;
    int64_t dim[3]; /* what a network takes */
    int classes;    /* 0: regression */
    char *names;    /* of the classes, with | between; "": numbers */
    /* Pictures of `picture` (height, width) become what member k sees by the line view[member[k].view].prepare (jd_images_prepare) and
     * background below and to the right. */
    int64_t picture[2];
    member *member; /* (members), at least one once the model is loaded or fitted */
    int members;
    member_view *view; /* (views), all different */
    int views;
    bool resized;    /* by one of these */
    bool drawings;   /* bright ink on dark, placed as `ink` and `centred` say: others are turned and fitted (fit.h) */
    int ink;         /* pixels of its longer side */
    bool centred;    /* its centre of mass is in the middle, not that of its box */
    bool scaled;     /* pictures of other sizes are resized as a whole, whatever is on them */
    bool halves;     /* outputs y in [-1,1] answer with (y + 1) / 2, not with the softmax */
    float low, high; /* of pixels 0 and 255 */
    float *mean, *scale; /* (N), of sequences (C): a value v is fed as (v - mean) scale */
    int rate;            /* of recordings, see samples */
    char *alphabet;      /* of a net that writes (CTC); its last output is the blank.  Else NULL */
    int letters;
    int targets;              /* of a regression, else 0 */
    double *t_mean, *t_scale; /* (targets) the same for these */
    char *columns, *target;   /* of a table, see samples; NULL: by place */
    char *categories, *forms; /* of these columns, "": none */
    missing missing;
    const char *optimizer;
    double momentum, clip, weight_decay;
};

int64_t model_size(const model *m);        /* numbers of a sample, of sequences the most */
int64_t model_outputs(const model *m);     /* classes or targets */
bool model_is_sequential(const char *net); /* whether a net reads sequences */
bool model_knows_lengths(const char *net); /* whether every layer leaves the steps behind a sequence's end alone */
/* The model's shape and normalisation from its training samples index[0..n-1]. */
jd_status model_fit(jd_ctx *ctx, model *m, const samples *s, const uint32_t *index, size_t n);
/* Puts into the run's configuration what model_load needs. */
void model_describe(jd_run *r, const model *m);
jd_status model_load(jd_ctx *ctx, const char *path, model *m, jd_params **params);
/* The same, and the function with model_forward; refuses files that lack one of its parameters. */
jd_fn *model_open(jd_ctx *ctx, const char *path, model *m, jd_params **params);
/* An error if the function that has just run needed more parameters than the `there` that the file held: they would be random. */
jd_status params_complete(jd_ctx *ctx, const jd_params *p, int there, const char *net);
void model_free(jd_ctx *ctx, model *m);
/* Members, pictures and preparation of a loaded model from its jackdaw.config, a json_t (members.c). */
jd_status model_read_members(jd_ctx *ctx, const char *path, const void *config, model *m);
/* "target-mean" or "target-factor" of a configuration, a json_t: a number, or, of n > 1 targets, a text of n; for jd_free. */
double *model_read_targets(jd_ctx *ctx, const void *config, const char *name, int n);
/* What a model of one network that sees the samples as they are has of these. */
jd_status model_alone(jd_ctx *ctx, model *m);
/* Whether pictures of this size can be taken as they are. */
bool model_takes(const model *m, int64_t height, int64_t width);
/* The members' scanners, whose maps are averaged, and weights of their own (members each), to be freed by the caller; `how` tells
 * tiles and progress.  Refuses members with nets of their own. */
jd_status model_scanners(jd_ctx *ctx, const char *path, const model *m, jd_params *w, const jd_scan_options *how,
                         jd_scanner **scan, jd_params **weights);
/* Errors unless the samples fit the model. */
jd_status model_check(jd_ctx *ctx, const model *m, const samples *s, const char *name);
/* What members with view v see of pictures index[0..n-1]: out (n,H,W,C), prepared and padded. */
jd_status model_see(jd_ctx *ctx, const model *m, int v, const jd_images *pictures, const uint32_t *index, size_t n,
                    uint8_t *out);
/* The samples index[0..n-1] as the net's inputs, made in x (views,n,...), and of sequences "length", made in `length`; returns
 * how many inputs, 0 after an error.  `label` and `target` may be NULL. */
int model_batch(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, size_t n, float *x,
                int32_t *length, int32_t *label, float *target, jd_tensor in[MODEL_INPUTS]);
/* The result "p" of model_forward, (n,K), a class or target each; NULL after an error. */
const float *model_run(jd_ctx *ctx, jd_fn *f, const model *m, const jd_tensor *in, int inputs);
/* Result "p": class probabilities (B,K), the mean of the members', or the output (B,targets).  Inputs "x", "x2", ... by views. */
void model_forward(jd_graph *g, void *m);
void model_step(jd_graph *g, void *m); /* one training step */
/* The model's optimiser, at the rate "lr". */
void model_update(jd_graph *g, const model *m, jd_node loss);

enum { MEASURED_TEXTS = 20 };
/* What the model makes of samples. */
typedef struct measured {
    size_t n;
    float *p;           /* (n,K) probabilities, or (n,targets) outputs in the targets' units */
    int32_t *predicted; /* (n) */
    int64_t *confusion; /* (K,K): row true, column predicted */
    size_t wrong;
    size_t edits, letters;          /* of texts: the edit distance to what was read, and the length of the truth */
    char *shown[MEASURED_TEXTS][2]; /* the first texts, and what was read */
    /* Mean -ln p(label), or mean squared error in the target's unit; of several targets the mean over them, each in its standard
     * deviation on the training samples. */
    double loss;
    double *mse, *r2; /* (targets) of a regression: in the target's unit; the share of its variance that is explained */
} measured;
/* index NULL: all samples in order.  Stops early, with what it has, when `r` (may be NULL) is asked to. */
jd_status model_measure(jd_ctx *ctx, jd_fn *f, const model *m, const samples *s, const uint32_t *index, size_t n,
                        jd_run *r, measured *out);
void measured_free(jd_ctx *ctx, measured *m);
/* "error (%)", "label error (%)", "root mean squared error", or the same of several targets. */
const char *model_metric(const model *m);
/* Per cent of wrong answers, edits in per cent of the letters, or the root of the mean squared error. */
double measured_score(const model *m, const measured *e);

/* How well the probabilities of a classifier fit, and the share, in %, whose class is not among the first three answers. */
jd_status measured_calibration(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, const measured *e,
                               jd_calibration *c, double *top3);

/* Confusion matrix, reliability, first filters, the worst mistakes. */
void model_report(jd_ctx *ctx, jd_report *rep, const model *m, jd_params *p, const samples *s, const uint32_t *index,
                  const measured *e);

#endif
