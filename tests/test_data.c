/* PNG, sound and table readers; SHA-256; the registry; spoken digits; batches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <sndfile.h>
#include <sys/stat.h>

#include "jackdaw/data.h"
#include "jackdaw/train.h"

#include "ctx_tmpdir.h"

static void png(void **state)
{
    (void)state;
    uint8_t rgb[2 * 3 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 10, 10, 200, 200, 200, 1, 2, 3};
    const char *path = tmpdir_file("a.png");
    jd_picture p = {.height = 2, .width = 3, .channels = 3, .pixels = rgb}, q = {0};
    assert_int_equal(jd_write_png(ctx, path, &p), JD_OK);
    assert_int_equal(jd_read_picture(ctx, path, 0, &q), JD_OK);
    assert_int_equal(q.height, 2);
    assert_int_equal(q.width, 3);
    assert_int_equal(q.channels, 3);
    assert_memory_equal(q.pixels, rgb, sizeof rgb);
    jd_picture_free(ctx, &q);
    assert_int_equal(jd_read_picture(ctx, path, 1, &q), JD_OK);
    assert_int_equal(q.channels, 1);
    assert_int_equal(q.pixels[3], 10);
    assert_int_equal(q.pixels[4], 200);
    assert_true(q.pixels[1] > q.pixels[0] && q.pixels[0] > q.pixels[2]); /* green is brighter than red than blue */
    jd_picture_free(ctx, &q);

    p.channels = 1;
    p.width = 9;
    assert_int_equal(jd_write_png(ctx, path, &p), JD_OK);
    assert_int_equal(jd_read_picture(ctx, path, 0, &q), JD_OK);
    assert_int_equal(q.channels, 1);
    assert_memory_equal(q.pixels, rgb, 18);
    jd_picture_free(ctx, &q);
    jd_read_picture(ctx, path, 2, &q);
    expect_error(JD_EUSAGE, "2 channels");
    tmpdir_write(path, "GIF89a", 6);
    jd_read_picture(ctx, path, 0, &q);
    expect_error(JD_EDATA, "ends in its header");
}

/* 1 x 1 gray, made by hand, whose header then claims other sizes. */
static void png_limits(void **state)
{
    (void)state;
    const char *path = tmpdir_file("big.png");
    uint8_t head[64] = {137, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0,  0, 13, 'I',
                        'H', 'D', 'R', 0,   0,  32, 0,  0,  0, 32, 1, 8,  0};
    jd_picture q = {0};
    tmpdir_write(path, head, sizeof head); /* 8192 x 8193: one row above 2^26 */
    jd_read_picture(ctx, path, 0, &q);
    expect_error(JD_EDATA, "8192 x 8193 pixels; the limit");
    head[23] = 0; /* 8192 x 8192 is within the limit, but not within 64 bytes */
    tmpdir_write(path, head, sizeof head);
    jd_read_picture(ctx, path, 0, &q);
    expect_error(JD_EDATA, "cannot come out of 64 bytes");
}

static void write_sound(const char *path, int format, int channels, const float *x, int frames)
{
    SF_INFO info = {.samplerate = 8000, .channels = channels, .format = format};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    assert_non_null(f);
    static short whole[20000]; /* libsndfile would scale floats by 32767 */
    for (int i = 0; i < frames * channels; i++) whole[i] = (short)(x[i] * 32768.f);
    const bool is_float = (format & SF_FORMAT_SUBMASK) == SF_FORMAT_FLOAT;
    assert_int_equal(is_float ? sf_writef_float(f, x, frames) : sf_writef_short(f, whole, frames), frames);
    sf_close(f);
}

