/*
 * safetensors_write.c - writing safetensors files in their canonical form: tensors by descending element size, then by
 * name; metadata by key; compact JSON; data at a multiple of 64 bytes.  The data is hashed where it lies and then
 * written from there, so a file needs no second copy in memory.
 */
#include "io/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/given.h"
#include "base/limits.h"

static const char zeros[] = "0000000000000000";

static void put_string(jd_buffer *b, const char *s)
{
    jd__put(b, "\"", 1);
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        char escape[8];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < 0x20)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        jd__put_text(b, escape);
    }
    jd__put(b, "\"", 1);
}

/* ---- metadata ---- */
static bool is_own_key(const char *key)
{
    return !strcmp(key, "format") || !strcmp(key, "jackdaw.version") || !strcmp(key, "jackdaw.xxh3") ||
           !strcmp(key, "jackdaw.xxh3.header");
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const jd_metadata *)a)->key, ((const jd_metadata *)b)->key);
}

/* Writes {"key":"value",...}, the given pairs and our own together. */
static jd_status put_metadata(jd_buffer *b, const char *path, const jd_metadata *metadata, size_t m, const char *kind,
                              const char *data_hash)
{
    jd_ctx *ctx = b->ctx;
    jd_metadata *all = m < SIZE_MAX - 5 ? jd_alloc_array(ctx, m + 5, sizeof *all) : NULL;
    if (!all) return jd_error(ctx);
    size_t n = 0, bytes = 0;
    bool has_kind = false;
    jd_status status = JD_OK;
    for (size_t i = 0; i < m && !status; i++) {
        const char *key = metadata[i].key, *value = metadata[i].value;
        if (!key || !value || !jd__utf8_valid(key, strlen(key)) || !jd__utf8_valid(value, strlen(value))) {
            status = jd_fail(ctx, JD_EUSAGE, "%s: metadata %zu (\"%.40s\"): key and value must be UTF-8 text", path, i,
                             key ? key : "");
        } else if (!is_own_key(key)) {
            all[n++] = metadata[i];
            has_kind |= !strcmp(key, "jackdaw.kind");
            bytes += strlen(key) + strlen(value);
        }
    }
    all[n++] = (jd_metadata){"format", "jackdaw"};
    all[n++] = (jd_metadata){"jackdaw.version", JD_VERSION_STRING};
    all[n++] = (jd_metadata){"jackdaw.xxh3", data_hash};
    all[n++] = (jd_metadata){"jackdaw.xxh3.header", zeros};
    if (!has_kind) all[n++] = (jd_metadata){"jackdaw.kind", kind};
    qsort(all, n, sizeof *all, by_key);
    for (size_t i = 1; i < n && !status; i++)
        if (!strcmp(all[i].key, all[i - 1].key))
            status = jd_fail(ctx, JD_EUSAGE, "%s: metadata key \"%.200s\" is given twice", path, all[i].key);
    const size_t before = b->size;
    for (size_t i = 0; i < n && !status; i++) {
        jd__put_text(b, i ? "," : "{");
        put_string(b, all[i].key);
        jd__put_text(b, ":");
        put_string(b, all[i].value);
    }
    jd__put_text(b, "}");
    if (!status && b->size - before > JD_LIMIT_METADATA)
        status = jd_fail(ctx, JD_EUSAGE, "%s: metadata of %zu bytes (%zu as JSON), the limit is %" PRIu64, path, bytes,
                         b->size - before, JD_LIMIT_METADATA);
    jd_free(ctx, all);
    return status;
}

/* ---- tensors ---- */
static int canonical(const void *a, const void *b)
{
    const jd_tensor_entry *x = *(const jd_tensor_entry *const *)a, *y = *(const jd_tensor_entry *const *)b;
    const size_t sx = jd_file_dtype_size(x->dtype), sy = jd_file_dtype_size(y->dtype);
    if (sx != sy) return sx > sy ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The tensors in the order of the file, and the hash of their data; NULL with an error. */
static const jd_tensor_entry **order_tensors(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n,
                                             char hash[17])
{
    if (n > JD_LIMIT_TENSORS) {
        jd_fail(ctx, JD_EUSAGE, "%s: %zu tensors, the limit is %" PRIu64, path, n, JD_LIMIT_TENSORS);
        return NULL;
    }
    const jd_tensor_entry **order = jd_alloc_array(ctx, n, sizeof *order);
    if (!order) return NULL;
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    jd_status status = JD_OK;
    for (size_t i = 0; i < n && !status; i++) {
        uint64_t bytes;
        order[i] = &tensors[i];
        status = jd__tensor_check(ctx, path, order[i], false, &bytes);
        if (!status && tensors[i].dtype > JD_FILE_BOOL)
            status = jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%s\": type %s is for npy and npz only", path,
                             tensors[i].name, jd_file_dtype_name(tensors[i].dtype));
        if (!status && !strcmp(tensors[i].name, "__metadata__"))
            status = jd_fail(ctx, JD_EUSAGE, "%s: a tensor must not be called __metadata__", path);
    }
    if (!status && n) qsort(order, n, sizeof *order, canonical);
    for (size_t i = 0; i < n && !status; i++) {
        uint64_t bytes = 0;
        jd__tensor_bytes(order[i]->rank, order[i]->dim, jd_file_dtype_size(order[i]->dtype), &bytes);
        XXH3_64bits_update(&state, order[i]->data, (size_t)bytes);
    }
    snprintf(hash, 17, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(&state));
    if (!status) return order;
    jd_free(ctx, order);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the canonical order equal names of different types need not be neighbours. */
static jd_status check_names(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n)
{
    const char **names = jd_alloc_array(ctx, n, sizeof *names);
    if (!names) return jd_error(ctx);
    for (size_t i = 0; i < n; i++) names[i] = tensors[i].name;
    if (n) qsort(names, n, sizeof *names, by_name);
    jd_status status = JD_OK;
    for (size_t i = 1; i < n && !status; i++)
        if (!strcmp(names[i], names[i - 1]))
            status = jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%.200s\" is given twice", path, names[i]);
    jd_free(ctx, names);
    return status;
}

