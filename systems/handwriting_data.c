/* Ink to labelled samples and ragged batches. */
#include "handwriting.h"

#include <stdlib.h>
#include <string.h>

/* ---- alphabet ---------------------------------------------------------------------------------------------------------- */

/* The code point at *s, which moves on; 0 at the end, UINT32_MAX where there is no UTF-8. */
static uint32_t next_code(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    if (!*p) return 0;
    const int more = *p < 0x80 ? 0 : *p >= 0xC2 && *p < 0xE0 ? 1 : *p >= 0xE0 && *p < 0xF0 ? 2 : *p < 0xF5 ? 3 : -1;
    if (more < 0 || (*p >= 0x80 && *p < 0xC2)) return UINT32_MAX;
    uint32_t code = more == 0 ? *p : *p & (0x3Fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) return UINT32_MAX;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    *s += more + 1;
    return code;
}

static int label_of(const hand_alphabet *a, uint32_t code)
{
    for (int i = 0; i < a->n; i++)
        if (a->code[i] == code) return i;
    return -1;
}

jd_status hand_alphabet_add(jd_ctx *ctx, const jd_ink *ink, hand_alphabet *a)
{
    for (size_t i = 0; i < ink->count; i++) {
        const char *s = ink->items[i].text, *begin = s;
        for (uint32_t code; (code = next_code(&s)) != 0;) {
            if (code == UINT32_MAX)
                return jd_fail(ctx, JD_EDATA, "handwriting: the text of sample %s is no UTF-8", ink->items[i].id);
            if (label_of(a, code) < 0) {
                if (a->n == HAND_CHARS)
                    return jd_fail(ctx, JD_EDATA, "handwriting: more than %d different characters", HAND_CHARS);
                int at = a->n++;
                for (; at > 0 && a->code[at - 1] > code; at--) {
                    a->code[at] = a->code[at - 1];
                    memcpy(a->name[at], a->name[at - 1], sizeof a->name[0]);
                }
                a->code[at] = code;
                memset(a->name[at], 0, sizeof a->name[at]);
                memcpy(a->name[at], begin, (size_t)(s - begin));
            }
            begin = s;
        }
    }
    memset(a->name[a->n], 0, sizeof a->name[0]);
    a->name[a->n][0] = '-';
    return JD_OK;
}

void hand_text(const hand_alphabet *a, const int32_t *labels, size_t n, char *out, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const char *s = labels[i] < a->n ? a->name[labels[i]] : "?";
        const size_t bytes = strlen(s);
        if (at + bytes + 1 > room) break;
        memcpy(out + at, s, bytes);
        at += bytes;
    }
    out[at] = 0;
}

/* ---- bags --------------------------------------------------------------------------------------------------------------- */

void hand_bag_close(hand_bag *bag)
{
    if (!bag->ctx) return;
    for (size_t i = 0; bag->frames && i < bag->n; i++) jd_free(bag->ctx, bag->frames[i]);
    jd_free(bag->ctx, bag->frames);
    jd_free(bag->ctx, bag->items);
    jd_free(bag->ctx, bag->label_room);
    jd_ink_free(bag->ctx, &bag->ink);
    *bag = (hand_bag){0};
}

static bool feasible(const hand_item *item, int per)
{
    int32_t need = item->labels_n;
    for (int32_t i = 1; i < item->labels_n; i++) need += item->labels[i] == item->labels[i - 1];
    return (item->steps + per - 1) / per >= need;
}

