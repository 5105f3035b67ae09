/* trees.c - parse trees, as they are read, written as symbols, repaired and scored; see trees.h. */
#include "trees.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_ROOM = 24, DEPTH = 400 };

jd_status treebank_open(jd_ctx *ctx, treebank *b)
{
    *b = (treebank){.ctx = ctx, .label = vocabulary_new(ctx)};
    return jd_error(ctx);
}

static void tree_free(jd_ctx *ctx, tree *t)
{
    for (size_t i = 0; t->word && i < t->words; i++) jd_free(ctx, t->word[i]);
    jd_free(ctx, t->word);
    jd_free(ctx, t->mark);
    jd_free(ctx, t->symbol);
    *t = (tree){0};
}

void treebank_free(treebank *b)
{
    if (!b->ctx) return;
    for (size_t i = 0; i < b->n; i++) tree_free(b->ctx, &b->item[i]);
    jd_free(b->ctx, b->item);
    vocabulary_free(b->label);
    *b = (treebank){0};
}

/* The next tree, empty; NULL: out of memory. */
static tree *next_tree(treebank *b)
{
    if (b->n == b->room) {
        const size_t more = b->room ? 2 * b->room : 256;
        tree *p = jd_realloc(b->ctx, b->item, b->room * sizeof *p, more * sizeof *p);
        if (!p) return NULL;
        b->item = p;
        b->room = more;
    }
    b->item[b->n] = (tree){0};
    return &b->item[b->n++];
}

jd_status treebank_add(treebank *b, char *const *word, size_t words, const int32_t *symbol, size_t symbols)
{
    tree *t = next_tree(b);
    if (!t) return jd_error(b->ctx);
    t->word = jd_alloc_array(b->ctx, words + 1, sizeof *t->word);
    t->mark = jd_alloc_array(b->ctx, words + 1, sizeof *t->mark);
    t->symbol = jd_alloc_array(b->ctx, symbols + 1, sizeof *t->symbol);
    if (jd_error(b->ctx)) return jd_error(b->ctx);
    for (size_t i = 0; i < words; i++, t->words++) t->word[i] = jd_strdup(b->ctx, word[i]);
    memcpy(t->symbol, symbol, symbols * sizeof *symbol);
    t->symbols = symbols;
    return jd_error(b->ctx);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------*/

typedef struct reader {
    treebank *b;
    const char *name, *text, *at;
    size_t words, symbols, room; /* of word, mark and symbol */
    char **word;
    bool *mark;
    int32_t *symbol;
} reader;

static jd_status bad(reader *r, const char *what)
{
    size_t line = 1;
    for (const char *p = r->text; p < r->at; p++) line += *p == '\n';
    return jd_fail(r->b->ctx, JD_EDATA, "%s: line %zu: %s; a tree is (LABEL tree tree ...) or (TAG word)", r->name,
                   line, what);
}

static void skip_space(reader *r)
{
    while (*r->at == ' ' || (*r->at >= '\t' && *r->at <= '\r')) r->at++;
}

/* A label or a word: up to a blank or a bracket; cut to what has room. */
static size_t read_token(reader *r, char *out, size_t room)
{
    const size_t n = strcspn(r->at, " \t\r\n\v\f()"), k = n < room ? n : room - 1;
    memcpy(out, r->at, k);
    out[k] = 0;
    r->at += n;
    return n;
}

static bool is_mark(const char *tag)
{
    static const char *const marks[] = {",", ".", ":", "``", "''", "$,", "$.", "-LRB-", "-RRB-"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!strcmp(tag, marks[i]) && tag[0] != '-') return true;
    return false;
}

static jd_status room_for(reader *r)
{
    if (r->words + 4 < r->room && r->symbols + 4 < r->room) return JD_OK;
    const size_t more = 2 * r->room + 256;
    jd_ctx *ctx = r->b->ctx;
    char **word = jd_realloc(ctx, r->word, r->room * sizeof *word, more * sizeof *word);
    if (word) r->word = word;
    bool *mark = jd_realloc(ctx, r->mark, r->room * sizeof *mark, more * sizeof *mark);
    if (mark) r->mark = mark;
    int32_t *symbol = jd_realloc(ctx, r->symbol, r->room * sizeof *symbol, more * sizeof *symbol);
    if (symbol) r->symbol = symbol;
    if (!jd_error(ctx)) r->room = more;
    return jd_error(ctx);
}

/* The bracket that begins at r->at, into word and symbol. */
static jd_status read_bracket(reader *r, int depth)
{
    char label[LABEL_ROOM], word[256];
    r->at++;
    skip_space(r);
    read_token(r, label, sizeof label);
    skip_space(r);
    if (depth > DEPTH) return bad(r, "a tree that is too deep");
    if (!*r->at) return bad(r, "the text ends within a tree");
    if (room_for(r)) return jd_error(r->b->ctx);
    if (*r->at != '(' && *r->at != ')') { /* a word with its tag */
        read_token(r, word, sizeof word);
        skip_space(r);
        if (*r->at++ != ')') return bad(r, "more than a word beside a tag");
        if (!strcmp(label, "-NONE-")) return JD_OK;
        r->word[r->words] = jd_strdup(r->b->ctx, word);
        if (!r->word[r->words]) return jd_error(r->b->ctx);
        r->mark[r->words++] = is_mark(label);
        r->symbol[r->symbols++] = TREES_WORD;
        return JD_OK;
    }
    if (label[0]) label[1 + strcspn(label + 1, "-=|")] = 0;
    const bool outer = !label[0] || !strcmp(label, "TOP") || !strcmp(label, "ROOT");
    const size_t first = r->symbols;
    const int32_t k = outer ? 0 : vocabulary_add(r->b->label, label);
    if (k < 0) return jd_error(r->b->ctx);
    if (!outer) r->symbol[r->symbols++] = TREES_OPEN + 2 * k;
    while (*r->at == '(') {
        if (read_bracket(r, depth + 1)) return jd_error(r->b->ctx);
        skip_space(r);
    }
    if (*r->at++ != ')') return r->at--, bad(r, "a bracket is not closed");
    if (outer || room_for(r)) return jd_error(r->b->ctx);
    if (r->symbols == first + 1)
        r->symbols = first; /* empty without its traces */
    else
        r->symbol[r->symbols++] = TREES_OPEN + 2 * k + 1;
    return JD_OK;
}

jd_status treebank_read(treebank *b, const char *name, const char *text)
{
    reader r = {.b = b, .name = name, .text = text, .at = text};
    for (skip_space(&r); *r.at && !jd_error(b->ctx); skip_space(&r)) {
        if (*r.at != '(') {
            bad(&r, "a tree must begin here");
            break;
        }
        r.words = r.symbols = 0;
        if (!read_bracket(&r, 0) && r.words && !treebank_add(b, r.word, r.words, r.symbol, r.symbols))
            memcpy(b->item[b->n - 1].mark, r.mark, r.words * sizeof *r.mark);
        for (size_t i = 0; i < r.words; i++) jd_free(b->ctx, r.word[i]);
    }
    jd_free(b->ctx, r.word);
    jd_free(b->ctx, r.mark);
    jd_free(b->ctx, r.symbol);
    return jd_error(b->ctx);
}

/* ---- written trees ------------------------------------------------------------------------------------------------------------*/

static bool opens(int32_t s)
{
    return s >= TREES_OPEN && (s - TREES_OPEN) % 2 == 0;
}

bool tree_well_formed(const int32_t *symbol, size_t n, size_t words)
{
    int32_t open[DEPTH];
    size_t depth = 0, seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (symbol[i] == TREES_WORD) {
            seen++;
        } else if (opens(symbol[i])) {
            if (depth == DEPTH) return false;
            open[depth++] = symbol[i];
        } else if (symbol[i] < TREES_OPEN || !depth || open[--depth] != symbol[i] - 1) {
            return false;
        }
        if (!depth && i + 1 < n) return false; /* more than one tree */
    }
    return !depth && seen == words && n && opens(symbol[0]);
}

