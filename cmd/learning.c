/* learning.c - see learning.h. */
#include "learning.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "jackdaw/ranks.h"

static const char *const optimizers[] = {"sgd", "momentum", "nesterov", "rmsprop", "adam", NULL};
static const char *const schedules[] = {"constant", "geometric", "linear", "cosine", NULL};

/* "32x48" or "32x48x1". */
static void read_size(cli_args *a, int d[3])
{
    const char *text = cli_text(a, "size", NULL);
    int used = 0;
    if (!text) return;
    int n = sscanf(text, "%4dx%4d%n", &d[0], &d[1], &used);
    if (n == 2 && text[used]) n = sscanf(text, "%4dx%4dx%1d%n", &d[0], &d[1], &d[2], &used);
    if (n < 2 || text[used] || d[0] < 1 || d[1] < 1 || d[0] > 4096 || d[1] > 4096 ||
        (n == 3 && d[2] != 1 && d[2] != 3)) {
        cli_fail("train", JD_EUSAGE, "--size %s: write HxW, such as 32x48, or HxWx1 for grey, HxWx3 for colour", text);
        a->bad = true;
    }
}

static int place_of(const char *const *words, const char *word)
{
    int k = 0;
    while (words[k] && strcmp(words[k], word) != 0) k++;
    return k;
}

void learning_read(cli_args *a, const learning_defaults *d, learning *l, model *m)
{
    static const jd_schedule_kind kinds[] = {JD_CONSTANT, JD_GEOMETRIC, JD_LINEAR_DECAY, JD_COSINE};
    const int optimizer = cli_word(a, "optimizer", optimizers, place_of(optimizers, d->optimizer));
    const double rate = cli_real(a, "lr", d->rate > 0 ? d->rate : optimizer < 3 ? 0.01 : 0.001, 0, 1000);
    l->seed = (uint64_t)cli_int(a, "seed", 1, 0, INT64_MAX);
    l->deform = cli_has(a, "deform");
    l->epochs = cli_int(a, "epochs", 0, d->least_epochs, 1000000);
    l->patience = cli_int(a, "patience", 0, 0, 1000000);
    m->optimizer = optimizers[optimizer];
    m->momentum = cli_real(a, "momentum", optimizer == 1 || optimizer == 2 ? 0.9 : 0, 0, 0.9999);
    m->clip = cli_real(a, "clip", 0, 0, 1e9);
    m->weight_decay = cli_real(a, "weight-decay", 0, 0, 1);
    l->lr = (jd_schedule){.kind = kinds[cli_word(a, "schedule", schedules, place_of(schedules, d->schedule))],
                          .rate = rate};
    l->lr.end = cli_real(a, "lr-end", rate / 100, 0, 1000);
    read_size(a, l->size);
    l->share = cli_real(a, "validation", 0.1, 0, 0.9);
    /* Read again where the data is known, here so that a wrong word is answered at once. */
    cli_int(a, "batch", 32, 1, 1000000);
    cli_int(a, "checkpoint-every", 0, 1, INT32_MAX);
}

void learning_describe(jd_run *r, const learning *l, const model *m)
{
    static const jd_schedule_kind kinds[] = {JD_CONSTANT, JD_GEOMETRIC, JD_LINEAR_DECAY, JD_COSINE};
    int schedule = 0;
    while (kinds[schedule] != l->lr.kind) schedule++;
    jd_run_config_number(r, "epochs", (double)l->epochs);
    jd_run_config_number(r, "validation", l->share);
    jd_run_config_number(r, "patience", (double)l->patience);
    jd_run_config(r, "optimizer", m->optimizer);
    jd_run_config_number(r, "lr", l->lr.rate);
    jd_run_config(r, "schedule", schedules[schedule]);
    jd_run_config_number(r, "lr-end", l->lr.end);
    jd_run_config_number(r, "momentum", m->momentum);
    jd_run_config_number(r, "clip", m->clip);
    jd_run_config_number(r, "weight-decay", m->weight_decay);
    if (l->deform) jd_run_config(r, "deform", "yes");
}

