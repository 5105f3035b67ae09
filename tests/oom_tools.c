/* oom_tools.c - decoders, language models, codes of weights, measures: see oom.h. */
#include <math.h>
#include <string.h>

#include "jackdaw/jackdaw.h"
#include "oom.h"

enum { T = 6, K = 4 };

static void outputs(float *x, size_t n)
{
    jd_rng r = jd_rng_new(7, "oom/outputs", 0);
    for (size_t i = 0; i < n; i++) x[i] = 3 * (float)jd_rng_normal(&r);
}

static void decode(jd_ctx *ctx, uint64_t *sum)
{
    float x[T * K];
    outputs(x, T * K);
    static const char text[] = "a b\nb a b\na\n";
    const jd_lexicon_word words[] = {{"a", (const int32_t[]){1}, 1}, {"b", (const int32_t[]){2, 1}, 2}};
    jd_ngram *m = jd_ngram_estimate(ctx, text, sizeof text - 1, 2);
    jd_lexicon *l = m ? jd_lexicon_new(ctx, words, 2) : NULL;
    jd_nbest found = {0};
    jd_words said = {0};
    jd_symbol symbols[2];
    jd_hit hits[3];
    size_t n;
    if (!jd_ctc_beam(ctx, x, K, T, K, &(jd_beam_options){.width = 5, .best = 3}, &found) && found.count)
        oom_add(sum, &found.items[0].score, sizeof(double));
    jd_nbest_free(ctx, &found);
    if (l &&
        !jd_ctc_beam(ctx, x, K, T, K,
                     &(jd_beam_options){.width = 5, .model = m, .lexicon = l, .separator = 3, .end = true}, &found) &&
        found.count)
        oom_add(sum, &found.items[0].score, sizeof(double));
    jd_nbest_free(ctx, &found);
    if (l && !jd_ctc_words(ctx, x, K, T, K, &(jd_words_options){.lexicon = l, .model = m}, &said))
        oom_add(sum, &said.score, sizeof(double));
    jd_words_free(ctx, &said);
    if (!jd_ctc_align(ctx, x, K, T, K, 0, (const int32_t[]){1, 2}, 2, symbols, NULL))
        oom_add(sum, &symbols[1].first, sizeof(int32_t));
    if (!jd_ctc_spot(ctx, x, K, T, K, 0, (const int32_t[]){1, 2}, 2, -30, hits, 3, &n)) oom_add(sum, &n, sizeof n);
    const jd_edits e = jd_edit_distance(ctx, (const int32_t[]){1, 2, 3}, 3, (const int32_t[]){2, 3, 3}, 3);
    if (!jd_error(ctx)) oom_add(sum, &e.total, sizeof e.total);
    jd_lexicon_free(l);
    jd_ngram_free(m);
}

static void ngram(jd_ctx *ctx, uint64_t *sum)
{
    static const char text[] = "a b c\nb a b d e f\na c\n";
    jd_ngram *m = jd_ngram_estimate(ctx, text, sizeof text - 1, 3), *back = NULL;
    if (m && !jd_arpa_write(m, oom_path("a.arpa"))) back = jd_arpa_read(ctx, oom_path("a.arpa"));
    const double p = back ? jd_ngram_perplexity(back, "a b", 3) : 0;
    if (!jd_error(ctx)) oom_add(sum, &p, sizeof p);
    jd_ngram_free(back);
    jd_ngram_free(m);
}

static jd_status next(void *user, size_t t, const int32_t *symbol, const int32_t *parent, float *ln_p)
{
    (void)user, (void)symbol, (void)parent;
    for (int i = 0; i < 2 * 3 * 5; i++) ln_p[i] = -1 - (float)((i + (int)t) % 5);
    return JD_OK;
}

static void sequences(jd_ctx *ctx, uint64_t *sum)
{
    jd_sequence found[2] = {0};
    if (jd_sequence_beam(ctx,
                         &(jd_sequence_options){
                             .inputs = 2, .width = 3, .symbols = 5, .start = 1, .end = 2, .longest = 6, .step = next},
                         found))
        return;
    for (int s = 0; s < 2; s++) {
        oom_add(sum, found[s].symbols, found[s].count * sizeof(int32_t));
        jd_free(ctx, found[s].symbols);
    }
}