size_t tree_repair(const int32_t *symbol, size_t n, size_t words, int32_t root, int32_t *out, size_t room)
{
    int32_t open[DEPTH];
    size_t depth = 0, seen = 0, k = 0;
    if (room < words + 2) return 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t s = symbol[i];
        if (k + 1 + depth + (words - seen) + 2 > room) break; /* what must still be closed and written has to fit */
        if (s == TREES_WORD) {
            if (seen == words) continue;
            if (!depth) out[k++] = open[depth++] = root;
            out[k++] = s;
            seen++;
        } else if (opens(s)) {
            if (depth == DEPTH || seen == words || (!depth && k)) continue; /* no words left, or a second tree */
            out[k++] = open[depth++] = s;
        } else if (s > TREES_OPEN) {
            size_t at = depth;
            while (at > 0 && open[at - 1] != s - 1) at--;
            if (!at || (at == 1 && seen < words)) continue; /* nothing to close, or words would be left out */
            while (depth >= at) out[k++] = open[--depth] + 1;
        }
    }
    if (!depth && seen < words) out[k++] = open[depth++] = root;
    while (seen < words) out[k++] = TREES_WORD, seen++;
    while (depth > 0) out[k++] = open[--depth] + 1;
    return k;
}

size_t tree_brackets(const int32_t *symbol, size_t n, const bool *mark, jd_bracket *out, size_t room)
{
    int32_t first[DEPTH], at = 0; /* at: words that count so far */
    size_t depth = 0, k = 0, word = 0;
    for (size_t i = 0; i < n; i++) {
        if (symbol[i] == TREES_WORD) {
            at += !mark || !mark[word];
            word++;
        } else if (opens(symbol[i])) {
            if (depth < DEPTH) first[depth] = at;
            depth++;
        } else if (symbol[i] > TREES_OPEN && depth > 0 && --depth < DEPTH && at > first[depth] && k < room) {
            out[k++] = (jd_bracket){(symbol[i] - TREES_OPEN) / 2, first[depth], at - 1};
        }
    }
    return k;
}

void tree_symbol(const treebank *b, int32_t symbol, char out[32])
{
    if (symbol == TREES_WORD)
        snprintf(out, 32, "XX");
    else if (symbol >= TREES_OPEN)
        snprintf(out, 32, "%c%s", opens(symbol) ? '(' : ')', vocabulary_text(b->label, (symbol - TREES_OPEN) / 2));
    else
        snprintf(out, 32, "end");
}

char *tree_text(jd_ctx *ctx, const treebank *b, const int32_t *symbol, size_t n, char *const *word, size_t words)
{
    size_t bytes = 1, w = 0;
    for (size_t i = 0; i < words; i++) bytes += strlen(word[i]) + 1;
    char *text = jd_alloc(ctx, bytes + 32 * n), *at = text;
    for (size_t i = 0; text && i < n; i++) {
        char name[32];
        tree_symbol(b, symbol[i], name);
        const bool close = symbol[i] > TREES_WORD && !opens(symbol[i]);
        const char *put = symbol[i] == TREES_WORD ? (w < words ? word[w++] : "?") : close ? ")" : name;
        if (i && !close) *at++ = ' ';
        memcpy(at, put, strlen(put));
        at += strlen(put);
    }
    return text;
}
