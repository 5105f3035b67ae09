/*
 * npz_write.c - writing ZIP archives of npy files: stored, dated 1980-01-01, in the order of the names, so that equal
 * contents give equal bytes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/given.h"
#include "base/file.h"
#include "base/limits.h"
#include "io/tensor_file.h"

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const jd_tensor_entry *const *)a)->name, (*(const jd_tensor_entry *const *)b)->name);
}

/* The 26 bytes that local and central header have in common: version .. length of the extra field. */
static void put_common(jd_buffer *b, uint32_t crc, uint64_t bytes, size_t name_bytes)
{
    jd__put_le(b, 20, 2);     /* version needed */
    jd__put_le(b, 0x0800, 2); /* names are UTF-8 */
    jd__put_le(b, 0, 2);      /* stored */
    jd__put_le(b, 0, 2);      /* 00:00 */
    jd__put_le(b, 0x0021, 2); /* 1980-01-01 */
    jd__put_le(b, crc, 4);
    jd__put_le(b, bytes, 4);
    jd__put_le(b, bytes, 4);
    jd__put_le(b, name_bytes, 2);
    jd__put_le(b, 0, 2);
}

static jd_status write_member(jd_replacement *r, jd_buffer *central, const jd_tensor_entry *t, const char *path)
{
    jd_ctx *ctx = central->ctx;
    jd_buffer head = {.ctx = ctx}, npy = {.ctx = ctx};
    uint64_t data_bytes = 0;
    jd__tensor_bytes(t->rank, t->dim, jd_file_dtype_size(t->dtype), &data_bytes);
    jd_status status = jd__npy_header(&npy, t);
    const uint64_t start = r->written, bytes = npy.size + data_bytes;
    if (!status && (bytes >= 0xFFFFFFFF || start + bytes + 4096 >= 0xFFFFFFFF))
        status = jd_fail(ctx, JD_EUSAGE, "%s: an npz is limited to 4 GiB; write safetensors instead", path);
    if (status) {
        jd__replace_abort(r);
    } else {
        uLong crc = crc32(crc32(0, NULL, 0), npy.data, (uInt)npy.size);
        if (data_bytes) crc = crc32(crc, t->data, (uInt)data_bytes);
        const size_t n = strlen(t->name) + 4;
        jd__put_le(&head, 0x04034b50, 4);
        put_common(&head, (uint32_t)crc, bytes, n);
        jd__put_text(&head, t->name);
        jd__put_text(&head, ".npy");
        jd__put_le(central, 0x02014b50, 4);
        jd__put_le(central, 20, 2); /* version made by */
        put_common(central, (uint32_t)crc, bytes, n);
        jd__put_le(central, 0, 2); /* comment */
        jd__put_le(central, 0, 2); /* disk */
        jd__put_le(central, 0, 2); /* internal attributes */
        jd__put_le(central, 0, 4); /* external attributes */
        jd__put_le(central, start, 4);
        jd__put_text(central, t->name);
        jd__put_text(central, ".npy");
        if (head.failed || central->failed) {
            jd__replace_abort(r);
            status = jd_error(ctx);
        }
        if (!status) status = jd__replace_write(r, head.data, head.size);
        if (!status) status = jd__replace_write(r, npy.data, npy.size);
        if (!status) status = jd__replace_write(r, t->data, (size_t)data_bytes);
    }
    jd__buffer_free(&head);
    jd__buffer_free(&npy);
    return status;
}

static jd_status write_end(jd_replacement *r, jd_buffer *central, size_t n)
{
    const uint64_t start = r->written, bytes = central->size;
    jd__put_le(central, 0x06054b50, 4);
    jd__put_le(central, 0, 4); /* disks */
    jd__put_le(central, n, 2);
    jd__put_le(central, n, 2);
    jd__put_le(central, bytes, 4);
    jd__put_le(central, start, 4);
    jd__put_le(central, 0, 2); /* comment */
    if (central->failed) {
        jd__replace_abort(r);
        return jd_error(central->ctx);
    }
    return jd__replace_write(r, central->data, central->size);
}

/* The tensors sorted by name; NULL with an error. */
static const jd_tensor_entry **order_tensors(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n)
{
    /* 65535 members would ask for a Zip64 end record. */
    if (n >= JD_LIMIT_ZIP_ENTRIES) {
        jd_fail(ctx, JD_EUSAGE, "%s: %zu tensors, an npz holds at most 65534", path, n);
        return NULL;
    }
    const jd_tensor_entry **order = jd_alloc_array(ctx, n, sizeof *order);
    if (!order) return NULL;
    jd_status status = JD_OK;
    for (size_t i = 0; i < n && !status; i++) {
        uint64_t bytes;
        order[i] = &tensors[i];
        status = jd__tensor_check(ctx, path, order[i], false, &bytes);
        if (!status && (tensors[i].name[0] == '/' || strstr(tensors[i].name, "..")))
            status = jd_fail(ctx, JD_EUSAGE, "%s: \"%s\": a name must not begin with '/' or hold \"..\"", path,
                             tensors[i].name);
    }
    if (!status && n) qsort(order, n, sizeof *order, by_name);
    for (size_t i = 1; i < n && !status; i++)
        if (!strcmp(order[i]->name, order[i - 1]->name))
            status = jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%.200s\" is given twice", path, order[i]->name);
    if (!status) return order;
    jd_free(ctx, order);
    return NULL;
}

jd_status jd_npz_write(jd_ctx *ctx, const char *path, const jd_tensor_entry *tensors, size_t n)
{
    if (!jd__given(ctx, __func__, "path", path) || (n && !jd__given(ctx, __func__, "tensors", tensors)))
        return jd_error(ctx);
    if (jd_error(ctx)) return jd_error(ctx);
    const jd_tensor_entry **order = order_tensors(ctx, path, tensors, n);
    if (!order) return jd_error(ctx);
    jd_buffer central = {.ctx = ctx};
    jd_replacement r;
    jd_status status = jd__replace_begin(&r, ctx, path);
    for (size_t i = 0; i < n && !status; i++) status = write_member(&r, &central, order[i], path);
    if (!status) status = write_end(&r, &central, n);
    if (!status) status = jd__replace_commit(&r);
    jd__buffer_free(&central);
    jd_free(ctx, order);
    return status;
}
