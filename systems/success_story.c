/*
 * success_story.c - "success-story": a policy that modifies itself, and keeps only what has paid so far (J. Schmidhuber, J. Zhao,
 * N. Schraudolph, Reinforcement learning with self-modifying policies, in: Learning to learn, 1997; M. Wiering,
 * J. Schmidhuber, ICML 1996).
 */
#include <stdio.h>
#include <string.h>

#include "canvas.h"
#include "claims.h"
#include "success_story.h"

enum { TENTH = SS_PARTS / 10, SEED_STRIDE = 1000 };
static const char *const arm_label[SS_ARMS] = {"success story", "no taking back", "begun anew 20 times",
                                               "no self-modification"};

static double tenth(const ss_life *l, bool last)
{
    double sum = 0;
    for (int i = 0; i < TENTH; i++) sum += l->rate[last ? SS_PARTS - 1 - i : i] / TENTH;
    return sum;
}

static void sort(double *v, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && v[k - 1] > v[k]; k--) {
            const double x = v[k];
            v[k] = v[k - 1], v[k - 1] = x;
        }
}

static double median(const double *v, int n)
{
    double w[SS_SEEDS];
    memcpy(w, v, (size_t)n * sizeof *w);
    sort(w, n);
    return (w[(n - 1) / 2] + w[n / 2]) / 2;
}

/* ---- claims -----------------------------------------------------------------------------------------------------------------*/

static void judge(claims *c, ss_life *const *life, int seeds)
{
    double growth[SS_SEEDS], broken = 0, checks = 0;
    int ahead = 0, three = 0;
    for (int s = 0; s < seeds; s++) {
        const ss_life *with = &life[SS_WITH][s];
        growth[s] = tenth(with, true) / tenth(with, false);
        three += growth[s] >= 3;
        ahead += tenth(with, true) >= tenth(&life[SS_WITHOUT][s], true);
        broken += with->broken;
        checks += with->checkpoints;
    }
    claim(c, broken <= 0 && checks > 0, "the success-story criterion holds after every checkpoint",
          "%.0f checkpoints, %.0f broken", checks, broken);
    claim(c, median(growth, seeds) >= 3, "payoff in the last tenth of life at least 3 times that in the first",
          "%.1f times (median; at least 3 in %d of %d)", median(growth, seeds), three, seeds);
    claim(c, ahead >= .7 * seeds - 1e-9, "with taking back at least as good as without, in 7 of 10 seeds", "%d of %d",
          ahead, seeds);
    jd_run_extra(c->r, "growth", median(growth, seeds));
}

/* ---- figures ------------------------------------------------------------------------------------------------------------------*/

static void curves(jd_run *r, ss_life *const *life, int seeds)
{
    double x[SS_PARTS], y[SS_SEEDS * SS_PARTS];
    jd_report_section(jd_run_report(r), "Payoff over a life");
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "million cycles"},
                               &(jd_axis){.label = "payoff in 1000 cycles", .scale = JD_LOG}, 300);
    for (int p = 0; p < SS_PARTS; p++) x[p] = (p + 1) * life[SS_WITH][0].cycles / SS_PARTS / 1e6;
    for (int a = 0; a < SS_ARMS; a++) {
        for (int s = 0; s < seeds; s++)
            for (int p = 0; p < SS_PARTS; p++) y[s * SS_PARTS + p] = fmax(.1, life[a][s].rate[p]);
        jd_chart_seeds(c, arm_label[a], x, y, (size_t)seeds, SS_PARTS, 0);
    }
    jd_chart_panel(c, &(jd_axis){.label = "valid modifications"}, 140);
    for (int s = 0; s < seeds; s++)
        for (int p = 0; p < SS_PARTS; p++) y[s * SS_PARTS + p] = life[SS_WITH][s].depth[p];
    jd_chart_seeds(c, arm_label[SS_WITH], x, y, (size_t)seeds, SS_PARTS, JD_NO_LABEL);
    jd_report_chart(
        jd_run_report(r), c,
        "Median of the seeds bold, seeds thin; payoffs below 0.1 are drawn at 0.1. Learners are the same but for what "
        "happens to their self-modifications. Below: blocks of modifications that stand, each of "
        "which was followed by faster payoff than the one before it.");
}

