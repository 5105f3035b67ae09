/*
 * test_powerplay.c - the self-delimiting net by hand, unused connections, what is accepted, and one seed twice.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/canvas.c"
#include "../systems/claims.c"
#include "../systems/powerplay.c"
#include "../systems/powerplay_report.c"
#include "../systems/powerplay_search.c"
#include "../systems/powerplay_solver.c"
#include "tmpdir.h"

/* ---- the solver --------------------------------------------------------------------------------------------------------------*/

/* 2 inputs, 1, hidden 3..6, effectors 7..10, halt 11; nothing is connected but what is said. */
static pp_net by_hand(void)
{
    pp_net n = {.inputs = 2, .hidden = 4, .answers = 0, .units = 12};
    for (int i = 0; i < n.units; i++)
        for (int k = 0; k < PP_OUT; k++) n.to[i][k] = (uint8_t)(3 + k);
    return n;
}

static void connect(pp_net *n, int from, int k, int to, double w)
{
    n->to[from][k] = (uint8_t)to;
    n->w[from][k] = (int16_t)(w * PP_ONE);
}

static void a_net_halts_by_itself(void **state)
{
    (void)state;
    pp_net n = by_hand();
    connect(&n, 0, 0, 4, .5);  /* input 0 -> the second of the block */
    connect(&n, 0, 1, 5, .5);  /* as strong: the first wins */
    connect(&n, 2, 0, 6, .25); /* weaker */
    connect(&n, 4, 0, 8, 1);   /* -> right */
    connect(&n, 8, 0, 11, 1);  /* -> halt */
    pp_input in = {.code = {{1, 0}}};
    const pp_run r = pp_run_net(&n, &in, 100, INT64_MAX, NULL);
    assert_true(r.halted && r.steps == 3);
    assert_int_equal(r.cost, 3 + 4 + 5); /* inputs 2, one 1; then the hidden unit's; then the effector's too */
    assert_true(pp_has(r.used, 0) && !pp_has(r.used, 1) && pp_has(r.used, 4) && pp_has(r.used, 8) &&
                !pp_has(r.used, 5) && !pp_has(r.used, 6));
    assert_true(pp_has(r.end, 4) && pp_has(r.end, 8) && !pp_has(r.end, 5));
    assert_true(!pp_run_net(&n, &in, 2, INT64_MAX, NULL).halted); /* too few steps, too few connections */
    assert_true(!pp_run_net(&n, &in, 100, 5, NULL).halted);
    in.code.bits[0] = 2; /* the other input leads nowhere: seen soon */
    const pp_run never = pp_run_net(&n, &in, 1000000, INT64_MAX, NULL);
    assert_true(!never.halted && never.steps < 10);
    in.code.bits[0] = 1;
    connect(&n, 5, 3, 11, 1); /* not looked at: the same run */
    connect(&n, 1, 0, 11, 1);
    const pp_run same_run = pp_run_net(&n, &in, 100, INT64_MAX, NULL);
    assert_true(same_run.steps == r.steps && same_run.cost == r.cost && same_run.end.bits[0] == r.end.bits[0]);
}

static void the_retina_sees_and_moves(void **state)
{
    (void)state;
    static uint8_t picture[PP_SIDE * PP_SIDE];
    pp_net n = {.inputs = PP_RETINA, .hidden = 4, .answers = 2, .units = PP_RETINA + 1 + 4 + 4 + 2 + 1};
    for (int i = 0; i < n.units; i++)
        for (int k = 0; k < PP_OUT; k++) n.to[i][k] = (uint8_t)(PP_RETINA + 1 + k);
    const int right = PP_RETINA + 1 + 4 + 1, answer = PP_RETINA + 1 + 4 + 4 + 1, halt = n.units - 1;
    picture[14 * PP_SIDE + 22] = 255;    /* 8 to the right of the middle, one pixel */
    connect(&n, PP_RETINA, 0, right, 1); /* always to the right: 1, 2, 4, 8 ... pixels */
    connect(&n, 5, 0, halt, 1);          /* the pixel right of the middle */
    connect(&n, 5, 1, answer, 1);
    const pp_input in = {.picture = picture};
    pp_eye way[10];
    const pp_run r = pp_run_net(&n, &in, 10, INT64_MAX, way);
    assert_true(r.halted && r.answer == 1 && r.steps == 4);
    assert_true(way[0].x == 14 && way[1].x == 15 && way[2].x == 17 && way[3].x == 21 && way[3].y == 14);
    memset(picture, 0, sizeof picture);
    const pp_run blind = pp_run_net(&n, &in, 10, INT64_MAX, way);
    assert_true(!blind.halted && blind.steps < 10 && blind.answer == -1); /* stands at the edge, and has been there */
    for (int y = 13; y < 16; y++)
        for (int x = 19; x < 22; x++) picture[y * PP_SIDE + x] = 200;
    const uint64_t seen = look(picture, (pp_eye){14, 14});
    assert_true(seen == 1ull << (9 + 5 + 3)); /* of the 16 around: 5 above, then left and right of the rows below */
}

