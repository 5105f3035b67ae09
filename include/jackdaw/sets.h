/*
 * sets.h - published sets of pictures, read as they are distributed.
 *
 *     jd_images signs = {0};
 *     jd_images_read_gtsrb(ctx, "GTSRB/Final_Training/Images", 48, 43, &signs);      // boxes cut out, 48 x 48 RGB
 *
 * Files may be gzip-ed.  As all readers (data.h), these compare what a file claims with what it holds, name the file, the
 * byte or line and the repair, and leave `*out` as it was when they fail.
 */
#ifndef JACKDAW_SETS_H
#define JACKDAW_SETS_H

#include "jackdaw/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CIFAR-10 and CIFAR-100, "binary version" (A. Krizhevsky, Learning multiple layers of features from tiny images, 2009):
 * records of a label - with classes 100 a coarse and a fine one, of which the fine one counts - and three planes of 32 x 32
 * bytes, red, green, blue.  Or the "python version": pickles, of which nothing is run.  The files' pictures one after the other,
 * RGB. */
JD_API jd_status jd_images_read_cifar(jd_ctx *ctx, const char *const *paths, int files, int classes, jd_images *out);

/* A matrix of small NORB (Y. LeCun, F. J. Huang, L. Bottou, CVPR 2004): little-endian, a number for the type, the
 * dimensions, the values.  Bytes (type 0x1E3D4C55) and 32-bit integers (0x1E3D4C54) are read, as `int32_t`s or bytes in
 * `data`; give `data` to jd_free. */
typedef struct jd_norb_matrix {
    int rank;       /* 1..4 */
    size_t size[4]; /* each 1 .. 2^31-1; 1 beyond the rank */
    size_t count;
    bool bytes; /* uint8_t; else int32_t */
    void *data;
} jd_norb_matrix;
JD_API jd_status jd_read_norb(jd_ctx *ctx, const char *path, jd_norb_matrix *out);

/* Small NORB: the pictures of ...-dat.mat (count,2,H,W), of the left and right camera, as two channels; the categories
 * of ...-cat.mat; and, if `info` is not NULL, ...-info.mat, whose first column, the instance, makes groups: a toy is not
 * divided between training and validation set. */
JD_API jd_status jd_images_read_norb(jd_ctx *ctx, const char *dat, const char *cat, const char *info, int classes,
                                     jd_images *out);

/* The German traffic signs as they are distributed (Stallkamp, Schlipsing, Salmen, Igel, IJCNN 2011): `path` is an index,
 * fields separated by `;` with the header Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId, or a folder that
 * holds such indices, itself or one level below (00000/GT-00000.csv...).  The pictures (PPM, PNG or JPEG of any sizes) lie
 * beside their index; the box, inclusive, is cut out and resized to side x side (jd_resize_bilinear).  File names
 * TRACK_FRAME.ppm make a group of each track. */
JD_API jd_status jd_images_read_gtsrb(jd_ctx *ctx, const char *path, int side, int classes, jd_images *out);

/* CASIA-HWDB character files (Liu, Yin, Wang, Wang, ICDAR 2011): records of u32 size, two bytes of GB code, u16 width and
 * height, then gray bytes, 255 paper.  `path` is a .gnt file or a folder of them; each file, one writer's, is a group.
 * Characters outside GB2312 level 1 are left out; a class is the character's place among the 3,755.  Each picture has its
 * contrast stretched to 0..255, ink bright, is resized by area so that its longer side is `ink` and stands in the middle of
 * side x side (the 2013 report: 40 in 48). */
enum { JD_GB2312_LEVEL_1 = 3755 };
typedef struct jd_gnt_options {
    int side, ink; /* 0: 48, 40 */
    int classes;   /* only the first so many of the 3,755; 0: all */
} jd_gnt_options;
JD_API jd_status jd_images_read_gnt(jd_ctx *ctx, const char *path, const jd_gnt_options *o, jd_images *out);
/* The place of a GB code (first byte high) among the 3,755 characters of level 1, or -1. */
JD_API int jd_gb2312_class(unsigned code);

#ifdef __cplusplus
}
#endif
#endif
