/* samples.c - data sets by name, IDX files, tables and folders of pictures, as samples in memory. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "classes.h"
#include "folders.h"
#include "jackdaw/sets.h"
#include "letters.h"
#include "model.h"

static bool is_folder(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_text(int first)
{
    return first == '\t' || first == 0xef || (first >= ' ' && first < 0x7f);
}

/* By its name, or by contents that are text: IDX files begin with two zero bytes. */
static bool is_table(jd_ctx *ctx, const char *name)
{
    static const char *const endings[] = {".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".arff"};
    const bool packed = file_ends(name, ".gz");
    if (file_ends(name, ".gnt")) return false; /* whose first byte may be that of a letter */
    const size_t n = strlen(name) - (packed ? 3 : 0);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (n >= strlen(endings[i]) && !strncasecmp(name + n - strlen(endings[i]), endings[i], strlen(endings[i])))
            return true;
    if (packed && !strstr(name, "idx")) {
        size_t bytes = 0;
        uint8_t *text = jd_read_gz(ctx, name, 0, &bytes);
        const bool yes = text && bytes && is_text(text[0]);
        jd_free(ctx, text);
        jd_error_clear(ctx); /* whoever reads it says so again */
        return yes;
    }
    FILE *f = fopen(name, "rb");
    const int first = f ? getc(f) : EOF;
    if (f) fclose(f);
    return is_text(first);
}

bool samples_is_file(const char *name)
{
    struct stat st;
    if (strpbrk(name, "/.") || (stat(name, &st) == 0 && S_ISREG(st.st_mode))) return true; /* sets have no points */
    for (int i = 0; jd_dataset_at(i); i++)
        if (!strcmp(jd_dataset_at(i)->name, name)) return false;
    return is_folder(name);
}

/* The folder with the files of a published set that `name` is, or that is alone in it, or in that, as archives and other programs
 * leave them; for jd_free, or NULL. */
static char *set_folder(jd_ctx *ctx, const char *name)
{
    char *dir = is_folder(name) ? jd_strdup(ctx, name) : NULL;
    for (int depth = 0; dir && !jd_dataset_in(ctx, dir); depth++) {
        file_list l = {0};
        files_folders(ctx, dir, &l);
        char *next = !jd_error(ctx) && l.n == 1 && depth < 3 ? jd_strdup(ctx, l.path[0]) : NULL;
        files_free(ctx, &l);
        jd_free(ctx, dir);
        dir = next;
    }
    return dir;
}

/* The folder of a set of the registry that is no set of pictures, for jd_free; NULL for all else, with an error that says where it
 * was looked for where it is not there. */
static char *other_set(jd_ctx *ctx, const char *name)
{
    const jd_dataset *set = NULL;
    for (int i = 0; !samples_is_file(name) && jd_dataset_at(i); i++)
        if (!strcmp(jd_dataset_at(i)->name, name)) set = jd_dataset_at(i);
    return set && set->format == JD_SET_OTHER ? jd_dataset_locate(ctx, set) : NULL;
}

bool samples_has_test(jd_ctx *ctx, const char *name)
{
    char *other = other_set(ctx, name);
    if (other) {
        const bool has = samples_has_test(ctx, other);
        jd_free(ctx, other);
        return has;
    }
    if (!samples_is_file(name)) return true;
    if (!is_folder(name))
        return arrays_have_test(ctx, name) ||
               (is_table(ctx, name) && folder_is_table(ctx, name) && folder_table_tests(ctx, name));
    char *set = set_folder(ctx, name);
    const bool test = set || listed_tests(ctx, name) || folder_has_test(ctx, name);
    jd_free(ctx, set);
    return test;
}

int64_t samples_steps(const samples *s, const uint32_t *index, size_t n)
{
    enum { PAD = 16 };
    size_t most = 0, least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const size_t T = s->start[index[i] + 1] - s->start[index[i]];
        if (T > most) most = T;
        if (T < least) least = T;
    }
    return (int64_t)(most == least ? most : (most + PAD - 1) / PAD * PAD);
}

char *samples_test_beside(jd_ctx *ctx, const char *name)
{
    const char *file = strrchr(name, '/'), *at = strstr(file ? file : name, "_TRAIN");
    struct stat st;
    if (at && at[6] && at[6] != '.') at = NULL;
    char *test = at ? jd_asprintf(ctx, "%.*s_TEST%s", (int)(at - name), name, at + strlen("_TRAIN")) : NULL;
    if (!test || !stat(test, &st)) return test;
    jd_free(ctx, test);
    return NULL;
}

