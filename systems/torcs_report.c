/*
 * torcs_report.c - test drives of torcs-vision, and what the report shows of them.
 */
#include <stdio.h>
#include <string.h>

#include "torcs.h"

/* ---- drives --------------------------------------------------------------------------------------------------------------*/

static jd_status make_room(jd_ctx *ctx, torcs_drive *d, size_t most)
{
    d->state = jd_alloc_array(ctx, (most + 1) * TS_STATE, sizeof *d->state);
    d->action = jd_alloc_array(ctx, most * PD_ACTIONS, sizeof *d->action);
    d->frame = jd_alloc_array(ctx, most, 3 * PD_PIXELS);
    return jd_error(ctx);
}

/* How far the network made of coefficients and the one of weights are from each other in this step. */
static double difference(pd_nets *nets, const float *weights, const float *seen, float *h)
{
    double out[PD_OUTPUTS], most = 0;
    pd_step_with_weights(weights, seen, h, out);
    const float *other = pd_nets_hidden(nets, 0);
    for (int k = 0; k < PD_HIDDEN; k++) most = fmax(most, fabs((double)h[k] - (double)other[k]));
    return most;
}

static void drive(const torcs_run *w, jd_env *e, pd_nets *nets, const float *weights, torcs_drive *d)
{
    enum { COMPARED = 20 };
    float obs[3 * PD_PIXELS], reward, h[PD_HIDDEN] = {0};
    uint8_t end = 0, late = 0;
    jd_env_reset(e, 0, 0, obs);
    jd_env_get_state(e, 0, d->state);
    const double from = d->state[TS_RACED], began = d->state[TS_TIME];
    while (!end && !late && !jd_error(w->ctx)) {
        float *action = d->action + d->steps * PD_ACTIONS;
        double *state = d->state + (d->steps + 1) * TS_STATE;
        for (size_t k = 0; k < 3 * PD_PIXELS; k++)
            d->frame[d->steps * 3 * PD_PIXELS + k] = (uint8_t)(obs[k] * 255 + .5f);
        pd_nets_step(nets, 0, obs, action);
        if (d->steps < COMPARED) d->error = fmax(d->error, difference(nets, weights, obs, h));
        if (jd_env_step(e, action, obs, &reward, &end, &late)) return;
        jd_env_get_state(e, 0, state);
        d->steps++;
        if (state[TS_TIME] - began <= w->seconds + .01) d->within = state[TS_RACED] - from;
        d->laps = fmax(d->laps, (state[TS_RACED] - from) / d->length);
        if (d->laps >= 1 && isnan(d->lap_time)) d->lap_time = state[TS_TIME] - began;
    }
}

jd_status torcs_test(const torcs_run *w, const char *track, const double *genome, torcs_drive *d)
{
    const size_t most = (size_t)(TORCS_TEST_SECONDS / w->period + .5);
    *d = (torcs_drive){.track = track, .lap_time = (double)NAN};
    jd_env *e = jd_env_new(w->ctx, "torcs",
                           &(jd_env_options){.track = track, .period = w->period, .time_limit = (int64_t)most});
    pd_nets *nets = pd_nets_new(w->ctx, 1);
    float *weights = pd_weights(w->ctx, genome);
    if (e && nets && weights && !make_room(w->ctx, d, most)) {
        d->road = jd_env_road(e, &d->places, &d->length);
        pd_nets_set(nets, 0, genome);
        if (d->road) drive(w, e, nets, weights, d);
    }
    jd_free(w->ctx, weights);
    pd_nets_free(nets);
    jd_env_free(e);
    return jd_error(w->ctx);
}

void torcs_drive_free(jd_ctx *ctx, torcs_drive *d)
{
    jd_free(ctx, d->state);
    jd_free(ctx, d->action);
    jd_free(ctx, d->frame);
    jd_free(ctx, d->road);
    *d = (torcs_drive){0};
}

/* ---- the line ------------------------------------------------------------------------------------------------------------*/

enum { PLOT_WIDTH = 560, MARGIN = 70 };

/* Edges of the road: x, y of the left and right one, closed. */
static void edges(const torcs_drive *d, double *lx, double *ly, double *rx, double *ry)
{
    const size_t n = d->places;
    for (size_t i = 0; i <= n; i++) {
        const double *a = d->road + 3 * ((i + n - 1) % n), *b = d->road + 3 * (i % n), *c = d->road + 3 * ((i + 1) % n);
        const double dx = c[0] - a[0], dy = c[1] - a[1], run = hypot(dx, dy), half = b[2] / 2;
        const double nx = run > 0 ? -dy / run * half : 0, ny = run > 0 ? dx / run * half : 0;
        lx[i] = b[0] + nx, ly[i] = b[1] + ny;
        rx[i] = b[0] - nx, ry[i] = b[1] - ny;
    }
}

