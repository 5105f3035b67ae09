/*
 * unipen.c - the UNIPEN format 1.0 (I. Guyon, L. Schomaker, R. Plamondon, M. Liberman, S. Janet, ICPR 1994): keywords with a
 * point before them, .INCLUDE for other files, and components, .PEN_DOWN and .PEN_UP, of rows of numbers in the order that .COORD
 * tells.  `.SEGMENT LEVEL 0-3,5:2-6 OK "label"` says what components, counted from 0, show.  y grows up.
 */
#include "data/ink.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

enum { CHANNELS = 16, DEPTH = 6, ABOVE = 8, LONGEST_LABEL = 4000 };

typedef struct component {
    size_t first, end; /* points */
    bool down;
} component;

typedef struct segment {
    char level[32], *delineation, *quality, *label;
    size_t line;
} segment;

typedef struct unipen {
    jd_ctx *ctx;
    const char *path; /* of the file at hand */
    size_t line;
    int depth;
    double value[CHANNELS];
    int channels, x, y, have; /* of a point: numbers, which are X and Y, how many were read */
    enum { NOTHING, PEN_DOWN, PEN_UP } pen;
    bool begun; /* the component at hand has points */
    float *xy;
    size_t points, points_room;
    component *comp;
    size_t comps, comps_room;
    segment *seg;
    size_t segs, segs_room;
    char *writer;
    char *text[64]; /* of all files, which labels point into */
    int texts;
} unipen;

static jd_status wrong(const unipen *u, const char *what, const char *word)
{
    return jd_fail(u->ctx, JD_EDATA, "%s: line %zu: %s '%.40s'", u->path, u->line, what, word);
}

static bool room(unipen *u, void **p, size_t *have, size_t need, size_t each)
{
    if (need <= *have) return true;
    const size_t more = *have ? 2 * *have : 64;
    void *larger = jd_realloc(u->ctx, *p, *have * each, more * each);
    if (!larger) return false;
    *p = larger;
    *have = more;
    return true;
}

/* ---- points --------------------------------------------------------------------------------------------------------------- */

static jd_status add_point(unipen *u)
{
    const double x = u->value[u->x], y = -u->value[u->y];
    if (!(x >= -JD_LIMIT_INK_AT && x <= JD_LIMIT_INK_AT && y >= -JD_LIMIT_INK_AT && y <= JD_LIMIT_INK_AT))
        return jd_fail(u->ctx, JD_EDATA, "%s: line %zu: a point at (%g, %g); coordinates reach to %g, scale the ink",
                       u->path, u->line, x, -y, JD_LIMIT_INK_AT);
    if (!room(u, (void **)&u->xy, &u->points_room, u->points + 1, 2 * sizeof *u->xy) ||
        !room(u, (void **)&u->comp, &u->comps_room, u->comps + 1, sizeof *u->comp))
        return jd_error(u->ctx);
    if (!u->begun) u->comp[u->comps++] = (component){u->points, u->points, u->pen == PEN_DOWN};
    u->begun = true;
    u->xy[2 * u->points] = (float)x;
    u->xy[2 * u->points + 1] = (float)y;
    u->comp[u->comps - 1].end = ++u->points;
    return JD_OK;
}

static jd_status take_numbers(unipen *u, const char *line)
{
    for (const char *p = line;;) {
        while (isspace((unsigned char)*p)) p++;
        if (!*p) return JD_OK;
        char *end;
        u->value[u->have++] = jd__strtod(p, &end);
        if (end == p || (*end && !isspace((unsigned char)*end)))
            return wrong(u, "no number where one of a point is due:", p);
        p = end;
        if (u->have < u->channels) continue;
        u->have = 0;
        if (add_point(u)) return jd_error(u->ctx);
    }
}

/* ---- keywords ------------------------------------------------------------------------------------------------------------- */

/* The next word at *at, of which what stands in quotes is one; cut off.  NULL at the end. */
static char *next_word(char **at)
{
    char *p = *at;
    while (isspace((unsigned char)*p)) p++;
    if (!*p) return NULL;
    char *word = p;
    if (*p == '"') {
        word = ++p;
        char *to = p;
        for (; *p && *p != '"'; p++) {
            if (*p == '\\' && p[1]) p++;
            *to++ = *p;
        }
        if (*p) p++;
        *at = p;
        *to = 0;
        return word;
    }
    while (*p && !isspace((unsigned char)*p)) p++;
    if (*p) *p++ = 0;
    *at = p;
    return word;
}

