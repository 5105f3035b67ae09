/* The LSTM in one to three dimensions: against the equations, against the one-dimensional op, the same bits for any
 * division of the work, and its symmetries. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "recurrent_call.h"
#include "sanitized.h"

enum { RAGGED = 1, PEEP = 2, FIRST = 4 /* layer: no dx */ };

typedef struct grid {
    layer l; /* inputs 0 x, 1 size, 2 W, 3 R, 4 b, 5 peep, 9 dy */
    int n, D, B, N, H, P;
    int dim[3];
    jd_mdlstm_attr attr;
} grid;

static jd_dims over_points(const grid *g, int channels)
{
    jd_dims d = {g->n + 2, {g->B}};
    for (int e = 0; e < g->n; e++) d.dim[1 + e] = g->dim[e];
    d.dim[g->n + 1] = channels;
    return d;
}

static grid make_grid(int n, const int *dim, int B, int N, int H, unsigned directions, int variant)
{
    grid g = {.n = n, .D = __builtin_popcount(directions), .B = B, .N = N, .H = H, .P = 1};
    g.attr = (jd_mdlstm_attr){.n = (uint8_t)n, .directions = (uint8_t)directions, .need_dx = !(variant & FIRST)};
    uint64_t seed = 11 + (uint64_t)variant;
    const float s = 1.2f / sqrtf((float)(n * H));
    const int G = g.D * (n + 3) * H;
    for (int e = 0; e < n; e++) {
        g.dim[e] = dim[e];
        g.P *= dim[e];
    }
    for (int i = 0; i < 16; i++) g.l.type[i].rank = -1;
    g.l.length = malloc((size_t)(B * n) * sizeof(int32_t));
    for (int i = 0; i < B * n; i++) {
        noise(&seed);
        g.l.length[i] = i / n == 1 ? dim[i % n] : (int32_t)((seed >> 33) % (uint64_t)(dim[i % n] + 1));
    }
    if (variant & RAGGED) set_type(&g.l.type[1], JD_I32, JD_DIMS(B, n));
    fill(&g.l, 0, true, 1, &seed, over_points(&g, N));
    fill(&g.l, 2, true, s, &seed, JD_DIMS(G, N));
    fill(&g.l, 3, true, s, &seed, JD_DIMS(G, n * H));
    fill(&g.l, 4, true, s, &seed, JD_DIMS(G));
    fill(&g.l, 5, variant & PEEP, .4f, &seed, JD_DIMS(g.D * (n + 2) * H));
    fill(&g.l, 9, true, 1, &seed, over_points(&g, g.D * H));
    return g;
}

static pass run_grid(const grid *g, jd_dtype real, const char *isa, int threads)
{
    pass p;
    memset(&p, 0, sizeof p);
    const jd_cpu *cpu = isa ? jd__cpu_find(isa) : NULL;
    for (int i = 0; i < 6; i++) call_input(&p.forward, i, &g->l, i, real);
    call_prepare(&p.forward, &jd__op_mdlstm, &g->attr, 6, threads);
    call_run(&p.forward, cpu ? cpu->kernel[JD_OP_mdlstm] : jd__op_mdlstm.ref[real]);
    for (int i = 0; i < 6; i++) call_input(&p.back, i, &g->l, i, real);
    for (int i = 0; i < 3; i++) {
        p.back.in[6 + i] = p.forward.out[i];
        p.back.in_type[6 + i] = p.forward.out_type[i];
    }
    call_input(&p.back, 9, &g->l, 9, real);
    call_prepare(&p.back, &jd__op_mdlstm_grad, &g->attr, 10, threads);
    call_run(&p.back, cpu ? cpu->kernel[JD_OP_mdlstm_grad] : jd__op_mdlstm_grad.ref[real]);
    return p;
}