static void sound(void **state)
{
    (void)state;
    static float x[2 * 10000];
    for (int i = 0; i < 20000; i++) x[i] = (float)(i * 7919 % 65536 - 32768) / 32768.f;
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16,
                                  SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                  SF_FORMAT_NIST | SF_FORMAT_PCM_16,
                                  SF_FORMAT_WAVEX | SF_FORMAT_FLOAT,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_24,
                                  SF_FORMAT_AU | SF_FORMAT_PCM_16,
                                  SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++)
        for (int ch = 1; ch <= 2; ch++) {
            jd_sound s = {0};
            const char *path = tmpdir_file("sound.dat"); /* told by contents, not by name */
            write_sound(path, formats[k], ch, x, 10000);
            if (jd_read_sound(ctx, path, &s)) fail_msg("%s", jd_error_message(ctx));
            assert_int_equal(s.count, 10000);
            assert_int_equal(s.rate, 8000);
            for (int i = 0; i < 10000; i++)
                assert_true(s.samples[i] == (ch == 1 ? x[i] : (x[2 * i] + x[2 * i + 1]) / 2.f));
            jd_sound_free(ctx, &s);
        }
    const char *path = tmpdir_file("own.wav");
    jd_sound own = {.rate = 44100, .count = 20000, .samples = x}, back = {0};
    assert_int_equal(jd_write_wav(ctx, path, &own), JD_OK);
    assert_int_equal(jd_read_sound(ctx, path, &back), JD_OK);
    assert_int_equal(back.rate, 44100);
    assert_int_equal(back.count, 20000);
    assert_memory_equal(back.samples, x, sizeof x);
    jd_sound_free(ctx, &back);
    assert_int_equal(truncate(path, 40000), 0);
    jd_read_sound(ctx, path, &back);
    expect_error(JD_EDATA, "chunk 'data' declares 40000 bytes");
    tmpdir_write(path,
                 "\0\0\0\x1c"
                 "ftypM4A ",
                 13);
    jd_read_sound(ctx, path, &back);
    expect_error(JD_EDATA,
                 "an MPEG-4 file (m4a, AAC); WAV, AIFF, AU, FLAC, Ogg, MP3 and NIST files are read, and `ffmpeg -i");
}

static jd_status csv(const char *text, const jd_csv_options *o, jd_table *t)
{
    const char *path = tmpdir_file("t.csv");
    tmpdir_write(path, text, strlen(text));
    return jd_read_csv(ctx, path, o, t);
}

static void tables(void **state)
{
    (void)state;
    jd_table t = {0};
    assert_int_equal(csv("# a comment\nx, y\r\n1,-2.5e3\n\n 3 ,4\n", NULL, &t), JD_OK);
    assert_int_equal(t.rows, 2);
    assert_int_equal(t.cols, 2);
    assert_string_equal(t.names[1], "y");
    assert_true(t.values[0] == 1 && t.values[1] == -2500 && t.values[2] == 3 && t.values[3] == 4);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("1;nan;3\n4;;-inf", &(jd_csv_options){.separator = ';', .missing_is_nan = true}, &t), JD_OK);
    assert_null(t.names);
    assert_int_equal(t.rows, 2);
    assert_true(isnan(t.values[1]) && isnan(t.values[4]) && isinf(t.values[5]));
    jd_table_free(ctx, &t);
    csv("1,2\n3\n", NULL, &t);
    expect_error(JD_EDATA, "line 2: 1 fields");
    csv("a,b\n3,4\n5,6x\n", NULL, &t);
    expect_error(JD_EDATA, "line 3, column 2 (b): '6x'");
    csv("1,2\n3,\n", NULL, &t);
    expect_error(JD_EDATA, "line 2, column 2");
    csv("a,b\n", NULL, &t);
    expect_error(JD_EDATA, "empty");
    assert_null(t.values);
    tmpdir_write(tmpdir_file("zero"), "1,2\0003\n", 7);
    jd_read_csv(ctx, tmpdir_file("zero"), NULL, &t);
    expect_error(JD_EDATA, "byte 3: a zero byte");
}

