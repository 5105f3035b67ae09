/* text_report.c - how short the texts became, what every character took, and what the net writes; see text.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum { LINE = 72, LINES = 6, CELL = 64 };

static void show_ratios(jd_run *r, const text_result *t)
{
    jd_ctx *ctx = jd_run_ctx(r);
    static const char *const headings[] = {
        "method", "times shorter, mean of the texts", "least", "most", "bits a character", "the paper's"};
    static const char *const papers[TEXT_METHODS] = {"1.74", "1.99", "2.29", "2.72", "-"};
    char cell[TEXT_METHODS][4][CELL];
    const char *cells[TEXT_METHODS][6];
    double x[TEXT_PIECES], y[TEXT_PIECES];
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "text of the test", .min = 0, .max = (double)t->pieces + 1},
                               &(jd_axis){.label = "times shorter", .min = 0, .max = NAN}, 260);
    for (int m = 0; m < TEXT_METHODS; m++) {
        double lo, hi, bits = 0, n = 0;
        const double q = text_ratio(t, m, &lo, &hi);
        for (size_t i = 0; i < t->pieces; i++) {
            x[i] = (double)i + 1;
            y[i] = (double)t->piece[i].n / (double)t->bytes[m][i];
            bits += 8 * (double)t->bytes[m][i];
            n += (double)t->piece[i].n;
        }
        jd_chart_line(c, text_method[m], x, y, t->pieces, m);
        snprintf(cell[m][0], CELL, "%.2f", q);
        snprintf(cell[m][1], CELL, "%.2f", lo);
        snprintf(cell[m][2], CELL, "%.2f", hi);
        snprintf(cell[m][3], CELL, "%.2f", bits / n);
        cells[m][0] = text_method[m];
        for (int k = 0; k < 4; k++) cells[m][k + 1] = cell[m][k];
        cells[m][5] = papers[m];
    }
    jd_report_table(
        jd_run_report(r), headings, *cells, TEXT_METHODS, 6,
        "Each text is coded by itself. pack, compress and gzip know nothing before they begin, the nets have read "
        "other texts of the kind; the paper compares so. Its texts are articles of a German newspaper.");
    jd_report_chart(jd_run_report(r), c, "The texts of the test, one by one.");
}

/* Lines of the first text, what each character took by both nets above it. */
static void show_bits(jd_run *r, const text_result *t)
{
    jd_ctx *ctx = jd_run_ctx(r);
    static const char *const row[] = {"1996", "LSTM"};
    /* From the middle, where the LSTM knows what the text is about. */
    const size_t from = t->piece[0].n / 2;
    jd_timeline *l = jd_timeline_new(ctx, "character of the line", 0, LINE);
    for (int line = 0; line < LINES && from + (size_t)(line + 1) * LINE <= t->piece[0].n; line++) {
        float bits[LINE][2];
        double at[LINE];
        char text[LINE + 1];
        const size_t begin = from + (size_t)line * LINE;
        for (size_t i = 0; i < LINE; i++) {
            const uint8_t c = t->piece[0].bytes[begin + i];
            text[i] = c > 32 && c < 127 ? (char)c : ' ';
            at[i] = (double)i + 0.5;
            for (int k = 0; k < 2; k++) bits[i][k] = t->spent[k][begin + i];
        }
        text[LINE] = 0;
        jd_timeline_text(l, "", text, at);
        jd_timeline_map(l, &(jd_map){.label = "",
                                     .value_label = line ? NULL : "bits",
                                     .values = *bits,
                                     .T = LINE,
                                     .H = 2,
                                     .vmin = 0,
                                     .vmax = 10,
                                     .row_names = row,
                                     .height = 34});
    }
    jd_report_timeline(jd_run_report(r), l,
                       "What each character took, by the net of 1996 and by the LSTM: dark is cheap, bright is dear. "
                       "Beginnings of words are dear, their ends nearly free.");
}

/* Back quotes would end the fixed-width font. */
static void show_written(jd_run *r, const text_result *t)
{
    for (int k = 0; k < 2; k++) {
        char text[2 * TEXT_WRITTEN + 256];
        size_t n = (size_t)snprintf(text, sizeof text, "At temperature %.1f: `", t->temperature[k]);
        for (const char *s = t->written[k]; *s && n + 4 < sizeof text; s++)
            text[n++] = *s == '`' ? '\'' : (*s >= 32 && *s < 127) ? *s : ' ';
        text[n++] = '`';
        text[n] = 0;
        jd_report_text(jd_run_report(r), text);
    }
}

void text_report(jd_run *r, const text_result *t)
{
    char text[512];
    jd_report_section(jd_run_report(r), "How short");
    show_ratios(r, t);
    snprintf(
        text, sizeof text,
        "The text: %s, %zu characters to learn from, %zu unseen texts. The net of 1996 codes %.0f characters a second, "
        "the LSTM %.0f, the texts side by side; the paper's needed three orders of magnitude longer than gzip.",
        t->set->source, t->set->train.n, t->pieces, t->speed[0], t->speed[1]);
    jd_report_text(jd_run_report(r), text);
    jd_report_section(jd_run_report(r), "What every character takes");
    show_bits(r, t);
    jd_report_section(jd_run_report(r), "What the LSTM writes by itself");
    jd_report_text(jd_run_report(r),
                   "Each character is drawn by its probability, raised to 1 / temperature, after `The `.");
    show_written(r, t);
}
