/* export.c - a grown network as text, as C source, and in a file. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "gmdh/gmdh.h"
#include "jackdaw/io.h"

/* Without memory the C library closes a stream well, and leaves its text NULL or, when something could not be added, short. */
char *jd__gmdh_written(jd_ctx *ctx, FILE *f, char **text)
{
    const bool whole = f && !ferror(f);
    char *copy = f && !fclose(f) && whole && *text ? jd_strdup(ctx, *text) : NULL;
    if (!copy) jd_fail(ctx, JD_ENOMEM, "gmdh: no memory for the text");
    free(*text);
    return copy;
}

static int units_below(const jd_gmdh *net, int layer)
{
    return layer ? net->layer[layer - 1].n : 0;
}

static void write_source_name(FILE *f, const jd_gmdh *net, int layer, int at, const char *const *names)
{
    const int units = units_below(net, layer);
    if (at < units)
        fprintf(f, "z%d.%d", layer, at + 1);
    else if (names && names[at - units])
        fprintf(f, "[%s]", names[at - units]);
    else
        fprintf(f, "[x%d]", at - units);
}

char *jd_gmdh_text(const jd_gmdh *net, const char *const *names)
{
    if (!net) return NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const locale_t before = jd__c_numbers();
    const int terms = jd__gmdh_terms(net->kind);
    for (int l = 0; f && l < net->layers; l++)
        for (int k = 0; k < net->layer[l].n; k++) {
            const jd__gmdh_unit *u = &net->layer[l].unit[k];
            fprintf(f, "z%d.%d =", l + 1, k + 1);
            for (int t = 0; t < terms; t++) {
                if (t)
                    fprintf(f, " %c %.6g", u->w[t] < 0 ? '-' : '+', fabs(u->w[t]));
                else
                    fprintf(f, " %.6g", u->w[t]);
                for (int s = 0; s < 2; s++)
                    for (int p = 0; p < jd__polynomial_power[t][s]; p++) {
                        fputc(' ', f);
                        write_source_name(f, net, l, u->source[s], names);
                    }
            }
            fputc('\n', f);
        }
    if (f && net->layers)
        fprintf(f, "y = %.6g + %.6g z%d.1\n", net->y_mean, net->y_scale, net->layers);
    else if (f)
        fprintf(f, "y = %.6g\n", net->y_mean);
    jd__host_numbers(before);
    return jd__gmdh_written(net->ctx, f, &text);
}

/* ---- C source ------------------------------------------------------------------------------------------------------------------*/

static void write_operand(FILE *f, const jd_gmdh *net, int layer, int at)
{
    const int units = units_below(net, layer), i = at - units;
    if (at < units)
        fprintf(f, "z%d_%d", layer, at + 1);
    else
        fprintf(f, "(x[%d] - %.17g) * %.17g", i, net->mean[i], net->scale[i]);
}

char *jd_gmdh_source(const jd_gmdh *net, const char *name)
{
    if (!net) return NULL;
    static const char *const power[] = {"",        "u",           "v",           "(u * v)",     "(u * u)",
                                        "(v * v)", "(u * u * v)", "(u * v * v)", "(u * u * u)", "(v * v * v)"};
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const locale_t before = jd__c_numbers();
    const int terms = jd__gmdh_terms(net->kind);
    if (f)
        fprintf(f, "#pragma STDC FP_CONTRACT OFF\n\ndouble %s(const double *x) /* x[%lld] */\n{\n    double u, v, z;\n",
                name, (long long)net->inputs);
    for (int l = 0; f && l < net->layers; l++)
        for (int k = 0; k < net->layer[l].n; k++) {
            const jd__gmdh_unit *unit = &net->layer[l].unit[k];
            fprintf(f, "    u = ");
            write_operand(f, net, l, unit->source[0]);
            fprintf(f, ";\n    v = ");
            write_operand(f, net, l, unit->source[1]);
            fprintf(f, ";\n    z = %.17g", unit->w[0]);
            for (int t = 1; t < terms; t++) fprintf(f, " + %.17g * %s", unit->w[t], power[t]);
            fprintf(f, ";\n    const double z%d_%d = z < %.17g ? %.17g : z > %.17g ? %.17g : z;\n", l + 1, k + 1,
                    net->low, net->low, net->high, net->high);
        }
    if (f && net->layers)
        fprintf(f, "    return %.17g + %.17g * z%d_1;\n}\n", net->y_mean, net->y_scale, net->layers);
    else if (f)
        fprintf(f, "    (void)x, (void)u, (void)v, (void)z;\n    return %.17g;\n}\n", net->y_mean);
    jd__host_numbers(before);
    return jd__gmdh_written(net->ctx, f, &text);
}

