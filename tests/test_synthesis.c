/*
 * test_synthesis.c - sentences of the toy language and their tracks, the formant synthesiser, principal components of faces,
 * nets with equally many weights, ragged batches, recordings with laughter.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../systems/frames.c"
#include "../systems/phones.c"
#include "../systems/social_data.c"
#include "../systems/talking_head_faces.c"

#include "ctx_tmpdir.h"

static phones_sentence nth(uint64_t i)
{
    jd_rng r = jd_rng_new(3, "test", i);
    phones_sentence s;
    phones_make(&r, &s);
    return s;
}

static void sentences(void **state)
{
    (void)state;
    double phones = 0, sum = 0;
    int shortest = 99, longest = 0, questions = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        const phones_sentence s = nth(i);
        bool stressed = false;
        assert_in_range(s.n, PHONES_LEAST, PHONES_MOST);
        shortest = s.n < shortest ? s.n : shortest;
        longest = s.n > longest ? s.n : longest;
        questions += s.question;
        for (int k = 0, vowels = 0; k < s.n; k++) { /* every syllable has one vowel, none begins with it */
            if (k == 0 || s.syllable[k] != s.syllable[k - 1]) {
                assert_int_equal(vowels, k > 0);
                assert_false(phones_vowel(s.phone[k]));
                vowels = 0;
            }
            vowels += phones_vowel(s.phone[k]);
            stressed |= s.stressed[k];
            assert_true(s.begin[k + 1] - s.begin[k] > 29.999 && s.begin[k + 1] - s.begin[k] < 140.001);
        }
        assert_true(stressed);
        phones += s.n;
        sum += s.begin[s.n];
    }
    assert_true(fabs(sum / phones - 80) < 1);
    assert_int_equal(shortest, PHONES_LEAST);
    assert_int_equal(longest, PHONES_MOST);
    assert_in_range(questions, 580, 750);
}

static void inputs(void **state)
{
    (void)state;
    enum { C = 2, N = (2 * C + 1) * PHONES + 6 };
    const phones_sentence s = nth(5);
    const int64_t T = phones_frames(&s, 5);
    float *x = jd_alloc_array(ctx, (size_t)T * N, sizeof *x);
    assert_int_equal(phones_inputs(C), N);
    phones_input(&s, 5, C, x);
    for (int64_t t = 0; t < T; t++) {
        const double ms = ((double)t + .5) * 5;
        const int k = phones_at(&s, ms);
        assert_true(ms >= s.begin[k] && ms < s.begin[k + 1]);
        for (int c = -C; c <= C; c++)
            for (int p = 0; p < PHONES; p++) {
                const bool there = k + c >= 0 && k + c < s.n && s.phone[k + c] == p;
                assert_true(x[t * N + (c + C) * PHONES + p] == (float)there);
            }
        const float *more = x + t * N + (2 * C + 1) * PHONES;
        assert_true(fabs((double)(more[1] + more[2]) * 100 - (s.begin[k + 1] - s.begin[k])) < 1e-3);
        assert_true(fabs((double)more[0] * (s.begin[k + 1] - s.begin[k]) - 100 * (double)more[1]) < 1e-3);
        assert_true(more[3] >= 0 && more[3] <= 1 && more[4] == (float)s.stressed[k]);
        assert_true(more[5] == (float)(s.question && s.syllable[k] == 0));
    }
    jd_free(ctx, x);
}

/* A filter that is given a constant keeps it; a step is answered by 1 - (1 + t/tau) exp(-t/tau). */
static void filters(void **state)
{
    (void)state;
    damped d = {1, 0};
    for (int t = 0; t < 100; t++) damped_step(&d, 1, 30);
    assert_true(fabs(d.y - 1) < 1e-12);
    d = (damped){0, 0};
    for (int t = 1; t <= 300; t++) {
        damped_step(&d, 1, 30);
        assert_true(fabs(d.y - (1 - (1 + t / 30.) * exp(-t / 30.))) < .02);
        assert_true(d.y <= 1 + 1e-9);
    }
}

static void tracks(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 30; i++) {
        phones_sentence s = nth(i), other = s;
        const int64_t T = phones_frames(&s, 5);
        float *a = jd_alloc_array(ctx, (size_t)T * PHONES_TRACKS, sizeof *a),
              *b = jd_alloc_array(ctx, (size_t)T * PHONES_TRACKS, sizeof *b);
        phones_speech(&s, 5, a);
        for (int64_t t = 0; t < T; t++) {
            const float *x = a + t * PHONES_TRACKS;
            assert_true(x[0] > 200 && x[0] < 800 && x[1] > 640 && x[1] < 2400 && x[2] > 1600 && x[2] < 3100);
            assert_true(x[3] > 0 && x[3] <= 1 && x[4] > 85 && x[4] < 230);
            assert_true(x[5] == (float)phones_voiced(s.phone[phones_at(&s, ((double)t + .5) * 5)]));
        }
        /* another last phone is not heard before the vowel that leans towards it, or 40 ms before it begins */
        if (!phones_vowel(s.phone[s.n - 1])) {
            other.phone[s.n - 1] = s.phone[s.n - 1] == 6 ? 7 : 6;
            phones_speech(&other, 5, b);
            const int64_t same = (int64_t)((s.begin[s.n - 1] - 40) / 5) - 1;
            for (int64_t t = 0; t < same; t++)
                assert_memory_equal(a + t * PHONES_TRACKS, b + t * PHONES_TRACKS, 4 * sizeof *a);
            assert_true(memcmp(a, b, (size_t)T * PHONES_TRACKS * sizeof *a) != 0);
        }
        jd_free(ctx, a);
        jd_free(ctx, b);
    }
}

