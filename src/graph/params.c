/* params.c - the parameter store: one contiguous vector with named ranges, and the state buffers beside it. */
#include <string.h>

#include "base/given.h"
#include "graph/offload.h"

jd_params *jd_params_new(jd_ctx *ctx, jd_dtype real)
{
    if (!ctx) return NULL;
    if (real == JD_I32) {
        jd_fail(ctx, JD_EUSAGE, "jd_params_new: parameters are float32 or float64, not int32");
        return NULL;
    }
    jd_params *p = jd_alloc(ctx, sizeof *p);
    if (p) *p = (jd_params){.ctx = ctx, .real = real};
    return p;
}

void jd_params_free(jd_params *p)
{
    if (!p) return;
    jd__mirror_free(p);
    for (int i = 0; i < p->nrange; i++) jd_free(p->ctx, (void *)(uintptr_t)p->range[i].name);
    for (int i = 0; i < p->nstate; i++) {
        jd_free(p->ctx, (void *)(uintptr_t)p->state[i].name);
        jd_free(p->ctx, p->state_data[i]);
    }
    jd_free(p->ctx, p->data);
    jd_free(p->ctx, p->range);
    jd_free(p->ctx, p->state);
    jd_free(p->ctx, p->state_data);
    jd_free(p->ctx, p);
}

jd_dtype jd_params_dtype(const jd_params *p)
{
    if (!p) return JD_F32;
    return p->real;
}

size_t jd_params_count(const jd_params *p)
{
    if (!p) return 0;
    return p->count;
}

void *jd_params_data(jd_params *p)
{
    if (!p) return NULL;
    jd__mirror_to_host(p, true);
    return p->data;
}

int jd_params_ranges(const jd_params *p)
{
    if (!p) return 0;
    return p->nrange;
}

const jd_range *jd_params_range(const jd_params *p, int i)
{
    if (!p) return NULL;
    return i >= 0 && i < p->nrange ? &p->range[i] : NULL;
}

static int find(const jd_range *r, int n, const char *name)
{
    for (int i = 0; i < n && name; i++)
        if (!strcmp(r[i].name, name)) return i;
    return -1;
}

const jd_range *jd_params_find(const jd_params *p, const char *name)
{
    if (!p) return NULL;
    return jd_params_range(p, find(p->range, p->nrange, name));
}

void *jd_params_get(jd_params *p, const char *name)
{
    if (!p) return NULL;
    const jd_range *r = jd_params_find(p, name);
    jd__mirror_to_host(p, true);
    return r ? p->data + r->offset * jd_dtype_size(p->real) : NULL;
}

int jd_params_states(const jd_params *p)
{
    if (!p) return 0;
    return p->nstate;
}

const jd_range *jd_params_state(const jd_params *p, int i, void **data)
{
    if (!p) return NULL;
    if (i < 0 || i >= p->nstate) return NULL;
    if (data) {
        jd__mirror_to_host((jd_params *)(uintptr_t)p, true);
        *data = p->state_data[i];
    }
    return &p->state[i];
}

void jd_params_seal(jd_params *p)
{
    if (p) p->sealed = true;
}

