/* folders.c - files of classes in folders. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "classes.h"
#include "eval.h"
#include "folders.h"

const char *const eval_splits[] = {"train", "test", "all", NULL};

static bool is_regular(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* The subfolder of dir with one of the names, whatever the case; NULL where there is none. */
static char *subfolder(const char *dir, const char *const *names, char *buffer, size_t size)
{
    char *found = NULL;
    DIR *d = opendir(dir);
    for (size_t k = 0; d && !found && names[k]; k++) {
        rewinddir(d);
        for (const struct dirent *e; !found && (e = readdir(d));) {
            struct stat st;
            if (strcasecmp(e->d_name, names[k]) != 0) continue;
            snprintf(buffer, size, "%s/%s", dir, e->d_name);
            if (!stat(buffer, &st) && S_ISDIR(st.st_mode)) found = buffer;
        }
    }
    if (d) closedir(d);
    return found;
}

static const char *const train_names[] = {"train", "training", NULL};
static const char *const test_names[] = {"test", "testing", NULL};
static const char *const valid_names[] = {"val", "valid", "validation", "dev", NULL};

/* ---- a folder for each class --------------------------------------------------------------------------------------------------*/

/* The folders of the classes of one part. */
static jd_status find_classes(jd_ctx *ctx, folder *f, const char *part, bool held)
{
    DIR *d = opendir(part);
    if (!d) return jd_fail(ctx, JD_ENOINPUT, "%s: cannot be opened: %s", part, strerror(errno));
    for (const struct dirent *e; !jd_error(ctx) && (e = readdir(d));) {
        struct stat st;
        const bool hidden = e->d_name[0] == '.' || e->d_name[0] == '_'; /* _background_noise_, __MACOSX */
        char *path = hidden ? NULL : jd_asprintf(ctx, "%s/%s", part, e->d_name);
        if (!path || stat(path, &st) || !S_ISDIR(st.st_mode)) {
            jd_free(ctx, path);
            continue;
        }
        class_folder *more = jd_realloc(ctx, f->dir, f->dirs * sizeof *more, (f->dirs + 1) * sizeof *more);
        if (!more) {
            jd_free(ctx, path);
            break;
        }
        f->dir = more;
        f->dir[f->dirs++] = (class_folder){.path = path, .name = strrchr(path, '/') + 1, .held = held};
    }
    closedir(d);
    return jd_error(ctx);
}

jd_status folder_classes(jd_ctx *ctx, folder *f, const char *where, const char *names, const char *const *word,
                         size_t n)
{
    if (names && *names) {
        f->names = jd_strdup(ctx, names);
        f->classes += class_count(names);
    } else if (!names) {
        f->names = class_list(ctx, where, word, n, &f->classes);
    }
    return jd_error(ctx);
}

int folder_class(jd_ctx *ctx, folder *f, const char *where, const char *name)
{
    char *end, some[300];
    const long number = strtol(name, &end, 10);
    const bool numbered = !f->names && end > name && !*end && number >= 0 && number < 100000;
    int k = f->names ? class_find(f->names, name) : numbered ? (int)number : -1;
    if (k < 0 && f->names && end > name && !*end && number >= 0 && number < f->classes) k = (int)number;
    if (k < 0)
        jd_fail(ctx, JD_EDATA, "%s: '%.60s' is none of the classes %s; take it away, or give it one of these names",
                where, name, f->names ? class_some(f->names, some, sizeof some) : "0, 1, 2...");
    if (k >= f->classes) f->classes = k + 1;
    return k;
}

static int by_class(const void *a, const void *b)
{
    const class_folder *x = a, *y = b;
    return x->class != y->class ? (x->class > y->class) - (x->class < y->class) : strcmp(x->path, y->path);
}

static jd_status number_classes(jd_ctx *ctx, folder *f, const char *dir, const char *names)
{
    const char **word = jd_alloc_array(ctx, f->dirs + 1, sizeof *word);
    for (size_t i = 0; word && i < f->dirs; i++) word[i] = f->dir[i].name;
    if (word) folder_classes(ctx, f, dir, names, word, f->dirs);
    jd_free(ctx, word);
    for (size_t i = 0; !jd_error(ctx) && i < f->dirs; i++)
        f->dir[i].class = folder_class(ctx, f, f->dir[i].path, f->dir[i].name);
    return jd_error(ctx);
}

/* Whether there are recordings in the folder of a class, or below it. */
static bool has_sounds(jd_ctx *ctx, const char *dir)
{
    static const char *const sounds[] = {FILE_SOUNDS, NULL};
    file_list l = {0};
    files_all(ctx, dir, sounds, &l);
    files_free(ctx, &l);
    return l.n > 0;
}

