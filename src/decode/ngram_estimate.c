/* ngram_estimate.c - interpolated Witten-Bell estimates from text. */
#include "decode/ngram.h"

#include <math.h>
#include <string.h>

size_t jd__ngram_next_word(ngram_text *t, const char **word)
{
    while (t->at < t->stop && (*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || *t->at == '\n'))
        t->passed += *t->at++ == '\n';
    *word = t->at;
    while (t->at < t->stop && *t->at != ' ' && *t->at != '\t' && *t->at != '\r' && *t->at != '\n') t->at++;
    t->fresh = t->passed + 1 != t->line;
    t->line = t->passed + 1;
    return (size_t)(t->at - *word);
}

typedef struct counting {
    jd_ngram *m;
    uint64_t *count; /* (nodes), room for `room` */
    size_t room;
    uint32_t last[JD_NGRAM_ORDER]; /* the words before, latest last */
    int have;
} counting;

/* The child, made if need be; 0 on lack of memory. */
static uint32_t child(counting *c, uint32_t parent, uint32_t word)
{
    jd_ngram *m = c->m;
    const uint32_t old = jd__ngram_child(m, parent, word);
    if (old) return old;
    const uint32_t made = jd__ngram_add(m, parent, word);
    if (made && c->room < m->nodes) {
        uint64_t *larger = jd_realloc(m->ctx, c->count, c->room * sizeof *larger, m->node_room * sizeof *larger);
        if (!larger) return 0;
        c->count = larger;
        c->room = m->node_room;
    }
    return made;
}

static void push(counting *c, uint32_t word)
{
    const int most = c->m->order - 1;
    if (most == 0) return;
    if (c->have == most) {
        memmove(c->last, c->last + 1, (size_t)(most - 1) * sizeof *c->last);
        c->have--;
    }
    c->last[c->have++] = word;
}

/* One more of every sequence that ends in `word`. */
static bool count_word(counting *c, uint32_t word)
{
    for (int n = 0; n <= c->have; n++) {
        uint32_t node = 0;
        for (int i = c->have - n; i < c->have; i++)
            if (!(node = child(c, node, c->last[i]))) return false;
        if (!(node = child(c, node, word))) return false;
        c->count[node]++;
    }
    push(c, word);
    return true;
}

static void begin_sentence(counting *c)
{
    c->have = 0;
    push(c, (uint32_t)c->m->start);
}

static jd_status count_text(counting *c, const char *text, size_t bytes)
{
    jd_ngram *m = c->m;
    ngram_text t = {.at = text, .stop = text + bytes};
    const char *word;
    bool any = false;
    for (size_t n; (n = jd__ngram_next_word(&t, &word)) > 0; any = true) {
        if (t.fresh) {
            if (any && !count_word(c, (uint32_t)m->end)) return jd_error(m->ctx);
            begin_sentence(c);
        }
        if (memchr(word, 0, n))
            return jd_fail(m->ctx, JD_EDATA, "jd_ngram_estimate: line %zu: a zero byte; this is no text", t.line);
        int32_t id = jd__ngram_find_word(m, word, n);
        if (id >= 0 && (id == m->start || id == m->end))
            return jd_fail(m->ctx, JD_EDATA,
                           "jd_ngram_estimate: line %zu: the word %s, which is put around lines; take it out", t.line,
                           jd_ngram_word(m, id));
        if (id < 0 && (id = jd__ngram_add_word(m, word, n)) < 0) return jd_error(m->ctx);
        if (!count_word(c, (uint32_t)id)) return jd_error(m->ctx);
    }
    if (!any) return jd_fail(m->ctx, JD_EDATA, "jd_ngram_estimate: the text has no words; give one that has");
    count_word(c, (uint32_t)m->end);
    return jd_error(m->ctx);
}

/* Counts to probabilities, from single words to the longest sequences. */
static jd_status estimate(counting *c)
{
    jd_ngram *m = c->m;
    double *p = jd_alloc_array(m->ctx, m->nodes, sizeof *p);
    uint64_t *total = jd_alloc_array(m->ctx, m->nodes, sizeof *total); /* c(h) */
    uint64_t *types = jd_alloc_array(m->ctx, m->nodes, sizeof *types); /* t(h) */
    const bool right = p && total && types;
    for (size_t i = 1; right && i < m->nodes; i++) {
        total[m->node[i].parent] += c->count[i];
        types[m->node[i].parent] += c->count[i] > 0;
    }
    const double uniform = 1 / (double)(m->words - 1); /* <s> is never said */
    for (int level = 1; right && level <= m->order; level++)
        for (size_t i = 1; i < m->nodes; i++) {
            ngram_node *n = &m->node[i];
            if ((int)n->level != level) continue;
            const double t = (double)types[n->parent], below = level == 1 ? uniform : p[n->suffix];
            p[i] = ((double)c->count[i] + t * below) / ((double)total[n->parent] + t);
            n->logp = level == 1 && (int32_t)n->word == m->start ? -99.f : (float)log10(p[i]);
            if (total[i] > 0) n->bow = (float)log10((double)types[i] / ((double)total[i] + (double)types[i]));
        }
    jd_free(m->ctx, p);
    jd_free(m->ctx, total);
    jd_free(m->ctx, types);
    return jd_error(m->ctx);
}

jd_ngram *jd_ngram_estimate(jd_ctx *ctx, const char *text, size_t bytes, int order)
{
    if (order < 1 || order > JD_NGRAM_ORDER) {
        jd_fail(ctx, JD_EUSAGE, "jd_ngram_estimate: order %d; give a number from 1 to %d", order, JD_NGRAM_ORDER);
        return NULL;
    }
    counting c = {.m = jd__ngram_new(ctx, order)};
    if (!c.m) return NULL;
    static const char *const special[] = {"<unk>", "<s>", "</s>"};
    bool right = true;
    for (int i = 0; i < 3 && right; i++) {
        const int32_t id = jd__ngram_add_word(c.m, special[i], strlen(special[i]));
        right = id >= 0 && child(&c, 0, (uint32_t)id) != 0;
    }
    if (right) {
        jd__ngram_finish(c.m); /* for the special words' numbers */
        right = !count_text(&c, text, bytes);
    }
    if (right) {
        jd__ngram_finish(c.m);
        right = !estimate(&c);
    }
    jd_free(ctx, c.count);
    if (right) return c.m;
    jd_ngram_free(c.m);
    return NULL;
}
