/*
 * plugin.h - libraries that are opened at run time: devices, messages between processes.
 */
#ifndef JD_BASE_PLUGIN_H
#define JD_BASE_PLUGIN_H

#include <stddef.h>

/* Opens FILE (flags as dlopen's): the file that the environment variable names (NULL: none), else that in the folder of this
 * library or program or of the prefix it is installed in, else what the loader finds.  NULL: `why` says why. */
void *jd__plugin_open(const char *file, const char *variable, int flags, char *why, size_t size);

#endif
