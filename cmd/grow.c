/* grow.c - networks of polynomial units grown from a table: as a model of the program, as a drawing, as C source. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"
#include "grow.h"

#define LAYER "polynomial1" /* how jd_net names the parameters of the first layer */

const char *const grow_units[] = {"quadratic", "linear", "bilinear", "cubic", NULL}; /* as jd_gmdh_unit */

/* The model of a grown network: what it expects of the rows stands in its scaling. */
static jd_status become(jd_ctx *ctx, const jd_gmdh *net, const samples *s, model *m, jd_params *p)
{
    const size_t columns = (size_t)s->dim[0];
    const double *mean, *scale;
    double y_mean, y_scale;
    char *spec = jd_gmdh_spec(net);
    jd_free(ctx, m->net);
    m->net = spec;
    m->rank = 1;
    m->dim[0] = s->dim[0];
    m->mean = jd_alloc_array(ctx, columns, sizeof *m->mean);
    m->scale = jd_alloc_array(ctx, columns, sizeof *m->scale);
    m->targets = 1;
    m->t_mean = jd_alloc_array(ctx, 1, sizeof *m->t_mean);
    m->t_scale = jd_alloc_array(ctx, 1, sizeof *m->t_scale);
    jd_gmdh_scaling(net, &mean, &scale, &y_mean, &y_scale);
    if (!jd_error(ctx)) m->t_mean[0] = y_mean, m->t_scale[0] = y_scale > 0 ? 1 / y_scale : 1;
    if (s->columns) m->columns = jd_strdup(ctx, s->columns);
    if (s->target_column) m->target = jd_strdup(ctx, s->target_column);
    m->forms = jd_strdup(ctx, s->forms ? s->forms : "");
    for (size_t k = 0; !jd_error(ctx) && k < columns; k++) {
        m->mean[k] = (float)mean[k];
        m->scale[k] = (float)scale[k];
    }
    return jd_error(ctx) || model_alone(ctx, m) ? jd_error(ctx) : jd_gmdh_params(net, LAYER, p);
}

jd_gmdh *grow_model(jd_ctx *ctx, const grow_options *o, const samples *s, const uint32_t *index, size_t n, model *m,
                    jd_params *p)
{
    const size_t columns = (size_t)s->dim[0];
    double *x = jd_alloc_array(ctx, n * columns, sizeof *x), *y = jd_alloc_array(ctx, n, sizeof *y);
    double *mean = jd_alloc_array(ctx, columns, sizeof *mean);
    jd_gmdh *net = NULL;
    if (s->targets > 1)
        jd_fail(
            ctx, JD_EUSAGE,
            "%d targets: --method gmdh grows a network for one, whose inputs and layers it chooses; grow one for each, "
            "with the others left out of its inputs: --target A --columns -B",
            s->targets);
    for (size_t k = 0; !jd_error(ctx) && k < columns; k++) { /* what stands for missing cells */
        double sum = 0, count = 0;
        for (size_t i = 0; i < n; i++) {
            const double v = (double)s->values[index[i] * columns + k];
            sum += isnan(v) ? 0 : v;
            count += !isnan(v);
        }
        mean[k] = count > 0 ? sum / count : 0;
    }
    for (size_t i = 0; !jd_error(ctx) && i < n; i++) {
        for (size_t k = 0; k < columns; k++) {
            const double v = (double)s->values[index[i] * columns + k];
            x[i * columns + k] = isnan(v) ? mean[k] : v;
        }
        y[i] = (double)s->target[index[i]];
    }
    if (!jd_error(ctx)) net = jd_gmdh_grow(ctx, x, y, (int64_t)n, (int64_t)columns, &o->gmdh);
    if (net && become(ctx, net, s, m, p)) {
        jd_gmdh_free(net);
        net = NULL;
    }
    jd_free(ctx, x);
    jd_free(ctx, y);
    jd_free(ctx, mean);
    return net;
}

