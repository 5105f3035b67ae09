/*
 * protein_structure.c - the secondary structure of proteins from their sequence of amino acids alone.
 *
 * A deep bidirectional LSTM (Sonderby and Winther 2014; after Baldi et al. 1999) says for every residue whether it stands
 * in a helix, a strand or a coil, and which of DSSP's eight states it has.  Beside it, on the same chains: the network
 * of Qian and Sejnowski 1988, which sees a window of 13 residues, and an LSTM that reads in one direction.
 */
#include "protein.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLSTM, LSTM, WINDOW, NETS };

typedef struct net {
    const char *name;
    char spec[200];
    struct lab *lab;
    jd_params *params;
    jd_fn *look;
    protein_feed feed;
    protein_score valid, test;
    int64_t steps;
} net;

typedef struct lab {
    jd_run *r;
    jd_ctx *ctx;
    jd_chains train_chains, test_chains;
    protein_bag train, valid, test;
    net net[NETS];
    double decay;
} lab;

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node y = protein_net(g, n->spec); /* (T,B,11) */
    const jd_node three = jd_softmax_xent(g, jd_slice(g, y, 2, 0, 3), jd_arg(g, "q3"));
    const jd_node eight = jd_softmax_xent(g, jd_slice(g, y, 2, 3, 8), jd_arg(g, "q8"));
    const jd_node loss = jd_add(g, three, eight);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1, .weight_decay = n->lab->decay);
    jd_scope_pop(g);
}

static void look(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node y = protein_net(g, n->spec);
    const jd_node p[] = {jd_softmax(g, jd_slice(g, y, 2, 0, 3)), jd_softmax(g, jd_slice(g, y, 2, 3, 8))};
    jd_result(g, "p", jd_concat(g, p, 2, 2));
    jd_scope_pop(g);
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    (void)slot;
    const protein_batch *b = protein_feed_next(&((net *)user)->feed, step);
    return b ? protein_batch_inputs(b, true, false, in) : 0;
}

/* ---- measuring -----------------------------------------------------------------------------------------------------------*/

static size_t largest(const float *p, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

/* Chain i of the bag, which stands in column b of B of p (T,B,11). */
static void take(const protein_bag *bag, size_t i, const float *p, size_t b, size_t B, protein_score *s)
{
    const jd_chain *c = bag->chain[i];
    int64_t counted = 0, right = 0;
    for (size_t t = 0; t < c->length; t++) {
        const float *row = p + (t * B + b) * PROTEIN_OUTPUTS;
        if (s->p && s->p[i]) memcpy(s->p[i] + t * PROTEIN_OUTPUTS, row, PROTEIN_OUTPUTS * sizeof *row);
        if (!c->q3 || c->q3[t] < 0) continue;
        const size_t three = largest(row, 3), eight = largest(row + 3, 8);
        counted++;
        right += (int32_t)three == c->q3[t];
        s->confusion3[(size_t)c->q3[t] * 3 + three]++;
        if (!c->q8 || c->q8[t] < 0) continue;
        s->right8 += (int32_t)eight == c->q8[t];
        s->confusion8[(size_t)c->q8[t] * 8 + eight]++;
    }
    s->counted += counted;
    s->right3 += right;
    if (s->chain3) s->chain3[i] = counted ? 100.0 * (double)right / (double)counted : (double)NAN;
}

/* With `keep`, what is said of each chain stays in `s`. */
static jd_status measure(net *n, const protein_bag *bag, bool keep, protein_score *s)
{
    jd_ctx *ctx = bag->ctx;
    jd_batches all = {0};
    protein_batch b = {0};
    *s = (protein_score){0};
    if (keep) {
        s->chain3 = jd_alloc_array(ctx, bag->n, sizeof *s->chain3);
        s->p = jd_alloc_array(ctx, bag->n, sizeof *s->p);
        for (size_t i = 0; s->p && i < bag->n; i++)
            s->p[i] = jd_alloc_array(ctx, bag->chain[i]->length * PROTEIN_OUTPUTS, sizeof(float));
    }
    protein_all(bag, 16, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        const size_t B = all.offset[k + 1] - all.offset[k];
        jd_tensor in[5];
        if (protein_batch_fill(bag, index, B, &b) || jd_fn_run(n->look, in, protein_batch_inputs(&b, false, false, in)))
            break;
        const float *p = jd_fn_result(n->look, "p", NULL); /* (T,B,11) */
        for (size_t i = 0; p && i < B; i++) take(bag, index[i], p, i, B, s);
    }
    double sum = 0, chains = 0;
    for (size_t i = 0; s->chain3 && i < bag->n; i++)
        if (!isnan(s->chain3[i])) {
            sum += s->chain3[i];
            chains++;
        }
    if (chains > 0) s->chains = sum / chains;
    jd_batches_free(ctx, &all);
    protein_batch_free(ctx, &b);
    return jd_error(ctx);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    protein_score s;
    char name[80];
    measure(n, &n->lab->valid, false, &s);
    snprintf(name, sizeof name, "%s/Q3 on chains held out (%%)", n->name);
    jd_run_log(r, step, name, protein_q3(&s));
    return protein_q3(&s) + 0.1 * protein_q8(&s);
}

/* ---- data -------------------------------------------------------------------------------------------------------------------*/

/* Keeps the chains of one part: two of eleven are to test, and equal sequences are in one part. */
static void keep_part(jd_chains *c, bool test)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        uint64_t h = 0xcbf29ce484222325u;
        for (size_t t = 0; t < c->items[i].length; t++) h = (h ^ (uint8_t)c->items[i].letters[t]) * 0x100000001b3u;
        if (((h ^ h >> 29) % 11 < 2) == test) c->items[kept++] = c->items[i];
    }
    c->count = kept;
}

