/* registry.h - what the parts of the registry (find, verify, get, spoken digits) share. */
#ifndef JD_DATA_REGISTRY_H
#define JD_DATA_REGISTRY_H

#include "jackdaw/data.h"

/* DIR/FILE, or DIR/FILE.gz where only that exists. */
char *jd__dataset_path(jd_ctx *ctx, const char *dir, const char *file);
/* Whether all files of the set, or what marks it as it is distributed, are in `dir`. */
bool jd__dataset_present(jd_ctx *ctx, const jd_dataset *set, const char *dir);
/* `dir` or the folder in it that the set's archive unpacks to, for jd_free; NULL where the set is in none. */
char *jd__dataset_below(jd_ctx *ctx, const jd_dataset *set, const char *dir);
/* The set's directory in the user cache; NULL without error where there is no home. */
char *jd__dataset_cache(jd_ctx *ctx, const jd_dataset *set);
/* As jd_dataset_locate, but NULL without error where the set is not there. */
char *jd__dataset_installed(jd_ctx *ctx, const jd_dataset *set);
/* Whether `dir` (or its wav/ or recordings/) holds files {digit}_{speaker}_{take}.wav. */
bool jd__fsdd_present(jd_ctx *ctx, const char *dir);
/* The folder of `dir` that holds the recordings, and their sorted names. */
typedef struct jd__fsdd_list {
    char *dir;
    size_t count;
    char **names;
} jd__fsdd_list;
jd_status jd__fsdd_scan(jd_ctx *ctx, const char *dir, jd__fsdd_list *out);
void jd__fsdd_list_free(jd_ctx *ctx, jd__fsdd_list *list);

#endif
