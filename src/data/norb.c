/* norb.c - the matrix files of small NORB (see sets.h). */
#include "jackdaw/sets.h"

#include <string.h>

enum { BYTES = 0x1E3D4C55, INTEGERS = 0x1E3D4C54, FAMILY = 0x1E3D4C5, LISTED = 3, INSTANCES = 64 };

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The head: type, rank, and at least three dimensions, those beyond the rank being of no account.  *at is where the values
 * begin. */
static jd_status head(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes, jd_norb_matrix *m, size_t *at)
{
    if (bytes < 8 + 4 * LISTED)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 0: %zu bytes are no matrix of NORB; the file is cut off or of another kind", path,
                       bytes);
    const uint32_t type = le32(p), rank = le32(p + 4);
    if (type != BYTES && type != INTEGERS)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte 0: type 0x%08x%s; matrices of bytes (0x%08x) and of integers (0x%08x) are "
                       "read",
                       path, type, type >> 4 == FAMILY ? " of the family, with other values" : "", (unsigned)BYTES,
                       (unsigned)INTEGERS);
    if (rank < 1 || rank > 4 || bytes < 8 + 4 * (size_t)(rank > LISTED ? rank : LISTED))
        return jd_fail(ctx, JD_EDATA, "%s: byte 4: %u dimensions; 1 to 4 are possible", path, rank);
    *m = (jd_norb_matrix){.rank = (int)rank, .size = {1, 1, 1, 1}, .count = 1, .bytes = type == BYTES};
    *at = 8 + 4 * (size_t)(rank > LISTED ? rank : LISTED);
    const size_t room = (bytes - *at) / (m->bytes ? 1 : 4);
    for (uint32_t i = 0; i < rank; i++) {
        m->size[i] = le32(p + 8 + 4 * i);
        if (m->size[i] < 1 || m->size[i] > room / m->count)
            return jd_fail(ctx, JD_EDATA,
                           "%s: byte %u: dimension %u is %zu, but only %zu values are there; the file is cut "
                           "off, fetch it again",
                           path, 8 + 4 * i, i, m->size[i], room);
        m->count *= m->size[i];
    }
    const size_t end = *at + m->count * (m->bytes ? 1 : 4);
    if (end != bytes)
        return jd_fail(ctx, JD_EDATA, "%s: byte %zu: %zu bytes follow the matrix; the file is damaged", path, end,
                       bytes - end);
    return JD_OK;
}

jd_status jd_read_norb(jd_ctx *ctx, const char *path, jd_norb_matrix *out)
{
    if (jd_error(ctx)) return jd_error(ctx);
    size_t bytes, at = 0;
    uint8_t *p = jd_read_gz(ctx, path, 0, &bytes);
    jd_norb_matrix m = {0};
    if (!p || head(ctx, path, p, bytes, &m, &at)) {
        jd_free(ctx, p);
        return jd_error(ctx);
    }
    m.data = p; /* the values move to the front of the memory that the file stands in */
    if (m.bytes) {
        memmove(p, p + at, m.count);
    } else {
        int32_t *to = m.data;
        for (size_t i = 0; i < m.count; i++) to[i] = (int32_t)le32(p + at + 4 * i);
    }
    *out = m;
    return JD_OK;
}

/* A column of integers (rows, width) that belongs to `rows` pictures; each value 0 .. most. */
static int32_t *column(jd_ctx *ctx, const char *path, size_t rows, int32_t most, const char *what)
{
    jd_norb_matrix m = {0};
    if (jd_read_norb(ctx, path, &m)) return NULL;
    const size_t width = m.rank == 1 ? 1 : m.size[1];
    int32_t *to = NULL;
    if (m.bytes || m.rank > 2 || m.size[0] != rows)
        jd_fail(ctx, JD_EDATA,
                "%s: byte 4: %zu rows of %s, but there are %zu pictures; check that the files belong "
                "together",
                path, m.size[0], m.bytes ? "bytes" : "integers", rows);
    else
        to = jd_alloc_array(ctx, rows, sizeof *to);
    for (size_t i = 0; to && i < rows && !jd_error(ctx); i++) {
        to[i] = ((const int32_t *)m.data)[i * width];
        if (to[i] < 0 || to[i] > most)
            jd_fail(ctx, JD_EDATA, "%s: row %zu: %s %d; 0 to %d are possible", path, i, what, to[i], most);
    }
    jd_free(ctx, m.data);
    if (!jd_error(ctx)) return to;
    jd_free(ctx, to);
    return NULL;
}

/* (count,2,H,W) to (count,H,W,2) */
static void interleave(const uint8_t *from, jd_images *im)
{
    const size_t plane = (size_t)im->height * (size_t)im->width;
    for (size_t i = 0; i < im->count; i++)
        for (size_t k = 0; k < plane; k++) {
            im->pixels[2 * (i * plane + k)] = from[2 * i * plane + k];
            im->pixels[2 * (i * plane + k) + 1] = from[(2 * i + 1) * plane + k];
        }
}

jd_status jd_images_read_norb(jd_ctx *ctx, const char *dat, const char *cat, const char *info, int classes,
                              jd_images *out)
{
    jd_norb_matrix m = {0};
    if (jd_read_norb(ctx, dat, &m)) return jd_error(ctx);
    jd_images im = {.count = m.size[0], .channels = 2, .classes = classes};
    if (!m.bytes || m.rank != 4 || m.size[1] != 2 || m.size[2] > 4096 || m.size[3] > 4096) {
        jd_fail(ctx, JD_EDATA, "%s: byte 4: %d dimensions, %zu x %zu x %zu; pictures are bytes (count,2,H,W)", dat,
                m.rank, m.size[1], m.size[2], m.size[3]);
    } else {
        im.height = (int)m.size[2];
        im.width = (int)m.size[3];
        im.labels = column(ctx, cat, im.count, classes - 1, "category");
        if (info && !jd_error(ctx)) im.groups = column(ctx, info, im.count, INSTANCES - 1, "instance");
        for (size_t i = 0; im.groups && i < im.count; i++) im.groups[i] += INSTANCES * im.labels[i];
        im.pixels = jd_alloc_array(ctx, m.count, 1);
        if (!jd_error(ctx)) interleave(m.data, &im);
    }
    jd_free(ctx, m.data);
    if (jd_error(ctx))
        jd_images_free(ctx, &im);
    else
        *out = im;
    return jd_error(ctx);
}
