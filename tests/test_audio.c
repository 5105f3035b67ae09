/* The front end against a direct computation with the C library's functions; normalisation; strings of digits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sndfile.h>

#include "data/fft.h"
#include "jackdaw/audio.h"
#include "tmpdir.h"

#define PI 3.14159265358979323846

enum { N = 3000 };

static jd_ctx *ctx;
static float loud[N]; /* a tone at full scale over noise 90 dB below: bands of very different power */

static int setup(void **state)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_rng r = jd_rng_new(1, "audio-test", 0);
    for (int i = 0; i < N; i++)
        loud[i] = (float)(0.9 * sin(2 * PI * 440.0 * i / 8000.0) * (i < 2000) + 3e-5 * jd_rng_normal(&r));
    return ctx ? tmpdir_setup(state) : -1;
}

static int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

static void fft_is_the_dft(void **state)
{
    (void)state;
    for (int n = 4; n <= 1024; n *= 2) {
        jd__fft f = {0};
        double x[1024], power[513], square = 0.0, total = 0.0;
        jd_rng r = jd_rng_new(2, "fft-test", (uint64_t)n);
        for (int i = 0; i < n; i++) {
            x[i] = jd_rng_normal(&r);
            square += x[i] * x[i];
        }
        assert_int_equal(jd__fft_init(ctx, &f, n), JD_OK);
        jd__fft_power(&f, x, power);
        for (int k = 0; k <= n / 2; k++) {
            double re = 0.0, im = 0.0;
            for (int i = 0; i < n; i++) {
                re += x[i] * cos(2 * PI * (i * k % n) / n);
                im -= x[i] * sin(2 * PI * (i * k % n) / n);
            }
            if (fabs(power[k] - re * re - im * im) > 1e-10 * n) fail_msg("length %d, bin %d", n, k);
            total += power[k] * (k == 0 || k == n / 2 ? 1.0 : 2.0);
        }
        assert_true(fabs(total / n - square) < 1e-10 * n); /* Parseval */
        jd__fft_free(ctx, &f);
    }
}

/* What the presets mean, spelt out once more. */
typedef struct meaning {
    const char *name;
    int rate, mels, cepstra, energy; /* energy: 0 last, 1 first */
    double gain, fmin, mel_floor, energy_floor;
    bool magnitude, alone, mean, povey; /* alone: pre-emphasis within the frame */
    int deltas, width;
} meaning;

static double mel_of(double f)
{
    return 2595.0 * log10(1.0 + f / 700.0);
}

/* One frame of the reference: returns the number of features. */
static int reference_frame(const meaning *p, const float *x, int at, double *out)
{
    const int n = p->rate / 40, fft = p->rate == 8000 ? 256 : 512;
    double s[512], t[512], mel[64], energy = 0.0, mean = 0.0;
    for (int i = 0; i < n; i++) mean += p->mean ? p->gain * (double)x[at + i] / n : 0.0;
    for (int i = 0; i < n; i++) s[i] = p->gain * (double)x[at + i] - mean;
    for (int i = 0; i < n; i++) energy += s[i] * s[i];
    const double before = p->alone ? s[0] : at ? p->gain * (double)x[at - 1] - mean : 0.0;
    for (int i = 0; i < n; i++) {
        const double hann = 0.5 - 0.5 * cos(2 * PI * i / (n - 1));
        t[i] = (s[i] - (double)0.97f * (i ? s[i - 1] : before)) * (p->povey ? pow(hann, 0.85) : 0.08 + 0.92 * hann);
    }
    memset(mel, 0, sizeof mel);
    const double low = mel_of(p->fmin), step = (mel_of(p->rate / 2.0) - low) / (p->mels + 1);
    for (int k = 0; k <= fft / 2; k++) {
        double re = 0.0, im = 0.0;
        for (int i = 0; i < n; i++) {
            re += t[i] * cos(2 * PI * (i * k % fft) / fft);
            im += t[i] * sin(2 * PI * (i * k % fft) / fft);
        }
        const double power = re * re + im * im, place = (mel_of((double)k * p->rate / fft) - low) / step;
        for (int m = 0; m < p->mels; m++) {
            const double weight = 1.0 - fabs(place - (m + 1));
            if (weight > 0.0) mel[m] += weight * (p->magnitude ? sqrt(power) : power);
        }
    }
    for (int m = 0; m < p->mels; m++) mel[m] = log(fmax(mel[m], p->mel_floor));
    int w = 0;
    if (p->energy == 1) out[w++] = log(fmax(energy, p->energy_floor));
    for (int m = 0; p->cepstra == 0 && m < p->mels; m++) out[w++] = mel[m];
    for (int i = 1; i <= p->cepstra; i++) {
        double c = 0.0;
        for (int j = 1; j <= p->mels; j++) c += sqrt(2.0 / p->mels) * mel[j - 1] * cos(PI * i * (j - 0.5) / p->mels);
        out[w++] = c * (1.0 + 11.0 * sin(PI * i / 22.0));
    }
    if (p->energy == 0) out[w++] = log(fmax(energy, p->energy_floor));
    return w;
}

