/* rnn3d_planes.c - see rnn3d_planes.h. */
#include "rnn3d_planes.h"

#include <math.h>
#include <string.h>

#include "jackdaw/exp.h"

/* Parts of a plane that its process has, and what it has sent of it. */
enum { OWN = 1, U_LOW = 2, U_HIGH = 4, V_LOW = 8, V_HIGH = 16, SENT_U = 32, SENT_V = 64, SENT_ON = 128, ALL = 255 };
/* What a message brings: a border from a neighbour's side, or a whole plane. */
enum { FROM_U_LOW, FROM_U_HIGH, FROM_V_LOW, FROM_V_HIGH, PLANE };

/* One scan of one box.  Planes are numbered along the scan; "links" 0..n lie between them: in a pass, plane i needs link i and
 * makes link i+1. */
typedef struct line {
    int axis, back, n, U, V; /* planes; their extents along the other axes, the lower one first */
    int before, after;       /* processes, or -1 */
    int beside[4];           /* by FROM_*: who brings that border, or -1 */
    double *h, *c;           /* (n+1,U+2r,V+2r,C), (n+1,U,V,C): link 0 first */
    double *gates;           /* (n,U,V,4C) */
    double *errors,
        *keep; /* (n+1,U+2r,V+2r,4C), (n+1,U,V,C): errors of the gates' inputs, and of the cell before; plane n
                                is what the next box brings */
    double *y; /* (box) its part of the output */
    unsigned char *have; /* (n+1) of the links of this pass */
    int at;              /* planes done in this pass */
} line;

typedef struct box {
    int number, at[R3_AXES], lo[R3_AXES], n[R3_AXES];
    line line[RP_SCANS];
    double *x; /* (n0+2r,n1+2r,n2+2r): with its surroundings, zeros outside the volume */
    double *target, *dy;
    char *sums; /* as the weights, then the loss */
} box;

struct rp_world {
    jd_ctx *ctx;
    rp_options o;
    r3_mail mail;
    int r, steps;
    bool back; /* the pass */
    size_t each, weights;
    double *weight, *gradient, *turned; /* turned: of each scan (k,k,1+C,4C), for the way forward */
    box *box;
};

/* ---- making ----------------------------------------------------------------------------------------------------------------*/

static size_t place_of(const rp_world *w, int scan, int part) /* 0: W, 1: R, 2: b */
{
    const size_t C = (size_t)w->o.cells, k2 = (size_t)(w->o.size * w->o.size);
    return (size_t)scan * w->each + (part > 0 ? 4 * C * k2 : 0) + (part > 1 ? 4 * C * k2 * C : 0);
}

static void line_new(rp_world *w, box *b, int scan)
{
    line *l = &b->line[scan];
    const int u = scan / 2 == 0 ? 1 : 0, v = scan / 2 == 2 ? 1 : 2, axes[4] = {u, u, v, v};
    *l = (line){.axis = scan / 2, .back = scan % 2, .n = b->n[scan / 2], .U = b->n[u], .V = b->n[v]};
    for (int i = 0; i < 6; i++) {
        int at[R3_AXES] = {b->at[0], b->at[1], b->at[2]};
        at[i < 4 ? axes[i] : l->axis] += i < 4 ? (i % 2 ? 1 : -1) : (i - 4) ^ l->back ? 1 : -1;
        *(i < 4 ? &l->beside[i] : i == 4 ? &l->before : &l->after) = r3_at(&w->mail.grid, at);
    }
    const size_t C = (size_t)w->o.cells, r2 = 2 * (size_t)w->r, n = (size_t)l->n, U = (size_t)l->U, V = (size_t)l->V;
    l->h = jd_alloc_array(w->ctx, (n + 1) * (U + r2) * (V + r2) * C, sizeof(double));
    l->c = jd_alloc_array(w->ctx, (n + 1) * U * V * C, sizeof(double));
    l->gates = jd_alloc_array(w->ctx, n * U * V * 4 * C, sizeof(double));
    l->errors = jd_alloc_array(w->ctx, (n + 1) * (U + r2) * (V + r2) * 4 * C, sizeof(double));
    l->keep = jd_alloc_array(w->ctx, (n + 1) * U * V * C, sizeof(double));
    l->y = jd_alloc_array(w->ctx, n * U * V, sizeof(double));
    l->have = jd_alloc(w->ctx, n + 1);
}

