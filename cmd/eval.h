/* eval.h - the kinds of models that `jackdaw eval` knows beside classifiers of pictures and tables. */
#ifndef JD_CMD_EVAL_H
#define JD_CMD_EVAL_H

#include "cli.h"

/* A model that reads or hears (reader.h), against the texts or classes that the data tells; closes the context. */
int eval_reader(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split);
/* A model that labels voxels, against the label volumes beside the images; closes the context. */
int eval_volumes(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split);
/* A model that scans pictures for membranes or points, against the labels beside them; closes the context. */
int eval_scan(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split);

/* A model that was trained from masks, against masks; closes the context. */
int eval_masks(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split);

/* The folder or file that `data` names: a path as it is, otherwise the folder of the registry's set; for jd_free. */
char *eval_place(jd_ctx *ctx, const char *data);
/* The words of --split. */
extern const char *const eval_splits[];

#endif
