/* scan.c - `jackdaw scan`: a model of small pictures at every pixel of large ones. */
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "files.h"
#include "kind.h"
#include "model.h"
#include "scan_points.h"
#include "scan_walk.h"
#include "segments.h"

typedef enum form { MAP, OVERLAY, MASK, LABELS, NUMBERS } form;

typedef struct job {
    jd_ctx *ctx;
    bool quiet;
    const model *m;
    form form;
    double mask;  /* MASK: white above it */
    bool objects; /* the masks that it learned from numbered objects */
    jd_picture in;
    int cls, classes;
    scanning *membranes; /* whose file tells how it is scanned, or NULL: */
    jd_params *weights[MODEL_MEMBERS];
    jd_scanner *scan[MODEL_MEMBERS];
    uint8_t *gray; /* (H,W), for a PNG */
    float *p;      /* (H,W,K), for an npy, or while several nets are averaged */
    cli_view view;
} job;

static jd_status read_pixels(void *user, int64_t y, int64_t x, int64_t n, float *row)
{
    const job *j = user;
    const size_t C = (size_t)j->in.channels;
    jd_pixels_to_float(j->in.pixels + ((size_t)y * (size_t)j->in.width + (size_t)x) * C, (size_t)n * C, j->m->low,
                       j->m->high, row);
    return JD_OK;
}

static uint8_t gray_of(const job *j, float v)
{
    return j->form == MASK ? ((double)v > j->mask ? 255 : 0) : (uint8_t)(v * 255.f + 0.5f);
}

static jd_status write_values(void *user, int64_t y, int64_t x, int64_t n, const float *row)
{
    const job *j = user;
    const size_t K = (size_t)j->classes, at = (size_t)y * (size_t)j->in.width + (size_t)x;
    const float share = 1.f / (float)j->m->members;
    for (size_t i = 0; j->p && i < (size_t)n * K; i++) j->p[at * K + i] += share * row[i];
    for (int64_t i = 0; !j->p && i < n; i++) j->gray[at + (size_t)i] = gray_of(j, row[(size_t)i * K + (size_t)j->cls]);
    return JD_OK;
}

/* The picture in gray, and the more probable the class, the redder. */
static jd_status write_overlay(jd_ctx *ctx, const job *j, const char *out)
{
    const size_t pixels = (size_t)j->in.height * (size_t)j->in.width, C = (size_t)j->in.channels;
    uint8_t *rgb = jd_alloc_array(ctx, pixels, 3);
    for (size_t i = 0; rgb && i < pixels; i++) {
        unsigned light = 0;
        for (size_t c = 0; c < C; c++) light += j->in.pixels[i * C + c];
        const unsigned p = j->gray[i], keep = 255 - p * 3 / 4; /* some of the picture shows through */
        const unsigned base = (unsigned)(light / C) * keep / 255;
        rgb[3 * i] = (uint8_t)(base + (255 - keep) * 230 / 255);
        rgb[3 * i + 1] = rgb[3 * i + 2] = (uint8_t)(base + (255 - keep) * 30 / 255);
    }
    if (rgb) jd_write_png(ctx, out, &(jd_picture){j->in.height, j->in.width, 3, rgb});
    jd_free(ctx, rgb);
    return jd_error(ctx);
}

static bool progress(void *user, int64_t done, int64_t total)
{
    job *j = user;
    cli_view_event(
        &j->view,
        &(jd_run_event){.kind = JD_EVENT_PROGRESS, .text = "tiles", .done = (double)done, .total = (double)total});
    return cli_stop != 0;
}

