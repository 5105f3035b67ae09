/* test_model.c - models as files hold them: run alone, in batches, as sequences and streams, by several threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include <math.h>
#include <pthread.h>

#include "jackdaw/layers.h"
#include "jackdaw/model.h"
#include "jackdaw/train.h"

#include "ctx_tmpdir.h"

enum { MOST = 10000 };

/* What the file says beside the net, and the shape of a sample or, of sequences, of a step. */
typedef struct net {
    const char *spec, *more;
    jd_dims shape;
    bool sequence, symbols, softmax;
} net;

#define NORMAL   "\"mean\":\"0.5 -0.25 2\",\"factor\":\"2 0.75 -1\","
#define TARGETS  "\"classes\":0,\"targets\":2,\"target-mean\":\"3 -1.5\",\"target-factor\":\"2 0.25\""
#define PICTURES "\"low\":-1,\"high\":1,\"classes\":3"
static const net
    table = {"dense 5 tanh, dense 3", NORMAL "\"classes\":3,\"class-names\":\"a|b|c\"", {1, {3}}, .softmax = true},
    houses = {"dense 4 relu, dense 2", NORMAL TARGETS, {1, {3}}},
    one_house = {"dense 4 relu, dense 1", NORMAL "\"classes\":0,\"target-mean\":3.5,\"target-factor\":0.5", {1, {3}}},
    picture = {"conv 3 3 tanh, maxpool 2, dense 3", PICTURES, {3, {8, 7, 2}}, .softmax = true},
    line = {"conv 2 3, collapse, lstm 3, dense 3", PICTURES, {3, {5, 6, 1}}, .softmax = true},
    halves = {"dense 3 tanh", "\"classes\":3,\"answer\":\"tanh\"", {1, {4}}},
    series = {"window 1, dense 4 tanh, mean, dense 3",
              NORMAL "\"classes\":3",
              {1, {3}},
              .sequence = true,
              .softmax = true},
    frames = {"lstm 4, dense 2", NORMAL TARGETS, {1, {3}}, .sequence = true},
    words = {
        "embed 7 3, gru 4, dense 3", "\"classes\":3", {1, {1}}, .sequence = true, .symbols = true, .softmax = true};

static void trace(jd_graph *g, void *user)
{
    const net *n = user;
    const jd_node y = jd_net(g, n->spec, jd_arg(g, "x"), jd_has_arg(g, "length") ? jd_arg(g, "length") : JD_NONE);
    jd_result(g, "y", n->softmax ? jd_softmax(g, y) : y);
}

/* Writes the file of a net with random weights, and says what it must answer to `in` (steps,count,N), which is made here; returns
 * how many numbers that is. */
