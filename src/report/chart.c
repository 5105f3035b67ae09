/*
 * chart.c - filling a chart: copies of the data, colours by label.
 */
#include "chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

jd_chart *jd_chart_new(jd_ctx *ctx, const jd_axis *x, const jd_axis *y, double height)
{
    if (jd_error(ctx)) return NULL;
    jd_chart *c = jd_alloc(ctx, sizeof *c);
    if (!c) return NULL;
    c->ctx = ctx;
    if (x) c->x = *x;
    if (x && x->label) c->x_label = jd_strdup(ctx, x->label);
    if (jd_chart_panel(c, y, height)) {
        jd_chart_free(c);
        return NULL;
    }
    return c;
}

static void free_series(jd_ctx *ctx, jd__series *s)
{
    for (size_t i = 0; s->texts && i < s->n; i++) jd_free(ctx, s->texts[i]);
    jd_free(ctx, s->texts);
    jd_free(ctx, s->label);
    jd_free(ctx, s->x);
    jd_free(ctx, s->y);
    jd_free(ctx, s->hi);
}

void jd_chart_free(jd_chart *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n_series; i++) free_series(c->ctx, &c->series[i]);
    for (size_t i = 0; i < c->n_panels; i++) jd_free(c->ctx, c->panel[i].label);
    jd_free(c->ctx, c->series);
    jd_free(c->ctx, c->panel);
    jd_free(c->ctx, c->x_label);
    jd_free(c->ctx, c);
}

/* Room for one more element; `cap` doubles. */
static void *room(jd_ctx *ctx, void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return p;
    size_t more = *cap ? *cap * 2 : 8;
    void *q = jd_realloc(ctx, p, *cap * size, more * size);
    if (q) *cap = more;
    return q;
}

jd_status jd_chart_panel(jd_chart *c, const jd_axis *y, double height)
{
    if (!c) return JD_EUSAGE;
    if (jd_error(c->ctx)) return jd_error(c->ctx);
    if (c->n_panels >= JD__PANELS)
        return jd_fail(c->ctx, JD_EUSAGE, "jd_chart_panel: more than %d panels; make a second chart", JD__PANELS);
    void *p = room(c->ctx, c->panel, c->n_panels, &c->panel_cap, sizeof *c->panel);
    if (!p) return jd_error(c->ctx);
    c->panel = p;
    jd__panel *panel = &c->panel[c->n_panels];
    *panel = (jd__panel){.height = height > 0 ? fmin(fmax(height, 60), 4000) : 300};
    if (y) panel->y = *y;
    if (y && y->label) panel->label = jd_strdup(c->ctx, y->label);
    c->n_panels++;
    return jd_error(c->ctx);
}

static int color_of(jd_chart *c, const char *label, int flags)
{
    if (flags & JD_NEUTRAL) return JD__NEUTRAL;
    for (size_t i = 0; label && i < c->n_series; i++)
        if (c->series[i].label && c->series[i].color >= 0 && !strcmp(c->series[i].label, label))
            return c->series[i].color;
    return c->colors++;
}

static double *copy(jd_ctx *ctx, const double *v, size_t n)
{
    double *p = jd_alloc_array(ctx, n + 1, sizeof *p);
    if (p && v && n) memcpy(p, v, n * sizeof *p);
    for (size_t i = 0; p && !v && i < n; i++) p[i] = (double)i;
    return p;
}

