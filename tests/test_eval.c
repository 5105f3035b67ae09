/* test_eval.c - `jackdaw eval` of models that hear, read and label voxels, against truths in a person's own files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "jackdaw/protein.h"
#include "jackdaw/volume.h"
#include "own_files.h"
#include "tiff_file.h"

static void make_folder(const char *name)
{
    char command[400];
    snprintf(command, sizeof command, "mkdir -p '%s'", tmpdir_file(name));
    assert_int_equal(system(command), 0);
}

/* What the model says to a file: the text between "text":" or "class":" and the next quote. */
static void answer_to(const char *model, const char *file, const char *key, char *out)
{
    char command[300], wanted[40];
    snprintf(command, sizeof command, "read %s %s --json", model, file);
    assert_int_equal(jackdaw(command), 0);
    snprintf(wanted, sizeof wanted, "\"%s\":\"", key);
    const char *at = strstr(said, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    sprintf(out, "%.*s", (int)strcspn(at, "\""), at);
}

static void hears_strings(void **state)
{
    (void)state;
    char text[200], index[2000];
    sound_model("strings.safetensors", "blstm 5 as level1, dense 4 as out", "\"alphabet\":\"xyz\"");
    make_folder("sounds");
    write_tones("sounds/a.wav", 8000);
    answer_to("strings.safetensors", "sounds/a.wav", "text", text);
    const size_t n = strlen(text);
    assert_true(n >= 1);
    /* Its own answer is right; one letter more is one edit, a letter that it does not know another. */
    snprintf(index, sizeof index, "file\ttext\tsplit\na.wav\t%s\ttest\na.wav\t%sx\ttest\na.wav\t%sq\ttrain\n", text,
             text, text);
    write_text("sounds/index.tsv", index);
    assert_int_equal(jackdaw("eval strings.safetensors --data sounds/ --json"), 0);
    snprintf(index, sizeof index,
             "{\"data\":\"sounds/\",\"samples\":2,\"metric\":\"label error "
             "(%%)\",\"value\":%.15g,\"wrong\":1,\"labels\":%zu,"
             "\"edits\":1,\"unknown_letters\":0}\n",
             100. / (double)(2 * n + 1), 2 * n + 1);
    assert_string_equal(said, index);
    make_folder("named/deep");
    snprintf(index, sizeof index, "cp '%s/sounds/a.wav' '%s/named/deep/%s_one_1.wav'", tmpdir_path, tmpdir_path, text);
    assert_int_equal(system(index), 0);
    assert_int_equal(jackdaw("eval strings.safetensors named/"), 0);
    assert_non_null(strstr(said, "label error (%) 0: 0 edits"));
    write_tones("named/b.wav", 8000);
    assert_int_equal(jackdaw("eval strings.safetensors named"), JD_EDATA);
    assert_non_null(strstr(wrong, "b.wav: what is said in it?"));
    assert_int_equal(jackdaw("eval strings.safetensors --data sounds --split all --output out.html"), 0);
    assert_non_null(strstr(said, "2 edits for"));
    assert_non_null(strstr(said, "1 samples hold letters that the model does not know"));
    size_t bytes = 0;
    char *html = jd_read_file(ctx, tmpdir_file("out.html"), 1 << 22, &bytes);
    assert_non_null(html);
    assert_non_null(memmem(html, bytes, "sounds/a.wav", strlen("sounds/a.wav")));
    jd_free(ctx, html);
}

static void hears_classes(void **state)
{
    (void)state;
    char word[100], index[1000];
    sound_model("words.safetensors", "blstm 5 as level1, mean, dense 3 as out",
                "\"class-names\":\"yes|no|7\",\"classes\":3");
    make_folder("calls");
    write_tones("calls/a.wav", 8000);
    answer_to("words.safetensors", "calls/a.wav", "class", word);
    snprintf(index, sizeof index, "file\tword\na.wav\t%s\na.wav\t%s\na.wav\t%s\na.wav\t%s\n", word,
             strcmp(word, "no") ? "no" : "yes", word, word);
    write_text("calls/index.tsv", index);
    assert_int_equal(jackdaw("eval words.safetensors --data calls/index.tsv"), 0);
    assert_non_null(strstr(said, "error (%) 25 on 4 samples"));
    write_text("calls/index.tsv", "file\tword\na.wav\tperhaps\n");
    assert_int_equal(jackdaw("eval words.safetensors --data calls"), JD_EDATA);
    assert_non_null(strstr(wrong, "calls/a.wav: the class 'perhaps'"));
    write_text("calls/index.tsv", "file\tnoise\na.wav\tno\n");
    assert_int_equal(jackdaw("eval words.safetensors --data calls"), JD_EDATA);
    assert_non_null(strstr(wrong, "no column tells the truth"));
    write_text("calls/index.tsv", "file\tword\tsplit\na.wav\tno\ttrain\n");
    assert_int_equal(jackdaw("eval words.safetensors --data calls"), JD_EDATA);
    assert_non_null(strstr(wrong, "no samples of the part 'test'"));
    write_text("calls/index.tsv", "file\tword\nb.wav\tno\n");
    assert_int_equal(jackdaw("eval words.safetensors --data calls"), JD_ENOINPUT);
    assert_int_equal(jackdaw("eval words.safetensors --data none/"), JD_ENOINPUT);
    assert_int_equal(jackdaw("eval words.safetensors --data fsd"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "fsdd"));
}

static void reads_ink(void **state)
{
    (void)state;
    static const char net[] = "blstm 4, dense 4";
    static const char strokes[] = "0 0 10 20 10 -20 10 20 10 -20;60 0 5 30 5 -30 9 25 4 -25 8 22 7 -21";
    char text[200], table[2000];
    assert_int_equal(write_model(ctx, tmpdir_file("ink.safetensors"), net, JD_DIMS(6, 1, 16), 0.9,
                                 "{\"net\":\"blstm 4, dense 4\",\"alphabet\":\"a\xc3\xa4"
                                 "b\",\"ink-spacing\":0.2,"
                                 "\"ink-stack\":4,\"ink-view\":0,\"ink-cell\":0.5,\"ink-rows\":0,\"ink-size\":0,"
                                 "\"ink-pen\":0,\"ink-gain\":1}"),
                     JD_OK);
    snprintf(table, sizeof table, "id\twriter\ttext\tstrokes\none\tme\tb\t%s\n", strokes);
    write_text("ink.tsv", table);
    answer_to("ink.safetensors", "ink.tsv", "text", text);
    snprintf(table, sizeof table, "id\twriter\ttext\tstrokes\none\tme\t%s\t%s\ntwo\tme\t%s\xc3\xa4\t%s\n", text,
             strokes, text, strokes);
    write_text("ink.tsv", table);
    assert_int_equal(jackdaw("eval ink.safetensors --data ink.tsv --json"), 0);
    assert_non_null(strstr(said, "\"samples\":2,"));
    assert_non_null(strstr(said, "\"wrong\":1,"));
    assert_non_null(strstr(said, "\"edits\":1,"));
    /* folders: tables of the set's names, gzip-ed or not, files of ink, and IAM-OnDB as it is distributed */
    make_folder("tables");
    write_text("tables/lines_test.tsv", table);
    assert_int_equal(jackdaw("eval ink.safetensors --data tables --json"), 0);
    assert_non_null(strstr(said, "\"samples\":2,"));
    make_folder("iam/lineStrokes/a01");
    make_folder("iam/ascii/a01");
    for (int i = 1; i <= 2; i++) {
        char name[60];
        snprintf(name, sizeof name, "iam/lineStrokes/a01/a01-000u-0%d.xml", i);
        write_text(name,
                   "<WhiteboardCaptureSession><StrokeSet><Stroke><Point x='0' y='0'/><Point x='9' y='30'/></Stroke>"
                   "</StrokeSet></WhiteboardCaptureSession>");
        snprintf(name, sizeof name, "iam/%s", i == 1 ? "testset_f.txt" : "trainset.txt");
        write_text(name, i == 1 ? "a01-000u\n" : "b01-000\n");
    }
    write_text("iam/ascii/a01/a01-000u.txt", "CSR:\n\nab\nb\n");
    assert_int_equal(jackdaw("eval ink.safetensors --data iam --json"), 0);
    assert_non_null(strstr(said, "\"samples\":2,"));
    assert_non_null(strstr(said, "\"labels\":3,"));
    assert_int_equal(jackdaw("eval ink.safetensors --data iam/lineStrokes/a01"), 0);
    assert_int_equal(jackdaw("eval ink.safetensors --data iam --split train"), JD_EDATA);
    assert_non_null(strstr(wrong, "no lines to train in it"));
    snprintf(table, sizeof table, "id\twriter\ttext\tstrokes\none\tme\t\t%s\n", strokes);
    write_text("mute.tsv", table);
    assert_int_equal(jackdaw("eval ink.safetensors --data mute.tsv"), JD_EDATA);
    assert_non_null(strstr(wrong, "mute.tsv: sample 0 tells no text"));
}

/* Pictures of another size than the model's: the answers of `predict` are the truth that `eval` agrees with. */
static void fits_pictures(void **state)
{
    (void)state;
    enum { N = 3, SIDE = 40 };
    uint8_t images[16 + N * SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    uint8_t labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N};
    for (int i = 0; i < N * SIDE * SIDE; i++) {
        const int x = i % SIDE, y = i / SIDE % SIDE, k = i / (SIDE * SIDE);
        images[16 + i] = (k == 0 ? x > 15 && x < 20 : k == 1 ? y > 10 && y < 15 : abs(x - y) < 3) ? 250 : 0;
    }
    assert_int_equal(write_model(ctx, tmpdir_file("seen.safetensors"), "conv 3 5 tanh, maxpool 2, dense 4",
                                 JD_DIMS(1, 29, 29, 1), 0.5,
                                 "{\"net\":\"conv 3 5 tanh, maxpool 2, dense 4\",\"input\":\"29x29x1\",\"classes\":4,"
                                 "\"low\":-1,\"high\":1}"),
                     JD_OK);
    tmpdir_write(tmpdir_file("bars-images-idx3-ubyte"), images, sizeof images);
    assert_int_equal(jackdaw("predict seen.safetensors bars-images-idx3-ubyte --json"), 0);
    const char *at = said;
    for (int k = 0; k < N; k++) {
        at = strstr(at, "\"class\":");
        assert_non_null(at);
        at += strlen("\"class\":");
        labels[8 + k] = (uint8_t)(*at - '0');
    }
    tmpdir_write(tmpdir_file("bars-labels-idx1-ubyte"), labels, sizeof labels);
    assert_int_equal(jackdaw("eval seen.safetensors --data ./bars-images-idx3-ubyte"), 0);
    assert_non_null(strstr(said, "error (%) 0 on 3 samples"));
    labels[8] = (uint8_t)((labels[8] + 1) % 4);
    tmpdir_write(tmpdir_file("bars-labels-idx1-ubyte"), labels, sizeof labels);
    assert_int_equal(jackdaw("eval seen.safetensors --data ./bars-images-idx3-ubyte"), 0);
    assert_non_null(strstr(said, "error (%) 33.33 on 3 samples"));
    /* A folder of files whose names tell the parts, as EMNIST's do. */
    make_folder("emnist");
    tmpdir_write(tmpdir_file("emnist/emnist-bars-test-images-idx3-ubyte"), images, sizeof images);
    tmpdir_write(tmpdir_file("emnist/emnist-bars-test-labels-idx1-ubyte"), labels, sizeof labels);
    images[7] = labels[7] = 2; /* what follows the last picture is damage: it must be the other file that is read */
    tmpdir_write(tmpdir_file("emnist/emnist-bars-train-images-idx3-ubyte"), images, sizeof images);
    tmpdir_write(tmpdir_file("emnist/emnist-bars-train-labels-idx1-ubyte"), labels, sizeof labels);
    assert_int_equal(jackdaw("eval seen.safetensors --data emnist"), 0);
    assert_non_null(strstr(said, "error (%) 33.33 on 3 samples"));
    assert_int_equal(jackdaw("eval seen.safetensors --data emnist --split train"), JD_EDATA);
}

/* The labels that the threshold model finds, with some turned round. */
static void write_labels(const char *name, int turned, int depth)
{
    float voxels[VOXELS];
    for (int i = 0; i < VOXELS; i++) voxels[i] = i < turned ? (i % 3 ? 1.0f : 0.0f) : (i % 3 ? 0.0f : 1.0f);
    const jd_volume v = {.frames = 1, .depth = depth, .height = HEIGHT, .width = WIDTH, .voxels = voxels};
    assert_int_equal(jd_write_nifti(ctx, tmpdir_file(name), &v, JD_NIFTI_U8), JD_OK);
}

static void labels_volumes(void **state)
{
    (void)state;
    jd_volume_space space;
    threshold_model("bright.safetensors");
    make_folder("scans/image");
    make_folder("scans/label");
    write_scan("scans/image/a.nii", 1, &space);
    write_scan("scans/image/b.nii.gz", 1, &space);
    make_folder("more/image");
    make_folder("more/scans/image");
    write_scan("more/a.nii", 1, &space);
    /* Volumes of one name: each has its own labels, named after its folder; where that does not help, nothing is written. */
    assert_int_equal(jackdaw("predict bright.safetensors scans/image/a.nii scans/image/b.nii.gz more/a.nii --csv"), 0);
    assert_non_null(strstr(said, "scans/image/a.nii,image-a-labels.nii.gz,"));
    assert_non_null(strstr(said, "scans/image/b.nii.gz,b-labels.nii.gz,"));
    assert_non_null(strstr(said, "more/a.nii,more-a-labels.nii.gz,"));
    write_scan("more/scans/image/a.nii.gz", 1, &space);
    assert_int_equal(jackdaw("predict bright.safetensors scans/image/a.nii more/scans/image/a.nii.gz"), JD_EUSAGE);
    assert_string_equal(said, "");
    assert_non_null(strstr(wrong, "another file would get a result of the same name, image-a"));
    write_scan("a-labels.nii.gz", 1, &space);
    assert_int_equal(jackdaw("predict bright.safetensors more/a.nii a-labels.nii.gz"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "a-labels.nii.gz: the result would take the place of this file"));
    write_labels("scans/label/a.nii", 0, DEPTH);
    write_labels("scans/label/b.nii.gz", 3, DEPTH);
    assert_int_equal(jackdaw("eval bright.safetensors --data scans/ --json"), 0);
    /* b: 20 voxels found, 21 true, of these 19 in both; 40, 39, 38 of the background. */
    char expected[300];
    snprintf(expected, sizeof expected,
             "{\"data\":\"scans/\",\"samples\":2,\"metric\":\"mean Dice\",\"value\":%.9g,\"dice\":[%.9g,%.9g],"
             "\"voxels_right\":%.9g,\"worst\":\"b.nii.gz\"}\n",
             (1 + 38. / 41) / 2, (1 + 76. / 79) / 2, (1 + 38. / 41) / 2, 117. / 120);
    assert_string_equal(said, expected);
    write_text("scans/test.tsv", "file\na.nii\n");
    assert_int_equal(jackdaw("eval bright.safetensors --data scans --output scans.html"), 0);
    assert_non_null(strstr(said, "mean Dice 1.0000 on 1 volumes"));
    write_labels("scans/label/a.nii", 0, DEPTH - 1);
    assert_int_equal(jackdaw("eval bright.safetensors --data scans"), JD_EDATA);
    assert_non_null(strstr(wrong, "label/a.nii: 2 x 4 x 5 labels of a volume of 3 x 4 x 5"));
    /* As the decathlon gives them, in the folder that its archive unpacks to; every fifth is to test. */
    make_folder("set/Task04_Hippocampus/imagesTr");
    make_folder("set/Task04_Hippocampus/labelsTr");
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/Task04_Hippocampus/imagesTr/%d.nii.gz", i);
        write_scan(name, 1, &space);
        snprintf(name, sizeof name, "set/Task04_Hippocampus/labelsTr/%d.nii.gz", i);
        write_labels(name, i == 4 ? 0 : 3, DEPTH);
    }
    assert_int_equal(jackdaw("eval bright.safetensors --data set"), 0);
    assert_non_null(strstr(said, "mean Dice 1.0000 on 1 volumes"));
    assert_int_equal(jackdaw("eval bright.safetensors --data set/Task04_Hippocampus --split all"), 0);
    assert_non_null(strstr(said, "on 5 volumes"));
    write_text("scans/test.tsv", "file\nc.nii\n");
    assert_int_equal(jackdaw("eval bright.safetensors --data scans"), JD_ENOINPUT);
    assert_int_equal(jackdaw("eval bright.safetensors --data nowhere/"), JD_ENOINPUT);
}

