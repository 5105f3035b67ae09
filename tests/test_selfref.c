/*
 * test_selfref.c - the system self-referential: gradients through all weight changes against central differences, the
 * addresses of 1993, nets whose weights do not change, what a delta rule keeps.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/selfref_1993.c"
#include "../systems/selfref_fast.c"
#include "../systems/selfref_net.c"
#include "../systems/selfref_srwm.c"

#include "ctx.h"

enum { STEPS = 12, MOST = 4096 };

static void fill(double *a, int n, double size, uint64_t stream)
{
    jd_rng r = jd_rng_new(5, "test/selfref", stream);
    for (int i = 0; i < n; i++) a[i] = size * jd_rng_normal(&r);
}

/* ---- gradients ---------------------------------------------------------------------------------------------------------------*/

typedef double loss_of(void *user);

/* Each derivative of the loss by values[i], against central differences of fourth order: at most 1e-6 of the largest. */
static void assert_gradient(loss_of *loss, void *user, double *values, const double *gradient, int n)
{
    double largest = 0, worst = 0;
    for (int i = 0; i < n; i++) {
        const double was = values[i], h = 3e-4, weight[4] = {1, -8, 8, -1};
        double numeric = 0;
        for (int k = 0; k < 4; k++) {
            values[i] = was + h * (k < 2 ? k - 2 : k - 1);
            numeric += weight[k] * loss(user) / (12 * h);
        }
        values[i] = was;
        worst = fmax(worst, fabs(numeric - gradient[i]));
        largest = fmax(largest, fabs(gradient[i]));
    }
    print_message("    of %d, largest %.3g, farthest off %.3g\n", n, largest, worst);
    assert_true(largest > 1e-3);
    assert_true(worst <= 1e-6 * fmax(1, largest));
}

typedef struct layer_case {
    srwm s;
    fast f;
    double w[MOST], dw[MOST], x[MOST], dx[MOST], c[MOST], y[MOST]; /* the loss is sum sin(c y) */
    int outputs;
} layer_case;

static double srwm_loss(void *user)
{
    layer_case *c = user;
    double loss = 0;
    srwm_forward(&c->s, c->w, c->x, STEPS, c->y);
    for (int i = 0; i < STEPS * c->outputs; i++) loss += sin(c->c[i] * c->y[i]);
    return loss;
}

static double fast_loss(void *user)
{
    layer_case *c = user;
    double loss = 0;
    fast_forward(&c->f, c->w, c->x, STEPS, c->y);
    for (int i = 0; i < STEPS * c->outputs; i++) loss += sin(c->c[i] * c->y[i]);
    return loss;
}

static void errors(const layer_case *c, double *dy)
{
    for (int i = 0; i < STEPS * c->outputs; i++) dy[i] = c->c[i] * cos(c->c[i] * c->y[i]);
}

static void gradient_of_srwm(void **state)
{
    (void)state;
    layer_case *c = jd_alloc_array(ctx, 1, sizeof *c);
    double dy[MOST];
    c->s = (srwm){.heads = 2, .d = 5, .steps = STEPS};
    c->outputs = 10;
    assert_int_equal(srwm_new(ctx, &c->s), JD_OK);
    const int n = (int)srwm_weights(&c->s);
    fill(c->w, n, .7, 0);
    fill(c->x, STEPS * 10, 1, 1);
    fill(c->c, STEPS * 10, .5, 2);
    srwm_loss(c);
    errors(c, dy);
    srwm_backward(&c->s, c->x, dy, STEPS, c->dw, c->dx);
    double moved = 0; /* the weights did change, much */
    for (int i = 0; i < n; i++) moved = fmax(moved, fabs(c->s.W[STEPS * n + i] - c->w[i]));
    assert_true(moved > .3);
    assert_gradient(srwm_loss, c, c->w, c->dw, n);
    assert_gradient(srwm_loss, c, c->x, c->dx, STEPS * 10);
    srwm_free(ctx, &c->s);
    jd_free(ctx, c);
}

static void gradient_of_fast(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        layer_case *c = jd_alloc_array(ctx, 1, sizeof *c);
        double dy[MOST];
        c->f = (fast){.inputs = 4,
                      .keys = 5,
                      .values = 3,
                      .steps = STEPS,
                      .rule = k % 2 ? FAST_DELTA : FAST_ADDITIVE,
                      .phi = (fast_phi)(k / 2),
                      .rate = .8};
        c->outputs = 3;
        assert_int_equal(fast_new(ctx, &c->f), JD_OK);
        const int n = (int)fast_weights(&c->f);
        fill(c->w, n, c->f.phi == FAST_LINEAR ? .3 : .8, 3);
        fill(c->x, STEPS * 4, 1, 4);
        fill(c->c, STEPS * 3, .5, 5);
        fast_loss(c);
        errors(c, dy);
        fast_backward(&c->f, c->w, c->x, dy, STEPS, c->dw, c->dx);
        assert_gradient(fast_loss, c, c->w, c->dw, n);
        assert_gradient(fast_loss, c, c->x, c->dx, STEPS * 4);
        fast_free(ctx, &c->f);
        jd_free(ctx, c);
    }
}