/* The model must be a classifier of pictures whose pixel range is known. */
static jd_status check_model(jd_ctx *ctx, const char *path, const model *m, int cls)
{
    if (m->rank != 3 || m->classes < 2 || (m->dim[2] != 1 && m->dim[2] != 3))
        return jd_fail(ctx, JD_EUSAGE, "%s: no classifier of grey or colour pictures, so it cannot be scanned over one",
                       path);
    if (m->views > 1 || *m->view[0].prepare)
        return jd_fail(ctx, JD_EUSAGE,
                       "%s: sees pictures that are prepared first; only nets of plain pictures can be scanned over an "
                       "image",
                       path);
    if (!(m->low < m->high))
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config gives pixels the range %g to %g", path, (double)m->low,
                       (double)m->high);
    if (cls >= m->classes)
        return jd_fail(ctx, JD_EUSAGE, "--class %d: the model's classes are 0 to %d", cls, m->classes - 1);
    return JD_OK;
}

static jd_status write_result(jd_ctx *ctx, const job *j, const char *out)
{
    if (j->form == LABELS) return segments_write(ctx, j->m, j->objects, j->p, j->in.height, j->in.width, out);
    if (j->form == OVERLAY) return write_overlay(ctx, j, out);
    if (j->form != NUMBERS) return jd_write_png(ctx, out, &(jd_picture){j->in.height, j->in.width, 1, j->gray});
    return jd_npy_write(
        ctx, out,
        &(jd_tensor_entry){
            .dtype = JD_FILE_F32, .rank = 3, .dim = {j->in.height, j->in.width, j->m->classes}, .data = j->p});
}

static void forget(jd_ctx *ctx, job *j)
{
    jd_picture_free(ctx, &j->in);
    jd_free(ctx, j->gray);
    jd_free(ctx, j->p);
    j->gray = NULL;
    j->p = NULL;
}

/* Class 1 is inside. */
static void scan_membranes(job *j)
{
    const em_stack one = {1, j->in.height, j->in.width, j->in.pixels, NULL};
    float *inside = scanning_inside(j->membranes, &one);
    for (int64_t i = 0; inside && i < one.H * one.W; i++) {
        const float p[2] = {1 - inside[i], inside[i]};
        if (j->p) memcpy(j->p + 2 * i, p, sizeof p);
        if (j->gray) j->gray[i] = gray_of(j, p[j->cls]);
    }
    jd_free(j->membranes->ctx, inside);
}

static void scan_plain(jd_ctx *ctx, job *j)
{
    const size_t pixels = (size_t)j->in.height * (size_t)j->in.width;
    for (int k = 0; k < j->m->members && !jd_error(ctx); k++)
        jd_scan_run(j->scan[k], &(jd_scan_stream){j->in.height, j->in.width, read_pixels, write_values, j});
    for (size_t i = 0; j->p && j->gray && i < pixels; i++)
        j->gray[i] = gray_of(j, j->p[i * (size_t)j->classes + (size_t)j->cls]);
}

/* What was read into j->in. */
static jd_status scan_read(jd_ctx *ctx, job *j, const char *path, const char *out, bool quiet)
{
    const size_t pixels = (size_t)j->in.height * (size_t)j->in.width;
    if (j->form == NUMBERS || j->form == LABELS || (j->m->members > 1 && !j->membranes))
        j->p = jd_alloc_array(ctx, pixels * (size_t)j->m->classes, sizeof *j->p);
    if (j->form != NUMBERS && j->form != LABELS) j->gray = jd_alloc_array(ctx, pixels, 1);
    if (jd_error(ctx)) return jd_error(ctx);
    cli_view_event(&j->view, &(jd_run_event){.kind = JD_EVENT_STAGE, .text = path});
    cli_view_event(&j->view, &(jd_run_event){.kind = JD_EVENT_PROGRESS, .text = "tiles", .total = 1});
    const double start = jd_now();
    if (j->membranes)
        scan_membranes(j);
    else
        scan_plain(ctx, j);
    if (jd_error(ctx)) return jd_error(ctx);
    const double seconds = jd_now() - start;
    if (!write_result(ctx, j, out) && !quiet)
        fprintf(stderr, "%s: %d x %d pixels in %.2f s\n", out, j->in.width, j->in.height, seconds);
    return jd_error(ctx);
}

