/* test_export.c - networks as C files and as ONNX models: compiled, run, and compared with the library. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <dlfcn.h>
#include <math.h>

#include "jackdaw/export.h"
#include "program.h"

#include "ctx_tmpdir.h"

enum { T = 7, B = 3 };

typedef struct net {
    const char *name, *spec;
    jd_dims input; /* (H,W,C) of pictures, (N) of vectors and sequences */
    bool sequence, softmax, normal, symbols;
    double factor, shift; /* of the first output, 1 more of each next one */
} net;

static const net nets[] = {
    {"mlp",
     "dense 9 tanh, dense 7 sigmoid, dropout 0.5, dense 5 scaled-tanh, dense 4 relu, dense 3",
     {1, {6}},
     .softmax = true,
     .normal = true},
    {"plain", "tanh, noise 0.1, dense 2", {1, {5}}, .factor = 2.5, .shift = -0.75},
    {"cnn",
     "conv 4 3 tanh pad 1 as first, maxpool 2, scaled-tanh, conv 5 3 stride 2 relu, dense 6 each sigmoid, flatten, "
     "dense 3",
     {3, {13, 12, 2}},
     .softmax = true,
     .normal = true},
    {"pools", "conv 3 2, maxpool 3 stride 2 ceil, avgpool 2 ceil, dense 4", {3, {12, 11, 1}}, .normal = true},
    {"average", "avgpool 2, relu, dense 4", {3, {6, 8, 3}}},
    {"edges", "maxpool 3 stride 2 ceil, avgpool 2 stride 3 ceil, maxpool 4 ceil, dense 3", {3, {10, 13, 2}}},
    {"lstm",
     "lstm 5, dense 3 tanh, lstm 4 peepholes, dense 3",
     {1, {4}},
     .sequence = true,
     .softmax = true,
     .normal = true},
    {"old", "lstm 5 no-forget, lstm 4 no-forget peepholes as top, dense 2", {1, {3}}, .sequence = true},
    {"gru", "gru 6, tanh, srn 4 relu, srn 3, mean, dense 4", {1, {5}}, .sequence = true, .softmax = true},
    {"both",
     "blstm 5 peepholes, bgru 4, bsrn 3 sigmoid, dense 4",
     {1, {4}},
     .sequence = true,
     .softmax = true,
     .normal = true},
    {"highway", "dense 5 tanh, highway 3 relu, highway 2 tanh as up, highway 1, dense 3", {1, {6}}, .softmax = true},
    {"grown",
     "polynomial x0*x2 x3*x1 x1*x1 / 0*1 2*x4 x0*x3 / 0*1 2*x2 / 1*0 clamp -1.5 0.75",
     {1, {5}},
     .normal = true,
     .factor = 3,
     .shift = 0.5},
    {"cubes", "polynomial x5*x2 x1*x0 / 0*1 1*x3 cubic, dense 2", {3, {2, 3, 1}}, .normal = true},
    {"lines", "dense 4 tanh, polynomial x0*x1 x2*x3 linear, polynomial x0*x1 bilinear clamp -2 2", {1, {3}}},
    {"nothing", "polynomial", {1, {3}}, .normal = true, .factor = 1, .shift = -4.5},
    {"targets", "lstm 3, dense 3", {1, {2}}, .sequence = true, .normal = true, .factor = 4, .shift = 2},
    {"last", "lstm 3, mean, polynomial x0*x1 x2*x1 / 0*1", {1, {2}}, .sequence = true},
    {"roads", "lstm 4, highway 2 sigmoid, dense 2", {1, {3}}, .sequence = true},
    {"mean", "blstm 3, mean, dense 5 relu, dense 2", {1, {4}}, .sequence = true},
    {"normal",
     "batchnorm, conv 4 3, batchnorm as bn, relu, maxpool 2, conv 3 2 tanh, layernorm, dense 6, batchnorm, dense 3",
     {3, {11, 10, 2}},
     .softmax = true,
     .normal = true},
    {"stacked",
     "layernorm, dense 4 tanh residual, dense 5 relu concat, dense 9 residual, layernorm, dense 2",
     {1, {4}},
     .normal = true},
    {"stairs", "dense 3 each tanh residual, conv 2 2, dense 3 each concat, dense 2", {3, {5, 4, 3}}},
    {"deep",
     "lstm 5 residual, batchnorm, gru 3 concat, srn 8 residual, layernorm as last, dense 2 concat, dense 3",
     {1, {5}},
     .sequence = true},
    {"deep_both",
     "blstm 3 concat, layernorm, bgru 4 residual, batchnorm, bsrn 4 concat, dense 3",
     {1, {2}},
     .sequence = true,
     .softmax = true},
    {"clock",
     "clockwork 6 3, dense 4 tanh, clockwork 4 2 relu residual, dense 3",
     {1, {4}},
     .sequence = true,
     .normal = true},
    {"ticks",
     "clockwork 8 4 sigmoid concat, blstm 3, clockwork 5 1, mean, dense 3",
     {1, {3}},
     .sequence = true,
     .softmax = true},
    {"embedded", "embed 7 4, lstm 5, clockwork 4 2, dense 3", {1, {1}}, .sequence = true, .symbols = true},
    {"words", "embed 9 3, blstm 4, mean, dense 2", {1, {1}}, .sequence = true, .softmax = true, .symbols = true},
    {"symbol", "embed 5 4, dense 3 tanh, dense 2", {1, {1}}, .symbols = true},
    {"series",
     "window 2, dense 6 each, batchnorm, relu, window 1, dense 5, relu, window 3, mean, dense 3",
     {1, {2}},
     .sequence = true,
     .softmax = true,
     .normal = true},
    {"views", "window 1, lstm 4, window 9, dense 3", {1, {3}}, .sequence = true},
    {"gaps",
     "conv 4 3 dilate 2 relu pad 1, conv 5 3 fan 2, conv 3 3 stride 2 pad 2 around -1.5 tanh places, conv 2 2 pad 1 "
     "around 2, "
     "dense 3",
     {3, {11, 10, 2}},
     .softmax = true,
     .normal = true},
    {"contrasts", "contrast 5, conv 3 3, contrast 9, maxpool 2, contrast 3, dense 3", {3, {9, 12, 2}}, .normal = true},
    {"corners", "block 2 3, mdlstm 3 peepholes, dense 4 tanh each, mdlstm 5 sum, dense 3", {3, {7, 10, 1}}},
    {"line",
     "conv 3 2 tanh, mdlstm 2 sum peepholes, block 3 2, collapse, blstm 3, window 1, dense 4",
     {3, {7, 10, 2}},
     .softmax = true,
     .normal = true},
    {"lines_mean", "mdlstm 2, collapse, lstm 3, clockwork 4 2, mean, dense 3", {3, {4, 6, 2}}, .factor = 2},
    {"calm", "lstm 5 layernorm, dense 4, lstm 4 layernorm no-forget residual, dense 2", {1, {3}}, .sequence = true},
    {"calm_both", "blstm 3 layernorm, mdlstm 3 peepholes, mdlstm 2, dense 2", {1, {3}}, .sequence = true},
    {"projected", "lstm 6 projection 3 peepholes, blstm 4 projection 2, dense 3", {1, {4}}, .sequence = true},
    {"eight", "dense 1", {1, {8}}},
};
enum { NETS = sizeof nets / sizeof *nets };

