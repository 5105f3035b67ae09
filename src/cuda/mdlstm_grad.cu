/* mdlstm_grad.cu - back-propagation through mdlstm.cu, diagonal by diagonal from the end; formulas: ops/mdlstm_grad.c. */
#include "cuda/mdlstm.cuh"

struct md_back {
    jd_grid_of g;
    const float *R, *peep, *y, *gates, *cells, *dy;
    float *delta; /* (B P, D G) */
    float *dc;    /* (B P, D H): the whole error of the cells */
    float clip;
    int in_squash, out_squash;
};

struct md_column {
    static constexpr bool k_inner = false;
    const float *R; /* from column e H on */
    int64_t row;
    __device__ float at(int, int64_t u, int64_t k) const { return R[k * row + u]; }
};

static __device__ inline float clipped(float most, float x)
{
    if (!(most > 0)) return x;
    return x > most ? most : x < -most ? -most : x;
}

/* The error of the cell that the successors send back along their forget gates and peepholes. */
template <int n> static __device__ inline float from_cells(const md_back &l, const jd_point &p, int d, int64_t u)
{
    const jd_grid_of &g = l.g;
    const float *peep = l.peep ? l.peep + d * (n + 2) * g.H + u : nullptr;
    float dc = 0;
    for (int e = 0; e < n; e++) {
        const int64_t next = jd_row_of(g, p, d, e, 1);
        if (next < 0) continue;
        const float *gate = l.gates + (next * g.D + d) * g.G + u, *delta = l.delta + (next * g.D + d) * g.G + u;
        dc += l.dc[(next * g.D + d) * g.H + u] * gate[(1 + e) * g.H];
        if (peep) dc += peep[0] * delta[0] + peep[(1 + e) * g.H] * delta[(1 + e) * g.H];
    }
    return dc;
}

template <int n> static __global__ void __launch_bounds__(JD_REC_THREADS) diagonal_back(md_back l, int64_t w)
{
    __shared__ const float *rows[n][JD_REC_TILE];
    const jd_grid_of &g = l.g;
    const int64_t item0 = (int64_t)blockIdx.x * JD_REC_TILE, u0 = (int64_t)blockIdx.y * JD_REC_TILE, H = g.H;
    const int d = (int)blockIdx.z, at = (int)threadIdx.x / JD_REC_TILE;
    for (int e = 0; e < n; e++)
        jd_rec_rows(rows[e], item0, g.B * g.lines, [&](int64_t item) -> const float * {
            const int64_t next = jd_row_of(g, jd_point_of(g, item, w), d, e, 1);
            return next < 0 ? nullptr : l.delta + (next * g.D + d) * g.G;
        });
    float dh = 0;
    for (int e = 0; e < n; e++)
        jd_rec_sums<1>(rows[e], md_column{l.R + d * g.G * n * H + e * H, n * H}, u0, H, g.G, &dh);
    const jd_point p = jd_point_of(g, item0 + at, w);
    const int64_t u = u0 + threadIdx.x % JD_REC_TILE, row = jd_row_of(g, p, d, 0, 0);
    if (row < 0 || u >= H) return;
    const int64_t cell = (row * g.D + d) * H + u;
    const float *gate = l.gates + (row * g.D + d) * g.G + u;
    float *delta = l.delta + (row * g.D + d) * g.G + u;
    const float i = gate[0], z = gate[(n + 1) * H], o = gate[(n + 2) * H],
                s = jd_squash_of(l.out_squash, l.cells[cell]);
    dh += l.dy[cell];
    const float d_o = clipped(l.clip, dh * s * o * (1 - o));
    float dc = from_cells<n>(l, p, d, u) + dh * o * jd_squash_slope(l.out_squash, s);
    if (l.peep) dc += l.peep[d * (n + 2) * H + (n + 1) * H + u] * d_o;
    delta[0] = clipped(l.clip, dc * z * i * (1 - i));
    delta[(n + 1) * H] = clipped(l.clip, dc * i * jd_squash_slope(l.in_squash, z));
    delta[(n + 2) * H] = d_o;
    for (int e = 0; e < n; e++) {
        const int64_t before = jd_row_of(g, p, d, e, -1);
        const float f = gate[(1 + e) * H], old = before < 0 ? 0 : l.cells[(before * g.D + d) * H + u];
        delta[(1 + e) * H] = clipped(l.clip, dc * old * f * (1 - f));
    }
    l.dc[cell] = dc;
}

/* The row before row `row` of direction d in dimension e, or -1. */
static __device__ inline int64_t row_before(const jd_grid_of &g, int64_t row, int d, int e)
{
    const int64_t b = row / g.P, at = row % g.P / g.stride[e] % g.dim[e];
    for (int k = 0; k < g.n; k++)
        if (row % g.P / g.stride[k] % g.dim[k] >= g.extent(b, k)) return -1;
    const bool turned = g.dir[d] >> e & 1;
    if (turned ? at + 1 >= g.extent(b, e) : at == 0) return -1;
    return turned ? row + g.stride[e] : row - g.stride[e];
}

