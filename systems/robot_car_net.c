/* robot_car_net.c - a driver that learned from watching; see robot_car.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "robot_car.h"

enum { LESSONS = 3, EPISODE = 200, SKIP = 20, BATCH = 32 };
#define UNIT 0.01 /* radians of the wheel that count as 1 */
#define MOST 4.   /* so many of them at most */

/* ---- the net ---------------------------------------------------------------------------------------------------------------*/

static jd_node wheel(jd_graph *g)
{
    jd_node x = jd_conv2d(g, "conv1", jd_arg(g, "picture"), .maps = 8, .size = 5, .stride = 2, .act = JD_RELU);
    x = jd_conv2d(g, "conv2", x, .maps = 16, .size = 5, .stride = 2, .act = JD_RELU);
    x = jd_dense(g, "fc", x, .units = 50, .act = JD_TANH);
    return jd_dense(g, "out", x, .units = 1);
}

static void ask(jd_graph *g, void *unused)
{
    (void)unused;
    jd_result(g, "wheel", wheel(g));
}

static void train_step(jd_graph *g, void *unused)
{
    (void)unused;
    const jd_node off = jd_sub(g, wheel(g), jd_arg(g, "goal"));
    const jd_node loss = jd_mean(g, jd_square(g, off), JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_arg(g, "lr"));
    jd_result(g, "loss", loss);
}

static void see(const road_view *view, uint8_t grey[RETINA])
{
    road_view v = *view;
    uint8_t rgb[3 * RETINA_W];
    v.camera = &ROAD_RETINA;
    for (int row = 0; row < RETINA_H; row++) {
        road_row(&v, RETINA_TOP + row, 0, RETINA_W, rgb);
        for (int u = 0; u < RETINA_W; u++)
            grey[row * RETINA_W + u] = (uint8_t)((rgb[3 * u] + 2 * rgb[3 * u + 1] + rgb[3 * u + 2]) / 4);
    }
}

static void show(const uint8_t *now, const uint8_t *ago, float *to) /* (32,64,2) */
{
    for (int i = 0; i < RETINA; i++) {
        to[2 * i] = ((float)now[i] - 110) / 50;
        to[2 * i + 1] = ((float)ago[i] - 110) / 50;
    }
}

void cnn_forget(cnn_driver *d)
{
    d->count = 0;
}

double cnn_steer(cnn_driver *d, const road_view *view)
{
    const jd_tensor in = JD_TENSOR("picture", JD_F32, NULL, 1, RETINA_H, RETINA_W, 2);
    jd_plan *p = jd_fn_plan(d->ask, &in, 1);
    if (!p) return 0;
    memmove(d->seen[1], d->seen[0], RETINA_AGO * sizeof d->seen[0]);
    see(view, d->seen[0]);
    if (d->count < RETINA_AGO) d->count++;
    show(d->seen[0], d->seen[d->count < RETINA_AGO ? 0 : RETINA_AGO], jd_plan_input(p, "picture"));
    jd_plan_run(p);
    const float *y = jd_plan_result(p, "wheel", NULL);
    return y ? UNIT * (double)*y : 0;
}

/* ---- what it is shown --------------------------------------------------------------------------------------------------------*/

typedef struct album {
    jd_run *r;
    cnn_driver *d;
    int64_t room, count, valid; /* the last `valid` pictures test the others */
    uint8_t (*picture)[RETINA];
    float *goal;
    int32_t *before; /* pictures since the episode began */
    int in_episode;
    float x[BATCH * RETINA * 2], y[BATCH];
} album;

static void watch(void *user, const road_view *view, const sight *s, const car *c, double goal, double wise)
{
    album *a = user;
    (void)s, (void)c, (void)goal;
    if (a->count == a->room) return;
    see(view, a->picture[a->count]);
    a->goal[a->count] = (float)fmin(fmax(wise / UNIT, -MOST), MOST);
    a->before[a->count++] = a->in_episode++;
}

/* Eight seconds each from some place beside the middle of the lane, on roads that are not driven in the test. */
static jd_status collect(album *a, double speed, int lesson, int64_t until)
{
    jd_ctx *ctx = jd_run_ctx(a->r);
    for (int64_t number = 0; a->count < until && !jd_error(ctx); number++) {
        const uint64_t index = (uint64_t)lesson * 100000 + (uint64_t)number;
        jd_rng r = jd_rng_new(jd_run_seed(a->r), "car/lesson", index);
        road w;
        drive_result unused;
        if (road_new(ctx, ROAD_AUTOBAHN, 4000, (jd_run_seed(a->r) << 20) + 500000 + index, &w)) break;
        w.cars = jd_rng_below(&r, 2) > 0;
        const drive_options o = {.road = &w,
                                 .speed = speed,
                                 .from = 3500 * jd_rng_uniform64(&r),
                                 .metres = EPISODE * DRIVE_CYCLE * speed,
                                 .seed = index + 7777777,
                                 .start = {.4 * (2 * jd_rng_uniform64(&r) - 1), .01 * (2 * jd_rng_uniform64(&r) - 1)},
                                 .shaky = .006 * jd_rng_uniform64(&r),
                                 .net = lesson ? a->d : NULL,
                                 .watch = watch,
                                 .user = a};
        a->in_episode = 0;
        cnn_forget(a->d);
        drive(&o, &unused);
        road_free(&w);
        if (jd_run_progress(a->r, (double)a->count, (double)until, "pictures")) return jd_run_stopped(a->r);
    }
    return jd_error(ctx);
}