/* Columns by name, number, range, `last` and `*`; words in those that are not wanted; quotes; missing cells. */
static void chosen_columns(void **state)
{
    (void)state;
    jd_table t = {0};
    const char *const text =
        "\xef\xbb\xbftown;\"rooms; all\";age;\"a \"\"b\"\"\";price\nUlm;3;NA;1;\"2,5\"\nBonn;4;7;?;6\n";
    csv(text, &(jd_csv_options){.select = "age,\"rooms; all\""}, &t);
    expect_error(JD_EDATA, "line 2, column 3 (age): 'NA' is no number; fill it in");
    assert_int_equal(csv(text, &(jd_csv_options){.select = "\"rooms; all\",age,4", .missing_is_nan = true}, &t), JD_OK);
    assert_int_equal(t.cols, 3);
    assert_int_equal(t.rows, 2);
    assert_string_equal(t.names[0], "rooms; all");
    assert_string_equal(t.names[1], "age");
    assert_true(t.columns[0] == 2 && t.columns[1] == 3 && t.lines[0] == 2 && t.lines[1] == 3);
    assert_true(t.values[0] == 3 && isnan(t.values[1]) && t.values[2] == 1 && t.values[4] == 7 && isnan(t.values[5]));
    jd_table_free(ctx, &t);
    csv(text, &(jd_csv_options){.select = "agee"}, &t);
    expect_error(JD_EDATA, "no column 'agee' among the 5; did you mean 'age'?");
    csv(text, &(jd_csv_options){.select = "age,3"}, &t);
    expect_error(JD_EUSAGE, "column 3 is asked for twice");
    csv(text, &(jd_csv_options){.select = ""}, &t);
    expect_error(JD_EUSAGE, "the list of columns is empty");
    csv(text, &(jd_csv_options){.select = "6"}, &t);
    expect_error(JD_EDATA, "no column '6'");
    csv(text, &(jd_csv_options){.select = "town,price"}, &t);
    expect_error(JD_EDATA, "line 2, column 1 (town): 'Ulm'");
    assert_int_equal(csv(text, &(jd_csv_options){.select = "price"}, &t), JD_OK);
    assert_true(t.rows == 2 && t.values[0] == 2.5 && t.values[1] == 6); /* no comma between fields: one in a number */
    jd_table_free(ctx, &t);
    assert_int_equal(csv("a,1,2,3,4\nb,5,6,7,8\n", &(jd_csv_options){.select = "last,*,1-2"}, &t), JD_EDATA);
    expect_error(JD_EDATA, "line 2, column 1 (a): 'b'"); /* the first line became a header by its word */
    assert_int_equal(csv("a,1,2,3,4\nb,5,6,7,8\n", &(jd_csv_options){.select = "last,2-4"}, &t), JD_OK);
    assert_null(t.names);
    assert_true(t.rows == 2 && t.values[0] == 4 && t.values[1] == 1 && t.values[3] == 3 && t.values[4] == 8);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("1,2,3\n4,5,6\n", &(jd_csv_options){.select = "2,1"}, &t), JD_OK); /* places, not names */
    assert_true(t.rows == 2 && !t.names && t.values[0] == 2);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("1,2,3\n4,5,6\n", &(jd_csv_options){.select = "\"3\",1"}, &t), JD_OK);
    assert_true(t.rows == 1 && t.names && t.values[0] == 6);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("p,q,r\n1,2,3\n", &(jd_csv_options){.select = "*,p"}, &t), JD_OK);
    assert_true(t.cols == 3 && t.columns[0] == 2 && t.columns[2] == 1 && t.values[2] == 1);
    jd_table_free(ctx, &t);
}

/* Separators are told by the numbers that they cut out. */
static void separators(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.5,2,3\n4,5,6\n",
                                        "1,5;2;3\n4;5;6\n",
                                        "a, in m;b;c\n1,5;2;3\n4;5;6\n",
                                        "a b\tb\tc\n1,5\t2\t3\n4\t5\t6\n",
                                        "  1.5   2 \t3  \n4 5 6",
                                        "a b c\n# unit\n\n1.5 2 3\r\n4 5 6\r\n",
                                        "\"a;b\",\"b\",\"c\"\n\"1.5\",\"2\",\"3\"\n4,5,6\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        jd_table t = {0};
        assert_int_equal(csv(texts[i], NULL, &t), JD_OK);
        assert_true(t.rows == 2 && t.cols == 3 && t.values[0] == 1.5);
        for (int k = 1; k < 6; k++) assert_true(t.values[k] == k + 1);
        jd_table_free(ctx, &t);
    }
}

/* The last column as words, whatever the others are. */
static void words(void **state)
{
    (void)state;
    jd_table t = {0};
    const jd_csv_options o = {.missing_is_nan = true, .last_words = true};
    assert_int_equal(csv("1,2,red\n3,4,\"a, \"\"b\"\"\"\n5,6,\n7,8, 9 \n", &o, &t), JD_OK);
    assert_true(t.rows == 4 && t.cols == 3 && !t.names && t.values[10] == 8);
    assert_true(isnan(t.values[2]) && isnan(t.values[8]) && t.values[11] == 9);
    assert_string_equal(t.words[0], "red");
    assert_string_equal(t.words[1], "a, \"b\"");
    assert_string_equal(t.words[2], "");
    assert_string_equal(t.words[3], "9");
    jd_table_free(ctx, &t);
    assert_int_equal(csv("x,kind\n1,red\n", &o, &t), JD_OK);
    assert_true(t.rows == 1 && t.names && !strcmp(t.words[0], "red"));
    jd_table_free(ctx, &t);
    csv("1,2,red\n3,four,red\n", &o, &t);
    expect_error(JD_EDATA, "line 2, column 2: 'four' is no number");
}

