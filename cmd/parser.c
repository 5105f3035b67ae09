/* parser.c - models that read sentences and write their trees (the system parsing). */
#include "parser.h"

#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "model.h"
#include "parsing.h"
#include "translator.h"

enum { WORDS = 200, WORD_ROOM = 64, SYMBOLS = 1024 };

struct parser {
    jd_ctx *ctx;
    seq2seq_net net;
    treebank bank; /* its labels */
    vocabulary *source;
    jd_params *params;
    seq2seq_writer *writer;
    int there; /* parameters that the file held */
    size_t width;
};

static jd_status configure(parser *m, const char *path, const char *config, const char *labels)
{
    double power;
    m->bank = (treebank){.ctx = m->ctx, .label = vocabulary_read(m->ctx, labels, 0)};
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    if (!translator_net(config, &m->net, &power, &m->width) ||
        m->net.reads != SEQ2SEQ_WORDS + (int64_t)vocabulary_size(m->source) ||
        m->net.writes != TREES_OPEN + 2 * (int64_t)vocabulary_size(m->bank.label))
        return jd_fail(m->ctx, JD_EDATA,
                       "%s: its words (%zu), its labels (%zu) and its jackdaw.config do not fit each other; take the "
                       "model.safetensors of the system parsing as it was written",
                       path, vocabulary_size(m->source), vocabulary_size(m->bank.label));
    return JD_OK;
}

parser *parser_open(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (!f) return NULL;
    const char *config = jd_tensor_file_meta(f, "jackdaw.config"), *source = jd_tensor_file_meta(f, "words.source"),
               *labels = jd_tensor_file_meta(f, "labels");
    parser *m = config && source && labels ? jd_alloc(ctx, sizeof *m) : NULL;
    if (m) {
        m->ctx = ctx;
        m->source = vocabulary_read(ctx, source, SEQ2SEQ_WORDS);
        if (!jd_error(ctx) && !configure(m, path, config, labels)) m->params = jd_params_new(ctx, JD_F32);
        if (m->params && !jd_params_load(ctx, m->params, f))
            m->writer = seq2seq_writer_new(ctx, &m->net, m->params, NULL, NULL);
        m->there = m->writer ? jd_params_ranges(m->params) : 0;
    }
    jd_tensor_file_close(f);
    return m;
}

void parser_free(parser *m)
{
    if (!m) return;
    seq2seq_writer_free(m->writer);
    jd_params_free(m->params);
    vocabulary_free(m->source);
    treebank_free(&m->bank);
    jd_free(m->ctx, m);
}

/* Where a word that is not known as it stands is cut in two, as treebanks do: before the marks at its end, 's and n't. */
static size_t cut_of(const vocabulary *v, const char *word, size_t n)
{
    if (vocabulary_find(v, word) >= 0 || n < 2) return n;
    if (strchr(".,!?;:\")", word[n - 1])) return n - 1;
    if (n > 2 && !strcmp(word + n - 2, "'s")) return n - 2;
    if (n > 3 && !strcmp(word + n - 3, "n't")) return n - 3;
    return n;
}

/* Words of a line, as they stand and as numbers; returns how many. */
static size_t split(const parser *m, const char *line, char word[WORDS][WORD_ROOM], int32_t *number)
{
    size_t n = 0;
    while (n < WORDS) {
        line += strspn(line, " \t\r");
        const size_t all = strcspn(line, " \t\r"), k = all < WORD_ROOM ? all : WORD_ROOM - 1;
        if (!all) break;
        memcpy(word[n], line, k);
        word[n][k] = 0;
        const size_t cut = cut_of(m->source, word[n], k);
        word[n][cut] = 0;
        line += cut < k ? cut : all;
        n++;
    }
    for (size_t i = 0; i < n; i++) number[i] = parsing_word(m->source, word[i], i == 0);
    return n;
}

static void print_one(const char *line, const char *answer, bool whole, double ln_p, const cli_args *a)
{
    if (cli_has(a, "json")) {
        printf("{\"sentence\":");
        cli_json_string(line);
        printf(",\"tree\":");
        cli_json_string(answer);
        printf(",\"ln_p\":");
        cli_json_number(ln_p);
        printf(",\"repaired\":%s}\n", whole ? "false" : "true");
    } else if (cli_has(a, "csv")) {
        csv_field(stdout, line);
        printf(",");
        csv_field(stdout, answer);
        printf("\n");
    } else {
        printf("%s\n", answer);
    }
}

static jd_status parse(parser *m, const char *line, const cli_args *a)
{
    static char word[WORDS][WORD_ROOM];
    char *text[WORDS];
    int32_t number[WORDS], out[SYMBOLS];
    jd_sequence found = {0};
    seq2seq_pairs p = {0};
    const size_t n = split(m, line, word, number);
    if (!n) {
        print_one(line, "", true, 0, a);
        return JD_OK;
    }
    const int32_t limit = parsing_limit(n), S = vocabulary_find(m->bank.label, "S");
    const seq2seq_ask ask = {.width = m->width, .longest = PARSING_LONGEST, .limit = &limit};
    for (size_t i = 0; i < n; i++) text[i] = word[i];
    if (!seq2seq_pairs_add(m->ctx, &p, number, n, NULL, 0) &&
        !seq2seq_answers(m->ctx, m->writer, &p, 1, &ask, &found) &&
        !params_complete(m->ctx, m->params, m->there, "parsing")) {
        const bool whole = found.ended && tree_well_formed(found.symbols, found.count, n);
        const size_t k = tree_repair(found.symbols, found.count, n, TREES_OPEN + 2 * (S < 0 ? 0 : S), out, SYMBOLS);
        char *drawn = tree_text(m->ctx, &m->bank, out, k, text, n);
        if (drawn) print_one(line, drawn, whole, found.ln_p, a);
        jd_free(m->ctx, drawn);
    }
    jd_free(m->ctx, found.symbols);
    seq2seq_pairs_free(m->ctx, &p);
    return jd_error(m->ctx);
}

static jd_status parse_file(parser *m, const char *path, const cli_args *a)
{
    char *text = file_text(m->ctx, path), *at = text;
    for (const char *line; !jd_error(m->ctx) && (line = file_line(&at)) != NULL;) parse(m, line, a);
    jd_free(m->ctx, text);
    return jd_error(m->ctx);
}

jd_status parser_predict(parser *m, const cli_args *a)
{
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    if (cli_has(a, "csv")) printf("sentence,tree\n");
    for (int i = 1; i < a->n && !jd_error(m->ctx); i++) {
        struct stat st;
        if (!stat(a->rest[i], &st))
            parse_file(m, a->rest[i], a);
        else
            parse(m, a->rest[i], a);
    }
    return jd_error(m->ctx);
}
