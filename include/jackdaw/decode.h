/*
 * decode.h - from the outputs of a network to labels, words and sentences, and how far these are from the truth.
 *
 *     int32_t found[300];
 *     size_t n = jd_ctc_best_path(logits + b * K, B * K, length[b], K, 0, found);    // logits (T,B,K), sample b
 *     jd_edits e = jd_edit_distance(ctx, target, target_length, found, n);
 *     errors += e.total, labels += target_length;
 *
 * The quickest is the best path.  The likeliest labelling, which sums over all its paths, comes from prefix beam search,
 * which can also weigh a language model (ngram.h); the likeliest words of a dictionary come from token passing; single
 * words are found anywhere in a recording by keyword search.
 *
 * Everywhere frame t's K outputs are at scores + t stride.  But for the best path they are logits or logarithms of
 * probabilities: their softmax is what counts.  A NaN or +infinity among them is JD_EDIVERGED and names the frame.
 */
#ifndef JACKDAW_DECODE_H
#define JACKDAW_DECODE_H

#include "jackdaw/ngram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Best path decoding (Graves, Fernandez, Gomez, Schmidhuber, ICML 2006, section 3.2): the largest output of every frame,
 * the first of equals; then repeats are removed, then blanks.  Scores may be logits or probabilities.  Writes at most
 * `frames` labels to `labels` and returns their number. */
JD_API size_t jd_ctc_best_path(const float *scores, size_t stride, size_t frames, size_t K, int32_t blank,
                               int32_t *labels);

/* A whole batch: scores (T,B,K), length (B) or NULL for all T; labels (B,T), count (B).  A length outside 0..T is
 * JD_EUSAGE. */
JD_API jd_status jd_ctc_best_paths(jd_ctx *ctx, const float *scores, size_t T, size_t B, size_t K,
                                   const int32_t *length, int32_t blank, int32_t *labels, int32_t *count);

/* Fewest substitutions, insertions and deletions that make `target` into `found` (Levenshtein 1966).  Where several ways
 * are shortest, the one with the most substitutions counts.  On lack of memory `total` is SIZE_MAX, and the context has
 * the error. */
typedef struct jd_edits {
    size_t total;
    size_t substitutions;
    size_t insertions; /* in found, not in target */
    size_t deletions;  /* in target, not in found */
} jd_edits;
JD_API jd_edits jd_edit_distance(jd_ctx *ctx, const int32_t *target, size_t target_length, const int32_t *found,
                                 size_t found_length);

/* Label error rate of a batch: sum of edit distances / sum of target lengths, in [0, inf); 0 for a batch without labels
 * in which nothing was found, infinity if something was.  targets (B,U), found (B,T).  Negative on error. */
JD_API double jd_label_error_rate(jd_ctx *ctx, const int32_t *targets, size_t U, const int32_t *target_length,
                                  const int32_t *found, size_t T, const int32_t *found_length, size_t B);

/* ---- where the labels are ---------------------------------------------------------------------------------------------- */

/* A label and the frames first .. last that say it. */
typedef struct jd_symbol {
    int32_t label, first, last;
    double confidence; /* see the decoder that filled it in */
} jd_symbol;

/* The likeliest path among those of one labelling (Viterbi): symbols (n) with confidence = the mean of the label's
 * probability over its frames, and in *ln_p (may be NULL) the path's log probability.  JD_EUSAGE: a label outside 0..K-1
 * or the blank, or fewer frames than labels and blanks between equal neighbours need. */
JD_API jd_status jd_ctc_align(jd_ctx *ctx, const float *scores, size_t stride, size_t frames, size_t K, int32_t blank,
                              const int32_t *labels, size_t n, jd_symbol *symbols, double *ln_p);

/* ---- dictionaries ------------------------------------------------------------------------------------------------------ */

typedef struct jd_lexicon jd_lexicon;

typedef struct jd_lexicon_word {
    const char *text;      /* as the language model knows it */
    const int32_t *labels; /* (count), count >= 1 */
    size_t count;
} jd_lexicon_word;

