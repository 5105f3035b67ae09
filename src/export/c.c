/*
 * c.c - a network as one C file and its header.
 *
 * Values go back and forth between two buffers, a and b.  Of a committee each net is a function of its own.  A net whose layers all read forwards in time is written as one
 * step with its state; one that also reads backwards, layer after layer over whole sequences in memory of the caller.
 */
#include "export/c.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct writer {
    jd_buffer c, h;
    const jd_export_plan *p;
    const char *name;
    unsigned parts; /* bits of jd_export_part_kind */
    int first;      /* layers of the members before, for the weights' names */
    int at;         /* where the values are: 0 the input, 1 a, 2 b */
    bool whole;     /* sequences are whole: work on all steps */
} writer;

static const char *const place[] = {"in", "a", "b"};

/* ---- weights -------------------------------------------------------------------------------------------------------------- */

static void put_floats(writer *w, int layer, const char *what, const float *v, int64_t n)
{
    if (!v) return;
    jd__emit(&w->c, "static const float w%d_%s[%lld] = {", layer, what, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            jd_fail(w->p->ctx, JD_EDATA, "number %lld of %s in layer %d is %g; a net with such weights is not exported",
                    (long long)i, what, layer, (double)v[i]);
        jd__emit(&w->c, "%s%af", i == 0 ? "\n" : i % 6 == 0 ? ",\n" : ", ", (double)v[i]); /* exact */
    }
    jd__put_text(&w->c, "};\n");
}

/* The weights of a polynomial layer, by layer and unit as in the names of the parameters. */
static void put_units(writer *w, int layer, const jd_export_layer *x)
{
    char what[48];
    for (jd_export_unit u = {0}; jd__export_next_unit(w->p, x, &u);) {
        snprintf(what, sizeof what, "%lld_%lld", (long long)u.layer + 1, (long long)u.place + 1);
        put_floats(w, layer, what, u.w, u.terms);
    }
}

static void put_weights(writer *w)
{
    for (int i = 0; i < w->p->n; i++) {
        const jd_export_layer *x = &w->p->layer[i];
        const int64_t H = x->l.units, P = x->l.projection ? x->l.projection : H, out = x->out.dim[x->out.rank - 1];
        int64_t N = x->in.dim[0], gates = x->l.kind == JD_NET_LSTM ? 4 * H : x->l.kind == JD_NET_GRU ? 3 * H : H;
        if (x->l.kind == JD_NET_CONV) N = (int64_t)x->l.size * x->l.size * x->in.dim[2];
        if (x->l.kind == JD_NET_DENSE) N = x->l.each && x->in.rank == 3 ? x->in.dim[2] : jd__export_size(&x->in);
        if (x->l.kind == JD_NET_CONV || x->l.kind == JD_NET_DENSE || x->l.kind == JD_NET_HIGHWAY) gates = out;
        if (x->way[0].W || x->l.kind == JD_NET_POLYNOMIAL)
            jd__emit(&w->c, "\n/* %s%s%s */\n", w->p->scope, *w->p->scope ? "/" : "", x->l.name);
        if (x->l.kind == JD_NET_POLYNOMIAL) put_units(w, w->first + i, x);
        for (int d = 0; d < 2; d++) {
            const jd_export_weights *v = &x->way[d];
            static const char *const names[2][6] = {
                {"W", "R", "b", "peep", "proj", "bR"},
                {"W_back", "R_back", "b_back", "peep_back", "proj_back", "bR_back"}};
            put_floats(w, w->first + i, names[d][0], v->W, gates * N);
            put_floats(w, w->first + i, names[d][1], v->R, gates * P);
            put_floats(w, w->first + i, names[d][2], v->b, gates);
            put_floats(w, w->first + i, names[d][3], v->peep, 3 * H);
            put_floats(w, w->first + i, names[d][4], v->proj, P * H);
            put_floats(w, w->first + i, names[d][5], v->bR, H);
        }
    }
}

/* ---- the layers' calls ------------------------------------------------------------------------------------------------------ */

static void use(writer *w, jd_export_part_kind k)
{
    w->parts |= 1u << k | jd__export_parts[k].needs;
}

static void begin_steps(writer *w, bool sequence)
{
    jd__put_text(&w->c, w->whole && sequence ? "    for (int t = 0; t < steps; t++) " : "    ");
}

/* "a + t * 12" where a step's values begin, or "a". */
static void put_at(writer *w, int where, bool sequence, int64_t size)
{
    jd__put_text(&w->c, place[where]);
    if (w->whole && sequence) jd__emit(&w->c, " + t * %lld", (long long)size);
}

