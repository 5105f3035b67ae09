/*
 * test_oops.c - the system oops: counts that are exact, instructions of the stack machine, and states that are restored.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/oops_machine.c"
#include "../systems/oops_tokens.c"
#include "tmpdir.h"

/* What 1^n 2^n needs, and boostq. */
static const uint32_t FEW = (1u << (OOPS_C5 + 1)) - 1;

static jd_ctx *ctx;
static jd_run *r;

static void four_tokens_count_exactly(void **state)
{
    (void)state;
    oops4_program p;
    char text[64];
    int64_t moves;
    assert_int_equal(oops4_search(3, 3, &p), 3232);
    assert_string_equal(oops4_text(&p, text), "SD C SD M SA C");
    for (int n = 1; n <= OOPS4_DISKS; n++) {
        assert_true(oops4_solves(&p, n, &moves));
        assert_int_equal(moves, (1 << n) - 1);
    }
    assert_int_equal(oops4_search(1, 1, &p), 1); /* M */
    const oops4_program wrong = {.length = 2, .token = {OOPS4_MOVE, OOPS4_MOVE}};
    assert_false(oops4_solves(&wrong, 2, &moves));
}

static oops_solver *solver(uint32_t tokens, int verify)
{
    oops_solver *s =
        oops_new(r, &(oops_options){.tokens = tokens, .boost = 2, .limit = 50000000, .instances = 5, .verify = verify});
    assert_non_null(s);
    return s;
}

/* Writes a program and runs it on one instance. */
static oops_state run_program(oops_solver *s, oops_kind kind, int n, const int *token, int length)
{
    double time = 0;
    s->kind = kind;
    s->begin = 1;
    s->tasks = 1;
    prepare(s, 0, n);
    bias(s, 1 + length);
    for (int i = 0; i < length; i++) s->code[1 + i] = (int8_t)token[i];
    return go_on(s, &time, 1e6);
}

static void instructions_do_what_they_say(void **state)
{
    (void)state;
    oops_solver *s = solver((1u << OOPS_TOKENS) - 1, 0);
    static const int ones[] = {OOPS_DEFNP, OOPS_C1, OOPS_CALLTP, OOPS_C2, OOPS_ENDNP};
    static const int hanoi[] = {OOPS_DEFNP, OOPS_C5, OOPS_CALLTP, OOPS_C3, OOPS_C4, OOPS_CALLTP, OOPS_ENDNP};
    for (int n = 1; n <= 10; n++) {
        assert_int_equal(run_program(s, OOPS_ONES_TWOS, n, ones, 5), SOLVED);
        assert_int_equal(run_program(s, OOPS_HANOI, n, hanoi, 7), SOLVED);
    }
    static const struct {
        int token[6], length, top;
    } sums[] = {{{OOPS_C3, OOPS_C4, OOPS_MUL, OOPS_DEC}, 4, 11},
                {{OOPS_C5, OOPS_C2, OOPS_SUB, OOPS_BY2}, 4, 6},
                {{OOPS_C5, OOPS_C2, OOPS_DIV, OOPS_INC}, 4, 3},
                {{OOPS_C5, OOPS_C3, OOPS_MOD}, 3, 2},
                {{OOPS_C5, OOPS_C3, OOPS_GEQ}, 3, 1},
                {{OOPS_C5, OOPS_C3, OOPS_UP, OOPS_SUB}, 4, -2},
                {{OOPS_C5, OOPS_DUP, OOPS_EQ, OOPS_NOT}, 4, 0},
                {{OOPS_C1, OOPS_DEC, OOPS_SKIP, OOPS_C5, OOPS_C4}, 5, 4},
                {{OOPS_C5, OOPS_C1, OOPS_SKIP, OOPS_C4}, 4, 4},
                {{OOPS_C5, OOPS_C1, OOPS_DEL}, 3, 5}};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        assert_int_equal(run_program(s, OOPS_ONES_TWOS, 7, sums[i].token, sums[i].length), ASKS);
        assert_int_equal(s->cell[DATA + s->cell[DEPTH] - 1], sums[i].top);
        assert_int_equal(s->cell[DATA], 7);
    }
    static const int empty[] = {OOPS_DEL, OOPS_DEL}, outside[] = {OOPS_CALLTP}, zero[] = {OOPS_C1, OOPS_DEC, OOPS_DIV},
                     twice[] = {OOPS_DEFNP, OOPS_C3, OOPS_C3, OOPS_ENDNP};
    assert_int_equal(run_program(s, OOPS_ONES_TWOS, 1, empty, 2), FAILS);
    assert_int_equal(run_program(s, OOPS_ONES_TWOS, 1, outside, 1), FAILS);
    assert_int_equal(run_program(s, OOPS_ONES_TWOS, 1, zero, 3), FAILS);
    assert_int_equal(run_program(s, OOPS_HANOI, 3, twice, 4), FAILS); /* a larger disk on a smaller one */
    oops_free(s);
}

