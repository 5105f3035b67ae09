/*
 * protein_npy.c - chains in the arrays of Zhou and Troyanskaya, ICML 2014 (cb513+profile_split1.npy): float numbers, 700 places of 57
 * for each chain, of which 0 to 20 say which residue it is, 21 that there is none, 22 to 29 its state, 30 none; then profiles.
 */
#include "data/protein.h"

#include <stdio.h>
#include <string.h>

enum { PLACES = 700, FEATURES = 57, NO_RESIDUE = 21, STATE = 22, STATES = 8 };
static const char RESIDUES[] = "ACEDGFIHKMLNQPSRTWVYX", LABELS[] = "LBEGIHST";

static uint64_t bits_at(const uint8_t *p, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++) x |= (uint64_t)p[i] << (8 * i);
    return x;
}

typedef struct array {
    const uint8_t *p; /* (chains,PLACES,FEATURES) */
    size_t chains;
    int bytes; /* of a number */
} array;

/* Whether feature k of a place is more than a half. */
static bool is_set(const array *a, size_t chain, size_t place, int k)
{
    const uint8_t *p = a->p + ((chain * PLACES + place) * FEATURES + (size_t)k) * (size_t)a->bytes;
    if (a->bytes == 8) {
        const uint64_t bits = bits_at(p, 8);
        double x;
        memcpy(&x, &bits, 8);
        return x > 0.5;
    }
    const uint32_t bits = (uint32_t)bits_at(p, 4);
    float x;
    memcpy(&x, &bits, 4);
    return x > 0.5f;
}

static jd_status open_array(jd_ctx *ctx, const char *path, const uint8_t *file, size_t bytes, array *a)
{
    const size_t long_head = bytes > 12 && file[6] > 1, at = long_head ? 12 : 10;
    const size_t length = bytes > at ? (size_t)bits_at(file + 8, long_head ? 4 : 2) : 0;
    char head[512] = "";
    if (length > 0 && length < sizeof head && at + length <= bytes) memcpy(head, file + at, length);
    const char *shape = strstr(head, "'shape': (");
    unsigned long n = 0, second = 0, third = 1;
    const int dims = shape ? sscanf(shape, "'shape': (%lu, %lu, %lu)", &n, &second, &third) : 0;
    a->bytes = strstr(head, "'<f8'") ? 8 : strstr(head, "'<f4'") ? 4 : 0;
    if (!a->bytes || !strstr(head, "False") || dims < 2 || n < 1 || n > 100000 ||
        !((dims == 2 && second == PLACES * FEATURES) || (dims == 3 && second == PLACES && third == FEATURES)))
        return jd_fail(
            ctx, JD_EDATA,
            "%s: byte %zu: no array of float32 or float64 with the shape (chains, 39900) or (chains, 700, 57), as the "
            "sets of ICML 2014 have it",
            path, at);
    a->p = file + at + length;
    a->chains = n;
    const uint64_t need = (uint64_t)n * PLACES * FEATURES * (uint64_t)a->bytes;
    if (need != bytes - at - length)
        return jd_fail(ctx, JD_EDATA, "%s: byte %zu: %llu bytes of numbers are declared, %zu are there; fetch it again",
                       path, at + length, (unsigned long long)need, bytes - at - length);
    return JD_OK;
}

/* Chain i into letters and codes (3 length), as far as it has residues. */
static jd_status take_chain(jd_ctx *ctx, const char *path, const array *a, size_t i, jd_chain *c, char *letters,
                            int32_t *codes)
{
    size_t n = 0;
    int state[PLACES];
    for (; n < PLACES && !is_set(a, i, n, NO_RESIDUE); n++) {
        int k = 0, s = 0;
        while (k < NO_RESIDUE && !is_set(a, i, n, k)) k++;
        while (s < STATES && !is_set(a, i, n, STATE + s)) s++;
        if (k == NO_RESIDUE)
            return jd_fail(ctx, JD_EDATA, "%s: chain %zu, place %zu: no residue, nor the mark that there is none", path,
                           i + 1, n + 1);
        letters[n] = RESIDUES[k];
        state[n] = s;
    }
    if (!n) return jd_fail(ctx, JD_EDATA, "%s: chain %zu has no residue", path, i + 1);
    *c = (jd_chain){.length = n, .letters = letters, .residue = codes, .q3 = codes + n, .q8 = codes + 2 * n};
    for (size_t t = 0; t < n; t++) {
        codes[t] = jd_residue_of(letters[t]);
        codes[2 * n + t] = state[t] < STATES ? jd__state_of(JD_STATES8, LABELS[state[t]]) : -1;
        codes[n + t] = codes[2 * n + t] < 0 ? -1 : jd_state3_of_state8(codes[2 * n + t]);
    }
    return JD_OK;
}

jd_status jd__read_chains_npy(jd_ctx *ctx, const char *path, const uint8_t *file, size_t bytes, jd_chains *c)
{
    enum { NAME = 8 };
    array a;
    if (open_array(ctx, path, file, bytes, &a)) return jd_error(ctx);
    c->items = jd_alloc_array(ctx, a.chains, sizeof *c->items);
    c->text = jd_alloc_array(ctx, a.chains, PLACES + NAME);
    c->codes = jd_alloc_array(ctx, a.chains, 3 * PLACES * sizeof *c->codes);
    for (; !jd_error(ctx) && c->count < a.chains; c->count++) {
        char *letters = c->text + c->count * (PLACES + NAME), *id = letters + PLACES;
        if (take_chain(ctx, path, &a, c->count, &c->items[c->count], letters, c->codes + c->count * 3 * PLACES)) break;
        snprintf(id, NAME, "%zu", c->count + 1);
        c->items[c->count].id = id;
    }
    return jd_error(ctx);
}
