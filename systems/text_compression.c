/*
 * text_compression.c - "text-compression": a net that predicts the next character makes texts short, without loss.
 *
 * J. Schmidhuber, S. Heil, Sequential neural text compression, IEEE Transactions on Neural Networks 7(1), 1996 (NIPS 7, 1995).
 * A net of 430 hidden units sees the last five characters and tells how probable each next one is; an arithmetic code spends
 * -log2 p bits on the one that comes.  Whoever has the net reads the code back.  That needs the same probabilities to the last
 * bit in writing and in reading, which this library gives on any machine.  Beside it stands the LSTM that the paper hoped for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "text.h"

const char *const text_method[TEXT_METHODS] = {"Huffman (pack)", "Lempel-Ziv (compress)", "gzip -9", "net of 1996",
                                               "LSTM"};
enum { PACK, COMPRESS, GZIP, WINDOW, LSTM };

static const jd_setting settings[] = {
    {"piece", {15000, 15000, 15000}, "characters of a text in the test, which is coded by itself"},
    {"pieces", {4, 10, 10}, "texts in the test at most, 1 to 64"},
    {"window", {5, 5, 5}, "characters that the net of 1996 sees"},
    {"hidden", {430, 430, 430}, "its hidden units"},
    {"epochs", {1, 25, 25}, "its passes over the text"},
    {"rate", {2e-3, 2e-3, 2e-3}, "its first rate, of Adam"},
    {"units", {96, 384, 512}, "units of each layer of the LSTM"},
    {"layers", {1, 1, 2}, "its layers, 1 to 4"},
    {"embed", {32, 64, 64}, "numbers that stand for a character"},
    {"lstm_epochs", {1.5, 10, 30}, "passes of the LSTM"},
    {"lstm_rate", {6e-3, 3e-3, 2e-3}, "its first rate"},
    {"steps", {100, 150, 200}, "characters of a stretch of text that errors flow back through"},
    {"batch", {32, 32, 32}, "stretches in a training step"},
    {"dropout", {0, 0.25, 0.3}, "share of the units that is left out in training"},
    {NULL, {0}, NULL},
};

double text_ratio(const text_result *t, int method, double *least, double *most)
{
    double sum = 0;
    *least = 1e9;
    *most = 0;
    for (size_t i = 0; i < t->pieces; i++) {
        const double q = (double)t->piece[i].n / (double)t->bytes[method][i];
        sum += q;
        if (q < *least) *least = q;
        if (q > *most) *most = q;
    }
    return sum / (double)t->pieces;
}

static void take_pieces(jd_run *r, text_result *t)
{
    const size_t size = (size_t)jd_run_setting(r, "piece"), most = (size_t)jd_run_setting(r, "pieces");
    const text_part *test = &t->set->test;
    /* The last piece may be a little shorter. */
    while (t->pieces < most && t->pieces * size + size / 2 <= test->n) {
        const size_t at = t->pieces * size;
        t->piece[t->pieces++] = (text_part){test->bytes + at, test->n - at < size ? test->n - at : size};
    }
    if (!t->pieces) t->piece[t->pieces++] = *test;
}

/* Whether all codes give back their texts to the byte: read side by side, and the first one alone. */
static bool read_back(text_net *p, const text_result *t, const text_code *code)
{
    text_part text[TEXT_PIECES] = {{0}}, alone = {0};
    bool same = !text_decode(p, code, t->pieces, text) && !text_decode(p, code, 1, &alone);
    for (size_t i = 0; same && i < t->pieces; i++) same = memcmp(text[i].bytes, t->piece[i].bytes, t->piece[i].n) == 0;
    same = same && memcmp(alone.bytes, t->piece[0].bytes, t->piece[0].n) == 0;
    for (size_t i = 0; i < t->pieces; i++) jd_free(p->ctx, text[i].bytes);
    jd_free(p->ctx, alone.bytes);
    return same;
}