/* What is to be done with the files in a folder that are neither pictures nor sounds. */
static const char *others(jd_ctx *ctx, const char *dir)
{
    static const struct {
        const char *ending[4], *instead;
    } kind[] = {
        {{".mid", ".midi"}, "; music is learned by `jackdaw run music-chorales --data DIR`"},
        {{".txt"}, "; texts are learned by `jackdaw run text-compression --data FILE`"},
        {{".csv", ".tsv", ".ts"}, "; tables and series are given one by one, series of classes as one .ts file"}};
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        file_list l = {0};
        files_all(ctx, dir, kind[i].ending, &l);
        files_free(ctx, &l);
        if (l.n) return kind[i].instead;
    }
    return "";
}

/* All files of the classes, class by class. */
static jd_status find_files(jd_ctx *ctx, folder *f, const char *dir, const char *names)
{
    static const char *const pictures[] = {FILE_PICTURES, NULL}, *const sounds[] = {FILE_SOUNDS, NULL};
    if (!f->dirs)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: no folders in it; put the pictures or sounds of each class into a folder that has its name, or "
            "list them in index.tsv with the columns file and class%s",
            dir, others(ctx, dir));
    if (number_classes(ctx, f, dir, names)) return jd_error(ctx);
    qsort(f->dir, f->dirs, sizeof *f->dir, by_class);
    for (size_t i = 0; i < f->dirs && !f->sounds; i++) f->sounds = has_sounds(ctx, f->dir[i].path);
    for (size_t i = 0; !jd_error(ctx) && i < f->dirs; i++) {
        const size_t before = f->files.n;
        if (files_all(ctx, f->dir[i].path, f->sounds ? sounds : pictures, &f->files)) break;
        if (f->files.n == before)
            return jd_fail(ctx, JD_ENOINPUT,
                           "%s: no %s in this folder, so the class %s has none; fill it, or take the folder away%s",
                           f->dir[i].path, f->sounds ? "recording" : "picture", f->dir[i].name,
                           f->files.n ? "" : others(ctx, f->dir[i].path));
        int32_t *more = jd_realloc(ctx, f->class, before * sizeof *more, f->files.n * sizeof *more);
        if (more) f->class = more;
        bool *held = more ? jd_realloc(ctx, f->held, before * sizeof *held, f->files.n * sizeof *held) : NULL;
        if (!held) break;
        f->held = held;
        for (size_t k = before; k < f->files.n; k++) more[k] = f->dir[i].class, held[k] = f->dir[i].held;
    }
    return jd_error(ctx);
}

/* ---- a list of the files to test on --------------------------------------------------------------------------------------------*/

/* The path of testing_list.txt or validation_list.txt, as Speech Commands has them: "yes/0a7c2a8d_nohash_0.wav" in each line;
 * NULL where there is none. */
