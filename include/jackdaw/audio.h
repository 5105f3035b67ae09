/*
 * audio.h - from a waveform to the feature vectors that recognisers read.
 *
 *     samples -> frames -> (remove mean) -> pre-emphasis -> window -> |FFT| -> mel filters -> log -> (DCT, lifter)
 *             -> + log energy -> + differences in time
 *
 * All sums are in float64, with sine, logarithm and FFT from basic operations: the same features on every machine.
 *
 *     jd_frontend_options o;
 *     jd_frontend_preset(ctx, "mfcc39", 8000, &o);
 *     jd_frontend *f = jd_frontend_new(ctx, &o);                       // one for each thread that works
 *     float *x = jd_alloc_array(ctx, jd_frontend_frames(f, n) * 39, sizeof(float));
 *     jd_frontend_run(f, samples, n, x);                               // x (T,39)
 */
#ifndef JACKDAW_AUDIO_H
#define JACKDAW_AUDIO_H

#include "jackdaw/data.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum jd_window { JD_WINDOW_HAMMING, JD_WINDOW_POVEY, JD_WINDOW_HANN, JD_WINDOW_RECTANGLE } jd_window;
typedef enum jd_energy {
    JD_ENERGY_NONE,
    JD_ENERGY_LAST, /* log energy after the other features (HTK's _E) */
    JD_ENERGY_FIRST /* log energy in the place of C0 (Kaldi) */
} jd_energy;

/* Fields left 0 take the value named as the default. */
typedef struct jd_frontend_options {
    int rate;               /* samples a second; default 16000 */
    float frame_ms;         /* length of a frame; default 25 */
    float shift_ms;         /* from frame to frame; default 10 */
    int fft;                /* a power of two; default the next that holds a frame (512 at 16 kHz, 256 at 8 kHz) */
    jd_window window;       /* default Hamming */
    float preemphasis;      /* s[n] - p s[n-1]; default 0.97, below 0: none */
    bool frame_preemphasis; /* a frame's first sample has itself as predecessor (HTK, Kaldi), not the signal's */
    bool remove_mean;       /* of each frame, before all else */
    float gain;         /* samples are multiplied by it; 32768 for programs that think in 16-bit numbers; default 1 */
    bool magnitude;     /* filters weigh |X|; default |X|^2 */
    int mels;           /* triangular filters, equal in mel(f) = 2595 log10(1 + f/700); default 26 */
    float fmin;         /* lower edge in Hz; default 20, below 0: 0 Hz */
    float fmax;         /* upper edge in Hz; default half the rate */
    float mel_floor;    /* least filter output before the log; default 1e-10 */
    int cepstra;        /* cosine transform C1..Cn; 0: the log filter outputs themselves */
    float lifter;       /* C_i (1 + L/2 sin(pi i/L)); default 22, below 0: none */
    jd_energy energy;   /* log of the frame's sum of squares, before pre-emphasis and window */
    float energy_floor; /* least energy before the log; default 1e-10 */
    int deltas;         /* 0, 1 (differences) or 2 (and theirs); edges replicated */
    int delta_window;   /* D_t = sum_k k (c[t+k] - c[t-k]) / (2 sum_k k^2), k = 1..window; default 2 */
} jd_frontend_options;

/* Fills in a preset for the given rate.  An unknown name: JD_EUSAGE with the nearest one.
 *   "mfcc39"      12 MFCC + log energy, and both differences                       39
 *   "graves2005"  12 MFCC + log energy, and differences                            26   (Graves et al. 2005, 2006)
 *   "graves2013"  40 log filter outputs + log energy, and both differences        123   (ICASSP 2013)
 *   "htk"         as the HTK book's tutorial: magnitudes, 26 filters, MFCC_E_D_A   39
 *   "kaldi"       as compute-mfcc-feats without dither: povey window, 23 filters   13 */
JD_API jd_status jd_frontend_preset(jd_ctx *ctx, const char *name, int rate, jd_frontend_options *out);
/* Name i of the presets; NULL after the last. */
JD_API const char *jd_frontend_preset_name(int i);

typedef struct jd_frontend jd_frontend;

/* Errors: JD_EUSAGE names the option and its limits. */
JD_API jd_frontend *jd_frontend_new(jd_ctx *ctx, const jd_frontend_options *o);
JD_API void jd_frontend_free(jd_frontend *f);
/* Features of one frame. */
JD_API int jd_frontend_width(const jd_frontend *f);
/* Frames of `samples` samples: 1 + (samples - frame)/shift; a signal shorter than a frame is one frame, padded with 0. */
JD_API size_t jd_frontend_frames(const jd_frontend *f, size_t samples);
/* out (frames, width).  One front end serves one thread at a time. */
JD_API void jd_frontend_run(jd_frontend *f, const float *samples, size_t count, float *out);

/* ---- as the sound arrives --------------------------------------------------------------------------------------------
 * The same frames, bit for bit, however the recording is cut into pieces:
 *
 *     float x[jd_frontend_ready(f, n) * 39];
 *     size_t T = jd_frontend_feed(f, piece, n, x);          // x (T,39), for jd_stream_feed (stream.h)
 *
 * Differences look ahead, so that frames come `deltas` x `delta_window` frames after their sound. */