static void box_new(rp_world *w, box *b, int number)
{
    size_t voxels = 1, padded = 1;
    b->number = number;
    r3_place(&w->mail.grid, number, b->at);
    for (int e = 0; e < R3_AXES; e++) {
        b->lo[e] = r3_cut(w->o.dim[e], w->o.procs[e], b->at[e]);
        b->n[e] = r3_cut(w->o.dim[e], w->o.procs[e], b->at[e] + 1) - b->lo[e];
        voxels *= (size_t)b->n[e];
        padded *= (size_t)(b->n[e] + 2 * w->r);
    }
    b->x = jd_alloc_array(w->ctx, padded, sizeof *b->x);
    b->target = jd_alloc_array(w->ctx, voxels, sizeof *b->target);
    b->dy = jd_alloc_array(w->ctx, voxels, sizeof *b->dy);
    b->sums = w->mail.sums[number] = jd_alloc_array(w->ctx, w->mail.reduced, w->mail.width);
    for (int s = 0; s < RP_SCANS && !jd_error(w->ctx); s++) line_new(w, b, s);
}

static void draw_planes(rp_world *w)
{
    const int C = w->o.cells;
    jd_rng r = jd_rng_new(w->o.seed, "rnn3d/planes", 0);
    const double scale = 1 / sqrt((double)w->o.size * w->o.size * C);
    for (size_t i = 0; i < w->weights; i++) w->weight[i] = scale * (2 * jd_rng_uniform64(&r) - 1);
    for (int s = 0; s < RP_SCANS; s++)
        for (int m = 0; m < 4 * C; m++) w->weight[place_of(w, s, 2) + (size_t)m] = m / C == 1;
}

static void turn(rp_world *w)
{
    const size_t C = (size_t)w->o.cells, k2 = (size_t)(w->o.size * w->o.size), G = 4 * C;
    for (int s = 0; s < RP_SCANS; s++) {
        const double *W = w->weight + place_of(w, s, 0), *R = w->weight + place_of(w, s, 1);
        double *to = w->turned + (size_t)s * k2 * (1 + C) * G;
        for (size_t m = 0; m < G; m++)
            for (size_t p = 0; p < k2; p++) {
                to[p * (1 + C) * G + m] = W[m * k2 + p];
                for (size_t q = 0; q < C; q++) to[(p * (1 + C) + 1 + q) * G + m] = R[(m * k2 + p) * C + q];
            }
    }
}

static void take_part(void *user, const r3_message *m, const char *data);

static bool options_ok(const rp_options *o)
{
    bool good = o->cells >= 1 && o->cells <= R3_CELLS && o->size >= 1 && o->size % 2 == 1;
    int64_t all = 1;
    for (int e = 0; e < R3_AXES; e++) {
        good = good && o->procs[e] >= 1 && o->procs[e] <= R3_PROCESSES && o->dim[e] >= o->procs[e] &&
               (o->procs[e] == 1 || o->dim[e] / o->procs[e] >= (o->size - 1) / 2);
        all *= good ? o->procs[e] : 1;
    }
    return good && all <= R3_PROCESSES;
}

