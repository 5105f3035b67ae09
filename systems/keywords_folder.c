/*
 * keywords_folder.c - Speech Commands as it is distributed: a folder of recordings for each word, the lists of those to
 * validate and to test on, and long recordings of noise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keywords.h"
#include "names.h"

enum { MOST_CLIPS = 1 << 20, PIECES = 4 }; /* pieces of silence that begin in a second */
#define NOISE "_background_noise_"

/* Lines of a text file, sorted; `text` is what they point into. */
typedef struct list {
    char *text, **line;
    size_t n;
} list;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static jd_status read_list(jd_ctx *ctx, const char *dir, const char *name, list *out)
{
    char *path = jd_asprintf(ctx, "%s/%s", dir, name);
    jd_tsv t = {0};
    if (path && !jd_read_tsv(ctx, path, &t)) { /* one column; its "header" is the first clip */
        out->line = jd_alloc_array(ctx, t.rows + 1, sizeof *out->line);
        for (size_t i = 0; out->line && i < t.rows + (t.cols == 1); i++)
            out->line[out->n++] = i ? t.fields[(i - 1) * t.cols] : t.names[0];
        if (out->line) qsort(out->line, out->n, sizeof *out->line, by_text);
        out->text = t.text;
        t.text = NULL;
        jd_tsv_free(ctx, &t);
    }
    jd_free(ctx, path);
    return jd_error(ctx);
}

static bool listed(const list *l, const char *clip)
{
    return bsearch(&clip, l->line, l->n, sizeof *l->line, by_text) != NULL;
}

/* ---- the table ---------------------------------------------------------------------------------------------------------------*/

typedef struct table {
    jd_ctx *ctx;
    jd_tsv *out;
    size_t room, bytes, space; /* rows; of the text, and how much there may be */
} table;

/* Fields as offsets into the text while it grows. */
static void add_field(table *t, const char *word)
{
    const size_t n = strlen(word) + 1;
    while (t->bytes + n > t->space) {
        char *more = jd_realloc(t->ctx, t->out->text, t->space, 2 * t->space + n);
        if (!more) return;
        t->out->text = more;
        t->space = 2 * t->space + n;
    }
    memcpy(t->out->text + t->bytes, word, n);
    t->bytes += n;
}

static void add_clip(table *t, const char *file, const char *word, const char *speaker, const char *split, double at)
{
    char second[32];
    snprintf(second, sizeof second, "%.3f", at);
    const char *field[KEYWORDS_COLUMNS] = {file, word, speaker, split, second};
    for (int k = 0; k < KEYWORDS_COLUMNS; k++) add_field(t, field[k]);
    t->out->rows++;
}

/* One of so many clips of unknown words, so that they are about as many as those of one word. */
static bool kept(const char *clip, size_t words)
{
    uint32_t hash = 2166136261u;
    for (const char *p = clip; *p; p++) hash = (hash ^ (unsigned char)*p) * 16777619u;
    return hash / 7 % (words ? words : 1) == 0;
}

static bool is_keyword(const char *word)
{
    for (int k = 0; k < KEYWORDS_SILENCE; k++)
        if (!strcmp(word, keywords_names[k])) return true;
    return false;
}

static void add_word(table *t, const char *dir, const char *word, size_t unknown, const list *valid, const list *test)
{
    char *folder = jd_asprintf(t->ctx, "%s/%s", dir, word), path[600], speaker[256];
    size_t n = 0;
    char **clip = folder ? names_in(t->ctx, folder, ".wav", &n) : NULL;
    const bool keyword = is_keyword(word);
    for (size_t i = 0; clip && i < n && !jd_error(t->ctx); i++) {
        snprintf(path, sizeof path, "%s/%s", word, clip[i]);
        if (!keyword && !kept(path, unknown)) continue;
        snprintf(speaker, sizeof speaker, "%.*s", (int)strcspn(clip[i], "_."), clip[i]);
        add_clip(t, path, keyword ? word : "unknown", speaker,
                 listed(test, path)    ? "test"
                 : listed(valid, path) ? "valid"
                                       : "train",
                 -1);
    }
    names_free(t->ctx, clip, n);
    jd_free(t->ctx, folder);
}

