/* eval_volumes.c - `jackdaw eval` of a model that labels voxels: the Dice coefficient of each label, volume by volume. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eval.h"
#include "files.h"
#include "labeller.h"

enum { LABELS = 256 };

typedef struct overlap {
    int64_t both[LABELS], each[LABELS]; /* voxels that have the label in both, and in one plus in the other */
} overlap;

typedef struct tally {
    labeller l;
    const char *dir, *data;
    const char *images, *labels; /* folders in it */
    size_t volumes, right, voxels;
    double dice[LABELS]; /* sums over the volumes */
    char **name;         /* (volumes) */
    double *mean;        /* (volumes): over the labels but 0 */
} tally;

static double dice_of(const overlap *o, int k)
{
    return o->each[k] ? 2. * (double)o->both[k] / (double)o->each[k] : 1;
}

static jd_status compare(tally *t, const char *path, const jd_volume *found, const jd_volume *truth, overlap *o)
{
    const int64_t n = truth->depth * truth->height * truth->width;
    if (truth->frames != 1 || truth->depth != found->depth || truth->height != found->height ||
        truth->width != found->width)
        return jd_fail(t->l.ctx, JD_EDATA, "%s: %lld x %lld x %lld labels of a volume of %lld x %lld x %lld", path,
                       (long long)truth->depth, (long long)truth->height, (long long)truth->width,
                       (long long)found->depth, (long long)found->height, (long long)found->width);
    for (int64_t i = 0; i < n; i++) {
        const float k = truth->voxels[i];
        if (!(k >= 0 && k < (float)t->l.classes) || k != (float)(int)k)
            return jd_fail(t->l.ctx, JD_EDATA, "%s: voxel %lld has the label %g; the model knows 0 to %d", path,
                           (long long)i, (double)k, t->l.classes - 1);
        const int a = (int)k, b = (int)found->voxels[i];
        o->each[a]++;
        o->each[b]++;
        if (a == b) o->both[a]++;
        t->right += a == b;
    }
    t->voxels += (size_t)n;
    return JD_OK;
}

static jd_status eval_one(tally *t, const char *file)
{
    jd_ctx *ctx = t->l.ctx;
    char *image = jd_asprintf(ctx, "%s/%s/%s", t->dir, t->images, file),
         *label = jd_asprintf(ctx, "%s/%s/%s", t->dir, t->labels, file);
    jd_volume found = {0}, truth = {0};
    overlap o = {0};
    if (!jd_error(ctx) && !jd_read_volume(ctx, label, &truth) && !labeller_label(&t->l, image, &found) &&
        !compare(t, label, &found, &truth, &o)) {
        double mean = 0;
        for (int k = 0; k < t->l.classes; k++) {
            t->dice[k] += dice_of(&o, k);
            if (k) mean += dice_of(&o, k) / (t->l.classes - 1);
        }
        t->mean[t->volumes] = mean;
        t->name[t->volumes] = jd_strdup(ctx, file);
        t->volumes++;
    }
    jd_volume_free(ctx, &found);
    jd_volume_free(ctx, &truth);
    jd_free(ctx, image);
    jd_free(ctx, label);
    return jd_error(ctx);
}

static jd_status room_for(tally *t, size_t n)
{
    t->name = jd_alloc_array(t->l.ctx, n + 1, sizeof *t->name);
    t->mean = jd_alloc_array(t->l.ctx, n + 1, sizeof *t->mean);
    return jd_error(t->l.ctx);
}

/* The volumes that the table of a part names. */
static jd_status eval_listed(tally *t, const char *table)
{
    jd_ctx *ctx = t->l.ctx;
    jd_tsv index = {0};
    const int file = jd_read_tsv(ctx, table, &index) ? -1 : jd_tsv_column(ctx, &index, "file");
    if (file >= 0 && !room_for(t, index.rows))
        for (size_t i = 0; i < index.rows; i++)
            if (eval_one(t, index.fields[i * index.cols + (size_t)file])) break;
    jd_tsv_free(ctx, &index);
    return jd_error(ctx);
}

