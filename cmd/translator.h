/* translator.h - `predict` and `eval` for models that read words and write words (the system translation). */
#ifndef JD_CMD_TRANSLATOR_H
#define JD_CMD_TRANSLATOR_H

#include "cli.h"
#include "seq2seq.h"
#include "vocabulary.h"

enum { TRANSLATOR_WORDS = 400 }; /* of a sentence that are read at most */

typedef struct translator {
    jd_ctx *ctx;
    seq2seq_net net;
    vocabulary *source, *target;
    jd_params *params;
    seq2seq_writer *writer;
    int there; /* parameters that the file held */
    double power;
    size_t width;
} translator;

/* What jackdaw.config says of a reader and writer; false where it does not make sense. */
bool translator_net(const char *config, seq2seq_net *n, double *power, size_t *width);
/* The model in a file of that kind (kind.h); an error may be pending whether it is NULL or not. */
translator *translator_open(jd_ctx *ctx, const char *path);
void translator_free(translator *m);
/* Answers to the sources of all pairs, found (n), by the model's own beam; on an error nothing needs to be freed. */
jd_status translator_answers(translator *m, const seq2seq_pairs *p, jd_sequence *found);
/* Each operand from the second on: the file of that name, line by line, or, where there is none, the operand itself. */
jd_status translator_predict(translator *m, const cli_args *a);
/* BLEU and perplexity on the sentences of the file `data`, which the file --labels holds in the other language, line by line;
 * without it each line of `data` has both, with a tab between. */
jd_status translator_eval(translator *m, const cli_args *a, const char *data);

#endif