static char *list_of(jd_ctx *ctx, const char *dir, const char *name)
{
    char *path = jd_asprintf(ctx, "%s/%s", dir, name);
    if (path && is_regular(path)) return path;
    jd_free(ctx, path);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* listed[i] becomes whether file i is in the list at `path`. */
static jd_status look_up(jd_ctx *ctx, const folder *f, const char *dir, const char *path, bool *listed)
{
    char **line = NULL;
    size_t bytes = 0, n = 0;
    char *text = jd_read_gz(ctx, path, 1 << 28, &bytes);
    for (size_t i = 0; text && i < bytes; i++) n += text[i] == '\n';
    if (text) line = jd_alloc_array(ctx, n + 1, sizeof *line);
    n = 0;
    for (char *word = line ? strtok(text, "\r\n") : NULL; word; word = strtok(NULL, "\r\n")) line[n++] = word;
    if (line) qsort(line, n, sizeof *line, by_text);
    for (size_t i = 0; line && i < f->files.n; i++) {
        const char *clip = f->files.path[i] + strlen(dir) + 1;
        listed[i] = bsearch(&clip, line, n, sizeof *line, by_text) != NULL;
    }
    jd_free(ctx, line);
    jd_free(ctx, text);
    return jd_error(ctx);
}

/* Keeps the files of one part, where there are such lists. */
static jd_status keep_part(jd_ctx *ctx, folder *f, const char *dir, jd_split part)
{
    char *tests = list_of(ctx, dir, "testing_list.txt"), *valid = list_of(ctx, dir, "validation_list.txt");
    bool *test = tests ? jd_alloc_array(ctx, f->files.n + 1, sizeof *test) : NULL;
    size_t kept = 0;
    if (test && !look_up(ctx, f, dir, tests, test) && valid && part == JD_TRAIN) look_up(ctx, f, dir, valid, f->held);
    for (size_t i = 0; test && !jd_error(ctx) && i < f->files.n; i++) {
        if (part == JD_ALL || test[i] == (part == JD_TEST)) {
            f->class[kept] = f->class[i];
            f->held[kept] = f->held[i];
            f->files.path[kept++] = f->files.path[i];
        } else {
            jd_free(ctx, f->files.path[i]);
        }
    }
    if (test && !jd_error(ctx)) {
        f->files.n = kept;
        if (!kept) jd_fail(ctx, JD_EDATA, "%s: none of the files is of the part '%s'", tests, eval_splits[part]);
    }
    jd_free(ctx, test);
    jd_free(ctx, tests);
    jd_free(ctx, valid);
    return jd_error(ctx);
}

/* ---- both ----------------------------------------------------------------------------------------------------------------------*/

/* The folder that holds the classes or the parts: one that is alone in its folder, as archives unpack, stands for it. */
static char *top_folder(jd_ctx *ctx, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    char *top = jd_asprintf(ctx, "%.*s", (int)n, dir);
    for (int depth = 0; top && depth < 4; depth++) {
        file_list l = {0}, below = {0};
        if (!files_folders(ctx, top, &l) && l.n == 1) files_folders(ctx, l.path[0], &below);
        const bool alone = !jd_error(ctx) && below.n > 0;
        char *next = alone ? jd_strdup(ctx, l.path[0]) : NULL;
        files_free(ctx, &l);
        files_free(ctx, &below);
        if (!next) break;
        jd_free(ctx, top);
        top = next;
    }
    return top;
}

bool folder_has_test(jd_ctx *ctx, const char *dir)
{
    char a[4096], b[4096];
    if (is_regular(dir)) return folder_table_tests(ctx, dir);
    char *index = folder_table(ctx, dir, JD_TEST);
    bool test = index && folder_table_tests(ctx, index);
    if (!index) {
        char *top = top_folder(ctx, dir), *list = top ? list_of(ctx, top, "testing_list.txt") : NULL;
        test = list || (top && subfolder(top, train_names, a, sizeof a) &&
                        (subfolder(top, test_names, b, sizeof b) || subfolder(top, valid_names, b, sizeof b)));
        jd_free(ctx, list);
        jd_free(ctx, top);
    }
    jd_free(ctx, index);
    return test;
}

/* The folders of the parts: of train and test and, if that is there too, valid, whose files are held back from training; of train
 * and valid alone the latter is the test. */
static void open_parts(jd_ctx *ctx, const char *dir, jd_split split, const char *names, folder *f)
{
    char train[4096], test[4096], valid[4096];
    const char *first = subfolder(dir, train_names, train, sizeof train);
    const char *last = subfolder(dir, test_names, test, sizeof test);
    const char *held = subfolder(dir, valid_names, valid, sizeof valid);
    if (!last) last = held, held = NULL;
    const bool parts = first && last;
    if (!parts) find_classes(ctx, f, first ? first : dir, false);
    if (parts && split != JD_TEST) find_classes(ctx, f, first, false);
    if (parts && split != JD_TEST && held) find_classes(ctx, f, held, true);
    if (parts && split != JD_TRAIN) find_classes(ctx, f, last, false);
    if (!jd_error(ctx) && !find_files(ctx, f, dir, names) && !first) keep_part(ctx, f, dir, split);
}

jd_status folder_open(jd_ctx *ctx, const char *path, jd_split split, const char *names, bool texts, folder *f)
{
    *f = (folder){0};
    char *index = is_regular(path) ? jd_strdup(ctx, path) : folder_table(ctx, path, split);
    char *dir = index ? folder_of(ctx, index) : top_folder(ctx, path);
    if (dir && index)
        folder_read_table(ctx, dir, index, split, names, texts, f);
    else if (dir)
        open_parts(ctx, dir, split, names, f);
    jd_free(ctx, index);
    jd_free(ctx, dir);
    if (jd_error(ctx)) folder_close(ctx, f);
    return jd_error(ctx);
}

bool folder_is_sound(const char *path)
{
    static const char *const sounds[] = {FILE_SOUNDS};
    for (size_t k = 0; k < sizeof sounds / sizeof *sounds; k++)
        if (file_ends(path, sounds[k])) return true;
    return false;
}

void folder_close(jd_ctx *ctx, folder *f)
{
    for (size_t i = 0; i < f->dirs; i++) jd_free(ctx, f->dir[i].path);
    jd_free(ctx, f->dir);
    jd_free(ctx, f->class);
    jd_free(ctx, f->held);
    jd_free(ctx, f->box);
    jd_free(ctx, f->names);
    for (size_t i = 0; f->text && i < f->files.n; i++) jd_free(ctx, f->text[i]);
    jd_free(ctx, f->text);
    files_free(ctx, &f->files);
    *f = (folder){0};
}
