/* robocup_report.c - what "robocup-prediction" shows: rounds driven, errors against delay, the game; see robocup.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "robocup.h"

enum { CELL = 48 };
#define DEGREES 57.29577951308232

/* Mean, least and most over the seeds of what `of` reads. */
typedef struct spread {
    double mean, least, most;
} spread;
static spread over(const rc_seed *seed, int seeds, double (*of)(const rc_seed *, int, int), int a, int b)
{
    spread s = {0, HUGE_VAL, -HUGE_VAL};
    for (int i = 0; i < seeds; i++) {
        const double v = of(&seed[i], a, b);
        s.mean += v / seeds;
        s.least = fmin(s.least, v);
        s.most = fmax(s.most, v);
    }
    return s;
}

static double position(const rc_seed *s, int kind, int unused)
{
    (void)unused;
    return 1e3 * s->error[kind].position;
}
static double angle(const rc_seed *s, int kind, int unused)
{
    (void)unused;
    return DEGREES * s->error[kind].angle;
}
static double path(const rc_seed *s, int kind, int unused)
{
    (void)unused;
    return 1e3 * s->path[kind];
}
static double late_position(const rc_seed *s, int delay, int kind)
{
    return 1e3 * s->delayed[delay][kind].position;
}
static double late_angle(const rc_seed *s, int delay, int kind)
{
    return DEGREES * s->delayed[delay][kind].angle;
}
static double on_carpet(const rc_seed *s, int carpet, int kind)
{
    return 1e3 * s->slippery[carpet][kind];
}

/* ---- rounds --------------------------------------------------------------------------------------------------------------*/

static const rc_kind DRIVEN[] = {RC_LATE, RC_NET, RC_TRUE};
static const char *const DRIVEN_NAME[] = {"late pose", "predicted", "true pose"};
enum { SHOWN = 3, FROM = 60, FRAMES = 330 };

static void rounds(jd_run *r, const rc_pictures *p)
{
    static rb_path eight;
    double x[RC_ROUND], y[RC_ROUND];
    rb_path_new(&eight);
    jd_chart *c = NULL;
    for (int i = 0; i < SHOWN; i++) {
        const jd_axis axis = {.label = "", .min = -.6, .max = .6};
        const rb_recording *d = &p->loop[DRIVEN[i]];
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "metres", .min = -1.1, .max = 1.1}, &axis, 330);
        else
            jd_chart_panel(c, &axis, 330);
        jd_chart_line(c, "path", eight.x, eight.y, RB_PATH, JD_NEUTRAL | JD_DASHED | JD_NO_LABEL);
        for (int k = 0; k < d->count; k++) x[k] = d->is[k].x, y[k] = d->is[k].y;
        jd_chart_line(c, DRIVEN_NAME[i], x + FROM, y + FROM, (size_t)(d->count - FROM), 0);
    }
    char caption[400];
    snprintf(caption, sizeof caption,
             "Twenty-eight seconds on the figure of eight (dashed), first robot: where it really drove while its "
             "controller acted on the pose of four frames ago (above), on the net's prediction, and on the true pose "
             "(below). Up to 1.5 m/s, slower in the bends, where the wheels would slip. Mean distances from the path: "
             "%.1f, %.1f and %.1f mm.",
             path(p->seed, RC_LATE, 0), path(p->seed, RC_NET, 0), path(p->seed, RC_TRUE, 0));
    jd_report_chart(jd_run_report(r), c, caption);
}

static void put(float *to, double x0, double y0, double x1, double y1)
{
    to[0] = (float)x0, to[1] = (float)y0, to[2] = (float)x1, to[3] = (float)y1;
}

