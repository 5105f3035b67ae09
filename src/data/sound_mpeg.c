/*
 * sound_mpeg.c - MPEG audio (MP3) through libmpg123, where the build found it.
 *
 * Not through libsndfile, which has it too: there, libmpg123 prints what it thinks of damaged files.  Its portable decoder is
 * asked for, so that the samples do not depend on the processor.
 */
#include "data/sound_mpeg.h"

#include <errno.h>
#include <string.h>

#include "base/ctx.h"
#include "data/stream.h"

bool jd__is_mpeg(const uint8_t *p, size_t bytes)
{
    if (bytes >= 10 && memcmp(p, "ID3", 3) == 0) return true;
    return bytes >= 4 && p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x18) != 0x08 && (p[1] & 0x06) &&
           (p[2] & 0xf0) != 0xf0 && (p[2] & 0x0c) != 0x0c;
}

#ifdef JD_HAVE_MPG123
#include <mpg123.h>

enum { PIECE = 1 << 15 };

typedef struct mpeg {
    jd_ctx *ctx;
    const char *path;
    const uint8_t *p;
    size_t bytes;
    mpg123_handle *h;
    int channels;
    size_t room;
    jd_sound sound;
} mpeg;

static jd_status wrong(mpeg *m, const char *what)
{
    jd__library_failed(m->ctx, m->path, "libmpg123");
    return jd_fail(m->ctx, JD_EDATA, "%s: after sample %zu: %s; fetch the file again or convert it", m->path,
                   m->sound.count, what);
}

static jd_status new_format(mpeg *m)
{
    long rate = 0;
    int channels = 0, encoding = 0;
    if (mpg123_getformat(m->h, &rate, &channels, &encoding) != MPG123_OK || encoding != MPG123_ENC_FLOAT_32 ||
        channels < 1 || channels > 2 || rate < 1 || rate > 768000)
        return wrong(m, "libmpg123 tells no format");
    if (m->sound.rate && m->sound.rate != rate) return wrong(m, "another rate than before");
    m->sound.rate = (int)rate;
    m->channels = channels;
    return JD_OK;
}

static jd_status add(mpeg *m, const float *x, size_t frames)
{
    jd_sound *s = &m->sound;
    if (s->count + frames > JD_LIMIT_SOUND)
        return jd_fail(m->ctx, JD_EDATA, "%s: more than %u samples; cut the recording into pieces", m->path,
                       JD_LIMIT_SOUND);
    if (s->count + frames > m->room) {
        const size_t more = 2 * (s->count + frames);
        float *larger = jd_realloc(m->ctx, s->samples, m->room * sizeof *larger, more * sizeof *larger);
        if (!larger) return jd_error(m->ctx);
        s->samples = larger;
        m->room = more;
    }
    for (size_t i = 0; i < frames; i++)
        s->samples[s->count + i] = m->channels == 1 ? x[i] : (x[2 * i] + x[2 * i + 1]) / 2;
    s->count += frames;
    return JD_OK;
}

static jd_status decode(mpeg *m, float *piece)
{
    size_t fed = 0;
    for (;;) {
        size_t got = 0;
        const int said = mpg123_read(m->h, piece, PIECE * sizeof *piece, &got);
        if (got && add(m, piece, got / sizeof *piece / (size_t)m->channels)) return jd_error(m->ctx);
        if (said == MPG123_NEW_FORMAT) {
            if (new_format(m)) return jd_error(m->ctx);
        } else if (said == MPG123_NEED_MORE) {
            if (fed == m->bytes) return JD_OK;
            const size_t n = m->bytes - fed < 4 * PIECE ? m->bytes - fed : 4 * PIECE;
            if (mpg123_feed(m->h, m->p + fed, n) != MPG123_OK) return wrong(m, mpg123_strerror(m->h));
            fed += n;
        } else if (said == MPG123_DONE) {
            return JD_OK;
        } else if (said != MPG123_OK) {
            return wrong(m, mpg123_strerror(m->h));
        }
    }
}

/* What a first frame without sound (Xing's, LAME's "Info") says of the length. */
static jd_status check_length(mpeg *m)
{
    const off_t declared = mpg123_length(m->h);
    if (!m->sound.count) return wrong(m, "no frame of MPEG audio");
    if (declared <= 0 || (uint64_t)declared <= m->sound.count) return JD_OK;
    return jd_fail(m->ctx, JD_EDATA,
                   "%s: %zu samples, but its first frame declares %lld; it is cut off, fetch it again", m->path,
                   m->sound.count, (long long)declared);
}

/* Silent from the start, without an index of frames, which only seeking needs; portable where that is built in. */
static mpg123_handle *open_decoder(void)
{
    int said = mpg123_init();
    mpg123_pars *pars = said ? NULL : mpg123_new_pars(&said);
    if (!pars) return NULL;
    mpg123_par(pars, MPG123_ADD_FLAGS, MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_NO_FRANKENSTEIN, 0);
    mpg123_par(pars, MPG123_INDEX_SIZE, 0, 0);
    mpg123_handle *h = mpg123_parnew(pars, "generic", &said);
    if (!h && said == MPG123_BAD_DECODER) h = mpg123_parnew(pars, NULL, &said);
    mpg123_delete_pars(pars);
    return h;
}

jd_status jd__read_mpeg(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, jd_sound *out)
{
    errno = 0;
    mpeg m = {.ctx = ctx, .path = path, .p = p, .bytes = bytes};
    m.h = open_decoder();
    float *piece = m.h ? jd_alloc_array(ctx, PIECE, sizeof *piece) : NULL;
    if (!m.h)
        jd_fail(ctx, JD_ENOMEM, "%s: libmpg123 makes no decoder; free some memory", path);
    else if (piece) {
        if (mpg123_open_feed(m.h) != MPG123_OK)
            wrong(&m, mpg123_strerror(m.h));
        else if (!decode(&m, piece))
            check_length(&m);
    }
    if (!jd_error(ctx)) jd__library_failed(ctx, path, "libmpg123");
    if (m.h) mpg123_delete(m.h);
    jd_free(ctx, piece);
    if (jd_error(ctx))
        jd_sound_free(ctx, &m.sound);
    else
        *out = m.sound;
    return jd_error(ctx);
}

#else

jd_status jd__read_mpeg(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, jd_sound *out)
{
    (void)p, (void)bytes, (void)out;
    return jd_fail(
        ctx, JD_EABSENT,
        "%s is an MP3 file, and this build has no libmpg123; install libmpg123-dev and build again, or convert "
        "it: ffmpeg -i FILE FILE.wav",
        path);
}

#endif
