/* test_protein.c - chains of amino acids: readers, windows, generated superfamilies, scores of rankings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "../systems/homology_data.c"
#include "jackdaw/fn.h"
#include "jackdaw/layers.h"

#include "ctx_tmpdir.h"

static void write_text(const char *path, const char *text)
{
    tmpdir_write(path, text, strlen(text));
}

static void test_fasta(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.fasta");
    jd_chains c = {0};
    write_text(path, ">one first\r\nMk-V.\r\nacX*\r\n; a note\r\n>two\nBJOUZ");
    assert_int_equal(jd_read_chains(ctx, path, &c), JD_OK);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.items[0].id, "one");
    assert_int_equal(c.items[0].length, 6);
    assert_memory_equal(c.items[0].letters, "MKVACX", 6);
    const int32_t expected[] = {10, 8, 17, 0, 1, 20};
    assert_memory_equal(c.items[0].residue, expected, sizeof expected);
    assert_null(c.items[0].q3);
    assert_string_equal(c.items[1].id, "two");
    for (int i = 0; i < 5; i++) assert_int_equal(c.items[1].residue[i], 20);
    jd_chains_free(ctx, &c);
}

static void test_table(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.tsv");
    jd_chains c = {0};
    write_text(path, "id\tmask\tdssp8\tsequence\na\t11101111\tHGIEBTS-\tACDEFGHI\nb\t1\tC\tY\n");
    assert_int_equal(jd_read_chains(ctx, path, &c), JD_OK);
    assert_int_equal(c.count, 2);
    const int32_t eight[] = {0, 1, 2, -1, 4, 5, 6, 7}, three[] = {0, 0, 0, -1, 1, 2, 2, 2};
    assert_memory_equal(c.items[0].q8, eight, sizeof eight);
    assert_memory_equal(c.items[0].q3, three, sizeof three);
    assert_string_equal(c.items[1].id, "b");
    assert_int_equal(c.items[1].residue[0], 19);
    jd_chains_free(ctx, &c);
}

static void expect(const char *text, const char *words)
{
    const char *path = tmpdir_file("bad");
    jd_chains c = {0};
    write_text(path, text);
    assert_int_equal(jd_read_chains(ctx, path, &c), JD_EDATA);
    if (!strstr(jd_error_message(ctx), words)) fail_msg("'%s' is not in: %s", words, jd_error_message(ctx));
    jd_error_clear(ctx);
}

/* As others share CB513: commas, blanks between the letters, masks in decimals, no names. */
static void test_shared_table(void **state)
{
    (void)state;
    const char *path = tmpdir_file("CB513.csv");
    jd_chains c = {0};
    write_text(path, "input,dssp3,dssp8,disorder,cb513_mask\nR T D,C H E,L H B,1.0 1.0 1.0,1.0 0.0 1.0\nA,C,T,1.0,1\n");
    if (jd_read_chains(ctx, path, &c)) fail_msg("%s", jd_error_message(ctx));
    assert_true(c.count == 2 && c.items[0].length == 3 && c.items[1].length == 1);
    assert_string_equal(c.items[1].id, "2");
    assert_memory_equal(c.items[0].letters, "RTD", 3);
    assert_true(c.items[0].q3[0] == 2 && c.items[0].q3[1] == -1 && c.items[0].q3[2] == 1 && c.items[0].q8[2] == 4);
    jd_chains_free(ctx, &c);
    write_text(path, "name,length\na,3\n");
    assert_int_equal(jd_read_chains(ctx, path, &c), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "line 1: no column 'sequence'"));
    jd_error_clear(ctx);
}

/* The arrays of ICML 2014: 57 numbers a residue. */
static void test_array(void **state)
{
    (void)state;
    enum { PLACE = 57, CHAIN = 700 * PLACE };
    static const char *const letters[] = {"ACDW", "Y"}, *const states[] = {"HL", ""};
    static float x[2 * CHAIN];
    static uint8_t file[128 + sizeof x] = "\x93NUMPY\1\0\x76\0";
    memset(file + 10, ' ', 118);
    memcpy(file + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 39900), }", 63);
    for (int i = 0; i < 2; i++)
        for (size_t t = 0; t < 700; t++) {
            float *p = x + (size_t)i * CHAIN + t * PLACE;
            if (t >= strlen(letters[i])) {
                p[21] = p[30] = 1;
                continue;
            }
            p[strchr("ACEDGFIHKMLNQPSRTWVYX", letters[i][t]) - "ACEDGFIHKMLNQPSRTWVYX"] = 1;
            if (t < strlen(states[i])) p[22 + (strchr("LBEGIHST", states[i][t]) - "LBEGIHST")] = 1;
        }
    memcpy(file + 128, x, sizeof x);
    const char *path = tmpdir_file("cb513+profile_split1.npy");
    jd_chains c = {0};
    tmpdir_write(path, file, sizeof file);
    if (jd_read_chains(ctx, path, &c)) fail_msg("%s", jd_error_message(ctx));
    assert_true(c.count == 2 && c.items[0].length == 4 && c.items[1].length == 1);
    assert_string_equal(c.items[1].id, "2");
    assert_memory_equal(c.items[0].letters, "ACDW", 4);
    assert_int_equal(c.items[0].residue[3], jd_residue_of('W'));
    assert_true(c.items[0].q8[0] == 0 && c.items[0].q8[1] == 7 && c.items[0].q8[2] == -1 && c.items[0].q3[1] == 2);
    jd_chains_free(ctx, &c);
    tmpdir_write(path, file, sizeof file - 4);
    assert_int_equal(jd_read_chains(ctx, path, &c), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "byte 128: 319200 bytes of numbers are declared, 319196 are there"));
    jd_error_clear(ctx);
    memset(file + 128, 0, PLACE * 4);
    tmpdir_write(path, file, sizeof file);
    assert_int_equal(jd_read_chains(ctx, path, &c), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "chain 1, place 1: no residue"));
    jd_error_clear(ctx);
    for (size_t n = 6; n < 140; n++) { /* every way to cut its head off */
        tmpdir_write(path, file, n);
        assert_int_equal(jd_read_chains(ctx, path, &c), JD_EDATA);
        jd_error_clear(ctx);
    }
}

