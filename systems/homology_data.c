/* Superfamilies of proteins: generated, or read from a file. */
#include "homology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { M = HOMOLOGY_MOTIFS, C = HOMOLOGY_COLUMNS, F = HOMOLOGY_FAMILIES, LETTERS = 20, LEAST = 80, MOST = 250 };
enum { NEAREST = 10, FARTHEST = 40 }; /* residues between two motifs */
static const double ANEW = 0.3;       /* share of a family's columns */

/* Share of each amino acid in Swiss-Prot, in the order of JD_RESIDUES: A C D E F G H I K L M N P Q R S T V W Y. */
static const double BACKGROUND[LETTERS] = {.0826, .0139, .0546, .0672, .0387, .0707, .0228, .0591, .0580, .0965,
                                           .0241, .0406, .0475, .0393, .0553, .0664, .0536, .0686, .0110, .0292};

static const uint8_t ORDERS[6][M] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

typedef struct motif {
    double p[C][LETTERS];
} motif;
typedef struct superfamily {
    motif ancestor[M], family[F][M];
    int gap[M - 1]; /* 0: drawn for each chain */
} superfamily;

/* ---- random numbers ----------------------------------------------------------------------------------------------------- */

/* Gamma with shape a < 1: Marsaglia and Tsang 2000 for a + 1, times u^(1/a). */
static double draw_gamma(jd_rng *r, double a)
{
    const double d = a + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = jd_rng_normal(r), v = (1 + c * x) * (1 + c * x) * (1 + c * x);
        const double u = jd_rng_uniform64(r);
        if (v > 0 && u > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v * pow(jd_rng_uniform64(r), 1 / a);
    }
}

static void draw_column(jd_rng *r, double concentration, double *p)
{
    double sum = 0;
    for (int k = 0; k < LETTERS; k++) sum += p[k] = draw_gamma(r, concentration) + 1e-12;
    for (int k = 0; k < LETTERS; k++) p[k] /= sum;
}

static int draw_letter(jd_rng *r, const double *p, double sum)
{
    double u = jd_rng_uniform64(r) * sum;
    int k = 0;
    while (k < LETTERS - 1 && (u -= p[k]) >= 0) k++;
    return k;
}

static int draw_gap(jd_rng *r)
{
    return NEAREST + (int)jd_rng_below(r, FARTHEST - NEAREST + 1);
}

static void draw_superfamily(const homology_options *o, int number, superfamily *s)
{
    jd_rng r = jd_rng_new(o->seed, "homology/superfamily", (uint64_t)number);
    for (int m = 0; m < M; m++)
        for (int c = 0; c < C; c++) draw_column(&r, o->concentration, s->ancestor[m].p[c]);
    for (int f = 0; f < F; f++)
        for (int m = 0; m < M; m++) {
            s->family[f][m] = s->ancestor[m];
            for (int c = 0; c < C; c++)
                if (jd_rng_uniform64(&r) < ANEW) draw_column(&r, o->concentration, s->family[f][m].p[c]);
        }
    for (int m = 0; m < M - 1; m++) s->gap[m] = o->loose ? 0 : draw_gap(&r);
}

/* ---- chains ------------------------------------------------------------------------------------------------------------- */

/* Adds a chain with motifs of family f in the given order. */
static void add_chain(homology_data *d, jd_rng *r, const superfamily *s, int f, const uint8_t *order, bool decoy)
{
    const motif *family = s->family[f];
    jd_chain *c = &d->chain[d->n];
    int32_t *code = d->codes + d->n * MOST;
    char *text = d->text + d->n * (MOST + 16);
    int length, gap[M - 1], span;
    do { /* what does not fit is drawn again */
        length = LEAST + (int)jd_rng_below(r, MOST - LEAST + 1);
        span = M * C;
        for (int m = 0; m < M - 1; m++) span += gap[m] = s->gap[m] ? s->gap[m] : draw_gap(r);
    } while (span > length);
    int at = (int)jd_rng_below(r, (uint32_t)(length - span + 1));
    double sum = 0;
    for (int k = 0; k < LETTERS; k++) sum += BACKGROUND[k];
    for (int t = 0; t < length; t++) code[t] = draw_letter(r, BACKGROUND, sum);
    for (int m = 0; m < M; m++) {
        for (int k = 0; k < C; k++) code[at + k] = draw_letter(r, family[order[m]].p[k], 1);
        d->at[d->n * M + (size_t)m] = (int16_t)at;
        d->which[d->n * M + (size_t)m] = order[m];
        at += C + (m < M - 1 ? gap[m] : 0);
    }
    for (int t = 0; t < length; t++) text[t] = JD_RESIDUES[code[t]];
    snprintf(text + MOST, 16, "%zu", d->n + 1);
    d->decoy[d->n] = decoy;
    *c = (jd_chain){.id = text + MOST, .length = (size_t)length, .letters = text, .residue = code};
    d->n++;
}

