/* names.c - what is in a folder; see names.h. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static int in_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool wanted(const char *name, const char *ending)
{
    const size_t length = strlen(name), end = ending ? strlen(ending) : 0;
    if (name[0] == '.') return false;
    return ending ? length > end && !strcmp(name + length - end, ending) : !strchr(name, '.');
}

char **names_in(jd_ctx *ctx, const char *dir, const char *ending, size_t *n)
{
    size_t room = 64;
    char **name = jd_alloc_array(ctx, room, sizeof *name);
    DIR *d = name ? opendir(dir) : NULL;
    *n = 0;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL && !jd_error(ctx);) {
        if (!wanted(e->d_name, ending)) continue;
        if (*n == room) {
            char **more = jd_realloc(ctx, name, room * sizeof *name, 2 * room * sizeof *name);
            if (!more) break;
            name = more;
            room *= 2;
        }
        name[(*n)++] = jd_strdup(ctx, e->d_name);
    }
    if (d) closedir(d);
    if (name && !jd_error(ctx)) qsort(name, *n, sizeof *name, in_order);
    return name;
}

void names_free(jd_ctx *ctx, char **name, size_t n)
{
    for (size_t i = 0; name && i < n; i++) jd_free(ctx, name[i]);
    jd_free(ctx, name);
}
