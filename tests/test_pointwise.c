/*
 * test_pointwise.c - point-wise programs and sums: the fast kernels against the reference, bit for bit where the order of
 * operations is the same, exactly on integers where it is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "call.h"
#include "ops/attrs.h"
#include "ops/pointwise.h"

static jd_rng rng;
static int below(int n)
{
    return (int)jd_rng_below(&rng, (uint32_t)n);
}

/* A dimension list that broadcasts to `out` in one of the ways the kernels know. */
static jd_dims operand_shape(const jd_dims *out)
{
    jd_dims d = *out;
    const int kind = below(5), cut = below(out->rank + 1);
    if (kind == 1) d = JD_SCALAR;
    if (kind == 2) {
        d.rank = out->rank - cut;
        for (int i = 0; i < d.rank; i++) d.dim[i] = out->dim[i + cut];
    }
    if (kind == 3)
        for (int i = 0; i < cut; i++) d.dim[i] = 1;
    if (kind == 4)
        for (int i = cut; i < d.rank; i++) d.dim[i] = 1;
    return d;
}

static int64_t count_of(const jd_dims *d)
{
    int64_t n = 1;
    for (int i = 0; i < d->rank; i++) n *= d->dim[i];
    return n;
}

static jd_pw_program random_program(int nin, const jd_dtype *dtype)
{
    jd_pw_program p = {.nin = nin, .nsteps = 1 + below(6)};
    for (int s = 0; s < p.nsteps; s++) {
        const int have = nin + s;
        jd_pw_step *t = &p.step[s];
        t->code = (uint8_t)below(JD_PW_COUNT);
        t->a = (uint8_t)below(have);
        t->b = (uint8_t)below(have);
        t->c = (uint8_t)below(have);
        if (s == 0 && dtype[0] == JD_I32) t->code = JD_PW_real, t->a = 0;
        if (t->code == JD_PW_affine) {
            t->constant = (uint16_t)p.nconst;
            p.constants[p.nconst++] = 0.1 * (below(40) - 20);
            p.constants[p.nconst++] = 0.1 * (below(40) - 20);
        }
    }
    p.nout = 1 + below(p.nsteps < 3 ? p.nsteps : 3);
    for (int k = 0; k < p.nout; k++) p.out[k] = (uint8_t)(nin + p.nsteps - 1 - k);
    return p;
}

static void *random_operand(jd_dtype dtype, int64_t n)
{
    float *x = aligned((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        if (dtype == JD_I32)
            ((int32_t *)(void *)x)[i] = below(2000) - 1000;
        else
            x[i] = below(8) ? (float)jd_rng_normal(&rng) : (float)(below(3) - 1);
    }
    return x;
}

/* Equal bits, or both not a number. */
static bool same(const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof a[i]) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

static void programs(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        jd_dims out = {1 + below(3), {0}};
        for (int i = 0; i < out.rank; i++) out.dim[i] = below(10) ? 1 + below(i ? 40 : 20) : 0;
        if (below(4) == 0) out.dim[out.rank - 1] = 300 + below(400); /* rows longer than a tile */
        const int64_t n = count_of(&out);
        const int nin = 1 + below(4);
        jd_dtype dtype[4] = {below(4) ? JD_F32 : JD_I32, JD_F32, JD_F32, JD_F32};
        const jd_pw_program p = random_program(nin, dtype);
        const jd_pw_attr attr = {&p};
        void *in[4];
        float *want[3], *got[3];
        call ref, fast;
        call_init(&ref, JD_OP_pointwise, &attr);
        for (int i = 0; i < nin; i++) {
            const jd_dims d = i ? operand_shape(&out) : out;
            in[i] = random_operand(dtype[i], count_of(&d));
            call_in(&ref, dtype[i], d, in[i]);
        }
        fast = ref;
        for (int k = 0; k < p.nout; k++) {
            want[k] = aligned((size_t)n * sizeof(float));
            got[k] = aligned((size_t)n * sizeof(float));
            call_out(&ref, JD_F32, out, want[k]);
            call_out(&fast, JD_F32, out, got[k]);
        }
        call_run(&ref, jd__ops[JD_OP_pointwise]->ref[JD_F32], 1);
        for (int isa = 0; isa < 3; isa++) {
            const jd_cpu *cpu = call_isa(isa);
            if (!cpu) continue;
            call_run(&fast, cpu->kernel[JD_OP_pointwise], 1 + below(3));
            for (int k = 0; k < p.nout; k++)
                if (!same(want[k], got[k], n)) fail_msg("%s, round %d, result %d", cpu->name, round, k);
        }
        for (int i = 0; i < nin; i++) free(in[i]);
        for (int k = 0; k < p.nout; k++) {
            free(want[k]);
            free(got[k]);
        }
    }
}

