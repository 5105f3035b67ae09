/* Figures of secondary structure. */
#include "protein.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names3[3] = {"H", "E", "C"};
static const char *const names8[8] = {"H", "G", "I", "E", "B", "T", "S", "C"};

void protein_score_free(const protein_bag *bag, protein_score *s)
{
    for (size_t i = 0; s->p && i < bag->n; i++) jd_free(bag->ctx, s->p[i]);
    if (bag->ctx) {
        jd_free(bag->ctx, s->p);
        jd_free(bag->ctx, s->chain3);
    }
    *s = (protein_score){0};
}

static void show_table(jd_report *rep, const protein_line *lines, size_t n)
{
    enum { COLUMNS = 6 };
    char room[8][COLUMNS - 2][32];
    const char *cells[8 * COLUMNS];
    for (size_t i = 0; i < n && i < 8; i++) {
        const protein_score *s = lines[i].score;
        snprintf(room[i][0], sizeof room[i][0], "%lld", (long long)lines[i].weights);
        snprintf(room[i][1], sizeof room[i][1], "%.2f", protein_q3(s));
        snprintf(room[i][2], sizeof room[i][2], "%.2f", s->chains);
        snprintf(room[i][3], sizeof room[i][3], "%.2f", protein_q8(s));
        const char *row[COLUMNS] = {lines[i].name, lines[i].spec, room[i][0], room[i][1], room[i][2], room[i][3]};
        memcpy(cells + i * COLUMNS, row, sizeof row);
    }
    jd_report_table(
        rep, (const char *const[]){"network", "layers", "weights", "Q3 (%)", "Q3, mean of chains (%)", "Q8 (%)"}, cells,
        n, COLUMNS,
        "Test chains. Q3 and Q8 count residues, so that long chains count more; the mean over chains does not. Only "
        "residues that CB513 counts (its mask) are measured.");
}

/* The chain's letters, truth, and what the network says, over its residues. */
static void show_chain(jd_run *r, const protein_bag *bag, const protein_score *s, size_t i)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const jd_chain *c = bag->chain[i];
    const size_t T = c->length;
    float *truth = jd_alloc_array(ctx, T * 3, sizeof *truth), *said = jd_alloc_array(ctx, T * 3, sizeof *said);
    double *at = jd_alloc_array(ctx, T, sizeof *at);
    char *text = jd_alloc(ctx, 3 * (T + 1)), *right = text + T + 1, *found = right + T + 1, caption[400];
    jd_timeline *line = text ? jd_timeline_new(ctx, "residue", 0, (double)T) : NULL;
    if (truth && said && at && line) {
        for (size_t t = 0; t < T; t++) {
            const float *p = s->p[i] + t * PROTEIN_OUTPUTS;
            const int best = p[0] >= p[1] && p[0] >= p[2] ? 0 : p[1] >= p[2] ? 1 : 2;
            for (size_t k = 0; k < 3; k++) said[t * 3 + k] = p[k];
            if (c->q3[t] >= 0) truth[t * 3 + (size_t)c->q3[t]] = 1;
            text[t] = c->letters[t];
            right[t] = c->q3[t] >= 0 ? JD_STATES3[c->q3[t]] : '.';
            found[t] = JD_STATES3[best];
            at[t] = (double)t + 0.5;
        }
        jd_map m = {.label = "true",
                    .value_label = "state",
                    .values = truth,
                    .T = T,
                    .H = 3,
                    .vmin = 0,
                    .vmax = 1,
                    .row_names = names3,
                    .height = 42};
        jd_timeline_map(line, &m);
        m.label = "said";
        m.value_label = "p";
        m.values = said;
        jd_timeline_map(line, &m);
        jd_timeline_text(line, "residues", text, at);
        jd_timeline_text(line, "true", right, at);
        jd_timeline_text(line, "said", found, at);
        snprintf(
            caption, sizeof caption,
            "Test chain %s, %zu residues, %.1f %% in the right state. Bright is likely: below each state's row of the "
            "truth, how sure the network is of it; strands are where it hesitates most.",
            c->id, T, s->chain3[i]);
        jd_report_timeline(jd_run_report(r), line, caption);
    } else {
        jd_timeline_free(line);
    }
    jd_free(ctx, truth);
    jd_free(ctx, said);
    jd_free(ctx, at);
    jd_free(ctx, text);
}

typedef struct ranked {
    double q3;
    size_t chain;
} ranked;

static int by_q3(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->q3 != y->q3 ? (x->q3 < y->q3 ? 1 : -1) : (x->chain > y->chain) - (x->chain < y->chain);
}

