/* plan.c - from a line of the network language to layers with shapes and weights. */
#include "export/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "base/number.h"

int64_t jd__export_size(const jd_export_shape *s)
{
    return s->rank == 3 ? s->dim[0] * s->dim[1] * s->dim[2] : s->dim[0];
}

void jd__emit(jd_buffer *b, const char *fmt, ...)
{
    char text[1000];
    va_list args;
    va_start(args, fmt);
    jd__vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    jd__put_text(b, text);
}

/* The parameter NAME/PART, which must have the shape given. */
static const float *weight(const jd_export_plan *p, const char *name, const char *part, jd_dims shape)
{
    char full[160];
    snprintf(full, sizeof full, "%s%s%s/%s", p->scope, *p->scope ? "/" : "", name, part);
    const jd_range *r = jd_params_find(p->e->params, full);
    bool same = r && r->type.rank == shape.rank;
    for (int i = 0; same && i < shape.rank; i++) same = r->type.dim[i] == shape.dim[i];
    if (same) return (const float *)jd_params_data(p->e->params) + r->offset;
    jd_fail(p->ctx, JD_EDATA,
            r ? "the parameter \"%s\" has another shape than \"%s\" needs"
              : "there is no parameter \"%s\", which \"%s\" needs",
            full, p->net);
    return NULL;
}

static jd_status refuse(const jd_export_plan *p, const jd__net_layer *l, const char *why)
{
    return jd_fail(p->ctx, JD_EUSAGE, "the layer \"%s\" cannot be exported as %s: %s", l->word, p->form, why);
}

static jd_status expect(jd_export_plan *p, const jd_export_layer *x, bool fits, const char *what)
{
    return fits ? JD_OK : refuse(p, &x->l, what);
}

static jd_status plan_conv(jd_export_plan *p, jd_export_layer *x)
{
    const int64_t k = x->l.size, s = x->l.stride ? x->l.stride : 1, C = x->in.dim[2], M = x->l.units;
    const int64_t reach = (k - 1) * x->l.dilation + 1, h = x->in.dim[0] + 2 * x->l.pad, w = x->in.dim[1] + 2 * x->l.pad;
    if (expect(p, x, x->in.rank == 3 && !x->in.sequence, "it needs pictures") ||
        expect(p, x, h >= reach && w >= reach, "the picture is too small") ||
        expect(p, x, s == 1 || x->l.dilation == 1, "dilation goes with stride 1 only"))
        return jd_error(p->ctx);
    x->out.dim[0] = (h - reach) / s + 1;
    x->out.dim[1] = (w - reach) / s + 1;
    x->out.dim[2] = M;
    x->way[0].W = weight(p, x->l.name, "W", JD_DIMS(M, k, k, C));
    x->way[0].b = weight(p, x->l.name, "b", x->l.places ? JD_DIMS(x->out.dim[0], x->out.dim[1], M) : JD_DIMS(M));
    return jd_error(p->ctx);
}

static jd_status plan_pool(jd_export_plan *p, jd_export_layer *x)
{
    const int64_t k = x->l.size, s = x->l.stride ? x->l.stride : k;
    if (expect(p, x, x->in.rank == 3 && !x->in.sequence, "it needs pictures")) return jd_error(p->ctx);
    x->l.stride = (int)s;
    for (int i = 0; i < 2; i++) {
        const int64_t n = x->in.dim[i];
        /* With `ceil` the last window may reach over the edge, but not begin behind it. */
        x->out.dim[i] = !x->l.ceil ? (n >= k ? (n - k) / s + 1 : 0) : n > k ? (n - k + s - 1) / s + 1 : 1;
        while (x->l.ceil && x->out.dim[i] > 1 && (x->out.dim[i] - 1) * s >= n) x->out.dim[i]--;
    }
    return expect(p, x, x->out.dim[0] > 0 && x->out.dim[1] > 0, "the picture is too small");
}

