/* oom_learning.c - nets that learn, searches, environments: see oom.h. */
#include <math.h>
#include <string.h>

#include "jackdaw/device.h"
#include "jackdaw/jackdaw.h"
#include "oom.h"

/* ---- plain steps -------------------------------------------------------------------------------------------------------- */
typedef struct task {
    const char *net;
    bool sequence, adam;
} task;

static void trace(jd_graph *g, void *user)
{
    const task *t = user;
    const jd_node length = t->sequence ? jd_arg(g, "length") : JD_NONE;
    const jd_node y = jd_net(g, t->net, jd_arg(g, "x"), length);
    jd_node loss;
    if (t->sequence)
        loss = jd_mean(g, jd_ctc(g, y, jd_arg(g, "label"), length, jd_arg(g, "count"), 0), JD_ALL_AXES, false);
    else
        loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    if (t->adam)
        jd_update_adam(g, loss, jd_const(g, 0.01, JD_SCALAR), .clip = 5);
    else
        jd_update_sgd(g, loss, jd_const(g, 0.1, JD_SCALAR), .momentum = 0.5);
    jd_result(g, "loss", loss);
}

static void steps(jd_ctx *ctx, task *t, const jd_tensor *in, int n, uint64_t *sum)
{
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = w ? jd_fn_new(ctx, w, trace, t) : NULL;
    for (int step = 0; f && step < 2 && !jd_fn_run(f, in, n); step++) {
        const double loss = jd_fn_scalar(f, "loss");
        oom_add(sum, &loss, sizeof loss);
    }
    if (!jd_error(ctx)) oom_add(sum, jd_params_data(w), jd_params_count(w) * sizeof(float));
    jd_fn_free(f);
    jd_params_free(w);
}

static float numbers[5 * 9 * 9 * 3];
static const int32_t label[5] = {0, 1, 2, 0, 1};

static void fill(void)
{
    jd_rng r = jd_rng_new(1, "oom", 0);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) numbers[i] = 2 * jd_rng_uniform(&r) - 1;
}

static void mlp(jd_ctx *ctx, uint64_t *sum)
{
    fill();
    steps(ctx, &(task){"dense 5 tanh, dropout 0.2, batchnorm, dense 3", false, false},
          (jd_tensor[]){JD_TENSOR("x", JD_F32, numbers, 5, 7), JD_TENSOR("label", JD_I32, label, 5)}, 2, sum);
}

static void cnn(jd_ctx *ctx, uint64_t *sum)
{
    fill();
    steps(ctx, &(task){"conv 4 3 tanh, maxpool 2, conv 3 2 relu, dense 6 sigmoid, dense 3", false, true},
          (jd_tensor[]){JD_TENSOR("x", JD_F32, numbers, 5, 9, 9, 3), JD_TENSOR("label", JD_I32, label, 5)}, 2, sum);
}

static void threads(jd_ctx *ctx, uint64_t *sum)
{
    fill();
    steps(ctx, &(task){"dense 700 tanh, dense 700 tanh, dense 3", false, true},
          (jd_tensor[]){JD_TENSOR("x", JD_F32, numbers, 5, 7), JD_TENSOR("label", JD_I32, label, 5)}, 2, sum);
}

static void lstm_ctc(jd_ctx *ctx, uint64_t *sum)
{
    static const int32_t text[6] = {1, 2, 2, 1, 1, 1}, length[3] = {7, 5, 6}, count[3] = {2, 1, 2};
    fill();
    steps(ctx, &(task){"blstm 4 peepholes, gru 3, lstm 3 layernorm, dense 3", true, true},
          (jd_tensor[]){JD_TENSOR("x", JD_F32, numbers, 7, 3, 4), JD_TENSOR("length", JD_I32, length, 3),
                        JD_TENSOR("label", JD_I32, text, 3, 2), JD_TENSOR("count", JD_I32, count, 3)},
          4, sum);
}

static void mdlstm(jd_ctx *ctx, uint64_t *sum)
{
    fill();
    steps(
        ctx,
        &(task){"block 2 2, mdlstm 2 peepholes, dense 3 each tanh, mdlstm 2 sum, collapse, mean, dense 3", false, true},
        (jd_tensor[]){JD_TENSOR("x", JD_F32, numbers, 2, 6, 5, 1), JD_TENSOR("label", JD_I32, label, 2)}, 2, sum);
}

/* A gradient of a gradient, and an answer printed as a table of instructions. */
static void trace_second(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x"), y = jd_sum(g, jd_tanh(g, jd_mul(g, x, x)), JD_ALL_AXES, false);
    jd_node d;
    jd_grad(g, y, JD_NONE, &x, 1, &d);
    jd_grad(g, jd_sum(g, jd_mul(g, d, d), JD_ALL_AXES, false), JD_NONE, &x, 1, &d);
    jd_result(g, "d", d);
}

static void second_derivative(jd_ctx *ctx, uint64_t *sum)
{
    fill();
    jd_fn *f = jd_fn_new(ctx, NULL, trace_second, NULL);
    const jd_tensor x = JD_TENSOR("x", JD_F32, numbers, 6);
    if (f && !jd_fn_run(f, &x, 1)) oom_add(sum, jd_fn_result(f, "d", NULL), 6 * sizeof(float));
    jd_fn_free(f);
}