/* The whole state after failed prefixes. */
static void what_failed_leaves_no_trace(void **state)
{
    (void)state;
    oops_solver *s = solver(FEW, 100);
    int64_t made, differ;
    for (int n = 1; n <= 3; n++) assert_true(oops_solve(s, OOPS_ONES_TWOS, n));
    oops_checks(s, &made, &differ);
    assert_true(made > 1000);
    assert_int_equal(differ, 0);
    char text[256];
    assert_string_equal(oops_text(s, 2, text), "defnp c1 calltp c2 endnp");
    /* and a change that is not taken back is seen */
    const uint64_t before = hash(s);
    s->cell[DATA + 3]++;
    assert_true(before != hash(s));
    oops_free(s);
}

static void boosting_makes_old_tokens_likelier(void **state)
{
    (void)state;
    static const int boost_it[] = {OOPS_C1, OOPS_BOOSTQ};
    oops_solver *s = solver((1u << OOPS_TOKENS) - 1, 0);
    assert_int_equal(run_program(s, OOPS_HANOI, 1, boost_it, 2), FAILS); /* nothing is frozen yet */
    /* c1 c2, which was extended by c1; then the same once more; then c4 */
    s->count = 4;
    s->found[0] = (oops_found){.begin = 1, .length = 2};
    s->found[1] = (oops_found){.begin = 1, .length = 3, .extends = true};
    s->found[2] = (oops_found){.begin = 1, .length = 3, .old = true};
    s->found[3] = (oops_found){.begin = 4, .length = 1};
    s->code[1] = OOPS_C1, s->code[2] = OOPS_C2, s->code[3] = OOPS_C1, s->code[4] = OOPS_C4;
    assert_int_equal(program(s, 1)->length, 3);
    assert_int_equal(program(s, 2)->begin, 4);
    assert_null(program(s, 0));
    assert_null(program(s, 3));
    s->o.likely[OOPS_HANOI] = 1u << OOPS_C5;
    bias(s, 4);
    assert_true(boost(s, 1));
    assert_int_equal(shared(s)[WEIGHT + OOPS_C1], 3 * UNIT);
    assert_int_equal(shared(s)[WEIGHT + OOPS_C2], 3 * UNIT);
    assert_int_equal(shared(s)[WEIGHT + OOPS_C3], UNIT);
    assert_int_equal(shared(s)[WEIGHT + OOPS_C5], 3 * UNIT);
    assert_int_equal(shared(s)[TOTAL], (OOPS_TOKENS + 6) * UNIT);
    restore(s, 0);
    assert_int_equal(shared(s)[TOTAL], (OOPS_TOKENS + 2) * UNIT);
    oops_free(s);
}

static void searches_repeat(void **state)
{
    (void)state;
    int64_t steps[2];
    for (int k = 0; k < 2; k++) {
        oops_solver *s = solver(FEW, k ? 7 : 0);
        for (int n = 1; n <= 5; n++) assert_true(oops_solve(s, OOPS_ONES_TWOS, n));
        assert_true(oops_program(s, 4)->old && !oops_program(s, 0)->old);
        steps[k] = oops_steps(s);
        oops_free(s);
    }
    assert_int_equal(steps[0], steps[1]);
}

static int setup(void **state)
{
    if (tmpdir_setup(state)) return -1;
    ctx = jd_ctx_new(NULL);
    r = jd_run_new(ctx, &(jd_run_options){.name = "oops", .dir = tmpdir_file("run")});
    return r ? 0 : -1;
}

static int teardown(void **state)
{
    jd_run_free(r);
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_tokens_count_exactly),
        cmocka_unit_test(instructions_do_what_they_say),
        cmocka_unit_test(what_failed_leaves_no_trace),
        cmocka_unit_test(boosting_makes_old_tokens_likelier),
        cmocka_unit_test(searches_repeat),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