float *jd__export_kernel(const jd_export_plan *p, const jd_export_layer *x)
{
    const int64_t M = x->l.units, taps = (int64_t)x->l.size * x->l.size, C = x->in.dim[2];
    float *W = jd_alloc_array(p->ctx, (size_t)(M * taps * C), sizeof *W);
    uint8_t *table = W && x->l.fan ? jd__fan_table(p->ctx, x->l.name, M, C, x->l.fan) : NULL;
    for (int64_t i = 0; W && i < M * taps * C; i++)
        W[i] = table && !table[i / (taps * C) * C + i % C] ? 0 : x->way[0].W[i];
    jd_free(p->ctx, table);
    return W;
}

static jd_status plan_contrast(jd_export_plan *p, jd_export_layer *x)
{
    const int k = x->l.size;
    return expect(p, x, x->in.rank == 3 && k % 2 == 1 && k >= 3 && k <= JD_EXPORT_CONTRAST,
                  "it needs pictures, and an odd window of 3 to 63");
}

void jd__export_gaussian(int k, float weight[JD_EXPORT_CONTRAST])
{
    double w[JD_EXPORT_CONTRAST], sum = 0, sigma = k / 4.0;
    for (int i = 0; i < k; i++) sum += w[i] = exp(-(i - k / 2) * (i - k / 2) / (2 * sigma * sigma));
    for (int i = 0; i < k; i++) weight[i] = (float)(w[i] / sum);
}

static jd_status plan_block(jd_export_plan *p, jd_export_layer *x)
{
    const int64_t side[2] = {x->l.units, x->l.size};
    for (int i = 0; i < 2; i++) x->out.dim[i] = (x->in.dim[i] + side[i] - 1) / side[i];
    x->out.dim[2] = x->in.dim[2] * side[0] * side[1];
    return expect(p, x, x->in.rank == 3, "it needs pictures");
}

static jd_status plan_collapse(jd_export_plan *p, jd_export_layer *x)
{
    x->out = (jd_export_shape){.sequence = true, .rank = 1, .dim = {x->in.dim[2]}};
    p->steps = x->in.dim[1];
    p->whole = true;
    return expect(p, x, x->in.rank == 3, "it needs pictures");
}

/* Over a sequence it is an LSTM in both directions. */
static jd_status plan_mdlstm(jd_export_plan *p, jd_export_layer *x)
{
    const int n = x->in.rank == 3 ? 2 : 1;
    const int64_t H = x->l.units, D = 1 << n, G = (n + 3) * H, N = x->in.dim[x->in.rank - 1];
    if (expect(p, x, n == 2 || x->in.sequence, "it needs pictures or sequences") ||
        expect(p, x, n == 2 || !x->l.sum,
               "over sequences its directions can only be set side by side; leave `sum` out"))
        return jd_error(p->ctx);
    jd_export_weights *w = x->way;
    w->W = weight(p, x->l.name, "W", JD_DIMS(D * G, N));
    w->R = weight(p, x->l.name, "R", JD_DIMS(D * G, n * H));
    w->b = weight(p, x->l.name, "b", JD_DIMS(D, n + 3, H));
    if (x->l.peepholes) w->peep = weight(p, x->l.name, "peep", JD_DIMS(D * (n + 2) * H));
    x->out.dim[x->in.rank - 1] = x->l.sum ? H : D * H;
    if (n == 2 || jd_error(p->ctx)) return jd_error(p->ctx);
    x->l.kind = JD_NET_LSTM;
    x->l.both = p->whole = true;
    w[1] = (jd_export_weights){
        .W = w->W + G * N, .R = w->R + G * H, .b = w->b + G, .peep = w->peep ? w->peep + 3 * H : NULL};
    return JD_OK;
}

static jd_status plan_dense(jd_export_plan *p, jd_export_layer *x)
{
    const bool each = x->l.each && x->in.rank == 3;
    const int64_t n = each ? x->in.dim[2] : jd__export_size(&x->in);
    if (each)
        x->out.dim[2] = x->l.units;
    else
        x->out = (jd_export_shape){.sequence = x->in.sequence, .rank = 1, .dim = {x->l.units}};
    x->way[0].W = weight(p, x->l.name, "W", JD_DIMS(x->l.units, n));
    x->way[0].b = weight(p, x->l.name, "b", JD_DIMS(x->l.units));
    return jd_error(p->ctx);
}