static int other(const writer *w)
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

static void put_copy(writer *w, const char *to, bool sequence, int64_t n)
{
    jd__emit(&w->c, "    for (int i = 0; i < %s%lld; i++) %s[i] = %s[i];\n", w->whole && sequence ? "steps * " : "",
             (long long)n, to, place[w->at]);
}

static void put_activation(writer *w, jd_activation act, const jd_export_shape *s)
{
    if (act == JD_LINEAR) return;
    const int64_t n = jd__export_size(s);
    if (w->at == 0) { /* the input is not ours to change */
        put_copy(w, "a", s->sequence, n);
        w->at = 1;
    }
    use(w, activation_part(act));
    jd__emit(&w->c, "    %s(%s, %s%lld);\n", activation_name(act), place[w->at],
             w->whole && s->sequence ? "steps * " : "", (long long)n);
}

static void put_dense(writer *w, int i, const jd_export_layer *x)
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

static void put_highway(writer *w, int i, const jd_export_layer *x)
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

static void put_source(writer *w, const jd_export_unit *u, int s)
{
    if (u->source[s] < u->units[0])
        jd__emit(&w->c, "z%lld_%lld", (long long)u->layer, (long long)u->source[s] + 1);
    else
        jd__emit(&w->c, "%s[%lld]", place[w->at], (long long)(u->source[s] - u->units[0]));
}

/* A line a unit; each has a name, for any layer may look at the input again. */
static void put_polynomial(writer *w, int i, const jd_export_layer *x)
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

static void put_picture_layer(writer *w, int i, const jd_export_layer *x)
{
    const long long H = x->in.dim[0], W = x->in.dim[1], C = x->in.dim[2];
    const int k = x->l.size, stride = x->l.stride ? x->l.stride : 1;
    if (x->l.kind == JD_NET_CONV) {
        use(w, JD_PART_CONV);
        jd__emit(&w->c, "    conv(w%d_W, w%d_b, %s, %s, %lld, %lld, %lld, %lld, %d, %d, %d);\n", i, i, place[w->at],
                 place[other(w)], H, W, C, (long long)x->l.units, k, stride, x->l.pad);
        return;
    }
    const bool most = x->l.kind == JD_NET_MAXPOOL;
    use(w, most ? JD_PART_MAXPOOL : JD_PART_AVGPOOL);
    jd__emit(&w->c, "    %s(%s, %s, %lld, %lld, %lld, %d, %d, %lld, %lld);\n", most ? "maxpool" : "avgpool",
             place[w->at], place[other(w)], H, W, C, k, stride, (long long)x->out.dim[0], (long long)x->out.dim[1]);
}

/* One direction; in a whole sequence with a state of its own. */
static void put_direction(writer *w, int i, const jd_export_layer *x, bool back)
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
             x->l.kind == JD_NET_GRU ? "gru"
             : lstm                  ? "lstm"
                                     : "srn",
             i, tail, i, tail, i, tail);
    if (lstm) {
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
        jd__emit(&w->c, "%s, %s, ", activation_name(x->l.act), state[0]);
        use(w, activation_part(x->l.act));
    }
    put_at(w, w->at, true, N);
    jd__put_text(&w->c, ", ");
    put_at(w, other(w), true, O);
    if (back) jd__emit(&w->c, " + %lld", P);
    jd__emit(&w->c, ", %lld, %lld", N, H);
    if (lstm) jd__emit(&w->c, ", %lld", P);
    jd__put_text(&w->c, ");\n");
    if (w->whole) jd__put_text(&w->c, "    }\n");
}

static void put_mean(writer *w, int i, const jd_export_layer *x)
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

static void put_layer(writer *w, int i)
{
    static const jd_export_part_kind recurrent[] = {JD_PART_LSTM, JD_PART_GRU, JD_PART_SRN};
    const jd_export_layer *x = &w->p->layer[i];
    if (x->l.kind == JD_NET_FLATTEN) return;
    if (x->l.kind == JD_NET_ACTIVATION) {
        put_activation(w, x->l.act, &x->out);
        return;
    }
    const int name = w->first + i;
    switch (x->l.kind) {
    case JD_NET_DENSE: put_dense(w, name, x); break;
    case JD_NET_MEAN: put_mean(w, i, x); break;
    case JD_NET_HIGHWAY: put_highway(w, name, x); break;
    case JD_NET_POLYNOMIAL: put_polynomial(w, name, x); break;
    case JD_NET_LSTM:
    case JD_NET_GRU:
    case JD_NET_SRN:
        use(w, recurrent[x->l.kind - JD_NET_LSTM]);
        put_direction(w, i, x, false);
        if (x->l.both) put_direction(w, i, x, true);
        break;
    default: put_picture_layer(w, name, x);
    }
    w->at = other(w);
    if (x->l.kind == JD_NET_CONV || x->l.kind == JD_NET_DENSE) put_activation(w, x->l.act, &x->out);
}

