/*
 * claims.h - what a paper says, one claim after the other, and whether it holds here.
 *
 *     claims c = {.r = r};
 *     claim(&c, error < 1.6, "at most 1.6 % wrong", "%.2f %%", error);     // prints a line as well
 *     claims_table(&c, "What the paper says, and what was measured.");
 *     jd_run_finish(r, c.hold, c.hold < c.n ? "see the table of claims" : NULL);
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "jackdaw/system.h"

enum { CLAIMS_MOST = 24, CLAIMS_TEXT = 160 };

typedef struct claims {
    jd_run *r;
    int n, hold;
    char cell[CLAIMS_MOST][3][CLAIMS_TEXT]; /* the claim, what was measured, whether it holds */
} claims;

/* Adds one; what was measured is printed as by printf. */
void claim(claims *c, bool holds, const char *what, const char *measured, ...) JD_PRINTF(4, 5);
/* A section of the report with all of them. */
void claims_table(const claims *c, const char *caption);

#endif
