/*
 * text_nets.c - predictors of the next character: the net of 1996, which sees the last five, and an LSTM, which sees all.
 *
 * The net of 1996 has an input for each character at each place of its window; with one of them on, its hidden layer is a sum
 * of rows of tables.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

/* ---- the nets ------------------------------------------------------------------------------------------------------------*/

/* "seen" int32 (window,B) -> (B,K) */
static jd_node window_net(jd_graph *g, const text_net *p)
{
    const jd_node seen = jd_arg(g, "seen");
    jd_node sum = JD_NONE;
    for (int k = 0; k < p->window; k++) {
        char name[32];
        snprintf(name, sizeof name, "place%d", k + 1);
        const jd_node row = jd_embedding(g, name, jd_slice(g, seen, 0, k, 1), p->set->alphabet.n, p->units);
        sum = k ? jd_add(g, sum, row) : row; /* (1,B,units) */
    }
    return jd_dense(g, "out", jd_dropout(g, "hidden", jd_sigmoid(g, sum), p->dropout), .units = p->set->alphabet.n);
}

/* "symbol" int32 (T,B) -> (T,B,K); h0 and c0 NULL: from nothing */
static jd_node lstm_net(jd_graph *g, const text_net *p, const jd_node *h0, const jd_node *c0, jd_lstm_out *state)
{
    jd_node x = jd_embedding(g, "symbols", jd_arg(g, "symbol"), p->set->alphabet.n, p->embed);
    for (int64_t l = 0; l < p->layers; l++) {
        char name[32];
        snprintf(name, sizeof name, "lstm%d", (int)l + 1);
        jd_lstm_options o = {.units = p->units};
        if (h0) o.h0 = h0[l], o.c0 = c0[l];
        const jd_lstm_out out = jd_lstm_full(g, name, x, o);
        if (state) state[l] = out;
        snprintf(name, sizeof name, "drop%d", (int)l + 1);
        x = jd_dropout(g, name, out.y, p->dropout);
    }
    return jd_dense(g, "out", x, .units = p->set->alphabet.n);
}

static jd_node loss_of(jd_graph *g, const text_net *p)
{
    const jd_node y = p->window ? window_net(g, p) : lstm_net(g, p, NULL, NULL, NULL);
    return jd_softmax_xent(g, y, jd_arg(g, "next"));
}

static void train_step(jd_graph *g, void *user)
{
    const jd_node loss = loss_of(g, user);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
}

static void look(jd_graph *g, void *user)
{
    jd_result(g, "loss", loss_of(g, user));
}

enum { LAYERS_MOST = 4 };

static const char *const state_in[2][LAYERS_MOST] = {{"h1", "h2", "h3", "h4"}, {"c1", "c2", "c3", "c4"}};
static const char *const state_out[2][LAYERS_MOST] = {{"H1", "H2", "H3", "H4"}, {"C1", "C2", "C3", "C4"}};

static void one_step(jd_graph *g, void *user)
{
    const text_net *p = user;
    jd_node h[LAYERS_MOST], c[LAYERS_MOST], y;
    jd_lstm_out s[LAYERS_MOST];
    if (p->window) {
        y = window_net(g, p);
    } else {
        for (int64_t l = 0; l < p->layers; l++) {
            h[l] = jd_arg(g, state_in[0][l]);
            c[l] = jd_arg(g, state_in[1][l]);
        }
        y = lstm_net(g, p, h, c, s);
        for (int64_t l = 0; l < p->layers; l++) {
            jd_result(g, state_out[0][l], s[l].hT);
            jd_result(g, state_out[1][l], s[l].cT);
        }
    }
    jd_result(g, "p", jd_softmax(g, y));
}

jd_status text_net_new(text_net *p)
{
    if (p->window > TEXT_WINDOW_MOST || p->layers > LAYERS_MOST || p->units < 1 || p->embed < 1 || p->layers < 1)
        return jd_fail(p->ctx, JD_EUSAGE, "%s: a window of 1 to %d, 1 to %d layers, units and embed 1 or more", p->name,
                       TEXT_WINDOW_MOST, LAYERS_MOST);
    p->w = jd_params_new(p->ctx, JD_F32);
    p->look = jd_fn_new(p->ctx, p->w, look, p);
    p->step = jd_fn_new(p->ctx, p->w, one_step, p);
    return jd_error(p->ctx);
}

static void forget_states(text_net *p)
{
    jd_free(p->ctx, p->seen);
    jd_free(p->ctx, p->h);
    jd_free(p->ctx, p->c);
    p->seen = NULL;
    p->h = p->c = NULL;
}

void text_net_free(text_net *p)
{
    forget_states(p);
    jd_free(p->ctx, p->symbol);
    jd_free(p->ctx, p->next);
    jd_fn_free(p->look);
    jd_fn_free(p->step);
    jd_params_free(p->w);
}

/* ---- training --------------------------------------------------------------------------------------------------------------*/

/* Symbol i of a part; before its beginning the escape. */
static int32_t symbol_at(const text_net *p, const text_part *part, int64_t i)
{
    return i < 0 ? p->set->alphabet.escape : p->set->alphabet.code[part->bytes[i]];
}

/* Stretch b begins at `from`.  The LSTM reads T characters and tells each one's next; the window tells the one at `from`. */
static void put_stretch(text_net *p, const text_part *part, int64_t from, int64_t b, int64_t T, int64_t B)
{
    if (p->window) {
        for (int64_t k = 0; k < p->window; k++) p->symbol[k * B + b] = symbol_at(p, part, from - 1 - k);
        p->next[b] = symbol_at(p, part, from);
        return;
    }
    for (int64_t t = 0; t < T; t++) {
        p->symbol[t * B + b] = symbol_at(p, part, from + t - 1);
        p->next[t * B + b] = symbol_at(p, part, from + t);
    }
}

