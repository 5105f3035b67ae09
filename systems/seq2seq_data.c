/* seq2seq_data.c - pairs of sequences, batches of them, and what a net makes of all; see seq2seq.h. */
#include <math.h>
#include <string.h>

#include "seq2seq.h"

jd_status seq2seq_pairs_add(jd_ctx *ctx, seq2seq_pairs *p, const int32_t *source, size_t source_n,
                            const int32_t *target, size_t target_n)
{
    if (p->n == p->room) {
        const size_t more = p->room ? 2 * p->room : 256;
        seq2seq_pair *q = jd_realloc(ctx, p->pair, p->room * sizeof *q, more * sizeof *q);
        if (!q) return jd_error(ctx);
        p->pair = q;
        p->room = more;
    }
    seq2seq_pair *q = &p->pair[p->n];
    int32_t *words = jd_alloc_array(ctx, source_n + target_n + 1, sizeof *words);
    if (!words) return jd_error(ctx);
    *q = (seq2seq_pair){words, words + source_n, (int32_t)source_n, (int32_t)target_n};
    if (source_n) memcpy(q->source, source, source_n * sizeof *source);
    if (target_n) memcpy(q->target, target, target_n * sizeof *target); /* an answer that is not known: NULL */
    p->n++;
    return JD_OK;
}

void seq2seq_pairs_free(jd_ctx *ctx, seq2seq_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) jd_free(ctx, p->pair[i].source);
    jd_free(ctx, p->pair);
    *p = (seq2seq_pairs){0};
}

/* ---- batches --------------------------------------------------------------------------------------------------------------*/

/* Up by an eighth at most, but for short ones: a plan is made, and kept, for each shape. */
static int64_t rounded(int64_t n)
{
    int64_t to = 4;
    while (n > 8 * to) to *= 2;
    return (n + to - 1) / to * to;
}

void seq2seq_batch_free(jd_ctx *ctx, seq2seq_batch *b)
{
    jd_free(ctx, b->source);
    *b = (seq2seq_batch){0};
}

jd_status seq2seq_batch_fill(jd_ctx *ctx, const seq2seq_pairs *p, const uint32_t *index, size_t n, seq2seq_batch *b)
{
    const int64_t S = (int64_t)n;
    int64_t T = 1, U = 1;
    for (size_t s = 0; s < n; s++) {
        const seq2seq_pair *q = &p->pair[index[s]];
        T = q->source_n > T ? q->source_n : T;
        U = q->target_n + 1 > U ? q->target_n + 1 : U;
    }
    T = rounded(T);
    U = rounded(U);
    const size_t room = (size_t)(S * (T + 1 + 2 * U));
    if (room > b->room) {
        jd_free(ctx, b->source);
        b->source = jd_alloc_array(ctx, room, sizeof *b->source);
        b->room = b->source ? room : 0;
        if (!b->source) return jd_error(ctx);
    }
    b->T = T, b->U = U, b->S = S;
    b->length = b->source + S * T;
    b->written = b->length + S;
    b->label = b->written + S * U;
    for (int64_t s = 0; s < S; s++) {
        const seq2seq_pair *q = &p->pair[index[s]];
        b->length[s] = q->source_n;
        for (int64_t t = 0; t < T; t++) b->source[t * S + s] = t < q->source_n ? q->source[t] : SEQ2SEQ_END;
        for (int64_t u = 0; u < U; u++) {
            const int32_t before = u == 0 ? SEQ2SEQ_START : u <= q->target_n ? q->target[u - 1] : SEQ2SEQ_END;
            b->written[u * S + s] = before;
            b->label[u * S + s] = u < q->target_n ? q->target[u] : u == q->target_n ? SEQ2SEQ_END : -1;
        }
    }
    return JD_OK;
}

int seq2seq_batch_inputs(const seq2seq_batch *b, jd_tensor *in)
{
    in[0] = JD_TENSOR("source", JD_I32, b->source, b->T, b->S);
    in[1] = JD_TENSOR("length", JD_I32, b->length, b->S);
    in[2] = JD_TENSOR("written", JD_I32, b->written, b->U, b->S);
    in[3] = JD_TENSOR("label", JD_I32, b->label, b->U, b->S);
    return 4;
}

/* What pairs are sorted by: the answer's length counts most, since each of its symbols costs a softmax. */
static int32_t *sizes(jd_ctx *ctx, const seq2seq_pairs *p)
{
    int32_t *size = jd_alloc_array(ctx, p->n + 1, sizeof *size);
    for (size_t i = 0; size && i < p->n; i++) size[i] = 64 * p->pair[i].target_n + (p->pair[i].source_n & 63) + 1;
    return size;
}

jd_status seq2seq_feed_open(jd_ctx *ctx, const seq2seq_pairs *pairs, size_t batch, uint64_t seed, seq2seq_feed *f)
{
    *f = (seq2seq_feed){.ctx = ctx, .pairs = pairs, .seed = seed, .batch = batch, .epoch = -1};
    if (!batch || pairs->n < batch)
        return jd_fail(ctx, JD_EUSAGE, "seq2seq: a batch of %zu, but there are %zu pairs to learn from", batch,
                       pairs->n);
    f->per_epoch = pairs->n / batch;
    f->size = sizes(ctx, pairs);
    return jd_error(ctx);
}

void seq2seq_feed_close(seq2seq_feed *f)
{
    if (!f->ctx) return;
    jd_free(f->ctx, f->size);
    jd_batches_free(f->ctx, &f->order);
    seq2seq_batch_free(f->ctx, &f->slot);
    *f = (seq2seq_feed){0};
}

