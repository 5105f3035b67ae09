/*
 * grow.h - `jackdaw train --method gmdh`: a network that is grown from a table instead of being given as a line of text.
 */
#ifndef JD_CMD_GROW_H
#define JD_CMD_GROW_H

#include "model.h"

typedef struct grow_options {
    jd_gmdh_options gmdh;
    const char *unit;
} grow_options;
extern const char *const grow_units[]; /* words of --unit */

/* Grows a network from the samples index[0..n-1] and makes the model of it: its line of text, its normalisation, and its
 * weights in p.  Classes (two, 0 and 1) are refused: a grown network answers with one number. */
jd_gmdh *grow_model(jd_ctx *ctx, const grow_options *o, const samples *s, const uint32_t *index, size_t n, model *m,
                    jd_params *p);
/* The drawing of the network, its units as formulas, the criterion by layer. */
void grow_report(jd_ctx *ctx, jd_report *rep, const jd_gmdh *net, const model *m);
/* The network with its weights of now as C source, in the folder of the run. */
void grow_source(jd_run *r, jd_gmdh *net, jd_params *p);

#endif
