/*
 * run.h - what is inside a run.
 */
#ifndef JD_TRAIN_RUN_H
#define JD_TRAIN_RUN_H

#include <jansson.h>

#include "jackdaw/csvlog.h"
#include "jackdaw/system.h"

/* All values logged under one name. */
typedef struct jd_series {
    char *name;
    int64_t *step;
    double *value;
    size_t n, cap;
} jd_series;

typedef struct jd_row {
    int series;
    int64_t step;
    double value;
} jd_row;

/* What was logged: by name, and in the order of the calls. */
typedef struct jd_logbook {
    jd_series *series;
    int n, cap;
    jd_row *row;
    size_t rows, row_cap;
} jd_logbook;

struct jd_run {
    jd_ctx *ctx;
    jd_run_options o;
    const jd_system *system; /* `generic` where the caller gave none */
    jd_system generic;
    char *name, *dir, *data, *path;
    char *home;      /* the output folder; `dir` is this rank's own, the same for rank 0 */
    double *setting; /* as many as the system has */
    json_t *config, *extra;
    jd_logbook log;
    jd_csv_log *csv;
    jd_events *events;
    jd_report *report;
    bool curves_drawn;
    double started, seconds_before; /* the seconds of the processes that this one resumes */
    bool finished, passed;
    double value, seconds;
    char *why;
    int trainings; /* calls of jd_train so far */
    size_t skipped;
    size_t left_told; /* characters of jd_ctx_device_left that were told */
};

/* Where a training stands, beside the weights: what a checkpoint carries. */
typedef struct jd_progress {
    int64_t step;    /* steps done */
    double loss_sum; /* of the steps since the last point of train/loss */
    int64_t loss_n;
    double best;                   /* the best score */
    int64_t best_step, since_best; /* validations since then */
    int64_t validated;             /* the last step whose validation is in */
    bool has_best, done, reached;
    void *best_weights; /* as many as the store has, or NULL */
    size_t best_count;
    size_t first_row; /* the log's rows from here on belong to this training */
} jd_progress;

/* log.c: the history in memory.  Returns the series' index, or -1 with an error. */
int jd__log_add(jd_ctx *ctx, jd_logbook *log, int64_t step, const char *name, double value);
void jd__log_free(jd_ctx *ctx, jd_logbook *log);
/* Opens metrics.csv anew. */
jd_status jd__run_open_log(jd_run *r);
/* Puts a row of an earlier process back: history and metrics.csv, without an event. */
jd_status jd__run_relog(jd_run *r, int64_t step, const char *name, double value);

/* The user wishes to stop; with several ranks, all of them know it. */
bool jd__run_stopping(jd_run *r);
/* What a device leaves to the CPU is noted when it is new; at the end also that it did nothing. */
void jd__run_tell_device(jd_run *r, bool end);

/* save.c */
jd_status jd__checkpoint_write(jd_run *r, const char *path, jd_params *p, const jd_progress *at);
/* False: there is none, or an error is pending. */
bool jd__checkpoint_read(jd_run *r, const char *path, jd_params *p, jd_progress *at);

/* config.c */
json_t *jd__json_number(double x); /* an integer where it is one, null where it is not finite */
jd_status jd__run_settings(jd_run *r, const char *const *set);
json_t *jd__run_config(const jd_run *r);
json_t *jd__environment(jd_ctx *ctx);
/* An error that names the first difference unless the two configurations are those of one run. */
jd_status jd__config_compare(jd_ctx *ctx, const char *path, const json_t *was, const json_t *is);
char *jd__json_text(jd_ctx *ctx, const json_t *j, bool pretty);

/* summary.c: the parts of a report that every run has, from its result and its log. */
void jd__report_head(jd_report *rep, const json_t *result, const char *paper_note);
void jd__report_curves(jd_ctx *ctx, jd_report *rep, const jd_logbook *log);
void jd__report_tail(jd_ctx *ctx, jd_report *rep, const json_t *result);

#endif
