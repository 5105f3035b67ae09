/* gtsrb.c - traffic signs in folders with an index of boxes and classes (see sets.h). */
#include "data/collect.h"
#include "jackdaw/prepare.h"
#include "jackdaw/sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_LIMIT = 4096, TRACKS = 100000 };

static const char *const COLUMNS[] = {"Filename", "Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId"};
enum { NAME, WIDTH, HEIGHT, X1, Y1, X2, Y2, CLASS, FIELDS };

typedef struct reader {
    jd__collector c;
    const char *index;
    jd_tsv t;
    int col[FIELDS];
} reader;

static int number(reader *r, size_t row, int field, int least, int most)
{
    const char *text = r->t.fields[row * r->t.cols + (size_t)r->col[field]];
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (*text && !*end && !errno && v >= least && v <= most) return (int)v;
    jd_fail(r->c.ctx, JD_EDATA, "%s: line %zu: %s is '%.40s'; a whole number of %d to %d is needed", r->index,
            r->t.lines[row], COLUMNS[field], text, least, most);
    return 0;
}

/* 00012_00029.ppm is frame 29 of track 12; other names are groups of their own. */
static int32_t track(const char *name, int label, size_t count)
{
    char *end;
    const long v = strtol(name, &end, 10);
    return end > name && *end == '_' && v >= 0 && v < TRACKS && label < 20000 ? label * TRACKS + (int32_t)v
                                                                              : -1 - (int32_t)count;
}

static jd_status read_one(reader *r, size_t row)
{
    jd_ctx *ctx = r->c.ctx;
    const char *name = r->t.fields[row * r->t.cols + (size_t)r->col[NAME]], *slash = strrchr(r->index, '/');
    if (!*name || strchr(name, '/'))
        return jd_fail(ctx, JD_EDATA, "%s: line %zu: '%.40s' is no name of a file in the same folder", r->index,
                       r->t.lines[row], name);
    int v[FIELDS] = {0};
    for (int k = WIDTH; k < FIELDS && !jd_error(ctx); k++)
        v[k] = number(r, row, k, k <= HEIGHT, k == CLASS ? r->c.set.classes - 1 : 1 << 20);
    if (jd_error(ctx)) return jd_error(ctx);
    if (v[X1] >= v[X2] || v[Y1] >= v[Y2] || v[X2] >= v[WIDTH] || v[Y2] >= v[HEIGHT])
        return jd_fail(ctx, JD_EDATA, "%s: line %zu: the box (%d,%d)-(%d,%d) is not inside %d x %d pixels", r->index,
                       r->t.lines[row], v[X1], v[Y1], v[X2], v[Y2], v[WIDTH], v[HEIGHT]);
    char *path = jd_asprintf(ctx, "%.*s%s", slash ? (int)(slash - r->index) + 1 : 0, r->index, name);
    jd_picture p = {0};
    if (path && !jd_read_picture(ctx, path, 3, &p)) {
        if (p.width != v[WIDTH] || p.height != v[HEIGHT])
            jd_fail(ctx, JD_EDATA, "%s: line %zu: %s has %d x %d pixels, not %d x %d", r->index, r->t.lines[row], name,
                    p.width, p.height, v[WIDTH], v[HEIGHT]);
        uint8_t *to = jd__collect(&r->c, v[CLASS], track(name, v[CLASS], r->c.set.count));
        if (to)
            jd_resize_bilinear(p.pixels, p.height, p.width, 3, v[X1], v[Y1], v[X2] + 1, v[Y2] + 1, to, r->c.set.height,
                               r->c.set.width);
    }
    jd_picture_free(ctx, &p);
    jd_free(ctx, path);
    return jd_error(ctx);
}

static jd_status read_index(reader *r, const char *index)
{
    jd_ctx *ctx = r->c.ctx;
    r->index = index;
    if (jd_read_words(ctx, index, ';', &r->t)) return jd_error(ctx);
    for (int k = 0; k < FIELDS && !jd_error(ctx); k++) {
        r->col[k] = -1;
        for (size_t c = 0; c < r->t.cols; c++)
            if (!strcmp(r->t.names[c], COLUMNS[k])) r->col[k] = (int)c;
        if (r->col[k] < 0)
            jd_fail(ctx, JD_EDATA, "%s: line 1: no column %s%s; columns are separated by ;", index, COLUMNS[k],
                    k == CLASS ? " (the index without classes is not the one to test with: take GT-final_test.csv)"
                               : "");
    }
    for (size_t i = 0; i < r->t.rows && !jd_error(ctx); i++) read_one(r, i);
    jd_tsv_free(ctx, &r->t);
    return jd_error(ctx);
}

/* The indices in a folder; false where there is none. */
static bool read_folder(reader *r, const char *dir)
{
    size_t n;
    char **names = jd__list_folder(r->c.ctx, dir, ".csv", &n);
    for (size_t i = 0; i < n && !jd_error(r->c.ctx); i++) {
        const size_t length = strlen(names[i]);
        if (n > 1 && length > 9 && !strcmp(names[i] + length - 9, ".test.csv")) continue; /* the one without classes */
        char *path = jd_asprintf(r->c.ctx, "%s/%s", dir, names[i]);
        if (path) read_index(r, path);
        jd_free(r->c.ctx, path);
    }
    jd__list_free(r->c.ctx, names, n);
    return n > 0;
}

static bool is_index(const char *path)
{
    const size_t n = strlen(path);
    return (n > 4 && !strcmp(path + n - 4, ".csv")) || (n > 7 && !strcmp(path + n - 7, ".csv.gz"));
}

jd_status jd_images_read_gtsrb(jd_ctx *ctx, const char *path, int side, int classes, jd_images *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (side < 1 || side > SIDE_LIMIT || classes < 1)
        return jd_fail(ctx, JD_EUSAGE, "jd_images_read_gtsrb: side %d, %d classes; 1 to %d, and 1 or more", side,
                       classes, SIDE_LIMIT);
    reader r = {
        .c = {.ctx = ctx, .set = {.height = side, .width = side, .channels = 3, .classes = classes}, .grouped = true}};
    if (is_index(path)) {
        read_index(&r, path);
    } else if (!read_folder(&r, path)) {
        size_t n;
        char **below = jd__list_folder(ctx, path, "", &n);
        if (!below && !jd_error(ctx)) jd_fail(ctx, JD_ENOINPUT, "%s: no such folder; check the path", path);
        for (size_t i = 0; i < n && !jd_error(ctx); i++) {
            char *dir = jd_asprintf(ctx, "%s/%s", path, below[i]);
            if (dir) read_folder(&r, dir);
            jd_free(ctx, dir);
        }
        jd__list_free(ctx, below, n);
    }
    return jd__collected(&r.c, path, out);
}
