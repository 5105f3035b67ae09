/* eval_masks.c - `jackdaw eval` of a net that says of every pixel what it is, against masks. */
#include <math.h>

#include "classes.h"
#include "eval.h"
#include "segments.h"

static void print(const model *m, const masks *set, const segments_score *s, const char *data, bool json)
{
    const int K = m->classes;
    char name[64];
    if (!json) {
        printf("mean IoU %.4f on %zu pictures, %.4g %% of the pixels wrong\n\n%-20s %10s %10s\n", s->iou, set->n,
               s->error, "class", "IoU", "Dice");
        for (int k = 0; k < K; k++)
            printf("%-20s %10.4f %10.4f\n", class_name(m->names, k, name, sizeof name), segments_iou(s, K, k),
                   segments_dice(s, K, k));
        return;
    }
    printf("{\"data\":");
    cli_json_string(data);
    printf(",\"samples\":%zu,\"metric\":\"mean IoU\",\"value\":", set->n);
    cli_json_number(s->iou);
    printf(",\"pixel_error\":%.9g,\"classes\":[", s->error);
    for (int k = 0; k < K; k++) {
        printf("%s{\"name\":", k ? "," : "");
        cli_json_string(class_name(m->names, k, name, sizeof name));
        printf(",\"iou\":");
        cli_json_number(segments_iou(s, K, k));
        printf(",\"dice\":");
        cli_json_number(segments_dice(s, K, k));
        printf("}");
    }
    printf("]}\n");
}

int eval_masks(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split)
{
    const char *out = cli_text(a, "output", NULL);
    model m;
    jd_params *w = NULL;
    masks set = {0};
    segments_score s = {0};
    jd_scanner *scan[MODEL_MEMBERS] = {NULL};
    jd_params *weights[MODEL_MEMBERS] = {NULL};
    char *dir = eval_place(ctx, data);
    if (!model_load(ctx, a->rest[0], &m, &w) && dir) {
        const masks_options o = {.folder = cli_text(a, "masks", NULL),
                                 .split = split,
                                 .kind = segments_kind(ctx, a->rest[0]),
                                 .channels = (int)m.dim[2],
                                 .names = m.names};
        if (!jd_error(ctx) && !model_scanners(ctx, a->rest[0], &m, w, &(jd_scan_options){0}, scan, weights) &&
            !masks_load(ctx, dir, &o, &set) && !segments_measure(ctx, scan, &m, &set, NULL, set.n, NULL, &s)) {
            print(&m, &set, &s, data, cli_has(a, "json"));
            if (out) {
                jd_report *rep = jd_report_new(ctx, a->rest[0], data);
                segments_report(ctx, rep, scan, &m, &set, NULL, set.n, &s);
                jd_report_write(rep, out);
                jd_report_free(rep);
            }
        }
    }
    for (int k = 0; k < MODEL_MEMBERS; k++) {
        jd_scanner_free(scan[k]);
        jd_params_free(weights[k]);
    }
    segments_free(ctx, &s);
    masks_free(ctx, &set);
    jd_params_free(w);
    model_free(ctx, &m);
    jd_free(ctx, dir);
    return cli_end("eval", ctx);
}
