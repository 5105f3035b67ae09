/* cells.c - see jackdaw/cells.h. */
#include "data/cells.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "jackdaw/exp.h"

bool jd__cell_missing(const char *text)
{
    static const char *const words[] = {"",     "?",    "NA",   "N/A", "n/a", "na",  "<NA>",
                                        "#N/A", "null", "NULL", "NaN", "nan", "-nan"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i])) return true;
    return false;
}

bool jd__cell_dash(const char *text)
{
    static const char *const marks[] = {"-",    "--",   "---",  ".",   "\xe2\x80\x93", "\xe2\x80\x94",
                                        "None", "none", "N.A.", "n.a."};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!strcmp(text, marks[i])) return true;
    return false;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------------- */

enum { DIGITS = 60 };

/* What stands between thousands beside points and commas: a blank, an apostrophe, a narrow or unbreakable blank; its bytes. */
static size_t blank_between(const char *p)
{
    if (*p == ' ' || *p == '\'') return 1;
    if (!strncmp(p, "\xc2\xa0", 2)) return 2;
    return !strncmp(p, "\xe2\x80\xaf", 3) || !strncmp(p, "\xe2\x80\x99", 3) ? 3 : 0;
}

/* A number at `text` whose decimals begin with `point` and whose thousands stand in groups of three; its length, or 0. */
static size_t grouped_number(const char *text, char point, double *value)
{
    char plain[DIGITS + 8];
    size_t n = 0, group = 0, groups = 0, gap = 0; /* gap: bytes of the groups' separator */
    const char *p = text, other = point == '.' ? ',' : '.';
    const char *between = NULL;
    if (*p == '-' || *p == '+') plain[n++] = *p++;
    if (!isdigit((unsigned char)*p) && !(*p == point && isdigit((unsigned char)p[1]))) return 0;
    for (; n < DIGITS; p++, group++) {
        if (isdigit((unsigned char)*p)) {
            plain[n++] = *p;
            continue;
        }
        const size_t skip = *p == other ? 1 : blank_between(p);
        if (!skip || !isdigit((unsigned char)p[skip]) || !isdigit((unsigned char)p[skip + 1]) ||
            !isdigit((unsigned char)p[skip + 2]) || isdigit((unsigned char)p[skip + 3]))
            break;
        if (groups++ ? group != 3 || strncmp(between, p, gap)
                     : group < 1 || group > 3 || (group == 1 && plain[n - 1] == '0'))
            return 0;
        between = p, gap = skip;
        p += skip - 1;
        group = (size_t)-1;
    }
    if (groups && group != 3) return 0;
    if (*p == point) {
        plain[n++] = '.';
        for (p++; isdigit((unsigned char)*p) && n < DIGITS; p++) plain[n++] = *p;
    }
    if ((*p == 'e' || *p == 'E') &&
        (isdigit((unsigned char)p[1]) || ((p[1] == '-' || p[1] == '+') && isdigit((unsigned char)p[2])))) {
        plain[n++] = 'e';
        plain[n++] = *++p;
        for (p++; isdigit((unsigned char)*p) && n < DIGITS + 6; p++) plain[n++] = *p;
    }
    if (isdigit((unsigned char)*p)) return 0;
    plain[n] = 0;
    *value = jd__strtod(plain, NULL);
    return (size_t)(p - text);
}

