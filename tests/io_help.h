/*
 * io_help.h - temporary directories, and the attacks that every reader's test makes.
 */
#ifndef JD_TESTS_IO_HELP_H
#define JD_TESTS_IO_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jackdaw/io.h"

typedef jd_tensor_file *parse_function(jd_ctx *ctx, const char *name, const void *data, size_t bytes);

/* An allocator that remembers the largest request and what is alive. */
typedef struct heap_watch {
    size_t largest;
    int live;
    int left; /* allocations until all fail; -1: no limit */
} heap_watch;

static inline void *watch_alloc(void *user, size_t bytes)
{
    heap_watch *h = user;
    if (h->left == 0) return NULL;
    if (h->left > 0) h->left--;
    if (bytes > h->largest) h->largest = bytes;
    h->live++;
    return aligned_alloc(64, (bytes + 63) & ~(size_t)63);
}

static inline void watch_free(void *user, void *p)
{
    ((heap_watch *)user)->live--;
    free(p);
}

static inline jd_ctx *watched_ctx(heap_watch *h)
{
    *h = (heap_watch){.left = -1};
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .alloc = watch_alloc, .free = watch_free, .alloc_user = h});
    assert_non_null(ctx);
    return ctx;
}

/* Parses; returns the status, which must be JD_OK or JD_EDATA, and never keeps memory. */
static inline jd_status try_parse(jd_ctx *ctx, heap_watch *h, parse_function *parse, const void *data, size_t bytes)
{
    const int before = h->live;
    /* A block of exactly this size, so that AddressSanitizer sees a read beyond it. */
    unsigned char *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    jd_tensor_file *f = parse(ctx, "file", copy, bytes);
    const jd_status status = jd_error(ctx);
    assert_true((f != NULL) == (status == JD_OK));
    assert_true(status == JD_OK || status == JD_EDATA);
    jd_tensor_file_close(f);
    jd_error_clear(ctx);
    free(copy);
    assert_int_equal(h->live, before);
    return status;
}

/* Every prefix is refused; every single flipped bit ends well; every failing allocation is reported.  Returns how many
 * flips were accepted. */
static inline int attack(parse_function *parse, const unsigned char *file, size_t bytes)
{
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    assert_int_equal(try_parse(ctx, &h, parse, file, bytes), JD_OK);
    for (size_t n = 0; n < bytes; n++) assert_int_equal(try_parse(ctx, &h, parse, file, n), JD_EDATA);
    unsigned char *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy, file, bytes);
    copy[bytes] = 0;
    assert_int_equal(try_parse(ctx, &h, parse, copy, bytes + 1), JD_EDATA);
    int accepted = 0;
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
        accepted += try_parse(ctx, &h, parse, copy, bytes) == JD_OK;
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(copy);
    assert_true(h.largest <= (size_t)16 << 20);
    const int before = h.live;
    for (int n = 0;; n++) {
        assert_true(n < 1000);
        h.left = n;
        jd_tensor_file *f = parse(ctx, "file", file, bytes);
        h.left = -1;
        jd_tensor_file_close(f);
        assert_int_equal(h.live, before);
        if (f) break;
        assert_int_equal(jd_error(ctx), JD_ENOMEM);
        jd_error_clear(ctx);
    }
    jd_ctx_free(ctx);
    assert_int_equal(h.live, 0);
    return accepted;
}

static inline void make_dir(char dir[64])
{
    strcpy(dir, "/tmp/jackdaw-io-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static inline int count_files(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    int n = 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        char path[600];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

#endif
