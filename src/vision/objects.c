/* objects.c - connected objects, thin lines between them, and how two partitions agree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/metrics.h"

static jd_status check_size(jd_ctx *ctx, const char *what, int64_t H, int64_t W)
{
    if (jd_error(ctx)) return jd_error(ctx);
    if (H < 1 || W < 1 || H > (INT32_MAX - 1) / W)
        return jd_fail(ctx, JD_EUSAGE, "%s: an image of %lldx%lld; at least 1x1, at most 2^31-2 pixels", what,
                       (long long)H, (long long)W);
    return JD_OK;
}

/* The 4-neighbours of pixel p; returns how many. */
static int neighbours(int64_t p, int64_t H, int64_t W, int64_t out[4])
{
    const int64_t y = p / W, x = p % W;
    int n = 0;
    if (y > 0) out[n++] = p - W;
    if (x > 0) out[n++] = p - 1;
    if (x + 1 < W) out[n++] = p + 1;
    if (y + 1 < H) out[n++] = p + W;
    return n;
}

jd_status jd_label_objects(jd_ctx *ctx, const uint8_t *inside, int64_t H, int64_t W, int32_t *label, int32_t *count)
{
    if (check_size(ctx, "jd_label_objects", H, W)) return jd_error(ctx);
    int32_t *stack = jd_alloc_array(ctx, (size_t)(H * W), sizeof *stack);
    if (!stack) return jd_error(ctx);
    int32_t objects = 0;
    memset(label, 0, (size_t)(H * W) * sizeof *label);
    for (int64_t first = 0; first < H * W; first++) {
        if (!inside[first] || label[first]) continue;
        int64_t top = 0, near[4];
        label[first] = ++objects;
        stack[top++] = (int32_t)first;
        while (top) {
            const int n = neighbours(stack[--top], H, W, near);
            for (int i = 0; i < n; i++)
                if (inside[near[i]] && !label[near[i]]) {
                    label[near[i]] = objects;
                    stack[top++] = (int32_t)near[i];
                }
        }
    }
    *count = objects;
    jd_free(ctx, stack);
    return JD_OK;
}

/* A pixel joins the one object it touches; a pixel that touches two is a line and passes nothing on. */
jd_status jd_label_thin(jd_ctx *ctx, int32_t *label, int64_t H, int64_t W)
{
    if (check_size(ctx, "jd_label_thin", H, W)) return jd_error(ctx);
    int32_t *queue = jd_alloc_array(ctx, (size_t)(H * W), sizeof *queue);
    uint8_t *queued = jd_alloc_array(ctx, (size_t)(H * W), 1);
    int64_t head = 0, tail = 0, near[4];
    for (int64_t p = 0; p < H * W && queue && queued; p++) {
        const int n = label[p] ? 0 : neighbours(p, H, W, near);
        for (int i = 0; i < n && !queued[p]; i++) queued[p] = label[near[i]] > 0;
        if (queued[p]) queue[tail++] = (int32_t)p;
    }
    while (head < tail) {
        const int32_t p = queue[head++];
        const int n = neighbours(p, H, W, near);
        int32_t own = 0;
        bool line = false;
        for (int i = 0; i < n; i++) {
            const int32_t l = label[near[i]];
            if (l && own && l != own) line = true;
            if (l) own = l;
        }
        if (line) continue;
        label[p] = own;
        for (int i = 0; i < n; i++)
            if (!label[near[i]] && !queued[near[i]]) {
                queued[near[i]] = 1;
                queue[tail++] = (int32_t)near[i];
            }
    }
    jd_free(ctx, queue);
    jd_free(ctx, queued);
    return jd_error(ctx);
}

/* ---- comparing ---------------------------------------------------------------------------------------------------------*/

/* Sums over the objects of one kind: of the squared shares and of -share ln share. */
typedef struct sums {
    double squares, entropy;
} sums;
static void add(sums *s, double share)
{
    s->squares += share * share;
    if (share > 0) s->entropy -= share * log(share);
}

