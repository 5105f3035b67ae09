/* reader_line.c - a picture of a line of writing as the columns that a net has learned from drawn ink. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* What jd_ink_options.size means in pictures: writing is 1.27 times as high as the middle half of its ink is (the median
 * over the training words of UNIPEN).  Without a size, as digits of MNIST: the ink is 20 of 32 rows high. */
static const double HEIGHT_OF_HALF = 1.27, FILLED = 20.0 / 32;
enum { BORDER = 2, MOST_COLUMNS = 1 << 16 };

typedef struct line {
    int w, h;
    uint8_t *ink; /* (h,w): 0 paper, 255 ink */
    int left, top, right, bottom;
    double low, high, middle; /* rows of the quartiles and of the mean of the ink */
} line;

/* Grey, the paper's level (the median of the edge) taken off, the strongest ink 255. */
static jd_status find_ink(jd_ctx *ctx, const jd_picture *p, line *l)
{
    const int w = l->w, h = l->h, C = p->channels;
    size_t edge[256] = {0}, total = 0;
    uint8_t *ink = l->ink = jd_alloc_array(ctx, (size_t)w, (size_t)h);
    if (!ink) return jd_error(ctx);
    for (int i = 0; i < w * h; i++) {
        const uint8_t *q = p->pixels + (size_t)i * (size_t)C;
        ink[i] = C == 1 ? q[0] : (uint8_t)((299 * q[0] + 587 * q[1] + 114 * q[2] + 500) / 1000);
        const int x = i % w, y = i / w;
        if (x == 0 || y == 0 || x == w - 1 || y == h - 1) edge[ink[i]]++, total++;
    }
    int paper = 0, strongest = 0;
    for (size_t sum = edge[0]; 2 * sum < total; sum += edge[++paper]) {
    }
    /* Light and dark ink are both possible: ink is what lies on the side where the picture reaches farther. */
    int up = 0, down = 0;
    for (int i = 0; i < w * h; i++) {
        up = ink[i] - paper > up ? ink[i] - paper : up;
        down = paper - ink[i] > down ? paper - ink[i] : down;
    }
    strongest = up > down ? up : down;
    for (int i = 0; i < w * h; i++) {
        const int d = up > down ? ink[i] - paper : paper - ink[i];
        ink[i] = (uint8_t)(d <= 0 || !strongest ? 0 : d * 255 / strongest);
        if (ink[i] < 32) ink[i] = 0; /* the grain of paper */
    }
    return JD_OK;
}

static jd_status measure(jd_ctx *ctx, line *l)
{
    double total = 0, sum = 0;
    l->left = l->w, l->top = l->h, l->right = l->bottom = 0;
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            const uint8_t v = l->ink[y * l->w + x];
            total += v;
            l->middle += v * (y + 0.5);
            if (v < 64) continue;
            l->left = x < l->left ? x : l->left;
            l->top = y < l->top ? y : l->top;
            l->right = x + 1 > l->right ? x + 1 : l->right;
            l->bottom = y + 1;
        }
    if (l->right <= l->left) return jd_fail(ctx, JD_EDATA, "the picture holds no writing: it is of one colour");
    l->middle /= total;
    l->low = l->high = -1;
    for (int y = 0; y < l->h; y++) {
        double row = 0;
        for (int x = 0; x < l->w; x++) row += l->ink[y * l->w + x];
        if (l->low < 0 && sum + row >= 0.25 * total) l->low = y + (0.25 * total - sum) / row;
        if (l->high < 0 && sum + row >= 0.75 * total) l->high = y + (0.75 * total - sum) / row;
        sum += row;
    }
    return JD_OK;
}

/* The rectangle of ink at the net's scale, into x (T,rows), column after column. */
static float *draw(reader *m, const line *l, double scale, size_t *T, float **places)
{
    const int rows = m->ink.rows, bw = l->right - l->left, bh = l->bottom - l->top;
    const int nw = (int)fmax(1, round(bw * scale)), nh = (int)fmin(fmax(1, round(bh * scale)), rows);
    const double want = m->ink.size > 0 ? 0.5 * rows - (l->middle - l->top) * scale : 0.5 * (rows - nh);
    const int top = (int)fmin(fmax(round(want), 0), rows - nh);
    if (nw > MOST_COLUMNS) {
        jd_fail(m->ctx, JD_EDATA, "the line would be %d columns wide; at most %d are read, cut the picture", nw,
                MOST_COLUMNS);
        return NULL;
    }
    *T = (size_t)nw + 2 * BORDER;
    uint8_t *cut = jd_alloc_array(m->ctx, (size_t)bw, (size_t)bh),
            *small = jd_alloc_array(m->ctx, (size_t)nw, (size_t)nh);
    float *x = jd_alloc_array(m->ctx, *T * (size_t)rows, sizeof *x);
    *places = jd_alloc_array(m->ctx, *T, 2 * sizeof **places);
    if (cut && small && x && *places) {
        for (int y = 0; y < bh; y++) memcpy(cut + y * bw, l->ink + (y + l->top) * l->w + l->left, (size_t)bw);
        if (scale <= 1)
            jd_resize_area(cut, bh, bw, 1, small, nh, nw);
        else
            jd_resize_bilinear(cut, bh, bw, 1, 0, 0, bw, bh, small, nh, nw);
        for (int t = 0; t < nw; t++)
            for (int y = 0; y < nh; y++) x[(t + BORDER) * rows + top + y] = (float)small[y * nw + t] / 255.f;
        for (size_t t = 0; t < *T; t++) (*places)[2 * t] = (float)(l->left + ((double)t - BORDER + 0.5) / scale);
    }
    jd_free(m->ctx, cut);
    jd_free(m->ctx, small);
    return x;
}

float *reader_line(reader *m, const jd_picture *p, size_t *T, float **places)
{
    line l = {.w = p->width, .h = p->height};
    float *x = NULL;
    *places = NULL;
    if (!find_ink(m->ctx, p, &l) && !measure(m->ctx, &l)) {
        const double rows = m->ink.rows, high = l.bottom - l.top;
        double scale =
            m->ink.size > 0 ? (double)m->ink.size / (HEIGHT_OF_HALF * fmax(l.high - l.low, 1)) : FILLED * rows / high;
        scale = fmin(scale, (rows - 2 * BORDER) / high);
        x = draw(m, &l, scale, T, places);
    }
    jd_free(m->ctx, l.ink);
    return x;
}
