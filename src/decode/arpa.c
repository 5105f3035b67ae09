/*
 * arpa.c - n-gram models in ARPA files.
 *
 *     \data\
 *     ngram 1=5
 *     ngram 2=7
 *
 *     \1-grams:
 *     -0.8    word    -0.3         log10 p, the words, log10 of the back-off weight (0 if it is left out)
 *     \2-grams:
 *     -0.5    two words
 *     \end\
 *
 * Nothing is allocated from a declared count: the model grows with the lines that are there.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/limits.h"
#include "decode/ngram.h"
#include "jackdaw/data.h"

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    jd_ctx *ctx;
    const char *path;
    char *next, *stop; /* the text that is left */
    char *line;        /* the line in hand, without its end and outer blanks */
    size_t number;     /* its number, from 1 */
    uint64_t declared[JD_NGRAM_ORDER + 1];
    int order;
    jd_ngram *m;
} reader;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that is not empty, or false at the end of the file. */
static bool next_line(reader *r)
{
    while (r->next < r->stop) {
        char *line = r->next, *end = memchr(line, '\n', (size_t)(r->stop - line));
        if (!end) end = r->stop;
        r->next = end < r->stop ? end + 1 : end;
        r->number++;
        while (end > line && is_blank(end[-1])) end--;
        while (line < end && is_blank(*line)) line++;
        *end = 0; /* the text is followed by a zero byte, so the last line has room for one */
        r->line = line;
        if (line < end) return true;
    }
    return false;
}

static jd_status ended(const reader *r, const char *wanted)
{
    return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: the file ends here, before %s; it may be cut off", r->path,
                   r->number, wanted);
}

/* Cuts the next field off the line; NULL after the last. */
static char *field(char **at)
{
    while (is_blank(**at)) (*at)++;
    char *start = *at;
    while (**at && !is_blank(**at)) (*at)++;
    if (**at) *(*at)++ = 0;
    return *start ? start : NULL;
}

static bool number(const char *text, double *value)
{
    char *end;
    *value = jd__strtod(text, &end);
    return end != text && !*end && !isnan(*value);
}

/* "ngram N=COUNT" */
static jd_status read_count(reader *r)
{
    const char *at = r->line + 5;
    while (is_blank(*at)) at++;
    char *end = NULL;
    const unsigned long n = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : 0;
    while (end && is_blank(*end)) end++;
    if (!end || *end != '=' || n == 0)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.60s' is not of the form ngram N=COUNT; repair it", r->path,
                       r->number, r->line);
    if (n > JD_NGRAM_ORDER)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: order %lu; at most %d can be read, so prune the model", r->path,
                       r->number, n, JD_NGRAM_ORDER);
    if ((int)n != r->order + 1)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: ngram %lu where ngram %d is due; repair the list", r->path,
                       r->number, n, r->order + 1);
    at = end + 1;
    while (is_blank(*at)) at++;
    end = NULL;
    const unsigned long long count = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
    if (!end || *end || count > UINT32_MAX - 1)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.60s' is no count from 0 to %u; repair it", r->path,
                       r->number, at, UINT32_MAX - 1);
    r->declared[++r->order] = count;
    return JD_OK;
}

static jd_status read_header(reader *r)
{
    do {
        if (!next_line(r)) return ended(r, "\\data\\");
    } while (strcmp(r->line, "\\data\\") != 0);
    for (;;) {
        if (!next_line(r)) return ended(r, "\\1-grams:");
        if (strncmp(r->line, "ngram", 5) != 0) break;
        if (read_count(r)) return jd_error(r->ctx);
    }
    if (r->order == 0)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: no line ngram 1=COUNT after \\data\\; add it", r->path,
                       r->number);
    return JD_OK;
}

/* The number of a word of an entry of `level` words; -1 and an error. */
static int32_t entry_word(reader *r, const char *word, int level)
{
    const size_t bytes = strlen(word);
    const int32_t id = jd__ngram_find_word(r->m, word, bytes);
    if (level > 1) {
        if (id < 0)
            jd_fail(r->ctx, JD_EDATA, "%s: line %zu: the word '%.60s' is not among the 1-grams; add it there", r->path,
                    r->number, word);
        return id;
    }
    if (bytes > JD_LIMIT_NAME) {
        jd_fail(r->ctx, JD_EDATA, "%s: line %zu: a word of %zu bytes; the limit is %d", r->path, r->number, bytes,
                (int)JD_LIMIT_NAME);
        return -1;
    }
    return id >= 0 ? id : jd__ngram_add_word(r->m, word, bytes);
}

static jd_status read_weights(reader *r, const char *p, const char *bow, ngram_node *node)
{
    double value;
    if (!number(p, &value) || value > 0)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.60s' is no logarithm of a probability (0 or less)", r->path,
                       r->number, p);
    node->logp = isinf((float)value) ? -99.f : (float)value;
    if (!bow) return JD_OK;
    if (!number(bow, &value) || isinf((float)value))
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.60s' is no logarithm of a back-off weight", r->path,
                       r->number, bow);
    node->bow = (float)value;
    return JD_OK;
}

