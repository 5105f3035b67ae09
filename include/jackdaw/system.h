/*
 * system.h - what a file of systems/ defines: one of the line's systems, as a named program.
 *
 *     static jd_status run(jd_run *r)
 *     {
 *         return jd_run_finish(r, train_and_measure(r), NULL);
 *     }
 *     const jd_system jd_system_reber = {.name = "lstm-reber", .year = 1997, .metric = "strings, %", .run = run};
 */
#ifndef JACKDAW_SYSTEM_H
#define JACKDAW_SYSTEM_H

#include <math.h>
#include "jackdaw/train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_setting {
    const char *name;
    double value[3]; /* at quick, cpu, full scale */
    const char *doc;
} jd_setting;

typedef struct jd_system {
    const char *name; /* "lstm-adding" */
    int year;
    const char *title;          /* one line */
    const char *paper;          /* authors, place, year */
    const char *metric;         /* "sequences solved", with its unit */
    bool higher;                /* higher is better */
    double paper_value;         /* NAN: the paper gives none */
    const char *paper_note;     /* how the paper's figure was obtained, what differs */
    double accept[3];           /* the figure to reach at each scale; NAN: none */
    const char *about;          /* a paragraph for the report: the task, the network, what to look at */
    const char *data;           /* the set whose place --data takes; "": generated without; NULL: no --data */
    const jd_setting *settings; /* ends with a NULL name */
    jd_status (*run)(jd_run *r);
} jd_system;

#ifdef __cplusplus
}
#endif
#endif