/* One network with its weights, an input and what the library says to it. */
typedef struct sample {
    const net *n;
    jd_params *params;
    float mean[16], factor[16], out_factor[16], out_shift[16];
    jd_type in, out;
    float *x, *y, *raw; /* raw: before normalisation */
    int32_t symbol[T * B];
    jd_export e;
} sample;

static void trace(jd_graph *g, void *user)
{
    const net *n = user;
    const jd_node y = jd_net(g, n->spec, jd_arg(g, "x"), jd_has_arg(g, "length") ? jd_arg(g, "length") : JD_NONE);
    jd_result(g, "y", n->softmax ? jd_softmax(g, y) : y);
}

static double uniform(jd_rng *r)
{
    return 2 * jd_rng_uniform64(r) - 1;
}

static const int32_t lengths[B] = {T, 2, 5};

/* `ragged`: the samples of a batch have lengths of their own. */
static void open_sample(const net *n, sample *s, bool ragged, bool half)
{
    *s = (sample){.n = n, .params = jd_params_new(ctx, JD_F32)};
    const bool picture = n->input.rank == 3;
    const int64_t *d = n->input.dim;
    s->in = picture       ? (jd_type){JD_F32, 4, {B, d[0], d[1], d[2]}}
            : n->symbols  ? (n->sequence ? (jd_type){JD_I32, 2, {T, B}} : (jd_type){JD_I32, 1, {B}})
            : n->sequence ? (jd_type){JD_F32, 3, {T, B, d[0]}}
                          : (jd_type){JD_F32, 2, {B, d[0]}};
    const size_t size = (size_t)jd_type_count(&s->in);
    jd_fn *f = jd_fn_new(ctx, s->params, trace, (void *)(uintptr_t)n);
    jd_rng r = jd_rng_new(3, "tests/export", (uint64_t)(n - nets));
    s->x = calloc(size, sizeof *s->x);
    s->raw = calloc(size, sizeof *s->raw);
    for (int k = 0; k < 16; k++) s->mean[k] = (float)uniform(&r), s->factor[k] = (float)(1 + 0.5 * uniform(&r));
    for (size_t i = 0; i < size; i++) {
        const size_t k = i % (size_t)d[0];
        s->raw[i] = picture && n->normal ? (float)jd_rng_below(&r, 256) : (float)uniform(&r);
        s->x[i] = !n->normal ? s->raw[i] : picture ? -1 + s->raw[i] * 2 / 255 : (s->raw[i] - s->mean[k]) * s->factor[k];
    }
    const int64_t symbols = n->symbols ? strtol(strchr(n->spec, ' '), NULL, 10) : 0;
    for (size_t i = 0; n->symbols && i < size; i++) {
        s->symbol[i] = (int32_t)jd_rng_below(&r, (uint32_t)symbols);
        if (i == size - 1) s->symbol[i] = (int32_t)((s->symbol[0] + 1) % symbols); /* the last sample is another one */
        if (i % 5 == 1) s->symbol[i] = i % 2 ? -1 : (int32_t)symbols + 1;          /* outside the table: zeros */
        s->raw[i] = (float)s->symbol[i];
    }
    const jd_tensor in[2] = {{"x", s->in, n->symbols ? (void *)s->symbol : (void *)s->x},
                             JD_TENSOR("length", JD_I32, lengths, B)};
    assert_non_null(jd_fn_plan(f, in, 1 + ragged));
    float *w = jd_params_data(s->params);
    for (size_t i = 0; i < jd_params_count(s->params); i++) w[i] = (float)(0.6 * uniform(&r));
    for (size_t i = 0; half && i < jd_params_count(s->params); i++)
        memset(&w[i], 0, 2); /* little-endian: the lower half */
    for (int k = 0; k < jd_params_ranges(s->params); k++) {
        const jd_range *range = jd_params_range(s->params, k);
        if (!strstr(range->name, "/variance")) continue;
        for (int64_t i = 0; i < range->type.dim[0]; i++) w[range->offset + (size_t)i] = (float)(1 + uniform(&r));
    }
    assert_int_equal(jd_fn_run(f, in, 1 + ragged), JD_OK);
    const float *y = jd_fn_result(f, "y", &s->out);
    const int64_t K = s->out.dim[s->out.rank - 1];
    s->y = calloc((size_t)jd_type_count(&s->out), sizeof *y);
    for (int k = 0; k < K && k < 16; k++)
        s->out_factor[k] = (float)(n->factor + k), s->out_shift[k] = (float)(n->shift + k);
    for (int64_t i = 0; i < jd_type_count(&s->out); i++)
        s->y[i] =
            n->factor != 0 ? (float)((double)s->out_factor[i % K] * (double)y[i] + (double)s->out_shift[i % K]) : y[i];
    /* The last sample is told from the first, or nothing would be compared. */
    const int64_t values = jd_type_count(&s->out), last = values - s->out.dim[s->out.rank - 1];
    assert_true((memcmp(y, y + last, (size_t)(values - last) * sizeof *y) == 0) == !strcmp(n->spec, "polynomial"));
    jd_fn_free(f);
    s->e = (jd_export){.net = n->spec,
                       .params = s->params,
                       .sequence = n->sequence,
                       .lengths = ragged,
                       .half = half,
                       .softmax = n->softmax,
                       .labels = "up */ #error, /* down, */*/ left",
                       .out_factor = n->factor != 0 ? s->out_factor : NULL,
                       .out_shift = s->out_shift};
    if (picture)
        s->e.height = d[0], s->e.width = d[1], s->e.channels = d[2];
    else
        s->e.columns = d[0];
    if (n->normal && picture) s->e.low = -1, s->e.high = 1;
    if (n->normal && !picture) s->e.mean = s->mean, s->e.factor = s->factor;
}

