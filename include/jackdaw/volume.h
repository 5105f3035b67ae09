/*
 * volume.h - volumes in files: NIfTI-1 (.nii, .nii.gz) and TIFF (single pictures and stacks of slices).
 *
 *     jd_volume v = {0};
 *     jd_read_volume(ctx, "brain.nii.gz", &v);                 // by its contents; see jd_read_nifti, jd_read_tiff
 *     jd_volume_normalise(ctx, &v);                            // mean 0, deviation 1
 *     ... v.voxels[(z * v.height + y) * v.width + x] ...
 *     jd_volume_free(ctx, &v);
 *
 * Files are taken as hostile, as in data.h; at most 2^28 voxels.
 */
#ifndef JACKDAW_VOLUME_H
#define JACKDAW_VOLUME_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the voxels lie, as NIfTI says it: kept from a file that is read, so that a map of it can be written in its place. */
typedef struct jd_volume_space {
    float step[3]; /* between voxels along x, y, z */
    float qfac;    /* -1 or 1 (pixdim[0]) */
    int units;     /* xyzt_units: 2 is millimetres */
    int qform, sform;
    float quatern[3], offset[3];
    float srow[12];
} jd_volume_space;

typedef struct jd_volume {
    int64_t frames, depth, height, width; /* frames: points in time or channels, 1 for most */
    float *voxels;                        /* (frames,depth,height,width), x fastest, as in NIfTI files */
    jd_volume_space space;                /* zero: unknown */
} jd_volume;

/* NIfTI-1 (https://nifti.nimh.nih.gov/nifti-1), one file, either byte order, gzip-ed or not: integers of 8 to 64 bits with
 * or without sign, float32 and float64, scaled by scl_slope and scl_inter as the header says; or a pair of .hdr and .img, of which
 * the path names either.  Not read: complex and coloured voxels.  float64 and large integers are rounded to float. */
JD_API jd_status jd_read_nifti(jd_ctx *ctx, const char *path, jd_volume *out);

typedef enum jd_nifti_type { JD_NIFTI_U8 = 2, JD_NIFTI_I16 = 4, JD_NIFTI_F32 = 16 } jd_nifti_type;
/* Writes the voxels as that type, gzip-ed where the path ends in ".gz".  Errors: JD_EUSAGE when a voxel does not fit the
 * type, JD_EIO. */
JD_API jd_status jd_write_nifti(jd_ctx *ctx, const char *path, const jd_volume *v, jd_nifti_type type);

/* Grey TIFF files, by libtiff: 1, 8, 16 or 32 bits an integer sample, with or without sign, or float of 32 or 64; one slice for
 * each picture of the file, all of one size.  A picture where 0 is white is inverted if its samples are integers without
 * sign.  Values stay as they are (0..255, 0..65535).  JD_EABSENT where the program was built without libtiff. */
JD_API jd_status jd_read_tiff(jd_ctx *ctx, const char *path, jd_volume *out);
JD_API bool jd_has_tiff(void);

/* NIfTI or TIFF, told by the contents. */
JD_API jd_status jd_read_volume(jd_ctx *ctx, const char *path, jd_volume *out);

/* Mean 0 and deviation 1 over all voxels (0 where all are equal).  JD_EDATA when a voxel is no finite number. */
JD_API jd_status jd_volume_normalise(jd_ctx *ctx, jd_volume *v);

enum { JD_VOLUME_INPUTS = 2 };
/* What a net is fed of the first frame (Stollenga et al. 2015, section 3): x (depth,height,width,JD_VOLUME_INPUTS), the
 * voxels and their difference from a version smoothed by a Gaussian of deviation 4 voxels, each normalised. */
JD_API jd_status jd_volume_inputs(jd_ctx *ctx, const jd_volume *v, float *x);

JD_API void jd_volume_free(jd_ctx *ctx, jd_volume *v);

#ifdef __cplusplus
}
#endif
#endif
