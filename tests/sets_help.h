/* sets_help.h - small files in the formats of published sets of pictures, for tests. */
#ifndef JD_TESTS_SETS_HELP_H
#define JD_TESTS_SETS_HELP_H

#include <stdint.h>
#include <string.h>

static inline size_t put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
    return 4;
}

/* A matrix of small NORB: bytes, or integers where `values` is NULL and `numbers` is not.  Returns its size. */
static inline size_t norb_matrix(uint8_t *to, int rank, const uint32_t *size, const uint8_t *values,
                                 const int32_t *numbers)
{
    size_t at = put32(to, values ? 0x1E3D4C55 : 0x1E3D4C54), n = 1;
    at += put32(to + at, (uint32_t)rank);
    for (int i = 0; i < (rank > 3 ? rank : 3); i++) {
        at += put32(to + at, i < rank ? size[i] : 1);
        n *= i < rank ? size[i] : 1;
    }
    if (values) memcpy(to + at, values, n);
    for (size_t i = 0; numbers && i < n; i++) put32(to + at + 4 * i, (uint32_t)numbers[i]);
    return at + n * (values ? 1 : 4);
}

/* A record of CASIA-HWDB: gray (h,w).  Returns its size. */
static inline size_t gnt_record(uint8_t *to, unsigned code, int h, int w, const uint8_t *gray)
{
    const size_t n = (size_t)h * (size_t)w;
    put32(to, (uint32_t)(10 + n));
    to[4] = (uint8_t)(code >> 8);
    to[5] = (uint8_t)code;
    to[6] = (uint8_t)w;
    to[7] = (uint8_t)(w >> 8);
    to[8] = (uint8_t)h;
    to[9] = (uint8_t)(h >> 8);
    memcpy(to + 10, gray, n);
    return 10 + n;
}

#endif
