/* Chains of amino acids from FASTA files and tables. */
#include "data/protein.h"

#include <stdio.h>
#include <string.h>

int32_t jd_residue_of(char letter)
{
    const char big = letter >= 'a' && letter <= 'z' ? (char)(letter - 32) : letter;
    if (big < 'A' || big > 'Z') return -1;
    const char *at = strchr(JD_RESIDUES, big);
    return at ? (int32_t)(at - JD_RESIDUES) : JD_RESIDUE_COUNT - 1;
}

int32_t jd_state3_of_state8(int32_t state8)
{
    return state8 < 3 ? 0 : state8 < 5 ? 1 : 2;
}

/* Tables write coil in many ways. */
int32_t jd__state_of(const char *states, char letter)
{
    if (letter && strchr("L_-", letter)) letter = 'C';
    const char *at = letter ? strchr(states, letter) : NULL;
    return at ? (int32_t)(at - states) : -1;
}

/* Room for `residues` residues in `count` chains; three numbers each. */
static jd_status room(jd_ctx *ctx, const char *path, size_t count, size_t residues, jd_chains *c)
{
    if (!count || !residues)
        return jd_fail(ctx, JD_EDATA, "%s: holds no chain; a FASTA file begins with '>', a table with its header",
                       path);
    c->items = jd_alloc_array(ctx, count, sizeof *c->items);
    c->text = jd_alloc_array(ctx, residues, sizeof *c->text);
    c->codes = jd_alloc_array(ctx, residues, 3 * sizeof *c->codes);
    return jd_error(ctx);
}

/* ---- FASTA --------------------------------------------------------------------------------------------------------- */

/* One line of a sequence, added to the chain. */
static jd_status add_letters(jd_ctx *ctx, const char *path, size_t line, const char *s, size_t n, size_t *used,
                             jd_chains *c)
{
    jd_chain *chain = &c->items[c->count - 1];
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '-' || s[i] == '.' || s[i] == ' ' || s[i] == '\t' || s[i] == '\r') continue;
        if (s[i] == '*' && i + 1 == n) break;
        const int32_t code = jd_residue_of(s[i]);
        if (code < 0)
            return jd_fail(ctx, JD_EDATA,
                           "%s: line %zu: byte %d of %s is no residue; letters, '-', '.' and a final '*' are", path,
                           line, (unsigned char)s[i], chain->id);
        c->codes[*used] = code;
        c->text[*used] = (char)(s[i] >= 'a' ? s[i] - 32 : s[i]);
        ++*used;
        chain->length++;
    }
    return JD_OK;
}

static jd_status begin_chain(jd_ctx *ctx, const char *path, size_t line, char *s, size_t used, jd_chains *c)
{
    if (c->count && !c->items[c->count - 1].length)
        return jd_fail(ctx, JD_EDATA, "%s: line %zu: the chain %s before it has no residue; remove it", path, line,
                       c->items[c->count - 1].id);
    char *id = s + 1;
    id += strspn(id, " \t");
    id[strcspn(id, " \t\r")] = 0;
    c->items[c->count++] = (jd_chain){.id = id, .letters = c->text + used, .residue = c->codes + used};
    return JD_OK;
}

