/* load.c - the pictures of a set of the registry, each set in its own format. */
#include "data/registry.h"
#include "jackdaw/sets.h"

#include <string.h>

#include "base/given.h"

enum { MOSAIC_SIDE = 32, SIGN_SIDE = 48, MOST_FILES = 16 };

/* Joins two image sets of one shape; both are taken over. */
static jd_status join(jd_ctx *ctx, jd_images *a, jd_images *b)
{
    if (a->height != b->height || a->width != b->width || a->channels != b->channels)
        return jd_fail(ctx, JD_EDATA, "train images are %d x %d, test images %d x %d; the files do not belong together",
                       a->height, a->width, b->height, b->width);
    const size_t each = (size_t)a->height * (size_t)a->width * (size_t)a->channels;
    uint8_t *pixels = jd_realloc(ctx, a->pixels, a->count * each, (a->count + b->count) * each);
    if (pixels) a->pixels = pixels;
    int32_t *labels = jd_realloc(ctx, a->labels, a->count * sizeof *labels, (a->count + b->count) * sizeof *labels);
    if (labels) a->labels = labels;
    int32_t *groups =
        a->groups ? jd_realloc(ctx, a->groups, a->count * sizeof *groups, (a->count + b->count) * sizeof *groups)
                  : NULL;
    if (groups) a->groups = groups;
    if (!pixels || !labels || (a->groups && !groups)) return JD_ENOMEM;
    for (size_t i = 0; groups && i < b->count; i++)
        groups[a->count + i] = b->groups[i] < 0 ? b->groups[i] - (int32_t)a->count : b->groups[i];
    memcpy(a->pixels + a->count * each, b->pixels, b->count * each);
    memcpy(a->labels + a->count, b->labels, b->count * sizeof *labels);
    a->count += b->count;
    return JD_OK;
}

/* CIFAR: every file but the last, or the last. */
static void load_cifar(jd_ctx *ctx, const jd_dataset *set, const char *dir, int k, jd_images *out)
{
    char *path[MOST_FILES] = {NULL};
    int files = 0;
    for (; files < MOST_FILES && set->files[files].name; files++)
        path[files] = jd__dataset_path(ctx, dir, set->files[files].name);
    const int first = k ? files - 1 : 0, n = k ? 1 : files - 1;
    if (!jd_error(ctx)) jd_images_read_cifar(ctx, (const char *const *)path + first, n, set->classes, out);
    for (int i = 0; i < files; i++) jd_free(ctx, path[i]);
}

/* GTSRB and GNT: the folder of file k; the training signs lie in folders beside each other. */
static void load_folder(jd_ctx *ctx, const jd_dataset *set, const char *dir, int k, jd_images *out)
{
    char *path = jd_asprintf(ctx, "%s/%s", dir, set->files[k].name), *slash = path ? strrchr(path, '/') : NULL;
    if (slash) *slash = 0;
    if (slash && set->format == JD_SET_GTSRB && k == 0 && (slash = strrchr(path, '/')) != NULL) *slash = 0;
    if (!path) return;
    if (set->format == JD_SET_GTSRB)
        jd_images_read_gtsrb(ctx, path, SIGN_SIDE, set->classes, out);
    else
        jd_images_read_gnt(ctx, path, NULL, out);
    jd_free(ctx, path);
}

/* Split k: 0 to train, 1 to test. */
static jd_status load_split(jd_ctx *ctx, const jd_dataset *set, const char *dir, int k, jd_images *out)
{
    const int each = set->format == JD_SET_IDX ? 2 : set->format == JD_SET_NORB ? 3 : 1;
    char *path[3] = {NULL};
    if (set->format == JD_SET_CIFAR) {
        load_cifar(ctx, set, dir, k, out);
    } else if (set->format == JD_SET_GTSRB || set->format == JD_SET_GNT) {
        load_folder(ctx, set, dir, k, out);
    } else {
        for (int i = 0; i < each; i++) path[i] = jd__dataset_path(ctx, dir, set->files[each * k + i].name);
        if (jd_error(ctx)) {
        } else if (set->format == JD_SET_IDX) {
            jd_images_read_idx(ctx, path[0], path[1], set->classes, out);
        } else if (set->format == JD_SET_MOSAICS) {
            jd_images_read_mosaics(ctx, path[0], MOSAIC_SIDE, set->classes, out);
        } else if (set->format == JD_SET_BLOB) {
            jd_images_read_blob(ctx, path[0], 3, set->classes, out);
        } else {
            jd_images_read_norb(ctx, path[0], path[1], path[2], set->classes, out);
        }
        for (int i = 0; i < each; i++) jd_free(ctx, path[i]);
    }
    return jd_error(ctx);
}

