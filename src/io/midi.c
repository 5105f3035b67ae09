/* Standard MIDI Files: reading. */
#include "jackdaw/midi.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24, LATEST = 1 << 28 };

typedef struct reader {
    jd_ctx *ctx;
    const char *path;
    const uint8_t *data;
    size_t at, end; /* of the chunk that is read */
    jd_midi m;
    size_t room;
    bool tempo_seen, program_seen[16];
    int64_t open[16][128]; /* index of a sounding note, or -1 */
} reader;

static jd_status bad(reader *r, const char *what)
{
    return jd_fail(r->ctx, JD_EDATA, "%s: byte %zu: %s; the file is damaged or no Standard MIDI File", r->path, r->at,
                   what);
}

static uint32_t number(const uint8_t *p, int bytes)
{
    uint32_t x = 0;
    while (bytes-- > 0) x = x << 8 | *p++;
    return x;
}

/* A quantity of seven bits a byte, at most four bytes. */
static jd_status variable(reader *r, uint32_t *x)
{
    *x = 0;
    for (int i = 0; i < 4; i++) {
        if (r->at >= r->end) return bad(r, "an event is cut short");
        const uint8_t byte = r->data[r->at++];
        *x = *x << 7 | (byte & 0x7f);
        if (!(byte & 0x80)) return JD_OK;
    }
    return bad(r, "a number of more than four bytes");
}

static jd_status begin_note(reader *r, int64_t now, int channel, int pitch, int velocity)
{
    if (r->m.count == r->room) {
        const size_t more = r->room ? 2 * r->room : 256;
        if (r->room >= MOST) return bad(r, "more than 2^24 notes");
        jd_midi_note *larger = jd_realloc(r->ctx, r->m.notes, r->room * sizeof *larger, more * sizeof *larger);
        if (!larger) return jd_error(r->ctx);
        r->m.notes = larger;
        r->room = more;
    }
    r->open[channel][pitch] = (int64_t)r->m.count;
    r->m.notes[r->m.count++] = (jd_midi_note){
        .start = now, .pitch = (uint8_t)pitch, .velocity = (uint8_t)velocity, .channel = (uint8_t)channel};
    return JD_OK;
}

/* Notes without length are kept as one tick: files hold them for drums. */
static void end_note(reader *r, int64_t now, int channel, int pitch)
{
    const int64_t k = r->open[channel][pitch];
    if (k < 0) return;
    jd_midi_note *n = &r->m.notes[k];
    n->length = now > n->start ? now - n->start : 1;
    r->open[channel][pitch] = -1;
}

static jd_status channel_event(reader *r, int64_t now, uint8_t status)
{
    const int kind = status >> 4, channel = status & 15, bytes = kind == 0xC || kind == 0xD ? 1 : 2;
    if (r->end - r->at < (size_t)bytes) return bad(r, "an event is cut short");
    const uint8_t *p = r->data + r->at;
    if (p[0] > 127 || (bytes == 2 && p[1] > 127)) return bad(r, "a value above 127 in an event");
    r->at += (size_t)bytes;
    if (kind == 8 || (kind == 9 && p[1] == 0)) end_note(r, now, channel, p[0]);
    if (kind == 0xC && !r->program_seen[channel]) {
        r->m.program[channel] = p[0];
        r->program_seen[channel] = true;
    }
    if (kind != 9 || p[1] == 0) return JD_OK;
    end_note(r, now, channel, p[0]);
    return begin_note(r, now, channel, p[0], p[1]);
}

/* Meta and system exclusive events; *last becomes true at the end of the track. */
static jd_status other_event(reader *r, uint8_t status, bool *last)
{
    uint8_t kind = 0;
    uint32_t bytes;
    if (status == 0xFF) {
        if (r->at >= r->end) return bad(r, "an event is cut short");
        kind = r->data[r->at++];
    } else if (status != 0xF0 && status != 0xF7) {
        return bad(r, "an event that files do not have");
    }
    if (variable(r, &bytes)) return jd_error(r->ctx);
    if (r->end - r->at < bytes) return bad(r, "an event is cut short");
    if (status == 0xFF && kind == 0x2F) *last = true;
    if (status == 0xFF && kind == 0x51 && bytes == 3 && !r->tempo_seen) {
        const uint32_t micro = number(r->data + r->at, 3);
        if (micro) r->m.tempo = 60e6 / micro;
        r->tempo_seen = micro != 0;
    }
    r->at += bytes;
    return JD_OK;
}

