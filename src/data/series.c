/* series.c - the text format .ts of time series; see jackdaw/series.h. */
#include "jackdaw/series.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/given.h"
#include "base/number.h"
#include "jackdaw/data.h"

typedef struct ts {
    jd_ctx *ctx;
    const char *path;
    size_t line;      /* at hand, from 1 */
    bool labelled;    /* the field after the last colon is a label */
    bool stamps;      /* values are pairs (time,value) */
    int64_t channels; /* 0: not known yet */
    char *classes;    /* words of @classLabel with blanks between and around; NULL: not listed */
    jd_series *out;
} ts;

static jd_status fail_at(ts *t, const char *what, const char *word)
{
    return jd_fail(t->ctx, JD_EDATA, "%s: line %zu: %s'%.40s'", t->path, t->line, what, word);
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = 0;
    return s;
}

/* ---- what the file tells of itself -------------------------------------------------------------------------------------------*/

static jd_status take_flag(ts *t, const char *name, const char *value, bool *flag)
{
    if (!strcasecmp(value, "true"))
        *flag = true;
    else if (!strcasecmp(value, "false"))
        *flag = false;
    else
        return jd_fail(t->ctx, JD_EDATA, "%s: line %zu: %s is true or false, not '%.40s'", t->path, t->line, name,
                       value);
    return JD_OK;
}

/* "true a b c" or "false" */
static jd_status take_classes(ts *t, char *value)
{
    char *rest = value + strcspn(value, " \t");
    if (*rest) *rest++ = 0;
    if (take_flag(t, "@classLabel", value, &t->labelled) || !t->labelled) return jd_error(t->ctx);
    jd_free(t->ctx, t->classes);
    rest = trim(rest);
    t->classes = *rest ? jd_asprintf(t->ctx, " %s ", rest) : NULL;
    for (char *p = t->classes; p && *p; p++)
        if (*p == '\t') *p = ' ';
    return jd_error(t->ctx);
}

static jd_status take_word(ts *t, char *s)
{
    char *value = s + strcspn(s, " \t");
    if (*value) *value++ = 0;
    value = trim(value);
    if (!strcasecmp(s, "@classLabel")) return take_classes(t, value);
    if (!strcasecmp(s, "@targetLabel")) {
        t->out->target = true;
        return take_flag(t, "@targetLabel", value, &t->labelled);
    }
    if (!strcasecmp(s, "@timeStamps")) return take_flag(t, "@timeStamps", value, &t->stamps);
    if (!strcasecmp(s, "@dimensions") || !strcasecmp(s, "@dimension")) {
        char *end;
        t->channels = strtol(value, &end, 10);
        if (end == value || *end || t->channels < 1 || t->channels > 1000000)
            return fail_at(t, "the number of channels is ", value);
    }
    return jd_error(t->ctx);
}

/* ---- series --------------------------------------------------------------------------------------------------------------------*/

static size_t count_of(const char *s, char c)
{
    size_t n = 0;
    for (; *s; s++) n += *s == c;
    return n;
}

/* The next value of a channel, which ends with a comma or at its end; a value that is missing is NaN. */
static bool next_value(char **at, float *value)
{
    char *end;
    while (**at == ' ' || **at == '\t') ++*at;
    if (**at == '?') {
        *value = NAN;
        end = *at + 1;
    } else {
        *value = (float)jd__strtod(*at, &end);
        if (end == *at || isinf(*value)) return false;
    }
    while (*end == ' ' || *end == '\t') end++;
    if (*end && *end != ',') return false;
    *at = *end ? end + 1 : end;
    return true;
}

/* A pair (time,value) and what follows it; times must come at even steps, of which *before has the last two. */
static jd_status next_pair(ts *t, char **at, size_t k, double before[2], float *value)
{
    char *from = *at, *end;
    while (*from == ' ') from++;
    const double time = *from == '(' ? jd__strtod(from + 1, &end) : 0;
    if (*from != '(' || end == from + 1 || *end != ',' || !isfinite(time))
        return fail_at(t, "no pair of a time and a value, both numbers, such as (0.5,3.2): ", from);
    char *close = strchr(end, ')');
    if (!close || (close[1] && close[1] != ',')) return fail_at(t, "a pair without its end: ", from);
    *close = 0;
    end++;
    if (!next_value(&end, value) || *end) return fail_at(t, "not a number: ", end);
    const double step = time - before[1], was = before[1] - before[0];
    if (k && !(step > 0)) return fail_at(t, "times must rise; not so at ", from);
    if (k > 1 && !(fabs(step - was) <= 1e-3 * was))
        return jd_fail(
            t->ctx, JD_EDATA,
            "%s: line %zu: steps of %g and %g between times; only series at even steps are read: interpolate "
            "them, with ? for values that are missing",
            t->path, t->line, was, step);
    before[0] = before[1];
    before[1] = time;
    *at = close[1] ? close + 2 : close + 1;
    return JD_OK;
}

/* One channel, `steps` values, into every C-th place of `to`. */
static jd_status take_channel(ts *t, char *s, size_t steps, float *to)
{
    char *at = s;
    double before[2] = {0, 0};
    for (size_t k = 0; t->stamps && k < steps; k++)
        if (next_pair(t, &at, k, before, to + k * (size_t)t->channels)) return jd_error(t->ctx);
    if (t->stamps && *at) return fail_at(t, "a pair without its end: ", at);
    for (size_t k = 0; !t->stamps && k < steps; k++)
        if (!next_value(&at, to + k * (size_t)t->channels)) return fail_at(t, "not a number: ", at);
    return JD_OK;
}

