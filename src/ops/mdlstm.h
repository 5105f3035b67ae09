/*
 * mdlstm.h - the geometry of the n-dimensional LSTM: sizes, points, and the scratch memory of the fast kernels.
 *
 * A scan of direction s sees a sample in scan coordinates c: dimension e of the array is c_e, or ext_e - 1 - c_e where
 * bit e of s is set.  In scan coordinates every scan runs upwards from 0, and predecessors are one step down.
 */
#ifndef JD_OPS_MDLSTM_H
#define JD_OPS_MDLSTM_H

#include "ops/gemm_size.h"
#include "ops/recurrent.h"

enum { JD_MD_DIMS = 3, JD_MD_DIRS = 8 };

typedef struct jd_md {
    int n, D; /* dimensions, directions */
    uint8_t dir[JD_MD_DIRS];
    size_t B, P; /* samples, points of the array */
    size_t dim[JD_MD_DIMS], stride[JD_MD_DIMS];
    size_t N, H, G; /* inputs, cells, gate rows of one direction: (n + 3) H */
    const int32_t *size;
    bool errors; /* backward: those of all points are kept */
} jd_md;

static inline bool jd__md_along(const jd_md *z);
static inline jd_md jd__md(const jd_call *c)
{
    const jd_mdlstm_attr *a = c->attr;
    const jd_type *x = &c->in_type[0];
    jd_md z = {.n = a->n, .B = (size_t)x->dim[0], .P = 1, .N = (size_t)x->dim[a->n + 1]};
    for (int e = a->n; e-- > 0;) {
        z.dim[e] = (size_t)x->dim[e + 1];
        z.stride[e] = z.P;
        z.P *= z.dim[e];
    }
    for (int s = 0; s < JD_MD_DIRS; s++)
        if (a->directions >> s & 1) z.dir[z.D++] = (uint8_t)s;
    z.H = (size_t)c->in_type[3].dim[1] / (size_t)a->n;
    z.G = (size_t)(a->n + 3) * z.H;
    z.errors = a->need_dx || !jd__md_along(&z);
    return z;
}

/* The extents of sample b, 1 in the dimensions that do not exist; false when it has no points. */
static inline bool jd__md_extent(const jd_md *z, size_t b, size_t ext[JD_MD_DIMS])
{
    bool any = true;
    for (int e = 0; e < JD_MD_DIMS; e++) {
        ext[e] = e < z->n ? z->dim[e] : 1;
        if (e < z->n && z->size) {
            const int32_t want = z->size[b * (size_t)z->n + (size_t)e];
            if (want < 0)
                ext[e] = 0;
            else if ((size_t)want < ext[e])
                ext[e] = (size_t)want;
        }
        any = any && ext[e] > 0;
    }
    return any;
}

/* The point's place among the P of its sample, from scan coordinates in direction s. */
static inline size_t jd__md_place(const jd_md *z, int s, const size_t ext[JD_MD_DIMS], const size_t at[JD_MD_DIMS])
{
    size_t place = 0;
    for (int e = 0; e < z->n; e++) place += (s >> e & 1 ? ext[e] - 1 - at[e] : at[e]) * z->stride[e];
    return place;
}

/* The next point in row-major order of scan coordinates (or the one before); false after the last. */
static inline bool jd__md_next(const size_t ext[JD_MD_DIMS], size_t at[JD_MD_DIMS])
{
    for (int e = JD_MD_DIMS; e-- > 0;) {
        if (++at[e] < ext[e]) return true;
        at[e] = 0;
    }
    return false;
}
static inline bool jd__md_before(const size_t ext[JD_MD_DIMS], size_t at[JD_MD_DIMS])
{
    for (int e = JD_MD_DIMS; e-- > 0;) {
        if (at[e]-- > 0) return true;
        at[e] = ext[e] - 1;
    }
    return false;
}

/* ---- scratch memory of the fast kernels ---------------------------------------------------------------------------------
 * Lines of points are lanes, see cpu/wave.h.  The states of a crew are (lanes,H), with room on both sides that neighbours
 * outside the crew are read from. */
enum {
    JD_MD_OVER = 16,     /* floats that whole vectors may reach over an end */
    JD_MD_CREW = 32,     /* units of all lanes of a crew of several samples... */
    JD_MD_WIDE = 64,     /* ...and lanes, from JD_MD_CELLS on: more of them share what is loaded of the weights */
    JD_MD_GROUP = 24,    /* so many lanes are computed at a time, or more where a lane is small: */
    JD_MD_FLOATS = 2048, /* until so many floats of gates */
    JD_MD_BLOCK = 256,   /* points that the weight gradients take in at a time */
    JD_MD_CELLS = 16,    /* so many cells make it worthwhile... */
    JD_MD_PARTS = 8,     /* ...to sum weight gradients during the scans, in so many parts of the batch */
};

