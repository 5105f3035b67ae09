/* tmpdir.h - a directory of its own for a test's files, removed with all that is in it. */
#ifndef TESTS_TMPDIR_H
#define TESTS_TMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char tmpdir_path[64];

static inline int tmpdir_setup(void **state)
{
    (void)state;
    strcpy(tmpdir_path, "/tmp/jackdaw-test-XXXXXX");
    return mkdtemp(tmpdir_path) ? 0 : -1;
}

static inline int tmpdir_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline int tmpdir_teardown(void **state)
{
    (void)state;
    return nftw(tmpdir_path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in the directory; four of them can be held at once. */
static inline const char *tmpdir_file(const char *name)
{
    static char path[4][256];
    static int k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", tmpdir_path, name);
    return path[k];
}

static inline void tmpdir_write(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f)) abort();
}

#endif
