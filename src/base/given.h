/*
 * given.h - what callers must hand over.
 */
#ifndef JD_BASE_GIVEN_H
#define JD_BASE_GIVEN_H

#include "jackdaw/base.h"

/* Whether p is there; otherwise JD_EUSAGE says that `what` of the public function `fn` is NULL.  Also false without a context. */
bool jd__given(jd_ctx *ctx, const char *fn, const char *what, const void *p);

#endif
