/* hq_mazes.c - mazes, found by trying; see hq_learning.h. */
#include <stdlib.h>
#include <string.h>

#include "hq_learning.h"

enum { NOWHERE = 30000, TEN = 10, TEN_FREE = 62, TEN_SIGHTS = 9, TEN_WAY = 28, KEY_SIGHTS = 11, KEY_WAY = 83 };

static int beyond(const hq_maze *m, int place, int way)
{
    static const int dx[HQ_ACTIONS] = {0, 1, 0, -1}, dy[HQ_ACTIONS] = {-1, 0, 1, 0};
    const int x = place % m->w + dx[way], y = place / m->w + dy[way];
    return x < 0 || y < 0 || x >= m->w || y >= m->h ? -1 : y * m->w + x;
}

static bool open_to(const hq_maze *m, int place, bool keyed)
{
    return place >= 0 && !m->wall[place] && (keyed || place != m->door);
}

/* Distances from a place; NOWHERE: cannot be reached.  Returns how many can. */
static int distances(const hq_maze *m, int from, bool keyed, int *d)
{
    int queue[HQ_PLACES], n = 0;
    for (int p = 0; p < m->w * m->h; p++) d[p] = NOWHERE;
    d[from] = 0;
    queue[n++] = from;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < HQ_ACTIONS; k++) {
            const int p = beyond(m, queue[i], k);
            if (!open_to(m, p, keyed) || d[p] != NOWHERE) continue;
            d[p] = d[queue[i]] + 1;
            queue[n++] = p;
        }
    return n;
}

static int mask(const hq_maze *m, int place, bool keyed)
{
    int bits = 0;
    for (int k = 0; k < HQ_ACTIONS; k++) bits |= open_to(m, beyond(m, place, k), keyed) << k;
    return bits;
}

static int count_bits(unsigned set)
{
    int n = 0;
    for (; set; set &= set - 1) n++;
    return n;
}

static unsigned masks(const hq_maze *m)
{
    unsigned set = 0;
    for (int p = 0; p < m->w * m->h; p++)
        for (int keyed = 0; keyed <= (m->key >= 0); keyed++)
            if (open_to(m, p, keyed)) set |= 1u << mask(m, p, keyed);
    return set;
}

static int shortest(const hq_maze *m)
{
    int d[HQ_PLACES];
    distances(m, m->start, false, d);
    if (m->key < 0) return d[m->goal];
    const int there = d[m->key];
    distances(m, m->key, true, d);
    return there + d[m->goal];
}

/* The tables of a finished drawing. */
static void tables(hq_maze *m)
{
    int8_t number[HQ_SIGHTS];
    const unsigned set = masks(m);
    m->sights = m->free = 0;
    for (int b = 0; b < HQ_SIGHTS; b++) number[b] = set >> b & 1 ? (int8_t)m->sights++ : 0;
    m->optimum = shortest(m);
    for (int p = 0; p < m->w * m->h; p++) {
        m->free += !m->wall[p];
        for (int keyed = 0; keyed < 2; keyed++)
            for (int k = 0; k < HQ_ACTIONS; k++) {
                const int to = beyond(m, p, k), at = open_to(m, to, keyed) ? to : p;
                const bool has = keyed || at == m->key;
                m->sight[p + keyed * HQ_PLACES] = number[mask(m, p, keyed)];
                m->next[p + keyed * HQ_PLACES][k] =
                    (int16_t)(p == m->goal ? p + keyed * HQ_PLACES : at + has * HQ_PLACES);
            }
    }
}

static void zigzag(hq_maze *m)
{
    static const char *const row[] = {"S....", "####.", ".....", ".####", ".....", "####.", ".....", ".####", "....G"};
    *m = (hq_maze){.label = "zigzag", .w = 5, .h = 9, .key = -1, .door = -1, .goal = 44};
    for (int p = 0; p < 45; p++) m->wall[p] = row[p / 5][p % 5] == '#';
}

/* ---- 10 x 10 ---------------------------------------------------------------------------------------------------------------*/

/* How far a drawing is from what is wanted; 0: it is. */
static double strain(const hq_maze *m)
{
    int d[HQ_PLACES];
    const int reached = distances(m, m->start, false, d), way = d[m->goal];
    return 2. * (TEN_FREE - reached) + (way == NOWHERE ? 40 : abs(way - TEN_WAY)) +
           3. * abs(count_bits(masks(m)) - TEN_SIGHTS);
}

/* A wall and a free place change roles, again and again: simulated annealing. */
static bool anneal(hq_maze *m, uint64_t seed, uint64_t index)
{
    enum { MOVES = 60000 };
    jd_rng r = jd_rng_new(seed, "hq/ten", index);
    uint32_t order[TEN * TEN];
    *m = (hq_maze){.label = "10 x 10", .w = TEN, .h = TEN, .key = -1, .door = -1, .goal = TEN * TEN - 1};
    for (uint32_t i = 0; i < TEN * TEN; i++) order[i] = i;
    jd_rng_shuffle(&r, order, TEN * TEN);
    for (int i = 0, walls = 0; walls < TEN * TEN - TEN_FREE; i++)
        if ((int)order[i] != m->start && (int)order[i] != m->goal) m->wall[order[i]] = true, walls++;
    double now = strain(m);
    for (int i = 0; i < MOVES && now > 0; i++) {
        int a, b;
        do a = (int)jd_rng_below(&r, TEN * TEN);
        while (!m->wall[a]);
        do b = (int)jd_rng_below(&r, TEN * TEN);
        while (m->wall[b] || b == m->start || b == m->goal);
        m->wall[a] = false, m->wall[b] = true;
        const double then = strain(m), heat = 2. * (1 - (double)i / MOVES) + .05;
        if (then <= now || jd_rng_uniform64(&r) < exp((now - then) / heat))
            now = then;
        else
            m->wall[a] = true, m->wall[b] = false;
    }
    return now <= 0;
}

