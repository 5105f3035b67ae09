/*
 * gather.cu - rows of a table by index, the adjoint, and one-hot rows.
 *
 * The adjoint adds to each row of the table in the order of the input: every index finds the next one like it, and the
 * first of each kind walks along.
 */
#include "cuda/table.h"

static __global__ void rows_by_index(const float *table, const int32_t *index, float *y, int64_t V, int64_t E,
                                     int64_t n)
{
    JD_EACH(e, n * E)
    {
        const int32_t i = index[e / E];
        y[e] = i >= 0 && i < V ? table[i * E + e % E] : 0;
    }
}

static int launch_gather(jd_cu *d, const jd_call *c)
{
    const int64_t V = c->in_type[0].dim[0], E = c->in_type[0].dim[1], n = jd__count(&c->in_type[1]);
    if (!n || !E) return 0;
    return JD_LAUNCH(d, rows_by_index, jd_grid(n * E), JD_BLOCK, 0, jd_in<float>(c, 0), jd_in<int32_t>(c, 1),
                     jd_out<float>(c, 0), V, E, n);
}

/* next[i]: the next place with the same index, n for none; the first of its kind has bit 31. */
static __global__ void chain(const int32_t *index, uint32_t *next, int64_t n)
{
    JD_EACH(i, n)
    {
        const int32_t v = index[i];
        int64_t k = i + 1, before = i;
        while (k < n && index[k] != v) k++;
        while (before > 0 && index[before - 1] != v) before--;
        next[i] = (uint32_t)k | (before == 0 ? 0x80000000u : 0u);
    }
}

static __global__ void add_chains(const float *x, const int32_t *index, const uint32_t *next, float *table, int64_t V,
                                  int64_t E, int64_t n)
{
    JD_EACH(e, n * E)
    {
        int64_t i = e / E;
        const int32_t v = index[i];
        if (v < 0 || v >= V || !(next[i] & 0x80000000u)) continue;
        float sum = 0;
        for (; i < n; i = next[i] & 0x7fffffffu) sum += x[i * E + e % E];
        table[v * E + e % E] = sum;
    }
}

static int launch_scatter_add(jd_cu *d, const jd_call *c)
{
    const int64_t V = c->out_type[0].dim[0], E = c->out_type[0].dim[1], n = jd__count(&c->in_type[1]);
    uint32_t *next = static_cast<uint32_t *>(c->scratch);
    if (jd_zero(d, c->out[0], (size_t)(V * E) * sizeof(float))) return 1;
    if (!n || !E) return 0;
    return JD_LAUNCH(d, chain, jd_grid(n), JD_BLOCK, 0, jd_in<int32_t>(c, 1), next, n) ||
           JD_LAUNCH(d, add_chains, jd_grid(n * E), JD_BLOCK, 0, jd_in<float>(c, 0), jd_in<int32_t>(c, 1),
                     (const uint32_t *)next, jd_out<float>(c, 0), V, E, n);
}

static size_t scratch_scatter_add(const jd_call *c)
{
    return (size_t)jd__count(&c->in_type[1]) * sizeof(uint32_t);
}

static bool fits_scatter_add(const jd_call *c)
{
    return jd__count(&c->in_type[1]) < 1 << 20; /* every index looks at all others */
}

static __global__ void one_hot(const int32_t *index, float *y, int64_t depth, int64_t n)
{
    JD_EACH(e, n * depth) y[e] = index[e / depth] == e % depth ? 1.f : 0.f;
}

static int launch_onehot(jd_cu *d, const jd_call *c)
{
    const int64_t depth = jd_attr<jd_depth_attr>(c)->depth, n = jd__count(&c->in_type[0]);
    if (!n) return 0;
    return JD_LAUNCH(d, one_hot, jd_grid(n * depth), JD_BLOCK, 0, jd_in<int32_t>(c, 0), jd_out<float>(c, 0), depth, n);
}

const jd_cu_op jd_cu_gather = {"gather", launch_gather, NULL, NULL, NULL};
const jd_cu_op jd_cu_scatter_add = {"scatter_add", launch_scatter_add, scratch_scatter_add, fits_scatter_add, NULL};
const jd_cu_op jd_cu_onehot = {"onehot", launch_onehot, NULL, NULL, NULL};