/* Lines of one sample, and how many lines lie between a point and its farthest predecessor. */
static inline size_t jd__md_lines(const jd_md *z)
{
    return z->n == 1 ? 1 : z->n == 2 ? z->dim[0] : z->dim[0] * z->dim[1];
}
/* Samples of a crew; their lanes stand side by side: lane = line * samples + sample. */
static inline size_t jd__md_samples(const jd_md *z)
{
    const size_t lines = jd__md_lines(z), crew = z->H < JD_MD_CELLS ? JD_MD_CREW / z->H : JD_MD_WIDE;
    const size_t most = lines && lines < crew ? crew / lines : 1;
    return z->B < most ? z->B : most;
}
/* Whether the weight gradients are summed during the scans, while the errors are in the cache. */
static inline bool jd__md_along(const jd_md *z)
{
    return z->B > 1 && z->n > 1 && z->H >= JD_MD_CELLS;
}
/* Sums of the weight gradients of one direction, each of the crews from jd__md_part on. */
static inline size_t jd__md_parts(const jd_md *z)
{
    const size_t S = jd__md_samples(z), crews = S ? (z->B + S - 1) / S : 1;
    return !jd__md_along(z) ? 1 : crews < JD_MD_PARTS ? crews : JD_MD_PARTS;
}
/* The first sample of a part; of the one past the last: all samples. */
static inline size_t jd__md_part(const jd_md *z, size_t part)
{
    const size_t S = jd__md_samples(z), b = (z->B + S - 1) / S * part / jd__md_parts(z) * S;
    return b < z->B ? b : z->B;
}
static inline size_t jd__md_margin(const jd_md *z) /* lanes */
{
    return (z->n > 2 ? z->dim[1] : 1) * jd__md_samples(z);
}
/* Floats of one state of all lanes, margins included. */
static inline size_t jd__md_width(const jd_md *z)
{
    return (jd__md_lines(z) * jd__md_samples(z) + 2 * jd__md_margin(z)) * z->H;
}
/* Floats between rows of a product's n results: small rows do not reach into a second line of memory. */
static inline size_t jd__md_row(size_t n)
{
    return n < JD_MD_OVER ? JD_MD_OVER : n;
}
/* Floats of what flows back to all lanes through a state, margins included. */
static inline size_t jd__md_back(const jd_md *z)
{
    return (jd__md_lines(z) * jd__md_samples(z) + 2 * jd__md_margin(z)) * jd__md_row((size_t)z->n * z->H);
}
static inline size_t jd__md_group(const jd_md *z) /* lanes */
{
    const size_t all = jd__md_lines(z) * jd__md_samples(z), small = JD_MD_FLOATS / (z->G ? z->G : 1);
    const size_t most = small > JD_MD_GROUP ? small : JD_MD_GROUP;
    return all < most ? all : most;
}
/* Floats between the gates of a group, whose matrices are (n+3, lanes H). */
static inline size_t jd__md_flat(const jd_md *z)
{
    return jd__md_group(z) * z->H + JD_MD_OVER;
}
/* Sums of one sample in one direction: of the errors of the gates, and of the peepholes' gradients. */
static inline size_t jd__md_sums(const jd_md *z)
{
    return z->G + (size_t)(z->n + 2) * z->H;
}

typedef struct jd_md_space {
    /* shared by the team */
    float *weights; /* packed: [W | R]' of each direction, or R */
    float *delta;   /* backward: (D, B P, G) errors; with jd__md_along for dx only */
    float *sums;    /* backward: (D, B, jd__md_sums) */
    float *product; /* backward: (D, jd__md_parts, G, N + n H) gradients of [W | R] */
    float *gemm;    /* backward: scratch of the product for dx */
    /* one piece of `each` bytes a member */
    char *own;
    size_t each;
    size_t weights_step; /* floats of one direction */
} jd_md_space;

/* One direction of a scan. */
typedef struct jd_md_side {
    ptrdiff_t *row,
        along;          /* of each lane: the row it would stand on in step 0; rows from a point to the next: 1 or -1 */
    ptrdiff_t aside;    /* rows from a lane's point to the next lane's */
    ptrdiff_t *at;      /* rows of a group's points in this step, -1: none */
    float *h[2], *c[2]; /* states of two steps, (H); backward: what flows back: h (jd__md_row(n H)), c (n,width) */
    float *cell[2];     /* backward: cells of two steps */
    float *total;       /* backward: (jd__md_sums / H, width) */
    float *peep;        /* (n+2, jd__md_flat) peepholes of the lanes of a group */
    float *pre;         /* a group's pre-activations or errors, lane by lane */
    float *gates, *old; /* (n+3, jd__md_flat), (n, jd__md_flat) cells of predecessors */
    float *flow, *dh;   /* backward: (n, jd__md_flat) errors of successors' cells and states */
    float *delta, *dy;  /* backward: (n+3, jd__md_flat), (jd__md_flat) */
} jd_md_side;

/* The piece of one member. */
typedef struct jd_md_own {
    /* of each lane: the first and last step in which it has a point, and in which dimensions (bits) there is a line
     * before and after it */
    int32_t *first, *last;
    uint8_t *low, *high;
    jd_md_side side;
    float *in;              /* a group's left side of the product, lane by lane */
    ptrdiff_t *at;          /* rows of the neighbours of a group */
    float *zero;            /* a row of zeros */
    float *rows_a, *rows_b; /* backward: a block of errors, and of what they meet */
} jd_md_own;

size_t jd__md_own(const jd_md *z, bool grad, void *base, jd_md_own *o);
size_t jd__md_space(const jd_md *z, bool grad, int threads, void *base, jd_md_space *s);

#endif