static void check_preset(const meaning *p)
{
    static double want[64][160];
    static float got[64 * 160];
    jd_frontend_options o;
    assert_int_equal(jd_frontend_preset(ctx, p->name, p->rate, &o), JD_OK);
    jd_frontend *f = jd_frontend_new(ctx, &o);
    if (!f) fail_msg("%s: %s", p->name, jd_error_message(ctx));
    assert_int_equal(jd_frontend_width(f), p->width);
    const int frame = p->rate / 40, shift = p->rate / 100, frames = 1 + (N - frame) / shift;
    assert_int_equal(jd_frontend_frames(f, N), frames);
    jd_frontend_run(f, loud, N, got);
    int base = 0;
    for (int t = 0; t < frames; t++) base = reference_frame(p, loud, t * shift, want[t]);
    assert_int_equal(base * (1 + p->deltas), p->width);
    for (int d = 0; d < p->deltas; d++)
        for (int t = 0; t < frames; t++)
            for (int c = d * base; c < (d + 1) * base; c++) {
                double sum = 0.0;
                for (int k = 1; k <= 2; k++)
                    sum += k * (want[t + k < frames ? t + k : frames - 1][c] - want[t - k > 0 ? t - k : 0][c]) / 10.0;
                want[t][c + base] = sum;
            }
    for (int t = 0; t < frames; t++)
        for (int c = 0; c < p->width; c++)
            if (fabs(want[t][c] - (double)got[t * p->width + c]) > 1e-4)
                fail_msg("%s at %d Hz: frame %d, feature %d: %g, not %g", p->name, p->rate, t, c,
                         (double)got[t * p->width + c], want[t][c]);
    jd_frontend_free(f);
}

static void presets(void **state)
{
    (void)state;
    static const meaning all[] = {
        {.name = "mfcc39",
         .mels = 26,
         .cepstra = 12,
         .gain = 1,
         .fmin = 20,
         .mel_floor = 1e-10,
         .energy_floor = 1e-10,
         .deltas = 2,
         .width = 39},
        {.name = "graves2005",
         .mels = 26,
         .cepstra = 12,
         .gain = 1,
         .fmin = 20,
         .mel_floor = 1e-10,
         .energy_floor = 1e-10,
         .deltas = 1,
         .width = 26},
        {.name = "graves2013",
         .mels = 40,
         .gain = 1,
         .fmin = 20,
         .mel_floor = 1e-10,
         .energy_floor = 1e-10,
         .deltas = 2,
         .width = 123},
        {.name = "htk",
         .mels = 26,
         .cepstra = 12,
         .gain = 32768,
         .mel_floor = 1,
         .energy_floor = 1,
         .magnitude = true,
         .alone = true,
         .deltas = 2,
         .width = 39},
        {.name = "kaldi",
         .mels = 23,
         .cepstra = 12,
         .energy = 1,
         .gain = 32768,
         .fmin = 20,
         .mel_floor = 1.1920929e-7,
         .energy_floor = 1,
         .alone = true,
         .mean = true,
         .povey = true,
         .width = 13},
    };
    for (int i = 0; i < 5; i++)
        for (int rate = 8000; rate <= 16000; rate += 8000) {
            meaning p = all[i];
            p.rate = rate;
            assert_string_equal(jd_frontend_preset_name(i), p.name);
            check_preset(&p);
        }
    assert_null(jd_frontend_preset_name(5));
    jd_frontend_options o;
    assert_int_equal(jd_frontend_preset(ctx, "kaldy", 8000, &o), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "'kaldi'"));
    jd_error_clear(ctx);
}

