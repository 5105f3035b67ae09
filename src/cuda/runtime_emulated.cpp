/*
 * runtime_emulated.cpp - the device of libjackdaw-cuda-emulated.so: ordinary memory, kernels as fibers.
 *
 * A recording holds the pointers of its launches as they were when it was made, and runs nothing before it is replayed; what
 * a GPU forbids in the meantime is an error.
 *
 * Before each launch everything but the instruction's operands is forbidden to ASan, outputs and scratch are filled with
 * NaN where nothing lies there yet, so that a read or write outside an operand, and an element that is not written, are
 * found.
 */
#include <vector>

#include "cuda/population.h"
#include "cuda/table.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define __asan_poison_memory_region(p, n)   ((void)(p), (void)(n))
#define __asan_unpoison_memory_region(p, n) ((void)(p), (void)(n))
#endif

struct block {
    char *p;
    size_t bytes;
    block *next;
};

/* A launch of a recording, or what jd_device_side says between launches (opcode -1). */
struct note {
    int opcode;
    jd_device_side where;
    jd_call call;
    std::vector<void *> pointer; /* the call's */
};

typedef std::vector<note> recording;

struct device {
    jd_cu cu;
    recording *recording_now; /* NULL: none is being made */
    block *blocks;            /* all memory that was given out */
    bool waits;               /* the next launch is the first of two side by side */
    int opcode;               /* of `first`, which has not run yet */
    const jd_call *first;
};

static device *of(void *d)
{
    return static_cast<device *>(d);
}

static void *open_device(jd_precision p, char *, size_t)
{
    device *d = new device();
    d->cu.precision = p;
    return d;
}

static void close_device(void *handle)
{
    device *d = of(handle);
    while (d->blocks) {
        block *b = d->blocks;
        d->blocks = b->next;
        free(b->p);
        delete b;
    }
    delete d;
}

static const char *describe(void *)
{
    return "CUDA kernels emulated on the CPU";
}

static const char *error(void *d)
{
    return of(d)->cu.error;
}

/* Whether a recording is being made, which has no place for `what`. */
static bool forbidden(void *handle, const char *what)
{
    device *d = of(handle);
    if (!d->recording_now) return false;
    snprintf(d->cu.error, sizeof d->cu.error, "%s while a recording is made", what);
    return true;
}

static void *alloc(void *handle, size_t bytes)
{
    void *p = NULL;
    if (forbidden(handle, "an allocation")) return NULL;
    if (posix_memalign(&p, 256, bytes + 1)) return NULL;
    memset(p, 0, bytes);
    of(handle)->blocks = new block{static_cast<char *>(p), bytes, of(handle)->blocks};
    return p;
}

static void release(void *handle, void *memory)
{
    for (block **at = &of(handle)->blocks; *at; at = &(*at)->next) {
        block *b = *at;
        if (b->p != memory) continue;
        *at = b->next;
        free(b->p);
        delete b;
        return;
    }
}

static int copy(void *handle, void *to, const void *from, size_t bytes)
{
    if (forbidden(handle, "a copy")) return 1;
    memmove(to, from, bytes);
    return 0;
}

static int sync(void *handle)
{
    return forbidden(handle, "waiting");
}

static size_t bytes_of(const jd_type *t)
{
    return (size_t)jd__count(t) * (t->dtype == JD_F64 ? 8 : 4);
}

static void forbid_all(device *d)
{
    for (block *b = d->blocks; b; b = b->next) __asan_poison_memory_region(b->p, b->bytes);
}

static void allow_all(device *d)
{
    for (block *b = d->blocks; b; b = b->next) __asan_unpoison_memory_region(b->p, b->bytes);
}

static bool overlaps_an_input(const jd_call *c, const char *p, size_t bytes)
{
    for (int i = 0; i < c->nin; i++) {
        const char *q = static_cast<const char *>(c->in[i]);
        if (q && q < p + bytes && p < q + bytes_of(&c->in_type[i])) return true;
    }
    return false;
}

static int launch(void *handle, int opcode, const jd_call *c)
{
    device *d = of(handle);
    if (d->recording_now) {
        note n = {opcode, JD_SIDE_END, *c, std::vector<void *>(c->in, c->in + c->nin)};
        n.pointer.insert(n.pointer.end(), c->out, c->out + c->nout);
        n.call.in = n.pointer.data();
        n.call.out = n.call.in + c->nin;
        d->recording_now->push_back(std::move(n)); /* the pointers stay where they are */
        return 0;
    }
    if (d->waits) {
        d->opcode = opcode;
        d->first = c;
        return 0;
    }
    const jd_cu_op *op = jd_cu_find(opcode, c);
    const size_t scratch = op && op->scratch ? op->scratch(c) : 0;
    if (!op) {
        snprintf(d->cu.error, sizeof d->cu.error, "no kernel");
        return 1;
    }
    forbid_all(d);
    for (int i = 0; i < c->nin; i++)
        if (c->in[i]) __asan_unpoison_memory_region(c->in[i], bytes_of(&c->in_type[i]));
    for (int i = 0; i < c->nout; i++) {
        const size_t bytes = bytes_of(&c->out_type[i]);
        __asan_unpoison_memory_region(c->out[i], bytes);
        /* Parts of a concatenation may lie in their place already. */
        if (opcode != JD_OP_concat && !overlaps_an_input(c, static_cast<char *>(c->out[i]), bytes))
            memset(c->out[i], 0xff, bytes);
    }
    if (scratch) {
        __asan_unpoison_memory_region(c->scratch, scratch);
        memset(c->scratch, 0xff, scratch);
    }
    const int bad = op->launch(&d->cu, c);
    allow_all(d);
    return bad;
}

