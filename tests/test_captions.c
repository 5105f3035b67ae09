/*
 * test_captions.c - pictures and films of shapes, what is said of them and whether it is true; the gradient of a net that looks
 * once and writes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../systems/captions.c"
#include "../systems/clips.c"
#include "../systems/scenes.c"
#include "../systems/seq2seq_data.c"
#include "../systems/seq2seq_net.c"
#include "../systems/seq2seq_write.c"

#include "ctx.h"

static scene nth(uint64_t i, scene_which which, jd_rng *r)
{
    scene s;
    *r = jd_rng_new(3, "test", i);
    scene_make(r, which, &s);
    return s;
}

static void scenes(void **unused)
{
    (void)unused;
    int pairs[SCENE_COLOURS][SCENE_KINDS] = {{0}}, held = 0;
    for (uint64_t i = 0; i < 3000; i++)
        for (int which = SCENE_SEEN; which <= SCENE_NEW; which++) {
            jd_rng r;
            const scene s = nth(i, (scene_which)which, &r);
            int32_t hint[SCENE_HINTS];
            int new = 0;
            scene_hints(&s, hint);
            assert_in_range(s.n, 1, SCENE_SHAPES);
            for (int k = 0; k < s.n; k++) {
                const scene_shape *o = &s.shape[k];
                if (k) assert_true(o->cell > s.shape[k - 1].cell);
                assert_int_equal((int)o->x / 16 + 3 * ((int)o->y / 16), o->cell);
                assert_true((o->radius > 5) == o->large);
                assert_true(hint[o->cell] == o->kind && hint[27 + k] == o->kind);
                assert_true(hint[9 + o->cell] == o->colour && hint[30 + k] == o->colour);
                assert_true(hint[18 + o->cell] == o->large && hint[33 + k] == o->large);
                if (k) assert_int_equal(hint[35 + k], s.shape[k - 1].cell / 3 < o->cell / 3);
                new += scene_held_out(o->colour, o->kind);
                if (which == SCENE_SEEN) pairs[o->colour][o->kind]++;
            }
            int empty = 0;
            for (int k = 0; k < SCENE_CELLS; k++) empty += hint[k] == SCENE_KINDS && hint[9 + k] == -1;
            assert_int_equal(empty, SCENE_CELLS - s.n);
            assert_true(which == SCENE_SEEN ? new == 0 : new == 1);
        }
    for (int c = 0; c < SCENE_COLOURS; c++)
        for (int k = 0; k < SCENE_KINDS; k++) {
            held += scene_held_out(c, k);
            assert_true((pairs[c][k] == 0) == scene_held_out(c, k));
        }
    assert_int_equal(held, 3);
}

/* A shape's colour is where it is, nowhere else. */
static void painted(void **unused)
{
    (void)unused;
    float rgb[SCENE_PIXELS];
    for (uint64_t i = 0; i < 200; i++) {
        jd_rng r;
        const scene s = nth(i, SCENE_SEEN, &r);
        scene_paint(&s, &r, rgb);
        for (int k = 0; k < SCENE_PIXELS; k++) assert_true(rgb[k] > -.2f && rgb[k] < 1.2f);
        for (int cell = 0; cell < SCENE_CELLS; cell++) {
            float colourful = 0;
            bool there = false;
            for (int k = 0; k < s.n; k++) there |= s.shape[k].cell == cell;
            for (int p = 0; p < 256; p++) {
                const float *v = rgb + ((cell / 3 * 16 + p / 16) * SCENE_SIDE + cell % 3 * 16 + p % 16) * 3;
                colourful = fmaxf(colourful, fmaxf(fabsf(v[0] - v[1]), fabsf(v[1] - v[2])));
            }
            assert_true(there ? colourful > .3f : colourful < 1e-6f);
        }
    }
}

