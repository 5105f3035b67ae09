/* net_parse.c - see net.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "layers/net.h"

/* Switch letters: a activations, s stride, p pad, c ceil, h peepholes, n no-forget, j projection, f forget, e each, u sum,
 * x clip, r residual, k concat, l layernorm, b bias, m name, d dilation, o fan, v around, y places, q degree, z clamp. */
static const struct {
    const char *name;
    int sizes;
    const char *switches, *usage;
} LAYER[L_KINDS] = {
    [L_CONV] = {"conv", 2, "aspdomvy",
                "conv MAPS SIZE [stride S] [pad P] [around V] [dilate D] [fan N] [places] "
                "[tanh|sigmoid|relu|scaled-tanh] [as NAME]"},
    [L_MAXPOOL] = {"maxpool", 1, "sc", "maxpool SIZE [stride S] [ceil]"},
    [L_AVGPOOL] = {"avgpool", 1, "sc", "avgpool SIZE [stride S] [ceil]"},
    [L_DENSE] = {"dense", 1, "aerkm", "dense UNITS [each] [tanh|sigmoid|relu|scaled-tanh] [residual|concat] [as NAME]"},
    [L_DROPOUT] = {"dropout", 1, "", "dropout RATE"},
    [L_NOISE] = {"noise", 1, "", "noise SIGMA"},
    [L_EMBED] = {"embed", 2, "m", "embed SYMBOLS UNITS [as NAME]"},
    [L_LSTM] = {"lstm", 1, "hnjflrkm",
                "lstm UNITS [peepholes] [no-forget] [projection P] [forget B] [layernorm] [residual|concat] [as NAME]"},
    [L_BLSTM] =
        {"blstm", 1, "hnjflrkm",
         "blstm UNITS [peepholes] [no-forget] [projection P] [forget B] [layernorm] [residual|concat] [as NAME]"},
    [L_GRU] = {"gru", 1, "rkm", "gru UNITS [residual|concat] [as NAME]"},
    [L_BGRU] = {"bgru", 1, "rkm", "bgru UNITS [residual|concat] [as NAME]"},
    [L_SRN] = {"srn", 1, "arkm", "srn UNITS [tanh|sigmoid|relu] [residual|concat] [as NAME]"},
    [L_BSRN] = {"bsrn", 1, "arkm", "bsrn UNITS [tanh|sigmoid|relu] [residual|concat] [as NAME]"},
    [L_CLOCKWORK] = {"clockwork", 2, "arkm", "clockwork UNITS MODULES [tanh|sigmoid|relu] [residual|concat] [as NAME]"},
    [L_HIGHWAY] = {"highway", 1, "abm", "highway LAYERS [tanh|sigmoid|relu|scaled-tanh] [bias B] [as NAME]"},
    [L_LAYERNORM] = {"layernorm", 0, "m", "layernorm [as NAME]"},
    [L_BATCHNORM] = {"batchnorm", 0, "m", "batchnorm [as NAME]"},
    [L_MDLSTM] = {"mdlstm", 1, "hufxm", "mdlstm UNITS [peepholes] [sum] [forget B] [clip C] [as NAME]"},
    [L_PYRAMID] = {"pyramid", 2, "fm", "pyramid UNITS SIZE [forget B] [as NAME]"},
    [L_BLOCK] = {"block", 2, "", "block HEIGHT WIDTH"},
    [L_CUBE] = {"cube", 1, "", "cube SIDE"},
    [L_UNCUBE] = {"uncube", 1, "", "uncube SIDE"},
    [L_COLLAPSE] = {"collapse", 0, "", "collapse"},
    [L_CONTRAST] = {"contrast", 1, "", "contrast SIZE"},
    [L_POLYNOMIAL] = {"polynomial", 0, "qzm", "polynomial x0*x1 x2*x3 / 0*1 [linear|bilinear|cubic] [clamp LOW HIGH]"},
    [L_MEAN] = {"mean", 0, "", "mean"},
    [L_WINDOW] = {"window", 1, "", "window STEPS"},
    [L_FLATTEN] = {"flatten", 0, "", "flatten"},
    [L_TANH] = {"tanh", 0, "", "tanh"},
    [L_SIGMOID] = {"sigmoid", 0, "", "sigmoid"},
    [L_RELU] = {"relu", 0, "", "relu"},
    [L_SCALED_TANH] = {"scaled-tanh", 0, "", "scaled-tanh"},
};
static const struct {
    const char *name;
    char letter;
    int numbers;
} SWITCH[] = {{"tanh", 'a', 0},      {"sigmoid", 'a', 0},    {"relu", 'a', 0},     {"scaled-tanh", 'a', 0},
              {"stride", 's', 1},    {"pad", 'p', 1},        {"ceil", 'c', 0},     {"peepholes", 'h', 0},
              {"no-forget", 'n', 0}, {"projection", 'j', 1}, {"forget", 'f', 1},   {"each", 'e', 0},
              {"sum", 'u', 0},       {"clip", 'x', 1},       {"residual", 'r', 0}, {"concat", 'k', 0},
              {"layernorm", 'l', 0}, {"bias", 'b', 1},       {"as", 'm', 0},       {"dilate", 'd', 1},
              {"fan", 'o', 1},       {"around", 'v', 1},     {"places", 'y', 0},   {"linear", 'q', 0},
              {"bilinear", 'q', 0},  {"cubic", 'q', 0},      {"clamp", 'z', 2}};