/* log10 p, `level` words, maybe log10 bow */
static jd_status read_entry(reader *r, int level)
{
    char *at = r->line;
    const char *p = field(&at);
    uint32_t parent = 0;
    int32_t word = -1;
    for (int i = 0; i < level; i++) {
        const char *text = field(&at);
        if (!text)
            return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: %d words in the section of %d-grams; repair the line",
                           r->path, r->number, i, level);
        if (i > 0) {
            parent = jd__ngram_child(r->m, parent, (uint32_t)word);
            if (!parent)
                return jd_fail(r->ctx, JD_EDATA,
                               "%s: line %zu: its first %d words are not among the %d-grams; add them", r->path,
                               r->number, i, i);
        }
        word = entry_word(r, text, level);
        if (word < 0) return jd_error(r->ctx);
    }
    const char *bow = field(&at);
    double none;
    if (bow && level == r->order && number(bow, &none) && none == 0) bow = NULL; /* some programs write a 0 here too */
    if ((bow && level == r->order) || field(&at))
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: more fields than a %d-gram has; take out '%.60s'", r->path,
                       r->number, level, bow ? bow : "what follows");
    if (jd__ngram_child(r->m, parent, (uint32_t)word))
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: this %d-gram comes a second time; take one out", r->path,
                       r->number, level);
    const uint32_t made = jd__ngram_add(r->m, parent, (uint32_t)word);
    return made ? read_weights(r, p, bow, &r->m->node[made]) : jd_error(r->ctx);
}

/* The section of sequences of `level` words; its heading is the line in hand, and so is the next heading afterwards. */
static jd_status read_section(reader *r, int level)
{
    char heading[24];
    snprintf(heading, sizeof heading, "\\%d-grams:", level);
    if (strcmp(r->line, heading) != 0)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.60s' where %s is due; repair it", r->path, r->number,
                       r->line, heading);
    const char *wanted = level < r->order ? "the next section" : "\\end\\";
    for (uint64_t have = 0;; have++) {
        if (!next_line(r)) return ended(r, wanted);
        if (*r->line == '\\' && (!strcmp(r->line, "\\end\\") || strstr(r->line, "-grams:"))) {
            if (have == r->declared[level]) return JD_OK;
            return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: %llu %d-grams, but the head says %llu; repair the head",
                           r->path, r->number, (unsigned long long)have, level, (unsigned long long)r->declared[level]);
        }
        if (have == r->declared[level])
            return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: more %d-grams than the head says, %llu; repair the head",
                           r->path, r->number, level, (unsigned long long)r->declared[level]);
        if (read_entry(r, level)) return jd_error(r->ctx);
    }
}

static jd_status read_all(reader *r, size_t bytes)
{
    const char *text = r->next, *nul = memchr(text, 0, bytes);
    if (nul) {
        size_t line = 1;
        for (const char *p = text; p < nul; p++) line += *p == '\n';
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: a zero byte; this is no text file", r->path, line);
    }
    if (read_header(r)) return jd_error(r->ctx);
    r->m = jd__ngram_new(r->ctx, r->order);
    for (int level = 1; r->m && level <= r->order; level++)
        if (read_section(r, level)) return jd_error(r->ctx);
    if (!r->m) return jd_error(r->ctx);
    if (strcmp(r->line, "\\end\\") != 0)
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.60s' where \\end\\ is due; repair it", r->path, r->number,
                       r->line);
    jd__ngram_finish(r->m);
    return JD_OK;
}

jd_ngram *jd_arpa_read(jd_ctx *ctx, const char *path)
{
    size_t bytes;
    char *text = jd_read_gz(ctx, path, 0, &bytes);
    if (!text) return NULL;
    reader r = {.ctx = ctx, .path = path, .next = text, .stop = text + bytes};
    if (read_all(&r, bytes)) {
        jd_ngram_free(r.m);
        r.m = NULL;
    }
    jd_free(ctx, text);
    return r.m;
}

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

typedef struct writer {
    jd_ctx *ctx;
    char *text;
    size_t bytes, room;
} writer;

static void put(writer *w, const char *s)
{
    const size_t n = strlen(s);
    if (w->bytes + n > w->room) {
        const size_t room = 2 * (w->bytes + n) + 4096;
        char *larger = jd_realloc(w->ctx, w->text, w->room, room);
        if (!larger) return;
        w->text = larger;
        w->room = room;
    }
    memcpy(w->text + w->bytes, s, n);
    w->bytes += n;
}

/* Nine digits hold a float32. */
static void put_number(writer *w, float x)
{
    char text[40];
    jd__snprintf(text, sizeof text, "%.9g", (double)x);
    put(w, text);
}

static void put_entry(writer *w, const jd_ngram *m, const ngram_node *n)
{
    uint32_t word[JD_NGRAM_ORDER] = {0}, level = n->level;
    for (const ngram_node *k = n; level > 0; k = &m->node[k->parent]) word[--level] = k->word;
    put_number(w, n->logp);
    for (uint32_t i = 0; i < n->level; i++) {
        put(w, i ? " " : "\t");
        put(w, m->text + m->word[word[i]]);
    }
    if (n->bow < 0 || n->bow > 0) {
        put(w, "\t");
        put_number(w, n->bow);
    }
    put(w, "\n");
}

static void write_all(writer *w, const jd_ngram *m)
{
    char line[60];
    put(w, "\\data\\\n");
    for (int n = 1; n <= m->order; n++) {
        snprintf(line, sizeof line, "ngram %d=%zu\n", n, m->count[n]);
        put(w, line);
    }
    for (int level = 1; level <= m->order; level++) {
        snprintf(line, sizeof line, "\n\\%d-grams:\n", level);
        put(w, line);
        for (size_t i = 1; i < m->nodes && !jd_error(w->ctx); i++)
            if ((int)m->node[i].level == level) put_entry(w, m, &m->node[i]);
    }
    put(w, "\n\\end\\\n");
}

jd_status jd_arpa_write(const jd_ngram *m, const char *path)
{
    if (!m) return JD_EUSAGE;
    writer w = {.ctx = m->ctx};
    write_all(&w, m);
    if (!jd_error(m->ctx)) jd_write_file(m->ctx, path, w.text, w.bytes);
    jd_free(m->ctx, w.text);
    return jd_error(m->ctx);
}
