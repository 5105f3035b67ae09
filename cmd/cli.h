/*
 * cli.h - what the commands of the `jackdaw` program share: options, messages, events.
 *
 * One table (commands.c) feeds --help, the man pages, the completions and the dispatcher.  Data goes to stdout, everything
 * else to stderr; with --json stdout holds JSON lines and nothing else.
 */
#ifndef JD_CMD_CLI_H
#define JD_CMD_CLI_H

#include "jackdaw/jackdaw.h"

typedef struct cli_option {
    const char *name;
    char letter;     /* 0: none */
    const char *arg; /* what it takes ("N"); NULL: nothing */
    const char *doc;
    bool repeated; /* may be given several times */
} cli_option;

typedef struct cli_command {
    const char *name, *summary;
    const char *usage;    /* after "jackdaw NAME" */
    const char *examples; /* lines */
    const char *about;    /* or NULL */
    const cli_option *options;
    int (*run)(int argc, char **argv);
    int least, most; /* operands; most < 0: any number */
} cli_command;

extern const cli_command cli_commands[]; /* ends with a NULL name */

#define CLI_HELP                                                                                                       \
    {                                                                                                                  \
        "help", 'h', NULL, "show this help", false                                                                     \
    }
#define CLI_QUIET                                                                                                      \
    {                                                                                                                  \
        "quiet", 'q', NULL, "no progress, only results and errors", false                                              \
    }
#define CLI_JSON                                                                                                       \
    {                                                                                                                  \
        "json", 0, NULL, "JSON lines on stdout, nothing else", false                                                   \
    }
#define CLI_END                                                                                                        \
    {                                                                                                                  \
        NULL, 0, NULL, NULL, false                                                                                     \
    }
#define CLI_THREADS                                                                                                    \
    {                                                                                                                  \
        "threads", 0, "N",                                                                                             \
            "worker threads (default: one per core, or a container's quota); the results have the same bits for any "  \
            "N",                                                                                                       \
            false                                                                                                      \
    }
#define CLI_DEVICE                                                                                                     \
    {"device", 0, "cpu|cuda", "where to compute (default cpu)", false},                                                \
    {                                                                                                                  \
        "precision", 0, "exact|tf32|bf16", "of matrix products on a device (default exact: float32)", false            \
    }

enum { CLI_MAX_OPTIONS = 48, CLI_MAX_REPEATED = 64 };
typedef struct cli_args {
    const cli_command *command;
    const char *value[CLI_MAX_OPTIONS]; /* of option i; "" for a switch that was given; NULL: not given */
    const char *repeated[CLI_MAX_REPEATED + 1];
    int n; /* operands */
    char **
        rest; /* the operands, NULL-terminated; of a command that takes a MODEL the first is a file, not its run's folder */
    char model[512];
    bool bad; /* a value could not be read; the message is out */
} cli_args;

/* Reads the command line; argv[0] is the command's name.  Returns -1 to go on, otherwise the exit code. */
int cli_parse(cli_args *a, int argc, char **argv);
bool cli_has(const cli_args *a, const char *option);
const char *cli_text(const cli_args *a, const char *option, const char *fallback);
int64_t cli_int(cli_args *a, const char *option, int64_t fallback, int64_t low, int64_t high);
double cli_real(cli_args *a, const char *option, double fallback, double low, double high);
/* One of `words`; its index. */
int cli_word(cli_args *a, const char *option, const char *const *words, int fallback);

/* "jackdaw COMMAND: ..." on stderr; returns `code`. */
int cli_fail(const char *command, int code, const char *fmt, ...) JD_PRINTF(3, 4);
/* The context's pending error, said; frees the context; returns its status, or 0. */
int cli_end(const char *command, jd_ctx *ctx);
/* A context with --threads and --device of the command line; NULL, and a message, with *code set. */
jd_ctx *cli_context(cli_args *a, int *code);

void cli_help(const cli_command *c, FILE *f);
void cli_help_all(FILE *f);
const cli_command *cli_find(const char *name);
/* Answers an unknown word with the nearest of `words`. */
int cli_unknown(const char *command, const char *what, const char *word, const char *const *words, const char *hint);

/* Shows the events of a run: a redrawn line on a terminal, plain lines otherwise, JSON lines with `json`. */
typedef struct cli_view {
    bool json, quiet, terminal;
    char stage[128];
    double begun, done0, drawn; /* of this stage: when, from where, last time shown */
    bool open;                  /* a progress line stands without its end */
} cli_view;
void cli_view_init(cli_view *v, const cli_args *a);
void cli_view_event(void *view, const jd_run_event *e);
void cli_view_close(cli_view *v); /* ends an open progress line */
/* A JSON string literal on stdout. */
void cli_json_string(const char *s);
void cli_json_number(double x);

/* Becomes the signal's number at the first SIGINT, SIGTERM or SIGUSR1; the second ends the process at once. */
extern volatile int cli_stop;
void cli_catch_signals(void);

/* The registry of systems (systems/systems.def); ends with NULL. */
extern const jd_system *const cli_systems[];
const jd_system *cli_system(const char *command, const char *name); /* NULL, and a message */

/* The settings stored by an earlier run (result.json or the "config" in it), for --config FILE: a value, or NULL.  What
 * is returned lives until the process ends. */
typedef struct cli_config cli_config;
int cli_config_read(const char *command, const char *path, cli_config **out); /* exit code */
void cli_config_free(cli_config *c);
const char *cli_config_text(const cli_config *c, const char *key, char buffer[64]);
int cli_config_settings(const cli_config *c, char ***assignments); /* "key=value"; returns how many */

int cmd_systems(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_predict(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_data(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_selftest(int argc, char **argv);

#endif
