/*
 * run.c - a run: its folder, its events, its end.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/given.h"
#include "base/number.h"
#include "jackdaw/device.h"
#include "jackdaw/ranks.h"
#include "train/run.h"

static jd_status make_dir(jd_ctx *ctx, const char *dir)
{
    char *path = jd_strdup(ctx, dir);
    if (!path) return jd_error(ctx);
    for (char *p = path + 1;; p++) {
        const char c = *p;
        if (c && c != '/') continue;
        *p = 0;
        struct stat st;
        if (mkdir(path, 0777) && (errno != EEXIST || stat(path, &st) || !S_ISDIR(st.st_mode)))
            jd_fail(ctx, JD_EIO, "%s: the output folder cannot be made: %s; name another with --out", path,
                    strerror(errno == EEXIST ? ENOTDIR : errno));
        if (!c || jd_error(ctx)) break;
        *p = c;
    }
    jd_free(ctx, path);
    return jd_error(ctx);
}

/* A new run takes the place of what an earlier one left: its files of these beginnings go, others stay. */
static void remove_files(jd_run *r, const char *folder, const char *prefix)
{
    char *dir = jd_asprintf(r->ctx, "%s/%s", r->dir, folder);
    DIR *d = dir ? opendir(dir) : NULL;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, prefix, strlen(prefix))) continue;
        char *path = jd_asprintf(r->ctx, "%s/%s", dir, e->d_name);
        if (path) unlink(path);
        jd_free(r->ctx, path);
    }
    if (d) closedir(d);
    jd_free(r->ctx, dir);
}

static jd_status open_run(jd_run *r)
{
    const char *name = r->o.name ? r->o.name : r->o.system ? r->o.system->name : "run";
    r->system = r->o.system ? r->o.system : &r->generic;
    r->name = jd_strdup(r->ctx, name);
    if (r->o.dir)
        r->home = jd_strdup(r->ctx, r->o.dir);
    else
        r->home = jd_asprintf(r->ctx, "runs/%s-%llu", name, (unsigned long long)r->o.seed);
    if (!r->home) return jd_error(r->ctx);
    /* What the other ranks write is the same; it goes when they end. */
    if (jd_my_rank(r->ctx)) r->o.on_event = NULL;
    r->dir = jd_my_rank(r->ctx) ? jd_asprintf(r->ctx, "%s/ranks/%d", r->home, jd_my_rank(r->ctx))
                                : jd_strdup(r->ctx, r->home);
    r->data = r->o.data ? jd_strdup(r->ctx, r->o.data) : NULL;
    r->config = json_object();
    r->extra = json_object();
    if (!r->config || !r->extra) jd_fail(r->ctx, JD_ENOMEM, "out of memory");
    if (jd_error(r->ctx)) return jd_error(r->ctx);
    r->generic.title = r->name;
    r->generic.name = r->name;
    if (jd__run_settings(r, r->o.set) || make_dir(r->ctx, r->dir) || make_dir(r->ctx, jd_run_path(r, "checkpoints")))
        return jd_error(r->ctx);
    if (!r->o.resume) {
        remove_files(r, "checkpoints", "train-");
        remove_files(r, "checkpoints", "run.safetensors");
        remove_files(r, "events", "events.out.tfevents.");
        unlink(jd_run_path(r, "result.json")); /* a folder with a result is a finished run */
    }
    return jd__run_open_log(r);
}

