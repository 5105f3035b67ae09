/* predict.c - `jackdaw predict`: what a model says to files. */
#include <stdlib.h>
#include <string.h>

#include "chains.h"
#include "classes.h"
#include "files.h"
#include "fit.h"
#include "forms.h"
#include "kind.h"
#include "model.h"
#include "parser.h"
#include "predict.h"
#include "targets.h"
#include "texter.h"
#include "translator.h"

typedef enum form { PLAIN, JSON, CSV } form;

/* The columns of a regression's answers: of several targets their names. */
static void print_titles(const model *m)
{
    char name[COLUMN_NAME];
    if (m->targets == 1) printf("value");
    for (int k = 0; m->targets > 1 && k < m->targets; k++) {
        if (k) printf(",");
        csv_field(stdout, target_title(m, k, name));
    }
}

/* The answers p (targets) of a regression. */
static void print_targets(const model *m, const float *p, form how)
{
    char name[COLUMN_NAME];
    if (m->targets == 1) {
        printf(how == JSON ? "\"value\":%.9g" : how == CSV ? "%.9g" : "%.6g", (double)p[0]);
        return;
    }
    if (how == JSON) printf("\"values\":{");
    for (int k = 0; k < m->targets; k++) {
        target_title(m, k, name);
        if (how == JSON) {
            printf("%s", k ? "," : "");
            cli_json_string(name);
            printf(":%.9g", (double)p[k]);
        } else if (how == CSV) {
            printf("%s%.9g", k ? "," : "", (double)p[k]);
        } else {
            printf("%s%s %.6g", k ? "  " : "", name, (double)p[k]);
        }
    }
    if (how == JSON) printf("}");
}

static void print_one(const model *m, const char *file, size_t i, const measured *e, form how)
{
    const size_t K = (size_t)model_outputs(m);
    const float *p = e->p + i * K;
    const int32_t best = e->predicted[i];
    const bool named = m->names && *m->names;
    char name[256];
    class_name(m->names, best, name, sizeof name);
    if (how == JSON) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"index\":%zu,", i);
        if (!m->classes) {
            print_targets(m, p, how);
            printf("}\n");
            return;
        }
        printf("\"class\":%d,", best);
        if (named) printf("\"name\":");
        if (named) cli_json_string(name);
        printf("%s\"probability\":%.9g,\"probabilities\":[", named ? "," : "", (double)p[best]);
        for (size_t k = 0; k < K; k++) printf("%s%.9g", k ? "," : "", (double)p[k]);
        printf("]}\n");
    } else if (how == CSV) {
        csv_field(stdout, file);
        printf(",%zu,", i);
        if (m->classes) csv_field(stdout, name);
        if (m->classes) printf(",%.9g", (double)p[best]);
        if (!m->classes) print_targets(m, p, how);
        if (named) printf(",%d", best);
        printf("\n");
    } else if (m->classes) {
        printf("%s:%zu  class %d%s%s  probability %.4f\n", file, i, best, named ? " " : "", named ? name : "",
               (double)p[best]);
    } else {
        printf("%s:%zu  ", file, i);
        print_targets(m, p, how);
        printf("\n");
    }
}

/* One picture. */
static jd_status load_picture(jd_ctx *ctx, const model *m, const char *file, samples *s)
{
    jd_picture p = {0};
    if (m->rank != 3) return jd_fail(ctx, JD_EUSAGE, "%s: a picture, but the model takes tables", file);
    if (jd_read_picture(ctx, file, (int)m->dim[2], &p)) return jd_error(ctx);
    s->rank = 3;
    s->count = 1;
    s->images =
        (jd_images){.count = 1, .height = p.height, .width = p.width, .channels = p.channels, .pixels = p.pixels};
    s->dim[0] = p.height;
    s->dim[1] = p.width;
    s->dim[2] = p.channels;
    return jd_error(ctx);
}

/* A table is read by the columns that the model knows; where there are none of these, it must consist of the inputs. */
static void load_table(jd_ctx *ctx, const model *m, const char *path, samples *s)
{
    samples_options o = {.split = JD_ALL,
                         .unlabelled = true,
                         .sequence = m->rank == 2,
                         .columns = m->columns,
                         .fit = m,
                         .categories = m->categories,
                         .forms = m->forms,
                         .missing = m->missing == MISSING_MEAN ? MISSING_MEAN : MISSING_REFUSE};
    if (samples_load(ctx, path, &o, s) != JD_EDATA || !m->columns) return;
    char *why = jd_strdup(ctx, jd_error_message(ctx));
    jd_error_clear(ctx);
    o.columns = NULL;
    if (!samples_load(ctx, path, &o, s) && s->dim[0] == m->dim[0]) {
        jd_free(ctx, why);
        return;
    }
    samples_free(ctx, s);
    jd_error_clear(ctx);
    jd_fail(ctx, JD_EDATA, "%s", why ? why : path);
    jd_free(ctx, why);
}

