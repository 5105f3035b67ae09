/* test_own_data.c - `jackdaw train`, `eval` and `predict` on tables and folders of pictures as people have them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "own_files.h"

static void write_text(const char *name, const char *text)
{
    tmpdir_write(tmpdir_file(name), text, strlen(text));
}

/* Rows of two numbers and the word that says in which third of the plane they lie, with `separator` between them. */
static void write_points(const char *name, const char *header, char separator, bool first, const char *const *word)
{
    enum { N = 150 };
    char text[8000];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", header);
    jd_rng rng = jd_rng_new(3, "tests/points", 0);
    for (int i = 0; i < N; i++) {
        const double a = 6.28318530717958648 * (i % 3) / 3 + jd_rng_uniform64(&rng) - 0.5, c = separator;
        const char *w = word[i % 3];
        if (first)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%c%.3f%c%.3f\n", w, (int)c, cos(a), (int)c, sin(a));
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%.3f%c%.3f%c%s\n", cos(a), (int)c, sin(a), (int)c, w);
    }
    write_text(name, text);
}

/* Lines of `said` whose field k of the comma-separated is not the word that row i has. */
static size_t wrong_answers(const char *const *word)
{
    size_t missed = 0, row = 0;
    for (const char *at = strchr(said, '\n'); at && at[1]; at = strchr(at + 1, '\n'), row++) {
        const char *field = at + 1;
        for (int k = 0; k < 2; k++) field = strchr(field, ',') + 1;
        missed += strncmp(field, word[row % 3], strlen(word[row % 3])) != 0;
    }
    assert_int_equal(row, 150);
    return missed;
}

static double error_said(void)
{
    const char *at = strstr(said, "error (%) ");
    assert_non_null(at);
    return strtod(at + strlen("error (%) "), NULL);
}

/* Classes that are words: trained, measured, named in answers, with the answers' own error the one that eval tells. */
static void names_classes(void **state)
{
    (void)state;
    static const char *const word[] = {"Sitta europaea", "Parus major", "Corvus"}, *const other[] = {"3", "1", "2"};
    write_points("birds.csv", "x,y,bird\n", ',', false, word);
    write_points("first.tsv", "bird\tx\ty\n", '\t', true, word);
    write_points("bare.data", "", ';', false, word);
    write_points("numbers.csv", "x,y,bird\n", ',', false, other);
    assert_int_equal(jackdaw("train --data birds.csv --net 'dense 8 tanh, dense 3' --threads 1 -q -o birds"), 0);
    assert_int_equal(jackdaw("train --data first.tsv --target bird --net 'dense 3' --epochs 2 -q -o first"), 0);
    assert_int_equal(jackdaw("train --data bare.data --net 'dense 3' --epochs 2 -q -o bare"), 0);
    assert_int_equal(jackdaw("eval birds --data first.tsv"), 0);
    const double error = error_said();
    assert_non_null(strstr(said, "       Corvus"));
    assert_int_equal(jackdaw("predict birds birds.csv --csv"), 0);
    assert_true(fabs(100. * (double)wrong_answers(word) / 150 - error) < 0.01);
    assert_true(error < 10);
    assert_int_equal(jackdaw("predict birds birds.csv --json"), 0);
    assert_non_null(strstr(said, "\"class\":2,\"name\":\"Sitta europaea\","));
    assert_int_equal(jackdaw("eval birds --data numbers.csv"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 2: the class '3' is none of Corvus, Parus major, Sitta europaea"));
    assert_int_equal(jackdaw("train --data numbers.csv --net 'dense 3' --epochs 2 -q -o numbers"), 0);
    assert_int_equal(jackdaw("predict numbers birds.csv --csv"), 0);
    assert_null(strstr(said, ",0,0."));
    assert_int_equal(jackdaw("export birds --c gen --name birds"), 0);
    size_t n;
    char *c = jd_read_file(ctx, tmpdir_file("gen/birds.h"), 1 << 20, &n);
    assert_non_null(memmem(c, n, "Parus major", 11));
    jd_free(ctx, c);
}

/* A bar, upright or lying, on a ground of the other brightness. */
static void write_bar(const char *name, int height, int width, int channels, bool upright, int place)
{
    const jd_picture p = {height, width, channels, calloc((size_t)(height * width), (size_t)channels)};
    for (int i = 0; i < height * width * channels; i++) {
        const int x = i / channels % width, y = i / channels / width;
        const bool on = upright ? abs(8 * x / width - place) < 1 : abs(8 * y / height - place) < 1;
        p.pixels[i] = on ? 20 : 230;
    }
    assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &p), JD_OK);
    free(p.pixels);
}

