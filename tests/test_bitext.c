/* test_bitext.c - people's own sentences: files in all their forms, and what the model that learned from them says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "program.h"
#include "tmpdir.h"

#include "../systems/bitext.c"
#include "../systems/seq2seq_data.c"
#include "../systems/seq2seq_net.c"
#include "../systems/seq2seq_write.c"
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

static const char *const from[] = {"red", "blue", "small", "big", "dog", "cat", "house"}, *const to[] = {
                                                                                              "rouge", "bleu",  "petit",
                                                                                              "grand", "chien", "chat",
                                                                                              "maison"};

/* Sentence i: two to four words, and its translation, word by word, from the last to the first. */
static void sentence(int i, char *source, char *target)
{
    jd_rng r = jd_rng_new(3, "sentences", (uint64_t)i);
    const int n = 2 + (int)jd_rng_below(&r, 3);
    int word[4];
    source[0] = target[0] = 0;
    for (int k = 0; k < n; k++) word[k] = (int)jd_rng_below(&r, 7);
    for (int k = 0; k < n; k++) {
        if (k) strcat(source, " "), strcat(target, " ");
        strcat(source, from[word[k]]);
        strcat(target, to[word[n - 1 - k]]);
    }
}

static void put(const char *name, const char *text)
{
    assert_int_equal(jd_write_file(ctx, tmpdir_file(name), text, strlen(text)), JD_OK);
}

enum { SENTENCES = 500 };
static char source_text[SENTENCES * 40], target_text[SENTENCES * 40], table[SENTENCES * 80];

static void write_sentences(void)
{
    char *s = source_text, *t = target_text, *both = table;
    for (int i = 0; i < SENTENCES; i++) {
        char a[40], b[40];
        sentence(i, a, b);
        s += sprintf(s, "%s\n", a);
        t += sprintf(t, "%s\r\n", b);
        both += sprintf(both, "%s\t%s\tby nobody\n", a, b);
    }
    put("a.txt", source_text);
    put("b.txt", target_text);
    put("both.tsv", table);
}

static jd_status read_from(const char *data, bitext *b)
{
    static const bitext_options o = {.language = "fr", .words = 100, .least = 1, .longest = 10};
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "own", .dir = tmpdir_path, .data = data});
    assert_non_null(r);
    const jd_status status = bitext_read(r, &o, b);
    jd_run_free(r);
    return status;
}

static void forms(void **s)
{
    (void)s;
    char data[600];
    bitext two, one;
    write_sentences();
    snprintf(data, sizeof data, "%s,%s", tmpdir_file("a.txt"), tmpdir_file("b.txt"));
    if (read_from(data, &two)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(read_from(tmpdir_file("both.tsv"), &one), JD_OK);
    assert_int_equal(two.part[0].n + two.part[1].n + two.part[2].n, SENTENCES);
    assert_int_equal(vocabulary_size(two.source), 7);
    assert_false(two.official);
    for (int k = 0; k < BITEXT_PARTS; k++) {
        assert_int_equal(two.part[k].n, one.part[k].n);
        for (size_t i = 0; i < two.part[k].n; i++) assert_string_equal(two.line[k][i].target, one.line[k][i].target);
    }
    for (size_t i = 0; i < two.part[0].n; i++) /* no source is in two parts */
        for (int k = 1; k < BITEXT_PARTS; k++)
            for (size_t j = 0; j < two.part[k].n; j++)
                assert_string_not_equal(two.line[0][i].source, two.line[k][j].source);
    bitext_free(&two);
    bitext_free(&one);

    put("train.source", "a b\nc d\nE F\n");
    put("train.target", "1 2\n3 4\n5 6\n");
    put("val.source", "e f\n");
    put("val.target", "7\n");
    put("test.source", "a x\n");
    put("test.target", "1 8\n");
    assert_int_equal(read_from(tmpdir_path, &two), JD_OK);
    assert_true(two.official && two.part[0].n == 2 && two.repeated == 1); /* E F is held out */
    assert_true(vocabulary_find(two.target, "8") < 0 && vocabulary_find(two.target, "5") < 0);
    assert_true(two.part[2].pair[0].target[1] == SEQ2SEQ_UNKNOWN && two.unknown[1] == 0.5);
    bitext_free(&two);

    put("val.target", "7\n7\n");
    assert_int_equal(read_from(tmpdir_path, &two), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "line 2"));
    jd_error_clear(ctx);
    bitext_free(&two);
    put("both.tsv", "a\tb\nno translation\n");
    assert_int_equal(read_from(tmpdir_file("both.tsv"), &two), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "line 2: no tab"));
    jd_error_clear(ctx);
    bitext_free(&two);
}