/* Of the chains short enough for their letters to be read: one of the best, one in the middle, one of the worst. */
static void show_chains(jd_run *r, const protein_bag *bag, const protein_score *s)
{
    jd_ctx *ctx = jd_run_ctx(r);
    ranked *list = jd_alloc_array(ctx, bag->n, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; list && i < bag->n; i++)
        if (bag->chain[i]->length >= 40 && bag->chain[i]->length <= 90 && !isnan(s->chain3[i]))
            list[n++] = (ranked){s->chain3[i], i};
    if (list) qsort(list, n, sizeof *list, by_q3);
    const size_t pick[] = {n / 10, n / 2, n - 1 - n / 10};
    for (int k = 0; k < 3 && n >= 3; k++) show_chain(r, bag, s, list[pick[k]].chain);
    jd_free(ctx, list);
}

static void show_spread(jd_run *r, const protein_bag *bag, const protein_score *s)
{
    jd_ctx *ctx = jd_run_ctx(r);
    double *x = jd_alloc_array(ctx, bag->n, sizeof *x);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "length of the chain (residues)", .scale = JD_LOG},
                               &(jd_axis){.label = "Q3 of the chain (%)", .min = 20, .max = 100}, 260);
    for (size_t i = 0; x && i < bag->n; i++) x[i] = (double)bag->chain[i]->length;
    if (x) jd_chart_points(c, NULL, x, s->chain3, NULL, NULL, bag->n, 0);
    jd_chart_hline(c, "all residues", protein_q3(s), JD_DASHED | JD_NEUTRAL);
    jd_report_chart(jd_run_report(r), c,
                    "Each test chain. Short chains scatter most; some folds the network has no inkling of, since what "
                    "stands far apart in the chain but side by side in space decides.");
    jd_free(ctx, x);
}

/* How often the network is right when it is so sure. */
static void show_confidence(jd_run *r, const protein_bag *bag, const protein_score *s)
{
    enum { BINS = 13 };
    double all[BINS] = {0}, right[BINS] = {0}, sum[BINS] = {0}, x[BINS], y[BINS], share[BINS], total = 0;
    for (size_t i = 0; i < bag->n; i++)
        for (size_t t = 0; t < bag->chain[i]->length; t++) {
            const float *p = s->p[i] + t * PROTEIN_OUTPUTS;
            const int32_t truth = bag->chain[i]->q3[t];
            const int best = p[0] >= p[1] && p[0] >= p[2] ? 0 : p[1] >= p[2] ? 1 : 2;
            if (truth < 0) continue;
            int k = (int)(((double)p[best] - 1.0 / 3) * BINS * 1.5);
            k = k < 0 ? 0 : k >= BINS ? BINS - 1 : k;
            all[k]++;
            sum[k] += (double)p[best];
            right[k] += truth == best;
            total++;
        }
    for (int k = 0; k < BINS; k++) {
        x[k] = all[k] > 20 ? sum[k] / all[k] : (double)NAN;
        y[k] = all[k] > 20 ? 100 * right[k] / all[k] : (double)NAN;
        share[k] = all[k] > 20 ? 100 * all[k] / total : (double)NAN;
    }
    jd_chart *c =
        jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "probability of the state that is said", .min = 0.3, .max = 1},
                     &(jd_axis){.label = "right (%)", .min = 30, .max = 100}, 240);
    jd_chart_line(c, "honest", (const double[]){1.0 / 3, 1}, (const double[]){100.0 / 3, 100}, 2,
                  JD_DASHED | JD_NEUTRAL);
    jd_chart_line(c, "BLSTM", x, y, BINS, JD_MARKS);
    jd_chart_panel(c, &(jd_axis){.label = "residues (%)"}, 110);
    jd_chart_line(c, NULL, x, share, BINS, JD_MARKS);
    jd_report_chart(jd_run_report(r), c,
                    "Residues by how sure the network is. Under the dashed line it promises more than it keeps.");
}

void protein_show(jd_run *r, const protein_bag *test, const protein_line *lines, size_t n)
{
    jd_report *rep = jd_run_report(r);
    const protein_score *s = lines[0].score;
    jd_report_section(rep, "Networks compared");
    show_table(rep, lines, n);
    jd_report_section(rep, "Chains");
    show_chains(r, test, s);
    show_spread(r, test, s);
    jd_report_section(rep, "What is taken for what");
    jd_report_confusion(rep, names3, s->confusion3, 3, "BLSTM, three states: helix H, strand E, coil C.");
    jd_report_confusion(rep, names8, s->confusion8, 8,
                        "BLSTM, the eight states of DSSP: helices H, G (3-10), I (pi); strands E, bridges B; turns T, "
                        "bends S, and the rest. The rare states are hardly ever said.");
    show_confidence(r, test, s);
}
