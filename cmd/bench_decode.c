/*
 * bench_decode.c - CTC decoders.  A step decodes 10 s of speech: 1,000 frames of 10 ms, 60 symbols and the blank, a
 * symbol about every 80 ms.  The outputs are drawn: 5 is added to the right output's logit over normal noise of deviation
 * 1.5 (`clear`, about what a trained network gives), or nothing is (`noise`, the worst case: no output stands out).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { FRAMES = 1000, SYMBOLS = 60, OUTPUTS = SYMBOLS + 1, WORDS = 1000 };

typedef struct decoding {
    jd_ngram *model;
    jd_lexicon *lexicon;
    int32_t symbol[OUTPUTS];
    int width;
} decoding;

static void free_decoding(bench_job *j)
{
    decoding *d = j->state;
    jd_ngram_free(d->model);
    jd_lexicon_free(d->lexicon);
    free(d);
}

static jd_status beam_step(bench_job *j)
{
    const decoding *d = j->state;
    jd_nbest found = {0};
    const jd_beam_options o = {.blank = 0, .width = (size_t)d->width, .model = d->model, .symbol = d->symbol};
    jd_ctc_beam(j->ctx, j->memory[0], OUTPUTS, FRAMES, OUTPUTS, &o, &found);
    jd_nbest_free(j->ctx, &found);
    return jd_error(j->ctx);
}

static jd_status words_step(bench_job *j)
{
    const decoding *d = j->state;
    jd_words found = {0};
    const jd_words_options o = {.blank = 0, .lexicon = d->lexicon, .model = d->model};
    jd_ctc_words(j->ctx, j->memory[0], OUTPUTS, FRAMES, OUTPUTS, &o, &found);
    jd_words_free(j->ctx, &found);
    return jd_error(j->ctx);
}

static void outputs(bench_job *j, float peak)
{
    float *x = bench_random(j, (size_t)FRAMES * OUTPUTS, 0, 1);
    jd_rng r = jd_rng_new(1, "bench decode", 0);
    int symbol = 0;
    for (int t = 0; x && t < FRAMES; t++) {
        if (t % 8 == 0) symbol = 1 + (int)jd_rng_below(&r, SYMBOLS);
        for (int k = 0; k < OUTPUTS; k++) x[t * OUTPUTS + k] = 1.5f * (float)jd_rng_normal(&r);
        x[t * OUTPUTS + (t % 8 < 2 ? symbol : 0)] += peak;
    }
}

/* An n-gram model of `names` random words, each followed by a few others most of the time. */
static jd_ngram *random_model(bench_job *j, int names, int order)
{
    const int tokens = 40000;
    char *text = malloc((size_t)tokens * 8), *at = text;
    jd_rng r = jd_rng_new(2, "bench decode", 0);
    int now = 0;
    for (int i = 0; text && i < tokens; i++) {
        now =
            jd_rng_below(&r, 4) ? (now * 5 + (int)jd_rng_below(&r, 9)) % names : (int)jd_rng_below(&r, (uint32_t)names);
        at += sprintf(at, "w%d%s", now, i % 40 == 39 ? "\n" : " ");
    }
    jd_ngram *m = text ? jd_ngram_estimate(j->ctx, text, (size_t)(at - text), order) : NULL;
    free(text);
    return m;
}

/* a width, b the order of a language model or 0, c 1: outputs are noise. */
static jd_status make_beam(const bench_workload *w, bench_job *j)
{
    outputs(j, w->c ? 0 : 5);
    decoding *d = calloc(1, sizeof *d);
    if (!d) return JD_ENOMEM;
    j->state = d;
    j->close = free_decoding;
    d->width = w->a;
    d->model = w->b ? random_model(j, SYMBOLS, w->b) : NULL;
    for (int k = 0; d->model && k < OUTPUTS; k++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", k - 1);
        d->symbol[k] = jd_ngram_id(d->model, name);
    }
    j->step = beam_step;
    return beam_step(j);
}

/* 1,000 words of 3 to 10 labels, bigrams. */
static jd_status make_words(const bench_workload *w, bench_job *j)
{
    (void)w;
    outputs(j, 5);
    decoding *d = calloc(1, sizeof *d);
    int32_t *labels = malloc(WORDS * 10 * sizeof *labels);
    jd_lexicon_word *word = calloc(WORDS, sizeof *word);
    char(*name)[16] = calloc(WORDS, sizeof *name);
    j->state = d;
    if (d) j->close = free_decoding;
    if (d && labels && word && name) {
        jd_rng r = jd_rng_new(3, "bench decode", 0);
        for (int i = 0; i < WORDS; i++) {
            snprintf(name[i], sizeof name[i], "w%d", i);
            word[i] = (jd_lexicon_word){name[i], labels + i * 10, 3 + jd_rng_below(&r, 8)};
            for (int k = 0; k < 10; k++) labels[i * 10 + k] = 1 + (int32_t)jd_rng_below(&r, SYMBOLS);
        }
        d->lexicon = jd_lexicon_new(j->ctx, word, WORDS);
        d->model = random_model(j, WORDS, 2);
    }
    free(labels);
    free(word);
    free(name);
    j->step = words_step;
    return d && d->lexicon && d->model ? words_step(j) : JD_ENOMEM;
}

const bench_workload bench_decode[] = {
    {"beam_w100_3gram", "prefix beam search of 10 s of speech, width 100, trigrams of 60 symbols", make_beam, 100, 3, 0,
     0},
    {"beam_w100_noise", "the same where no output stands out", make_beam, 100, 3, 1, 0},
    {"beam_w100", "without a language model", make_beam, 100, 0, 0, 0},
    {"words_1000", "token passing over 10 s of speech, 1,000 words and their bigrams", make_words, 0, 0, 0, 0},
    {0},
};