/* Roles of members and decoys: of family f of superfamily s.  Test families are new to all tasks.  Of the members of other
 * superfamilies a random share `others` is a negative to train on. */
static void give_roles(homology_data *d, size_t room, size_t s, int f, bool decoy, jd_rng *r, double others)
{
    const bool test = f == F - 1;
    for (size_t k = 0; k < d->tasks; k++) {
        uint8_t *role = &d->role[k * room + d->n];
        const bool chosen = test || jd_rng_uniform64(r) < others;
        if (k == s)
            *role = decoy  ? (test ? HOMOLOGY_TEST_NO : HOMOLOGY_TRAIN_NO)
                    : test ? HOMOLOGY_TEST_YES
                           : HOMOLOGY_TRAIN_YES;
        else
            *role = decoy || !chosen ? HOMOLOGY_NONE : test ? HOMOLOGY_TEST_NO : HOMOLOGY_TRAIN_NO;
    }
}

/* A new family has drawn a share of the columns anew, from all distributions alike: of each letter it has 1 / 20. */
static void keep_odds(homology_data *d, const superfamily *all)
{
    float *odds = d->odds, *shown = d->shown;
    double sum = 0;
    for (int k = 0; k < LETTERS; k++) sum += BACKGROUND[k];
    for (size_t s = 0; s < d->tasks; s++) {
        for (int m = 0; m < M; m++)
            for (int c = 0; c < C; c++)
                for (int k = 0; k < LETTERS; k++) {
                    const double p = (1 - ANEW) * all[s].ancestor[m].p[c][k] + ANEW / LETTERS;
                    double mean = 0;
                    for (int f = 0; f < F - 1; f++) mean += all[s].family[f][m].p[c][k] / (F - 1);
                    *odds++ = (float)log(p * sum / BACKGROUND[k]);
                    *shown++ = (float)log((0.9 * mean + 0.1 / LETTERS) * sum / BACKGROUND[k]);
                }
        for (int m = 0; m < M - 1; m++) d->gap[s * (M - 1) + (size_t)m] = (uint8_t)all[s].gap[m];
    }
}

/* Log odds of motif m of a task, by d->odds or d->shown, at every place of a chain; returns how many places. */
static size_t match(const float *odds, size_t task, int m, const jd_chain *c, float *out)
{
    odds += (task * M + (size_t)m) * C * LETTERS;
    const size_t places = c->length - C + 1;
    for (size_t t = 0; t < places; t++) {
        out[t] = 0;
        for (int k = 0; k < C; k++) out[t] += odds[k * LETTERS + c->residue[t + (size_t)k]];
    }
    return places;
}

static void best_matches(homology_data *d)
{
    float x[MOST];
    for (size_t i = 0; i < d->n; i++)
        for (size_t s = 0; s < d->tasks * M; s++) {
            const size_t places = match(d->odds, s / M, (int)(s % M), &d->chain[i], x);
            float best = x[0];
            for (size_t t = 1; t < places; t++) best = x[t] > best ? x[t] : best;
            d->bag[i * M * d->tasks + s] = best;
        }
}

/* Mean over all placements of the odds that the motifs stand in this order, at the distances `gap`. */
static double order_odds(const double odds[M][MOST], size_t places, const uint8_t *order, const uint8_t *gap)
{
    double next[MOST], now[MOST];
    for (size_t t = 0; t < places; t++) next[t] = odds[order[M - 1]][t];
    for (int m = M - 2; m >= 0; m--) {
        const size_t low = gap[m] ? gap[m] : NEAREST, high = gap[m] ? gap[m] : FARTHEST;
        for (size_t t = 0; t < places; t++) {
            now[t] = 0;
            for (size_t u = t + C + low; u <= t + C + high && u < places; u++) now[t] += next[u];
            now[t] *= odds[order[m]][t] / (double)(high - low + 1);
        }
        memcpy(next, now, sizeof next);
    }
    double sum = 0;
    for (size_t t = 0; t < places; t++) sum += next[t];
    return sum / (double)places;
}

