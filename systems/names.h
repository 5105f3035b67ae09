/*
 * names.h - what is in a folder, in an order that does not depend on the file system.
 *
 *     size_t n;
 *     char **clip = names_in(ctx, "recordings", ".wav", &n);
 *     ... clip[0] .. clip[n-1] ...
 *     names_free(ctx, clip, n);
 */
#ifndef NAMES_H
#define NAMES_H

#include "jackdaw/base.h"

/* The names in a folder that end so, or with NULL those that have no dot: its folders, as a rule; sorted.  What begins with a
 * dot is left out.  A folder that cannot be read holds none. */
char **names_in(jd_ctx *ctx, const char *dir, const char *ending, size_t *n);
/* The paths of all files that end so in a folder and those below it, in the order of their names. */
char **names_below(jd_ctx *ctx, const char *dir, const char *ending, size_t *n);
void names_free(jd_ctx *ctx, char **name, size_t n);

#endif
