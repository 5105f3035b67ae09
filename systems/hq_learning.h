/*
 * hq_learning.h - mazes in which places look alike, and agents that take turns in them.  See hq_learning.c.
 */
#ifndef HQ_LEARNING_H
#define HQ_LEARNING_H

#include "jackdaw/system.h"

/* Largest maze; kinds of places by which of the four sides are walls; most agents; steps of a trial; actions north, east,
 * south, west. */
enum {
    HQ_WIDTH = 26,
    HQ_HEIGHT = 23,
    HQ_PLACES = HQ_WIDTH * HQ_HEIGHT,
    HQ_SIGHTS = 16,
    HQ_AGENTS = 8,
    HQ_LIMIT = 1000,
    HQ_ACTIONS = 4
};

typedef enum hq_kind { HQ_ZIGZAG, HQ_TEN, HQ_KEY, HQ_MAZES } hq_kind;

/* A maze as its drawing, and as tables over states: place, and with a key place + HQ_PLACES once it is held. */
typedef struct hq_maze {
    const char *label;
    int w, h, free, start, goal, key, door; /* places y w + x; key, door -1: none */
    bool wall[HQ_PLACES];
    int optimum, sights; /* shortest way; kinds of places that there are */
    int16_t next[2 * HQ_PLACES][HQ_ACTIONS];
    int8_t sight[2 * HQ_PLACES];
} hq_maze;

/* The zigzag of five corridors; a maze of 10 x 10 with 62 free places, 9 sights and a shortest way of 28 steps, in which no
 * policy that maps sights to actions arrives and two agents do not find the shortest way; one of 26 x 23 with a key and a
 * door, 11 sights and a shortest way of 83 steps that three agents can go.
 * The last two are found by trying, from the seed.  Errors: JD_EUSAGE (none was found). */
bool hq_maze_new(jd_ctx *ctx, hq_maze *m, hq_kind kind, uint64_t seed);
/* Whether a policy without memory arrives, by trying all of them (up to 9 sights). */
bool hq_memoryless(const hq_maze *m);
/* Whether so many agents, each with a policy without memory and a subgoal, can go a shortest way; found by a search that
 * gives up after some time. */
bool hq_team(const hq_maze *m, int agents);
/* Where a state is. */
static inline int hq_place(int state)
{
    return state % HQ_PLACES;
}

/* ---- learners ----------------------------------------------------------------------------------------------------------*/

typedef struct hq_options {
    int agents;                            /* 1: Q(lambda) without memory */
    double reward, cost, discount, lambda; /* at the goal; of an action */
    double rate, subgoal_rate;
    double temperature, greedy[2]; /* share of choices that are the best, at first and in the end */
    int trials, every;             /* a test after every so many */
} hq_options;

typedef struct hq_learner {
    hq_options o;
    const hq_maze *m;
    double q[HQ_AGENTS][HQ_SIGHTS][HQ_ACTIONS]; /* Q_i(o, a) */
    double hq[HQ_AGENTS][HQ_SIGHTS];            /* HQ_i(o): of o as subgoal */
    jd_rng chance;
    /* the last trial */
    int steps, active; /* agents that had their turn */
    bool arrived;
    int16_t state[HQ_LIMIT + 1];
    int8_t action[HQ_LIMIT], agent[HQ_LIMIT + 1], subgoal[HQ_AGENTS];
} hq_learner;

void hq_learner_new(hq_learner *l, const hq_maze *m, const hq_options *o, uint64_t seed, uint64_t index);
/* One trial; with greedy 1 nothing is left to chance. */
void hq_trial(hq_learner *l, double greedy);
/* Learns from the trial that has just ended. */
void hq_learn(hq_learner *l);

/* ---- simulations -----------------------------------------------------------------------------------------------------------*/

enum { HQ_SIMS = 100, HQ_TESTS = 100 };
typedef struct hq_arm {
    char label[48];
    hq_options o;
    int sims, tests;
    double curve[HQ_SIMS * HQ_TESTS]; /* steps of each test, HQ_LIMIT where the goal was not reached */
    double last[HQ_SIMS], best[HQ_SIMS];
    hq_learner shown; /* after the best test of all */
} hq_arm;

void hq_draw_maze(jd_run *r, const hq_maze *m, const hq_arm *arm, int arms, const char *caption);
void hq_draw_curves(jd_run *r, const hq_maze *m, const hq_arm *arm, int arms);
void hq_draw_table(jd_run *r, const hq_maze *m, const hq_arm *arm, int arms, const char *caption);
void hq_draw_values(jd_run *r, const hq_arm *arm);

#endif
