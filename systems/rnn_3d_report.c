/* rnn_3d_report.c - bytes by distance, timetables, tubes; see rnn_3d.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rnn_3d.h"

enum { CELL = 48 };

/* ---- wires -----------------------------------------------------------------------------------------------------------------*/

static void by_distance(jd_run *r, const rn_case *c)
{
    jd_chart *chart =
        jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "distance on the 3-D lattice", .min = .5, .max = 9.5},
                     &(jd_axis){.label = "bytes of a step, all processes", .scale = JD_LOG}, 340);
    for (int i = 0; i < RN_SYSTEMS; i++) {
        const r3_wires w = r3_measure(&c->flow[i], &c->grid, R3_LATTICE);
        double x[R3_FARTHEST], y[R3_FARTHEST];
        size_t n = 0;
        for (int d = 1; d < 10; d++)
            if (w.at[d] > 0) x[n] = d, y[n++] = w.at[d];
        if (n == 1) /* a line needs two ends */
            jd_chart_points(chart, rn_system[i], x, y, NULL, NULL, n, 0);
        else
            jd_chart_line(chart, rn_system[i], x, y, n, JD_MARKS | (i > 2 ? JD_DASHED : 0));
    }
    jd_report_chart(jd_run_report(r), chart,
                    "Sixty-four processes, one box each: how far the bytes of one training step travel. The 3D-RNN "
                    "with a ring sends to neighbours only.");
}

static void wires_table(jd_run *r, const rn_case *c)
{
    enum { COLUMNS = 7 };
    char cell[RN_SYSTEMS * 2][COLUMNS][CELL];
    const char *cells[RN_SYSTEMS * 2 * COLUMNS];
    size_t rows = 0;
    for (int i = 0; i < RN_SYSTEMS; i++) {
        const r3_wires w = r3_measure(&c->flow[i], &c->grid, R3_LATTICE);
        char(*to)[CELL] = cell[rows];
        snprintf(to[0], CELL, "%s", rn_system[i]);
        snprintf(to[1], CELL, "%.2f", w.bytes / 1e6);
        snprintf(to[2], CELL, "%.2f", w.moved / 1e6);
        snprintf(to[3], CELL, "%.1f", 100 * w.near);
        snprintf(to[4], CELL, "%d", w.longest);
        snprintf(to[5], CELL, "%d", w.many);
        snprintf(to[6], CELL, "%.2f", (w.bytes + w.moved) / 1e6);
        for (int k = 0; k < COLUMNS; k++) cells[rows * COLUMNS + (size_t)k] = to[k];
        rows++;
    }
    char caption[500];
    const int side = c->grid.dim[0] / c->grid.procs[0];
    snprintf(caption, sizeof caption,
             "One step on one volume of %d^3 voxels, 16 cells, 4 x 4 x 4 boxes of %d^3, float32. MB x distance is the "
             "wire used (W1). Long wires: links further than 2 that are used. Energy: bytes (1 + distance), in "
             "arbitrary units. Fully connected: a layer whose rows are shared out, so everybody needs everybody's "
             "activations; attention: everybody's keys and values; data-parallel: as many weights as the 3D-RNN's "
             "scans, and no halo.",
             c->grid.dim[0], side);
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"system", "MB", "MB x distance", "at distance 1, %", "longest wire",
                                          "long wires", "energy"},
                    cells, rows, COLUMNS, caption);
}