static jd_status plan_recurrent(jd_export_plan *p, jd_export_layer *x)
{
    const int64_t H = x->l.units, N = x->in.dim[0], P = x->l.projection ? x->l.projection : H;
    const int64_t gates = jd__export_gates(x);
    if (expect(p, x, x->in.sequence && x->in.rank == 1, "it needs sequences") ||
        expect(p, x, !x->l.layer_norm || (!x->l.peepholes && !x->l.projection),
               "layernorm goes without other switches"))
        return jd_error(p->ctx);
    for (int d = 0; d < (x->l.both ? 2 : 1) && !jd_error(p->ctx); d++) {
        char name[48];
        snprintf(name, sizeof name, x->l.both ? "%s/%s" : "%s", x->l.name, d ? "bw" : "fw");
        jd_export_weights *w = &x->way[d];
        w->W = weight(p, name, "W", JD_DIMS(gates * H, N));
        w->R = weight(p, name, "R", JD_DIMS(gates * H, P));
        w->b = weight(p, name, "b", JD_DIMS(gates * H));
        if (x->l.peepholes) w->peep = weight(p, name, "peep", JD_DIMS(3 * H));
        if (x->l.projection) w->proj = weight(p, name, "proj", JD_DIMS(P, H));
        if (x->l.kind == JD_NET_GRU) w->bR = weight(p, name, "bR", JD_DIMS(H));
        if (!x->l.layer_norm) continue;
        w->ln_x = weight(p, name, "ln_x/gain", JD_DIMS(4 * H));
        w->ln_h = weight(p, name, "ln_h/gain", JD_DIMS(4 * H));
        w->ln_c = weight(p, name, "ln_c/gain", JD_DIMS(H));
        w->ln_cb = weight(p, name, "ln_c/b", JD_DIMS(H));
    }
    x->out.dim[0] = P * (x->l.both ? 2 : 1);
    p->whole |= x->l.both;
    return jd_error(p->ctx);
}

int64_t jd__export_gates(const jd_export_layer *x)
{
    return x->l.kind == JD_NET_MDLSTM ? 20 : x->l.kind == JD_NET_LSTM ? 4 : x->l.kind == JD_NET_GRU ? 3 : 1;
}

int64_t jd__export_recurrent(const jd_export_layer *x)
{
    const int64_t H = x->l.units;
    return x->l.kind == JD_NET_CLOCKWORK ? jd_clockwork_weights(H, x->l.modules, NULL, false) : H * H;
}

static jd_status plan_clockwork(jd_export_plan *p, jd_export_layer *x)
{
    const int64_t H = x->l.units, n = jd__export_recurrent(x);
    if (expect(p, x, x->in.sequence && x->in.rank == 1, "it needs sequences") ||
        expect(p, x, n > 0, "its modules, 1 to 16, must share its units"))
        return jd_error(p->ctx);
    x->way[0].W = weight(p, x->l.name, "W", JD_DIMS(H, x->in.dim[0]));
    x->way[0].R = weight(p, x->l.name, "R", JD_DIMS(n));
    x->way[0].b = weight(p, x->l.name, "b", JD_DIMS(H));
    x->out.dim[0] = H;
    return jd_error(p->ctx);
}

static jd_status plan_embed(jd_export_plan *p, jd_export_layer *x)
{
    if (expect(p, x, p->n == 1 && x->in.rank == 1 && x->in.dim[0] == 1,
               "it must come first, and take one symbol (.columns = 1)") ||
        expect(p, x, !p->e->mean, "symbols are not normalised"))
        return jd_error(p->ctx);
    x->way[0].W = weight(p, x->l.name, "W", JD_DIMS(x->l.symbols, x->l.units));
    x->out.dim[0] = x->l.units;
    p->symbols = x->l.symbols;
    return jd_error(p->ctx);
}

