/* mdlstm.c - the multi-dimensional LSTM with its own parameters, and the hierarchy that is built from it. */
#include <math.h>

#include "layers/layers.h"

/* The default: the forget gates of all dimensions add up to 1 at first, so that the cell neither grows nor fades. */
static double forget_bias(double given, int n)
{
    if (given != 0) return given;
    return n == 1 ? 1 : -log((double)(n - 1));
}

static jd_node sequence_first(jd_graph *g, jd_node x)
{
    return jd_transpose(g, x, (int[]){1, 0, 2});
}

static jd_node sum_of_directions(jd_graph *g, jd_node y, int D, int64_t H)
{
    const int rank = jd_rank(g, y);
    jd_dims d = {rank + 1, {0}};
    for (int i = 0; i + 1 < rank; i++) d.dim[i] = jd_dim(g, y, i);
    d.dim[rank - 1] = D;
    d.dim[rank] = H;
    return jd_sum(g, jd_reshape(g, y, d), JD_AXIS(rank - 1), false);
}

jd_node jd_mdlstm_opt(jd_graph *g, const char *name, jd_node x, jd_mdlstm_options o)
{
    if (!x.id || !jd__size_ok(g, name, ".units", o.units)) return JD_NONE;
    const int rank = jd_rank(g, x), n = rank - 2;
    const int64_t H = o.units;
    if (n < 1 || n > 3) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE,
                "%s: a multi-dimensional LSTM needs (T,B,C), (B,H,W,C) or (B,D,H,W,C), but its input has rank %d", name,
                rank);
        return JD_NONE;
    }
    const unsigned directions = o.directions ? o.directions : (1u << (1 << n)) - 1;
    const int64_t D = __builtin_popcount(directions), G = (n + 3) * H;
    if (n == 1) x = sequence_first(g, x);
    jd_node size = o.size;
    if (size.id && n == 1 && jd_rank(g, size) == 1) size = jd_reshape(g, size, JD_DIMS(jd_dim(g, size, 0), 1));
    jd_init init = o.init;
    if (init.kind == JD_INIT_ZERO && init.scale == 0)
        init = (jd_init){.kind = JD_INIT_UNIFORM, .scale = 1 / sqrt((double)(n * H))};
    jd_scope_push(g, name);
    jd_mdlstm_args a = {.x = x,
                        .size = size,
                        .directions = directions,
                        .in_squash = o.in_squash,
                        .out_squash = o.out_squash,
                        .clip = o.clip};
    a.W = jd_param(g, "W", init, JD_DIMS(D * G, jd_dim(g, x, n + 1)));
    a.R = jd_param(g, "R", init, JD_DIMS(D * G, n * H));
    a.b = jd_param(g, "b", (jd_init){.kind = JD_INIT_LSTM_BIAS, .scale = forget_bias(o.forget_bias, n)},
                   JD_DIMS(D, n + 3, H));
    a.b = jd_reshape(g, a.b, JD_DIMS(D * G));
    if (o.peepholes) a.peep = jd_param(g, "peep", init, JD_DIMS(D * (n + 2) * H));
    jd_node y = jd_mdlstm_raw(g, a).y;
    jd_scope_pop(g);
    if (!y.id) return JD_NONE;
    if (o.sum) y = sum_of_directions(g, y, (int)D, H);
    return n == 1 ? sequence_first(g, y) : y;
}

/* ceil(size / block) for int32 (B,n): the first k with k block >= size. */
static jd_node block_sizes(jd_graph *g, jd_node size, const int64_t *block, const int64_t *blocks, int n)
{
    int64_t most = 0;
    jd_node scale[3];
    for (int e = 0; e < n; e++) {
        most = blocks[e] > most ? blocks[e] : most;
        scale[e] = jd_const(g, (double)block[e], JD_DIMS(1, 1));
    }
    const jd_node k = jd_reshape(g, jd_real_of(g, jd_iota(g, most + 1)), JD_DIMS(1, most + 1));
    const jd_node end = jd_affine(g, jd_mul(g, jd_concat(g, scale, n, 0), k), 1, 0.5); /* (n,most+1) */
    const jd_node have = jd_reshape(g, jd_real_of(g, size), JD_DIMS(jd_dim(g, size, 0), n, 1));
    return jd_argmax(g, jd_greater(g, jd_reshape(g, end, JD_DIMS(1, n, most + 1)), have));
}

