/* chunker_stack.c - levels that send up what they did not expect; see chunker.h. */
#include "chunker.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 4 }; /* passes without 1 % fewer surprises */
#define FALL 0.8       /* of the learning rate from pass to pass */

void stream_free(jd_ctx *ctx, stream *s)
{
    jd_free(ctx, s->symbol);
    *s = (stream){0};
}

void level_free(jd_ctx *ctx, level *l)
{
    rnn_free(ctx, &l->net);
    jd_free(ctx, l->x);
    jd_free(ctx, l->code);
    *l = (level){0};
}

/* What the net sees and predicts of a symbol: rare ones are one. */
static int seen_as(const level *l, int32_t symbol)
{
    return symbol < l->symbols ? symbol : l->symbols - 1;
}

static bool rare(const level *l, int32_t symbol)
{
    return symbol >= l->symbols - 1;
}

/* Whether the net was sure of the symbol.  Of rare and unknown ones it cannot be: they look alike. */
static bool was_expected(const level *l, int32_t symbol)
{
    return !rare(l, symbol) && l->net.y[symbol] >= l->o.sure;
}

static void feed(level *l, int32_t symbol)
{
    memset(l->x, 0, (size_t)l->symbols * sizeof *l->x);
    l->x[seen_as(l, symbol)] = 1;
    rnn_see(&l->net, l->x);
}

/* One pass with learning; the share of symbols that were not expected. */
static double epoch(level *l, const stream *s)
{
    size_t surprises = 0;
    rnn_forget(&l->net);
    for (size_t t = 0; t < s->n; t++) {
        surprises += !was_expected(l, s->symbol[t]);
        rnn_learn(&l->net, &(rnn_target){seen_as(l, s->symbol[t]), -1, NULL});
        feed(l, s->symbol[t]);
    }
    return (double)surprises / (double)s->n;
}

/* ---- the alphabet of the next level -----------------------------------------------------------------------------------------*/

/* The number of the pair, which it gets if it is new; -1 without memory. */
static int number_of(jd_ctx *ctx, level *l, chunk c)
{
    for (int k = 0; k < l->codes; k++)
        if (l->code[k].symbol == c.symbol && l->code[k].steps == c.steps) return k;
    if (!(l->codes & (l->codes - 1))) {
        const size_t have = (size_t)l->codes * sizeof c;
        chunk *more = jd_realloc(ctx, l->code, have, have ? 2 * have : sizeof c);
        if (!more) return -1;
        l->code = more;
    }
    l->code[l->codes] = c;
    return l->codes++;
}

typedef struct counted {
    chunk code;
    size_t count;
    int first;
} counted;

static int by_count(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : x->first - y->first;
}

/* Renumbers the pairs so that frequent ones come first. */
static jd_status sort_codes(jd_ctx *ctx, level *l, const stream *up)
{
    counted *c = jd_alloc_array(ctx, (size_t)l->codes + 1, sizeof *c);
    for (int k = 0; c && k < l->codes; k++) c[k] = (counted){l->code[k], 0, k};
    for (size_t i = 0; c && i < up->n; i++) c[up->symbol[i]].count++;
    if (c) qsort(c, (size_t)l->codes, sizeof *c, by_count);
    for (int k = 0; c && k < l->codes; k++) l->code[k] = c[k].code;
    jd_free(ctx, c);
    return jd_error(ctx);
}

/* ---- the level ---------------------------------------------------------------------------------------------------------------*/

jd_status level_train(jd_ctx *ctx, level *l, const level_options *o, const stream *s, int symbols, uint64_t seed)
{
    jd_rng rng = jd_rng_new(seed, "history/level", 0);
    *l = (level){.o = *o, .symbols = symbols + 1 < o->most ? symbols + 1 : o->most};
    l->net = rnn_new(
        ctx,
        &(rnn_options){
            .inputs = l->symbols, .hidden = o->hidden, .symbols = l->symbols, .window = o->window, .rate = o->rate},
        &rng);
    l->x = jd_alloc_array(ctx, (size_t)l->symbols, sizeof *l->x);
    double best = INFINITY;
    for (int idle = 0; !jd_error(ctx) && l->epochs < o->epochs && idle < PATIENCE; l->epochs++) {
        l->surprises = epoch(l, s);
        l->net.o.rate *= FALL;
        idle = l->surprises > 0.99 * best ? idle + 1 : 0;
        best = fmin(best, l->surprises);
    }
    stream up = {0};
    if (!jd_error(ctx) && !level_send(ctx, l, s, &up, NULL, NULL, NULL)) sort_codes(ctx, l, &up);
    stream_free(ctx, &up);
    return jd_error(ctx);
}

jd_status level_send(jd_ctx *ctx, level *l, const stream *s, stream *up, uint32_t *at, int32_t *expected, double *bits)
{
    up->n = 0;
    up->symbol = jd_alloc_array(ctx, s->n + 1, sizeof *up->symbol);
    if (jd_error(ctx)) return jd_error(ctx);
    rnn_forget(&l->net);
    int32_t steps = 0;
    for (size_t t = 0; t < s->n; t++) {
        const int32_t symbol = s->symbol[t];
        steps++;
        if (expected) expected[t] = rnn_likeliest(&l->net);
        if (bits) *bits -= log2(l->net.y[seen_as(l, symbol)] + 1e-300);
        if (!was_expected(l, symbol)) {
            const int k = number_of(ctx, l, (chunk){symbol, steps});
            if (k < 0) return jd_error(ctx);
            if (at) at[up->n] = (uint32_t)t;
            up->symbol[up->n++] = k;
            steps = 0;
        }
        feed(l, symbol);
    }
    return JD_OK;
}

jd_status level_rebuild(jd_ctx *ctx, level *l, const stream *up, size_t n, stream *s)
{
    s->n = n;
    s->symbol = jd_alloc_array(ctx, n + 1, sizeof *s->symbol);
    if (jd_error(ctx)) return jd_error(ctx);
    rnn_forget(&l->net);
    int32_t steps = 0;
    for (size_t t = 0, i = 0; t < n; t++) {
        const chunk *next = i < up->n ? &l->code[up->symbol[i]] : NULL;
        int32_t symbol = 0;
        if (next && ++steps == next->steps) {
            symbol = next->symbol;
            steps = 0;
            i++;
        } else {
            while (symbol + 1 < l->symbols && l->net.y[symbol] < l->o.sure) symbol++;
        }
        s->symbol[t] = symbol;
        feed(l, symbol);
    }
    return JD_OK;
}
