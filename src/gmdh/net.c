/* net.c - a grown network: pruned, asked, and as an ordinary graph. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "gmdh/gmdh.h"

jd_gmdh *jd__gmdh_new(jd_ctx *ctx, int64_t inputs)
{
    jd_gmdh *net = jd_alloc(ctx, sizeof *net);
    if (!net) return NULL;
    net->ctx = ctx;
    net->inputs = inputs;
    net->chance = (double)NAN;
    net->mean = jd_alloc_array(ctx, (size_t)inputs, sizeof *net->mean);
    net->scale = jd_alloc_array(ctx, (size_t)inputs, sizeof *net->scale);
    net->used = jd_alloc_array(ctx, (size_t)inputs, sizeof *net->used);
    if (!jd_error(ctx)) return net;
    jd_gmdh_free(net);
    return NULL;
}

void jd_gmdh_free(jd_gmdh *net)
{
    if (!net) return;
    jd_ctx *ctx = net->ctx;
    for (int l = 0; l < net->layers; l++) jd_free(ctx, net->layer[l].unit);
    void *const owned[] = {net->mean, net->scale, net->used, net->layer, net->history, net};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
}

/* ---- pruning -----------------------------------------------------------------------------------------------------------------*/

static int sources_before(const jd_gmdh *net, int layer)
{
    return layer ? net->layer[layer - 1].n : 0;
}

/* Marks what unit k of a layer looks at, and so on down; need[] has a row of `stride` marks a layer, inputs in the last. */
static void mark(const jd_gmdh *net, bool *need, size_t stride, int layer, int k)
{
    bool *mine = need + (size_t)layer * stride;
    if (mine[k]) return;
    mine[k] = true;
    for (int s = 0; s < 2; s++) {
        const int source = net->layer[layer].unit[k].source[s], units = sources_before(net, layer);
        if (source < units)
            mark(net, need, stride, layer - 1, source);
        else
            need[(size_t)net->layers * stride + (size_t)(source - units)] = true;
    }
}

/* Where the surviving units of the layer below lie now; inputs follow them. */
static void renumber(jd_gmdh *net, const bool *need, size_t stride, int layer, const int *place)
{
    jd__gmdh_layer *l = &net->layer[layer];
    const int units = sources_before(net, layer);
    int survivors = 0, n = 0;
    for (int k = 0; layer && k < units; k++) survivors += need[(size_t)(layer - 1) * stride + (size_t)k];
    for (int k = 0; k < l->n; k++) {
        if (!need[(size_t)layer * stride + (size_t)k]) continue;
        jd__gmdh_unit u = l->unit[k];
        for (int s = 0; s < 2; s++)
            u.source[s] = u.source[s] < units ? place[u.source[s]] : u.source[s] - units + survivors;
        l->unit[n++] = u;
    }
}

jd_status jd__gmdh_prune(jd_gmdh *net, int layers)
{
    jd_ctx *ctx = net->ctx;
    for (int l = layers; l < net->layers; l++) jd_free(ctx, net->layer[l].unit);
    net->layers = layers;
    net->used_n = 0;
    if (!layers) return jd_error(ctx);
    size_t stride = (size_t)net->inputs;
    for (int l = 0; l < layers; l++)
        if ((size_t)net->layer[l].n > stride) stride = (size_t)net->layer[l].n;
    bool *need = jd_alloc_array(ctx, (size_t)layers + 1, stride);
    int *place = jd_alloc_array(ctx, stride, sizeof *place);
    if (need && place) {
        mark(net, need, stride, layers - 1, 0);
        /* From the top down: a layer's places are those of the layer below before it is packed. */
        for (int l = layers - 1; l >= 0; l--) {
            int n = 0;
            for (int k = 0; k < sources_before(net, l); k++) {
                place[k] = n;
                n += need[(size_t)(l - 1) * stride + (size_t)k];
            }
            renumber(net, need, stride, l, place);
        }
        for (int l = 0; l < layers; l++) {
            int n = 0;
            for (int k = 0; k < net->layer[l].n; k++) n += need[(size_t)l * stride + (size_t)k];
            net->layer[l].n = n;
        }
        for (int i = 0; i < (int)net->inputs; i++)
            if (need[(size_t)layers * stride + (size_t)i]) net->used[net->used_n++] = i;
    }
    jd_free(ctx, need);
    jd_free(ctx, place);
    return jd_error(ctx);
}

/* ---- answers -----------------------------------------------------------------------------------------------------------------*/

