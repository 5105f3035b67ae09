/* robocup_game.c - look-ahead in a recorded game of the simulation league; see robocup.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/data.h"
#include "jackdaw/layers.h"
#include "least_squares.h"
#include "robocup.h"

enum {
    PAST = 5, /* steps before the present one */
    PLAYERS = 22,
    MATES = 3, /* nearest players of either side that are looked at */
    IN = 2 * PAST + 2 + 2 + 4 + 8 * MATES,
    OUT = 2 * RG_HORIZONS,
    FURTHEST = 30
};
const int rg_cycles[RG_HORIZONS] = {1, 2, 5, 10, 20, FURTHEST};
const char *const rg_name[RG_RIVALS] = {"stays", "constant velocity", "linear regression", "net"};
static const double unit[RG_HORIZONS] = {.2, .5, 1.4, 3, 6, 8}; /* metres that count as 1 */

/* ---- the game's positions ------------------------------------------------------------------------------------------------*/

typedef struct game {
    int n;
    int *cycle, *whole;       /* (n): cycles before this one without a gap or a jump */
    double (*at)[RG_SEEN][2]; /* (n): ball, l1..l11, r1..r11 */
    int *kicker;              /* (n): 0 nobody, 1 left, 2 right, 3 both */
} game;

static void game_free(jd_ctx *ctx, game *g)
{
    jd_free(ctx, g->cycle);
    jd_free(ctx, g->whole);
    jd_free(ctx, g->at);
    jd_free(ctx, g->kicker);
}

static bool number(jd_ctx *ctx, const char *path, const jd_tsv *t, size_t row, int col, double *out)
{
    const char *text = t->fields[row * t->cols + (size_t)col];
    char *end;
    *out = strtod(text, &end);
    if (end != text && !*end && fabs(*out) < 1e7) return true;
    jd_fail(ctx, JD_EDATA, "%s: line %zu, column %s: \"%.20s\" is no number; take the file again from its source", path,
            t->lines[row], t->names[col], text);
    return false;
}

/* The referee sets players and ball down elsewhere: more than anybody runs or kicks in a cycle. */
static bool jumps(const game *g, int t)
{
    if (g->cycle[t] != g->cycle[t - 1] + 1) return true;
    for (int i = 0; i < RG_SEEN; i++)
        if (hypot(g->at[t][i][0] - g->at[t - 1][i][0], g->at[t][i][1] - g->at[t - 1][i][1]) > (i ? 1.5 : 3.5))
            return true;
    return false;
}

static jd_status columns(jd_ctx *ctx, const jd_tsv *t, int col[2 + 2 * RG_SEEN])
{
    col[0] = jd_tsv_column(ctx, t, "cycle");
    col[1] = jd_tsv_column(ctx, t, "kicker");
    for (int i = 0; i < RG_SEEN && !jd_error(ctx); i++)
        for (int k = 0; k < 2; k++) {
            char name[16];
            if (i)
                snprintf(name, sizeof name, "%c%d_%c", i <= PLAYERS / 2 ? 'l' : 'r', (i - 1) % (PLAYERS / 2) + 1,
                         "xy"[k]);
            else
                snprintf(name, sizeof name, "ball_%c", "xy"[k]);
            col[2 + 2 * i + k] = jd_tsv_column(ctx, t, name);
        }
    return jd_error(ctx);
}

