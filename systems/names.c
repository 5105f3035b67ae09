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

typedef struct paths {
    char **path;
    size_t n, room;
} paths;

static void look_below(jd_ctx *ctx, const char *dir, const char *ending, int depth, paths *p)
{
    for (int folders = 0; folders < 2 && !jd_error(ctx); folders++) {
        size_t n = 0;
        char **name = names_in(ctx, dir, folders ? NULL : ending, &n);
        for (size_t i = 0; name && i < n && !jd_error(ctx); i++) {
            char *path = jd_asprintf(ctx, "%s/%s", dir, name[i]);
            if (path && folders) {
                if (depth > 0) look_below(ctx, path, ending, depth - 1, p);
                jd_free(ctx, path);
                continue;
            }
            if (p->n == p->room) {
                const size_t more = p->room ? 2 * p->room : 64;
                char **larger = jd_realloc(ctx, p->path, p->room * sizeof *larger, more * sizeof *larger);
                if (!larger) {
                    jd_free(ctx, path);
                    break;
                }
                p->path = larger;
                p->room = more;
            }
            p->path[p->n++] = path;
        }
        names_free(ctx, name, n);
    }
}

char **names_below(jd_ctx *ctx, const char *dir, const char *ending, size_t *n)
{
    enum { DEEPEST = 8 };
    paths p = {.path = jd_alloc_array(ctx, 1, sizeof *p.path), .room = 1};
    if (p.path) look_below(ctx, dir, ending, DEEPEST, &p);
    *n = p.n;
    return p.path;
}

void names_free(jd_ctx *ctx, char **name, size_t n)
{
    for (size_t i = 0; name && i < n; i++) jd_free(ctx, name[i]);
    jd_free(ctx, name);
}
