/*
 * deform.c - elastic and affine deformation (see augment.h for the formula and its source).
 *
 * All arithmetic is plain multiply, add and divide in a fixed order, written so that compilers vectorise it over
 * neighbouring pixels: the bits are the same with and without vectors.
 */
#include "base/dmath.h"
#include "jackdaw/augment.h"

#include <math.h>
#include <string.h>

enum {
    LANES = 8,       /* rows are padded to a multiple of 8 floats */
    BLOCKS = 32,     /* Philox blocks made side by side; so many that compilers make a vector loop of it */
    BORDER = 2,      /* background around the source, so that a clamped point needs no test */
    MIN_RADIUS = 10, /* of the blur, for sigma up to 6 */
    SIZE_LIMIT = 4096
};

struct jd_deformer {
    jd_ctx *ctx;
    jd_deform_options o;
    int height, width, channels, out_height, out_width;
    int radius;     /* of the widest blur */
    size_t stride;  /* floats of a row of the field */
    float *taps;    /* (2 radius + 1) */
    float *noise;   /* (out_height + 2 radius, stride): rows of zeros above and below */
    float *columns; /* (radius + stride + radius): one row, blurred along the columns, zeros on both sides */
    float *field;   /* (2, out_height, stride): displacement in x and y */
    float *source;  /* (height + 4, width + 4, channels): the pixels with a border of background */
};

jd_deform_options jd_deform_mnist2010(void)
{
    return (jd_deform_options){
        .sigma_min = 5.f,
        .sigma_max = 6.f,
        .alpha_min = 36.f,
        .alpha_max = 38.f,
        .angle = 15.f,
        .angle_small = 7.5f,
        .small_classes = 1u << 1 | 1u << 7,
        .shear = true,
        .scale_min = 15.f,
        .scale_max = 20.f,
        .low = -1.f,
        .high = 1.f,
    };
}

/* Radius of the blur: 10 (21 taps) for sigma up to 6, and in proportion above. */
static int radius_of(float sigma)
{
    const int r = (int)ceilf(sigma * (5.f / 3.f));
    return r < MIN_RADIUS ? MIN_RADIUS : r;
}

static bool range(float low, float high, float least, float most)
{
    return low >= least && high <= most && low <= high; /* false for NaN */
}

static jd_status check(jd_ctx *ctx, const jd_deform_options *o, const int size[5])
{
    for (int i = 0; i < 4; i++)
        if (size[i] < 1 || size[i] > SIZE_LIMIT)
            return jd_fail(ctx, JD_EUSAGE, "jd_deformer_new: a side of %d pixels; 1 to %d", size[i], SIZE_LIMIT);
    if (size[4] < 1 || size[4] > 16) return jd_fail(ctx, JD_EUSAGE, "jd_deformer_new: %d channels; 1 to 16", size[4]);
    const char *bad = NULL;
    if (!range(o->sigma_min, o->sigma_max, 0.f, 100.f))
        bad = "sigma: 0 <= min <= max <= 100";
    else if (!range(o->alpha_min, o->alpha_max, 0.f, 10000.f))
        bad = "alpha: 0 <= min <= max <= 10000";
    else if (o->alpha_max > 0.f && !(o->sigma_min >= 0.1f))
        bad = "sigma: at least 0.1 where alpha is not 0";
    else if (!range(0.f, o->angle, 0.f, 180.f) || !range(0.f, o->angle_small, 0.f, 180.f))
        bad = "angle: 0 to 180 degrees";
    else if (o->shear && (o->angle > 80.f || o->angle_small > 80.f))
        bad = "angle: at most 80 degrees with shear";
    else if (!range(o->scale_min, o->scale_max, 0.f, 90.f))
        bad = "scale: 0 <= min <= max <= 90 per cent";
    else if (!range(0.f, o->shift, 0.f, (float)SIZE_LIMIT))
        bad = "shift: 0 to 4096 pixels";
    else if (!range(o->low, o->high, -1e6f, 1e6f))
        bad = "low and high: low <= high";
    return bad ? jd_fail(ctx, JD_EUSAGE, "jd_deformer_new: %s", bad) : JD_OK;
}