static void tone_and_edges(void **state)
{
    (void)state;
    float tone[400], x[40];
    for (int i = 0; i < 400; i++) tone[i] = (float)(0.5 * sin(2 * PI * 1000.0 * i / 16000.0));
    const jd_frontend_options o = {.mels = 40, .fmin = -1.f};
    jd_frontend *f = jd_frontend_new(ctx, &o);
    jd_frontend_run(f, tone, 400, x);
    int peak = 0;
    for (int m = 0; m < 40; m++)
        if (x[m] > x[peak]) peak = m;
    const double step = mel_of(8000.0) / 41.0;
    assert_true(fabs((peak + 1) * step - mel_of(1000.0)) <= 0.5 * step + 5.0);

    assert_int_equal(jd_frontend_frames(f, 0), 0);
    assert_int_equal(jd_frontend_frames(f, 1), 1);
    assert_int_equal(jd_frontend_frames(f, 400), 1);
    assert_int_equal(jd_frontend_frames(f, 559), 1);
    assert_int_equal(jd_frontend_frames(f, 560), 2);
    const float silence[3] = {0.f};
    jd_frontend_run(f, silence, 3, x);
    for (int m = 0; m < 40; m++)
        assert_true(fabsf(x[m] - (float)log(1e-10)) < 1e-4f); /* the floor, not minus infinity */
    jd_frontend_free(f);
}

static void wrong_options(void **state)
{
    (void)state;
    const jd_frontend_options bad[] = {{.rate = 10},    {.fft = 300},  {.fft = 256},         {.mels = 1},
                                       {.cepstra = 26}, {.deltas = 3}, {.fmin = 9000.f},     {.fmax = 9000.f},
                                       {.mels = 500},   {.gain = NAN}, {.frame_ms = 5000.f}, {.shift_ms = 0.001f}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (jd_frontend_new(ctx, &bad[i])) fail_msg("options %zu are taken", i);
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        jd_error_clear(ctx);
    }
}

static void normalisation(void **state)
{
    (void)state;
    enum { T = 500 };
    static float x[T * 3];
    jd_rng r = jd_rng_new(4, "norm-test", 0);
    for (int t = 0; t < T; t++) {
        x[3 * t] = (float)(5000.0 + 0.5 * jd_rng_normal(&r)); /* a large mean: squares alone would cancel */
        x[3 * t + 1] = 7.f;
        x[3 * t + 2] = (float)(-2.0 + 3.0 * jd_rng_normal(&r));
    }
    double sum[3] = {0}, square[3] = {0};
    jd_norm *n = jd_norm_new(ctx, 3), *m = jd_norm_new(ctx, 3);
    jd_norm_add(n, x, 200);
    jd_norm_add(n, x + 600, T - 200);
    float mean[3], std[3], y[3], z[3];
    jd_norm_get(n, mean, std);
    jd_norm_set(m, mean, std);
    for (int t = 0; t < T; t++) {
        memcpy(y, x + 3 * t, sizeof y);
        memcpy(z, y, sizeof z);
        jd_norm_apply(n, y, 1);
        jd_norm_apply(m, z, 1);
        assert_memory_equal(y, z, sizeof y);
        for (int c = 0; c < 3; c++) sum[c] += (double)y[c] / T, square[c] += (double)y[c] * (double)y[c] / T;
    }
    for (int c = 0; c < 3; c++) {
        assert_true(fabs(sum[c]) < 1e-3);
        assert_true(fabs(square[c] - (c == 1 ? 0.0 : 1.0)) < 1e-3);
    }
    jd_norm_free(n);
    jd_norm_free(m);
}

