/* attention_report.c - trajectories, what was seen and what was expected, as pictures and curves; see attention.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "attention.h"
#include "canvas.h"

/* ---- painting: canvas.h has y upward, scenes have it downward ------------------------------------------------------------------*/

static const double RED[3] = {.84, .24, .16}, BLUE[3] = {.12, .43, .75}, GREY[3] = {.60, .60, .62};

static void dot(canvas *p, int i, double x, double y, double radius, const double *rgb)
{
    canvas_disc(p, (size_t)i, x, (double)p->h - y, radius, rgb, 1);
}

static void stroke(canvas *p, int i, double x0, double y0, double x1, double y1, double width, const double *rgb)
{
    canvas_line(p, (size_t)i, x0, (double)p->h - y0, x1, (double)p->h - y1, width, rgb, 1);
}

static void ring(canvas *p, int i, double x, double y, double radius, double width, const double *rgb)
{
    enum { PARTS = 60 };
    for (int k = 0; k < PARTS; k++) {
        const double a = 2 * AT_PI * k / PARTS, b = 2 * AT_PI * (k + 1) / PARTS;
        stroke(p, i, x + radius * sin(a), y + radius * cos(a), x + radius * sin(b), y + radius * cos(b), width, rgb);
    }
}

/* ---- scenes with paths -------------------------------------------------------------------------------------------------------*/

enum { VIEW = 160 }; /* pixels of the scene, and of a tile */

/* The part of the scene around a place, dark things grey. */
static void paint_scene(canvas *p, int i, const at_scene *s, at_pose middle)
{
    static const double thing[3] = {.69, .69, .69}, beyond[3] = {.90, .90, .91};
    for (int v = 0; v < VIEW; v++)
        for (int u = 0; u < VIEW; u++) {
            const int x = (int)floor(middle.x) - VIEW / 2 + u, y = (int)floor(middle.y) - VIEW / 2 + v;
            const bool outside = x < 0 || y < 0 || x >= AT_SIDE || y >= AT_SIDE;
            if (outside || s->pixels[y * AT_SIDE + x])
                canvas_box(p, (size_t)i, u, VIEW - 1 - v, u + 1, VIEW - v, outside ? beyond : thing, 1);
        }
}

typedef struct view {
    double x, y; /* in the tile */
} view;
static view seen(at_pose middle, at_pose at)
{
    return (view){at.x - floor(middle.x) + VIEW / 2., at.y - floor(middle.y) + VIEW / 2.};
}

static void arrow(canvas *p, int i, at_pose middle, at_pose at, const double *c)
{
    const view a = seen(middle, at);
    stroke(p, i, a.x, a.y, a.x + 15 * sin(at.angle), a.y - 15 * cos(at.angle), 1.4, c);
}

static void paint_path(canvas *p, int i, const at_task *t, const at_trial *o, const at_pose *pose)
{
    const at_pose middle = o->middle;
    for (int j = 0; j < t->steps; j++) {
        const view a = seen(middle, pose[j]), b = seen(middle, pose[j + 1]);
        stroke(p, i, a.x, a.y, b.x, b.y, 1.6, RED);
    }
    for (int j = 0; j <= t->steps; j++) {
        const view a = seen(middle, pose[j]);
        dot(p, i, a.x, a.y, j ? 2 : 3, j ? RED : BLUE);
        if (t->actions == AT_ACTIONS && (j < 4 || j == t->steps)) arrow(p, i, middle, pose[j], j ? RED : BLUE);
    }
    const view start = seen(middle, pose[0]), end = seen(middle, pose[t->steps]), goal = seen(middle, o->goal);
    ring(p, i, start.x, start.y, 38, 1.4, BLUE);
    ring(p, i, end.x, end.y, 38, 1.4, RED);
    stroke(p, i, goal.x - 5, goal.y, goal.x + 5, goal.y, 1.6, CANVAS_GOAL);
    stroke(p, i, goal.x, goal.y - 5, goal.x, goal.y + 5, 1.6, CANVAS_GOAL);
}

