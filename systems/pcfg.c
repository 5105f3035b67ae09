/*
 * pcfg.c - a grammar of 60 rules that makes sentences with their trees; see trees.h.
 *
 * Its words are syllables that mean nothing, drawn from a fixed seed.  What a person would need to know to parse is in them:
 * which prepositions go with a noun and which with a verb, which verbs take one object, two, a sentence or an adjective, and
 * the number, in which subject and verb agree.
 */
#include <stdio.h>
#include <string.h>

#include "trees.h"

/* A part is NAME or NAME:NUMBER, the number s or p, or # that of the left side, @ one that the rule's parts share, ? one of
 * its own.  Names in capitals are labels with a bracket, up to _, behind which kinds of one label are told apart; small letters
 * are classes of words. */
typedef struct rule {
    const char *left;
    double weight;
    const char *right;
} rule;

static const rule rules[PCFG_RULES] = {{"S", 8, "NP:@ VP:@"},
                                       {"S", 1.2, "PP_verb , NP:@ VP:@"},
                                       {"S", .8, "ADVP , NP:@ VP:@"},
                                       {"S", .8, "SBAR_if , NP:@ VP:@"},
                                       {"S", .5, "S and S"},
                                       {"SQ", 2, "aux:@ NP:@ VP_inf q"},
                                       {"SQ", 1, "WHNP VP:? q"},
                                       {"SQ", 1, "WHNP aux:@ NP:@ vt:i q"},
                                       {"NP:#", 6, "the:# NX:#"},
                                       {"NP:s", 2, "name"},
                                       {"NP:s", .7, "name name"},
                                       {"NP:p", 1.5, "NX:p"},
                                       {"NP:#", 1.5, "pron:#"},
                                       {"NP:#", 1, "my NX:#"},
                                       {"NP:p", .8, "QP NX:p"},
                                       {"NP:#", 2.6, "NP_base:# PP_noun"},
                                       {"NP:#", .8, "NP_base:# SBAR_who:#"},
                                       {"NP:p", .7, "NP_base:? and NP_base:?"},
                                       {"NP:#", .5, "NP_base:# PRN"},
                                       {"NP:#", .7, "NP_base:? 's NX:#"},
                                       {"NP_base:#", 5, "the:# NX:#"},
                                       {"NP_base:s", 1.5, "name"},
                                       {"NP_base:p", 1, "NX:p"},
                                       {"NP_base:#", 1, "my NX:#"},
                                       {"NX:#", 6, "n:#"},
                                       {"NX:#", 2.5, "adj n:#"},
                                       {"NX:#", .8, "ADJP_noun n:#"},
                                       {"NX:#", 1, "n:s n:#"},
                                       {"NX:#", .5, "adj adj n:#"},
                                       {"ADJP_noun", 1, "deg adj"},
                                       {"ADJP_noun", .6, "adj and adj"},
                                       {"ADJP", 2, "adj"},
                                       {"ADJP", 1, "deg adj"},
                                       {"ADJP", 1, "adj PP_adj"},
                                       {"ADJP", .6, "adjs SBAR_that"},
                                       {"VP:#", 1.5, "vi:#"},
                                       {"VP:#", 1.5, "vi:# PP_verb"},
                                       {"VP:#", .6, "vi:# ADVP"},
                                       {"VP:#", 4, "vt:# NP:?"},
                                       {"VP:#", 2, "vt:# NP:? PP_verb"},
                                       {"VP:#", .7, "vt:# NP:? ADVP"},
                                       {"VP:#", 1.2, "vd:# NP:? NP:?"},
                                       {"VP:#", 1, "vs:# SBAR_that"},
                                       {"VP:#", 1.2, "va:# ADJP"},
                                       {"VP:#", .8, "vp:# up NP:?"},
                                       {"VP:#", .5, "VP:# and VP:#"},
                                       {"VP:#", 1, "aux:# VP_inf"},
                                       {"VP_inf", 2, "vt:i NP:?"},
                                       {"VP_inf", 1, "vt:i NP:? PP_verb"},
                                       {"PP_noun", 1, "of NP:?"},
                                       {"PP_verb", 1, "with NP:?"},
                                       {"PP_adj", 1, "about NP:?"},
                                       {"ADVP", 2, "adv"},
                                       {"ADVP", .7, "deg adv"},
                                       {"SBAR_that", 1, "that S"},
                                       {"SBAR_if", 1, "if S"},
                                       {"SBAR_who:#", 1, "WHNP VP:#"},
                                       {"WHNP", 2, "who"},
                                       {"QP", 1, "num"},
                                       {"PRN", 1, ", NP:? ,"}};

/* How many words a class has; classes that are not here are one word, as they stand. */
static const struct {
    const char *name;
    int words;
} classes[] = {{"n", 90},  {"adj", 40}, {"adjt", 8}, {"name", 40}, {"pron", 3},  {"the", 3}, {"my", 4}, {"num", 12},
               {"deg", 5}, {"vi", 20},  {"vt", 40},  {"vd", 10},   {"vs", 10},   {"va", 5},  {"vp", 8}, {"aux", 3},
               {"up", 4},  {"adv", 14}, {"of", 4},   {"with", 8},  {"about", 2}, {"who", 3}, {"if", 3}};

typedef struct grow {
    treebank *b;
    jd_rng rng;
    pcfg_sentence *out;
    size_t most;
    bool failed; /* too long or too deep: to be drawn again */
} grow;

