/* Figures of superfamilies: scores, and chains as the network reads them. */
#include "homology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* In how many superfamilies a score reaches at least so much: the figure of the literature. */
static void report_counts(homology_lab *l)
{
    enum { MOST = 200 };
    double roc50[MOST], control[MOST], count[MOST];
    const size_t n = l->tasks < MOST ? l->tasks : MOST;
    for (size_t i = 0; i < n; i++) {
        roc50[i] = l->task[i].roc50;
        control[i] = l->task[i].bag_roc50;
        count[i] = (double)(i + 1);
    }
    qsort(roc50, n, sizeof *roc50, falling);
    qsort(control, n, sizeof *control, falling);
    jd_chart *c = jd_chart_new(l->ctx, &(jd_axis){.label = "ROC50", .min = 0, .max = 1},
                               &(jd_axis){.label = "superfamilies that reach it", .min = 0, .max = (double)n}, 240);
    jd_chart_line(c, "LSTM", roc50, count, n, JD_MARKS);
    if (l->data.bag) jd_chart_line(c, "bag of motifs", control, count, n, JD_MARKS);
    jd_report_chart(
        jd_run_report(l->r), c,
        "How many superfamilies reach a ROC50: curves further to the right are better. The bag of motifs knows "
        "the true motifs and how well each matches anywhere in the chain, but not their order.");
}

static void report_table(homology_lab *l)
{
    enum { COLUMNS = 10, MOST = 60 };
    static char room[MOST][COLUMNS - 1][24];
    const char *cells[MOST * COLUMNS];
    const size_t n = l->tasks < MOST ? l->tasks : MOST;
    for (size_t i = 0; i < n; i++) {
        const homology_task *t = &l->task[i];
        const double v[] = {t->roc,     t->roc50, t->seen_roc, t->decoys_roc, t->bag_roc,
                            t->blurred, t->shown, t->known,    t->known50};
        cells[i * COLUMNS] = l->data.name[t->number];
        for (int k = 0; k < COLUMNS - 1; k++) snprintf(room[i][k], sizeof room[i][k], "%.3f", v[k]);
        for (int k = 0; k < COLUMNS - 1; k++) cells[i * COLUMNS + (size_t)k + 1] = room[i][k];
    }
    jd_report_table(
        jd_run_report(l->r),
        (const char *const[]){"superfamily", "ROC", "ROC50", "families seen", "decoys alone", "bag",
                              "order of four families", "and distances", "ceiling", "ceiling: ROC50"},
        cells, n, COLUMNS,
        "Chains of a family that was not in training. ROC: how probable it is that a member ranks above a chain "
        "that is none; 0.5 is chance. ROC50: the share of the members that rank above the first 50 others. Families "
        "seen: ROC of the chains of training. Ceiling: the likelihood ratio of somebody who knows the motifs of the "
        "superfamily's ancestor, their distances and their order, but not which columns the new family has drawn "
        "anew. Order of four families: the same for somebody who knows instead the motifs of the four families of "
        "training, takes their mean, and does not know the distances; and distances: who knows these as well.");
}

/* A test chain with its motifs, the cells, and what would be said after each residue. */
static jd_status show_chain(homology_task *t, size_t i, const char *caption)
{
    homology_lab *l = t->lab;
    jd_ctx *ctx = l->ctx;
    const jd_chain *c = t->test.chain[i];
    const size_t T = c->length, H = (size_t)l->units;
    const int32_t length = (int32_t)T;
    const jd_tensor in[] = {JD_TENSOR("residue", JD_I32, c->residue, (int64_t)T, 1),
                            JD_TENSOR("length", JD_I32, &length, 1)};
    if (jd_fn_run(t->look, in, 2)) return jd_error(ctx);
    const float *each = jd_fn_result(t->look, "each", NULL), *cells = jd_fn_result(t->look, "cells", NULL);
    float *map = jd_alloc_array(ctx, T * H, sizeof *map), *place = jd_alloc_array(ctx, T * 3, sizeof *place);
    jd_timeline *line = map && place ? jd_timeline_new(ctx, "residue", 0, (double)T) : NULL;
    if (each && cells && line) {
        static const char *const motifs[] = {"motif 1", "motif 2", "motif 3"};
        for (size_t k = 0; k < T * H; k++) map[k] = tanhf(cells[k] / 8);
        for (int m = 0; m < HOMOLOGY_MOTIFS && l->data.at; m++) {
            const size_t j = t->index[i] * HOMOLOGY_MOTIFS + (size_t)m;
            for (int k = 0; k < HOMOLOGY_COLUMNS; k++)
                place[((size_t)l->data.at[j] + (size_t)k) * 3 + l->data.which[j]] = 1;
        }
        if (l->data.at)
            jd_timeline_map(line, &(jd_map){.label = "motifs",
                                            .value_label = "there",
                                            .values = place,
                                            .T = T,
                                            .H = 3,
                                            .vmin = 0,
                                            .vmax = 1,
                                            .row_names = motifs,
                                            .height = 45});
        jd_timeline_map(line, &(jd_map){.label = "cells",
                                        .value_label = "tanh(cell / 8)",
                                        .values = map,
                                        .T = T,
                                        .H = H,
                                        .colors = JD_DIVERGING,
                                        .height = 150});
        jd_timeline_lines(line, "said so far (logit)", each, T, 1, (const char *const[]){"logit"}, 0, 0);
        jd_report_timeline(jd_run_report(l->r), line, caption);
    } else {
        jd_timeline_free(line);
    }
    jd_free(ctx, map);
    jd_free(ctx, place);
    return jd_error(ctx);
}

/* The positive and the decoy in the middle of their kind's ranking. */
static size_t middle(const homology_task *t, bool decoy)
{
    const homology_data *d = &t->lab->data;
    size_t best = t->test.n, nearest = t->test.n;
    size_t kind = 0;
    for (size_t i = 0; i < t->test.n; i++) kind += decoy ? d->decoy && d->decoy[t->index[i]] : t->yes[i];
    for (size_t i = 0; i < t->test.n; i++) {
        if (!(decoy ? d->decoy && d->decoy[t->index[i]] : t->yes[i])) continue;
        size_t above = 0;
        for (size_t k = 0; k < t->test.n; k++)
            above += (decoy ? d->decoy && d->decoy[t->index[k]] : t->yes[k]) && t->score[k] > t->score[i];
        const size_t far = above > kind / 2 ? above - kind / 2 : kind / 2 - above;
        if (far < nearest) {
            nearest = far;
            best = i;
        }
    }
    return best;
}

void homology_show(homology_lab *l, const char *title)
{
    jd_report_section(jd_run_report(l->r), title);
    if (l->tasks > 2) report_counts(l);
    report_table(l);
    const size_t yes = middle(&l->task[0], false), no = middle(&l->task[0], true);
    if (yes < l->task[0].test.n)
        show_chain(
            &l->task[0], yes,
            "A member of the first superfamily, of the family not seen in training: each cell hands on what it "
            "holds to the next one a residue later, and letters add to it on the way. What is said rises after the "
            "last of the motifs, if all stand at their distances.");
    if (no < l->task[0].test.n)
        show_chain(&l->task[0], no, "A decoy: the same motifs, in another order. The answer must be negative.");
}
