/* test_members.c - a committee is one model: `eval`, `predict` and a caller of the library who knows only the file get, from
 * it, what the run that made it had. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <sys/stat.h>

#include "jackdaw/model.h"
#include "jackdaw/prepare.h"
#include "own_files.h"
#include "sanitized.h"

enum { TRAIN = SANITIZED ? 120 : 240, TEST = 100, TILES = 32, SIGN = 32 };

static int prepare(void **state)
{
    if (setup(state)) return -1;
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    setenv("XDG_CACHE_HOME", tmpdir_path, 1);
    return 0;
}

static double value_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (!at) fail_msg("no %s in %s", key, text);
    return strtod(at + strlen(key), NULL);
}

/* ---- sets ----------------------------------------------------------------------------------------------------------------*/

/* A noisy bar: its class is its direction and place. */
static void digit(uint8_t *p, int label, jd_rng *r)
{
    const int at = 6 + label % 5 * 3 + (int)jd_rng_below(r, 3);
    for (int k = 0; k < 28 * 28; k++) {
        const int across = k % 28, down = k / 28, along = label < 5 ? down : across, side = label < 5 ? across : down;
        const bool inside = across >= 4 && across < 24 && down >= 4 && down < 24;
        p[k] = (uint8_t)(inside ? jd_rng_below(r, 200) + (abs(side - at) < 2 && along > 6 && along < 20 ? 55 : 0) : 0);
    }
}

static void write_idx(const char *dir, const char *name, int n, uint64_t seed)
{
    static uint8_t images[16 + TRAIN * 28 * 28], labels[8 + TRAIN];
    char path[100];
    jd_rng r = jd_rng_new(seed, "members", 0);
    memcpy(images, (uint8_t[]){0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, 28, 0, 0, 0, 28}, 16);
    memcpy(labels, (uint8_t[]){0, 0, 8, 1, 0, 0, 0, (uint8_t)n}, 8);
    for (int i = 0; i < n; i++) {
        labels[8 + i] = (uint8_t)(i % 10);
        digit(images + 16 + i * 28 * 28, i % 10, &r);
    }
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", dir, name);
    tmpdir_write(tmpdir_file(path), images, 16 + (size_t)n * 28 * 28);
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", dir, name);
    tmpdir_write(tmpdir_file(path), labels, 8 + (size_t)n);
}

/* Signs: a disk whose colour is its class, darker or brighter from one to the next, in one mosaic of a split. */
static void write_signs(const char *split, int n, uint64_t seed)
{
    enum { WIDE = TILES * SIGN };
    const int rows = (n + TILES - 1) / TILES;
    uint8_t *px = calloc((size_t)rows * SIGN * WIDE, 3);
    char path[100], *table = malloc(64 * (size_t)(n + 1)), *at = table;
    jd_rng r = jd_rng_new(seed, "members", 1);
    at += sprintf(at, "mosaic\ttile\tclass\ttrack\torig_w\torig_h\troi_x1\troi_y1\troi_x2\troi_y2\n");
    for (int i = 0; i < n; i++) {
        const int label = i % 6, light = 60 + (int)jd_rng_below(&r, 120);
        at += sprintf(at, "%s-00.png\t%d\t%d\t%d\t64\t64\t%d\t6\t57\t58\n", split, i, label, i / 6, 4 + i % 3);
        for (int k = 0; k < SIGN * SIGN; k++) {
            const int y = k / SIGN - SIGN / 2, x = k % SIGN - SIGN / 2;
            uint8_t *p =
                px + ((size_t)(i / TILES * SIGN + k / SIGN) * WIDE + (size_t)(i % TILES * SIGN + k % SIGN)) * 3;
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)(light / (y * y + x * x < 90 && (label % 3 == c || label / 3 == c) ? 1 : 2) +
                                 (int)jd_rng_below(&r, 50));
        }
    }
    snprintf(path, sizeof path, "gtsrb32/%s-00.png", split);
    const jd_picture mosaic = {.width = WIDE, .height = rows * SIGN, .channels = 3, .pixels = px};
    assert_int_equal(jd_write_png(ctx, tmpdir_file(path), &mosaic), JD_OK);
    for (int k = 1; k < 7; k++) { /* the registry looks for them; no table names them */
        snprintf(path, sizeof path, "gtsrb32/%s-%02d.png", split, k);
        tmpdir_write(tmpdir_file(path), "", 0);
    }
    snprintf(path, sizeof path, "gtsrb32/%s.tsv", split);
    tmpdir_write(tmpdir_file(path), table, (size_t)(at - table));
    free(px);
    free(table);
}

