/* selftest.c - `jackdaw selftest`: the library checks its operations on this machine. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/selftest.h"

int cmd_selftest(int argc, char **argv);

static int usage(FILE *f)
{
    fprintf(f,
            "Examples:\n"
            "  jackdaw selftest ops             every operation: fast against reference, gradient, second derivative\n"
            "  jackdaw selftest ops lstm        the cases whose name contains lstm\n"
            "  jackdaw selftest ops --timed     with the time of one run, fast and reference\n"
            "  jackdaw selftest digest          fingerprints that must be the same on every instruction set\n\n"
            "Usage: jackdaw selftest ops|digest [PART-OF-NAME] [--timed] [--threads N]\n");
    return f == stderr ? JD_EUSAGE : 0;
}

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
    static const struct option LONG[] = {{"timed", no_argument, NULL, 't'},
                                         {"threads", required_argument, NULL, 'n'},
                                         {"help", no_argument, NULL, 'h'},
                                         {0}};
    jd_options o = {.seed = 1};
    bool timed = false;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", LONG, NULL)) != -1;) {
        if (c == 't')
            timed = true;
        else if (c == 'n' && sscanf(optarg, "%d", &o.threads) == 1 && o.threads > 0)
            continue;
        else
            return usage(c == 'h' ? stdout : stderr);
    }
    static const char *const words[] = {"ops", "digest", NULL};
    const char *what = optind < argc ? argv[optind] : "ops";
    if (strcmp(what, "ops") && strcmp(what, "digest")) {
        const char *near = jd_nearest(what, words);
        fprintf(stderr, "jackdaw selftest: \"%s\" is not a test%s%s%s\n", what, near ? "; did you mean \"" : "",
                near ? near : "", near ? "\"?" : "; there are ops and digest");
        return JD_EUSAGE;
    }
    jd_ctx *ctx = jd_ctx_new(&o);
    if (!ctx) {
        fprintf(stderr, "jackdaw selftest: no context; is $JD_ISA an instruction set of this processor?\n");
        return JD_EUSAGE;
    }
    const int status =
        strcmp(what, "digest") ? ops(ctx, optind + 1 < argc ? argv[optind + 1] : NULL, timed) : digest(ctx);
    jd_ctx_free(ctx);
    return status;
}
