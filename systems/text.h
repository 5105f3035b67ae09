/*
 * text.h - the parts of the system text-compression: texts as symbols, predictors of the next one, the code.
 *
 *     text_alphabet a = text_alphabet_of(train.bytes, train.n);
 *     predictor_begin(&p, 1);
 *     const float *next = predictor_next(&p, &start);           // (1,K): how probable each symbol is now
 *     text_shares(next, K, freq);
 *     coder_put(&code, start_of_symbol, freq[symbol]);          // -log2 freq/65536 bits
 */
#ifndef TEXT_H
#define TEXT_H

#include "jackdaw/layers.h"
#include "jackdaw/system.h"

/* ---- texts (text_data.c) ------------------------------------------------------------------------------------------------*/

/* Every byte of the text for training is a symbol; the last one, `escape`, stands for all others and, before a text, for its
 * beginning. */
typedef struct text_alphabet {
    int n; /* symbols, the escape included */
    int32_t escape;
    int32_t code[256]; /* of a byte; unknown: the escape */
    uint8_t byte[257]; /* of a symbol */
} text_alphabet;
text_alphabet text_alphabet_of(const uint8_t *bytes, size_t n);

typedef struct text_part {
    uint8_t *bytes;
    size_t n;
} text_part;
typedef struct text_set {
    text_part train, valid, test;
    text_alphabet alphabet;
    char source[256]; /* what the text is */
} text_set;
/* Speeches, or with `path` a file of one's own of 20,000 bytes or more: the last tenth for the test, a twentieth before it for
 * validation.  Where no speeches are there: the licences on a Debian machine. */
jd_status text_read(jd_ctx *ctx, const char *path, text_set *out);
void text_free(jd_ctx *ctx, text_set *s);

/* ---- code (text_coder.c) --------------------------------------------------------------------------------------------------*/

/* An arithmetic code (Witten, Neal, Cleary 1987, in whole bytes): each symbol takes its share of a range. */
enum { TEXT_TOTAL = 1 << 16, TEXT_LONGEST = 3 }; /* bytes of the code of one symbol at most */
typedef struct text_coder {
    uint64_t low;
    uint32_t range;
    uint8_t held;    /* a byte that a carry may still change */
    uint64_t follow; /* bytes 255 after it */
    bool begun;
    uint8_t *out;
    size_t n;
} text_coder;
void coder_begin(text_coder *c, uint8_t *out); /* room for TEXT_LONGEST bytes a symbol and 8 */
void coder_put(text_coder *c, uint32_t start, uint32_t freq);
size_t coder_end(text_coder *c); /* bytes in all */

typedef struct text_decoder {
    uint32_t code, range;
    const uint8_t *in, *end;
} text_decoder;
void decoder_begin(text_decoder *d, const uint8_t *in, size_t n);
uint32_t decoder_at(const text_decoder *d); /* 0 .. TEXT_TOTAL - 1: which share comes next */
void decoder_take(text_decoder *d, uint32_t start, uint32_t freq);

/* Probabilities as whole shares of TEXT_TOTAL, each at least 1: the same on every machine for the same bits of p. */
void text_shares(const float *p, int n, uint32_t *freq);

/* Bytes by methods that know nothing of the text before: Huffman's code with its table (as `pack`), dictionaries of Ziv and
 * Lempel (as `compress` and `gzip -9`). */
size_t text_huffman(const uint8_t *bytes, size_t n);
size_t text_lzw(jd_ctx *ctx, const uint8_t *bytes, size_t n);
size_t text_gzip(jd_ctx *ctx, const uint8_t *bytes, size_t n);

/* ---- predictors (text_nets.c) ---------------------------------------------------------------------------------------------*/

enum { TEXT_WINDOW_MOST = 16 };
typedef struct text_net {
    jd_ctx *ctx;
    const text_set *set;
    const char *name;
    int window; /* symbols that the net of 1996 sees; 0: an LSTM */
    int64_t units, embed, layers;
    double dropout;
    jd_params *w;
    jd_fn *look, *step;
    /* a batch for training */
    uint64_t seed;
    int64_t T, B;
    int32_t *symbol, *next;
    /* states while reading */
    int64_t texts;
    int32_t *seen; /* (window,texts), newest first */
    float *h, *c;  /* (layers,texts,units) */
} text_net;
jd_status text_net_new(text_net *p);
void text_net_free(text_net *p);
/* Trains on set->train, keeps the best on set->valid; logs bits a character. */
jd_status text_net_train(text_net *p, jd_run *r, double epochs, double rate);
/* Starts to read `texts` texts side by side. */
jd_status predictor_begin(text_net *p, int64_t texts);
/* Each text's next symbol is read; returns (texts,K), how probable each symbol is after it. */
const float *predictor_next(text_net *p, const int32_t *symbol);

/* ---- texts to codes and back (text_pieces.c) -------------------------------------------------------------------------------*/

typedef struct text_code {
    uint8_t *bytes;
    size_t n, length; /* bytes; characters of the text */
} text_code;
/* Codes of texts that are read side by side; bits (sum of lengths), in the order of the texts, what each character took, or
 * NULL. */
jd_status text_encode(text_net *p, const text_part *text, size_t texts, text_code *code, float *bits);
/* And back. */
jd_status text_decode(text_net *p, const text_code *code, size_t texts, text_part *text);
/* Goes on after `prompt` by drawing n characters, each with the probability p^(1/temperature), normed. */
jd_status text_write(text_net *p, const char *prompt, double temperature, uint64_t seed, char *out, size_t n);

/* ---- what is measured, and the report (text_report.c) ------------------------------------------------------------------------*/

enum { TEXT_PIECES = 64, TEXT_METHODS = 5, TEXT_WRITTEN = 600 };
typedef struct text_result {
    const text_set *set;
    size_t pieces;
    text_part piece[TEXT_PIECES];
    size_t bytes[TEXT_METHODS][TEXT_PIECES]; /* pack, compress, gzip, window, LSTM */
    double bits[2];                          /* a character, by the nets */
    float *spent[2];                         /* bits of each character of the first piece */
    double speed[2];                         /* characters a second, encoding */
    char written[2][TEXT_WRITTEN + 64];      /* by the LSTM, cold and warm */
    double temperature[2];
} text_result;
extern const char *const text_method[TEXT_METHODS];
double text_ratio(const text_result *t, int method, double *least, double *most); /* mean of pieces */
void text_report(jd_run *r, const text_result *t);

#endif
