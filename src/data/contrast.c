/* contrast.c - contrast normalisation of pictures (see prepare.h for the methods and their source). */
#include "base/dmath.h"
#include "jackdaw/prepare.h"

#include <math.h>
#include <string.h>

#include "base/given.h"

enum { LEVELS = 256, STEPS = 4096, MIN_TILE = 6, TILES = 8, RADIUS = 2, TAPS = 2 * RADIUS + 1 };

/* The lightness of one picture, and memory for what is made of it. */
typedef struct plane {
    int height, width;
    double *light; /* (height,width) in [0,1] */
    double *work;  /* as large */
    double *maps;  /* (tiles down, tiles across, LEVELS) */
    int down, across;
} plane;

const char *jd_contrast_name(jd_contrast_kind kind)
{
    static const char *const name[] = {"original", "imadjust", "histeq", "adapthisteq", "conorm"};
    return (int)kind >= 0 && kind < JD_CONTRAST_KINDS ? name[kind] : NULL;
}

/* ---- colour ------------------------------------------------------------------------------------------------------------*/

/* The n-th root of x in (0,1], by Newton's method from y, which must not be below it. */
static double root(double y, double x, int n)
{
    for (int i = 0; i < 200; i++) {
        double power = 1.0;
        for (int k = 1; k < n; k++) power *= y;
        const double next = y - (y * power - x) / (n * power);
        if (!(next < y)) break; /* from above it falls until it is there */
        y = next;
    }
    return y;
}

/* Light intensity of an sRGB value in [0,1] (IEC 61966-2-1): ((v + .055)/1.055)^2.4, and 2.4 = 12/5. */
static double linear(double v)
{
    if (v <= 0.04045) return v / 12.92;
    const double r = root(1.0, (v + 0.055) / 1.055, 5), r2 = r * r, r4 = r2 * r2;
    return r4 * r4 * r4;
}

/* Tables made once a set: intensities of the bytes and of the borders between them; the byte of intensity k/STEPS; the cube
 * roots of 1/STEPS, 2/STEPS... */
typedef struct curve {
    double of[LEVELS], border[LEVELS], cube_root[STEPS];
    uint8_t byte[STEPS];
} curve;

static void make_curve(curve *c)
{
    for (int i = 0; i < LEVELS; i++) c->of[i] = linear(i / 255.0);
    for (int i = 0; i < LEVELS; i++) c->border[i] = i < LEVELS - 1 ? linear((i + 0.5) / 255.0) : 2.0;
    for (int i = 0; i < STEPS; i++) c->cube_root[i] = root(1.0, (i + 1.0) / STEPS, 3);
    int byte = 0;
    for (int i = 0; i < STEPS; i++) {
        while (c->border[byte] <= i / (double)STEPS) byte++;
        c->byte[i] = (uint8_t)byte;
    }
}

/* The byte whose sRGB value is nearest to that of an intensity. */
static uint8_t to_byte(const curve *c, double v)
{
    if (v <= 0.0) return 0;
    if (v >= 1.0) return LEVELS - 1;
    int byte = c->byte[(int)(v * STEPS)]; /* steps are narrower than the way from byte to byte: one more at most */
    while (c->border[byte] <= v) byte++;
    return (uint8_t)byte;
}

