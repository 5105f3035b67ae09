/* help.c - help and man pages from the table of commands. */
#include <ctype.h>
#include <string.h>

#include "cli.h"

const cli_command *cli_find(const char *name)
{
    for (int i = 0; cli_commands[i].name; i++)
        if (!strcmp(cli_commands[i].name, name)) return &cli_commands[i];
    return NULL;
}

static void left_column(char out[64], const cli_option *o)
{
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(out, 64, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static const char about_model[] = "MODEL is a file model.safetensors, or the folder of the run that wrote it.";

static bool takes_model(const cli_command *c)
{
    return !strncmp(c->usage, "MODEL", 5);
}

void cli_help(const cli_command *c, FILE *f)
{
    fprintf(f, "jackdaw %s - %s\n\nExamples:\n%s\nUsage: jackdaw %s %s\n", c->name, c->summary, c->examples, c->name,
            c->usage);
    if (c->about) fprintf(f, "\n%s\n", c->about);
    if (takes_model(c)) fprintf(f, "\n%s\n", about_model);
    if (!c->options) return;
    fprintf(f, "\nOptions:\n");
    for (const cli_option *o = c->options; o->name; o++) {
        char left[64];
        left_column(left, o);
        fprintf(f, "  %-28s %s\n", left, o->doc);
    }
}

void cli_help_all(FILE *f)
{
    fprintf(f, "jackdaw - learning machines that see, listen, write and act\n\n"
               "Examples:\n"
               "  jackdaw systems                                   what there is to run\n"
               "  jackdaw run lstm-adding                           trains it, and writes a report\n"
               "  jackdaw train --data fashion-mnist --net \"conv 20 5 relu, maxpool 2, dense 100 relu, dense 10\"\n"
               "  jackdaw plan --net \"lstm 64, dense 10\" --input 100x13 --train\n\n"
               "Usage: jackdaw COMMAND [ARGUMENTS]\n\nCommands:\n");
    for (const cli_command *c = cli_commands; c->name; c++) fprintf(f, "  %-12s %s\n", c->name, c->summary);
    fprintf(f, "\n`jackdaw COMMAND --help` tells more.  Exit codes: 0 done, 1 the computation failed, 2 wrong use,\n"
               "65 bad data, 66 input missing, 69 feature absent, 70 internal, 71 out of memory, 74 write error,\n"
               "75 stopped and resumable, 130 interrupted and resumable.\n");
}

/* roff: a backslash, and a dot or quote at the start of a line, need care. */
static void roff(const char *s)
{
    bool start = true;
    for (; *s; s++) {
        if (start && (*s == '.' || *s == '\'')) printf("\\&");
        if (*s == '\\')
            printf("\\e");
        else if (*s == '-')
            printf("\\-");
        else
            putchar(*s);
        start = *s == '\n';
    }
}

static void man_command(const cli_command *c)
{
    char upper[32];
    size_t n = 0;
    for (; c->name[n] && n + 1 < sizeof upper; n++) upper[n] = (char)toupper((unsigned char)c->name[n]);
    upper[n] = 0;
    printf(".TH JACKDAW\\-%s 1 \"\" \"jackdaw " JD_VERSION_STRING "\"\n.SH NAME\njackdaw\\-%s \\- ", upper, c->name);
    roff(c->summary);
    printf("\n.SH SYNOPSIS\n.B jackdaw %s\n", c->name);
    roff(c->usage);
    if (c->about || takes_model(c)) printf("\n.SH DESCRIPTION\n");
    if (c->about) roff(c->about);
    if (takes_model(c)) {
        if (c->about) printf("\n.PP\n");
        roff(about_model);
    }
    if (c->options) printf("\n.SH OPTIONS");
    for (const cli_option *o = c->options; o && o->name; o++) {
        printf("\n.TP\n.B ");
        if (o->letter) printf("\\-%c, ", o->letter);
        printf("\\-\\-");
        roff(o->name);
        if (o->arg) {
            putchar(' ');
            roff(o->arg);
        }
        putchar('\n');
        roff(o->doc);
    }
    printf("\n.SH EXAMPLES\n.nf\n");
    roff(c->examples);
    printf(".fi\n.SH SEE ALSO\n.BR jackdaw (1)\n");
}

static void man_all(void)
{
    printf(".TH JACKDAW 1 \"\" \"jackdaw " JD_VERSION_STRING
           "\"\n.SH NAME\njackdaw \\- learning machines that see, listen, write and act\n"
           ".SH SYNOPSIS\n.B jackdaw\nCOMMAND [ARGUMENTS]\n.SH COMMANDS");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("\n.TP\n.BR jackdaw\\-%s (1)\n", c->name);
        roff(c->summary);
    }
    printf("\n.SH EXIT STATUS\n"
           "0 done; 1 the computation failed; 2 wrong use; 65 bad data; 66 input missing; 69 feature absent; 70 "
           "internal;\n"
           "71 out of memory; 74 write error; 75 stopped and resumable; 130 interrupted and resumable.\n"
           ".SH ENVIRONMENT\n.TP\n.B JACKDAW_DATA\nfolder of data sets\n.TP\n.B JD_ISA\n"
           "scalar, avx2, avx512 or neon: the instruction set to use\n");
}

/* DIR/jackdaw.1 and DIR/jackdaw-COMMAND.1 for every command. */
static int man_pages(const char *dir)
{
    char path[4096];
    const cli_command *c = NULL;
    for (int i = -1; i < 0 || cli_commands[i].name; i++) {
        c = i < 0 ? NULL : &cli_commands[i];
        snprintf(path, sizeof path, "%s/jackdaw%s%s.1", dir, c ? "-" : "", c ? c->name : "");
        if (!freopen(path, "w", stdout))
            return cli_fail("help", JD_EIO, "%s: cannot be written; is the folder there?", path);
        if (c)
            man_command(c);
        else
            man_all();
        if (fflush(stdout) || ferror(stdout)) return cli_fail("help", JD_EIO, "%s: writing failed", path);
    }
    return 0;
}

int cmd_help(int argc, char **argv)
{
    cli_args a;
    const int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    if (cli_has(&a, "man-pages")) return man_pages(cli_text(&a, "man-pages", "."));
    const char *words[64] = {NULL};
    for (int i = 0; cli_commands[i].name && i < 63; i++) words[i] = cli_commands[i].name;
    const cli_command *c = a.n ? cli_find(a.rest[0]) : NULL;
    if (a.n && !c) return cli_unknown("help", "command", a.rest[0], words, "`jackdaw help` lists them");
    if (cli_has(&a, "man")) {
        if (c)
            man_command(c);
        else
            man_all();
    } else if (c) {
        cli_help(c, stdout);
    } else {
        cli_help_all(stdout);
    }
    return 0;
}