static jd_status game_read(jd_ctx *ctx, const char *set, const char *file, game *g)
{
    jd_tsv t = {0};
    int col[2 + 2 * RG_SEEN];
    char *path = jd_dataset_path(ctx, set, file);
    if (!path || jd_read_tsv(ctx, path, &t) || columns(ctx, &t, col)) goto out;
    g->n = (int)t.rows;
    g->cycle = jd_alloc_array(ctx, t.rows, sizeof *g->cycle);
    g->whole = jd_alloc_array(ctx, t.rows, sizeof *g->whole);
    g->kicker = jd_alloc_array(ctx, t.rows, sizeof *g->kicker);
    g->at = jd_alloc_array(ctx, t.rows, sizeof *g->at);
    for (int i = 0; !jd_error(ctx) && i < g->n; i++) {
        const char *who = t.fields[(size_t)i * t.cols + (size_t)col[1]];
        double v;
        if (!number(ctx, path, &t, (size_t)i, col[0], &v)) break;
        g->cycle[i] = (int)v;
        g->kicker[i] = (strchr(who, 'l') ? 1 : 0) + (strchr(who, 'r') ? 2 : 0);
        for (int k = 0; k < 2 * RG_SEEN; k++)
            if (!number(ctx, path, &t, (size_t)i, col[2 + k], &g->at[i][k / 2][k % 2])) break;
        if (i && !jd_error(ctx)) g->whole[i] = jumps(g, i) ? 0 : g->whole[i - 1] + 1;
    }
out:
    jd_tsv_free(ctx, &t);
    jd_free(ctx, path);
    return jd_error(ctx);
}

/* ---- what a net sees -----------------------------------------------------------------------------------------------------*/

/* A row of the tables: when, who, and whether the field is turned around.  Players attack to the right. */
typedef struct row {
    int t, who;
    bool turned;
} row;

/* The nearest players of a side, in `to`: place and step relative to the one who looks. */
static void nearest(const game *g, row r, int side, double sign, float *to)
{
    int chosen[MATES];
    for (int m = 0; m < MATES; m++) {
        double best = HUGE_VAL;
        chosen[m] = 0;
        for (int i = 1 + side * PLAYERS / 2; i <= (1 + side) * PLAYERS / 2; i++) {
            bool taken = i == r.who;
            for (int k = 0; k < m; k++) taken |= chosen[k] == i;
            const double far = hypot(g->at[r.t][i][0] - g->at[r.t][r.who][0], g->at[r.t][i][1] - g->at[r.t][r.who][1]);
            if (!taken && far < best) best = far, chosen[m] = i;
        }
        for (int k = 0; k < 2; k++) {
            const double *now = g->at[r.t][chosen[m]], *before = g->at[r.t - 1][chosen[m]];
            to[4 * m + k] = (float)(sign * (now[k] - g->at[r.t][r.who][k]) / 10);
            to[4 * m + 2 + k] = (float)(sign * (now[k] - before[k]));
        }
    }
}

static void look(const game *g, row r, float in[IN])
{
    const double sign = r.turned ? -1 : 1;
    float *p = in;
    for (int j = 0; j < PAST; j++)
        for (int k = 0; k < 2; k++) *p++ = (float)(sign * (g->at[r.t - j][r.who][k] - g->at[r.t - j - 1][r.who][k]));
    for (int k = 0; k < 2; k++) *p++ = (float)(sign * g->at[r.t][r.who][k] / 40);
    for (int side = 0; side < 2; side++) *p++ = (float)(g->kicker[r.t] >> (r.turned ? 1 - side : side) & 1);
    for (int k = 0; k < 2; k++) {
        *p++ = (float)(sign * (g->at[r.t][0][k] - g->at[r.t][r.who][k]) / 20);
        *p++ = (float)(sign * (g->at[r.t][0][k] - g->at[r.t - 1][0][k]));
    }
    for (int side = 0; side < 2; side++, p += 4 * MATES) nearest(g, r, r.turned ? 1 - side : side, sign, p);
}

static void goal(const game *g, row r, float out[OUT])
{
    for (int h = 0; h < RG_HORIZONS; h++)
        for (int k = 0; k < 2; k++)
            out[2 * h + k] =
                (float)((r.turned ? -1 : 1) * (g->at[r.t + rg_cycles[h]][r.who][k] - g->at[r.t][r.who][k]) / unit[h]);
}

typedef struct rows {
    int64_t n;
    float *x, *y; /* (n,IN), (n,OUT) */
} rows;

