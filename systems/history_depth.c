/* history_depth.c - stacks of levels on a lag of up to 1200 steps, on words and sentences, and on text; see history.h. */
#include "history.h"

#include <stdio.h>
#include <string.h>

enum {
    TRIGGERS = 2,
    CYCLE = 5,
    LETTERS = 12,
    WORDS = 8,
    WORD = 5,
    KINDS = 4,
    SENTENCE = 4,
    BACK = 2,
    MOST_TEXT = 100000
};

static level_options options(jd_run *r, double rate, int hidden, int window, int most, int epochs)
{
    return (level_options){.hidden = hidden,
                           .window = window,
                           .most = most,
                           .rate = rate,
                           .sure = jd_run_setting(r, "sure"),
                           .epochs = epochs};
}

/* ---- depth -------------------------------------------------------------------------------------------------------------------*/

/* `count` sequences of T + 1 symbols: 0 or 1, T - 1 of the cycle 2 .. 6, the first again. */
static jd_status triggers(jd_ctx *ctx, uint64_t seed, const char *part, int T, size_t count, stream *s)
{
    jd_rng rng = jd_rng_new(seed, part, (uint64_t)T);
    *s = (stream){jd_alloc_array(ctx, count * (size_t)(T + 1), sizeof *s->symbol), count * (size_t)(T + 1)};
    for (size_t i = 0; s->symbol && i < count; i++) {
        int32_t *to = s->symbol + i * (size_t)(T + 1);
        to[0] = to[T] = (int32_t)jd_rng_below(&rng, TRIGGERS);
        for (int t = 1; t < T; t++) to[t] = TRIGGERS + (t - 1) % CYCLE;
    }
    return jd_error(ctx);
}

/* The share of the last symbols of sequences that the two levels expected: the first one itself, or the second one when the
 * first was surprised. */
static jd_status recall(jd_run *r, level *low, level *high, const stream *s, depth_run *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    stream up = {0}, top = {0};
    uint32_t *at = jd_alloc_array(ctx, s->n + 1, sizeof *at);
    int32_t *first = jd_alloc_array(ctx, s->n + 1, sizeof *first),
            *second = jd_alloc_array(ctx, s->n + 1, sizeof *second);
    size_t right = 0, asked = 0, i = 0;
    if (!jd_error(ctx) && !level_send(ctx, low, s, &up, at, first, NULL) &&
        !level_send(ctx, high, &up, &top, NULL, second, NULL)) {
        for (size_t t = 0; t < s->n; t++) {
            const bool sent = i < up.n && at[i] == t;
            if (t % (size_t)(out->T + 1) == (size_t)out->T && t > s->n / 10) { /* the levels have settled by then */
                const int32_t said = !sent ? s->symbol[t] : second[i] < low->codes ? low->code[second[i]].symbol : -1;
                right += said == s->symbol[t];
                asked++;
            }
            i += sent;
        }
        out->recall = (double)right / (double)asked;
        out->surprises = (double)up.n / (double)s->n * (double)(out->T + 1);
    }
    stream between = {0}, again = {0};
    if (!jd_error(ctx) && !level_rebuild(ctx, high, &top, up.n, &between) &&
        !level_rebuild(ctx, low, &between, s->n, &again)) {
        out->same = !memcmp(again.symbol, s->symbol, s->n * sizeof *s->symbol);
        out->rebuilt = s->n;
    }
    stream *all[] = {&up, &top, &between, &again};
    for (int k = 0; k < 4; k++) stream_free(ctx, all[k]);
    jd_free(ctx, at);
    jd_free(ctx, first);
    jd_free(ctx, second);
    return jd_error(ctx);
}

/* A plain net on the symbols themselves.  It has to learn nothing but the last symbol of each sequence, and errors flow back
 * through all of it. */