static void table(jd_run *r, ss_life *const *life, int seeds)
{
    enum { COLUMNS = 6 };
    char cell[SS_ARMS][COLUMNS][64];
    const char *cells[SS_ARMS * COLUMNS];
    for (int a = 0; a < SS_ARMS; a++) {
        double first[SS_SEEDS], last[SS_SEEDS], kept[SS_SEEDS], undone[SS_SEEDS], changes[SS_SEEDS];
        for (int s = 0; s < seeds; s++) {
            const ss_life *l = &life[a][s];
            first[s] = tenth(l, false), last[s] = tenth(l, true);
            kept[s] = l->depth[SS_PARTS - 1], undone[s] = l->undone, changes[s] = l->modifications;
        }
        sort(first, seeds), sort(last, seeds);
        snprintf(cell[a][0], 64, "%s", arm_label[a]);
        snprintf(cell[a][1], 64, "%.1f", median(first, seeds));
        snprintf(cell[a][2], 64, "%.1f (%.1f to %.1f)", median(last, seeds), last[0], last[seeds - 1]);
        snprintf(cell[a][3], 64, "%.0f", median(changes, seeds));
        snprintf(cell[a][4], 64, a == SS_WITH ? "%.0f" : "-", median(undone, seeds));
        snprintf(cell[a][5], 64, a == SS_WITH ? "%.0f" : "-", median(kept, seeds));
        for (int k = 0; k < COLUMNS; k++) cells[COLUMNS * a + k] = cell[a][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"learner", "payoff, first tenth", "payoff, last tenth", "cells changed",
                              "blocks taken back", "blocks that stand"},
        cells, SS_ARMS, COLUMNS,
        "Payoff in 1000 cycles, median of the seeds (smallest to largest). The paper prints no table for its "
        "maze of this size.");
}

static void draw_maze(jd_run *r, const ss_maze *m, ss_life *const *life)
{
    enum { SIDE = 210, SHOWN = 3 };
    static const int shown[SHOWN] = {SS_FIXED, SS_WITHOUT, SS_WITH};
    char text[SHOWN][80];
    const char *captions[SHOWN];
    canvas c = canvas_new(jd_run_ctx(r), SHOWN, SIDE, SIDE * (SS_HEIGHT + 1) / (SS_WIDTH + 1), SS_WIDTH + 1);
    for (size_t i = 0; i < SHOWN && c.pixels; i++) {
        const ss_life *l = &life[shown[i]][0];
        canvas_box(&c, i, 0, 0, SS_WIDTH + 1, SS_HEIGHT + 1, CANVAS_WALL, 1);
        canvas_box(&c, i, .5, .5, SS_WIDTH + .5, SS_HEIGHT + .5, CANVAS_PALE, 1);
        double x = m->start % SS_WIDTH + 1, y = SS_HEIGHT - m->start / SS_WIDTH;
        for (int p = 0; p < SS_PLACES; p++)
            if (m->wall[p]) {
                const double u = p % SS_WIDTH + .5, v = SS_HEIGHT - p / SS_WIDTH - .5;
                canvas_box(&c, i, u, v, u + 1, v + 1, CANVAS_WALL, 1);
            }
        canvas_disc(&c, i, x, y, .28, CANVAS_INK, 1);
        canvas_disc(&c, i, m->goal % SS_WIDTH + 1, SS_HEIGHT - m->goal / SS_WIDTH, .36, CANVAS_GOAL, 1);
        for (int t = 0; t < l->path_length; t++) {
            const double u = l->path[t] % SS_WIDTH + 1, v = SS_HEIGHT - l->path[t] / SS_WIDTH;
            double rgb[3]; /* blue at first, orange in the end */
            canvas_mix(canvas_colour(0), canvas_colour(1), (t + 1.) / l->path_length, rgb);
            canvas_line(&c, i, x, y, u, v, .16, rgb, .8);
            x = u, y = v;
        }
        if (l->path_length)
            snprintf(text[i], sizeof text[i], "%s: %d steps, %d cycles", arm_label[shown[i]], l->path_length,
                     l->path_cycles);
        else
            snprintf(text[i], sizeof text[i], "%s: no way", arm_label[shown[i]]);
        captions[i] = text[i];
    }
    char caption[300];
    snprintf(caption, sizeof caption,
             "The first seed's maze, and the last way to the goal (green) in each life, blue at its beginning. The "
             "shortest takes %d "
             "steps. \"No way\": none of less than %d steps in the last hundredth of the life.",
             m->shortest, SS_PATH);
    canvas_show(r, &c, captions, SHOWN, caption);
}