static void tsv(void **state)
{
    (void)state;
    const char *path = tmpdir_file("i.tsv"), text[] = "file\tspeaker\ttake\na.wav\tann\t3\nb.wav\t\t\"4\n";
    tmpdir_write(path, text, strlen(text));
    jd_tsv t = {0};
    assert_int_equal(jd_read_tsv(ctx, path, &t), JD_OK);
    assert_int_equal(t.rows, 2);
    assert_int_equal(jd_tsv_column(ctx, &t, "take"), 2);
    assert_string_equal(t.fields[2], "3");
    assert_string_equal(t.fields[4], "");
    assert_string_equal(t.fields[5], "\"4");
    assert_int_equal(jd_tsv_column(ctx, &t, "speakr"), -1);
    expect_error(JD_EDATA, "'speaker'");
    jd_tsv_free(ctx, &t);
    tmpdir_write(path, "a\tb\n1\n", 6);
    jd_read_tsv(ctx, path, &t);
    expect_error(JD_EDATA, "line 2: 1 fields");
}

static void sum_of(const char *text, size_t times, const char *want)
{
    char hex[65];
    jd_sha256 h;
    jd_sha256_init(&h);
    for (size_t i = 0; i < times; i++) jd_sha256_add(&h, text, strlen(text));
    jd_sha256_hex(&h, hex);
    assert_string_equal(hex, want);
}