static size_t make(const net *n, int64_t steps, int64_t count, const int32_t *lengths, float *in, float *want)
{
    char shape[40], config[700];
    const int64_t *d = n->shape.dim, N = n->shape.rank == 3 ? d[0] * d[1] * d[2] : d[0];
    static float x[MOST];
    static int32_t symbol[MOST];
    if (n->shape.rank == 3)
        snprintf(shape, sizeof shape, "%dx%dx%d", (int)d[0], (int)d[1], (int)d[2]);
    else
        snprintf(shape, sizeof shape, n->sequence ? "%2$dx%1$d" : "%1$d", (int)d[0], (int)steps);
    snprintf(config, sizeof config, "{\"net\":\"%s\",\"input\":\"%s\",%s}", n->spec, shape, n->more);
    jd_rng r = jd_rng_new(5, "tests/model", (uint64_t)steps);
    for (int64_t i = 0; i < steps * count * N; i++) {
        static const float mean[3] = {0.5f, -0.25f, 2}, factor[3] = {2, 0.75f, -1};
        in[i] =
            n->symbols || n->shape.rank == 3 ? (float)jd_rng_below(&r, n->symbols ? 7 : 256) : (float)jd_rng_normal(&r);
        if (i == 4 && strstr(n->more, "\"mean\"")) in[i] = NAN;
        x[i] = n->shape.rank == 3            ? (float)(-1 + 2 * (double)in[i] / 255)
               : isnan(in[i])                ? 0
               : strstr(n->more, "\"mean\"") ? (in[i] - mean[i % 3]) * factor[i % 3]
                                             : in[i];
        symbol[i] = (int32_t)in[i];
    }
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace, (void *)(uintptr_t)n);
    jd_tensor t[2] = {{"x", {n->symbols ? JD_I32 : JD_F32, 0, {0}}, n->symbols ? (void *)symbol : (void *)x},
                      JD_TENSOR("length", JD_I32, lengths, count)};
    int rank = 0;
    if (n->sequence) t->type.dim[rank++] = steps;
    t->type.dim[rank++] = count;
    for (int i = 0; i < n->shape.rank && !n->symbols; i++) t->type.dim[rank++] = d[i];
    t->type.rank = rank;
    assert_int_equal(jd_fn_run(f, t, lengths ? 2 : 1), JD_OK);
    jd_type type;
    const float *y = jd_fn_result(f, "y", &type);
    const int64_t K = type.dim[type.rank - 1], all = jd_type_count(&type);
    const bool turned = !n->sequence && type.rank == 3; /* (W,count,K) of pictures that became sequences */
    for (int64_t i = 0; i < all; i++) {
        const int64_t W = type.dim[0], k = i % K;
        float v = y[turned ? (i / K % W * count + i / K / W) * K + k : i];
        if (strstr(n->more, "targets")) v = (k ? 4.f : 0.5f) * v + (k ? -1.5f : 3.f);
        if (strstr(n->more, "3.5")) v = 2 * v + 3.5f;
        if (strstr(n->more, "answer")) v = 0.5f * v + 0.5f;
        want[i] = v;
    }
    assert_int_equal(jd_params_save(ctx, p, tmpdir_file("model"), (jd_metadata[]){{"jackdaw.config", config}}, 1),
                     JD_OK);
    jd_fn_free(f);
    jd_params_free(p);
    return (size_t)all;
}

static void same(const float *got, const float *want, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &want[i], sizeof *got) != 0)
            fail_msg("%s: number %zu is %.9g, not %.9g", what, i, (double)got[i], (double)want[i]);
}

static float in[MOST], want[MOST], out[MOST];

/* Two nets, "a" and "b", of which the second may be another one; of tables, of sequences, and with outputs in [-1,1]. */
typedef struct pair {
    const char *net[2], *more;
    bool sequence, halves;
} pair;

static void trace_pair(jd_graph *g, void *user)
{
    const pair *c = user;
    jd_node y[2];
    for (int k = 0; k < 2; k++) {
        jd_scope_push(g, k ? "b" : "a");
        y[k] = jd_net(g, c->net[k], jd_arg(g, "x"), jd_has_arg(g, "length") ? jd_arg(g, "length") : JD_NONE);
        if (!c->halves) y[k] = jd_softmax(g, y[k]);
        jd_scope_pop(g);
    }
    jd_result(g, "a", y[0]);
    jd_result(g, "b", y[1]);
}

