/* The LSTM ops: fast kernels against the reference, the same bits for any division of the work, gradients. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "recurrent_call.h"

static layer make_layer(int T, int B, int N, int H, int P, int variant)
{
    layer l = {.T = T, .B = B, .N = N, .H = H, .P = P ? P : H, .gates = 4};
    uint64_t seed = 7 + (uint64_t)variant;
    const float s = 1.5f / sqrtf((float)H);
    l.ragged = variant & 1;
    l.state = variant & 2;
    l.peep = variant & 4;
    layer_lengths(&l, 5);
    fill(&l, 0, true, 1, &seed, JD_DIMS(T, B, N));
    fill(&l, 2, true, s, &seed, JD_DIMS(4 * H, N));
    fill(&l, 3, true, s, &seed, JD_DIMS(4 * H, l.P));
    fill(&l, 4, true, s, &seed, JD_DIMS(4 * H));
    fill(&l, 5, l.peep, .5f, &seed, JD_DIMS(3 * H));
    fill(&l, 6, P > 0, s, &seed, JD_DIMS(l.P, H));
    fill(&l, 7, l.state, 1, &seed, JD_DIMS(B, l.P));
    fill(&l, 8, l.state, 1, &seed, JD_DIMS(B, H));
    fill(&l, 13, true, 1, &seed, JD_DIMS(T, B, l.P));
    fill(&l, 14, l.state, 1, &seed, JD_DIMS(B, l.P));
    fill(&l, 15, l.state, 1, &seed, JD_DIMS(B, H));
    return l;
}

/* Runs lstm and lstm_grad; kernels of `isa`, or the reference when it is NULL. */
static pass run_layer(const layer *l, jd_lstm_attr a, jd_dtype real, const char *isa, int threads)
{
    pass p;
    memset(&p, 0, sizeof p);
    a.need_dx = 1;
    for (int i = 0; i < 9; i++) call_input(&p.forward, i, l, i, real);
    call_prepare(&p.forward, &jd__op_lstm, &a, 9, threads);
    const jd_cpu *cpu = isa ? jd__cpu_find(isa) : NULL;
    call_run(&p.forward, cpu ? cpu->kernel[JD_OP_lstm] : jd__op_lstm.ref[real]);
    for (int i = 0; i < 9; i++) call_input(&p.back, i, l, i, real);
    static const int saved[4] = {0, 3, 4, 5};
    for (int i = 0; i < 4; i++) {
        p.back.in[9 + i] = p.forward.out[saved[i]];
        p.back.in_type[9 + i] = p.forward.out_type[saved[i]];
    }
    for (int i = 13; i < 16; i++) call_input(&p.back, i, l, i, real);
    call_prepare(&p.back, &jd__op_lstm_grad, &a, 16, threads);
    call_run(&p.back, cpu ? cpu->kernel[JD_OP_lstm_grad] : jd__op_lstm_grad.ref[real]);
    return p;
}

static const struct {
    const char *name;
    jd_lstm_attr attr;
    int variant, P;
} cases[] = {
    {"plain", {0}, 0, 0},
    {"ragged", {0}, 1, 0},
    {"state", {0}, 2, 0},
    {"reverse", {.reverse = 1}, 0, 0},
    {"ragged reverse state", {.reverse = 1}, 3, 0},
    {"peepholes", {0}, 7, 0},
    {"projection", {0}, 7, 3},
    {"wide projection, reverse", {.reverse = 1}, 3, 8},
    {"1997", {.no_forget = 1, .in_squash = JD_SQUASH_4SIGM2, .out_squash = JD_SQUASH_2SIGM1}, 3, 0},
    {"linear, no forget, peepholes",
     {.no_forget = 1, .in_squash = JD_SQUASH_LINEAR, .out_squash = JD_SQUASH_TANH},
     7,
     0},
    {"linear out", {.reverse = 1, .in_squash = JD_SQUASH_2SIGM1, .out_squash = JD_SQUASH_LINEAR}, 7, 4},
    {"truncated", {.truncate = 1, .no_forget = 1}, 7, 3},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void fast_is_exact(void **state)
{
    (void)state;
    static const int sizes[][4] = {{100, 3, 5, 7}, {9, 7, 3, 40}, {6, 13, 10, 33}, {1, 2, 1, 1}, {5, 9, 2, 64}};
    for (int c = 0; c < CASES; c++)
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            layer l = make_layer(sizes[z][0], sizes[z][1], sizes[z][2], sizes[z][3],
                                 cases[c].P ? sizes[z][3] / 2 + 1 : 0, cases[c].variant);
            pass exact = run_layer(&l, cases[c].attr, JD_F64, NULL, 1);
            pass plain = run_layer(&l, cases[c].attr, JD_F32, NULL, 1);
            pass_compare(&plain, &exact, 1e-4, cases[c].name);
            pass_free(&plain);
            static const char *const isa[2] = {"scalar", "avx2"};
            for (int i = 0; i < 2; i++) {
                if (!jd__cpu_find(isa[i]) || (i && !__builtin_cpu_supports("avx2"))) continue;
                pass fast = run_layer(&l, cases[c].attr, JD_F32, isa[i], 1);
                pass_compare(&fast, &exact, 1e-4, cases[c].name);
                pass_free(&fast);
            }
            pass_free(&exact);
            layer_free(&l);
        }
}