/* The examples of FIPS 180-4's publisher. */
static void sha256(void **state)
{
    (void)state;
    sum_of("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sum_of("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sum_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sum_of("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void registry(void **state)
{
    (void)state;
    int n = 0;
    for (const jd_dataset *d; (d = jd_dataset_at(n)) != NULL; n++) {
        assert_non_null(d->title);
        assert_non_null(d->licence);
        assert_non_null(d->obtain);
        assert_int_equal(strncmp(d->home, "http", 4), 0);
        assert_ptr_equal(jd_dataset_find(ctx, d->name), d);
        for (const jd_dataset_file *f = d->files; f->name; f++)
            if (f->sha256) assert_int_equal(strlen(f->sha256), 64);
    }
    assert_true(n >= 3);
    assert_null(jd_dataset_find(ctx, "mnits"));
    expect_error(JD_EUSAGE, "'mnist'");

    /* nothing anywhere: the sentence says where it looked and what to do */
    setenv("JACKDAW_DATA", tmpdir_file("nowhere"), 1);
    setenv("XDG_CACHE_HOME", tmpdir_file("cache"), 1);
    assert_null(jd_dataset_locate(ctx, jd_dataset_find(ctx, "mnist")));
    assert_non_null(strstr(jd_error_message(ctx), "/cache/jackdaw/mnist"));
    expect_error(JD_ENOINPUT, "any mirror");
    assert_null(jd_dataset_get(ctx, jd_dataset_find(ctx, "mnist"), NULL));
    expect_error(JD_ENOINPUT, "--from DIR");
    assert_null(jd_dataset_get(ctx, jd_dataset_find(ctx, "mnist"), tmpdir_path));
    expect_error(JD_ENOINPUT, "does not hold the files");
}

/* A tiny set under the name of a registered one: found, loaded, and found wrong by its size. */
static void image_set(void **state)
{
    (void)state;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/mnist", tmpdir_path);
    assert_int_equal(mkdir(dir, 0777), 0);
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    uint8_t px[8] = {1, 2, 3, 4, 5, 6, 7, 8}, lb[2] = {9, 0};
    static const char *const parts[2] = {"train", "t10k"};
    for (size_t k = 0; k < 2; k++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", dir, parts[k]);
        jd_write_idx(ctx, path, &(jd_idx){.type = JD_IDX_U8, .rank = 3, .size = {2 - k, 2, 2}, .data = px});
        snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", dir, parts[k]);
        jd_write_idx(ctx, path, &(jd_idx){.type = JD_IDX_U8, .rank = 1, .size = {2 - k}, .data = lb});
    }
    jd_images im = {0};
    static const size_t counts[3] = {2, 1, 3};
    for (int split = JD_TRAIN; split <= JD_ALL; split++) {
        if (jd_load_images(ctx, "mnist", (jd_split)split, &im)) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(im.count, counts[split]);
        assert_int_equal(im.classes, 10);
        assert_int_equal(im.labels[im.count - 1], split == JD_TRAIN ? 0 : 9);
        jd_images_free(ctx, &im);
    }
    /* The folder stands for itself, with as many classes as there are: here 12, of which the test part knows none but 9. */
    char own[512], path[600];
    snprintf(own, sizeof own, "%s/letters", tmpdir_path);
    assert_int_equal(rename(dir, own), 0);
    lb[1] = 11;
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", own);
    jd_write_idx(ctx, path, &(jd_idx){.type = JD_IDX_U8, .rank = 1, .size = {2}, .data = lb});
    if (jd_load_images(ctx, own, JD_TEST, &im)) fail_msg("%s", jd_error_message(ctx));
    assert_int_equal(im.count, 1);
    assert_int_equal(im.classes, 12);
    jd_images_free(ctx, &im);
    jd_load_images(ctx, tmpdir_path, JD_TEST, &im);
    expect_error(JD_ENOINPUT, "no folder with the files of a set of pictures");
    assert_int_equal(rename(own, dir), 0);
    jd_dataset_verify(ctx, jd_dataset_find(ctx, "mnist"), dir, NULL, NULL);
    expect_error(JD_EDATA, "24 bytes after gunzip, 47040016 are recorded");
    setenv("XDG_CACHE_HOME", tmpdir_file("cache"), 1);
    assert_null(jd_dataset_get(ctx, jd_dataset_find(ctx, "mnist"), dir)); /* copied, then found wrong */
    expect_error(JD_EDATA, "cache/jackdaw/mnist/train-images");
    jd_load_images(ctx, "fsdd", JD_TRAIN, &im);
    expect_error(JD_EUSAGE, "no images");
}

static void count_lines(void *user, const char *line)
{
    if (strstr(line, "recordings can be read")) ++*(int *)user;
}

static void hear_nothing(void *user, const jd_run_event *e)
{
    int *notes = user;
    *notes += e->kind == JD_EVENT_NOTE && strstr(e->text, "skipped: ") != NULL;
}

static bool pass_over(void *run)
{
    return jd_run_skip(run);
}

/* Three recordings are damaged by now: an error, or passed over and counted by a run that was told to. */
static void skips_recordings(const char *dir)
{
    char path[512];
    jd_speech s = {0};
    snprintf(path, sizeof path, "%s/recordings/0_zoe_3.wav", dir);
    tmpdir_write(path, "RIFF", 4);
    snprintf(path, sizeof path, "%s/recordings/2_jo_9.wav", dir);
    tmpdir_write(path, "no sound", 8);
    for (int told = 0; told < 2; told++) {
        int notes = 0;
        jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "skip",
                                                      .dir = tmpdir_file("skip"),
                                                      .on_event = hear_nothing,
                                                      .user = &notes,
                                                      .skip_bad = told});
        assert_non_null(r);
        jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = dir, .split = JD_ALL, .skip = pass_over, .user = r}, &s);
        if (told) {
            assert_int_equal(jd_error(ctx), JD_OK);
            assert_int_equal(s.count, 34);
            assert_int_equal(notes, 3);
            jd_speech_free(ctx, &s);
            assert_int_equal(jd_run_finish(r, 1, NULL), JD_OK);
            char *json = jd_run_result_json(r);
            assert_non_null(strstr(json, "\"skipped\":3"));
            jd_free(ctx, json);
        } else {
            expect_error(JD_EDATA, "0_zoe_3.wav");
        }
        jd_run_free(r);
    }
}

