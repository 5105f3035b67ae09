/* hq_report.c - mazes with the ways of the agents, curves and tables; see hq_learning.h. */
#include <stdio.h>
#include <string.h>

#include "canvas.h"
#include "hq_learning.h"

static void draw_drawing(canvas *c, size_t i, const hq_maze *m)
{
    const double H = m->h, top = 1; /* a margin of one place: the outer wall */
    canvas_box(c, i, 0, 0, m->w + 2, H + 2, CANVAS_WALL, 1);
    for (int p = 0; p < m->w * m->h; p++) {
        const double x = p % m->w + 1, y = H - p / m->w - 1 + top;
        if (!m->wall[p]) canvas_box(c, i, x, y, x + 1, y + 1, CANVAS_PALE, 1);
        if (p == m->door) canvas_box(c, i, x + .2, y, x + .8, y + 1, canvas_colour(4), 1);
    }
}

static void centre(const hq_maze *m, int place, double p[2])
{
    p[0] = place % m->w + 1.5;
    p[1] = m->h - place / m->w + .5;
}

/* The steps of the last test, each in the colour of the agent that took it; a ring where a turn ends. */
static void draw_walk(canvas *c, size_t i, const hq_maze *m, const hq_learner *l)
{
    const double width = .28;
    double a[2], b[2];
    for (int t = 0; t < l->steps; t++) {
        /* Agents walk a little beside each other, so that a way that is taken twice shows both. */
        const double aside = (l->agent[t] % 3 - 1) * .18;
        centre(m, hq_place(l->state[t]), a);
        centre(m, hq_place(l->state[t + 1]), b);
        canvas_line(c, i, a[0] + aside, a[1] + aside, b[0] + aside, b[1] + aside, width, canvas_colour(l->agent[t]), 1);
    }
    for (int t = 1; t <= l->steps; t++)
        if (l->agent[t] != l->agent[t - 1]) {
            centre(m, hq_place(l->state[t]), a);
            canvas_disc(c, i, a[0], a[1], .34, canvas_colour(l->agent[t]), 1);
            canvas_disc(c, i, a[0], a[1], .16, CANVAS_PALE, 1);
        }
}

static void draw_marks(canvas *c, size_t i, const hq_maze *m)
{
    double p[2];
    centre(m, m->start, p);
    canvas_disc(c, i, p[0], p[1], .3, CANVAS_INK, 1);
    centre(m, m->goal, p);
    canvas_disc(c, i, p[0], p[1], .42, CANVAS_GOAL, 1);
    if (m->key < 0) return;
    centre(m, m->key, p);
    canvas_disc(c, i, p[0], p[1] + .15, .26, canvas_colour(4), 1);
    canvas_line(c, i, p[0], p[1], p[0], p[1] - .4, .16, canvas_colour(4), 1);
}

void hq_draw_maze(jd_run *r, const hq_maze *m, const hq_arm *arm, int arms, const char *caption)
{
    enum { MOST = 8 };
    char text[MOST][80];
    const char *captions[MOST];
    const bool large = m->w > 10;
    const size_t W = large ? 310 : 150;
    canvas c = canvas_new(jd_run_ctx(r), (size_t)arms, W, W * (size_t)(m->h + 2) / (size_t)(m->w + 2), m->w + 2);
    for (int i = 0; i < arms && c.pixels; i++) {
        const hq_learner *l = &arm[i].shown;
        draw_drawing(&c, (size_t)i, m);
        draw_walk(&c, (size_t)i, m, l);
        draw_marks(&c, (size_t)i, m);
        if (l->arrived)
            snprintf(text[i], sizeof text[i], "%s: %d steps", arm[i].label, l->steps);
        else
            snprintf(text[i], sizeof text[i], "%s: not there", arm[i].label);
        captions[i] = text[i];
    }
    canvas_show(r, &c, captions, large ? 2 : 4, caption);
}

