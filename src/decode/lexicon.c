/* lexicon.c - dictionaries: words and their spellings in labels. */
#include <string.h>

#include "decode/lexicon.h"

static jd_status copy_words(jd_lexicon *l, const jd_lexicon_word *words, size_t n)
{
    size_t labels = 0;
    for (size_t w = 0; w < n; w++) {
        if (!words[w].text || words[w].count == 0)
            return jd_fail(l->ctx, JD_EUSAGE, "jd_lexicon_new: word %zu, %.60s, has no %s; give it one", w,
                           words[w].text ? words[w].text : "?", words[w].text ? "labels" : "text");
        labels += words[w].count;
    }
    l->text = jd_alloc_array(l->ctx, n, sizeof *l->text);
    l->first = jd_alloc_array(l->ctx, n + 1, sizeof *l->first);
    l->label = jd_alloc_array(l->ctx, labels, sizeof *l->label);
    if (!l->text || !l->first || !l->label) return jd_error(l->ctx);
    l->n = n;
    for (size_t w = 0; w < n; w++) {
        if (!(l->text[w] = jd_strdup(l->ctx, words[w].text))) return jd_error(l->ctx);
        memcpy(l->label + l->first[w], words[w].labels, words[w].count * sizeof *l->label);
        l->first[w + 1] = l->first[w] + words[w].count;
    }
    for (size_t i = 0; i < labels; i++) {
        if (l->label[i] < 0)
            return jd_fail(l->ctx, JD_EUSAGE, "jd_lexicon_new: a label %d; labels are from 0", l->label[i]);
        if (l->label[i] > l->highest) l->highest = l->label[i];
    }
    return JD_OK;
}

static jd_status build_tree(jd_lexicon *l)
{
    l->node_word = jd_alloc_array(l->ctx, l->first[l->n] + 1, sizeof *l->node_word);
    l->nodes = 1;
    for (size_t w = 0; l->node_word && w < l->n; w++) {
        uint32_t at = 0;
        for (size_t i = l->first[w]; i < l->first[w + 1]; i++) {
            const uint32_t label = (uint32_t)l->label[i];
            uint32_t next = jd__pairs_get(&l->children, at, label);
            if (!next) {
                next = l->nodes++;
                if (!jd__pairs_put(l->ctx, &l->children, at, label, next)) return jd_error(l->ctx);
            }
            at = next;
        }
        if (l->node_word[at])
            l->alike = true;
        else
            l->node_word[at] = (uint32_t)w + 1;
    }
    return jd_error(l->ctx);
}

jd_lexicon *jd_lexicon_new(jd_ctx *ctx, const jd_lexicon_word *words, size_t n)
{
    if (n == 0 || n >= INT32_MAX) {
        jd_fail(ctx, JD_EUSAGE, "jd_lexicon_new: %zu words; give from 1 to %d", n, INT32_MAX - 1);
        return NULL;
    }
    jd_lexicon *l = jd_alloc(ctx, sizeof *l);
    if (!l) return NULL;
    l->ctx = ctx;
    if (copy_words(l, words, n) || build_tree(l)) {
        jd_lexicon_free(l);
        return NULL;
    }
    return l;
}

void jd_lexicon_free(jd_lexicon *l)
{
    if (!l) return;
    for (size_t w = 0; w < l->n; w++) jd_free(l->ctx, l->text[w]);
    jd_free(l->ctx, l->text);
    jd_free(l->ctx, l->first);
    jd_free(l->ctx, l->label);
    jd__pairs_free(l->ctx, &l->children);
    jd_free(l->ctx, l->node_word);
    jd_free(l->ctx, l);
}

size_t jd_lexicon_count(const jd_lexicon *l)
{
    if (!l) return 0;
    return l->n;
}

const char *jd_lexicon_text(const jd_lexicon *l, size_t word)
{
    if (!l) return NULL;
    return word < l->n ? l->text[word] : NULL;
}
