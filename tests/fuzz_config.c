/* fuzz_config.c - configurations of the program: of an earlier run (--config), and of a model file. */
#include "fuzz.h"
#include "model.h"

/* In the program's place: messages are not wanted here. */
volatile int cli_stop;

int cli_fail(const char *command, int code, const char *fmt, ...)
{
    (void)command, (void)fmt;
    return code;
}

bool cli_has(const cli_args *a, const char *option)
{
    (void)a, (void)option;
    return false;
}

static const char *const WORDS[] = {"\"net\":\"dense 2\"",
                                    "\"input\":\"3\"",
                                    "\"input\":\"2x3x1\"",
                                    "\"classes\":",
                                    "\"mean\":\"",
                                    "\"factor\":\"1 2 3\"",
                                    "\"config\":{",
                                    "\"settings\":{",
                                    "}",
                                    "x",
                                    "\"pictures\":\"4x3x1\"",
                                    "\"ink\":\"2 mass\"",
                                    "\"members\":[{\"scope\":\"a\"}]",
                                    "\"prepare\":\"resize 2 3, adapthisteq tile 1 clip 0.1\"",
                                    "null",
                                    "true",
                                    "[",
                                    "\"seed\":",
                                    "1e400",
                                    "\\u0000",
                                    NULL};

static void text(const char *s)
{
    fuzz_seed(s, strlen(s));
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    text("{\"net\":\"dense 2\",\"input\":\"3\",\"classes\":2,\"low\":0,\"high\":1,\"mean\":\"1 2 3\",\"factor\":\"1 1 "
         "0.5\","
         "\"target-mean\":0,\"target-factor\":1,\"optimizer\":\"sgd\"}");
    text("{\"net\":\"conv 2 3, dense 2\",\"input\":\"5x5x1\",\"classes\":2,\"low\":-1,\"high\":1,"
         "\"pictures\":\"4x4x1\",\"ink\":\"3 box\",\"members\":[{\"scope\":\"a\",\"name\":\"b\"},"
         "{\"scope\":\"c\",\"prepare\":\"ink-width 3, histeq\",\"net\":\"dense 2\"}],"
         "\"config\":{\"scale\":\"cpu\",\"seed\":3,\"settings\":{\"rate\":0.5,\"epochs\":7,\"mode\":\"a\"}}}");
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    char config[1100];
    const size_t n = bytes < sizeof config ? bytes : sizeof config - 1;
    memcpy(config, data, n);
    config[n] = 0;

    cli_config *c = NULL;
    if (cli_config_read("fuzz", fuzz_file(data, bytes), &c) == 0) {
        static const char *const key[] = {"net", "input", "classes", "low", "seed", "scale"};
        for (int i = 0; i < 6; i++) {
            char buffer[64];
            const char *s = cli_config_text(c, key[i], buffer);
            if (s) fuzz_touch(s, strlen(s));
        }
        char **assignment = NULL;
        const int count = cli_config_settings(c, &assignment);
        for (int i = 0; i < count; i++) fuzz_touch(assignment[i], strlen(assignment[i]));
        cli_config_free(c);
    }

    static const float w[2] = {1, 2};
    const jd_tensor_entry e = {.name = "w", .dtype = JD_FILE_F32, .rank = 1, .dim = {2}, .data = w};
    const char *path = fuzz_scratch("model.safetensors");
    if (jd_safetensors_write(ctx, path, &e, 1, &(jd_metadata){"jackdaw.config", config}, 1)) return jd_error(ctx);
    model m;
    jd_params *params;
    const jd_status status = model_load(ctx, path, &m, &params);
    if (!status) {
        fuzz_touch(m.net, strlen(m.net));
        for (int k = 0; k < m.members; k++) fuzz_touch(m.member[k].scope, strlen(m.member[k].scope));
        for (int v = 0; v < m.views; v++) fuzz_touch(m.view[v].prepare, strlen(m.view[v].prepare));
        fuzz_touch(m.mean, m.mean ? (size_t)m.dim[0] * sizeof(float) : 0);
        fuzz_touch(m.scale, m.scale ? (size_t)m.dim[0] * sizeof(float) : 0);
    }
    jd_params_free(params);
    model_free(ctx, &m);
    remove(path);
    return status;
}

const fuzz_format fuzz_this = {.name = "config",
                               .inputs = 500,
                               .longest = 1024,
                               .seeds = seeds,
                               .read = read_input,
                               .words = WORDS,
                               .also = JD_EUSAGE};
