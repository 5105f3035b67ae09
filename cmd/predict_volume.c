/* predict_volume.c - `jackdaw predict` of a model that labels the voxels of volumes: a NIfTI file of labels for each file. */
#include <math.h>
#include <string.h>

#include "files.h"
#include "labeller.h"
#include "predict.h"

static const char *const endings[] = {FILE_VOLUMES, NULL};

static void say(const char *file, const char *out, const int64_t *count, int classes, double voxel, file_form how)
{
    if (how == FILES_JSON) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"labels\":");
        cli_json_string(out);
        printf(",\"voxels\":[");
    } else if (how == FILES_CSV) {
        csv_field(stdout, file);
        putchar(',');
        csv_field(stdout, out);
    } else {
        printf("%s  %s ", file, out);
    }
    for (int k = 0; k < classes; k++)
        if (how == FILES_PLAIN)
            printf(" label %d: %lld%s", k, (long long)count[k], k + 1 < classes ? "," : "");
        else
            printf("%s%lld", k || how == FILES_CSV ? "," : "", (long long)count[k]);
    printf(how == FILES_JSON  ? "],\"voxel_volume\":%.9g}\n"
           : how == FILES_CSV ? ",%.9g\n"
                              : " voxels of %g mm3\n",
           voxel);
}

/* NAME.nii.gz -> NAME-labels.nii.gz, in the folder that the program runs in. */
static void label_file(void *user, const file_list *files, size_t at, const char *stem, file_form how)
{
    const labeller *l = user;
    jd_ctx *ctx = l->ctx;
    jd_volume v;
    int64_t count[256] = {0};
    const char *file = files->path[at];
    char *out = jd_asprintf(ctx, "%s-labels.nii.gz", stem);
    if (out && !files_spare(ctx, files, out) && !labeller_label(l, file, &v)) {
        for (int64_t i = 0; i < v.depth * v.height * v.width; i++) count[(int)v.voxels[i]]++;
        const float *s = v.space.step;
        if (!jd_write_nifti(ctx, out, &v, JD_NIFTI_U8))
            say(file, out, count, l->classes, s[0] != 0 ? fabs((double)s[0] * (double)s[1] * (double)s[2]) : 1, how);
        jd_volume_free(ctx, &v);
    }
    jd_free(ctx, out);
}

static void heading(void *user)
{
    const labeller *l = user;
    printf("file,labels");
    for (int k = 0; k < l->classes; k++) printf(",voxels_%d", k);
    printf(",voxel_volume\n");
}

int predict_volumes(jd_ctx *ctx, const cli_args *a)
{
    labeller l;
    if (!labeller_open(ctx, a->rest[0], &l)) {
        files_work(ctx, a, &(file_work){endings, heading, label_file, &l});
        labeller_close(&l);
    }
    return cli_end("predict", ctx);
}