/* Recordings that can be told apart: digit d of speaker s is a constant of its own. */
static float tone_of[20][400];
static char *speaker_names[2] = {(char *)"a", (char *)"b"};
static jd_utterance items[20];
static const jd_speech voices = {
    .rate = 8000, .count = 20, .items = items, .speakers = 2, .speaker_names = speaker_names};

static void make_voices(void)
{
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 400; k++) tone_of[i][k] = 0.01f * (float)(i + 1);
        items[i] =
            (jd_utterance){.digit = i % 10, .speaker = i / 10, .count = (size_t)(200 + 10 * i), .samples = tone_of[i]};
    }
}

static void digit_strings(void **state)
{
    (void)state;
    make_voices();
    int lengths[8] = {0};
    for (uint64_t i = 0; i < 300; i++) {
        jd_digits s = {0}, again = {0}, clean = {0};
        assert_int_equal(jd_digits_make(ctx, &voices, NULL, 7, i, &s), JD_OK);
        jd_digits_make(ctx, &voices, NULL, 7, i, &again);
        jd_digits_make(ctx, &voices, &(jd_digits_options){.no_noise = true}, 7, i, &clean);
        assert_in_range(s.count, 3, 7);
        lengths[s.count]++;
        assert_int_equal(again.samples_count, s.samples_count);
        assert_memory_equal(again.samples, s.samples, s.samples_count * sizeof(float));
        assert_int_equal(clean.samples_count, s.samples_count);
        double signal = 0.0, noise = 0.0;
        size_t at = 0;
        for (size_t k = 0; k < s.samples_count; k++) {
            signal += pow((double)clean.samples[k], 2);
            noise += pow((double)(s.samples[k] - clean.samples[k]), 2);
        }
        const double snr = 10.0 * log10(signal / noise);
        if (fabs(snr - 20.0) > 1.0) fail_msg("signal to noise %g dB", snr);
        for (int d = 0; d < s.count; d++) { /* runs of a constant, gaps of zero between them */
            size_t gap = 0, run = 0;
            while (clean.samples[at] == 0.f) at++, gap++;
            const float level = clean.samples[at];
            while (at < clean.samples_count && clean.samples[at] == level) at++, run++;
            assert_true(gap <= 1200);
            assert_true((run - 200) % 10 == 0 && run < 400);
            const int item = (int)(run - 200) / 10;
            assert_int_equal(s.labels[d], item % 10);
            const double db = 20.0 * log10((double)level / (0.01 * (item + 1)));
            assert_true(fabs(db) < 6.01);
        }
        assert_int_equal(at, clean.samples_count);
        jd_digits_free(ctx, &s);
        jd_digits_free(ctx, &again);
        jd_digits_free(ctx, &clean);
    }
    for (int k = 3; k <= 7; k++) assert_in_range(lengths[k], 35, 90);
}

static void one_voice(void **state)
{
    (void)state;
    make_voices();
    const jd_digits_options o = {
        .least = 5, .most = 5, .gap_ms = -1.f, .gain_db = -1.f, .no_noise = true, .one_speaker = true};
    int mixed = 0, second = 0;
    for (uint64_t i = 0; i < 50; i++) {
        jd_digits s = {0};
        assert_int_equal(jd_digits_make(ctx, &voices, &o, 1, i, &s), JD_OK);
        int low = 0, high = 0;
        for (size_t k = 0; k < s.samples_count; k++) s.samples[k] > 0.105f ? high++ : low++;
        mixed += low && high;
        second += high > 0;
        jd_digits_free(ctx, &s);
    }
    assert_int_equal(mixed, 0);
    assert_in_range(second, 10, 40);
    jd_digits s = {0};
    assert_int_equal(jd_digits_make(ctx, &voices, &(jd_digits_options){.least = 5, .most = 40}, 1, 0, &s), JD_EUSAGE);
    jd_error_clear(ctx);
}

