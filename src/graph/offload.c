/* offload.c - running a plan on a device. */
#include <string.h>

#include "base/ctx.h"
#include "graph/offload.h"

static jd_status failed(jd_plan *p)
{
    const jd_device *d = p->off->dev;
    return jd_fail(p->ctx, JD_EIO, "device %s: %s", d->api->name, d->api->error(d->handle));
}

/* ---- before the first run ------------------------------------------------------------------------------------------*/

bool jd__offload_kernel(const jd_plan *p, const jd_call *c, jd_opcode code, jd_device_kernel *k)
{
    const jd_device *d = p->ctx->device;
    return d && !jd__device_shunned(d, jd__ops[code]->name) && d->api->kernel((int)code, c, d->precision, k);
}

static size_t bytes_of(const jd_type *t)
{
    return (size_t)jd__count(t) * jd_dtype_size(t->dtype);
}

/* Whether an output of a lies where an operand of b does. */
static bool touches(const jd_call *a, const jd_call *b)
{
    for (int i = 0; i < a->nout; i++)
        for (int k = 0; k < b->nin + b->nout; k++) {
            const unsigned char *x = a->out[i], *y = k < b->nin ? b->in[k] : b->out[k - b->nin];
            const jd_type *t = k < b->nin ? &b->in_type[k] : &b->out_type[k - b->nin];
            if (x && y && x < y + bytes_of(t) && y < x + bytes_of(&a->out_type[i])) return true;
        }
    return false;
}

/* Neighbours that leave each other half of the device and do not depend on one another: the directions of a layer. */
static void find_pairs(jd_plan *p)
{
    struct jd__offload *o = p->off;
    size_t first = 0, second = 0;
    for (int i = 0; i < p->ninstr; i++) {
        const jd__instr *a = &p->instr[i];
        const bool taken = i && o->beside[i - 1];
        o->beside[i] = !taken && jd__may_pair(p, i) && !touches(&a->call, &a[1].call) && !touches(&a[1].call, &a->call);
        size_t *most = taken ? &second : &first;
        if (a->device_scratch > *most) *most = a->device_scratch;
    }
    o->pair_at = (first + 255) & ~(size_t)255;
    o->scratch_bytes = o->pair_at + second;
}

jd_status jd__offload_plan(jd_plan *p)
{
    if (p->ctx->device->api->ops != JD_OP_COUNT)
        return jd_fail(p->ctx, JD_EABSENT,
                       "device %s: its plug-in knows other operations than the library; build both together",
                       p->ctx->device->api->name);
    struct jd__offload *o = jd_alloc(p->ctx, sizeof *o);
    if (!o) return jd_error(p->ctx);
    p->off = o;
    o->dev = p->ctx->device;
    o->segment = jd_alloc_array(p->ctx, (size_t)p->ninstr + 1, sizeof *o->segment);
    o->beside = jd_alloc_array(p->ctx, (size_t)p->ninstr + 1, sizeof *o->beside);
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    find_pairs(p);
    for (int i = 0; i < p->ninstr; i++) {
        const jd__instr *in = &p->instr[i];
        jd__segment *s = o->nsegment ? &o->segment[o->nsegment - 1] : NULL;
        o->fallbacks += !in->device;
        if (!in->device) jd__device_leave(p->ctx, "%s", in->call.op->name);
        o->writes |= (in->call.op->flags & JD_OP_FENCE) != 0;
        if (!s || s->cpu || !in->device) o->segment[o->nsegment++] = (jd__segment){i, i, !in->device, NULL};
        o->segment[o->nsegment - 1].end = i + 1;
    }
    for (int i = 0; i < p->ninput; i++) {
        const jd__io *io = &p->input[i];
        if (!io->used) continue;
        const size_t end = (size_t)((unsigned char *)io->data - p->arena) +
                           (size_t)jd__count(&io->type) * jd_dtype_size(io->type.dtype);
        if (end > o->feed_bytes) o->feed_bytes = end;
    }
    return JD_OK;
}

static void drop_recordings(jd_plan *p)
{
    struct jd__offload *o = p->off;
    for (int i = 0; i < o->nsegment; i++) {
        if (o->segment[i].recording) o->dev->api->drop(o->dev->handle, o->segment[i].recording);
        o->segment[i].recording = NULL;
    }
}

