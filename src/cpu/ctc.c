/*
 * ctc.c - CTC loss and gradient in the linear domain, in double, rescaled by powers of two.
 *
 * alpha and beta keep blanks and labels apart: b[i] is the blank before label i, l[i] label i, so every step is
 * element-wise over i, four at a time:
 *     b_t[i] = y_blank (b[i] + l[i-1])          l_t[i] = y_i (l[i] + b[i] + skip_i l[i-1])
 * Only cells from which the end can be reached, and which can be reached, are computed.  The outputs y are not divided
 * by their sum over classes; the loss adds the logarithms of these sums.
 *
 * Range.  A sample whose paths spread over more than double's range (a collapsed network and many labels) is done again
 * with label i scaled by 2^(tilt i), an exact change of variables that keeps forward and backward sums level; what that
 * does not save goes to jd__ctc_wide.  The test: sum_s alpha beta must be far above the smallest double and give the same
 * p at every frame.
 *
 * Same bits everywhere: vectors of four doubles on every instruction set (compilers lower them to what there is), sums in
 * four fixed partial sums, samples independent of each other and of the padding.
 */
#include "cpu/cpu.h"
#include "cpu/rowexp.h"
#include "ops/ctc.h"

typedef double v4 __attribute__((vector_size(32)));
typedef double v4mem __attribute__((vector_size(32), aligned(8), may_alias));
typedef float f4mem __attribute__((vector_size(16), aligned(4), may_alias));

#define LOAD(p)      ((v4)(*(const v4mem *)(const void *)(p)))
#define STORE(p, v)  (*(v4mem *)(void *)(p) = (v4mem)(v))
#define WIDEN(p)     __builtin_convertvector(*(const f4mem *)(const void *)(p), v4)
#define SPLAT(x)     ((v4){(x), (x), (x), (x)})
#define AFTER(a, b)  __builtin_shufflevector((a), (b), 3, 4, 5, 6) /* b moved up by one lane, the last of a first */
#define BEFORE(a, b) __builtin_shufflevector((a), (b), 1, 2, 3, 4) /* a moved down by one lane, the first of b last */
#define TOTAL(v)     (((v)[0] + (v)[2]) + ((v)[1] + (v)[3]))

typedef struct work {
    const jd_ctc_sample *s;
    int64_t pitch;      /* doubles a row */
    double *alpha;      /* (T,2,pitch): b, l */
    double *beta;       /* (2,pitch): beta_{t+1} y^{t+1} */
    double *skip;       /* (pitch): 2^tilt where l[i] may follow l[i-1] at once, else 0 */
    double *gamma;      /* (pitch): alpha beta of the labels */
    double *sum;        /* (pitch): of gamma, for each different label */
    double *y_blank;    /* (T) */
    float *y;           /* (T,pitch) of the labels */
    int32_t *exponent;  /* (T): alpha = stored 2^exponent */
    int32_t *group;     /* (pitch): number of label i among the different ones */
    int32_t *different; /* (pitch) */
    int32_t *place;     /* (K) */
    int groups;
    double tilt; /* a power of two */
    double z;    /* product of the sums over classes: z 2^z_exponent */
    int64_t z_exponent;
    bool bad, flushed; /* a frame has a NaN; an output that is needed underflowed in float */
} work;