/* The pixels of the truth's objects, object by object. */
typedef struct pixels {
    size_t n, objects, labels; /* objects of the truth; labels of `found`, 0 included */
    size_t *end;               /* (objects + 1): object i ends there; object 0 is empty */
    int32_t *found;            /* (n) */
    uint32_t *count;           /* (labels): zeros between uses */
} pixels;

static void score(const pixels *p, jd_partition_score *out)
{
    sums t = {0}, s = {0}, both = {0};
    const double n = (double)p->n;
    size_t alone = 0;
    for (size_t i = 1; i <= p->objects; i++) {
        const size_t from = p->end[i - 1], to = p->end[i];
        add(&t, (double)(to - from) / n);
        for (size_t k = from; k < to; k++) p->count[p->found[k]]++;
        alone += p->count[0];
        p->count[0] = 0;
        for (size_t k = from; k < to; k++) {
            uint32_t *c = &p->count[p->found[k]];
            if (*c) add(&both, *c / n);
            *c = 0;
        }
    }
    for (size_t k = 0; k < p->n; k++) p->count[p->found[k]]++;
    for (size_t j = 1; j < p->labels; j++) add(&s, p->count[j] / n);
    const double z = (double)alone / n, squares = z / n, entropy = z * log(n);
    both.squares += squares;
    both.entropy += entropy;
    s.squares += squares;
    s.entropy += entropy;
    double shared = t.entropy + s.entropy - both.entropy;
    if (shared < 0) shared = 0;
    out->rand_split = both.squares / t.squares;
    out->rand_merge = both.squares / s.squares;
    out->rand = 2 * both.squares / (t.squares + s.squares);
    out->info_split = s.entropy > 0 ? shared / s.entropy : 1;
    out->info_merge = t.entropy > 0 ? shared / t.entropy : 1;
    out->info = s.entropy + t.entropy > 0 ? 2 * shared / (s.entropy + t.entropy) : 1;
}

/* The largest labels, and how many pixels count. */
static jd_status measure(jd_ctx *ctx, const int32_t *truth, const int32_t *found, size_t n, pixels *p)
{
    for (size_t i = 0; i < n; i++) {
        if (truth[i] < 0 || found[i] < 0 || truth[i] > JD_MAX_LABEL || found[i] > JD_MAX_LABEL)
            return jd_fail(ctx, JD_EUSAGE, "jd_compare_partitions: pixel %zu has the labels %d and %d; use 0 to %d", i,
                           truth[i], found[i], JD_MAX_LABEL);
        if (!truth[i]) continue;
        p->n++;
        if ((size_t)truth[i] > p->objects) p->objects = (size_t)truth[i];
        if ((size_t)found[i] >= p->labels) p->labels = (size_t)found[i] + 1;
    }
    if (!p->n)
        return jd_fail(ctx, JD_EUSAGE, "jd_compare_partitions: the truth has no object; is it the other way round?");
    return JD_OK;
}

jd_status jd_compare_partitions(jd_ctx *ctx, const int32_t *truth, const int32_t *found, size_t n,
                                jd_partition_score *out)
{
    pixels p = {0};
    if (jd_error(ctx) || measure(ctx, truth, found, n, &p)) return jd_error(ctx);
    p.end = jd_alloc_array(ctx, p.objects + 2, sizeof *p.end);
    p.found = jd_alloc_array(ctx, p.n, sizeof *p.found);
    p.count = jd_alloc_array(ctx, p.labels, sizeof *p.count);
    if (!jd_error(ctx)) {
        /* Where each object begins stands one place later at first, so that filling it moves the begins to the ends. */
        for (size_t i = 0; i < n; i++)
            if (truth[i]) p.end[truth[i] + 1]++;
        for (size_t i = 1; i <= p.objects + 1; i++) p.end[i] += p.end[i - 1];
        for (size_t i = 0; i < n; i++)
            if (truth[i]) p.found[p.end[truth[i]]++] = found[i];
        score(&p, out);
    }
    jd_free(ctx, p.end);
    jd_free(ctx, p.found);
    jd_free(ctx, p.count);
    return jd_error(ctx);
}
