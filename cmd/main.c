/* main.c - the `jackdaw` program: finds the command and runs it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* jansson's parser loses characters, or reads beyond its buffer, when that cannot grow: the program ends before. */
static void *memory_for_json(size_t bytes)
{
    void *p = malloc(bytes);
    if (p) return p;
    fputs("jackdaw: out of memory; make the model or the batch smaller\n", stderr);
    exit(JD_ENOMEM);
}

int main(int argc, char **argv)
{
    json_set_alloc_funcs(memory_for_json, free);
    const char *words[64] = {NULL};
    for (int i = 0; cli_commands[i].name && i < 63; i++) words[i] = cli_commands[i].name;
    if (argc < 2) {
        cli_help_all(stderr);
        return JD_EUSAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) name = "help";
    if (!strcmp(name, "--version") || !strcmp(name, "-V")) name = "version";
    if (name[0] == '-')
        return cli_unknown(NULL, "option", name, (const char *const[]){"--help", "--version", NULL},
                           "write a command first; `jackdaw help` lists them");
    const cli_command *c = cli_find(name);
    if (!c) return cli_unknown(NULL, "command", name, words, "`jackdaw help` lists them");
    argv[1] = (char *)(uintptr_t)c->name;
    const int code = c->run(argc - 1, argv + 1);
    if (fflush(stdout) || ferror(stdout)) return cli_fail(c->name, JD_EIO, "writing to the standard output failed");
    return code;
}
