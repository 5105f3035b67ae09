/* pyramid.h - what the system pyramid-lstm measures, and its report. */
#ifndef PYRAMID_H
#define PYRAMID_H

#include "jackdaw/metrics.h"
#include "jackdaw/train.h"
#include "volumes.h"

/* Hippocampus: the labels that the net gives, and their scores. */
typedef struct hippocampus_scores {
    uint8_t **label;   /* (n) of (D,H,W) */
    double (*dice)[2]; /* (n): of label 1 and 2 */
    double mean[2], least[2];
    double untrained[2]; /* the same of the most frequent label at each relative place of the training volumes */
} hippocampus_scores;
void pyramid_report_hippocampus(jd_run *r, const volumes *test, const hippocampus_scores *s);

/* Membranes: maps of the probability of membrane. */
typedef struct membrane_scores {
    float **net, **logistic; /* (n) of (D,H,W) */
    double threshold[2];     /* best on the training volumes: net, logistic regression */
    double error[2], f[2];   /* share of wrong voxels of the test volumes, F of the membrane */
} membrane_scores;
void pyramid_report_membranes(jd_run *r, const char *title, const char *about, const volumes *test,
                              const membrane_scores *s);

#endif