jd_deformer *jd_deformer_new(jd_ctx *ctx, const jd_deform_options *o, int height, int width, int channels,
                             int out_height, int out_width)
{
    const int size[5] = {height, width, out_height, out_width, channels};
    if (jd_error(ctx) || check(ctx, o, size)) return NULL;
    jd_deformer *d = jd_alloc(ctx, sizeof *d);
    if (!d) return NULL;
    *d = (jd_deformer){.ctx = ctx,
                       .o = *o,
                       .height = height,
                       .width = width,
                       .channels = channels,
                       .out_height = out_height,
                       .out_width = out_width,
                       .radius = radius_of(o->sigma_max),
                       .stride = ((size_t)out_width + LANES - 1) / LANES * LANES};
    if (d->o.low == 0.f && d->o.high == 0.f) {
        d->o.low = -1.f;
        d->o.high = 1.f;
    }
    const size_t r = (size_t)d->radius, rows = (size_t)out_height;
    d->taps = jd_alloc_array(ctx, 2 * r + 1, sizeof(float));
    d->noise = jd_alloc_array(ctx, (rows + 2 * r) * d->stride, sizeof(float));
    d->columns = jd_alloc_array(ctx, d->stride + 2 * r, sizeof(float));
    d->field = jd_alloc_array(ctx, 2 * rows * d->stride, sizeof(float));
    d->source = jd_alloc_array(ctx, (size_t)(height + 2 * BORDER) * (size_t)(width + 2 * BORDER) * (size_t)channels,
                               sizeof(float));
    if (jd_error(ctx)) {
        jd_deformer_free(d);
        return NULL;
    }
    return d;
}

void jd_deformer_free(jd_deformer *d)
{
    if (!d) return;
    jd_free(d->ctx, d->taps);
    jd_free(d->ctx, d->noise);
    jd_free(d->ctx, d->columns);
    jd_free(d->ctx, d->field);
    jd_free(d->ctx, d->source);
    jd_free(d->ctx, d);
}

