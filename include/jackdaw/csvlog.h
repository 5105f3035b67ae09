/*
 * csvlog.h - the table of metrics that a run writes while it trains (OUT/metrics.csv).
 *
 * One header line, then one row per call, each flushed to the file before the call returns, so that a killed run loses
 * nothing it has reported.  Quoting follows RFC 4180, lines end in LF, numbers always have a '.' and are the shortest
 * decimal that reads back to the same double; "nan", "inf" and "-inf" stand for themselves.  The first column is the
 * step and has to be a whole number.
 *
 *     jd_csv_log *log = jd_csv_log_open(ctx, "runs/x/metrics.csv", (const char *[]){ "step", "loss", "error" }, 3, -1);
 *     jd_csv_log_append(log, (double[]){ step, loss, error });
 *     jd_csv_log_close(log);
 */
#ifndef JACKDAW_CSVLOG_H
#define JACKDAW_CSVLOG_H

#include <jackdaw/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_csv_log jd_csv_log;

/* Opens `path` with the given columns (fixed from here on; the first is the step).
 * resume_step < 0: a new, empty table replaces whatever `path` holds.
 * resume_step >= 0: the table at `path` goes on; rows whose step is larger than resume_step, and a last row that a crash
 * cut short, are taken out (atomically), because the resumed run will write them again.  A missing file is a new table.
 * Errors: JD_EUSAGE (no columns), JD_EDATA (the file's columns differ, or a row's step is no number), JD_EIO. */
JD_API jd_csv_log *jd_csv_log_open(jd_ctx *ctx, const char *path, const char *const *columns, int n_columns,
                                   int64_t resume_step);

/* Appends one row: `values` has one number per column.  Errors: JD_EIO; JD_EUSAGE if the step is not a whole number. */
JD_API jd_status jd_csv_log_append(jd_csv_log *log, const double *values);

/* The same with text cells; NULL is an empty cell. */
JD_API jd_status jd_csv_log_append_text(jd_csv_log *log, const char *const *cells);

/* Closes the file; NULL does nothing.  Errors: JD_EIO. */
JD_API jd_status jd_csv_log_close(jd_csv_log *log);

#ifdef __cplusplus
}
#endif
#endif
