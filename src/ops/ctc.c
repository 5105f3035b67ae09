/*
 * ctc.c - connectionist temporal classification: A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, ICML 2006.
 *
 * The label string l of length U is extended by blanks to l' of length S = 2U+1.  alpha_t(s) sums the probabilities of
 * all paths through frames 1..t that end in l'_s; beta_t(s) those of all ways to finish after t (y^t excluded, so nothing
 * is divided by).  p = sum_s alpha_t(s) beta_t(s) for every t; dO/da^t_k = y^t_k - sum_{s: l'_s = k} alpha beta / p.
 *
 * A sample whose lengths or labels are out of range is a fault of the data: its loss is NaN, its gradient 0.
 */
#ifndef REAL
#include "ops/ctc.h"

#include "ops/real.h"

/* in: logits (T,B,K), labels int32 (B,U), length (B), label_length (B); out: loss (B), grad (T,B,K) */
static jd_status infer_ctc(jd_infer *c)
{
    const jd_ctc_attr *a = c->attr;
    const jd_type *x = &c->in[0], *l = &c->in[1];
    if (x->rank != 3 || x->dtype == JD_I32) return jd__bad(c, "needs real logits (T,B,K), K with the blank");
    if (l->rank != 2 || l->dtype != JD_I32 || l->dim[0] != x->dim[1])
        return jd__bad(c, "needs int32 labels (B,U), padded to the longest");
    for (int i = 2; i < 4; i++)
        if (c->in[i].rank != 1 || c->in[i].dtype != JD_I32 || c->in[i].dim[0] != x->dim[1])
            return jd__bad(c, "needs int32 %s (B), one for each sample", i == 2 ? "lengths" : "label lengths");
    if (a->blank < 0 || a->blank >= x->dim[2])
        return jd__bad(c, "blank is class %d; give one of 0..%lld", a->blank, (long long)x->dim[2] - 1);
    if (x->dim[0] > JD_CTC_MAX || l->dim[1] > JD_CTC_MAX || x->dim[2] > INT32_MAX)
        return jd__bad(c, "at most %d frames and labels; cut the sequences", JD_CTC_MAX);
    c->nout = 2;
    c->out[0] = (jd_type){x->dtype, 1, {x->dim[1]}};
    c->out[1] = *x;
    return JD_OK;
}

static void grad_ctc(const jd_rule *c)
{
    if (!c->dout[0].id || !c->need[0]) return;
    const jd_node in[] = {c->in[0], c->in[1], c->in[2], c->in[3], c->out[1], c->dout[0]};
    c->din[0] = jd__add(c->g, JD_OP_ctc_grad, c->attr, in, 6, NULL);
}

/* ---- the same in primitives: log space, log 0 is NEG ------------------------------------------------------------------*/

static const double NEG = -1e30;

/* ln(e^a + e^b + e^c), c may be none.  The shift needs no gradient: the value does not depend on it. */
static jd_node log_sum(jd_graph *g, jd_node a, jd_node b, jd_node c)
{
    jd_node m = jd_max(g, a, b);
    if (c.id) m = jd_max(g, m, c);
    m = jd_stop(g, m);
    jd_node s = jd_add(g, jd_exp(g, jd_sub(g, a, m)), jd_exp(g, jd_sub(g, b, m)));
    if (c.id) s = jd_add(g, s, jd_exp(g, jd_sub(g, c, m)));
    return jd_add(g, m, jd_log(g, s));
}

/* (B,n) -> (B,n+1): x moved right by one, NEG at the left */
static jd_node shift(jd_graph *g, jd_node x)
{
    const jd_node edge = jd_const(g, NEG, JD_DIMS(jd_dim(g, x, 0), 1));
    return jd_concat(g, (jd_node[]){edge, x}, 2, 1);
}

/* 1 where index (..) > x, as real */
static jd_node above(jd_graph *g, jd_node index, double x)
{
    return jd_greater(g, jd_real_of(g, index), jd_const(g, x, JD_SCALAR));
}

/* (B,U): 0 where a path may go from label u-1 to label u without a blank, else NEG */
static jd_node skip_mask(jd_graph *g, jd_node labels)
{
    const int64_t U = jd_dim(g, labels, 1);
    const jd_node l = jd_real_of(g, labels);
    if (U == 1) return jd_const(g, NEG, jd__dims(jd_type_of(g, labels)));
    const jd_node differ = jd_abs(g, jd_sub(g, jd_slice(g, l, 1, 1, U - 1), jd_slice(g, l, 1, 0, U - 1)));
    const jd_node same = jd_greater(g, jd_const(g, 0.5, JD_SCALAR), differ);
    return shift(g, jd_affine(g, same, NEG, 0));
}