jd_node jd_blocks_opt(jd_graph *g, jd_node x, jd_node *size, jd_blocks_options o)
{
    if (!x.id) return JD_NONE;
    const int n = jd_rank(g, x) - 2;
    const int64_t all[3] = {o.depth > 0 ? o.depth : 1, o.height > 0 ? o.height : 1, o.width > 0 ? o.width : 1};
    const int most = 1 << 14;
    if (n < 1 || n > 3 || o.depth < 0 || o.height < 0 || o.width < 0 || o.depth > most || o.height > most ||
        o.width > most) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE,
                "blocks: needs (B,W,C), (B,H,W,C) or (B,D,H,W,C) and sides from 1 to %d; the input has rank %d", most,
                n + 2);
        return JD_NONE;
    }
    const int64_t *block = all + 3 - n, C = jd_dim(g, x, n + 1);
    int64_t blocks[3], cells = C;
    jd_dims split = {2 * n + 2, {jd_dim(g, x, 0)}}, joined = {n + 2, {jd_dim(g, x, 0)}};
    int perm[JD_MAX_RANK] = {0};
    for (int e = 0; e < n; e++) {
        const int64_t have = jd_dim(g, x, e + 1);
        blocks[e] = (have + block[e] - 1) / block[e];
        if (blocks[e] * block[e] > have) x = jd_pad(g, x, e + 1, 0, blocks[e] * block[e] - have);
        split.dim[1 + 2 * e] = joined.dim[1 + e] = blocks[e];
        split.dim[2 + 2 * e] = block[e];
        if (__builtin_mul_overflow(cells, block[e], &cells)) {
            jd_fail(jd_graph_ctx(g), JD_EUSAGE, "blocks: too many channels in a block; take smaller sides");
            return JD_NONE;
        }
        perm[1 + e] = 1 + 2 * e;
        perm[1 + n + e] = 2 + 2 * e;
    }
    split.dim[2 * n + 1] = C;
    joined.dim[n + 1] = cells;
    perm[2 * n + 1] = 2 * n + 1;
    if (size && size->id) *size = block_sizes(g, *size, block, blocks, n);
    return jd_reshape(g, jd_transpose(g, jd_reshape(g, x, split), perm), joined);
}

jd_node jd_unblocks_opt(jd_graph *g, jd_node x, jd_blocks_options o)
{
    if (!x.id) return JD_NONE;
    const int n = jd_rank(g, x) - 2, rank = 2 * n + 2;
    const int64_t all[3] = {o.depth > 0 ? o.depth : 1, o.height > 0 ? o.height : 1, o.width > 0 ? o.width : 1};
    const int64_t *block = all + 3 - n, C = n >= 1 ? jd_dim(g, x, n + 1) : 0;
    int64_t cells = 1;
    bool fits = n >= 1 && n <= 3;
    for (int e = 0; fits && e < n; e++) {
        fits = block[e] <= C / cells;
        cells *= fits ? block[e] : 1;
    }
    if (!fits || C % cells) {
        jd_fail(
            jd_graph_ctx(g), JD_EUSAGE,
            "unblocks: needs (B,W,C), (B,H,W,C) or (B,D,H,W,C), C a multiple of the cells of a block; the input has "
            "rank %d and %lld channels",
            n + 2, (long long)C);
        return JD_NONE;
    }
    jd_dims split = {rank, {jd_dim(g, x, 0)}}, joined = {n + 2, {jd_dim(g, x, 0)}};
    int perm[JD_MAX_RANK] = {0};
    for (int e = 0; e < n; e++) {
        split.dim[1 + e] = jd_dim(g, x, 1 + e);
        split.dim[1 + n + e] = block[e];
        joined.dim[1 + e] = split.dim[1 + e] * block[e];
        perm[1 + 2 * e] = 1 + e;
        perm[2 + 2 * e] = 1 + n + e;
    }
    split.dim[rank - 1] = joined.dim[n + 1] = C / cells;
    perm[rank - 1] = rank - 1;
    return jd_reshape(g, jd_transpose(g, jd_reshape(g, x, split), perm), joined);
}

jd_node jd_collapse(jd_graph *g, jd_node x)
{
    if (!x.id) return JD_NONE;
    if (jd_rank(g, x) != 4) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "collapse: needs images (B,H,W,C), but the input has rank %d",
                jd_rank(g, x));
        return JD_NONE;
    }
    return sequence_first(g, jd_sum(g, x, JD_AXIS(1), false));
}
