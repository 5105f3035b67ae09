/* translator.h - `predict` for models that read words and write words (the system translation). */
#ifndef JD_CMD_TRANSLATOR_H
#define JD_CMD_TRANSLATOR_H

#include "cli.h"

typedef struct translator translator;

/* The model in the file if it holds the words of two languages; NULL without an error if it is another kind of model, or if
 * the file cannot be read: then the ordinary path tells what is wrong with it. */
translator *translator_open(jd_ctx *ctx, const char *path);
void translator_free(translator *m);
/* Each operand from the second on: the file of that name, line by line, or, where there is none, the operand itself. */
jd_status translator_predict(translator *m, const cli_args *a);

#endif