static const struct {
    const char *name;
    int n, dim[3], B, N, H;
    unsigned directions;
    int variant;
    jd_squash in, out;
    float clip;
} cases[] = {
    {"1-D", 1, {23}, 3, 4, 7, 3, 0, 0, 0, 0},
    {"1-D ragged, peepholes", 1, {19}, 20, 3, 9, 3, RAGGED | PEEP, 0, 0, 0},
    {"2-D", 2, {5, 9}, 2, 3, 2, 15, 0, 0, 0, 0},
    {"2-D peepholes", 2, {16, 37}, 1, 12, 2, 15, PEEP, 0, 0, 0},
    {"2-D ragged", 2, {7, 12}, 5, 6, 10, 15, RAGGED, 0, 0, 0},
    {"2-D ragged, peepholes", 2, {6, 5}, 9, 9, 13, 6, RAGGED | PEEP, 0, 0, 0},
    {"2-D one line", 2, {1, 30}, 2, 5, 6, 15, PEEP, 0, 0, 0},
    {"2-D logistic", 2, {5, 4}, 3, 2, 5, 9, RAGGED | PEEP, JD_SQUASH_4SIGM2, JD_SQUASH_2SIGM1, 0},
    {"2-D linear", 2, {4, 4}, 3, 2, 5, 8, PEEP, JD_SQUASH_LINEAR, JD_SQUASH_LINEAR, 0},
    {"2-D clipped", 2, {5, 6}, 3, 3, 4, 15, RAGGED | PEEP, 0, 0, .01f},
    {"2-D wide", 2, {3, 19}, 4, 20, 50, 15, PEEP, 0, 0, 0},
    {"2-D tall", 2, {70, 5}, 2, 2, 3, 15, PEEP, 0, 0, 0},
    {"2-D tall, ragged", 2, {81, 6}, 4, 7, 17, 15, RAGGED | PEEP, 0, 0, 0},
    {"2-D many crews, no dx", 2, {22, 5}, 19, 5, 16, 15, PEEP | FIRST, 0, 0, 0},
    {"2-D many crews, ragged, no dx", 2, {30, 4}, 23, 3, 18, 11, RAGGED | FIRST, 0, 0, 0},
    {"3-D wide, ragged, no dx", 3, {3, 4, 3}, 12, 6, 16, 1 << 1 | 1 << 6, RAGGED | PEEP | FIRST, 0, 0, 0},
    {"1-D wide, ragged", 1, {13}, 3, 6, 35, 3, RAGGED, 0, 0, 0},
    {"2-D one wide picture", 2, {7, 11}, 1, 5, 21, 15, PEEP, 0, 0, 0},
    {"3-D wide, ragged, peepholes", 3, {3, 4, 3}, 5, 4, 19, 255, RAGGED | PEEP, 0, 0, 0},
    {"3-D many lines", 3, {5, 20, 4}, 2, 3, 2, 255, RAGGED | PEEP, 0, 0, 0},
    {"3-D", 3, {3, 4, 5}, 2, 3, 4, 255, 0, 0, 0, 0},
    {"3-D ragged, peepholes", 3, {4, 3, 6}, 6, 2, 5, 255, RAGGED | PEEP, 0, 0, 0},
    {"3-D some directions", 3, {2, 7, 3}, 3, 5, 11, 1 << 2 | 1 << 5 | 1 << 7, RAGGED | PEEP, 0, 0, 0},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static grid make_case(int c)
{
    grid g =
        make_grid(cases[c].n, cases[c].dim, cases[c].B, cases[c].N, cases[c].H, cases[c].directions, cases[c].variant);
    g.attr.in_squash = (uint8_t)cases[c].in;
    g.attr.out_squash = (uint8_t)cases[c].out;
    g.attr.clip = cases[c].clip;
    return g;
}

static bool have(const char *isa)
{
    if (!strcmp(isa, "avx2") && !__builtin_cpu_supports("avx2")) return false;
    if (!strcmp(isa, "avx512") && !__builtin_cpu_supports("avx512dq")) return false;
    return jd__cpu_find(isa);
}
static const char *best(void)
{
    return have("avx512") ? "avx512" : have("avx2") ? "avx2" : "scalar";
}

static void fast_is_exact(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    for (int c = 0; c < CASES; c++) {
        grid g = make_case(c);
        pass exact = run_grid(&g, JD_F64, NULL, 1), plain = run_grid(&g, JD_F32, NULL, 1);
        pass_compare(&plain, &exact, 1e-4, cases[c].name);
        pass fast = run_grid(&g, JD_F32, best(), 1);
        pass_compare(&fast, &exact, 1e-4, cases[c].name);
        pass_free(&fast);
        pass_free(&plain);
        pass_free(&exact);
        layer_free(&g.l);
    }
}

/* Members share directions when these divide evenly, else samples, and backwards parts of the batch: all occur. */
static void same_bits_on_any_team_and_isa(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        grid g = make_case(c);
        pass one = run_grid(&g, JD_F32, best(), 1), scalar = run_grid(&g, JD_F32, "scalar", 1);
        pass_same(&scalar, &one, cases[c].name);
        pass_free(&scalar);
        for (int t = 2; t <= (SANITIZED_THREADS ? 3 : 5); t += t == 3 ? 2 : 1) {
            pass many = run_grid(&g, JD_F32, best(), t);
            pass_same(&many, &one, cases[c].name);
            pass_free(&many);
        }
        pass_free(&one);
        layer_free(&g.l);
    }
}

