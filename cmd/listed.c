/* listed.c - folders of pictures in the formats of published sets. */
#include <string.h>
#include <sys/stat.h>

#include "eval.h"
#include "folders.h"
#include "jackdaw/sets.h"
#include "model.h"

enum { MOSAIC_SIDE = 32, SIGN_SIDE = 48, CLASSES = 65535 };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The files of a folder with such endings; none is no error. */
static bool list(jd_ctx *ctx, const char *dir, const char *const *endings, file_list *l)
{
    if (files_in(ctx, dir, endings, l) == JD_ENOINPUT && !l->n) jd_error_clear(ctx);
    return l->n > 0 && !jd_error(ctx);
}

static const char *const idx_endings[] = {"images-idx3-ubyte", "images-idx3-ubyte.gz", NULL};

/* The file of the list in whose name the word stands, before a dash: train-images..., emnist-digits-train-images... */
static const char *named(const file_list *l, const char *word)
{
    for (size_t i = 0; i < l->n; i++) {
        const char *name = base_name(l->path[i]), *at = strstr(name, word);
        if (at && (at == name || at[-1] == '-') && at[strlen(word)] == '-') return l->path[i];
    }
    return NULL;
}

/* The file that the split means: its name says so, or it is the only one. */
static const char *choose(jd_ctx *ctx, const char *dir, const file_list *l, jd_split split)
{
    const char *found = named(l, eval_splits[split]);
    if (!found && split == JD_TEST) found = named(l, "t10k");
    if (found || l->n == 1) return found ? found : l->path[0];
    jd_fail(ctx, JD_EUSAGE, "%s: %s or %s? give the file itself", dir, base_name(l->path[0]), base_name(l->path[1]));
    return NULL;
}

static bool load_idx(jd_ctx *ctx, const char *dir, const samples_options *o, samples *out)
{
    file_list l = {0};
    const bool found = list(ctx, dir, idx_endings, &l);
    const char *path = found ? choose(ctx, dir, &l, o->split) : NULL;
    if (path) samples_load(ctx, path, o, out);
    files_free(ctx, &l);
    return found;
}

/* What a table lists: mosaics, the pieces of a blob, or neither. */
typedef enum listing { NEITHER, MOSAICS, BLOB } listing;

static listing listing_of(jd_ctx *ctx, const char *table)
{
    listing found = NEITHER;
    jd_tsv t = {0};
    if (folder_separator(ctx, table) != '\t' || jd_read_tsv(ctx, table, &t)) return NEITHER;
    for (size_t c = 0; c < t.cols; c++)
        found = !strcmp(t.names[c], "mosaic") ? MOSAICS : !strcmp(t.names[c], "offset") ? BLOB : found;
    jd_tsv_free(ctx, &t);
    return found;
}

static bool load_table(jd_ctx *ctx, const char *table, const samples_options *o, int classes, samples *out)
{
    const listing what = listing_of(ctx, table);
    const int channels = o->fit ? (int)o->fit->dim[2] : o->size[2] ? o->size[2] : 3;
    if (what == MOSAICS && !jd_error(ctx)) jd_images_read_mosaics(ctx, table, MOSAIC_SIDE, classes, &out->images);
    if (what == BLOB && !jd_error(ctx)) jd_images_read_blob(ctx, table, channels, classes, &out->images);
    return what != NEITHER;
}

char *listed_index(jd_ctx *ctx, const char *dir, jd_split split)
{
    static const char *const tables[] = {".tsv", ".tsv.gz", NULL};
    file_list l = {0};
    char *path = folder_table(ctx, dir, split);
    if (!path && list(ctx, dir, tables, &l) && l.n == 1) path = jd_strdup(ctx, l.path[0]);
    files_free(ctx, &l);
    if (path && listing_of(ctx, path) != NEITHER) return path;
    jd_free(ctx, path);
    return NULL;
}

static bool load_index(jd_ctx *ctx, const char *dir, const samples_options *o, int classes, samples *out)
{
    char *path = listed_index(ctx, dir, o->split);
    const bool found = path && load_table(ctx, path, o, classes, out);
    jd_free(ctx, path);
    return found;
}