/* ---- what the file tells -------------------------------------------------------------------------------------------------*/

typedef struct column {
    const char *scope, *net;
} column;

static void answer(jd_graph *g, void *user)
{
    const column *c = user;
    jd_scope_push(g, c->scope);
    jd_result(g, "p", jd_softmax(g, jd_net(g, c->net, jd_arg(g, "x"), JD_NONE)));
    jd_scope_pop(g);
}

/* The committee's probabilities p (n,classes) of the pictures, by the file's description alone. */
static void by_description(const char *model, const jd_images *set, int H, int W, float low, float *p)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, model);
    jd_params *w = jd_params_new(ctx, JD_F32);
    assert_int_equal(jd_params_load(ctx, w, f), JD_OK);
    json_t *config = json_loads(jd_tensor_file_meta(f, "jackdaw.config"), 0, NULL),
           *list = json_object_get(config, "members");
    const size_t n = set->count, K = (size_t)json_integer_value(json_object_get(config, "classes")),
                 C = (size_t)set->channels;
    const size_t each = (size_t)set->height * (size_t)set->width * C, members = json_array_size(list);
    float *x = malloc(n * (size_t)(H * W) * C * sizeof *x);
    assert_true(members > 1 && x);
    for (size_t k = 0; k < members; k++) {
        const json_t *one = json_array_get(list, k);
        const char *line = json_string_value(json_object_get(one, "prepare"));
        column c = {json_string_value(json_object_get(one, "scope")),
                    json_string_value(json_object_get(config, "net"))};
        jd_images seen = *set;
        seen.pixels = jd_alloc_array(ctx, n, each);
        memcpy(seen.pixels, set->pixels, n * each);
        assert_int_equal(jd_images_prepare(ctx, &seen, line ? line : ""), JD_OK);
        for (size_t i = 0; i < n * (size_t)(H * W) * C; i++) x[i] = low;
        for (size_t i = 0; i < n * (size_t)seen.height; i++)
            jd_pixels_to_float(seen.pixels + i * (size_t)seen.width * C, (size_t)seen.width * C, low, 1,
                               x + (i / (size_t)seen.height * (size_t)H + i % (size_t)seen.height) * (size_t)W * C);
        jd_fn *net = jd_fn_new(ctx, w, answer, &c);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, (int64_t)n, H, W, (int64_t)C);
        assert_int_equal(jd_fn_run(net, &in, 1), JD_OK);
        const float *q = jd_fn_result(net, "p", NULL);
        for (size_t i = 0; i < n * K; i++) p[i] = k ? p[i] + q[i] : q[i];
        jd_fn_free(net);
        jd_free(ctx, seen.pixels);
    }
    for (size_t i = 0; i < n * K; i++) p[i] *= (float)(1.0 / (double)members);
    free(x);
    json_decref(config);
    jd_tensor_file_close(f);
    jd_params_free(w);
}

