/* fused.c - cases for losses, recurrent ops and updates, with ragged lengths and initial states. */
#include "selftest/cases.h"

static const int32_t LENGTHS[] = {7, 4}, FRAMES[] = {6, 4, 6}, COUNTS[] = {2, 1, 0};
static const int32_t LABELS[] = {1, 1, 2, 3, 1, 2}, CLASSES[] = {0, 3, -1, 2, 1, 4};

static int softmax(jd_graph *g, jd_node *out)
{
    out[0] = jd_softmax(g, jd_arg(g, "x"));
    out[1] = jd_log_softmax(g, jd_arg(g, "x"));
    return 2;
}

static int xent(jd_graph *g, jd_node *out)
{
    out[0] = jd_softmax_xent_each(g, jd_arg(g, "x"), jd_arg(g, "label"));
    out[1] = jd_softmax_xent(g, jd_arg(g, "x"), jd_arg(g, "label"));
    return 2;
}

static int sigmoid_xent(jd_graph *g, jd_node *out)
{
    out[0] = jd_sigmoid_xent_each(g, jd_arg(g, "x"), jd_arg(g, "t"));
    return 1;
}

static int ctc(jd_graph *g, jd_node *out)
{
    out[0] = jd_ctc(g, jd_arg(g, "x"), jd_arg(g, "label"), jd_arg(g, "length"), jd_arg(g, "count"), 0);
    return 1;
}

static jd_node optional(jd_graph *g, const char *name)
{
    return jd_has_arg(g, name) ? jd_arg(g, name) : JD_NONE;
}

static int lstm_with(jd_graph *g, jd_node *out, jd_lstm_args a)
{
    a.x = jd_arg(g, "x");
    a.length = optional(g, "length");
    a.W = jd_arg(g, "W");
    a.R = jd_arg(g, "R");
    a.b = jd_arg(g, "b");
    a.peep = optional(g, "peep");
    a.proj = optional(g, "proj");
    a.h0 = optional(g, "h0");
    a.c0 = optional(g, "c0");
    const jd_lstm_out y = jd_lstm_raw(g, a);
    out[0] = y.y;
    out[1] = y.hT;
    out[2] = y.cT;
    return 3;
}

static int lstm(jd_graph *g, jd_node *out)
{
    return lstm_with(g, out, (jd_lstm_args){0});
}

static int lstm_back(jd_graph *g, jd_node *out)
{
    return lstm_with(g, out, (jd_lstm_args){.reverse = true});
}

static int lstm_1997(jd_graph *g, jd_node *out)
{
    return lstm_with(g, out,
                     (jd_lstm_args){.no_forget = true, .in_squash = JD_SQUASH_4SIGM2, .out_squash = JD_SQUASH_2SIGM1});
}

static int lstm_linear(jd_graph *g, jd_node *out)
{
    return lstm_with(g, out, (jd_lstm_args){.in_squash = JD_SQUASH_LINEAR, .out_squash = JD_SQUASH_LINEAR});
}

static int rnn_with(jd_graph *g, jd_node *out, bool gru, jd_rnn_args a)
{
    a.x = jd_arg(g, "x");
    a.length = optional(g, "length");
    a.W = jd_arg(g, "W");
    a.R = jd_arg(g, "R");
    a.b = jd_arg(g, "b");
    a.bR = optional(g, "bR");
    a.h0 = optional(g, "h0");
    const jd_rnn_out y = gru ? jd_gru_raw(g, a) : jd_srn_raw(g, a);
    out[0] = y.y;
    out[1] = y.hT;
    return 2;
}

static int srn(jd_graph *g, jd_node *out)
{
    return rnn_with(g, out, false, (jd_rnn_args){0});
}

static int srn_sigmoid(jd_graph *g, jd_node *out)
{
    return rnn_with(g, out, false, (jd_rnn_args){.act = 1, .reverse = true});
}

static int srn_relu(jd_graph *g, jd_node *out)
{
    return rnn_with(g, out, false, (jd_rnn_args){.act = 2});
}

static int srn_linear(jd_graph *g, jd_node *out)
{
    return rnn_with(g, out, false, (jd_rnn_args){.act = 3});
}

static int gru(jd_graph *g, jd_node *out)
{
    return rnn_with(g, out, true, (jd_rnn_args){0});
}

static int gru_back(jd_graph *g, jd_node *out)
{
    return rnn_with(g, out, true, (jd_rnn_args){.reverse = true});
}

static const int PERIODS[] = {2, 3, 3};

static int clockwork_with(jd_graph *g, jd_node *out, jd_clockwork_args a)
{
    a.x = jd_arg(g, "x");
    a.length = optional(g, "length");
    a.W = jd_arg(g, "W");
    a.R = jd_arg(g, "R");
    a.b = jd_arg(g, "b");
    a.h0 = optional(g, "h0");
    const jd_rnn_out y = jd_clockwork_raw(g, a);
    out[0] = y.y;
    out[1] = y.hT;
    return 2;
}

static int clockwork(jd_graph *g, jd_node *out)
{
    return clockwork_with(g, out, (jd_clockwork_args){.modules = 3});
}

static int clockwork_back(jd_graph *g, jd_node *out)
{
    return clockwork_with(g, out, (jd_clockwork_args){.modules = 3, .period = PERIODS, .reverse = true, .act = 1});
}

static int clockwork_all(jd_graph *g, jd_node *out)
{
    return clockwork_with(g, out, (jd_clockwork_args){.modules = 2, .full = true});
}

