/*
 * trees.h - parse trees, as they are read, written as symbols, repaired and scored.
 *
 * A tree is written depth first, as in Vinyals et al., NIPS 2015: "(S (NP XX )NP (VP XX )VP )S", a symbol for each opening and
 * each closing bracket with its label, and XX for every word, which stands in the source alone.
 */
#ifndef TREES_H
#define TREES_H

#include "jackdaw/metrics.h"
#include "vocabulary.h"

/* Symbols of written trees: TREES_WORD is XX; the bracket of label l opens with TREES_OPEN + 2 l and closes with one more. */
enum { TREES_WORD = 3, TREES_OPEN = 4 };

typedef struct tree {
    size_t words;
    char **word;     /* (words) */
    bool *mark;      /* (words): a punctuation mark, which counts in no bracket */
    int32_t *symbol; /* (symbols) */
    size_t symbols;
} tree;

typedef struct treebank {
    jd_ctx *ctx;
    vocabulary *label; /* numbered from 0 */
    size_t n, room;
    tree *item;
} treebank;

jd_status treebank_open(jd_ctx *ctx, treebank *b);
void treebank_free(treebank *b);

/* Adds the trees of a text in the Penn Treebank's form, "( (S (NP (DT The) ...) ...) )".  Traces (-NONE-) and what is empty
 * without them go, so do the outermost bracket without a label or called TOP or ROOT, and what stands behind - and = in a
 * label.  `name` stands in errors. */
jd_status treebank_read(treebank *b, const char *name, const char *text);

/* A tree of its own: words and symbols are copied; no word is a mark. */
jd_status treebank_add(treebank *b, char *const *word, size_t words, const int32_t *symbol, size_t symbols);

/* True if brackets are balanced, labels match, and there are just so many words. */
bool tree_well_formed(const int32_t *symbol, size_t n, size_t words);
/* The same symbols as a well-formed tree, at most `room`: surplus brackets are dropped, missing ones added, words are dropped or
 * added.  A bracket that closes closes those inside it too; where none of its label is open it is dropped.  Returns how many. */
size_t tree_repair(const int32_t *symbol, size_t n, size_t words, int32_t root, int32_t *out, size_t room);
/* The brackets of a well-formed tree that hold words which are no marks, at most `room`; returns how many. */
size_t tree_brackets(const int32_t *symbol, size_t n, const bool *mark, jd_bracket *out, size_t room);
/* The tree as text with its words, for jd_free. */
char *tree_text(jd_ctx *ctx, const treebank *b, const int32_t *symbol, size_t n, char *const *word, size_t words);
/* What a symbol is called: "XX", "(NP", ")NP". */
void tree_symbol(const treebank *b, int32_t symbol, char out[32]);

/* ---- a grammar that makes sentences -------------------------------------------------------------------------------------------*/

/* Sentence `index` of the stream `purpose`: words and symbols with labels of `b`, 3 to `most` words.  Returns the words, or 0
 * and an error. */
enum { PCFG_WORDS = 64, PCFG_SYMBOLS = 512, PCFG_RULES = 60, PCFG_LABELS = 12 };
typedef struct pcfg_sentence {
    size_t words, symbols;
    char word[PCFG_WORDS][16];
    int32_t symbol[PCFG_SYMBOLS];
} pcfg_sentence;
jd_status pcfg_sentence_make(treebank *b, uint64_t seed, const char *purpose, uint64_t index, size_t most,
                             pcfg_sentence *out);

#endif
