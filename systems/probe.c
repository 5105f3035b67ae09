/*
 * probe.c - the gradient probe; see probe.h.
 *
 * One sequence is run as a batch of H copies, and copy i is given the error of output i alone: the gradient with respect to
 * the state h(T-q) (H,H) is then the Jacobian dh(T)/dh(T-q), row by row, and one backward pass gives it for all lags.
 */
#include "probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VECTORS = 16, ITERATIONS = 10 };

static int64_t gates_of(probe_cell cell)
{
    return cell == PROBE_LSTM ? 4 : cell == PROBE_GRU ? 3 : 1;
}

probe_net probe_new(jd_ctx *ctx, probe_cell cell, int64_t H, int64_t N, jd_rng *r)
{
    const size_t rows = (size_t)(gates_of(cell) * H);
    probe_net n = {.cell = cell, .H = H, .N = N};
    n.W = jd_alloc_array(ctx, rows * (size_t)N, sizeof *n.W);
    n.R = jd_alloc_array(ctx, rows * (size_t)H, sizeof *n.R);
    n.b = jd_alloc_array(ctx, rows, sizeof *n.b);
    if (!n.W || !n.R || !n.b) return n;
    const double a = 1 / sqrt((double)H);
    for (size_t i = 0; i < rows * (size_t)N; i++) n.W[i] = a * (2 * jd_rng_uniform64(r) - 1);
    for (size_t i = 0; i < rows * (size_t)H; i++) n.R[i] = a * (2 * jd_rng_uniform64(r) - 1);
    return n;
}

void probe_free(jd_ctx *ctx, probe_net *n)
{
    jd_free(ctx, n->W);
    jd_free(ctx, n->R);
    jd_free(ctx, n->b);
}

static double dot(const double *a, const double *b, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

void probe_orthogonal(probe_net *n, double rho, jd_rng *r)
{
    const int64_t H = n->H;
    for (int64_t i = 0; i < H; i++) { /* Gram and Schmidt, twice for exactness */
        double *row = n->R + i * H;
        for (int64_t k = 0; k < H; k++) row[k] = jd_rng_normal(r);
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t j = 0; j < i; j++) {
                const double s = dot(row, n->R + j * H, H);
                for (int64_t k = 0; k < H; k++) row[k] -= s * n->R[j * H + k];
            }
            const double length = sqrt(dot(row, row, H));
            for (int64_t k = 0; k < H; k++) row[k] /= length;
        }
    }
    for (int64_t i = 0; i < H * H; i++) n->R[i] *= rho;
}

/* ---- the graph ---------------------------------------------------------------------------------------------------------*/

static void result_name(char out[24], int64_t lag)
{
    snprintf(out, 24, "lag%lld", (long long)lag);
}

/* Inputs: x (T,H,N), the same for all copies; error (H,H), the unit matrix; the weights. */
static void trace(jd_graph *g, void *user)
{
    const probe_net *n = user;
    const jd_node x = jd_arg(g, "x"), W = jd_arg(g, "W"), R = jd_arg(g, "R"), b = jd_arg(g, "b");
    const int64_t T = jd_dim(g, x, 0), B = jd_dim(g, x, 1);
    jd_node *state = jd_alloc_array(jd_graph_ctx(g), 2 * (size_t)T + 2, sizeof *state), *grad = state + T + 1;
    if (!state) return;
    jd_node h = jd_const(g, 0, JD_DIMS(B, n->H)), c = h;
    for (int64_t t = 0; t < T; t++) {
        const jd_node now = jd_slice(g, x, 0, t, 1);
        if (n->cell == PROBE_LSTM) {
            const jd_lstm_out o = jd_lstm_raw(g, (jd_lstm_args){.x = now,
                                                                .W = W,
                                                                .R = R,
                                                                .b = b,
                                                                .h0 = n->frozen ? jd_stop(g, h) : h,
                                                                .c0 = c,
                                                                .no_forget = n->no_forget});
            h = o.hT;
            c = o.cT;
        } else {
            const jd_rnn_args a = {.x = now, .W = W, .R = R, .b = b, .h0 = h, .act = n->act};
            h = (n->cell == PROBE_GRU ? jd_gru_raw(g, a) : jd_srn_raw(g, a)).hT;
        }
        state[t] = n->frozen ? c : h;
    }
    jd_grad(g, n->frozen ? c : h, jd_arg(g, "error"), state, (int)T, grad);
    for (int64_t q = 0; q < T; q++) {
        char name[24];
        result_name(name, q);
        jd_result(g, name, grad[T - 1 - q]);
    }
    jd_free(jd_graph_ctx(g), state);
}

/* ---- what is measured on a Jacobian J (H,H) -----------------------------------------------------------------------------*/

