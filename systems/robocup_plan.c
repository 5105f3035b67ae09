/* robocup_plan.c - see robocup_plan.h. */
#include "robocup_plan.h"

#include <math.h>
#include <string.h>

const char *const rk_name[RK_WAYS] = {"pushed aside, late pose", "pushed aside, predicted pose", "planned ahead"};

enum { BEFORE = RB_HISTORY + RB_DELAY - 1, STEPS = RB_DELAY + RK_AHEAD, TRIES = 4, ITERATIONS = 8 };
static const double FASTEST = 1.6, ROOM = .32;

/* ---- the graph -----------------------------------------------------------------------------------------------------------*/

/* Six poses (B,6) each: newest first. */
typedef struct track {
    jd_node x, y, s, c;
} track;

static jd_node newest(jd_graph *g, jd_node v)
{
    return jd_slice(g, v, 1, 0, 1);
}

/* a b + c d */
static jd_node both(jd_graph *g, jd_node a, jd_node b, jd_node c, jd_node d)
{
    return jd_add(g, jd_mul(g, a, b), jd_mul(g, c, d));
}

static jd_node shift(jd_graph *g, jd_node now, jd_node v)
{
    return jd_concat(g, (const jd_node[]){now, jd_slice(g, v, 1, 0, RB_HISTORY - 1)}, 2, 1);
}

/* One frame on: what the net sees of the track and of six commands (B,6,3), newest first, and where that leads. */
static track on(jd_graph *g, const rc_net *net, track t, jd_node sent)
{
    const int64_t B = jd_dim(g, t.x, 0);
    const jd_node s = newest(g, t.s), c = newest(g, t.c), x = newest(g, t.x), y = newest(g, t.y), back = jd_neg(g, s);
    const jd_node dx = jd_sub(g, t.x, x), dy = jd_sub(g, t.y, y);
    const jd_node part[4] = {jd_affine(g, both(g, c, dx, s, dy), 5, 0), jd_affine(g, both(g, back, dx, c, dy), 5, 0),
                             both(g, t.s, c, t.c, back), both(g, t.c, c, t.s, s)};
    jd_node column[4];
    for (int i = 0; i < 4; i++) column[i] = jd_reshape(g, part[i], JD_DIMS(B, RB_HISTORY, 1));
    const jd_node poses = jd_reshape(g, jd_concat(g, column, 4, 2), JD_DIMS(B, 4 * RB_HISTORY));
    const jd_node in[2] = {poses, jd_reshape(g, sent, JD_DIMS(B, 3 * RB_HISTORY))};
    const jd_node out = rc_answer(g, net, jd_concat(g, in, 2, 1)); /* (B,4) */
    const jd_node px = jd_affine(g, jd_slice(g, out, 1, 0, 1), .2, 0),
                  py = jd_affine(g, jd_slice(g, out, 1, 1, 1), .2, 0);
    const jd_node os = jd_slice(g, out, 1, 2, 1), oc = jd_slice(g, out, 1, 3, 1);
    const jd_node length = jd_sqrt(g, jd_affine(g, both(g, os, os, oc, oc), 1, 1e-6));
    const jd_node ns = jd_div(g, both(g, s, oc, c, os), length), nc = jd_div(g, both(g, c, oc, back, os), length);
    return (track){shift(g, jd_add(g, x, both(g, c, px, back, py)), t.x),
                   shift(g, jd_add(g, y, both(g, s, px, c, py)), t.y), shift(g, ns, t.s), shift(g, nc, t.c)};
}

/* Far from the goal, and too near to others (B,1). */
static jd_node cost_of(jd_graph *g, track t, int frame)
{
    const jd_node x = newest(g, t.x), y = newest(g, t.y), goal = jd_arg(g, "goal"); /* (1,2) */
    const jd_node gx = jd_sub(g, x, jd_slice(g, goal, 1, 0, 1)), gy = jd_sub(g, y, jd_slice(g, goal, 1, 1, 1));
    const jd_node far = jd_sqrt(g, jd_affine(g, both(g, gx, gx, gy, gy), 1, 1e-4));
    const jd_node others = jd_reshape(g, jd_slice(g, jd_arg(g, "others"), 0, frame, 1), JD_DIMS(2, RK_OTHERS));
    const jd_node dx = jd_sub(g, x, jd_slice(g, others, 0, 0, 1)), dy = jd_sub(g, y, jd_slice(g, others, 0, 1, 1));
    const jd_node apart = jd_sqrt(g, jd_affine(g, both(g, dx, dx, dy, dy), 1, 1e-4)); /* (B,others) */
    const jd_node near = jd_square(g, jd_relu(g, jd_affine(g, apart, -1, ROOM)));
    return jd_add(g, far, jd_affine(g, jd_sum(g, near, JD_AXIS(1), true), 60, 0));
}

