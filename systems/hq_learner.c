/*
 * hq_learner.c - HQ-learning (M. Wiering, J. Schmidhuber, Adaptive Behavior 6(2), 1997); see hq_learning.h.
 *
 * Agent i has Q_i(o, a) for acting and HQ_i(o), the value of taking o as its subgoal.  It chooses a subgoal, acts until it sees
 * that, and hands over to agent i + 1; the last one acts to the end.  Q-values and HQ-values are learned from whole trials,
 * with TD(lambda) as a backward recursion:
 *     Q'(t)  = r(t) + gamma [(1 - lambda) V_i(o(t+1)) + lambda Q'(t+1)]        r(t) + gamma V_i+1(o(t+1)) at a hand-over
 *     HQ'_i  = R_i + gamma^dt_i [(1 - lambda) HV_i+1 + lambda HQ'_i+1]         the last agent's HQ' is its own return R_N
 * Nothing tells the agents where they are but what they see: of whose turn it is they have the number.
 */
#include <string.h>

#include "hq_learning.h"

void hq_learner_new(hq_learner *l, const hq_maze *m, const hq_options *o, uint64_t seed, uint64_t index)
{
    *l = (hq_learner){.o = *o, .m = m, .chance = jd_rng_new(seed, "hq/learner", index)};
}

/* One of the largest; with `fixed` the first of them. */
static int largest(const double *v, int n, jd_rng *r, bool fixed)
{
    int best = 0;
    uint32_t ties = 1;
    for (int k = 1; k < n; k++) {
        if (v[k] > v[best])
            best = k, ties = 1;
        else if (v[k] >= v[best] && !fixed && !jd_rng_below(r, ++ties))
            best = k;
    }
    return best;
}

/* Max-Boltzmann. */
static int choose_action(hq_learner *l, const double q[HQ_ACTIONS], double greedy)
{
    const int best = largest(q, HQ_ACTIONS, &l->chance, greedy >= 1);
    if (greedy >= 1 || jd_rng_uniform64(&l->chance) < greedy) return best;
    double p[HQ_ACTIONS], sum = 0;
    for (int k = 0; k < HQ_ACTIONS; k++) sum += p[k] = exp((q[k] - q[best]) / l->o.temperature);
    double at = jd_rng_uniform64(&l->chance) * sum;
    for (int k = 0; k < HQ_ACTIONS - 1; k++)
        if ((at -= p[k]) < 0) return k;
    return HQ_ACTIONS - 1;
}

/* Max-Random. */
static int choose_subgoal(hq_learner *l, int agent, double greedy)
{
    const int n = l->m->sights;
    if (greedy < 1 && jd_rng_uniform64(&l->chance) >= greedy) return (int)jd_rng_below(&l->chance, (uint32_t)n);
    return largest(l->hq[agent], n, &l->chance, greedy >= 1);
}

void hq_trial(hq_learner *l, double greedy)
{
    const hq_maze *m = l->m;
    int s = m->start, agent = 0;
    l->steps = 0;
    l->subgoal[0] = (int8_t)choose_subgoal(l, 0, greedy);
    while (hq_place(s) != m->goal && l->steps < HQ_LIMIT) {
        const int t = l->steps++;
        l->state[t] = (int16_t)s;
        l->agent[t] = (int8_t)agent;
        l->action[t] = (int8_t)choose_action(l, l->q[agent][m->sight[s]], greedy);
        s = m->next[s][l->action[t]];
        if (agent + 1 < l->o.agents && m->sight[s] == l->subgoal[agent] && hq_place(s) != m->goal) {
            agent++;
            l->subgoal[agent] = (int8_t)choose_subgoal(l, agent, greedy);
        }
    }
    l->state[l->steps] = (int16_t)s;
    l->agent[l->steps] = (int8_t)agent;
    l->active = agent + 1;
    l->arrived = hq_place(s) == m->goal;
}

static double highest(const double *v, int n)
{
    double most = v[0];
    for (int k = 1; k < n; k++) most = fmax(most, v[k]);
    return most;
}

void hq_learn(hq_learner *l)
{
    const hq_options *o = &l->o;
    const hq_maze *m = l->m;
    double target = 0, R = 0, factor = 1, of_next = 0; /* R, factor: return and gamma^dt of the agent so far */
    for (int t = l->steps - 1; t >= 0; t--) {
        const int i = l->agent[t], j = l->agent[t + 1];
        const bool last = t == l->steps - 1, change = !last && i != j;
        const double r = (last && l->arrived ? o->reward : 0) - o->cost;
        if (last)
            target = r + (l->arrived ? 0 : o->discount * highest(l->q[j][m->sight[l->state[t + 1]]], HQ_ACTIONS));
        else {
            const double V = highest(l->q[j][m->sight[l->state[t + 1]]], HQ_ACTIONS);
            target = r + o->discount * (change ? V : (1 - o->lambda) * V + o->lambda * target);
        }
        double *q = &l->q[i][m->sight[l->state[t]]][l->action[t]];
        *q += o->rate * (target - *q);
        if (change || last) R = 0, factor = 1;
        R = r + o->discount * R;
        factor *= o->discount;
        if (t && l->agent[t - 1] == i) continue;
        /* The agent's first step: its subgoal is judged. */
        double value = R;
        if (i + 2 == l->active)
            value = R + factor * of_next;
        else if (i + 1 < l->active)
            value = R + factor * ((1 - o->lambda) * highest(l->hq[i + 1], m->sights) + o->lambda * of_next);
        if (i + 1 < o->agents) {
            double *hq = &l->hq[i][l->subgoal[i]];
            *hq += o->subgoal_rate * (value - *hq);
        }
        of_next = value;
    }
}
