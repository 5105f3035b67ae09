/*
 * eval_scan.c - `jackdaw eval` of a model that is scanned over pictures: membranes between cells (V_Rand, pixel error) or
 * points to be found (F1), processed as its system does it and its file says.
 */
#include <string.h>
#include <unistd.h>

#include "em_report.h"
#include "eval.h"
#include "files.h"
#include "scanning.h"

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
    float *maps = scanning_inside(s, &stack);
    if (!jd_error(ctx) && !em_score(ctx, &(em_stack){0}, NULL, &stack, maps, &(em_spread){s->spread, s->centre}, &e)) {
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
    em_free(ctx, &stack);
}

/* ---- points -------------------------------------------------------------------------------------------------------------*/

static void eval_points(scanning *s, const char *dir, const char *data, const char *split, bool json)
{
    jd_ctx *ctx = s->ctx;
    slides all = {0};
    jd_detection_score sum = {0}, one;
    if (slides_load_nuclei(ctx, dir, split, 0.5, s->stretch, &all)) return;
    for (size_t i = 0; i < all.n && !jd_error(ctx); i++) {
        const slide *a = &all.s[i];
        float *mean = scanning_map(s, a);
        const slides this = {1, &all.s[i]};
        if (!jd_error(ctx) && !detector_score(ctx, &s->d, &this, &mean, s->radius, &one)) jd_detection_add(&sum, &one);
        jd_free(ctx, mean);
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
    scanning s = {0};
    char *dir = eval_place(ctx, data);
    if (cli_has(a, "output"))
        jd_fail(ctx, JD_EUSAGE, "a model that scans pictures has no report of its own; `jackdaw scan` draws its maps");
    if (dir && !jd_error(ctx) && !scanning_open(ctx, a->rest[0], &(jd_scan_options){0}, &s)) {
        if (s.points)
            eval_points(&s, dir, data, eval_splits[split], cli_has(a, "json"));
        else
            eval_membranes(&s, dir, data, split, cli_has(a, "json"));
    }
    scanning_close(&s);
    jd_free(ctx, dir);
    return cli_end("eval", ctx);
}
