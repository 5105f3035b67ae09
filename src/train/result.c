/*
 * result.c - the one number of a run: result.json, and the end of the report.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/ctx.h"
#include "jackdaw/device.h"
#include "train/run.h"

void jd_run_extra(jd_run *r, const char *name, double value)
{
    if (!r) return;
    errno = 0;
    if (json_object_set_new(r->extra, name, jd__json_number(value))) jd__library_failed(r->ctx, name, "jansson");
}

static json_t *result_json(const jd_run *r, bool whole)
{
    static const char *const scale[] = {"quick", "cpu", "full"};
    const jd_system *s = r->system;
    json_t *config = whole ? jd__run_config(r) : NULL, *environment = whole ? jd__environment(r->ctx) : NULL;
    errno = 0;
    json_t *j = json_object();
    json_object_set_new(j, "system", json_string(r->name));
    json_object_set_new(j, "scale", json_string(scale[r->o.scale]));
    json_object_set_new(j, "seed", json_integer((json_int_t)r->o.seed));
    json_object_set_new(j, "metric", json_string(s->metric));
    json_object_set_new(j, "value", jd__json_number(r->value));
    json_object_set_new(j, "better", json_string(s->higher ? "higher" : "lower"));
    json_object_set_new(j, "paper", jd__json_number(s->paper_value));
    json_object_set_new(j, "accept", jd__json_number(s->accept[r->o.scale]));
    json_object_set_new(j, "passed", json_boolean(r->passed));
    json_object_set_new(j, "seconds", jd__json_number(round(r->seconds * 1000) / 1000));
    json_object_set_new(j, "device", json_string(jd_ctx_device_did(r->ctx)));
    json_object_update_missing(j, r->extra);
    if (whole && r->why) json_object_set_new(j, "why", json_string(r->why));
    if (whole) json_object_set_new(j, "title", json_string(s->title));
    if (whole && s->paper) json_object_set_new(j, "source", json_string(s->paper));
    if (whole && s->paper_note) json_object_set_new(j, "paper_note", json_string(s->paper_note));
    if (whole && s->about) json_object_set_new(j, "about", json_string(s->about));
    if (whole) json_object_set_new(j, "config", config);
    if (whole) json_object_set_new(j, "environment", environment);
    jd__library_failed(r->ctx, "the result", "jansson");
    return j;
}

char *jd_run_result_json(const jd_run *r)
{
    if (!r) return NULL;
    json_t *j = result_json(r, false);
    char *text = jd__json_text(r->ctx, j, false);
    json_decref(j);
    return text;
}

static bool reached(const jd_run *r)
{
    const double accept = r->system->accept[r->o.scale];
    if (!isfinite(r->value)) return false;
    if (isnan(accept)) return true;
    return r->system->higher ? r->value >= accept : r->value <= accept;
}

jd_status jd_run_finish(jd_run *r, double value, const char *why)
{
    if (!r) return JD_EUSAGE;
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    r->seconds = jd_run_seconds(r);
    r->finished = true;
    jd__run_tell_device(r, true);
    r->value = value;
    r->passed = reached(r);
    jd_free(r->ctx, r->why);
    r->why = why ? jd_strdup(r->ctx, why) : NULL;
    if (r->o.skip_bad) jd_run_extra(r, "skipped", (double)r->skipped);
    jd_report *rep = jd_run_report(r);
    json_t *j = result_json(r, true);
    jd__report_head(rep, j, r->system->paper_note);
    if (!r->curves_drawn) jd_run_curves(r);
    jd__report_tail(r->ctx, rep, j);
    jd_report_write(rep, jd_run_path(r, "report.html"));
    char *text = jd__json_text(r->ctx, j, true);
    json_decref(j);
    if (text) jd_write_file(r->ctx, jd_run_path(r, "result.json"), text, strlen(text));
    jd_free(r->ctx, text);
    if (r->o.on_event && !jd_error(r->ctx))
        r->o.on_event(r->o.user, &(jd_run_event){.kind = JD_EVENT_RESULT, .value = value});
    return jd_error(r->ctx);
}
