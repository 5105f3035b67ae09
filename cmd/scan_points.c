/* scan_points.c - see scan_points.h. */
#include "scan_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "scan_walk.h"

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

static jd_status draw(jd_ctx *ctx, jd_picture *p, const jd_point *found, size_t n, const char *out)
{
    static const uint8_t green[3] = {20, 200, 60};
    for (size_t i = 0; i < n; i++) put_ring(p, &found[i], green);
    return jd_write_png(ctx, out, p);
}

typedef struct points {
    scanning *s;
    FILE *csv; /* or NULL: a picture is written */
    bool quiet;
} points;

static jd_status one_picture(void *user, const scan_picture *p)
{
    const points *t = user;
    jd_ctx *ctx = t->s->ctx;
    jd_point *found = NULL;
    slide a = {0};
    size_t n = 0;
    const double start = jd_now();
    float *map = slide_take(ctx, p->picture, t->s->stretch, &a) ? NULL : scanning_map(t->s, &a);
    if (!jd_error(ctx) && !detector_find(ctx, &t->s->d, &a, map, &found, &n)) {
        for (size_t i = 0; t->csv && i < n; i++) {
            csv_field(t->csv, p->stem);
            fprintf(t->csv, ",%.6g,%.6g,%.6g\n", (double)found[i].x, (double)found[i].y, (double)found[i].score);
        }
        if (!t->csv) draw(ctx, p->picture, found, n, p->out);
        if (!t->quiet && !jd_error(ctx)) fprintf(stderr, "%s: %zu points in %.2f s\n", p->stem, n, jd_now() - start);
    }
    jd_free(ctx, found);
    jd_free(ctx, map);
    slide_free(ctx, &a);
    return jd_error(ctx);
}

jd_status scan_points(scanning *s, const cli_args *a, const char *out)
{
    jd_ctx *ctx = s->ctx;
    const bool csv = file_ends(out, ".csv");
    points t = {.s = s, .quiet = cli_has(a, "quiet")};
    char *text = NULL; /* the table, which is written as a whole at the end */
    size_t size = 0;
    if (cli_has(a, "mask") || cli_has(a, "labels") || file_ends(out, ".npy"))
        return jd_fail(ctx, JD_EUSAGE, "%s: finds points: -o OUT.csv, or OUT.png for the picture with its points",
                       a->rest[0]);
    if (csv && !(t.csv = open_memstream(&text, &size)))
        return jd_fail(ctx, JD_ENOMEM, "no memory for the table of points");
    if (csv) fprintf(t.csv, "image,x,y,score\n");
    scan_walk(ctx, a, out, csv ? NULL : "png", 3, one_picture, &t);
    if (csv && (fclose(t.csv) != 0 || !text)) jd_fail(ctx, JD_ENOMEM, "no memory for the table of points");
    if (csv && !jd_error(ctx)) jd_write_file(ctx, out, text, size);
    free(text);
    return jd_error(ctx);
}