/* Cycles from..to-1 whose past and future are whole.  To learn from, the ball is seen from both ends of the field. */
static jd_status rows_of(jd_ctx *ctx, const game *g, int kind, int from, int to, bool both, rows *out)
{
    const int first = kind == RG_BALL ? 0 : 1, last = kind == RG_BALL ? both : PLAYERS;
    const size_t most = (size_t)(to > from ? to - from : 0) * (size_t)(last - first + 1);
    out->x = jd_alloc_array(ctx, most + 1, IN * sizeof *out->x);
    out->y = jd_alloc_array(ctx, most + 1, OUT * sizeof *out->y);
    for (int t = from; !jd_error(ctx) && t + FURTHEST < to; t++) {
        if (g->whole[t + FURTHEST] < FURTHEST + PAST) continue;
        for (int who = first; who <= last; who++, out->n++) {
            const row r = kind == RG_BALL ? (row){t, 0, who == 1} : (row){t, who, who > PLAYERS / 2};
            look(g, r, out->x + out->n * IN);
            goal(g, r, out->y + out->n * OUT);
        }
    }
    if (!jd_error(ctx) && !out->n)
        jd_fail(ctx, JD_EDATA, "the recorded game has no stretch of four seconds without a gap");
    return jd_error(ctx);
}

/* ---- the net -------------------------------------------------------------------------------------------------------------*/

typedef struct seer {
    char name[32];
    uint64_t seed, number;
    int64_t batch;
    const rows *train, *valid;
    jd_params *params;
    jd_fn *ask;
    float *bx, *by;
} seer;

/* A hidden layer beside a linear path. */
static jd_node says(jd_graph *g, const seer *s)
{
    const jd_node x = jd_arg(g, "x");
    jd_scope_push(g, s->name);
    const jd_node h = jd_dense(g, "hidden", x, .units = 48, .act = JD_TANH);
    const jd_node y = jd_add(g, jd_dense(g, "out", h, .units = OUT),
                             jd_dense(g, "linear", x, .units = OUT, .no_bias = true, .init = {JD_INIT_ZERO, 0}));
    jd_scope_pop(g);
    return y;
}

static void ask(jd_graph *g, void *user)
{
    jd_result(g, "answer", says(g, user));
}

/* The mean distance, which is what is measured. */
static void train_step(jd_graph *g, void *user)
{
    const jd_node off = jd_sub(g, says(g, user), jd_arg(g, "y"));
    const jd_node pairs = jd_reshape(g, jd_square(g, off), JD_DIMS(jd_dim(g, off, 0), RG_HORIZONS, 2));
    const jd_node far = jd_sqrt(g, jd_affine(g, jd_sum(g, pairs, JD_AXIS(2), false), 1, 1e-4));
    const jd_node loss = jd_mean(g, far, JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .weight_decay = 1e-5);
    jd_result(g, "loss", loss);
}

/* Every second row is mirrored: the field's sides are alike. */
static void mirror(float *v, int from, int n, int step)
{
    for (int i = from; i < from + n; i += step) v[i] = -v[i];
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    seer *s = user;
    jd_rng r = jd_rng_new(s->seed, s->name, (uint64_t)step);
    (void)slot;
    for (int64_t b = 0; b < s->batch; b++) {
        const int64_t i = jd_rng_below(&r, (uint32_t)s->train->n);
        float *x = s->bx + b * IN, *y = s->by + b * OUT;
        memcpy(x, s->train->x + i * IN, IN * sizeof *x);
        memcpy(y, s->train->y + i * OUT, OUT * sizeof *y);
        if (b % 2 == 0) continue;
        enum { BALL = 2 * PAST + 4 };
        mirror(x, 1, 2 * PAST + 1, 2);
        mirror(x, BALL + 2, 2, 1);
        mirror(x, BALL + 5, 8 * MATES - 1, 2);
        mirror(y, 1, OUT - 1, 2);
    }
    in[0] = JD_TENSOR("x", JD_F32, s->bx, s->batch, IN);
    in[1] = JD_TENSOR("y", JD_F32, s->by, s->batch, OUT);
    return 2;
}

/* Mean distances in metres at each horizon; said (n,OUT). */
static void distances(const rows *t, const float *said, double out[RG_HORIZONS])
{
    for (int h = 0; h < RG_HORIZONS; h++) {
        out[h] = 0;
        for (int64_t i = 0; i < t->n; i++) {
            const float *y = t->y + i * OUT + 2 * h, *o = said + i * OUT + 2 * h;
            out[h] += unit[h] * hypot((double)(o[0] - y[0]), (double)(o[1] - y[1])) / (double)t->n;
        }
    }
}

