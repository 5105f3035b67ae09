/* inspect.h - the parts of `jackdaw inspect`. */
#ifndef JD_CMD_INSPECT_H
#define JD_CMD_INSPECT_H

#include "cli.h"

/* Says what is in a file that begins with the n bytes b (of which the last is followed by a zero byte) if it is a text that is
 * known or a MIDI file; false where it is neither. */
bool inspect_text(jd_ctx *ctx, const char *path, const unsigned char *b, size_t n, bool json);
/* The same for numbers with blanks between them, or LIBSVM's rows. */
bool inspect_table(jd_ctx *ctx, const char *path, bool json);

#endif
