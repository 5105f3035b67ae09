/* talking_head_report.c - the mouth as a film, as a strip of pictures and as curves; see talking_head.h. */
#include "talking_head.h"

#include <stdio.h>
#include <string.h>

enum { MOUTHS = 3, TILE_W = 96, TILE_H = 72, STRIP = 12 };

/* Which faces the film and the strip show. */
static const int WHICH[MOUTHS] = {0, 1 + HEAD_DEEP, 1 + HEAD_DNN};
static const char *const WHO[HEAD_NETS + 1] = {"target", "deep BLSTM", "1 BLSTM layer", "feed-forward"};

/* ---- the film ------------------------------------------------------------------------------------------------------------*/

static void film(jd_run *r, const head_shown *k)
{
    enum { LINES = MOUTHS * PHONES_LANDMARKS };
    jd_ctx *ctx = jd_run_ctx(r);
    float *points = jd_alloc_array(ctx, (size_t)k->T * LINES * 4, sizeof *points);
    jd_film_line line[LINES];
    for (int m = 0; m < MOUTHS; m++)
        for (int i = 0; i < PHONES_LANDMARKS; i++)
            line[m * PHONES_LANDMARKS + i] = (jd_film_line){.06, m ? m - 1 : JD_FILM_INK};
    for (int64_t t = 0; points && t < k->T; t++)
        for (int l = 0; l < LINES; l++) {
            const float *face = k->face[WHICH[l / PHONES_LANDMARKS]] + t * PHONES_FACE;
            const int a = l % PHONES_LANDMARKS, b = (a + 1) % PHONES_LANDMARKS;
            const float right = 1.4f * (float)(l / PHONES_LANDMARKS);
            float *p = points + (t * LINES + l) * 4;
            p[0] = face[2 * a] + right;
            p[1] = face[2 * a + 1];
            p[2] = face[2 * b] + right;
            p[3] = face[2 * b + 1];
        }
    if (points)
        jd_report_film(
            jd_run_report(r),
            &(jd_film){-.8, -.85, 3.6, .45, 2 * (double)k->T * HEAD_STEP / 1000, (size_t)k->T, LINES, points, line},
            "A test sentence, at half the speed: the target, what the deep BLSTM says, and what the feed-forward "
            "net says, which jerks where a phone ends.");
    jd_free(ctx, points);
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------*/

static double to_line(double x, double y, const float *a, const float *b)
{
    const double dx = (double)(b[0] - a[0]), dy = (double)(b[1] - a[1]), px = x - (double)a[0], py = y - (double)a[1];
    const double length = dx * dx + dy * dy, along = length > 0 ? fmin(1, fmax(0, (px * dx + py * dy) / length)) : 0;
    return hypot(px - along * dx, py - along * dy);
}

static bool inside(double x, double y, const float *face)
{
    bool in = false;
    for (int i = 0; i < PHONES_LANDMARKS; i++) {
        const float *a = face + 2 * i, *b = face + 2 * ((i + 1) % PHONES_LANDMARKS);
        if (((double)a[1] > y) != ((double)b[1] > y) &&
            x < (double)(b[0] - a[0]) * (y - (double)a[1]) / (double)(b[1] - a[1]) + (double)a[0])
            in = !in;
    }
    return in;
}

static void paint(const float *face, uint8_t *out /* (TILE_H,TILE_W,3) */)
{
    static const uint8_t skin[3] = {240, 214, 196}, lip[3] = {188, 74, 82}, dark[3] = {72, 24, 30};
    for (int i = 0; i < TILE_H * TILE_W; i++) {
        const double x = ((double)(i % TILE_W) + .5 - TILE_W / 2.) / 72, y = (26 - (double)(i / TILE_W)) / 72;
        double far = 9;
        for (int k = 0; k < PHONES_LANDMARKS; k++)
            far = fmin(far, to_line(x, y, face + 2 * k, face + 2 * ((k + 1) % PHONES_LANDMARKS)));
        memcpy(out + 3 * i, far < .055 ? lip : inside(x, y, face) ? dark : skin, 3);
    }
}

/* A tile is one moment: the mouths one above the other. */
static void strip(jd_run *r, const head_shown *k)
{
    enum { BYTES = TILE_W * TILE_H * 3 };
    jd_ctx *ctx = jd_run_ctx(r);
    uint8_t *pixels = jd_alloc_array(ctx, STRIP, MOUTHS * BYTES);
    char text[STRIP][32];
    const char *captions[STRIP];
    for (int i = 0; pixels && i < STRIP; i++) {
        const int64_t t = (k->T - 1) * i / (STRIP - 1);
        const int phone = phones_at(&k->sentence, ((double)t + .5) * HEAD_STEP);
        snprintf(text[i], sizeof text[i], "%s %.2f s", phones_name(k->sentence.phone[phone]),
                 (double)t * HEAD_STEP / 1000);
        captions[i] = text[i];
        for (int m = 0; m < MOUTHS; m++)
            paint(k->face[WHICH[m]] + t * PHONES_FACE, pixels + (size_t)(i * MOUTHS + m) * BYTES);
    }
    if (pixels)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = STRIP,
                                     .h = MOUTHS * TILE_H,
                                     .w = TILE_W,
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = 6},
                         "The same sentence as pictures, with the phone that is being said: above the target, then the "
                         "deep BLSTM, below the feed-forward net.");
    jd_free(ctx, pixels);
}

