/*
 * vanishing_gradient.c - why plain recurrent nets cannot learn long lags, and why an LSTM can (Hochreiter 1991).
 *
 * Two measurements: how the gradient of an error shrinks from step to step on its way back (probe.h), and up to which
 * length networks learn to latch one bit.
 */
#include <math.h>
#include <stdio.h>

#include "jackdaw/system.h"
#include "latch.h"
#include "probe.h"

/* ---- the error flow --------------------------------------------------------------------------------------------------------*/

enum { NETS = 12 };
typedef struct probe_case {
    const char *label, *claim; /* the claim of the analysis about the slope, or NULL */
    probe_cell cell;
    int act;
    double rho;  /* R: rho x orthogonal; 0: U[-1/sqrt(H), 1/sqrt(H)] */
    double bias; /* of the forget gates */
    bool no_forget, frozen;
    double expected, tolerance; /* the claim: |slope - expected| <= tolerance, or slope <= expected where that is NAN */
} probe_case;

#define LOG10_09    (-0.045757490560675)
#define LOG10_SIGM1 (-0.136048869906) /* log10 of the logistic function of 1 */
#define LOG10_SIGM5 (-0.002916312254) /* and of 5 */
#define LINEAR(r, e)                                                                                                   \
    {                                                                                                                  \
        "linear, " #r " x orthogonal", "slope log10 " #r " (1 %)", PROBE_SRN, 3, r,                                    \
            .expected = (e), .tolerance = 0.01 * fabs(e) + 1e-12                                                       \
    }
static probe_case cases(int i)
{
    const probe_case all[NETS] = {
        LINEAR(0.5, -0.301029995663981),
        LINEAR(0.9, LOG10_09),
        LINEAR(1.0, 0.0),
        LINEAR(1.1, 0.041392685158225),
        {"logistic RNN", "slope at most -0.6", PROBE_SRN, 1, .expected = -0.6, .tolerance = (double)NAN},
        {"tanh RNN, 0.9 x orthogonal", "slope below log10 0.9", PROBE_SRN, 0, .9, .expected = LOG10_09,
         .tolerance = (double)NAN},
        {"LSTM, f = 1, cell path", "slope 0 (1e-12)", PROBE_LSTM, .no_forget = true, .frozen = true,
         .tolerance = 1e-12},
        {"LSTM, forget bias 1, cell path", "slope log10 s(1) = -0.136 (1 %)", PROBE_LSTM, .bias = 1, .frozen = true,
         .expected = LOG10_SIGM1, .tolerance = .00136},
        {"LSTM, forget bias 5, cell path", "slope log10 s(5) = -0.0029 (1 %)", PROBE_LSTM, .bias = 5, .frozen = true,
         .expected = LOG10_SIGM5, .tolerance = .00003},
        {"LSTM, f = 1", NULL, PROBE_LSTM, .no_forget = true},
        {"LSTM, forget bias 1", NULL, PROBE_LSTM, .bias = 1},
        {"GRU", NULL, PROBE_GRU},
    };
    return all[i];
}

static bool holds(const probe_case *c, double slope)
{
    return isnan(c->tolerance) ? slope <= c->expected : fabs(slope - c->expected) <= c->tolerance;
}

static probe_flow flow(jd_run *r, int i)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const probe_case c = cases(i);
    jd_rng rng = jd_rng_new(jd_run_seed(r), "probe", (uint64_t)i);
    const int64_t H = (int64_t)jd_run_setting(r, "probe_units"), N = 8;
    probe_net n = probe_new(ctx, c.cell, H, N, &rng);
    probe_flow f = {0};
    n.act = c.act;
    n.no_forget = c.no_forget;
    n.frozen = c.frozen;
    if (!jd_error(ctx) && c.rho > 0) probe_orthogonal(&n, c.rho, &rng);
    for (int64_t k = H; !jd_error(ctx) && c.cell == PROBE_LSTM && k < 2 * H; k++) { /* the forget gates: i f z o */
        n.b[k] = c.bias;
        for (int64_t j = 0; c.frozen && j < N; j++) n.W[k * N + j] = 0; /* frozen at their bias */
        for (int64_t j = 0; c.frozen && j < H; j++) n.R[k * H + j] = 0;
    }
    if (!jd_error(ctx))
        f = probe_run(ctx, &n, (int64_t)jd_run_setting(r, "probe_steps"), (int)jd_run_setting(r, "probe_sequences"),
                      &rng);
    probe_free(ctx, &n);
    return f;
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

typedef struct check {
    const char *what, *claim;
    char measured[48];
    bool holds;
} check;

