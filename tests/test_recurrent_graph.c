/* The recurrent ops in a graph: first and second derivatives against finite differences of what the graph itself
 * computes; the second goes through the decompositions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "jackdaw/fn.h"

enum { T = 4, B = 2, N = 2, H = 3, P = 2, INPUTS = 9, MOST = 48 };

typedef enum kind { LSTM, LSTMP, SRN, GRU } kind;
typedef struct model {
    kind kind;
    jd_lstm_args lstm;
    jd_rnn_args rnn;
} model;

static const char *const names[INPUTS] = {"x", "W", "R", "b", "peep", "proj", "h0", "c0", "seed"};

/* loss = <y, seed> + sum hT^2 (+ sum cT); q = sum over the inputs of <d loss / d input, sin of its index> */
static void trace(jd_graph *g, void *user)
{
    model m = *(const model *)user;
    jd_node in[INPUTS], d[INPUTS], dd[INPUTS], y, hT, cT = JD_NONE;
    for (int i = 0; i < INPUTS; i++) in[i] = jd_arg(g, names[i]);
    const jd_node length = jd_arg(g, "length");
    int n = 8;
    if (m.kind <= LSTMP) {
        jd_lstm_args a = m.lstm;
        a.x = in[0], a.length = length, a.W = in[1], a.R = in[2], a.b = in[3], a.h0 = in[6], a.c0 = in[7];
        a.peep = in[4];
        if (m.kind == LSTMP) a.proj = in[5];
        const jd_lstm_out o = jd_lstm_raw(g, a);
        y = o.y, hT = o.hT, cT = o.cT;
    } else {
        jd_rnn_args a = m.rnn;
        a.x = in[0], a.length = length, a.W = in[1], a.R = in[2], a.b = in[3], a.h0 = in[6];
        if (m.kind == GRU) a.bR = in[4];
        const jd_rnn_out o = m.kind == GRU ? jd_gru_raw(g, a) : jd_srn_raw(g, a);
        y = o.y, hT = o.hT;
        n = 7;
    }
    jd_node loss =
        jd_add(g, jd_sum(g, jd_mul(g, y, in[8]), JD_ALL_AXES, false), jd_sum(g, jd_square(g, hT), JD_ALL_AXES, false));
    if (cT.id) loss = jd_add(g, loss, jd_sum(g, cT, JD_ALL_AXES, false));
    jd_grad(g, loss, JD_NONE, in, n, d);
    jd_node q = jd_const(g, 0, JD_SCALAR);
    for (int i = 0; i < n; i++) {
        if (!d[i].id) continue;
        jd_result(g, names[i], d[i]);
        /* curved in the gradient, so that its own derivative does not vanish where the gradient is constant */
        q = jd_add(g, q, jd_sum(g, jd_tanh(g, d[i]), JD_ALL_AXES, false));
    }
    jd_grad(g, q, JD_NONE, in, n, dd);
    static const char *const second[INPUTS] = {"xx", "WW", "RR", "bb", "pp", "jj", "hh", "cc", "ss"};
    for (int i = 0; i < n; i++)
        if (dd[i].id) jd_result(g, second[i], dd[i]);
    jd_result(g, "loss", loss);
    jd_result(g, "q", q);
}

typedef struct setup {
    jd_tensor in[INPUTS + 1];
    double data[INPUTS][MOST];
    int32_t length[B];
} setup;