/* Layer `place` (1, 2...) of a highway. */
static jd_status plan_highway(jd_export_plan *p, jd_export_layer *x, int64_t place)
{
    static const char *const parts[2] = {"H", "T"};
    const int64_t n = x->in.dim[0];
    x->out = x->in;
    if (expect(p, x, x->in.rank == 1, "it needs vectors or sequences")) return jd_error(p->ctx);
    for (int d = 0; d < 2; d++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%lld/%s", x->l.name, (long long)place, parts[d]);
        x->way[d].W = weight(p, name, "W", JD_DIMS(n, n));
        x->way[d].b = weight(p, name, "b", JD_DIMS(n));
    }
    return jd_error(p->ctx);
}

bool jd__export_next_unit(const jd_export_plan *p, const jd_export_layer *x, jd_export_unit *u)
{
    const int64_t inputs = jd__export_size(&x->in);
    if (!u->at) *u = (jd_export_unit){.at = x->l.text};
    int k;
    while (!(k = jd__polynomial_next(&u->at, u->units[0], u->source))) {
        u->units[0] = u->units[1];
        u->units[1] = 0;
        u->layer++;
    }
    if (k < 0 || jd_error(p->ctx)) return false;
    for (int s = 0; s < 2; s++)
        if (u->source[s] >= u->units[0] + inputs)
            jd_fail(p->ctx, JD_EUSAGE, "polynomial: there is no x%lld; the inputs are x0 to x%lld",
                    (long long)(u->source[s] - u->units[0]), (long long)inputs - 1);
    char part[60];
    u->place = u->units[1]++;
    u->terms = x->l.polynomial.terms ? x->l.polynomial.terms : 6;
    snprintf(part, sizeof part, "layer%lld/unit%lld", (long long)u->layer + 1, (long long)u->place + 1);
    u->w = jd_error(p->ctx) ? NULL : weight(p, x->l.name, part, JD_DIMS(u->terms));
    return !jd_error(p->ctx);
}

static jd_status plan_polynomial(jd_export_plan *p, jd_export_layer *x)
{
    jd_export_unit u = {0};
    x->out = (jd_export_shape){.rank = 1, .dim = {x->l.units}};
    if (expect(p, x, !x->in.sequence, "it needs vectors or pictures")) return jd_error(p->ctx);
    while (jd__export_next_unit(p, x, &u)) {
    }
    return jd_error(p->ctx);
}

jd_export_affine jd__export_affine(const jd_export_layer *x, int64_t c)
{
    const double scale = (double)x->gain[c] / sqrt((double)x->variance[c] + JD_EXPORT_EPSILON);
    return (jd_export_affine){(float)scale, (float)((double)x->shift[c] - scale * (double)x->mean[c])};
}

static jd_status plan_norm(jd_export_plan *p, jd_export_layer *x)
{
    const jd_dims C = JD_DIMS(x->in.dim[x->in.rank - 1]);
    x->gain = weight(p, x->l.name, "gain", C);
    x->shift = weight(p, x->l.name, "b", C);
    if (x->l.kind == JD_NET_BATCHNORM) {
        x->mean = weight(p, x->l.name, "mean", C);
        x->variance = weight(p, x->l.name, "variance", C);
    }
    return jd_error(p->ctx);
}

/* `of`: the layer whose input is added to its output, or set before it. */
static jd_status plan_stack(jd_export_plan *p, jd_export_layer *x, const jd_export_layer *of)
{
    const bool concat = x->l.kind == JD_NET_CONCAT;
    const int last = x->in.rank - 1;
    bool fits = of->in.rank == x->in.rank;
    for (int i = 0; fits && i <= last - concat; i++) fits = of->in.dim[i] == x->in.dim[i];
    if (fits && concat) x->out.dim[last] += of->in.dim[last];
    return expect(p, x, fits, "its input and output have different shapes");
}

