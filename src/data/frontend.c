/* The chain from samples to features; equations and sources in audio.h. */
#include "base/dmath.h"
#include "data/fft.h"
#include "jackdaw/audio.h"

#include <math.h>
#include <string.h>

#include "base/given.h"

struct jd_frontend {
    jd_ctx *ctx;
    jd_frontend_options o; /* with the defaults filled in */
    int frame, shift;      /* samples */
    int base;              /* features before the differences */
    jd__fft fft;
    double *window;    /* (frame) */
    double *samples;   /* (fft) */
    double *power;     /* (fft/2+1) */
    int *first, *last; /* (mels): the bins of each filter, last excluded */
    double *weight;    /* (mels, fft/2+1) */
    double *mel;       /* (mels) */
    double *cosine;    /* (cepstra, mels), lifter and scale included */
    float *heard;      /* (1 + frame): the sample before the next frame, and what there is of it */
    size_t held, skip; /* samples of the frame; samples to pass over before it */
    size_t count;      /* frames of this recording so far */
    float *row;        /* (rows, width): the latest frames, of which the last ones lack differences */
};

/* mel(f) = 2595 log10(1 + f/700). */
static double mel_of(double hz)
{
    return 2595.0 / 2.302585092994045684 * jd__log64(1.0 + hz / 700.0);
}

static void fill_defaults(jd_frontend_options *o)
{
    if (o->rate == 0) o->rate = 16000;
    if (o->frame_ms == 0.f) o->frame_ms = 25.f;
    if (o->shift_ms == 0.f) o->shift_ms = 10.f;
    if (o->preemphasis == 0.f) o->preemphasis = 0.97f;
    if (o->gain == 0.f) o->gain = 1.f;
    if (o->mels == 0) o->mels = 26;
    if (o->fmin == 0.f) o->fmin = 20.f;
    if (o->fmax == 0.f) o->fmax = 0.5f * (float)o->rate;
    if (o->mel_floor == 0.f) o->mel_floor = 1e-10f;
    if (o->lifter == 0.f) o->lifter = 22.f;
    if (o->energy_floor == 0.f) o->energy_floor = 1e-10f;
    if (o->delta_window == 0) o->delta_window = 2;
    if (o->preemphasis < 0.f) o->preemphasis = 0.f;
    if (o->fmin < 0.f) o->fmin = 0.f;
    if (o->lifter < 0.f) o->lifter = 0.f;
}

static int samples_of(int rate, float ms)
{
    return (int)(0.001 * (double)ms * rate + 0.5);
}

static bool power_of_two(int n)
{
    return n > 0 && (n & (n - 1)) == 0;
}

static jd_status check(jd_ctx *ctx, jd_frontend_options *o)
{
    const char *bad = NULL;
    if (o->rate < 1000 || o->rate > 192000)
        bad = "rate: 1000 to 192000 Hz";
    else if (!(o->frame_ms > 0.f && o->frame_ms <= 1000.f))
        bad = "frame_ms: up to 1000";
    else if (!(o->shift_ms > 0.f && o->shift_ms <= 1000.f))
        bad = "shift_ms: up to 1000";
    else if (samples_of(o->rate, o->frame_ms) < 4 || samples_of(o->rate, o->frame_ms) > 32768)
        bad = "frame_ms: 4 to 32768 samples";
    else if (samples_of(o->rate, o->shift_ms) < 1)
        bad = "shift_ms: at least one sample";
    else if (!(o->preemphasis <= 1.f))
        bad = "preemphasis: at most 1";
    else if (!(o->gain > 0.f && o->gain <= 1e6f))
        bad = "gain: above 0, up to 1e6";
    else if (o->mels < 2 || o->mels > 512)
        bad = "mels: 2 to 512";
    else if (!(o->fmax > o->fmin && o->fmax <= 0.5f * (float)o->rate))
        bad = "fmin, fmax: 0 <= fmin < fmax <= rate/2";
    else if (!(o->mel_floor >= 1e-30f && o->energy_floor >= 1e-30f))
        bad = "mel_floor, energy_floor: at least 1e-30";
    else if (o->cepstra < 0 || o->cepstra > o->mels - 1)
        bad = "cepstra: 0 to mels - 1";
    else if (o->deltas < 0 || o->deltas > 2 || o->delta_window < 1 || o->delta_window > 16)
        bad = "deltas: 0 to 2; delta_window: 1 to 16";
    else if ((unsigned)o->window > JD_WINDOW_RECTANGLE)
        bad = "window: no such window";
    else if ((unsigned)o->energy > JD_ENERGY_FIRST)
        bad = "energy: none, last or first";
    if (bad) return jd_fail(ctx, JD_EUSAGE, "jd_frontend_new: %s", bad);
    const int frame = samples_of(o->rate, o->frame_ms);
    if (o->fft == 0)
        for (o->fft = 4; o->fft < frame;) o->fft *= 2;
    if (!power_of_two(o->fft) || o->fft < frame || o->fft > 65536)
        return jd_fail(ctx, JD_EUSAGE, "jd_frontend_new: fft: %d; a power of two, at least the %d samples of a frame",
                       o->fft, frame);
    return JD_OK;
}

