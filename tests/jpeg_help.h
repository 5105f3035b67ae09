/* jpeg_help.h - small JPEG files for tests; nothing where the build has no libjpeg. */
#ifndef JD_TESTS_JPEG_HELP_H
#define JD_TESTS_JPEG_HELP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef JD_HAVE_JPEG
#include <jpeglib.h>
#endif

/* Pixels (height,width,channels), channels 1, 3 or 4 (inks, inverted as Adobe's programs store them), as a file in memory
 * for free(); NULL without libjpeg. */
static inline uint8_t *jpeg_file(const uint8_t *pixels, int height, int width, int channels, bool progressive,
                                 size_t *bytes)
{
    *bytes = 0;
#ifdef JD_HAVE_JPEG
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr error;
    unsigned char *data = NULL;
    unsigned long size = 0;
    c.err = jpeg_std_error(&error);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &data, &size);
    c.image_height = (JDIMENSION)height;
    c.image_width = (JDIMENSION)width;
    c.input_components = channels;
    c.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 100, TRUE);
    if (channels == 4) c.write_Adobe_marker = TRUE;
    if (progressive) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        uint8_t *row = (uint8_t *)(uintptr_t)(pixels + (size_t)c.next_scanline * (size_t)width * (size_t)channels);
        jpeg_write_scanlines(&c, &(JSAMPROW){row}, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    *bytes = size;
    return data;
#else
    (void)pixels, (void)height, (void)width, (void)channels, (void)progressive;
    return NULL;
#endif
}

#endif
