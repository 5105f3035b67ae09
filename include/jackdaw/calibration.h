/*
 * calibration.h - how good the probabilities of a classifier are: top k, calibration, the reliability diagram.
 *
 *     jd_calibration c;
 *     jd_score_calibration(ctx, p, label, n, 10, 10, &c);
 *     jd_report_reliability(report, ctx, &c, "");
 */
#ifndef JACKDAW_CALIBRATION_H
#define JACKDAW_CALIBRATION_H

#include "jackdaw/report.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The share of n answers p (n,classes), in %, whose label is not among the k most probable classes; of equal ones the first
 * comes first.  k = 1: the error. */
JD_API double jd_top_k_error(const float *p, const int32_t *label, size_t n, int classes, int k);

/* Whether a classifier is right as often as it says (Guo, Pleiss, Sun, Weinberger, ICML 2017): answers are put into bins of
 * equal width by their probability, the largest of p. */
enum { JD_CALIBRATION_BINS = 50 };
typedef struct jd_calibration {
    int bins;
    size_t n, count[JD_CALIBRATION_BINS];
    double sure[JD_CALIBRATION_BINS], right[JD_CALIBRATION_BINS]; /* means over the bin; 0 where it is empty */
    double expected, largest; /* |right - sure|: mean over the answers (ECE), largest of the bins */
    double brier, loss;       /* mean of sum_k (p_k - [k = label])^2; mean of -ln p of the label */
} jd_calibration;
/* p (n,classes), rows that sum to 1.  Errors: JD_EUSAGE. */
JD_API jd_status jd_score_calibration(jd_ctx *ctx, const float *p, const int32_t *label, size_t n, int classes,
                                      int bins, jd_calibration *out);

/* A figure of a report: how often answers of a given probability are right, and how many there are; `more` goes on with the
 * caption. */
JD_API jd_status jd_report_reliability(jd_report *r, jd_ctx *ctx, const jd_calibration *c, const char *more);

#ifdef __cplusplus
}
#endif
#endif