static void committees(void **state)
{
    (void)state;
    enum { N = 3, T = 6, B = 4 };
    static const pair pairs[] = {
        {{"dense 4 tanh, dense 3", "dense 3"}, "\"classes\":3", .sequence = false},
        {{"dense 3 tanh", "dense 3 tanh"}, "\"classes\":3,\"answer\":\"tanh\"", .halves = true},
        {{"lstm 4, mean, dense 3", "srn 2, mean, dense 3"}, "\"classes\":3", .sequence = true}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const pair *c = &pairs[i];
        const int32_t lengths[B] = {T, 2, 1, 5};
        char config[400];
        snprintf(
            config, sizeof config,
            "{\"net\":\"%s\",\"input\":\"%s\",%s,\"members\":[{\"scope\":\"a\"},{\"scope\":\"b\",\"net\":\"%s\"}]}",
            c->net[0], c->sequence ? "6x3" : "3", c->more, c->net[1]);
        jd_rng r = jd_rng_new(7, "tests/model", i);
        for (int k = 0; k < T * B * N; k++) in[k] = (float)jd_rng_normal(&r);
        jd_params *p = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, p, trace_pair, (void *)(uintptr_t)c);
        const jd_tensor t[2] = {c->sequence ? JD_TENSOR("x", JD_F32, in, T, B, N) : JD_TENSOR("x", JD_F32, in, B, N),
                                JD_TENSOR("length", JD_I32, lengths, B)};
        if (jd_fn_run(f, t, c->sequence ? 2 : 1)) fail_msg("%s", jd_error_message(ctx));
        const float *a = jd_fn_result(f, "a", NULL), *b = jd_fn_result(f, "b", NULL);
        for (int k = 0; k < B * 3; k++)
            want[k] = 0.5f * (c->halves ? (0.5f * a[k] + 0.5f) + (0.5f * b[k] + 0.5f) : a[k] + b[k]);
        jd_params_save(ctx, p, tmpdir_file("pair"), (jd_metadata[]){{"jackdaw.config", config}}, 1);
        jd_model *m = jd_model_open(ctx, tmpdir_file("pair"));
        if (!m) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(c->sequence ? jd_model_run_sequences(m, in, lengths, T, B, out) : jd_model_run(m, in, B, out),
                         JD_OK);
        same(out, want, B * 3, config);
        assert_int_equal(jd_model_net(m)->members, 2);
        if (c->sequence) {
            assert_null(jd_model_stream(m, 1));
            expect_error(JD_EUSAGE, "committee");
        }
        jd_model_free(m);
        jd_fn_free(f);
        jd_params_free(p);
    }
}

/* Blocks of 64, 8 and 1; then one by one: the same bits. */
static void samples(void **state)
{
    (void)state;
    static const net *const nets[] = {&table, &houses, &one_house, &picture, &line, &halves};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        const int64_t count = 64 + 8 + 3;
        const size_t n = make(nets[i], 1, count, NULL, in, want);
        jd_model *m = jd_model_open(ctx, tmpdir_file("model"));
        if (!m) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(jd_model_outputs(m) * count, n);
        assert_int_equal(jd_model_run(m, in, count, out), JD_OK);
        same(out, want, n, nets[i]->spec);
        memset(out, 0, sizeof out);
        for (int64_t k = 0; k < count; k++)
            assert_int_equal(jd_model_run(m, in + k * jd_model_inputs(m), 1, out + k * jd_model_outputs(m)), JD_OK);
        same(out, want, n, nets[i]->spec);
        assert_int_equal(jd_model_run(m, NULL, 0, NULL), JD_OK);
        assert_string_equal(jd_model_net(m)->net, nets[i]->spec);
        if (nets[i] == &table) assert_string_equal(jd_model_net(m)->labels, "a|b|c");
        jd_model_free(m);
    }
}

static void sequences(void **state)
{
    (void)state;
    static const net *const nets[] = {&series, &frames, &words};
    enum { T = 70, B = 3 };
    for (int i = 0; i < 6; i++) {
        const net *n = nets[i / 2];
        const int32_t lengths[B] = {T, 9, 1};
        const size_t all = make(n, T, B, i % 2 ? lengths : NULL, in, want);
        jd_model *m = jd_model_open(ctx, tmpdir_file("model"));
        if (!m) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(jd_model_run_sequences(m, in, i % 2 ? lengths : NULL, T, B, out), JD_OK);
        same(out, want, all, n->spec);
        jd_stream *s = jd_model_stream(m, B);
        if (n == &series) {
            assert_null(s);
            expect_error(JD_EUSAGE, "window");
        } else if (i % 2 == 0) {
            int32_t symbol[T * B];
            for (int k = 0; k < T * B; k++) symbol[k] = (int32_t)in[k];
            const size_t K = (size_t)jd_model_outputs(m), N = (size_t)jd_model_inputs(m) * B;
            for (int t = 0, chunk = 1; t < T; t += chunk, chunk = T - t < 11 ? T - t : 11) {
                const float *y =
                    jd_stream_feed(s, n->symbols ? (void *)(symbol + t * B) : (void *)(in + (size_t)t * N), chunk);
                assert_non_null(y);
                same(y, want + (size_t)t * B * K, (size_t)chunk * B * K, n->spec);
            }
        }
        jd_stream_free(s);
        jd_model_free(m);
    }
}

/* ---- memory and threads --------------------------------------------------------------------------------------------------------- */

