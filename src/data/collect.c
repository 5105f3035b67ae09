#include "data/collect.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64, NAMES_LIMIT = 1 << 22 };

static bool grow(jd__collector *c, size_t each)
{
    const size_t n = c->room, more = n ? 2 * n : FIRST_ROOM;
    uint8_t *pixels = jd_realloc(c->ctx, c->set.pixels, n * each, more * each);
    if (pixels) c->set.pixels = pixels;
    int32_t *labels = jd_realloc(c->ctx, c->set.labels, n * sizeof *labels, more * sizeof *labels);
    if (labels) c->set.labels = labels;
    int32_t *groups = c->grouped ? jd_realloc(c->ctx, c->set.groups, n * sizeof *groups, more * sizeof *groups) : NULL;
    if (groups) c->set.groups = groups;
    if (jd_error(c->ctx)) return false;
    c->room = more;
    return true;
}

uint8_t *jd__collect(jd__collector *c, int32_t label, int32_t group)
{
    const size_t each = (size_t)c->set.height * (size_t)c->set.width * (size_t)c->set.channels;
    if (jd_error(c->ctx) || (c->set.count == c->room && !grow(c, each))) return NULL;
    c->set.labels[c->set.count] = label;
    if (c->grouped) c->set.groups[c->set.count] = group;
    return c->set.pixels + c->set.count++ * each;
}

jd_status jd__collected(jd__collector *c, const char *path, jd_images *out)
{
    if (!jd_error(c->ctx) && !c->set.count)
        jd_fail(c->ctx, JD_EDATA, "%s: no pictures are there; check the path", path);
    if (jd_error(c->ctx))
        jd_images_free(c->ctx, &c->set);
    else
        *out = c->set;
    return jd_error(c->ctx);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **jd__list_folder(jd_ctx *ctx, const char *dir, const char *suffix, size_t *n)
{
    *n = 0;
    DIR *d = jd_error(ctx) ? NULL : opendir(dir);
    if (!d) return NULL;
    size_t room = FIRST_ROOM;
    char **names = jd_alloc_array(ctx, room, sizeof *names);
    const size_t tail = strlen(suffix);
    for (const struct dirent *e; names && !jd_error(ctx) && (e = readdir(d)) != NULL;) {
        const size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' || length < tail || strcmp(e->d_name + length - tail, suffix) != 0) continue;
        if (*n == NAMES_LIMIT) {
            jd_fail(ctx, JD_EDATA, "%s: more than %d files; split the folder", dir, NAMES_LIMIT);
        } else if (*n == room) {
            char **larger = jd_realloc(ctx, names, room * sizeof *names, 2 * room * sizeof *names);
            if (larger) names = larger;
            room *= 2;
        }
        if (!jd_error(ctx) && (names[*n] = jd_strdup(ctx, e->d_name))) ++*n;
    }
    closedir(d);
    if (names) qsort(names, *n, sizeof *names, by_name);
    if (!jd_error(ctx)) return names;
    jd__list_free(ctx, names, *n);
    *n = 0;
    return NULL;
}

void jd__list_free(jd_ctx *ctx, char **names, size_t n)
{
    for (size_t i = 0; names && i < n; i++) jd_free(ctx, names[i]);
    jd_free(ctx, names);
}
