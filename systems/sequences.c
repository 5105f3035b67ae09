/* sequences.c - generators of the artificial tasks; see sequences.h. */
#include "sequences.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- embedded Reber grammar ------------------------------------------------------------------------------------------
 * The two arcs of each state are taken with probability 1/2.  (Reber 1967; the embedded form: Cleeremans,
 * Servan-Schreiber, McClelland 1989.) */
enum { B, T, P, S, X, V, E }; /* places in SEQ_REBER_NAMES */
static const struct {
    int32_t symbol[2];
    int next[2];
} REBER[7] = {
    {{B, B}, {1, 1}}, {{T, P}, {2, 3}}, {{S, X}, {2, 4}}, {{T, V}, {3, 5}},
    {{X, S}, {3, 6}}, {{P, V}, {4, 6}}, {{E, E}, {7, 7}},
};
static uint8_t bit(int32_t symbol)
{
    return (uint8_t)(1u << symbol);
}

static void put(seq_reber_string *s, int32_t symbol, uint8_t legal)
{
    if (s->length < SEQ_REBER_MAX) {
        s->symbol[s->length] = symbol;
        s->legal[s->length] = legal;
    }
    s->length++;
}

seq_reber_string seq_reber(jd_rng *r)
{
    seq_reber_string s;
    do { /* the loops of the grammar may go on for ever: strings that do not fit (fewer than 1 in 10^8) are drawn anew */
        memset(&s, 0, sizeof s);
        const int32_t outer = jd_rng_below(r, 2) ? T : P;
        put(&s, B, bit(T) | bit(P));
        put(&s, outer, bit(B));
        for (int state = 0; state < 7;) {
            const uint32_t arc = jd_rng_below(r, 2);
            const int32_t symbol = REBER[state].symbol[arc];
            state = REBER[state].next[arc];
            put(&s, symbol, state == 7 ? bit(outer) : bit(REBER[state].symbol[0]) | bit(REBER[state].symbol[1]));
        }
        put(&s, outer, bit(E));
        put(&s, E, 0);
    } while (s.length > SEQ_REBER_MAX);
    return s;
}

/* ---- a^n b^n c^n -----------------------------------------------------------------------------------------------------*/

void seq_abc(int64_t n, int32_t *symbol, uint8_t *legal)
{
    enum { START, SMALL_A, SMALL_B, SMALL_C, END };
    const int64_t length = 3 * n + 2;
    for (int64_t t = 0; t < length; t++)
        symbol[t] = t == 0 ? START : t <= n ? SMALL_A : t <= 2 * n ? SMALL_B : t <= 3 * n ? SMALL_C : END;
    /* Among the a's their number is still open; from the first b on everything is settled. */
    for (int64_t t = 0; t < length; t++)
        legal[t] = t + 1 == length ? 0 : symbol[t] == SMALL_A ? bit(SMALL_A) | bit(SMALL_B) : bit(symbol[t + 1]);
}

/* ---- strings as a batch -------------------------------------------------------------------------------------------------*/

seq_strings seq_strings_new(jd_ctx *ctx, int64_t n, int64_t T_)
{
    const size_t count = (size_t)n, all = count * (size_t)T_;
    return (seq_strings){.n = n,
                         .T = T_,
                         .symbol = jd_alloc_array(ctx, all, sizeof(int32_t)),
                         .next = jd_alloc_array(ctx, all, sizeof(int32_t)),
                         .legal = jd_alloc_array(ctx, all, 1),
                         .length = jd_alloc_array(ctx, count, sizeof(int32_t))};
}

void seq_strings_free(jd_ctx *ctx, seq_strings *s)
{
    jd_free(ctx, s->symbol);
    jd_free(ctx, s->next);
    jd_free(ctx, s->legal);
    jd_free(ctx, s->length);
}

void seq_strings_put(seq_strings *s, int64_t b, const int32_t *symbol, const uint8_t *legal, int64_t symbols)
{
    s->length[b] = (int32_t)(symbols - 1);
    for (int64_t t = 0; t < s->T; t++) {
        const bool inside = t < symbols - 1;
        s->symbol[t * s->n + b] = inside ? symbol[t] : 0;
        s->next[t * s->n + b] = inside ? symbol[t + 1] : -1;
        s->legal[t * s->n + b] = inside ? legal[t] : 0;
    }
}

int seq_strings_inputs(const seq_strings *s, jd_tensor *in)
{
    in[0] = JD_TENSOR("symbol", JD_I32, s->symbol, s->T, s->n);
    in[1] = JD_TENSOR("length", JD_I32, s->length, s->n);
    return 2;
}

/* ---- temporal order ----------------------------------------------------------------------------------------------------*/

int64_t seq_order(jd_rng *r, int marks, int32_t *symbol, int64_t *at, int32_t *label)
{
    static const int64_t first[2][3] = {{10, 50, 0}, {10, 33, 66}};
    enum { BEGIN, FINISH, A, MARK_X = 6 };
    const int64_t length = 100 + jd_rng_below(r, 11);
    for (int64_t t = 0; t < length; t++) symbol[t] = A + (int32_t)jd_rng_below(r, 4);
    symbol[0] = BEGIN;
    symbol[length - 1] = FINISH;
    *label = 0;
    for (int m = 0; m < marks; m++) {
        const int32_t which = (int32_t)jd_rng_below(r, 2);
        at[m] = first[marks == 3][m] + jd_rng_below(r, 11);
        symbol[at[m]] = MARK_X + which;
        *label = 2 * *label + which;
    }
    return length;
}

/* ---- adding, latch -----------------------------------------------------------------------------------------------------*/