double homology_known(const homology_data *d, const float *of, bool gaps, size_t task, size_t i, double decoys)
{
    static const uint8_t unknown[M - 1] = {0};
    double odds[M][MOST] = {{0}}, wrong = 0;
    float x[MOST];
    size_t places = 0;
    for (int m = 0; m < M; m++) {
        places = match(of, task, m, &d->chain[i], x);
        for (size_t t = 0; t < places; t++) odds[m][t] = exp((double)x[t]);
    }
    const uint8_t *gap = gaps ? d->gap + task * (M - 1) : unknown;
    for (int k = 1; k < 6; k++) wrong += order_odds(odds, places, ORDERS[k], gap) / 5;
    return log(order_odds(odds, places, ORDERS[0], gap) + 1e-300) - log(1 - decoys + decoys * wrong);
}

static jd_status allocate(homology_data *d, size_t room)
{
    jd_ctx *ctx = d->ctx;
    d->chain = jd_alloc_array(ctx, room, sizeof *d->chain);
    d->role = jd_alloc_array(ctx, room, d->tasks);
    d->decoy = jd_alloc(ctx, room);
    d->at = jd_alloc_array(ctx, room, M * sizeof *d->at);
    d->which = jd_alloc_array(ctx, room, M);
    d->bag = jd_alloc_array(ctx, room, M * d->tasks * sizeof *d->bag);
    d->odds = jd_alloc_array(ctx, d->tasks, M * C * LETTERS * sizeof *d->odds);
    d->shown = jd_alloc_array(ctx, d->tasks, M * C * LETTERS * sizeof *d->shown);
    d->gap = jd_alloc_array(ctx, d->tasks, M - 1);
    d->text = jd_alloc_array(ctx, room, MOST + 16);
    d->codes = jd_alloc_array(ctx, room, MOST * sizeof *d->codes);
    d->name = jd_alloc_array(ctx, d->tasks, sizeof *d->name);
    for (size_t k = 0; d->name && k < d->tasks; k++) d->name[k] = jd_asprintf(ctx, "%zu", k + 1);
    return jd_error(ctx);
}

jd_status homology_generate(jd_ctx *ctx, const homology_options *o, homology_data *out)
{
    homology_data d = {.ctx = ctx, .tasks = (size_t)o->superfamilies};
    if (o->superfamilies < 2 || o->members < 1 || o->test_members < 1 || !(o->decoys >= 0 && o->decoys < 0.95) ||
        !(o->concentration > 0.001 && o->concentration < 1) || !(o->negatives > 0))
        return jd_fail(
            ctx, JD_EUSAGE,
            "protein-homology: superfamilies are 2 or more, members 1 or more, decoys a share from 0 to 0.95, the "
            "concentration lies between 0.001 and 1, negatives above 0");
    const double others = o->negatives * (1 - o->decoys) / (o->superfamilies - 1);
    const double odds = o->decoys / (1 - o->decoys) * (o->superfamilies - 1);
    const size_t decoys = (size_t)(fmin(others, 1) * odds * o->members + 0.5);
    const size_t test_decoys = (size_t)(odds * o->test_members + 0.5);
    const size_t each = (F - 1) * ((size_t)o->members + decoys) + (size_t)o->test_members + test_decoys;
    const size_t room = each * d.tasks;
    superfamily *all = jd_alloc_array(ctx, d.tasks, sizeof *all);
    if (all && !allocate(&d, room))
        for (size_t s = 0; s < d.tasks; s++) {
            draw_superfamily(o, (int)s, &all[s]);
            for (int f = 0; f < F; f++) {
                const size_t yes = (size_t)(f == F - 1 ? o->test_members : o->members);
                const size_t no = f == F - 1 ? test_decoys : decoys;
                jd_rng r = jd_rng_new(o->seed, "homology/chains", s * F + (size_t)f);
                for (size_t i = 0; i < yes + no; i++) {
                    give_roles(&d, room, s, f, i >= yes, &r, others);
                    add_chain(&d, &r, &all[s], f, ORDERS[i < yes ? 0 : 1 + jd_rng_below(&r, 5)], i >= yes);
                }
            }
        }
    if (!jd_error(ctx)) keep_odds(&d, all);
    if (!jd_error(ctx)) best_matches(&d);
    jd_free(ctx, all);
    if (jd_error(ctx))
        homology_free(&d);
    else
        *out = d;
    return jd_error(ctx);
}

