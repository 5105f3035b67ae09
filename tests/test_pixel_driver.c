/*
 * test_pixel_driver.c - the network of torcs-vision: its size, its products against the weights they stand for, its eye.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../systems/pixel_driver.c"

enum { PICTURE = 3 * PD_PIXELS };

static void random_picture(float *rgb, uint64_t i)
{
    jd_rng r = jd_rng_new(5, "test/picture", i);
    for (int k = 0; k < PICTURE; k++) rgb[k] = jd_rng_u32(&r) & 255 ? .4f : jd_rng_uniform(&r);
}

static void random_genome(double *genome, uint64_t i)
{
    jd_rng r = jd_rng_new(6, "test/genome", i);
    for (int k = 0; k < PD_GENES; k++) genome[k] = jd_rng_normal(&r);
}

static void the_network_has_the_published_size(void **state)
{
    (void)state;
    assert_int_equal(PD_WEIGHTS, 1115139);
    assert_int_equal(PD_HIDDEN * (PD_PIXELS + PD_HIDDEN + 1) + PD_OUTPUTS * (PD_HIDDEN + 1), PD_WEIGHTS);
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_code *c = make_code(ctx, 0);
    assert_int_equal(jd_code_weights(c), PD_WEIGHTS);
    assert_int_equal(jd_code_genes(c), PD_GENES);
    jd_code_free(c);
    jd_ctx_free(ctx);
}

/* Twenty steps of the network made of coefficients and of the one whose weights were all made. */
static void products_without_weights_are_those_of_the_weights(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    pd_nets *n = pd_nets_new(ctx, 3);
    double genome[PD_GENES], other[PD_GENES], out[PD_OUTPUTS];
    random_genome(genome, 1);
    random_genome(other, 2);
    pd_nets_set(n, 0, other);
    pd_nets_set(n, 2, genome);
    float *w = pd_weights(ctx, genome), rgb[PICTURE], action[PD_ACTIONS], h[PD_HIDDEN] = {0};
    float moved = 0;
    for (uint64_t t = 0; t < 20; t++) {
        random_picture(rgb, t);
        pd_nets_step(n, 0, rgb, action); /* a neighbour changes nothing */
        pd_nets_step(n, 2, rgb, action);
        pd_step_with_weights(w, rgb, h, out);
        for (int k = 0; k < PD_HIDDEN; k++) assert_true(fabsf(h[k] - pd_nets_hidden(n, 2)[k]) < 1e-5f);
        assert_true(fabs(2 * out[0] - 1 - (double)action[0]) < 1e-5);
        assert_true(action[1] >= 0 && action[2] >= 0 && action[1] * action[2] == 0);
        moved = fmaxf(moved, fabsf(h[17] - h[200]));
    }
    assert_true(moved > .01f);
    jd_free(ctx, w);
    pd_nets_free(n);
    jd_ctx_free(ctx);
}

/* Grey beside green gives one line of edges; greys of any brightness give none. */
static void edges_are_those_of_saturation(void **state)
{
    (void)state;
    float rgb[PICTURE], edge[PD_PIXELS];
    for (int p = 0; p < PD_PIXELS; p++)
        for (int k = 0; k < 3; k++) rgb[3 * p + k] = (float)(p % 7) / 7;
    pd_edges(rgb, edge);
    for (int p = 0; p < PD_PIXELS; p++) assert_true(edge[p] == 0);
    for (int p = 0; p < PD_PIXELS; p++)
        if (p % PD_SIDE >= 40) rgb[3 * p] = .2f, rgb[3 * p + 1] = .5f, rgb[3 * p + 2] = .2f;
    pd_edges(rgb, edge);
    for (int p = 0; p < PD_PIXELS; p++)
        assert_true(edge[p] == (p % PD_SIDE == 39 && p / PD_SIDE < PD_SIDE - 1 ? 1.f : 0.f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_has_the_published_size),
        cmocka_unit_test(products_without_weights_are_those_of_the_weights),
        cmocka_unit_test(edges_are_those_of_saturation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
