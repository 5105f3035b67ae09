/* Ragged batches of chains. */
#include "protein.h"

#include <string.h>

jd_status protein_batch_fill(const protein_bag *bag, const uint32_t *index, size_t n, protein_batch *b)
{
    jd_ctx *ctx = bag->ctx;
    size_t longest = 1;
    for (size_t k = 0; k < n; k++)
        if (bag->chain[index[k]]->length > longest) longest = bag->chain[index[k]]->length;
    b->T = (int64_t)((longest + PROTEIN_PAD - 1) / PROTEIN_PAD * PROTEIN_PAD);
    b->B = (int64_t)n;
    const size_t all = (size_t)b->T * n;
    if (all > b->room || n > b->chains) {
        protein_batch_free(ctx, &(protein_batch){.residue = b->residue, .length = b->length});
        b->residue = jd_alloc_array(ctx, all, 3 * sizeof *b->residue);
        b->length = jd_alloc_array(ctx, n, 2 * sizeof *b->length);
        b->room = b->residue ? all : 0;
        b->chains = b->length ? n : 0;
        if (jd_error(ctx)) return jd_error(ctx);
    }
    b->q3 = b->residue + all;
    b->q8 = b->q3 + all;
    b->label = b->length + n;
    memset(b->residue, 0xff, 3 * all * sizeof *b->residue); /* -1 */
    for (size_t k = 0; k < n; k++) {
        const jd_chain *c = bag->chain[index[k]];
        b->length[k] = (int32_t)c->length;
        b->label[k] = bag->label ? bag->label[index[k]] : 0;
        for (size_t t = 0; t < c->length; t++) {
            b->residue[t * n + k] = c->residue[t];
            if (c->q3) b->q3[t * n + k] = c->q3[t];
            if (c->q8) b->q8[t * n + k] = c->q8[t];
        }
    }
    return JD_OK;
}

void protein_batch_free(jd_ctx *ctx, protein_batch *b)
{
    jd_free(ctx, b->residue);
    jd_free(ctx, b->length);
    *b = (protein_batch){0};
}

int protein_batch_inputs(const protein_batch *b, bool residues, bool chains, jd_tensor *in)
{
    int n = 0;
    in[n++] = JD_TENSOR("residue", JD_I32, b->residue, b->T, b->B);
    in[n++] = JD_TENSOR("length", JD_I32, b->length, b->B);
    if (residues) in[n++] = JD_TENSOR("q3", JD_I32, b->q3, b->T, b->B);
    if (residues) in[n++] = JD_TENSOR("q8", JD_I32, b->q8, b->T, b->B);
    if (chains) in[n++] = JD_TENSOR("label", JD_I32, b->label, b->B);
    return n;
}

static jd_status batches(const protein_bag *bag, jd_batches_options o, jd_batches *out)
{
    int32_t *length = jd_alloc_array(bag->ctx, bag->n, sizeof *length);
    for (size_t i = 0; length && i < bag->n; i++) length[i] = (int32_t)bag->chain[i]->length;
    o.count = bag->n;
    o.length = length;
    if (length) jd_batches_make(bag->ctx, &o, out);
    jd_free(bag->ctx, length);
    return jd_error(bag->ctx);
}

jd_status protein_all(const protein_bag *bag, size_t batch, jd_batches *out)
{
    return batches(bag, (jd_batches_options){.batch = batch}, out);
}

static jd_status order_epoch(protein_feed *f, int64_t epoch)
{
    jd_batches_free(f->bag->ctx, &f->order);
    f->epoch = epoch;
    return batches(f->bag,
                   (jd_batches_options){.batch = f->batch,
                                        .shuffle = true,
                                        .seed = f->seed,
                                        .epoch = (uint64_t)epoch,
                                        .pool = 8,
                                        .drop_last = true},
                   &f->order);
}

jd_status protein_feed_open(const protein_bag *bag, uint64_t seed, size_t batch, protein_feed *out)
{
    *out = (protein_feed){.bag = bag, .seed = seed, .batch = batch};
    if (batch < 1 || bag->n < batch)
        return jd_fail(bag->ctx, JD_EUSAGE, "protein: batches of %zu out of %zu chains; give 1 or more, and not all",
                       batch, bag->n);
    order_epoch(out, 0);
    out->per_epoch = out->order.count;
    return jd_error(bag->ctx);
}

void protein_feed_close(protein_feed *f)
{
    if (!f->bag) return;
    protein_batch_free(f->bag->ctx, &f->slot);
    jd_batches_free(f->bag->ctx, &f->order);
    *f = (protein_feed){0};
}

const protein_batch *protein_feed_next(protein_feed *f, int64_t step)
{
    const int64_t per = (int64_t)f->per_epoch, epoch = step / per;
    if (f->epoch != epoch && order_epoch(f, epoch)) return NULL;
    const size_t at = f->order.offset[step % per], n = f->order.offset[step % per + 1] - at;
    return protein_batch_fill(f->bag, f->order.index + at, n, &f->slot) ? NULL : &f->slot;
}

jd_node protein_net(jd_graph *g, const char *spec)
{
    return jd_net(g, spec, jd_onehot(g, jd_arg(g, "residue"), JD_RESIDUE_COUNT), jd_arg(g, "length"));
}
