/* test_columns.c - tables as people write them, from training to answers: what was done to a column is done again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "own_files.h"

/* Orders of a shop: the value follows the weight, the day of the week and the share.  `german`: 17.05.2024;1,92 kg;8% */
static void write_orders(const char *name, int count, bool german)
{
    static char text[60000];
    size_t at = (size_t)snprintf(text, sizeof text, "%s\n",
                                 german ? "Nr;Tag;Gewicht;Anteil;Ort;Wert" : "order_id,day,weight,share,town,value");
    jd_rng rng = jd_rng_new(5, "orders", 0);
    for (int i = 0; i < count; i++) {
        const int day = (int)(28 * jd_rng_uniform64(&rng)) + 1, month = i % 12 + 1,
                  grams = (int)(3000 * jd_rng_uniform64(&rng));
        const int share = (int)(100 * jd_rng_uniform64(&rng));
        static const int before[] = {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335};
        const bool weekend = (before[month - 1] + day - 1 + 8766 + 5) % 7 >= 5; /* 2000-01-01 was a Saturday */
        const double value = grams / 1000.0 + 3 * weekend + share / 50.0;
        const char *town = i % 3 ? "Ulm" : "Bonn";
        if (german)
            at += (size_t)snprintf(text + at, sizeof text - at, "%d;%02d.%02d.2024;%d,%03d kg;%d%%;%s;%d,%03d\n", i + 1,
                                   day, month, grams / 1000, grams % 1000, share, town, (int)value,
                                   (int)(1000 * value) % 1000);
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%d,%02d/%02d/2024,%.3f kg,%d%%,%s,%.3f\n",
                                   9000 - 7 * i, month, day, grams / 1000.0, share, town, value);
    }
    tmpdir_write(tmpdir_file(name), text, at);
}

static double number_behind(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    if (!at) fail_msg("'%s' is not in: %s", before, text);
    return strtod(at + strlen(before), NULL);
}

