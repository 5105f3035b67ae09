/*
 * prefetch.c - a ring of slots, filled by threads, emptied in order.
 *
 * Batch number first+i goes into slot i % slots.  Threads take numbers in order under the lock, so that at any time
 * the numbers being filled lie in the `slots` numbers after those consumed.
 */
#include "jackdaw/data.h"

#include <pthread.h>
#include <string.h>

#include "base/given.h"

typedef struct slot {
    void *data;
    bool full;
    jd_status status;
    char message[JD_PREFETCH_MESSAGE];
} slot;

typedef struct worker {
    jd_prefetch *p;
    int id;
    pthread_t thread;
} worker;

struct jd_prefetch {
    jd_ctx *ctx;
    jd_prefetch_options o;
    slot *slots;
    worker *workers;
    int started;
    pthread_mutex_t lock;
    pthread_cond_t filled, freed;
    /* under the lock, as offsets from o.first: */
    uint64_t taken;    /* the next batch that a thread may take */
    uint64_t released; /* batches that the consumer is done with */
    bool stop;
    /* the consumer's own: */
    uint64_t given;
    bool ended;
};

static void fill_slot(jd_prefetch *p, int thread, uint64_t i, slot *s)
{
    s->message[0] = 0;
    s->status = p->o.fill(p->o.user, thread, p->o.first + i, s->data, s->message);
    s->message[JD_PREFETCH_MESSAGE - 1] = 0;
}

static void *work(void *user)
{
    const worker *w = user;
    jd_prefetch *p = w->p;
    const uint64_t slots = (uint64_t)p->o.slots;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stop && p->taken - p->released >= slots) pthread_cond_wait(&p->freed, &p->lock);
        if (p->stop || (p->o.count && p->taken >= p->o.count)) break;
        const uint64_t i = p->taken++;
        pthread_mutex_unlock(&p->lock);
        slot *s = &p->slots[i % slots];
        fill_slot(p, w->id, i, s);
        pthread_mutex_lock(&p->lock);
        s->full = true;
        if (s->status) p->stop = true; /* the batches before it are taken already, and will be delivered */
        pthread_cond_broadcast(&p->filled);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static jd_status check(jd_ctx *ctx, const jd_prefetch_options *o)
{
    if (!o->fill || !o->slot_bytes) return jd_fail(ctx, JD_EUSAGE, "jd_prefetch_new: needs .fill and .slot_bytes");
    if (o->threads < 0 || o->threads > 256 || o->slots < 0 || o->slots > 4096)
        return jd_fail(ctx, JD_EUSAGE, "jd_prefetch_new: %d threads, %d slots; 0 to 256 threads, 0 to 4096 slots",
                       o->threads, o->slots);
    return JD_OK;
}

jd_prefetch *jd_prefetch_new(jd_ctx *ctx, const jd_prefetch_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx) || check(ctx, o)) return NULL;
    jd_prefetch *p = jd_alloc(ctx, sizeof *p);
    if (!p) return NULL;
    p->ctx = ctx;
    p->o = *o;
    if (o->threads == 0)
        p->o.slots = 1;
    else if (o->slots == 0)
        p->o.slots = o->threads + 2;
    else if (o->slots == 1)
        p->o.slots = 2; /* the consumer holds one while the next is filled */
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->filled, NULL);
    pthread_cond_init(&p->freed, NULL);
    p->slots = jd_alloc_array(ctx, (size_t)p->o.slots, sizeof *p->slots);
    p->workers = jd_alloc_array(ctx, (size_t)(o->threads + 1), sizeof *p->workers);
    for (int i = 0; i < p->o.slots && !jd_error(ctx); i++) p->slots[i].data = jd_alloc(ctx, o->slot_bytes);
    for (int i = 0; i < o->threads && !jd_error(ctx); i++) {
        p->workers[i] = (worker){.p = p, .id = i};
        if (pthread_create(&p->workers[i].thread, NULL, work, &p->workers[i]) != 0)
            jd_fail(ctx, JD_ENOMEM, "jd_prefetch_new: cannot start thread %d of %d; ask for fewer", i + 1, o->threads);
        else
            p->started++;
    }
    if (jd_error(ctx)) {
        jd_prefetch_free(p);
        return NULL;
    }
    return p;
}

void *jd_prefetch_next(jd_prefetch *p)
{
    if (!p || p->ended || jd_error(p->ctx)) return NULL;
    if (p->o.count && p->given >= p->o.count) {
        p->ended = true;
        return NULL;
    }
    slot *s = &p->slots[p->given % (uint64_t)p->o.slots];
    if (p->started == 0) {
        fill_slot(p, 0, p->given, s);
    } else {
        pthread_mutex_lock(&p->lock);
        if (p->given > 0) { /* the batch given last time may be written over now */
            p->slots[(p->given - 1) % (uint64_t)p->o.slots].full = false;
            p->released = p->given;
            pthread_cond_signal(&p->freed);
        }
        while (!s->full) pthread_cond_wait(&p->filled, &p->lock);
        pthread_mutex_unlock(&p->lock);
    }
    if (s->status) {
        p->ended = true;
        jd_fail(p->ctx, s->status, "prefetch: batch %llu: %s", (unsigned long long)(p->o.first + p->given),
                s->message[0] ? s->message : "cannot be made");
        return NULL;
    }
    p->given++;
    return s->data;
}

void jd_prefetch_free(jd_prefetch *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->freed);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->filled);
    pthread_cond_destroy(&p->freed);
    for (int i = 0; p->slots && i < p->o.slots; i++) jd_free(p->ctx, p->slots[i].data);
    jd_free(p->ctx, p->slots);
    jd_free(p->ctx, p->workers);
    jd_free(p->ctx, p);
}
