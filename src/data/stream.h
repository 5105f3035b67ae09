/*
 * stream.h - reads a file forward, inflating it on the way if it is gzip-ed.
 *
 * Deflate cannot honestly expand by more than about 1,032 to 1; a stream that passes JD_LIMIT_RATIO is refused, and
 * `jd__stream_bound` tells how much a file could still hold, before anything is allocated for it.
 */
#ifndef JD_DATA_STREAM_H
#define JD_DATA_STREAM_H

#include "jackdaw/data.h"

#define JD_LIMIT_RATIO  1100u
#define JD_LIMIT_DIM    2147483647u
#define JD_LIMIT_PIXELS (1u << 26)
#define JD_LIMIT_SOUND  (1u << 27)

typedef struct jd__stream jd__stream;

/* Errors: JD_ENOINPUT (absent, or not a regular file), JD_ENOMEM. */
jd__stream *jd__stream_open(jd_ctx *ctx, const char *path);
void jd__stream_close(jd__stream *s);
/* Up to n bytes into dst; *got < n only at the end.  Errors: JD_EDATA (broken gzip), JD_EIO. */
jd_status jd__stream_read(jd__stream *s, void *dst, size_t n, size_t *got);
/* The most bytes that the whole file can hold after inflating. */
uint64_t jd__stream_bound(const jd__stream *s);
/* JD_OK when no byte is left; else JD_EDATA. */
jd_status jd__stream_end(jd__stream *s);

#endif
