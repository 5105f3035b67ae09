/* files.c - lists of files, folders among them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "files.h"

enum { DEEPEST = 2048 }; /* bytes of the path of a folder that is looked into: links may go round */

bool file_ends(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcasecmp(path + n - m, ending);
}

bool file_is_picture(const char *path)
{
    static const char *const endings[] = {FILE_PICTURES};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (file_ends(path, endings[i])) return true;
    return false;
}

jd_status files_add(jd_ctx *ctx, file_list *l, char *path)
{
    if (path && (l->n & (l->n - 1)) == 0) { /* the list doubles at powers of two */
        const size_t size = sizeof *l->path, room = l->n ? 2 * l->n : 1;
        char **more = jd_realloc(ctx, l->path, l->n * size, room * size);
        if (more) l->path = more;
    }
    if (jd_error(ctx))
        jd_free(ctx, path);
    else
        l->path[l->n++] = path;
    return jd_error(ctx);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files directly in dir, or its folders with `folders`. */
static jd_status look_into(jd_ctx *ctx, const char *dir, const char *const *endings, bool folders, file_list *l)
{
    const size_t before = l->n, length = strlen(dir);
    DIR *d = opendir(dir);
    if (!d) return jd_fail(ctx, JD_ENOINPUT, "%s: cannot be opened: %s", dir, strerror(errno));
    for (const struct dirent *e; !jd_error(ctx) && (e = readdir(d));) {
        struct stat st;
        bool wanted = folders;
        for (int k = 0; !folders && !wanted && endings[k]; k++) wanted = file_ends(e->d_name, endings[k]);
        if (!wanted || e->d_name[0] == '.') continue;
        char *path = jd_asprintf(ctx, "%s%s%s", dir, length && dir[length - 1] == '/' ? "" : "/", e->d_name);
        if (path && (!folders || (!stat(path, &st) && S_ISDIR(st.st_mode))))
            files_add(ctx, l, path);
        else
            jd_free(ctx, path);
    }
    closedir(d);
    if (l->n > before) qsort(l->path + before, l->n - before, sizeof *l->path, by_name);
    return jd_error(ctx);
}

jd_status files_in(jd_ctx *ctx, const char *dir, const char *const *endings, file_list *l)
{
    const size_t before = l->n;
    if (!look_into(ctx, dir, endings, false, l) && l->n == before)
        jd_fail(ctx, JD_ENOINPUT, "%s: no file in this folder ends with %s or another ending that the model can take",
                dir, endings[0]);
    return jd_error(ctx);
}

jd_status files_folders(jd_ctx *ctx, const char *dir, file_list *l)
{
    return look_into(ctx, dir, NULL, true, l);
}

jd_status files_all(jd_ctx *ctx, const char *dir, const char *const *endings, file_list *l)
{
    file_list below = {0};
    if (!look_into(ctx, dir, endings, false, l) && strlen(dir) < DEEPEST) files_folders(ctx, dir, &below);
    for (size_t i = 0; !jd_error(ctx) && i < below.n; i++) files_all(ctx, below.path[i], endings, l);
    files_free(ctx, &below);
    return jd_error(ctx);
}

/* The files in dir or, where there are none, in the folders below it. */
static jd_status files_below(jd_ctx *ctx, const char *dir, const char *const *endings, int depth, file_list *l)
{
    const size_t before = l->n;
    file_list folders = {0};
    if (!look_into(ctx, dir, endings, false, l) && l->n == before && depth < 8)
        look_into(ctx, dir, NULL, true, &folders);
    for (size_t i = 0; !jd_error(ctx) && i < folders.n; i++) files_below(ctx, folders.path[i], endings, depth + 1, l);
    files_free(ctx, &folders);
    return jd_error(ctx);
}

jd_status files_list(jd_ctx *ctx, const cli_args *a, const char *const *endings, file_list *out)
{
    *out = (file_list){.skip = cli_has(a, "skip-bad"), .command = a->command->name};
    for (int i = 1; i < a->n && !jd_error(ctx); i++) {
        struct stat st;
        if (stat(a->rest[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            const size_t before = out->n;
            out->folder = true;
            if (!files_below(ctx, a->rest[i], endings, 0, out) && out->n == before)
                files_in(ctx, a->rest[i], endings, out);
        } else {
            files_add(ctx, out, jd_strdup(ctx, a->rest[i]));
        }
    }
    return jd_error(ctx);
}

void files_free(jd_ctx *ctx, file_list *l)
{
    for (size_t i = 0; i < l->n; i++) jd_free(ctx, l->path[i]);
    jd_free(ctx, l->path);
}

bool files_next(jd_ctx *ctx, file_list *l)
{
    const jd_status e = jd_error(ctx);
    if (!l->skip || (e != JD_EDATA && e != JD_ENOINPUT && e != JD_EUSAGE)) return e == JD_OK;
    cli_fail(l->command, 0, "skipped: %s", jd_error_message(ctx));
    jd_error_clear(ctx);
    l->skipped++;
    return true;
}

void files_end(jd_ctx *ctx, file_list *l)
{
    if (!l->skipped || jd_error(ctx)) return;
    if (l->skipped == l->n)
        jd_fail(ctx, JD_EDATA, "none of the %zu files could be used", l->n);
    else
        cli_fail(l->command, 0, "%zu of %zu files skipped", l->skipped, l->n);
}

/* "folder/NAME.end" -> NAME, or folder-NAME with `folder`; for jd_free. */
static char *stem_of(jd_ctx *ctx, const char *path, const char *const *endings, bool folder)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *above = slash ? slash : path;
    size_t n = strlen(name);
    for (int k = 0; endings[k]; k++)
        if (file_ends(name, endings[k])) n = strlen(name) - strlen(endings[k]);
    while (above > path && above[-1] != '/') above--;
    if (!folder || !slash || above == slash) return jd_asprintf(ctx, "%.*s", (int)n, name);
    return jd_asprintf(ctx, "%.*s-%.*s", (int)(slash - above), above, (int)n, name);
}

char **files_stems(jd_ctx *ctx, const file_list *l, const char *const *endings)
{
    char **stem = jd_alloc_array(ctx, l->n + 1, sizeof *stem);
    const char **sorted = jd_alloc_array(ctx, l->n + 1, sizeof *sorted);
    bool *shared = jd_alloc_array(ctx, l->n + 1, sizeof *shared);
    for (int round = 0; !jd_error(ctx) && round < 2; round++) {
        for (size_t i = 0; !jd_error(ctx) && i < l->n; i++) {
            if (round && !shared[i]) continue;
            jd_free(ctx, stem[i]);
            stem[i] = stem_of(ctx, l->path[i], endings, round > 0);
        }
        for (size_t i = 0; i < l->n; i++) sorted[i] = stem[i];
        if (jd_error(ctx)) break;
        qsort(sorted, l->n, sizeof *sorted, by_name);
        for (size_t i = 0; i < l->n; i++) {
            const char **at = bsearch(&stem[i], sorted, l->n, sizeof *sorted, by_name);
            const size_t k = (size_t)(at - sorted);
            const bool twice =
                (k > 0 && !strcmp(sorted[k - 1], stem[i])) || (k + 1 < l->n && !strcmp(sorted[k + 1], stem[i]));
            if (twice && round)
                jd_fail(ctx, JD_EUSAGE,
                        "%s: another file would get a result of the same name, %s; give them in turn, or call "
                        "one of them otherwise",
                        l->path[i], stem[i]);
            shared[i] = twice;
        }
    }
    jd_free(ctx, sorted);
    jd_free(ctx, shared);
    if (jd_error(ctx)) files_free_stems(ctx, l, stem);
    return jd_error(ctx) ? NULL : stem;
}

void files_free_stems(jd_ctx *ctx, const file_list *l, char **stem)
{
    for (size_t i = 0; stem && i < l->n; i++) jd_free(ctx, stem[i]);
    jd_free(ctx, stem);
}

void files_work(jd_ctx *ctx, const cli_args *a, const file_work *w)
{
    file_list files = {0};
    char **stem = files_list(ctx, a, w->endings, &files) ? NULL : files_stems(ctx, &files, w->endings);
    const file_form how = cli_has(a, "json") ? FILES_JSON : cli_has(a, "csv") || files.folder ? FILES_CSV : FILES_PLAIN;
    if (stem && how == FILES_CSV) w->heading(w->user);
    for (size_t i = 0; stem && i < files.n; i++) {
        w->each(w->user, &files, i, stem[i], how);
        if (!files_next(ctx, &files)) break;
    }
    if (stem) files_end(ctx, &files);
    if (stem) files_free_stems(ctx, &files, stem);
    files_free(ctx, &files);
}

jd_status files_spare(jd_ctx *ctx, const file_list *l, const char *out)
{
    struct stat a, b;
    if (stat(out, &a)) return JD_OK;
    for (size_t i = 0; i < l->n; i++)
        if (!stat(l->path[i], &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return jd_fail(ctx, JD_EUSAGE,
                           "%s: the result would take the place of this file; write it into another folder",
                           l->path[i]);
    return JD_OK;
}

char *file_text(jd_ctx *ctx, const char *path)
{
    size_t bytes = 0;
    char *text = jd_read_gz(ctx, path, (size_t)1 << 30, &bytes);
    if (!text || !memchr(text, 0, bytes)) {
        if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) memmove(text, text + 3, bytes - 2); /* a byte order mark */
        return text;
    }
    jd_fail(ctx, JD_EDATA, "%s: not a text in UTF-8; give a file with a sentence a line", path);
    jd_free(ctx, text);
    return NULL;
}

char *file_line(char **at)
{
    char *line = *at;
    if (!line || !*line) return NULL;
    const size_t n = strcspn(line, "\n");
    *at = line + n + (line[n] == '\n');
    line[n] = 0;
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
    return line;
}

void csv_field(FILE *f, const char *s)
{
    const bool quote = strpbrk(s, ",\"\n") != NULL;
    if (quote) putc('"', f);
    for (; *s; s++) {
        if (*s == '"') putc('"', f);
        putc(*s, f);
    }
    if (quote) putc('"', f);
}