void hq_draw_curves(jd_run *r, const hq_maze *m, const hq_arm *arm, int arms)
{
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "trials"},
                               &(jd_axis){.label = "steps in the test", .scale = JD_LOG}, 260);
    for (int i = 0; i < arms; i++) {
        double x[HQ_TESTS], mean[HQ_TESTS] = {0};
        for (int t = 0; t < arm[i].tests; t++) {
            x[t] = (double)(t + 1) * arm[i].o.every;
            for (int s = 0; s < arm[i].sims; s++) mean[t] += arm[i].curve[s * HQ_TESTS + t] / arm[i].sims;
        }
        jd_chart_line(c, arm[i].label, x, mean, (size_t)arm[i].tests, 0);
    }
    char text[48];
    snprintf(text, sizeof text, "shortest: %d", m->optimum);
    jd_chart_hline(c, text, m->optimum, JD_DASHED);
    jd_report_chart(
        jd_run_report(r), c,
        "Steps of a test without any chance, mean of the simulations; 1000 where the goal was not reached.");
}

void hq_draw_table(jd_run *r, const hq_maze *m, const hq_arm *arm, int arms, const char *caption)
{
    enum { COLUMNS = 6, MOST = 8 };
    char cell[MOST][COLUMNS][48];
    const char *cells[MOST * COLUMNS];
    for (int i = 0; i < arms; i++) {
        const hq_arm *a = &arm[i];
        int there = 0, good = 0, ever = 0, optimal = 0;
        double sum = 0;
        for (int s = 0; s < a->sims; s++) {
            there += a->last[s] < HQ_LIMIT;
            good += a->last[s] <= 1.2 * m->optimum;
            ever += a->best[s] <= 1.2 * m->optimum;
            optimal += a->best[s] <= m->optimum;
            if (a->last[s] < HQ_LIMIT) sum += a->last[s];
        }
        snprintf(cell[i][0], sizeof cell[i][0], "%s", a->label);
        snprintf(cell[i][1], sizeof cell[i][1], "%.0f %%", 100. * there / a->sims);
        snprintf(cell[i][2], sizeof cell[i][2], "%.0f %%", 100. * good / a->sims);
        snprintf(cell[i][3], sizeof cell[i][3], "%.0f %%", 100. * ever / a->sims);
        snprintf(cell[i][4], sizeof cell[i][4], "%.0f %%", 100. * optimal / a->sims);
        snprintf(cell[i][5], sizeof cell[i][5], there ? "%.1f" : "-", sum / (there ? there : 1));
        for (int k = 0; k < COLUMNS; k++) cells[COLUMNS * i + k] = cell[i][k];
    }
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"learner", "last test: goal reached", "within 1.2 of the shortest",
                                          "in any test", "the shortest, in any test", "steps, of those that arrive"},
                    cells, (size_t)arms, COLUMNS, caption);
}

/* What each agent wants: HQ-values of its subgoals. */
void hq_draw_values(jd_run *r, const hq_arm *arm)
{
    const hq_learner *l = &arm->shown;
    float v[HQ_SIGHTS * HQ_AGENTS];
    char name[HQ_AGENTS][24];
    const char *names[HQ_AGENTS];
    const int N = arm->o.agents - 1, T = l->m->sights;
    for (int i = 0; i < N; i++) {
        snprintf(name[i], sizeof name[i], "agent %d", i + 1);
        names[i] = name[i];
        for (int t = 0; t < T; t++) v[t * N + i] = (float)l->hq[i][t];
    }
    if (N > 0)
        jd_report_map(
            jd_run_report(r),
            &(jd_map){.label = "HQ",
                      .value_label = "HQ",
                      .values = v,
                      .T = (size_t)T,
                      .H = (size_t)N,
                      .row_names = names,
                      .height = 20. * N},
            "sight", 0, T,
            "HQ-values of the same learner: how much each agent expects of handing over at each kind of place.");
}
