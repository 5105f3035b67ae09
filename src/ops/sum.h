/* sum.h - how sums are cut, shared by the rule (which asks for scratch) and the kernels. */
#ifndef JD_OPS_SUM_H
#define JD_OPS_SUM_H

#include "graph/op.h"

enum { JD_SUM_BLOCK = 256, JD_SUM_PIECE = 4096 };

/* The operand as (outer kept, rows summed, inner kept); false for a pattern that is none. */
bool jd__sum_pattern(const jd_call *c, int64_t *outer, int64_t *rows, int64_t *inner);

#endif
