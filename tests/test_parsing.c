/* test_parsing.c - people's own trees: learned from a file, and written for sentences. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "program.h"
#include "tmpdir.h"

#include "../systems/names.c"
#include "../systems/parsing_data.c"
#include "../systems/pcfg.c"
#include "../systems/seq2seq_data.c"
#include "../systems/seq2seq_net.c"
#include "../systems/seq2seq_write.c"
#include "../systems/trees.c"
#include "../systems/vocabulary.c"

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

/* A folder of files as the treebank is unpacked: those that are usually tested on are. */
static void unpacked(void **s)
{
    (void)s;
    static parsing_corpus c;
    static const jd_setting none[] = {{"bank_least", {1, 1, 1}, ""}, {"bank_longest", {30, 30, 30}, ""}, {NULL}};
    static const jd_system system = {.name = "trees", .settings = none, .accept = {1, 1, 1}, .paper_value = 1};
    mkdir(tmpdir_file("treebank"), 0700), mkdir(tmpdir_file("treebank/combined"), 0700);
    write_trees("treebank/combined/wsj_0001.mrg", 30);
    write_trees("treebank/combined/wsj_0180.mrg", 12);
    write_trees("treebank/combined/wsj_0179.mrg", 10);
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.system = &system, .dir = tmpdir_path, .data = tmpdir_path});
    assert_non_null(r);
    if (parsing_treebank(r, &c)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(c.part[PARSING_TEST].n, 12);
    assert_int_equal(c.part[PARSING_VALID].n, 2);
    assert_int_equal(c.part[PARSING_TRAIN].n, 38);
    parsing_free(&c);
    write_trees("treebank/combined/wsj_2300.mrg", 7); /* the whole bank: sections 2 to 21, and 23 */
    write_trees("treebank/combined/wsj_0201.mrg", 21);
    if (parsing_treebank(r, &c)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(c.part[PARSING_TEST].n, 7);
    assert_int_equal(c.part[PARSING_TRAIN].n + c.part[PARSING_VALID].n, 21);
    parsing_free(&c);
    jd_run_free(r);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(learned), cmocka_unit_test(unpacked),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