static jd_status take_channels(unipen *u, char *rest)
{
    char *word;
    u->channels = 0;
    u->x = u->y = -1;
    while ((word = next_word(&rest)) != NULL) {
        if (u->channels == CHANNELS) return wrong(u, "more channels than can be read:", word);
        if (!strcmp(word, "X")) u->x = u->channels;
        if (!strcmp(word, "Y")) u->y = u->channels;
        u->channels++;
    }
    return u->x < 0 || u->y < 0 ? wrong(u, ".COORD without X and Y", "") : JD_OK;
}

static jd_status take_segment(unipen *u, char *rest)
{
    if (!room(u, (void **)&u->seg, &u->segs_room, u->segs + 1, sizeof *u->seg)) return jd_error(u->ctx);
    segment *s = &u->seg[u->segs];
    const char *level = next_word(&rest);
    *s = (segment){.line = u->line};
    snprintf(s->level, sizeof s->level, "%s", level ? level : "");
    s->delineation = next_word(&rest);
    if (!s->delineation) return wrong(u, "a segment without components:", s->level);
    s->quality = next_word(&rest);
    s->label = s->quality ? next_word(&rest) : NULL;
    u->segs++;
    return JD_OK;
}

static jd_status read_file(unipen *u, const char *path);

/* `name` beside the file at hand, or in a folder `include` above it, as the distribution has them. */
static jd_status include(unipen *u, const char *name)
{
    const char *slash = strrchr(u->path, '/');
    char *dir = slash ? jd_asprintf(u->ctx, "%.*s", (int)(slash - u->path), u->path) : jd_strdup(u->ctx, ".");
    char *file = NULL;
    if (*name == '/' || strstr(name, "..")) wrong(u, "a file that is not below this one is not included:", name);
    for (int i = 0; dir && !jd_error(u->ctx) && !file && i < 2 * ABOVE; i++) {
        char up[3 * ABOVE + 1] = "";
        for (int k = 0; k < i / 2; k++) strcat(up, "/..");
        file = jd_asprintf(u->ctx, "%s%s%s/%s", dir, up, i % 2 ? "/include" : "", name);
        if (file && access(file, R_OK)) jd_free(u->ctx, file), file = NULL;
    }
    if (!file && !jd_error(u->ctx))
        jd_fail(u->ctx, JD_ENOINPUT,
                "%s: line %zu: %s is neither beside it nor in a folder `include` above; unpack the whole distribution",
                u->path, u->line, name);
    else if (file && u->depth >= DEPTH)
        wrong(u, "files that include each other too deeply:", name);
    else if (file)
        read_file(u, file);
    jd_free(u->ctx, file);
    jd_free(u->ctx, dir);
    return jd_error(u->ctx);
}

static jd_status take_keyword(unipen *u, char *line)
{
    char *rest = line + 1;
    const char *word = next_word(&rest);
    if (!word) return JD_OK;
    u->pen = NOTHING;
    u->begun = false;
    u->have = 0;
    if (!strcmp(word, "PEN_DOWN")) u->pen = PEN_DOWN;
    if (!strcmp(word, "PEN_UP")) u->pen = PEN_UP;
    if (!strcmp(word, "COORD")) return take_channels(u, rest);
    if (!strcmp(word, "SEGMENT")) return take_segment(u, rest);
    const bool included = !strcmp(word, "INCLUDE"), writer = !strcmp(word, "WRITER_ID");
    const char *what = included || writer ? next_word(&rest) : NULL;
    if (included && what) return include(u, what);
    if (writer && what) {
        jd_free(u->ctx, u->writer);
        u->writer = jd_strdup(u->ctx, what);
    }
    return jd_error(u->ctx);
}

/* Lines; a keyword with a label in quotes may go on over several. */
static jd_status read_file(unipen *u, const char *path)
{
    const unipen before = *u;
    size_t bytes = 0;
    if (u->texts == (int)(sizeof u->text / sizeof *u->text)) return wrong(u, "more files than can be included:", path);
    char *text = jd_read_gz(u->ctx, path, JD_LIMIT_INK_TEXT, &bytes);
    if (!text) return jd_error(u->ctx);
    u->text[u->texts++] = text;
    u->path = path;
    u->line = 0;
    u->depth++;
    if (memchr(text, 0, bytes)) jd_fail(u->ctx, JD_EDATA, "%s: a zero byte; this is no text file", path);
    for (char *line = text, *next; line && !jd_error(u->ctx); line = next) {
        next = strchr(line, '\n');
        u->line++;
        if (*line == '.') {
            const char *quote = strchr(line, '"'), *last = quote ? strchr(quote + 1, '"') : NULL;
            size_t over = 0;
            while (quote && next && quote < next && last && next < last && last - quote < LONGEST_LABEL) {
                next = strchr(next + 1, '\n');
                over++;
            }
            if (next) *next++ = 0;
            take_keyword(u, line);
            u->line += over;
            continue;
        }
        if (next) *next++ = 0;
        if (u->pen != NOTHING) take_numbers(u, line);
    }
    u->path = before.path;
    u->line = before.line;
    u->depth = before.depth;
    return jd_error(u->ctx);
}