rp_world *rp_new(jd_ctx *ctx, const rp_options *o)
{
    if (!options_ok(o)) {
        jd_fail(
            ctx, JD_EUSAGE,
            "PyraMiD-LSTM on %d x %d x %d processes: boxes must be as thick as the borders of windows of %d, and the "
            "windows' side odd",
            o->procs[0], o->procs[1], o->procs[2], o->size);
        return NULL;
    }
    const size_t C = (size_t)o->cells, k2 = (size_t)(o->size * o->size);
    rp_world *w = jd_alloc(ctx, sizeof *w);
    if (!w) return NULL;
    *w = (rp_world){.ctx = ctx, .o = *o, .r = (o->size - 1) / 2, .each = 4 * C * (k2 * (1 + C) + 1)};
    w->weights = RP_SCANS * w->each + C + 1;
    const r3_grid grid = {{o->dim[0], o->dim[1], o->dim[2]}, {o->procs[0], o->procs[1], o->procs[2]}, 1, 8};
    r3_mail_open(ctx, &grid, &w->mail);
    w->mail.take = take_part;
    w->mail.user = w;
    w->mail.exact = o->exact;
    w->mail.reduced = w->weights + 1;
    w->mail.width = sizeof(double);
    w->weight = jd_alloc_array(ctx, w->weights, sizeof *w->weight);
    w->gradient = jd_alloc_array(ctx, w->weights + 1, sizeof *w->gradient);
    w->turned = jd_alloc_array(ctx, RP_SCANS * k2 * (1 + C) * 4 * C, sizeof *w->turned);
    w->box = jd_alloc_array(ctx, (size_t)w->mail.P, sizeof *w->box);
    for (size_t i = w->mail.first; i < w->mail.last && !jd_error(ctx); i++) box_new(w, &w->box[i], (int)i);
    if (!jd_error(ctx)) draw_planes(w);
    if (!jd_error(ctx)) return w;
    rp_free(w);
    return NULL;
}

void rp_free(rp_world *w)
{
    if (!w) return;
    for (size_t i = w->mail.first; w->box && i < w->mail.last; i++) {
        box *b = &w->box[i];
        for (int s = 0; s < RP_SCANS; s++) {
            const line *l = &b->line[s];
            void *all[] = {l->h, l->c, l->gates, l->errors, l->keep, l->y, l->have};
            for (size_t k = 0; k < sizeof all / sizeof *all; k++) jd_free(w->ctx, all[k]);
        }
        jd_free(w->ctx, b->x);
        jd_free(w->ctx, b->target);
        jd_free(w->ctx, b->dy);
        jd_free(w->ctx, b->sums);
    }
    r3_mail_close(&w->mail);
    jd_free(w->ctx, w->box);
    jd_free(w->ctx, w->weight);
    jd_free(w->ctx, w->gradient);
    jd_free(w->ctx, w->turned);
    jd_free(w->ctx, w);
}

/* ---- places ------------------------------------------------------------------------------------------------------------------*/

/* Element (y, x) of a padded plane with so many maps. */
static size_t in_plane(const rp_world *w, const line *l, int y, int x, int maps)
{
    return (size_t)(((y + w->r) * (l->V + 2 * w->r) + x + w->r) * maps);
}

/* What is exchanged in this pass: h of link i, or errors of the plane after it. */
static double *linked(const rp_world *w, const line *l, int i, int *maps)
{
    *maps = w->back ? 4 * w->o.cells : w->o.cells;
    const size_t size = (size_t)((l->U + 2 * w->r) * (l->V + 2 * w->r)) * (size_t)*maps;
    return w->back ? l->errors + (size_t)(l->n - i) * size : l->h + (size_t)i * size;
}

/* What goes along with a plane to the next box: cells, or their errors. */
static double *carried(const rp_world *w, const line *l, int i)
{
    const size_t size = (size_t)(l->U * l->V * w->o.cells);
    return w->back ? l->keep + (size_t)(l->n - i) * size : l->c + (size_t)i * size;
}

/* Position in the box, in the volume's order, of place (y, x) of plane t; `pad`: in x, with its surroundings. */
static size_t voxel(const rp_world *w, const box *b, const line *l, int t, int y, int x, bool pad)
{
    const int a = l->back ? l->n - 1 - t : t, r = pad ? w->r : 0;
    const int at[R3_AXES] = {l->axis == 0 ? a : y, l->axis == 1 ? a : l->axis == 0 ? y : x, l->axis == 2 ? a : x};
    return ((size_t)(at[0] + r) * (size_t)(b->n[1] + 2 * r) + (size_t)(at[1] + r)) * (size_t)(b->n[2] + 2 * r) +
           (size_t)(at[2] + r);
}

/* ---- planes --------------------------------------------------------------------------------------------------------------------*/

static double sigmoid(double x)
{
    return 1 / (1 + jd_exp_lane(-x));
}

static double squash(double x)
{
    return 2 * sigmoid(2 * x) - 1;
}