static void forms(void **state)
{
    (void)state;
    double rmse[2];
    for (int german = 0; german < 2; german++) {
        write_orders("orders.csv", 600, german);
        if (jackdaw("train --data orders.csv --epochs 120 --out orders --threads 1")) fail_msg("%s", wrong);
        rmse[german] = number_behind(said, "validation root mean squared error ");
        assert_true(rmse[german] < 0.5); /* without the day of the week 1.36 */
        assert_non_null(
            strstr(wrong, german ? "Tag: dates, day.month.year: days since 2000, day of the week and of the year"
                                 : "day: dates, month/day/year: days since 2000"));
        assert_non_null(
            strstr(wrong, german ? "Gewicht: numbers with a decimal comma, in kg" : "weight: numbers, in kg"));
        assert_non_null(strstr(wrong, german ? "column 1 counts" : "order_id (numbers that are all different)") ||
                                strstr(wrong, "Nr (it counts the rows)")
                            ? "there"
                            : NULL);
        assert_non_null(strstr(wrong, "holds fractions: it is learned as a number (--loss mse)"));
    }
    assert_true(fabs(rmse[0] - rmse[1]) < 1e-6); /* the same numbers, however they are written */
    assert_int_equal(jackdaw("eval orders --data orders.csv"), 0);
    const double all = number_behind(said, "root mean squared error ");
    assert_true(all < 0.5);
    assert_int_equal(jackdaw("inspect orders/model.safetensors"), 0);
    assert_non_null(strstr(said, "\"forms\": \"date d-m-y\\nnumber comma kg\\nnumber point %\\n\\n\""));

    assert_int_equal(jackdaw("train --method gmdh --data orders.csv --columns -Ort --target Wert -q --out grown"), 0);
    assert_int_equal(jackdaw("predict grown orders.csv"), 0);
    assert_int_equal(lines(said), 600);

    /* Rows that by themselves would say something else: 4 May, 1.5 kg. */
    write_text("new.csv", "Tag;Gewicht;Anteil;Ort\n04.05.2024;1,5 kg;50%;Ulm\n");
    assert_int_equal(jackdaw("predict orders new.csv"), 0);
    assert_true(fabs(number_behind(said, "new.csv:0  ") - 5.5) < 1);
    const double plain = number_behind(said, "new.csv:0  ");
    static const char ways[] = "Ort,Gewicht,Anteil,Tag\nUlm,\"1,5\",50,2024-05-04\nRom,\"1,5 kg\",50%,04.05.2024\n";
    write_text("new.csv", ways);
    assert_int_equal(jackdaw("predict orders new.csv"), 0);
    assert_true(fabs(number_behind(said, "new.csv:0  ") - plain) < 1e-6);
    assert_true(fabs(number_behind(said, "new.csv:1  ") - plain) <
                1); /* a town that was not there: an answer, and a warning */
    assert_non_null(
        strstr(wrong, "1 cell holds a word that was not there when the model learned, the first in line 3, column 1"));
    /* The same from C. */
    jd_model *m = jd_model_open(ctx, tmpdir_file("orders"));
    float in[16], answer;
    assert_true(jd_model_columns(m) == 4 && jd_model_inputs(m) == 9 && !jd_model_column(m, 4));
    assert_string_equal(jd_model_column(m, 1), "Gewicht");
    assert_int_equal(jd_model_row(m, (const char *[]){"2024-05-04", "1,5 kg", "50", "Ulm"}, in), JD_OK);
    assert_int_equal(jd_model_run(m, in, 1, &answer), JD_OK);
    assert_true(fabs((double)answer - plain) < 1e-4);
    assert_int_equal(jd_model_row(m, (const char *[]){NULL, "-", "?", "Rom"}, in), JD_OK);
    for (int i = 0; i < 9; i++) assert_true(isnan(in[i]));
    assert_int_equal(jd_model_row(m, (const char *[]){"2024-05-04", "1,5 g", "50", "Ulm"}, in), JD_EDATA);
    assert_non_null(
        strstr(jd_error_message(ctx), "cell 1 (Gewicht): '1,5 g' is no number of the form number comma kg"));
    jd_error_clear(ctx);
    jd_model_free(m);
    write_text("new.csv", "Tag;Gewicht;Anteil;Ort\n04.05.2024;1,5 kg;50%;Ulm\n");
    assert_int_equal(jackdaw("eval orders new.csv"), JD_EDATA);
    assert_non_null(strstr(wrong, "new.csv: the right answers are missing, column Wert"));
    assert_int_equal(jackdaw("predict new.csv orders"), JD_EUSAGE);
    assert_non_null(
        strstr(wrong, "new.csv is no model, but orders/model.safetensors is") || strstr(wrong, "but orders is") ? wrong
                                                                                                                : NULL);
    assert_int_equal(jackdaw("train new.csv"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "did you mean --data new.csv?"));
    static const char wrong_unit[] = "Tag;Gewicht;Anteil;Ort\n04.05.2024;1500 g;50%;Ulm\n";
    write_text("new.csv", wrong_unit);
    assert_int_equal(jackdaw("predict orders new.csv"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 2, column 2 (Gewicht): '1500 g' is not written as the rest of the column is"));
}

/* Long tails: incomes of which a few are thousands of times the others, and broken cells of 1e9. */
static void tails(void **state)
{
    (void)state;
    static char text[60000];
    size_t at = (size_t)snprintf(text, sizeof text, "income,x,rich\n");
    jd_rng rng = jd_rng_new(6, "incomes", 0);
    for (int i = 0; i < 1000; i++) {
        double sum = -6;
        for (int k = 0; k < 12; k++) sum += jd_rng_uniform64(&rng);
        const double x = 2 * jd_rng_uniform64(&rng) - 1;
        at += (size_t)snprintf(text + at, sizeof text - at, "%.6g,%.4g,%s\n", 100 * exp(3 * sum), i % 250 ? x : 1e9,
                               sum + x > 0 ? "yes" : "no");
    }
    write_text("incomes.csv", text);
    assert_int_equal(jackdaw("train --data incomes.csv --out incomes --threads 1"), 0);
    assert_non_null(strstr(wrong, "income: numbers with long tails: their logarithm"));
    assert_non_null(strstr(wrong, "x: numbers with long tails: their logarithm"));
    assert_non_null(strstr(wrong, "right answers, no: "));
    assert_true(number_behind(said, "validation error (%) ") <= 6); /* half of it wrong without the logarithm */
    write_text("new.csv", "income,x\n90000,0.5\n0.01,0\n0,-1\n");
    assert_int_equal(jackdaw("predict incomes new.csv"), 0);
    assert_non_null(strstr(said, "new.csv:0  class 1 yes"));
    assert_non_null(strstr(said, "new.csv:2  class 0 no"));
}

/* Series of many lengths, one a line: slow and quick waves, `full`: filled up to one length, and the class behind. */
static void write_waves(const char *name, bool full)
{
    static char text[1 << 17];
    size_t at = 0;
    jd_rng rng = jd_rng_new(8, "waves", 0);
    for (int i = 0; i < 120; i++) {
        const int n = 12 + (int)(20 * jd_rng_uniform64(&rng));
        const double phase = 6 * jd_rng_uniform64(&rng);
        if (!full) at += (size_t)snprintf(text + at, sizeof text - at, "%s", i % 2 ? "quick" : "slow");
        for (int t = 0; t < n; t++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%.3f", full && !t ? "" : ",",
                                   sin((i % 2 ? 1.2 : 0.4) * t + phase));
        for (int t = n; full && t < 32; t++) at += (size_t)snprintf(text + at, sizeof text - at, ",");
        at += (size_t)snprintf(text + at, sizeof text - at, full ? ",%s\n" : "\n", i % 2 ? "quick" : "slow");
    }
    write_text(name, text);
}

static void series(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        write_waves("waves.csv", full);
        if (jackdaw("train --data waves.csv --epochs 12 --out waves --threads 1")) fail_msg("%s", wrong);
        assert_non_null(strstr(wrong, full ? "with its class behind" : "with its class in front"));
        assert_non_null(strstr(said, "validation error (%) 0 on 12"));
        assert_int_equal(jackdaw("eval waves waves.csv"), 0);
        assert_true(number_behind(said, "error (%) ") <= 1);
        assert_int_equal(jackdaw("predict waves waves.csv"), 0);
        assert_int_equal(lines(said), 120);
        assert_non_null(strstr(said, "waves.csv:1  class 0 quick"));
    }
    write_text(
        "new.csv",
        "0,0.93,0.67,-0.44,-0.99,-0.27,0.79,0.85,-0.17,-0.98,-0.53,0.59\n0,0.38,0.71,0.93,0.99,0.9,0.67,0.33,-0.05\n");
    assert_int_equal(jackdaw("predict waves new.csv"), 0);
    assert_non_null(strstr(said, "new.csv:0  class 0 quick"));
    assert_non_null(strstr(said, "new.csv:1  class 1 slow"));
    /* A table with a line that was cut short is none. */
    write_text("cut.csv", "1,2,a\n3,4,b\n5,6\n7,8,a\n9,1,b\n");
    assert_int_equal(jackdaw("train --data cut.csv --out cut"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 3: 2 fields, but the first line has 3; repair the line"));
}

/* A table to forecast from: what comes is seen some lines before. */
static void forecasts(void **state)
{
    (void)state;
    static char text[1 << 16];
    size_t at = (size_t)snprintf(text, sizeof text, "day;level;shop\n");
    for (int i = 0; i < 900; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%02d.%02d.2024;%.3f;%s\n", i % 28 + 1, i / 28 % 12 + 1,
                               40 + 20 * sin(i * 0.5), i % 2 ? "x" : "z");
    write_text("levels.csv", text);
    assert_int_equal(jackdaw("data windows levels.csv --target level --history 6 --ahead 3 -o level_TRAIN.csv"), 0);
    assert_string_equal(said, "level_TRAIN.csv: 713 rows\nlevel_TEST.csv: 171 rows\n");
    size_t n = 0;
    char *made = jd_read_file(ctx, tmpdir_file("level_TRAIN.csv"), 1 << 20, &n);
    assert_non_null(made);
    static const char begins[] = "day,level-5,level-4,level-3,level-2,level-1,level,shop,level+3\n"
                                 "06.01.2024,40.000,49.589,56.829,59.950,58.186,51.969,x,";
    assert_memory_equal(made, begins, sizeof begins - 1);
    jd_free(ctx, made);
    assert_int_equal(jackdaw("train --data level_TRAIN.csv --epochs 60 --out level --threads 1"), 0);
    assert_true(number_behind(said, "test root mean squared error ") < 1.5); /* its deviation is 14 */
    assert_int_equal(jackdaw("data windows levels.csv --target level --history 6 --ahead 3 --newest -o now.csv"), 0);
    assert_int_equal(jackdaw("predict level now.csv"), 0);
    assert_true(fabs(number_behind(said, "now.csv:0  ") - (40 + 20 * sin(902 * 0.5))) < 4);
    assert_int_equal(jackdaw("data windows levels.csv --target levl -o x.csv"), JD_EDATA);
    assert_non_null(strstr(wrong, "did you mean 'level'?"));
    assert_int_equal(jackdaw("data windows levels.csv --target shop -o x.csv"), JD_EDATA);
    assert_int_equal(jackdaw("data windows levels.csv --target level --history 900 -o x.csv"), JD_EDATA);
    assert_int_equal(jackdaw("data windows levels.csv"), JD_EUSAGE);
    assert_int_equal(jackdaw("serve level"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "learned from a table, for which there is no page"));
}

/* A table without names, of which a column is the same in every row: it may hold anything later. */
static void constants(void **state)
{
    (void)state;
    char text[8000];
    size_t at = 0;
    for (int i = 0; i < 200; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,5,%d,%s\n", i % 10, 9 - i % 7,
                               i % 10 > 4 ? "high" : "low");
    tmpdir_write(tmpdir_file("same.csv"), text, at);
    assert_int_equal(jackdaw("train --data same.csv --out same --threads 1"), 0);
    assert_non_null(
        strstr(wrong, "left out: column 2 (the same in every row); --columns NAME,* takes one all the same"));
    assert_non_null(strstr(said, "validation error (%) 0 "));
    write_text("new.csv", "8,77,3,?\n1,-1e6,3,?\n");
    assert_int_equal(jackdaw("predict same new.csv"), 0);
    assert_non_null(strstr(said, "new.csv:0  class 0 high"));
    assert_non_null(strstr(said, "new.csv:1  class 1 low"));
    /* Asked for all the same: nothing is known of other values, so they change nothing. */
    assert_int_equal(jackdaw("train --data same.csv --columns 2,* --out same --threads 1"), 0);
    assert_int_equal(jackdaw("predict same new.csv"), 0);
    assert_non_null(strstr(said, "new.csv:0  class 0 high"));
    assert_non_null(strstr(said, "new.csv:1  class 1 low"));
    /* Columns of one name are asked for by their numbers. */
    write_text("twice.csv", "a,a,y\n1,5,x\n2,3,z\n3,1,x\n4,0,z\n");
    assert_int_equal(jackdaw("train --data twice.csv --epochs 1 --out twice --threads 1"), 0);
    assert_int_equal(jackdaw("predict twice twice.csv"), 0);
    assert_int_equal(jackdaw("eval twice twice.csv"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(constants), cmocka_unit_test(tails),
                                       cmocka_unit_test(series), cmocka_unit_test(forecasts)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
