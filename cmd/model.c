/* model.c - a network described by a line of text, with its normalisation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "letters.h"

int64_t model_size(const model *m)
{
    int64_t size = 1;
    for (int k = 0; k < m->rank; k++) size *= m->dim[k];
    return size;
}

int64_t model_outputs(const model *m)
{
    return m->classes ? m->classes : m->targets;
}

/* Whether a word of the list begins a layer. */
static bool has_layer(const char *net, const char *const *words)
{
    for (const char *at = net; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
        at += strspn(at, " \t");
        for (size_t k = 0; words[k]; k++)
            if (strcspn(at, " \t,") == strlen(words[k]) && !strncmp(at, words[k], strlen(words[k]))) return true;
    }
    return false;
}

bool model_is_sequential(const char *net)
{
    static const char *const words[] = {"lstm", "blstm", "gru",       "bgru",   "srn",
                                        "bsrn", "mean",  "clockwork", "window", NULL};
    return net && has_layer(net, words);
}

bool model_knows_lengths(const char *net)
{
    static const char *const others[] = {"block", "pyramid", "collapse", "conv", "pool", "embed"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(net, others[i])) return false;
    return true;
}

void model_free(jd_ctx *ctx, model *m)
{
    for (int k = 0; k < m->members; k++) {
        jd_free(ctx, m->member[k].scope);
        jd_free(ctx, m->member[k].name);
        jd_free(ctx, m->member[k].net);
    }
    for (int v = 0; v < m->views; v++) jd_free(ctx, m->view[v].prepare);
    jd_free(ctx, m->member);
    jd_free(ctx, m->view);
    jd_free(ctx, m->net);
    jd_free(ctx, m->names);
    jd_free(ctx, m->alphabet);
    jd_free(ctx, m->mean);
    jd_free(ctx, m->scale);
    jd_free(ctx, m->columns);
    jd_free(ctx, m->categories);
    jd_free(ctx, m->forms);
    jd_free(ctx, m->target);
    jd_free(ctx, m->t_mean);
    jd_free(ctx, m->t_scale);
    *m = (model){0};
}

static void mean_and_scale(const float *v, size_t stride, const uint32_t *index, size_t n, double *mean, double *scale)
{
    double sum = 0, squares = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)v[(size_t)index[i] * stride];
        if (isnan(x)) continue; /* a missing cell */
        sum += x;
        count++;
    }
    *mean = count > 0 ? sum / count : 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)v[(size_t)index[i] * stride] - *mean;
        squares += isnan(d) ? 0 : d * d;
    }
    *scale = squares > 0 ? sqrt(count / squares) : 1;
}

static bool is_constant(const float *v, size_t stride, const uint32_t *index, size_t n)
{
    float least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const float x = v[(size_t)index[i] * stride];
        least = fminf(least, x); /* of NaN and a number the number */
        most = fmaxf(most, x);
    }
    return !(most > least);
}

/* The same of channel k of sequences, over all their steps. */
static void mean_of_steps(const samples *s, size_t k, const uint32_t *index, size_t n, double *mean, double *scale)
{
    const size_t C = (size_t)s->dim[1];
    double sum = 0, squares = 0, count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++)
            for (size_t t = s->start[index[i]]; t < s->start[index[i] + 1]; t++) {
                const double x = (double)s->values[t * C + k];
                if (isnan(x)) continue;
                if (pass)
                    squares += (x - *mean) * (x - *mean);
                else
                    sum += x, count++;
            }
        if (!pass) *mean = count > 0 ? sum / count : 0;
    }
    *scale = squares > 0 ? sqrt(count / squares) : 1;
}

/* Arrays may hold few levels, such as 0 to 16: their brightest is what 255 is to others. */
static void fit_range(model *m, const samples *s, const uint32_t *index, size_t n)
{
    enum { DARK = 128 };
    const size_t size = (size_t)(s->dim[0] * s->dim[1] * s->dim[2]);
    int most = 0;
    for (size_t i = 0; i < n && most < DARK; i++)
        for (size_t k = 0; k < size; k++) {
            const int pixel = s->images.pixels[(size_t)index[i] * size + k];
            if (pixel > most) most = pixel;
        }
    if (most && most < DARK) m->high = m->low + (m->high - m->low) * 255 / (float)most;
}