void jd__offload_free(jd_plan *p)
{
    struct jd__offload *o = p->off;
    if (!o) return;
    const jd_device *d = p->ctx->device;
    if (d && d->handle) {
        d->api->sync(d->handle);
        drop_recordings(p);
        if (o->arena) d->api->release(d->handle, o->arena);
        if (o->scratch) d->api->release(d->handle, o->scratch);
        if (o->feed) d->api->feed_free(d->handle, o->feed);
        if (o->reads) d->api->read_free(d->handle, o->reads);
    }
    jd_free(p->ctx, o->call);
    jd_free(p->ctx, o->pointer);
    jd_free(p->ctx, o->bind);
    jd_free(p->ctx, o->beside);
    jd_free(p->ctx, o->segment);
    jd_free(p->ctx, o);
    p->off = NULL;
}

/* The pointer that stands beside `where` of the host's calls. */
static jd_status pair_pointers(jd_plan *p)
{
    struct jd__offload *o = p->off;
    size_t n = 0, at = 0;
    for (int i = 0; i < p->ninstr; i++) n += (size_t)(p->instr[i].call.nin + p->instr[i].call.nout);
    o->call = jd_alloc_array(p->ctx, (size_t)p->ninstr + 1, sizeof *o->call);
    o->pointer = jd_alloc_array(p->ctx, n + 1, sizeof *o->pointer);
    o->bind = jd_alloc_array(p->ctx, (size_t)p->nbind + 1, sizeof *o->bind);
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    int next = 0; /* binds come in the order of the instructions */
    for (int i = 0; i < p->ninstr; i++) {
        const jd_call *c = &p->instr[i].call;
        o->call[i] = *c;
        o->call[i].in = o->pointer + at;
        o->call[i].out = o->pointer + at + c->nin;
        o->call[i].scratch = (char *)o->scratch + (i && o->beside[i - 1] ? o->pair_at : 0);
        for (int k = 0; k < c->nin + c->nout; k++, at++) {
            void **where = k < c->nin ? &c->in[k] : &c->out[k - c->nin];
            if (next < p->nbind && p->bind[next].where == where) {
                /* An absent operand may be bound all the same: it is part of a concatenation. */
                if (*where)
                    o->bind[o->nbind++] = (jd__bind){o->pointer + at, p->bind[next].state, p->bind[next].offset};
                next++;
            } else if (*where) {
                o->pointer[at] = o->arena + ((unsigned char *)*where - p->arena);
            }
        }
    }
    return JD_OK;
}

static jd_status set_up(jd_plan *p)
{
    struct jd__offload *o = p->off;
    const jd_device *d = o->dev;
    if (!d->handle)
        return jd_fail(p->ctx, JD_EABSENT, "device %s: it was not opened; this context can only describe plans",
                       d->api->name);
    o->arena = d->api->alloc(d->handle, p->arena_bytes + 64);
    o->scratch = d->api->alloc(d->handle, o->scratch_bytes + 64);
    o->feed = d->api->feed_new(d->handle, o->feed_bytes + 64);
    if (o->writes) o->reads = d->api->read_new(d->handle, ((size_t)p->nresult + 1) * sizeof(double));
    if (!o->arena || !o->scratch || !o->feed || (o->writes && !o->reads))
        return jd_fail(p->ctx, JD_ENOMEM,
                       "device %s: no room for an arena of %zu bytes and %zu of scratch; use a "
                       "smaller batch",
                       d->api->name, p->arena_bytes, o->scratch_bytes);
    if (p->arena_bytes && d->api->upload(d->handle, o->arena, p->arena, p->arena_bytes)) return failed(p);
    return pair_pointers(p);
}

static jd_status rebind(jd_plan *p)
{
    struct jd__offload *o = p->off;
    if (!p->params) return JD_OK;
    if (jd__mirror_to_device(p->params)) return jd_error(p->ctx);
    if (p->generation != p->params->generation) jd__plan_rebind(p);
    if (o->generation == jd__mirror_generation(p->params)) return JD_OK;
    for (int i = 0; i < o->nbind; i++) *o->bind[i].where = jd__mirror_at(p->params, &o->bind[i]);
    o->generation = jd__mirror_generation(p->params);
    drop_recordings(p);
    return JD_OK;
}

/* ---- inputs and results --------------------------------------------------------------------------------------------*/