enum { SLICE = 36 };

static void write_slice(const char *name, int seed, int channels)
{
    uint8_t pixels[SLICE * SLICE * 3];
    for (int i = 0; i < SLICE * SLICE * channels; i++) pixels[i] = (uint8_t)(i * (7 + seed) % 251 ^ i / 90);
    const jd_picture p = {SLICE, SLICE, channels, pixels};
    assert_int_equal(jd_write_png(ctx, tmpdir_file(name), &p), JD_OK);
}

#define SCANNED   "conv 2 4 tanh, maxpool 2, dense 4 tanh, dense 2"
#define COMMITTEE "\"members\":[{\"scope\":\"net1\"},{\"scope\":\"net2\"}],"

/* A model of one net, and one of the same net twice, as committees are written. */
static void scanning_models(int channels, const char *way)
{
    char config[2][400];
    for (int k = 0; k < 2; k++)
        snprintf(config[k], sizeof config[k],
                 "{\"net\":\"" SCANNED "\",\"input\":\"11x11x%d\",\"classes\":2,\"low\":-%d,\"high\":%d,%s%s}",
                 channels, channels == 1 ? 3 : 1, channels == 1 ? 3 : 1, k ? COMMITTEE : "", way);
    assert_int_equal(write_model(ctx, tmpdir_file("one.st"), SCANNED, JD_DIMS(1, 11, 11, channels), 1.5, config[0]),
                     JD_OK);
    jd_params *once = jd_params_new(ctx, JD_F32), *twice = jd_params_new(ctx, JD_F32);
    jd_tensor_file *f = jd_safetensors_open(ctx, tmpdir_file("one.st"));
    assert_int_equal(jd_params_load(ctx, once, f), JD_OK);
    jd_tensor_file_close(f);
    for (int k = 0; k < 2 * jd_params_ranges(once); k++) {
        const jd_range *r = jd_params_range(once, k / 2);
        char name[64];
        snprintf(name, sizeof name, "net%d/%s", k % 2 + 1, r->name);
        assert_int_equal(jd_params_set(twice, name, &r->type, jd_params_get(once, r->name)), JD_OK);
    }
    assert_int_equal(
        jd_params_save(ctx, twice, tmpdir_file("two.st"), (jd_metadata[]){{"jackdaw.config", config[1]}}, 1), JD_OK);
    jd_params_free(once);
    jd_params_free(twice);
}

