/* texts.c - BLEU of translations, and labelled brackets of parses. */
#include <math.h>
#include <string.h>

#include "jackdaw/metrics.h"

/* How often the n words at `gram` stand in `word`. */
static uint64_t times(const int32_t *word, size_t count, const int32_t *gram, size_t n)
{
    uint64_t k = 0;
    for (size_t i = 0; i + n <= count; i++) k += !memcmp(word + i, gram, n * sizeof *gram);
    return k;
}

void jd_bleu_add(jd_bleu *b, const int32_t *word, size_t n, const jd_text *reference, size_t references)
{
    size_t near = 0;
    for (size_t i = 0; i < references; i++) {
        const size_t r = reference[i].count, far = r > n ? r - n : n - r, best = near > n ? near - n : n - near;
        if (!i || far < best || (far == best && r < near)) near = r;
    }
    b->words += n;
    b->reference += near;
    for (size_t k = 1; k <= JD_BLEU_MOST; k++)
        for (size_t i = 0; i + k <= n; i++) {
            b->all[k - 1]++;
            if (times(word, i + k - 1, word + i, k)) continue; /* counted where it first stood */
            const uint64_t here = times(word, n, word + i, k);
            uint64_t there = 0;
            for (size_t r = 0; r < references; r++) {
                const uint64_t c = times(reference[r].word, reference[r].count, word + i, k);
                there = c > there ? c : there;
            }
            b->right[k - 1] += here < there ? here : there;
        }
}

double jd_bleu_score(const jd_bleu *b, int order)
{
    double ln = 0;
    const int most = order < 1 ? 1 : order > JD_BLEU_MOST ? JD_BLEU_MOST : order;
    for (int k = 0; k < most; k++) {
        if (!b->right[k]) return 0;
        ln += log((double)b->right[k] / (double)b->all[k]) / most;
    }
    if (b->words < b->reference) ln += 1 - (double)b->reference / (double)b->words;
    return exp(ln);
}

static uint64_t alike(const jd_bracket *b, size_t n, const jd_bracket *one)
{
    uint64_t k = 0;
    for (size_t i = 0; i < n; i++) k += b[i].label == one->label && b[i].first == one->first && b[i].last == one->last;
    return k;
}

void jd_bracket_add(jd_bracket_score *s, const jd_bracket *truth, size_t n, const jd_bracket *found, size_t m)
{
    s->truth += n;
    s->found += m;
    for (size_t i = 0; i < m; i++) {
        if (alike(found, i, &found[i])) continue;
        const uint64_t here = alike(found, m, &found[i]), there = alike(truth, n, &found[i]);
        s->right += here < there ? here : there;
    }
}

double jd_bracket_f1(const jd_bracket_score *s)
{
    return s->right ? 2 * (double)s->right / (double)(s->found + s->truth) : 0;
}
