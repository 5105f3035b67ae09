/* test_midi.c - Standard MIDI Files: what is written is read again; a file written down byte by byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "jackdaw/midi.h"

#include "ctx_tmpdir.h"

static void same(const jd_midi_note *a, const jd_midi_note *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].start, b[i].start);
        assert_int_equal(a[i].length, b[i].length);
        assert_int_equal(a[i].pitch, b[i].pitch);
        assert_int_equal(a[i].velocity, b[i].velocity);
        assert_int_equal(a[i].channel, b[i].channel);
    }
}

static void round_trip(void **state)
{
    (void)state;
    jd_midi_note notes[200];
    size_t n = 0;
    jd_rng r = jd_rng_new(3, "midi", 0);
    for (int i = 0; i < 100; i++) /* in order, notes of one pitch and channel one after the other */
        for (int c = 0; c < 2; c++)
            notes[n++] = (jd_midi_note){.start = 500 * i,
                                        .length = 1 + jd_rng_below(&r, 500),
                                        .pitch = (uint8_t)(jd_rng_below(&r, 128)),
                                        .velocity = (uint8_t)(1 + jd_rng_below(&r, 127)),
                                        .channel = (uint8_t)(c * 15)};
    const jd_midi m = {.division = 96, .tempo = 93.5, .program = {5, [15] = 33}, .count = n, .notes = notes};
    const char *path = tmpdir_file("a.mid");
    jd_midi got = {0};
    assert_int_equal(jd_write_midi(ctx, path, &m), JD_OK);
    assert_int_equal(jd_read_midi(ctx, path, &got), JD_OK);
    assert_int_equal(got.division, 96);
    assert_true(fabs(got.tempo - 93.5) < 1e-4);
    assert_int_equal(got.program[0], 5);
    assert_int_equal(got.program[15], 33);
    assert_int_equal(got.count, n);
    same(got.notes, notes, n);
    jd_midi_free(ctx, &got);
}

/* Format 0, running status, a note ended by velocity 0, an unknown chunk, a text, a note that never ends. */
static void by_hand(void **state)
{
    (void)state;
    static const uint8_t file[] = {
        'M', 'T',  'h',  'd', 0,    0,    0,    6,    0,    0,  0,  1,  0,  96, /* 96 ticks a quarter */
        'X', 'Y',  'Z',  'W', 0,    0,    0,    2,    1,    2,                  /* nobody knows */
        'M', 'T',  'r',  'k', 0,    0,    0,    35,                             /* */
        0,   0xFF, 0x51, 3,   0x07, 0xA1, 0x20,                                 /* 500,000 us: 120 */
        0,   0xFF, 1,    2,   'h',  'i',                                        /* a text */
        0,   0xC2, 17,   0,   0x92, 60,   100,  0x81, 0x48, 64, 90, 10, 60, 0,  0, 0xF0, 1, 0xF7, /* 200 ticks later */
        5,   0xFF, 0x2F, 0,                                                                       /* */
    };
    const char *path = tmpdir_file("hand.mid");
    jd_midi m = {0};
    tmpdir_write(path, file, sizeof file);
    assert_int_equal(jd_read_midi(ctx, path, &m), JD_OK);
    const jd_midi_note expected[] = {{0, 210, 60, 100, 2}, {200, 15, 64, 90, 2}};
    assert_int_equal(m.count, 2);
    same(m.notes, expected, 2);
    assert_true(m.tempo == 120);
    assert_int_equal(m.program[2], 17);
    jd_midi_free(ctx, &m);
}

/* A chord keeps the order in which its notes are given, and a note may follow another of its pitch at once: by hand. */
static void written_bytes(void **state)
{
    (void)state;
    jd_midi_note note[] = {{0, 10, 64, 90, 1}, {0, 10, 60, 80, 1}, {10, 5, 64, 70, 1}};
    jd_midi m = {.division = 96, .tempo = 120, .count = 3, .notes = note, .program = {[1] = 7}};
    static const uint8_t track[] = {'M', 'T', 'r',  'k',  0,  0,  0,    31,   0,  0xC1, 7,    0,    0x91,
                                    64,  90,  0,    0x91, 60, 80, 10,   0x81, 64, 64,   0,    0x81, 60,
                                    64,  0,   0x91, 64,   70, 5,  0x81, 64,   64, 0,    0xFF, 0x2F, 0};
    const char *path = tmpdir_file("chord.mid");
    assert_int_equal(jd_write_midi(ctx, path, &m), JD_OK);
    size_t n;
    char *bytes = jd_read_file(ctx, path, 0, &n);
    assert_true(n > sizeof track);
    assert_memory_equal(bytes + n - sizeof track, track, sizeof track);
    jd_free(ctx, bytes);
    m.program[3] = 128;
    assert_int_equal(jd_write_midi(ctx, path, &m), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "program 128"));
    jd_error_clear(ctx);
}

static void wrong_notes(void **state)
{
    (void)state;
    jd_midi_note n = {.start = 0, .length = 10, .pitch = 60, .velocity = 64};
    jd_midi m = {.division = 480, .tempo = 100, .count = 1, .notes = &n};
    const char *path = tmpdir_file("b.mid");
    for (int k = 0; k < 5; k++) {
        jd_midi_note bad = n;
        if (k == 0) bad.length = 0;
        if (k == 1) bad.pitch = 128;
        if (k == 2) bad.velocity = 0;
        if (k == 3) bad.channel = 16;
        if (k == 4) bad.start = -1;
        m.notes = &bad;
        assert_int_equal(jd_write_midi(ctx, path, &m), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    m.notes = &n;
    m.tempo = 0;
    assert_int_equal(jd_write_midi(ctx, path, &m), JD_EUSAGE);
    jd_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(by_hand),
                                       cmocka_unit_test(written_bytes), cmocka_unit_test(wrong_notes)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
