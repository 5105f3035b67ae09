/*
 * words.c - token passing.
 *
 * Every word of the dictionary is a row of segments blank, label, blank ... blank, each with the best token that can
 * stand there.  Between frames tokens move within their words; those at the ends of words enter others.  For each word
 * the best word before it is either one with a bigram, all of which are tried, or the best by back-off of those without
 * one, which is found by going down the exits in order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "decode/words.h"

static const char WHO[] = "jd_ctc_words";
static const double NONE = -(double)INFINITY;

static size_t segments(const word_search *s, size_t w)
{
    size_t n;
    jd__word_labels(s, w, &n);
    return 2 * (n + s->o.separated) + 1;
}

static int32_t label_of(const word_search *s, size_t w, size_t segment)
{
    size_t n;
    const int32_t *labels = jd__word_labels(s, w, &n);
    return segment % 2 == 0 ? s->o.blank : segment / 2 < n ? labels[segment / 2] : s->o.separator;
}

/* ---- from word to word -------------------------------------------------------------------------------------------------- */

static int by_score(const void *x, const void *y)
{
    const word_exit *a = x, *b = y;
    if (a->score > b->score || a->score < b->score) return a->score < b->score ? 1 : -1;
    return a->word < b->word ? -1 : a->word > b->word;
}

/* The tokens that can leave their words after the last frame, and their order. */
static void collect_exits(word_search *s)
{
    for (size_t w = 0; w < s->D; w++) {
        const word_token *last = &s->token[s->at[w + 1] - 1];
        s->quiet[w] = *last;
        s->exit[w] = last[-1].score > last->score ? last[-1] : *last;
        s->by_exit[w] = (word_exit){s->exit[w].score + s->backoff[w], (uint32_t)w};
        s->by_quiet[w] = (word_exit){s->quiet[w].score + s->backoff[w], (uint32_t)w};
        s->record_of_exit[w] = s->record_of_quiet[w] = WORDS_NOTHING;
    }
    qsort(s->by_exit, s->D, sizeof *s->by_exit, by_score);
    qsort(s->by_quiet, s->D, sizeof *s->by_quiet, by_score);
}

typedef struct entrance {
    double score;
    uint32_t word; /* before */
    bool quiet;    /* by the token in its last blank */
} entrance;

static void better(entrance *e, double score, uint32_t word, bool quiet)
{
    if (score > e->score) *e = (entrance){score, word, quiet};
}

/* The best ways into word w: through its leading blank, and straight to its first label, which a word that ends in the
 * same label must not reach without a blank. */
static void find_entrances(const word_search *s, size_t w, entrance *blank, entrance *label)
{
    const int32_t first = label_of(s, w, 1);
    const uint32_t mark = (uint32_t)w + 1;
    *blank = *label = (entrance){NONE, 0, false};
    for (size_t i = s->bigram_at[w]; i < s->bigram_at[w + 1]; i++) {
        const word_bigram *b = &s->bigram[i];
        const bool touching = label_of(s, b->before, s->at[b->before + 1] - s->at[b->before] - 2) == first;
        s->stamp[b->before] = mark;
        better(blank, s->exit[b->before].score + b->ln, b->before, false);
        better(label, (touching ? s->quiet : s->exit)[b->before].score + b->ln, b->before, touching);
    }
    bool done = false;
    for (size_t i = 0; i < s->D && !done; i++) {
        const word_exit *e = &s->by_exit[i];
        if (e->score + s->alone[w] <= label->score && e->score + s->alone[w] <= blank->score) break;
        if (s->stamp[e->word] == mark) continue;
        better(blank, e->score + s->alone[w], e->word, false);
        done = label_of(s, e->word, s->at[e->word + 1] - s->at[e->word] - 2) != first;
        if (done) better(label, e->score + s->alone[w], e->word, false);
    }
    for (size_t i = 0; i < s->D; i++) {
        const word_exit *e = &s->by_quiet[i];
        if (e->score + s->alone[w] <= label->score) break;
        if (s->stamp[e->word] == mark) continue;
        better(label, e->score + s->alone[w], e->word, true);
        break;
    }
}

/* The record of the word that a token has left, made at its first use. */
static uint32_t record(word_search *s, const entrance *e)
{
    uint32_t *known = &(e->quiet ? s->record_of_quiet : s->record_of_exit)[e->word];
    if (*known != WORDS_NOTHING) return *known;
    if (s->records == s->record_room) {
        const size_t room = 2 * s->record_room + 1024;
        word_record *larger = jd_realloc(s->ctx, s->record, s->record_room * sizeof *larger, room * sizeof *larger);
        if (!larger) return WORDS_NOTHING;
        s->record = larger;
        s->record_room = room;
    }
    s->record[s->records] = (word_record){e->word, (e->quiet ? s->quiet : s->exit)[e->word].past};
    return *known = s->records++;
}

