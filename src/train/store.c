/* store.c - the tensors of a parameter store in files: models, and the part of a checkpoint that is weights. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/given.h"
#include "train/run.h"
#include "train/store.h"

jd_file_dtype jd__file_dtype(jd_dtype t)
{
    return t == JD_F32 ? JD_FILE_F32 : t == JD_F64 ? JD_FILE_F64 : JD_FILE_I32;
}

jd_status jd__entries_begin(jd_entries *e, jd_ctx *ctx, jd_params *p, size_t more)
{
    *e = (jd_entries){.ctx = ctx, .room = (size_t)jd_params_ranges(p) + (size_t)jd_params_states(p) + more};
    e->t = jd_alloc_array(ctx, e->room ? e->room : 1, sizeof *e->t);
    return jd_error(ctx);
}

void jd__entries_end(jd_entries *e)
{
    for (size_t i = 0; i < e->n; i++) jd_free(e->ctx, (void *)(uintptr_t)e->t[i].name);
    jd_free(e->ctx, e->t);
}

static void put(jd_entries *e, char *name, jd_tensor_entry entry)
{
    if (!name || e->n == e->room) {
        jd_free(e->ctx, name);
        return;
    }
    entry.name = name;
    e->t[e->n++] = entry;
}

static void put_range(jd_entries *e, const char *prefix, const jd_range *range, const void *data)
{
    jd_tensor_entry entry = {.dtype = jd__file_dtype(range->type.dtype), .rank = range->type.rank, .data = data};
    for (int i = 0; i < range->type.rank; i++) entry.dim[i] = range->type.dim[i];
    put(e, jd_asprintf(e->ctx, "%s%s", prefix, range->name), entry);
}

void jd__entries_params(jd_entries *e, const char *prefix, jd_params *p)
{
    const char *data = jd_params_data(p);
    for (int i = 0; i < jd_params_ranges(p); i++) {
        const jd_range *range = jd_params_range(p, i);
        put_range(e, prefix, range, data + range->offset * jd_dtype_size(jd_params_dtype(p)));
    }
}

void jd__entries_states(jd_entries *e, const char *prefix, jd_params *p)
{
    for (int i = 0; i < jd_params_states(p); i++) {
        void *data = NULL;
        const jd_range *range = jd_params_state(p, i, &data);
        put_range(e, prefix, range, data);
    }
}

void jd__entries_vector(jd_entries *e, const char *name, jd_file_dtype dtype, size_t count, const void *data)
{
    if (!count) return;
    put(e, jd_strdup(e->ctx, name),
        (jd_tensor_entry){.dtype = dtype, .rank = 1, .dim = {(int64_t)count}, .data = data});
}

json_t *jd__store_order(jd_ctx *ctx, jd_params *p, bool states)
{
    errno = 0;
    json_t *order = json_array();
    for (int i = 0; i < (states ? jd_params_states(p) : jd_params_ranges(p)); i++)
        json_array_append_new(order, json_string((states ? jd_params_state(p, i, NULL) : jd_params_range(p, i))->name));
    jd__library_failed(ctx, "the order of the weights", "jansson");
    return order;
}

json_t *jd__meta_json(jd_ctx *ctx, const jd_tensor_file *f, const char *path, const char *key)
{
    const char *text = jd_tensor_file_meta(f, key);
    errno = 0;
    json_t *j = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (jd__library_failed(ctx, path, "jansson") || !j) {
        json_decref(j);
        j = NULL;
        jd_fail(ctx, JD_EDATA, "%s: metadata %s is %s; it is no file of this program, or damaged", path, key,
                text ? "not JSON" : "missing");
    }
    return j;
}

static jd_status set_entry(jd_ctx *ctx, jd_params *p, const char *name, const jd_tensor_entry *e, bool state)
{
    jd_type type = {.rank = e->rank};
    if (e->dtype != JD_FILE_F32 && e->dtype != JD_FILE_F64 && e->dtype != JD_FILE_I32)
        return jd_fail(ctx, JD_EDATA, "tensor \"%s\": type %s; weights are F32 or F64", e->name,
                       jd_file_dtype_name(e->dtype));
    type.dtype = e->dtype == JD_FILE_F32 ? JD_F32 : e->dtype == JD_FILE_F64 ? JD_F64 : JD_I32;
    for (int i = 0; i < e->rank; i++) {
        if (e->dim[i] > INT32_MAX) return jd_fail(ctx, JD_EDATA, "tensor \"%s\": a dimension is too large", e->name);
        type.dim[i] = e->dim[i];
    }
    return state ? jd_params_set_state(p, name, &type, e->data) : jd_params_set(p, name, &type, e->data);
}

jd_status jd__store_set(jd_ctx *ctx, jd_params *p, const jd_tensor_file *f, const json_t *order, const char *prefix,
                        bool states)
{
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)(uintptr_t)order, i, v)
    {
        const char *name = json_string_value(v);
        char *full = name ? jd_asprintf(ctx, "%s%s", prefix, name) : NULL;
        const jd_tensor_entry *e = full ? jd_tensor_file_get(f, full) : NULL;
        jd_free(ctx, full);
        if (!e) return jd_fail(ctx, JD_EDATA, "jackdaw.order: entry %zu names no tensor", i);
        if (set_entry(ctx, p, name, e, states)) return jd_error(ctx);
    }
    return jd_error(ctx);
}

jd_status jd_params_save(jd_ctx *ctx, jd_params *p, const char *path, const jd_metadata *metadata, size_t m)
{
    if (!jd__given(ctx, __func__, "p", p) || !jd__given(ctx, __func__, "path", path)) return jd_error(ctx);
    jd_entries e;
    if (jd_error(ctx) || jd__entries_begin(&e, ctx, p, 0)) return jd_error(ctx);
    jd__entries_params(&e, "", p);
    json_t *order = jd__store_order(ctx, p, false);
    char *order_text = jd__json_text(ctx, order, false);
    jd_metadata *meta = jd_alloc_array(ctx, m + 2, sizeof *meta);
    if (meta && order_text && !jd_error(ctx)) {
        meta[0] = (jd_metadata){"jackdaw.kind", "model"};
        meta[1] = (jd_metadata){"jackdaw.order", order_text};
        if (m) memcpy(meta + 2, metadata, m * sizeof *meta);
        jd_safetensors_write(ctx, path, e.t, e.n, meta, m + 2);
    }
    jd_free(ctx, meta);
    jd_free(ctx, order_text);
    json_decref(order);
    jd__entries_end(&e);
    return jd_error(ctx);
}

char *jd_model_setting(jd_ctx *ctx, const jd_tensor_file *f, const char *key)
{
    const char *text = jd_tensor_file_meta(f, "jackdaw.config");
    if (!text || jd_error(ctx)) return NULL;
    json_t *config = jd__meta_json(ctx, f, "model", "jackdaw.config");
    const json_t *v = json_object_get(config, key);
    char *said = json_is_string(v) ? jd_strdup(ctx, json_string_value(v)) : v ? jd__json_text(ctx, v, false) : NULL;
    json_decref(config);
    return said;
}

jd_status jd_params_load(jd_ctx *ctx, jd_params *p, const jd_tensor_file *f)
{
    if (jd_error(ctx) || !f) return jd_error(ctx);
    const char *version = jd_tensor_file_meta(f, "jackdaw.version");
    if (version && strtol(version, NULL, 10) > strtol(JD_VERSION_STRING, NULL, 10))
        return jd_fail(ctx, JD_EDATA,
                       "a model of Jackdaw %.20s, which this version, " JD_VERSION_STRING
                       ", cannot read; take a newer one",
                       version);
    if (jd_tensor_file_meta(f, "jackdaw.order")) {
        json_t *order = jd__meta_json(ctx, f, "model", "jackdaw.order");
        if (order) jd__store_set(ctx, p, f, order, "", false);
        json_decref(order);
        return jd_error(ctx);
    }
    for (size_t i = 0; i < jd_tensor_file_count(f) && !jd_error(ctx); i++) {
        const jd_tensor_entry *e = jd_tensor_file_get(f, jd_tensor_file_entry(f, i)->name);
        if (e) set_entry(ctx, p, e->name, e, false);
    }
    return jd_error(ctx);
}
