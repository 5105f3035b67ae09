/* The system keyword-spotting: Speech Commands as it is distributed becomes a table of clips. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "../systems/keywords_folder.c"
#include "../systems/names.c"

#include "ctx_tmpdir.h"

const char *const keywords_names[KEYWORDS_CLASSES] = {"yes", "no",  "up",   "down", "left",    "right",
                                                      "on",  "off", "stop", "go",   "silence", "unknown"};
static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

/* Silence of so many milliseconds, 8000 samples of 16 bits a second. */
static void write_wav(const char *name, uint32_t milliseconds)
{
    static uint8_t wav[44 + 2 * 8 * 12000];
    const uint32_t bytes = 2 * 8 * milliseconds;
    memcpy(wav, "RIFF....WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data", 40);
    put32(wav + 4, 36 + bytes);
    put32(wav + 40, bytes);
    tmpdir_write(tmpdir_file(name), wav, 44 + bytes);
}

static const char *cell(const jd_tsv *t, const char *file, const char *column)
{
    const int k = jd_tsv_column(ctx, t, column);
    for (size_t i = 0; i < t->rows; i++)
        if (!strcmp(t->fields[i * t->cols], file)) return t->fields[i * t->cols + (size_t)k];
    return NULL;
}

static void the_folder_becomes_a_table(void **state)
{
    (void)state;
    jd_tsv t = {0};
    assert_int_equal(keywords_list_folder(ctx, tmpdir_path, &t), JD_ENOINPUT); /* no lists */
    jd_error_clear(ctx);
    static const char *const folders[] = {"yes", "no", "bed", "_background_noise_"};
    for (int k = 0; k < 4; k++) assert_int_equal(mkdir(tmpdir_file(folders[k]), 0755), 0);
    write_wav("yes/ann_nohash_0.wav", 1000);
    write_wav("yes/bob_nohash_0.wav", 1000);
    write_wav("no/cid_nohash_1.wav", 900);
    write_wav("bed/ann_nohash_0.wav", 1000);
    write_wav("_background_noise_/tap.wav", 10000);
    tmpdir_write(tmpdir_file("yes/notes.txt"), "x", 1);
    tmpdir_write(tmpdir_file("README.md"), "x", 1);
    tmpdir_write(tmpdir_file("testing_list.txt"), "yes/bob_nohash_0.wav\n", 21);
    tmpdir_write(tmpdir_file("validation_list.txt"), "up/x.wav\nno/cid_nohash_1.wav\nbed/q.wav\n", 39);
    assert_int_equal(keywords_list_folder(ctx, tmpdir_path, &t), JD_OK);
    assert_string_equal(cell(&t, "yes/ann_nohash_0.wav", "split"), "train");
    assert_string_equal(cell(&t, "yes/ann_nohash_0.wav", "speaker"), "ann");
    assert_string_equal(cell(&t, "yes/bob_nohash_0.wav", "split"), "test");
    assert_string_equal(cell(&t, "no/cid_nohash_1.wav", "split"), "valid");
    assert_string_equal(cell(&t, "bed/ann_nohash_0.wav", "word"), "unknown"); /* the only such word: all are kept */
    assert_null(cell(&t, "yes/notes.txt", "word"));
    size_t pieces[3] = {0};
    for (size_t i = 0; i < t.rows; i++) {
        char *const *f = t.fields + i * t.cols;
        if (strcmp(f[1], "silence") != 0) continue;
        const double at = atof(f[4]);
        const int part = !strcmp(f[3], "train") ? 0 : !strcmp(f[3], "valid") ? 1 : 2;
        static const double from[] = {0, 8, 9, 10};
        assert_true(at >= from[part] - 1e-9 && at + 1 <= from[part + 1] + 1e-9); /* no piece is in two parts */
        pieces[part]++;
    }
    assert_true(pieces[0] == 29 && pieces[1] == 1 && pieces[2] == 1);
    assert_int_equal(t.rows, 4 + 31);
    jd_tsv_free(ctx, &t);
}

static void of_unknown_words_a_share_is_taken(void **state)
{
    (void)state;
    int n = 0;
    char name[40];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "bed/%08x_nohash_0.wav", i * 7919);
        n += kept(name, 25);
    }
    assert_in_range(n, 700, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_folder_becomes_a_table),
                                       cmocka_unit_test(of_unknown_words_a_share_is_taken)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