static void trace(jd_graph *g, void *user)
{
    const jd_node commands = jd_arg(g, "commands"); /* (B,STEPS+5,3): the last one planned first, then back in time */
    const jd_node poses = jd_arg(g, "poses");       /* (B,4,6) */
    const int64_t B = jd_dim(g, commands, 0);
    jd_node v[4], cost = JD_NONE, end[2 * RK_KNOTS], grad;
    for (int i = 0; i < 4; i++) v[i] = jd_reshape(g, jd_slice(g, poses, 1, i, 1), JD_DIMS(B, RB_HISTORY));
    track t = {v[0], v[1], v[2], v[3]};
    for (int i = 0; i < STEPS; i++) {
        t = on(g, user, t, jd_slice(g, commands, 1, STEPS - 1 - i, RB_HISTORY));
        if (i < RB_DELAY) continue;
        const int frame = i - RB_DELAY;
        const jd_node here = cost_of(g, t, frame);
        cost = frame ? jd_add(g, cost, here) : here;
        if (frame % RK_HOLD != RK_HOLD - 1) continue;
        end[2 * (frame / RK_HOLD)] = newest(g, t.x);
        end[2 * (frame / RK_HOLD) + 1] = newest(g, t.y);
    }
    jd_grad(g, jd_sum(g, cost, JD_ALL_AXES, false), JD_NONE, &commands, 1, &grad);
    jd_result(g, "cost", cost);
    jd_result(g, "gradient", grad);
    jd_result(g, "path", jd_concat(g, end, 2 * RK_KNOTS, 1));
}

/* ---- planning ------------------------------------------------------------------------------------------------------------*/

typedef struct planner {
    jd_fn *fn;
    double plan[TRIES][RK_KNOTS][2]; /* velocities in the field's frame */
    double spent;
    int64_t plans;
} planner;

typedef struct scene {
    double goal[2], place[RK_OTHERS][2], speed[RK_OTHERS][2];
} scene;

static void other_at(const scene *s, int i, double seconds, double at[2])
{
    for (int k = 0; k < 2; k++) at[k] = s->place[i][k] + seconds * s->speed[i][k];
}

static void limit(double v[2])
{
    const double length = hypot(v[0], v[1]);
    for (int k = 0; k < 2 && length > FASTEST; k++) v[k] *= FASTEST / length;
}

/* Plans begin where the last ones were, and, new each time, straight to the goal and to either side. */
static void begin(planner *p, const scene *s, rb_pose from)
{
    double way[2] = {s->goal[0] - from.x, s->goal[1] - from.y};
    const double far = fmax(hypot(way[0], way[1]), .05), speed = fmin(FASTEST, 2.5 * far);
    for (int n = 1; n < TRIES; n++)
        for (int i = 0; i < RK_KNOTS; i++) {
            const double turn = (n - 2) * (i < RK_KNOTS / 2 ? .9 : -.5), c = cos(turn), d = sin(turn);
            p->plan[n][i][0] = speed * (c * way[0] - d * way[1]) / far;
            p->plan[n][i][1] = speed * (d * way[0] + c * way[1]) / far;
        }
}