static jd__series *add(jd_chart *c, jd__kind kind, const char *label, const double *x, const double *y, size_t seeds,
                       size_t n, int flags)
{
    size_t total;
    if (!c || jd_error(c->ctx)) return NULL;
    if (n > SIZE_MAX / 64 || __builtin_mul_overflow(n, seeds, &total) || total > SIZE_MAX / 64 || (n && !y)) {
        jd_fail(c->ctx, JD_EUSAGE, "chart: series '%s': %zu x %zu values at %p; give all of them", label ? label : "",
                seeds, n, (const void *)y);
        return NULL;
    }
    void *p = room(c->ctx, c->series, c->n_series, &c->series_cap, sizeof *c->series);
    if (!p) return NULL;
    c->series = p;
    jd__series *s = &c->series[c->n_series];
    *s = (jd__series){.kind = kind, .panel = (int)c->n_panels - 1, .flags = flags, .n = n, .seeds = seeds};
    s->color = kind == JD__HLINE || kind == JD__VLINE ? JD__NEUTRAL : color_of(c, label, flags);
    c->n_series++;
    if (label) s->label = jd_strdup(c->ctx, label);
    s->x = copy(c->ctx, x, n);
    s->y = copy(c->ctx, y, total);
    return jd_error(c->ctx) ? NULL : s;
}

static jd_status status(const jd_chart *c)
{
    return c ? jd_error(c->ctx) : JD_EUSAGE;
}

jd_status jd_chart_line(jd_chart *c, const char *label, const double *x, const double *y, size_t n, int flags)
{
    add(c, JD__LINE, label, x, y, 1, n, flags);
    return status(c);
}

jd_status jd_chart_band(jd_chart *c, const char *label, const double *x, const double *lo, const double *hi, size_t n,
                        int flags)
{
    if (c && n && !hi) return jd_fail(c->ctx, JD_EUSAGE, "jd_chart_band: no upper edge; give both edges");
    jd__series *s = add(c, JD__BAND, label, x, lo, 1, n, flags);
    if (s) s->hi = copy(c->ctx, hi, n);
    return status(c);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

jd_status jd_chart_seeds(jd_chart *c, const char *label, const double *x, const double *y, size_t seeds, size_t n,
                         int flags)
{
    jd__series *s = add(c, JD__SEEDS, label, x, y, seeds, n, flags);
    double *v = s ? jd_alloc_array(c->ctx, seeds + 1, sizeof *v) : NULL;
    if (v && (s->hi = copy(c->ctx, NULL, n)))
        for (size_t i = 0; i < n; i++) {
            size_t m = 0;
            for (size_t k = 0; k < seeds; k++)
                if (isfinite(y[k * n + i])) v[m++] = y[k * n + i];
            qsort(v, m, sizeof *v, ascending);
            s->hi[i] = !m ? NAN : m % 2 ? v[m / 2] : v[m / 2 - 1] / 2 + v[m / 2] / 2;
        }
    if (s) jd_free(c->ctx, v);
    return status(c);
}

jd_status jd_chart_points(jd_chart *c, const char *label, const double *x, const double *y, const double *error,
                          const char *const *texts, size_t n, int flags)
{
    jd__series *s = add(c, JD__POINTS, label, x, y, 1, n, flags);
    if (s && error) s->hi = copy(c->ctx, error, n);
    if (s && texts && (s->texts = jd_alloc_array(c->ctx, n + 1, sizeof *s->texts)))
        for (size_t i = 0; i < n; i++)
            if (texts[i]) s->texts[i] = jd_strdup(c->ctx, texts[i]);
    return status(c);
}

jd_status jd_chart_hline(jd_chart *c, const char *label, double y, int flags)
{
    add(c, JD__HLINE, label, &y, &y, 1, 1, flags);
    return status(c);
}

jd_status jd_chart_vline(jd_chart *c, const char *label, double x, int flags)
{
    add(c, JD__VLINE, label, &x, &x, 1, 1, flags);
    return status(c);
}

char *jd_chart_svg(jd_chart *c, size_t *bytes)
{
    if (bytes) *bytes = 0;
    if (!c || jd_error(c->ctx)) return NULL;
    jd__text t = {.ctx = c->ctx};
    jd__chart_draw(c, &t, 0, c->panel[0].label ? c->panel[0].label : c->x_label, true);
    return jd__text_take(&t, bytes);
}