/* Word k of a class: two syllables and an end that depend on both alone, and the number's ending. */
static void spell(const char *class, int k, char number, char out[16])
{
    static const char *const begin[] = {"b", "d", "f", "g", "k", "l", "m",  "n",
                                        "p", "r", "s", "t", "v", "z", "st", "tr"},
                             *const vowel[] = {"a", "e", "i", "o", "u", "ai", "ou", "ei"}, *const end[] = {"n",  "l",
                                                                                                           "r",  "x",
                                                                                                           "m",  "k",
                                                                                                           "sh", "th"};
    char purpose[32];
    snprintf(purpose, sizeof purpose, "pcfg/%s", class);
    jd_rng r = jd_rng_new(2015, purpose, (uint64_t)k);
    const char *part[6] = {NULL};
    for (int i = 0; i < 4; i += 2) {
        part[i] = begin[jd_rng_below(&r, 16)];
        part[i + 1] = vowel[jd_rng_below(&r, 8)];
    }
    part[4] = end[jd_rng_below(&r, 8)];
    part[5] = number == 'p' ? "ik" : number == 's' ? "a" : number == 'i' ? "en" : "";
    size_t n = 0;
    for (int i = 0; i < 6; i++)
        for (const char *p = part[i]; *p && n < 15; p++) out[n++] = *p;
    out[n] = 0;
}

/* One more word of a class; of its words the k-th comes with a probability in proportion to 1 / (k + 3). */
static void put_word(grow *g, const char *name, size_t n, char number)
{
    char class[12], *word = g->out->word[g->out->words];
    int words = 0, k = 0;
    if (g->out->words == g->most || g->out->symbols == PCFG_SYMBOLS) {
        g->failed = true;
        return;
    }
    snprintf(class, sizeof class, "%.*s", (int)n, name);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (!strcmp(classes[i].name, class)) words = classes[i].words;
    double sum = 0;
    for (int i = 0; i < words; i++) sum += 1. / (i + 3);
    for (double at = jd_rng_uniform64(&g->rng) * sum; k + 1 < words && (at -= 1. / (k + 3)) >= 0;) k++;
    if (words)
        spell(class, k, number, word);
    else
        snprintf(word, sizeof g->out->word[0], "%s", class);
    g->out->words++;
    g->out->symbol[g->out->symbols++] = TREES_WORD;
}

/* A rule for a name of n letters and a number. */
static const rule *choose(grow *g, const char *name, size_t n, char number)
{
    const rule *fits[PCFG_RULES];
    double sum = 0;
    int count = 0;
    for (int i = 0; i < PCFG_RULES; i++) {
        const char *left = rules[i].left;
        const size_t k = strcspn(left, ":");
        if (k != n || strncmp(left, name, n) || (left[k] && left[k + 1] != '#' && left[k + 1] != number)) continue;
        fits[count++] = &rules[i];
        sum += rules[i].weight;
    }
    double at = jd_rng_uniform64(&g->rng) * sum;
    int i = 0;
    while (i + 1 < count && (at -= fits[i]->weight) >= 0) i++;
    return count ? fits[i] : NULL;
}

static char any_number(grow *g)
{
    return jd_rng_below(&g->rng, 3) ? 's' : 'p';
}

static void expand(grow *g, const char *name, size_t n, char number, int depth)
{
    if (name[0] < 'A' || name[0] > 'Z') {
        put_word(g, name, n, number);
        return;
    }
    char label[12];
    snprintf(label, sizeof label, "%.*s", (int)n, name);
    label[strcspn(label, "_")] = 0;
    const int32_t known = vocabulary_find(g->b->label, label);
    const int32_t l = known >= 0 ? known : vocabulary_add(g->b->label, label);
    const rule *r = choose(g, name, n, number);
    if (!r || l < 0 || depth > 24 || g->out->symbols + 2 > PCFG_SYMBOLS) {
        g->failed = true;
        return;
    }
    g->out->symbol[g->out->symbols++] = TREES_OPEN + 2 * l;
    const char shared = any_number(g);
    for (const char *part = r->right; *part && !g->failed;) {
        const size_t all = strcspn(part, " "), k = strcspn(part, ": ");
        char is = k < all ? part[k + 1] : 0;
        if (is == '#') is = number;
        if (is == '@') is = shared;
        if (is == '?') is = any_number(g);
        expand(g, part, k, is, depth + 1);
        part += all;
        part += *part == ' ';
    }
    if (g->out->symbols == PCFG_SYMBOLS) g->failed = true;
    if (!g->failed) g->out->symbol[g->out->symbols++] = TREES_OPEN + 2 * l + 1;
}

jd_status pcfg_sentence_make(treebank *b, uint64_t seed, const char *purpose, uint64_t index, size_t most,
                             pcfg_sentence *out)
{
    grow g = {
        .b = b, .rng = jd_rng_new(seed, purpose, index), .out = out, .most = most < PCFG_WORDS ? most : PCFG_WORDS};
    do {
        out->words = out->symbols = 0;
        g.failed = false;
        if (jd_rng_below(&g.rng, 10) == 0)
            expand(&g, "SQ", 2, 0, 0);
        else
            expand(&g, "S", 1, 0, 0);
        if (out->words < 3) g.failed = true;
    } while (g.failed && !jd_error(b->ctx));
    return jd_error(b->ctx);
}
