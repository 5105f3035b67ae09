/* seq2seq_net.c - the nodes of reader, writer and attention; see seq2seq.h. */
#include <stdio.h>

#include "seq2seq.h"

#include "seq2seq_trace.h"

enum { MOST_WRITTEN = 512 };

static int64_t layers_of(const seq2seq_net *n)
{
    return n->layers ? n->layers : 1;
}

static int64_t seen_of(const seq2seq_net *n)
{
    return n->seen ? n->seen : n->units;
}

static const char *layer_name(char name[16], int64_t l)
{
    snprintf(name, 16, "lstm%d", (int)l);
    return name;
}

static bool fits(jd_graph *g, const seq2seq_net *n)
{
    if (n->writes > SEQ2SEQ_WORDS && n->embed > 0 && n->units > 0 && layers_of(n) <= SEQ2SEQ_LAYERS && n->attend >= 0)
        return true;
    jd_fail(
        jd_graph_ctx(g), JD_EUSAGE,
        "seq2seq: %lld symbols, %lld numbers for each, %lld layers of %lld units; give at least %d symbols, 1 number, "
        "1 unit, and 1 to %d layers",
        (long long)n->writes, (long long)n->embed, (long long)n->layers, (long long)n->units, SEQ2SEQ_WORDS + 1,
        SEQ2SEQ_LAYERS);
    return false;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------*/

void seq2seq_look(jd_graph *g, const seq2seq_net *n, seq2seq_memory *m, jd_node seen, jd_node length)
{
    const int64_t T = jd_dim(g, seen, 0), S = jd_dim(g, seen, 1);
    if (!n->attend || !seen.id) return;
    jd_scope_push(g, "writer");
    m->seen = jd_transpose(g, seen, (const int[]){1, 0, 2});
    m->keys = jd_dense(g, "look/W1", m->seen, .units = n->attend, .no_bias = true, .each = true);
    m->hide = jd_const(g, 0, JD_DIMS(S, T));
    if (length.id) {
        const jd_node mask = jd_transpose(g, jd_time_mask(g, length, T), (const int[]){1, 0}); /* (S,T) */
        m->hide = jd_affine(g, mask, 1e30, -1e30);
    }
    jd_scope_pop(g);
}

seq2seq_memory seq2seq_read(jd_graph *g, const seq2seq_net *n, jd_node source, jd_node length)
{
    seq2seq_memory m = {0};
    char name[16];
    if (!fits(g, n)) return m;
    jd_scope_push(g, "reader");
    jd_node x = jd_dropout(g, "drop", jd_embedding(g, "embed", source, n->reads, n->embed), n->dropout);
    for (int64_t l = 0; l < layers_of(n); l++) {
        const jd_lstm_out y = jd_lstm_full(
            g, layer_name(name, l), x, (jd_lstm_options){.units = n->units, .length = length, .reverse = !n->forward});
        m.h[l] = y.hT;
        m.c[l] = y.cT;
        x = y.y;
    }
    jd_scope_pop(g);
    seq2seq_look(g, n, &m, x, length);
    return m;
}

/* ---- writing --------------------------------------------------------------------------------------------------------------*/

/* What is seen from state d (S W,H): d' (S W,E); *weights becomes a (S,W,T). */
static jd_node look(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m, jd_node d, jd_node *weights)
{
    const int64_t S = jd_dim(g, m->keys, 0), T = jd_dim(g, m->keys, 1), A = n->attend, E = seen_of(n);
    const int64_t W = S ? jd_dim(g, d, 0) / S : 0;
    const jd_node q = jd_dense(g, "look/W2", d, .units = A, .no_bias = true);
    const jd_node v = jd_param(g, "look/v", (jd_init){JD_INIT_FAN_IN, 1, 0, 0}, JD_DIMS(1, A));
    const jd_node both = jd_add(g, jd_reshape(g, m->keys, JD_DIMS(S, 1, T, A)), jd_reshape(g, q, JD_DIMS(S, W, 1, A)));
    const jd_node u = jd_matmul(g, jd_reshape(g, jd_tanh(g, both), JD_DIMS(S * W * T, A)), v, .tb = true);
    const jd_node hide = jd_reshape(g, m->hide, JD_DIMS(S, 1, T));
    *weights = jd_softmax(g, jd_add(g, jd_reshape(g, u, JD_DIMS(S, W, T)), hide));
    const jd_node each =
        jd_mul(g, jd_reshape(g, *weights, JD_DIMS(S, W, T, 1)), jd_reshape(g, m->seen, JD_DIMS(S, 1, T, E)));
    return jd_reshape(g, jd_sum(g, each, JD_AXIS(2), false), JD_DIMS(S * W, E));
}

typedef struct state {
    jd_node h[SEQ2SEQ_LAYERS], c[SEQ2SEQ_LAYERS]; /* (R,H) */
    jd_node look;                                 /* d' (R,E), or none */
} state;

/* One step of R = S W rows with the embedded symbols x (R,D): the top layer's new state d. */
static jd_node step(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m, jd_node x, state *s, jd_node *weights)
{
    const int64_t R = jd_dim(g, x, 0);
    char name[16];
    if (n->attend) x = jd_concat(g, (const jd_node[]){x, s->look}, 2, 1);
    for (int64_t l = 0; l < layers_of(n); l++) {
        x = jd_reshape(g, x, JD_DIMS(1, R, jd_dim(g, x, -1)));
        const jd_lstm_out y =
            jd_lstm_full(g, layer_name(name, l), x, (jd_lstm_options){.units = n->units, .h0 = s->h[l], .c0 = s->c[l]});
        s->h[l] = y.hT;
        s->c[l] = y.cT;
        x = y.hT;
    }
    if (n->attend) s->look = look(g, n, m, x, weights);
    return x;
}

/* Logits (...,V) of [d; d'] (...,H+E). */
static jd_node say(jd_graph *g, const seq2seq_net *n, jd_node x)
{
    if (n->project) x = jd_dense(g, "project", x, .units = n->project, .act = JD_TANH, .each = true);
    return jd_dense(g, "out", jd_dropout(g, "drop_out", x, n->dropout), .units = n->writes, .each = true);
}

/* The state after reading; nothing was looked at yet. */
static state begin(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m)
{
    state s = {0};
    for (int64_t l = 0; l < layers_of(n); l++) {
        s.h[l] = m->h[l];
        s.c[l] = m->c[l];
    }
    if (n->attend) s.look = jd_const(g, 0, JD_DIMS(jd_dim(g, m->seen, 0), seen_of(n)));
    return s;
}

/* Without attention nothing that is written depends on the step before but through the LSTM: whole sequences at once. */
static jd_node write_unaided(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m, jd_node x)
{
    char name[16];
    for (int64_t l = 0; l < layers_of(n); l++)
        x = jd_lstm(g, layer_name(name, l), x, .units = n->units, .h0 = m->h[l], .c0 = m->c[l]);
    return say(g, n, x);
}

jd_node seq2seq_write(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m, jd_node written, jd_node *weights)
{
    if (!fits(g, n) || !m->h[0].id) return JD_NONE;
    const int64_t U = jd_dim(g, written, 0), S = jd_dim(g, written, 1);
    jd_node d[MOST_WRITTEN], a[MOST_WRITTEN], out;
    if (U > MOST_WRITTEN) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "seq2seq: an answer of %lld symbols; at most %d are learned from",
                (long long)U, MOST_WRITTEN);
        return JD_NONE;
    }
    jd_scope_push(g, "writer");
    const jd_node x = jd_dropout(g, "drop", jd_embedding(g, "embed", written, n->writes, n->embed), n->dropout);
    if (weights) *weights = JD_NONE;
    if (!n->attend) {
        out = write_unaided(g, n, m, x);
    } else {
        state s = begin(g, n, m);
        for (int64_t u = 0; u < U; u++) {
            const jd_node now = jd_reshape(g, jd_slice(g, x, 0, u, 1), JD_DIMS(S, n->embed));
            const jd_node top = step(g, n, m, now, &s, &a[u]);
            d[u] =
                jd_reshape(g, jd_concat(g, (const jd_node[]){top, s.look}, 2, 1), JD_DIMS(1, S, n->units + seen_of(n)));
        }
        out = say(g, n, jd_concat(g, d, (int)U, 0));
        if (weights) *weights = jd_concat(g, a, (int)U, 1);
    }
    jd_scope_pop(g);
    return out;
}

