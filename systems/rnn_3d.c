/*
 * rnn_3d.c - "rnn-3d": a 3-D LSTM on a grid of processes that talk to their neighbours only, and what that saves in wire.
 */
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "jackdaw/ranks.h"
#include "rnn_3d.h"

const char *const rn_system[RN_SYSTEMS] = {"3D-RNN, ring", "3D-RNN, recursive doubling", "fully connected, by rows",
                                           "data-parallel, recursive doubling", "attention over voxels"};
const int rn_grid[RN_GRIDS][R3_AXES] = {{1, 1, 1}, {2, 1, 1}, {1, 2, 2}, {1, 2, 3}, {2, 2, 2}};

/* ---- counts ------------------------------------------------------------------------------------------------------------------*/

static jd_status count(jd_ctx *ctx, int side, int per_axis, int cells, int tiles, rn_case *c)
{
    const int all = side * per_axis;
    const r3_options o = {
        .dim = {all, all, all}, .procs = {per_axis, per_axis, per_axis}, .tiles = tiles, .cells = cells, .idle = true};
    r3_world *w = r3_new(ctx, &o);
    if (!w) return jd_error(ctx);
    memset(c, 0, sizeof *c);
    c->grid = (r3_grid){{all, all, all}, {per_axis, per_axis, per_axis}, tiles, 8};
    const int P = r3_count(&c->grid);
    const double weights = 8. * 6 * cells * (2 + 3 * cells), numbers = (double)all * all * all * cells;
    for (int i = 0; i < RN_SYSTEMS; i++) c->flow[i].P = P;
    if (!r3_step(w) && !r3_collect(w)) {
        r3_add_counted(&c->flow[0], w, 1u << R3_HALO | 1u << R3_REDUCE);
        r3_add_counted(&c->flow[1], w, 1u << R3_HALO);
        r3_add_doubling(&c->flow[1], weights * sizeof(float));
        r3_add_everybody(&c->flow[2], numbers * sizeof(float));
        r3_add_doubling(&c->flow[3], weights * sizeof(float));
        r3_add_everybody(&c->flow[4], 2 * numbers * sizeof(float));
        c->even = true;
        for (int p = 0; p < P; p++) {
            double sent[R3_KINDS] = {0};
            for (int q = 0; q < P; q++)
                for (int k = 0; k < R3_KINDS; k++) sent[k] += r3_bytes(w, (r3_kind)k, p, q);
            c->even = c->even && (!p || (sent[0] == c->halo && sent[1] == c->ring));
            c->halo = sent[0], c->ring = sent[1];
        }
    }
    r3_free(w);
    return jd_error(ctx);
}

/* Boxes that grow on a grid of 4 x 4 x 4: by the formulas, which the counts above confirm. */
static void growing(rn_result *e)
{
    const double C = 16, weights = 8 * 6 * C * (2 + 3 * C);
    for (int i = 0; i < RN_SIDES; i++) {
        const double side = 4 << i, voxels = side * side * side;
        const double halo =
            3 * 3 / 4. * 2 * 8 * side * side * 2 * C * 4; /* 3 of 4 boxes along each axis have a next one */
        const double doubling = 6 * weights * 4,
                     near = 3 * weights * 4; /* bits 0, 2 and 4 of a number lead to a neighbour */
        const double ring = 2 * 63 / 64. * weights * 4;
        e->side[i] = side;
        e->share[i][0] = (halo + ring) / (halo + ring);
        e->share[i][1] = (halo + near) / (halo + doubling);
        e->per_flop[i] = halo / (voxels * 8 * 3 * 2 * 6 * C * (2 + 3 * C));
    }
}

static jd_status timetables(jd_ctx *ctx, rn_result *e)
{
    static const int procs[RN_SCALES][R3_AXES] = {{1, 1, 1}, {2, 1, 1}, {2, 2, 1}, {2, 2, 2}, {3, 3, 3}, {4, 4, 4}};
    for (int i = 0; i < RN_SCALES && !jd_error(ctx); i++) {
        rn_scaling *s = &e->scale[i];
        memcpy(s->procs, procs[i], sizeof s->procs);
        for (int k = 0; k < 2; k++) {
            r3_grid g = {.tiles = 4, .directions = k ? 8 : 1};
            r3_timetable t;
            memcpy(g.procs, procs[i], sizeof g.procs);
            s->P = r3_count(&g);
            if (!r3_schedule(ctx, &g, &t)) {
                s->steps[k] = t.steps;
                s->busy[k] = (double)t.tasks / t.steps;
            }
            r3_timetable_free(&t);
        }
        s->formula = 64. / (64 + s->procs[0] + s->procs[1] + s->procs[2] - 3);
    }
    return jd_error(ctx);
}

