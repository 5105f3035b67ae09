/* controller_report.c - what C does, what M foresees, and how both got there; see controller.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "controller.h"

enum { CELL = 32, COLUMNS = 7 };

static const char *const ACTOR[CM_ACTORS] = {"C alone", "plans alone", "C and plans"};

/* ---- flip-flop ------------------------------------------------------------------------------------------------------------*/

void cm_report_flipflop(jd_run *r, const cm_flipflop *f)
{
    static const char *const way[CM_WAYS] = {"M first", "in parallel"};
    enum { EVENTS = 3 };
    float events[CM_SHOWN][EVENTS], said[CM_SHOWN][2], pain[CM_SHOWN][2];
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "A flip-flop, learned from pain");
    jd_report_text(
        rep,
        "After event B the output should be 1 until the next A, then 0; X means nothing. C sees the events and how "
        "much the last output hurt, and is never told what was wanted. M learns to foresee the pain from events and "
        "output; C follows M's gradient.");
    jd_timeline *t = jd_timeline_new(jd_run_ctx(r), "step", 0, CM_SHOWN);
    for (int k = 0; k < CM_SHOWN; k++) {
        for (int e = 0; e < EVENTS; e++) events[k][e] = f->shown[k][e];
        said[k][0] = f->shown[k][3], said[k][1] = f->shown[k][4];
        pain[k][0] = f->shown[k][5], pain[k][1] = f->shown[k][6];
    }
    jd_timeline_map(t, &(jd_map){.label = "events",
                                 .values = events[0],
                                 .T = CM_SHOWN,
                                 .H = EVENTS,
                                 .vmin = 0,
                                 .vmax = 1,
                                 .row_names = (const char *const[]){"A (off)", "B (on)", "X"},
                                 .height = 60});
    jd_timeline_lines(t, "output", said[0], CM_SHOWN, 2, (const char *const[]){"wanted", "C"}, -.1, 1.1);
    jd_timeline_lines(t, "pain", pain[0], CM_SHOWN, 2, (const char *const[]){"felt", "foreseen by M"}, -.1, 1);
    jd_report_timeline(
        rep, t,
        "A test episode of the first seed, learned in parallel; three times as long as those that were learned from.");
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "updates of C"},
                               &(jd_axis){.label = "pain a step, with noise", .min = 0}, 240);
    for (int w = 0; w < CM_WAYS; w++) {
        double y[CM_SEEDS * CM_POINTS];
        for (int i = 0; i < f->seeds; i++)
            memcpy(y + i * f->points, f->curve[w] + i * CM_POINTS, (size_t)f->points * sizeof *y);
        jd_chart_seeds(c, way[w], f->x, y, (size_t)f->seeds, (size_t)f->points, 0);
    }
    jd_report_chart(rep, c,
                    "Pain while C learns, a line for each seed, medians in bold. C's outputs are noisy all the while.");
}

/* ---- pole ------------------------------------------------------------------------------------------------------------------*/

/* The cart and its pole as C moves them, every fourth step. */
static void film_pole(jd_run *r, const cm_pole *f, int actor)
{
    enum { LINES = 4, EVERY = 4 };
    static const jd_film_line line[LINES] = {{.03, JD_FILM_MUTED}, {.2, JD_FILM_INK}, {.07, 0}, {.05, 3}};
    const int frames = f->length[actor] / EVERY;
    float *points = frames ? jd_alloc_array(jd_run_ctx(r), (size_t)frames * LINES * 4, sizeof *points) : NULL;
    for (int k = 0; points && k < frames; k++) {
        const double *s = f->path[actor] + 5 * EVERY * k;
        const float x = (float)s[0], top = x + (float)sin(s[2]), high = .15f + (float)cos(s[2]);
        const float at[LINES][4] = {{-2.4f, 0, 2.4f, 0},
                                    {x - .2f, .1f, x + .2f, .1f},
                                    {x, .15f, top, high},
                                    {x, .1f, x + f->force[actor][EVERY * k], .1f}};
        memcpy(points + (size_t)k * LINES * 4, at, sizeof at);
    }
    if (points)
        jd_report_film(jd_run_report(r),
                       &(jd_film){-2.6, -.2, 2.6, 1.4, .02 * EVERY * frames, (size_t)frames, LINES, points, line},
                       actor == CM_ALONE ? "C balances the pole, in real time; the stroke at the cart is its force."
                                         : "The same by plans alone.");
    jd_free(jd_run_ctx(r), points);
}

