/* predict_volume.c - `jackdaw predict` of a model that labels the voxels of volumes: a NIfTI file of labels for each file. */
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "predict.h"

typedef struct labeller {
    char *net;
    int classes;
} labeller;

/* The net and classes of a model whose input is "volume"; false for any other, without an error. */
static bool describe(jd_ctx *ctx, const char *path, labeller *l)
{
    *l = (labeller){0};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    const char *config = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *input = json_string_value(json_object_get(j, "input"));
    const char *net = json_string_value(json_object_get(j, "net"));
    const json_int_t classes = json_integer_value(json_object_get(j, "classes"));
    const bool is = input && !strcmp(input, "volume");
    if (is && (!net || classes < 2 || classes > 255))
        jd_fail(ctx, JD_EDATA, "%s: labels volumes, but says no net or no number of classes from 2 to 255", path);
    else if (is) {
        l->net = jd_strdup(ctx, net);
        l->classes = (int)classes;
    }
    json_decref(j);
    jd_tensor_file_close(f);
    return is;
}

bool predicts_volumes(jd_ctx *ctx, const char *model)
{
    labeller l;
    const bool is = describe(ctx, model, &l);
    jd_free(ctx, l.net);
    if (!is) jd_error_clear(ctx); /* whoever reads it next says what is wrong with it */
    return is;
}

static void trace(jd_graph *g, void *user)
{
    const labeller *l = user;
    jd_result(g, "label", jd_argmax(g, jd_net(g, l->net, jd_arg(g, "x"), JD_NONE)));
}

/* NAME.nii.gz -> NAME-labels.nii.gz, in the folder that the program runs in. */
static char *name_of(jd_ctx *ctx, const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t n = strcspn(base, ".");
    if (n == 0) n = strlen(base);
    return jd_asprintf(ctx, "%.*s-labels.nii.gz", (int)n, base);
}

typedef enum form { PLAIN, JSON, CSV } form;

static void say(const char *file, const char *out, const int64_t *count, int classes, double voxel, form how)
{
    if (how == JSON) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"labels\":");
        cli_json_string(out);
        printf(",\"voxels\":[");
    } else if (how == CSV) {
        csv_field(file);
        putchar(',');
        csv_field(out);
    } else {
        printf("%s  %s ", file, out);
    }
    for (int k = 0; k < classes; k++)
        if (how == PLAIN)
            printf(" label %d: %lld%s", k, (long long)count[k], k + 1 < classes ? "," : "");
        else
            printf("%s%lld", k || how == CSV ? "," : "", (long long)count[k]);
    printf(how == JSON ? "],\"voxel_volume\":%.9g}\n" : how == CSV ? ",%.9g\n" : " voxels of %g mm3\n", voxel);
}

static jd_status label_file(jd_ctx *ctx, const labeller *l, jd_params *w, const char *file, form how)
{
    jd_volume v = {0};
    int64_t count[256] = {0};
    if (jd_read_volume(ctx, file, &v)) return jd_error(ctx);
    const int64_t n = v.depth * v.height * v.width;
    float *x = jd_alloc_array(ctx, (size_t)n * JD_VOLUME_INPUTS, sizeof *x);
    char *out = name_of(ctx, file);
    jd_fn *f = NULL;
    if (v.frames > 1)
        jd_fail(ctx, JD_EUSAGE, "%s: %lld volumes in one file; give one", file, (long long)v.frames);
    else if (x && out && !jd_volume_inputs(ctx, &v, x))
        f = jd_fn_new(ctx, w, trace, (void *)(uintptr_t)l);
    if (f &&
        !jd_fn_run(f, (jd_tensor[]){JD_TENSOR("x", JD_F32, x, 1, v.depth, v.height, v.width, JD_VOLUME_INPUTS)}, 1)) {
        jd_type t; /* blocks of voxels may reach over the ends */
        const int32_t *label = jd_fn_result(f, "label", &t);
        for (int64_t i = 0; i < n; i++) {
            const int64_t z = i / (v.width * v.height), y = i / v.width % v.height;
            const int32_t k = label[(z * t.dim[2] + y) * t.dim[3] + i % v.width];
            v.voxels[i] = (float)k;
            count[k]++;
        }
        const float *s = v.space.step;
        if (!jd_write_nifti(ctx, out, &v, JD_NIFTI_U8))
            say(file, out, count, l->classes, s[0] != 0 ? fabs((double)s[0] * (double)s[1] * (double)s[2]) : 1, how);
    }
    jd_fn_free(f);
    jd_free(ctx, out);
    jd_free(ctx, x);
    jd_volume_free(ctx, &v);
    return jd_error(ctx);
}

static void label_files(jd_ctx *ctx, const cli_args *a, const labeller *l, jd_params *w)
{
    static const char *const endings[] = {".nii", ".nii.gz", ".tif", ".tiff", NULL};
    file_list files = {0};
    if (files_list(ctx, a, endings, &files)) return;
    const form how = cli_has(a, "json") ? JSON : cli_has(a, "csv") || files.folder ? CSV : PLAIN;
    if (how == CSV) {
        printf("file,labels");
        for (int k = 0; k < l->classes; k++) printf(",voxels_%d", k);
        printf(",voxel_volume\n");
    }
    for (size_t i = 0; i < files.n; i++) {
        label_file(ctx, l, w, files.path[i], how);
        if (!files_next(ctx, &files)) break;
    }
    files_end(ctx, &files);
    files_free(ctx, &files);
}

int predict_volumes(jd_ctx *ctx, const cli_args *a)
{
    labeller l;
    const char *model = a->rest[0];
    jd_params *w = describe(ctx, model, &l) ? jd_params_new(ctx, JD_F32) : NULL;
    jd_tensor_file *f = w ? jd_safetensors_open(ctx, model) : NULL;
    if (f) jd_params_load(ctx, w, f);
    jd_tensor_file_close(f);
    if (!jd_error(ctx)) label_files(ctx, a, &l, w);
    jd_params_free(w);
    jd_free(ctx, l.net);
    return cli_end("predict", ctx);
}
