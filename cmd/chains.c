/* chains.c - models that say the secondary structure of every residue of a chain (the system protein-structure). */
#include "chains.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model.h"

enum { OUTPUTS = 11, PAD = 64 }; /* lengths are padded, so that few shapes are traced */

struct chain_model {
    jd_ctx *ctx;
    char *net, *scope;
    jd_params *params;
    jd_fn *f;
    int there; /* parameters that the file held */
    int32_t *residue;
    size_t room;
};

static void forward(jd_graph *g, void *user)
{
    const chain_model *m = user;
    if (*m->scope) jd_scope_push(g, m->scope);
    const jd_node x = jd_onehot(g, jd_arg(g, "residue"), JD_RESIDUE_COUNT);
    const jd_node y = jd_net(g, m->net, x, jd_arg(g, "length")); /* (T,1,11) */
    const jd_node p[] = {jd_softmax(g, jd_slice(g, y, 2, 0, 3)), jd_softmax(g, jd_slice(g, y, 2, 3, 8))};
    jd_result(g, "p", jd_concat(g, p, 2, 2));
    if (*m->scope) jd_scope_pop(g);
}

static jd_status configure(chain_model *m, const char *path, const json_t *j)
{
    const char *net = json_string_value(json_object_get(j, "net"));
    const char *scope = json_string_value(json_object_get(j, "scope"));
    const char *residues = json_string_value(json_object_get(j, "residues"));
    const char *states = json_string_value(json_object_get(j, "states"));
    if (!net || !residues || strcmp(residues, JD_RESIDUES) || !states || strcmp(states, JD_STATES3 " " JD_STATES8) ||
        jd_net_outputs(m->ctx, net) != OUTPUTS)
        return jd_fail(m->ctx, JD_EDATA, "%s: its jackdaw.config does not fit chains of %s with the states %s and %s",
                       path, JD_RESIDUES, JD_STATES3, JD_STATES8);
    m->net = jd_strdup(m->ctx, net);
    m->scope = jd_strdup(m->ctx, scope ? scope : "");
    return jd_error(m->ctx);
}

chain_model *chain_model_open(jd_ctx *ctx, const char *path)
{
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (!f) return NULL;
    const char *config = jd_tensor_file_meta(f, "jackdaw.config");
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    chain_model *m = json_object_get(j, "residues") ? jd_alloc(ctx, sizeof *m) : NULL;
    if (m) {
        m->ctx = ctx;
        if (!configure(m, path, j)) m->params = jd_params_new(ctx, JD_F32);
        if (m->params && !jd_params_load(ctx, m->params, f)) m->f = jd_fn_new(ctx, m->params, forward, m);
        m->there = m->f ? jd_params_ranges(m->params) : 0;
    }
    json_decref(j);
    jd_tensor_file_close(f);
    return m;
}

void chain_model_free(chain_model *m)
{
    if (!m) return;
    jd_fn_free(m->f);
    jd_params_free(m->params);
    jd_free(m->ctx, m->net);
    jd_free(m->ctx, m->scope);
    jd_free(m->ctx, m->residue);
    jd_free(m->ctx, m);
}

/* p (length,11) of a chain, valid until the next call. */
static const float *look(chain_model *m, const jd_chain *c)
{
    const size_t T = (c->length + PAD - 1) / PAD * PAD;
    if (T > m->room) {
        jd_free(m->ctx, m->residue);
        m->residue = jd_alloc_array(m->ctx, T, sizeof *m->residue);
        m->room = m->residue ? T : 0;
    }
    if (!m->residue) return NULL;
    for (size_t t = 0; t < T; t++) m->residue[t] = t < c->length ? c->residue[t] : -1;
    const int32_t length = (int32_t)c->length;
    const jd_tensor in[] = {JD_TENSOR("residue", JD_I32, m->residue, (int64_t)T, 1),
                            JD_TENSOR("length", JD_I32, &length, 1)};
    if (jd_fn_run(m->f, in, 2) || params_complete(m->ctx, m->params, m->there, m->net)) return NULL;
    return jd_fn_result(m->f, "p", NULL);
}

