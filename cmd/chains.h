/* chains.h - `eval` and `predict` for models that read chains of amino acids. */
#ifndef JD_CMD_CHAINS_H
#define JD_CMD_CHAINS_H

#include "cli.h"

typedef struct chain_model chain_model;

/* The model in a file of that kind (kind.h); an error may be pending whether it is NULL or not. */
chain_model *chain_model_open(jd_ctx *ctx, const char *path);
void chain_model_free(chain_model *m);
/* Q3 and Q8 on a file, or on a split of a set of the registry. */
jd_status chains_eval(chain_model *m, const char *data, jd_split split, bool json);
typedef enum chains_form { CHAINS_PLAIN, CHAINS_JSON, CHAINS_CSV } chains_form;
jd_status chains_predict(chain_model *m, const char *file, chains_form form);

#endif
