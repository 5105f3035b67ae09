/*
 * config.c - what a run is made with: the settings, their strict reading, the configuration and environment as JSON.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/number.h"
#include "train/run.h"

static const char *const SCALE[] = {"quick", "cpu", "full"};

json_t *jd__json_number(double x)
{
    if (!isfinite(x)) return json_null();
    if (x == floor(x) && fabs(x) < 9007199254740992.0) return json_integer((json_int_t)x);
    return json_real(x);
}

char *jd__json_text(jd_ctx *ctx, const json_t *j, bool pretty)
{
    char *text = json_dumps(j, JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY | (pretty ? JSON_INDENT(2) : JSON_COMPACT));
    char *copy = text ? jd_strdup(ctx, text) : NULL;
    if (!text) jd_fail(ctx, JD_ENOMEM, "out of memory while writing JSON");
    free(text); /* jansson's, from the C library */
    return copy;
}

static int settings_count(const jd_system *s)
{
    int n = 0;
    while (s->settings && s->settings[n].name) n++;
    return n;
}

static int setting_find(const jd_system *s, const char *name, size_t length)
{
    for (int i = 0; s->settings && s->settings[i].name; i++)
        if (strlen(s->settings[i].name) == length && !memcmp(s->settings[i].name, name, length)) return i;
    return -1;
}

static jd_status unknown(jd_run *r, const char *what, const char *name)
{
    const char *words[65] = {NULL};
    char list[512] = "";
    for (int i = 0; i < settings_count(r->system) && i < 64; i++) {
        words[i] = r->system->settings[i].name;
        const size_t at = strlen(list);
        if (at + strlen(words[i]) + 3 < sizeof list)
            snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
    }
    const char *near = jd_nearest(name, words);
    if (near)
        return jd_fail(r->ctx, JD_EUSAGE, "%s: %s no setting '%s'; did you mean '%s'?", r->name, what, name, near);
    return jd_fail(r->ctx, JD_EUSAGE, "%s: %s no setting '%s'; it has %s", r->name, what, name, *list ? list : "none");
}

static jd_status set_one(jd_run *r, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return jd_fail(r->ctx, JD_EUSAGE, "%s: --set %s: write it as key=value", r->name, assignment);
    const int i = setting_find(r->system, assignment, (size_t)(equals - assignment));
    if (i < 0) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
        return unknown(r, "there is", name);
    }
    char *end;
    const double x = jd__strtod(equals + 1, &end);
    if (end == equals + 1 || *end || !isfinite(x))
        return jd_fail(r->ctx, JD_EUSAGE, "%s: --set %s: '%s' is not a number", r->name, assignment, equals + 1);
    r->setting[i] = x;
    return JD_OK;
}

jd_status jd__run_settings(jd_run *r, const char *const *set)
{
    const int n = settings_count(r->system);
    r->setting = jd_alloc_array(r->ctx, (size_t)n + 1, sizeof *r->setting);
    if (!r->setting) return jd_error(r->ctx);
    for (int i = 0; i < n; i++) r->setting[i] = r->system->settings[i].value[r->o.scale];
    for (; set && *set && !jd_error(r->ctx); set++) set_one(r, *set);
    return jd_error(r->ctx);
}

double jd_run_setting(const jd_run *r, const char *name)
{
    if (!r) return 0;
    const int i = setting_find(r->system, name, strlen(name));
    if (i >= 0) return r->setting[i];
    unknown((jd_run *)(uintptr_t)r, "the system asks for", name);
    return 0;
}

void jd_run_config(jd_run *r, const char *name, const char *text)
{
    if (!r) return;
    errno = 0;
    if (jd_error(r->ctx) || !json_object_set_new(r->config, name, json_string(text))) return;
    jd__library_failed(r->ctx, name, "jansson");
    jd_fail(r->ctx, JD_EUSAGE, "jd_run_config \"%s\": the text is not UTF-8", name);
}

void jd_run_config_number(jd_run *r, const char *name, double value)
{
    if (!r) return;
    if (!jd_error(r->ctx) && json_object_set_new(r->config, name, jd__json_number(value)))
        jd_fail(r->ctx, JD_ENOMEM, "out of memory");
}