/* train.tsv or test.tsv or, where these are not there, a part of the table that others share. */
static jd_status open_chains(lab *l, bool test, jd_chains *out)
{
    static const char *const names[] = {"CB513.csv", "CB513_HHblits.csv", "cb513+profile_split1.npy"};
    char *dir = jd_dataset_folder(l->ctx, "protein_cb513", jd_run_data(l->r, "protein_cb513"));
    char *path = dir ? jd_dataset_path(l->ctx, dir, test ? "test.tsv" : "train.tsv") : NULL;
    bool whole = false;
    for (int i = 0; path && !whole && access(path, F_OK) && i < 3; i++) {
        char *other = jd_dataset_path(l->ctx, dir, names[i]);
        whole = other && !access(other, F_OK);
        char *left = whole ? path : other;
        if (whole) path = other;
        jd_free(l->ctx, left);
    }
    if (path && !jd_read_chains(l->ctx, path, out) && whole) keep_part(out, test);
    if (!jd_error(l->ctx) && !out->count)
        jd_fail(l->ctx, JD_EDATA, "%s: no chain to %s in it", path, test ? "test" : "train");
    jd_free(l->ctx, path);
    jd_free(l->ctx, dir);
    return jd_error(l->ctx);
}

static jd_status fill_bag(jd_ctx *ctx, protein_bag *bag, const jd_chains *chains, const uint32_t *order, size_t n)
{
    *bag = (protein_bag){.ctx = ctx, .chain = jd_alloc_array(ctx, n, sizeof *bag->chain), .n = n};
    for (size_t i = 0; bag->chain && i < n; i++) bag->chain[i] = &chains->items[order ? order[i] : i];
    return jd_error(ctx);
}

/* Which training chains are held out depends on the run's seed. */
static jd_status load(lab *l)
{
    jd_run *r = l->r;
    if (open_chains(l, false, &l->train_chains) || open_chains(l, true, &l->test_chains)) return jd_error(l->ctx);
    const size_t n = l->train_chains.count, out = (size_t)jd_run_setting(r, "held_out");
    if (out < 1 || out >= n)
        return jd_fail(l->ctx, JD_EUSAGE, "protein-structure: held_out=%zu of %zu chains; give one or more, not all",
                       out, n);
    uint32_t *order = jd_alloc_array(l->ctx, n, sizeof *order);
    if (!order) return jd_error(l->ctx);
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    jd_rng rng = jd_rng_new(jd_run_seed(r), "protein/held out", 0);
    jd_rng_shuffle(&rng, order, n);
    fill_bag(l->ctx, &l->valid, &l->train_chains, order, out);
    fill_bag(l->ctx, &l->train, &l->train_chains, order + out, n - out);
    fill_bag(l->ctx, &l->test, &l->test_chains, NULL, l->test_chains.count);
    jd_free(l->ctx, order);
    return jd_error(l->ctx);
}

