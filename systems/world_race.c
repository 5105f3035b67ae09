/* world_race.c - C drives many cars at once, with V alone or with V and M; random drives to learn from; see world.h. */
#include <math.h>
#include <string.h>

#include "world.h"

static size_t pixels_of(const wm_nets *n)
{
    return 3 * (size_t)n->o.side * (size_t)n->o.side;
}

jd_status wm_race_new(jd_ctx *ctx, wm_race *r, wm_nets *nets, int kind, size_t n, double period)
{
    *r = (wm_race){.nets = nets, .kind = kind, .n = n, .period = period};
    r->inputs = nets->o.z + (kind == WM_WHOLE ? nets->o.h : 0);
    r->weights = (r->inputs + 1) * WM_ACTIONS;
    r->env = jd_env_new(ctx, "racing", &(jd_env_options){.count = n, .picture = nets->o.side, .period = period});
    r->pictures = jd_alloc_array(ctx, n, pixels_of(nets) * sizeof *r->pictures);
    r->action = jd_alloc_array(ctx, n, WM_ACTIONS * sizeof *r->action);
    r->reward = jd_alloc_array(ctx, n, sizeof *r->reward);
    r->state = jd_alloc_array(ctx, n, 2 * (size_t)nets->o.h * sizeof *r->state);
    r->end = jd_alloc_array(ctx, n, 1);
    r->late = jd_alloc_array(ctx, n, 1);
    return jd_error(ctx);
}

void wm_race_free(jd_ctx *ctx, wm_race *r)
{
    jd_env_free(r->env);
    float *all[] = {r->pictures, r->action, r->reward, r->state};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    jd_free(ctx, r->end);
    jd_free(ctx, r->late);
    *r = (wm_race){0};
}

/* a = W [z; h] + b, squashed as published: tanh, a sigmoid, the positive half of tanh. */
void wm_act(const wm_race *r, const double *w, const float *z, const float *h, float *a)
{
    const int Z = r->nets->o.z, I = r->inputs;
    for (int k = 0; k < WM_ACTIONS; k++) {
        const double *row = w + k * (I + 1);
        double u = row[I];
        for (int i = 0; i < Z; i++) u += row[i] * z[i];
        for (int i = Z; i < I; i++) u += row[i] * h[i - Z];
        a[k] = (float)(k == 1 ? 1 / (1 + exp(-u)) : tanh(u));
        if (k == 2 && a[k] < 0) a[k] = 0;
    }
}

/* Where the first car is, and what it sees. */
static void keep(wm_race *r, int t, const float *z)
{
    double s[64];
    (void)z;
    if (t >= WM_STEPS || r->end[0] || r->late[0]) return;
    if (r->path && jd_env_state_size(r->env) <= 64 && !jd_env_get_state(r->env, 0, s)) {
        r->path[2 * t] = s[2]; /* x, y: env.h */
        r->path[2 * t + 1] = s[3];
        r->path_steps = t + 1;
    }
    if (r->shown) memcpy(r->shown + (size_t)t * pixels_of(r->nets), r->pictures, pixels_of(r->nets) * sizeof *r->shown);
}

jd_status wm_race_run(wm_race *r, const double *w, size_t share, uint64_t seed, double *score)
{
    wm_nets *n = r->nets;
    const size_t Z = (size_t)n->o.z, H = (size_t)n->o.h;
    memset(r->state, 0, r->n * 2 * H * sizeof *r->state);
    memset(r->end, 0, r->n);
    memset(r->late, 0, r->n);
    for (size_t i = 0; i < r->n; i++) {
        score[i] = 0;
        if (jd_env_reset(r->env, i, seed + i % share, r->pictures + i * pixels_of(n))) return jd_error(n->ctx);
    }
    for (int t = 0, live = 1; live && !jd_error(n->ctx); t++) {
        const float *z = wm_encode(n, r->pictures, (int64_t)r->n);
        if (!z) break;
        keep(r, t, z);
        for (size_t i = 0; i < r->n; i++)
            wm_act(r, w + i / share * (size_t)r->weights, z + i * Z, r->state + i * 2 * H, r->action + i * WM_ACTIONS);
        if (r->kind == WM_WHOLE && wm_m_remember(n, z, r->action, r->state, (int64_t)r->n)) break;
        if (jd_env_step(r->env, r->action, r->pictures, r->reward, r->end, r->late)) break;
        live = 0;
        for (size_t i = 0; i < r->n; i++) {
            score[i] += r->reward[i];
            live += !r->end[i] && !r->late[i];
        }
    }
    return jd_error(n->ctx);
}

