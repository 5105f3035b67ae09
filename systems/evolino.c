/* evolino.c - see evolino.h. */
#include "evolino.h"

#include <stdio.h>
#include <string.h>

#include "jackdaw/exp.h"

/* ---- cells ------------------------------------------------------------------------------------------------------------*/

size_t evolino_genes(int cells, int channels)
{
    return (size_t)cells * 4 * (size_t)(cells + channels + 1);
}

void evolino_unpack(evolino_net *n, int cells, int channels, double feedback, const double *genes)
{
    const int columns = cells + channels + 1;
    n->cells = cells;
    n->channels = channels;
    n->feedback = feedback;
    for (int i = 0; i < cells; i++)
        for (int g = 0; g < 4; g++)
            for (int k = 0; k < columns; k++) {
                const double gene = genes[(i * 4 + g) * columns + k];
                n->w[k * 4 * cells + g * cells + i] = gene < -10 ? -10 : gene > 10 ? 10 : gene;
            }
}

void evolino_step(evolino_net *n, const double *y)
{
    const int H = n->cells, C = n->channels, G = 4 * H;
    if (n->forgetful) evolino_rest(n, y);
    memcpy(n->heard, y, (size_t)C * sizeof *y);
    double net[4 * EVOLINO_CELLS], hears[EVOLINO_COLUMNS];
    memcpy(hears, n->phi, (size_t)H * sizeof *hears);
    for (int k = 0; k < C; k++) hears[H + k] = n->feedback * y[k];
    for (int g = 0; g < G; g++) net[g] = n->w[(H + C) * G + g];
    for (int k = 0; k < H + C; k++) {
        const double x = hears[k], *w = n->w + k * G;
        for (int g = 0; g < G; g++) net[g] += w[g] * x;
    }
    for (int g = 0; g < 3 * H; g++) net[g] = 1 / (1 + jd_exp_lane(-net[g]));
    for (int i = 0; i < H; i++) {
        n->s[i] = net[i] * net[3 * H + i] + net[H + i] * n->s[i];
        n->phi[i] = 1 - 2 / (1 + jd_exp_lane(2 * net[2 * H + i] * n->s[i]));
    }
}

void evolino_rest(evolino_net *n, const double *y)
{
    memset(n->s, 0, sizeof n->s);
    memset(n->phi, 0, sizeof n->phi);
    memmove(n->y, y, (size_t)n->channels * sizeof *y);
}

int evolino_columns(const evolino_net *n)
{
    return n->cells + (n->direct ? n->channels + 1 : 0);
}

void evolino_see(const evolino_net *n, double *row)
{
    memcpy(row, n->phi, (size_t)n->cells * sizeof *row);
    if (!n->direct) return;
    memcpy(row + n->cells, n->heard, (size_t)n->channels * sizeof *row);
    row[n->cells + n->channels] = 1;
}

void evolino_say(const evolino_net *n, double *y)
{
    double row[EVOLINO_COLUMNS];
    const int C = evolino_columns(n);
    evolino_see(n, row);
    for (int k = 0; k < n->channels; k++) {
        y[k] = 0;
        for (int i = 0; i < C; i++) y[k] += n->readout[k * C + i] * row[i];
    }
}

void evolino_free_run(evolino_net *n, int64_t steps, double *y)
{
    for (int64_t t = 0; t < steps; t++) {
        evolino_step(n, n->y);
        evolino_say(n, n->y);
        memcpy(y + t * n->channels, n->y, (size_t)n->channels * sizeof *y);
    }
}

/* ---- the output -------------------------------------------------------------------------------------------------------*/

enum { COLUMNS = EVOLINO_COLUMNS };

/* A (m, n) becomes R in its upper triangle, b (m, k) becomes Q' b. */
static void reduce(double *a, double *b, int m, int n, int k)
{
    for (int j = 0; j < n; j++) {
        double norm = 0, dot[EVOLINO_CHANNELS] = {0};
        for (int i = j; i < m; i++) norm += a[i * n + j] * a[i * n + j];
        norm = sqrt(norm);
        if (!(norm > 0)) continue;
        const double head = a[j * n + j], alpha = head > 0 ? -norm : norm, v0 = head - alpha;
        const double scale = -1 / (alpha * v0); /* 2 / |v|^2 */
        a[j * n + j] = v0;
        double w[COLUMNS] = {0};
        for (int i = j; i < m; i++) {
            const double v = a[i * n + j];
            for (int c = j + 1; c < n; c++) w[c] += v * a[i * n + c];
            for (int c = 0; c < k; c++) dot[c] += v * b[i * k + c];
        }
        for (int i = j; i < m; i++) {
            const double v = scale * a[i * n + j];
            for (int c = j + 1; c < n; c++) a[i * n + c] -= v * w[c];
            for (int c = 0; c < k; c++) b[i * k + c] -= v * dot[c];
        }
        a[j * n + j] = alpha;
        for (int i = j + 1; i < m; i++) a[i * n + j] = 0;
    }
}

