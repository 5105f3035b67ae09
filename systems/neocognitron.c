/*
 * neocognitron.c - "neocognitron": layers of feature-detecting and blurring cells that learn digits without a teacher.
 *
 * K. Fukushima, Neocognitron: a self-organizing neural network model for a mechanism of pattern recognition unaffected by
 * shift in position, Biological Cybernetics 36:193, 1980 (in Japanese: IEICE 1979).  The forerunner of convolutional nets:
 * shared weights and local fields, and between them cells that answer wherever in their field a feature is.
 *
 *     U0 16x16 -> US1 16x16 -> UC1 10x10 -> US2 8x8 -> UC2 6x6 -> US3 2x2 -> UC3 1x1, each of so many planes
 *
 * S-cell:  u = r phi[ (1 + sum a u_C) / (1 + 2r/(1+r) b v) - 1 ],  v = sqrt(sum c u_C^2)              phi[x] = max(0,x)
 * C-cell:  u = psi[ (1 + sum d u_S) / (1 + mean over the planes of sum d u_S) - 1 ],                  psi[x] = x/(x + alpha)
 *
 * Learning, one layer after the other: of the S-cells within a column (all planes, 5 x 5 places) the strongest is a seed; of
 * several seeds in one plane only the strongest.  Its plane's weights grow: a by q c u_C, b by q v / 2.  After that a cell
 * answers to inputs whose cosine with what it learned is above r/(1+r).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "neocognitron.h"

enum { WINDOW = 5, LAST = 2 };

static const jd_setting settings[] = {
    {"digits", {5, 10, 10}, "digits that are shown: 0 to this, less one"},
    {"planes", {60, 60, 60}, "planes of cells in each layer"},
    {"rounds", {20, 20, 20}, "times that each digit is shown to each layer"},
    {"r1", {4, 4, 4}, "selectivity of the first S-layer"},
    {"r2", {6, 6, 6}, "of the second"},
    {"r3", {3, 3, 3}, "of the third"},
    {"q1", {10, 10, 10}, "rate of learning of the first S-layer"},
    {"q2", {16, 16, 16}, "of the second and third"},
    {"column", {5, 5, 5}, "side of the column in which cells of the second layer compete; 5 in the first"},
    {"alpha", {0.25, 0.25, 0.25}, "where C-cells saturate"},
    {"blur", {0.9, 0.9, 0.9}, "weights of a C-cell fall by this factor for each pixel from the middle"},
    {"gain", {20, 20, 20}, "sum of the weights of a C-cell"},
    {NULL, {0}, NULL},
};

static const int pad[NEO_LAYERS] = {2, 1, 0};
static const int blurs[NEO_LAYERS] = {WINDOW, WINDOW, LAST};

/* ---- cells -------------------------------------------------------------------------------------------------------------*/

static jd_node fixed(jd_graph *g, const char *layer, const char *name, jd_dims shape)
{
    char full[16];
    snprintf(full, sizeof full, "%s/%s", layer, name);
    return jd_param(g, full, (jd_init){JD_INIT_ZERO}, shape); /* neo_params has set it */
}

/* x (B,h,w,I) -> (B,h',w',planes) */
static jd_node s_cells(jd_graph *g, const neo_net *n, int layer, jd_node x)
{
    const char name[3] = {'s', (char)('1' + layer), 0};
    const int64_t I = jd_dim(g, x, 3);
    const double r = n->r[layer];
    const jd_conv_options o = {.pad = pad[layer]};
    const jd_node a = fixed(g, name, "a", JD_DIMS(n->planes, WINDOW, WINDOW, I)),
                  b = fixed(g, name, "b", JD_DIMS(n->planes));
    const jd_node c = fixed(g, name, "c", JD_DIMS(1, WINDOW, WINDOW, I));
    const jd_node v = jd_sqrt(g, jd_conv2d_raw(g, jd_square(g, x), c, o)); /* (B,h',w',1) */
    const jd_node excite = jd_affine(g, jd_conv2d_raw(g, x, a, o), 1, 1);
    const jd_node inhibit = jd_affine(g, jd_mul(g, v, b), 2 * r / (1 + r), 1);
    return jd_affine(g, jd_relu(g, jd_affine(g, jd_div(g, excite, inhibit), 1, -1)), r, 0);
}

