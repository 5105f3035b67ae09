/*
 * safetensors.c - reading safetensors files.
 *
 * The header is cut into its members here, and each key and value is then given to the JSON parser alone: a header of
 * 100 MB then needs no tree of a gigabyte, and every check has a byte offset to name.
 */
#include "io/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/ctx.h"
#include "base/given.h"
#include "base/limits.h"

enum { LONGEST_TENSOR_JSON = 1 << 16 };

/* A tensor while the file is being checked. */
typedef struct item {
    uint64_t begin, end; /* data_offsets */
    uint64_t bits;       /* per element */
    jd_tensor_entry t;
} item;

typedef struct reader {
    jd_ctx *ctx;
    const char *name;
    char *header; /* (length + 1) */
    uint64_t length;
    uint64_t data_bytes; /* what follows the header */
    item *items;
    size_t count;
    jd_tensor_file *file;
    char *strings, *strings_end; /* where the next string goes; each one is shorter than its JSON spelling */
    bool has_metadata;
} reader;

static jd_status bad(reader *r, const char *at, const char *field, const char *what)
{
    return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: %s: %s", r->name, (size_t)(at - r->header) + 8, field, what);
}

/* ---- cutting an object into members ---- */
typedef struct member {
    const char *key, *value;
    size_t key_bytes, value_bytes; /* the key with its quotes */
} member;

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return p;
}

/* p stands on the opening quote; returns the place after the closing one, NULL if there is none. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"') return p + 1;
        if (*p == '\\') p++;
    }
    return NULL;
}

/* The place after one JSON value, NULL if it does not end or is nested too deeply.  What is inside is checked later. */
static const char *skip_value(const char *p, const char *end)
{
    int depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            if (!p) return NULL;
        } else if (*p == '{' || *p == '[') {
            if (++depth >= JD_LIMIT_NESTING) return NULL;
            p++;
        } else if (*p == '}' || *p == ']') {
            if (--depth < 0) return NULL;
            p++;
        } else if (depth == 0) {
            /* A number or a literal. */
            const char *start = p;
            while (p < end && !strchr(",}] \t\n\r\"[{", *p)) p++;
            return p > start ? p : NULL;
        } else {
            p++;
        }
        if (depth == 0) return p;
    }
    return NULL;
}

/* Takes the next member of an object.  *p stands after '{' or after a member; returns 1, 0 at '}' (then *p stands after
 * it), or -1 with an error. */
static int next_member(reader *r, const char **p, const char *end, bool first, member *m)
{
    const char *q = skip_space(*p, end);
    if (q < end && *q == '}') {
        *p = q + 1;
        return 0;
    }
    if (!first) {
        if (q >= end || *q != ',') return bad(r, q, "header", "',' or '}' expected"), -1;
        q = skip_space(q + 1, end);
    }
    if (q >= end || *q != '"') return bad(r, q, "header", "a name in quotes expected"), -1;
    m->key = q;
    q = skip_string(q, end);
    if (!q) return bad(r, m->key, "header", "a name without closing quote"), -1;
    m->key_bytes = (size_t)(q - m->key);
    q = skip_space(q, end);
    if (q >= end || *q != ':') return bad(r, q, "header", "':' expected"), -1;
    m->value = q = skip_space(q + 1, end);
    q = skip_value(q, end);
    if (!q) return bad(r, m->value, "header", "a value that does not end, or is nested deeper than 64"), -1;
    m->value_bytes = (size_t)(q - m->value);
    *p = q;
    return 1;
}

/* ---- values ---- */
static json_t *parse(reader *r, const char *text, size_t bytes)
{
    json_error_t error;
    errno = 0;
    json_t *j = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!jd__library_failed(r->ctx, r->name, "jansson") && j) return j;
    json_decref(j);
    bad(r, text + (error.position > 0 ? error.position : 0), "header", error.text);
    return NULL;
}