/* Frames that feeding so many more samples will give. */
JD_API size_t jd_frontend_ready(const jd_frontend *f, size_t count);
JD_API size_t jd_frontend_feed(jd_frontend *f, const float *samples, size_t count, float *out);
/* The frames that were still waited for, at most `deltas` x `delta_window`, or the only one of a recording shorter than a frame;
 * the next piece begins another recording.  jd_frontend_run gives up a recording that has begun. */
JD_API size_t jd_frontend_end(jd_frontend *f, float *out);

/* ---- normalisation --------------------------------------------------------------------------------------------------
 * Mean and standard deviation of each dimension, to be fitted on the training set only. */

typedef struct jd_norm jd_norm;

JD_API jd_norm *jd_norm_new(jd_ctx *ctx, int width);
JD_API void jd_norm_free(jd_norm *n);
/* Takes x (frames, width) into the statistics. */
JD_API void jd_norm_add(jd_norm *n, const float *x, size_t frames);
/* x = (x - mean) / std in place; a dimension that never varied is only shifted. */
JD_API void jd_norm_apply(const jd_norm *n, float *x, size_t frames);
/* The statistics, for a model file: mean and std (width). */
JD_API void jd_norm_get(const jd_norm *n, float *mean, float *std);
JD_API void jd_norm_set(jd_norm *n, const float *mean, const float *std);

/* ---- ears ------------------------------------------------------------------------------------------------------------
 * All that is done to a recording before a recogniser reads it, so that a product hears what the training heard:
 *     resampling -> loudness -> front end -> less the recording's own mean -> every `skip`-th frame -> normalisation
 *
 *     jd_ear *e = jd_ear_new(ctx, &(jd_ear_options){.preset = "mfcc39", .rate = 8000, .level = 0.1f, .skip = 2});
 *     size_t T = jd_ear_hear(e, sound.samples, sound.count, sound.rate, 0);                 // jd_ear_steps(e): (T,39)
 * One ear serves one thread at a time. */
typedef struct jd_ear_options {
    const char *preset;                      /* of the front end */
    int rate;                                /* that the front end hears; other recordings are resampled to it */
    float shift_ms, mel_floor, energy_floor; /* where not 0, instead of the preset's */
    float level;                             /* root of the mean square that recordings are scaled to; 0: as they are */
    int skip;                                /* default 1: every frame */
    int prior; /* of the recording's own mean the share frames / (frames + prior) is taken off; below 0: nothing is */
    const float *mean, *factor; /* (width): x becomes (x - mean) factor; NULL: as it is.  They are copied */
} jd_ear_options;
typedef struct jd_ear jd_ear;
JD_API jd_ear *jd_ear_new(jd_ctx *ctx, const jd_ear_options *o);
JD_API void jd_ear_free(jd_ear *e);
JD_API int jd_ear_width(const jd_ear *e);
/* Steps that the recording gives, the first at frame `first`; 0 and an error when there is nothing to hear. */
JD_API size_t jd_ear_hear(jd_ear *e, const float *samples, size_t count, int rate, size_t first);
JD_API const float *jd_ear_steps(const jd_ear *e); /* (T,width) of the last call */

/* Scales to a root of the mean square; silence stays silence. */
JD_API void jd_sound_level(float *x, size_t n, float rms);
/* Another sampling rate: out (jd_sound_resampled(count, from, to)).  A sinc of the lower rate's bandwidth, 16 zero crossings
 * to either side, under a Hann window. */
JD_API size_t jd_sound_resampled(size_t count, int from, int to);
JD_API void jd_sound_resample(const float *in, size_t count, int from, int to, float *out);

/* ---- connected digits ------------------------------------------------------------------------------------------------
 * Strings of spoken digits built from single recordings, as a free stand-in for TIDIGITS. */

typedef struct jd_digits_options {
    int least, most; /* digits of a string, uniform; default 3..7 (at most 32) */
    float gap_ms;    /* silence between two digits, uniform in 0..gap; default 150, below 0: none */
    float gain_db;   /* each digit's loudness, uniform in +-gain; default 6, below 0: none */
    float snr_db;    /* white noise against the string's mean power; default 20 */
    bool no_noise;
    bool one_speaker; /* all digits of a string from one voice; default: each from any */
} jd_digits_options;

typedef struct jd_digits {
    int count;
    int32_t labels[32];
    size_t samples_count;
    float *samples;
} jd_digits;

/* String `index` under `seed`, out of the recordings of `speech` (one split of it): a function of those alone.
 *     jd_digits s = { 0 };
 *     jd_digits_make(ctx, &train, NULL, seed, i, &s);   ...   jd_digits_free(ctx, &s); */
JD_API jd_status jd_digits_make(jd_ctx *ctx, const jd_speech *speech, const jd_digits_options *o, uint64_t seed,
                                uint64_t index, jd_digits *out);
JD_API void jd_digits_free(jd_ctx *ctx, jd_digits *digits);

#ifdef __cplusplus
}
#endif
#endif
