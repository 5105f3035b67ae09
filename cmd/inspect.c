/* inspect.c - `jackdaw inspect`: what is in a file, told by its contents. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "folders.h"
#include "forms.h"
#include "inspect.h"
#include "jackdaw/series.h"
#include "model.h"

static void shape_text(char out[200], int rank, const int64_t *dim)
{
    size_t at = 0;
    out[0] = 0;
    for (int i = 0; i < rank && at < 180; i++)
        at += (size_t)snprintf(out + at, 200 - at, "%s%" PRId64, i ? "x" : "", dim[i]);
    if (!rank) snprintf(out, 200, "scalar");
}

static void print_config(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    char *pretty = j ? json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    printf("configuration\n%s\n", pretty ? pretty : text);
    free(pretty);
    json_decref(j);
}

/* The networks of a committee. */
static void print_members(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    const json_t *list = json_object_get(j, "members");
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *one = json_array_get(list, k);
        const char *scope = json_string_value(json_object_get(one, "scope")),
                   *name = json_string_value(json_object_get(one, "name")),
                   *net = json_string_value(json_object_get(one, "net")),
                   *prepare = json_string_value(json_object_get(one, "prepare"));
        printf("  member %zu: %s", k + 1, scope ? scope : "");
        if (name) printf(", \"%s\"", name);
        if (net) printf(", network \"%s\"", net);
        printf(", pictures %s%s%s\n", prepare ? "prepared by \"" : "as they are", prepare ? prepare : "",
               prepare ? "\"" : "");
    }
    if (json_array_size(list) > 1) printf("  the mean of the members' probabilities is the answer\n");
    json_decref(j);
}

static int64_t count_of(const jd_tensor_entry *e)
{
    int64_t n = 1;
    for (int i = 0; i < e->rank; i++) n *= e->dim[i];
    return n;
}

static void show_tensors(const jd_tensor_file *f, const char *kind, bool json)
{
    int64_t total = 0;
    const size_t n = jd_tensor_file_count(f);
    const char *made = jd_tensor_file_meta(f, "jackdaw.kind");
    if (json)
        printf("{\"kind\":\"%s\",\"tensors\":[", made ? made : kind);
    else
        printf("%s%s%s, %zu tensors\n", kind, made ? ", " : "", made ? made : "", n);
    for (size_t i = 0; i < n; i++) {
        const jd_tensor_entry *e = jd_tensor_file_entry(f, i);
        char shape[200];
        shape_text(shape, e->rank, e->dim);
        total += count_of(e);
        if (!json) {
            printf("  %-40s %-5s %-20s %" PRIu64 " bytes\n", e->name,
                   e->stored ? e->stored : jd_file_dtype_name(e->dtype), shape, e->bytes);
            continue;
        }
        printf("%s{\"name\":", i ? "," : "");
        cli_json_string(e->name);
        printf(",\"dtype\":\"%s\",\"shape\":[", e->stored ? e->stored : jd_file_dtype_name(e->dtype));
        for (int k = 0; k < e->rank; k++) printf("%s%" PRId64, k ? "," : "", e->dim[k]);
        printf("],\"bytes\":%" PRIu64 "}", e->bytes);
    }
    if (json)
        printf("],\"elements\":%" PRId64 ",\"metadata\":{", total);
    else
        printf("  %" PRId64 " values in all\n", total);
    const char *config = NULL;
    for (size_t i = 0; i < jd_tensor_file_metadata_count(f); i++) {
        const jd_metadata *m = jd_tensor_file_metadata(f, i);
        if (json) {
            if (i) putchar(',');
            cli_json_string(m->key);
            putchar(':');
            cli_json_string(m->value);
        } else if (!strcmp(m->key, "jackdaw.config")) {
            config = m->value;
        } else {
            printf("  %s: %.200s\n", m->key, m->value);
        }
    }
    if (json) printf("}}\n");
    if (config) print_members(config);
    if (config) print_config(config);
}

static void show_idx(jd_ctx *ctx, const char *path, bool json)
{
    static const struct {
        jd_idx_type type;
        const char *name;
    } types[] = {{JD_IDX_U8, "U8"},   {JD_IDX_I8, "I8"},   {JD_IDX_I16, "I16"},
                 {JD_IDX_I32, "I32"}, {JD_IDX_F32, "F32"}, {JD_IDX_F64, "F64"}};
    jd_idx idx = {0};
    if (jd_read_idx(ctx, path, &idx)) return;
    char shape[200];
    int64_t dim[8];
    const char *type = "?";
    for (int i = 0; i < idx.rank; i++) dim[i] = (int64_t)idx.size[i];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == idx.type) type = types[i].name;
    shape_text(shape, idx.rank, dim);
    if (json)
        printf("{\"kind\":\"idx\",\"dtype\":\"%s\",\"shape\":\"%s\",\"elements\":%zu}\n", type, shape, idx.count);
    else
        printf("idx, %s, %s\n", type, shape);
    jd_idx_free(ctx, &idx);
}

