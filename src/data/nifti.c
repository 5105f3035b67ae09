/* Volumes in NIfTI-1 files, read and written. */
#include <math.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#include "base/given.h"
#include "data/stream.h"
#include "data/volume.h"

enum { HEADER = 348, DATA_AT = 352, PIECE = 1 << 16 };

/* Offsets in the header (nifti1.h of the standard). */
enum {
    AT_DIM = 40,
    AT_TYPE = 70,
    AT_BITS = 72,
    AT_PIXDIM = 76,
    AT_VOX_OFFSET = 108,
    AT_SLOPE = 112,
    AT_INTER = 116,
    AT_UNITS = 123,
    AT_QFORM = 252,
    AT_SFORM = 254,
    AT_QUATERN = 256,
    AT_QOFFSET = 268,
    AT_SROW = 280,
    AT_MAGIC = 344
};

static const struct {
    int code, bytes;
    const char *name;
} TYPE[] = {{2, 1, "uint8"},  {4, 2, "int16"},    {8, 4, "int32"},    {16, 4, "float32"}, {64, 8, "float64"},
            {256, 1, "int8"}, {512, 2, "uint16"}, {768, 4, "uint32"}, {1024, 8, "int64"}, {1280, 8, "uint64"}};
enum { TYPES = sizeof TYPE / sizeof *TYPE };

typedef struct header {
    const uint8_t *p;
    bool big;  /* byte order of the file */
    bool pair; /* the voxels stand in a file of their own */
    int type;  /* index into TYPE */
    uint64_t data_at;
    double slope, inter;
} header;

static uint64_t bits_at(const uint8_t *p, int bytes, bool big)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++) x |= (uint64_t)p[big ? bytes - 1 - i : i] << (8 * i);
    return x;
}
static int16_t short_at(const header *h, int at)
{
    return (int16_t)bits_at(h->p + at, 2, h->big);
}
static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static float float_at(const header *h, int at)
{
    return float_of((uint32_t)bits_at(h->p + at, 4, h->big));
}

