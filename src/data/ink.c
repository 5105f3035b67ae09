/* Online handwriting: tables of samples, plain strokes, and the data set unipen. */
#include "data/ink.h"
#include "data/registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* ---- growing ----------------------------------------------------------------------------------------------------------- */

static bool grow(jd_ctx *ctx, void **p, size_t *room, size_t need, size_t each)
{
    if (need <= *room) return true;
    const size_t more = *room ? 2 * *room : 64;
    void *larger = jd_realloc(ctx, *p, *room * each, more * each);
    if (!larger) return false;
    *p = larger;
    *room = more;
    return true;
}

jd_status jd__inker_point(jd__inker *k, size_t line, double x, double y)
{
    if (!(fabs(x) <= JD_LIMIT_INK_AT) || !(fabs(y) <= JD_LIMIT_INK_AT))
        return jd_fail(k->ctx, JD_EDATA, "%s: line %zu: a point at (%g, %g); coordinates reach to %g, scale the ink",
                       k->path, line, x, y, JD_LIMIT_INK_AT);
    if (!grow(k->ctx, (void **)&k->xy, &k->points_room, k->points + 1, 2 * sizeof *k->xy) ||
        !grow(k->ctx, (void **)&k->start, &k->strokes_room, k->strokes + 2, sizeof *k->start))
        return jd_error(k->ctx);
    if (!k->down) k->start[k->strokes++] = k->points;
    k->down = true;
    k->xy[2 * k->points] = (float)x;
    k->xy[2 * k->points + 1] = (float)y;
    k->points++;
    return JD_OK;
}

static void inker_free(jd__inker *k)
{
    jd_free(k->ctx, k->xy);
    jd_free(k->ctx, k->start);
    k->xy = NULL;
    k->start = NULL;
}

jd_status jd__inker_finish(jd__inker *k, const char *text, const char *writer, jd_ink *out)
{
    jd_ctx *ctx = k->ctx;
    if (!jd_error(ctx) && !k->strokes)
        jd_fail(ctx, JD_EDATA, "%s: no point with the pen down; there is nothing to read", k->path);
    if (!text) text = "";
    if (!writer) writer = "";
    const size_t t = strlen(text) + 1, w = strlen(writer) + 1;
    jd_ink_sample *s = jd_error(ctx) ? NULL : jd_alloc(ctx, sizeof *s);
    char *words = s ? jd_alloc(ctx, t + w + 1) : NULL;
    if (!words) {
        jd_free(ctx, s);
        inker_free(k);
        return jd_error(ctx);
    }
    memcpy(words, text, t);
    memcpy(words + t, writer, w);
    k->start[k->strokes] = k->points;
    *s = (jd_ink_sample){
        .id = words + t + w, .writer = words + t, .text = words, .strokes = k->strokes, .start = k->start, .xy = k->xy};
    *out = (jd_ink){.count = 1, .items = s, .start = k->start, .xy = k->xy, .text = words};
    return JD_OK;
}

jd_status jd_ink_join(jd_ctx *ctx, const jd_ink *part, size_t n, jd_ink *out)
{
    size_t items = 0, strokes = 0, points = 0, bytes = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < part[i].count; k++) {
            const jd_ink_sample *s = &part[i].items[k];
            items++;
            strokes += s->strokes + 1;
            points += s->start[s->strokes] - s->start[0];
            bytes += strlen(s->id) + strlen(s->writer) + strlen(s->text) + 3;
        }
    jd_ink all = {.items = jd_alloc_array(ctx, items + 1, sizeof *all.items),
                  .start = jd_alloc_array(ctx, strokes + 1, sizeof *all.start),
                  .xy = jd_alloc_array(ctx, points + 1, 2 * sizeof *all.xy),
                  .text = jd_alloc(ctx, bytes + 1)};
    strokes = points = bytes = 0;
    for (size_t i = 0; i < n && !jd_error(ctx); i++)
        for (size_t k = 0; k < part[i].count; k++) {
            const jd_ink_sample *s = &part[i].items[k];
            const char *const word[3] = {s->id, s->writer, s->text};
            char *copy[3];
            for (int w = 0; w < 3; bytes += strlen(word[w++]) + 1) copy[w] = strcpy(all.text + bytes, word[w]);
            all.items[all.count++] =
                (jd_ink_sample){copy[0], copy[1], copy[2], s->strokes, all.start + strokes, all.xy};
            for (size_t j = 0; j <= s->strokes; j++) all.start[strokes++] = points + s->start[j] - s->start[0];
            const size_t here = s->start[s->strokes] - s->start[0];
            memcpy(all.xy + 2 * points, s->xy + 2 * s->start[0], 2 * here * sizeof *all.xy);
            points += here;
        }
    if (jd_error(ctx))
        jd_ink_free(ctx, &all);
    else
        *out = all;
    return jd_error(ctx);
}

