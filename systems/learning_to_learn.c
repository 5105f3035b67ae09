/*
 * learning_to_learn.c - "learning-to-learn": an LSTM whose fixed weights are a learning algorithm (Hochreiter, Younger,
 * Conwell, ICANN 2001).
 *
 * Training shows the LSTM many functions, each for 50 examples; at step t it sees x(t) and the target of the step before,
 * y(t-1), and says y(t).  Afterwards its weights stay as they are, and it learns functions that it never saw, in its state.
 */
#include <stdio.h>
#include <string.h>

#include "learning_to_learn.h"
#include "sequences.h"

enum { CHUNK = 100, VALID = 200, LATE = 50 };

/* ---- the model -------------------------------------------------------------------------------------------------------------*/

/* (T,B,inputs) -> (T,B): what it says of each example. */
static jd_node answers(jd_graph *g, const l2l_net *n)
{
    jd_node h = jd_arg(g, "x");
    const int64_t T = jd_dim(g, h, 0), B = jd_dim(g, h, 1);
    for (int64_t i = 0; i < n->layers; i++) {
        char name[16];
        snprintf(name, sizeof name, "lstm%d", (int)i);
        h = jd_lstm(g, name, h, .units = n->units, .forget_bias = n->forget_bias);
    }
    h = jd_dense(g, "out", h, .units = 1, .bias_init = {JD_INIT_CONST, meta_mean(n->kind)});
    return jd_reshape(g, h, JD_DIMS(T, B));
}

/* Half of the squared error of every example, the first ones too: it is to learn fast. */
static void train_step(jd_graph *g, void *user)
{
    const l2l_net *n = user;
    jd_scope_push(g, n->name);
    const jd_node error = jd_sub(g, answers(g, n), jd_arg(g, "y"));
    const jd_node loss = jd_affine(g, jd_mean(g, jd_square(g, error), JD_ALL_AXES, false), .5, 0);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = n->clip);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const l2l_net *n = user;
    jd_scope_push(g, n->name);
    jd_result(g, "answer", answers(g, n));
    jd_scope_pop(g);
}

/* ---- episodes --------------------------------------------------------------------------------------------------------------*/

void l2l_input(const l2l_net *n, const double *x, const double *y, int64_t t, float *in)
{
    in[0] = (float)x[2 * t];
    in[1] = (float)x[2 * t + 1];
    in[2] = (float)(t ? y[t - 1] : meta_mean(n->kind));
    for (int i = 0; i < 2 && n->easy; i++) in[3 + i] = t ? (float)x[2 * t - 2 + i] : 0;
}

/* Training episodes have a stream of random numbers of their own, those of each LSTM another part of it. */
static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    l2l_net *n = user;
    const int64_t T = n->kind == META_CHANGING ? L2L_CHANGING : L2L_TRAINED, B = n->batch, N = l2l_inputs(n);
    double x[2 * L2L_CHANGING], y[L2L_CHANGING];
    (void)slot;
    for (int64_t b = 0; b < B; b++) {
        jd_rng r = jd_rng_new(n->seed, "meta/train", (n->number << 40) + (uint64_t)(step * B + b));
        meta_episode(n->kind, T, &r, x, y, NULL);
        for (int64_t t = 0; t < T; t++) {
            l2l_input(n, x, y, t, n->x + (t * B + b) * N);
            n->y[t * B + b] = (float)y[t];
        }
    }
    in[0] = JD_TENSOR("x", JD_F32, n->x, T, B, N);
    in[1] = JD_TENSOR("y", JD_F32, n->y, T, B);
    return 2;
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

/* Episodes first .. first + CHUNK - 1: x (CHUNK,T,2), y (CHUNK,T), change (CHUNK), and what the LSTM sees, in (T,CHUNK,N). */
static void fill(const l2l_net *n, const meta_episodes *e, l2l_change how, int64_t first, double *x, double *y,
                 int64_t *change, float *in)
{
    for (int64_t b = 0; b < CHUNK; b++) {
        double *xb = x + 2 * b * e->T, *yb = y + b * e->T;
        jd_rng r = jd_rng_new(e->seed, e->stream, (uint64_t)(first + b));
        jd_rng mix = jd_rng_new(e->seed, "meta/shuffle", (uint64_t)(first + b));
        change[b] = meta_episode(e->kind, e->T, &r, xb, yb, NULL);
        if (how == L2L_SHUFFLED) meta_shuffle(&mix, yb, e->T);
        for (int64_t t = 0; t < e->T; t++) l2l_input(n, xb, yb, t, in + (t * CHUNK + b) * l2l_inputs(n));
    }
}