/* Values, uniform from `low` to 1, and markers; the two marked values into `marked`. */
static int64_t marked_values(jd_rng *r, int64_t T_, float low, float *x, int64_t stride, float marked[2])
{
    const int64_t length = T_ + jd_rng_below(r, (uint32_t)(T_ / 10 + 1));
    for (int64_t t = 0; t < length; t++) {
        x[t * stride] = (1 - low) * jd_rng_uniform(r) + low;
        x[t * stride + 1] = 0;
    }
    x[1] = x[(length - 1) * stride + 1] = -1;
    const int64_t one = jd_rng_below(r, 10), range = T_ / 2 - 1;
    int64_t two = jd_rng_below(r, (uint32_t)(range - (one < range)));
    if (two >= one && one < range) two++; /* one of the pairs that are still unmarked */
    if (one == 0 || two == 0) x[0] = 0;
    x[one * stride + 1] = x[two * stride + 1] = 1;
    marked[0] = x[one * stride];
    marked[1] = x[two * stride];
    return length;
}

int64_t seq_adding(jd_rng *r, int64_t T_, float *x, int64_t stride, float *target)
{
    float marked[2];
    const int64_t length = marked_values(r, T_, -1, x, stride, marked);
    *target = .5f + (marked[0] + marked[1]) / 4;
    return length;
}

int64_t seq_multiplication(jd_rng *r, int64_t T_, float *x, int64_t stride, float *target)
{
    float marked[2];
    const int64_t length = marked_values(r, T_, 0, x, stride, marked);
    *target = marked[0] * marked[1];
    return length;
}

int32_t seq_latch(jd_rng *r, int64_t T_, float *x, int64_t stride)
{
    const int32_t label = (int32_t)jd_rng_below(r, 2);
    x[0] = label ? 1 : -1;
    for (int64_t t = 1; t < T_; t++) x[t * stride] = (float)(.2 * jd_rng_normal(r));
    return label;
}

/* ---- the network -------------------------------------------------------------------------------------------------------*/

jd_lstm_out seq_recur(jd_graph *g, const seq_cell *c, jd_node x, jd_node length)
{
    if (c->plain) {
        const jd_rnn_out o = jd_srn_full(g, "hidden", x, (jd_rnn_options){.units = c->units, .length = length});
        return (jd_lstm_out){.y = o.y, .hT = o.hT};
    }
    return jd_lstm_full(g, "cell", x,
                        (jd_lstm_options){.units = c->units,
                                          .length = length,
                                          .peepholes = c->peepholes,
                                          .forget_bias = c->forget_bias,
                                          .in_bias = c->in_bias,
                                          .out_bias = c->out_bias});
}

void seq_result_inside(jd_graph *g, const jd_lstm_out *o)
{
    jd_result(g, "gates", o->gates);
    jd_result(g, "cells", o->cells);
}

void seq_log(jd_run *r, int64_t step, const char *net, const char *what, double value)
{
    char name[96];
    snprintf(name, sizeof name, "%s/%s", net, what);
    jd_run_log(r, step, name, value);
}

/* ---- pictures ----------------------------------------------------------------------------------------------------------*/

void seq_show_lstm(jd_ctx *ctx, jd_timeline *timeline, const float *gates, const float *cells, int64_t T_, int64_t H)
{
    static const char *const names[] = {"input gates", "forget gates", "output gates"};
    static const int place[] = {0, 1, 3}; /* gate order i f z o */
    const size_t steps = (size_t)T_, units = (size_t)H;
    const double height = H > 4 ? 12 * (double)H : 48;
    float *one = jd_alloc_array(ctx, steps * units, sizeof *one);
    if (!one) return;
    for (size_t i = 0; i < steps * units; i++)
        one[i] = tanhf(cells[i]); /* what the cell puts out; states may grow far */
    jd_timeline_map(timeline, &(jd_map){.label = "cell states (tanh c)",
                                        .value_label = "",
                                        .values = one,
                                        .T = steps,
                                        .H = units,
                                        .y0 = 1,
                                        .y1 = (double)H,
                                        .vmin = -1,
                                        .vmax = 1,
                                        .colors = JD_DIVERGING,
                                        .height = height});
    for (int k = 0; k < 3; k++) {
        for (size_t t = 0; t < steps; t++)
            memcpy(one + t * units, gates + t * 4 * units + (size_t)place[k] * units, units * sizeof *one);
        jd_timeline_map(timeline, &(jd_map){.label = names[k],
                                            .value_label = "",
                                            .values = one,
                                            .T = steps,
                                            .H = units,
                                            .y0 = 1,
                                            .y1 = (double)H,
                                            .vmin = 0,
                                            .vmax = 1,
                                            .height = height});
    }
    jd_free(ctx, one);
}

void seq_show_symbols(jd_timeline *timeline, const char *label, const char *names, const int32_t *symbol, int64_t T_)
{
    char text[512];
    double at[512];
    int64_t n = 0;
    for (; n < T_ && n < 511; n++) {
        text[n] = names[symbol[n]];
        at[n] = (double)n;
    }
    text[n] = 0;
    jd_timeline_text(timeline, label, text, at);
}

void seq_draw_curve(jd_chart *c, jd_run *r, const char *series, const char *label, double per, int style)
{
    const int64_t *step;
    const double *value;
    const size_t n = jd_run_history(r, series, &step, &value);
    double *x = jd_alloc_array(jd_run_ctx(r), n + 1, sizeof *x);
    for (size_t i = 0; x && i < n; i++) x[i] = (double)step[i] / per;
    if (x) jd_chart_line(c, label, x, value, n, style);
    jd_free(jd_run_ctx(r), x);
}