static void place_forward(rp_world *w, const box *b, line *l, int scan, int t, int y, int x)
{
    const int C = w->o.cells, G = 4 * C, k = w->o.size, at = (t * l->U + y) * l->V + x;
    const size_t plane = (size_t)((l->U + 2 * w->r) * (l->V + 2 * w->r) * C);
    const double *W = w->turned + (size_t)(scan * k * k * (1 + C) * G), *bias = w->weight + place_of(w, scan, 2);
    const double *before = l->h + (size_t)t * plane, *V = w->weight + RP_SCANS * w->each;
    double *g = l->gates + (size_t)(at * G), *h = l->h + (size_t)(t + 1) * plane + in_plane(w, l, y, x, C), sum = 0;
    const double *c = l->c + (size_t)(at * C);
    double *now = l->c + (size_t)((at + l->U * l->V) * C);
    memcpy(g, bias, (size_t)G * sizeof *g);
    for (int p = 0; p < k * k; p++) {
        const int yy = y + p / k - w->r, xx = x + p % k - w->r;
        const double *row = W + (size_t)(p * (1 + C) * G), in = b->x[voxel(w, b, l, t, yy, xx, true)];
        const double *from = before + in_plane(w, l, yy, xx, C);
        for (int m = 0; m < G; m++) g[m] += in * row[m];
        for (int q = 0; q < C; q++)
            for (int m = 0; m < G; m++) g[m] += from[q] * row[(1 + q) * G + m];
    }
    for (int m = 0; m < G; m++) g[m] = m / C == 2 ? squash(g[m]) : sigmoid(g[m]);
    for (int q = 0; q < C; q++) {
        now[q] = g[2 * C + q] * g[q] + c[q] * g[C + q];
        h[q] = g[3 * C + q] * squash(now[q]);
        sum += V[q] * h[q];
    }
    l->y[voxel(w, b, l, t, y, x, false)] = sum;
}

/* One more term of a weight's gradient. */
static void add(const rp_world *w, const box *b, size_t at, double term)
{
    if (w->o.exact)
        ((int64_t *)(void *)b->sums)[at] += (int64_t)(term * R3_UNIT);
    else
        ((double *)(void *)b->sums)[at] += term;
}

static void place_learn(rp_world *w, const box *b, const line *l, int scan, int t, int y, int x, const double *d)
{
    const int C = w->o.cells, k = w->o.size;
    const size_t plane = (size_t)((l->U + 2 * w->r) * (l->V + 2 * w->r) * C), W = place_of(w, scan, 0),
                 R = place_of(w, scan, 1), B = place_of(w, scan, 2);
    for (int m = 0; m < 4 * C; m++) {
        add(w, b, B + (size_t)m, d[m]);
        for (int p = 0; p < k * k; p++) {
            const int yy = y + p / k - w->r, xx = x + p % k - w->r;
            const double *from = l->h + (size_t)t * plane + in_plane(w, l, yy, xx, C);
            add(w, b, W + (size_t)(m * k * k + p), d[m] * b->x[voxel(w, b, l, t, yy, xx, true)]);
            for (int q = 0; q < C; q++) add(w, b, R + (size_t)((m * k * k + p) * C + q), d[m] * from[q]);
        }
    }
}