/* Parses a string and keeps it in the file's strings. */
static const char *keep_string(reader *r, const char *text, size_t bytes, const char *field)
{
    json_t *j = parse(r, text, bytes);
    if (!j) return NULL;
    const char *kept = NULL;
    if (!json_is_string(j)) {
        bad(r, text, field, "must be a string");
    } else {
        const size_t n = json_string_length(j) + 1;
        if (n > (size_t)(r->strings_end - r->strings)) {
            bad(r, text, field, "longer than its own spelling");
        } else {
            kept = memcpy(r->strings, json_string_value(j), n);
            r->strings += n;
        }
    }
    json_decref(j);
    return kept;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const jd_metadata *)a)->key, ((const jd_metadata *)b)->key);
}

static jd_status read_metadata(reader *r, const member *whole)
{
    if (r->has_metadata) return bad(r, whole->key, "__metadata__", "is there twice");
    r->has_metadata = true;
    if (*whole->value != '{') return bad(r, whole->value, "__metadata__", "must be an object");
    if (whole->value_bytes > JD_LIMIT_METADATA)
        return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: __metadata__: %zu bytes, the limit is %" PRIu64, r->name,
                       (size_t)(whole->value - r->header) + 8, whole->value_bytes, JD_LIMIT_METADATA);
    const char *end = whole->value + whole->value_bytes;
    member m;
    size_t n = 0;
    int got;
    for (const char *p = whole->value + 1; (got = next_member(r, &p, end, n == 0, &m)) == 1;) n++;
    if (got < 0) return jd_error(r->ctx);
    jd_tensor_file *f = r->file;
    f->meta = jd_alloc_array(r->ctx, n, sizeof *f->meta);
    if (!f->meta) return jd_error(r->ctx);
    for (const char *p = whole->value + 1; next_member(r, &p, end, f->metas == 0, &m) == 1; f->metas++) {
        jd_metadata *pair = &f->meta[f->metas];
        pair->key = keep_string(r, m.key, m.key_bytes, "__metadata__");
        pair->value = pair->key ? keep_string(r, m.value, m.value_bytes, "__metadata__") : NULL;
        if (!pair->value) return jd_error(r->ctx);
    }
    if (n) qsort(f->meta, n, sizeof *f->meta, by_key);
    for (size_t i = 1; i < n; i++)
        if (!strcmp(f->meta[i - 1].key, f->meta[i].key)) return bad(r, whole->value, "__metadata__", "has a key twice");
    return JD_OK;
}

static const struct {
    const char *name;
    unsigned bits;
    jd_file_dtype type;
} dtypes[] = {
    {"F32", 32, JD_FILE_F32},          {"F64", 64, JD_FILE_F64},      {"F16", 16, JD_FILE_F16},
    {"BF16", 16, JD_FILE_BF16},        {"I8", 8, JD_FILE_I8},         {"U8", 8, JD_FILE_U8},
    {"I16", 16, JD_FILE_I16},          {"I32", 32, JD_FILE_I32},      {"I64", 64, JD_FILE_I64},
    {"BOOL", 8, JD_FILE_BOOL},         {"U16", 16, JD_FILE_OTHER},    {"U32", 32, JD_FILE_OTHER},
    {"U64", 64, JD_FILE_OTHER},        {"C64", 64, JD_FILE_OTHER},    {"F8_E5M2", 8, JD_FILE_OTHER},
    {"F8_E4M3", 8, JD_FILE_OTHER},     {"F8_E8M0", 8, JD_FILE_OTHER}, {"F8_E4M3FNUZ", 8, JD_FILE_OTHER},
    {"F8_E5M2FNUZ", 8, JD_FILE_OTHER}, {"F6_E2M3", 6, JD_FILE_OTHER}, {"F6_E3M2", 6, JD_FILE_OTHER},
    {"F4", 4, JD_FILE_OTHER},
};

static jd_status read_dtype(reader *r, const member *m, const json_t *j, item *it)
{
    const char *name = json_string_value(j);
    if (!name) return bad(r, m->value, "dtype", "is missing or not a string");
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(name, dtypes[i].name)) {
            it->bits = dtypes[i].bits;
            it->t.dtype = dtypes[i].type;
            it->t.stored = dtypes[i].name;
            return JD_OK;
        }
    return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: dtype: \"%.40s\" is not a type of the format", r->name,
                   (size_t)(m->value - r->header) + 8, name);
}

