/* predict_masks.c - `jackdaw predict` of a model that was trained from masks: a mask for each picture. */
#include "classes.h"
#include "files.h"
#include "predict.h"
#include "segments.h"

static const char *const endings[] = {FILE_PICTURES, NULL};

typedef struct segmenter {
    jd_ctx *ctx;
    model m;
    bool objects;
    jd_params *w, *weights[MODEL_MEMBERS];
    jd_scanner *scan[MODEL_MEMBERS];
} segmenter;

static void say(const segmenter *s, const char *file, const char *out, const double *share, file_form how)
{
    char name[64];
    if (how == FILES_JSON) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"mask\":");
        cli_json_string(out);
        printf(",\"shares\":[");
    } else if (how == FILES_CSV) {
        csv_field(stdout, file);
        putchar(',');
        csv_field(stdout, out);
    } else {
        printf("%s  %s ", file, out);
    }
    for (int k = 0; k < s->m.classes; k++)
        if (how == FILES_PLAIN)
            printf("%s %s %.3g %%", k ? "," : "", class_name(s->m.names, k, name, sizeof name), 100 * share[k]);
        else
            printf("%s%.6g", k || how == FILES_CSV ? "," : "", share[k]);
    printf(how == FILES_JSON ? "]}\n" : "\n");
}

/* NAME.jpg -> NAME-mask.png, in the folder that the program runs in. */
static void mask_file(void *user, const file_list *files, size_t at, const char *stem, file_form how)
{
    const segmenter *s = user;
    jd_ctx *ctx = s->ctx;
    masked p = {.name = files->path[at]};
    jd_picture picture = {0};
    double share[MASKS_CLASSES] = {0};
    const int K = s->m.classes;
    char *out = jd_asprintf(ctx, "%s-mask.png", stem);
    if (out && !files_spare(ctx, files, out) && !jd_read_picture(ctx, p.name, (int)s->m.dim[2], &picture)) {
        const int64_t pixels = (int64_t)picture.height * picture.width;
        p.height = picture.height;
        p.width = picture.width;
        p.pixels = picture.pixels;
        float *map = segments_map(ctx, s->scan, &s->m, &p);
        for (int64_t q = 0; !jd_error(ctx) && q < pixels; q++)
            share[segments_class(map + q * K, K)] += 1 / (double)pixels;
        if (!jd_error(ctx) && !segments_write(ctx, &s->m, s->objects, map, p.height, p.width, out))
            say(s, p.name, out, share, how);
        jd_free(ctx, map);
        jd_picture_free(ctx, &picture);
    }
    jd_free(ctx, out);
}

static void heading(void *user)
{
    const segmenter *s = user;
    char name[64];
    printf("file,mask");
    for (int k = 0; k < s->m.classes; k++) printf(",share_%s", class_name(s->m.names, k, name, sizeof name));
    putchar('\n');
}

int predict_masks(jd_ctx *ctx, const cli_args *a)
{
    segmenter s = {.ctx = ctx};
    const char *path = a->rest[0];
    if (!model_load(ctx, path, &s.m, &s.w)) {
        s.objects = segments_kind(ctx, path) == MASKS_OBJECTS;
        if (s.m.classes > MASKS_CLASSES)
            jd_fail(ctx, JD_EDATA, "%s: %d classes; masks have at most %d", path, s.m.classes, MASKS_CLASSES);
        if (!jd_error(ctx) && !model_scanners(ctx, path, &s.m, s.w, &(jd_scan_options){0}, s.scan, s.weights))
            files_work(ctx, a, &(file_work){endings, heading, mask_file, &s});
    }
    for (int k = 0; k < MODEL_MEMBERS; k++) {
        jd_scanner_free(s.scan[k]);
        jd_params_free(s.weights[k]);
    }
    jd_params_free(s.w);
    model_free(ctx, &s.m);
    return cli_end("predict", ctx);
}