static const float *answers(seer *s, const rows *t)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, t->x, t->n, IN);
    return jd_fn_run(s->ask, &in, 1) ? NULL : jd_fn_result(s->ask, "answer", NULL);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    seer *s = user;
    double far[RG_HORIZONS], sum = 0;
    const float *said = answers(s, s->valid);
    if (!said) return (double)NAN;
    distances(s->valid, said, far);
    for (int h = 0; h < RG_HORIZONS; h++) sum += far[h] / unit[h] / RG_HORIZONS;
    char name[48];
    snprintf(name, sizeof name, "%s/valid", s->name);
    jd_run_log(r, step, name, sum);
    return sum;
}

static jd_status learn(jd_run *r, seer *s)
{
    jd_ctx *ctx = jd_run_ctx(r);
    s->batch = 64;
    s->params = jd_params_new(ctx, JD_F32);
    s->ask = jd_fn_new(ctx, s->params, ask, s);
    s->bx = jd_alloc_array(ctx, (size_t)s->batch * IN, sizeof *s->bx);
    s->by = jd_alloc_array(ctx, (size_t)s->batch * OUT, sizeof *s->by);
    if (jd_error(ctx)) return jd_error(ctx);
    const int64_t steps = (int64_t)jd_run_setting(r, "game_steps");
    const jd_train_options o = {.what = s->name,
                                .series = s->name,
                                .trace = train_step,
                                .user = s,
                                .steps = steps,
                                .batch = batch,
                                .lr = {.kind = JD_COSINE, .rate = 3e-3, .end = 3e-5},
                                .validate_every = steps / 12 + 1,
                                .validate = validate,
                                .keep_best = true,
                                .items_per_step = s->batch};
    jd_train_result result;
    return jd_train(r, s->params, &o, &result);
}

static void seer_free(jd_ctx *ctx, seer *s)
{
    jd_fn_free(s->ask);
    jd_params_free(s->params);
    jd_free(ctx, s->bx);
    jd_free(ctx, s->by);
}

/* ---- the rivals ----------------------------------------------------------------------------------------------------------*/

/* w (OUT,IN+1): linear regression on every third row. */
static bool regress(jd_ctx *ctx, const rows *train, double *w)
{
    enum { EVERY = 3 };
    least_squares sums;
    double x[IN + 1] = {[IN] = 1}, y[OUT];
    bool good = !least_squares_new(ctx, IN + 1, OUT, &sums);
    for (int64_t i = 0; good && i < train->n; i += EVERY) {
        for (int k = 0; k < IN; k++) x[k] = (double)train->x[i * IN + k];
        for (int k = 0; k < OUT; k++) y[k] = (double)train->y[i * OUT + k];
        least_squares_add(&sums, x, y);
    }
    good = good && least_squares_solve(&sums, 1e-9, w);
    least_squares_free(&sums);
    return good;
}

static void rivals(jd_ctx *ctx, const rows *train, const rows *test, double out[RG_RIVALS][RG_HORIZONS][RC_SEEDS],
                   int seeds)
{
    enum { N = IN + 1 };
    float *said = jd_alloc_array(ctx, (size_t)test->n * OUT, sizeof *said);
    double w[OUT * N], far[RG_HORIZONS];
    const bool fitted = regress(ctx, train, w);
    for (int rival = RG_STAYS; said && rival < RG_NET; rival++) {
        for (int64_t i = 0; i < test->n; i++)
            for (int o = 0; o < OUT; o++) {
                const float *x = test->x + i * IN;
                double y = 0;
                if (rival == RG_STRAIGHT) y = (double)x[o % 2] * rg_cycles[o / 2] / unit[o / 2];
                if (rival == RG_LINEAR) y = fitted ? w[o * N + IN] : (double)NAN;
                for (int k = 0; rival == RG_LINEAR && k < IN; k++) y += w[o * N + k] * (double)x[k];
                said[i * OUT + o] = (float)y;
            }
        distances(test, said, far);
        for (int h = 0; h < RG_HORIZONS; h++)
            for (int s = 0; s < seeds; s++) out[rival][h][s] = far[h];
    }
    jd_free(ctx, said);
}