static jd_status add_item(hand_bag *bag, jd_ink_reader *reader, const hand_alphabet *a, const jd_ink_sample *ink,
                          int32_t *labels, const hand_bag_options *o)
{
    hand_item *item = &bag->items[bag->n];
    *item = (hand_item){.ink = ink, .labels = labels};
    const char *s = ink->text;
    if (!*s) return jd_fail(bag->ctx, JD_EDATA, "handwriting: %s: sample %s has no text", o->part, ink->id);
    for (uint32_t code; (code = next_code(&s)) != 0;) {
        if (code == UINT32_MAX)
            return jd_fail(bag->ctx, JD_EDATA, "handwriting: %s: the text of sample %s is no UTF-8", o->part, ink->id);
        const int k = label_of(a, code);
        labels[item->labels_n++] = k < 0 ? a->n + 1 : k;
    }
    item->steps = (int32_t)jd_ink_frames(reader, ink, NULL, 0);
    if (!item->steps) return jd_error(bag->ctx);
    if (o->drop && !feasible(item, bag->per)) {
        bag->dropped++;
        return JD_OK;
    }
    if (o->keep) {
        const size_t bytes = (size_t)item->steps * bag->width * sizeof(float);
        float *x = bag->frames[bag->n] = jd_alloc(bag->ctx, bytes);
        if (!x) return jd_error(bag->ctx);
        memcpy(x, jd_ink_reader_frames(reader), bytes);
        item->x = x;
    }
    if (item->labels_n > bag->most_labels) bag->most_labels = item->labels_n;
    bag->n++;
    return JD_OK;
}

/* Sample i of n.  Those of one writer stand together: fewer than there are come from all over the file. */
static const jd_ink_sample *chosen(const hand_bag *bag, size_t i, size_t n)
{
    return &bag->ink.items[i * bag->ink.count / n];
}

jd_status hand_bag_open(jd_run *r, jd_ink_reader *reader, const hand_alphabet *a, jd_ink *ink,
                        const hand_bag_options *o, hand_bag *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    hand_bag bag = {.ctx = ctx, .ink = *ink, .width = jd_ink_reader_width(reader), .per = o->per};
    *ink = (jd_ink){0};
    const size_t n = o->n && o->n < bag.ink.count ? o->n : bag.ink.count;
    size_t characters = 1;
    for (size_t i = 0; i < n; i++) characters += strlen(chosen(&bag, i, n)->text);
    bag.items = jd_alloc_array(ctx, n, sizeof *bag.items);
    bag.label_room = jd_alloc_array(ctx, characters, sizeof *bag.label_room);
    if (o->keep) bag.frames = jd_alloc_array(ctx, n, sizeof *bag.frames);
    int32_t *labels = bag.label_room;
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        const jd_ink_sample *s = chosen(&bag, i, n);
        const size_t before = bag.n;
        if (add_item(&bag, reader, a, s, labels, o) && !jd_run_skip(r)) break;
        if (bag.n > before) labels += bag.items[before].labels_n;
        if (jd_run_progress(r, (double)(i + 1), (double)n, "reading %s", o->part)) jd_run_stopped(r);
    }
    if (!jd_error(ctx) && !bag.n) jd_fail(ctx, JD_EDATA, "handwriting: no sample of %s is left", o->part);
    if (jd_error(ctx))
        hand_bag_close(&bag);
    else
        *out = bag;
    return jd_error(ctx);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

jd_status hand_mark_seen(const hand_bag *train, hand_bag *bag)
{
    const char **texts = jd_alloc_array(train->ctx, train->n, sizeof *texts);
    if (!texts) return jd_error(train->ctx);
    for (size_t i = 0; i < train->n; i++) texts[i] = train->items[i].ink->text;
    qsort(texts, train->n, sizeof *texts, by_text);
    for (size_t i = 0; i < bag->n; i++)
        bag->items[i].seen = bsearch(&bag->items[i].ink->text, texts, train->n, sizeof *texts, by_text) != NULL;
    jd_free(train->ctx, texts);
    return JD_OK;
}

/* ---- batches ------------------------------------------------------------------------------------------------------------ */

static bool room(jd_ctx *ctx, void **p, size_t *have, size_t want, size_t each)
{
    if (want <= *have) return true;
    jd_free(ctx, *p);
    *p = jd_alloc_array(ctx, want + want / 4, each);
    *have = *p ? want + want / 4 : 0;
    return *p != NULL;
}

