/*
 * test_rnn3d.c - a volume cut into boxes: the result is that of one process, and of the library's own operation; what is
 * sent is what the formula says; the ring, the cuts and the timetable.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../systems/rnn3d.c"
#include "../systems/rnn3d_cells.c"
#include "../systems/rnn3d_grid.c"
#include "../systems/rnn3d_library.c"
#include "../systems/rnn3d_mail.c"
#include "../systems/rnn3d_planes.c"

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.12g, not %.12g +- %.1g", a, b, tolerance);
}

static const int GRIDS[][3] = {{1, 1, 1}, {2, 1, 1}, {1, 2, 2}, {1, 2, 3}, {2, 2, 2}, {3, 1, 1}, {1, 1, 4}};
enum { N_GRIDS = sizeof GRIDS / sizeof *GRIDS, D = 5, H = 7, W = 6, VOXELS = D * H * W, SEEDS = 2 };

static void volume(uint64_t seed, double *x, double *t)
{
    jd_rng r = jd_rng_new(seed, "test", 0);
    for (int i = 0; i < VOXELS; i++) {
        x[i] = jd_rng_normal(&r);
        t[i] = jd_rng_below(&r, 2);
    }
}

static r3_options options(const int procs[3], uint64_t seed, bool precise, bool exact)
{
    r3_options o = {.dim = {D, H, W}, .tiles = 1, .cells = 3, .precise = precise, .exact = exact, .seed = seed};
    memcpy(o.procs, procs, sizeof o.procs);
    if (procs[0] * procs[1] * procs[2] <= 4 && procs[2] < 4 && procs[0] < 3) o.tiles = 2; /* unequal ones */
    return o;
}

/* The largest difference of two gradients, in terms of the largest element. */
static double apart(const double *a, const double *b, size_t n)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
    }
    return most / scale;
}

/* Against the library: float64 to 1e-12, float32 to 1e-5; with integers the same bits on every grid. */
static void test_same_result(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (int mode = 0; mode < 4; mode++) {
            const bool precise = mode & 1, exact = mode & 2;
            double x[VOXELS], t[VOXELS], loss = 0, first_loss = 0, *truth = NULL, *first = NULL;
            volume(seed, x, t);
            for (int g = 0; g < N_GRIDS; g++) {
                const r3_options o = options(GRIDS[g], seed, precise, exact);
                r3_world *w = r3_new(ctx, &o);
                assert_non_null(w);
                const size_t n = r3_weights(w);
                if (!truth) {
                    truth = malloc(n * sizeof *truth);
                    first = malloc(n * sizeof *first);
                    assert_int_equal(r3_by_library(ctx, &o, r3_weight(w), x, t, truth, &loss), JD_OK);
                }
                r3_put(w, x, t);
                assert_int_equal(r3_step(w), JD_OK);
                assert_true(apart(r3_gradient(w), truth, n) <= (precise ? 1e-12 : 1e-5));
                near(r3_loss(w), loss, precise ? 1e-12 : 1e-5);
                if (!g) memcpy(first, r3_gradient(w), n * sizeof *first);
                if (!g) first_loss = r3_loss(w);
                if (exact) assert_memory_equal(first, r3_gradient(w), n * sizeof *first);
                if (exact) assert_true(first_loss == r3_loss(w));
                for (int p = 0; p < w->mail.P; p++) /* every process has the sums */
                    assert_memory_equal(w->p[p].gradient, w->p[0].gradient, (n + 1) * sizeof(double));
                r3_free(w);
            }
            free(truth);
            free(first);
        }
    jd_ctx_free(ctx);
}

/* Three steps of training end with the same weights, to the last bit, on any grid. */
static void test_same_training(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    double x[VOXELS], t[VOXELS], *first = NULL;
    volume(9, x, t);
    for (int g = 0; g < N_GRIDS; g++) {
        const r3_options o = options(GRIDS[g], 9, false, true);
        r3_world *w = r3_new(ctx, &o);
        double before = 0;
        r3_put(w, x, t);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(r3_step(w), JD_OK);
            r3_update(w, .01);
            if (!k) before = r3_loss(w);
        }
        assert_true(r3_loss(w) < before);
        if (!first) {
            first = malloc(r3_weights(w) * sizeof *first);
            memcpy(first, r3_weight(w), r3_weights(w) * sizeof *first);
        }
        assert_memory_equal(first, r3_weight(w), r3_weights(w) * sizeof *first);
        r3_free(w);
    }
    free(first);
    jd_ctx_free(ctx);
}

