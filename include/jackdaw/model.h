/*
 * model.h - a trained model in a product: the file that `jackdaw train` wrote; numbers as they were measured in, answers out.
 *
 *     jd_model *m = jd_model_open(ctx, "runs/train-digits-1");                           // or its model.safetensors
 *     if (jd_model_run(m, pixels, 1, p)) fprintf(stderr, "%s\n", jd_error_message(ctx));       // p (jd_model_outputs(m))
 *     jd_model_free(m);
 *
 * The file holds the network, how its input is normalised and how its output becomes an answer, so none of this is the caller's
 * business.  Answers are those of `jackdaw predict`, the same bits alone and in any batch.  After the first call of a kind nothing
 * is allocated.  Errors: JD_ENOINPUT, JD_EDATA (a file that is cut short or damaged: its checksums tell), JD_EUSAGE.
 *
 * Threads.  A model belongs to its context, so one thread uses it at a time; each further thread takes a context of its own, with
 * .threads = 1, and jd_model_share, which does not copy the weights.
 *
 * A model without the library: export.h.  Recordings become features first (jd_model_ear), texts are written by decoders (decode.h).
 */
#ifndef JACKDAW_MODEL_H
#define JACKDAW_MODEL_H

#include "jackdaw/audio.h"
#include "jackdaw/export.h"
#include "jackdaw/io.h"
#include "jackdaw/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_model jd_model;

/* A file, or the folder of the run that wrote its model.safetensors. */
JD_API jd_model *jd_model_open(jd_ctx *ctx, const char *path);
/* The same of an open file, which may be closed afterwards, such as jd_safetensors_parse reads from memory; `name` stands for it in
 * messages. */
JD_API jd_model *jd_model_load(jd_ctx *ctx, const char *name, const jd_tensor_file *f);
/* For another context and its thread: the same model, whose weights are read by both.  `m` must outlive it. */
JD_API jd_model *jd_model_share(jd_ctx *ctx, const jd_model *m);
JD_API void jd_model_free(jd_model *m);

/* What it is: .height, .width, .channels of pictures, else .columns; .sequence; .softmax; what the outputs stand for in .labels,
 * with | between; and what jd_export_c and jd_export_onnx take. */
JD_API const jd_export *jd_model_net(const jd_model *m);
/* Numbers of a sample, and of its answer; of sequences those of one step, and the answer's for each step, or for all. */
JD_API int64_t jd_model_inputs(const jd_model *m);
/* Height, width and channels of the pictures that jd_model_run takes; zeros where it takes none.  jd_model_net tells what the
 * networks see, and so exported ones take, which is larger or smaller where pictures are prepared first. */
JD_API void jd_model_picture(const jd_model *m, int64_t size[3]);
JD_API int64_t jd_model_outputs(const jd_model *m);

/* in (count,inputs) -> out (count,outputs): pictures, pixels 0 to 255 with channels last, and rows of tables; NaN stands for a
 * column's mean.  Of a net that begins with embed the inputs are the numbers of symbols.  A committee answers with the mean of its
 * networks.  Where pictures are prepared first (prepare.h) or get a background around them, `in` holds them as they were before
 * that: jd_model_picture; preparing takes memory and gives it back. */
JD_API jd_status jd_model_run(jd_model *m, const float *in, int64_t count, float *out);
/* Of a model of a table: the columns that it reads, and their names.  0: it did not learn from one. */
JD_API int64_t jd_model_columns(const jd_model *m);
JD_API const char *jd_model_column(const jd_model *m, int64_t k);
/* A row as it stands in a table, cells (columns), -> in (inputs), as jd_model_run takes it: words, dates and numbers with units as they
 * were when it learned (cells.h); NULL, "" and a word that it never saw are missing.  JD_EDATA names a cell that cannot be read.
 *     if (!jd_model_row(m, (const char *[]){"22.11.2026", "1,5 kg", "Ulm"}, in)) jd_model_run(m, in, 1, answer); */
JD_API jd_status jd_model_row(jd_model *m, const char *const *cells, float *in);
/* Whole sequences: in (steps,count,inputs) -> out (steps,count,outputs), or (count,outputs) where the net sums up (mean).  `lengths`
 * (count) where they differ, else NULL.  Each number of steps is traced once (fn.h). */
JD_API jd_status jd_model_run_sequences(jd_model *m, const float *in, const int32_t *lengths, int64_t steps,
                                        int64_t count, float *out);
/* How a model that learned from recordings hears: what it gives is what the model reads.  To be freed by jd_ear_free.  Errors:
 * JD_EUSAGE (the model reads something else).
 *     jd_ear *ear = jd_model_ear(m);
 *     size_t T = jd_ear_hear(ear, samples, count, 16000, 0);
 *     jd_model_run_sequences(m, jd_ear_steps(ear), NULL, (int64_t)T, 1, p); */
JD_API jd_ear *jd_model_ear(const jd_model *m);
/* A sequence as it arrives, `count` of them side by side (stream.h), as it was measured; to be freed before the model.  A net
 * that begins with embed takes int32 there. */
JD_API jd_stream *jd_model_stream(jd_model *m, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