/* ---- the training loop, with loader threads, validation, checkpoints, a report -------------------------------------------- */
static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    static float x[4][2 * 3];
    static int32_t y[4][2];
    (void)user;
    jd_rng r = jd_rng_new(3, "oom/batch", (uint64_t)step);
    for (int i = 0; i < 6; i++) x[slot][i] = jd_rng_uniform(&r);
    for (int i = 0; i < 2; i++) y[slot][i] = (int32_t)jd_rng_below(&r, 2);
    in[0] = JD_TENSOR("x", JD_F32, x[slot], 2, 3);
    in[1] = JD_TENSOR("label", JD_I32, y[slot], 2);
    return 2;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    (void)user;
    jd_run_log(r, step, "valid/error", 1.0 / (double)(step + 1));
    return 1.0 / (double)(step + 1);
}

static void train_in(jd_ctx *ctx, const char *dir, bool resume, int64_t count, uint64_t *sum)
{
    jd_run *r = jd_run_new(ctx, &(jd_run_options){.name = "oom", .seed = 2, .dir = dir, .resume = resume});
    jd_params *w = jd_params_new(ctx, JD_F32);
    task t = {"dense 4 tanh, dense 2", false, true};
    jd_train_result got;
    if (r && w) {
        jd_run_config(r, "net", t.net);
        jd_run_config_list(r, "list", (const char *const[]){"a", "b"}, 2, (const char *const[]){"1", "2", "3", NULL},
                           2);
        jd_run_metric(r, "error", false);
        jd_train(r, w,
                 &(jd_train_options){.what = "training",
                                     .trace = trace,
                                     .user = &t,
                                     .steps = count,
                                     .batch = batch,
                                     .loaders = 1,
                                     .lr = {.rate = 0.1},
                                     .log_every = 1,
                                     .validate_every = 2,
                                     .validate = validate,
                                     .keep_best = true,
                                     .checkpoint_every = 2},
                 &got);
        jd_run_save(r, w, count, true);
        jd_run_extra(r, "more", 3);
        jd_run_finish(r, 0.5, "because");
        char *text = jd_run_result_json(r);
        jd_free(ctx, text);
    }
    if (!jd_error(ctx)) oom_add(sum, jd_params_data(w), jd_params_count(w) * sizeof(float));
    jd_params_free(w);
    jd_run_free(r);
}

static void train(jd_ctx *ctx, uint64_t *sum)
{
    train_in(ctx, oom_path("run"), false, 5, sum);
}

static void resume(jd_ctx *ctx, uint64_t *sum)
{
    train_in(ctx, oom_path("run"), false, 3, sum);
    train_in(ctx, oom_path("run"), true, 3, sum);
    jd_run_rebuild_report(ctx, oom_path("run"), oom_path("again.html"));
}

/* ---- search, populations, environments, reward ---------------------------------------------------------------------------- */
static void search(jd_ctx *ctx, uint64_t *sum)
{
    for (int m = 0; m < JD_SEARCH_METHODS && !jd_error(ctx); m++) {
        jd_search_options o = {.method = (jd_search_method)m,
                               .dim = 3,
                               .population = m == JD_SEARCH_ESP ? 4 : 8,
                               .minimize = true,
                               .seed = 5,
                               .restart = true};
        jd_search *s = jd_search_new(ctx, &o), *again = NULL;
        for (int k = 0; s && k < 2; k++) {
            double score[64] = {0};
            size_t n;
            const double *x = jd_search_ask(s, &n);
            for (size_t i = 0; x && i < n && i < 64; i++)
                for (int d = 0; d < 3; d++) score[i] += x[3 * i + (size_t)d] * x[3 * i + (size_t)d];
            if (x) jd_search_tell(s, score);
        }
        if (s && !jd_search_save(s, oom_path("search.safetensors"), 1)) again = jd_search_new(ctx, &o);
        if (again && !jd_search_load(again, oom_path("search.safetensors"))) {
            size_t n;
            const double *x = jd_search_ask(again, &n);
            if (x) oom_add(sum, x, n * 3 * sizeof *x);
        }
        jd_search_free(again);
        jd_search_free(s);
    }
}

static void population(jd_ctx *ctx, uint64_t *sum)
{
    const jd_net_shape shape = {.inputs = 2, .hidden = 3, .outputs = 1};
    double w[20 * 32];
    float x[2 * 32] = {0}, y[32];
    for (int i = 0; i < 20 * 32; i++) w[i] = sin(i);
    jd_population *p = jd_population_new(ctx, &shape, 20);
    if (p && !jd_population_set(p, 0, 20, w) && !jd_population_run(p, 3, x, true, y, true))
        oom_add(sum, y, 20 * sizeof *y);
    jd_population_free(p);
}

