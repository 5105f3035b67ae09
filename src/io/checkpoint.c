/*
 * checkpoint.c - saving and loading generations of a file.
 *
 * Saving, in this order: temporary file, write, fsync, close; older generations move up by one into the first free
 * number; the present file is linked as PATH.1; rename over PATH; fsync of the directory; only then are generations
 * beyond `keep` and temporary files of dead processes removed.  At every moment each good generation has a name.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/given.h"
#include "base/ctx.h"
#include "io/safetensors.h"

/* The numbers of the generations PATH.1, PATH.2, ... that are there, in ascending order. */
typedef struct generations {
    unsigned *number;
    size_t count;
} generations;

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Reads a decimal number without sign or leading zero; 0 if there is none.  *end is the place after it. */
static unsigned read_number(const char *s, const char **end)
{
    unsigned n = 0;
    *end = s;
    if (*s < '1' || *s > '9') return 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (n > 400000000u) return 0;
        n = n * 10 + (unsigned)(*s - '0');
    }
    *end = s;
    return n;
}

static int ascending(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static jd_status list_generations(jd_ctx *ctx, const char *path, generations *g)
{
    *g = (generations){0};
    char *dir = jd__dirname(ctx, path);
    if (!dir) return jd_error(ctx);
    const char *base = base_of(path);
    const size_t n = strlen(base);
    size_t capacity = 0;
    DIR *d = opendir(dir);
    int failed = d ? 0 : errno;
    jd_free(ctx, dir);
    if (failed && failed != ENOMEM && failed != EMFILE && failed != ENFILE)
        return JD_OK; /* nothing there, or not for us to see; opening the file itself gives the message */
    const struct dirent *e;
    while (d && (errno = 0, e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, base, n) || e->d_name[n] != '.') continue;
        const char *end;
        const unsigned number = read_number(e->d_name + n + 1, &end);
        if (!number || *end) continue;
        if (g->count == capacity) {
            unsigned *more = jd_realloc(ctx, g->number, capacity * sizeof *more, (capacity * 2 + 16) * sizeof *more);
            if (!more) break;
            g->number = more;
            capacity = capacity * 2 + 16;
        }
        g->number[g->count++] = number;
    }
    if (d) failed = errno;
    if (d) closedir(d);
    /* A generation that is overlooked could be overwritten. */
    if (failed)
        jd_fail(ctx, failed == ENOMEM ? JD_ENOMEM : JD_EIO, "%s: its folder cannot be listed: %s", path,
                strerror(failed));
    if (g->count) qsort(g->number, g->count, sizeof *g->number, ascending);
    return jd_error(ctx);
}

static char *generation_path(jd_ctx *ctx, const char *path, unsigned number)
{
    return number ? jd_asprintf(ctx, "%s.%u", path, number) : jd_strdup(ctx, path);
}

/* Moves generation `from` to `to`: by rename, or for the present file by a second name. */
static jd_status move_generation(jd_ctx *ctx, const char *path, unsigned from, unsigned to)
{
    char *old = generation_path(ctx, path, from), *new = generation_path(ctx, path, to);
    jd_status status = old && new ? JD_OK : jd_error(ctx);
    if (!status && from) {
        if (ctx->io->rename(old, new))
            status = jd_fail(ctx, JD_EIO, "%s: cannot be renamed to %s: %s", old, new, strerror(errno));
    } else if (!status && ctx->io->link(old, new) && errno != ENOENT) {
        /* A file system without links: for a moment the newest checkpoint is PATH.1, where loading finds it. */
        const bool no_links = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK;
        if (!no_links || (ctx->io->rename(old, new) && errno != ENOENT))
            status = jd_fail(ctx, JD_EIO, "%s: cannot be kept as %s: %s", old, new, strerror(errno));
    }
    jd_free(ctx, old);
    jd_free(ctx, new);
    return status;
}

static jd_status keep_previous(jd_ctx *ctx, const char *path, const generations *g)
{
    unsigned first_free = 1;
    for (size_t i = 0; i < g->count && g->number[i] == first_free; i++) first_free++;
    jd_status status = JD_OK;
    for (unsigned to = first_free; to >= 1 && !status; to--) status = move_generation(ctx, path, to - 1, to);
    return status;
}

/* PATH.tmp.PID or PATH.tmp.PID.N of a process that is no more. */
static bool is_stale(const char *name, const char *base, size_t n)
{
    if (strncmp(name, base, n) || strncmp(name + n, ".tmp.", 5)) return false;
    const char *end;
    const unsigned pid = read_number(name + n + 5, &end);
    if (!pid || (*end && *end != '.') || pid > INT32_MAX) return false;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Housekeeping after a good save: a file that cannot be removed costs space, not safety, and is tried again next time. */
static void remove_old(jd_ctx *ctx, const char *path, unsigned keep)
{
    char *dir = jd__dirname(ctx, path);
    const char *base = base_of(path);
    const size_t n = strlen(base);
    DIR *d = dir ? opendir(dir) : NULL;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        bool old = is_stale(e->d_name, base, n);
        if (!old && !strncmp(e->d_name, base, n) && e->d_name[n] == '.') {
            const char *end;
            old = read_number(e->d_name + n + 1, &end) > keep && !*end;
        }
        if (!old) continue;
        char *victim = jd_asprintf(ctx, "%s/%s", dir, e->d_name);
        if (victim) ctx->io->unlink(victim);
        jd_free(ctx, victim);
    }
    if (d) closedir(d);
    jd_free(ctx, dir);
}

