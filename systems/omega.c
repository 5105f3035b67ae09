/*
 * omega.c - the omega pattern: events at times Omega - t, each t about a quarter of the one before.
 *
 * No learning: a table, a log-linear fit, its residuals, Omega as a free parameter, and a control by chance, all in
 * double precision.  The figures to reproduce are printed in the table's own sheet; the run counts how many it meets.
 */
#include "jackdaw/system.h"
#include "omega_fit.h"

#include <stdio.h>
#include <string.h>

#define CHECKS 13

typedef struct omega {
    double t[OMEGA_EVENTS];
    jd__omega_line past, shorter, whole; /* k = 0..14, 0..13, 0..18 */
    jd__omega_profile free[4], quarter;  /* without the last 0..3 events; q = 1/4 */
    jd__omega_control chance;
    int met, checks;
    char failed[512];
} omega;

static void check(omega *o, jd_run *r, const char *what, bool ok)
{
    o->checks++;
    o->met += ok;
    if (ok) return;
    const size_t used = strlen(o->failed);
    snprintf(o->failed + used, sizeof o->failed - used, "%s%s", used ? "; " : "not met: ", what);
    jd_run_note(r, "not met: %s", what);
}

static bool near(double x, double y, double within)
{
    return fabs(x - y) <= within;
}

/* Not the interval: the sheet takes Student's t of 13 degrees of freedom for every row, this file that of n - 2. */
static bool line_is(const jd__omega_line *f, double q, double T0, double s, double r2)
{
    return near(f->q, q, 5e-6) && near(f->T0, T0, 5e5) && near(f->s, s, 5e-6) && near(f->r2, r2, 5e-8);
}

static void check_all(omega *o, jd_run *r)
{
    static const double residual[OMEGA_SEEN] = {-.023, -.005, .027, .008, .012,  -.041, .037, .012,
                                                .004,  -.042, .001, .020, -.007, -.003, .001};
    const jd__omega_line *f = &o->past;
    double worst = 0;
    for (int k = 0; k < OMEGA_SEEN; k++)
        worst = fmax(worst, fabs(log(o->t[k]) - f->intercept - f->slope * k - residual[k]));
    check(o, r, "q of k = 0..14 is 0.24908", near(f->q, 0.24908, 5e-6));
    check(o, r, "its 95 % interval is 0.24834 to 0.24982",
          near(f->q_low, .24834, 5e-6) && near(f->q_high, .24982, 5e-6));
    check(o, r, "T0 is 1.4126e10 years", near(f->T0, 1.4126e10, 5e5));
    check(o, r, "s is 0.02296", near(f->s, .02296, 5e-6));
    check(o, r, "R2 is 0.9999873", near(f->r2, .9999873, 5e-8));
    check(o, r, "the residuals agree to 0.0005", worst < 5.1e-4);
    check(o, r, "the fit of k = 0..13", line_is(&o->shorter, .24907, 1.4127e10, .02390, .9999844));
    check(o, r, "the fit of k = 0..18", line_is(&o->whole, .24877, 1.4209e10, .02259, .9999921));
    check(o, r, "free Omega is 2050.0 +- 0.5 on a grid of half years", near(o->free[0].best_half_year, 2050, .5));
    check(o, r, "Omega is 2052 with q = 1/4", near(o->quarter.best, 2052, .5));
    check(o, r, "Omega without the last 1, 2, 3 events is 2051, 2054, 1971",
          near(o->free[1].best, 2051, .5) && near(o->free[2].best, 2054, .5) && near(o->free[3].best, 1971, .5));
    check(o, r, "the median R2 of chance is 0.957 +- 0.002",
          near(jd__omega_quantile(o->chance.r2, o->chance.draws, .5), .957, .002));
    check(o, r, "the 0.1 % point of the residuals of chance lies ten times above the table's",
          jd__omega_quantile(o->chance.rms, o->chance.draws, .001) > 10 * f->rms);
}

