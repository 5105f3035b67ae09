/* seq2seq_write.c - answers by beam search, all inputs and all their partial answers side by side; see seq2seq.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "seq2seq.h"
#include "seq2seq_trace.h"

/* What goes from a step to the next: h and c of each layer, and what was looked at. */
enum { CARRIED = 2 * SEQ2SEQ_LAYERS + 1 };

typedef struct carried {
    char now[16], then[20]; /* names of the input and of the result */
    int64_t width;
    float *value; /* (S W,width) */
} carried;

struct seq2seq_writer {
    jd_ctx *ctx;
    seq2seq_net net;
    jd_fn *read, *next;
    int carries;
    carried carry[CARRIED];
    jd_tensor memory[3]; /* seen, keys, hide, which lie in `kept` */
    float *kept[3];
    size_t S, W;
};

static void carry(seq2seq_writer *w, const char *now, int64_t width)
{
    carried *c = &w->carry[w->carries++];
    c->width = width;
    snprintf(c->now, sizeof c->now, "%s", now);
    snprintf(c->then, sizeof c->then, "%s'", now);
}

seq2seq_writer *seq2seq_writer_new(jd_ctx *ctx, const seq2seq_net *n, jd_params *params, jd_trace *read,
                                   void *read_user)
{
    seq2seq_writer *w = jd_alloc(ctx, sizeof *w);
    if (!w) return NULL;
    *w = (seq2seq_writer){.ctx = ctx, .net = *n};
    w->read = jd_fn_new(ctx, params, read ? read : seq2seq_read_inputs, read ? read_user : &w->net);
    jd_fn_lenient(w->read); /* batches may hold what some readers pass over */
    w->next = jd_fn_new(ctx, params, seq2seq_next, &w->net);
    for (int64_t l = 0; l < (n->layers ? n->layers : 1) && l < SEQ2SEQ_LAYERS; l++) {
        char name[16];
        snprintf(name, sizeof name, "h%d", (int)l);
        carry(w, name, n->units);
        name[0] = 'c';
        carry(w, name, n->units);
    }
    if (n->attend) carry(w, "look", n->seen ? n->seen : n->units);
    return w;
}

void seq2seq_writer_free(seq2seq_writer *w)
{
    if (!w) return;
    jd_fn_free(w->read);
    jd_fn_free(w->next);
    for (int i = 0; i < w->carries; i++) jd_free(w->ctx, w->carry[i].value);
    for (int i = 0; i < 3; i++) jd_free(w->ctx, w->kept[i]);
    jd_free(w->ctx, w);
}

/* The state after reading, for every row of an input; and what can be looked at. */
static jd_status spread(seq2seq_writer *w)
{
    static const char *const names[] = {"seen", "keys", "hide"};
    for (int i = 0; i < w->carries; i++) {
        carried *c = &w->carry[i];
        const size_t width = (size_t)c->width;
        const float *from = strcmp(c->now, "look") ? jd_fn_result(w->read, c->now, NULL) : NULL;
        jd_free(w->ctx, c->value);
        c->value = jd_alloc_array(w->ctx, w->S * w->W * width, sizeof *c->value); /* zeroed */
        if (jd_error(w->ctx)) return jd_error(w->ctx);
        for (size_t row = 0; from && row < w->S * w->W; row++)
            memcpy(c->value + row * width, from + row / w->W * width, width * sizeof *from);
    }
    for (int i = 0; i < 3 && w->net.attend; i++) {
        jd_type type = {0};
        const float *from = jd_fn_result(w->read, names[i], &type);
        const size_t n = (size_t)jd_type_count(&type);
        jd_free(w->ctx, w->kept[i]);
        w->kept[i] = jd_alloc_array(w->ctx, n, sizeof *from);
        if (!from || !w->kept[i]) return jd_error(w->ctx);
        memcpy(w->kept[i], from, n * sizeof *from);
        w->memory[i] = (jd_tensor){names[i], type, w->kept[i]};
    }
    return jd_error(w->ctx);
}

static jd_status write_one(void *user, size_t t, const int32_t *symbol, const int32_t *parent, float *ln_p)
{
    seq2seq_writer *w = user;
    const int64_t R = (int64_t)(w->S * w->W), V = w->net.writes;
    jd_tensor in[CARRIED + 5];
    int n = 0;
    (void)t;
    in[n++] = JD_TENSOR("symbol", JD_I32, symbol, R);
    in[n++] = JD_TENSOR("parent", JD_I32, parent, R);
    for (int i = 0; i < w->carries; i++)
        in[n++] = JD_TENSOR(w->carry[i].now, JD_F32, w->carry[i].value, R, w->carry[i].width);
    for (int i = 0; i < 3 && w->net.attend; i++) in[n++] = w->memory[i];
    if (jd_fn_run(w->next, in, n)) return jd_error(w->ctx);
    for (int i = 0; i < w->carries; i++) {
        const float *then = jd_fn_result(w->next, w->carry[i].then, NULL);
        if (!then) return jd_error(w->ctx);
        memcpy(w->carry[i].value, then, (size_t)(R * w->carry[i].width) * sizeof *then);
    }
    const float *p = jd_fn_result(w->next, "ln_p", NULL);
    if (!p) return jd_error(w->ctx);
    memcpy(ln_p, p, (size_t)(R * V) * sizeof *p);
    for (int64_t row = 0; row < R; row++) ln_p[row * V + SEQ2SEQ_UNKNOWN] = ln_p[row * V + SEQ2SEQ_START] = -INFINITY;
    return JD_OK;
}

jd_status seq2seq_answer(seq2seq_writer *w, const jd_tensor *in, int k, const seq2seq_ask *ask, jd_sequence *found)
{
    w->S = ask->inputs;
    w->W = ask->width ? ask->width : 1;
    if (!w->S || jd_fn_run(w->read, in, k) || spread(w)) return jd_error(w->ctx);
    return jd_sequence_beam(w->ctx,
                            &(jd_sequence_options){.inputs = w->S,
                                                   .width = w->W,
                                                   .symbols = (size_t)w->net.writes,
                                                   .start = SEQ2SEQ_START,
                                                   .end = SEQ2SEQ_END,
                                                   .longest = ask->longest,
                                                   .limit = ask->limit,
                                                   .power = ask->power,
                                                   .step = write_one,
                                                   .user = w},
                            found);
}