/* One voxel as it stands in the file. */
static double value_at(const uint8_t *p, int code, bool big)
{
    switch (code) {
    case 2: return p[0];
    case 256: return (int8_t)p[0];
    case 4: return (int16_t)bits_at(p, 2, big);
    case 512: return (uint16_t)bits_at(p, 2, big);
    case 8: return (int32_t)bits_at(p, 4, big);
    case 768: return (uint32_t)bits_at(p, 4, big);
    case 1024: return (double)(int64_t)bits_at(p, 8, big);
    case 1280: return (double)bits_at(p, 8, big);
    case 16: return (double)float_of((uint32_t)bits_at(p, 4, big));
    default: {
        const uint64_t bits = bits_at(p, 8, big);
        double x;
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    }
}

static jd_status wrong(jd_ctx *ctx, const char *path, int at, const char *what)
{
    return jd_fail(ctx, JD_EDATA, "%s: byte %d: %s", path, at, what);
}

/* What other programs call volumes: what the file begins with. */
static const char *other_kind(const uint8_t *p)
{
    static const struct {
        int at, bytes;
        const char *head, *what;
    } other[] = {{0, 4, "\x1c\x02\0\0", "a NIfTI-2 file"},
                 {0, 4, "\0\0\x02\x1c", "a NIfTI-2 file"},
                 {0, 4, "\0\0\0\x01", "a FreeSurfer volume (mgh, mgz)"},
                 {0, 4, "NRRD", "an NRRD file"},
                 {0, 10, "ObjectType", "a MetaImage file"},
                 {0, 4, "CDF\x01", "a MINC file"},
                 {0, 4, "\x89HDF", "an HDF5 or MINC file"},
                 {128, 4, "DICM", "one slice in DICOM"}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (memcmp(p + other[i].at, other[i].head, (size_t)other[i].bytes) == 0) return other[i].what;
    return NULL;
}

static jd_status check_kind(jd_ctx *ctx, const char *path, header *h)
{
    const char *other = other_kind(h->p);
    if (other)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: byte 0: this is %s; write it as NIfTI-1, for which python3-nibabel, dcm2niix and most viewers "
            "can serve",
            path, other);
    h->big = bits_at(h->p, 4, true) == HEADER;
    if (!h->big && bits_at(h->p, 4, false) != HEADER)
        return wrong(ctx, path, 0, "no NIfTI-1 header (its first number is not 348); this is no NIfTI-1 file");
    h->pair = memcmp(h->p + AT_MAGIC, "ni1", 4) == 0;
    if (!h->pair && memcmp(h->p + AT_MAGIC, "n+1", 4) != 0)
        return wrong(ctx, path, AT_MAGIC,
                     "no mark \"n+1\"; an ANALYZE header or a damaged one, write the volume as NIfTI-1");
    return JD_OK;
}

static jd_status check_type(jd_ctx *ctx, const char *path, header *h)
{
    const int code = short_at(h, AT_TYPE), bits = short_at(h, AT_BITS);
    for (h->type = 0; h->type < TYPES && TYPE[h->type].code != code;) h->type++;
    if (h->type == TYPES)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte %d: voxels of type %d, which are not read; convert them to float32 (complex or "
                       "coloured voxels hold more than one number)",
                       path, AT_TYPE, code);
    if (bits != 8 * TYPE[h->type].bytes)
        return jd_fail(ctx, JD_EDATA, "%s: byte %d: %d bits a voxel, but %s has %d; the header is damaged", path,
                       AT_BITS, bits, TYPE[h->type].name, 8 * TYPE[h->type].bytes);
    return JD_OK;
}

/* The extents, none of which may be larger than what the file can hold. */
static jd_status check_size(jd_ctx *ctx, const char *path, header *h, uint64_t bound, jd_volume *v)
{
    const int rank = short_at(h, AT_DIM);
    int64_t n[8] = {0, 1, 1, 1, 1, 1, 1, 1};
    uint64_t voxels = 1;
    if (rank < 1 || rank > 7)
        return jd_fail(ctx, JD_EDATA, "%s: byte %d: %d dimensions; 1 to 7, the header is damaged", path, AT_DIM, rank);
    for (int i = 1; i <= rank; i++) {
        n[i] = short_at(h, AT_DIM + 2 * i);
        if (n[i] < 1)
            return jd_fail(ctx, JD_EDATA, "%s: byte %d: extent %d is %lld; the header is damaged", path, AT_DIM + 2 * i,
                           i, (long long)n[i]);
        voxels *= (uint64_t)n[i]; /* at most 2^15 times 2^28 */
        if (voxels > JD_LIMIT_VOXELS)
            return jd_fail(ctx, JD_EDATA, "%s: byte %d: more than %u voxels; cut the volume first", path, AT_DIM,
                           JD_LIMIT_VOXELS);
    }
    const float at = float_at(h, AT_VOX_OFFSET);
    const int least = h->pair ? 0 : DATA_AT;
    if (!(at >= (float)least && at <= 1e6f) || at != floorf(at))
        return jd_fail(ctx, JD_EDATA, "%s: byte %d: voxels from byte %g; %d or more, the header is damaged", path,
                       AT_VOX_OFFSET, (double)at, least);
    h->data_at = (uint64_t)at;
    if (h->data_at + voxels * (uint64_t)TYPE[h->type].bytes > bound)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte %d: %llu voxels of %s cannot stand in this file; it is cut off, or the header is "
                       "damaged",
                       path, AT_DIM, (unsigned long long)voxels, TYPE[h->type].name);
    v->width = n[1];
    v->height = n[2];
    v->depth = n[3];
    v->frames = n[4] * n[5] * n[6] * n[7];
    return JD_OK;
}

static void read_space(header *h, jd_volume_space *s)
{
    s->qfac = float_at(h, AT_PIXDIM) < 0 ? -1 : 1;
    for (int i = 0; i < 3; i++) s->step[i] = float_at(h, AT_PIXDIM + 4 + 4 * i);
    for (int i = 0; i < 3; i++) s->quatern[i] = float_at(h, AT_QUATERN + 4 * i);
    for (int i = 0; i < 3; i++) s->offset[i] = float_at(h, AT_QOFFSET + 4 * i);
    for (int i = 0; i < 12; i++) s->srow[i] = float_at(h, AT_SROW + 4 * i);
    s->units = h->p[AT_UNITS];
    s->qform = short_at(h, AT_QFORM);
    s->sform = short_at(h, AT_SFORM);
    /* A slope of 0 says that there is no scaling. */
    h->slope = (double)float_at(h, AT_SLOPE);
    h->inter = (double)float_at(h, AT_INTER);
    if (h->slope == 0 || !isfinite(h->slope) || !isfinite(h->inter)) {
        h->slope = 1;
        h->inter = 0;
    }
}

static jd_status read_exactly(jd_ctx *ctx, jd__stream *s, const char *path, void *to, size_t n, const char *what)
{
    size_t got;
    if (jd__stream_read(s, to, n, &got)) return jd_error(ctx);
    if (got == n) return JD_OK;
    return jd_fail(ctx, JD_EDATA, "%s: the file ends within %s; it is cut off, fetch it again", path, what);
}

