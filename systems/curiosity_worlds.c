/* curiosity_worlds.c - worlds to be curious in; see curiosity_worlds.h. */
#include "curiosity_worlds.h"

#include <string.h>

/* ---- three regions -----------------------------------------------------------------------------------------------------*/

#define NOISE_SPREAD  0.5
#define TARGET_SPREAD 2.0
static const int contexts[CW_REGIONS] = {4, 8, CW_CONTEXTS};

void cw_regions_new(cw_regions *w, uint64_t seed)
{
    static const double known[] = {1, 0, -1, 0};
    jd_rng r = jd_rng_new(seed, "curiosity/targets", 0);
    memset(w, 0, sizeof *w);
    memcpy(w->target[CW_KNOWN], known, sizeof known);
    for (int i = 0; i < CW_CONTEXTS; i++) w->target[CW_LEARNABLE][i] = TARGET_SPREAD * jd_rng_normal(&r);
    w->noise = jd_rng_new(seed, "curiosity/region-noise", 0);
}

double cw_regions_visit(cw_regions *w, int region, int *context)
{
    const int c = w->next[region];
    w->next[region] = (c + 1) % contexts[region];
    *context = c;
    return region == CW_NOISE ? NOISE_SPREAD * jd_rng_normal(&w->noise) : w->target[region][c];
}

/* ---- the grid ----------------------------------------------------------------------------------------------------------*/

static const int dx[CW_WAYS] = {0, 1, 0, -1}, dy[CW_WAYS] = {-1, 0, 1, 0};

/* The neighbour in a square of `side` cells, or -1. */
static int neighbour(int cell, int way, int side)
{
    const int x = cell % side + dx[way], y = cell / side + dy[way];
    return x < 0 || y < 0 || x >= side || y >= side ? -1 : y * side + x;
}

int cw_grid_neighbour(int cell, int way)
{
    return neighbour(cell, way, CW_SIDE);
}

void cw_grid_new(cw_grid *w, uint64_t seed)
{
    enum { FIXED = 30, RANDOM = 30 };
    jd_rng r = jd_rng_new(seed, "curiosity/grid", 0);
    uint32_t order[CW_CELLS], symbol[CW_SYMBOLS];
    memset(w, 0, sizeof *w);
    for (uint32_t i = 0; i < CW_CELLS; i++) order[i] = i;
    for (uint32_t i = 0; i < CW_SYMBOLS; i++) symbol[i] = i;
    jd_rng_shuffle(&r, order, CW_CELLS);
    for (int i = 0; i < CW_CELLS; i++) {
        const uint32_t c = order[i];
        w->kind[c] = i < FIXED ? CW_FIXED : i < FIXED + RANDOM ? CW_RANDOM : CW_DEPENDENT;
        jd_rng_shuffle(&r, symbol, CW_SYMBOLS); /* four that differ, so that it does depend */
        for (int k = 0; k < CW_WAYS; k++) w->symbol[c][k] = (uint8_t)symbol[w->kind[c] == CW_DEPENDENT ? k : 0];
    }
    w->cell = (int)jd_rng_below(&r, CW_CELLS);
    do w->from = (int)jd_rng_below(&r, CW_WAYS);
    while (cw_grid_neighbour(w->cell, w->from) < 0);
    w->chance = jd_rng_new(seed, "curiosity/grid-chance", 0);
}

int cw_grid_step(cw_grid *w, int action)
{
    if (action == CW_LOOK)
        return w->kind[w->cell] == CW_RANDOM ? (int)jd_rng_below(&w->chance, CW_SYMBOLS) : w->symbol[w->cell][w->from];
    const int next = cw_grid_neighbour(w->cell, action);
    if (next < 0) return -1;
    w->cell = next;
    w->from = (action + 2) % CW_WAYS;
    return -1;
}

/* ---- the maze ----------------------------------------------------------------------------------------------------------*/

/* The pixel between two neighbouring rooms: a door, or not. */
static uint8_t *door(cw_maze *w, int room, int way)
{
    return &w->wall[2 * (room / CW_MAZE) + 1 + dy[way]][2 * (room % CW_MAZE) + 1 + dx[way]];
}