/* ---- files -----------------------------------------------------------------------------------------------------------------------*/

enum { FACTS = 6 }; /* unit kind, inputs, y_mean, y_scale, low, high */

jd_status jd_gmdh_save(const jd_gmdh *net, const char *path)
{
    if (!net) return JD_EUSAGE;
    jd_ctx *ctx = net->ctx;
    const int layers = net->layers, terms = jd__gmdh_terms(net->kind);
    const double facts[FACTS] = {net->kind, (double)net->inputs, net->y_mean, net->y_scale, net->low, net->high};
    const size_t n = 3 + 2 * (size_t)layers;
    jd_tensor_entry *e = jd_alloc_array(ctx, n, sizeof *e);
    double **w = jd_alloc_array(ctx, (size_t)layers + 1, sizeof *w);
    int32_t **source = jd_alloc_array(ctx, (size_t)layers + 1, sizeof *source);
    for (int l = 0; w && source && l < layers; l++) {
        const size_t units = (size_t)net->layer[l].n;
        w[l] = jd_alloc_array(ctx, units * (size_t)terms, sizeof **w);
        source[l] = jd_alloc_array(ctx, units * 2, sizeof **source);
        for (size_t k = 0; w[l] && source[l] && k < units; k++) {
            memcpy(w[l] + k * (size_t)terms, net->layer[l].unit[k].w, (size_t)terms * sizeof **w);
            for (int s = 0; s < 2; s++) source[l][2 * k + (size_t)s] = net->layer[l].unit[k].source[s];
        }
    }
    if (!jd_error(ctx)) {
        e[0] = (jd_tensor_entry){.name = "facts", .dtype = JD_FILE_F64, .rank = 1, .dim = {FACTS}, .data = facts};
        e[1] =
            (jd_tensor_entry){.name = "mean", .dtype = JD_FILE_F64, .rank = 1, .dim = {net->inputs}, .data = net->mean};
        e[2] = (jd_tensor_entry){
            .name = "scale", .dtype = JD_FILE_F64, .rank = 1, .dim = {net->inputs}, .data = net->scale};
        for (int l = 0; l < layers; l++) {
            jd_tensor_entry *two = e + 3 + 2 * l;
            two[0] = (jd_tensor_entry){.name = jd_asprintf(ctx, "layer%d/w", l + 1),
                                       .dtype = JD_FILE_F64,
                                       .rank = 2,
                                       .dim = {net->layer[l].n, terms},
                                       .data = w[l]};
            two[1] = (jd_tensor_entry){.name = jd_asprintf(ctx, "layer%d/source", l + 1),
                                       .dtype = JD_FILE_I32,
                                       .rank = 2,
                                       .dim = {net->layer[l].n, 2},
                                       .data = source[l]};
        }
        jd_safetensors_write(ctx, path, e, n, (jd_metadata[]){{"jackdaw.kind", "gmdh"}}, 1);
    }
    for (int l = 0; w && source && l < layers; l++) {
        jd_free(ctx, w[l]);
        jd_free(ctx, source[l]);
        jd_free(ctx, e ? (void *)(uintptr_t)e[3 + 2 * l].name : NULL);
        jd_free(ctx, e ? (void *)(uintptr_t)e[4 + 2 * l].name : NULL);
    }
    void *const owned[] = {w, source, e};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
    return jd_error(ctx);
}