static jd_status read_voxels(jd_ctx *ctx, jd__stream *s, const char *path, const header *h, jd_volume *v)
{
    uint8_t *piece = jd_alloc(ctx, PIECE);
    const size_t bytes = (size_t)TYPE[h->type].bytes, n = (size_t)(v->frames * v->depth * v->height * v->width);
    for (uint64_t left = h->data_at - (h->pair ? 0 : HEADER); left > 0 && piece;) {
        const size_t take = left < PIECE ? (size_t)left : PIECE;
        if (read_exactly(ctx, s, path, piece, take, "its extensions")) break;
        left -= take;
    }
    if (!jd_error(ctx)) v->voxels = jd_alloc_array(ctx, n, sizeof *v->voxels);
    for (size_t at = 0; at < n && v->voxels;) {
        const size_t take = n - at < PIECE / bytes ? n - at : PIECE / bytes;
        if (read_exactly(ctx, s, path, piece, take * bytes, "the voxels")) break;
        for (size_t i = 0; i < take; i++)
            v->voxels[at + i] = (float)(h->slope * value_at(piece + i * bytes, TYPE[h->type].code, h->big) + h->inter);
        at += take;
    }
    jd_free(ctx, piece);
    return jd_error(ctx) ? jd_error(ctx) : jd__stream_end(s);
}

/* A path that ends in one of the pair's names, with the other's; gzip-ed where only that is there.  For jd_free. */
static char *beside(jd_ctx *ctx, const char *path, const char *ending, const char *other)
{
    size_t n = strlen(path);
    if (n > 3 && !strcasecmp(path + n - 3, ".gz")) n -= 3;
    if (n <= 4 || strncasecmp(path + n - 4, ending, 4) != 0) return jd_strdup(ctx, path);
    char *plain = jd_asprintf(ctx, "%.*s%s", (int)n - 4, path, other);
    if (!plain || !access(plain, F_OK)) return plain;
    char *packed = jd_asprintf(ctx, "%s.gz", plain);
    if (packed && access(packed, F_OK)) return jd_free(ctx, packed), plain;
    jd_free(ctx, plain);
    return packed;
}

/* Opens what holds the voxels: the header's file, of which the header was read, or the other of the pair. */
static jd__stream *open_voxels(jd_ctx *ctx, const header *h, const char *head, jd__stream *s, char **path)
{
    *path = h->pair ? beside(ctx, head, ".hdr", ".img") : jd_strdup(ctx, head);
    if (!h->pair || !*path) return s;
    jd__stream_close(s);
    return jd__stream_open(ctx, *path);
}

jd_status jd_read_nifti(jd_ctx *ctx, const char *path, jd_volume *out)
{
    uint8_t bytes[HEADER];
    header h = {.p = bytes};
    jd_volume v = {0};
    if (!jd__given(ctx, __func__, "path", path) || jd_error(ctx)) return jd_error(ctx);
    char *head = beside(ctx, path, ".img", ".hdr"), *data = NULL;
    jd__stream *s = head ? jd__stream_open(ctx, head) : NULL;
    if (s && !read_exactly(ctx, s, head, bytes, HEADER, "the NIfTI-1 header") && !check_kind(ctx, head, &h) &&
        !check_type(ctx, head, &h) && (s = open_voxels(ctx, &h, head, s, &data)) != NULL && data &&
        !check_size(ctx, head, &h, jd__stream_bound(s), &v)) {
        read_space(&h, &v.space);
        read_voxels(ctx, s, data, &h, &v);
    }
    if (s) jd__stream_close(s);
    jd_free(ctx, head);
    jd_free(ctx, data);
    if (jd_error(ctx))
        jd_volume_free(ctx, &v);
    else
        *out = v;
    return jd_error(ctx);
}

/* ---- writing --------------------------------------------------------------------------------------------------------------*/

static void put(uint8_t *p, int bytes, uint64_t x)
{
    for (int i = 0; i < bytes; i++) p[i] = (uint8_t)(x >> (8 * i));
}
static void put_float(uint8_t *p, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    put(p, 4, bits);
}

