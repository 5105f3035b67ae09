/*
 * translation.c - "translation": a sentence read by one LSTM is written in another language by another.
 *
 * I. Sutskever, O. Vinyals, Q. V. Le, Sequence to sequence learning with neural networks, NIPS 2014: no words are aligned and no
 * phrases are known; the source is read backwards, which puts the beginnings of both sentences close together.  With the
 * attention of Vinyals et al., NIPS 2015, the writer looks back at all that was read.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bitext.h"
#include "claims.h"
#include "jackdaw/metrics.h"

enum { NETS = 3, WIDTHS = 4, BINS = 5, AT_ONCE = 64, SHOWN = 14, MAPS = 3 };
static const char *const net_name[NETS] = {"attention", "no attention", "no attention, read forward"};
static const size_t widths[WIDTHS] = {1, 2, 5, 10};
static const int32_t bin_end[BINS] = {9, 12, 15, 18, 1 << 20};

typedef struct job {
    jd_run *r;
    jd_ctx *ctx;
    bitext text;
    int nets;
    seq2seq_learner net[NETS];
    jd_sequence *found[NETS]; /* of the test part, by beam search */
    double perplexity[NETS], valid[NETS], greedy[NETS], beam[NETS], bins[NETS][BINS];
    double mean_ln_p[WIDTHS], by_width[WIDTHS], answer_seconds;
} job;

/* ---- measuring ------------------------------------------------------------------------------------------------------------*/

/* BLEU (%) of answers whose sources have from `low` to `high` words. */
static double bleu(const seq2seq_pairs *p, const jd_sequence *found, int32_t low, int32_t high)
{
    jd_bleu b = {0};
    for (size_t i = 0; i < p->n; i++) {
        const seq2seq_pair *q = &p->pair[i];
        if (q->source_n < low || q->source_n > high) continue;
        jd_bleu_add(&b, found[i].symbols, found[i].count, &(jd_text){q->target, (size_t)q->target_n}, 1);
    }
    return 100 * jd_bleu_score(&b, 4);
}

static double score(void *user, const seq2seq_pairs *valid, const jd_sequence *found)
{
    (void)user;
    return bleu(valid, found, 0, INT32_MAX);
}

static jd_sequence *answers(job *k, int net, const seq2seq_pairs *p, size_t width)
{
    const seq2seq_ask ask = {.width = width,
                             .longest = (size_t)jd_run_setting(k->r, "longest") + 20,
                             .power = width > 1 ? jd_run_setting(k->r, "power") : 0};
    jd_sequence *found = jd_alloc_array(k->ctx, p->n + 1, sizeof *found);
    if (found && !seq2seq_answers(k->ctx, k->net[net].writer, p, AT_ONCE, &ask, found)) return found;
    jd_free(k->ctx, found);
    return NULL;
}

static jd_status test(job *k, int net)
{
    const seq2seq_pairs *p = &k->text.part[BITEXT_TEST], *valid = &k->text.part[BITEXT_VALID];
    k->perplexity[net] = seq2seq_perplexity(k->ctx, k->net[net].measure, valid, AT_ONCE);
    k->valid[net] = k->net[net].best;
    jd_sequence *greedy = answers(k, net, p, 1);
    if (greedy) k->greedy[net] = bleu(p, greedy, 0, INT32_MAX);
    seq2seq_found_free(k->ctx, greedy, p->n);
    const double begin = jd_now();
    k->found[net] = answers(k, net, p, (size_t)jd_run_setting(k->r, "width"));
    if (net == 0) k->answer_seconds = jd_now() - begin;
    if (!k->found[net]) return jd_error(k->ctx);
    k->beam[net] = bleu(p, k->found[net], 0, INT32_MAX);
    for (int i = 0; i < BINS; i++) k->bins[net][i] = bleu(p, k->found[net], i ? bin_end[i - 1] + 1 : 0, bin_end[i]);
    jd_run_note(k->r, "%s: BLEU %.2f on the test part (greedy %.2f)", net_name[net], k->beam[net], k->greedy[net]);
    return jd_error(k->ctx);
}

