/* basic.c - cases for the primitives. */
#include "jackdaw/convolve.h"
#include "selftest/cases.h"

#define IN(i) jd_arg(g, (const char *[]){"a", "b", "c", "d"}[i])
#define ONE(node)                                                                                                      \
    out[0] = node;                                                                                                     \
    return 1

#define REAL2(m, n)                                                                                                    \
    {                                                                                                                  \
        {                                                                                                              \
            "a", JD_DIMS(m, n), -2, 2, 0, 0                                                                            \
        }                                                                                                              \
    }
#define CASE1(fn, expr)                                                                                                \
    static int fn(jd_graph *g, jd_node *out)                                                                           \
    {                                                                                                                  \
        const jd_node a = IN(0);                                                                                       \
        ONE(expr);                                                                                                     \
    }
#define CASE2(fn, expr)                                                                                                \
    static int fn(jd_graph *g, jd_node *out)                                                                           \
    {                                                                                                                  \
        const jd_node a = IN(0), b = IN(1);                                                                            \
        ONE(expr);                                                                                                     \
    }
#define CASE3(fn, expr)                                                                                                \
    static int fn(jd_graph *g, jd_node *out)                                                                           \
    {                                                                                                                  \
        const jd_node a = IN(0), b = IN(1), c = IN(2);                                                                 \
        ONE(expr);                                                                                                     \
    }

CASE2(add, jd_add(g, a, b))
CASE2(sub, jd_sub(g, a, b))
CASE2(mul, jd_mul(g, a, b))
CASE2(divide, jd_div(g, a, b))
CASE2(maximum, jd_max(g, a, b))
CASE2(minimum, jd_min(g, a, b))
CASE2(greater, jd_mul(g, jd_greater(g, a, b), a))
CASE3(where, jd_where(g, jd_greater(g, a, b), c, jd_mul(g, c, b)))
CASE1(neg, jd_neg(g, a))
CASE1(exponential, jd_exp(g, a))
CASE1(logarithm, jd_log(g, jd_affine(g, a, 1, 3)))
CASE1(tanh_, jd_tanh(g, a))
CASE1(sigmoid, jd_sigmoid(g, a))
CASE1(sine, jd_sin(g, jd_affine(g, a, 3, 0)))
CASE1(cosine, jd_cos(g, jd_affine(g, a, 3, 0)))
CASE1(relu, jd_relu(g, a))
CASE1(root, jd_sqrt(g, jd_affine(g, a, 1, 3)))
CASE1(square, jd_square(g, a))
CASE1(absolute, jd_abs(g, a))
CASE1(softplus, jd_softplus(g, a))
CASE1(affine, jd_affine(g, a, 1.7, -0.3))
CASE3(chain, jd_mul(g, jd_tanh(g, jd_add(g, jd_mul(g, a, b), c)), jd_sub(g, jd_sigmoid(g, a), jd_square(g, c))))
CASE1(reshape, jd_reshape(g, jd_square(g, a), JD_DIMS(3, -1)))
CASE2(stop, jd_mul(g, jd_stop(g, a), b))
CASE1(transpose, jd_square(g, jd_transpose(g, a, (const int[]){2, 0, 1})))
CASE1(broadcast, jd_square(g, jd_broadcast_to(g, a, JD_DIMS(4, 3, 5))))
CASE1(slice, jd_square(g, jd_slice(g, a, 1, 2, 3)))
CASE1(pad, jd_square(g, jd_pad(g, a, 1, 2, 1)))
CASE1(sum_all, jd_square(g, jd_sum(g, jd_square(g, a), JD_ALL_AXES, false)))
CASE1(sum_rows, jd_square(g, jd_sum(g, a, JD_AXIS(0), false)))
CASE1(sum_columns, jd_square(g, jd_sum(g, a, JD_AXIS(1), true)))
CASE1(mean, jd_square(g, jd_mean(g, a, JD_AXIS(1), false)))
CASE1(amax, jd_square(g, jd_amax(g, a)))
CASE2(matmul, jd_matmul(g, a, b, 0))
CASE2(matmul_ta, jd_matmul(g, a, b, .ta = true))
CASE2(matmul_tb, jd_matmul(g, a, b, .tb = true))
CASE2(matmul_tt, jd_matmul(g, a, b, .ta = true, .tb = true))
CASE3(dense, jd_tanh(g, jd_add(g, jd_matmul(g, a, b, .tb = true), c)))
CASE2(gather, jd_square(g, jd_gather(g, a, b)))
CASE2(scatter, jd_square(g, jd_scatter_add(g, a, b, 5)))
CASE2(conv, jd_conv2d_raw(g, a, b, (jd_conv_options){0}))
CASE2(conv_stride, jd_conv2d_raw(g, a, b, (jd_conv_options){.stride = 2, .pad = 1}))
CASE2(conv_dilated, jd_conv2d_dilated(g, a, b, 2, 1))
CASE2(conv_table,
      jd_conv2d_raw(g, a, jd_mul(g, b, jd_connections(g, (const uint8_t[]){1, 0, 1, 0, 1, 1, 0, 1, 1}, 3, 3)),
                    (jd_conv_options){0}))
