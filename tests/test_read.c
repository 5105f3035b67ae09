/* test_read.c - `jackdaw read` and `predict` on a person's own files: recordings, pictures, volumes, folders with bad files in them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "jackdaw/midi.h"
#include "jackdaw/model.h"
#include "own_files.h"

/* ---- recordings ---------------------------------------------------------------------------------------------------------------- */

static void hears(void **state)
{
    (void)state;
    sound_model("strings.safetensors", "blstm 5 as level1, dense 4 as out", "\"alphabet\":\"xyz\"");
    sound_model("words.safetensors", "blstm 5 as level1, mean, dense 3 as out",
                "\"class-names\":\"yes|no|a, b\",\"classes\":3");
    assert_int_equal(system("true"), 0);
    char command[400];
    snprintf(command, sizeof command, "mkdir -p '%s'", tmpdir_file("sounds"));
    assert_int_equal(system(command), 0);
    write_tones("sounds/a.wav", 8000);
    write_tones("sounds/b, c.wav", 16000);
    tmpdir_write(tmpdir_file("sounds/notes.txt"), "no sound", 8);

    assert_int_equal(jackdaw("read strings.safetensors sounds/a.wav --json"), 0);
    assert_non_null(strstr(said, "{\"file\":\"sounds/a.wav\",\"index\":0,\"text\":\""));
    assert_int_equal(jackdaw("predict words.safetensors sounds/a.wav"), 0);
    /* A folder gives a table; recordings of another rate are heard like their original. */
    assert_int_equal(jackdaw("predict words.safetensors sounds"), 0);
    assert_int_equal(lines(said), 3);
    char first[40] = "", second[40] = "";
    double p[2] = {0, 1};
    assert_int_equal(sscanf(strstr(said, "\nsounds/a.wav,0,"), "\nsounds/a.wav,0,%39[^\n]", first), 1);
    const char *other = strstr(said, "\n\"sounds/b, c.wav\",0,");
    assert_non_null(other);
    assert_int_equal(sscanf(other, "\n\"sounds/b, c.wav\",0,%39[^\n]", second), 1);
    p[0] = strtod(strrchr(first, ',') + 1, NULL);
    p[1] = strtod(strrchr(second, ',') + 1, NULL);
    *strrchr(first, ',') = *strrchr(second, ',') = 0;
    assert_string_equal(first, second);
    assert_true(fabs(p[0] - p[1]) < 0.02);

    /* The library hears the same. */
    jd_sound sound = {0};
    float answer[3];
    jd_model *m = jd_model_open(ctx, tmpdir_file("words.safetensors"));
    jd_ear *ear = jd_model_ear(m);
    assert_int_equal(jd_read_sound(ctx, tmpdir_file("sounds/a.wav"), &sound), JD_OK);
    const size_t T = ear ? jd_ear_hear(ear, sound.samples, sound.count, sound.rate, 0) : 0;
    if (!T) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(jd_model_run_sequences(m, jd_ear_steps(ear), NULL, (int64_t)T, 1, answer), JD_OK);
    const char *const names[] = {"yes", "no", "\"a, b\""};
    const int most = answer[1] > answer[0] ? answer[2] > answer[1] ? 2 : 1 : answer[2] > answer[0] ? 2 : 0;
    assert_string_equal(first, names[most]);
    assert_true(fabs(p[0] - (double)answer[most]) < 1e-4);
    jd_ear_free(ear);
    jd_model_free(m);
    jd_sound_free(ctx, &sound);

    /* A file cut off: an error that names it, or passed over and counted. */
    size_t n = 0;
    char *wav = jd_read_file(ctx, tmpdir_file("sounds/a.wav"), 1 << 20, &n);
    tmpdir_write(tmpdir_file("sounds/bad.wav"), wav, n / 2);
    jd_free(ctx, wav);
    assert_int_equal(jackdaw("read strings.safetensors sounds"), JD_EDATA);
    assert_non_null(strstr(wrong, "sounds/bad.wav: byte "));
    assert_int_equal(jackdaw("read strings.safetensors sounds --skip-bad"), 0);
    assert_int_equal(lines(said), 3);
    assert_non_null(strstr(wrong, "1 of 3 files skipped"));
    assert_int_equal(jackdaw("read strings.safetensors sounds/bad.wav --skip-bad"), JD_EDATA);
    assert_int_equal(jackdaw("read strings.safetensors not-there"), JD_ENOINPUT);
    assert_int_equal(jackdaw("read strings.safetensors sounds/notes.txt"), JD_EDATA);
    snprintf(command, sizeof command, "mkdir -p '%s'", tmpdir_file("empty"));
    assert_int_equal(system(command), 0);
    assert_int_equal(jackdaw("read strings.safetensors empty"), JD_ENOINPUT);
}

