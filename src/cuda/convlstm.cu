/*
 * convlstm.cu - the LSTM of planes, and its gradient (ops/convlstm.c, ops/convlstm_grad.c): one convolution for the inputs
 * of all planes, for each step one of the planes before and the cells; backwards for each step the errors of the cells and
 * one convolution turned, then the gradients of the weights from all planes at once.
 */
#include "ops/convlstm.h"
#include "cuda/conv.cuh"

/* The sequences as kernels get them: sample b has planes 0 .. length-1 and in each the upper left corner. */
struct volume {
    int64_t T, B, Y, X, N, C;
    bool reverse;
    const int32_t *size; /* (B,3) or NULL */
    __device__ int64_t extent(int64_t b, int e, int64_t most) const
    {
        const int64_t n = size ? size[3 * b + e] : most;
        return n < 0 ? 0 : n < most ? n : most;
    }
    __device__ bool covers(int64_t b, int64_t place) const
    {
        return place / X < extent(b, 1, Y) && place % X < extent(b, 2, X);
    }
    /* The number of the plane of step s, -1: none. */
    __device__ int64_t plane(int64_t b, int64_t s) const
    {
        const int64_t n = extent(b, 0, T);
        return s < 0 || s >= n ? -1 : (reverse ? n - 1 - s : s) * B + b;
    }
};

/* A functor of conv.cuh over the planes of one step: picture b of the product is that of sample b, or none. */
template <class F> struct of_step {
    static constexpr bool k_inner = F::k_inner;
    typedef pixel side;
    typedef tap_at term;
    F f;
    volume v;
    int64_t step, picture; /* elements of a plane */
    __device__ pixel side_of(int64_t m) const
    {
        const int64_t b = m / (v.Y * v.X), plane = v.plane(b, step);
        pixel p = f.side_of(m);
        p.at += (int)((plane - b) * picture);
        if (plane < 0) p.y = 1 << 29; /* outside everything */
        return p;
    }
    __device__ tap_at term_of(int64_t k) const { return f.term_of(k); }
    __device__ float at(const pixel &p, const tap_at &t) const { return f.at(p, t); }
};

/* Adds to the gates of the planes of one step. */
struct add_to_gates {
    float *gates; /* (T B, Y X, 4C) */
    volume v;
    int64_t step;
    __device__ void put(int64_t m, int64_t n, float sum, int) const
    {
        const int64_t YX = v.Y * v.X, plane = v.plane(m / YX, step);
        if (plane >= 0) gates[(plane * YX + m % YX) * 4 * v.C + n] += sum;
    }
};

static volume volume_of(const jd_call *c)
{
    const jd_planes p = jd__planes(c);
    return {p.T, p.B, p.Y, p.X, p.N, p.C, p.reverse, jd_in<int32_t>(c, 1)};
}

/* x (T,B,Y,X,n), with zeros outside the samples. */
static __global__ void inside_only(volume v, const float *x, float *to, int64_t n)
{
    JD_EACH(e, v.T * v.B * v.Y * v.X * n)
    {
        const int64_t row = e / n, b = row / (v.Y * v.X) % v.B, t = row / (v.Y * v.X) / v.B;
        to[e] = t < v.extent(b, 0, v.T) && v.covers(b, row % (v.Y * v.X)) ? x[e] : 0;
    }
}

static int clear(jd_cu *d, const volume &v, const float *x, float *to, int64_t n)
{
    return JD_LAUNCH(d, inside_only, jd_grid(v.T * v.B * v.Y * v.X * n), JD_BLOCK, 0, v, x, to, n);
}

/* The convolution of planes with `from` and `to` channels, and what a call's weights w (to,k,k,from) need for it. */
static conv planes(const volume &v, const jd_type *w)
{
    const int64_t x[] = {0, v.Y, v.X, w->dim[3]}, y[] = {0, v.Y, v.X, w->dim[0]};
    return conv_of(x, w->dim, y, 1, (int)(w->dim[1] / 2));
}

static bool fits(const jd_call *c)
{
    const volume v = volume_of(c);
    const int64_t channels = v.N > 4 * v.C ? v.N : 4 * v.C;
    return v.T * v.B * v.Y * v.X * channels <= 1 << 30;
}

/* ---- forwards ----------------------------------------------------------------------------------------------------------*/

struct convlstm {
    volume v;
    float *y, *gates, *cells;
};