static int inputs(text_net *p, int64_t T, int64_t B, jd_tensor *in)
{
    in[0] =
        p->window ? JD_TENSOR("seen", JD_I32, p->symbol, p->window, B) : JD_TENSOR("symbol", JD_I32, p->symbol, T, B);
    in[1] = JD_TENSOR("next", JD_I32, p->next, p->window ? 1 : T, B);
    return 2;
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    text_net *p = user;
    const text_part *part = &p->set->train;
    jd_rng r = jd_rng_new(p->seed, p->name, (uint64_t)step);
    (void)slot;
    for (int64_t b = 0; b < p->B; b++)
        put_stretch(p, part, (int64_t)jd_rng_below(&r, (uint32_t)(part->n - (size_t)p->T)), b, p->T, p->B);
    return inputs(p, p->T, p->B, in);
}

/* Bits a character of the text for validation, in stretches that begin from nothing. */
static double validate(void *user, jd_run *r, int64_t step)
{
    text_net *p = user;
    const text_part *part = &p->set->valid;
    char name[64];
    double nats = 0;
    int64_t batches = 0;
    const int64_t each = p->B * p->T;
    for (int64_t at = 0; at + each <= (int64_t)part->n; at += each, batches++) {
        jd_tensor in[2];
        for (int64_t b = 0; b < p->B; b++) put_stretch(p, part, at + b * p->T, b, p->T, p->B);
        if (jd_fn_run(p->look, in, inputs(p, p->T, p->B, in))) break;
        nats += jd_fn_scalar(p->look, "loss");
    }
    const double bits = nats / (double)batches / log(2);
    snprintf(name, sizeof name, "validation: bits a character/%s", p->name);
    jd_run_log(r, step, name, bits);
    return bits;
}

jd_status text_net_train(text_net *p, jd_run *r, double epochs, double rate)
{
    const int64_t T = p->window ? 1 : p->T;
    /* A short text for validation has room for at least one batch. */
    while (p->B > 1 && (p->B * T > (int64_t)p->set->valid.n || p->T >= (int64_t)p->set->train.n)) p->B /= 2;
    p->T = T;
    p->symbol = jd_alloc_array(p->ctx, (size_t)(p->B * (p->window ? p->window : T)), sizeof *p->symbol);
    p->next = jd_alloc_array(p->ctx, (size_t)(p->B * T), sizeof *p->next);
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    if (p->B * T > (int64_t)p->set->valid.n)
        return jd_fail(p->ctx, JD_EUSAGE, "steps = %lld is longer than the text for validation, of %zu characters",
                       (long long)T, p->set->valid.n);
    const int64_t steps = (int64_t)ceil(epochs * (double)p->set->train.n / (double)(p->B * T));
    const jd_train_options o = {
        .what = p->name,
        .series = p->name,
        .trace = train_step,
        .user = p,
        .steps = steps,
        .batch = next_batch,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50, .warmup = steps / 50},
        .validate_every = steps / 12 + 1,
        .validate = validate,
        .keep_best = true,
        .items_per_step = p->B * T,
    };
    jd_train_result res;
    return jd_train(r, p->w, &o, &res);
}

/* ---- reading, a character at a time ------------------------------------------------------------------------------------------*/

jd_status predictor_begin(text_net *p, int64_t texts)
{
    forget_states(p);
    p->texts = texts;
    if (p->window) {
        p->seen = jd_alloc_array(p->ctx, (size_t)(p->window * texts), sizeof *p->seen);
        for (int64_t i = 0; p->seen && i < p->window * texts; i++) p->seen[i] = p->set->alphabet.escape;
    } else {
        const size_t n = (size_t)(p->layers * texts * p->units);
        p->h = jd_alloc_array(p->ctx, n, sizeof *p->h);
        p->c = jd_alloc_array(p->ctx, n, sizeof *p->c);
    }
    return jd_error(p->ctx);
}

const float *predictor_next(text_net *p, const int32_t *symbol)
{
    const int64_t B = p->texts, n = B * p->units;
    jd_tensor in[1 + 2 * LAYERS_MOST];
    int count = 1;
    if (p->window) {
        memmove(p->seen + B, p->seen, (size_t)((p->window - 1) * B) * sizeof *p->seen);
        memcpy(p->seen, symbol, (size_t)B * sizeof *p->seen);
        in[0] = JD_TENSOR("seen", JD_I32, p->seen, p->window, B);
    } else {
        in[0] = JD_TENSOR("symbol", JD_I32, (void *)(uintptr_t)symbol, 1, B);
        for (int64_t l = 0; l < p->layers; l++) {
            in[count++] = JD_TENSOR(state_in[0][l], JD_F32, p->h + l * n, B, p->units);
            in[count++] = JD_TENSOR(state_in[1][l], JD_F32, p->c + l * n, B, p->units);
        }
    }
    if (jd_fn_run(p->step, in, count)) return NULL;
    for (int64_t l = 0; !p->window && l < p->layers; l++) {
        const float *h = jd_fn_result(p->step, state_out[0][l], NULL),
                    *c = jd_fn_result(p->step, state_out[1][l], NULL);
        if (!h || !c) return NULL;
        memcpy(p->h + l * n, h, (size_t)n * sizeof *h);
        memcpy(p->c + l * n, c, (size_t)n * sizeof *c);
    }
    return jd_fn_result(p->step, "p", NULL);
}