static int allocations;

static void *counted(void *user, size_t bytes)
{
    (void)user;
    allocations++;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void release(void *user, void *p)
{
    (void)user;
    free(p);
}

static void allocates_nothing(void **state)
{
    (void)state;
    jd_ctx *mine = jd_ctx_new(&(jd_options){.threads = 1, .alloc = counted, .free = release});
    make(&frames, 5, 2, NULL, in, want);
    jd_model *m = jd_model_open(mine, tmpdir_file("model"));
    jd_stream *s = jd_model_stream(m, 2);
    for (int i = 0; i < 4; i++) {
        if (i == 2) allocations = 0;
        assert_int_equal(jd_model_run_sequences(m, in, NULL, 5, 2, out), JD_OK);
        assert_non_null(jd_stream_feed(s, in, 1));
    }
    assert_int_equal(allocations, 0);
    jd_stream_free(s);
    jd_model_free(m);
    make(&picture, 1, 9, NULL, in, want);
    m = jd_model_open(mine, tmpdir_file("model"));
    for (int i = 0; i < 4; i++) {
        if (i == 2) allocations = 0;
        assert_int_equal(jd_model_run(m, in, 9, out), JD_OK);
    }
    assert_int_equal(allocations, 0);
    jd_model_free(m);
    jd_ctx_free(mine);
}

typedef struct worker {
    pthread_t thread;
    const jd_model *of;
    int64_t count;
    bool good;
} worker;

static void *work(void *user)
{
    worker *w = user;
    float y[600];
    jd_ctx *mine = jd_ctx_new(&(jd_options){.threads = 1});
    jd_model *m = jd_model_share(mine, w->of);
    w->good = m;
    for (int i = 0; i < 20 && w->good; i++)
        w->good =
            !jd_model_run(m, in, w->count, y) && !memcmp(y, want, (size_t)(w->count * jd_model_outputs(m)) * sizeof *y);
    jd_model_free(m);
    jd_ctx_free(mine);
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    enum { WORKERS = 4 };
    worker w[WORKERS];
    make(&picture, 1, 66, NULL, in, want);
    jd_model *m = jd_model_open(ctx, tmpdir_file("model"));
    for (int i = 0; i < WORKERS; i++) {
        w[i] = (worker){.of = m, .count = 66};
        assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(w[i].thread, NULL);
        assert_true(w[i].good);
    }
    jd_model_free(m);
}

/* ---- errors ----------------------------------------------------------------------------------------------------------------------- */

/* A file with the weights of `table` and another description. */
static jd_model *described(const char *config)
{
    make(&table, 1, 1, NULL, in, want);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_tensor_file *f = jd_safetensors_open(ctx, tmpdir_file("model"));
    jd_params_load(ctx, p, f);
    jd_params_save(ctx, p, tmpdir_file("other"), (jd_metadata[]){{"jackdaw.config", config}}, config ? 1 : 0);
    jd_tensor_file_close(f);
    jd_params_free(p);
    return jd_model_open(ctx, tmpdir_file("other"));
}

static void refusals(void **state)
{
#define ONE "{\"net\":\"dense 5 tanh, dense 3\",\"input\":\"3\","
    (void)state;
    static const struct {
        const char *config, *word;
        jd_status status;
    } bad[] = {{NULL, "no network", JD_EUSAGE},
               {"{\"input\":\"3\",\"classes\":3}", "no network", JD_EUSAGE},
               {"{\"net\":\"dense 5 tanh, dense 3\",\"input\":\"axb\"}", "no network", JD_EUSAGE},
               {"{\"net\":\"densse 5 tanh, dense 3\",\"input\":\"3\"}", "did you mean \"dense\"", JD_EUSAGE},
               {"{\"net\":\"dense 5 tanh, dense 3\",\"input\":\"4\"}", "its input the shape that it had", JD_EUSAGE},
               {"{\"net\":\"dense 5 tanh, dense 3, dense 2\",\"input\":\"3\"}", "dense3/W", JD_EUSAGE},
               {"{\"net\":\"dense 5 tanh, dense 3\",\"input\":\"3\",\"mean\":\"1 2\",\"factor\":\"1 1 1\"}",
                "\"mean\" is not 3", JD_EDATA},
               {ONE "\"members\":[{\"scope\":\"a\"}]}", "a/dense1/W", JD_EUSAGE},
               {ONE "\"members\":[]}", "no list of 1 to 64 networks", JD_EDATA},
               {ONE "\"members\":[{},{}]}", "two members have the scope \"\"", JD_EDATA},
               {ONE "\"prepare\":\"histeq\"}", "only pictures can be prepared", JD_EDATA}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(described(bad[i].config));
        expect_error(bad[i].status, bad[i].word);
    }
    make(&table, 1, 1, NULL, in, want);
    jd_model *m = jd_model_open(ctx, tmpdir_file("model"));
    assert_null(jd_model_ear(m));
    expect_error(JD_EUSAGE, "not learned from recordings");
    assert_int_equal(jd_model_run(m, in, -1, out), JD_EUSAGE);
    expect_error(JD_EUSAGE, "-1 samples");
    assert_int_equal(jd_model_run(m, NULL, 1, out), JD_EUSAGE);
    expect_error(JD_EUSAGE, "in");
    assert_int_equal(jd_model_run_sequences(m, in, NULL, 1, 1, out), JD_EUSAGE);
    expect_error(JD_EUSAGE, "jd_model_run");
    assert_null(jd_model_stream(m, 1));
    expect_error(JD_EUSAGE, "jd_model_run");
    jd_model_free(m);
    make(&series, 4, 1, NULL, in, want);
    m = jd_model_open(ctx, tmpdir_file("model"));
    assert_int_equal(jd_model_run(m, in, 1, out), JD_EUSAGE);
    expect_error(JD_EUSAGE, "jd_model_run_sequences");
    assert_int_equal(jd_model_run_sequences(m, in, (int32_t[]){5}, 4, 1, out), JD_EUSAGE);
    expect_error(JD_EUSAGE, "5 steps of 4");
    assert_int_equal(jd_model_run_sequences(m, in, NULL, 0, 1, out), JD_EUSAGE);
    expect_error(JD_EUSAGE, "0 steps");
    jd_model_free(m);
    assert_null(jd_model_open(ctx, tmpdir_file("none")));
    expect_error(JD_ENOINPUT, "none");
    assert_int_equal(mkdir(tmpdir_file("run"), 0777), 0);
    assert_null(jd_model_open(ctx, tmpdir_file("run")));
    expect_error(JD_ENOINPUT, "run/model.safetensors");
    assert_int_equal(rename(tmpdir_file("model"), tmpdir_file("run/model.safetensors")), 0);
    m = jd_model_open(ctx, tmpdir_file("run"));
    assert_non_null(m);
    jd_model_free(m);
    assert_null(jd_model_load(ctx, "nothing", NULL));
    assert_int_equal(jd_model_run(NULL, in, 1, out), JD_EUSAGE);
}

static void newer(void **state)
{
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"jackdaw.version\":\"9.0.1\"}}     ";
    char file[8 + sizeof header - 1] = {sizeof header - 1};
    memcpy(file + 8, header, sizeof header - 1);
    tmpdir_write(tmpdir_file("newer"), file, sizeof file);
    assert_null(jd_model_open(ctx, tmpdir_file("newer")));
    expect_error(JD_EDATA, "9.0.1");
}

/* Every prefix of a model's file is refused. */
static void cut_short(void **state)
{
    (void)state;
    make(&table, 1, 1, NULL, in, want);
    size_t bytes;
    char *file = jd_read_file(ctx, tmpdir_file("model"), 0, &bytes);
    for (size_t n = 0; n < bytes; n += 1 + n / 40) {
        tmpdir_write(tmpdir_file("cut"), file, n);
        assert_null(jd_model_open(ctx, tmpdir_file("cut")));
        expect_error(JD_EDATA, "cut");
    }
    jd_free(ctx, file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples),   cmocka_unit_test(committees),
                                       cmocka_unit_test(sequences), cmocka_unit_test(allocates_nothing),
                                       cmocka_unit_test(threads),   cmocka_unit_test(refusals),
                                       cmocka_unit_test(newer),     cmocka_unit_test(cut_short)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