/* ---- the report ----------------------------------------------------------------------------------------------------- */

/* Table cells: text in one growing pool, so that pointers stay short-lived and simple. */
typedef struct cells {
    char text[160][40];
    const char *cell[160];
    size_t n;
} cells;

static void put(cells *c, const char *fmt, ...) JD_PRINTF(2, 3);
static void put(cells *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->text[c->n], sizeof c->text[0], fmt, args);
    va_end(args);
    c->cell[c->n] = c->text[c->n];
    c->n++;
}

static void put_years(cells *c, double t)
{
    if (t >= 1e9)
        put(c, "%.4g billion", t / 1e9);
    else if (t >= 1e6)
        put(c, "%.4g million", t / 1e6);
    else if (t >= 1000)
        put(c, "%.0f", t);
    else if (t >= 10)
        put(c, "%.1f", t);
    else
        put(c, "%.3f", t);
}

static void event_table(const omega *o, jd_report *rep)
{
    static const char *const headings[] = {"k",           "event",       "mark",         "t (years)",
                                           "fit (years)", "ln residual", "t(k) / t(k-1)"};
    cells c = {.n = 0};
    for (int k = 0; k < OMEGA_EVENTS; k++) {
        const double fit = exp(o->past.intercept + o->past.slope * k);
        put(&c, "%d", k);
        put(&c, "%s", jd__omega_table[k].name);
        put(&c, "%s", jd__omega_table[k].mark ? jd__omega_table[k].mark : "");
        put_years(&c, o->t[k]);
        put_years(&c, fit);
        put(&c, "%+.3f", log(o->t[k] / fit));
        if (k)
            put(&c, "%.3f", o->t[k] / o->t[k - 1]);
        else
            put(&c, "%s", "");
    }
    jd_report_table(rep, headings, c.cell, OMEGA_EVENTS, 7,
                    "The table and the fit to k = 0..14. From k = 15 on the entries are the table's own forecasts.");
}

static void fit_tables(const omega *o, jd_report *rep)
{
    static const char *const lines[] = {"events", "q", "95 % interval", "T0 (years)", "s", "R2"};
    static const char *const omegas[] = {"events", "best Omega", "95 % profile interval", "width (years)"};
    static const char *const without[] = {"k = 0..14", "k = 0..13", "k = 0..12", "k = 0..11"};
    static const char *const named[] = {"k = 0..14", "k = 0..13", "k = 0..18, forecasts in"};
    const jd__omega_line *fit[] = {&o->past, &o->shorter, &o->whole};
    cells c = {.n = 0};
    for (int i = 0; i < 3; i++) {
        put(&c, "%s", named[i]);
        put(&c, "%.5f", fit[i]->q);
        put(&c, "%.5f to %.5f", fit[i]->q_low, fit[i]->q_high);
        put(&c, "%.4e", fit[i]->T0);
        put(&c, "%.5f", fit[i]->s);
        put(&c, "%.7f", fit[i]->r2);
    }
    jd_report_table(rep, lines, c.cell, 3, 6,
                    "Ordinary least squares of ln t over k. s is the standard deviation of the residuals with n - 2 "
                    "degrees of freedom; the interval uses Student's t.");
    c.n = 0;
    for (int i = 0; i < 5; i++) {
        const jd__omega_profile *p = i < 4 ? &o->free[i] : &o->quarter;
        put(&c, "%s", i < 4 ? without[i] : "k = 0..14, q = 1/4");
        put(&c, "%.1f", p->best);
        put(&c, "%.1f to %.1f", p->low, p->high);
        put(&c, "%.1f", p->high - p->low);
    }
    jd_report_table(rep, omegas, c.cell, 5, 4,
                    "Omega as a free parameter: the events keep their calendar years 2050 - t. The interval holds "
                    "every Omega whose squared error is at most 1 + F(0.95; 1, n-3) / (n-3) times the least one (n-2 "
                    "with q = 1/4). Each event left out at the end multiplies its width by about four.");
}