double jd__gmdh_value(const double *w, int terms, double u, double v)
{
    double z = w[0] + w[1] * u;
    z = z + w[2] * v;
    if (terms > 3) z = z + w[3] * (u * v);
    if (terms > 4) {
        z = z + w[4] * (u * u);
        z = z + w[5] * (v * v);
    }
    if (terms > 6) {
        z = z + w[6] * (u * u * v);
        z = z + w[7] * (u * v * v);
        z = z + w[8] * (u * u * u);
        z = z + w[9] * (v * v * v);
    }
    return z;
}

jd_status jd_gmdh_predict(const jd_gmdh *net, const double *x, int64_t rows, double *y)
{
    if (!net) return JD_EUSAGE;
    int widest = 1;
    for (int l = 0; l < net->layers; l++) widest = net->layer[l].n > widest ? net->layer[l].n : widest;
    double *z = jd_alloc_array(net->ctx, 2 * (size_t)widest, sizeof *z);
    if (!z) return jd_error(net->ctx);
    const int terms = jd__gmdh_terms(net->kind);
    for (int64_t r = 0; r < rows; r++) {
        const double *in = x + r * net->inputs;
        double *before = z, *now = z + widest;
        for (int l = 0; l < net->layers; l++) {
            const int units = sources_before(net, l);
            for (int k = 0; k < net->layer[l].n; k++) {
                const jd__gmdh_unit *u = &net->layer[l].unit[k];
                double uv[2];
                for (int s = 0; s < 2; s++) {
                    const int at = u->source[s], i = at - units;
                    uv[s] = at < units ? before[at] : (in[i] - net->mean[i]) * net->scale[i];
                }
                now[k] = jd__gmdh_clamp(net, jd__gmdh_value(u->w, terms, uv[0], uv[1]));
            }
            double *swap = before;
            before = now;
            now = swap;
        }
        y[r] = net->layers ? net->y_mean + net->y_scale * before[0] : net->y_mean;
    }
    jd_free(net->ctx, z);
    return jd_error(net->ctx);
}

int64_t jd_gmdh_inputs(const jd_gmdh *net)
{
    if (!net) return 0;
    return net->inputs;
}

int jd_gmdh_layers(const jd_gmdh *net)
{
    if (!net) return 0;
    return net->layers;
}

int jd_gmdh_units(const jd_gmdh *net, int layer)
{
    if (!net) return 0;
    return layer >= 0 && layer < net->layers ? net->layer[layer].n : 0;
}

const double *jd_gmdh_unit_at(const jd_gmdh *net, int layer, int k, int source[2], int *terms)
{
    if (!net) return NULL;
    if (k < 0 || k >= jd_gmdh_units(net, layer)) return NULL;
    const jd__gmdh_unit *u = &net->layer[layer].unit[k];
    source[0] = u->source[0];
    source[1] = u->source[1];
    *terms = jd__gmdh_terms(net->kind);
    return u->w;
}

int jd_gmdh_history(const jd_gmdh *net, const double **criterion)
{
    if (!net) return 0;
    *criterion = net->history;
    return net->grown;
}

double jd_gmdh_chance(const jd_gmdh *net)
{
    if (!net) return 0;
    return net->chance;
}

int jd_gmdh_used(const jd_gmdh *net, const int **inputs)
{
    if (!net) return 0;
    *inputs = net->used;
    return net->used_n;
}

/* ---- as a graph ----------------------------------------------------------------------------------------------------------------*/

static void unit_name(char name[96], const char *net, int layer, int k)
{
    snprintf(name, 96, "%.60s/layer%d/unit%d", net, layer + 1, k + 1);
}

static jd_node input_node(jd_graph *g, const jd_gmdh *net, jd_node x, int i)
{
    const jd_node centred = jd_sub(g, jd_slice(g, x, 1, i, 1), jd_const(g, net->mean[i], JD_DIMS(1)));
    return jd_mul(g, centred, jd_const(g, net->scale[i], JD_DIMS(1))); /* (B,1) */
}

