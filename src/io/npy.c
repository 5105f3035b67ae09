/*
 * npy.c - NumPy's array files.  Source: numpy/lib/_format_impl.py.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "base/file.h"
#include "base/limits.h"
#include "io/tensor_file.h"

static const char magic[6] = "\x93NUMPY";

static const struct {
    char code[3];
    jd_file_dtype type;
} descrs[] = {
    {"f4", JD_FILE_F32}, {"f8", JD_FILE_F64}, {"f2", JD_FILE_F16},  {"i1", JD_FILE_I8},
    {"u1", JD_FILE_U8},  {"i2", JD_FILE_I16}, {"i4", JD_FILE_I32},  {"i8", JD_FILE_I64},
    {"u2", JD_FILE_U16}, {"u4", JD_FILE_U32}, {"b1", JD_FILE_BOOL}, {"u8", JD_FILE_U64},
};

/* The header's dictionary while it is read. */
typedef struct parser {
    jd_ctx *ctx;
    const char *name, *start, *p, *end;
    size_t base; /* byte offset of start in the file */
    jd_tensor_entry *t;
    bool swap, fortran;
    size_t text;    /* characters of an element of text; 0: numbers */
    size_t element; /* bytes */
    bool has_descr, has_order, has_shape;
} parser;

static jd_status bad(parser *s, const char *field, const char *what)
{
    return jd_fail(s->ctx, JD_EDATA, "%s: byte %zu: %s: %s", s->name, s->base + (size_t)(s->p - s->start), field, what);
}

static void space(parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')) s->p++;
}

/* Takes the character c after space. */
static bool take(parser *s, char c)
{
    space(s);
    if (s->p >= s->end || *s->p != c) return false;
    s->p++;
    return true;
}

/* A string in either kind of quotes, without escapes; false if there is none. */
static bool take_string(parser *s, const char **text, size_t *n)
{
    space(s);
    if (s->p >= s->end || (*s->p != '\'' && *s->p != '"')) return false;
    const char quote = *s->p;
    const char *from = s->p + 1, *to = from;
    while (to < s->end && *to != quote && *to != '\\') to++;
    if (to >= s->end || *to != quote) return false;
    *text = from;
    *n = (size_t)(to - from);
    s->p = to + 1;
    return true;
}

/* "U12" or "S12": characters of 4 bytes, or bytes. */
static bool text_type(parser *s, const char *d, size_t n)
{
    size_t wide = 0;
    if (n < 3 || n > 9 || !strchr("<>|=", d[0]) || (d[1] != 'U' && d[1] != 'S')) return false;
    for (size_t i = 2; i < n; i++) {
        if (d[i] < '0' || d[i] > '9') return false;
        wide = 10 * wide + (size_t)(d[i] - '0');
    }
    if (!wide) return false;
    s->text = wide;
    s->element = d[1] == 'U' ? 4 * wide : wide;
    s->swap = d[0] == '>';
    s->t->dtype = JD_FILE_OTHER;
    s->t->stored = d[1] == 'U' ? "text" : "bytes of text";
    return true;
}

static jd_status read_descr(parser *s)
{
    const char *d;
    size_t n;
    space(s);
    if (s->p < s->end && *s->p == '[') return bad(s, "descr", "structured arrays are not read; save each field alone");
    if (!take_string(s, &d, &n)) return bad(s, "descr", "a string expected");
    if (n && d[n > 1] == 'O')
        return bad(s, "descr", "an object array holds a pickle, which would run code; save numbers instead");
    if (n == 3 && strchr("<>|=", d[0]))
        for (size_t i = 0; i < sizeof descrs / sizeof *descrs; i++)
            if (d[1] == descrs[i].code[0] && d[2] == descrs[i].code[1]) {
                if (d[0] == '|' && d[2] != '1') break;
                s->t->dtype = descrs[i].type;
                s->t->stored = jd_file_dtype_name(descrs[i].type);
                s->swap = d[0] == '>';
                s->element = jd_file_dtype_size(descrs[i].type);
                return JD_OK;
            }
    if (text_type(s, d, n)) return JD_OK;
    return jd_fail(s->ctx, JD_EDATA,
                   "%s: byte %zu: descr: type \"%.*s\" is not read; integers, floats of 2, 4 or 8 bytes, bool and "
                   "text are",
                   s->name, s->base + (size_t)(d - s->start), (int)(n < 40 ? n : 40), d);
}