/* What `scan` calls inside is the truth that `eval` agrees with, and its contrary the one where every pixel is wrong. */
/* The pictures of cut/image as one TIFF file: each slice gives what its picture gives. */
static void scans_stacks(void)
{
    if (!jd_has_tiff()) return;
    static uint32_t value[2 * SLICE * SLICE];
    static uint8_t file[2 * SLICE * SLICE + 1000];
    const tiff_kind k = {.bits = 8, .form = 1, .photometric = 1, .pages = 2, .height = SLICE, .width = SLICE};
    for (int s = 0; s < 2; s++) {
        jd_picture p = {0};
        assert_int_equal(jd_read_picture(ctx, tmpdir_file(s ? "cut/image/b.png" : "cut/image/a.png"), 1, &p), JD_OK);
        for (int i = 0; i < SLICE * SLICE; i++) value[s * SLICE * SLICE + i] = p.pixels[i];
        jd_picture_free(ctx, &p);
    }
    tmpdir_write(tmpdir_file("stack.tif"), file, tiff_file(&k, value, file));
    assert_int_equal(jackdaw("scan one.st stack.tif -o slice.png"), 0);
    assert_int_equal(jackdaw("scan one.st cut/image/ -o plain"), 0);
    for (int s = 0; s < 2; s++) {
        jd_picture a = {0}, b = {0};
        assert_int_equal(jd_read_picture(ctx, tmpdir_file(s ? "slice-01.png" : "slice-00.png"), 1, &a), JD_OK);
        assert_int_equal(jd_read_picture(ctx, tmpdir_file(s ? "plain/b.png" : "plain/a.png"), 1, &b), JD_OK);
        assert_memory_equal(a.pixels, b.pixels, SLICE * SLICE);
        jd_picture_free(ctx, &a);
        jd_picture_free(ctx, &b);
    }
}

