/* curiosity_report.c - what the learners did, as curves, maps and tables; see curiosity.h. */
#include <math.h>
#include <stdio.h>

#include "curiosity.h"

enum { CELL = 128 };

/* ---- curves ----------------------------------------------------------------------------------------------------------------*/

/* The median over the seeds, and a band from the smallest to the largest. */
static void draw_median(jd_chart *c, const cu_world *w, int agent, int curve, int colour)
{
    double lo[CU_POINTS], mid[CU_POINTS], hi[CU_POINTS], v[CU_SEEDS];
    const cu_agent *a = &w->agent[agent];
    for (int p = 0; p < CU_POINTS; p++) {
        for (int s = 0; s < w->seeds; s++) v[s] = a->curve[curve][s * CU_POINTS + p];
        lo[p] = cu_quantile(v, w->seeds, 0);
        mid[p] = cu_quantile(v, w->seeds, .5);
        hi[p] = cu_quantile(v, w->seeds, 1);
    }
    jd_chart_band(c, a->label, w->x, lo, hi, CU_POINTS, colour);
    jd_chart_line(c, a->label, w->x, mid, CU_POINTS, colour);
}

static void text_of(char cell[CELL], const double *v, int n, int decimals)
{
    char low[32], mid[32], high[32];
    const double q[3] = {cu_quantile(v, n, .5), cu_quantile(v, n, 0), cu_quantile(v, n, 1)};
    char *const part[3] = {mid, low, high};
    for (int i = 0; i < 3; i++)
        if (isfinite(q[i]))
            snprintf(part[i], sizeof low, "%.*f", decimals, q[i]);
        else
            snprintf(part[i], sizeof low, "not reached");
    if (isfinite(q[1]))
        snprintf(cell, CELL, "%s (%s to %s)", mid, low, high);
    else
        snprintf(cell, CELL, "not reached in any seed");
}

/* ---- A ------------------------------------------------------------------------------------------------------------------------*/

void cu_draw_regions(jd_run *r, const cu_world *w)
{
    enum { SMOOTH = 8, SHOWN = 3 };
    static const int shown[SHOWN] = {CU_A_IMPROVEMENT, CU_A_SIGNED, CU_A_ERROR};
    static const char *const region[CW_REGIONS] = {"known", "noise", "learnable"};
    static const char *const axis[SHOWN] = {"improvement: visits (%)", "signed: visits (%)", "error: visits (%)"};
    jd_report_section(jd_run_report(r), "Three regions");
    jd_chart *c = NULL;
    for (int i = 0; i < SHOWN; i++) {
        const jd_axis y = {.label = axis[i], .min = 0, .max = 100};
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step"}, &y, 150);
        else
            jd_chart_panel(c, &y, 150);
        for (int k = 0; k < CW_REGIONS; k++) {
            double x[CU_POINTS / SMOOTH], share[CU_POINTS / SMOOTH] = {0};
            for (int p = 0; p < CU_POINTS; p++) {
                x[p / SMOOTH] = w->x[p];
                for (int s = 0; s < w->seeds; s++)
                    share[p / SMOOTH] += 100 * w->agent[shown[i]].curve[k][s * CU_POINTS + p] / SMOOTH / w->seeds;
            }
            jd_chart_line(c, region[k], x, share, CU_POINTS / SMOOTH, 0);
        }
    }
    jd_report_chart(
        jd_run_report(r), c,
        "Where the steps went, in blocks, mean of the seeds. Improvement is the fall of the error between two "
        "windows of 50 visits; cut off at zero it keeps a floor in the noise, where one window is by chance "
        "better than the one before, so that noise ranks above what is known. With its sign, a region that "
        "looked worse by chance is left alone for long, the learnable one too. Error goes to "
        "the learnable region while it errs most there, and to the noise after that: the order of all visits "
        "does not tell it from improvement, the last thousand steps do.");
    char cell[CU_AGENTS][4][48];
    const char *cells[CU_AGENTS * 5];
    for (int a = 0; a < w->agents; a++) {
        int ordered = 0;
        cells[5 * a] = w->agent[a].label;
        for (int k = 0; k < CW_REGIONS; k++) {
            double mean = 0;
            for (int s = 0; s < w->seeds; s++) mean += 100 * w->agent[a].visits[s][k] / w->steps / w->seeds;
            snprintf(cell[a][k], sizeof cell[a][k], "%.1f", mean);
        }
        for (int s = 0; s < w->seeds; s++) {
            const double *v = w->agent[a].visits[s];
            ordered += v[CW_LEARNABLE] > v[CW_NOISE] && v[CW_NOISE] > v[CW_KNOWN];
        }
        snprintf(cell[a][3], sizeof cell[a][3], "%d of %d", ordered, w->seeds);
        for (int k = 0; k < 4; k++) cells[5 * a + 1 + k] = cell[a][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"reward", "known (%)", "noise (%)", "learnable (%)", "learnable > noise > known"}, cells,
        (size_t)w->agents, 5, "Visits over the whole run, mean of the seeds.");
}

