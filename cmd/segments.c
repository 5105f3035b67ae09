/* segments.c - see segments.h. */
#include "segments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"

enum { SHOWN = 6, SIDE = 192, TILES = 4 };

double segments_iou(const segments_score *s, int classes, int k)
{
    int64_t truth = 0, answer = 0;
    const int64_t both = s->confusion[k * classes + k];
    for (int i = 0; i < classes; i++) truth += s->confusion[k * classes + i], answer += s->confusion[i * classes + k];
    return truth + answer ? (double)both / (double)(truth + answer - both) : (double)NAN;
}

double segments_dice(const segments_score *s, int classes, int k)
{
    const double iou = segments_iou(s, classes, k);
    return 2 * iou / (1 + iou);
}

void segments_finish(segments_score *s, int classes)
{
    int64_t all = 0, right = 0;
    double sum = 0;
    int n = 0;
    for (int k = 0; k < classes; k++) {
        const double iou = segments_iou(s, classes, k);
        for (int i = 0; i < classes; i++) all += s->confusion[k * classes + i];
        right += s->confusion[k * classes + k];
        if (isnan(iou)) continue;
        sum += iou;
        n++;
    }
    s->error = all ? 100.0 * (double)(all - right) / (double)all : 0;
    s->iou = n ? sum / n : (double)NAN;
}

void segments_free(jd_ctx *ctx, segments_score *s)
{
    jd_free(ctx, s->confusion);
    *s = (segments_score){0};
}

float *segments_map(jd_ctx *ctx, jd_scanner *const *scan, const model *m, const masked *p)
{
    const size_t pixels = (size_t)p->height * (size_t)p->width, C = (size_t)m->dim[2], K = (size_t)m->classes;
    float *x = jd_alloc_array(ctx, pixels, C * sizeof *x), *sum = jd_alloc_array(ctx, pixels, K * sizeof *sum);
    float *one = m->members > 1 ? jd_alloc_array(ctx, pixels, K * sizeof *one) : sum;
    if (!jd_error(ctx)) jd_pixels_to_float(p->pixels, pixels * C, m->low, m->high, x);
    for (int k = 0; k < m->members && !jd_error(ctx); k++) {
        jd_scan_image(scan[k], x, p->height, p->width, one);
        for (size_t i = 0; one != sum && i < pixels * K; i++) sum[i] += one[i] / (float)m->members;
    }
    if (one != sum) jd_free(ctx, one);
    jd_free(ctx, x);
    return sum;
}

int segments_class(const float *p, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

jd_status segments_measure(jd_ctx *ctx, jd_scanner *const *scan, const model *m, const masks *set,
                           const uint32_t *index, size_t n, jd_run *r, segments_score *out)
{
    const int K = m->classes;
    *out = (segments_score){.confusion = jd_alloc_array(ctx, (size_t)(K * K), sizeof *out->confusion)};
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        const masked *p = &set->picture[index ? index[i] : i];
        float *map = segments_map(ctx, scan, m, p);
        for (int64_t q = 0; !jd_error(ctx) && q < (int64_t)p->height * p->width; q++)
            out->confusion[p->label[q] * K + segments_class(map + q * K, K)]++;
        jd_free(ctx, map);
        if (r && jd_run_progress(r, (double)(i + 1), (double)n, "pictures")) break;
    }
    if (!jd_error(ctx)) segments_finish(out, K);
    if (jd_error(ctx)) segments_free(ctx, out);
    return jd_error(ctx);
}

/* ---- pictures of classes -----------------------------------------------------------------------------------------------------*/

/* What class k is in a mask: its value or colour, or black and white, or its number. */
static uint32_t value_of(const model *m, bool objects, int k)
{
    char name[64], *end;
    class_name(m->names, k, name, sizeof name);
    if (*name == '#') return (uint32_t)strtoul(name + 1, NULL, 16);
    if (objects) return k ? 255 : 0;
    const unsigned long value = strtoul(name, &end, 10);
    return *name && !*end && value < 256 ? (uint32_t)value : (uint32_t)k;
}

jd_status segments_write(jd_ctx *ctx, const model *m, bool objects, const float *map, int height, int width,
                         const char *path)
{
    const size_t pixels = (size_t)height * (size_t)width, K = (size_t)m->classes;
    const int channels = m->names && *m->names == '#' ? 3 : 1;
    uint32_t *value = jd_alloc_array(ctx, K, sizeof *value);
    uint8_t *to = jd_alloc_array(ctx, pixels, (size_t)channels);
    for (size_t k = 0; value && k < K; k++) value[k] = value_of(m, objects, (int)k);
    for (size_t i = 0; value && to && i < pixels; i++) {
        const uint32_t v = value[segments_class(map + i * K, m->classes)];
        for (int c = 0; c < channels; c++)
            to[i * (size_t)channels + (size_t)c] = (uint8_t)(v >> 8 * (channels - 1 - c));
    }
    if (value && to) jd_write_png(ctx, path, &(jd_picture){height, width, channels, to});
    jd_free(ctx, value);
    jd_free(ctx, to);
    return jd_error(ctx);
}

/* ---- the report --------------------------------------------------------------------------------------------------------------*/

