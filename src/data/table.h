/* table.h - what the readers of numbers (csv.c) and of words (table.c) share. */
#ifndef JD_DATA_TABLE_H
#define JD_DATA_TABLE_H

#include "data/stream.h"

#define JD_LIMIT_COLUMNS 100000u

/* The whole file, plain or gzip-ed, as text without zero bytes; to be given to jd_free. */
char *jd__read_text(jd_ctx *ctx, const char *path, size_t *bytes);
/* Cuts the line at *next off the text (in place, without its end) and moves on; NULL after the last. */
char *jd__cut_line(char **next, char *end);
/* The same, but a field in quotes goes on over the ends of lines; *lines becomes the number of lines. */
char *jd__cut_row(char **next, char *end, size_t *lines);

#endif