static double plain_recall(jd_run *r, uint64_t seed, const stream *train, const stream *test, int T)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_rng rng = jd_rng_new(seed, "history/plain depth", (uint64_t)T);
    enum { SYMBOLS = TRIGGERS + CYCLE };
    rnn n = rnn_new(ctx,
                    &(rnn_options){.inputs = SYMBOLS,
                                   .hidden = (int)jd_run_setting(r, "hidden"),
                                   .symbols = SYMBOLS,
                                   .window = T + 1,
                                   .rate = jd_run_setting(r, "level_rate")},
                    &rng);
    size_t right = 0, asked = 0;
    for (int part = 0; part < 2 && !jd_error(ctx); part++) {
        const stream *s = part ? test : train;
        for (size_t t = 0; t < s->n; t++) {
            double x[SYMBOLS] = {0};
            if (t % (size_t)(T + 1) == (size_t)T) {
                if (part) right += n.y[s->symbol[t]] > n.y[1 - s->symbol[t]];
                asked += part != 0;
                if (!part) rnn_learn(&n, &(rnn_target){s->symbol[t], -1, NULL});
            }
            x[s->symbol[t]] = 1;
            rnn_see(&n, x);
        }
    }
    rnn_free(ctx, &n);
    return asked ? (double)right / (double)asked : (double)NAN;
}

jd_status depth_task(jd_run *r, uint64_t seed, int T, bool control, depth_run *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t sequences = (size_t)jd_run_setting(r, "depth_sequences");
    stream train = {0}, test = {0}, up = {0};
    level low = {0}, high = {0};
    *out = (depth_run){.T = T, .plain = (double)NAN};
    const double rate = jd_run_setting(r, "level_rate");
    const level_options first = options(r, rate, 16, 3, 64, 20), second = options(r, rate, 16, 3, 64, 200);
    if (!triggers(ctx, seed, "history/depth", T, sequences, &train) &&
        !triggers(ctx, seed, "history/depth test", T, 100, &test) &&
        !level_train(ctx, &low, &first, &train, TRIGGERS + CYCLE, seed) &&
        !level_send(ctx, &low, &train, &up, NULL, NULL, NULL) &&
        !level_train(ctx, &high, &second, &up, low.codes, seed + 1))
        recall(r, &low, &high, &test, out);
    if (control && !jd_error(ctx)) out->plain = plain_recall(r, seed, &train, &test, T);
    stream_free(ctx, &train);
    stream_free(ctx, &test);
    stream_free(ctx, &up);
    level_free(ctx, &low);
    level_free(ctx, &high);
    return jd_error(ctx);
}

/* ---- words and sentences ----------------------------------------------------------------------------------------------------*/

typedef struct language {
    int32_t word[WORDS][WORD], sentence[KINDS][SENTENCE];
} language;

/* Words begin differently, and so do sentences; the rest is drawn. */
static language draw_language(uint64_t seed)
{
    jd_rng rng = jd_rng_new(seed, "history/language", 0);
    language l;
    for (int w = 0; w < WORDS; w++)
        for (int i = 0; i < WORD; i++) l.word[w][i] = i ? (int32_t)jd_rng_below(&rng, LETTERS) : w;
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < SENTENCE; i++) l.sentence[k][i] = i ? (int32_t)jd_rng_below(&rng, WORDS) : k;
    return l;
}

enum { ONE = SENTENCE * WORD }; /* letters of a sentence */

static jd_status talk(jd_ctx *ctx, uint64_t seed, uint64_t part, size_t sentences, stream *s, int *kind)
{
    const language l = draw_language(seed);
    jd_rng rng = jd_rng_new(seed, "history/sentences", part);
    *s = (stream){jd_alloc_array(ctx, sentences * ONE, sizeof *s->symbol), sentences * ONE};
    for (size_t i = 0; s->symbol && i < sentences; i++) {
        kind[i] = (int)jd_rng_below(&rng, KINDS);
        for (int t = 0; t < ONE; t++) s->symbol[i * ONE + (size_t)t] = l.word[l.sentence[kind[i]][t / WORD]][t % WORD];
    }
    return jd_error(ctx);
}

/* The answer after the symbols of sentence i, at the first of them that is in the stream: x steps forward, and learns in the
 * first part; returns the share of right answers in the second. */
