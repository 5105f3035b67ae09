/* eval_translation.c - `jackdaw eval` of a model that translates: BLEU and perplexity on sentences of a person's own. */
#include <math.h>
#include <string.h>

#include "files.h"
#include "jackdaw/metrics.h"
#include "translator.h"

typedef struct texts {
    char *source, *target; /* files' texts; target NULL: both stand in `source` */
    size_t unknown[2], words[2];
} texts;

static size_t encode(const vocabulary *v, const char *line, int32_t *word, size_t *unknown, size_t *words)
{
    const size_t n = vocabulary_encode(v, line, word, TRANSLATOR_WORDS);
    for (size_t i = 0; i < n; i++) *unknown += word[i] == SEQ2SEQ_UNKNOWN;
    *words += n;
    return n;
}

/* All pairs of lines of which both sides have words. */
static jd_status pair_up(translator *m, const char *data, const char *labels, texts *t, seq2seq_pairs *p)
{
    char *from = t->source, *to = t->target;
    for (size_t line = 1; !jd_error(m->ctx); line++) {
        int32_t word[2][TRANSLATOR_WORDS];
        char *source = file_line(&from), *target = labels ? file_line(&to) : source ? strchr(source, '\t') : NULL;
        if (!source && (!labels || !target)) break;
        if (!source || !target)
            return labels ? jd_fail(m->ctx, JD_EDATA, "%s has %zu lines, %s more; they belong together line by line",
                                    source ? labels : data, line - 1, source ? data : labels)
                          : jd_fail(m->ctx, JD_EDATA,
                                    "%s: line %zu: no tab between a sentence and its translation; or give the file of "
                                    "translations with --labels",
                                    data, line);
        if (!labels) *target++ = 0;
        const size_t n = encode(m->source, source, word[0], &t->unknown[0], &t->words[0]);
        const size_t k = encode(m->target, target, word[1], &t->unknown[1], &t->words[1]);
        if (n && k) seq2seq_pairs_add(m->ctx, p, word[0], n, word[1], k);
    }
    if (!jd_error(m->ctx) && !p->n) jd_fail(m->ctx, JD_EDATA, "%s: no sentence in it", data);
    return jd_error(m->ctx);
}

static void print_scores(const seq2seq_pairs *p, const jd_sequence *found, double perplexity, const texts *t, bool json)
{
    jd_bleu b = {0};
    for (size_t i = 0; i < p->n; i++)
        jd_bleu_add(&b, found[i].symbols, found[i].count, &(jd_text){p->pair[i].target, (size_t)p->pair[i].target_n},
                    1);
    const double score = 100 * jd_bleu_score(&b, JD_BLEU_MOST);
    const double unknown[2] = {100 * (double)t->unknown[0] / (double)t->words[0],
                               100 * (double)t->unknown[1] / (double)t->words[1]};
    if (json)
        printf("{\"metric\":\"BLEU (%%)\",\"value\":%.6g,\"samples\":%zu,\"perplexity\":%.6g,"
               "\"unknown_source\":%.6g,\"unknown_target\":%.6g}\n",
               score, p->n, perplexity, unknown[0], unknown[1]);
    else
        printf("BLEU (%%) %.4g on %zu sentences, small letters, one translation each\nperplexity %.4g\n"
               "words that the model does not know (%%): %.3g of the source, %.3g of the translation\n",
               score, p->n, perplexity, unknown[0], unknown[1]);
}

jd_status translator_eval(translator *m, const cli_args *a, const char *data)
{
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    const char *labels = cli_text(a, "labels", NULL);
    seq2seq_pairs p = {0};
    texts t = {.source = file_text(m->ctx, data)};
    if (labels && !jd_error(m->ctx)) t.target = file_text(m->ctx, labels);
    jd_sequence *found = NULL;
    if (!jd_error(m->ctx) && !pair_up(m, data, labels, &t, &p)) found = jd_alloc_array(m->ctx, p.n, sizeof *found);
    if (found && !translator_answers(m, &p, found)) {
        jd_fn *measure = jd_fn_new(m->ctx, m->params, seq2seq_measure, &m->net);
        const double perplexity = seq2seq_perplexity(m->ctx, measure, &p, 32);
        if (!jd_error(m->ctx)) print_scores(&p, found, perplexity, &t, cli_has(a, "json"));
        jd_fn_free(measure);
    }
    seq2seq_found_free(m->ctx, found, p.n);
    seq2seq_pairs_free(m->ctx, &p);
    jd_free(m->ctx, t.source);
    jd_free(m->ctx, t.target);
    return jd_error(m->ctx);
}
