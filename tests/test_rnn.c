/* The srn and gru ops: fast kernels against the reference, the same bits for any division of the work, gradients. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "recurrent_call.h"

/* Slots: 0 x, 1 length, 2 W, 3 R, 4 b, 5 bR (GRU) or h0 (SRN), 6 h0 (GRU), 13 dy, 14 dhT. */
static layer make_layer(bool gru, int T, int B, int N, int H, int variant)
{
    layer l = {.T = T, .B = B, .N = N, .H = H, .P = H, .gates = gru ? 3 : 1};
    uint64_t seed = 3 + (uint64_t)variant;
    const float s = 1.2f / sqrtf((float)H);
    const int G = l.gates;
    l.ragged = variant & 1;
    l.state = variant & 2;
    layer_lengths(&l, 11);
    fill(&l, 0, true, 1, &seed, JD_DIMS(T, B, N));
    fill(&l, 2, true, s, &seed, JD_DIMS(G * H, N));
    fill(&l, 3, true, s, &seed, JD_DIMS(G * H, H));
    fill(&l, 4, true, s, &seed, JD_DIMS(G * H));
    if (gru) fill(&l, 5, l.inner_bias = variant & 4, s, &seed, JD_DIMS(H));
    fill(&l, gru ? 6 : 5, l.state, 1, &seed, JD_DIMS(B, H));
    fill(&l, 13, true, 1, &seed, JD_DIMS(T, B, H));
    fill(&l, 14, l.state, 1, &seed, JD_DIMS(B, H));
    return l;
}

static pass run_layer(const layer *l, jd_rnn_attr a, jd_dtype real, const char *isa, int threads)
{
    pass p;
    memset(&p, 0, sizeof p);
    const bool gru = l->gates == 3;
    const int nin = gru ? 7 : 6;
    const jd_op *forward = gru ? &jd__op_gru : &jd__op_srn, *back = gru ? &jd__op_gru_grad : &jd__op_srn_grad;
    const jd_cpu *cpu = isa ? jd__cpu_find(isa) : NULL;
    a.need_dx = 1;
    for (int i = 0; i < nin; i++) {
        call_input(&p.forward, i, l, i, real);
        call_input(&p.back, i, l, i, real);
    }
    call_prepare(&p.forward, forward, &a, nin, threads);
    call_run(&p.forward, cpu ? cpu->kernel[gru ? JD_OP_gru : JD_OP_srn] : forward->ref[real]);
    int at = nin;
    for (int i = 0; i < (gru ? 2 : 1); i++, at++) {
        p.back.in[at] = p.forward.out[2 * i];
        p.back.in_type[at] = p.forward.out_type[2 * i];
    }
    call_input(&p.back, at, l, 13, real);
    call_input(&p.back, at + 1, l, 14, real);
    call_prepare(&p.back, back, &a, at + 2, threads);
    call_run(&p.back, cpu ? cpu->kernel[gru ? JD_OP_gru_grad : JD_OP_srn_grad] : back->ref[real]);
    return p;
}