static void film(jd_run *r, const rc_pictures *p)
{
    enum { DOTS = 40, TRAIL = 8, EACH = DOTS + TRAIL + 3, LINES = SHOWN * EACH };
    static rb_path eight;
    jd_film_line line[LINES];
    float *at = jd_alloc_array(jd_run_ctx(r), FRAMES * LINES, 4 * sizeof *at);
    rb_path_new(&eight);
    for (int f = 0; at && f < FRAMES; f++)
        for (int i = 0; i < SHOWN; i++) {
            const rb_recording *d = &p->loop[DRIVEN[i]];
            float *to = at + ((size_t)f * LINES + (size_t)(i * EACH)) * 4;
            jd_film_line *style = line + i * EACH;
            const double shift = 1.75 * (i - 1);
            const int k = FROM + f, known = i == 0 ? k - RB_DELAY : k;
            for (int m = 0; m < DOTS; m++, to += 4) {
                const double x = eight.x[m * RB_PATH / DOTS] + shift, y = eight.y[m * RB_PATH / DOTS];
                *style++ = (jd_film_line){.012, JD_FILM_MUTED};
                put(to, x, y, x, y);
            }
            for (int m = 0; m < TRAIL; m++, to += 4) {
                const rb_pose *a = &d->is[k - 3 * m], *b = &d->is[k - 3 * m - 3];
                *style++ = (jd_film_line){.02, i};
                put(to, a->x + shift, a->y, b->x + shift, b->y);
            }
            const rb_pose q = d->is[k], seen = d->is[known];
            *style++ = (jd_film_line){.05, JD_FILM_MUTED};
            put(to, seen.x + shift, seen.y, seen.x + shift, seen.y);
            *style++ = (jd_film_line){.16, i};
            put(to + 4, q.x + shift, q.y, q.x + shift, q.y);
            *style = (jd_film_line){.03, JD_FILM_INK};
            put(to + 8, q.x + shift, q.y, q.x + .09 * cos(q.phi) + shift, q.y + .09 * sin(q.phi));
        }
    if (at)
        jd_report_film(
            jd_run_report(r), &(jd_film){-2.7, -.65, 2.7, .65, FRAMES * RB_FRAME, FRAMES, LINES, at, line},
            "The same rounds in real time: steered by the late pose (left; the grey spot is what the camera "
            "shows), by the prediction, by the true pose (right). The stroke is the heading, which is to lie "
            "along the path.");
    jd_free(jd_run_ctx(r), at);
}

/* ---- errors --------------------------------------------------------------------------------------------------------------*/

static void table(jd_run *r, const rc_pictures *p)
{
    static const char *const headings[] = {"the pose comes from", "position (mm)", "heading (degrees)",
                                           "from the path (mm)"};
    char cell[RC_WAYS][3][CELL];
    const char *cells[RC_WAYS * 4];
    size_t rows = 0;
    for (int k = 0; k < RC_WAYS; k++) {
        if (k >= RC_NET && k < RC_TRUE && !p->lab->net[k].params) continue;
        double (*const of[])(const rc_seed *, int, int) = {position, angle, path};
        for (int i = 0; i < 3; i++) {
            if (k == RC_TRUE && i < 2) {
                snprintf(cell[k][i], CELL, "0");
                continue;
            }
            const spread s = over(p->seed, p->seeds, of[i], k, 0);
            snprintf(cell[k][i], CELL, "%.2f (%.2f to %.2f)", s.mean, s.least, s.most);
        }
        cells[4 * rows] = rc_name[k];
        for (int i = 0; i < 3; i++) cells[4 * rows + 1 + (size_t)i] = cell[k][i];
        rows++;
    }
    jd_report_table(
        jd_run_report(r), headings, cells, rows, 4,
        "Mean errors on two minutes of driving that were not learned from, against the simulator's true pose, "
        "and mean distance from the figure of eight when steered by it: mean over the seeds, smallest to "
        "largest. The camera's own noise, 3 mm and 0.57 degrees in each coordinate, is in what all see.");
}