jd_run *jd_run_new(jd_ctx *ctx, const jd_run_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx)) return NULL;
    jd_run *r = jd_alloc(ctx, sizeof *r);
    if (!r) return NULL;
    r->ctx = ctx;
    r->o = *o;
    r->started = jd_now();
    r->value = (double)NAN;
    r->generic =
        (jd_system){.metric = "score", .paper_value = (double)NAN, .accept = {(double)NAN, (double)NAN, (double)NAN}};
    jd_ctx_set_seed(ctx, o->seed);
    if (!open_run(r)) return r;
    jd_run_free(r);
    return NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void jd_run_free(jd_run *r)
{
    if (!r) return;
    if (jd_my_rank(r->ctx) && r->dir) nftw(r->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    jd_csv_log_close(r->csv);
    jd_events_close(r->events);
    jd_report_free(r->report);
    jd__log_free(r->ctx, &r->log);
    json_decref(r->config);
    json_decref(r->extra);
    char *const owned[] = {r->name, r->dir, r->home, r->data, r->path, r->why};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(r->ctx, owned[i]);
    jd_free(r->ctx, r->setting);
    jd_free(r->ctx, r);
}

jd_ctx *jd_run_ctx(const jd_run *r)
{
    if (!r) return NULL;
    return r->ctx;
}

jd_scale jd_run_scale(const jd_run *r)
{
    if (!r) return JD_QUICK;
    return r->o.scale;
}

uint64_t jd_run_seed(const jd_run *r)
{
    if (!r) return 0;
    return r->o.seed;
}

const char *jd_run_dir(const jd_run *r)
{
    if (!r) return NULL;
    return r->dir;
}

const char *jd_run_data(const jd_run *r, const char *fallback)
{
    if (!r) return NULL;
    return r->data ? r->data : fallback;
}

double jd_run_seconds(const jd_run *r)
{
    if (!r) return 0;
    return r->finished ? r->seconds : r->seconds_before + jd_now() - r->started;
}

double jd_run_value(const jd_run *r)
{
    if (!r) return 0;
    return r->value;
}

bool jd_run_passed(const jd_run *r)
{
    if (!r) return false;
    return r->passed;
}

const char *jd_run_path(jd_run *r, const char *name)
{
    if (!r) return NULL;
    jd_free(r->ctx, r->path);
    r->path = jd_asprintf(r->ctx, "%s/%s", r->dir, name);
    return r->path ? r->path : "";
}

static void tell(jd_run *r, jd_run_event_kind kind, const char *fmt, va_list args)
{
    char text[512];
    jd__vsnprintf(text, sizeof text, fmt, args);
    r->o.on_event(r->o.user, &(jd_run_event){.kind = kind, .text = text});
}

void jd_run_stage(jd_run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (r->o.on_event && !jd_error(r->ctx)) tell(r, JD_EVENT_STAGE, fmt, args);
    va_end(args);
}

void jd_run_note(jd_run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (r->o.on_event && !jd_error(r->ctx)) tell(r, JD_EVENT_NOTE, fmt, args);
    va_end(args);
}

void jd_run_warn(jd_run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (r->o.on_event && !jd_error(r->ctx)) tell(r, JD_EVENT_WARNING, fmt, args);
    va_end(args);
}

bool jd_run_skip(jd_run *r)
{
    if (!r) return false;
    const jd_status e = jd_error(r->ctx);
    if (!r->o.skip_bad || (e != JD_EDATA && e != JD_ENOINPUT)) return false;
    char *why = strdup(jd_error_message(r->ctx));
    jd_error_clear(r->ctx);
    if (++r->skipped <= 10) jd_run_note(r, "skipped: %s", why ? why : "a sample");
    free(why);
    return true;
}

void jd__run_tell_device(jd_run *r, bool end)
{
    const char *name = jd_ctx_device(r->ctx), *left = jd_ctx_device_left(r->ctx);
    const size_t n = left ? strlen(left) : 0;
    if (n > r->left_told) jd_run_note(r, "left to the CPU, since %s has no kernel for it: %s", name, left);
    r->left_told = n;
    if (end && strcmp(name, "cpu") && !jd_ctx_device_used(r->ctx))
        jd_run_note(r, "nothing of this run was computed on %s: all of it on the CPU", name);
}

bool jd_run_progress(jd_run *r, double done, double total, const char *fmt, ...)
{
    jd__run_tell_device(r, false);
    if (r->o.on_event && !jd_error(r->ctx)) {
        char text[256];
        va_list args;
        va_start(args, fmt);
        jd__vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        r->o.on_event(r->o.user,
                      &(jd_run_event){.kind = JD_EVENT_PROGRESS, .text = text, .done = done, .total = total});
    }
    return jd__run_stopping(r);
}

bool jd__run_stopping(jd_run *r)
{
    return jd_ranks_stopping(r->ctx, r->o.stop && *r->o.stop);
}

jd_status jd_run_stopped(jd_run *r)
{
    if (!r) return JD_EUSAGE;
    const int signal_number = r->o.stop ? *r->o.stop : 0;
    return jd_fail(r->ctx, signal_number == SIGINT ? JD_EINTERRUPT : JD_ESTOPPED,
                   "%s: stopped; --resume goes on from %s/checkpoints", r->name, r->home);
}

void jd_run_metric(jd_run *r, const char *metric, bool higher)
{
    if (!r) return;
    r->generic.metric = metric;
    r->generic.higher = higher;
}

jd_report *jd_run_report(jd_run *r)
{
    if (!r) return NULL;
    if (r->report || jd_error(r->ctx)) return r->report;
    static const char *const scale[] = {"quick", "cpu", "full"};
    const char *net = json_string_value(json_object_get(r->config, "net"));
    char *subtitle = r->o.system ? jd_asprintf(r->ctx, "%s, scale %s, seed %llu. %s", r->name, scale[r->o.scale],
                                               (unsigned long long)r->o.seed, r->system->paper)
                                 : jd_asprintf(r->ctx, "%s%sseed %llu", net ? net : "", net ? "; " : "",
                                               (unsigned long long)r->o.seed);
    r->report = jd_report_new(r->ctx, r->system->title, subtitle);
    jd_free(r->ctx, subtitle);
    if (r->system->about) jd_report_text(r->report, r->system->about);
    return r->report;
}

void jd_run_curves(jd_run *r)
{
    if (!r) return;
    r->curves_drawn = true;
    jd__report_curves(r->ctx, jd_run_report(r), &r->log);
}