/* ---- maps ----------------------------------------------------------------------------------------------------------------------*/

typedef struct picture {
    size_t side, n;
    uint8_t *pixels; /* (n, side, side, 3) */
} picture;

static picture picture_new(jd_run *r, size_t n, size_t side)
{
    return (picture){side, n, jd_alloc_array(jd_run_ctx(r), n * side * side * 3, 1)};
}

static void paint(picture *p, size_t i, size_t y, size_t x, size_t size, const double rgb[3])
{
    for (size_t v = y; v < y + size; v++)
        for (size_t u = x; u < x + size; u++)
            for (size_t k = 0; k < 3; k++)
                p->pixels[((i * p->side + v) * p->side + u) * 3 + k] = (uint8_t)lround(255 * rgb[k]);
}

/* From light to dark. */
static void shade(double share, double rgb[3])
{
    const double t = fmin(1, fmax(0, share));
    rgb[0] = .97 - .93 * t;
    rgb[1] = .97 - .70 * t;
    rgb[2] = .98 - .45 * t;
}

static void show(jd_run *r, picture *p, const char *const *captions, int columns, const char *caption)
{
    jd_report_images(jd_run_report(r),
                     &(jd_tiles){.pixels = p->pixels,
                                 .n = p->n,
                                 .h = p->side,
                                 .w = p->side,
                                 .channels = 3,
                                 .tile_captions = captions,
                                 .columns = columns},
                     caption);
    jd_free(jd_run_ctx(r), p->pixels);
}

/* ---- B ------------------------------------------------------------------------------------------------------------------------*/

static void grid_maps(jd_run *r, const cu_world *w)
{
    enum { DOT = 12 };
    static const double kind[3][3] = {{.20, .55, .75}, {.85, .40, .25}, {.35, .70, .40}};
    const char *captions[CU_AGENTS + 1] = {"kinds of cells"};
    picture p = picture_new(r, CU_AGENTS + 1, CW_SIDE * DOT);
    cw_grid g;
    cw_grid_new(&g, cu_seed(r, 0));
    if (!p.pixels) return;
    for (size_t i = 0; i < CU_AGENTS + 1; i++) {
        double most = 1;
        if (i) captions[i] = w->agent[i - 1].label;
        for (size_t c = 0; i && c < CW_CELLS; c++) most = fmax(most, w->agent[i - 1].map[c]);
        for (size_t c = 0; c < CW_CELLS; c++) {
            double rgb[3];
            if (i) shade(w->agent[i - 1].map[c] / most, rgb);
            paint(&p, i, c / CW_SIDE * DOT, c % CW_SIDE * DOT, DOT, i ? rgb : kind[g.kind[c]]);
        }
    }
    show(r, &p, captions, CU_AGENTS + 1,
         "The first seed's grid: blue cells always show the same symbol, red ones a random one, in green ones it "
         "depends on the cell before. Beside it, where each learner looked in the first sixth of the run (dark: most "
         "often), each map by its own scale.");
}

