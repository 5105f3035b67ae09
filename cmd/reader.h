/*
 * reader.h - a net that writes down what it sees, with what its model file says about alphabet and input: shared by `read`
 * and `serve`.
 *
 *     reader m;
 *     if (!reader_open(ctx, &m, "model.safetensors") && !reader_ink(&m, &ink.items[0])) puts(m.text);
 *     reader_close(&m);
 */
#ifndef JD_CMD_READER_H
#define JD_CMD_READER_H

#include "cli.h"

enum { READER_LETTERS = 256 };

typedef struct reader {
    jd_ctx *ctx;
    char *net, *system;             /* the net in one line; the system that made the model, or "" */
    char letter[READER_LETTERS][5]; /* UTF-8; the label after the last is the blank */
    int letters;
    jd_ink_options ink;
    float gain;  /* of pictures */
    bool padded; /* inputs may be longer than they say */
    size_t most; /* frames that an input may have; 0: any number */
    jd_params *params;
    jd_fn *f;
    int64_t shape; /* the last one traced, and how many there were */
    int shapes;
    jd_ink_reader *frames;
    /* What the last call read; valid until the next. */
    size_t steps;        /* of the net's output */
    const float *logits; /* (steps, letters + 1) */
    const float *p;      /* their softmax */
    float *places;       /* (steps,2): where in the ink a step looks */
    int32_t *found;      /* (count): the best path's labels */
    size_t count;
    char *text;        /* the same in UTF-8 */
    double confidence; /* the best path's probability */
} reader;

/* On failure the reader is closed again. */
jd_status reader_open(jd_ctx *ctx, reader *m, const char *path);
void reader_close(reader *m);
jd_status reader_ink(reader *m, const jd_ink_sample *s);
/* The labelling's letters; for jd_free. */
char *reader_text(const reader *m, const jd_symbol *symbols, size_t n);

#endif