/* ---- pictures of lines ------------------------------------------------------------------------------------------------------------ */

/* Bars and rings, as a line of writing; every pixel becomes scale x scale. */
static void write_line(const char *name, int scale, bool light, int channels)
{
    enum { W = 120, H = 40 };
    jd_picture p = {.height = H * scale, .width = W * scale, .channels = channels};
    p.pixels = calloc((size_t)(p.height * p.width), (size_t)channels);
    for (int i = 0; i < p.height * p.width; i++) {
        const int x = i % p.width / scale, y = i / p.width / scale;
        const double ring = hypot(x % 30 - 15, y - 20);
        const bool ink = x > 8 && x < 110 &&
                         ((x / 30 % 2 && x % 30 > 12 && x % 30 < 16 && y > 6 && y < 30) ||
                          (!(x / 30 % 2) && ring > 6 && ring < 9.5));
        for (int c = 0; c < channels; c++) p.pixels[i * channels + c] = ink != light ? 20 : 235;
    }
    assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &p), JD_OK);
    free(p.pixels);
}

static void line_model(const char *name, double size)
{
    static const char net[] = "block 4 2, mdlstm 3, dense 5 tanh each, collapse, dense 4";
    char config[600];
    snprintf(config, sizeof config,
             "{\"net\":\"%s\",\"alphabet\":\"abc\",\"ink-spacing\":0,\"ink-stack\":0,\"ink-view\":0,\"ink-cell\":0,"
             "\"ink-rows\":32,\"ink-size\":%g,\"ink-pen\":1.5,\"ink-gain\":3}",
             net, size);
    assert_int_equal(write_model(ctx, tmpdir_file(name), net, JD_DIMS(1, 32, 40, 1), 0.9, config), JD_OK);
}

static void reads_pictures(void **state)
{
    (void)state;
    char text[1000];
    line_model("lines.safetensors", 9);
    line_model("digits.safetensors", 0);
    write_line("dark.png", 3, false, 1);
    write_line("light.png", 3, true, 1);
    write_line("colour.png", 3, false, 3);
    static const char *const models[] = {"lines.safetensors", "digits.safetensors"};
    for (int m = 0; m < 2; m++) { /* ink and paper may change places; grey may be stored as colours */
        static const char *const files[] = {"dark.png", "light.png", "colour.png"};
        for (int k = 0; k < 3; k++) {
            char command[200];
            snprintf(command, sizeof command, "read %s %s", models[m], files[k]);
            assert_int_equal(jackdaw(command), 0);
            const char *at = strstr(said, ":0  ");
            assert_non_null(at);
            if (k == 0) strcpy(text, at);
            assert_string_equal(at, text);
        }
    }
    jd_picture blank = {.height = 20, .width = 50, .channels = 1, .pixels = calloc(1000, 1)};
    assert_int_equal(jd_write_png(ctx, tmpdir_file("blank.png"), &blank), JD_OK);
    free(blank.pixels);
    assert_int_equal(jackdaw("read lines.safetensors blank.png"), JD_EDATA);
    assert_non_null(strstr(wrong, "blank.png: the picture holds no writing"));
    tmpdir_write(tmpdir_file("noise.png"), "\x89PNG\r\n\x1a\nxxxxxxxx", 16);
    assert_int_equal(jackdaw("read lines.safetensors noise.png"), JD_EDATA);
    assert_non_null(strstr(wrong, "noise.png"));
}

/* ---- pictures of things ------------------------------------------------------------------------------------------------------------ */