/* ---- what is trained, measured and asked ----------------------------------------------------------------------------------*/

void seq2seq_train(jd_graph *g, void *user)
{
    const seq2seq_net *n = user;
    const seq2seq_memory m = seq2seq_read(g, n, jd_arg(g, "source"), jd_arg(g, "length"));
    const jd_node loss = jd_softmax_xent(g, seq2seq_write(g, n, &m, jd_arg(g, "written"), NULL), jd_arg(g, "label"));
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
}

void seq2seq_measure(jd_graph *g, void *user)
{
    const seq2seq_net *n = user;
    const seq2seq_memory m = seq2seq_read(g, n, jd_arg(g, "source"), jd_arg(g, "length"));
    jd_node weights;
    const jd_node logits = seq2seq_write(g, n, &m, jd_arg(g, "written"), &weights);
    jd_result(g, "loss", jd_softmax_xent_each(g, logits, jd_arg(g, "label")));
    if (weights.id) jd_result(g, "weights", weights);
}

void seq2seq_begin(jd_graph *g, const seq2seq_net *n, const seq2seq_memory *m)
{
    char name[16];
    for (int64_t l = 0; l < layers_of(n); l++) {
        snprintf(name, sizeof name, "h%d", (int)l);
        jd_result(g, name, m->h[l]);
        name[0] = 'c';
        jd_result(g, name, m->c[l]);
    }
    if (!n->attend) return;
    jd_result(g, "seen", m->seen);
    jd_result(g, "keys", m->keys);
    jd_result(g, "hide", m->hide);
}

