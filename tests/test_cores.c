/* Processors of a process: quotas of control groups in both versions, nested ones, none, and files that make no sense. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/stat.h>

#include "base/ctx.h"
#include "tmpdir.h"

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", tmpdir_path, name);
    for (char *slash = path + strlen(tmpdir_path) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0777);
    }
    tmpdir_write(path, text, strlen(text));
}

static int quota(void)
{
    return jd__cores_quota(tmpdir_file("self"), tmpdir_path);
}

static void test_second_version(void **state)
{
    (void)state;
    put("self", "0::/kube/pod\n");
    assert_int_equal(quota(), 0);
    put("kube/pod/cpu.max", "max 100000\n");
    assert_int_equal(quota(), 0);
    put("kube/pod/cpu.max", "250000 100000\n");
    assert_int_equal(quota(), 3);
    put("kube/cpu.max", "200000 100000\n"); /* the group around it is lent less */
    assert_int_equal(quota(), 2);
    put("cpu.max", "5000 100000\n");
    assert_int_equal(quota(), 1);
    put("self", "0::/\n");
    assert_int_equal(quota(), 1);
}

static void test_first_version(void **state)
{
    (void)state;
    put("self", "9:name=systemd:/\n8:cpuset:/docker/x\n4:cpu,cpuacct:/docker/x\n1:cpuacct:/other\n");
    put("cpu/docker/x/cpu.cfs_period_us", "100000\n");
    put("cpu/docker/x/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(quota(), 0);
    put("cpu/docker/x/cpu.cfs_quota_us", "400000\n");
    assert_int_equal(quota(), 4);
    put("self", "4:cpu:/docker/of/the/host\n"); /* seen from inside, the container's group is the root */
    put("cpu/cpu.cfs_quota_us", "150000\n");
    put("cpu/cpu.cfs_period_us", "50000\n");
    assert_int_equal(quota(), 3);
}

static void test_nonsense(void **state)
{
    (void)state;
    assert_int_equal(jd__cores_quota(tmpdir_file("missing"), tmpdir_path), 0);
    const char *const files[] = {"", "\n\n", "::", "0::", "x", "4:cpu", "0:::", "4:cpu:relative", "0::/a"};
    const char *const quotas[] = {"", "max", "-5 100000", "100000 0", "1e5", "99999999999999999999 1", "x y"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++)
        for (size_t q = 0; q < sizeof quotas / sizeof *quotas; q++) {
            put("self", files[f]);
            put("cpu.max", quotas[q]);
            put("a/cpu.max", quotas[q]);
            put("cpu/cpu.cfs_quota_us", quotas[q]);
            assert_int_equal(quota(), 0);
        }
}

static void test_here(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_true(jd__cores() >= 1 && jd__cores() <= CPU_COUNT(&set));
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_int_equal(jd_ctx_threads(ctx), jd__cores());
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_second_version, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(test_first_version, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test(test_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