static void program(jd_run *r, const ss_life *l)
{
    static const char *const name[SS_VALUES] = {"north",
                                                "east",
                                                "south",
                                                "west",
                                                "if wall north",
                                                "if wall east",
                                                "if wall south",
                                                "if wall west",
                                                "jump",
                                                "IncProb",
                                                "DecProb",
                                                "EvalPolicy",
                                                "-",
                                                "-",
                                                "-",
                                                "-"};
    float v[SS_CELLS * SS_VALUES];
    for (int c = 0; c < SS_CELLS; c++)
        for (int k = 0; k < SS_VALUES; k++) v[c * SS_VALUES + k] = (float)l->p[c][k];
    jd_report_map(
        jd_run_report(r),
        &(jd_map){.label = "value",
                  .value_label = "probability",
                  .values = v,
                  .T = SS_CELLS,
                  .H = SS_VALUES,
                  .vmax = 1,
                  .row_names = name,
                  .height = 300},
        "program cell", 0, SS_CELLS,
        "What the first seed's policy has made of itself: the probability of each value in each program cell; at birth "
        "all are 1/16. A cell's value is an instruction, or the argument of one before it.");
}

/* ---- the run -------------------------------------------------------------------------------------------------------------------*/

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int seeds = (int)jd_run_setting(r, "seeds");
    const double cycles = jd_run_setting(r, "cycles");
    if (!(seeds >= 1 && seeds <= SS_SEEDS && cycles >= 10 * SS_PARTS))
        return jd_fail(ctx, JD_EUSAGE, "success-story: seeds is 1 to %d, cycles at least %d", SS_SEEDS, 10 * SS_PARTS);
    ss_life *life[SS_ARMS];
    bool whole = true;
    for (int a = 0; a < SS_ARMS; a++) {
        life[a] = jd_alloc_array(ctx, (size_t)seeds, sizeof **life);
        whole = whole && life[a];
    }
    jd_run_stage(r, "lives");
    for (int i = 0; i < SS_ARMS * seeds && whole; i++) {
        ss_life *l = &life[i % SS_ARMS][i / SS_ARMS];
        l->cycles = cycles;
        l->check_every = jd_run_setting(r, "check_every");
        whole = ss_live(r, l, (ss_arm)(i % SS_ARMS), SEED_STRIDE * jd_run_seed(r) + (uint64_t)(i / SS_ARMS) + 1, 0) &&
                !jd_run_progress(r, i + 1, SS_ARMS * seeds, "%s: payoff %.1f", arm_label[i % SS_ARMS], tenth(l, true));
    }
    if (whole) {
        claims c = {.r = r};
        ss_maze m;
        ss_maze_new(&m, SEED_STRIDE * jd_run_seed(r) + 1);
        judge(&c, life, seeds);
        claims_table(&c, "What the success-story algorithm promises, and what it is worth here.");
        curves(r, life, seeds);
        table(r, life, seeds);
        jd_report_section(jd_run_report(r), "The maze, and what the policy became");
        draw_maze(r, &m, life);
        program(r, &life[SS_WITH][0]);
        jd_run_finish(r, c.hold, c.hold < c.n ? "see the table of claims" : NULL);
    }
    for (int a = 0; a < SS_ARMS; a++) jd_free(ctx, life[a]);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? JD_OK : jd_run_stopped(r);
}

static const jd_setting settings[] = {{"seeds", {5, 10, 30}, "lives of each kind, each in a maze of its own"},
                                      {"cycles", {5e6, 2e7, 1e8}, "instructions in a life"},
                                      {"check_every", {1e6, 1e6, 1e6}, "a checkpoint after so many cycles without one"},
                                      {NULL}};

const jd_system jd_system_success_story = {
    .name = "success-story",
    .year = 1997,
    .title = "A policy that changes itself, and takes back what did not pay",
    .paper = "Schmidhuber, Zhao, Schraudolph, in: Learning to learn, 1997; Wiering, Schmidhuber, ICML 1996",
    .metric = "claims that hold, of 3",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "a maze of 9 x 6 with 7 obstacles, payoff 100 at the goal; the cells of its obstacles cannot be read, and no "
        "figure was published that could be compared",
    .accept = {3, 3, 3},
    .about = "The policy is a program whose cells hold probabilities of instructions. Some instructions change those "
             "probabilities: the policy modifies itself, the way in which it does so included, and nothing else "
             "learns. When the policy says so, and payoffs have come in, the success-story algorithm looks back: "
             "modifications stand only as long as each was followed by faster payoff than the one before, up to now; "
             "others are taken back. Without that a life soon ends in a program that does nothing.",
    .data = "",
    .settings = settings,
    .run = run,
};
