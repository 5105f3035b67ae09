/* scan_walk.h - the pictures that `jackdaw scan` goes through, whatever it does with each. */
#ifndef JD_CMD_SCAN_WALK_H
#define JD_CMD_SCAN_WALK_H

#include "cli.h"

/* One picture: what it is called in tables, "slide" or "stack-03", and where its result goes. */
typedef struct scan_picture {
    const char *path, *stem, *out;
    jd_picture *picture; /* which may be taken: {0} is left then */
} scan_picture;
typedef jd_status scan_one(void *user, const scan_picture *p);

/* Several pictures, or a folder of them. */
bool scan_many(const cli_args *a);

/* Calls `one` for every picture of the operands, read with so many channels, and for every slice of a TIFF stack, whose result is OUT-00.png,
 * OUT-01.png...  `ending`: of the results in the folder `out`, such as "png"; NULL: `out` is one file for all. */
jd_status scan_walk(jd_ctx *ctx, const cli_args *a, const char *out, const char *ending, int channels, scan_one *one,
                    void *user);

#endif
