/* parsing_data.c - sentences with their trees as pairs, and what answers are worth; see parsing.h. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "parsing.h"

enum { SYMBOLS = 1024, SENTENCE = 300 };

void parsing_free(parsing_corpus *c)
{
    if (!c->ctx) return;
    for (int i = 0; i < PARSING_PARTS; i++) {
        seq2seq_pairs_free(c->ctx, &c->part[i]);
        jd_free(c->ctx, c->tree[i]);
        jd_free(c->ctx, c->limit[i]);
    }
    vocabulary_free(c->word);
    treebank_free(&c->bank);
    *c = (parsing_corpus){0};
}

/* What is known of a rare word: capital, digits, hyphen, and its last two letters. */
static void form(const char *word, bool first, char out[16])
{
    const size_t n = strlen(word);
    const bool digit = strpbrk(word, "0123456789") != NULL, capital = word[0] >= 'A' && word[0] <= 'Z';
    snprintf(out, 16, "<%s%s%s%s>", capital ? (first ? "a" : "A") : "", digit ? "0" : "", strchr(word, '-') ? "-" : "",
             !digit && n > 3 ? word + n - 2 : "");
}

int32_t parsing_word(const vocabulary *v, const char *word, bool first)
{
    char f[16];
    const int32_t k = vocabulary_find(v, word);
    if (k >= 0) return k;
    form(word, first, f);
    const int32_t rare = vocabulary_find(v, f);
    return rare >= 0 ? rare : SEQ2SEQ_UNKNOWN;
}

int32_t parsing_limit(size_t words)
{
    return words < (PARSING_LONGEST - 20) / 6 ? 6 * (int32_t)words + 20 : PARSING_LONGEST;
}

/* The bank's trees index[0 .. n - 1] as a part of the corpus; those to learn from have at most `longest` words. */
static jd_status fill(parsing_corpus *c, int part, const size_t *index, size_t n, size_t longest)
{
    int32_t word[SENTENCE];
    c->tree[part] = jd_alloc_array(c->ctx, n + 1, sizeof(tree *));
    c->limit[part] = jd_alloc_array(c->ctx, n + 1, sizeof *c->limit[part]);
    for (size_t i = 0; i < n && !jd_error(c->ctx); i++) {
        const tree *t = &c->bank.item[index[i]];
        if (t->words > SENTENCE || (part == PARSING_TRAIN && (t->words > longest || t->symbols + 1 > PARSING_LONGEST)))
            continue;
        for (size_t k = 0; k < t->words; k++) word[k] = parsing_word(c->word, t->word[k], k == 0);
        const size_t at = c->part[part].n;
        if (seq2seq_pairs_add(c->ctx, &c->part[part], word, t->words, t->symbol, t->symbols)) break;
        c->tree[part][at] = t;
        c->limit[part][at] = parsing_limit(t->words);
    }
    return jd_error(c->ctx);
}

/* ---- the grammar ------------------------------------------------------------------------------------------------------------*/

static void joined(const pcfg_sentence *s, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->words && n + 17 < room; i++) n += (size_t)snprintf(out + n, room - n, "%s ", s->word[i]);
}

/* Draws `n` sentences that are not among `not_these`, and adds them there if `keep`. */
static jd_status draw(parsing_corpus *c, uint64_t seed, const char *purpose, size_t n, size_t longest,
                      vocabulary *not_these, bool keep)
{
    pcfg_sentence s;
    char text[PCFG_WORDS * 17 + 1], *word[PCFG_WORDS];
    for (uint64_t i = 0; n > 0 && !jd_error(c->ctx); i++) {
        if (pcfg_sentence_make(&c->bank, seed, purpose, i, longest, &s)) break;
        joined(&s, text, sizeof text);
        if (vocabulary_find(not_these, text) >= 0) continue;
        if (keep) vocabulary_add(not_these, text);
        for (size_t k = 0; k < s.words; k++) word[k] = s.word[k];
        treebank_add(&c->bank, word, s.words, s.symbol, s.symbols);
        n--;
    }
    return jd_error(c->ctx);
}

static jd_status count_words(parsing_corpus *c, const size_t *index, size_t n, size_t least, bool forms)
{
    vocabulary *all = vocabulary_new(c->ctx), *with = vocabulary_new(c->ctx);
    for (size_t i = 0; i < n && !jd_error(c->ctx); i++)
        for (size_t k = 0; k < c->bank.item[index[i]].words; k++) vocabulary_add(all, c->bank.item[index[i]].word[k]);
    vocabulary *often = jd_error(c->ctx) ? NULL : vocabulary_pick(all, 0, SIZE_MAX, least);
    for (size_t i = 0; i < n && often && !jd_error(c->ctx); i++) {
        const tree *t = &c->bank.item[index[i]];
        for (size_t k = 0; k < t->words; k++) {
            char f[16];
            form(t->word[k], k == 0, f);
            vocabulary_add(with, forms && vocabulary_find(often, t->word[k]) < 0 ? f : t->word[k]);
        }
    }
    if (!jd_error(c->ctx)) c->word = vocabulary_pick(with, SEQ2SEQ_WORDS, SIZE_MAX, 1);
    vocabulary_free(all);
    vocabulary_free(often);
    vocabulary_free(with);
    return jd_error(c->ctx);
}