static void test_counts(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    double x[VOXELS], t[VOXELS];
    volume(3, x, t);
    for (int g = 0; g < N_GRIDS; g++) {
        const r3_options o = options(GRIDS[g], 3, true, false);
        r3_world *w = r3_new(ctx, &o);
        double halo = 0, ring = 0, far = 0;
        r3_put(w, x, t);
        assert_int_equal(r3_step(w), JD_OK);
        for (int p = 0; p < w->mail.P; p++)
            for (int q = 0; q < w->mail.P; q++) {
                int a[3], b[3];
                r3_place(&w->mail.grid, p, a);
                r3_place(&w->mail.grid, q, b);
                halo += r3_bytes(w, R3_HALO, p, q);
                ring += r3_bytes(w, R3_REDUCE, p, q);
                if (r3_distance(a, b) != 1) far += r3_bytes(w, R3_HALO, p, q);
            }
        assert_true(halo == r3_halo_formula(&o) && far == 0);
        assert_true(ring == 2. * (w->mail.P - 1) * (double)w->mail.reduced * sizeof(double));
        r3_free(w);
    }
    jd_ctx_free(ctx);
}

/* The same of the other form: planes with borders of 1 and 2 places. */
static void test_planes(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (int mode = 0; mode < 4; mode++) {
        double x[VOXELS], t[VOXELS], loss, *truth = NULL, *first = NULL;
        volume(7, x, t);
        for (int g = 0; g < N_GRIDS; g++) {
            rp_options o = {.dim = {D, H, W}, .cells = 2, .size = mode & 2 ? 5 : 3, .exact = mode & 1, .seed = 7};
            memcpy(o.procs, GRIDS[g], sizeof o.procs);
            if (o.size == 5 && (o.procs[0] == 3 || o.procs[2] == 4)) continue; /* thinner than a border */
            rp_world *w = rp_new(ctx, &o);
            assert_non_null(w);
            const size_t n = rp_weights(w);
            if (!truth) {
                truth = malloc(2 * n * sizeof *truth);
                first = truth + n;
                assert_int_equal(rp_by_library(ctx, &o, rp_weight(w), x, t, truth, &loss), JD_OK);
            }
            assert_int_equal(rp_step(w, x, t), JD_OK);
            assert_true(apart(rp_gradient(w), truth, n) <= 1e-12);
            near(rp_loss(w), loss, 1e-12);
            if (!g) memcpy(first, rp_gradient(w), n * sizeof *first);
            if (o.exact) assert_memory_equal(first, rp_gradient(w), n * sizeof *first);
            const r3_mail *m = rp_mail(w);
            double halo = 0;
            for (int p = 0; p < m->P; p++)
                for (int q = 0; q < m->P; q++) {
                    int a[3], b[3];
                    r3_place(&m->grid, p, a);
                    r3_place(&m->grid, q, b);
                    halo += m->counts[p * m->P + q];
                    assert_true(m->counts[p * m->P + q] == 0 || r3_distance(a, b) == 1);
                }
            assert_true(halo == rp_halo_formula(&o));
            rp_free(w);
        }
        free(truth);
    }
    assert_null(rp_new(ctx, &(rp_options){.dim = {8, 8, 8}, .procs = {4, 1, 1}, .cells = 2, .size = 7}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_ctx_free(ctx);
}

/* The worked case: 2 x 2 x 2 boxes of 32^3, 16 cells: 3,145,728 bytes of halo and 268,800 of all-reduce from each process. */
static void test_worked_case(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const r3_options o = {.dim = {64, 64, 64}, .procs = {2, 2, 2}, .tiles = 4, .cells = 16, .idle = true};
    r3_world *w = r3_new(ctx, &o);
    assert_int_equal(r3_step(w), JD_OK);
    for (int p = 0; p < 8; p++) {
        double halo = 0, ring = 0;
        for (int q = 0; q < 8; q++) {
            int a[3], b[3];
            r3_place(&w->mail.grid, p, a);
            r3_place(&w->mail.grid, q, b);
            halo += r3_bytes(w, R3_HALO, p, q);
            ring += r3_bytes(w, R3_REDUCE, p, q);
            if (r3_bytes(w, R3_REDUCE, p, q) > 0) assert_int_equal(r3_distance(a, b), 1);
        }
        assert_true(halo == 3145728 && ring == 268800);
    }
    r3_free(w);
    jd_ctx_free(ctx);
}

/* A message to anybody else is refused. */
static void test_strict(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const r3_options o = options(GRIDS[4], 1, true, false);
    r3_world *w = r3_new(ctx, &o);
    assert_non_null(r3_post(&w->mail, &(r3_message){.from = 0, .to = 1, .kind = R3_HALO, .bytes = 8}));
    assert_null(r3_post(&w->mail, &(r3_message){.from = 0, .to = 3, .kind = R3_HALO, .bytes = 8}));
    assert_int_equal(jd_error(ctx), JD_EINTERNAL);
    jd_error_clear(ctx);
    r3_free(w);
    assert_null(r3_new(ctx, &(r3_options){.dim = {4, 4, 4}, .procs = {5, 1, 1}, .tiles = 1, .cells = 2}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_ctx_free(ctx);
}

static void test_ring(void **state)
{
    (void)state;
    for (int a = 1; a <= 4; a++)
        for (int b = 1; b <= 4; b++)
            for (int c = 1; c <= 4; c++) {
                const r3_grid g = {.procs = {a, b, c}};
                int next[R3_PROCESSES], seen[R3_PROCESSES] = {0}, p = 0, longest = 0;
                r3_ring(&g, next);
                for (int i = 0; i < a * b * c; i++, p = next[p]) {
                    int u[3], v[3];
                    r3_place(&g, p, u);
                    r3_place(&g, next[p], v);
                    assert_false(seen[p]++);
                    if (r3_distance(u, v) > longest) longest = r3_distance(u, v);
                }
                assert_int_equal(p, 0);
                /* a closed walk exists where a side is even and the grid is no line */
                if (a * b * c % 2 == 0 && (a > 1) + (b > 1) + (c > 1) > 1) assert_int_equal(longest, 1);
            }
}

/* Every sub-tile once; each after those that it needs, whose messages take a step. */
static void test_timetable(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    for (int g = 0; g < N_GRIDS; g++)
        for (int directions = 1; directions <= 8; directions += 7) {
            r3_grid grid = {.tiles = 3, .directions = directions};
            memcpy(grid.procs, GRIDS[g], sizeof grid.procs);
            r3_timetable t;
            assert_int_equal(r3_schedule(ctx, &grid, &t), JD_OK);
            int *done = calloc((size_t)(t.processes * 8 * 27), sizeof *done), count = 0;
            const planner s = {&grid, 3, 27, done};
            for (int i = 0; i < t.steps; i++)
                for (int p = 0; p < t.processes; p++) {
                    const int task = t.task[i * t.processes + p];
                    int at[3];
                    if (task < 0) continue;
                    tile_place(&s, p, task / 27, task % 27, at);
                    assert_true(ready(&s, task / 27, at, i));
                    assert_int_equal(*when(&s, task / 27, at), 0);
                    *when(&s, task / 27, at) = i + 1;
                    count++;
                }
            assert_int_equal(count, t.processes * directions * 27);
            assert_true(t.steps >= t.tasks);
            free(done);
            r3_timetable_free(&t);
        }
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_result), cmocka_unit_test(test_same_training), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_planes),      cmocka_unit_test(test_worked_case),   cmocka_unit_test(test_strict),
        cmocka_unit_test(test_ring),        cmocka_unit_test(test_timetable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