static void close_sample(sample *s)
{
    jd_params_free(s->params);
    free(s->x);
    free(s->y);
    free(s->raw);
}

/* ---- C ------------------------------------------------------------------------------------------------------------------------ */

static void close_to(const float *got, const float *want, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 1e-5f * fmaxf(1, fabsf(want[i]))))
            fail_msg("%s: value %zu is %.9g, but the library says %.9g", what, i, (double)got[i], (double)want[i]);
}

/* dlsym gives an object pointer; C has no cast from that to a function's. */
static void find(void *library, const char *name, const char *end, void *function)
{
    char full[80];
    snprintf(full, sizeof full, "%s_%s", name, end);
    void *p = dlsym(library, full);
    memcpy(function, &p, sizeof p);
}

/* Sample b of the batch by itself: its input is packed, its output compared. */
static void run_one(void *library, const sample *s, int64_t b)
{
    const net *n = s->n;
    const size_t in = (size_t)jd_type_count(&s->in) / B, out = (size_t)jd_type_count(&s->out) / B;
    const size_t step = (size_t)n->input.dim[0], out_steps = s->out.rank == 3 ? (size_t)s->out.dim[0] : 1,
                 out_step = out / out_steps;
    float x[400], y[400], want[400], step_y[64], work[4000];
    memcpy(x, s->raw + (size_t)b * in, in * sizeof *x);
    memcpy(want, s->y + (size_t)b * out, out * sizeof *want);
    if (n->sequence) {
        for (size_t t = 0; t < T; t++) memcpy(x + t * step, s->raw + (t * B + (size_t)b) * step, step * sizeof *x);
    }
    for (size_t t = 0; s->out.rank == 3 && t < out_steps; t++)
        memcpy(want + t * out_step, s->y + (t * B + (size_t)b) * out_step, out_step * sizeof *want);
    if (!n->sequence) {
        void (*run)(const float *, float *);
        find(library, n->name, "run", &run);
        run(x, y);
    } else if (dlsym(library, "has_work")) {
        void (*run)(const float *, int, float *, float *);
        find(library, n->name, "run", &run);
        run(x, T, y, work);
    } else {
        void (*run)(const float *, int, float *), (*reset)(void *), (*next)(void *, const float *, float *);
        find(library, n->name, "run", &run);
        find(library, n->name, "reset", &reset);
        find(library, n->name, "step", &next);
        run(x, T, y);
        memset(work, 0xff, sizeof work);
        reset(work); /* its state is smaller */
        for (size_t t = 0; t < T; t++) next(work, x + t * step, step_y);
        close_to(step_y, want + out - out_step, out_step, n->name);
    }
    close_to(y, want, out, n->name);
}

