/* mdlstm.cuh - the geometry of the n-dimensional LSTM on the device; see ops/mdlstm.h for scan coordinates. */
#ifndef JD_CUDA_MDLSTM_CUH
#define JD_CUDA_MDLSTM_CUH

#include "cuda/recurrent.cuh"

enum { JD_MD_MOST = 3, JD_MD_SCANS = 8 };

struct jd_grid_of {
    int n, D;
    uint8_t dir[JD_MD_SCANS];
    int64_t B, P, dim[JD_MD_MOST], stride[JD_MD_MOST], N, H, G;
    int64_t lines; /* points of all dimensions but the last: what a diagonal holds at most */
    const int32_t *size;
    __device__ int64_t extent(int64_t b, int e) const
    {
        if (e >= n) return 1;
        const int64_t want = size ? size[b * n + e] : dim[e];
        return want < 0 ? 0 : want < dim[e] ? want : dim[e];
    }
};

/* A point in scan coordinates. */
struct jd_point {
    int64_t b, at[JD_MD_MOST], ext[JD_MD_MOST];
    bool inside;
};

/* Item `item` of diagonal w: sample item / lines, and the line. */
static __device__ inline jd_point jd_point_of(const jd_grid_of &g, int64_t item, int64_t w)
{
    jd_point p;
    p.b = item / g.lines;
    p.inside = p.b < g.B;
    for (int e = 0; e < JD_MD_MOST; e++) {
        p.ext[e] = p.inside ? g.extent(p.b, e) : 0;
        p.at[e] = 0;
    }
    int64_t rest = item % g.lines;
    for (int e = g.n - 1; e-- > 0; rest /= g.dim[e]) {
        p.at[e] = rest % g.dim[e];
        w -= p.at[e];
    }
    p.at[g.n - 1] = w;
    for (int e = 0; e < g.n; e++) p.inside = p.inside && p.at[e] >= 0 && p.at[e] < p.ext[e];
    return p;
}

/* Its row among the B P of the arrays, `step` away in dimension e; -1 outside the sample. */
static __device__ inline int64_t jd_row_of(const jd_grid_of &g, const jd_point &p, int s, int e, int step)
{
    int64_t row = p.b * g.P;
    if (!p.inside) return -1;
    for (int k = 0; k < g.n; k++) {
        const int64_t at = p.at[k] + (k == e ? step : 0);
        if (at < 0 || at >= p.ext[k]) return -1;
        row += (g.dir[s] >> k & 1 ? p.ext[k] - 1 - at : at) * g.stride[k];
    }
    return row;
}

static inline jd_grid_of jd_grid_for(const jd_call *c)
{
    const jd_mdlstm_attr *a = jd_attr<jd_mdlstm_attr>(c);
    const jd_type *x = &c->in_type[0];
    jd_grid_of g = {};
    g.n = a->n;
    g.B = x->dim[0];
    g.P = 1;
    g.N = x->dim[a->n + 1];
    for (int e = g.n; e-- > 0;) {
        g.dim[e] = x->dim[e + 1];
        g.stride[e] = g.P;
        g.P *= g.dim[e];
    }
    for (int s = 0; s < JD_MD_SCANS; s++)
        if (a->directions >> s & 1) g.dir[g.D++] = (uint8_t)s;
    g.H = c->in_type[3].dim[1] / g.n;
    g.G = (g.n + 3) * g.H;
    g.lines = g.dim[g.n - 1] ? g.P / g.dim[g.n - 1] : 0;
    g.size = jd_in<int32_t>(c, 1);
    return g;
}

static inline int64_t jd_diagonals(const jd_grid_of &g)
{
    int64_t w = 1;
    for (int e = 0; e < g.n; e++) w += g.dim[e] - 1;
    return w;
}

static inline dim3 jd_md_grid(const jd_grid_of &g)
{
    return dim3((unsigned)((g.B * g.lines + JD_REC_TILE - 1) / JD_REC_TILE),
                (unsigned)((g.H + JD_REC_TILE - 1) / JD_REC_TILE), (unsigned)g.D);
}

/* Zeroes the rows (n elements) of points outside their samples. */
int jd_md_clear(jd_cu *d, const jd_grid_of &g, float *x, int64_t n);

#endif