static jd_status read_order(parser *s)
{
    space(s);
    const size_t left = (size_t)(s->end - s->p);
    s->fortran = left >= 4 && !memcmp(s->p, "True", 4);
    if (!s->fortran && (left < 5 || memcmp(s->p, "False", 5) != 0))
        return bad(s, "fortran_order", "True or False expected");
    s->p += s->fortran ? 4 : 5;
    return JD_OK;
}

static jd_status read_shape(parser *s)
{
    if (!take(s, '(')) return bad(s, "shape", "'(' expected");
    s->t->rank = 0;
    bool comma = true; /* one stood before: a number may follow */
    while (!take(s, ')')) {
        if (!comma) return bad(s, "shape", "',' or ')' expected");
        if (s->p >= s->end || *s->p < '0' || *s->p > '9') return bad(s, "shape", "a whole number expected");
        uint64_t d = 0;
        for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
            d = d * 10 + (uint64_t)(*s->p - '0');
            if (d > JD_LIMIT_DATA_DIM)
                return jd_fail(s->ctx, JD_EDATA,
                               "%s: byte %zu: shape: dimension %d is %" PRIu64 "..., the limit is %" PRIu64, s->name,
                               s->base + (size_t)(s->p - s->start), s->t->rank, d, JD_LIMIT_DATA_DIM);
        }
        if (s->p < s->end && *s->p == 'L') s->p++; /* Python 2's long integers */
        if (s->t->rank == JD_LIMIT_RANK) return bad(s, "shape", "more than 8 dimensions");
        s->t->dim[s->t->rank++] = (int64_t)d;
        comma = take(s, ',');
    }
    /* (5) is a number in Python, (5,) a tuple. */
    if (s->t->rank == 1 && !comma) return bad(s, "shape", "a tuple of one number needs a comma");
    return JD_OK;
}

static jd_status read_dict(parser *s)
{
    if (!take(s, '{')) return bad(s, "header", "'{' expected");
    bool comma = true;
    while (!take(s, '}')) {
        const char *key;
        size_t n;
        if (!comma) return bad(s, "header", "',' or '}' expected");
        if (!take_string(s, &key, &n)) return bad(s, "header", "a key in quotes expected");
        if (!take(s, ':')) return bad(s, "header", "':' expected");
        jd_status status;
        bool *seen;
        if (n == 5 && !memcmp(key, "descr", 5)) {
            seen = &s->has_descr;
            status = read_descr(s);
        } else if (n == 13 && !memcmp(key, "fortran_order", 13)) {
            seen = &s->has_order;
            status = read_order(s);
        } else if (n == 5 && !memcmp(key, "shape", 5)) {
            seen = &s->has_shape;
            status = read_shape(s);
        } else {
            return jd_fail(s->ctx, JD_EDATA, "%s: byte %zu: header: unknown key \"%.*s\"", s->name,
                           s->base + (size_t)(key - s->start), (int)(n < 40 ? n : 40), key);
        }
        if (status) return status;
        if (*seen) return bad(s, "header", "a key is there twice");
        *seen = true;
        comma = take(s, ',');
    }
    if (!s->has_descr || !s->has_order || !s->has_shape)
        return bad(s, "header", "descr, fortran_order and shape must all be there");
    space(s);
    return s->p == s->end ? JD_OK : bad(s, "header", "something follows the dictionary");
}

/* From first index fastest to last index fastest. */
static void to_row_major(const jd_tensor_entry *t, size_t size, const unsigned char *from, unsigned char *to)
{
    const size_t count = (size_t)t->bytes / size;
    size_t stride[JD_LIMIT_RANK], index[JD_LIMIT_RANK] = {0}, at = 0;
    for (size_t i = 0, s = 1; i < (size_t)t->rank; i++) {
        stride[i] = s;
        s *= (size_t)t->dim[i];
    }
    for (size_t n = 0; n < count; n++) {
        memcpy(to + n * size, from + at * size, size);
        for (int i = t->rank - 1; i >= 0; i--) {
            at += stride[i];
            if (++index[i] < (size_t)t->dim[i]) break;
            at -= stride[i] * (size_t)t->dim[i];
            index[i] = 0;
        }
    }
}