static void paths_pole(jd_run *r, const cm_pole *f)
{
    static const jd_axis axis[3] = {
        {.label = "position (m)"}, {.label = "angle (degrees)"}, {.label = "force (of 10 N)"}};
    jd_chart *c = NULL;
    for (int panel = 0; panel < 3; panel++) {
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step of .02 s"}, &axis[panel], 150);
        else
            jd_chart_panel(c, &axis[panel], panel == 1 ? 150 : 110);
        for (int k = 0; k < CM_ACTORS; k++) {
            double y[CM_POLE_STEPS];
            for (int t = 0; t < f->length[k]; t++) {
                const double *s = f->path[k] + 5 * t;
                y[t] = panel == 0 ? s[0] : panel == 1 ? s[2] * 57.29577951308232 : f->force[k][t];
            }
            jd_chart_line(c, ACTOR[k], NULL, y, (size_t)f->length[k], 0);
        }
    }
    jd_report_chart(
        jd_run_report(r), c,
        "One test episode of the first seed from the same start. An episode ends beyond 2.4 m or 12 degrees. All see "
        "position and angle only; speeds must be remembered.");
}

static void dream_pole(jd_run *r, const cm_pole *f)
{
    static const jd_axis axis[2] = {{.label = "position / 2.4 m"}, {.label = "angle / 12 degrees"}};
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step"}, &axis[0], 130);
    for (int k = 0; k < 2; k++) {
        double y[2][CM_DREAM];
        if (k) jd_chart_panel(c, &axis[1], 130);
        for (int t = 0; t < CM_DREAM; t++) y[0][t] = f->dream[t][k], y[1][t] = f->dream[t][2 + k];
        jd_chart_line(c, "as it was", NULL, y[1], CM_DREAM, 0);
        jd_chart_line(c, "dreamt", NULL, y[0], CM_DREAM, JD_DASHED);
    }
    jd_report_chart(
        jd_run_report(r), c,
        "M's dream: from step 10 of a test episode on, M sees only what it says itself, and C acts on that.");
}

static void table_pole(jd_run *r, const cm_pole *f)
{
    char text[CM_SEEDS][COLUMNS][CELL];
    const char *cells[CM_SEEDS * COLUMNS];
    for (int i = 0; i < f->seeds; i++) {
        snprintf(text[i][0], CELL, "%d", i + 1);
        snprintf(text[i][1], CELL, "%d", f->done[i]);
        snprintf(text[i][2], CELL, "%.4f", f->error[i * CM_CYCLES + f->done[i]]);
        snprintf(text[i][3], CELL, "%d", f->plan_cycles[i]);
        for (int k = 0; k < CM_ACTORS; k++)
            snprintf(text[i][4 + k], CELL, "%.0f (%.0f)", f->steps[k][i], f->whole[k][i]);
        for (int k = 0; k < COLUMNS; k++) cells[i * COLUMNS + k] = text[i][k];
    }
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"seed", "cycles", "M's error", "of plans", ACTOR[0], ACTOR[1], ACTOR[2]},
                    cells, (size_t)f->seeds, COLUMNS,
                    "Mean steps over 30 test episodes, and how many of them lasted for 1,000 steps.");
}

