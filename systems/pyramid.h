/* pyramid.h - what the parts of the system pyramid-lstm share: its nets, what it measures, its report. */
#ifndef PYRAMID_H
#define PYRAMID_H

#include "jackdaw/metrics.h"
#include "jackdaw/train.h"
#include "volumes.h"

typedef struct pyramid {
    jd_run *r;
    jd_ctx *ctx;
    char net[256];
    const volumes *train;
    volume_crop_options crop;
    double dice;   /* weight of the Dice loss */
    uint64_t seed; /* of the crops */
    float *x, *near;
    int32_t *label, extent[3];
    int64_t size[3]; /* of the whole volumes that are labelled at once */
} pyramid;
/* Makes p->net for so many classes from the settings; blocks of side^3 voxels become places of the scans. */
void pyramid_net(pyramid *p, int classes, int side);
/* Trains p->net on crops of p->train; `steps` names a setting. */
jd_status pyramid_train(pyramid *p, const char *what, const char *series, const char *steps, jd_params *w);
/* Probabilities of all volumes: (n) of (D,H,W,classes), to be given to pyramid_free. */
float **pyramid_maps(pyramid *p, jd_params *w, const volumes *s);
void pyramid_free(jd_ctx *ctx, void *list, size_t n);
/* Where a data set is; to be given to jd_free.  Where it is not, `needed` is an error, else a note. */
char *pyramid_folder(pyramid *p, const char *name, bool needed);
jd_status pyramid_cells(pyramid *p);
jd_status pyramid_stack(pyramid *p);

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