bool hq_memoryless(const hq_maze *m)
{
    if (m->sights > TEN_SIGHTS || m->key >= 0) return false;
    for (uint32_t policy = 0; policy < 1u << (2 * m->sights); policy++) {
        int s = m->start;
        for (int t = 0; t < m->free && s != m->goal; t++) s = m->next[s][policy >> (2 * m->sight[s]) & 3];
        if (s == m->goal) return true;
    }
    return false;
}

/* ---- key and door ------------------------------------------------------------------------------------------------------------*/

static void segment(hq_maze *m, int x, int y, int length, bool down)
{
    for (int i = 0; i < length; i++, x += !down, y += down)
        if (x >= 0 && y >= 0 && x < m->w && y < m->h) m->wall[y * m->w + x] = true;
}

static int any_free(const hq_maze *m, jd_rng *r, int left, int right)
{
    int p;
    do p = (int)jd_rng_below(r, (uint32_t)m->h) * m->w + left + (int)jd_rng_below(r, (uint32_t)(right - left));
    while (m->wall[p] || p == m->door);
    return p;
}

/* Open rooms with long walls; one from top to bottom, with the door in it, divides start and key from the goal. */
static bool rooms(hq_maze *m, uint64_t seed, uint64_t index)
{
    jd_rng r = jd_rng_new(seed, "hq/key", index);
    int d[HQ_PLACES];
    *m = (hq_maze){.label = "key and door", .w = HQ_WIDTH, .h = HQ_HEIGHT, .key = -1, .door = -1};
    const int divide = 10 + (int)jd_rng_below(&r, 7), walls = 3 + (int)jd_rng_below(&r, 4);
    for (int i = 0; i < walls; i++) {
        const bool down = jd_rng_below(&r, 2);
        const int length = 5 + (int)jd_rng_below(&r, 10);
        segment(m, (int)jd_rng_below(&r, HQ_WIDTH), (int)jd_rng_below(&r, HQ_HEIGHT), length, down);
    }
    segment(m, divide, 0, HQ_HEIGHT, true);
    m->door = (int)jd_rng_below(&r, HQ_HEIGHT) * m->w + divide;
    m->wall[m->door] = false;
    m->start = any_free(m, &r, 0, divide);
    m->key = any_free(m, &r, 0, divide);
    m->goal = any_free(m, &r, divide + 1, HQ_WIDTH);
    if (shortest(m) != KEY_WAY || count_bits(masks(m)) != KEY_SIGHTS) return false;
    int free = 0;
    for (int p = 0; p < m->w * m->h; p++) free += !m->wall[p];
    return distances(m, m->start, true, d) == free && d[m->key] > 15;
}

/* ---- how many agents a shortest way needs ----------------------------------------------------------------------------------*/

typedef struct quest {
    const hq_maze *m;
    int left[2 * HQ_PLACES]; /* steps to the goal */
    int64_t budget;
} quest;

/* Whether the policy so far (-1: open) of an agent, and so many agents after it, lead on a shortest way; seen: sights
 * since its turn began, which cannot be its subgoal any more. */
static bool leads(quest *q, int s, const int8_t policy[HQ_SIGHTS], unsigned seen, int after)
{
    static const int8_t open[HQ_SIGHTS] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    if (!q->left[s]) return true;
    const int o = q->m->sight[s];
    for (int a = 0; a < HQ_ACTIONS; a++) {
        const int to = q->m->next[s][a];
        if ((policy[o] >= 0 && policy[o] != a) || q->left[to] != q->left[s] - 1) continue;
        if (q->budget-- < 0) return false;
        int8_t mine[HQ_SIGHTS];
        memcpy(mine, policy, sizeof mine);
        mine[o] = (int8_t)a;
        const unsigned sight = 1u << q->m->sight[to];
        if (leads(q, to, mine, seen | sight, after)) return true;
        if (after && !(seen & sight) && leads(q, to, open, 0, after - 1)) return true;
    }
    return false;
}

bool hq_team(const hq_maze *m, int agents)
{
    quest q = {.m = m, .budget = 300000};
    int d[HQ_PLACES];
    distances(m, m->goal, true, d);
    for (int p = 0; p < m->w * m->h; p++) q.left[p + HQ_PLACES] = d[p];
    const int rest = m->key < 0 ? 0 : d[m->key];
    if (m->key >= 0) distances(m, m->key, false, d);
    for (int p = 0; p < m->w * m->h; p++) q.left[p] = d[p] + rest;
    int8_t open[HQ_SIGHTS];
    memset(open, -1, sizeof open);
    return leads(&q, m->start, open, 0, agents - 1);
}

bool hq_maze_new(jd_ctx *ctx, hq_maze *m, hq_kind kind, uint64_t seed)
{
    enum { TRIES = 2000000 };
    bool found = kind == HQ_ZIGZAG;
    if (found) {
        zigzag(m);
        tables(m);
    }
    for (uint64_t i = 0; !found && i < (kind == HQ_TEN ? 50 : TRIES); i++) {
        found = kind == HQ_TEN ? anneal(m, seed, i) : rooms(m, seed, i);
        if (found) tables(m);
        if (found) found = kind == HQ_TEN ? !hq_memoryless(m) && !hq_team(m, 2) : hq_team(m, 3);
    }
    if (!found) jd_fail(ctx, JD_EUSAGE, "hq-learning: no maze was found from this seed; try another seed");
    return found;
}