static void make_folders(const char *names)
{
    char command[600];
    snprintf(command, sizeof command, "cd '%s' && mkdir -p %s", tmpdir_path, names);
    assert_int_equal(system(command), 0);
}

/* Folders of pictures: of one size and of several, grey among colour, with a part to test on. */
static void sorts_pictures(void **state)
{
    (void)state;
    make_folders("bars/train/lying bars/train/upright bars/test/lying bars/test/upright mixed/lying mixed/upright");
    for (int i = 0; i < 48; i++) {
        char name[80];
        const bool up = i % 2, test = i >= 36;
        snprintf(name, sizeof name, "bars/%s/%s/%d.png", test ? "test" : "train", up ? "upright" : "lying", i);
        write_bar(name, 12, 12, 1, up, i / 2 % 8);
        snprintf(name, sizeof name, "mixed/%s/%d.png", up ? "upright" : "lying", i);
        write_bar(name, 10 + i, 40 - i / 2, i % 5 ? 3 : 1, up, i / 2 % 8);
    }
    write_text("mixed/lying/notes.txt", "not a picture");
    assert_int_equal(jackdaw("train --data bars --net 'conv 4 3 relu, maxpool 2, dense 2' --epochs 20 -q -o a"), 0);
    assert_non_null(strstr(said, "test error (%)"));
    assert_non_null(strstr(said, "on 12 samples"));
    assert_int_equal(jackdaw("eval a --data bars"), 0);
    assert_non_null(strstr(said, "on 12 samples"));
    assert_int_equal(jackdaw("eval a --data bars --split all"), 0);
    assert_non_null(strstr(said, "on 48 samples"));
    assert_int_equal(jackdaw("train --data mixed/ --net 'conv 4 5 relu, maxpool 4, dense 2' --epochs 5 -o b"), 0);
    assert_non_null(strstr(wrong, "resized to 48 x 48"));
    assert_int_equal(jackdaw("eval b --data mixed"), 0);
    const double error = error_said();
    assert_int_equal(jackdaw("predict b mixed"), 0); /* the folders below, each picture as in training */
    size_t differ = 0, all = 0;
    for (const char *at = strchr(said, '\n'); at && at[1]; at = strchr(at + 1, '\n'), all++) {
        char folder[20], class[20];
        assert_int_equal(sscanf(at, " mixed/%19[^/]/%*[^,],0,%19[^,]", folder, class), 2);
        differ += strcmp(folder, class) != 0;
    }
    assert_int_equal(all, 48);
    assert_true(fabs(100. * (double)differ / 48 - error) < 0.01);
    assert_int_equal(jackdaw("train --data mixed --size 20x24x1 --net 'dense 2' --epochs 1 -q -o c"), 0);
    assert_int_equal(jackdaw("inspect c/model.safetensors"), 0);
    assert_non_null(strstr(said, "480"));
    write_text("mixed/lying/bad.png", "no picture");
    assert_int_equal(jackdaw("train --data mixed --net 'dense 2' --epochs 1 -q -o d"), JD_EDATA);
    assert_non_null(strstr(wrong, "mixed/lying/bad.png"));
    assert_int_equal(jackdaw("train --data mixed --net 'dense 2' --epochs 1 -q -o d --skip-bad --json"), 0);
    assert_non_null(strstr(said, "\"skipped\":1"));
    make_folders("mixed/square");
    assert_int_equal(jackdaw("train --data mixed --net 'dense 3' --epochs 1 -q -o e"), JD_ENOINPUT);
    assert_non_null(strstr(wrong, "mixed/square: no file in this folder ends with .png"));
    assert_int_equal(jackdaw("eval b --data mixed"), JD_EDATA);
    assert_non_null(strstr(wrong, "'square' is none of the classes lying, upright"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_classes), cmocka_unit_test(sorts_pictures)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