static void compile_and_run(const sample *s, const char *compiler)
{
    char command[1500], path[300], use[300], upper[40] = "";
    const char *name = s->n->name, *dir = tmpdir_file("c");
    snprintf(path, sizeof path, "%s/%s-%s.so", dir, name, compiler);
    /* A second file sees the header alone, and tells which of the three forms it is. */
    for (size_t i = 0; name[i]; i++) upper[i] = (char)toupper((unsigned char)name[i]);
    snprintf(command, sizeof command,
             "#include \"%s.h\"\n#ifdef %s_WORK\nint has_work = 1;\n#endif\nint inputs = %s_INPUTS;\n", name, upper,
             upper);
    snprintf(use, sizeof use, "%s/use.c", dir);
    tmpdir_write(use, command, strlen(command));
    snprintf(command, sizeof command,
             "cd '%s' && %s -std=c99 -pedantic-errors -Wall -Wextra -Wshadow -Wconversion -Wdouble-promotion "
             "-Wstrict-prototypes -Werror -O1 -fPIC -shared -o '%s' "
             "%s.c use.c -lm",
             dir, compiler, path, name);
    assert_int_equal(system(command), 0);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) fail_msg("%s", dlerror());
    for (int64_t b = 0; b < B; b++) run_one(library, s, b);
    dlclose(library);
}