static void draw_paths(attention *a)
{
    enum { ACROSS = 4 };
    const int tiles = a->tasks * ACROSS;
    canvas p = canvas_new(jd_run_ctx(a->r), (size_t)tiles, VIEW, VIEW, VIEW);
    static const char *captions[AT_TASKS * ACROSS];
    static char text[AT_TASKS * ACROSS][64];
    if (!p.pixels) return;
    for (int i = 0; i < tiles; i++) {
        const at_task *t = &at_tasks[i / ACROSS];
        at_pose pose[AT_TEST_STEPS + 1];
        at_trial o;
        jd_rng r = jd_rng_new(at_seed(a->r, 0), "attention/test", (uint64_t)(i % ACROSS));
        at_place(t, &r, &a->scene, &o);
        at_begin(t, &r, 1, false, &o);
        at_walk(a, t, &a->result[i / ACROSS].kept, &o, NULL, pose);
        paint_scene(&p, i, &a->scene, o.middle);
        paint_path(&p, i, t, &o, pose);
        snprintf(text[i], sizeof text[i], "%s%s: %s", t->goals ? "named: " : "",
                 t->goals ? at_kind_name[o.which] : t->name, at_arrived(t, &o, pose[t->steps]) ? "found" : "not found");
        captions[i] = text[i];
    }
    jd_report_section(jd_run_report(a->r), "Trajectories");
    canvas_show(
        a->r, &p, captions, ACROSS,
        "The first four test scenes of each task, first seed; a part of 160 x 160 pixels of each. Blue: where the "
        "retina starts, and how much it covers; red: its way and its end; green cross: the point to be reached. Where "
        "the retina turns, lines point to its upper side.");
}

/* ---- seen and expected -------------------------------------------------------------------------------------------------------*/

enum { EYE = 88 };

static void paint_retina(canvas *p, int i, const at_scene *s, const double *x)
{
    const double zoom = EYE / 80.;
    for (int k = AT_FIELDS - 1; k >= 0; k--) {
        const double v = .96 - .88 * fmin(1, fmax(0, x[k])), shade[3] = {v, v, v};
        const double cx = EYE / 2. + zoom * s->field[k].x, cy = EYE / 2. + zoom * s->field[k].y,
                     radius = zoom * s->field[k].side / 1.77;
        dot(p, i, cx, cy, radius, GREY);
        dot(p, i, cx, cy, radius - .8, shade);
    }
}

static void draw_eye(attention *a, at_task_id id, uint64_t scene, const char *caption)
{
    enum { SHOWN = 6, TILES = 2 * (SHOWN + 1) };
    const at_task *t = &at_tasks[id];
    at_chain *k = &a->result[id].kept;
    canvas p = canvas_new(jd_run_ctx(a->r), TILES, EYE, EYE, EYE);
    const char *captions[TILES];
    char text[TILES][40];
    at_pose pose[AT_TEST_STEPS + 1];
    at_trial o;
    double d[AT_FIELDS];
    if (!p.pixels) return;
    jd_rng r = jd_rng_new(at_seed(a->r, 0), "attention/test", scene);
    at_place(t, &r, &a->scene, &o);
    at_begin(t, &r, 1, false, &o);
    at_walk(a, t, k, &o, NULL, pose);
    for (int j = 0; j < SHOWN; j++) {
        at_expect(k, j, k->pc[j].y);
        paint_retina(&p, j, &a->scene, k->x[j]);
        snprintf(text[j], sizeof text[j], "seen at step %d", j);
        snprintf(text[SHOWN + 1 + j], sizeof text[0], j ? "expected at step %d" : " ", j);
        if (j) paint_retina(&p, SHOWN + 1 + j, &a->scene, k->pm[j - 1].y);
    }
    at_pattern(&a->scene, t->goals ? (at_kind)o.which : t->kind, d);
    paint_retina(&p, SHOWN, &a->scene, d);
    snprintf(text[SHOWN], sizeof text[0], "goal");
    snprintf(text[TILES - 1], sizeof text[0], " ");
    for (int i = 0; i < TILES; i++) captions[i] = text[i];
    canvas_show(a->r, &p, captions, SHOWN + 1, caption);
}

/* ---- curves ------------------------------------------------------------------------------------------------------------------*/