static jd_status begin_epoch(seq2seq_feed *f, int64_t epoch)
{
    const bool all = epoch >= f->short_first;
    const jd_batches_options o = {.count = f->pairs->n,
                                  .batch = f->batch,
                                  .length = f->size,
                                  .shuffle = all,
                                  .seed = f->seed,
                                  .epoch = (uint64_t)epoch,
                                  .pool = 40,
                                  .drop_last = true};
    jd_batches_free(f->ctx, &f->order);
    f->order = (jd_batches){0};
    if (jd_batches_make(f->ctx, &o, &f->order)) return jd_error(f->ctx);
    f->epoch = epoch;
    return JD_OK;
}

int seq2seq_feed_next(seq2seq_feed *f, int64_t step, jd_tensor *in)
{
    const int64_t epoch = step / (int64_t)f->per_epoch;
    size_t b = (size_t)(step % (int64_t)f->per_epoch);
    if (epoch != f->epoch && begin_epoch(f, epoch)) return 0;
    if (epoch < f->short_first) { /* batches stand from the longest to the shortest */
        const size_t some = f->per_epoch * (size_t)(epoch + 1) / (size_t)(f->short_first + 1);
        jd_rng rng = jd_rng_new(f->seed, "seq2seq/short", (uint64_t)step);
        b = f->order.count - 1 - jd_rng_below(&rng, some ? (uint32_t)some : 1);
    }
    if (seq2seq_batch_fill(f->ctx, f->pairs, f->order.index + f->order.offset[b],
                           f->order.offset[b + 1] - f->order.offset[b], &f->slot))
        return 0;
    return seq2seq_batch_inputs(&f->slot, in);
}

/* ---- all pairs ------------------------------------------------------------------------------------------------------------*/

/* All pairs in batches, from the longest to the shortest; stops when `each` fails. */
static jd_status sweep(jd_ctx *ctx, const seq2seq_pairs *p, size_t batch,
                       jd_status (*each)(void *user, const seq2seq_batch *b, const uint32_t *index), void *user)
{
    jd_batches order = {0};
    seq2seq_batch b = {0};
    int32_t *size = sizes(ctx, p);
    if (size && p->n &&
        !jd_batches_make(ctx, &(jd_batches_options){.count = p->n, .batch = batch, .length = size}, &order))
        for (size_t i = 0; i < order.count && !jd_error(ctx); i++) {
            const uint32_t *index = order.index + order.offset[i];
            if (!seq2seq_batch_fill(ctx, p, index, order.offset[i + 1] - order.offset[i], &b)) each(user, &b, index);
        }
    seq2seq_batch_free(ctx, &b);
    jd_batches_free(ctx, &order);
    jd_free(ctx, size);
    return jd_error(ctx);
}

typedef struct tally {
    jd_fn *measure;
    double loss, symbols;
} tally;

static jd_status add_loss(void *user, const seq2seq_batch *b, const uint32_t *index)
{
    tally *s = user;
    jd_tensor in[4];
    (void)index;
    const float *loss =
        jd_fn_run(s->measure, in, seq2seq_batch_inputs(b, in)) ? NULL : jd_fn_result(s->measure, "loss", NULL);
    for (int64_t i = 0; loss && i < b->U * b->S; i++)
        if (b->label[i] >= 0) {
            s->loss += (double)loss[i];
            s->symbols++;
        }
    return JD_OK;
}

double seq2seq_perplexity(jd_ctx *ctx, jd_fn *measure, const seq2seq_pairs *p, size_t batch)
{
    tally s = {.measure = measure};
    sweep(ctx, p, batch, add_loss, &s);
    return s.symbols > 0 ? exp(s.loss / s.symbols) : (double)NAN;
}

typedef struct asking {
    jd_ctx *ctx;
    seq2seq_writer *w;
    const seq2seq_ask *ask;
    jd_sequence *found;
    jd_sequence *some;
} asking;

static jd_status answer(void *user, const seq2seq_batch *b, const uint32_t *index)
{
    asking *a = user;
    jd_tensor in[4];
    seq2seq_ask ask = *a->ask;
    ask.inputs = (size_t)b->S;
    int32_t *limit = ask.limit ? jd_alloc_array(a->ctx, ask.inputs, sizeof *limit) : NULL;
    for (size_t s = 0; limit && s < ask.inputs; s++) limit[s] = a->ask->limit[index[s]];
    ask.limit = limit;
    seq2seq_batch_inputs(b, in);
    if (!jd_error(a->ctx) && !seq2seq_answer(a->w, in, 2, &ask, a->some))
        for (int64_t s = 0; s < b->S; s++) a->found[index[s]] = a->some[s];
    jd_free(a->ctx, limit);
    return jd_error(a->ctx);
}

jd_status seq2seq_answers(jd_ctx *ctx, seq2seq_writer *w, const seq2seq_pairs *p, size_t batch, const seq2seq_ask *ask,
                          jd_sequence *found)
{
    asking a = {.ctx = ctx, .w = w, .ask = ask, .found = found};
    for (size_t i = 0; i < p->n; i++) found[i] = (jd_sequence){0};
    a.some = jd_alloc_array(ctx, batch, sizeof *a.some);
    if (a.some) sweep(ctx, p, batch, answer, &a);
    for (size_t i = 0; i < p->n && jd_error(ctx); i++) {
        jd_free(ctx, found[i].symbols);
        found[i] = (jd_sequence){0};
    }
    jd_free(ctx, a.some);
    return jd_error(ctx);
}

void seq2seq_found_free(jd_ctx *ctx, jd_sequence *found, size_t n)
{
    for (size_t i = 0; found && i < n; i++) jd_free(ctx, found[i].symbols);
    jd_free(ctx, found);
}
