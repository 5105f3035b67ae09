/* test_parsing.c - people's own trees: learned from a file, and written for sentences. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "program.h"
#include "tmpdir.h"

static jd_ctx *ctx;

static int setup(void **s)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 5});
    return ctx ? tmpdir_setup(s) : -1;
}

static int teardown(void **s)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(s);
}

static const char *const nouns[] = {"dog", "cat", "house", "tree"}, *const verbs[] = {"sees", "likes"};

/* The dog sees a cat . */
static void write_trees(const char *name, int n)
{
    static char text[60000];
    size_t at = 0;
    jd_rng r = jd_rng_new(4, "test/trees", 0);
    for (int i = 0; i < n; i++) {
        const char *a = nouns[jd_rng_below(&r, 4)], *b = nouns[jd_rng_below(&r, 4)], *v = verbs[jd_rng_below(&r, 2)];
        at += (size_t)snprintf(text + at, sizeof text - at,
                               jd_rng_below(&r, 2) ? "( (S (NP-SBJ (DT The) (NN %s)) (VP (VBZ %s) (NP (DT a) (NN %s))) "
                                                     "(. .)) )\n"
                                                   : "( (S (NP-SBJ (DT The) (NN %s)) (VP (VBZ %s)) (. .)) )\n",
                               a, v, b);
    }
    assert_int_equal(jd_write_file(ctx, tmpdir_file(name), text, at), JD_OK);
}

static void learned(void **s)
{
    (void)s;
    char command[2000], out[8000];
    write_trees("own.mrg", 400);
    snprintf(
        command, sizeof command,
        "'%s' run parsing --data '%s' --set sentences=100 --set held_out=10 --set tested=10 --set longest=6 --set "
        "embed=12 --set units=8 --set attend=12 --set epochs=1 --set control_epochs=1 --set bank_epochs=10 --set "
        "bank_units=24 --set bank_batch=8 --set bank_rate=0.02 --set bank_dropout=0 --threads 1 --quiet --out '%s' "
        "2>&1",
        program(), tmpdir_file("own.mrg"), tmpdir_file("run"));
    if (output_of(command, out, sizeof out)) fail_msg("%s", out);
    snprintf(command, sizeof command, "'%s' predict '%s' 'The cat likes a tree.' 'The house sees.' 2>&1", program(),
             tmpdir_file("run"));
    if (output_of(command, out, sizeof out)) fail_msg("%s", out);
    assert_string_equal(out, "(S (NP The cat) (VP likes (NP a tree)) .)\n(S (NP The house) (VP sees) .)\n");
}

static void refused(void **s)
{
    (void)s;
    char command[600], out[4000];
    assert_int_equal(jd_write_file(ctx, tmpdir_file("bad.mrg"), "( (S (NP (DT The)\n", 18), JD_OK);
    snprintf(command, sizeof command,
             "'%s' run parsing --data '%s' --set sentences=100 --set bank_epochs=1 --quiet --out '%s' 2>&1", program(),
             tmpdir_file("bad.mrg"), tmpdir_file("run2"));
    assert_int_equal(output_of(command, out, sizeof out), JD_EDATA);
    assert_non_null(strstr(out, "line 2: a bracket is not closed"));
    jd_params *p = jd_params_new(ctx, JD_F32);
    const jd_metadata about[] = {
        {"jackdaw.config",
         "{\"source-words\":5,\"target-words\":9,\"embed\":4,\"units\":4,\"layers\":1,\"width\":2,\"power\":0}"},
        {"words.source", "a b"},
        {"labels", "S NP"}};
    assert_int_equal(jd_params_save(ctx, p, tmpdir_file("m.safetensors"), about, 3), JD_OK);
    jd_params_free(p);
    snprintf(command, sizeof command, "'%s' predict '%s' 'a b' 2>&1", program(), tmpdir_file("m.safetensors"));
    assert_int_equal(output_of(command, out, sizeof out), JD_EDATA);
    assert_non_null(strstr(out, "do not fit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(learned), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