static void report_classes(jd_ctx *ctx, jd_report *rep, const model *m, const segments_score *s)
{
    enum { COLUMNS = 3, CELL = 64 };
    const int K = m->classes;
    char(*text)[CELL] = jd_alloc_array(ctx, (size_t)(K * COLUMNS), sizeof *text);
    const char **cell = jd_alloc_array(ctx, (size_t)(K * COLUMNS), sizeof *cell);
    const char **name = jd_alloc_array(ctx, (size_t)K, sizeof *name);
    for (int k = 0; !jd_error(ctx) && k < K; k++) {
        class_name(m->names, k, text[COLUMNS * k], CELL);
        snprintf(text[COLUMNS * k + 1], CELL, "%.4f", segments_iou(s, K, k));
        snprintf(text[COLUMNS * k + 2], CELL, "%.4f", segments_dice(s, K, k));
        for (int i = 0; i < COLUMNS; i++) cell[COLUMNS * k + i] = text[COLUMNS * k + i];
        name[k] = text[COLUMNS * k];
    }
    if (!jd_error(ctx)) {
        jd_report_section(rep, "Its classes");
        jd_report_table(rep, (const char *const[]){"class", "intersection over union", "Dice"}, cell, (size_t)K,
                        COLUMNS, "Of the pixels that are of a class, or are taken for it, the share that is both.");
        jd_report_confusion(rep, name, s->confusion, (size_t)K, "Pixels: true classes in rows, answers in columns.");
    }
    jd_free(ctx, text);
    jd_free(ctx, cell);
    jd_free(ctx, name);
}

/* The middle SIDE x SIDE pixels of a picture, black beyond it. */
static void put_tile(uint8_t *tile, const masked *p, int channels, const uint8_t *shade)
{
    const int top = (p->height - SIDE) / 2, left = (p->width - SIDE) / 2;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const int i = y + top, j = x + left;
            uint8_t *to = tile + 3 * (y * SIDE + x);
            if (i < 0 || j < 0 || i >= p->height || j >= p->width) continue;
            const size_t at = (size_t)i * (size_t)p->width + (size_t)j;
            for (int c = 0; c < 3; c++)
                to[c] = shade ? shade[at] : p->pixels[at * (size_t)channels + (size_t)(channels == 3 ? c : 0)];
        }
}

/* Lines around classes in a picture (SIDE,SIDE) of them: a channel of the tile made bright and the others dark. */
static void put_lines(uint8_t *tile, const uint8_t *shade, int channel)
{
    for (int y = 0; y + 1 < SIDE; y++)
        for (int x = 0; x + 1 < SIDE; x++) {
            const uint8_t *at = shade + 3 * (y * SIDE + x);
            if (at[0] == at[3] && at[0] == at[3 * SIDE]) continue;
            for (int c = 0; c < 3; c++) {
                uint8_t *to = tile + 3 * (y * SIDE + x) + c;
                *to = c == channel ? 255 : (uint8_t)(*to / 4);
            }
        }
}

/* Black for the first class, white for the last. */
static uint8_t grey_of(int class, int classes)
{
    return (uint8_t)(class * 255 / (classes - 1) & 255);
}

static jd_status report_pictures(jd_ctx *ctx, jd_report *rep, jd_scanner *const *scan, const model *m, const masks *set,
                                 const uint32_t *index, size_t n)
{
    const size_t shown = n < SHOWN ? n : SHOWN, size = SIDE * SIDE * 3;
    uint8_t *tiles = jd_alloc_array(ctx, TILES * shown, size), *likely = jd_alloc_array(ctx, size, 1);
    for (size_t i = 0; i < shown && !jd_error(ctx); i++) {
        const masked *p = &set->picture[index ? index[i] : i];
        const int64_t pixels = (int64_t)p->height * p->width;
        uint8_t *shade = jd_alloc_array(ctx, (size_t)pixels, 1);
        float *map = shade ? segments_map(ctx, scan, m, p) : NULL;
        if (map && !jd_error(ctx)) {
            uint8_t *tile = tiles + TILES * i * size, *lines = tile + 3 * size;
            put_tile(tile, p, set->channels, NULL);
            put_tile(lines, p, set->channels, NULL);
            for (int64_t q = 0; q < pixels; q++) shade[q] = grey_of(p->label[q], m->classes);
            put_tile(tile + size, p, set->channels, shade);
            put_lines(lines, tile + size, 1);
            for (int64_t q = 0; q < pixels; q++)
                shade[q] = grey_of(segments_class(map + q * m->classes, m->classes), m->classes);
            put_tile(likely, p, set->channels, shade);
            put_lines(lines, likely, 0);
            for (int64_t q = 0; m->classes == 2 && q < pixels; q++) shade[q] = (uint8_t)(255 * map[2 * q + 1] + 0.5f);
            put_tile(tile + 2 * size, p, set->channels, shade);
        }
        jd_free(ctx, map);
        jd_free(ctx, shade);
    }
    if (!jd_error(ctx)) {
        jd_report_section(rep, "What it sees");
        jd_report_images(
            rep,
            &(jd_tiles){.pixels = tiles, .n = TILES * shown, .h = SIDE, .w = SIDE, .channels = 3, .columns = TILES},
            m->classes == 2
                ? "The middle of pictures, each beside its mask, the probability of class 1, and lines around "
                  "classes: green in the mask, red in the answer."
                : "The middle of pictures, each beside its mask, the likeliest classes, the higher the "
                  "brighter, and lines around classes: green in the mask, red in the answer.");
    }
    jd_free(ctx, likely);
    jd_free(ctx, tiles);
    return jd_error(ctx);
}

jd_status segments_report(jd_ctx *ctx, jd_report *rep, jd_scanner *const *scan, const model *m, const masks *set,
                          const uint32_t *index, size_t n, const segments_score *s)
{
    report_classes(ctx, rep, m, s);
    return report_pictures(ctx, rep, scan, m, set, index, n);
}

masks_kind segments_kind(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    char *word = f ? jd_model_setting(ctx, f, "mask-values") : NULL;
    masks_kind kind = word && !strcmp(word, masks_kinds[MASKS_OBJECTS]) ? MASKS_OBJECTS : MASKS_CLASSES_EACH;
    jd_free(ctx, word);
    jd_tensor_file_close(f);
    return kind;
}
