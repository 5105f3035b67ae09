/* test_texter.c - the system text-compression on a text of a person's own: learned, measured again, gone on with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "own_files.h"

static void write_length(const char *name, size_t n)
{
    static const char *const word[] = {"the sea ", "a man ", "is old. ", "the boat ", "and ", "goes. "};
    char *text = jd_alloc(ctx, n + 16);
    size_t at = 0;
    for (uint64_t i = 0; at < n; i++) {
        jd_rng r = jd_rng_new(4, "test/text", i);
        at += (size_t)snprintf(text + at, 16, "%s", word[jd_rng_below(&r, 6)]);
    }
    assert_int_equal(jd_write_file(ctx, tmpdir_file(name), text, n), JD_OK);
    jd_free(ctx, text);
}

static void learns_and_goes_on(void **state)
{
    (void)state;
    write_length("own.txt", 30000);
    write_length("other.txt", 3000);
    if (jackdaw(
            "run text-compression --data own.txt --set pieces=1 --set piece=500 --set hidden=16 --set epochs=1 --set "
            "units=24 --set embed=8 --set lstm_epochs=4 --set lstm_rate=0.02 --set dropout=0 --set steps=40 --set "
            "batch=8 --threads 1 -q -o run"))
        fail_msg("%s", wrong);
    assert_int_equal(jackdaw("eval run other.txt --threads 1"), 0);
    assert_non_null(strstr(said, "read back to the byte"));
    const double bits = strtod(said + strlen("bits a character "), NULL);
    assert_true(bits > 0.3 && bits < 1.2); /* log2 6 bits a phrase of 6.8 characters are 0.38 */
    assert_int_equal(jackdaw("predict run 'the boat ' --threads 1"), 0);
    assert_true(strstr(said, "the boat ") == said && strlen(said) > 400);
    char first[600];
    snprintf(first, sizeof first, "%.500s", said);
    assert_int_equal(jackdaw("predict run 'the boat ' --threads 2"), 0);
    assert_true(strncmp(first, said, 400) == 0);
    assert_int_equal(jackdaw("predict run other.txt --json --threads 1"), 0);
    assert_non_null(strstr(said, "\"continuation\":"));
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    write_length("short.txt", 500);
    assert_int_equal(jackdaw("run text-compression --data short.txt -o no"), JD_EDATA);
    assert_non_null(strstr(wrong, "short.txt: 500 bytes; a text to learn from has 20000 or more"));
    assert_int_equal(jackdaw("run text-compression --data nosuch.txt -o no"), JD_ENOINPUT);
    assert_int_equal(jd_write_file(ctx, tmpdir_file("empty.txt"), "", 0), JD_OK);
    assert_int_equal(jackdaw("eval run empty.txt"), JD_EDATA);
    assert_non_null(strstr(wrong, "empty.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(learns_and_goes_on), cmocka_unit_test(says_what_is_wrong)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