/* ---- tubes -------------------------------------------------------------------------------------------------------------------*/

/* Bent tubes of radius 1 to 2 in noise. */
static void tubes(uint64_t seed, const char *stream, uint64_t index, int n, double noise, double *x, double *t)
{
    jd_rng r = jd_rng_new(seed, stream, index);
    const size_t voxels = (size_t)n * (size_t)n * (size_t)n;
    memset(t, 0, voxels * sizeof *t);
    for (int tube = 0; tube < n / 5 + 1; tube++) {
        double at[3], way[3];
        const double radius = 1 + jd_rng_uniform64(&r);
        for (int e = 0; e < 3; e++) at[e] = n * jd_rng_uniform64(&r), way[e] = jd_rng_normal(&r);
        for (int step = 0; step < 3 * n; step++) {
            double length = 0;
            for (int e = 0; e < 3; e++) way[e] += .12 * jd_rng_normal(&r), length += way[e] * way[e];
            for (int e = 0; e < 3; e++) way[e] /= sqrt(length), at[e] += .5 * way[e];
            for (int i = (int)at[0] - 3; i <= (int)at[0] + 3; i++)
                for (int j = (int)at[1] - 3; j <= (int)at[1] + 3; j++)
                    for (int k = (int)at[2] - 3; k <= (int)at[2] + 3; k++) {
                        const double d = pow(i - at[0], 2) + pow(j - at[1], 2) + pow(k - at[2], 2);
                        if (i < 0 || j < 0 || k < 0 || i >= n || j >= n || k >= n || d > radius * radius) continue;
                        t[((size_t)i * (size_t)n + (size_t)j) * (size_t)n + (size_t)k] = 1;
                    }
        }
    }
    for (size_t i = 0; i < voxels; i++) x[i] = t[i] - .5 + noise * jd_rng_normal(&r);
}

/* Means of 3 x 3 x 3. */
static void smooth(int n, const double *x, double *out)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int k = 0; k < n; k++) {
                double sum = 0, count = 0;
                for (int a = i - 1; a <= i + 1; a++)
                    for (int b = j - 1; b <= j + 1; b++)
                        for (int c = k - 1; c <= k + 1; c++) {
                            if (a < 0 || b < 0 || c < 0 || a >= n || b >= n || c >= n) continue;
                            sum += x[(a * n + b) * n + c];
                            count++;
                        }
                out[(i * n + j) * n + k] = sum / count;
            }
}

static double wrong(const double *x, const double *t, size_t n, double threshold)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] > threshold) != (t[i] > .5);
    return sum / (double)n;
}

/* The smallest share wrong of any threshold: what a rival could do at best. */
static double least_wrong(const double *x, const double *t, size_t n)
{
    double least = 1;
    for (double threshold = -1.5; threshold < 1.5; threshold += .05) least = fmin(least, wrong(x, t, n, threshold));
    return least;
}

static r3_options net(const jd_run *r, const int procs[R3_AXES])
{
    const int n = (int)jd_run_setting(r, "side");
    r3_options o = {
        .dim = {n, n, n}, .tiles = 2, .cells = (int)jd_run_setting(r, "cells"), .exact = true, .seed = jd_run_seed(r)};
    memcpy(o.procs, procs, sizeof o.procs);
    return o;
}

static jd_status train(jd_run *r, r3_world *w, rn_result *e, int steps, bool log)
{
    for (int i = 0; i < steps && !jd_error(jd_run_ctx(r)); i++) {
        const double rate = jd_run_setting(r, "rate") * (i < e->steps * 2 / 3 ? 1 : .2);
        tubes(jd_run_seed(r), "rnn3d/train", (uint64_t)i, e->dim, jd_run_setting(r, "noise"), e->volume, e->target);
        r3_put(w, e->volume, e->target);
        if (r3_step(w) || r3_update(w, rate)) break;
        if (!log) continue;
        e->loss[i] = r3_loss(w);
        jd_run_log(r, i, "tubes/loss", e->loss[i]);
        if (jd_run_progress(r, i + 1, steps, "loss %.3f", e->loss[i])) return jd_run_stopped(r);
    }
    return jd_error(jd_run_ctx(r));
}

