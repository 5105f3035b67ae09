/*
 * eval_scan.c - `jackdaw eval` of a model that is scanned over pictures: membranes between cells (V_Rand, pixel error) or
 * points to be found (F1), processed as its system does it and its file says.
 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "em_report.h"
#include "eval.h"
#include "files.h"
#include "mitosis.h"
#include "model.h"

typedef struct scanning {
    jd_ctx *ctx;
    model m;
    jd_params *w, *weights[MODEL_MEMBERS];
    jd_scanner *scan[MODEL_MEMBERS];
    bool points;
    int views, median;
    double spread, radius;
    em_cubic cubic;
    detector d;
} scanning;

static double number(const json_t *j, const char *key, double otherwise)
{
    const json_t *value = json_object_get(j, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static jd_status read_way(scanning *s, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(s->ctx, path);
    const char *config = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *what = json_string_value(json_object_get(j, "scan"));
    s->points = what && !strcmp(what, "points");
    s->views = (int)number(j, "views", 1);
    s->median = (int)number(j, "median", 0);
    s->spread = number(j, "spread", 0);
    s->radius = number(j, "radius", 20);
    s->cubic = (em_cubic){number(j, "calibration_a", 0), number(j, "calibration_b", 0)};
    s->d = (detector){number(j, "peaks", 0) != 0, number(j, "threshold", 0.5), number(j, "least", 0),
                      number(j, "rise", 0)};
    if (f && (!what || (!s->points && strcmp(what, "membranes") != 0) || s->views < 1 || s->views > EM_VIEWS ||
              s->median < 0 || s->median > 16))
        jd_fail(s->ctx, JD_EDATA,
                "%s: says \"scan\": \"%s\", %d views, median %d; membranes or points, 1 to %d, 0 to 16", path,
                what ? what : "", s->views, s->median, EM_VIEWS);
    json_decref(j);
    jd_tensor_file_close(f);
    return jd_error(s->ctx);
}

static jd_status open_model(scanning *s, const char *path)
{
    if (read_way(s, path) || model_load(s->ctx, path, &s->m, &s->w)) return jd_error(s->ctx);
    const model *m = &s->m;
    const float high = s->points ? 1 : EM_HIGH, low = -high;
    const int channels = s->points ? 3 : 1;
    if (m->rank != 3 || m->classes != 2 || m->dim[2] != channels || m->low != low || m->high != high || m->views > 1 ||
        *m->view[0].prepare)
        return jd_fail(s->ctx, JD_EDATA,
                       "%s: is no net of two classes that sees plain pictures with %d channels of %g to %g", path,
                       channels, (double)low, (double)high);
    return model_scanners(s->ctx, path, m, s->w, &(jd_scan_options){0}, s->scan, s->weights);
}

static void close_model(scanning *s)
{
    for (int k = 0; k < s->m.members; k++) {
        jd_scanner_free(s->scan[k]);
        jd_params_free(s->weights[k]);
    }
    jd_params_free(s->w);
    model_free(s->ctx, &s->m);
}

/* ---- membranes ----------------------------------------------------------------------------------------------------------*/

/* The public set's part; of any other folder all slices of its train-volume.tif, or the pictures in its folder image, by name, all
 * of one size. */
static jd_status load_stack(jd_ctx *ctx, const char *dir, bool set, jd_split split, em_stack *s)
{
    static const char *const endings[] = {FILE_PICTURES, NULL};
    if (set)
        return em_load(ctx, dir, split == JD_TEST ? EM_TRAIN_SLICES : 0,
                       split == JD_TEST    ? EM_TEST_SLICES
                       : split == JD_TRAIN ? EM_TRAIN_SLICES
                                           : EM_TRAIN_SLICES + EM_TEST_SLICES,
                       s);
    char *images = jd_asprintf(ctx, "%s/image", dir), *stack = jd_asprintf(ctx, "%s/train-volume.tif", dir),
         **name = NULL;
    const bool official = images && access(images, F_OK) && stack && !access(stack, F_OK);
    jd_free(ctx, stack);
    if (official) {
        jd_free(ctx, images);
        return em_load(ctx, dir, 0, 0, s);
    }
    file_list files = {0};
    if (images && !files_in(ctx, images, endings, &files)) name = jd_alloc_array(ctx, files.n + 1, sizeof *name);
    for (size_t i = 0; name && i < files.n; i++) name[i] = strrchr(files.path[i], '/') + 1;
    if (name) em_load_named(ctx, dir, name, (int)files.n, s);
    jd_free(ctx, name);
    files_free(ctx, &files);
    jd_free(ctx, images);
    return jd_error(ctx);
}