jd_status model_fit(jd_ctx *ctx, model *m, const samples *s, const uint32_t *index, size_t n)
{
    if (s->columns) m->columns = jd_strdup(ctx, s->columns);
    if (s->target_column) m->target = jd_strdup(ctx, s->target_column);
    m->categories = jd_strdup(ctx, s->categories ? s->categories : "");
    m->forms = jd_strdup(ctx, s->forms ? s->forms : "");
    if (s->names) m->names = jd_strdup(ctx, s->names);
    m->scaled = s->scaled;
    m->rate = s->rate;
    if (s->alphabet) {
        m->alphabet = jd_strdup(ctx, s->alphabet);
        m->letters = (int)letters_count(s->alphabet);
    }
    m->rank = s->rank;
    memcpy(m->dim, s->dim, sizeof m->dim);
    m->classes = s->classes;
    m->low = -1;
    m->high = 1;
    m->targets = s->targets;
    const int64_t outputs = jd_net_outputs(ctx, m->net),
                  wanted = s->alphabet ? (int64_t)letters_count(s->alphabet) + 1 : model_outputs(m);
    if (jd_error(ctx)) return jd_error(ctx);
    if (outputs != wanted) {
        char some[300] = "";
        if (s->names) class_some(s->names, some, sizeof some);
        if (s->alphabet)
            return jd_fail(
                ctx, JD_EUSAGE,
                "the network \"%s\" has %lld outputs, not one for each of the letters \"%.200s\" and one for none; end "
                "it with \"dense %lld\"",
                m->net, (long long)outputs, s->alphabet, (long long)wanted);
        return jd_fail(ctx, JD_EUSAGE,
                       "the network \"%s\" has %lld output%s, not %lld%s%s%s; end it with \"dense %lld\"", m->net,
                       (long long)outputs, outputs == 1 ? "" : "s", (long long)wanted,
                       *some ? " for the classes (" : "", some, *some ? ")" : "", (long long)wanted);
    }
    static const char *const mean_word[] = {"mean", NULL};
    if (s->alphabet && (has_layer(m->net, mean_word) || !model_knows_lengths(m->net)))
        return jd_fail(ctx, JD_EUSAGE,
                       "the network \"%s\" does not answer at each step, as a net that writes must; leave out "
                       "mean, conv, batchnorm and the like",
                       m->net);
    if (s->rank == 2 && !s->alphabet && !has_layer(m->net, mean_word))
        return jd_fail(ctx, JD_EUSAGE,
                       "the network \"%s\" answers at each step; put \"mean\" before its last layer, or behind it",
                       m->net);
    const size_t targets = (size_t)m->targets;
    m->t_mean = jd_alloc_array(ctx, targets + 1, sizeof *m->t_mean);
    m->t_scale = jd_alloc_array(ctx, targets + 1, sizeof *m->t_scale);
    for (size_t k = 0; !jd_error(ctx) && k < targets; k++)
        mean_and_scale(s->target + k, targets, index, n, &m->t_mean[k], &m->t_scale[k]);
    if (s->rank == 3) fit_range(m, s, index, n);
    if (model_alone(ctx, m) || s->rank == 3) return jd_error(ctx);
    const size_t columns = (size_t)s->dim[s->rank - 1];
    m->mean = jd_alloc_array(ctx, columns, sizeof *m->mean);
    m->scale = jd_alloc_array(ctx, columns, sizeof *m->scale);
    if (jd_error(ctx)) return jd_error(ctx);
    for (size_t k = 0; k < columns; k++) {
        double mean, scale;
        if (s->rank == 2)
            mean_of_steps(s, k, index, n, &mean, &scale);
        else
            mean_and_scale(s->values + k, columns, index, n, &mean, &scale);
        m->mean[k] = (float)mean;
        m->scale[k] = s->category && s->category[k] ? 1 : (float)scale; /* rare ones would stand out */
        if (s->rank == 1 && is_constant(s->values + k, columns, index, n))
            m->scale[k] = 0; /* nothing is known of others */
    }
    return JD_OK;
}

