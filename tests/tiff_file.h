/* tiff_file.h - small TIFF files for tests: not compressed, one strip or one tile a picture. */
#ifndef JD_TESTS_TIFF_FILE_H
#define JD_TESTS_TIFF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct tiff_kind {
    bool big;
    int bits, form;  /* sample format: 1 without sign, 2 with, 3 float */
    int photometric; /* 0: 0 is white, 1: 0 is black */
    int pages, height, width;
    bool tiled; /* one tile of 16 x 16 */
} tiff_kind;

static inline void tiff_put(const tiff_kind *k, uint8_t *p, int bytes, uint32_t v)
{
    for (int i = 0; i < bytes; i++) p[k->big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

static inline size_t tiff_entry(const tiff_kind *k, uint8_t *p, int tag, int type, uint32_t v)
{
    tiff_put(k, p, 2, (uint32_t)tag);
    tiff_put(k, p + 2, 2, (uint32_t)type);
    tiff_put(k, p + 4, 4, 1);
    memset(p + 8, 0, 4);
    tiff_put(k, p + 8, type == 3 ? 2 : 4, v);
    return 12;
}

/* Writes the file; sample (page,y,x) has the bits value[(page height + y) width + x].  Returns its bytes. */
static inline size_t tiff_file(const tiff_kind *k, const uint32_t *value, uint8_t *out)
{
    const int bytes = k->bits / 8, rows = k->tiled ? 16 : k->height, columns = k->tiled ? 16 : k->width;
    const int row = (columns * k->bits + 7) / 8;
    size_t at = 8, link = 4;
    memcpy(out, k->big ? "MM" : "II", 2);
    tiff_put(k, out + 2, 2, 42);
    for (int page = 0; page < k->pages; page++) {
        const size_t data = at, n = (size_t)(rows * row);
        memset(out + at, 0, n);
        for (int y = 0; y < k->height; y++)
            for (int x = 0; x < k->width; x++) {
                const uint32_t v = value[(page * k->height + y) * k->width + x];
                if (k->bits == 1)
                    out[at + (size_t)(y * row + x / 8)] |= (uint8_t)(v << (7 - x % 8));
                else
                    tiff_put(k, out + at + (size_t)(y * row + x * bytes), bytes, v);
            }
        at += n + n % 2;
        tiff_put(k, out + link, 4, (uint32_t)at);
        const int entries = k->tiled ? 11 : 10;
        tiff_put(k, out + at, 2, (uint32_t)entries);
        at += 2;
        at += tiff_entry(k, out + at, 256, 4, (uint32_t)k->width);
        at += tiff_entry(k, out + at, 257, 4, (uint32_t)k->height);
        at += tiff_entry(k, out + at, 258, 3, (uint32_t)k->bits);
        at += tiff_entry(k, out + at, 259, 3, 1);
        at += tiff_entry(k, out + at, 262, 3, (uint32_t)k->photometric);
        if (!k->tiled) at += tiff_entry(k, out + at, 273, 4, (uint32_t)data);
        at += tiff_entry(k, out + at, 277, 3, 1);
        if (!k->tiled) {
            at += tiff_entry(k, out + at, 278, 4, (uint32_t)k->height);
            at += tiff_entry(k, out + at, 279, 4, (uint32_t)n);
        } else {
            at += tiff_entry(k, out + at, 322, 4, 16);
            at += tiff_entry(k, out + at, 323, 4, 16);
            at += tiff_entry(k, out + at, 324, 4, (uint32_t)data);
            at += tiff_entry(k, out + at, 325, 4, (uint32_t)n);
        }
        at += tiff_entry(k, out + at, 339, 3, (uint32_t)k->form);
        link = at;
        tiff_put(k, out + at, 4, 0);
        at += 4;
    }
    return at;
}

#endif
