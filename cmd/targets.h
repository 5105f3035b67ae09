/* targets.h - what regressions say and show of each of their targets. */
#ifndef JD_CMD_TARGETS_H
#define JD_CMD_TARGETS_H

#include "columns.h"
#include "model.h"

/* What target k is called: its column, or "target 1" and so on. */
const char *target_title(const model *m, int k, char out[COLUMN_NAME]);
/* R2, of several targets the mean; NaN where one does not vary. */
double targets_r2(const model *m, const measured *e);
/* A table of their figures; the answers over the truth. */
void targets_report(jd_ctx *ctx, jd_report *rep, const model *m, const samples *s, const uint32_t *index,
                    const measured *e);

#endif