/* Populations: nothing but these pieces may be touched; what is only written begins as NaN. */
static void allow(const void *p, int64_t bytes)
{
    if (p) __asan_unpoison_memory_region(p, (size_t)bytes);
}

static void allow_to_write(void *p, int64_t bytes)
{
    allow(p, bytes);
    if (p) memset(p, 0xff, (size_t)bytes);
}

static int64_t weight_bytes(const jd_lane_net &n, int64_t count)
{
    const int64_t seen = n.hidden ? n.hidden : n.inputs, O = n.direct ? 0 : n.outputs;
    const int64_t W = n.hidden * (1 + n.inputs + n.feedback) + O * (n.out_bias + seen);
    return (count + JD_LANES - 1) / JD_LANES * JD_LANES * W * (int64_t)sizeof(float);
}

static int nets(void *handle, const jd_device_nets *p)
{
    device *d = of(handle);
    const int64_t row = (int64_t)p->net.stride * (int64_t)sizeof(float);
    forbid_all(d);
    allow(p->w, weight_bytes(p->net, p->count));
    allow(p->h, p->net.hidden * row);
    allow(p->x, (p->hold ? 1 : p->T) * p->net.inputs * row);
    allow_to_write(p->y, (p->last ? 1 : p->T) * p->net.outputs * row);
    const int bad = jd_cu_nets(&d->cu, p);
    allow_all(d);
    return bad;
}

static int episodes(void *handle, const jd_device_episodes *p)
{
    device *d = of(handle);
    const int64_t states = (2 + 2 * p->task.c.poles) * p->count * (int64_t)sizeof(double);
    forbid_all(d);
    allow(p->w, weight_bytes(p->net, p->same ? 1 : p->count));
    allow(p->h, p->net.hidden * p->count * (int64_t)sizeof(float));
    allow(p->s, states);
    allow(p->t, p->count * (int64_t)sizeof(int64_t));
    allow(p->over, p->count);
    allow_to_write(p->trace, p->steps * states);
    const int bad = jd_cu_episodes(&d->cu, p);
    allow_all(d);
    return bad;
}

/* Of two instructions side by side the second runs first: what depends on the order shows. */
static int side(void *handle, jd_device_side where)
{
    device *d = of(handle);
    if (d->recording_now) {
        d->recording_now->push_back({-1, where, jd_call(), {}});
        return 0;
    }
    d->waits = where == JD_SIDE_FIRST;
    if (where != JD_SIDE_END || !d->first) return 0;
    const jd_call *c = d->first;
    d->first = NULL;
    return launch(d, d->opcode, c);
}

static int record_begin(void *handle)
{
    if (forbidden(handle, "another one")) return 1;
    of(handle)->recording_now = new recording();
    return 0;
}

static int record_end(void *handle, void **made)
{
    *made = of(handle)->recording_now;
    of(handle)->recording_now = NULL;
    return 0;
}

static int replay(void *handle, void *made)
{
    if (forbidden(handle, "a replay")) return 1;
    for (const note &n : *static_cast<recording *>(made))
        if (n.opcode < 0 ? side(handle, n.where) : launch(handle, n.opcode, &n.call)) return 1;
    return 0;
}

static void drop(void *, void *made)
{
    delete static_cast<recording *>(made);
}

static void *feed_new(void *, size_t bytes)
{
    return malloc(bytes + 1);
}

static void *feed_begin(void *, void *feed)
{
    return feed;
}

static int feed_end(void *handle, void *feed, const jd_device_piece *piece, int n)
{
    if (forbidden(handle, "inputs")) return 1;
    for (int i = 0; i < n; i++) memcpy(piece[i].to, static_cast<char *>(feed) + piece[i].offset, piece[i].bytes);
    return 0;
}

static void feed_free(void *, void *feed)
{
    free(feed);
}

static void *read_new(void *, size_t bytes)
{
    return new std::vector<char>(2 * bytes);
}

static int read_queue(void *handle, void *reads, int slot, size_t offset, const void *from, size_t bytes)
{
    if (forbidden(handle, "results")) return 1;
    std::vector<char> *r = static_cast<std::vector<char> *>(reads);
    memcpy(r->data() + (size_t)slot * (r->size() / 2) + offset, from, bytes);
    return 0;
}

static const void *read_wait(void *, void *reads, int slot)
{
    std::vector<char> *r = static_cast<std::vector<char> *>(reads);
    return r->data() + (size_t)slot * (r->size() / 2);
}

static void read_free(void *, void *reads)
{
    delete static_cast<std::vector<char> *>(reads);
}

extern "C" __attribute__((visibility("default"))) const jd_device_api *jd_device_plugin()
{
    static const jd_device_api api = {
        JD_DEVICE_ABI, JD_OP_COUNT,  "cuda-emulated", jd_cu_kernel, open_device, close_device, describe,
        error,         alloc,        release,         copy,         copy,        sync,         launch,
        side,          record_begin, record_end,      replay,       drop,        feed_new,     feed_begin,
        feed_end,      feed_free,    read_new,        read_queue,   read_wait,   read_free,    jd_cu_population_kernel,
        nets,          episodes};
    return &api;
}
