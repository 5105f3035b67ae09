/* read.c - `jackdaw read`: the text that a handwriting model reads in files of ink. */
#include "reader.h"

static void print_one(const reader *m, const char *file, size_t i, bool json)
{
    if (json) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"index\":%zu,\"text\":", i);
        cli_json_string(m->text);
        printf(",\"probability\":%.6g}\n", m->confidence);
    } else {
        printf("%s:%zu  %s\n", file, i, m->text);
    }
}

int cmd_read(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    reader m;
    const bool json = cli_has(&a, "json");
    const bool open = !reader_open(ctx, &m, a.rest[0]);
    for (int i = 1; i < a.n && !jd_error(ctx); i++) {
        jd_ink ink = {0};
        if (jd_read_ink(ctx, a.rest[i], &ink)) break;
        for (size_t k = 0; k < ink.count && !reader_ink(&m, &ink.items[k]); k++) print_one(&m, a.rest[i], k, json);
        jd_ink_free(ctx, &ink);
    }
    if (open) reader_close(&m);
    return cli_end("read", ctx);
}