/* ---- 1993 --------------------------------------------------------------------------------------------------------------------*/

typedef struct case93 {
    srwm93 s;
    srwm93_input in;
    double w[MOST], dw[MOST], x[STEPS * 3], target[STEPS * 2];
    bool shown[STEPS];
} case93;

static case93 *new93(double width, double size)
{
    case93 *c = jd_alloc_array(ctx, 1, sizeof *c);
    c->s = (srwm93){.inputs = 3, .outputs = 2, .hidden = 2, .steps = STEPS, .width = width};
    assert_int_equal(srwm93_new(ctx, &c->s), JD_OK);
    assert_true(c->s.weights <= MOST && c->s.weights <= 1 << c->s.bits);
    fill(c->w, c->s.weights, size, 6);
    fill(c->x, STEPS * 3, 1, 7);
    for (int t = 0; t < STEPS; t++) c->x[3 * t + 2] = 1;
    fill(c->target, STEPS * 2, .5, 8);
    for (int t = 0; t < STEPS; t++) c->shown[t] = t % 3 != 2;
    c->in = (srwm93_input){.T = STEPS, .reset = -1, .x = c->x, .target = c->target, .shown = c->shown};
    return c;
}

static void free93(case93 *c)
{
    srwm93_free(ctx, &c->s);
    jd_free(ctx, c);
}

static double loss93(void *user)
{
    case93 *c = user;
    double loss = 0;
    srwm93_forward(&c->s, c->w, &c->in);
    for (int t = 0; t < STEPS; t++)
        for (int k = 0; k < 2; k++) {
            const double e = c->target[2 * t + k] - c->s.y[t * c->s.units + k];
            loss += .5 * e * e;
        }
    return loss;
}

static void gradient_of_1993(void **state)
{
    (void)state;
    for (int reset = -1; reset < STEPS; reset += 7) {
        case93 *c = new93(1.2, 1);
        double dout[STEPS * 2];
        c->in.reset = reset;
        loss93(c);
        for (int i = 0; i < STEPS * 2; i++) dout[i] = c->s.y[i / 2 * c->s.units + i % 2] - c->target[i];
        srwm93_backward(&c->s, &c->in, dout, c->dw);
        assert_gradient(loss93, c, c->w, c->dw, c->s.weights);
        free93(c);
    }
}

/* ana on an address reads that weight; delta on the address of mod changes that weight alone. */
static void an_address_is_one_weight(void **state)
{
    (void)state;
    case93 *c = new93(.22, .5);
    double *share = jd_alloc_array(ctx, (size_t)c->s.weights, sizeof *share), address[24];
    for (int i = 0; i < c->s.weights; i += 37) {
        for (int b = 0; b < c->s.bits; b++) address[b] = i >> b & 1;
        assert_true(fabs(srwm93_read(&c->s, c->w, address, share) - c->w[i]) < 1e-3);
        for (int k = 0; k < c->s.weights; k++) assert_true(k == i ? share[k] == 1 : share[k] < 1e-4);
    }
    jd_free(ctx, share);
    free93(c);
}

/* A plain recurrent net of the same weights, written down here, gives the same bits where delta is 0. */
static void without_delta_it_is_a_plain_net(void **state)
{
    (void)state;
    case93 *c = new93(.3, 1);
    srwm93 *s = &c->s;
    const int L = s->sources, U = s->units, first = L - U, logistic = 2 + 2 * s->bits;
    double l[256] = {0}, y[256];
    s->frozen = true;
    c->in.target = NULL;
    srwm93_forward(s, c->w, &c->in);
    for (int k = 0; k < logistic; k++) l[first + k] = .5;
    for (int t = 0; t < STEPS; t++) {
        l[first - 1] = s->l[t * L + first - 1]; /* val is an input like others */
        for (int i = 0; i < 3; i++) l[i] = c->x[3 * t + i];
        for (int k = 0; k < U; k++) {
            double net = 0;
            for (int j = 0; j < L; j++) net += l[j] * c->w[j * U + k];
            y[k] = 1 / (1 + jd_exp_lane(k < logistic ? -net : -2 * net));
            if (k >= logistic) y[k] = 2 * y[k] - 1;
            if (k == logistic) y[k] *= .5;
        }
        for (int k = 0; k < U; k++) l[first + k] = y[k];
        assert_memory_equal(y, s->y + t * U, (size_t)U * sizeof *y);
        assert_memory_equal(c->w, s->W + (t + 1) * s->weights, (size_t)s->weights * sizeof *c->w);
    }
    s->frozen = false;
    srwm93_forward(s, c->w, &c->in);
    assert_memory_not_equal(c->w, s->W + STEPS * s->weights, (size_t)s->weights * sizeof *c->w);
    free93(c);
}

