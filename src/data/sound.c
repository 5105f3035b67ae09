#include "base/ctx.h"
#include "data/sound_mpeg.h"
#include "data/stream.h"

#include <errno.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

#include "base/given.h"

/* The file in memory as libsndfile sees it: so it never guesses a format from a name, and the file is read once. */
typedef struct memory_file {
    const uint8_t *data;
    sf_count_t size, at;
} memory_file;

static sf_count_t mem_size(void *user)
{
    return ((memory_file *)user)->size;
}
static sf_count_t mem_tell(void *user)
{
    return ((memory_file *)user)->at;
}

static sf_count_t mem_seek(sf_count_t offset, int whence, void *user)
{
    memory_file *m = user;
    sf_count_t base = whence == SEEK_CUR ? m->at : whence == SEEK_END ? m->size : 0, to;
    if (__builtin_add_overflow(base, offset, &to) || to < 0) return -1;
    m->at = to;
    return to;
}

static sf_count_t mem_read(void *dst, sf_count_t n, void *user)
{
    memory_file *m = user;
    if (n <= 0 || m->at >= m->size) return 0;
    if (n > m->size - m->at) n = m->size - m->at;
    memcpy(dst, m->data + m->at, (size_t)n);
    m->at += n;
    return n;
}

static uint32_t u32_at(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* libsndfile shortens a cut-off WAV or AIFF file in silence: walk over its chunks, up to that of the samples, and say so. */
static jd_status check_chunks(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, bool big,
                              const char *samples)
{
    size_t at = 12;
    while (at + 8 <= bytes) {
        const uint32_t size = u32_at(p + at + 4, big);
        const bool data = memcmp(p + at, samples, 4) == 0;
        if (size > bytes - at - 8)
            return jd_fail(ctx, JD_EDATA,
                           "%s: byte %zu: chunk '%.4s' declares %u bytes, the file has %zu left; it is cut off, "
                           "fetch it again",
                           path, at, data ? samples : "????", size, bytes - at - 8);
        if (data) return JD_OK;
        at += 8 + (size_t)size + (size & 1);
    }
    return jd_fail(ctx, JD_EDATA, "%s: byte %zu: no chunk '%s' with the samples; the file is cut off, fetch it again",
                   path, at, samples);
}

/* Sun's format: where the samples begin, and how many bytes they are, all bits set where that was not known. */
static jd_status check_au(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes)
{
    const uint32_t at = u32_at(p + 4, true), size = u32_at(p + 8, true);
    if (at <= bytes && (size == UINT32_MAX || size <= bytes - at)) return JD_OK;
    return jd_fail(ctx, JD_EDATA,
                   "%s: byte 8: %u bytes of samples from byte %u on, the file has %zu; it is cut off, "
                   "fetch it again",
                   path, size, at, bytes);
}

/* What other programs call sound, and is not read: 4 bytes and where they stand. */
static const char *other_kind(const uint8_t *p, size_t bytes)
{
    static const struct {
        const char *head, *what;
        int at;
    } other[] = {{"ftyp", "an MPEG-4 file (m4a, AAC)", 4},
                 {"RF64", "a WAV file of more than 4 GB (RF64)", 0},
                 {"riff", "a Wave64 file", 0},
                 {"caff", "a Core Audio file", 0},
                 {"\x30\x26\xb2\x75", "a Windows Media file", 0},
                 {"#!AM", "an AMR file", 0},
                 {"\x1a\x45\xdf\xa3", "a Matroska or WebM file", 0},
                 {"ajkg", "a file packed by shorten", 0}};
    for (size_t i = 0; bytes >= 12 && i < sizeof other / sizeof *other; i++)
        if (!memcmp(p + other[i].at, other[i].head, 4)) return other[i].what;
    return NULL;
}

static jd_status check_kind(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes)
{
    const char *other = other_kind(p, bytes);
    if (bytes >= 12 && !memcmp(p + 8, "WAVE", 4) && (!memcmp(p, "RIFF", 4) || !memcmp(p, "RIFX", 4)))
        return check_chunks(ctx, path, p, bytes, p[3] == 'X', "data");
    if (bytes >= 12 && !memcmp(p, "FORM", 4) && (!memcmp(p + 8, "AIFF", 4) || !memcmp(p + 8, "AIFC", 4)))
        return check_chunks(ctx, path, p, bytes, true, "SSND");
    if (bytes >= 24 && !memcmp(p, ".snd", 4)) return check_au(ctx, path, p, bytes);
    if (bytes >= 4 && memcmp(p, "fLaC", 4) == 0) return JD_OK;
    if (bytes >= 8 && memcmp(p, "NIST_1A\n", 8) == 0) return JD_OK;
    if (bytes >= 4 && memcmp(p, "OggS", 4) == 0) return JD_OK; /* Vorbis, Opus or FLAC within */
    return jd_fail(
        ctx, JD_EDATA,
        "%s: byte 0: %s; WAV, AIFF, AU, FLAC, Ogg, MP3 and NIST files are read, and `ffmpeg -i FILE FILE.wav` "
        "makes one of most others",
        path, other ? other : "no sound that is known begins here");
}

/* Reads all frames block by block (a declared length is not believed) and averages the channels. */
static jd_status read_frames(jd_ctx *ctx, const char *path, SNDFILE *f, const SF_INFO *info, jd_sound *out)
{
    enum { BLOCK = 8192 };
    const size_t ch = (size_t)info->channels;
    float *block = jd_alloc_array(ctx, BLOCK * ch, sizeof(float));
    size_t room = BLOCK;
    float *x = block ? jd_alloc_array(ctx, room, sizeof(float)) : NULL;
    size_t count = 0;
    while (x) {
        const sf_count_t got = sf_readf_float(f, block, BLOCK);
        if (got <= 0) break;
        if (count + (size_t)got > JD_LIMIT_SOUND) {
            jd_fail(ctx, JD_EDATA, "%s: more than %u samples; cut the recording into pieces", path, JD_LIMIT_SOUND);
            break;
        }
        if (count + (size_t)got > room) {
            float *larger = jd_realloc(ctx, x, room * sizeof *x, 2 * room * sizeof *x);
            if (!larger) break;
            x = larger;
            room *= 2;
        }
        for (size_t i = 0; i < (size_t)got; i++) {
            float sum = 0.f;
            for (size_t c = 0; c < ch; c++) sum += block[i * ch + c];
            x[count + i] = ch == 1 ? sum : sum / (float)ch;
        }
        count += (size_t)got;
    }
    jd_free(ctx, block);
    if (!jd_error(ctx) && sf_error(f)) {
        jd__library_failed(ctx, path, "libsndfile");
        jd_fail(ctx, JD_EDATA, "%s: after sample %zu: libsndfile: %s; fetch the file again", path, count,
                sf_strerror(f));
    }
    if (!jd_error(ctx) && info->frames < SF_COUNT_MAX && (uint64_t)info->frames != count)
        jd_fail(ctx, JD_EDATA, "%s: %zu samples, but the header declares %lld; the file is cut off, fetch it again",
                path, count, (long long)info->frames);
    if (jd_error(ctx)) {
        jd_free(ctx, x);
        return jd_error(ctx);
    }
    *out = (jd_sound){.rate = info->samplerate, .count = count, .samples = x};
    return JD_OK;
}

jd_status jd_read_sound(jd_ctx *ctx, const char *path, jd_sound *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    size_t bytes;
    uint8_t *data = jd_read_file(ctx, path, (size_t)1 << 30, &bytes);
    if (!data) return jd_error(ctx);
    const bool mpeg = jd__is_mpeg(data, bytes);
    jd_status st = mpeg ? jd__read_mpeg(ctx, path, data, bytes, out) : check_kind(ctx, path, data, bytes);
    if (st == JD_OK && !mpeg) {
        memory_file m = {.data = data, .size = (sf_count_t)bytes};
        SF_VIRTUAL_IO io = {.get_filelen = mem_size, .seek = mem_seek, .read = mem_read, .tell = mem_tell};
        SF_INFO info = {0};
        errno = 0;
        SNDFILE *f = sf_open_virtual(&io, SFM_READ, &info, &m);
        if (!f) {
            jd__library_failed(ctx, path, "libsndfile");
            st = jd_fail(ctx, JD_EDATA, "%s: libsndfile, at byte %lld: %s; fetch the file again or convert it", path,
                         (long long)m.at, sf_strerror(NULL));
        } else if (info.channels < 1 || info.channels > 64 || info.samplerate < 1 || info.samplerate > 768000)
            st = jd_fail(ctx, JD_EDATA, "%s: header: %d channels at %d Hz; 1 to 64 channels, at most 768000 Hz", path,
                         info.channels, info.samplerate);
        else
            st = read_frames(ctx, path, f, &info, out);
        if (f) sf_close(f);
    }
    jd_free(ctx, data);
    return st;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

jd_status jd_write_wav(jd_ctx *ctx, const char *path, const jd_sound *sound)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "sound", sound)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if (sound->count > JD_LIMIT_SOUND || sound->rate < 1 || (sound->count && !sound->samples))
        return jd_fail(ctx, JD_EUSAGE, "%s: %zu samples at %d Hz; at most %u samples", path, sound->count, sound->rate,
                       JD_LIMIT_SOUND);
    const uint32_t data = (uint32_t)(2 * sound->count), rate = (uint32_t)sound->rate;
    uint8_t *p = jd_alloc(ctx, 44 + (size_t)data);
    if (!p) return JD_ENOMEM;
    static const uint8_t fmt[16] = {'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0, 0, 0, 1, 0, 1, 0}; /* PCM, mono */
    memcpy(p, "RIFF", 4);
    put32(p + 4, 36 + data);
    memcpy(p + 8, fmt, 16);
    put32(p + 24, rate);
    put32(p + 28, 2 * rate);
    p[32] = 2;
    p[34] = 16;
    memcpy(p + 36, "data", 4);
    put32(p + 40, data);
    for (size_t i = 0; i < sound->count; i++) {
        float v = sound->samples[i] * 32768.f;
        v = v < -32768.f ? -32768.f : v > 32767.f ? 32767.f : v == v ? v : 0.f;
        const int q = (int)(v < 0 ? v - 0.5f : v + 0.5f);
        p[44 + 2 * i] = (uint8_t)(q & 255);
        p[45 + 2 * i] = (uint8_t)((q >> 8) & 255);
    }
    const jd_status st = jd_write_file(ctx, path, p, 44 + (size_t)data);
    jd_free(ctx, p);
    return st;
}

void jd_sound_free(jd_ctx *ctx, jd_sound *sound)
{
    if (!sound) return;
    jd_free(ctx, sound->samples);
    *sound = (jd_sound){0};
}
