/*
 * octopus_arm.c - an octopus's arm learns to reach by compressed network search: 20 cosine coefficients stand for the
 * 3,680 weights of a fully recurrent net.
 *
 * The claim of the method is that searching a few coefficients is faster than searching all weights.  The run tests it:
 * 5 to 80 coefficients and all weights, by the same search, from the same seeds, with the same number of evaluations; then
 * 20 coefficients in arrays whose dimensions follow the body, and by another search.
 */
#include <stdio.h>
#include <string.h>

#include "octopus.h"

enum { INPUTS = 82, ROW = 1 + INPUTS + OCTOPUS_UNITS, WAYS = 9, MAIN = 2, DIRECT = 5 };

/* Units x (bias, inputs, units): one array for the whole net. */
static jd_code *whole(jd_ctx *ctx, jd_code_kind kind, size_t genes)
{
    const jd_code_array net = {.rank = 2, .size = {OCTOPUS_UNITS, ROW}, .genes = genes};
    return jd_code_new(ctx, &(jd_code_options){.kind = kind, .array = &net, .arrays = 1});
}

/* Inputs of the body as side x variable x compartment, so that what is near in the arm is near in the array; the base's two
 * inputs, feedback and bias in arrays of their own. */
static jd_code *bodily(jd_ctx *ctx)
{
    const jd_code_array net[] = {
        {.rank = 4, .size = {OCTOPUS_UNITS, 2, 4, 10}, .genes = 10, .offset = 3, .stride = {ROW, 40, 10, 1}},
        {.rank = 2, .size = {OCTOPUS_UNITS, 2}, .genes = 3, .offset = 1, .stride = {ROW, 1}},
        {.rank = 2, .size = {OCTOPUS_UNITS, OCTOPUS_UNITS}, .genes = 4, .offset = 1 + INPUTS, .stride = {ROW, 1}},
        {.rank = 1, .size = {OCTOPUS_UNITS}, .genes = 3, .stride = {ROW}}};
    return jd_code_new(ctx, &(jd_code_options){.kind = JD_CODE_DCT, .array = net, .arrays = 4});
}

static const char *const NAME[WAYS] = {"5 coefficients",  "10 coefficients", "20 coefficients",
                                       "40 coefficients", "80 coefficients", "3,680 weights",
                                       "20, body-shaped", "20 by CoSyNE",    "3,680 by CoSyNE"};

static const char *const KEY[WAYS] = {"dct-5",  "dct-10",  "dct-20",        "dct-40",       "dct-80",
                                      "direct", "body-20", "cosyne-dct-20", "cosyne-direct"};

static void prepare(octopus *o, octopus_way *way)
{
    static const size_t genes[DIRECT] = {5, 10, 20, 40, 80};
    for (int w = 0; w < WAYS; w++) {
        const bool direct = w == DIRECT || w == WAYS - 1, breed = w > DIRECT + 1;
        way[w].name = NAME[w];
        way[w].key = KEY[w];
        way[w].method = breed ? JD_SEARCH_COSYNE : JD_SEARCH_SNES;
        way[w].sigma = jd_run_setting(o->r, direct  ? (breed ? "range_direct" : "sigma_direct")
                                            : breed ? "range"
                                                    : "sigma");
        way[w].population = direct || breed ? 0 : (size_t)fmax(0, jd_run_setting(o->r, "population"));
        way[w].code = w < DIRECT ? whole(o->ctx, JD_CODE_DCT, genes[w])
                      : direct   ? whole(o->ctx, JD_CODE_DIRECT, 0)
                      : w == 6   ? bodily(o->ctx)
                                 : whole(o->ctx, JD_CODE_DCT, 20);
    }
}

