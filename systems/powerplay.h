/*
 * powerplay.h - the parts of "powerplay": a self-delimiting recurrent net, tasks that it sets itself, and the search for pairs of
 * a task and a change.  J. Schmidhuber, arXiv 1112.5309 (2011), Frontiers in Psychology 4:313, 2013; SLIM NN: arXiv 1210.0118.
 *
 *     pp_player p = {.family = PP_STATES};
 *     pp_start(ctx, &p, seed);
 *     while (p.tasks < 100 && pp_invent(&p, budget)) assert(pp_audit(&p));
 */
#ifndef POWERPLAY_H
#define POWERPLAY_H

#include "jackdaw/data.h"
#include "jackdaw/system.h"

/* ---- the solver (powerplay_solver.c) -----------------------------------------------------------------------------------------
 * Units in this order: inputs, one that is always 1, hidden ones in blocks of four of which the one with the largest positive sum
 * is active, effectors and answers (each effector is active at a positive sum, of the answers the largest), halt.  Activities are 0
 * or 1.  Each unit but halt has eight connections to units that are no inputs, from the inputs and the one, none to halt:
 * a weight by which they made the net halt would end the runs of all tasks after a step; weights are -4 to 4.  Only connections out
 * of active units are looked at: what others weigh cannot matter. */
enum { PP_UNITS = 96, PP_OUT = 8, PP_BLOCK = 4, PP_EFFECTORS = 4, PP_SIDE = 28, PP_RETINA = 25, PP_ONE = 2048 };
typedef struct pp_net {
    int inputs, hidden, answers, units; /* units: inputs + 1 + hidden + 4 + answers + 1 */
    uint8_t to[PP_UNITS][PP_OUT];
    int16_t w[PP_UNITS][PP_OUT]; /* in parts of PP_ONE, so that sums are exact */
} pp_net;
/* Random weights in +-1; with `restless`, none makes it halt. */
void pp_net_new(pp_net *n, int inputs, int hidden, int answers, bool restless, jd_rng *r);
typedef struct pp_set {
    uint64_t bits[2]; /* of units */
} pp_set;
static inline bool pp_has(pp_set s, int unit)
{
    return s.bits[unit >> 6] >> (unit & 63) & 1;
}
static inline void pp_put(pp_set *s, int unit)
{
    s->bits[unit >> 6] |= 1ull << (unit & 63);
}

/* What the net sees: either a code that stays, or a picture under a retina that the effectors move: left, right, up, down, by 1 pixel,
 * and by 2, 4, 8 where they go on being active.  The retina: 3 x 3 pixels, and around them, at 6 pixels from the middle, 16 squares of 3 x
 * 3; an input is active where the mean is at least 96 of 255. */
typedef struct pp_input {
    pp_set code;
    const uint8_t *picture; /* (28,28), or NULL */
} pp_input;
typedef struct pp_run {
    bool halted;
    int steps;
    int64_t cost; /* connections looked at that do not weigh 0, summed over the steps */
    pp_set used;  /* units that were active before a step: the connections out of them were looked at */
    pp_set end;   /* active at the last step */
    int answer;   /* of the last step; -1: none */
} pp_run;
typedef struct pp_eye {
    int8_t x, y;
} pp_eye;
/* Until halt, `limit` steps or `most` connections.  A net that comes back to where it was never halts, and is stopped as soon as
 * this is seen.  path (limit), or NULL: where the retina was at each step. */
pp_run pp_run_net(const pp_net *n, const pp_input *in, int limit, int64_t most, pp_eye *path);

/* ---- tasks and changes (powerplay_search.c) ------------------------------------------------------------------------------------ */

typedef enum pp_family {
    PP_STATES, /* a code is given; the net is to halt in a state of hidden units and effectors in which it has halted for no other
                   task */
    PP_PICTURES /* a picture is given; the net is to halt with the answer that is its class */
} pp_family;
enum { PP_CODE = 10, PP_CODES = 1 << PP_CODE, PP_PICTURES_MOST = 1000, PP_MOST = 2000, PP_CHANGES = 16 };
typedef struct pp_change {
    int n;
    uint16_t connection[PP_CHANGES]; /* unit x 8 + number */
    int16_t to[PP_CHANGES], from[PP_CHANGES];
} pp_change;
typedef struct pp_task {
    int code;   /* or number of the picture */
    pp_run run; /* of the present net; its steps, and what it ended with, are what every later net has to repeat */
} pp_task;
/* One acceptance: a task that was not solved before, or, with `shorter`, that all were solved with less. */
typedef struct pp_event {
    bool shorter;
    int task; /* how many tasks there are now, less one */
    pp_change change;
    int tests, saved;   /* old tasks run again for the pair that was accepted; those that the change could not affect */
    int64_t candidates; /* pairs tried for it */
    double spent;       /* connections looked at in the whole search, up to here */
    int64_t total;      /* cost of all tasks afterwards */
    int phase;
} pp_event;
typedef struct pp_player {
    pp_family family;
    bool shorter;           /* the same with less is sought, and no new task */
    const uint8_t *picture; /* (pictures,28,28) */
    const int32_t *label;
    int pictures;
    pp_net net;
    int limit;
    int tasks, events;
    pp_task task[PP_MOST];
    int16_t order[PP_MOST]; /* in which tasks are run again: those that failed last come first */
    pp_event event[2 * PP_MOST];
    double spent, phase_end;
    int phase; /* of the search for the next task */
    int64_t candidates, total;
    jd_rng rng;
    int users[PP_UNITS];    /* tasks in whose runs a unit was active */
    uint8_t done[PP_CODES]; /* is a task */
    int open;               /* tasks that the present net does not solve, and what it does with them */
    int16_t unsolved[PP_CODES];
    pp_run known[PP_CODES];
} pp_player;
void pp_start(pp_player *p, uint64_t seed); /* with family, and what belongs to it, set */
/* Searches until a pair is accepted that brings a new task; false when `most` connections have been spent in the whole search.
 * The next call goes on there: what is found does not depend on how the search is cut into calls. */
bool pp_invent(pp_player *p, double most);
/* Every task from scratch: true if all end as they did when they were accepted. */
bool pp_audit(const pp_player *p);
pp_input pp_input_of(const pp_player *p, int code);

/* ---- what is measured (powerplay.c) and drawn (powerplay_report.c) --------------------------------------------------------------- */

enum { PP_SEEDS = 10, PP_FAMILIES = 2 };
typedef struct pp_result {
    int seeds, audits, faults;
    pp_player *player;                          /* (seeds) */
    double retested[PP_SEEDS];                  /* share of the old tasks, mean of the acceptances after the 30th */
    double changed[PP_SEEDS];                   /* weights, mean of the acceptances */
    double reused[PP_SEEDS];                    /* of the connections used by any task: by three or more */
    double seconds[PP_SEEDS], solved[PP_SEEDS]; /* solved: of all that might be tasks, those that the last net solves */
    int64_t before[PP_SEEDS], after[PP_SEEDS];  /* cost of all tasks, before and after the search for less */
    int events[PP_SEEDS];                       /* acceptances before that search */
    pp_net net[PP_SEEDS];                       /* before it */
} pp_result;
typedef struct powerplay {
    jd_run *r;
    jd_images pictures;
    pp_result result[PP_FAMILIES];
} powerplay;
int pp_users_of(const pp_player *p, int unit,
                int k); /* tasks in whose runs a connection was used: looked at, and not 0 */
void pp_draw(powerplay *p);

#endif