static void test_errors(void **state)
{
    (void)state;
    expect(">a\nAC9\n", "line 2");
    expect(">a\n>b\nA\n", "line 2");
    expect(">a\n", "no residue");
    expect("", "header");
    expect("id\tsequence\n", "no chain");
    expect("id\tsequenze\na\tA\n", "'sequence'");
    expect("id\tsequence\tdssp3\na\tAC\tH\n", "line 2");
    expect("id\tsequence\tdssp3\na\tAC\tHQ\n", "'Q'");
    expect("id\tsequence\tdssp3\tmask\na\tAC\tHE\t1\n", "line 2");
}

/* ---- windows -------------------------------------------------------------------------------------------------------------*/

static void window_fn(jd_graph *g, void *user)
{
    const jd_node x = jd_arg(g, "x"), length = jd_arg(g, "length");
    jd_result(g, "y", jd_time_window(g, x, *(int64_t *)user, length));
    jd_result(g, "net", jd_net(g, "window 2", x, length));
}

static void test_window(void **state)
{
    (void)state;
    enum { T = 5, B = 2, N = 3, W = 2 };
    float x[T * B * N];
    for (int i = 0; i < T * B * N; i++) x[i] = (float)(i + 1);
    const int32_t length[B] = {5, 3};
    int64_t w = W;
    jd_fn *f = jd_fn_new(ctx, NULL, window_fn, &w);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, T, B, N), JD_TENSOR("length", JD_I32, length, B)};
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    const float *y = jd_fn_result(f, "y", NULL), *net = jd_fn_result(f, "net", NULL);
    for (int t = 0; t < T; t++)
        for (int b = 0; b < B; b++)
            for (int k = -W; k <= W; k++)
                for (int c = 0; c < N; c++) {
                    const bool inside = t + k >= 0 && t + k < length[b];
                    const int i = ((t * B + b) * (2 * W + 1) + k + W) * N + c;
                    assert_true(y[i] == (inside ? x[((t + k) * B + b) * N + c] : 0.f));
                    assert_true(net[i] == y[i]);
                }
    jd_fn_free(f);
}

/* ---- superfamilies ---------------------------------------------------------------------------------------------------------*/

static void test_superfamilies(void **state)
{
    (void)state;
    homology_data d = {0}, again = {0};
    const homology_options o = {.superfamilies = 4,
                                .members = 5,
                                .test_members = 6,
                                .decoys = 0.3,
                                .negatives = 3,
                                .concentration = 0.3,
                                .seed = 7};
    assert_int_equal(homology_generate(ctx, &o, &d), JD_OK);
    assert_int_equal(homology_generate(ctx, &o, &again), JD_OK);
    assert_int_equal(d.n, again.n);
    for (size_t i = 0; i < d.n; i++) {
        const jd_chain *c = &d.chain[i];
        assert_in_range(c->length, 80, 250);
        assert_int_equal(c->length, again.chain[i].length);
        assert_memory_equal(c->residue, again.chain[i].residue, c->length * sizeof(int32_t));
        bool in_order = true, used[M] = {false};
        for (int m = 0; m < M; m++) {
            in_order &= d.which[i * M + (size_t)m] == m;
            used[d.which[i * M + (size_t)m]] = true;
        }
        assert_true(used[0] && used[1] && used[2]);
        assert_int_equal(in_order, !d.decoy[i]);
        const size_t of = i / (d.n / d.tasks); /* its superfamily */
        for (size_t m = 0; m < M - 1; m++) {
            assert_in_range(d.gap[of * (M - 1) + m], 10, 40);
            assert_int_equal(d.at[i * M + m + 1] - d.at[i * M + m] - C, d.gap[of * (M - 1) + m]);
        }
        assert_true((size_t)d.at[i * M + 2] + C <= c->length);
    }
    for (size_t k = 0; k < d.tasks; k++) {
        size_t count[5] = {0}, decoys[5] = {0};
        for (size_t i = 0; i < d.n; i++) {
            count[d.role[k * d.n + i]]++;
            decoys[d.role[k * d.n + i]] += d.decoy[i];
        }
        assert_int_equal(count[HOMOLOGY_TRAIN_YES], 4 * 5);
        assert_int_equal(count[HOMOLOGY_TEST_YES], 6);
        assert_int_equal(decoys[HOMOLOGY_TRAIN_YES] + decoys[HOMOLOGY_TEST_YES], 0);
        assert_true(fabs((double)decoys[HOMOLOGY_TRAIN_NO] / (double)count[HOMOLOGY_TRAIN_NO] - 0.3) < 0.1);
        assert_true(fabs((double)count[HOMOLOGY_TRAIN_NO] / (double)count[HOMOLOGY_TRAIN_YES] - 3) < 1);
        assert_true(fabs((double)decoys[HOMOLOGY_TEST_NO] / (double)count[HOMOLOGY_TEST_NO] - 0.3) < 0.05);
    }
    homology_free(&d);
    homology_free(&again);
}