static double answers(jd_ctx *ctx, rnn *n, int symbols, const stream s[2], uint32_t *const at[2], int *const kind[2],
                      size_t sentences)
{
    size_t right = 0;
    double *x = jd_alloc_array(ctx, (size_t)symbols, sizeof *x);
    for (int part = 0; part < 2 && x; part++)
        for (int pass = 0; pass < (part ? 1 : 5); pass++) {
            size_t done = SIZE_MAX;
            rnn_forget(n);
            for (size_t t = 0; t < s[part].n; t++) {
                const size_t i = (at[part] ? at[part][t] : t) / ONE;
                memset(x, 0, (size_t)symbols * sizeof *x);
                x[s[part].symbol[t] < symbols ? s[part].symbol[t] : symbols - 1] = 1;
                rnn_see(n, x);
                if (i == done || i < BACK) continue;
                done = i;
                const int asked = kind[part][i - BACK];
                right += part && rnn_likeliest(n) == asked;
                if (!part) rnn_learn(n, &(rnn_target){asked, -1, NULL});
            }
        }
    jd_free(ctx, x);
    return (double)right / (double)(sentences - BACK);
}

/* Sends the streams of both parts through the level; at[] become places among the letters. */
static jd_status climb(jd_ctx *ctx, level *l, stream s[2], uint32_t *at[2])
{
    for (int part = 0; part < 2; part++) {
        stream up = {0};
        uint32_t *to = jd_alloc_array(ctx, s[part].n + 1, sizeof *to);
        if (!to || level_send(ctx, l, &s[part], &up, to, NULL, NULL)) return jd_error(ctx);
        for (size_t i = 0; i < up.n && at[part]; i++) to[i] = at[part][to[i]];
        jd_free(ctx, at[part]);
        at[part] = to;
        stream_free(ctx, &s[part]);
        s[part] = up;
    }
    return JD_OK;
}

jd_status sentences_task(jd_run *r, uint64_t seed, levels_run *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t sentences = (size_t)jd_run_setting(r, "sentences");
    stream s[2] = {{0}};
    uint32_t *at[2] = {NULL};
    int *kind[2] = {jd_alloc_array(ctx, sentences, sizeof(int)), jd_alloc_array(ctx, sentences, sizeof(int))};
    jd_rng rng = jd_rng_new(seed, "history/heads", 0);
    const rnn_options head = {.hidden = 16, .symbols = KINDS, .window = 4, .rate = 0.05};
    *out = (levels_run){.levels = 2, .right = (double)NAN, .plain = (double)NAN};
    int symbols = LETTERS;
    for (int part = 0; part < 2 && !jd_error(ctx); part++)
        talk(ctx, seed, (uint64_t)part, sentences, &s[part], kind[part]);
    if (!jd_error(ctx)) { /* the letters themselves: errors flow back through the three sentences that matter */
        rnn_options o = head;
        o.inputs = symbols, o.window = 3 * ONE;
        rnn n = rnn_new(ctx, &o, &rng);
        if (!jd_error(ctx)) out->plain = answers(ctx, &n, symbols, s, at, kind, sentences);
        rnn_free(ctx, &n);
    }
    for (int k = 0; k < out->levels && !jd_error(ctx); k++) {
        level l = {0};
        /* ten units, two steps: what a word is fits in, what a sentence is does not */
        const level_options o = options(r, jd_run_setting(r, "word_rate"), 10, 2, 64, 20);
        out->symbols[k] = s[1].n;
        if (!level_train(ctx, &l, &o, &s[0], symbols, seed + (uint64_t)k) && !climb(ctx, &l, s, at)) symbols = l.codes;
        level_free(ctx, &l);
    }
    out->symbols[out->levels] = s[1].n;
    if (!jd_error(ctx)) {
        rnn_options o = head;
        o.inputs = symbols;
        rnn n = rnn_new(ctx, &o, &rng);
        if (!jd_error(ctx)) out->right = answers(ctx, &n, symbols, s, at, kind, sentences);
        rnn_free(ctx, &n);
    }
    for (int part = 0; part < 2; part++) {
        stream_free(ctx, &s[part]);
        jd_free(ctx, at[part]);
        jd_free(ctx, kind[part]);
    }
    return jd_error(ctx);
}

