/* InkML (W3C Recommendation, 20 September 2011), the part that holds pen strokes. */
#include "data/ink.h"

#include "base/ctx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef JD_HAVE_EXPAT
#include <expat.h>

#include "base/number.h"

enum { CHANNELS = 16 };
#define WORDS_LIMIT ((size_t)1 << 16)

/* What the characters between tags are collected for. */
typedef enum part { NOTHING, TRACE, TRUTH, WRITER } part;

typedef struct channel {
    int order; /* of differences: 0 the value itself, 1, 2 */
    double value, step;
    int given; /* values so far, up to 2 */
} channel;

typedef struct inkml {
    jd_ctx *ctx;
    const char *path;
    XML_Parser parser;
    jd__inker inker;
    part part;
    int channels, x, y; /* of a point, and which are X and Y */
    bool format;        /* a traceFormat was seen */
    bool iam;           /* no InkML, but a file of IAM-OnDB */
    char *words;        /* collected characters */
    size_t words_n, words_room;
    char *truth, *writer;
} inkml;

static size_t line_of(const inkml *m)
{
    return (size_t)XML_GetCurrentLineNumber(m->parser);
}

static void stop(inkml *m)
{
    XML_StopParser(m->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static const char *attribute(const char **a, const char *name)
{
    for (; *a; a += 2)
        if (strcmp(local_name(a[0]), name) == 0) return a[1];
    return "";
}

/* <Stroke> with a <Point x="1073" y="1058" time="769.05"/> for each of its points */
static void begin_iam(inkml *m, const char *name, const char **a)
{
    char *end[2];
    const char *at[2] = {attribute(a, "x"), attribute(a, "y")};
    if (strcmp(name, "Stroke") == 0) jd__inker_up(&m->inker);
    if (strcmp(name, "Point") != 0 || jd_error(m->ctx)) return;
    const double x = jd__strtod(at[0], &end[0]), y = jd__strtod(at[1], &end[1]);
    if (end[0] == at[0] || end[1] == at[1] || *end[0] || *end[1])
        jd_fail(m->ctx, JD_EDATA, "%s: line %zu: a point at ('%.20s', '%.20s'), which are no numbers", m->path,
                line_of(m), at[0], at[1]);
    else
        jd__inker_point(&m->inker, line_of(m), x, y);
    if (jd_error(m->ctx)) stop(m);
}

static void XMLCALL begin(void *user, const char *full, const char **a)
{
    inkml *m = user;
    const char *name = local_name(full);
    const char *type = attribute(a, "type");
    m->words_n = 0;
    m->part = NOTHING;
    if (m->iam) {
        begin_iam(m, name, a);
        return;
    }
    if (strcmp(name, "trace") == 0 && strcmp(type, "penUp") != 0) {
        m->part = TRACE;
    } else if (strcmp(name, "annotation") == 0) {
        if (strcmp(type, "truth") == 0 && !m->truth) m->part = TRUTH;
        if (strcmp(type, "writer") == 0 && !m->writer) m->part = WRITER;
    } else if (strcmp(name, "traceFormat") == 0 && !m->format) {
        m->format = true;
        m->channels = 0;
        m->x = m->y = -1;
    } else if (strcmp(name, "channel") == 0 && m->format && !m->inker.strokes) {
        const char *is = attribute(a, "name");
        if (m->channels == CHANNELS) {
            jd_fail(m->ctx, JD_EDATA, "%s: line %zu: more than %d channels", m->path, line_of(m), CHANNELS);
            stop(m);
            return;
        }
        if (strcmp(is, "X") == 0) m->x = m->channels;
        if (strcmp(is, "Y") == 0) m->y = m->channels;
        m->channels++;
    }
}

static void XMLCALL characters(void *user, const char *s, int n)
{
    inkml *m = user;
    if (m->part == NOTHING || jd_error(m->ctx)) return;
    const size_t need = m->words_n + (size_t)n + 1;
    if (m->part != TRACE && need > WORDS_LIMIT) {
        jd_fail(m->ctx, JD_EDATA, "%s: line %zu: an annotation of more than %zu bytes", m->path, line_of(m),
                WORDS_LIMIT);
        stop(m);
        return;
    }
    if (need > m->words_room) {
        const size_t more = 2 * need;
        char *larger = jd_realloc(m->ctx, m->words, m->words_room, more);
        if (!larger) {
            stop(m);
            return;
        }
        m->words = larger;
        m->words_room = more;
    }
    memcpy(m->words + m->words_n, s, (size_t)n);
    m->words_n += (size_t)n;
    m->words[m->words_n] = 0;
}

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One value of a channel at *p: [!'"] number, or * for no change; ? and booleans only where they are not X or Y. */
static bool value(const char **p, channel *c, bool needed)
{
    const char *s = *p;
    while (space(*s)) s++;
    if (*s == '!' || *s == '\'' || *s == '"') {
        c->order = *s == '!' ? 0 : *s == '\'' ? 1 : 2;
        s++;
    }
    while (space(*s)) s++;
    if (*s == '*' || ((*s == '?' || *s == 'T' || *s == 'F') && !needed)) {
        *p = s + 1;
        return *s != '*' || c->given > 0;
    }
    if (*s != '+' && *s != '-' && *s != '.' && !(*s >= '0' && *s <= '9')) return false;
    char *end;
    const double v = jd__strtod(s, &end);
    if (end == s || c->order > c->given) return false;
    *p = end;
    const double before = c->value;
    if (c->order == 2) c->step += v;
    if (c->order == 1) c->step = v;
    c->value = c->order ? c->value + c->step : v;
    if (c->order == 0) c->step = c->given ? v - before : 0;
    if (c->given < 2) c->given++;
    return true;
}

static void end_trace(inkml *m)
{
    channel c[CHANNELS] = {0};
    const char *p = m->words_n ? m->words : "";
    if (m->x < 0 || m->y < 0) {
        jd_fail(m->ctx, JD_EDATA, "%s: line %zu: the traceFormat before has no channels X and Y", m->path, line_of(m));
        return;
    }
    jd__inker_up(&m->inker);
    for (;;) {
        while (space(*p)) p++;
        if (!*p) return;
        for (int i = 0; i < m->channels; i++) {
            if (value(&p, &c[i], i == m->x || i == m->y)) continue;
            while (space(*p)) p++;
            if (i > m->x && i > m->y && (*p == ',' || !*p)) break; /* optional channels that are left out */
            jd_fail(m->ctx, JD_EDATA, "%s: line %zu: a trace with '%.20s' where value %d of a point should be", m->path,
                    line_of(m), p, i + 1);
            return;
        }
        if (jd__inker_point(&m->inker, line_of(m), c[m->x].value, c[m->y].value)) return;
        while (space(*p)) p++;
        if (*p && *p != ',') {
            jd_fail(m->ctx, JD_EDATA, "%s: line %zu: a trace with '%.20s' where a comma should be", m->path, line_of(m),
                    p);
            return;
        }
        if (*p) p++;
    }
}

/* A copy without the blanks at both ends. */
static char *words(inkml *m)
{
    char *s = m->words_n ? m->words : NULL;
    if (!s) return jd_strdup(m->ctx, "");
    while (space(*s)) s++;
    char *end = s + strlen(s);
    while (end > s && space(end[-1])) *--end = 0;
    return jd_strdup(m->ctx, s);
}

static void XMLCALL end(void *user, const char *full)
{
    (void)full;
    inkml *m = user;
    if (jd_error(m->ctx)) return;
    if (m->part == TRACE) end_trace(m);
    if (m->part == TRUTH) m->truth = words(m);
    if (m->part == WRITER) m->writer = words(m);
    m->part = NOTHING;
    m->words_n = 0;
    if (jd_error(m->ctx)) stop(m);
}

/* InkML has no entities of its own; a file that makes some means harm. */
static void XMLCALL entity(void *user, const char *name, int parameter, const char *is, int n, const char *base,
                           const char *system, const char *public, const char *notation)
{
    (void)parameter, (void)is, (void)n, (void)base, (void)system, (void)public, (void)notation;
    inkml *m = user;
    jd_fail(m->ctx, JD_EDATA, "%s: line %zu: it declares the entity '%.40s'; take the declaration out", m->path,
            line_of(m), name);
    stop(m);
}

static void parse(inkml *m, const char *data, size_t bytes)
{
    enum { CHUNK = 1 << 20 };
    errno = 0;
    XML_SetUserData(m->parser, m);
    XML_SetElementHandler(m->parser, begin, end);
    XML_SetCharacterDataHandler(m->parser, characters);
    XML_SetEntityDeclHandler(m->parser, entity);
    for (size_t at = 0;; at += CHUNK) {
        const size_t left = bytes - at;
        const bool last = left <= CHUNK;
        if (XML_Parse(m->parser, data + at, last ? (int)left : CHUNK, last) != XML_STATUS_OK) {
            jd__library_failed(m->ctx, m->path, "expat");
            jd_fail(m->ctx, JD_EDATA, "%s: line %zu: %s", m->path, line_of(m),
                    XML_ErrorString(XML_GetErrorCode(m->parser)));
            return;
        }
        if (last) return;
    }
}

jd_status jd__read_ink_xml(jd_ctx *ctx, const char *path, bool iam, const char *truth, jd_ink *out)
{
    size_t bytes;
    char *data = jd_read_gz(ctx, path, JD_LIMIT_INK_TEXT, &bytes);
    if (!data) return jd_error(ctx);
    inkml m = {
        .ctx = ctx, .path = path, .inker = {.ctx = ctx, .path = path}, .channels = 2, .x = 0, .y = 1, .iam = iam};
    if (truth) m.truth = jd_strdup(ctx, truth);
    m.parser = XML_ParserCreate(NULL);
    if (m.parser)
        parse(&m, data, bytes);
    else
        jd_fail(ctx, JD_ENOMEM, "%s: no memory to read it; free some", path);
    if (m.parser) XML_ParserFree(m.parser);
    jd__inker_finish(&m.inker, m.truth, m.writer, out);
    jd_free(ctx, m.words);
    jd_free(ctx, m.truth);
    jd_free(ctx, m.writer);
    jd_free(ctx, data);
    return jd_error(ctx);
}

#else

jd_status jd__read_ink_xml(jd_ctx *ctx, const char *path, bool iam, const char *truth, jd_ink *out)
{
    (void)iam, (void)truth, (void)out;
    return jd_fail(ctx, JD_EABSENT, "%s: this build cannot read XML; install libexpat1-dev and build again", path);
}

#endif

jd_status jd_read_inkml(jd_ctx *ctx, const char *path, jd_ink *out)
{
    return jd__read_ink_xml(ctx, path, false, NULL, out);
}

/* ---- IAM-OnDB -------------------------------------------------------------------------------------------------------------- */

/* Line `number` of a transcript, a text with `CSR:` before its lines; into `line`.  False where there is none. */
static bool line_of_text(const char *text, long number, char *line, size_t size)
{
    const char *at = strstr(text, "CSR:");
    while (at && *at) {
        at += strcspn(at, "\n");
        at += *at == '\n';
        size_t n = strcspn(at, "\n");
        while (n && strchr(" \t\r", at[n - 1])) n--;
        if (!n || --number > 0) continue;
        snprintf(line, size, "%.*s", (int)n, at);
        return n < size;
    }
    return false;
}

/* What was to be written: .../lineStrokes/a01/a01-000/a01-000u-01.xml is line 1 of .../ascii/a01/a01-000/a01-000u.txt. */
static bool transcript(jd_ctx *ctx, const char *path, char *line, size_t size)
{
    static const char *const folders[] = {"ascii", "../ascii", "../ascii-all/ascii", "ascii-all", "ascii-all/ascii"};
    const char *strokes = strstr(path, "lineStrokes/"), *dash = strrchr(path, '-');
    for (const char *next; strokes && (next = strstr(strokes + 1, "lineStrokes/")) != NULL;) strokes = next;
    if (!strokes || !dash || dash < strokes) return false;
    const char *below = strokes + strlen("lineStrokes/");
    bool found = false;
    for (size_t i = 0; !found && i < sizeof folders / sizeof *folders && !jd_error(ctx); i++) {
        size_t bytes;
        char *file =
            jd_asprintf(ctx, "%.*s%s/%.*s.txt", (int)(strokes - path), path, folders[i], (int)(dash - below), below);
        char *text = file && !access(file, R_OK) ? jd_read_gz(ctx, file, 1 << 20, &bytes) : NULL;
        found = text && line_of_text(text, strtol(dash + 1, NULL, 10), line, size);
        jd_free(ctx, text);
        jd_free(ctx, file);
    }
    return found;
}

jd_status jd_read_iam(jd_ctx *ctx, const char *path, jd_ink *out)
{
    char line[512];
    if (jd_error(ctx)) return jd_error(ctx);
    const bool found = transcript(ctx, path, line, sizeof line);
    return jd_error(ctx) ? jd_error(ctx) : jd__read_ink_xml(ctx, path, true, found ? line : NULL, out);
}

jd_status jd_read_ink(jd_ctx *ctx, const char *path, jd_ink *out)
{
    size_t bytes;
    char *text = jd_read_gz(ctx, path, JD_LIMIT_INK_TEXT, &bytes);
    if (!text) return jd_error(ctx);
    const char *s = text;
    if (bytes >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) s += 3;
    while (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n') s++;
    const bool xml = *s == '<', iam = xml && strstr(s, "<WhiteboardCaptureSession"), unipen = jd__is_unipen(s);
    const char *stop_at = strchr(s, '\n');
    const char *word = strstr(s, "strokes");
    const bool tsv = *s != '#' && word && (!stop_at || word < stop_at);
    jd_free(ctx, text);
    return iam      ? jd_read_iam(ctx, path, out)
           : xml    ? jd_read_inkml(ctx, path, out)
           : unipen ? jd_read_unipen(ctx, path, out)
           : tsv    ? jd_read_ink_tsv(ctx, path, out)
                    : jd_read_ink_text(ctx, path, out);
}
