/* polynomial.c - units that compute polynomials of two inputs, the building blocks of networks grown by GMDH. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/layers.h"

const unsigned char jd__polynomial_power[JD_POLYNOMIAL_TERMS][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {2, 0},
                                                                    {0, 2}, {2, 1}, {1, 2}, {3, 0}, {0, 3}};

static jd_node term_of(jd_graph *g, jd_node u, jd_node v, int t)
{
    const unsigned char *power = jd__polynomial_power[t];
    jd_node product = JD_NONE;
    for (int i = 0; i < power[0] + power[1]; i++) {
        const jd_node factor = i < power[0] ? u : v;
        product = i ? jd_mul(g, product, factor) : factor;
    }
    return product;
}

jd_node jd_polynomial_opt(jd_graph *g, const char *name, jd_node u, jd_node v, jd_polynomial_options o)
{
    if (jd_error(jd_graph_ctx(g))) return JD_NONE;
    const int terms = o.terms ? o.terms : 6;
    if (terms != 3 && terms != 4 && terms != 6 && terms != 10) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: a polynomial of %d terms; it has 3, 4, 6 or 10", name, terms);
        return JD_NONE;
    }
    const jd_node w = jd_param(g, name, (jd_init){JD_INIT_UNIFORM, 0.5, 0, 0}, JD_DIMS(terms));
    jd_node z = jd_slice(g, w, 0, 0, 1);
    for (int t = 1; t < terms; t++) z = jd_add(g, z, jd_mul(g, jd_slice(g, w, 0, t, 1), term_of(g, u, v, t)));
    if (!(o.low < o.high)) return z;
    const jd_node low = jd_const(g, o.low, JD_DIMS(1)), high = jd_const(g, o.high, JD_DIMS(1));
    return jd_min(g, jd_max(g, z, low), high);
}

/* ---- in the network language ------------------------------------------------------------------------------------------------*/

/* "x3" or "12" at *at; -1 if there is none.  Inputs are counted from `units` on. */
static int64_t operand(const char **at, int64_t units)
{
    const char *p = *at;
    const bool input = *p == 'x';
    p += input;
    if (!isdigit((unsigned char)*p)) return -1;
    char *end;
    const long long n = strtoll(p, &end, 10);
    if (n > 1000000 || end - p > 7 || (!input && n >= units)) return -1;
    *at = end;
    return input ? units + n : n;
}

int jd__polynomial_next(const char **at, int64_t units, int64_t source[2])
{
    const char *p = *at;
    while (*p == ' ' || *p == '\t' || *p == '\n') p++;
    if (*p == '/' && strchr(" \t\n", p[1])) { /* a zero byte is found too */
        *at = p + 1;
        return 0;
    }
    source[0] = operand(&p, units);
    if (source[0] < 0 || *p++ != '*') return -1;
    source[1] = operand(&p, units);
    if (source[1] < 0 || !strchr(" \t\n,", *p)) return -1;
    *at = p;
    return 1;
}

/* The nodes of one layer and of the layer before it, and of the inputs, cut from x when first used. */
typedef struct building {
    jd_graph *g;
    jd_node x, *node, *input;
    int64_t inputs, units; /* units of the layer before */
} building;

static jd_node source_node(building *b, int64_t at)
{
    if (at < b->units) return b->node[at];
    at -= b->units;
    if (at >= b->inputs) {
        jd_fail(jd_graph_ctx(b->g), JD_EUSAGE, "polynomial: there is no x%lld; the inputs are x0 to x%lld",
                (long long)at, (long long)b->inputs - 1);
        return JD_NONE;
    }
    if (!b->input[at].id) b->input[at] = jd_slice(b->g, b->x, 1, at, 1);
    return b->input[at];
}

jd_node jd__polynomial_net(jd_graph *g, const char *name, jd_node x, const char *text, jd_polynomial_options o)
{
    jd_ctx *ctx = jd_graph_ctx(g);
    if (!x.id || jd_error(ctx)) return JD_NONE;
    if (jd_rank(g, x) != 2) x = jd_reshape(g, x, JD_DIMS(jd_dim(g, x, 0), -1));
    building b = {.g = g, .x = x, .inputs = jd_dim(g, x, 1)};
    int64_t source[2], most = 0, units = 0;
    const char *at = text;
    while (jd__polynomial_next(&at, 1000001, source) >= 0) most++; /* not fewer than the units of any layer */
    jd_node *nodes = jd_alloc_array(ctx, (size_t)(b.inputs + 2 * most + 1), sizeof *nodes);
    if (!nodes) return JD_NONE;
    b.input = nodes;
    b.node = nodes + b.inputs;
    jd_node *now = b.node + most, y = jd_const(g, 0, JD_DIMS(jd_dim(g, x, 0), 1));
    jd_scope_push(g, name);
    at = text;
    for (int k, layer = 1; (k = jd__polynomial_next(&at, b.units, source)) >= 0 && !jd_error(ctx);) {
        if (!k) {
            jd_node *swap = b.node;
            b.node = now;
            now = swap;
            b.units = units;
            units = 0;
            layer++;
            continue;
        }
        char unit[48];
        snprintf(unit, sizeof unit, "layer%d/unit%lld", layer, (long long)units + 1);
        const jd_node u = source_node(&b, source[0]), v = source_node(&b, source[1]);
        if (!jd_error(ctx)) now[units] = jd_polynomial_opt(g, unit, u, v, o);
        units++;
    }
    if (units == 1) y = now[0];
    if (units > 1) y = jd_concat(g, now, (int)units, 1);
    jd_scope_pop(g);
    jd_free(ctx, nodes);
    return y;
}