static void put_body(writer *w)
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
        if (e->out_factor != 0)
            jd__emit(&w->c, "    for (int i = 0; i < %s%lld; i++) out[i] = %af * out[i] + %af;\n",
                     w->whole && out->sequence ? "steps * " : "", (long long)m, (double)(float)e->out_factor,
                     (double)(float)e->out_shift);
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

/* ---- the functions ---------------------------------------------------------------------------------------------------------- */

/* The largest number of values between two layers, of one step. */
static int64_t most_values(const jd_export_plan *p)
{
    int64_t most = jd__export_size(&p->in);
    for (int i = 0; i < p->n; i++)
        most = jd__export_size(&p->layer[i].out) > most ? jd__export_size(&p->layer[i].out) : most;
    return most;
}

/* `member`: its number in a committee from 1, or 0. */
static void put_functions(writer *w, int member)
{
    const long long most = most_values(w->p), n = jd__export_size(&w->p->in), m = jd__export_size(&w->p->out);
    const char *name = w->name;
    w->at = 0;
    if (member) {
        jd__emit(&w->c, "\nstatic void member%d(const float *in, float *out)\n{\n    float a[%lld], b[%lld];\n", member,
                 most, most);
        put_body(w);
    } else if (!w->p->in.sequence) {
        jd__emit(&w->c, "void %s_run(const float *in, float *out)\n{\n    float a[%lld], b[%lld];\n", name, most, most);
        put_body(w);
    } else if (w->whole) {
        jd__emit(&w->c,
                 "void %s_run(const float *in, int steps, float *out, float *work)\n{\n"
                 "    float *a = work, *b = work + (long)steps * %lld;\n",
                 name, most);
        put_body(w);
    } else {
        jd__emit(&w->c, "void %s_reset(%s_state *s)\n{\n    static const %s_state zero;\n    *s = zero;\n}\n\n", name,
                 name, name);
        jd__emit(
            &w->c,
            "void %s_step(%s_state *s, const float *in, float *out)\n{\n    float a[%lld], b[%lld];\n    s->steps++;\n",
            name, name, most, most);
        put_body(w);
        jd__emit(&w->c,
                 "    (void)a, (void)b;\n}\n\nvoid %s_run(const float *in, int steps, float *out)\n{\n    %s_state s;\n"
                 "    %s_reset(&s);\n    for (int t = 0; t < steps; t++) %s_step(&s, in + t * %lld, out",
                 name, name, name, name, n);
        if (w->p->out.sequence) jd__emit(&w->c, " + t * %lld", m);
        jd__put_text(&w->c, ");\n}\n");
        return;
    }
    jd__put_text(&w->c, "    (void)a, (void)b;\n}\n");
}

/* The mean of n members, in the order that the library has. */
static void put_committee(writer *w, int n)
{
    const long long m = jd__export_size(&w->p->out);
    jd__emit(&w->c, "\nvoid %s_run(const float *in, float *out)\n{\n    float p[%lld];\n    member1(in, out);\n",
             w->name, m);
    for (int k = 2; k <= n; k++)
        jd__emit(&w->c, "    member%d(in, p);\n    for (int i = 0; i < %lld; i++) out[i] += p[i];\n", k, m);
    jd__emit(&w->c, "    for (int i = 0; i < %lld; i++) out[i] *= %af;\n}\n", m, (double)(float)(1.0 / n));
}

/* Of the two buffers, where they are the function's own, and of the recurrent parts' scratch and state. */
static int64_t stack_bytes(const writer *w)
{
    int64_t most = 0;
    for (int i = 0; i < w->p->n; i++) {
        int64_t units = w->p->layer[i].way[0].R ? 8 * w->p->layer[i].l.units : 0;
        for (jd_export_unit u = {0};
             w->p->layer[i].l.kind == JD_NET_POLYNOMIAL && jd__export_next_unit(w->p, &w->p->layer[i], &u);)
            units++;
        most = units > most ? units : most;
    }
    return 4 * (most + (w->whole && w->p->in.sequence ? 0 : 2 * most_values(w->p))) + 256;
}

