/*
 * meta_levels.c - evolution on three levels: programs, the operators that make them, and what makes operators; see
 * meta_evolution.h.
 */
#include <math.h>
#include <string.h>

#include "meta_evolution.h"

enum {
    ELITE = ME_PROGRAMS / 10,
    ROUNDS = 4,
    BREED = 10,
    NEW_OPERATORS = 8,
    NEW_MAKERS = 3,
    PROVEN = 20,
    MEMORY = 400,
    TRIES = 8
};

typedef struct levels {
    const me_task *t;
    me_tree old[ME_PROGRAMS], young[ME_PROGRAMS];
    double f[ME_PROGRAMS], g[ME_PROGRAMS];
    me_operator op[ME_OPERATORS], maker[ME_MAKERS];
    jd_rng r;
} levels;

static bool same(const me_tree *a, const me_tree *b)
{
    return a->n == b->n && !memcmp(a->node, b->node, (size_t)a->n);
}

static int select_program(levels *l)
{
    int best = (int)jd_rng_below(&l->r, ME_PROGRAMS);
    for (int k = 1; k < ROUNDS; k++) {
        const int i = (int)jd_rng_below(&l->r, ME_PROGRAMS);
        if (l->f[i] > l->f[best]) best = i;
    }
    return best;
}

/* Of three the one of largest value; now and then any, so that all are tried. */
static int select_operator(levels *l, const me_operator *op, uint32_t n)
{
    int best = (int)jd_rng_below(&l->r, n);
    if (!jd_rng_below(&l->r, 10)) return best;
    for (int k = 1; k < 3; k++) {
        const int i = (int)jd_rng_below(&l->r, n);
        if (op[i].value > op[best].value) best = i;
    }
    return best;
}

static void credit(me_operator *op, double gain)
{
    op->uses++;
    op->value += (gain - op->value) / (op->uses < MEMORY ? op->uses : MEMORY);
}

static int worst(const me_operator *op, int n)
{
    int w = -1;
    for (int i = 0; i < n; i++)
        if (op[i].uses >= PROVEN && (w < 0 || op[i].value < op[w].value)) w = i;
    return w;
}

/* A maker edits operators as an operator edits programs; makers edit each other. */
static void breed(levels *l, me_operator *op, int n, int births, bool makers)
{
    for (int k = 0; k < births; k++) {
        const int place = worst(op, n);
        if (place < 0) return;
        const int m = select_operator(l, l->maker, ME_MAKERS), a = select_operator(l, op, (uint32_t)n),
                  b = select_operator(l, op, (uint32_t)n);
        me_operator child = {.maker = makers ? -1 : m, .over = op[a].value, .value = op[a].value};
        me_edit(&l->maker[m].tree, &ME_EDIT, &op[a].tree, &op[b].tree, &l->r, &child.tree);
        /* What was not changed is no child: a random one instead, and nothing for the maker. */
        if (same(&child.tree, &op[a].tree)) {
            me_random(&ME_EDIT, &child.tree, 4, false, &l->r);
            if (!makers) credit(&l->maker[m], 0);
            child.maker = -1;
        }
        op[place] = child;
    }
}

/* A child that is one of its parents is no child, whoever made it: others are asked, a few times. */
static void birth(levels *l, me_arm arm, int place)
{
    me_tree *child = &l->young[place];
    me_operator *op = NULL;
    double over = 0;
    for (int k = 0; k < TRIES; k++) {
        const int a = select_program(l), b = select_program(l);
        over = fmax(l->f[a], l->f[b]);
        if (arm == ME_FIXED)
            me_koza(l->t->alphabet, &l->old[a], &l->old[b], &l->r, child);
        else {
            op = &l->op[select_operator(l, l->op, ME_OPERATORS)];
            me_edit(&op->tree, l->t->alphabet, &l->old[a], &l->old[b], &l->r, child);
        }
        if (!same(child, &l->old[a]) && !same(child, &l->old[b])) break;
        if (arm != ME_FIXED && arm != ME_FROZEN) credit(op, 0);
    }
    l->g[place] = me_fitness(l->t, child);
    if (arm == ME_FIXED || arm == ME_FROZEN) return;
    credit(op, fmax(0, l->g[place] - over));
    if (op->uses >= PROVEN && op->maker >= 0) {
        credit(&l->maker[op->maker], fmax(0, op->value - op->over));
        op->maker = -1;
    }
}