static void place_back(rp_world *w, const box *b, line *l, int scan, int t, int y, int x)
{
    const int C = w->o.cells, G = 4 * C, k = w->o.size, at = (t * l->U + y) * l->V + x, next = at + l->U * l->V;
    const size_t plane = (size_t)((l->U + 2 * w->r) * (l->V + 2 * w->r));
    const double *R = w->weight + place_of(w, scan, 1), *V = w->weight + RP_SCANS * w->each;
    const double *after = l->errors + (size_t)(t + 1) * plane * (size_t)G, *g = l->gates + (size_t)(at * G);
    const double *h = l->h + (size_t)(t + 1) * plane * (size_t)C + in_plane(w, l, y, x, C);
    const double dy = b->dy[voxel(w, b, l, t, y, x, false)];
    double dh[R3_CELLS], *d = l->errors + (size_t)t * plane * (size_t)G + in_plane(w, l, y, x, G);
    for (int q = 0; q < C; q++) {
        dh[q] = dy * V[q];
        add(w, b, RP_SCANS * w->each + (size_t)q, dy * h[q]);
    }
    for (int p = 0; p < k * k; p++) { /* places of the next plane in whose window this one lies at p */
        const double *e = after + in_plane(w, l, y - (p / k - w->r), x - (p % k - w->r), G);
        for (int m = 0; m < G; m++)
            for (int q = 0; q < C; q++) dh[q] += e[m] * R[(m * k * k + p) * C + q];
    }
    for (int q = 0; q < C; q++) {
        const double i = g[q], f = g[C + q], z = g[2 * C + q], o = g[3 * C + q], out = squash(l->c[next * C + q]);
        const double all = l->keep[next * C + q] + dh[q] * o * (1 - out * out);
        d[q] = all * z * i * (1 - i);
        d[C + q] = all * l->c[at * C + q] * f * (1 - f);
        d[2 * C + q] = all * i * (1 - z * z);
        d[3 * C + q] = dh[q] * out * o * (1 - o);
        l->keep[at * C + q] = all * f;
    }
    place_learn(w, b, l, scan, t, y, x, d);
}

/* ---- messages ----------------------------------------------------------------------------------------------------------------*/

/* Rows and columns of a border: those that go to the neighbour (inner), or those that came from it. */
static void border(const rp_world *w, const line *l, int from, bool inner, int y[2], int x[2])
{
    const int r = w->r, n = from < FROM_V_LOW ? l->U : l->V, low = from % 2 == 0;
    const int begin = inner ? (low ? 0 : n - r) : (low ? -r : n);
    int *along = from < FROM_V_LOW ? y : x, *across = from < FROM_V_LOW ? x : y;
    along[0] = begin, along[1] = begin + r;
    across[0] = from < FROM_V_LOW ? 0 : -r; /* the second exchange brings the corners */
    across[1] = from < FROM_V_LOW ? l->V : l->U + r;
}

static void send_border(rp_world *w, const box *b, const line *l, int scan, int link, int side)
{
    int y[2], x[2], maps;
    const double *field = linked(w, l, link, &maps);
    if (l->beside[side] < 0) return;
    border(w, l, side, true, y, x);
    const r3_message m = {b->number,
                          l->beside[side],
                          R3_HALO,
                          scan,
                          side ^ 1,
                          link,
                          (size_t)((y[1] - y[0]) * (x[1] - x[0]) * maps) * sizeof(double)};
    char *to = r3_post(&w->mail, &m);
    for (int i = y[0]; to && i < y[1]; i++, to += (size_t)((x[1] - x[0]) * maps) * sizeof(double))
        memcpy(to, field + in_plane(w, l, i, x[0], maps), (size_t)((x[1] - x[0]) * maps) * sizeof(double));
}

static void send_plane(rp_world *w, const box *b, const line *l, int scan)
{
    int maps;
    const double *field = linked(w, l, l->n, &maps);
    const size_t row = (size_t)(l->V * maps) * sizeof(double),
                 rest = (size_t)(l->U * l->V * w->o.cells) * sizeof(double);
    const r3_message m = {b->number, w->back ? l->before : l->after, R3_HALO, scan, PLANE,
                          0,         (size_t)l->U * row + rest};
    char *to = m.to < 0 ? NULL : r3_post(&w->mail, &m);
    if (!to) return;
    for (int i = 0; i < l->U; i++, to += row) memcpy(to, field + in_plane(w, l, i, 0, maps), row);
    memcpy(to, carried(w, l, l->n), rest);
}

static void take_part(void *user, const r3_message *m, const char *data)
{
    rp_world *w = user;
    line *l = &w->box[m->to].line[m->scan];
    int maps, y[2] = {0, l->U}, x[2] = {0, l->V};
    double *field = linked(w, l, m->tile, &maps);
    if (m->what != PLANE) border(w, l, m->what, false, y, x);
    const size_t row = (size_t)((x[1] - x[0]) * maps) * sizeof(double);
    for (int i = y[0]; i < y[1]; i++, data += row) memcpy(field + in_plane(w, l, i, x[0], maps), data, row);
    if (m->what == PLANE) memcpy(carried(w, l, 0), data, (size_t)(l->U * l->V * w->o.cells) * sizeof(double));
    l->have[m->tile] |= (unsigned char)(m->what == PLANE ? OWN : U_LOW << m->what);
}