void jd_ink_free(jd_ctx *ctx, jd_ink *ink)
{
    if (!ink) return;
    jd_free(ctx, ink->items);
    jd_free(ctx, ink->start);
    jd_free(ctx, ink->xy);
    jd_free(ctx, ink->text);
    *ink = (jd_ink){0};
}

/* ---- tables -------------------------------------------------------------------------------------------------------------- */

typedef struct table {
    jd_ctx *ctx;
    const char *path;
    jd_tsv tsv;
    jd_ink ink;
    size_t points, strokes; /* so far */
} table;

/* A whole number at *p, with the blanks before it; false where there is none or it is too large. */
static bool whole(const char **p, int64_t *value)
{
    const char *s = *p;
    while (*s == ' ') s++;
    const bool minus = *s == '-';
    s += minus;
    int64_t v = 0;
    int digits = 0;
    for (; *s >= '0' && *s <= '9' && digits < 9; s++, digits++) v = 10 * v + (*s - '0');
    if (!digits || (*s && *s != ' ' && *s != ';')) return false;
    *value = minus ? -v : v;
    *p = s;
    return true;
}

/* The strokes of one row.  There is room for them: a point takes at least three bytes of text, a stroke four. */
static jd_status parse_strokes(table *t, size_t line, const char *text)
{
    const char *p = text;
    for (;;) { /* strokes */
        int64_t x = 0, y = 0, dx, dy;
        t->ink.start[t->strokes++] = t->points;
        do {
            if (!whole(&p, &dx) || !whole(&p, &dy))
                return jd_fail(t->ctx, JD_EDATA,
                               "%s: line %zu: strokes, byte %zu: no pair of whole numbers; repair the line", t->path,
                               line, (size_t)(p - text));
            x += dx;
            y += dy;
            if (llabs(x) > (long long)JD_LIMIT_INK_AT || llabs(y) > (long long)JD_LIMIT_INK_AT)
                return jd_fail(t->ctx, JD_EDATA,
                               "%s: line %zu: strokes, byte %zu: a point at (%lld, %lld); coordinates reach to %g",
                               t->path, line, (size_t)(p - text), (long long)x, (long long)y, JD_LIMIT_INK_AT);
            t->ink.xy[2 * t->points] = (float)x;
            t->ink.xy[2 * t->points + 1] = (float)y;
            t->points++;
            while (*p == ' ') p++;
        } while (*p && *p != ';');
        if (!*p) break;
        p++;
    }
    t->ink.start[t->strokes] = t->points;
    return JD_OK;
}

static jd_status fill_table(table *t)
{
    static const char *const names[] = {"id", "writer", "text", "strokes"};
    jd_ctx *ctx = t->ctx;
    int column[4];
    for (int i = 0; i < 4; i++) {
        column[i] = -1;
        for (size_t c = 0; c < t->tsv.cols; c++)
            if (strcmp(t->tsv.names[c], names[i]) == 0) column[i] = (int)c;
        if (column[i] < 0)
            return jd_fail(ctx, JD_EDATA, "%s: line 1: no column '%s'; id, writer, text and strokes are needed",
                           t->path, names[i]);
    }
    size_t points = 0, strokes = 0;
    for (size_t r = 0; r < t->tsv.rows; r++) {
        const size_t n = strlen(t->tsv.fields[r * t->tsv.cols + (size_t)column[3]]);
        points += (n + 1) / 4 + 1;
        strokes += (n + 1) / 4 + 2;
    }
    if (!t->tsv.rows) return jd_fail(ctx, JD_EDATA, "%s: line 2: no sample; the table is empty", t->path);
    t->ink.items = jd_alloc_array(ctx, t->tsv.rows, sizeof *t->ink.items);
    t->ink.xy = jd_alloc_array(ctx, points, 2 * sizeof(float));
    t->ink.start = jd_alloc_array(ctx, strokes, sizeof *t->ink.start);
    for (size_t r = 0; r < t->tsv.rows && !jd_error(ctx); r++) {
        char *const *field = t->tsv.fields + r * t->tsv.cols;
        jd_ink_sample *s = &t->ink.items[r];
        const size_t first = t->strokes;
        if (parse_strokes(t, t->tsv.lines[r], field[column[3]])) break;
        *s = (jd_ink_sample){.id = field[column[0]],
                             .writer = field[column[1]],
                             .text = field[column[2]],
                             .strokes = t->strokes - first,
                             .start = t->ink.start + first,
                             .xy = t->ink.xy};
        t->strokes++; /* the end of the last stroke has a place of its own */
        t->ink.count++;
    }
    return jd_error(ctx);
}

