/*
 * convlstm.c - the LSTM whose inputs and states are planes: one scan of PyraMiD-LSTM (Stollenga, Byeon, Liwicki and
 * Schmidhuber, NIPS 2015, section 2).  With * a convolution of k x k with zeros around, and no peepholes:
 *
 *     i = sigma(Wi * x + Ri * h + bi)      z = tanh(Wz * x + Rz * h + bz)
 *     f = sigma(Wf * x + Rf * h + bf)      c' = z i + c f
 *     o = sigma(Wo * x + Ro * h + bo)      h' = o tanh(c')
 *
 * A pre-activation is one chain of fused multiply-adds over the taps of W, which goes on over those of R, plus its bias.
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/convlstm.h"
#include "ops/real.h"

static jd_status infer_convlstm(jd_infer *c)
{
    const jd_type *x = &c->in[0], *R = &c->in[3];
    if (x->rank != 5 || x->dtype == JD_I32)
        return jd__bad(c, "x must be a real sequence of planes (T,B,Y,X,N); reshape or transpose it");
    if (R->rank != 4 || R->dim[3] < 1 || R->dim[1] < 1 || R->dim[1] % 2 == 0 || R->dim[1] > 1 << 15)
        return jd__bad(c, "R must have the shape (4C,k,k,C), k odd");
    const int64_t N = x->dim[4], C = R->dim[3], k = R->dim[1];
    if (jd__rec_want(c, 1, "size", true, JD_I32, JD_DIMS(x->dim[1], 3)) ||
        jd__rec_want(c, 2, "W", false, x->dtype, JD_DIMS(4 * C, k, k, N)) ||
        jd__rec_want(c, 3, "R", false, x->dtype, JD_DIMS(4 * C, k, k, C)) ||
        jd__rec_want(c, 4, "b", false, x->dtype, JD_DIMS(4 * C)))
        return JD_EUSAGE;
    c->nout = 3;
    for (int i = 0; i < 3; i++) c->out[i] = *x;
    c->out[0].dim[4] = c->out[2].dim[4] = C;
    c->out[1].dim[4] = 4 * C;
    return JD_OK;
}

static void grad_convlstm(const jd_rule *c)
{
    jd_node in[9], out[4];
    jd_convlstm_attr a = *(const jd_convlstm_attr *)c->attr;
    static const int of[4] = {0, 2, 3, 4};
    if (!c->dout[0].id) return;
    a.need_dx = c->need[0];
    for (int i = 0; i < 5; i++) in[i] = c->in[i];
    for (int i = 0; i < 3; i++) in[5 + i] = c->out[i];
    in[8] = c->dout[0];
    if (!jd__add(c->g, JD_OP_convlstm_grad, &a, in, 9, out).id) return;
    for (int i = 0; i < 4; i++)
        if (c->need[of[i]]) c->din[of[i]] = out[i];
}

/* ---- decomposition -----------------------------------------------------------------------------------------------------*/

/* 1 where a number of the axis `at` (of n) lies below sizes[., column]: `shape` has n at that axis and B at axis 1. */
static jd_node below(jd_graph *g, jd_node size, int column, int at, int64_t n)
{
    jd_dims line = {5, {1, 1, 1, 1, 1}}, sample = line;
    line.dim[at] = n;
    sample.dim[1] = jd_dim(g, size, 0);
    const jd_node place = jd_reshape(g, jd_affine(g, jd_real_of(g, jd_iota(g, n)), 1, 0.5), line);
    return jd_greater(g, jd_reshape(g, jd_real_of(g, jd_slice(g, size, 1, column, 1)), sample), place);
}

static jd_node inside(jd_graph *g, jd_node size, const jd_type *x)
{
    const jd_node length = below(g, size, 0, 0, x->dim[0]), height = below(g, size, 1, 2, x->dim[2]);
    return jd_mul(g, jd_mul(g, length, height), below(g, size, 2, 3, x->dim[3])); /* (T,B,Y,X,1) */
}

static jd_node masked(jd_graph *g, jd_node mask, jd_node x)
{
    return mask.id ? jd_where(g, mask, x, jd_const(g, 0, jd__dims(jd_type_of(g, x)))) : x;
}