void samples_free(jd_ctx *ctx, samples *s)
{
    jd_images_free(ctx, &s->images); /* the labels of images belong to them */
    if (s->rank != 3) jd_free(ctx, s->label);
    jd_free(ctx, s->start);
    jd_free(ctx, s->values);
    jd_free(ctx, s->target);
    jd_free(ctx, s->held);
    jd_free(ctx, s->columns);
    jd_free(ctx, s->categories);
    jd_free(ctx, s->category);
    jd_free(ctx, s->forms);
    jd_free(ctx, s->left_out);
    jd_free(ctx, s->strange);
    jd_free(ctx, s->target_column);
    jd_free(ctx, s->names);
    for (size_t i = 0; s->text && i < s->count; i++) jd_free(ctx, s->text[i]);
    jd_free(ctx, s->text);
    jd_free(ctx, s->alphabet);
    jd_free(ctx, s->letters);
    jd_free(ctx, s->first_letter);
    *s = (samples){0};
}

/* "train-images-idx3-ubyte" has its labels in "train-labels-idx1-ubyte"; to be given to jd_free. */
static char *labels_beside(jd_ctx *ctx, const char *images)
{
    const char *at = strstr(images, "images-idx3");
    if (at) return jd_asprintf(ctx, "%.*slabels-idx1%s", (int)(at - images), images, at + strlen("images-idx3"));
    jd_fail(ctx, JD_EUSAGE, "%s: where are the labels? give their IDX file with --labels", images);
    return NULL;
}

void images_count_classes(jd_images *images)
{
    int32_t most = 0;
    for (size_t i = 0; images->labels && i < images->count; i++)
        if (images->labels[i] > most) most = images->labels[i];
    images->classes = most + 1;
}

void samples_take_images(samples *s)
{
    s->rank = 3;
    s->count = s->images.count;
    s->dim[0] = s->images.height;
    s->dim[1] = s->images.width;
    s->dim[2] = s->images.channels;
    s->label = s->images.labels;
    s->classes = s->images.classes;
}

static jd_status load_idx(jd_ctx *ctx, const char *name, const char *labels, bool labelled, samples *s)
{
    char *beside = labelled && !labels ? labels_beside(ctx, name) : NULL;
    if (!jd_error(ctx)) jd_images_read_idx(ctx, name, labelled ? (labels ? labels : beside) : NULL, 256, &s->images);
    jd_free(ctx, beside);
    if (jd_error(ctx)) return jd_error(ctx);
    images_count_classes(&s->images);
    samples_take_images(s);
    return JD_OK;
}

/* The rows of a table as sequences of one number a step, up to what is missing at their ends. */
static jd_status to_sequences(jd_ctx *ctx, const char *name, samples *s)
{
    const size_t N = (size_t)s->dim[0];
    size_t at = 0, most = 1;
    if (s->categories)
        return jd_fail(ctx, JD_EUSAGE,
                       "%s: a net with lstm and the like reads a table's numbers in turn, but columns "
                       "of it hold words; begin the net with dense",
                       name);
    s->start = jd_alloc_array(ctx, s->count + 1, sizeof *s->start);
    for (size_t i = 0; s->start && i < s->count; i++) {
        size_t n = N;
        while (n > 1 && isnan(s->values[i * N + n - 1])) n--;
        memmove(s->values + at, s->values + i * N, n * sizeof *s->values);
        s->start[i + 1] = at += n;
        if (n > most) most = n;
    }
    s->rank = 2;
    s->dim[0] = (int64_t)most;
    s->dim[1] = 1;
    return jd_error(ctx);
}

/* The recordings or pictures of a folder. */
static jd_status load_folder(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    folder f;
    if (folder_open(ctx, name, o->split, o->names, o->texts, &f)) return jd_error(ctx);
    s->classes = f.classes;
    if (f.names) s->names = jd_strdup(ctx, f.names);
    if (o->fit && (o->fit->rank != 3 || f.sounds))
        jd_fail(ctx, JD_EUSAGE, "%s: %s, but the model takes %s", name,
                f.sounds ? "a folder of recordings" : "a folder of pictures",
                o->fit->rank == 3 ? "pictures" : "tables");
    else if (o->regression)
        jd_fail(ctx, JD_EUSAGE,
                "%s: --loss mse needs a target, but a folder tells classes; leave it out, or give an npz with x, "
                "pictures (N,H,W,C) or "
                "features of sounds (N,T,C), and y, a number for each",
                name);
    else if (o->texts && !f.sounds)
        jd_fail(ctx, JD_EUSAGE, "%s: --loss ctc is for recordings (WAV, FLAC, SPHERE) and what is said in them", name);
    else if (f.sounds && !folder_sounds(ctx, &f, o, s) && o->texts)
        letters_label(ctx, name, o, s);
    else if (!f.sounds)
        folder_pictures(ctx, &f, o, s);
    folder_close(ctx, &f);
    return jd_error(ctx);
}

