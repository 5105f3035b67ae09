/*
 * labeller.h - a net that labels the voxels of volumes, as `predict` and `eval` use it.
 *
 *     labeller l;
 *     jd_volume v;
 *     if (!labeller_open(ctx, "model.safetensors", &l) && !labeller_label(&l, "brain.nii.gz", &v)) ...
 *     labeller_close(&l);
 */
#ifndef JD_CMD_LABELLER_H
#define JD_CMD_LABELLER_H

#include "cli.h"

typedef struct labeller {
    jd_ctx *ctx;
    char *net;
    int classes; /* labels 0 .. classes-1 */
    jd_params *w;
} labeller;

/* On failure it is closed again. */
jd_status labeller_open(jd_ctx *ctx, const char *path, labeller *l);
void labeller_close(labeller *l);
/* Reads a volume and puts the labels in place of its voxels; for jd_volume_free. */
jd_status labeller_label(const labeller *l, const char *file, jd_volume *v);

#endif
