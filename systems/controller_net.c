/* controller_net.c - C and M as graphs of the library: learning, acting, planning; see controller.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "controller.h"

enum { WEIGHTS = 5, INPUTS = 12 };
#define CLIP  1.
#define PRICE 1e-3 /* of a planned action before it is squashed: keeps it where it has a gradient */

/* ---- nodes ------------------------------------------------------------------------------------------------------------------*/

typedef struct cell {
    jd_node W, R, b, V, c; /* (G,I), (G,H), (G), (O,H), (O); G: H, or 4 H of an LSTM */
    int64_t units;         /* H */
    bool lstm;
} cell;

/* The weights of C or M: parameters of this function's store, or with `given` inputs. */
static cell weights(jd_graph *g, const char *name, bool given, bool lstm, int64_t in, int64_t units, int64_t out)
{
    const int64_t rows = lstm ? 4 * units : units;
    static const char *const part[WEIGHTS] = {"W", "R", "b", "V", "c"};
    const jd_init_kind init[WEIGHTS] = {JD_INIT_FAN_IN, lstm ? JD_INIT_FAN_IN : JD_INIT_ORTHOGONAL,
                                        lstm ? JD_INIT_LSTM_BIAS : JD_INIT_ZERO, JD_INIT_FAN_IN, JD_INIT_ZERO};
    const jd_dims shape[WEIGHTS] = {JD_DIMS(rows, in), JD_DIMS(rows, units), JD_DIMS(rows), JD_DIMS(out, units),
                                    JD_DIMS(out)};
    jd_node n[WEIGHTS];
    for (int k = 0; k < WEIGHTS; k++) {
        char whole[32];
        snprintf(whole, sizeof whole, "%s/%s", name, part[k]);
        n[k] =
            given ? jd_arg(g, whole) : jd_param(g, whole, (jd_init){init[k], lstm && k == 2 ? 2 : 1, 0, 0}, shape[k]);
    }
    return (cell){n[0], n[1], n[2], n[3], n[4], units, lstm};
}

static cell weights_model(jd_graph *g, const cm_pair *p, bool given)
{
    return weights(g, "M", given, p->o.lstm, p->seen + p->actions, p->o.model, p->told);
}

static cell weights_controller(jd_graph *g, const cm_pair *p)
{
    return weights(g, "C", false, false, p->seen, p->o.controller, p->actions);
}

/* One step: x (B,I) -> (B,O); the state *h is (B,H), of an LSTM (B,2H), outputs and cells. */
static jd_node step(jd_graph *g, const cell *w, jd_node x, jd_node *h)
{
    const int64_t H = w->units;
    const jd_node y = w->lstm ? jd_slice(g, *h, 1, 0, H) : *h;
    const jd_node sum = jd_add(g, jd_matmul(g, x, w->W, .tb = true), jd_matmul(g, y, w->R, .tb = true));
    const jd_node net = jd_add(g, sum, w->b);
    if (!w->lstm) {
        *h = jd_tanh(g, net);
        return jd_add(g, jd_matmul(g, *h, w->V, .tb = true), w->c);
    }
    jd_node gate[4]; /* i f z o */
    for (int k = 0; k < 4; k++) {
        const jd_node part = jd_slice(g, net, 1, k * H, H);
        gate[k] = k == 2 ? jd_tanh(g, part) : jd_sigmoid(g, part);
    }
    const jd_node kept = jd_mul(g, gate[1], jd_slice(g, *h, 1, H, H));
    const jd_node inside = jd_add(g, kept, jd_mul(g, gate[0], gate[2]));
    const jd_node out = jd_mul(g, gate[3], jd_tanh(g, inside)), both[2] = {out, inside};
    *h = jd_concat(g, both, 2, 1);
    return jd_add(g, jd_matmul(g, out, w->V, .tb = true), w->c);
}

/* Actions (B,A).  Among choices: the one that wins with Gumbel noise, which is drawn from the softmax; backward it counts as
 * the softmax itself. */
