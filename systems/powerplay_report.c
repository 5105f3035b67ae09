/* powerplay_report.c - tasks, tests, weights and the ways of the retina as curves and pictures; see powerplay.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "powerplay.h"

static const char *const title[PP_FAMILIES] = {"states", "pictures"};

/* ---- curves ------------------------------------------------------------------------------------------------------------------*/

static void draw_cost(powerplay *a)
{
    jd_chart *c =
        jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "connections looked at in the search", .scale = JD_LOG},
                     &(jd_axis){.label = "tasks", .min = 0}, 300);
    for (int f = 0; f < PP_FAMILIES; f++)
        for (int s = 0; s < a->result[f].seeds; s++) {
            const pp_player *p = &a->result[f].player[s];
            static double x[2 * PP_MOST], y[2 * PP_MOST];
            for (int i = 0; i < a->result[f].events[s]; i++) x[i] = p->event[i].spent, y[i] = i + 1;
            jd_chart_line(c, title[f], x, y, (size_t)a->result[f].events[s], JD_STEPS | (s ? JD_NO_LABEL : 0));
        }
    jd_report_chart(
        jd_run_report(a->r), c,
        "Tasks that have been invented and are solved, over what the whole search has cost: each seed a line.");
}

static void draw_tests(powerplay *a)
{
    enum { WINDOW = 10 };
    static double y[PP_SEEDS * PP_MOST];
    jd_chart *c = NULL;
    for (int f = 0; f < PP_FAMILIES; f++) {
        const pp_result *e = &a->result[f];
        const jd_axis axis = {.label = f ? "pictures: run again (%)" : "states: run again (%)", .min = 0, .max = 100};
        int n = 0;
        for (int s = 0; s < e->seeds; s++) n = e->events[s] > n ? e->events[s] : n;
        if (!n) continue;
        for (int i = 0; i < e->seeds * n; i++) y[i] = NAN;
        for (int s = 0; s < e->seeds; s++)
            for (int i = WINDOW; i < e->events[s]; i++) {
                double sum = 0;
                for (int k = i - WINDOW + 1; k <= i; k++)
                    sum += 100. * e->player[s].event[k].tests /
                           (e->player[s].event[k].tests + e->player[s].event[k].saved) / WINDOW;
                y[s * n + i] = sum;
            }
        if (!c)
            c = jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "task"}, &axis, 170);
        else
            jd_chart_panel(c, &axis, 170);
        jd_chart_seeds(c, "run again", NULL, y, (size_t)e->seeds, (size_t)n, JD_NO_LABEL);
        if (!f) jd_chart_hline(c, "60 %", 60, JD_DASHED);
    }
    jd_report_chart(
        jd_run_report(a->r), c,
        "The demonstration that nothing is unlearned: the share of the old tasks that were run again for the change "
        "that was accepted, mean of ten; the others had not used any changed connection, which proves that they end "
        "as before. Thin: each seed; bold: the median.");
}

static int falling(const void *x, const void *y)
{
    return *(const int *)y - *(const int *)x;
}

static void draw_reuse(powerplay *a)
{
    enum { ALL = PP_UNITS * PP_OUT };
    jd_chart *c = jd_chart_new(jd_run_ctx(a->r),
                               &(jd_axis){.label = "connections (% of the used), by users", .min = 0, .max = 100},
                               &(jd_axis){.label = "tasks that use it (%)", .min = 0, .max = 100}, 240);
    for (int f = 0; f < PP_FAMILIES; f++)
        for (int s = 0; s < a->result[f].seeds; s++) {
            const pp_player *p = &a->result[f].player[s];
            int users[ALL], n = 0;
            double x[ALL], y[ALL];
            for (int i = 0; i < (p->net.units - 1) * PP_OUT; i++) {
                users[n] = pp_users_of(p, i / PP_OUT, i % PP_OUT);
                n += users[n] > 0;
            }
            qsort(users, (size_t)n, sizeof *users, falling);
            for (int i = 0; i < n; i++) x[i] = 100. * (i + 1) / n, y[i] = 100. * users[i] / p->tasks;
            jd_chart_line(c, title[f], x, y, (size_t)n, s ? JD_NO_LABEL : 0);
        }
    jd_report_chart(
        jd_run_report(a->r), c,
        "Re-use: by how many of the tasks a connection is used, from the most to the least used; each seed a line.");
}

