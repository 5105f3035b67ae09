/* picture_files.h - small BMP and GIF files, written by Pillow, for tests. */
#ifndef JD_TESTS_PICTURE_FILES_H
#define JD_TESTS_PICTURE_FILES_H

#include <stdint.h>

/* 5 x 6, interlaced: pixel (x,y) is colour (x + y) % 4 of black, red, green and one that is transparent. */
static const uint8_t GIF_FILE[65] = {71, 73, 70,  56,  57, 97, 5,  0,   6,  0,   129, 0,   0, 0, 0,  0,  255,
                                     0,  0,  0,   255, 0,  10, 20, 30,  33, 249, 4,   1,   0, 0, 3,  0,  44,
                                     0,  0,  0,   0,   5,  0,  6,  0,   0,  8,   18,  0,   1, 4, 16, 48, 64,
                                     32, 65, 131, 5,   7,  38, 60, 168, 16, 161, 192, 128, 0, 59};

/* The header of a bitmap whose pixels of w x h follow a palette of `colours`; h < 0: the first row comes first.  Its length. */
static inline int bmp_header(uint8_t *p, int w, int h, int bits, int compression, int colours)
{
    const uint32_t at = 54u + 4u * (uint32_t)colours + (compression == 3 ? 12u : 0u);
    const uint32_t field[] = {0,
                              0,
                              at,
                              40,
                              (uint32_t)w,
                              (uint32_t)h,
                              1u | (uint32_t)bits << 16,
                              (uint32_t)compression,
                              0,
                              0,
                              0,
                              (uint32_t)colours,
                              0};
    p[0] = 'B', p[1] = 'M';
    for (int i = 0; i < 52; i++) p[2 + i] = (uint8_t)(field[i / 4] >> 8 * (i % 4));
    return 54;
}

/* 3 x 2 pixels: red, green, blue; (10,20,30), (200,100,50), white. */
static const uint8_t WEBP_FILE[] = {82,  73,  70,  70,  66,  0,   0,   0,   87,  69,  66,  80,  86,  80,  56,
                                    76,  54,  0,   0,   0,   47,  2,   64,  0,   0,   47,  64,  144, 109, 179,
                                    65,  220, 235, 254, 50,  211, 32,  147, 182, 201, 95,  255, 118, 102, 109,
                                    100, 210, 54,  173, 135, 253, 243, 175, 178, 243, 31,  104, 228, 145, 172,
                                    251, 6,   4,   2,   148, 177, 226, 129, 109, 34,  250, 31,  227, 5};

#endif