static void sees_any_size(void **state)
{
    (void)state;
    static const char net[] = "conv 3 5 tanh, maxpool 2, dense 10";
    assert_int_equal(write_model(ctx, tmpdir_file("seen.safetensors"), net, JD_DIMS(1, 29, 29, 1), 0.3,
                                 "{\"net\":\"conv 3 5 tanh, maxpool 2, dense 10\",\"input\":\"29x29x1\",\"classes\":10,"
                                 "\"low\":-1,\"high\":1}"),
                     JD_OK);
    /* The same bar, large on paper and larger on black: what is cut out and placed is the same. */
    for (int k = 0; k < 2; k++) {
        const int side = k ? 200 : 100;
        jd_picture p = {.height = side, .width = side, .channels = 1, .pixels = calloc((size_t)(side * side), 1)};
        for (int i = 0; i < side * side; i++) {
            const int x = i % side * 100 / side, y = i / side * 100 / side;
            p.pixels[i] = (uint8_t)((x >= 20 && x < 30 && y >= 10 && y < 60) == (k == 1) ? 255 : 0);
        }
        assert_int_equal(jd_write_png(ctx, tmpdir_file(k ? "black.png" : "paper.png"), &p), JD_OK);
        free(p.pixels);
    }
    char first[4000];
    assert_int_equal(jackdaw("predict seen.safetensors paper.png --json"), 0);
    strcpy(first, strchr(said, ','));
    assert_int_equal(jackdaw("predict seen.safetensors black.png --json"), 0);
    assert_string_equal(strchr(said, ','), first);
}

/* ---- volumes ------------------------------------------------------------------------------------------------------------------- */

/* What `name` labels: 3-d, of the size and in the place of what was labelled, whole numbers below `classes`. */
static void read_labels(const char *name, const jd_volume_space *space, int classes, jd_volume *v)
{
    *v = (jd_volume){0};
    assert_int_equal(jd_read_nifti(ctx, tmpdir_file(name), v), JD_OK);
    assert_int_equal(v->frames, 1);
    assert_int_equal(v->depth, DEPTH);
    assert_int_equal(v->height, HEIGHT);
    assert_int_equal(v->width, WIDTH);
    assert_memory_equal(&v->space, space, sizeof *space);
    for (int i = 0; i < VOXELS; i++)
        assert_true(v->voxels[i] >= 0 && v->voxels[i] < (float)classes && v->voxels[i] == rintf(v->voxels[i]));
}

static void labels_volumes(void **state)
{
    (void)state;
    jd_volume_space space;
    jd_volume v;
    char command[400];
    snprintf(command, sizeof command, "mkdir -p '%s'", tmpdir_file("scans"));
    assert_int_equal(system(command), 0);
    threshold_model("bright.safetensors");
    write_scan("scans/one.nii", 1, &space);
    assert_int_equal(jackdaw("predict bright.safetensors scans/one.nii --json"), 0);
    assert_string_equal(said, "{\"file\":\"scans/one.nii\",\"labels\":\"one-labels.nii.gz\",\"voxels\":[40,20],"
                              "\"voxel_volume\":3}\n");
    read_labels("one-labels.nii.gz", &space, 2, &v);
    for (int i = 0; i < VOXELS; i++) assert_true(v.voxels[i] == (i % 3 ? 0.0f : 1.0f));
    jd_volume_free(ctx, &v);

    /* Convolutional LSTMs on blocks of voxels, which reach over the ends of odd extents. */
    const char *net = "cube 2, pyramid 3 3, dense 24 each, uncube 2";
    snprintf(command, sizeof command, "{\"input\":\"volume\",\"net\":\"%s\",\"classes\":3}", net);
    assert_int_equal(write_model(ctx, tmpdir_file("net.safetensors"), net, JD_DIMS(1, 4, 4, 4, 2), 0.7, command),
                     JD_OK);
    write_scan("scans/two.v2.nii.gz", 1, &space);
    assert_int_equal(jackdaw("predict net.safetensors scans"), 0);
    assert_int_equal(lines(said), 3);
    assert_ptr_equal(strstr(said, "file,labels,voxels_0,voxels_1,voxels_2,voxel_volume\n"), said);
    int count[3] = {0}, k[3];
    const char *line = strstr(said, "scans/two.v2.nii.gz,two.v2-labels.nii.gz,");
    assert_non_null(line);
    assert_int_equal(sscanf(strchr(strchr(line, ',') + 1, ','), ",%d,%d,%d,3", &k[0], &k[1], &k[2]), 3);
    read_labels("two.v2-labels.nii.gz", &space, 3, &v);
    for (int i = 0; i < VOXELS; i++) count[(int)v.voxels[i]]++;
    assert_memory_equal(count, k, sizeof k);
    assert_true(count[0] < VOXELS && count[1] < VOXELS && count[2] < VOXELS);
    jd_volume_free(ctx, &v);
}

