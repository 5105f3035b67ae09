/* texter.h - `predict` and `eval` for nets that tell the next character (the system text-compression). */
#ifndef JD_CMD_TEXTER_H
#define JD_CMD_TEXTER_H

#include "cli.h"

typedef struct texter texter;

/* The model in a file of that kind (kind.h); an error may be pending whether it is NULL or not. */
texter *texter_open(jd_ctx *ctx, const char *path);
void texter_free(texter *m);
/* Goes on after each operand from the second on: what the file of that name ends with, or, where there is none, the operand. */
jd_status texter_predict(texter *m, const cli_args *a);
/* Bits a character of the file, and how short its arithmetic code is. */
jd_status texter_eval(texter *m, const cli_args *a, const char *path);

#endif