static void spoken_digits(void **state)
{
    (void)state;
    char dir[300];
    snprintf(dir, sizeof dir, "%s/fsdd", tmpdir_path);
    mkdir(dir, 0777);
    snprintf(dir, sizeof dir, "%s/fsdd/recordings", tmpdir_path);
    assert_int_equal(mkdir(dir, 0777), 0);
    /* three speakers, one with '_' in the name, one the beginning of another's */
    static const char *const who[3] = {"zoe", "jo", "jo_ann"};
    for (int d = 0; d < 3; d++)
        for (int s = 0; s < 3; s++)
            for (int take = 0; take < 12; take += 3) {
                char path[512];
                float x[3] = {(float)d / 8.f, (float)s / 8.f, (float)take / 16.f};
                snprintf(path, sizeof path, "%s/%d_%s_%d.wav", dir, d, who[s], take);
                jd_write_wav(ctx, path, &(jd_sound){.rate = 8000, .count = 3, .samples = x});
            }
    tmpdir_write(tmpdir_file("fsdd/recordings/readme.txt"), "x", 1);
    snprintf(dir, sizeof dir, "%s/fsdd", tmpdir_path);
    jd_speech s = {0};
    static const size_t counts[3] = {18, 18, 36}; /* takes 0 3 | 6 9 */
    for (int split = JD_TRAIN; split <= JD_ALL; split++) {
        if (jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = dir, .split = (jd_split)split}, &s))
            fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(s.count, counts[split]);
        assert_int_equal(s.speakers, 3);
        assert_string_equal(s.speaker_names[0], "jo");
        assert_string_equal(s.speaker_names[1], "jo_ann");
        for (size_t i = 0; i < s.count; i++) {
            const jd_utterance *u = &s.items[i];
            assert_int_equal((int)(8.f * u->samples[0]), u->digit);
            assert_string_equal(s.speaker_names[u->speaker], who[(int)(8.f * u->samples[1])]);
            assert_int_equal((int)(16.f * u->samples[2]), u->take);
            if (i) assert_true(u->digit > u[-1].digit || u->speaker > u[-1].speaker || u->take > u[-1].take);
        }
        jd_speech_free(ctx, &s);
    }
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    assert_int_equal(jd_load_fsdd(ctx, &(jd_fsdd_options){.split = JD_ALL, .only = "jo"}, &s), JD_OK);
    assert_int_equal(s.count, 12);
    jd_speech_free(ctx, &s);
    assert_int_equal(jd_load_fsdd(ctx, &(jd_fsdd_options){.split = JD_TEST, .without = "jo"}, &s), JD_OK);
    assert_int_equal(s.count, 12);
    jd_speech_free(ctx, &s);
    jd_load_fsdd(ctx, &(jd_fsdd_options){.only = "zoo"}, &s);
    expect_error(JD_EUSAGE, "'zoe'");
    jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = "/tmp/no/such/place"}, &s);
    expect_error(JD_ENOINPUT, "/tmp/no/such/place");

    const jd_dataset *set = jd_dataset_find(ctx, "fsdd");
    int lines = 0;
    assert_int_equal(jd_dataset_verify(ctx, set, dir, count_lines, &lines), JD_OK);
    assert_int_equal(lines, 3);
    setenv("XDG_CACHE_HOME", tmpdir_file("cache"), 1);
    char *got = jd_dataset_get(ctx, set, dir);
    if (!got) fail_msg("%s", jd_error_message(ctx));
    unsetenv("JACKDAW_DATA");
    char *found = jd_dataset_locate(ctx, set); /* now from the cache */
    assert_string_equal(found, got);
    jd_free(ctx, found);
    jd_free(ctx, got);
    tmpdir_write(tmpdir_file("fsdd/recordings/3_zoe_1.wav"), "RIFF....WAVE", 12);
    jd_dataset_verify(ctx, set, dir, NULL, NULL);
    expect_error(JD_EDATA, "3_zoe_1.wav: byte 12");
    skips_recordings(dir);
}

static void check_batches(const jd_batches *b, size_t n, const int32_t *length)
{
    static uint8_t seen[1000];
    memset(seen, 0, sizeof seen);
    assert_int_equal(b->offset[0], 0);
    for (size_t k = 0; k < b->count; k++)
        for (size_t i = b->offset[k]; i < b->offset[k + 1]; i++) {
            assert_true(b->index[i] < n);
            assert_int_equal(seen[b->index[i]]++, 0);
            if (length && i > b->offset[k]) assert_true(length[b->index[i]] <= length[b->index[i - 1]]);
        }
}

