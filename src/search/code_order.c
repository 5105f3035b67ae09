/*
 * code_order.c - where genes go in an array of coefficients, and the functions they stand for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/dmath.h"
#include "search/code.h"

/* ---- basis functions ---------------------------------------------------------------------------------------------------*/

/* cos(pi a / b), reduced with whole numbers before anything is rounded. */
static double cosine(int64_t a, int64_t b)
{
    double s, c;
    jd_sincos(JD_PI * (double)(a % (2 * b)) / (double)b, &s, &c);
    return c;
}

static double sine(int64_t a, int64_t b)
{
    double s, c;
    jd_sincos(JD_PI * (double)(a % (2 * b)) / (double)b, &s, &c);
    return s;
}

/* Function k >= 1 belongs to the k-th range, breadth first, of those that halve 0..n-1 as long as they have two places:
 * positive on the first half, negative on the second, with sum 0 also where the halves differ.  b (K, stride) is zero. */
static jd_status haar(jd_ctx *ctx, int n, int K, double *b, size_t stride)
{
    typedef struct range {
        int low, high;
    } range;
    range *queue = jd_alloc_array(ctx, (size_t)n, sizeof *queue);
    if (!queue) return jd_error(ctx);
    int head = 0, tail = 0;
    for (int x = 0; x < n; x++) b[x] = 1;
    if (n > 1) queue[tail++] = (range){0, n};
    for (int k = 1; k < K && head < tail; k++) {
        const range r = queue[head++];
        const int middle = r.low + (r.high - r.low + 1) / 2;
        const double first = middle - r.low, second = r.high - middle, both = r.high - r.low;
        double *row = b + (size_t)k * stride;
        for (int x = r.low; x < r.high; x++) row[x] = x < middle ? 2 * second / both : -2 * first / both;
        if (middle - r.low > 1) queue[tail++] = (range){r.low, middle};
        if (r.high - middle > 1) queue[tail++] = (range){middle, r.high};
    }
    jd_free(ctx, queue);
    return JD_OK;
}

jd_status jd__code_basis(jd_ctx *ctx, jd_code_kind kind, int n, int K, double *b, size_t stride)
{
    if (kind == JD_CODE_HAAR) return haar(ctx, n, K, b, stride);
    for (int k = 0; k < K; k++)
        for (int x = 0; x < n; x++) {
            const int64_t turns = (int64_t)((k + 1) / 2) * x;
            b[(size_t)k * stride + (size_t)x] =
                kind == JD_CODE_DCT       ? cosine((int64_t)k * (2 * (int64_t)x + 1), 2 * (int64_t)n)
                : kind == JD_CODE_FOURIER ? (k % 2 || !k ? cosine(2 * turns, n) : sine(2 * turns, n))
                                          : k == x;
        }
    return JD_OK;
}

/* ---- order of filling --------------------------------------------------------------------------------------------------*/

typedef struct simplex {
    int rank;
    const int *size;
    uint32_t *index; /* (count, rank) in lexicographic order */
    size_t count, room;
} simplex;

/* Index vectors with a given sum, from dimension d on; with a NULL list they are only counted. */
static void gather(simplex *s, int d, int64_t sum, uint32_t *prefix)
{
    int64_t rest = 0;
    for (int j = d + 1; j < s->rank; j++) rest += s->size[j] - 1;
    const int64_t low = sum > rest ? sum - rest : 0, high = sum < s->size[d] - 1 ? sum : s->size[d] - 1;
    for (int64_t k = low; k <= high; k++) {
        prefix[d] = (uint32_t)k;
        if (d + 1 < s->rank) {
            gather(s, d + 1, sum - k, prefix);
            continue;
        }
        if (s->index) memcpy(s->index + s->count * (size_t)s->rank, prefix, (size_t)s->rank * sizeof *prefix);
        s->count++;
    }
}

typedef struct ranked {
    int64_t distance; /* squared */
    size_t i;
} ranked;

static int nearer(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

/* The dimensions that have corners, longest first. */
static int corners(int rank, const int *size, int *dimension)
{
    int n = 0;
    for (int d = 0; d < rank; d++) {
        if (size[d] < 2) continue;
        int at = n++;
        for (; at > 0 && size[dimension[at - 1]] < size[d]; at--) dimension[at] = dimension[at - 1];
        dimension[at] = d;
    }
    return n;
}

/* Takes from the simplex what is nearest to each corner in turn; order (count). */
static void from_corners(const simplex *s, ranked *list, uint8_t *taken, size_t *order)
{
    int dimension[JD_CODE_RANK];
    size_t next[JD_CODE_RANK] = {0};
    const int n = corners(s->rank, s->size, dimension);
    memset(taken, 0, s->count);
    for (int c = 0; c < n; c++) {
        for (size_t i = 0; i < s->count; i++) {
            int64_t sum = 0;
            for (int d = 0; d < s->rank; d++) {
                const int64_t k = s->index[i * (size_t)s->rank + (size_t)d];
                const int64_t away = d == dimension[c] ? s->size[d] - 1 - k : k;
                sum += away * away;
            }
            list[(size_t)c * s->count + i] = (ranked){sum, i};
        }
        qsort(list + (size_t)c * s->count, s->count, sizeof *list, nearer);
    }
    if (!n) order[0] = 0;
    for (size_t done = 0, turn = 0; n && done < s->count; done++, turn = (turn + 1) % (size_t)n) {
        const ranked *mine = list + turn * s->count;
        while (taken[mine[next[turn]].i]) next[turn]++;
        order[done] = mine[next[turn]].i;
        taken[order[done]] = 1;
    }
}

jd_status jd__code_order(jd_ctx *ctx, int rank, const int *size, jd_code_fill fill, size_t genes, uint32_t *index)
{
    uint32_t prefix[JD_CODE_RANK];
    size_t done = 0;
    for (int64_t sum = 0; done < genes && !jd_error(ctx); sum++) {
        simplex s = {.rank = rank, .size = size};
        gather(&s, 0, sum, prefix);
        const size_t count = s.count, R = (size_t)rank;
        s.count = 0;
        s.index = jd_alloc_array(ctx, count, R * sizeof *s.index);
        ranked *list = jd_alloc_array(ctx, count, R * sizeof *list);
        uint8_t *taken = jd_alloc(ctx, count);
        size_t *order = jd_alloc_array(ctx, count, sizeof *order);
        if (!jd_error(ctx)) {
            gather(&s, 0, sum, prefix);
            if (fill == JD_FILL_CORNERS)
                from_corners(&s, list, taken, order);
            else
                for (size_t i = 0; i < count; i++) order[i] = i;
            for (size_t i = 0; i < count && done < genes; i++, done++)
                memcpy(index + done * R, s.index + order[i] * R, R * sizeof *index);
        }
        jd_free(ctx, s.index);
        jd_free(ctx, list);
        jd_free(ctx, taken);
        jd_free(ctx, order);
    }
    return jd_error(ctx);
}
