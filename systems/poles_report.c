/* poles_report.c - see poles_report.h. */
#include "poles_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEGREE (3.14159265358979323846 / 180)

/* ---- numbers ----------------------------------------------------------------------------------------------------------*/

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    if (!n) return (double)NAN;
    qsort(x, (size_t)n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

double poles_solved_at(const poles_race_result *p, int i)
{
    return p->blind ? p->out[i].general : p->out[i].balanced;
}

poles_summary poles_summarise(const poles_race_result *p)
{
    poles_summary s = {.low = (double)INFINITY};
    double all[1000], first[1000], starts[1000];
    for (int i = 0; i < p->runs; i++) {
        const poles_outcome *o = &p->out[i];
        const double solved = poles_solved_at(p, i);
        all[i] = solved > 0 ? solved : (double)INFINITY;
        first[i] = o->balanced > 0 ? o->balanced : (double)INFINITY;
        if (o->balanced > 0) starts[s.balanced++] = o->starts;
        if (!(solved > 0)) continue;
        s.solved++;
        s.mean += solved;
        s.low = fmin(s.low, solved);
        s.high = fmax(s.high, solved);
    }
    if (s.solved) s.mean /= s.solved;
    s.starts = median(starts, s.balanced);
    s.median = median(all, p->runs);
    s.balanced_median = median(first, p->runs);
    return s;
}

const poles_outcome *poles_median_run(const poles_race_result *p)
{
    const double middle = poles_summarise(p).median;
    int best = -1;
    double nearest = (double)INFINITY;
    for (int i = 0; i < p->runs; i++) {
        const double at = poles_solved_at(p, i);
        if (at > 0 && (best < 0 || fabs(at - middle) < nearest)) {
            best = i;
            nearest = fabs(at - middle);
        }
    }
    return best < 0 ? NULL : &p->out[best];
}

jd_net_shape poles_net(const poles_race_result *p)
{
    jd_net_shape net = p->method.net;
    net.inputs = p->blind ? 3 : 6;
    net.outputs = 1;
    return net;
}

void poles_tell(jd_run *r, const poles_race_result *p)
{
    const poles_summary s = poles_summarise(p);
    jd_run_note(
        r, "%s: %d of %d searches solve it; networks tried: median %.0f, mean %.0f, %.0f-%.0f; %.0f of 625 starts",
        p->method.label, s.solved, p->runs, s.median, s.mean, s.solved ? s.low : 0, s.high, s.balanced ? s.starts : 0);
}

/* ---- one network at work ------------------------------------------------------------------------------------------------*/

enum { SHOWN = 1000, FRAMES = 250 }; /* steps of 0.02 s; every second one a frame */
typedef struct motion {
    int n;
    double t[SHOWN], x[SHOWN], long_pole[SHOWN], short_pole[SHOWN], force[SHOWN];
} motion;

static void act(jd_ctx *ctx, const poles_race_result *p, const double *weights, motion *m)
{
    const jd_net_shape shape = poles_net(p);
    jd_env *e = jd_env_new(ctx, p->blind ? "double-pole-no-velocity" : "double-pole", NULL);
    jd_population *net = jd_population_new(ctx, &shape, 1);
    const size_t stride = jd_population_stride(net);
    float obs[6], x[6 * 16] = {0}, y[16] = {0}, reward;
    uint8_t end = 0, late = 0;
    if (!jd_population_set(net, 0, 1, weights) && stride == 16) jd_env_reset(e, 0, 0, obs);
    for (m->n = 0; m->n < SHOWN && !end && !late && !jd_error(ctx); m->n++) {
        double state[6];
        jd_env_get_state(e, 0, state);
        for (int k = 0; k < shape.inputs; k++) x[k * 16] = obs[k];
        jd_population_run(net, 1, x, false, y, true);
        m->t[m->n] = .02 * m->n;
        m->x[m->n] = state[0];
        m->long_pole[m->n] = state[2];
        m->short_pole[m->n] = state[4];
        m->force[m->n] = 10 * (double)y[0];
        jd_env_step(e, y, obs, &reward, &end, &late);
    }
    jd_population_free(net);
    jd_env_free(e);
}

static void put(float *line, double x0, double y0, double x1, double y1)
{
    const double p[4] = {x0, y0, x1, y1};
    for (int k = 0; k < 4; k++) line[k] = (float)p[k];
}

static void film(jd_run *r, const motion *m, const char *caption)
{
    enum { TRACK, LEFT, RIGHT, CART, WHEEL1, WHEEL2, LONG, SHORT, LINES };
    static const jd_film_line line[LINES] = {[TRACK] = {.012, JD_FILM_MUTED},
                                             [LEFT] = {.03, JD_FILM_MUTED},
                                             [RIGHT] = {.03, JD_FILM_MUTED},
                                             [CART] = {.12, JD_FILM_INK},
                                             [WHEEL1] = {.08, JD_FILM_MUTED},
                                             [WHEEL2] = {.08, JD_FILM_MUTED},
                                             [LONG] = {.035, 0},
                                             [SHORT] = {.035, 1}};
    jd_ctx *ctx = jd_run_ctx(r);
    const int frames = m->n / 2 < FRAMES ? m->n / 2 : FRAMES;
    float *p = jd_alloc_array(ctx, (size_t)frames * LINES * 4, sizeof *p);
    for (int i = 0; p && i < frames; i++) {
        const double x = m->x[2 * i], a = m->long_pole[2 * i], b = m->short_pole[2 * i];
        float *at = p + i * LINES * 4;
        put(at + TRACK * 4, -2.4, 0, 2.4, 0);
        put(at + LEFT * 4, -2.62, 0, -2.62, .2);
        put(at + RIGHT * 4, 2.62, 0, 2.62, .2);
        put(at + CART * 4, x - .15, .14, x + .15, .14);
        put(at + WHEEL1 * 4, x - .12, .045, x - .12, .045);
        put(at + WHEEL2 * 4, x + .12, .045, x + .12, .045);
        put(at + LONG * 4, x - .05, .2, x - .05 + sin(a), .2 + cos(a)); /* 1 m and 0.1 m, side by side to be seen */
        put(at + SHORT * 4, x + .08, .2, x + .08 + .1 * sin(b), .2 + .1 * cos(b));
    }
    const jd_film f = {.x0 = -2.75,
                       .y0 = -.1,
                       .x1 = 2.75,
                       .y1 = 1.3,
                       .seconds = .04 * frames,
                       .frames = (size_t)frames,
                       .lines = LINES,
                       .points = p,
                       .line = line};
    if (p && frames > 1) jd_report_film(jd_run_report(r), &f, caption);
    jd_free(ctx, p);
}

static void traces(jd_run *r, motion *m)
{
    const size_t n = (size_t)m->n;
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "time (s)"}, &(jd_axis){.label = "cart (m)"}, 130);
    jd_chart_line(c, "x", m->t, m->x, n, 0);
    for (size_t i = 0; i < n; i++) {
        m->long_pole[i] /= DEGREE;
        m->short_pole[i] /= DEGREE;
    }
    jd_chart_panel(c, &(jd_axis){.label = "pole (degrees)"}, 150);
    jd_chart_line(c, "long", m->t, m->long_pole, n, 0);
    jd_chart_line(c, "short", m->t, m->short_pole, n, 0);
    jd_chart_panel(c, &(jd_axis){.label = "force (N)", .min = -10, .max = 10}, 120);
    jd_chart_line(c, "push", m->t, m->force, n, 0);
    jd_report_chart(jd_run_report(r), c,
                    "The first 20 seconds of the same network: the cart, the poles, and the pushes that keep them up.");
}