/* ---- the search --------------------------------------------------------------------------------------------------------------*/

static void play_some(pp_player *p, pp_family family, uint64_t seed, const uint8_t *pictures, const int32_t *labels)
{
    *p = (pp_player){.family = family, .picture = pictures, .label = labels, .pictures = 50};
    pp_start(p, seed);
}

static void every_acceptance_keeps_all_tasks(void **state)
{
    (void)state;
    static pp_player p;
    static uint8_t pictures[50 * PP_SIDE * PP_SIDE];
    int32_t labels[50];
    jd_rng r = jd_rng_new(1, "test", 0);
    for (size_t i = 0; i < sizeof pictures; i++) pictures[i] = jd_rng_below(&r, 3) ? 0 : 255;
    for (int i = 0; i < 50; i++) labels[i] = i % 10;
    for (int f = 0; f < PP_FAMILIES; f++) {
        play_some(&p, (pp_family)f, 7, pictures, labels);
        while (p.tasks < 20 && pp_invent(&p, 1e9)) {
            const pp_net now = p.net;
            const pp_event *e = &p.event[p.events - 1];
            assert_true(pp_audit(&p));
            assert_int_equal(e->tests + e->saved, p.tasks - 1);
            /* The old net fails at the new task. */
            apply(&p.net, &e->change, e->change.from);
            const pp_input in = pp_input_of(&p, p.task[p.tasks - 1].code);
            const pp_run before = pp_run_net(&p.net, &in, p.limit, INT64_MAX, NULL);
            p.tasks--;
            assert_true(!solves_new(&p, p.task[p.tasks].code, &before));
            /* What did not use a changed connection runs in the same way with both nets. */
            for (int i = 0; i < p.tasks; i++) {
                if (touches(&e->change, &p.task[i].run.used)) continue;
                const pp_input old = pp_input_of(&p, p.task[i].code);
                const pp_run then = pp_run_net(&p.net, &old, p.limit, INT64_MAX, NULL);
                assert_true(then.steps == p.task[i].run.steps && then.cost == p.task[i].run.cost &&
                            alike(&p, &then, &p.task[i].run));
            }
            p.tasks++;
            p.net = now;
        }
        assert_int_equal(p.tasks, 20);
        /* An audit notices a broken net. */
        const pp_net whole = p.net;
        for (int k = 0; k < PP_OUT; k++) p.net.w[p.net.inputs][k] = (int16_t)(k % 2 ? 4 * PP_ONE : -4 * PP_ONE);
        assert_true(!pp_audit(&p));
        p.net = whole;
        /* The same with less. */
        const int64_t before = p.total;
        p.shorter = true;
        assert_true(!pp_invent(&p, p.spent + 2e7));
        assert_true(p.tasks == 20 && p.total < before && pp_audit(&p));
    }
}

static void the_budget_ends_the_search(void **state)
{
    (void)state;
    static pp_player p;
    play_some(&p, PP_STATES, 3, NULL, NULL);
    for (int i = 0; i <= p.net.inputs; i++) /* nothing halts at its first step */
        for (int k = 0; k < PP_OUT; k++) assert_true(p.net.to[i][k] < p.net.units - 1);
    assert_true(!pp_invent(&p, 10) && p.tasks == 0);
}

static void one_seed_gives_one_course(void **state)
{
    (void)state;
    static pp_player one, other;
    play_some(&one, PP_STATES, 9, NULL, NULL);
    play_some(&other, PP_STATES, 9, NULL, NULL);
    for (int i = 0; i < 10; i++) assert_true(pp_invent(&one, 1e9));
    while (other.tasks < 10) pp_invent(&other, other.spent + 20000); /* in pieces */
    assert_true(one.spent == other.spent && !memcmp(&one.net, &other.net, sizeof one.net));
    play_some(&other, PP_STATES, 10, NULL, NULL);
    assert_true(memcmp(&one.net, &other.net, sizeof one.net) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_net_halts_by_itself),
        cmocka_unit_test(the_retina_sees_and_moves),
        cmocka_unit_test(every_acceptance_keeps_all_tasks),
        cmocka_unit_test(the_budget_ends_the_search),
        cmocka_unit_test(one_seed_gives_one_course),
    };
    return cmocka_run_group_tests(tests, tmpdir_setup, tmpdir_teardown);
}