static jd_status take_label(ts *t, char *word)
{
    char *name = NULL;
    bool listed = true;
    word = trim(word);
    if (!*word) return jd_fail(t->ctx, JD_EDATA, "%s: line %zu: no label after the last colon", t->path, t->line);
    if (t->classes) {
        name = jd_asprintf(t->ctx, " %s ", word);
        if (!name) return jd_error(t->ctx);
        listed = strstr(t->classes, name);
    }
    jd_free(t->ctx, name);
    if (!listed)
        return jd_fail(t->ctx, JD_EDATA,
                       "%s: line %zu: the class '%.40s' is none of those that @classLabel lists:%.200s", t->path,
                       t->line, word, t->classes);
    t->out->label[t->out->count] = jd_strdup(t->ctx, word);
    return jd_error(t->ctx);
}

static jd_status take_series(ts *t, char *s)
{
    jd_series *o = t->out;
    const size_t fields = count_of(s, ':') + 1, channels = fields - t->labelled;
    if (*s == '(' && !t->stamps) return fail_at(t, "pairs of times and values, without the line @timeStamps true: ", s);
    if (t->stamps && memchr(s, ':', strcspn(s, ")")))
        return fail_at(t, "times that are dates are not read; write them as numbers, such as seconds: ", s);
    if (fields <= t->labelled) return fail_at(t, "no colon before the label: ", s);
    if (!t->channels) t->channels = (int64_t)channels;
    if (channels != (size_t)t->channels)
        return jd_fail(t->ctx, JD_EDATA, "%s: line %zu: %zu channels, where there should be %lld%s", t->path, t->line,
                       channels, (long long)t->channels, t->labelled ? " and a label" : "");
    size_t steps = 0;
    for (size_t c = 0; c < channels; c++) {
        char *end = s + strcspn(s, ":"), *next = *end ? end + 1 : end;
        *end = 0;
        const size_t here = t->stamps ? count_of(s, ')') : count_of(s, ',') + 1;
        if (!here) return fail_at(t, "no pair (time,value): ", s);
        if (c && here != steps)
            return jd_fail(t->ctx, JD_EDATA, "%s: line %zu: channel %zu has %zu steps, the first one %zu", t->path,
                           t->line, c + 1, here, steps);
        steps = here;
        if (take_channel(t, s, steps, o->values + o->start[o->count] * channels + c)) return jd_error(t->ctx);
        s = next;
    }
    if (!t->labelled)
        o->label[o->count] = NULL;
    else if (take_label(t, s))
        return jd_error(t->ctx);
    o->line[o->count] = t->line;
    o->start[o->count + 1] = o->start[o->count] + steps;
    o->count++;
    return JD_OK;
}

/* A series a line at most, a value before each comma, colon and end of line. */
static jd_status make_room(ts *t, const char *text)
{
    const size_t lines = count_of(text, '\n') + 1, values = lines + count_of(text, ',') + count_of(text, ':');
    t->out->start = jd_alloc_array(t->ctx, lines + 1, sizeof *t->out->start);
    t->out->line = jd_alloc_array(t->ctx, lines, sizeof *t->out->line);
    t->out->label = jd_alloc_array(t->ctx, lines, sizeof *t->out->label);
    t->out->values = jd_alloc_array(t->ctx, values, sizeof *t->out->values);
    return jd_error(t->ctx);
}

static void read_lines(ts *t, char *text)
{
    bool data = false;
    for (char *s = text; s && *s && !jd_error(t->ctx); t->line++) {
        char *next = strchr(s, '\n');
        if (next) *next++ = 0;
        char *line = trim(s);
        s = next;
        if (!*line || *line == '#' || *line == '%') continue;
        if (*line == '@' && !strcasecmp(line, "@data"))
            data = true;
        else if (*line == '@' && !data)
            take_word(t, line);
        else if (data)
            take_series(t, line);
        else
            fail_at(t, "a series before the line @data: ", line);
    }
}

jd_status jd_read_ts(jd_ctx *ctx, const char *path, jd_series *out)
{
    if (!jd__given(ctx, __func__, "path", path) || !jd__given(ctx, __func__, "out", out)) return jd_error(ctx);
    size_t bytes = 0;
    *out = (jd_series){0};
    ts t = {.ctx = ctx, .path = path, .line = 1, .out = out};
    char *text = jd_read_gz(ctx, path, 0, &bytes);
    if (text && memchr(text, 0, bytes))
        jd_fail(ctx, JD_EDATA, "%s: bytes 0 in it; a .ts file is text", path);
    else if (text && !make_room(&t, text))
        read_lines(&t, text);
    if (!jd_error(ctx) && !out->count)
        jd_fail(ctx, JD_EDATA, "%s: no series in it; they stand in lines after @data", path);
    out->channels = t.channels;
    jd_free(ctx, t.classes);
    jd_free(ctx, text);
    if (jd_error(ctx)) {
        jd_series_free(ctx, out);
    } else if (!t.labelled) {
        jd_free(ctx, out->label);
        out->label = NULL;
    }
    return jd_error(ctx);
}

void jd_series_free(jd_ctx *ctx, jd_series *s)
{
    if (!s) return;
    for (size_t i = 0; s->label && i < s->count; i++) jd_free(ctx, s->label[i]);
    jd_free(ctx, s->label);
    jd_free(ctx, s->line);
    jd_free(ctx, s->start);
    jd_free(ctx, s->values);
    *s = (jd_series){0};
}
