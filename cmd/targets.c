/* targets.c - see targets.h. */
#include "targets.h"

#include <math.h>
#include <string.h>

enum { CHARTS = 6, POINTS = 2000 };

const char *target_title(const model *m, int k, char out[COLUMN_NAME])
{
    if (!column_title(m->target, k, out)) snprintf(out, COLUMN_NAME, m->targets > 1 ? "target %d" : "target", k + 1);
    return out;
}

double targets_r2(const model *m, const measured *e)
{
    double sum = 0;
    for (int k = 0; k < m->targets; k++) sum += e->r2[k];
    return sum / m->targets;
}

/* The answers for target k over the truth, at most POINTS of them. */
static void draw(jd_ctx *ctx, jd_report *rep, const model *m, const samples *s, const uint32_t *index,
                 const measured *e, int k)
{
    const size_t K = (size_t)m->targets, every = (e->n + POINTS - 1) / POINTS, n = e->n / (every ? every : 1);
    double *x = jd_alloc_array(ctx, n + 1, 2 * sizeof *x), *y = x ? x + n : NULL, ends[2] = {INFINITY, -INFINITY};
    char name[COLUMN_NAME], label[COLUMN_NAME + 20];
    for (size_t i = 0; x && i < n; i++) {
        const size_t at = i * every;
        x[i] = (double)s->target[(index ? index[at] : at) * K + (size_t)k];
        y[i] = (double)e->p[at * K + (size_t)k];
        ends[0] = fmin(ends[0], fmin(x[i], y[i]));
        ends[1] = fmax(ends[1], fmax(x[i], y[i]));
    }
    if (x && n > 1 && ends[0] < ends[1]) {
        snprintf(label, sizeof label, "%s, true", target_title(m, k, name));
        jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = label}, &(jd_axis){.label = "answer"}, 300);
        jd_chart_line(c, "right answers", ends, ends, 2, JD_DASHED | JD_NEUTRAL | JD_NO_LABEL);
        jd_chart_points(c, name, x, y, NULL, NULL, n, JD_NO_LABEL);
        char *text =
            jd_asprintf(ctx, "%s: what the network answers over what is true; on the dashed line both agree%s.", name,
                        every > 1 ? "; a part of the samples" : "");
        jd_report_chart(rep, c, text ? text : "");
        jd_free(ctx, text);
    }
    jd_free(ctx, x);
}

void targets_report(jd_ctx *ctx, jd_report *rep, const model *m, const samples *s, const uint32_t *index,
                    const measured *e)
{
    enum { COLUMNS = 3, ROWS = 100, CELL = COLUMN_NAME };
    const int rows = m->targets < ROWS ? m->targets : ROWS;
    char(*text)[CELL] = jd_alloc_array(ctx, (size_t)(rows * COLUMNS), sizeof *text);
    const char **cell = jd_alloc_array(ctx, (size_t)(rows * COLUMNS), sizeof *cell);
    if (!jd_error(ctx)) {
        for (int k = 0; k < rows; k++) {
            target_title(m, k, text[COLUMNS * k]);
            snprintf(text[COLUMNS * k + 1], CELL, "%.5g", sqrt(e->mse[k]));
            snprintf(text[COLUMNS * k + 2], CELL, "%.4g", e->r2[k]);
        }
        for (int i = 0; i < rows * COLUMNS; i++) cell[i] = text[i];
        jd_report_section(rep, m->targets > 1 ? "Its targets" : "Its answers");
        jd_report_table(
            rep, (const char *const[]){"target", "root mean squared error", "R2"}, cell, (size_t)rows, COLUMNS,
            m->targets > 1 ? "Each in its own unit.  R2 is the share of a target's variance that the answers "
                             "explain: 1 is perfect, 0 no better than its mean."
                           : "R2 is the share of the target's variance that the answers explain: 1 is perfect, "
                             "0 no better than its mean.");
    }
    jd_free(ctx, text);
    jd_free(ctx, cell);
    for (int k = 0; k < m->targets && k < CHARTS && !jd_error(ctx); k++) draw(ctx, rep, m, s, index, e, k);
}