/* Both ways of dividing the work (samples, units) occur: 24 samples of 48 units, 2 samples of 200, 5 of 176.  13 samples
 * are one chain a step on one thread; on more, the input product comes first. */
static void same_bits_on_any_team_and_isa(void **state)
{
    (void)state;
    static const int sizes[][4] = {{9, 24, 17, 48}, {4, 2, 5, 200}, {4, 5, 3, 176}, {3, 13, 400, 90}};
    const bool avx2 = jd__cpu_find("avx2") && __builtin_cpu_supports("avx2");
    const char *best = avx2 ? "avx2" : "scalar";
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++)
        for (int c = 0; c < CASES; c += z ? 3 : 1) {
            layer l = make_layer(sizes[z][0], sizes[z][1], sizes[z][2], sizes[z][3], cases[c].P ? sizes[z][3] / 3 : 0,
                                 cases[c].variant);
            pass one = run_layer(&l, cases[c].attr, JD_F32, best, 1);
            for (int t = 2; t <= 7; t += t == 3 ? 4 : 1) {
                pass many = run_layer(&l, cases[c].attr, JD_F32, best, t);
                pass_same(&many, &one, cases[c].name);
                pass_free(&many);
            }
            if (avx2 && z == 0) {
                pass scalar = run_layer(&l, cases[c].attr, JD_F32, "scalar", 1);
                pass_same(&scalar, &one, cases[c].name);
                pass_free(&scalar);
            }
            pass_free(&one);
            layer_free(&l);
        }
}

/* Sample b of an array (T,B,n) of a batch equals the array (T,1,n) of the sample alone. */
static void assert_sample(const float *batch, const float *alone, int T, int B, int b, int n)
{
    for (int t = 0; t < T; t++)
        assert_memory_equal(batch + ((size_t)t * (size_t)B + (size_t)b) * (size_t)n, alone + (size_t)t * (size_t)n,
                            (size_t)n * sizeof(float));
}

static void same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    const int T = 11, B = 10, N = 6, H = 37;
    for (int c = 0; c < CASES; c++) {
        layer l = make_layer(T, B, N, H, cases[c].P ? 20 : 0, cases[c].variant);
        pass all = run_layer(&l, cases[c].attr, JD_F32, "scalar", 2);
        for (int b = 0; b < B; b += 3) {
            layer s = l;
            int32_t length = l.length[b];
            s.B = 1;
            s.length = &length;
            const int batched[] = {0, 7, 8, 13, 14, 15};
            for (size_t k = 0; k < 6; k++) {
                const int i = batched[k], steps = i == 0 || i == 13;
                if (l.type[i].rank < 0) continue;
                const size_t n = (size_t)l.type[i].dim[steps ? 2 : 1], rows = steps ? (size_t)T : 1;
                s.type[i].dim[steps ? 1 : 0] = 1;
                s.f32[i] = malloc(rows * n * sizeof(float));
                for (size_t t = 0; t < rows; t++)
                    memcpy(s.f32[i] + t * n, l.f32[i] + (t * (size_t)B + (size_t)b) * n, n * sizeof(float));
            }
            if (s.ragged) s.type[1].dim[0] = 1;
            pass alone = run_layer(&s, cases[c].attr, JD_F32, "scalar", 1);
            assert_sample(all.forward.out[0], alone.forward.out[0], T, B, b, l.P);
            assert_sample(all.forward.out[1], alone.forward.out[1], 1, B, b, l.P);
            assert_sample(all.forward.out[2], alone.forward.out[2], 1, B, b, H);
            assert_sample(all.forward.out[3], alone.forward.out[3], T, B, b, 4 * H);
            assert_sample(all.forward.out[4], alone.forward.out[4], T, B, b, H);
            assert_sample(all.back.out[0], alone.back.out[0], T, B, b, N);
            pass_free(&alone);
            for (size_t k = 0; k < 6; k++)
                if (l.type[batched[k]].rank >= 0) free(s.f32[batched[k]]);
        }
        pass_free(&all);
        layer_free(&l);
    }
}

/* ---- an independent loss: one sample after the other, straight from the equations ----------------------------------------*/
static double squash(int kind, double x)
{
    const double s = 1 / (1 + exp(-x));
    return kind == JD_SQUASH_TANH     ? tanh(x)
           : kind == JD_SQUASH_LINEAR ? x
           : kind == JD_SQUASH_4SIGM2 ? 4 * s - 2
                                      : 2 * s - 1;
}

/* <y, dy> + <hT, dhT> + <cT, dcT>.  With frozen_h and frozen_c (what h and c were before each step of an earlier run) the
 * recurrent product and the peepholes of i and f see those: its derivative is the truncated gradient. */
