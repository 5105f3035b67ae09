/* run.h - one or several runs of a system, and their summary. */
#ifndef JD_CMD_RUN_H
#define JD_CMD_RUN_H

#include "cli.h"

enum { CLI_MAX_SEEDS = 1000 };

typedef struct cli_series {
    const jd_system *system;
    jd_scale scale;
    jd_run **run; /* (n); the runs that failed have no value */
    int n;
    const char *dir; /* of the summary */
} cli_series;

/* Prints a result: a line for people. */
void cli_print_result(const jd_run *r);
/* result.json and report.html over the seeds; prints the line.  Returns the exit code. */
int cli_summary(jd_ctx *ctx, const cli_series *s, bool json);
/* The page `out` of all runs below the folder `dir`, the papers' figures beside ours; with `table` also on stdout. */
jd_status cli_overview(jd_ctx *ctx, const char *dir, const char *out, bool table);
/* Makes a folder and its parents. */
jd_status cli_make_dir(jd_ctx *ctx, const char *dir);
/* "higher" or "lower", and what `accept` asks, in words. */
void cli_accept_text(char out[64], double accept, bool higher);

#endif