/* How well who knows the motifs, of the ancestor or (shown) of the four families, tells members from decoys and others. */
static double known_roc(double concentration, bool loose, bool shown, uint64_t seed)
{
    homology_data d = {0};
    const homology_options o = {.superfamilies = 3,
                                .members = 2,
                                .test_members = 20,
                                .decoys = 0.3,
                                .negatives = 3,
                                .concentration = concentration,
                                .loose = loose,
                                .seed = seed};
    assert_int_equal(homology_generate(ctx, &o, &d), JD_OK);
    double score[200], sum = 0;
    bool yes[200];
    for (size_t k = 0; k < d.tasks; k++) {
        size_t n = 0;
        for (size_t i = 0; i < d.n; i++)
            if (d.role[k * d.n + i] >= HOMOLOGY_TEST_YES) {
                yes[n] = d.role[k * d.n + i] == HOMOLOGY_TEST_YES;
                score[n++] = homology_known(&d, shown ? d.shown : d.odds, true, k, i, 0.3);
            }
        sum += homology_roc(score, yes, n) / (double)d.tasks;
    }
    homology_free(&d);
    return sum;
}

/* Motifs that hardly vary are found wherever they stand; those of the experiment at their distances, and less well when
 * every chain has its own. */
static void test_known(void **state)
{
    (void)state;
    assert_true(known_roc(0.01, true, false, 3) > 0.99);
    double fixed = 0, loose = 0, shown = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        fixed += known_roc(0.3, false, false, seed) / 4;
        shown += known_roc(0.3, false, true, seed) / 4;
        loose += known_roc(0.3, true, false, seed) / 4;
    }
    assert_true(fixed > 0.95);
    assert_true(loose > 0.8 && loose < fixed - 0.02);
    assert_true(shown > 0.8 && shown < fixed - 0.003); /* four families tell less than their ancestor */
}

static void test_files(void **state)
{
    (void)state;
    homology_data d = {0};
    write_text(tmpdir_file("sequences.fasta"), ">b\nAC\n>a\nDEF\n>c\nGG\n");
    write_text(tmpdir_file("tasks.tsv"), "id\tt1\tt2\na\t1\t0\nc\t4\t3\n");
    assert_int_equal(homology_read(ctx, tmpdir_path, &d), JD_OK);
    assert_int_equal(d.n, 3);
    assert_int_equal(d.tasks, 2);
    assert_string_equal(d.name[1], "t2");
    const uint8_t roles[] = {0, 1, 4, 0, 0, 3}; /* in the order of the sequences: b a c */
    assert_memory_equal(d.role, roles, sizeof roles);
    homology_free(&d);
    write_text(tmpdir_file("tasks.tsv"), "id\tt1\nx\t1\n");
    assert_int_equal(homology_read(ctx, tmpdir_path, &d), JD_EDATA);
    jd_error_clear(ctx);
    write_text(tmpdir_file("tasks.tsv"), "id\tt1\na\t5\n");
    assert_int_equal(homology_read(ctx, tmpdir_path, &d), JD_EDATA);
    jd_error_clear(ctx);
}

static void test_ranking(void **state)
{
    (void)state;
    const double score[] = {9, 8, 7, 7, 5, 4};
    const bool yes[] = {true, false, true, false, true, false};
    /* positives 9, 7, 5 over negatives 8, 7, 4: 3 + (0 + 1/2 + 1) + 1 = 5.5 of 9 */
    assert_true(fabs(homology_roc(score, yes, 6) - 5.5 / 9) < 1e-12);
    /* before the negatives 8, 7, 4 stand 1, 1, 3 positives */
    assert_true(fabs(homology_roc_n(ctx, score, yes, 6, 50) - 5.0 / 9) < 1e-12);
    assert_true(fabs(homology_roc_n(ctx, score, yes, 6, 1) - 1.0 / 3) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fasta),         cmocka_unit_test(test_table),  cmocka_unit_test(test_shared_table),
        cmocka_unit_test(test_array),         cmocka_unit_test(test_errors), cmocka_unit_test(test_window),
        cmocka_unit_test(test_superfamilies), cmocka_unit_test(test_files),  cmocka_unit_test(test_ranking),
        cmocka_unit_test(test_known),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