CASE1(contrast, jd_local_contrast(g, a, .size = 3))
CASE1(avgpool, jd_square(g, jd_avgpool(g, a, .size = 2)))
CASE1(maxpool, jd_square(g, jd_maxpool(g, a, .size = 2)))
CASE1(maxpool_ceil, jd_square(g, jd_maxpool(g, a, .size = 3, .stride = 2, .ceil = true)))
CASE2(maxpool_tanh, jd_maxpool(g, jd_tanh(g, jd_add(g, a, b)), .size = 2))
CASE2(onehot, jd_mul(g, jd_onehot(g, b, 5), a))
CASE1(argmax, jd_mul(g, jd_onehot(g, jd_argmax(g, a), 5), a))

static int concat(jd_graph *g, jd_node *out)
{
    const jd_node x[3] = {IN(0), jd_square(g, IN(1)), IN(0)};
    ONE(jd_square(g, jd_concat(g, x, 3, 1)));
}

static int concat_outer(jd_graph *g, jd_node *out)
{
    const jd_node x[3] = {jd_square(g, IN(0)), jd_tanh(g, IN(1)), IN(0)};
    ONE(jd_square(g, jd_concat(g, x, 3, 0)));
}

static int reverse(jd_graph *g, jd_node *out)
{
    ONE(jd_square(g, jd_reverse(g, IN(0), IN(1))));
}

static int mask(jd_graph *g, jd_node *out)
{
    ONE(jd_time_mean(g, IN(0), IN(1)));
}

/* Random numbers are constants to the gradient. */
static int noise(jd_graph *g, jd_node *out)
{
    const jd_node step = jd_reshape(g, jd_iota(g, 1), JD_SCALAR);
    out[0] = jd_mul(g, IN(0), jd_random_uniform(g, "uniform", step, JD_DIMS(6, 5)));
    out[1] = jd_mul(g, IN(0), jd_random_normal(g, "normal", step, JD_DIMS(6, 5)));
    return 2;
}

static const int32_t LENGTHS[] = {5, 3, 4};

#define TWO(m, n)                                                                                                      \
    {                                                                                                                  \
        {"a", JD_DIMS(m, n), -2, 2, 0, 0},                                                                             \
        {                                                                                                              \
            "b", JD_DIMS(m, n), -2, 2, 0, 0                                                                            \
        }                                                                                                              \
    }
#define PAIR(s, t)                                                                                                     \
    {                                                                                                                  \
        {"a", s, -1, 1, 0, 0},                                                                                         \
        {                                                                                                              \
            "b", t, -1, 1, 0, 0                                                                                        \
        }                                                                                                              \
    }

