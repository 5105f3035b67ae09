/* faults.c - see faults.h. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults.h"

/* The sanitizers' allocators, or the C library's. */
void *__interceptor_malloc(size_t) __attribute__((weak));
void *__interceptor_calloc(size_t, size_t) __attribute__((weak));
void *__interceptor_realloc(void *, size_t) __attribute__((weak));
int __interceptor_posix_memalign(void **, size_t, size_t) __attribute__((weak));
void *__interceptor_aligned_alloc(size_t, size_t) __attribute__((weak));
void __interceptor_free(void *) __attribute__((weak));
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static long live, made, fail_at;
static bool forever, happened;
static const char *log_path;

/* A system call that is to fail, from the environment. */
static struct {
    char name[16];
    long at;
    int error; /* 0: a short write */
    bool forever;
} call;
static long calls;
static bool written[1024]; /* descriptors of files opened for writing, and of folders */

static void read_environment(void)
{
    const char *text = getenv("JACKDAW_FAULT"), *colon = text ? strchr(text, ':') : NULL;
    if (!colon || (size_t)(colon - text) >= sizeof call.name) return;
    char *end;
    const long n = strtol(colon + 1, &end, 10);
    const bool all = *end == '+';
    if (!strncmp(text, "memory:", 7)) {
        faults_memory(n, all);
        return;
    }
    memcpy(call.name, text, (size_t)(colon - text));
    call.at = n;
    call.forever = all;
    call.error = strstr(end, "ENOSPC") ? ENOSPC : strstr(end, "EINTR") ? EINTR : strstr(end, "SHORT") ? 0 : EIO;
}

__attribute__((constructor)) static void begin(void)
{
    void *frame;
    log_path = getenv("JACKDAW_FAULT_LOG");
    if (log_path) backtrace(&frame, 1); /* takes memory at its first call */
    read_environment();
}

static void happens(void)
{
    if (__atomic_exchange_n(&happened, true, __ATOMIC_RELAXED) || !log_path) return;
    const int error = errno, fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    void *frame[40];
    if (fd >= 0) backtrace_symbols_fd(frame, backtrace(frame, 40), fd);
    syscall(SYS_close, fd);
    errno = error;
}

/* What libraries cannot bear; nothing that is written here could help it.
 * Sanitizers end the program when a thread begins and cannot be told its stack.
 * jansson 2.14: its lexer passes over a token's buffer that could not grow (by powers of two), and may then read beyond it.
 * libsndfile 1.2 uses its list of chunks unseen, and loses what libFLAC has taken. */
static bool spared(const void *caller, size_t bytes)
{
    Dl_info where;
    if (__interceptor_malloc && syscall(SYS_gettid) != getpid()) return true;
    if (!dladdr(caller, &where) || !where.dli_fname) return false;
    if (strstr(where.dli_fname, "libjansson")) return bytes >= 32 && !(bytes & (bytes - 1));
    return strstr(where.dli_fname, "libsndfile") || strstr(where.dli_fname, "libFLAC");
}

static bool fails(const void *caller, size_t bytes)
{
    const long at = __atomic_load_n(&fail_at, __ATOMIC_RELAXED);
    if (!at || spared(caller, bytes)) return false;
    const long now = __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
    if (now != at && !(now > at && forever)) return false;
    happens();
    errno = ENOMEM;
    return true;
}

/* Seen by the shared libraries too. */
#pragma GCC visibility push(default)
static void *taken(void *p)
{
    if (p) __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return p;
}

void *malloc(size_t bytes)
{
    if (fails(__builtin_return_address(0), bytes)) return NULL;
    return taken(__interceptor_malloc ? __interceptor_malloc(bytes) : __libc_malloc(bytes));
}

void *calloc(size_t n, size_t bytes)
{
    if (fails(__builtin_return_address(0), n * bytes)) return NULL;
    return taken(__interceptor_calloc ? __interceptor_calloc(n, bytes) : __libc_calloc(n, bytes));
}

void *realloc(void *p, size_t bytes)
{
    if (bytes && fails(__builtin_return_address(0), bytes)) return NULL;
    void *q = __interceptor_realloc ? __interceptor_realloc(p, bytes) : __libc_realloc(p, bytes);
    if (p && !bytes && !q) __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    return p ? q : taken(q);
}

int posix_memalign(void **p, size_t alignment, size_t bytes)
{
    if (fails(__builtin_return_address(0), bytes)) return ENOMEM;
    if (__interceptor_posix_memalign) {
        const int status = __interceptor_posix_memalign(p, alignment, bytes);
        if (!status) taken(*p);
        return status;
    }
    *p = taken(__libc_memalign(alignment, bytes));
    return *p ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    if (fails(__builtin_return_address(0), bytes)) return NULL;
    return taken(__interceptor_aligned_alloc ? __interceptor_aligned_alloc(alignment, bytes)
                                             : __libc_memalign(alignment, bytes));
}

void free(void *p)
{
    if (p) __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    if (__interceptor_free)
        __interceptor_free(p);
    else
        __libc_free(p);
}

/* ---- system calls ---------------------------------------------------------------------------------------------------- */

/* Whether this call is the one; errno is set. */
static bool call_fails(const char *name)
{
    if (!call.at || strcmp(name, call.name) != 0) return false;
    const long now = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (now != call.at && !(now > call.at && call.forever)) return false;
    happens();
    errno = call.error;
    return true;
}

static bool concerns(int fd)
{
    return fd >= 0 && fd < (int)sizeof written && written[fd];
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    const bool watched = (flags & O_ACCMODE) != O_RDONLY || flags & O_DIRECTORY;
    if (watched && call_fails("open")) return -1;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (watched && fd >= 0 && fd < (int)sizeof written) written[fd] = true;
    return fd;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
    if (concerns(fd) && call_fails("write")) {
        if (call.error) return -1;
        bytes = bytes > 1 ? bytes / 2 : bytes;
    }
    return syscall(SYS_write, fd, data, bytes);
}

int fsync(int fd)
{
    return concerns(fd) && call_fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int close(int fd)
{
    const bool fails_now = concerns(fd) && call_fails("close");
    const int error = errno;
    if (fd >= 0 && fd < (int)sizeof written) written[fd] = false;
    const int status = (int)syscall(SYS_close, fd); /* closed in any case */
    if (fails_now) errno = error;
    return fails_now ? -1 : status;
}

int rename(const char *from, const char *to)
{
    return call_fails("rename") ? -1 : (int)syscall(SYS_rename, from, to);
}

int link(const char *from, const char *to)
{
    return call_fails("link") ? -1 : (int)syscall(SYS_link, from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return call_fails("mkdir") ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

#pragma GCC visibility pop

void faults_memory(long n, bool all)
{
    forever = all;
    happened = false;
    made = 0;
    __atomic_store_n(&fail_at, n, __ATOMIC_RELAXED);
}

bool faults_end(void)
{
    __atomic_store_n(&fail_at, 0, __ATOMIC_RELAXED);
    return happened;
}

long faults_allocations(void)
{
    return made;
}

long faults_live(void)
{
    return __interceptor_malloc ? 0 : __atomic_load_n(&live, __ATOMIC_RELAXED);
}