static void write_header(uint8_t *p, const jd_volume *v, jd_nifti_type type, int bytes)
{
    const jd_volume_space *s = &v->space;
    const bool known = s->step[0] != 0;
    const int64_t dim[8] = {v->frames > 1 ? 4 : 3, v->width, v->height, v->depth, v->frames, 1, 1, 1};
    put(p, 4, HEADER);
    for (int i = 0; i < 8; i++) put(p + AT_DIM + 2 * i, 2, (uint64_t)dim[i]);
    put(p + AT_TYPE, 2, (uint64_t)type);
    put(p + AT_BITS, 2, (uint64_t)(8 * bytes));
    put_float(p + AT_PIXDIM, known ? s->qfac : 1);
    for (int i = 0; i < 3; i++) put_float(p + AT_PIXDIM + 4 + 4 * i, known ? s->step[i] : 1);
    put_float(p + AT_PIXDIM + 16, 1);
    put_float(p + AT_VOX_OFFSET, DATA_AT);
    put_float(p + AT_SLOPE, 1);
    p[AT_UNITS] = (uint8_t)s->units;
    put(p + AT_QFORM, 2, (uint64_t)s->qform);
    put(p + AT_SFORM, 2, (uint64_t)s->sform);
    for (int i = 0; i < 3; i++) put_float(p + AT_QUATERN + 4 * i, s->quatern[i]);
    for (int i = 0; i < 3; i++) put_float(p + AT_QOFFSET + 4 * i, s->offset[i]);
    for (int i = 0; i < 12; i++) put_float(p + AT_SROW + 4 * i, s->srow[i]);
    memcpy(p + AT_MAGIC, "n+1", 4);
}

static jd_status write_voxels(jd_ctx *ctx, const char *path, const jd_volume *v, size_t n, jd_nifti_type type,
                              uint8_t *p)
{
    const double low = type == JD_NIFTI_U8 ? 0 : INT16_MIN, high = type == JD_NIFTI_U8 ? UINT8_MAX : INT16_MAX;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)v->voxels[i];
        if (type == JD_NIFTI_F32) {
            put_float(p + 4 * i, v->voxels[i]);
            continue;
        }
        if (!(x >= low && x <= high) || x != floor(x))
            return jd_fail(ctx, JD_EUSAGE, "%s: voxel %zu is %g, which is no whole number from %g to %g; write float32",
                           path, i, x, low, high);
        if (type == JD_NIFTI_U8)
            p[i] = (uint8_t)x;
        else
            put(p + 2 * i, 2, (uint64_t)(int64_t)x);
    }
    return JD_OK;
}

/* The whole file gzip-ed: without name and time, so that the same volume gives the same bytes. */
static jd_status write_gzip(jd_ctx *ctx, const char *path, const uint8_t *p, size_t bytes)
{
    z_stream z = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return jd_fail(ctx, JD_ENOMEM, "%s: no memory to compress; free some", path);
    const size_t room = deflateBound(&z, bytes);
    uint8_t *packed = jd_alloc(ctx, room);
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)bytes;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    if (packed && deflate(&z, Z_FINISH) != Z_STREAM_END)
        jd_fail(ctx, JD_EINTERNAL, "%s: zlib cannot compress %zu bytes", path, bytes);
    deflateEnd(&z);
    if (!jd_error(ctx)) jd_write_file(ctx, path, packed, (size_t)z.total_out);
    jd_free(ctx, packed);
    return jd_error(ctx);
}

jd_status jd_write_nifti(jd_ctx *ctx, const char *path, const jd_volume *v, jd_nifti_type type)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "v", v)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const int bytes = type == JD_NIFTI_U8 ? 1 : type == JD_NIFTI_I16 ? 2 : 4;
    const int64_t dim[4] = {v->frames, v->depth, v->height, v->width};
    uint64_t n = 1;
    for (int i = 0; i < 4; i++) {
        if (dim[i] < 1 || dim[i] > INT16_MAX || n > JD_LIMIT_VOXELS) n = JD_LIMIT_VOXELS + 1;
        n *= dim[i] > 0 ? (uint64_t)dim[i] : 1;
    }
    if (n > JD_LIMIT_VOXELS || !v->voxels || (type != JD_NIFTI_U8 && type != JD_NIFTI_I16 && type != JD_NIFTI_F32))
        return jd_fail(ctx, JD_EUSAGE,
                       "%s: a volume of %lld x %lld x %lld x %lld, type %d; extents from 1 to 32767, at most %u "
                       "voxels, and one of the jd_nifti_type",
                       path, (long long)dim[0], (long long)dim[1], (long long)dim[2], (long long)dim[3], (int)type,
                       JD_LIMIT_VOXELS);
    const size_t all = DATA_AT + (size_t)n * (size_t)bytes, length = strlen(path);
    uint8_t *p = jd_alloc(ctx, all);
    if (!p) return jd_error(ctx);
    memset(p, 0, DATA_AT);
    write_header(p, v, type, bytes);
    if (!write_voxels(ctx, path, v, (size_t)n, type, p + DATA_AT)) {
        if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
            write_gzip(ctx, path, p, all);
        else
            jd_write_file(ctx, path, p, all);
    }
    jd_free(ctx, p);
    return jd_error(ctx);
}
