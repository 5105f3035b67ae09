/*
 * beam.c - prefix beam search.
 *
 * In a frame a prefix of the beam either stays (its paths go on with a blank or with the last label again) or is extended
 * by a label.  Extensions that are in the beam already get their share when they stay; all others have but one source, so
 * no two candidates are ever the same prefix.  A candidate is only looked at when its parent's probability, times the
 * label's, times the most that the model can give, would be among the best `width`.
 *
 * Probabilities are kept as they are, not as logarithms, and scaled by powers of two so that the best is near 1.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "decode/beam.h"

static const char WHO[] = "jd_ctc_beam";

/* ---- the best candidates ---------------------------------------------------------------------------------------------- */

static bool heap_full(const beam_search *b)
{
    return b->heap_n == b->heap_most;
}

static void sift(beam_candidate *h, size_t n, size_t at)
{
    const beam_candidate c = h[at];
    for (size_t k; (k = 2 * at + 1) < n; at = k) {
        if (k + 1 < n && h[k + 1].total < h[k].total) k++;
        if (!(h[k].total < c.total)) break;
        h[at] = h[k];
    }
    h[at] = c;
}

/* Offers a candidate. */
static bool offer(beam_search *b, beam_candidate c)
{
    if (heap_full(b)) {
        if (c.total > b->heap[0].total) {
            b->heap[0] = c;
            sift(b->heap, b->heap_n, 0);
        }
        return true;
    }
    if (b->heap_n == b->heap_room) {
        const size_t room = 2 * b->heap_room + 256;
        beam_candidate *larger = jd_realloc(b->ctx, b->heap, b->heap_room * sizeof *larger, room * sizeof *larger);
        if (!larger) return false;
        b->heap = larger;
        b->heap_room = room;
    }
    size_t at = b->heap_n++;
    for (size_t up; at > 0 && b->heap[up = (at - 1) / 2].total > c.total; at = up) b->heap[at] = b->heap[up];
    b->heap[at] = c;
    return true;
}

/* ---- prefixes ---------------------------------------------------------------------------------------------------------- */

/* The node of a prefix and one label more; 0 where the lexicon forbids it, or on lack of memory. */
static uint32_t child(beam_search *b, uint32_t parent, int32_t label)
{
    const uint32_t old = jd__pairs_get(&b->children, parent, (uint32_t)label);
    if (old) return old;
    beam_node made = {.parent = parent, .label = label, .at = BEAM_NOWHERE};
    if (!jd__beam_extend(b, &b->node[parent], label, &made)) return 0;
    if (b->nodes == b->node_room) {
        const size_t room = 2 * b->node_room;
        beam_node *larger = jd_realloc(b->ctx, b->node, b->node_room * sizeof *larger, room * sizeof *larger);
        if (!larger) return 0;
        b->node = larger;
        b->node_room = room;
    }
    if (!jd__pairs_put(b->ctx, &b->children, parent, (uint32_t)label, b->nodes)) return 0;
    b->node[b->nodes] = made;
    return b->nodes++;
}

/* Drops the prefixes that are neither in the beam nor before one that is.  Parents stand before their children. */
static jd_status sweep(beam_search *b)
{
    uint32_t *to = jd_alloc_array(b->ctx, b->nodes, sizeof *to); /* 0: dropped, else the new number + 1 */
    if (!to) return jd_error(b->ctx);
    for (size_t i = 0; i < b->n; i++)
        for (uint32_t k = b->beam[i].node; !to[k]; k = b->node[k].parent) to[k] = 1;
    to[0] = 1;
    jd__pairs_clear(&b->children);
    uint32_t n = 0;
    for (uint32_t k = 0; k < b->nodes; k++) {
        if (!to[k]) continue;
        to[k] = n + 1;
        b->node[n] = b->node[k];
        if (n > 0) {
            b->node[n].parent = to[b->node[k].parent] - 1;
            if (!jd__pairs_put(b->ctx, &b->children, b->node[n].parent, (uint32_t)b->node[n].label, n)) break;
        }
        n++;
    }
    for (size_t i = 0; i < b->n; i++) b->beam[i].node = to[b->beam[i].node] - 1;
    b->nodes = b->live = n;
    jd_free(b->ctx, to);
    return jd_error(b->ctx);
}

/* ---- a frame ----------------------------------------------------------------------------------------------------------- */