/* Outputs and dx of each sample do not depend on the samples beside it. */
static void same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        grid g = make_case(c);
        pass all = run_grid(&g, JD_F32, best(), 2);
        const size_t P = (size_t)g.P, wide = (size_t)(g.D * g.H);
        for (int b = 0; b < g.B; b += 2) {
            grid s = g;
            int32_t *size = g.l.length + b * g.n;
            s.B = 1;
            s.l.length = size;
            s.l.type[0].dim[0] = s.l.type[9].dim[0] = 1;
            if (s.l.type[1].rank > 0) s.l.type[1].dim[0] = 1;
            s.l.f32[0] = g.l.f32[0] + (size_t)b * P * (size_t)g.N;
            s.l.f32[9] = g.l.f32[9] + (size_t)b * P * wide;
            pass alone = run_grid(&s, JD_F32, best(), 1);
            for (int i = 0; i < 3; i++) {
                const size_t bytes = type_bytes(&alone.forward.out_type[i]);
                assert_memory_equal(alone.forward.out[i], (char *)all.forward.out[i] + (size_t)b * bytes, bytes);
            }
            const size_t bytes = type_bytes(&alone.back.out_type[0]);
            assert_memory_equal(alone.back.out[0], (char *)all.back.out[0] + (size_t)b * bytes, bytes);
            pass_free(&alone);
        }
        pass_free(&all);
        layer_free(&g.l);
    }
}

/* ---- one dimension is the LSTM --------------------------------------------------------------------------------------------*/

/* (B,T,n) as (T,B,n) */
static float *time_first(const float *x, int T, int B, int n)
{
    float *y = malloc((size_t)(T * B * n) * sizeof *y);
    for (int t = 0; t < T; t++)
        for (int b = 0; b < B; b++) memcpy(y + (t * B + b) * n, x + (b * T + t) * n, (size_t)n * sizeof *y);
    return y;
}

static void assert_transposed(const float *got, const float *want, int T, int B, int n, const char *what)
{
    float *y = time_first(got, T, B, n);
    if (memcmp(y, want, (size_t)(T * B * n) * sizeof *y)) print_error("differs: %s\n", what);
    assert_memory_equal(y, want, (size_t)(T * B * n) * sizeof *y);
    free(y);
}

