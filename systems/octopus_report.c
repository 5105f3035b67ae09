/*
 * octopus_report.c - what a reader should see of the arm: curves of the searches, a film, muscles, coefficients, weights.
 */
#include <stdio.h>
#include <string.h>

#include "octopus.h"

enum { TRIALS = OCTOPUS_STARTS, NODES = 11, LINES = 3 * NODES + 1, FRAME = 2, FRAMES = OCTOPUS_STEPS / FRAME + 8 };

/* ---- searches ----------------------------------------------------------------------------------------------------------*/

void octopus_show_curves(octopus *o, const octopus_way *way, int ways, int seeds, const char *caption)
{
    jd_chart *c = jd_chart_new(o->ctx, &(jd_axis){.label = "evaluations", .scale = JD_LOG},
                               &(jd_axis){.label = "best fitness, median of seeds"}, 380);
    double *x = jd_alloc_array(o->ctx, way[0].points, sizeof *x);
    for (size_t p = 0; x && p < way[0].points; p++) x[p] = OCTOPUS_GRID * (double)(p + 1);
    for (int w = 0; x && w < ways; w++)
        jd_chart_seeds(c, way[w].name, x, way[w].curve, (size_t)seeds, way[w].points, 0);
    jd_chart_hline(c, "0.73", OCTOPUS_GOOD, JD_DASHED);
    jd_report_chart(jd_run_report(o->r), c, caption);
    jd_free(o->ctx, x);
}

enum { COLUMNS = 7, CELL = 40 };

/* Evaluations until OCTOPUS_GOOD: the median of the seeds that got there, and their number. */
static void time_to_good(const octopus_way *way, int seeds, char *text)
{
    double sorted[OCTOPUS_SEEDS];
    int n = 0;
    for (int s = 0; s < seeds; s++) {
        if (!(way->good[s] > 0)) continue;
        int at = n++;
        for (; at > 0 && sorted[at - 1] > way->good[s]; at--) sorted[at] = sorted[at - 1];
        sorted[at] = way->good[s];
    }
    if (n)
        snprintf(text, CELL, "%.0f (%d of %d)", sorted[n / 2], n, seeds);
    else
        snprintf(text, CELL, "never (0 of %d)", seeds);
}

void octopus_show_table(octopus *o, const octopus_way *way, int ways, int seeds, int64_t budget)
{
    static const char *const headings[COLUMNS] = {"searched",           "at 300",        "in the end", "until 0.73",
                                                  "-60, 0, 60 degrees", "unseen starts", "reached"};
    static char cell[16 * COLUMNS][CELL];
    const char *cells[16 * COLUMNS];
    for (int w = 0; w < ways && w < 16; w++) {
        char(*row)[CELL] = cell + w * COLUMNS;
        double early[OCTOPUS_SEEDS], worst = 1, each[OCTOPUS_STARTS] = {0};
        for (int s = 0; s < seeds; s++) {
            early[s] = octopus_after(&way[w], s, 300);
            worst = fmin(worst, way[w].fitness[s]);
            for (int k = 0; k < OCTOPUS_STARTS; k++) each[k] += way[w].each[s][k] / seeds;
        }
        snprintf(row[0], CELL, "%s", way[w].name);
        snprintf(row[1], CELL, "%.3f", octopus_mean(early, seeds));
        snprintf(row[2], CELL, "%.3f (%.3f)", octopus_mean(way[w].fitness, seeds), octopus_sd(way[w].fitness, seeds));
        time_to_good(&way[w], seeds, row[3]);
        snprintf(row[4], CELL, "%.2f, %.2f, %.2f", each[0], each[1], each[2]);
        snprintf(row[5], CELL, "%.3f (%.3f)", octopus_mean(way[w].held_out, seeds), octopus_sd(way[w].held_out, seeds));
        snprintf(row[6], CELL, "%.0f %%", 100 * octopus_mean(way[w].reached, seeds));
        for (int k = 0; k < COLUMNS; k++) cells[w * COLUMNS + k] = row[k];
        jd_run_note(
            o->r,
            "%s: %s after 300 evaluations, %s after %lld, worst seed %.3f; starts %s; unseen starts %s, reached %s",
            row[0], row[1], row[2], (long long)budget, worst, row[4], row[5], row[6]);
    }
    char caption[400];
    snprintf(
        caption, sizeof caption,
        "Fitness as mean (standard deviation) of %d seeds after %lld evaluations of three trials each. \"until 0.73\": "
        "evaluations, median of the seeds that got there. Unseen starts: 20 angles within 75 degrees, best network "
        "of each seed.",
        seeds, (long long)budget);
    jd_report_table(jd_run_report(o->r), headings, cells, (size_t)(ways < 16 ? ways : 16), COLUMNS, caption);
}

