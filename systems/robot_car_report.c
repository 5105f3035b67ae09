/* robot_car_report.c - what the camera saw and the filter believed; see robot_car.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "robot_car.h"

enum { W = 320, H = 240, CELL = 64 };

/* ---- pictures --------------------------------------------------------------------------------------------------------------*/

static void dot(uint8_t *rgb, int u, int v, const uint8_t color[3])
{
    if (u < 0 || u >= W || v < 0 || v >= H) return;
    memcpy(rgb + 3 * (v * W + u), color, 3);
}

/* What covers a window. */
static void cover(uint8_t *rgb, const sight_window *w)
{
    static const uint8_t DIRT[3] = {112, 74, 38};
    for (int v = w->row - 2; v <= w->row + 2; v++)
        for (int u = w->from; u < w->to; u++) dot(rgb, u, v, DIRT);
}

static void outline(uint8_t *rgb, const sight_window *w)
{
    static const uint8_t COLOR[3][3] = {{255, 214, 10}, {255, 40, 40}, {40, 255, 90}};
    const uint8_t *c = COLOR[w->what];
    for (int u = w->from; u < w->to; u++) {
        dot(rgb, u, w->row - 3, c);
        dot(rgb, u, w->row + 3, c);
    }
    for (int v = w->row - 3; v <= w->row + 3; v++) {
        dot(rgb, w->from, v, c);
        dot(rgb, w->to - 1, v, c);
        if (w->what != SIGHT_NONE) dot(rgb, (int)lround(w->found), v, c);
    }
}

/* The lane as believed, from the car to 120 m ahead. */
static void believed(uint8_t *rgb, const sight *s)
{
    static const uint8_t LINE[3] = {20, 190, 255};
    const double end = road_row_at(&ROAD_CAMERA, s->kf.x[SIGHT_PITCH], 120);
    for (double v = H - 1; v > end; v -= .25)
        for (int side = -1; side <= 1; side += 2) {
            double u, d[SIGHT_STATES];
            if (sight_expect(s, &ROAD_CAMERA, v, side, &u, d)) dot(rgb, (int)lround(u), (int)lround(v), LINE);
        }
}

static void pictures(jd_run *r, const drive_moment *m, size_t n, const char *caption)
{
    uint8_t *rgb = jd_alloc_array(jd_run_ctx(r), n, W * H * 3);
    char text[SNAPSHOTS][CELL];
    const char *captions[SNAPSHOTS];
    size_t taken = 0;
    for (size_t i = 0; rgb && i < n; i++) {
        uint8_t *p = rgb + taken * W * H * 3;
        if (!m[i].taken) continue;
        road_picture(&m[i].view, p);
        for (int w = 0; w < SIGHT_WINDOWS; w++)
            if (m[i].sight.window[w].covered) cover(p, &m[i].sight.window[w]);
        believed(p, &m[i].sight);
        for (int w = 0; w < SIGHT_WINDOWS; w++) outline(p, &m[i].sight.window[w]);
        const double bend = m[i].sight.kf.x[SIGHT_BEND], is = road_bend(m[i].view.road, m[i].view.l);
        snprintf(text[taken], CELL, "%.1f km: curvature %+.2f, true %+.2f /km", m[i].view.l / 1e3, 1e3 * bend,
                 1e3 * is);
        captions[taken] = text[taken];
        taken++;
    }
    if (taken)
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){
                .pixels = rgb, .n = taken, .h = H, .w = W, .channels = 3, .tile_captions = captions, .columns = 2},
            caption);
    jd_free(jd_run_ctx(r), rgb);
}

static void retina(jd_run *r, const drive_moment *m)
{
    enum { SIZE = 4, N = 3 };
    uint8_t *p = jd_alloc_array(jd_run_ctx(r), N, RETINA * SIZE * SIZE);
    for (int i = 0; p && i < N; i++) {
        road_view v = m[2 * i].view;
        uint8_t rgb[3 * RETINA_W];
        v.camera = &ROAD_RETINA;
        if (!m[2 * i].taken) continue;
        for (int y = 0; y < RETINA_H * SIZE; y++) {
            road_row(&v, RETINA_TOP + y / SIZE, 0, RETINA_W, rgb);
            for (int x = 0; x < RETINA_W * SIZE; x++) {
                const uint8_t *c = rgb + 3 * (x / SIZE);
                p[(i * RETINA_H * SIZE + y) * RETINA_W * SIZE + x] = (uint8_t)((c[0] + 2 * c[1] + c[2]) / 4);
            }
        }
    }
    if (p)
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){.pixels = p, .n = N, .h = RETINA_H * SIZE, .w = RETINA_W * SIZE, .channels = 1, .columns = 3},
            "The same road as the net sees it, 64 x 32 pixels (and as many of 0.2 s before).");
    jd_free(jd_run_ctx(r), p);
}