static jd_node squash(jd_graph *g, const cm_pair *p, jd_node net, jd_node noise, bool soft_moves)
{
    if (p->o.task == CM_MAZE) {
        if (soft_moves) return jd_softmax(g, net);
        const jd_node drawn = jd_add(g, net, noise), soft = jd_softmax(g, drawn);
        const jd_node hard = jd_onehot(g, jd_argmax(g, drawn), p->actions);
        return jd_add(g, soft, jd_stop(g, jd_sub(g, hard, soft)));
    }
    if (noise.id) net = jd_add(g, net, noise);
    return p->o.task == CM_POLE ? jd_tanh(g, net) : jd_sigmoid(g, net);
}

/* Two columns, each with a factor of its own. */
static jd_node columns(jd_graph *g, jd_node x, double first, double second)
{
    const int axis = jd_rank(g, x) - 1;
    const jd_node part[2] = {jd_affine(g, jd_slice(g, x, axis, 0, 1), first, 0),
                             jd_affine(g, jd_slice(g, x, axis, 1, 1), second, 0)};
    return jd_concat(g, part, 2, axis);
}

/* What M makes of a picture: positions with a variance of about 1. */
static jd_node scaled(jd_graph *g, const cm_pair *p, jd_node x)
{
    return p->o.task == CM_POLE ? columns(g, x, 4, 2) : x;
}

static jd_node predict(jd_graph *g, const cm_pair *p, const cell *m, jd_node x, jd_node a, jd_node *h)
{
    const jd_node both[2] = {scaled(g, p, x), a};
    return step(g, m, jd_concat(g, both, 2, 1), h);
}

/* What is seen next if M is right; walls are there or not, so that dreams do not blur. */
static jd_node next(jd_graph *g, const cm_pair *p, jd_node x, jd_node told)
{
    if (p->o.task == CM_POLE) return jd_add(g, x, columns(g, told, 1 / CM_CHANGE[0], 1 / CM_CHANGE[1]));
    if (p->o.task == CM_FLIPFLOP) return x;
    const jd_node said = jd_slice(g, told, 1, 0, p->seen), half = jd_const(g, .5, JD_DIMS(1, 1));
    return p->o.soft ? said : jd_add(g, said, jd_stop(g, jd_sub(g, jd_greater(g, said, half), said)));
}

#define METRES  2.4 /* that are seen as 1 */
#define RADIANS .20943951023931953

/* What a step costs (B,1): pain, its square as in 1990; of the pole angle^2 + .1 position^2, in rad and m, over the square of
 * the largest angle; of the maze what is not earned. */
static jd_node cost(jd_graph *g, const cm_pair *p, jd_node seen, jd_node told)
{
    if (p->o.task == CM_FLIPFLOP) return jd_square(g, told);
    if (p->o.task == CM_MAZE) return jd_neg(g, jd_slice(g, told, 1, CM_SEEN, 1));
    const jd_node square = jd_square(g, seen);
    return jd_add(g, jd_affine(g, jd_slice(g, square, 1, 0, 1), .1 * METRES * METRES / (RADIANS * RADIANS), 0),
                  jd_slice(g, square, 1, 1, 1));
}

static jd_node row(jd_graph *g, jd_node x, int64_t t)
{
    return jd_reshape(g, jd_slice(g, x, 0, t, 1), JD_DIMS(jd_dim(g, x, 1), jd_dim(g, x, 2)));
}

static jd_node stack(jd_graph *g, const jd_node *x, int64_t T)
{
    const jd_node all = jd_concat(g, x, (int)T, 0);
    return jd_reshape(g, all, JD_DIMS(T, jd_dim(g, x[0], 0), jd_dim(g, x[0], 1)));
}

/* ---- traced functions ---------------------------------------------------------------------------------------------------*/

enum { UNROLLED = 400 };