void cm_report_pole(jd_run *r, const cm_pole *f)
{
    jd_report_section(jd_run_report(r), "A pole without speeds");
    jd_report_text(
        jd_run_report(r),
        "M learns from random pushes how position and angle change; C is trained in M's dreams, which begin at places "
        "of C's own episodes, until thirty episodes that are kept for this last for 1,000 steps. Plans are made anew "
        "at every step: gradient descent on the next forces, through M. Since plans find what M gets wrong, M learns "
        "from planned episodes as well, in cycles, until plans hold the pole in all of some others.");
    table_pole(r, f);
    film_pole(r, f, CM_ALONE);
    film_pole(r, f, CM_PLANNED);
    paths_pole(r, f);
    if (f->dream[0][3] != 0 || f->dream[0][2] != 0) dream_pole(r, f);
}

/* ---- maze -------------------------------------------------------------------------------------------------------------------*/

static void path_maze(jd_run *r, const cm_maze *f)
{
    jd_report *rep = jd_run_report(r);
    for (int b = 0; b < 2; b++) {
        double x[CM_MAZE_STEPS + 1], y[CM_MAZE_STEPS + 1] = {0};
        const int n = f->length[b];
        char caption[240];
        for (int t = 0; t < n; t++) x[t] = f->path[b][t];
        x[n] = n < CM_MAZE_STEPS ? CM_CORRIDOR : x[n - 1];
        y[n] = f->row[b];
        jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "column", .min = -.5, .max = CM_CORRIDOR + .5},
                                   &(jd_axis){.label = "row", .min = -1.4, .max = 1.4}, 170);
        const double corridor[4] = {0, CM_CORRIDOR, CM_CORRIDOR, CM_CORRIDOR}, arms[4] = {0, 0, 1, -1};
        jd_chart_line(c, "maze", corridor, arms, 4, JD_NEUTRAL | JD_NO_LABEL);
        jd_chart_points(c, "goal", (const double[]){CM_CORRIDOR}, (const double[]){b ? -1 : 1}, NULL,
                        (const char *const[]){"goal"}, 1, JD_HOLLOW);
        jd_chart_line(c, "path", x, y, (size_t)n + 1, JD_MARKS);
        jd_chart_panel(c, &(jd_axis){.label = "reward"}, 110);
        double got[CM_MAZE_STEPS], told[CM_MAZE_STEPS];
        for (int t = 0; t < n; t++) got[t] = f->got[b][t], told[t] = f->told[b][t];
        jd_chart_line(c, "foreseen by M", x, told, (size_t)n, JD_MARKS);
        jd_chart_points(c, "got", x, got, NULL, NULL, (size_t)n, JD_HOLLOW);
        snprintf(caption, sizeof caption,
                 "Flag %s, first seed: the likeliest moves. The flag is seen at the start only. Below, the reward of "
                 "each move.",
                 b ? "down" : "up");
        jd_report_chart(rep, c, caption);
    }
}

void cm_report_maze(jd_run *r, const cm_maze *f)
{
    static const char *const kind[CM_KINDS] = {"straight-through", "soft"};
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "A maze with a flag");
    jd_report_text(
        rep, "Forward, one of four moves is drawn and M sees this move; backward the gradient takes the path of the "
             "probabilities (straight-through). To compare, a second C shows M its probabilities themselves.");
    path_maze(r, f);
    jd_chart *c =
        jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "updates of C"}, &(jd_axis){.label = "reward dreamt"}, 240);
    for (int k = 0; k < CM_KINDS; k++) {
        double y[CM_SEEDS * CM_POINTS];
        const int seeds = k == CM_SOFT && f->seeds > CM_SOFT_SEEDS ? CM_SOFT_SEEDS : f->seeds;
        for (int i = 0; i < seeds; i++)
            memcpy(y + i * f->points, f->curve[k] + i * CM_POINTS, (size_t)f->points * sizeof *y);
        jd_chart_seeds(c, kind[k], f->x, y, (size_t)seeds, (size_t)f->points, 0);
    }
    jd_chart_hline(c, "the best", 2 - .05 * CM_CORRIDOR, JD_DASHED);
    jd_report_chart(
        rep, c,
        "Reward of an episode in M's dreams while C learns, bonus for undecided choices included. A line ends "
        "where the goal was found for both flags.");
}
