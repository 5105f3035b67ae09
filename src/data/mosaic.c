/* mosaic.c - pictures cut from mosaics, by an index in text; and pictures in a random order. */
#include "jackdaw/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"

enum { SIDE_LIMIT = 4096, CLASS_LIMIT = 65535 };

static const char *const BOX[6] = {"orig_w", "orig_h", "roi_x1", "roi_y1", "roi_x2", "roi_y2"};

typedef struct reader {
    jd_ctx *ctx;
    const char *path;
    jd_tsv tsv;
    int mosaic, tile, label, track; /* columns; -1: none */
    int box[6];
    bool boxed;
    int side, classes;
    char *name; /* of the mosaic that is open; points into the table */
    jd_picture open;
} reader;

static int column(const reader *r, const char *name)
{
    for (size_t c = 0; c < r->tsv.cols; c++)
        if (!strcmp(r->tsv.names[c], name)) return (int)c;
    return -1;
}

static jd_status find_columns(reader *r)
{
    r->mosaic = jd_tsv_column(r->ctx, &r->tsv, "mosaic");
    if (!jd_error(r->ctx)) r->tile = jd_tsv_column(r->ctx, &r->tsv, "tile");
    if (!jd_error(r->ctx)) r->label = jd_tsv_column(r->ctx, &r->tsv, "class");
    if (jd_error(r->ctx)) {
        char why[256];
        snprintf(why, sizeof why, "%s", jd_error_message(r->ctx));
        jd_error_clear(r->ctx);
        return jd_fail(r->ctx, JD_EDATA, "%s: line 1: %s", r->path, why);
    }
    r->track = column(r, "track");
    int there = 0;
    for (int k = 0; k < 6; k++) there += (r->box[k] = column(r, BOX[k])) >= 0;
    r->boxed = there == 6;
    if (there && !r->boxed)
        return jd_fail(r->ctx, JD_EDATA, "%s: line 1: %d of the six columns orig_w ... roi_y2; all or none are needed",
                       r->path, there);
    return JD_OK;
}

/* A whole number of least..most in a cell. */
static int number(const reader *r, size_t row, int col, int least, int most)
{
    const char *text = r->tsv.fields[row * r->tsv.cols + (size_t)col];
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (*text && !*end && !errno && v >= least && v <= most) return (int)v;
    jd_fail(r->ctx, JD_EDATA, "%s: line %zu: %s is '%.40s'; a whole number of %d to %d is needed", r->path,
            r->tsv.lines[row], r->tsv.names[col], text, least, most);
    return 0;
}

/* Opens the mosaic of a row, unless it is open.  Names with a slash could lead out of the folder. */
static jd_status open_mosaic(reader *r, size_t row)
{
    char *name = r->tsv.fields[row * r->tsv.cols + (size_t)r->mosaic];
    if (r->name && !strcmp(r->name, name)) return JD_OK;
    if (!*name || strchr(name, '/'))
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: '%.40s' is no name of a file in the same folder", r->path,
                       r->tsv.lines[row], name);
    const char *slash = strrchr(r->path, '/');
    const int folder = slash ? (int)(slash - r->path) + 1 : 0;
    char *path = jd_asprintf(r->ctx, "%.*s%s", folder, r->path, name);
    jd_picture_free(r->ctx, &r->open);
    r->name = NULL;
    if (path && !jd_read_picture(r->ctx, path, 3, &r->open)) {
        r->name = name;
        if (r->open.width % r->side || r->open.height % r->side)
            jd_fail(r->ctx, JD_EDATA, "%s: %d x %d pixels are no whole number of tiles of %d x %d (%s, line %zu)", path,
                    r->open.width, r->open.height, r->side, r->side, r->path, r->tsv.lines[row]);
    }
    jd_free(r->ctx, path);
    return jd_error(r->ctx);
}

/* The box of a row in pixels of its tile: x0 y0 x1 y1. */
static jd_status find_box(const reader *r, size_t row, double box[4])
{
    int v[6];
    for (int k = 0; k < 6; k++) v[k] = number(r, row, r->box[k], k < 2 ? 1 : 0, 1 << 20);
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    if (v[2] >= v[4] || v[3] >= v[5] || v[4] >= v[0] || v[5] >= v[1])
        return jd_fail(r->ctx, JD_EDATA, "%s: line %zu: the box (%d,%d)-(%d,%d) is not inside %d x %d pixels", r->path,
                       r->tsv.lines[row], v[2], v[3], v[4], v[5], v[0], v[1]);
    box[0] = (double)v[2] * r->side / v[0];
    box[1] = (double)v[3] * r->side / v[1];
    box[2] = (double)(v[4] + 1) * r->side / v[0];
    box[3] = (double)(v[5] + 1) * r->side / v[1];
    return JD_OK;
}