/* The library says the same bits, of all pictures at once and one by one, by a thread that shares the weights too. */
static void by_library(const char *model, const jd_images *set, const float *p, size_t K)
{
    const size_t each = (size_t)set->height * (size_t)set->width * (size_t)set->channels, all = set->count * each;
    float *in = malloc(all * sizeof *in), *out = malloc(set->count * K * sizeof *out);
    jd_model *m = jd_model_open(ctx, model), *shared = m ? jd_model_share(ctx, m) : NULL;
    int64_t size[3];
    if (!shared) fail_msg("%s", jd_error_message(ctx));
    jd_model_picture(m, size);
    assert_true(size[0] == set->height && size[1] == set->width && size[2] == set->channels);
    assert_true(jd_model_inputs(m) == (int64_t)each && jd_model_outputs(m) == (int64_t)K);
    for (size_t i = 0; i < all; i++) in[i] = set->pixels[i];
    assert_int_equal(jd_model_run(m, in, (int64_t)set->count, out), JD_OK);
    assert_memory_equal(out, p, set->count * K * sizeof *p);
    assert_int_equal(jd_model_run(shared, in + 3 * each, 1, out), JD_OK);
    assert_memory_equal(out, p + 3 * K, K * sizeof *p);
    jd_model_free(shared);
    jd_model_free(m);
    free(in);
    free(out);
}

/* `predict --json` must have said these numbers for the n samples that it was given. */
static void compare(const float *p, size_t n, size_t K)
{
    const char *at = said;
    for (size_t i = 0; i < n; i++) {
        at = strstr(at, "\"probabilities\":[");
        assert_non_null(at);
        at += strlen("\"probabilities\":[");
        for (size_t k = 0; k < K; k++) {
            char *end;
            const float found = strtof(at, &end);
            if (memcmp(&found, &p[i * K + k], sizeof found) != 0)
                fail_msg("sample %zu, class %zu: %.9g, by the description %.9g", i, k, (double)found,
                         (double)p[i * K + k]);
            at = end + 1;
        }
    }
}

static double error_of(const char *arguments)
{
    if (jackdaw(arguments)) fail_msg("%s: %s", arguments, wrong);
    const char *last = said; /* a run's result is its last line */
    for (const char *at = said; *at; at++)
        if (*at == '\n' && at[1]) last = at + 1;
    return value_after(last, "\"value\":");
}

/* ---- digits of several widths --------------------------------------------------------------------------------------------*/

static void digits(void **state)
{
    (void)state;
    mkdir(tmpdir_file("mnist"), 0777);
    write_idx("mnist", "train", TRAIN, 1);
    write_idx("mnist", "t10k", TEST, 2);
    const double error = error_of("run mnist-committee --scale quick --threads 1 --json --set columns=3 --set limit=0 "
                                  "--set epochs=4 --set batch=10 --set loaders=0 --out d");
    assert_true(error > 0 && error < 80); /* neither all right nor by chance */
    assert_float_equal(error_of("eval d/model.safetensors --data mnist --json --threads 1"), error, 1e-9);
    assert_float_equal(error_of("eval d mnist/ --json --threads 2"), error,
                       1e-9); /* folders stand for the model and the data */
    const double single = value_after(said, "\"wrong\":") * 100 / TEST;
    assert_true(fabs(single - error) < 1e-9);

    jd_images test = {0};
    static float p[TEST * 10];
    assert_int_equal(jd_load_images(ctx, "mnist", JD_TEST, &test), JD_OK);
    by_description(tmpdir_file("d/model.safetensors"), &test, 29, 29, -1, p);
    by_library(tmpdir_file("d"), &test, p, 10);
    test.count = 20; /* said[] holds no more */
    write_idx("mnist", "few", 20, 2);
    assert_int_equal(jackdaw("predict d mnist/few-images-idx3-ubyte --json --threads 1"), 0);
    compare(p, 20, 10);

    /* One picture as a PNG, and dark on paper, which is turned. */
    const jd_picture one = {.width = 28, .height = 28, .channels = 1, .pixels = test.pixels + 3 * 28 * 28};
    assert_int_equal(jd_write_png(ctx, tmpdir_file("three.png"), &one), JD_OK);
    assert_int_equal(jd_write_png(ctx, tmpdir_file("digit.png"), &one), JD_OK);
    assert_int_equal(jackdaw("predict d three.png --json"), 0);
    compare(p + 3 * 10, 1, 10);
    for (int k = 0; k < 28 * 28; k++) one.pixels[k] = (uint8_t)(255 - one.pixels[k]);
    assert_int_equal(jd_write_png(ctx, tmpdir_file("three.png"), &one), JD_OK);
    assert_int_equal(jackdaw("predict d three.png --json"), 0);
    compare(p + 3 * 10, 1, 10);
    assert_int_equal(jackdaw("predict d three.png --csv"), 0);
    assert_memory_equal(said, "file,index,class,probability\nthree.png,0,", 41);
    jd_images_free(ctx, &test);

    assert_int_equal(jackdaw("inspect d"), 0);
    assert_non_null(strstr(said, "member 2: column2, \"20 wide\", pictures prepared by \"ink-width 20\""));
}