jd_status jd_read_ink_tsv(jd_ctx *ctx, const char *path, jd_ink *out)
{
    table t = {.ctx = ctx, .path = path};
    if (jd_read_tsv(ctx, path, &t.tsv)) return jd_error(ctx);
    if (fill_table(&t)) {
        jd_ink_free(ctx, &t.ink);
    } else {
        t.ink.text = t.tsv.text; /* id, writer and text point into it */
        t.tsv.text = NULL;
        *out = t.ink;
    }
    jd_tsv_free(ctx, &t.tsv);
    return jd_error(ctx);
}

jd_status jd_load_unipen(jd_ctx *ctx, const char *part, jd_ink *out)
{
    const jd_dataset *set = jd_dataset_find(ctx, "unipen");
    char *dir = set ? jd_dataset_locate(ctx, set) : NULL;
    char *name = dir ? jd_asprintf(ctx, "%s.tsv", part) : NULL;
    const char *words[8] = {NULL};
    bool known = false;
    for (int i = 0; name && i < 7 && set->files[i].name; i++) {
        words[i] = set->files[i].name;
        known = known || strcmp(name, words[i]) == 0;
    }
    if (name && !known) {
        const char *near = jd_nearest(name, words);
        jd_fail(ctx, JD_EUSAGE, "unipen has no part '%s'; is %s meant?", part, near ? near : words[0]);
    }
    char *path = jd_error(ctx) ? NULL : jd__dataset_path(ctx, dir, name);
    if (path) jd_read_ink_tsv(ctx, path, out);
    jd_free(ctx, path);
    jd_free(ctx, name);
    jd_free(ctx, dir);
    return jd_error(ctx);
}

/* ---- plain strokes --------------------------------------------------------------------------------------------------------- */

/* What follows `# NAME:` on a comment line, or NULL. */
static char *note(char *line, const char *name)
{
    line++;
    while (*line == ' ' || *line == '\t') line++;
    const size_t n = strlen(name);
    if (strncmp(line, name, n) != 0 || line[n] != ':') return NULL;
    line += n + 1;
    while (*line == ' ' || *line == '\t') line++;
    return line;
}

static bool blank(const char *line)
{
    while (*line == ' ' || *line == '\t') line++;
    return *line == 0;
}

jd_status jd_read_ink_text(jd_ctx *ctx, const char *path, jd_ink *out)
{
    size_t bytes, number = 0;
    char *text = jd_read_gz(ctx, path, JD_LIMIT_INK_TEXT, &bytes);
    if (!text) return jd_error(ctx);
    const char *label = NULL, *writer = NULL;
    jd__inker k = {.ctx = ctx, .path = path};
    if (memchr(text, 0, bytes)) jd_fail(ctx, JD_EDATA, "%s: a zero byte; this is no text file", path);
    for (char *line = text, *next; !jd_error(ctx) && line < text + bytes; line = next) {
        char *stop = memchr(line, '\n', (size_t)(text + bytes - line));
        next = stop ? stop + 1 : text + bytes;
        if (!stop) stop = text + bytes;
        if (stop > line && stop[-1] == '\r') stop--;
        *stop = 0;
        number++;
        if (*line == '#') {
            const char *t = note(line, "text"), *w = note(line, "writer");
            if (t) label = t;
            if (w) writer = w;
        } else if (blank(line)) {
            jd__inker_up(&k);
        } else {
            char *end, *last;
            const double x = jd__strtod(line, &end), y = jd__strtod(end, &last);
            if (end == line || last == end || !strchr(" \t,", *last))
                jd_fail(ctx, JD_EDATA, "%s: line %zu: '%.40s' does not begin with two numbers; repair it", path, number,
                        line);
            else
                jd__inker_point(&k, number, x, y);
        }
    }
    jd__inker_finish(&k, label, writer, out);
    jd_free(ctx, text);
    return jd_error(ctx);
}
