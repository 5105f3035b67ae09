/* words_model.c - a model's bigrams, turned round: for each word the words before it. */
#include <math.h>

#include "decode/ngram.h"
#include "decode/words.h"

static const double LN10 = 2.30258509299404568402;

/* Words of the lexicon that are one word of the model: first[id] is one of them + 1, next[w] another + 1. */
typedef struct same {
    uint32_t *first, *next;
    int32_t *id; /* (D) */
} same;

static jd_status map_words(word_search *s, same *m)
{
    const jd_ngram *model = s->o.model;
    m->first = jd_alloc_array(s->ctx, model->words + 1, sizeof *m->first);
    m->next = jd_alloc_array(s->ctx, s->D, sizeof *m->next);
    m->id = jd_alloc_array(s->ctx, s->D, sizeof *m->id);
    if (!m->first || !m->next || !m->id) return jd_error(s->ctx);
    for (size_t w = s->D; w-- > 0;) {
        int32_t id = jd_ngram_id(model, s->o.lexicon->text[w]);
        if (id < 0) id = model->unknown;
        m->id[w] = id;
        if (id < 0) continue;
        m->next[w] = m->first[id];
        m->first[id] = (uint32_t)w + 1;
    }
    return JD_OK;
}

static void singles(word_search *s, const same *m)
{
    const jd_ngram *model = s->o.model;
    const uint32_t start = jd_ngram_start(model);
    for (size_t w = 0; w < s->D; w++) {
        const double none = -(double)INFINITY, weight = s->o.weight;
        const uint32_t node = m->id[w] < 0 ? 0 : jd__ngram_child(model, 0, (uint32_t)m->id[w]);
        s->first[w] = node ? weight * jd_ngram_step(model, start, m->id[w], NULL) + s->o.bonus : none;
        s->alone[w] = node ? weight * LN10 * (double)model->node[node].logp + s->o.bonus : none;
        s->backoff[w] = node ? weight * LN10 * (double)model->node[node].bow : 0;
        /* the end after this word: from its bigram history, as between words */
        if (s->o.end) s->last[w] = node ? weight * jd_ngram_end(model, model->order > 1 ? node : 0) : none;
    }
}

/* Goes through all pairs of words of the lexicon with a bigram; counts them, or puts them where they belong. */
static void pairs_of_words(word_search *s, const same *m, bool count)
{
    const jd_ngram *model = s->o.model;
    for (size_t i = 1; i < model->nodes; i++) {
        const ngram_node *n = &model->node[i];
        if (n->level != 2) continue;
        const double ln = s->o.weight * LN10 * (double)n->logp + s->o.bonus;
        for (uint32_t w = m->first[n->word]; w; w = m->next[w - 1])
            for (uint32_t v = m->first[model->node[n->parent].word]; v; v = m->next[v - 1]) {
                if (count)
                    s->bigram_at[w]++;
                else
                    s->bigram[s->bigram_at[w - 1]++] = (word_bigram){v - 1, ln};
            }
    }
}

jd_status jd__words_model(word_search *s)
{
    const size_t D = s->D;
    s->first = jd_alloc_array(s->ctx, 4, D * sizeof *s->first);
    s->bigram_at = jd_alloc_array(s->ctx, D + 1, sizeof *s->bigram_at);
    if (!s->first || !s->bigram_at) return jd_error(s->ctx);
    s->alone = s->first + D;
    s->backoff = s->alone + D;
    s->last = s->backoff + D;
    if (!s->o.model) {
        for (size_t w = 0; w < D; w++) s->first[w] = s->alone[w] = s->o.bonus;
        return JD_OK;
    }
    same m = {0};
    if (!map_words(s, &m)) {
        singles(s, &m);
        pairs_of_words(s, &m, true);
        for (size_t w = 0; w < D; w++) s->bigram_at[w + 1] += s->bigram_at[w];
        s->bigram = jd_alloc_array(s->ctx, s->bigram_at[D] + 1, sizeof *s->bigram);
        if (s->bigram) {
            pairs_of_words(s, &m, false);
            for (size_t w = D; w > 0; w--) s->bigram_at[w] = s->bigram_at[w - 1];
            s->bigram_at[0] = 0;
        }
    }
    jd_free(s->ctx, m.first);
    jd_free(s->ctx, m.next);
    jd_free(s->ctx, m.id);
    return jd_error(s->ctx);
}
