/*
 * rnn3d.c - processes with boxes, their messages, and a step of training; see rnn3d.h.
 *
 * Time goes in steps of the timetable; what is posted in one is delivered before the next.
 */
#include <math.h>
#include <string.h>

#include "jackdaw/exp.h"
#include "rnn3d_cells.h"
#include "rnn3d_mail.h"

typedef struct process {
    int number, at[R3_AXES], lo[R3_AXES], n[R3_AXES];
    size_t voxels;
    r3_scan scan[R3_DIRECTIONS];
    char *w, *r, *v;           /* the weights, as the cells read them */
    char *x, *target, *dy;     /* (box) */
    double *weight, *gradient; /* (weights), (weights + 1): the loss rides along */
    double *m1, *m2;           /* Adam's moments */
    char *sums;                /* (reduced): what goes round the ring, real or int64_t */
} process;

struct r3_world {
    jd_ctx *ctx;
    r3_options o;
    r3_mail mail;
    r3_timetable times;
    const r3_kernels *k;
    int steps;
    size_t weights;
    process *p;
    double *weight, *gradient; /* process 0's, known to every rank: (weights), (weights + 1) */
};

/* ---- making ----------------------------------------------------------------------------------------------------------------*/

static int gates(const r3_world *w)
{
    return R3_GATES * w->o.cells;
}

/* In doubles, in the library's layout: W (8,G), R (8,G,3C), b (8,G), V (8,C), its bias. */
static size_t place_R(const r3_world *w)
{
    return (size_t)(R3_DIRECTIONS * gates(w));
}
static size_t place_b(const r3_world *w)
{
    return place_R(w) * (size_t)(1 + 3 * w->o.cells);
}
static size_t place_V(const r3_world *w)
{
    return place_b(w) + place_R(w);
}

/* Numbers of a scan's gradients: its rows of w, then v. */
static size_t scan_sums(const r3_world *w)
{
    return (size_t)((2 + 3 * w->o.cells) * gates(w) + w->o.cells);
}

static void scan_new(r3_world *w, process *p, int d)
{
    const size_t C = (size_t)w->o.cells, G = R3_GATES * C, real = w->k->real, V = w->o.idle ? 0 : p->voxels;
    const size_t n[R3_AXES] = {(size_t)p->n[0], (size_t)p->n[1], (size_t)p->n[2]};
    const size_t padded = w->o.idle ? 0 : (n[0] + 1) * (n[1] + 1) * (n[2] + 1);
    r3_scan *s = &p->scan[d];
    *s = (r3_scan){.flip = d, .cells = w->o.cells, .exact = w->o.exact};
    memcpy(s->n, p->n, sizeof s->n);
    s->h = jd_alloc_array(w->ctx, padded * C + 1, real);
    s->c = jd_alloc_array(w->ctx, padded * C + 1, real);
    s->gates = jd_alloc_array(w->ctx, V * G + 1, real);
    s->errors = jd_alloc_array(w->ctx, V * G + 1, real);
    s->dc = jd_alloc_array(w->ctx, V * C + 1, real);
    s->y = jd_alloc_array(w->ctx, V + 1, real);
    for (int e = 0; e < R3_AXES; e++) s->after[e] = jd_alloc_array(w->ctx, (V ? V / n[e] : 0) * 2 * C + 1, real);
    s->w = p->w + (size_t)d * (2 + 3 * C) * G * real;
    s->r = p->r + (size_t)d * G * 3 * C * real;
    s->v = p->v + (size_t)d * C * real;
    s->x = p->x;
    s->dy = p->dy;
    if (!w->o.idle) s->sums = p->sums + (size_t)d * scan_sums(w) * w->mail.width;
}

