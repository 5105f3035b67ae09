/* letters.c - texts as labels. */
#include <stdlib.h>
#include <string.h>

#include "letters.h"

enum { MOST = 256, BYTES = 5 };

/* Bytes of the character at s; 0 where it is no UTF-8. */
static size_t width_of(const char *s)
{
    const unsigned char c = (unsigned char)*s;
    const size_t n = c < 0x80                ? 1
                     : c >= 0xC2 && c < 0xE0 ? 2
                     : c >= 0xE0 && c < 0xF0 ? 3
                     : c >= 0xF0 && c < 0xF5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s[i] & 0xC0) != 0x80) return 0;
    return n;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

char *letters_alphabet(jd_ctx *ctx, const char *const *text, size_t n, int *count)
{
    char letter[MOST][BYTES] = {{0}};
    *count = 0;
    for (size_t i = 0; i < n; i++)
        for (const char *at = text[i]; *at;) {
            const size_t width = width_of(at);
            int k = 0;
            if (!width) {
                jd_fail(ctx, JD_EDATA, "the text '%.60s' is no UTF-8; convert it", text[i]);
                return NULL;
            }
            while (k < *count && (strlen(letter[k]) != width || strncmp(letter[k], at, width) != 0)) k++;
            if (k == MOST) {
                jd_fail(ctx, JD_EDATA, "the texts have more than %d different characters", MOST);
                return NULL;
            }
            if (k == *count) memcpy(letter[(*count)++], at, width);
            at += width;
        }
    qsort(letter, (size_t)*count, sizeof *letter, by_bytes);
    char *out = jd_alloc(ctx, (size_t)*count * BYTES + 1), *to = out;
    if (out) *out = 0;
    for (int k = 0; out && k < *count; k++) to = stpcpy(to, letter[k]);
    return out;
}

size_t letters_count(const char *text)
{
    size_t n = 0;
    for (size_t width; *text && (width = width_of(text)) != 0; text += width) n++;
    return n;
}

size_t letters_of(const char *alphabet, const char *text, int32_t *out)
{
    size_t n = 0;
    for (size_t width; *text && (width = width_of(text)) != 0; text += width) {
        int32_t k = 0, found = -1;
        for (const char *at = alphabet; *at && found < 0; at += width_of(at), k++)
            if (width_of(at) == width && !strncmp(at, text, width)) found = k;
        out[n++] = found;
    }
    return n;
}

char *letters_text(jd_ctx *ctx, const char *alphabet, const int32_t *label, size_t n)
{
    char *out = jd_alloc(ctx, n * BYTES + 1), *to = out;
    for (size_t i = 0; out && i < n; i++) {
        const char *at = alphabet;
        for (int32_t k = 0; k < label[i] && *at; k++) at += width_of(at);
        to = stpncpy(to, at, *at ? width_of(at) : 0);
    }
    if (out) *to = 0;
    return out;
}

/* Steps that CTC needs: one for each letter, and one more between two of a kind. */
static size_t least_steps(const int32_t *label, size_t n)
{
    size_t steps = n;
    for (size_t i = 1; i < n; i++) steps += label[i] == label[i - 1];
    return steps;
}

jd_status letters_label(jd_ctx *ctx, const char *name, const samples_options *o, samples *s)
{
    size_t all = 0, kept = 0, steps = 0;
    int count = 0;
    s->alphabet = o->alphabet ? jd_strdup(ctx, o->alphabet)
                              : letters_alphabet(ctx, (const char *const *)s->text, s->count, &count);
    for (size_t i = 0; i < s->count; i++) all += letters_count(s->text[i]);
    s->letters = jd_alloc_array(ctx, all + 1, sizeof *s->letters);
    s->first_letter = jd_alloc_array(ctx, s->count + 1, sizeof *s->first_letter);
    for (size_t i = 0, at = 0; !jd_error(ctx) && i < s->count; i++) {
        const size_t n = letters_of(s->alphabet, s->text[i], s->letters + at), T = s->start[i + 1] - s->start[i];
        const size_t need = least_steps(s->letters + at, n);
        if (need > T || !n) {
            if (!o->skip)
                return jd_fail(
                    ctx, JD_EDATA,
                    "%s: sample %zu: %zu steps of sound for the text '%.60s', which needs %zu; correct it, or use "
                    "--skip-bad",
                    name, i, T, s->text[i], n ? need : 1);
            jd_free(ctx, s->text[i]);
            s->text[i] = NULL;
            s->skipped++;
            continue;
        }
        const size_t C = (size_t)s->dim[1]; /* closes the gaps that skipped samples leave */
        memmove(s->values + steps * C, s->values + s->start[i] * C, T * C * sizeof *s->values);
        char *text = s->text[i];
        s->text[i] = NULL;
        s->text[kept] = text;
        s->first_letter[kept] = at;
        if (s->held) s->held[kept] = s->held[i];
        s->start[kept++] = steps;
        steps += T;
        at += n;
        if ((int64_t)n > s->most_letters) s->most_letters = (int64_t)n;
        s->first_letter[kept] = at;
    }
    if (jd_error(ctx)) return jd_error(ctx);
    s->count = kept;
    s->start[kept] = steps;
    return kept ? JD_OK : jd_fail(ctx, JD_EDATA, "%s: no recording is long enough for its text", name);
}