static void make_window(double *w, int n, jd_window kind)
{
    for (int i = 0; i < n; i++) {
        double s, c;
        jd_sincos(2.0 * JD_PI * i / (n - 1), &s, &c);
        const double hann = 0.5 - 0.5 * c;
        w[i] = kind == JD_WINDOW_HAMMING ? 0.54 - 0.46 * c : kind == JD_WINDOW_RECTANGLE ? 1.0 : hann;
        if (kind == JD_WINDOW_POVEY) w[i] = hann > 1e-300 ? jd__exp64(0.85 * jd__log64(hann)) : 0.0;
    }
}

/* Triangles on the mel axis, each from its left neighbour's centre to its right neighbour's. */
static jd_status make_filters(jd_frontend *f)
{
    const int bins = f->o.fft / 2 + 1, mels = f->o.mels;
    const double low = mel_of((double)f->o.fmin), step = (mel_of((double)f->o.fmax) - low) / (mels + 1);
    for (int m = 0; m < mels; m++) {
        const double left = low + m * step, centre = left + step, right = centre + step;
        for (int k = 0; k < bins; k++) {
            const double mel = mel_of((double)k * f->o.rate / f->o.fft);
            if (mel <= left || mel >= right) continue;
            if (f->last[m] == 0) f->first[m] = k;
            f->last[m] = k + 1;
            f->weight[m * bins + k] = mel <= centre ? (mel - left) / step : (right - mel) / step;
        }
        if (f->last[m] == 0)
            return jd_fail(f->ctx, JD_EUSAGE,
                           "jd_frontend_new: filter %d of %d lies between two bins of the FFT of %d; take fewer mels "
                           "or a larger fft",
                           m + 1, mels, f->o.fft);
    }
    return JD_OK;
}

static void make_cosines(jd_frontend *f)
{
    const int mels = f->o.mels;
    for (int i = 1; i <= f->o.cepstra; i++) {
        double s, c, lift = 1.0;
        if (f->o.lifter > 0.f) {
            jd_sincos(JD_PI * i / (double)f->o.lifter, &s, &c);
            lift = 1.0 + 0.5 * (double)f->o.lifter * s;
        }
        for (int j = 0; j < mels; j++) {
            jd_sincos(JD_PI * i * (j + 0.5) / mels, &s, &c);
            f->cosine[(i - 1) * mels + j] = sqrt(2.0 / mels) * c * lift;
        }
    }
}

/* Frames that the differences of one frame need: `delta_window` to either side, and so many more for differences of these. */
static size_t rows(const jd_frontend *f)
{
    return (size_t)((f->o.deltas + 1) * f->o.delta_window + 1);
}

jd_frontend *jd_frontend_new(jd_ctx *ctx, const jd_frontend_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx)) return NULL;
    jd_frontend_options full = *o;
    fill_defaults(&full);
    if (check(ctx, &full)) return NULL;
    jd_frontend *f = jd_alloc(ctx, sizeof *f);
    if (!f) return NULL;
    f->ctx = ctx;
    f->o = full;
    f->frame = samples_of(full.rate, full.frame_ms);
    f->shift = samples_of(full.rate, full.shift_ms);
    f->base = (full.cepstra ? full.cepstra : full.mels) + (full.energy != JD_ENERGY_NONE);
    const size_t bins = (size_t)full.fft / 2 + 1, mels = (size_t)full.mels;
    jd__fft_init(ctx, &f->fft, full.fft);
    f->window = jd_alloc_array(ctx, (size_t)f->frame, sizeof(double));
    f->samples = jd_alloc_array(ctx, (size_t)full.fft, sizeof(double));
    f->power = jd_alloc_array(ctx, bins, sizeof(double));
    f->first = jd_alloc_array(ctx, mels, sizeof(int));
    f->last = jd_alloc_array(ctx, mels, sizeof(int));
    f->weight = jd_alloc_array(ctx, mels * bins, sizeof(double));
    f->mel = jd_alloc_array(ctx, mels, sizeof(double));
    f->cosine = jd_alloc_array(ctx, mels * mels, sizeof(double));
    f->heard = jd_alloc_array(ctx, (size_t)f->frame + 1, sizeof(float));
    f->row = jd_alloc_array(ctx, rows(f) * (size_t)jd_frontend_width(f), sizeof(float));
    if (!jd_error(ctx) && make_filters(f) == JD_OK) {
        make_window(f->window, f->frame, full.window);
        make_cosines(f);
    }
    if (jd_error(ctx)) {
        jd_frontend_free(f);
        return NULL;
    }
    return f;
}

