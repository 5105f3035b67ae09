/* classes.h - classes that have names: a list in one string with | between, as "class-names" of a model's configuration. */
#ifndef JD_CMD_CLASSES_H
#define JD_CMD_CLASSES_H

#include "cli.h"

/* The name of class k, at most size-1 bytes of it; its number where the list is empty, NULL or shorter. */
const char *class_name(const char *names, int k, char *buffer, size_t size);
/* How many; 0 of NULL. */
int class_count(const char *names);
/* The class called `word`; -1 where there is none. */
int class_find(const char *names, const char *word);
/* The different ones of n words, numbers by their size before words by their letters; for jd_free.  Errors: JD_EDATA. */
char *class_list(jd_ctx *ctx, const char *path, const char *const *word, size_t n, int *classes);
/* "a, b, c and 4 more" for messages, into buffer. */
const char *class_some(const char *names, char *buffer, size_t size);

#endif