const jd_dataset *jd_dataset_in(jd_ctx *ctx, const char *dir)
{
    const jd_dataset *set;
    for (int i = 0; (set = jd_dataset_at(i)) != NULL; i++)
        if (set->format != JD_SET_OTHER && jd__dataset_present(ctx, set, dir)) return set;
    return NULL;
}

/* Classes of the labels of both parts of a folder of IDX files. */
static int count_classes(jd_ctx *ctx, const jd_dataset *set, const char *dir)
{
    int most = 0;
    for (int k = 1; k < 4 && !jd_error(ctx); k += 2) {
        char *path = jd__dataset_path(ctx, dir, set->files[k].name);
        jd_idx labels = {0};
        if (path && !jd_read_idx(ctx, path, &labels) && labels.type == JD_IDX_U8)
            for (size_t i = 0; i < labels.count; i++)
                if (((const uint8_t *)labels.data)[i] >= most) most = ((const uint8_t *)labels.data)[i] + 1;
        jd_idx_free(ctx, &labels);
        jd_free(ctx, path);
    }
    return most;
}

/* The set that a name or a folder stands for, and its folder, for jd_free; NULL and an error where there is none. */
static char *find_set(jd_ctx *ctx, const char *name, jd_dataset *out)
{
    const jd_dataset *set = NULL;
    for (int i = 0; jd_dataset_at(i); i++)
        if (!strcmp(jd_dataset_at(i)->name, name)) set = jd_dataset_at(i);
    for (int i = 0; !set && jd_dataset_at(i) && !jd_error(ctx); i++) {
        const jd_dataset *one = jd_dataset_at(i);
        char *dir = one->format == JD_SET_OTHER ? NULL : jd__dataset_below(ctx, one, name);
        if (!dir) continue;
        *out = *one;
        if (one->format == JD_SET_IDX) out->classes = count_classes(ctx, one, dir);
        if (!jd_error(ctx)) return dir;
        jd_free(ctx, dir);
    }
    if (jd_error(ctx)) return NULL;
    if (!set && strchr(name, '/')) {
        jd_fail(
            ctx, JD_ENOINPUT,
            "%s: no folder with the files of a set of pictures, such as train-images-idx3-ubyte, data_batch_1.bin or "
            "Final_Training/; `jackdaw data list` shows them, and `jackdaw train` takes other folders",
            name);
        return NULL;
    }
    if (!set && !(set = jd_dataset_find(ctx, name))) return NULL;
    *out = *set;
    if (set->format != JD_SET_OTHER) return jd_dataset_locate(ctx, set);
    jd_fail(ctx, JD_EUSAGE, "%s holds no images with classes; try mnist or fashion-mnist", set->name);
    return NULL;
}

jd_status jd_load_images(jd_ctx *ctx, const char *name, jd_split split, jd_images *out)
{
    if (!jd__given(ctx, __func__, "name", name) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    jd_dataset set;
    char *dir = jd_error(ctx) ? NULL : find_set(ctx, name, &set);
    if (!dir) return jd_error(ctx);
    jd_images a = {0}, b = {0};
    jd_status st = load_split(ctx, &set, dir, split == JD_TEST, &a);
    if (st == JD_OK && split == JD_ALL) st = load_split(ctx, &set, dir, 1, &b);
    if (st == JD_OK && split == JD_ALL) st = join(ctx, &a, &b);
    jd_images_free(ctx, &b);
    jd_free(ctx, dir);
    if (st)
        jd_images_free(ctx, &a);
    else
        *out = a;
    return st;
}