void jd_frontend_free(jd_frontend *f)
{
    if (!f) return;
    jd__fft_free(f->ctx, &f->fft);
    jd_free(f->ctx, f->window);
    jd_free(f->ctx, f->samples);
    jd_free(f->ctx, f->power);
    jd_free(f->ctx, f->first);
    jd_free(f->ctx, f->last);
    jd_free(f->ctx, f->weight);
    jd_free(f->ctx, f->mel);
    jd_free(f->ctx, f->cosine);
    jd_free(f->ctx, f->heard);
    jd_free(f->ctx, f->row);
    jd_free(f->ctx, f);
}

int jd_frontend_width(const jd_frontend *f)
{
    if (!f) return 0;
    return f->base * (1 + f->o.deltas);
}

size_t jd_frontend_frames(const jd_frontend *f, size_t samples)
{
    if (!f) return 0;
    if (samples < (size_t)f->frame) return samples > 0;
    return 1 + (samples - (size_t)f->frame) / (size_t)f->shift;
}

/* The windowed frame of the samples heard, zeros behind them, into f->samples; returns its log energy. */
static double take_frame(jd_frontend *f)
{
    const int n = f->frame;
    const float *x = f->heard + 1;
    const double gain = (double)f->o.gain, p = (double)f->o.preemphasis;
    double *s = f->samples, energy = 0.0, mean = 0.0;
    memset(s, 0, (size_t)f->o.fft * sizeof *s);
    for (size_t i = 0; i < f->held; i++) s[i] = gain * (double)x[i];
    if (f->o.remove_mean) {
        for (int i = 0; i < n; i++) mean += s[i];
        mean /= n;
        for (int i = 0; i < n; i++) s[i] -= mean;
    }
    for (int i = 0; i < n; i++) energy += s[i] * s[i];
    const double before = f->o.frame_preemphasis ? s[0] : f->count ? gain * (double)f->heard[0] - mean : 0.0;
    for (int i = n - 1; i > 0; i--) s[i] -= p * s[i - 1];
    s[0] -= p * before;
    for (int i = 0; i < n; i++) s[i] *= f->window[i];
    const double floor = (double)f->o.energy_floor;
    return jd__log64(energy > floor ? energy : floor);
}

/* The features of one frame without differences, into out (base). */
static void one_frame(jd_frontend *f, float *out)
{
    const double energy = take_frame(f);
    const int bins = f->o.fft / 2 + 1, mels = f->o.mels;
    jd__fft_power(&f->fft, f->samples, f->power);
    if (f->o.magnitude)
        for (int k = 0; k < bins; k++) f->power[k] = sqrt(f->power[k]);
    for (int m = 0; m < mels; m++) {
        double sum = 0.0;
        for (int k = f->first[m]; k < f->last[m]; k++) sum += f->weight[m * bins + k] * f->power[k];
        f->mel[m] = jd__log64(sum > (double)f->o.mel_floor ? sum : (double)f->o.mel_floor);
    }
    if (f->o.energy == JD_ENERGY_FIRST) *out++ = (float)energy;
    if (f->o.cepstra == 0)
        for (int m = 0; m < mels; m++) *out++ = (float)f->mel[m];
    for (int i = 0; i < f->o.cepstra; i++) {
        double sum = 0.0;
        for (int m = 0; m < mels; m++) sum += f->cosine[i * mels + m] * f->mel[m];
        *out++ = (float)sum;
    }
    if (f->o.energy == JD_ENERGY_LAST) *out = (float)energy;
}