/* A vowel's second formant leans towards the next vowel over any number of consonants. */
static void harmony(void **state)
{
    (void)state;
    phones_sentence s = {.n = 5, .phone = {0, 6, 7, 8, 2}};
    assert_true(fabs(formant(&s, 0, 1) - (.85 * 1250 + .15 * 2250)) < 1e-3);
    assert_true(fabs(formant(&s, 0, 0) - 750) < 1e-3);
    assert_true(fabs(formant(&s, 4, 1) - 2250) < 1e-3);
    assert_true(fabs(formant(&s, 1, 1) - 1000) < 1e-3);
}

static double power_at(const jd_sound *s, double hz)
{
    double re = 0, im = 0;
    for (size_t i = 0; i < s->count; i++) {
        const double w = 6.283185307179586 * hz * (double)i / s->rate;
        re += (double)s->samples[i] * cos(w);
        im += (double)s->samples[i] * sin(w);
    }
    return re * re + im * im;
}

/* A steady vowel has its pitch, and more power at its formants than between them. */
static void sounds(void **state)
{
    (void)state;
    enum { T = 100 };
    float track[T * PHONES_TRACKS];
    for (int t = 0; t < T; t++)
        memcpy(track + t * PHONES_TRACKS, (float[]){500, 1500, 2500, 1, 100, 1}, 6 * sizeof *track);
    jd_sound s = {0};
    assert_int_equal(phones_speak(ctx, track, T, 5, &s), JD_OK);
    assert_int_equal(s.count, T * 80);
    double peak = 0;
    for (size_t i = 0; i < s.count; i++) peak = fmax(peak, fabs((double)s.samples[i]));
    assert_true(fabs(peak - .9) < 1e-5);
    assert_true(power_at(&s, 500) > 20 * power_at(&s, 550)); /* harmonics of 100 Hz */
    assert_true(power_at(&s, 500) > 5 * power_at(&s, 1000));
    assert_true(power_at(&s, 1500) > 2 * power_at(&s, 1900));
    jd_sound_free(ctx, &s);
    /* whatever a net says, samples are numbers within -1..1; silence stays silence */
    for (int t = 0; t < T * PHONES_TRACKS; t++) track[t] = (float)((t * 7919 % 2001 - 1000) * 20);
    assert_int_equal(phones_speak(ctx, track, T, 5, &s), JD_OK);
    for (size_t i = 0; i < s.count; i++) assert_true(isfinite(s.samples[i]) && s.samples[i] >= -1 && s.samples[i] <= 1);
    jd_sound_free(ctx, &s);
    memset(track, 0, sizeof track);
    assert_int_equal(phones_speak(ctx, track, T, 5, &s), JD_OK);
    for (size_t i = 0; i < s.count; i++) assert_true(s.samples[i] == 0);
    jd_sound_free(ctx, &s);
}

static void components(void **state)
{
    (void)state;
    enum { N = 400 };
    float *face = jd_alloc_array(ctx, N * PHONES_FACE, sizeof *face);
    head_faces f;
    int64_t n = 0;
    for (uint64_t i = 0; n < N; i++) {
        const phones_sentence s = nth(i);
        float room[200 * PHONES_FACE];
        const int64_t T = phones_frames(&s, 20);
        phones_mouth(&s, 20, room);
        for (int64_t t = 0; t < T && n < N; t++, n++)
            memcpy(face + n * PHONES_FACE, room + t * PHONES_FACE, PHONES_FACE * sizeof *face);
    }
    head_components(face, N, &f);
    assert_in_range(f.kept, 2, 4); /* four numbers move the mouth */
    for (int a = 0; a < f.kept; a++) {
        double score = 0;
        for (int b = 0; b <= a; b++) {
            double dot = 0;
            for (int i = 0; i < PHONES_FACE; i++) dot += f.component[a][i] * f.component[b][i];
            assert_true(fabs(dot - (a == b)) < 1e-12);
        }
        for (int t = 0; t < N; t++) { /* the variance along a component is its own */
            float c[PHONES_FACE];
            head_coefficients(&f, face + t * PHONES_FACE, c);
            score += (double)c[a] * (double)c[a] / N;
        }
        assert_true(fabs(score / f.variance[a] - 1) < 1e-4);
        if (a) assert_true(f.variance[a] <= f.variance[a - 1]);
    }
    double error = 0, all = 0;
    for (int t = 0; t < N; t++) {
        float c[PHONES_FACE], back[PHONES_FACE];
        head_coefficients(&f, face + t * PHONES_FACE, c);
        head_face(&f, c, back);
        for (int i = 0; i < PHONES_FACE; i++) {
            const double is = (double)face[t * PHONES_FACE + i];
            error += (is - (double)back[i]) * (is - (double)back[i]);
            all += (is - f.mean[i]) * (is - f.mean[i]);
        }
    }
    assert_true(error <= .0011 * all);
    jd_free(ctx, face);
}