static void curve(jd_chart *c, const rc_pictures *p, double (*of)(const rc_seed *, int, int))
{
    for (int k = 0; k < RC_BLIND; k++) {
        double x[RC_DELAYS], mean[RC_DELAYS], lo[RC_DELAYS], hi[RC_DELAYS];
        for (int d = 0; d < RC_DELAYS; d++) {
            const spread s = over(p->seed, p->seeds, of, d, k);
            x[d] = d + 1, mean[d] = s.mean, lo[d] = s.least, hi[d] = s.most;
        }
        jd_chart_band(c, rc_name[k], x, lo, hi, RC_DELAYS, 0);
        jd_chart_line(c, rc_name[k], x, mean, RC_DELAYS, JD_MARKS);
    }
}

static void against_delay(jd_run *r, const rc_pictures *p)
{
    jd_chart *c =
        jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "delay (frames of 33 ms)", .min = 1, .max = RC_DELAYS},
                     &(jd_axis){.label = "position error (mm)", .scale = JD_LOG}, 300);
    curve(c, p, late_position);
    jd_chart_vline(c, "", RB_DELAY, JD_DASHED | JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_panel(c, &(jd_axis){.label = "heading error (degrees)", .scale = JD_LOG}, 300);
    curve(c, p, late_angle);
    jd_chart_vline(c, "", RB_DELAY, JD_DASHED | JD_NEUTRAL | JD_NO_LABEL);
    jd_report_chart(
        jd_run_report(r), c,
        "Mean error on the test when the camera is so many frames late; predictors of their own for each "
        "delay, the net and linear regression always from the last six poses known and the last six "
        "commands. From seven frames on some commands that matter are out of their sight, while the integrated "
        "ones are all there. Bands: smallest to largest over the seeds.");
}

static void carpets(jd_run *r, const rc_pictures *p)
{
    static const double friction[RC_FRICTIONS] = {.2, .3, .4, .5};
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "friction (weights)"},
                               &(jd_axis){.label = "position error (mm)", .scale = JD_LOG}, 260);
    for (int k = 0; k < RC_BLIND; k++) {
        double mean[RC_FRICTIONS];
        for (int f = 0; f < RC_FRICTIONS; f++) mean[f] = over(p->seed, p->seeds, on_carpet, f, k).mean;
        jd_chart_line(c, rc_name[k], friction, mean, RC_FRICTIONS, JD_MARKS);
    }
    jd_chart_vline(c, "learned on", RB_FRICTION, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(
        jd_run_report(r), c,
        "The same predictors, which learned on a carpet of friction 0.35, on carpets that they do not know.");
}

/* ---- what the net does ---------------------------------------------------------------------------------------------------*/

static void trace(jd_run *r, const rc_pictures *p)
{
    enum { FIRST = 600, N = 100 };
    double t[N], is[N], late[N], net[N], far[2][N];
    if (p->test->count < FIRST + N) return;
    for (int i = 0; i < N; i++) {
        const int k = FIRST + i;
        const rb_pose a = rc_where(p->lab, RC_LATE, p->test, k), b = rc_where(p->lab, RC_NET, p->test, k);
        t[i] = RB_FRAME * i, is[i] = p->test->is[k].x, late[i] = a.x, net[i] = b.x;
        far[0][i] = 1e3 * hypot(a.x - p->test->is[k].x, a.y - p->test->is[k].y);
        far[1][i] = 1e3 * hypot(b.x - p->test->is[k].x, b.y - p->test->is[k].y);
    }
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "seconds"}, &(jd_axis){.label = "x (m)"}, 240);
    jd_chart_line(c, "true", t, is, N, JD_NEUTRAL);
    jd_chart_line(c, "late pose", t, late, N, 0);
    jd_chart_line(c, "predicted", t, net, N, 0);
    jd_chart_panel(c, &(jd_axis){.label = "position error (mm)"}, 160);
    jd_chart_line(c, "late pose", t, far[0], N, 0);
    jd_chart_line(c, "predicted", t, far[1], N, 0);
    jd_report_chart(jd_run_report(r), c,
                    "Three seconds of the test: one coordinate, and the distances from the truth.");
}

