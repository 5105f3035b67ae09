/* sequences.c - beam search over sequences that a net writes symbol by symbol. */
#include <math.h>

#include "base/given.h"
#include "jackdaw/decode.h"

/* All partial answers that ever stood in a beam: a tree whose leaves point to their roots. */
typedef struct link {
    int32_t symbol, before; /* the link before, or -1 */
} link;

typedef struct live {
    double ln_p;
    int32_t link; /* -1: nothing yet */
} live;

typedef struct choice {
    double ln_p;
    int32_t from, symbol; /* a place in the input's beam */
} choice;

typedef struct search {
    jd_ctx *ctx;
    const jd_sequence_options *o;
    size_t S, W, K;
    live *beam, *grown; /* (S,W), (W) */
    size_t *alive;      /* (S): partial answers in its beam */
    size_t *left;       /* (S): answers that may still end */
    choice *best;       /* (W), of one input */
    int32_t *symbol;    /* (S,W) */
    int32_t *parent;
    float *ln_p; /* (S,W,K) */
    link *links;
    size_t links_n, links_room;
    jd_sequence *found;
} search;

static double score_of(const search *s, double ln_p, size_t symbols)
{
    return s->o->power != 0 ? ln_p / pow((5 + (double)symbols) / 6, s->o->power) : ln_p;
}

static size_t limit_of(const search *s, size_t i)
{
    return s->o->limit ? (size_t)s->o->limit[i] : s->o->longest;
}

static int32_t add_link(search *s, int32_t symbol, int32_t before)
{
    if (s->links_n == s->links_room) {
        const size_t more = s->links_room ? 2 * s->links_room : s->S * s->W * 16;
        link *p = jd_realloc(s->ctx, s->links, s->links_room * sizeof *p, more * sizeof *p);
        if (!p) return -1;
        s->links = p;
        s->links_room = more;
    }
    s->links[s->links_n] = (link){symbol, before};
    return (int32_t)s->links_n++;
}

/* An answer of `count` symbols, the last of which is `at`: kept if none was better. */
static void finish(search *s, jd_sequence *out, int32_t at, size_t count, double ln_p, bool ended)
{
    const double score = score_of(s, ln_p, count + ended);
    if (out->symbols && (out->score >= score || out->ended > ended)) return;
    int32_t *p = jd_alloc_array(s->ctx, count + 1, sizeof *p);
    if (!p) return;
    for (size_t k = count; k-- > 0; at = s->links[at].before) p[k] = s->links[at].symbol;
    jd_free(s->ctx, out->symbols);
    *out = (jd_sequence){.count = count, .symbols = p, .ln_p = ln_p, .score = score, .ended = ended};
}

/* The likeliest continuations of input i, the likeliest first, of equals those that are met first; returns how many. */
static size_t choose(search *s, size_t i)
{
    const size_t most = s->left[i];
    size_t n = 0;
    for (size_t w = 0; w < s->alive[i]; w++) {
        const live *l = &s->beam[i * s->W + w];
        const float *row = s->ln_p + (i * s->W + w) * s->K;
        for (size_t k = 0; k < s->K; k++) {
            if (!(row[k] < INFINITY)) {
                jd_fail(s->ctx, JD_EDIVERGED, "jd_sequence_beam: input %zu: symbol %zu has the score %g", i, k,
                        (double)row[k]);
                return 0;
            }
            const double p = l->ln_p + (double)row[k];
            if (n == most ? !(p > s->best[n - 1].ln_p) : !(p > -INFINITY)) continue;
            size_t at = n < most ? n++ : n - 1;
            for (; at > 0 && s->best[at - 1].ln_p < p; at--) s->best[at] = s->best[at - 1];
            s->best[at] = (choice){p, (int32_t)w, (int32_t)k};
        }
    }
    return n;
}

/* Input i's beam of answers of t symbols becomes one of t + 1. */
static void advance(search *s, size_t i, size_t t)
{
    live *beam = s->beam + i * s->W;
    jd_sequence *out = &s->found[i];
    const size_t n = choose(s, i);
    size_t alive = 0;
    for (size_t k = 0; k < n; k++) {
        const choice *c = &s->best[k];
        if (c->symbol == s->o->end) {
            finish(s, out, beam[c->from].link, t, c->ln_p, true);
            s->left[i]--;
            continue;
        }
        s->parent[i * s->W + alive] = (int32_t)i * (int32_t)s->W + c->from;
        s->symbol[i * s->W + alive] = c->symbol;
        s->grown[alive++] = (live){c->ln_p, add_link(s, c->symbol, beam[c->from].link)};
    }
    for (size_t k = 0; k < alive; k++) beam[k] = s->grown[k];
    if (t + 1 == limit_of(s, i))
        for (size_t k = 0; k < alive; k++) finish(s, out, beam[k].link, t + 1, beam[k].ln_p, false);
    /* Probabilities only fall: the best that the likeliest of the beam can still become is known. */
    const bool hopeless =
        alive && out->symbols && out->ended && out->score >= score_of(s, beam[0].ln_p, limit_of(s, i) + 1);
    if (t + 1 == limit_of(s, i) || hopeless) alive = 0;
    s->alive[i] = alive;
    for (size_t k = alive; k < s->W; k++) {
        s->parent[i * s->W + k] = (int32_t)(i * s->W);
        s->symbol[i * s->W + k] = s->o->end;
    }
}