/* What it answers to zeros: every parameter that it needs is then known. */
static const float *try(jd_ctx *ctx, jd_fn *f, const model *m)
{
    const size_t size = (size_t)model_size(m), most = (size_t)(m->picture[0] * m->picture[1] * m->dim[2]);
    const uint32_t first = 0;
    size_t start[2] = {0, (size_t)m->dim[0]};
    int32_t length;
    jd_tensor in[MODEL_INPUTS];
    samples s = {.count = 1, .rank = m->rank, .dim = {m->dim[0], m->dim[1], m->dim[2]}, .start = start};
    if (m->rank == 3) s.dim[0] = m->picture[0], s.dim[1] = m->picture[1];
    s.images = (jd_images){.count = 1, .height = (int)s.dim[0], .width = (int)s.dim[1], .channels = (int)s.dim[2]};
    float *x = jd_alloc_array(ctx, (size + 16 * (size_t)m->dim[m->rank - 1]) * (size_t)m->views, sizeof *x);
    s.values = m->rank < 3 ? jd_alloc_array(ctx, size, sizeof *s.values) : NULL;
    s.images.pixels = m->rank == 3 ? jd_alloc_array(ctx, most, 1) : NULL;
    const int inputs = jd_error(ctx) ? 0 : model_batch(ctx, m, &s, &first, 1, x, &length, NULL, NULL, in);
    const float *p = inputs ? model_run(ctx, f, m, in, inputs) : NULL;
    jd_free(ctx, x);
    jd_free(ctx, s.values);
    jd_free(ctx, s.images.pixels);
    return p;
}

jd_status params_complete(jd_ctx *ctx, const jd_params *p, int there, const char *net)
{
    if (jd_error(ctx) || jd_params_ranges(p) <= there) return jd_error(ctx);
    return jd_fail(ctx, JD_EDATA,
                   "the model's file lacks the parameter \"%s\", which the network \"%s\" in its jackdaw.config needs",
                   jd_params_range(p, there)->name, net);
}

jd_fn *model_open(jd_ctx *ctx, const char *path, model *m, jd_params **params)
{
    if (model_load(ctx, path, m, params)) return NULL;
    const int there = jd_params_ranges(*params);
    jd_fn *f = jd_fn_new(ctx, *params, model_forward, m);
    if (f && try(ctx, f, m)) params_complete(ctx, *params, there, m->net);
    if (!jd_error(ctx)) return f;
    jd_fn_free(f);
    return NULL;
}

jd_status model_check(jd_ctx *ctx, const model *m, const samples *s, const char *name)
{
    static const char *const kinds[] = {"", "rows of a table", "sequences", "images"};
    if (s->rank != m->rank)
        return jd_fail(ctx, JD_EUSAGE, "%s: %s, but the model takes %s", name, kinds[s->rank], kinds[m->rank]);
    if (s->rank == 2 && !model_knows_lengths(m->net))
        for (size_t i = 1; i < s->count; i++)
            if (s->start[i + 1] - s->start[i] != s->start[1])
                return jd_fail(ctx, JD_EUSAGE,
                               "%s: sequences of %zu and %zu steps, of which a net with conv, pooling or embed cannot "
                               "tell the end; use window and dense ... each, or make them of one length",
                               name, s->start[1], s->start[i + 1] - s->start[i]);
    const int64_t last = s->dim[s->rank - 1], wanted = m->dim[m->rank - 1]; /* sequences may have any number of steps */
    if (s->rank == 3 && (!model_takes(m, s->dim[0], s->dim[1]) || last != wanted))
        return jd_fail(ctx, JD_EUSAGE, "%s: samples of %lldx%lldx%lld, but the model takes %lldx%lldx%lld", name,
                       (long long)s->dim[0], (long long)s->dim[1], (long long)last, (long long)m->picture[0],
                       (long long)m->picture[1], (long long)wanted);
    if (last != wanted)
        return jd_fail(ctx, JD_EUSAGE, "%s: %lld numbers a %s, but the model takes %lld", name, (long long)last,
                       s->rank == 2 ? "step" : "row", (long long)wanted);
    if (s->target && s->targets != m->targets)
        return jd_fail(ctx, JD_EDATA, "%s: %d targets, but the model has %d", name, s->targets, m->targets);
    if (s->label && s->classes > m->classes)
        return jd_fail(ctx, JD_EUSAGE, "%s: %d classes, but the model knows %d", name, s->classes, m->classes);
    return JD_OK;
}

