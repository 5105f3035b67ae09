/* texter.c - nets that tell the next character (the system text-compression): what a text costs, and how it goes on. */
#include "texter.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "jackdaw/data.h"
#include "model.h"
#include "text.h"

enum { WRITTEN = 400, READ = 2000, MOST_UNITS = 1 << 16 };
static const double TEMPERATURE = 0.6;

struct texter {
    jd_ctx *ctx;
    text_set set; /* the alphabet alone */
    text_net net;
    int there; /* parameters that the file held */
};

/* "0a20..": the bytes of the symbols. */
static bool read_alphabet(const char *hex, text_alphabet *a)
{
    uint8_t bytes[256] = {0};
    size_t n = 0;
    for (; hex[0] && hex[1] && n < sizeof bytes; hex += 2, n++) {
        char pair[3] = {hex[0], hex[1], 0}, *end;
        bytes[n] = (uint8_t)strtoul(pair, &end, 16);
        if (*end || (n && bytes[n] <= bytes[n - 1])) return false;
    }
    *a = text_alphabet_of(bytes, n);
    return n && !*hex;
}

static int64_t whole(const json_t *j, const char *name)
{
    const double x = json_number_value(json_object_get(j, name));
    return x >= 1 && x <= MOST_UNITS ? (int64_t)x : 0;
}

static jd_status configure(texter *m, const char *path, const json_t *j)
{
    const char *hex = json_string_value(json_object_get(j, "characters"));
    m->net = (text_net){.ctx = m->ctx,
                        .set = &m->set,
                        .name = "text-compression",
                        .units = whole(j, "units"),
                        .layers = whole(j, "layers"),
                        .embed = whole(j, "embed")};
    if (!hex || !read_alphabet(hex, &m->set.alphabet) || !m->net.units || !m->net.layers || !m->net.embed)
        return jd_fail(m->ctx, JD_EDATA,
                       "%s: its jackdaw.config lacks sizes or characters; take the model.safetensors of the system "
                       "text-compression as it was written",
                       path);
    return text_net_new(&m->net);
}

texter *texter_open(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (!f) return NULL;
    const char *config = jd_tensor_file_meta(f, "jackdaw.config");
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *reads = json_string_value(json_object_get(j, "reads"));
    texter *m = reads && !strcmp(reads, "characters") ? jd_alloc(ctx, sizeof *m) : NULL;
    if (m) {
        m->ctx = ctx;
        if (!configure(m, path, j) && !jd_params_load(ctx, m->net.w, f)) m->there = jd_params_ranges(m->net.w);
    }
    json_decref(j);
    jd_tensor_file_close(f);
    return m;
}

void texter_free(texter *m)
{
    if (!m) return;
    text_net_free(&m->net);
    jd_free(m->ctx, m);
}

/* The end of a file, from the beginning of a line if there is one; for jd_free. */
static char *end_of(jd_ctx *ctx, const char *path)
{
    size_t n = 0;
    char *text = jd_read_gz(ctx, path, (size_t)1 << 30, &n), *begin = text;
    if (text && n > READ) {
        begin = text + n - READ;
        const char *line = strchr(begin, '\n');
        if (line && line[1]) begin = text + (line + 1 - text);
    }
    char *end = text ? jd_strdup(ctx, begin) : NULL;
    jd_free(ctx, text);
    return end;
}

static jd_status go_on(texter *m, const char *operand, const cli_args *a)
{
    struct stat st;
    char *prompt = stat(operand, &st) ? jd_strdup(m->ctx, operand) : end_of(m->ctx, operand);
    char *out = prompt ? jd_alloc(m->ctx, strlen(prompt) + WRITTEN + 1) : NULL;
    if (out && !text_write(&m->net, prompt, TEMPERATURE, 1, out, WRITTEN) &&
        !params_complete(m->ctx, m->net.w, m->there, "text-compression")) {
        if (cli_has(a, "json")) {
            printf("{\"text\":");
            cli_json_string(prompt);
            printf(",\"continuation\":");
            cli_json_string(out + strlen(prompt));
            printf("}\n");
        } else {
            printf("%s\n", out);
        }
    }
    jd_free(m->ctx, out);
    jd_free(m->ctx, prompt);
    return jd_error(m->ctx);
}

jd_status texter_predict(texter *m, const cli_args *a)
{
    for (int i = 1; i < a->n && !jd_error(m->ctx); i++) go_on(m, a->rest[i], a);
    return jd_error(m->ctx);
}

jd_status texter_eval(texter *m, const cli_args *a, const char *path)
{
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    text_part text = {0}, back = {0};
    text_code code = {0};
    text.bytes = jd_read_gz(m->ctx, path, (size_t)1 << 28, &text.n);
    if (text.bytes && !text.n) jd_fail(m->ctx, JD_EDATA, "%s: empty", path);
    if (!jd_error(m->ctx) && !text_encode(&m->net, &text, 1, &code, NULL) &&
        !params_complete(m->ctx, m->net.w, m->there, "text-compression") && !text_decode(&m->net, &code, 1, &back)) {
        const bool same = !memcmp(back.bytes, text.bytes, text.n);
        const double bits = 8 * (double)code.n / (double)text.n;
        const size_t gzip = text_gzip(m->ctx, text.bytes, text.n);
        if (cli_has(a, "json"))
            printf("{\"metric\":\"bits a character\",\"value\":%.6g,\"samples\":%zu,\"bytes\":%zu,\"gzip\":%zu,"
                   "\"read_back\":%s}\n",
                   bits, text.n, code.n, gzip, same ? "true" : "false");
        else
            printf("bits a character %.4g on %zu characters: %zu bytes (gzip -9: %zu), read back %s\n", bits, text.n,
                   code.n, gzip, same ? "to the byte" : "WRONGLY");
    }
    jd_free(m->ctx, text.bytes);
    jd_free(m->ctx, back.bytes);
    jd_free(m->ctx, code.bytes);
    return jd_error(m->ctx);
}
