/*
 * success_story.h - a policy that changes itself, and the success-story algorithm.  See success_story.c.
 */
#ifndef SUCCESS_STORY_H
#define SUCCESS_STORY_H

#include "jackdaw/system.h"

/* Program cells, values of a cell (instructions, and arguments), the maze, most valid times, parts of a life in the curves. */
enum {
    SS_CELLS = 16,
    SS_VALUES = 16,
    SS_WIDTH = 9,
    SS_HEIGHT = 6,
    SS_PLACES = SS_WIDTH * SS_HEIGHT,
    SS_OBSTACLES = 7,
    SS_WAY = 14,
    SS_PARTS = 100,
    SS_SEEDS = 100,
    SS_PATH = 400
};

typedef enum ss_instruction {
    SS_NORTH, /* a step, where there is no wall */
    SS_EAST,
    SS_SOUTH,
    SS_WEST,
    SS_IF_NORTH, /* if there is a wall in the north, goes on at cell a1; and so for the other three sensors */
    SS_IF_EAST,
    SS_IF_SOUTH,
    SS_IF_WEST,
    SS_JUMP,     /* goes on at cell a1 */
    SS_INCREASE, /* IncProb(a1, a2, a3): value a2 of cell a1 becomes more probable, the others less, by a factor of a3 */
    SS_DECREASE,    /* the other way round */
    SS_EVALUATE,    /* EvalPolicy(a1): no more modifications until a1 / 2 + 1 payoffs have come; then a checkpoint */
    SS_INSTRUCTIONS /* beyond: nothing happens */
} ss_instruction;

/* ---- the maze ------------------------------------------------------------------------------------------------------------*/

typedef struct ss_maze {
    bool wall[SS_PLACES];
    int start, goal, place;
    int steps, shortest; /* since the start; the way there */
} ss_maze;
/* 7 obstacles placed by the seed so that the goal, below the corner opposite to the start, is 14 steps away. */
void ss_maze_new(ss_maze *m, uint64_t seed);
bool ss_maze_wall(const ss_maze *m, int way); /* north, east, south, west */

/* ---- the success story ---------------------------------------------------------------------------------------------------*/

/* What was, before it was changed: one cell. */
typedef struct ss_saved {
    int cell;
    double p[SS_VALUES];
} ss_saved;
typedef struct ss_valid {
    double time, reward; /* when the modifications began */
    size_t first;        /* of what they changed */
} ss_valid;
typedef struct ss_story {
    jd_ctx *ctx;
    ss_valid *valid;
    ss_saved *saved;
    size_t n, room, saves, save_room;
} ss_story;
void ss_story_free(ss_story *s);
/* A checkpoint: takes modifications back, the newest first, until the success-story criterion holds:
 *     R(t)/t < (R(t) - R(v_1))/(t - v_1) < ... < (R(t) - R(v_k))/(t - v_k).   Returns how many blocks were taken back. */
int ss_checkpoint(ss_story *s, double time, double reward, double p[SS_CELLS][SS_VALUES]);
bool ss_criterion(const ss_story *s, double time, double reward);
/* Before a cell is changed: opens a block of modifications if none is open since `begins`. */
jd_status ss_save(ss_story *s, double time, double reward, bool opens, int cell, const double p[SS_VALUES]);

/* ---- a life ----------------------------------------------------------------------------------------------------------------*/

typedef enum ss_arm { SS_WITH, SS_WITHOUT, SS_RESTART, SS_FIXED, SS_ARMS } ss_arm;
typedef struct ss_life {
    ss_arm arm;
    double cycles, check_every;
    double p[SS_CELLS][SS_VALUES], at_first[SS_CELLS][SS_VALUES];
    double rate[SS_PARTS], depth[SS_PARTS]; /* payoff a 1000 cycles; valid times, by part of the life */
    double modifications, undone, checkpoints, goals,
        broken;                                  /* broken: checkpoints after which the criterion did not hold */
    int path[SS_PATH], path_length, path_cycles; /* the last way that came to the goal */
} ss_life;
bool ss_live(jd_run *r, ss_life *l, ss_arm arm, uint64_t seed, int number);
/* p[value] of a cell: the others times `factor`, or for `less` that one; no change if any would fall below 0.001. */
bool ss_shift(double p[SS_VALUES], int value, double factor, bool less);

#endif
