/*
 * volumes.h - volumes with a label at every voxel: hippocampi in magnetic resonance, synthetic cells, a stack of slices.
 *
 *     volumes train = {0};
 *     volumes_load_hippocampus(ctx, dir, "train", &train);
 *     volume_crop(&train, &(volume_crop_options){.size = {24, 40, 32}}, seed, index, x, label, extent);
 *     volumes_free(ctx, &train);
 */
#ifndef VOLUMES_H
#define VOLUMES_H

#include "jackdaw/data.h"
#include "jackdaw/volume.h"

typedef struct volume {
    char name[64];
    int64_t D, H, W;
    float *x;       /* (D,H,W,JD_VOLUME_INPUTS), what nets see */
    uint8_t *label; /* (D,H,W) */
} volume;
typedef struct volumes {
    size_t n;
    int classes;
    volume *v;
} volumes;
void volumes_free(jd_ctx *ctx, volumes *s);
/* Moves the last of every `each` volumes to `held`. */
jd_status volumes_hold_out(jd_ctx *ctx, volumes *s, size_t each, volumes *held);
/* The largest extents of both sets. */
void volumes_extent(const volumes *a, const volumes *b, int64_t size[3]);

/* The volumes that DIR/SPLIT.tsv lists, image/ and label/, or those of the decathlon's own folder, imagesTr/ and labelsTr/, of
 * which every fifth is a test.  NIfTI; label 1 anterior, 2 posterior hippocampus. */
jd_status volumes_load_hippocampus(jd_ctx *ctx, const char *dir, const char *split, volumes *out);

/* Volumes first .. first+n-1 of a synthetic set: 40 Voronoi cells in 32 slices of 64 x 64, with membranes between them.
 * Label 1 is membrane; in the picture 6 % of the membranes have gaps, and cells have dark blobs that are none. */
jd_status volumes_draw_cells(jd_ctx *ctx, size_t first, size_t n, volumes *out);

/* Slices first .. first+n-1 of the ISBI 2012 stack as one volume; label 1 is membrane. */
jd_status volumes_load_stack(jd_ctx *ctx, const char *dir, int first, int n, volumes *out);

typedef struct volume_crop_options {
    int64_t size[3];   /* depth, height, width of the arrays; of larger volumes a random part is taken */
    int trim;          /* so many voxels at most are cut away at each side */
    unsigned flips;    /* bit e: half of the crops are flipped along axis e */
    double brightness; /* values are scaled by 1 +- this and shifted by +- this */
} volume_crop_options;
/* Crop `index`: a place of a volume, as a function of seed and index, in the low corner of the arrays; extent: its own size.
 * Outside x is 0 and the label -1. */
void volume_crop(const volumes *s, const volume_crop_options *o, uint64_t seed, int64_t index, float *x, int32_t *label,
                 int32_t extent[3]);

/* 2 |A and B| / (|A| + |B|) of label k; 1 where neither has any. */
double volume_dice(const uint8_t *a, const uint8_t *b, size_t n, int k);

#endif