static jd_status test(jd_run *r, r3_world *w, rn_result *e)
{
    enum { TESTS = 4 };
    const size_t voxels = (size_t)e->dim * (size_t)e->dim * (size_t)e->dim;
    double *mean = jd_alloc_array(jd_run_ctx(r), voxels, sizeof *mean);
    for (int i = 0; mean && i < TESTS && !jd_error(jd_run_ctx(r)); i++) {
        tubes(jd_run_seed(r), "rnn3d/test", (uint64_t)i, e->dim, jd_run_setting(r, "noise"), e->volume, e->target);
        r3_put(w, e->volume, e->target);
        if (r3_forward(w) || r3_answer(w, e->answer)) break;
        smooth(e->dim, e->volume, mean);
        e->wrong += wrong(e->answer, e->target, voxels, .5) / TESTS;
        e->threshold += least_wrong(e->volume, e->target, voxels) / TESTS;
        e->smoothed += least_wrong(mean, e->target, voxels) / TESTS;
    }
    jd_free(jd_run_ctx(r), mean);
    return jd_error(jd_run_ctx(r));
}

static void keep(jd_run *r, const r3_world *w)
{
    jd_params *p = jd_params_new(jd_run_ctx(r), JD_F64);
    const jd_type type = {JD_F64, 1, {(int64_t)r3_weights(w)}};
    if (!jd_params_set(p, "scans", &type, r3_weight(w))) jd_run_save(r, p, 0, true);
    jd_params_free(p);
}

static jd_status learning(jd_run *r, rn_result *e)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t voxels = (size_t)e->dim * (size_t)e->dim * (size_t)e->dim;
    const r3_options eight = net(r, rn_grid[RN_GRIDS - 1]), one = net(r, rn_grid[0]);
    const int some = e->steps < 8 ? e->steps : 8;
    e->loss = jd_alloc_array(ctx, (size_t)e->steps, sizeof *e->loss);
    e->volume = jd_alloc_array(ctx, 3 * voxels, sizeof *e->volume);
    if (jd_error(ctx)) return jd_error(ctx);
    e->target = e->volume + voxels;
    e->answer = e->target + voxels;
    jd_run_stage(r, "tubes, on eight processes");
    r3_world *w = r3_new(ctx, &eight), *alone = NULL;
    if (w && !train(r, w, e, some, false)) {
        alone = r3_new(ctx, &one);
        if (alone && !train(r, alone, e, some, false))
            e->same_training = !memcmp(r3_weight(w), r3_weight(alone), r3_weights(w) * sizeof(double));
        r3_free(alone);
        r3_free(w);
        w = r3_new(ctx, &eight);
        if (w && !train(r, w, e, e->steps, true) && !test(r, w, e)) keep(r, w);
    }
    r3_free(w);
    return jd_error(ctx);
}

/* ---- the claims ------------------------------------------------------------------------------------------------------------*/

static void judge(claims *c, const rn_result *e)
{
    const r3_wires ring = r3_measure(&e->large.flow[0], &e->large.grid, R3_LATTICE),
                   doubling = r3_measure(&e->large.flow[1], &e->large.grid, R3_LATTICE),
                   small = r3_measure(&e->small.flow[0], &e->small.grid, R3_LATTICE);
    const rn_scaling *eight = &e->scale[3];
    claim(c, e->precise <= 1e-12 && e->planes <= 1e-12,
          "gradients as by the library in one piece: float64 to 1e-12, 1 to 8 processes, uneven boxes",
          "MDLSTM %.1e of the largest, PyraMiD-LSTM %.1e, the worst of %d seeds", e->precise, e->planes, e->seeds);
    claim(c, e->single <= 1e-5, "the same in float32 to 1e-5", "%.1e", e->single);
    claim(c, e->compared && e->same == e->compared, "summed as integers: the bits of one process, on 2, 4, 6 and 8",
          "%d of %d", e->same, e->compared);
    claim(c, e->counted == e->formula && e->near == e->counted,
          "halo bytes as the formula says, all between face neighbours",
          "%.0f counted, %.0f by the formula, %.0f of them to neighbours", e->counted, e->formula, e->near);
    claim(
        c, e->small.even && e->small.halo == 3145728 && e->small.ring == 268800 && small.near == 1,
        "2 x 2 x 2 boxes of 32^3, 16 cells: 3,145,728 B of halo, 268,800 B round the ring from each, all at distance 1",
        "%.0f and %.0f B, %.0f %% at distance 1", e->small.halo, e->small.ring, 100 * small.near);
    claim(c, ring.near >= .9 && doubling.near < ring.near,
          "64 processes: at least 90 % of the bytes at distance 1 with the ring, fewer with recursive doubling",
          "%.2f %% and %.2f %%", 100 * ring.near, 100 * doubling.near);
    claim(c, eight->busy[1] >= .85, "weak scaling in virtual time, 8 processes, 4 sub-tiles a side: at least 85 %",
          "%.1f %% (%d steps for 512 sub-tiles); one scan alone %.1f %%, its formula %.1f %%", 100 * eight->busy[1],
          eight->steps[1], 100 * eight->busy[0], 100 * eight->formula);
    jd_run_extra(c->r, "difference_float64", e->precise);
    jd_run_extra(c->r, "difference_float32", e->single);
    jd_run_extra(c->r, "near_share_64", ring.near);
    jd_run_extra(c->r, "weak_scaling_8", eight->busy[1]);
}

