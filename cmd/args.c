/* args.c - reading a command line by the command's table of options. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "jackdaw/device.h"

int cli_fail(const char *command, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, command ? "jackdaw %s: " : "jackdaw: ", command);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

int cli_unknown(const char *command, const char *what, const char *word, const char *const *words, const char *hint)
{
    const char *near = jd_nearest(word, words);
    if (near) return cli_fail(command, JD_EUSAGE, "unknown %s '%s'; did you mean '%s'?", what, word, near);
    return cli_fail(command, JD_EUSAGE, "unknown %s '%s'; %s", what, word, hint);
}

static int unknown_option(const cli_command *c, const char *given)
{
    char spelled[CLI_MAX_OPTIONS][40], word[64];
    const char *words[CLI_MAX_OPTIONS + 1] = {NULL};
    for (int i = 0; c->options[i].name; i++) {
        snprintf(spelled[i], sizeof spelled[i], "--%s", c->options[i].name);
        words[i] = spelled[i];
    }
    char hint[80];
    snprintf(hint, sizeof hint, "`jackdaw %s --help` lists the options", c->name);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given, "="), given);
    return cli_unknown(c->name, "option", word, words, hint);
}

/* The option that argv[*i] names, its value in *value; -1 with a message. */
static int read_option(const cli_command *c, int argc, char **argv, int *i, const char **value)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    const bool is_long = word[1] == '-';
    const size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word) - (is_long ? 2 : 0);
    int at = -1;
    for (int k = 0; c->options[k].name; k++) {
        const cli_option *o = &c->options[k];
        if (is_long ? strlen(o->name) == length && !strncmp(o->name, word + 2, length)
                    : o->letter && word[1] == o->letter && (!word[2] || o->arg))
            at = k;
    }
    if (at < 0) {
        unknown_option(c, word);
        return -1;
    }
    const cli_option *o = &c->options[at];
    if (!o->arg) {
        *value = "";
        if (!is_long || !equals) return at;
        cli_fail(c->name, JD_EUSAGE, "option --%s takes no value", o->name);
        return -1;
    }
    if (is_long && equals)
        *value = equals + 1;
    else if (!is_long && word[2])
        *value = word + 2;
    else if (*i + 1 < argc)
        *value = argv[++*i];
    else
        *value = NULL;
    if (*value) return at;
    cli_fail(c->name, JD_EUSAGE, "option --%s needs a value: --%s %s", o->name, o->name, o->arg);
    return -1;
}

/* The folder of a run stands for the model in it. */
static void find_model(cli_args *a)
{
    static const char file[] = "model.safetensors";
    if (!a->n || (strncmp(a->command->usage, "MODEL", 5) != 0 && strcmp(a->command->name, "inspect") != 0)) return;
    const size_t n = strlen(a->rest[0]);
    struct stat st;
    const int written =
        snprintf(a->model, sizeof a->model, "%s%s%s", a->rest[0], n && a->rest[0][n - 1] == '/' ? "" : "/", file);
    if (written > 0 && (size_t)written < sizeof a->model && !stat(a->model, &st)) a->rest[0] = a->model;
}

static int check_operands(cli_args *a)
{
    const cli_command *c = a->command;
    if (a->n < c->least) { /* the words of the usage name them */
        const char *word = c->usage;
        for (int k = 0; k < a->n; k++) word += strcspn(word, " ") + 1;
        return cli_fail(c->name, JD_EUSAGE, "%.*s is missing; usage: jackdaw %s %s", (int)strcspn(word, " ."), word,
                        c->name, c->usage);
    }
    const bool data = !strncmp(c->usage, "--data", 6) && !cli_has(a, "data");
    if (c->most >= 0 && a->n > c->most)
        return cli_fail(c->name, JD_EUSAGE, "unexpected argument '%s'%s%s%s; usage: jackdaw %s %s", a->rest[c->most],
                        data ? "; did you mean --data " : "", data ? a->rest[c->most] : "", data ? "?" : "", c->name,
                        c->usage);
    find_model(a);
    return -1;
}

