/* eval.c - `jackdaw eval`: a model on a data set. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "chains.h"
#include "classes.h"
#include "eval.h"
#include "fit.h"
#include "forms.h"
#include "kind.h"
#include "model.h"
#include "targets.h"
#include "texter.h"
#include "translator.h"

char *eval_place(jd_ctx *ctx, const char *data)
{
    struct stat st;
    if (!stat(data, &st) && S_ISDIR(st.st_mode)) { /* or the folder in it that a set's archive unpacks to */
        char *place = jd_strdup(ctx, data);
        for (int i = 0; place && jd_dataset_at(i) && !strcmp(place, data); i++) {
            jd_free(ctx, place);
            place = jd_dataset_folder(ctx, jd_dataset_at(i)->name, data);
        }
        return place;
    }
    if (strpbrk(data, "/.") || !stat(data, &st)) return jd_strdup(ctx, data); /* sets have no points */
    const jd_dataset *set = jd_dataset_find(ctx, data);
    return set ? jd_dataset_locate(ctx, set) : NULL;
}

/* The figures of a regression, of several targets each. */
static void print_targets(const model *m, const measured *e)
{
    int width = 6;
    char name[COLUMN_NAME];
    printf("%s %.4g\n", m->targets > 1 ? "mean R2" : "R2", targets_r2(m, e));
    if (m->targets < 2) return;
    for (int k = 0; k < m->targets; k++) {
        const int n = (int)strlen(target_title(m, k, name));
        width = n > width ? n : width;
    }
    printf("\n%-*s  %12s  %10s\n", width, "target", "rmse", "R2");
    for (int k = 0; k < m->targets; k++)
        printf("%-*s  %12.5g  %10.4g\n", width, target_title(m, k, name), sqrt(e->mse[k]), e->r2[k]);
}

/* The same as members of a JSON object, which begin with a comma. */
static void json_targets(const model *m, const measured *e)
{
    char name[COLUMN_NAME];
    printf(",\"r2\":");
    cli_json_number(targets_r2(m, e));
    if (m->targets < 2) return;
    for (int k = 0; k < m->targets; k++) {
        printf(k ? ",{\"name\":" : ",\"targets\":[{\"name\":");
        cli_json_string(target_title(m, k, name));
        printf(",\"rmse\":");
        cli_json_number(sqrt(e->mse[k]));
        printf(",\"r2\":");
        cli_json_number(e->r2[k]);
        printf("}");
    }
    printf("]");
}

static void print(jd_ctx *ctx, const model *m, const samples *s, const measured *e, const char *data, bool json)
{
    jd_calibration c = {0};
    double top3 = 0;
    const bool sure = m->classes > 1 && !m->halves && e->n && !measured_calibration(ctx, m, s, NULL, e, &c, &top3);
    const double score = measured_score(m, e);
    const char *metric = model_metric(m);
    if (json) {
        printf("{\"data\":");
        cli_json_string(data);
        printf(",\"samples\":%zu,\"metric\":\"%s\",\"value\":", e->n, metric);
        cli_json_number(score);
        printf(",\"wrong\":%zu,\"mean_loss\":", e->wrong);
        cli_json_number(e->loss);
        if (sure) printf(",\"top3_error\":%.6g,\"calibration_error\":%.6g,\"brier\":%.6g", top3, c.expected, c.brier);
        if (m->targets) json_targets(m, e);
        printf("}\n");
        return;
    }
    printf("%s %.4g on %zu samples, mean loss %.4g\n", metric, score, e->n, e->loss);
    if (sure && m->classes > 3) printf("not among the first three answers (%%) %.4g\n", top3);
    if (sure) printf("mean distance of probability and share of right answers %.3f\n", c.expected);
    if (m->targets) print_targets(m, e);
    if (!m->classes || m->classes > 24) return;
    char name[14];
    printf("\ntrue \\ answer");
    for (int k = 0; k < m->classes; k++) printf("%6d", k);
    for (int i = 0; i < m->classes; i++) {
        printf("\n%13s", class_name(m->names, i, name, sizeof name));
        for (int k = 0; k < m->classes; k++) printf("%6lld", (long long)e->confusion[i * m->classes + k]);
    }
    printf("\n");
}