static void decompose_convlstm(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_type t = *jd_type_of(g, c->in[0]);
    const int64_t T = t.dim[0], B = t.dim[1], Y = t.dim[2], X = t.dim[3], C = jd_dim(g, c->in[3], 3);
    const bool reverse = ((const jd_convlstm_attr *)c->attr)->reverse;
    const jd_conv_options o = {.pad = (int)jd_dim(g, c->in[3], 1) / 2};
    const jd_node size = c->in[1], mask = size.id ? inside(g, size, &t) : JD_NONE;
    const jd_node length = size.id ? jd_reshape(g, jd_slice(g, size, 1, 0, 1), JD_DIMS(B)) : JD_NONE;
    jd_node x = masked(g, mask, c->in[0]), h = JD_NONE, cell = JD_NONE;
    jd_node *y = jd__graph_alloc(g, (size_t)(T + 1) * sizeof *y);
    if (!y || !T) return;
    if (reverse) x = jd_reverse(g, x, length);
    const jd_node pre = jd_conv2d_raw(g, jd_reshape(g, x, JD_DIMS(T * B, Y, X, t.dim[4])), c->in[2], o);
    const jd_node all = jd_reshape(g, jd_add(g, pre, c->in[4]), JD_DIMS(T, B, Y, X, 4 * C));
    for (int64_t s = 0; s < T; s++) {
        jd_node now = jd_reshape(g, jd_slice(g, all, 0, s, 1), JD_DIMS(B, Y, X, 4 * C)), gate[4];
        if (h.id) now = jd_add(g, now, jd_conv2d_raw(g, h, c->in[3], o));
        for (int k = 0; k < 4; k++) gate[k] = jd_slice(g, now, 3, k * C, C);
        jd_node next = jd_mul(g, jd_tanh(g, gate[2]), jd_sigmoid(g, gate[0]));
        if (cell.id) next = jd_add(g, next, jd_mul(g, cell, jd_sigmoid(g, gate[1])));
        cell = next;
        h = jd_mul(g, jd_sigmoid(g, gate[3]), jd_tanh(g, cell));
        /* Steps count from the first plane of each sample, so the mask serves in either direction. */
        if (mask.id) h = masked(g, jd_reshape(g, jd_slice(g, mask, 0, s, 1), JD_DIMS(B, Y, X, 1)), h);
        y[s] = jd_reshape(g, h, JD_DIMS(1, B, Y, X, C));
    }
    c->out[0] = jd_concat(g, y, (int)T, 0);
    if (reverse) c->out[0] = jd_reverse(g, c->out[0], length);
}

/* ---- sizes --------------------------------------------------------------------------------------------------------------*/

static double flop_convlstm(const jd_call *c)
{
    const jd_planes p = jd__planes(c);
    const double steps = (double)(p.T > 0 ? p.T - 1 : 0);
    return 2. * (double)(p.B * p.plane * 4 * p.C * p.k * p.k) * ((double)p.T * (double)p.N + steps * (double)p.C);
}

static size_t scratch_convlstm(const jd_call *c, int threads)
{
    jd_plane_space s;
    return jd__plane_space(c, false, threads, NULL, &s);
}

static jd_type images(jd_dtype dtype, int64_t n, const jd_planes *p, int64_t channels)
{
    return jd__rec_type(dtype, JD_DIMS(n * p->B, p->Y, p->X, channels));
}