static void map(const torcs_run *w, const torcs_drive *d)
{
    const size_t n = d->places + 1, m = d->steps + 1;
    double *v = jd_alloc_array(w->ctx, 4 * n + 2 * m, sizeof *v);
    if (!v) return;
    double *lx = v, *ly = v + n, *rx = v + 2 * n, *ry = v + 3 * n, *x = v + 4 * n, *y = x + m;
    edges(d, lx, ly, rx, ry);
    for (size_t i = 0; i < m; i++) x[i] = d->state[i * TS_STATE + TS_X], y[i] = d->state[i * TS_STATE + TS_Y];
    double box[4] = {lx[0], lx[0], ly[0], ly[0]};
    for (size_t i = 0; i < 2 * n; i++) {
        const double px = i < n ? lx[i] : rx[i - n], py = i < n ? ly[i] : ry[i - n];
        box[0] = fmin(box[0], px), box[1] = fmax(box[1], px);
        box[2] = fmin(box[2], py), box[3] = fmax(box[3], py);
    }
    const double pad = 20, width = fmax(box[1] - box[0], (box[3] - box[2]) * 1.1) + 2 * pad;
    const double middle = (box[0] + box[1]) / 2, height = box[3] - box[2] + 2 * pad;
    jd_chart *c =
        jd_chart_new(w->ctx, &(jd_axis){"east (m)", JD_LIN, middle - width / 2, middle + width / 2},
                     &(jd_axis){"north (m)", JD_LIN, box[2] - pad, box[3] + pad}, MARGIN + PLOT_WIDTH * height / width);
    jd_chart_line(c, "road", lx, ly, n, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_line(c, "road", rx, ry, n, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_line(c, "driven", x, y, m, JD_NO_LABEL);
    jd_chart_points(c, "start", (double[]){x[0], x[m - 1]}, (double[]){y[0], y[m - 1]}, NULL,
                    (const char *const[]){"start", "end"}, 2, JD_NO_LABEL);
    char caption[200];
    snprintf(caption, sizeof caption, "Track %s, %.0f m, and the line driven: %.0f m in %.0f s, %.2f laps.", d->track,
             d->length, d->laps * d->length, (double)d->steps * w->period, d->laps);
    jd_report_chart(jd_run_report(w->r), c, caption);
    jd_free(w->ctx, v);
}

/* Speed, place on the road and controls against time. */
static void curves(const torcs_run *w, const torcs_drive *d)
{
    const size_t m = d->steps;
    double *v = jd_alloc_array(w->ctx, 7 * (m + 1), sizeof *v), *row[7];
    if (!v) return;
    for (size_t k = 0; k < 7; k++) row[k] = v + k * (m + 1);
    for (size_t i = 0; i < m; i++) {
        const double *s = d->state + i * TS_STATE;
        const float *a = d->action + i * PD_ACTIONS;
        const double now[7] = {
            s[TS_TIME],   s[TS_FORWARD] * 3.6,        s[TS_TO_MIDDLE], s[TS_WIDTH] / 2, -s[TS_WIDTH] / 2,
            (double)a[0], (double)a[1] - (double)a[2]};
        for (size_t k = 0; k < 7; k++) row[k][i] = now[k];
    }
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "time (s)"}, &(jd_axis){.label = "speed (km/h)"}, 150);
    jd_chart_line(c, "speed", row[0], row[1], m, JD_NO_LABEL);
    jd_chart_panel(c, &(jd_axis){.label = "left of middle (m)"}, 150);
    jd_chart_line(c, "edge", row[0], row[3], m, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_line(c, "edge", row[0], row[4], m, JD_NEUTRAL | JD_NO_LABEL);
    jd_chart_line(c, "place", row[0], row[2], m, JD_NO_LABEL);
    jd_chart_panel(c, &(jd_axis){.label = "controls", .min = -1.05, .max = 1.05}, 150);
    jd_chart_line(c, "steer left", row[0], row[5], m, JD_STEPS);
    jd_chart_line(c, "accelerate", row[0], row[6], m, JD_STEPS);
    jd_report_chart(
        jd_run_report(w->r), c,
        "Speed; distance to the left of the middle, between the road's edges; what the network did: steering "
        "(left is positive) and accelerator (brake is negative).");
    jd_free(w->ctx, v);
}

static void put(float *line, double x0, double y0, double x1, double y1)
{
    const double p[4] = {x0, y0, x1, y1};
    for (int k = 0; k < 4; k++) line[k] = (float)p[k];
}

/* The road from above, a car of 20 m and what it drove in the last two seconds. */
static void film(const torcs_run *w, const torcs_drive *d)
{
    enum { FRAMES = 400, TAIL = 10, FASTER = 4, EACH = 4 };
    const size_t frames = d->steps < FRAMES ? d->steps : FRAMES, pieces = d->places / EACH, lines = pieces + TAIL + 1;
    float *p = jd_alloc_array(w->ctx, frames * lines, 4 * sizeof *p);
    jd_film_line *line = jd_alloc_array(w->ctx, lines, sizeof *line);
    double box[4] = {1e9, 1e9, -1e9, -1e9};
    for (size_t k = 0; p && line && k < pieces; k++) {
        const double *a = d->road + 3 * EACH * k, *b = d->road + 3 * (EACH * (k + 1) % (EACH * pieces));
        line[k] = (jd_film_line){a[2], JD_FILM_MUTED};
        box[0] = fmin(box[0], a[0] - 30), box[1] = fmin(box[1], a[1] - 30);
        box[2] = fmax(box[2], a[0] + 30), box[3] = fmax(box[3], a[1] + 30);
        for (size_t f = 0; f < frames; f++) put(p + (f * lines + k) * 4, a[0], a[1], b[0], b[1]);
    }
    for (size_t f = 0; p && line && f < frames; f++) {
        float *at = p + (f * lines + pieces) * 4;
        for (size_t k = 0; k < TAIL; k++) {
            const double *a = d->state + (f > k + 1 ? f - k - 1 : 0) * TS_STATE,
                         *b = d->state + (f > k ? f - k : 0) * TS_STATE;
            put(at + 4 * k, a[TS_X], a[TS_Y], b[TS_X], b[TS_Y]);
            line[pieces + k] = (jd_film_line){3, 0};
        }
        const double *s = d->state + f * TS_STATE, dx = 10 * cos(s[TS_YAW]), dy = 10 * sin(s[TS_YAW]);
        put(at + 4 * TAIL, s[TS_X] - dx, s[TS_Y] - dy, s[TS_X] + dx, s[TS_Y] + dy);
        line[pieces + TAIL] = (jd_film_line){9, 1};
    }
    if (p && line && frames > 1)
        jd_report_film(jd_run_report(w->r),
                       &(jd_film){.x0 = box[0],
                                  .y0 = box[1],
                                  .x1 = box[2],
                                  .y1 = box[3],
                                  .seconds = (double)frames * w->period / FASTER,
                                  .frames = frames,
                                  .lines = lines,
                                  .points = p,
                                  .line = line},
                       "The drive from above, four times as fast as it was; the car is drawn four times too long.");
    jd_free(w->ctx, line);
    jd_free(w->ctx, p);
}

/* The pictures it drove by, in two rows, and below each the edges that reach the network. */
static void frames(const torcs_run *w, const torcs_drive *d)
{
    enum { COLUMNS = TORCS_FRAMES / 2, EACH = 3 * PD_PIXELS };
    uint8_t *pixels = jd_alloc_array(w->ctx, 2 * TORCS_FRAMES, EACH);
    char text[TORCS_FRAMES][24];
    const char *captions[2 * TORCS_FRAMES] = {NULL};
    float rgb[EACH], edge[PD_PIXELS];
    for (size_t k = 0; pixels && k < TORCS_FRAMES && d->steps; k++) {
        const size_t step = k * (d->steps - 1) / (TORCS_FRAMES - 1), at = k / COLUMNS * 2 * COLUMNS + k % COLUMNS;
        uint8_t *seen = pixels + at * EACH, *fed = seen + COLUMNS * EACH;
        memcpy(seen, d->frame + step * EACH, EACH);
        for (size_t p = 0; p < EACH; p++) rgb[p] = (float)seen[p] / 255;
        pd_edges(rgb, edge);
        for (size_t p = 0; p < EACH; p++) fed[p] = edge[p / 3] > 0 ? 255 : 20;
        snprintf(text[k], sizeof text[k], "%.0f s", (double)step * w->period);
        captions[at] = text[k];
    }
    if (pixels)
        jd_report_images(jd_run_report(w->r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = 2 * TORCS_FRAMES,
                                     .h = PD_SIDE,
                                     .w = PD_SIDE,
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = COLUMNS},
                         "What the camera saw, and below it the 64 x 64 edges that the network was given.");
    jd_free(w->ctx, pixels);
}

void torcs_report_drive(const torcs_run *w, const torcs_drive *d, const char *title)
{
    if (jd_error(w->ctx)) return;
    jd_report_section(jd_run_report(w->r), title);
    map(w, d);
    film(w, d);
    curves(w, d);
    frames(w, d);
}

void torcs_report_table(const torcs_run *w, const torcs_drive *d, size_t n)
{
    enum { COLUMNS = 7, CELL = 24, MOST = 16 };
    char text[MOST * COLUMNS][CELL], heading[2][40];
    const char *cell[MOST * COLUMNS], *headings[COLUMNS] = {"track",         "length (m)",       heading[0], heading[1],
                                                            "first lap (s)", "top speed (km/h)", "damage"};
    snprintf(heading[0], sizeof heading[0], "m in %g s", w->seconds);
    snprintf(heading[1], sizeof heading[1], "laps in %d s", TORCS_TEST_SECONDS);
    for (size_t k = 0; k < n && k < MOST; k++) {
        const double *s = d[k].state + d[k].steps * TS_STATE;
        char(*t)[CELL] = text + k * COLUMNS;
        snprintf(t[0], CELL, "%s", d[k].track);
        snprintf(t[1], CELL, "%.0f", d[k].length);
        snprintf(t[2], CELL, "%.0f", d[k].within);
        snprintf(t[3], CELL, "%.2f", d[k].laps);
        snprintf(t[4], CELL, isnan(d[k].lap_time) ? "-" : "%.1f", d[k].lap_time);
        snprintf(t[5], CELL, "%.0f", s[TS_TOP_SPEED] * 3.6);
        snprintf(t[6], CELL, "%.0f", s[TS_DAMAGE]);
        for (int i = 0; i < COLUMNS; i++) cell[k * COLUMNS + (size_t)i] = t[i];
    }
    jd_report_section(jd_run_report(w->r), "All tracks");
    jd_report_table(
        jd_run_report(w->r), headings, cell, n < MOST ? n : MOST, COLUMNS,
        "The best genome on the training track (first row) and on tracks that no genome has seen. A drive ends "
        "when the car's middle leaves the road.");
}

/* ---- the search and the weights ------------------------------------------------------------------------------------------*/

void torcs_report_search(const torcs_run *w)
{
    static const char *const name[] = {"fitness/best", "fitness/best of generation", "fitness/mean"};
    static const char *const label[] = {"best so far", "best of generation", "mean"};
    jd_chart *c = jd_chart_new(w->ctx, &(jd_axis){.label = "drives"}, &(jd_axis){.label = "fitness (about m)"}, 0);
    for (int k = 0; k < 3; k++) {
        const int64_t *step;
        const double *value;
        const size_t n = jd_run_history(w->r, name[k], &step, &value);
        double *x = jd_alloc_array(w->ctx, n + 1, sizeof *x);
        for (size_t i = 0; x && i < n; i++) x[i] = (double)step[i];
        if (x && n) jd_chart_line(c, label[k], x, value, n, k == 0 ? JD_STEPS : 0);
        jd_free(w->ctx, x);
    }
    jd_report_section(jd_run_report(w->r), "How it learned");
    jd_report_chart(
        jd_run_report(w->r), c,
        "Fitness of a drive: metres along the road, less damage and restless controls, plus a fifth of the top "
        "speed.");
}

void torcs_report_weights(const torcs_run *w, const double *genome)
{
    enum { SHOWN = 16 };
    float *v = pd_weights(w->ctx, genome), *tile = jd_alloc_array(w->ctx, SHOWN, PD_PIXELS * sizeof *tile);
    jd_report *rep = jd_run_report(w->r);
    if (v && tile) {
        for (int k = 0; k < SHOWN; k++) { /* units at (2, 2), (2, 6) ... of the grid */
            const int unit = (2 + 4 * (k / 4)) * PD_GRID + 2 + 4 * (k % 4);
            memcpy(tile + k * PD_PIXELS, v + unit * PD_PIXELS, PD_PIXELS * sizeof *tile);
        }
        jd_report_section(rep, "The weights");
        jd_report_filters(
            rep, tile, SHOWN, PD_SIDE, PD_SIDE, 1, true,
            "Weights from the 64 x 64 pixels of 16 of the 256 hidden units, decoded from 100 coefficients.");
        jd_report_filters(rep, v + PD_RECURRENT + (PD_GRID / 2 * PD_GRID) * PD_HIDDEN, PD_GRID, PD_GRID, PD_GRID, 1,
                          true, "Weights from the 16 x 16 hidden units to the 16 units of one row of the grid.");
        jd_report_filters(
            rep, v + PD_OUTPUT, PD_OUTPUTS, PD_GRID, PD_GRID, 1, true,
            "Weights from the 16 x 16 hidden units to steering, acceleration and the strength of the brake.");
    }
    jd_free(w->ctx, tile);
    jd_free(w->ctx, v);
}