/* What M says (L,B,told) with all inputs real: one operation over the whole sequence. */
static jd_node watch(jd_graph *g, const cm_pair *p, const cell *m, jd_node x, jd_node a)
{
    const int64_t L = jd_dim(g, x, 0), B = jd_dim(g, x, 1);
    const jd_node both[2] = {scaled(g, p, x), a};
    const jd_node in = jd_concat(g, both, 2, 2);
    const jd_node h = m->lstm ? jd_lstm_raw(g, (jd_lstm_args){.x = in, .W = m->W, .R = m->R, .b = m->b}).y
                              : jd_srn_raw(g, (jd_rnn_args){.x = in, .W = m->W, .R = m->R, .b = m->b}).y;
    const jd_node out = jd_matmul(g, jd_reshape(g, h, JD_DIMS(L * B, p->o.model)), m->V, .tb = true);
    return jd_reshape(g, jd_add(g, out, m->c), JD_DIMS(L, B, p->told));
}

static void trace_fit(jd_graph *g, void *user)
{
    const cm_pair *p = user;
    const cell m = weights_model(g, p, false);
    const jd_node counts = jd_arg(g, "counts");
    const jd_node said = watch(g, p, &m, jd_arg(g, "x"), jd_arg(g, "a"));
    const jd_node off = jd_mul(g, jd_square(g, jd_sub(g, said, jd_arg(g, "o"))), counts);
    const jd_node loss = jd_div(g, jd_sum(g, off, JD_ALL_AXES, false), jd_sum(g, counts, JD_ALL_AXES, false));
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = CLIP);
}

/* Minus the entropy of the choice (B,1). */
static jd_node certainty(jd_graph *g, jd_node net)
{
    return jd_sum(g, jd_mul(g, jd_softmax(g, net), jd_log_softmax(g, net)), JD_AXIS(1), true);
}

static void trace_improve(jd_graph *g, void *user)
{
    const cm_pair *p = user;
    const cell c = weights_controller(g, p), m = weights_model(g, p, true);
    const jd_node x = jd_arg(g, "x"), noise = jd_arg(g, "noise");
    const int64_t real = jd_dim(g, x, 0), B = jd_dim(g, x, 1), T = jd_dim(g, noise, 0);
    jd_node hc = jd_arg(g, "hc"), hm = jd_arg(g, "hm"), seen = JD_NONE, net[UNROLLED], told[UNROLLED];
    jd_node sum = jd_const(g, 0, JD_DIMS(B, 1)), sure = sum;
    for (int64_t t = 0; t < T; t++) {
        if (t < real) seen = row(g, x, t);
        net[t] = step(g, &c, seen, &hc);
        told[t] = predict(g, p, &m, seen, squash(g, p, net[t], row(g, noise, t), p->o.soft), &hm);
        seen = next(g, p, seen, told[t]);
        sum = jd_add(g, sum, cost(g, p, seen, told[t]));
        if (jd_has_arg(g, "heat")) sure = jd_add(g, sure, certainty(g, net[t]));
    }
    if (jd_has_arg(g, "heat")) sum = jd_add(g, sum, jd_mul(g, sure, jd_arg(g, "heat")));
    const jd_node loss = jd_affine(g, jd_sum(g, sum, JD_ALL_AXES, false), 1. / (double)(T * B), 0);
    jd_result(g, "loss", loss);
    jd_result(g, "net", stack(g, net, T));
    jd_result(g, "told", stack(g, told, T));
    if (jd_has_arg(g, "lr"))
        jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = CLIP);
    else
        jd_result(g, "gradient", jd_grad_params(g, loss));
}

static void trace_act(jd_graph *g, void *user)
{
    const cm_pair *p = user;
    const cell c = weights_controller(g, p), m = weights_model(g, p, true);
    const jd_node x = jd_arg(g, "x");
    jd_node hc = jd_arg(g, "hc"), hm = jd_arg(g, "hm");
    const jd_node net = step(g, &c, x, &hc);
    const jd_node a = jd_has_arg(g, "a") ? jd_arg(g, "a") : squash(g, p, net, jd_arg(g, "noise"), false);
    jd_result(g, "told", predict(g, p, &m, x, a, &hm));
    jd_result(g, "a", a);
    jd_result(g, "hc", hc);
    jd_result(g, "hm", hm);
}