static void scans_for_membranes(void **state)
{
    (void)state;
    scanning_models(1, "\"scan\":\"membranes\",\"views\":8,\"median\":1,\"calibration_a\":0.5");
    make_folder("cut/image");
    make_folder("cut/label");
    write_slice("cut/image/a.png", 1, 1);
    write_slice("cut/image/b.png", 2, 1);
    for (int k = 0; k < 2; k++) {
        const char *model = k ? "two.st" : "one.st";
        char command[200];
        snprintf(command, sizeof command, "scan %s cut/image/ -o cut/label --mask 0.5", model);
        assert_int_equal(jackdaw(command), 0);
        snprintf(command, sizeof command, "eval %s cut/ --json", model);
        assert_int_equal(jackdaw(command), 0);
        assert_non_null(strstr(said, "\"samples\":2,\"metric\":\"V_Rand (thin)\",\"value\":"));
        assert_non_null(strstr(said, "\"pixel_error\":0,"));
    }
    jd_picture p = {0};
    assert_int_equal(jd_read_picture(ctx, tmpdir_file("cut/label/a.png"), 1, &p), JD_OK);
    for (int i = 0; i < SLICE * SLICE; i++) p.pixels[i] ^= 255;
    assert_int_equal(jd_write_png(ctx, tmpdir_file("cut/label/a.png"), &p), JD_OK);
    jd_picture_free(ctx, &p);
    assert_int_equal(jackdaw("eval one.st cut --json"), 0);
    assert_non_null(strstr(said, "\"pixel_error\":0.5,"));
    scans_stacks();
    assert_int_equal(unlink(tmpdir_file("cut/label/b.png")), 0);
    assert_int_equal(jackdaw("eval one.st cut"), JD_ENOINPUT);
    assert_non_null(strstr(wrong, "cut/label/b.png"));
}