/* `file` stays as the store of the ids: it is put behind the letters. */
static jd_status read_fasta(jd_ctx *ctx, const char *path, char *file, size_t bytes, jd_chains *c)
{
    size_t count = 0, used = 0, line = 0;
    for (size_t i = 0; i < bytes; i++) count += file[i] == '>' && (i == 0 || file[i - 1] == '\n');
    if (memchr(file, 0, bytes)) return jd_fail(ctx, JD_EDATA, "%s: a zero byte; this is no text file", path);
    c->items = jd_alloc_array(ctx, count, sizeof *c->items);
    c->codes = jd_alloc_array(ctx, bytes, sizeof *c->codes);
    c->text = jd_alloc_array(ctx, 2, bytes + 1);
    if (jd_error(ctx)) return jd_error(ctx);
    memcpy(c->text + bytes + 1, file, bytes);
    char *s = c->text + bytes + 1, *end = s + bytes;
    while (s < end && !jd_error(ctx)) {
        char *stop = memchr(s, '\n', (size_t)(end - s));
        if (!stop) stop = end; /* the byte there is 0 */
        *stop = 0;
        line++;
        const size_t n = (size_t)(stop - s);
        if (*s == '>')
            begin_chain(ctx, path, line, s, used, c);
        else if (*s != ';')
            add_letters(ctx, path, line, s, n - (n && s[n - 1] == '\r'), &used, c);
        s = stop + 1;
    }
    if (!jd_error(ctx) && !c->items[c->count - 1].length)
        jd_fail(ctx, JD_EDATA, "%s: line %zu: the chain %s has no residue; remove it", path, line,
                c->items[c->count - 1].id);
    return jd_error(ctx);
}

/* ---- tables ---------------------------------------------------------------------------------------------------------- */

/* The column that is called one of the names, the first of them the set's own, others as in NetSurfP's and other people's tables. */
static int optional(const jd_tsv *t, const char *const *names)
{
    for (; *names; names++)
        for (size_t c = 0; c < t->cols; c++)
            if (!strcmp(t->names[c] + strspn(t->names[c], " "), *names)) return (int)c;
    return -1;
}

static const char *const id_names[] = {"id", "pdb_id", "chain_id", NULL},
                         *const sequence_names[] = {"sequence", "input", "seq", NULL},
                         *const three_names[] = {"dssp3", "sst3", NULL}, *const eight_names[] = {"dssp8", "sst8", NULL},
                         *const mask_names[] = {"mask", "cb513_mask", NULL};

/* Letters with blanks between them, and masks 1.0 0.0, as letters alone. */
static void squeeze(char *s)
{
    char *to = s;
    for (const char *p = s; *p; p++) {
        if (*p == ' ') continue;
        *to++ = *p;
        if (p[1] == '.' && (*p == '0' || *p == '1')) p += 1 + strspn(p + 2, "0");
    }
    *to = 0;
}

typedef struct columns {
    int id, sequence, dssp3, dssp8, mask;
} columns;

/* A state for each residue into `out`; those whose mask is 0 become -1. */
static jd_status read_states(jd_ctx *ctx, const char *path, const jd_tsv *t, size_t row, int column, int mask,
                             const char *states, size_t n, int32_t *out)
{
    const char *s = t->fields[row * t->cols + (size_t)column];
    const char *counts = mask < 0 ? NULL : t->fields[row * t->cols + (size_t)mask];
    if (strlen(s) != n || (counts && strlen(counts) != n))
        return jd_fail(ctx, JD_EDATA, "%s: line %zu: %zu residues, but column '%s' has %zu letters and '%s' %zu", path,
                       t->lines[row], n, t->names[column], strlen(s), counts ? t->names[mask] : "mask",
                       counts ? strlen(counts) : n);
    for (size_t i = 0; i < n; i++) {
        out[i] = jd__state_of(states, s[i]);
        if (out[i] < 0)
            return jd_fail(ctx, JD_EDATA, "%s: line %zu: '%c', letter %zu of '%s', is none of the states %s", path,
                           t->lines[row], s[i], i + 1, t->names[column], states);
        if (counts && counts[i] == '0') out[i] = -1;
    }
    return JD_OK;
}