static void put_tensors(jd_buffer *b, const jd_tensor_entry *const *order, size_t n)
{
    uint64_t at = 0;
    char number[64];
    for (size_t i = 0; i < n; i++) {
        const jd_tensor_entry *t = order[i];
        uint64_t bytes = 0;
        jd__tensor_bytes(t->rank, t->dim, jd_file_dtype_size(t->dtype), &bytes);
        jd__put_text(b, ",");
        put_string(b, t->name);
        jd__put_text(b, ":{\"dtype\":\"");
        jd__put_text(b, jd_file_dtype_name(t->dtype));
        jd__put_text(b, "\",\"shape\":[");
        for (int k = 0; k < t->rank; k++) {
            snprintf(number, sizeof number, "%s%" PRId64, k ? "," : "", t->dim[k]);
            jd__put_text(b, number);
        }
        snprintf(number, sizeof number, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", at, at + bytes);
        jd__put_text(b, number);
        at += bytes;
    }
}

/* Pads, hashes, and puts the length in front. */
static jd_status finish_header(jd_buffer *b, const char *path)
{
    while (b->size % 64 && !b->failed) jd__put(b, " ", 1);
    if (b->failed) return jd_error(b->ctx);
    const size_t length = b->size - 8;
    if (length > JD_LIMIT_ST_HEADER)
        return jd_fail(b->ctx, JD_EUSAGE, "%s: a header of %zu bytes, the limit is %" PRIu64, path, length,
                       JD_LIMIT_ST_HEADER);
    for (int i = 0; i < 8; i++) b->data[i] = (unsigned char)((uint64_t)length >> (8 * i));
    char *header = (char *)b->data + 8, text[17];
    const char *digits = jd__safetensors_header_digits(header, length);
    if (!digits) return jd_fail(b->ctx, JD_EINTERNAL, "%s: the header has no place for its checksum", path);
    snprintf(text, sizeof text, "%016" PRIx64, jd__safetensors_header_hash(header, length, digits));
    memcpy(header + (digits - header), text, 16);
    return JD_OK;
}

jd_status jd__safetensors_emit(jd_replacement *r, jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors,
                               size_t n, const jd_metadata *metadata, size_t m, const char *kind)
{
    char hash[17];
    jd_buffer header = {.ctx = ctx};
    const jd_tensor_entry **order = order_tensors(ctx, path, tensors, n, hash);
    jd_status status = order ? check_names(ctx, path, tensors, n) : jd_error(ctx);
    if (!status) {
        jd__put_le(&header, 0, 8);
        jd__put_text(&header, "{\"__metadata__\":");
        status = put_metadata(&header, path, metadata, m, kind, hash);
    }
    if (!status) {
        put_tensors(&header, order, n);
        jd__put_text(&header, "}");
        status = finish_header(&header, path);
    }
    if (status)
        jd__replace_abort(r);
    else
        status = jd__replace_write(r, header.data, header.size);
    for (size_t i = 0; i < n && !status; i++) {
        uint64_t bytes = 0;
        jd__tensor_bytes(order[i]->rank, order[i]->dim, jd_file_dtype_size(order[i]->dtype), &bytes);
        status = jd__replace_write(r, order[i]->data, (size_t)bytes);
    }
    jd__buffer_free(&header);
    jd_free(ctx, order);
    return status;
}

jd_status jd_safetensors_write(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n,
                               const jd_metadata *metadata, size_t m)
{
    if (!jd__given(ctx, __func__, "path", path) || (n && !jd__given(ctx, __func__, "tensors", tensors)) ||
        (m && !jd__given(ctx, __func__, "metadata", metadata)))
        return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    jd_replacement r;
    jd_status status = jd__replace_begin(&r, ctx, path);
    if (!status) status = jd__safetensors_emit(&r, ctx, path, tensors, n, metadata, m, "weights");
    if (!status) status = jd__replace_commit(&r);
    return status;
}
