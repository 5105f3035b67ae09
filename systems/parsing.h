/*
 * parsing.h - parts of the system parsing: sentences with their trees as pairs, and what answers are worth.
 */
#ifndef PARSING_H
#define PARSING_H

#include "seq2seq.h"
#include "trees.h"

enum { PARSING_TRAIN, PARSING_VALID, PARSING_TEST, PARSING_PARTS };
enum { PARSING_NETS = 4, PARSING_LONGEST = 400, PARSING_BINS = 6, PARSING_LABELS = 64 };

typedef struct parsing_corpus {
    jd_ctx *ctx;
    treebank bank;
    vocabulary *word; /* from SEQ2SEQ_WORDS on */
    seq2seq_pairs part[PARSING_PARTS];
    const tree **tree[PARSING_PARTS]; /* of each pair */
    int32_t *limit[PARSING_PARTS];    /* symbols of an answer, by the words */
} parsing_corpus;

/* Sentences of the grammar; none to be tested on is learned from. */
jd_status parsing_grammar(jd_run *r, parsing_corpus *c);
/* The treebank sample, of whose part to learn from a twentieth is held out; or --data FILE with trees in brackets, of which
 * every tenth is held out and every tenth tested on.  Words that are rare are known by their form: ending, capital, digits. */
jd_status parsing_treebank(jd_run *r, parsing_corpus *c);
void parsing_free(parsing_corpus *c);

/* The number of a word, the first one of its sentence or not, in a vocabulary in which rare words are forms. */
int32_t parsing_word(const vocabulary *v, const char *word, bool first);
/* Symbols that are enough for the tree of a sentence of so many words. */
int32_t parsing_limit(size_t words);

typedef struct parsing_score {
    jd_bracket_score brackets, bin[PARSING_BINS],
        label[PARSING_LABELS]; /* bin: by words, 5 each, the last for all above */
    double well_formed, exact; /* shares of the answers */
} parsing_score;
/* What the answers to a part's sentences are worth, after repair. */
jd_status parsing_judge(const parsing_corpus *c, int part, const jd_sequence *found, parsing_score *s);

#endif