static void eval_membranes(scanning *s, const char *dir, const char *data, jd_split split, bool json)
{
    jd_ctx *ctx = s->ctx;
    em_stack stack = {0};
    em_scores e = {0};
    if (load_stack(ctx, dir, !strcmp(data, "isbi2012"), split, &stack)) return;
    const size_t n = (size_t)(stack.H * stack.W);
    float *maps = jd_alloc_array(ctx, (size_t)stack.n * n, sizeof *maps), *map = jd_alloc_array(ctx, n, sizeof *map);
    for (int64_t i = 0; maps && map && i < stack.n; i++)
        for (int k = 0; k < s->m.members && !jd_error(ctx); k++)
            if (!em_map(ctx, s->scan[k], &stack, i, stack.H == stack.W ? s->views : 1, map))
                for (size_t p = 0; p < n; p++) maps[(size_t)i * n + p] += map[p] / (float)s->m.members;
    if (!jd_error(ctx) && !em_finish(ctx, &stack, &s->cubic, s->median, maps) &&
        !em_score(ctx, &(em_stack){0}, NULL, &stack, maps, s->spread, &e)) {
        if (json) {
            printf("{\"data\":");
            cli_json_string(data);
            printf(",\"samples\":%lld,\"metric\":\"V_Rand (thin)\",\"value\":%.9g,\"v_info\":%.9g,\"pixel_error\":%.9g,"
                   "\"warping_error\":%.9g}\n",
                   (long long)stack.n, e.test.rand, e.test.info, e.test_pixel.half, e.warping);
        } else {
            printf("V_Rand (thin) %.4f on %lld slices, V_Info %.4f\npixel error %.4f, warping error %.5f\n",
                   e.test.rand, (long long)stack.n, e.test.info, e.test_pixel.half, e.warping);
        }
    }
    jd_free(ctx, maps);
    jd_free(ctx, map);
    em_free(ctx, &stack);
}

/* ---- points -------------------------------------------------------------------------------------------------------------*/

static void eval_points(scanning *s, const char *dir, const char *data, const char *split, bool json)
{
    jd_ctx *ctx = s->ctx;
    slides all = {0};
    jd_detection_score sum = {0}, one;
    if (slides_load_nuclei(ctx, dir, split, 0.5, &all)) return;
    for (size_t i = 0; i < all.n && !jd_error(ctx); i++) {
        const slide *a = &all.s[i];
        const size_t n = (size_t)(a->H * a->W);
        float *mean = jd_alloc_array(ctx, n, sizeof *mean), *map = jd_alloc_array(ctx, n, sizeof *map);
        for (int k = 0; mean && map && k < s->m.members; k++)
            if (!slide_map(ctx, s->scan[k], a, s->views, map))
                for (size_t p = 0; p < n; p++) mean[p] += map[p] / (float)s->m.members;
        const slides this = {1, &all.s[i]};
        if (!jd_error(ctx) && !detector_score(ctx, &s->d, &this, &mean, s->radius, &one)) jd_detection_add(&sum, &one);
        jd_free(ctx, mean);
        jd_free(ctx, map);
    }
    if (!jd_error(ctx) && json) {
        printf("{\"data\":");
        cli_json_string(data);
        printf(",\"samples\":%zu,\"metric\":\"F1 of the detections\",\"value\":%.9g,\"precision\":%.9g,\"recall\":%.9g,"
               "\"radius\":%g}\n",
               all.n, sum.f1, sum.precision, sum.recall, s->radius);
    } else if (!jd_error(ctx)) {
        printf("F1 %.4f on %zu pictures: precision %.4f, recall %.4f (within %g pixels)\n", sum.f1, all.n,
               sum.precision, sum.recall, s->radius);
    }
    slides_free(ctx, &all);
}

int eval_scan(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split)
{
    scanning s = {.ctx = ctx};
    char *dir = eval_place(ctx, data);
    if (cli_has(a, "output"))
        jd_fail(ctx, JD_EUSAGE, "a model that scans pictures has no report of its own; `jackdaw scan` draws its maps");
    if (dir && !jd_error(ctx) && !open_model(&s, a->rest[0])) {
        if (s.points)
            eval_points(&s, dir, data, eval_splits[split], cli_has(a, "json"));
        else
            eval_membranes(&s, dir, data, split, cli_has(a, "json"));
    }
    close_model(&s);
    jd_free(ctx, dir);
    return cli_end("eval", ctx);
}