void jd_run_config_list(jd_run *r, const char *name, const char *const *field, size_t fields, const char *const *cell,
                        size_t rows)
{
    if (!r || jd_error(r->ctx)) return;
    errno = 0;
    json_t *list = json_array();
    int failed = 0;
    for (size_t i = 0; i < rows; i++) {
        json_t *row = json_object();
        for (size_t k = 0; k < fields; k++)
            if (cell[i * fields + k]) failed |= json_object_set_new(row, field[k], json_string(cell[i * fields + k]));
        failed |= json_array_append_new(list, row);
    }
    if (!json_object_set_new(r->config, name, list) && !failed) return;
    jd__library_failed(r->ctx, name, "jansson");
    jd_fail(r->ctx, JD_EUSAGE, "jd_run_config_list \"%s\": a text is not UTF-8", name);
}

json_t *jd__run_config(const jd_run *r)
{
    errno = 0;
    json_t *c = json_object();
    json_object_set_new(c, "system", json_string(r->name));
    if (r->o.system) json_object_set_new(c, "scale", json_string(SCALE[r->o.scale]));
    json_object_set_new(c, "seed", json_integer((json_int_t)r->o.seed));
    if (r->data) json_object_set_new(c, "data", json_string(r->data));
    if (settings_count(r->system)) {
        json_t *s = json_object();
        for (int i = 0; i < settings_count(r->system); i++)
            json_object_set_new(s, r->system->settings[i].name, jd__json_number(r->setting[i]));
        json_object_set_new(c, "settings", s);
    }
    json_object_update(c, r->config);
    jd__library_failed(r->ctx, "the configuration", "jansson");
    return c;
}

char *jd_run_config_json(const jd_run *r)
{
    if (!r) return NULL;
    json_t *c = jd__run_config(r);
    char *text = jd__json_text(r->ctx, c, false);
    json_decref(c);
    return text;
}

static void value_text(char *out, size_t size, const json_t *v)
{
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    snprintf(out, size, "%.60s", text ? text : "absent");
    free(text);
}

static jd_status differ(jd_ctx *ctx, const char *path, const char *name, const json_t *was, const json_t *is)
{
    char a[64], b[64];
    value_text(a, sizeof a, was);
    value_text(b, sizeof b, is);
    return jd_fail(ctx, JD_EUSAGE,
                   "%s: was made with %s = %s, but this run has %s; give the same settings to resume, or start anew "
                   "without --resume",
                   path, name, a, b);
}

jd_status jd__config_compare(jd_ctx *ctx, const char *path, const json_t *was, const json_t *is)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)is, key, v)
    {
        const json_t *old = json_object_get(was, key);
        if (json_is_object(v) && json_is_object(old)) {
            if (jd__config_compare(ctx, path, old, v)) return jd_error(ctx);
        } else if (!old || !(json_equal(old, v) || (json_is_number(v) && json_is_number(old) &&
                                                    json_number_value(v) == json_number_value(old)))) {
            char a[64], b[64]; /* a real that a file gave back may differ in its last digit */
            value_text(a, sizeof a, old);
            value_text(b, sizeof b, v);
            if (strcmp(a, b)) return differ(ctx, path, key, old, v);
        }
    }
    json_object_foreach((json_t *)(uintptr_t)was, key, v)
    {
        if (!json_object_get(is, key)) return differ(ctx, path, key, v, NULL);
    }
    return JD_OK;
}

/* The processor's name, from the kernel; "unknown" where it does not say. */
static void cpu_name(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(out, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10)) continue;
        const char *colon = strchr(line, ':');
        if (!colon) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (f) fclose(f);
}

json_t *jd__environment(jd_ctx *ctx)
{
    char cpu[200];
    cpu_name(cpu, sizeof cpu);
    errno = 0;
    json_t *e = json_object();
    json_object_set_new(e, "cpu", json_string(cpu));
    json_object_set_new(e, "isa", json_string(jd_ctx_isa(ctx)));
    json_object_set_new(e, "threads", json_integer(jd_ctx_threads(ctx)));
    json_object_set_new(e, "version", json_string(JD_VERSION_STRING));
#ifdef __clang__
    json_object_set_new(e, "compiler", json_string(__VERSION__));
#else
    json_object_set_new(e, "compiler", json_string("GCC " __VERSION__));
#endif
    jd__library_failed(ctx, "the environment", "jansson");
    return e;
}