static jd_status read_track(reader *r)
{
    int64_t now = 0;
    uint8_t status = 0;
    bool last = false;
    memset(r->open, 0xff, sizeof r->open);
    while (r->at < r->end && !last) {
        uint32_t wait;
        if (variable(r, &wait)) return jd_error(r->ctx);
        now += wait;
        if (now >= LATEST) return bad(r, "a time of 2^28 ticks or more");
        if (r->at >= r->end) return bad(r, "an event is cut short");
        if (r->data[r->at] & 0x80) {
            status = r->data[r->at++];
            if (status >= 0xF0) {
                if (other_event(r, status, &last)) return jd_error(r->ctx);
                status = 0;
                continue;
            }
        }
        if (!status) return bad(r, "an event without its kind");
        if (channel_event(r, now, status)) return jd_error(r->ctx);
    }
    if (!last) return bad(r, "a track without its end");
    for (int c = 0; c < 16; c++)
        for (int p = 0; p < 128; p++) end_note(r, now, c, p);
    return JD_OK;
}

static jd_status read_chunks(reader *r, size_t bytes)
{
    if (bytes < 14 || memcmp(r->data, "MThd", 4) || number(r->data + 4, 4) < 6)
        return bad(r, "no MThd at the beginning");
    const uint32_t head = number(r->data + 4, 4), format = number(r->data + 8, 2), tracks = number(r->data + 10, 2);
    const uint32_t division = number(r->data + 12, 2);
    if (format > 1) return jd_fail(r->ctx, JD_EDATA, "%s: format %u; only 0 and 1 are read", r->path, format);
    if (division < 1 || division > 32767)
        return jd_fail(r->ctx, JD_EDATA,
                       "%s: time is in frames of film (SMPTE) or missing; only ticks a quarter are read", r->path);
    r->m.division = (int)division;
    r->at = 8;
    if (bytes - 8 < head) return bad(r, "the first chunk is cut short");
    r->at += head;
    for (uint32_t k = 0; k < tracks;) {
        if (bytes - r->at < 8) return bad(r, "a track is missing");
        const uint8_t *p = r->data + r->at;
        const uint32_t n = number(p + 4, 4);
        r->at += 8;
        if (bytes - r->at < n) return bad(r, "a chunk is longer than what is left of the file");
        r->end = r->at + n;
        if (!memcmp(p, "MTrk", 4)) {
            if (read_track(r)) return jd_error(r->ctx);
            k++;
        }
        r->at = r->end;
    }
    return JD_OK;
}

static int in_order(const void *a, const void *b)
{
    const jd_midi_note *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->channel != y->channel) return x->channel < y->channel ? -1 : 1;
    if (x->pitch != y->pitch) return x->pitch < y->pitch ? -1 : 1;
    return (x->length > y->length) - (x->length < y->length);
}

jd_status jd_read_midi(jd_ctx *ctx, const char *path, jd_midi *out)
{
    size_t bytes;
    reader r = {.ctx = ctx, .path = path, .m.tempo = 120};
    uint8_t *data = jd_read_file(ctx, path, 1 << 28, &bytes);
    if (!data) return jd_error(ctx);
    r.data = data;
    read_chunks(&r, bytes);
    if (!jd_error(ctx) && r.m.count) qsort(r.m.notes, r.m.count, sizeof *r.m.notes, in_order);
    jd_free(ctx, data);
    if (jd_error(ctx))
        jd_midi_free(ctx, &r.m);
    else
        *out = r.m;
    return jd_error(ctx);
}

void jd_midi_free(jd_ctx *ctx, jd_midi *midi)
{
    if (!midi) return;
    jd_free(ctx, midi->notes);
    *midi = (jd_midi){0};
}
