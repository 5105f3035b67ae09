/*
 * vocabulary.h - texts as words, and words as numbers.
 *
 * Words are small letters, digits and what joins them (well-known, 3.5); an apostrophe ends a word and belongs to it (l' homme,
 * don' t); every other mark is a word of its own.
 *
 *     vocabulary *all = vocabulary_new(ctx), *v;
 *     vocabulary_count(all, text);                          // of every line
 *     v = vocabulary_pick(all, SEQ2SEQ_WORDS, 6000, 2);     // the 6000 most frequent that are there twice
 *     size_t n = vocabulary_encode(v, "Two young men.", words, 100);
 */
#ifndef VOCABULARY_H
#define VOCABULARY_H

#include "jackdaw/base.h"

typedef struct vocabulary vocabulary;

/* Empty.  NULL: out of memory. */
vocabulary *vocabulary_new(jd_ctx *ctx);
void vocabulary_free(vocabulary *v);

/* The next word of a text: at most `room` - 1 bytes of it into `word`, in small letters; returns where to go on, or NULL at
 * the end.  `word` is UTF-8 where the text is. */
const char *vocabulary_word(const char *text, char *word, size_t room);

/* Counts the words of a text; their numbers go by their first places. */
jd_status vocabulary_count(vocabulary *v, const char *text);
/* Adds a word as it is, once more: its number; -1: out of memory. */
int32_t vocabulary_add(vocabulary *v, const char *word);
/* A new one of the words that are there `least` times or more, the most frequent first, of equals the one met first, `most` at
 * most; they are numbered from `first` on. */
vocabulary *vocabulary_pick(const vocabulary *v, int32_t first, size_t most, size_t least);

size_t vocabulary_size(const vocabulary *v);                      /* words */
int32_t vocabulary_find(const vocabulary *v, const char *word);   /* its number, or -1 */
const char *vocabulary_text(const vocabulary *v, int32_t number); /* "?" where there is none */
/* Words of a text as numbers, 0 where one is unknown, `room` at most; returns how many. */
size_t vocabulary_encode(const vocabulary *v, const char *text, int32_t *word, size_t room);
/* Words with blanks between them where they need some; for jd_free. */
char *vocabulary_decode(jd_ctx *ctx, const vocabulary *v, const int32_t *word, size_t n);

/* All words, with blanks between them, for a model's file (for jd_free); and back. */
char *vocabulary_list(jd_ctx *ctx, const vocabulary *v);
vocabulary *vocabulary_read(jd_ctx *ctx, const char *list, int32_t first);

#endif
