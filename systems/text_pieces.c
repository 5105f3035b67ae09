/* text_pieces.c - texts to codes and back, and texts that the net writes itself; see text.h. */
#include <math.h>
#include <string.h>

#include "text.h"

/* The shares of the next symbol of text b, and where each begins. */
static void next_shares(const text_net *p, const float *probs, size_t b, uint32_t *freq)
{
    text_shares(probs + (size_t)p->set->alphabet.n * b, p->set->alphabet.n, freq);
}

static uint32_t start_of(const uint32_t *freq, int symbol)
{
    uint32_t at = 0;
    for (int i = 0; i < symbol; i++) at += freq[i];
    return at;
}

jd_status text_encode(text_net *p, const text_part *text, size_t texts, text_code *code, float *bits)
{
    const text_alphabet *a = &p->set->alphabet;
    text_coder *coder = jd_alloc_array(p->ctx, texts, sizeof *coder);
    int32_t *read = jd_alloc_array(p->ctx, texts, sizeof *read);
    float **spent = jd_alloc_array(p->ctx, texts, sizeof *spent);
    size_t longest = 0;
    memset(code, 0, texts * sizeof *code);
    for (size_t b = 0; spent && read && coder && b < texts; b++) {
        code[b].length = text[b].n;
        code[b].bytes = jd_alloc_array(p->ctx, TEXT_LONGEST * text[b].n + 8, 1);
        coder_begin(&coder[b], code[b].bytes);
        read[b] = a->escape;
        spent[b] = bits;
        if (bits) bits += text[b].n;
        if (text[b].n > longest) longest = text[b].n;
    }
    if (!jd_error(p->ctx)) predictor_begin(p, (int64_t)texts);
    for (size_t t = 0; t < longest && !jd_error(p->ctx); t++) {
        const float *probs = predictor_next(p, read);
        for (size_t b = 0; probs && b < texts; b++) {
            uint32_t freq[257];
            if (t >= text[b].n) continue;
            const uint8_t byte = text[b].bytes[t];
            read[b] = a->code[byte];
            next_shares(p, probs, b, freq);
            coder_put(&coder[b], start_of(freq, read[b]), freq[read[b]]);
            if (read[b] == a->escape) coder_put(&coder[b], byte * (TEXT_TOTAL / 256u), TEXT_TOTAL / 256u);
            if (spent[b]) spent[b][t] = (float)(16 - log2(freq[read[b]]) + (read[b] == a->escape ? 8 : 0));
        }
    }
    for (size_t b = 0; b < texts && !jd_error(p->ctx); b++) code[b].n = coder_end(&coder[b]);
    jd_free(p->ctx, spent);
    jd_free(p->ctx, read);
    jd_free(p->ctx, coder);
    return jd_error(p->ctx);
}

jd_status text_decode(text_net *p, const text_code *code, size_t texts, text_part *text)
{
    const text_alphabet *a = &p->set->alphabet;
    text_decoder *d = jd_alloc_array(p->ctx, texts, sizeof *d);
    int32_t *read = jd_alloc_array(p->ctx, texts, sizeof *read);
    size_t longest = 0;
    memset(text, 0, texts * sizeof *text);
    for (size_t b = 0; d && read && b < texts; b++) {
        text[b].n = code[b].length;
        text[b].bytes = jd_alloc_array(p->ctx, code[b].length + 1, 1);
        decoder_begin(&d[b], code[b].bytes, code[b].n);
        read[b] = a->escape;
        if (code[b].length > longest) longest = code[b].length;
    }
    if (!jd_error(p->ctx)) predictor_begin(p, (int64_t)texts);
    for (size_t t = 0; t < longest && !jd_error(p->ctx); t++) {
        const float *probs = predictor_next(p, read);
        for (size_t b = 0; probs && b < texts; b++) {
            uint32_t freq[257], start = 0;
            int32_t s = 0;
            if (t >= code[b].length) continue;
            next_shares(p, probs, b, freq);
            for (const uint32_t at = decoder_at(&d[b]); start + freq[s] <= at; s++) start += freq[s];
            decoder_take(&d[b], start, freq[s]);
            uint8_t byte = a->byte[s];
            if (s == a->escape) {
                byte = (uint8_t)(decoder_at(&d[b]) / (TEXT_TOTAL / 256u));
                decoder_take(&d[b], byte * (TEXT_TOTAL / 256u), TEXT_TOTAL / 256u);
            }
            text[b].bytes[t] = byte;
            read[b] = s;
        }
    }
    jd_free(p->ctx, read);
    jd_free(p->ctx, d);
    return jd_error(p->ctx);
}

jd_status text_write(text_net *p, const char *prompt, double temperature, uint64_t seed, char *out, size_t n)
{
    const text_alphabet *a = &p->set->alphabet;
    jd_rng r = jd_rng_new(seed, "text/write", (uint64_t)(temperature * 1000));
    int32_t read = a->escape;
    const size_t given = strlen(prompt);
    predictor_begin(p, 1);
    for (size_t t = 0; t < given + n && !jd_error(p->ctx); t++) {
        const float *probs = predictor_next(p, &read);
        double weight[257], sum = 0;
        if (!probs) break;
        for (int i = 0; i < a->escape; i++) sum += weight[i] = pow(probs[i], 1 / temperature);
        double at = jd_rng_uniform64(&r) * sum;
        int32_t s = 0;
        while (s < a->escape - 1 && (at -= weight[s]) >= 0) s++;
        out[t] = t < given ? prompt[t] : (char)a->byte[s];
        read = t < given ? a->code[(uint8_t)prompt[t]] : s;
    }
    out[given + n] = 0;
    return jd_error(p->ctx);
}
