/* dbn.c - deep belief nets: pre-trained layers with an associative memory on top, tuned by the up-down algorithm. */
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "jackdaw/pretrain.h"

enum { NAME = 96 };

static void part_name(char out[NAME], const char *name, const char *what, int layer, const char *part)
{
    if (layer)
        snprintf(out, NAME, "%.40s/%s%d%s", name, what, layer, part);
    else
        snprintf(out, NAME, "%.40s/%s%s", name, what, part);
}

/* Copies the parameter FROM/PART to TO/PART. */
static void copy(jd_ctx *ctx, jd_params *p, const char *from, const char *from_part, const char *to,
                 const char *to_part)
{
    char a[NAME], b[NAME];
    snprintf(a, sizeof a, "%.80s/%s", from, from_part);
    snprintf(b, sizeof b, "%.80s/%s", to, to_part);
    const jd_range *r = jd_params_find(p, a);
    if (!r) {
        jd_fail(ctx, JD_EUSAGE, "jd_dbn_adopt: there is no parameter \"%s\"; pre-train that layer first", a);
        return;
    }
    const jd_type type = r->type;
    const size_t bytes = (size_t)jd_type_count(&type) * jd_dtype_size(type.dtype);
    void *data = jd_alloc(ctx, bytes); /* the store may move when a parameter is added */
    if (data) {
        memcpy(data, jd_params_get(p, a), bytes);
        jd_params_set(p, b, &type, data);
    }
    jd_free(ctx, data);
}

jd_status jd_dbn_adopt(jd_ctx *ctx, jd_params *p, const char *name, jd_dbn d, const char *const *layer, const char *top)
{
    char to[NAME];
    for (int l = 0; l < d.layers && !jd_error(ctx); l++) {
        part_name(to, name, "up", l + 1, "");
        copy(ctx, p, layer[l], "W", to, "W");
        copy(ctx, p, layer[l], "b", to, "b");
        part_name(to, name, "down", l + 1, "");
        copy(ctx, p, layer[l], "W", to, "W");
        copy(ctx, p, layer[l], "back", to, "back");
    }
    part_name(to, name, "top", 0, "");
    static const char *const parts[] = {"W", "b", "back"};
    for (int i = 0; i < 3 && !jd_error(ctx); i++) copy(ctx, p, top, parts[i], to, parts[i]);
    return jd_error(ctx);
}

static jd_node up(jd_graph *g, const char *name, jd_node v, int l, const jd_dbn *d)
{
    char layer[NAME];
    part_name(layer, name, "up", l + 1, "");
    return jd_dense(g, layer, v, .units = d->units[l], .act = JD_SIGMOID);
}

/* The logits of the units below layer l. */
static jd_node down_logits(jd_graph *g, const char *name, jd_node h, int l, const jd_dbn *d)
{
    char layer[NAME];
    const int64_t below = l ? d->units[l - 1] : d->visible;
    part_name(layer, name, "down", l + 1, "");
    jd_scope_push(g, layer);
    const jd_node w = jd_param(g, "W", (jd_init){JD_INIT_NORMAL, 0.01, 0, 0}, JD_DIMS(d->units[l], below));
    const jd_node y = jd_add(g, jd_matmul(g, h, w), jd_param(g, "back", (jd_init){0}, JD_DIMS(below)));
    jd_scope_pop(g);
    return y;
}

static jd_rbm top_of(const jd_dbn *d)
{
    return (jd_rbm){.units = d->units[d->layers], .classes = d->classes};
}

/* Mean over samples of the cross entropy summed over units; the targets are held fixed. */
static jd_node xent(jd_graph *g, jd_node logits, jd_node target)
{
    const jd_node each = jd_sigmoid_xent_each(g, logits, jd_stop(g, target));
    return jd_mean(g, jd_sum(g, each, JD_AXIS(1), false), JD_ALL_AXES, false);
}

static jd_node sample(jd_graph *g, const char *name, const char *phase, int l, jd_node p, jd_node step)
{
    char draw[NAME];
    part_name(draw, name, phase, l + 1, "");
    return jd_bernoulli(g, draw, p, step);
}

