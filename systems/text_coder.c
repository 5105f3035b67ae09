/* text_coder.c - an arithmetic code, and the methods that the paper compares with; see text.h. */
#include "text.h"

#include <string.h>
#include <zlib.h>

/* ---- the arithmetic code --------------------------------------------------------------------------------------------------
 * Of the interval [low, low + range) a symbol keeps its share.  Bytes that no later carry can change leave. */

void coder_begin(text_coder *c, uint8_t *out)
{
    *c = (text_coder){.range = UINT32_MAX, .out = out};
}

static void shift_out(text_coder *c)
{
    if (c->low < 0xff000000u || c->low >> 32) {
        const uint8_t carry = (uint8_t)(c->low >> 32);
        if (c->begun) c->out[c->n++] = (uint8_t)(c->held + carry);
        for (; c->follow; c->follow--) c->out[c->n++] = (uint8_t)(0xff + carry);
        c->held = (uint8_t)(c->low >> 24);
        c->begun = true;
    } else {
        c->follow++;
    }
    c->low = (c->low & 0x00ffffffu) << 8;
}

void coder_put(text_coder *c, uint32_t start, uint32_t freq)
{
    const uint32_t r = c->range / TEXT_TOTAL;
    c->low += (uint64_t)r * start;
    c->range = r * freq;
    while (c->range < 1u << 24) {
        c->range <<= 8;
        shift_out(c);
    }
}

size_t coder_end(text_coder *c)
{
    for (int i = 0; i < 5; i++) shift_out(c);
    /* The decoder takes what is missing at the end for zeros. */
    while (c->n && !c->out[c->n - 1]) c->n--;
    return c->n;
}

static uint8_t take_byte(text_decoder *d)
{
    return d->in < d->end ? *d->in++ : 0;
}

void decoder_begin(text_decoder *d, const uint8_t *in, size_t n)
{
    *d = (text_decoder){.range = UINT32_MAX, .in = in, .end = in + n};
    for (int i = 0; i < 4; i++) d->code = d->code << 8 | take_byte(d);
}

uint32_t decoder_at(const text_decoder *d)
{
    const uint32_t at = d->code / (d->range / TEXT_TOTAL);
    return at < TEXT_TOTAL ? at : TEXT_TOTAL - 1;
}

void decoder_take(text_decoder *d, uint32_t start, uint32_t freq)
{
    const uint32_t r = d->range / TEXT_TOTAL;
    d->code -= r * start;
    d->range = r * freq;
    while (d->range < 1u << 24) {
        d->code = d->code << 8 | take_byte(d);
        d->range <<= 8;
    }
}

void text_shares(const float *p, int n, uint32_t *freq)
{
    /* A little is kept back, so that rounded probabilities cannot add up to more than the total. */
    const float room = (float)(TEXT_TOTAL - n) * 0.999f;
    uint32_t sum = 0;
    int most = 0;
    for (int i = 0; i < n; i++) {
        freq[i] = 1 + (p[i] > 0 && p[i] <= 1 ? (uint32_t)(p[i] * room) : 0);
        sum += freq[i];
        if (freq[i] > freq[most]) most = i;
    }
    if (n) freq[most] += TEXT_TOTAL - sum;
}

/* ---- what the paper compares with -----------------------------------------------------------------------------------------*/

/* The two least of the trees that stand alone are joined, again and again: a character's code has as many bits as joins. */
size_t text_huffman(const uint8_t *bytes, size_t n)
{
    size_t count[256] = {0}, weight[256], bits = 0;
    int depth[256] = {0}, tree[256], leaves = 0, deepest = 1;
    for (size_t i = 0; i < n; i++) count[bytes[i]]++;
    for (int c = 0; c < 256; c++) {
        tree[c] = count[c] ? c : -1;
        weight[c] = count[c];
        leaves += count[c] > 0;
    }
    for (int joins = 1; joins < leaves; joins++) {
        int a = -1, b = -1; /* roots, a the lightest */
        for (int c = 0; c < 256; c++) {
            if (tree[c] != c) continue;
            if (a < 0 || weight[c] < weight[a])
                b = a, a = c;
            else if (b < 0 || weight[c] < weight[b])
                b = c;
        }
        for (int c = 0; c < 256; c++) {
            if (tree[c] != a && tree[c] != b) continue;
            tree[c] = a;
            if (++depth[c] > deepest) deepest = depth[c];
        }
        weight[a] += weight[b];
    }
    for (int c = 0; c < 256; c++) bits += count[c] * (size_t)(leaves > 1 ? depth[c] : 1);
    /* pack's head: two bytes of its name, four of the length, the levels, leaves of each level, the leaves. */
    return 7 + (size_t)deepest + (size_t)leaves + (bits + 7) / 8;
}

/* Codes of 9 to 16 bits of the longest strings met so far; a full dictionary stays as it is. */
size_t text_lzw(jd_ctx *ctx, const uint8_t *bytes, size_t n)
{
    enum { SLOTS = 1 << 18, FIRST = 257, MOST = 1 << 16 };
    uint32_t *key = jd_alloc_array(ctx, SLOTS, sizeof *key), *value = jd_alloc_array(ctx, SLOTS, sizeof *value);
    size_t bits = 0;
    if (key && value && n) {
        uint32_t next = FIRST, width = 9, prefix = bytes[0];
        for (size_t i = 1; i <= n; i++) {
            const uint32_t wanted = i < n ? (prefix << 8 | bytes[i]) + 1 : 0; /* 0 marks a free place */
            uint32_t at = wanted * 2654435761u >> 14;
            while (i < n && key[at] && key[at] != wanted) at = (at + 1) % SLOTS;
            if (i < n && key[at]) {
                prefix = value[at];
                continue;
            }
            bits += width;
            if (i < n && next < MOST) {
                key[at] = wanted;
                value[at] = next++;
                if (next > 1u << width && width < 16) width++;
            }
            if (i < n) prefix = bytes[i];
        }
    }
    jd_free(ctx, key);
    jd_free(ctx, value);
    return 3 + (bits + 7) / 8;
}

size_t text_gzip(jd_ctx *ctx, const uint8_t *bytes, size_t n)
{
    uLongf size = compressBound((uLong)n);
    uint8_t *out = jd_alloc_array(ctx, size, 1);
    const bool done = out && compress2(out, &size, bytes, (uLong)n, 9) == Z_OK;
    jd_free(ctx, out);
    /* zlib's frame has 6 bytes, gzip's 18. */
    return done ? (size_t)size + 12 : 0;
}