/* Does the claim hold here?  In words, from the curves. */
static void judge_claim(octopus *o, const octopus_way *way, int seeds, int64_t budget)
{
    const octopus_way *few = &way[MAIN], *all = &way[DIRECT];
    char text[700];
    int early = 0, late = 0, general = 0;
    for (int s = 0; s < seeds; s++) {
        early += octopus_after(few, s, 100) > octopus_after(all, s, 100);
        late += few->fitness[s] > all->fitness[s];
        general += few->held_out[s] > all->held_out[s];
    }
    const double gain = octopus_mean(few->fitness, seeds) - octopus_mean(all->fitness, seeds);
    snprintf(
        text, sizeof text,
        "The claim tested: 20 coefficients are ahead of all 3,680 weights after 100 evaluations in %d of %d seeds, and "
        "after %lld evaluations in %d of %d (mean fitness %.3f against %.3f); from starts not seen in %d of %d (%.3f "
        "against %.3f). So a few coefficients %s, and %s.",
        early, seeds, (long long)budget, late, seeds, octopus_mean(few->fitness, seeds),
        octopus_mean(all->fitness, seeds), general, seeds, octopus_mean(few->held_out, seeds),
        octopus_mean(all->held_out, seeds), 2 * early > seeds ? "are faster at first" : "are not faster",
        gain > 0 ? "end higher" : "end lower: the paper's claim is reproduced only as far as the table shows");
    jd_report_text(jd_run_report(o->r), text);
    jd_run_note(o->r, "%s", text);
    jd_run_extra(o->r, "ahead_after_100", early);
    jd_run_extra(o->r, "ahead_in_the_end", late);
    jd_run_extra(o->r, "ahead_unseen", general);
    jd_run_extra(o->r, "fitness_20", octopus_mean(few->fitness, seeds));
    jd_run_extra(o->r, "fitness_direct", octopus_mean(all->fitness, seeds));
    jd_run_extra(o->r, "unseen_20", octopus_mean(few->held_out, seeds));
    jd_run_extra(o->r, "unseen_direct", octopus_mean(all->held_out, seeds));
}

/* Final fitness against the number of coefficients, each seed a mark. */
static void show_sizes(octopus *o, const octopus_way *way, int seeds)
{
    jd_chart *c = jd_chart_new(o->ctx, &(jd_axis){.label = "numbers searched", .scale = JD_LOG},
                               &(jd_axis){.label = "fitness in the end"}, 260);
    double x[DIRECT + 1][OCTOPUS_SEEDS], mean[DIRECT + 1], at[DIRECT + 1];
    for (int w = 0; w <= DIRECT; w++) {
        at[w] = (double)jd_code_genes(way[w].code);
        mean[w] = octopus_mean(way[w].fitness, seeds);
        for (int s = 0; s < seeds; s++) x[w][s] = at[w];
        jd_chart_points(c, "seeds", x[w], way[w].fitness, NULL, NULL, (size_t)seeds, JD_HOLLOW | JD_NO_LABEL);
    }
    jd_chart_line(c, "mean", at, mean, DIRECT + 1, JD_NEUTRAL | JD_MARKS);
    jd_report_chart(jd_run_report(o->r), c,
                    "How many numbers to search: one array of 5 to 80 coefficients, and every weight.");
}

static void show_genome(octopus *o, const octopus_way *way, int seed, double *weights)
{
    static float map[ROW * OCTOPUS_UNITS];
    jd_report *r = jd_run_report(o->r);
    const double *genome = way->best + (size_t)seed * jd_code_genes(way->code);
    if (jd_code_decode(way->code, genome, weights)) return;
    for (int u = 0; u < OCTOPUS_UNITS; u++)
        for (int k = 0; k < ROW; k++) map[k * OCTOPUS_UNITS + u] = (float)weights[u * ROW + k];
    octopus_show_coefficients(
        o, way->code, genome, 0, "frequency over units",
        "The genome: its coefficients fill the corner of low frequencies; to the right, over inputs. "
        "Cells without one are empty.");
    jd_report_map(
        r,
        &(jd_map){.label = "unit",
                  .value_label = "weight",
                  .values = map,
                  .T = ROW,
                  .H = OCTOPUS_UNITS,
                  .colors = JD_DIVERGING,
                  .height = 200},
        "bias, inputs (base 2, upper side x 10, y 10, speeds 20, lower side likewise), units", 0, ROW,
        "The 3,680 weights that the genome decodes to: units are 10 dorsal, 10 transverse and 10 ventral muscles "
        "and the base's two motors.");
}

