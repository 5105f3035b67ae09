/* labeller.c - opening a model that labels voxels, and running it on one volume. */
#include <jansson.h>
#include <string.h>

#include "labeller.h"
#include "model.h"

/* The net and classes of a model whose input is "volume"; false for any other, without an error. */
static bool describe(jd_ctx *ctx, const char *path, const char *config, labeller *l)
{
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *input = json_string_value(json_object_get(j, "input"));
    const char *net = json_string_value(json_object_get(j, "net"));
    const json_int_t classes = json_integer_value(json_object_get(j, "classes"));
    const bool is = input && !strcmp(input, "volume");
    if (is && (!net || classes < 2 || classes > 255))
        jd_fail(ctx, JD_EDATA, "%s: labels volumes, but says no net or no number of classes from 2 to 255", path);
    else if (is)
        *l = (labeller){.ctx = ctx, .net = jd_strdup(ctx, net), .classes = (int)classes};
    json_decref(j);
    return is;
}

jd_status labeller_open(jd_ctx *ctx, const char *path, labeller *l)
{
    *l = (labeller){.ctx = ctx};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (f && !describe(ctx, path, jd_tensor_file_meta(f, "jackdaw.config"), l))
        jd_fail(ctx, JD_EUSAGE, "%s: no model that labels volumes; pyramid-lstm makes them", path);
    if (!jd_error(ctx)) l->w = jd_params_new(ctx, JD_F32);
    if (l->w) jd_params_load(ctx, l->w, f);
    jd_tensor_file_close(f);
    if (jd_error(ctx)) labeller_close(l);
    return jd_error(ctx);
}

void labeller_close(labeller *l)
{
    jd_params_free(l->w);
    jd_free(l->ctx, l->net);
    *l = (labeller){.ctx = l->ctx};
}

/* A model file may say anything: the net must answer for every voxel, with so many classes. */
static void trace(jd_graph *g, void *user)
{
    const labeller *l = user;
    const jd_node x = jd_arg(g, "x"), y = jd_net(g, l->net, x, JD_NONE);
    bool fits = y.id && jd_rank(g, y) == 5 && jd_dim(g, y, 4) == l->classes;
    for (int i = 0; fits && i < 4; i++) fits = jd_dim(g, y, i) >= jd_dim(g, x, i);
    if (y.id && !fits)
        jd_fail(l->ctx, JD_EDATA, "the model's net \"%s\" does not give %d classes for each voxel", l->net, l->classes);
    jd_result(g, "label", jd_argmax(g, y));
}

jd_status labeller_label(const labeller *l, const char *file, jd_volume *v)
{
    jd_ctx *ctx = l->ctx;
    *v = (jd_volume){0};
    if (jd_read_volume(ctx, file, v)) return jd_error(ctx);
    const int64_t n = v->depth * v->height * v->width;
    float *x = jd_alloc_array(ctx, (size_t)n * JD_VOLUME_INPUTS, sizeof *x);
    jd_fn *f = NULL;
    const int there = jd_params_ranges(l->w);
    if (v->frames > 1)
        jd_fail(ctx, JD_EUSAGE, "%s: %lld volumes in one file; give one", file, (long long)v->frames);
    else if (x && !jd_volume_inputs(ctx, v, x))
        f = jd_fn_new(ctx, l->w, trace, (void *)(uintptr_t)l);
    if (f &&
        !jd_fn_run(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, x, 1, v->depth, v->height, v->width, JD_VOLUME_INPUTS)},
                   1) &&
        !params_complete(ctx, l->w, there, l->net)) {
        jd_type t; /* blocks of voxels may reach over the ends */
        const int32_t *label = jd_fn_result(f, "label", &t);
        for (int64_t i = 0; label && i < n; i++) {
            const int64_t z = i / (v->width * v->height), y = i / v->width % v->height;
            v->voxels[i] = (float)label[(z * t.dim[2] + y) * t.dim[3] + i % v->width];
        }
    }
    jd_fn_free(f);
    jd_free(ctx, x);
    if (jd_error(ctx)) jd_volume_free(ctx, v);
    return jd_error(ctx);
}
