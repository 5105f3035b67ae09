/* c_weights.c - the numbers of an exported C file, in the order in which its functions read them. */
#include "export/c.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The upper half of the nearest float that ends in 16 zeros; of two equally near ones that with an even half. */
static uint32_t half_of(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static void put_array(jd_c_writer *w, int layer, const char *what, const float *v, int64_t n, bool half)
{
    if (!v) return;
    w->halves = w->halves || half;
    jd__emit(&w->c, "static const %s w%d_%s[%lld] = {", half ? "half" : "float", layer, what, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(v[i]) || (half && fabsf(v[i]) > 0x1.fep127f))
            jd_fail(w->p->ctx, JD_EDATA, "number %lld of %s in layer %d is %g; a net with such weights is not exported",
                    (long long)i, what, layer, (double)v[i]);
        if (half)
            jd__emit(&w->c, "%s%u", i == 0 ? "\n" : i % 16 == 0 ? ",\n" : ", ", (unsigned)half_of(v[i]));
        else
            jd__emit(&w->c, "%s%af", i == 0 ? "\n" : i % 6 == 0 ? ",\n" : ", ", (double)v[i]); /* exact */
    }
    jd__put_text(&w->c, "};\n");
}

static void put_floats(jd_c_writer *w, int layer, const char *what, const float *v, int64_t n)
{
    put_array(w, layer, what, v, n, false);
}

static void put_matrix(jd_c_writer *w, int layer, const char *what, const float *v, int64_t n)
{
    put_array(w, layer, what, v, n, w->p->e->half);
}

/* v (m,n), which a part of the file multiplies with: JD_C_LANES rows at a time, those of one input side by side. */
static void pack(const float *v, int64_t m, int64_t n, float *to)
{
    for (int64_t i = 0; i < m; i += JD_C_LANES) {
        const int64_t rows = m - i < JD_C_LANES ? m - i : JD_C_LANES;
        for (int64_t k = 0; k < n; k++)
            for (int64_t j = 0; j < rows; j++) *to++ = v[(i + j) * n + k];
    }
}

/* So many matrices (m,n), one after the other. */
static void put_matrices(jd_c_writer *w, int layer, const char *what, const float *v, int64_t count, int64_t m,
                         int64_t n)
{
    float *packed = v ? jd_alloc_array(w->p->ctx, (size_t)(count * m * n), sizeof *packed) : NULL;
    for (int64_t i = 0; packed && i < count; i++) pack(v + i * m * n, m, n, packed + i * m * n);
    put_matrix(w, layer, what, packed, count * m * n);
    jd_free(w->p->ctx, packed);
}

/* Of a clockwork layer: each module by itself, which hears fewer and fewer units. */
static void put_clockwork(jd_c_writer *w, int layer, const jd_export_layer *x)
{
    const int64_t H = x->l.units, S = H / x->l.modules, all = jd__export_recurrent(x);
    float *R = jd_alloc_array(w->p->ctx, (size_t)all, sizeof *R);
    for (int64_t from = 0, at = 0; R && from < H; at += S * (H - from), from += S)
        pack(x->way[0].R + at, S, H - from, R + at);
    put_matrices(w, layer, "W", x->way[0].W, x->l.modules, S, x->in.dim[0]);
    put_matrix(w, layer, "R", R, all);
    put_floats(w, layer, "b", x->way[0].b, H);
    jd_free(w->p->ctx, R);
}

/* Of a convolution: some of them zero where `fan` leaves maps out. */
static void put_kernel(jd_c_writer *w, int layer, const jd_export_layer *x)
{
    float *W = jd__export_kernel(w->p, x);
    put_matrices(w, layer, "W", W, 1, x->l.units, (int64_t)x->l.size * x->l.size * x->in.dim[2]);
    put_floats(w, layer, "b", x->way[0].b, x->l.units * (x->l.places ? x->out.dim[0] * x->out.dim[1] : 1));
    jd_free(w->p->ctx, W);
}

/* The weights of a polynomial layer, by layer and unit as in the names of the parameters. */
static void put_units(jd_c_writer *w, int layer, const jd_export_layer *x)
{
    char what[48];
    for (jd_export_unit u = {0}; jd__export_next_unit(w->p, x, &u);) {
        snprintf(what, sizeof what, "%lld_%lld", (long long)u.layer + 1, (long long)u.place + 1);
        put_floats(w, layer, what, u.w, u.terms);
    }
}

