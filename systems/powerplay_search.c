/* powerplay_search.c - the search for pairs of a task and a change of the solver; see powerplay.h. */
#include <math.h>
#include <string.h>

#include "powerplay.h"

enum { FIRST_PHASE = 12 };

/* ---- what it is to solve a task ----------------------------------------------------------------------------------------------*/

pp_input pp_input_of(const pp_player *p, int code)
{
    pp_input in = {.code = {{(uint64_t)code, 0}}};
    if (p->family == PP_PICTURES) in.picture = p->picture + (size_t)code * PP_SIDE * PP_SIDE;
    return in;
}

static bool alike(const pp_player *p, const pp_run *a, const pp_run *b)
{
    if (!a->halted || !b->halted) return false;
    if (p->family == PP_PICTURES) return a->answer == b->answer;
    return a->end.bits[0] == b->end.bits[0] && a->end.bits[1] == b->end.bits[1];
}

static bool solves_new(const pp_player *p, int code, const pp_run *r)
{
    if (!r->halted) return false;
    if (p->family == PP_PICTURES) return r->answer == p->label[code];
    for (int i = 0; i < p->tasks; i++)
        if (alike(p, r, &p->task[i].run)) return false;
    return true;
}

/* What the present net does with all that may be new tasks, and which of them it does not solve. */
static void find_open(pp_player *p)
{
    const int codes = p->family == PP_PICTURES ? p->pictures : PP_CODES;
    p->open = 0;
    for (int code = 0; code < codes; code++) {
        if (p->done[code]) continue;
        const pp_input in = pp_input_of(p, code);
        const pp_run r = pp_run_net(&p->net, &in, p->limit, INT64_MAX, NULL);
        p->spent += (double)r.cost;
        if (solves_new(p, code, &r)) continue;
        p->unsolved[p->open] = (int16_t)code;
        p->known[p->open++] = r;
    }
}

/* ---- drawing pairs -----------------------------------------------------------------------------------------------------------*/

/* 1, 2, 3 ... with probability 1/2, 1/4, 1/8 ... */
static int geometric(jd_rng *r, int most)
{
    int n = 1;
    while (n < most && jd_rng_below(r, 2)) n++;
    return n;
}

/* The fewer tasks a unit is used by, the likelier, since the fewer have to be run again. */
static int draw_unit(pp_player *p, const pp_set *among)
{
    double weight[PP_UNITS], sum = 0;
    int last = 0;
    for (int i = 0; i + 1 < p->net.units; i++) {
        weight[i] = !among || pp_has(*among, i) ? 1. / (1 + p->users[i]) : 0;
        sum += weight[i];
    }
    double at = sum * jd_rng_uniform64(&p->rng);
    for (int i = 0; i + 1 < p->net.units; i++)
        if (weight[i] > 0) {
            last = i;
            if ((at -= weight[i]) < 0) break;
        }
    return last;
}

/* One of -1, -1/2, 0, 1/2, 1; or what it was plus a normal number, of a standard deviation from 1 down to 1/64. */
static int16_t draw_weight(pp_player *p, int16_t from)
{
    if (jd_rng_below(&p->rng, 4) == 0) return (int16_t)(PP_ONE / 2 * ((int)jd_rng_below(&p->rng, 5) - 2));
    const double spread = exp2(-(double)jd_rng_below(&p->rng, 7));
    const double to = round(from + PP_ONE * spread * jd_rng_normal(&p->rng));
    return (int16_t)fmax(-4 * PP_ONE, fmin(4 * PP_ONE, to));
}

/* The first connection is one that was looked at, since others change nothing; further ones are as often any.  With `cut`, as often as not a
 * weight becomes 0. */
