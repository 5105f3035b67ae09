/* surround.c - what differs from its surroundings: on- and off-centre cells. */
#include "base/dmath.h"
#include "jackdaw/prepare.h"

#include <math.h>

#include "base/given.h"

enum { REACH = 12 }; /* pixels on either side that a Gaussian counts */

typedef struct field {
    int height, width, channels;
    float *across, *narrow, *wide; /* (height,width) */
} field;

static int inside(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* One channel of x (height,width,channels), blurred, into `out`. */
static void blur(const field *f, const uint8_t *x, double width, float *out)
{
    double w[REACH + 1], all = 0;
    for (int k = 0; k <= REACH; k++) all += (k ? 2 : 1) * (w[k] = jd__exp64(-k * k / (2 * width * width)));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < f->height * f->width; i++) {
            const int row = i / f->width, column = i % f->width;
            double sum = 0;
            for (int k = -REACH; k <= REACH; k++) {
                const int from = pass ? inside(row + k, f->height) * f->width + column
                                      : row * f->width + inside(column + k, f->width);
                sum += w[k < 0 ? -k : k] / all * (pass ? (double)f->across[from] : (double)x[from * f->channels]);
            }
            (pass ? out : f->across)[i] = (float)sum;
        }
}

/* Bright where the channel is brighter than around it (on-centre), dark where it is darker (off-centre). */
static void one_channel(const field *f, double narrow, double wide, uint8_t *x)
{
    const int n = f->height * f->width;
    double square = 0;
    blur(f, x, narrow, f->narrow);
    blur(f, x, wide, f->wide);
    for (int k = 0; k < n; k++) {
        f->narrow[k] -= f->wide[k];
        square += (double)(f->narrow[k] * f->narrow[k]) / n;
    }
    const double gain = 64 / fmax(1, sqrt(square));
    for (int k = 0; k < n; k++) x[k * f->channels] = (uint8_t)fmin(255, fmax(0, 128 + gain * (double)f->narrow[k]));
}

jd_status jd_images_surround(jd_ctx *ctx, jd_images *images, double narrow, double wide)
{
    if (!jd__given(ctx, __func__, "images", images)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if (!(narrow > 0 && narrow < wide && wide <= 16))
        return jd_fail(ctx, JD_EUSAGE, "jd_images_surround: Gaussians of %g and %g pixels; 0 < narrow < wide <= 16",
                       narrow, wide);
    const size_t n = (size_t)images->height * (size_t)images->width, channels = (size_t)images->channels;
    field f = {.height = images->height, .width = images->width, .channels = images->channels};
    f.across = jd_alloc_array(ctx, n, sizeof *f.across);
    f.narrow = jd_alloc_array(ctx, n, sizeof *f.narrow);
    f.wide = jd_alloc_array(ctx, n, sizeof *f.wide);
    for (size_t i = 0; !jd_error(ctx) && i < images->count; i++)
        for (size_t c = 0; c < channels; c++) one_channel(&f, narrow, wide, images->pixels + i * n * channels + c);
    jd_free(ctx, f.across);
    jd_free(ctx, f.narrow);
    jd_free(ctx, f.wide);
    return jd_error(ctx);
}
