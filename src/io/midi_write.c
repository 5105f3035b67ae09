/* Standard MIDI Files: writing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "jackdaw/midi.h"

typedef struct out {
    jd_ctx *ctx;
    uint8_t *data;
    size_t n, room;
} out;

static void put(out *o, uint8_t byte)
{
    if (o->n == o->room) {
        const size_t more = o->room ? 2 * o->room : 1024;
        uint8_t *larger = jd_realloc(o->ctx, o->data, o->room, more);
        if (!larger) return;
        o->data = larger;
        o->room = more;
    }
    o->data[o->n++] = byte;
}

static void put_number(out *o, uint32_t x, int bytes)
{
    while (bytes-- > 0) put(o, (uint8_t)(x >> 8 * bytes));
}

/* Seven bits a byte, the highest first; all but the last have the eighth bit set. */
static void put_time(out *o, uint32_t x)
{
    for (int shift = 21; shift > 0; shift -= 7)
        if (x >> shift) put(o, (uint8_t)(0x80 | (x >> shift & 0x7f)));
    put(o, x & 0x7f);
}

/* A chunk's head; its length comes when it ends. */
static size_t begin_chunk(out *o, const char *kind)
{
    for (int i = 0; i < 4; i++) put(o, (uint8_t)kind[i]);
    put_number(o, 0, 4);
    return o->n;
}

static void end_track(out *o, size_t begin)
{
    put_number(o, 0x00ff2f00, 4);
    if (jd_error(o->ctx)) return;
    const size_t bytes = o->n - begin;
    for (int i = 0; i < 4; i++) o->data[begin - 4 + (size_t)i] = (uint8_t)(bytes >> (24 - 8 * i));
}

/* A note's beginning or end. */
typedef struct event {
    int64_t at;
    size_t note;
    bool on;
} event;

/* Ends come before beginnings, so that a note can follow another of its pitch. */
static int in_time(const void *a, const void *b)
{
    const event *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (x->on != y->on) return x->on ? 1 : -1;
    return (x->note > y->note) - (x->note < y->note);
}

static void write_channel(out *o, const jd_midi *m, int channel, event *events)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->notes[i].channel == channel) {
            events[n++] = (event){m->notes[i].start, i, true};
            events[n++] = (event){m->notes[i].start + m->notes[i].length, i, false};
        }
    if (!n) return;
    qsort(events, n, sizeof *events, in_time);
    const size_t begin = begin_chunk(o, "MTrk");
    put_number(o, 0x00u << 16 | (0xc0u | (uint32_t)channel) << 8 | m->program[channel], 3);
    int64_t now = 0;
    for (size_t k = 0; k < n; k++) {
        const jd_midi_note *note = &m->notes[events[k].note];
        put_time(o, (uint32_t)(events[k].at - now));
        now = events[k].at;
        put(o, (uint8_t)((events[k].on ? 0x90 : 0x80) | channel));
        put(o, note->pitch);
        put(o, events[k].on ? note->velocity : 64);
    }
    end_track(o, begin);
}

static jd_status check(jd_ctx *ctx, const char *path, const jd_midi *m)
{
    if (m->division < 1 || m->division > 32767 || !(m->tempo >= 4 && m->tempo <= 60e6))
        return jd_fail(ctx, JD_EUSAGE, "%s: %d ticks a quarter, %g quarters a minute; 1..32767 and 4..6e7 are possible",
                       path, m->division, m->tempo);
    for (int c = 0; c < 16; c++)
        if (m->program[c] > 127)
            return jd_fail(ctx, JD_EUSAGE, "%s: program %d; 0..127 are possible", path, m->program[c]);
    for (size_t i = 0; i < m->count; i++) {
        const jd_midi_note *n = &m->notes[i];
        if (n->start < 0 || n->length < 1 || n->start >= 1 << 27 || n->length >= 1 << 27 || n->pitch > 127 ||
            n->velocity < 1 || n->velocity > 127 || n->channel > 15)
            return jd_fail(
                ctx, JD_EUSAGE,
                "%s: note %zu: start %lld, length %lld, pitch %d, velocity %d, channel %d; starts are 0 and more, "
                "lengths and velocities 1 and more, times below 2^27, pitches and velocities to 127, channels "
                "to 15",
                path, i, (long long)n->start, (long long)n->length, n->pitch, n->velocity, n->channel);
    }
    return JD_OK;
}

jd_status jd_write_midi(jd_ctx *ctx, const char *path, const jd_midi *m)
{
    if (!jd__given(ctx, __func__, "path", path)) return jd_error(ctx);
    if (jd_error(ctx) || check(ctx, path, m)) return jd_error(ctx);
    out o = {.ctx = ctx};
    event *events = jd_alloc_array(ctx, m->count + 1, 2 * sizeof *events);
    unsigned channels = 0, tracks = 1;
    for (size_t i = 0; i < m->count; i++) channels |= 1u << m->notes[i].channel;
    for (int c = 0; c < 16; c++) tracks += channels >> c & 1;
    if (events) {
        for (const char *s = "MThd"; *s; s++) put(&o, (uint8_t)*s);
        put_number(&o, 6, 4);
        put_number(&o, 1, 2);
        put_number(&o, tracks, 2);
        put_number(&o, (uint32_t)m->division, 2);
        const size_t begin = begin_chunk(&o, "MTrk");
        put_number(&o, 0x00ff5103, 4);
        put_number(&o, (uint32_t)lrint(60e6 / m->tempo), 3);
        end_track(&o, begin);
        for (int c = 0; c < 16; c++) write_channel(&o, m, c, events);
    }
    if (!jd_error(ctx)) jd_write_file(ctx, path, o.data, o.n);
    jd_free(ctx, events);
    jd_free(ctx, o.data);
    return jd_error(ctx);
}