/* ---- random drives ----------------------------------------------------------------------------------------------------*/

void wm_tape_free(jd_ctx *ctx, wm_tape *t)
{
    jd_free(ctx, t->pictures);
    jd_free(ctx, t->a);
    jd_free(ctx, t->length);
    *t = (wm_tape){0};
}

/* Held for a while; more gas than brake, or there would be little to see. */
static void anything(jd_rng *r, bool first, float *a)
{
    if (!first && jd_rng_uniform64(r) < .8) return;
    a[0] = 1.4f * jd_rng_uniform(r) - .7f;
    a[1] = jd_rng_uniform(r);
    a[2] = jd_rng_uniform64(r) < .2 ? jd_rng_uniform(r) : 0;
}

static void store(const wm_nets *n, wm_tape *t, const float *pictures, int64_t first, int64_t count, int64_t at)
{
    const size_t P = pixels_of(n);
    for (int64_t i = 0; i < count; i++) {
        uint8_t *to = t->pictures + ((size_t)(first + i) * (size_t)(t->T + 1) + (size_t)at) * P;
        for (size_t k = 0; k < P; k++) to[k] = (uint8_t)(255 * pictures[(size_t)i * P + k] + .5f);
    }
}

jd_status wm_tape_new(jd_ctx *ctx, wm_tape *t, const wm_nets *nets, int64_t n, int64_t T)
{
    *t = (wm_tape){.n = n, .T = T};
    t->pictures = jd_alloc_array(ctx, (size_t)(n * (T + 1)), pixels_of(nets));
    t->a = jd_alloc_array(ctx, (size_t)(n * T), WM_ACTIONS * sizeof *t->a);
    t->length = jd_alloc_array(ctx, (size_t)n, sizeof *t->length);
    return jd_error(ctx);
}

/* The noise (n,3) that is held, alone or on top of what the explorer does. */
static void act_somehow(wm_race *race, const double *explorer, jd_rng *rng, bool first, float *noise)
{
    const float *z = explorer ? wm_encode(race->nets, race->pictures, (int64_t)race->n) : NULL;
    for (size_t i = 0; i < race->n; i++) {
        float *a = race->action + i * WM_ACTIONS, *held = noise + i * WM_ACTIONS;
        anything(rng, first, held);
        memcpy(a, held, WM_ACTIONS * sizeof *a);
        if (!z) continue;
        wm_act(race, explorer, z + i * (size_t)race->nets->o.z, NULL, a);
        a[0] += .4f * held[0];
        a[1] += .5f * (held[1] - .5f);
        a[2] += .5f * held[2];
    }
}

double wm_record(jd_run *r, wm_nets *nets, wm_tape *t, int64_t first, int64_t last, const double *explorer,
                 double period)
{
    enum { CARS = 10 };
    jd_ctx *ctx = jd_run_ctx(r);
    float noise[CARS * WM_ACTIONS] = {0};
    wm_race race;
    double sum = 0;
    if (wm_race_new(ctx, &race, nets, WM_V_ONLY, CARS, period)) return (double)NAN;
    jd_rng rng = jd_rng_new(jd_run_seed(r), "world/random", (uint64_t)first);
    for (int64_t from = first; from + CARS <= last && !jd_error(ctx); from += CARS) {
        for (size_t i = 0; i < CARS; i++)
            jd_env_reset(race.env, i, 1000000 * jd_run_seed(r) + (uint64_t)from + i,
                         race.pictures + i * pixels_of(nets));
        store(nets, t, race.pictures, from, CARS, 0);
        memset(race.end, 0, CARS);
        for (int64_t s = 0; s < t->T && !jd_error(ctx); s++) {
            act_somehow(&race, explorer, &rng, s == 0, noise);
            for (int64_t i = 0; i < CARS; i++) {
                memcpy(t->a + ((from + i) * t->T + s) * WM_ACTIONS, race.action + i * WM_ACTIONS,
                       WM_ACTIONS * sizeof *t->a);
                if (!race.end[i]) t->length[from + i] = (int)s + 1;
            }
            jd_env_step(race.env, race.action, race.pictures, race.reward, race.end, race.late);
            for (size_t i = 0; i < CARS; i++) sum += race.reward[i] / (double)(last - first);
            store(nets, t, race.pictures, from, CARS, s + 1);
        }
        if (jd_run_progress(r, (double)(from + CARS - first), (double)(last - first), "drives")) break;
    }
    wm_race_free(ctx, &race);
    return sum;
}