static void process_new(r3_world *w, process *p, int number)
{
    const size_t C = (size_t)w->o.cells, G = R3_GATES * C, real = w->k->real;
    p->number = number;
    r3_place(&w->mail.grid, number, p->at);
    p->voxels = 1;
    for (int e = 0; e < R3_AXES; e++) {
        p->lo[e] = r3_cut(w->o.dim[e], w->o.procs[e], p->at[e]);
        p->n[e] = r3_cut(w->o.dim[e], w->o.procs[e], p->at[e] + 1) - p->lo[e];
        p->voxels *= (size_t)p->n[e];
    }
    p->w = jd_alloc_array(w->ctx, R3_DIRECTIONS * (2 + 3 * C) * G, real);
    p->r = jd_alloc_array(w->ctx, R3_DIRECTIONS * G * 3 * C, real);
    p->v = jd_alloc_array(w->ctx, R3_DIRECTIONS * C, real);
    p->x = jd_alloc_array(w->ctx, p->voxels, real);
    p->target = jd_alloc_array(w->ctx, p->voxels, real);
    p->dy = jd_alloc_array(w->ctx, p->voxels, real);
    p->weight = jd_alloc_array(w->ctx, w->weights, sizeof *p->weight);
    p->gradient = jd_alloc_array(w->ctx, w->weights + 1, sizeof *p->gradient);
    p->m1 = jd_alloc_array(w->ctx, w->weights, sizeof *p->m1);
    p->m2 = jd_alloc_array(w->ctx, w->weights, sizeof *p->m2);
    p->sums = w->mail.sums[number] = jd_alloc_array(w->ctx, w->mail.reduced, w->mail.width);
    for (int d = 0; d < R3_DIRECTIONS && !jd_error(w->ctx); d++) scan_new(w, p, d);
}

static void process_free(jd_ctx *ctx, process *p)
{
    for (int d = 0; d < R3_DIRECTIONS; d++) {
        r3_scan *s = &p->scan[d];
        void *all[] = {s->h, s->c, s->gates, s->errors, s->dc, s->y, s->after[0], s->after[1], s->after[2]};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    }
    void *all[] = {p->w, p->r, p->v, p->x, p->target, p->dy, p->weight, p->gradient, p->m1, p->m2, p->sums};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
}

/* The same in every process: from the seed. */
static void draw_weights(const r3_world *w, double *weight)
{
    const int C = w->o.cells, G = gates(w);
    jd_rng r = jd_rng_new(w->o.seed, "rnn3d/weights", 0);
    const double scale = 1 / sqrt(3. * C);
    for (size_t i = 0; i < w->weights; i++) weight[i] = scale * (2 * jd_rng_uniform64(&r) - 1);
    for (int d = 0; d < R3_DIRECTIONS; d++)
        for (int m = 0; m < G; m++) /* three forget gates that together forget little, and do not add */
            weight[place_b(w) + (size_t)(d * G + m)] = m / C >= 1 && m / C <= 3 ? -.6931471805599453 : 0;
    weight[w->weights - 1] = 0;
}

/* What process 0 has, for whoever asks. */
static jd_status publish(r3_world *w, bool weights)
{
    double *to = weights ? w->weight : w->gradient;
    const size_t n = w->weights + !weights;
    memset(to, 0, n * sizeof *to);
    if (!w->mail.first && w->mail.last) memcpy(to, weights ? w->p[0].weight : w->p[0].gradient, n * sizeof *to);
    return r3_over_ranks(w->ctx, to, n);
}

/* The part of a process' box that a sub-tile covers, in the order of scan d. */
static r3_range range_of(const r3_world *w, const process *p, int tile)
{
    const int T = w->o.tiles, at[R3_AXES] = {tile / T / T, tile / T % T, tile % T};
    r3_range t;
    for (int e = 0; e < R3_AXES; e++) {
        t.lo[e] = r3_cut(p->n[e], T, at[e]);
        t.hi[e] = r3_cut(p->n[e], T, at[e] + 1);
    }
    return t;
}

/* What comes from a neighbour: states along the scan, or errors back. */
static void take(void *user, const r3_message *m, const char *data)
{
    r3_world *w = user;
    process *p = &w->p[m->to];
    const r3_range t = range_of(w, p, m->tile);
    if (w->o.idle) return;
    (m->what >= R3_AXES ? w->k->unpack_back : w->k->unpack)(&p->scan[m->scan], &t, m->what % R3_AXES, data);
}

static bool fits(const r3_options *o)
{
    bool good = o->cells >= 1 && o->cells <= R3_CELLS && o->tiles >= 1;
    int64_t all = 1;
    for (int e = 0; e < R3_AXES; e++) {
        good = good && o->procs[e] >= 1 && o->procs[e] <= R3_PROCESSES && o->dim[e] >= 1 && o->dim[e] <= 4096 &&
               o->dim[e] / o->procs[e] >= o->tiles;
        all *= good ? o->procs[e] : 1;
    }
    return good && all <= R3_PROCESSES;
}