/* Of a normalising layer. */
static void put_norm(jd_c_writer *w, int layer, const jd_export_layer *x)
{
    const int64_t C = x->in.dim[x->in.rank - 1];
    if (x->l.kind == JD_NET_LAYERNORM) {
        put_floats(w, layer, "gain", x->gain, C);
        put_floats(w, layer, "b", x->shift, C);
        return;
    }
    float *scale = jd_alloc_array(w->p->ctx, (size_t)C, sizeof *scale);
    float *shift = jd_alloc_array(w->p->ctx, (size_t)C, sizeof *shift);
    for (int64_t c = 0; scale && shift && c < C; c++) {
        const jd_export_affine a = jd__export_affine(x, c);
        scale[c] = a.scale, shift[c] = a.shift;
    }
    put_floats(w, layer, "scale", scale, shift ? C : 0);
    put_floats(w, layer, "shift", shift, scale ? C : 0);
    jd_free(w->p->ctx, scale);
    jd_free(w->p->ctx, shift);
}

/* Of a layer that multiplies: recurrent in one direction or two, dense, highway. */
static void put_products(jd_c_writer *w, int layer, const jd_export_layer *x)
{
    const int64_t H = x->l.units, P = x->l.projection ? x->l.projection : H;
    const bool md = x->l.kind == JD_NET_MDLSTM, recurrent = x->way[0].R, each = x->l.each && x->in.rank == 3;
    const int64_t N = md || each ? x->in.dim[2] : recurrent ? x->in.dim[0] : jd__export_size(&x->in);
    const int64_t scans = md ? 4 : 1, seen = md ? 2 * H : P;
    const int64_t M = recurrent ? jd__export_gates(x) * H / scans : x->out.dim[x->out.rank - 1];
    for (int d = 0; d < 2; d++) {
        const jd_export_weights *v = &x->way[d];
        static const char *const names[2][10] = {{"W", "R", "b", "peep", "proj", "bR", "ln_x", "ln_h", "ln_c", "ln_cb"},
                                                 {"W_back", "R_back", "b_back", "peep_back", "proj_back", "bR_back",
                                                  "ln_x_back", "ln_h_back", "ln_c_back", "ln_cb_back"}};
        put_matrices(w, layer, names[d][0], v->W, scans, M, N);
        put_matrices(w, layer, names[d][1], v->R, scans, M, seen);
        put_floats(w, layer, names[d][2], v->b, scans * M);
        put_floats(w, layer, names[d][3], v->peep, md ? 16 * H : 3 * H);
        put_matrices(w, layer, names[d][4], v->proj, 1, P, H);
        put_floats(w, layer, names[d][5], v->bR, H);
        put_floats(w, layer, names[d][6], v->ln_x, 4 * H);
        put_floats(w, layer, names[d][7], v->ln_h, 4 * H);
        put_floats(w, layer, names[d][8], v->ln_c, H);
        put_floats(w, layer, names[d][9], v->ln_cb, H);
    }
}

void jd__c_weights(jd_c_writer *w)
{
    for (int i = 0; i < w->p->n; i++) {
        const jd_export_layer *x = &w->p->layer[i];
        const int layer = w->first + i;
        if (x->way[0].W || x->gain || x->l.kind == JD_NET_POLYNOMIAL || x->l.kind == JD_NET_CONTRAST)
            jd__emit(&w->c, "\n/* %s%s%s */\n", w->p->scope, *w->p->scope ? "/" : "", x->l.name);
        float weight[JD_EXPORT_CONTRAST];
        switch (x->l.kind) {
        case JD_NET_POLYNOMIAL: put_units(w, layer, x); break;
        case JD_NET_LAYERNORM:
        case JD_NET_BATCHNORM: put_norm(w, layer, x); break;
        case JD_NET_CONTRAST:
            jd__export_gaussian(x->l.size, weight);
            put_floats(w, layer, "gaussian", weight, x->l.size);
            break;
        case JD_NET_CONV: put_kernel(w, layer, x); break;
        case JD_NET_CLOCKWORK: put_clockwork(w, layer, x); break;
        case JD_NET_EMBED: put_matrix(w, layer, "W", x->way[0].W, x->l.symbols * x->l.units); break;
        case JD_NET_DENSE:
        case JD_NET_HIGHWAY:
        case JD_NET_LSTM:
        case JD_NET_GRU:
        case JD_NET_SRN:
        case JD_NET_MDLSTM: put_products(w, layer, x); break;
        default: break;
        }
    }
}