/* ---- curves --------------------------------------------------------------------------------------------------------------*/

static void curves(jd_run *r, const head_shown *k)
{
    enum { ALL = HEAD_NETS + 1 };
    static const char *const names[] = {"mouth open (upper to lower lip)", "mouth wide (corner to corner)"};
    jd_ctx *ctx = jd_run_ctx(r);
    float *v = jd_alloc_array(ctx, (size_t)k->T * ALL, sizeof *v);
    jd_timeline *line = jd_timeline_new(ctx, "s", 0, (double)k->T * HEAD_STEP / 1000);
    char text[PHONES_MOST + 1] = "";
    double at[PHONES_MOST];
    for (int i = 0; i < k->sentence.n; i++) {
        text[i] = phones_name(k->sentence.phone[i])[0];
        at[i] = (k->sentence.begin[i] + k->sentence.begin[i + 1]) / 2000;
    }
    for (int what = 0; v && what < 2; what++) {
        for (int64_t n = 0; n < k->T * ALL; n++) {
            const float *face = k->face[n % ALL] + n / ALL * PHONES_FACE;
            v[n] = what ? face[2 * 4] - face[0] : face[2 * 2 + 1] - face[2 * 6 + 1];
        }
        jd_timeline_lines(line, names[what], v, (size_t)k->T, ALL, WHO, 0, 0);
    }
    jd_timeline_text(line, "phones", text, at);
    jd_report_timeline(jd_run_report(r), line,
                       "Distances of landmarks in the same sentence, in widths of the mouth at rest.");
    jd_free(ctx, v);
}

/* What each principal component does: the mean face, moved by two deviations either way. */
static void components(jd_run *r, const head_faces *f)
{
    enum { BYTES = TILE_W * TILE_H * 3, MOST = 6 };
    jd_ctx *ctx = jd_run_ctx(r);
    const int kept = f->kept < MOST ? f->kept : MOST;
    uint8_t *pixels = jd_alloc_array(ctx, 3 * MOST, BYTES);
    char text[3 * MOST][40];
    const char *captions[3 * MOST];
    double all = 0;
    for (int k = 0; k < f->kept; k++) all += f->variance[k];
    for (int i = 0; pixels && i < 3 * kept; i++) {
        float c[PHONES_FACE] = {0}, face[PHONES_FACE];
        const int component = i / 3, side = i % 3 - 1;
        c[component] = (float)(2 * side * sqrt(f->variance[component]));
        head_face(f, c, face);
        paint(face, pixels + (size_t)i * BYTES);
        if (side)
            snprintf(text[i], sizeof text[i], "%d: %+d deviations", component + 1, 2 * side);
        else
            snprintf(text[i], sizeof text[i], "%d: %.1f %% of variance", component + 1,
                     100 * f->variance[component] / all);
        captions[i] = text[i];
    }
    if (pixels)
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){.pixels = pixels,
                        .n = (size_t)(3 * kept),
                        .h = TILE_H,
                        .w = TILE_W,
                        .channels = 3,
                        .tile_captions = captions,
                        .columns = 6},
            "What the nets say: how much of each principal component. In the middle of three the mean face.");
    jd_free(ctx, pixels);
}

static void table(jd_run *r, const head_seed *s, int seeds)
{
    enum { COLUMNS = 5, TEXT = 40, ROWS = HEAD_SEEDS * HEAD_NETS };
    char room[ROWS][COLUMNS][TEXT];
    const char *cells[ROWS * COLUMNS];
    for (int i = 0; i < seeds * HEAD_NETS; i++) {
        const head_seed *one = &s[i / HEAD_NETS];
        const int n = i % HEAD_NETS;
        snprintf(room[i][0], TEXT, "%s", head_names[n]);
        snprintf(room[i][1], TEXT, "%d", 1 + i / HEAD_NETS);
        snprintf(room[i][2], TEXT, "%zu", jd_params_count(one->net[n].params));
        snprintf(room[i][3], TEXT, "%.1f", one->square[n]);
        snprintf(room[i][4], TEXT, "%.2f", 100 * one->square[n] / one->still);
        for (int c = 0; c < COLUMNS; c++) cells[i * COLUMNS + c] = room[i][c];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"net", "seed", "weights", "mean square error (1e-6)", "% of a still mouth"}, cells,
        (size_t)(seeds * HEAD_NETS), COLUMNS,
        "Mean square error of a coordinate of a landmark on test sentences, the mouth's width at rest being 1.");
}

void head_report(jd_run *r, const head_seed *s, int seeds, const head_faces *f, const head_shown *k, const claims *c)
{
    claims_table(c, "What the paper's comparison becomes here, and what was measured.");
    table(r, s, seeds);
    jd_report_section(jd_run_report(r), "A sentence it never heard");
    film(r, k);
    strip(r, k);
    curves(r, k);
    jd_report_section(jd_run_report(r), "Principal components of the mouth");
    components(r, f);
}