static void draw_flows(jd_run *r, const probe_flow *f)
{
    static const int shown[] = {4, 5, 10, 11, 9}, paths[] = {6, 8, 7};
    static const char *const path_label[] = {"f = 1", "forget bias 5", "forget bias 1"};
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "How the error shrinks on its way back");
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "lag q (steps back)"},
                               &(jd_axis){.label = "gradient norm", .scale = JD_LOG, .min = 1e-30, .max = 10}, 320);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        jd_chart_line(c, cases(shown[i]).label, NULL, f[shown[i]].norm, (size_t)f[shown[i]].T, 0);
    jd_report_chart(rep, c,
                    "Norm of dL/dh(T-q), the error being given at the last step only, of networks with fresh weights. "
                    "A straight line down is exponential decay: what happened q steps ago no longer changes the "
                    "weights. Curves that leave the axis below go on as straight lines.");
    c = jd_chart_new(ctx, &(jd_axis){.label = "lag q (steps back)"},
                     &(jd_axis){.label = "gradient norm", .scale = JD_LOG}, 260);
    for (size_t i = 0; i < 3; i++) jd_chart_line(c, path_label[i], NULL, f[paths[i]].norm, (size_t)f[paths[i]].T, 0);
    jd_report_chart(
        rep, c,
        "The path through the LSTM's cell alone, |dL/dc(T-q)|: the product of the forget gates. With f = 1, "
        "the constant error carousel of 1997, nothing is lost over any lag.");
}

static void report_flows(jd_run *r, const probe_flow *f)
{
    char cell[NETS][3][32];
    const char *cells[NETS * 4];
    for (int i = 0; i < NETS; i++) {
        const double half = -0.301029995663981 / f[i].slope;
        snprintf(cell[i][0], sizeof cell[i][0], "%.4f", f[i].slope);
        snprintf(cell[i][1], sizeof cell[i][1], "%.4f", f[i].sigma_slope);
        if (fabs(f[i].slope) < 1e-9)
            snprintf(cell[i][2], sizeof cell[i][2], "for ever");
        else if (half < 0)
            snprintf(cell[i][2], sizeof cell[i][2], "grows");
        else
            snprintf(cell[i][2], sizeof cell[i][2], "%.2f", half);
        cells[4 * i] = cases(i).label;
        for (int k = 0; k < 3; k++) cells[4 * i + 1 + k] = cell[i][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"network", "slope of log10 norm", "of the largest singular value", "half-life (steps)"},
        cells, NETS, 4, "Slopes per step of lag, by least squares; steps after which half of the error is left.");
}

static void report_latch(jd_run *r, const latch_table *l)
{
    static const char *const label[2] = {"plain RNN", "LSTM"};
    jd_report *rep = jd_run_report(r);
    char head[LATCH_LENGTHS][16], cell[2][LATCH_LENGTHS][32];
    const char *headings[LATCH_LENGTHS + 1] = {"network"}, *cells[2 * (LATCH_LENGTHS + 1)];
    double x[LATCH_LENGTHS];
    jd_report_section(rep, "What can be learned: latching one bit");
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "length T of the sequences", .scale = JD_LOG},
                               &(jd_axis){.label = "tries that succeed (%)", .min = 0, .max = 100}, 220);
    for (int k = 0; k < 2; k++) {
        double y[LATCH_LENGTHS];
        cells[k * (l->lengths + 1)] = label[k];
        for (int i = 0; i < l->lengths; i++) {
            x[i] = (double)latch_length[i];
            y[i] = 100 * l->success[k][i];
            snprintf(head[i], sizeof head[i], "T = %d", (int)latch_length[i]);
            snprintf(cell[k][i], sizeof cell[k][i], "%.0f of %d (%.0f %%)", l->success[k][i] * l->tries, l->tries,
                     100 * l->right[k][i]);
            headings[i + 1] = head[i];
            cells[k * (l->lengths + 1) + i + 1] = cell[k][i];
        }
        jd_chart_line(c, label[k], x, y, (size_t)l->lengths, JD_MARKS);
    }
    jd_report_chart(
        rep, c,
        "The first input is -1 or +1, noise follows, and after T steps the network says which it was. A try "
        "succeeds with at least 95 % right answers to 1000 fresh sequences; both networks have 10 units and see the "
        "same sequences (Adam, at most 20,000 of them); the LSTM's forget "
        "gates start nearly open (bias 7), its input gates nearly shut (bias -4).");
    jd_report_table(rep, headings, cells, 2, (size_t)l->lengths + 1,
                    "Tries that succeed, and the mean of the right answers.");
}

/* What the analysis says about the latch: the plain net manages T = 5 and no T >= 100, the LSTM every T. */
static int latch_checks(const latch_table *l, check *c)
{
    double late = 0, lstm = 1;
    for (int i = 0; i < l->lengths; i++) {
        if (latch_length[i] >= 100) late = fmax(late, l->success[0][i]);
        lstm = fmin(lstm, l->success[1][i]);
    }
    c[0] = (check){"latch, plain RNN", "at least 4/5 succeed at T = 5", .holds = l->success[0][0] > .8 - 1e-9};
    c[1] = (check){"latch, plain RNN", "at most 1/5 succeed at any T >= 100", .holds = late < .2 + 1e-9};
    c[2] = (check){"latch, LSTM", "all succeed at every T tried", .holds = lstm > 1 - 1e-9};
    const double share[3] = {l->success[0][0], late, lstm};
    for (int i = 0; i < 3; i++)
        snprintf(c[i].measured, sizeof c[i].measured, "%.0f of %d", share[i] * l->tries, l->tries);
    return 3;
}

