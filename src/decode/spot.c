/* spot.c - keyword search. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/frames.h"
#include "jackdaw/decode.h"

static const char WHO[] = "jd_ctc_spot";

/* The best way to stand in a segment of label, blank, label ... label: since which frame, and its score. */
typedef struct standing {
    double score;
    size_t first;
} standing;

typedef struct spotting {
    jd_ctx *ctx;
    frames f;
    int32_t blank;
    const int32_t *labels;
    size_t S; /* segments: 2n - 1 */
    double *y;
    standing *now;
    jd_hit *found; /* (frames): at most one for each last frame */
    size_t n;
} spotting;

static jd_status check(const spotting *s, size_t n, double least)
{
    if (n == 0 || !(least <= 0))
        return jd_fail(s->ctx, JD_EUSAGE, "%s: %zu labels, least %g; give one label or more, and a score below 0", WHO,
                       n, least);
    for (size_t i = 0; i < n; i++)
        if (s->labels[i] < 0 || (size_t)s->labels[i] >= s->f.K || s->labels[i] == s->blank)
            return jd_fail(s->ctx, JD_EUSAGE, "%s: label %zu is %d; give one from 0 to %zu that is not the blank, %d",
                           WHO, i, s->labels[i], s->f.K - 1, s->blank);
    return JD_OK;
}

/* Frame t's log probabilities against the best, in place. */
static jd_status against_best(spotting *s, size_t t)
{
    if (jd__frame_probabilities(s->ctx, &s->f, t, s->y, WHO)) return jd_error(s->ctx);
    double top = 0;
    for (size_t k = 0; k < s->f.K; k++) top = fmax(top, s->y[k]);
    for (size_t k = 0; k < s->f.K; k++) s->y[k] = log(s->y[k] / top);
    return JD_OK;
}

static void step(spotting *s, size_t t)
{
    for (size_t i = s->S; i-- > 0;) {
        standing best = s->now[i];
        if (i == 0 && !(best.score >= 0)) best = (standing){0, t};
        if (i > 0 && s->now[i - 1].score > best.score) best = s->now[i - 1];
        if (i > 1 && i % 2 == 0 && s->labels[i / 2] != s->labels[i / 2 - 1] && s->now[i - 2].score > best.score)
            best = s->now[i - 2];
        best.score += s->y[i % 2 ? s->blank : s->labels[i / 2]];
        s->now[i] = best;
    }
}

static int by_score(const void *x, const void *y)
{
    const jd_hit *a = x, *b = y;
    if (a->score > b->score || a->score < b->score) return a->score < b->score ? 1 : -1;
    const size_t n = a->last - a->first, m = b->last - b->first;
    if (n != m) return n < m ? 1 : -1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int by_time(const void *x, const void *y)
{
    const jd_hit *a = x, *b = y;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Keeps the best of the hits that overlap, in the order of time. */
static jd_status choose(spotting *s)
{
    uint8_t *taken = jd_alloc(s->ctx, s->f.count + 1);
    if (!taken) return jd_error(s->ctx);
    qsort(s->found, s->n, sizeof *s->found, by_score);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        const jd_hit h = s->found[i];
        if (memchr(taken + h.first, 1, h.last - h.first + 1)) continue;
        memset(taken + h.first, 1, h.last - h.first + 1);
        s->found[kept++] = h;
    }
    s->n = kept;
    qsort(s->found, s->n, sizeof *s->found, by_time);
    jd_free(s->ctx, taken);
    return JD_OK;
}

static jd_status search(spotting *s, double least)
{
    for (size_t i = 0; i < s->S; i++) s->now[i].score = -(double)INFINITY;
    for (size_t t = 0; t < s->f.count; t++) {
        if (against_best(s, t)) return jd_error(s->ctx);
        step(s, t);
        const standing *end = &s->now[s->S - 1];
        if (end->score >= least) s->found[s->n++] = (jd_hit){.first = end->first, .last = t, .score = end->score};
    }
    return choose(s);
}

jd_status jd_ctc_spot(jd_ctx *ctx, const float *scores, size_t stride, size_t count, size_t K, int32_t blank,
                      const int32_t *labels, size_t n, double least, jd_hit *hits, size_t room, size_t *found)
{
    spotting s = {.ctx = ctx, .f = {scores, stride, count, K}, .blank = blank, .labels = labels};
    if (jd__frames_check(ctx, &s.f, blank, WHO) || check(&s, n, least)) return jd_error(ctx);
    s.S = 2 * n - 1;
    s.y = jd_alloc_array(ctx, K, sizeof *s.y);
    s.now = jd_alloc_array(ctx, s.S, sizeof *s.now);
    s.found = jd_alloc_array(ctx, count + 1, sizeof *s.found);
    if (s.y && s.now && s.found && !search(&s, least)) {
        memcpy(hits, s.found, (s.n < room ? s.n : room) * sizeof *hits);
        *found = s.n;
    }
    jd_free(ctx, s.y);
    jd_free(ctx, s.now);
    jd_free(ctx, s.found);
    return jd_error(ctx);
}
