/* c_layers.c - the body of a C function that runs a network: a call for each layer, values going back and forth between two
 * buffers, a and b. */
#include "export/c.h"

static const char *const place[] = {"in", "a", "b"};

static void use(jd_c_writer *w, jd_export_part_kind k)
{
    w->parts |= 1u << k | jd__export_parts[k].needs;
}

static void begin_steps(jd_c_writer *w, bool sequence)
{
    jd__put_text(&w->c, w->whole && sequence ? "    for (int t = 0; t < steps; t++) " : "    ");
}

/* "a + t * 12" where a step's values begin, or "a". */
static void put_at(jd_c_writer *w, int where, bool sequence, int64_t size)
{
    jd__put_text(&w->c, place[where]);
    if (w->whole && sequence) jd__emit(&w->c, " + t * %lld", (long long)size);
}

static int other(const jd_c_writer *w)
{
    return w->at == 1 ? 2 : 1;
}

static jd_export_part_kind activation_part(jd_activation act)
{
    return act == JD_SIGMOID       ? JD_PART_LOGISTIC
           : act == JD_RELU        ? JD_PART_RELU
           : act == JD_SCALED_TANH ? JD_PART_SCALED_TANH
                                   : JD_PART_TANH;
}

static const char *activation_name(jd_activation act)
{
    return act == JD_SIGMOID       ? "act_sigmoid"
           : act == JD_RELU        ? "act_relu"
           : act == JD_SCALED_TANH ? "act_scaled_tanh"
                                   : "act_tanh";
}

static void put_copy(jd_c_writer *w, const char *to, bool sequence, int64_t n)
{
    jd__emit(&w->c, "    for (int i = 0; i < %s%lld; i++) %s[i] = %s[i];\n", w->whole && sequence ? "steps * " : "",
             (long long)n, to, place[w->at]);
}

/* Before values are changed where they are: the input is not ours to change. */
static void own(jd_c_writer *w, const jd_export_shape *s)
{
    if (w->at) return;
    put_copy(w, "a", s->sequence, jd__export_size(s));
    w->at = 1;
}

/* "steps * ", where there are steps. */
static const char *times(const jd_c_writer *w, const jd_export_shape *s)
{
    return w->whole && s->sequence ? "steps * " : "";
}

static void put_activation(jd_c_writer *w, jd_activation act, const jd_export_shape *s)
{
    if (act == JD_LINEAR) return;
    own(w, s);
    use(w, activation_part(act));
    jd__emit(&w->c, "    %s(%s, %s%lld);\n", activation_name(act), place[w->at], times(w, s),
             (long long)jd__export_size(s));
}

static void put_norm(jd_c_writer *w, int i, const jd_export_layer *x)
{
    const bool batch = x->l.kind == JD_NET_BATCHNORM;
    own(w, &x->in);
    use(w, batch ? JD_PART_AFFINE : JD_PART_LAYERNORM);
    jd__emit(&w->c,
             batch ? "    affine(w%d_scale, w%d_shift, %s, %s%lld, %lld);\n"
                   : "    layernorm(w%d_gain, w%d_b, %s, %s%lld, %lld);\n",
             i, i, place[w->at], times(w, &x->in), (long long)jd__export_size(&x->in),
             (long long)x->in.dim[x->in.rank - 1]);
}

/* The input of the layer before is where it was. */
static void put_stack(jd_c_writer *w, const jd_export_layer *x)
{
    const long long n = jd__export_size(&x->in), m = x->in.dim[x->in.rank - 1], N = x->out.dim[x->in.rank - 1] - m;
    if (x->l.kind == JD_NET_RESIDUAL) {
        jd__emit(&w->c, "    for (int i = 0; i < %s%lld; i++) %s[i] += %s[i];\n", times(w, &x->in), n, place[w->at],
                 place[w->before]);
        return;
    }
    use(w, JD_PART_CONCAT);
    jd__emit(&w->c, "    concat(%s, %s, %s%lld, %lld, %lld);\n", place[w->before], place[w->at], times(w, &x->in),
             n / m, N, m);
}