/* A recording in pieces of any length gives the frames of the whole, as many as are announced. */
static void pieces(void **state)
{
    (void)state;
    static const struct {
        const char *preset;
        float shift_ms;
        int window;
    } ways[] = {{"mfcc39", 0, 0}, {"graves2005", 0, 3}, {"graves2013", 25, 1}, {"htk", 40, 2}, {"kaldi", 0.125f, 0}};
    static const size_t lengths[] = {0, 1, 199, 200, 201, 280, 700, N};
    static float whole[N * 13], got[N * 13];
    for (size_t i = 0; i < sizeof ways / sizeof *ways * (sizeof lengths / sizeof *lengths); i++) {
        const size_t way = i / 8, n = lengths[i % 8];
        jd_frontend_options o;
        assert_int_equal(jd_frontend_preset(ctx, ways[way].preset, 8000, &o), JD_OK);
        if (ways[way].shift_ms > 0) o.shift_ms = ways[way].shift_ms;
        if (ways[way].window) o.delta_window = ways[way].window;
        jd_frontend *f = jd_frontend_new(ctx, &o);
        assert_non_null(f);
        const size_t W = (size_t)jd_frontend_width(f), frames = jd_frontend_frames(f, n);
        const size_t late = (size_t)(o.deltas * (o.delta_window ? o.delta_window : 2));
        assert_true(frames * W <= sizeof whole / sizeof *whole);
        jd_frontend_feed(f, loud, 150, got); /* a recording that is given up */
        jd_frontend_run(f, loud, n, whole);
        for (size_t piece = 1; piece < 2000; piece = piece * 3 + 5) {
            size_t done = 0;
            for (size_t at = 0, take; at < n; at += take) {
                take = piece < n - at ? piece : n - at;
                const size_t ready = jd_frontend_ready(f, take);
                assert_int_equal(jd_frontend_feed(f, loud + at, take, got + done * W), ready);
                done += ready;
            }
            assert_true(frames - done <= (late ? late : 1));
            done += jd_frontend_end(f, got + done * W);
            assert_int_equal(done, frames);
            assert_memory_equal(got, whole, frames * W * sizeof *got);
            memset(got, 0, sizeof got);
        }
        jd_frontend_free(f);
    }
}

/* What an ear hears is what its parts give by hand. */
static void ears(void **state)
{
    (void)state;
    enum { W = 39, SKIP = 2, PRIOR = 40 };
    float mean[W], factor[W], x[N];
    for (int d = 0; d < W; d++) mean[d] = 0.1f * (float)d - 1, factor[d] = 1 / (1 + 0.05f * (float)d);
    jd_ear *e = jd_ear_new(ctx, &(jd_ear_options){.preset = "mfcc39",
                                                  .rate = 8000,
                                                  .mel_floor = 1e-3f,
                                                  .energy_floor = 1e-4f,
                                                  .level = 0.1f,
                                                  .skip = SKIP,
                                                  .prior = PRIOR,
                                                  .mean = mean,
                                                  .factor = factor});
    assert_non_null(e);
    assert_int_equal(jd_ear_width(e), W);
    const size_t steps = jd_ear_hear(e, loud, N, 8000, 0);
    jd_frontend_options o;
    assert_int_equal(jd_frontend_preset(ctx, "mfcc39", 8000, &o), JD_OK);
    o.mel_floor = 1e-3f;
    o.energy_floor = 1e-4f;
    jd_frontend *f = jd_frontend_new(ctx, &o);
    const size_t frames = jd_frontend_frames(f, N);
    float *y = calloc(frames * W, sizeof *y);
    memcpy(x, loud, sizeof x);
    jd_sound_level(x, N, 0.1f);
    double power = 0;
    for (int i = 0; i < N; i++) power += (double)x[i] * (double)x[i];
    assert_true(fabs(sqrt(power / N) - 0.1) < 1e-6);
    jd_frontend_run(f, x, N, y);
    assert_int_equal(steps, (frames + SKIP - 1) / SKIP);
    for (int d = 0; d < W; d++) {
        double sum = 0;
        for (size_t t = 0; t < frames; t++) sum += (double)y[t * W + (size_t)d];
        for (size_t t = 0; t < steps; t++) {
            const double want =
                ((double)y[t * SKIP * W + (size_t)d] - sum / (double)(frames + PRIOR) - (double)mean[d]) *
                (double)factor[d];
            assert_true(fabs((double)jd_ear_steps(e)[t * W + (size_t)d] - want) < 1e-4);
        }
    }
    assert_int_equal(jd_ear_hear(e, loud, N, 8000, 1), frames / SKIP);
    free(y);
    jd_frontend_free(f);
    jd_ear_free(e);
    static const jd_ear_options bad[] = {
        {.preset = "mfcc39"}, {.preset = "mfcc93", .rate = 8000}, {.preset = "mfcc39", .rate = 8000, .skip = -1}};
    for (int i = 0; i < 3; i++) {
        assert_null(jd_ear_new(ctx, &bad[i]));
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        jd_error_clear(ctx);
    }
}