/* A currency before a number, "$", "US$", "EUR ": its length, or 0. */
static size_t currency(const char *p)
{
    static const char *const signs[] = {"$",  "\xe2\x82\xac", "\xc2\xa3", "\xc2\xa5",    "US$",
                                        "A$", "C$",           "R$",       "\xe2\x82\xb9"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (!strncmp(p, signs[i], strlen(signs[i]))) return strlen(signs[i]);
    const bool code = isupper((unsigned char)p[0]) && isupper((unsigned char)p[1]) && isupper((unsigned char)p[2]);
    return code && p[3] == ' ' ? 3 : 0;
}

/* Whether the rest of a cell may be a unit, or is empty; which. */
static bool take_unit(const char *rest, char unit[JD__UNIT])
{
    for (size_t n; (n = blank_between(rest)) && *rest != '\'';) rest += n;
    if (!*rest) return true;
    const unsigned char first = (unsigned char)*rest;
    if (*unit || strlen(rest) >= JD__UNIT || !(isalpha(first) || first == '%' || first == '$' || first >= 0x80))
        return false;
    if (strpbrk(rest, ",;:|\"\n")) return false;
    strcpy(unit, rest);
    return true;
}

static void read_number(const char *text, jd__cell *c)
{
    char cell[80], unit[2][JD__UNIT] = {"", ""};
    size_t before = 0;
    const char *p = text, *sign = "";
    if (*p == '-' || *p == '+') sign = *p++ == '-' ? "-" : "";
    if (!strncmp(p, "\xe2\x88\x92", 3)) sign = "-", p += 3; /* a typographer's minus */
    before = currency(p);
    for (int k = 0; k < 2; k++) snprintf(unit[k], JD__UNIT, "%.*s", (int)before, p);
    for (p += before; before && *p == ' ';) p++;
    if (before && (*p == '-' || *p == '+')) sign = *p++ == '-' ? "-" : "";
    if (strlen(p) + 2 > sizeof cell || *p == '-' || *p == '+') return;
    snprintf(cell, sizeof cell, "%s%s", sign, p);
    for (int k = 0; k < 2; k++) {
        const size_t n = grouped_number(cell, k ? ',' : '.', &c->value[k]);
        if (!n || !isfinite(c->value[k]) || !take_unit(cell + n, unit[k])) continue;
        c->kinds |= k ? JD__CELL_COMMA : JD__CELL_POINT;
        memcpy(c->unit, unit[k], JD__UNIT);
        c->points = memchr(cell, '.', n) != NULL;
        c->commas = memchr(cell, ',', n) != NULL;
    }
}

/* ---- dates ------------------------------------------------------------------------------------------------------------------- */

static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(long y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days from 2000-01-01 to the first of January of year y. */
static long days_to_year(long y)
{
    const long past = y - 1;
    return 365 * (y - 2000) + (past / 4 - past / 100 + past / 400) - (1999 / 4 - 1999 / 100 + 1999 / 400);
}

/* Days since 2000-01-01; NaN where there is no such day. */
static double days_of(long y, long m, long d)
{
    if (y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > month_days[m - 1] + (m == 2 && is_leap(y)))
        return (double)NAN;
    long days = days_to_year(y) + d - 1;
    for (long k = 1; k < m; k++) days += month_days[k - 1];
    return (double)(days + (m > 2 && is_leap(y)));
}

/* The whole number at *p, of at most `most` digits; their number. */
static int digits_at(const char **p, int most, long *value)
{
    int n = 0;
    for (*value = 0; n < most && isdigit((unsigned char)**p); n++, ++*p) *value = 10 * *value + (**p - '0');
    return n;
}

/* "14:05", "14:05:30.5", "2:05 pm", with "Z" or "+01:00" behind, which is passed over: the whole cell. */
static bool read_clock(const char *p, double *day)
{
    long h, m, s = 0, ignored;
    double part = 0;
    if (!digits_at(&p, 2, &h) || *p++ != ':' || digits_at(&p, 2, &m) != 2) return false;
    if (*p == ':') {
        p++;
        if (digits_at(&p, 2, &s) != 2) return false;
        if (*p == '.' || *p == ',') {
            double scale = 0.1;
            for (p++; isdigit((unsigned char)*p); p++, scale /= 10) part += scale * (*p - '0');
        }
    }
    const char *half = *p == ' ' ? p + 1 : p;
    if (!strcasecmp(half, "am") || !strcasecmp(half, "pm")) {
        if (h < 1 || h > 12) return false;
        h = h % 12 + (tolower((unsigned char)*half) == 'p' ? 12 : 0);
        p = half + 2;
    }
    if (*p == 'Z') {
        p++;
    } else if (*p == '+' || *p == '-') {
        p++;
        if (digits_at(&p, 2, &ignored) != 2) return false;
        if (*p == ':') p++;
        if (*p && digits_at(&p, 2, &ignored) != 2) return false;
    } else if (!strcmp(p, " UTC")) {
        p += 4;
    }
    if (*p || h > 23 || m > 59 || s > 60) return false;
    *day = ((double)(3600 * h + 60 * m + s) + part) / 86400;
    return true;
}

static void read_date(const char *p, jd__cell *c)
{
    long v[3];
    int n[3];
    char between = 0;
    for (int k = 0; k < 3; k++) {
        n[k] = digits_at(&p, 4, &v[k]);
        if (!n[k] || (k < 2 && (!strchr("-./", *p ? *p : 'x') || (k && *p != between)))) return;
        if (k < 2) between = *p++;
    }
    double time = 0;
    if (*p && ((*p != 'T' && *p != ' ') || !read_clock(p + 1, &time))) return;
    c->timed = *p != 0;
    const bool first = n[0] == 4 && n[1] <= 2 && n[2] <= 2, last = n[0] <= 2 && n[1] <= 2 && (n[2] == 4 || n[2] == 2);
    const long y = n[2] == 2 ? v[2] + (v[2] < 70 ? 2000 : 1900) : v[2];
    c->days[0] = first ? days_of(v[0], v[1], v[2]) : (double)NAN;
    c->days[1] = last ? days_of(y, v[1], v[0]) : (double)NAN;
    c->days[2] = last && between != '.' ? days_of(y, v[0], v[1]) : (double)NAN;
    for (int k = 0; k < 3; k++) {
        c->kinds |= isnan(c->days[k]) ? 0u : (unsigned)JD__CELL_YMD << k;
        c->days[k] += time;
    }
}

jd__cell jd__cell_read(const char *text)
{
    jd__cell c = {0};
    char *end;
    read_number(text, &c);
    if (!c.kinds) read_date(text, &c);
    if (!c.kinds && read_clock(text, &c.clock)) c.kinds = JD__CELL_CLOCK;
    const double v = c.kinds || !*text ? 0 : jd__strtod(text, &end);
    if (!c.kinds && *text && !*end) { /* inf and hexadecimal numbers */
        c.kinds = JD__CELL_POINT;
        c.value[0] = v;
    }
    return c;
}

/* ---- forms ------------------------------------------------------------------------------------------------------------------- */

const char *jd_cell_line(const char *list, size_t k)
{
    for (; list && k; k--) {
        list = strchr(list, '\n');
        list = list ? list + 1 : NULL;
    }
    return list ? list : "";
}

/* Whether a form begins with these words; what stands behind. */
static bool begins(const char *form, const char *word, const char **rest)
{
    const size_t n = strlen(word);
    if (!form || strncmp(form, word, n) || (form[n] && form[n] != ' ' && form[n] != '\n')) return false;
    if (rest) *rest = form + n + (form[n] == ' ');
    return true;
}

static const char *const orders[] = {"date y-m-d", "date d-m-y", "date m-d-y"};

/* "log C S; " before a form: where and how steep the logarithm is. */
static bool is_log(const char *form, double *centre, double *scale, const char **rest)
{
    char *end;
    if (!begins(form, "log", rest)) return false;
    *centre = jd__strtod(*rest, &end);
    *scale = jd__strtod(end, &end);
    if (*end != ';' || !(*scale > 0)) return false;
    *rest = end + 1 + (end[1] == ' ');
    return true;
}

const char *jd__cell_form(const char *form)
{
    double centre, scale;
    const char *rest;
    return is_log(form, &centre, &scale, &rest) ? rest : form ? form : "";
}

/* The order of a date's form, or -1; whether times of the day stand behind. */
static int order_of(const char *form, bool *timed)
{
    const char *rest;
    for (int k = 0; k < 3; k++)
        if (begins(form, orders[k], &rest)) {
            *timed = begins(rest, "time", NULL);
            return k;
        }
    return -1;
}

/* What a cell says that was read, in a form that is not empty. */
static bool value_of(const char *form, const jd__cell *c, double *value)
{
    const char *unit;
    bool timed;
    const bool comma = begins(form, "number comma", &unit);
    if (comma || begins(form, "number point", &unit)) {
        const size_t n = strcspn(unit, "\n");
        *value = c->value[comma];
        return c->kinds & (comma ? JD__CELL_COMMA : JD__CELL_POINT) &&
               (!*c->unit || (n == strlen(c->unit) && !memcmp(unit, c->unit, n)));
    }
    const int order = order_of(form, &timed);
    *value = order < 0 ? c->clock : c->days[order];
    if (order < 0) return begins(form, "time", NULL) && c->kinds & JD__CELL_CLOCK;
    if (c->kinds & JD__CELL_YMD) *value = c->days[0]; /* which cannot be mistaken */
    return (c->kinds & ((unsigned)(JD__CELL_YMD << order) | JD__CELL_YMD)) != 0;
}

bool jd_cell_value(const char *form, const char *cell, double *value)
{
    if (!cell || !*cell) return false;
    form = jd__cell_form(form);
    double said;
    bool whole;
    if (!*form || *form == '\n') {
        char *end;
        said = jd__strtod(cell, &end);
        whole = !*end;
    } else {
        const jd__cell c = jd__cell_read(cell);
        whole = value_of(form, &c, &said);
    }
    if (whole) *value = said;
    return whole;
}

int jd_cell_inputs(const char *form)
{
    bool timed;
    return order_of(form, &timed) >= 0 ? (timed ? 7 : 5) : begins(form, "time", NULL) ? 3 : 1;
}

static void turn(double part, float *out)
{
    double sine, cosine;
    jd_sincos(6.283185307179586 * part, &sine, &cosine);
    out[0] = (float)sine;
    out[1] = (float)cosine;
}

void jd_cell_spread(const char *form, double value, float *out)
{
    const int n = jd_cell_inputs(form);
    bool timed;
    double centre, scale;
    const char *rest;
    if (is_log(form, &centre, &scale, &rest) && isfinite(value)) {
        const double d = value - centre;
        value = copysign(log1p(fabs(d) / scale), d);
    }
    for (int i = 0; i < n; i++) out[i] = (float)value;
    if (n == 1 || !isfinite(value)) return;
    const double day = floor(value);
    if (order_of(form, &timed) < 0) {
        turn(value - day, out + 1);
        return;
    }
    long y = 2000 + (long)floor(day / 365.2425);
    while ((double)days_to_year(y) > day) y--;
    while ((double)days_to_year(y + 1) <= day) y++;
    const double week = (day - 7 * floor(day / 7)) / 7;
    turn(week, out + 1);
    turn((day - (double)days_to_year(y)) / (is_leap(y) ? 366 : 365), out + 3);
    if (timed) turn(value - day, out + 5);
}

const char *jd_cell_input_name(const char *form, int i)
{
    static const char *const date[] = {"days from 2000-01-01 to",          "sine of the day of the week of",
                                       "cosine of the day of the week of", "sine of the day of the year of",
                                       "cosine of the day of the year of", "sine of the time of day of",
                                       "cosine of the time of day of"},
                             *const time[] = {"part of the day that is past at", "sine of the time of day of",
                                              "cosine of the time of day of"};
    const int n = jd_cell_inputs(form);
    if (i == 0 && jd__cell_form(form) != form) return "the logarithm (cells.h) of";
    return i < 0 || i >= n || n == 1 ? "" : n == 3 ? time[i] : date[i];
}