static void trace_plan(jd_graph *g, void *user)
{
    const cm_pair *p = user;
    const cell m = weights_model(g, p, true);
    const jd_node u = jd_arg(g, "u");
    jd_node seen = jd_arg(g, "x"), hm = jd_arg(g, "hm"), sum = JD_NONE, d;
    for (int64_t t = 0; t < jd_dim(g, u, 0); t++) {
        const jd_node told = predict(g, p, &m, seen, squash(g, p, row(g, u, t), JD_NONE, false), &hm);
        seen = next(g, p, seen, told);
        const jd_node now = jd_add(g, cost(g, p, seen, told), jd_affine(g, jd_square(g, row(g, u, t)), PRICE, 0));
        sum = t ? jd_add(g, sum, now) : now;
    }
    const jd_node all = jd_sum(g, sum, JD_ALL_AXES, false);
    jd_grad(g, all, JD_NONE, &u, 1, &d);
    jd_result(g, "each", sum);
    jd_result(g, "gradient", d);
}

/* ---- the pair -----------------------------------------------------------------------------------------------------------*/

static void trace_weights_model(jd_graph *g, void *user)
{
    jd_result(g, "W", weights_model(g, user, false).W);
}

static void trace_weights_controller(jd_graph *g, void *user)
{
    jd_result(g, "W", weights_controller(g, user).W);
}

/* Makes the weights, so that both stores are whole before anything runs. */
static void make(cm_pair *p, jd_params *w, jd_trace *trace)
{
    jd_fn *f = jd_fn_new(p->ctx, w, trace, p);
    if (f) jd_fn_plan(f, NULL, 0);
    jd_fn_free(f);
}

jd_status cm_pair_new(jd_ctx *ctx, cm_pair *p, const cm_options *o, jd_dtype real)
{
    cm_world w;
    float x[CM_SEEN];
    cm_begin(&w, o->task, 0, "controller/sizes", 0, x);
    *p = (cm_pair){.ctx = ctx, .o = *o, .seen = w.seen, .actions = w.actions, .told = w.told};
    p->memory = o->lstm ? 2 * o->model : o->model;
    p->model = jd_params_new(ctx, real);
    p->controller = jd_params_new(ctx, real);
    if (jd_error(ctx)) return jd_error(ctx);
    make(p, p->model, trace_weights_model);
    make(p, p->controller, trace_weights_controller);
    p->fit = jd_fn_new(ctx, p->model, trace_fit, p);
    p->improve = jd_fn_new(ctx, p->controller, trace_improve, p);
    p->act = jd_fn_new(ctx, p->controller, trace_act, p);
    p->plan = jd_fn_new(ctx, NULL, trace_plan, p);
    return jd_error(ctx);
}

void cm_pair_free(cm_pair *p)
{
    jd_fn_free(p->fit);
    jd_fn_free(p->improve);
    jd_fn_free(p->act);
    jd_fn_free(p->plan);
    jd_params_free(p->model);
    jd_params_free(p->controller);
    *p = (cm_pair){0};
}

/* M's weights as inputs. */
static int given(const cm_pair *p, jd_tensor *in)
{
    int n = 0;
    for (; n < jd_params_ranges(p->model) && n < WEIGHTS; n++) {
        const jd_range *r = jd_params_range(p->model, n);
        in[n] = (jd_tensor){r->name, r->type, jd_params_get(p->model, r->name)};
    }
    return n;
}

double cm_fit(cm_pair *p, const float *x, const float *a, const float *o, const float *counts, int64_t L, int64_t B,
              double rate)
{
    const float lr = (float)rate;
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, L, B, p->seen), JD_TENSOR("a", JD_F32, a, L, B, p->actions),
                            JD_TENSOR("o", JD_F32, o, L, B, p->told), JD_TENSOR("counts", JD_F32, counts, L, B, 1),
                            JD_SCALAR_F32("lr", &lr)};
    return jd_fn_run(p->fit, in, 5) ? (double)NAN : jd_fn_scalar(p->fit, "loss");
}