/* Makes room for B samples of up to `steps` frames and U labels and clears it. */
static jd_status shape(const hand_bag *bag, hand_batch *b, size_t B, int32_t steps)
{
    jd_ctx *ctx = bag->ctx;
    const size_t U = (size_t)bag->most_labels;
    b->T = (steps + HAND_PAD - 1) / HAND_PAD * HAND_PAD;
    b->B = (int64_t)B;
    b->U = (int64_t)U;
    b->width = (int64_t)bag->width;
    if (B > b->rows_room) {
        jd_free(ctx, b->length);
        b->length = jd_alloc_array(ctx, 5 * B, sizeof(int32_t));
        b->rows_room = b->length ? B : 0;
    }
    const size_t floats = (size_t)b->T * B * bag->width;
    if (!b->length || !room(ctx, (void **)&b->x, &b->x_room, floats, sizeof(float)) ||
        !room(ctx, (void **)&b->labels, &b->labels_room, B * U, sizeof(int32_t)))
        return jd_error(ctx);
    b->steps = b->length + B;
    b->label_length = b->steps + B;
    b->size = b->label_length + B;
    b->per = bag->per;
    memset(b->x, 0, floats * sizeof(float));
    memset(b->labels, 0, B * U * sizeof(int32_t));
    return JD_OK;
}

void hand_batch_free(jd_ctx *ctx, hand_batch *b)
{
    jd_free(ctx, b->x);
    jd_free(ctx, b->length);
    jd_free(ctx, b->labels);
    *b = (hand_batch){0};
}

static void put(hand_batch *b, size_t k, const hand_item *item, const float *x, int32_t steps)
{
    const size_t W = (size_t)b->width;
    b->length[k] = steps;
    b->steps[k] = (steps + b->per - 1) / b->per;
    b->size[2 * k] = (int32_t)b->width;
    b->size[2 * k + 1] = steps;
    b->label_length[k] = item->labels_n;
    memcpy(b->labels + k * (size_t)b->U, item->labels, (size_t)item->labels_n * sizeof(int32_t));
    for (size_t t = 0; t < (size_t)steps; t++) memcpy(b->x + (t * (size_t)b->B + k) * W, x + t * W, W * sizeof(float));
}

jd_status hand_batch_fill(const hand_bag *bag, const uint32_t *index, size_t n, hand_batch *b)
{
    int32_t longest = 1;
    for (size_t k = 0; k < n; k++)
        if (bag->items[index[k]].steps > longest) longest = bag->items[index[k]].steps;
    if (shape(bag, b, n, longest)) return jd_error(bag->ctx);
    for (size_t k = 0; k < n; k++) put(b, k, &bag->items[index[k]], bag->items[index[k]].x, bag->items[index[k]].steps);
    return JD_OK;
}

int hand_batch_inputs(const hand_batch *b, jd_tensor *in)
{
    in[0] = JD_TENSOR("x", JD_F32, b->x, b->T, b->B, b->width);
    in[1] = JD_TENSOR("length", JD_I32, b->length, b->B);
    in[2] = JD_TENSOR("steps", JD_I32, b->steps, b->B);
    in[3] = JD_TENSOR("size", JD_I32, b->size, b->B, 2);
    in[4] = JD_TENSOR("labels", JD_I32, b->labels, b->B, b->U);
    in[5] = JD_TENSOR("label_length", JD_I32, b->label_length, b->B);
    return 6;
}

/* Frames of item `index`, changed unless that leaves too few of them: into memory to be freed. */
static float *changed(hand_feed *f, uint32_t index, int32_t *steps)
{
    const hand_bag *bag = f->bag;
    if (bag->make) {
        *steps = bag->items[index].steps;
        float *made = jd_alloc_array(bag->ctx, (size_t)*steps, bag->width * sizeof *made);
        if (made) bag->make(bag->source, index, made);
        return made;
    }
    hand_item probe = bag->items[index];
    jd_rng rng = jd_rng_new(f->seed, "handwriting/change", (uint64_t)f->epoch * bag->n + index);
    size_t n = jd_ink_frames(f->reader, probe.ink, f->strength > 0 ? &rng : NULL, f->strength);
    probe.steps = (int32_t)n;
    if (n && !feasible(&probe, bag->per)) n = jd_ink_frames(f->reader, probe.ink, NULL, 0);
    const size_t bytes = n * bag->width * sizeof(float);
    float *x = n ? jd_alloc(bag->ctx, bytes) : NULL;
    if (x) memcpy(x, jd_ink_reader_frames(f->reader), bytes);
    *steps = (int32_t)n;
    return x;
}

