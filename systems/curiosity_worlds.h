/*
 * curiosity_worlds.h - four small worlds in which a learner may look where it likes: three regions, a grid whose cells show
 * symbols, a maze with a television, a random Markov environment.
 *
 * Everything that chance decides is a function of the seed and of what was done before.
 */
#ifndef CURIOSITY_WORLDS_H
#define CURIOSITY_WORLDS_H

#include "jackdaw/base.h"

/* ---- three regions (after Schmidhuber, FKI-149-91) ---------------------------------------------------------------------
 * A visit shows a number that belongs to one of the region's contexts, which come in turn.  KNOWN: 4 contexts with the
 * targets 1, 0, -1, 0.  NOISE: 8 contexts, N(0, 0.5) anew at each visit.  LEARNABLE: 128 contexts with fixed targets, drawn
 * from N(0, 2). */
enum { CW_KNOWN, CW_NOISE, CW_LEARNABLE, CW_REGIONS, CW_CONTEXTS = 128 };
typedef struct cw_regions {
    double target[CW_REGIONS][CW_CONTEXTS];
    int next[CW_REGIONS];
    jd_rng noise;
} cw_regions;
void cw_regions_new(cw_regions *w, uint64_t seed);
double cw_regions_visit(cw_regions *w, int region, int *context);

/* ---- the grid of 100 states (after Schmidhuber, IJCNN 1991) ------------------------------------------------------------
 * 10 x 10 cells; four moves, which the edge stops, and a look, which shows the cell's symbol, one of 8.  30 cells always show
 * the same one, 30 a new one at each look, 40 one of four that depends on the cell that was left to enter this one. */
enum { CW_SIDE = 10, CW_CELLS = CW_SIDE * CW_SIDE, CW_WAYS = 4, CW_SYMBOLS = 8, CW_LOOK = CW_WAYS, CW_GRID_ACTIONS };
typedef enum cw_kind { CW_FIXED, CW_RANDOM, CW_DEPENDENT } cw_kind;
typedef struct cw_grid {
    uint8_t kind[CW_CELLS];
    uint8_t symbol[CW_CELLS][CW_WAYS]; /* by the side from which the cell was entered */
    int cell, from;
    jd_rng chance;
} cw_grid;
void cw_grid_new(cw_grid *w, uint64_t seed);
int cw_grid_step(cw_grid *w, int action);         /* the symbol seen, or -1 after a move */
static inline int cw_grid_state(const cw_grid *w) /* 0..399: where it is, and from which side */
{
    return w->cell * CW_WAYS + w->from;
}
int cw_grid_neighbour(int cell, int way); /* north, east, south, west; -1: the edge */

/* ---- the maze with a noisy television (after Burda et al., arXiv 1808.04355) --------------------------------------------
 * 20 x 20 rooms, joined by a random tree of doors, on a bitmap of 41 x 41 with walls 1.  Seen are the 7 x 7 pixels around
 * the room's middle (beyond the edge: 1).  In one room a wall is a screen: the action `remote` fills what is seen with
 * random pixels; in the other rooms it does nothing. */
enum { CW_MAZE = 20, CW_ROOMS = CW_MAZE * CW_MAZE, CW_BITMAP = 2 * CW_MAZE + 1, CW_SIGHT = 7, CW_PIXELS = 49 };
enum { CW_REMOTE = CW_WAYS, CW_MAZE_ACTIONS };
typedef struct cw_maze {
    uint8_t wall[CW_BITMAP][CW_BITMAP]; /* row, column */
    int room, screen;
    jd_rng noise;
} cw_maze;
void cw_maze_new(cw_maze *w, uint64_t seed);
bool cw_maze_step(cw_maze *w, int action, uint8_t seen[CW_PIXELS]); /* true: this was the screen */

/* ---- a random Markov environment (after Storck, Hochreiter, Schmidhuber, ICANN 1995) ----------------------------------
 * 100 states, 4 actions.  9 of 10 pairs lead to one state with 0.99 and to the others with 0.01 together, evenly; the rest
 * lead evenly to one of 8 states. */
enum { CW_STATES = 100, CW_CHOICES = 4, CW_PAIRS = CW_STATES * CW_CHOICES, CW_EVEN = 8 };
typedef struct cw_markov {
    bool even[CW_PAIRS];
    uint8_t next[CW_PAIRS][CW_EVEN]; /* [0] alone where not even */
    int state;
    jd_rng chance;
} cw_markov;
void cw_markov_new(cw_markov *w, uint64_t seed);
int cw_markov_step(cw_markov *w, int action); /* the new state */
double cw_markov_p(const cw_markov *w, int pair, int next);

#endif
