/* expand.c - the whole network as one polynomial of its inputs. */
#include <stdlib.h>
#include <string.h>

#include "gmdh/gmdh.h"

enum { MOST_INPUTS = 16 };

typedef struct polynomial {
    jd_gmdh_term *term;
    size_t n;
} polynomial;

typedef struct expansion {
    jd_ctx *ctx;
    const jd_gmdh *net;
    size_t room;
    polynomial *done, *before; /* of the units of this layer and the one below */
} expansion;

static int degree_of(const jd_gmdh_term *t)
{
    int sum = 0;
    for (int i = 0; i < MOST_INPUTS; i++) sum += t->power[i];
    return sum;
}

static int by_power(const void *a, const void *b)
{
    const jd_gmdh_term *p = a, *q = b;
    const int d = degree_of(p) - degree_of(q);
    return d ? d : memcmp(q->power, p->power, sizeof p->power);
}

/* Sorted, equal powers added, room for at most e->room terms. */
static jd_status settle(const expansion *e, polynomial *p)
{
    size_t n = 0;
    qsort(p->term, p->n, sizeof *p->term, by_power);
    for (size_t i = 0; i < p->n; i++)
        if (n && !by_power(&p->term[n - 1], &p->term[i]))
            p->term[n - 1].factor += p->term[i].factor;
        else
            p->term[n++] = p->term[i];
    p->n = n;
    return n <= e->room
               ? JD_OK
               : jd_fail(e->ctx, JD_EUSAGE, "gmdh: the polynomial has more than %zu terms; allow more", e->room);
}

static polynomial product(const expansion *e, const polynomial *a, const polynomial *b)
{
    polynomial p = {jd_alloc_array(e->ctx, a->n * b->n + 1, sizeof *p.term), 0};
    for (size_t i = 0; p.term && i < a->n; i++)
        for (size_t j = 0; j < b->n; j++) {
            jd_gmdh_term *t = &p.term[p.n++];
            t->factor = a->term[i].factor * b->term[j].factor;
            for (int k = 0; k < MOST_INPUTS; k++) {
                const int power = a->term[i].power[k] + b->term[j].power[k];
                if (power > 255) jd_fail(e->ctx, JD_EUSAGE, "gmdh: a power above 255");
                t->power[k] = (uint8_t)power;
            }
        }
    if (p.term) settle(e, &p);
    return p;
}

/* sum += factor x b */
static jd_status add(const expansion *e, polynomial *sum, double factor, const polynomial *b)
{
    jd_gmdh_term *both = jd_alloc_array(e->ctx, sum->n + b->n + 1, sizeof *both);
    if (!both) return jd_error(e->ctx);
    if (sum->n) memcpy(both, sum->term, sum->n * sizeof *both);
    for (size_t i = 0; i < b->n; i++) {
        both[sum->n + i] = b->term[i];
        both[sum->n + i].factor *= factor;
    }
    jd_free(e->ctx, sum->term);
    *sum = (polynomial){both, sum->n + b->n};
    return settle(e, sum);
}

static polynomial constant(const expansion *e, double value)
{
    polynomial p = {jd_alloc_array(e->ctx, 1, sizeof *p.term), 1};
    if (p.term)
        p.term[0].factor = value;
    else
        p.n = 0;
    return p;
}

/* Input i, standardised: scale x - mean scale. */
static polynomial input(const expansion *e, int i)
{
    const jd_gmdh *net = e->net;
    polynomial p = {jd_alloc_array(e->ctx, 2, sizeof *p.term), 0};
    if (!p.term) return p;
    p.n = 2;
    p.term[0].factor = -net->mean[i] * net->scale[i];
    p.term[1].factor = net->scale[i];
    for (int k = 0; k < net->used_n; k++)
        if (net->used[k] == i) p.term[1].power[k] = 1;
    return p;
}

static polynomial source(const expansion *e, int layer, int at)
{
    const int units = layer ? e->net->layer[layer - 1].n : 0;
    polynomial p = {0};
    if (at >= units) return input(e, at - units);
    add(e, &p, 1, &e->before[at]);
    return p;
}

static polynomial unit(const expansion *e, int layer, const jd__gmdh_unit *u)
{
    polynomial in[2] = {source(e, layer, u->source[0]), source(e, layer, u->source[1])}, sum = {0};
    for (int t = 0; t < jd__gmdh_terms(e->net->kind) && !jd_error(e->ctx); t++) {
        polynomial p = constant(e, 1);
        for (int s = 0; s < 2; s++)
            for (int k = 0; k < jd__polynomial_power[t][s] && !jd_error(e->ctx); k++) {
                const polynomial more = product(e, &p, &in[s]);
                jd_free(e->ctx, p.term);
                p = more;
            }
        add(e, &sum, u->w[t], &p);
        jd_free(e->ctx, p.term);
    }
    jd_free(e->ctx, in[0].term);
    jd_free(e->ctx, in[1].term);
    return sum;
}

static void free_layer(const expansion *e, polynomial *p, int n)
{
    for (int k = 0; p && k < n; k++) jd_free(e->ctx, p[k].term);
    jd_free(e->ctx, p);
}

jd_status jd_gmdh_expand(const jd_gmdh *net, jd_gmdh_term *term, size_t room, size_t *n)
{
    if (!net) return JD_EUSAGE;
    jd_ctx *ctx = net->ctx;
    expansion e = {.ctx = ctx, .net = net, .room = room};
    *n = 0;
    if (jd_error(ctx)) return jd_error(ctx);
    if (net->used_n > MOST_INPUTS)
        return jd_fail(ctx, JD_EUSAGE, "gmdh: the network uses %d inputs; at most %d can be expanded", net->used_n,
                       MOST_INPUTS);
    for (int l = 0; l < net->layers && !jd_error(ctx); l++) {
        e.done = jd_alloc_array(ctx, (size_t)net->layer[l].n, sizeof *e.done);
        for (int k = 0; e.done && k < net->layer[l].n && !jd_error(ctx); k++)
            e.done[k] = unit(&e, l, &net->layer[l].unit[k]);
        free_layer(&e, e.before, l ? net->layer[l - 1].n : 0);
        e.before = e.done;
    }
    polynomial y = constant(&e, net->y_mean);
    if (net->layers && !jd_error(ctx)) add(&e, &y, net->y_scale, &e.before[0]);
    if (!jd_error(ctx) && y.n <= room) {
        memcpy(term, y.term, y.n * sizeof *term);
        *n = y.n;
    }
    jd_free(ctx, y.term);
    free_layer(&e, e.before, net->layers ? net->layer[net->layers - 1].n : 0);
    return jd_error(ctx);
}