static int report_checks(jd_run *r, const check *c, int n)
{
    const char *cells[4 * (NETS + 3)];
    int hold = 0;
    for (int i = 0; i < n; i++) {
        cells[4 * i] = c[i].what;
        cells[4 * i + 1] = c[i].claim;
        cells[4 * i + 2] = c[i].measured;
        cells[4 * i + 3] = c[i].holds ? "holds" : "does not hold";
        hold += c[i].holds;
    }
    jd_report_section(jd_run_report(r), "The claims, one by one");
    jd_report_table(jd_run_report(r), (const char *const[]){"network", "claim", "measured", ""}, cells, (size_t)n, 4,
                    "What the analysis of 1991 says, and what was measured.");
    return hold;
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    probe_flow f[NETS] = {{0}};
    check checks[NETS + 3];
    int n = 0;
    const double tries = jd_run_setting(r, "latch_tries"), H = jd_run_setting(r, "probe_units");
    if (!(tries >= 1 && tries <= LATCH_MOST_TRIES && H >= 2 && H <= 512 && jd_run_setting(r, "probe_steps") >= 3 &&
          jd_run_setting(r, "latch_longest") >= 5))
        return jd_fail(ctx, JD_EUSAGE,
                       "vanishing-gradient: latch_tries is 1..%d, probe_units 2..512, probe_steps at least 3, "
                       "latch_longest at least 5",
                       LATCH_MOST_TRIES);
    jd_run_stage(r, "probing the error flow");
    for (int i = 0; i < NETS && !jd_error(ctx); i++) {
        const probe_case c = cases(i);
        f[i] = flow(r, i);
        if (jd_run_progress(r, i + 1, NETS, "%s: slope %.4f", c.label, f[i].slope)) {
            jd_run_stopped(r);
            break;
        }
        if (!c.claim) continue;
        checks[n] = (check){c.label, c.claim, .holds = holds(&c, f[i].slope)};
        snprintf(checks[n].measured, sizeof checks[n].measured, "%.6g", f[i].slope);
        n++;
    }
    if (!jd_error(ctx)) {
        const latch_table l = latch_run(r, (int64_t)jd_run_setting(r, "latch_longest"), (int)tries,
                                        (int64_t)jd_run_setting(r, "latch_sequences"));
        n += latch_checks(&l, checks + n);
        if (!jd_error(ctx)) {
            draw_flows(r, f);
            report_flows(r, f);
            report_latch(r, &l);
            const int hold = report_checks(r, checks, n);
            if (jd_run_scale(r) == JD_QUICK)
                jd_run_note(r, "reduced: %d tries, and T up to %d instead of 500", l.tries,
                            (int)latch_length[l.lengths - 1]);
            for (int i = 0; i < n; i++)
                jd_run_note(r, "%s: %s: measured %s: %s", checks[i].what, checks[i].claim, checks[i].measured,
                            checks[i].holds ? "holds" : "DOES NOT HOLD");
            jd_run_extra(r, "slope_logistic_rnn", f[4].slope);
            jd_run_extra(r, "slope_tanh_rnn", f[5].slope);
            jd_run_extra(r, "slope_lstm_cell_path", f[6].slope);
            jd_run_finish(r, hold, hold < n ? "see the table of claims" : NULL);
        }
    }
    for (int i = 0; i < NETS; i++) probe_flow_free(ctx, &f[i]);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"probe_units", {64, 64, 64}, "units of the networks that are probed"},
    {"probe_steps", {200, 200, 1000}, "steps of the sequences they run on"},
    {"probe_sequences", {1, 4, 16}, "such sequences"},
    {"latch_longest", {200, 500, 500}, "longest T of the latch problem"},
    {"latch_tries", {5, 5, 30}, "tries for each T, with other first weights and sequences"},
    {"latch_sequences", {20000, 20000, 20000}, "training sequences of each try"},
    {0},
};

const jd_system jd_system_vanishing_gradient = {
    .name = "vanishing-gradient",
    .year = 1991,
    .title = "The vanishing gradient",
    .paper = "S. Hochreiter: Untersuchungen zu dynamischen neuronalen Netzen. Diploma thesis, TU Munich 1991; S. "
             "Hochreiter, Y. Bengio, P. Frasconi, J. Schmidhuber: Gradient flow in recurrent nets, 2001",
    .metric = "claims of the analysis that hold, of 12",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "An analysis: the paper prints no figure of merit.",
    .accept = {12, 12, 12},
    .about =
        "An error that flows back through a recurrent network is multiplied, step by step, by the slopes of the units "
        "and by the weights. In a plain network the product goes to zero, or grows without bound, exponentially with "
        "the lag; in the cell of an LSTM it is the product of the forget gates, exactly 1 in the cell of 1997. The "
        "first part measures this product, the second what it means for learning.",
    .settings = SETTINGS,
    .run = run,
};
