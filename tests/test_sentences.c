/* test_sentences.c - texts of prompts as they are said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/sentences_data.c"

static jd_ctx *ctx;

static void expect(const char *text, const char *said)
{
    char *got = sentences_normalise(ctx, text);
    if (said) {
        assert_non_null(got);
        assert_string_equal(got, said);
    } else if (got) {
        fail_msg("'%s' became '%s'", text, got);
    }
    jd_free(ctx, got);
}

static void normalise(void **state)
{
    (void)state;
    expect("Login incorrect.  Please enter", "login incorrect please enter");
    expect("press 1, or 0 for Don't", "press one or zero for don't");
    expect("... extension ...", "extension");
    expect("dash [-]", "dash");
    expect("tone. (simple tone sound plays)", "tone");
    expect("Please re-enter: \"now\"!", "please re enter now");
    expect("folder 5", "folder five");
    expect("extension 1234", NULL);
    expect("a 28.8 modem", NULL);
    expect("press # now", NULL);
    expect("visit www.asterisk.org.", NULL);
    expect("H.323", NULL);
    expect("...", NULL);
    expect("", NULL);
}

static void labels(void **state)
{
    (void)state;
    int32_t l[16], words[16];
    char text[17];
    assert_int_equal(sentences_labels("az 'b az", l), 8);
    assert_int_equal(l[0], 1);
    assert_int_equal(l[1], 26);
    assert_int_equal(l[2], 0);
    assert_int_equal(l[3], 27);
    sentences_text(l, 8, text);
    assert_string_equal(text, "az 'b az");
    assert_int_equal(sentences_words(l, 8, words), 3);
    assert_int_equal(words[0], words[2]);
    assert_int_not_equal(words[0], words[1]);
    int count[SENTENCES_PARTS] = {0};
    for (int i = 0; i < 1000; i++) {
        char name[24];
        snprintf(name, sizeof name, "text %d", i);
        assert_int_equal(part_of(3, name), part_of(3, name));
        count[part_of(3, name)]++;
    }
    assert_in_range(count[SENTENCES_VALID], 70, 130);
    assert_in_range(count[SENTENCES_TEST], 160, 240);
}

int main(void)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1});
    const struct CMUnitTest tests[] = {cmocka_unit_test(normalise), cmocka_unit_test(labels)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    jd_ctx_free(ctx);
    return failed;
}