/* Two passes, since the changes decide the lengths. */
static jd_status fill_changed(hand_feed *f, const uint32_t *index, size_t n, hand_batch *b)
{
    jd_ctx *ctx = f->bag->ctx;
    int32_t longest = 1, steps[256];
    float *x[256] = {NULL};
    for (size_t k = 0; k < n && !jd_error(ctx); k++) {
        x[k] = changed(f, index[k], &steps[k]);
        if (steps[k] > longest) longest = steps[k];
    }
    if (!jd_error(ctx) && !shape(f->bag, b, n, longest))
        for (size_t k = 0; k < n; k++) put(b, k, &f->bag->items[index[k]], x[k], steps[k]);
    for (size_t k = 0; k < n; k++) jd_free(ctx, x[k]);
    return jd_error(ctx);
}

static jd_status order_epoch(hand_feed *f, int64_t epoch)
{
    const hand_bag *bag = f->bag;
    jd_batches_free(bag->ctx, &f->order);
    f->epoch = -1;
    int32_t *length = jd_alloc_array(bag->ctx, bag->n, sizeof *length);
    if (!length) return jd_error(bag->ctx);
    for (size_t i = 0; i < bag->n; i++) length[i] = bag->items[i].steps;
    const jd_batches_options o = {.count = bag->n,
                                  .batch = f->batch,
                                  .length = length,
                                  .shuffle = true,
                                  .seed = f->seed,
                                  .epoch = (uint64_t)epoch,
                                  .pool = 32,
                                  .drop_last = true};
    if (!jd_batches_make(bag->ctx, &o, &f->order)) f->epoch = epoch;
    jd_free(bag->ctx, length);
    return jd_error(bag->ctx);
}

jd_status hand_feed_open(const hand_bag *bag, jd_ink_reader *reader, uint64_t seed, size_t batch, double strength,
                         int slots, hand_feed *out)
{
    jd_ctx *ctx = bag->ctx;
    *out =
        (hand_feed){.bag = bag, .reader = reader, .seed = seed, .batch = batch, .strength = strength, .slots_n = slots};
    if (batch < 1 || batch > 256 || bag->n < batch)
        return jd_fail(ctx, JD_EUSAGE, "handwriting: batches of %zu out of %zu samples; 1..256 are possible", batch,
                       bag->n);
    out->slots = jd_alloc_array(ctx, (size_t)slots, sizeof *out->slots);
    if (out->slots) order_epoch(out, 0);
    out->per_epoch = out->order.count;
    return jd_error(ctx);
}

void hand_feed_close(hand_feed *f)
{
    if (!f->bag) return;
    jd_ctx *ctx = f->bag->ctx;
    for (int i = 0; f->slots && i < f->slots_n; i++) hand_batch_free(ctx, &f->slots[i]);
    jd_free(ctx, f->slots);
    jd_batches_free(ctx, &f->order);
    *f = (hand_feed){0};
}

int hand_feed_next(hand_feed *f, int64_t step, int slot, jd_tensor *in)
{
    const int64_t per = (int64_t)f->per_epoch, epoch = step / per;
    if (f->epoch != epoch && order_epoch(f, epoch)) return 0;
    const size_t at = (size_t)(step % per);
    const uint32_t *index = f->order.index + f->order.offset[at];
    const size_t n = f->order.offset[at + 1] - f->order.offset[at];
    hand_batch *b = &f->slots[slot];
    return fill_changed(f, index, n, b) ? 0 : hand_batch_inputs(b, in);
}