static const struct {
    const char *name;
    bool gru;
    jd_rnn_attr attr;
    int variant;
} cases[] = {
    {"srn tanh", false, {0}, 0},
    {"srn sigmoid, ragged", false, {.act = 1}, 1},
    {"srn relu, reverse", false, {.act = 2, .reverse = 1}, 2},
    {"srn linear, ragged reverse", false, {.act = 3, .reverse = 1}, 3},
    {"srn tanh, ragged, state", false, {0}, 3},
    {"gru", true, {0}, 0},
    {"gru ragged, bR", true, {0}, 5},
    {"gru reverse, state", true, {.reverse = 1}, 2},
    {"gru ragged reverse, state, bR", true, {.reverse = 1}, 7},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* The sizes reach the path for small nets (B = 1), both divisions of the work, and panels that are not full. */
static void fast_is_exact_and_the_same_everywhere(void **state)
{
    (void)state;
    static const int sizes[][4] = {{100, 1, 4, 5},  {100, 3, 5, 7},  {50, 1, 3, 8},  {9, 1, 8, 1},
                                   {6, 13, 10, 33}, {5, 24, 30, 96}, {4, 2, 5, 300}, {1, 2, 1, 1}};
    const bool avx2 = jd__cpu_find("avx2") && __builtin_cpu_supports("avx2");
    const char *best = avx2 ? "avx2" : "scalar";
    for (int c = 0; c < CASES; c++)
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            layer l = make_layer(cases[c].gru, sizes[z][0], sizes[z][1], sizes[z][2], sizes[z][3], cases[c].variant);
            pass exact = run_layer(&l, cases[c].attr, JD_F64, NULL, 1);
            pass plain = run_layer(&l, cases[c].attr, JD_F32, NULL, 1);
            pass one = run_layer(&l, cases[c].attr, JD_F32, best, 1);
            pass_compare(&plain, &exact, 1e-4, cases[c].name);
            pass_compare(&one, &exact, 1e-4, cases[c].name);
            for (int t = 2; t <= 7 && z > 3; t += t == 3 ? 4 : 1) {
                pass many = run_layer(&l, cases[c].attr, JD_F32, best, t);
                pass_same(&many, &one, cases[c].name);
                pass_free(&many);
            }
            if (avx2 && z < 5) {
                pass scalar = run_layer(&l, cases[c].attr, JD_F32, "scalar", 1);
                pass_same(&scalar, &one, cases[c].name);
                pass_free(&scalar);
            }
            pass_free(&plain);
            pass_free(&one);
            pass_free(&exact);
            layer_free(&l);
        }
}

static const char *best_isa(void)
{
    jd_ctx *ctx = jd_ctx_new(NULL);
    const char *name = jd_ctx_isa(ctx); /* static storage */
    jd_ctx_free(ctx);
    return name;
}

/* With at most 8 units and inputs a sample alone takes the path for small nets, in a batch it does not. */
static void same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    const char *const isa[] = {"scalar", best_isa()};
    for (int c = 0; c < CASES; c++) {
        const int T = 13, B = 6, N = 4, H = 1 + (c * 3 + 4) % 8;
        layer l = make_layer(cases[c].gru, T, B, N, H, cases[c].variant);
        pass all = run_layer(&l, cases[c].attr, JD_F32, "scalar", 2);
        for (int b = 0; b < B; b++) {
            layer s = l;
            int32_t length = l.length[b];
            s.B = 1;
            s.length = &length;
            const int batched[] = {0, cases[c].gru ? 6 : 5, 13, 14};
            for (size_t k = 0; k < 4; k++) {
                const int i = batched[k], steps = i == 0 || i == 13;
                if (l.type[i].rank < 0) continue;
                const size_t n = (size_t)l.type[i].dim[steps ? 2 : 1], rows = steps ? (size_t)T : 1;
                s.type[i].dim[steps ? 1 : 0] = 1;
                s.f32[i] = malloc(rows * n * sizeof(float));
                for (size_t t = 0; t < rows; t++)
                    memcpy(s.f32[i] + t * n, l.f32[i] + (t * (size_t)B + (size_t)b) * n, n * sizeof(float));
            }
            if (s.ragged) s.type[1].dim[0] = 1;
            pass alone = run_layer(&s, cases[c].attr, JD_F32, isa[b % 2], 1);
            for (int t = 0; t < T; t++) {
                const size_t row = (size_t)t * (size_t)B + (size_t)b;
                assert_memory_equal((float *)all.forward.out[0] + row * (size_t)H,
                                    (float *)alone.forward.out[0] + t * H, (size_t)H * sizeof(float));
                assert_memory_equal((float *)all.back.out[0] + row * (size_t)N, (float *)alone.back.out[0] + t * N,
                                    (size_t)N * sizeof(float));
            }
            assert_memory_equal((float *)all.forward.out[1] + b * H, alone.forward.out[1], (size_t)H * sizeof(float));
            pass_free(&alone);
            for (size_t k = 0; k < 4; k++)
                if (l.type[batched[k]].rank >= 0) free(s.f32[batched[k]]);
        }
        pass_free(&all);
        layer_free(&l);
    }
}

