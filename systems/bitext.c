/* bitext.c - sentences with their translations; see bitext.h. */
#include "bitext.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_WORDS = 400 };

typedef struct raw {
    size_t n, room;
    bitext_line *line;
} raw;

static jd_status add(jd_ctx *ctx, raw *to, char *source, char *target)
{
    if (to->n == to->room) {
        const size_t more = to->room ? 2 * to->room : 1024;
        bitext_line *p = jd_realloc(ctx, to->line, to->room * sizeof *p, more * sizeof *p);
        if (!p) return jd_error(ctx);
        to->line = p;
        to->room = more;
    }
    to->line[to->n++] = (bitext_line){source, target};
    return JD_OK;
}

/* The line at *at, without its end; *at goes on behind it.  NULL at the end of the text. */
static char *next_line(char **at)
{
    char *line = *at;
    if (!*line) return NULL;
    const size_t n = strcspn(line, "\n");
    *at = line + n + (line[n] == '\n');
    line[n] = 0;
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
    return line;
}

/* What &amp; and its kin stand for, in place. */
static void decode(char *text)
{
    static const struct {
        const char *name, *is;
    } known[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};
    char *to = text;
    for (const char *p = text; *p;) {
        size_t k = 0;
        while (k < 5 && strncmp(p, known[k].name, strlen(known[k].name)) != 0) k++;
        *to++ = k < 5 ? *known[k].is : *p;
        p += k < 5 ? strlen(known[k].name) : 1;
    }
    *to = 0;
}

/* The sentences of a text in SGML or XML, as newstest of WMT is given, a line each; others are left as they are.  TMX has both
 * languages in one text: an error. */
static jd_status unwrap(jd_ctx *ctx, const char *path, char *text)
{
    const char *begin = text + strspn(text, " \t\r\n");
    if (*begin != '<' || !strstr(begin, "<seg")) return JD_OK;
    if (strstr(begin, "<tmx"))
        return jd_fail(ctx, JD_EDATA,
                       "%s: a translation memory (TMX), which has both languages in one; write each as a text, a "
                       "sentence a line",
                       path);
    char *to = text;
    for (char *p = strstr(begin, "<seg"); p; p = strstr(p, "<seg")) {
        char *from = strchr(p, '>'), *end = from ? strstr(from, "</seg>") : NULL;
        if (!end) break;
        for (*end = 0, from++; *from == ' ' || *from == '\n'; from++) {
        }
        decode(from);
        for (; *from; from++) *to++ = *from == '\n' || *from == '\r' ? ' ' : *from;
        *to++ = '\n';
        p = end + 1;
    }
    *to = 0;
    return JD_OK;
}

static char *read_text(jd_ctx *ctx, const char *path)
{
    size_t bytes = 0;
    char *text = jd_read_gz(ctx, path, (size_t)1 << 30, &bytes);
    if (!text || !memchr(text, 0, bytes)) {
        if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) memmove(text, text + 3, bytes - 2); /* a byte order mark */
        if (!text || !unwrap(ctx, path, text)) return text;
    } else {
        jd_fail(ctx, JD_EDATA, "%s: byte %zu is 0; a text is needed", path,
                (size_t)((char *)memchr(text, 0, bytes) - text));
    }
    jd_free(ctx, text);
    return NULL;
}

/* Two files, line by line; pairs with an empty side are left out. */
static jd_status read_two(bitext *b, const char *const path[2], int slot, raw *to)
{
    char *at[2];
    for (int k = 0; k < 2; k++) {
        at[k] = b->text[2 * slot + k] = read_text(b->ctx, path[k]);
        if (!at[k]) return jd_error(b->ctx);
    }
    for (size_t i = 1;; i++) {
        char *s = next_line(&at[0]), *t = next_line(&at[1]);
        if (!s && !t) return JD_OK;
        if (!s || !t)
            return jd_fail(b->ctx, JD_EDATA,
                           "%s ends before line %zu, but %s does not; line n of one must translate "
                           "line n of the other",
                           path[s ? 1 : 0], i, path[s ? 0 : 1]);
        if (*s && *t && add(b->ctx, to, s, t)) return jd_error(b->ctx);
    }
}

