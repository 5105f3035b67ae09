/* ctc.c - best path decoding, edit distance, label error rate. */
#include <math.h>

#include "jackdaw/decode.h"

size_t jd_ctc_best_path(const float *scores, size_t stride, size_t frames, size_t K, int32_t blank, int32_t *labels)
{
    size_t n = 0, last = SIZE_MAX;
    for (size_t t = 0; t < frames; t++, scores += stride) {
        size_t best = 0;
        for (size_t k = 1; k < K; k++)
            if (scores[k] > scores[best]) best = k;
        if (best != last && (int64_t)best != blank) labels[n++] = (int32_t)best;
        last = best;
    }
    return n;
}

jd_status jd_ctc_best_paths(jd_ctx *ctx, const float *scores, size_t T, size_t B, size_t K, const int32_t *length,
                            int32_t blank, int32_t *labels, int32_t *count)
{
    for (size_t b = 0; b < B; b++) {
        if (length && (length[b] < 0 || (size_t)length[b] > T))
            return jd_fail(ctx, JD_EUSAGE, "jd_ctc_best_paths: sample %zu has length %d; give a number from 0 to %zu",
                           b, length[b], T);
        count[b] =
            (int32_t)jd_ctc_best_path(scores + b * K, B * K, length ? (size_t)length[b] : T, K, blank, labels + b * T);
    }
    return JD_OK;
}

static bool better(const jd_edits *a, const jd_edits *b)
{
    return a->total != b->total ? a->total < b->total : a->substitutions > b->substitutions;
}

jd_edits jd_edit_distance(jd_ctx *ctx, const int32_t *target, size_t target_length, const int32_t *found,
                          size_t found_length)
{
    /* row[j]: the edits from target[0..i) to found[0..j) */
    jd_edits *row = jd_alloc_array(ctx, found_length + 1, sizeof *row);
    if (!row) return (jd_edits){.total = SIZE_MAX};
    for (size_t j = 0; j <= found_length; j++) row[j] = (jd_edits){.total = j, .insertions = j};
    for (size_t i = 1; i <= target_length; i++) {
        jd_edits diagonal = row[0];
        row[0] = (jd_edits){.total = i, .deletions = i};
        for (size_t j = 1; j <= found_length; j++) {
            const bool same = target[i - 1] == found[j - 1];
            jd_edits best = diagonal, other = row[j];
            best.total += !same;
            best.substitutions += !same;
            other.total++;
            other.deletions++;
            if (better(&other, &best)) best = other;
            other = row[j - 1];
            other.total++;
            other.insertions++;
            if (better(&other, &best)) best = other;
            diagonal = row[j];
            row[j] = best;
        }
    }
    const jd_edits result = row[found_length];
    jd_free(ctx, row);
    return result;
}

double jd_label_error_rate(jd_ctx *ctx, const int32_t *targets, size_t U, const int32_t *target_length,
                           const int32_t *found, size_t T, const int32_t *found_length, size_t B)
{
    double errors = 0, labels = 0;
    for (size_t b = 0; b < B; b++) {
        if (target_length[b] < 0 || (size_t)target_length[b] > U || found_length[b] < 0 ||
            (size_t)found_length[b] > T) {
            jd_fail(ctx, JD_EUSAGE,
                    "jd_label_error_rate: sample %zu has lengths %d and %d; they must be from 0 to %zu and %zu", b,
                    target_length[b], found_length[b], U, T);
            return -1;
        }
        const jd_edits e =
            jd_edit_distance(ctx, targets + b * U, (size_t)target_length[b], found + b * T, (size_t)found_length[b]);
        if (e.total == SIZE_MAX) return -1;
        errors += (double)e.total;
        labels += (double)target_length[b];
    }
    return labels > 0 ? errors / labels : errors > 0 ? (double)INFINITY : 0;
}