static void one_dimension_is_lstm(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    static const int sizes[][4] = {{9, 24, 17, 48}, {40, 3, 5, 7}, {13, 6, 2, 16}, {5, 1, 3, 33}};
    for (size_t z = 0; z < 4; z++)
        for (int variant = 0; variant < 4; variant++)
            for (unsigned dir = 1; dir <= 2; dir++) {
                const int T = sizes[z][0], B = sizes[z][1], N = sizes[z][2], H = sizes[z][3];
                grid g = make_grid(1, &T, B, N, H, dir, variant);
                pass md = run_grid(&g, JD_F32, best(), 1);
                layer l = g.l;
                call f, k;
                memset(&f, 0, sizeof f);
                memset(&k, 0, sizeof k);
                const jd_lstm_attr a = {.reverse = dir == 2, .need_dx = 1};
                l.f32[0] = time_first(g.l.f32[0], T, B, N);
                l.f32[13] = time_first(g.l.f32[9], T, B, H);
                set_type(&l.type[0], JD_F32, JD_DIMS(T, B, N));
                set_type(&l.type[13], JD_F32, JD_DIMS(T, B, H));
                if (l.type[1].rank > 0) set_type(&l.type[1], JD_I32, JD_DIMS(B));
                l.type[9].rank = -1;
                for (int i = 0; i < 9; i++) call_input(&f, i, &l, i, JD_F32);
                call_prepare(&f, &jd__op_lstm, &a, 9, 1);
                call_run(&f, jd__cpu_find(best())->kernel[JD_OP_lstm]);
                for (int i = 0; i < 9; i++) call_input(&k, i, &l, i, JD_F32);
                static const int saved[4] = {0, 3, 4, 5};
                for (int i = 0; i < 4; i++) {
                    k.in[9 + i] = f.out[saved[i]];
                    k.in_type[9 + i] = f.out_type[saved[i]];
                }
                for (int i = 13; i < 16; i++) call_input(&k, i, &l, i, JD_F32);
                call_prepare(&k, &jd__op_lstm_grad, &a, 16, 1);
                call_run(&k, jd__cpu_find(best())->kernel[JD_OP_lstm_grad]);
                assert_transposed(md.forward.out[0], f.out[0], T, B, H, "y");
                assert_transposed(md.forward.out[1], f.out[3], T, B, 4 * H, "gates");
                assert_transposed(md.forward.out[2], f.out[4], T, B, H, "cells");
                assert_transposed(md.back.out[0], k.out[0], T, B, N, "dx");
                for (int o = 1; o < (variant & PEEP ? 5 : 4); o++) {
                    if (memcmp(md.back.out[o], k.out[o], type_bytes(&k.out_type[o])))
                        print_error("sizes %zu variant %d direction %u: gradient %d differs\n", z, variant, dir, o);
                    assert_memory_equal(md.back.out[o], k.out[o], type_bytes(&k.out_type[o]));
                }
                free(l.f32[0]);
                free(l.f32[13]);
                call_free(&f);
                call_free(&k);
                pass_free(&md);
                layer_free(&g.l);
            }
}

/* ---- symmetry ---------------------------------------------------------------------------------------------------------------*/

/* x (B,d0,d1,C) turned over in the dimensions of s */
static void turn(const float *x, const grid *g, int C, unsigned s, float *y)
{
    for (int b = 0; b < g->B; b++)
        for (int i = 0; i < g->dim[0]; i++)
            for (int j = 0; j < g->dim[1]; j++) {
                const int p = s & 1 ? g->dim[0] - 1 - i : i, q = s & 2 ? g->dim[1] - 1 - j : j;
                memcpy(y + ((b * g->dim[0] + i) * g->dim[1] + j) * C, x + ((b * g->dim[0] + p) * g->dim[1] + q) * C,
                       (size_t)C * sizeof *y);
            }
}

/* A picture turned over and scanned in the turned direction gives the turned output. */
static void turned_picture_turned_scan(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    const int dim[2] = {6, 11}, N = 3, H = 9;
    for (unsigned s = 1; s < 4; s++) {
        grid g = make_grid(2, dim, 3, N, H, 1, PEEP), t = g;
        pass a = run_grid(&g, JD_F32, best(), 1);
        t.attr.directions = (uint8_t)(1u << s);
        const size_t points = (size_t)(g.B * g.P);
        t.l.f32[0] = malloc(points * (size_t)N * sizeof(float));
        turn(g.l.f32[0], &g, N, s, t.l.f32[0]);
        pass b = run_grid(&t, JD_F32, best(), 1);
        float *y = malloc(points * (size_t)H * sizeof *y);
        turn(b.forward.out[0], &g, H, s, y);
        assert_memory_equal(y, a.forward.out[0], points * (size_t)H * sizeof *y);
        free(y);
        free(t.l.f32[0]);
        pass_free(&a);
        pass_free(&b);
        layer_free(&g.l);
    }
}