/* One file, a tab between source and target; what stands behind a second tab does not count. */
static jd_status read_table(bitext *b, const char *path, raw *to)
{
    char *at = b->text[0] = read_text(b->ctx, path);
    for (size_t i = 1; at; i++) {
        char *s = next_line(&at);
        if (!s) return JD_OK;
        char *t = strchr(s, '\t');
        if (!t)
            return jd_fail(b->ctx, JD_EDATA,
                           "%s: line %zu: no tab; a source, a tab and its translation stand in a line", path, i);
        *t++ = 0;
        t[strcspn(t, "\t")] = 0;
        if (*s && *t && add(b->ctx, to, s, t)) return jd_error(b->ctx);
    }
    return jd_error(b->ctx);
}

/* The words of a line with blanks between them, for comparing. */
static void plain(const char *text, char *out, size_t room)
{
    size_t n = 0;
    char word[256];
    while ((text = vocabulary_word(text, word, sizeof word)) != NULL) {
        const size_t k = strlen(word);
        if (n + k + 2 > room) break;
        memcpy(out + n, word, k);
        out[n + k] = ' ';
        n += k + 1;
    }
    out[n] = 0;
}

/* Every line goes by its source: 96, 2 and 2 of 100. */
static jd_status divide(jd_ctx *ctx, const raw *all, raw part[BITEXT_PARTS])
{
    for (size_t i = 0; i < all->n; i++) {
        char text[4096];
        uint64_t h = 0xcbf29ce484222325u;
        plain(all->line[i].source, text, sizeof text);
        for (const char *p = text; *p; p++) h = (h ^ (unsigned char)*p) * 0x100000001b3u;
        h = (h ^ h >> 29) % 100;
        if (add(ctx,
                &part[h < 96   ? BITEXT_TRAIN
                      : h < 98 ? BITEXT_VALID
                               : BITEXT_TEST],
                all->line[i].source, all->line[i].target))
            break;
    }
    return jd_error(ctx);
}

/* ---- where they are ---------------------------------------------------------------------------------------------------------*/

static jd_status read_set(bitext *b, const char *folder, const char *language, raw part[BITEXT_PARTS])
{
    static const char *const own[] = {"train", "val", "test"}, *const set[] = {"train", "val", "test_2016_flickr"};
    b->official = true;
    for (int k = 0; k < BITEXT_PARTS && !jd_error(b->ctx); k++) {
        char *path[2] = {NULL, NULL};
        for (int side = 0; side < 2; side++) {
            char name[64];
            snprintf(name, sizeof name, "%s.%s", folder ? own[k] : set[k],
                     folder ? (side ? "target" : "source") : (side ? language : "en"));
            struct stat st;
            path[side] =
                folder ? jd_asprintf(b->ctx, "%s/%s", folder, name) : jd_dataset_path(b->ctx, "multi30k", name);
            if (folder && path[side] && stat(path[side], &st)) {
                jd_free(b->ctx, path[side]);
                path[side] = jd_asprintf(b->ctx, "%s/%s.gz", folder, name);
            }
        }
        if (!jd_error(b->ctx)) read_two(b, (const char *const *)path, k, &part[k]);
        for (int side = 0; side < 2; side++) jd_free(b->ctx, path[side]);
    }
    return jd_error(b->ctx);
}

static jd_status find(bitext *b, const char *data, const bitext_options *o, raw part[BITEXT_PARTS])
{
    jd_ctx *ctx = b->ctx;
    struct stat st;
    b->from = "source";
    b->to = "target";
    if (!data || !strcmp(data, "multi30k")) {
        b->from = "English";
        b->to = strcmp(o->language, "de") ? "French" : "German";
        return read_set(b, NULL, o->language, part);
    }
    if (!stat(data, &st) && S_ISDIR(st.st_mode)) return read_set(b, data, NULL, part);
    raw all = {0};
    const char *comma = strchr(data, ',');
    if (comma && stat(data, &st)) {
        char *first = jd_asprintf(ctx, "%.*s", (int)(comma - data), data);
        if (first) read_two(b, (const char *const[]){first, comma + 1}, 0, &all);
        jd_free(ctx, first);
    } else {
        read_table(b, data, &all);
    }
    if (!jd_error(ctx)) divide(ctx, &all, part);
    jd_free(ctx, all.line);
    return jd_error(ctx);
}

/* ---- words as numbers -------------------------------------------------------------------------------------------------------*/

