/* The clockwork op: what it computes, step by step; fast kernels against the reference; the same bits for any division of
 * the work; a single module is a simple recurrent net. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"
#include "recurrent_call.h"

/* Slots: 0 x, 1 length, 2 W, 3 R, 4 b, 5 h0, 13 dy, 14 dhT.  variant: 1 ragged, 2 states */
static layer make_layer(const jd_clockwork_attr *a, int T, int B, int N, int H, int variant)
{
    layer l = {.T = T, .B = B, .N = N, .H = H, .P = H, .gates = 1};
    int period[JD_CLOCKS];
    uint64_t seed = 3 + (uint64_t)variant;
    const float s = 1.2f / sqrtf((float)H);
    for (int g = 0; g < a->modules; g++) period[g] = a->period[g];
    l.ragged = variant & 1;
    l.state = variant & 2;
    layer_lengths(&l, 11);
    fill(&l, 0, true, 1, &seed, JD_DIMS(T, B, N));
    fill(&l, 2, true, s, &seed, JD_DIMS(H, N));
    fill(&l, 3, true, s, &seed, JD_DIMS(jd_clockwork_weights(H, a->modules, period, a->full)));
    fill(&l, 4, true, s, &seed, JD_DIMS(H));
    fill(&l, 5, l.state, 1, &seed, JD_DIMS(B, H));
    fill(&l, 13, true, 1, &seed, JD_DIMS(T, B, H));
    fill(&l, 14, l.state, 1, &seed, JD_DIMS(B, H));
    return l;
}

static pass run_layer(const layer *l, jd_clockwork_attr a, jd_dtype real, const char *isa, int threads)
{
    pass p;
    memset(&p, 0, sizeof p);
    const jd_cpu *cpu = isa ? jd__cpu_find(isa) : NULL;
    a.need_dx = 1;
    for (int i = 0; i < 6; i++) {
        call_input(&p.forward, i, l, i, real);
        call_input(&p.back, i, l, i, real);
    }
    call_prepare(&p.forward, &jd__op_clockwork, &a, 6, threads);
    call_run(&p.forward, cpu ? cpu->kernel[JD_OP_clockwork] : jd__op_clockwork.ref[real]);
    p.back.in[6] = p.forward.out[0];
    p.back.in_type[6] = p.forward.out_type[0];
    call_input(&p.back, 7, l, 13, real);
    call_input(&p.back, 8, l, 14, real);
    call_prepare(&p.back, &jd__op_clockwork_grad, &a, 9, threads);
    call_run(&p.back, cpu ? cpu->kernel[JD_OP_clockwork_grad] : jd__op_clockwork_grad.ref[real]);
    return p;
}