jd_status jd_checkpoint_save(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n,
                             const jd_metadata *metadata, size_t m, int keep)
{
    if (!jd__given(ctx, __func__, "path", path)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if (keep < 0 || keep > 10000)
        return jd_fail(ctx, JD_EUSAGE, "%s: %d generations to keep, it must be 0..10000", path, keep);
    for (size_t i = 0; i < m; i++)
        if (metadata[i].key && !strcmp(metadata[i].key, "jackdaw.kind") &&
            (!metadata[i].value || strcmp(metadata[i].value, "checkpoint")))
            return jd_fail(ctx, JD_EUSAGE, "%s: jackdaw.kind of a checkpoint must be \"checkpoint\"", path);
    jd_replacement r;
    jd_status status = jd__replace_begin(&r, ctx, path);
    if (!status) status = jd__safetensors_emit(&r, ctx, path, tensors, n, metadata, m, "checkpoint");
    if (!status) status = jd__replace_flush(&r);
    if (status) return status;
    if (keep > 0) {
        generations g;
        status = list_generations(ctx, path, &g);
        if (!status) status = keep_previous(ctx, path, &g);
        jd_free(ctx, g.number);
    }
    if (status) {
        jd__replace_abort(&r);
        return status;
    }
    status = jd__replace_commit(&r);
    if (!status) remove_old(ctx, path, (unsigned)keep);
    return jd_error(ctx);
}

/* Opens one generation and demands what every checkpoint has, so that a flipped bit in these very keys is seen too. */
static jd_tensor_file *open_generation(jd_ctx *ctx, const char *file)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, file);
    if (!f) return NULL;
    const char *kind = jd_tensor_file_meta(f, "jackdaw.kind");
    if (kind && !strcmp(kind, "checkpoint") && jd_tensor_file_meta(f, "jackdaw.xxh3") &&
        jd_tensor_file_meta(f, "jackdaw.xxh3.header"))
        return f;
    jd_fail(ctx, JD_EDATA, "%s: is not a checkpoint: jackdaw.kind is %.40s, checksums %s", file, kind ? kind : "absent",
            jd_tensor_file_meta(f, "jackdaw.xxh3") ? "present" : "absent");
    jd_tensor_file_close(f);
    return NULL;
}

/* Adds the pending error to the text and clears it. */
static bool note_damage(jd_ctx *ctx, char **text)
{
    char *old = *text, *message = NULL;
    char pending[1024];
    snprintf(pending, sizeof pending, "%s", jd_error_message(ctx));
    jd_error_clear(ctx);
    message = old ? jd_asprintf(ctx, "%s\n%s", old, pending) : jd_strdup(ctx, pending);
    if (!message) return false;
    jd_free(ctx, old);
    *text = message;
    return true;
}

jd_tensor_file *jd_checkpoint_load(jd_ctx *ctx, const char *path, char **warning)
{
    if (!jd__given(ctx, __func__, "path", path)) return NULL;
    if (warning) *warning = NULL;
    if (jd_error(ctx)) return NULL;
    generations g;
    if (list_generations(ctx, path, &g)) {
        jd_free(ctx, g.number);
        return NULL;
    }
    jd_tensor_file *f = NULL;
    char *damage = NULL;
    bool damaged = false;
    for (size_t i = 0; i <= g.count && !f; i++) {
        char *file = generation_path(ctx, path, i ? g.number[i - 1] : 0);
        if (file) f = open_generation(ctx, file);
        jd_free(ctx, file);
        if (f || jd_error(ctx) == JD_ENOMEM) break;
        damaged |= jd_error(ctx) != JD_ENOINPUT;
        if (!note_damage(ctx, &damage)) break;
    }
    jd_free(ctx, g.number);
    if (!f && damage && !jd_error(ctx)) {
        if (damaged)
            jd_fail(ctx, JD_EDATA, "%s: none of %zu generations is whole: %s", path, g.count + 1, damage);
        else
            jd_fail(ctx, JD_ENOINPUT, "%s", damage);
    }
    if (f && damage && warning) {
        *warning = jd_asprintf(ctx, "%s\n%s is used instead", damage, f->path);
        if (!*warning) {
            jd_tensor_file_close(f);
            f = NULL;
        }
    }
    jd_free(ctx, damage);
    return f;
}