enum { SWITCHES = sizeof SWITCH / sizeof *SWITCH };

/* The next word of this layer into p->word; false at a comma or the end. */
static bool next_word(jd__net_parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n') p->at++;
    p->word_at = (size_t)(p->at - p->spec);
    size_t n = 0;
    while (*p->at && *p->at != ',' && *p->at != ' ' && *p->at != '\t' && *p->at != '\n') {
        if (n + 1 < sizeof p->word) p->word[n++] = *p->at;
        p->at++;
    }
    p->word[n] = 0;
    return n > 0;
}

static jd_status bad_word(jd__net_parser *p, const char *what, const char *const *words, const char *usage)
{
    const char *near = jd_nearest(p->word, words);
    return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": column %zu: %s \"%s\"%s%s%s%s%s", p->spec, p->word_at + 1, what,
                   p->word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                   usage ? "; it is: " : "", usage ? usage : "");
}

static jd_status number(jd__net_parser *p, const char *usage, double *x)
{
    char *end;
    if (!next_word(p))
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": column %zu: a number is missing; it is: %s", p->spec,
                       p->word_at + 1, usage);
    *x = jd__strtod(p->word, &end);
    if (*end || !isfinite(*x) || fabs(*x) > 1e7) {
        static const char *const none[] = {NULL};
        return bad_word(p, "not a usable number:", none, usage);
    }
    return JD_OK;
}