/* ---- curves ----------------------------------------------------------------------------------------------------------------*/

static void line(jd_chart *c, const char *name, const drive_trace *t, const float *y, double scale, int from, int to,
                 int flags)
{
    static double xs[DRIVE_TRACE], ys[DRIVE_TRACE];
    const int n = (to < t->n ? to : t->n) - from;
    if (n < 2) return;
    for (int i = 0; i < n; i++) {
        xs[i] = (double)t->l[from + i] / 1e3;
        ys[i] = scale * (double)y[from + i];
    }
    jd_chart_line(c, name, xs, ys, (size_t)n, flags);
}

static void estimated(jd_run *r, const car_pictures *p)
{
    const drive_trace *t = p->plain;
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "km"}, &(jd_axis){.label = "curvature (1/km)"}, 220);
    line(c, "true", t, t->bend, 1e3, 0, DRIVE_TRACE, 0);
    line(c, "estimated", t, t->said[1], 1e3, 0, DRIVE_TRACE, 0);
    jd_chart_panel(c, &(jd_axis){.label = "offset (cm)"}, 200);
    line(c, "true", t, t->offset, 100, 0, DRIVE_TRACE, 0);
    line(c, "estimated", t, t->said[0], 100, 0, DRIVE_TRACE, 0);
    jd_report_chart(jd_run_report(r), c,
                    "The first seed's whole drive: curvature of the road and the car's offset from the middle "
                    "of its lane, true and as the filter believes.");
    enum { FROM = 250, TO = 500 };
    c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "km"}, &(jd_axis){.label = "offset (cm)"}, 170);
    line(c, "true", t, t->offset, 100, FROM, TO, 0);
    line(c, "estimated", t, t->said[0], 100, FROM, TO, 0);
    jd_chart_panel(c, &(jd_axis){.label = "heading (degrees)"}, 170);
    line(c, "true", t, t->heading, 57.3, FROM, TO, 0);
    line(c, "estimated", t, t->said[2], 57.3, FROM, TO, 0);
    jd_chart_panel(c, &(jd_axis){.label = "pitch (degrees)"}, 170);
    line(c, "true", t, t->pitch, 57.3, FROM, TO, 0);
    line(c, "estimated", t, t->said[3], 57.3, FROM, TO, 0);
    jd_report_chart(jd_run_report(r), c,
                    "Ten seconds of it. The pitch is the camera's, which the car's springs let nod.");
}

static void driven(jd_run *r, const car_pictures *p)
{
    const struct {
        const char *name;
        const drive_trace *t;
    } all[] = {{"4-D", p->plain}, {"4-D, 30 % covered", p->dirty}, {"net", p->net}};
    jd_chart *c = NULL;
    for (int i = 0; i < 3; i++) {
        const jd_axis y = {.label = "offset (m)", .min = -1.1, .max = 1.1};
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "km"}, &y, 150);
        else
            jd_chart_panel(c, &y, 150);
        line(c, all[i].name, all[i].t, all[i].t->offset, 1, 0, DRIVE_TRACE, 0);
        jd_chart_hline(c, "", DRIVE_OUT, JD_DASHED | JD_NEUTRAL | JD_NO_LABEL);
        jd_chart_hline(c, "", -DRIVE_OUT, JD_DASHED | JD_NEUTRAL | JD_NO_LABEL);
    }
    jd_report_chart(jd_run_report(r), c,
                    "The line driven on the first seed's road, offset from the middle of the lane. Dashed: there a "
                    "wheel would leave the lane.");
}

static void feed_forward(jd_run *r, const car_pictures *p)
{
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "km"}, &(jd_axis){.label = "offset (cm)"}, 240);
    line(c, "fed forward", p->fed, p->fed->offset, 100, 0, DRIVE_TRACE, 0);
    line(c, "without", p->unfed, p->unfed->offset, 100, 0, DRIVE_TRACE, 0);
    jd_report_chart(jd_run_report(r), c,
                    "Into a long curve of 1250 m radius at 50 m/s: with the estimated curvature fed forward to the "
                    "wheel, and without, where only an offset holds the car in the curve.");
}

static void tight(jd_run *r, const car_pictures *p)
{
    const drive_trace *t = p->tight;
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "km"}, &(jd_axis){.label = "curvature (1/km)"}, 200);
    line(c, "true", t, t->bend, 1e3, 0, 2400, 0);
    line(c, "estimated", t, t->said[1], 1e3, 0, 2400, 0);
    jd_chart_panel(c, &(jd_axis){.label = "speed (m/s)"}, 130);
    line(c, "speed", t, t->speed, 1, 0, 2400, JD_NEUTRAL | JD_NO_LABEL);
    jd_report_chart(jd_run_report(r), c,
                    "A road with radii down to 300 m, at 25 m/s, less where the estimated curvature asks for it (2 "
                    "m/s2 sideways).");
}