/* Every second time around with matrices of half the size, which lose nothing here. */
static void as_c(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * NETS; k++) {
        const int i = k / 2;
        sample s;
        open_sample(&nets[i], &s, false, k % 2);
        assert_int_equal(jd_export_c(ctx, &s.e, tmpdir_file("c"), nets[i].name), JD_OK);
        compile_and_run(&s, "gcc");
        if (i % 3 == 0 && system("command -v clang >/dev/null") == 0) compile_and_run(&s, "clang");
        close_sample(&s);
    }
}

/* To the nearest, and to even halves in the middle. */
static void halves(void **state)
{
    (void)state;
    static const struct {
        float v;
        const char *half;
    } known[] = {{0, "0"},
                 {1, "16256"},
                 {0x1.01p0f, "16256"},
                 {0x1.03p0f, "16258"},
                 {0x1.010002p0f, "16257"},
                 {-0x1.ffp0f, "49152"},
                 {0x1p-140f, "0"},
                 {0x1.fep127f, "32639"}};
    enum { N = sizeof known / sizeof *known };
    char want[200] = "{\n";
    sample s;
    open_sample(&nets[NETS - 1], &s, false, true);
    float *w = jd_params_data(s.params);
    for (size_t i = 0; i < N; i++) {
        w[i] = known[i].v;
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s%s", i ? ", " : "", known[i].half);
    }
    assert_int_equal(jd_export_c(ctx, &s.e, tmpdir_file("c"), "eight"), JD_OK);
    char *text = jd_read_file(ctx, tmpdir_file("c/eight.c"), 1 << 20, NULL);
    assert_non_null(text);
    if (!strstr(text, want)) fail_msg("'%s' is not in: %s", want, text);
    jd_free(ctx, text);
    w[3] = 0x1.fffp127f; /* no half is near */
    assert_int_equal(jd_export_c(ctx, &s.e, tmpdir_file("c"), "eight"), JD_EDATA);
    jd_error_clear(ctx);
    close_sample(&s);
}

/* ---- ONNX --------------------------------------------------------------------------------------------------------------------- */

static void write_npy(const char *name, const char *end, const jd_type *type, const void *data)
{
    char path[300];
    jd_tensor_entry t = {
        .name = "", .dtype = type->dtype == JD_I32 ? JD_FILE_I32 : JD_FILE_F32, .rank = type->rank, .data = data};
    memcpy(t.dim, type->dim, sizeof t.dim);
    snprintf(path, sizeof path, "%s/%s.%s.npy", tmpdir_file("onnx"), name, end);
    assert_int_equal(jd_npy_write(ctx, path, &t), JD_OK);
}

static bool in_pieces(const char *spec)
{
    static const char *const whole[] = {"blstm", "bgru", "clockwork", "mean", "window", "mdlstm"};
    bool can = strstr(spec, "lstm") || strstr(spec, "gru");
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) can = can && !strstr(spec, whole[i]);
    return can;
}

