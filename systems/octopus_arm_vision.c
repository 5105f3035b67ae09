/*
 * octopus_arm_vision.c - the arm sees only a picture of itself: 32 x 32 pixels, 33,824 weights from 160 coefficients.
 */
#include <stdio.h>
#include <string.h>

#include "octopus.h"

enum { SIDE = 32, ROW = 1 + SIDE * SIDE + OCTOPUS_UNITS, WAYS = 2, GENES = 160 };

/* Input weights as units x picture rows x picture columns; feedback; bias.  A unit sees about 27 pixels that are not 0, so
 * the weights of inputs are that much smaller. */
static jd_code *make_code(jd_ctx *ctx, jd_code_kind kind)
{
    jd_code_array net[] = {
        {.rank = 3,
         .size = {OCTOPUS_UNITS, SIDE, SIDE},
         .genes = 100,
         .scale = 1. / 27,
         .offset = 1,
         .stride = {ROW, SIDE, 1}},
        {.rank = 2, .size = {OCTOPUS_UNITS, OCTOPUS_UNITS}, .genes = 50, .offset = 1 + SIDE * SIDE, .stride = {ROW, 1}},
        {.rank = 1, .size = {OCTOPUS_UNITS}, .genes = 10, .stride = {ROW}}};
    for (int a = 0; kind == JD_CODE_DIRECT && a < 3; a++) {
        net[a].genes = 0;
        net[a].scale = a ? 1 : 1. / 5; /* independent weights add up as the root of their number */
    }
    return jd_code_new(ctx, &(jd_code_options){.kind = kind, .array = net, .arrays = 3});
}

/* What some units look for, as pictures. */
static void show_units(octopus *o, const double *weights)
{
    enum { SHOWN = 8 };
    static float picture[SHOWN][SIDE * SIDE];
    for (int k = 0; k < SHOWN; k++)
        for (int i = 0; i < SIDE * SIDE; i++) picture[k][i] = (float)weights[k * 4 * ROW + 1 + i];
    jd_report_filters(jd_run_report(o->r), picture[0], SHOWN, SIDE, SIDE, 1, false,
                      "Weights from the picture to every fourth unit: light excites, dark inhibits.");
}

static jd_status run(jd_run *r)
{
    octopus o;
    octopus_way way[WAYS] = {{.name = "160 coefficients", .key = "dct-160"},
                             {.name = "33,824 weights", .key = "direct"}};
    const int seeds = (int)fmin(OCTOPUS_SEEDS, fmax(1, jd_run_setting(r, "seeds")));
    const int64_t budget = (int64_t)fmax(300, jd_run_setting(r, "evaluations"));
    if (octopus_open(&o, r, "octopus-arm-vision")) return jd_error(o.ctx);
    o.total = (double)budget * seeds * WAYS;
    jd_run_stage(r, "searching: %d seeds, %lld evaluations each", seeds, (long long)budget);
    for (int w = 0; w < WAYS && !jd_error(o.ctx); w++) {
        way[w].code = make_code(o.ctx, w ? JD_CODE_DIRECT : JD_CODE_DCT);
        way[w].sigma = jd_run_setting(r, w ? "sigma_direct" : "sigma");
        if (way[w].code) octopus_race(&o, &way[w], seeds, budget);
    }
    const double fitness = jd_error(o.ctx) ? 0 : octopus_mean(way[0].fitness, seeds);
    if (!jd_error(o.ctx)) {
        const int seed = octopus_best_seed(&way[0], seeds);
        const double *genome = way[0].best + seed * GENES;
        double *weights = jd_alloc_array(o.ctx, o.weights, sizeof *weights);
        jd_report *report = jd_run_report(r);
        jd_run_extra(r, "weights", (double)jd_code_weights(way[0].code));
        jd_run_extra(r, "compression", jd_code_ratio(way[0].code));
        jd_run_extra(r, "fitness_direct", octopus_mean(way[1].fitness, seeds));
        jd_run_extra(r, "unseen_160", octopus_mean(way[0].held_out, seeds));
        jd_run_extra(r, "unseen_direct", octopus_mean(way[1].held_out, seeds));
        if (weights && !jd_code_decode(way[0].code, genome, weights)) {
            jd_report_section(report, "The arm");
            octopus_show_motion(
                &o, weights,
                "The best of 160 coefficients from its three starts, 120 steps; the disc is the target, the "
                "line above the surface of the water. The net sees 32 x 32 pixels and nothing else.");
            jd_report_section(report, "Searches");
            octopus_show_curves(&o, way, WAYS, seeds,
                                "Fitness of the best network so far, 160 coefficients and all weights.");
            octopus_show_table(&o, way, WAYS, seeds, budget);
            jd_report_section(report, "The genome");
            octopus_show_coefficients(
                &o, way[0].code, genome, 1, "frequency downward",
                "The coefficients of the picture's rows and columns that all units share; the others of "
                "the 160 say how units differ, and the weights of feedback and bias.");
            show_units(&o, weights);
            octopus_save(&o, &way[0], seed, weights);
        }
        jd_free(o.ctx, weights);
    }
    for (int w = 0; w < WAYS; w++) octopus_way_free(&o, &way[w]);
    octopus_close(&o);
    if (jd_error(o.ctx)) return jd_error(o.ctx);
    return jd_run_finish(r, fitness, NULL);
}

static const jd_setting settings[] = {
    {"seeds", {2, 5, 10}, "searches from different seeds, 1 to 20"},
    {"evaluations", {300, 3000, 10000}, "of each search, at least 300; an evaluation is three trials of 120 steps"},
    {"sigma", {2, 2, 2}, "first step size of SNES over coefficients"},
    {"sigma_direct", {1, 1, 1}, "first step size of SNES over weights"},
    {NULL}};

const jd_system jd_system_octopus_arm_vision = {
    .name = "octopus-arm-vision",
    .year = 2013,
    .title = "Compressed network search by sight: 33,824 weights from 160 coefficients move an octopus's arm",
    .paper = "Koutnik, Cuccu, Schmidhuber, Gomez, Evolving large-scale neural networks for vision-based reinforcement "
             "learning, GECCO 2013",
    .metric = "fitness of 160 coefficients, mean of seeds",
    .higher = true,
    .paper_value = NAN,
    .paper_note = "the talk gives sizes (32 x 32 pixels, 33,824 weights, 160 coefficients, 1:211); no fitness is at "
                  "hand; to be reached: what octopus-arm has to",
    .accept = {.7, .73, .73},
    .about = "The arm of octopus-arm, but the net of 32 logistic units sees 32 x 32 pixels: 1 inside the arm, -1 at "
             "the target. Its weights are 160 cosine coefficients: 100 in an array of units x rows x columns, 50 for "
             "the feedback, 10 for the bias.",
    .data = NULL,
    .settings = settings,
    .run = run,
};
