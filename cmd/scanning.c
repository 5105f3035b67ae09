/* scanning.c - see scanning.h. */
#include "scanning.h"

#include <jansson.h>
#include <string.h>

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
    s->stretch = number(j, "stretch", 1) != 0;
    s->views = (int)number(j, "views", 1);
    s->median = (int)number(j, "median", 0);
    s->spread = number(j, "spread", 0);
    s->centre = number(j, "centre", 0);
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

jd_status scanning_open(jd_ctx *ctx, const char *path, const jd_scan_options *o, scanning *s)
{
    *s = (scanning){.ctx = ctx};
    if (read_way(s, path) || model_load(s->ctx, path, &s->m, &s->w)) return jd_error(s->ctx);
    const model *m = &s->m;
    const float high = s->points ? 1 : EM_HIGH, low = -high;
    const int channels = s->points ? 3 : 1;
    if (m->rank != 3 || m->classes != 2 || m->dim[2] != channels || m->low != low || m->high != high || m->views > 1 ||
        *m->view[0].prepare)
        return jd_fail(s->ctx, JD_EDATA,
                       "%s: is no net of two classes that sees plain pictures with %d channels of %g to %g", path,
                       channels, (double)low, (double)high);
    return model_scanners(s->ctx, path, m, s->w, o, s->scan, s->weights);
}

void scanning_close(scanning *s)
{
    for (int k = 0; k < s->m.members; k++) {
        jd_scanner_free(s->scan[k]);
        jd_params_free(s->weights[k]);
    }
    jd_params_free(s->w);
    model_free(s->ctx, &s->m);
}

float *scanning_inside(scanning *s, const em_stack *stack)
{
    const size_t n = (size_t)(stack->H * stack->W);
    float *maps = jd_alloc_array(s->ctx, (size_t)stack->n * n, sizeof *maps);
    float *map = jd_alloc_array(s->ctx, n, sizeof *map);
    for (int64_t i = 0; maps && map && i < stack->n; i++)
        for (int k = 0; k < s->m.members && !jd_error(s->ctx); k++)
            if (!em_map(s->ctx, s->scan[k], stack, i, stack->H == stack->W ? s->views : 1, map))
                for (size_t p = 0; p < n; p++) maps[(size_t)i * n + p] += map[p] / (float)s->m.members;
    if (!jd_error(s->ctx)) em_finish(s->ctx, stack, &s->cubic, s->median, maps);
    jd_free(s->ctx, map);
    return maps;
}

float *scanning_map(scanning *s, const slide *a)
{
    const size_t n = (size_t)(a->H * a->W);
    float *mean = jd_alloc_array(s->ctx, n, sizeof *mean), *map = jd_alloc_array(s->ctx, n, sizeof *map);
    for (int k = 0; mean && map && k < s->m.members; k++)
        if (!slide_map(s->ctx, s->scan[k], a, s->views, map))
            for (size_t p = 0; p < n; p++) mean[p] += map[p] / (float)s->m.members;
    jd_free(s->ctx, map);
    return mean;
}