static void put_dense(jd_c_writer *w, int i, const jd_export_layer *x)
{
    const bool each = x->l.each && x->in.rank == 3;
    const int64_t n = each ? x->in.dim[2] : jd__export_size(&x->in), m = x->l.units,
                  cells = x->in.dim[0] * x->in.dim[1];
    use(w, JD_PART_DENSE);
    if (each) {
        jd__emit(&w->c,
                 "    for (int i = 0; i < %lld; i++) dense(w%d_W, w%d_b, %s + i * %lld, %s + i * %lld, %lld, %lld);\n",
                 (long long)cells, i, i, place[w->at], (long long)n, place[other(w)], (long long)m, (long long)m,
                 (long long)n);
        return;
    }
    begin_steps(w, x->in.sequence);
    jd__emit(&w->c, "dense(w%d_W, w%d_b, ", i, i);
    put_at(w, w->at, x->in.sequence, n);
    jd__put_text(&w->c, ", ");
    put_at(w, other(w), x->in.sequence, m);
    jd__emit(&w->c, ", %lld, %lld);\n", (long long)m, (long long)n);
}

static void put_highway(jd_c_writer *w, int i, const jd_export_layer *x)
{
    const int64_t n = x->in.dim[0];
    use(w, JD_PART_HIGHWAY);
    if (x->l.act != JD_LINEAR) use(w, activation_part(x->l.act));
    begin_steps(w, x->in.sequence);
    jd__emit(&w->c, "highway(w%d_W, w%d_b, w%d_W_back, w%d_b_back, %s, ", i, i, i, i,
             x->l.act == JD_LINEAR ? "0" : activation_name(x->l.act));
    put_at(w, w->at, x->in.sequence, n);
    jd__put_text(&w->c, ", ");
    put_at(w, other(w), x->in.sequence, n);
    jd__emit(&w->c, ", %lld);\n", (long long)n);
}

static void put_source(jd_c_writer *w, const jd_export_unit *u, int s)
{
    if (u->source[s] < u->units[0])
        jd__emit(&w->c, "z%lld_%lld", (long long)u->layer, (long long)u->source[s] + 1);
    else
        jd__emit(&w->c, "%s[%lld]", place[w->at], (long long)(u->source[s] - u->units[0]));
}

/* A line a unit; each has a name, for any layer may look at the input again. */
static void put_polynomial(jd_c_writer *w, int i, const jd_export_layer *x)
{
    const jd_polynomial_options *o = &x->l.polynomial;
    const bool kept = o->low < o->high;
    jd_export_unit u = {0};
    jd__put_text(&w->c, "    {\n");
    while (jd__export_next_unit(w->p, x, &u)) {
        const long long layer = u.layer + 1, unit = u.place + 1;
        jd__emit(&w->c, "        const float z%lld_%lld = %spolynomial(w%d_%lld_%lld, %d, ", layer, unit,
                 kept ? "clamp(" : "", i, layer, unit, u.terms);
        put_source(w, &u, 0);
        jd__put_text(&w->c, ", ");
        put_source(w, &u, 1);
        if (kept) jd__emit(&w->c, "), %af, %af", (double)(float)o->low, (double)(float)o->high);
        jd__put_text(&w->c, ");\n");
        use(w, JD_PART_POLYNOMIAL);
        if (kept) use(w, JD_PART_CLAMP);
    }
    for (long long k = 0; k < u.units[1]; k++)
        jd__emit(&w->c, "        %s[%lld] = z%lld_%lld;\n", place[other(w)], k, (long long)u.layer + 1, k + 1);
    if (!u.units[1]) jd__emit(&w->c, "        %s[0] = 0.0f;\n", place[other(w)]); /* the constant */
    jd__put_text(&w->c, "    }\n");
}