static void weights(jd_run *r, const rc_pictures *p)
{
    const rc_net *n = &p->lab->net[RC_NET];
    static const char *const what[RB_EACH] = {"dx", "dy", "sin", "cos", "vx", "vy", "omega"};
    static float map[64 * RB_INPUTS];
    static char label[RB_INPUTS][24];
    const char *names[RB_INPUTS];
    char full[64];
    snprintf(full, sizeof full, "%s/hidden/W", n->name);
    const float *W = jd_params_get(n->params, full); /* (units,42) */
    if (!W || n->units > 64) return;
    for (int i = 0; i < RB_INPUTS; i++) { /* rows by kind, the newest first */
        const int kind = i / RB_HISTORY, j = i % RB_HISTORY;
        const int from = kind < 4 ? 4 * j + kind : 4 * RB_HISTORY + 3 * j + kind - 4;
        snprintf(label[i], sizeof label[i], j ? "%s, %d before" : "%s, newest", what[kind], j);
        names[i] = label[i];
        for (int64_t u = 0; u < n->units; u++) map[u * RB_INPUTS + i] = W[u * RB_INPUTS + from];
    }
    jd_report_map(
        jd_run_report(r),
        &(jd_map){.label = "",
                  .value_label = "weight",
                  .values = map,
                  .T = (size_t)n->units,
                  .H = RB_INPUTS,
                  .colors = JD_DIVERGING,
                  .row_names = names,
                  .height = 42 * 13},
        "hidden unit", 0, (double)n->units,
        "What the hidden units look at: weights from the poses known (four kinds) and from the commands (below). "
        "The newest pose of all is where the others are measured from, so its rows carry no information.");
}

void rc_report(jd_run *r, const rc_pictures *p)
{
    jd_report_section(jd_run_report(r), "Driving on what is seen, predicted and true");
    rounds(r, p);
    film(r, p);
    table(r, p);
    jd_report_section(jd_run_report(r), "Errors");
    against_delay(r, p);
    carpets(r, p);
    trace(r, p);
    weights(r, p);
}

/* ---- the game ------------------------------------------------------------------------------------------------------------*/

static void game_errors(jd_run *r, const rg_result *g)
{
    static const char *const axis[RG_KINDS] = {"ball: error (m)", "players: error (m)"};
    jd_chart *c = NULL;
    for (int kind = 0; kind < RG_KINDS; kind++) {
        const jd_axis y = {.label = axis[kind], .scale = JD_LOG};
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "seconds ahead", .scale = JD_LOG}, &y, 260);
        else
            jd_chart_panel(c, &y, 260);
        for (int rival = 0; rival < RG_RIVALS; rival++) {
            double x[RG_HORIZONS], mean[RG_HORIZONS] = {0};
            for (int h = 0; h < RG_HORIZONS; h++) {
                x[h] = .1 * rg_cycles[h];
                for (int s = 0; s < g->seeds; s++) mean[h] += g->error[kind][rival][h][s] / g->seeds;
            }
            jd_chart_line(c, rg_name[rival], x, mean, RG_HORIZONS, JD_MARKS);
        }
    }
    jd_report_chart(jd_run_report(r), c,
                    "Mean distance between where the ball and the players were said to be, and were.");
}