int cli_parse(cli_args *a, int argc, char **argv)
{
    const cli_command *c = cli_find(argv[0]);
    *a = (cli_args){.command = c, .rest = argv};
    bool options = true;
    int repeated = 0;
    for (int i = 1; i < argc; i++) {
        if (options && !strcmp(argv[i], "--")) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            const char *value;
            const int at = read_option(c, argc, argv, &i, &value);
            if (at < 0) return JD_EUSAGE;
            if (!strcmp(c->options[at].name, "help")) {
                cli_help(c, stdout);
                return 0;
            }
            a->value[at] = value;
            if (c->options[at].repeated && repeated == CLI_MAX_REPEATED)
                return cli_fail(c->name, JD_EUSAGE, "--%s is given more than %d times", c->options[at].name,
                                CLI_MAX_REPEATED);
            if (c->options[at].repeated) a->repeated[repeated++] = value;
        } else {
            a->rest[a->n++] = argv[i]; /* the command's own name goes, so there is room */
        }
    }
    a->rest[a->n] = NULL;
    return check_operands(a);
}

static int find_option(const cli_args *a, const char *option)
{
    for (int i = 0; a->command->options[i].name; i++)
        if (!strcmp(a->command->options[i].name, option)) return i;
    return -1;
}

const char *cli_text(const cli_args *a, const char *option, const char *fallback)
{
    const int i = find_option(a, option);
    return i >= 0 && a->value[i] ? a->value[i] : fallback;
}

bool cli_has(const cli_args *a, const char *option)
{
    return cli_text(a, option, NULL) != NULL;
}

int64_t cli_int(cli_args *a, const char *option, int64_t fallback, int64_t low, int64_t high)
{
    const char *text = cli_text(a, option, NULL);
    if (!text) return fallback;
    char *end;
    errno = 0;
    const long long x = strtoll(text, &end, 10);
    if (end != text && !*end && !errno && x >= low && x <= high) return x;
    a->bad = true;
    cli_fail(a->command->name, JD_EUSAGE, "--%s %s: a whole number of %lld to %lld is needed", option, text,
             (long long)low, (long long)high);
    return fallback;
}

double cli_real(cli_args *a, const char *option, double fallback, double low, double high)
{
    const char *text = cli_text(a, option, NULL);
    if (!text) return fallback;
    char *end;
    const double x = strtod(text, &end);
    if (end != text && !*end && isfinite(x) && x >= low && x <= high) return x;
    a->bad = true;
    cli_fail(a->command->name, JD_EUSAGE, "--%s %s: a number of %g to %g is needed", option, text, low, high);
    return fallback;
}

int cli_word(cli_args *a, const char *option, const char *const *words, int fallback)
{
    const char *text = cli_text(a, option, NULL);
    if (!text) return fallback;
    char list[200] = "";
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], text)) return i;
        const size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
    }
    cli_fail(a->command->name, JD_EUSAGE, "unknown --%s '%s'; it is %s", option, text, list);
    a->bad = true;
    return fallback;
}

jd_ctx *cli_context(cli_args *a, int *code)
{
    static const char *const devices[] = {"cpu", "cuda", "cuda-emulated", NULL};
    static const char *const precisions[] = {"exact", "tf32", "bf16", NULL};
    const int threads = (int)cli_int(a, "threads", 0, 1, 1024);
    const int device = cli_word(a, "device", devices, 0);
    const int precision = cli_word(a, "precision", precisions, 0);
    *code = JD_EUSAGE;
    if (a->bad) return NULL;
    jd_ctx *ctx =
        jd_ctx_new_on(&(jd_options){.threads = threads}, &(jd_device_options){.device = devices[device],
                                                                              .precision = precisions[precision],
                                                                              .describe_only = cli_has(a, "dry-run")});
    if (ctx && jd_error(ctx)) {
        *code = cli_end(a->command->name, ctx);
        return NULL;
    }
    const char *isa = getenv("JD_ISA");
    if (ctx) return ctx;
    *code = isa ? cli_fail(a->command->name, JD_EUSAGE,
                           "JD_ISA=%s: it is scalar, avx2, avx512 or neon, as the CPU has it", isa)
                : cli_fail(a->command->name, JD_ENOMEM, "out of memory");
    return NULL;
}

int cli_end(const char *command, jd_ctx *ctx)
{
    const int status = (int)jd_error(ctx);
    if (status) cli_fail(command, status, "%s", jd_error_message(ctx));
    jd_ctx_free(ctx);
    return status;
}