static void decompose_ctc(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_ctc_attr *a = c->attr;
    const jd_node labels = c->in[1];
    const int64_t T = jd_dim(g, c->in[0], 0), B = jd_dim(g, c->in[0], 1), K = jd_dim(g, c->in[0], 2);
    const int64_t U = jd_dim(g, labels, 1);
    const jd_node log_y = jd_log_softmax(g, c->in[0]);            /* (T,B,K) */
    const jd_node log_blank = jd_slice(g, log_y, 2, a->blank, 1); /* (T,B,1) */
    jd_node log_label = JD_NONE, skip = JD_NONE;                  /* (T,B,U), (B,U) */
    if (U) {
        const jd_node hot = jd_reshape(g, jd_onehot(g, labels, K), JD_DIMS(1, B, U, K));
        log_label = jd_sum(g, jd_mul(g, jd_reshape(g, log_y, JD_DIMS(T, B, 1, K)), hot), JD_AXIS(3), false);
        skip = skip_mask(g, labels);
    }
    /* Before the first frame: the empty path stands on the first blank. */
    jd_node blank = jd_broadcast_to(g, jd_affine(g, above(g, jd_iota(g, U + 1), 0.5), NEG, 0), JD_DIMS(B, U + 1));
    jd_node label = U ? jd_const(g, NEG, JD_DIMS(B, U)) : JD_NONE;
    for (int64_t t = 0; t < T; t++) {
        const jd_node alive = jd_reshape(g, above(g, c->in[2], (double)t + 0.5), JD_DIMS(B, 1));
        const jd_node yb = jd_reshape(g, jd_slice(g, log_blank, 0, t, 1), JD_DIMS(B, 1));
        jd_node b = blank;
        if (U) {
            const jd_node before = shift(g, label), yl = jd_reshape(g, jd_slice(g, log_label, 0, t, 1), JD_DIMS(B, U));
            const jd_node jump = jd_add(g, jd_slice(g, before, 1, 0, U), skip);
            const jd_node l = jd_add(g, yl, log_sum(g, label, jd_slice(g, blank, 1, 0, U), jump));
            b = log_sum(g, blank, before, JD_NONE);
            label = jd_where(g, alive, l, label);
        }
        blank = jd_where(g, alive, jd_add(g, yb, b), blank);
    }
    const jd_node end = jd_onehot(g, c->in[3], U + 1); /* (B,U+1) */
    jd_node total = jd_sum(g, jd_mul(g, end, blank), JD_AXIS(1), false);
    if (U) total = log_sum(g, total, jd_sum(g, jd_mul(g, end, shift(g, label)), JD_AXIS(1), false), JD_NONE);
    const jd_node feasible = jd_greater(g, total, jd_const(g, NEG / 10, JD_SCALAR));
    c->out[0] = jd_where(g, feasible, jd_neg(g, total), jd_const(g, INFINITY, JD_SCALAR));
}

jd_node jd_ctc(jd_graph *g, jd_node logits, jd_node labels, jd_node length, jd_node label_length, int blank)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    return jd__add(g, JD_OP_ctc, &(jd_ctc_attr){blank}, (jd_node[]){logits, labels, length, label_length}, 4, NULL);
}

bool jd__ctc_sample(const jd_call *c, int64_t b, jd_ctc_sample *s)
{
    const jd_type *x = &c->in_type[0];
    *s = (jd_ctc_sample){.stride = x->dim[1] * x->dim[2],
                         .K = x->dim[2],
                         .length = ((const int32_t *)c->in[2])[b],
                         .U = ((const int32_t *)c->in[3])[b],
                         .labels = (const int32_t *)c->in[1] + b * c->in_type[1].dim[1],
                         .blank = ((const jd_ctc_attr *)c->attr)->blank};
    if (s->length < 0 || s->length > x->dim[0] || s->U < 0 || s->U > c->in_type[1].dim[1]) return false;
    s->needed = s->U;
    for (int64_t i = 0; i < s->U; i++) {
        const int32_t k = s->labels[i];
        if (k < 0 || k >= s->K || k == s->blank) return false;
        if (i && k == s->labels[i - 1]) s->needed++;
    }
    return true;
}

/* For each member: alpha of one sample, a row of beta, the softmax of a frame; the fast kernel wants no more than
 * jd__ctc_fast_bytes. */
static size_t scratch_ctc(const jd_call *c, int threads)
{
    return (size_t)threads * jd__ctc_scratch(c->in_type[0].dim[0], c->in_type[0].dim[2], c->in_type[1].dim[1]);
}

static double log_add(double a, double b)
{
    const double hi = a > b ? a : b, lo = a > b ? b : a;
    return lo == -INFINITY ? hi : hi + log1p(exp(lo - hi));
}

static int64_t label_of(const jd_ctc_sample *s, int64_t i) /* l'_i, i from 0 */
{
    return i % 2 ? s->labels[i / 2] : s->blank;
}

