/* report.c - `jackdaw report`: finds or rebuilds the report of a run, or of a folder of runs. */
#include <string.h>
#include <sys/stat.h>

#include "run.h"

int cmd_report(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *dir = a.rest[0], *out = cli_text(&a, "output", NULL);
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    struct stat st;
    char *own = jd_asprintf(ctx, "%s/report.html", dir), *result = jd_asprintf(ctx, "%s/result.json", dir);
    char *page = jd_asprintf(ctx, "%s/index.html", dir);
    if (stat(dir, &st) || !S_ISDIR(st.st_mode))
        jd_fail(ctx, JD_ENOINPUT, "%s: no such folder; give the folder of a run, such as runs/lstm-adding-1", dir);
    if (jd_error(ctx)) goto end;
    const bool there = stat(own, &st) == 0;
    if (!there && stat(result, &st)) {
        out = out ? out : page;
        cli_overview(ctx, dir, out, cli_has(&a, "table"));
    } else if (cli_has(&a, "table")) {
        jd_fail(ctx, JD_EUSAGE, "--table is for a folder that holds runs; %s is one run", dir);
    } else if (!there || cli_has(&a, "rebuild")) {
        jd_run_rebuild_report(ctx, dir, out ? out : own);
    } else if (out) {
        size_t bytes;
        void *html = jd_read_file(ctx, own, 0, &bytes);
        if (html) jd_write_file(ctx, out, html, bytes);
        jd_free(ctx, html);
    }
    if (!jd_error(ctx) && !cli_has(&a, "table")) printf("%s\n", out ? out : own);
end:
    jd_free(ctx, own);
    jd_free(ctx, result);
    jd_free(ctx, page);
    return cli_end("report", ctx);
}
