/* chunker_net.c - a recurrent net that learns while it runs; see chunker.h. */
#include "chunker.h"

#include <string.h>

rnn rnn_new(jd_ctx *ctx, const rnn_options *o, jd_rng *rng)
{
    rnn n = {.o = *o, .wide = o->inputs + o->hidden + 1, .outputs = o->symbols + 1 + o->linear};
    const size_t wide = (size_t)n.wide, H = (size_t)o->hidden, out = (size_t)n.outputs, window = (size_t)o->window;
    const double range = o->range > 0 ? o->range : 1 / sqrt((double)n.wide);
    n.W = jd_alloc_array(ctx, wide * H, sizeof *n.W);
    n.V = jd_alloc_array(ctx, wide * out, sizeof *n.V);
    n.z = jd_alloc_array(ctx, window * wide, sizeof *n.z);
    n.h = jd_alloc_array(ctx, window * H, sizeof *n.h);
    n.y = jd_alloc_array(ctx, out, sizeof *n.y);
    n.error = jd_alloc_array(ctx, out, sizeof *n.error);
    n.delta = jd_alloc_array(ctx, window * H, sizeof *n.delta);
    n.back = jd_alloc_array(ctx, H, sizeof *n.back);
    if (jd_error(ctx)) return n;
    for (size_t i = 0; i < wide * H; i++) n.W[i] = range * (2 * jd_rng_uniform64(rng) - 1);
    for (size_t i = 0; i < wide * out; i++) n.V[i] = range * (2 * jd_rng_uniform64(rng) - 1);
    rnn_forget(&n);
    return n;
}

void rnn_free(jd_ctx *ctx, rnn *n)
{
    double *all[] = {n->W, n->V, n->z, n->h, n->y, n->error, n->delta, n->back};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    *n = (rnn){0};
}

/* y = z M: M (n,m), rows of zeros in z are passed over. */
static void multiply(const double *z, const double *M, int n, int m, double *y)
{
    memset(y, 0, (size_t)m * sizeof *y);
    for (int i = 0; i < n; i++)
        for (int k = 0; z[i] != 0 && k < m; k++) y[k] += z[i] * M[i * m + k];
}

/* Logits to predictions: a softmax over the symbols, a logistic function for the teacher. */
static void squash(const rnn *n, double *y)
{
    const int S = n->o.symbols;
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < S; k++) most = y[k] > most ? y[k] : most;
    for (int k = 0; k < S; k++) sum += y[k] = exp(y[k] - most);
    for (int k = 0; k < S; k++) y[k] /= sum;
    y[S] = 1 / (1 + exp(-y[S]));
}

static void predict(rnn *n, const double *x, const double *h)
{
    const int I = n->o.inputs, H = n->o.hidden, out = n->outputs;
    multiply(x, n->V, I, out, n->y);
    for (int j = 0; j <= H; j++) {
        const double z = j < H ? h[j] : 1;
        for (int k = 0; k < out; k++) n->y[k] += z * n->V[(I + j) * out + k];
    }
    squash(n, n->y);
}

void rnn_forget(rnn *n)
{
    memset(n->z, 0, (size_t)n->o.window * (size_t)n->wide * sizeof *n->z);
    memset(n->h, 0, (size_t)n->o.window * (size_t)n->o.hidden * sizeof *n->h);
    n->steps = 0;
    predict(n, n->z, n->h); /* the first row of z is all zeros now */
}

/* Step t's place among the last `window` ones. */
static int place(const rnn *n, int64_t t)
{
    return (int)(t % n->o.window);
}

void rnn_see(rnn *n, const double *x)
{
    const int I = n->o.inputs, H = n->o.hidden, at = place(n, n->steps);
    double *z = n->z + at * n->wide, *h = n->h + at * H;
    if (n->steps)
        memcpy(z + I, n->h + place(n, n->steps - 1) * H, (size_t)H * sizeof *z);
    else
        memset(z + I, 0, (size_t)H * sizeof *z);
    memcpy(z, x, (size_t)I * sizeof *z);
    z[n->wide - 1] = 1;
    multiply(z, n->W, n->wide, H, h);
    for (int k = 0; k < H; k++) h[k] = tanh(h[k]);
    n->steps++;
    predict(n, z, h);
}

int rnn_likeliest(const rnn *n)
{
    int best = 0;
    for (int k = 1; k < n->o.symbols; k++)
        if (n->y[k] > n->y[best]) best = k;
    return best;
}

double rnn_loss(const rnn *n, const rnn_target *t)
{
    const int S = n->o.symbols;
    double loss = t->symbol >= 0 ? -log(n->y[t->symbol] + 1e-300) : 0;
    if (t->teacher >= 0) loss -= log((t->teacher > 0.5 ? n->y[S] : 1 - n->y[S]) + 1e-300);
    for (int k = 0; t->linear && k < n->o.linear; k++)
        loss += n->o.mimic * 0.5 * (n->y[S + 1 + k] - t->linear[k]) * (n->y[S + 1 + k] - t->linear[k]);
    return loss;
}

/* The error of the outputs before their squashing, which is prediction - target for each kind. */
static void output_error(rnn *n, const rnn_target *t)
{
    const int S = n->o.symbols;
    for (int k = 0; k < S; k++) n->error[k] = t->symbol >= 0 ? n->y[k] - (k == t->symbol) : 0;
    n->error[S] = t->teacher >= 0 ? n->y[S] - t->teacher : 0;
    for (int k = 0; k < n->o.linear; k++)
        n->error[S + 1 + k] = t->linear ? n->o.mimic * (n->y[S + 1 + k] - t->linear[k]) : 0;
}

/* M -= rate z e': M (n,m). */
static void descend(double *M, const double *z, const double *e, int n, int m, double rate)
{
    for (int i = 0; i < n; i++) {
        const double step = rate * z[i];
        for (int k = 0; step != 0 && k < m; k++) M[i * m + k] -= step * e[k];
    }
}

double rnn_learn(rnn *n, const rnn_target *t)
{
    const int I = n->o.inputs, H = n->o.hidden, out = n->outputs;
    const double loss = rnn_loss(n, t);
    if (!n->steps) return loss; /* nothing was seen */
    const double *x = n->z + place(n, n->steps - 1) * n->wide, *h = n->h + place(n, n->steps - 1) * H, one = 1;
    output_error(n, t);
    for (int j = 0; j < H; j++) {
        n->back[j] = 0;
        for (int k = 0; k < out; k++) n->back[j] += n->V[(I + j) * out + k] * n->error[k];
    }
    descend(n->V, x, n->error, I, out, n->o.rate);
    descend(n->V + I * out, h, n->error, H, out, n->o.rate);
    descend(n->V + (I + H) * out, &one, n->error, 1, out, n->o.rate);
    const int64_t steps = n->steps < n->o.window ? n->steps : n->o.window;
    for (int64_t q = 0; q < steps; q++) { /* the way back is gone with the weights of before */
        const double *s = n->h + place(n, n->steps - 1 - q) * H;
        double *delta = n->delta + q * H;
        for (int j = 0; j < H; j++) delta[j] = n->back[j] * (1 - s[j] * s[j]);
        for (int j = 0; j < H; j++) {
            n->back[j] = 0;
            for (int k = 0; k < H; k++) n->back[j] += n->W[(I + j) * H + k] * delta[k];
        }
    }
    for (int64_t q = 0; q < steps; q++)
        descend(n->W, n->z + place(n, n->steps - 1 - q) * n->wide, n->delta + q * H, n->wide, H, n->o.rate);
    return loss;
}