static void show_picture(jd_ctx *ctx, const char *path, const char *kind, bool json)
{
    jd_picture p = {0};
    if (jd_read_picture(ctx, path, 0, &p)) return;
    if (json)
        printf("{\"kind\":\"%s\",\"height\":%d,\"width\":%d,\"channels\":%d}\n", kind, p.height, p.width, p.channels);
    else
        printf("%s, %d high, %d wide, %s\n", kind, p.height, p.width, p.channels == 1 ? "gray" : "RGB");
    jd_picture_free(ctx, &p);
}

static void show_sound(jd_ctx *ctx, const char *path, bool json)
{
    jd_sound s = {0};
    if (jd_read_sound(ctx, path, &s)) return;
    const double seconds = s.rate > 0 ? (double)s.count / s.rate : 0;
    if (json)
        printf("{\"kind\":\"sound\",\"rate\":%d,\"samples\":%zu,\"seconds\":%.6g}\n", s.rate, s.count, seconds);
    else
        printf("sound, %d samples a second, %zu samples, %.4g s\n", s.rate, s.count, seconds);
    jd_sound_free(ctx, &s);
}

static void show_events(jd_ctx *ctx, const char *path, bool json)
{
    jd_event_reader *r = jd_event_reader_open(ctx, path);
    jd_event e;
    size_t n = 0;
    while (jd_event_reader_next(r, &e)) {
        if (e.has_scalar && !json) printf("  %-32s step %-10" PRId64 " %.6g\n", e.tag, e.step, (double)e.scalar);
        n++;
    }
    if (!jd_error(ctx))
        printf(json ? "{\"kind\":\"events\",\"records\":%zu}\n" : "TensorBoard events, %zu records\n", n);
    jd_event_reader_close(r);
}

/* What stands between the fields of a line of text, of these the most frequent; 0 for no text, or one without. */
static char separator_of(const unsigned char *b, size_t n)
{
    static const char known[] = ",;\t|";
    size_t count[sizeof known] = {0}, most = 0;
    for (size_t i = 0; i < n && b[i] != '\n'; i++) {
        const char *at = b[i] ? strchr(known, b[i]) : NULL;
        if ((b[i] < 0x20 && b[i] != '\t' && b[i] != '\r') || b[i] == 0x7f) return 0;
        if (at) count[at - known]++;
    }
    for (size_t k = 0; k < sizeof known - 1; k++)
        if (count[k] > count[most]) most = k;
    return count[most] ? known[most] : 0;
}

/* Rows and columns; the cells may be words. */
static void show_csv(jd_ctx *ctx, const char *path, char separator, bool json)
{
    size_t bytes, rows = 0, columns = 1;
    char *text = jd_read_gz(ctx, path, 0, &bytes);
    if (!text) return;
    const size_t first = strcspn(text, "\r\n");
    for (size_t i = 0; i < first; i++) columns += text[i] == separator;
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') rows += *at != '\n' && *at != '#';
    if (json)
        printf("{\"kind\":\"csv\",\"lines\":%zu,\"columns\":%zu", rows, columns);
    else
        printf("csv, %zu lines, %zu columns; the first line: %.*s\n", rows, columns, first < 200 ? (int)first : 200,
               text);
    jd_free(ctx, text);
    forms_list(ctx, path, json);
    if (json) printf("}\n");
}

static void show_series(jd_ctx *ctx, const char *path, bool json)
{
    jd_series s = {0};
    if (jd_read_ts(ctx, path, &s)) return;
    const size_t steps = s.start[s.count];
    if (json)
        printf("{\"kind\":\"series\",\"series\":%zu,\"channels\":%lld,\"steps\":%zu}\n", s.count, (long long)s.channels,
               steps);
    else
        printf("time series, %zu of %lld channels, %zu steps in all, %s\n", s.count, (long long)s.channels, steps,
               !s.label   ? "without labels"
               : s.target ? "with targets"
                          : "with classes");
    jd_series_free(ctx, &s);
}

static void show_volume(jd_ctx *ctx, const char *path, bool json)
{
    jd_volume v = {0};
    if (jd_read_nifti(ctx, path, &v)) return;
    if (json)
        printf("{\"kind\":\"nifti\",\"frames\":%" PRId64 ",\"depth\":%" PRId64 ",\"height\":%" PRId64
               ",\"width\":%" PRId64 "}\n",
               v.frames, v.depth, v.height, v.width);
    else
        printf("NIfTI, %" PRId64 " deep, %" PRId64 " high, %" PRId64 " wide, %" PRId64 " frames\n", v.depth, v.height,
               v.width, v.frames);
    jd_volume_free(ctx, &v);
}

