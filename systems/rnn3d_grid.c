/* rnn3d_grid.c - the grid of processes, its ring and its timetable; see rnn3d.h. */
#include <stdlib.h>

#include "rnn3d.h"

int r3_count(const r3_grid *g)
{
    return g->procs[0] * g->procs[1] * g->procs[2];
}

void r3_place(const r3_grid *g, int p, int at[R3_AXES])
{
    at[2] = p % g->procs[2];
    at[1] = p / g->procs[2] % g->procs[1];
    at[0] = p / g->procs[2] / g->procs[1];
}

int r3_at(const r3_grid *g, const int at[R3_AXES])
{
    for (int e = 0; e < R3_AXES; e++)
        if (at[e] < 0 || at[e] >= g->procs[e]) return -1;
    return (at[0] * g->procs[1] + at[1]) * g->procs[2] + at[2];
}

int r3_cut(int n, int parts, int i)
{
    return (int)((int64_t)n * i / parts);
}

int r3_distance(const int a[R3_AXES], const int b[R3_AXES])
{
    int d = 0;
    for (int e = 0; e < R3_AXES; e++) d += abs(a[e] - b[e]);
    return d;
}

/* ---- the ring ----------------------------------------------------------------------------------------------------------------*/

/* Place i of a walk to and fro over n x m points. */
static void snake(int m, int i, int *y, int *x)
{
    *y = i / m;
    *x = *y % 2 ? m - 1 - i % m : i % m;
}

/* Rows 0..a-1 of b points: up and down over the points 1.. of each row, and back over their points 0. */
static void there_and_back(int a, int b, int i, int *row, int *point)
{
    const int out = a * (b - 1);
    if (b == 1) {
        *row = i, *point = 0;
    } else if (i < out) {
        snake(b - 1, i, row, point);
        ++*point;
    } else {
        *row = a - 1 - (i - out), *point = 0;
    }
}

void r3_ring(const r3_grid *g, int next[R3_PROCESSES])
{
    int even = 0;
    while (even < R3_AXES - 1 && g->procs[even] % 2) even++;
    const int u = (even + 1) % R3_AXES, v = (even + 2) % R3_AXES, n = r3_count(g);
    int order[R3_PROCESSES];
    for (int i = 0; i < n; i++) {
        int at[R3_AXES], row, point;
        there_and_back(g->procs[even], g->procs[u] * g->procs[v], i, &row, &point);
        at[even] = row;
        snake(g->procs[v], point, &at[u], &at[v]);
        order[i] = r3_at(g, at);
    }
    for (int i = 0; i < n; i++) next[order[i]] = order[(i + 1) % n];
}

/* ---- the timetable -----------------------------------------------------------------------------------------------------------*/

typedef struct planner {
    const r3_grid *g;
    int tiles, each; /* along an axis, in a box */
    int *done;       /* (processes, 8, each): the step after which the sub-tile is known; 0: not yet */
} planner;

/* Of the sub-tile, in the order of its scan, over the whole volume. */
static void tile_place(const planner *s, int p, int direction, int tile, int at[R3_AXES])
{
    const int T = s->tiles, local[R3_AXES] = {tile / T / T, tile / T % T, tile % T};
    r3_place(s->g, p, at);
    for (int e = 0; e < R3_AXES; e++) {
        const int place = direction >> e & 1 ? s->g->procs[e] - 1 - at[e] : at[e];
        at[e] = place * T + local[e];
    }
}

static int *when(const planner *s, int direction, const int at[R3_AXES])
{
    const int T = s->tiles;
    int place[R3_AXES], local = 0;
    for (int e = 0; e < R3_AXES; e++) {
        const int q = at[e] / T;
        place[e] = direction >> e & 1 ? s->g->procs[e] - 1 - q : q;
        local = local * T + at[e] % T;
    }
    return s->done + (r3_at(s->g, place) * R3_DIRECTIONS + direction) * s->each + local;
}

static bool ready(const planner *s, int direction, const int at[R3_AXES], int step)
{
    for (int e = 0; e < R3_AXES; e++) {
        int before[R3_AXES] = {at[0], at[1], at[2]};
        if (--before[e] < 0) continue;
        const int known = *when(s, direction, before);
        if (!known || known > step) return false;
    }
    return true;
}

/* The ready sub-tile of p with the longest way to its scan's last corner. */
static int choose(const planner *s, int p, int step)
{
    int best = -1, longest = -1;
    for (int d = 0; d < s->g->directions; d++)
        for (int i = 0; i < s->each; i++) {
            int at[R3_AXES], way = 0;
            if (s->done[(p * R3_DIRECTIONS + d) * s->each + i]) continue;
            tile_place(s, p, d, i, at);
            for (int e = 0; e < R3_AXES; e++) way += s->g->procs[e] * s->tiles - 1 - at[e];
            if (way > longest && ready(s, d, at, step)) longest = way, best = d * s->each + i;
        }
    return best;
}

jd_status r3_schedule(jd_ctx *ctx, const r3_grid *g, r3_timetable *t)
{
    const int P = r3_count(g), each = g->tiles * g->tiles * g->tiles;
    planner s = {g, g->tiles, each, jd_alloc_array(ctx, (size_t)(P * R3_DIRECTIONS * each), sizeof(int))};
    int room = 0, left = P * g->directions * each;
    *t = (r3_timetable){.ctx = ctx, .processes = P, .tasks = g->directions * each};
    for (; s.done && left; t->steps++) {
        if (t->steps == room) {
            const int more = room ? 2 * room : 64;
            t->task =
                jd_realloc(ctx, t->task, (size_t)(room * P) * sizeof *t->task, (size_t)(more * P) * sizeof *t->task);
            if (!t->task) break;
            room = more;
        }
        int *now = t->task + t->steps * P;
        for (int p = 0; p < P; p++) now[p] = choose(&s, p, t->steps);
        for (int p = 0; p < P; p++) {
            if (now[p] < 0) continue;
            s.done[p * R3_DIRECTIONS * each + now[p]] = t->steps + 1;
            left--;
        }
    }
    jd_free(ctx, s.done);
    return jd_error(ctx);
}

void r3_timetable_free(r3_timetable *t)
{
    jd_free(t->ctx, t->task);
}