static void batches(void **state)
{
    (void)state;
    enum { N = 997 };
    int32_t length[N];
    jd_rng r = jd_rng_new(1, "batches-test", 0);
    for (int i = 0; i < N; i++) length[i] = (int32_t)jd_rng_below(&r, 300);
    jd_batches a = {0}, b = {0};
    jd_batches_options o = {.count = N, .batch = 32, .length = length, .shuffle = true, .seed = 5, .epoch = 2};
    assert_int_equal(jd_batches_make(ctx, &o, &a), JD_OK);
    assert_int_equal(jd_batches_make(ctx, &o, &b), JD_OK);
    check_batches(&a, N, length);
    assert_int_equal(a.count, 32);
    assert_int_equal(a.offset[a.count], N);
    assert_memory_equal(a.index, b.index, N * sizeof *a.index);
    size_t padded = 0, falling = 0;
    for (size_t k = 0; k < a.count; k++) {
        padded += (size_t)length[a.index[a.offset[k]]] * (a.offset[k + 1] - a.offset[k]);
        falling += k && length[a.index[a.offset[k]]] <= length[a.index[a.offset[k - 1]]];
    }
    size_t used = 0;
    for (int i = 0; i < N; i++) used += (size_t)length[i];
    assert_true((double)padded < 1.06 * (double)used);
    assert_in_range(falling, 5, 25); /* the order of the batches is random */
    jd_batches_free(ctx, &b);
    o.epoch = 3;
    jd_batches_make(ctx, &o, &b);
    assert_memory_not_equal(a.index, b.index, N * sizeof *a.index);
    jd_batches_free(ctx, &a);
    jd_batches_free(ctx, &b);

    o.pool = 4;
    o.drop_last = true;
    assert_int_equal(jd_batches_make(ctx, &o, &a), JD_OK);
    check_batches(&a, N, length);
    assert_int_equal(a.count, 31);
    assert_int_equal(a.offset[31], 31 * 32);
    jd_batches_free(ctx, &a);
    o = (jd_batches_options){.count = 5, .batch = 2};
    jd_batches_make(ctx, &o, &a);
    assert_int_equal(a.count, 3);
    for (uint32_t i = 0; i < 5; i++) assert_int_equal(a.index[i], i);
    jd_batches_free(ctx, &a);
    o = (jd_batches_options){.count = 5, .batch = 6, .drop_last = true};
    jd_batches_make(ctx, &o, &a);
    expect_error(JD_EUSAGE, "do not fill one batch");
}

static void permutations(void **state)
{
    (void)state;
    uint32_t a[100], b[100];
    int same = 0;
    uint8_t seen[100] = {0};
    jd_epoch_order(1, 0, a, 100);
    jd_epoch_order(1, 0, b, 100);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < 100; i++) assert_int_equal(seen[a[i]]++, 0);
    jd_epoch_order(1, 1, b, 100);
    for (int i = 0; i < 100; i++) same += a[i] == b[i];
    assert_true(same < 10);
}