/* As newstest of WMT is given; a translation memory is not. */
static void segments(void **s)
{
    (void)s;
    const char *found = NULL;
    char data[600], a[16384] = "<srcset setid=\"n\">\n<doc>\n", b[16384] = "<refset>";
    bitext t;
    for (int i = 0; i < 200; i++) {
        char source[40], target[40];
        sentence(i, source, target);
        sprintf(a + strlen(a), "<seg id=\"%d\">%s &amp; %d &lt;\n</seg>\n", i, source, i * 7919);
        sprintf(b + strlen(b), "<hl><seg id='%d'> %s %d</seg></hl>", i, target, i);
    }
    put("n.en.sgm", strcat(a, "</doc></srcset>\n"));
    put("n.fr.sgm", strcat(b, "</refset>"));
    snprintf(data, sizeof data, "%s,%s", tmpdir_file("n.en.sgm"), tmpdir_file("n.fr.sgm"));
    if (read_from(data, &t)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(t.part[0].n + t.part[1].n + t.part[2].n, 200);
    char source[40], target[40], line[60];
    sentence(0, source, target);
    snprintf(line, sizeof line, "%s & 0 < ", source);
    for (int k = 0; k < BITEXT_PARTS; k++)
        for (size_t i = 0; i < t.part[k].n; i++)
            if (!strcmp(t.line[k][i].source, line)) found = t.line[k][i].target;
    snprintf(line, sizeof line, "%s 0", target);
    assert_non_null(found);
    assert_string_equal(found, line);
    bitext_free(&t);
    put("n.fr.sgm", "<?xml version='1.0'?><tmx><tu><tuv><seg>dog</seg></tuv></tu></tmx>");
    assert_int_equal(read_from(data, &t), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "n.fr.sgm: a translation memory (TMX)"));
    jd_error_clear(ctx);
    bitext_free(&t);
}

static void learned(void **s)
{
    (void)s;
    char command[2000], out[8000];
    write_sentences();
    snprintf(command, sizeof command,
             "'%s' run translation --data '%s,%s' --set units=24 --set embed=12 --set attend=12 --set project=12 --set "
             "batch=8 --set epochs=8 --set control_epochs=0 --set rate=0.02 --set dropout=0 --threads 1 --quiet --out "
             "'%s' 2>&1",
             program(), tmpdir_file("a.txt"), tmpdir_file("b.txt"), tmpdir_file("run"));
    if (output_of(command, out, sizeof out)) fail_msg("%s", out);
    snprintf(command, sizeof command, "'%s' predict '%s/model.safetensors' 'Red big house' 'cat dog' 2>&1", program(),
             tmpdir_file("run"));
    if (output_of(command, out, sizeof out)) fail_msg("%s", out);
    assert_string_equal(out, "maison grand rouge\nchien chat\n");
    put("c.txt", "blue cat\n\nsmall dog");
    snprintf(command, sizeof command, "'%s' predict '%s' '%s' --csv 2>&1", program(), tmpdir_file("run"),
             tmpdir_file("c.txt"));
    if (output_of(command, out, sizeof out)) fail_msg("%s", out);
    assert_string_equal(out, "source,translation\nblue cat,chat bleu\n,\nsmall dog,chien petit\n");
    snprintf(command, sizeof command, "'%s' predict '%s' 'red dog' --json 2>&1", program(), tmpdir_file("run"));
    if (output_of(command, out, sizeof out)) fail_msg("%s", out);
    assert_non_null(strstr(out, "{\"source\":\"red dog\",\"translation\":\"chien rouge\",\"ln_p\":-"));
}

/* A file whose words and configuration do not fit is refused. */
static void broken(void **s)
{
    (void)s;
    char command[600], out[2000];
    jd_params *p = jd_params_new(ctx, JD_F32);
    static const char *const config[] = {
        "{\"source-words\":5,\"target-words\":5,\"embed\":4,\"units\":4,\"layers\":1,\"attend\":4,\"project\":0,"
        "\"power\":0,"
        "\"width\":2}",
        "{\"source-words\":9,\"target-words\":5,\"embed\":4,\"units\":4,\"layers\":1,\"width\":2}",
        "{\"source-words\":5,\"target-words\":5,\"embed\":4,\"units\":1e300,\"layers\":1,\"width\":2}",
        "{\"source-words\":5,\"target-words\":5,\"embed\":4,\"units\":-4,\"layers\":99,\"width\":1e9}", "[]"};
    for (size_t i = 0; i < sizeof config / sizeof *config; i++) {
        const jd_metadata about[] = {{"jackdaw.config", config[i]}, {"words.source", "a b"}, {"words.target", "c d"}};
        assert_int_equal(jd_params_save(ctx, p, tmpdir_file("m.safetensors"), about, 3), JD_OK);
        snprintf(command, sizeof command, "'%s' predict '%s' 'a b' 2>&1", program(), tmpdir_file("m.safetensors"));
        assert_int_equal(output_of(command, out, sizeof out), JD_EDATA);
    }
    jd_params_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(segments), cmocka_unit_test(learned),
                                       cmocka_unit_test(broken)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
