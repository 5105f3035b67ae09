/* plugin.c - finding the libraries that are opened at run time. */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/plugin.h"

#ifndef JD_PLUGIN_FOLDER
#define JD_PLUGIN_FOLDER "lib/jackdaw" /* below the prefix */
#endif

/* The folder of the shared library or program that holds this code. */
static void own_folder(char folder[PATH_MAX])
{
    Dl_info info;
    char path[PATH_MAX];
    folder[0] = '\0';
    if (!dladdr((void *)(uintptr_t)own_folder, &info) || !info.dli_fname || !realpath(info.dli_fname, path)) {
        const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        if (n <= 0) return;
        path[n] = '\0';
    }
    snprintf(folder, PATH_MAX, "%s", dirname(path));
}

static void *try_open(const char *path, int flags, char *why, size_t size)
{
    if (access(path, F_OK)) return NULL;
    void *library = dlopen(path, flags);
    if (!library) snprintf(why, size, "%s", dlerror());
    return library;
}

void *jd__plugin_open(const char *file, const char *variable, int flags, char *why, size_t size)
{
    char folder[PATH_MAX], path[PATH_MAX + 128];
    static const char *const below[] = {"", "/jackdaw", "/..", ("/../" JD_PLUGIN_FOLDER)};
    const char *given = variable ? getenv(variable) : NULL;
    void *library = NULL;
    why[0] = '\0';
    if (given && *given) {
        library = try_open(given, flags, why, size);
        if (!library && !why[0]) snprintf(why, size, "%s=%s: no such file", variable, given);
        return library;
    }
    own_folder(folder);
    for (size_t i = 0; i < sizeof below / sizeof *below && !library && !why[0]; i++) {
        snprintf(path, sizeof path, "%s%s/%s", folder, below[i], file);
        library = try_open(path, flags, why, size);
    }
    if (!library && !why[0]) library = dlopen(file, flags);
    if (!library && !why[0]) snprintf(why, size, "%s was not found beside the program or library", file);
    return library;
}
