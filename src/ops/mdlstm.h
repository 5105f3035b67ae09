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
} jd_md;

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
 * Lines of points are handled in panels of JD_MD_LANES, see cpu/wave.h; a matrix of a panel is (rows, JD_MD_LANES), the
 * states of a crew are (H, jd__md_width). */
enum { JD_MD_LANES = 16, JD_MD_TILE = 6, JD_MD_GROUP = 8, JD_MD_BLOCK = 256, JD_MD_CREW = 64 };

static inline size_t jd__md_padded(size_t rows) /* two tiles at a time may be written */
{
    return (rows + 2 * JD_MD_TILE - 1) / (2 * JD_MD_TILE) * (2 * JD_MD_TILE);
}
/* Lanes of the largest crew, and the room beside them that neighbours outside the crew are read from. */
static inline size_t jd__md_crew(const jd_md *z)
{
    const size_t lines = z->n == 1 ? 1 : z->n == 2 ? z->dim[0] : z->dim[0] * z->dim[1];
    return (lines > JD_MD_CREW ? lines + JD_MD_LANES - 1 : JD_MD_CREW) / JD_MD_LANES * JD_MD_LANES;
}
static inline size_t jd__md_margin(const jd_md *z)
{
    const size_t far = z->n > 2 ? z->dim[1] : 1;
    return (far + JD_MD_LANES - 1) / JD_MD_LANES * JD_MD_LANES;
}
static inline size_t jd__md_width(const jd_md *z)
{
    return jd__md_crew(z) + 2 * jd__md_margin(z);
}
/* Floats of the longest row that a lane reads or writes, with the overhang of a vector. */
static inline size_t jd__md_row(const jd_md *z)
{
    return (z->G > z->N ? z->G : z->N) + JD_MD_LANES;
}
/* Sums of one sample in one direction: of the errors of the gates, and of the peepholes' gradients. */
static inline size_t jd__md_sums(const jd_md *z)
{
    return z->G + (size_t)(z->n + 2) * z->H;
}

typedef struct jd_md_space {
    /* shared by the team */
    float *weights; /* packed for lanes or rows: [W | R] of each direction, or R turned */
    float *start;   /* biases, padded */
    float *delta;   /* backward: (B P, D G) errors */
    float *sums;    /* backward: (D, B, jd__md_sums) */
    float *product; /* backward: (D G, N + n H) gradients of [W | R] */
    float *gemm;    /* backward: scratch of the product for dx */
    /* one piece of `each` bytes a member */
    char *own;
    size_t each;
    size_t weights_step; /* floats of one direction */
} jd_md_space;

/* The piece of one member. */
typedef struct jd_md_own {
    /* of each lane: the first and last step in which it has a point, the row it would stand on in step 0, and whether
     * there is a line before and after it in each dimension but the last; of each panel: its steps */
    int32_t *first, *last, *low[JD_MD_DIMS], *high[JD_MD_DIMS], *begin, *end;
    ptrdiff_t *row;
    float *h[2], *c[2];     /* (H,width) states of two steps; backward: (n H,width) what flows back, padded rows in h */
    float *cell[2];         /* backward: (H,width) cells of two steps */
    float *total;           /* backward: (sums,width) */
    float *in, *pre;        /* a group's right sides and results of the product */
    float *few;             /* the results of a few lanes, turned */
    float *side;            /* backward: gates and dy of a panel */
    float *zero, *dump;     /* a row of zeros, a row to write to */
    float *rows_a, *rows_b; /* backward: a block of errors, and of what they meet */
} jd_md_own;

size_t jd__md_own(const jd_md *z, bool grad, void *base, jd_md_own *o);
size_t jd__md_space(const jd_md *z, bool grad, int threads, void *base, jd_md_space *s);

#endif