static int by_total(const void *x, const void *y)
{
    const beam_entry *a = x, *b = y;
    if (a->total > b->total || a->total < b->total) return a->total < b->total ? 1 : -1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static int by_probability(const void *x, const void *y)
{
    const beam_label *a = x, *b = y;
    if (a->p > b->p || a->p < b->p) return a->p < b->p ? 1 : -1;
    return a->label < b->label ? -1 : a->label > b->label;
}

/* Each prefix as it is: into `next`, and offered. */
static bool stay(beam_search *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const beam_entry *e = &b->beam[i];
        const beam_node *now = &b->node[e->node];
        beam_entry *n = &b->next[i];
        *n = (beam_entry){.node = e->node, .blank = e->total * b->y[b->o.blank]};
        if (e->node != 0) {
            const double y = b->y[now->label];
            const beam_node *up = &b->node[now->parent];
            n->label = e->label * y;
            if (up->at != BEAM_NOWHERE) {
                const beam_entry *from = &b->beam[up->at];
                n->label += (up->label == now->label ? from->blank : from->total) * y * now->factor;
            }
        }
        n->total = n->blank + n->label;
        if (n->total > 0 && !offer(b, (beam_candidate){.total = n->total, .from = (uint32_t)i, .label = -1}))
            return false;
    }
    return true;
}

/* The labels that can bring a candidate among the best, sorted; returns how many. */
static size_t choose_labels(beam_search *b)
{
    size_t n = 0;
    for (size_t k = 0; k < b->f.K; k++) {
        const double p = b->y[k];
        if ((int32_t)k == b->o.blank || !(p > 0) || p < b->o.least) continue;
        if (heap_full(b) && !(b->beam[0].total * p * b->most > b->heap[0].total)) continue;
        b->falling[n++] = (beam_label){p, (int32_t)k};
    }
    qsort(b->falling, n, sizeof *b->falling, by_probability);
    return n;
}

/* Each prefix extended by each label, unless the result is in the beam; the beam is sorted by total. */
static jd_status extend(beam_search *b)
{
    const size_t labels = choose_labels(b);
    for (size_t k = 0; k < labels; k++) {
        const double most = b->falling[k].p * b->most;
        const int32_t label = b->falling[k].label;
        for (size_t i = 0; i < b->n; i++) {
            const beam_entry *e = &b->beam[i];
            if (heap_full(b) && !(e->total * most > b->heap[0].total)) {
                if (i == 0) return JD_OK;
                break;
            }
            const double source = b->node[e->node].label == label ? e->blank : e->total;
            if (!(source > 0) || (heap_full(b) && !(source * most > b->heap[0].total))) continue;
            const uint32_t to = child(b, e->node, label);
            if (!to && jd_error(b->ctx)) return jd_error(b->ctx);
            if (!to || b->node[to].at != BEAM_NOWHERE) continue;
            const double total = source * b->falling[k].p * b->node[to].factor;
            if (total > 0 && !offer(b, (beam_candidate){total, (uint32_t)i, label, to})) return jd_error(b->ctx);
        }
    }
    return JD_OK;
}

static jd_status room_for_beams(beam_search *b, size_t want)
{
    if (want <= b->beam_room) return JD_OK;
    const size_t room = 2 * want;
    beam_entry *beam = jd_realloc(b->ctx, b->beam, b->n * sizeof *beam, room * sizeof *beam);
    if (beam) b->beam = beam;
    beam_entry *next = beam ? jd_realloc(b->ctx, b->next, b->n * sizeof *next, room * sizeof *next) : NULL;
    if (next) {
        b->next = next;
        b->beam_room = room;
    }
    return jd_error(b->ctx);
}

/* The best candidates become the beam; probabilities are scaled. */
static jd_status take_best(beam_search *b)
{
    for (size_t i = 0; i < b->n; i++) b->node[b->beam[i].node].at = BEAM_NOWHERE;
    if (room_for_beams(b, b->heap_n)) return jd_error(b->ctx);
    for (size_t i = 0; i < b->heap_n; i++) {
        const beam_candidate *c = &b->heap[i];
        b->beam[i] =
            c->label < 0 ? b->next[c->from] : (beam_entry){.node = c->node, .label = c->total, .total = c->total};
    }
    b->n = b->heap_n;
    qsort(b->beam, b->n, sizeof *b->beam, by_total);
    int exponent = 0;
    if (b->n) frexp(b->beam[0].total, &exponent);
    const double scale = ldexp(1, -exponent);
    b->scale += exponent;
    for (size_t i = 0; i < b->n; i++) {
        beam_entry *e = &b->beam[i];
        b->node[e->node].at = (uint32_t)i;
        e->blank *= scale;
        e->label *= scale;
        e->total *= scale;
    }
    return JD_OK;
}

