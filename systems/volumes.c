/* volumes.c - volumes with a label at every voxel: reading, cropping, scoring; see volumes_draw.c for synthetic ones. */
#include "volumes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "em.h"
#include "names.h"

enum { C = JD_VOLUME_INPUTS };

void volumes_free(jd_ctx *ctx, volumes *s)
{
    for (size_t i = 0; i < s->n; i++) {
        jd_free(ctx, s->v[i].x);
        jd_free(ctx, s->v[i].label);
    }
    jd_free(ctx, s->v);
    *s = (volumes){0};
}

jd_status volumes_hold_out(jd_ctx *ctx, volumes *s, size_t each, volumes *held)
{
    size_t kept = 0;
    *held = (volumes){.classes = s->classes, .v = jd_alloc_array(ctx, s->n + 1, sizeof *held->v)};
    for (size_t i = 0, n = s->n; i < n && held->v; i++)
        if (i % each == each - 1)
            held->v[held->n++] = s->v[i];
        else
            s->v[kept++] = s->v[i];
    if (held->v) s->n = kept;
    return jd_error(ctx);
}

void volumes_extent(const volumes *a, const volumes *b, int64_t size[3])
{
    memset(size, 0, 3 * sizeof *size);
    for (size_t i = 0; i < a->n + b->n; i++) {
        const volume *v = i < a->n ? &a->v[i] : &b->v[i - a->n];
        const int64_t n[3] = {v->D, v->H, v->W};
        for (int e = 0; e < 3; e++) size[e] = n[e] > size[e] ? n[e] : size[e];
    }
}

/* Labels from a volume of whole numbers below `classes`. */
static jd_status take_labels(jd_ctx *ctx, const char *path, const jd_volume *from, int classes, uint8_t *to)
{
    const size_t n = (size_t)(from->depth * from->height * from->width);
    for (size_t i = 0; i < n; i++) {
        const float k = from->voxels[i];
        if (!(k >= 0 && k < (float)classes) || k != (float)(int)k)
            return jd_fail(ctx, JD_EDATA, "%s: voxel %zu has the label %g; whole numbers from 0 to %d", path, i,
                           (double)k, classes - 1);
        to[i] = (uint8_t)k;
    }
    return JD_OK;
}

/* Images and labels lie in two folders and have the same names. */
static jd_status load_one(jd_ctx *ctx, const char *dir, const char *const folder[2], const char *file, int classes,
                          volume *out)
{
    char *path[2] = {jd_asprintf(ctx, "%s/%s/%s", dir, folder[0], file),
                     jd_asprintf(ctx, "%s/%s/%s", dir, folder[1], file)};
    jd_volume image = {0}, label = {0};
    volume v = {0};
    if (!jd_error(ctx) && !jd_read_volume(ctx, path[0], &image) && !jd_read_volume(ctx, path[1], &label)) {
        v.D = image.depth;
        v.H = image.height;
        v.W = image.width;
        const size_t n = (size_t)(v.D * v.H * v.W);
        if (image.frames != 1 || label.frames != 1 || label.depth != v.D || label.height != v.H || label.width != v.W)
            jd_fail(ctx, JD_EDATA, "%s: %lld x %lld x %lld labels of an image of %lld x %lld x %lld; fetch both again",
                    path[1], (long long)label.depth, (long long)label.height, (long long)label.width, (long long)v.D,
                    (long long)v.H, (long long)v.W);
        v.x = jd_alloc_array(ctx, n * C, sizeof *v.x);
        v.label = jd_alloc_array(ctx, n, 1);
        if (!jd_error(ctx) && !take_labels(ctx, path[1], &label, classes, v.label)) jd_volume_inputs(ctx, &image, v.x);
        snprintf(v.name, sizeof v.name, "%.*s", (int)strcspn(file, "."), file);
    }
    for (int i = 0; i < 2; i++) jd_free(ctx, path[i]);
    jd_volume_free(ctx, &image);
    jd_volume_free(ctx, &label);
    *out = v; /* freed with the others */
    return jd_error(ctx);
}

/* As the decathlon gives them, imagesTr and labelsTr; in the order of their names every fifth is a test. */
static void load_decathlon(jd_ctx *ctx, const char *dir, bool test, volumes *s)
{
    static const char *const folder[2] = {"imagesTr", "labelsTr"};
    char *images = jd_asprintf(ctx, "%s/%s", dir, folder[0]);
    size_t n = 0;
    char **file = images ? names_in(ctx, images, ".nii.gz", &n) : NULL;
    s->v = jd_alloc_array(ctx, n + 1, sizeof *s->v);
    for (size_t i = 0; i < n && s->v && !jd_error(ctx); i++)
        if ((i % 5 == 4) == test) load_one(ctx, dir, folder, file[i], s->classes, &s->v[s->n++]);
    if (!jd_error(ctx) && n < 10)
        jd_fail(ctx, JD_EDATA, "%s: %zu volumes (.nii.gz); ten or more are needed", images, n);
    names_free(ctx, file, n);
    jd_free(ctx, images);
}