/* error, wrong (window): means over the episodes. */
static jd_status measure(jd_ctx *ctx, l2l_net *n, const meta_episodes *e, l2l_change how, double *error, double *wrong)
{
    const int64_t T = e->T, N = l2l_inputs(n);
    double *x = jd_alloc_array(ctx, CHUNK * 3 * (size_t)T, sizeof *x), *y = x + CHUNK * 2 * T;
    float *in = jd_alloc_array(ctx, CHUNK * (size_t)(T * N), sizeof *in);
    int64_t change[CHUNK], start, window = meta_window(e->kind, T, T, &start);
    for (int64_t t = 0; t < window; t++) error[t] = wrong[t] = 0;
    for (int64_t done = 0; x && in && done < e->count; done += CHUNK) {
        fill(n, e, how, done, x, y, change, in);
        /* without memory every example is a sequence of its own */
        const jd_tensor whole = JD_TENSOR("x", JD_F32, in, T, CHUNK, N),
                        single = JD_TENSOR("x", JD_F32, in, 1, T * CHUNK, N);
        if (jd_fn_run(n->ask, how == L2L_RESET ? &single : &whole, 1)) break;
        const float *o = jd_fn_result(n->ask, "answer", NULL);
        for (int64_t b = 0; o && b < CHUNK; b++) {
            meta_window(e->kind, T, change[b], &start);
            for (int64_t t = 0; t < window; t++) {
                const double said = (double)o[(start + t) * CHUNK + b], is = y[b * T + start + t];
                error[t] += (said - is) * (said - is) / (double)e->count;
                wrong[t] += ((said > .5) != (is > .5)) / (double)e->count;
            }
        }
    }
    jd_free(ctx, x);
    jd_free(ctx, in);
    return jd_error(ctx);
}

/* The examples that the claim about a class is about. */
static void claimed(meta_class kind, int64_t *first, int64_t *last)
{
    static const int64_t examples[META_CLASSES][2] = {{12, 50}, {20, 50}, {36, 50}, {META_LEAD + 11, 2 * META_LEAD}};
    *first = examples[kind][0];
    *last = examples[kind][1];
}

static double validate(void *user, jd_run *r, int64_t step)
{
    l2l_net *n = user;
    double error[L2L_TEST], wrong[L2L_TEST];
    const int64_t T = n->kind == META_CHANGING ? L2L_CHANGING : L2L_TRAINED;
    const meta_episodes e = {n->kind, n->seed, "meta/valid", VALID, T};
    int64_t first, last;
    claimed(n->kind, &first, &last);
    if (measure(jd_run_ctx(r), n, &e, L2L_AS_IS, error, wrong)) return (double)NAN;
    seq_log(r, step, n->name, "error", meta_between(error, first, last));
    return meta_between(error, first, last);
}

/* ---- training --------------------------------------------------------------------------------------------------------------*/

static jd_status train(jd_run *r, l2l_net *n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t T = n->kind == META_CHANGING ? L2L_CHANGING : L2L_TRAINED, B = (size_t)n->batch;
    n->params = jd_params_new(ctx, JD_F32);
    n->ask = jd_fn_new(ctx, n->params, ask, n);
    n->x = jd_alloc_array(ctx, T * B * (size_t)l2l_inputs(n), sizeof *n->x);
    n->y = jd_alloc_array(ctx, T * B, sizeof *n->y);
    if (jd_error(ctx)) return jd_error(ctx);
    const double rate = jd_run_setting(r, "rate");
    const jd_train_options o = {.what = n->name,
                                .series = n->name,
                                .trace = train_step,
                                .user = n,
                                .steps = n->updates,
                                .batch = batch,
                                .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 20, .warmup = n->updates / 50},
                                .validate_every = n->updates > 100 ? n->updates / 40 : 1,
                                .validate = validate,
                                .items_per_step = n->batch};
    jd_train_result result = {0};
    jd_train(r, n->params, &o, &result);
    n->seconds = result.seconds;
    return jd_error(ctx);
}

static jd_status test(jd_run *r, l2l_net *n, int64_t T)
{
    double unused[L2L_TEST];
    const meta_episodes e = {n->kind, n->seed, "meta/test", (int64_t)jd_run_setting(r, "episodes"), T};
    for (int how = 0; how < L2L_CHANGES; how++)
        measure(jd_run_ctx(r), n, &e, (l2l_change)how, n->error[how], how ? unused : n->wrong);
    return jd_error(jd_run_ctx(r));
}

