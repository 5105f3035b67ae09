/* test_sequences.c - the generators of the artificial tasks, against their definitions in the papers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../systems/sequences.c"

static void assert_near(double a, double b, double tolerance)
{
    assert_true(fabs(a - b) <= tolerance);
}

/* ---- embedded Reber: the automaton written down a second time, as the table of the sheet of arcs ----------------------*/

static int arc(int state, char c)
{
    static const char *const arcs[7] = {"B1", "T2P3", "S2X4", "T3V5", "X3S6", "P4V6", "E7"};
    for (const char *a = arcs[state]; *a; a += 2)
        if (a[0] == c) return a[1] - '0';
    return -1;
}

static int set_of(const char *symbols)
{
    int set = 0;
    for (; *symbols; symbols++) set |= 1 << (strchr(SEQ_REBER_NAMES, *symbols) - SEQ_REBER_NAMES);
    return set;
}

static void check_reber(const seq_reber_string *s)
{
    static const char *const next[7] = {"B", "TP", "SX", "TV", "XS", "PV", "E"};
    char text[SEQ_REBER_MAX + 1] = {0};
    const int n = s->length;
    assert_in_range(n, 9, SEQ_REBER_MAX); /* the shortest: BTBTXSETE */
    for (int i = 0; i < n; i++) text[i] = SEQ_REBER_NAMES[s->symbol[i]];
    assert_int_equal(text[0], 'B');
    assert_true(text[1] == 'T' || text[1] == 'P');
    assert_int_equal(text[n - 2], text[1]);
    assert_int_equal(text[n - 1], 'E');
    assert_int_equal(s->legal[0], set_of("TP"));
    assert_int_equal(s->legal[1], set_of("B"));
    int state = 0;
    for (int i = 2; i < n - 2; i++) {
        assert_true(state < 7);
        assert_true(arc(state, text[i]) > 0);
        state = arc(state, text[i]);
        assert_int_equal(s->legal[i], state == 7 ? set_of((char[]){text[1], 0}) : set_of(next[state]));
    }
    assert_int_equal(state, 7);
    assert_int_equal(s->legal[n - 2], set_of("E"));
    assert_int_equal(s->legal[n - 1], 0);
}

static void test_reber(void **state)
{
    (void)state;
    enum { N = 20000 };
    double length = 0, t = 0;
    int loops = 0;
    jd_rng r = jd_rng_new(7, "test/reber", 0);
    for (int i = 0; i < N; i++) {
        const seq_reber_string s = seq_reber(&r);
        check_reber(&s);
        length += (double)s.length / N;
        t += (double)(s.symbol[1] == 1) / N;
        loops += s.length > 20;
    }
    /* The expected number of arcs from each state to the end: e_s = 1 + (e_a + e_b) / 2 over its two arcs. */
    double e[8] = {0};
    for (int k = 0; k < 4000; k++)
        for (int s = 0; s < 7; s++) e[s] = 1 + (e[REBER[s].next[0]] + e[REBER[s].next[1]]) / 2;
    assert_near(length, e[0] + 4, .06);
    assert_near(t, .5, .015);
    assert_true(loops > 20);
    const seq_reber_string a = seq_reber(&(jd_rng){0}), b = seq_reber(&(jd_rng){0});
    assert_memory_equal(&a, &b, sizeof a); /* a function of the generator's state */
}

/* ---- a^n b^n c^n ------------------------------------------------------------------------------------------------------*/

static void test_abc(void **state)
{
    (void)state;
    int32_t symbol[32];
    uint8_t legal[32];
    static const char *const text = "SaaabbbcccT", *const one = "SabcT";
    static const uint8_t sets[] = {2, 2 | 4, 2 | 4, 2 | 4, 4, 4, 8, 8, 8, 16, 0}; /* S 1, a 2, b 4, c 8, T 16 */
    seq_abc(3, symbol, legal);
    for (size_t i = 0; i < strlen(text); i++) {
        assert_int_equal(SEQ_ABC_NAMES[symbol[i]], text[i]);
        assert_int_equal(legal[i], sets[i]);
    }
    seq_abc(1, symbol, legal);
    for (size_t i = 0; i < strlen(one); i++) assert_int_equal(SEQ_ABC_NAMES[symbol[i]], one[i]);
    for (int64_t n = 1; n <= 10; n++) { /* what comes is always legal, and among the a's two symbols are */
        seq_abc(n, symbol, legal);
        for (int64_t t = 0; t + 1 < 3 * n + 2; t++) {
            assert_true(legal[t] >> symbol[t + 1] & 1);
            assert_int_equal(__builtin_popcount(legal[t]), t >= 1 && t <= n ? 2 : 1);
        }
    }
}

/* ---- temporal order -----------------------------------------------------------------------------------------------------*/