/* One word of the file as UTF-8, its padding of zeros left out; returns its bytes, SIZE_MAX for what is no text. */
static size_t word_of(const parser *s, const unsigned char *from, char *to)
{
    const size_t size = s->element / s->text;
    size_t n = s->text, bytes = 0;
    while (n && (size == 1 ? !from[n - 1] : !jd__le32(from + 4 * (n - 1)))) n--;
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = size == 1 ? from[i] : jd__le32(from + 4 * i);
        if (!c || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return SIZE_MAX;
        if (size == 1 || c < 0x80) {
            to[bytes++] = (char)c;
        } else {
            const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
            to[bytes++] = (char)((0xFF00u >> (more + 1) & 0xFF) | c >> 6 * more);
            for (int k = more - 1; k >= 0; k--) to[bytes++] = (char)(0x80 | (c >> 6 * k & 0x3F));
        }
    }
    return jd__utf8_valid(to, bytes) ? bytes : SIZE_MAX;
}

/* The words of an array of text; they live in one block that begins with the pointers to them. */
static jd_status read_words(const parser *s, const unsigned char *values, size_t offset, jd_tensor_entry *t,
                            void **block)
{
    const size_t count = (size_t)t->bytes / s->element;
    char **word = jd_alloc(s->ctx, count * (sizeof *word + 1) + (size_t)t->bytes + 1);
    if (!word) return jd_error(s->ctx);
    char *to = (char *)(word + count);
    for (size_t i = 0; i < count; i++) {
        const size_t n = word_of(s, values + i * s->element, to);
        if (n == SIZE_MAX) {
            jd_free(s->ctx, word);
            return jd_fail(s->ctx, JD_EDATA, "%s: byte %zu: word %zu is no Unicode text; repair it, or save UTF-8",
                           s->name, offset + i * s->element, i);
        }
        word[i] = to;
        to += n;
        *to++ = 0;
    }
    t->words = (const char *const *)word;
    *block = word;
    return JD_OK;
}

/* Checks everything that precedes the data; *offset is where the data begins. */
static jd_status read_header(parser *s, const unsigned char *npy, uint64_t size, uint64_t *offset)
{
    if (size < 10 || memcmp(npy, magic, 6) != 0)
        return jd_fail(s->ctx, JD_EDATA, "%s: byte 0: not a NumPy file (%" PRIu64 " bytes, no \\x93NUMPY)", s->name,
                       size);
    const unsigned major = npy[6], minor = npy[7];
    if (major < 1 || major > 3 || minor != 0)
        return jd_fail(s->ctx, JD_EDATA, "%s: byte 6: version %u.%u, but 1.0, 2.0 and 3.0 are read", s->name, major,
                       minor);
    const uint64_t start = major == 1 ? 10 : 12;
    if (size < start)
        return jd_fail(s->ctx, JD_EDATA, "%s: byte 8: header length: 4 bytes needed, %" PRIu64 " left", s->name,
                       size - 8);
    const uint64_t length = major == 1 ? jd__le16(npy + 8) : jd__le32(npy + 8);
    if (length > JD_LIMIT_NPY_HEADER || length > size - start)
        return jd_fail(s->ctx, JD_EDATA,
                       "%s: byte 8: header length %" PRIu64 ", but %" PRIu64 " bytes follow and the limit is %" PRIu64,
                       s->name, length, size - start, JD_LIMIT_NPY_HEADER);
    s->base = (size_t)start;
    s->start = s->p = (const char *)npy + start;
    s->end = s->start + length;
    *offset = start + length;
    return read_dict(s);
}

jd_status jd__npy_decode(jd_ctx *ctx, const char *name, const unsigned char *npy, uint64_t size, jd_tensor_entry *out,
                         void **data)
{
    jd_tensor_entry t = {.name = out->name};
    parser s = {.ctx = ctx, .name = name, .t = &t};
    uint64_t offset = 0;
    if (read_header(&s, npy, size, &offset)) return jd_error(ctx);
    if (!jd__tensor_bytes(t.rank, t.dim, s.element, &t.bytes) || t.bytes != size - offset)
        return jd_fail(ctx, JD_EDATA,
                       "%s: byte %" PRIu64 ": the shape needs %" PRIu64 " bytes of data, the file has %" PRIu64, name,
                       offset, t.bytes, size - offset);
    unsigned char *values = jd_alloc(ctx, (size_t)t.bytes);
    if (!values) return jd_error(ctx);
    if (s.fortran && t.bytes)
        to_row_major(&t, s.element, npy + offset, values);
    else
        memcpy(values, npy + offset, (size_t)t.bytes);
    const size_t unit = s.text ? s.element / s.text : s.element;
    if (s.swap) jd__swap_bytes(values, (size_t)t.bytes / unit, unit);
    if (s.text) {
        const jd_status status = read_words(&s, values, (size_t)offset, &t, data);
        jd_free(ctx, values);
        if (status) return status;
    } else {
        t.data = *data = values;
    }
    *out = t;
    return JD_OK;
}