/* Whether all that a table lacks are the right answers; then the error says so. */
static void explain_target(jd_ctx *ctx, const model *m, const char *data, samples_options o)
{
    samples s = {0};
    char *why = jd_strdup(ctx, jd_error_message(ctx)), name[COLUMN_NAME];
    if (!why) return;
    jd_error_clear(ctx);
    o.unlabelled = true;
    o.regression = false;
    const bool lacks = !samples_load(ctx, data, &o, &s) && column_title(m->target, 0, name);
    samples_free(ctx, &s);
    jd_error_clear(ctx);
    if (lacks && strstr(why, ": no column "))
        jd_fail(ctx, JD_EDATA,
                "%s: the right answers are missing, column %s; add it to measure the model, or ask for answers with "
                "`jackdaw predict`",
                data, name);
    else
        jd_fail(ctx, JD_EDATA, "%s", why);
    jd_free(ctx, why);
}

static void eval_net(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split)
{
    const char *out = cli_text(a, "output", NULL);
    model m;
    jd_params *p = NULL;
    samples s = {0};
    measured e = {0};
    jd_fn *f = model_open(ctx, a->rest[0], &m, &p);
    const samples_options o = {.labels = cli_text(a, "labels", NULL),
                               .split = split,
                               .regression = !m.classes,
                               .columns = m.columns,
                               .target = m.target,
                               .categories = m.categories,
                               .forms = m.forms,
                               .missing = m.missing,
                               .names = m.names,
                               .sequence = m.rank == 2,
                               .fit = &m};
    if (f && samples_load(ctx, data, &o, &s) == JD_EDATA && m.target) explain_target(ctx, &m, data, o);
    if (f && !jd_error(ctx) && !fit_samples(ctx, &m, &s) && !model_check(ctx, &m, &s, data) &&
        !model_measure(ctx, f, &m, &s, NULL, s.count, NULL, &e)) {
        forms_warn("eval", data, &s);
        print(ctx, &m, &s, &e, data, cli_has(a, "json"));
        if (out) {
            jd_report *rep = jd_report_new(ctx, a->rest[0], data);
            model_report(ctx, rep, &m, p, &s, NULL, &e);
            jd_report_write(rep, out);
            jd_report_free(rep);
        }
    }
    measured_free(ctx, &e);
    jd_fn_free(f);
    samples_free(ctx, &s);
    jd_params_free(p);
    model_free(ctx, &m);
}

int cmd_eval(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *data = cli_text(&a, "data", a.n > 1 ? a.rest[1] : NULL);
    const jd_split split = (jd_split)cli_word(&a, "split", eval_splits, JD_TEST);
    if (a.bad) return JD_EUSAGE;
    if (!data)
        return cli_fail("eval", JD_EUSAGE, "what to measure the model on is missing; for example --data fashion-mnist");
    if (a.n > 1 && cli_has(&a, "data"))
        return cli_fail("eval", JD_EUSAGE, "'%s' and --data %s: give one of them", a.rest[1], data);
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    const char *path = a.rest[0];
    if (model_first(ctx, &a)) return cli_end("eval", ctx);
    switch (model_kind_of(ctx, path)) {
    case MODEL_READER: return eval_reader(ctx, &a, data, split);
    case MODEL_LABELLER: return eval_volumes(ctx, &a, data, split);
    case MODEL_SCANNER: return eval_scan(ctx, &a, data, split);
    case MODEL_SEGMENTER: return eval_masks(ctx, &a, data, split);
    case MODEL_CHAINS: {
        chain_model *m = chain_model_open(ctx, path);
        if (m && !jd_error(ctx)) chains_eval(m, data, split, cli_has(&a, "json"));
        chain_model_free(m);
        break;
    }
    case MODEL_TRANSLATOR: {
        translator *m = translator_open(ctx, path);
        if (m) translator_eval(m, &a, data);
        translator_free(m);
        break;
    }
    case MODEL_TEXTER: {
        texter *m = texter_open(ctx, path);
        if (m) texter_eval(m, &a, data);
        texter_free(m);
        break;
    }
    case MODEL_PARSER:
        jd_fail(ctx, JD_EUSAGE,
                "%s: a model that writes trees; `jackdaw predict` takes sentences, and its system measures it", path);
        break;
    case MODEL_NET: eval_net(ctx, &a, data, split); break;
    }
    return cli_end("eval", ctx);
}
