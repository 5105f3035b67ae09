/* translator.c - models that read words and write words (the system translation). */
#include "translator.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "model.h"

enum { AT_ONCE = 32, MOST_WORDS = TRANSLATOR_WORDS, SPARE = 10, MOST_UNITS = 1 << 16 };

static int64_t whole(const json_t *j, const char *name)
{
    const double x = json_number_value(json_object_get(j, name));
    return x >= 0 && x <= MOST_UNITS * 16. ? (int64_t)x : -1;
}

bool translator_net(const char *config, seq2seq_net *n, double *power, size_t *width)
{
    json_t *j = json_loads(config, JSON_REJECT_DUPLICATES, NULL);
    *n = (seq2seq_net){.reads = whole(j, "source-words"),
                       .writes = whole(j, "target-words"),
                       .embed = whole(j, "embed"),
                       .units = whole(j, "units"),
                       .layers = whole(j, "layers"),
                       .attend = whole(j, "attend"),
                       .project = whole(j, "project")};
    const int64_t wide = whole(j, "width");
    *power = json_number_value(json_object_get(j, "power"));
    *width = (size_t)wide;
    json_decref(j);
    return n->reads >= 0 && n->writes >= 0 && n->embed >= 1 && n->units >= 1 && n->embed <= MOST_UNITS &&
           n->units <= MOST_UNITS && n->layers >= 0 && n->layers <= SEQ2SEQ_LAYERS && n->attend >= 0 &&
           n->attend <= MOST_UNITS && n->project >= 0 && n->project <= MOST_UNITS && wide >= 1 && wide <= 1000 &&
           *power >= 0 && *power < 10;
}

static jd_status configure(translator *m, const char *path, const char *config)
{
    if (!translator_net(config, &m->net, &m->power, &m->width) ||
        m->net.reads != SEQ2SEQ_WORDS + (int64_t)vocabulary_size(m->source) ||
        m->net.writes != SEQ2SEQ_WORDS + (int64_t)vocabulary_size(m->target))
        return jd_fail(m->ctx, JD_EDATA,
                       "%s: its words (%zu and %zu) and its jackdaw.config do not fit each other; take the "
                       "model.safetensors of the system translation as it was written",
                       path, vocabulary_size(m->source), vocabulary_size(m->target));
    return JD_OK;
}

translator *translator_open(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (!f) return NULL;
    const char *config = jd_tensor_file_meta(f, "jackdaw.config"), *source = jd_tensor_file_meta(f, "words.source"),
               *target = jd_tensor_file_meta(f, "words.target");
    translator *m = config && source && target ? jd_alloc(ctx, sizeof *m) : NULL;
    if (m) {
        m->ctx = ctx;
        m->source = vocabulary_read(ctx, source, SEQ2SEQ_WORDS);
        m->target = vocabulary_read(ctx, target, SEQ2SEQ_WORDS);
        if (!jd_error(ctx) && !configure(m, path, config)) m->params = jd_params_new(ctx, JD_F32);
        if (m->params && !jd_params_load(ctx, m->params, f))
            m->writer = seq2seq_writer_new(ctx, &m->net, m->params, NULL, NULL);
        m->there = m->writer ? jd_params_ranges(m->params) : 0;
    }
    jd_tensor_file_close(f);
    return m;
}

void translator_free(translator *m)
{
    if (!m) return;
    seq2seq_writer_free(m->writer);
    jd_params_free(m->params);
    vocabulary_free(m->source);
    vocabulary_free(m->target);
    jd_free(m->ctx, m);
}

static void print_one(const char *source, const char *answer, const jd_sequence *found, const cli_args *a)
{
    if (cli_has(a, "json")) {
        printf("{\"source\":");
        cli_json_string(source);
        printf(",\"translation\":");
        cli_json_string(answer);
        printf(",\"ln_p\":");
        cli_json_number(found->ln_p);
        printf(",\"ended\":%s}\n", found->ended ? "true" : "false");
    } else if (cli_has(a, "csv")) {
        csv_field(stdout, source);
        printf(",");
        csv_field(stdout, answer);
        printf("\n");
    } else {
        printf("%s\n", answer);
    }
}

jd_status translator_answers(translator *m, const seq2seq_pairs *p, jd_sequence *found)
{
    int32_t *limit = jd_alloc_array(m->ctx, p->n + 1, sizeof *limit);
    for (size_t i = 0; limit && i < p->n; i++) limit[i] = 2 * p->pair[i].source_n + SPARE;
    const seq2seq_ask ask = {.width = m->width, .longest = 2 * MOST_WORDS + SPARE, .limit = limit, .power = m->power};
    if (limit && p->n && !seq2seq_answers(m->ctx, m->writer, p, AT_ONCE, &ask, found) &&
        params_complete(m->ctx, m->params, m->there, "translation"))
        for (size_t i = 0; i < p->n; i++) {
            jd_free(m->ctx, found[i].symbols);
            found[i] = (jd_sequence){0};
        }
    jd_free(m->ctx, limit);
    return jd_error(m->ctx);
}

/* At most AT_ONCE lines; one without words is answered with nothing. */
static jd_status translate(translator *m, char *const *line, size_t n, const cli_args *a)
{
    jd_ctx *ctx = m->ctx;
    seq2seq_pairs p = {0};
    jd_sequence found[AT_ONCE];
    int32_t word[MOST_WORDS];
    size_t at[AT_ONCE] = {0};
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        const size_t k = vocabulary_encode(m->source, line[i], word, MOST_WORDS);
        at[i] = k ? p.n : SIZE_MAX;
        if (k) seq2seq_pairs_add(ctx, &p, word, k, NULL, 0);
    }
    if (!jd_error(ctx) && !translator_answers(m, &p, found))
        for (size_t i = 0; i < n && !jd_error(ctx); i++) {
            const jd_sequence none = {.ended = true}, *s = at[i] == SIZE_MAX ? &none : &found[at[i]];
            char *text = vocabulary_decode(ctx, m->target, s->symbols, s->count);
            if (text) print_one(line[i], text, s, a);
            jd_free(ctx, text);
        }
    for (size_t i = 0; i < p.n && !jd_error(ctx); i++) jd_free(ctx, found[i].symbols);
    seq2seq_pairs_free(ctx, &p);
    return jd_error(ctx);
}

static jd_status translate_file(translator *m, const char *path, const cli_args *a)
{
    size_t n = 0;
    char *text = file_text(m->ctx, path), *at = text, *line[AT_ONCE];
    while (!jd_error(m->ctx) && (line[n] = file_line(&at)) != NULL)
        if (++n == AT_ONCE) {
            translate(m, line, n, a);
            n = 0;
        }
    if (n && !jd_error(m->ctx)) translate(m, line, n, a);
    jd_free(m->ctx, text);
    return jd_error(m->ctx);
}

jd_status translator_predict(translator *m, const cli_args *a)
{
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    if (cli_has(a, "csv")) printf("source,translation\n");
    for (int i = 1; i < a->n && !jd_error(m->ctx); i++) {
        struct stat st;
        if (!stat(a->rest[i], &st))
            translate_file(m, a->rest[i], a);
        else
            translate(m, &a->rest[i], 1, a);
    }
    return jd_error(m->ctx);
}
