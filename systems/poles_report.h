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

/* Solved: balanced, and without velocities Gruau's test passed.  Over the searches that solved the task; the medians count
 * those that did not as infinite. */
typedef struct poles_summary {
    int solved, balanced;
    double median, mean, low, high; /* evaluations to the network that solves */
    double balanced_median;         /* to the first that balances 100,000 steps */
    double starts;                  /* of 625, of that first network: median of those that balance */
} poles_summary;
/* Evaluations until search i solved the task; 0: it did not. */
double poles_solved_at(const poles_race_result *p, int i);
poles_summary poles_summarise(const poles_race_result *p);

/* The search that solved the task after the median number of evaluations; NULL when none did. */
const poles_outcome *poles_median_run(const poles_race_result *p);
jd_net_shape poles_net(const poles_race_result *p); /* with inputs and outputs */

void poles_tell(jd_run *r, const poles_race_result *p); /* a note, and fields of the result */
/* race[0] is that of the settings, the others the comparison. */
void poles_report(jd_run *r, const poles_race_result *race, int races);

#endif
