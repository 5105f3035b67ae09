/*
 * test_meta_evolution.c - the system meta-evolution: trees that stay trees under any operator, edits by hand, fitness, the rank
 * test, and runs that repeat.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/meta_levels.c"
#include "../systems/meta_programs.c"

static bool whole(const me_alphabet *a, const me_tree *t)
{
    for (int i = 0; i < t->n; i++)
        if (t->node[i] >= a->n) return false;
    return t->n >= 1 && t->n <= ME_NODES && me_end(a, t, 0) == t->n;
}

static void every_child_is_a_tree(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(1, "test", 0);
    const me_alphabet *const alphabet[] = {&ME_ONE, &ME_TWO, &ME_EDIT};
    int changed = 0;
    for (int i = 0; i < 20000; i++) {
        const me_alphabet *a = alphabet[i % 3];
        me_tree op, one, two, child, fixed;
        me_random(&ME_EDIT, &op, 2 + i % 5, i % 2, &r);
        me_random(a, &one, 1 + i % 6, i % 2, &r);
        me_random(a, &two, 1 + i % 7, false, &r);
        assert_true(whole(&ME_EDIT, &op) && whole(a, &one) && whole(a, &two));
        me_edit(&op, a, &one, &two, &r, &child);
        me_koza(a, &one, &two, &r, &fixed);
        assert_true(whole(a, &child) && whole(a, &fixed));
        changed += !same(&child, &one);
    }
    assert_in_range(changed, 2000, 19000);
}

static me_tree formula(const uint8_t *node, int n)
{
    me_tree t = {.n = n};
    memcpy(t.node, node, (size_t)n);
    return t;
}

static void grafts_take_the_place_of_subtrees(void **state)
{
    (void)state;
    char text[200];
    me_tree a = formula((uint8_t[]){ADD, TIMES, X, Y, ONE}, 5); /* (+ (* x y) 1) */
    const me_tree b = formula((uint8_t[]){SINE, SUBTRACT, X, TWO}, 4);
    assert_int_equal(me_end(&ME_TWO, &a, 1), 4);
    assert_true(me_graft(&ME_TWO, &a, 1, &b, 0));
    assert_string_equal(me_text(&ME_TWO, &a, text, sizeof text), "(+ (sin (- x 2)) 1)");
    assert_true(me_graft(&ME_TWO, &a, 5, &b, 1));
    assert_string_equal(me_text(&ME_TWO, &a, text, sizeof text), "(+ (sin (- x 2)) (- x 2))");
    me_tree large = {.n = ME_NODES};
    for (int i = 0; i < ME_NODES - 1; i++) large.node[i] = SINE;
    large.node[ME_NODES - 1] = X;
    assert_false(me_graft(&ME_TWO, &a, 1, &large, 0));
    assert_string_equal(me_text(&ME_TWO, &a, text, sizeof text), "(+ (sin (- x 2)) (- x 2))");
}

static void operators_do_what_they_say(void **state)
{
    (void)state;
    char text[200];
    const me_tree a = formula((uint8_t[]){ADD, X, ONE}, 3), b = formula((uint8_t[]){TIMES, Y, TWO}, 3);
    editor e = {.a = &ME_TWO, .tree = {a, b}, .left = ACTIONS};
    /* do (do A.down A.next) (do copy-B paste-A): the second argument of A becomes B */
    const me_tree op = formula((uint8_t[]){SEQUENCE, SEQUENCE, A_DOWN, A_NEXT, SEQUENCE, COPY_B, PASTE_A}, 7);
    interpret(&e, &op, 0);
    assert_string_equal(me_text(&ME_TWO, &e.tree[0], text, sizeof text), "(+ x (* y 2))");
    /* up, and exchange */
    const me_tree up = formula((uint8_t[]){SEQUENCE, A_UP, TURN}, 3);
    interpret(&e, &up, 0);
    assert_true(e.at[1] == 0 && same(&e.tree[0], &b));
    editor f = {.a = &ME_TWO, .tree = {a, b}, .at = {1, 2}, .left = ACTIONS};
    act(&f, SWAP);
    assert_string_equal(me_text(&ME_TWO, &f.tree[0], text, sizeof text), "(+ 2 1)");
    assert_string_equal(me_text(&ME_TWO, &f.tree[1], text, sizeof text), "(* y x)");
}

static void fitness_is_one_for_the_target(void **state)
{
    (void)state;
    me_task t;
    me_task_new(&t, 0, 3);
    /* x (1 + x (1 + x (1 + x))) */
    const me_tree right = formula((uint8_t[]){TIMES, X, ADD, ONE, TIMES, X, ADD, ONE, TIMES, X, ADD, ONE, X}, 13);
    assert_true(fabs(me_fitness(&t, &right) - 1) < 1e-12);
    const me_tree one = formula((uint8_t[]){ONE}, 1),
                  bad = formula((uint8_t[]){EXPONENTIAL, EXPONENTIAL, EXPONENTIAL, TWO}, 4);
    double sum = 0;
    for (int i = 0; i < ME_CASES; i++) sum += fabs(1 - t.z[i]);
    assert_true(fabs(me_fitness(&t, &one) - 1 / (1 + sum)) < 1e-15);
    assert_true(me_fitness(&t, &bad) >= 0 && me_fitness(&t, &bad) < 1e-9);
}

static void ranks_are_tested(void **state)
{
    (void)state;
    enum { N = 10 };
    double a[N], b[N], c[N];
    for (int i = 0; i < N; i++) a[i] = i, b[i] = i + 100, c[i] = 5;
    assert_true(me_mann_whitney(a, b, N) < 1e-3 && me_mann_whitney(a, a, N) > .9 && me_mann_whitney(c, c, N) >= 1);
    /* U = 27 of 100: z = (50 - 27 - 0.5) / sqrt(175) */
    const double x[N] = {1, 2, 3, 4, 5, 6, 7, 8, 19, 20}, y[N] = {1.5, 9, 10, 11, 12, 13, 14, 15, 16, 4.5};
    double u = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) u += x[i] > y[k];
    assert_true(fabs(me_mann_whitney(x, y, N) - erfc((fabs(u - 50) - .5) / sqrt(175) / sqrt(2))) < 1e-12);
}

static void one_seed_gives_one_course(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    static me_outcome a, b;
    me_task t;
    me_task_new(&t, 3, 1);
    for (int arm = 0; arm < ME_ARMS; arm++) {
        const me_operator *frozen = arm == ME_FROZEN ? b.op : NULL;
        static me_operator kept[ME_OPERATORS];
        if (frozen) memcpy(kept, frozen, sizeof kept), frozen = kept;
        me_evolve(ctx, &t, (me_arm)arm, frozen, 4000, 7, 0, &a);
        me_evolve(ctx, &t, (me_arm)arm, frozen, 4000, 7, 0, &b);
        assert_memory_equal(a.curve, b.curve, sizeof a.curve);
        for (int p = 1; p < ME_POINTS; p++) assert_true(a.curve[p] >= a.curve[p - 1]);
        assert_true(a.best > a.curve[0] && fabs(a.best - me_fitness(&t, &a.program)) < 1e-15);
    }
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_child_is_a_tree),      cmocka_unit_test(grafts_take_the_place_of_subtrees),
        cmocka_unit_test(operators_do_what_they_say), cmocka_unit_test(fitness_is_one_for_the_target),
        cmocka_unit_test(ranks_are_tested),           cmocka_unit_test(one_seed_gives_one_course),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
