/* Recorded prompts and their texts. */
#include "sentences.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PACKAGE "asterisk-core-sounds-en-wav"

static const char *const DIGITS[10] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || c == '\'';
}

/* Adds a character to the text; blanks in a row become one. */
static void add(char *out, size_t *n, char c)
{
    if (c == ' ' && (*n == 0 || out[*n - 1] == ' ')) return;
    out[(*n)++] = c;
}

char *sentences_normalise(jd_ctx *ctx, const char *text)
{
    const size_t length = strlen(text);
    char *out = jd_alloc(ctx, 6 * length + 1);
    size_t n = 0;
    int depth = 0;
    bool ok = out != NULL;
    for (size_t i = 0; ok && i < length; i++) {
        const char c = small(text[i]), before = i ? small(text[i - 1]) : ' ', after = small(text[i + 1]);
        if (c == '(' || c == '[') depth++;
        if (c == ')' || c == ']') depth--;
        if (depth > 0 || c == ')' || c == ']') {
            add(out, &n, ' ');
        } else if (is_word(c)) {
            add(out, &n, c);
        } else if (c >= '0' && c <= '9') {
            const bool alone = !is_word(before) && !(before >= '0' && before <= '9') && !is_word(after) &&
                               !(after >= '0' && after <= '9') && !(after == '.' && text[i + 2] > ' ') &&
                               !(before == '.' && i > 1 && text[i - 2] > ' ');
            ok = alone;
            for (const char *s = DIGITS[c - '0']; *s; s++) add(out, &n, *s);
        } else if (strchr(" \t-,;:?!\"", c)) {
            add(out, &n, ' ');
        } else if (c == '.') { /* between letters it is said aloud: www.x.org */
            ok = !(is_word(before) && is_word(after));
            add(out, &n, ' ');
        } else {
            ok = false;
        }
    }
    while (n && out[n - 1] == ' ') n--;
    if (out) out[n] = 0;
    if (!ok || !n) {
        jd_free(ctx, out);
        return NULL;
    }
    return out;
}

int32_t sentences_labels(const char *text, int32_t *out)
{
    int32_t n = 0;
    for (; *text; text++) {
        const char *at = strchr(SENTENCES_ALPHABET, *text);
        if (at) out[n++] = (int32_t)(at - SENTENCES_ALPHABET);
    }
    return n;
}

void sentences_text(const int32_t *labels, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) out[i] = labels[i] < SENTENCES_LETTERS ? SENTENCES_ALPHABET[labels[i]] : '-';
    out[n] = 0;
}

size_t sentences_words(const int32_t *labels, size_t n, int32_t *out)
{
    size_t words = 0;
    for (size_t i = 0; i < n;) {
        uint32_t h = 2166136261u;
        const size_t first = i;
        for (; i < n && labels[i] != 0; i++) h = (h ^ (uint32_t)labels[i]) * 16777619u;
        if (i > first) out[words++] = (int32_t)(h >> 1);
        if (i < n) i++;
    }
    return words;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

/* The part of a text: a function of it and the seed. */
static sentences_part part_of(uint64_t seed, const char *text)
{
    uint64_t h = 1469598103934665603u;
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 1099511628211u;
    jd_rng r = jd_rng_new(seed, "sentences/part", h);
    const uint32_t k = jd_rng_below(&r, 10);
    return k == 0 ? SENTENCES_VALID : k < 3 ? SENTENCES_TEST : SENTENCES_TRAIN;
}

static jd_status read_one(sentences *s, const char *folder, const char *file, const char *text, uint64_t seed)
{
    jd_ctx *ctx = s->ctx;
    sentence *item = &s->items[s->n];
    *item = (sentence){.file = file, .text = sentences_normalise(ctx, text)};
    if (!item->text) {
        s->unreadable++;
        return jd_error(ctx);
    }
    char *path = jd_asprintf(ctx, "%s/%s", folder, file);
    if (path && !jd_read_sound(ctx, path, &item->sound)) {
        const double seconds = (double)item->sound.count / item->sound.rate;
        const double rate = (double)strlen(item->text) / seconds;
        if (s->n && item->sound.rate != s->rate)
            jd_fail(ctx, JD_EDATA, "%s: %d samples a second, the others have %d; resample it", path, item->sound.rate,
                    s->rate);
        s->rate = item->sound.rate;
        item->part = part_of(seed, item->text);
        if (rate >= 1 && rate <= 25) {
            s->n++;
        } else {
            s->implausible++;
            jd_sound_free(ctx, &item->sound);
            jd_free(ctx, item->text);
        }
    }
    if (jd_error(ctx) && item == &s->items[s->n]) jd_free(ctx, item->text);
    jd_free(ctx, path);
    return jd_error(ctx);
}

jd_status sentences_read(jd_run *r, const char *transcripts, const char *folder, uint64_t seed, sentences *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    sentences s = {.ctx = ctx};
    struct stat st;
    if ((stat(folder, &st) || !S_ISDIR(st.st_mode)) && strstr(folder, "/asterisk/"))
        return jd_fail(
            ctx, JD_ENOINPUT,
            "%s: no such folder; the recordings are in Debian's package " PACKAGE ": apt-get install " PACKAGE, folder);
    if (!jd_read_tsv(ctx, transcripts, &s.table)) {
        int file = -1;
        for (size_t c = 0; c < s.table.cols; c++)
            if (!strcmp(s.table.names[c], "file")) file = (int)c;
        if (file < 0) file = jd_tsv_column(ctx, &s.table, "wav");
        const int text = jd_tsv_column(ctx, &s.table, "text");
        s.items = jd_alloc_array(ctx, s.table.rows + 1, sizeof *s.items);
        for (size_t i = 0; i < s.table.rows && !jd_error(ctx); i++) {
            char **row = s.table.fields + i * s.table.cols;
            read_one(&s, folder, row[file], row[text], seed);
            if (jd_run_progress(r, (double)(i + 1), (double)s.table.rows, "prompts")) jd_run_stopped(r);
        }
    }
    size_t count[SENTENCES_PARTS] = {0};
    for (size_t i = 0; i < s.n; i++) count[s.items[i].part]++;
    if (!jd_error(ctx) && (!count[0] || !count[1] || !count[2]))
        jd_fail(ctx, JD_EDATA, "%s: %zu prompts are left, too few to train, validate and test", transcripts, s.n);
    if (jd_error(ctx))
        sentences_free(&s);
    else
        *out = s;
    return jd_error(ctx);
}

void sentences_free(sentences *s)
{
    if (!s->ctx) return;
    for (size_t i = 0; s->items && i < s->n; i++) {
        jd_free(s->ctx, s->items[i].text);
        jd_sound_free(s->ctx, &s->items[i].sound);
    }
    jd_free(s->ctx, s->items);
    jd_tsv_free(s->ctx, &s->table);
    *s = (sentences){0};
}