/* sRGB to XYZ, rows divided by the white point D65, so that white is (1,1,1). */
static const double XYZ[3][3] = {
    {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
static const double WHITE[3] = {0.4124564 + 0.3575761 + 0.1804375, 0.2126729 + 0.7151522 + 0.0721750,
                                0.0193339 + 0.1191920 + 0.9503041};
static const double RGB[3][3] = {
    {3.2404542, -1.5371385, -0.4985314}, {-0.9692660, 1.8760108, 0.0415560}, {0.0556434, -0.2040259, 1.0572252}};
static const double D = 6.0 / 29.0;

static double squeeze(const curve *c, double t)
{
    if (t <= D * D * D) return t / (3 * D * D) + 4.0 / 29.0;
    const int above = (int)(t * STEPS);
    return root(c->cube_root[above < STEPS ? above : STEPS - 1], t, 3);
}

static double unsqueeze(double f)
{
    return f > D ? f * f * f : 3 * D * D * (f - 4.0 / 29.0);
}

static void to_lab(const curve *c, const uint8_t rgb[3], double lab[3])
{
    double f[3];
    for (int i = 0; i < 3; i++)
        f[i] =
            squeeze(c, (XYZ[i][0] * c->of[rgb[0]] + XYZ[i][1] * c->of[rgb[1]] + XYZ[i][2] * c->of[rgb[2]]) / WHITE[i]);
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

static void from_lab(const curve *c, const double lab[3], uint8_t rgb[3])
{
    const double y = (lab[0] + 16) / 116;
    const double f[3] = {y + lab[1] / 500, y, y - lab[2] / 200};
    double v[3];
    for (int i = 0; i < 3; i++) v[i] = WHITE[i] * unsqueeze(f[i]);
    for (int i = 0; i < 3; i++) rgb[i] = to_byte(c, RGB[i][0] * v[0] + RGB[i][1] * v[1] + RGB[i][2] * v[2]);
}

void jd_rgb_to_lab(const uint8_t rgb[3], double lab[3])
{
    curve c;
    make_curve(&c);
    to_lab(&c, rgb, lab);
}

void jd_lab_to_rgb(const double lab[3], uint8_t rgb[3])
{
    curve c;
    make_curve(&c);
    from_lab(&c, lab, rgb);
}

/* ---- the four methods ----------------------------------------------------------------------------------------------------*/

static int level(double light)
{
    return (int)(light * (LEVELS - 1) + 0.5);
}

/* Counts of the levels in rows y0..y1-1, columns x0..x1-1; returns the number of pixels. */
static int count_levels(const plane *p, int y0, int y1, int x0, int x1, double count[LEVELS])
{
    memset(count, 0, LEVELS * sizeof *count);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) count[level(p->light[(size_t)y * (size_t)p->width + (size_t)x])]++;
    return (y1 - y0) * (x1 - x0);
}

/* map[k] = F(k), the share of the pixels up to level k. */
static void distribution(const double count[LEVELS], double n, double map[LEVELS])
{
    double sum = 0;
    for (int k = 0; k < LEVELS; k++) map[k] = fmin((sum += count[k]) / n, 1);
}

/* Whether all pixels have one level: there is nothing to spread. */
static bool one_level(const plane *p)
{
    const size_t n = (size_t)p->height * (size_t)p->width;
    for (size_t i = 1; i < n; i++)
        if (level(p->light[i]) != level(p->light[0])) return false;
    return true;
}

static void stretch(plane *p)
{
    double count[LEVELS];
    const double n = count_levels(p, 0, p->height, 0, p->width, count);
    int low = 0, high = LEVELS - 1;
    for (double sum = count[0]; low < LEVELS - 1 && sum <= 0.01 * n; sum += count[low]) low++;
    for (double sum = count[LEVELS - 1]; high > 0 && sum <= 0.01 * n; sum += count[high]) high--;
    if (low >= high) return;
    for (size_t i = 0; i < (size_t)n; i++)
        p->light[i] = fmin(1, fmax(0, (p->light[i] * (LEVELS - 1) - low) / (high - low)));
}

static void flatten(plane *p)
{
    double count[LEVELS], map[LEVELS];
    const int n = count_levels(p, 0, p->height, 0, p->width, count);
    distribution(count, n, map);
    for (int i = 0; i < n; i++) p->light[i] = map[level(p->light[i])];
}

/* Cuts counts off at the limit and spreads the rest evenly over all levels. */
static void clip_counts(double count[LEVELS], int n, double clip)
{
    const int uniform = (n + LEVELS - 1) / LEVELS;
    const double limit = uniform + floor(clip * (n - uniform) + 0.5);
    double excess = 0;
    for (int k = 0; k < LEVELS; k++)
        if (count[k] > limit) {
            excess += count[k] - limit;
            count[k] = limit;
        }
    for (int k = 0; k < LEVELS; k++) count[k] += excess / LEVELS;
}

/* The tile whose centre lies before pixel i, and how far i is on the way to the next one. */
static int tile_before(int i, int side, int tiles, double *part)
{
    const double at = (i + 0.5) * tiles / side - 0.5; /* in tiles, 0 at the centre of the first */
    if (at <= 0 || tiles < 2) {
        *part = 0;
        return 0;
    }
    const int t = at >= tiles - 1 ? tiles - 2 : (int)at;
    *part = fmin(at - t, 1);
    return t;
}

static void adapt(plane *p, double clip)
{
    double count[LEVELS];
    for (int i = 0; i < p->down; i++)
        for (int j = 0; j < p->across; j++) {
            const int n = count_levels(p, i * p->height / p->down, (i + 1) * p->height / p->down,
                                       j * p->width / p->across, (j + 1) * p->width / p->across, count);
            clip_counts(count, n, clip);
            distribution(count, n, p->maps + (size_t)(i * p->across + j) * LEVELS);
        }
    for (int y = 0; y < p->height; y++) {
        double fy;
        const int i = tile_before(y, p->height, p->down, &fy), i1 = i + (p->down > 1);
        for (int x = 0; x < p->width; x++) {
            double fx, *v = p->light + (size_t)y * (size_t)p->width + (size_t)x;
            const int j = tile_before(x, p->width, p->across, &fx), j1 = j + (p->across > 1), k = level(*v);
            const double *a = p->maps + (size_t)(i * p->across) * LEVELS + k;
            const double *b = p->maps + (size_t)(i1 * p->across) * LEVELS + k;
            const double top = a[j * LEVELS] + (a[j1 * LEVELS] - a[j * LEVELS]) * fx;
            const double under = b[j * LEVELS] + (b[j1 * LEVELS] - b[j * LEVELS]) * fx;
            *v = top + (under - top) * fy;
        }
    }
}

/* weights (TAPS,TAPS): a narrow Gaussian less a wide one, each of sum 1. */
static void difference_of_gaussians(double weights[TAPS][TAPS])
{
    static const double SIGMA[2] = {0.5, 2.0};
    memset(weights, 0, TAPS * sizeof *weights);
    for (int s = 0; s < 2; s++) {
        double g[TAPS], sum = 0;
        for (int i = 0; i < TAPS; i++) {
            const double d = (i - RADIUS) / SIGMA[s];
            sum += g[i] = jd__exp64(-0.5 * d * d);
        }
        for (int i = 0; i < TAPS; i++)
            for (int j = 0; j < TAPS; j++) weights[i][j] += (s ? -1 : 1) * (g[i] / sum) * (g[j] / sum);
    }
}

static int inside(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void edges(plane *p)
{
    double weights[TAPS][TAPS], most = 0;
    difference_of_gaussians(weights);
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            double sum = 0;
            for (int i = 0; i < TAPS; i++) {
                const double *row = p->light + (size_t)inside(y + i - RADIUS, p->height) * (size_t)p->width;
                for (int j = 0; j < TAPS; j++) sum += weights[i][j] * row[inside(x + j - RADIUS, p->width)];
            }
            p->work[(size_t)y * (size_t)p->width + (size_t)x] = sum;
            most = fmax(most, fabs(sum));
        }
    if (most < 1e-6) return; /* of one level: rounding errors are no edges */
    const size_t n = (size_t)p->height * (size_t)p->width;
    for (size_t i = 0; i < n; i++) p->light[i] = 0.5 + 0.5 * p->work[i] / most;
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------*/

static void normalise(plane *p, const jd_contrast *o)
{
    if (one_level(p)) return;
    switch (o->kind) {
    case JD_CONTRAST_NONE: break;
    case JD_CONTRAST_STRETCH: stretch(p); break;
    case JD_CONTRAST_HISTEQ: flatten(p); break;
    case JD_CONTRAST_ADAPTIVE: adapt(p, o->clip > 0 ? o->clip : 0.01); break;
    case JD_CONTRAST_EDGES: edges(p); break;
    }
}

/* `lab` (height,width,3) keeps the colours of the picture meanwhile. */
static void one_picture(plane *p, const curve *c, double *lab, int channels, const jd_contrast *o, uint8_t *pixels)
{
    const size_t n = (size_t)p->height * (size_t)p->width;
    for (size_t i = 0; i < n; i++) {
        if (channels == 3) to_lab(c, pixels + 3 * i, lab + 3 * i);
        p->light[i] = channels == 3 ? fmin(1, fmax(0, lab[3 * i] / 100)) : pixels[i] / 255.0;
    }
    normalise(p, o);
    for (size_t i = 0; i < n; i++) {
        if (channels == 1) {
            pixels[i] = (uint8_t)level(p->light[i]);
        } else {
            lab[3 * i] = 100 * p->light[i];
            from_lab(c, lab + 3 * i, pixels + 3 * i);
        }
    }
}

static jd_status check(jd_ctx *ctx, const jd_images *images, const jd_contrast *o)
{
    if ((int)o->kind < 0 || o->kind >= JD_CONTRAST_KINDS || (images->channels != 1 && images->channels != 3))
        return jd_fail(ctx, JD_EUSAGE, "jd_images_contrast: kind %d, %d channels; kinds 0 to %d, 1 or 3 channels",
                       (int)o->kind, images->channels, JD_CONTRAST_KINDS - 1);
    if (o->tile < 0 || o->tile > images->height || o->tile > images->width || !(o->clip >= 0 && o->clip <= 1))
        return jd_fail(ctx, JD_EUSAGE,
                       "jd_images_contrast: tiles of %d pixels, clip %g; at most %d pixels, clip 0 to 1", o->tile,
                       o->clip, images->height < images->width ? images->height : images->width);
    return JD_OK;
}

jd_status jd_images_contrast(jd_ctx *ctx, jd_images *images, const jd_contrast *o)
{
    if (!jd__given(ctx, __func__, "images", images) || !jd__given(ctx, __func__, "o", o)) return jd_error(ctx);
    if (jd_error(ctx) || check(ctx, images, o)) return jd_error(ctx);
    if (o->kind == JD_CONTRAST_NONE) return JD_OK;
    const int h = images->height, w = images->width, small = h < w ? h : w;
    const int eighth = small / TILES > MIN_TILE ? small / TILES : MIN_TILE, tile = o->tile ? o->tile : eighth;
    plane p = {.height = h, .width = w, .down = h / tile > 0 ? h / tile : 1, .across = w / tile > 0 ? w / tile : 1};
    const size_t n = (size_t)h * (size_t)w;
    p.light = jd_alloc_array(ctx, n, sizeof *p.light);
    p.work = jd_alloc_array(ctx, n, sizeof *p.work);
    p.maps = jd_alloc_array(ctx, (size_t)p.down * (size_t)p.across, LEVELS * sizeof *p.maps);
    double *lab = jd_alloc_array(ctx, n, 3 * sizeof *lab);
    curve c;
    make_curve(&c);
    const size_t each = n * (size_t)images->channels;
    for (size_t i = 0; !jd_error(ctx) && i < images->count; i++)
        one_picture(&p, &c, lab, images->channels, o, images->pixels + i * each);
    jd_free(ctx, p.light);
    jd_free(ctx, p.work);
    jd_free(ctx, p.maps);
    jd_free(ctx, lab);
    return jd_error(ctx);
}