/* ---- samples -------------------------------------------------------------------------------------------------------------- */

/* One part of a delineation, "3", "0-5" or "1:20-3:4" (component:point), into the sample; false for anything else. */
static bool take_range(const unipen *u, const char **at, jd__inker *k)
{
    size_t c[2] = {0, 0}, p[2] = {0, SIZE_MAX};
    const char *s = *at;
    for (int i = 0; i < 2; i++) {
        char *end;
        if (!isdigit((unsigned char)*s)) return false;
        c[i] = strtoul(s, &end, 10);
        if (i == 0) c[1] = c[0];
        if (*end == ':' && isdigit((unsigned char)end[1])) p[i] = strtoul(end + 1, &end, 10);
        s = end;
        if (*s != '-') break;
        s += i == 0;
    }
    if (*s && *s != ',') return false;
    *at = *s ? s + 1 : s;
    for (size_t i = c[0]; i <= c[1] && i < u->comps; i++) {
        const component *m = &u->comp[i];
        jd__inker_up(k);
        for (size_t j = m->first; m->down && j < m->end; j++) {
            const size_t n = j - m->first;
            if ((i == c[0] && n < p[0]) || (i == c[1] && n > p[1])) continue;
            if (jd__inker_point(k, u->line, (double)u->xy[2 * j], (double)u->xy[2 * j + 1])) return true;
        }
    }
    return true;
}

/* *blank: no error but that the pen is never down. */
static jd_status make_sample(unipen *u, const segment *s, jd_ink *out, bool *blank)
{
    jd__inker k = {.ctx = u->ctx, .path = u->path};
    u->line = s ? s->line : 0;
    for (const char *at = s ? s->delineation : "0-999999999"; *at && !jd_error(u->ctx);)
        if (!take_range(u, &at, &k)) wrong(u, "no components of a segment:", at);
    const char *label = s && s->label ? s->label : "";
    *blank = !jd_error(u->ctx) && !k.strokes;
    return jd__inker_finish(&k, label, u->writer, out);
}

/* The level of the first segment is that of the samples; those that were judged to be bad, and those without ink, are left out. */
static jd_status make_samples(unipen *u, jd_ink *out)
{
    jd_ink *part = jd_alloc_array(u->ctx, u->segs + 1, sizeof *part);
    size_t n = 0;
    bool blank;
    for (size_t i = 0; part && i < u->segs && !jd_error(u->ctx); i++) {
        const segment *s = &u->seg[i];
        if (strcmp(s->level, u->seg[0].level) != 0 || (s->quality && !strcmp(s->quality, "BAD"))) continue;
        if (make_sample(u, s, &part[n], &blank) && blank)
            jd_error_clear(u->ctx);
        else if (!jd_error(u->ctx))
            n++;
    }
    if (part && !u->segs && !make_sample(u, NULL, &part[n], &blank)) n++;
    if (!jd_error(u->ctx) && !n) jd_fail(u->ctx, JD_EDATA, "%s: no segment of it has ink with the pen down", u->path);
    if (!jd_error(u->ctx)) jd_ink_join(u->ctx, part, n, out);
    for (size_t i = 0; part && i < n; i++) jd_ink_free(u->ctx, &part[i]);
    jd_free(u->ctx, part);
    return jd_error(u->ctx);
}

bool jd__is_unipen(const char *text)
{
    static const char *const words[] = {"VERSION",   "DATA_SOURCE", "DATA_ID", "COMMENT",   "INCLUDE", "COORD",
                                        "HIERARCHY", "PEN_DOWN",    "PEN_UP",  "WRITER_ID", "SEGMENT"};
    if (*text++ != '.') return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strncmp(text, words[i], strlen(words[i]))) return true;
    return false;
}

jd_status jd_read_unipen(jd_ctx *ctx, const char *path, jd_ink *out)
{
    unipen u = {.ctx = ctx, .path = path, .channels = 2, .x = 0, .y = 1};
    if (jd_error(ctx)) return jd_error(ctx);
    if (!read_file(&u, path)) make_samples(&u, out);
    for (int i = 0; i < u.texts; i++) jd_free(ctx, u.text[i]);
    jd_free(ctx, u.xy);
    jd_free(ctx, u.comp);
    jd_free(ctx, u.seg);
    jd_free(ctx, u.writer);
    return jd_error(ctx);
}
