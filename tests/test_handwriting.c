/* test_handwriting.c - alphabets, batches, scores, and lines of digits of the handwriting systems. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/handwriting_data.c"
#include "../systems/handwriting_score.c"
#include "../systems/mnist_lines.c"

#include "ctx.h"

jd_status hand_run(jd_run *r, const hand_net *net)
{
    (void)r, (void)net;
    return JD_OK;
}

static hand_alphabet letters(const char *text)
{
    hand_alphabet a = {0};
    jd_ink_sample s = {.id = "x", .writer = "", .text = text};
    hand_alphabet_add(ctx, &(jd_ink){.count = 1, .items = &s}, &a);
    return a;
}

static void alphabets(void **state)
{
    (void)state;
    hand_alphabet a = letters("b\xC3\xBC"
                              "aB ab\xE2\x82\xAC");
    assert_int_equal(jd_error(ctx), JD_OK);
    assert_int_equal(a.n, 6); /* by code point: blank, B, a, b, u with dots, euro */
    const char *names[] = {" ", "B", "a", "b", "\xC3\xBC", "\xE2\x82\xAC", "-"};
    for (int i = 0; i < 7; i++) assert_string_equal(a.name[i], names[i]);
    char text[8];
    hand_text(&a, (const int32_t[]){3, 4, 5, 2}, 4, text, sizeof text);
    assert_string_equal(text, "b\xC3\xBC\xE2\x82\xAC"
                              "a");
    hand_text(&a, (const int32_t[]){3, 4, 5, 2}, 4, text, 6); /* what does not fit is left out, whole characters */
    assert_string_equal(text, "b\xC3\xBC");
    const char *bad[] = {"\xC3", "a\x80", "\xC0\xAF", "\xFF", "\xE2\x82"};
    for (int i = 0; i < 5; i++) {
        letters(bad[i]);
        assert_int_equal(jd_error(ctx), JD_EDATA);
        jd_error_clear(ctx);
    }
}

/* A bag of n items whose frames tell which item and step they are. */
enum { ITEMS = 50, WIDTH = 2 };
static void number_frames(void *user, uint32_t index, float *x)
{
    const hand_item *items = user;
    for (int32_t t = 0; t < items[index].steps; t++) {
        x[t * WIDTH] = (float)index + 1;
        x[t * WIDTH + 1] = (float)t + 1;
    }
}

static void batches(void **state)
{
    (void)state;
    static hand_item items[ITEMS];
    static int32_t labels[ITEMS][3];
    for (int i = 0; i < ITEMS; i++) {
        for (int k = 0; k < 3; k++) labels[i][k] = i + k;
        items[i] = (hand_item){.labels = labels[i], .labels_n = 1 + i % 3, .steps = 7 + 13 * i % 29};
    }
    const hand_bag bag = {.ctx = ctx,
                          .items = items,
                          .n = ITEMS,
                          .width = WIDTH,
                          .per = 4,
                          .most_labels = 3,
                          .make = number_frames,
                          .source = items};
    hand_feed f;
    assert_int_equal(hand_feed_open(&bag, NULL, 7, 8, 1, 2, &f), JD_OK);
    assert_int_equal(f.per_epoch, ITEMS / 8);
    int seen[ITEMS] = {0};
    for (int64_t step = 0; step < (int64_t)f.per_epoch; step++) {
        jd_tensor in[HAND_INPUTS];
        assert_int_equal(hand_feed_next(&f, step, (int)(step % 2), in), HAND_INPUTS);
        const hand_batch *b = &f.slots[step % 2];
        assert_int_equal(b->T % HAND_PAD, 0);
        for (int64_t k = 0; k < b->B; k++) {
            const int i = (int)b->x[k * WIDTH] - 1;
            assert_in_range(i, 0, ITEMS - 1);
            seen[i]++;
            assert_int_equal(b->length[k], items[i].steps);
            assert_int_equal(b->steps[k], (items[i].steps + 3) / 4);
            assert_int_equal(b->size[2 * k], WIDTH);
            assert_int_equal(b->size[2 * k + 1], items[i].steps);
            assert_int_equal(b->label_length[k], items[i].labels_n);
            assert_memory_equal(b->labels + k * b->U, labels[i], (size_t)items[i].labels_n * sizeof(int32_t));
            for (int64_t t = 0; t < b->T; t++) {
                const float *x = b->x + (t * b->B + k) * WIDTH;
                assert_true(x[0] == (t < items[i].steps ? (float)i + 1 : 0.f));
                assert_true(x[1] == (t < items[i].steps ? (float)t + 1 : 0.f));
            }
        }
    }
    int used = 0;
    for (int i = 0; i < ITEMS; i++) {
        assert_in_range(seen[i], 0, 1);
        used += seen[i];
    }
    assert_int_equal(used, ITEMS / 8 * 8);
    /* Step 9 is the same whether it is reached from step 8 or asked for alone, as after a resume. */
    jd_tensor in[HAND_INPUTS];
    hand_feed_next(&f, 8, 0, in);
    hand_feed_next(&f, 9, 0, in);
    hand_feed again;
    assert_int_equal(hand_feed_open(&bag, NULL, 7, 8, 1, 2, &again), JD_OK);
    hand_feed_next(&again, 9, 0, in);
    assert_int_equal(again.slots[0].T, f.slots[0].T);
    assert_memory_equal(again.slots[0].x, f.slots[0].x, (size_t)f.slots[0].T * 8 * WIDTH * sizeof(float));
    hand_feed_close(&f);
    hand_feed_close(&again);
}

