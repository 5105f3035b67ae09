/* run.c - `jackdaw run`: one of the systems, with one seed or several. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/ranks.h"
#include "run.h"

static const char *const scales[] = {"quick", "cpu", "full", NULL};

typedef struct request {
    const jd_system *system;
    const char *data, *out;
    int scale;
    int64_t seed, seeds, checkpoint_every;
    bool skip_bad;
    const char *set[2 * CLI_MAX_REPEATED + 1];
    cli_config *config;
} request;

void cli_accept_text(char out[64], double accept, bool higher)
{
    if (isnan(accept))
        snprintf(out, 64, "none");
    else
        snprintf(out, 64, "%s %.4g", higher ? "at least" : "at most", accept);
}

void cli_print_result(const jd_run *r)
{
    char *text = jd_run_result_json(r);
    if (text) printf("%s\n", text);
    jd_free(jd_run_ctx(r), text);
    fflush(stdout);
}

static void print_plain(const request *q, const jd_run *r)
{
    char accept[64], paper[32] = "none";
    if (!isnan(q->system->paper_value)) snprintf(paper, sizeof paper, "%.4g", q->system->paper_value);
    cli_accept_text(accept, q->system->accept[q->scale], q->system->higher);
    printf("%s, %s, seed %" PRIu64
           ": %s\n  ours %.6g   paper %s   to reach %s   %s   %.1f s\n  report %s/report.html\n",
           q->system->name, scales[q->scale], jd_run_seed(r), q->system->metric, jd_run_value(r), paper, accept,
           jd_run_passed(r) ? "passed" : "not passed", jd_run_seconds(r), jd_run_dir(r));
    fflush(stdout);
}

static void tell_result(const request *q, const cli_view *view, const jd_run *r)
{
    if (jd_my_rank(jd_run_ctx(r))) return;
    if (view->json)
        cli_print_result(r);
    else
        print_plain(q, r);
}

/* Command line before --config before defaults. */
static int read_request(cli_args *a, request *q)
{
    char buffer[64];
    char **assignments;
    int code = cli_config_read("run", cli_text(a, "config", NULL), &q->config);
    if (code) return code;
    const char *seed = cli_config_text(q->config, "seed", buffer);
    const int64_t seed0 = seed ? strtoll(seed, NULL, 10) : 1;
    q->seed = cli_int(a, "seed", seed0, 0, INT64_MAX);
    const char *scale = cli_config_text(q->config, "scale", buffer);
    int scale0 = 0;
    for (int i = 0; scale && scales[i]; i++)
        if (!strcmp(scales[i], scale)) scale0 = i;
    q->scale = cli_word(a, "scale", scales, scale0);
    q->seeds = cli_int(a, "seeds", 0, 1, CLI_MAX_SEEDS);
    q->checkpoint_every = cli_int(a, "checkpoint-every", 0, 1, INT32_MAX);
    q->skip_bad = cli_has(a, "skip-bad");
    q->data = cli_text(a, "data", cli_config_text(q->config, "data", buffer));
    q->out = cli_text(a, "out", NULL);
    if (a->bad) return JD_EUSAGE;
    const int n = cli_config_settings(q->config, &assignments);
    int k = 0;
    for (int i = 0; i < n && k < CLI_MAX_REPEATED; i++) q->set[k++] = assignments[i];
    for (int i = 0; a->repeated[i]; i++) q->set[k++] = a->repeated[i];
    q->system = cli_system("run", a->rest[0]);
    if (q->system && q->data && !q->system->data)
        return cli_fail("run", JD_EUSAGE, "%s makes its own data, so --data %s has no place; leave it out",
                        q->system->name, q->data);
    return q->system ? 0 : JD_EUSAGE;
}

static jd_run *one_run(jd_ctx *ctx, const request *q, cli_view *view, uint64_t seed, const char *dir, bool resume)
{
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.system = q->system,
                                                  .scale = (jd_scale)q->scale,
                                                  .seed = seed,
                                                  .dir = dir,
                                                  .set = q->set,
                                                  .data = q->data,
                                                  .resume = resume,
                                                  .on_event = cli_view_event,
                                                  .user = view,
                                                  .stop = &cli_stop,
                                                  .checkpoint_every = q->checkpoint_every,
                                                  .skip_bad = q->skip_bad});
    if (r) q->system->run(r);
    cli_view_close(view);
    return r;
}

static int several(jd_ctx *ctx, const request *q, cli_view *view, bool resume)
{
    cli_series s = {.system = q->system, .scale = (jd_scale)q->scale, .n = (int)q->seeds};
    char *base = q->out ? jd_strdup(ctx, q->out) : jd_asprintf(ctx, "runs/%s", q->system->name);
    s.run = jd_alloc_array(ctx, (size_t)s.n, sizeof *s.run);
    s.dir = base;
    int code = 0;
    for (int i = 0; i < s.n && s.run && base && !code; i++) {
        const uint64_t seed = (uint64_t)q->seed + (uint64_t)i;
        char *dir = jd_asprintf(ctx, "%s-%" PRIu64, base, seed);
        jd_run *r = s.run[i] = one_run(ctx, q, view, seed, dir, resume);
        jd_free(ctx, dir);
        if (jd_error(ctx) == JD_EDIVERGED) { /* this seed failed: it counts as not passed */
            cli_fail("run", 0, "seed %" PRIu64 ": %s", seed, jd_error_message(ctx));
            jd_error_clear(ctx);
        } else if (!jd_error(ctx)) {
            tell_result(q, view, r);
        }
        code = (int)jd_error(ctx);
    }
    if (!code && s.run && base && !jd_my_rank(ctx)) code = cli_summary(ctx, &s, view->json);
    for (int i = 0; s.run && i < s.n; i++) jd_run_free(s.run[i]);
    jd_free(ctx, s.run);
    jd_free(ctx, base);
    return code;
}

int cmd_run(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    request q = {0};
    code = read_request(&a, &q);
    jd_ctx *ctx = code ? NULL : cli_context(&a, &code);
    if (!ctx) {
        cli_config_free(q.config);
        return code;
    }
    jd_ranks_join(ctx, (int)cli_int(&a, "shards", 0, 1, 1 << 16));
    cli_view view;
    cli_view_init(&view, &a);
    cli_catch_signals();
    const bool resume = cli_has(&a, "resume");
    if (q.seeds > 0) {
        code = several(ctx, &q, &view, resume);
    } else {
        jd_run *r = one_run(ctx, &q, &view, (uint64_t)q.seed, q.out, resume);
        if (!jd_error(ctx)) tell_result(&q, &view, r);
        code = (int)jd_error(ctx);
        if (r) jd_run_free(r);
    }
    cli_config_free(q.config);
    const int status = cli_end("run", ctx);
    return status ? status : code;
}