/* Copies the words; their numbers are 0 .. n-1.  JD_EUSAGE: no words, a word without labels, a negative label. */
JD_API jd_lexicon *jd_lexicon_new(jd_ctx *ctx, const jd_lexicon_word *words, size_t n);
JD_API void jd_lexicon_free(jd_lexicon *l);
JD_API size_t jd_lexicon_count(const jd_lexicon *l);
JD_API const char *jd_lexicon_text(const jd_lexicon *l, size_t word);

/* ---- prefix beam search ------------------------------------------------------------------------------------------------
 * Graves et al. 2006, section 3.2, in the frame-synchronous form of Hannun, Maas, Jurafsky, Ng 2014 (arXiv 1408.2873),
 * algorithm 1: for each of the likeliest prefixes the probability of all paths that give it so far.  A labelling l scores
 *     ln p(l|x) + weight ln p_model(l) + bonus |l|
 * and with a beam that holds every prefix the result is exact.
 *
 *     jd_nbest found = {0};
 *     jd_ctc_beam(ctx, logits, K, T, K, &(jd_beam_options){.blank = 0, .best = 10}, &found);
 *     if (found.count) printf("%zu labels, likely to %.0f %%\n", found.items[0].count, 100 * found.items[0].confidence);
 *     jd_nbest_free(ctx, &found);
 *
 * With a `lexicon`, labels between separators are words: `model` and `bonus` then weigh words, at the separator that ends
 * one or at the end.  Empty words count for nothing.  No two words may be spelled alike (token passing allows that). */
typedef struct jd_beam_options {
    int32_t blank;
    size_t width; /* prefixes kept from frame to frame; default 100 */
    size_t best;  /* labellings to return at most; default 1 */
    double least; /* outputs with less probability extend no prefix; default 0: all are tried */
    const jd_ngram *model;
    const int32_t *symbol; /* (K): the model's word for each label, where there is no lexicon */
    double weight;         /* of the model, 0 or more; default 1 */
    double bonus;          /* for each label, or each word; default 0 */
    bool end;              /* the model's </s> counts too */
    const jd_lexicon *lexicon;
    int32_t separator; /* the label between words */
    bool open;         /* words outside the lexicon are possible, as the model's <unk> */
} jd_beam_options;

typedef struct jd_hypothesis {
    size_t count;
    jd_symbol *symbols; /* on the likeliest path; confidence: the share of the final beam's probability that belongs to
                         * labellings with the same label at this place (aligned by fewest edits) */
    double score;       /* as above */
    double acoustic;    /* ln p(l|x) alone */
    double confidence;  /* share of the final beam's probability */
} jd_hypothesis;

typedef struct jd_nbest {
    size_t count;         /* 0: no labelling is possible */
    jd_hypothesis *items; /* the likeliest first */
} jd_nbest;

JD_API jd_status jd_ctc_beam(jd_ctx *ctx, const float *scores, size_t stride, size_t frames, size_t K,
                             const jd_beam_options *o, jd_nbest *out);
JD_API void jd_nbest_free(jd_ctx *ctx, jd_nbest *n);

/* ---- token passing -----------------------------------------------------------------------------------------------------
 * Graves 2008 (thesis), section 7.5.3: the likeliest path through the words of a dictionary and the bigrams between them,
 *     max over word strings and paths of  ln p(path|x) + sum (weight ln p(word | word before) + bonus)
 * exact, with every path CTC allows: a word may follow another without a blank between different labels.
 *
 *     jd_words w = {0};
 *     jd_ctc_words(ctx, logits, K, T, K, &(jd_words_options){.blank = 0, .lexicon = l, .model = bigrams}, &w);
 *     for (size_t i = 0; i < w.count; i++) puts(jd_lexicon_text(l, (size_t)w.items[i].label));
 *
 * The first word is taken after <s> where the model has it.  Of a model of higher order the bigrams count.  A word that
 * the model does not know has the probability of <unk>; without one it cannot be said. */
typedef struct jd_words_options {
    int32_t blank;
    const jd_lexicon *lexicon;
    const jd_ngram *model; /* NULL: all words are equally likely, and cost only the bonus */
    double weight;         /* default 1 */
    double bonus;
    bool end;
    bool separated; /* the label `separator` stands between words */
    int32_t separator;
} jd_words_options;

