/* chunker_pair.c - automatizer and chunker, two nets that learn on-line from one stream; see chunker.h. */
#include "chunker.h"

#include <string.h>

pair pair_new(jd_ctx *ctx, const pair_options *o, uint64_t seed)
{
    jd_rng rng = jd_rng_new(seed, "history/pair", 0);
    const int S = o->symbols, state = o->chunker_hidden + S + 1;
    pair p = {.o = *o, .state = state};
    const rnn_options low = {.inputs = S + 2,
                             .hidden = o->hidden,
                             .symbols = S,
                             .linear = state,
                             .window = o->window,
                             .rate = o->rate,
                             .mimic = o->mimic};
    const rnn_options high = {
        .inputs = S + 2, .hidden = o->chunker_hidden, .symbols = S, .window = o->window, .rate = o->chunker_rate};
    p.a = rnn_new(ctx, &low, &rng);
    p.c = rnn_new(ctx, &high, &rng);
    p.x = jd_alloc_array(ctx, (size_t)(S + 2), sizeof *p.x);
    p.s = jd_alloc_array(ctx, (size_t)state, sizeof *p.s);
    return p;
}

void pair_free(jd_ctx *ctx, pair *p)
{
    rnn_free(ctx, &p->a);
    rnn_free(ctx, &p->c);
    jd_free(ctx, p->x);
    jd_free(ctx, p->s);
}

/* Whether the net expected this symbol, and the teacher's word if there was one. */
static bool expected(const pair *p, const rnn *n, int symbol, double teacher)
{
    return n->y[symbol] >= p->o.sure &&
           (teacher < 0 || (teacher > 0.5 ? n->y[n->o.symbols] : 1 - n->y[n->o.symbols]) >= p->o.sure);
}

void pair_input(int symbols, int symbol, double teacher, double *x)
{
    memset(x, 0, (size_t)(symbols + 2) * sizeof *x);
    x[symbol] = 1;
    if (teacher >= 0) x[symbols] = 1, x[symbols + 1] = 2 * teacher - 1;
}

pair_step pair_see(pair *p, int symbol, double teacher)
{
    const int S = p->o.symbols;
    const double said = p->a.y[S], above = p->c.y[S];
    pair_step step = {.alone = said > 0.5};
    step.answer = fabs(said - 0.5) > fabs(above - 0.5) ? said > 0.5 : above > 0.5;
    step.surprise = !expected(p, &p->a, symbol, teacher);
    rnn_learn(&p->a, &(rnn_target){symbol, teacher, p->o.mimic > 0 && p->learned ? p->s : NULL});
    pair_input(S, symbol, teacher, p->x);
    rnn_see(&p->a, p->x);
    if (step.surprise) {
        rnn_learn(&p->c, &(rnn_target){symbol, teacher, NULL});
        rnn_see(&p->c, p->x);
        const int H = p->o.chunker_hidden;
        const double *h = p->c.h + (p->c.steps - 1) % p->o.window * H;
        memcpy(p->s, h, (size_t)H * sizeof *h);
        memcpy(p->s + H, p->c.y, (size_t)(S + 1) * sizeof *h);
        p->learned = true;
    }
    return step;
}