static void elite_first(levels *l)
{
    for (int k = 0; k < ELITE; k++) {
        int best = k;
        for (int i = k + 1; i < ME_PROGRAMS; i++)
            if (l->f[i] > l->f[best]) best = i;
        const double f = l->f[k];
        const me_tree t = l->old[k];
        l->f[k] = l->f[best], l->old[k] = l->old[best];
        l->f[best] = f, l->old[best] = t;
    }
}

static void begin(levels *l, const me_operator *frozen)
{
    for (int i = 0; i < ME_PROGRAMS; i++) {
        me_random(l->t->alphabet, &l->old[i], 2 + i % 4, i % 2, &l->r);
        l->f[i] = me_fitness(l->t, &l->old[i]);
    }
    for (int i = 0; i < ME_OPERATORS; i++) {
        l->op[i] = (me_operator){.maker = -1};
        me_random(&ME_EDIT, &l->op[i].tree, 4, true, &l->r);
        if (frozen) l->op[i] = frozen[i];
    }
    for (int i = 0; i < ME_MAKERS; i++) {
        l->maker[i] = (me_operator){.maker = -1};
        me_random(&ME_EDIT, &l->maker[i].tree, 4, true, &l->r);
    }
}

void me_evolve(jd_ctx *ctx, const me_task *t, me_arm arm, const me_operator *frozen, int budget, uint64_t seed,
               uint64_t index, me_outcome *out)
{
    levels *l = jd_alloc_array(ctx, 1, sizeof *l);
    if (!l) return;
    l->t = t;
    l->r = jd_rng_new(seed, "meta-evolution/run", index * ME_ARMS + (uint64_t)arm);
    begin(l, frozen);
    const int births = ME_PROGRAMS - ELITE, generations = (budget - ME_PROGRAMS) / births;
    for (int g = 0, point = 0; g <= generations; g++) {
        elite_first(l);
        while (point < ME_POINTS && (int64_t)point * generations <= (int64_t)g * (ME_POINTS - 1))
            out->curve[point++] = l->f[0];
        if (g == generations) break;
        for (int i = 0; i < ME_PROGRAMS; i++) {
            if (i < ELITE)
                l->young[i] = l->old[i], l->g[i] = l->f[i];
            else
                birth(l, arm, i);
        }
        memcpy(l->old, l->young, sizeof l->old);
        memcpy(l->f, l->g, sizeof l->f);
        if (arm != ME_EVOLVED || (g + 1) % BREED) continue;
        breed(l, l->op, ME_OPERATORS, NEW_OPERATORS, false);
        if ((g + 1) % (5 * BREED) == 0) breed(l, l->maker, ME_MAKERS, NEW_MAKERS, true);
    }
    out->best = l->f[0];
    out->program = l->old[0];
    for (int i = 0; i < ME_OPERATORS; i++) { /* by value, the proven before the others */
        me_operator o = l->op[i];
        int k = i;
        for (; k > 0 && (out->op[k - 1].uses >= PROVEN) <= (o.uses >= PROVEN) &&
               ((out->op[k - 1].uses >= PROVEN) < (o.uses >= PROVEN) || out->op[k - 1].value < o.value);
             k--)
            out->op[k] = out->op[k - 1];
        out->op[k] = o;
    }
    jd_free(ctx, l);
}

double me_mann_whitney(const double *a, const double *b, int n)
{
    double u = 0, ties = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) u += a[i] > b[k] ? 1 : a[i] < b[k] ? 0 : .5;
    /* each value's group of equals, counted once by its members */
    const double *both[2] = {a, b};
    for (int i = 0; i < 2 * n; i++) {
        double same = 0;
        for (int k = 0; k < 2 * n; k++) {
            const double x = both[i / n][i % n], y = both[k / n][k % n];
            same += !(x < y) && !(x > y);
        }
        ties += same * same - 1; /* (t^3 - t) over the t members */
    }
    const double N = 2. * n, spread = (double)n * n / 12 * (N + 1 - ties / (N * (N - 1)));
    if (!(spread > 0)) return 1;
    const double z = fmax(0, fabs(u - (double)n * n / 2) - .5) / sqrt(spread);
    return erfc(z / sqrt(2));
}
