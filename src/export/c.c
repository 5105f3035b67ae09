/*
 * c.c - a network as one C file and its header.
 *
 * Of a committee each net is a function of its own.  A net whose layers all read forwards in time is written as one step
 * with its state; one that also reads backwards, layer after layer over whole sequences in memory of the caller.
 */
#include "export/c.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/given.h"

/* ---- the functions ---------------------------------------------------------------------------------------------------------- */

/* A function that the net calls, with the type of matrices for @ and their elements' values for `...`. */
static void put_part(jd_buffer *c, const char *text, bool half)
{
    for (bool inside = false; *text; text++)
        if (*text == '@') {
            jd__put_text(c, half ? "half" : "float");
        } else if (*text == '`') {
            inside = !inside;
            if (half) jd__put_text(c, inside ? "real(" : ")");
        } else {
            jd__put(c, text, 1);
        }
}

/* The largest number of values between two layers, of one step. */
static int64_t most_values(const jd_export_plan *p)
{
    int64_t most = jd__export_size(&p->in);
    for (int i = 0; i < p->n; i++) {
        const jd_export_shape *s = &p->layer[i].out;
        const int64_t n = jd__export_size(s) * (s->sequence && p->steps ? p->steps : 1);
        most = n > most ? n : most;
    }
    return most;
}

