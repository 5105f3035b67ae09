/*
 * rtrl_steps.h - the steps of rtrl.c, included once for float and once for double (REAL, FN).
 *
 * A sensitivity row holds d(unit k)/dw for all weights w.  What a pre-activation owes directly to its own weights is added by
 * `own`; everything else came through the outputs of the step before.
 */

static REAL FN(sigmoid)(REAL x)
{
    return _Generic((x), float : jd__sigmoidf, double : sigmoid64)(x);
}

static REAL FN(tanh)(REAL x)
{
    return _Generic((x), float : jd__tanhf, double : tanh)(x);
}

static REAL FN(squash)(jd_squash kind, REAL x)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return x;
    case JD_SQUASH_4SIGM2: return 4 * FN(sigmoid)(x) - 2;
    case JD_SQUASH_2SIGM1: return 2 * FN(sigmoid)(x) - 1;
    default: return FN(tanh)(x);
    }
}

static REAL FN(squash_slope)(jd_squash kind, REAL y)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return 1;
    case JD_SQUASH_4SIGM2: return 1 - y * y / 4;
    case JD_SQUASH_2SIGM1: return (1 - y * y) / 2;
    default: return 1 - y * y;
    }
}

/* out (n) += a x (n) */
static void FN(add)(size_t n, REAL a, const REAL *restrict x, REAL *restrict out)
{
    for (size_t i = 0; i < n; i++) out[i] += a * x[i];
}

/* Row `row` of [W R b] times (x, h, 1). */
static REAL FN(pre)(const jd_rtrl *r, const REAL *w, size_t row, const REAL *x, const REAL *h)
{
    const size_t N = r->N, H = r->H, rows = r->G * H;
    REAL sum = w[rows * (N + H) + row];
    for (size_t j = 0; j < N; j++) sum += w[row * N + j] * x[j];
    for (size_t j = 0; j < H; j++) sum += w[rows * N + row * H + j] * h[j];
    return sum;
}

/* sensitivity += d * d(pre-activation of `row`)/d(its own weights) */
static void FN(own)(const jd_rtrl *r, size_t row, REAL d, const REAL *x, const REAL *h, REAL *sensitivity)
{
    const size_t N = r->N, H = r->H, rows = r->G * H;
    FN(add)(N, d, x, sensitivity + row * N);
    FN(add)(H, d, h, sensitivity + rows * N + row * H);
    sensitivity[rows * (N + H) + row] += d;
}

/* ---- the simple recurrent net ----------------------------------------------------------------------------------------*/

static void FN(srn_step)(jd_rtrl *r, const REAL *w, const REAL *x)
{
    const size_t H = r->H, n = r->weights;
    const REAL *h = r->h[r->now], *before = r->dh[r->now], *R = w + H * r->N;
    REAL *y = r->h[!r->now], *after = r->dh[!r->now];
    for (size_t k = 0; k < H; k++) {
        const REAL a = FN(pre)(r, w, k, x, h);
        REAL *row = after + k * n, d = 1;
        switch (r->o.act) {
        case JD_SIGMOID: y[k] = FN(sigmoid)(a), d = y[k] * (1 - y[k]); break;
        case JD_RELU: y[k] = a > 0 ? a : 0, d = a > 0; break;
        case JD_LINEAR:
            if (r->o.linear) {
                y[k] = a;
                break;
            }
            /* fall through */
        default: y[k] = FN(tanh)(a), d = 1 - y[k] * y[k]; break;
        }
        memset(row, 0, n * sizeof *row);
        for (size_t l = 0; l < H; l++) FN(add)(n, d * R[k * H + l], before + l * n, row);
        FN(own)(r, k, d, x, h, row);
    }
    r->now = !r->now;
}

/* ---- LSTM ----------------------------------------------------------------------------------------------------------------*/

/* One unit: what its gates are, and the factors of the chain rule. */
typedef struct FN(cell) {
    REAL old, now, out; /* c(t-1), c(t), h(t) */
    REAL f, gi, gf, gz; /* dc/dc(t-1) and dc/d pre-activations */
    REAL go, hc;        /* dh/d the output gate's pre-activation; dh/dc, the output peephole included */
    REAL pi, pf;
} FN(cell);

static FN(cell) FN(lstm_unit)(const jd_rtrl *r, const REAL *w, size_t k, const REAL *x, const REAL *h, REAL old)
{
    const size_t H = r->H;
    const jd_rtrl_options *o = &r->o;
    const REAL *peep = o->peepholes ? w + 4 * H * (r->N + H + 1) : NULL;
    FN(cell) u = {.old = old, .pi = peep ? peep[k] : 0, .pf = peep ? peep[H + k] : 0};
    const REAL i = FN(sigmoid)(FN(pre)(r, w, k, x, h) + u.pi * old);
    u.f = o->no_forget ? 1 : FN(sigmoid)(FN(pre)(r, w, H + k, x, h) + u.pf * old);
    const REAL z = FN(squash)(o->in_squash, FN(pre)(r, w, 2 * H + k, x, h));
    u.now = z * i + old * u.f;
    const REAL po = peep ? peep[2 * H + k] : 0;
    const REAL out = FN(sigmoid)(FN(pre)(r, w, 3 * H + k, x, h) + po * u.now), s = FN(squash)(o->out_squash, u.now);
    u.out = s * out;
    u.gi = z * i * (1 - i);
    u.gf = o->no_forget ? 0 : old * u.f * (1 - u.f);
    u.gz = i * FN(squash_slope)(o->in_squash, z);
    u.go = s * out * (1 - out);
    u.hc = out * FN(squash_slope)(o->out_squash, s) + u.go * po;
    return u;
}

