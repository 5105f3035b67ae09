/* Tables as other programs write them: LIBSVM's rows, fields in quotes over several lines. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "jackdaw/cells.h"
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

static bool says(const char *form, const char *cell, double value)
{
    double got = -1e300;
    return jd_cell_value(form, cell, &got) && fabs(got - value) < 1e-9 * (1 + fabs(value));
}

/* What cells say in each form, and what they do not. */
static void cells(void **state)
{
    (void)state;
    double v;
    float in[7];
    assert_true(says("", "-1.5e3", -1500) && says("\nnumber comma", "7", 7));
    assert_true(says("number point", "1,234,567.5", 1234567.5) && says("number point", "-$3.50", -3.5) == false);
    assert_true(says("number point $", "-$3.50", -3.5) && says("number point $", "$1,234.50", 1234.5) &&
                says("number point $", "4", 4));
    assert_true(says("number point %", "45%", 45) && says("number point km/h", "80 km/h", 80) &&
                says("number point m2", "5m2\n", 5) == false && says("number point m2", "5m2", 5));
    assert_true(says("number comma \xe2\x82\xac", "1.234,50 \xe2\x82\xac", 1234.5) &&
                says("number comma", "0,125", 0.125) && says("number comma", "1 234 567,5", 1234567.5) &&
                says("number comma", "1.234", 1234));
    static const char *const none[] = {"1,23,4", "1,2345.5", "12,34.5", "0,123.5", "1.2.3",
                                       "",       "kg",       "5 g",     "1e",      "--1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (jd_cell_value("number point kg", none[i], &v)) fail_msg("'%s' was taken for %g", none[i], v);
    assert_true(says("date y-m-d", "2000-01-01", 0) && says("date y-m-d", "2026/11/22", 9822) &&
                says("date d-m-y", "22.11.2026", 9822) && says("date d-m-y", "22/11/26", 9822) &&
                says("date m-d-y", "11/22/2026", 9822) && says("date m-d-y", "2026-11-22", 9822) &&
                says("date y-m-d", "1999-12-31", -1) && says("date d-m-y", "29.02.2000", 59));
    assert_true(says("date y-m-d time", "2000-01-02T18:00:00Z", 1.75) &&
                says("date y-m-d time", "2000-01-02 6:00 pm", 1.75) &&
                says("date y-m-d time", "2000-01-02T18:00:00.0+01:00", 1.75) && says("time\nx", "12:00", 0.5) &&
                says("time", "12:15 AM", 0.25 / 24));
    static const char *const undated[] = {"29.02.2001",     "31.04.2001", "1.13.2001", "2001-1-1",
                                          "1.1.2001 25:00", "1.1.2001x",  "1.1"};
    for (size_t i = 0; i < sizeof undated / sizeof *undated; i++)
        if (i != 3 && jd_cell_value("date d-m-y", undated[i], &v)) fail_msg("'%s' was taken for %g", undated[i], v);
    assert_true(jd_cell_inputs("") == 1 && jd_cell_inputs("number comma kg") == 1 &&
                jd_cell_inputs("date d-m-y\ntime") == 5 && jd_cell_inputs("date y-m-d time") == 7 &&
                jd_cell_inputs("time") == 3);
    jd_cell_spread("date y-m-d time", 9822.25, in); /* a Sunday, the 326th day of 365, at six */
    const double week = 6.283185307179586 / 7, year = 6.283185307179586 * 325 / 365;
    assert_true(fabs(in[0] - 9822.25) < 1e-3 && fabs(in[1] - sin(week)) < 1e-6 && fabs(in[2] - cos(week)) < 1e-6 &&
                fabs(in[3] - sin(year)) < 1e-6 && fabs(in[4] - cos(year)) < 1e-6 && fabs(in[5] - 1) < 1e-6);
    jd_cell_spread("time", (double)NAN, in);
    assert_true(isnan(in[0]) && isnan(in[2]));
    jd_cell_spread("log 10 2; number comma", 4, in);
    assert_true(fabs(in[0] + log(4)) < 1e-6 && says("log 10 2; number comma", "1.004,5", 1004.5) &&
                says("log 0 1; ", "7", 7));
    assert_string_equal(jd_cell_input_name("time", 1), "sine of the time of day of");
    assert_string_equal(jd_cell_line("a\nb\nc", 1), "b\nc");
    assert_string_equal(jd_cell_line("a\nb", 2), "");
}

/* The forms of a table's columns come from all their cells. */
static void forms(void **state)
{
    (void)state;
    jd_table t = {0};
    jd_csv_options o = {.forms = true, .categories = true, .missing_is_nan = true};
    assert_int_equal(csv("\xef\xbb\xbfw;d;p;s;n;t\r\n1,5 kg;03.04.2024;1.234;-;2;08:30\r\n0 "
                         "kg;31.12.2024;\"12.345,5\";4 %;?;23:00\r\n",
                         &o, &t),
                     JD_OK);
    assert_string_equal(t.forms, "number comma kg\ndate d-m-y\nnumber comma\nnumber point %\n\ntime");
    assert_memory_equal(t.values, ((double[]){1.5, 8859, 1234}), 3 * sizeof(double));
    assert_true(isnan(t.values[3]) && t.values[4] == 2 && t.values[6] == 0 && t.values[8] == 12345.5 &&
                t.values[9] == 4);
    jd_table_free(ctx, &t);
    o.known = "";
    o.known_forms = "number comma kg\ndate d-m-y"; /* by which cells are read that alone would say something else */
    assert_int_equal(csv("w,d\n1.234 kg,04/05/2024\n7,-\n", &o, &t), JD_OK);
    assert_true(t.values[0] == 1234 && t.values[1] == 8890 && t.values[2] == 7 && isnan(t.values[3]));
    jd_table_free(ctx, &t);
    csv("w,d\n1 g,04/05/2024\n", &o, &t);
    expect_error(JD_EDATA,
                 "line 2, column 1 (w): '1 g' is not written as the rest of the column is, \"number comma kg\"");
    o.known = o.known_forms = NULL;
    /* Thousands between commas, and decimals with a comma, as the other columns prove; ISO dates in a table without names. */
    assert_int_equal(csv("2024-01-05,\"1,234\",2.5\n2024-01-06,\"5,678\",3\n", &o, &t), JD_OK);
    assert_string_equal(t.forms, "date y-m-d\nnumber point\n");
    assert_true(!t.names && t.rows == 2 && t.values[1] == 1234);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("a;b\n1,234;2\n5,678;3\n", &o, &t), JD_OK);
    assert_true(t.values[0] == 1.234);
    jd_table_free(ctx, &t);
    /* Months and days that might be either, other units and words remain words; one stray word among numbers is an error. */
    assert_int_equal(csv("a,b,c,d\n01/02/2024,1 kg,1st,x\n03/04/2024,2 g,2nd,5\n01/02/2024,1 kg,3rd,y\n", &o, &t),
                     JD_OK);
    assert_null(t.forms);
    assert_string_equal(t.categories, "01/02/2024|03/04/2024\n1 kg|2 g\n1st|2nd|3rd\n5|x|y");
    jd_table_free(ctx, &t);
    csv("a,b\nsix,1\n7,2\n8,3\n9,4\n", &o, &t);
    expect_error(JD_EDATA, "line 2, column 1 (a): 'six' is no number");
    jd_table_free(ctx, &t);
    assert_int_equal(csv("a,b\n11/12/2024,1\n11/22/2024,2\n", &o, &t), JD_OK);
    assert_string_equal(t.forms, "date m-d-y\n");
    jd_table_free(ctx, &t);
    /* One stray cell among many does not make words of the others. */
    static const char stray[] =
        "a;b\n1,5 kg;1\n2,5 kg;2\n3,5 kg;3\n4,5 kg;4\n5,5 kg;5\n6,5 kg;6\n7,5 kg;7\n8,5 kg;8\n2,??;9\n9 kg;10\n";
    csv(stray, &o, &t);
    expect_error(JD_EDATA,
                 "line 10, column 1 (a): '2,?\?' is not written as the rest of the column is, \"number comma kg\"");
    jd_table_free(ctx, &t);
    size_t skipped = 0;
    o.skipped = &skipped;
    assert_int_equal(csv(stray, &o, &t), JD_OK);
    assert_true(skipped == 1 && t.rows == 9);
    jd_table_free(ctx, &t);
    o.skipped = NULL;
    o.last_words = true; /* a label is a word whatever its form */
    assert_int_equal(csv("a,b\n1 kg,5%\n2 kg,6%\n", &o, &t), JD_OK);
    assert_string_equal(t.forms, "number point kg\n");
    assert_string_equal(t.words[1], "6%");
    jd_table_free(ctx, &t);
}

