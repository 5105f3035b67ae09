/* masks_find.c - which files are pictures, and which of their masks (masks.h). */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "masks.h"

static const char *const pictures[] = {FILE_PICTURES, NULL};
static const char *const picture_folders[] = {"images", "image", "imgs", "img", NULL}, *const mask_folders[] = {
                                                                                           "masks", "mask", "labels",
                                                                                           "label", NULL};

static bool is_folder(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* DIR/NAME for the first of the names that is a folder there, for jd_free, or NULL. */
static char *folder_among(jd_ctx *ctx, const char *dir, const char *const *names)
{
    for (; *names; names++) {
        char *path = jd_asprintf(ctx, "%s/%s", dir, *names);
        if (is_folder(path)) return path;
        jd_free(ctx, path);
    }
    return NULL;
}

/* Both folders of DIR; false, with NULLs, where one is missing. */
static bool both_folders(jd_ctx *ctx, const char *dir, char **image, char **mask)
{
    *image = folder_among(ctx, dir, picture_folders);
    *mask = *image ? folder_among(ctx, dir, mask_folders) : NULL;
    if (*mask) return true;
    jd_free(ctx, *image);
    *image = NULL;
    return false;
}

/* DIR/train and DIR/test, or DIR itself, whichever has both folders; for jd_free, or NULL. */
static char *part_of(jd_ctx *ctx, const char *dir, jd_split split)
{
    static const char *const train[] = {"train", "training", NULL}, *const test[] = {"test", "testing", NULL};
    char *part = split == JD_ALL ? NULL : folder_among(ctx, dir, split == JD_TEST ? test : train), *image, *mask;
    if (part && both_folders(ctx, part, &image, &mask)) {
        jd_free(ctx, image);
        jd_free(ctx, mask);
        return part;
    }
    jd_free(ctx, part);
    if (!both_folders(ctx, dir, &image, &mask)) return NULL;
    jd_free(ctx, image);
    jd_free(ctx, mask);
    return jd_strdup(ctx, dir);
}

/* The folder of the contest's pictures that DIR is, or holds: ID/images and ID/masks; for jd_free, or NULL. */
static char *bowl_of(jd_ctx *ctx, const char *dir)
{
    char *root = jd_asprintf(ctx, "%s/stage1_train", dir), *image, *mask;
    if (root && !is_folder(root)) {
        jd_free(ctx, root);
        root = jd_strdup(ctx, dir);
    }
    file_list l = {0};
    bool found = false;
    if (root && is_folder(root) && !files_folders(ctx, root, &l) && l.n) {
        found = both_folders(ctx, l.path[0], &image, &mask);
        jd_free(ctx, image);
        jd_free(ctx, mask);
    }
    files_free(ctx, &l);
    if (!found) jd_free(ctx, root);
    return found ? root : NULL;
}

bool masks_are(jd_ctx *ctx, const char *dir)
{
    if (!is_folder(dir)) return false;
    char *part = part_of(ctx, dir, JD_TRAIN), *bowl = part ? NULL : bowl_of(ctx, dir);
    const bool yes = part || bowl;
    jd_free(ctx, part);
    jd_free(ctx, bowl);
    return yes;
}

/* ---- images.tsv --------------------------------------------------------------------------------------------------------------*/

static size_t stem_length(const char *name)
{
    for (size_t i = 0; pictures[i]; i++)
        if (file_ends(name, pictures[i])) return strlen(name) - strlen(pictures[i]);
    return strlen(name);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* DIR/images.tsv, if it is there and tells parts: t->rows is 0 otherwise. */
static jd_status read_parts(jd_ctx *ctx, const char *dir, jd_tsv *t, int column[2])
{
    struct stat st;
    char *path = jd_asprintf(ctx, "%s/images.tsv", dir);
    if (path && !stat(path, &st) && !jd_read_tsv(ctx, path, t)) {
        for (size_t k = 0; k < t->cols; k++) {
            if (!strcmp(t->names[k], "image")) column[0] = (int)k;
            if (!strcmp(t->names[k], "split")) column[1] = (int)k;
        }
        if (column[0] < 0 || column[1] < 0) jd_tsv_free(ctx, t);
    }
    jd_free(ctx, path);
    return jd_error(ctx);
}

/* Whether the table counts a picture to the part. */
static bool in_part(const jd_tsv *t, const int column[2], const char *path, jd_split split)
{
    const char *name = base_of(path);
    if (!t->rows || split == JD_ALL) return true;
    for (size_t r = 0; r < t->rows; r++) {
        char *const *f = t->fields + r * t->cols;
        const size_t n = strlen(f[column[0]]);
        if ((n == stem_length(name) && !strncmp(f[column[0]], name, n)) || !strcmp(f[column[0]], name))
            return !strcmp(f[column[1]], split == JD_TEST ? "test" : "train");
    }
    return false;
}

bool masks_have_test(jd_ctx *ctx, const char *dir)
{
    jd_tsv t = {0};
    int column[2] = {-1, -1};
    bool has = false;
    if (!is_folder(dir)) return false;
    char *part = part_of(ctx, dir, JD_TEST);
    if (part && strcmp(part, dir) != 0) has = true;
    if (part && !has && !read_parts(ctx, dir, &t, column))
        for (size_t r = 0; r < t.rows; r++) has |= !strcmp(t.fields[r * t.cols + (size_t)column[1]], "test");
    jd_tsv_free(ctx, &t);
    jd_free(ctx, part);
    return has;
}

/* ---- pairs -------------------------------------------------------------------------------------------------------------------*/

void masks_forget(jd_ctx *ctx, mask_pairs *p)
{
    files_free(ctx, &p->picture);
    files_free(ctx, &p->mask);
    jd_free(ctx, p->first);
    *p = (mask_pairs){0};
}

/* Whether a mask's name is the picture's, which may have _mask, -label and the like behind it. */
static bool belongs(const char *mask, const char *picture)
{
    static const char *const ends[] = {"", "mask", "masks", "label", "labels", "seg", "gt"};
    const size_t n = stem_length(picture), m = stem_length(mask);
    if (m < n || strncmp(mask, picture, n) != 0) return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t k = strlen(ends[i]);
        if (!k ? m == n : m == n + 1 + k && strchr("_-.", mask[n]) && !strncmp(mask + n + 1, ends[i], k)) return true;
    }
    return false;
}

static jd_status pair_folders(jd_ctx *ctx, const char *image, const char *mask, const jd_tsv *parts,
                              const int column[2], const masks_options *o, mask_pairs *out)
{
    file_list p = {0}, m = {0};
    size_t without = 0;
    char *first = NULL;
    if (files_in(ctx, image, pictures, &p) || files_in(ctx, mask, pictures, &m)) goto end;
    out->first = jd_alloc_array(ctx, p.n + 1, sizeof *out->first);
    for (size_t i = 0; i < p.n && !jd_error(ctx); i++) {
        const char *found = NULL;
        if (!in_part(parts, column, p.path[i], o->split)) continue;
        for (size_t k = 0; k < m.n && !found; k++)
            if (belongs(base_of(m.path[k]), base_of(p.path[i]))) found = m.path[k];
        if (!found) {
            if (!without++) first = p.path[i];
            continue;
        }
        if (!files_add(ctx, &out->picture, jd_strdup(ctx, p.path[i])) &&
            !files_add(ctx, &out->mask, jd_strdup(ctx, found)))
            out->first[out->picture.n] = out->mask.n;
    }
    out->picture.skipped = without;
    if (!jd_error(ctx) && without && (!o->skip || !out->picture.n))
        jd_fail(ctx, JD_ENOINPUT,
                "%s: no mask of its name, such as %s/%.*s.png, nor for %zu other pictures; add them, or use --skip-bad",
                first, mask, (int)stem_length(base_of(first)), base_of(first), without - 1);
end:
    files_free(ctx, &p);
    files_free(ctx, &m);
    return jd_error(ctx);
}

/* In the order of their names every fifth is a test, as of the mitosis system. */
static jd_status pair_bowl(jd_ctx *ctx, const char *root, const masks_options *o, mask_pairs *out)
{
    file_list id = {0};
    if (files_folders(ctx, root, &id)) return jd_error(ctx);
    out->first = jd_alloc_array(ctx, id.n + 1, sizeof *out->first);
    for (size_t i = 0; i < id.n && !jd_error(ctx); i++) {
        char *image, *mask;
        const size_t before = out->picture.n;
        if (!both_folders(ctx, id.path[i], &image, &mask)) {
            jd_fail(ctx, JD_ENOINPUT, "%s: no folders images and masks in it, as there are in the others", id.path[i]);
        } else if (!files_in(ctx, image, pictures, &out->picture)) {
            if (out->picture.n != before + 1)
                jd_fail(ctx, JD_EDATA, "%s: %zu pictures; there should be one, and its masks in the folder beside",
                        image, out->picture.n - before);
            files_in(ctx, mask, pictures, &out->mask);
        }
        if (!jd_error(ctx)) out->first[out->picture.n] = out->mask.n;
        jd_free(ctx, image);
        jd_free(ctx, mask);
        if (jd_error(ctx) && o->skip) {
            jd_error_clear(ctx);
            while (out->picture.n > before) jd_free(ctx, out->picture.path[--out->picture.n]);
            while (out->mask.n > out->first[before]) jd_free(ctx, out->mask.path[--out->mask.n]);
            out->picture.skipped++;
        }
    }
    files_free(ctx, &id);
    return jd_error(ctx);
}

jd_status masks_find(jd_ctx *ctx, const char *dir, const masks_options *o, mask_pairs *out)
{
    jd_tsv parts = {0};
    int column[2] = {-1, -1};
    char *part = NULL, *bowl = NULL, *image = NULL, *mask = NULL;
    *out = (mask_pairs){0};
    if (o->folder) {
        image = folder_among(ctx, dir, picture_folders);
        pair_folders(ctx, image ? image : dir, o->folder, &parts, column, o, out);
    } else if ((part = part_of(ctx, dir, o->split)) != NULL) {
        both_folders(ctx, part, &image, &mask);
        if (strcmp(part, dir) != 0 || !read_parts(ctx, dir, &parts, column))
            pair_folders(ctx, image, mask, &parts, column, o, out);
    } else if ((bowl = bowl_of(ctx, dir)) != NULL) {
        pair_bowl(ctx, bowl, o, out);
    } else {
        jd_fail(ctx, JD_ENOINPUT,
                "%s: no folders of pictures and masks in it; put them into %s/images and %s/masks, or give the masks' "
                "folder with --masks",
                dir, dir, dir);
    }
    if (!jd_error(ctx) && !out->picture.n)
        jd_fail(ctx, JD_ENOINPUT, "%s: no picture of the part \"%s\"", dir, o->split == JD_TEST ? "test" : "train");
    jd_tsv_free(ctx, &parts);
    jd_free(ctx, part);
    jd_free(ctx, bowl);
    jd_free(ctx, image);
    jd_free(ctx, mask);
    if (jd_error(ctx)) masks_forget(ctx, out);
    return jd_error(ctx);
}