static unsigned needed(const line *l, bool corners)
{
    unsigned bits = OWN;
    for (int side = 0; side < (corners ? 4 : 2); side++)
        if (l->beside[side] >= 0) bits |= (unsigned)U_LOW << side;
    return bits;
}

static bool all_here(const line *l, int link, bool corners)
{
    return (l->have[link] & needed(l, corners)) == needed(l, corners);
}

/* Sends of all planes what can be sent now. */
static void send_due(rp_world *w, const box *b)
{
    for (int s = 0; s < RP_SCANS; s++) {
        const line *l = &b->line[s];
        for (int i = 0; i <= l->n; i++) {
            unsigned char *have = &l->have[i];
            if (!(*have & OWN)) continue;
            if (i == l->n && !(*have & SENT_ON)) {
                send_plane(w, b, l, s);
                *have |= SENT_ON;
            }
            if (i == l->n) continue;
            for (int side = 0; side < 2 && !(*have & SENT_U); side++) send_border(w, b, l, s, i, side);
            *have |= SENT_U;
            if (!all_here(l, i, false) || *have & SENT_V) continue;
            for (int side = 2; side < 4; side++) send_border(w, b, l, s, i, side);
            *have |= SENT_V;
        }
    }
}

/* ---- passes ------------------------------------------------------------------------------------------------------------------*/

/* Of the planes that are ready the one with the longest way before it. */
static void work(rp_world *w, box *b)
{
    int best = -1, longest = -1;
    for (int s = 0; s < RP_SCANS; s++) {
        const line *l = &b->line[s];
        const int end = b->lo[l->axis] + l->n,
                  ahead = l->back == (int)w->back ? w->o.dim[l->axis] - end : b->lo[l->axis];
        if (l->at == l->n || !all_here(l, l->at, true)) continue;
        if (ahead + l->n - l->at > longest) longest = ahead + l->n - l->at, best = s;
    }
    if (best < 0) return;
    line *l = &b->line[best];
    const int t = w->back ? l->n - 1 - l->at : l->at;
    for (int y = 0; y < l->U; y++)
        for (int x = 0; x < l->V; x++) (w->back ? place_back : place_forward)(w, b, l, best, t, y, x);
    l->have[++l->at] |= OWN;
}

static void begin(rp_world *w, box *b)
{
    for (int s = 0; s < RP_SCANS; s++) {
        line *l = &b->line[s];
        int maps;
        memset(l->have, 0, (size_t)l->n + 1);
        l->at = 0;
        if ((w->back ? l->after : l->before) >= 0) continue;
        double *field = linked(w, l, 0, &maps); /* the volume's border: zeros */
        memset(field, 0, (size_t)((l->U + 2 * w->r) * (l->V + 2 * w->r) * maps) * sizeof *field);
        memset(carried(w, l, 0), 0, (size_t)(l->U * l->V * w->o.cells) * sizeof(double));
        l->have[0] = ALL;
    }
}

static jd_status pass(rp_world *w, bool back)
{
    double left = 1;
    int steps = 0;
    w->back = back;
    for (size_t j = w->mail.first; j < w->mail.last; j++) begin(w, &w->box[j]);
    for (; left > 0 && !jd_error(w->ctx); steps++) {
        for (size_t j = w->mail.first; j < w->mail.last; j++) work(w, &w->box[j]);
        for (int round = 0; round < 3;
             round++) { /* borders, their corners; and those of a plane that came from the box before */
            for (size_t j = w->mail.first; j < w->mail.last; j++) send_due(w, &w->box[j]);
            r3_deliver(&w->mail);
        }
        left = 0;
        for (size_t j = w->mail.first; j < w->mail.last; j++)
            for (int s = 0; s < RP_SCANS; s++) left += w->box[j].line[s].n - w->box[j].line[s].at;
        r3_over_ranks(w->ctx, &left, 1);
    }
    if (!back) w->steps = steps;
    return jd_error(w->ctx);
}