/* ---- an independent loss, straight from the equations ------------------------------------------------------------------------*/
static double squash(int kind, double x)
{
    const double s = 1 / (1 + exp(-x));
    return kind == JD_SQUASH_TANH     ? tanh(x)
           : kind == JD_SQUASH_LINEAR ? x
           : kind == JD_SQUASH_4SIGM2 ? 4 * s - 2
                                      : 2 * s - 1;
}

typedef struct naive {
    const grid *g;
    int d, b, sign[3], ext[3];
    double *h, *c; /* (P,H), filled as asked for */
    bool *known;   /* (P) */
} naive;

/* Recursion from the point to its predecessors: no notion of an order of the scan. */
static void solve(naive *s, const int *at)
{
    const grid *g = s->g;
    const int n = g->n, H = g->H, N = g->N;
    int place = 0, before[3];
    for (int e = 0; e < n; e++) place = place * g->dim[e] + at[e];
    if (s->known[place]) return;
    for (int e = 0; e < n; e++) {
        int p[3] = {at[0], at[1], at[2]};
        p[e] -= s->sign[e];
        before[e] = -1;
        if (p[e] < 0 || p[e] >= s->ext[e]) continue;
        solve(s, p);
        before[e] = 0;
        for (int q = 0; q < n; q++) before[e] = before[e] * g->dim[q] + p[q];
    }
    const double *x = g->l.f64[0] + (s->b * g->P + place) * N;
    for (int u = 0; u < H; u++) {
        double net[6] = {0}, c;
        const double *peep = g->l.f64[5] ? g->l.f64[5] + s->d * (n + 2) * H + u : NULL;
        for (int k = 0; k < n + 3; k++) {
            const int row = (s->d * (n + 3) + k) * H + u;
            net[k] = g->l.f64[4][row];
            for (int j = 0; j < N; j++) net[k] += g->l.f64[2][row * N + j] * x[j];
            for (int e = 0; e < n; e++)
                for (int j = 0; before[e] >= 0 && j < H; j++)
                    net[k] += g->l.f64[3][(row * n + e) * H + j] * s->h[before[e] * H + j];
        }
        for (int e = 0; e < n && peep; e++) {
            const double old = before[e] < 0 ? 0 : s->c[before[e] * H + u];
            net[0] += peep[0] * old;
            net[1 + e] += peep[(1 + e) * H] * old;
        }
        c = squash(g->attr.in_squash, net[n + 1]) / (1 + exp(-net[0]));
        for (int e = 0; e < n; e++) c += before[e] < 0 ? 0 : s->c[before[e] * H + u] / (1 + exp(-net[1 + e]));
        if (peep) net[n + 2] += peep[(n + 1) * H] * c;
        s->c[place * H + u] = c;
        s->h[place * H + u] = squash(g->attr.out_squash, c) / (1 + exp(-net[n + 2]));
    }
    s->known[place] = true;
}