/* x (T,n,C), zero behind the ends. */
static void sequence_batch(const model *m, const samples *s, const uint32_t *index, size_t n, size_t T, float *x,
                           int32_t *length)
{
    const size_t C = (size_t)m->dim[1];
    memset(x, 0, T * n * C * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const size_t first = s->start[index[i]], steps = s->start[index[i] + 1] - first;
        length[i] = (int32_t)steps;
        for (size_t t = 0; t < steps; t++)
            for (size_t k = 0; k < C; k++) {
                const float v = s->values[(first + t) * C + k];
                x[(t * n + i) * C + k] = isnan(v) ? 0 : (v - m->mean[k]) * m->scale[k];
            }
    }
}

/* What all members see of pictures: x (views,n,H,W,C). */
static jd_status picture_batch(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, size_t n, float *x)
{
    const size_t size = (size_t)model_size(m);
    if (m->views == 1 && !*m->view[0].prepare && !memcmp(s->dim, m->dim, sizeof m->dim)) {
        jd_images_batch(&s->images, index, n, m->low, m->high, x, NULL);
        return JD_OK;
    }
    uint8_t *seen = jd_alloc_array(ctx, n, size);
    for (int v = 0; seen && v < m->views && !model_see(ctx, m, v, &s->images, index, n, seen); v++)
        jd_pixels_to_float(seen, n * size, m->low, m->high, x + (size_t)v * n * size);
    jd_free(ctx, seen);
    return jd_error(ctx);
}

int model_batch(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, size_t n, float *x,
                int32_t *length, int32_t *label, float *target, jd_tensor in[MODEL_INPUTS])
{
    const size_t size = (size_t)model_size(m);
    const int64_t T = m->rank == 2 ? samples_steps(s, index, n) : 0;
    for (size_t i = 0; i < n; i++) {
        if (s->label && label) label[i] = s->label[index[i]];
        for (size_t k = 0, K = (size_t)m->targets; s->target && target && k < K; k++)
            target[i * K + k] = (float)(((double)s->target[index[i] * K + k] - m->t_mean[k]) * m->t_scale[k]);
    }
    if (m->rank == 2) {
        sequence_batch(m, s, index, n, (size_t)T, x, length);
        in[0] = JD_TENSOR("x", JD_F32, x, T, (int64_t)n, m->dim[1]);
        in[1] = JD_TENSOR("length", JD_I32, length, (int64_t)n);
        return model_knows_lengths(m->net) ? 2 : 1;
    }
    if (m->rank == 3 && picture_batch(ctx, m, s, index, n, x)) return 0;
    for (size_t i = 0; m->rank == 1 && i < n; i++) {
        const float *v = s->values + (size_t)index[i] * size;
        for (size_t k = 0; k < size; k++) x[i * size + k] = isnan(v[k]) ? 0 : (v[k] - m->mean[k]) * m->scale[k];
    }
    for (int v = 0; v < m->views; v++)
        in[v] = (jd_tensor){m->view[v].input,
                            {JD_F32, m->rank + 1, {(int64_t)n, m->dim[0], m->dim[1], m->dim[2]}},
                            x + (size_t)v * n * size};
    return m->views;
}