/* Each plane blurred by itself: planes become samples. */
static jd_node blur_planes(jd_graph *g, jd_node x, jd_node d, int zeros)
{
    const int64_t B = jd_dim(g, x, 0), h = jd_dim(g, x, 1), w = jd_dim(g, x, 2), K = jd_dim(g, x, 3);
    x = jd_reshape(g, jd_transpose(g, x, (const int[]){0, 3, 1, 2}), JD_DIMS(B * K, h, w, 1));
    x = jd_conv2d_raw(g, x, d, (jd_conv_options){.pad = zeros});
    const int64_t oh = jd_dim(g, x, 1), ow = jd_dim(g, x, 2);
    return jd_transpose(g, jd_reshape(g, x, JD_DIMS(B, K, oh, ow)), (const int[]){0, 2, 3, 1});
}

static jd_node c_cells(jd_graph *g, const neo_net *n, int layer, jd_node x)
{
    const char name[3] = {'c', (char)('1' + layer), 0};
    const jd_node d = fixed(g, name, "d", JD_DIMS(1, blurs[layer], blurs[layer], 1));
    if (layer == 0) x = jd_slice(g, jd_slice(g, x, 1, 1, NEO_SIDE - 2), 2, 1, NEO_SIDE - 2);
    const jd_node e = blur_planes(g, x, d, layer == 1);
    const jd_node inhibit = jd_affine(g, jd_mean(g, e, JD_AXIS(3), true), 1, 1);
    const jd_node u = jd_relu(g, jd_affine(g, jd_div(g, jd_affine(g, e, 1, 1), inhibit), 1, -1));
    return jd_div(g, u, jd_affine(g, u, 1, n->alpha));
}

void neo_cells(jd_graph *g, void *net)
{
    jd_node x = jd_arg(g, "x");
    for (int l = 0; l < NEO_LAYERS; l++) {
        const char s[3] = {'s', (char)('1' + l), 0}, c[3] = {'c', (char)('1' + l), 0};
        x = s_cells(g, net, l, x);
        jd_result(g, s, x);
        x = c_cells(g, net, l, x);
        jd_result(g, c, x);
    }
}

/* k x k weights that fall from the middle, in all sum/channels each channel. */
static void disk(int k, int64_t channels, double fall, double sum, float *out)
{
    double all = 0, w[WINDOW * WINDOW];
    for (int i = 0; i < k * k; i++) all += w[i] = pow(fall, hypot(i / k - (k - 1) / 2.0, i % k - (k - 1) / 2.0));
    for (int i = 0; i < k * k; i++)
        for (int64_t c = 0; c < channels; c++) out[i * channels + c] = (float)(w[i] * sum / (all * (double)channels));
}

/* Weights before learning: a small and random, b zero, so that every cell answers a little to everything. */
static jd_params *first_weights(jd_run *r, const neo_net *n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_params *w = jd_params_new(ctx, JD_F32);
    float *x = jd_alloc_array(ctx, (size_t)(n->planes * n->planes * WINDOW * WINDOW), sizeof *x);
    for (int l = 0; l < NEO_LAYERS && x && w; l++) {
        const int64_t I = l ? n->planes : 1, count = n->planes * WINDOW * WINDOW * I;
        char name[16];
        jd_rng g = jd_rng_new(jd_run_seed(r), "neocognitron", (uint64_t)l);
        for (int64_t i = 0; i < count; i++) x[i] = 1e-4f * jd_rng_uniform(&g);
        snprintf(name, sizeof name, "s%d/a", l + 1);
        jd_params_set(w, name, &(jd_type){JD_F32, 4, {n->planes, WINDOW, WINDOW, I}}, x);
        memset(x, 0, (size_t)n->planes * sizeof *x);
        snprintf(name, sizeof name, "s%d/b", l + 1);
        jd_params_set(w, name, &(jd_type){JD_F32, 1, {n->planes}}, x);
        disk(WINDOW, I, 0.9, 1, x);
        snprintf(name, sizeof name, "s%d/c", l + 1);
        jd_params_set(w, name, &(jd_type){JD_F32, 4, {1, WINDOW, WINDOW, I}}, x);
        disk(blurs[l], 1, jd_run_setting(r, "blur"), jd_run_setting(r, "gain"), x);
        snprintf(name, sizeof name, "c%d/d", l + 1);
        jd_params_set(w, name, &(jd_type){JD_F32, 4, {1, blurs[l], blurs[l], 1}}, x);
    }
    jd_free(ctx, x);
    return w;
}