/* Codes the pieces by net k, reads them back, and writes the first one's code to a file. */
static bool measure(jd_run *r, text_net *p, int k, text_result *t)
{
    text_code code[TEXT_PIECES];
    size_t all = 0;
    for (size_t i = 0; i < t->pieces; i++) all += t->piece[i].n;
    float *spent = jd_alloc_array(p->ctx, all, sizeof *spent);
    jd_run_stage(r, "%s: coding and reading back %zu texts", p->name, t->pieces);
    const double begin = jd_now();
    bool same = spent && !text_encode(p, t->piece, t->pieces, code, spent);
    t->speed[k] = (double)all / (jd_now() - begin);
    for (size_t i = 0; same && i < t->pieces; i++) t->bytes[WINDOW + k][i] = code[i].n;
    for (size_t i = 0; same && i < all; i++) t->bits[k] += spent[i] / (double)all;
    same = same && read_back(p, t, code);
    for (size_t i = 0; spent && i < t->pieces; i++) jd_free(p->ctx, code[i].bytes);
    t->spent[k] = spent;
    return same;
}

static void state_claims(claims *c, const text_result *t, const bool *same)
{
    double q[TEXT_METHODS], lo[TEXT_METHODS], hi[TEXT_METHODS];
    for (int m = 0; m < TEXT_METHODS; m++) q[m] = text_ratio(t, m, &lo[m], &hi[m]);
    claim(c, same[0] && same[1], "every text comes back to the byte, coded in one batch, read in another",
          "%zu texts by two nets: %s", t->pieces, same[0] && same[1] ? "all of them" : "not all");
    claim(c, q[WINDOW] > q[COMPRESS] && q[WINDOW] > q[PACK], "the net of 1996 is shorter than pack and compress",
          "%.2f against %.2f and %.2f (paper: 2.72 against 1.74 and 1.99)", q[WINDOW], q[PACK], q[COMPRESS]);
    claim(c, q[WINDOW] >= q[GZIP] * 2.72 / 2.29, "and than gzip by the paper's factor, 1.19", "%.2f against %.2f: %.2f",
          q[WINDOW], q[GZIP], q[WINDOW] / q[GZIP]);
    claim(c, q[LSTM] > q[WINDOW], "a recurrent net, which sees more, is shorter still", "%.2f against %.2f", q[LSTM],
          q[WINDOW]);
}

/* What `jackdaw eval` and `predict` need beside the weights: the sizes, and the alphabet as hexadecimal bytes. */
static jd_status save(jd_run *r, text_net *p)
{
    char alphabet[2 * 256 + 1] = "";
    for (int k = 0; k < p->set->alphabet.escape; k++) snprintf(alphabet + 2 * k, 3, "%02x", p->set->alphabet.byte[k]);
    jd_run_config(r, "reads", "characters");
    jd_run_config(r, "characters", alphabet);
    jd_run_config_number(r, "units", (double)p->units);
    jd_run_config_number(r, "layers", (double)p->layers);
    jd_run_config_number(r, "embed", (double)p->embed);
    return jd_run_save(r, p->w, 0, true);
}