/* ---- a frame ----------------------------------------------------------------------------------------------------------- */

static jd_status log_probabilities(word_search *s, size_t t)
{
    if (jd__frame_probabilities(s->ctx, &s->f, t, s->y, WHO)) return jd_error(s->ctx);
    for (size_t k = 0; k < s->f.K; k++) s->y[k] = log(s->y[k]);
    return JD_OK;
}

/* Tokens move within word w; its first two segments also take what enters. */
static void pass(word_search *s, size_t w, const word_token *blank, const word_token *label)
{
    word_token *token = s->token + s->at[w];
    for (size_t i = s->at[w + 1] - s->at[w]; i-- > 0;) {
        const int32_t k = label_of(s, w, i);
        word_token best = token[i];
        if (i > 0 && token[i - 1].score > best.score) best = token[i - 1];
        if (i > 1 && i % 2 && label_of(s, w, i - 2) != k && token[i - 2].score > best.score) best = token[i - 2];
        if (i == 1 && label->score > best.score) best = *label;
        if (i == 0 && blank->score > best.score) best = *blank;
        best.score += s->y[k];
        token[i] = best;
    }
}

static jd_status frame(word_search *s, size_t t)
{
    if (log_probabilities(s, t)) return jd_error(s->ctx);
    if (t > 0) collect_exits(s);
    for (size_t w = 0; w < s->D; w++) {
        word_token blank = {NONE, WORDS_NOTHING}, label = {NONE, WORDS_NOTHING};
        if (t == 0) {
            blank.score = label.score = s->first[w];
        } else {
            entrance through_blank, straight;
            find_entrances(s, w, &through_blank, &straight);
            const word_token *token = s->token + s->at[w];
            if (through_blank.score > token[0].score)
                blank = (word_token){through_blank.score, record(s, &through_blank)};
            if (straight.score > token[0].score && straight.score > token[1].score)
                label = (word_token){straight.score, record(s, &straight)};
        }
        pass(s, w, &blank, &label);
    }
    if (t > 0) memset(s->stamp, 0, s->D * sizeof *s->stamp);
    return jd_error(s->ctx);
}

/* ---- the result -------------------------------------------------------------------------------------------------------- */

/* All labels of the words, with separators: the path's labelling. */
static size_t spell(const word_search *s, const jd_words *w, int32_t *labels)
{
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++) {
        size_t count;
        const int32_t *word = jd__word_labels(s, (size_t)w->items[i].label, &count);
        if (s->o.separated && i > 0) {
            if (labels) labels[n] = s->o.separator;
            n++;
        }
        if (labels) memcpy(labels + n, word, count * sizeof *labels);
        n += count;
    }
    return n;
}

/* Frames and confidence of each word. */
static jd_status place(const word_search *s, jd_words *w)
{
    const size_t n = spell(s, w, NULL);
    int32_t *labels = jd_alloc_array(s->ctx, n, sizeof *labels);
    jd_symbol *symbols = jd_alloc_array(s->ctx, n, sizeof *symbols);
    if (labels && symbols) {
        spell(s, w, labels);
        jd_ctc_align(s->ctx, s->f.scores, s->f.stride, s->f.count, s->f.K, s->o.blank, labels, n, symbols, NULL);
        size_t at = 0;
        for (size_t i = 0; i < w->count && !jd_error(s->ctx); i++) {
            size_t count;
            jd_symbol *item = &w->items[i];
            jd__word_labels(s, (size_t)item->label, &count);
            at += s->o.separated && i > 0;
            item->first = symbols[at].first;
            item->last = symbols[at + count - 1].last;
            double frames_n = 0, sum = 0;
            for (size_t k = at; k < at + count; k++) {
                const double span = symbols[k].last - symbols[k].first + 1;
                frames_n += span;
                sum += span * symbols[k].confidence;
            }
            item->confidence = sum / frames_n;
            at += count;
        }
    }
    jd_free(s->ctx, labels);
    jd_free(s->ctx, symbols);
    return jd_error(s->ctx);
}

