/* rbm.c - restricted Boltzmann machines and auto-encoders as nodes. */
#include <stdio.h>
#include <string.h>

#include "jackdaw/pretrain.h"
#include "layers/layers.h"

static jd_init weights_init(const jd_rbm *r)
{
    return (jd_init){JD_INIT_NORMAL, r->init > 0 ? r->init : 0.01, 0, 0};
}

static jd_node weights(jd_graph *g, int64_t visible, const jd_rbm *r)
{
    return jd_param(g, "W", weights_init(r), JD_DIMS(r->units, visible));
}

/* c + W v (B,H); inside the layer's scope. */
static jd_node hidden_input(jd_graph *g, jd_node v, const jd_rbm *r)
{
    const jd_node product = jd_matmul(g, v, weights(g, jd_dim(g, v, 1), r), .tb = true);
    return jd_add(g, product, jd_param(g, "b", (jd_init){0}, JD_DIMS(r->units)));
}

static bool fits(jd_graph *g, const char *name, jd_node x, const jd_rbm *r)
{
    if (!x.id || !jd__size_ok(g, name, ".units", r->units)) return false;
    if (jd_rank(g, x) == 2 && r->classes >= 0) return true;
    jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: an RBM takes (B,units); reshape its input", name);
    return false;
}

jd_node jd_rbm_hidden(jd_graph *g, const char *name, jd_node v, jd_rbm r)
{
    if (!fits(g, name, v, &r)) return JD_NONE;
    jd_scope_push(g, name);
    const jd_node h = jd_sigmoid(g, hidden_input(g, v, &r));
    jd_scope_pop(g);
    return h;
}

jd_node jd_rbm_visible(jd_graph *g, const char *name, jd_node h, int64_t visible, jd_rbm r)
{
    if (!fits(g, name, h, &r)) return JD_NONE;
    jd_scope_push(g, name);
    const jd_node back = jd_param(g, "back", (jd_init){0}, JD_DIMS(visible));
    jd_node v = jd_add(g, jd_matmul(g, h, weights(g, visible, &r)), back);
    jd_scope_pop(g);
    if (!r.classes) return r.gaussian ? v : jd_sigmoid(g, v);
    const jd_node own = jd_slice(g, v, 1, 0, visible - r.classes);
    const jd_node part[2] = {r.gaussian ? own : jd_sigmoid(g, own),
                             jd_softmax(g, jd_slice(g, v, 1, visible - r.classes, r.classes))};
    return jd_concat(g, part, 2, 1);
}

/* The part of the free energy that the hidden units give: sum of softplus, (B). */
static jd_node hidden_part(jd_graph *g, jd_node input)
{
    return jd_sum(g, jd_softplus(g, input), JD_AXIS(1), false);
}

/* -b'x, or |x - b|^2 / 2 for Gaussian units: (B). */
static jd_node visible_part(jd_graph *g, jd_node x, jd_node b, bool gaussian)
{
    if (!gaussian) return jd_neg(g, jd_sum(g, jd_mul(g, x, b), JD_AXIS(1), false));
    return jd_affine(g, jd_sum(g, jd_square(g, jd_sub(g, x, b)), JD_AXIS(1), false), 0.5, 0);
}

jd_node jd_rbm_free_energy(jd_graph *g, const char *name, jd_node v, jd_rbm r)
{
    if (!fits(g, name, v, &r)) return JD_NONE;
    jd_scope_push(g, name);
    const int64_t V = jd_dim(g, v, 1), own = V - r.classes;
    const jd_node back = jd_param(g, "back", (jd_init){0}, JD_DIMS(V));
    const jd_node x = r.classes ? jd_slice(g, v, 1, 0, own) : v, b = r.classes ? jd_slice(g, back, 0, 0, own) : back;
    jd_node f = jd_sub(g, visible_part(g, x, b, r.gaussian), hidden_part(g, hidden_input(g, v, &r)));
    if (r.classes)
        f = jd_add(g, f,
                   visible_part(g, jd_slice(g, v, 1, own, r.classes), jd_slice(g, back, 0, own, r.classes), false));
    jd_scope_pop(g);
    return f;
}

jd_node jd_rbm_label_energies(jd_graph *g, const char *name, jd_node x, jd_rbm r)
{
    if (!fits(g, name, x, &r)) return JD_NONE;
    const int64_t own = jd_dim(g, x, 1), B = jd_dim(g, x, 0), V = own + r.classes;
    jd_scope_push(g, name);
    const jd_node w = weights(g, V, &r), back = jd_param(g, "back", (jd_init){0}, JD_DIMS(V));
    const jd_node c = jd_param(g, "b", (jd_init){0}, JD_DIMS(r.units));
    const jd_node input = jd_add(g, jd_matmul(g, x, jd_slice(g, w, 1, 0, own), .tb = true), c);
    const jd_node alike = visible_part(g, x, jd_slice(g, back, 0, 0, own), r.gaussian);
    jd_node *e = jd_alloc_array(jd_graph_ctx(g), (size_t)r.classes + 1, sizeof *e);
    for (int64_t k = 0; e && k < r.classes; k++) {
        const jd_node column = jd_reshape(g, jd_slice(g, w, 1, own + k, 1), JD_DIMS(r.units));
        const jd_node bias = jd_slice(g, back, 0, own + k, 1);
        const jd_node apart = jd_add(g, hidden_part(g, jd_add(g, input, column)), bias);
        e[k] = jd_reshape(g, jd_sub(g, alike, apart), JD_DIMS(B, 1));
    }
    const jd_node all = e && r.classes ? jd_concat(g, e, (int)r.classes, 1) : JD_NONE;
    jd_free(jd_graph_ctx(g), e);
    jd_scope_pop(g);
    return all;
}