static jd_chart *main_chart(const omega *o, jd_ctx *ctx)
{
    double k[OMEGA_EVENTS], y[OMEGA_EVENTS], fit[OMEGA_EVENTS], lo[OMEGA_EVENTS], hi[OMEGA_EVENTS], res[OMEGA_EVENTS];
    double r_lo[OMEGA_EVENTS], r_hi[OMEGA_EVENTS];
    const char *text[OMEGA_EVENTS];
    for (int i = 0; i < OMEGA_EVENTS; i++) {
        const double f = o->past.intercept + o->past.slope * i;
        k[i] = i;
        y[i] = log10(o->t[i]);
        fit[i] = f / log(10);
        lo[i] = (f - 2 * o->past.s) / log(10);
        hi[i] = (f + 2 * o->past.s) / log(10);
        res[i] = log(o->t[i]) - f;
        r_lo[i] = -2 * o->past.s;
        r_hi[i] = 2 * o->past.s;
        text[i] = i < 15 ? jd__omega_table[i].name : jd__omega_table[i].mark;
    }
    const size_t past = OMEGA_SEEN, all = OMEGA_EVENTS;
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "k", .min = -0.5, .max = 18.5},
                               &(jd_axis){.label = "log10 of years before Omega", .min = -1, .max = 11}, 460);
    jd_chart_band(c, "fit", k, lo, hi, all, JD_NO_LABEL | JD_NEUTRAL);
    jd_chart_line(c, "fit", k, fit, all, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_points(c, "events", k, y, NULL, text, past, JD_NO_LABEL);
    jd_chart_points(c, "forecasts", k + past, y + past, NULL, text + past, all - past, JD_HOLLOW | JD_NO_LABEL);
    jd_chart_panel(c, &(jd_axis){.label = "ln residual", .min = -.1, .max = .1}, 150);
    jd_chart_band(c, "+-2 s", k, r_lo, r_hi, all, JD_NO_LABEL | JD_NEUTRAL);
    jd_chart_hline(c, "", 0, JD_NEUTRAL);
    jd_chart_points(c, "events", k, res, NULL, NULL, past, JD_NO_LABEL);
    jd_chart_points(c, "forecasts", k + past, res + past, NULL, NULL, all - past, JD_HOLLOW | JD_NO_LABEL);
    return c;
}

/* Squared error over the trial Omega, for the whole table and without its last events. */
static void profile_chart(const omega *o, jd_ctx *ctx, jd_report *rep)
{
    enum { N = 401 };
    static const char *const name[] = {"all 15", "last left out", "last 2 left out", "last 3 left out"};
    double x[N], y[N];
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "Omega (calendar year)", .min = 2000, .max = 2120},
                               &(jd_axis){.label = "squared error / least", .min = 1, .max = 2}, 280);
    for (int d = 0; d < 4; d++) {
        size_t n = 0;
        for (int i = 0; i < N; i++) {
            const double at = 2000 + 120.0 * i / (N - 1);
            const double ssr = jd__omega_ssr(o->t, OMEGA_SEEN - d, at, NULL) / o->free[d].ssr;
            if (!(ssr <= 2)) continue;
            x[n] = at;
            y[n++] = ssr;
        }
        jd_chart_line(c, name[d], x, y, n, 0);
    }
    jd_report_chart(rep, c,
                    "Squared error of the fit over the assumed Omega, as a multiple of its least value. The sharp "
                    "minimum at 2050 comes from the last event alone, whose date was stated relative to 2050.");
}