/* Tones below half of both rates stay; those above go. */
static void resampling(void **state)
{
    (void)state;
    static const int rates[][2] = {{16000, 8000}, {8000, 16000}, {44100, 8000}, {8000, 11025}, {48000, 16000}};
    for (int k = 0; k < 5; k++)
        for (int high = 0; high < 2; high++) {
            const int from = rates[k][0], to = rates[k][1];
            if (high && to >= from) continue;
            const size_t n = (size_t)from / 4, m = jd_sound_resampled(n, from, to);
            const double hz = high ? 0.72 * to : 440;
            float *in = calloc(n, sizeof *in), *out = calloc(m, sizeof *out);
            for (size_t i = 0; i < n; i++) in[i] = (float)sin(2 * PI * hz * (double)i / from);
            jd_sound_resample(in, n, from, to, out);
            const size_t edge = (size_t)(20 * (to > from ? (double)to / from : 1)) + 1;
            for (size_t i = edge; i + edge < m; i++) {
                const double want = high ? 0 : sin(2 * PI * hz * (double)i / to);
                assert_true(fabs((double)out[i] - want) < (high ? 5e-3 : 2e-3));
            }
            free(in);
            free(out);
        }
}

/* A tone that was packed sounds as it did; its file cut off is told from a shorter one by its first frame. */
static void mp3(void **state)
{
    (void)state;
    SF_INFO info = {.samplerate = 16000, .channels = 2, .format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    static float x[2 * 8000];
    const char *path = tmpdir_file("tone.snd");
    if (!sf_format_check(&info)) skip();
    for (int i = 0; i < 8000; i++) x[2 * i] = 2 * (x[2 * i + 1] = 0.25f * sinf(0.2f * (float)i));
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    assert_int_equal(sf_writef_float(f, x, 8000), 8000);
    sf_close(f);
    jd_sound s = {0};
    if (jd_read_sound(ctx, path, &s) == JD_EABSENT) {
        assert_non_null(strstr(jd_error_message(ctx), "libmpg123-dev"));
        jd_error_clear(ctx);
        return;
    }
    assert_int_equal(jd_error(ctx), JD_OK);
    assert_int_equal(s.rate, 16000);
    assert_int_equal(s.count, 8000);
    double error = 0;
    for (int i = 0; i < 8000; i++) error += fabs((double)s.samples[i] - 0.75 * (double)x[2 * i]) / 8000;
    assert_true(error < 0.01);
    jd_sound_free(ctx, &s);
    size_t bytes;
    uint8_t *file = jd_read_file(ctx, path, 1 << 20, &bytes);
    tmpdir_write(path, file, bytes / 2);
    jd_free(ctx, file);
    assert_int_equal(jd_read_sound(ctx, path, &s), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "its first frame declares 8"));
    jd_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),        cmocka_unit_test(ears),           cmocka_unit_test(mp3),
        cmocka_unit_test(mp3),           cmocka_unit_test(resampling),     cmocka_unit_test(fft_is_the_dft),
        cmocka_unit_test(presets),       cmocka_unit_test(tone_and_edges), cmocka_unit_test(wrong_options),
        cmocka_unit_test(normalisation), cmocka_unit_test(digit_strings),  cmocka_unit_test(one_voice),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
