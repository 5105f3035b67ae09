/* test_translation.c - the system translation on a language of a person's own: learned, measured again, asked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "own_files.h"

enum { PAIRS = 400, WORDS = 8 };
static const char *const here[WORDS] = {"one", "two", "three", "four", "five", "six", "seven", "eight"};
static const char *const there[WORDS] = {"un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit"};

/* Four or five words, and word for word their translations. */
static void write_part(const char *source, const char *target, int n, uint64_t seed)
{
    static char text[2][64 * PAIRS];
    size_t at[2] = {0};
    for (int i = 0; i < n; i++) {
        jd_rng r = jd_rng_new(seed, "test/words", (uint64_t)i);
        const int words = 4 + (int)jd_rng_below(&r, 2);
        for (int k = 0; k < words; k++) {
            const uint32_t w = jd_rng_below(&r, WORDS);
            const char *gap = k + 1 < words ? " " : "\n";
            at[0] += (size_t)snprintf(text[0] + at[0], sizeof text[0] - at[0], "%s%s", here[w], gap);
            at[1] += (size_t)snprintf(text[1] + at[1], sizeof text[1] - at[1], "%s%s", there[w], gap);
        }
    }
    assert_int_equal(jd_write_file(ctx, tmpdir_file(source), text[0], at[0]), JD_OK);
    assert_int_equal(jd_write_file(ctx, tmpdir_file(target), text[1], at[1]), JD_OK);
}

static double number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

static void learns_and_answers(void **state)
{
    (void)state;
    mkdir(tmpdir_file("numbers"), 0777);
    write_part("numbers/train.source", "numbers/train.target", PAIRS, 1);
    write_part("numbers/val.source", "numbers/val.target", 40, 2);
    write_part("numbers/test.source", "numbers/test.target", 40, 3);
    if (jackdaw("run translation --data numbers --set embed=16 --set units=24 --set attend=16 --set project=16 --set "
                "epochs=30 --set control_epochs=0 --set batch=16 --set rate=0.01 --set dropout=0 --threads 1 --json "
                "-o run"))
        fail_msg("%s", wrong);
    assert_int_equal(jackdaw("eval run numbers/test.source --labels numbers/test.target --json --threads 1"), 0);
    assert_true(number_after(said, "\"value\":") > 90);
    assert_true(number_after(said, "\"samples\":") == 40);
    assert_true(number_after(said, "\"unknown_source\":") == 0);
    assert_true(number_after(said, "\"perplexity\":") < 1.3);
    /* What it is measured by is what it answers. */
    assert_int_equal(jackdaw("predict run \"Two three.\" --threads 1"), 0);
    assert_true(strstr(said, "deux") == said);
    /* The same, a tab between both sides. */
    static const char both[] = "one two\tun deux\nseven three six\tsept trois six\n";
    assert_int_equal(jd_write_file(ctx, tmpdir_file("both.tsv"), both, sizeof both - 1), JD_OK);
    assert_int_equal(jackdaw("eval run both.tsv --threads 1"), 0);
    assert_non_null(strstr(said, "on 2 sentences"));
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(jackdaw("eval run numbers/test.source"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 1: no tab between a sentence and its translation"));
    assert_int_equal(jackdaw("eval run numbers/test.source --labels numbers/train.target"), JD_EDATA);
    assert_non_null(strstr(wrong, "numbers/test.source has 40 lines, numbers/train.target more"));
    assert_int_equal(jd_write_file(ctx, tmpdir_file("empty.txt"), "\n", 1), JD_OK);
    assert_int_equal(jackdaw("eval run empty.txt --labels empty.txt"), JD_EDATA);
    assert_non_null(strstr(wrong, "no sentence in it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(learns_and_answers), cmocka_unit_test(says_what_is_wrong)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