static void refuses_volumes(void **state)
{
    (void)state;
    jd_volume_space space;
    write_scan("movie.nii", 2, &space);
    assert_int_equal(jackdaw("predict bright.safetensors movie.nii"), 2);
    assert_non_null(strstr(wrong, "movie.nii: 2 volumes"));
    write_scan("cut.nii", 1, &space);
    size_t n = 0;
    char *bytes = jd_read_file(ctx, tmpdir_file("cut.nii"), 1 << 20, &n);
    tmpdir_write(tmpdir_file("cut.nii"), bytes, n - 1);
    jd_free(ctx, bytes);
    assert_int_equal(jackdaw("predict bright.safetensors cut.nii"), 65);
    assert_non_null(strstr(wrong, "cut.nii"));
    float voxels[VOXELS] = {NAN};
    const jd_volume bad = {.frames = 1, .depth = DEPTH, .height = HEIGHT, .width = WIDTH, .voxels = voxels};
    assert_int_equal(jd_write_nifti(ctx, tmpdir_file("nan.nii"), &bad, JD_NIFTI_F32), JD_OK);
    assert_int_equal(jackdaw("predict bright.safetensors nan.nii"), 65);
    tmpdir_write(tmpdir_file("text.nii"), "this is no volume", 17);
    assert_int_equal(jackdaw("predict bright.safetensors text.nii"), 65);
    assert_int_equal(jackdaw("predict bright.safetensors none.nii"), 66);
    assert_string_equal(said, "");
    /* Nets that do not answer for each voxel, or with other numbers of classes. */
    static const char *const nets[] = {"dense 300 each", "dense 2 each", "dense 3 each, flatten",
                                       "cube 2, dense 3 each"};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        char config[200];
        snprintf(config, sizeof config, "{\"input\":\"volume\",\"net\":\"%s\",\"classes\":3}", nets[i]);
        assert_int_equal(write_model(ctx, tmpdir_file("odd.safetensors"), nets[i], JD_DIMS(1, 4, 4, 4, 2), 0.7, config),
                         JD_OK);
        assert_int_equal(jackdaw("predict odd.safetensors scans/one.nii"), 65);
        assert_non_null(strstr(wrong, nets[i]));
    }
    /* Passed over where that is asked for. */
    assert_int_equal(jackdaw("predict bright.safetensors text.nii movie.nii scans/one.nii --skip-bad"), 0);
    assert_non_null(strstr(said, "scans/one.nii  one-labels.nii.gz  label 0: 40, label 1: 20 voxels of 3 mm3"));
    assert_non_null(strstr(wrong, "2 "));
}

/* Files are told by their contents. */
static void told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } file[] = {{"+1 1:0.5 4:1\n-1 2:3\n", "table, 2 rows, 5 columns\n"},
                {"  1.0e+00  2.5\n  2.0e+00 -1\n", "table, 2 rows, 2 columns\n"},
                {"\\data\\\nngram 1=1\n\n\\1-grams:\n-1 a\n\n\\end\\\n", "ARPA, an n-gram model of order 1, 1 words\n"},
                {">one\nMKV\n", "FASTA, 1 chains, 3 residues\n"},
                {".PEN_DOWN\n1 2\n3 4\n.SEGMENT WORD 0 OK \"hi\"\n",
                 "ink, 1 sample, 1 strokes, 2 points; the first says: hi\n"},
                {"a,b\n1,2\n3,x\n5,y\n", "csv, 4 lines, 2 columns; the first line: a,b\n"
                                         "  a                        numbers, 1 to 5\n"
                                         "  b                        3 words: 2, x, y\n"}};
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        tmpdir_write(tmpdir_file("unnamed"), file[i].text, strlen(file[i].text));
        if (jackdaw("inspect unnamed")) fail_msg("%s", wrong);
        assert_string_equal(said, file[i].says);
        char command[200]; /* and so they are when they are packed */
        snprintf(command, sizeof command, "gzip -nf '%s'", tmpdir_file("unnamed"));
        assert_int_equal(system(command), 0);
        if (jackdaw("inspect unnamed.gz")) fail_msg("%s", wrong);
        assert_string_equal(said, file[i].says);
    }
    jd_midi_note note = {0, 960, 60, 90, 0};
    assert_int_equal(jd_write_midi(ctx, tmpdir_file("unnamed"),
                                   &(jd_midi){.division = 480, .tempo = 120, .count = 1, .notes = &note}),
                     JD_OK);
    assert_int_equal(jackdaw("inspect unnamed --json"), 0);
    assert_string_equal(said, "{\"kind\":\"midi\",\"notes\":1,\"quarters\":2,\"tempo\":120}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(told),           cmocka_unit_test(hears),
                                       cmocka_unit_test(reads_pictures), cmocka_unit_test(sees_any_size),
                                       cmocka_unit_test(labels_volumes), cmocka_unit_test(refuses_volumes)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
