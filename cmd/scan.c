/* scan.c - `jackdaw scan`: a model of small pictures at every pixel of large ones. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "jackdaw/volume.h"
#include "kind.h"
#include "model.h"
#include "scan_points.h"

typedef enum form { MAP, OVERLAY, MASK, NUMBERS } form;

typedef struct job {
    const model *m;
    form form;
    double mask; /* MASK: white above it */
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
    if (j->form == NUMBERS || (j->m->members > 1 && !j->membranes))
        j->p = jd_alloc_array(ctx, pixels * (size_t)j->m->classes, sizeof *j->p);
    if (j->form != NUMBERS) j->gray = jd_alloc_array(ctx, pixels, 1);
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

/* Slice z of a stack into j->in, whose values must be those of pixels. */
static jd_status take_slice(jd_ctx *ctx, job *j, const char *path, const jd_volume *v, int64_t z)
{
    const int64_t n = v->height * v->width;
    j->in = (jd_picture){(int)v->height, (int)v->width, 1, jd_alloc_array(ctx, (size_t)n, 1)};
    for (int64_t i = 0; i < n && !jd_error(ctx); i++) {
        const float value = v->voxels[z * n + i];
        if (!(value >= 0 && value <= 255))
            return jd_fail(ctx, JD_EDATA, "%s: slice %lld has the value %g; give 0 to 255", path, (long long)z,
                           (double)value);
        j->in.pixels[i] = (uint8_t)(value + 0.5f);
    }
    return jd_error(ctx);
}

/* A stack of slices in one TIFF file, OUT-00.png, OUT-01.png...; false where it is none. */
static bool scan_stack(jd_ctx *ctx, job *j, const char *path, const char *out, bool quiet)
{
    jd_volume v = {0};
    const char *point = strrchr(out, '.');
    if ((!file_ends(path, ".tif") && !file_ends(path, ".tiff")) || j->m->dim[2] != 1) return false;
    if (jd_read_tiff(ctx, path, &v) && jd_error(ctx) != JD_ENOMEM)
        jd_error_clear(ctx); /* as a picture it is read again */
    const bool stack = v.depth > 1;
    for (int64_t z = 0; z < v.depth && stack && !jd_error(ctx); z++) {
        char *to = jd_asprintf(ctx, "%.*s-%02lld%s", (int)(point - out), out, (long long)z, point);
        if (to && !take_slice(ctx, j, path, &v, z)) scan_read(ctx, j, path, to, quiet);
        jd_free(ctx, to);
        forget(ctx, j);
    }
    jd_volume_free(ctx, &v);
    return stack || jd_error(ctx);
}

static jd_status scan_image(jd_ctx *ctx, job *j, const char *path, const char *out, bool quiet)
{
    if (scan_stack(ctx, j, path, out, quiet) || jd_read_picture(ctx, path, (int)j->m->dim[2], &j->in))
        return jd_error(ctx);
    return scan_read(ctx, j, path, out, quiet);
}

bool scan_many(const cli_args *a)
{
    struct stat st;
    return a->n > 2 || (stat(a->rest[1], &st) == 0 && S_ISDIR(st.st_mode));
}

static jd_status scan_all(jd_ctx *ctx, const cli_args *a, job *j, jd_params *w, const char *out, int64_t tile)
{
    static const char *const endings[] = {FILE_PICTURES, NULL};
    file_list files = {0};
    char **stem = files_list(ctx, a, endings, &files) ? NULL : files_stems(ctx, &files, endings);
    const bool many = scan_many(a), quiet = cli_has(a, "quiet");
    if (!jd_error(ctx) && !j->membranes)
        model_scanners(ctx, a->rest[0], j->m, w, &(jd_scan_options){.tile = tile, .progress = progress, .user = j},
                       j->scan, j->weights);
    if (many && !jd_error(ctx) && mkdir(out, 0777) && errno != EEXIST)
        jd_fail(ctx, JD_EIO, "%s: cannot make the folder: %s", out, strerror(errno));
    if (file_ends(out, ".npy")) j->form = NUMBERS;
    for (size_t i = 0; !jd_error(ctx) && i < files.n; i++) {
        char *to =
            many ? jd_asprintf(ctx, "%s/%s.%s", out, stem[i], j->form == NUMBERS ? "npy" : "png") : jd_strdup(ctx, out);
        if (to && !files_spare(ctx, &files, to)) scan_image(ctx, j, files.path[i], to, quiet);
        jd_free(ctx, to);
        forget(ctx, j);
        if (!files_next(ctx, &files)) break;
    }
    files_end(ctx, &files);
    for (int k = 0; k < j->m->members; k++) {
        jd_scanner_free(j->scan[k]);
        jd_params_free(j->weights[k]);
    }
    files_free_stems(ctx, &files, stem);
    files_free(ctx, &files);
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
    if (mask >= 0 && cli_has(&a, "overlay"))
        return cli_fail("scan", JD_EUSAGE, "--mask and --overlay make two different pictures; give one of them");
    if (file_ends(out, ".npy") && (mask >= 0 || cli_has(&a, "overlay")))
        return cli_fail("scan", JD_EUSAGE, "--mask and --overlay make pictures: -o OUT.png");
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    cli_catch_signals();
    model m = {0};
    jd_params *w = NULL;
    scanning s = {.ctx = ctx};
    job j = {.m = &m, .form = mask >= 0 ? MASK : cli_has(&a, "overlay") ? OVERLAY : MAP, .mask = mask};
    cli_view_init(&j.view, &a);
    const bool scanner = model_kind_of(ctx, a.rest[0]) == MODEL_SCANNER;
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
