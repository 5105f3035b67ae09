/* population_device.c - a population in the memory of a device: weights go there when they are new, inputs and outputs once a run. */
#include "base/device.h"
#include "search/population.h"

bool jd__population_offload(jd_population *p)
{
    p->kernel = jd__device_population(p->ctx, "population", &p->net);
    p->weights_newer = p->states_newer = true;
    return p->kernel != NULL;
}

void jd__population_device_free(jd_population *p)
{
    jd_device_room *const owned[] = {&p->there.w, &p->there.h, &p->there.x, &p->there.y};
    for (size_t i = 0; p->kernel && i < sizeof owned / sizeof *owned; i++) jd__device_room_free(p->ctx, owned[i]);
}

static jd_status send(jd_population *p, const jd_device_room *to, const void *from, size_t bytes)
{
    const jd_device *d = p->ctx->device;
    return bytes && d->api->upload(d->handle, to->p, from, bytes) ? jd__device_failed(p->ctx) : JD_OK;
}

jd_status jd__population_run_there(jd_population *p, int64_t T, const float *x, bool hold, float *y, bool last)
{
    const jd_device *d = p->ctx->device;
    const size_t stride = p->blocks * JD_LANES, row = stride * sizeof(float);
    const size_t w = p->W * row, h = (size_t)p->net.hidden * row;
    const size_t in = (size_t)(hold ? 1 : T) * (size_t)p->net.inputs * row;
    const size_t out = (size_t)(last ? 1 : T) * (size_t)p->net.outputs * row;
    if (jd__device_room(p->ctx, &p->there.w, w) || jd__device_room(p->ctx, &p->there.h, h) ||
        jd__device_room(p->ctx, &p->there.x, in) || jd__device_room(p->ctx, &p->there.y, out))
        return jd_error(p->ctx);
    if (p->weights_newer && send(p, &p->there.w, p->w, w)) return jd_error(p->ctx);
    /* The host's states, of which there are twice as many, stay 0. */
    if (p->states_newer && send(p, &p->there.h, p->h, h)) return jd_error(p->ctx);
    p->weights_newer = p->states_newer = false;
    if (send(p, &p->there.x, x, in)) return jd_error(p->ctx);
    jd_device_nets n = {.net = p->net,
                        .count = (int64_t)p->count,
                        .T = T,
                        .hold = hold,
                        .last = last,
                        .w = p->there.w.p,
                        .h = p->there.h.p,
                        .x = p->there.x.p,
                        .y = p->there.y.p};
    n.net.stride = stride;
    if (d->api->nets(d->handle, &n) || d->api->download(d->handle, y, p->there.y.p, out))
        return jd__device_failed(p->ctx);
    p->ctx->device->used = true;
    return JD_OK;
}