/* A tree of doors, by a walk that turns back where all rooms around are open already. */
static void dig(cw_maze *w, jd_rng *r)
{
    bool open[CW_ROOMS] = {false};
    int path[CW_ROOMS], n = 0, room = (int)jd_rng_below(r, CW_ROOMS);
    memset(w->wall, 1, sizeof w->wall);
    for (;;) {
        int way[CW_WAYS], ways = 0;
        open[room] = true;
        w->wall[2 * (room / CW_MAZE) + 1][2 * (room % CW_MAZE) + 1] = 0;
        for (int k = 0; k < CW_WAYS; k++) {
            const int next = neighbour(room, k, CW_MAZE);
            if (next >= 0 && !open[next]) way[ways++] = k;
        }
        if (ways) {
            const int k = way[jd_rng_below(r, (uint32_t)ways)];
            *door(w, room, k) = 0;
            path[n++] = room;
            room = neighbour(room, k, CW_MAZE);
        } else if (n) {
            room = path[--n];
        } else {
            return;
        }
    }
}

void cw_maze_new(cw_maze *w, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "curiosity/maze", 0);
    memset(w, 0, sizeof *w);
    dig(w, &r);
    w->room = (int)jd_rng_below(&r, CW_ROOMS);
    do w->screen = (int)jd_rng_below(&r, CW_ROOMS);
    while (w->screen == w->room);
    w->noise = jd_rng_new(seed, "curiosity/screen", 0);
}

static void look(const cw_maze *w, uint8_t seen[CW_PIXELS])
{
    const int row = 2 * (w->room / CW_MAZE) + 1 - CW_SIGHT / 2, column = 2 * (w->room % CW_MAZE) + 1 - CW_SIGHT / 2;
    for (int i = 0; i < CW_PIXELS; i++) {
        const int y = row + i / CW_SIGHT, x = column + i % CW_SIGHT;
        seen[i] = x < 0 || y < 0 || x >= CW_BITMAP || y >= CW_BITMAP || w->wall[y][x];
    }
}

bool cw_maze_step(cw_maze *w, int action, uint8_t seen[CW_PIXELS])
{
    if (action == CW_REMOTE && w->room == w->screen) {
        for (int i = 0; i < CW_PIXELS; i++) seen[i] = (uint8_t)jd_rng_below(&w->noise, 2);
        return true;
    }
    if (action != CW_REMOTE && !*door(w, w->room, action)) w->room = neighbour(w->room, action, CW_MAZE);
    look(w, seen);
    return false;
}

/* ---- the Markov environment ----------------------------------------------------------------------------------------------*/

#define SURE 0.99

void cw_markov_new(cw_markov *w, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "curiosity/markov", 0);
    uint32_t order[CW_PAIRS], state[CW_STATES];
    memset(w, 0, sizeof *w);
    for (uint32_t i = 0; i < CW_PAIRS; i++) order[i] = i;
    for (uint32_t i = 0; i < CW_STATES; i++) state[i] = i;
    jd_rng_shuffle(&r, order, CW_PAIRS);
    for (int i = 0; i < CW_PAIRS; i++) {
        const uint32_t pair = order[i];
        w->even[pair] = i < CW_PAIRS / 10;
        jd_rng_shuffle(&r, state, CW_STATES);
        for (int k = 0; k < CW_EVEN; k++) w->next[pair][k] = (uint8_t)state[k];
    }
    w->state = (int)jd_rng_below(&r, CW_STATES);
    w->chance = jd_rng_new(seed, "curiosity/markov-chance", 0);
}

int cw_markov_step(cw_markov *w, int action)
{
    const int pair = w->state * CW_CHOICES + action, sure = w->next[pair][0];
    if (w->even[pair]) {
        w->state = w->next[pair][jd_rng_below(&w->chance, CW_EVEN)];
    } else if (jd_rng_uniform64(&w->chance) < SURE) {
        w->state = sure;
    } else {
        const int other = (int)jd_rng_below(&w->chance, CW_STATES - 1);
        w->state = other + (other >= sure);
    }
    return w->state;
}

double cw_markov_p(const cw_markov *w, int pair, int next)
{
    if (!w->even[pair]) return next == w->next[pair][0] ? SURE : (1 - SURE) / (CW_STATES - 1);
    for (int k = 0; k < CW_EVEN; k++)
        if (w->next[pair][k] == next) return 1. / CW_EVEN;
    return 0;
}
