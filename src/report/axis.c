/*
 * axis.c - ranges, ticks and tick labels of linear and logarithmic axes.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool jd__plottable(const jd__axis *a, double v)
{
    return fabs(v) <= 1e300 && (!a->log || v >= 1e-300);
}

double jd__pos(const jd__axis *a, double v)
{
    double s = a->log ? log(v / a->min) / log(a->max / a->min) : (v - a->min) / (a->max - a->min);
    s = s > 1e4 ? 1e4 : s < -1e4 ? -1e4 : s; /* far outside: keeps coordinates small, the clip path does the rest */
    return a->p0 + s * (a->p1 - a->p0);
}

static void add_tick(jd__axis *a, double v, bool labelled)
{
    if (a->n >= JD__TICKS) return;
    a->tick[a->n].v = v;
    a->tick[a->n].label[0] = labelled; /* overwritten by the label, or 0 */
    a->tick[a->n].label[1] = 0;
    a->n++;
}

/* "10" with e as a superscript; jd__short would spell the small powers out. */
static void label_power(char *buf, int e)
{
    char tmp[JD__NUM];
    if (e == 0)
        strcpy(buf, "1");
    else if (e == 1)
        strcpy(buf, "10");
    else
        snprintf(buf, JD__NUM, "10%.30s", jd__super(tmp, e));
}

/* One number format for all labelled ticks: decimals as needed, k M G T for large ones, powers of ten beyond. */
static void label_plain(jd__axis *a)
{
    static const char *const suffix[] = {"", "k", "M", "G", "T"};
    double largest = 0, unit = 1;
    int s = 0, decimals = 0;
    for (int i = 0; i < a->n; i++)
        if (a->tick[i].label[0]) largest = fmax(largest, fabs(a->tick[i].v));
    bool power = largest >= 1e15 || largest < 1e-3;
    if (largest >= 1e4 && !power)
        for (unit = 1e3, s = 1; s < 4 && largest / unit >= 1e3; s++) unit *= 1e3;
    for (; decimals < 9; decimals++) {
        bool exact = true;
        double p = pow(10, decimals);
        for (int i = 0; i < a->n; i++) {
            double v = a->tick[i].v / unit;
            if (a->tick[i].label[0] && fabs(v * p - nearbyint(v * p)) > 1e-6 * fmax(1, fabs(v * p) * 1e-3))
                exact = false;
        }
        if (exact) break;
    }
    for (int i = 0; i < a->n; i++) {
        char number[JD__NUM];
        if (!a->tick[i].label[0]) continue;
        if (a->tick[i].v == 0)
            strcpy(a->tick[i].label, "0");
        else if (power)
            jd__short(a->tick[i].label, a->tick[i].v, 4);
        else
            snprintf(a->tick[i].label, JD__NUM, "%.40s%s", jd__fixed(number, a->tick[i].v / unit, decimals), suffix[s]);
    }
}

static void linear_ticks(jd__axis *a, int want)
{
    double raw = (a->max - a->min) / want, p = pow(10, floor(log10(raw))), step = p;
    if (raw > p) step = 2 * p;
    if (raw > 2 * p) step = 5 * p;
    if (raw > 5 * p) step = 10 * p;
    if (a->whole && step < 1) step = 1;
    double first = ceil(a->min / step - 1e-9), last = floor(a->max / step + 1e-9);
    for (double k = first; k <= last && a->n < JD__TICKS; k++) add_tick(a, k == 0 ? 0 : k * step, true);
    label_plain(a);
}

static void log_ticks(jd__axis *a, int want)
{
    int e0 = (int)floor(log10(a->min) - 1e-9), e1 = (int)ceil(log10(a->max) + 1e-9);
    int first = (int)ceil(log10(a->min) - 1e-9), last = (int)floor(log10(a->max) + 1e-9);
    double decades = log10(a->max / a->min);
    if (decades < 0.6) {
        linear_ticks(a, want);
        return;
    }
    if (last - first < 1) { /* fewer than two powers of ten: 1, 2 and 5 of each decade carry labels */
        for (int e = e0; e <= e1; e++)
            for (int m = 1; m <= 9; m++) {
                double v = m * pow(10, e);
                if (v >= a->min * (1 - 1e-9) && v <= a->max * (1 + 1e-9)) add_tick(a, v, m == 1 || m == 2 || m == 5);
            }
        label_plain(a);
        return;
    }
    int stride = (last - first) / (want + 2) + 1; /* labelled powers are its multiples, 1 among them */
    for (int e = e0; e <= e1; e++)
        for (int m = 1; m <= (stride == 1 && decades <= 7 ? 9 : 1); m++) {
            double v = m * pow(10, e);
            if (v < a->min * (1 - 1e-9) || v > a->max * (1 + 1e-9) || a->n >= JD__TICKS) continue;
            bool labelled = m == 1 && e % stride == 0;
            add_tick(a, v, labelled);
            if (!labelled) continue;
            if (first >= -3 && last <= 3)
                jd__fixed(a->tick[a->n - 1].label, v, e < 0 ? -e : 0);
            else
                label_power(a->tick[a->n - 1].label, e);
        }
}

void jd__axis_fit(jd__axis *a, const jd_axis *wish, double lo, double hi, bool zero, double pad, int want)
{
    a->log = wish->scale == JD_LOG;
    a->n = 0;
    a->empty = !(lo <= hi);
    bool fixed = wish->min < wish->max && jd__plottable(a, wish->min) && jd__plottable(a, wish->max);
    if (fixed) {
        lo = wish->min;
        hi = wish->max;
    } else if (a->empty) {
        lo = a->log ? 0.1 : 0;
        hi = a->log ? 10 : 1;
    } else if (a->log) {
        if (hi / lo < 1 + 1e-9) lo /= 2, hi *= 2;
        double f = pow(hi / lo, pad);
        lo = fmax(lo / f, 1e-305);
        hi *= f;
    } else {
        bool from_zero = zero && lo >= 0 && lo < 0.4 * hi, to_zero = zero && hi <= 0 && hi > 0.4 * lo;
        if (from_zero) lo = 0;
        if (to_zero) hi = 0;
        double size = fmax(fabs(lo), fabs(hi));
        if (hi - lo <= 1e-12 * size || hi - lo < 1e-290) {
            double d = size > 1e-280 ? size * 0.1 : 0.5;
            lo -= d;
            hi += d;
        } else {
            double d = (hi - lo) * pad;
            if (!from_zero) lo -= d;
            if (!to_zero) hi += d;
        }
    }
    a->min = lo;
    a->max = hi;
    if (a->log)
        log_ticks(a, want);
    else
        linear_ticks(a, want);
}

double jd__ticks_width(const jd__axis *a)
{
    double w = 0;
    for (int i = 0; i < a->n; i++) w = fmax(w, jd__text_width(a->tick[i].label, 12));
    return w;
}
