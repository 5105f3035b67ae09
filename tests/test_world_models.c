/*
 * test_world_models.c - sizes as published, the mixture's likelihood by hand, V and M that learn, C's actions, and drives.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/world_nets.c"
#include "../systems/world_race.c"

static const wm_sizes SMALL = {32, 2, 3, 4};

static void sizes_are_those_of_the_paper(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    const wm_sizes published = {64, 32, 32, 256};
    size_t count[3];
    assert_int_equal(wm_count(ctx, &published, count), JD_OK);
    assert_int_equal(count[0], 4348547);
    assert_int_equal(count[1], 422368);
    assert_int_equal(count[2], 867);
    jd_ctx_free(ctx);
}

/* The loss of one step against a sum over the parts in double. */
static void the_loss_of_M_is_the_mixtures_likelihood(void **state)
{
    (void)state;
    enum { Z = 3 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 2});
    wm_nets n;
    wm_nets_new(ctx, &n, &SMALL);
    const float z[2 * Z] = {.5f, -1, .2f, .1f, .8f, -.4f}, a[3] = {.3f, .6f, 0};
    float memory[8] = {0}, mixture[Z * 15];
    const float *out = wm_m_step(&n, z, a, memory, 1);
    assert_non_null(out);
    memcpy(mixture, out, sizeof mixture);
    double nats = 0;
    for (int i = 0; i < Z; i++) {
        const float *p = mixture + 15 * i;
        double sum = 0, all = 0;
        for (int k = 0; k < 5; k++) {
            const double sigma = exp(p[10 + k]), off = (z[Z + i] - p[5 + k]) / sigma;
            all += exp(p[k]);
            sum += exp(p[k]) * exp(-.5 * off * off) / (sigma * sqrt(2 * 3.14159265358979323846));
        }
        nats -= log(sum / all) / Z;
    }
    const double loss = wm_m_fit(&n, z, a, 1, 1, 1e-9);
    assert_true(fabs(loss - nats) < 1e-5);
    double after = loss;
    for (int k = 0; k < 200; k++) after = wm_m_fit(&n, z, a, 1, 1, .01);
    assert_true(after < loss - 1);
    wm_nets_free(&n);
    jd_ctx_free(ctx);
}

static void drawn_codes_have_the_mixtures_mean_and_width(void **state)
{
    (void)state;
    const float mixture[15] = {0, 0, -50, -50, -50, -1, 3, 0, 0, 0, -1, -1, 0, 0, 0};
    jd_rng r = jd_rng_new(1, "test", 0);
    double sum = 0, square = 0, cold = 0;
    for (int i = 0; i < 20000; i++) {
        float z;
        wm_draw(mixture, 1, 1, &r, &z);
        sum += z / 20000.;
        square += (double)z * z / 20000.;
        wm_draw(mixture, 1, 1e-6, &r, &z);
        cold = fmax(cold, fmin(fabs(z + 1), fabs(z - 3)));
    }
    assert_true(fabs(sum - 1) < .05 && fabs(square - (5 + exp(-2))) < .15 && cold < .01);
}

static void V_learns_pictures(void **state)
{
    (void)state;
    enum { B = 4, P = 32 * 32 * 3 };
    static float x[B * P];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
    wm_nets n;
    wm_nets_new(ctx, &n, &SMALL);
    jd_env *e = jd_env_new(ctx, "racing", &(jd_env_options){.count = B, .picture = 32});
    for (size_t i = 0; i < B; i++) jd_env_reset(e, i, i, x + i * P);
    double first = 0, last = 0;
    for (int32_t s = 0; s < 60; s++) {
        wm_v_fit(&n, x, B, s, .01, &last);
        if (!s) first = last;
    }
    assert_true(last < .5 * first);
    const float *z = wm_encode(&n, x, B);
    assert_non_null(z);
    float code[B * 3];
    memcpy(code, z, sizeof code);
    const float *again = wm_decode(&n, code, B);
    double off = 0;
    for (int k = 0; k < B * P; k++) off += (again[k] - x[k]) * (again[k] - x[k]) / B;
    assert_true(off < first);
    jd_env_free(e);
    wm_nets_free(&n);
    jd_ctx_free(ctx);
}

static void C_is_linear_and_squashed(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
    wm_nets n;
    wm_race r;
    wm_nets_new(ctx, &n, &SMALL);
    assert_int_equal(wm_race_new(ctx, &r, &n, WM_WHOLE, 2, .08), JD_OK);
    assert_int_equal(r.weights, 3 * (3 + 4 + 1));
    double w[48] = {0}, score[2];
    float a[3];
    const float z[3] = {1, 2, 3}, h[4] = {.1f, .2f, .3f, .4f};
    w[0] = .5, w[3] = 1, w[7] = -.2; /* steering: .5 + .1 - .2 */
    w[8 + 7] = 1;                    /* gas */
    w[16 + 1] = -1;                  /* brake: never */
    wm_act(&r, w, z, h, a);
    assert_true(fabs(a[0] - tanh(.4)) < 1e-6 && fabs(a[1] - 1 / (1 + exp(-1.))) < 1e-6 && a[2] == 0);
    memcpy(w + 24, w, 24 * sizeof *w); /* two equal drivers on one track earn the same */
    assert_int_equal(wm_race_run(&r, w, 1, 9, score), JD_OK);
    assert_true(score[0] == score[1] && score[0] > -200 && score[0] < 1000);
    wm_race_free(ctx, &r);
    wm_nets_free(&n);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_are_those_of_the_paper),
                                       cmocka_unit_test(the_loss_of_M_is_the_mixtures_likelihood),
                                       cmocka_unit_test(drawn_codes_have_the_mixtures_mean_and_width),
                                       cmocka_unit_test(V_learns_pictures), cmocka_unit_test(C_is_linear_and_squashed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