/* Texts from a data set or a model file; whatever they say stays inside the comment. */
static void put_text(jd_buffer *h, const char *before, const char *words)
{
    char text[600];
    snprintf(text, sizeof text, "%s", words);
    for (char *c = text; *c; c++) {
        if ((c[0] == '*' && c[1] == '/') || (c[0] == '/' && c[1] == '*')) c[1] = ' ';
        if (*c == '\n') *c = ' ';
    }
    jd__emit(h, " * %s%s\n", before, text);
}

/* Those of one member; a single net has all that there are. */
static int64_t weights_of(const jd_export_plan *p)
{
    int64_t n = 0;
    const size_t length = strlen(p->scope);
    for (int i = 0; i < jd_params_ranges(p->e->params); i++) {
        const jd_range *r = jd_params_range(p->e->params, i);
        if (length && (strncmp(r->name, p->scope, length) != 0 || r->name[length] != '/')) continue;
        int64_t count = 1;
        for (int k = 0; k < r->type.rank; k++) count *= r->type.dim[k];
        n += count;
    }
    return n;
}

static void put_header(writer *w, int64_t stack)
{
    const jd_export_plan *p = w->p;
    const jd_export_shape *s = &p->in;
    jd_buffer *h = &w->h;
    char upper[64] = "";
    for (size_t i = 0; w->name[i]; i++) upper[i] = (char)toupper((unsigned char)w->name[i]);
    const int members = jd__export_members(p->e);
    if (members > 1)
        jd__emit(h, "/*\n * %s.h - the mean of %d trained networks, the first being\n *\n *     %.600s\n *\n", w->name,
                 members, p->e->member[0].net);
    else
        jd__emit(h, "/*\n * %s.h - a trained network of %lld weights.\n *\n *     %.600s\n *\n", w->name,
                 (long long)weights_of(p), p->net);
    if (s->rank == 3)
        jd__emit(h, " * in: a picture, %lld rows of %lld pixels of %lld channels%s.\n", (long long)s->dim[0],
                 (long long)s->dim[1], (long long)s->dim[2],
                 p->e->low != 0 || p->e->high != 0 ? ", each 0 to 255" : "");
    else
        jd__emit(h, " * in: %lld numbers%s%s.\n", (long long)s->dim[0], s->sequence ? " for each step" : "",
                 p->e->mean ? ", as they were measured: the normalisation is part of the network" : "");
    const long long m = jd__export_size(&p->out);
    jd__emit(h, " * out: %lld %s%s.\n", m,
             p->e->softmax ? "probabilities"
             : m == 1      ? "number"
                           : "numbers",
             p->out.sequence ? " for each step" : "");
    if (p->e->labels) put_text(h, "They stand for: ", p->e->labels);
    if (p->e->note) put_text(h, "", p->e->note);
    jd__emit(h, " *\n * Needs libm; uses no memory but the stack, about %lld bytes%s.\n */\n", (long long)stack,
             w->whole && s->sequence ? ", and `work`" : "");
    jd__emit(h,
             "#ifndef %s_H\n#define %s_H\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\nenum { %s_INPUTS = %lld, "
             "%s_OUTPUTS = %lld };\n\n",
             upper, upper, upper, (long long)jd__export_size(s), upper, (long long)jd__export_size(&p->out));
    if (!s->sequence) {
        jd__emit(h, "void %s_run(const float *in, float *out);\n", w->name);
    } else if (w->whole) {
        jd__emit(h,
                 "/* The floats of `work`. */\n#define %s_WORK(steps) ((long)(steps) * %lld)\n"
                 "/* A whole sequence, in (steps, %s_INPUTS); steps at least 1. */\n"
                 "void %s_run(const float *in, int steps, float *out, float *work);\n",
                 upper, (long long)(2 * most_values(p)), upper, w->name);
    } else {
        jd__emit(h, "typedef struct %s_state {\n    int steps;\n", w->name);
        for (int i = 0; i < p->n; i++) {
            const jd_export_layer *x = &p->layer[i];
            if (x->l.kind == JD_NET_MEAN) jd__emit(h, "    float sum%d[%lld];\n", i, (long long)x->in.dim[0]);
            if (x->way[0].R) jd__emit(h, "    float h%d[%lld];\n", i, (long long)x->out.dim[0]);
            if (x->l.kind == JD_NET_LSTM) jd__emit(h, "    float c%d[%lld];\n", i, (long long)x->l.units);
        }
        jd__emit(
            h,
            "} %s_state;\n/* Before the first step of a sequence. */\nvoid %s_reset(%s_state *s);\n"
            "/* The next step%s. */\nvoid %s_step(%s_state *s, const float *in, float *out);\n"
            "/* A whole sequence, in (steps, %s_INPUTS); steps at least 1. */\nvoid %s_run(const float *in, int steps, "
            "float *out);\n",
            w->name, w->name, w->name, p->out.sequence ? "" : "; out is the answer to what came so far", w->name,
            w->name, upper, w->name);
    }
    jd__put_text(h, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* The sizes that the recurrent parts need for their scratch. */
static void put_scratch(writer *w)
{
    int64_t units = 1, gates = 1;
    for (int i = 0; i < w->p->n; i++) {
        const jd_export_layer *x = &w->p->layer[i];
        if (!x->way[0].R) continue;
        const int64_t g = x->l.units * (x->l.kind == JD_NET_LSTM ? 4 : x->l.kind == JD_NET_GRU ? 3 : 1);
        if (x->l.units > units) units = x->l.units;
        if (g > gates) gates = g;
    }
    if (w->parts & (1u << JD_PART_LSTM | 1u << JD_PART_GRU | 1u << JD_PART_SRN))
        jd__emit(&w->c, "\nenum { UNITS = %lld, GATES = %lld }; /* of the largest recurrent layer */\n",
                 (long long)units, (long long)gates);
}

static jd_status write_file(jd_ctx *ctx, const char *dir, const char *name, const char *end, const jd_buffer *b)
{
    char *path = b->failed ? NULL : jd_asprintf(ctx, "%s/%s.%s", dir, name, end);
    if (path) jd_write_file(ctx, path, b->data, b->size);
    jd_free(ctx, path);
    return jd_error(ctx);
}

jd_status jd_export_c(jd_ctx *ctx, const jd_export *e, const char *dir, const char *name)
{
    jd_export_plan *p = jd_alloc(ctx, sizeof *p);
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (!*name || name[good] || isdigit((unsigned char)name[0]) || good > 60)
        jd_fail(ctx, JD_EUSAGE, "\"%s\" cannot begin names in C; use letters, digits and _, at most 60", name);
    if (!p || jd_error(ctx) || jd__export_plan(ctx, e, 0, "C", p)) {
        jd_free(ctx, p);
        return jd_error(ctx);
    }
    const int members = jd__export_members(e);
    writer w = {.c = {.ctx = ctx}, .h = {.ctx = ctx}, .p = p, .name = name, .whole = p->both};
    writer body = {.c = {.ctx = ctx}, .p = p, .name = name, .whole = p->both};
    writer weights = {.c = {.ctx = ctx}, .p = p, .name = name};
    int64_t stack = 0;
    for (int k = 0; k < members && !(k && jd__export_plan(ctx, e, k, "C", p)); k++) {
        put_functions(&body, members > 1 ? k + 1 : 0);
        put_weights(&weights);
        stack = stack_bytes(&body) > stack ? stack_bytes(&body) : stack;
        body.first = weights.first += p->n;
    }
    if (members > 1) put_committee(&body, members);
    w.parts = body.parts;
    jd__emit(&w.c, "/* %s.c - see %s.h. */\n#include \"%s.h\"\n\n#include <math.h>\n", name, name, name);
    put_scratch(&w);
    if (e->mean && e->factor && p->in.rank == 1) {
        jd__put_text(&w.c, "\n/* The input's mean, and what its differences from that are multiplied by. */\n");
        const int64_t n = p->in.dim[0];
        for (int k = 0; k < 2; k++) {
            const float *v = k ? e->factor : e->mean;
            jd__emit(&w.c, "static const float in_%s[%lld] = {", k ? "factor" : "mean", (long long)n);
            for (int64_t i = 0; i < n; i++) jd__emit(&w.c, "%s%af", i ? ", " : "", (double)v[i]);
            jd__put_text(&w.c, "};\n");
        }
    }
    jd__put(&w.c, weights.c.data, weights.c.size);
    jd__put_text(&w.c, "\n");
    for (int k = 0; k < JD_PART_KINDS; k++)
        if (w.parts & 1u << k) jd__put_text(&w.c, jd__export_parts[k].text);
    jd__put(&w.c, body.c.data, body.c.size);
    put_header(&w, stack + (members > 1 ? 4 * jd__export_size(&p->out) : 0));
    if (!jd_error(ctx) && mkdir(dir, 0777) != 0 && errno != EEXIST)
        jd_fail(ctx, JD_EIO, "%s: the folder cannot be made: %s", dir, strerror(errno));
    if (!jd_error(ctx) && !write_file(ctx, dir, name, "c", &w.c)) write_file(ctx, dir, name, "h", &w.h);
    jd__buffer_free(&w.c);
    jd__buffer_free(&w.h);
    jd__buffer_free(&body.c);
    jd__buffer_free(&weights.c);
    jd_free(ctx, p);
    return jd_error(ctx);
}
