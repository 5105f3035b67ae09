/*
 * test_attention.c - the retina against sums over pixels, the nets' gradients and that of the chain of both against
 * differences, moves and turns, and one seed twice.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/attention_nets.c"
#include "../systems/attention_report.c"
#include "../systems/attention_runs.c"
#include "../systems/attention_scene.c"
#include "../systems/canvas.c"
#include "../systems/claims.c"
#include "../systems/learned_attention.c"
#include "tmpdir.h"

/* ---- the retina --------------------------------------------------------------------------------------------------------------*/

/* The share of a square that is dark, pixel by pixel. */
static double by_pixels(const at_scene *s, double x, double y, double side)
{
    double sum = 0;
    for (int v = 0; v < AT_SIDE; v++)
        for (int u = 0; u < AT_SIDE; u++) {
            const double w = fmin(u + 1, x + side / 2) - fmax(u, x - side / 2);
            const double h = fmin(v + 1, y + side / 2) - fmax(v, y - side / 2);
            if (w > 0 && h > 0) sum += w * h * s->pixels[v * AT_SIDE + u];
        }
    return sum / (side * side);
}

static void fields_are_means_over_squares(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    at_scene s;
    assert_int_equal(at_scene_new(ctx, &s), JD_OK);
    jd_rng r = jd_rng_new(1, "test", 0);
    const at_thing thing[3] = {{AT_TRIANGLE, {100, 120, .7}}, {AT_DISC, {160, 130, 0}}, {AT_T, {480, 478, 0}}};
    const at_pose eye[4] = {{128.3, 121.9, 0}, {150, 150, 2.2}, {500.5, 505.25, -1}, {3, 3, 0}};
    for (int clutter = 0; clutter < 2; clutter++) {
        at_scene_draw(&s, thing, 3, .05 * clutter, &r);
        for (int e = 0; e < 4; e++) {
            double x[AT_FIELDS];
            at_look(&s, eye[e], x);
            for (int i = 0; i < AT_FIELDS; i += 3) {
                const at_field f = s.field[i];
                const double c = cos(eye[e].angle), si = sin(eye[e].angle);
                assert_true(fabs(x[i] - by_pixels(&s, eye[e].x + f.x * c - f.y * si, eye[e].y + f.x * si + f.y * c,
                                                  f.side)) < 1e-12);
            }
        }
    }
    double dark_pixels = 0;
    for (int i = 0; i < AT_SIDE * AT_SIDE; i++) dark_pixels += s.pixels[i];
    assert_true(dark_pixels > .03 * AT_SIDE * AT_SIDE && dark_pixels < .09 * AT_SIDE * AT_SIDE);
    at_scene_draw(&s, NULL, 0, 0, NULL);
    double x[AT_FIELDS];
    at_look(&s, (at_pose){160, 130, 0}, x);
    for (int i = 0; i < AT_FIELDS; i++) assert_true(x[i] == 0); /* all that was drawn before is gone */
    at_scene_free(ctx, &s);
    jd_ctx_free(ctx);
}

static void things_have_their_sizes(void **state)
{
    (void)state;
    static const double area[AT_THINGS] = {20 * 56.5685, 3.14159265 * 900, 50 * 14 + 36 * 14};
    jd_ctx *ctx = jd_ctx_new(NULL);
    at_scene s;
    assert_int_equal(at_scene_new(ctx, &s), JD_OK);
    for (int i = 0; i < AT_THINGS; i++) {
        double d[AT_FIELDS], n = 0;
        at_pattern(&s, (at_kind)i, d);
        for (int k = 0; k < AT_SIDE * AT_SIDE; k++) n += s.pixels[k];
        assert_true(fabs(n / area[i] - 1) < .02);
        assert_true(fabs(d[0] - 1) < 1e-12); /* the middle of each is dark */
    }
    /* The apex of the triangle is up: 37.7 pixels from the centroid, the base 18.9. */
    at_scene_draw(&s, &(at_thing){AT_TRIANGLE, {256, 256, 0}}, 1, 0, NULL);
    assert_true(s.pixels[(256 - 36) * AT_SIDE + 256] && !s.pixels[(256 + 20) * AT_SIDE + 256]);
    at_scene_free(ctx, &s);
    jd_ctx_free(ctx);
}

static void moves_are_sums_of_four_and_turns_of_two(void **state)
{
    (void)state;
    const double a[6] = {1, .25, .5, 1, .5, .1};
    at_pose p = at_moved((at_pose){10, 20, 0}, a, 4);
    assert_true(fabs(p.x - 20) < 1e-12 && fabs(p.y - 5) < 1e-12 && p.angle == 0);
    p = at_moved((at_pose){10, 20, 3.14159265358979323846 / 2}, a, 6); /* up is right now, right is down */
    assert_true(fabs(p.x - 25) < 1e-9 && fabs(p.y - 30) < 1e-9);
    assert_true(fabs(p.angle * 180 / 3.14159265358979323846 - 110) < 1e-9);
}

/* ---- gradients ---------------------------------------------------------------------------------------------------------------*/

enum { STEPS = 5 };

/* A trajectory in M's world, where what is expected is what comes: the chain's gradient is then exact. */
static double dream(at_chain *k, const double *goal, const double *d)
{
    double e = 0;
    for (int t = 0; t < STEPS; t++) {
        at_expect(k, t, at_act(k, t, goal));
        memcpy(k->x[t + 1], k->pm[t].y, sizeof k->x[0]);
    }
    for (int i = 0; i < AT_FIELDS; i++) e += (k->x[STEPS][i] - d[i]) * (k->x[STEPS][i] - d[i]) / 2;
    return e;
}