static void categories(void **state)
{
    (void)state;
    jd_csv_options o = {.categories = true, .missing_is_nan = true};
    jd_table t = {0};
    assert_int_equal(csv("age|town|sex\n3|Ulm|f\n4|Bonn|?\n5|Ulm|m\n", &o, &t), JD_OK);
    assert_string_equal(t.categories, "\nBonn|Ulm\nf|m");
    assert_true(t.values[1] == 1 && t.values[4] == 0 && t.values[7] == 1 && isnan(t.values[5]) && t.values[8] == 1);
    jd_table_free(ctx, &t);
    o.known = "\nBonn|Ulm\nf|m";
    csv("7,Ulm,m\n8,Trier,f\n", &o, &t); /* no header: a number stands in the first line */
    expect_error(JD_EDATA, "line 2, column 2: 'Trier' is none of the words");
    o.strangers = true;
    assert_int_equal(csv("7,Ulm,m\n8,Trier,f\n", &o, &t), JD_OK);
    assert_true(t.values[1] == 1 && t.values[2] == 1 && t.values[4] == -1 && t.values[5] == 0);
    assert_true(t.strangers == 1 && t.strange[0] == 2 && t.strange[1] == 2);
    jd_table_free(ctx, &t);
    o.last_words = true; /* the last column is no input, whatever the list says of it */
    assert_int_equal(csv("7,Ulm,900\n8,Bonn,-1\n", &o, &t), JD_OK);
    assert_string_equal(t.categories, "\nBonn|Ulm");
    assert_true(t.values[1] == 1 && t.values[2] == 900 && t.values[5] == -1);
    assert_string_equal(t.words[0], "900");
    jd_table_free(ctx, &t);
    o = (jd_csv_options){.categories = true};
    assert_int_equal(csv("p,x\ne,y\np,y\n", &o, &t), JD_OK); /* words alone: one comes again */
    assert_null(t.names);
    assert_int_equal(t.rows, 3);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("a,b\ne,y\np,y\n", &o, &t), JD_OK);
    assert_int_equal(t.rows, 2);
    jd_table_free(ctx, &t);
    csv("a,b\n1,2\nx,3\n", &o, &t); /* the first cell says that the column holds numbers */
    expect_error(JD_EDATA, "line 3, column 1 (a): 'x' is no number");
    csv("a,b\n1,x\n2,y|z\n", &o, &t);
    expect_error(JD_EDATA, "line 3, column 2 (b): 'y|z' holds a |");
    csv("a,b\n1,caf\xe9\n", &o, &t);
    expect_error(JD_EDATA, "line 2: a word is no UTF-8 text");
    /* Row numbers as pandas writes them, columns left out, lines that end with \r. */
    o = (jd_csv_options){.select = NULL};
    assert_int_equal(csv(",a,b\n0,5,6\n1,7,8\n", &o, &t), JD_OK);
    assert_true(t.cols == 2 && t.row_numbers == 1 && t.values[0] == 5 && t.values[3] == 8);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("ID,a,b\r\n8,5,6\r\n9,7,8\r\n10,7,8", &o, &t), JD_OK);
    assert_true(t.cols == 2 && t.row_numbers == 1 && t.values[0] == 5 && t.values[3] == 8);
    jd_table_free(ctx, &t);
    assert_int_equal(csv("id,a,b\n8,5,6\n9,7,8\n11,7,8\n", &o, &t), JD_OK);
    assert_true(t.cols == 3 && t.row_numbers == 0); /* no count */
    jd_table_free(ctx, &t);
    o.select = "1,*";
    assert_int_equal(csv(",a,b\n0,5,6\n1,7,8\n", &o, &t), JD_OK);
    assert_true(t.cols == 3 && t.row_numbers == 0);
    jd_table_free(ctx, &t);
    o.select = "-a,c";
    assert_int_equal(csv("a,b,c\r1,2,3\r4,5,6\r", &o, &t), JD_OK);
    assert_true(t.cols == 2 && t.rows == 2 && t.columns[0] == 2 && t.values[3] == 6);
    jd_table_free(ctx, &t);
    o = (jd_csv_options){.categories = true, .missing_is_nan = true};
    assert_int_equal(
        csv("% made for a test\n\n@RELATION r\n@attribute 'a b' numeric\n@attribute 1 {x, 'y z'}\n@data\n% so\n"
            "4,'y z'\n?,x\n",
            &o, &t),
        JD_OK);
    assert_string_equal(t.names[0], "a b");
    assert_string_equal(t.categories, "\nx|y z");
    assert_true(t.rows == 2 && t.values[0] == 4 && t.values[1] == 1 && isnan(t.values[2]) && t.lines[1] == 9);
    jd_table_free(ctx, &t);
    csv("@relation r\n@attribute a numeric\n1\n", &o, &t);
    expect_error(JD_EDATA, "line 3: no @data");
    csv("@relation r\n@attribute a numeric\n@data\n{0 1}\n", &o, &t);
    assert_int_equal(jd_error(ctx), JD_OK); /* a word like others */
    jd_table_free(ctx, &t);
    o = (jd_csv_options){.select = "*,last"};
    assert_int_equal(csv("a,b,c,\n1,2,3,\n4,5,6,\n", &o, &t),
                     JD_OK); /* a spreadsheet's separator behind the last column */
    assert_true(t.cols == 3 && t.columns[2] == 3 && t.values[5] == 6);
    jd_table_free(ctx, &t);
    csv("1,2,\n3,4,\n5,6,7\n", &o, &t);
    expect_error(JD_EDATA, "line 3, column 3: '7', but the first lines end with a separator");
    o = (jd_csv_options){.select = "-d"};
    csv("a,b,c\n1,2,3\n", &o, &t);
    expect_error(JD_EDATA, "no column 'd'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png),           cmocka_unit_test(png_limits), cmocka_unit_test(sound),
        cmocka_unit_test(tables),        cmocka_unit_test(categories), cmocka_unit_test(chosen_columns),
        cmocka_unit_test(separators),    cmocka_unit_test(words),      cmocka_unit_test(tsv),
        cmocka_unit_test(sha256),        cmocka_unit_test(registry),   cmocka_unit_test(image_set),
        cmocka_unit_test(spoken_digits), cmocka_unit_test(batches),    cmocka_unit_test(permutations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