static void placements(jd_run *r, const rn_case *c)
{
    enum { COLUMNS = 4 };
    char cell[R3_WIRINGS][COLUMNS][CELL];
    const char *cells[R3_WIRINGS * COLUMNS];
    for (int i = 0; i < R3_WIRINGS; i++) {
        const r3_wires w = r3_measure(&c->flow[0], &c->grid, (r3_wiring)i);
        snprintf(cell[i][0], CELL, "%s", r3_wiring_name[i]);
        snprintf(cell[i][1], CELL, "%.2f", w.moved / 1e6);
        snprintf(cell[i][2], CELL, "%.1f", 100 * w.near);
        snprintf(cell[i][3], CELL, "%d", w.longest);
        for (int k = 0; k < COLUMNS; k++) cells[i * COLUMNS + k] = cell[i][k];
    }
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"processes stand on", "MB x distance", "at distance 1, %", "longest wire"},
                    cells, R3_WIRINGS, COLUMNS,
                    "The same 3D-RNN, whose processes are placed otherwise: only hardware that is a lattice in space, "
                    "as the net is, keeps all wires short.");
}

static void growth(jd_run *r, const rn_result *e)
{
    double share[RN_SIDES], per_flop[RN_SIDES];
    for (int i = 0; i < RN_SIDES; i++) share[i] = 100 * e->share[i][1], per_flop[i] = e->per_flop[i];
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "side of a box (voxels)", .scale = JD_LOG},
                               &(jd_axis){.label = "at distance 1 (%)", .min = 0, .max = 100}, 180);
    jd_chart_line(c, "recursive doubling", e->side, share, RN_SIDES, JD_MARKS);
    jd_chart_hline(c, "ring", 100, JD_DASHED);
    jd_chart_panel(c, &(jd_axis){.label = "halo bytes per operation", .scale = JD_LOG}, 180);
    jd_chart_line(c, "halo", e->side, per_flop, RN_SIDES, JD_MARKS);
    jd_report_chart(jd_run_report(r), c,
                    "Sixty-four boxes that grow, by the formulas that the counts confirm: computing grows with the "
                    "volume, the halo with the surface, the weights not at all. So even with an all-reduce over long "
                    "wires nearly all bytes go to neighbours.");
}

/* ---- time ------------------------------------------------------------------------------------------------------------------*/

static void gantt(jd_run *r, int directions, const char *caption)
{
    r3_grid g = {.procs = {2, 2, 2}, .tiles = 4, .directions = directions};
    r3_timetable t;
    static const char *const names[8] = {"0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 0", "1 0 1", "1 1 0", "1 1 1"};
    if (r3_schedule(jd_run_ctx(r), &g, &t)) return;
    float *map = jd_alloc_array(jd_run_ctx(r), (size_t)(t.steps * t.processes), sizeof *map);
    for (int i = 0; map && i < t.steps * t.processes; i++) map[i] = t.task[i] < 0 ? NAN : (float)(t.task[i] / 64 + 1);
    if (map)
        jd_report_map(jd_run_report(r),
                      &(jd_map){.label = "",
                                .value_label = "scan",
                                .values = map,
                                .T = (size_t)t.steps,
                                .H = 8,
                                .vmin = 0,
                                .vmax = 8,
                                .row_names = names,
                                .height = 130},
                      "time step", 0, t.steps, caption);
    jd_free(jd_run_ctx(r), map);
    r3_timetable_free(&t);
}

static void scaling(jd_run *r, const rn_result *e)
{
    double P[RN_SCALES], one[RN_SCALES], eight[RN_SCALES], formula[RN_SCALES];
    for (int i = 0; i < RN_SCALES; i++) {
        P[i] = e->scale[i].P;
        one[i] = 100 * e->scale[i].busy[0];
        eight[i] = 100 * e->scale[i].busy[1];
        formula[i] = 100 * e->scale[i].formula;
    }
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "processes, a box each", .scale = JD_LOG},
                               &(jd_axis){.label = "busy (% of the time steps)", .min = 0, .max = 100}, 260);
    jd_chart_line(c, "eight scans", P, eight, RN_SCALES, JD_MARKS);
    jd_chart_line(c, "one scan", P, one, RN_SCALES, JD_MARKS);
    jd_chart_line(c, "formula, one scan", P, formula, RN_SCALES, JD_DASHED | JD_NEUTRAL);
    jd_chart_hline(c, "85 %", 85, JD_DASHED);
    jd_report_chart(
        jd_run_report(r), c,
        "Weak scaling in virtual time: 64 sub-tiles in each box, each takes a step, a message arrives with the next. "
        "The formula n/(n + px + py + pz - 3) of a pipeline lets the next box begin after one sub-tile; in three "
        "dimensions it has to wait for the layer of sub-tiles at its face, so one scan alone does less well. Eight "
        "scans from eight corners fill the gaps; with 27 and 64 boxes some are left, where all scans meet in the "
        "middle.");
}