static jd_status run(search *s)
{
    for (size_t i = 0; i < s->S; i++) {
        s->alive[i] = 1;
        s->left[i] = s->W;
        for (size_t k = 0; k < s->W; k++) {
            s->beam[i * s->W + k] = (live){0, -1};
            s->symbol[i * s->W + k] = s->o->start;
            s->parent[i * s->W + k] = (int32_t)(i * s->W + k);
        }
    }
    for (size_t t = 0, alive = s->S; alive && !jd_error(s->ctx); t++) {
        const jd_status status = s->o->step(s->o->user, t, s->symbol, s->parent, s->ln_p);
        if (status) return jd_error(s->ctx) ? jd_error(s->ctx) : jd_fail(s->ctx, status, "jd_sequence_beam: step");
        alive = 0;
        for (size_t i = 0; i < s->S && !jd_error(s->ctx); i++) {
            if (s->alive[i]) advance(s, i, t);
            alive += s->alive[i];
        }
    }
    return jd_error(s->ctx);
}

static jd_status check(jd_ctx *ctx, const jd_sequence_options *o, size_t W)
{
    const size_t most = INT32_MAX;
    if (!o->step || !o->symbols || !o->longest || o->symbols > most || o->longest > most || o->inputs > most / W ||
        o->start < 0 || o->end < 0 || (size_t)o->start >= o->symbols || (size_t)o->end >= o->symbols ||
        !(o->power >= 0 && o->power < 100))
        return jd_fail(ctx, JD_EUSAGE,
                       "jd_sequence_beam: %zu inputs, width %zu, %zu symbols, start %d, end %d, longest %zu, power %g; "
                       "give a step, symbols and longest of at least 1, start and end among the symbols, power 0 or "
                       "more",
                       o->inputs, W, o->symbols, o->start, o->end, o->longest, o->power);
    for (size_t i = 0; o->limit && i < o->inputs; i++)
        if (o->limit[i] < 1 || (size_t)o->limit[i] > o->longest)
            return jd_fail(ctx, JD_EUSAGE, "jd_sequence_beam: input %zu has the limit %d; give one from 1 to %zu", i,
                           o->limit[i], o->longest);
    return jd_error(ctx);
}

jd_status jd_sequence_beam(jd_ctx *ctx, const jd_sequence_options *o, jd_sequence *found)
{
    if (!jd__given(ctx, __func__, "o", o) || !jd__given(ctx, __func__, "found", found)) return jd_error(ctx);
    const size_t W = o->width ? o->width : 1;
    if (jd_error(ctx) || check(ctx, o, W)) return jd_error(ctx);
    search s = {.ctx = ctx, .o = o, .S = o->inputs, .W = W, .K = o->symbols, .found = found};
    const size_t rows = s.S * W;
    for (size_t i = 0; i < s.S; i++) found[i] = (jd_sequence){0};
    if (!rows) return JD_OK;
    s.beam = jd_alloc_array(ctx, rows, sizeof *s.beam);
    s.grown = jd_alloc_array(ctx, W, sizeof *s.grown);
    s.alive = jd_alloc_array(ctx, s.S, sizeof *s.alive);
    s.left = jd_alloc_array(ctx, s.S, sizeof *s.left);
    s.best = jd_alloc_array(ctx, W, sizeof *s.best);
    s.symbol = jd_alloc_array(ctx, rows, sizeof *s.symbol);
    s.parent = jd_alloc_array(ctx, rows, sizeof *s.parent);
    s.ln_p = jd_alloc_array(ctx, rows * s.K, sizeof *s.ln_p);
    if (!jd_error(ctx)) run(&s);
    for (size_t i = 0; i < s.S && !jd_error(ctx); i++)
        if (!found[i].symbols)
            jd_fail(ctx, JD_EDIVERGED, "jd_sequence_beam: input %zu: no symbol is possible; one must be", i);
    for (size_t i = 0; i < s.S && jd_error(ctx); i++) {
        jd_free(ctx, found[i].symbols);
        found[i] = (jd_sequence){0};
    }
    jd_free(ctx, s.beam);
    jd_free(ctx, s.grown);
    jd_free(ctx, s.alive);
    jd_free(ctx, s.left);
    jd_free(ctx, s.best);
    jd_free(ctx, s.symbol);
    jd_free(ctx, s.parent);
    jd_free(ctx, s.ln_p);
    jd_free(ctx, s.links);
    return jd_error(ctx);
}
