/* beam_list.c - the last beam as a list of labellings with confidences and places in time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/beam.h"

typedef struct ending {
    uint32_t node;
    size_t count;                   /* labels */
    int32_t *labels;                /* (count) */
    double score, ln_model, weight; /* weight: share of the probability */
} ending;

typedef struct listing {
    beam_search *b;
    ending *item;
    size_t n;
    int32_t *labels; /* of all */
    size_t longest;
} listing;

static int by_score(const void *x, const void *y)
{
    const ending *a = x, *b = y;
    if (a->score > b->score || a->score < b->score) return a->score < b->score ? 1 : -1;
    return a->node < b->node ? -1 : a->node > b->node;
}

/* The labellings that may end here, their scores and shares; the likeliest first. */
static jd_status collect(listing *l)
{
    beam_search *b = l->b;
    size_t labels = 0;
    for (size_t i = 0; i < b->n; i++) {
        const beam_node *last = &b->node[b->beam[i].node];
        ending e = {.node = b->beam[i].node};
        double ln;
        if (!jd__beam_end(b, last, &ln) || isinf(ln)) continue;
        e.ln_model = last->ln_model + ln;
        e.score = log(b->beam[i].total) + (double)b->scale * 0.69314718055994530942 + ln;
        for (uint32_t k = e.node; k; k = b->node[k].parent) e.count++;
        labels += e.count;
        if (e.count > l->longest) l->longest = e.count;
        l->item[l->n++] = e;
    }
    qsort(l->item, l->n, sizeof *l->item, by_score);
    if (!(l->labels = jd_alloc_array(b->ctx, labels + 1, sizeof *l->labels))) return jd_error(b->ctx);
    double sum = 0;
    int32_t *at = l->labels;
    for (size_t i = 0; i < l->n; i++) {
        ending *e = &l->item[i];
        e->labels = at;
        at += e->count;
        size_t n = e->count;
        for (uint32_t k = e->node; k; k = b->node[k].parent) e->labels[--n] = b->node[k].label;
        e->weight = exp(e->score - l->item[0].score);
        sum += e->weight;
    }
    for (size_t i = 0; i < l->n; i++) l->item[i].weight /= sum;
    return JD_OK;
}

/* Adds `other`'s share to every symbol of `h` that it has in the same place, by fewest edits.  row: (|h|+1) (|other|+1). */
static void compare(jd_hypothesis *h, const ending *one, const ending *other, uint32_t *row)
{
    const size_t n = one->count, m = other->count, W = m + 1;
    for (size_t j = 0; j <= m; j++) row[j] = (uint32_t)j;
    for (size_t i = 1; i <= n; i++) {
        row[i * W] = (uint32_t)i;
        for (size_t j = 1; j <= m; j++) {
            uint32_t best = row[(i - 1) * W + j - 1] + (one->labels[i - 1] != other->labels[j - 1]);
            if (row[(i - 1) * W + j] + 1 < best) best = row[(i - 1) * W + j] + 1;
            if (row[i * W + j - 1] + 1 < best) best = row[i * W + j - 1] + 1;
            row[i * W + j] = best;
        }
    }
    for (size_t i = n, j = m; i > 0 && j > 0;) {
        const bool same = one->labels[i - 1] == other->labels[j - 1];
        if (row[i * W + j] == row[(i - 1) * W + j - 1] + !same) {
            if (same) h->symbols[i - 1].confidence += other->weight;
            i--, j--;
        } else if (row[i * W + j] == row[(i - 1) * W + j] + 1) {
            i--;
        } else {
            j--;
        }
    }
}

static jd_status fill(const listing *l, size_t i, uint32_t *row, jd_hypothesis *h)
{
    const beam_search *b = l->b;
    const ending *e = &l->item[i];
    h->count = e->count;
    h->score = e->score;
    h->acoustic = e->score - e->ln_model;
    h->confidence = e->weight;
    h->symbols = jd_alloc_array(b->ctx, e->count + 1, sizeof *h->symbols);
    if (!h->symbols || jd_ctc_align(b->ctx, b->f.scores, b->f.stride, b->f.count, b->f.K, b->o.blank, e->labels,
                                    e->count, h->symbols, NULL))
        return jd_error(b->ctx);
    for (size_t k = 0; k < e->count; k++) h->symbols[k].confidence = 0;
    for (size_t k = 0; k < l->n; k++)
        if (l->item[k].weight > 1e-9) compare(h, e, &l->item[k], row);
    for (size_t k = 0; k < e->count; k++) h->symbols[k].confidence = fmin(h->symbols[k].confidence, 1);
    return JD_OK;
}

jd_status jd__beam_list(beam_search *b, jd_nbest *out)
{
    listing l = {.b = b, .item = jd_alloc_array(b->ctx, b->n + 1, sizeof *l.item)};
    jd_nbest list = {0};
    uint32_t *row = NULL;
    if (l.item && !collect(&l)) {
        const size_t best = l.n < b->o.best ? l.n : b->o.best;
        list.items = jd_alloc_array(b->ctx, best + 1, sizeof *list.items);
        row = jd_alloc_array(b->ctx, l.longest + 1, (l.longest + 1) * sizeof *row);
        for (size_t i = 0; list.items && row && i < best && !jd_error(b->ctx); i++) {
            list.count++;
            fill(&l, i, row, &list.items[i]);
        }
    }
    jd_free(b->ctx, l.item);
    jd_free(b->ctx, l.labels);
    jd_free(b->ctx, row);
    if (jd_error(b->ctx))
        jd_nbest_free(b->ctx, &list);
    else
        *out = list;
    return jd_error(b->ctx);
}

void jd_nbest_free(jd_ctx *ctx, jd_nbest *n)
{
    if (!n) return;
    for (size_t i = 0; i < n->count; i++) jd_free(ctx, n->items[i].symbols);
    jd_free(ctx, n->items);
    *n = (jd_nbest){0};
}
