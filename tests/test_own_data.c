/* test_own_data.c - `jackdaw train`, `eval` and `predict` on tables and folders of pictures as people have them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "jackdaw/series.h"
#include "own_files.h"

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

/* Columns of words are inputs, one for each word; of a word that is new the answer says so. */
static void takes_words(void **state)
{
    (void)state;
    static const char *const town[] = {"Ulm", "Bonn", "Bern"};
    char text[8000];
    size_t at = (size_t)snprintf(text, sizeof text, ",x,town,owner,y\n");
    for (int i = 0; i < 120; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,%d,%s,n%d,%s\n", i, i % 7, town[i % 3], i,
                               i % 3 == 1 ? "dear" : "cheap");
    write_text("towns.csv", text);
    assert_int_equal(jackdaw("train --data towns.csv --columns x,owner --net 'dense 2' -q -o towns"), JD_EDATA);
    assert_non_null(strstr(wrong, "column 4 (owner): 120 different words in 120 rows, such as 'n0', too many"));
    assert_int_equal(jackdaw("train --data towns.csv --net 'dense 2' --epochs 40 -o towns"), 0);
    assert_non_null(strstr(wrong, "left out: owner (words that are all different);"));
    assert_non_null(strstr(wrong, "column 1 counts the rows"));
    assert_int_equal(jackdaw("train --data towns.csv --columns x,town --missing mean --net 'dense 2' -q -o kind"), 0);
    assert_int_equal(jackdaw("eval towns towns.csv"), 0);
    assert_true(error_said() < 1e-9);
    write_text("new.csv", "town,x\nBonn,3\nTrier,1\n");
    assert_int_equal(jackdaw("predict towns new.csv"), 0);
    assert_int_equal(lines(said), 2);
    assert_non_null(strstr(wrong, "1 cell holds a word that was not there when the model learned, the first in line 3, "
                                  "column 1; such a cell counts as missing"));
    assert_int_equal(jackdaw("predict kind new.csv"), 0);
    write_text("bare.csv", "3,Bonn\n4,Ulm\n");
    assert_int_equal(jackdaw("predict towns bare.csv"), 0);
    assert_non_null(strstr(said, "bare.csv:0  class 1 dear"));
    assert_non_null(strstr(said, "bare.csv:1  class 0 cheap"));
    assert_int_equal(jackdaw("train --data towns.csv --columns x --target town --loss mse --net 'dense 1' -q -o n"),
                     JD_EDATA);
    assert_non_null(strstr(wrong, "the target is a word, Bern"));
    write_text("same.csv", "a,b\n1,x\n2,x\n");
    assert_int_equal(jackdaw("train --data same.csv --net 'dense 1' -q -o n"), JD_EDATA);
    assert_non_null(strstr(wrong, "all 2 samples are of one class"));
    assert_int_equal(jackdaw("train --data towns.csv --size 8x8 --net 'dense 2' -q -o n --columns x"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "--size is for pictures"));
    assert_int_equal(jackdaw("export towns --c gen --name towns"), 0);
    size_t n;
    char *c = jd_read_file(ctx, tmpdir_file("gen/towns.h"), 1 << 20, &n);
    assert_non_null(memmem(c, n, "x, town=Bern, town=Bonn, town=Ulm", 33));
    jd_free(ctx, c);
    write_text("vast.csv", "a,b\n1e200,x\n2,y\n");
    assert_int_equal(jackdaw("train --data vast.csv --net 'dense 2' -q -o n"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 2, column 1: 1e+200 is beyond what a float holds"));
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
    assert_non_null(strstr(wrong, "mixed/square: no picture in this folder, so the class square has none"));
    assert_int_equal(jackdaw("eval b --data mixed"), JD_EDATA);
    assert_non_null(strstr(wrong, "'square' is none of the classes lying, upright"));
}

/* Pictures as they are handed round: a table of names without endings beside a folder, a part to validate on, folders in folders. */
static void finds_pictures(void **state)
{
    (void)state;
    make_folders("kaggle/train_images deep/set/train/lying/a deep/set/train/upright/b deep/set/val/lying "
                 "deep/set/val/upright deep/set/test/lying deep/set/test/upright");
    char table[4000] = "\xef\xbb\xbfimage_id,height,Breed\r\n";
    for (int i = 0; i < 40; i++) {
        char name[80];
        const bool up = i % 2;
        snprintf(name, sizeof name, "kaggle/train_images/p%d.png", i);
        write_bar(name, 12, 12, 1, up, i / 2 % 8);
        snprintf(table + strlen(table), 60, "p%d,12,\"%s, of course\"\r\n", i, up ? "upright" : "lying");
        const char *part = i < 24 ? "train" : i < 32 ? "val" : "test", *below = i >= 24 ? "" : up ? "/b" : "/a";
        snprintf(name, sizeof name, "deep/set/%s/%s%s/%d.png", part, up ? "upright" : "lying", below, i);
        write_bar(name, 12, 12, 1, up, i / 2 % 8);
    }
    write_text("kaggle/train.csv", table);
    write_text("kaggle/test.csv", "image_id,height\nq1,12\n"); /* tells nothing */
    assert_int_equal(jackdaw("train --data kaggle --net 'dense 2' --epochs 3 -q -o k1"), 0);
    assert_non_null(strstr(said, "validation error (%)"));
    assert_int_equal(jackdaw("train --data kaggle/train.csv --net 'dense 2' --epochs 3 -q -o k2 --validation 0.5"), 0);
    assert_non_null(strstr(said, "on 20 samples"));
    assert_int_equal(jackdaw("predict k2 kaggle/train_images/p0.png"), 0);
    assert_non_null(strstr(said, ", of course"));
    assert_int_equal(jackdaw("train --data deep/ --net 'dense 2' --epochs 3 --json -o k3"), 0);
    assert_non_null(strstr(said, "\"metric\":\"test error (%)\""));
    assert_non_null(strstr(said, "\"samples\":8"));
    write_text("deep/set/train/lying/a/x.webp", "RIFF    WEBP"); /* not passed over in silence */
    assert_int_equal(jackdaw("train --data deep --net 'dense 2' --epochs 3 -q -o k4"), JD_EDATA);
    assert_non_null(strstr(wrong, "lying/a/x.webp"));
}

/* Sequences of two numbers a step, 6 to 18 steps: the class is which of the two grows. */
static void write_sequences(const char *name)
{
    enum { N = 60, T = 18 };
    static float x[N * T * 2];
    int64_t y[N];
    jd_rng rng = jd_rng_new(5, "tests/sequences", 0);
    for (int i = 0; i < N; i++) {
        y[i] = 4 + i % 2; /* numbers that do not begin at 0 */
        const int steps = 6 + (int)jd_rng_below(&rng, T - 5);
        for (int t = 0; t < T; t++)
            for (int k = 0; k < 2; k++)
                x[(i * T + t) * 2 + k] =
                    t < steps ? 30 + (k == i % 2 ? (float)t : 0) + (float)jd_rng_uniform64(&rng) : (float)NAN;
    }
    const jd_tensor_entry e[] = {{.name = "x", .dtype = JD_FILE_F32, .rank = 3, .dim = {N, T, 2}, .data = x},
                                 {.name = "y", .dtype = JD_FILE_I64, .rank = 1, .dim = {N}, .data = y}};
    assert_int_equal(jd_npz_write(ctx, tmpdir_file(name), e, 2), JD_OK);
}

static void write_array(const char *name, jd_file_dtype type, int rank, const int64_t dim[4], const void *data)
{
    jd_tensor_entry e = {.name = "a", .dtype = type, .rank = rank, .data = data};
    memcpy(e.dim, dim, 4 * sizeof *dim);
    assert_int_equal(jd_npy_write(ctx, tmpdir_file(name), &e), JD_OK);
}

/* NumPy's arrays: rows, pictures as bytes and as numbers from 0 to 1 alike, one-hot labels, sequences of several lengths. */
static void takes_arrays(void **state)
{
    (void)state;
    enum { N = 40, SIDE = 6 };
    static uint8_t bytes[N * SIDE * SIDE];
    static float part[N * SIDE * SIDE], hot[N * 2];
    uint8_t label[N];
    for (int i = 0; i < N; i++) {
        label[i] = (uint8_t)(i % 2);
        hot[2 * i + i % 2] = 1;
        for (int k = 0; k < SIDE * SIDE; k++) {
            bytes[i * SIDE * SIDE + k] = (uint8_t)((i % 2 ? k % SIDE : k / SIDE) * 40 + i);
            part[i * SIDE * SIDE + k] = (float)bytes[i * SIDE * SIDE + k] / 255;
        }
    }
    write_array("bytes.npy", JD_FILE_U8, 3, (const int64_t[4]){N, SIDE, SIDE}, bytes);
    write_array("part.npy", JD_FILE_F32, 4, (const int64_t[4]){N, SIDE, SIDE, 1}, part);
    write_array("first.npy", JD_FILE_F32, 4, (const int64_t[4]){N, 1, SIDE, SIDE}, part);
    write_array("rows.npy", JD_FILE_F32, 2, (const int64_t[4]){N, SIDE * SIDE}, part);
    write_array("label.npy", JD_FILE_U8, 1, (const int64_t[4]){N}, label);
    write_array("hot.npy", JD_FILE_F32, 2, (const int64_t[4]){N, 2}, hot);
    write_array("few.npy", JD_FILE_U8, 1, (const int64_t[4]){N - 1}, label);
    assert_int_equal(jackdaw("train --data bytes.npy --labels label.npy --net 'dense 2' --epochs 3 -q -o n1"), 0);
    assert_int_equal(jackdaw("train --data part.npy --labels hot.npy --net 'dense 2' --epochs 3 -q -o n2"), 0);
    assert_int_equal(jackdaw("train --data rows.npy --labels label.npy --net 'dense 2' --epochs 3 -q -o n3"), 0);
    assert_int_equal(jackdaw("eval n1 --data part.npy --labels hot.npy"), 0);
    assert_non_null(strstr(said, "on 40 samples"));
    assert_int_equal(jackdaw("predict n1 bytes.npy --csv"), 0);
    char first[sizeof said];
    strcpy(first, strchr(said, '\n'));
    assert_int_equal(jackdaw("predict n2 part.npy --csv"), 0);
    for (char *at = said; (at = strstr(at, "part.npy")) != NULL;) memcpy(at, "byte", 4); /* the same but for the name */
    for (char *at = first; (at = strstr(at, "bytes.npy")) != NULL;) memmove(at + 4, at + 5, strlen(at + 4));
    assert_string_equal(first, strchr(said, '\n'));
    static const char text[] = "\x93NUMPY\1\0\x46\0{'descr': '|S3', 'fortran_order': False, 'shape': (40,)}";
    FILE *words = fopen(tmpdir_file("words.npy"), "wb"); /* one word for each sample, as NumPy keeps them */
    fwrite(text, 1, 10, words);
    fprintf(words, "%-70s", text + 10);
    for (int i = 0; i < N; i++) fwrite(i % 2 ? "red" : "up", 1, 3, words);
    fclose(words);
    assert_int_equal(jackdaw("train --data bytes.npy --labels words.npy --net 'dense 2' --epochs 3 -q -o n5"), 0);
    assert_int_equal(jackdaw("predict n5 bytes.npy --csv"), 0);
    assert_non_null(strstr(said, "red"));
    assert_int_equal(jackdaw("train --data words.npy --labels words.npy --net 'dense 2' -q -o n6"), JD_EDATA);
    assert_non_null(strstr(wrong, "holds bytes of text, not numbers"));
    assert_int_equal(jackdaw("train --data bytes.npy --labels few.npy --net 'dense 2' -q -o n4"), JD_EDATA);
    assert_non_null(strstr(wrong, "few.npy: 39 labels with 1 dimensions, but 40 samples"));
    assert_int_equal(jackdaw("train --data bytes.npy --net 'dense 2' -q -o n4"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "bytes.npy: where are the labels?"));
    assert_int_equal(jackdaw("train --data first.npy --labels label.npy --net 'dense 2' -q -o n4"), JD_EDATA);
    assert_non_null(strstr(wrong, "x.transpose(0, 2, 3, 1)"));
}

/* Two channels of 3 to 6 steps, `rising` or `falling` in the second. */
static void write_series(const char *name, int count)
{
    char text[20000];
    size_t at = (size_t)snprintf(text, sizeof text,
                                 "# made for the test\n@problemName slopes\n@timeStamps false\n@dimensions 2\n"
                                 "@classLabel true rising falling\n@data\n");
    for (int i = 0; i < count; i++) {
        const int steps = 3 + i % 4;
        for (int c = 0; c < 2; c++)
            for (int t = 0; t < steps; t++)
                at += (size_t)snprintf(text + at, sizeof text - at, "%s%.2f",
                                       t   ? ","
                                       : c ? ":"
                                           : "",
                                       c ? (i % 2 ? -1 : 1) * 0.3 * t + 0.01 * (i % 7) : 0.1 * ((i * 7 + t * 5) % 11));
        at += (size_t)snprintf(text + at, sizeof text - at, ":%s\n", i % 2 ? "falling" : "rising");
    }
    assert_int_equal(jd_write_file(ctx, tmpdir_file(name), text, at), JD_OK);
}

static void reads_series(void **state)
{
    (void)state;
    jd_series s;
    write_series("slopes_TRAIN.ts", 60);
    write_series("slopes_TEST.ts", 20);
    assert_int_equal(jd_read_ts(ctx, tmpdir_file("slopes_TEST.ts"), &s), JD_OK);
    assert_int_equal(s.count, 20);
    assert_int_equal(s.channels, 2);
    assert_int_equal(s.start[2], 3 + 4);
    assert_int_equal(s.line[0], 7);
    assert_string_equal(s.label[1], "falling");
    assert_float_equal(s.values[s.start[1] * 2 + 3], -0.29, 1e-6); /* step 1, channel 1 */
    jd_series_free(ctx, &s);
    assert_int_equal(jackdaw("train --data slopes_TRAIN.ts --net 'lstm 8, mean, dense 2' --optimizer adam --lr 0.02 "
                             "--epochs 30 -q -o slopes"),
                     0);
    assert_non_null(strstr(said, "on 20 samples"));
    assert_int_equal(jackdaw("eval slopes --data slopes_TRAIN.ts"), 0);
    assert_non_null(strstr(said, "on 60 samples"));
    assert_true(error_said() < 10);
    assert_int_equal(jackdaw("predict slopes slopes_TEST.ts --csv"), 0);
    assert_non_null(strstr(said, "rising"));
    /* As tables of the UCR archive have them, the class first; the shorter ones with nothing behind. */
    write_text("waves_TRAIN.tsv", "1\t0.1\t0.2\tNaN\n2\t-0.1\t-0.2\t-0.3\n1\t0.3\tNaN\tNaN\n2\t-0.2\t-0.1\tNaN\n");
    write_text("waves_TEST.tsv", "1\t0.2\t0.2\tNaN\n2\t-0.1\t-0.3\tNaN\n");
    assert_int_equal(
        jackdaw("train --data waves_TRAIN.tsv --target 1 --net 'lstm 4, mean, dense 2' --epochs 40 -q -o w"), 0);
    assert_non_null(strstr(said, "test error (%) 0 on 2 samples"));
    /* A net without recurrence wants them of one length. */
    assert_int_equal(jackdaw("train --data slopes_TRAIN.ts --net 'dense 2' -q -o flat"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 8: 4 steps, 3 in line 7"));
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"@data\n1:3:4\n1,2\n", "line 3: 1 channels, where there should be 3"},
        {"@classLabel true a b\n@data\n1,2:c\n", "line 3: the class 'c' is none of"},
        {"@classLabel true a b\n@data\n1,2:\n", "line 3: no label after the last colon"},
        {"@data\n1,2:3\n", "line 2: channel 2 has 1 steps, the first one 2"},
        {"@data\n1,x,3\n", "line 2: not a number: 'x,3'"},
        {"1,2\n", "line 1: a series before the line @data"},
        {"@timeStamps true\n@data\n(0,1),(1,2),(3,4)\n", "line 3: steps of 1 and 2 between times; only series at even"},
        {"@timeStamps true\n@data\n(1,1),(0,2)\n", "line 3: times must rise"},
        {"@timeStamps true\n@data\n(2011-02-01 00:00:00,1)\n", "times that are dates are not read"},
        {"@timeStamps true\n@data\n1,2\n", "no pair (time,value)"},
        {"@timeStamps true\n@data\n(1,2),(3\n", "a pair without its end"},
        {"@data\n(0,1),(1,2)\n", "without the line @timeStamps true"},
        {"@data\n", "no series in it"}};
    static const char stamped[] =
        "@timeStamps true\n@classLabel true a\n@data\n(0,1),(0.5,?),(1,3):(4,4),(6,5),(8,6):a\n";
    jd_series even;
    assert_int_equal(jd_write_file(ctx, tmpdir_file("even.ts"), stamped, sizeof stamped - 1), JD_OK);
    assert_int_equal(jd_read_ts(ctx, tmpdir_file("even.ts"), &even), JD_OK);
    assert_true(even.count == 1 && even.channels == 2 && even.start[1] == 3 && isnan(even.values[2]));
    even.values[2] = 0;
    assert_memory_equal(even.values, ((float[]){1, 4, 0, 5, 3, 6}), 6 * sizeof(float));
    assert_string_equal(even.label[0], "a");
    jd_series_free(ctx, &even);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(jd_write_file(ctx, tmpdir_file("bad.ts"), bad[i].text, strlen(bad[i].text)), JD_OK);
        assert_int_equal(jd_read_ts(ctx, tmpdir_file("bad.ts"), &s), JD_EDATA);
        assert_non_null(strstr(jd_error_message(ctx), bad[i].says));
        jd_error_clear(ctx);
    }
    static const char gaps[] = "@classLabel true a b\n@data\n1,?,3:a\n4,5,6:b\n7,8,9:a\n";
    assert_int_equal(jd_write_file(ctx, tmpdir_file("gaps.ts"), gaps, strlen(gaps)), JD_OK);
    assert_int_equal(jackdaw("train --data gaps.ts --net 'lstm 2, mean, dense 2' --validation 0 -q -o gaps"), JD_EDATA);
    assert_non_null(strstr(wrong, "line 3, step 2, channel 1: the value is missing"));
    assert_int_equal(
        jackdaw(
            "train --data gaps.ts --net 'lstm 2, mean, dense 2' --validation 0 --missing drop --epochs 1 -q -o gaps"),
        0);
    assert_int_equal(
        jackdaw(
            "train --data gaps.ts --net 'lstm 2, mean, dense 2' --validation 0 --missing mean --epochs 1 -q -o gaps"),
        0);
}

static void learns_sequences(void **state)
{
    (void)state;
    write_sequences("seq.npz");
    assert_int_equal(
        jackdaw("train --data seq.npz --net 'blstm 4, mean, dense 2' --optimizer adam --lr 0.02 --threads 1 "
                "--epochs 30 -q -o seq"),
        0);
    assert_int_equal(
        jackdaw("train --data seq.npz --net 'blstm 4, mean, dense 2' --optimizer adam --lr 0.02 --threads 2 "
                "--epochs 30 -q -o two"),
        0);
    size_t n = 0, m = 0;
    char *one = jd_read_file(ctx, tmpdir_file("seq/metrics.csv"), 1 << 20, &n);
    char *two = jd_read_file(ctx, tmpdir_file("two/metrics.csv"), 1 << 20, &m);
    assert_true(n == m && !memcmp(one, two, n));
    jd_free(ctx, one);
    jd_free(ctx, two);
    assert_int_equal(jackdaw("eval seq --data seq.npz"), 0);
    const double error = error_said();
    assert_true(error < 10);
    assert_int_equal(jackdaw("predict seq seq.npz --csv"), 0);
    size_t differ = 0, row = 0;
    for (const char *at = strchr(said, '\n'); at && at[1]; at = strchr(at + 1, '\n'), row++)
        differ += strstr(at, row % 2 ? ",5,0." : ",4,0.") != strchr(strchr(at, ',') + 1, ',');
    assert_int_equal(row, 60);
    assert_true(fabs(100. * (double)differ / 60 - error) < 0.01);
    assert_int_equal(jackdaw("train --data seq.npz --net 'lstm 4, dense 2' -q -o three"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "put \"mean\" before its last layer"));
    assert_int_equal(
        jackdaw("train --data seq.npz --net 'window 2, dense 4 each, batchnorm, mean, dense 2' -q -o three"), 0);
    /* A table's rows, a number at each step. */
    char text[6000];
    size_t at = 0;
    for (int i = 0; i < 40; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", i % 2 ? "up" : "down");
        for (int t = 0; t < 12; t++)
            at += (size_t)snprintf(text + at, sizeof text - at, "\t%d", (i % 2 ? t : 12 - t) + i % 7);
        at += (size_t)snprintf(text + at, sizeof text - at, "\n");
    }
    write_text("series.tsv", text);
    assert_int_equal(jackdaw("train --data series.tsv --target 1 --net 'lstm 3, mean, dense 2' --epochs 3 -q -o rows"),
                     0);
    assert_int_equal(jackdaw("predict rows series.tsv --csv"), 0);
    assert_int_equal(lines(said), 41);
    assert_int_equal(jackdaw("export rows --c gen --name rows"), 0);
    char *c = jd_read_file(ctx, tmpdir_file("gen/rows.h"), 1 << 20, &n);
    assert_non_null(memmem(c, n, "rows_step", 9));
    jd_free(ctx, c);
}

/* Recordings of several rates in folders: `read`, `predict` and `eval` know the model that they make. */
static void hears_folders(void **state)
{
    (void)state;
    make_folders("calls/high calls/low listed");
    for (int i = 0; i < 24; i++) {
        char name[60];
        const int rate = i % 3 ? 8000 : 11025;
        jd_sound s = {.rate = rate, .count = (size_t)(rate * (3 + i % 4) / 10)};
        s.samples = calloc(s.count, sizeof(float));
        for (size_t k = 0; k < s.count; k++)
            s.samples[k] = (float)(0.3 * sin((i % 2 ? 2500 : 12000) * (1 + 0.01 * i) * (double)k / rate));
        snprintf(name, sizeof name, "calls/%s/%d.wav", i % 2 ? "low" : "high", i);
        assert_int_equal(jd_write_wav(ctx, tmpdir_file(name), &s), JD_OK);
        free(s.samples);
    }
    assert_int_equal(jackdaw("train --data calls --net 'lstm 6, mean, dense 2' --optimizer adam --lr 0.02 -q -o heard"),
                     0);
    assert_int_equal(jackdaw("eval heard --data calls"), 0);
    const double error = error_said();
    assert_non_null(strstr(said, "on 24 samples"));
    assert_int_equal(jackdaw("predict heard calls"), 0);
    size_t differ = 0, all = 0;
    for (const char *at = strchr(said, '\n'); at && at[1]; at = strchr(at + 1, '\n'), all++)
        differ += !strstr(at, strstr(at, "calls/low") == at + 1 ? ",low," : ",high,") ||
                  strstr(at, strstr(at, "calls/low") == at + 1 ? ",low," : ",high,") > strchr(at + 1, '\n');
    assert_int_equal(all, 24);
    assert_true(fabs(100. * (double)differ / 24 - error) < 0.01 && error < 20);
    /* The same files listed by a table, which divides them. */
    write_text("listed/index.tsv",
               "file\tclass\tsplit\n../calls/low/1.wav\tlow\ttrain\n../calls/high/2.wav\thigh\ttrain\n"
               "../calls/low/3.wav\tlow\ttest\n../calls/low/5.wav\tlow\ttrain\n");
    assert_int_equal(jackdaw("train --data listed --net 'lstm 3, mean, dense 2' --epochs 1 -q -o listed1 --json"), 0);
    assert_non_null(strstr(said, "\"metric\":\"test error (%)\""));
    assert_int_equal(jackdaw("eval listed1 --data listed --split all"), 0);
    assert_non_null(strstr(said, "on 4 samples"));
    /* A list of the files to test on; what begins with _ is no class. */
    make_folders("calls/_noise_");
    write_text("calls/testing_list.txt", "low/1.wav\nlow/3.wav\r\nhigh/2.wav\nhigh/99.wav\n");
    assert_int_equal(jackdaw("train --data calls --net 'lstm 3, mean, dense 2' --epochs 1 -q -o listed2 --json"), 0);
    assert_non_null(strstr(said, "\"metric\":\"test error (%)\""));
    assert_int_equal(jackdaw("eval listed2 --data calls"), 0);
    assert_non_null(strstr(said, "on 3 samples"));
    assert_int_equal(jackdaw("eval listed2 --data calls --split train"), 0);
    assert_non_null(strstr(said, "on 21 samples"));
    remove(tmpdir_file("calls/testing_list.txt"));
    write_text("calls/low/no.wav", "noise");
    assert_int_equal(jackdaw("train --data calls --net 'lstm 6, mean, dense 2' --epochs 1 -q -o x"), JD_EDATA);
    assert_non_null(strstr(wrong, "calls/low/no.wav"));
    assert_int_equal(jackdaw("train --data calls --net 'lstm 6, mean, dense 2' --epochs 1 -q -o x --skip-bad"), 0);
}

/* Recordings of a low or a high tone for each letter, with a table of what they say: a net that writes. */
static void writes_texts(void **state)
{
    (void)state;
    enum { N = 40, TONE = 2400, ROOM = 5 * TONE };
    char table[3000] = "file\ttext\n";
    make_folders("tunes");
    jd_rng rng = jd_rng_new(11, "tests/tunes", 0);
    for (int i = 0; i < N; i++) {
        char name[40], text[16] = "";
        static float wave[ROOM];
        const int tones = 1 + (int)jd_rng_below(&rng, 4);
        for (int k = 0; k < tones; k++) {
            const int high = (int)jd_rng_below(&rng, 2);
            strcat(text, high ? "\xc3\xa9" : "o"); /* the high one a letter of two bytes */
            for (int t = 0; t < TONE; t++)
                wave[k * TONE + t] = t < TONE * 2 / 3 ? 0.3f * (float)sin((high ? 1.1 : 0.3) * t) : 0;
        }
        const jd_sound sound = {.rate = 8000, .count = (size_t)(tones * TONE), .samples = wave};
        snprintf(name, sizeof name, "tunes/%d.wav", i);
        assert_int_equal(jd_write_wav(ctx, tmpdir_file(name), &sound), JD_OK);
        sprintf(table + strlen(table), "%d.wav\t%s\n", i, text);
    }
    write_text("tunes/index.tsv", table);
    assert_int_equal(
        jackdaw("train --data tunes --loss ctc --net 'blstm 8, dense 3' --optimizer adam --lr 0.03 --batch 4 "
                "--epochs 40 -q -o tuned"),
        0);
    assert_non_null(strstr(said, "label error (%)"));
    assert_int_equal(jackdaw("eval tuned --data tunes --json"), 0);
    const char *value = strstr(said, "\"metric\":\"label error (%)\",\"value\":");
    assert_non_null(value);
    assert_true(strtod(strchr(strchr(value, '%'), ':') + 1, NULL) < 30);
    assert_int_equal(jackdaw("predict tuned tunes --csv"), 0);
    assert_int_equal(lines(said), N + 1);
    assert_int_equal(jackdaw("train --data tunes --loss ctc --net 'blstm 8, dense 2' -q -o x"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "end it with \"dense 3\""));
    assert_int_equal(jackdaw("train --data tunes --loss ctc --net 'blstm 8, mean, dense 3' -q -o x"), JD_EUSAGE);
    strcat(table, "0.wav\toooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo\n");
    write_text("tunes/index.tsv", table);
    assert_int_equal(jackdaw("train --data tunes --loss ctc --net 'blstm 8, dense 3' --epochs 1 -q -o x"), JD_EDATA);
    assert_non_null(strstr(wrong, "steps of sound for the text 'ooo"));
    assert_int_equal(
        jackdaw("train --data tunes --loss ctc --net 'blstm 8, dense 3' --epochs 1 -q -o x --skip-bad --json"), 0);
    assert_non_null(strstr(said, "\"skipped\":1"));
}

/* The German signs as they are distributed, with pictures of noise that is one for a track: what is right for a track's other
 * frames says nothing about another track, so a validation that shares tracks with training would be far too good. */
static void keeps_tracks_together(void **state)
{
    (void)state;
    enum { TRACKS = 30, FRAMES = 6, SIDE = 16 };
    jd_rng rng = jd_rng_new(9, "tests/tracks", 0);
    make_folders("signs/Final_Training/Images/00000 signs/Final_Training/Images/00001 signs/Final_Test/Images");
    for (int c = 0; c < 2; c++) {
        static char index[20000];
        char name[120];
        size_t at =
            (size_t)snprintf(index, sizeof index, "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n");
        for (int k = 0; k < TRACKS * FRAMES; k++) {
            static uint8_t ppm[20 + 3 * SIDE * SIDE];
            const int head = sprintf((char *)ppm, "P6 %d %d 255\n", SIDE, SIDE);
            if (k % FRAMES == 0)
                for (int i = 0; i < 3 * SIDE * SIDE; i++) ppm[head + i] = (uint8_t)jd_rng_below(&rng, 256);
            snprintf(name, sizeof name, "signs/Final_Training/Images/%05d/%05d_%05d.ppm", c, k / FRAMES, k % FRAMES);
            tmpdir_write(tmpdir_file(name), ppm, (size_t)head + 3 * SIDE * SIDE);
            at += (size_t)snprintf(index + at, sizeof index - at, "%s;16;16;0;0;15;15;%d\n", strrchr(name, '/') + 1, c);
            if (k == 0 && c == 0) {
                tmpdir_write(tmpdir_file("signs/Final_Test/Images/00000.ppm"), ppm, (size_t)head + 3 * SIDE * SIDE);
                write_text("signs/Final_Test/Images/GT-final_test.csv",
                           "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n00000.ppm;16;16;0;0;15;15;0\n");
            }
        }
        snprintf(name, sizeof name, "signs/Final_Training/Images/%05d/GT-%05d.csv", c, c);
        write_text(name, index);
    }
    assert_int_equal(
        jackdaw("train --data signs --net 'dense 43' --epochs 6 --lr 0.001 --validation 0.3 --json -q -o signed"), 0);
    assert_non_null(strstr(said, "\"metric\":\"test error (%)\""));
    const char *best = strstr(said, "\"best_validation\":");
    assert_non_null(best);
    assert_true(strtod(best + strlen("\"best_validation\":"), NULL) > 25);
    /* The index without classes may stay where it is; without the other one there is no part to test on. */
    write_text("signs/Final_Test/Images/GT-final_test.test.csv", "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2\n");
    assert_int_equal(jackdaw("eval signed --data signs"), 0);
    make_folders("unpacked && mv signs unpacked/GTSRB"); /* alone in a folder */
    assert_int_equal(jackdaw("eval signed --data unpacked"), 0);
    assert_non_null(strstr(said, "on 1 samples"));
    make_folders("none && mv unpacked/GTSRB signs");
    assert_int_equal(rename(tmpdir_file("signs/Final_Test/Images/GT-final_test.csv"), tmpdir_file("elsewhere.csv")), 0);
    assert_int_equal(jackdaw("eval signed --data signs"), JD_ENOINPUT);
    assert_non_null(strstr(wrong, "Final_Test/Images/GT-final_test.csv: not there"));
    assert_int_equal(jackdaw("eval signed --data signs --split train"), 0);
    assert_true(error_said() < 25); /* which it has learned well otherwise */
}

/* Series of the UCR archive, the class before the values, with blanks or tabs between, and the file to test on beside it. */
static void finds_classes_first(void **state)
{
    (void)state;
    static const char *const name[] = {"Sines_TRAIN", "Sines_TEST", "Sines_TRAIN.tsv", "Sines_TEST.tsv"};
    for (int k = 0; k < 4; k++) {
        char text[8000];
        size_t at = 0;
        for (int i = 0; i < 30; i++) {
            at += (size_t)snprintf(text + at, sizeof text - at, k < 2 ? "  %.7e" : "%.0f", i % 2 + 1.0);
            for (int t = 0; t < 12; t++)
                at += (size_t)snprintf(text + at, sizeof text - at, k < 2 ? "  %.7e" : "\t%.4f",
                                       sin(0.1 + 0.4 * t * (i % 2 + 1) + 0.01 * i));
            at += (size_t)snprintf(text + at, sizeof text - at, "\n");
        }
        write_text(name[k], text);
    }
    for (int k = 0; k < 4; k += 2) {
        char command[200];
        snprintf(command, sizeof command, "train --data ./%s --net 'dense 8 tanh, dense 2' --epochs 40 --out ucr",
                 name[k]);
        assert_int_equal(jackdaw(command), 0);
        assert_non_null(strstr(wrong, "the classes stand in column 1"));
        assert_int_equal(jackdaw("eval ucr --data ./Sines_TEST.tsv"), 0);
        assert_true(error_said() < 10);
    }
    /* LIBSVM's format, of which a file may lack the last columns. */
    write_text("a.svm", "+1 1:1 3:0.5\n-1 2:1\n+1 1:1\n-1 2:1 3:0.5\n+1 1:0.9\n-1 2:0.9\n+1 1:1.1\n-1 2:1.1\n");
    assert_int_equal(jackdaw("train --data a.svm --net 'dense 2' --epochs 60 --out svm"), 0);
    write_text("b.svm", "-1 2:1\n+1 1:1\n");
    assert_int_equal(jackdaw("eval svm --data b.svm"), 0);
    assert_true(error_said() < 1);
}

/* A record of a .gnt file: a bar on paper. */
static size_t put_character(uint8_t *p, int code, bool upright)
{
    enum { SIDE = 30, BYTES = 10 + SIDE * SIDE };
    const uint8_t head[10] = {BYTES & 255, BYTES >> 8, 0, 0, (uint8_t)(code >> 8), (uint8_t)code, SIDE, 0, SIDE, 0};
    memcpy(p, head, 10);
    for (int i = 0; i < SIDE * SIDE; i++) p[10 + i] = abs((upright ? i % SIDE : i / SIDE) - 15) < 3 ? 20 : 255;
    return BYTES;
}

/* Chinese characters in folders of .gnt files to train and to test on, and one such file. */
static void reads_characters(void **state)
{
    (void)state;
    static uint8_t file[32 * 1000];
    size_t n = 0;
    for (int i = 0; i < 32; i++) n += put_character(file + n, i % 2 ? 0xB0A2 : 0xB0A1, i % 2);
    mkdir(tmpdir_file("hw"), 0700), mkdir(tmpdir_file("hw/HWDB1.1trn_gnt"), 0700),
        mkdir(tmpdir_file("hw/HWDB1.1tst_gnt"), 0700);
    tmpdir_write(tmpdir_file("hw/HWDB1.1trn_gnt/1001-c.gnt"), file, n); /* one writer each */
    tmpdir_write(tmpdir_file("hw/HWDB1.1trn_gnt/1002-c.gnt"), file, n);
    tmpdir_write(tmpdir_file("hw/HWDB1.1tst_gnt/1250-c.gnt"), file, n / 4);
    if (jackdaw("train --data ./hw --net 'dense 8 tanh, dense 2' --epochs 20 --out gnt")) fail_msg("%s", wrong);
    assert_non_null(strstr(wrong, "measuring on 8 test samples"));
    assert_int_equal(jackdaw("eval gnt --data ./hw"), 0);
    assert_true(error_said() < 1);
    assert_int_equal(jackdaw("eval gnt --data hw/HWDB1.1trn_gnt/1001-c.gnt"), 0);
    assert_true(error_said() < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_series),        cmocka_unit_test(names_classes),
                                       cmocka_unit_test(reads_characters),    cmocka_unit_test(takes_words),
                                       cmocka_unit_test(finds_classes_first), cmocka_unit_test(finds_pictures),
                                       cmocka_unit_test(sorts_pictures),      cmocka_unit_test(takes_arrays),
                                       cmocka_unit_test(learns_sequences),    cmocka_unit_test(hears_folders),
                                       cmocka_unit_test(writes_texts),        cmocka_unit_test(keeps_tracks_together)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