static void draw_change(pp_player *p, const pp_set *used, bool cut, pp_change *c)
{
    const int n = geometric(&p->rng, PP_CHANGES);
    for (c->n = 0; c->n < n;) {
        const bool any = c->n && jd_rng_below(&p->rng, 2);
        const int unit = draw_unit(p, any ? NULL : used), k = (int)jd_rng_below(&p->rng, PP_OUT);
        const int16_t from = p->net.w[unit][k], to = cut && jd_rng_below(&p->rng, 2) ? 0 : draw_weight(p, from);
        bool again = from == to;
        for (int i = 0; i < c->n; i++) again = again || c->connection[i] == unit * PP_OUT + k;
        if (again) continue;
        c->connection[c->n] = (uint16_t)(unit * PP_OUT + k);
        c->from[c->n] = from;
        c->to[c->n++] = to;
    }
}

static void apply(pp_net *n, const pp_change *c, const int16_t *value)
{
    for (int i = 0; i < c->n; i++) n->w[c->connection[i] / PP_OUT][c->connection[i] % PP_OUT] = value[i];
}

/* ---- the correctness demonstration -------------------------------------------------------------------------------------------
 * A run in which no unit with a changed connection was active is the same run with the changed net.  All others are run again. */

static bool touches(const pp_change *c, const pp_set *used)
{
    for (int i = 0; i < c->n; i++)
        if (pp_has(*used, c->connection[i] / PP_OUT)) return true;
    return false;
}

typedef struct trial {
    pp_change change;
    int tests;
    int64_t spent, most;
    pp_run again[PP_MOST]; /* of the tasks that were run again */
    bool affected[PP_MOST];
} trial;

static bool demonstrate(pp_player *p, trial *t, bool shorter, int64_t allowed)
{
    int64_t total = 0;
    for (int k = 0; k < p->tasks; k++) {
        const int i = p->order[k];
        const pp_task *old = &p->task[i];
        t->affected[i] = touches(&t->change, &old->run.used);
        if (!t->affected[i]) continue;
        const pp_input in = pp_input_of(p, old->code);
        if (t->spent > t->most) return false;
        t->again[i] = pp_run_net(&p->net, &in, shorter ? p->limit : old->run.steps, t->most - t->spent, NULL);
        t->tests++;
        t->spent += t->again[i].cost;
        total += t->again[i].cost;
        if (!alike(p, &t->again[i], &old->run) || (!shorter && t->again[i].steps != old->run.steps)) {
            memmove(p->order + 1, p->order, (size_t)k * sizeof *p->order);
            p->order[0] = (int16_t)i;
            return false;
        }
        if (shorter && total > allowed) return false;
    }
    return true;
}

/* The affected tasks may have used other connections this time. */
static void accept(pp_player *p, const trial *t, bool shorter)
{
    const int old = shorter ? p->tasks : p->tasks - 1;
    for (int i = 0; i < old; i++)
        if (t->affected[i]) p->task[i].run = t->again[i];
    const int64_t was = p->total;
    p->total = 0;
    memset(p->users, 0, sizeof p->users);
    for (int i = 0; i < p->tasks; i++) {
        p->total += p->task[i].run.cost;
        for (int unit = 0; unit < p->net.units; unit++) p->users[unit] += pp_has(p->task[i].run.used, unit);
    }
    if (!shorter) find_open(p);
    if (p->events == 2 * PP_MOST || (shorter && p->total == was)) return;
    p->event[p->events++] = (pp_event){.shorter = shorter,
                                       .task = p->tasks - 1,
                                       .change = t->change,
                                       .tests = t->tests,
                                       .saved = old - t->tests,
                                       .candidates = p->candidates,
                                       .spent = p->spent,
                                       .total = p->total,
                                       .phase = p->phase};
}

/* ---- the search --------------------------------------------------------------------------------------------------------------*/

/* A task that the present net does not solve and a change after which it, and all older ones, are solved. */
static bool try_new(pp_player *p, trial *t)
{
    if (!p->open) return false; /* nothing is left that is new */
    const int i = (int)jd_rng_below(&p->rng, (uint32_t)p->open), code = p->unsolved[i];
    const pp_run *old = &p->known[i];
    draw_change(p, &old->used, false, &t->change);
    t->most >>= t->change.n;
    apply(&p->net, &t->change, t->change.to);
    const pp_input in = pp_input_of(p, code);
    const pp_run now = pp_run_net(&p->net, &in, p->limit, t->most, NULL);
    t->spent += now.cost;
    const bool good = t->spent <= t->most && solves_new(p, code, &now) && demonstrate(p, t, false, 0);
    p->spent += (double)t->spent;
    if (!good) {
        apply(&p->net, &t->change, t->change.from);
        return false;
    }
    p->done[code] = 1;
    p->order[p->tasks] = (int16_t)p->tasks;
    p->task[p->tasks++] = (pp_task){.code = code, .run = now};
    return true;
}

