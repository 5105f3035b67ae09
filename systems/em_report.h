/* em_report.h - scores of maps of membranes, and the figures of the report. */
#ifndef EM_REPORT_H
#define EM_REPORT_H

#include "em.h"

/* The contest's thresholds 0, 0.1 .. 1 cut 1/2 + (logit - centre) / width of a map; width 0: the map itself. */
typedef struct em_spread {
    double width, centre;
} em_spread;

typedef struct em_scores {
    jd_membrane_score valid, test, raw; /* thin; of the test also without thinning */
    jd_pixel_score valid_pixel, test_pixel;
    double wrong;   /* share of wrong test pixels at the threshold that was best on the slices held out, else at 0.5 */
    double warping; /* mean over the test slices at the best of the thresholds 0.1 .. 0.9 */
    double dark;    /* V_Rand (thin) of the grey values themselves: what no learning gives */
    int64_t valid_slices;
    em_spread spread;
} em_scores;
/* The centre that goes with `width`: the logit of the threshold that is best on these slices, a mean over half a unit. */
jd_status em_spread_choose(jd_ctx *ctx, const em_stack *s, const float *maps, double width, em_spread *out);
/* Maps are probabilities; V_Rand and V_Info see them spread out. */
jd_status em_score(jd_ctx *ctx, const em_stack *valid, const float *valid_maps, const em_stack *test, const float *maps,
                   const em_spread *spread, em_scores *out);
void em_report(jd_run *r, const em_stack *test, const float *maps, const em_scores *s, const em_cubic *cubic);

#endif