r3_world *r3_new(jd_ctx *ctx, const r3_options *o)
{
    if (!fits(o)) {
        jd_fail(ctx, JD_EUSAGE,
                "a volume of %d x %d x %d voxels on %d x %d x %d processes with %d sub-tiles a side and %d "
                "cells; a box needs a voxel for each sub-tile, processes are at most %d, cells %d",
                o->dim[0], o->dim[1], o->dim[2], o->procs[0], o->procs[1], o->procs[2], o->tiles, o->cells,
                R3_PROCESSES, R3_CELLS);
        return NULL;
    }
    r3_world *w = jd_alloc(ctx, sizeof *w);
    if (!w) return NULL;
    *w = (r3_world){.ctx = ctx, .o = *o, .k = o->precise ? &r3_double : &r3_float};
    r3_grid grid = {.tiles = o->tiles, .directions = R3_DIRECTIONS};
    memcpy(grid.dim, o->dim, sizeof grid.dim);
    memcpy(grid.procs, o->procs, sizeof grid.procs);
    r3_mail_open(ctx, &grid, &w->mail);
    w->mail.take = take;
    w->mail.user = w;
    w->mail.exact = o->exact;
    w->weights = place_V(w) + (size_t)(R3_DIRECTIONS * o->cells) + 1;
    w->mail.reduced = o->idle ? place_V(w) : R3_DIRECTIONS * scan_sums(w) + 2; /* and the output's bias, and the loss */
    w->mail.width = o->exact ? sizeof(int64_t) : w->k->real;
    w->p = jd_alloc_array(ctx, (size_t)w->mail.P, sizeof *w->p);
    w->weight = jd_alloc_array(ctx, w->weights, sizeof *w->weight);
    w->gradient = jd_alloc_array(ctx, w->weights + 1, sizeof *w->gradient);
    r3_schedule(ctx, &w->mail.grid, &w->times);
    for (size_t i = w->mail.first; i < w->mail.last && !jd_error(ctx); i++) {
        process_new(w, &w->p[i], (int)i);
        if (!jd_error(ctx)) draw_weights(w, w->p[i].weight);
    }
    if (!jd_error(ctx)) draw_weights(w, w->weight);
    if (!jd_error(ctx)) return w;
    r3_free(w);
    return NULL;
}

void r3_free(r3_world *w)
{
    if (!w) return;
    for (size_t i = w->mail.first; w->p && i < w->mail.last; i++) process_free(w->ctx, &w->p[i]);
    r3_timetable_free(&w->times);
    r3_mail_close(&w->mail);
    jd_free(w->ctx, w->p);
    jd_free(w->ctx, w->weight);
    jd_free(w->ctx, w->gradient);
    jd_free(w->ctx, w);
}

size_t r3_weights(const r3_world *w)
{
    return w->weights;
}

/* ---- numbers in either precision --------------------------------------------------------------------------------------------*/

static void put_real(const r3_world *w, char *to, size_t i, double v)
{
    if (w->k->real == sizeof(float))
        ((float *)(void *)to)[i] = (float)v;
    else
        ((double *)(void *)to)[i] = v;
}

static double get_real(const r3_world *w, const char *from, size_t i)
{
    return w->k->real == sizeof(float) ? (double)((const float *)(const void *)from)[i]
                                       : ((const double *)(const void *)from)[i];
}

/* From the library's layout to the cells'. */
static void set_weights(const r3_world *w, process *p)
{
    const size_t C = (size_t)w->o.cells, G = R3_GATES * C;
    const double *W = p->weight, *R = W + place_R(w), *b = W + place_b(w), *V = W + place_V(w);
    for (size_t d = 0; d < R3_DIRECTIONS; d++)
        for (size_t m = 0; m < G; m++) {
            const size_t at = d * (2 + 3 * C) * G + m;
            put_real(w, p->w, at, W[d * G + m]);
            put_real(w, p->w, at + (1 + 3 * C) * G, b[d * G + m]);
            for (size_t j = 0; j < 3 * C; j++) {
                put_real(w, p->w, at + (1 + j) * G, R[(d * G + m) * 3 * C + j]);
                put_real(w, p->r, (d * G + m) * 3 * C + j, R[(d * G + m) * 3 * C + j]);
            }
        }
    for (size_t i = 0; i < R3_DIRECTIONS * C; i++) put_real(w, p->v, i, V[i]);
}

static double sum_at(const r3_world *w, const process *p, size_t i)
{
    return w->o.exact ? (double)((const int64_t *)(const void *)p->sums)[i] / R3_UNIT : get_real(w, p->sums, i);
}