static jd_status run_nets(jd_run *r, text_net *net, text_result *t, bool *same)
{
    jd_ctx *ctx = jd_run_ctx(r);
    static const double temperature[2] = {0.6, 1};
    for (int k = 0; k < 2 && !jd_error(ctx); k++) {
        if (text_net_new(&net[k]) || text_net_train(&net[k], r, jd_run_setting(r, k ? "lstm_epochs" : "epochs"),
                                                    jd_run_setting(r, k ? "lstm_rate" : "rate")))
            break;
        same[k] = measure(r, &net[k], k, t);
        if (!jd_error(ctx))
            jd_run_note(r, "%s: %.3f bits a character, %.0f characters a second", net[k].name, t->bits[k], t->speed[k]);
    }
    for (int k = 0; k < 2 && !jd_error(ctx); k++) {
        t->temperature[k] = temperature[k];
        text_write(&net[1], "The ", temperature[k], jd_run_seed(r), t->written[k], TEXT_WRITTEN);
    }
    return jd_error(ctx) ? jd_error(ctx) : save(r, &net[1]);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double most = jd_run_setting(r, "pieces");
    if (!(most >= 1 && most <= TEXT_PIECES && jd_run_setting(r, "piece") >= 100 && jd_run_setting(r, "window") >= 1 &&
          jd_run_setting(r, "steps") >= 2 && jd_run_setting(r, "batch") >= 1))
        return jd_fail(
            ctx, JD_EUSAGE,
            "text-compression: pieces are 1 to %d of 100 characters or more, window and batch 1 or more, steps 2 "
            "or more",
            TEXT_PIECES);
    text_set set;
    text_result *t = jd_alloc_array(ctx, 1, sizeof *t);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    bool same[2] = {false, false};
    if (!text_read(ctx, jd_run_data(r, NULL), &set) && t && c) {
        text_net net[2];
        t->set = &set;
        take_pieces(r, t);
        for (size_t i = 0; i < t->pieces; i++) {
            t->bytes[PACK][i] = text_huffman(t->piece[i].bytes, t->piece[i].n);
            t->bytes[COMPRESS][i] = text_lzw(ctx, t->piece[i].bytes, t->piece[i].n);
            t->bytes[GZIP][i] = text_gzip(ctx, t->piece[i].bytes, t->piece[i].n);
        }
        jd_run_note(r, "%s: %zu characters to learn from, %d different ones", set.source, set.train.n,
                    set.alphabet.n - 1);
        for (int k = 0; k < 2; k++)
            net[k] = (text_net){.ctx = ctx,
                                .set = &set,
                                .name = k ? "LSTM" : "net of 1996",
                                .window = k ? 0 : (int)jd_run_setting(r, "window"),
                                .units = (int64_t)jd_run_setting(r, k ? "units" : "hidden"),
                                .layers = (int64_t)jd_run_setting(r, "layers"),
                                .embed = (int64_t)jd_run_setting(r, "embed"),
                                .dropout = jd_run_setting(r, "dropout") * k,
                                .seed = jd_run_seed(r),
                                .T = (int64_t)jd_run_setting(r, "steps"),
                                .B = (int64_t)jd_run_setting(r, "batch") * (k ? 1 : 16)};
        if (!run_nets(r, net, t, same)) {
            double lo, hi;
            c->r = r;
            state_claims(c, t, same);
            claims_table(c, "What the paper found, and what was measured on these texts.");
            text_report(r, t);
            jd_run_extra(r, "bits_a_character", t->bits[1]);
            jd_run_extra(r, "bits_a_character_1996", t->bits[0]);
            const double gzip = text_ratio(t, GZIP, &lo, &hi), ours = text_ratio(t, LSTM, &lo, &hi);
            jd_run_extra(r, "ratio", ours);
            jd_run_extra(r, "ratio_1996", text_ratio(t, WINDOW, &lo, &hi));
            jd_run_extra(r, "ratio_gzip", gzip);
            jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
        }
        for (int k = 0; k < 2; k++) {
            text_net_free(&net[k]);
            jd_free(ctx, t->spent[k]);
        }
    }
    text_free(ctx, &set);
    jd_free(ctx, c);
    jd_free(ctx, t);
    return jd_error(ctx);
}

const jd_system jd_system_text_compression = {
    .name = "text-compression",
    .year = 1996,
    .title = "Texts without a byte lost in a quarter of their length: a net predicts, an arithmetic code writes",
    .paper = "Schmidhuber, Heil, Sequential neural text compression, IEEE Transactions on Neural Networks 7(1), 1996",
    .metric = "claims that hold, of 4 (quick: 3)",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "the paper's ratios, of articles in German, are 2.72 by the net, 2.29 by gzip, 1.99 by compress and 1.74 "
        "by pack (that of pack checked, the others recalled)",
    .accept = {3, 4, 4},
    .about =
        "A net learns from some texts how probable each character is after those before it. On texts that it has never "
        "seen an arithmetic code then spends few bits on characters that were to be expected, and the net at the other "
        "end reads the code back. The net of 1996 sees five characters; the LSTM sees all of them. For comparison: "
        "Huffman's code, and the dictionaries of Ziv and Lempel as compress and gzip use them, which begin each text "
        "with nothing. With --data FILE the texts are yours.\n\nThe weights learn by Adam from the cross entropy; the "
        "paper took plain gradient descent, 25 passes, three days. Look at what each character costs, and at "
        "what the LSTM writes by itself.",
    .data = "",
    .settings = settings,
    .run = run,
};