/* ---- learning ----------------------------------------------------------------------------------------------------------*/

typedef struct seed {
    float value;
    int y, x;
} seed;

/* The seed of each plane of u (h,w,K): strongest within its column, and of these the strongest of the plane. */
static void find_seeds(const float *u, int h, int w, int K, int reach, seed *s)
{
    for (int k = 0; k < K; k++) s[k].value = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int best = 0;
            const float *here = u + (y * w + x) * K;
            for (int k = 1; k < K; k++)
                if (here[k] > here[best]) best = k;
            bool strongest = here[best] > s[best].value;
            for (int i = y - reach; i <= y + reach && strongest; i++)
                for (int j = x - reach; j <= x + reach && strongest; j++)
                    for (int k = 0; k < K && i >= 0 && i < h && j >= 0 && j < w && strongest; k++)
                        strongest = u[(i * w + j) * K + k] <= here[best];
            if (strongest) s[best] = (seed){here[best], y, x};
        }
}

/* Reinforces plane k with what its seed sees of x (h,w,I). */
static void reinforce(jd_params *w, int layer, int k, seed s, const float *x, int h, int wide, int I, double q)
{
    char name[16];
    snprintf(name, sizeof name, "s%d/a", layer + 1);
    float *a = (float *)jd_params_get(w, name) + k * WINDOW * WINDOW * I;
    snprintf(name, sizeof name, "s%d/b", layer + 1);
    float *b = (float *)jd_params_get(w, name) + k;
    snprintf(name, sizeof name, "s%d/c", layer + 1);
    const float *c = jd_params_get(w, name);
    double sum = 0;
    for (int i = 0; i < WINDOW; i++)
        for (int j = 0; j < WINDOW; j++) {
            const int y = s.y + i - pad[layer], z = s.x + j - pad[layer];
            if (y < 0 || y >= h || z < 0 || z >= wide) continue;
            for (int m = 0; m < I; m++) {
                const double u = (double)x[(y * wide + z) * I + m], cm = (double)c[(i * WINDOW + j) * I + m];
                a[(i * WINDOW + j) * I + m] += (float)(q * cm * u);
                sum += cm * u * u;
            }
        }
    *b += (float)(q / 2 * sqrt(sum));
}

static jd_status show(jd_fn *f, const float *pictures, int64_t n)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, pictures, n, NEO_SIDE, NEO_SIDE, 1);
    return jd_fn_run(f, &in, 1);
}

static jd_status learn_layer(jd_run *r, const neo_net *n, jd_params *w, jd_fn *f, int layer, const float *shown,
                             int digits)
{
    const int rounds = (int)jd_run_setting(r, "rounds");
    const double q = jd_run_setting(r, layer ? "q2" : "q1");
    const int reach = layer == 1 ? (int)jd_run_setting(r, "column") / 2 : WINDOW / 2;
    const char s[3] = {'s', (char)('1' + layer), 0}, below[3] = {'c', (char)('0' + layer), 0};
    seed seeds[NEO_PLANES];
    jd_run_stage(r, "layer %d", layer + 1);
    for (int t = 0; t < rounds; t++) {
        for (int d = 0; d < digits; d++) {
            const float *picture = shown + d * NEO_SIDE * NEO_SIDE;
            if (show(f, picture, 1)) return jd_error(jd_run_ctx(r));
            jd_type su, xu = {JD_F32, 4, {1, NEO_SIDE, NEO_SIDE, 1}};
            const float *u = jd_fn_result(f, s, &su), *x = layer ? jd_fn_result(f, below, &xu) : picture;
            find_seeds(u, (int)su.dim[1], (int)su.dim[2], n->planes, reach, seeds);
            for (int k = 0; k < n->planes; k++)
                if (seeds[k].value > 0)
                    reinforce(w, layer, k, seeds[k], x, (int)xu.dim[1], (int)xu.dim[2], (int)xu.dim[3], q);
        }
        if (jd_run_progress(r, t + 1, rounds, "rounds")) return jd_run_stopped(r);
    }
    return JD_OK;
}