static void game_table(jd_run *r, const rg_result *g)
{
    char cell[RG_KINDS * RG_RIVALS][RG_HORIZONS + 1][CELL], head[RG_HORIZONS][16];
    const char *cells[RG_KINDS * RG_RIVALS * (RG_HORIZONS + 1)], *headings[RG_HORIZONS + 1] = {"metres off"};
    for (int h = 0; h < RG_HORIZONS; h++) {
        snprintf(head[h], sizeof head[h], "%.1f s", .1 * rg_cycles[h]);
        headings[h + 1] = head[h];
    }
    for (int i = 0; i < RG_KINDS * RG_RIVALS; i++) {
        const int kind = i / RG_RIVALS, rival = i % RG_RIVALS;
        snprintf(cell[i][0], CELL, "%s: %s", kind == RG_BALL ? "ball" : "players", rg_name[rival]);
        for (int h = 0; h < RG_HORIZONS; h++) {
            double mean = 0, square = 0;
            for (int s = 0; s < g->seeds; s++) mean += g->error[kind][rival][h][s] / g->seeds;
            for (int s = 0; s < g->seeds; s++)
                square += pow(g->error[kind][rival][h][s] - mean, 2) / fmax(1, g->seeds - 1);
            if (rival == RG_NET && g->seeds > 1)
                snprintf(cell[i][h + 1], CELL, "%.2f (%.2f)", mean, sqrt(square));
            else
                snprintf(cell[i][h + 1], CELL, "%.2f", mean);
        }
        for (int k = 0; k <= RG_HORIZONS; k++) cells[i * (RG_HORIZONS + 1) + k] = cell[i][k];
    }
    char caption[320];
    snprintf(
        caption, sizeof caption,
        "Mean error on the last part of the game; of the net the mean (standard deviation) of %d nets. The ball's %lld "
        "cycles, learned from %lld; the players' %lld places, learned from %lld. Stretches in which the referee "
        "sets the ball or players down are left out.",
        g->seeds, (long long)g->rows[RG_BALL][1], (long long)g->rows[RG_BALL][0], (long long)g->rows[RG_PLAYERS][1],
        (long long)g->rows[RG_PLAYERS][0]);
    jd_report_table(jd_run_report(r), headings, cells, RG_KINDS * RG_RIVALS, RG_HORIZONS + 1, caption);
}

static void outline(jd_chart *c)
{
    jd_chart_line(c, "pitch", (const double[]){-52.5, 52.5, 52.5, -52.5, -52.5},
                  (const double[]){-34, -34, 34, 34, -34}, 5, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_line(c, "pitch", (const double[]){0, 0}, (const double[]){-34, 34}, 2, JD_NEUTRAL | JD_NO_LABEL);
}

static void game_scenes(jd_run *r, const rg_result *g)
{
    static const char *const side[] = {"ball", "left side", "right side"};
    for (int i = 0; i < RG_SCENES; i++) {
        if (!g->scene[i].cycle) continue;
        jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "metres", .min = -56, .max = 56},
                                   &(jd_axis){.label = "", .min = -36, .max = 36}, 380);
        outline(c);
        for (int who = RG_SEEN - 1; who >= 0; who--) {
            double is[2][RG_HORIZONS + 1], said[2][RG_HORIZONS + 1];
            const char *name = side[who == 0 ? 0 : who <= 11 ? 1 : 2];
            for (int h = 0; h <= RG_HORIZONS; h++)
                for (int k = 0; k < 2; k++) {
                    is[k][h] = (double)g->scene[i].is[h][who][k];
                    said[k][h] = (double)g->scene[i].said[h][who][k];
                }
            jd_chart_line(c, name, is[0], is[1], RG_HORIZONS + 1, JD_NO_LABEL);
            jd_chart_line(c, name, said[0], said[1], RG_HORIZONS + 1, JD_NO_LABEL | JD_DASHED);
            jd_chart_points(c, name, is[0], is[1], NULL, NULL, 1, who > 1 && who != 12 ? JD_NO_LABEL : 0);
        }
        char caption[280];
        snprintf(caption, sizeof caption,
                 "Cycle %d: where ball and players are (discs), where they went in the next three seconds (lines), "
                 "and where the nets said they would go (dashed). Green: the ball; orange and blue: the left and the "
                 "right side.",
                 g->scene[i].cycle);
        jd_report_chart(jd_run_report(r), c, caption);
    }
}

void rg_report(jd_run *r, const rg_result *g)
{
    jd_report_section(jd_run_report(r), "Looking ahead in a recorded game");
    jd_report_text(
        jd_run_report(r),
        "Positions of one game of the RoboCup simulation league. One net looks at the ball, one at each player: "
        "its last six places, the ball, and the nearest three players of either side; it says where it will be "
        "in 0.1 to 3 seconds. Nobody knows the commands here.");
    game_errors(r, g);
    game_table(r, g);
    game_scenes(r, g);
}
