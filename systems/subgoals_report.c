/* subgoals_report.c - arenas with the ways through them; see subgoals.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "canvas.h"
#include "subgoals.h"

static double mean(const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i] / n;
    return sum;
}

static double spread(const double *v, int n)
{
    const double m = mean(v, n);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (v[i] - m) * (v[i] - m);
    return n > 1 ? sqrt(sum / (n - 1)) : 0;
}

void sg_draw_arms(jd_run *r, const sg_arm *arm, int n)
{
    enum { COLUMNS = 6 };
    char cell[16][COLUMNS][64];
    const char *cells[16 * COLUMNS];
    jd_report_section(jd_run_report(r), "Who arrives");
    for (int i = 0; i < n; i++) {
        const sg_arm *a = &arm[i];
        double longer = 0, some = 0;
        for (int s = 0; s < a->seeds; s++)
            if (isfinite(a->length[s])) longer += a->length[s], some++;
        snprintf(cell[i][0], sizeof cell[i][0], "%s", sg_rule[a->world].label);
        snprintf(cell[i][1], sizeof cell[i][1], "%s", a->label);
        snprintf(cell[i][2], sizeof cell[i][2], "%.1f \u00b1 %.1f", 100 * mean(a->success, a->seeds),
                 100 * spread(a->success, a->seeds));
        snprintf(cell[i][3], sizeof cell[i][3], "%.1f", 100 * mean(a->crashed, a->seeds));
        snprintf(cell[i][4], sizeof cell[i][4], "%.1f", 100 * mean(a->late, a->seeds));
        if (some > 0)
            snprintf(cell[i][5], sizeof cell[i][5], "%.2f", longer / some);
        else
            snprintf(cell[i][5], sizeof cell[i][5], "-");
        for (int k = 0; k < COLUMNS; k++) cells[COLUMNS * i + k] = cell[i][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"arena", "plan", "arrives (%)", "crashes (%)", "late (%)", "way / straight way"}, cells,
        (size_t)n, COLUMNS,
        "Mean of the seeds and their standard deviation, on arenas that no net has seen. The remake that was "
        "published reports 98.5 \u00b1 1.1 % for three discs and 0 % without subgoals; where its discs lie is not "
        "said. Here they lie anywhere, near the rim too: when they keep 1.5 from it, one and the same detour passes "
        "98 of 100 arenas, and there is nothing to plan. The best of the plans is the one that the evaluator finds "
        "cheapest.");
}

void sg_draw_curves(jd_run *r, const sg_arm *arm, int n)
{
    jd_report_section(jd_run_report(r), "Learning to plan");
    double x[SG_CURVE];
    for (int p = 0; p < SG_CURVE; p++) x[p] = 100. * (p + 1) / SG_CURVE;
    jd_chart *c = NULL;
    for (int i = 0; i < n; i++) {
        if (!(arm[i].curve[0] > 0)) continue;
        char label[80];
        snprintf(label, sizeof label, "%s", sg_rule[arm[i].world].label);
        const jd_axis y = {.label = arm[i].world == SG_THREE ? arm[i].label : label, .scale = JD_LOG};
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "part of the training (%)"}, &y, 130);
        else
            jd_chart_panel(c, &y, 130);
        jd_chart_seeds(c, "cost", x, arm[i].curve, (size_t)arm[i].seeds, SG_CURVE, JD_NO_LABEL);
    }
    if (c)
        jd_report_chart(
            jd_run_report(r), c,
            "What the evaluator thinks of the plans while the generator learns: the summed cost of the legs. "
            "The learned evaluator's costs are in its own units (1 for a crash).");
}

/* ---- arenas ----------------------------------------------------------------------------------------------------------------*/

static void arena(canvas *c, size_t i, const sg_arena *a)
{
    const sg_rules *w = &sg_rule[a->world];
    double width, height;
    sg_wall_gap(&width, &height);
    for (int k = 0; k < w->discs; k++) canvas_disc(c, i, a->disc[k][0], a->disc[k][1], SG_RADIUS, CANVAS_WALL, 1);
    for (int k = 0; k < w->walls; k++) {
        const double y = a->wall[k][0], x = a->wall[k][1];
        canvas_box(c, i, 0, y - height, x - width, y + height, CANVAS_WALL, 1);
        canvas_box(c, i, x + width, y - height, w->side, y + height, CANVAS_WALL, 1);
    }
}