void cu_draw_grid(jd_run *r, const cu_world *w)
{
    jd_report_section(jd_run_report(r), "The grid of symbols");
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step"},
                               &(jd_axis){.label = "error (% of the first)", .min = 0, .max = 100}, 280);
    for (int a = 0; a < w->agents; a++) draw_median(c, w, a, 0, 0);
    jd_chart_hline(c, "10 %", 10, JD_DASHED);
    jd_report_chart(
        jd_run_report(r), c,
        "The model's summed squared error about the 70 cells that can be predicted: median of the seeds, and "
        "the band from the best to the worst.");
    grid_maps(r, w);
    char cell[CU_AGENTS][2][CELL];
    const char *cells[CU_AGENTS * 3];
    for (int a = 0; a < w->agents; a++) {
        double share[CU_SEEDS];
        for (int s = 0; s < w->seeds; s++) share[s] = 100 * w->agent[a].share[s];
        text_of(cell[a][0], w->agent[a].reached, w->seeds, 0);
        text_of(cell[a][1], share, w->seeds, 1);
        cells[3 * a] = w->agent[a].label;
        for (int k = 0; k < 2; k++) cells[3 * a + 1 + k] = cell[a][k];
    }
    jd_report_table(jd_run_report(r), (const char *const[]){"reward", "steps to 10 %", "looks at random cells (%)"},
                    cells, (size_t)w->agents, 3, "Median of the seeds (smallest to largest).");
}

/* ---- C ------------------------------------------------------------------------------------------------------------------------*/

/* How often a free pixel was passed, on a logarithmic scale to 1: a room, or the door between two. */
static double visits(const double map[CW_ROOMS], size_t y, size_t x, double most)
{
    const size_t one = (y - 1) / 2 * CW_MAZE + (x - 1) / 2, other = y / 2 * CW_MAZE + x / 2;
    const double n = fmin(map[one], map[x % 2 && y % 2 ? one : other]);
    return n > 0 ? .15 + .85 * log(n) / log(most) : 0;
}

static void maze_maps(jd_run *r, const cu_world *w)
{
    enum { DOT = 7, SIDE = CW_BITMAP * DOT };
    static const double wall[3] = {.25, .25, .28}, screen[3] = {.95, .25, .15};
    const char *captions[CU_AGENTS];
    picture p = picture_new(r, CU_AGENTS, SIDE);
    cw_maze z;
    cw_maze_new(&z, cu_seed(r, 0));
    if (!p.pixels) return;
    for (size_t i = 0; i < CU_AGENTS; i++) {
        captions[i] = w->agent[i].label;
        double most = 2;
        for (size_t c = 0; c < CW_ROOMS; c++) most = fmax(most, w->agent[i].map[c]);
        for (size_t y = 0; y < CW_BITMAP; y++)
            for (size_t x = 0; x < CW_BITMAP; x++) {
                double rgb[3];
                shade(z.wall[y][x] ? 0 : visits(w->agent[i].map, y, x, most), rgb);
                paint(&p, i, y * DOT, x * DOT, DOT, z.wall[y][x] ? wall : rgb);
            }
        const size_t y = (2 * ((size_t)z.screen / CW_MAZE) + 1) * DOT, x = (2 * ((size_t)z.screen % CW_MAZE) + 1) * DOT;
        paint(&p, i, y - 1, x - 1, DOT + 2, screen);
    }
    show(r, &p, captions, 2,
         "The first seed's maze: how often each room was visited (white: never; logarithmic, each map by its own "
         "scale). The room with the screen is red.");
}