/* ---- signs with several contrasts ----------------------------------------------------------------------------------------*/

static void write_folders(const jd_images *test)
{
    char path[100];
    mkdir(tmpdir_file("classes"), 0777);
    for (int k = 0; k < 6; k++) {
        snprintf(path, sizeof path, "classes/%05d", k);
        mkdir(tmpdir_file(path), 0777);
    }
    for (size_t i = 0; i < test->count; i++) {
        const jd_picture one = {SIGN, SIGN, 3, test->pixels + i * SIGN * SIGN * 3};
        snprintf(path, sizeof path, "classes/%05d/%zu.png", (int)test->labels[i], i);
        assert_int_equal(jd_write_png(ctx, tmpdir_file(path), &one), JD_OK);
    }
}

static void signs(void **state)
{
    (void)state;
    mkdir(tmpdir_file("gtsrb32"), 0777);
    write_signs("train", TRAIN, 1);
    write_signs("test", TEST, 2);
    const double error = error_of("run traffic-signs --scale quick --threads 1 --json --set columns=5 --set epochs=1 "
                                  "--set batch=10 --set loaders=0 --out s");
    assert_true(error > 0 && error < 80);
    assert_float_equal(error_of("eval s --data gtsrb32 --json --threads 1"), error, 1e-9);
    assert_float_equal(error_of("eval s gtsrb32/ --json --threads 1"), error, 1e-9);
    assert_float_equal(error_of("eval s gtsrb32/test.tsv --json --threads 1"), error, 1e-9);
    assert_int_equal(jackdaw("predict s gtsrb32"), 0);
    assert_int_equal(lines(said), 1 + TEST);
    jd_images test = {0};
    static float p[TEST * 43];
    assert_int_equal(jd_load_images(ctx, "gtsrb32", JD_TEST, &test), JD_OK);
    by_description(tmpdir_file("s/model.safetensors"), &test, SIGN, SIGN, -1, p);
    by_library(tmpdir_file("s"), &test, p, 43);
    write_folders(&test);
    assert_float_equal(error_of("eval s classes --json --threads 1"), error, 1e-9);
    assert_int_equal(jackdaw("predict s classes/00000/0.png classes/00001/1.png classes/00002/8.png --json"), 0);
    memcpy(p + 2 * 43, p + 8 * 43, 43 * sizeof *p);
    compare(p, 3, 43);
    jd_images_free(ctx, &test);

    /* A table of files; numbers are classes although there is a sign called "20". */
    const char table[] = "file,class\n00000/0.png,0\n00001/1.png,1\n00002/8.png,2\n";
    tmpdir_write(tmpdir_file("classes/labels.csv"), table, sizeof table - 1);
    assert_int_equal(jackdaw("eval s classes --json"), 0);
    assert_non_null(strstr(said, "\"samples\":3,"));
    tmpdir_write(tmpdir_file("classes/labels.csv"), "file,class\n00000/0.png,x\n", 24);
    assert_int_equal(jackdaw("eval s classes --json"), JD_EDATA);
    assert_non_null(strstr(wrong, "'x' is none of the classes"));
    assert_int_equal(jackdaw("scan s classes/00000/0.png -o out.png"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "prepared first"));
}