static double power_of_two(int64_t e) /* -1022 <= e <= 1023 */
{
    const uint64_t bits = (uint64_t)(e + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int exponent_of(double x) /* of a positive, normal x */
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (int)(bits >> 52) - 1023;
}

static bool in_range(double x)
{
    return x > 0x1p-100 && x < 0x1p100;
}

static void *take(char **p, size_t bytes)
{
    void *r = *p;
    *p += (bytes + 63) / 64 * 64;
    return r;
}

static void lay_out(work *k, const jd_ctc_sample *s, void *scratch)
{
    char *p = scratch;
    const size_t T = (size_t)s->length, pitch = (size_t)jd__ctc_pitch(s->U);
    *k = (work){.s = s, .pitch = (int64_t)pitch, .tilt = 1};
    k->alpha = take(&p, T * 2 * pitch * sizeof(double));
    k->y = take(&p, T * pitch * sizeof(float));
    k->beta = take(&p, 2 * pitch * sizeof(double));
    k->skip = take(&p, pitch * sizeof(double));
    k->gamma = take(&p, pitch * sizeof(double));
    k->sum = take(&p, pitch * sizeof(double));
    k->y_blank = take(&p, T * sizeof(double));
    k->exponent = take(&p, T * sizeof(int32_t));
    k->group = take(&p, pitch * sizeof(int32_t));
    k->different = take(&p, pitch * sizeof(int32_t));
    k->place = take(&p, (size_t)s->K * sizeof(int32_t));
    for (int64_t i = 0; i < s->U; i++) k->place[s->labels[i]] = -1;
    for (int64_t i = 0; i < s->U; i++) {
        int32_t *place = &k->place[s->labels[i]];
        if (*place < 0) {
            k->different[k->groups] = s->labels[i];
            *place = k->groups++;
        }
        k->group[i] = *place;
    }
}

static void set_skip(work *k)
{
    const jd_ctc_sample *s = k->s;
    memset(k->skip, 0, (size_t)k->pitch * sizeof(double));
    for (int64_t i = 1; i < s->U; i++) k->skip[i] = s->labels[i] != s->labels[i - 1] ? k->tilt : 0;
}

/* Softmax of every frame into g, and the outputs that the sample needs, not divided by their sum. */
static void outputs(work *k, const float *x, float *g)
{
    const jd_ctc_sample *s = k->s;
    k->z = 1;
    k->z_exponent = 0;
    for (int64_t t = 0; t < s->length; t++, x += s->stride, g += s->stride) {
        float *y = k->y + t * k->pitch, smallest;
        const float max = jd_row_max(x, s->K, &smallest);
        const double sum = jd_row_exp(x, g, s->K, max, smallest);
        if (!(sum > 0)) k->bad = true;
        for (int64_t i = 0; i < s->U; i++) y[i] = g[s->labels[i]];
        for (int64_t i = s->U; i < k->pitch; i++) y[i] = 0;
        k->y_blank[t] = (double)g[s->blank];
        if (!(max - smallest < 80)) {
            bool tiny = g[s->blank] < 0x1p-110f;
            for (int64_t i = 0; i < s->U; i++) tiny |= y[i] < 0x1p-110f;
            k->flushed |= tiny;
        }
        jd_row_scale(g, s->K, (float)(1 / sum));
        k->z *= sum;
        if (k->z > 0x1p32) {
            k->z *= 0x1p-32;
            k->z_exponent += 32;
        }
    }
}

/* Fills alpha and returns p 2^(tilt U), scaled as the last alpha; 0 when it underflowed. */
static double forward(work *k)
{
    const int64_t T = k->s->length, U = k->s->U, pitch = k->pitch;
    const v4 tilt = SPLAT(k->tilt);
    double scale = 1;
    int32_t exponent = 0;
    double *start = k->beta; /* "before the first frame": on the first blank */
    memset(start, 0, 2 * (size_t)pitch * sizeof(double));
    start[0] = 1;
    const double *b = start, *l = start + pitch;
    for (int64_t t = 0; t < T; t++) {
        const int64_t low = U - (T - t) > 0 ? U - (T - t) : 0, high = t < U ? t : U;
        const int64_t from = low & ~(int64_t)3, to = (high | 3) + 1;
        double *nb = k->alpha + t * 2 * pitch, *nl = nb + pitch;
        const float *y = k->y + t * pitch;
        const v4 yb = SPLAT(k->y_blank[t] * scale), sc = SPLAT(scale);
        v4 left = SPLAT(0.0), total = SPLAT(0.0);
        if (from && from == low) left[3] = l[from - 1]; /* the block below holds one cell that counts, its last */
        for (int64_t i = from; i < to; i += 4) {
            const v4 b0 = LOAD(b + i), l0 = LOAD(l + i), l1 = AFTER(left, l0);
            const v4 new_b = yb * (b0 + tilt * l1);
            const v4 new_l = WIDEN(y + i) * sc * ((l0 + b0) + LOAD(k->skip + i) * l1);
            STORE(nb + i, new_b);
            STORE(nl + i, new_l);
            total += new_b + new_l;
            left = l0;
        }
        STORE(nb + to, SPLAT(0.0)); /* the next frame may reach one block further */
        STORE(nl + to, SPLAT(0.0));
        k->exponent[t] = exponent;
        b = nb;
        l = nl;
        scale = 1;
        const double all = TOTAL(total);
        if (!in_range(all)) {
            if (!(all > 0x1p-900 && all < 0x1p900)) return 0;
            scale = power_of_two(-exponent_of(all));
            exponent += exponent_of(all);
        }
    }
    return U ? b[U] + k->tilt * l[U - 1] : b[0];
}

/* One step of beta: in, out: beta y of frame t+1, t (times scale).  Leaves alpha beta of the labels in gamma and returns
 * that of the blanks; *all: sum of the new beta y, for scaling. */
static double step_back(work *k, int64_t t, double scale, double *all)
{
    const int64_t T = k->s->length, U = k->s->U, pitch = k->pitch;
    const int64_t low = U - (T - t) > 0 ? U - (T - t) : 0, high = t < U ? t : U;
    const int64_t from = low & ~(int64_t)3, to = (high | 3) + 1;
    const double *ab = k->alpha + t * 2 * pitch, *al = ab + pitch;
    const float *y = k->y + t * pitch;
    double *b = k->beta, *l = k->beta + pitch;
    const v4 yb = SPLAT(k->y_blank[t] * scale), sc = SPLAT(scale), tilt = SPLAT(k->tilt);
    v4 total = SPLAT(0.0), blanks = SPLAT(0.0), next_b = SPLAT(0.0), next_sl = SPLAT(0.0);
    if (high < U && high + 1 == to) { /* the block above holds one cell that counts, its first */
        next_b[0] = b[to];
        next_sl[0] = k->skip[to] * l[to];
    }
    for (int64_t i = to - 4; i >= from; i -= 4) {
        const v4 b0 = LOAD(b + i), l0 = LOAD(l + i), sl0 = LOAD(k->skip + i) * l0;
        const v4 beta_b = b0 + l0;
        const v4 beta_l = (l0 + tilt * BEFORE(b0, next_b)) + BEFORE(sl0, next_sl);
        const v4 new_b = yb * beta_b, new_l = WIDEN(y + i) * sc * beta_l;
        blanks += LOAD(ab + i) * beta_b;
        STORE(k->gamma + i, LOAD(al + i) * beta_l);
        STORE(b + i, new_b);
        STORE(l + i, new_l);
        total += new_b + new_l;
        next_b = b0;
        next_sl = sl0;
    }
    *all = TOTAL(total);
    return TOTAL(blanks);
}

/* Takes the posterior of every label from the softmax in g.  false when range was lost. */
static bool backward(work *k, float *g, double p)
{
    const jd_ctc_sample *s = k->s;
    const int64_t T = s->length, U = s->U;
    double scale = 1, all = 0;
    int64_t exponent = 0, pending = 0;
    memset(k->beta, 0, 2 * (size_t)k->pitch * sizeof(double));
    k->beta[U] = 1; /* "after the last frame": on the last blank */
    for (int64_t t = T - 1; t >= 0; t--) {
        const double blanks = step_back(k, t, scale, &all);
        const int64_t low = U - (T - t) > 0 ? U - (T - t) : 0, high = t < U - 1 ? t : U - 1;
        for (int j = 0; j < k->groups; j++) k->sum[j] = 0;
        for (int64_t i = low; i <= high; i++) k->sum[k->group[i]] += k->gamma[i];
        double labels = 0;
        for (int j = 0; j < k->groups; j++) labels += k->sum[j];
        const double z = blanks + labels;
        const int64_t e = k->exponent[t] + exponent - k->exponent[T - 1];
        if (!(z > 0x1p-850) || e < -1000 || e > 1000) return false;
        if (!(fabs(z * power_of_two(e) - p) <= 1e-9 * p)) return false;
        float *gt = g + t * s->stride;
        const double part = 1 / z;
        gt[s->blank] -= (float)(blanks * part);
        for (int j = 0; j < k->groups; j++) gt[k->different[j]] -= (float)(k->sum[j] * part);
        exponent += pending;
        pending = 0;
        scale = 1;
        if (t && !in_range(all)) {
            if (!(all > 0x1p-900 && all < 0x1p900)) return false;
            pending = exponent_of(all);
            scale = power_of_two(-pending);
        }
    }
    return true;
}

/* The power of two that makes an even advance through the labels as likely as none: what a step onto the next label
 * costs on average against a step that stays. */
static double choose_tilt(const work *k)
{
    const int64_t T = k->s->length, U = k->s->U;
    double label = 0, blank = 0;
    for (int64_t t = 0; t < T; t++) {
        const float *y = k->y + t * k->pitch;
        int64_t e = 0;
        for (int64_t i = 0; i < U; i++) e += exponent_of((double)y[i] > 0x1p-300 ? (double)y[i] : 0x1p-300);
        label += (double)e;
        blank += exponent_of(k->y_blank[t] > 0x1p-300 ? k->y_blank[t] : 0x1p-300);
    }
    const double pace = exponent_of((double)U / (double)(T - U + 1));
    const double tilt = pace + blank / (double)T - label / ((double)T * (double)U);
    return power_of_two((int64_t)(tilt < -200 ? -200 : tilt > 200 ? 200 : tilt));
}

static float one_sample(const jd_ctc_sample *s, const float *x, float *g, void *scratch)
{
    work k;
    lay_out(&k, s, scratch);
    for (int attempt = 0; attempt < 2; attempt++) {
        outputs(&k, x, g);
        if (k.bad || k.flushed) break;
        if (attempt) k.tilt = choose_tilt(&k);
        set_skip(&k);
        const double p = forward(&k);
        if (p > 0x1p-900 && backward(&k, g, p)) {
            const int64_t e = k.exponent[s->length - 1] - k.z_exponent - s->U * exponent_of(k.tilt);
            const double loss = -jd__log64(p / k.z) - (double)e * 0.6931471805599453;
            return loss > 0 ? (float)loss : 0;
        }
        if (!s->U) break;
    }
    if (!k.bad) return (float)jd__ctc_wide(s, x, g, scratch);
    for (int64_t t = 0; t < s->length; t++)
        for (int64_t j = 0; j < s->K; j++) g[t * s->stride + j] = NAN;
    return NAN;
}

void JD_K(jd__k_ctc)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_ctc)(const jd_call *c, const jd_worker *w)
{
    const int64_t T = c->in_type[0].dim[0], B = c->in_type[0].dim[1], K = c->in_type[0].dim[2];
    char *scratch = (char *)c->scratch + (size_t)w->id * jd__ctc_scratch(T, K, c->in_type[1].dim[1]);
    float *loss = c->out[0];
    for (int64_t b = w->id; b < B; b += w->count) {
        const float *x = (const float *)c->in[0] + b * K;
        float *g = (float *)c->out[1] + b * K;
        jd_ctc_sample s;
        int64_t done = 0;
        if (!jd__ctc_sample(c, b, &s))
            loss[b] = NAN;
        else if (s.length < s.needed)
            loss[b] = INFINITY;
        else if (s.length == 0)
            loss[b] = 0;
        else {
            loss[b] = one_sample(&s, x, g, scratch);
            done = s.length;
        }
        for (int64_t t = done; t < T; t++) memset(g + t * B * K, 0, (size_t)K * sizeof *g);
    }
}

void JD_K(jd__k_ctc_grad)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_ctc_grad)(const jd_call *c, const jd_worker *w)
{
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1];
    const int64_t K = c->in_type[0].dim[2];
    const float *g = c->in[4], *dloss = c->in[5];
    float *y = c->out[0];
    size_t begin, end;
    jd_share(w, T * B, 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float d = dloss[r % B];
        if (d == 1 && g == y) continue; /* in place, and nothing to scale */
        const float *from = g + r * (size_t)K;
        float *to = y + r * (size_t)K;
        const vf v = vf_set1(d);
        int64_t i = 0;
        for (; i + VL <= K; i += VL) vf_store(to + i, vf_mul(vf_load(from + i), v));
        if (i < K) vf_storen(to + i, vf_mul(vf_loadn(from + i, (int)(K - i)), v), (int)(K - i));
    }
}
