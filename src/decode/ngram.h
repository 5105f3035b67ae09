/* ngram.h - how an n-gram model lies in memory: a tree whose nodes are sequences of words. */
#ifndef JD_DECODE_NGRAM_H
#define JD_DECODE_NGRAM_H

#include "decode/pairs.h"
#include "jackdaw/ngram.h"

/* The sequence of a node is its parent's and then `word`.  Node 0 is the empty sequence. */
typedef struct ngram_node {
    uint32_t parent, word;
    uint32_t suffix; /* the node of the longest sequence that this one ends in, itself left out */
    uint32_t level;  /* words */
    float logp, bow; /* log10, as in files */
} ngram_node;

typedef struct ngram_vocabulary { /* open addressing; 0: free, else a word's number + 1 */
    uint32_t *slot;
    size_t size, used; /* size: a power of two */
} ngram_vocabulary;

struct jd_ngram {
    jd_ctx *ctx;
    int order;
    size_t count[JD_NGRAM_ORDER + 1];
    ngram_node *node;
    size_t nodes, node_room;
    pairs children; /* (parent, word) -> node */
    char *text;     /* the words, each with its zero */
    size_t text_bytes, text_room;
    size_t *word; /* where in text */
    size_t words, word_room;
    ngram_vocabulary vocabulary;
    int32_t start, end, unknown; /* word numbers or -1 */
};

/* An empty model with its root; NULL on lack of memory. */
jd_ngram *jd__ngram_new(jd_ctx *ctx, int order);
/* The number of the word of `bytes` bytes, or -1. */
int32_t jd__ngram_find_word(const jd_ngram *m, const char *word, size_t bytes);
/* Adds a word that is not there yet; -1 on lack of memory. */
int32_t jd__ngram_add_word(jd_ngram *m, const char *word, size_t bytes);
/* The node of (parent's sequence, word), or 0. */
uint32_t jd__ngram_child(const jd_ngram *m, uint32_t parent, uint32_t word);
/* Adds a child that is not there yet; 0 on lack of memory. */
uint32_t jd__ngram_add(jd_ngram *m, uint32_t parent, uint32_t word);
/* After the last node: suffixes, special words. */
void jd__ngram_finish(jd_ngram *m);

/* Goes through the lines and words of a text. */
typedef struct ngram_text {
    const char *at, *stop;
    size_t passed; /* line ends */
    size_t line;   /* of the last word, from 1; 0: none yet */
    bool fresh;    /* that word is its line's first */
} ngram_text;
/* The next word: its length, 0 after the last. */
size_t jd__ngram_next_word(ngram_text *t, const char **word);

#endif