static jd_status read_name(jd__net_parser *p, jd__net_part *l)
{
    static const char *const none[] = {NULL};
    if (!next_word(p))
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": column %zu: a name is missing; it is: %s", p->spec,
                       p->word_at + 1, LAYER[l->word].usage);
    if (p->word[strspn(p->word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.")])
        return bad_word(p, "a name of letters, digits and _-/. is needed, not", none, NULL);
    snprintf(l->name, sizeof l->name, "%s", p->word);
    return JD_OK;
}

static jd_status apply_switch(jd__net_parser *p, jd__net_part *l, int s)
{
    double x = 0;
    if (SWITCH[s].numbers && number(p, LAYER[l->word].usage, &x)) return jd_error(p->ctx);
    switch (SWITCH[s].letter) {
    case 'a': l->act = (jd_activation[]){JD_TANH, JD_SIGMOID, JD_RELU, JD_SCALED_TANH}[s]; break;
    case 's': l->stride = x; break;
    case 'p': l->pad = x; break;
    case 'd': l->dilation = x; break;
    case 'o': l->fan = x; break;
    case 'v': l->around = x; break;
    case 'y': l->places = true; break;
    case 'c': l->ceil = true; break;
    case 'h': l->peepholes = true; break;
    case 'n': l->no_forget = true; break;
    case 'j': l->projection = x; break;
    case 'e': l->each = true; break;
    case 'u': l->sum = true; break;
    case 'x': l->clip = x; break;
    case 'm': return read_name(p, l);
    case 'r': l->residual = true; break;
    case 'k': l->concat = true; break;
    case 'l': l->layer_norm = true; break;
    case 'b': l->bias = x; break;
    case 'q': l->polynomial.terms = SWITCH[s].name[0] == 'l' ? 3 : SWITCH[s].name[0] == 'b' ? 4 : 10; break;
    case 'z':
        l->polynomial.low = x;
        if (number(p, LAYER[l->word].usage, &l->polynomial.high)) return jd_error(p->ctx);
        if (!(l->polynomial.low < l->polynomial.high))
            return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": clamp %g %g; the first must be below the second",
                           p->spec, x, l->polynomial.high);
        break;
    default: l->forget = x; break;
    }
    return JD_OK;
}

static jd_status parse_switches(jd__net_parser *p, jd__net_part *l)
{
    while (next_word(p)) {
        const char *words[SWITCHES + 1];
        int n = 0, found = -1;
        for (int s = 0; s < SWITCHES; s++) {
            if (!strchr(LAYER[l->word].switches, SWITCH[s].letter)) continue;
            words[n++] = SWITCH[s].name;
            if (!strcmp(SWITCH[s].name, p->word)) found = s;
        }
        words[n] = NULL;
        if (found < 0) return bad_word(p, "unknown switch", words, LAYER[l->word].usage);
        if (apply_switch(p, l, found)) return jd_error(p->ctx);
    }
    return JD_OK;
}

/* Skips the units of a polynomial, which are read again when it is built. */
static jd_status parse_units(jd__net_parser *p, jd__net_part *l)
{
    int64_t source[2], before = 0;
    l->text = p->at;
    l->outputs = 0;
    for (int k; (k = jd__polynomial_next(&p->at, before, source)) >= 0;) {
        if (k) {
            l->outputs++;
            continue;
        }
        if (!l->outputs)
            return jd_fail(p->ctx, JD_EUSAGE,
                           "network \"%s\": column %zu: a layer without units before \"/\"; it is: %s", p->spec,
                           (size_t)(p->at - p->spec), LAYER[l->word].usage);
        before = l->outputs;
        l->outputs = 0;
    }
    if (before && !l->outputs)
        return jd_fail(p->ctx, JD_EUSAGE,
                       "network \"%s\": column %zu: a unit such as 0*1 or 0*x2 is missing; units of the layer before "
                       "are 0 to %lld",
                       p->spec, (size_t)(p->at - p->spec) + 1, (long long)before - 1);
    if (!l->outputs) l->outputs = 1; /* the constant */
    return JD_OK;
}

static jd_status parse_layer(jd__net_parser *p, jd__net_part *l)
{
    *l = (jd__net_part){.word = L_KINDS};
    if (!next_word(p))
        return jd_fail(p->ctx, JD_EUSAGE,
                       "network \"%s\": column %zu: a layer is missing; write for example \"dense 10\"", p->spec,
                       p->word_at + 1);
    const char *words[L_KINDS + 1] = {0};
    for (int k = 0; k < L_KINDS; k++) {
        words[k] = LAYER[k].name;
        if (!strcmp(words[k], p->word)) l->word = (jd__net_word)k;
    }
    if (l->word == L_KINDS) return bad_word(p, "unknown layer", words, NULL);
    for (int i = 0; i < LAYER[l->word].sizes; i++)
        if (number(p, LAYER[l->word].usage, &l->size[i])) return jd_error(p->ctx);
    const bool fraction = l->word == L_DROPOUT || l->word == L_NOISE;
    for (int i = 0; i < LAYER[l->word].sizes; i++)
        if (!fraction && (l->size[i] < 1 || l->size[i] != floor(l->size[i])))
            return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": %s: %g is not a whole number of at least 1; it is: %s",
                           p->spec, LAYER[l->word].name, l->size[i], LAYER[l->word].usage);
    if (l->word == L_DROPOUT && (l->size[0] < 0 || l->size[0] >= 1))
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": dropout %g; the rate must lie in [0,1)", p->spec,
                       l->size[0]);
    snprintf(l->name, sizeof l->name, "%s%d", LAYER[l->word].name, p->place);
    if (l->word == L_POLYNOMIAL && parse_units(p, l)) return jd_error(p->ctx);
    if (parse_switches(p, l)) return jd_error(p->ctx);
    if (l->residual && l->concat)
        return jd_fail(p->ctx, JD_EUSAGE, "network \"%s\": %s: residual or concat, not both; it is: %s", p->spec,
                       LAYER[l->word].name, LAYER[l->word].usage);
    p->end = *p->at != ',';
    if (!p->end) p->at++;
    return JD_OK;
}

jd__net_parser jd__net_begin(jd_ctx *ctx, const char *spec)
{
    return (jd__net_parser){.ctx = ctx, .spec = spec, .at = spec};
}

bool jd__net_next(jd__net_parser *p, jd__net_part *l)
{
    if (p->end) return false;
    p->place++;
    if (parse_layer(p, l)) p->end = p->bad = true;
    return !p->bad;
}

const char *jd__net_name(jd__net_word w)
{
    return LAYER[w].name;
}
