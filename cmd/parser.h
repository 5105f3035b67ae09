/* parser.h - `predict` for models that read sentences and write their trees (the system parsing). */
#ifndef JD_CMD_PARSER_H
#define JD_CMD_PARSER_H

#include "cli.h"

typedef struct parser parser;

/* The model in a file of that kind (kind.h); an error may be pending whether it is NULL or not. */
parser *parser_open(jd_ctx *ctx, const char *path);
void parser_free(parser *m);
/* Each operand from the second on: the file of that name, line by line, or, where there is none, the operand itself. */
jd_status parser_predict(parser *m, const cli_args *a);

#endif