static void scans_for_points(void **state)
{
    (void)state;
    scanning_models(3, "\"scan\":\"points\",\"views\":2,\"threshold\":0.3,\"radius\":60");
    make_folder("cells/image");
    write_slice("cells/image/a.png", 1, 3);
    write_slice("cells/image/b.png", 2, 3);
    /* Whatever is found lies within the radius: with a point a picture each of them pairs with the first. */
    write_text("cells/points.tsv", "image\tx\ty\tarea\na\t18\t18\t30\nb\t3.5\t30\t30\n");
    assert_int_equal(jackdaw("eval one.st cells/ --json"), 0);
    assert_non_null(strstr(said, "\"samples\":2,\"metric\":\"F1 of the detections\""));
    assert_non_null(strstr(said, "\"recall\":1,\"radius\":60}"));
    char *once = jd_strdup(ctx, said);
    assert_int_equal(jackdaw("eval two.st cells/ --json"), 0);
    assert_string_equal(said, once);
    jd_free(ctx, once);
    /* The points of `scan` are those that `eval` counts: with them as the truth nothing is amiss. */
    assert_int_equal(jackdaw("scan one.st cells/image/ -o found.csv --quiet"), 0);
    FILE *f = fopen(tmpdir_file("found.csv"), "r"), *tsv = fopen(tmpdir_file("cells/points.tsv"), "w");
    char line[200];
    int points = 0;
    assert_true(f && tsv && fgets(line, sizeof line, f));
    assert_string_equal(line, "image,x,y,score\n");
    fputs("image\tx\ty\tarea\n", tsv);
    for (char image[20], x[20], y[20]; fgets(line, sizeof line, f); points++) {
        assert_int_equal(sscanf(line, "%19[^,],%19[^,],%19[^,],", image, x, y), 3);
        fprintf(tsv, "%s\t%s\t%s\t30\n", image, x, y);
    }
    fclose(f);
    fclose(tsv);
    assert_true(points > 0);
    assert_int_equal(jackdaw("eval one.st cells/ --json"), 0);
    assert_non_null(strstr(said, "\"value\":1,"));
    assert_int_equal(jackdaw("scan one.st cells/image/a.png -o ringed.png --quiet"), 0);
    if (jd_has_tiff()) { /* the slices of a stack, one after the other; each has a name of its own */
        static uint32_t value[2 * SLICE * SLICE];
        static uint8_t file[2 * SLICE * SLICE + 1000];
        const tiff_kind k = {.bits = 8, .form = 1, .photometric = 1, .pages = 2, .height = SLICE, .width = SLICE};
        write_slice("grey.png", 3, 1);
        jd_picture p = {0};
        assert_int_equal(jd_read_picture(ctx, tmpdir_file("grey.png"), 1, &p), JD_OK);
        for (int i = 0; i < 2 * SLICE * SLICE; i++) value[i] = p.pixels[i % (SLICE * SLICE)];
        jd_picture_free(ctx, &p);
        tmpdir_write(tmpdir_file("cells.tif"), file, tiff_file(&k, value, file));
        assert_int_equal(jackdaw("scan one.st grey.png -o grey.csv --quiet"), 0);
        assert_int_equal(jackdaw("scan one.st cells.tif -o both.csv --quiet"), 0);
        size_t n[2];
        char *grey = jd_read_file(ctx, tmpdir_file("grey.csv"), 1 << 20, &n[0]),
             *both = jd_read_file(ctx, tmpdir_file("both.csv"), 1 << 20, &n[1]);
        assert_true(lines(both) == 2 * lines(grey) - 1 && lines(grey) > 1);
        assert_non_null(strstr(both, "\ncells-00,"));
        assert_non_null(strstr(both, "\ncells-01,"));
        const char *first = strstr(grey, "\ngrey,") + 6; /* the same points in either slice */
        assert_memory_equal(strstr(both, "\ncells-01,") + 10, first, strcspn(first, "\n"));
        jd_free(ctx, grey);
        jd_free(ctx, both);
        assert_int_equal(jackdaw("scan one.st cells.tif -o ring.png --quiet"), 0);
        assert_int_equal(jd_read_picture(ctx, tmpdir_file("ring-01.png"), 3, &p), JD_OK);
        jd_picture_free(ctx, &p);
    }
    assert_int_equal(jackdaw("predict one.st cells/image/a.png"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "jackdaw scan"));
    assert_int_equal(jackdaw("scan one.st cells/image/a.png -o ringed.npy"), JD_EUSAGE);
    write_text("cells/points.tsv", "image\tx\ty\tarea\na\t180\t18\t30\n");
    assert_int_equal(jackdaw("eval one.st cells"), JD_EDATA);
    assert_non_null(strstr(wrong, "points of a: (180, 18)"));
    /* A model says whether the contrast of its pictures is stretched. */
    assert_int_equal(jackdaw("scan one.st cells/image/a.png -o found.csv --quiet"), 0);
    scanning_models(3, "\"scan\":\"points\",\"views\":2,\"threshold\":0.3,\"radius\":60,\"stretch\":0");
    assert_int_equal(jackdaw("scan one.st cells/image/a.png -o plain.csv --quiet"), 0);
    size_t n[2];
    char *found = jd_read_file(ctx, tmpdir_file("found.csv"), 1 << 20, &n[0]),
         *plain = jd_read_file(ctx, tmpdir_file("plain.csv"), 1 << 20, &n[1]);
    assert_true(n[0] != n[1] || memcmp(found, plain, n[0]) != 0);
    jd_free(ctx, found);
    jd_free(ctx, plain);
}