static void put_picture_layer(jd_c_writer *w, int i, const jd_export_layer *x)
{
    const long long H = x->in.dim[0], W = x->in.dim[1], C = x->in.dim[2];
    const int k = x->l.size, stride = x->l.stride ? x->l.stride : 1;
    const char *from = place[w->at], *to = place[other(w)];
    switch (x->l.kind) {
    case JD_NET_CONV:
        use(w, JD_PART_CONV);
        jd__emit(&w->c, "    conv(w%d_W, w%d_b, %s, %s, %lld, %lld, %lld, %lld, %d, %d, %d, %d, %af, %d);\n", i, i,
                 from, to, H, W, C, (long long)x->l.units, k, stride, x->l.pad, x->l.dilation,
                 (double)(float)x->l.around, x->l.places);
        return;
    case JD_NET_CONTRAST:
        use(w, JD_PART_CONTRAST);
        jd__emit(&w->c, "    contrast(w%d_gaussian, %s, %s, %lld, %lld, %lld, %d);\n", i, from, to, H, W, C, k);
        return;
    case JD_NET_BLOCK:
        use(w, JD_PART_BLOCKS);
        jd__emit(&w->c, "    blocks(%s, %s, %lld, %lld, %lld, %lld, %d);\n", from, to, H, W, C, (long long)x->l.units,
                 k);
        return;
    case JD_NET_COLLAPSE:
        use(w, JD_PART_COLLAPSE);
        jd__emit(&w->c, "    collapse(%s, %s, %lld, %lld);\n", from, to, H, W * C);
        return;
    case JD_NET_MDLSTM:
        use(w, JD_PART_MDLSTM);
        jd__emit(&w->c,
                 x->l.peepholes ? "    mdlstm(w%d_W, w%d_R, w%d_b, w%d_peep, " : "    mdlstm(w%d_W, w%d_R, w%d_b, 0, ",
                 i, i, i, i);
        jd__emit(&w->c, "%s, %s, %lld, %lld, %lld, %lld, %d);\n", from, to, H, W, C, (long long)x->l.units, x->l.sum);
        return;
    default: break;
    }
    const bool most = x->l.kind == JD_NET_MAXPOOL;
    use(w, most ? JD_PART_MAXPOOL : JD_PART_AVGPOOL);
    jd__emit(&w->c, "    %s(%s, %s, %lld, %lld, %lld, %d, %d, %lld, %lld);\n", most ? "maxpool" : "avgpool", from, to,
             H, W, C, k, stride, (long long)x->out.dim[0], (long long)x->out.dim[1]);
}