/* `member`: its number in a committee from 1, or 0. */
static void put_functions(jd_c_writer *w, int member)
{
    const long long most = most_values(w->p), n = jd__export_size(&w->p->in), m = jd__export_size(&w->p->out);
    const char *name = w->name;
    w->at = 0;
    if (!w->p->in.sequence) {
        if (member)
            jd__emit(&w->c, "\nstatic void member%d(const float *in, float *out)\n{\n", member);
        else
            jd__emit(&w->c, "void %s_run(const float *in, float *out)\n{\n", name);
        jd__emit(&w->c, "    float a[%lld], b[%lld];\n", most, most);
        if (w->p->steps) jd__emit(&w->c, "    enum { steps = %lld };\n", (long long)w->p->steps);
        jd__c_body(w);
    } else if (w->whole) {
        jd__emit(&w->c,
                 "void %s_run(const float *in, int steps, float *out, float *work)\n{\n"
                 "    float *a = work, *b = work + (long)steps * %lld;\n",
                 name, most);
        jd__c_body(w);
    } else {
        jd__emit(&w->c, "void %s_reset(%s_state *s)\n{\n    static const %s_state zero;\n    *s = zero;\n}\n\n", name,
                 name, name);
        jd__emit(
            &w->c,
            "void %s_step(%s_state *s, const float *in, float *out)\n{\n    float a[%lld], b[%lld];\n    s->steps++;\n",
            name, name, most, most);
        jd__c_body(w);
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
static void put_committee(jd_c_writer *w, int n)
{
    const long long m = jd__export_outputs(w->p);
    jd__emit(&w->c, "\nvoid %s_run(const float *in, float *out)\n{\n    float p[%lld];\n    member1(in, out);\n",
             w->name, m);
    for (int k = 2; k <= n; k++)
        jd__emit(&w->c, "    member%d(in, p);\n    for (int i = 0; i < %lld; i++) out[i] += p[i];\n", k, m);
    jd__emit(&w->c, "    for (int i = 0; i < %lld; i++) out[i] *= %af;\n}\n", m, (double)(float)(1.0 / n));
}

/* Of the two buffers, where they are the function's own, and of the recurrent parts' scratch and state. */
static int64_t stack_bytes(const jd_c_writer *w)
{
    int64_t most = 0;
    for (int i = 0; i < w->p->n; i++) {
        const jd_export_layer *x = &w->p->layer[i];
        int64_t units = x->way[0].R ? 9 * x->l.units : 0;
        if (x->l.kind == JD_NET_CONV) units = (int64_t)x->l.size * x->l.size * x->in.dim[2];
        if (x->l.kind == JD_NET_HIGHWAY) units = x->in.dim[0];
        if (x->l.kind == JD_NET_MDLSTM) units = (12 + 2 * x->in.dim[1]) * x->l.units;
        if (x->l.kind == JD_NET_CONTRAST) units = (x->in.dim[0] + 1) * x->in.dim[1] + x->in.dim[0];
        for (jd_export_unit u = {0}; x->l.kind == JD_NET_POLYNOMIAL && jd__export_next_unit(w->p, x, &u);) units++;
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

static void put_header(jd_c_writer *w, int64_t stack)
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
        jd__emit(h, "/*\n * %s.h - a trained network of %lld weights%s.\n *\n *     %.600s\n *\n", w->name,
                 (long long)weights_of(p), p->e->half ? ", 16 bits an element of its matrices" : "", p->net);
    if (s->rank == 3)
        jd__emit(h, " * in: a picture, %lld rows of %lld pixels of %lld channels%s.\n", (long long)s->dim[0],
                 (long long)s->dim[1], (long long)s->dim[2],
                 p->e->low != 0 || p->e->high != 0 ? ", each 0 to 255" : "");
    else if (p->symbols)
        jd__emit(h, " * in: the number of a symbol%s, 0 to %lld.\n", s->sequence ? " for each step" : "",
                 (long long)p->symbols - 1);
    else
        jd__emit(h, " * in: %lld numbers%s%s.\n", (long long)s->dim[0], s->sequence ? " for each step" : "",
                 p->e->mean ? ", as they were measured: the normalisation is part of the network" : "");
    const long long m = jd__export_size(&p->out);
    jd__emit(h, " * out: %lld %s%s.\n", m,
             p->e->softmax ? "probabilities"
             : m == 1      ? "number"
                           : "numbers",
             p->out.sequence ? " for each step" : "");
    if (p->out.sequence && p->steps)
        jd__emit(h, " * The steps are the %lld columns that the picture ends as, from left to right.\n",
                 (long long)p->steps);
    if (p->e->labels) put_text(h, "They stand for: ", p->e->labels);
    if (p->e->note) put_text(h, "", p->e->note);
    jd__emit(h, " *\n * Needs libm; uses no memory but the stack, about %lld bytes%s.\n */\n", (long long)stack,
             w->whole && s->sequence ? ", and `work`" : "");
    jd__emit(h,
             "#ifndef %s_H\n#define %s_H\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\nenum { %s_INPUTS = %lld, "
             "%s_OUTPUTS = %lld };\n\n",
             upper, upper, upper, (long long)jd__export_size(s), upper, (long long)jd__export_outputs(p));
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

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The sizes that some parts need for their scratch: the largest of all members. */
static void measure(jd_c_writer *w)
{
    for (int i = 0; i < w->p->n; i++) {
        const jd_export_layer *x = &w->p->layer[i];
        const bool md = x->l.kind == JD_NET_MDLSTM, contrast = x->l.kind == JD_NET_CONTRAST;
        const int64_t H = x->in.dim[0], W = x->in.dim[1];
        if (x->l.kind == JD_NET_HIGHWAY) w->units = larger(w->units, H);
        if (x->way[0].R) w->units = larger(w->units, x->l.units);
        if (x->way[0].R) w->gates = larger(w->gates, jd__export_gates(x) / (md ? 4 : 1) * x->l.units);
        if (x->l.kind == JD_NET_CONV) w->patch = larger(w->patch, (int64_t)x->l.size * x->l.size * x->in.dim[2]);
        if (md) w->line = larger(w->line, W * x->l.units);
        if (contrast) w->cells = larger(w->cells, H * W);
        if (contrast) w->side = larger(w->side, larger(H, W));
    }
}

static void put_scratch(jd_buffer *c, const jd_c_writer *of)
{
    if (of->units)
        jd__emit(c, "\nenum { UNITS = %lld, GATES = %lld }; /* of the largest recurrent or highway layer */\n",
                 (long long)of->units, (long long)larger(of->gates, 1));
    if (of->patch) jd__emit(c, "\nenum { PATCH = %lld }; /* inputs of a convolution's unit */\n", (long long)of->patch);
    if (of->line) jd__emit(c, "enum { LINE = %lld }; /* states of a row */\n", (long long)of->line);
    if (of->cells)
        jd__emit(c, "\nenum { CELLS = %lld, SIDE = %lld }; /* of the largest picture whose contrast is normalised */\n",
                 (long long)of->cells, (long long)of->side);
}

static jd_status write_file(jd_ctx *ctx, const char *dir, const char *name, const char *end, const jd_buffer *b)
{
    char *path = b->failed ? NULL : jd_asprintf(ctx, "%s/%s.%s", dir, name, end);
    if (path) jd_write_file(ctx, path, b->data, b->size);
    jd_free(ctx, path);
    return jd_error(ctx);
}

static void put_numbers(jd_buffer *c, const char *name, const float *v, int64_t n)
{
    jd__emit(c, "static const float %s[%lld] = {", name, (long long)n);
    for (int64_t i = 0; i < n; i++) jd__emit(c, "%s%af", i ? ", " : "", (double)v[i]);
    jd__put_text(c, "};\n");
}

jd_status jd_export_c(jd_ctx *ctx, const jd_export *e, const char *dir, const char *name)
{
    if (!jd__given(ctx, __func__, "e", e) || !jd__given(ctx, __func__, "dir", dir) ||
        !jd__given(ctx, __func__, "name", name))
        return jd_error(ctx);
    jd_export_plan *p = jd_alloc(ctx, sizeof *p);
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (!*name || name[good] || isdigit((unsigned char)name[0]) || good > 60)
        jd_fail(ctx, JD_EUSAGE, "\"%s\" cannot begin names in C; use letters, digits and _, at most 60", name);
    if (!p || jd_error(ctx) || jd__export_plan(ctx, e, 0, "C", p)) {
        jd_free(ctx, p);
        return jd_error(ctx);
    }
    const int members = jd__export_members(e);
    jd_c_writer w = {.c = {.ctx = ctx}, .h = {.ctx = ctx}, .p = p, .name = name, .whole = p->whole};
    jd_c_writer body = {.c = {.ctx = ctx}, .p = p, .name = name, .whole = p->whole};
    jd_c_writer weights = {.c = {.ctx = ctx}, .p = p, .name = name};
    int64_t stack = 0;
    for (int k = 0; k < members && !(k && jd__export_plan(ctx, e, k, "C", p)); k++) {
        put_functions(&body, members > 1 ? k + 1 : 0);
        measure(&body);
        jd__c_weights(&weights);
        stack = stack_bytes(&body) > stack ? stack_bytes(&body) : stack;
        body.first = weights.first += p->n;
    }
    if (members > 1) put_committee(&body, members);
    w.parts = body.parts;
    jd__emit(&w.c, "/* %s.c - see %s.h. */\n#include \"%s.h\"\n\n#include <math.h>\n", name, name, name);
    if (weights.halves)
        jd__put_text(&w.c, "#include <stdint.h>\n\n/* The upper half of a float whose lower half is zero. */\n"
                           "typedef uint16_t half;\nstatic float real(half h)\n{\n    const union {\n        uint32_t "
                           "bits;\n        float value;\n    } whole = {(uint32_t)h << 16};\n    return "
                           "whole.value;\n}\n");
    put_scratch(&w.c, &body);
    const int64_t outputs = p->out.dim[p->out.rank - 1];
    if (e->mean && e->factor && p->in.rank == 1) {
        jd__put_text(&w.c, "\n/* The input's mean, and what its differences from that are multiplied by. */\n");
        put_numbers(&w.c, "in_mean", e->mean, p->in.dim[0]);
        put_numbers(&w.c, "in_factor", e->factor, p->in.dim[0]);
    }
    if (!e->softmax && e->out_factor && outputs > 1) {
        jd__put_text(&w.c, "\n/* What the net's outputs are multiplied by, and then added to. */\n");
        put_numbers(&w.c, "out_factor", e->out_factor, outputs);
        put_numbers(&w.c, "out_shift", e->out_shift, outputs);
    }
    jd__put(&w.c, weights.c.data, weights.c.size);
    jd__put_text(&w.c, "\n");
    for (int k = 0; k < JD_PART_KINDS; k++)
        if (w.parts & 1u << k) put_part(&w.c, jd__export_parts[k].text, e->half);
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