static void draw_way(canvas *c, size_t i, const sg_shown *s)
{
    const double u = sg_rule[s->arena.world].side / 100, *from = s->arena.start;
    for (int k = 0; k < s->n; k++) {
        canvas_line(c, i, from[0], from[1], s->way[k][0], s->way[k][1], .8 * u, canvas_colour(1), .5);
        from = s->way[k];
    }
    for (int k = 0; k < s->walk.steps; k++)
        canvas_line(c, i, s->walk.path[k][0], s->walk.path[k][1], s->walk.path[k + 1][0], s->walk.path[k + 1][1],
                    1.5 * u, canvas_colour(0), 1);
    for (int k = 0; k + 1 < s->n; k++) canvas_disc(c, i, s->way[k][0], s->way[k][1], 2.2 * u, canvas_colour(1), 1);
    canvas_disc(c, i, s->arena.start[0], s->arena.start[1], 2.4 * u, CANVAS_INK, 1);
    canvas_disc(c, i, s->arena.goal[0], s->arena.goal[1], 2.8 * u, CANVAS_GOAL, 1);
    if (s->walk.end != SG_CRASHED) return;
    const double *p = s->walk.path[s->walk.steps];
    for (int k = -1; k < 2; k += 2)
        canvas_line(c, i, p[0] - 3 * u, p[1] - 3 * k * u, p[0] + 3 * u, p[1] + 3 * k * u, 1.4 * u,
                    (double[]){.8, .1, .1}, 1);
}

void sg_draw_ways(jd_run *r, const sg_arm *arm, int most, const char *caption)
{
    enum { SIDE = 154 };
    char text[SG_SHOWN][64];
    const char *captions[SG_SHOWN];
    const int shows = arm->shows < most ? arm->shows : most;
    if (!shows) return;
    canvas c = canvas_new(jd_run_ctx(r), (size_t)shows, SIDE, SIDE, sg_rule[arm->world].side);
    for (int i = 0; i < shows && c.pixels; i++) {
        const sg_shown *s = &arm->shown[i];
        arena(&c, (size_t)i, &s->arena);
        draw_way(&c, (size_t)i, s);
        snprintf(text[i], sizeof text[i], "%s after %d steps",
                 s->walk.end == SG_ARRIVED   ? "arrives"
                 : s->walk.end == SG_CRASHED ? "crashes"
                                             : "not there",
                 s->walk.steps);
        captions[i] = text[i];
    }
    canvas_show(r, &c, captions, 4, caption);
}

