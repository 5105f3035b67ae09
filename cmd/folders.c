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
static const char *const test_names[] = {"test", "testing", "val", "valid", "validation", NULL};

/* ---- a folder for each class --------------------------------------------------------------------------------------------------*/

/* The folders of the classes of one part. */
static jd_status find_classes(jd_ctx *ctx, folder *f, const char *part)
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
        f->dir[f->dirs++] = (class_folder){.path = path, .name = strrchr(path, '/') + 1};
    }
    closedir(d);
    return jd_error(ctx);
}

/* Names of the classes: those that are known or else, all there are. */
static jd_status list_classes(jd_ctx *ctx, folder *f, const char *where, const char *names, const char *const *word,
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

/* The class of a name; -1 and an error for a wrong one. */
static int class_of(jd_ctx *ctx, folder *f, const char *where, const char *name)
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
    if (word) list_classes(ctx, f, dir, names, word, f->dirs);
    jd_free(ctx, word);
    for (size_t i = 0; !jd_error(ctx) && i < f->dirs; i++)
        f->dir[i].class = class_of(ctx, f, f->dir[i].path, f->dir[i].name);
    return jd_error(ctx);
}

static bool has_sounds(jd_ctx *ctx, const char *dir)
{
    static const char *const sounds[] = {FILE_SOUNDS, NULL};
    file_list l = {0};
    const bool any = !files_in(ctx, dir, sounds, &l);
    files_free(ctx, &l);
    jd_error_clear(ctx);
    return any;
}

/* All files of the classes, class by class. */
static jd_status find_files(jd_ctx *ctx, folder *f, const char *dir, const char *names)
{
    static const char *const pictures[] = {FILE_PICTURES, NULL}, *const sounds[] = {FILE_SOUNDS, NULL};
    if (!f->dirs)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: no folders in it; put the pictures or sounds of each class into a folder that has its name, or "
            "list them in index.tsv with the columns file and class",
            dir);
    if (number_classes(ctx, f, dir, names)) return jd_error(ctx);
    qsort(f->dir, f->dirs, sizeof *f->dir, by_class);
    for (size_t i = 0; i < f->dirs && !f->sounds; i++) f->sounds = has_sounds(ctx, f->dir[i].path);
    for (size_t i = 0; !jd_error(ctx) && i < f->dirs; i++) {
        const size_t before = f->files.n;
        if (files_in(ctx, f->dir[i].path, f->sounds ? sounds : pictures, &f->files)) break;
        int32_t *more = jd_realloc(ctx, f->class, before * sizeof *more, f->files.n * sizeof *more);
        if (!more) break;
        f->class = more;
        for (size_t k = before; more && k < f->files.n; k++) f->class[k] = f->dir[i].class;
    }
    return jd_error(ctx);
}

/* ---- a list of the files to test on --------------------------------------------------------------------------------------------*/

