/* sound_mpeg.h (internal) - MPEG audio (MP3) in memory; see jd_read_sound. */
#ifndef JD_DATA_SOUND_MPEG_H
#define JD_DATA_SOUND_MPEG_H

#include "jackdaw/data.h"

/* Whether a frame of MPEG audio begins there, or the tag before the first. */
bool jd__is_mpeg(const uint8_t *p, size_t bytes);
/* The channels averaged to one.  Errors: JD_EDATA; JD_EABSENT where the build has no libmpg123. */
jd_status jd__read_mpeg(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, jd_sound *out);

#endif