/* An integer without sign, fraction or exponent; the parser itself refuses what exceeds 63 bits. */
static jd_status read_integer(reader *r, const member *m, const json_t *j, const char *field, uint64_t *out)
{
    if (!json_is_integer(j)) return bad(r, m->value, field, "must hold whole numbers only");
    *out = (uint64_t)json_integer_value(j); /* a description with a '-' was refused before */
    return JD_OK;
}

static jd_status read_shape(reader *r, const member *m, const json_t *shape, item *it)
{
    if (!json_is_array(shape)) return bad(r, m->value, "shape", "is missing or not an array");
    if (json_array_size(shape) > JD_LIMIT_RANK)
        return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: shape: rank %zu, the limit is %d", r->name,
                       (size_t)(m->value - r->header) + 8, json_array_size(shape), JD_LIMIT_RANK);
    it->t.rank = (int)json_array_size(shape);
    for (int i = 0; i < it->t.rank; i++) {
        uint64_t d = 0;
        if (read_integer(r, m, json_array_get(shape, (size_t)i), "shape", &d)) return jd_error(r->ctx);
        if (d > JD_LIMIT_MODEL_DIM)
            return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: shape: dimension %d is %" PRIu64 ", the limit is %" PRIu64,
                           r->name, (size_t)(m->value - r->header) + 8, i, d, JD_LIMIT_MODEL_DIM);
        it->t.dim[i] = (int64_t)d;
    }
    return JD_OK;
}

static jd_status read_tensor(reader *r, const member *m, const char *name)
{
    const size_t n = strlen(name);
    if (n < 1 || n > JD_LIMIT_NAME)
        return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: a name of %zu bytes, it must have 1 to %" PRIu64, r->name,
                       (size_t)(m->key - r->header) + 8, n, JD_LIMIT_NAME);
    if (m->value_bytes > LONGEST_TENSOR_JSON)
        return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: the description of one tensor has %zu bytes, the limit is %d",
                       r->name, (size_t)(m->value - r->header) + 8, m->value_bytes, LONGEST_TENSOR_JSON);
    item *it = &r->items[r->count];
    it->t.name = name;
    json_t *j = parse(r, m->value, m->value_bytes);
    if (!j) return jd_error(r->ctx);
    const json_t *offsets = json_object_get(j, "data_offsets");
    jd_status status = JD_OK;
    if (!json_is_object(j))
        status = bad(r, m->value, "header", "a tensor's description must be an object");
    else if (memchr(m->value, '-', m->value_bytes))
        status = bad(r, m->value, "header", "no number of a tensor's description may be negative"); /* not even -0 */
    if (!status) status = read_dtype(r, m, json_object_get(j, "dtype"), it);
    if (!status) status = read_shape(r, m, json_object_get(j, "shape"), it);
    if (!status && json_array_size(offsets) != 2)
        status = bad(r, m->value, "data_offsets", "must be an array of two whole numbers");
    if (!status) status = read_integer(r, m, json_array_get(offsets, 0), "data_offsets", &it->begin);
    if (!status) status = read_integer(r, m, json_array_get(offsets, 1), "data_offsets", &it->end);
    if (!status && json_object_size(j) != 3)
        status = bad(r, m->value, "header", "a tensor has dtype, shape and data_offsets, and nothing else");
    json_decref(j);
    if (!status) r->count++;
    return status;
}

static jd_status read_members(reader *r)
{
    const char *end = r->header + r->length, *p = r->header + 1;
    member m;
    size_t n = 0;
    int got;
    while ((got = next_member(r, &p, end, n == 0, &m)) == 1)
        if (++n > JD_LIMIT_TENSORS + 1)
            return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: more than %" PRIu64 " tensors", r->name,
                           (size_t)(m.key - r->header) + 8, JD_LIMIT_TENSORS);
    if (got < 0) return jd_error(r->ctx);
    for (; p < end; p++)
        if (*p != ' ') return bad(r, p, "header", "something follows the JSON object");
    r->items = jd_alloc_array(r->ctx, n, sizeof *r->items);
    r->file->strings = r->strings = jd_alloc(r->ctx, (size_t)r->length + 1);
    if (!r->items || !r->strings) return jd_error(r->ctx);
    r->strings_end = r->strings + r->length + 1;
    p = r->header + 1;
    for (size_t i = 0; i < n && next_member(r, &p, end, i == 0, &m) == 1; i++) {
        const char *name = keep_string(r, m.key, m.key_bytes, "header");
        if (!name || (strcmp(name, "__metadata__") ? read_tensor(r, &m, name) : read_metadata(r, &m)))
            return jd_error(r->ctx);
    }
    return JD_OK;
}