typedef struct jd_words {
    size_t count;
    jd_symbol *items; /* label: the word's number; confidence: the mean over its frames of what the path says there */
    double score;     /* -infinity: no string of words is possible, and count is 0 */
} jd_words;

JD_API jd_status jd_ctc_words(jd_ctx *ctx, const float *scores, size_t stride, size_t frames, size_t K,
                              const jd_words_options *o, jd_words *out);
JD_API void jd_words_free(jd_ctx *ctx, jd_words *w);

/* ---- keyword search ----------------------------------------------------------------------------------------------------
 * Where in a recording a labelling is said (after Fernandez, Graves, Schmidhuber, ICANN 2007): for each stretch of
 * frames the likeliest path that says just it, against the best path of the same frames,
 *     score = max over paths of  sum over frames of  ln y(path) - ln max_k y(k)      <= 0; 0: the best path says it
 * Returned are stretches whose score is at least `least`, the best of those that overlap, in the order of time. */
typedef struct jd_hit {
    size_t first, last; /* frames */
    double score;
} jd_hit;

/* At most `room` hits into `hits`; their number into *count, which may be larger.  `least` is a score, below 0. */
JD_API jd_status jd_ctc_spot(jd_ctx *ctx, const float *scores, size_t stride, size_t frames, size_t K, int32_t blank,
                             const int32_t *labels, size_t n, double least, jd_hit *hits, size_t room, size_t *count);

/* ---- beam search over sequences that a net writes symbol by symbol --------------------------------------------------------
 * As in Sutskever, Vinyals, Le, NIPS 2014, section 3.2: of each input the `width` likeliest partial answers are kept; one
 * that takes the symbol `end` leaves the beam, which is narrower from then on.  Width 1 is greedy search.  Many inputs are
 * searched side by side: row s width + k is partial answer k of input s, so a step is one batch of inputs x width rows.
 *
 *     jd_status step(void *user, size_t t, const int32_t *symbol, const int32_t *parent, float *ln_p);
 *     jd_sequence found[8] = {0};
 *     jd_sequence_beam(ctx, &(jd_sequence_options){.inputs = 8, .width = 5, .symbols = 6000, .start = 1, .end = 2,
 *                                                  .longest = 40, .step = step, .user = net}, found);
 *     ... found[s].symbols[0 .. found[s].count - 1] ...
 *     for (int s = 0; s < 8; s++) jd_free(ctx, found[s].symbols); */
typedef struct jd_sequence_options {
    size_t inputs;        /* S */
    size_t width;         /* W; 0 means 1 */
    size_t symbols;       /* K */
    int32_t start;        /* what every answer begins with; not part of it */
    int32_t end;          /* what every answer ends with; not part of it */
    size_t longest;       /* symbols of an answer at most */
    const int32_t *limit; /* (S), or NULL: at most so many symbols for each input, 1 to `longest` */
    /* Answers compete by ln p / ((5 + symbols, `end` too) / 6)^power (Wu et al., arXiv 1609.08144, equation 14). */
    double power;
    /* Row i, of S W, takes symbol[i] after what row parent[i] of the step before had taken (at t = 0: `start`, its own row);
     * fills ln_p (S W,K) with the logarithms of the next symbols' probabilities; -infinity: not possible.  The scores of
     * rows that are not in use, which go on with `end`, are not looked at.  Another status than JD_OK ends the search. */
    jd_status (*step)(void *user, size_t t, const int32_t *symbol, const int32_t *parent, float *ln_p);
    void *user;
} jd_sequence_options;

typedef struct jd_sequence {
    size_t count;
    int32_t *symbols; /* for jd_free; one more than `count` is there */
    double ln_p;      /* of the symbols, and of `end` where `ended` */
    double score;     /* what it won by */
    bool ended;       /* false: no answer ended within the limit, this is the best beginning */
} jd_sequence;

/* The best answer to each input, found (S).  JD_EDIVERGED: a NaN or +infinity.  On an error nothing needs to be freed. */
JD_API jd_status jd_sequence_beam(jd_ctx *ctx, const jd_sequence_options *o, jd_sequence *found);

#ifdef __cplusplus
}
#endif
#endif