static void FN(lstm_step)(jd_rtrl *r, const REAL *w, const REAL *x)
{
    const size_t H = r->H, n = r->weights, peep = 4 * H * (r->N + H + 1);
    const REAL *h = r->h[r->now], *before = r->dh[r->now], *R = w + 4 * H * r->N;
    REAL *c = r->c, *y = r->h[!r->now], *after = r->dh[!r->now];
    for (size_t k = 0; k < H; k++) {
        const FN(cell) u = FN(lstm_unit)(r, w, k, x, h, c[k]);
        REAL *dc = (REAL *)r->dc + k * n, *dh = after + k * n;
        const REAL keep = u.f + u.pi * u.gi + u.pf * u.gf;
        for (size_t i = 0; i < n; i++) dc[i] *= keep;
        for (size_t l = 0; l < H; l++) FN(add)
        (n, u.gi * R[k * H + l] + u.gf * R[(H + k) * H + l] + u.gz * R[(2 * H + k) * H + l], before + l * n, dc);
        FN(own)(r, k, u.gi, x, h, dc);
        if (!r->o.no_forget) FN(own)(r, H + k, u.gf, x, h, dc);
        FN(own)(r, 2 * H + k, u.gz, x, h, dc);
        if (r->o.peepholes) {
            dc[peep + k] += u.gi * u.old;
            dc[peep + H + k] += u.gf * u.old;
        }
        for (size_t i = 0; i < n; i++) dh[i] = u.hc * dc[i];
        for (size_t l = 0; l < H; l++) FN(add)(n, u.go * R[(3 * H + k) * H + l], before + l * n, dh);
        FN(own)(r, 3 * H + k, u.go, x, h, dh);
        if (r->o.peepholes) dh[peep + 2 * H + k] += u.go * u.now;
        c[k] = u.now;
        y[k] = u.out;
    }
    r->now = !r->now;
}

/* The rule of 1997: dc_k(t) depends on k's own weights only, dc <- f dc + what this step adds (Hochreiter and Schmidhuber,
 * Neural Computation 9(8), 1997, appendix). */
static void FN(truncated_step)(jd_rtrl *r, const REAL *w, const REAL *x)
{
    const size_t N = r->N, H = r->H, M = N + H + 1, width = 3 * M + 2;
    const REAL *h = r->h[r->now];
    REAL *c = r->c, *y = r->h[!r->now], *slope = r->slope;
    for (size_t k = 0; k < H; k++) {
        const FN(cell) u = FN(lstm_unit)(r, w, k, x, h, c[k]);
        const REAL gate[3] = {u.gi, u.gf, u.gz};
        REAL *trace = (REAL *)r->trace + k * width;
        for (size_t i = 0; i < width; i++) trace[i] *= u.f;
        for (size_t q = 0; q < 3; q++) {
            FN(add)(N, gate[q], x, trace + q * M);
            FN(add)(H, gate[q], h, trace + q * M + N);
            trace[q * M + N + H] += gate[q];
        }
        trace[3 * M] += u.gi * u.old;
        trace[3 * M + 1] += u.gf * u.old;
        slope[k] = u.hc;
        slope[H + k] = u.go;
        c[k] = u.now;
        y[k] = u.out;
    }
    memcpy(r->x, x, N * sizeof *x);
    r->now = !r->now;
}

static void FN(truncated_gradient)(const jd_rtrl *r, const REAL *dh, REAL *gradient)
{
    const size_t N = r->N, H = r->H, M = N + H + 1, width = 3 * M + 2, peep = 4 * H * M;
    const REAL *slope = r->slope, *c = r->c;
    for (size_t k = 0; k < H; k++) {
        const REAL dc = dh[k] * slope[k], d = dh[k] * slope[H + k], *trace = (const REAL *)r->trace + k * width;
        for (size_t q = 0; q < 3; q++) {
            const size_t row = q * H + k;
            if (q == 1 && r->o.no_forget) continue;
            FN(add)(N, dc, trace + q * M, gradient + row * N);
            FN(add)(H, dc, trace + q * M + N, gradient + 4 * H * N + row * H);
            gradient[4 * H * (N + H) + row] += dc * trace[q * M + N + H];
        }
        FN(own)(r, 3 * H + k, d, r->x, r->h[!r->now], gradient);
        if (!r->o.peepholes) continue;
        gradient[peep + k] += dc * trace[3 * M];
        gradient[peep + H + k] += dc * trace[3 * M + 1];
        gradient[peep + 2 * H + k] += d * c[k];
    }
}

static void FN(step)(jd_rtrl *r, const REAL *w, const REAL *x)
{
    if (r->o.kind == JD_RTRL_SRN)
        FN(srn_step)(r, w, x);
    else if (r->o.truncate)
        FN(truncated_step)(r, w, x);
    else
        FN(lstm_step)(r, w, x);
}

static void FN(gradient)(const jd_rtrl *r, const REAL *dh, REAL *gradient)
{
    if (r->o.truncate) {
        FN(truncated_gradient)(r, dh, gradient);
        return;
    }
    for (size_t k = 0; k < r->H; k++)
        FN(add)(r->weights, dh[k], (const REAL *)r->dh[r->now] + k * r->weights, gradient);
}