/* ---- layout ---- */
static int by_offset(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->t.name, y->t.name);
}

static jd_status check_layout(reader *r)
{
    if (r->count) qsort(r->items, r->count, sizeof *r->items, by_offset);
    uint64_t at = 0;
    for (size_t i = 0; i < r->count; i++) {
        const item *it = &r->items[i];
        if (it->begin != at || it->end < it->begin)
            return jd_fail(r->ctx, JD_EDATA,
                           "%s: tensor \"%.200s\": data_offsets [%" PRIu64 ", %" PRIu64 "]: must begin at %" PRIu64
                           ", where the tensor before it ends, and not end before they begin",
                           r->name, it->t.name, it->begin, it->end, at);
        at = it->end;
    }
    for (size_t i = 0; i < r->count; i++) {
        item *it = &r->items[i];
        uint64_t bits;
        if (!jd__tensor_bytes(it->t.rank, it->t.dim, (size_t)it->bits, &bits) || bits % 8 ||
            bits / 8 != it->end - it->begin || bits / 8 > JD_LIMIT_TENSOR_BYTES)
            return jd_fail(r->ctx, JD_EDATA,
                           "%s: tensor \"%.200s\": data_offsets hold %" PRIu64
                           " bytes, but shape and type %s need %s%" PRIu64 " bits",
                           r->name, it->t.name, it->end - it->begin, it->t.stored, bits == UINT64_MAX ? "over " : "",
                           bits);
        it->t.bytes = bits / 8;
    }
    if (at != r->data_bytes)
        return jd_fail(r->ctx, JD_EDATA,
                       "%s: byte %" PRIu64 ": the tensors need %" PRIu64 " bytes of data, the file has %" PRIu64,
                       r->name, r->length + 8, at, r->data_bytes);
    return JD_OK;
}

/* ---- checksums ---- */
uint64_t jd__safetensors_header_hash(const char *header, size_t bytes, const char *digits)
{
    if (!digits) return XXH3_64bits(header, bytes);
    XXH3_state_t state;
    const size_t before = (size_t)(digits - header);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, header, before);
    XXH3_64bits_update(&state, "0000000000000000", 16);
    XXH3_64bits_update(&state, digits + 16, bytes - before - 16);
    return XXH3_64bits_digest(&state);
}

const char *jd__safetensors_header_digits(const char *header, size_t bytes)
{
    /* Inside a string these quotes would be written \", so the first match is the key. */
    static const char key[] = "\"jackdaw.xxh3.header\":\"";
    const char *at = memmem(header, bytes, key, sizeof key - 1);
    if (!at) return NULL;
    at += sizeof key - 1;
    return (size_t)(header + bytes - at) >= 16 ? at : NULL;
}

static jd_status check_sum(reader *r, const char *key, uint64_t hash)
{
    const char *stored = jd_tensor_file_meta(r->file, key);
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    if (stored && strcmp(stored, text))
        return jd_fail(r->ctx, JD_EDATA, "%s: %s: the file says %.40s, its contents have %s; the file is damaged",
                       r->name, key, stored, text);
    return JD_OK;
}

static jd_status check_sums(reader *r, const void *data)
{
    jd_status status = JD_OK;
    if (jd_tensor_file_meta(r->file, "jackdaw.xxh3"))
        status = check_sum(r, "jackdaw.xxh3", XXH3_64bits(data, (size_t)r->data_bytes));
    if (!status && jd_tensor_file_meta(r->file, "jackdaw.xxh3.header")) {
        const char *digits = jd__safetensors_header_digits(r->header, (size_t)r->length);
        status = check_sum(r, "jackdaw.xxh3.header", jd__safetensors_header_hash(r->header, (size_t)r->length, digits));
    }
    return status;
}

