/*
 * pickle.h (internal) - what Python's pickle writes, as values: numbers, texts, lists, dictionaries, NumPy arrays of numbers.
 *
 * Nothing is run: a call of anything but NumPy's own constructors of arrays makes a value that is none of these.  Of the format
 * (Python's pickletools.py) the codes that protocols 0 to 5 write for such values are read, and others are refused.
 */
#ifndef JD_IO_PICKLE_H
#define JD_IO_PICKLE_H

#include "jackdaw/base.h"

typedef struct jd__pickle jd__pickle;

/* Texts and arrays point into `data`, which must live as long.  NULL and JD_EDATA with the byte for what is no such file. */
jd__pickle *jd__pickle_read(jd_ctx *ctx, const char *name, const uint8_t *data, size_t bytes);
void jd__pickle_free(jd__pickle *p);

/* Values are numbers; -1 is none.  The whole; the value of a dictionary's key; members of a list or tuple and how many. */
int64_t jd__pickle_root(const jd__pickle *p);
int64_t jd__pickle_get(const jd__pickle *p, int64_t dictionary, const char *key);
size_t jd__pickle_count(const jd__pickle *p, int64_t list);
/* The numbers of a list of whole numbers, at most n of them; false where it is no such list. */
bool jd__pickle_numbers(const jd__pickle *p, int64_t list, int64_t *out, size_t n);
/* The bytes of an array of uint8 in C order, its shape in dim (rank <= 4); NULL where it is no such array. */
const uint8_t *jd__pickle_bytes(const jd__pickle *p, int64_t array, int *rank, int64_t dim[4]);

#endif