/* Which weights changed when: a mark at the number of the connection. */
static void draw_raster(powerplay *a, pp_family f)
{
    enum { MOST = 20000 };
    const pp_player *p = &a->result[f].player[0];
    static double x[MOST], y[MOST];
    const int bound[4] = {0, p->net.inputs, p->net.inputs + 1 + p->net.hidden, p->net.units};
    static const char *const from[3] = {"out of inputs", "out of the constant and hidden units",
                                        "out of effectors, answers"};
    jd_chart *c = jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "accepted change"},
                               &(jd_axis){.label = "connection", .min = 0, .max = PP_OUT * (p->net.units - 1)}, 320);
    for (int g = 0; g < 3; g++) {
        size_t n = 0;
        for (int i = 0; i < p->events; i++)
            for (int k = 0; k < p->event[i].change.n && n < MOST; k++) {
                const int unit = p->event[i].change.connection[k] / PP_OUT;
                if (unit < bound[g] || unit >= bound[g + 1]) continue;
                x[n] = i + 1;
                y[n++] = p->event[i].change.connection[k];
            }
        jd_chart_points(c, from[g], x, y, NULL, NULL, n, 0);
    }
    if (p->events > a->result[f].events[0])
        jd_chart_vline(c, "the same with less", a->result[f].events[0] + .5, JD_DASHED);
    jd_report_chart(
        jd_run_report(a->r), c,
        f ? "Pictures, first seed: which weights each accepted change touched."
          : "States, first seed: which weights each accepted change touched; behind the dashed line, changes that "
            "only make the tasks cheaper.");
}

/* Units (rows) that are active in the run of each task. */
static void draw_modules(powerplay *a, pp_family f)
{
    const pp_player *p = &a->result[f].player[0];
    const size_t T = (size_t)p->tasks, H = (size_t)p->net.units - 1;
    float *map = jd_alloc_array(jd_run_ctx(a->r), T * H, sizeof *map);
    for (size_t t = 0; map && t < T; t++)
        for (size_t i = 0; i < H; i++) map[t * H + i] = pp_has(p->task[t].run.used, (int)i) ? 1 : 0;
    if (map)
        jd_report_map(
            jd_run_report(a->r),
            &(jd_map){.label = "unit",
                      .value_label = "used",
                      .values = map,
                      .T = T,
                      .H = H,
                      .vmax = 1,
                      .height = f ? 300 : 180},
            "task", 0, (double)T,
            f ? "Pictures, first seed: the units that each task uses: the retina's 25 above, then the constant, hidden "
                "units, effectors and answers."
              : "States, first seed: the units that each task uses: ten inputs above, then the constant, hidden units "
                "and effectors.");
    jd_free(jd_run_ctx(a->r), map);
}

/* Cost of all tasks while the search for less goes on. */
static void draw_less(powerplay *a)
{
    jd_chart *c = jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "accepted change"},
                               &(jd_axis){.label = "cost of all tasks (%)", .max = 100}, 240);
    bool any = false;
    for (int f = 0; f < PP_FAMILIES; f++)
        for (int s = 0; s < a->result[f].seeds; s++) {
            const pp_player *p = &a->result[f].player[s];
            const int first = a->result[f].events[s];
            static double y[2 * PP_MOST];
            size_t n = 0;
            y[n++] = 100;
            for (int i = first; i < p->events; i++)
                y[n++] = 100. * (double)p->event[i].total / (double)a->result[f].before[s];
            jd_chart_line(c, title[f], NULL, y, n, JD_MARKS | (s ? JD_NO_LABEL : 0));
            any = any || n > 1;
        }
    if (any)
        jd_report_chart(
            jd_run_report(a->r), c,
            "The search for less: connections looked at for all tasks together, in % of before. Every change "
            "leaves all tasks solved with the same results.");
    else
        jd_chart_free(c);
}

/* ---- ways of the retina ------------------------------------------------------------------------------------------------------*/