static float *row(const jd_frontend *f, size_t frame)
{
    return f->row + frame % rows(f) * (size_t)jd_frontend_width(f);
}

/* Of frame t the differences of the features at column `from`, which are known up to frame `last`, into column `from` + base;
 * edges replicated. */
static void differences(const jd_frontend *f, size_t t, size_t last, int from)
{
    const int window = f->o.delta_window, base = f->base;
    double norm = 0.0;
    for (int k = 1; k <= window; k++) norm += 2.0 * k * k;
    for (int c = 0; c < base; c++) {
        double sum = 0.0;
        for (int k = 1; k <= window; k++) {
            const size_t after = t + (size_t)k < last ? t + (size_t)k : last,
                         before = t >= (size_t)k ? t - (size_t)k : 0;
            sum += k * ((double)row(f, after)[from + c] - (double)row(f, before)[from + c]);
        }
        row(f, t)[from + base + c] = (float)(sum / norm);
    }
}

/* What is known once frame `n` is heard, of which `last` is the latest that there is: the differences of the frame one window
 * before it, theirs of the frame another window before, and all of the one before that, into out.  Returns how many that is. */
static size_t complete(jd_frontend *f, size_t n, size_t last, float *out)
{
    const size_t width = (size_t)jd_frontend_width(f), window = (size_t)f->o.delta_window, depth = (size_t)f->o.deltas;
    for (size_t d = 1; d <= depth && n >= d * window; d++)
        if (n - d * window <= last) differences(f, n - d * window, last, (int)(d - 1) * f->base);
    if (n < depth * window) return 0;
    memcpy(out, row(f, n - depth * window), width * sizeof *out);
    return 1;
}

/* Frames that are complete once `samples` samples of a recording have been heard. */
static size_t known(const jd_frontend *f, size_t samples)
{
    const size_t frames = samples < (size_t)f->frame ? 0 : jd_frontend_frames(f, samples);
    const size_t late = (size_t)(f->o.deltas * f->o.delta_window);
    return frames > late ? frames - late : 0;
}

size_t jd_frontend_ready(const jd_frontend *f, size_t count)
{
    if (!f) return 0;
    const size_t heard = f->count * (size_t)f->shift + f->held - f->skip;
    return known(f, heard + count) - known(f, heard);
}

size_t jd_frontend_feed(jd_frontend *f, const float *samples, size_t count, float *out)
{
    if (!f) return 0;
    const size_t frame = (size_t)f->frame, shift = (size_t)f->shift, width = (size_t)jd_frontend_width(f);
    size_t n = 0;
    while (count) {
        if (f->skip) {
            const size_t pass = f->skip < count ? f->skip : count;
            f->heard[0] = samples[pass - 1];
            samples += pass, count -= pass, f->skip -= pass;
            continue;
        }
        const size_t take = frame - f->held < count ? frame - f->held : count;
        memcpy(f->heard + 1 + f->held, samples, take * sizeof *samples);
        samples += take, count -= take, f->held += take;
        if (f->held < frame) break;
        one_frame(f, row(f, f->count));
        n += complete(f, f->count, f->count, out + n * width);
        f->count++;
        f->held = shift < frame ? frame - shift : 0;
        f->skip = shift > frame ? shift - frame : 0;
        f->heard[0] = f->heard[shift < frame ? shift : frame];
        memmove(f->heard + 1, f->heard + 1 + frame - f->held, f->held * sizeof *f->heard);
    }
    return n;
}

size_t jd_frontend_end(jd_frontend *f, float *out)
{
    if (!f) return 0;
    const size_t late = (size_t)(f->o.deltas * f->o.delta_window), width = (size_t)jd_frontend_width(f);
    size_t n = 0;
    if (!f->count && f->held) { /* shorter than a frame */
        one_frame(f, row(f, 0));
        n += complete(f, f->count++, 0, out);
    }
    for (size_t s = 0; f->count && s < late; s++) n += complete(f, f->count + s, f->count - 1, out + n * width);
    f->held = f->skip = f->count = 0;
    return n;
}

void jd_frontend_run(jd_frontend *f, const float *samples, size_t count, float *out)
{
    if (!f) return;
    f->held = f->skip = f->count = 0;
    const size_t n = jd_frontend_feed(f, samples, count, out);
    jd_frontend_end(f, out + n * (size_t)jd_frontend_width(f));
}