jd_node jd_gmdh_graph(jd_graph *g, const jd_gmdh *net, jd_node x)
{
    if (!g) return (jd_node){0};
    jd_ctx *ctx = jd_graph_ctx(g);
    if (!net || jd_error(ctx)) return JD_NONE;
    if (jd_rank(g, x) != 2 || jd_dim(g, x, 1) != net->inputs) {
        jd_fail(ctx, JD_EUSAGE, "jd_gmdh_graph: x is not (B,%lld)", (long long)net->inputs);
        return JD_NONE;
    }
    int widest = 1;
    for (int l = 0; l < net->layers; l++) widest = net->layer[l].n > widest ? net->layer[l].n : widest;
    jd_node *node = jd_alloc_array(ctx, (size_t)net->inputs + 2 * (size_t)widest, sizeof *node);
    if (!node) return JD_NONE;
    jd_node *input = node, *before = node + net->inputs, *now = before + widest;
    for (int i = 0; i < net->used_n; i++) input[net->used[i]] = input_node(g, net, x, net->used[i]);
    for (int l = 0; l < net->layers; l++) {
        const int units = sources_before(net, l);
        for (int k = 0; k < net->layer[l].n; k++) {
            const int *s = net->layer[l].unit[k].source;
            char name[96];
            unit_name(name, "gmdh", l, k);
            now[k] = jd_polynomial(g, name, s[0] < units ? before[s[0]] : input[s[0] - units],
                                   s[1] < units ? before[s[1]] : input[s[1] - units],
                                   .terms = jd__gmdh_terms(net->kind), .low = net->low, .high = net->high);
        }
        jd_node *swap = before;
        before = now;
        now = swap;
    }
    const jd_node mean = jd_const(g, net->y_mean, JD_DIMS(1)), scale = jd_const(g, net->y_scale, JD_DIMS(1));
    const jd_node y = net->layers ? jd_add(g, jd_mul(g, before[0], scale), mean)
                                  : jd_const(g, net->y_mean, JD_DIMS(jd_dim(g, x, 0), 1));
    jd_free(ctx, node);
    return y;
}

jd_status jd_gmdh_params(const jd_gmdh *net, const char *name, jd_params *p)
{
    if (!net) return JD_EUSAGE;
    const int terms = jd__gmdh_terms(net->kind);
    const bool f64 = jd_params_dtype(p) == JD_F64;
    const jd_type type = {f64 ? JD_F64 : JD_F32, 1, {terms}};
    for (int l = 0; l < net->layers; l++)
        for (int k = 0; k < net->layer[l].n; k++) {
            char unit[96];
            float single[JD_GMDH_TERMS];
            const double *w = net->layer[l].unit[k].w;
            for (int t = 0; t < terms; t++) single[t] = (float)w[t];
            unit_name(unit, name, l, k);
            if (jd_params_set(p, unit, &type, f64 ? (const void *)w : single)) return jd_error(net->ctx);
        }
    return jd_error(net->ctx);
}

jd_status jd_gmdh_take(jd_gmdh *net, const char *name, jd_params *p)
{
    if (!net) return JD_EUSAGE;
    const int terms = jd__gmdh_terms(net->kind);
    for (int l = 0; l < net->layers; l++)
        for (int k = 0; k < net->layer[l].n; k++) {
            char unit[96];
            unit_name(unit, name, l, k);
            const jd_range *r = jd_params_find(p, unit);
            if (!r || jd_type_count(&r->type) != terms)
                return jd_fail(net->ctx, JD_EUSAGE, "jd_gmdh_take: no parameter \"%s\" of %d weights", unit, terms);
            const void *w = jd_params_get(p, unit);
            for (int t = 0; t < terms; t++)
                net->layer[l].unit[k].w[t] =
                    r->type.dtype == JD_F64 ? ((const double *)w)[t] : (double)((const float *)w)[t];
        }
    return JD_OK;
}

char *jd_gmdh_spec(const jd_gmdh *net)
{
    if (!net) return NULL;
    static const char *const kind[] = {"", " linear", " bilinear", " cubic"};
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f) fprintf(f, "polynomial");
    for (int l = 0; f && l < net->layers; l++) {
        const int units = sources_before(net, l);
        if (l) fprintf(f, " /");
        for (int k = 0; k < net->layer[l].n; k++)
            for (int s = 0; s < 2; s++) {
                const int at = net->layer[l].unit[k].source[s];
                fprintf(f, "%s%s%d", s ? "*" : " ", at < units ? "" : "x", at < units ? at : at - units);
            }
    }
    if (f && net->layers) {
        char range[64];
        jd__snprintf(range, sizeof range, " clamp %.9g %.9g", net->low, net->high);
        fprintf(f, "%s%s", kind[net->kind], range);
    }
    return jd__gmdh_written(net->ctx, f, &text);
}

void jd_gmdh_scaling(const jd_gmdh *net, const double **mean, const double **scale, double *y_mean, double *y_scale)
{
    if (!net) return;
    *mean = net->mean;
    *scale = net->scale;
    *y_mean = net->y_mean;
    *y_scale = net->y_scale;
}
