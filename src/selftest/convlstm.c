/* convlstm.c - cases for the convolutional LSTM: both directions, ragged volumes, a single plane. */
#include "selftest/cases.h"

static const int32_t SIZE[] = {4, 3, 5, 2, 4, 3, 0, 2, 2};

static int with(jd_graph *g, jd_node *out, bool reverse)
{
    const jd_node size = jd_has_arg(g, "size") ? jd_arg(g, "size") : JD_NONE;
    out[0] = jd_convlstm_raw(g, (jd_convlstm_args){.x = jd_arg(g, "x"),
                                                   .size = size,
                                                   .W = jd_arg(g, "W"),
                                                   .R = jd_arg(g, "R"),
                                                   .b = jd_arg(g, "b"),
                                                   .reverse = reverse})
                 .y;
    return 1;
}
static int forward(jd_graph *g, jd_node *out)
{
    return with(g, out, false);
}
static int backward(jd_graph *g, jd_node *out)
{
    return with(g, out, true);
}

#define R(name, ...)                                                                                                   \
    {                                                                                                                  \
        name, JD_DIMS(__VA_ARGS__), -0.5, 0.5, 0, 0                                                                    \
    }
#define SIZES                                                                                                          \
    {                                                                                                                  \
        "size", JD_DIMS(3, 3), 0, 0, 1, SIZE                                                                           \
    }
/* N inputs, C channels, k x k */
#define WEIGHTS(N, C, k) R("W", 4 * (C), k, k, N), R("R", 4 * (C), k, k, C), R("b", 4 * (C))

const op_case jd__cases_convlstm[] = {
    {"convlstm", {R("x", 3, 2, 4, 5, 2), WEIGHTS(2, 3, 3)}, forward, .second = true, .tolerance = 1e-5},
    {"convlstm backwards", {R("x", 3, 2, 4, 5, 2), WEIGHTS(2, 3, 3)}, backward, .second = true, .tolerance = 1e-5},
    {"convlstm ragged", {R("x", 4, 3, 4, 5, 2), WEIGHTS(2, 2, 3), SIZES}, forward, .second = true, .tolerance = 1e-5},
    {"convlstm ragged, backwards",
     {R("x", 4, 3, 4, 5, 2), WEIGHTS(2, 2, 3), SIZES},
     backward,
     .second = true,
     .tolerance = 1e-5},
    {"convlstm, one plane", {R("x", 1, 2, 3, 4, 1), WEIGHTS(1, 2, 3)}, forward, .second = true, .tolerance = 1e-5},
    {"convlstm, window wider than the plane", {R("x", 3, 1, 2, 3, 1), WEIGHTS(1, 2, 7)}, forward, .tolerance = 1e-5},
    {"convlstm 1x1", {R("x", 4, 2, 3, 2, 3), WEIGHTS(3, 2, 1)}, backward, .tolerance = 1e-5},
    {"convlstm wider", {R("x", 5, 2, 9, 11, 3), WEIGHTS(3, 17, 3)}, forward, .tolerance = 1e-5},
    {0},
};