/* Philox4x32-10, BLOCKS blocks at a time: block i of out[][i] is the one that jd_philox4x32 gives for ctr[0] = block + i. */
static void philox_lanes(const jd_rng *r, uint32_t block, uint32_t out[4][BLOCKS])
{
    uint32_t k0 = r->key[0], k1 = r->key[1];
    uint32_t x0[BLOCKS], x1[BLOCKS], x2[BLOCKS], x3[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        x0[i] = block + i;
        x1[i] = r->ctr[1];
        x2[i] = r->ctr[2];
        x3[i] = r->ctr[3];
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            const uint64_t a = (uint64_t)x0[i] * 0xD2511F53u, b = (uint64_t)x2[i] * 0xCD9E8D57u;
            x0[i] = (uint32_t)(b >> 32) ^ x1[i] ^ k0;
            x1[i] = (uint32_t)b;
            x2[i] = (uint32_t)(a >> 32) ^ x3[i] ^ k1;
            x3[i] = (uint32_t)a;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(out[0], x0, sizeof x0);
    memcpy(out[1], x1, sizeof x1);
    memcpy(out[2], x2, sizeof x2);
    memcpy(out[3], x3, sizeof x3);
}

/* Fills the rows of both fields with U(-1,1): 16 bits of a random word each, the low half for x, the high half for y.
 * Word w is output (w / 32) % 4 of block w / 128 * 32 + w % 32. */
static void draw_noise(const jd_deformer *d, uint64_t seed, uint64_t index, float *x, float *y)
{
    const jd_rng r = jd_rng_new(seed, "deform/field", index);
    const size_t n = (size_t)d->out_height * d->stride;
    uint32_t out[4][BLOCKS];
    for (size_t at = 0; at < n; at += (size_t)4 * BLOCKS) {
        philox_lanes(&r, (uint32_t)(at / 4), out);
        for (size_t q = 0; q < 4 && at + q * BLOCKS < n; q++) {
            float *restrict px = x + at + q * BLOCKS, *restrict py = y + at + q * BLOCKS;
            const size_t left = n - at - q * BLOCKS < BLOCKS ? n - at - q * BLOCKS : BLOCKS;
            for (size_t i = 0; i < left; i++) {
                px[i] = ((float)(int32_t)(out[q][i] & 0xffffu) - 32767.5f) * (1.f / 32768.f);
                py[i] = ((float)(int32_t)(out[q][i] >> 16) - 32767.5f) * (1.f / 32768.f);
            }
        }
    }
    /* the padding of a row is outside the field */
    for (int row = 0; row < d->out_height; row++)
        for (size_t c = (size_t)d->out_width; c < d->stride; c++)
            x[(size_t)row * d->stride + c] = y[(size_t)row * d->stride + c] = 0.f;
}

/* exp(-i^2 / 2 sigma^2), from one exponential: g(i) = g(i-1) a^(2i-1) with a = g(1). */
static void make_taps(float *taps, int radius, double sigma)
{
    const double a = jd__exp64(-0.5 / (sigma * sigma)), a2 = a * a;
    double sum = 1.0, g = 1.0, ratio = a;
    for (int i = 1; i <= radius; i++, ratio *= a2) sum += 2.0 * (g *= ratio);
    const double share = 1.0 / sum;
    taps[radius] = (float)share;
    g = share;
    ratio = a;
    for (int i = 1; i <= radius; i++, ratio *= a2) taps[radius - i] = taps[radius + i] = (float)(g *= ratio);
}

/* out[0..n-1] = sum_t taps[t] in[t * step + 0..n-1]; n is a multiple of 8; four accumulators of 8 at a time hide the
 * latency of the additions. */
static void blur_row(const float *restrict taps, int count, const float *restrict in, size_t step, size_t n,
                     float *restrict out)
{
    size_t at = 0;
    for (; at + 32 <= n; at += 32) {
        float sum[32] = {0.f};
        for (int t = 0; t < count; t++) {
            const float k = taps[t], *p = in + at + (size_t)t * step;
            for (int i = 0; i < 32; i++) sum[i] += k * p[i];
        }
        memcpy(out + at, sum, sizeof sum);
    }
    for (; at < n; at += 8) {
        float sum[8] = {0.f};
        for (int t = 0; t < count; t++) {
            const float k = taps[t], *p = in + at + (size_t)t * step;
            for (int i = 0; i < 8; i++) sum[i] += k * p[i];
        }
        memcpy(out + at, sum, sizeof sum);
    }
}

/* Blurs one field: down the columns, then along the row. */
static void blur(jd_deformer *d, int radius, float alpha, const float *noise, float *field)
{
    const size_t skip = (size_t)(d->radius - radius); /* of the zeros around the field */
    for (int row = 0; row < d->out_height; row++) {
        blur_row(d->taps, 2 * radius + 1, noise + ((size_t)row + skip) * d->stride, d->stride, d->stride,
                 d->columns + d->radius);
        float *out = field + (size_t)row * d->stride;
        blur_row(d->taps, 2 * radius + 1, d->columns + skip, 1, d->stride, out);
        for (size_t c = 0; c < d->stride; c++) out[c] *= alpha;
    }
}

static float uniform(jd_rng *r, float low, float high)
{
    return low + (high - low) * jd_rng_uniform(r);
}

/* The affine part: q = (x0 + m[0] px + m[1] py, y0 + m[2] px + m[3] py). */
typedef struct affine {
    float x0, y0, m[4];
} affine;

/* Draws the parameters in a fixed order, all of them always: so switching one part off leaves the others as they were. */
static affine draw_affine(const jd_deformer *d, jd_rng *r, int label)
{
    const jd_deform_options *o = &d->o;
    const bool small = label >= 0 && label < 32 && (o->small_classes >> label & 1u);
    const double angle = (double)uniform(r, -1.f, 1.f) * (double)(small ? o->angle_small : o->angle) * (JD_PI / 180.0);
    const bool shear = jd_rng_below(r, 2) && o->shear;
    const double gamma = (double)uniform(r, o->scale_min, o->scale_max) / 100.0;
    const double sx = 1.0 + gamma * (double)uniform(r, -1.f, 1.f), sy = 1.0 + gamma * (double)uniform(r, -1.f, 1.f);
    const double tx = (double)uniform(r, -1.f, 1.f) * (double)o->shift,
                 ty = (double)uniform(r, -1.f, 1.f) * (double)o->shift;
    const bool mirror = jd_rng_below(r, 2) && o->mirror;
    double s, c, m[4];
    jd_sincos(angle, &s, &c);
    if (shear)
        m[0] = 1.0, m[1] = s / c, m[2] = 0.0, m[3] = 1.0;
    else
        m[0] = c, m[1] = s, m[2] = -s, m[3] = c;
    m[0] /= sx, m[1] /= sx, m[2] /= sy, m[3] /= sy; /* the inverse: a factor above 1 makes the picture larger */
    if (mirror) m[0] = -m[0], m[1] = -m[1];
    const double cx = (d->width - 1) / 2.0, cy = (d->height - 1) / 2.0;
    const double px = cx + tx, py = cy + ty;
    return (affine){.x0 = (float)(cx - (m[0] * px + m[1] * py)),
                    .y0 = (float)(cy - (m[2] * px + m[3] * py)),
                    .m = {(float)m[0], (float)m[1], (float)m[2], (float)m[3]}};
}

/* The border repeats the outermost pixels: first each row's, then the whole first and last row. */
static void continue_edges(jd_deformer *d, size_t row, size_t ch, size_t h)
{
    float *inner = d->source + BORDER * row;
    for (size_t y = 0; y < h; y++)
        for (size_t b = 0; b < BORDER * ch; b++) {
            float *line = inner + y * row;
            line[b] = line[BORDER * ch + b % ch];
            line[row - 1 - b] = line[row - 1 - BORDER * ch - b % ch];
        }
    for (size_t b = 0; b < BORDER; b++) {
        memcpy(d->source + b * row, inner, row * sizeof *inner);
        memcpy(inner + (h + b) * row, inner + (h - 1) * row, row * sizeof *inner);
    }
}

static void load_source(jd_deformer *d, const uint8_t *image)
{
    const size_t ch = (size_t)d->channels, w = (size_t)d->width * ch, row = w + 2 * BORDER * ch, h = (size_t)d->height;
    const float background = (float)d->o.background;
    const size_t all = row * (h + 2 * BORDER);
    for (size_t i = 0; i < all; i++) d->source[i] = background;
    for (size_t y = 0; y < h; y++) {
        float *to = d->source + (y + BORDER) * row + BORDER * ch;
        for (size_t i = 0; i < w; i++) to[i] = (float)image[y * w + i];
    }
    if (d->o.edge) continue_edges(d, row, ch, h);
}

enum { PART = 32 }; /* pixels of a row that are worked on together */

/* The source points of n pixels from column `begin`: the offset of each one's upper left neighbour, and the fractions. */
static void source_points(const jd_deformer *d, const affine *a, float bx, float by, int begin, int n,
                          const float *restrict dx, const float *restrict dy, int *restrict at, float *restrict fx,
                          float *restrict fy)
{
    const int ch = d->channels, pitch = (d->width + 2 * BORDER) * ch;
    const float right = (float)(d->width + 1 + BORDER) - 1.f / 1024.f,
                bottom = (float)(d->height + 1 + BORDER) - 1.f / 1024.f;
    const float mx = a->m[0], my = a->m[2], shift = (float)BORDER;
    for (int i = 0; i < n; i++) {
        const float c = (float)(begin + i);
        /* far outside is as good as two pixels outside; the shift makes the truncation a floor */
        float x = bx + mx * c + dx[i] + shift, y = by + my * c + dy[i] + shift;
        x = x > 0.f ? x : 0.f;
        y = y > 0.f ? y : 0.f;
        x = x < right ? x : right;
        y = y < bottom ? y : bottom;
        const int ix = (int)x, iy = (int)y;
        fx[i] = x - (float)ix;
        fy[i] = y - (float)iy;
        at[i] = iy * pitch + ix * ch;
    }
}

/* Row `row` of the output. */
static void warp_row(const jd_deformer *d, const affine *a, int row, const float *dx, const float *dy,
                     float *restrict out)
{
    const int ch = d->channels, pitch = (d->width + 2 * BORDER) * ch;
    const float bx = a->x0 + a->m[1] * (float)row, by = a->y0 + a->m[3] * (float)row;
    const float scale = 255.f / (d->o.high - d->o.low), low = d->o.low;
    int at[PART];
    float fx[PART], fy[PART], p00[PART], p01[PART], p10[PART], p11[PART], v[PART];
    for (int begin = 0; begin < d->out_width; begin += PART) {
        const int n = d->out_width - begin < PART ? d->out_width - begin : PART;
        const int padded = (n + LANES - 1) / LANES * LANES; /* the field's rows are padded too */
        source_points(d, a, bx, by, begin, padded, dx + begin, dy + begin, at, fx, fy);
        for (int k = 0; k < ch; k++) {
            for (int i = 0; i < padded; i++) {
                const float *p = d->source + at[i] + k;
                p00[i] = p[0];
                p01[i] = p[ch];
                p10[i] = p[pitch];
                p11[i] = p[pitch + ch];
            }
            for (int i = 0; i < padded; i++) {
                const float top = p00[i] + (p01[i] - p00[i]) * fx[i], under = p10[i] + (p11[i] - p10[i]) * fx[i];
                const float mix = top + (under - top) * fy[i];
                v[i] = (mix < 255.f ? mix : 255.f) / scale + low;
            }
            for (int i = 0; i < n; i++) out[(begin + i) * ch + k] = v[i];
        }
    }
}

void jd_deform(jd_deformer *d, uint64_t seed, uint32_t epoch, uint32_t sample, int label, const uint8_t *image,
               float *out)
{
    if (!d) return;
    const uint64_t index = (uint64_t)epoch << 32 | sample;
    jd_rng r = jd_rng_new(seed, "deform", index);
    const affine a = draw_affine(d, &r, label);
    const float sigma = uniform(&r, d->o.sigma_min, d->o.sigma_max),
                alpha = uniform(&r, d->o.alpha_min, d->o.alpha_max);
    const size_t n = (size_t)d->out_height * d->stride;
    float *dx = d->field, *dy = d->field + n; /* zero, and never written, where alpha cannot be above 0 */
    if (d->o.alpha_max > 0.f) {
        const int radius = radius_of(sigma);
        float *noise = d->noise + (size_t)d->radius * d->stride;
        make_taps(d->taps, radius, (double)sigma);
        draw_noise(d, seed, index, noise, dy); /* dy keeps its noise until that of x is blurred */
        blur(d, radius, alpha, d->noise, dx);
        memcpy(noise, dy, n * sizeof *noise);
        blur(d, radius, alpha, d->noise, dy);
    }
    load_source(d, image);
    for (int row = 0; row < d->out_height; row++) {
        const size_t at = (size_t)row * d->stride;
        warp_row(d, &a, row, dx + at, dy + at, out + (size_t)row * (size_t)(d->out_width * d->channels));
    }
}

void jd_deform_batch(jd_deformer *d, uint64_t seed, uint32_t epoch, const jd_images *images, const uint32_t *index,
                     size_t n, float *x, int32_t *y)
{
    if (!d) return;
    const size_t in = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    const size_t out = (size_t)d->out_height * (size_t)d->out_width * (size_t)d->channels;
    for (size_t i = 0; i < n; i++) {
        const int label = images->labels ? images->labels[index[i]] : -1;
        jd_deform(d, seed, epoch, index[i], label, images->pixels + index[i] * in, x + i * out);
        if (y) y[i] = label;
    }
}