/* The command of frame k; path (knots,2): where the plan leads. */
static rb_command plan(planner *p, const scene *s, const rb_recording *d, int k, float path[RK_KNOTS][2])
{
    static float commands[TRIES][STEPS + RB_HISTORY - 1][3], poses[TRIES][4][RB_HISTORY],
        others[RK_AHEAD][2][RK_OTHERS];
    const float goal[2] = {(float)s->goal[0], (float)s->goal[1]};
    const double from = jd_now();
    int best = 0;
    const rb_pose seen = d->seen[k - RB_DELAY];
    begin(p, s, seen);
    for (int t = 0; t < RK_AHEAD; t++)
        for (int i = 0; i < RK_OTHERS; i++) {
            double at[2];
            other_at(s, i, RB_FRAME * (k + 1 + t), at);
            for (int a = 0; a < 2; a++) others[t][a][i] = (float)at[a];
        }
    for (int n = 0; n < TRIES; n++) {
        for (int j = 0; j < RB_HISTORY; j++) {
            const rb_pose q = d->seen[k - RB_DELAY - j];
            const double v[4] = {q.x, q.y, sin(q.phi), cos(q.phi)};
            for (int a = 0; a < 4; a++) poses[n][a][j] = (float)v[a];
        }
        for (int j = 0; j < BEFORE; j++) {
            const rb_command *c = &d->sent[k - 1 - j];
            float *to = commands[n][RK_AHEAD + j];
            to[0] = (float)c->vx, to[1] = (float)c->vy, to[2] = (float)(c->omega / 3);
        }
    }
    /* the robot is not turned: its heading is that seen, near enough for a gradient that is followed anew in each frame */
    const double c = cos(seen.phi), e = sin(seen.phi);
    const jd_tensor in[] = {JD_TENSOR("commands", JD_F32, commands, TRIES, STEPS + RB_HISTORY - 1, 3),
                            JD_TENSOR("poses", JD_F32, poses, TRIES, 4, RB_HISTORY),
                            JD_TENSOR("goal", JD_F32, goal, 1, 2),
                            JD_TENSOR("others", JD_F32, others, RK_AHEAD, 2, RK_OTHERS)};
    for (int round = 0; round <= ITERATIONS; round++) {
        for (int n = 0; n < TRIES; n++)
            for (int t = 0; t < RK_AHEAD; t++) {
                const double *v = p->plan[n][t / RK_HOLD];
                float *to = commands[n][RK_AHEAD - 1 - t];
                to[0] = (float)(c * v[0] + e * v[1]), to[1] = (float)(-e * v[0] + c * v[1]), to[2] = 0;
            }
        if (jd_fn_run(p->fn, in, 4)) break;
        const float *cost = jd_fn_result(p->fn, "cost", NULL), *grad = jd_fn_result(p->fn, "gradient", NULL),
                    *lead = jd_fn_result(p->fn, "path", NULL);
        if (round == ITERATIONS) {
            for (int n = 1; n < TRIES; n++) best = cost[n] < cost[best] ? n : best;
            memcpy(path, lead + best * 2 * RK_KNOTS, 2 * RK_KNOTS * sizeof *lead);
            break;
        }
        for (int n = 0; n < TRIES; n++)
            for (int i = 0; i < RK_KNOTS; i++) {
                double g[2] = {0};
                for (int t = i * RK_HOLD; t < (i + 1) * RK_HOLD; t++) {
                    const float *d_command = grad + (n * (STEPS + RB_HISTORY - 1) + RK_AHEAD - 1 - t) * 3;
                    g[0] += c * (double)d_command[0] - e * (double)d_command[1];
                    g[1] += e * (double)d_command[0] + c * (double)d_command[1];
                }
                const double length = fmax(hypot(g[0], g[1]), 1e-9),
                             step = .25 * fmin(1, length / .2) / (1 + .3 * round);
                for (int a = 0; a < 2; a++) p->plan[n][i][a] -= step * g[a] / length;
                limit(p->plan[n][i]);
            }
    }
    memmove(p->plan[0], p->plan[best], sizeof p->plan[0]);
    p->spent += jd_now() - from;
    p->plans++;
    const double *v = p->plan[0][0];
    return (rb_command){c * v[0] + e * v[1], -e * v[0] + c * v[1], 0};
}

/* ---- without a plan ------------------------------------------------------------------------------------------------------*/

/* To the goal, and away from whoever is near. */
static rb_command pushed(const scene *s, rb_pose p, int k)
{
    double v[2] = {s->goal[0] - p.x, s->goal[1] - p.y};
    const double far = fmax(hypot(v[0], v[1]), 1e-6), speed = fmin(FASTEST, 2.5 * far);
    for (int a = 0; a < 2; a++) v[a] *= speed / far;
    for (int i = 0; i < RK_OTHERS; i++) {
        double at[2];
        other_at(s, i, RB_FRAME * k, at);
        const double dx = p.x - at[0], dy = p.y - at[1], apart = fmax(hypot(dx, dy), .02);
        const double push = apart < .55 ? 2.2 * (.55 - apart) / .37 : 0;
        v[0] += push * dx / apart;
        v[1] += push * dy / apart;
    }
    limit(v);
    const double c = cos(p.phi), e = sin(p.phi);
    return (rb_command){c * v[0] + e * v[1], -e * v[0] + c * v[1], -2 * p.phi};
}

