/* mirror.c - the parameter vector and the states in the memory of a device. */
#include <string.h>

#include "base/ctx.h"
#include "graph/offload.h"

struct jd__mirror {
    unsigned char *data; /* the whole vector, contiguous as on the host */
    size_t data_bytes;
    void **state;
    int nstate;
    uint64_t built_for, generation; /* the store's generation that it fits; grows when it moved */
    bool host_newer, device_newer;
};

static size_t vector_bytes(const jd_params *p)
{
    return p->count * jd_dtype_size(p->real);
}

static size_t state_bytes(const jd_range *r)
{
    return (size_t)jd__count(&r->type) * jd_dtype_size(r->type.dtype);
}

static jd_status device_failed(jd_params *p)
{
    const jd_device *d = p->ctx->device;
    return jd_fail(p->ctx, JD_EIO, "device %s: %s", d->api->name, d->api->error(d->handle));
}

static jd_status no_memory(jd_params *p, size_t bytes)
{
    return jd_fail(p->ctx, JD_ENOMEM, "device %s: no room for %zu bytes of parameters and states; use a smaller model",
                   p->ctx->device->api->name, bytes);
}

static void release(jd_params *p, struct jd__mirror *m)
{
    const jd_device *d = p->ctx->device;
    if (!d || !d->handle) return;
    if (m->data) d->api->release(d->handle, m->data);
    for (int i = 0; i < m->nstate; i++) d->api->release(d->handle, m->state[i]);
    m->data = NULL;
    m->nstate = 0;
}

void jd__mirror_free(jd_params *p)
{
    if (!p->mirror) return;
    release(p, p->mirror);
    jd_free(p->ctx, p->mirror->state);
    jd_free(p->ctx, p->mirror);
    p->mirror = NULL;
}

/* Room for the store as it is now. */
static jd_status rebuild(jd_params *p, struct jd__mirror *m)
{
    const jd_device *d = p->ctx->device;
    release(p, m);
    jd_free(p->ctx, m->state);
    m->state = jd_alloc_array(p->ctx, (size_t)p->nstate + 1, sizeof *m->state);
    if (!m->state) return jd_error(p->ctx);
    m->data = d->api->alloc(d->handle, vector_bytes(p) + 64);
    if (!m->data) return no_memory(p, vector_bytes(p));
    m->data_bytes = vector_bytes(p);
    for (; m->nstate < p->nstate; m->nstate++) {
        const size_t bytes = state_bytes(&p->state[m->nstate]);
        m->state[m->nstate] = d->api->alloc(d->handle, bytes + 64);
        if (!m->state[m->nstate]) return no_memory(p, bytes);
    }
    m->built_for = p->generation;
    m->generation++;
    m->host_newer = true;
    return JD_OK;
}

jd_status jd__mirror_to_device(jd_params *p)
{
    const jd_device *d = p->ctx->device;
    if (!p->mirror) {
        p->mirror = jd_alloc(p->ctx, sizeof *p->mirror);
        if (!p->mirror) return jd_error(p->ctx);
    }
    struct jd__mirror *m = p->mirror;
    if (m->built_for != p->generation || !m->data) {
        if (jd__mirror_to_host(p, true) || rebuild(p, m)) return jd_error(p->ctx);
    }
    if (!m->host_newer) return JD_OK;
    int bad = p->count ? d->api->upload(d->handle, m->data, p->data, vector_bytes(p)) : 0;
    for (int i = 0; i < m->nstate && !bad; i++)
        bad = d->api->upload(d->handle, m->state[i], p->state_data[i], state_bytes(&p->state[i]));
    if (bad) return device_failed(p);
    m->host_newer = false;
    return JD_OK;
}

jd_status jd__mirror_to_host(jd_params *p, bool write)
{
    struct jd__mirror *m = p->mirror;
    if (!m) return JD_OK;
    if (m->device_newer) {
        const jd_device *d = p->ctx->device;
        /* Ranges that were added since the mirror was made are on the host only; the vector grows at its end. */
        const size_t bytes = m->data_bytes;
        int bad = bytes ? d->api->download(d->handle, p->data, m->data, bytes) : 0;
        for (int i = 0; i < m->nstate && !bad; i++)
            bad = d->api->download(d->handle, p->state_data[i], m->state[i], state_bytes(&p->state[i]));
        if (bad) return device_failed(p);
        m->device_newer = false;
    }
    if (write) m->host_newer = true;
    return JD_OK;
}

void jd__mirror_written(jd_params *p)
{
    p->mirror->device_newer = true;
}

uint64_t jd__mirror_generation(const jd_params *p)
{
    return p->mirror ? p->mirror->generation : 0;
}

void *jd__mirror_at(const jd_params *p, const jd__bind *b)
{
    unsigned char *base = b->state >= 0 ? p->mirror->state[b->state] : p->mirror->data;
    return base + b->offset;
}