/* A walk, the trail behind it, and the subgoals in turn. */
void sg_draw_film(jd_run *r, const sg_arm *arm)
{
    enum { TRAIL = SG_STEPS, MOST = TRAIL + SG_DISCS + SG_WAY + 8, HOLD = 8 };
    if (!arm->shows || sg_rule[arm->world].walls) return;
    const sg_shown *s = &arm->shown[0];
    for (int i = 1; i < arm->shows; i++)
        if (arm->shown[i].walk.end == SG_ARRIVED && arm->shown[i].walk.steps > s->walk.steps) s = &arm->shown[i];
    jd_ctx *ctx = jd_run_ctx(r);
    const sg_rules *w = &sg_rule[arm->world];
    const size_t frames = (size_t)(s->walk.steps + HOLD);
    jd_film_line line[MOST];
    size_t n = 0;
    const double u = w->side / 100;
    for (int k = 0; k < w->discs; k++) line[n++] = (jd_film_line){2 * SG_RADIUS, JD_FILM_MUTED};
    for (int k = 0; k < s->n; k++) line[n++] = (jd_film_line){(k + 1 < s->n ? 4 : 5) * u, k + 1 < s->n ? 1 : 2};
    for (int k = 0; k < s->walk.steps; k++) line[n++] = (jd_film_line){1.2 * u, 0};
    line[n++] = (jd_film_line){5 * u, JD_FILM_INK};
    float *p = jd_alloc_array(ctx, frames * n * 4, sizeof *p);
    for (size_t f = 0; p && f < frames; f++) {
        const int at = (int)f < s->walk.steps ? (int)f : s->walk.steps;
        float *q = p + f * n * 4;
        for (int k = 0; k < w->discs; k++, q += 4)
            for (int i = 0; i < 4; i++) q[i] = (float)s->arena.disc[k][i % 2];
        for (int k = 0; k < s->n; k++, q += 4)
            for (int i = 0; i < 4; i++) q[i] = (float)s->way[k][i % 2];
        for (int k = 0; k < s->walk.steps; k++, q += 4)
            for (int i = 0; i < 4; i++) q[i] = (float)s->walk.path[k < at ? k + i / 2 : at][i % 2];
        for (int i = 0; i < 4; i++) q[i] = (float)s->walk.path[at][i % 2];
    }
    const jd_film film = {.x1 = w->side,
                          .y1 = w->side,
                          .seconds = (double)frames * .1,
                          .frames = frames,
                          .lines = n,
                          .points = p,
                          .line = line};
    if (p)
        jd_report_film(jd_run_report(r), &film,
                       "The executor on its way: it sees nothing but where the next subgoal lies, and goes there.");
    jd_free(ctx, p);
}

/* What the learned evaluator says of a leg from the start to every point, beside what would happen. */
void sg_draw_landscape(jd_run *r, sg_evaluator *e, const sg_arm *arm)
{
    enum { CELLS = 50, SIDE = 150, LINE = CELLS * CELLS };
    static const double cheap[3] = {1, 1, .94}, dear[3] = {.45, .05, .25};
    jd_ctx *ctx = jd_run_ctx(r);
    double(*leg)[4] = jd_alloc_array(ctx, LINE, sizeof *leg), *cost = jd_alloc_array(ctx, LINE, sizeof *cost);
    canvas c = canvas_new(ctx, 4, SIDE, SIDE, sg_rule[SG_THREE].side);
    static const char *const captions[4] = {"evaluator, first arena", "the truth", "evaluator, second arena",
                                            "the truth"};
    for (size_t k = 0; k < 4 && leg && cost && c.pixels && arm->shows > 1; k++) {
        const sg_arena *a = &arm->shown[k / 2].arena;
        const double cell = sg_rule[SG_THREE].side / CELLS;
        for (int i = 0; i < LINE; i++) {
            memcpy(leg[i], a->start, sizeof a->start);
            leg[i][2] = (i % CELLS + .5) * cell;
            leg[i][3] = (double)(i / CELLS) * cell + .5 * cell;
            cost[i] = sg_hits(a, leg[i], leg[i] + 2) ? 1 : hypot(leg[i][2] - leg[i][0], leg[i][3] - leg[i][1]) / 15;
        }
        if (k % 2 == 0 && !sg_evaluator_ask(e, a, (const double(*)[4])leg, LINE, cost)) break;
        for (int i = 0; i < LINE; i++) {
            double rgb[3];
            canvas_mix(cheap, dear, cost[i], rgb);
            const double x = i % CELLS * cell, y = (double)(i / CELLS) * cell;
            canvas_box(&c, k, x, y, x + cell, y + cell, rgb, 1);
        }
        for (int i = 0; i < 3; i++) canvas_disc(&c, k, a->disc[i][0], a->disc[i][1], SG_RADIUS, CANVAS_WALL, .6);
        draw_way(&c, k, &arm->shown[k / 2]);
    }
    canvas_show(
        r, &c, captions, 4,
        "What the learned evaluator thinks of a straight leg from the start to each point (dark: it will crash), "
        "and what would happen. It was never told of discs: it has seen arenas, legs and how they ended. The "
        "generator's subgoals (orange) follow its slopes.");
    jd_free(ctx, leg);
    jd_free(ctx, cost);
}