static void as_onnx(void **state)
{
    (void)state;
    char command[800], path[300], name[80];
    snprintf(command, sizeof command, "mkdir -p '%s'", tmpdir_file("onnx"));
    assert_int_equal(system(command), 0);
    for (int k = 0; k < 2 * NETS; k++) {
        const int i = k / 2;
        const bool ragged = k % 2;
        sample s;
        if (ragged && !nets[i].sequence) continue;
        open_sample(&nets[i], &s, ragged, false);
        for (int primitives = 0; primitives < (nets[i].sequence ? 2 : 1); primitives++) {
            snprintf(name, sizeof name, "%s%s%s", nets[i].name, primitives ? "-primitives" : "",
                     ragged ? "-ragged" : "");
            snprintf(path, sizeof path, "%s/%s.onnx", tmpdir_file("onnx"), name);
            assert_int_equal(jd_export_onnx(ctx, &s.e, path, primitives), JD_OK);
            if (!ragged && in_pieces(nets[i].spec)) { /* onnx_check.py feeds these in two pieces */
                snprintf(path, sizeof path, "%s/%s-states.onnx", tmpdir_file("onnx"), name);
                s.e.states = true;
                assert_int_equal(jd_export_onnx(ctx, &s.e, path, primitives), JD_OK);
                s.e.states = false;
            }
            write_npy(name, "in", &s.in, s.n->symbols ? (void *)s.symbol : (void *)s.raw);
            write_npy(name, "out", &s.out, s.y);
        }
        close_sample(&s);
    }
    snprintf(command, sizeof command,
             "for p in python3 /usr/bin/python3; do $p -c 'import onnx' 2>/dev/null && exec $p onnx_check.py '%s' >&2; "
             "done; exit 77",
             tmpdir_file("onnx"));
    const int code = system(command) >> 8;
    if (code == 77) skip(); /* no python3-onnx */
    assert_int_equal(code, 0);
}

/* ---- what cannot be exported ------------------------------------------------------------------------------------------------ */

static void refusals(void **state)
{
    (void)state;
    sample s;
    open_sample(&nets[0], &s, false, false);
    static const struct {
        const char *spec, *word;
    } bad[] = {{"mdlstm 3, dense 2", "mdlstm"},
               {"clockwork 6 4, dense 2", "clockwork"},
               {"dense 9 residual, dense 2", "shapes"},
               {"conv 3 3 places, dense 2", "pictures"},
               {"window 2, dense 2", "sequences"},
               {"contrast 5", "pictures"},
               {"block 2 2", "pictures"},
               {"collapse", "pictures"},
               {"pyramid 3 3", "volumes"},
               {"embed 5 3, dense 2", "embed"},
               {"lstm 3, dense 2", "sequences"},
               {"conv 3 3, dense 2", "pictures"},
               {"dense 9 tanh, dense 8", "shape"},
               {"dense 9, dense 7 as other", "other/W"},
               {"mean, dense 2", "sequences"},
               {"densse 3", "dense"},
               {"polynomial x0*x6", "x5"},
               {"polynomial x0*x1", "polynomial1/layer1/unit1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int form = 0; form < 2; form++) {
            s.e.net = bad[i].spec;
            if (form)
                jd_export_onnx(ctx, &s.e, tmpdir_file("none.onnx"), false);
            else
                jd_export_c(ctx, &s.e, tmpdir_file("c"), "none");
            assert_true(jd_error(ctx) == JD_EUSAGE || jd_error(ctx) == JD_EDATA);
            if (!strstr(jd_error_message(ctx), bad[i].word)) fail_msg("%s: %s", bad[i].spec, jd_error_message(ctx));
            jd_error_clear(ctx);
        }
    s.e.net = nets[0].spec;
    s.e.states = true;
    assert_int_equal(jd_export_onnx(ctx, &s.e, tmpdir_file("none.onnx"), false), JD_EUSAGE);
    jd_error_clear(ctx);
    s.e.sequence = true;
    s.e.net = "lstm 3, mean";
    assert_int_equal(jd_export_onnx(ctx, &s.e, tmpdir_file("none.onnx"), false), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "step by step"));
    jd_error_clear(ctx);
    s.e = (jd_export){.net = nets[0].spec, .params = s.params, .columns = 6};
    static const char *const names[] = {"", "1st", "a-b", "a b", "a/b", "x;y"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(jd_export_c(ctx, &s.e, tmpdir_file("c"), names[i]), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    assert_int_equal(jd_export_c(ctx, &s.e, tmpdir_file("not/there"), "net"), JD_EIO);
    jd_error_clear(ctx);
    ((float *)jd_params_data(s.params))[3] = NAN;
    assert_int_equal(jd_export_c(ctx, &s.e, tmpdir_file("c"), "net"), JD_EDATA);
    jd_error_clear(ctx);
    close_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_c), cmocka_unit_test(halves), cmocka_unit_test(as_onnx),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