/* ---- text --------------------------------------------------------------------------------------------------------------------*/

/* Appends a file's characters: letters without case, other printable ones, and one blank for all white space. */
static size_t add_text(const char *path, unsigned char *text, size_t n)
{
    FILE *f = fopen(path, "rb");
    for (int c; f && n < MOST_TEXT && (c = fgetc(f)) != EOF;) {
        const int low = c >= 'A' && c <= 'Z' ? c + 32 : c > 32 && c < 127 ? c : ' ';
        if (low != ' ' || (n && text[n - 1] != ' ')) text[n++] = (unsigned char)low;
    }
    if (f) fclose(f);
    return n;
}

/* Characters by how often they come; bits of one by its frequency alone. */
static double number_characters(const unsigned char *text, size_t n, int code[256], int *symbols)
{
    size_t count[256] = {0};
    double bits = 0;
    *symbols = 0;
    for (size_t i = 0; i < n; i++) count[text[i]]++;
    for (int c = 0; c < 256; c++) {
        if (!count[c]) continue;
        const double p = (double)count[c] / (double)n;
        bits -= p * log2(p);
        code[c] = 0;
        for (int k = 0; k < 256; k++) code[c] += count[k] > count[c] || (count[k] == count[c] && k < c);
        ++*symbols;
    }
    return bits;
}

jd_status text_task(jd_run *r, const char *path, uint64_t seed, levels_run *out, size_t *bytes, double *order0)
{
    static const char *const licences[] = {"GPL-3", "Apache-2.0", "MPL-2.0", "GFDL-1.3", "LGPL-2.1", "Artistic"};
    jd_ctx *ctx = jd_run_ctx(r);
    unsigned char *text = jd_alloc_array(ctx, MOST_TEXT, 1);
    size_t n = 0;
    int code[256] = {0}, symbols = 0;
    *out = (levels_run){.levels = HISTORY_LEVELS, .right = (double)NAN, .plain = (double)NAN};
    for (int k = 0; text && (path ? k < 1 : k < 6); k++) {
        char name[80];
        snprintf(name, sizeof name, "/usr/share/common-licenses/%s", licences[k]);
        n = add_text(path ? path : name, text, n);
    }
    *bytes = 0;
    if (text && path && n < 100)
        jd_fail(ctx, JD_ENOINPUT, "%s: no text of 100 characters or more; give a text file", path);
    const size_t share = (size_t)fmin((double)n, jd_run_setting(r, "characters"));
    stream s = {text ? jd_alloc_array(ctx, share + 1, sizeof *s.symbol) : NULL, share};
    if (!jd_error(ctx) && n >= 100) {
        *order0 = number_characters(text, share, code, &symbols);
        for (size_t i = 0; i < share; i++) s.symbol[i] = code[text[i]];
        *bytes = share;
    }
    for (int k = 0; k < out->levels && *bytes && !jd_error(ctx); k++) {
        level l = {0};
        stream up = {0};
        const level_options o =
            options(r, jd_run_setting(r, "text_rate"), 64, 6, 128, (int)jd_run_setting(r, "text_epochs"));
        double bits = 0;
        out->symbols[k] = s.n;
        jd_run_progress(r, k, out->levels, "text, level %d: %zu symbols", k + 1, s.n);
        if (!level_train(ctx, &l, &o, &s, symbols, seed + (uint64_t)k) &&
            !level_send(ctx, &l, &s, &up, NULL, NULL, &bits)) {
            out->bits[k] = bits / (double)share;
            symbols = l.codes;
            stream_free(ctx, &s);
            s = up;
        }
        level_free(ctx, &l);
    }
    out->symbols[out->levels] = s.n;
    stream_free(ctx, &s);
    jd_free(ctx, text);
    return jd_error(ctx);
}