jd_node jd_dbn_up_down(jd_graph *g, const char *name, jd_node v, jd_node label, jd_node step, jd_dbn d)
{
    enum { MOST = 16 };
    jd_node wake[MOST + 1] = {v}, sleep[MOST + 1];
    char top[NAME];
    if (!v.id || !label.id) return JD_NONE;
    if (d.layers < 1 || d.layers > MOST) {
        jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: %d directed layers; 1 to %d are possible", name, d.layers, MOST);
        return JD_NONE;
    }
    /* Wake: states from the way up teach the way down. */
    for (int l = 0; l < d.layers; l++) wake[l + 1] = sample(g, name, "wake", l, up(g, name, wake[l], l, &d), step);
    jd_node loss = JD_NONE;
    for (int l = 0; l < d.layers; l++) {
        const jd_node part = xent(g, down_logits(g, name, wake[l + 1], l, &d), wake[l]);
        loss = l ? jd_add(g, loss, part) : part;
    }
    /* The memory at the top, by contrastive divergence. */
    part_name(top, name, "top", 0, "");
    const jd_node pair[2] = {wake[d.layers], jd_onehot(g, label, d.classes)};
    const jd_divergence c = jd_rbm_divergence(g, top, jd_concat(g, pair, 2, 1), step, top_of(&d),
                                              (jd_divergence_options){.steps = d.gibbs, .sample_visible = true});
    loss = jd_add(g, loss, c.loss);
    /* Sleep: what the chain's end makes on the way down teaches the way up. */
    sleep[d.layers] = jd_slice(g, c.end, 1, 0, d.units[d.layers - 1]);
    for (int l = d.layers - 1; l >= 0; l--) {
        const jd_node p = jd_sigmoid(g, down_logits(g, name, sleep[l + 1], l, &d));
        sleep[l] = l ? sample(g, name, "sleep", l, p, step) : jd_stop(g, p);
    }
    for (int l = 0; l < d.layers; l++) {
        char layer[NAME];
        part_name(layer, name, "up", l + 1, "");
        loss = jd_add(g, loss, xent(g, jd_dense(g, layer, sleep[l], .units = d.units[l]), sleep[l + 1]));
    }
    return loss;
}

jd_node jd_dbn_logits(jd_graph *g, const char *name, jd_node v, jd_dbn d)
{
    if (!g) return JD_NONE;
    char top[NAME];
    for (int l = 0; l < d.layers; l++) v = up(g, name, v, l, &d);
    part_name(top, name, "top", 0, "");
    return jd_neg(g, jd_rbm_label_energies(g, top, v, top_of(&d)));
}

jd_node jd_dbn_dream(jd_graph *g, const char *name, jd_node top_state, jd_node label, jd_node step, int steps, jd_dbn d)
{
    if (!g) return JD_NONE;
    char top[NAME], draw[NAME];
    const int64_t own = d.units[d.layers - 1];
    part_name(top, name, "top", 0, "");
    const jd_node one_hot = jd_onehot(g, label, d.classes);
    jd_node h = top_state;
    for (int k = 0; k < steps; k++) { /* the label is held */
        const jd_node pair[2] = {h, one_hot};
        snprintf(draw, sizeof draw, "%.40s/dream%d/h", name, k);
        const jd_node up_state =
            jd_bernoulli(g, draw, jd_rbm_hidden(g, top, jd_concat(g, pair, 2, 1), top_of(&d)), step);
        const jd_node both = jd_rbm_visible(g, top, up_state, own + d.classes, top_of(&d));
        h = jd_slice(g, both, 1, 0, own);
        snprintf(draw, sizeof draw, "%.40s/dream%d/v", name, k);
        if (k + 1 < steps) h = jd_bernoulli(g, draw, h, step);
    }
    for (int l = d.layers - 1; l >= 0; l--) h = jd_sigmoid(g, down_logits(g, name, h, l, &d));
    return h;
}