/* Integers: every order of additions gives the same.  Normal numbers: every instruction set and team gives the same. */
static void sums(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        jd_dims in = {1 + below(4), {0}};
        for (int i = 0; i < in.rank; i++) in.dim[i] = below(12) ? 1 + below(12) : 0;
        if (below(3) == 0) in.dim[below(in.rank)] = 200 + below(900);
        const jd_sum_attr attr = {(uint32_t)below(1 << in.rank), 0};
        jd_dims out = {0, {0}};
        for (int i = 0; i < in.rank; i++)
            if (!(attr.axes >> i & 1)) out.dim[out.rank++] = in.dim[i];
        const int64_t n = count_of(&in), m = count_of(&out);
        float *x = aligned((size_t)n * sizeof *x), *want = aligned((size_t)m * sizeof *x);
        float *got = aligned((size_t)m * sizeof *x);
        for (int integers = 1; integers >= 0; integers--) {
            for (int64_t i = 0; i < n; i++) x[i] = integers ? (float)(below(201) - 100) : (float)jd_rng_normal(&rng);
            call k;
            call_init(&k, JD_OP_sum, &attr);
            call_in(&k, JD_F32, in, x);
            call_out(&k, JD_F32, out, want);
            call_run(&k, integers ? jd__ops[JD_OP_sum]->ref[JD_F32] : call_isa(0)->kernel[JD_OP_sum], 1);
            k.out[0] = got;
            for (int isa = 0; isa < 3; isa++) {
                const jd_cpu *cpu = call_isa(isa);
                if (!cpu) continue;
                memset(got, 0xff, (size_t)m * sizeof *got);
                call_run(&k, cpu->kernel[JD_OP_sum], 1 + below(3));
                if (memcmp(got, want, (size_t)m * sizeof *got))
                    fail_msg("%s, round %d, axes %x, integers %d", cpu->name, round, attr.axes, integers);
            }
        }
        free(x);
        free(want);
        free(got);
    }
}

static void kinds(void **state)
{
    (void)state;
    const jd_type out = {JD_F32, 3, {4, 5, 6}};
    int64_t period;
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {4, 5, 6}}, &out, &period), JD_PW_FULL);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 0, {0}}, &out, &period), JD_PW_ONE);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {1, 1, 1}}, &out, &period), JD_PW_ONE);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 1, {6}}, &out, &period), JD_PW_ROW);
    assert_int_equal(period, 6);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {1, 5, 6}}, &out, &period), JD_PW_ROW);
    assert_int_equal(period, 30);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {4, 5, 1}}, &out, &period), JD_PW_COLUMN);
    assert_int_equal(period, 6);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {4, 1, 1}}, &out, &period), JD_PW_COLUMN);
    assert_int_equal(period, 30);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {4, 1, 6}}, &out, &period), JD_PW_GENERAL);
    assert_int_equal(jd__pw_kind(&(jd_type){JD_F32, 3, {1, 5, 1}}, &out, &period), JD_PW_GENERAL);
}

int main(void)
{
    rng = jd_rng_new(2, "test/pointwise", 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds), cmocka_unit_test(programs), cmocka_unit_test(sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