/* Picture `row` into `out` (side,side,3); `scratch` is as large. */
static jd_status cut(reader *r, size_t row, uint8_t *scratch, uint8_t *out)
{
    if (open_mosaic(r, row)) return jd_error(r->ctx);
    const int across = r->open.width / r->side, down = r->open.height / r->side;
    const int tile = number(r, row, r->tile, 0, across * down - 1);
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    const size_t line = (size_t)r->side * 3, pitch = (size_t)r->open.width * 3;
    const uint8_t *p = r->open.pixels + (size_t)(tile / across * r->side) * pitch + (size_t)(tile % across) * line;
    uint8_t *to = r->boxed ? scratch : out;
    for (int i = 0; i < r->side; i++) memcpy(to + (size_t)i * line, p + (size_t)i * pitch, line);
    double box[4] = {0};
    if (!r->boxed) return JD_OK;
    if (find_box(r, row, box)) return jd_error(r->ctx);
    jd_resize_bilinear(scratch, r->side, r->side, 3, box[0], box[1], box[2], box[3], out, r->side, r->side);
    return JD_OK;
}

static jd_status read_all(reader *r, jd_images *im)
{
    const size_t n = r->tsv.rows, each = (size_t)r->side * (size_t)r->side * 3;
    uint8_t *scratch = jd_alloc(r->ctx, each);
    im->labels = jd_alloc_array(r->ctx, n, sizeof *im->labels);
    if (r->track >= 0) im->groups = jd_alloc_array(r->ctx, n, sizeof *im->groups);
    size_t room = 0;
    for (size_t i = 0; i < n && !jd_error(r->ctx); i++) {
        /* memory follows the tiles that were found, not the rows that the index claims */
        if (i == room) {
            const size_t more = room ? (2 * room < n ? 2 * room : n) : n < 64 ? n : 64;
            uint8_t *larger = jd_realloc(r->ctx, im->pixels, room * each, more * each);
            if (!larger) break;
            im->pixels = larger;
            room = more;
        }
        im->labels[i] = number(r, i, r->label, 0, r->classes - 1);
        const int track = r->track >= 0 ? number(r, i, r->track, -1, 32767) : -1;
        if (jd_error(r->ctx) || cut(r, i, scratch, im->pixels + i * each)) break;
        /* pictures of no track are groups of their own, by negative numbers */
        if (im->groups) im->groups[i] = track < 0 ? -1 - (int32_t)i : im->labels[i] * 32768 + track;
    }
    jd_free(r->ctx, scratch);
    return jd_error(r->ctx);
}

jd_status jd_images_read_mosaics(jd_ctx *ctx, const char *index_path, int side, int classes, jd_images *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (side < 1 || side > SIDE_LIMIT || classes < 1 || classes > CLASS_LIMIT)
        return jd_fail(ctx, JD_EUSAGE, "jd_images_read_mosaics: tiles of %d pixels, %d classes; 1 to %d and 1 to %d",
                       side, classes, SIDE_LIMIT, CLASS_LIMIT);
    reader r = {.ctx = ctx, .path = index_path, .side = side, .classes = classes};
    jd_images im = {.height = side, .width = side, .channels = 3, .classes = classes};
    if (!jd_read_tsv(ctx, index_path, &r.tsv) && !find_columns(&r)) {
        im.count = r.tsv.rows;
        if (!im.count || im.count > UINT32_MAX / 2)
            jd_fail(ctx, JD_EDATA, "%s: line 1: %zu pictures follow; 1 to 2^31 are possible", index_path, im.count);
        else
            read_all(&r, &im);
    }
    jd_picture_free(ctx, &r.open);
    jd_tsv_free(ctx, &r.tsv);
    if (jd_error(ctx))
        jd_images_free(ctx, &im);
    else
        *out = im;
    return jd_error(ctx);
}

/* ---- a random order ------------------------------------------------------------------------------------------------------*/

typedef struct keyed {
    uint64_t key;   /* random, of the group */
    uint32_t group; /* where two groups drew one key */
    uint32_t at;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

jd_status jd_images_mix(jd_ctx *ctx, jd_images *images, uint64_t seed)
{
    if (!jd__given(ctx, __func__, "images", images)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const size_t n = images->count, each = (size_t)images->height * (size_t)images->width * (size_t)images->channels;
    keyed *order = jd_alloc_array(ctx, n, sizeof *order);
    jd_images to = *images;
    to.pixels = jd_alloc_array(ctx, n, each);
    to.labels = images->labels ? jd_alloc_array(ctx, n, sizeof *to.labels) : NULL;
    to.groups = images->groups ? jd_alloc_array(ctx, n, sizeof *to.groups) : NULL;
    if (jd_error(ctx)) {
        jd_images_free(ctx, &to);
        jd_free(ctx, order);
        return jd_error(ctx);
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t group = images->groups ? (uint32_t)images->groups[i] : (uint32_t)i;
        jd_rng r = jd_rng_new(seed, "mix", group);
        const uint64_t high = jd_rng_u32(&r);
        order[i] = (keyed){high << 32 | jd_rng_u32(&r), group, (uint32_t)i};
    }
    qsort(order, n, sizeof *order, by_key);
    for (size_t i = 0; i < n; i++) {
        memcpy(to.pixels + i * each, images->pixels + order[i].at * each, each);
        if (to.labels) to.labels[i] = images->labels[order[i].at];
        if (to.groups) to.groups[i] = images->groups[order[i].at];
    }
    jd_free(ctx, order);
    jd_images_free(ctx, images);
    *images = to;
    return JD_OK;
}