static double naive_loss(const layer *l, const jd_lstm_attr *a, double *frozen_h, double *frozen_c, bool record)
{
    enum { MOST = 16 };
    const int T = l->T, B = l->B, N = l->N, H = l->H, P = l->P;
    double loss = 0;
    for (int b = 0; b < B; b++) {
        double h[MOST] = {0}, cell[MOST] = {0};
        const int length = l->ragged ? l->length[b] : T;
        for (int j = 0; l->state && j < P; j++) h[j] = l->f64[7][b * P + j];
        for (int j = 0; l->state && j < H; j++) cell[j] = l->f64[8][b * H + j];
        for (int s = 0; s < length; s++) {
            const int t = a->reverse ? length - 1 - s : s;
            double seen[MOST], old[MOST], m[MOST];
            for (int j = 0; j < P; j++) {
                double *f = frozen_h ? &frozen_h[(s * B + b) * P + j] : NULL;
                if (f && record) *f = h[j];
                seen[j] = f ? *f : h[j];
            }
            for (int j = 0; j < H; j++) {
                double *f = frozen_c ? &frozen_c[(s * B + b) * H + j] : NULL;
                if (f && record) *f = cell[j];
                old[j] = f ? *f : cell[j];
            }
            for (int u = 0; u < H; u++) {
                double net[4];
                for (int g = 0; g < 4; g++) {
                    net[g] = l->f64[4][g * H + u];
                    for (int j = 0; j < N; j++)
                        net[g] += l->f64[2][(g * H + u) * N + j] * l->f64[0][(t * B + b) * N + j];
                    for (int j = 0; j < P; j++) net[g] += l->f64[3][(g * H + u) * P + j] * seen[j];
                }
                if (l->peep) net[0] += l->f64[5][u] * old[u], net[1] += l->f64[5][H + u] * old[u];
                const double forget = a->no_forget ? 1 : 1 / (1 + exp(-net[1]));
                cell[u] = squash(a->in_squash, net[2]) / (1 + exp(-net[0])) + cell[u] * forget;
                if (l->peep) net[3] += l->f64[5][2 * H + u] * cell[u];
                m[u] = squash(a->out_squash, cell[u]) / (1 + exp(-net[3]));
            }
            for (int j = 0; j < P; j++) {
                h[j] = l->f64[6] ? 0 : m[j];
                for (int u = 0; l->f64[6] && u < H; u++) h[j] += l->f64[6][j * H + u] * m[u];
                loss += h[j] * l->f64[13][(t * B + b) * P + j];
            }
        }
        for (int j = 0; l->state && j < P; j++) loss += h[j] * l->f64[14][b * P + j];
        for (int j = 0; l->state && j < H; j++) loss += cell[j] * l->f64[15][b * H + j];
    }
    return loss;
}

static void gradient_is_right(void **state)
{
    (void)state;
    const int T = 7, B = 2, N = 3, H = 5;
    static const int input_of[8] = {0, 2, 3, 4, 5, 6, 7, 8};
    for (int c = 0; c < CASES; c++) {
        layer l = make_layer(T, B, N, H, cases[c].P, cases[c].variant);
        const jd_lstm_attr a = cases[c].attr;
        double frozen_h[7 * 2 * 8], frozen_c[7 * 2 * 8];
        double *fh = a.truncate ? frozen_h : NULL, *fc = a.truncate ? frozen_c : NULL;
        l.length[0] = 4;
        pass p = run_layer(&l, a, JD_F64, NULL, 1);
        /* the forward op against the naive loop */
        double loss = 0;
        for (int i = 0; i < 3; i++)
            for (int64_t k = 0; l.type[13 + i].rank >= 0 && k < jd__count(&l.type[13 + i]); k++)
                loss += l.f64[13 + i][k] * ((double *)p.forward.out[i])[k];
        const double naive = naive_loss(&l, &a, fh, fc, true);
        assert_true(fabs(loss - naive) <= 1e-12 * (1 + fabs(naive)));
        for (int o = 0; o < 8; o++) {
            const int in = input_of[o];
            if (l.type[in].rank < 0) continue;
            double scale = 1e-3, worst = 0;
            const double *got = p.back.out[o];
            const int64_t n = jd__count(&l.type[in]);
            for (int64_t k = 0; k < n; k++) scale = fabs(got[k]) > scale ? fabs(got[k]) : scale;
            for (int64_t k = 0; k < n; k++) {
                static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
                const double here = l.f64[in][k], e = 1e-3;
                double d = 0;
                for (int i = 0; i < 4; i++) {
                    l.f64[in][k] = here + at[i] * e;
                    d += weight[i] * naive_loss(&l, &a, fh, fc, false) / (12 * e);
                }
                l.f64[in][k] = here;
                const double error = fabs(d - got[k]) / scale;
                if (!(error <= worst)) worst = error;
            }
            if (!(worst <= 1e-6)) print_error("%s: gradient %d: relative error %g\n", cases[c].name, o, worst);
            assert_true(worst <= 1e-6);
        }
        pass_free(&p);
        layer_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_right),
        cmocka_unit_test(fast_is_exact),
        cmocka_unit_test(same_bits_on_any_team_and_isa),
        cmocka_unit_test(same_bits_alone_and_in_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
