/* claims.c - claims that hold or do not; see claims.h. */
#include <stdarg.h>
#include <stdio.h>

#include "claims.h"

void claim(claims *c, bool holds, const char *what, const char *measured, ...)
{
    if (c->n == CLAIMS_MOST) return;
    char(*cell)[CLAIMS_TEXT] = c->cell[c->n++];
    va_list args;
    snprintf(cell[0], CLAIMS_TEXT, "%s", what);
    va_start(args, measured);
    vsnprintf(cell[1], CLAIMS_TEXT, measured, args);
    va_end(args);
    snprintf(cell[2], CLAIMS_TEXT, "%s", holds ? "holds" : "does not hold");
    c->hold += holds;
    jd_run_note(c->r, "%s: %s: %s", what, cell[1], holds ? "holds" : "DOES NOT HOLD");
}

void claims_table(const claims *c, const char *caption)
{
    const char *cells[CLAIMS_MOST * 3];
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < 3; k++) cells[3 * i + k] = c->cell[i][k];
    jd_report_section(jd_run_report(c->r), "The claims, one by one");
    jd_report_table(jd_run_report(c->r), (const char *const[]){"claim", "measured", ""}, cells, (size_t)c->n, 3,
                    caption);
}