/* From which of the 625 starts the network balances 1,000 steps: rows are angle and its velocity, columns the cart's. */
static void starts_map(jd_run *r, const poles_race_result *p, const poles_outcome *o)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const jd_net_shape shape = poles_net(p);
    poles_judge *j = poles_judge_new(ctx, p->blind, &shape);
    int64_t steps[POLES_STARTS];
    float map[POLES_STARTS];
    int good = 0;
    if (j && !poles_generalise(j, o->weights, 1, &good, steps)) {
        for (int i = 0; i < POLES_STARTS; i++) /* (T,H): time is the cart's start, the height the pole's */
            map[i] = (float)steps[i];
        char caption[400];
        snprintf(
            caption, sizeof caption,
            "Steps balanced, up to 1,000, from each of the 625 starts; this network masters %d. Columns: five "
            "positions from -1.94 to 1.94 m, within each five velocities from -1.2 to 1.2 m/s. Rows: five angles of "
            "the long pole from -3.2 to 3.2 degrees, within each five velocities from -7.7 to 7.7 degrees/s.",
            good);
        jd_report_map(jd_run_report(r),
                      &(jd_map){.label = "start of the pole",
                                .value_label = "steps",
                                .values = map,
                                .T = 25,
                                .H = 25,
                                .vmin = 0,
                                .vmax = 1000,
                                .upward = true,
                                .height = 300},
                      "start of the cart", 0, 25, caption);
    }
    poles_judge_free(j);
}

/* ---- races --------------------------------------------------------------------------------------------------------------*/