static void table(jd_run *r, const drives *d)
{
    const struct {
        const char *name;
        const drive_result *of;
        int n;
    } row[] = {{"4-D, 50 m/s", d->plain, d->seeds},           {"4-D, 30 % of windows covered", d->dirty, d->seeds},
               {"4-D, tight, 25 m/s", d->tight, d->seeds},    {"steady curve, fed forward", d->fed, d->seeds},
               {"steady curve, not fed", d->unfed, d->seeds}, {"net, 50 m/s", d->net, d->cnn_seeds}};
    enum { ROWS = sizeof row / sizeof *row, COLUMNS = 7 };
    char cell[ROWS][COLUMNS][CELL];
    const char *cells[ROWS * COLUMNS];
    for (int i = 0; i < ROWS; i++) {
        double offset = 0, worst = 0, most = 0, curvature = 0, nis = 0, found = 0;
        int in = 0;
        for (int s = 0; s < row[i].n; s++) {
            const drive_result *o = &row[i].of[s];
            offset += 100 * o->offset / row[i].n;
            worst = fmax(worst, 100 * o->offset);
            most = fmax(most, 100 * o->most);
            curvature += 1e6 * o->curvature / row[i].n;
            nis += o->innovation / row[i].n;
            found += 100 * o->found / row[i].n;
            in += o->out < 0;
        }
        snprintf(cell[i][0], CELL, "%s", row[i].name);
        snprintf(cell[i][1], CELL, "%d of %d", in, row[i].n);
        snprintf(cell[i][2], CELL, "%.1f (%.1f)", offset, worst);
        snprintf(cell[i][3], CELL, "%.0f", most);
        snprintf(cell[i][4], CELL, "%.1f", curvature);
        snprintf(cell[i][5], CELL, "%.2f", nis);
        snprintf(cell[i][6], CELL, "%.0f", found);
        for (int k = 0; k < COLUMNS; k++) cells[i * COLUMNS + k] = cell[i][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"driver", "in lane", "offset RMS, cm (worst)", "most, cm", "curvature, 1e-6/m",
                              "innovations", "marks found, %"},
        cells, ROWS, COLUMNS,
        "Means over the seeds. Curvature: RMS error of the estimate. Innovations: mean of their squares, each over "
        "its variance; 1 where the filter knows how wrong it is. Marks: of the windows looked into; the left border "
        "is dashed, 6 m of mark and 12 m of gap.");
}

void car_report(jd_run *r, const car_pictures *p)
{
    char text[400];
    jd_report_section(jd_run_report(r), "What the camera saw");
    pictures(r, p->moment, SNAPSHOTS,
             "Six moments of the first seed's drive. Boxes: where the filter looks for the lane's marks (within three "
             "standard deviations of the prediction); green: a mark was found, with its place; yellow: none, as in "
             "the gaps of the dashed line; red: found too far off, and refused. Blue: the lane as the filter then "
             "believes it, to 120 m.");
    pictures(r, p->dirty_moment, 2,
             "The same road where dirt hides three of ten windows (brown), others in each second.");
    pictures(r, p->tight_moment, 2, "A road with radii down to 300 m.");
    jd_report_section(jd_run_report(r), "What was believed, and what was true");
    estimated(r, p);
    jd_report_section(jd_run_report(r), "The line driven");
    driven(r, p);
    table(r, p->d);
    feed_forward(r, p);
    tight(r, p);
    jd_report_section(jd_run_report(r), "The net that watched");
    snprintf(text, sizeof text,
             "It learned from %lld pictures: a third while the 4-D driver drove with a shaky hand, the others while "
             "it drove itself and was told what the 4-D driver would have done. On pictures that it did not learn "
             "from, its wheel is off by %.2f degrees RMS.",
             (long long)p->driver->frames, p->driver->valid);
    jd_report_text(jd_run_report(r), text);
    retina(r, p->moment);
    snprintf(text, sizeof text,
             "A second of driving takes %.1f ms on one core where only what is looked at is drawn (%.0f times real "
             "time), %.0f ms with whole pictures (%.0f times); seeing, filtering and steering alone %.1f ms.",
             1e3 / p->d->windows, p->d->windows, 1e3 / p->d->whole, p->d->whole, 1e3 / p->d->alone);
    jd_report_text(jd_run_report(r), text);
}