double cm_improve(cm_pair *p, const float *x, int64_t real, const float *hc, const float *hm, const float *noise,
                  int64_t T, int64_t B, double rate, double heat, const float **net, const float **dream)
{
    const float lr = (float)rate, hot = (float)heat;
    jd_tensor in[INPUTS];
    int n = given(p, in);
    if (T > UNROLLED) {
        jd_fail(p->ctx, JD_EUSAGE, "controller-model: at most %d steps are unrolled", UNROLLED);
        return (double)NAN;
    }
    in[n++] = JD_TENSOR("x", JD_F32, x, real, B, p->seen);
    in[n++] = JD_TENSOR("hc", JD_F32, hc, B, p->o.controller);
    in[n++] = JD_TENSOR("hm", JD_F32, hm, B, p->memory);
    in[n++] = JD_TENSOR("noise", JD_F32, noise, T, B, p->actions);
    if (rate > 0) in[n++] = JD_SCALAR_F32("lr", &lr);
    if (p->o.task == CM_MAZE) in[n++] = JD_SCALAR_F32("heat", &hot);
    if (jd_fn_run(p->improve, in, n)) return (double)NAN;
    if (net) *net = jd_fn_result(p->improve, "net", NULL);
    if (dream) *dream = jd_fn_result(p->improve, "told", NULL);
    return jd_fn_scalar(p->improve, "loss");
}

jd_status cm_act(cm_pair *p, const float *x, const float *noise, float *hc, float *hm, bool told_a, float *a,
                 float *told, int64_t B)
{
    jd_tensor in[INPUTS];
    int n = given(p, in);
    in[n++] = JD_TENSOR("x", JD_F32, x, B, p->seen);
    in[n++] = JD_TENSOR("hc", JD_F32, hc, B, p->o.controller);
    in[n++] = JD_TENSOR("hm", JD_F32, hm, B, p->memory);
    in[n++] = told_a ? JD_TENSOR("a", JD_F32, a, B, p->actions) : JD_TENSOR("noise", JD_F32, noise, B, p->actions);
    if (jd_fn_run(p->act, in, n)) return jd_error(p->ctx);
    const size_t size = sizeof(float) * (size_t)B;
    memcpy(hc, jd_fn_result(p->act, "hc", NULL), size * (size_t)p->o.controller);
    memcpy(hm, jd_fn_result(p->act, "hm", NULL), size * (size_t)p->memory);
    if (!told_a) memcpy(a, jd_fn_result(p->act, "a", NULL), size * (size_t)p->actions);
    if (told) memcpy(told, jd_fn_result(p->act, "told", NULL), size * (size_t)p->told);
    return jd_error(p->ctx);
}

/* ---- planning -----------------------------------------------------------------------------------------------------------*/

typedef struct row_sums {
    double moved, curved, most; /* s's, s'y, largest |g| */
} row_sums;

/* One step of gradient descent on each row's plan by itself.  Its length is that of Barzilai and Borwein (1988), s's / s'y
 * with s and y the last changes of plan and gradient: where the cart goes in a second hangs on the plan a thousand times less
 * than where the pole leans, and steps of one length for both would lead nowhere.  No action moves by more than `rate`. */
static void descend(float *u, const float *g, float *was, float *before, int64_t H, int64_t B, int64_t A, int round,
                    double rate)
{
    for (int64_t b = 0; b < B; b++) {
        row_sums k = {0};
        for (int64_t t = 0; t < H; t++)
            for (int64_t i = (t * B + b) * A; i < (t * B + b + 1) * A; i++) {
                const double s = u[i] - was[i], y = g[i] - before[i];
                k.moved += s * s;
                k.curved += s * y;
                k.most = fmax(k.most, fabs(g[i]));
            }
        const double longest = rate / (k.most + 1e-30);
        const double step = round && k.moved > 0 ? fmin(k.moved / (fabs(k.curved) + 1e-30), longest) : .1 * longest;
        for (int64_t t = 0; t < H; t++)
            for (int64_t i = (t * B + b) * A; i < (t * B + b + 1) * A; i++) {
                was[i] = u[i];
                before[i] = g[i];
                u[i] -= (float)(step * g[i]);
            }
    }
}