const op_case jd__cases_basic[] = {
    {"add", TWO(3, 5), add, .second = true},
    {"add row", PAIR(JD_DIMS(4, 5), JD_DIMS(5)), add, .second = true},
    {"add column", PAIR(JD_DIMS(4, 5), JD_DIMS(4, 1)), add, .second = true},
    {"sub", TWO(3, 5), sub},
    {"mul", TWO(3, 5), mul, .second = true},
    {"mul row", PAIR(JD_DIMS(2, 3, 4), JD_DIMS(4)), mul, .second = true},
    {"mul general", PAIR(JD_DIMS(2, 3, 4), JD_DIMS(2, 1, 4)), mul, .second = true},
    {"div", {{"a", JD_DIMS(3, 5), -2, 2, 0, 0}, {"b", JD_DIMS(3, 5), 1, 2, 0, 0}}, divide, .second = true},
    {"max", TWO(3, 5), maximum, .kink = 0.01},
    {"min", TWO(3, 5), minimum, .kink = 0.01},
    {"greater", TWO(3, 5), greater, .kink = 0.01},
    {"where",
     {{"a", JD_DIMS(3, 5), -2, 2, 0, 0}, {"b", JD_DIMS(3, 5), -2, 2, 0, 0}, {"c", JD_DIMS(3, 5), -2, 2, 0, 0}},
     where,
     .kink = 0.01,
     .second = true},
    {"neg", REAL2(3, 5), neg},
    {"exp", REAL2(3, 5), exponential, .second = true},
    {"log", REAL2(3, 5), logarithm, .second = true},
    {"tanh", REAL2(3, 5), tanh_, .second = true},
    {"sigmoid", REAL2(3, 5), sigmoid, .second = true},
    {"sin", REAL2(3, 5), sine, .second = true},
    {"cos", REAL2(3, 5), cosine, .second = true},
    {"relu", REAL2(3, 5), relu, .kink = 0.01},
    {"sqrt", REAL2(3, 5), root, .second = true},
    {"square", REAL2(3, 5), square, .second = true},
    {"abs", REAL2(3, 5), absolute, .kink = 0.01},
    {"softplus", REAL2(3, 5), softplus, .second = true},
    {"affine", REAL2(3, 5), affine},
    {"fused chain",
     {{"a", JD_DIMS(30, 50), -2, 2, 0, 0}, {"b", JD_DIMS(50), -2, 2, 0, 0}, {"c", JD_DIMS(30, 1), -2, 2, 0, 0}},
     chain,
     .second = true},
    {"reshape", REAL2(6, 5), reshape, .second = true},
    {"stop", TWO(3, 5), stop, .no_gradient = true},
    {"transpose", {{"a", JD_DIMS(3, 4, 5), -1, 1, 0, 0}}, transpose, .second = true},
    {"broadcast", {{"a", JD_DIMS(3, 1), -1, 1, 0, 0}}, broadcast, .second = true},
    {"slice", REAL2(4, 7), slice, .second = true},
    {"pad", REAL2(4, 7), pad, .second = true},
    {"concat", PAIR(JD_DIMS(3, 4), JD_DIMS(3, 2)), concat, .second = true},
    {"concat in place", PAIR(JD_DIMS(3, 4), JD_DIMS(2, 4)), concat_outer, .second = true},
    {"reverse", {{"a", JD_DIMS(5, 3, 2), -1, 1, 0, 0}, {"b", JD_DIMS(3), 0, 0, 6, LENGTHS}}, reverse, .second = true},
    {"time mean", {{"a", JD_DIMS(5, 3, 2), -1, 1, 0, 0}, {"b", JD_DIMS(3), 0, 0, 6, LENGTHS}}, mask},
    {"sum all", REAL2(40, 7), sum_all, .second = true},
    {"sum rows", REAL2(40, 7), sum_rows, .second = true},
    {"sum columns", REAL2(7, 40), sum_columns, .second = true},
    {"mean", REAL2(7, 40), mean},
    {"amax", REAL2(7, 6), amax},
    {"argmax", REAL2(7, 5), argmax, .no_gradient = true},
    {"matmul", PAIR(JD_DIMS(7, 5), JD_DIMS(5, 6)), matmul, .second = true},
    {"matmul ta", PAIR(JD_DIMS(5, 7), JD_DIMS(5, 6)), matmul_ta, .second = true},
    {"matmul tb", PAIR(JD_DIMS(7, 5), JD_DIMS(6, 5)), matmul_tb, .second = true},
    {"matmul ta tb", PAIR(JD_DIMS(5, 7), JD_DIMS(6, 5)), matmul_tt, .second = true},
    {"matmul one row", PAIR(JD_DIMS(1, 37), JD_DIMS(29, 37)), matmul_tb},
    {"dense tanh",
     {{"a", JD_DIMS(9, 33), -1, 1, 0, 0}, {"b", JD_DIMS(21, 33), -1, 1, 0, 0}, {"c", JD_DIMS(21), -1, 1, 0, 0}},
     dense,
     .second = true},
    {"gather", {{"a", JD_DIMS(5, 3), -1, 1, 0, 0}, {"b", JD_DIMS(2, 4), 0, 0, 5, 0}}, gather, .second = true},
    {"scatter_add", {{"a", JD_DIMS(2, 4, 3), -1, 1, 0, 0}, {"b", JD_DIMS(2, 4), 0, 0, 5, 0}}, scatter, .second = true},
    {"onehot", {{"a", JD_DIMS(6, 5), -1, 1, 0, 0}, {"b", JD_DIMS(6), 0, 0, 5, 0}}, onehot},
    {"random", REAL2(6, 5), noise},
    {"conv2d", PAIR(JD_DIMS(2, 7, 6, 3), JD_DIMS(4, 3, 2, 3)), conv, .second = true},
    {"conv2d stride 2 pad 1", PAIR(JD_DIMS(2, 7, 7, 2), JD_DIMS(5, 3, 3, 2)), conv_stride, .second = true},
    {"conv2d dilation 2", PAIR(JD_DIMS(2, 7, 6, 2), JD_DIMS(3, 3, 2, 2)), conv_dilated, .second = true},
    {"conv2d with a table", PAIR(JD_DIMS(2, 5, 4, 3), JD_DIMS(3, 2, 2, 3)), conv_table},
    {"local contrast", {{"a", JD_DIMS(2, 6, 5, 2), -1, 1, 0, 0}}, contrast},
    {"maxpool", {{"a", JD_DIMS(2, 6, 4, 3), -1, 1, 0, 0}}, maxpool, .second = true},
    {"maxpool ceil", {{"a", JD_DIMS(2, 6, 4, 3), -1, 1, 0, 0}}, maxpool_ceil},
    {"maxpool of tanh", PAIR(JD_DIMS(2, 6, 4, 3), JD_DIMS(3)), maxpool_tanh},
    {"avgpool", {{"a", JD_DIMS(2, 6, 4, 3), -1, 1, 0, 0}}, avgpool, .second = true},
    {0},
};