/* What files that hold no samples need instead. */
static jd_status refuse_kind(jd_ctx *ctx, const char *name)
{
    static const struct {
        const char *ending, *instead;
    } kind[] = {
        {".mid", "music; `jackdaw run music-chorales --data DIR` learns from a folder with train/, valid/ and test/"},
        {".midi", "music; `jackdaw run music-chorales --data DIR` learns from a folder with train/, valid/ and test/"},
        {".pdf", "no samples; save the text or the table in it as .txt or .csv"},
        {".docx", "no samples; save the text in it as .txt"},
        {".xlsx", "a workbook; save its sheet as CSV"},
        {".xls", "a workbook; save its sheet as CSV"},
        {".ods", "a workbook; save its sheet as CSV"},
        {".parquet", "no text; save the table as CSV"},
        {".json", "JSON; save it as a table, CSV with a line for each sample"},
        {".jsonl", "JSON; save it as a table, CSV with a line for each sample"},
        {".zip", "an archive; unpack it and give the folder or the file in it"},
        {".tgz", "an archive; unpack it and give the folder or the file in it"},
        {".tar", "an archive; unpack it and give the folder or the file in it"},
        {".tar.gz", "an archive; unpack it and give the folder or the file in it"}};
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        if (file_ends(name, kind[i].ending)) return jd_fail(ctx, JD_EUSAGE, "%s: %s", name, kind[i].instead);
    return JD_OK;
}

jd_status samples_load(jd_ctx *ctx, const char *name, const samples_options *o, samples *out)
{
    struct stat st;
    *out = (samples){0};
    char *other = other_set(ctx, name);
    if (other) samples_load(ctx, other, o, out);
    jd_free(ctx, other);
    if (other || jd_error(ctx)) return jd_error(ctx);
    if (samples_is_file(name) && stat(name, &st))
        return jd_fail(ctx, JD_ENOINPUT, "%s: cannot open: %s; check the path", name, strerror(errno));
    if (samples_is_file(name) && !is_folder(name) && refuse_kind(ctx, name)) return jd_error(ctx);
    if (samples_is_file(name) && !is_folder(name) && (file_is_picture(name) || folder_is_sound(name)))
        return jd_fail(
            ctx, JD_EUSAGE,
            "%s: one file; give a folder that has a folder of such files for each class, or a table of files", name);
    if (samples_is_file(name) && !is_folder(name) && is_table(ctx, name) && folder_is_table(ctx, name)) {
        load_folder(ctx, name, o, out);
    } else if (samples_is_file(name) && is_folder(name)) {
        char *set = set_folder(ctx, name);
        if (set && !jd_load_images(ctx, set, o->split, &out->images))
            samples_take_images(out);
        else if (!set && !jd_error(ctx) && !listed_load(ctx, name, o, out))
            load_folder(ctx, name, o, out);
        jd_free(ctx, set);
    } else if (arrays_are(name)) {
        arrays_load(ctx, name, o, out);
    } else if (series_are(name)) {
        series_load(ctx, name, o, out);
    } else if (samples_is_file(name) && is_table(ctx, name)) {
        const bool pictures = o->fit && o->fit->rank == 3 && file_ends(name, ".tsv");
        if (pictures && listed_load(ctx, name, o, out)) return jd_error(ctx);
        const bool ragged = !pictures && ragged_load(ctx, name, o, out);
        if (!ragged && !table_load(ctx, name, o, out) && o->sequence) to_sequences(ctx, name, out);
    } else if (file_ends(name, ".gnt")) {
        if (!jd_images_read_gnt(ctx, name, NULL, &out->images)) {
            images_count_classes(&out->images);
            samples_take_images(out);
        }
    } else if (samples_is_file(name)) {
        load_idx(ctx, name, o->labels, !o->unlabelled, out);
    } else {
        if (!jd_load_images(ctx, name, o->split, &out->images)) samples_take_images(out);
    }
    if (!jd_error(ctx) && o->texts && !out->text)
        jd_fail(ctx, JD_EUSAGE,
                "%s: --loss ctc needs a folder of recordings with a table index.tsv, columns file and text", name);
    if (!jd_error(ctx) && o->regression && !out->target)
        jd_fail(ctx, JD_EUSAGE, "%s: --loss mse needs a table with the target in its last column, or --target", name);
    if (jd_error(ctx)) samples_free(ctx, out);
    return jd_error(ctx);
}