/* ---- tubes -----------------------------------------------------------------------------------------------------------------*/

/* The slice with most of the tubes. */
static size_t fullest(const rn_result *e, size_t from, size_t to)
{
    const size_t area = (size_t)e->dim * (size_t)e->dim;
    size_t best = from;
    double most = -1;
    for (size_t z = from; z < to; z++) {
        double sum = 0;
        for (size_t i = 0; i < area; i++) sum += e->target[z * area + i];
        if (sum > most) most = sum, best = z;
    }
    return best;
}

static void slices(jd_run *r, const rn_result *e)
{
    enum { SHOWN = 3 };
    const size_t n = (size_t)e->dim, dot = 200 / n + 1, side = n * dot;
    uint8_t *p = jd_alloc_array(jd_run_ctx(r), 3 * SHOWN, side * side);
    const double *const what[3] = {e->volume, e->target, e->answer};
    char text[3 * SHOWN][CELL];
    const char *captions[3 * SHOWN];
    for (size_t i = 0; p && i < SHOWN; i++)
        for (size_t k = 0; k < 3; k++) {
            static const char *const name[3] = {"what is seen", "the tubes", "what the net says"};
            const size_t z = fullest(e, n * i / SHOWN, n * (i + 1) / SHOWN), tile = 3 * i + k;
            snprintf(text[tile], CELL, "slice %zu: %s", z, name[k]);
            captions[tile] = text[tile];
            for (size_t y = 0; y < side; y++)
                for (size_t x = 0; x < side; x++) {
                    const double v = what[k][(z * n + y / dot) * n + x / dot], shown = k ? v : .5 + v / 4;
                    const bool edge = (x == side / 2 || y == side / 2) && (x + y) % 6 < 3; /* where boxes meet */
                    p[(tile * side + y) * side + x] = (uint8_t)(edge ? 128 : 255 * fmin(1, fmax(0, shown)));
                }
        }
    if (p)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = p,
                                     .n = 3 * SHOWN,
                                     .h = side,
                                     .w = side,
                                     .channels = 1,
                                     .tile_captions = captions,
                                     .columns = 3},
                         "A volume that was not learned from, after training on eight processes. Grey lines: where "
                         "the boxes meet; the tubes go on across them.");
    jd_free(jd_run_ctx(r), p);
}

void rn_report(jd_run *r, const rn_result *e)
{
    char text[320];
    jd_report_section(jd_run_report(r), "Wires");
    by_distance(r, &e->large);
    wires_table(r, &e->large);
    placements(r, &e->large);
    growth(r, e);
    jd_report_section(jd_run_report(r), "Time");
    gantt(
        r, 1,
        "What each of 2 x 2 x 2 processes does while one scan passes from the first box to the last; white: it waits.");
    gantt(r, 8, "The same with eight scans, each from its own corner (colours).");
    scaling(r, e);
    snprintf(text, sizeof text,
             "The other form, PyraMiD-LSTM, steps through planes, a time step for each with its exchange of borders: "
             "on 2 x 2 x 2 boxes of 8^3 its six scans, %d planes for each process, take %d steps: %.0f %% busy.",
             e->plane_tasks, e->plane_steps, 100. * e->plane_tasks / fmax(1, e->plane_steps));
    jd_report_text(jd_run_report(r), text);
    jd_report_section(jd_run_report(r), "A net that learned on eight processes");
    slices(r, e);
}
