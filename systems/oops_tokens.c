/* oops_tokens.c - the language of four tokens; see oops.h. */
#include <stdio.h>
#include <string.h>

#include "oops.h"

enum { STEPS = 200000 };

typedef struct pegs {
    int disk[3][OOPS4_DISKS], n[3];
    int64_t moves, steps;
} pegs;

static bool move_top(pegs *g, int from, int to)
{
    if (!g->n[from]) return false;
    const int d = g->disk[from][g->n[from] - 1];
    if (g->n[to] && g->disk[to][g->n[to] - 1] < d) return false;
    g->n[from]--;
    g->disk[to][g->n[to]++] = d;
    g->moves++;
    return true;
}

/* The depth of calls is at most n. */
static bool run_tokens(const oops4_program *p, pegs *g, int n, int s, int a, int d)
{
    for (int i = 0; n && i < p->length; i++) {
        int was;
        if (++g->steps > STEPS) return false;
        switch (p->token[i]) {
        case OOPS4_MOVE:
            if (!move_top(g, s, d)) return false;
            break;
        case OOPS4_AD: was = a, a = d, d = was; break;
        case OOPS4_SA: was = s, s = a, a = was; break;
        default:
            if (!run_tokens(p, g, n - 1, s, a, d)) return false;
        }
    }
    return true;
}

bool oops4_solves(const oops4_program *p, int n, int64_t *moves)
{
    pegs g = {.n = {n, 0, 0}};
    for (int i = 0; i < n; i++) g.disk[0][i] = n - i;
    const bool ends = run_tokens(p, &g, n, 0, 1, 2);
    *moves = g.moves;
    return ends && g.n[2] == n;
}

int64_t oops4_search(int first, int n, oops4_program *p)
{
    int64_t tried = 0;
    for (p->length = 1; p->length <= OOPS4_LONGEST; p->length++)
        for (uint32_t code = 0; code < 1u << (2 * p->length); code++) {
            int64_t moves;
            bool all = true;
            for (int i = 0; i < p->length; i++) p->token[i] = code >> (2 * (p->length - 1 - i)) & 3;
            tried++;
            for (int k = n; all && k >= first; k--) all = oops4_solves(p, k, &moves);
            if (all) return tried;
        }
    return -tried;
}

const char *oops4_text(const oops4_program *p, char text[64])
{
    static const char *const name[OOPS4_TOKENS] = {"M", "SD", "SA", "C"};
    text[0] = 0;
    for (int i = 0; i < p->length; i++)
        snprintf(text + strlen(text), 64 - strlen(text), "%s%s", i ? " " : "", name[p->token[i]]);
    return text;
}
