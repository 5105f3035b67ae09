/* boxes.c - boxes that overlap, and how good detections are; see metrics.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/metrics.h"

double jd_box_overlap(const jd_box *a, const jd_box *b)
{
    const double y = fmin((double)a->y1, (double)b->y1) - fmax((double)a->y0, (double)b->y0);
    const double x = fmin((double)a->x1, (double)b->x1) - fmax((double)a->x0, (double)b->x0);
    if (a->image != b->image || y <= 0 || x <= 0) return 0;
    const double one = ((double)a->y1 - (double)a->y0) * ((double)a->x1 - (double)a->x0),
                 other = ((double)b->y1 - (double)b->y0) * ((double)b->x1 - (double)b->x0);
    return y * x / (one + other - y * x);
}

/* The higher score first; of equals the one further up, then left, so that the order is one. */
static int by_score(const void *a, const void *b)
{
    const jd_box *p = a, *q = b;
    if (p->score != q->score) return (p->score < q->score) - (p->score > q->score);
    if (p->image != q->image) return (p->image > q->image) - (p->image < q->image);
    if (p->y0 != q->y0) return (p->y0 > q->y0) - (p->y0 < q->y0);
    return (p->x0 > q->x0) - (p->x0 < q->x0);
}

size_t jd_box_suppress(jd_box *box, size_t n, double most)
{
    size_t kept = 0;
    if (n) qsort(box, n, sizeof *box, by_score);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < kept && jd_box_overlap(&box[i], &box[k]) <= most) k++;
        if (k == kept) box[kept++] = box[i];
    }
    return kept;
}

size_t jd_box_soften(jd_box *box, size_t n, double spread, double least)
{
    size_t kept = 0;
    for (; kept < n; kept++) {
        size_t surest = kept;
        for (size_t i = kept + 1; i < n; i++)
            if (by_score(&box[i], &box[surest]) < 0) surest = i;
        const jd_box b = box[surest];
        if (!((double)b.score >= least)) break;
        box[surest] = box[kept];
        box[kept] = b;
        for (size_t i = kept + 1; i < n; i++) {
            const double overlap = jd_box_overlap(&box[i], &b);
            if (overlap > 0) box[i].score *= (float)exp(-overlap * overlap / spread);
        }
    }
    return kept;
}

/* The free truth of the class that a detection overlaps most, at least by `least`; `truths` where there is none. */
static size_t match(const jd_box *truth, size_t truths, const uint8_t *taken, const jd_box *found, double least)
{
    size_t best = truths;
    double most = 0;
    for (size_t k = 0; k < truths; k++) {
        const double overlap = truth[k].label == found->label && !taken[k] ? jd_box_overlap(&truth[k], found) : 0;
        if (overlap >= least && overlap > most) {
            most = overlap;
            best = k;
        }
    }
    return best;
}

double jd_average_precision(jd_ctx *ctx, const jd_box *truth, size_t truths, const jd_box *found, size_t n,
                            int32_t label, double least, double *recall, double *precision)
{
    jd_box *order = jd_alloc_array(ctx, n + 1, sizeof *order);
    uint8_t *taken = jd_alloc_array(ctx, truths + 1, 1), *right = jd_alloc_array(ctx, n + 1, 1);
    double there = 0, hits = 0, area = (double)NAN, best = 0;
    size_t m = 0;
    for (size_t k = 0; k < truths; k++) there += label < 0 || truth[k].label == label;
    for (size_t i = 0; order && i < n; i++)
        if (label < 0 || found[i].label == label) order[m++] = found[i];
    if (order && taken && right && there > 0) {
        if (m) qsort(order, m, sizeof *order, by_score);
        for (size_t i = 0; i < m; i++) {
            const size_t k = match(truth, truths, taken, &order[i], least);
            right[i] = k < truths;
            if (right[i]) taken[k] = 1;
            hits += right[i];
            if (recall) recall[i] = hits / there;
            if (precision) precision[i] = hits / (double)(i + 1);
        }
        area = 0;
        for (size_t i = m; i-- > 0;) { /* from the last on: the best precision at this recall or beyond */
            best = fmax(best, hits / (double)(i + 1));
            if (right[i]) area += best / there;
            hits -= right[i];
        }
    }
    jd_free(ctx, order);
    jd_free(ctx, taken);
    jd_free(ctx, right);
    return area;
}