jd_node jd_bernoulli(jd_graph *g, const char *name, jd_node p, jd_node step)
{
    if (!p.id || !step.id) return JD_NONE;
    const jd_type *t = jd_type_of(g, p);
    jd_dims d = {t->rank, {0}};
    for (int i = 0; i < t->rank; i++) d.dim[i] = t->dim[i];
    return jd_greater(g, jd_stop(g, p), jd_random_uniform(g, name, step, d));
}

/* A sample of visible units whose probabilities (or means) are p: labels by the largest of p / -ln u, a race. */
static jd_node sample_visible(jd_graph *g, const char *name, jd_node p, jd_node step, const jd_rbm *r)
{
    const int64_t B = jd_dim(g, p, 0), own = jd_dim(g, p, 1) - r->classes;
    const jd_node x = r->classes ? jd_slice(g, p, 1, 0, own) : p;
    jd_node part[2];
    if (r->gaussian)
        part[0] = jd_add(g, x, jd_random_normal(g, name, step, JD_DIMS(B, own)));
    else
        part[0] = jd_bernoulli(g, name, x, step);
    if (!r->classes) return part[0];
    char race[96];
    snprintf(race, sizeof race, "%.80s/label", name);
    const jd_node u = jd_affine(g, jd_random_uniform(g, race, step, JD_DIMS(B, r->classes)), 1, 1e-9);
    const jd_node speed = jd_div(g, jd_slice(g, p, 1, own, r->classes), jd_affine(g, jd_log(g, u), -1, 1e-9));
    part[1] = jd_onehot(g, jd_argmax(g, jd_stop(g, speed)), r->classes);
    return jd_concat(g, part, 2, 1);
}

jd_divergence jd_rbm_divergence(jd_graph *g, const char *name, jd_node v, jd_node step, jd_rbm r,
                                jd_divergence_options o)
{
    jd_divergence d = {JD_NONE, JD_NONE, JD_NONE};
    if (!fits(g, name, v, &r)) return d;
    const int64_t V = jd_dim(g, v, 1);
    const int steps = o.steps > 0 ? o.steps : 1;
    const jd_node h0 = jd_rbm_hidden(g, name, v, r);
    jd_node at = v, h = h0, mean = JD_NONE;
    if (o.chain.id) h = jd_rbm_hidden(g, name, o.chain, r);
    for (int k = 0; k < steps; k++) {
        char draw[96];
        snprintf(draw, sizeof draw, "%.60s/gibbs%d/h", name, k);
        mean = jd_rbm_visible(g, name, jd_bernoulli(g, draw, h, step), V, r);
        if (k == 0 && !o.chain.id) d.error = mean;
        snprintf(draw, sizeof draw, "%.60s/gibbs%d/v", name, k);
        at = k + 1 < steps || o.sample_visible ? sample_visible(g, draw, mean, step, &r) : mean;
        if (k + 1 < steps) h = jd_rbm_hidden(g, name, at, r);
    }
    d.end = jd_stop(g, at);
    if (!d.error.id) d.error = jd_rbm_visible(g, name, h0, V, r);
    const jd_node off = jd_square(g, jd_sub(g, v, d.error));
    d.error = jd_mean(g, jd_sum(g, off, JD_AXIS(1), false), JD_ALL_AXES, false);
    d.loss = jd_sub(g, jd_mean(g, jd_rbm_free_energy(g, name, jd_stop(g, v), r), JD_ALL_AXES, false),
                    jd_mean(g, jd_rbm_free_energy(g, name, d.end, r), JD_ALL_AXES, false));
    return d;
}

jd_node jd_autoencoder_loss(jd_graph *g, const char *name, jd_node x, jd_node step, jd_autoencoder a)
{
    if (!x.id || !jd__size_ok(g, name, ".units", a.units)) return JD_NONE;
    const int64_t B = jd_dim(g, x, 0), V = jd_dim(g, x, 1);
    jd_node seen = x;
    char draw[96];
    snprintf(draw, sizeof draw, "%.60s/zeroed", name);
    if (a.zeroed > 0) {
        const jd_node u = jd_random_uniform(g, draw, step, JD_DIMS(B, V));
        seen = jd_mul(g, x, jd_greater(g, u, jd_const(g, a.zeroed, JD_SCALAR)));
    }
    jd_scope_push(g, name);
    const jd_node w = jd_param(g, "W", (jd_init){JD_INIT_GLOROT, 4, 0, 0}, JD_DIMS(a.units, V));
    const jd_node b = jd_param(g, "b", (jd_init){0}, JD_DIMS(a.units));
    const jd_node back = jd_param(g, "back", (jd_init){0}, JD_DIMS(V));
    const jd_node h = jd_sigmoid(g, jd_add(g, jd_matmul(g, seen, w, .tb = true), b));
    const jd_node logits = jd_add(g, jd_matmul(g, h, w), back);
    jd_scope_pop(g);
    return jd_mean(g, jd_sum(g, jd_sigmoid_xent_each(g, logits, x), JD_AXIS(1), false), JD_ALL_AXES, false);
}