static jd_status run(jd_run *r)
{
    octopus o;
    octopus_way way[WAYS] = {{0}};
    const int seeds = (int)fmin(OCTOPUS_SEEDS, fmax(1, jd_run_setting(r, "seeds")));
    const int64_t budget = (int64_t)fmax(300, jd_run_setting(r, "evaluations"));
    if (octopus_open(&o, r, "octopus-arm")) return jd_error(o.ctx);
    prepare(&o, way);
    const int ways = jd_run_setting(r, "ways") < WAYS ? (int)fmax(DIRECT + 1, jd_run_setting(r, "ways")) : WAYS;
    o.total = (double)budget * seeds * ways;
    jd_run_stage(r, "searching: %d codes, %d seeds, %lld evaluations each", ways, seeds, (long long)budget);
    for (int w = 0; w < ways && !jd_error(o.ctx); w++) octopus_race(&o, &way[w], seeds, budget);
    double worst = 1, mean = 0;
    int reached = 0;
    if (!jd_error(o.ctx)) {
        const octopus_way *few = &way[MAIN], *all = &way[DIRECT];
        double *weights = jd_alloc_array(o.ctx, o.weights, sizeof *weights);
        jd_report *report = jd_run_report(r);
        for (int s = 0; s < seeds; s++) {
            const double early = octopus_after(few, s, 300);
            worst = fmin(worst, early);
            mean += early / seeds;
            reached += early >= OCTOPUS_GOOD;
        }
        jd_run_extra(r, "mean_after_300", mean);
        jd_run_extra(r, "seeds_at_0.73", reached);
        jd_run_extra(r, "weights", (double)jd_code_weights(few->code));
        jd_run_extra(r, "compression", jd_code_ratio(few->code));
        jd_report_section(report, "The arm");
        const int seed = octopus_best_seed(few, seeds), other = octopus_best_seed(all, seeds);
        if (weights && !jd_code_decode(few->code, few->best + (size_t)seed * 20, weights))
            octopus_show_motion(
                &o, weights,
                "The best of 20 coefficients from its three starts, 120 steps; the disc is the target, the "
                "line above the surface of the water.");
        jd_report_section(report, "Searches");
        judge_claim(&o, way, seeds, budget);
        octopus_show_curves(
            &o, way, DIRECT + 1, seeds,
            "Fitness of the best network so far: one array of 5 to 80 cosine coefficients, and all weights, "
            "by natural evolution strategies (SNES).");
        show_sizes(&o, way, seeds);
        octopus_show_table(&o, way, ways, seeds, budget);
        jd_report_section(report, "The genome");
        if (weights) {
            show_genome(&o, few, seed, weights);
            octopus_save(&o, few, seed, weights);
        }
        jd_report_section(report, "All weights searched");
        if (weights && !jd_code_decode(all->code, all->best + (size_t)other * o.weights, weights))
            octopus_show_motion(&o, weights, "The best network whose 3,680 weights were searched one by one.");
        jd_free(o.ctx, weights);
    }
    for (int w = 0; w < WAYS; w++) octopus_way_free(&o, &way[w]);
    octopus_close(&o);
    if (jd_error(o.ctx)) return jd_error(o.ctx);
    char why[160];
    snprintf(why, sizeof why,
             "%d of %d seeds have 0.73 after 300 evaluations (mean %.4f); the others are a little below or slow",
             reached, seeds, mean);
    return jd_run_finish(r, worst, reached < seeds ? why : NULL);
}

static const jd_setting settings[] = {
    {"seeds", {3, 5, 10}, "searches from different seeds, 1 to 20"},
    {"evaluations", {600, 3000, 6000}, "of each search, at least 300; an evaluation is three trials of 120 steps"},
    {"ways", {6, 9, 9}, "codes compared: 6 leaves out body-shaped arrays and CoSyNE"},
    {"sigma", {4, 4, 4}, "first step size of SNES over coefficients"},
    {"population", {20, 20, 20}, "candidates of SNES over coefficients; 0: its own number, which is 12 for 20 of them"},
    {"sigma_direct", {1, 1, 1}, "first step size of SNES over weights"},
    {"range", {6, 6, 6}, "first coefficients of CoSyNE are uniform within +- this"},
    {"range_direct", {1, 1, 1}, "first weights of CoSyNE are uniform within +- this"},
    {NULL}};

const jd_system jd_system_octopus_arm = {
    .name = "octopus-arm",
    .year = 2012,
    .title = "Compressed network search: an octopus's arm reaches with 3,680 weights from 20 coefficients",
    .paper = "Koutnik, Gomez, Schmidhuber, A frequency-domain encoding for neuroevolution, arXiv 1212.6521, 2012",
    .metric = "fitness of 20 coefficients after 300 evaluations, worst seed",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "the talk gives sizes (82 inputs, 32 outputs, 3,680 weights, 20 coefficients, 1:184); the paper's curves are "
        "of another target and cannot be compared number by number",
    .accept = {.73, .73, .73},
    .about =
        "An arm of ten compartments in water has 32 muscles and motors and 82 numbers to see. A fully recurrent net "
        "of 32 logistic units moves it; black-box search finds the net's weights, either directly or as a few cosine "
        "coefficients of the weight matrix. A trial is worth 1 - t/T d/12 after t of T = 120 steps at distance d from "
        "the target; fitness is the mean of three starts.",
    .data = NULL,
    .settings = settings,
    .run = run,
};
