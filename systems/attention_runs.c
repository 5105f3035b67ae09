/* attention_runs.c - how M and C learn and what C can do afterwards; see attention.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attention.h"

const at_task at_tasks[AT_TASKS] = {
    {"triangle", AT_TRIANGLE, 1, 4, 0, 10, 0, 1, false},
    {"disc", AT_DISC, 1, 4, 0, 10, 0, 1, false},
    {"letter T", AT_T, 1, 4, 0, 10, 0, 1, false},
    {"triangle among squares", AT_TRIANGLE, 1, 4, 0, 10, .05, 1, false},
    {"three things, one named", AT_DISC, 3, 4, 3, 10, 0, .3, false},
    {"triangle, turned", AT_TRIANGLE, 1, 6, 0, 12, 0, .3, true},
};

enum {
    SIZE = 40,
    APART = 44,
    MOST_TURN = 80,
    TRACKS = 20,
    VALID = 100,
    PER_SCENE = 10 /* drawing one takes longer than ten steps of learning */
};

uint64_t at_seed(const jd_run *r, int i)
{
    return jd_run_seed(r) * 1000 + 1 + (uint64_t)i;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double at_median(const double *v, int n)
{
    double sorted[1024];
    if (n < 1 || n > 1024) return NAN;
    memcpy(sorted, v, (size_t)n * sizeof *v);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* ---- trials ------------------------------------------------------------------------------------------------------------------*/

/* Uniform in a disc. */
static at_pose nearby(at_pose p, double radius, jd_rng *r)
{
    const double d = radius * sqrt(jd_rng_uniform64(r)), a = 2 * AT_PI * jd_rng_uniform64(r);
    return (at_pose){p.x + d * sin(a), p.y - d * cos(a), p.angle};
}

static at_pose anywhere(double margin, jd_rng *r)
{
    at_pose p = {.angle = 0};
    p.x = floor(margin + (AT_SIDE - 2 * margin) * jd_rng_uniform64(r));
    p.y = floor(margin + (AT_SIDE - 2 * margin) * jd_rng_uniform64(r));
    return p;
}

/* Three things in any order around a middle, turned as a whole; their points are 76 pixels apart. */
static void place_three(jd_rng *r, at_trial *o)
{
    uint32_t order[AT_THINGS] = {0, 1, 2};
    o->middle = anywhere(APART + 2 * SIZE, r);
    jd_rng_shuffle(r, order, AT_THINGS);
    const double turn = 2 * AT_PI * jd_rng_uniform64(r);
    for (int i = 0; i < AT_THINGS; i++) {
        const double a = turn + 2 * AT_PI * i / AT_THINGS;
        o->thing[i] = (at_thing){(at_kind)order[i],
                                 {floor(o->middle.x + APART * sin(a)), floor(o->middle.y - APART * cos(a)), 0}};
    }
}

void at_place(const at_task *t, jd_rng *r, at_scene *s, at_trial *o)
{
    *o = (at_trial){.which = 0};
    if (t->things > 1) {
        place_three(r, o);
    } else {
        o->middle = anywhere(SIZE, r);
        if (t->actions == AT_ACTIONS) o->middle.angle = 2 * AT_PI * jd_rng_uniform64(r);
        o->thing[0] = (at_thing){t->kind, o->middle};
    }
    at_scene_draw(s, o->thing, t->things, t->clutter, r);
}

void at_begin(const at_task *t, jd_rng *r, double reach, bool between, at_trial *o)
{
    const int k = (int)jd_rng_below(r, (uint32_t)t->things);
    o->goal = o->thing[k].at;
    o->which = t->goals ? (int)o->thing[k].kind : 0;
    memset(o->named, 0, sizeof o->named);
    o->named[o->which] = 1;
    if (t->actions == AT_ACTIONS) {
        o->start = nearby(o->goal, AT_NEAR, r);
        o->start.angle += AT_PI * reach * (2 * jd_rng_uniform64(r) - 1);
    } else {
        o->start = between ? nearby(o->middle, 10, r) : nearby(o->goal, AT_NEAR * reach, r);
    }
}

void at_pattern(at_scene *s, at_kind kind, double *d)
{
    const at_pose middle = {AT_SIDE / 2, AT_SIDE / 2, 0};
    at_scene_draw(s, &(at_thing){kind, middle}, 1, 0, NULL);
    at_look(s, middle, d);
}

static double distance(at_pose a, at_pose b)
{
    return hypot(a.x - b.x, a.y - b.y);
}

static double turned(at_pose a, at_pose b)
{
    return fabs(remainder(a.angle - b.angle, 2 * AT_PI)) * 180 / AT_PI;
}

bool at_arrived(const at_task *t, const at_trial *o, at_pose eye)
{
    const double d = distance(eye, o->goal);
    return t->actions == AT_ACTIONS ? d <= 10 && turned(eye, o->goal) <= 20 : d <= 5;
}

/* ---- learning ----------------------------------------------------------------------------------------------------------------*/

/* What random outputs do at `eye`, for M to learn: its squared error before.  The slot of the chain is overwritten. */
static double try_anything(attention *a, const at_task *t, at_chain *k, int slot, at_pose eye, double rate, jd_rng *r)
{
    double did[AT_ACTIONS];
    at_look(&a->scene, eye, k->x[slot]);
    for (int j = 0; j < t->actions; j++) did[j] = jd_rng_uniform64(r);
    at_expect(k, slot, did);
    at_look(&a->scene, at_moved(eye, did, t->actions), k->x[slot + 1]);
    return at_model_learn(k, slot, rate);
}

/* M sees what random outputs do near the things. */
static bool teach_model(attention *a, const at_task *t, at_chain *k, int seed, int number)
{
    at_result *e = &a->result[t - at_tasks];
    jd_rng r = jd_rng_new(at_seed(a->r, seed), "attention/model", (uint64_t)(t - at_tasks));
    at_trial o;
    const int tail = number - number / 10;
    for (int i = 0; i < number; i++) {
        if (i % PER_SCENE == 0) at_place(t, &r, &a->scene, &o);
        at_pose eye = nearby(o.middle, t->things > 1 ? APART + 26 : AT_NEAR + 10, &r);
        if (t->actions == AT_ACTIONS) eye.angle = 2 * AT_PI * jd_rng_uniform64(&r);
        const double error = try_anything(a, t, k, 0, eye, jd_run_setting(a->r, "rate"), &r);
        for (int j = 0; i >= tail && j < AT_FIELDS; j++)
            e->stay[seed] += (k->x[1][j] - k->x[0][j]) * (k->x[1][j] - k->x[0][j]) / (number - tail);
        if (i >= tail) e->expected[seed] += error / (number - tail);
        if (i % 10000 == 0 && jd_run_progress(a->r, i, number, "%s: M, seed %d", t->name, seed + 1)) return false;
    }
    return true;
}

static bool blank(const double *x)
{
    double sum = 0;
    for (int i = 0; i < AT_FIELDS; i++) sum += x[i];
    return sum < .02;
}

/* One trajectory, which ends where nothing is seen any more; C learns from its last input.  A turned retina needs an M that
 * knows the places to which C comes: from places anywhere it learns to expect moves, and next to nothing of turns, and the
 * gradients for C's turns are noise. */
static void learn_trajectory(attention *a, const at_task *t, at_chain *k, const at_trial *o, int steps, const double *d,
                             double rate, jd_rng *r)
{
    at_pose eye = o->start;
    int n = 0;
    at_look(&a->scene, eye, k->x[0]);
    while (n < steps && !blank(k->x[n])) {
        const double *did = at_act(k, n, o->named);
        at_expect(k, n, did);
        if (t->together) try_anything(a, t, k, AT_STEPS - 1, eye, jd_run_setting(a->r, "rate"), r);
        eye = at_moved(eye, did, t->actions);
        at_look(&a->scene, eye, k->x[++n]);
    }
    if (!n) return;
    at_chain_gradient(k, n, d);
    at_chain_step(k, rate);
}

static double share_arrived(attention *a, const at_task *t, at_chain *k, const char *stream, int seed, int n)
{
    int arrived = 0;
    for (int i = 0; i < n; i++) {
        at_pose pose[AT_TEST_STEPS + 1];
        at_trial o;
        jd_rng r = jd_rng_new(at_seed(a->r, seed), stream, (uint64_t)i);
        at_place(t, &r, &a->scene, &o);
        at_begin(t, &r, 1, false, &o);
        at_walk(a, t, k, &o, NULL, pose);
        arrived += at_arrived(t, &o, pose[t->steps]);
    }
    return (double)arrived / n;
}

static bool teach_controller(attention *a, const at_task *t, at_chain *k, int seed, int number, double rate)
{
    at_result *e = &a->result[t - at_tasks];
    jd_rng r = jd_rng_new(at_seed(a->r, seed), "attention/controller", (uint64_t)(t - at_tasks));
    double d[AT_GOALS][AT_FIELDS];
    at_trial o;
    const jd_schedule fall = {.kind = JD_LINEAR_DECAY, .rate = rate, .end = rate / 10};
    const int every = (number + AT_POINTS - 1) / AT_POINTS;
    for (int i = 0; i < AT_GOALS; i++) at_pattern(&a->scene, t->goals ? (at_kind)i : t->kind, d[i]);
    for (int i = 0; i < number; i++) {
        if (i % PER_SCENE == 0) at_place(t, &r, &a->scene, &o);
        at_begin(t, &r, fmin(1, t->first + (1 - t->first) * i / (.7 * number)), false, &o);
        learn_trajectory(a, t, k, &o, 1 + (int)jd_rng_below(&r, (uint32_t)t->steps), d[o.which],
                         jd_schedule_at(&fall, i, number), &r);
        if (i % every < every - 1) continue;
        e->x[e->points = i / every] = i + 1;
        e->curve[seed][e->points++] = share_arrived(a, t, k, "attention/valid", seed, VALID);
        if (jd_run_progress(a->r, i, number, "%s: C, seed %d, %.0f %%", t->name, seed + 1,
                            100 * e->curve[seed][e->points - 1]))
            return false;
    }
    return true;
}

/* ---- measuring ---------------------------------------------------------------------------------------------------------------*/

void at_walk(attention *a, const at_task *t, at_chain *k, const at_trial *o, jd_rng *random, at_pose *pose)
{
    double did[AT_ACTIONS];
    pose[0] = o->start;
    for (int j = 0; j < t->steps; j++) {
        at_look(&a->scene, pose[j], k->x[j]);
        memcpy(did, at_act(k, j, o->named), (size_t)t->actions * sizeof *did);
        for (int i = 0; random && i < t->actions; i++) did[i] = jd_rng_uniform64(random);
        pose[j + 1] = at_moved(pose[j], did, t->actions);
    }
}

/* Length and steps up to the first pose within 5 pixels, beside the straight line. */
static bool measure_path(const at_task *t, const at_trial *o, const at_pose *pose, double *path, double *hops)
{
    const double straight = distance(pose[0], o->goal);
    double length = 0;
    for (int j = 0; j < t->steps; j++) {
        length += distance(pose[j], pose[j + 1]);
        if (distance(pose[j + 1], o->goal) > 5) continue;
        *path = length / straight;
        *hops = (j + 1) / (straight / AT_MOVE);
        return true;
    }
    return false;
}

/* Another thing is nearer than the named one, or the thing is turned by more than 80 degrees. */
static bool harder(const at_task *t, const at_trial *o)
{
    bool other = t->actions == AT_ACTIONS && turned(o->start, o->goal) > MOST_TURN;
    for (int i = 0; i < t->things; i++)
        other = other || distance(o->start, o->thing[i].at) < distance(o->start, o->goal);
    return other;
}

static void measure(attention *a, const at_task *t, at_chain *k, int seed)
{
    enum { MOST = 1000 };
    at_result *e = &a->result[t - at_tasks];
    const int n = (int)jd_run_setting(a->r, "scenes");
    double path[MOST], hops[MOST];
    int ways = 0, hard = 0;
    for (int i = 0; i < n; i++) {
        at_pose pose[AT_TEST_STEPS + 1], blind[AT_TEST_STEPS + 1];
        at_trial o;
        jd_rng r = jd_rng_new(at_seed(a->r, seed), "attention/test", (uint64_t)i);
        at_place(t, &r, &a->scene, &o);
        at_begin(t, &r, 1, false, &o);
        at_walk(a, t, k, &o, NULL, pose);
        at_walk(a, t, k, &o, &r, blind);
        const bool arrived = at_arrived(t, &o, pose[t->steps]);
        for (int j = 0; j <= t->steps; j++) e->by_step[seed][j] += (double)at_arrived(t, &o, pose[j]) / n;
        e->success[seed] += (double)arrived / n;
        e->random[seed] += (double)at_arrived(t, &o, blind[t->steps]) / n;
        hard += harder(t, &o);
        e->other[seed] += arrived && harder(t, &o);
        if (arrived && measure_path(t, &o, pose, &path[ways], &hops[ways])) ways++;
        if (t->things < 2) continue;
        at_begin(t, &r, 1, true, &o);
        at_walk(a, t, k, &o, NULL, pose);
        e->between[seed] += (double)at_arrived(t, &o, pose[t->steps]) / n;
    }
    e->other[seed] = hard ? e->other[seed] / hard : (double)NAN;
    e->path[seed] = at_median(path, ways);
    e->hops[seed] = at_median(hops, ways);
}

double at_track(attention *a, at_chain *k, jd_rng *r, at_pose *target, at_pose *eye)
{
    const double way = 2 * AT_PI * jd_rng_uniform64(r), half = AT_SPEED * AT_TRACK_STEPS / 2.;
    at_thing thing = {AT_TRIANGLE, {AT_SIDE / 2 - half * sin(way), AT_SIDE / 2 + half * cos(way), 0}};
    at_pose at = nearby(thing.at, AT_NEAR, r);
    const double none[AT_GOALS] = {0};
    double sum = 0;
    for (int j = 0; j < AT_TRACK_STEPS; j++) {
        at_scene_draw(&a->scene, &thing, 1, 0, NULL);
        at_look(&a->scene, at, k->x[0]);
        at = at_moved(at, at_act(k, 0, none), 4);
        thing.at.x += AT_SPEED * sin(way);
        thing.at.y -= AT_SPEED * cos(way);
        sum += distance(at, thing.at) / AT_TRACK_STEPS;
        if (target) target[j] = thing.at, eye[j] = at;
    }
    return sum;
}

static bool run_seed(attention *a, at_task_id id, int seed)
{
    const at_task *t = &at_tasks[id];
    at_result *e = &a->result[id];
    jd_ctx *ctx = jd_run_ctx(a->r);
    at_chain other = {.goals = 0}, *k = seed ? &other : &e->kept;
    jd_rng r = jd_rng_new(at_seed(a->r, seed), "attention/init", (uint64_t)id);
    const double rate = jd_run_setting(a->r, t->first < 1 ? "hard_rate" : "rate");
    bool whole = !at_chain_new(ctx, k, t->actions, t->goals, &r);
    whole = whole && teach_model(a, t, k, seed, e->examples) && teach_controller(a, t, k, seed, e->trajectories, rate);
    if (whole) measure(a, t, k, seed);
    for (int i = 0; whole && id == AT_TASK_TRIANGLE && i < TRACKS; i++) {
        jd_rng q = jd_rng_new(at_seed(a->r, seed), "attention/track", (uint64_t)i);
        e->track[seed] += at_track(a, k, &q, NULL, NULL) / TRACKS;
    }
    at_chain_free(ctx, &other);
    return whole;
}

bool at_run_task(attention *a, at_task_id id)
{
    at_result *e = &a->result[id];
    const bool hard = at_tasks[id].first < 1;
    e->examples = (int)jd_run_setting(a->r, hard ? "hard_examples" : "examples");
    e->trajectories = (int)jd_run_setting(a->r, hard ? "hard_trajectories" : "trajectories");
    jd_run_stage(a->r, "%s", at_tasks[id].name);
    for (; e->seeds < (int)jd_run_setting(a->r, "seeds"); e->seeds++)
        if (!run_seed(a, id, e->seeds)) return false;
    return true;
}

void at_result_free(jd_ctx *ctx, at_result *e)
{
    at_chain_free(ctx, &e->kept);
}
