/* ngram.c - the tree of an n-gram model: building it, asking it. */
#include "decode/ngram.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

static const double LN10 = 2.30258509299404568402;

/* ---- building --------------------------------------------------------------------------------------------------------- */

static void put(ngram_vocabulary *t, uint64_t hash, uint32_t number)
{
    size_t at = hash & (t->size - 1);
    while (t->slot[at]) at = (at + 1) & (t->size - 1);
    t->slot[at] = number + 1;
    t->used++;
}

/* Room for one word more, at most half full. */
static bool vocabulary_room(jd_ngram *m)
{
    ngram_vocabulary *t = &m->vocabulary;
    if (2 * (t->used + 1) <= t->size) return true;
    ngram_vocabulary larger = {.size = t->size ? 2 * t->size : 64};
    larger.slot = jd_alloc_array(m->ctx, larger.size, sizeof *larger.slot);
    if (!larger.slot) return false;
    for (size_t i = 0; i < m->words; i++) {
        const char *word = m->text + m->word[i];
        put(&larger, XXH3_64bits(word, strlen(word)), (uint32_t)i);
    }
    jd_free(m->ctx, t->slot);
    *t = larger;
    return true;
}

/* Makes the array at `p` hold `want` things of `size` bytes. */
static bool grow(jd_ngram *m, void **p, size_t *room, size_t want, size_t size)
{
    if (want <= *room) return true;
    const size_t more = want + want / 2 + 16;
    void *larger = jd_realloc(m->ctx, *p, *room * size, more * size);
    if (!larger) return false;
    *p = larger;
    *room = more;
    return true;
}

jd_ngram *jd__ngram_new(jd_ctx *ctx, int order)
{
    jd_ngram *m = jd_alloc(ctx, sizeof *m);
    if (!m) return NULL;
    *m = (jd_ngram){.ctx = ctx, .order = order, .start = -1, .end = -1, .unknown = -1};
    void *node = NULL;
    if (grow(m, &node, &m->node_room, 1, sizeof *m->node)) {
        m->node = node;
        m->node[0] = (ngram_node){0};
        m->nodes = 1;
        return m;
    }
    jd_free(ctx, m);
    return NULL;
}

void jd_ngram_free(jd_ngram *m)
{
    if (!m) return;
    jd_free(m->ctx, m->node);
    jd__pairs_free(m->ctx, &m->children);
    jd_free(m->ctx, m->text);
    jd_free(m->ctx, m->word);
    jd_free(m->ctx, m->vocabulary.slot);
    jd_free(m->ctx, m);
}

int32_t jd__ngram_find_word(const jd_ngram *m, const char *word, size_t bytes)
{
    const ngram_vocabulary *t = &m->vocabulary;
    if (!t->size) return -1;
    for (size_t at = XXH3_64bits(word, bytes) & (t->size - 1); t->slot[at]; at = (at + 1) & (t->size - 1)) {
        const size_t i = t->slot[at] - 1, stop = i + 1 < m->words ? m->word[i + 1] : m->text_bytes;
        if (stop - m->word[i] == bytes + 1 && !memcmp(m->text + m->word[i], word, bytes)) return (int32_t)i;
    }
    return -1;
}

int32_t jd__ngram_add_word(jd_ngram *m, const char *word, size_t bytes)
{
    if (m->words >= INT32_MAX) {
        jd_fail(m->ctx, JD_EDATA, "n-grams: over %d words; use a smaller vocabulary", INT32_MAX);
        return -1;
    }
    void *text = m->text, *list = m->word;
    const bool right = vocabulary_room(m) && grow(m, &text, &m->text_room, m->text_bytes + bytes + 1, 1) &&
                       grow(m, &list, &m->word_room, m->words + 1, sizeof *m->word);
    m->text = text;
    m->word = list;
    if (!right) return -1;
    m->word[m->words] = m->text_bytes;
    memcpy(m->text + m->text_bytes, word, bytes);
    m->text[m->text_bytes + bytes] = 0;
    m->text_bytes += bytes + 1;
    put(&m->vocabulary, XXH3_64bits(word, bytes), (uint32_t)m->words);
    return (int32_t)m->words++;
}

uint32_t jd__ngram_child(const jd_ngram *m, uint32_t parent, uint32_t word)
{
    return jd__pairs_get(&m->children, parent, word);
}

