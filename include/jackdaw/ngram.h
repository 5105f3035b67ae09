/*
 * ngram.h - n-gram language models with back-off: estimated from text, read from and written to ARPA files.
 *
 *     jd_ngram *m = jd_ngram_estimate(ctx, text, strlen(text), 3);     // a sentence a line, words with blanks between
 *     jd_arpa_write(m, "digits.arpa");
 *     uint32_t state = jd_ngram_start(m);                              // after <s>
 *     for (int i = 0; i < n; i++) ln_p += jd_ngram_step(m, state, jd_ngram_id(m, word[i]), &state);
 *     ln_p += jd_ngram_end(m, state);
 *
 * A model of characters or phones is the same thing: write their names as words.  A model does not change once made, and
 * any number of threads may ask it.
 *
 * p(w | h) is the model's entry for the sequence h w where there is one; otherwise bow(h) p(w | h without its first
 * word), where bow is 1 for a history that has no entry (Katz 1987; the file format is that of the Doug Paul / SRI tools).
 */
#ifndef JACKDAW_NGRAM_H
#define JACKDAW_NGRAM_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { JD_NGRAM_ORDER = 8 }; /* the longest n */

typedef struct jd_ngram jd_ngram;

/* Interpolated Witten-Bell estimates (Witten, Bell 1991; Chen, Goodman 1998, section 2.4), for n = 1 .. order:
 *     p(w|h) = (c(h w) + t(h) p(w|h')) / (c(h) + t(h)),   bow(h) = t(h) / (c(h) + t(h))
 * c: counts, t(h): how many different words were seen after h, h': h without its first word.  Below the single words
 * stands the uniform distribution over the vocabulary with <unk> and </s>.  After every history the probabilities of all
 * words sum to 1.  `text`: a sentence a line (<s> and </s> are put around it), words separated by blanks or tabs; empty
 * lines are passed over.  A word <unk> counts as the unknown word.
 * Errors: JD_EUSAGE (order), JD_EDATA (no word at all, <s> or </s> inside a line, a zero byte; names the line). */
JD_API jd_ngram *jd_ngram_estimate(jd_ctx *ctx, const char *text, size_t bytes, int order);

/* An ARPA file, plain or gzip-ed.  Lines before \data\ and after \end\ are passed over.  Errors: JD_ENOINPUT; JD_EDATA names
 * file and line: counts that disagree, a sequence twice or without its beginning, a word that is no single word of the
 * model, a probability above 1, a number that is none, an order over JD_NGRAM_ORDER.  A logarithm of -infinity is taken as
 * -99, the custom for words that are never said. */
JD_API jd_ngram *jd_arpa_read(jd_ctx *ctx, const char *path);
/* Numbers are written so that reading gives the same bits.  Errors: JD_EIO. */
JD_API jd_status jd_arpa_write(const jd_ngram *m, const char *path);
JD_API void jd_ngram_free(jd_ngram *m);

JD_API int jd_ngram_order(const jd_ngram *m);
/* How many sequences of n words the model has an entry for; n = 1: the vocabulary, <s>, </s> and <unk> included. */
JD_API size_t jd_ngram_count(const jd_ngram *m, int n);
/* The number of a word, or -1.  Words are numbered from 0 in the order of the file, or of their first use. */
JD_API int32_t jd_ngram_id(const jd_ngram *m, const char *word);
JD_API const char *jd_ngram_word(const jd_ngram *m, int32_t id); /* NULL: no such word */

/* States stand for histories: 0 is the empty one. */
JD_API uint32_t jd_ngram_start(const jd_ngram *m); /* after <s>; 0 where the model has no <s> */
/* ln p(word | state), at most 0, and in *next the state after it.  -1 is the unknown word: the probability of <unk>, or
 * -infinity where the model has none. */
JD_API double jd_ngram_step(const jd_ngram *m, uint32_t state, int32_t word, uint32_t *next);
/* ln p(</s> | state); 0 where the model has no </s>. */
JD_API double jd_ngram_end(const jd_ngram *m, uint32_t state);

/* exp(-mean ln p) over the words and sentence ends of a text like that of jd_ngram_estimate; negative on error. */
JD_API double jd_ngram_perplexity(const jd_ngram *m, const char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