jd_status parsing_grammar(jd_run *r, parsing_corpus *c)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t n[PARSING_PARTS] = {(size_t)jd_run_setting(r, "sentences"), (size_t)jd_run_setting(r, "held_out"),
                                     (size_t)jd_run_setting(r, "tested")};
    const size_t longest = (size_t)jd_run_setting(r, "longest");
    const uint64_t seed = jd_run_seed(r);
    *c = (parsing_corpus){.ctx = ctx};
    vocabulary *there = vocabulary_new(ctx);
    size_t *index = jd_alloc_array(ctx, n[0] + n[1] + n[2], sizeof *index);
    if (there && index && !treebank_open(ctx, &c->bank) && !draw(c, seed, "parsing/test", n[2], longest, there, true) &&
        !draw(c, seed, "parsing/valid", n[1], longest, there, true))
        draw(c, seed, "parsing/train", n[0], longest, there, false);
    for (size_t i = 0; index && i < n[0] + n[1] + n[2]; i++) index[i] = i;
    if (!jd_error(ctx) && !count_words(c, index + n[2] + n[1], n[0], 1, false) &&
        !fill(c, PARSING_TEST, index, n[2], longest) && !fill(c, PARSING_VALID, index + n[2], n[1], longest))
        fill(c, PARSING_TRAIN, index + n[2] + n[1], n[0], longest);
    vocabulary_free(there);
    jd_free(ctx, index);
    return jd_error(ctx);
}

/* ---- the treebank -----------------------------------------------------------------------------------------------------------*/

static jd_status read_trees(parsing_corpus *c, const char *path)
{
    size_t bytes = 0;
    char *text = jd_read_gz(c->ctx, path, (size_t)1 << 30, &bytes);
    if (text) treebank_read(&c->bank, path, text);
    jd_free(c->ctx, text);
    return jd_error(c->ctx);
}

/* The part of a file wsj_SSNN.mrg: of the whole bank sections 2 to 21 and section 23, as is usual; of the sample in NLTK, which has
 * 199 files of the first two, those from wsj_0180 on are to be tested on.  Files of other names are not divided: PARSING_TRAIN. */
static int part_of(const char *path, bool whole)
{
    const char *name = strrchr(path, '/');
    int number = 0;
    name = name ? name + 1 : path;
    if (strlen(name) < 8 || sscanf(name, "wsj_%4d", &number) != 1) return PARSING_TRAIN;
    const int section = number / 100;
    if (!whole) return number >= 180 ? PARSING_TEST : PARSING_TRAIN;
    return section == 23 ? PARSING_TEST : section >= 2 && section <= 21 ? PARSING_TRAIN : PARSING_PARTS;
}

/* All files of trees in a folder and those below it. */
static jd_status read_folder(parsing_corpus *c, const char *dir, size_t *trained)
{
    size_t n;
    bool whole = false;
    char **file = names_below(c->ctx, dir, ".mrg", &n);
    for (size_t i = 0; i < n; i++)
        whole = whole || (strstr(file[i], "wsj_2") && part_of(file[i], true) == PARSING_TEST);
    for (int k = 0; k < 2 && !jd_error(c->ctx); k++) {
        for (size_t i = 0; i < n && !jd_error(c->ctx); i++)
            if (part_of(file[i], whole) == (k ? PARSING_TEST : PARSING_TRAIN)) read_trees(c, file[i]);
        if (!k) *trained = c->bank.n;
    }
    if (*trained == c->bank.n) *trained = 0; /* none was to test: every tenth is */
    if (!jd_error(c->ctx) && !n)
        jd_fail(c->ctx, JD_ENOINPUT,
                "%s: no file of trees (.mrg) in it; unpack NLTK's treebank.zip, or the Penn Treebank, there", dir);
    names_free(c->ctx, file, n);
    return jd_error(c->ctx);
}

/* Everything into the bank; *trained becomes the number of trees that are not for testing, or 0 where every tenth is. */
static jd_status read_bank(jd_run *r, parsing_corpus *c, size_t *trained)
{
    static const char *const file[] = {"wsj_combined_train.mrg", "wsj_combined_test.mrg"};
    const char *data = jd_run_data(r, "ptb_sample_nltk");
    struct stat st;
    if (strcmp(data, "ptb_sample_nltk") && !stat(data, &st) && !S_ISDIR(st.st_mode)) return read_trees(c, data);
    char *dir = jd_dataset_folder(c->ctx, "ptb_sample_nltk", data);
    for (int i = 0; dir && i < 2 && !jd_error(c->ctx); i++) {
        char *path = jd_dataset_path(c->ctx, dir, file[i]);
        if (path && i == 0 && access(path, F_OK)) {
            jd_free(c->ctx, path);
            read_folder(c, dir, trained);
            break;
        }
        if (path && !read_trees(c, path) && i == 0) *trained = c->bank.n;
        jd_free(c->ctx, path);
    }
    jd_free(c->ctx, dir);
    return jd_error(c->ctx);
}