static void run_name(const char *data, char out[128])
{
    size_t n = strlen(data);
    while (n > 1 && data[n - 1] == '/') n--;
    const char *at = data + n;
    while (at > data && at[-1] != '/') at--;
    size_t length = (size_t)(data + n - at);
    const char *dot = memchr(at + (length > 0), '.', length - (length > 0));
    if (dot) length = (size_t)(dot - at);
    snprintf(out, 128, "train-%.*s", (int)length, at);
}

static jd_run *new_run(jd_ctx *ctx, cli_args *a, const learning *l, cli_view *view, const char *name)
{
    return jd_run_new(ctx, &(jd_run_options){.name = name,
                                             .seed = l->seed,
                                             .dir = cli_text(a, "out", NULL),
                                             .data = cli_text(a, "data", NULL),
                                             .resume = cli_has(a, "resume"),
                                             .on_event = cli_view_event,
                                             .user = view,
                                             .stop = &cli_stop,
                                             .checkpoint_every = cli_int(a, "checkpoint-every", 0, 1, INT32_MAX)});
}

/* A training that names no folder does not cost the model of an earlier one: that folder becomes NAME-SEED.1, .2 and so on.
 * Its new name, for jd_free, or NULL. */
static char *keep_earlier(jd_ctx *ctx, const char *name, uint64_t seed)
{
    char *dir = jd_asprintf(ctx, "runs/%s-%" PRIu64, name, seed), *kept = NULL;
    uint8_t *ready = jd_alloc(ctx, (size_t)jd_ranks(ctx));
    struct stat st;
    if (dir && !jd_my_rank(ctx) && !stat(dir, &st)) {
        for (int k = 1; !jd_error(ctx) && !kept; k++) {
            kept = jd_asprintf(ctx, "%s.%d", dir, k);
            if (!kept || stat(kept, &st)) break;
            jd_free(ctx, kept);
            kept = NULL;
        }
        if (kept && rename(dir, kept))
            jd_fail(ctx, JD_EIO, "%s: the earlier run cannot be moved to %s: %s; name another folder with --out", dir,
                    kept, strerror(errno));
    }
    if (ready) jd_ranks_gather(ctx, ready, (size_t)jd_ranks(ctx), 1); /* nobody writes there before it is moved */
    jd_free(ctx, ready);
    jd_free(ctx, dir);
    return kept;
}

jd_run *learning_run(jd_ctx *ctx, cli_args *a, const learning *l, cli_view *view)
{
    char name[128];
    const char *data = cli_text(a, "data", NULL);
    run_name(data, name);
    char *kept = cli_has(a, "out") || cli_has(a, "resume") ? NULL : keep_earlier(ctx, name, l->seed);
    jd_run *r = jd_error(ctx) ? NULL : new_run(ctx, a, l, view, name);
    if (r && kept) jd_run_note(r, "the earlier run of this name is kept in %s", kept);
    jd_free(ctx, kept);
    return r;
}

learning_part learning_measures(size_t test, size_t valid, size_t trained)
{
    return (learning_part){.test = test > 0,
                           .valid = valid > 0,
                           .n = test    ? test
                                : valid ? valid
                                        : trained,
                           .name = test    ? "test"
                                   : valid ? "validation"
                                           : "training"};
}

void learning_say(jd_run *r, const cli_args *a, const char *text)
{
    jd_ctx *ctx = jd_run_ctx(r);
    if (jd_my_rank(ctx)) return; /* one of several processes speaks for all */
    char *line = cli_has(a, "json") ? jd_run_result_json(r) : NULL;
    if (line) printf("%s\n", line);
    if (!cli_has(a, "json"))
        printf("%s, %.1f s\n  model  %s/model.safetensors\n  report %s/report.html\n", text, jd_run_seconds(r),
               jd_run_dir(r), jd_run_dir(r));
    jd_free(ctx, line);
}