static __global__ void cells_of(convlstm l, int64_t step)
{
    const volume &v = l.v;
    const int64_t C = v.C, YX = v.Y * v.X;
    JD_EACH(e, v.B * YX * C)
    {
        const int64_t u = e % C, place = e / C % YX, b = e / C / YX, now = v.plane(b, step), was = v.plane(b, step - 1);
        if (now < 0) continue;
        const int64_t at = (now * YX + place) * C + u;
        float *g = l.gates + (now * YX + place) * 4 * C + u;
        const bool inside = v.covers(b, place);
        const float i = jd_sigmoidf(g[0]), f = jd_sigmoidf(g[C]), z = jd_tanhf(g[2 * C]), o = jd_sigmoidf(g[3 * C]);
        const float cell = fmaf(was < 0 ? 0 : l.cells[(was * YX + place) * C + u], f, z * i);
        g[0] = inside ? i : 0;
        g[C] = inside ? f : 0;
        g[2 * C] = inside ? z : 0;
        g[3 * C] = inside ? o : 0;
        l.cells[at] = inside ? cell : 0;
        l.y[at] = inside ? o * jd_tanhf(cell) : 0;
    }
}

static size_t scratch_convlstm(const jd_call *c)
{
    return c->in_type[1].rank >= 0 ? (size_t)jd__count(&c->in_type[0]) * sizeof(float) : 0;
}

static int launch_convlstm(jd_cu *d, const jd_call *c)
{
    const convlstm l = {volume_of(c), jd_out<float>(c, 0), jd_out<float>(c, 1), jd_out<float>(c, 2)};
    const volume &v = l.v;
    const conv in = planes(v, &c->in_type[2]), back = planes(v, &c->in_type[3]);
    const int64_t YX = v.Y * v.X, G = 4 * v.C, rows = v.T * v.B * YX;
    const float *x = jd_in<float>(c, 0);
    if (!rows) return 0;
    if (v.size) {
        float *copy = static_cast<float *>(c->scratch);
        if (v.N && clear(d, v, x, copy, v.N)) return 1;
        x = copy;
    }
    if (gemm_launch(d, "convlstm", window{x, in}, jd_matrix<true>{jd_in<float>(c, 2), (int64_t)in.kh * in.kw * v.N},
                    jd_store{l.gates, G, jd_in<float>(c, 4), 0, false}, rows, G, (int64_t)in.kh * in.kw * v.N))
        return 1;
    for (int64_t s = 0; s < v.T; s++) {
        const of_step<window> before = {{l.y, back}, v, s - 1, YX * v.C};
        const int64_t K = (int64_t)back.kh * back.kw * v.C;
        if (s && gemm_launch(d, "convlstm", before, jd_matrix<true>{jd_in<float>(c, 3), K}, add_to_gates{l.gates, v, s},
                             v.B * YX, G, K))
            return 1;
        if (JD_LAUNCH(d, cells_of, jd_grid(v.B * YX * v.C), JD_BLOCK, 0, l, s)) return 1;
    }
    return v.size &&
           (clear(d, v, l.y, l.y, v.C) || clear(d, v, l.gates, l.gates, G) || clear(d, v, l.cells, l.cells, v.C));
}

/* ---- backwards -------------------------------------------------------------------------------------------------------*/

struct convlstm_back {
    volume v;
    const float *y, *gates, *cells, *dy;
    float *delta;   /* (T,B,Y,X,4C) */
    float *dh, *dc; /* (B,Y,X,C): from the plane after */
};

static __global__ void errors_of(convlstm_back l, int64_t step)
{
    const volume &v = l.v;
    const int64_t C = v.C, YX = v.Y * v.X;
    JD_EACH(e, v.B * YX * C)
    {
        const int64_t u = e % C, place = e / C % YX, b = e / C / YX, now = v.plane(b, step), was = v.plane(b, step - 1);
        if (now < 0) continue;
        const int64_t at = (now * YX + place) * C + u;
        const float *g = l.gates + (now * YX + place) * 4 * C + u;
        const float i = g[0], f = g[C], z = g[2 * C], o = g[3 * C], s = jd_tanhf(l.cells[at]);
        const float old = was < 0 ? 0 : l.cells[(was * YX + place) * C + u], dh = l.dy[at] + l.dh[e];
        const float dc = dh * o * (1 - s * s) + l.dc[e];
        /* Outside the sample all gates are 0, and so are the errors but that of z. */
        float *to = l.delta + (now * YX + place) * 4 * C + u;
        to[0] = dc * z * i * (1 - i);
        to[C] = dc * old * f * (1 - f);
        to[2 * C] = dc * i * (1 - z * z);
        to[3 * C] = dh * s * o * (1 - o);
        l.dc[e] = dc * f;
    }
}

/* to (T,B,Y,X,C): the outputs of the plane before. */
static __global__ void planes_before(convlstm_back l, float *to)
{
    const volume &v = l.v;
    const int64_t plane = v.Y * v.X * v.C;
    JD_EACH(e, v.T * v.B * plane)
    {
        const int64_t t = e / plane / v.B, b = e / plane % v.B, n = v.extent(b, 0, v.T);
        const int64_t before = v.reverse ? t + 1 : t - 1;
        to[e] = t < n && before >= 0 && before < n ? l.y[(before * v.B + b) * plane + e % plane] : 0;
    }
}