/* What a picture's first bytes are; NULL for none. */
static const char *picture_kind(const unsigned char *b, size_t n)
{
    static const struct {
        const char *head, *kind;
        size_t bytes;
    } known[] = {{"\x89PNG", "png", 4}, {"\xff\xd8\xff", "jpeg", 3},
                 {"GIF8", "gif", 4},    {"BM", "bmp", 2},
                 {"II*\0", "tiff", 4},  {"MM\0*", "tiff", 4},
                 {"P2", "pgm", 2},      {"P3", "ppm", 2},
                 {"P5", "pgm", 2},      {"P6", "ppm", 2}};
    if (n >= 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4)) return "webp";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= 8 && !memcmp(b, known[i].head, known[i].bytes)) return known[i].kind;
    return NULL;
}

/* Those of a name, .img standing for the .hdr beside it; TIFF files are pictures here. */
static bool is_volume(const char *path)
{
    static const char *const endings[] = {FILE_VOLUMES, ".img", ".img.gz", ".mgh", ".mgz", ".nrrd", ".mha"};
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
        if (file_ends(path, endings[k])) return true;
    return false;
}

static bool is_sound(const unsigned char *b, size_t n)
{
    static const char *const head[] = {"RIFF", "RIFX", "OggS", "fLaC", "NIST", "FORM", ".snd", NULL};
    bool yes = false;
    for (int i = 0; n >= 12 && head[i]; i++) yes = yes || !memcmp(b, head[i], 4);
    return yes;
}

/* How a gzip-ed file goes on inside. */
static size_t inflate_head(jd_ctx *ctx, const char *path, unsigned char b[256])
{
    size_t bytes = 0;
    unsigned char *all = jd_read_gz(ctx, path, 0, &bytes);
    const size_t n = bytes < 255 ? bytes : 255;
    memset(b, 0, 256);
    if (all) memcpy(b, all, n);
    jd_free(ctx, all);
    return all ? n : 0;
}

static void inspect(jd_ctx *ctx, const char *path, bool json)
{
    FILE *f = fopen(path, "rb");
    unsigned char b[256] = {0};
    size_t n = f ? fread(b, 1, sizeof b - 1, f) : 0;
    if (!f) {
        jd_fail(ctx, errno == ENOMEM ? JD_ENOMEM : JD_ENOINPUT, "%s: cannot be opened: %s", path, strerror(errno));
        return;
    }
    fclose(f);
    jd_tensor_file *t = NULL;
    const char *kind = "safetensors";
    if (n >= 2 && b[0] == 0x1f && b[1] == 0x8b && !is_volume(path)) n = inflate_head(ctx, path, b);
    if (jd_error(ctx)) return;
    if (picture_kind(b, n)) {
        show_picture(ctx, path, picture_kind(b, n), json);
    } else if (series_are(path)) {
        show_series(ctx, path, json);
    } else if (is_volume(path)) {
        show_volume(ctx, path, json);
    } else if (folder_is_sound(path) || is_sound(b, n)) {
        show_sound(ctx, path, json);
    } else if (n >= 6 && !memcmp(b, "\x93NUMPY", 6)) {
        kind = "npy";
        t = jd_npy_open(ctx, path);
    } else if (n >= 4 && !memcmp(b, "PK", 2)) {
        kind = "npz";
        t = jd_npz_open(ctx, path);
    } else if (n >= 9 && b[8] == '{') {
        t = jd_safetensors_open(ctx, path);
    } else if (n >= 4 && !b[0] && !b[1]) {
        show_idx(ctx, path, json);
    } else if (strstr(path, "tfevents")) {
        show_events(ctx, path, json);
    } else if (inspect_text(ctx, path, b, n, json)) {
        ; /* it was said */
    } else if (separator_of(b, n)) {
        show_csv(ctx, path, separator_of(b, n), json);
    } else if (!inspect_table(ctx, path, json) && !jd_error(ctx)) {
        jd_fail(ctx, JD_EDATA,
                "%s: not a format that is known here: safetensors, npy, npz, IDX, PNG, JPEG, WebP, BMP, GIF, TIFF, "
                "PGM, PPM, WAV, AIFF, AU, FLAC, Ogg, MP3, MIDI, NIfTI, ink, FASTA, ARPA, time series (.ts), tables, "
                "TensorBoard events",
                path);
    }
    if (t) show_tensors(t, kind, json);
    jd_tensor_file_close(t);
}

int cmd_inspect(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    for (int i = 0; i < a.n && !jd_error(ctx); i++) {
        if (a.n > 1 && !cli_has(&a, "json")) printf("%s: ", a.rest[i]);
        inspect(ctx, a.rest[i], cli_has(&a, "json"));
    }
    return cli_end("inspect", ctx);
}
