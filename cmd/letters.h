/* letters.h - texts as labels: the letters of an alphabet, characters of UTF-8 one behind the other in a string. */
#ifndef JD_CMD_LETTERS_H
#define JD_CMD_LETTERS_H

#include "model.h"

/* The different characters of n texts, by their bytes, for jd_free; *count of them.  Errors: JD_EDATA (no UTF-8, or more than
 * 256). */
char *letters_alphabet(jd_ctx *ctx, const char *const *text, size_t n, int *count);
/* Characters in a text. */
size_t letters_count(const char *text);
/* The labels of a text's characters, -1 for one that is not in the alphabet; returns how many. */
size_t letters_of(const char *alphabet, const char *text, int32_t *out);
/* Labels as a text; for jd_free. */
char *letters_text(jd_ctx *ctx, const char *alphabet, const int32_t *label, size_t n);

/* The labels of s->text, by o->alphabet or, where that is NULL, by the alphabet of the texts; samples too short for their text
 * are an error, or with o->skip taken out. */
jd_status letters_label(jd_ctx *ctx, const char *name, const samples_options *o, samples *s);

#endif