struct convlstm_space {
    float *delta, *dh, *dc, *before, *x, *sums;
    char *parts;
};

static size_t carve(const jd_call *c, convlstm_space *s, void *base)
{
    const volume v = volume_of(c);
    const int64_t places = v.B * v.Y * v.X, rows = v.T * places, k = c->in_type[3].dim[1];
    const size_t dw = conv_dw_scratch(4 * v.C, k * k * v.N, rows), dr = conv_dw_scratch(4 * v.C, k * k * v.C, rows);
    jd_pieces m = {static_cast<char *>(base), 0};
    s->delta = m.take<float>(rows * 4 * v.C);
    s->dh = m.take<float>(places * v.C);
    s->dc = m.take<float>(places * v.C);
    s->before = m.take<float>(rows * v.C);
    s->x = m.take<float>(c->in_type[1].rank >= 0 ? rows * v.N : 0);
    s->sums = m.take<float>(jd_column_parts(rows) * 4 * v.C);
    s->parts = m.take<char>((int64_t)(dw > dr ? dw : dr));
    return m.used;
}

static size_t scratch_convlstm_grad(const jd_call *c)
{
    convlstm_space s;
    return carve(c, &s, NULL);
}

/* dx, dW, dR, db from the errors of all planes. */
static int products(jd_cu *d, const jd_call *c, const convlstm_back &l, const convlstm_space &s)
{
    const volume &v = l.v;
    const conv in = planes(v, &c->in_type[2]), back = planes(v, &c->in_type[3]);
    const int64_t YX = v.Y * v.X, G = 4 * v.C, rows = v.T * v.B * YX;
    float *dx = jd_attr<jd_convlstm_attr>(c)->need_dx ? jd_out<float>(c, 0) : NULL;
    const float *x = v.size ? s.x : jd_in<float>(c, 0);
    if (v.size && v.N && clear(d, v, jd_in<float>(c, 0), s.x, v.N)) return 1;
    if (conv_dw(d, in, l.delta, x, rows, jd_out<float>(c, 1), s.parts) ||
        JD_LAUNCH(d, planes_before, jd_grid(rows * v.C), JD_BLOCK, 0, l, s.before) ||
        conv_dw(d, back, l.delta, s.before, rows, jd_out<float>(c, 2), s.parts) ||
        jd_column_sums(d, l.delta, rows, G, G, jd_out<float>(c, 3), s.sums))
        return 1;
    if (!dx) return 0;
    return gemm_launch(d, "convlstm_dx", shadow{l.delta, in}, tap{jd_in<float>(c, 2), in},
                       jd_store{dx, v.N, NULL, 0, false}, rows, v.N, (int64_t)in.kh * in.kw * G) ||
           (v.size && v.N && clear(d, v, dx, dx, v.N));
}

static int launch_convlstm_grad(jd_cu *d, const jd_call *c)
{
    convlstm_space s;
    carve(c, &s, c->scratch);
    const convlstm_back l = {
        volume_of(c), jd_in<float>(c, 5), jd_in<float>(c, 6), jd_in<float>(c, 7), jd_in<float>(c, 8), s.delta, s.dh,
        s.dc};
    const volume &v = l.v;
    const conv back = planes(v, &c->in_type[3]);
    const int64_t YX = v.Y * v.X, G = 4 * v.C, places = v.B * YX, rows = v.T * places;
    if (!rows) {
        for (int k = 0; k < c->nout; k++)
            if (jd_zero(d, c->out[k], (size_t)jd__count(&c->out_type[k]) * sizeof(float))) return 1;
        return 0;
    }
    if (jd_zero(d, s.delta, (size_t)(rows * G) * sizeof(float)) ||
        jd_zero(d, s.dh, (size_t)(places * v.C) * sizeof(float)) ||
        jd_zero(d, s.dc, (size_t)(places * v.C) * sizeof(float)))
        return 1;
    for (int64_t t = v.T; t-- > 0;) {
        const of_step<shadow> now = {{s.delta, back}, v, t, YX * G};
        if (JD_LAUNCH(d, errors_of, jd_grid(places * v.C), JD_BLOCK, 0, l, t)) return 1;
        if (t && gemm_launch(d, "convlstm_back", now, tap{jd_in<float>(c, 3), back},
                             jd_store{s.dh, v.C, NULL, 0, false}, places, v.C, (int64_t)back.kh * back.kw * G))
            return 1;
    }
    return products(d, c, l, s);
}

const jd_cu_op jd_cu_convlstm = {"convlstm planes", launch_convlstm, scratch_convlstm, fits, NULL};
const jd_cu_op jd_cu_convlstm_grad = {"convlstm planes back", launch_convlstm_grad, scratch_convlstm_grad, fits, NULL};