jd_status volumes_load_hippocampus(jd_ctx *ctx, const char *dir, const char *split, volumes *out)
{
    static const char *const folder[2] = {"image", "label"};
    char *path = jd_asprintf(ctx, "%s/%s.tsv", dir, split), *images = jd_asprintf(ctx, "%s/imagesTr", dir);
    jd_tsv t = {0};
    volumes s = {.classes = 3};
    if (path && images && access(path, F_OK) && !access(images, F_OK)) {
        load_decathlon(ctx, dir, !strcmp(split, "test"), &s);
    } else if (path && images && !jd_read_tsv(ctx, path, &t)) {
        const int file = jd_tsv_column(ctx, &t, "file");
        s.v = file < 0 ? NULL : jd_alloc_array(ctx, t.rows + 1, sizeof *s.v);
        for (size_t i = 0; i < t.rows && s.v && !jd_error(ctx); i++)
            load_one(ctx, dir, folder, t.fields[i * t.cols + (size_t)file], s.classes, &s.v[s.n++]);
    }
    jd_tsv_free(ctx, &t);
    jd_free(ctx, path);
    jd_free(ctx, images);
    if (jd_error(ctx))
        volumes_free(ctx, &s);
    else
        *out = s;
    return jd_error(ctx);
}

jd_status volumes_load_stack(jd_ctx *ctx, const char *dir, int first, int n, volumes *out)
{
    em_stack stack = {0};
    volumes s = {.classes = 2, .v = jd_alloc_array(ctx, 1, sizeof *s.v)};
    if (s.v && !em_load(ctx, dir, first, n, &stack)) {
        volume *v = &s.v[s.n++];
        const size_t all = (size_t)(stack.n * stack.H * stack.W);
        *v = (volume){.D = stack.n, .H = stack.H, .W = stack.W};
        v->x = jd_alloc_array(ctx, all * C, sizeof *v->x);
        v->label = jd_alloc_array(ctx, all, 1);
        jd_volume grey = {.frames = 1, .depth = v->D, .height = v->H, .width = v->W};
        grey.voxels = jd_alloc_array(ctx, all, sizeof *grey.voxels);
        for (size_t i = 0; i < all && !jd_error(ctx); i++) {
            grey.voxels[i] = stack.pixels[i];
            v->label[i] = !stack.inside[i];
        }
        if (!jd_error(ctx)) jd_volume_inputs(ctx, &grey, v->x);
        snprintf(v->name, sizeof v->name, "slices %d-%d", first, first + n - 1);
        jd_volume_free(ctx, &grey);
    }
    em_free(ctx, &stack);
    if (jd_error(ctx))
        volumes_free(ctx, &s);
    else
        *out = s;
    return jd_error(ctx);
}

/* Where a crop begins along an axis of so many voxels, and how many it takes. */
static int64_t place_crop(jd_rng *r, const volume_crop_options *o, int64_t have, int64_t size, int32_t *take)
{
    const int64_t most = 2 * o->trim < have ? o->trim : (have - 1) / 2;
    const int64_t low = jd_rng_below(r, (uint32_t)most + 1), high = jd_rng_below(r, (uint32_t)most + 1);
    const int64_t left = have - low - high, n = left < size ? left : size;
    *take = (int32_t)n;
    return low + jd_rng_below(r, (uint32_t)(left - n + 1));
}

void volume_crop(const volumes *s, const volume_crop_options *o, uint64_t seed, int64_t index, float *x, int32_t *label,
                 int32_t extent[3])
{
    jd_rng r = jd_rng_new(seed, "crop of a volume", (uint64_t)index);
    const volume *v = &s->v[jd_rng_below(&r, (uint32_t)s->n)];
    const int64_t have[3] = {v->D, v->H, v->W}, *n = o->size;
    int64_t from[3];
    bool flip[3];
    for (int e = 0; e < 3; e++) {
        from[e] = place_crop(&r, o, have[e], n[e], &extent[e]);
        flip[e] = jd_rng_below(&r, 2) && o->flips >> e & 1;
    }
    const float scale = 1 + (float)o->brightness * (2 * jd_rng_uniform(&r) - 1);
    const float shift = (float)o->brightness * (2 * jd_rng_uniform(&r) - 1);
    memset(x, 0, (size_t)(n[0] * n[1] * n[2] * C) * sizeof *x);
    for (int64_t i = 0; i < n[0] * n[1] * n[2]; i++) {
        const int64_t at[3] = {i / (n[1] * n[2]), i / n[2] % n[1], i % n[2]};
        int64_t p[3];
        label[i] = -1;
        if (at[0] >= extent[0] || at[1] >= extent[1] || at[2] >= extent[2]) continue;
        for (int e = 0; e < 3; e++) p[e] = from[e] + (flip[e] ? extent[e] - 1 - at[e] : at[e]);
        const int64_t k = (p[0] * v->H + p[1]) * v->W + p[2];
        label[i] = v->label[k];
        x[i * C] = v->x[k * C] * scale + shift;
        for (int64_t c = 1; c < C; c++) x[i * C + c] = v->x[k * C + c] * scale;
    }
}

double volume_dice(const uint8_t *a, const uint8_t *b, size_t n, int k)
{
    size_t both = 0, each = 0;
    for (size_t i = 0; i < n; i++) {
        both += a[i] == k && b[i] == k;
        each += (size_t)(a[i] == k) + (size_t)(b[i] == k);
    }
    return each ? 2. * (double)both / (double)each : 1;
}
