/*
 * tensor_file.c - element types; finding tensors by name; closing.
 */
#include "io/tensor_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [JD_FILE_F32] = {"F32", 4}, [JD_FILE_F64] = {"F64", 8},   [JD_FILE_F16] = {"F16", 2}, [JD_FILE_BF16] = {"BF16", 2},
    [JD_FILE_I8] = {"I8", 1},   [JD_FILE_U8] = {"U8", 1},     [JD_FILE_I16] = {"I16", 2}, [JD_FILE_I32] = {"I32", 4},
    [JD_FILE_I64] = {"I64", 8}, [JD_FILE_BOOL] = {"BOOL", 1}, [JD_FILE_U16] = {"U16", 2}, [JD_FILE_U32] = {"U32", 4},
    [JD_FILE_U64] = {"U64", 8}, [JD_FILE_OTHER] = {"?", 0},
};

size_t jd_file_dtype_size(jd_file_dtype t)
{
    return (unsigned)t <= JD_FILE_OTHER ? types[t].size : 0;
}

const char *jd_file_dtype_name(jd_file_dtype t)
{
    return (unsigned)t <= JD_FILE_OTHER ? types[t].name : "?";
}

bool jd__tensor_bytes(int rank, const int64_t *dim, size_t element, uint64_t *bytes)
{
    *bytes = element;
    bool overflow = false;
    for (int i = 0; i < rank; i++) {
        if (dim[i] == 0) {
            *bytes = 0;
            return true;
        }
        overflow |= __builtin_mul_overflow(*bytes, (uint64_t)dim[i], bytes);
    }
    if (overflow) *bytes = UINT64_MAX;
    return !overflow;
}

jd_status jd__tensor_check(jd_ctx *ctx, const char *path, const jd_tensor_entry *t, bool nameless, uint64_t *bytes)
{
    const char *name = nameless ? "" : t->name;
    if (!nameless) {
        const size_t n = name ? strlen(name) : 0;
        if (n < 1 || n > JD_LIMIT_NAME || !jd__utf8_valid(name, n))
            return jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%.40s\": a name must be 1 to %d bytes of UTF-8, this has %zu",
                           path, name ? name : "", (int)JD_LIMIT_NAME, n);
    }
    const size_t size = jd_file_dtype_size(t->dtype);
    if (!size) return jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%s\": its type %d cannot be written", path, name, t->dtype);
    if (t->rank < 0 || t->rank > JD_LIMIT_RANK)
        return jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%s\": rank %d is not in 0..%d", path, name, t->rank,
                       JD_LIMIT_RANK);
    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] < 0 || (uint64_t)t->dim[i] > JD_LIMIT_MODEL_DIM)
            return jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%s\": dimension %d is %lld, which is not in 0..2^40", path,
                           name, i, (long long)t->dim[i]);
    if (!jd__tensor_bytes(t->rank, t->dim, size, bytes) || *bytes > JD_LIMIT_TENSOR_BYTES)
        return jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%s\": larger than 2^40 bytes", path, name);
    if (*bytes && !t->data) return jd_fail(ctx, JD_EUSAGE, "%s: tensor \"%s\": has no data", path, name);
    return JD_OK;
}

jd_tensor_file *jd__tensor_file_new(jd_ctx *ctx, const char *path, size_t blocks)
{
    jd_tensor_file *f = jd_alloc(ctx, sizeof *f);
    if (!f) return NULL;
    f->ctx = ctx;
    f->path = jd_strdup(ctx, path);
    f->block = jd_alloc_array(ctx, blocks, sizeof *f->block);
    f->blocks = blocks;
    if (f->path && f->block) return f;
    jd_tensor_file_close(f);
    return NULL;
}

void jd_tensor_file_close(jd_tensor_file *f)
{
    if (!f) return;
    if (f->block)
        for (size_t i = 0; i < f->blocks; i++) jd_free(f->ctx, f->block[i]);
    jd_free(f->ctx, f->block);
    jd_free(f->ctx, f->entry);
    jd_free(f->ctx, f->by_name);
    jd_free(f->ctx, f->meta);
    jd_free(f->ctx, f->strings);
    jd_free(f->ctx, f->path);
    jd_free(f->ctx, f);
}

static int by_name(const void *a, const void *b, void *user)
{
    const jd_tensor_entry *entry = user;
    return strcmp(entry[*(const uint32_t *)a].name, entry[*(const uint32_t *)b].name);
}

jd_status jd__tensor_file_index(jd_tensor_file *f)
{
    f->by_name = jd_alloc_array(f->ctx, f->count, sizeof *f->by_name);
    if (!f->by_name) return jd_error(f->ctx);
    for (size_t i = 0; i < f->count; i++) f->by_name[i] = (uint32_t)i;
    qsort_r(f->by_name, f->count, sizeof *f->by_name, by_name, f->entry);
    for (size_t i = 1; i < f->count; i++) {
        const char *name = f->entry[f->by_name[i]].name;
        if (!strcmp(name, f->entry[f->by_name[i - 1]].name))
            return jd_fail(f->ctx, JD_EDATA, "%s: tensor \"%.200s\" is there twice", f->path, name);
    }
    return JD_OK;
}

size_t jd_tensor_file_count(const jd_tensor_file *f)
{
    return f ? f->count : 0;
}

const jd_tensor_entry *jd_tensor_file_entry(const jd_tensor_file *f, size_t i)
{
    return f && i < f->count ? &f->entry[i] : NULL;
}

const jd_tensor_entry *jd_tensor_file_find(const jd_tensor_file *f, const char *name)
{
    for (size_t low = 0, high = f ? f->count : 0; low < high;) {
        const size_t middle = low + (high - low) / 2;
        const jd_tensor_entry *t = &f->entry[f->by_name[middle]];
        const int order = strcmp(name, t->name);
        if (order == 0) return t;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const char *nearest_name(const jd_tensor_file *f, const char *name)
{
    const char **names = jd_alloc_array(f->ctx, f->count + 1, sizeof *names);
    if (!names) return NULL;
    for (size_t i = 0; i < f->count; i++) names[i] = f->entry[i].name;
    const char *near = jd_nearest(name, names);
    jd_free(f->ctx, names);
    return near;
}

const jd_tensor_entry *jd_tensor_file_get(const jd_tensor_file *f, const char *name)
{
    if (!f) return NULL;
    const jd_tensor_entry *t = jd_tensor_file_find(f, name);
    if (!t) {
        const char *near = nearest_name(f, name);
        jd_fail(f->ctx, JD_EDATA, "%s: has no tensor \"%.200s\" among its %zu%s%.200s%s", f->path, name, f->count,
                near ? "; the nearest name is \"" : "", near ? near : "", near ? "\"" : "");
    } else if (!t->data) {
        jd_fail(f->ctx, JD_EDATA, "%s: tensor \"%.200s\" has type %s, which Jackdaw does not read; convert it to F32",
                f->path, name, t->stored);
        t = NULL;
    }
    return t;
}

size_t jd_tensor_file_metadata_count(const jd_tensor_file *f)
{
    return f ? f->metas : 0;
}

const jd_metadata *jd_tensor_file_metadata(const jd_tensor_file *f, size_t i)
{
    return f && i < f->metas ? &f->meta[i] : NULL;
}

const char *jd_tensor_file_meta(const jd_tensor_file *f, const char *key)
{
    if (f)
        for (size_t i = 0; i < f->metas; i++)
            if (!strcmp(f->meta[i].key, key)) return f->meta[i].value;
    return NULL;
}