/* The path of testing_list.txt, as Speech Commands has it: "yes/0a7c2a8d_nohash_0.wav" in each line; NULL where there is none. */
static char *test_list(jd_ctx *ctx, const char *dir)
{
    struct stat st;
    char *path = jd_asprintf(ctx, "%s/testing_list.txt", dir);
    if (path && !stat(path, &st)) return path;
    jd_free(ctx, path);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keeps the files of one part, where there is such a list. */
static jd_status keep_part(jd_ctx *ctx, folder *f, const char *dir, jd_split part)
{
    char *path = test_list(ctx, dir), **line = NULL;
    size_t bytes = 0, n = 0, kept = 0;
    char *text = path ? jd_read_gz(ctx, path, 1 << 28, &bytes) : NULL;
    for (size_t i = 0; text && i < bytes; i++) n += text[i] == '\n';
    if (text) line = jd_alloc_array(ctx, n + 1, sizeof *line);
    n = 0;
    for (char *word = line ? strtok(text, "\r\n") : NULL; word; word = strtok(NULL, "\r\n")) line[n++] = word;
    if (line) qsort(line, n, sizeof *line, by_text);
    for (size_t i = 0; line && i < f->files.n; i++) {
        const char *clip = f->files.path[i] + strlen(dir) + 1;
        const bool test = bsearch(&clip, line, n, sizeof *line, by_text) != NULL;
        if (part == JD_ALL || test == (part == JD_TEST)) {
            f->class[kept] = f->class[i];
            f->files.path[kept++] = f->files.path[i];
        } else {
            jd_free(ctx, f->files.path[i]);
        }
    }
    if (line) f->files.n = kept;
    if (line && !kept) jd_fail(ctx, JD_EDATA, "%s: none of the files is of the part '%s'", path, eval_splits[part]);
    jd_free(ctx, line);
    jd_free(ctx, text);
    jd_free(ctx, path);
    return jd_error(ctx);
}

/* ---- a table of files -----------------------------------------------------------------------------------------------------------*/

/* The column of one of the names; -1: there is none. */
static int column(const jd_tsv *t, const char *const *names)
{
    for (int k = 0; names[k]; k++)
        for (size_t c = 0; c < t->cols; c++)
            if (!strcmp(t->names[c], names[k])) return (int)c;
    return -1;
}

static const char *const split_names[] = {"split", NULL};
static const char *const truth_names[] = {"class", "label", "word", "digit", "text", NULL};

static bool wanted(const jd_tsv *t, size_t row, int split, jd_split part)
{
    return split < 0 || part == JD_ALL || !strcmp(t->fields[row * t->cols + (size_t)split], eval_splits[part]);
}

/* The boxes of all rows, as numbers. */
static void read_boxes(jd_ctx *ctx, const jd_tsv *t, folder *f)
{
    static const char *const names[6][2] = {{"orig_w"}, {"orig_h"}, {"roi_x1"}, {"roi_y1"}, {"roi_x2"}, {"roi_y2"}};
    int at[6];
    for (int k = 0; k < 6; k++) at[k] = column(t, names[k]);
    if (at[2] < 0 || at[3] < 0 || at[4] < 0 || at[5] < 0) return;
    f->box = jd_alloc_array(ctx, t->rows + 1, 6 * sizeof *f->box);
    for (size_t i = 0; f->box && i < t->rows * 6; i++)
        f->box[i] = at[i % 6] < 0 ? 0 : strtod(t->fields[i / 6 * t->cols + (size_t)at[i % 6]], NULL);
}

static jd_status read_index(jd_ctx *ctx, const char *dir, const char *path, jd_split part, const char *names,
                            bool texts, folder *f)
{
    static const char *const text_name[] = {"text", NULL};
    jd_tsv t = {0};
    if (jd_read_words(ctx, path, folder_separator(ctx, path), &t)) return jd_error(ctx);
    const int file = jd_tsv_column(ctx, &t, "file"), split = column(&t, split_names);
    int truth = texts ? column(&t, text_name) : -1;
    if (truth < 0) truth = column(&t, truth_names);
    if (truth < 0) jd_fail(ctx, JD_EDATA, "%s: line 1: no column tells the class; call one class, label or word", path);
    if (!jd_error(ctx)) read_boxes(ctx, &t, f);
    const char **word = jd_alloc_array(ctx, t.rows + 1, sizeof *word);
    f->files.path = jd_alloc_array(ctx, t.rows + 1, sizeof *f->files.path);
    f->class = jd_alloc_array(ctx, t.rows + 1, sizeof *f->class);
    for (size_t i = 0; !jd_error(ctx) && i < t.rows; i++) word[i] = t.fields[i * t.cols + (size_t)truth];
    if (texts) f->text = jd_alloc_array(ctx, t.rows + 1, sizeof *f->text);
    if (!jd_error(ctx) && !texts) list_classes(ctx, f, path, names, word, t.rows);
    for (size_t i = 0; !jd_error(ctx) && i < t.rows; i++) {
        char where[600];
        if (!wanted(&t, i, split, part)) continue;
        snprintf(where, sizeof where, "%.500s: line %zu", path, t.lines[i]);
        if (texts)
            f->text[f->files.n] = jd_strdup(ctx, word[i]);
        else
            f->class[f->files.n] = class_of(ctx, f, where, word[i]);
        if (f->box) memmove(f->box + 6 * f->files.n, f->box + 6 * i, 6 * sizeof *f->box);
        f->files.path[f->files.n] = jd_asprintf(ctx, "%s/%s", dir, t.fields[i * t.cols + (size_t)file]);
        if (f->files.path[f->files.n] && !jd_error(ctx)) {
            f->files.n++;
            continue;
        }
        jd_free(ctx, f->files.path[f->files.n]);
        if (texts) jd_free(ctx, f->text[f->files.n]);
    }
    static const char *const sounds[] = {FILE_SOUNDS};
    for (size_t k = 0; f->files.n && k < sizeof sounds / sizeof *sounds; k++)
        f->sounds = f->sounds || file_ends(f->files.path[0], sounds[k]);
    if (!jd_error(ctx) && !f->files.n) jd_fail(ctx, JD_EDATA, "%s: no file of the part '%s'", path, eval_splits[part]);
    jd_free(ctx, word);
    jd_tsv_free(ctx, &t);
    return jd_error(ctx);
}

/* ---- both ----------------------------------------------------------------------------------------------------------------------*/

char *folder_table(jd_ctx *ctx, const char *dir, jd_split split)
{
    static const char *const endings[] = {".tsv", ".tsv.gz", ".csv", ".csv.gz"};
    const char *const names[] = {"index", eval_splits[split], "labels"};
    for (size_t k = 0; k < 12 && !jd_error(ctx); k++) {
        struct stat st;
        char *path = jd_asprintf(ctx, "%s/%s%s", dir, names[k / 4], endings[k % 4]);
        if (path && !stat(path, &st)) return path;
        jd_free(ctx, path);
    }
    return NULL;
}

char folder_separator(jd_ctx *ctx, const char *table)
{
    size_t bytes;
    char *text = file_ends(table, ".csv") || file_ends(table, ".csv.gz") ? jd_read_gz(ctx, table, 0, &bytes) : NULL;
    const char found = text ? text[strcspn(text, ",;\t\n")] : '\t';
    jd_free(ctx, text);
    return found == ',' || found == ';' ? found : '\t';
}

bool folder_has_test(jd_ctx *ctx, const char *dir)
{
    char a[4096], b[4096], *index = folder_table(ctx, dir, JD_TEST);
    jd_tsv t = {0};
    bool test = false;
    if (index && !jd_read_words(ctx, index, folder_separator(ctx, index), &t)) {
        const int split = column(&t, split_names);
        test = !strncmp(strrchr(index, '/') + 1, "test.", 5);
        for (size_t i = 0; split >= 0 && !test && i < t.rows; i++) test = wanted(&t, i, split, JD_TEST);
        jd_tsv_free(ctx, &t);
    } else if (!index) {
        char *list = test_list(ctx, dir);
        test = list || (subfolder(dir, train_names, a, sizeof a) && subfolder(dir, test_names, b, sizeof b));
        jd_free(ctx, list);
    }
    jd_free(ctx, index);
    return test;
}

jd_status folder_open(jd_ctx *ctx, const char *dir, jd_split split, const char *names, bool texts, folder *f)
{
    char train[4096], test[4096], *index = folder_table(ctx, dir, split);
    *f = (folder){0};
    if (index) {
        read_index(ctx, dir, index, split, names, texts, f);
    } else {
        const char *first = subfolder(dir, train_names, train, sizeof train);
        const char *last = subfolder(dir, test_names, test, sizeof test);
        const bool parts = first && last;
        if (!parts) find_classes(ctx, f, first ? first : dir);
        if (parts && split != JD_TEST) find_classes(ctx, f, first);
        if (parts && split != JD_TRAIN) find_classes(ctx, f, last);
        if (!jd_error(ctx) && !find_files(ctx, f, dir, names) && !first) keep_part(ctx, f, dir, split);
    }
    jd_free(ctx, index);
    if (jd_error(ctx)) folder_close(ctx, f);
    return jd_error(ctx);
}

void folder_close(jd_ctx *ctx, folder *f)
{
    for (size_t i = 0; i < f->dirs; i++) jd_free(ctx, f->dir[i].path);
    jd_free(ctx, f->dir);
    jd_free(ctx, f->class);
    jd_free(ctx, f->box);
    jd_free(ctx, f->names);
    for (size_t i = 0; f->text && i < f->files.n; i++) jd_free(ctx, f->text[i]);
    jd_free(ctx, f->text);
    files_free(ctx, &f->files);
    *f = (folder){0};
}