static void get_gradient(const r3_world *w, process *p)
{
    const size_t C = (size_t)w->o.cells, G = R3_GATES * C, each = scan_sums(w);
    double *W = p->gradient, *R = W + place_R(w), *b = W + place_b(w), *V = W + place_V(w);
    for (size_t d = 0; d < R3_DIRECTIONS; d++) {
        for (size_t m = 0; m < G; m++) {
            W[d * G + m] = sum_at(w, p, d * each + m);
            b[d * G + m] = sum_at(w, p, d * each + (1 + 3 * C) * G + m);
            for (size_t j = 0; j < 3 * C; j++) R[(d * G + m) * 3 * C + j] = sum_at(w, p, d * each + (1 + j) * G + m);
        }
        for (size_t q = 0; q < C; q++) V[d * C + q] = sum_at(w, p, d * each + (2 + 3 * C) * G + q);
    }
    V[R3_DIRECTIONS * C] = sum_at(w, p, w->mail.reduced - 2);
    p->gradient[w->weights] = sum_at(w, p, w->mail.reduced - 1);
}

/* ---- the scans ---------------------------------------------------------------------------------------------------------------*/

/* Sends the sub-tile's faces on: along the scan, or back. */
static void send_faces(r3_world *w, process *p, int d, int tile, bool back)
{
    const int T = w->o.tiles, at[R3_AXES] = {tile / T / T, tile / T % T, tile % T}, step[R3_AXES] = {T * T, T, 1};
    const r3_range t = range_of(w, p, tile);
    for (int e = 0; e < R3_AXES; e++) {
        int to[R3_AXES] = {p->at[0], p->at[1], p->at[2]};
        size_t face = 1;
        if (at[e] != (back ? 0 : T - 1)) continue;
        to[e] += (d >> e & 1) == (back ? 0 : 1) ? -1 : 1;
        const int q = r3_at(&w->mail.grid, to);
        if (q < 0) continue;
        for (int f = 0; f < R3_AXES; f++) face *= f == e ? 1 : (size_t)(t.hi[f] - t.lo[f]);
        const r3_message m = {p->number,
                              q,
                              R3_HALO,
                              d,
                              back ? R3_AXES + e : e,
                              tile + (back ? 1 : -1) * (T - 1) * step[e],
                              face * 2 * (size_t)w->o.cells * w->k->real};
        char *data = r3_post(&w->mail, &m);
        if (!data) return;
        if (w->o.idle)
            memset(data, 0, m.bytes);
        else
            (back ? w->k->pack_back : w->k->pack)(&p->scan[d], &t, e, data);
    }
}

/* All sub-tiles, each in its time step; on the way back the timetable runs backwards. */
static jd_status sweep(r3_world *w, bool back)
{
    const int T3 = w->o.tiles * w->o.tiles * w->o.tiles;
    for (int i = 0; i < w->times.steps && !jd_error(w->ctx); i++) {
        const int *now = w->times.task + (back ? w->times.steps - 1 - i : i) * w->mail.P;
        for (size_t j = w->mail.first; j < w->mail.last; j++) {
            process *p = &w->p[j];
            if (now[j] < 0) continue;
            const int d = now[j] / T3, tile = now[j] % T3;
            const r3_range t = range_of(w, p, tile);
            if (!w->o.idle) (back ? w->k->backward : w->k->forward)(&p->scan[d], &t);
            send_faces(w, p, d, tile, back);
        }
        r3_deliver(&w->mail);
    }
    return jd_error(w->ctx);
}

jd_status r3_forward(r3_world *w)
{
    for (size_t j = w->mail.first; j < w->mail.last; j++)
        if (!w->o.idle) set_weights(w, &w->p[j]);
    return sweep(w, false);
}

static double output(const r3_world *w, const process *p, size_t i)
{
    double y = p->weight[w->weights - 1];
    for (int d = 0; d < R3_DIRECTIONS; d++) y += get_real(w, p->scan[d].y, i);
    return y;
}

/* Cross-entropy, a mean over the whole volume; errors of the output; their sums begin the gradients'. */
static void judge(const r3_world *w, process *p)
{
    const double all = (double)w->o.dim[0] * w->o.dim[1] * w->o.dim[2];
    double loss = 0, bias = 0;
    int64_t exact_loss = 0, exact_bias = 0;
    memset(p->sums, 0, w->mail.reduced * w->mail.width);
    for (size_t i = 0; i < p->voxels; i++) {
        const double y = output(w, p, i), t = get_real(w, p->target, i), e = jd_exp_lane(-fabs(y));
        const double here = (fmax(y, 0) - y * t + log1p(e)) / all, dy = ((y > 0 ? 1 : e) / (1 + e) - t) / all;
        put_real(w, p->dy, i, dy);
        loss += here;
        bias += get_real(w, p->dy, i);
        exact_loss += (int64_t)(here * R3_UNIT);
        exact_bias += (int64_t)(get_real(w, p->dy, i) * R3_UNIT);
    }
    if (w->o.exact) {
        ((int64_t *)(void *)p->sums)[w->mail.reduced - 2] = exact_bias;
        ((int64_t *)(void *)p->sums)[w->mail.reduced - 1] = exact_loss;
    } else {
        put_real(w, p->sums, w->mail.reduced - 2, bias);
        put_real(w, p->sums, w->mail.reduced - 1, loss);
    }
}