#define R(name, ...)                                                                                                   \
    {                                                                                                                  \
        name, JD_DIMS(__VA_ARGS__), -0.8, 0.8, 0, 0                                                                    \
    }
#define SMALL(name, ...)                                                                                               \
    {                                                                                                                  \
        name, JD_DIMS(__VA_ARGS__), -0.2, 0.2, 0, 0                                                                    \
    }
#define RAGGED                                                                                                         \
    {                                                                                                                  \
        "length", JD_DIMS(2), 0, 0, 1, LENGTHS                                                                         \
    }
#define LSTM_CORE R("x", 7, 2, 3), R("W", 20, 3), R("R", 20, 5), R("b", 20)
#define STATE     R("h0", 2, 5), R("c0", 2, 5)

const op_case jd__cases_fused[] = {
    {"softmax", {R("x", 6, 5)}, softmax, .second = true},
    {"softmax_xent",
     {{"x", JD_DIMS(6, 5), -3, 3, 0, 0}, {"label", JD_DIMS(6), 0, 0, 1, CLASSES}},
     xent,
     .second = true},
    {"sigmoid_xent", {R("x", 6, 5), {"t", JD_DIMS(6, 5), 0.1, 0.9, 0, 0}}, sigmoid_xent},
    {"ctc",
     {{"x", JD_DIMS(6, 3, 4), -2, 2, 0, 0},
      {"label", JD_DIMS(3, 2), 0, 0, 1, LABELS},
      {"length", JD_DIMS(3), 0, 0, 1, FRAMES},
      {"count", JD_DIMS(3), 0, 0, 1, COUNTS}},
     ctc,
     .second = true},
    {"lstm", {LSTM_CORE}, lstm, .second = true, .tolerance = 1e-5},
    {"lstm ragged, state", {LSTM_CORE, RAGGED, STATE}, lstm, .second = true, .tolerance = 1e-5},
    {"lstm peepholes", {LSTM_CORE, RAGGED, STATE, R("peep", 15)}, lstm, .second = true, .tolerance = 1e-5},
    {"lstm reverse", {LSTM_CORE, RAGGED, STATE, R("peep", 15)}, lstm_back, .second = true, .tolerance = 1e-5},
    {"lstm projection",
     {R("x", 7, 2, 3), R("W", 20, 3), R("R", 20, 4), R("b", 20), RAGGED, R("proj", 4, 5), R("h0", 2, 4), R("c0", 2, 5),
      R("peep", 15)},
     lstm,
     .second = true,
     .tolerance = 1e-5},
    {"lstm of 1997", {LSTM_CORE, RAGGED, STATE}, lstm_1997, .second = true, .tolerance = 1e-5},
    {"lstm linear squashing", {LSTM_CORE, RAGGED, STATE}, lstm_linear, .tolerance = 1e-5},
    {"lstm wider", {R("x", 12, 9, 21), R("W", 132, 21), SMALL("R", 132, 33), R("b", 132)}, lstm, .tolerance = 1e-5},
    {"srn",
     {R("x", 7, 2, 3), R("W", 5, 3), R("R", 5, 5), R("b", 5), RAGGED, R("h0", 2, 5)},
     srn,
     .second = true,
     .tolerance = 1e-5},
    {"srn sigmoid, reverse",
     {R("x", 7, 2, 3), R("W", 5, 3), R("R", 5, 5), R("b", 5), RAGGED, R("h0", 2, 5)},
     srn_sigmoid,
     .second = true,
     .tolerance = 1e-5},
    {"srn relu", {R("x", 7, 2, 3), R("W", 5, 3), R("R", 5, 5), R("b", 5)}, srn_relu, .tolerance = 1e-5},
    {"srn linear", {R("x", 7, 2, 3), R("W", 5, 3), R("R", 5, 5), R("b", 5)}, srn_linear, .tolerance = 1e-5},
    {"srn wider", {R("x", 12, 9, 21), R("W", 33, 21), SMALL("R", 33, 33), R("b", 33)}, srn, .tolerance = 1e-5},
    {"clockwork",
     {R("x", 7, 2, 3), R("W", 6, 3), R("R", 24), R("b", 6), RAGGED, R("h0", 2, 6)},
     clockwork,
     .second = true,
     .tolerance = 1e-5},
    {"clockwork reverse, periods 2 3 3",
     {R("x", 7, 2, 3), R("W", 6, 3), R("R", 28), R("b", 6), RAGGED, R("h0", 2, 6)},
     clockwork_back,
     .second = true,
     .tolerance = 1e-5},
    {"clockwork without mask",
     {R("x", 7, 2, 3), R("W", 4, 3), R("R", 16), R("b", 4)},
     clockwork_all,
     .tolerance = 1e-5},
    {"clockwork wider",
     {R("x", 12, 9, 21), R("W", 66, 21), SMALL("R", 2904), R("b", 66)},
     clockwork,
     .tolerance = 1e-5},
    {"gru",
     {R("x", 7, 2, 3), R("W", 15, 3), R("R", 15, 5), R("b", 15), RAGGED, R("h0", 2, 5), R("bR", 5)},
     gru,
     .second = true,
     .tolerance = 1e-5},
    {"gru reverse",
     {R("x", 7, 2, 3), R("W", 15, 3), R("R", 15, 5), R("b", 15), RAGGED},
     gru_back,
     .second = true,
     .tolerance = 1e-5},
    {0},
};