void jd__plane_op(const jd_call *c, jd_plane_call what, const jd_plane_space *s, jd_plane_op *o)
{
    static const jd_opcode code[] = {JD_OP_conv2d_dx, JD_OP_conv2d_dw, JD_OP_conv2d_dw, JD_OP_sum};
    const jd_planes p = jd__planes(c);
    const jd_dtype real = c->in_type[0].dtype;
    const int64_t G = 4 * p.C, back = p.T - 1, step = p.B * p.plane;
    const int32_t pad = (int32_t)(p.k / 2), k = (int32_t)p.k;
    *o = (jd_plane_op){.c = {.op = jd__ops[code[what]],
                             .attr = &o->attr,
                             .nin = what == JD_PLANES_DB ? 1 : 2,
                             .nout = 1,
                             .in_type = o->in_type,
                             .out_type = o->out_type,
                             .in = o->in,
                             .out = o->out,
                             .scratch = s->other,
                             .seed = c->seed}};
    o->attr.conv = (jd_conv_attr){.stride = 1, .pad = pad};
    o->in_type[0] = images(real, p.T, &p, G);
    o->in_type[1] = c->in_type[2];
    if (what == JD_PLANES_DX) {
        o->out_type[0] = images(real, p.T, &p, p.N);
        o->attr.conv = (jd_conv_attr){1, pad, (int32_t)p.Y, (int32_t)p.X};
    }
    if (what == JD_PLANES_DW || what == JD_PLANES_DR) {
        o->attr.conv = (jd_conv_attr){1, pad, k, k};
        if (what == JD_PLANES_DR) o->in_type[0] = images(real, back, &p, G);
        o->in_type[1] = what == JD_PLANES_DW ? images(real, p.T, &p, p.N) : images(real, back, &p, p.C);
        o->out_type[0] = c->in_type[what == JD_PLANES_DW ? 2 : 3];
    }
    if (what == JD_PLANES_DB) {
        o->attr.sum = (jd_sum_attr){.axes = JD_AXIS(0)};
        o->in_type[0] = jd__rec_type(real, JD_DIMS(p.T * step, G));
        o->out_type[0] = c->in_type[4];
    }
    if (!c->in) return;
    float *x = s->x ? s->x : c->in[0], *y = c->in[5];
    switch (what) {
    case JD_PLANES_DX: o->in[0] = s->delta, o->in[1] = c->in[2], o->out[0] = c->out[0]; break;
    case JD_PLANES_DW: o->in[0] = s->delta, o->in[1] = x, o->out[0] = c->out[1]; break;
    case JD_PLANES_DR: /* the errors of a plane meet the outputs of the plane before it in the scan */
        o->in[0] = s->delta + (p.reverse ? 0 : step * G);
        o->in[1] = y + (p.reverse ? step * p.C : 0);
        o->out[0] = c->out[2];
        break;
    case JD_PLANES_DB: o->in[0] = s->delta, o->out[0] = c->out[3]; break;
    }
}

size_t jd__plane_space(const jd_call *c, bool grad, int threads, void *base, jd_plane_space *s)
{
    const jd_planes p = jd__planes(c);
    const size_t F = sizeof(float), places = (size_t)(p.B * p.plane), C = (size_t)p.C;
    const size_t taps = (size_t)(p.k * p.k), G = 4 * C;
    const jd_call sizes = {.attr = c->attr, .in_type = c->in_type, .nin = c->nin};
    jd_carve m = {base, 0};
    memset(s, 0, sizeof *s);
    /* columns are padded to vectors of 16 */
    const size_t columns = ((grad ? C : G) + 15) / 16 * 16;
    s->weights = jd__carve(&m, F * columns * taps * (grad ? G : C));
    if (!grad) {
        s->input = jd__carve(&m, F * columns * taps * (size_t)p.N);
        return m.used;
    }
    size_t other = 0;
    for (jd_plane_call k = JD_PLANES_DX; k <= JD_PLANES_DB; k++) {
        jd_plane_op o;
        if (k == JD_PLANES_DR && p.T < 2) continue;
        jd__plane_op(&sizes, k, s, &o);
        const size_t need = o.c.op->scratch(&o.c, threads);
        other = need > other ? need : other;
    }
    if (c->in_type[1].rank >= 0) s->x = jd__carve(&m, F * places * (size_t)(p.T * p.N));
    s->delta = jd__carve(&m, F * places * (size_t)p.T * G);
    s->dh = jd__carve(&m, F * places * C);
    s->dc = jd__carve(&m, F * places * C);
    s->other = jd__carve(&m, other);
    return m.used;
}