static jd_status plan_layer(jd_export_plan *p, jd_export_layer *x)
{
    x->out = x->in;
    switch (x->l.kind) {
    case JD_NET_CONV: return plan_conv(p, x);
    case JD_NET_MAXPOOL:
    case JD_NET_AVGPOOL: return plan_pool(p, x);
    case JD_NET_DENSE: return plan_dense(p, x);
    case JD_NET_LSTM:
    case JD_NET_GRU:
    case JD_NET_SRN: return plan_recurrent(p, x);
    case JD_NET_CLOCKWORK: return plan_clockwork(p, x);
    case JD_NET_EMBED: return plan_embed(p, x);
    case JD_NET_POLYNOMIAL: return plan_polynomial(p, x);
    case JD_NET_ACTIVATION: return JD_OK;
    case JD_NET_LAYERNORM:
    case JD_NET_BATCHNORM: return plan_norm(p, x);
    case JD_NET_RESIDUAL:
    case JD_NET_CONCAT: return plan_stack(p, x, x - 1);
    case JD_NET_FLATTEN:
        if (expect(p, x, !x->in.sequence, "it needs pictures or vectors")) return jd_error(p->ctx);
        x->out = (jd_export_shape){.rank = 1, .dim = {jd__export_size(&x->in)}};
        return JD_OK;
    case JD_NET_MEAN: x->out.sequence = false; return expect(p, x, x->in.sequence, "it needs sequences");
    case JD_NET_WINDOW:
        x->out.dim[0] *= 2 * x->l.units + 1;
        p->whole = true;
        return expect(p, x, x->in.sequence, "it needs sequences");
    case JD_NET_CONTRAST: return plan_contrast(p, x);
    case JD_NET_BLOCK: return plan_block(p, x);
    case JD_NET_COLLAPSE: return plan_collapse(p, x);
    case JD_NET_MDLSTM: return plan_mdlstm(p, x);
    default: return refuse(p, &x->l, "volumes have no counterpart there; ship the model with the library");
    }
}

int64_t jd__export_outputs(const jd_export_plan *p)
{
    return jd__export_size(&p->out) * (p->out.sequence && p->steps ? p->steps : 1);
}

int jd__export_members(const jd_export *e)
{
    return e->members > 1 ? e->members : 1;
}

jd_status jd__export_plan(jd_ctx *ctx, const jd_export *e, int member, const char *form, jd_export_plan *p)
{
    jd__net_layer list[JD_NET_LAYERS];
    const jd_export_member alone = {"", e->net}, *one = e->members ? &e->member[member] : &alone;
    *p = (jd_export_plan){.ctx = ctx, .e = e, .net = one->net, .scope = one->scope, .form = form};
    if (e->members > 1 && (e->sequence || !e->softmax))
        return jd_fail(ctx, JD_EUSAGE,
                       "a committee is the mean of probabilities, for pictures and vectors; export one of its nets");
    if (!jd__given(ctx, form, ".params", e->params)) return jd_error(ctx);
    if (jd_params_dtype(e->params) != JD_F32) return jd_fail(ctx, JD_EUSAGE, "only float32 parameters can be exported");
    if (e->height)
        p->in = (jd_export_shape){.rank = 3, .dim = {e->height, e->width, e->channels}};
    else
        p->in = (jd_export_shape){.sequence = e->sequence, .rank = 1, .dim = {e->columns}};
    if (jd__export_size(&p->in) < 1)
        return jd_fail(
            ctx, JD_EUSAGE,
            "the size of the input is not known; give .height, .width and .channels of a picture, or .columns");
    const int n = jd__net_layers(ctx, one->net, list);
    p->out = p->in;
    for (int i = 0; i < n && !jd_error(ctx); i++) {
        if (list[i].kind == JD_NET_DROPOUT || list[i].kind == JD_NET_NOISE) continue;
        const bool highway = list[i].kind == JD_NET_HIGHWAY;
        for (int64_t k = 1; k <= (highway ? list[i].units : 1) && !jd_error(ctx); k++) {
            if (p->n == JD_EXPORT_LAYERS)
                return jd_fail(ctx, JD_EUSAGE, "more than %d layers cannot be exported", JD_EXPORT_LAYERS);
            jd_export_layer *x = &p->layer[p->n++];
            *x = (jd_export_layer){.l = list[i], .in = p->out};
            if (!(highway ? plan_highway(p, x, k) : plan_layer(p, x))) p->out = x->out;
        }
    }
    return jd_error(ctx);
}