static const jd_tensor_entry *entry(const jd_tensor_file *f, const char *name, jd_file_dtype dtype, int rank)
{
    const jd_tensor_entry *e = jd_tensor_file_get(f, name);
    return e && e->dtype == dtype && e->rank == rank ? e : NULL;
}

static bool all_finite(const double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(v[i])) return false;
    return true;
}

/* Layer l of the file; false when it does not fit what lies below. */
static bool read_layer(jd_gmdh *net, const jd_tensor_file *f, int l)
{
    char name[32];
    const int terms = jd__gmdh_terms(net->kind);
    snprintf(name, sizeof name, "layer%d/w", l + 1);
    const jd_tensor_entry *w = entry(f, name, JD_FILE_F64, 2);
    snprintf(name, sizeof name, "layer%d/source", l + 1);
    const jd_tensor_entry *source = w ? entry(f, name, JD_FILE_I32, 2) : NULL;
    if (!source || w->dim[1] != terms || source->dim[1] != 2 || w->dim[0] != source->dim[0] || w->dim[0] < 1 ||
        w->dim[0] > 1000000 || !all_finite(w->data, w->dim[0] * terms))
        return false;
    jd__gmdh_layer *layer = &net->layer[l];
    layer->n = (int)w->dim[0];
    layer->unit = jd_alloc_array(net->ctx, (size_t)layer->n, sizeof *layer->unit);
    net->layers = l + 1;
    const int64_t below = units_below(net, l) + net->inputs;
    for (int k = 0; layer->unit && k < layer->n; k++) {
        memcpy(layer->unit[k].w, (const double *)w->data + k * terms, (size_t)terms * sizeof(double));
        for (int s = 0; s < 2; s++) {
            const int32_t at = ((const int32_t *)source->data)[2 * k + s];
            if (at < 0 || at >= below) return false;
            layer->unit[k].source[s] = at;
        }
    }
    return layer->unit != NULL;
}

static jd_gmdh *read_net(jd_ctx *ctx, const jd_tensor_file *f)
{
    const jd_tensor_entry *facts = entry(f, "facts", JD_FILE_F64, 1), *mean = entry(f, "mean", JD_FILE_F64, 1);
    const jd_tensor_entry *scale = entry(f, "scale", JD_FILE_F64, 1);
    const double *v = facts && facts->dim[0] == FACTS ? facts->data : NULL;
    if (!v || !mean || !scale || !all_finite(v, FACTS) || v[0] < 0 || v[0] > JD_GMDH_CUBIC || mean->dim[0] < 1 ||
        v[1] != (double)mean->dim[0] || mean->dim[0] != scale->dim[0] || mean->dim[0] > INT32_MAX ||
        !all_finite(mean->data, mean->dim[0]) || !all_finite(scale->data, scale->dim[0]))
        return NULL;
    jd_gmdh *net = jd__gmdh_new(ctx, mean->dim[0]);
    const int layers = (int)((jd_tensor_file_count(f) - 3) / 2);
    if (net) net->layer = jd_alloc_array(ctx, (size_t)layers + 1, sizeof *net->layer);
    if (jd_error(ctx)) return net;
    net->kind = (jd_gmdh_unit)v[0];
    net->y_mean = v[2];
    net->y_scale = v[3];
    net->low = v[4];
    net->high = v[5];
    memcpy(net->mean, mean->data, (size_t)net->inputs * sizeof *net->mean);
    memcpy(net->scale, scale->data, (size_t)net->inputs * sizeof *net->scale);
    for (int l = 0; l < layers; l++)
        if (!read_layer(net, f, l)) {
            jd_gmdh_free(net);
            return NULL;
        }
    jd__gmdh_prune(net, layers);
    return net;
}

jd_gmdh *jd_gmdh_load(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (!f) return NULL;
    jd_gmdh *net = jd_tensor_file_count(f) >= 3 ? read_net(ctx, f) : NULL;
    jd_tensor_file_close(f);
    if (!net) jd_fail(ctx, JD_EDATA, "%s: not a network of jd_gmdh_save, or damaged; save it again", path);
    if (!jd_error(ctx)) return net;
    jd_gmdh_free(net);
    return NULL;
}