/* Cumulative shares of the control's residuals, beside the table's. */
static void chance_chart(const omega *o, jd_ctx *ctx, jd_report *rep)
{
    enum { N = 201 };
    double x[N], y[N];
    for (int i = 0; i < N; i++) {
        y[i] = 100.0 * i / (N - 1);
        x[i] = jd__omega_quantile(o->chance.rms, o->chance.draws, y[i] / 100);
    }
    jd_chart *c =
        jd_chart_new(ctx, &(jd_axis){.label = "rms of the ln residuals", .scale = JD_LOG, .min = .01, .max = 10},
                     &(jd_axis){.label = "draws below (%)", .min = 0, .max = 100}, 240);
    jd_chart_line(c, "draws", x, y, N, JD_NO_LABEL);
    jd_chart_vline(c, "the table", o->past.rms, JD_DASHED);
    char caption[400];
    snprintf(
        caption, sizeof caption,
        "The control: %d times 15 log-uniform times, sorted, ends fixed. R2 at 5, 50, 95 %%: %.3f, %.3f, %.3f. The "
        "rms at the 0.1 %% point is %.2f, the smallest %.2f, that of the table %.3f.",
        o->chance.draws, jd__omega_quantile(o->chance.r2, o->chance.draws, .05),
        jd__omega_quantile(o->chance.r2, o->chance.draws, .5), jd__omega_quantile(o->chance.r2, o->chance.draws, .95),
        jd__omega_quantile(o->chance.rms, o->chance.draws, .001), o->chance.rms[0], o->past.rms);
    jd_report_chart(rep, c, caption);
}

static void honesty(const omega *o, jd_report *rep)
{
    char text[2400];
    snprintf(text, sizeof text,
             "- Circularity: the table states its times relative to Omega, already rounded to fit. A fit that returns "
             "2050 is a check of consistency, not evidence. The rows with events left out show how fast what is known "
             "about Omega vanishes: from %.0f years of uncertainty to %.0f.\n"
             "- Selection: the events were chosen by hand from a large pool. Sorting alone gives a high R2 (median of "
             "chance %.3f), so R2 says little. Chance spacing does not explain the table (rms %.3f, smallest of %d "
             "draws %.2f); selection by hand and rounding can.\n"
             "- k = 15 and above are extrapolations of the table's author, marked with question marks there. They are "
             "drawn hollow and are not part of the fit.\n"
             "- One quarter lies %s the 95 %% interval of q (%.4f to %.4f).\n"
             "- Between events k and k+1 lies t(1 - q), and these gaps sum to t: infinitely many events fit before "
             "Omega. That is a property of every geometric series.",
             o->free[0].high - o->free[0].low, o->free[3].high - o->free[3].low,
             jd__omega_quantile(o->chance.r2, o->chance.draws, .5), o->past.rms, o->chance.draws, o->chance.rms[0],
             o->past.q_low <= .25 && .25 <= o->past.q_high ? "inside" : "outside", o->past.q_low, o->past.q_high);
    jd_report_section(rep, "What this does and does not show");
    jd_report_text(rep, text);
}