/* All volumes of the folder; of a set as the decathlon gives it every fifth, or the others, as the system pyramid-lstm does. */
static jd_status eval_found(tally *t, jd_split split)
{
    static const char *const endings[] = {FILE_VOLUMES, NULL};
    jd_ctx *ctx = t->l.ctx;
    char *images = jd_asprintf(ctx, "%s/imagesTr", t->dir);
    const bool decathlon = images && !access(images, F_OK);
    t->images = decathlon ? "imagesTr" : "image";
    t->labels = decathlon ? "labelsTr" : "label";
    jd_free(ctx, images);
    images = jd_asprintf(ctx, "%s/%s", t->dir, t->images);
    file_list files = {0};
    if (images && !files_in(ctx, images, endings, &files) && !room_for(t, files.n))
        for (size_t i = 0; i < files.n; i++) {
            if (decathlon && split != JD_ALL && (i % 5 == 4) != (split == JD_TEST)) continue;
            if (eval_one(t, strrchr(files.path[i], '/') + 1)) break;
        }
    files_free(ctx, &files);
    jd_free(ctx, images);
    return jd_error(ctx);
}

static void print(const tally *t, bool json)
{
    const double n = (double)t->volumes;
    double mean = 0, worst = 2;
    size_t which = 0;
    for (int k = 1; k < t->l.classes; k++) mean += t->dice[k] / n / (t->l.classes - 1);
    for (size_t i = 0; i < t->volumes; i++)
        if (t->mean[i] < worst) worst = t->mean[which = i];
    if (json) {
        printf("{\"data\":");
        cli_json_string(t->data);
        printf(",\"samples\":%zu,\"metric\":\"mean Dice\",\"value\":%.9g,\"dice\":[", t->volumes, mean);
        for (int k = 0; k < t->l.classes; k++) printf("%s%.9g", k ? "," : "", t->dice[k] / n);
        printf("],\"voxels_right\":%.9g,\"worst\":", (double)t->right / (double)t->voxels);
        cli_json_string(t->name[which]);
        printf("}\n");
        return;
    }
    printf("mean Dice %.4f on %zu volumes\n", mean, t->volumes);
    for (int k = 0; k < t->l.classes; k++) printf("  label %-3d %.4f\n", k, t->dice[k] / n);
    printf("voxels right (%%) %.4g; worst volume %s, %.4f\n", 100. * (double)t->right / (double)t->voxels,
           t->name[which], worst);
}

static void write_report(const tally *t, const char *model, const char *path)
{
    jd_ctx *ctx = t->l.ctx;
    jd_report *rep = jd_report_new(ctx, model, t->data);
    const char **cells = jd_alloc_array(ctx, 2 * t->volumes + 1, sizeof *cells);
    char(*text)[16] = jd_alloc_array(ctx, t->volumes + 1, sizeof *text);
    for (size_t i = 0; i < t->volumes && cells && text; i++) {
        snprintf(text[i], sizeof text[i], "%.4f", t->mean[i]);
        cells[2 * i] = t->name[i];
        cells[2 * i + 1] = text[i];
    }
    if (!jd_error(ctx)) {
        jd_report_section(rep, "Volumes");
        jd_report_table(rep, (const char *const[]){"volume", "Dice"}, cells, t->volumes, 2,
                        "The mean Dice coefficient of the labels but the background.");
        jd_report_write(rep, path);
    }
    jd_free(ctx, cells);
    jd_free(ctx, text);
    jd_report_free(rep);
}

int eval_volumes(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split)
{
    tally t = {.data = data, .images = "image", .labels = "label"};
    const char *out = cli_text(a, "output", NULL);
    char *dir = eval_place(ctx, data), *table = dir ? jd_asprintf(ctx, "%s/%s.tsv", dir, eval_splits[split]) : NULL;
    struct stat st;
    t.dir = dir;
    if (table && !labeller_open(ctx, a->rest[0], &t.l)) {
        if (!stat(table, &st))
            eval_listed(&t, table);
        else
            eval_found(&t, split);
        if (!jd_error(ctx) && !t.volumes) jd_fail(ctx, JD_EDATA, "%s: no volumes in its folder %s", dir, t.images);
        if (!jd_error(ctx)) print(&t, cli_has(a, "json"));
        if (!jd_error(ctx) && out) write_report(&t, a->rest[0], out);
        for (size_t i = 0; i < t.volumes; i++) jd_free(ctx, t.name[i]);
        jd_free(ctx, t.name);
        jd_free(ctx, t.mean);
        labeller_close(&t.l);
    }
    jd_free(ctx, table);
    jd_free(ctx, dir);
    return cli_end("eval", ctx);
}