/* Turns columns p and q of u (n, n), and those of v, until they stand at right angles (Hestenes).  Were they already? */
static bool turn(double *u, double *v, int n, int p, int q)
{
    double a = 0, b = 0, c = 0;
    for (int i = 0; i < n; i++) {
        a += u[i * n + p] * u[i * n + p];
        b += u[i * n + q] * u[i * n + q];
        c += u[i * n + p] * u[i * n + q];
    }
    if (fabs(c) <= 1e-15 * sqrt(a * b) || c == 0) return true;
    const double zeta = (b - a) / (2 * c), t = (zeta >= 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    const double cosine = 1 / sqrt(1 + t * t), sine = t * cosine;
    for (int i = 0; i < n; i++) {
        const double x = u[i * n + p], y = u[i * n + q], z = v[i * n + p], w = v[i * n + q];
        u[i * n + p] = cosine * x - sine * y;
        u[i * n + q] = sine * x + cosine * y;
        v[i * n + p] = cosine * z - sine * w;
        v[i * n + q] = sine * z + cosine * w;
    }
    return false;
}

int evolino_solve(double *a, double *b, int m, int n, int k, double cut, double *x)
{
    static const int SWEEPS = 40;
    double u[COLUMNS * COLUMNS], v[COLUMNS * COLUMNS] = {0}, value[COLUMNS], most = 0;
    reduce(a, b, m, n, k);
    memcpy(u, a, (size_t)n * (size_t)n * sizeof *u);
    for (int i = 0; i < n; i++) v[i * n + i] = 1;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        bool done = true;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) done &= turn(u, v, n, p, q);
        if (done) break;
    }
    for (int j = 0; j < n; j++) {
        value[j] = 0;
        for (int i = 0; i < n; i++) value[j] += u[i * n + j] * u[i * n + j];
        most = fmax(most, value[j]);
    }
    int rank = 0;
    memset(x, 0, (size_t)(n * k) * sizeof *x);
    for (int j = 0; j < n; j++) { /* value is the square of the singular value */
        if (!(value[j] > cut * cut * most) || !(value[j] > 0)) continue;
        for (int c = 0; c < k; c++) {
            double dot = 0;
            for (int i = 0; i < n; i++) dot += u[i * n + j] * b[i * k + c];
            for (int i = 0; i < n; i++) x[c * n + i] += v[i * n + j] * dot / value[j];
        }
        rank++;
    }
    return rank;
}

/* ---- teaching ---------------------------------------------------------------------------------------------------------*/

static double run_away(void)
{
    return -1e9;
}

/* The squared errors of `steps` steps on its own from time t on; infinite when it leaves +-10. */
static double errors(evolino_net *n, const double *series, int64_t steps)
{
    double sum = 0;
    for (int64_t t = 0; t < steps; t++) {
        evolino_step(n, n->y);
        evolino_say(n, n->y);
        if (!(fabs(n->y[0]) <= 10)) return (double)INFINITY;
        sum += (n->y[0] - series[t]) * (n->y[0] - series[t]);
    }
    return sum;
}

typedef struct moment {
    double s[EVOLINO_CELLS], phi[EVOLINO_CELLS], y;
    int64_t t;
} moment;

static void keep(const evolino_net *n, int64_t t, double y, moment *m)
{
    memcpy(m->s, n->s, sizeof m->s);
    memcpy(m->phi, n->phi, sizeof m->phi);
    m->y = y;
    m->t = t;
}

static void resume_at(evolino_net *n, const moment *m)
{
    memcpy(n->s, m->s, sizeof n->s);
    memcpy(n->phi, m->phi, sizeof n->phi);
    n->y[0] = m->y;
}

double evolino_teach(evolino_net *n, const evolino_task *task, double *room)
{
    n->direct = task->direct;
    const int C = evolino_columns(n);
    const int64_t rows = task->end - task->washout;
    const int starts = task->horizon ? task->starts : 1;
    static const int64_t none = -1;
    moment start[EVOLINO_STARTS], end;
    double *b = room + rows * C;
    int next = 0;
    memset(n->s, 0, sizeof n->s);
    memset(n->phi, 0, sizeof n->phi);
    for (int64_t t = 0; t < task->end; t++) {
        /* Time t is what is said at t; before it the network has heard the series up to t - 1. */
        const double heard = t ? task->series[t - 1] : 0;
        const int64_t apart = task->horizon ? (rows - task->horizon) / starts : rows;
        if (t >= task->washout && next < starts && t - task->washout == next * apart) keep(n, t, heard, &start[next++]);
        evolino_step(n, &heard);
        if (t < task->washout) continue;
        evolino_see(n, room + (t - task->washout) * C);
        b[t - task->washout] = task->series[t];
    }
    keep(n, none, task->series[task->end - 1], &end);
    evolino_solve(room, b, (int)rows, C, 1, 1e-10, n->readout);
    double sum = 0;
    const int64_t steps = task->horizon ? task->horizon : rows;
    for (int i = 0; i < next && sum < 1e9; i++) {
        resume_at(n, &start[i]);
        sum += errors(n, task->series + start[i].t, steps);
    }
    resume_at(n, &end);
    return sum < 1e9 ? -sum / ((double)next * (double)steps) : run_away();
}

