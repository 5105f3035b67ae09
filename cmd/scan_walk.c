/* scan_walk.c - see scan_walk.h. */
#include "scan_walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "jackdaw/volume.h"

typedef struct walk {
    jd_ctx *ctx;
    int channels;
    bool numbered; /* each slice has a file of its own */
    scan_one *one;
    void *user;
} walk;

bool scan_many(const cli_args *a)
{
    struct stat st;
    return a->n > 2 || (stat(a->rest[1], &st) == 0 && S_ISDIR(st.st_mode));
}

static jd_status call(const walk *w, const char *path, const char *stem, const char *out, jd_picture *picture)
{
    const scan_picture p = {path, stem, out, picture};
    return w->one(w->user, &p);
}

/* Slice z of a stack, whose values must be those of pixels. */
static jd_status take_slice(const walk *w, const char *path, const jd_volume *v, int64_t z, jd_picture *out)
{
    const int64_t n = v->height * v->width;
    *out = (jd_picture){(int)v->height, (int)v->width, w->channels,
                        jd_alloc_array(w->ctx, (size_t)n, (size_t)w->channels)};
    for (int64_t i = 0; i < n && !jd_error(w->ctx); i++) {
        const float value = v->voxels[z * n + i];
        if (!(value >= 0 && value <= 255))
            return jd_fail(w->ctx, JD_EDATA, "%s: slice %lld has the value %g; give 0 to 255", path, (long long)z,
                           (double)value);
        for (int c = 0; c < w->channels; c++) out->pixels[i * w->channels + c] = (uint8_t)(value + 0.5f);
    }
    return jd_error(w->ctx);
}

/* A stack of slices in one TIFF file; false where it is none. */
static bool walk_stack(const walk *w, const char *path, const char *stem, const char *out)
{
    jd_volume v = {0};
    if (!file_ends(path, ".tif") && !file_ends(path, ".tiff")) return false;
    if (jd_read_tiff(w->ctx, path, &v) && jd_error(w->ctx) != JD_ENOMEM)
        jd_error_clear(w->ctx); /* as a picture it is read again */
    const bool stack = v.depth > 1;
    const char *point = strrchr(out, '.');
    for (int64_t z = 0; z < v.depth && stack && !jd_error(w->ctx); z++) {
        jd_picture slice = {0};
        char *name = jd_asprintf(w->ctx, "%s-%02lld", stem, (long long)z);
        char *to = w->numbered ? jd_asprintf(w->ctx, "%.*s-%02lld%s", (int)(point - out), out, (long long)z, point)
                               : jd_strdup(w->ctx, out);
        if (name && to && !take_slice(w, path, &v, z, &slice)) call(w, path, name, to, &slice);
        jd_picture_free(w->ctx, &slice);
        jd_free(w->ctx, name);
        jd_free(w->ctx, to);
    }
    jd_volume_free(w->ctx, &v);
    return stack || jd_error(w->ctx);
}

static void walk_file(const walk *w, const char *path, const char *stem, const char *out)
{
    jd_picture p = {0};
    if (walk_stack(w, path, stem, out)) return;
    if (!jd_read_picture(w->ctx, path, w->channels, &p)) call(w, path, stem, out, &p);
    jd_picture_free(w->ctx, &p);
}

jd_status scan_walk(jd_ctx *ctx, const cli_args *a, const char *out, const char *ending, int channels, scan_one *one,
                    void *user)
{
    static const char *const endings[] = {FILE_PICTURES, NULL};
    const walk w = {ctx, channels, ending != NULL, one, user};
    const bool many = ending && scan_many(a);
    file_list files = {0};
    char **stem = files_list(ctx, a, endings, &files) ? NULL : files_stems(ctx, &files, endings);
    if (many && !jd_error(ctx) && mkdir(out, 0777) && errno != EEXIST)
        jd_fail(ctx, JD_EIO, "%s: cannot make the folder: %s", out, strerror(errno));
    for (size_t i = 0; !jd_error(ctx) && i < files.n; i++) {
        char *to = many ? jd_asprintf(ctx, "%s/%s.%s", out, stem[i], ending) : jd_strdup(ctx, out);
        if (to && !files_spare(ctx, &files, to)) walk_file(&w, files.path[i], stem[i], to);
        jd_free(ctx, to);
        if (!files_next(ctx, &files)) break;
    }
    files_end(ctx, &files);
    files_free_stems(ctx, &files, stem);
    files_free(ctx, &files);
    return jd_error(ctx);
}