static bool same_type(const jd_type *a, const jd_type *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

static int mismatch(jd_params *p, const char *what, const char *name, const jd_type *old, const jd_type *now)
{
    char a[64], b[64];
    jd_fail(p->ctx, JD_EUSAGE, "%s \"%s\": has the shape %s, but %s is asked for; %s", what, name,
            jd__shape_text(old, a), jd__shape_text(now, b),
            p->sealed ? "give the network that was trained, and its input the shape that it had"
                      : "use another name or the same shape");
    return -1;
}

/* Room for n more elements in the vector. */
static jd_status reserve(jd_params *p, size_t n)
{
    size_t want = p->capacity ? p->capacity : 256;
    if (p->count + n <= p->capacity) return JD_OK;
    while (want < p->count + n) want *= 2;
    const size_t size = jd_dtype_size(p->real);
    void *data = jd_realloc(p->ctx, p->data, p->capacity * size, want * size);
    if (!data) return jd_error(p->ctx);
    p->data = data;
    p->capacity = want;
    return JD_OK;
}

static int add_range(jd_params *p, const char *name, const jd_type *type)
{
    const size_t n = (size_t)jd__count(type);
    if (jd__mirror_to_host(p, true)) return -1;
    if (p->nrange == p->cap_range) {
        const int cap = p->cap_range ? 2 * p->cap_range : 16;
        jd_range *r = jd_realloc(p->ctx, p->range, (size_t)p->cap_range * sizeof *r, (size_t)cap * sizeof *r);
        if (!r) return -1;
        p->range = r;
        p->cap_range = cap;
    }
    char *copy = jd_strdup(p->ctx, name);
    if (!copy || reserve(p, n)) {
        jd_free(p->ctx, copy);
        return -1;
    }
    p->range[p->nrange] = (jd_range){copy, *type, p->count};
    p->count += n;
    p->generation++;
    return p->nrange++;
}

/* Of a sealed store. */
static int missing(jd_params *p, const char *name, const jd_type *type)
{
    const char *words[65] = {0}, *near;
    char shape[64];
    for (int i = 0; i < p->nrange && i < 64; i++) words[i] = p->range[i].name;
    near = jd_nearest(name, words);
    jd_fail(p->ctx, JD_EUSAGE,
            "there is no parameter \"%s\" %s among the %d that were loaded%s%s%s; the network must be the one that was "
            "trained",
            name, jd__shape_text(type, shape), p->nrange, near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    return -1;
}

int jd__params_intern(jd_params *p, const char *name, const jd_type *type, const jd_init *init)
{
    const int at = find(p->range, p->nrange, name);
    if (at >= 0) return same_type(&p->range[at].type, type) ? at : mismatch(p, "param", name, &p->range[at].type, type);
    const int i = p->sealed ? missing(p, name, type) : add_range(p, name, type);
    if (i < 0) return -1;
    if (jd__init_fill(p->ctx, name, type, init, p->data + p->range[i].offset * jd_dtype_size(p->real))) {
        jd_free(p->ctx, (void *)(uintptr_t)p->range[i].name); /* a later attempt must not take it for initialised */
        p->count = p->range[i].offset;
        p->nrange--;
        return -1;
    }
    return i;
}

int jd__params_intern_state(jd_params *p, const char *name, const jd_type *type)
{
    const int at = find(p->state, p->nstate, name);
    if (at >= 0) return same_type(&p->state[at].type, type) ? at : mismatch(p, "state", name, &p->state[at].type, type);
    if (jd__mirror_to_host(p, true)) return -1;
    if (p->nstate == p->cap_state) {
        const int cap = p->cap_state ? 2 * p->cap_state : 8;
        jd_range *r = jd_realloc(p->ctx, p->state, (size_t)p->cap_state * sizeof *r, (size_t)cap * sizeof *r);
        if (!r) return -1;
        p->state = r;
        void **d = jd_realloc(p->ctx, p->state_data, (size_t)p->cap_state * sizeof *d, (size_t)cap * sizeof *d);
        if (!d) return -1;
        p->state_data = d;
        p->cap_state = cap;
    }
    char *copy = jd_strdup(p->ctx, name);
    void *data = jd_alloc_array(p->ctx, (size_t)jd__count(type) + 1, jd_dtype_size(type->dtype));
    if (!copy || !data) {
        jd_free(p->ctx, copy);
        jd_free(p->ctx, data);
        return -1;
    }
    p->state[p->nstate] = (jd_range){copy, *type, 0};
    p->state_data[p->nstate] = data;
    p->generation++;
    return p->nstate++;
}

jd_status jd_params_set(jd_params *p, const char *name, const jd_type *type, const void *data)
{
    if (!p) return JD_EUSAGE;
    if (!jd__given(p->ctx, __func__, "name", name) || !jd__given(p->ctx, __func__, "type", type))
        return jd_error(p->ctx);
    int i = find(p->range, p->nrange, name);
    if (type->dtype != p->real)
        return jd_fail(p->ctx, JD_EDATA,
                       "param \"%s\": stored as %s, but this store holds %s; load it into a store of its "
                       "own type",
                       name, type->dtype == JD_F64 ? "float64" : "float32", p->real == JD_F64 ? "float64" : "float32");
    if (i >= 0 && !same_type(&p->range[i].type, type))
        mismatch(p, "param", name, &p->range[i].type, type);
    else if (i < 0)
        i = add_range(p, name, type);
    if (jd_error(p->ctx) || i < 0 || jd__mirror_to_host(p, true)) return jd_error(p->ctx);
    const size_t size = jd_dtype_size(p->real);
    memcpy(p->data + p->range[i].offset * size, data, (size_t)jd__count(type) * size);
    return JD_OK;
}

jd_status jd_params_set_state(jd_params *p, const char *name, const jd_type *type, const void *data)
{
    if (!p) return JD_EUSAGE;
    if (!jd__given(p->ctx, __func__, "name", name) || !jd__given(p->ctx, __func__, "type", type))
        return jd_error(p->ctx);
    const int i = jd__params_intern_state(p, name, type);
    if (i < 0 || jd__mirror_to_host(p, true)) return jd_error(p->ctx);
    memcpy(p->state_data[i], data, (size_t)jd__count(type) * jd_dtype_size(type->dtype));
    return JD_OK;
}