/* ---- putting it together ---- */
static jd_status read_header(reader *r, const jd_input *in)
{
    if (in->size < 8)
        return jd_fail(r->ctx, JD_EDATA, "%s: byte 0: %" PRIu64 " bytes, a safetensors file has at least 8", r->name,
                       in->size);
    unsigned char length[8];
    if (jd__input_read(in, 0, length, 8)) return jd_error(r->ctx);
    r->length = jd__le64(length);
    if (r->length > JD_LIMIT_ST_HEADER || r->length > in->size - 8 || r->length < 2)
        return jd_fail(r->ctx, JD_EDATA,
                       "%s: byte 0: header length %" PRIu64 ", but %" PRIu64 " bytes follow and the limit is %" PRIu64
                       "; is this a safetensors file?",
                       r->name, r->length, in->size - 8, JD_LIMIT_ST_HEADER);
    r->data_bytes = in->size - 8 - r->length;
    r->header = jd_alloc(r->ctx, (size_t)r->length + 1);
    if (!r->header || jd__input_read(in, 8, r->header, (size_t)r->length)) return jd_error(r->ctx);
    if (!jd__utf8_valid(r->header, (size_t)r->length)) return bad(r, r->header, "header", "is not UTF-8");
    if (r->header[0] != '{') return bad(r, r->header, "header", "must begin with '{'");
    return JD_OK;
}

/* Gives every readable tensor its data; one that does not lie on a multiple of its element size is copied. */
static jd_status place_tensors(reader *r, unsigned char *data)
{
    jd_tensor_file *f = r->file;
    f->entry = jd_alloc_array(r->ctx, r->count, sizeof *f->entry);
    if (!f->entry) return jd_error(r->ctx);
    f->count = r->count;
    size_t moved = 0;
    for (size_t i = 0; i < r->count; i++) {
        const item *it = &r->items[i];
        f->entry[i] = it->t;
        const size_t size = jd_file_dtype_size(it->t.dtype);
        if (size && it->begin % size)
            moved += ((size_t)it->t.bytes + 7) & ~(size_t)7;
        else if (size)
            f->entry[i].data = data + it->begin;
    }
    if (!moved) return JD_OK;
    unsigned char *to = f->block[1] = jd_alloc(r->ctx, moved);
    if (!to) return jd_error(r->ctx);
    for (size_t i = 0; i < r->count; i++) {
        const item *it = &r->items[i];
        const size_t bytes = (size_t)it->t.bytes;
        if (f->entry[i].data || it->t.dtype == JD_FILE_OTHER) continue;
        f->entry[i].data = memcpy(to, data + it->begin, bytes);
        to += (bytes + 7) & ~(size_t)7;
    }
    return JD_OK;
}

static jd_status read_file(reader *r, const jd_input *in)
{
    if (read_header(r, in) || read_members(r) || check_layout(r)) return jd_error(r->ctx);
    unsigned char *data = r->file->block[0] = jd_alloc(r->ctx, (size_t)r->data_bytes);
    if (!data || jd__input_read(in, 8 + r->length, data, (size_t)r->data_bytes)) return jd_error(r->ctx);
    if (check_sums(r, data) || place_tensors(r, data)) return jd_error(r->ctx);
    return jd__tensor_file_index(r->file);
}

static jd_tensor_file *read_safetensors(const jd_input *in)
{
    reader r = {.ctx = in->ctx, .name = in->name, .file = jd__tensor_file_new(in->ctx, in->name, 2)};
    if (r.file && read_file(&r, in)) {
        jd_tensor_file_close(r.file);
        r.file = NULL;
    }
    jd_free(in->ctx, r.items);
    jd_free(in->ctx, r.header);
    return r.file;
}

jd_tensor_file *jd_safetensors_open(jd_ctx *ctx, const char *path)
{
    if (!jd__given(ctx, __func__, "path", path)) return NULL;
    jd_input in;
    if (jd__input_open(&in, ctx, path)) return NULL;
    jd_tensor_file *f = read_safetensors(&in);
    jd__input_close(&in);
    return f;
}

jd_tensor_file *jd_safetensors_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes)
{
    if (!jd__given(ctx, __func__, "data", data)) return NULL;
    if (jd_error(ctx)) return NULL;
    jd_input in;
    jd__input_memory(&in, ctx, name, data, bytes);
    return read_safetensors(&in);
}