/* ---- motion ------------------------------------------------------------------------------------------------------------*/

/* What happened in the trials of one network. */
typedef struct record {
    float points[FRAMES][TRIALS][LINES][4];
    float muscle[TRIALS][OCTOPUS_STEPS][OCTOPUS_UNITS];
    int64_t steps[TRIALS];
} record;

static void line(float *to, const double *a, const double *b, double shift)
{
    to[0] = (float)(a[0] + shift), to[1] = (float)a[1];
    to[2] = (float)(b[0] + shift), to[3] = (float)b[1];
}

/* The arm's outline and cross-lines, the target and the surface of the water, in trial k's part of the view. */
static void draw(const double *s, int k, float (*to)[4])
{
    const double shift = 16. * (k - 1), r = hypot(.04, .5), dx = r * cos(s[0]), dy = r * sin(s[0]);
    double p[2][NODES][2] = {{{.04 + dx, .5 + dy}}, {{.04 - dx, .5 - dy}}};
    for (int side = 0; side < 2; side++)
        for (int i = 1; i < NODES; i++) memcpy(p[side][i], s + 2 + 4 * (i - 1) + 40 * side, sizeof p[side][i]);
    const double target[2] = {5.5, 3.5}, left[2] = {-4.2, 5}, right[2] = {11.2, 5}, base[2] = {.04, .5};
    line(*to++, left, right, shift);
    line(*to++, target, target, shift);
    for (int i = 0; i < NODES; i++) line(*to++, p[0][i], p[1][i], shift);
    for (int side = 0; side < 2; side++)
        for (int i = 1; i < NODES; i++) line(*to++, p[side][i - 1], p[side][i], shift);
    line(*to, base, base, shift);
}

static jd_status play(octopus *o, const double *weights, record *rec)
{
    enum { MOST = 1024 };
    jd_env *e = jd_env_new(o->ctx, o->env, &(jd_env_options){.count = TRIALS, .time_limit = OCTOPUS_STEPS});
    jd_population *p = jd_population_new(o->ctx, &o->net, TRIALS);
    const size_t I = (size_t)o->net.inputs, stride = jd_population_stride(p);
    float *obs = jd_alloc_array(o->ctx, I * TRIALS, sizeof *obs), *x = jd_alloc_array(o->ctx, I * stride, sizeof *x);
    float *y = jd_alloc_array(o->ctx, OCTOPUS_UNITS * stride, sizeof *y);
    float act[TRIALS][OCTOPUS_UNITS], reward[TRIALS];
    uint8_t end[TRIALS] = {0}, late[TRIALS] = {0};
    double s[OCTOPUS_STATE];
    for (size_t k = 0; !jd_error(o->ctx) && k < TRIALS; k++) {
        double first[OCTOPUS_STATE + 2] = {0};
        memcpy(first + 2, o->start[k], sizeof o->start[k]);
        jd_env_reset(e, k, 0, NULL);
        jd_env_restore(e, k, first);
        jd_population_set(p, k, 1, weights);
    }
    /* what is seen before the first step: a copy that has ended shows its state without moving */
    for (size_t k = 0; !jd_error(o->ctx) && k < TRIALS; k++) {
        double ended[OCTOPUS_STATE + 2] = {0, 1};
        memcpy(ended + 2, o->start[k], sizeof o->start[k]);
        jd_env_restore(e, k, ended);
    }
    memset(act, 0, sizeof act);
    if (!jd_error(o->ctx)) jd_env_step(e, &act[0][0], obs, reward, end, late);
    for (size_t k = 0; !jd_error(o->ctx) && k < TRIALS; k++) {
        double first[OCTOPUS_STATE + 2] = {0};
        memcpy(first + 2, o->start[k], sizeof o->start[k]);
        jd_env_restore(e, k, first);
        end[k] = late[k] = 0;
    }
    for (int t = 0; !jd_error(o->ctx) && t < FRAMES * FRAME; t++) {
        for (size_t k = 0; k < TRIALS; k++) {
            jd_env_get_state(e, k, s);
            if (t % FRAME == 0) draw(s, (int)k, rec->points[t / FRAME][k]);
            for (size_t i = 0; i < I; i++) x[i * stride + k] = obs[k * I + i];
        }
        if (t >= OCTOPUS_STEPS) continue;
        jd_population_run(p, 1, x, true, y, true);
        for (size_t k = 0; k < TRIALS; k++)
            for (size_t u = 0; u < OCTOPUS_UNITS; u++) {
                act[k][u] = y[u * stride + k];
                rec->muscle[k][t][u] = end[k] || late[k] ? NAN : act[k][u];
            }
        for (size_t k = 0; k < TRIALS; k++) rec->steps[k] += !end[k] && !late[k];
        jd_env_step(e, &act[0][0], obs, reward, end, late);
    }
    jd_env_free(e);
    jd_population_free(p);
    jd_free(o->ctx, obs);
    jd_free(o->ctx, x);
    jd_free(o->ctx, y);
    return jd_error(o->ctx);
}

