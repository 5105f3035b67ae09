/* test_trees.c - words of texts, trees as symbols, the grammar, pairs of sentences from files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../systems/pcfg.c"
#include "../systems/trees.c"
#include "../systems/vocabulary.c"

static jd_ctx *ctx;

static int setup(void **s)
{
    (void)s;
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 5});
    return ctx ? 0 : -1;
}

static int teardown(void **s)
{
    (void)s;
    jd_ctx_free(ctx);
    return 0;
}

/* ---- words ----------------------------------------------------------------------------------------------------------------*/

static void expect_words(const char *text, const char *words)
{
    char word[64], all[512] = "";
    while ((text = vocabulary_word(text, word, sizeof word)) != NULL) {
        if (all[0]) strcat(all, "|");
        strcat(all, word);
    }
    assert_string_equal(all, words);
}

static void words(void **s)
{
    (void)s;
    expect_words("Two young, White males.", "two|young|,|white|males|.");
    expect_words("L'homme n\xe2\x80\x99y va  pas!", "l'|homme|n'|y|va|pas|!");
    expect_words("\xc3\x89t\xc3\xa9 \xc3\x9c"
                 "ber \xc5\x92uvre \xc2\xab a \xc2\xbb \xe2\x80\x9e"
                 "b\xe2\x80\x9c",
                 "\xc3\xa9t\xc3\xa9|\xc3\xbc"
                 "ber|\xc5\x93uvre|\xc2\xab|a|\xc2\xbb|\xe2\x80\x9e|b|\xe2\x80\x9c");
    expect_words("a well-known 3.5 1,000. - b-", "a|well-known|3.5|1,000|.|-|b|-");
    expect_words(" \t\r\n", "");
    expect_words("a\xc3", "a\xc3"); /* cut in the middle of a character */
    expect_words("\xe2\x80", "\xe2\x80");
    char longest[300], word[64];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    size_t n = 0;
    for (const char *at = longest; (at = vocabulary_word(at, word, sizeof word)) != NULL;) n += strlen(word);
    assert_int_equal(n, sizeof longest - 1);
}

static void numbers(void **s)
{
    (void)s;
    vocabulary *all = vocabulary_new(ctx);
    assert_int_equal(vocabulary_count(all, "the cat and the dog and the bird."), JD_OK);
    vocabulary *v = vocabulary_pick(all, 3, 4, 1);
    assert_int_equal(vocabulary_size(v), 4);
    assert_int_equal(vocabulary_find(v, "the"), 3); /* three times */
    assert_int_equal(vocabulary_find(v, "and"), 4);
    assert_int_equal(vocabulary_find(v, "cat"), 5); /* the first of those that are there once */
    assert_int_equal(vocabulary_find(v, "bird"), -1);
    int32_t w[8];
    assert_int_equal(vocabulary_encode(v, "The bird, and THE cat", w, 8), 6);
    assert_true(w[0] == 3 && w[1] == 0 && w[2] == 0 && w[3] == 4 && w[4] == 3 && w[5] == 5);
    assert_int_equal(vocabulary_encode(v, "the the the", w, 2), 2);
    vocabulary *twice = vocabulary_pick(all, 0, 100, 2);
    assert_int_equal(vocabulary_size(twice), 2);
    char *list = vocabulary_list(ctx, v);
    assert_string_equal(list, "the and cat dog");
    vocabulary *again = vocabulary_read(ctx, list, 3);
    assert_int_equal(vocabulary_find(again, "dog"), 6);
    vocabulary *french = vocabulary_read(ctx, "l' homme , est \xc3\xa9t\xc3\xa9 .", 0);
    char *text = vocabulary_decode(ctx, french, (const int32_t[]){0, 1, 2, 3, 4, 5}, 6);
    assert_string_equal(text, "l'homme, est \xc3\xa9t\xc3\xa9.");
    for (int i = 0; i < 5000; i++) { /* the table grows */
        char word[16];
        snprintf(word, sizeof word, "w%d", i);
        assert_int_equal(vocabulary_add(all, word), 6 + i);
    }
    assert_int_equal(vocabulary_find(all, "w4321"), 4327);
    jd_free(ctx, list);
    jd_free(ctx, text);
    vocabulary_free(all);
    vocabulary_free(v);
    vocabulary_free(twice);
    vocabulary_free(again);
    vocabulary_free(french);
}

/* ---- trees ----------------------------------------------------------------------------------------------------------------*/