/* What tells nothing is left out of `*`, and said. */
static void left_out(void **state)
{
    (void)state;
    static char text[1 << 16];
    size_t at = (size_t)snprintf(text, sizeof text, "userId,humid,same,none,n,who,when,kind,note,y\n");
    for (int i = 0; i < 40; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,%d,7,?,%d,p%d,%02d/%02d/2024,%c,t%d,%d\n", 1000 - 3 * i,
                               50 - i, i, i, i % 12 + 1, i % 11 + 1, 'a' + i % 3, i % 25, i % 2);
    jd_table t = {0};
    jd_csv_options o = {
        .forms = true, .categories = true, .missing_is_nan = true, .leave_out = true, .targets = "last"};
    assert_int_equal(csv(text, &o, &t), JD_OK);
    assert_string_equal(t.left_out,
                        "userId: numbers that are all different\nsame: the same in every row\nnone: it is empty\n"
                        "n: it counts the rows\nwho: words that are all different\n"
                        "when: dates of which day and month cannot be told apart; write them as 2026-11-22\n"
                        "note: 25 different words in 40 rows");
    assert_true(t.cols == 3 && t.targets == 1);
    assert_string_equal(t.names[0], "humid");
    assert_string_equal(t.names[2], "y");
    assert_string_equal(t.categories, "\na|b|c");
    jd_table_free(ctx, &t);
    o.select = "who,*,-n"; /* what is asked for stays */
    assert_int_equal(csv(text, &o, &t), JD_OK);
    assert_string_equal(t.names[0], "who");
    assert_null(strstr(t.left_out, "n: it counts"));
    jd_table_free(ctx, &t);
    o.select = NULL;
    csv("a,y\n1,2\n1,3\n", &o, &t);
    expect_error(JD_EDATA, "no column tells anything: a: the same in every row; choose with --columns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(targets),      cmocka_unit_test(sparse_tables),
                                       cmocka_unit_test(quoted_lines), cmocka_unit_test(cells),
                                       cmocka_unit_test(forms),        cmocka_unit_test(left_out)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