static jd_status feed(jd_plan *p, const jd_tensor *in, int n)
{
    enum { PIECES = 64 };
    struct jd__offload *o = p->off;
    const jd_device *d = o->dev;
    jd_device_piece piece[PIECES];
    int pieces = 0;
    unsigned char *to = NULL;
    for (int i = 0; i < p->ninput; i++) {
        const jd__io *io = &p->input[i];
        const void *from = in ? i < n ? in[i].data : NULL : o->exposed ? io->data : NULL;
        if (!io->used || !from) continue;
        const size_t at = (size_t)((unsigned char *)io->data - p->arena), bytes = bytes_of(&io->type);
        if (!to) to = d->api->feed_begin(d->handle, o->feed);
        if (!to) return failed(p);
        memcpy(to + at, from, bytes);
        if (in && o->exposed) memcpy(io->data, from, bytes);
        /* Neighbours, a gap of alignment between them, go by one copy. */
        jd_device_piece *last = pieces ? &piece[pieces - 1] : NULL;
        if (last && at >= last->offset + last->bytes && at - (last->offset + last->bytes) < 64)
            last->bytes = at + bytes - last->offset;
        else if (pieces == PIECES)
            return jd_fail(p->ctx, JD_EINTERNAL, "more than %d separate inputs on a device", PIECES);
        else
            piece[pieces++] = (jd_device_piece){at, bytes, o->arena + at};
    }
    return to && d->api->feed_end(d->handle, o->feed, piece, pieces) ? failed(p) : JD_OK;
}

jd_status jd__offload_result(jd_plan *p, jd__io *io)
{
    struct jd__offload *o = p->off;
    const jd_device *d = o->dev;
    if (!o->runs || io->read == o->runs) return JD_OK;
    unsigned char *data = io->data;
    if (data >= p->arena && data < p->arena + p->arena_bytes) {
        if (d->api->download(d->handle, data, o->arena + (data - p->arena), bytes_of(&io->type))) return failed(p);
    } else if (p->params && jd__mirror_to_host(p->params, false)) {
        return jd_error(p->ctx);
    }
    io->read = o->runs;
    return JD_OK;
}

/* A scalar that lies in the arena: it is copied back behind every run of a training plan. */
static bool is_read(const jd_plan *p, const jd__io *io)
{
    const unsigned char *data = io->data;
    return p->off->reads && jd__count(&io->type) == 1 && data >= p->arena && data < p->arena + p->arena_bytes;
}

static jd_status queue_reads(jd_plan *p)
{
    const struct jd__offload *o = p->off;
    for (int i = 0; i < p->nresult; i++) {
        const jd__io *io = &p->result[i];
        if (is_read(p, io) &&
            o->dev->api->read_queue(o->dev->handle, o->reads, (int)(o->runs % 2), (size_t)i * sizeof(double),
                                    o->arena + ((unsigned char *)io->data - p->arena), bytes_of(&io->type)))
            return failed(p);
    }
    return JD_OK;
}

jd_status jd__offload_scalar(jd_plan *p, const jd__io *io, uint64_t run, double *value)
{
    const struct jd__offload *o = p->off;
    if (!is_read(p, io) || run >= o->runs || run + 2 < o->runs)
        return jd_fail(p->ctx, JD_EUSAGE,
                       "jd_fn_scalar_before \"%s\": it is kept for scalars of functions that change "
                       "weights, of the last two runs",
                       io->name);
    const unsigned char *slot = o->dev->api->read_wait(o->dev->handle, o->reads, (int)(run % 2));
    if (!slot) return failed(p);
    const void *at = slot + (size_t)(io - p->result) * sizeof(double);
    *value = io->type.dtype == JD_F32   ? (double)*(const float *)at
             : io->type.dtype == JD_F64 ? *(const double *)at
                                        : (double)*(const int32_t *)at;
    return JD_OK;
}

/* ---- running ---------------------------------------------------------------------------------------------------------*/

/* Operand k of instruction i lies in the arena (and not among the parameters). */
static bool in_arena(const jd_plan *p, const void *data)
{
    const unsigned char *at = data;
    return at && at >= p->arena && at < p->arena + p->arena_bytes + 64;
}

static jd_status move(jd_plan *p, int i, bool down, int begin, int end)
{
    struct jd__offload *o = p->off;
    const jd_device *d = o->dev;
    const jd_call *c = &p->instr[i].call;
    for (int k = begin; k < end; k++) {
        unsigned char *host = k < c->nin ? c->in[k] : c->out[k - c->nin];
        const size_t bytes = host ? bytes_of(&c->in_type[k]) : 0;
        if (!bytes || !in_arena(p, host)) continue;
        void *there = o->arena + (host - p->arena);
        if (down ? d->api->download(d->handle, host, there, bytes) : d->api->upload(d->handle, there, host, bytes))
            return failed(p);
    }
    return JD_OK;
}

