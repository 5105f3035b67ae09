/*
 * reader.h - a net that says what it reads or hears, with what its model file tells about its input and its outputs: shared
 * by `read`, `predict` and `serve`.
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
    char letter[READER_LETTERS][5]; /* UTF-8; the label after the last is the blank of CTC */
    int letters;                    /* 0: the net chooses one of `classes` */
    int classes;
    char *names; /* of the classes, with | between */
    jd_ink_options ink;
    float gain;  /* of pictures */
    int rate;    /* of recordings; 0: the net reads ink */
    bool padded; /* inputs may be longer than they say */
    size_t most; /* frames that an input may have; 0: any number */
    jd_params *params;
    int there; /* parameters that the file held */
    jd_fn *f;
    int64_t shape; /* the last one traced, and how many there were */
    int shapes;
    jd_ink_reader *frames;
    jd_ear *ear;
    /* What the last call read; valid until the next. */
    size_t steps;        /* of the net's output; 1 for classes */
    const float *logits; /* (steps, letters + 1) or (1, classes) */
    const float *p;      /* their softmax */
    float *places;       /* (steps,2): where in ink or picture a step looks; of sound, the first is the second */
    int32_t *found;      /* (count): the best path's labels, or the class */
    size_t count;
    char *text;        /* the same in UTF-8 */
    double confidence; /* the best path's probability, or the class's */
} reader;

/* On failure the reader is closed again. */
jd_status reader_open(jd_ctx *ctx, reader *m, const char *path);
void reader_close(reader *m);
/* Whether a model's jackdaw.config (JSON, or NULL) is one of a reader; nothing else is looked at. */
bool reader_knows(const char *config);
jd_status reader_ink(reader *m, const jd_ink_sample *s);
/* A line of writing, dark on light or light on dark; only for nets that read ink as pictures. */
jd_status reader_picture(reader *m, const jd_picture *p);
jd_status reader_sound(reader *m, const float *samples, size_t count, int rate);
/* The labelling's letters; for jd_free. */
char *reader_text(const reader *m, const jd_symbol *symbols, size_t n);
/* The name of a class, its length in *n. */
const char *reader_class(const reader *m, int k, size_t *n);

/* reader_line.c: a picture as the columns (T,rows) that the net has learned, its places (T,2); for jd_free. */
float *reader_line(reader *m, const jd_picture *p, size_t *T, float **places);

#endif
