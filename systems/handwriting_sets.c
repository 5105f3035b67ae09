/* handwriting_sets.c - ink from folders as it is distributed: IAM-OnDB and UNIPEN; see handwriting.h. */
#include "handwriting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

typedef struct gathering {
    jd_run *r;
    jd_ctx *ctx;
    jd_ink *ink;
    size_t n, room;
} gathering;

static bool there(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return !access(path, F_OK);
}

hand_set hand_set_in(const char *dir)
{
    return there(dir, "lineStrokes")                     ? HAND_IAM
           : there(dir, "include") && there(dir, "data") ? HAND_UNIPEN
                                                         : HAND_TABLES;
}

static jd_status add(gathering *g, const char *path, jd_ink *ink)
{
    if (g->n == g->room) {
        const size_t more = g->room ? 2 * g->room : 256;
        jd_ink *p = jd_realloc(g->ctx, g->ink, g->room * sizeof *p, more * sizeof *p);
        if (!p) return jd_error(g->ctx);
        g->ink = p;
        g->room = more;
    }
    g->ink[g->n++] = *ink;
    *ink = (jd_ink){0};
    if (g->r && jd_run_progress(g->r, (double)g->n, 0, "%s", path)) jd_run_stopped(g->r);
    return jd_error(g->ctx);
}

/* Calls `each` with every file of the folder and those below it that ends so. */
static jd_status walk(gathering *g, const char *dir, const char *ending,
                      jd_status (*each)(gathering *g, const char *path, void *user), void *user)
{
    size_t n;
    char **path = names_below(g->ctx, dir, ending, &n);
    for (size_t i = 0; i < n && !jd_error(g->ctx); i++) each(g, path[i], user);
    names_free(g->ctx, path, n);
    return jd_error(g->ctx);
}

/* 8 of 10 to train, 1 to validate and 1 to test, by what `name` says. */
static int part_of(const char *name, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)name[i]) * 0x100000001b3u;
    h = (h ^ h >> 29) % 10;
    return h == 0 ? 1 : h == 1 ? 2 : 0;
}

/* ---- IAM-OnDB ---------------------------------------------------------------------------------------------------------------*/

typedef struct iam_part {
    char *forms; /* of the part, a line each; NULL: drawn */
    int part;
} iam_part;

/* Whether a list of forms has that of the line "a01-000u-01": "a01-000u", or "a01-000" for all its writers. */
static bool listed(const char *forms, const char *name, size_t n)
{
    for (const char *at = forms; *at; at += strcspn(at, "\r\n"), at += strspn(at, "\r\n")) {
        at += strspn(at, " \t");
        const size_t k = strcspn(at, " \t\r\n");
        if (k && k <= n && !strncmp(at, name, k) && (k == n || (k + 1 == n && name[k] >= 'a' && name[k] <= 'z')))
            return true;
    }
    return false;
}

static jd_status read_line(gathering *g, const char *path, void *user)
{
    const iam_part *p = user;
    const char *name = strrchr(path, '/') + 1, *dash = strrchr(name, '-');
    const size_t n = dash ? (size_t)(dash - name) : strlen(name);
    if (p->forms ? !listed(p->forms, name, n) : part_of(name, n) != p->part) return JD_OK;
    jd_ink ink = {0};
    if (!jd_read_iam(g->ctx, path, &ink) && ink.items[0].text[0]) add(g, name, &ink); /* some have no transcript */
    jd_ink_free(g->ctx, &ink);
    return jd_error(g->ctx);
}

static jd_status read_iam(gathering *g, const char *dir, int part)
{
    static const char *const list[] = {"trainset.txt", "testset_v.txt", "testset_f.txt"};
    char *path = jd_asprintf(g->ctx, "%s/%s", dir, list[part]), *strokes = jd_asprintf(g->ctx, "%s/lineStrokes", dir);
    size_t bytes;
    iam_part p = {.part = part,
                  .forms = path && !access(path, R_OK) ? jd_read_gz(g->ctx, path, 1 << 24, &bytes) : NULL};
    if (strokes && !jd_error(g->ctx)) walk(g, strokes, ".xml", read_line, &p);
    jd_free(g->ctx, p.forms);
    jd_free(g->ctx, path);
    jd_free(g->ctx, strokes);
    return jd_error(g->ctx);
}