static void the_chain_has_its_gradient(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    static at_chain k;
    jd_rng r = jd_rng_new(3, "test", 0);
    const double goal[AT_GOALS] = {0, 1, 0};
    double d[AT_FIELDS];
    assert_int_equal(at_chain_new(ctx, &k, 6, 3, &r), JD_OK);
    k.clip = INFINITY;
    const size_t c = at_net_weights(&k.c), m = at_net_weights(&k.m);
    assert_int_equal(c, 44 * 20 + 64 * 6);
    assert_int_equal(m, 47 * 40 + 87 * 40);
    for (size_t i = 0; i < c; i++) k.c.w[i] *= 6;
    for (size_t i = 0; i < m; i++) k.m.w[i] *= 6;
    for (int i = 0; i < AT_FIELDS; i++) {
        k.x[0][i] = jd_rng_uniform64(&r);
        d[i] = jd_rng_uniform64(&r);
    }
    const double e = dream(&k, goal, d);
    assert_true(fabs(at_chain_gradient(&k, STEPS, d) / 2 - e) < 1e-12);
    double worst = 0, largest_g = 0;
    for (size_t i = 0; i < c; i++) largest_g = fmax(largest_g, fabs(k.g[i]));
    for (size_t i = 0; i < c; i += 7) {
        const double h = 1e-5, w = k.c.w[i];
        k.c.w[i] = w + h;
        const double up = dream(&k, goal, d);
        k.c.w[i] = w - h;
        const double down = dream(&k, goal, d);
        k.c.w[i] = w;
        worst = fmax(worst, fabs((up - down) / (2 * h) - k.g[i]));
    }
    assert_true(largest_g > 1e-4);
    assert_true(worst <= 1e-6 * largest_g);
    at_chain_free(ctx, &k);
    jd_ctx_free(ctx);
}

static void the_model_goes_down_its_error(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    static at_chain k;
    jd_rng r = jd_rng_new(4, "test", 0);
    assert_int_equal(at_chain_new(ctx, &k, 4, 0, &r), JD_OK);
    const double a[4] = {.1, .9, .4, .6};
    for (int i = 0; i < AT_FIELDS; i++) k.x[0][i] = jd_rng_uniform64(&r), k.x[1][i] = jd_rng_uniform64(&r);
    const size_t m = at_net_weights(&k.m);
    double *before = jd_alloc_array(ctx, m, sizeof *before);
    memcpy(before, k.m.w, m * sizeof *before);
    at_expect(&k, 0, a);
    at_model_learn(&k, 0, 1); /* w - w' is the gradient of half the squared error */
    double worst = 0;
    for (size_t i = 0; i < m; i += 97) {
        const double g = before[i] - k.m.w[i], h = 1e-5;
        double e[2];
        for (int side = 0; side < 2; side++) {
            double *learned = k.m.w;
            k.m.w = before;
            const double w = before[i];
            before[i] = w + (side ? h : -h);
            at_expect(&k, 0, a);
            e[side] = 0;
            for (int j = 0; j < AT_FIELDS; j++) e[side] += pow(k.pm[0].y[j] - k.x[1][j], 2) / 2;
            before[i] = w;
            k.m.w = learned;
        }
        worst = fmax(worst, fabs((e[1] - e[0]) / (2 * h) - g));
    }
    assert_true(worst < 1e-8);
    jd_free(ctx, before);
    at_chain_free(ctx, &k);
    jd_ctx_free(ctx);
}

/* ---- the system --------------------------------------------------------------------------------------------------------------*/

static double value(const char *dir, const char *const *set)
{
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_run *r = jd_run_new(
        ctx, &(jd_run_options){
                 .system = &jd_system_learned_attention, .scale = JD_QUICK, .seed = 5, .dir = dir, .set = set});
    attention *a = jd_alloc(ctx, sizeof *a);
    a->r = r;
    assert_int_equal(at_scene_new(ctx, &a->scene), JD_OK);
    assert_true(at_run_task(a, AT_TASK_DISC));
    const double w = a->result[AT_TASK_DISC].kept.c.w[17] + a->result[AT_TASK_DISC].success[0];
    assert_true(a->result[AT_TASK_DISC].success[0] > a->result[AT_TASK_DISC].random[0] + .5);
    at_result_free(ctx, &a->result[AT_TASK_DISC]);
    at_scene_free(ctx, &a->scene);
    jd_free(ctx, a);
    jd_run_free(r);
    jd_ctx_free(ctx);
    return w;
}

static void a_disc_is_found_and_twice_alike(void **state)
{
    (void)state;
    const char *dir = tmpdir_file("attention");
    static const char *const set[] = {"seeds=1", "examples=30000", "trajectories=4000", "scenes=100", NULL};
    assert_true(value(dir, set) == value(dir, set));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_means_over_squares),           cmocka_unit_test(things_have_their_sizes),
        cmocka_unit_test(moves_are_sums_of_four_and_turns_of_two), cmocka_unit_test(the_chain_has_its_gradient),
        cmocka_unit_test(the_model_goes_down_its_error),           cmocka_unit_test(a_disc_is_found_and_twice_alike),
    };
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
