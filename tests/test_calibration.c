/* Top k and calibration: small sets whose figures are known, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "jackdaw/calibration.h"

static const float p[4][3] = {{0.8f, 0.1f, 0.1f}, {0.8f, 0.15f, 0.05f}, {0.4f, 0.4f, 0.2f}, {0.1f, 0.1f, 0.8f}};
static const int32_t label[4] = {0, 1, 1, 2};

static void top_k(void **state)
{
    (void)state;
    assert_true(jd_top_k_error(p[0], label, 4, 3, 1) == 50); /* of equal ones the first is the answer */
    assert_true(jd_top_k_error(p[0], label, 4, 3, 2) == 0);
    assert_true(isnan(jd_top_k_error(p[0], label, 0, 3, 1)));
}

static void calibration(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_calibration c;
    assert_int_equal(jd_score_calibration(ctx, p[0], label, 4, 3, 10, &c), JD_OK);
    assert_true(c.count[8] == 3 && c.count[4] == 1 && c.count[0] == 0);
    assert_true(fabs(c.sure[8] - 0.8) < 1e-6 && fabs(c.right[8] - 2.0 / 3) < 1e-12 && c.right[4] == 0);
    assert_true(fabs(c.expected - (3 * (0.8 - 2.0 / 3) + 0.4) / 4) < 1e-6);
    assert_true(fabs(c.largest - 0.4) < 1e-6);
    const double brier = (0.06 + (0.64 + 0.85 * 0.85 + 0.0025) + (0.16 + 0.36 + 0.04) + 0.06) / 4;
    assert_true(fabs(c.brier - brier) < 1e-6);
    assert_true(fabs(c.loss + (log(0.8) + log(0.15) + log(0.4) + log(0.8)) / 4) < 1e-6);

    const float odd[2] = {0.5f, 0.7f};
    assert_int_equal(jd_score_calibration(ctx, odd, label, 1, 2, 10, &c), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_score_calibration(ctx, p[0], label, 4, 2, 10, &c), JD_EUSAGE); /* rows are cut wrongly */
    jd_error_clear(ctx);
    assert_int_equal(jd_score_calibration(ctx, p[0], label, 4, 3, 99, &c), JD_EUSAGE);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(top_k), cmocka_unit_test(calibration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
