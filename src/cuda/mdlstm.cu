/*
 * mdlstm.cu - the LSTM in one to three dimensions, all directions at once (ops/mdlstm.c): one product for all inputs, then
 * one kernel for each diagonal, whose points do not depend on one another.
 */
#include "cuda/mdlstm.cuh"

struct mdlstm {
    jd_grid_of g;
    const float *R, *peep;
    float *y, *gates, *cells;
    int in_squash, out_squash;
};

/* Rows of gate g and unit u of R (G, n H), columns of predecessor e. */
struct md_row {
    static constexpr bool k_inner = true;
    const float *R; /* from column e H on */
    int64_t H, row;
    __device__ float at(int g, int64_t u, int64_t k) const { return R[(g * H + u) * row + k]; }
};

static __global__ void clear_outside(jd_grid_of g, float *x, int64_t n)
{
    JD_EACH(e, g.B * g.P * n)
    {
        const int64_t b = e / n / g.P, p = e / n % g.P;
        bool inside = true;
        for (int k = 0; k < g.n; k++) inside = inside && p / g.stride[k] % g.dim[k] < g.extent(b, k);
        if (!inside) x[e] = 0;
    }
}

int jd_md_clear(jd_cu *d, const jd_grid_of &g, float *x, int64_t n)
{
    const int64_t all = g.B * g.P * n;
    if (!g.size || !all) return 0;
    return JD_LAUNCH(d, clear_outside, jd_grid(all), JD_BLOCK, 0, g, x, n);
}

template <int n> static __global__ void __launch_bounds__(JD_REC_THREADS) diagonal(mdlstm l, int64_t w)
{
    __shared__ const float *rows[n][JD_REC_TILE];
    const jd_grid_of &g = l.g;
    const int64_t item0 = (int64_t)blockIdx.x * JD_REC_TILE, u0 = (int64_t)blockIdx.y * JD_REC_TILE, H = g.H;
    const int d = (int)blockIdx.z, i = (int)threadIdx.x / JD_REC_TILE;
    for (int e = 0; e < n; e++)
        jd_rec_rows(rows[e], item0, g.B * g.lines, [&](int64_t item) -> const float * {
            const int64_t before = jd_row_of(g, jd_point_of(g, item, w), d, e, -1);
            return before < 0 ? nullptr : l.y + (before * g.D + d) * H;
        });
    float sum[n + 3] = {};
    for (int e = 0; e < n; e++)
        jd_rec_sums<n + 3>(rows[e], md_row{l.R + d * g.G * n * H + e * H, H, n * H}, u0, H, H, sum);
    const jd_point p = jd_point_of(g, item0 + i, w);
    const int64_t u = u0 + threadIdx.x % JD_REC_TILE, row = jd_row_of(g, p, d, 0, 0);
    if (row < 0 || u >= H) return;
    float *gate = l.gates + (row * g.D + d) * g.G + u, old[n];
    const float *peep = l.peep ? l.peep + d * (n + 2) * H + u : nullptr;
    float in = gate[0] + sum[0];
    for (int e = 0; e < n; e++) {
        const int64_t before = jd_row_of(g, p, d, e, -1);
        old[e] = before < 0 ? 0 : l.cells[(before * g.D + d) * H + u];
        if (peep) in += peep[0] * old[e];
    }
    in = jd_sigmoidf(in);
    const float z = jd_squash_of(l.in_squash, gate[(n + 1) * H] + sum[n + 1]);
    float next = z * in;
    for (int e = 0; e < n; e++) {
        const float f = jd_sigmoidf(gate[(1 + e) * H] + sum[1 + e] + (peep ? peep[(1 + e) * H] * old[e] : 0));
        gate[(1 + e) * H] = f;
        next = fmaf(old[e], f, next);
    }
    const float o = jd_sigmoidf(gate[(n + 2) * H] + sum[n + 2] + (peep ? peep[(n + 1) * H] * next : 0));
    gate[0] = in;
    gate[(n + 1) * H] = z;
    gate[(n + 2) * H] = o;
    l.cells[(row * g.D + d) * H + u] = next;
    l.y[(row * g.D + d) * H + u] = o * jd_squash_of(l.out_squash, next);
}

static int launch_mdlstm(jd_cu *d, const jd_call *c)
{
    const jd_mdlstm_attr *a = jd_attr<jd_mdlstm_attr>(c);
    const jd_grid_of g = jd_grid_for(c);
    const mdlstm l = {g,
                      jd_in<float>(c, 3),
                      jd_in<float>(c, 5),
                      jd_out<float>(c, 0),
                      jd_out<float>(c, 1),
                      jd_out<float>(c, 2),
                      a->in_squash,
                      a->out_squash};
    const int64_t DG = g.D * g.G;
    const jd_product input = {
        false, true,  g.B * g.P,          DG, g.N, jd_in<float>(c, 0), g.N, jd_in<float>(c, 2), g.N, l.gates,
        DG,    false, jd_in<float>(c, 4), 0};
    if (g.B * g.P == 0) return 0;
    if (jd_gemm(d, input)) return 1;
    for (int64_t w = 0; w < jd_diagonals(g); w++) {
        const int bad = g.n == 1   ? JD_LAUNCH(d, diagonal<1>, jd_md_grid(g), JD_REC_THREADS, 0, l, w)
                        : g.n == 2 ? JD_LAUNCH(d, diagonal<2>, jd_md_grid(g), JD_REC_THREADS, 0, l, w)
                                   : JD_LAUNCH(d, diagonal<3>, jd_md_grid(g), JD_REC_THREADS, 0, l, w);
        if (bad) return 1;
    }
    return jd_md_clear(d, g, l.y, g.D * g.H) || jd_md_clear(d, g, l.gates, DG) || jd_md_clear(d, g, l.cells, g.D * g.H);
}

const jd_cu_op jd_cu_mdlstm = {"mdlstm diagonals", launch_mdlstm, NULL, NULL, NULL};
