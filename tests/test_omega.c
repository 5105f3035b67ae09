/* The omega system: its statistics against figures of 40-digit arithmetic, and the whole run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../systems/omega_fit.c"
#include "../systems/omega.c"

static void close_to(double got, double want, double within)
{
    if (!(fabs(got - want) <= within)) fail_msg("got %.12g, want %.12g within %.3g", got, want, within);
}

static void table(double t[OMEGA_EVENTS])
{
    for (int k = 0; k < OMEGA_EVENTS; k++) t[k] = jd__omega_table[k].years;
}

static void test_student(void **state)
{
    (void)state;
    /* Fisher and Yates, table III; one degree of freedom is the Cauchy law: tan(0.475 pi). */
    close_to(jd__student_975(1), 12.7062047362, 1e-9);
    close_to(jd__student_975(2), 4.302652729911, 1e-9);
    close_to(jd__student_975(9), 2.262157162854, 1e-9);
    close_to(jd__student_975(10), 2.228138851965, 1e-9);
    close_to(jd__student_975(13), 2.160368656461, 1e-9);
    close_to(jd__student_975(17), 2.109815577833, 1e-9);
}

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        int n;
        double q, T0, s, rms, r2;
    } want[] = {
        {15, 0.249076061383, 14125989092.388, 0.0229649262442, 0.0213791828441, 0.99998732691858},
        {14, 0.249070327217, 14127398400.310, 0.0239015320356, 0.0221285187727, 0.99998440438655},
        {19, 0.248765785802, 14209182056.225, 0.0225935783002, 0.0213713855263, 0.99999213435348},
    };
    double t[OMEGA_EVENTS];
    table(t);
    for (size_t i = 0; i < 3; i++) {
        const jd__omega_line f = jd__omega_fit(t, want[i].n);
        close_to(f.q, want[i].q, 1e-11);
        close_to(f.T0, want[i].T0, 1e-1);
        close_to(f.s, want[i].s, 1e-11);
        close_to(f.rms, want[i].rms, 1e-11);
        close_to(f.r2, want[i].r2, 1e-12);
    }
    const jd__omega_line f = jd__omega_fit(t, OMEGA_SEEN);
    close_to(f.q_low, 0.24834, 5e-6);
    close_to(f.q_high, 0.24982, 5e-6);
}

static void test_exact_series(void **state)
{
    (void)state;
    double t[12];
    for (int k = 0; k < 12; k++) t[k] = 1e9 * pow(0.3, k);
    const jd__omega_line f = jd__omega_fit(t, 12);
    close_to(f.q, 0.3, 1e-14);
    close_to(f.T0, 1e9, 1e-4);
    close_to(f.r2, 1, 1e-14);
    /* An exact series tells where it converges, even shifted by 7 years. */
    for (int k = 0; k < 12; k++) t[k] -= 7;
    close_to(jd__omega_free(t, 12, NULL).best, OMEGA_NOW + 7, 1e-5);
}

static void test_free_omega(void **state)
{
    (void)state;
    double t[OMEGA_EVENTS];
    table(t);
    const double log_quarter = log(0.25);
    const jd__omega_profile p = jd__omega_free(t, OMEGA_SEEN, NULL);
    assert_int_equal(p.nu, 12);
    close_to(p.best_half_year, 2050, 0);
    close_to(p.best, 2050.0, 0.05);
    close_to(jd__omega_free(t, OMEGA_SEEN, &log_quarter).best, 2052, .5);
    close_to(jd__omega_free(t, OMEGA_SEEN - 1, NULL).best, 2051, .5);
    close_to(jd__omega_free(t, OMEGA_SEEN - 2, NULL).best, 2054, .5);
    close_to(jd__omega_free(t, OMEGA_SEEN - 3, NULL).best, 1971, .5);
    /* At both ends of the interval the error is 1 + F/nu times the least; F(0.95; 1, 12) = 4.747. */
    const double limit = p.ssr * (1 + 4.747225 / 12);
    close_to(jd__omega_ssr(t, OMEGA_SEEN, p.low, NULL) / limit, 1, 1e-5);
    close_to(jd__omega_ssr(t, OMEGA_SEEN, p.high, NULL) / limit, 1, 1e-5);
    assert_true(p.low < p.best && p.best < p.high);
    assert_true(isinf(jd__omega_ssr(t, OMEGA_SEEN, 2000, NULL)));
}

static void test_control(void **state)
{
    (void)state;
    double t[OMEGA_EVENTS];
    table(t);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd__omega_control a = {0}, b = {0};
    assert_int_equal(jd__omega_chance(ctx, t, OMEGA_SEEN, 10000, 0, &a), JD_OK);
    close_to(jd__omega_quantile(a.r2, a.draws, .5), .957, .002);
    close_to(jd__omega_quantile(a.r2, a.draws, .05), .873, .006);
    close_to(jd__omega_quantile(a.r2, a.draws, .95), .985, .002);
    close_to(jd__omega_quantile(a.rms, a.draws, .001), .48, .04);
    for (int i = 1; i < a.draws; i++) assert_true(a.r2[i - 1] <= a.r2[i] && a.rms[i - 1] <= a.rms[i]);
    /* A draw belongs to its seed. */
    assert_int_equal(jd__omega_chance(ctx, t, OMEGA_SEEN, 100, 0, &b), JD_OK);
    const double first = b.r2[0];
    jd__omega_control_free(ctx, &b);
    assert_int_equal(jd__omega_chance(ctx, t, OMEGA_SEEN, 100, 1, &b), JD_OK);
    assert_true(b.r2[0] != first);
    jd__omega_control_free(ctx, &b);
    jd__omega_control_free(ctx, &a);
    assert_int_equal(jd__omega_chance(ctx, t, OMEGA_SEEN, 0, 0, &a), JD_EUSAGE);
    jd_ctx_free(ctx);
}

static void test_run(void **state)
{
    (void)state;
    char dir[] = "/tmp/jackdaw-omega-XXXXXX", command[64];
    assert_non_null(mkdtemp(dir));
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.system = &jd_system_omega, .scale = JD_QUICK, .dir = dir});
    assert_non_null(r);
    assert_int_equal(jd_system_omega.run(r), JD_OK);
    assert_string_equal(jd_error_message(ctx), "");
    close_to(jd_run_value(r), CHECKS, 0);
    assert_true(jd_run_passed(r));
    size_t bytes = 0;
    char *html = jd_read_file(ctx, jd_run_path(r, "report.html"), 0, &bytes);
    assert_non_null(html);
    static const char *const must[] = {
        "Circularity", "Selection", "extrapolations", "outside the 95 % interval", "Behaviorally modern man",
        "0.24908",     "????"};
    for (size_t i = 0; i < sizeof must / sizeof must[0]; i++)
        if (!strstr(html, must[i])) fail_msg("the report does not say '%s'", must[i]);
    jd_free(ctx, html);
    char *svg = jd_read_file(ctx, jd_run_path(r, "omega.svg"), 0, &bytes);
    assert_non_null(svg);
    assert_memory_equal(svg, "<svg", 4);
    jd_free(ctx, svg);
    jd_run_free(r);
    jd_ctx_free(ctx);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_student),    cmocka_unit_test(test_lines),   cmocka_unit_test(test_exact_series),
        cmocka_unit_test(test_free_omega), cmocka_unit_test(test_control), cmocka_unit_test(test_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