/* The other learners, each with the setting that is best on episodes of their own, on the LSTM's test episodes. */
static jd_status rivals(jd_run *r, l2l_class *c)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r);
    const int64_t episodes = (int64_t)jd_run_setting(r, "episodes");
    const meta_episodes trial = {c->kind, seed, "meta/tune", episodes / L2L_TUNED,
                                 c->kind == META_CHANGING ? c->T : c->last};
    const meta_episodes last = {c->kind, seed, "meta/test", episodes, c->T};
    const meta_episodes far = {c->kind, seed, "meta/tune", episodes / 50, L2L_LONG};
    const meta_episodes further = {c->kind, seed, "meta/test", episodes / 4, L2L_LONG};
    jd_run_stage(r, "%s: the other learners", meta_name[c->kind]);
    for (int k = 0; k < META_RULES && !jd_error(ctx); k++) {
        meta_tune(ctx, &trial, (meta_rule)k, c->first, c->last, &c->setting[k]);
        meta_curve(ctx, &last, (meta_rule)k, &c->setting[k], c->error[k]);
        if ((k != META_SGD && k != META_ADAM) || c->kind == META_CHANGING) continue;
        meta_tune(ctx, &far, (meta_rule)k, L2L_LONG - LATE + 1, L2L_LONG, &c->later[k]);
        meta_curve(ctx, &further, (meta_rule)k, &c->later[k], c->longer[k]);
    }
    return jd_error(ctx);
}

meta_rule l2l_rival(const l2l_class *c)
{
    const double sgd = meta_between(c->error[META_SGD], c->first, c->last);
    return meta_between(c->error[META_ADAM], c->first, c->last) < sgd ? META_ADAM : META_SGD;
}

/* ---- the claims ------------------------------------------------------------------------------------------------------------*/

/* Mean error of LSTM s on the examples of the claim. */
static double late(const l2l_class *c, int s, l2l_change how)
{
    return meta_between(c->net[s].error[how], c->first, c->last);
}

/* The largest error, and share of wrong answers, of any of a class' LSTMs. */
static double worst(const l2l_class *c, bool wrong)
{
    double most = 0;
    for (int s = 0; s < c->seeds; s++)
        most = fmax(most, wrong ? meta_between(c->net[s].wrong, c->first, c->last) : late(c, s, L2L_AS_IS));
    return most;
}

static void judge_class(claims *j, const l2l_class *c, double factor)
{
    const double net = worst(c, false), rival = meta_between(c->error[l2l_rival(c)], c->first, c->last);
    double least = rival; /* of all other learners */
    for (int k = 0; k < META_RULES; k++) least = fmin(least, meta_between(c->error[k], c->first, c->last));
    char what[160], name[64];
    snprintf(name, sizeof name, "%s_factor", l2l_key(c->kind));
    if (c->kind == META_BOOLEAN) {
        const double wrong = worst(c, true);
        claim(j, wrong <= .01, "Boolean functions: at most 1 % wrong in examples 12-50, every LSTM",
              "%.2f %%, the worst of %d (0.22 %% is the least to be expected of any learner)", 100 * wrong, c->seeds);
        jd_run_extra(j->r, "boolean_wrong", 100 * wrong);
    } else if (c->kind == META_CHANGING) {
        claim(j, net < least, "a function that changes: below every other learner in examples 11-30 after it",
              "%.2g; back-propagation %.2g, least squares that forget %.2g", net, rival,
              meta_between(c->error[META_RLS], c->first, c->last));
        jd_run_extra(j->r, name, least / net);
    } else {
        snprintf(what, sizeof what,
                 "%s functions: %.0f times less error than back-propagation in examples %d-%d, every LSTM",
                 meta_name[c->kind], factor, (int)c->first, (int)c->last);
        claim(j, rival >= factor * net, what, "%.1f times, the worst of %d (%.2g against %.2g)", rival / net, c->seeds,
              net, rival);
        jd_run_extra(j->r, name, rival / net);
    }
}

/* A control destroys what can be learned: the error must be that of the mean again, or more.  The smallest of any LSTM, in
 * terms of that of the mean of the targets so far. */
static double least_left(const l2l_class *c, int classes, l2l_change how)
{
    double least = (double)INFINITY;
    for (int k = 0; k < classes; k++)
        for (int s = 0; s < c[k].seeds && c[k].kind != META_CHANGING; s++)
            least = fmin(least, late(&c[k], s, how) / meta_between(c[k].error[META_AVERAGE], c[k].first, c[k].last));
    return least;
}

