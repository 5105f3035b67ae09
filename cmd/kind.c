/* kind.c - what a model's file says of its kind. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kind.h"
#include "reader.h"

static bool says(const json_t *j, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text && !strcmp(text, value);
}

bool model_is_file(const char *path)
{
    char inside[4096];
    struct stat st;
    if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
        snprintf(inside, sizeof inside, "%s/model.safetensors", path);
        path = inside;
    }
    unsigned char head[9] = {0}; /* the header's length, and its first letter */
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f) fclose(f);
    return n == sizeof head && head[8] == '{' && !head[7] && !head[6] && !head[5];
}

jd_status model_first(jd_ctx *ctx, const cli_args *a)
{
    struct stat st;
    const char *path = a->rest[0], *data = a->n > 1 ? a->rest[1] : cli_text(a, "data", NULL);
    if (stat(path, &st) || model_is_file(path)) return JD_OK;
    if (data && model_is_file(data))
        return jd_fail(ctx, JD_EUSAGE, "%s is no model, but %s is: the model comes first, jackdaw %s %s %s", path, data,
                       a->command->name, data, path);
    return jd_fail(
        ctx, S_ISDIR(st.st_mode) ? JD_ENOINPUT : JD_EDATA,
        "%s: no model%s; give the folder of a run of `jackdaw train` or `jackdaw run`, or its model.safetensors", path,
        S_ISDIR(st.st_mode) ? " in it" : "");
}

model_kind model_kind_of(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    const char *config = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const bool words = j && jd_tensor_file_meta(f, "words.source");
    const model_kind kind = reader_knows(config)                              ? MODEL_READER
                            : says(j, "input", "volume")                      ? MODEL_LABELLER
                            : json_object_get(j, "residues")                  ? MODEL_CHAINS
                            : words && jd_tensor_file_meta(f, "words.target") ? MODEL_TRANSLATOR
                            : words && jd_tensor_file_meta(f, "labels")       ? MODEL_PARSER
                            : says(j, "reads", "characters")                  ? MODEL_TEXTER
                            : json_object_get(j, "mask-values")               ? MODEL_SEGMENTER
                            : json_object_get(j, "scan")                      ? MODEL_SCANNER
                                                                              : MODEL_NET;
    json_decref(j);
    jd_tensor_file_close(f);
    jd_error_clear(ctx); /* whoever opens it next says so again */
    return kind;
}
