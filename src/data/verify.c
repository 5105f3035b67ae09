/* Checks a data set against the registry, and brings one into the user cache. */
#include "data/registry.h"
#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/given.h"

typedef void say_fn(void *user, const char *line);

static void report(say_fn *say, void *user, const char *a, const char *b)
{
    char line[512];
    if (!say) return;
    snprintf(line, sizeof line, "%s: %s", a, b);
    say(user, line);
}

/* Size and sum of one file after gunzip. */
static jd_status verify_file(jd_ctx *ctx, const char *path, const jd_dataset_file *f)
{
    enum { CHUNK = 1 << 16 };
    jd__stream *s = jd__stream_open(ctx, path);
    uint8_t *buffer = s ? jd_alloc(ctx, CHUNK) : NULL;
    jd_sha256 sum;
    jd_sha256_init(&sum);
    uint64_t bytes = 0;
    size_t got = CHUNK;
    while (buffer && got == CHUNK && (!f->bytes || bytes <= f->bytes)) {
        if (jd__stream_read(s, buffer, CHUNK, &got)) break;
        jd_sha256_add(&sum, buffer, got);
        bytes += got;
    }
    jd_free(ctx, buffer);
    jd__stream_close(s);
    if (jd_error(ctx)) return jd_error(ctx);
    if (f->bytes && bytes != f->bytes)
        return jd_fail(ctx, JD_EDATA, "%s: %s%llu bytes after gunzip, %llu are recorded; fetch the file again", path,
                       bytes > f->bytes ? "at least " : "", (unsigned long long)bytes, (unsigned long long)f->bytes);
    char hex[65];
    jd_sha256_hex(&sum, hex);
    if (f->sha256 && strcmp(hex, f->sha256) != 0)
        return jd_fail(ctx, JD_EDATA, "%s: SHA-256 after gunzip is %s, %s is recorded; fetch the file again", path, hex,
                       f->sha256);
    return JD_OK;
}

/* No sums are recorded for single recordings, since speakers come and go: each must be readable, at one rate. */
static jd_status verify_recordings(jd_ctx *ctx, const char *dir, say_fn *say, void *user)
{
    jd_speech speech = {0};
    jd_status st = jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = dir, .split = JD_ALL}, &speech);
    if (st) return st;
    for (int k = 0; k < speech.speakers; k++) {
        size_t n = 0;
        for (size_t i = 0; i < speech.count; i++) n += speech.items[i].speaker == k;
        char text[96];
        snprintf(text, sizeof text, "%zu recordings can be read, at %d Hz", n, speech.rate);
        report(say, user, speech.speaker_names[k], text);
    }
    jd_speech_free(ctx, &speech);
    return JD_OK;
}