/* ---- descriptions that are wrong -----------------------------------------------------------------------------------------*/

/* The digits' model with another description. */
static int with_config(const char *config)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, tmpdir_file("d/model.safetensors"));
    jd_params *w = jd_params_new(ctx, JD_F32);
    assert_int_equal(jd_params_load(ctx, w, f), JD_OK);
    assert_int_equal(
        jd_params_save(ctx, w, tmpdir_file("bad.safetensors"), &(jd_metadata){"jackdaw.config", config}, 1), JD_OK);
    jd_tensor_file_close(f);
    jd_params_free(w);
    return jackdaw("predict bad.safetensors three.png");
}

static void refuses(void **state)
{
    (void)state;
#define NET                                                                                                            \
    "\"net\":\"conv 20 4 scaled-tanh, maxpool 2, conv 40 5 scaled-tanh, maxpool 3, dense 150 scaled-tanh, dense 10\"," \
    "\"input\":\"29x29x1\",\"low\":-1,\"high\":1,"
    static const struct {
        const char *config, *message;
    } bad[] = {
        {"{" NET "\"classes\":10}", "lacks the parameter \"conv1/W\""},
        {"{" NET "\"classes\":10,\"members\":[]}", "no list of 1 to 64 networks"},
        {"{" NET "\"classes\":10,\"members\":3}", "no list of 1 to 64 networks"},
        {"{" NET "\"classes\":10,\"members\":[{\"scope\":\"column9\"}]}", "lacks the parameter \"column9/conv1/W\""},
        {"{" NET "\"classes\":10,\"members\":[{\"scope\":\"column1\"},{\"scope\":\"column1\"}]}", "two members"},
        {"{" NET "\"classes\":10,\"members\":[{\"scope\":\"column1\",\"prepare\":\"hist\"}]}",
         "unknown word \"hist\"; did you mean \"histeq\"?"},
        {"{" NET "\"classes\":10,\"members\":[{\"scope\":\"column1\",\"prepare\":\"resize 30 30\"}]}", "are larger"},
        {"{" NET "\"classes\":10,\"pictures\":\"28x28x3\",\"members\":[{\"scope\":\"column1\"}]}", "no HxWx1"},
        {"{" NET "\"classes\":10,\"ink\":\"20 left\",\"members\":[{\"scope\":\"column1\"}]}",
         "\"20 mass\" or \"40 box\""},
        {"{" NET "\"classes\":11,\"members\":[{\"scope\":\"column1\"}]}", "does not answer a sample with 11 numbers"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const int code = with_config(bad[i].config);
        if (code != JD_EDATA && code != JD_EUSAGE) fail_msg("%s: %d", bad[i].config, code);
        if (!strstr(wrong, bad[i].message)) fail_msg("%s: %s", bad[i].config, wrong);
    }
    assert_int_equal(with_config("{" NET "\"classes\":10,\"members\":[{\"scope\":\"column1\"}]}"), 0); /* one column */
}

/* ---- export --------------------------------------------------------------------------------------------------------------*/

/* What the exported C function says to the picture three.png, padded to 29 x 29. */
static void run_c(float p[10])
{
    static const char program_text[] =
        "#include \"build/three.h\"\n#include <stdio.h>\n"
        "int main(void)\n{\n    static float in[THREE_INPUTS], out[THREE_OUTPUTS];\n"
        "    for (int i = 0; i < 28 * 28; i++) in[i / 28 * 29 + i % 28] = (float)getchar();\n"
        "    three_run(in, out);\n    for (int k = 0; k < THREE_OUTPUTS; k++) printf(\"%.9g\\n\", "
        "(double)out[k]);\n}\n";
    char command[600];
    tmpdir_write(tmpdir_file("main.c"), program_text, sizeof program_text - 1);
    snprintf(command, sizeof command,
             "cd '%s' && gcc -std=c17 -Wall -Werror -O1 main.c build/three.c -o three -lm && ./three < three.raw",
             tmpdir_path);
    assert_int_equal(output_of(command, said, sizeof said), 0);
    const char *at = said;
    char *end;
    for (int k = 0; k < 10; k++, at = end) p[k] = strtof(at, &end);
}

static void exports(void **state)
{
    (void)state;
    /* Three columns that see digits as they are; the refusals' three see them in three widths. */
    assert_int_equal(jackdaw("export d --c build"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "prepared in 3 ways, by \"ink-width 20\" and others"));
    assert_int_equal(jackdaw("export d --c build --member 2"), JD_EUSAGE);
    assert_non_null(strstr(wrong, "with --prepared the file takes"));
    assert_int_equal(jackdaw("export d --c build --member 4"), JD_EUSAGE);
    assert_int_equal(jackdaw("export d --c build --name one --member 2 --prepared"), 0);
    assert_non_null(strstr(wrong, "prepared by \"ink-width 20\""));
    size_t bytes;
    char *text = jd_read_file(ctx, tmpdir_file("build/one.h"), 1 << 20, &bytes);
    assert_non_null(memmem(text, bytes, "ink-width 20", 12));
    jd_free(ctx, text);
    static const char config[] =
        "{" NET "\"classes\":10,\"pictures\":\"28x28x1\",\"members\":[{\"scope\":\"column1\"},{\"scope\":\"column2\"},"
        "{\"scope\":\"column3\"}]}";
    jd_picture three = {0};
    assert_int_equal(jd_read_picture(ctx, tmpdir_file("digit.png"), 1, &three), JD_OK);
    tmpdir_write(tmpdir_file("three.raw"), three.pixels, 28 * 28);
    jd_picture_free(ctx, &three);
    assert_int_equal(with_config(config), 0);
    assert_int_equal(jackdaw("predict bad.safetensors digit.png --json"), 0);
    float p[10], q[10];
    const char *at = strstr(said, "\"probabilities\":[") + strlen("\"probabilities\":[");
    for (int k = 0; k < 10; k++) {
        char *end;
        p[k] = strtof(at, &end);
        at = end + 1;
    }
    assert_int_equal(jackdaw("export bad.safetensors --logits --c build"), JD_EUSAGE);
    assert_int_equal(jackdaw("export bad.safetensors --c build --name three --onnx three.onnx"), 0);
    run_c(q);
    for (int k = 0; k < 10; k++) assert_float_equal(p[k], q[k], 1e-6);

    /* And as ONNX, where its packages are: the picture, and the answer that is wanted. */
    float x[29 * 29] = {0};
    text = jd_read_file(ctx, tmpdir_file("three.raw"), 28 * 28, &bytes);
    for (int i = 0; i < 28 * 28; i++) x[i / 28 * 29 + i % 28] = (float)(uint8_t)text[i];
    jd_free(ctx, text);
    const jd_tensor_entry in = {.dtype = JD_FILE_F32, .rank = 4, .dim = {1, 29, 29, 1}, .data = x},
                          out = {.dtype = JD_FILE_F32, .rank = 2, .dim = {1, 10}, .data = p};
    assert_int_equal(jd_npy_write(ctx, tmpdir_file("three.in.npy"), &in), JD_OK);
    assert_int_equal(jd_npy_write(ctx, tmpdir_file("three.out.npy"), &out), JD_OK);
    char command[500];
    snprintf(command, sizeof command,
             "for p in python3 /usr/bin/python3; do $p -c 'import onnx' 2>/dev/null && exec $p onnx_check.py '%s' >&2; "
             "done; exit 77",
             tmpdir_path);
    const int code = system(command) >> 8;
    if (code != 77) assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(digits), cmocka_unit_test(signs), cmocka_unit_test(refuses),
                                       cmocka_unit_test(exports)};
    return cmocka_run_group_tests(tests, prepare, teardown);
}
