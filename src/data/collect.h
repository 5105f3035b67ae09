/* collect.h (internal) - a set of pictures that grows as its files are read. */
#ifndef JD_DATA_COLLECT_H
#define JD_DATA_COLLECT_H

#include "jackdaw/data.h"

typedef struct jd__collector {
    jd_ctx *ctx;
    jd_images set; /* height, width, channels and classes are set by the caller */
    size_t room;
    bool grouped;
} jd__collector;

/* One picture more: where its pixels go, or NULL after an error.  Memory follows the pictures that were found. */
uint8_t *jd__collect(jd__collector *c, int32_t label, int32_t group);
/* Hands the set over, or frees it after an error.  An empty set is an error that names `path`. */
jd_status jd__collected(jd__collector *c, const char *path, jd_images *out);

/* The names in the folder that end in `suffix` (or start with a dot: never), sorted; each and the list to be given to
 * jd_free.  NULL where the folder cannot be opened: no error. */
char **jd__list_folder(jd_ctx *ctx, const char *dir, const char *suffix, size_t *n);
void jd__list_free(jd_ctx *ctx, char **names, size_t n);

#endif