jd_convlstm_out jd_convlstm_raw(jd_graph *g, jd_convlstm_args a)
{
    jd_node out[3] = {{0}};
    if (jd_error(jd_graph_ctx(g)) || !a.x.id) return (jd_convlstm_out){0};
    const jd_node in[5] = {a.x, a.size, a.W, a.R, a.b};
    if (!jd__add(g, JD_OP_convlstm, &(jd_convlstm_attr){.reverse = a.reverse}, in, 5, out).id)
        return (jd_convlstm_out){0};
    return (jd_convlstm_out){out[0], jd_stop(g, out[1]), jd_stop(g, out[2])};
}

#define JD_SELF "ops/convlstm.c"
#include "ops/twice.h"

const jd_op jd__op_convlstm = {.name = "convlstm",
                               .doc = "convolutional LSTM over a sequence of planes",
                               .attr_bytes = sizeof(jd_convlstm_attr),
                               .infer = infer_convlstm,
                               .grad = grad_convlstm,
                               .decompose = decompose_convlstm,
                               .scratch = scratch_convlstm,
                               .flop = flop_convlstm,
                               .ref = {convlstm_f32, convlstm_f64}};
#else
/* The chain of one pre-activation goes on over the taps of `in` (plane,n), of which h x w places are the sample's. */
static REAL FN(convlstm_taps)(const jd_planes *p, const jd_plane_size *n, const REAL *in, const REAL *w, int64_t y,
                              int64_t x, int64_t channels, REAL sum)
{
    for (int64_t u = 0; u < p->k; u++)
        for (int64_t v = 0; v < p->k; v++) {
            const int64_t iy = y + u - p->k / 2, ix = x + v - p->k / 2;
            if (iy < 0 || iy >= n->height || ix < 0 || ix >= n->width) continue;
            const REAL *at = in + (iy * p->X + ix) * channels, *tap = w + (u * p->k + v) * channels;
            for (int64_t i = 0; i < channels; i++) sum = R_FMA(at[i], tap[i], sum);
        }
    return sum;
}

/* One place of plane `now`, which follows plane `before` (-1: none). */
static void FN(convlstm_place)(const jd_call *c, const jd_planes *p, const jd_plane_size *n, int64_t now,
                               int64_t before, int64_t y, int64_t x)
{
    const int64_t C = p->C, taps = p->k * p->k, at = now * p->plane + y * p->X + x;
    const int64_t was = before * p->plane + y * p->X + x;
    const REAL *in = (const REAL *)c->in[0] + now * p->plane * p->N, *W = c->in[2], *R = c->in[3], *b = c->in[4];
    REAL *h = c->out[0], *gates = (REAL *)c->out[1] + at * 4 * C, *cells = c->out[2];
    for (int64_t k = 0; k < 4 * C; k++) {
        REAL sum = FN(convlstm_taps)(p, n, in, W + k * taps * p->N, y, x, p->N, 0);
        if (before >= 0) sum = FN(convlstm_taps)(p, n, h + before * p->plane * C, R + k * taps * C, y, x, C, sum);
        gates[k] = sum + b[k];
    }
    for (int64_t u = 0; u < C; u++) {
        REAL *i = gates + u, *f = i + C, *z = f + C, *o = z + C;
        *i = R_SIGMOID(*i);
        *f = R_SIGMOID(*f);
        *z = R_TANH(*z);
        *o = R_SIGMOID(*o);
        cells[at * C + u] = R_FMA(before < 0 ? 0 : cells[was * C + u], *f, *z * *i);
        h[at * C + u] = *o * R_TANH(cells[at * C + u]);
    }
}

static void FN(convlstm)(const jd_call *c, const jd_worker *w)
{
    jd_planes p = jd__planes(c);
    p.size = c->in[1];
    if (w->id) return;
    for (int k = 0; k < 3; k++) memset(c->out[k], 0, (size_t)jd__count(&c->out_type[k]) * sizeof(REAL));
    for (int64_t b = 0; b < p.B; b++) {
        const jd_plane_size n = jd__plane_size(&p, b);
        for (int64_t s = 0; s < n.length; s++)
            for (int64_t y = 0; y < n.height; y++)
                for (int64_t x = 0; x < n.width; x++) FN(convlstm_place)
        (c, &p, &n, jd__plane_at(&p, b, n.length, s), jd__plane_at(&p, b, n.length, s - 1), y, x);
    }
}
#endif