static jd_status result(word_search *s, jd_words *out)
{
    entrance best = {NONE, 0, false};
    uint32_t past = WORDS_NOTHING;
    for (size_t w = 0; w < s->D; w++)
        for (size_t back = 1; back <= 2; back++) {
            const word_token *end = &s->token[s->at[w + 1] - back - (s->o.separated ? 2 : 0)];
            if (!(end->score + s->last[w] > best.score)) continue;
            best = (entrance){end->score + s->last[w], (uint32_t)w, false};
            past = end->past;
        }
    jd_words found = {.score = best.score};
    if (best.score > NONE) {
        found.count = 1;
        for (uint32_t p = past; p != WORDS_NOTHING; p = s->record[p].past) found.count++;
        found.items = jd_alloc_array(s->ctx, found.count, sizeof *found.items);
        if (!found.items) return jd_error(s->ctx);
        size_t i = found.count;
        found.items[--i].label = (int32_t)best.word;
        for (uint32_t p = past; p != WORDS_NOTHING; p = s->record[p].past)
            found.items[--i].label = (int32_t)s->record[p].word;
        place(s, &found);
    }
    if (jd_error(s->ctx))
        jd_words_free(s->ctx, &found);
    else
        *out = found;
    return jd_error(s->ctx);
}

static jd_status check(const word_search *s)
{
    const jd_words_options *o = &s->o;
    if (jd__frames_check(s->ctx, &s->f, o->blank, WHO)) return jd_error(s->ctx);
    if (!o->lexicon) return jd_fail(s->ctx, JD_EUSAGE, "%s: no lexicon; make one with jd_lexicon_new", WHO);
    if (!(o->weight >= 0 && o->weight < 1e6) || !(fabs(o->bonus) <= 100))
        return jd_fail(s->ctx, JD_EUSAGE, "%s: weight %g, bonus %g; give a weight from 0 and a bonus from -100 to 100",
                       WHO, o->weight, o->bonus);
    if (o->separated && (o->separator < 0 || (size_t)o->separator >= s->f.K || o->separator == o->blank))
        return jd_fail(s->ctx, JD_EUSAGE, "%s: separator %d; give a label from 0 to %zu that is not the blank, %d", WHO,
                       o->separator, s->f.K - 1, o->blank);
    for (size_t i = 0; i < o->lexicon->first[o->lexicon->n]; i++) {
        const int32_t label = o->lexicon->label[i];
        if ((size_t)label >= s->f.K || label == o->blank || (o->separated && label == o->separator))
            return jd_fail(s->ctx, JD_EUSAGE,
                           "%s: label %d in the lexicon; the outputs are 0 to %zu, and the blank "
                           "and the separator are in no word",
                           WHO, label, s->f.K - 1);
    }
    return JD_OK;
}

static jd_status start(word_search *s)
{
    if (s->o.weight == 0) s->o.weight = 1;
    if (check(s)) return jd_error(s->ctx);
    const size_t D = s->D = s->o.lexicon->n;
    s->at = jd_alloc_array(s->ctx, D + 1, sizeof *s->at);
    for (size_t w = 0; s->at && w < D; w++) s->at[w + 1] = s->at[w] + segments(s, w);
    s->token = s->at ? jd_alloc_array(s->ctx, s->at[D], sizeof *s->token) : NULL;
    s->y = jd_alloc_array(s->ctx, s->f.K, sizeof *s->y);
    s->quiet = jd_alloc_array(s->ctx, 2 * D, sizeof *s->quiet);
    s->by_exit = jd_alloc_array(s->ctx, 2 * D, sizeof *s->by_exit);
    s->stamp = jd_alloc_array(s->ctx, 3 * D, sizeof *s->stamp);
    if (jd_error(s->ctx)) return jd_error(s->ctx);
    s->exit = s->quiet + D;
    s->by_quiet = s->by_exit + D;
    s->record_of_exit = s->stamp + D;
    s->record_of_quiet = s->record_of_exit + D;
    for (size_t i = 0; i < s->at[D]; i++) s->token[i] = (word_token){NONE, WORDS_NOTHING};
    return jd__words_model(s);
}

jd_status jd_ctc_words(jd_ctx *ctx, const float *scores, size_t stride, size_t count, size_t K,
                       const jd_words_options *o, jd_words *out)
{
    if (!jd__given(ctx, __func__, "o", o) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    word_search s = {.ctx = ctx, .f = {scores, stride, count, K}, .o = *o};
    if (!start(&s)) {
        for (size_t t = 0; t < count && !frame(&s, t); t++)
            ;
        if (!jd_error(ctx)) result(&s, out);
    }
    jd_free(ctx, s.first);
    jd_free(ctx, s.bigram_at);
    jd_free(ctx, s.bigram);
    jd_free(ctx, s.at);
    jd_free(ctx, s.token);
    jd_free(ctx, s.y);
    jd_free(ctx, s.quiet);
    jd_free(ctx, s.by_exit);
    jd_free(ctx, s.stamp);
    jd_free(ctx, s.record);
    return jd_error(ctx);
}

void jd_words_free(jd_ctx *ctx, jd_words *w)
{
    if (!w) return;
    jd_free(ctx, w->items);
    *w = (jd_words){0};
}
