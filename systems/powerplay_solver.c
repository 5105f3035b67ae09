/* powerplay_solver.c - the self-delimiting recurrent net; see powerplay.h. */
#include <stdlib.h>
#include <string.h>

#include "powerplay.h"

enum { DARK = 96, STRIDES = 4 };

void pp_net_new(pp_net *n, int inputs, int hidden, int answers, bool restless, jd_rng *r)
{
    *n = (pp_net){.inputs = inputs, .hidden = hidden, .answers = answers};
    n->units = inputs + 1 + hidden + PP_EFFECTORS + answers + 1;
    const int first = inputs + 1;
    for (int i = 0; i + 1 < n->units; i++) {
        const int targets = n->units - first - (i < first); /* halt is the last unit */
        uint32_t order[PP_UNITS];
        for (int j = 0; j < targets; j++) order[j] = (uint32_t)(first + j);
        jd_rng_shuffle(r, order, (size_t)targets);
        for (int k = 0; k < PP_OUT; k++) {
            n->to[i][k] = (uint8_t)order[k];
            const int w = 1 - PP_ONE + (int)jd_rng_below(r, 2 * PP_ONE - 1);
            n->w[i][k] = (int16_t)(restless && n->to[i][k] == n->units - 1 ? -abs(w) : w);
        }
    }
}

/* ---- the retina --------------------------------------------------------------------------------------------------------------*/

static int pixel(const uint8_t *picture, int x, int y)
{
    return x < 0 || y < 0 || x >= PP_SIDE || y >= PP_SIDE ? 0 : picture[y * PP_SIDE + x];
}

static int square(const uint8_t *picture, int x, int y)
{
    int sum = 0;
    for (int v = -1; v <= 1; v++)
        for (int u = -1; u <= 1; u++) sum += pixel(picture, x + u, y + v);
    return sum / 9;
}

static uint64_t look(const uint8_t *picture, pp_eye eye)
{
    uint64_t seen = 0;
    int i = 0;
    for (int v = -1; v <= 1; v++)
        for (int u = -1; u <= 1; u++, i++) seen |= (uint64_t)(pixel(picture, eye.x + u, eye.y + v) >= DARK) << i;
    for (int v = -2; v <= 2; v++)
        for (int u = -2; u <= 2; u++)
            if (v == -2 || v == 2 || u == -2 || u == 2)
                seen |= (uint64_t)(square(picture, eye.x + 3 * u, eye.y + 3 * v) >= DARK) << i++;
    return seen;
}

/* ---- one step ----------------------------------------------------------------------------------------------------------------*/

typedef struct moment {
    pp_set active;
    pp_eye eye;
    int8_t stride[PP_EFFECTORS]; /* how often each was active without a break: the next is 2^stride pixels */
} moment;

static bool same(const moment *a, const moment *b)
{
    return a->active.bits[0] == b->active.bits[0] && a->active.bits[1] == b->active.bits[1] && a->eye.x == b->eye.x &&
           a->eye.y == b->eye.y && !memcmp(a->stride, b->stride, sizeof a->stride);
}

/* Of a block the unit with the largest positive sum, the first among equals; -1: none. */
static int winner(const int *sum, int first, int n)
{
    int best = -1, most = 0;
    for (int i = first; i < first + n; i++)
        if (sum[i] > most) {
            most = sum[i];
            best = i;
        }
    return best;
}

static int8_t moved(int at, int by)
{
    at += by;
    return (int8_t)(at < 0 ? 0 : at >= PP_SIDE ? PP_SIDE - 1 : at);
}

static void move(moment *m, const int *sum, int first)
{
    static const int dx[PP_EFFECTORS] = {-1, 1, 0, 0}, dy[PP_EFFECTORS] = {0, 0, -1, 1};
    for (int k = 0; k < PP_EFFECTORS; k++) {
        if (sum[first + k] <= 0) {
            m->stride[k] = 0;
            continue;
        }
        const int by = 1 << m->stride[k];
        pp_put(&m->active, first + k);
        m->eye.x = moved(m->eye.x, dx[k] * by);
        m->eye.y = moved(m->eye.y, dy[k] * by);
        if (m->stride[k] + 1 < STRIDES) m->stride[k]++;
    }
}

/* The sums that the active units send; how many connections that took. */
static int send(const pp_net *n, pp_set active, int *sum)
{
    int cost = 0;
    for (int half = 0; half < 2; half++)
        for (uint64_t left = active.bits[half]; left; left &= left - 1) {
            const int i = 64 * half + __builtin_ctzll(left);
            for (int k = 0; k < PP_OUT; k++) {
                sum[n->to[i][k]] += n->w[i][k];
                cost += n->w[i][k] != 0;
            }
        }
    return cost;
}

pp_run pp_run_net(const pp_net *n, const pp_input *in, int limit, int64_t most, pp_eye *path)
{
    const int hidden = n->inputs + 1, effectors = hidden + n->hidden, answers = effectors + PP_EFFECTORS,
              halt = answers + n->answers;
    pp_run r = {.answer = -1};
    moment now = {.eye = {PP_SIDE / 2, PP_SIDE / 2}}, mark = {.eye = {-1, -1}};
    for (int next_mark = 1; r.steps < limit && r.cost <= most;) {
        int sum[PP_UNITS] = {0};
        if (in->picture)
            now.active.bits[0] |= look(in->picture, now.eye);
        else
            now.active.bits[0] |= in->code.bits[0];
        pp_put(&now.active, n->inputs);
        if (same(&now, &mark)) break;
        if (r.steps == next_mark) {
            mark = now;
            next_mark *= 2;
        }
        if (path) path[r.steps] = now.eye;
        for (int half = 0; half < 2; half++) r.used.bits[half] |= now.active.bits[half];
        r.cost += send(n, now.active, sum);
        now.active = (pp_set){{0, 0}};
        for (int b = 0; b < n->hidden; b += PP_BLOCK) {
            const int best = winner(sum, hidden + b, PP_BLOCK);
            if (best >= 0) pp_put(&now.active, best);
        }
        move(&now, sum, effectors);
        const int said = winner(sum, answers, n->answers);
        if (said >= 0) pp_put(&now.active, said);
        r.steps++;
        r.halted = sum[halt] > 0;
        r.end = now.active;
        r.answer = said < 0 ? -1 : said - answers;
        if (r.halted) break;
    }
    return r;
}
