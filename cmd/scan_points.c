/* scan_points.c - see scan_points.h. */
#include "scan_points.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"

enum { RING = 9, THICK = 2 }; /* pixels */

/* A ring in `rgb`, where it lies in the picture. */
static void put_ring(jd_picture *p, const jd_point *at, const uint8_t rgb[3])
{
    for (int dy = -RING; dy <= RING; dy++)
        for (int dx = -RING; dx <= RING; dx++) {
            const double r = sqrt(dx * dx + dy * dy);
            const int y = (int)lrintf(at->y) + dy, x = (int)lrintf(at->x) + dx;
            if (r > RING || r <= RING - THICK || y < 0 || x < 0 || y >= p->height || x >= p->width) continue;
            memcpy(p->pixels + 3 * ((size_t)y * (size_t)p->width + (size_t)x), rgb, 3);
        }
}

static jd_status draw(jd_ctx *ctx, const char *path, const jd_point *found, size_t n, const char *out)
{
    static const uint8_t green[3] = {20, 200, 60};
    jd_picture p = {0};
    if (!jd_read_picture(ctx, path, 3, &p)) {
        for (size_t i = 0; i < n; i++) put_ring(&p, &found[i], green);
        jd_write_png(ctx, out, &p);
    }
    jd_picture_free(ctx, &p);
    return jd_error(ctx);
}

static jd_status find(scanning *s, const char *path, jd_point **found, size_t *n)
{
    slide a = {0};
    float *map = slide_open(s->ctx, path, &a) ? NULL : scanning_map(s, &a);
    if (!jd_error(s->ctx)) detector_find(s->ctx, &s->d, &a, map, found, n);
    jd_free(s->ctx, map);
    slide_free(s->ctx, &a);
    return jd_error(s->ctx);
}

static jd_status one_picture(scanning *s, const char *path, const char *stem, const char *out, FILE *csv, bool quiet)
{
    jd_ctx *ctx = s->ctx;
    jd_point *found = NULL;
    size_t n = 0;
    const double start = jd_now();
    if (!find(s, path, &found, &n)) {
        for (size_t i = 0; csv && i < n; i++) {
            csv_field(csv, stem);
            fprintf(csv, ",%.6g,%.6g,%.6g\n", (double)found[i].x, (double)found[i].y, (double)found[i].score);
        }
        if (!csv) draw(ctx, path, found, n, out);
        if (!quiet && !jd_error(ctx)) fprintf(stderr, "%s: %zu points in %.2f s\n", path, n, jd_now() - start);
    }
    jd_free(ctx, found);
    return jd_error(ctx);
}

jd_status scan_points(scanning *s, const cli_args *a, const char *out)
{
    static const char *const endings[] = {FILE_PICTURES, NULL};
    jd_ctx *ctx = s->ctx;
    file_list files = {0};
    const bool csv = file_ends(out, ".csv"), many = !csv && scan_many(a), quiet = cli_has(a, "quiet");
    char *text = NULL; /* the table, which is written as a whole at the end */
    size_t size = 0;
    FILE *f = NULL;
    if (cli_has(a, "mask") || file_ends(out, ".npy"))
        return jd_fail(ctx, JD_EUSAGE, "%s: finds points: -o OUT.csv, or OUT.png for the picture with its points",
                       a->rest[0]);
    char **stem = files_list(ctx, a, endings, &files) ? NULL : files_stems(ctx, &files, endings);
    if (csv && !jd_error(ctx) && !(f = open_memstream(&text, &size)))
        jd_fail(ctx, JD_ENOMEM, "no memory for the table of points");
    if (f) fprintf(f, "image,x,y,score\n");
    if (many && !jd_error(ctx) && mkdir(out, 0777) && errno != EEXIST)
        jd_fail(ctx, JD_EIO, "%s: cannot make the folder: %s", out, strerror(errno));
    for (size_t i = 0; !jd_error(ctx) && i < files.n; i++) {
        char *to = many ? jd_asprintf(ctx, "%s/%s.png", out, stem[i]) : jd_strdup(ctx, out);
        if (to && !files_spare(ctx, &files, to)) one_picture(s, files.path[i], stem[i], to, f, quiet);
        jd_free(ctx, to);
        if (!files_next(ctx, &files)) break;
    }
    files_end(ctx, &files);
    if (f && (fclose(f) != 0 || !text)) jd_fail(ctx, JD_ENOMEM, "no memory for the table of points");
    if (csv && !jd_error(ctx)) jd_write_file(ctx, out, text, size);
    free(text);
    files_free_stems(ctx, &files, stem);
    files_free(ctx, &files);
    return jd_error(ctx);
}