/* Drops what is repeated in parts held out. */
static jd_status drop_repeated(bitext *b, raw part[BITEXT_PARTS])
{
    vocabulary *there = vocabulary_new(b->ctx);
    char text[4096];
    if (!there) return jd_error(b->ctx);
    for (int k = BITEXT_VALID; k < BITEXT_PARTS; k++)
        for (size_t i = 0; i < part[k].n; i++) {
            plain(part[k].line[i].source, text, sizeof text);
            if (vocabulary_add(there, text) < 0) break;
        }
    raw *train = &part[BITEXT_TRAIN];
    size_t kept = 0;
    for (size_t i = 0; i < train->n; i++) {
        plain(train->line[i].source, text, sizeof text);
        if (vocabulary_find(there, text) >= 0)
            b->repeated++;
        else
            train->line[kept++] = train->line[i];
    }
    train->n = kept;
    vocabulary_free(there);
    return jd_error(b->ctx);
}

static jd_status count_words(bitext *b, const raw *train, const bitext_options *o)
{
    vocabulary *all[2] = {vocabulary_new(b->ctx), vocabulary_new(b->ctx)};
    for (size_t i = 0; i < train->n && !jd_error(b->ctx); i++) {
        vocabulary_count(all[0], train->line[i].source);
        vocabulary_count(all[1], train->line[i].target);
    }
    if (!jd_error(b->ctx)) b->source = vocabulary_pick(all[0], SEQ2SEQ_WORDS, o->words, o->least);
    if (!jd_error(b->ctx)) b->target = vocabulary_pick(all[1], SEQ2SEQ_WORDS, o->words, o->least);
    for (int k = 0; k < 2; k++) vocabulary_free(all[k]);
    return jd_error(b->ctx);
}

static jd_status encode(bitext *b, const raw *from, int part, const bitext_options *o)
{
    int32_t word[2][MOST_WORDS];
    size_t known[2] = {0}, words[2] = {0};
    b->line[part] = jd_alloc_array(b->ctx, from->n + 1, sizeof *b->line[part]);
    for (size_t i = 0; i < from->n && !jd_error(b->ctx); i++) {
        const size_t n = vocabulary_encode(b->source, from->line[i].source, word[0], MOST_WORDS);
        const size_t m = vocabulary_encode(b->target, from->line[i].target, word[1], MOST_WORDS);
        if (!n || !m) continue;
        if (part == BITEXT_TRAIN && (n > o->longest || m > o->longest)) {
            b->too_long++;
            continue;
        }
        const size_t most = part == BITEXT_TRAIN ? o->most : o->most_held_out;
        if (most && b->part[part].n == most) break;
        b->line[part][b->part[part].n] = from->line[i];
        seq2seq_pairs_add(b->ctx, &b->part[part], word[0], n, word[1], m);
        for (int side = 0; side < 2; side++)
            for (size_t k = 0; k < (side ? m : n); k++) {
                words[side]++;
                known[side] += word[side][k] != SEQ2SEQ_UNKNOWN;
            }
    }
    for (int side = 0; side < 2 && part == BITEXT_TEST; side++)
        b->unknown[side] = words[side] ? 1 - (double)known[side] / (double)words[side] : 0;
    return jd_error(b->ctx);
}

jd_status bitext_read(jd_run *r, const bitext_options *o, bitext *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    raw part[BITEXT_PARTS] = {{0}};
    *out = (bitext){.ctx = ctx};
    if (!find(out, jd_run_data(r, NULL), o, part) && !drop_repeated(out, part) &&
        !count_words(out, &part[BITEXT_TRAIN], o))
        for (int k = 0; k < BITEXT_PARTS && !jd_error(ctx); k++) encode(out, &part[k], k, o);
    for (int k = 0; k < BITEXT_PARTS; k++) {
        if (!jd_error(ctx) && !out->part[k].n)
            jd_fail(
                ctx, JD_EDATA,
                "%s: %zu pairs to learn from (%zu that are held out or tested on too and %zu that are too long left "
                "out), %zu held out, %zu to be tested on; each part needs some",
                jd_run_data(r, "multi30k"), out->part[0].n, out->repeated, out->too_long, out->part[1].n,
                out->part[2].n);
        jd_free(ctx, part[k].line);
    }
    return jd_error(ctx);
}

void bitext_free(bitext *b)
{
    if (!b->ctx) return;
    vocabulary_free(b->source);
    vocabulary_free(b->target);
    for (int k = 0; k < BITEXT_PARTS; k++) {
        seq2seq_pairs_free(b->ctx, &b->part[k]);
        jd_free(b->ctx, b->line[k]);
    }
    for (int k = 0; k < 2 * BITEXT_PARTS; k++) jd_free(b->ctx, b->text[k]);
    *b = (bitext){0};
}
