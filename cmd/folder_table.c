/* folder_table.c - tables that list files and what they show: index.tsv, train.csv, labels.csv... */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "eval.h"
#include "folders.h"

/* ---- columns ----------------------------------------------------------------------------------------------------------------------*/

/* What people call the columns, the likelier first. */
static const char *const file_names[] = {"file",       "filename", "file_name", "path",       "filepath",
                                         "file_path",  "image",    "image_id",  "image_name", "image_path",
                                         "img",        "img_name", "audio",     "fname",      "slice_file_name",
                                         "image_file", "id_code",  "id",        NULL};
static const char *const truth_names[] = {"class",     "label",    "word",    "digit",      "text",        "class_name",
                                          "classname", "class_id", "classid", "label_name", "labels",      "target",
                                          "category",  "species",  "breed",   "diagnosis",  "category_id", NULL};
static const char *const split_names[] = {"split", "subset", "set", NULL};

/* The same word, whatever the case, and with _ for a point, a dash or a blank. */
static bool alike(const char *name, const char *word)
{
    for (; *name && *word; name++, word++) {
        const char c = strchr(".- ", *name) ? '_' : *name;
        if (strncasecmp(&c, word, 1)) return false;
    }
    return !*name && !*word;
}

/* The column of one of the names; -1: there is none. */
static int column(const jd_tsv *t, const char *const *names)
{
    for (int k = 0; names[k]; k++)
        for (size_t c = 0; c < t->cols; c++)
            if (alike(t->names[c], names[k])) return (int)c;
    return -1;
}

/* The column that tells the class; of two columns, the one that is not the file's. */
static int truth_of(const jd_tsv *t, int file, bool texts)
{
    static const char *const text_name[] = {"text", "sentence", "transcript", "transcription", NULL};
    int truth = texts ? column(t, text_name) : -1;
    if (truth < 0) truth = column(t, truth_names);
    return truth < 0 && t->cols == 2 && file >= 0 ? 1 - file : truth;
}

static const char *const parts[4][5] = {[JD_TRAIN] = {"train", "training", "learn", NULL},
                                        [JD_TEST] = {"test", "testing", "eval", NULL},
                                        [JD_ALL] = {NULL},
                                        {"valid", "val", "validation", "dev", NULL}};
enum { VALID = 3 };

static bool is_part(const char *word, int part)
{
    for (int k = 0; parts[part][k]; k++)
        if (!strcasecmp(word, parts[part][k])) return true;
    return false;
}

/* Whether a row is of the part, to which samples to validate on belong when it is to train on. */
static bool wanted(const char *word, jd_split part)
{
    return part == JD_ALL || is_part(word, (int)part) || (part == JD_TRAIN && is_part(word, VALID));
}

/* ---- files ------------------------------------------------------------------------------------------------------------------------*/

/* Where the files of a table are: beside it, in folders there, or in folders beside its own; with their endings or without. */
typedef struct places {
    file_list folder;
    size_t last; /* where the last one was, and the ending that its name lacked */
    const char *ending;
} places;

static jd_status find_places(jd_ctx *ctx, const char *dir, places *p)
{
    char *above = jd_asprintf(ctx, "%s/..", dir);
    p->ending = "";
    if (above && !files_add(ctx, &p->folder, jd_strdup(ctx, dir)) && !files_folders(ctx, dir, &p->folder))
        files_folders(ctx, above, &p->folder);
    jd_free(ctx, above);
    return jd_error(ctx);
}

/* The path of a file that is there, for jd_free; NULL without an error where it is not. */
static char *try_place(jd_ctx *ctx, places *p, size_t k, const char *name, const char *ending)
{
    struct stat st;
    char *path = jd_asprintf(ctx, "%s/%s%s", p->folder.path[k], name, ending);
    if (path && !stat(path, &st) && S_ISREG(st.st_mode)) {
        p->last = k;
        p->ending = ending;
        return path;
    }
    jd_free(ctx, path);
    return NULL;
}

/* The path that a table's word means, for jd_free; that beside the table where there is no such file. */
static char *find_file(jd_ctx *ctx, places *p, const char *name)
{
    static const char *const endings[] = {"", FILE_PICTURES, FILE_SOUNDS, NULL};
    if (*name == '/') return jd_strdup(ctx, name);
    char *path = try_place(ctx, p, p->last, name, p->ending);
    for (size_t i = 0; !path && !jd_error(ctx) && i < p->folder.n; i++)
        for (int k = 0; !path && !jd_error(ctx) && endings[k]; k++) path = try_place(ctx, p, i, name, endings[k]);
    return path || jd_error(ctx) ? path : jd_asprintf(ctx, "%s/%s", p->folder.path[0], name);
}

