/* classes.c - how good the probabilities of a classifier are. */
#include <math.h>

#include "jackdaw/calibration.h"

double jd_top_k_error(const float *p, const int32_t *label, size_t n, int classes, int k)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++, p += classes) {
        const int truth = label[i];
        int before = 0; /* classes that come before the true one; of equal ones, the first does */
        for (int c = 0; c < classes; c++) before += p[c] > p[truth] || (p[c] >= p[truth] && c < truth);
        wrong += before >= k;
    }
    return n ? 100.0 * (double)wrong / (double)n : (double)NAN;
}

jd_status jd_score_calibration(jd_ctx *ctx, const float *p, const int32_t *label, size_t n, int classes, int bins,
                               jd_calibration *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (!n || classes < 2 || bins < 1 || bins > JD_CALIBRATION_BINS)
        return jd_fail(ctx, JD_EUSAGE, "calibration of %zu answers, %d classes, %d bins; 1 or more, 2 or more, 1 to %d",
                       n, classes, bins, JD_CALIBRATION_BINS);
    jd_calibration c = {.bins = bins, .n = n};
    for (size_t i = 0; i < n; i++, p += classes) {
        int best = 0;
        double square = 0, sum = 0;
        for (int k = 0; k < classes; k++) {
            const double q = (double)p[k], d = q - (k == label[i]);
            if (!(q >= 0 && q <= 1.0001) || label[i] < 0 || label[i] >= classes)
                return jd_fail(ctx, JD_EUSAGE, "calibration: answer %zu: probability %g, label %d of 0 to %d", i, q,
                               label[i], classes - 1);
            if (p[k] > p[best]) best = k;
            square += d * d;
            sum += q;
        }
        if (fabs(sum - 1) > 1e-2)
            return jd_fail(ctx, JD_EUSAGE, "calibration: the probabilities of answer %zu sum to %g, not 1", i, sum);
        const int b = (int)fmin(bins - 1, floor((double)p[best] * bins));
        c.count[b]++;
        c.sure[b] += (double)p[best];
        c.right[b] += best == label[i];
        c.brier += square / (double)n;
        c.loss -= log(fmax((double)p[label[i]], 1e-30)) / (double)n;
    }
    for (int b = 0; b < bins; b++) {
        if (!c.count[b]) continue;
        c.sure[b] /= (double)c.count[b];
        c.right[b] /= (double)c.count[b];
        const double gap = fabs(c.right[b] - c.sure[b]);
        c.expected += gap * (double)c.count[b] / (double)n;
        c.largest = fmax(c.largest, gap);
    }
    *out = c;
    return JD_OK;
}