static void rollout(jd_ctx *ctx, uint64_t *sum)
{
    jd_rollout *r =
        jd_rollout_new(ctx, &(jd_rollout_options){.env = "double-pole", .net = {.hidden = 2, .no_output_bias = true}});
    double w[18 * 40] = {0}, score[18] = {0};
    for (int i = 0; i < 18 * 40; i++) w[i] = cos(i);
    if (r && !jd_rollout_run(r, w, false, 18, NULL, 3, 50, score, NULL)) oom_add(sum, score, sizeof score);
    jd_rollout_free(r);
}

static void environments(jd_ctx *ctx, uint64_t *sum)
{
    uint8_t *picture = jd_alloc(ctx, 32 * 32 * 3);
    for (int i = 0; jd_env_name(i) && !jd_error(ctx); i++) {
        const char *name = jd_env_name(i);
        if (!strcmp(name, "torcs")) continue;   /* a process of its own, and slow */
        if (!strncmp(name, "mj-", 3)) continue; /* MuJoCo is C++: what it throws for want of memory ends the process */
        jd_env *e = jd_env_new(ctx, name, &(jd_env_options){.count = 2, .picture = 16});
        if (!e && jd_error(ctx) == JD_EABSENT) { /* a simulator that is not installed */
            jd_error_clear(ctx);
            continue;
        }
        float *obs = e ? jd_alloc_array(ctx, 2 * (size_t)jd_env_observation(e).size, sizeof *obs) : NULL;
        float *action = obs ? jd_alloc_array(ctx, 2 * (size_t)jd_env_action(e).size, sizeof *action) : NULL;
        float reward[2];
        uint8_t end[2], late[2];
        if (action && !jd_env_reset(e, 0, 1, obs) && !jd_env_reset(e, 1, 2, obs) &&
            !jd_env_step(e, action, obs, reward, end, late) && !jd_env_render(e, 0, picture, 32, 32)) {
            oom_add(sum, reward, sizeof reward);
            oom_add(sum, picture, 32 * 32 * 3);
        }
        jd_free(ctx, action);
        jd_free(ctx, obs);
        jd_env_free(e);
    }
    jd_free(ctx, picture);
}

static void policy(jd_ctx *ctx, uint64_t *sum)
{
    jd_policy *p = jd_policy_new(
        ctx, &(jd_policy_options){
                 .env = "t-maze", .env_options = {.length = 3}, .memory = JD_MEMORY_LSTM, .units = 2, .episodes = 4});
    jd_learning at = {0};
    if (p && !jd_policy_train(p, &at))
        oom_add(sum, jd_params_data(jd_policy_params(p)), jd_params_count(jd_policy_params(p)) * sizeof(float));
    jd_policy_free(p);
}

static double bowl(void *user, const double *x, double *gradient)
{
    (void)user;
    for (int i = 0; i < 3; i++) gradient[i] = 2 * (x[i] - i);
    return x[0] * x[0] + (x[1] - 1) * (x[1] - 1) + (x[2] - 2) * (x[2] - 2);
}

static void minimize(jd_ctx *ctx, uint64_t *sum)
{
    double x[3] = {5, -3, 1};
    if (!jd_minimize(ctx, NULL, bowl, NULL, x, 3, NULL)) oom_add(sum, x, sizeof x);
}

static void gmdh(jd_ctx *ctx, uint64_t *sum)
{
    static double x[40 * 3], y[40];
    jd_rng r = jd_rng_new(4, "oom/gmdh", 0);
    for (int i = 0; i < 40 * 3; i++) x[i] = jd_rng_uniform64(&r);
    for (int i = 0; i < 40; i++) y[i] = x[3 * i] * x[3 * i + 1] + x[3 * i + 2];
    jd_gmdh *net = jd_gmdh_grow(ctx, x, y, 40, 3, &(jd_gmdh_options){.width = 3, .layers = 2, .shuffles = 9}),
            *back = NULL;
    if (net) {
        char *const texts[] = {jd_gmdh_text(net, NULL), jd_gmdh_source(net, "f"), jd_gmdh_spec(net)};
        for (int i = 0; i < 3; i++) {
            if (texts[i]) oom_add(sum, texts[i], strlen(texts[i]));
            jd_free(ctx, texts[i]);
        }
        if (!jd_gmdh_save(net, oom_path("net.safetensors"))) back = jd_gmdh_load(ctx, oom_path("net.safetensors"));
    }
    if (back && !jd_gmdh_predict(back, x, 40, y)) oom_add(sum, y, sizeof y);
    jd_gmdh_free(back);
    jd_gmdh_free(net);
}

const oom_scenario oom_learning[] = {{"mlp", mlp},
                                     {"cnn", cnn},
                                     {"lstm-ctc", lstm_ctc},
                                     {"mdlstm", mdlstm},
                                     {"second-derivative", second_derivative},
                                     {"threads", threads, .threads = 3},
                                     {"train", train},
                                     {"resume", resume},
                                     {"search", search},
                                     {"population", population, .threads = 2},
                                     {"rollout", rollout},
                                     {"environments", environments},
                                     {"policy", policy},
                                     {"minimize", minimize},
                                     {"gmdh", gmdh},
                                     {0}};
