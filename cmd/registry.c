/* registry.c - the list of systems, made from systems/systems.def. */
#include <string.h>

#include "cli.h"

#define JD_SYSTEM(id) extern const jd_system jd_system_##id;
#include "systems.def"
#undef JD_SYSTEM

const jd_system *const cli_systems[] = {
#define JD_SYSTEM(id) &jd_system_##id,
#include "systems.def"
#undef JD_SYSTEM
    NULL};

const jd_system *cli_system(const char *command, const char *name)
{
    const char *words[257] = {NULL};
    for (int i = 0; cli_systems[i]; i++) {
        if (!strcmp(cli_systems[i]->name, name)) return cli_systems[i];
        if (i < 256) words[i] = cli_systems[i]->name;
    }
    cli_unknown(command, "system", name, words, "`jackdaw systems` lists them");
    return NULL;
}
