/*
 * poles_report.h - what races of searches at the poles came to, as numbers and figures.
 */
#ifndef JACKDAW_SYSTEMS_POLES_REPORT_H
#define JACKDAW_SYSTEMS_POLES_REPORT_H

#include "poles.h"

typedef struct poles_race_result {
    poles_method method;
    bool blind;
    int runs;
    int64_t budget;
    poles_outcome *out; /* (runs) */
} poles_race_result;

/* Over the searches that solved the task; the medians count those that did not as infinite. */
typedef struct poles_summary {
    int solved, general;
    double median, mean, low, high; /* evaluations to the first network that balances */
    double general_median;          /* to the first that also passes Gruau's test */
    double starts;                  /* of 625, of the first network: median of the solved */
} poles_summary;
poles_summary poles_summarise(const poles_race_result *p);

/* The search that solved the task after the median number of evaluations; NULL when none did. */
const poles_outcome *poles_median_run(const poles_race_result *p);
jd_net_shape poles_net(const poles_race_result *p); /* with inputs and outputs */

void poles_tell(jd_run *r, const poles_race_result *p); /* a note, and fields of the result */
/* race[0] is that of the settings, the others the comparison. */
void poles_report(jd_run *r, const poles_race_result *race, int races);

#endif