/* One direction; in a whole sequence with a state of its own. */
static void put_direction(jd_c_writer *w, int i, const jd_export_layer *x, bool back)
{
    const long long H = x->l.units, P = x->l.projection ? x->l.projection : H, N = x->in.dim[0], O = x->out.dim[0];
    const jd_export_weights *v = &x->way[back];
    const bool lstm = x->l.kind == JD_NET_LSTM;
    const char *tail = back ? "_back" : "";
    char state[2][40];
    snprintf(state[0], sizeof state[0], w->whole ? "h" : "s->h%d", i);
    snprintf(state[1], sizeof state[1], w->whole ? "c" : "s->c%d", i);
    if (w->whole) {
        jd__emit(&w->c, "    {\n        float h[%lld] = {0.0f}%s", P, lstm ? "" : ";\n");
        if (lstm) jd__emit(&w->c, ", c[%lld] = {0.0f};\n", H);
        jd__emit(&w->c, back ? "        for (int t = steps - 1; t >= 0; t--)\n            "
                             : "        for (int t = 0; t < steps; t++)\n            ");
    } else {
        jd__put_text(&w->c, "    ");
    }
    jd__emit(&w->c, "%s(w%d_W%s, w%d_R%s, w%d_b%s, ",
             x->l.kind == JD_NET_GRU         ? "gru"
             : x->l.layer_norm               ? "lstm_normalised"
             : lstm                          ? "lstm"
             : x->l.kind == JD_NET_CLOCKWORK ? "clockwork"
                                             : "srn",
             i, tail, i, tail, i, tail);
    if (x->l.layer_norm) {
        jd__emit(&w->c, "w%d_ln_x%s, w%d_ln_h%s, w%d_ln_c%s, w%d_ln_cb%s, %d, %s, %s, ", i, tail, i, tail, i, tail, i,
                 tail, !x->l.no_forget, state[0], state[1]);
    } else if (lstm) {
        if (v->peep)
            jd__emit(&w->c, "w%d_peep%s, ", i, tail);
        else
            jd__put_text(&w->c, "0, ");
        if (v->proj)
            jd__emit(&w->c, "w%d_proj%s, ", i, tail);
        else
            jd__put_text(&w->c, "0, ");
        jd__emit(&w->c, "%d, %s, %s, ", !x->l.no_forget, state[0], state[1]);
    } else if (x->l.kind == JD_NET_GRU) {
        jd__emit(&w->c, "w%d_bR%s, %s, ", i, tail, state[0]);
    } else {
        jd__emit(&w->c, "%s, ", activation_name(x->l.act));
        if (x->l.kind == JD_NET_CLOCKWORK) jd__emit(&w->c, "%d, %s, ", x->l.modules, w->whole ? "t" : "s->steps - 1");
        jd__emit(&w->c, "%s, ", state[0]);
        use(w, activation_part(x->l.act));
    }
    put_at(w, w->at, true, N);
    jd__put_text(&w->c, ", ");
    put_at(w, other(w), true, O);
    if (back) jd__emit(&w->c, " + %lld", P);
    jd__emit(&w->c, ", %lld, %lld", N, H);
    if (lstm && !x->l.layer_norm) jd__emit(&w->c, ", %lld", P);
    jd__put_text(&w->c, ");\n");
    if (w->whole) jd__put_text(&w->c, "    }\n");
}

static void put_mean(jd_c_writer *w, int i, const jd_export_layer *x)
{
    const long long n = x->in.dim[0];
    if (w->whole)
        jd__emit(&w->c,
                 "    for (int k = 0; k < %lld; k++) {\n        float sum = 0.0f;\n"
                 "        for (int t = 0; t < steps; t++) sum += %s[t * %lld + k];\n        %s[k] = sum / "
                 "(float)steps;\n    }\n",
                 n, place[w->at], n, place[other(w)]);
    else
        jd__emit(&w->c, "    for (int k = 0; k < %lld; k++) %s[k] = (s->sum%d[k] += %s[k]) / (float)s->steps;\n", n,
                 place[other(w)], i, place[w->at]);
}

static void put_embed(jd_c_writer *w, int i, const jd_export_layer *x)
{
    use(w, JD_PART_EMBED);
    begin_steps(w, x->in.sequence);
    jd__emit(&w->c, "embed(w%d_W, %s[%s], ", i, place[w->at], w->whole && x->in.sequence ? "t" : "0");
    put_at(w, other(w), x->in.sequence, x->l.units);
    jd__emit(&w->c, ", %lld, %lld);\n", (long long)x->l.symbols, (long long)x->l.units);
}