static void captions(void **unused)
{
    (void)unused;
    size_t longest = 0;
    int other_exact = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        jd_rng r, q;
        const scene s = nth(i, i % 2 ? SCENE_NEW : SCENE_SEEN, &r), t = nth(i + 1, SCENE_SEEN, &q);
        int32_t word[SCENE_LONGEST];
        const size_t n = scene_caption(&s, &r, word);
        longest = n > longest ? n : longest;
        assert_true(n <= SCENE_LONGEST);
        scene_verdict v = scene_judge(&s, word, n);
        assert_true(v.grammar && v.attributes && v.exact && v.named_new == v.shapes_new);
        assert_int_equal(v.shapes_new, i % 2);
        other_exact += scene_judge(&t, word, n).exact;
        for (size_t k = 0; k < n; k++) { /* one word wrong, one too few */
            const int32_t is = word[k];
            word[k] = is == WORD_RED ? WORD_CYAN : WORD_RED;
            v = scene_judge(&s, word, n);
            assert_false(v.exact || v.attributes);
            word[k] = is;
            assert_false(scene_judge(&s, word, k).exact);
        }
        for (size_t k = 0; k < n; k++) /* how they stand to each other */
            if (word[k] == WORD_ABOVE || word[k] == WORD_OVER) {
                int32_t wrong[SCENE_LONGEST + 1];
                memcpy(wrong, word, n * sizeof *word);
                memmove(wrong + k + 1, word + k, (n - k) * sizeof *word);
                wrong[k] = WORD_LEFT;
                wrong[k + 1] = WORD_OF;
                v = scene_judge(&s, wrong, n + 1);
                assert_true(v.grammar && v.attributes && !v.exact);
            }
    }
    assert_in_range(longest, 20, SCENE_LONGEST);
    assert_true(other_exact < 60);
    const int32_t said[] = {WORD_THERE, WORD_IS,   WORD_A,  WORD_BIG, WORD_RED,   WORD_CIRCLE, WORD_TO,
                            WORD_THE,   WORD_LEFT, WORD_OF, WORD_A,   WORD_SMALL, WORD_BLUE,   WORD_SQUARE};
    const scene two = {2, {{0, 0, 3, true, 0, 0, 0}, {1, 2, 5, false, 0, 0, 0}}},
                below = {2, {{0, 0, 0, true, 0, 0, 0}, {1, 2, 5, false, 0, 0, 0}}};
    assert_true(scene_judge(&two, said, 14).exact);
    assert_true(!scene_judge(&below, said, 14).exact && scene_judge(&below, said, 14).attributes);
    char text[100];
    scene_text(said, 14, text, sizeof text);
    assert_string_equal(text, "there is a big red circle to the left of a small blue square");
}

static void clips(void **unused)
{
    (void)unused;
    int motions[CLIP_MOTIONS] = {0};
    for (uint64_t i = 0; i < 2000; i++) {
        jd_rng r = jd_rng_new(3, "clips", i);
        clip c;
        int32_t word[CLIP_LONGEST];
        int motion[CLIP_SHAPES];
        clip_make(&r, &c);
        assert_true(c.shape[0].colour < c.shape[1].colour);
        for (int k = 0; k < CLIP_SHAPES; k++) {
            double x, y, x0, y0, far = 0;
            clip_place(&c.shape[k], 0, &x0, &y0);
            motions[c.shape[k].motion]++;
            for (int t = 0; t < CLIP_FRAMES; t++) {
                clip_place(&c.shape[k], t, &x, &y);
                assert_true(x > 4.5 && x < CLIP_SIDE - 4.5 && y > 4.5 && y < CLIP_SIDE - 4.5);
                far = fmax(far, hypot(x - x0, y - y0));
            }
            const double goes[CLIP_MOTIONS] = {x0 - x, x - x0, y0 - y, y - y0, far};
            assert_true(goes[c.shape[k].motion] > 5);
            if (c.shape[k].motion < CLIP_UP) assert_true(fabs(y - y0) < 1e-9);
        }
        const size_t n = clip_caption(&c, word);
        assert_true(n <= CLIP_LONGEST && clip_judge(&c, word, n, motion));
        for (size_t k = 0; k < n; k++) {
            const int32_t is = word[k];
            word[k] = is == CLIP_WORD_LEFT ? CLIP_WORD_LEFT + CLIP_UP : CLIP_WORD_LEFT;
            assert_false(clip_judge(&c, word, n, motion));
            word[k] = is;
            assert_false(clip_judge(&c, word, k, motion));
        }
        if (c.shape[0].motion != CLIP_CIRCLES) { /* another motion of the first shape */
            word[4] = CLIP_WORD_LEFT + (c.shape[0].motion + 1) % 4;
            assert_false(clip_judge(&c, word, n, motion));
            assert_int_equal(motion[0], (c.shape[0].motion + 1) % 4);
            assert_int_equal(motion[1], c.shape[1].motion);
        }
    }
    for (int m = 0; m < CLIP_MOTIONS; m++) assert_in_range(motions[m], 650, 950);
}

/* Shuffled frames are the same frames in another order. */
static void shuffled(void **unused)
{
    (void)unused;
    enum { FRAME = CLIP_SIDE * CLIP_SIDE * 3 };
    float *a = jd_alloc_array(ctx, 2 * CLIP_NUMBERS, sizeof *a), *b = a + CLIP_NUMBERS;
    jd_rng r = jd_rng_new(3, "clips", 1), q = r;
    clip c;
    clip_make(&r, &c);
    clip_make(&q, &c);
    clip_paint(&c, &r, CLIP_AS_IS, a);
    clip_paint(&c, &q, CLIP_SHUFFLED, b);
    int moved = 0;
    for (int t = 0; t < CLIP_FRAMES; t++) {
        int found = 0;
        for (int u = 0; u < CLIP_FRAMES; u++) found += !memcmp(a + t * FRAME, b + u * FRAME, FRAME * sizeof *a);
        assert_int_equal(found, 1);
        moved += memcmp(a + t * FRAME, b + t * FRAME, FRAME * sizeof *a) != 0;
    }
    assert_true(moved > CLIP_FRAMES / 2);
    jd_free(ctx, a);
}

