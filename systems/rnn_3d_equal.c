/* rnn_3d_equal.c - both forms of the net on grids of processes, against the library's own operations; see rnn_3d.h. */
#include <string.h>

#include "rnn3d_library.h"
#include "rnn_3d.h"

static double apart(const double *a, const double *b, size_t n)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
    }
    return most / scale;
}

/* One grid in one mode against the library; exact: also against one process, bit for bit. */
static void one_equality(jd_run *r, const r3_options *o, const double *x, const double *t, const double *truth,
                         double *first, bool is_first, rn_result *e)
{
    r3_world *w = r3_new(jd_run_ctx(r), o);
    if (!w) return;
    const size_t n = r3_weights(w);
    double halo = 0, near = 0;
    const r3_grid g = {{o->dim[0], o->dim[1], o->dim[2]}, {o->procs[0], o->procs[1], o->procs[2]}, o->tiles, 8};
    r3_put(w, x, t);
    if (!r3_step(w) && !r3_collect(w)) {
        double *worst = o->precise ? &e->precise : &e->single;
        *worst = fmax(*worst, apart(r3_gradient(w), truth, n + 1));
        if (is_first) memcpy(first, r3_gradient(w), (n + 1) * sizeof *first);
        if (o->exact && !is_first) {
            e->compared++;
            e->same += !memcmp(first, r3_gradient(w), (n + 1) * sizeof *first);
        }
        for (int p = 0; p < r3_count(&g); p++)
            for (int q = 0; q < r3_count(&g); q++) {
                halo += r3_bytes(w, R3_HALO, p, q);
                near += r3_wire(&g, R3_LATTICE, p, q) == 1 ? r3_bytes(w, R3_HALO, p, q) : 0;
            }
        e->counted += halo;
        e->near += near;
        e->formula += r3_halo_formula(o);
    }
    r3_free(w);
}

static void random_volume(jd_rng *r, size_t n, double *x, double *t)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = jd_rng_normal(r);
        t[i] = jd_rng_below(r, 2);
    }
}

/* The same of the other form, with borders of 1 and of 2 places. */
static void one_of_planes(jd_run *r, const rp_options *o, const double *x, const double *t, const double *truth,
                          double *first, bool is_first, rn_result *e)
{
    rp_world *w = rp_new(jd_run_ctx(r), o);
    if (!w) return;
    const size_t n = rp_weights(w);
    if (!rp_step(w, x, t)) {
        const r3_mail *m = rp_mail(w);
        double *halo = jd_alloc_array(jd_run_ctx(r), (size_t)(R3_KINDS * m->P * m->P), sizeof *halo);
        e->planes = fmax(e->planes, apart(rp_gradient(w), truth, n + 1));
        if (is_first) memcpy(first, rp_gradient(w), (n + 1) * sizeof *first);
        if (o->exact && !is_first) {
            e->compared++;
            e->same += !memcmp(first, rp_gradient(w), (n + 1) * sizeof *first);
        }
        if (halo) memcpy(halo, m->counts, (size_t)(R3_KINDS * m->P * m->P) * sizeof *halo);
        if (halo && !r3_over_ranks(jd_run_ctx(r), halo, (size_t)(R3_KINDS * m->P * m->P)))
            for (int i = 0; i < m->P * m->P; i++) {
                e->counted += halo[i];
                e->near += r3_wire(&m->grid, R3_LATTICE, i / m->P, i % m->P) == 1 ? halo[i] : 0;
            }
        e->formula += rp_halo_formula(o);
        jd_free(jd_run_ctx(r), halo);
    }
    rp_free(w);
}

static void planes(jd_run *r, const int dim[R3_AXES], uint64_t seed, const double *x, const double *t, rn_result *e)
{
    jd_ctx *ctx = jd_run_ctx(r);
    for (int mode = 0; mode < 4; mode++) {
        rp_options o = {.dim = {dim[0], dim[1], dim[2]},
                        .procs = {1, 1, 1},
                        .cells = 3,
                        .size = mode & 2 ? 5 : 3,
                        .exact = mode & 1,
                        .seed = seed};
        rp_world *w = rp_new(ctx, &o);
        const size_t n = w ? rp_weights(w) : 0;
        double *truth = w ? jd_alloc_array(ctx, 2 * (n + 1), sizeof *truth) : NULL;
        if (truth) rp_by_library(ctx, &o, rp_weight(w), x, t, truth, &truth[n]);
        rp_free(w);
        for (int g = 0; truth && g < RN_GRIDS && !jd_error(ctx); g++) {
            memcpy(o.procs, rn_grid[g], sizeof o.procs);
            one_of_planes(r, &o, x, t, truth, truth + n + 1, g == 0, e);
        }
        jd_free(ctx, truth);
    }
}

/* Time steps of the planes of 16^3 on eight processes. */
static jd_status plane_time(jd_ctx *ctx, rn_result *e)
{
    enum { SIDE = 16, VOXELS = SIDE * SIDE * SIDE };
    const rp_options o = {.dim = {SIDE, SIDE, SIDE}, .procs = {2, 2, 2}, .cells = 1, .size = 3};
    double *zeros = jd_alloc_array(ctx, VOXELS, sizeof *zeros);
    rp_world *w = zeros ? rp_new(ctx, &o) : NULL;
    if (w && !rp_step(w, zeros, zeros)) rp_time(w, &e->plane_steps, &e->plane_tasks);
    rp_free(w);
    jd_free(ctx, zeros);
    return jd_error(ctx);
}

jd_status rn_equality(jd_run *r, rn_result *e)
{
    enum { D = 9, H = 8, W = 10, VOXELS = D * H * W };
    jd_ctx *ctx = jd_run_ctx(r);
    r3_options o = {.dim = {D, H, W}, .tiles = 2, .cells = 4, .procs = {1, 1, 1}};
    const size_t n = (size_t)(R3_DIRECTIONS * R3_GATES * o.cells * (2 + 3 * o.cells) + R3_DIRECTIONS * o.cells + 1);
    double *x = jd_alloc_array(ctx, 2 * VOXELS + 2 * (n + 1), sizeof *x), *t = x + VOXELS, *truth = t + VOXELS,
           *first = truth + n + 1;
    for (int s = 0; x && s < e->seeds && !jd_error(ctx); s++) {
        jd_rng rng = jd_rng_new(jd_run_seed(r), "rnn3d/equal", (uint64_t)s);
        random_volume(&rng, VOXELS, x, t);
        o.seed = jd_run_seed(r) * 1000 + (uint64_t)s;
        memcpy(o.procs, rn_grid[0], sizeof o.procs);
        r3_world *w = r3_new(ctx, &o);
        if (!w) break;
        r3_by_library(ctx, &o, r3_weight(w), x, t, truth, &truth[n]);
        r3_free(w);
        for (int mode = 0; mode < 4; mode++)
            for (int g = 0; g < RN_GRIDS && !jd_error(ctx); g++) {
                o.precise = mode & 1;
                o.exact = mode & 2;
                memcpy(o.procs, rn_grid[g], sizeof o.procs);
                one_equality(r, &o, x, t, truth, first, g == 0, e);
            }
        planes(r, o.dim, o.seed, x, t, e);
        if (jd_run_progress(r, s + 1, e->seeds, "seeds")) break;
    }
    jd_free(ctx, x);
    return jd_error(ctx) ? jd_error(ctx) : plane_time(ctx, e);
}
