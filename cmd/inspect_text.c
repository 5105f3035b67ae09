/* inspect_text.c - what `jackdaw inspect` says of texts and of music: ink, chains of proteins, n-gram models, tables, MIDI files. */
#include <string.h>

#include "inspect.h"
#include "jackdaw/ink.h"
#include "jackdaw/midi.h"
#include "jackdaw/ngram.h"
#include "jackdaw/protein.h"

static void show_ink(jd_ctx *ctx, const char *path, bool json)
{
    jd_ink ink = {0};
    if (jd_read_ink(ctx, path, &ink)) return;
    size_t strokes = 0, points = 0;
    for (size_t i = 0; i < ink.count; i++) {
        strokes += ink.items[i].strokes;
        points += ink.items[i].start[ink.items[i].strokes] - ink.items[i].start[0];
    }
    if (json)
        printf("{\"kind\":\"ink\",\"samples\":%zu,\"strokes\":%zu,\"points\":%zu}\n", ink.count, strokes, points);
    else
        printf("ink, %zu sample%s, %zu strokes, %zu points%s%.60s\n", ink.count, ink.count > 1 ? "s" : "", strokes,
               points, ink.items[0].text[0] ? "; the first says: " : "", ink.items[0].text);
    jd_ink_free(ctx, &ink);
}

static void show_chains(jd_ctx *ctx, const char *path, bool json)
{
    jd_chains c = {0};
    if (jd_read_chains(ctx, path, &c)) return;
    size_t residues = 0;
    for (size_t i = 0; i < c.count; i++) residues += c.items[i].length;
    if (json)
        printf("{\"kind\":\"chains\",\"chains\":%zu,\"residues\":%zu}\n", c.count, residues);
    else
        printf("FASTA, %zu chains, %zu residues\n", c.count, residues);
    jd_chains_free(ctx, &c);
}

static void show_ngrams(jd_ctx *ctx, const char *path, bool json)
{
    jd_ngram *m = jd_arpa_read(ctx, path);
    if (!m) return;
    if (json)
        printf("{\"kind\":\"arpa\",\"order\":%d,\"words\":%zu}\n", jd_ngram_order(m), jd_ngram_count(m, 1));
    else
        printf("ARPA, an n-gram model of order %d, %zu words\n", jd_ngram_order(m), jd_ngram_count(m, 1));
    jd_ngram_free(m);
}

static void show_midi(jd_ctx *ctx, const char *path, bool json)
{
    jd_midi m = {0};
    int64_t end = 0;
    if (jd_read_midi(ctx, path, &m)) return;
    for (size_t i = 0; i < m.count; i++)
        if (m.notes[i].start + m.notes[i].length > end) end = m.notes[i].start + m.notes[i].length;
    if (json)
        printf("{\"kind\":\"midi\",\"notes\":%zu,\"quarters\":%.9g,\"tempo\":%.9g}\n", m.count,
               (double)end / m.division, m.tempo);
    else
        printf("MIDI, %zu notes, %.4g quarters, %.4g of them a minute\n", m.count, (double)end / m.division, m.tempo);
    jd_midi_free(ctx, &m);
}

bool inspect_table(jd_ctx *ctx, const char *path, bool json)
{
    jd_table t = {0};
    if (jd_read_csv(ctx, path, &(jd_csv_options){.missing_is_nan = true, .categories = true, .last_words = true}, &t) ||
        t.cols < 2) {
        if (jd_error(ctx) != JD_ENOMEM) jd_error_clear(ctx);
        jd_table_free(ctx, &t);
        return false;
    }
    if (json)
        printf("{\"kind\":\"table\",\"rows\":%zu,\"columns\":%zu}\n", t.rows, t.cols);
    else
        printf("table, %zu rows, %zu columns%s\n", t.rows, t.cols, t.names ? ", with names" : "");
    jd_table_free(ctx, &t);
    return true;
}

bool inspect_text(jd_ctx *ctx, const char *path, const unsigned char *b, size_t n, bool json)
{
    size_t at = n >= 3 && !memcmp(b, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (at < n && strchr(" \t\r\n", b[at])) at++;
    const char *text = (const char *)b + at;
    if (n >= 4 && !memcmp(b, "MThd", 4))
        show_midi(ctx, path, json);
    else if (memchr(b, 0, n) || at == n)
        return false;
    else if (!strncmp(text, "\\data\\", 6))
        show_ngrams(ctx, path, json);
    else if (*text == '>')
        show_chains(ctx, path, json);
    else if (*text == '<' || (*text == '.' && text[1] >= 'A' && text[1] <= 'Z'))
        show_ink(ctx, path, json);
    else
        return false;
    return true;
}
