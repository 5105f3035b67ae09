/* robocup_plan_report.c - drives across the field; see robocup_plan.h. */
#include <math.h>
#include <stdio.h>

#include "robocup_plan.h"

static void put(float *to, double x0, double y0, double x1, double y1)
{
    to[0] = (float)x0, to[1] = (float)y0, to[2] = (float)x1, to[3] = (float)y1;
}

/* One drive's lines at a frame, shifted up or down. */
enum { EACH = 4 + RK_OTHERS + RK_KNOTS + 2 };
static void draw(const rk_drive *d, int f, double up, int color, float *to, jd_film_line *style)
{
    const int k = f < d->frames ? f : d->frames - 1;
    const float *own = d->own[k];
    for (int side = 0; side < 2; side++, to += 4) { /* the field's ends */
        put(to, -1.5, up + (side ? .85 : -.85), 1.5, up + (side ? .85 : -.85));
        *style++ = (jd_film_line){.01, JD_FILM_MUTED};
    }
    for (int i = 0; i < RK_OTHERS; i++, to += 4) {
        const bool gone = fabs((double)d->other[k][i][1]) > .85; /* off the field, and out of the picture */
        const double x = gone ? 99 : (double)d->other[k][i][0], y = gone ? 99 : (double)d->other[k][i][1] + up;
        put(to, x, y, x, y);
        *style++ = (jd_film_line){RK_TOUCH, JD_FILM_MUTED};
    }
    double x = (double)own[0], y = (double)own[1] + up;
    for (int i = 0; i < RK_KNOTS; i++, to += 4) {
        const bool planned = d->planned[k][i][0] != 0 || d->planned[k][i][1] != 0;
        const double nx = planned ? (double)d->planned[k][i][0] : x,
                     ny = planned ? (double)d->planned[k][i][1] + up : y;
        put(to, x, y, nx, ny);
        *style++ = (jd_film_line){.025, color};
        x = nx, y = ny;
    }
    x = (double)own[0], y = (double)own[1] + up;
    put(to, x, y, x, y);
    *style++ = (jd_film_line){RK_TOUCH, color};
    put(to + 4, x, y, x + .09 * cos((double)own[2]), y + .09 * sin((double)own[2]));
    *style++ = (jd_film_line){.03, JD_FILM_INK};
    for (int i = 0; i < 2; i++) { /* where it came from */
        const int a = k > 8 * (i + 1) ? k - 8 * (i + 1) : 0, b = k > 8 * i ? k - 8 * i : 0;
        put(to + 8 + 4 * i, (double)d->own[a][0], (double)d->own[a][1] + up, (double)d->own[b][0],
            (double)d->own[b][1] + up);
        *style++ = (jd_film_line){.02, color};
    }
}

static void film(jd_run *r, const rk_result *p)
{
    enum { LINES = RK_WAYS * EACH };
    static jd_film_line style[LINES];
    int frames = 0;
    for (int way = 0; way < RK_WAYS; way++) frames = p->shown[way].frames > frames ? p->shown[way].frames : frames;
    float *at = jd_alloc_array(jd_run_ctx(r), (size_t)frames * LINES, 4 * sizeof *at);
    for (int f = 0; at && f < frames; f++)
        for (int way = 0; way < RK_WAYS; way++)
            draw(&p->shown[way], f, -1.9 * way, way, at + ((size_t)f * LINES + (size_t)(way * EACH)) * 4,
                 style + way * EACH);
    if (at)
        jd_report_film(jd_run_report(r),
                       &(jd_film){-1.6, -4.75, 1.6, .95, frames * RB_FRAME, (size_t)frames, LINES, at, style},
                       "One crossing from left to right, in real time: pushed aside with the late pose (above), with "
                       "the predicted pose, and planned ahead (below; the line is the plan of the moment, as the "
                       "iterated net expects it to be driven). Grey: other robots, which give way to nobody.");
    jd_free(jd_run_ctx(r), at);
}

void rk_report(jd_run *r, const rk_result *p)
{
    char cell[RK_WAYS][4][32], text[700];
    const char *cells[RK_WAYS * 5];
    jd_report_section(jd_run_report(r), "Looking ahead with the predictor");
    snprintf(text, sizeof text,
             "The net for a delay of one frame is iterated: from the poses of four frames ago over the commands sent "
             "since to the present, and on over %d frames of commands that might be. The gradient of a cost by these "
             "commands, back through all the steps of the net, improves them in each frame: distance from the goal, "
             "and nearness of others, who are expected to go on as they do. Planning takes %.0f ms of a frame's 33.",
             RK_AHEAD, p->milliseconds);
    jd_report_text(jd_run_report(r), text);
    film(r, p);
    for (int way = 0; way < RK_WAYS; way++) {
        snprintf(cell[way][0], sizeof cell[way][0], "%d of %d", p->there[way], p->drives);
        snprintf(cell[way][1], sizeof cell[way][1], "%d", p->touched[way]);
        snprintf(cell[way][2], sizeof cell[way][2], "%.2f", p->seconds[way]);
        snprintf(cell[way][3], sizeof cell[way][3], "%.0f", 1e3 * p->nearest[way]);
        cells[5 * way] = rk_name[way];
        for (int k = 0; k < 4; k++) cells[5 * way + 1 + k] = cell[way][k];
    }
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"driver", "arrived untouched", "touched another", "seconds", "nearest (mm)"},
                    cells, RK_WAYS, 5,
                    "Crossings of a field with five moving robots. Seconds: of the crossings that arrived; nearest: "
                    "the mean over all crossings of the smallest distance between centres, 180 mm is a touch.");
}