static void draw_success(attention *a)
{
    jd_chart *c = jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "step"},
                               &(jd_axis){.label = "at the goal (%)", .min = 0, .max = 100}, 320);
    for (int i = 0; i < a->tasks; i++) {
        const at_result *e = &a->result[i];
        double y[AT_TEST_STEPS + 1], v[AT_SEEDS];
        for (int j = 0; j <= at_tasks[i].steps; j++) {
            for (int s = 0; s < e->seeds; s++) v[s] = 100 * e->by_step[s][j];
            y[j] = at_median(v, e->seeds);
        }
        jd_chart_line(c, at_tasks[i].name, NULL, y, (size_t)at_tasks[i].steps + 1, JD_MARKS);
    }
    jd_chart_hline(c, "random", 100 * at_median(a->result[0].random, a->result[0].seeds), JD_DASHED);
    jd_report_chart(
        jd_run_report(a->r), c,
        "Share of the test scenes in which the retina is at the goal after so many steps, median of the seeds. "
        "Dashed: random outputs, at the triangle after ten steps.");
    c = NULL;
    for (int i = 0; i < a->tasks; i++) {
        at_result *e = &a->result[i];
        const jd_axis y = {.label = at_tasks[i].name, .min = 0, .max = 100};
        double curve[AT_SEEDS * AT_POINTS];
        for (int k = 0; k < e->seeds * e->points; k++) curve[k] = 100 * e->curve[k / e->points][k % e->points];
        for (int k = 0; k < e->points; k++) e->x[k] *= 100. / e->trajectories;
        if (!c)
            c = jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "trajectories (% of all)", .min = 0, .max = 100}, &y,
                             110);
        else
            jd_chart_panel(c, &y, 110);
        jd_chart_seeds(c, "success (%)", e->x, curve, (size_t)e->seeds, (size_t)e->points, JD_NO_LABEL);
    }
    jd_report_chart(
        jd_run_report(a->r), c,
        "Success on 100 scenes kept for this, in %, while C learns: each seed thin, the median bold. Where one "
        "of three things is named, and where the retina turns, it starts near the goal at first and farther "
        "away, up to all of the test's distance, until 70 % of the trajectories are done.");
}

/* How far the goal's pattern is from what a retina sees that is turned. */
static void draw_turns(attention *a)
{
    enum { DEGREES = 180 };
    double x[DEGREES + 1], y[DEGREES + 1], d[AT_FIELDS], now[AT_FIELDS];
    at_pattern(&a->scene, AT_TRIANGLE, d);
    for (int i = 0; i <= DEGREES; i++) {
        at_look(&a->scene, (at_pose){AT_SIDE / 2, AT_SIDE / 2, i * AT_PI / 180}, now);
        x[i] = i;
        y[i] = 0;
        for (int k = 0; k < AT_FIELDS; k++) y[i] += (now[k] - d[k]) * (now[k] - d[k]);
    }
    jd_chart *c = jd_chart_new(jd_run_ctx(a->r), &(jd_axis){.label = "turned by (degrees)", .min = 0, .max = 180},
                               &(jd_axis){.label = "error of the last input", .min = 0}, 220);
    jd_chart_line(c, "triangle", x, y, DEGREES + 1, 0);
    jd_report_chart(
        jd_run_report(a->r), c,
        "Why turns are hard: the error that C is taught with, at the triangle's point, against how far the "
        "retina is turned. Beyond 80 degrees its slope leads away from the goal, to 145 degrees, where one of "
        "the wide corners lies where the narrow one should be. From there the gradient says nothing of the way out.");
}