static jd_status scan_picture_with(void *user, const scan_picture *p)
{
    job *j = user;
    j->in = *p->picture;
    *p->picture = (jd_picture){0};
    scan_read(j->ctx, j, p->path, p->out, j->quiet);
    forget(j->ctx, j);
    return jd_error(j->ctx);
}

static jd_status scan_all(jd_ctx *ctx, const cli_args *a, job *j, jd_params *w, const char *out, int64_t tile)
{
    j->ctx = ctx;
    j->quiet = cli_has(a, "quiet");
    if (file_ends(out, ".npy")) j->form = NUMBERS;
    if (j->membranes ||
        !model_scanners(ctx, a->rest[0], j->m, w, &(jd_scan_options){.tile = tile, .progress = progress, .user = j},
                        j->scan, j->weights))
        scan_walk(ctx, a, out, j->form == NUMBERS ? "npy" : "png", (int)j->m->dim[2], scan_picture_with, j);
    for (int k = 0; k < j->m->members; k++) {
        jd_scanner_free(j->scan[k]);
        jd_params_free(j->weights[k]);
    }
    return jd_error(ctx);
}

int cmd_scan(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *out = cli_text(&a, "output", NULL);
    const int cls = (int)cli_int(&a, "class", -1, 0, 100000);
    const int64_t tile = cli_int(&a, "tile", 256, 1, 65536);
    const double mask = cli_real(&a, "mask", -1, 0, 1);
    if (a.bad) return JD_EUSAGE;
    const bool table = out && file_ends(out, ".csv");
    if (!out || (!scan_many(&a) && !table && !file_ends(out, ".png") && !file_ends(out, ".npy")))
        return cli_fail("scan", JD_EUSAGE, "give the result's name, which ends in .png, .npy or .csv: -o OUT.png");
    if (scan_many(&a) && (file_ends(out, ".png") || file_ends(out, ".npy")))
        return cli_fail("scan", JD_EUSAGE, "the results of several pictures need a folder: -o FOLDER");
    if ((mask >= 0) + cli_has(&a, "overlay") + cli_has(&a, "labels") > 1)
        return cli_fail("scan", JD_EUSAGE, "--mask, --overlay and --labels make different pictures; give one of them");
    if (file_ends(out, ".npy") && (mask >= 0 || cli_has(&a, "overlay") || cli_has(&a, "labels")))
        return cli_fail("scan", JD_EUSAGE, "--mask, --overlay and --labels make pictures: -o OUT.png");
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    cli_catch_signals();
    model m = {0};
    jd_params *w = NULL;
    scanning s = {.ctx = ctx};
    job j = {.m = &m,
             .form = mask >= 0                ? MASK
                     : cli_has(&a, "overlay") ? OVERLAY
                     : cli_has(&a, "labels")  ? LABELS
                                              : MAP,
             .mask = mask};
    cli_view_init(&j.view, &a);
    const model_kind kind = model_kind_of(ctx, a.rest[0]);
    const bool scanner = kind == MODEL_SCANNER;
    j.objects = scanner || (kind == MODEL_SEGMENTER && segments_kind(ctx, a.rest[0]) == MASKS_OBJECTS);
    if (scanner) scanning_open(ctx, a.rest[0], &(jd_scan_options){.tile = tile, .progress = progress, .user = &j}, &s);
    if (table && !s.points && !jd_error(ctx))
        jd_fail(ctx, JD_EUSAGE, "%s: finds no points, so there is no table of them; -o OUT.png", a.rest[0]);
    if (!jd_error(ctx) && s.points) {
        scan_points(&s, &a, out);
    } else if (!jd_error(ctx) && !model_load(ctx, a.rest[0], &m, &w) && !check_model(ctx, a.rest[0], &m, cls)) {
        j.classes = m.classes;
        j.cls = cls < 0 ? 1 : cls;
        j.membranes = scanner ? &s : NULL;
        scan_all(ctx, &a, &j, w, out, tile);
    }
    cli_view_close(&j.view);
    scanning_close(&s);
    jd_params_free(w);
    model_free(ctx, &m);
    return cli_end("scan", ctx);
}