/* ---- the run ------------------------------------------------------------------------------------------------------------------*/

static void design(lab *l)
{
    jd_run *r = l->r;
    const int units = (int)jd_run_setting(r, "units"), hidden = (int)jd_run_setting(r, "hidden");
    const int window = (int)jd_run_setting(r, "window");
    const double drop = jd_run_setting(r, "dropout"), input = jd_run_setting(r, "input_dropout");
    char see[48] = "";
    if (window > 0) snprintf(see, sizeof see, "window %d, ", window);
    static const char *const names[NETS] = {"blstm", "lstm", "window"};
    for (int i = 0; i < NETS; i++) l->net[i] = (net){.name = names[i], .lab = l};
    for (int i = BLSTM; i <= LSTM; i++)
        snprintf(l->net[i].spec, sizeof l->net[i].spec, "dropout %g, %s%s %d, dropout %g, %s %d, dropout %g, dense %d",
                 input, see, names[i], units, drop, names[i], units, drop, PROTEIN_OUTPUTS);
    snprintf(l->net[WINDOW].spec, sizeof l->net[WINDOW].spec,
             "dropout %g, window 6, dense %d tanh, dropout %g, dense %d", input, hidden, drop, PROTEIN_OUTPUTS);
}

static jd_status train(net *n, const char *what)
{
    lab *l = n->lab;
    jd_run *r = l->r;
    const double rate = jd_run_setting(r, "rate");
    n->params = jd_params_new(l->ctx, JD_F32);
    n->look = jd_fn_new(l->ctx, n->params, look, n);
    if (protein_feed_open(&l->train, jd_run_seed(r), (size_t)jd_run_setting(r, "batch"), &n->feed))
        return jd_error(l->ctx);
    const int64_t per = (int64_t)n->feed.per_epoch;
    const jd_train_options o = {
        .what = what,
        .series = n->name,
        .trace = train_step,
        .user = n,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)per),
        .batch = batch,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 20, .warmup = 20},
        .validate_every = per,
        .validate = validate,
        .higher = true,
        .keep_best = true,
        .items_per_step = (int64_t)n->feed.batch,
    };
    jd_train_result res;
    if (jd_train(r, n->params, &o, &res)) return jd_error(l->ctx);
    n->steps = res.steps;
    measure(n, &l->valid, false, &n->valid);
    return measure(n, &l->test, true, &n->test);
}

static jd_status report(lab *l)
{
    jd_run *r = l->r;
    protein_line lines[NETS];
    static const char *const names[NETS] = {"BLSTM", "LSTM, from left to right", "window of 13 residues"};
    for (int i = 0; i < NETS; i++) {
        const net *n = &l->net[i];
        lines[i] = (protein_line){names[i], n->spec, &n->test, (int64_t)jd_params_count(n->params)};
        jd_run_note(r, "%s: Q3 %.2f %%, Q8 %.2f %% of %lld residues; held out: Q3 %.2f %%", names[i],
                    protein_q3(&n->test), protein_q8(&n->test), (long long)n->test.counted, protein_q3(&n->valid));
    }
    protein_show(r, &l->test, lines, NETS);
    const double q3 = protein_q3(&l->net[BLSTM].test);
    jd_run_extra(r, "q8", protein_q8(&l->net[BLSTM].test));
    jd_run_extra(r, "q3_mean_over_chains", l->net[BLSTM].test.chains);
    jd_run_extra(r, "q3_held_out", protein_q3(&l->net[BLSTM].valid));
    jd_run_extra(r, "q8_held_out", protein_q8(&l->net[BLSTM].valid));
    jd_run_extra(r, "q3_lstm", protein_q3(&l->net[LSTM].test));
    jd_run_extra(r, "q3_window", protein_q3(&l->net[WINDOW].test));
    jd_run_extra(r, "q8_window", protein_q8(&l->net[WINDOW].test));
    jd_run_extra(r, "q3_held_out_lstm", protein_q3(&l->net[LSTM].valid));
    jd_run_extra(r, "q3_held_out_window", protein_q3(&l->net[WINDOW].valid));
    jd_run_config(r, "net", l->net[BLSTM].spec);
    jd_run_config(r, "scope", l->net[BLSTM].name);
    jd_run_config(r, "residues", JD_RESIDUES);
    jd_run_config(r, "states", JD_STATES3 " " JD_STATES8);
    jd_run_save(r, l->net[BLSTM].params, l->net[BLSTM].steps, true);
    const bool better = q3 >= protein_q3(&l->net[LSTM].test) + 1;
    return jd_run_finish(r, q3, better ? NULL : "less than 1 % better than the LSTM of one direction");
}

