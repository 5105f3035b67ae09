/*
 * events.h - the encoding of TensorBoard records, apart from files and clocks.
 */
#ifndef JD_IO_EVENTS_H
#define JD_IO_EVENTS_H

#include "io/bytes.h"

/* Appends one record: length, checksum, data, checksum. */
void jd__event_record(jd_buffer *b, const void *data, size_t bytes);
/* Appends whole records. */
void jd__event_version(jd_buffer *b, double wall_time);
void jd__event_scalar(jd_buffer *b, double wall_time, int64_t step, const char *tag, float value);
void jd__event_image(jd_buffer *b, double wall_time, int64_t step, const char *tag, int height, int width, int channels,
                     const void *png, size_t png_bytes);

uint32_t jd__masked_crc32c(const void *data, size_t bytes);

#endif
