/* learning.h - how `train` learns, whatever from: the options that its ways have in common. */
#ifndef JD_CMD_LEARNING_H
#define JD_CMD_LEARNING_H

#include "model.h"

typedef struct learning {
    uint64_t seed;
    int64_t epochs; /* 0: chosen by the data */
    int64_t patience;
    jd_schedule lr;
    int size[3]; /* --size, or 0 */
    bool deform;
    double share; /* of the samples for validation */
} learning;

/* What an option is where it is not given. */
typedef struct learning_defaults {
    const char *optimizer, *schedule;
    double rate;          /* 0: by the optimiser */
    int64_t least_epochs; /* that may be asked for */
} learning_defaults;

/* Reads them, those of the model's optimiser into `m`; a value that cannot be used sets a->bad. */
void learning_read(cli_args *a, const learning_defaults *d, learning *l, model *m);
void learning_describe(jd_run *r, const learning *l, const model *m);
/* The run of this command line, called after its data; NULL after an error. */
jd_run *learning_run(jd_ctx *ctx, cli_args *a, const learning *l, cli_view *view);
/* What the run's figure is measured on: the test where there is one, else what was kept for validation, else what was learned from. */
typedef struct learning_part {
    bool test, valid; /* there is one */
    size_t n;
    const char *name; /* "test", "validation", "training" */
} learning_part;
learning_part learning_measures(size_t test, size_t valid, size_t trained);
/* Says the run's result: a line of JSON, or the text and where model and report lie. */
void learning_say(jd_run *r, const cli_args *a, const char *text);

/* `train` on pictures and masks: all of it, with an open context, which it closes. */
int train_masks(jd_ctx *ctx, cli_args *a);

#endif