/* Picture i with the one 0.2 s before; the first ones of an episode are passed over: the filter is not settled. */
static bool usable(const album *a, int64_t i)
{
    return a->before[i] >= SKIP;
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    album *a = user;
    jd_rng r = jd_rng_new(jd_run_seed(a->r), "car/batch", (uint64_t)a->count << 24 | (uint64_t)step);
    (void)slot;
    for (int b = 0; b < BATCH; b++) {
        int64_t i;
        do i = jd_rng_below(&r, (uint32_t)(a->count - a->valid));
        while (!usable(a, i));
        show(a->picture[i], a->picture[i - RETINA_AGO], a->x + b * RETINA * 2);
        a->y[b] = a->goal[i];
    }
    in[0] = JD_TENSOR("picture", JD_F32, a->x, BATCH, RETINA_H, RETINA_W, 2);
    in[1] = JD_TENSOR("goal", JD_F32, a->y, BATCH, 1);
    return 2;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    album *a = user;
    double sum = 0, n = 0;
    for (int64_t i = a->count - a->valid; i < a->count;) {
        int b = 0;
        int64_t at[BATCH];
        for (; i < a->count && b < BATCH; i++) {
            if (!usable(a, i)) continue;
            show(a->picture[i], a->picture[i - RETINA_AGO], a->x + b * RETINA * 2);
            at[b++] = i;
        }
        if (b < BATCH) break;
        const jd_tensor in = JD_TENSOR("picture", JD_F32, a->x, BATCH, RETINA_H, RETINA_W, 2);
        if (jd_fn_run(a->d->ask, &in, 1)) return (double)NAN;
        const float *y = jd_fn_result(a->d->ask, "wheel", NULL);
        for (int k = 0; y && k < BATCH; k++, n++) sum += pow((double)(y[k] - a->goal[at[k]]), 2);
    }
    jd_run_log(r, step, "net/valid", sqrt(sum / fmax(1, n)) * UNIT * 57.3);
    return sqrt(sum / fmax(1, n)) * UNIT * 57.3;
}

/* ---- learning ----------------------------------------------------------------------------------------------------------------*/

static jd_status lesson(album *a, int number, int64_t steps)
{
    char what[24];
    snprintf(what, sizeof what, "net-%d", number + 1);
    a->valid = a->count / 12 < BATCH ? BATCH : a->count / 12;
    const jd_train_options o = {.what = what,
                                .series = what,
                                .trace = train_step,
                                .user = a,
                                .steps = steps,
                                .batch = batch,
                                .lr = {.kind = JD_COSINE, .rate = 1.5e-3, .end = 2e-5},
                                .validate_every = steps / 5 + 1,
                                .validate = validate,
                                .items_per_step = BATCH};
    jd_train_result result;
    if (!jd_train(a->r, a->d->params, &o, &result)) a->d->valid = result.best;
    return jd_error(jd_run_ctx(a->r));
}

jd_status cnn_learn(jd_run *r, double speed, cnn_driver *d)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t frames = (int64_t)jd_run_setting(r, "net_frames"), steps = (int64_t)jd_run_setting(r, "net_steps");
    album *a = jd_alloc(ctx, sizeof *a);
    *d = (cnn_driver){.ctx = ctx, .params = jd_params_new(ctx, JD_F32)};
    d->ask = jd_fn_new(ctx, d->params, ask, NULL);
    if (!a) return jd_error(ctx);
    *a = (album){.r = r, .d = d, .room = frames};
    a->picture = jd_alloc_array(ctx, (size_t)frames, sizeof *a->picture);
    a->goal = jd_alloc_array(ctx, (size_t)frames, sizeof *a->goal);
    a->before = jd_alloc_array(ctx, (size_t)frames, sizeof *a->before);
    for (int k = 0; k < LESSONS && !jd_error(ctx); k++) {
        jd_run_stage(r, k ? "the net drives and is corrected" : "the net watches");
        if (!collect(a, speed, k, frames * (k + 1) / LESSONS)) lesson(a, k, k < LESSONS - 1 ? steps / 4 : steps / 2);
    }
    d->frames = a->count;
    jd_free(ctx, a->picture);
    jd_free(ctx, a->goal);
    jd_free(ctx, a->before);
    jd_free(ctx, a);
    return jd_error(ctx);
}

void cnn_free(cnn_driver *d)
{
    jd_fn_free(d->ask);
    jd_params_free(d->params);
}