/* ---- the table --------------------------------------------------------------------------------------------------------------------*/

/* The boxes of all rows, as numbers. */
static void read_boxes(jd_ctx *ctx, const jd_tsv *t, folder *f)
{
    static const char *const names[6][3] = {{"orig_w", "width"}, {"orig_h", "height"}, {"roi_x1"},
                                            {"roi_y1"},          {"roi_x2"},           {"roi_y2"}};
    int at[6];
    for (int k = 0; k < 6; k++) at[k] = column(t, names[k]);
    if (at[2] < 0 || at[3] < 0 || at[4] < 0 || at[5] < 0) return;
    f->box = jd_alloc_array(ctx, t->rows + 1, 6 * sizeof *f->box);
    for (size_t i = 0; f->box && i < t->rows * 6; i++)
        f->box[i] = at[i % 6] < 0 ? 0 : strtod(t->fields[i / 6 * t->cols + (size_t)at[i % 6]], NULL);
}

/* Row i as the next file. */
static jd_status take_row(jd_ctx *ctx, const jd_tsv *t, size_t i, int file, const char *word, const char *path,
                          places *p, folder *f)
{
    const size_t n = f->files.n;
    char where[600];
    snprintf(where, sizeof where, "%.500s: line %zu", path, t->lines[i]);
    if (f->text)
        f->text[n] = jd_strdup(ctx, word);
    else
        f->class[n] = folder_class(ctx, f, where, word);
    if (f->box) memmove(f->box + 6 * n, f->box + 6 * i, 6 * sizeof *f->box);
    f->files.path[n] = jd_error(ctx) ? NULL : find_file(ctx, p, t->fields[i * t->cols + (size_t)file]);
    if (f->files.path[n]) f->files.n++;
    if (jd_error(ctx) && f->text) jd_free(ctx, f->text[n]);
    return jd_error(ctx);
}

jd_status folder_read_table(jd_ctx *ctx, const char *dir, const char *path, jd_split part, const char *names,
                            bool texts, folder *f)
{
    jd_tsv t = {0};
    places p = {0};
    if (jd_read_words(ctx, path, folder_separator(ctx, path), &t)) return jd_error(ctx);
    int file = column(&t, file_names);
    if (file < 0) file = jd_tsv_column(ctx, &t, "file");
    const int split = column(&t, split_names), truth = truth_of(&t, file, texts);
    if (truth < 0) jd_fail(ctx, JD_EDATA, "%s: line 1: no column tells the class; call one class, label or word", path);
    if (!jd_error(ctx) && !find_places(ctx, dir, &p)) read_boxes(ctx, &t, f);
    const char **word = jd_alloc_array(ctx, t.rows + 1, sizeof *word);
    f->files.path = jd_alloc_array(ctx, t.rows + 1, sizeof *f->files.path);
    f->class = jd_alloc_array(ctx, t.rows + 1, sizeof *f->class);
    f->held = jd_alloc_array(ctx, t.rows + 1, sizeof *f->held);
    for (size_t i = 0; !jd_error(ctx) && i < t.rows; i++) word[i] = t.fields[i * t.cols + (size_t)truth];
    if (texts) f->text = jd_alloc_array(ctx, t.rows + 1, sizeof *f->text);
    if (!jd_error(ctx) && !texts) folder_classes(ctx, f, path, names, word, t.rows);
    for (size_t i = 0; !jd_error(ctx) && i < t.rows; i++) {
        const char *of = split < 0 ? "" : t.fields[i * t.cols + (size_t)split];
        if (split >= 0 && !wanted(of, part)) continue;
        f->held[f->files.n] = part == JD_TRAIN && is_part(of, VALID);
        take_row(ctx, &t, i, file, word[i], path, &p, f);
    }
    f->sounds = f->files.n && folder_is_sound(f->files.path[0]);
    if (!jd_error(ctx) && !f->files.n) jd_fail(ctx, JD_EDATA, "%s: no file of the part '%s'", path, eval_splits[part]);
    jd_free(ctx, word);
    jd_tsv_free(ctx, &t);
    files_free(ctx, &p.folder);
    return jd_error(ctx);
}