/* What `predict` says of a chain is the truth that `eval` agrees with, as a file and in a folder laid out like the set. */
static void tells_states(void **state)
{
    (void)state;
    static const char residues[] = "ACDEFGHIKLMNPQRSTVWYACDDEFGH";
    enum { LENGTH = sizeof residues - 1 };
    char h[LENGTH + 1] = {0}, table[300];
    assert_int_equal(write_model(ctx, tmpdir_file("chains.st"), "blstm 3, dense 11",
                                 JD_DIMS(LENGTH, 1, JD_RESIDUE_COUNT), 2,
                                 "{\"net\":\"blstm 3, dense 11\",\"residues\":\"" JD_RESIDUES
                                 "\",\"states\":\"" JD_STATES3 " " JD_STATES8 "\"}"),
                     JD_OK);
    snprintf(table, sizeof table, ">one\n%s\n", residues);
    write_text("one.fasta", table);
    assert_int_equal(jackdaw("predict chains.st one.fasta --csv"), 0);
    const char *row = strchr(said, '\n') + 1; /* id,place,residue,state,... */
    for (int i = 0; i < LENGTH; i++, row = strchr(row, '\n') + 1) {
        const char *field = row;
        for (int k = 0; k < 3; k++) field = strchr(field, ',') + 1;
        h[i] = *field;
    }
    make_folder("chains");
    snprintf(table, sizeof table, "id\tsequence\tdssp3\none\t%s\t%s\n", residues, h);
    write_text("chains/test.tsv", table);
    h[0] = h[0] == 'C' ? 'H' : 'C';
    snprintf(table, sizeof table, "id\tsequence\tdssp3\none\t%s\t%s\n", residues, h);
    write_text("chains/train.tsv", table);
    assert_int_equal(jackdaw("eval chains.st chains/ --json"), 0);
    assert_non_null(strstr(said, "\"chains\":1,\"residues\":28,\"metric\":\"Q3 (%)\",\"value\":100,"));
    assert_int_equal(jackdaw("eval chains.st chains/train.tsv --json"), 0);
    assert_non_null(strstr(said, "\"value\":96.428571428571"));
    assert_int_equal(jackdaw("eval chains.st chains --split all --json"), 0);
    assert_non_null(strstr(said, "\"chains\":2,\"residues\":56,"));
    assert_int_equal(jackdaw("eval chains.st nowhere/"), JD_ENOINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hears_strings),    cmocka_unit_test(hears_classes),
                                       cmocka_unit_test(reads_ink),        cmocka_unit_test(fits_pictures),
                                       cmocka_unit_test(labels_volumes),   cmocka_unit_test(scans_for_membranes),
                                       cmocka_unit_test(scans_for_points), cmocka_unit_test(tells_states)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
