/* How far what was read is from the truth. */
#include "handwriting.h"

#include <string.h>

jd_status hand_scores_keep(const hand_bag *bag, hand_scores *s)
{
    s->readings = jd_alloc_array(bag->ctx, bag->n, sizeof *s->readings);
    return jd_error(bag->ctx);
}

void hand_scores_free(const hand_bag *bag, hand_scores *s)
{
    for (size_t i = 0; s->readings && i < bag->n; i++) jd_free(bag->ctx, s->readings[i].found);
    if (s->readings) jd_free(bag->ctx, s->readings);
    s->readings = NULL;
}

/* Words by numbers that agree where the words do: a hash of their labels. */
static size_t words_of(const int32_t *labels, size_t n, int32_t blank, int32_t *out)
{
    size_t words = 0;
    for (size_t i = 0; i < n;) {
        uint32_t h = 2166136261u;
        const size_t first = i;
        for (; i < n && labels[i] != blank; i++) h = (h ^ (uint32_t)labels[i]) * 16777619u;
        if (i > first) out[words++] = (int32_t)(h >> 1);
        if (i < n) i++;
    }
    return words;
}

static int32_t space_label(const hand_alphabet *a)
{
    for (int i = 0; i < a->n; i++)
        if (a->code[i] == ' ') return i;
    return -1;
}

/* Labels with capitals A-Z as their small letters, where the alphabet has both. */
static void fold(const hand_alphabet *a, const int32_t *labels, size_t n, int32_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = labels[i];
        if (labels[i] >= a->n || a->code[labels[i]] < 'A' || a->code[labels[i]] > 'Z') continue;
        for (int k = 0; k < a->n; k++)
            if (a->code[k] == a->code[labels[i]] + 32) out[i] = k;
    }
}

typedef struct counts {
    jd_edits characters, words, caseless;
    size_t words_n;
} counts;

static void add(hand_score *s, const hand_item *item, const counts *c)
{
    s->samples++;
    s->right += c->characters.total == 0;
    s->labels += item->labels_n;
    s->errors += (int64_t)c->characters.total;
    s->words += (int64_t)c->words_n;
    s->word_errors += (int64_t)c->words.total;
    s->caseless += (int64_t)c->caseless.total;
    s->substitutions += (int64_t)c->characters.substitutions;
    s->insertions += (int64_t)c->characters.insertions;
    s->deletions += (int64_t)c->characters.deletions;
}

static jd_status compare(const hand_alphabet *a, const hand_bag *bag, const hand_item *item, const int32_t *found,
                         size_t n, counts *c)
{
    jd_ctx *ctx = bag->ctx;
    const size_t U = (size_t)item->labels_n;
    const int32_t space = space_label(a);
    int32_t *words = jd_alloc_array(ctx, U + n + 2, sizeof *words);
    if (!words) return jd_error(ctx);
    c->words_n = words_of(item->labels, U, space, words);
    const size_t m = words_of(found, n, space, words + U);
    c->words = jd_edit_distance(ctx, words, c->words_n, words + U, m);
    c->characters = jd_edit_distance(ctx, item->labels, U, found, n);
    fold(a, item->labels, U, words);
    fold(a, found, n, words + U);
    c->caseless = jd_edit_distance(ctx, words, U, words + U, n);
    jd_free(ctx, words);
    return jd_error(ctx);
}

jd_status hand_score_batch(const hand_alphabet *a, const hand_bag *bag, const uint32_t *index, size_t B,
                           const float *logits, const int32_t *steps, hand_scores *out)
{
    jd_ctx *ctx = bag->ctx;
    const size_t K = (size_t)a->n + 1;
    int32_t most = 1;
    for (size_t i = 0; i < B; i++) most = steps[i] > most ? steps[i] : most;
    int32_t *found = jd_alloc_array(ctx, (size_t)most, sizeof *found);
    for (size_t i = 0; logits && found && i < B; i++) {
        const hand_item *item = &bag->items[index[i]];
        const size_t n = jd_ctc_best_path(logits + i * K, B * K, (size_t)steps[i], K, a->n, found);
        counts c = {0};
        if (compare(a, bag, item, found, n, &c)) break;
        add(&out->all, item, &c);
        add(item->seen ? &out->seen : &out->unseen, item, &c);
        if (!out->readings) continue;
        hand_reading *r = &out->readings[index[i]];
        jd_free(ctx, r->found);
        *r = (hand_reading){.found_n = (int32_t)n, .errors = (int32_t)c.characters.total};
        r->found = jd_alloc_array(ctx, n + 1, sizeof *found);
        if (r->found) memcpy(r->found, found, n * sizeof *found);
    }
    jd_free(ctx, found);
    return jd_error(ctx);
}
