/* kind.c - what a model's file says of its kind. */
#include <jansson.h>
#include <string.h>

#include "kind.h"
#include "reader.h"

static bool says(const json_t *j, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text && !strcmp(text, value);
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