/* to (B P, n H): the outputs of the predecessors of direction d. */
static __global__ void outputs_before(md_back l, int d, float *to)
{
    const jd_grid_of &g = l.g;
    JD_EACH(k, g.B * g.P * g.n * g.H)
    {
        const int64_t u = k % g.H, row = k / (g.n * g.H);
        const int64_t before = row_before(g, row, d, (int)(k / g.H % g.n));
        to[k] = before < 0 ? 0 : l.y[(before * g.D + d) * g.H + u];
    }
}

/* to (B P, (n + 2) H): the terms of the gradient of the peepholes. */
static __global__ void md_peephole_terms(md_back l, int d, float *to)
{
    const jd_grid_of &g = l.g;
    JD_EACH(k, g.B * g.P * g.H)
    {
        const int64_t row = k / g.H, u = k % g.H, H = g.H;
        const float *delta = l.delta + (row * g.D + d) * g.G + u;
        float *t = to + row * (g.n + 2) * H + u, in = 0;
        for (int e = 0; e < g.n; e++) {
            const int64_t before = row_before(g, row, d, e);
            const float old = before < 0 ? 0 : l.cells[(before * g.D + d) * H + u];
            in += delta[0] * old;
            t[(1 + e) * H] = delta[(1 + e) * H] * old;
        }
        t[0] = in;
        t[(g.n + 1) * H] = delta[(g.n + 2) * H] * l.cells[(row * g.D + d) * H + u];
    }
}

struct md_space {
    float *delta, *dc, *before, *terms, *sums;
};

static size_t carve(const jd_call *c, md_space *s, void *base)
{
    const jd_grid_of g = jd_grid_for(c);
    const int64_t rows = g.B * g.P;
    const bool peep = c->in_type[5].rank >= 0;
    jd_pieces m = {static_cast<char *>(base), 0};
    s->delta = m.take<float>(rows * g.D * g.G);
    s->dc = m.take<float>(rows * g.D * g.H);
    s->before = m.take<float>(rows * g.n * g.H);
    s->terms = m.take<float>(peep ? rows * (g.n + 2) * g.H : 0);
    s->sums = m.take<float>(jd_column_parts(rows) * g.D * g.G);
    return m.used;
}

static size_t scratch_mdlstm_grad(const jd_call *c)
{
    md_space s;
    return carve(c, &s, NULL);
}

/* The gradients of R and of the peepholes of direction k. */
static int direction(jd_cu *d, const jd_call *c, const md_back &l, const md_space &s, int k)
{
    const jd_grid_of &g = l.g;
    const int64_t rows = g.B * g.P, nH = g.n * g.H, peeps = (g.n + 2) * g.H;
    const jd_product dR = {
        true, false, g.G,  nH, rows, s.delta + k * g.G, g.D * g.G, s.before, nH, jd_out<float>(c, 2) + k * g.G * nH,
        nH,   false, NULL, 0};
    if (JD_LAUNCH(d, outputs_before, jd_grid(rows * nH), JD_BLOCK, 0, l, k, s.before) || jd_gemm(d, dR)) return 1;
    if (!l.peep) return 0;
    return JD_LAUNCH(d, md_peephole_terms, jd_grid(rows * g.H), JD_BLOCK, 0, l, k, s.terms) ||
           jd_column_sums(d, s.terms, rows, peeps, peeps, jd_out<float>(c, 4) + k * peeps, s.sums);
}

static int launch_mdlstm_grad(jd_cu *d, const jd_call *c)
{
    const jd_mdlstm_attr *a = jd_attr<jd_mdlstm_attr>(c);
    const jd_grid_of g = jd_grid_for(c);
    md_space s;
    carve(c, &s, c->scratch);
    const md_back l = {g,
                       jd_in<float>(c, 3),
                       jd_in<float>(c, 5),
                       jd_in<float>(c, 6),
                       jd_in<float>(c, 7),
                       jd_in<float>(c, 8),
                       jd_in<float>(c, 9),
                       s.delta,
                       s.dc,
                       a->clip,
                       a->in_squash,
                       a->out_squash};
    const int64_t rows = g.B * g.P;
    if (!rows) {
        for (int k = 0; k < c->nout; k++)
            if (jd_zero(d, c->out[k], (size_t)jd__count(&c->out_type[k]) * sizeof(float))) return 1;
        return 0;
    }
    for (int64_t w = jd_diagonals(g); w-- > 0;) {
        const int bad = g.n == 1   ? JD_LAUNCH(d, diagonal_back<1>, jd_md_grid(g), JD_REC_THREADS, 0, l, w)
                        : g.n == 2 ? JD_LAUNCH(d, diagonal_back<2>, jd_md_grid(g), JD_REC_THREADS, 0, l, w)
                                   : JD_LAUNCH(d, diagonal_back<3>, jd_md_grid(g), JD_REC_THREADS, 0, l, w);
        if (bad) return 1;
    }
    if (jd_md_clear(d, g, s.delta, g.D * g.G)) return 1;
    for (int k = 0; k < g.D; k++)
        if (direction(d, c, l, s, k)) return 1;
    return jd_rec_input_grads(d, c, s.delta, g.D * g.G, rows, g.D * g.G, a->need_dx ? jd_out<float>(c, 0) : NULL,
                              jd_out<float>(c, 1), jd_out<float>(c, 3), s.sums);
}

const jd_cu_op jd_cu_mdlstm_grad = {"mdlstm diagonals back", launch_mdlstm_grad, scratch_mdlstm_grad, NULL, NULL};
