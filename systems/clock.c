/* clock.c - networks of equal numbers of weights; see clock.h. */
#include "clock.h"

const char *const clock_names[CLOCK_KINDS] = {"simple net", "LSTM", "Clockwork RNN"};

int64_t clock_weights(const clock_net *n, int64_t inputs, int64_t outputs)
{
    const int64_t H = n->units, G = n->kind == CLOCK_LSTM ? 4 : 1;
    const int64_t recurrent = n->kind == CLOCK_CLOCKWORK ? jd_clockwork_weights(H, n->modules, NULL, false) : G * H * H;
    return recurrent + G * H * (inputs + 1) + outputs * (H + 1);
}

clock_net clock_like(clock_kind kind, int modules, int64_t inputs, int64_t outputs, int64_t weights)
{
    const int64_t step = kind == CLOCK_CLOCKWORK ? modules : 1;
    clock_net best = {.kind = kind, .modules = modules, .units = step}, next = best;
    for (int64_t had = clock_weights(&best, inputs, outputs); had < weights; next = best) {
        next.units += step;
        const int64_t has = clock_weights(&next, inputs, outputs);
        if (has - weights > weights - had) break;
        best = next;
        had = has;
    }
    return best;
}

jd_rnn_out clock_recur(jd_graph *g, const clock_net *n, jd_node x, jd_node length)
{
    if (n->kind == CLOCK_SRN)
        return jd_srn_full(g, "net", x, (jd_rnn_options){.units = n->units, .length = length, .init = n->init});
    if (n->kind == CLOCK_CLOCKWORK)
        return jd_clockwork_full(
            g, "net", x,
            (jd_clockwork_options){.units = n->units, .modules = n->modules, .length = length, .init = n->init});
    const jd_lstm_out o = jd_lstm_full(
        g, "net", x,
        (jd_lstm_options){.units = n->units, .length = length, .forget_bias = n->forget_bias, .init = n->init});
    return (jd_rnn_out){o.y, o.hT};
}