jd_status r3_step(r3_world *w)
{
    if (r3_forward(w)) return jd_error(w->ctx);
    for (size_t j = w->mail.first; j < w->mail.last && !w->o.idle; j++) judge(w, &w->p[j]);
    if (sweep(w, true) || r3_all_reduce(&w->mail)) return jd_error(w->ctx);
    for (size_t j = w->mail.first; j < w->mail.last && !w->o.idle; j++) get_gradient(w, &w->p[j]);
    return w->o.idle ? jd_error(w->ctx) : publish(w, false);
}

/* Kingma and Ba 2015. */
jd_status r3_update(r3_world *w, double rate)
{
    w->steps++;
    const double part = sqrt(1 - pow(.999, w->steps)) / (1 - pow(.9, w->steps));
    for (size_t j = w->mail.first; j < w->mail.last; j++) {
        process *p = &w->p[j];
        for (size_t i = 0; i < w->weights; i++) {
            const double g = p->gradient[i];
            p->m1[i] = .9 * p->m1[i] + .1 * g;
            p->m2[i] = .999 * p->m2[i] + .001 * g * g;
            p->weight[i] -= rate * part * p->m1[i] / (sqrt(p->m2[i]) + 1e-8);
        }
    }
    return publish(w, true);
}

/* ---- in and out --------------------------------------------------------------------------------------------------------------*/

static size_t voxel_of(const r3_world *w, const process *p, size_t i)
{
    const size_t k = i % (size_t)p->n[2], j = i / (size_t)p->n[2] % (size_t)p->n[1],
                 h = i / (size_t)p->n[2] / (size_t)p->n[1];
    return ((h + (size_t)p->lo[0]) * (size_t)w->o.dim[1] + j + (size_t)p->lo[1]) * (size_t)w->o.dim[2] + k +
           (size_t)p->lo[2];
}

void r3_put(r3_world *w, const double *volume, const double *target)
{
    for (size_t j = w->mail.first; j < w->mail.last; j++)
        for (size_t i = 0; i < w->p[j].voxels; i++) {
            put_real(w, w->p[j].x, i, volume[voxel_of(w, &w->p[j], i)]);
            put_real(w, w->p[j].target, i, target[voxel_of(w, &w->p[j], i)]);
        }
}

jd_status r3_answer(r3_world *w, double *out)
{
    const size_t n = (size_t)w->o.dim[0] * (size_t)w->o.dim[1] * (size_t)w->o.dim[2];
    memset(out, 0, n * sizeof *out);
    for (size_t j = w->mail.first; j < w->mail.last; j++)
        for (size_t i = 0; i < w->p[j].voxels; i++)
            out[voxel_of(w, &w->p[j], i)] = 1 / (1 + jd_exp_lane(-output(w, &w->p[j], i)));
    return r3_over_ranks(w->ctx, out, n);
}

double r3_loss(const r3_world *w)
{
    return w->gradient[w->weights];
}

const double *r3_weight(const r3_world *w)
{
    return w->weight;
}

const double *r3_gradient(const r3_world *w)
{
    return w->gradient;
}

double r3_bytes(const r3_world *w, r3_kind kind, int p, int q)
{
    return w->mail.counts[((int)kind * w->mail.P + p) * w->mail.P + q];
}

jd_status r3_collect(r3_world *w)
{
    return r3_over_ranks(w->ctx, w->mail.counts, (size_t)(R3_KINDS * w->mail.P * w->mail.P));
}

double r3_halo_formula(const r3_options *o)
{
    /* Each of the 8 scans crosses every inner face once, and its errors cross it once on the way back. */
    double faces = 0;
    for (int e = 0; e < R3_AXES; e++) faces += (double)(o->procs[e] - 1) * o->dim[(e + 1) % 3] * o->dim[(e + 2) % 3];
    return 2 * R3_DIRECTIONS * faces * 2 * o->cells * (double)(o->precise ? sizeof(double) : sizeof(float));
}

const r3_timetable *r3_times(const r3_world *w)
{
    return &w->times;
}