/* ---- measuring -----------------------------------------------------------------------------------------------------------*/

/* Scenes of the test for the picture, at equal distances among the cycles with a whole past and future. */
static void scenes(const game *g, seer *s, int kind, rg_result *out)
{
    int whole = 0, count = 0;
    for (int t = 0; t + FURTHEST < g->n; t++) whole += g->whole[t + FURTHEST] >= FURTHEST + PAST;
    for (int t = 0, seen = 0; t + FURTHEST < g->n && count < RG_SCENES; t++) {
        if (g->whole[t + FURTHEST] < FURTHEST + PAST || seen++ != (2 * count + 1) * whole / (2 * RG_SCENES)) continue;
        out->scene[count].cycle = g->cycle[t];
        for (int who = kind == RG_BALL ? 0 : 1; who < (kind == RG_BALL ? 1 : RG_SEEN); who++) {
            float x[IN];
            look(g, (row){t, who, who > PLAYERS / 2}, x);
            const float *said = answers(s, &(rows){.n = 1, .x = x});
            for (int h = 0; said && h <= RG_HORIZONS; h++)
                for (int k = 0; k < 2; k++) {
                    const double now = g->at[t][who][k], sign = who > PLAYERS / 2 ? -1 : 1;
                    out->scene[count].is[h][who][k] = (float)g->at[t + (h ? rg_cycles[h - 1] : 0)][who][k];
                    out->scene[count].said[h][who][k] =
                        (float)(now + (h ? sign * unit[h - 1] * (double)said[2 * (h - 1) + k] : 0));
                }
        }
        count++;
    }
}

static jd_status one_kind(jd_run *r, const game *train, const game *test, int kind, rg_result *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    rows learned = {0}, valid = {0}, tested = {0};
    const int cut = train->n - train->n / 6; /* the last sixth chooses the weights */
    if (!rows_of(ctx, train, kind, 0, cut, true, &learned) && !rows_of(ctx, train, kind, cut, train->n, false, &valid))
        rows_of(ctx, test, kind, 0, test->n, false, &tested);
    out->rows[kind][0] = learned.n;
    out->rows[kind][1] = tested.n;
    if (!jd_error(ctx)) rivals(ctx, &learned, &tested, out->error[kind], out->seeds);
    for (int s = 0; s < out->seeds && !jd_error(ctx); s++) {
        seer net = {.seed = jd_run_seed(r), .number = (uint64_t)s, .train = &learned, .valid = &valid};
        double far[RG_HORIZONS];
        snprintf(net.name, sizeof net.name, "%s-%d", kind == RG_BALL ? "ball" : "player", s + 1);
        if (!learn(r, &net)) {
            const float *said = answers(&net, &tested);
            if (said) distances(&tested, said, far);
            for (int h = 0; said && h < RG_HORIZONS; h++) out->error[kind][RG_NET][h][s] = far[h];
            if (s == 0) scenes(test, &net, kind, out);
        }
        seer_free(ctx, &net);
    }
    const rows *all[] = {&learned, &valid, &tested};
    for (int i = 0; i < 3; i++) {
        jd_free(ctx, all[i]->x);
        jd_free(ctx, all[i]->y);
    }
    return jd_error(ctx);
}

jd_status rg_run(jd_run *r, rg_result *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    game train = {0}, test = {0};
    const char *set = jd_run_data(r, "robocup2d");
    const int seeds = (int)jd_run_setting(r, "game_seeds");
    *out = (rg_result){.seeds = seeds < 1 ? 1 : seeds > RC_SEEDS ? RC_SEEDS : seeds};
    if (!game_read(ctx, set, "train.tsv", &train) && !game_read(ctx, set, "test.tsv", &test))
        for (int kind = 0; kind < RG_KINDS && !jd_error(ctx); kind++) one_kind(r, &train, &test, kind, out);
    game_free(ctx, &train);
    game_free(ctx, &test);
    return jd_error(ctx);
}