/* The folder of .gnt files in a folder whose name says that it is to train, or to test, on, for jd_free, or NULL. */
static char *characters_in(jd_ctx *ctx, const char *dir, jd_split split)
{
    static const char *const gnt[] = {".gnt", NULL}, *const train[] = {"trn", "train"}, *const test[] = {"tst", "test"};
    const char *const *word = split == JD_TEST ? test : train;
    file_list below = {0};
    char *found = NULL;
    files_folders(ctx, dir, &below);
    for (size_t i = 0; i < below.n && !found && split != JD_ALL && !jd_error(ctx); i++) {
        file_list l = {0};
        for (int k = 0; k < 2 && !found; k++)
            if (strcasestr(base_name(below.path[i]), word[k]) && list(ctx, below.path[i], gnt, &l))
                found = jd_strdup(ctx, below.path[i]);
        files_free(ctx, &l);
    }
    files_free(ctx, &below);
    return found;
}

bool listed_tests(jd_ctx *ctx, const char *dir)
{
    file_list l = {0};
    char *characters = characters_in(ctx, dir, JD_TEST);
    bool both = characters != NULL;
    if (!both && list(ctx, dir, idx_endings, &l) && l.n > 1) both = named(&l, "test") && named(&l, "train");
    files_free(ctx, &l);
    jd_free(ctx, characters);
    return both;
}

/* GT-00012.csv in the folder or in one below, or .gnt files. */
static bool load_published(jd_ctx *ctx, const char *dir, const samples_options *o, int classes, samples *out)
{
    static const char *const gnt[] = {".gnt", NULL}, *const csv[] = {".csv", NULL};
    const int side = o->fit ? (int)o->fit->picture[0] : SIGN_SIDE;
    file_list l = {0};
    bool signs = false;
    const bool here = list(ctx, dir, gnt, &l);
    files_free(ctx, &l);
    char *part = here || jd_error(ctx) ? NULL : characters_in(ctx, dir, o->split);
    const bool characters = here || part;
    for (int below = 0; below < 2 && !characters && !signs && !jd_error(ctx); below++) {
        char *where = below ? jd_asprintf(ctx, "%s/00000", dir) : jd_strdup(ctx, dir);
        l = (file_list){0};
        if (where && list(ctx, where, csv, &l)) signs = !strncmp(base_name(l.path[0]), "GT-", 3);
        files_free(ctx, &l);
        jd_free(ctx, where);
    }
    /* The whole of the signs, whose test classes come in an archive of their own. */
    char *train = jd_asprintf(ctx, "%s/Final_Training/Images", dir);
    struct stat st;
    const bool whole = !characters && !signs && train && !stat(train, &st);
    if (whole && o->split == JD_TRAIN)
        jd_images_read_gtsrb(ctx, train, side, classes, &out->images);
    else if (whole)
        jd_fail(
            ctx, JD_ENOINPUT,
            "%s/Final_Test/Images/GT-final_test.csv: not there; put it there out of GTSRB_Final_Test_GT.zip, or use "
            "--split train",
            dir);
    jd_free(ctx, train);
    if (characters && !jd_images_read_gnt(ctx, part ? part : dir, NULL, &out->images))
        images_count_classes(&out->images);
    jd_free(ctx, part);
    if (signs) jd_images_read_gtsrb(ctx, dir, side, classes, &out->images);
    return characters || signs || whole;
}

bool listed_load(jd_ctx *ctx, const char *path, const samples_options *o, samples *out)
{
    const int classes = o->fit ? o->fit->classes : CLASSES;
    if (o->fit && (o->fit->rank != 3 || classes < 2)) return false;
    if (file_ends(path, ".tsv") || file_ends(path, ".tsv.gz")) {
        if (!load_table(ctx, path, o, classes, out)) return jd_error(ctx) != JD_OK;
    } else {
        if (load_idx(ctx, path, o, out)) return true;
        if (jd_error(ctx) || (!load_index(ctx, path, o, classes, out) && !load_published(ctx, path, o, classes, out)))
            return jd_error(ctx) != JD_OK;
    }
    if (!o->fit) images_count_classes(&out->images);
    samples_take_images(out);
    return true;
}
