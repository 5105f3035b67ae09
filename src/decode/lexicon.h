/* lexicon.h - how a dictionary lies in memory. */
#ifndef JD_DECODE_LEXICON_H
#define JD_DECODE_LEXICON_H

#include "decode/pairs.h"
#include "jackdaw/decode.h"

struct jd_lexicon {
    jd_ctx *ctx;
    size_t n;
    char **text;
    size_t *first; /* (n+1): word w's labels are label[first[w]] .. */
    int32_t *label;
    int32_t highest; /* label */
    /* A tree of spellings for prefix beam search; node 0 is its root. */
    pairs children;      /* (node, label) -> node */
    uint32_t *node_word; /* (nodes): the first word spelled so, + 1; 0: none */
    uint32_t nodes;
    bool alike; /* two words share a spelling */
};

#endif
