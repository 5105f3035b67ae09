/* The system norb on a small set in the format of small NORB: it learns; without the set it says where to get it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "../systems/committee.c"
#include "../systems/committee_report.c"
#include "../systems/images.c"
#include "../systems/images_report.c"
#include "../systems/images_train.c"
#include "../systems/norb.c"
#include "sets_help.h"
#include "tmpdir.h"

enum { TOYS = 5, INSTANCES = 4, VIEWS = 6, COUNT = TOYS * INSTANCES * VIEWS, RAW = 96 };

static jd_ctx *ctx;

static int setup(void **state)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1});
    if (!ctx || tmpdir_setup(state)) return -1;
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    setenv("XDG_CACHE_HOME", tmpdir_path, 1);
    return 0;
}

static int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

/* A category is the number of bars of a grating; instances and views differ by place and contrast. */
static void write_split(const char *which, uint64_t seed)
{
    uint8_t *file = malloc(64 + COUNT * 2 * RAW * RAW), *px = malloc(COUNT * 2 * RAW * RAW);
    int32_t cat[COUNT], info[COUNT * 4] = {0};
    jd_rng r = jd_rng_new(seed, "norb test", 0);
    assert_true(file && px);
    for (int i = 0; i < COUNT; i++) {
        cat[i] = i % TOYS;
        info[4 * i] = i / TOYS % INSTANCES;
        const int phase = (int)jd_rng_below(&r, RAW), high = 140 + (int)jd_rng_below(&r, 80);
        for (int k = 0; k < 2 * RAW * RAW; k++) {
            const int x = k % RAW + (k >= RAW * RAW ? 3 : 0);
            px[i * 2 * RAW * RAW + k] = (uint8_t)((x + phase) * (cat[i] + 1) / 24 % 2 ? high : 60);
        }
    }
    char name[200];
    static const char *const kind[] = {"dat", "cat", "info"};
    for (int k = 0; k < 3; k++) {
        snprintf(name, sizeof name, "%s/norb/smallnorb-5x%s-%s.mat", tmpdir_path, which, kind[k]);
        const uint32_t size[3][4] = {{COUNT, 2, RAW, RAW}, {COUNT}, {COUNT, 4}};
        const size_t n = k == 0   ? norb_matrix(file, 4, size[0], px, NULL)
                         : k == 1 ? norb_matrix(file, 1, size[1], NULL, cat)
                                  : norb_matrix(file, 2, size[2], NULL, info);
        tmpdir_write(name, file, n);
    }
    free(file);
    free(px);
}

static jd_status run_norb(double *value)
{
    char dir[128];
    snprintf(dir, sizeof dir, "%s/run", tmpdir_path);
    jd_run *r = jd_run_new(
        ctx, &(jd_run_options){.system = &jd_system_norb,
                               .scale = JD_QUICK,
                               .seed = 1,
                               .dir = dir,
                               .set = (const char *const[]){"held_out=20", "batch=5", "epochs=6", "loaders=0", NULL}});
    if (r && !jd_system_norb.run(r)) *value = jd_run_value(r);
    jd_run_free(r);
    return jd_error(ctx);
}

static void absent(void **state)
{
    (void)state;
    double value = 0;
    assert_int_equal(run_norb(&value), JD_ENOINPUT);
    assert_non_null(strstr(jd_error_message(ctx), "smallnorb-5x*.mat.gz files from the home page"));
    jd_error_clear(ctx);
}

static void learns(void **state)
{
    (void)state;
    mkdir(tmpdir_file("norb"), 0777);
    write_split("46789x9x18x6x2x96x96-training", 1);
    write_split("01235x9x18x6x2x96x96-testing", 2);
    double value = 100;
    if (run_norb(&value)) fail_msg("%s", jd_error_message(ctx));
    if (!(value < 30)) fail_msg("%g %% of the gratings are taken for others; by chance it is 80", value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(absent), cmocka_unit_test(learns)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