static const struct {
    const char *name;
    jd_clockwork_attr attr;
    int variant;
} cases[] = {
    {"tanh", {.modules = 3, .period = {1, 2, 4}}, 0},
    {"sigmoid, ragged, state", {.act = 1, .modules = 3, .period = {1, 2, 4}}, 3},
    {"ragged reverse, periods 1 3 5", {.reverse = 1, .modules = 3, .period = {1, 3, 5}}, 1},
    {"reverse, state, periods 2 2 7", {.reverse = 1, .modules = 3, .period = {2, 2, 7}}, 2},
    {"linear, full", {.act = 3, .full = 1, .modules = 3, .period = {1, 2, 4}}, 3},
    {"one module", {.modules = 1, .period = {1}}, 3},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void fast_is_exact_and_the_same_everywhere(void **state)
{
    (void)state;
    static const int sizes[][4] = {{100, 1, 4, 6},  {60, 3, 5, 9},   {9, 1, 8, 3},
                                   {6, 13, 10, 33}, {9, 24, 30, 96}, {4, 2, 5, 300}};
    const bool avx2 = jd__cpu_find("avx2") && __builtin_cpu_supports("avx2");
    const char *best = avx2 ? "avx2" : "scalar";
    for (int c = 0; c < CASES; c++)
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            layer l = make_layer(&cases[c].attr, sizes[z][0], sizes[z][1], sizes[z][2], sizes[z][3], cases[c].variant);
            pass exact = run_layer(&l, cases[c].attr, JD_F64, NULL, 1);
            pass plain = run_layer(&l, cases[c].attr, JD_F32, NULL, 1);
            pass one = run_layer(&l, cases[c].attr, JD_F32, best, 1);
            pass_compare(&plain, &exact, 1e-4, cases[c].name);
            pass_compare(&one, &exact, 1e-4, cases[c].name);
            for (int t = 2; t <= 7 && z > 2; t += t == 3 ? 4 : 1) {
                pass many = run_layer(&l, cases[c].attr, JD_F32, best, t);
                pass_same(&many, &one, cases[c].name);
                pass_free(&many);
            }
            if (avx2) {
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

/* A module's output changes at its own steps and never in between.  Slow modules do not hear quick ones, quick ones hear
 * slow ones. */
static void modules_keep_their_clocks(void **state)
{
    (void)state;
    const jd_clockwork_attr a = {.modules = 3, .period = {1, 3, 5}};
    layer l = make_layer(&a, 31, 1, 4, 6, 2);
    pass p = run_layer(&l, a, JD_F64, NULL, 1);
    double first[31 * 6];
    memcpy(first, p.forward.out[0], sizeof first);
    for (int t = 1; t < 31; t++)
        for (int k = 0; k < 6; k++) {
            const bool same = first[t * 6 + k] == first[(t - 1) * 6 + k];
            assert_int_equal(same, t % a.period[k / 2] != 0);
        }
    pass_free(&p);
    l.f64[5][1] += .5; /* of the quickest module */
    p = run_layer(&l, a, JD_F64, NULL, 1);
    const double *y = p.forward.out[0];
    for (int t = 0; t < 31; t++)
        for (int k = 2; k < 6; k++) assert_true(y[t * 6 + k] == first[t * 6 + k]);
    assert_true(y[0] != first[0]);
    pass_free(&p);
    l.f64[5][5] += .5; /* of the slowest: all hear it */
    p = run_layer(&l, a, JD_F64, NULL, 1);
    y = p.forward.out[0];
    for (int k = 0; k < 6; k++) assert_true(y[6 + k] != first[6 + k]);
    pass_free(&p);
    layer_free(&l);
}

static void one_module_is_a_simple_net(void **state)
{
    (void)state;
    const jd_clockwork_attr a = {.modules = 1, .period = {1}};
    const jd_rnn_attr s = {.need_dx = 1};
    const jd_cpu *cpu = jd__cpu_find("scalar");
    for (int variant = 0; variant < 4; variant++) {
        layer l = make_layer(&a, 20, 9, 7, 21, variant);
        pass p = run_layer(&l, a, JD_F32, "scalar", 1), q;
        memset(&q, 0, sizeof q);
        set_type(&l.type[3], JD_F32, JD_DIMS(21, 21));
        for (int i = 0; i < 6; i++) call_input(&q.forward, i, &l, i, JD_F32), call_input(&q.back, i, &l, i, JD_F32);
        call_prepare(&q.forward, &jd__op_srn, &s, 6, 1);
        call_run(&q.forward, cpu->kernel[JD_OP_srn]);
        q.back.in[6] = q.forward.out[0];
        q.back.in_type[6] = q.forward.out_type[0];
        call_input(&q.back, 7, &l, 13, JD_F32);
        call_input(&q.back, 8, &l, 14, JD_F32);
        call_prepare(&q.back, &jd__op_srn_grad, &s, 9, 1);
        call_run(&q.back, cpu->kernel[JD_OP_srn_grad]);
        for (int i = 0; i < 2; i++)
            assert_memory_equal(p.forward.out[i], q.forward.out[i], type_bytes(&q.forward.out_type[i]));
        for (int i = 0; i < 5; i++) {
            const size_t n = (size_t)jd__count(&q.back.out_type[i]);
            for (size_t k = 0; k < n; k++)
                assert_true(fabsf(((float *)p.back.out[i])[k] - ((float *)q.back.out[i])[k]) <= 1e-4f);
        }
        pass_free(&p);
        pass_free(&q);
        layer_free(&l);
    }
}

static void same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        enum { T = 13, B = 6, N = 4, H = 6 };
        layer l = make_layer(&cases[c].attr, T, B, N, H, cases[c].variant);
        pass all = run_layer(&l, cases[c].attr, JD_F32, "scalar", 2);
        for (int b = 0; b < B; b++) {
            layer s = l;
            int32_t length = l.length[b];
            s.B = 1;
            s.length = &length;
            const int batched[] = {0, 5, 13, 14};
            for (size_t k = 0; k < 4; k++) {
                const int i = batched[k], steps = i == 0 || i == 13;
                if (l.type[i].rank < 0) continue;
                const size_t n = (size_t)l.type[i].dim[steps ? 2 : 1], rows = steps ? T : 1;
                s.type[i].dim[steps ? 1 : 0] = 1;
                s.f32[i] = malloc(rows * n * sizeof(float));
                for (size_t t = 0; t < rows; t++)
                    memcpy(s.f32[i] + t * n, l.f32[i] + (t * B + (size_t)b) * n, n * sizeof(float));
            }
            if (s.ragged) s.type[1].dim[0] = 1;
            pass alone = run_layer(&s, cases[c].attr, JD_F32, "scalar", 1);
            for (int t = 0; t < T; t++) {
                const int row = t * B + b;
                assert_memory_equal((float *)all.forward.out[0] + row * H, (float *)alone.forward.out[0] + t * H,
                                    H * sizeof(float));
                assert_memory_equal((float *)all.back.out[0] + row * N, (float *)alone.back.out[0] + t * N,
                                    N * sizeof(float));
            }
            assert_memory_equal((float *)all.forward.out[1] + b * H, alone.forward.out[1], H * sizeof(float));
            pass_free(&alone);
            for (size_t k = 0; k < 4; k++)
                if (l.type[batched[k]].rank >= 0) free(s.f32[batched[k]]);
        }
        pass_free(&all);
        layer_free(&l);
    }
}

static void bad_modules(jd_graph *g, void *user)
{
    const int *modules = user;
    jd_clockwork(g, "clock", jd_arg(g, "x"), .units = 6, .modules = *modules);
}

static void misfits_are_refused(void **state)
{
    (void)state;
    float x[2 * 1 * 3] = {0};
    for (int modules = 4; modules <= 17; modules += 13) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        jd_params *p = jd_params_new(ctx, JD_F32);
        int m = modules;
        jd_fn *f = jd_fn_new(ctx, p, bad_modules, &m);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, 2, 1, 3);
        assert_int_equal(jd_fn_run(f, &in, 1), JD_EUSAGE);
        assert_non_null(strstr(jd_error_message(ctx), "modules"));
        jd_fn_free(f);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
    assert_int_equal(jd_clockwork_weights(6, 3, NULL, false), 24);
    assert_int_equal(jd_clockwork_weights(6, 3, NULL, true), 36);
    assert_int_equal(jd_clockwork_weights(6, 4, NULL, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_keep_their_clocks),
        cmocka_unit_test(one_module_is_a_simple_net),
        cmocka_unit_test(fast_is_exact_and_the_same_everywhere),
        cmocka_unit_test(same_bits_alone_and_in_a_batch),
        cmocka_unit_test(misfits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
