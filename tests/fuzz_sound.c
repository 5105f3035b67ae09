/* fuzz_sound.c - the sound reader: WAV, FLAC and others through libsndfile, MP3 through libmpg123. */
#include <sndfile.h>

#include "fuzz.h"
#include "jackdaw/data.h"

static const char *const WORDS[] = {"RIFF",
                                    "RIFX",
                                    "WAVE",
                                    "fmt ",
                                    "data",
                                    "LIST",
                                    "FORM",
                                    "AIFFCOMM",
                                    "SSND",
                                    ".snd",
                                    "ID3",
                                    "\xff\xfb\x90\x44",
                                    "Info",
                                    "fLaC",
                                    "NIST_1A\n   1024\n",
                                    "sample_count -i 10\n",
                                    "channel_count -i 2\n",
                                    "sample_coding -s3 pcm\n",
                                    "sample_n_bytes -i 2\n",
                                    "end_head\n",
                                    NULL};

static void write_as(jd_ctx *ctx, int format, int channels)
{
    float x[120];
    for (int i = 0; i < 120; i++) x[i] = (float)(i * 37 % 200 - 100) / 128.f;
    SF_INFO info = {.samplerate = 8000, .channels = channels, .format = format};
    const char *path = fuzz_scratch("seed");
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    fuzz_check(f && sf_write_float(f, x, 120) == 120, "a seed cannot be written");
    sf_close(f);
    fuzz_seed_file(ctx, path);
}

static void seeds(jd_ctx *ctx)
{
    write_as(ctx, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1);
    write_as(ctx, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 2);
    write_as(ctx, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1);
    write_as(ctx, SF_FORMAT_NIST | SF_FORMAT_PCM_16, 1);
    write_as(ctx, SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 1);
    write_as(ctx, SF_FORMAT_AU | SF_FORMAT_PCM_16, 2);
    SF_INFO mp3 = {.samplerate = 8000, .channels = 1, .format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    if (sf_format_check(&mp3)) write_as(ctx, mp3.format, 1);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_sound s = {0};
    const jd_status status = jd_read_sound(ctx, fuzz_file(data, bytes), &s);
    fuzz_check((s.samples == NULL) == (status != JD_OK), "samples and an error, or neither");
    fuzz_touch(s.samples, s.count * sizeof *s.samples);
    jd_sound_free(ctx, &s);
    return status;
}

const fuzz_format fuzz_this = {
    .name = "sound", .inputs = 5000, .longest = 2048, .seeds = seeds, .read = read_input, .words = WORDS};
