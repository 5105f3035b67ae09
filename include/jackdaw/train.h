/*
 * train.h - runs, and the training loop.
 *
 * A `jd_run` is one experiment with its seed, settings, output folder, log and report.  The `jackdaw` program makes it; a
 * system (system.h) receives it.  The library does not print: what a run wants to tell goes to the callback `on_event`.
 *
 * The output folder gets result.json, metrics.csv (columns step, name, value), model.safetensors, report.html, and the
 * folders checkpoints and events (for TensorBoard).
 */
#ifndef JACKDAW_TRAIN_H
#define JACKDAW_TRAIN_H

#include "jackdaw/fn.h"
#include "jackdaw/io.h"
#include "jackdaw/report.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_run jd_run;
struct jd_system;

typedef enum jd_scale { JD_QUICK, JD_CPU, JD_FULL } jd_scale;

typedef enum jd_run_event_kind {
    JD_EVENT_STAGE,    /* text: what begins now */
    JD_EVENT_PROGRESS, /* done of total, `text` a few words such as "loss 0.31"; rate and ETA are the listener's */
    JD_EVENT_NOTE,     /* text: something the reader should know */
    JD_EVENT_WARNING,  /* text: something amiss, such as a damaged checkpoint; to be shown always */
    JD_EVENT_METRIC,   /* name, step, value: was logged */
    JD_EVENT_RESULT    /* the run's result is known */
} jd_run_event_kind;
typedef struct jd_run_event {
    jd_run_event_kind kind;
    const char *text, *name;
    double done, total, value;
    int64_t step;
} jd_run_event;

typedef struct jd_run_options {
    const struct jd_system *system; /* may be NULL for `jackdaw train` */
    const char *name;               /* of the run; NULL: the system's */
    jd_scale scale;
    uint64_t seed;
    const char *dir;        /* output folder, made if missing */
    const char *const *set; /* "key=value", NULL-terminated; an unknown key is an error that names the nearest */
    const char *data;       /* --data NAME, or NULL */
    bool resume;
    void (*on_event)(void *user, const jd_run_event *e);
    void *user;
    const volatile int *stop; /* becomes non-zero when the user asks to stop (the signal's number) */
    int64_t checkpoint_every; /* steps between checkpoints, before what jd_train_options say; 0: theirs */
    bool skip_bad;            /* samples that cannot be used are passed over and counted, see jd_run_skip */
} jd_run_options;
/* Sets the context's seed to the run's.  Without `resume`, checkpoints, events and the result of an earlier run in the folder
 * are removed.  Errors: JD_EUSAGE (settings), JD_EIO (the folder). */
JD_API jd_run *jd_run_new(jd_ctx *ctx, const jd_run_options *o);
JD_API void jd_run_free(jd_run *r);

JD_API jd_ctx *jd_run_ctx(const jd_run *r);
JD_API jd_scale jd_run_scale(const jd_run *r);
JD_API uint64_t jd_run_seed(const jd_run *r);
JD_API const char *jd_run_dir(const jd_run *r);
JD_API const char *jd_run_data(const jd_run *r, const char *fallback); /* --data, or the fallback */
/* A setting of the system at this scale, or what --set made of it.  The name must be one of the system's settings. */
JD_API double jd_run_setting(const jd_run *r, const char *name);

/* Records what this run was made with, beside the settings: "net", "optimizer"...  It stands in result.json, in the report,
 * and as JSON in the metadata `jackdaw.config` of checkpoints and models. */
JD_API void jd_run_config(jd_run *r, const char *name, const char *text);
JD_API void jd_run_config_number(jd_run *r, const char *name, double value);
/* A list of `rows` objects with the given fields; cell (rows,fields), a NULL leaves its field out. */
JD_API void jd_run_config_list(jd_run *r, const char *name, const char *const *field, size_t fields,
                               const char *const *cell, size_t rows);
/* The configuration as one line of JSON, to be given to jd_free: {"system":..,"scale":..,"seed":..,"settings":{..},..}. */
JD_API char *jd_run_config_json(const jd_run *r);

