/* serve.c - `jackdaw serve`: a model behind a web page on this machine. */
#include <string.h>
#include <unistd.h>

#include "serve.h"

int cmd_serve(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const int port = (int)cli_int(&a, "port", 0, 1, 65535);
    if (a.bad) return JD_EUSAGE;
    if (!serve_built_in())
        return cli_fail("serve", JD_EABSENT,
                        "this build has no web server; on Debian: apt-get install libmicrohttpd-dev, then build again");
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    serve_model m;
    serve_http *s = serve_open(ctx, &m, a.rest[0]) ? NULL : serve_start(ctx, &m, port);
    if (s) {
        cli_catch_signals();
        if (cli_has(&a, "json")) {
            printf("{\"model\":");
            cli_json_string(a.rest[0]);
            printf(",\"url\":\"%s\"}\n", serve_url(s));
        } else {
            printf("%s\n", serve_url(s));
            fprintf(stderr, "Open this address in a browser on this machine; Ctrl-C ends.\n");
        }
        fflush(stdout);
        while (!cli_stop) usleep(50000); /* the signal wakes it */
        serve_stop(s);
        jd_error_clear(ctx); /* of a request; its client was told */
    }
    serve_close(&m);
    return cli_end("serve", ctx);
}
