/* Figures of the spoken digits: what the network hears, and when it says what. */
#include "speech.h"

#include <stdio.h>
#include <string.h>

static const char *const names[SPEECH_CLASSES + 1] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "-"};

static void digits(char *out, const int32_t *labels, size_t n)
{
    for (size_t i = 0; i < n && i < 30; i++) *out++ = (char)('0' + labels[i]);
    *out = 0;
}

static void softmax(const float *logits, size_t T, float *p)
{
    const size_t K = SPEECH_CLASSES + 1;
    for (size_t t = 0; t < T; t++) {
        const float *x = logits + t * K;
        double top = x[0], sum = 0;
        for (size_t k = 1; k < K; k++) top = x[k] > top ? x[k] : top;
        for (size_t k = 0; k < K; k++) sum += exp(x[k] - top);
        for (size_t k = 0; k < K; k++) p[t * K + k] = (float)(exp(x[k] - top) / sum);
    }
}

float *speech_spectrogram(jd_ctx *ctx, const float *samples, size_t count, int rate, size_t *T, size_t *F)
{
    jd_frontend_options o = {.rate = rate, .mels = 40, .shift_ms = 5, .mel_floor = 1e-8f, .lifter = -1};
    jd_frontend *f = jd_frontend_new(ctx, &o);
    if (!f) return NULL;
    *T = jd_frontend_frames(f, count);
    *F = (size_t)jd_frontend_width(f);
    float *x = jd_alloc_array(ctx, *T * *F, sizeof(float));
    if (x) {
        jd_frontend_run(f, samples, count, x);
        float top = x[0];
        for (size_t i = 1; i < *T * *F; i++) top = x[i] > top ? x[i] : top;
        for (size_t i = 0; i < *T * *F; i++) {
            const float db = 4.342945f * (x[i] - top);
            x[i] = db > -60 ? db : -60;
        }
    }
    jd_frontend_free(f);
    return x;
}

void speech_show_string(jd_run *r, const speech_trace *t)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t steps = (size_t)t->item->steps, K = SPEECH_CLASSES + 1;
    char truth[32], found[32], caption[200];
    digits(truth, t->item->labels, (size_t)t->item->labels_n);
    digits(found, t->found, t->found_n);
    size_t T = 0, F = 0;
    const int rate = 8000;
    float *p = jd_alloc_array(ctx, steps * K, sizeof(float));
    float *s = p ? speech_spectrogram(ctx, t->wave->samples, t->wave->samples_count, rate, &T, &F) : NULL;
    if (s) {
        softmax(t->logits, steps, p);
        snprintf(caption, sizeof caption,
                 "A test string, %zu digits, %s. The network sees every 20 ms and says each digit in a spike, mostly "
                 "where it ends; between spikes it says blank (grey).",
                 (size_t)t->item->labels_n, strcmp(truth, found) ? "misheard" : "heard rightly");
        const jd_ctc_view view = {.spectrogram = s,
                                  .T = T,
                                  .F = F,
                                  .seconds = (double)t->wave->samples_count / rate,
                                  .f_min = 0.02,
                                  .f_max = rate / 2000.0,
                                  .probs = p,
                                  .Tp = steps,
                                  .K = K,
                                  .names = names,
                                  .blank = SPEECH_CLASSES,
                                  .decoded = found,
                                  .truth = truth};
        jd_report_ctc(jd_run_report(r), &view, caption);
    }
    jd_free(ctx, s);
    jd_free(ctx, p);
}

/* The unit whose squashed cell swings most; its gates over time, and all cells of the layer as a map. */
void speech_show_cells(jd_run *r, const speech_trace *t)
{
    static const char *const gate_names[] = {"input gate", "forget gate", "output gate"};
    static const char *const cell_names[] = {"cell", "cell input"};
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t T = (size_t)t->item->steps, H = t->units, K = SPEECH_CLASSES + 1;
    size_t unit = 0;
    double most = -1;
    for (size_t h = 0; h < H; h++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < T; k++) {
            const double c = tanh(t->cells[k * H + h]);
            sum += c / (double)T;
            squares += c * c / (double)T;
        }
        if (squares - sum * sum > most) {
            most = squares - sum * sum;
            unit = h;
        }
    }
    float *gates = jd_alloc_array(ctx, T * 3, sizeof(float)), *cell = jd_alloc_array(ctx, T * 2, sizeof(float));
    float *map = jd_alloc_array(ctx, T * H, sizeof(float)), *p = jd_alloc_array(ctx, T * K, sizeof(float));
    jd_timeline *line = jd_timeline_new(ctx, "time (s)", 0, (double)T * 0.01 * SPEECH_SKIP);
    if (gates && cell && map && p && line) {
        for (size_t k = 0; k < T; k++) {
            const float *g = t->gates + k * 4 * H, *c = t->cells + k * H;
            gates[3 * k] = g[unit];
            gates[3 * k + 1] = g[H + unit];
            gates[3 * k + 2] = g[3 * H + unit];
            cell[2 * k] = c[unit];
            cell[2 * k + 1] = g[2 * H + unit];
            for (size_t h = 0; h < H; h++) map[k * H + h] = tanhf(c[h]);
        }
        softmax(t->logits, T, p);
        char label[64], truth[32], found[32];
        digits(truth, t->item->labels, (size_t)t->item->labels_n);
        digits(found, t->found, t->found_n);
        snprintf(label, sizeof label, "gates of unit %zu", unit);
        const jd_map m = {
            .label = "all cells", .value_label = "tanh(cell)", .values = map, .T = T, .H = H, .colors = JD_DIVERGING};
        jd_timeline_map(line, &m);
        jd_timeline_lines(line, label, gates, T, 3, gate_names, 0, 1);
        jd_timeline_lines(line, "its cell", cell, T, 2, cell_names, 0, 0);
        jd_timeline_spikes(line, "says", p, T, K, names, SPEECH_CLASSES);
        jd_timeline_text(line, "heard", found, NULL);
        jd_timeline_text(line, "true", truth, NULL);
        jd_report_timeline(
            jd_run_report(r), line,
            "Inside the last layer, forward direction, during the string above: all cells; the gates of the "
            "unit whose cell swings most, the cell and its input; the output. A forget gate near 1 "
            "keeps the cell, a dip empties it.");
    } else
        jd_timeline_free(line);
    jd_free(ctx, gates);
    jd_free(ctx, cell);
    jd_free(ctx, map);
    jd_free(ctx, p);
}
