/* predict.h - the kinds of models that `jackdaw predict` knows beside classifiers of pictures and tables. */
#ifndef JD_CMD_PREDICT_H
#define JD_CMD_PREDICT_H

#include "cli.h"

/* Labels each file, writes NAME-labels.nii.gz into the working folder, and prints a line; closes the context. */
int predict_volumes(jd_ctx *ctx, const cli_args *a);

/* Writes NAME-mask.png for each picture, what each pixel is, into the working folder, and prints a line; closes the context. */
int predict_masks(jd_ctx *ctx, const cli_args *a);

#endif