jd_status jd__offload_fetch(jd_plan *p, int i)
{
    const jd_call *c = &p->instr[i].call;
    if (p->params && jd__mirror_to_host(p->params, false)) return jd_error(p->ctx);
    return move(p, i, true, 0, c->nin + c->nout);
}

/* Device to host, the CPU's kernel, host to device. */
static jd_status fall_back(jd_plan *p, int i)
{
    static const jd_worker alone = {0, 1, NULL};
    jd__instr *in = &p->instr[i];
    const bool fence = (in->call.op->flags & JD_OP_FENCE) != 0;
    /* Outputs too: a kernel may write only a part of what lies there, as a concatenation does. */
    if (p->params && jd__mirror_to_host(p->params, fence)) return jd_error(p->ctx);
    if (move(p, i, true, 0, in->call.nin + in->call.nout)) return jd_error(p->ctx);
    in->kernel(&in->call, &alone);
    if (move(p, i, false, in->call.nin, in->call.nin + in->call.nout)) return jd_error(p->ctx);
    return fence && p->params ? jd__mirror_to_device(p->params) : JD_OK;
}

static jd_status launch_one(jd_plan *p, int i)
{
    const jd_device *d = p->off->dev;
    if (!d->api->launch(d->handle, (int)p->instr[i].code, &p->off->call[i])) return JD_OK;
    return jd_fail(p->ctx, JD_EIO, "device %s: instruction %d (%s): %s", d->api->name, i, p->instr[i].call.op->name,
                   d->api->error(d->handle));
}

static jd_status launch_pair(jd_plan *p, int i)
{
    const jd_device *d = p->off->dev;
    if (d->api->side(d->handle, JD_SIDE_FIRST)) return failed(p);
    if (launch_one(p, i)) return jd_error(p->ctx);
    const int bad = d->api->side(d->handle, JD_SIDE_OTHER);
    if (bad || launch_one(p, i + 1)) failed(p); /* the first error stays */
    return d->api->side(d->handle, JD_SIDE_END) ? failed(p) : jd_error(p->ctx);
}

static jd_status launch(jd_plan *p, const jd__segment *s)
{
    for (int i = s->begin; i < s->end; i++) {
        const bool pair = i + 1 < s->end && p->off->beside[i];
        if (pair ? launch_pair(p, i) : launch_one(p, i)) return jd_error(p->ctx);
        i += pair;
    }
    return JD_OK;
}

static jd_status run_segment(jd_plan *p, jd__segment *s)
{
    struct jd__offload *o = p->off;
    const jd_device_api *api = o->dev->api;
    void *h = o->dev->handle;
    if (s->cpu) return fall_back(p, s->begin);
    /* The first run prepares what a recording cannot hold: libraries, memory of their own. */
    if (!api->record_begin || !o->runs) return launch(p, s);
    if (!s->recording) {
        if (api->record_begin(h)) return failed(p);
        const jd_status status = launch(p, s);
        const int bad = api->record_end(h, &s->recording); /* a failed launch is the cause, not this */
        if (status) return status;
        if (bad) return failed(p);
    }
    return api->replay(h, s->recording) ? failed(p) : JD_OK;
}

static jd_status ready(jd_plan *p)
{
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    if (!p->off->call && set_up(p)) return jd_error(p->ctx);
    return rebind(p);
}

jd_status jd__offload_run(jd_plan *p, const jd_tensor *in, int n)
{
    struct jd__offload *o = p->off;
    if (ready(p) || feed(p, in, n)) return jd_error(p->ctx);
    const int end = jd__plan_end(p); /* the exchange between ranks is a fall-back, so a segment ends there */
    for (int i = 0; i < o->nsegment && o->segment[i].begin < end; i++) {
        if (run_segment(p, &o->segment[i])) return jd_error(p->ctx);
        if (o->writes) jd__mirror_written(p->params);
    }
    if (queue_reads(p)) return jd_error(p->ctx);
    p->ctx->device->used |= o->fallbacks < p->ninstr;
    o->runs++;
    return JD_OK;
}

jd_status jd__offload_instr(jd_plan *p, int i, int repeats)
{
    const jd_device *d = p->off->dev;
    const jd__segment one = {i, i + 1, !p->instr[i].device, NULL};
    if (ready(p)) return jd_error(p->ctx);
    for (int k = 0; k < repeats; k++)
        if (one.cpu ? fall_back(p, i) : launch(p, &one)) return jd_error(p->ctx);
    if (p->instr[i].call.op->flags & JD_OP_FENCE && p->params) jd__mirror_written(p->params);
    return d->api->sync(d->handle) ? failed(p) : JD_OK;
}