void homology_free(homology_data *d)
{
    jd_ctx *ctx = d->ctx;
    if (!ctx) return;
    for (size_t k = 0; d->name && k < d->tasks; k++) jd_free(ctx, d->name[k]);
    void *all[] = {d->name, d->chain, d->role,  d->decoy, d->at,   d->which,
                   d->bag,  d->odds,  d->shown, d->gap,   d->text, d->codes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    jd_chains_free(ctx, &d->file);
    *d = (homology_data){0};
}

/* ---- files -------------------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp((*(const jd_chain *const *)a)->id, (*(const jd_chain *const *)b)->id);
}

static jd_status take_roles(homology_data *d, const char *path, const jd_tsv *t, const jd_chain **sorted)
{
    jd_ctx *ctx = d->ctx;
    const int id = jd_tsv_column(ctx, t, "id");
    if (id < 0) return jd_error(ctx);
    for (size_t c = 0, k = 0; c < t->cols; c++)
        if ((int)c != id) d->name[k++] = jd_strdup(ctx, t->names[c]);
    for (size_t row = 0; row < t->rows && !jd_error(ctx); row++) {
        const jd_chain key = {.id = t->fields[row * t->cols + (size_t)id]}, *at = &key;
        const jd_chain **found = bsearch(&at, sorted, d->n, sizeof *sorted, by_id);
        if (!found)
            return jd_fail(ctx, JD_EDATA, "%s: line %zu: no sequence is called '%.60s'", path, t->lines[row], key.id);
        for (size_t c = 0, k = 0; c < t->cols; c++) {
            const char *role = t->fields[row * t->cols + c];
            if ((int)c == id) continue;
            if (!(role[0] >= '0' && role[0] <= '4' && !role[1]))
                return jd_fail(ctx, JD_EDATA, "%s: line %zu, column %zu: '%.20s' is none of the roles 0 to 4", path,
                               t->lines[row], c + 1, role);
            d->role[k++ * d->n + (size_t)(*found - d->chain)] = (uint8_t)(role[0] - '0');
        }
    }
    return jd_error(ctx);
}

jd_status homology_read(jd_ctx *ctx, const char *dir, homology_data *out)
{
    homology_data d = {.ctx = ctx};
    jd_tsv t = {0};
    char *fasta = jd_asprintf(ctx, "%s/sequences.fasta", dir), *table = jd_asprintf(ctx, "%s/tasks.tsv", dir);
    if (!jd_error(ctx) && !jd_read_chains(ctx, fasta, &d.file) && !jd_read_tsv(ctx, table, &t)) {
        d.n = d.file.count;
        d.tasks = t.cols > 1 ? t.cols - 1 : 0;
        d.chain = jd_alloc_array(ctx, d.n, sizeof *d.chain);
        d.name = jd_alloc_array(ctx, d.tasks + 1, sizeof *d.name);
        d.role = jd_alloc_array(ctx, d.n, d.tasks + 1);
        const jd_chain **sorted = jd_alloc_array(ctx, d.n, sizeof *sorted);
        if (!jd_error(ctx)) {
            memcpy(d.chain, d.file.items, d.n * sizeof *d.chain);
            for (size_t i = 0; i < d.n; i++) sorted[i] = &d.chain[i];
            qsort(sorted, d.n, sizeof *sorted, by_id);
            take_roles(&d, table, &t, sorted);
        }
        jd_free(ctx, sorted);
    }
    jd_tsv_free(ctx, &t);
    jd_free(ctx, fasta);
    jd_free(ctx, table);
    if (jd_error(ctx))
        homology_free(&d);
    else
        *out = d;
    return jd_error(ctx);
}

/* ---- scores of rankings -------------------------------------------------------------------------------------------------- */

double homology_roc(const double *score, const bool *yes, size_t count)
{
    double above = 0, pairs = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; yes[i] && j < count; j++)
            if (!yes[j]) {
                above += score[i] > score[j] ? 1 : score[i] < score[j] ? 0 : 0.5;
                pairs++;
            }
    return pairs > 0 ? above / pairs : (double)NAN;
}

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

double homology_roc_n(jd_ctx *ctx, const double *score, const bool *yes, size_t count, size_t n)
{
    double *no = jd_alloc_array(ctx, count, sizeof *no), sum = 0;
    size_t positives = 0, negatives = 0;
    for (size_t i = 0; no && i < count; i++) {
        positives += yes[i];
        if (!yes[i]) no[negatives++] = score[i];
    }
    if (no) qsort(no, negatives, sizeof *no, falling);
    if (n > negatives) n = negatives;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < count; k++) sum += yes[k] && score[k] > no[i];
    jd_free(ctx, no);
    return positives && n ? sum / ((double)n * (double)positives) : (double)NAN;
}
