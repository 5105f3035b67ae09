/* kind.h - the kinds of models that `predict` and `eval` know, told apart by what their files say of themselves. */
#ifndef JD_CMD_KIND_H
#define JD_CMD_KIND_H

#include "cli.h"

typedef enum model_kind {
    MODEL_NET,        /* of pictures, tables, sequences (model.h), or a file that is no model: opening it says why */
    MODEL_READER,     /* reads ink or lines of writing, or hears (reader.h) */
    MODEL_LABELLER,   /* labels voxels (labeller.h) */
    MODEL_CHAINS,     /* chains of amino acids (chains.h) */
    MODEL_TRANSLATOR, /* words to words (translator.h) */
    MODEL_PARSER,     /* words to trees (parser.h) */
    MODEL_TEXTER,     /* the next character (texter.h) */
    MODEL_SEGMENTER,  /* pictures of any size, pixel by pixel, trained from masks (eval_masks.c) */
    MODEL_SCANNER     /* pictures of any size, pixel by pixel: membranes or points (eval_scan.c) */
} model_kind;

/* Whether a path, or the folder of a run, is a file that begins as models do. */
bool model_is_file(const char *path);
/* An error that tells what to give, where the first operand is there but is no model: data, or the operands in the wrong order. */
jd_status model_first(jd_ctx *ctx, const cli_args *a);
/* No error, whatever the file is. */
model_kind model_kind_of(jd_ctx *ctx, const char *path);

#endif