static jd_status frame(beam_search *b, size_t t)
{
    if (jd__frame_probabilities(b->ctx, &b->f, t, b->y, WHO)) return jd_error(b->ctx);
    b->heap_n = 0;
    if (b->n == 0) return JD_OK;
    if (!stay(b) || extend(b) || take_best(b)) return jd_error(b->ctx);
    return b->nodes > 4 * b->live + 16384 ? sweep(b) : JD_OK;
}

/* ---- the search -------------------------------------------------------------------------------------------------------- */

static jd_status check_lexicon(const beam_search *b)
{
    const jd_beam_options *o = &b->o;
    const size_t K = b->f.K;
    if (o->separator < 0 || (size_t)o->separator >= K || o->separator == o->blank)
        return jd_fail(b->ctx, JD_EUSAGE, "%s: separator %d; give a label from 0 to %zu that is not the blank, %d", WHO,
                       o->separator, K - 1, o->blank);
    if (o->lexicon->alike)
        return jd_fail(b->ctx, JD_EUSAGE,
                       "%s: two words of the lexicon are spelled alike; leave one out, or use "
                       "jd_ctc_words",
                       WHO);
    for (size_t i = 0; i < o->lexicon->first[o->lexicon->n]; i++) {
        const int32_t label = o->lexicon->label[i];
        if ((size_t)label >= K || label == o->blank || label == o->separator)
            return jd_fail(b->ctx, JD_EUSAGE,
                           "%s: label %d in the lexicon; the outputs are 0 to %zu, and the blank "
                           "and the separator are in no word",
                           WHO, label, K - 1);
    }
    return JD_OK;
}

static jd_status check(const beam_search *b)
{
    const jd_beam_options *o = &b->o;
    if (jd__frames_check(b->ctx, &b->f, o->blank, WHO)) return jd_error(b->ctx);
    if (!(o->weight >= 0 && o->weight < 1e6) || !(fabs(o->bonus) <= 100))
        return jd_fail(b->ctx, JD_EUSAGE, "%s: weight %g, bonus %g; give a weight from 0 and a bonus from -100 to 100",
                       WHO, o->weight, o->bonus);
    if (o->lexicon) return check_lexicon(b);
    if (o->model && !o->symbol)
        return jd_fail(b->ctx, JD_EUSAGE, "%s: a model without `symbol` or `lexicon`; say what its words are", WHO);
    return JD_OK;
}

static jd_status start(beam_search *b)
{
    jd_beam_options *o = &b->o;
    if (o->width == 0) o->width = 100;
    if (o->best == 0) o->best = 1;
    if (o->weight == 0) o->weight = 1;
    if (check(b)) return jd_error(b->ctx);
    b->heap_most = o->width;
    b->most = exp(fmax(o->bonus, 0));
    b->node_room = 1024;
    b->node = jd_alloc_array(b->ctx, b->node_room, sizeof *b->node);
    b->y = jd_alloc_array(b->ctx, b->f.K, sizeof *b->y);
    b->falling = jd_alloc_array(b->ctx, b->f.K, sizeof *b->falling);
    if (o->lexicon && o->model) {
        b->word = jd_alloc_array(b->ctx, o->lexicon->n, sizeof *b->word);
        for (size_t w = 0; b->word && w < o->lexicon->n; w++) b->word[w] = jd_ngram_id(o->model, o->lexicon->text[w]);
    }
    if (jd_error(b->ctx) || room_for_beams(b, 1)) return jd_error(b->ctx);
    b->node[0] = (beam_node){.label = -1, .state = o->model ? jd_ngram_start(o->model) : 0};
    b->nodes = b->live = 1;
    b->beam[0] = (beam_entry){.blank = 1, .total = 1};
    b->n = 1;
    return JD_OK;
}

jd_status jd_ctc_beam(jd_ctx *ctx, const float *scores, size_t stride, size_t count, size_t K, const jd_beam_options *o,
                      jd_nbest *out)
{
    if (!jd__given(ctx, __func__, "o", o) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    beam_search b = {.ctx = ctx, .f = {scores, stride, count, K}, .o = *o};
    if (!start(&b)) {
        for (size_t t = 0; t < count && !frame(&b, t); t++)
            ;
        if (!jd_error(ctx)) jd__beam_list(&b, out);
    }
    jd_free(ctx, b.node);
    jd__pairs_free(ctx, &b.children);
    jd_free(ctx, b.beam);
    jd_free(ctx, b.next);
    jd_free(ctx, b.heap);
    jd_free(ctx, b.y);
    jd_free(ctx, b.falling);
    jd_free(ctx, b.word);
    return jd_error(ctx);
}