static jd_status run(jd_run *r)
{
    lab l = {.r = r, .ctx = jd_run_ctx(r), .decay = jd_run_setting(r, "decay")};
    static const char *const what[NETS] = {"BLSTM", "LSTM of one direction", "window of 13 residues"};
    design(&l);
    if (!load(&l))
        for (int i = 0; i < NETS && !jd_error(l.ctx); i++) train(&l.net[i], what[i]);
    if (!jd_error(l.ctx)) report(&l);
    for (int i = 0; i < NETS; i++) {
        net *n = &l.net[i];
        protein_score_free(&l.test, &n->test);
        protein_feed_close(&n->feed);
        jd_fn_free(n->look);
        jd_params_free(n->params);
    }
    jd_free(l.ctx, l.train.chain);
    jd_free(l.ctx, l.valid.chain);
    jd_free(l.ctx, l.test.chain);
    jd_chains_free(l.ctx, &l.train_chains);
    jd_chains_free(l.ctx, &l.test_chains);
    return jd_error(l.ctx);
}

static const jd_setting settings[] = {
    {"units", {32, 64, 300}, "LSTM cells a direction and level"},
    {"hidden", {40, 64, 40}, "hidden units of the net with a window"},
    {"window", {3, 3, 3}, "residues on either side that a step of the recurrent nets sees"},
    {"epochs", {5, 12, 100}, "passes over the chains"},
    {"batch", {4, 4, 16}, "chains a step"},
    {"rate", {4e-3, 3e-3, 1e-3}, "Adam's first rate"},
    {"dropout", {0.3, 0.5, 0.5}, "share of outputs dropped between levels"},
    {"input_dropout", {0.1, 0.1, 0.1}, "share of residues not shown"},
    {"decay", {0, 0, 0}, "weight decay"},
    {"held_out", {42, 42, 42}, "training chains that choose the moment to stop"},
    {NULL},
};

const jd_system jd_system_protein_structure = {
    .name = "protein-structure",
    .year = 2014,
    .title = "Secondary structure of proteins, BLSTM",
    .paper =
        "Sonderby, Winther, arXiv 1412.7828, 2014; Baldi et al., Bioinformatics 15, 1999; Qian, Sejnowski, J. Mol. "
        "Biol. 202, 1988",
    .metric = "residues of CB513 in the right one of three states, Q3 (%)",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "single sequences, 418 chains of CB513 to learn from and 93 to test; methods of this kind reach 65 to 69 "
        "% on CB513. The paper of 2014 learns from 5,534 chains with profiles of their relatives (Q8 67.4 %); "
        "Qian and Sejnowski's chains, where 64.3 % were reached, are not among the data here",
    .accept = {60, 65, 66},
    .about =
        "A protein is a chain of amino acids, of which twenty kinds exist. Parts of the chain curl into helices (H), "
        "others lie side by side as strands (E), the rest is coil (C). The nets see nothing but the letters of "
        "one chain: no profiles of related proteins, which are worth some ten percent. The chains held out of "
        "training choose the moment to stop; equal sequences never stand on both sides of the split.",
    .data = "protein_cb513",
    .settings = settings,
    .run = run,
};