static double naive_loss(const grid *g)
{
    double loss = 0;
    naive s = {.g = g};
    s.h = malloc((size_t)(g->P * g->H) * sizeof(double));
    s.c = malloc((size_t)(g->P * g->H) * sizeof(double));
    s.known = malloc((size_t)g->P);
    int dir = -1;
    for (s.d = 0; s.d < g->D; s.d++) {
        do dir++;
        while (!(g->attr.directions >> dir & 1));
        for (s.b = 0; s.b < g->B; s.b++) {
            memset(s.known, 0, (size_t)g->P);
            for (int e = 0; e < 3; e++) {
                s.sign[e] = dir >> e & 1 ? -1 : 1;
                s.ext[e] = e >= g->n ? 1 : g->l.type[1].rank > 0 ? g->l.length[s.b * g->n + e] : g->dim[e];
            }
            for (int i = 0; i < s.ext[0]; i++)
                for (int j = 0; j < s.ext[1]; j++)
                    for (int k = 0; k < s.ext[2]; k++) {
                        const int at[3] = {i, j, k};
                        solve(&s, at);
                        int place = 0;
                        for (int e = 0; e < g->n; e++) place = place * g->dim[e] + at[e];
                        for (int u = 0; u < g->H; u++)
                            loss += s.h[place * g->H + u] * g->l.f64[9][((s.b * g->P + place) * g->D + s.d) * g->H + u];
                    }
        }
    }
    free(s.h);
    free(s.c);
    free(s.known);
    return loss;
}

static void gradient_is_right(void **state)
{
    (void)state;
    if (SANITIZED_THREADS) skip();
    static const struct {
        int n, dim[3];
        unsigned directions;
        int variant;
        jd_squash in, out;
    } small[] = {{1, {5, 1, 1}, 3, RAGGED | PEEP, 0, 0},
                 {2, {3, 4, 1}, 15, PEEP, 0, 0},
                 {2, {4, 3, 1}, 6, RAGGED, JD_SQUASH_4SIGM2, JD_SQUASH_2SIGM1},
                 {2, {4, 3, 1}, 9, RAGGED | PEEP, JD_SQUASH_LINEAR, JD_SQUASH_TANH},
                 {3, {2, 3, 2}, 255, RAGGED | PEEP, 0, 0},
                 {3, {3, 2, 2}, 0x2c, 0, 0, 0}};
    static const int input_of[5] = {0, 2, 3, 4, 5};
    for (size_t c = 0; c < sizeof small / sizeof *small; c++) {
        grid g = make_grid(small[c].n, small[c].dim, 2, 2, 2, small[c].directions, small[c].variant);
        g.attr.in_squash = (uint8_t)small[c].in;
        g.attr.out_squash = (uint8_t)small[c].out;
        for (int e = 0; e < g.n; e++) g.l.length[e] = (small[c].dim[e] + 2) / 2;
        pass p = run_grid(&g, JD_F64, NULL, 1);
        double loss = 0;
        for (int64_t k = 0; k < jd__count(&g.l.type[9]); k++) loss += g.l.f64[9][k] * ((double *)p.forward.out[0])[k];
        const double want = naive_loss(&g);
        assert_true(fabs(loss - want) <= 1e-12 * (1 + fabs(want)));
        for (int o = 0; o < 5; o++) {
            const int in = input_of[o];
            if (g.l.type[in].rank < 0) continue;
            double scale = 1e-3, worst = 0;
            const double *got = p.back.out[o];
            const int64_t n = jd__count(&g.l.type[in]), stride = n > 60 ? n / 40 : 1;
            for (int64_t k = 0; k < n; k++) scale = fabs(got[k]) > scale ? fabs(got[k]) : scale;
            for (int64_t k = 0; k < n; k += stride) {
                static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
                const double here = g.l.f64[in][k], h = 1e-3;
                double d = 0;
                for (int i = 0; i < 4; i++) {
                    g.l.f64[in][k] = here + at[i] * h;
                    d += weight[i] * naive_loss(&g) / (12 * h);
                }
                g.l.f64[in][k] = here;
                const double error = fabs(d - got[k]) / scale;
                if (!(error <= worst)) worst = error;
            }
            if (!(worst <= 1e-6)) print_error("case %zu: gradient %d: relative error %g\n", c, o, worst);
            assert_true(worst <= 1e-6);
        }
        pass_free(&p);
        layer_free(&g.l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_right),
        cmocka_unit_test(fast_is_exact),
        cmocka_unit_test(same_bits_on_any_team_and_isa),
        cmocka_unit_test(same_bits_alone_and_in_a_batch),
        cmocka_unit_test(one_dimension_is_lstm),
        cmocka_unit_test(turned_picture_turned_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