/* Any file that is no picture is read as samples without labels. */
static jd_status load(jd_ctx *ctx, const model *m, const char *file, samples *s)
{
    *s = (samples){0};
    if (file_is_picture(file)) {
        load_picture(ctx, m, file, s);
    } else if (m->rank == 3 && file_ends(file, ".tsv")) {
        const samples_options o = {.fit = m, .split = JD_ALL};
        if (!listed_load(ctx, file, &o, s))
            jd_fail(ctx, JD_EUSAGE, "%s: a table, but no index of mosaics or of a blob; the model takes pictures",
                    file);
    } else {
        char *path = strchr(file, '/') ? jd_strdup(ctx, file) : jd_asprintf(ctx, "./%s", file);
        if (path) load_table(ctx, m, path, s);
        jd_free(ctx, path);
    }
    return jd_error(ctx) || fit_samples(ctx, m, s) ? jd_error(ctx) : model_check(ctx, m, s, file);
}

static void predict_files(jd_ctx *ctx, const cli_args *a, jd_fn *f, const model *m)
{
    static const char *const pictures[] = {FILE_PICTURES, "idx3-ubyte", "idx3-ubyte.gz", ".npy", ".npz", NULL},
                             *const tables[] = {".csv", ".csv.gz", ".tsv", ".tsv.gz", ".arff",
                                                ".ts",  ".ts.gz",  ".npy", ".npz",    NULL};
    file_list files = {0};
    cli_args indexed = *a; /* a folder of mosaics stands for its index */
    char **index = jd_alloc_array(ctx, (size_t)a->n, sizeof *index);
    bool any = false;
    indexed.rest = jd_alloc_array(ctx, (size_t)a->n + 1, sizeof *indexed.rest);
    for (int i = 0; index && indexed.rest && i < a->n; i++) {
        index[i] = m->rank == 3 && i > 0 ? listed_index(ctx, a->rest[i], JD_TEST) : NULL;
        any |= index[i] != NULL;
        indexed.rest[i] = index[i] ? index[i] : a->rest[i];
    }
    if (!jd_error(ctx) && !files_list(ctx, &indexed, m->rank == 3 ? pictures : tables, &files)) {
        const form how = cli_has(a, "json") ? JSON : cli_has(a, "csv") || files.folder || any ? CSV : PLAIN;
        if (how == CSV) printf(m->classes ? "file,index,class,probability" : "file,index,");
        if (how == CSV && !m->classes) print_titles(m);
        if (how == CSV) printf(m->names && *m->names ? ",number\n" : "\n"); /* of classes that have names */
        for (size_t i = 0; i < files.n; i++) {
            samples s;
            measured e = {0};
            if (!load(ctx, m, files.path[i], &s) && !model_measure(ctx, f, m, &s, NULL, s.count, NULL, &e)) {
                forms_warn("predict", files.path[i], &s);
                for (size_t k = 0; k < e.n; k++) print_one(m, files.path[i], k, &e, how);
            }
            measured_free(ctx, &e);
            samples_free(ctx, &s);
            if (!files_next(ctx, &files)) break;
        }
        files_end(ctx, &files);
    }
    files_free(ctx, &files);
    for (int i = 0; index && i < a->n; i++) jd_free(ctx, index[i]);
    jd_free(ctx, index);
    jd_free(ctx, indexed.rest);
}

static void predict_chains(jd_ctx *ctx, const cli_args *a, chain_model *m)
{
    static const char *const endings[] = {".fasta", ".fa", ".fasta.gz", ".fa.gz", ".tsv", ".tsv.gz", NULL};
    file_list files = {0};
    if (jd_error(ctx)) return;
    if (!files_list(ctx, a, endings, &files)) {
        const chains_form how = cli_has(a, "json") ? CHAINS_JSON : cli_has(a, "csv") ? CHAINS_CSV : CHAINS_PLAIN;
        for (size_t i = 0; i < files.n; i++) {
            chains_predict(m, files.path[i], how);
            if (!files_next(ctx, &files)) break;
        }
        files_end(ctx, &files);
    }
    files_free(ctx, &files);
}

static void predict_net(jd_ctx *ctx, const cli_args *a)
{
    model m;
    jd_params *p = NULL;
    jd_fn *f = model_open(ctx, a->rest[0], &m, &p);
    if (f) predict_files(ctx, a, f, &m);
    jd_fn_free(f);
    jd_params_free(p);
    model_free(ctx, &m);
}

int cmd_predict(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    const char *path = a.rest[0];
    if (model_first(ctx, &a)) return cli_end("predict", ctx);
    switch (model_kind_of(ctx, path)) {
    case MODEL_READER: return read_files(ctx, &a);
    case MODEL_LABELLER: return predict_volumes(ctx, &a);
    case MODEL_SEGMENTER: return predict_masks(ctx, &a);
    case MODEL_CHAINS: {
        chain_model *m = chain_model_open(ctx, path);
        if (m) predict_chains(ctx, &a, m);
        chain_model_free(m);
        break;
    }
    case MODEL_TRANSLATOR: {
        translator *m = translator_open(ctx, path);
        if (m) translator_predict(m, &a);
        translator_free(m);
        break;
    }
    case MODEL_PARSER: {
        parser *m = parser_open(ctx, path);
        if (m) parser_predict(m, &a);
        parser_free(m);
        break;
    }
    case MODEL_TEXTER: {
        texter *m = texter_open(ctx, path);
        if (m) texter_predict(m, &a);
        texter_free(m);
        break;
    }
    case MODEL_SCANNER:
        jd_fail(ctx, JD_EUSAGE,
                "%s: answers for every pixel of a picture; jackdaw scan MODEL FILE -o OUT.png, or OUT.csv for points",
                path);
        break;
    case MODEL_NET: predict_net(ctx, &a); break;
    }
    return cli_end("predict", ctx);
}
