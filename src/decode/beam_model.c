/* beam_model.c - what language model, lexicon and bonus say about a prefix. */
#include <math.h>

#include "decode/beam.h"

/* Ends the word that stands at `spell`: ln of its weight, and the model's next state. */
static bool end_word(const beam_search *b, uint32_t spell, uint32_t state, double *ln, uint32_t *next)
{
    *ln = 0;
    *next = state;
    if (spell == 0) return true; /* an empty word */
    const uint32_t word = spell != BEAM_NOWHERE ? b->o.lexicon->node_word[spell] : 0;
    if (word == 0 && !b->o.open) return false;
    *ln = b->o.bonus;
    if (b->o.model) *ln += b->o.weight * jd_ngram_step(b->o.model, state, word ? b->word[word - 1] : -1, next);
    return true;
}

bool jd__beam_extend(const beam_search *b, const beam_node *from, int32_t label, beam_node *to)
{
    const jd_beam_options *o = &b->o;
    double ln = 0;
    to->state = from->state;
    to->spell = 0;
    if (!o->lexicon) {
        ln = o->bonus;
        if (o->model) ln += o->weight * jd_ngram_step(o->model, from->state, o->symbol[label], &to->state);
    } else if (label == o->separator) {
        if (!end_word(b, from->spell, from->state, &ln, &to->state)) return false;
    } else {
        uint32_t next = 0;
        if (from->spell != BEAM_NOWHERE) next = jd__pairs_get(&o->lexicon->children, from->spell, (uint32_t)label);
        if (!next && !o->open) return false;
        to->spell = next ? next : BEAM_NOWHERE;
    }
    to->factor = exp(ln);
    to->ln_model = from->ln_model + ln;
    return true;
}

bool jd__beam_end(const beam_search *b, const beam_node *last, double *ln)
{
    uint32_t state = last->state;
    *ln = 0;
    if (b->o.lexicon && !end_word(b, last->spell, last->state, ln, &state)) return false;
    if (b->o.model && b->o.end) *ln += b->o.weight * jd_ngram_end(b->o.model, state);
    return true;
}