static void judge_learning(claims *c, const rn_result *e)
{
    claim(c, e->same_training && e->wrong < e->smoothed,
          "besides: training on 8 processes gives the bits of 1, and finds tubes better than a threshold on 3 x 3 x 3 "
          "means",
          "bits %s; %.2f %% of voxels wrong, %.2f %% by the best threshold on means, %.2f %% on voxels",
          e->same_training ? "equal" : "DIFFER", 100 * e->wrong, 100 * e->smoothed, 100 * e->threshold);
    jd_run_extra(c->r, "tubes_wrong", e->wrong);
}

/* ---- the run ---------------------------------------------------------------------------------------------------------------*/

static jd_status all(jd_run *r, rn_result *e)
{
    jd_ctx *ctx = jd_run_ctx(r);
    claims c = {.r = r};
    const int box = (int)jd_run_setting(r, "box");
    jd_run_note(r, "%s",
                jd_ranks(ctx) > 1 ? "processes are shared out over the ranks of this launch"
                                  : "all processes live in this program; mpirun would share them out");
    jd_run_stage(r, "one net on 1 to 8 processes");
    if (rn_equality(r, e)) return jd_error(ctx);
    jd_run_stage(r, "counting bytes");
    if (count(ctx, 32, 2, 16, 4, &e->small) || count(ctx, box, 4, 16, 4, &e->large) || timetables(ctx, e))
        return jd_error(ctx);
    growing(e);
    if (learning(r, e)) return jd_error(ctx);
    judge(&c, e);
    const int hold = c.hold, of = c.n;
    judge_learning(&c, e);
    claims_table(&c, "Counts and virtual time are exact; nothing here is a time measured on a clock.");
    rn_report(r, e);
    return jd_run_finish(r, hold, hold < of ? "see the table of claims" : NULL);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), side = jd_run_setting(r, "side"),
                 cells = jd_run_setting(r, "cells"), steps = jd_run_setting(r, "steps"), box = jd_run_setting(r, "box");
    if (!(seeds >= 1 && seeds <= RN_SEEDS && side >= 4 && side <= RN_SIDE && cells >= 1 && cells <= R3_CELLS &&
          steps >= 1 && box >= 4 && box <= 64))
        return jd_fail(ctx, JD_EUSAGE, "rnn-3d: seeds is 1..%d, side 4..%d, cells 1..%d, steps at least 1, box 4..64",
                       RN_SEEDS, RN_SIDE, R3_CELLS);
    rn_result *e = jd_alloc(ctx, sizeof *e);
    if (e) {
        e->seeds = (int)seeds;
        e->dim = (int)side;
        e->steps = (int)steps;
        all(r, e);
        jd_free(ctx, e->loss);
        jd_free(ctx, e->volume);
    }
    jd_free(ctx, e);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 3}, "weights and volumes with which results are compared"},
    {"box", {16, 32, 32}, "side of the boxes of 64 processes that are counted"},
    {"side", {16, 20, 32}, "of the volumes with tubes"},
    {"cells", {4, 4, 8}, "of each of the eight scans there"},
    {"steps", {300, 300, 3000}, "of training, a volume each"},
    {"rate", {.02, .02, .01}, "Adam's learning rate, a fifth in the last third"},
    {"noise", {1, 1, 1}, "standard deviation in the volumes, whose tubes are 1 brighter than the rest"},
    {0},
};

const jd_system jd_system_rnn_3d = {
    .name = "rnn-3d",
    .year = 2014,
    .title = "Hardware like a 3-D RNN: many processes, wires to neighbours",
    .paper =
        "the claim is J. Schmidhuber's; the net: A. Graves, S. Fernandez, J. Schmidhuber: Multi-dimensional recurrent "
        "neural networks. ICANN 2007",
    .metric = "claims that hold, of 7",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "nothing was measured; the figures to reproduce are counts by formula",
    .accept = {7, 7, 7},
    .about =
        "Future hardware, says the claim, will be like a three-dimensional recurrent net: many processors, many short "
        "wires and few long ones. Here a 3-D LSTM scans a volume that is cut into boxes, one for each process of a "
        "grid. States at the faces go to the next box along each of the eight scans, errors back; gradients are added "
        "up round a ring of neighbours. A PyraMiD-LSTM does the same plane by plane. Every byte is counted where it is "
        "sent. What to look at: the bytes by distance, beside systems that send to everybody; the timetables, in which "
        "eight scans fill each other's gaps.",
    .settings = SETTINGS,
    .run = run,
};