static bool may_jump(const jd_ctc_sample *s, int64_t i) /* from l'_{i-2} to l'_i */
{
    return i % 2 && i > 1 && s->labels[i / 2] != s->labels[i / 2 - 1];
}

#define JD_SELF "ops/ctc.c"
#include "ops/twice.h"

const jd_op jd__op_ctc = {.name = "ctc",
                          .doc = "-ln p(labels | logits) over all alignments, and its gradient",
                          .attr_bytes = sizeof(jd_ctc_attr),
                          .infer = infer_ctc,
                          .grad = grad_ctc,
                          .decompose = decompose_ctc,
                          .scratch = scratch_ctc,
                          .ref = {ctc_f32, ctc_f64}};
#else

/* Log softmax of a frame, in double whatever REAL is. */
static void FN(log_frame)(const REAL *x, int64_t K, double *log_y)
{
    double max = -INFINITY, sum = 0;
    for (int64_t k = 0; k < K; k++)
        if (x[k] > max) max = x[k];
    for (int64_t k = 0; k < K; k++) sum += exp(x[k] - max);
    const double lse = max + log(sum);
    for (int64_t k = 0; k < K; k++) log_y[k] = x[k] - lse;
}

/* One sample: its first logits x, gradient g.  alpha (length,S), beta (S), log_y (K): room. */
static double FN(ctc_sample)(const jd_ctc_sample *s, const REAL *x, REAL *g, double *alpha, double *beta, double *log_y)
{
    const int64_t S = 2 * s->U + 1, T = s->length;
    for (int64_t t = 0; t < T; t++) {
        double *now = alpha + t * S;
        const double *before = now - S;
        FN(log_frame)(x + t * s->stride, s->K, log_y);
        for (int64_t i = 0; i < S; i++) {
            double a = t ? before[i] : i ? -INFINITY : 0;
            if (i >= 1) a = log_add(a, t ? before[i - 1] : i == 1 ? 0 : -INFINITY);
            if (t && may_jump(s, i)) a = log_add(a, before[i - 2]);
            now[i] = a + log_y[label_of(s, i)];
        }
    }
    const double *end = alpha + (T - 1) * S;
    const double log_p = log_add(end[S - 1], S > 1 ? end[S - 2] : -INFINITY);
    for (int64_t t = T; t-- > 0;) {
        /* beta holds beta_{t+1}(s) y^{t+1}_s; it becomes beta_t, then beta_t y^t. */
        const double *a = alpha + t * S;
        for (int64_t i = 0; i < S; i++) {
            if (t == T - 1) {
                beta[i] = i >= S - 2 ? 0 : -INFINITY;
                continue;
            }
            if (i + 1 < S) beta[i] = log_add(beta[i], beta[i + 1]);
            if (i + 2 < S && may_jump(s, i + 2)) beta[i] = log_add(beta[i], beta[i + 2]);
        }
        FN(log_frame)(x + t * s->stride, s->K, log_y);
        REAL *gt = g + t * s->stride;
        for (int64_t k = 0; k < s->K; k++) gt[k] = 0;
        if (log_p == -INFINITY) continue;
        for (int64_t i = 0; i < S; i++) gt[label_of(s, i)] -= (REAL)exp(a[i] + beta[i] - log_p);
        for (int64_t k = 0; k < s->K; k++) gt[k] += (REAL)exp(log_y[k]);
        for (int64_t i = 0; i < S; i++) beta[i] += log_y[label_of(s, i)];
    }
    return -log_p;
}

static void FN(ctc)(const jd_call *c, const jd_worker *w)
{
    const int64_t T = c->in_type[0].dim[0], B = c->in_type[0].dim[1], K = c->in_type[0].dim[2];
    const int64_t S = 2 * c->in_type[1].dim[1] + 1;
    double *room = (double *)c->scratch + (size_t)w->id * jd__ctc_scratch(T, K, c->in_type[1].dim[1]) / sizeof *room;
    REAL *loss = c->out[0];
    for (int64_t b = w->id; b < B; b += w->count) {
        const REAL *x = (const REAL *)c->in[0] + b * K;
        REAL *g = (REAL *)c->out[1] + b * K;
        jd_ctc_sample s;
        int64_t done = 0;
        if (!jd__ctc_sample(c, b, &s)) {
            loss[b] = (REAL)NAN;
        } else if (s.length < s.needed) {
            loss[b] = (REAL)INFINITY;
        } else if (s.length == 0) {
            loss[b] = 0;
        } else {
            loss[b] = (REAL)FN(ctc_sample)(&s, x, g, room, room + T * S, room + (T + 1) * S);
            done = s.length;
        }
        for (int64_t t = done; t < T; t++)
            for (int64_t k = 0; k < K; k++) g[t * B * K + k] = 0;
    }
}
#endif