static void put(rp_world *w, box *b, const double *volume, const double *target)
{
    const int r = w->r;
    size_t at = 0, inside = 0;
    for (int i = -r; i < b->n[0] + r; i++)
        for (int j = -r; j < b->n[1] + r; j++)
            for (int k = -r; k < b->n[2] + r; k++, at++) {
                const int v[R3_AXES] = {i + b->lo[0], j + b->lo[1], k + b->lo[2]};
                bool out = false, own = true;
                for (int e = 0; e < R3_AXES; e++) {
                    out |= v[e] < 0 || v[e] >= w->o.dim[e];
                    own &= v[e] >= b->lo[e] && v[e] < b->lo[e] + b->n[e];
                }
                const size_t from = out ? 0 : (size_t)((v[0] * w->o.dim[1] + v[1]) * w->o.dim[2] + v[2]);
                b->x[at] = out ? 0 : volume[from];
                if (own) b->target[inside++] = target[from];
            }
}

static void judge_planes(rp_world *w, box *b)
{
    const size_t voxels = (size_t)(b->n[0] * b->n[1] * b->n[2]);
    const double all = (double)w->o.dim[0] * w->o.dim[1] * w->o.dim[2];
    memset(b->sums, 0, w->mail.reduced * w->mail.width);
    for (size_t i = 0; i < voxels; i++) {
        double y = w->weight[w->weights - 1];
        for (int s = 0; s < RP_SCANS; s++) y += b->line[s].y[i];
        const double e = jd_exp_lane(-fabs(y)), t = b->target[i];
        b->dy[i] = ((y > 0 ? 1 : e) / (1 + e) - t) / all;
        add(w, b, w->weights - 1, b->dy[i]);
        add(w, b, w->weights, (fmax(y, 0) - y * t + log1p(e)) / all);
    }
}

jd_status rp_step(rp_world *w, const double *volume, const double *target)
{
    turn(w);
    for (size_t j = w->mail.first; j < w->mail.last; j++) put(w, &w->box[j], volume, target);
    if (pass(w, false)) return jd_error(w->ctx);
    for (size_t j = w->mail.first; j < w->mail.last; j++) judge_planes(w, &w->box[j]);
    if (pass(w, true) || r3_all_reduce(&w->mail)) return jd_error(w->ctx);
    memset(w->gradient, 0, (w->weights + 1) * sizeof *w->gradient);
    for (size_t i = 0; i <= w->weights && !w->mail.first && w->mail.last; i++)
        w->gradient[i] = w->o.exact ? (double)((const int64_t *)(void *)w->box[0].sums)[i] / R3_UNIT
                                    : ((const double *)(void *)w->box[0].sums)[i];
    return r3_over_ranks(w->ctx, w->gradient, w->weights + 1);
}

/* ---- looking -----------------------------------------------------------------------------------------------------------------*/

size_t rp_weights(const rp_world *w)
{
    return w->weights;
}

const double *rp_weight(const rp_world *w)
{
    return w->weight;
}

double rp_loss(const rp_world *w)
{
    return w->gradient[w->weights];
}

const double *rp_gradient(const rp_world *w)
{
    return w->gradient;
}

void rp_time(const rp_world *w, int *steps, int *planes)
{
    *steps = w->steps;
    *planes = 0;
    for (int e = 0; e < R3_AXES; e++) *planes += 2 * ((w->o.dim[e] + w->o.procs[e] - 1) / w->o.procs[e]);
}

const r3_mail *rp_mail(const rp_world *w)
{
    return &w->mail;
}

double rp_halo_formula(const rp_options *o)
{
    const double r = (o->size - 1) / 2;
    double numbers = 0;
    for (int a = 0; a < R3_AXES; a++) {
        const int u = a == 0 ? 1 : 0, v = a == 2 ? 1 : 2;
        const double Du = o->dim[u], Dv = o->dim[v];
        const double borders =
            (o->dim[a] - 1) * 2 * r * ((o->procs[u] - 1) * Dv + (o->procs[v] - 1) * (Du + 2 * r * o->procs[u]));
        numbers += 2 * (borders * 5 + (o->procs[a] - 1) * Du * Dv * 7) * o->cells;
    }
    return numbers * (double)sizeof(double);
}