/* <y, dy> + <hT, dhT>, one sample after the other, straight from the equations. */
static double naive_loss(const layer *l, const jd_rnn_attr *a)
{
    const int T = l->T, B = l->B, N = l->N, H = l->H, G = l->gates;
    const double *h0 = l->f64[G == 3 ? 6 : 5];
    double loss = 0;
    for (int b = 0; b < B; b++) {
        double h[8] = {0}, next[8];
        const int length = l->ragged ? l->length[b] : T;
        for (int j = 0; h0 && j < H; j++) h[j] = h0[b * H + j];
        for (int s = 0; s < length; s++) {
            const int t = a->reverse ? length - 1 - s : s;
            for (int u = 0; u < H; u++) {
                double in[3], rec[3];
                for (int g = 0; g < G; g++) {
                    in[g] = l->f64[4][g * H + u];
                    rec[g] = 0;
                    for (int j = 0; j < N; j++)
                        in[g] += l->f64[2][(g * H + u) * N + j] * l->f64[0][(t * B + b) * N + j];
                    for (int j = 0; j < H; j++) rec[g] += l->f64[3][(g * H + u) * H + j] * h[j];
                }
                if (G == 3) {
                    const double r = 1 / (1 + exp(-in[0] - rec[0])), z = 1 / (1 + exp(-in[1] - rec[1]));
                    const double n = tanh(in[2] + r * (rec[2] + (l->f64[5] ? l->f64[5][u] : 0)));
                    next[u] = (1 - z) * n + z * h[u];
                } else {
                    const double x = in[0] + rec[0];
                    next[u] = a->act == 0 ? tanh(x) : a->act == 1 ? 1 / (1 + exp(-x)) : a->act == 2 && x < 0 ? 0 : x;
                }
            }
            for (int u = 0; u < H; u++) loss += (h[u] = next[u]) * l->f64[13][(t * B + b) * H + u];
        }
        for (int u = 0; l->state && u < H; u++) loss += h[u] * l->f64[14][b * H + u];
    }
    return loss;
}

static void gradient_is_right(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        layer l = make_layer(cases[c].gru, 7, 2, 3, 5, cases[c].variant);
        static const int gru_in[6] = {0, 2, 3, 4, 5, 6}, srn_in[5] = {0, 2, 3, 4, 5};
        l.length[0] = 4;
        pass p = run_layer(&l, cases[c].attr, JD_F64, NULL, 1);
        double loss = 0;
        for (int i = 0; i < 2; i++)
            for (int64_t k = 0; l.type[13 + i].rank >= 0 && k < jd__count(&l.type[13 + i]); k++)
                loss += l.f64[13 + i][k] * ((double *)p.forward.out[i])[k];
        assert_true(fabs(loss - naive_loss(&l, &cases[c].attr)) <= 1e-12 * (1 + fabs(loss)));
        for (int o = 0; o < (cases[c].gru ? 6 : 5); o++) {
            const int in = cases[c].gru ? gru_in[o] : srn_in[o];
            if (l.type[in].rank < 0) continue;
            const double *got = p.back.out[o];
            const int64_t n = jd__count(&l.type[in]);
            double scale = 1e-3, worst = 0;
            for (int64_t k = 0; k < n; k++) scale = fabs(got[k]) > scale ? fabs(got[k]) : scale;
            for (int64_t k = 0; k < n; k++) {
                static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
                /* small enough that no relu of this net changes sides */
                const double here = l.f64[in][k], e = cases[c].attr.act == 2 ? 1e-6 : 1e-3;
                double d = 0;
                for (int i = 0; i < 4; i++) {
                    l.f64[in][k] = here + at[i] * e;
                    d += weight[i] * naive_loss(&l, &cases[c].attr) / (12 * e);
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
        cmocka_unit_test(fast_is_exact_and_the_same_everywhere),
        cmocka_unit_test(same_bits_alone_and_in_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
