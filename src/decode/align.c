/* align.c - the likeliest path of a labelling. */
#include <math.h>

#include "decode/frames.h"
#include "jackdaw/decode.h"

static const char WHO[] = "jd_ctc_align";

/* The blank-extended labelling has S = 2n + 1 segments: blank, label, blank ... blank. */
typedef struct aligning {
    frames f;
    int32_t blank;
    const int32_t *labels;
    size_t n, S;
    double *y, *row, *before; /* (K), (S), (S): log probabilities */
    uint8_t *step;            /* (T,S): how many segments back the path came from */
} aligning;

static int32_t segment(const aligning *a, size_t s)
{
    return s % 2 ? a->labels[s / 2] : a->blank;
}

static jd_status check(jd_ctx *ctx, const aligning *a)
{
    size_t need = a->n;
    for (size_t i = 0; i < a->n; i++) {
        if (a->labels[i] < 0 || (size_t)a->labels[i] >= a->f.K || a->labels[i] == a->blank)
            return jd_fail(ctx, JD_EUSAGE, "%s: label %zu is %d; give one from 0 to %zu that is not the blank, %d", WHO,
                           i, a->labels[i], a->f.K - 1, a->blank);
        need += i > 0 && a->labels[i] == a->labels[i - 1];
    }
    if (need > a->f.count)
        return jd_fail(ctx, JD_EUSAGE, "%s: %zu labels need %zu frames, but there are %zu", WHO, a->n, need,
                       a->f.count);
    return JD_OK;
}

static jd_status forward(jd_ctx *ctx, aligning *a)
{
    for (size_t t = 0; t < a->f.count; t++) {
        if (jd__frame_probabilities(ctx, &a->f, t, a->y, WHO)) return jd_error(ctx);
        double *swap = a->before;
        a->before = a->row;
        a->row = swap;
        for (size_t s = 0; s < a->S; s++) {
            const int32_t k = segment(a, s);
            double best = t > 0 ? a->before[s] : s < 2 ? 0 : -(double)INFINITY;
            uint8_t step = 0;
            if (t > 0 && s > 0 && a->before[s - 1] > best) {
                best = a->before[s - 1];
                step = 1;
            }
            if (t > 0 && s > 1 && k != a->blank && k != segment(a, s - 2) && a->before[s - 2] > best) {
                best = a->before[s - 2];
                step = 2;
            }
            a->row[s] = best + log(a->y[k]);
            a->step[t * a->S + s] = step;
        }
    }
    return JD_OK;
}

static jd_status back(jd_ctx *ctx, const aligning *a, jd_symbol *symbols)
{
    size_t s = a->S - 1;
    if (a->n && a->f.count && a->row[s - 1] > a->row[s]) s--;
    for (size_t i = 0; i < a->n; i++) symbols[i] = (jd_symbol){.label = a->labels[i], .first = -1};
    for (size_t t = a->f.count; t-- > 0;) {
        if (s % 2) {
            jd_symbol *now = &symbols[s / 2];
            if (jd__frame_probabilities(ctx, &a->f, t, a->y, WHO)) return jd_error(ctx);
            if (now->first < 0) now->last = (int32_t)t;
            now->first = (int32_t)t;
            now->confidence += a->y[now->label];
        }
        s -= a->step[t * a->S + s];
    }
    for (size_t i = 0; i < a->n; i++) symbols[i].confidence /= symbols[i].last - symbols[i].first + 1;
    return JD_OK;
}

jd_status jd_ctc_align(jd_ctx *ctx, const float *scores, size_t stride, size_t count, size_t K, int32_t blank,
                       const int32_t *labels, size_t n, jd_symbol *symbols, double *ln_p)
{
    aligning a = {.f = {scores, stride, count, K}, .blank = blank, .labels = labels, .n = n, .S = 2 * n + 1};
    if (jd__frames_check(ctx, &a.f, blank, WHO) || check(ctx, &a)) return jd_error(ctx);
    a.y = jd_alloc_array(ctx, K + 2 * a.S, sizeof *a.y);
    a.step = jd_alloc_array(ctx, count + 1, a.S);
    if (a.y && a.step) {
        a.row = a.y + K;
        a.before = a.row + a.S;
        if (!forward(ctx, &a)) {
            if (ln_p) *ln_p = count == 0 ? 0 : n && a.row[a.S - 2] > a.row[a.S - 1] ? a.row[a.S - 2] : a.row[a.S - 1];
            back(ctx, &a, symbols);
        }
    }
    double *memory = a.y;
    jd_free(ctx, memory);
    jd_free(ctx, a.step);
    return jd_error(ctx);
}