void grow_source(jd_run *r, jd_gmdh *net, jd_params *p)
{
    jd_ctx *ctx = jd_run_ctx(r);
    char *source = jd_gmdh_take(net, LAYER, p) ? NULL : jd_gmdh_source(net, "predict");
    if (source) jd_write_file(ctx, jd_run_path(r, "model.c"), source, strlen(source));
    jd_free(ctx, source);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

typedef struct drawing {
    jd_chart *chart;
    const jd_gmdh *net;
    int *place; /* of each input among those used, or -1 */
    int inputs;
} drawing;

/* Height of unit k of n, the tallest column being `most` high. */
static double height_of(int k, int n, int most)
{
    return 0.5 * (most - n) + n - 1 - k;
}

static void draw_edges(const drawing *d, int layer, int most)
{
    const int below = layer ? jd_gmdh_units(d->net, layer - 1) : 0, n = jd_gmdh_units(d->net, layer);
    for (int k = 0; k < n; k++) {
        int source[2], terms;
        jd_gmdh_unit_at(d->net, layer, k, source, &terms);
        for (int s = 0; s < 2; s++) {
            const bool unit = source[s] < below;
            const int at = unit ? source[s] : d->place[source[s] - below];
            const double x[2] = {unit ? layer : 0, layer + 1};
            const double y[2] = {height_of(at, unit ? below : d->inputs, most), height_of(k, n, most)};
            jd_chart_line(d->chart, unit || !layer ? "units" : "inputs again", x, y, 2, JD_NO_LABEL);
        }
    }
}

static void draw(jd_ctx *ctx, jd_report *rep, const jd_gmdh *net, const char *const *names)
{
    const int *used, inputs = jd_gmdh_used(net, &used), layers = jd_gmdh_layers(net);
    int most = inputs;
    for (int l = 0; l < layers; l++) most = jd_gmdh_units(net, l) > most ? jd_gmdh_units(net, l) : most;
    drawing d = {.net = net, .inputs = inputs, .place = jd_alloc_array(ctx, (size_t)jd_gmdh_inputs(net), sizeof(int))};
    double *x = jd_alloc_array(ctx, 2 * (size_t)most, sizeof *x), *y = x + most;
    const char **texts = jd_alloc_array(ctx, (size_t)most, sizeof *texts);
    if (!jd_error(ctx)) {
        d.chart = jd_chart_new(ctx, &(jd_axis){.label = "layer", .min = -0.5, .max = layers + 0.5},
                               &(jd_axis){.label = "", .min = -0.7, .max = most - 0.3}, 60 + 26 * most);
        for (int i = 0; i < inputs; i++) d.place[used[i]] = i;
        for (int l = 0; l < layers; l++) draw_edges(&d, l, most);
        for (int l = -1; l < layers; l++) {
            const int n = l < 0 ? inputs : jd_gmdh_units(net, l);
            for (int k = 0; k < n; k++) {
                x[k] = l + 1;
                y[k] = height_of(k, n, most);
                texts[k] = l < 0 ? names[used[k]] : l + 1 == layers ? "answer" : NULL;
            }
            jd_chart_points(d.chart, l < 0 ? "input" : "unit", x, y, NULL, texts, (size_t)n,
                            JD_NEUTRAL | (l < 0 ? JD_HOLLOW : 0));
        }
        jd_report_chart(
            rep, d.chart,
            "The network that grew: inputs at the left, then a column of polynomial units for each layer. A "
            "line leads from each of a unit's two sources to it; lines of the other colour come from inputs "
            "that are used again above the first layer. What the answer does not need was pruned.");
    }
    jd_free(ctx, d.place);
    jd_free(ctx, x);
    jd_free(ctx, texts);
}

static void show_growth(jd_ctx *ctx, jd_report *rep, const jd_gmdh *net)
{
    const double *criterion;
    double layer[64];
    int n = jd_gmdh_history(net, &criterion);
    if (n > 64) n = 64;
    for (int l = 0; l < n; l++) layer[l] = l + 1;
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "layer", .min = 0, .max = n + 1},
                               &(jd_axis){.label = "criterion of the best unit", .scale = JD_LOG}, 220);
    jd_chart_line(c, "criterion", layer, criterion, (size_t)n, JD_MARKS | JD_NO_LABEL);
    jd_chart_vline(c, "kept", jd_gmdh_layers(net), JD_DASHED);
    jd_report_chart(rep, c,
                    "Squared error on the rows that were not fitted, of each layer's best unit; growth stops where it "
                    "no longer falls.");
}

void grow_report(jd_ctx *ctx, jd_report *rep, const jd_gmdh *net, const model *m)
{
    const int64_t n = jd_gmdh_inputs(net);
    char(*name)[COLUMN_NAME] = jd_alloc_array(ctx, (size_t)n, COLUMN_NAME);
    const char **names = jd_alloc_array(ctx, (size_t)n, sizeof *names);
    if (!jd_error(ctx)) {
        for (int k = 0; k < n; k++) names[k] = input_title(m, k, name[k]);
        jd_report_section(rep, "The network that grew");
        if (!jd_gmdh_layers(net)) {
            jd_report_text(rep,
                           "No unit predicts the target better than it predicts shuffled targets, so the answer is "
                           "their mean: a constant.");
        } else {
            draw(ctx, rep, net, names);
            show_growth(ctx, rep, net);
            char *text = jd_gmdh_text(net, names), *line = text;
            jd_report_text(rep, "Its units before any training by gradient; inputs in brackets are standardised.");
            for (char *end; line && (end = strchr(line, '\n')); line = end + 1) {
                *end = 0;
                char *item = jd_asprintf(ctx, "- `%s`", line);
                if (item) jd_report_text(rep, item);
                jd_free(ctx, item);
            }
            jd_free(ctx, text);
        }
    }
    jd_free(ctx, name);
    jd_free(ctx, names);
}