/* The share of searches that have solved the task against the networks tried. */
static void curves(jd_run *r, const poles_race_result *race, int races)
{
    static double x[1001], y[1001];
    jd_chart *c =
        jd_chart_new(jd_run_ctx(r),
                     &(jd_axis){.label = "networks tried", .scale = JD_LOG, .min = 100, .max = (double)race[0].budget},
                     &(jd_axis){.label = "searches that have solved it (%)", .min = 0, .max = 100}, 320);
    for (int i = races > 1 ? 1 : 0; i < races; i++) {
        int n = 0;
        for (int k = 0; k < race[i].runs; k++)
            if (poles_solved_at(&race[i], k) > 0) x[n++] = fmax(poles_solved_at(&race[i], k), 100);
        if (!n) continue;
        qsort(x, (size_t)n, sizeof *x, by_value);
        for (int k = 0; k < n; k++) y[k] = 100. * (k + 1) / race[i].runs;
        x[n] = (double)race[i].budget;
        y[n] = y[n - 1];
        jd_chart_line(c, race[i].method.label, x, y, (size_t)n + 1, JD_STEPS);
    }
    jd_report_chart(
        jd_run_report(r), c,
        race[0].blind
            ? "Searches that have found a network which balances 100,000 steps and masters 200 of 625 starts, "
              "against the networks they had tried by then. Methods that are missing never found one."
            : "Searches that have found a network which balances 100,000 steps, against the networks they had "
              "tried by then. Methods that are missing never found one.");
}

/* Candidates of a generation. */
static size_t generation_of(const poles_race_result *p)
{
    const jd_search_options *o = &p->method.search;
    const jd_net_shape net = poles_net(p);
    if (o->population) return o->population;
    if (o->method == JD_SEARCH_ESP) return 60;
    if (o->method == JD_SEARCH_COSYNE || o->method == JD_SEARCH_GA) return 40;
    return 4 + (size_t)(3 * log((double)jd_net_weights(&net)));
}

static void table(jd_run *r, const poles_race_result *race, int races)
{
    static const char *const seen[] = {"method", "weights", "generation", "solved",
                                       "median", "mean",    "625 starts", "published"};
    static const char *const blind[] = {"method", "weights",    "generation", "solved",  "median",
                                        "mean",   "625 starts", "published",  "balances"};
    enum { MOST = 9, CELL = 48, LINES = 12 };
    const int columns = race[0].blind ? 9 : 8;
    char text[LINES * MOST][CELL];
    const char *cells[LINES * MOST];
    int n = 0;
    for (int i = races > 1 ? 1 : 0; i < races && i < LINES; i++) {
        const poles_summary s = poles_summarise(&race[i]);
        const poles_method *m = &race[i].method;
        const jd_net_shape net = poles_net(&race[i]);
        char(*t)[CELL] = text + n;
        memset(t, 0, MOST * sizeof *t);
        for (int k = 3; k < MOST; k++) t[k][0] = '-';
        snprintf(t[0], CELL, "%s", m->label);
        snprintf(t[1], CELL, "%zu", jd_net_weights(&net));
        snprintf(t[2], CELL, "%zu", generation_of(&race[i]));
        snprintf(t[3], CELL, "%d of %d", s.solved, race[i].runs);
        if (isfinite(s.median)) snprintf(t[4], CELL, "%.0f", s.median);
        if (s.solved) snprintf(t[5], CELL, "%.0f", s.mean);
        if (s.balanced) snprintf(t[6], CELL, "%.0f", s.starts);
        if (!isnan(m->published)) snprintf(t[7], CELL, "%.0f (%s)", m->published, m->source);
        if (isfinite(s.balanced_median)) snprintf(t[8], CELL, "%.0f", s.balanced_median);
        for (int k = 0; k < columns; k++) cells[n + k] = t[k];
        n += columns;
    }
    jd_report_table(
        jd_run_report(r), race[0].blind ? blind : seen, cells, (size_t)(n / columns), (size_t)columns,
        "Networks tried until one solves the task. The median counts searches that fail as endless; the mean "
        "is over those that succeed, so it flatters methods that often fail. balances: networks tried until one "
        "balances 100,000 steps; 625 starts: how many the first "
        "network that balances 100,000 steps masters, median. Published figures are recalled, not checked, "
        "and were got with other networks.");
}

void poles_report(jd_run *r, const poles_race_result *race, int races)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_report *rep = jd_run_report(r);
    const poles_outcome *o = poles_median_run(&race[0]);
    motion *m = jd_alloc(ctx, sizeof *m);
    if (o && m) {
        jd_report_section(rep, "One network at work");
        act(ctx, &race[0], o->weights, m);
        film(r, m,
             "The network that the median search found, from the first start on. The long pole (1 m) and the short "
             "one (0.1 m) turn about the same point; they are drawn side by side. At either end the track's stop.");
        traces(r, m);
        if (race[0].blind) starts_map(r, &race[0], o);
    }
    jd_report_section(rep, "How many networks must be tried");
    curves(r, race, races);
    table(r, race, races);
    jd_free(ctx, m);
    const poles_summary s = poles_summarise(&race[0]);
    jd_run_extra(r, "solved", s.solved);
    jd_run_extra(r, "mean", s.mean);
    jd_run_extra(r, "balanced", s.balanced);
    jd_run_extra(r, "balanced_median", s.balanced_median);
    jd_run_extra(r, "starts", s.starts);
    for (int i = 1; i < races; i++) {
        char name[80];
        const poles_summary other = poles_summarise(&race[i]);
        snprintf(name, sizeof name, "%s median", race[i].method.label);
        jd_run_extra(r, name, other.median);
    }
}
