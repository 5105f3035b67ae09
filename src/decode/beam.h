/* beam.h - the state of a prefix beam search. */
#ifndef JD_DECODE_BEAM_H
#define JD_DECODE_BEAM_H

#include "decode/frames.h"
#include "decode/lexicon.h"
#include "decode/pairs.h"
#include "jackdaw/decode.h"

#define BEAM_NOWHERE UINT32_MAX

/* A prefix: its parent's and then `label`.  Node 0 is the empty prefix. */
typedef struct beam_node {
    uint32_t parent;
    int32_t label;
    uint32_t at;     /* its place in the beam, or BEAM_NOWHERE */
    uint32_t spell;  /* the lexicon's node of the word begun, or BEAM_NOWHERE: a word outside the lexicon */
    uint32_t state;  /* of the model */
    double factor;   /* what the model and the bonus multiply at `label` */
    double ln_model; /* ln of the product of the factors so far */
} beam_node;

typedef struct beam_entry {
    uint32_t node;
    double blank, label; /* probabilities of all paths that give the prefix and end in a blank, or in its last label */
    double total;
} beam_entry;

/* What may be in the next beam: the entry `from` as it is (label < 0), or extended. */
typedef struct beam_candidate {
    double total;
    uint32_t from;
    int32_t label;
    uint32_t node;
} beam_candidate;

typedef struct beam_label {
    double p;
    int32_t label;
} beam_label;

typedef struct beam_search {
    jd_ctx *ctx;
    frames f;
    jd_beam_options o;
    int32_t *word; /* (lexicon words): the model's number */
    double most;   /* no factor is above it */

    beam_node *node;
    uint32_t nodes, live; /* live: after the last sweep */
    size_t node_room;
    pairs children; /* (node, label) -> node */

    beam_entry *beam, *next;
    size_t n, beam_room;
    beam_candidate *heap; /* the least on top */
    size_t heap_n, heap_room, heap_most;
    double *y;           /* (K) */
    beam_label *falling; /* (K): the labels worth trying, from the likeliest to the least */
    int64_t scale;       /* probabilities are to be multiplied by 2^scale */
} beam_search;

/* What the model and the bonus give for extending a prefix by a label: the factor, and the states after it.  False: the
 * lexicon does not allow it. */
bool jd__beam_extend(const beam_search *b, const beam_node *from, int32_t label, beam_node *to);
/* The same in ln for ending the labelling after a prefix. */
bool jd__beam_end(const beam_search *b, const beam_node *last, double *ln);
/* The beam after the last frame as a list. */
jd_status jd__beam_list(beam_search *b, jd_nbest *out);

#endif
