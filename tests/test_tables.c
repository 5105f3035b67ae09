/* Tables as other programs write them: LIBSVM's rows, fields in quotes over several lines. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "jackdaw/data.h"

#include "ctx_tmpdir.h"

static jd_status csv(const char *text, const jd_csv_options *o, jd_table *t)
{
    const char *path = tmpdir_file("t.csv");
    tmpdir_write(path, text, strlen(text));
    return jd_read_csv(ctx, path, o, t);
}

/* Rows of LIBSVM's format: the label is column 1 and stands last, what is not listed is 0; a list may ask for more columns. */
static void sparse_tables(void **state)
{
    (void)state;
    jd_table t = {0};
    assert_int_equal(
        csv("# of another program\n+1 2:0.5 4:-2e1 # first\n\n-1 1:3 \r\n", &(jd_csv_options){.last_words = true}, &t),
        JD_OK);
    assert_true(t.rows == 2 && t.cols == 5 && !t.names && t.lines[1] == 4 && t.columns[0] == 2 && t.columns[4] == 1);
    assert_memory_equal(t.values, ((double[]){0, 0.5, 0, -20, 1, 3, 0, 0, 0, -1}), 10 * sizeof(double));
    assert_string_equal(t.words[1], "-1");
    jd_table_free(ctx, &t);
    assert_int_equal(csv("2 1:1\n", &(jd_csv_options){.select = "3,2,last"}, &t), JD_OK);
    assert_memory_equal(t.values, ((double[]){0, 1, 2}), 3 * sizeof(double));
    jd_table_free(ctx, &t);
    csv("1 1:1\n1 3:1 2:1\n", NULL, &t);
    expect_error(JD_EDATA, "line 2: '2:1' stands where the next index is due");
    csv("1 1:1\n1 qid:3\n", NULL, &t);
    expect_error(JD_EDATA, "line 2: 'qid:3' is not of the form INDEX:VALUE");
    char *many = malloc(11 * 100);
    for (int i = 0; i < 100; i++) memcpy(many + 11 * i, "1 99999:1  \n", 11), many[11 * i + 10] = '\n';
    many[11 * 100 - 1] = 0;
    csv(many, NULL, &t); /* a small file does not make a large table */
    expect_error(JD_EDATA, "100 rows of 100000 columns are more than");
    free(many);
    csv("1 1:1\n1,2 1:1\n", NULL, &t);
    expect_error(JD_EDATA, "line 2: '1,2' is no label");
}

/* Targets stand last, whatever the list of the others; `*` leaves them out. */
static void targets(void **state)
{
    (void)state;
    jd_table t = {0};
    static const char rows[] = "a,b,c,d\n1,2,3,4\n5,6,7,8\n";
    assert_int_equal(csv(rows, &(jd_csv_options){.targets = "c,a"}, &t), JD_OK);
    assert_true(t.cols == 4 && t.targets == 2);
    assert_memory_equal(t.values, ((double[]){2, 4, 3, 1, 6, 8, 7, 5}), 8 * sizeof(double));
    jd_table_free(ctx, &t);
    assert_int_equal(csv(rows, &(jd_csv_options){.select = "d,*", .targets = "2-3"}, &t), JD_OK);
    assert_memory_equal(t.values, ((double[]){4, 1, 2, 3, 8, 5, 6, 7}), 8 * sizeof(double));
    jd_table_free(ctx, &t);
    assert_int_equal(csv("7 1:1 3:3\n", &(jd_csv_options){.targets = "1,4"}, &t), JD_OK);
    assert_true(t.cols == 4 && t.targets == 2);
    assert_memory_equal(t.values, ((double[]){1, 0, 7, 3}), 4 * sizeof(double));
    jd_table_free(ctx, &t);
    csv(rows, &(jd_csv_options){.select = "a,b", .targets = "b"}, &t);
    expect_error(JD_EUSAGE, "column 2 is asked for twice");
    csv(rows, &(jd_csv_options){.targets = ""}, &t);
    expect_error(JD_EUSAGE, "names no column");
}

/* A field in quotes may hold line ends; a quote that is not closed before a separator is a letter. */
static void quoted_lines(void **state)
{
    (void)state;
    jd_table t = {0};
    assert_int_equal(csv("a,note,b\n1,\"two\nlines, a \"\"word\"\"\r\n\",2\n3,\"5 inches\n,4\n",
                         &(jd_csv_options){.select = "a,b"}, &t),
                     JD_EDATA);
    expect_error(JD_EDATA, "line 5: 2 fields");
    assert_int_equal(
        csv("a,note,b\n1,\"two\nlines, a \"\"word\"\"\r\n\",2\n3,5\",4\n", &(jd_csv_options){.select = "a,b"}, &t),
        JD_OK);
    assert_true(t.rows == 2 && t.lines[1] == 5 && t.values[1] == 2 && t.values[2] == 3);
    jd_table_free(ctx, &t);
    jd_tsv w = {0};
    static const char words[] = "file,text\na.wav,\"one\ntwo\"\nb.wav,three\n";
    tmpdir_write(tmpdir_file("w.csv"), words, strlen(words));
    assert_int_equal(jd_read_words(ctx, tmpdir_file("w.csv"), ',', &w), JD_OK);
    assert_true(w.rows == 2 && w.lines[1] == 4);
    assert_string_equal(w.fields[1], "one\ntwo");
    jd_tsv_free(ctx, &w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(targets), cmocka_unit_test(sparse_tables),
                                       cmocka_unit_test(quoted_lines)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
