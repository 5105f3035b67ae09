/* test_music.c - the twelve bars of the generated blues, drawn notes, and the MIDI file of a table of notes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "../systems/music.c"
#include "../systems/music_blues.c"
#include "../systems/music_pieces.c"
#include "../systems/names.c"

#include "ctx_tmpdir.h"

static void chorus(void **state)
{
    (void)state;
    enum { N = 40 };
    static const char bars[] = "CCCCFFCCGFCC";
    static const struct {
        char name;
        const char *notes; /* places in the octave, as letters from a */
    } chords[] = {{'C', "aehk"}, {'F', "fjad"}, {'G', "hlcf"}};
    static uint8_t on[N][CHORUS][WIDTH];
    double rests = 0, strong = 0, tones = 0;
    for (int i = 0; i < N; i++) {
        write_chorus(5, i, on[i][0]);
        for (int t = 0; t < CHORUS; t++) {
            uint8_t want[CHORDS] = {0};
            int notes = 0, place = -1, chord = 0;
            while (chords[chord].name != bars[t / BAR]) chord++;
            for (const char *s = chords[chord].notes; *s; s++) want[*s - 'a'] = 1;
            assert_memory_equal(on[i][t], want, CHORDS);
            assert_true(right_chord(on[i][t], t + 3 * CHORUS));
            for (int k = 0; k < NOTES; k++)
                if (on[i][t][CHORDS + k]) {
                    notes++;
                    place = k;
                }
            assert_in_range(notes, 0, 1);
            rests += notes == 0;
            if (t % 4 == 0 && notes) {
                strong++;
                tones += want[SCALE[place] % 12];
            }
        }
    }
    assert_true(rests / (N * CHORUS) > 0.17 && rests / (N * CHORUS) < 0.23);
    assert_true(tones / strong > 0.78 && tones / strong < 0.97); /* 0.8, and those by chance */
    assert_false(same_melody(on[0][0], on[1][0]));
}

static void judged(void **state)
{
    (void)state;
    uint8_t training[CHORUS * WIDTH], on[3 * CHORUS * WIDTH];
    const band b = {.choruses = 1, .training = training};
    const music_roll roll = {.T = 3 * CHORUS, .N = WIDTH, .on = on};
    write_chorus(1, 0, training);
    memcpy(on, training, sizeof training);
    write_chorus(1, 1, on + CHORUS * WIDTH);
    memcpy(on + 2 * CHORUS * WIDTH, on + CHORUS * WIDTH, CHORUS * WIDTH);
    form f = judge(&b, &roll);
    assert_true(f.bars == 100 && f.steps == 100 && f.kept == 3);
    assert_int_equal(f.different, 2);
    assert_int_equal(f.copied, 1);
    on[(CHORUS + 16) * WIDTH] ^= 1; /* one note of one chord, at a bar */
    f = judge(&b, &roll);
    assert_int_equal(f.kept, 1);
    assert_true(f.bars < 100 && f.bars > 97);
}

static void drawn(void **state)
{
    (void)state;
    const float p[3] = {0.2f, 0.6f, 0.1f};
    jd_rng r = jd_rng_new(1, "drawn", 0);
    int count[4] = {0};
    assert_int_equal(music_draw_one(NULL, p, 3, 1), 1);
    assert_int_equal(music_draw_one(NULL, (const float[]){0.1f, 0.2f, 0.1f}, 3, 1), -1);
    for (int i = 0; i < 20000; i++) count[music_draw_one(&r, p, 3, 1) + 1]++;
    const double want[4] = {0.1, 0.2, 0.6, 0.1};
    for (int k = 0; k < 4; k++) assert_true(fabs(count[k] / 20000.0 - want[k]) < 0.015);
}

static void file(void **state)
{
    (void)state;
    static const uint8_t pitch[2] = {60, 72}, channel[2] = {0, 1};
    uint8_t on[6 * 2] = {1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1}; /* note 0: steps 0 1 2 4 5; note 1: 0 1 4 5 */
    const music_roll roll = {.T = 6, .N = 2, .on = on};
    const music_voice v = {.pitch = pitch,
                           .channel = channel,
                           .program = {1, 2},
                           .velocity = {50, 60},
                           .per_quarter = 2,
                           .tempo = 100,
                           .hold = 2,
                           .hold_channel = 0};
    const char *path = tmpdir_file("a.mid");
    jd_midi m = {0};
    assert_int_equal(music_write(ctx, path, &roll, &v), JD_OK);
    assert_int_equal(jd_read_midi(ctx, path, &m), JD_OK);
    static const int64_t want[][3] = {{0, 480, 60},   {0, 240, 72},   {240, 240, 72}, {480, 240, 60},
                                      {960, 480, 60}, {960, 240, 72}, {1200, 240, 72}};
    assert_int_equal(m.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(m.notes[i].start, want[i][0]);
        assert_int_equal(m.notes[i].length, want[i][1]);
        assert_int_equal(m.notes[i].pitch, want[i][2]);
        assert_int_equal(m.notes[i].velocity, m.notes[i].pitch == 60 ? 50 : 60);
    }
    jd_midi_free(ctx, &m);
}

/* One piece as text, as JSON and as a MIDI file is the same piece. */
static void pieces_as_found(void **state)
{
    (void)state;
    static const char text[] = "60,64 - 62\n", json[] = "{\"test\": [[[60, 64.0], [], [-1, 62]]],\n \"train\":[[[1]]]}";
    static const char *const name[] = {"text", "json", "midi"};
    char folder[3][64];
    for (int k = 0; k < 3; k++) {
        snprintf(folder[k], sizeof folder[k], "%s", tmpdir_file(name[k]));
        mkdir(folder[k], 0700);
    }
    tmpdir_write(tmpdir_file("text/quarter.test.txt"), text, strlen(text));
    tmpdir_write(tmpdir_file("json/jsb-chorales-quarter.json"), json, strlen(json));
    mkdir(tmpdir_file("midi/test"), 0700);
    jd_midi_note notes[] = {{0, 480, 60, 90, 0}, {0, 400, 64, 90, 1}, {940, 500, 62, 90, 0}, {0, 1440, 40, 90, 9}};
    assert_int_equal(jd_write_midi(ctx, tmpdir_file("midi/test/a.mid"),
                                   &(jd_midi){.division = 480, .tempo = 90, .count = 4, .notes = notes}),
                     JD_OK);
    for (int k = 0; k < 3; k++) {
        pieces p = {0};
        jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "own", .dir = tmpdir_path, .data = folder[k]});
        if (pieces_read(r, "test", &p)) fail_msg("%s", jd_error_message(ctx));
        assert_true(p.n == 1 && p.items[0].steps == 3);
        for (int t = 0; t < 3; t++)
            for (int i = 0; i < PIECES_NOTES; i++)
                assert_int_equal(p.items[0].on[t * PIECES_NOTES + i],
                                 (t == 0 && (i == 39 || i == 43)) || (t == 2 && i == 41));
        pieces_free(ctx, &p);
        assert_int_equal(pieces_read(r, "valid", &p), k == 1 ? JD_EDATA : JD_ENOINPUT);
        jd_error_clear(ctx);
        jd_run_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chorus), cmocka_unit_test(judged), cmocka_unit_test(drawn),
                                       cmocka_unit_test(file), cmocka_unit_test(pieces_as_found)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