static void put_layer(jd_c_writer *w, int i)
{
    static const jd_export_part_kind recurrent[] = {JD_PART_LSTM, JD_PART_GRU, JD_PART_SRN};
    const jd_export_layer *x = &w->p->layer[i];
    if (x->l.kind == JD_NET_FLATTEN) return;
    const int name = w->first + i;
    switch (x->l.kind) { /* those that change the values where they are */
    case JD_NET_ACTIVATION: put_activation(w, x->l.act, &x->out); return;
    case JD_NET_LAYERNORM:
    case JD_NET_BATCHNORM: put_norm(w, name, x); return;
    case JD_NET_RESIDUAL:
    case JD_NET_CONCAT: put_stack(w, x); return;
    default: break;
    }
    switch (x->l.kind) {
    case JD_NET_DENSE: put_dense(w, name, x); break;
    case JD_NET_MEAN: put_mean(w, i, x); break;
    case JD_NET_WINDOW:
        use(w, JD_PART_WINDOW);
        jd__emit(&w->c, "    window(%s, %s, steps, %lld, %lld);\n", place[w->at], place[other(w)],
                 (long long)x->l.units, (long long)x->in.dim[0]);
        break;
    case JD_NET_HIGHWAY: put_highway(w, name, x); break;
    case JD_NET_POLYNOMIAL: put_polynomial(w, name, x); break;
    case JD_NET_EMBED: put_embed(w, name, x); break;
    case JD_NET_CLOCKWORK:
        use(w, JD_PART_CLOCKWORK);
        put_direction(w, i, x, false);
        break;
    case JD_NET_LSTM:
    case JD_NET_GRU:
    case JD_NET_SRN:
        use(w, x->l.layer_norm ? JD_PART_LSTM_NORMALISED : recurrent[x->l.kind - JD_NET_LSTM]);
        put_direction(w, i, x, false);
        if (x->l.both) put_direction(w, i, x, true);
        break;
    default: put_picture_layer(w, name, x);
    }
    w->before = w->at;
    w->at = other(w);
    if (x->l.kind == JD_NET_CONV || x->l.kind == JD_NET_DENSE) put_activation(w, x->l.act, &x->out);
}

void jd__c_body(jd_c_writer *w)
{
    const jd_export *e = w->p->e;
    const jd_export_shape *in = &w->p->in, *out = &w->p->out;
    const int64_t n = jd__export_size(in), m = jd__export_size(out);
    if (in->rank == 3 && (e->low != 0 || e->high != 0)) {
        use(w, JD_PART_PIXELS);
        jd__emit(&w->c, "    pixels(in, a, %lld, %af, %af);\n", (long long)n, (double)e->low, (double)e->high);
        w->at = 1;
    } else if (e->mean) {
        use(w, JD_PART_NORMALISE);
        begin_steps(w, in->sequence);
        jd__put_text(&w->c, "normalise(in_mean, in_factor, ");
        put_at(w, 0, in->sequence, n);
        jd__put_text(&w->c, ", ");
        put_at(w, 1, in->sequence, n);
        jd__emit(&w->c, ", %lld);\n", (long long)n);
        w->at = 1;
    }
    for (int i = 0; i < w->p->n; i++) put_layer(w, i);
    if (!e->softmax) {
        put_copy(w, "out", out->sequence, m);
        const long long K = out->dim[out->rank - 1];
        if (e->out_factor && K == 1)
            jd__emit(&w->c, "    for (int i = 0; i < %s%lld; i++) out[i] = %af * out[i] + %af;\n", times(w, out),
                     (long long)m, (double)*e->out_factor, (double)*e->out_shift);
        else if (e->out_factor)
            jd__emit(&w->c,
                     "    for (int i = 0; i < %s%lld; i++) out[i] = out_factor[i %% %lld] * out[i] + out_shift[i %% "
                     "%lld];\n",
                     times(w, out), (long long)m, K, K);
        return;
    }
    use(w, JD_PART_SOFTMAX);
    const int64_t last = out->dim[out->rank - 1];
    if (m != last) {
        jd__emit(&w->c, "    for (int i = 0; i < %lld; i += %lld) softmax(%s + i, out + i, %lld);\n", (long long)m,
                 (long long)last, place[w->at], (long long)last);
        return;
    }
    begin_steps(w, out->sequence);
    jd__put_text(&w->c, "softmax(");
    put_at(w, w->at, out->sequence, m);
    jd__emit(&w->c, w->whole && out->sequence ? ", out + t * %lld" : ", out", (long long)m);
    jd__emit(&w->c, ", %lld);\n", (long long)m);
}