void octopus_show_motion(octopus *o, const double *weights, const char *caption)
{
    record *rec = jd_alloc(o->ctx, sizeof *rec);
    if (!rec || play(o, weights, rec)) {
        jd_free(o->ctx, rec);
        return;
    }
    jd_film_line style[TRIALS * LINES];
    for (int l = 0; l < TRIALS * LINES; l++) {
        const int k = l % LINES;
        style[l] = k == 0           ? (jd_film_line){.05, 5}
                   : k == 1         ? (jd_film_line){1, 1}
                   : k == LINES - 1 ? (jd_film_line){.5, JD_FILM_INK}
                   : k < 2 + NODES  ? (jd_film_line){.12, JD_FILM_MUTED}
                                    : (jd_film_line){.22, 3};
    }
    jd_report *r = jd_run_report(o->r);
    jd_report_film(r,
                   &(jd_film){.x0 = -20.5,
                              .x1 = 27.5,
                              .y0 = -10.5,
                              .y1 = 11,
                              .seconds = 10,
                              .frames = FRAMES,
                              .lines = TRIALS * LINES,
                              .points = &rec->points[0][0][0][0],
                              .line = style},
                   caption);
    jd_timeline *t = jd_timeline_new(o->ctx, "step", 0, OCTOPUS_STEPS);
    static const char *const from[TRIALS] = {"from -60 degrees", "from 0 degrees", "from 60 degrees"};
    for (int k = 0; k < TRIALS; k++)
        jd_timeline_map(t, &(jd_map){.label = from[k],
                                     .value_label = "activation",
                                     .values = &rec->muscle[k][0][0],
                                     .T = OCTOPUS_STEPS,
                                     .H = OCTOPUS_UNITS,
                                     .vmin = 0,
                                     .vmax = 1,
                                     .height = 130});
    jd_report_timeline(
        r, t,
        "What the 32 outputs do in these trials: rows 0-9 dorsal, 10-19 transverse, 20-29 ventral muscles, "
        "each from the base to the tip, then the two motors of the base. A row ends where the target is "
        "reached.");
    jd_free(o->ctx, rec);
}

/* ---- coefficients ------------------------------------------------------------------------------------------------------*/

void octopus_show_coefficients(octopus *o, const jd_code *code, const double *genome, int down, const char *label,
                               const char *caption)
{
    enum { SIDE = 48 };
    static float map[SIDE * SIDE]; /* (right, down) */
    int size[2] = {0};
    for (int i = 0; i < SIDE * SIDE; i++) map[i] = NAN;
    for (int pass = 0; pass < 2; pass++) /* how large the corner is, then what is in it */
        for (size_t g = 0; g < jd_code_genes(code); g++) {
            int array, k[JD_CODE_RANK] = {0};
            jd_code_place(code, g, &array, k);
            if (array || k[down] >= SIDE || k[down + 1] >= SIDE || (down > 0 && k[0] > 0)) continue;
            for (int d = 0; d < 2; d++) size[d] = k[down + d] >= size[d] ? k[down + d] + 1 : size[d];
            if (pass) map[k[down + 1] * size[0] + k[down]] = (float)genome[g];
        }
    jd_report_map(jd_run_report(o->r),
                  &(jd_map){.label = label,
                            .value_label = "coefficient",
                            .values = map,
                            .T = (size_t)size[1],
                            .H = (size_t)size[0],
                            .colors = JD_DIVERGING,
                            .height = 150},
                  "frequency to the right", 0, size[1], caption);
}

void octopus_save(octopus *o, const octopus_way *way, int seed, const double *weights)
{
    const size_t G = jd_code_genes(way->code);
    char fill[] = "corners", genes[24], count[24];
    snprintf(genes, sizeof genes, "%zu", G);
    snprintf(count, sizeof count, "%zu", o->weights);
    const jd_tensor_entry tensor[] = {
        {.name = "genome", .dtype = JD_FILE_F64, .rank = 1, .dim = {(int64_t)G}, .data = way->best + (size_t)seed * G},
        {.name = "weights", .dtype = JD_FILE_F64, .rank = 1, .dim = {(int64_t)o->weights}, .data = weights}};
    char *config = jd_run_config_json(o->r);
    const jd_metadata meta[] = {{"code", way->name},
                                {"fill", fill},
                                {"genes", genes},
                                {"weights", count},
                                {"jackdaw.config", config ? config : ""}};
    jd_safetensors_write(o->ctx, jd_run_path(o->r, "model.safetensors"), tensor, 2, meta, 5);
    jd_free(o->ctx, config);
}