/* ---- nets ------------------------------------------------------------------------------------------------------------------------*/

typedef struct net_case {
    selfref_net n;
    selfref_episode e;
} net_case;

static double net_loss(void *user)
{
    net_case *c = user;
    return selfref_run(&c->n, &c->e, false);
}

static void gradient_of_nets(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        net_case *c = jd_alloc_array(ctx, 1, sizeof *c);
        jd_rng r = jd_rng_new(5, "test/selfref/net", 0);
        c->n.o = (selfref_options){.kind = k < 2    ? SELFREF_SRWM
                                           : k == 2 ? SELFREF_FAST
                                                    : SELFREF_1993,
                                   .loss = k ? SELFREF_SQUARE : SELFREF_LOGISTIC,
                                   .inputs = 3,
                                   .outputs = 2,
                                   .steps = STEPS,
                                   .width = 8,
                                   .heads = 2,
                                   .code = k ? SELFREF_TANH : SELFREF_SOFTMAX,
                                   .keys = 4,
                                   .values = 3,
                                   .rule = FAST_DELTA,
                                   .phi = FAST_ELU,
                                   .hidden = 1,
                                   .ticks = 2,
                                   .reach = 1.2,
                                   .spread = 1};
        assert_int_equal(selfref_net_new(ctx, &c->n, &r), JD_OK);
        c->e.T = STEPS, c->e.reset = 8;
        fill(c->e.u, STEPS * 3, 1, 9);
        for (int t = 0; t < STEPS; t++) {
            c->e.told[t] = t < 8;
            c->e.asked[t] = t % 4 > 1;
            for (int o = 0; o < 2; o++) c->e.target[2 * t + o] = (t + o) % 2;
        }
        net_loss(c);
        selfref_back(&c->n, &c->e, 1);
        assert_gradient(net_loss, c, c->n.w, c->n.g, (int)c->n.n);
        selfref_net_free(ctx, &c->n);
        jd_free(ctx, c);
    }
}

/* As many orthogonal keys as the matrix has rows: the delta rule keeps all, and replaces a value where the additive rule
 * leaves the sum. */
static void delta_replaces_and_addition_adds(void **state)
{
    (void)state;
    enum { N = 4 };
    for (int rule = 0; rule < 2; rule++) {
        fast f = {.inputs = 2 * N, .keys = N, .values = N, .steps = N + 1, .rule = (fast_rule)rule, .rate = 1};
        double S[(2 * N + 1) * (3 * N + 1)] = {0}, x[(N + 1) * 2 * N], y[(N + 1) * N];
        assert_int_equal(fast_new(ctx, &f), JD_OK);
        for (int i = 0; i < N; i++) {
            S[i * f.rows + i] = S[i * f.rows + N + i] = 1;
            S[(N + i) * f.rows + 2 * N + i] = 1;
        }
        if (rule) S[2 * N * f.rows + 3 * N] = 40; /* beta is 1 */
        fill(x, (N + 1) * 2 * N, 1, 10);
        for (int t = 0; t <= N; t++)
            for (int i = 0; i < N; i++) x[t * 2 * N + i] = i == t % N; /* the first key comes again */
        fast_forward(&f, S, x, N + 1, y);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                const double kept = f.W[(N + 1) * N * N + i * N + j], last = x[(i ? i : N) * 2 * N + N + j];
                assert_true(fabs(kept - last - (i || rule ? 0 : x[N + j])) < 1e-9);
            }
        fast_free(ctx, &f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_srwm),
        cmocka_unit_test(gradient_of_fast),
        cmocka_unit_test(gradient_of_1993),
        cmocka_unit_test(an_address_is_one_weight),
        cmocka_unit_test(without_delta_it_is_a_plain_net),
        cmocka_unit_test(gradient_of_nets),
        cmocka_unit_test(delta_replaces_and_addition_adds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