static void check_order(int marks, const int64_t (*window)[2])
{
    enum { N = 4000 };
    int seen[8] = {0}, length_seen[11] = {0}, at_seen[3][11] = {{0}};
    for (uint64_t i = 0; i < N; i++) {
        int32_t symbol[110], label;
        int64_t at[3];
        jd_rng r = jd_rng_new(3, "test/order", i);
        const int64_t n = seq_order(&r, marks, symbol, at, &label);
        assert_in_range(n, 100, 110);
        length_seen[n - 100]++;
        int found = 0;
        int32_t class = 0;
        for (int64_t t = 0; t < n; t++) {
            const char c = SEQ_ORDER_NAMES[symbol[t]];
            if (c == 'X' || c == 'Y') {
                assert_in_range(t, window[found][0], window[found][1]);
                assert_int_equal(t, at[found]);
                at_seen[found][t - window[found][0]]++;
                class = 2 * class + (c == 'Y');
                found++;
            } else {
                assert_int_equal(c == 'E', t == 0);
                assert_int_equal(c == 'B', t == n - 1);
            }
        }
        assert_int_equal(found, marks);
        assert_int_equal(label, class);
        seen[label]++;
    }
    for (int k = 0; k < 1 << marks; k++)
        assert_in_range(seen[k], N / (1 << marks) * 8 / 10, N / (1 << marks) * 12 / 10);
    for (int k = 0; k < 11; k++) {
        assert_in_range(length_seen[k], N / 11 * 7 / 10, N / 11 * 13 / 10);
        for (int m = 0; m < marks; m++) assert_in_range(at_seen[m][k], N / 11 * 7 / 10, N / 11 * 13 / 10);
    }
}

static void test_order(void **state)
{
    (void)state;
    check_order(2, (const int64_t[][2]){{10, 20}, {50, 60}});
    check_order(3, (const int64_t[][2]){{10, 20}, {33, 43}, {66, 76}});
}

/* ---- adding -------------------------------------------------------------------------------------------------------------*/

static void test_adding(void **state)
{
    (void)state;
    enum { N = 5000, T_MIN = 100, STRIDE = 6 };
    static float x[110 * STRIDE];
    double mean = 0, square = 0, values = 0, values2 = 0, n_values = 0;
    int first_marked = 0, longest = 0, shortest = 1000;
    for (uint64_t i = 0; i < N; i++) {
        float target;
        jd_rng r = jd_rng_new(5, "test/adding", i);
        for (int k = 0; k < 110 * STRIDE; k++) x[k] = 7; /* must be left alone beside the pair */
        const int n = (int)seq_adding(&r, T_MIN, x, STRIDE, &target);
        int marked = 0, early = 0;
        double sum = 0;
        for (int t = 0; t < n; t++) {
            const float value = x[t * STRIDE], marker = x[t * STRIDE + 1];
            assert_true(value >= -1 && value <= 1 && x[t * STRIDE + 2] == 7);
            if (marker == 1) {
                assert_true(t < T_MIN / 2 - 1 || t < 10);
                marked++;
                early += t < 10;
                sum += (double)value;
                if (t == 0) {
                    first_marked++;
                    assert_true(value == 0);
                }
            } else {
                assert_true(marker == (t == 0 || t == n - 1 ? -1.f : 0.f));
                values += (double)value, values2 += (double)value * (double)value, n_values++;
            }
        }
        for (int t = n; t < 110; t++) assert_true(x[t * STRIDE] == 7);
        assert_int_equal(marked, 2);
        assert_true(early >= 1);
        assert_near((double)target, .5 + sum / 4, 1e-6);
        mean += (double)target / N;
        square += (double)target * (double)target / N;
        longest = n > longest ? n : longest;
        shortest = n < shortest ? n : shortest;
    }
    assert_int_equal(shortest, 100);
    assert_int_equal(longest, 110);
    assert_int_equal(seq_adding_longest(100), 110);
    assert_near(mean, .5, .01);
    assert_near(square - mean * mean, (2. / 3 - .12 / 3) / 16, .002); /* a marked first number counts 0: 12 % */
    assert_near(values / n_values, 0, .005);
    assert_near(values2 / n_values, 1. / 3, .005);
    assert_in_range(first_marked, N * 9 / 100, N * 15 / 100); /* 1/10 + 9/10 x 1/48 = 11.9 % */
}

/* The same sequences with values from 0 to 1; the product of the marked ones. */
static void test_multiplication(void **state)
{
    (void)state;
    enum { N = 4000, T_MIN = 60 };
    static float x[66 * 2];
    double mean = 0;
    for (uint64_t i = 0; i < N; i++) {
        float target, product = 1;
        jd_rng r = jd_rng_new(6, "test/multiplication", i);
        const int n = (int)seq_multiplication(&r, T_MIN, x, 2, &target);
        int marked = 0;
        assert_in_range(n, T_MIN, 66);
        for (int t = 0; t < n; t++) {
            assert_true(x[2 * t] >= 0 && x[2 * t] < 1);
            if (!(x[2 * t + 1] > 0)) continue;
            marked++;
            product *= x[2 * t];
        }
        assert_int_equal(marked, 2);
        assert_near((double)target, (double)product, 1e-6);
        mean += (double)target / N;
    }
    assert_near(mean, .25 * (1 - (.1 + .9 / 28)), .01); /* a marked first number counts 0 */
}

/* ---- latch --------------------------------------------------------------------------------------------------------------*/

static void test_latch(void **state)
{
    (void)state;
    enum { N = 2000 };
    float x[50];
    double ones = 0, mean = 0, square = 0;
    for (uint64_t i = 0; i < N; i++) {
        jd_rng r = jd_rng_new(9, "test/latch", i);
        const int32_t label = seq_latch(&r, 50, x, 1);
        assert_true(x[0] == (label ? 1.f : -1.f));
        ones += (double)label / N;
        for (int t = 1; t < 50; t++) {
            mean += (double)x[t] / (49. * N);
            square += (double)x[t] * (double)x[t] / (49. * N);
        }
    }
    assert_near(ones, .5, .05);
    assert_near(mean, 0, .003);
    assert_near(sqrt(square), .2, .003);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reber),          cmocka_unit_test(test_abc),
                                       cmocka_unit_test(test_order),          cmocka_unit_test(test_adding),
                                       cmocka_unit_test(test_multiplication), cmocka_unit_test(test_latch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
