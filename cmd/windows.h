/* windows.h - `jackdaw data windows` (windows.c). */
#ifndef JD_CMD_WINDOWS_H
#define JD_CMD_WINDOWS_H

#include "cli.h"

jd_status windows_write(jd_ctx *ctx, cli_args *a);

#endif