double cm_plan(cm_pair *p, const float *x, const float *hm, float *u, int64_t H, int64_t B, int rounds, double rate)
{
    const int64_t A = p->actions, n = H * B * A;
    float *work = jd_alloc_array(p->ctx, (size_t)(3 * n + B), sizeof *work);
    float *was = work, *before = was ? was + n : NULL, *best = was ? before + n : NULL, *least = was ? best + n : NULL;
    jd_tensor in[INPUTS];
    int k = given(p, in);
    in[k++] = JD_TENSOR("x", JD_F32, x, B, p->seen);
    in[k++] = JD_TENSOR("hm", JD_F32, hm, B, p->memory);
    in[k++] = JD_TENSOR("u", JD_F32, u, H, B, A);
    for (int round = 0; work && round <= rounds; round++) {
        if (jd_fn_run(p->plan, in, k)) break;
        const float *each = jd_fn_result(p->plan, "each", NULL), *d = jd_fn_result(p->plan, "gradient", NULL);
        for (int64_t b = 0; b < B; b++) {
            if (round && !(each[b] < least[b])) continue;
            least[b] = each[b];
            for (int64_t t = 0; t < H; t++) memcpy(best + (t * B + b) * A, u + (t * B + b) * A, sizeof *u * (size_t)A);
        }
        if (round < rounds) descend(u, d, was, before, H, B, A, round, rate);
    }
    double sum = 0;
    if (!jd_error(p->ctx)) {
        memcpy(u, best, sizeof *u * (size_t)n);
        for (int64_t b = 0; b < B; b++) sum += least[b];
    }
    jd_free(p->ctx, work);
    return jd_error(p->ctx) ? (double)NAN : sum;
}

/* ---- the check ----------------------------------------------------------------------------------------------------------*/

double cm_check(jd_ctx *ctx, const cm_options *o)
{
    enum { T = 12, B = 3 };
    cm_pair p = {0};
    double off = 0, size = 0, *d = NULL;
    double x[T * B * CM_SEEN], noise[T * B * CM_ACTIONS], hc[B * 64], hm[B * 128];
    if (o->controller > 64 || o->model > 64) {
        jd_fail(ctx, JD_EUSAGE, "controller-model: gradients are checked with at most 64 hidden units");
        return (double)NAN;
    }
    jd_rng r = jd_rng_new(jd_ctx_seed(ctx), "controller/check", (uint64_t)o->task);
    for (int i = 0; i < T * B * CM_SEEN; i++) x[i] = jd_rng_normal(&r);
    for (int i = 0; i < T * B * CM_ACTIONS; i++) noise[i] = .3 * jd_rng_normal(&r);
    for (int i = 0; i < B * 64; i++) hc[i] = .5 * jd_rng_normal(&r);
    for (int i = 0; i < B * 128; i++) hm[i] = .5 * jd_rng_normal(&r);
    if (cm_pair_new(ctx, &p, o, JD_F64)) return (double)NAN;
    jd_tensor in[INPUTS];
    int k = given(&p, in);
    in[k++] = JD_TENSOR("x", JD_F64, x, o->task == CM_FLIPFLOP ? T : 2, B, p.seen);
    in[k++] = JD_TENSOR("hc", JD_F64, hc, B, o->controller);
    in[k++] = JD_TENSOR("hm", JD_F64, hm, B, p.memory);
    in[k++] = JD_TENSOR("noise", JD_F64, noise, T, B, p.actions);
    const size_t n = jd_params_count(p.controller);
    double *w = jd_params_data(p.controller);
    d = jd_alloc_array(ctx, n, sizeof *d);
    if (d && !jd_fn_run(p.improve, in, k)) memcpy(d, jd_fn_result(p.improve, "gradient", NULL), n * sizeof *d);
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        const double was = w[i], h = 1e-5;
        double value[2];
        for (int side = 0; side < 2; side++) {
            w[i] = was + (side ? h : -h);
            jd_fn_run(p.improve, in, k);
            value[side] = jd_fn_scalar(p.improve, "loss");
        }
        w[i] = was;
        off = fmax(off, fabs((value[1] - value[0]) / (2 * h) - d[i]));
        size = fmax(size, fabs(d[i]));
    }
    jd_free(ctx, d);
    cm_pair_free(&p);
    return jd_error(ctx) || !(size > 0) ? (double)NAN : off / size;
}