/* A change after which all tasks end as before and cost no more together: one that costs the same may be on the way to one that costs
 * less. */
static bool try_shorter(pp_player *p, trial *t)
{
    pp_set used = {{0, 0}};
    int64_t affected = 0;
    for (int i = 0; i < p->tasks; i++)
        for (int half = 0; half < 2; half++) used.bits[half] |= p->task[i].run.used.bits[half];
    draw_change(p, &used, true, &t->change);
    t->most >>= t->change.n;
    for (int i = 0; i < p->tasks; i++)
        if (touches(&t->change, &p->task[i].run.used)) affected += p->task[i].run.cost;
    apply(&p->net, &t->change, t->change.to);
    const bool good = demonstrate(p, t, true, affected);
    p->spent += (double)t->spent;
    if (!good) apply(&p->net, &t->change, t->change.from);
    return good;
}

bool pp_invent(pp_player *p, double most)
{
    static _Thread_local trial t; /* large, and without meaning between calls */
    for (; p->tasks < PP_MOST; p->phase++) {
        /* A pair with a change of m weights may spend 2^-m of the phase, which is over when all is spent. */
        if (p->phase_end <= p->spent) p->phase_end = p->spent + (double)((int64_t)1 << p->phase);
        while (p->spent < p->phase_end) {
            if (p->spent >= most || (!p->open && !p->shorter)) return false;
            t.tests = 0;
            t.spent = 0;
            t.most = (int64_t)1 << p->phase;
            p->candidates++;
            p->spent++; /* so that a phase ends where nothing can be run */
            if (!(p->shorter ? try_shorter(p, &t) : try_new(p, &t))) continue;
            accept(p, &t, p->shorter);
            if (p->shorter) continue;
            p->candidates = 0;
            p->phase = FIRST_PHASE;
            p->phase_end = 0;
            return true;
        }
    }
    return false;
}

bool pp_audit(const pp_player *p)
{
    for (int i = 0; i < p->tasks; i++) {
        const pp_input in = pp_input_of(p, p->task[i].code);
        const pp_run r = pp_run_net(&p->net, &in, p->limit, INT64_MAX, NULL);
        if (!alike(p, &r, &p->task[i].run) || r.steps != p->task[i].run.steps || r.cost != p->task[i].run.cost ||
            r.used.bits[0] != p->task[i].run.used.bits[0] || r.used.bits[1] != p->task[i].run.used.bits[1])
            return false;
        if (p->family == PP_PICTURES && r.answer != p->label[p->task[i].code]) return false;
        for (int k = 0; k < i && p->family == PP_STATES; k++)
            if (alike(p, &r, &p->task[k].run)) return false;
    }
    return true;
}

void pp_start(pp_player *p, uint64_t seed)
{
    p->rng = jd_rng_new(seed, "powerplay/search", (uint64_t)p->family);
    jd_rng r = jd_rng_new(seed, "powerplay/net", (uint64_t)p->family);
    /* A net that halts at once for each code, in as many states, would have nothing to learn. */
    if (p->family == PP_STATES)
        pp_net_new(&p->net, PP_CODE, 16, 0, true, &r);
    else
        pp_net_new(&p->net, PP_RETINA, 40, 10, false, &r);
    p->limit = 20 * p->net.units;
    p->tasks = p->events = 0;
    p->candidates = 0;
    p->phase = FIRST_PHASE;
    p->phase_end = 0;
    p->spent = 0;
    p->total = 0;
    memset(p->users, 0, sizeof p->users);
    memset(p->done, 0, sizeof p->done);
    find_open(p);
}