static jd_tensor_file *read_npy(const jd_input *in)
{
    if (in->size > JD_LIMIT_TENSOR_BYTES + JD_LIMIT_NPY_HEADER) {
        jd_fail(in->ctx, JD_EDATA, "%s: %" PRIu64 " bytes, the limit is 2^40", in->name, in->size);
        return NULL;
    }
    unsigned char *npy = jd_alloc(in->ctx, (size_t)in->size);
    jd_tensor_file *f = npy ? jd__tensor_file_new(in->ctx, in->name, 1) : NULL;
    if (f) {
        f->entry = jd_alloc(in->ctx, sizeof *f->entry);
        jd_status status = f->entry ? jd__input_read(in, 0, npy, (size_t)in->size) : jd_error(in->ctx);
        if (!status) {
            f->entry->name = "";
            f->count = 1;
            status = jd__npy_decode(in->ctx, in->name, npy, in->size, f->entry, &f->block[0]);
        }
        if (!status) status = jd__tensor_file_index(f);
        if (status) {
            jd_tensor_file_close(f);
            f = NULL;
        }
    }
    jd_free(in->ctx, npy);
    return f;
}

jd_tensor_file *jd_npy_open(jd_ctx *ctx, const char *path)
{
    jd_input in;
    if (jd__input_open(&in, ctx, path)) return NULL;
    jd_tensor_file *f = read_npy(&in);
    jd__input_close(&in);
    return f;
}

jd_tensor_file *jd_npy_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes)
{
    if (!jd__given(ctx, __func__, "data", data)) return NULL;
    if (jd_error(ctx)) return NULL;
    jd_input in;
    jd__input_memory(&in, ctx, name, data, bytes);
    return read_npy(&in);
}

jd_status jd__npy_header(jd_buffer *b, const jd_tensor_entry *t)
{
    const size_t begin = b->size;
    char text[64];
    const char *code = NULL;
    for (size_t i = 0; i < sizeof descrs / sizeof *descrs; i++)
        if (descrs[i].type == t->dtype) code = descrs[i].code;
    if (!code)
        return jd_fail(b->ctx, JD_EUSAGE, "npy: type %s has no NumPy spelling; write F32",
                       jd_file_dtype_name(t->dtype));
    jd__put(b, magic, 6);
    jd__put(b, "\1\0\0\0", 4);
    snprintf(text, sizeof text, "{'descr': '%c%.2s', 'fortran_order': False, 'shape': (", code[1] == '1' ? '|' : '<',
             code);
    jd__put_text(b, text);
    for (int i = 0; i < t->rank; i++) {
        if ((uint64_t)t->dim[i] > JD_LIMIT_DATA_DIM)
            return jd_fail(b->ctx, JD_EUSAGE, "npy: dimension %d is %lld, the limit is 2^31-1", i,
                           (long long)t->dim[i]);
        snprintf(text, sizeof text, "%s%lld%s", i ? ", " : "", (long long)t->dim[i], t->rank == 1 ? "," : "");
        jd__put_text(b, text);
    }
    jd__put_text(b, "), }");
    while ((b->size - begin) % 64 != 63 && !b->failed) jd__put(b, " ", 1);
    jd__put(b, "\n", 1);
    if (b->failed) return jd_error(b->ctx);
    const size_t length = b->size - begin - 10;
    b->data[begin + 8] = (unsigned char)length;
    b->data[begin + 9] = (unsigned char)(length >> 8);
    return JD_OK;
}

jd_status jd_npy_write(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensor)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "tensor", tensor)) return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    uint64_t bytes;
    jd_buffer header = {.ctx = ctx};
    jd_status status = jd__tensor_check(ctx, path, tensor, true, &bytes);
    if (!status) status = jd__npy_header(&header, tensor);
    jd_replacement r;
    if (!status) status = jd__replace_begin(&r, ctx, path);
    if (!status) status = jd__replace_write(&r, header.data, header.size);
    if (!status) status = jd__replace_write(&r, tensor->data, (size_t)bytes);
    if (!status) status = jd__replace_commit(&r);
    jd__buffer_free(&header);
    return status;
}