static void draw_track(attention *a)
{
    enum { ACROSS = 4, SCALE = 3, SIDE = AT_SIDE / SCALE };
    canvas p = canvas_new(jd_run_ctx(a->r), ACROSS, SIDE, SIDE, SIDE);
    const char *captions[ACROSS];
    char text[ACROSS][48];
    if (!p.pixels) return;
    for (int i = 0; i < ACROSS; i++) {
        at_pose target[AT_TRACK_STEPS], eye[AT_TRACK_STEPS];
        jd_rng r = jd_rng_new(at_seed(a->r, 0), "attention/track", (uint64_t)i);
        const double mean = at_track(a, &a->result[AT_TASK_TRIANGLE].kept, &r, target, eye);
        for (int j = 0; j < AT_TRACK_STEPS; j++) {
            target[j].x /= SCALE, target[j].y /= SCALE;
            eye[j].x /= SCALE, eye[j].y /= SCALE;
        }
        for (int j = 0; j + 1 < AT_TRACK_STEPS; j++) {
            stroke(&p, i, target[j].x, target[j].y, target[j + 1].x, target[j + 1].y, 2, CANVAS_GOAL);
            stroke(&p, i, eye[j].x, eye[j].y, eye[j + 1].x, eye[j + 1].y, 1.4, RED);
        }
        for (int j = 0; j < AT_TRACK_STEPS; j++) dot(&p, i, eye[j].x, eye[j].y, j ? 1.5 : 3, j ? RED : BLUE);
        snprintf(text[i], sizeof text[i], "mean distance %.1f pixels", mean);
        captions[i] = text[i];
    }
    canvas_show(
        a->r, &p, captions, ACROSS,
        "A triangle that moves 5 pixels a step (green), and the retina (red, from the blue dot), whose C has only "
        "learned from triangles that do not move. Whole scenes.");
}

static void draw_table(attention *a)
{
    enum { COLUMNS = 9 };
    static char text[AT_TASKS][COLUMNS - 1][64];
    const char *cells[AT_TASKS * COLUMNS];
    for (int i = 0; i < a->tasks; i++) {
        const at_result *e = &a->result[i];
        const int n = e->seeds;
        char(*c)[64] = text[i];
        double low = 1;
        for (int s = 0; s < n; s++) low = fmin(low, e->success[s]);
        snprintf(c[0], 64, "%.1f", 100 * at_median(e->success, n));
        snprintf(c[7], 64, "%.1f", 100 * low);
        snprintf(c[1], 64, "%.1f", 100 * at_median(e->random, n));
        snprintf(c[2], 64, "%.2f", at_median(e->path, n));
        snprintf(c[3], 64, "%.2f", at_median(e->hops, n));
        snprintf(c[4], 64, "%.2f / %.2f", at_median(e->expected, n), at_median(e->stay, n));
        if (at_tasks[i].first < 1)
            snprintf(c[5], 64, "%.1f", 100 * at_median(e->other, n));
        else
            snprintf(c[5], 64, "-");
        if (at_tasks[i].things > 1)
            snprintf(c[6], 64, "%.1f", 100 * at_median(e->between, n));
        else
            snprintf(c[6], 64, "-");
        cells[COLUMNS * i] = at_tasks[i].name;
        for (int k = 1; k < COLUMNS; k++) cells[COLUMNS * i + k] = c[k - 1];
    }
    jd_report_table(
        jd_run_report(a->r),
        (const char *const[]){"task", "success (%)", "random (%)", "length / straight", "steps / straight",
                              "error of M / of no change", "harder starts (%)", "between (%)", "least success (%)"},
        cells, (size_t)a->tasks, COLUMNS,
        "Medians of the seeds; least success: of the worst seed. Length and steps up to the first pose within 5 "
        "pixels, against the straight line and its length in steps of 20 pixels. Harder starts: another thing is "
        "nearer than the named one; the retina is turned by more than 80 degrees. Between: started within 10 pixels "
        "of the middle of the three things, 44 pixels from each, where a C that does not know the goal would be right "
        "in a third.");
}

void at_draw(attention *a)
{
    jd_report_section(jd_run_report(a->r), "Success");
    draw_success(a);
    draw_table(a);
    draw_paths(a);
    jd_report_section(jd_run_report(a->r), "What the retina saw, and what M expected");
    draw_eye(
        a, AT_TASK_TRIANGLE, 0,
        "A trajectory to the triangle. Above: the 40 fields at each step, and what they should be at the end; below: "
        "what M expected to see then, from the step before and what C did.");
    draw_eye(a, AT_TASK_GOALS, 1, "The same where one of three things is named.");
    if (a->tasks > AT_TASK_TURN) {
        draw_eye(a, AT_TASK_TURN, 0, "The same where the retina turns.");
        draw_turns(a);
    }
    jd_report_section(jd_run_report(a->r), "A target that moves");
    draw_track(a);
}