/* ---- finding tables -------------------------------------------------------------------------------------------------------------*/

/* Whether a line of names, of which the first bytes are at hand, has one that a column of files may have. */
static bool names_files(char *line)
{
    for (char *word = strtok(line, ",;\t\"\r"); word; word = strtok(NULL, ",;\t\"\r"))
        for (int k = 0; file_names[k]; k++)
            if (alike(strncmp(word, "\xef\xbb\xbf", 3) ? word : word + 3, file_names[k])) return true;
    return false;
}

char *folder_of(jd_ctx *ctx, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash > path ? jd_asprintf(ctx, "%.*s", (int)(slash - path), path) : jd_strdup(ctx, slash ? "/" : ".");
}

bool folder_is_table(jd_ctx *ctx, const char *path)
{
    char head[4096];
    FILE *file = fopen(path, "rb");
    const size_t n = file ? fread(head, 1, sizeof head - 1, file) : 0;
    places p = {0};
    jd_tsv t = {0};
    if (file) fclose(file);
    head[n] = 0;
    if (!file_ends(path, ".gz")) {
        head[strcspn(head, "\n")] = 0;
        if (!names_files(head)) return false;
    }
    char *name = NULL;
    struct stat st;
    if (!jd_read_words(ctx, path, folder_separator(ctx, path), &t) && t.rows) {
        const int of = column(&t, file_names);
        char *dir = of >= 0 && truth_of(&t, of, false) >= 0 ? folder_of(ctx, path) : NULL;
        if (dir && !find_places(ctx, dir, &p)) name = find_file(ctx, &p, t.fields[of]);
        jd_free(ctx, dir);
    }
    const bool yes = name && !stat(name, &st) && S_ISREG(st.st_mode);
    jd_free(ctx, name);
    jd_tsv_free(ctx, &t);
    files_free(ctx, &p.folder);
    jd_error_clear(ctx); /* it is read otherwise, which says what is wrong */
    return yes;
}

static const char *const endings[] = {".tsv", ".tsv.gz", ".csv", ".csv.gz", NULL};

/* The table called `name`, whatever the case, for jd_free; one with commas must list files. */
static char *named_table(jd_ctx *ctx, const file_list *l, const char *name)
{
    for (int k = 0; endings[k]; k++)
        for (size_t i = 0; i < l->n; i++) {
            const char *base = strrchr(l->path[i], '/') + 1;
            const size_t n = strlen(name);
            if (strncasecmp(base, name, n) || strcasecmp(base + n, endings[k])) continue;
            if (k < 2 || !strcmp(name, "index") || folder_is_table(ctx, l->path[i])) return jd_strdup(ctx, l->path[i]);
        }
    return NULL;
}

char *folder_table(jd_ctx *ctx, const char *dir, jd_split split)
{
    const char *const names[] = {"index", eval_splits[split], "labels", "train", NULL};
    file_list l = {0};
    char *found = NULL;
    if (files_in(ctx, dir, endings, &l)) jd_error_clear(ctx); /* there are none */
    for (int k = 0; !found && names[k]; k++) found = named_table(ctx, &l, names[k]);
    if (!found && l.n == 1 && folder_is_table(ctx, l.path[0])) found = jd_strdup(ctx, l.path[0]);
    files_free(ctx, &l);
    return found;
}

char folder_separator(jd_ctx *ctx, const char *table)
{
    size_t bytes;
    char *text = file_ends(table, ".csv") || file_ends(table, ".csv.gz") ? jd_read_gz(ctx, table, 0, &bytes) : NULL;
    const char found = text ? text[strcspn(text, ",;\t\n")] : '\t';
    jd_free(ctx, text);
    return found == ',' || found == ';' ? found : '\t';
}

bool folder_table_tests(jd_ctx *ctx, const char *path)
{
    jd_tsv t = {0};
    const char *base = strrchr(path, '/');
    bool test = !strncasecmp(base ? base + 1 : path, "test.", 5);
    if (test || jd_read_words(ctx, path, folder_separator(ctx, path), &t)) return test;
    const int split = column(&t, split_names);
    for (size_t i = 0; split >= 0 && !test && i < t.rows; i++)
        test = is_part(t.fields[i * t.cols + (size_t)split], JD_TEST);
    jd_tsv_free(ctx, &t);
    return test;
}
