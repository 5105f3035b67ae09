/* completion.c - `jackdaw completion`: what bash, zsh and fish know about the command line, from the table of commands. */
#include <string.h>

#include "cli.h"

/* "quick|cpu|full" as words between `before` and `after`; false where the argument is no choice of words. */
static bool choices(const char *arg, const char *between)
{
    if (!arg || !strchr(arg, '|') || arg[strspn(arg, "abcdefghijklmnopqrstuvwxyz|")]) return false;
    for (const char *c = arg; *c; c++) printf(*c == '|' ? "%s" : "%.0s%c", between, *c);
    return true;
}

static bool is_choice(const char *arg)
{
    return arg && strchr(arg, '|') && !arg[strspn(arg, "abcdefghijklmnopqrstuvwxyz|")];
}

/* The words that may follow the command, besides files. */
static void operands(const cli_command *c, const char *between)
{
    const char *gap = "";
    if (!strcmp(c->name, "run") || !strcmp(c->name, "systems"))
        for (int i = 0; cli_systems[i]; i++, gap = between) printf("%s%s", gap, cli_systems[i]->name);
    if (!strcmp(c->name, "help"))
        for (const cli_command *k = cli_commands; k->name; k++, gap = between) printf("%s%s", gap, k->name);
    if (!strcmp(c->name, "completion")) choices("bash|zsh|fish", between);
    if (!strcmp(c->name, "data")) choices("list|get|verify|locate", between);
    if (!strcmp(c->name, "selftest")) choices("ops|digest", between);
}

static bool has_operands(const cli_command *c)
{
    static const char *const names[] = {"run", "systems", "help", "completion", "data", "selftest"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(c->name, names[i])) return true;
    return false;
}

/* ---- bash ------------------------------------------------------------------------------------------------------------------ */

static void bash(void)
{
    printf("# bash completion for jackdaw; written by `jackdaw completion bash`\n"
           "_jackdaw() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words files=1\n"
           "  if [ \"$COMP_CWORD\" = 1 ]; then\n    files=\n    words=\"");
    for (const cli_command *c = cli_commands; c->name; c++) printf("%s ", c->name);
    printf("--help --version\"\n  else\n    case ${COMP_WORDS[1]}:$prev in\n");
    for (const cli_command *c = cli_commands; c->name; c++)
        for (const cli_option *o = c->options; o && o->name; o++) {
            if (!o->arg) continue;
            printf("      %s:--%s", c->name, o->name);
            if (o->letter) printf(" | %s:-%c", c->name, o->letter);
            printf(") words=\"");
            printf(choices(o->arg, " ") ? "\" files= ;;\n" : "\" ;;\n");
        }
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("      %s:*) words=\"", c->name);
        operands(c, " ");
        for (const cli_option *o = c->options; o && o->name; o++) printf(" --%s", o->name);
        printf("\" ;;\n");
    }
    printf("    esac\n  fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "  [ ${#COMPREPLY[@]} -gt 0 ] || [ -z \"$files\" ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n"
           "complete -o filenames -F _jackdaw jackdaw\n");
}

/* ---- zsh ------------------------------------------------------------------------------------------------------------------- */

/* Text inside '...[...]': quotes, brackets and colons need care. */
static void zsh_text(const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            printf("'\\''");
        else
            printf(strchr("[]:", *s) ? "\\%c" : "%c", *s);
    }
}

static void zsh_option(const cli_option *o)
{
    printf(" \\\n        ");
    if (o->letter) printf("'(-%c --%s)'{-%c,--%s%s}'[", o->letter, o->name, o->letter, o->name, o->arg ? "=" : "");
    if (!o->letter) printf("'%s--%s%s[", o->repeated ? "*" : "", o->name, o->arg ? "=" : "");
    zsh_text(o->doc);
    printf("]");
    if (o->arg) {
        printf(":");
        zsh_text(o->arg);
        printf(":");
        if (is_choice(o->arg)) {
            printf("(");
            choices(o->arg, " ");
            printf(")");
        } else if (strstr(o->arg, "FILE") || strstr(o->arg, "DIR")) {
            printf("_files");
        }
    }
    printf("'");
}

static void zsh(void)
{
    printf("#compdef jackdaw\n# zsh completion for jackdaw; written by `jackdaw completion zsh`\n_jackdaw() {\n"
           "  local -a commands\n  commands=(\n");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("    '%s:", c->name);
        zsh_text(c->summary);
        printf("'\n");
    }
    printf("  )\n  if (( CURRENT == 2 )); then\n    _describe -t commands command commands\n    return\n  fi\n"
           "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("    %s)\n      _arguments -s", c->name);
        for (const cli_option *o = c->options; o && o->name; o++) zsh_option(o);
        printf(" \\\n        ");
        if (has_operands(c)) {
            printf("'*: :(");
            operands(c, " ");
            printf(")'\n      ;;\n");
        } else {
            printf("'*: :_files'\n      ;;\n");
        }
    }
    printf("  esac\n}\n_jackdaw \"$@\"\n");
}

/* ---- fish ------------------------------------------------------------------------------------------------------------------ */

static void fish_text(const char *s)
{
    for (; *s; s++) printf(*s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
}

static void fish(void)
{
    printf("# fish completion for jackdaw; written by `jackdaw completion fish`\n");
    for (const cli_command *c = cli_commands; c->name; c++) {
        printf("complete -c jackdaw -n __fish_use_subcommand -f -a %s -d '", c->name);
        fish_text(c->summary);
        printf("'\n");
        if (has_operands(c)) {
            printf("complete -c jackdaw -n '__fish_seen_subcommand_from %s' -f -a '", c->name);
            operands(c, " ");
            printf("'\n");
        }
        for (const cli_option *o = c->options; o && o->name; o++) {
            printf("complete -c jackdaw -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
            if (o->letter) printf(" -s %c", o->letter);
            if (o->arg) printf(" -r");
            if (is_choice(o->arg)) {
                printf(" -f -a '");
                choices(o->arg, " ");
                printf("'");
            }
            printf(" -d '");
            fish_text(o->doc);
            printf("'\n");
        }
    }
}

int cmd_completion(int argc, char **argv)
{
    static const char *const shells[] = {"bash", "zsh", "fish", NULL};
    static void (*const write[])(void) = {bash, zsh, fish};
    cli_args a;
    const int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    for (int i = 0; shells[i]; i++)
        if (!strcmp(shells[i], a.rest[0])) {
            write[i]();
            return 0;
        }
    return cli_unknown("completion", "shell", a.rest[0], shells, "it is bash, zsh or fish");
}