/* The error of ten examples in a row beyond example 50, at most, in terms of that of examples 41-50; *whose it is. */
static double growth(const l2l_class *c, int classes, const char **whose)
{
    double most = 0;
    for (int k = 0; k < classes; k++)
        for (int s = 0; s < c[k].seeds && c[k].kind != META_CHANGING; s++)
            for (int64_t t = L2L_TRAINED + 1; t + 9 <= c[k].T; t += 10) {
                const double *error = c[k].net[s].error[L2L_AS_IS];
                const double ratio = meta_between(error, t, t + 9) / meta_between(error, 41, L2L_TRAINED);
                if (ratio > most) *whose = c[k].net[s].name;
                most = fmax(most, ratio);
            }
    return most;
}

static void judge(claims *j, const l2l_class *c, int classes)
{
    const double factor[META_CLASSES] = {0, 3, jd_run_scale(j->r) == JD_FULL ? 30 : 10, 0};
    for (int k = 0; k < classes; k++) judge_class(j, &c[k], factor[c[k].kind]);
    const double shuffled = least_left(c, classes, L2L_SHUFFLED), reset = least_left(c, classes, L2L_RESET);
    const char *whose = "";
    const double grown = growth(c, classes, &whose);
    claim(j, shuffled >= .9, "mixed targets: no better than their mean (0.9 of its error), every LSTM",
          "at least %.2f of its error", shuffled);
    claim(j, reset >= .9, "no memory: no better than the mean of the targets (0.9 of its error), every LSTM",
          "at least %.2f of its error", reset);
    claim(j, grown <= 2,
          "up to example 200, trained with 50: no ten examples with twice the error of 41-50, every LSTM",
          "at most %.2f times, %s", grown, whose);
    jd_run_extra(j->r, "growth", grown);
}

/* ---- the run ---------------------------------------------------------------------------------------------------------------*/

static void one_class(jd_run *r, l2l_class *c, meta_class kind)
{
    static const char *const seeds[] = {"boolean_seeds", "seeds", "seeds", "changing_seeds"};
    static const char *const updates[] = {"boolean_updates", "semilinear_updates", "quadratic_updates",
                                          "changing_updates"};
    int64_t start;
    c->kind = kind;
    c->T = kind == META_CHANGING ? L2L_CHANGING : L2L_TEST;
    c->shown = meta_window(kind, c->T, c->T, &start);
    claimed(kind, &c->first, &c->last);
    for (int s = 0; s < (int)jd_run_setting(r, seeds[kind]) && !jd_error(jd_run_ctx(r)); s++, c->seeds++) {
        l2l_net *n = &c->net[s];
        *n = (l2l_net){.kind = kind,
                       .easy = jd_run_setting(r, "easy") > 0,
                       .units = (int64_t)jd_run_setting(r, "units"),
                       .layers = (int64_t)jd_run_setting(r, "layers"),
                       .batch = (int64_t)jd_run_setting(r, "batch"),
                       .updates = (int64_t)jd_run_setting(r, updates[kind]),
                       .clip = jd_run_setting(r, "clip"),
                       .forget_bias = jd_run_setting(r, "forget_bias"),
                       .seed = jd_run_seed(r),
                       .number = (uint64_t)s};
        snprintf(n->name, sizeof n->name, "%s-%d", meta_name[kind], s + 1);
        if (!train(r, n)) test(r, n, c->T);
    }
    if (!jd_error(jd_run_ctx(r))) rivals(r, c);
}