void cu_draw_maze(jd_run *r, const cu_world *w)
{
    jd_report_section(jd_run_report(r), "The maze with a television");
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step"},
                               &(jd_axis){.label = "rooms visited (%)", .min = 0, .max = 100}, 240);
    for (int a = 0; a < w->agents; a++) draw_median(c, w, a, 0, 0);
    jd_chart_panel(c, &(jd_axis){.label = "at the screen (%)", .min = 0, .max = 100}, 180);
    for (int a = 0; a < w->agents; a++) draw_median(c, w, a, 1, 0);
    jd_report_chart(
        jd_run_report(r), c,
        "Median of the seeds, and the band from the smallest to the largest. Below: the share of steps that "
        "switch the screen to the next random picture.");
    maze_maps(r, w);
    char cell[CU_AGENTS][2][CELL];
    const char *cells[CU_AGENTS * 3];
    for (int a = 0; a < w->agents; a++) {
        double v[2][CU_SEEDS];
        for (int s = 0; s < w->seeds; s++) v[0][s] = 100 * w->agent[a].cover[s], v[1][s] = 100 * w->agent[a].share[s];
        cells[3 * a] = w->agent[a].label;
        for (int k = 0; k < 2; k++) {
            text_of(cell[a][k], v[k], w->seeds, 1);
            cells[3 * a + 1 + k] = cell[a][k];
        }
    }
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"reward", "rooms visited (%)", "last quarter: steps at the screen (%)"},
                    cells, (size_t)w->agents, 3, "Median of the seeds (smallest to largest).");
}

/* ---- D ------------------------------------------------------------------------------------------------------------------------*/

/* Visits of the pairs of the first seed, from the least to the most visited: those that lead to one state, and the others. */
static void markov_visits(jd_run *r, const cu_world *w)
{
    static const int shown[] = {CU_D_RANDOM, CU_D_COUNT, CU_D_GAIN};
    static cw_markov v;
    cw_markov_new(&v, cu_seed(r, 0));
    jd_chart *c = NULL;
    for (int even = 0; even < 2; even++) {
        const jd_axis y = {.label = even ? "8 states: visits" : "one state: visits", .scale = JD_LOG};
        if (!c)
            c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "pairs (%), by visits", .min = 0, .max = 100}, &y, 180);
        else
            jd_chart_panel(c, &y, 180);
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
            double visits[CW_PAIRS], x[CW_PAIRS];
            size_t n = 0;
            for (int k = 0; k < CW_PAIRS; k++)
                if (v.even[k] == (even == 1)) visits[n++] = w->agent[shown[i]].map[k];
            cu_sort(visits, (int)n);
            for (size_t k = 0; k < n; k++) x[k] = 100 * ((double)k + .5) / (double)n;
            jd_chart_line(c, w->agent[shown[i]].label, x, visits, n, 0);
        }
    }
    jd_report_chart(
        jd_run_report(r), c,
        "How the steps of the first seed, up to a divergence of 0.1, were spread over the pairs of state and "
        "action, from the least to the most visited. Above, pairs that lead to one state; below, pairs that "
        "lead to one of eight, which take more visits to know. Pairs never visited are not drawn.");
}

void cu_draw_markov(jd_run *r, const cu_world *w)
{
    jd_report_section(jd_run_report(r), "A random Markov environment");
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "step"},
                               &(jd_axis){.label = "divergence (nats)", .scale = JD_LOG}, 280);
    for (int a = 0; a < w->agents; a++) draw_median(c, w, a, 0, 0);
    jd_chart_hline(c, "0.1", .1, JD_DASHED);
    jd_report_chart(
        jd_run_report(r), c,
        "Kullback-Leibler divergence of the estimated from the true transition probabilities, mean over all "
        "pairs of state and action: median of the seeds, and the band from the best to the worst.");
    markov_visits(r, w);
    char cell[CU_AGENTS][CELL];
    const char *cells[CU_AGENTS * 2];
    for (int a = 0; a < w->agents; a++) {
        text_of(cell[a], w->agent[a].reached, w->seeds, 0);
        cells[2 * a] = w->agent[a].label;
        cells[2 * a + 1] = cell[a];
    }
    jd_report_table(jd_run_report(r), (const char *const[]){"reward", "steps to a divergence of 0.1"}, cells,
                    (size_t)w->agents, 2, "Median of the seeds (smallest to largest).");
}