void seq2seq_read_inputs(jd_graph *g, void *user)
{
    const seq2seq_memory m = seq2seq_read(g, user, jd_arg(g, "source"), jd_arg(g, "length"));
    seq2seq_begin(g, user, &m);
}

void seq2seq_next(jd_graph *g, void *user)
{
    const seq2seq_net *n = user;
    const jd_node parent = jd_arg(g, "parent");
    state s = {0};
    seq2seq_memory m = {0};
    char name[16];
    jd_node weights;
    for (int64_t l = 0; l < layers_of(n); l++) {
        snprintf(name, sizeof name, "h%d", (int)l);
        s.h[l] = jd_gather(g, jd_arg(g, name), parent);
        name[0] = 'c';
        s.c[l] = jd_gather(g, jd_arg(g, name), parent);
    }
    if (n->attend) {
        s.look = jd_gather(g, jd_arg(g, "look"), parent);
        m = (seq2seq_memory){.seen = jd_arg(g, "seen"), .keys = jd_arg(g, "keys"), .hide = jd_arg(g, "hide")};
    }
    jd_scope_push(g, "writer");
    const jd_node x = jd_embedding(g, "embed", jd_arg(g, "symbol"), n->writes, n->embed);
    jd_node d = step(g, n, &m, x, &s, &weights);
    if (n->attend) d = jd_concat(g, (const jd_node[]){d, s.look}, 2, 1);
    const jd_node ln_p = jd_log_softmax(g, say(g, n, d));
    jd_scope_pop(g);
    jd_result(g, "ln_p", ln_p);
    for (int64_t l = 0; l < layers_of(n); l++) {
        snprintf(name, sizeof name, "h%d'", (int)l);
        jd_result(g, name, s.h[l]);
        name[0] = 'c';
        jd_result(g, name, s.c[l]);
    }
    if (n->attend) jd_result(g, "look'", s.look);
}