/* Pieces of one second of the recordings of noise: the first 80 % of each to learn from, a tenth each to validate and test. */
static void add_silence(table *t, const char *dir)
{
    char *folder = jd_asprintf(t->ctx, "%s/" NOISE, dir), path[600];
    size_t n = 0;
    char **noise = folder ? names_in(t->ctx, folder, ".wav", &n) : NULL;
    for (size_t i = 0; noise && i < n && !jd_error(t->ctx); i++) {
        jd_sound sound = {0};
        char *file = jd_asprintf(t->ctx, "%s/%s", folder, noise[i]);
        snprintf(path, sizeof path, NOISE "/%s", noise[i]);
        if (file && !jd_read_sound(t->ctx, file, &sound)) {
            const double seconds = (double)sound.count / sound.rate;
            for (int k = 0; k <= PIECES * (seconds - 1); k++) {
                const double at = k / (double)PIECES, share = at / seconds, end = (at + 1) / seconds;
                if ((share < 0.8 && end > 0.8) || (share < 0.9 && end > 0.9)) continue; /* in two parts */
                add_clip(t, path, "silence", "none", share < 0.8 ? "train" : share < 0.9 ? "valid" : "test", at);
            }
        }
        jd_sound_free(t->ctx, &sound);
        jd_free(t->ctx, file);
    }
    names_free(t->ctx, noise, n);
    jd_free(t->ctx, folder);
}

/* Offsets become pointers. */
static jd_status finish(table *t)
{
    jd_tsv *out = t->out;
    out->cols = KEYWORDS_COLUMNS;
    out->names = jd_alloc_array(t->ctx, out->cols, sizeof *out->names);
    out->fields = jd_alloc_array(t->ctx, out->rows * out->cols + 1, sizeof *out->fields);
    out->lines = jd_alloc_array(t->ctx, out->rows + 1, sizeof *out->lines);
    if (jd_error(t->ctx)) return jd_error(t->ctx);
    char *at = out->text;
    for (size_t k = 0; k < out->cols; k++, at += strlen(at) + 1) out->names[k] = at;
    for (size_t i = 0; i < out->rows * out->cols; i++, at += strlen(at) + 1) out->fields[i] = at;
    return JD_OK;
}

jd_status keywords_list_folder(jd_ctx *ctx, const char *dir, jd_tsv *out)
{
    list valid = {0}, test = {0};
    table t = {.ctx = ctx, .out = out, .space = 1 << 16};
    size_t n = 0, unknown = 0;
    char **word = NULL;
    *out = (jd_tsv){.text = jd_alloc(ctx, t.space)};
    if (!jd_error(ctx) && !read_list(ctx, dir, "validation_list.txt", &valid) &&
        !read_list(ctx, dir, "testing_list.txt", &test) && (word = names_in(ctx, dir, NULL, &n)) != NULL) {
        static const char *const columns[KEYWORDS_COLUMNS] = {"file", "word", "speaker", "split", "second"};
        for (int k = 0; k < KEYWORDS_COLUMNS; k++) add_field(&t, columns[k]);
        for (size_t i = 0; i < n; i++) unknown += word[i][0] != '_' && !is_keyword(word[i]);
        for (size_t i = 0; i < n && out->rows < MOST_CLIPS && !jd_error(ctx); i++)
            if (word[i][0] != '_') add_word(&t, dir, word[i], unknown, &valid, &test);
        if (!jd_error(ctx)) add_silence(&t, dir);
        if (!jd_error(ctx)) finish(&t);
    }
    names_free(ctx, word, n);
    jd_free(ctx, valid.line);
    jd_free(ctx, valid.text);
    jd_free(ctx, test.line);
    jd_free(ctx, test.text);
    if (jd_error(ctx)) jd_tsv_free(ctx, out);
    return jd_error(ctx);
}
