/* tails.c - columns of numbers with long tails, such as incomes or a few cells of 1e9: a net is shown their logarithm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/cells.h"
#include "model.h"

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where the logarithm of n sorted numbers is centred, and its scale; false where their tails are no longer than an exponential
 * distribution's, which in a thousand numbers reaches 6 times the distance of its quartiles beyond them. */
static bool long_tails(const double *v, size_t n, double *centre, double *scale)
{
    enum { FEWEST = 50, LONG = 20 };
    if (n < FEWEST) return false;
    const double low = v[n / 4], middle = v[n / 2], high = v[3 * n / 4], spread = high - low;
    if (!(spread > 0) || fmax(v[n - 1] - high, low - v[0]) <= LONG * spread) return false;
    size_t zeros = 0;
    while (zeros < n && v[zeros] <= 0) zeros++;
    const bool positive = v[0] >= 0 && n > zeros; /* amounts: what is small is told apart too */
    *centre = positive ? 0 : middle;
    *scale = positive ? v[zeros + (n - zeros) / 10] : spread / 2;
    return *scale > 0;
}

jd_status tails_find(jd_ctx *ctx, jd_table *t, size_t inputs)
{
    char *list = jd_strdup(ctx, "");
    double *v = jd_alloc_array(ctx, t->rows + 1, sizeof *v);
    bool any = t->forms != NULL;
    for (size_t k = 0; list && v && k < t->cols; k++) {
        const char *form = jd_cell_line(t->forms, k), *words = jd_cell_line(t->categories, k);
        const int length = (int)strcspn(form, "\n");
        double centre = 0, scale = 0;
        size_t n = 0;
        for (size_t i = 0; i < t->rows; i++)
            if (isfinite(t->values[i * t->cols + k])) v[n++] = t->values[i * t->cols + k];
        qsort(v, n, sizeof *v, by_size);
        const bool numbers = k < inputs && jd_cell_inputs(form) == 1 && !strcspn(words, "\n");
        const bool tails = numbers && long_tails(v, n, &centre, &scale);
        any |= tails;
        char *more = tails
                         ? jd_asprintf(ctx, "%s%slog %.9g %.9g; %.*s", list, k ? "\n" : "", centre, scale, length, form)
                         : jd_asprintf(ctx, "%s%s%.*s", list, k ? "\n" : "", length, form);
        jd_free(ctx, list);
        list = more;
    }
    jd_free(ctx, v);
    if (list && any) {
        jd_free(ctx, t->forms);
        t->forms = list;
        return jd_error(ctx);
    }
    jd_free(ctx, list);
    return jd_error(ctx);
}