static void draw_ways(powerplay *a)
{
    enum { SHOWN = 24, ZOOM = 4, ACROSS = 6 };
    const pp_player *p = &a->result[PP_PICTURES].player[0];
    const int n = p->tasks < SHOWN ? p->tasks : SHOWN;
    const char *captions[SHOWN];
    char text[SHOWN][48];
    if (!n) return;
    pp_eye *way = jd_alloc_array(jd_run_ctx(a->r), (size_t)p->limit, sizeof *way);
    canvas c = canvas_new(jd_run_ctx(a->r), (size_t)n, PP_SIDE * ZOOM, PP_SIDE * ZOOM, PP_SIDE);
    for (int i = 0; way && i < n; i++) {
        const pp_task *t = &p->task[i * p->tasks / n];
        const pp_input in = pp_input_of(p, t->code);
        const pp_run r = pp_run_net(&a->result[PP_PICTURES].net[0], &in, p->limit, INT64_MAX, way);
        for (int k = 0; k < PP_SIDE * PP_SIDE; k++) {
            const double x = k % PP_SIDE, y = PP_SIDE - 1 - k / PP_SIDE, v = 1 - in.picture[k] / 510.;
            canvas_box(&c, (size_t)i, x, y, x + 1, y + 1, (const double[3]){v, v, v}, 1);
        }
        for (int k = 0; k < r.steps; k++) { /* canvas.h has y upward */
            const double x = way[k].x + .5, y = PP_SIDE - .5 - way[k].y;
            if (k)
                canvas_line(&c, (size_t)i, way[k - 1].x + .5, PP_SIDE - .5 - way[k - 1].y, x, y, .4, canvas_colour(1),
                            1);
            canvas_disc(&c, (size_t)i, x, y, k ? .6 : .9, canvas_colour(k > 0), 1);
        }
        snprintf(text[i], sizeof text[i], "task %d: %d, %d steps", i * p->tasks / n + 1, r.answer, r.steps);
        captions[i] = text[i];
    }
    for (int i = 0; !way && i < n; i++) captions[i] = NULL;
    canvas_show(a->r, &c, captions, ACROSS,
                "Pictures that have become tasks, first seed, before the search for less: where the middle of the "
                "retina was (blue: at first), and what the net answers when it halts. It sees 3 x 3 pixels there and "
                "16 coarse squares around them.");
    jd_free(jd_run_ctx(a->r), way);
}

/* ---- tables ------------------------------------------------------------------------------------------------------------------*/

static void draw_table(powerplay *a)
{
    enum { CELLS = 9, ROWS = PP_FAMILIES * PP_SEEDS };
    static char text[ROWS][CELLS][32];
    const char *cells[ROWS * CELLS];
    int row = 0;
    for (int f = 0; f < PP_FAMILIES; f++)
        for (int s = 0; s < a->result[f].seeds; s++, row++) {
            const pp_result *e = &a->result[f];
            const pp_player *p = &e->player[s];
            const double spent = e->events[s] ? p->event[e->events[s] - 1].spent : 0;
            snprintf(text[row][0], 32, "%s, %d", title[f], s + 1);
            snprintf(text[row][1], 32, "%d", p->tasks);
            snprintf(text[row][2], 32, "%.1f", spent / 1e6);
            snprintf(text[row][3], 32, "%.1f", e->seconds[s]);
            snprintf(text[row][4], 32, "%.2f", e->changed[s]);
            if (isfinite(e->retested[s]))
                snprintf(text[row][5], 32, "%.1f", 100 * e->retested[s]);
            else
                snprintf(text[row][5], 32, "-");
            snprintf(text[row][6], 32, "%.1f", 100 * e->reused[s]);
            snprintf(text[row][7], 32, "%.1f", 100 * e->solved[s]);
            snprintf(text[row][8], 32, "%.1f", e->before[s] ? 100. * (double)e->after[s] / (double)e->before[s] : 100.);
            for (int k = 0; k < CELLS; k++) cells[row * CELLS + k] = text[row][k];
        }
    jd_report_table(
        jd_run_report(a->r),
        (const char *const[]){"seed", "tasks", "search (M)", "s", "weights changed", "run again (%)", "re-used (%)",
                              "solved (%)", "cost after (%)"},
        cells, (size_t)row, CELLS,
        "Search: connections looked at up to the last task, in millions, which does not depend on the machine; s: "
        "seconds here. Weights changed: mean for each task. Run again: of the old tasks, after the 30th. Re-used: "
        "connections that three tasks or more use, of all that any uses. Solved: of all 1024 codes, or 1000 pictures, "
        "those that the last solver masters, most without having been tasks. Cost after: of all tasks after the "
        "search for less. Files `tasks-*.csv` beside this report list every acceptance with the weights that changed "
        "and the units that the task used.");
}

void pp_draw(powerplay *a)
{
    jd_report *r = jd_run_report(a->r);
    jd_report_section(r, "Tasks and what they cost");
    draw_cost(a);
    draw_table(a);
    jd_report_section(r, "What has to be shown again");
    draw_tests(a);
    draw_reuse(a);
    jd_report_section(r, "Which weights, which units");
    for (int f = 0; f < PP_FAMILIES; f++)
        if (a->result[f].seeds && a->result[f].player[0].tasks) {
            draw_raster(a, (pp_family)f);
            draw_modules(a, (pp_family)f);
        }
    jd_report_section(r, "The same with less");
    draw_less(a);
    if (a->result[PP_PICTURES].seeds) {
        jd_report_section(r, "Where the retina went");
        draw_ways(a);
    }
}