static void finish(jd_run *r, l2l_class *c, int classes)
{
    claims j = {.r = r};
    const l2l_class *kept = &c[classes > META_QUADRATIC ? META_QUADRATIC : classes - 1];
    judge(&j, c, classes);
    l2l_report(r, c, classes, &j);
    for (int k = 0; k < classes; k++) {
        double seconds = 0;
        for (int s = 0; s < c[k].seeds; s++) seconds += c[k].net[s].seconds;
        jd_run_note(r, "%s: %d LSTMs trained in %.0f s", meta_name[c[k].kind], c[k].seeds, seconds);
    }
    jd_run_extra(r, "claims", j.n);
    if (jd_error(jd_run_ctx(r))) return;
    jd_run_save(r, kept->net[0].params, kept->net[0].updates, true);
    jd_run_finish(r, j.hold, j.hold < j.n ? "see the table of claims" : NULL);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int classes = (int)jd_run_setting(r, "classes");
    const double units = jd_run_setting(r, "units"), layers = jd_run_setting(r, "layers"),
                 B = jd_run_setting(r, "batch");
    const double episodes = jd_run_setting(r, "episodes");
    const double seeds[] = {jd_run_setting(r, "seeds"), jd_run_setting(r, "boolean_seeds"),
                            jd_run_setting(r, "changing_seeds")};
    const double fewest = fmin(seeds[0], fmin(seeds[1], seeds[2])), most = fmax(seeds[0], fmax(seeds[1], seeds[2]));
    if (!(classes >= 1 && classes <= META_CLASSES && units >= 1 && units <= 4096 && layers >= 1 && layers <= 8 &&
          B >= 1 && B <= 65536 && fewest >= 1 && most <= L2L_SEEDS && episodes >= CHUNK && fmod(episodes, CHUNK) == 0))
        return jd_fail(ctx, JD_EUSAGE,
                       "learning-to-learn: classes is 1..%d, all seeds 1..%d, layers 1..8, units and batch are at "
                       "least 1, episodes a multiple of %d",
                       META_CLASSES, L2L_SEEDS, CHUNK);
    l2l_class *c = jd_alloc_array(ctx, META_CLASSES, sizeof *c);
    for (int k = 0; c && k < classes && !jd_error(ctx); k++) one_class(r, &c[k], (meta_class)k);
    if (!jd_error(ctx)) finish(r, c, classes);
    for (int k = 0; c && k < classes; k++)
        for (int s = 0; s < L2L_SEEDS; s++) {
            l2l_net *n = &c[k].net[s];
            jd_fn_free(n->ask);
            jd_params_free(n->params);
            jd_free(ctx, n->x);
            jd_free(ctx, n->y);
        }
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"classes", {3, 4, 4}, "of functions: Boolean, semi-linear, quadratic, changing (the first so many)"},
    {"boolean_seeds", {1, 5, 5}, "LSTMs for Boolean functions, each with weights and functions of its own"},
    {"seeds", {1, 3, 5}, "for semi-linear and for quadratic ones"},
    {"changing_seeds", {1, 1, 3}, "for functions that change"},
    {"units", {32, 40, 128}, "memory cells of a layer"},
    {"layers", {1, 1, 2}, "of cells"},
    {"boolean_updates", {2500, 4000, 5000}, "training steps"},
    {"semilinear_updates", {4000, 6000, 20000}, "training steps"},
    {"quadratic_updates", {7000, 8000, 30000}, "training steps"},
    {"changing_updates", {3000, 6000, 20000}, "training steps"},
    {"batch", {32, 32, 4096}, "functions per step"},
    {"rate", {1e-2, 1e-2, 2e-3}, "Adam's learning rate, falling to a twentieth along half a cosine"},
    {"clip", {1, 1, 1}, "norm to which the gradient is clipped"},
    {"forget_bias", {1.5, 1.5, 1.5}, "first bias of the forget gates"},
    {"episodes", {1000, 2000, 2000}, "functions of each class that are learned for the figures"},
    {"easy", {0, 0, 0}, "1: the LSTM also sees the x that the previous target belongs to"},
    {0},
};

const jd_system jd_system_learning_to_learn = {
    .name = "learning-to-learn",
    .year = 2001,
    .title = "Learning to learn: an LSTM that is a learning algorithm",
    .paper = "S. Hochreiter, A. S. Younger, P. R. Conwell: Learning to learn using gradient descent. ICANN 2001, LNCS "
             "2130, pp. 87-94",
    .metric = "claims that hold, of 7 (quick: 6)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "as recalled, not checked: an LSTM of some 5,400 weights approximates a new quadratic function after 30-35 "
        "examples, faster than a network trained by back-propagation, and a new Boolean function after a few",
    .accept = {6, 7, 7},
    .about = "An LSTM is shown functions, one after the other: at each step an argument x and, one step late, the "
             "value of the function at the argument before. It is to say the value at x. Gradient descent over many "
             "functions finds weights that learn: with these weights fixed, it learns functions it never saw, in its "
             "state, from example to example, and much faster than back-propagation changes the weights of a network. "
             "What to look at: the learning curves, in examples, of the LSTM and of other learners on the same "
             "examples; and the pictures of what it believes a function to be after so many examples.",
    .settings = SETTINGS,
    .run = run,
};