static void make(setup *s, const model *m)
{
    const int G = m->kind == GRU ? 3 : m->kind == SRN ? 1 : 4, out = m->kind == LSTMP ? P : H;
    for (int i = 0; i < INPUTS; i++)
        for (int k = 0; k < MOST; k++) s->data[i][k] = .7 * sin(1.3 * k + 2.1 * i + .4 * k * k);
    s->length[0] = 3;
    s->length[1] = T;
    s->in[0] = JD_TENSOR("x", JD_F64, s->data[0], T, B, N);
    s->in[1] = JD_TENSOR("W", JD_F64, s->data[1], G * H, N);
    s->in[2] = JD_TENSOR("R", JD_F64, s->data[2], G * H, out);
    s->in[3] = JD_TENSOR("b", JD_F64, s->data[3], G * H);
    s->in[4] = JD_TENSOR("peep", JD_F64, s->data[4], m->kind == GRU ? H : 3 * H);
    s->in[5] = JD_TENSOR("proj", JD_F64, s->data[5], P, H);
    s->in[6] = JD_TENSOR("h0", JD_F64, s->data[6], B, out);
    s->in[7] = JD_TENSOR("c0", JD_F64, s->data[7], B, H);
    s->in[8] = JD_TENSOR("seed", JD_F64, s->data[8], T, B, out);
    s->in[9] = JD_TENSOR("length", JD_I32, s->length, B);
}

static double value(jd_fn *f, setup *s, const char *name)
{
    assert_int_equal(jd_fn_run(f, s->in, INPUTS + 1), JD_OK);
    return jd_fn_scalar(f, name);
}

/* Result `name` against 4-point differences of the scalar `of` with respect to input i. */
static void check(jd_ctx *ctx, jd_fn *f, setup *s, const char *name, const char *of, int i)
{
    jd_type type;
    double got[MOST], scale = 1e-2;
    assert_int_equal(jd_fn_run(f, s->in, INPUTS + 1), JD_OK);
    const double *r = jd_fn_result(f, name, &type);
    if (!r) { /* not an input of this model */
        jd_error_clear(ctx);
        return;
    }
    const int64_t n = jd_type_count(&type);
    for (int64_t k = 0; k < n; k++) {
        got[k] = r[k];
        scale = fabs(got[k]) > scale ? fabs(got[k]) : scale;
    }
    for (int64_t k = 0; k < n; k++) {
        static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
        const double here = s->data[i][k], e = 1e-3;
        double d = 0;
        for (int p = 0; p < 4; p++) {
            s->data[i][k] = here + at[p] * e;
            d += weight[p] * value(f, s, of) / (12 * e);
        }
        s->data[i][k] = here;
        if (!(fabs(d - got[k]) <= 1e-6 * scale))
            print_error("%s of %s, element %d: %g, should be %g\n", name, of, (int)k, got[k], d);
        assert_true(fabs(d - got[k]) <= 1e-6 * scale);
    }
}

static void derivatives(void **state)
{
    (void)state;
    static const char *const second[INPUTS] = {"xx", "WW", "RR", "bb", "pp", "jj", "hh", "cc", "ss"};
    const model models[] = {
        {.kind = LSTM},
        {.kind = LSTMP, .lstm = {.reverse = true, .in_squash = JD_SQUASH_4SIGM2, .out_squash = JD_SQUASH_2SIGM1}},
        {.kind = LSTM, .lstm = {.no_forget = true, .in_squash = JD_SQUASH_2SIGM1, .out_squash = JD_SQUASH_LINEAR}},
        {.kind = SRN},
        {.kind = SRN, .rnn = {.reverse = true, .act = 1}},
        {.kind = GRU},
        {.kind = GRU, .rnn = {.reverse = true}},
    };
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        static setup s;
        model one = models[m];
        make(&s, &one);
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        jd_params *params = jd_params_new(ctx, JD_F64);
        jd_fn *f = jd_fn_new(ctx, params, trace, &one);
        value(f, &s, "q");
        if (jd_error(ctx)) print_error("%s\n", jd_error_message(ctx));
        assert_int_equal(jd_error(ctx), JD_OK);
        for (int i = 0; i < 8; i++) {
            check(ctx, f, &s, names[i], "loss", i);
            check(ctx, f, &s, second[i], "q", i);
        }
        jd_fn_free(f);
        jd_params_free(params);
        jd_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(derivatives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
