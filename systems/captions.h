/*
 * captions.h - nets that look once and write a sentence: an encoder of one's own, and the writer of seq2seq.h.
 *
 *     captions_net n = {.name = "captions", .task = &task, .read = see, .net = {.writes = 26, .embed = 64, .units = 128}};
 *     captions_train(r, &n, &(captions_plan){.steps = 2000, .batch = 32, .rate = 2e-3});
 *     captions_answer(ctx, &n, seed, "scenes/test", 200, 5, 0, found);          // seq2seq_found_free
 */
#ifndef CAPTIONS_H
#define CAPTIONS_H

#include "seq2seq.h"

/* What there is to see, endless: sample `index` of a stream is a function of (seed, stream, index). */
typedef struct captions_task {
    int rank;
    int64_t dim[5]; /* of a sample, without the batch */
    size_t longest; /* words of a caption at most */
    size_t hints;   /* labels of a sample that the encoder may be asked for while training */
    /* Writes what is seen, hints and one caption; returns its words.  `variant` is the task's own: how a control differs. */
    size_t (*make)(uint64_t seed, const char *stream, uint64_t index, int variant, float *seen, int32_t *hint,
                   int32_t *word);
    /* Is the caption of that sample right? */
    bool (*right)(uint64_t seed, const char *stream, uint64_t index, const int32_t *word, size_t n);
} captions_task;

typedef struct captions_net captions_net;
struct captions_net {
    char name[32];
    const captions_task *task;
    seq2seq_net net;
    /* Nodes from the input "seen" (S,..) to what the writer begins with.  *aside, not NULL while training, may become another
     * loss, of the input "hint" int32 (S,hints). */
    seq2seq_memory (*read)(jd_graph *g, const captions_net *n, jd_node *aside);
    double aside; /* weight of that loss; 0: none */
    bool frozen;  /* the encoder keeps its random weights; `read` sees to it */
    int width;    /* of the encoder, for `read` */

    jd_params *params;
    seq2seq_writer *writer;
    jd_fn *measure;
    int64_t steps;
    double seconds;
};

/* The vector v (S,E) as the word before the first, fed once (Vinyals et al. 2014, eq. 10): the state after it. */
seq2seq_memory captions_once(jd_graph *g, const seq2seq_net *n, jd_node v);

typedef struct captions_plan {
    int64_t steps, batch;
    double rate; /* Adam's, falling to a fiftieth along half a cosine */
    uint64_t seed;
    const char *train, *valid; /* streams */
} captions_plan;
/* Logs NAME/loss, NAME/held out loss and NAME/held out right (%). */
jd_status captions_train(jd_run *r, captions_net *n, const captions_plan *p);
/* Captions by beam search for samples 0 .. count-1 of a stream, found (count). */
jd_status captions_answer(jd_ctx *ctx, captions_net *n, uint64_t seed, const char *stream, size_t count, size_t width,
                          int variant, jd_sequence *found);
void captions_free(captions_net *n);

#endif