/* CTC needs a step for each label and one between equal neighbours. */
static void feasibility(void **state)
{
    (void)state;
    const int32_t same[] = {1, 1, 1};
    hand_item i = {.labels = same, .labels_n = 3, .steps = 5};
    assert_true(feasible(&i, 1));
    i.steps = 4;
    assert_false(feasible(&i, 1));
    i.steps = 9;
    assert_true(feasible(&i, 2)); /* five pairs, the last one half */
    i.steps = 8;
    assert_false(feasible(&i, 2));
}

static void scores(void **state)
{
    (void)state;
    const hand_alphabet a = letters("aAb ");
    const int32_t blank = a.n, space = 0, A = 1, s = 2, b = 3; /* " ", "A", "a", "b" */
    /* "a b" read as "A b"; "b" read as "ba" */
    const int32_t truth[2][3] = {{s, space, b}, {b, 0, 0}}, said[2][4] = {{A, space, b, blank}, {b, blank, s, s}};
    jd_ink_sample ink = {.text = ""};
    hand_item items[2] = {{.ink = &ink, .labels = truth[0], .labels_n = 3, .seen = true},
                          {.ink = &ink, .labels = truth[1], .labels_n = 1}};
    const hand_bag bag = {.ctx = ctx, .items = items, .n = 2};
    float logits[4][2][5] = {0};
    for (int t = 0; t < 4; t++)
        for (int k = 0; k < 2; k++) logits[t][k][said[k][t]] = 1;
    hand_scores out = {0};
    assert_int_equal(hand_scores_keep(&bag, &out), JD_OK);
    const int32_t steps[] = {4, 4};
    assert_int_equal(hand_score_batch(&a, &bag, (const uint32_t[]){0, 1}, 2, &logits[0][0][0], steps, &out), JD_OK);
    assert_int_equal(out.all.samples, 2);
    assert_int_equal(out.all.right, 0);
    assert_int_equal(out.all.labels, 4);
    assert_int_equal(out.all.errors, 2);
    assert_int_equal(out.all.substitutions, 1);
    assert_int_equal(out.all.insertions, 1);
    assert_int_equal(out.all.caseless, 1);
    assert_int_equal(out.all.words, 3);
    assert_int_equal(out.all.word_errors, 2);
    assert_int_equal(out.seen.errors, 1);
    assert_int_equal(out.unseen.errors, 1);
    assert_int_equal(out.readings[1].found_n, 2);
    assert_int_equal(out.readings[1].found[1], s);
    hand_scores_free(&bag, &out);
}

/* Lines of digits: 3 to 6, in their order, overlapping by at most 4 columns, functions of (seed, line) alone. */
static void digit_lines(void **state)
{
    (void)state;
    enum { IMAGES = 20 };
    static uint8_t pixels[IMAGES][SIDE * SIDE];
    static int32_t kinds[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        kinds[i] = i % 10;
        memset(pixels[i], 10 * i + 5, sizeof pixels[i]);
    }
    source s = {.images = {.count = IMAGES, .height = SIDE, .width = SIDE, .pixels = pixels[0], .labels = kinds},
                .first = 10,
                .count = 10,
                .seed = 3,
                .purpose = "x"};
    hand_bag bag = {0};
    assert_int_equal(fill(ctx, &s, 300, true, &bag), JD_OK);
    int n[MOST + 1] = {0};
    for (uint32_t i = 0; i < 300; i++) {
        const line l = plan(&s, i);
        const hand_item *item = &bag.items[i];
        n[l.n]++;
        assert_int_equal(item->labels_n, l.n);
        assert_int_equal(item->steps, l.width);
        assert_int_equal(strlen(item->ink->text), (size_t)l.n);
        assert_true(feasible(item, PER));
        for (int d = 0; d < l.n; d++) {
            assert_in_range(l.image[d], 10, 19); /* of this part alone */
            assert_int_equal(item->labels[d], kinds[l.image[d]]);
            assert_int_equal(item->ink->text[d], '0' + item->labels[d]);
            if (d) assert_in_range(l.left[d] - l.left[d - 1], SIDE - 4, SIDE + 8);
            const float *middle = item->x + (l.left[d] + SIDE / 2) * ROWS + ROWS / 2;
            assert_true(*middle == (float)(10 * l.image[d] + 5) / 255.f);
        }
        for (int32_t k = 0; k < item->steps * ROWS; k++) assert_true(item->x[k] >= 0 && item->x[k] <= 1);
    }
    for (int k = LEAST; k <= MOST; k++) assert_true(n[k] > 40);
    hand_bag_close(&bag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alphabets), cmocka_unit_test(batches),     cmocka_unit_test(feasibility),
        cmocka_unit_test(scores),    cmocka_unit_test(digit_lines),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