static void weigh(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), JD_NONE));
}

static size_t weights_of(const char *spec, int64_t N)
{
    char line[160];
    float x[64] = {0};
    snprintf(line, sizeof line, "%s", spec);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, weigh, line);
    jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, 1, N);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
    const size_t n = jd_params_count(p);
    jd_fn_free(f);
    jd_params_free(p);
    return n;
}

static void equal_weights(void **state)
{
    (void)state;
    const int64_t deep = frames_lstm_weights(40, 6, 9, 2, 7, true);
    assert_int_equal(deep, weights_of("dense 9 tanh, blstm 7, blstm 7, dense 6", 40));
    assert_int_equal(frames_lstm_weights(40, 6, 0, 1, 7, false), weights_of("lstm 7, dense 6", 40));
    assert_int_equal(frames_dense_weights(40, 6, 3, 11),
                     weights_of("dense 11 tanh, dense 11 tanh, dense 11 tanh, dense 6", 40));
    const int64_t wide = frames_dense_width(40, 6, 3, deep), units = frames_lstm_units(40, 6, 1, true, deep);
    assert_true(frames_dense_weights(40, 6, 3, wide) >= deep && frames_dense_weights(40, 6, 3, wide - 1) < deep);
    assert_true(frames_lstm_weights(40, 6, 0, 1, units, true) >= deep &&
                frames_lstm_weights(40, 6, 0, 1, units - 1, true) < deep);
}

/* What a net says of a sequence does not depend on those it stands beside, nor on the filling. */
static void ragged(void **state)
{
    (void)state;
    enum { N = 5, D = 2 };
    frames_set s = frames_set_new(ctx, 4, N, D, false), one = frames_set_new(ctx, 1, N, D, false);
    frames_net n = {.spec = "dense 4 tanh, blstm 3, dense 2", .name = "net", .inputs = N, .outputs = D};
    jd_rng r = jd_rng_new(1, "ragged", 0);
    for (size_t i = 0; i < 4; i++) {
        frames_item *it = frames_room(ctx, &s, i, (int64_t)(3 + 17 * i));
        for (int64_t t = 0; t < it->T * N; t++) it->x[t] = (float)jd_rng_normal(&r);
    }
    n.params = jd_params_new(ctx, JD_F32);
    n.say = jd_fn_new(ctx, n.params, say, &n);
    float **all = frames_said_new(ctx, &s), **alone = NULL;
    assert_int_equal(frames_say(ctx, &n, &s, all), JD_OK);
    for (size_t i = 0; i < 4; i++) {
        one.item[0] = s.item[i];
        alone = frames_said_new(ctx, &one);
        assert_int_equal(frames_say(ctx, &n, &one, alone), JD_OK);
        assert_memory_equal(all[i], alone[0], (size_t)s.item[i].T * D * sizeof(float));
        frames_said_free(ctx, &one, alone);
    }
    frames_said_free(ctx, &s, all);
    frames_net_free(&n);
    jd_free(ctx, one.item);
    frames_set_free(ctx, &s);
}

static void laughter(void **state)
{
    (void)state;
    double share[SOCIAL_CLASSES] = {0}, all = 0;
    frames_set set = {0};
    for (uint64_t i = 0; i < 20; i++) {
        jd_rng r = jd_rng_new(1, "laughter", i), again = r;
        social_clip c = {0}, same = {0};
        assert_int_equal(social_make(ctx, NULL, 3, &r, &c), JD_OK);
        assert_int_equal(c.sound.count, 3 * SOCIAL_RATE);
        for (size_t t = 0; t < c.sound.count; t++) {
            assert_true(isfinite(c.sound.samples[t]));
            share[c.kind[t]]++;
            all++;
        }
        if (i == 0) {
            assert_int_equal(social_make(ctx, NULL, 3, &again, &same), JD_OK);
            assert_memory_equal(c.sound.samples, same.sound.samples, c.sound.count * sizeof(float));
            social_clip_free(ctx, &same);
        }
        social_clip_free(ctx, &c);
    }
    assert_true(share[SOCIAL_LAUGHTER] / all > .1 && share[SOCIAL_FILLER] / all > .04 &&
                share[SOCIAL_GARBAGE] / all > .4);
    assert_int_equal(social_set(ctx, NULL, 1, 1, "laughter", 2, &set), JD_OK);
    assert_int_equal(set.item[0].T, 98); /* 1 s in frames of 25 ms every 10 */
    frames_set_free(ctx, &set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),  cmocka_unit_test(inputs),  cmocka_unit_test(filters),
        cmocka_unit_test(tracks),     cmocka_unit_test(harmony), cmocka_unit_test(sounds),
        cmocka_unit_test(components), cmocka_unit_test(ragged),  cmocka_unit_test(equal_weights),
        cmocka_unit_test(laughter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