const float *model_run(jd_ctx *ctx, jd_fn *f, const model *m, const jd_tensor *in, int inputs)
{
    jd_type type = {0};
    const int64_t wanted = model_outputs(m), n = in[0].type.dim[m->rank == 2];
    const float *p = jd_fn_run(f, in, inputs) ? NULL : jd_fn_result(f, "p", &type);
    const bool each = m->alphabet && type.rank == 3 && type.dim[0] == in[0].type.dim[0] && type.dim[1] == n &&
                      type.dim[2] == m->letters + 1; /* step, sample, letter */
    if (!p || each || (!m->alphabet && type.rank == 2 && type.dim[0] == n && type.dim[1] == wanted)) return p;
    jd_fail(ctx, JD_EDATA, "the network \"%s\" does not answer a sample with %lld numbers, as jackdaw.config says",
            m->net, (long long)wanted);
    return NULL;
}

/* The sum goes from the first member to the last, as the systems' own means do, whose bits it has. */
void model_forward(jd_graph *g, void *user)
{
    const model *m = user;
    jd_node x[MODEL_MEMBERS], sum = JD_NONE, half = m->halves ? jd_const(g, 0.5, JD_DIMS(1)) : JD_NONE;
    const jd_node length = m->rank == 2 && model_knows_lengths(m->net) ? jd_arg(g, "length") : JD_NONE;
    for (int v = 0; v < m->views; v++) x[v] = jd_arg(g, m->view[v].input);
    for (int k = 0; k < m->members; k++) {
        const member *one = &m->member[k];
        if (*one->scope) jd_scope_push(g, one->scope);
        const jd_node y = jd_net(g, one->net ? one->net : m->net, x[one->view], length);
        if (*one->scope) jd_scope_pop(g);
        const jd_node p = m->halves ? jd_add(g, jd_mul(g, y, half), half) : m->classes ? jd_softmax(g, y) : y;
        sum = k ? jd_add(g, sum, p) : p;
    }
    jd_result(g, "p", m->members > 1 ? jd_mul(g, sum, jd_const(g, 1.0 / m->members, JD_DIMS(1))) : sum);
}

/* -ln p of the texts, a letter. */
static jd_node ctc_of_each_letter(jd_graph *g, const model *m, jd_node y)
{
    const jd_node count = jd_arg(g, "label_length");
    const jd_node each = jd_ctc(g, y, jd_arg(g, "label"), jd_arg(g, "length"), count, m->letters);
    return jd_div(g, jd_sum(g, each, JD_ALL_AXES, false), jd_sum(g, jd_real_of(g, count), JD_ALL_AXES, false));
}

void model_update(jd_graph *g, const model *m, jd_node loss)
{
    const jd_node lr = jd_arg(g, "lr");
    const jd_update_options o = {.momentum = m->momentum,
                                 .nesterov = !strcmp(m->optimizer, "nesterov"),
                                 .clip = m->clip,
                                 .weight_decay = m->weight_decay};
    if (!strcmp(m->optimizer, "adam"))
        jd_update_adam_opt(g, loss, lr, o);
    else if (!strcmp(m->optimizer, "rmsprop"))
        jd_update_rmsprop_opt(g, loss, lr, o);
    else
        jd_update_sgd_opt(g, loss, lr, o);
}

void model_step(jd_graph *g, void *user)
{
    const model *m = user;
    const jd_node length = m->rank == 2 && model_knows_lengths(m->net) ? jd_arg(g, "length") : JD_NONE;
    const jd_node y = jd_net(g, m->net, jd_arg(g, "x"), length);
    const jd_node loss = m->alphabet  ? ctc_of_each_letter(g, m, y)
                         : m->classes ? jd_softmax_xent(g, y, jd_arg(g, "label"))
                                      : jd_mean(g, jd_square(g, jd_sub(g, y, jd_arg(g, "target"))), JD_ALL_AXES, false);
    model_update(g, m, loss);
    jd_result(g, "loss", loss);
}