/* ---- the net ---------------------------------------------------------------------------------------------------------------*/

enum { SMALL = 9 };

static seq2seq_memory glance(jd_graph *g, const captions_net *n, jd_node *aside)
{
    (void)aside;
    jd_node x = jd_conv2d(g, "see/conv", jd_arg(g, "seen"), .maps = 3, .size = 3, .stride = 2, .act = JD_TANH);
    x = jd_dense(g, "see/vector", jd_maxpool(g, x, .size = 2), .units = 5, .act = JD_TANH);
    return captions_once(g, &n->net, x);
}

static void loss_and_gradient(jd_graph *g, void *user)
{
    const jd_node loss = loss_of(g, user, NULL);
    jd_result(g, "loss", loss);
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

static void gradient(void **unused)
{
    (void)unused;
    enum { S = 3, U = 5 };
    captions_net n = {.read = glance, .net = {.writes = 8, .embed = 4, .units = 6}};
    jd_params *p = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, p, loss_and_gradient, &n);
    double seen[S * SMALL * SMALL * 3];
    int32_t written[U * S], label[U * S];
    jd_rng r = jd_rng_new(1, "gradient", 0);
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) seen[i] = jd_rng_normal(&r);
    for (int i = 0; i < U * S; i++) {
        written[i] = (int32_t)jd_rng_below(&r, 8);
        label[i] = i == U * S - 1 ? -1 : (int32_t)jd_rng_below(&r, 8);
    }
    const jd_tensor in[] = {JD_TENSOR("seen", JD_F64, seen, S, SMALL, SMALL, 3),
                            JD_TENSOR("written", JD_I32, written, U, S), JD_TENSOR("label", JD_I32, label, U, S)};
    assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
    const size_t count = jd_params_count(p);
    double *w = jd_params_data(p), *g = jd_alloc_array(ctx, count, sizeof *g), worst = 0;
    memcpy(g, jd_fn_result(f, "gradient", NULL), count * sizeof *g);
    for (size_t i = 0; i < count; i++) {
        const double kept = w[i], step = 1e-5;
        w[i] = kept + step;
        jd_fn_run(f, in, 3);
        const double more = jd_fn_scalar(f, "loss");
        w[i] = kept - step;
        jd_fn_run(f, in, 3);
        worst = fmax(worst, fabs((more - jd_fn_scalar(f, "loss")) / (2 * step) - g[i]));
        w[i] = kept;
    }
    assert_true(worst < 1e-6);
    assert_true(jd_params_find(p, "see/conv/W") && jd_params_find(p, "writer/lstm0/W"));
    jd_free(ctx, g);
    jd_fn_free(f);
    jd_params_free(p);
}

static size_t make_small(uint64_t seed, const char *stream, uint64_t index, int variant, float *seen, int32_t *hint,
                         int32_t *word)
{
    jd_rng r = jd_rng_new(seed, stream, index);
    (void)variant, (void)hint;
    for (int i = 0; i < SMALL * SMALL * 3; i++) seen[i] = (float)jd_rng_normal(&r);
    word[0] = SEQ2SEQ_WORDS;
    return 1;
}

static void alone(void **unused)
{
    (void)unused;
    static const captions_task task = {.rank = 3, .dim = {SMALL, SMALL, 3}, .longest = 6, .make = make_small};
    captions_net n = {.task = &task, .read = glance, .net = {.writes = 8, .embed = 4, .units = 6}};
    n.params = jd_params_new(ctx, JD_F32);
    n.writer = seq2seq_writer_new(ctx, &n.net, n.params, seen_begin, &n);
    jd_sequence all[40] = {{0}}, few[3] = {{0}};
    assert_int_equal(captions_answer(ctx, &n, 1, "alone", 40, 3, 0, all), JD_OK);
    assert_int_equal(captions_answer(ctx, &n, 1, "alone", 3, 3, 0, few), JD_OK);
    for (int i = 0; i < 3; i++) { /* a caption does not depend on the pictures beside */
        assert_int_equal(all[i].count, few[i].count);
        assert_memory_equal(all[i].symbols, few[i].symbols, few[i].count * sizeof(int32_t));
        assert_true(all[i].ln_p == few[i].ln_p);
        jd_free(ctx, few[i].symbols);
    }
    for (int i = 0; i < 40; i++) jd_free(ctx, all[i].symbols);
    captions_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes),   cmocka_unit_test(painted),  cmocka_unit_test(captions), cmocka_unit_test(clips),
        cmocka_unit_test(shuffled), cmocka_unit_test(gradient), cmocka_unit_test(alone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