/* ---- UNIPEN -----------------------------------------------------------------------------------------------------------------*/

typedef struct unipen_part {
    bool lines;
    int part;
    size_t passed_over;
} unipen_part;

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Whether the ink is that of one line: no higher than 6 strokes of middle height. */
static bool one_line(jd_ctx *ctx, const jd_ink_sample *s)
{
    float *height = jd_alloc_array(ctx, s->strokes, sizeof *height), low = 1e9f, high = -1e9f;
    for (size_t k = 0; height && k < s->strokes; k++) {
        float least = 1e9f, most = -1e9f;
        for (size_t i = s->start[k]; i < s->start[k + 1]; i++) {
            least = s->xy[2 * i + 1] < least ? s->xy[2 * i + 1] : least;
            most = s->xy[2 * i + 1] > most ? s->xy[2 * i + 1] : most;
        }
        height[k] = most - least;
        low = least < low ? least : low;
        high = most > high ? most : high;
    }
    if (height) qsort(height, s->strokes, sizeof *height, by_value);
    const bool one = height && high - low <= 6 * height[s->strokes / 2];
    jd_free(ctx, height);
    return one;
}

/* Words of 2 to 16 letters, or lines of 12 to 130 characters, as the tables of the set unipen have them. */
static bool usable(jd_ctx *ctx, const jd_ink_sample *s, bool lines)
{
    const size_t n = strlen(s->text);
    for (const char *p = s->text; !lines && *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))) return false;
    return lines ? n >= 12 && n <= 130 && strchr(s->text, ' ') && !strpbrk(s->text, "\n\r\t") && one_line(ctx, s)
                 : n >= 2 && n <= 16;
}

static jd_status read_segments(gathering *g, const char *path, void *user)
{
    unipen_part *p = user;
    jd_ink ink = {0};
    const jd_status st = jd_read_unipen(g->ctx, path, &ink);
    if (st == JD_EDATA) { /* some files of the distribution are damaged */
        jd_error_clear(g->ctx);
        p->passed_over++;
        return JD_OK;
    }
    size_t kept = 0;
    for (size_t i = 0; !st && i < ink.count; i++) {
        const char *writer = ink.items[i].writer;
        if (part_of(writer, strlen(writer)) == p->part && usable(g->ctx, &ink.items[i], p->lines))
            ink.items[kept++] = ink.items[i];
    }
    ink.count = kept;
    if (kept && !jd_error(g->ctx)) add(g, path, &ink);
    jd_ink_free(g->ctx, &ink);
    return jd_error(g->ctx);
}

static jd_status read_unipen(gathering *g, const char *dir, bool lines, int part)
{
    unipen_part p = {lines, part, 0};
    char *data = jd_asprintf(g->ctx, "%s/data/%d", dir, lines ? 8 : 6);
    if (data) walk(g, data, ".dat", read_segments, &p);
    if (p.passed_over && g->r) jd_run_note(g->r, "%s: %zu files that cannot be read are left out", data, p.passed_over);
    jd_free(g->ctx, data);
    return jd_error(g->ctx);
}

jd_status hand_load_folder(jd_ctx *ctx, jd_run *r, const char *dir, hand_set set, bool lines, int part, jd_ink *out)
{
    static const char *const names[] = {"to train", "to validate", "to test"};
    gathering g = {.r = r, .ctx = ctx};
    if (set == HAND_IAM)
        read_iam(&g, dir, part);
    else
        read_unipen(&g, dir, lines, part);
    if (!jd_error(g.ctx) && !g.n)
        jd_fail(g.ctx, JD_EDATA, "%s: no %s %s in it; %s", dir, lines ? "lines" : "words", names[part],
                set == HAND_IAM ? "lineStrokes/ needs ascii/ beside it, and what trainset.txt, testset_v.txt and "
                                  "testset_f.txt name"
                                : "unpack data/ and include/ of the distribution");
    if (!jd_error(g.ctx)) jd_ink_join(g.ctx, g.ink, g.n, out);
    for (size_t i = 0; i < g.n; i++) jd_ink_free(g.ctx, &g.ink[i]);
    jd_free(g.ctx, g.ink);
    return jd_error(g.ctx);
}