static jd_status read_row(jd_ctx *ctx, const char *path, const jd_tsv *t, size_t row, const columns *k, jd_chain *chain,
                          char *text, int32_t *codes)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", row + 1);
    const char *s = t->fields[row * t->cols + (size_t)k->sequence];
    const char *id = k->id < 0 ? number : t->fields[row * t->cols + (size_t)k->id];
    const size_t n = strlen(s), bytes = strlen(id) + 1;
    int32_t *q3 = codes + n, *q8 = codes + 2 * n;
    memcpy(text + n, id, bytes);
    *chain = (jd_chain){.id = text + n, .length = n, .letters = text, .residue = codes};
    if (!n) return jd_fail(ctx, JD_EDATA, "%s: line %zu: the chain %s has no residue", path, t->lines[row], id);
    for (size_t i = 0; i < n; i++) {
        codes[i] = jd_residue_of(s[i]);
        if (codes[i] < 0)
            return jd_fail(ctx, JD_EDATA, "%s: line %zu: byte %d, place %zu of the sequence, is no residue", path,
                           t->lines[row], (unsigned char)s[i], i + 1);
        text[i] = (char)(s[i] >= 'a' ? s[i] - 32 : s[i]);
    }
    if (k->dssp8 >= 0) {
        if (read_states(ctx, path, t, row, k->dssp8, k->mask, JD_STATES8, n, q8)) return jd_error(ctx);
        chain->q8 = q8;
        for (size_t i = 0; i < n; i++) q3[i] = q8[i] < 0 ? -1 : jd_state3_of_state8(q8[i]);
        chain->q3 = q3;
    }
    if (k->dssp3 >= 0) {
        if (read_states(ctx, path, t, row, k->dssp3, k->mask, JD_STATES3, n, q3)) return jd_error(ctx);
        chain->q3 = q3;
    }
    return JD_OK;
}

static jd_status read_table(jd_ctx *ctx, const char *path, char separator, jd_chains *c)
{
    jd_tsv t = {0};
    if (jd_read_words(ctx, path, separator, &t)) return jd_error(ctx);
    const columns k = {optional(&t, id_names), optional(&t, sequence_names), optional(&t, three_names),
                       optional(&t, eight_names), optional(&t, mask_names)};
    size_t residues = 0, bytes = 0;
    if (k.sequence < 0)
        jd_fail(ctx, JD_EDATA,
                "%s: line 1: no column 'sequence'; a table of chains has id, sequence, and dssp3, dssp8, mask", path);
    for (size_t i = 0; i < t.rows && !jd_error(ctx); i++) {
        const int column[] = {k.sequence, k.dssp3, k.dssp8, k.mask};
        for (int f = 0; f < 4; f++)
            if (column[f] >= 0) squeeze(t.fields[i * t.cols + (size_t)column[f]]);
        residues += strlen(t.fields[i * t.cols + (size_t)k.sequence]);
        bytes += k.id < 0 ? 24 : strlen(t.fields[i * t.cols + (size_t)k.id]) + 1;
    }
    if (!jd_error(ctx) && !room(ctx, path, t.rows, residues + bytes, c)) {
        char *text = c->text;
        int32_t *codes = c->codes;
        for (; c->count < t.rows; c->count++) {
            jd_chain *chain = &c->items[c->count];
            if (read_row(ctx, path, &t, c->count, &k, chain, text, codes)) break;
            text += chain->length + strlen(chain->id) + 1;
            codes += 3 * chain->length;
        }
    }
    jd_tsv_free(ctx, &t);
    return jd_error(ctx);
}

jd_status jd_read_chains(jd_ctx *ctx, const char *path, jd_chains *out)
{
    size_t bytes;
    jd_chains c = {0};
    char *file = jd_read_gz(ctx, path, 0, &bytes);
    if (!file) return jd_error(ctx);
    if (bytes > 6 && !memcmp(file, "\x93NUMPY", 6))
        jd__read_chains_npy(ctx, path, (const uint8_t *)file, bytes, &c);
    else if (*file == '>')
        read_fasta(ctx, path, file, bytes, &c);
    else
        read_table(ctx, path, memchr(file, '\t', strcspn(file, "\n")) ? '\t' : ',', &c);
    jd_free(ctx, file);
    if (jd_error(ctx))
        jd_chains_free(ctx, &c);
    else
        *out = c;
    return jd_error(ctx);
}

void jd_chains_free(jd_ctx *ctx, jd_chains *chains)
{
    if (!chains) return;
    jd_free(ctx, chains->items);
    jd_free(ctx, chains->text);
    jd_free(ctx, chains->codes);
    *chains = (jd_chains){0};
}
