/*
 * test_team.c - the thread team: jobs, barriers, shares, many runs, more members than cores.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"

enum { LARGEST = 7 };

static const int sizes[] = {1, 2, 3, LARGEST};

typedef struct counts {
    int barriers;
    /* Plain integers on purpose: the barrier alone orders them, and ThreadSanitizer checks that it does. */
    struct {
        _Alignas(64) int step;
    } member[LARGEST];
    int wrong[LARGEST];
} counts;

/* Each member publishes its step, waits, and then reads everybody's. */
static void many_barriers(void *user, const jd_worker *w)
{
    counts *c = user;
    for (int i = 1; i <= c->barriers; i++) {
        c->member[w->id].step = i;
        jd_team_barrier(w);
        for (int k = 0; k < w->count; k++) c->wrong[w->id] += c->member[k].step != i;
        jd_team_barrier(w);
    }
}

static void barriers_order_memory(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        jd_team *team = jd_team_new(sizes[s]);
        assert_non_null(team);
        assert_int_equal(jd_team_count(team), sizes[s]);
        counts c = {.barriers = sizes[s] == LARGEST ? 1500 : 10000};
        jd_team_run(team, many_barriers, &c);
        for (int i = 0; i < sizes[s]; i++) {
            assert_int_equal(c.wrong[i], 0);
            assert_int_equal(c.member[i].step, c.barriers);
        }
        jd_team_free(team);
    }
}

static void add_one(void *user, const jd_worker *w)
{
    int *total = user; /* (count) */
    total[w->id * 16]++;
}

static void jobs_run_once_on_every_member(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        jd_team *team = jd_team_new(sizes[s]);
        int total[LARGEST * 16] = {0};
        for (int i = 1; i <= 2000; i++) {
            jd_team_run(team, add_one, total);
            for (int k = 0; k < sizes[s]; k++) assert_int_equal(total[k * 16], i);
        }
        /* Long enough for everybody to fall asleep, then once more. */
        usleep(2000);
        jd_team_run(team, add_one, total);
        for (int k = 0; k < sizes[s]; k++) assert_int_equal(total[k * 16], 2001);
        jd_team_free(team);
    }
}

static void slow_member(void *user, const jd_worker *w)
{
    int *seen = user;
    if (w->id == w->count - 1) usleep(3000); /* the others sleep at the barrier meanwhile */
    seen[w->id * 16] = 1;
    jd_team_barrier(w);
    if (w->id == 0) usleep(1000); /* and at the end of the job */
}

static void sleepers_are_woken(void **state)
{
    (void)state;
    jd_team *team = jd_team_new(3);
    for (int i = 0; i < 20; i++) {
        int seen[3 * 16] = {0};
        jd_team_run(team, slow_member, seen);
        assert_int_equal(seen[0] + seen[16] + seen[32], 3);
    }
    jd_team_free(team);
}

static void identify(void *user, const jd_worker *w)
{
    ((pthread_t *)user)[w->id] = pthread_self();
    if (w->count == 1) assert_null(w->team);
}

static void the_caller_is_member_zero(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        pthread_t id[LARGEST];
        jd_team *team = jd_team_new(sizes[s]);
        jd_team_run(team, identify, id);
        assert_true(pthread_equal(id[0], pthread_self()));
        for (int i = 1; i < sizes[s]; i++)
            for (int k = 0; k < i; k++) assert_false(pthread_equal(id[i], id[k]));
        jd_team_free(team);
    }
    assert_null(jd_team_new(0));
    assert_null(jd_team_new(-1));
    jd_team_free(NULL);
}

static void shares_cover_everything_once(void **state)
{
    (void)state;
    for (int count = 1; count <= 9; count++)
        for (size_t n = 0; n < 70; n++)
            for (size_t grain = 1; grain <= 17; grain += 4) {
                size_t next = 0;
                for (int id = 0; id < count; id++) {
                    const jd_worker w = {.id = id, .count = count};
                    size_t b, e;
                    jd_share(&w, n, grain, &b, &e);
                    assert_true(b == next && e >= b && e <= n);
                    assert_true(b % grain == 0 || b == n);
                    next = e;
                }
                assert_int_equal(next, n);
            }
}

/* Shares of any size, as a slow member brings them about. */
static void uneven_shares_cover_everything_once(void **state)
{
    (void)state;
    const double part[4] = {0.61, 0.04, 0.3, 0.05};
    jd_team *team = jd_team_new(4);
    assert_non_null(team);
    jd_team_fix(team, part);
    for (size_t n = 0; n < 200; n++)
        for (size_t grain = 1; grain <= 17; grain += 4) {
            size_t next = 0;
            for (int id = 0; id < 4; id++) {
                const jd_worker w = {.id = id, .count = 4, .team = team};
                size_t b, e;
                jd_share(&w, n, grain, &b, &e);
                assert_true(b == next && e >= b && e <= n);
                assert_true(b % grain == 0 || b == n);
                if (grain == 1) assert_true(fabs((double)(e - b) - part[id] * (double)n) <= 1.01);
                assert_true(jd_team_part(&w, id) == part[id]);
                next = e;
            }
            assert_int_equal(next, n);
        }
    jd_team_free(team);
}

/* Forty units of work, which take the last member eight times as long. */
static void limping(void *user, const jd_worker *w)
{
    size_t begin, end;
    jd_share(w, 40, 1, &begin, &end);
    usleep((useconds_t)((w->id == w->count - 1 ? 400 : 50) * (end - begin)));
    jd_team_barrier(w);
    ((size_t *)user)[w->id] = end - begin;
}

static void a_slow_member_gets_less(void **state)
{
    (void)state;
    jd_team *team = jd_team_new(2);
    assert_non_null(team);
    size_t share[2], most = 0;
    for (int i = 0; i < 40; i++) {
        jd_team_run(team, limping, share);
        assert_int_equal(share[0] + share[1], 40);
        if (i == 0) assert_int_equal(share[0], 20);
        if (share[0] > most) most = share[0];
    }
    assert_in_range(most, 24, 38);
    jd_team_free(team);
}

/* Teams of different contexts live side by side. */
static void *own_context(void *arg)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 3});
    counts c = {.barriers = 200};
    jd_team_run(jd__ctx_team(ctx), many_barriers, &c);
    int *wrong = arg;
    for (int i = 0; i < 3; i++) *wrong += c.wrong[i] + (c.member[i].step != 200);
    jd_ctx_free(ctx);
    return NULL;
}

static void contexts_are_independent(void **state)
{
    (void)state;
    pthread_t thread[3];
    int wrong[3] = {0};
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&thread[i], NULL, own_context, &wrong[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(barriers_order_memory),
        cmocka_unit_test(jobs_run_once_on_every_member),
        cmocka_unit_test(sleepers_are_woken),
        cmocka_unit_test(the_caller_is_member_zero),
        cmocka_unit_test(shares_cover_everything_once),
        cmocka_unit_test(contexts_are_independent),
        cmocka_unit_test(uneven_shares_cover_everything_once),
        cmocka_unit_test(a_slow_member_gets_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