uint32_t jd__ngram_add(jd_ngram *m, uint32_t parent, uint32_t word)
{
    if (m->nodes >= UINT32_MAX) {
        jd_fail(m->ctx, JD_EDATA, "n-grams: over %u sequences; use a lower order", UINT32_MAX);
        return 0;
    }
    void *node = m->node;
    if (!grow(m, &node, &m->node_room, m->nodes + 1, sizeof *m->node)) return 0;
    m->node = node;
    if (!jd__pairs_put(m->ctx, &m->children, parent, word, (uint32_t)m->nodes)) return 0;
    const uint32_t level = m->node[parent].level + 1;
    m->node[m->nodes] = (ngram_node){.parent = parent, .word = word, .level = level};
    m->count[level]++;
    return (uint32_t)m->nodes++;
}

void jd__ngram_finish(jd_ngram *m)
{
    for (uint32_t level = 2; (int)level <= m->order; level++)
        for (size_t i = 1; i < m->nodes; i++) {
            ngram_node *n = &m->node[i];
            if (n->level != level) continue;
            uint32_t s = n->parent;
            do {
                s = m->node[s].suffix;
                n->suffix = jd__ngram_child(m, s, n->word);
            } while (!n->suffix && s);
        }
    m->start = jd__ngram_find_word(m, "<s>", 3);
    m->end = jd__ngram_find_word(m, "</s>", 4);
    m->unknown = jd__ngram_find_word(m, "<unk>", 5);
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

int jd_ngram_order(const jd_ngram *m)
{
    if (!m) return 0;
    return m->order;
}

size_t jd_ngram_count(const jd_ngram *m, int n)
{
    return n >= 1 && n <= m->order ? m->count[n] : 0;
}

int32_t jd_ngram_id(const jd_ngram *m, const char *word)
{
    if (!m) return 0;
    return jd__ngram_find_word(m, word, strlen(word));
}

const char *jd_ngram_word(const jd_ngram *m, int32_t id)
{
    if (!m) return NULL;
    return id >= 0 && (size_t)id < m->words ? m->text + m->word[id] : NULL;
}

double jd_ngram_step(const jd_ngram *m, uint32_t state, int32_t word, uint32_t *next)
{
    if (!m) return 0;
    if (word < 0) word = m->unknown;
    double lg = 0;
    uint32_t hit = 0;
    for (uint32_t s = state; word >= 0; s = m->node[s].suffix) {
        hit = jd__ngram_child(m, s, (uint32_t)word);
        if (hit || !s) break;
        lg += (double)m->node[s].bow;
    }
    if (next) *next = (int)m->node[hit].level == m->order ? m->node[hit].suffix : hit;
    if (!hit) return -(double)INFINITY;
    lg += (double)m->node[hit].logp;
    return lg < 0 ? lg * LN10 : 0;
}

uint32_t jd_ngram_start(const jd_ngram *m)
{
    if (!m) return 0;
    uint32_t state = 0;
    if (m->start >= 0) jd_ngram_step(m, 0, m->start, &state);
    return state;
}

double jd_ngram_end(const jd_ngram *m, uint32_t state)
{
    if (!m) return 0;
    return m->end >= 0 ? jd_ngram_step(m, state, m->end, NULL) : 0;
}

double jd_ngram_perplexity(const jd_ngram *m, const char *text, size_t bytes)
{
    if (!m) return 0;
    ngram_text t = {.at = text, .stop = text + bytes};
    const char *word;
    const double end = m->end >= 0; /* a model without sentences is asked for words alone */
    double sum = 0, words = 0, ends = 0;
    uint32_t state = 0;
    for (size_t n; (n = jd__ngram_next_word(&t, &word)) > 0; words++) {
        if (t.fresh) {
            if (words > 0) {
                sum += jd_ngram_end(m, state);
                ends += end;
            }
            state = jd_ngram_start(m);
        }
        sum += jd_ngram_step(m, state, jd__ngram_find_word(m, word, n), &state);
    }
    if (words == 0) {
        jd_fail(m->ctx, JD_EDATA, "jd_ngram_perplexity: the text has no words; give one that has");
        return -1;
    }
    return exp(-(sum + jd_ngram_end(m, state)) / (words + ends + end));
}
