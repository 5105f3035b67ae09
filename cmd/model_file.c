/* model_file.c - what a model's file says of its network: written by `train`, read by what uses the model. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "letters.h"

/* One number as such, several as a text of them. */
static void describe_targets(jd_run *r, const char *name, const double *v, int n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    char *text = jd_strdup(ctx, "");
    if (n == 1) jd_run_config_number(r, name, v[0]);
    for (int k = 0; n > 1 && text && k < n; k++) {
        char *more = jd_asprintf(ctx, "%s%s%.17g", text, k ? " " : "", v[k]);
        jd_free(ctx, text);
        text = more;
    }
    if (n > 1 && text) jd_run_config(r, name, text);
    jd_free(ctx, text);
}

static void describe_vector(jd_run *r, const char *name, const float *v, int64_t n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t size = (size_t)n * 20 + 1;
    char *text = jd_alloc(ctx, size);
    size_t at = 0;
    for (int64_t i = 0; text && i < n; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%.9g", i ? " " : "", (double)v[i]);
    if (text) jd_run_config(r, name, text);
    jd_free(ctx, text);
}

static void describe_ear(jd_run *r, int rate)
{
    const jd_ear_options *e = &folder_ear;
    jd_run_config(r, "sound-preset", e->preset);
    jd_run_config_number(r, "sound-rate", rate);
    jd_run_config_number(r, "sound-mel-floor", (double)e->mel_floor);
    jd_run_config_number(r, "sound-energy-floor", (double)e->energy_floor);
    jd_run_config_number(r, "sound-level", (double)e->level);
    jd_run_config_number(r, "sound-skip", e->skip);
    jd_run_config_number(r, "sound-prior", e->prior);
}

void model_describe(jd_run *r, const model *m)
{
    char shape[80];
    size_t at = 0;
    for (int k = 0; k < m->rank; k++)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%lld", k ? "x" : "", (long long)m->dim[k]);
    jd_run_config(r, "net", m->net);
    if (m->rate)
        describe_ear(r, m->rate); /* of models with an ear cmd/reader.c knows the input */
    else
        jd_run_config(r, "input", shape);
    if (m->alphabet)
        jd_run_config(r, "alphabet", m->alphabet);
    else
        jd_run_config_number(r, "classes", m->classes);
    if (m->names && *m->names) jd_run_config(r, "class-names", m->names);
    if (m->targets > 1) jd_run_config_number(r, "targets", m->targets);
    if (m->targets) describe_targets(r, "target-mean", m->t_mean, m->targets);
    if (m->targets) describe_targets(r, "target-factor", m->t_scale, m->targets);
    if (m->rank == 3) {
        jd_run_config(r, "pictures", shape);
        if (m->scaled) jd_run_config(r, "ink", "none");
        jd_run_config_number(r, "low", (double)m->low);
        jd_run_config_number(r, "high", (double)m->high);
        return;
    }
    describe_vector(r, "mean", m->mean, m->dim[m->rank - 1]);
    describe_vector(r, "factor", m->scale, m->dim[m->rank - 1]);
    if (m->rate) return;
    if (m->columns) jd_run_config(r, "columns", m->columns);
    if (m->target) jd_run_config(r, "target", m->target);
    if (m->categories && *m->categories) jd_run_config(r, "categories", m->categories);
    if (m->forms && *m->forms) jd_run_config(r, "forms", m->forms);
    jd_run_config(r, "missing", samples_missing[m->missing]);
}

static float *read_vector(jd_ctx *ctx, const json_t *j, const char *name, int64_t n)
{
    const char *at = json_string_value(json_object_get(j, name));
    float *v = jd_alloc_array(ctx, (size_t)n, sizeof *v);
    for (int64_t i = 0; v && at && i < n; i++) {
        char *end;
        v[i] = strtof(at, &end);
        at = end == at ? NULL : end;
    }
    if (v && !at) jd_fail(ctx, JD_EDATA, "jackdaw.config: \"%s\" is not %lld numbers", name, (long long)n);
    return v;
}

double *model_read_targets(jd_ctx *ctx, const void *config, const char *name, int n)
{
    const json_t *value = json_object_get(config, name);
    const char *at = json_string_value(value);
    double *v = jd_alloc_array(ctx, (size_t)n + 1, sizeof *v);
    if (v && n == 1) v[0] = json_number_value(value);
    for (int k = 0; v && n > 1 && k < n; k++) {
        char *end = NULL;
        v[k] = at ? strtod(at, &end) : 0;
        if (!at || end == at) {
            jd_fail(ctx, JD_EDATA, "jackdaw.config: \"%s\" is not %d numbers", name, n);
            break;
        }
        at = end;
    }
    return v;
}

static void read_targets(jd_ctx *ctx, const json_t *j, model *m)
{
    const json_t *targets = json_object_get(j, "targets");
    const json_int_t n = json_is_integer(targets) ? json_integer_value(targets) : 1;
    if (n < 1 || n > MODEL_TARGETS)
        jd_fail(ctx, JD_EDATA, "jackdaw.config: \"targets\" is %lld; 1 to %d", (long long)n, MODEL_TARGETS);
    m->targets = (int)n;
    if (!jd_error(ctx)) m->t_mean = model_read_targets(ctx, j, "target-mean", m->targets);
    if (!jd_error(ctx)) m->t_scale = model_read_targets(ctx, j, "target-factor", m->targets);
    for (int k = 0; !jd_error(ctx) && k < m->targets; k++)
        if (!(fabs(m->t_scale[k]) > 0)) m->t_scale[k] = 1;
}

static void read_columns(jd_ctx *ctx, const json_t *j, model *m)
{
    const char *columns = json_string_value(json_object_get(j, "columns"));
    const char *target = json_string_value(json_object_get(j, "target"));
    const char *categories = json_string_value(json_object_get(j, "categories"));
    const char *forms = json_string_value(json_object_get(j, "forms"));
    const char *word = json_string_value(json_object_get(j, "missing"));
    if (columns) m->columns = jd_strdup(ctx, columns);
    if (target) m->target = jd_strdup(ctx, target);
    m->categories = jd_strdup(ctx, categories ? categories : "");
    m->forms = jd_strdup(ctx, forms ? forms : "");
    for (int k = 0; word && samples_missing[k]; k++)
        if (!strcmp(word, samples_missing[k])) m->missing = (missing)k;
}

static jd_status read_config(jd_ctx *ctx, const char *path, const char *text, model *m)
{
    errno = 0;
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!j && errno == ENOMEM) return jd_fail(ctx, JD_ENOMEM, "%s: out of memory", path);
    const char *net = json_string_value(json_object_get(j, "net"));
    const char *at = json_string_value(json_object_get(j, "input"));
    const json_t *classes = json_object_get(j, "classes");
    long long product = 1;
    for (char *end; at && m->rank < 3; at = *end == 'x' ? end + 1 : NULL) {
        const long long d = strtoll(at, &end, 10);
        product = end == at || d < 1 || d > 1000000 ? 0 : product * d;
        m->dim[m->rank++] = d;
    }
    if (!net || !json_is_integer(classes) || json_integer_value(classes) < 0 || json_integer_value(classes) > 100000 ||
        m->rank < 1 || product < 1 || product > 100000000) {
        jd_fail(
            ctx, JD_EUSAGE,
            "%s: holds no network that the program can rebuild (no net, input, classes in jackdaw.config); models of "
            "`jackdaw train` do, those of the systems are built by their own code",
            path);
    } else {
        const char *names = json_string_value(json_object_get(j, "class-names"));
        m->net = jd_strdup(ctx, net);
        m->names = jd_strdup(ctx, names ? names : "");
        m->classes = (int)json_integer_value(classes);
        const char *answer = json_string_value(json_object_get(j, "answer"));
        m->halves = m->classes && answer && !strcmp(answer, "tanh");
        m->low = (float)json_number_value(json_object_get(j, "low"));
        m->high = (float)json_number_value(json_object_get(j, "high"));
        if (!m->classes) read_targets(ctx, j, m);
        read_columns(ctx, j, m);
        if (m->rank < 3) m->mean = read_vector(ctx, j, "mean", m->dim[m->rank - 1]);
        if (m->rank < 3) m->scale = read_vector(ctx, j, "factor", m->dim[m->rank - 1]);
        if (!jd_error(ctx)) model_read_members(ctx, path, j, m);
    }
    json_decref(j);
    return jd_error(ctx);
}

jd_status model_load(jd_ctx *ctx, const char *path, model *m, jd_params **params)
{
    *m = (model){0};
    *params = NULL;
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    const char *config = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    if (f && !config)
        jd_fail(ctx, JD_EUSAGE, "%s: has no jackdaw.config, so the network is not known; give a model.safetensors",
                path);
    if (config && !read_config(ctx, path, config, m)) *params = jd_params_new(ctx, JD_F32);
    if (*params) jd_params_load(ctx, *params, f);
    jd_tensor_file_close(f);
    return jd_error(ctx);
}