JD_API void jd_run_stage(jd_run *r, const char *fmt, ...) JD_PRINTF(2, 3);
JD_API void jd_run_note(jd_run *r, const char *fmt, ...) JD_PRINTF(2, 3);
JD_API void jd_run_warn(jd_run *r, const char *fmt, ...) JD_PRINTF(2, 3); /* JD_EVENT_WARNING */
/* true when the user asked to stop: leave the loop, save, return jd_run_stopped(). */
JD_API bool jd_run_progress(jd_run *r, double done, double total, const char *fmt, ...) JD_PRINTF(4, 5);
JD_API jd_status jd_run_stopped(jd_run *r); /* records JD_EINTERRUPT or JD_ESTOPPED */

/* For whoever reads a run's data, when a sample cannot be used and the context's error says why: a corrupt recording, an
 * empty transcript, one longer than the net's output, a label outside the alphabet.  Where the run was told to skip such
 * samples the error becomes a note (of the first ten), is counted and forgotten, and the result is true: go on with the next
 * sample.  Otherwise false: the error stands.  The count is in result.json as "skipped". */
JD_API bool jd_run_skip(jd_run *r);

/* Logs a value under a name ("train/loss"): metrics.csv, TensorBoard, and the history that the report plots. */
JD_API void jd_run_log(jd_run *r, int64_t step, const char *name, double value);
/* The logged history of a name: n pairs, or 0. */
JD_API size_t jd_run_history(const jd_run *r, const char *name, const int64_t **step, const double **value);
/* The name of series i, in the order of their first values; NULL after the last. */
JD_API const char *jd_run_series(const jd_run *r, int i);

/* The report of this run; figures may be added until jd_run_finish. */
JD_API jd_report *jd_run_report(jd_run *r);
/* The curves of everything logged so far, as figures of the report at this place; without this call jd_run_finish adds
 * them after the figures. */
JD_API void jd_run_curves(jd_run *r);
/* A file beside the report: the folder joined with the name; valid until the next call. */
JD_API const char *jd_run_path(jd_run *r, const char *name);

/* The one number of the run.  `why` is shown when the figure was not reached (or NULL).  Writes result.json and
 * report.html. */
JD_API jd_status jd_run_finish(jd_run *r, double value, const char *why);
JD_API double jd_run_value(const jd_run *r);
JD_API bool jd_run_passed(const jd_run *r);
/* One more field of result.json, such as "longest_n". */
JD_API void jd_run_extra(jd_run *r, const char *name, double value);
/* After jd_run_finish: the result as one line of JSON (the last line of `--json`), to be given to jd_free. */
JD_API char *jd_run_result_json(const jd_run *r);
/* What a run without a system measures (`jackdaw train`): before jd_run_finish. */
JD_API void jd_run_metric(jd_run *r, const char *metric, bool higher);
JD_API double jd_run_seconds(const jd_run *r); /* since jd_run_new, and in the processes that it resumes */

/* With `final`, the weights as model.safetensors, with the configuration; else a checkpoint of this step: weights,
 * optimiser state and log (the previous ones are kept as .1, .2). */
JD_API jd_status jd_run_save(jd_run *r, jd_params *p, int64_t step, bool final);
/* For a loop of one's own: when the run resumes, brings back what the newest good checkpoint of jd_run_save holds, and the
 * log up to there, and returns its step; otherwise -1. */
JD_API int64_t jd_run_load(jd_run *r, jd_params *p);

/* ---- models in files: what a product ships -----------------------------------------------------------------------------
 * A model file is a safetensors file with the parameters under their names and, as metadata, what the caller adds: the
 * network in one line, the alphabet, the mean of the inputs.  Errors: JD_EIO (writing), JD_EDATA (tensors that cannot be
 * parameters).
 *     jd_params_save(ctx, params, "reader.safetensors", (jd_metadata[]){{"net", "lstm 32, dense 2"}}, 1);
 *     jd_tensor_file *f = jd_safetensors_open(ctx, "reader.safetensors");
 *     jd_params_load(ctx, params, f); */
