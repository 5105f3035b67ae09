/*
 * test_shape_ops.c - transpose, broadcast, slice, pad, concat, reverse: each result element against the index arithmetic
 * of its definition, for both real types and several teams.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "call.h"
#include "ops/attrs.h"

static jd_rng rng;
static int below(int n)
{
    return (int)jd_rng_below(&rng, (uint32_t)n);
}

static int64_t count_of(const jd_dims *d)
{
    int64_t n = 1;
    for (int i = 0; i < d->rank; i++) n *= d->dim[i];
    return n;
}

static jd_dims random_dims(int rank)
{
    jd_dims d = {rank, {0}};
    for (int i = 0; i < rank; i++) d.dim[i] = below(15) ? 1 + below(9) : 0;
    return d;
}

/* Element e of shape d as an index, and back. */
static void unravel(const jd_dims *d, int64_t e, int64_t *at)
{
    for (int i = d->rank; i-- > 0; e /= d->dim[i]) at[i] = e % d->dim[i];
}
static int64_t ravel(const jd_dims *d, const int64_t *at)
{
    int64_t e = 0;
    for (int i = 0; i < d->rank; i++) e = e * d->dim[i] + at[i];
    return e;
}

/* Element e holds base + e, so that each result tells where it came from. */
static void *numbered(jd_dtype t, int64_t n, int base)
{
    void *x = aligned((size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        if (t == JD_F64)
            ((double *)x)[i] = (double)(base + i);
        else
            ((float *)x)[i] = (float)(base + i);
    }
    return x;
}

static double value(jd_dtype t, const void *x, int64_t i)
{
    return t == JD_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static jd_kernel *kernel_of(jd_opcode op, jd_dtype t)
{
    const jd_cpu *cpu = call_isa(below(3));
    return t == JD_F32 && cpu && cpu->kernel[op] ? cpu->kernel[op] : jd__ops[op]->ref[t];
}

/* Where result element `at` comes from: the element of input `*part`, or -1 for a zero. */
typedef int64_t source(const void *attr, const jd_dims *in, const int64_t *at, int *part);

static void check(jd_opcode op, const void *attr, int nin, const jd_dims *in, jd_dims out, const int32_t *length,
                  source *from)
{
    for (int t = JD_F32; t <= JD_F64; t++) {
        void *x[4], *y = aligned((size_t)count_of(&out) * sizeof(double));
        call k;
        call_init(&k, op, attr);
        for (int i = 0; i < nin; i++) {
            x[i] = numbered((jd_dtype)t, count_of(&in[i]), 1 + 10000 * i);
            call_in(&k, (jd_dtype)t, in[i], x[i]);
        }
        if (op == JD_OP_reverse && length) call_in(&k, JD_I32, JD_DIMS(in[0].dim[1]), length);
        if (op == JD_OP_reverse && !length) call_none(&k);
        call_out(&k, (jd_dtype)t, out, y);
        call_run(&k, kernel_of(op, (jd_dtype)t), 1 + below(3));
        for (int64_t e = 0; e < count_of(&out); e++) {
            int64_t at[JD_MAX_RANK] = {0};
            int part = 0;
            unravel(&out, e, at);
            const int64_t s = from(op == JD_OP_reverse ? length : attr, in, at, &part);
            const double want = s < 0 ? 0 : value((jd_dtype)t, x[part], s);
            if (value((jd_dtype)t, y, e) != want)
                fail_msg("%s: element %d is %g, not %g", jd__ops[op]->name, (int)e, value((jd_dtype)t, y, e), want);
        }
        for (int i = 0; i < nin; i++) free(x[i]);
        free(y);
    }
}

static int64_t from_transpose(const void *attr, const jd_dims *in, const int64_t *at, int *part)
{
    const jd_transpose_attr *a = attr;
    int64_t s[JD_MAX_RANK] = {0};
    (void)part;
    for (int i = 0; i < in->rank; i++) s[a->perm[i]] = at[i];
    return ravel(in, s);
}

static void transpose(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        const jd_dims in = random_dims(1 + below(4));
        jd_transpose_attr a = {{0}};
        jd_dims out = in;
        for (int i = 0; i < in.rank; i++) a.perm[i] = (int8_t)i;
        for (int i = in.rank - 1; i > 0; i--) {
            const int k = below(i + 1);
            const int8_t was = a.perm[i];
            a.perm[i] = a.perm[k];
            a.perm[k] = was;
        }
        for (int i = 0; i < in.rank; i++) out.dim[i] = in.dim[a.perm[i]];
        check(JD_OP_transpose, &a, 1, &in, out, NULL, from_transpose);
    }
    const jd_dims big = JD_DIMS(70, 133);
    check(JD_OP_transpose, &(jd_transpose_attr){{1, 0}}, 1, &big, JD_DIMS(133, 70), NULL, from_transpose);
}

static int64_t from_slice(const void *attr, const jd_dims *in, const int64_t *at, int *part)
{
    const jd_slice_attr *a = attr;
    int64_t s[JD_MAX_RANK] = {0};
    (void)part;
    for (int i = 0; i < in->rank; i++) s[i] = at[i] + (i == a->axis ? a->begin : 0);
    return ravel(in, s);
}

static int64_t from_pad(const void *attr, const jd_dims *in, const int64_t *at, int *part)
{
    const jd_slice_attr *a = attr;
    int64_t s[JD_MAX_RANK] = {0};
    (void)part;
    for (int i = 0; i < in->rank; i++) s[i] = at[i] - (i == a->axis ? a->begin : 0);
    return s[a->axis] < 0 || s[a->axis] >= in->dim[a->axis] ? -1 : ravel(in, s);
}

static int64_t from_concat(const void *attr, const jd_dims *in, const int64_t *at, int *part)
{
    const jd_slice_attr *a = attr;
    int64_t s[JD_MAX_RANK] = {0};
    for (int i = 0; i < in->rank; i++) s[i] = at[i];
    while (s[a->axis] >= in[*part].dim[a->axis]) s[a->axis] -= in[(*part)++].dim[a->axis];
    return ravel(&in[*part], s);
}

static void slice_pad_concat(void **state)
{
    (void)state;
    for (int round = 0; round < 150; round++) {
        jd_dims in[4] = {random_dims(1 + below(4))};
        jd_dims out = in[0];
        const int axis = below(in[0].rank), n = (int)in[0].dim[axis];
        const int begin = below(n + 1), size = below(n - begin + 1);
        out.dim[axis] = size;
        check(JD_OP_slice, &(jd_slice_attr){axis, begin, size}, 1, in, out, NULL, from_slice);
        out.dim[axis] = n + begin + 3;
        check(JD_OP_pad, &(jd_slice_attr){axis, begin, 3}, 1, in, out, NULL, from_pad);
        const int parts = 1 + below(4);
        for (int k = 1; k < parts; k++) {
            in[k] = in[0];
            in[k].dim[axis] = below(6);
        }
        out.dim[axis] = 0;
        for (int k = 0; k < parts; k++) out.dim[axis] += in[k].dim[axis];
        check(JD_OP_concat, &(jd_slice_attr){.axis = axis}, parts, in, out, NULL, from_concat);
    }
}

static jd_dims broadcast_out;
static int64_t from_broadcast(const void *attr, const jd_dims *in, const int64_t *at, int *part)
{
    int64_t s[JD_MAX_RANK] = {0};
    (void)attr;
    (void)part;
    for (int i = 0; i < in->rank; i++) s[i] = in->dim[i] == 1 ? 0 : at[i + broadcast_out.rank - in->rank];
    return ravel(in, s);
}

static void broadcast(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        broadcast_out = random_dims(1 + below(4));
        const int lead = below(broadcast_out.rank + 1);
        jd_dims in = {broadcast_out.rank - lead, {0}};
        for (int i = 0; i < in.rank; i++) in.dim[i] = below(2) ? broadcast_out.dim[i + lead] : 1;
        check(JD_OP_broadcast, NULL, 1, &in, broadcast_out, NULL, from_broadcast);
    }
}

static int64_t from_reverse(const void *length, const jd_dims *in, const int64_t *at, int *part)
{
    const int32_t *len = length;
    int64_t s[JD_MAX_RANK] = {0};
    (void)part;
    for (int i = 0; i < in->rank; i++) s[i] = at[i];
    const int64_t n = len ? len[at[1]] : in->dim[0];
    if (s[0] < n) s[0] = n - 1 - s[0];
    return ravel(in, s);
}

static void reverse(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        const jd_dims in = random_dims(2 + below(3));
        int32_t length[16];
        for (int b = 0; b < 16; b++) length[b] = below((int)in.dim[0] + 1);
        check(JD_OP_reverse, NULL, 1, &in, in, below(4) ? length : NULL, from_reverse);
    }
}

int main(void)
{
    rng = jd_rng_new(3, "test/shape", 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(transpose), cmocka_unit_test(slice_pad_concat),
                                       cmocka_unit_test(broadcast), cmocka_unit_test(reverse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