jd_status parsing_treebank(jd_run *r, parsing_corpus *c)
{
    jd_ctx *ctx = jd_run_ctx(r);
    size_t trained = 0, n[PARSING_PARTS] = {0}, *index[PARSING_PARTS] = {NULL};
    *c = (parsing_corpus){.ctx = ctx};
    if (!treebank_open(ctx, &c->bank)) read_bank(r, c, &trained);
    for (int i = 0; i < PARSING_PARTS; i++) index[i] = jd_alloc_array(ctx, c->bank.n + 1, sizeof *index[i]);
    for (size_t i = 0; i < c->bank.n && !jd_error(ctx); i++) {
        const int own = i % 10 == 8 ? PARSING_VALID : i % 10 == 9 ? PARSING_TEST : PARSING_TRAIN;
        const int part = !trained ? own : i >= trained ? PARSING_TEST : i % 20 == 19 ? PARSING_VALID : PARSING_TRAIN;
        index[part][n[part]++] = i;
    }
    if (!jd_error(ctx) && (!n[0] || !n[1] || !n[2]))
        jd_fail(ctx, JD_EDATA, "%s: %zu trees; ten are needed at least", jd_run_data(r, "ptb_sample_nltk"), c->bank.n);
    if (!jd_error(ctx) && vocabulary_size(c->bank.label) > PARSING_LABELS)
        jd_fail(ctx, JD_EDATA, "%s: %zu labels; at most %d can be learned", jd_run_data(r, "ptb_sample_nltk"),
                vocabulary_size(c->bank.label), PARSING_LABELS);
    if (!jd_error(ctx)) count_words(c, index[0], n[0], (size_t)jd_run_setting(r, "bank_least"), true);
    for (int i = 0; i < PARSING_PARTS && !jd_error(ctx); i++)
        fill(c, i, index[i], n[i], (size_t)jd_run_setting(r, "bank_longest"));
    for (int i = 0; i < PARSING_PARTS; i++) jd_free(ctx, index[i]);
    return jd_error(ctx);
}

/* ---- what answers are worth ---------------------------------------------------------------------------------------------------*/

static void by_label(const jd_bracket *truth, size_t n, const jd_bracket *found, size_t m, parsing_score *s)
{
    for (int32_t l = 0; l < PARSING_LABELS; l++) {
        jd_bracket a[SYMBOLS / 2], b[SYMBOLS / 2];
        size_t na = 0, nb = 0;
        for (size_t i = 0; i < n; i++)
            if (truth[i].label == l) a[na++] = truth[i];
        for (size_t i = 0; i < m; i++)
            if (found[i].label == l) b[nb++] = found[i];
        if (na || nb) jd_bracket_add(&s->label[l], a, na, b, nb);
    }
}

jd_status parsing_judge(const parsing_corpus *c, int part, const jd_sequence *found, parsing_score *s)
{
    const size_t n = c->part[part].n;
    const int32_t S = vocabulary_find(c->bank.label, "S"), root = TREES_OPEN + 2 * (S < 0 ? 0 : S);
    *s = (parsing_score){0};
    for (size_t i = 0; i < n; i++) {
        const tree *t = c->tree[part][i];
        int32_t out[SYMBOLS];
        jd_bracket truth[SYMBOLS / 2], mine[SYMBOLS / 2];
        const bool good = found[i].ended && tree_well_formed(found[i].symbols, found[i].count, t->words);
        const size_t k = tree_repair(found[i].symbols, found[i].count, t->words, root, out, SYMBOLS);
        const size_t nt = tree_brackets(t->symbol, t->symbols, t->mark, truth, SYMBOLS / 2);
        const size_t nm = tree_brackets(out, k, t->mark, mine, SYMBOLS / 2);
        const size_t bin = (t->words - 1) / 5;
        s->well_formed += (double)good / (double)n;
        s->exact += (double)(found[i].count == t->symbols &&
                             !memcmp(found[i].symbols, t->symbol, t->symbols * sizeof *t->symbol)) /
                    (double)n;
        jd_bracket_add(&s->brackets, truth, nt, mine, nm);
        jd_bracket_add(&s->bin[bin < PARSING_BINS ? bin : PARSING_BINS - 1], truth, nt, mine, nm);
        by_label(truth, nt, mine, nm, s);
    }
    return jd_error(c->ctx);
}