static void measures(jd_ctx *ctx, uint64_t *sum)
{
    enum { N = 8 };
    uint8_t inside[N * N];
    float map[N * N];
    outputs(map, N * N);
    for (int i = 0; i < N * N; i++) {
        inside[i] = i % N != 3;
        map[i] = 1 / (1 + expf(-map[i]));
    }
    jd_membrane_score s;
    jd_pixel_score pixels;
    jd_point *peaks = NULL;
    size_t n = 0;
    double warping;
    if (!jd_score_membranes(ctx, &(jd_membranes){1, N, N, inside, map, .thin = true}, &s))
        oom_add(sum, &s.rand, sizeof s.rand);
    if (!jd_score_pixels(ctx, inside, map, N * N, &pixels)) oom_add(sum, &pixels.half, sizeof pixels.half);
    if (!jd_warping_error(ctx, inside, map, N, N, 0.5, &warping)) oom_add(sum, &warping, sizeof warping);
    jd_detection_score d;
    if (!jd_find_peaks(ctx, map, N, N, 2, 0.5, &peaks, &n) &&
        !jd_match_points(ctx, &(jd_point){1, 1, 0}, 1, peaks, n, 3, &d, NULL))
        oom_add(sum, &d.right, sizeof d.right);
    jd_free(ctx, peaks);
    const double auc = jd_auc(ctx, map, inside, N * N);
    if (!jd_error(ctx)) oom_add(sum, &auc, sizeof auc);
    const jd_box box[2] = {{0, 0, 2, 2, 0.5f, 0, 0}, {1, 1, 3, 3, 0.4f, 0, 0}};
    const double precision = jd_average_precision(ctx, box, 1, box, 2, 0, 0.5, NULL, NULL);
    if (!jd_error(ctx)) oom_add(sum, &precision, sizeof precision);
}

static void codes(jd_ctx *ctx, uint64_t *sum)
{
    const jd_code_array net = {.rank = 2, .size = {6, 5}, .genes = 7};
    double genome[7] = {1, -1, 0.5, 2}, w[30], back[7];
    jd_code *c = jd_code_new(ctx, &(jd_code_options){.kind = JD_CODE_DCT, .array = &net, .arrays = 1});
    if (c && !jd_code_decode(c, genome, w) && !jd_code_encode(c, w, back)) oom_add(sum, w, sizeof w);
    jd_code_free(c);
}

static void scan(jd_ctx *ctx, uint64_t *sum)
{
    static float image[9 * 8], out[9 * 8 * 2];
    outputs(image, 72);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_scanner *s = w ? jd_scanner_new(ctx, w,
                                       &(jd_scan_options){.net = "conv 2 2 tanh, maxpool 2, conv 2 2 tanh, dense 2",
                                                          .height = 6,
                                                          .width = 6,
                                                          .channels = 1,
                                                          .softmax = true})
                      : NULL;
    if (s && !jd_scan_image(s, image, 9, 8, out)) oom_add(sum, out, sizeof out);
    if (s && !jd_scan_image(s, image, 5, 5, out)) oom_add(sum, out, 5 * 5 * 2 * sizeof *out);
    jd_scanner_free(s);
    jd_params_free(w);
}

static void pretrain(jd_ctx *ctx, uint64_t *sum)
{
    float x[8 * 4];
    for (int i = 0; i < 32; i++) x[i] = (float)(i % 3) / 2;
    jd_params *w = jd_params_new(ctx, JD_F32);
    if (w && !jd_pretrain_rbm(ctx, w, "layer1", x, 8, 4, &(jd_pretrain_options){.units = 3, .epochs = 1}, NULL, NULL) &&
        !jd_pretrain_autoencoder(ctx, w, "layer2", x, 8, 4, &(jd_pretrain_options){.units = 3, .epochs = 1}, NULL,
                                 NULL))
        oom_add(sum, jd_params_data(w), jd_params_count(w) * sizeof(float));
    jd_params_free(w);
}

static void rtrl(jd_ctx *ctx, uint64_t *sum)
{
    jd_rtrl *r = jd_rtrl_new(ctx, &(jd_rtrl_options){.kind = JD_RTRL_LSTM, .inputs = 2, .units = 3, .dtype = JD_F64});
    const size_t n = r ? jd_rtrl_weights(r) : 0;
    double *w = r ? jd_alloc_array(ctx, n, sizeof *w) : NULL;
    if (w) {
        jd_rtrl_reset(r, NULL, NULL);
        jd_rtrl_step(r, w, (const double[]){1, 2});
        oom_add(sum, jd_rtrl_h(r), 3 * sizeof(double));
    }
    jd_free(ctx, w);
    jd_rtrl_free(r);
}

static void batches(jd_ctx *ctx, uint64_t *sum)
{
    static const int32_t length[7] = {3, 9, 1, 4, 4, 2, 8};
    jd_batches b = {0};
    if (!jd_batches_make(
            ctx, &(jd_batches_options){.count = 7, .batch = 2, .length = length, .shuffle = true, .seed = 1}, &b))
        oom_add(sum, b.index, 7 * sizeof *b.index);
    jd_batches_free(ctx, &b);
    const jd_deform_options o = jd_deform_mnist2010();
    static uint8_t image[20 * 20];
    static float out[20 * 20];
    for (int i = 0; i < 400; i++) image[i] = (uint8_t)(i * 3);
    jd_deformer *d = jd_deformer_new(ctx, &o, 20, 20, 1, 20, 20);
    if (d) jd_deform(d, 1, 0, 0, 3, image, out);
    if (d) oom_add(sum, out, sizeof out);
    jd_deformer_free(d);
}

const oom_scenario oom_tools[] = {
    {"decode", decode}, {"ngram", ngram},       {"sequences", sequences}, {"measures", measures}, {"codes", codes},
    {"scan", scan},     {"pretrain", pretrain}, {"rtrl", rtrl},           {"batches", batches},   {0}};
