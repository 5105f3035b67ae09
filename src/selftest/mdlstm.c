/* mdlstm.c - cases for the n-dimensional LSTM: one to three dimensions, every switch, ragged sizes. */
#include "selftest/cases.h"

static const int32_t SIZE1[] = {5, 3}, SIZE2[] = {3, 4, 4, 2}, SIZE3[] = {2, 3, 2, 3, 1, 2}, NOTHING[] = {0, 4, 2, 3};

static jd_node optional(jd_graph *g, const char *name)
{
    return jd_has_arg(g, name) ? jd_arg(g, name) : JD_NONE;
}

static int with(jd_graph *g, jd_node *out, jd_mdlstm_args a)
{
    a.x = jd_arg(g, "x");
    a.size = optional(g, "size");
    a.W = jd_arg(g, "W");
    a.R = jd_arg(g, "R");
    a.b = jd_arg(g, "b");
    a.peep = optional(g, "peep");
    out[0] = jd_mdlstm_raw(g, a).y;
    return 1;
}

static int all(jd_graph *g, jd_node *out)
{
    return with(g, out, (jd_mdlstm_args){0});
}

static int first(jd_graph *g, jd_node *out)
{
    return with(g, out, (jd_mdlstm_args){.directions = 1});
}

/* directions 1 and 2: each with one dimension backwards */
static int mixed(jd_graph *g, jd_node *out)
{
    return with(g, out, (jd_mdlstm_args){.directions = 6});
}

static int linear(jd_graph *g, jd_node *out)
{
    return with(g, out,
                (jd_mdlstm_args){.directions = 8, .in_squash = JD_SQUASH_LINEAR, .out_squash = JD_SQUASH_LINEAR});
}

static int logistic(jd_graph *g, jd_node *out)
{
    return with(g, out,
                (jd_mdlstm_args){.directions = 9, .in_squash = JD_SQUASH_4SIGM2, .out_squash = JD_SQUASH_2SIGM1});
}

/* directions 2, 5 and 7 of a volume */
static int three(jd_graph *g, jd_node *out)
{
    return with(g, out, (jd_mdlstm_args){.directions = 1 << 2 | 1 << 5 | 1 << 7});
}

#define R(name, ...)                                                                                                   \
    {                                                                                                                  \
        name, JD_DIMS(__VA_ARGS__), -0.8, 0.8, 0, 0                                                                    \
    }
#define SMALL(name, ...)                                                                                               \
    {                                                                                                                  \
        name, JD_DIMS(__VA_ARGS__), -0.3, 0.3, 0, 0                                                                    \
    }
#define SIZES(list, n)                                                                                                 \
    {                                                                                                                  \
        "size", JD_DIMS(2, n), 0, 0, 1, list                                                                           \
    }
/* n dimensions, D directions, H cells, N inputs */
#define WEIGHTS(n, D, H, N)                                                                                            \
    R("W", (D) * ((n) + 3) * (H), N), R("R", (D) * ((n) + 3) * (H), (n) * (H)), R("b", (D) * ((n) + 3) * (H))
#define PEEP(n, D, H) R("peep", (D) * ((n) + 2) * (H))

const op_case jd__cases_mdlstm[] = {
    {"mdlstm 1-D", {R("x", 2, 5, 3), WEIGHTS(1, 2, 4, 3)}, all, .second = true, .tolerance = 1e-5},
    {"mdlstm 1-D ragged, peepholes",
     {R("x", 2, 5, 3), WEIGHTS(1, 2, 4, 3), SIZES(SIZE1, 1), PEEP(1, 2, 4)},
     all,
     .second = true,
     .tolerance = 1e-5},
    {"mdlstm 2-D", {R("x", 2, 4, 4, 2), WEIGHTS(2, 4, 3, 2)}, all, .second = true, .tolerance = 1e-5},
    {"mdlstm 2-D ragged",
     {R("x", 2, 4, 4, 2), WEIGHTS(2, 2, 3, 2), SIZES(SIZE2, 2)},
     mixed,
     .second = true,
     .tolerance = 1e-5},
    {"mdlstm 2-D ragged, peepholes",
     {R("x", 2, 4, 4, 2), WEIGHTS(2, 4, 3, 2), SIZES(SIZE2, 2), PEEP(2, 4, 3)},
     all,
     .second = true,
     .tolerance = 1e-5},
    {"mdlstm 2-D, a sample without points",
     {R("x", 2, 4, 4, 2), WEIGHTS(2, 1, 3, 2), SIZES(NOTHING, 2), PEEP(2, 1, 3)},
     first,
     .tolerance = 1e-5},
    {"mdlstm 2-D linear squashing",
     {R("x", 2, 4, 3, 2), WEIGHTS(2, 1, 3, 2), SIZES(SIZE2, 2), PEEP(2, 1, 3)},
     linear,
     .tolerance = 1e-5},
    {"mdlstm 2-D logistic squashing",
     {R("x", 2, 4, 3, 2), WEIGHTS(2, 2, 3, 2), SIZES(SIZE2, 2), PEEP(2, 2, 3)},
     logistic,
     .second = true,
     .tolerance = 1e-5},
    {"mdlstm 2-D wider",
     {R("x", 3, 9, 21, 5), SMALL("W", 4 * 65, 5), SMALL("R", 4 * 65, 26), R("b", 4 * 65), SMALL("peep", 4 * 52)},
     all,
     .tolerance = 1e-5},
    {"mdlstm 3-D", {R("x", 2, 2, 3, 3, 2), WEIGHTS(3, 8, 2, 2)}, all, .second = true, .tolerance = 1e-5},
    {"mdlstm 3-D ragged, peepholes",
     {R("x", 2, 2, 3, 3, 2), WEIGHTS(3, 8, 2, 2), SIZES(SIZE3, 3), PEEP(3, 8, 2)},
     all,
     .second = true,
     .tolerance = 1e-5},
    {"mdlstm 3-D, three directions",
     {R("x", 2, 3, 4, 5, 3), WEIGHTS(3, 3, 5, 3), SIZES(SIZE3, 3), PEEP(3, 3, 5)},
     three,
     .tolerance = 1e-5},
    {0},
};
