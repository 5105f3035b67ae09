/* classes.c - classes that have names. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"

/* The length of the name at `at`; the next one begins a byte behind it, unless it was the last. */
static size_t length_of(const char *at)
{
    return strcspn(at, "|");
}

const char *class_name(const char *names, int k, char *buffer, size_t size)
{
    const char *at = names ? names : "";
    for (int i = 0; i < k && *at; i++) at += length_of(at) + (at[length_of(at)] == '|');
    if (length_of(at))
        snprintf(buffer, size, "%.*s", (int)length_of(at), at);
    else
        snprintf(buffer, size, "%d", k);
    return buffer;
}

int class_count(const char *names)
{
    int n = 0;
    for (const char *at = names; at; at = strchr(at, '|'), at = at ? at + 1 : NULL) n++;
    return n;
}

int class_find(const char *names, const char *word)
{
    const size_t n = strlen(word);
    int k = 0;
    for (const char *at = names; at && *at; k++) {
        const size_t length = length_of(at);
        if (length == n && !memcmp(at, word, n)) return k;
        at += length + (at[length] == '|');
    }
    return -1;
}

static bool number(const char *word, double *value)
{
    char *end;
    *value = strtod(word, &end);
    return end > word && !*end && !isnan(*value);
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    double u, v;
    const bool p = number(x, &u), q = number(y, &v);
    if (p && q && (u < v || u > v)) return u < v ? -1 : 1;
    return p != q ? (p ? -1 : 1) : strcmp(x, y);
}

char *class_list(jd_ctx *ctx, const char *path, const char *const *word, size_t n, int *classes)
{
    const char **sorted = jd_alloc_array(ctx, n + 1, sizeof *sorted);
    size_t room = 1;
    for (size_t i = 0; sorted && i < n; i++) {
        sorted[i] = word[i];
        room += strlen(word[i]) + 1;
        if (strchr(word[i], '|'))
            jd_fail(ctx, JD_EDATA,
                    "%s: the class '%.60s' has a | in its name, which stands between names; call it otherwise", path,
                    word[i]);
    }
    if (sorted) qsort(sorted, n, sizeof *sorted, by_name);
    char *list = jd_error(ctx) ? NULL : jd_alloc(ctx, room);
    size_t at = 0;
    *classes = 0;
    for (size_t i = 0; list && i < n; i++) {
        if (i && !strcmp(sorted[i], sorted[i - 1])) continue;
        at += (size_t)snprintf(list + at, room - at, "%s%s", *classes ? "|" : "", sorted[i]);
        ++*classes;
    }
    jd_free(ctx, sorted);
    return list;
}

const char *class_some(const char *names, char *buffer, size_t size)
{
    size_t at = 0;
    int k = 0;
    buffer[0] = 0;
    for (const char *p = names; p && *p; k++) {
        const size_t length = length_of(p);
        const bool room = at + length + 32 < size && at < 200;
        if (room) at += (size_t)snprintf(buffer + at, size - at, "%s%.*s", k ? ", " : "", (int)length, p);
        p += length + (p[length] == '|');
        if (!room) {
            int more = 1;
            for (; *p; more++) p += length_of(p) + (p[length_of(p)] == '|');
            snprintf(buffer + at, size - at, "%s%d more", k ? " and " : "", more);
            break;
        }
    }
    return buffer;
}