jd_status jd_dataset_verify(jd_ctx *ctx, const jd_dataset *set, const char *dir, say_fn *say, void *user)
{
    if (!jd__given(ctx, __func__, "set", set) || !jd__given(ctx, __func__, "dir", dir)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    if (!set->files->name) return verify_recordings(ctx, dir, say, user);
    char *first = jd__dataset_path(ctx, dir, set->files->name);
    const bool other = first && access(first, F_OK) && jd__dataset_present(ctx, set, dir);
    jd_free(ctx, first);
    if (other) {
        report(say, user, dir, "as it is distributed, of which no sums are recorded");
        return jd_error(ctx);
    }
    for (const jd_dataset_file *f = set->files; f->name; f++) {
        char *path = jd__dataset_path(ctx, dir, f->name);
        const jd_status st = path ? verify_file(ctx, path, f) : JD_ENOMEM;
        if (st == JD_OK)
            report(say, user, path,
                   f->sha256  ? "size and SHA-256 as recorded"
                   : f->bytes ? "size as recorded; no sum is"
                              : "there; neither size nor sum is recorded");
        jd_free(ctx, path);
        if (st) return st;
    }
    return JD_OK;
}

static jd_status make_directories(jd_ctx *ctx, const char *path)
{
    char *copy = jd_strdup(ctx, path);
    if (!copy) return JD_ENOMEM;
    for (char *p = copy + 1;; p++) {
        if (*p != '/' && *p != 0) continue;
        const char end = *p;
        *p = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            jd_fail(ctx, JD_EIO, "%s: cannot make the directory: %s; set XDG_CACHE_HOME to a place that can be written",
                    copy, strerror(errno));
        *p = end;
        if (end == 0 || jd_error(ctx)) break;
    }
    jd_free(ctx, copy);
    return jd_error(ctx);
}

static jd_status copy_file(jd_ctx *ctx, const char *from, const char *to)
{
    size_t bytes;
    void *data = jd_read_file(ctx, from, 0, &bytes);
    if (!data) return jd_error(ctx);
    const jd_status st = jd_write_file(ctx, to, data, bytes);
    jd_free(ctx, data);
    return st;
}

/* Copies one recorded file under the name it has there, gzip-ed or not. */
static jd_status copy_one(jd_ctx *ctx, const char *from, const char *to, const char *name)
{
    char *source = jd__dataset_path(ctx, from, name);
    char *target = source ? jd_asprintf(ctx, "%s%s", to, source + strlen(from)) : NULL;
    const jd_status st = target ? copy_file(ctx, source, target) : JD_ENOMEM;
    jd_free(ctx, source);
    jd_free(ctx, target);
    return st;
}

static jd_status copy_recordings(jd_ctx *ctx, const char *from, const char *to)
{
    jd__fsdd_list list = {0};
    jd_status st = jd__fsdd_scan(ctx, from, &list);
    char *wav = st == JD_OK ? jd_asprintf(ctx, "%s/wav", to) : NULL;
    if (wav) st = make_directories(ctx, wav);
    for (size_t i = 0; wav && st == JD_OK && i < list.count; i++) st = copy_one(ctx, list.dir, wav, list.names[i]);
    jd_free(ctx, wav);
    jd__fsdd_list_free(ctx, &list);
    return st;
}

/* Runs curl; the file arrives under a temporary name and is renamed once its sum is right. */
static jd_status download(jd_ctx *ctx, const jd_dataset *set, const jd_dataset_file *f, const char *dir)
{
    char *url = jd_asprintf(ctx, "%s%s.gz", set->download, f->name);
    char *part = jd_asprintf(ctx, "%s/%s.part", dir, f->name);
    char *done = jd_asprintf(ctx, "%s/%s.gz", dir, f->name);
    int status = 0;
    const pid_t child = url && part && done ? fork() : -1;
    if (child == 0) {
        execlp("curl", "curl", "--fail", "--silent", "--show-error", "--location", "--proto", "=https", "--proto-redir",
               "=https", "--max-filesize", "1073741824", "--output", part, "--", url, (char *)NULL);
        _exit(127);
    }
    if (child > 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    if (child < 0)
        jd_fail(ctx, JD_EIO, "%s: cannot start curl; %s", set->name, set->obtain);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        jd_fail(ctx, JD_EABSENT, "%s: the program curl is not there; apt-get install curl, or %s", set->name,
                set->obtain);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        jd_fail(ctx, JD_ENOINPUT, "%s: curl could not fetch %s; check the network, or %s", set->name, url, set->obtain);
    else if (verify_file(ctx, part, f) == JD_OK && rename(part, done) != 0)
        jd_fail(ctx, JD_EIO, "%s: cannot rename to %s: %s", part, done, strerror(errno));
    if (part && jd_error(ctx)) unlink(part);
    jd_free(ctx, url);
    jd_free(ctx, part);
    jd_free(ctx, done);
    return jd_error(ctx);
}

/* Fills the cache directory `to`, from a directory or by downloads. */
static jd_status fetch(jd_ctx *ctx, const jd_dataset *set, const char *from, const char *to)
{
    if (from && !jd__dataset_present(ctx, set, from))
        return jd_fail(ctx, JD_ENOINPUT, "%s: does not hold the files of %s; %s", from, set->name, set->obtain);
    if (!from && !set->download)
        return jd_fail(
            ctx, JD_ENOINPUT,
            "%s cannot be downloaded by itself: %s, and give that directory to `jackdaw data get %s --from DIR`",
            set->name, set->obtain, set->name);
    jd_status st = make_directories(ctx, to);
    if (st) return st;
    if (!set->files->name) return copy_recordings(ctx, from, to);
    for (const jd_dataset_file *f = set->files; st == JD_OK && f->name; f++)
        st = from ? copy_one(ctx, from, to, f->name) : download(ctx, set, f, to);
    return st;
}

char *jd_dataset_get(jd_ctx *ctx, const jd_dataset *set, const char *from)
{
    if (!jd__given(ctx, __func__, "set", set)) return NULL;
    if (jd_error(ctx)) return NULL;
    char *dir = from ? NULL : jd__dataset_installed(ctx, set);
    if (!dir && !jd_error(ctx)) {
        dir = jd__dataset_cache(ctx, set);
        if (!dir)
            jd_fail(ctx, JD_EUSAGE, "%s: no place for a cache; set HOME or XDG_CACHE_HOME", set->name);
        else
            fetch(ctx, set, from, dir);
    }
    if (!jd_error(ctx)) jd_dataset_verify(ctx, set, dir, NULL, NULL);
    if (jd_error(ctx)) {
        jd_free(ctx, dir);
        return NULL;
    }
    return dir;
}
