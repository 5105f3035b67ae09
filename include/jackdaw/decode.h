/*
 * decode.h - from the outputs of a CTC network to labels, and how far these are from the truth.
 *
 *     int32_t found[300];
 *     size_t n = jd_ctc_best_path(logits + b * K, B * K, length[b], K, 0, found);    // logits (T,B,K), sample b
 *     jd_edits e = jd_edit_distance(ctx, target, target_length, found, n);
 *     errors += e.total, labels += target_length;
 */
#ifndef JACKDAW_DECODE_H
#define JACKDAW_DECODE_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Best path decoding (Graves, Fernandez, Gomez, Schmidhuber, ICML 2006, section 3.2): the largest output of every frame,
 * the first of equals; then repeats are removed, then blanks.  Frame t's K scores - logits or probabilities - are at
 * scores + t stride.  Writes at most `frames` labels to `labels` and returns their number. */
JD_API size_t jd_ctc_best_path(const float *scores, size_t stride, size_t frames, size_t K, int32_t blank,
                               int32_t *labels);

/* A whole batch: scores (T,B,K), length (B) or NULL for all T; labels (B,T), count (B).  A length outside 0..T is
 * JD_EUSAGE. */
JD_API jd_status jd_ctc_best_paths(jd_ctx *ctx, const float *scores, size_t T, size_t B, size_t K,
                                   const int32_t *length, int32_t blank, int32_t *labels, int32_t *count);

/* Fewest substitutions, insertions and deletions that make `target` into `found` (Levenshtein 1966).  Where several ways
 * are shortest, the one with the most substitutions counts.  On lack of memory `total` is SIZE_MAX, and the context has
 * the error. */
typedef struct jd_edits {
    size_t total;
    size_t substitutions;
    size_t insertions; /* in found, not in target */
    size_t deletions;  /* in target, not in found */
} jd_edits;
JD_API jd_edits jd_edit_distance(jd_ctx *ctx, const int32_t *target, size_t target_length, const int32_t *found,
                                 size_t found_length);

/* Label error rate of a batch: sum of edit distances / sum of target lengths, in [0, inf); 0 for a batch without labels
 * in which nothing was found, infinity if something was.  targets (B,U), found (B,T).  Negative on error. */
JD_API double jd_label_error_rate(jd_ctx *ctx, const int32_t *targets, size_t U, const int32_t *target_length,
                                  const int32_t *found, size_t T, const int32_t *found_length, size_t B);

#ifdef __cplusplus
}
#endif
#endif