static const char bank_text[] =
    "( (S (NP-SBJ-1 (DT The) (NN cat) ) (VP (VBD sat) (NP (-NONE- *T*-1)) (PP-LOC=2 (IN on) (NP "
    "(NN mats) )) ) (. .) ))\n(SQ (X (-NONE- *)) (WP Who) )\n";

enum { S_, NP_, VP_, PP_, SQ_, X_ };
#define OPEN(l)  (TREES_OPEN + 2 * (l))
#define CLOSE(l) (OPEN(l) + 1)
#define XX       TREES_WORD

static void reading(void **s)
{
    (void)s;
    static const int32_t want[] = {OPEN(S_), OPEN(NP_), XX, XX,         CLOSE(NP_), OPEN(VP_),  XX, OPEN(PP_),
                                   XX,       OPEN(NP_), XX, CLOSE(NP_), CLOSE(PP_), CLOSE(VP_), XX, CLOSE(S_)};
    treebank b;
    treebank_open(ctx, &b);
    if (treebank_read(&b, "trees", bank_text)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(b.n, 2);
    const tree *t = &b.item[0];
    assert_int_equal(t->words, 6);
    assert_int_equal(t->symbols, 16);
    assert_memory_equal(t->symbol, want, sizeof want);
    assert_string_equal(t->word[4], "mats");
    assert_true(t->mark[5] && !t->mark[0]);
    assert_true(tree_well_formed(t->symbol, t->symbols, t->words));
    assert_int_equal(b.item[1].symbols, 3); /* (SQ XX )SQ: the empty bracket went */
    jd_bracket k[8];
    assert_int_equal(tree_brackets(t->symbol, t->symbols, t->mark, k, 8), 5);
    assert_true(k[0].label == NP_ && k[0].first == 0 && k[0].last == 1);
    assert_true(k[4].label == S_ && k[4].first == 0 && k[4].last == 4); /* without the full stop */
    char *text = tree_text(ctx, &b, t->symbol, t->symbols, t->word, t->words);
    assert_string_equal(text, "(S (NP The cat) (VP sat (PP on (NP mats))) .)");
    jd_free(ctx, text);
    treebank_free(&b);
}

static void refused(const char *text)
{
    treebank b;
    treebank_open(ctx, &b);
    if (treebank_read(&b, "trees", text) != JD_EDATA) fail_msg("'%s' was read", text);
    jd_error_clear(ctx);
    treebank_free(&b);
}

/* No prefix and no flipped bit does more harm than an error. */
static void hostile(void **s)
{
    (void)s;
    refused("(S (NP (DT a))");
    refused("(S (NP (DT a b)))");
    refused("x");
    refused("(S (NP (DT a))))");
    refused("(");
    char deep[4000];
    for (size_t i = 0; i + 1 < sizeof deep; i++) deep[i] = i % 2 ? 'S' : '(';
    deep[sizeof deep - 1] = 0;
    refused(deep);
    char text[sizeof bank_text];
    for (size_t i = 0; i < sizeof bank_text * 9; i++) {
        treebank b;
        memcpy(text, bank_text, sizeof text);
        if (i < sizeof bank_text)
            text[i] = 0;
        else
            text[(i - sizeof bank_text) / 8] ^= (char)(1 << i % 8);
        text[sizeof text - 1] = 0;
        treebank_open(ctx, &b);
        const jd_status status = treebank_read(&b, "trees", text);
        assert_true(status == JD_OK || status == JD_EDATA);
        for (size_t k = 0; k < b.n && !status; k++) {
            size_t n = 0;
            for (size_t j = 0; j < b.item[k].symbols; j++) n += b.item[k].symbol[j] == XX;
            assert_true(n == b.item[k].words);
        }
        jd_error_clear(ctx);
        treebank_free(&b);
    }
}

static void expect_repair(const int32_t *in, size_t n, size_t count, const int32_t *want, size_t m)
{
    int32_t out[64];
    assert_int_equal(tree_repair(in, n, count, OPEN(S_), out, 64), m);
    assert_memory_equal(out, want, m * sizeof *want);
}
#define LIST(...) (const int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static void repair(void **s)
{
    (void)s;
    expect_repair(LIST(OPEN(S_), XX, CLOSE(S_)), 1, LIST(OPEN(S_), XX, CLOSE(S_)));
    /* closing a bracket closes those inside it; one that was never opened is dropped */
    expect_repair(LIST(OPEN(S_), OPEN(NP_), XX, CLOSE(VP_), CLOSE(S_)), 1,
                  LIST(OPEN(S_), OPEN(NP_), XX, CLOSE(NP_), CLOSE(S_)));
    /* missing words stand where the outermost bracket would close, surplus ones go */
    expect_repair(LIST(OPEN(S_), OPEN(NP_), XX, CLOSE(NP_), CLOSE(S_)), 2,
                  LIST(OPEN(S_), OPEN(NP_), XX, CLOSE(NP_), XX, CLOSE(S_)));
    expect_repair(LIST(OPEN(S_), XX, XX, OPEN(NP_), XX, CLOSE(NP_), CLOSE(S_)), 1, LIST(OPEN(S_), XX, CLOSE(S_)));
    expect_repair(LIST(XX, XX), 2, LIST(OPEN(S_), XX, XX, CLOSE(S_)));
    expect_repair(NULL, 0, 2, LIST(OPEN(S_), XX, XX, CLOSE(S_)));
    jd_rng rng = jd_rng_new(3, "repair", 0);
    for (int i = 0; i < 20000; i++) { /* whatever is written becomes a tree of as many words */
        int32_t in[30], out[100];
        const size_t n = jd_rng_below(&rng, 30), count = 1 + jd_rng_below(&rng, 12);
        for (size_t k = 0; k < n; k++) in[k] = TREES_WORD + (int32_t)jd_rng_below(&rng, 7);
        const size_t m = tree_repair(in, n, count, OPEN(S_), out, 100);
        assert_true(m >= count + 2 && m <= 100 && tree_well_formed(out, m, count));
        if (tree_well_formed(in, n, count)) { /* but for brackets without words nothing changes */
            jd_bracket a[40], b[40];
            const size_t na = tree_brackets(in, n, NULL, a, 40), nb = tree_brackets(out, m, NULL, b, 40);
            assert_true(na == nb && !memcmp(a, b, na * sizeof *a));
        }
    }
}

static void well_formed(void **s)
{
    (void)s;
    static const int32_t two[] = {OPEN(S_), XX, CLOSE(S_), OPEN(S_), XX, CLOSE(S_)};
    assert_false(tree_well_formed(two, 6, 2));
    assert_true(tree_well_formed(two, 3, 1) && !tree_well_formed(two, 3, 2) && !tree_well_formed(two, 2, 1));
    assert_false(tree_well_formed((const int32_t[]){OPEN(S_), XX, CLOSE(NP_)}, 3, 1));
    assert_false(tree_well_formed((const int32_t[]){CLOSE(S_), OPEN(S_)}, 2, 0));
    assert_false(tree_well_formed(two, 0, 0));
    assert_false(tree_well_formed((const int32_t[]){2, XX, 2}, 3, 1));
    assert_false(tree_well_formed((const int32_t[]){XX}, 1, 1));
}

/* ---- the grammar ------------------------------------------------------------------------------------------------------------*/

static void grammar(void **s)
{
    (void)s;
    treebank b;
    treebank_open(ctx, &b);
    bool used[PCFG_LABELS + 1] = {false};
    for (uint64_t i = 0; i < 2000; i++) {
        pcfg_sentence a, c;
        assert_int_equal(pcfg_sentence_make(&b, 1, "test", i, 25, &a), JD_OK);
        assert_true(a.words >= 3 && a.words <= 25 && tree_well_formed(a.symbol, a.symbols, a.words));
        for (size_t k = 0; k < a.words; k++) assert_true(a.word[k][0]);
        for (size_t k = 0; k < a.symbols; k++)
            if (a.symbol[k] >= TREES_OPEN) used[(a.symbol[k] - TREES_OPEN) / 2] = true;
        int32_t same[PCFG_SYMBOLS];
        assert_int_equal(tree_repair(a.symbol, a.symbols, a.words, TREES_OPEN, same, PCFG_SYMBOLS), a.symbols);
        assert_memory_equal(same, a.symbol, a.symbols * sizeof *same);
        pcfg_sentence_make(&b, 1, "test", i, 25, &c);
        assert_true(a.words == c.words && a.symbols == c.symbols &&
                    !memcmp(a.symbol, c.symbol, a.symbols * sizeof(int32_t)));
    }
    assert_int_equal(vocabulary_size(b.label), PCFG_LABELS);
    for (int i = 0; i < PCFG_LABELS; i++) assert_true(used[i]);
    for (int i = 0; i < PCFG_RULES; i++) assert_true(rules[i].left && rules[i].weight > 0 && rules[i].right);
    treebank_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),  cmocka_unit_test(numbers),     cmocka_unit_test(reading), cmocka_unit_test(hostile),
        cmocka_unit_test(repair), cmocka_unit_test(well_formed), cmocka_unit_test(grammar)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
