/* selftest.c - `jackdaw selftest`: the library checks its operations on this machine. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "jackdaw/device.h"
#include "jackdaw/selftest.h"

static const char *error_text(double e, char text[16])
{
    if (e < 0) return "-";
    snprintf(text, 16, "%.1e", e);
    return text;
}

static void line(void *user, const jd_selftest_line *l)
{
    const bool timed = *(const bool *)user;
    char a[16], b[16], c[16];
    printf("%-6s %-26s value %-8s gradient %-8s second %-8s", l->passed ? "ok" : "FAILED", l->name,
           error_text(l->forward_error, a), error_text(l->gradient_error, b), error_text(l->second_error, c));
    if (timed && l->fast_seconds > 0)
        printf(" %9.2f us, reference %9.2f us", l->fast_seconds * 1e6, l->reference_seconds * 1e6);
    if (l->fallbacks) printf("  %d on the CPU", l->fallbacks);
    printf("%s%s\n", l->message[0] ? "  " : "", l->message);
}

static int ops(jd_ctx *ctx, const char *only, bool timed)
{
    int cases = 0;
    const int failed = jd_selftest_ops(ctx, &(jd_selftest_options){only, timed, line, &timed}, &cases);
    printf("%d passed, %d failed\n", cases - failed, failed);
    if (only && !cases) {
        fprintf(stderr, "jackdaw selftest: no case has \"%s\" in its name\n", only);
        return JD_EUSAGE;
    }
    return failed ? JD_EDIVERGED : 0;
}

static int digest(jd_ctx *ctx)
{
    char mlp[17], cnn[17], lstm[17];
    if (jd_selftest_digest(ctx, mlp, cnn, lstm)) {
        fprintf(stderr, "jackdaw selftest: %s\n", jd_error_message(ctx));
        return (int)jd_error(ctx);
    }
    printf("mlp %s cnn %s lstm %s\n", mlp, cnn, lstm);
    return 0;
}

int cmd_selftest(int argc, char **argv)
{
    static const char *const words[] = {"ops", "digest", NULL};
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *what = a.n ? a.rest[0] : "ops";
    if (strcmp(what, "ops") && strcmp(what, "digest"))
        return cli_unknown("selftest", "test", what, words, "there are ops and digest");
    const int threads = (int)cli_int(&a, "threads", 0, 1, 1024);
    if (a.bad) return JD_EUSAGE;
    jd_ctx *ctx = jd_ctx_new_on(
        &(jd_options){.seed = 1, .threads = threads},
        &(jd_device_options){.device = cli_text(&a, "device", NULL), .precision = cli_text(&a, "precision", NULL)});
    if (!ctx) return cli_fail("selftest", JD_EUSAGE, "no context; is $JD_ISA an instruction set of this processor?");
    if (jd_error(ctx)) return cli_end("selftest", ctx);
    if (strcmp(jd_ctx_device(ctx), "cpu")) printf("device: %s\n", jd_ctx_device_text(ctx));
    code = strcmp(what, "digest") ? ops(ctx, a.n > 1 ? a.rest[1] : NULL, cli_has(&a, "timed")) : digest(ctx);
    jd_ctx_free(ctx);
    return code;
}