static jd_status write_report(omega *o, jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "The pattern");
    jd_chart *c = main_chart(o, ctx);
    size_t bytes = 0;
    char *svg = jd_chart_svg(c, &bytes);
    if (svg) jd_write_file(ctx, jd_run_path(r, "omega.svg"), svg, bytes);
    jd_free(ctx, svg);
    jd_report_chart(
        rep, c,
        "Years before Omega of event k, the line fitted to k = 0..14 and its +-2 s band; below, the residuals. "
        "Filled: events of the past. Hollow: forecasts, with the table's question marks, not in the fit.");
    honesty(o, rep);
    jd_report_section(rep, "Figures");
    fit_tables(o, rep);
    event_table(o, rep);
    jd_report_section(rep, "Omega as an unknown");
    profile_chart(o, ctx, rep);
    jd_report_section(rep, "Control by chance");
    chance_chart(o, ctx, rep);
    return jd_error(ctx);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    omega o = {.met = 0};
    const double log_quarter = log(0.25);
    for (int k = 0; k < OMEGA_EVENTS; k++) o.t[k] = jd__omega_table[k].years;
    jd_run_stage(r, "least squares");
    o.past = jd__omega_fit(o.t, OMEGA_SEEN);
    o.shorter = jd__omega_fit(o.t, OMEGA_SEEN - 1);
    o.whole = jd__omega_fit(o.t, OMEGA_EVENTS);
    jd_run_stage(r, "Omega as a free parameter");
    for (int d = 0; d < 4; d++) o.free[d] = jd__omega_free(o.t, OMEGA_SEEN - d, NULL);
    o.quarter = jd__omega_free(o.t, OMEGA_SEEN, &log_quarter);
    const double draws = jd_run_setting(r, "control");
    jd_run_stage(r, "control: %.0f draws", draws);
    if (!(draws >= 1 && draws <= 1e7))
        return jd_fail(ctx, JD_EUSAGE, "omega: control=%g; give 1 to 10000000 draws", draws);
    if (jd__omega_chance(ctx, o.t, OMEGA_SEEN, (int)draws, jd_run_seed(r), &o.chance)) return jd_error(ctx);

    check_all(&o, r);
    jd_run_note(r, "q = %.5f (95 %%: %.5f to %.5f), T0 = %.4e years, s = %.5f, R2 = %.7f", o.past.q, o.past.q_low,
                o.past.q_high, o.past.T0, o.past.s, o.past.r2);
    jd_run_note(r, "Omega = %.1f (95 %%: %.1f to %.1f); without the last three events %.0f (%.0f to %.0f)",
                o.free[0].best, o.free[0].low, o.free[0].high, o.free[3].best, o.free[3].low, o.free[3].high);
    jd_run_note(r, "the times are stated relative to Omega = 2050: a fit that returns 2050 is no evidence for it");
    jd_run_extra(r, "checks", o.checks);
    jd_run_extra(r, "q", o.past.q);
    jd_run_extra(r, "q_low", o.past.q_low);
    jd_run_extra(r, "q_high", o.past.q_high);
    jd_run_extra(r, "T0", o.past.T0);
    jd_run_extra(r, "s", o.past.s);
    jd_run_extra(r, "r2", o.past.r2);
    jd_run_extra(r, "omega", o.free[0].best);
    jd_run_extra(r, "omega_low", o.free[0].low);
    jd_run_extra(r, "omega_high", o.free[0].high);
    jd_run_extra(r, "control_r2_median", jd__omega_quantile(o.chance.r2, o.chance.draws, .5));
    jd_run_extra(r, "control_rms_p001", jd__omega_quantile(o.chance.rms, o.chance.draws, .001));
    write_report(&o, r);
    jd__omega_control_free(ctx, &o.chance);
    if (jd_error(ctx)) return jd_error(ctx);
    return jd_run_finish(r, o.met, o.failed[0] ? o.failed : NULL);
}

static const jd_setting settings[] = {{"control", {10000, 10000, 10000}, "draws of chance"}, {NULL}};

const jd_system jd_system_omega = {
    .name = "omega",
    .year = 2007,
    .title = "The omega pattern: a table of events, its fit, and what the fit is worth",
    .paper = "Schmidhuber, New millennium AI and the convergence of history, 2007; table of the history talk",
    .metric = "figures of the table's sheet met",
    .higher = true,
    .paper_value = NAN,
    .paper_note = "the table says that each time is about 1/4 of the one before; it gives no statistics",
    .accept = {CHECKS, CHECKS, CHECKS},
    .about =
        "Events at Omega - t, with t falling to about a quarter from one to the next. Nothing is learned here: the run "
        "fits ln t = ln T0 + k ln q, leaves Omega free, draws tables by chance, and counts how many of 13 figures "
        "known beforehand it reproduces. Look at the list of what this does and does not show.",
    .data = NULL,
    .settings = settings,
    .run = run,
};
