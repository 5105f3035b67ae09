/* crew.c - where the numbers of a crew stand (cpu/crew.h). */
#include "cpu/crew.h"

enum { L = JD_CREW };

jd_cells jd__cells(int inputs, int cells, int hidden, int actions)
{
    jd_cells n = {.inputs = inputs, .cells = cells, .hidden = hidden, .actions = actions};
    n.columns = inputs + cells + 1;
    n.seen = cells + hidden + 1;
    n.weights = (size_t)(4 * cells + hidden) * (size_t)n.columns + (size_t)actions * (size_t)n.seen;
    return n;
}

size_t jd__crew_size(const jd_cells *n, int learning)
{
    const size_t rows = (size_t)(n->columns + 2 * n->seen + 6 * n->cells + n->actions);
    return L * (rows + (learning ? 3 * (size_t)n->cells * (size_t)n->columns : 0));
}

void jd__crew_place(const jd_cells *n, int learning, double *memory, jd_crew *c)
{
    c->x = memory;
    c->y = c->x + L * n->columns;
    c->d = c->y + L * n->seen;
    c->c = c->d + L * n->seen;
    c->was = c->c + L * n->cells;
    c->gate = c->was + L * n->cells;
    c->a = c->gate + L * 4 * n->cells;
    c->s = learning ? c->a + L * n->actions : NULL;
}

static void clear(double *rows, size_t n, int lane)
{
    for (size_t k = 0; k < n; k++) rows[L * k + (size_t)lane] = 0;
}

void jd__crew_reset(const jd_cells *n, jd_crew *c, int lane)
{
    clear(c->x, (size_t)n->columns, lane);
    clear(c->y, (size_t)n->seen, lane);
    clear(c->c, (size_t)n->cells, lane);
    if (c->s) clear(c->s, 3 * (size_t)n->cells * (size_t)n->columns, lane);
}