/* Wider beams find likelier answers; what that is worth is seen on the part held out. */
static jd_status try_widths(job *k)
{
    const seq2seq_pairs *p = &k->text.part[BITEXT_VALID];
    for (int i = 0; i < WIDTHS && !jd_error(k->ctx); i++) {
        const seq2seq_ask ask = {.width = widths[i], .longest = (size_t)jd_run_setting(k->r, "longest") + 20};
        jd_sequence *found = jd_alloc_array(k->ctx, p->n + 1, sizeof *found);
        if (found && !seq2seq_answers(k->ctx, k->net[0].writer, p, AT_ONCE, &ask, found)) {
            for (size_t s = 0; s < p->n; s++) k->mean_ln_p[i] += found[s].ln_p / (double)p->n;
            k->by_width[i] = bleu(p, found, 0, INT32_MAX);
        }
        seq2seq_found_free(k->ctx, found, p->n);
    }
    return jd_error(k->ctx);
}

/* ---- the report -----------------------------------------------------------------------------------------------------------*/

static void show_table(const job *k)
{
    enum { COLUMNS = 8 };
    static const char *const headings[COLUMNS] = {"net",
                                                  "weights",
                                                  "passes",
                                                  "held out perplexity",
                                                  "held out BLEU, greedy",
                                                  "test BLEU, greedy",
                                                  "test BLEU, beam",
                                                  "seconds"};
    char text[NETS * COLUMNS][40], caption[500];
    const char *cells[NETS * COLUMNS];
    size_t n = 0;
    for (int i = 0; i < k->nets; i++) {
        const seq2seq_learner *l = &k->net[i];
        snprintf(text[n++], sizeof text[0], "%s", net_name[i]);
        snprintf(text[n++], sizeof text[0], "%zu", jd_params_count(l->params));
        snprintf(text[n++], sizeof text[0], "%.1f", (double)l->steps / (double)l->feed.per_epoch);
        snprintf(text[n++], sizeof text[0], "%.2f", k->perplexity[i]);
        snprintf(text[n++], sizeof text[0], "%.2f", k->valid[i]);
        snprintf(text[n++], sizeof text[0], "%.2f", k->greedy[i]);
        snprintf(text[n++], sizeof text[0], "%.2f", k->beam[i]);
        snprintf(text[n++], sizeof text[0], "%.0f", l->seconds);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    snprintf(
        caption, sizeof caption,
        "%s to %s. BLEU-4 (%%) of small-letter words and marks against one reference; beam: %d wide, scores divided "
        "by ((5 + words) / 6)^%g. %zu pairs to learn from, %zu held out, %zu in the test; of the test's words %.1f and "
        "%.1f %% are in no vocabulary, and no unknown word is ever written.",
        k->text.from, k->text.to, (int)jd_run_setting(k->r, "width"), jd_run_setting(k->r, "power"), k->text.part[0].n,
        k->text.part[1].n, k->text.part[2].n, 100 * k->text.unknown[0], 100 * k->text.unknown[1]);
    jd_report_section(jd_run_report(k->r), "How good are the translations?");
    jd_report_table(jd_run_report(k->r), headings, cells, (size_t)k->nets, COLUMNS, caption);
}

static void show_lengths(const job *k)
{
    jd_chart *c = jd_chart_new(k->ctx, &(jd_axis){.label = "words of the source, up to"},
                               &(jd_axis){.label = "test BLEU (%)"}, 260);
    const double x[BINS] = {9, 12, 15, 18, 21};
    for (int i = 0; i < k->nets && c; i++) jd_chart_line(c, net_name[i], x, k->bins[i], BINS, JD_MARKS);
    jd_report_chart(jd_run_report(k->r), c,
                    "BLEU by the length of the source; the last point is for all longer ones. One state must hold the "
                    "whole sentence where nothing can be looked up.");
}

static void show_widths(const job *k)
{
    enum { COLUMNS = 3 };
    static const char *const headings[COLUMNS] = {"width of the beam", "mean ln p of the answer", "BLEU (%)"};
    char text[WIDTHS * COLUMNS][32];
    const char *cells[WIDTHS * COLUMNS];
    size_t n = 0;
    for (int i = 0; i < WIDTHS; i++) {
        snprintf(text[n++], sizeof text[0], "%zu", widths[i]);
        snprintf(text[n++], sizeof text[0], "%.3f", k->mean_ln_p[i]);
        snprintf(text[n++], sizeof text[0], "%.2f", k->by_width[i]);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    jd_report_table(jd_run_report(k->r), headings, cells, WIDTHS, COLUMNS,
                    "What a wider beam finds, on the part held out, without a correction for length.");
}

/* Sentence i of those that are shown: spread over the test part. */
static size_t shown(const job *k, int i)
{
    return k->text.part[BITEXT_TEST].n * (size_t)i / SHOWN;
}

static void show_translations(const job *k)
{
    const int columns = 2 + k->nets;
    const char *headings[2 + NETS] = {"source", "by a person", "attention", "no attention", "no attention, forward"};
    const char *cells[SHOWN * (2 + NETS)];
    char *owned[SHOWN * NETS];
    int n = 0, m = 0, rows = 0;
    size_t last = SIZE_MAX;
    for (int i = 0; i < SHOWN; i++) {
        const size_t s = shown(k, i);
        if (s == last) continue;
        last = s;
        rows++;
        cells[n++] = k->text.line[BITEXT_TEST][s].source;
        cells[n++] = k->text.line[BITEXT_TEST][s].target;
        for (int j = 0; j < k->nets; j++)
            cells[n++] = owned[m++] =
                vocabulary_decode(k->ctx, k->text.target, k->found[j][s].symbols, k->found[j][s].count);
    }
    jd_report_section(jd_run_report(k->r), "Translations");
    jd_report_table(jd_run_report(k->r), headings, cells, (size_t)rows, (size_t)columns,
                    "Sentences of the test part, at equal distances, none chosen.");
    while (m > 0) jd_free(k->ctx, owned[--m]);
}

/* What the writer looks at while it writes its own answer. */
static void show_map(job *k, size_t i)
{
    const seq2seq_pair *q = &k->text.part[BITEXT_TEST].pair[i];
    const jd_sequence *a = &k->found[0][i];
    const seq2seq_pair own = {q->source, a->symbols, q->source_n, (int32_t)a->count};
    char caption[700], word[128][128];
    const char *source[128], *target[128];
    int64_t U, T;
    if (q->source_n > 60 || a->count > 60) return;
    float *w = seq2seq_attention(&k->net[0], &own, &U, &T);
    if (!w) return;
    const char *at = k->text.line[BITEXT_TEST][i].source;
    for (int64_t t = 0; t < T; t++) {
        at = at ? vocabulary_word(at, word[t], sizeof word[t]) : NULL;
        source[t] = at ? word[t] : "?";
    }
    for (int64_t u = 0; u < U; u++) target[u] = u + 1 < U ? vocabulary_text(k->text.target, own.target[u]) : "(end)";
    snprintf(caption, sizeof caption,
             "\"%.200s\", which a person translated as \"%.250s\". Each row is a word that is written; the darker, the "
             "more of the writer's look rests on that word of the source.",
             k->text.line[BITEXT_TEST][i].source, k->text.line[BITEXT_TEST][i].target);
    jd_report_matrix(jd_run_report(k->r),
                     &(jd_matrix){.values = w,
                                  .rows = (size_t)U,
                                  .columns = (size_t)T,
                                  .row_names = target,
                                  .column_names = source,
                                  .column_label = k->text.from,
                                  .value_label = "attention"},
                     caption);
    jd_free(k->ctx, w);
}

static void show_maps(job *k)
{
    const seq2seq_pairs *p = &k->text.part[BITEXT_TEST];
    int n = 0;
    jd_report_section(jd_run_report(k->r), "Where the writer looks");
    jd_report_text(jd_run_report(k->r),
                   "Nobody told the net which word translates which. What is read stands in the reader's states, and "
                   "these hold, beside a word, what follows it: the source is read from its end.");
    for (size_t i = p->n / 3; i < p->n && n < MAPS; i++)
        if (p->pair[i].source_n >= 9 + 3 * n && p->pair[i].source_n <= 11 + 3 * n && k->found[0][i].ended) {
            show_map(k, i);
            n++;
        }
}

/* ---- the run --------------------------------------------------------------------------------------------------------------*/

/* The words stand in the model's file, beside the configuration: what `jackdaw predict` needs. */
static jd_status save(job *k)
{
    char *source = vocabulary_list(k->ctx, k->text.source), *target = vocabulary_list(k->ctx, k->text.target);
    if (source && target)
        seq2seq_save(&k->net[0], (size_t)jd_run_setting(k->r, "width"), jd_run_setting(k->r, "power"),
                     (const jd_metadata[]){{"words.source", source}, {"words.target", target}}, 2);
    jd_free(k->ctx, source);
    jd_free(k->ctx, target);
    return jd_error(k->ctx);
}

static jd_status learn(job *k, int i)
{
    jd_run *r = k->r;
    const double epochs = jd_run_setting(r, i ? "control_epochs" : "epochs");
    k->net[i] = (seq2seq_learner){.r = r,
                                  .name = net_name[i],
                                  .net = {.reads = SEQ2SEQ_WORDS + (int64_t)vocabulary_size(k->text.source),
                                          .writes = SEQ2SEQ_WORDS + (int64_t)vocabulary_size(k->text.target),
                                          .embed = (int64_t)jd_run_setting(r, "embed"),
                                          .units = (int64_t)jd_run_setting(r, "units"),
                                          .layers = (int64_t)jd_run_setting(r, "layers"),
                                          .attend = i ? 0 : (int64_t)jd_run_setting(r, "attend"),
                                          .project = (int64_t)jd_run_setting(r, "project"),
                                          .forward = i == 2,
                                          .dropout = jd_run_setting(r, "dropout")},
                                  .train = &k->text.part[BITEXT_TRAIN],
                                  .valid = &k->text.part[BITEXT_VALID],
                                  .batch = (size_t)jd_run_setting(r, "batch"),
                                  .longest = (size_t)jd_run_setting(r, "longest") + 20,
                                  .epochs = epochs,
                                  .rate = jd_run_setting(r, "rate"),
                                  .validations = (int64_t)fmax(1, floor(epochs)),
                                  .patience = (int64_t)jd_run_setting(r, "patience"),
                                  .score_name = "BLEU",
                                  .score = score,
                                  .seed = jd_run_seed(r)};
    return seq2seq_learn(&k->net[i]) ? jd_error(k->ctx) : test(k, i);
}

extern const jd_system jd_system_translation; /* below: what it asks for at each scale */

static void judge(job *k, claims *c)
{
    const jd_scale scale = jd_run_scale(k->r);
    const double least = jd_system_translation.accept[scale];
    char what[80];
    snprintf(what, sizeof what, "BLEU on the test part: at least %g", least);
    claim(c, k->beam[0] >= least, what, "%.2f", k->beam[0]);
    if (k->nets == NETS) {
        claim(c, k->beam[0] >= k->beam[1] + 0.5, "attention is better than one state for the whole sentence",
              "%.2f against %.2f", k->beam[0], k->beam[1]);
        if (scale != JD_QUICK) /* after three passes neither of the two translates */
            claim(c, k->beam[1] >= k->beam[2] + 0.5,
                  "without attention, reading the source backwards is better (0.5 or more)", "%.2f against %.2f",
                  k->beam[1], k->beam[2]);
    }
    bool wider = true;
    for (int i = 1; i < WIDTHS; i++) wider &= k->mean_ln_p[i] >= k->mean_ln_p[i - 1];
    claim(c, wider, "the wider the beam, the likelier the answers (mean ln p)", "%.3f %.3f %.3f %.3f", k->mean_ln_p[0],
          k->mean_ln_p[1], k->mean_ln_p[2], k->mean_ln_p[3]);
    claims_table(c, "What the papers and the specification say, and what was measured.");
}

static jd_status run_all(job *k)
{
    jd_run *r = k->r;
    k->nets = jd_run_setting(r, "control_epochs") > 0 ? NETS : 1;
    jd_run_note(r,
                "%s to %s: %zu pairs to learn from (%zu repeated elsewhere, %zu too long), %zu held out, %zu to test; "
                "%zu and %zu words",
                k->text.from, k->text.to, k->text.part[0].n, k->text.repeated, k->text.too_long, k->text.part[1].n,
                k->text.part[2].n, vocabulary_size(k->text.source), vocabulary_size(k->text.target));
    for (int i = 0; i < k->nets && !jd_error(k->ctx); i++) {
        jd_run_stage(r, "%s", net_name[i]);
        learn(k, i);
    }
    jd_run_stage(r, "beams of other widths");
    if (jd_error(k->ctx) || try_widths(k) || save(k)) return jd_error(k->ctx);
    claims *c = jd_alloc_array(k->ctx, 1, sizeof *c);
    if (!c) return jd_error(k->ctx);
    c->r = r;
    show_table(k);
    show_translations(k);
    show_maps(k);
    jd_report_section(jd_run_report(r), "Long sentences and wide beams");
    show_lengths(k);
    show_widths(k);
    judge(k, c);
    jd_free(k->ctx, c);
    jd_run_extra(r, "valid_bleu_greedy", k->valid[0]);
    jd_run_extra(r, "test_bleu_greedy", k->greedy[0]);
    if (k->nets == NETS) jd_run_extra(r, "no_attention_bleu", k->beam[1]);
    if (k->nets == NETS) jd_run_extra(r, "no_attention_forward_bleu", k->beam[2]);
    jd_run_extra(r, "sentences_per_second", (double)k->text.part[BITEXT_TEST].n / k->answer_seconds);
    return jd_run_finish(r, k->beam[0], NULL);
}

static jd_status run(jd_run *r)
{
    job *k = jd_alloc(jd_run_ctx(r), sizeof *k);
    if (!k) return jd_error(jd_run_ctx(r));
    *k = (job){.r = r, .ctx = jd_run_ctx(r)};
    const bitext_options o = {.language = jd_run_setting(r, "german") != 0 ? "de" : "fr",
                              .words = (size_t)fmax(1, jd_run_setting(r, "words")),
                              .least = (size_t)fmax(1, jd_run_setting(r, "least")),
                              .longest = (size_t)fmax(1, jd_run_setting(r, "longest")),
                              .most = (size_t)fmax(0, jd_run_setting(r, "pairs")),
                              .most_held_out = (size_t)fmax(0, jd_run_setting(r, "held_out"))};
    if (o.longest > 300 || !(jd_run_setting(r, "batch") >= 1 && jd_run_setting(r, "width") >= 1 &&
                             jd_run_setting(r, "width") <= 100 && jd_run_setting(r, "epochs") > 0))
        jd_fail(k->ctx, JD_EUSAGE, "translation: longest is 1 to 300, batch 1 or more, width 1 to 100, epochs above 0");
    jd_run_stage(r, "reading sentences");
    if (!jd_error(k->ctx) && !bitext_read(r, &o, &k->text)) run_all(k);
    for (int i = 0; i < NETS; i++) {
        seq2seq_found_free(k->ctx, k->found[i], k->text.part[BITEXT_TEST].n);
        seq2seq_forget(&k->net[i]);
    }
    bitext_free(&k->text);
    jd_ctx *ctx = k->ctx;
    jd_free(ctx, k);
    return jd_error(ctx);
}

static const jd_setting settings[] = {
    {"german", {0, 0, 0}, "1: from English to German instead of French"},
    {"words", {3000, 4000, 10000}, "of each language at most, the most frequent"},
    {"least", {2, 2, 2}, "times that a word must be there"},
    {"pairs", {12000, 0, 0}, "to learn from at most; 0: all"},
    {"held_out", {300, 0, 0}, "pairs at most to validate with, and to be tested on; 0: all"},
    {"longest", {14, 20, 60}, "words of a sentence to learn from"},
    {"embed", {64, 64, 512}, "numbers for a word"},
    {"units", {96, 128, 1000}, "of each LSTM"},
    {"layers", {1, 1, 2}, "of reader and writer"},
    {"attend", {64, 64, 512}, "units that compare the writer's state with what was read"},
    {"project", {64, 64, 512}, "units under the softmax"},
    {"dropout", {0.1, 0.1, 0.4}, "share of embeddings and of units under the softmax"},
    {"batch", {32, 32, 128}, "pairs a step"},
    {"epochs", {4, 6, 20}, "passes over the pairs"},
    {"control_epochs", {3, 6, 20}, "and of the nets without attention; 0: none are trained"},
    {"rate", {0.004, 0.004, 0.001}, "learning rate of Adam at first"},
    {"patience", {0, 3, 4}, "passes without a better BLEU before training stops; 0: it does not"},
    {"width", {5, 5, 12}, "of the beam"},
    {"power", {0.6, 0.6, 0.6}, "of the correction for length"},
    {NULL, {0}, NULL}};

const jd_system jd_system_translation = {
    .name = "translation",
    .year = 2014,
    .title = "One LSTM reads a sentence, another writes it in French",
    .paper = "I. Sutskever, O. Vinyals, Q. V. Le: Sequence to sequence learning with neural networks. NIPS 2014; O. "
             "Vinyals, L. Kaiser, T. Koo, S. Petrov, I. Sutskever, G. Hinton: Grammar as a foreign language. NIPS 2015",
    .metric = "BLEU (%)",
    .higher = true,
    .paper_value = 34.8,
    .paper_note =
        "WMT'14 English to French, five nets of 4 x 1000 units, 12 million pairs, beam 12. Another corpus here: "
        "captions of pictures (Multi30k, 29,000 pairs, short sentences), so the figures cannot be compared; "
        "the Tatoeba pairs of the specification are not at hand",
    .accept = {5, 25, 40},
    .about = "An LSTM reads an English sentence word by word, from its end to its beginning; the state that remains is "
             "where a second LSTM starts, which writes the French sentence, each word given those before. Nobody tells "
             "either what a word means. With attention the second looks, before each word, at all that was read. Two "
             "nets that must do without it, reading backwards and forwards, are the controls. Words are small letters; "
             "those that are too rare are unknown, and are never written.",
    .data = "multi30k",
    .settings = settings,
    .run = run,
};