/* v' J and J v, with J divided by its largest entry so that squares do not underflow. */
static void left(const double *J, double scale, const double *v, double *out, int64_t H)
{
    memset(out, 0, (size_t)H * sizeof *out);
    for (int64_t i = 0; i < H; i++)
        for (int64_t k = 0; k < H; k++) out[k] += v[i] * (J[i * H + k] / scale);
}

static void unit(double *v, int64_t H, jd_rng *r)
{
    for (int64_t i = 0; i < H; i++) v[i] = jd_rng_normal(r);
    const double length = sqrt(dot(v, v, H));
    for (int64_t i = 0; i < H; i++) v[i] /= length;
}

static void measure(const double *J, int64_t H, double *u, double *norm, double *sigma, jd_rng *r)
{
    double *v = u + H, scale = 0;
    for (int64_t i = 0; i < H * H; i++) scale = fmax(scale, fabs(J[i]));
    *norm = *sigma = 0;
    if (!(scale > 0)) return;
    for (int k = 0; k < VECTORS; k++) {
        unit(v, H, r);
        left(J, scale, v, u, H);
        *norm += scale * sqrt(dot(u, u, H)) / VECTORS;
    }
    unit(v, H, r);
    for (int k = 0; k < ITERATIONS; k++) {
        left(J, scale, v, u, H); /* v := J J' v, normalised; |J' v| grows to sigma */
        *sigma = scale * sqrt(dot(u, u, H));
        for (int64_t i = 0; i < H; i++) v[i] = dot(J + i * H, u, H) / scale;
        const double length = sqrt(dot(v, v, H));
        for (int64_t i = 0; i < H; i++) v[i] /= length;
    }
}

/* Least squares of log10 y on q, q = 1..T-1, over the values that double precision still holds. */
static double slope_of(const double *y, int64_t T)
{
    double n = 0, sq = 0, sy = 0, sqq = 0, sqy = 0;
    for (int64_t q = 1; q < T; q++) {
        if (!(y[q] > 1e-290)) continue;
        const double x = (double)q, l = log10(y[q]);
        n += 1, sq += x, sy += l, sqq += x * x, sqy += x * l;
    }
    return (n * sqy - sq * sy) / (n * sqq - sq * sq);
}

probe_flow probe_run(jd_ctx *ctx, const probe_net *n, int64_t T, int sequences, jd_rng *r)
{
    const int64_t H = n->H, N = n->N, G = gates_of(n->cell) * H;
    probe_net copy = *n;
    jd_params *none = jd_params_new(ctx, JD_F64); /* float64, and no parameters: the weights are inputs */
    jd_fn *fn = jd_fn_new(ctx, none, trace, &copy);
    double *x = jd_alloc_array(ctx, (size_t)(T * H * N), sizeof *x);
    double *error = jd_alloc_array(ctx, (size_t)(H * H), sizeof *error);
    double *work = jd_alloc_array(ctx, 2 * (size_t)H, sizeof *work);
    probe_flow f = {.T = T,
                    .norm = jd_alloc_array(ctx, (size_t)T, sizeof *f.norm),
                    .sigma = jd_alloc_array(ctx, (size_t)T, sizeof *f.sigma)};
    for (int64_t i = 0; error && i < H; i++) error[i * H + i] = 1;
    for (int s = 0; s < sequences && !jd_error(ctx); s++) {
        for (int64_t t = 0; t < T; t++)
            for (int64_t k = 0; k < N; k++) {
                const double value = jd_rng_normal(r);
                for (int64_t b = 0; b < H; b++) x[(t * H + b) * N + k] = value;
            }
        if (jd_fn_run(fn,
                      (jd_tensor[]){JD_TENSOR("x", JD_F64, x, T, H, N), JD_TENSOR("error", JD_F64, error, H, H),
                                    JD_TENSOR("W", JD_F64, n->W, G, N), JD_TENSOR("R", JD_F64, n->R, G, H),
                                    JD_TENSOR("b", JD_F64, n->b, G)},
                      5))
            break;
        for (int64_t q = 0; q < T; q++) {
            char name[24];
            double norm, sigma;
            result_name(name, q);
            const double *J = jd_fn_result(fn, name, NULL);
            if (!J) break;
            measure(J, H, work, &norm, &sigma, r);
            f.norm[q] += norm / sequences;
            f.sigma[q] += sigma / sequences;
        }
    }
    if (!jd_error(ctx)) {
        f.slope = slope_of(f.norm, T);
        f.sigma_slope = slope_of(f.sigma, T);
    }
    jd_fn_free(fn);
    jd_params_free(none);
    jd_free(ctx, x);
    jd_free(ctx, error);
    jd_free(ctx, work);
    return f;
}

void probe_flow_free(jd_ctx *ctx, probe_flow *f)
{
    jd_free(ctx, f->norm);
    jd_free(ctx, f->sigma);
}