/* ---- tests -------------------------------------------------------------------------------------------------------------*/

/* The strongest cell of UC3, or -1 where none answers. */
static int answer(jd_fn *f, const float *picture, int planes)
{
    if (show(f, picture, 1)) return -1;
    const float *u = jd_fn_result(f, "c3", NULL);
    int best = -1;
    for (int k = 0; u && k < planes; k++)
        if (u[k] > 0 && (best < 0 || u[k] > u[best])) best = k;
    return best;
}

static bool recognised(const neo_result *n, jd_fn *f, int digit, const float *picture)
{
    if (n->top[digit] < 0 || answer(f, picture, n->planes) != n->top[digit]) return false;
    for (int d = 0; d < n->digits; d++)
        if (d != digit && n->top[d] == n->top[digit]) return false;
    return true;
}

static void test_shifts(neo_result *n, jd_fn *f)
{
    float picture[NEO_SIDE * NEO_SIDE];
    for (int d = 0; d < n->digits; d++) {
        int all[NEO_RINGS] = {0};
        for (int dy = -NEO_SHIFT; dy <= NEO_SHIFT; dy++)
            for (int dx = -NEO_SHIFT; dx <= NEO_SHIFT; dx++) {
                const int ring = (int)fmax(fabs((double)dx), fabs((double)dy));
                neo_draw(d, (neo_pose){dx, dy, 0, 1}, picture);
                const bool right = recognised(n, f, d, picture);
                n->at[d][dy + NEO_SHIFT][dx + NEO_SHIFT] = right;
                n->right[d][ring] += right;
                all[ring]++;
            }
        for (int s = 0; s < NEO_RINGS; s++) n->right[d][s] /= all[s];
    }
}

static void test_deformed(jd_run *r, neo_result *n, jd_fn *f)
{
    enum { TIMES = 40, FLIPS = 4 };
    float picture[NEO_SIDE * NEO_SIDE];
    jd_rng g = jd_rng_new(jd_run_seed(r), "neocognitron/test", 0);
    for (int d = 0; d < n->digits; d++)
        for (int i = 0; i < TIMES; i++) {
            const double angle = (jd_rng_uniform64(&g) - 0.5) * 0.35, scale = 0.9 + 0.2 * jd_rng_uniform64(&g);
            neo_draw(d, (neo_pose){0, 0, angle, scale}, picture);
            n->deformed += recognised(n, f, d, picture) / (double)(TIMES * n->digits);
            neo_draw(d, (neo_pose){0, 0, 0, 1}, picture);
            for (int k = 0; k < FLIPS; k++) {
                float *p = &picture[jd_rng_below(&g, NEO_SIDE * NEO_SIDE)];
                *p = 1 - *p;
            }
            n->noisy += recognised(n, f, d, picture) / (double)(TIMES * n->digits);
        }
}

