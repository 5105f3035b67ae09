/*
 * test_vecmath.c - exp, log, tanh, sigmoid, sin, cos: at most 2 ulp (the short tanh: 6) from the correctly rounded value, monotone where the library
 * relies on it, right at the edges.
 *
 *     test_vecmath          a spread of 2^20 inputs for each function
 *     test_vecmath --all    every float (some minutes)
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mathf.h"

static uint32_t stride = 4093; /* odd, so that every exponent and many mantissas are met */

typedef struct function {
    const char *name;
    float (*f)(float);
    double (*exact)(double);
    int ulp; /* at most */
} function;

static double exact_sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static const function functions[] = {{"exp", jd__expf, exp, 2},
                                     {"log", jd__logf, log, 2},
                                     {"tanh", jd__tanhf, tanh, 2},
                                     {"sigmoid", jd__sigmoidf, exact_sigmoid, 2},
                                     {"tanh_short", jd__tanh_shortf, tanh, 6}, /* from here on: not monotone */
                                     {"sin", jd__sinf, sin, 2},
                                     {"cos", jd__cosf, cos, 2}};

static float from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Floats in order: neighbours differ by 1. */
static int64_t rank_of(float x)
{
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i >= 0 ? i : -(int64_t)(i & 0x7fffffff);
}

static void accuracy(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        const function *fn = &functions[k];
        int64_t worst = 0;
        float worst_x = 0;
        for (uint64_t u = 0; u <= UINT32_MAX; u += stride) {
            const float x = from_bits((uint32_t)u);
            const float y = fn->f(x), right = (float)fn->exact((double)x);
            if (isnan(right)) {
                if (!isnan(y)) fail_msg("%s(%a) is %a, not NaN", fn->name, (double)x, (double)y);
                continue;
            }
            if (isnan(y)) fail_msg("%s(%a) is NaN", fn->name, (double)x);
            int64_t off = rank_of(y) - rank_of(right);
            if (off < 0) off = -off;
            if (off > worst) {
                worst = off;
                worst_x = x;
            }
        }
        print_message("%s: %d ulp at %a\n", fn->name, (int)worst, (double)worst_x);
        if (worst > fn->ulp) fail_msg("%s(%a) is %d ulp off", fn->name, (double)worst_x, (int)worst);
    }
}

/* Between neighbours in 4096 places, and across the places where the method changes. */
static void monotone(void **state)
{
    (void)state;
    for (size_t k = 2; k < 4; k++) {
        const function *fn = &functions[k];
        for (int sign = 0; sign < 2; sign++) {
            for (uint32_t exponent = 100; exponent < 136; exponent++) {
                for (uint32_t part = 0; part < 64; part++) {
                    const uint32_t start = exponent << 23 | part << 17;
                    const uint32_t run = stride == 1 ? 1u << 17 : 400;
                    float last = fn->f(from_bits(start - 1));
                    for (uint32_t u = start; u < start + run; u++) {
                        float x = from_bits(u);
                        if (u == start && sign) last = fn->f(-from_bits(start - 1));
                        if (sign) x = -x;
                        const float y = fn->f(x);
                        if (sign ? y > last : y < last)
                            fail_msg("%s falls from %a to %a before %a", fn->name, (double)last, (double)y, (double)x);
                        last = y;
                    }
                }
            }
        }
    }
}

/* The whole neighbourhood of tanh's seam at 0.625, and of the ends where tanh and sigmoid become constant. */
static void seams(void **state)
{
    (void)state;
    static const float at[] = {0.625f, 9.01f, 16.63f, 20.f, 0.34657359f, 0.17328679f, 1.03972077f, 0.5198604f, 87.3f};
    for (size_t k = 2; k < 4; k++) {
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                uint32_t u;
                memcpy(&u, &at[i], sizeof u);
                float last = functions[k].f((float)sign * from_bits(u - 20001));
                for (uint32_t v = u - 20000; v < u + 20000; v++) {
                    const float y = functions[k].f((float)sign * from_bits(v));
                    if (sign > 0 ? y < last : y > last)
                        fail_msg("%s is not monotone at %a", functions[k].name, (double)from_bits(v));
                    last = y;
                }
            }
        }
    }
}

static void edges(void **state)
{
    (void)state;
    assert_true(jd__expf(0.f) == 1.f && jd__expf(-0.f) == 1.f);
    assert_true(jd__expf(INFINITY) == INFINITY && jd__expf(-INFINITY) == 0.f);
    assert_true(jd__expf(89.f) == INFINITY && jd__expf(-104.f) == 0.f);
    assert_true(jd__expf(-100.f) > 0.f); /* a denormal */
    assert_true(jd__logf(1.f) == 0.f && jd__logf(0.f) == -INFINITY && jd__logf(-0.f) == -INFINITY);
    assert_true(jd__logf(INFINITY) == INFINITY && isnan(jd__logf(-1.f)) && isnan(jd__logf(-INFINITY)));
    assert_true(jd__tanhf(INFINITY) == 1.f && jd__tanhf(-INFINITY) == -1.f && jd__tanhf(30.f) == 1.f);
    assert_true(signbit(jd__tanhf(-0.f)) && jd__tanhf(0.f) == 0.f && jd__tanhf(1e-40f) == 1e-40f);
    assert_true(fabsf(jd__tanh_shortf(INFINITY) - 1) < 2e-7f && isnan(jd__tanh_shortf(NAN)));
    assert_true(signbit(jd__tanh_shortf(-0.f)) && jd__tanh_shortf(1e-40f) == 1e-40f);
    for (uint32_t u = 0; u < 0x7f800000; u += 999) {
        const float x = from_bits(u), y = jd__tanh_shortf(x);
        assert_true(y <= 1 && jd__tanh_shortf(-x) == -y);
    }
    assert_true(jd__sigmoidf(0.f) == 0.5f && jd__sigmoidf(INFINITY) == 1.f && jd__sigmoidf(-INFINITY) == 0.f);
    assert_true(jd__sinf(0.f) == 0.f && signbit(jd__sinf(-0.f)) && jd__cosf(0.f) == 1.f && jd__sinf(1e-40f) == 1e-40f);
    assert_true(isnan(jd__sinf(INFINITY)) && isnan(jd__cosf(-INFINITY)) && isnan(jd__sinf(NAN)));
    for (int k = -60000; k < 60000; k += 7) { /* beside the zeros, on both sides of where the reduction changes */
        const float x = (float)(k * 1.5707963267948966);
        const int64_t s = rank_of(jd__sinf(x)) - rank_of((float)sin((double)x));
        const int64_t c = rank_of(jd__cosf(x)) - rank_of((float)cos((double)x));
        if (s < -2 || s > 2 || c < -2 || c > 2) fail_msg("sin or cos of %a is off", (double)x);
    }
    assert_true(isnan(jd__expf(NAN)) && isnan(jd__logf(NAN)) && isnan(jd__tanhf(NAN)) && isnan(jd__sigmoidf(NAN)));
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--all")) stride = 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(accuracy), cmocka_unit_test(monotone), cmocka_unit_test(seams),
                                       cmocka_unit_test(edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