/* ---- drives --------------------------------------------------------------------------------------------------------------*/

/* From one end of the field to the other; five cross the way at up to 0.8 m/s. */
static scene scene_new(uint64_t seed, int number)
{
    jd_rng r = jd_rng_new(seed, "robocup/scene", (uint64_t)number);
    scene s = {.goal = {1.3, .6 * (2 * jd_rng_uniform64(&r) - 1)}};
    for (int i = 0; i < RK_OTHERS; i++) {
        const double meet = .5 + .5 * i, y = 1.2 * (2 * jd_rng_uniform64(&r) - 1);
        s.place[i][0] = -.8 + .4 * i + .1 * jd_rng_normal(&r);
        s.place[i][1] = y;
        s.speed[i][0] = .1 * jd_rng_normal(&r);
        s.speed[i][1] = fmin(.8, fmax(-.8, -y / meet + .15 * jd_rng_normal(&r)));
    }
    return s;
}

static void drive(rc_lab *now, planner *p, rk_way way, uint64_t seed, int number, rb_recording *d, rk_drive *out)
{
    const scene s = scene_new(seed, number);
    jd_rng noise = jd_rng_new(seed, "robocup/crossing", (uint64_t)number);
    rb_robot robot = {.pose = {-1.3, 0, 0}, .friction = RB_FRICTION};
    memset(p->plan, 0, sizeof p->plan);
    *out = (rk_drive){.nearest = HUGE_VAL};
    for (d->count = 0; d->count < d->frames && !out->there;) {
        rb_see(d, &robot, &noise);
        const int k = d->count - 1, first = RB_DELAY + RB_HISTORY;
        out->own[k][0] = (float)robot.pose.x, out->own[k][1] = (float)robot.pose.y,
        out->own[k][2] = (float)robot.pose.phi;
        for (int i = 0; i < RK_OTHERS; i++) {
            double at[2];
            other_at(&s, i, RB_FRAME * k, at);
            out->nearest = fmin(out->nearest, hypot(at[0] - robot.pose.x, at[1] - robot.pose.y));
            for (int a = 0; a < 2; a++) out->other[k][i][a] = (float)at[a];
        }
        if (k < first) /* until the camera has shown enough, it stands */
            d->sent[k] = (rb_command){0};
        else if (way == RK_PLANNED)
            d->sent[k] = plan(p, &s, d, k, out->planned[k]);
        else
            d->sent[k] = pushed(&s, rc_where(now, way == RK_LATE ? RC_LATE : RC_NET, d, k), k);
        rb_drive(&robot, &d->sent[k], RB_FRAME_MS);
        out->frames = d->count;
        out->there = hypot(s.goal[0] - robot.pose.x, s.goal[1] - robot.pose.y) < .15;
    }
    out->touched = out->nearest < RK_TOUCH;
}

jd_status rk_run(jd_run *r, rc_lab *ahead, rc_lab *now, int drives, rk_result *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    rb_recording d;
    planner p = {.fn = jd_fn_new(ctx, ahead->net[RC_NET].params, trace, &ahead->net[RC_NET])};
    rk_drive *one = jd_alloc(ctx, sizeof *one);
    out->drives = drives;
    rb_recording_new(ctx, RK_LONGEST, &d);
    for (int way = 0; way < RK_WAYS && one && !jd_error(ctx); way++)
        for (int i = 0; i < drives && !jd_error(ctx); i++) {
            drive(now, &p, (rk_way)way, jd_run_seed(r), i, &d, one);
            if (!i) out->shown[way] = *one;
            out->there[way] += one->there && !one->touched;
            out->touched[way] += one->touched;
            out->seconds[way] += one->there ? RB_FRAME * one->frames : 0;
            out->nearest[way] += one->nearest / drives;
            if (jd_run_progress(r, way * drives + i + 1, RK_WAYS * drives, "%s", rk_name[way])) break;
        }
    for (int way = 0; way < RK_WAYS; way++) out->seconds[way] /= fmax(1, out->there[way]);
    out->milliseconds = 1e3 * p.spent / fmax(1, (double)p.plans);
    jd_fn_free(p.fn);
    jd_free(ctx, one);
    rb_recording_free(&d);
    return jd_error(ctx);
}