static void count_used(neo_result *n, jd_params *w)
{
    for (int l = 0; l < NEO_LAYERS; l++) {
        char name[16];
        snprintf(name, sizeof name, "s%d/b", l + 1);
        const float *b = jd_params_get(w, name);
        for (int k = 0; b && k < n->planes; k++) n->used[l] += b[k] > 0;
    }
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    neo_net net = {.planes = (int)jd_run_setting(r, "planes"),
                   .r = {jd_run_setting(r, "r1"), jd_run_setting(r, "r2"), jd_run_setting(r, "r3")},
                   .alpha = jd_run_setting(r, "alpha")};
    neo_result *n = jd_alloc(ctx, sizeof *n);
    if (!n) return jd_error(ctx);
    n->digits = (int)jd_run_setting(r, "digits");
    n->planes = net.planes;
    if (n->digits < 2 || n->digits > NEO_DIGITS || n->planes < 2 || n->planes > NEO_PLANES)
        jd_fail(ctx, JD_EUSAGE, "digits = %d, planes = %d; 2 to %d and 2 to %d are possible", n->digits, n->planes,
                NEO_DIGITS, NEO_PLANES);
    float shown[NEO_DIGITS * NEO_SIDE * NEO_SIDE];
    for (int d = 0; d < NEO_DIGITS; d++) neo_draw(d, (neo_pose){0, 0, 0, 1}, shown + d * NEO_SIDE * NEO_SIDE);
    jd_params *w = jd_error(ctx) ? NULL : first_weights(r, &net);
    jd_fn *f = jd_error(ctx) ? NULL : jd_fn_new(ctx, w, neo_cells, &net);
    for (int l = 0; l < NEO_LAYERS && f && !jd_error(ctx); l++) learn_layer(r, &net, w, f, l, shown, n->digits);
    if (!jd_error(ctx)) {
        for (int d = 0; d < n->digits; d++) n->top[d] = answer(f, shown + d * NEO_SIDE * NEO_SIDE, n->planes);
        for (int d = 0; d < n->digits; d++) n->own += recognised(n, f, d, shown + d * NEO_SIDE * NEO_SIDE);
        test_shifts(n, f);
        test_deformed(r, n, f);
        count_used(n, w);
    }
    double moved[NEO_RINGS] = {0};
    for (int d = 0; d < n->digits; d++)
        for (int k = 0; k < NEO_RINGS; k++) moved[k] += 100 * n->right[d][k] / n->digits;
    if (!jd_error(ctx)) {
        jd_run_save(r, w, 0, true);
        jd_run_extra(r, "digits", n->digits);
        jd_run_extra(r, "own_cell", n->own);
        jd_run_extra(r, "moved_by_1", moved[1]);
        jd_run_extra(r, "moved_by_2", moved[2]);
        jd_run_extra(r, "moved_by_3", moved[3]);
        jd_run_extra(r, "deformed", 100 * n->deformed);
        jd_run_extra(r, "noisy", 100 * n->noisy);
        neo_report(r, n, w, f);
        jd_run_finish(r, 100.0 * n->own / n->digits,
                      n->own < n->digits ? "some digits share their strongest cell" : NULL);
    }
    jd_fn_free(f);
    jd_params_free(w);
    jd_free(ctx, n);
    return jd_error(ctx);
}

const jd_system jd_system_neocognitron = {
    .name = "neocognitron",
    .year = 1980,
    .title = "Cells that learn digits without a teacher and know them wherever they stand",
    .paper = "Fukushima, Biological Cybernetics 36:193, 1980; in Japanese IEICE J62-A:655, 1979",
    .metric = "digits with a cell of their own in the last layer, %",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "the paper shows five digits, each with a cell of its own in the last layer that answers to it alone, also "
        "moved, deformed and with noise; it counts nothing",
    .accept = {100, 100, 100},
    .about =
        "Three times a layer of S-cells, which share their weights and each see a small field, and a layer of "
        "C-cells, which "
        "answer if any of the S-cells of one plane in their field does. Nobody tells the net what it sees: of "
        "competing cells "
        "the strongest learns what it is looking at. Each digit is shown in one place only. In the end each digit "
        "should have "
        "made a cell of its own in the last layer, which also answers when the digit stands elsewhere.\n\n"
        "Look at the table: moved by one pixel nine digits of ten are known, by two half, by three one in ten. The "
        "selectivities were "
        "chosen with other first weights so that each digit has its own cell.",
    .settings = settings,
    .run = run,
};