/* ---- evolution --------------------------------------------------------------------------------------------------------*/

bool evolino_evolve_species(jd_run *r, const char *name, const evolino_species *kind, const evolino_search *o,
                            bool resume, double *genes)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t G = evolino_genes(kind->cells, kind->channels);
    uint32_t *segment = jd_alloc_array(ctx, G, sizeof *segment);
    for (size_t i = 0; segment && i < G; i++) segment[i] = (uint32_t)(i / (G / (size_t)kind->cells));
    const int64_t networks = (int64_t)o->members * o->trials;
    jd_search *s = jd_search_new(ctx, &(jd_search_options){.method = JD_SEARCH_ESP,
                                                           .dim = G,
                                                           .population = (size_t)o->members,
                                                           .trials = o->trials,
                                                           .best_of_trials = true,
                                                           .seed = o->seed,
                                                           .sigma = o->sigma,
                                                           .center = o->center,
                                                           .spread = o->spread,
                                                           .mutation = o->mutation,
                                                           .segment = segment,
                                                           .budget = o->generations * networks,
                                                           .patience = o->patience,
                                                           .restart = o->patience > 0,
                                                           .has_target = o->target > 0,
                                                           .target = -o->target});
    double *score = jd_alloc_array(ctx, (size_t)networks, sizeof *score);
    evolino_net *net = jd_alloc(ctx, sizeof *net);
    char *path = jd_asprintf(ctx, "%s/checkpoints/search-%s.safetensors", jd_run_dir(r), name);
    if (resume && path && jd_search_load(s, path) == JD_ENOINPUT) jd_error_clear(ctx);
    bool stop = false;
    double best = (double)NAN;
    size_t n;
    for (const double *x; !stop && !jd_error(ctx) && net && (x = jd_search_ask(s, &n)) != NULL;) {
        for (size_t i = 0; i < n; i++) {
            evolino_unpack(net, kind->cells, kind->channels, kind->feedback, x + i * G);
            score[i] = kind->fitness(kind->user, net);
        }
        jd_search_tell(s, score);
        const jd_search_status at = jd_search_state(s);
        best = at.best;
        jd_run_log(r, at.generations, name, -best);
        stop = jd_run_progress(r, (double)at.generations, (double)o->generations, "MSE %.2e", -best);
        if (stop && path) jd_search_save(s, path, 0);
    }
    const double *found = jd_search_best(s, NULL);
    if (found && genes) memcpy(genes, found, G * sizeof *genes);
    jd_search_free(s);
    if (!stop && path) remove(path);
    void *const owned[] = {segment, score, net, path};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
    return !stop && !jd_error(ctx);
}

typedef struct lesson {
    const evolino_task *task;
    double *room;
} lesson;

static double teach(void *user, evolino_net *n)
{
    const lesson *l = user;
    return evolino_teach(n, l->task, l->room);
}

bool evolino_evolve(jd_run *r, const char *name, const evolino_task *task, const evolino_search *o, bool resume,
                    double *genes)
{
    jd_ctx *ctx = jd_run_ctx(r);
    lesson l = {task,
                jd_alloc_array(ctx, (size_t)(task->end - task->washout) * (size_t)(task->cells + 3), sizeof *l.room)};
    const evolino_species kind = {
        .cells = task->cells, .channels = 1, .feedback = task->feedback, .fitness = teach, .user = &l};
    const bool whole = l.room && evolino_evolve_species(r, name, &kind, o, resume, genes);
    jd_free(ctx, l.room);
    return whole;
}

evolino_search evolino_search_settings(jd_run *r, uint64_t seed)
{
    return (evolino_search){.members = (int)jd_run_setting(r, "members"),
                            .trials = 2,
                            .generations = (int64_t)jd_run_setting(r, "generations"),
                            .patience = (int64_t)jd_run_setting(r, "patience"),
                            .sigma = jd_run_setting(r, "sigma"),
                            .spread = jd_run_setting(r, "spread"),
                            .mutation = jd_run_setting(r, "mutation"),
                            .seed = seed};
}