JD_API jd_status jd_params_save(jd_ctx *ctx, jd_params *p, const char *path, const jd_metadata *metadata, size_t m);
JD_API jd_status jd_params_load(jd_ctx *ctx, jd_params *p, const jd_tensor_file *f);
/* What `jackdaw train` or a run recorded with its model under a key, such as "net", "input", "class-names"
 * (docs/architecture.md lists them); numbers and lists as JSON.  To be given to jd_free; NULL where nothing is said of it.
 *     char *net = jd_model_setting(ctx, f, "net"); */
JD_API char *jd_model_setting(jd_ctx *ctx, const jd_tensor_file *f, const char *key);

/* Writes DIR's report anew from its result.json and metrics.csv (without the figures that only the run itself can draw). */
JD_API jd_status jd_run_rebuild_report(jd_ctx *ctx, const char *dir, const char *path);

/* ---- schedules --------------------------------------------------------------------------------------------------------*/
typedef enum jd_schedule_kind {
    JD_CONSTANT,
    JD_GEOMETRIC,    /* from `rate` to `end` over all steps, by a constant factor a step */
    JD_LINEAR_DECAY, /* from `rate` to `end` in a straight line */
    JD_HALVING,      /* halved every `period` steps */
    JD_COSINE,       /* from `rate` to `end` along a half cosine */
    JD_FACTOR        /* times `factor` every `period` steps, not below `end` */
} jd_schedule_kind;
typedef struct jd_schedule {
    jd_schedule_kind kind;
    double rate, end, factor;
    int64_t period, warmup; /* warmup: steps in which the rate grows from 0 */
} jd_schedule;
JD_API double jd_schedule_at(const jd_schedule *s, int64_t step, int64_t steps);

/* ---- the training loop --------------------------------------------------------------------------------------------------*/
enum { JD_MAX_INPUTS = 16 };
typedef struct jd_train_options {
    const char *what;   /* for the progress line: "training" */
    const char *series; /* the loss is logged as SERIES/loss; NULL: "train" */
    jd_trace *trace;    /* one training step: gives the result "loss" and updates; may ask for "lr", "step" */
    void *user;         /* of trace, batch and validate */
    void *trace_user;   /* of trace alone, if not NULL */
    int64_t steps;
    /* Fills in[] with the inputs of step `step` and returns how many.  Called from loader threads when `loaders` > 0:
     * then the data must lie in memory that belongs to `slot` (0 <= slot < slots), and the result must depend on `step`
     * alone. */
    int (*batch)(void *user, int64_t step, int slot, jd_tensor *in);
    int loaders, slots; /* 0 loaders: in the training thread, slot 0; slots 0: loaders + 2 */
    jd_schedule lr;
    int64_t log_every;      /* mean training loss logged as "train/loss"; 0: about 200 points in all */
    int64_t validate_every; /* 0: never */
    /* Logs what it likes, returns the score.  Asked to stop (jd_run_progress), it may return anything: the resumed run does
     * this validation again. */
    double (*validate)(void *user, jd_run *r, int64_t step);
    const char *score;  /* what it is called in the progress, such as "validation error (%)"; NULL: "score" */
    double score_grain; /* the progress shows multiples of it; 0: all of it */
    bool higher;        /* a higher score is better */
    int64_t patience;   /* stop after so many validations without a better one; 0: never */
    bool keep_best;     /* end with the weights of the best validation */
    double stop_at;     /* stop when the score reaches this; used when has_stop_at */
    bool has_stop_at;
    int64_t checkpoint_every; /* 0: about every 30 s of training */
    int64_t items_per_step;   /* for the rate shown: sequences, images; 0: 1 */
} jd_train_options;
typedef struct jd_train_result {
    int64_t steps; /* done in all, those before a resume included */
    double best;   /* best validation score */
    int64_t best_step;
    double seconds; /* of this process */
    bool reached;   /* stop_at was reached */
} jd_train_result;
/* Trains; resumes from the run's newest good checkpoint when the run says so, bit for bit.  A loss that is not finite
 * ends it with JD_EDIVERGED and the name of the layer where it began; SIGINT through jd_run ends it after a checkpoint. */
JD_API jd_status jd_train(jd_run *r, jd_params *p, const jd_train_options *o, jd_train_result *res);

#ifdef __cplusplus
}
#endif
#endif