static size_t largest(const float *p, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

typedef struct tally {
    int64_t counted, right3, counted8, right8, confusion[9];
    double chain_sum;
    size_t chains;
} tally;

static void count(const jd_chain *c, const float *p, tally *s)
{
    int64_t n = 0, right = 0;
    for (size_t t = 0; t < c->length; t++, p += OUTPUTS) {
        if (c->q8 && c->q8[t] >= 0) {
            s->counted8++;
            s->right8 += (int32_t)largest(p + 3, 8) == c->q8[t];
        }
        if (c->q3[t] < 0) continue;
        const size_t best = largest(p, 3);
        n++;
        right += (int32_t)best == c->q3[t];
        s->confusion[(size_t)c->q3[t] * 3 + best]++;
    }
    s->counted += n;
    s->right3 += right;
    if (n) {
        s->chain_sum += 100.0 * (double)right / (double)n;
        s->chains++;
    }
}

static void print_tally(const tally *s, const char *data, bool json)
{
    const double q3 = 100.0 * (double)s->right3 / (double)s->counted;
    const double q8 = s->counted8 ? 100.0 * (double)s->right8 / (double)s->counted8 : (double)NAN;
    const double mean = s->chain_sum / (double)s->chains;
    if (json) {
        printf("{\"data\":");
        cli_json_string(data);
        printf(",\"chains\":%zu,\"residues\":%lld,\"metric\":\"Q3 (%%)\",\"value\":", s->chains, (long long)s->counted);
        cli_json_number(q3);
        printf(",\"mean_of_chains\":");
        cli_json_number(mean);
        printf(",\"q8\":");
        cli_json_number(q8);
        printf("}\n");
        return;
    }
    printf("Q3 %.2f %% of %lld residues in %zu chains (mean of the chains %.2f %%)", q3, (long long)s->counted,
           s->chains, mean);
    if (s->counted8) printf(", Q8 %.2f %%", q8);
    printf("\n\ntrue \\ said        H       E       C\n");
    for (int i = 0; i < 3; i++)
        printf("%11c %8lld%8lld%8lld\n", JD_STATES3[i], (long long)s->confusion[3 * i],
               (long long)s->confusion[3 * i + 1], (long long)s->confusion[3 * i + 2]);
}

static const char *const part[] = {"train.tsv", "test.tsv"};

/* A part of a set of the registry or of a folder that is laid out like one; a file is itself. */
static char *place_of(jd_ctx *ctx, const char *data, int k)
{
    struct stat st;
    if (!samples_is_file(data)) return jd_dataset_path(ctx, data, part[k]);
    if (stat(data, &st) || !S_ISDIR(st.st_mode)) return jd_strdup(ctx, data);
    char *path = jd_asprintf(ctx, "%s/%s", data, part[k]);
    if (!path || !stat(path, &st)) return path;
    jd_free(ctx, path);
    return jd_asprintf(ctx, "%s/%s.gz", data, part[k]);
}

jd_status chains_eval(chain_model *m, const char *data, jd_split split, bool json)
{
    jd_ctx *ctx = m->ctx;
    struct stat st;
    const bool file = !stat(data, &st) && S_ISREG(st.st_mode);
    jd_chains c = {0};
    tally s = {0};
    for (int k = 0; k < 2 && !jd_error(ctx); k++) {
        if (file ? k > 0 : split != JD_ALL && (int)split != k) continue;
        char *path = place_of(ctx, data, k);
        if (path) jd_read_chains(ctx, path, &c);
        jd_free(ctx, path);
        for (size_t i = 0; i < c.count && !jd_error(ctx); i++) {
            const float *p = c.items[i].q3 ? look(m, &c.items[i]) : NULL;
            if (p) count(&c.items[i], p, &s);
        }
        jd_chains_free(ctx, &c);
    }
    if (!jd_error(ctx) && !s.counted)
        jd_fail(ctx, JD_EDATA, "%s: no residue has a state; a table with the column dssp3 or dssp8 is needed", data);
    if (!jd_error(ctx)) print_tally(&s, data, json);
    return jd_error(ctx);
}

static void print_letters(const char *what, const jd_chain *c, const float *p, int kind)
{
    printf("  %-9s ", what);
    for (size_t t = 0; t < c->length; t++, p += OUTPUTS) {
        const double sure = (double)p[largest(p, 3)];
        putchar(kind == 0   ? c->letters[t]
                : kind == 1 ? JD_STATES3[largest(p, 3)]
                : kind == 2 ? JD_STATES8[largest(p + 3, 8)]
                            : (char)('0' + (int)fmin(9, floor(sure * 10))));
    }
    printf("\n");
}

static void print_json(const char *file, const jd_chain *c, const float *p)
{
    printf("{\"file\":");
    cli_json_string(file);
    printf(",\"id\":");
    cli_json_string(c->id);
    printf(",\"residues\":\"%.*s\",\"states\":\"", (int)c->length, c->letters);
    for (size_t t = 0; t < c->length; t++) putchar(JD_STATES3[largest(p + t * OUTPUTS, 3)]);
    printf("\",\"states8\":\"");
    for (size_t t = 0; t < c->length; t++) putchar(JD_STATES8[largest(p + t * OUTPUTS + 3, 8)]);
    printf("\",\"probabilities\":[");
    for (size_t t = 0; t < c->length; t++, p += OUTPUTS)
        printf("%s[%.4g,%.4g,%.4g]", t ? "," : "", (double)p[0], (double)p[1], (double)p[2]);
    printf("]}\n");
}

jd_status chains_predict(chain_model *m, const char *file, chains_form form)
{
    jd_chains c = {0};
    if (jd_read_chains(m->ctx, file, &c)) return jd_error(m->ctx);
    if (form == CHAINS_CSV) printf("id,place,residue,state,state8,H,E,C\n");
    for (size_t i = 0; i < c.count; i++) {
        const jd_chain *chain = &c.items[i];
        const float *p = look(m, chain);
        if (!p) break;
        if (form == CHAINS_JSON) {
            print_json(file, chain, p);
        } else if (form == CHAINS_CSV) {
            for (size_t t = 0; t < chain->length; t++, p += OUTPUTS)
                printf("%s,%zu,%c,%c,%c,%.4g,%.4g,%.4g\n", chain->id, t + 1, chain->letters[t],
                       JD_STATES3[largest(p, 3)], JD_STATES8[largest(p + 3, 8)], (double)p[0], (double)p[1],
                       (double)p[2]);
        } else {
            printf("%s:%s\n", file, chain->id);
            print_letters("residues", chain, p, 0);
            print_letters("states", chain, p, 1);
            print_letters("of eight", chain, p, 2);
            print_letters("sure", chain, p, 3);
        }
    }
    jd_chains_free(m->ctx, &c);
    return jd_error(m->ctx);
}
