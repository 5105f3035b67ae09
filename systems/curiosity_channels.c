/* curiosity_channels.c - channels to listen to by compression progress; see curiosity_channels.h. */
#include "curiosity_channels.h"

#include <stdio.h>
#include <string.h>

#include "curiosity.h"
#include "jackdaw/layers.h"

/* ---- channels ----------------------------------------------------------------------------------------------------------------*/

static const char prose[] =
    "a child that has looked long enough at a wall turns away from it, since there is nothing left to find out. it "
    "turns away from the snow on an empty television too, although every picture there is new: what comes next cannot "
    "be guessed, and no amount of looking makes the guesses better. between the two lie the things that are worth its "
    "time. a ball that rolls behind a box and comes out on the other side, a song with a refrain, a door that opens "
    "when the handle is pressed: at first they surprise, then less, and in the end not at all. the surprise itself is "
    "not what is sought, but its decline. whoever keeps a diary of what was seen can write it down in fewer words as "
    "soon as a rule is found, and the saved words are a measure of the insight. so a machine may be paid for each word "
    "that it saves, and it will go where words can be saved. it will leave a place when the rule is known, and also "
    "when there seems to be none, and it will come back when it has learned enough elsewhere to try again. boredom is "
    "then no fault but a compass; it says that the time has come to go on. a gardener knows the same thing from "
    "the other end: the bed that was dug last year gives easily, the field beyond the hedge is full of roots, and "
    "the swamp will never carry a spade. she digs at the edge of the field. every spring the edge has moved, and "
    "what was hard has become part of the bed. nobody told her where to begin; her own hands told her, by what "
    "they could nearly do. it is not so different with numbers. the pupil who has learned to add finds no "
    "pleasure in adding, and none in a proof of which he understands no line, but a good deal in the problem that "
    "gives way after an hour. when it has given way he looks for another one. teachers who know this do not "
    "praise the right answers of the quick; they put the next question where the last answer ended. some machines "
    "of our time are asked to win games that they do not see to the end, with a prize so far away that no path of "
    "chance will ever meet it. they wander in the hall beside the door. if they were paid a little for each room "
    "whose plan they can draw better than before, they would leave the hall for the stairs, the stairs for the "
    "attic, and one day they would stand before the prize without having looked for it. but pay them for surprise "
    "alone, and they will sit down before the window and count the raindrops on the glass. the old sailors made "
    "their charts in this way. the coast near the harbour was drawn a hundred times, until no captain wanted to "
    "draw it again; the open sea has no marks, and there is nothing to draw. between them lay the islands. a "
    "captain came home with three new capes on a sheet of paper, the next one with a bay, and the sheet grew "
    "towards the west as if the paper itself had wanted it. what moved it was the line between the known and the "
    "unknown, which runs through every mind, and which is the only place where a mind can grow. so the rule is "
    "short. keep what you have seen. try to say it in fewer words. notice when you succeed, and go where you have "
    "just succeeded, as long as it lasts. then go elsewhere. much of what is called art, or play, or research, "
    "may be no more than this rule, carried out with patience by creatures who do not know that they follow it.";

static int letter(char c)
{
    static const char marks[] = " .,:;?";
    if (c >= 'a' && c <= 'z') return c - 'a';
    const char *at = strchr(marks, c);
    return 26 + (at ? (int)(at - marks) : 0);
}

/* x in units of `span`, -1..1, as one of the symbols. */
static int level(double x, double span)
{
    const int i = (int)floor((x / span + 1) / 2 * CC_SYMBOLS);
    return i < 0 ? 0 : i >= CC_SYMBOLS ? CC_SYMBOLS - 1 : i;
}

static double process(cc_channel *c)
{
    double x = jd_rng_normal(&c->chance);
    for (int i = 0; i < 4; i++) x += c->a[i] * c->past[i];
    memmove(c->past + 1, c->past, 3 * sizeof *c->past);
    return c->past[0] = x;
}

void cc_channel_new(cc_channel *c, int number, uint64_t seed)
{
    enum { SETTLE = 1000, MEASURED = 4000 };
    const int variant = number / CC_KINDS;
    *c = (cc_channel){.kind = (cc_kind)(number % CC_KINDS)};
    c->chance = jd_rng_new(seed, "curiosity/channel", (uint64_t)number);
    c->symbol = (int)jd_rng_below(&c->chance, CC_SYMBOLS);
    c->step = 2 * 3.14159265358979323846 / (11.3 + 6.7 * variant);
    c->phase = 100 * jd_rng_uniform64(&c->chance);
    c->at = jd_rng_below(&c->chance, sizeof prose - 1);
    if (c->kind != CC_AR) return;
    /* Two resonances: (1 - 2 r cos(w) z + r^2 z^2) for each, multiplied out. */
    const double r[2] = {.98, .95}, w[2] = {.35 + .1 * variant, 1.1 + .2 * variant};
    const double p[2] = {2 * r[0] * cos(w[0]), 2 * r[1] * cos(w[1])}, q[2] = {r[0] * r[0], r[1] * r[1]};
    c->a[0] = p[0] + p[1];
    c->a[1] = -(q[0] + q[1] + p[0] * p[1]);
    c->a[2] = p[0] * q[1] + p[1] * q[0];
    c->a[3] = -q[0] * q[1];
    double squares = 0;
    for (int i = 0; i < SETTLE + MEASURED; i++) {
        const double x = process(c);
        if (i >= SETTLE) squares += x * x / MEASURED;
    }
    c->sd = sqrt(squares);
}

int cc_channel_next(cc_channel *c)
{
    switch (c->kind) {
    case CC_CONSTANT: return c->symbol;
    case CC_SINE: return level(sin(c->phase += c->step), 1);
    case CC_AR: return level(process(c), 3 * c->sd);
    case CC_TEXT:
        if (++c->at >= sizeof prose - 1) c->at = 0;
        return letter(prose[c->at]);
    default: return (int)jd_rng_below(&c->chance, CC_SYMBOLS);
    }
}

const char *cc_kind_name(cc_kind kind)
{
    static const char *const name[CC_KINDS] = {"constant", "sine", "AR(4)", "text", "noise"};
    return name[kind];
}

/* ---- the compressor --------------------------------------------------------------------------------------------------------------*/

/* A visit hears NEW pieces of LENGTH symbols, and trains on them in STEPS, each with as many more from the channel's history.
 * Both codes are taken of the channel's history, or of CODED pieces of it.  Each channel has a net of its own: what is learned
 * about one is not forgotten over another (and then learned again as if it were progress), and the codes of the others stay as
 * they are, so that the progress on the channel is the progress on all that was heard. */
enum {
    LENGTH = 32,
    NEW = 4,
    REPLAYED = 4,
    TRAINED = NEW + REPLAYED,
    STEPS = 4,
    CODED = 256,
    AT_ONCE = 32,
    INPUTS = 32
};
typedef int32_t piece[LENGTH + 1];

typedef struct compressor {
    char scope[32];
    int units, n;
    float rate;
    jd_params *params;
    jd_fn *train, *code;
    piece *heard;                                     /* (n): the history */
    int32_t x[LENGTH * AT_ONCE], y[LENGTH * AT_ONCE]; /* (T,B) */
} compressor;

/* int32 (T,B): symbols -> nats of each next symbol (T B) */
static jd_node nats(jd_graph *g, const compressor *c)
{
    const jd_node x = jd_embedding(g, "symbol", jd_arg(g, "x"), CC_SYMBOLS, INPUTS);
    const jd_node h = jd_lstm(g, "lstm", x, .units = c->units);
    return jd_softmax_xent_each(g, jd_dense(g, "out", h, .units = CC_SYMBOLS, .each = true), jd_arg(g, "y"));
}

static void train_step(jd_graph *g, void *user)
{
    const compressor *c = user;
    jd_scope_push(g, c->scope);
    jd_update_adam(g, jd_mean(g, nats(g, c), JD_ALL_AXES, false), jd_arg(g, "lr"), .clip = 1);
    jd_scope_pop(g);
}

static void code_step(jd_graph *g, void *user)
{
    const compressor *c = user;
    jd_scope_push(g, c->scope);
    jd_result(g, "nats", nats(g, c));
    jd_scope_pop(g);
}

static void compressor_new(jd_run *r, compressor *c, int seed, int by, int channel, int visits)
{
    jd_ctx *ctx = jd_run_ctx(r);
    *c = (compressor){.units = (int)jd_run_setting(r, "channel_units"),
                      .rate = (float)jd_run_setting(r, "channel_rate")};
    snprintf(c->scope, sizeof c->scope, "channel-%d-%d-%d", seed, by, channel);
    c->params = jd_params_new(ctx, JD_F32);
    c->train = jd_fn_new(ctx, c->params, train_step, c);
    c->code = jd_fn_new(ctx, c->params, code_step, c);
    c->heard = jd_alloc_array(ctx, (size_t)visits * NEW, sizeof *c->heard);
}

static void compressor_free(jd_ctx *ctx, compressor *c)
{
    jd_fn_free(c->train);
    jd_fn_free(c->code);
    jd_params_free(c->params);
    jd_free(ctx, c->heard);
}

static void fill(compressor *c, const int which[], int n, jd_tensor in[3])
{
    for (int t = 0; t < LENGTH; t++)
        for (int b = 0; b < n; b++) {
            c->x[t * n + b] = c->heard[which[b]][t];
            c->y[t * n + b] = c->heard[which[b]][t + 1];
        }
    in[0] = JD_TENSOR("x", JD_I32, c->x, LENGTH, n);
    in[1] = JD_TENSOR("y", JD_I32, c->y, LENGTH, n);
    in[2] = JD_SCALAR_F32("lr", &c->rate);
}

/* Bits a symbol, mean of the pieces; NaN after an error. */
static double code(compressor *c, const int which[], int n)
{
    double sum = 0;
    for (int from = 0; from < n; from += AT_ONCE) {
        int part[AT_ONCE];
        jd_tensor in[3];
        for (int i = 0; i < AT_ONCE; i++) part[i] = which[from + i < n ? from + i : from]; /* one shape for all */
        fill(c, part, AT_ONCE, in);
        if (jd_fn_run(c->code, in, 2)) return (double)NAN;
        const float *e = jd_fn_result(c->code, "nats", NULL);
        for (int t = 0; t < LENGTH; t++)
            for (int i = 0; i < AT_ONCE && from + i < n; i++) sum += (double)e[t * AT_ONCE + i];
    }
    return sum / LENGTH / n / 0.69314718055994531;
}

static bool is_in(const int *which, int n, int value)
{
    for (int i = 0; i < n; i++)
        if (which[i] == value) return true;
    return false;
}

/* One visit: *error is the code of what was heard, before it was learned; returns how much shorter the code of the history
 * became, both in bits a symbol.  Pieces that are trained on in this visit do not count, as soon as there are enough others: to
 * learn a piece of noise by heart shortens its own code only. */
static double visit(compressor *c, cc_channel *channel, jd_rng *chance, double *error)
{
    int learn[STEPS][TRAINED], sample[CODED], n = 0;
    jd_tensor in[3];
    const int old = c->n;
    const bool apart = old >= 4 * STEPS * REPLAYED;
    for (int i = 0; i < NEW; i++, c->n++)
        for (int t = 0; t <= LENGTH; t++) c->heard[c->n][t] = cc_channel_next(channel);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < TRAINED; i++)
            learn[step][i] = i < NEW ? old + i : (int)jd_rng_below(chance, (uint32_t)c->n);
    const int from = apart ? old : c->n;
    for (int i = 0, need = from < CODED ? from : CODED; i < from; i++) {
        if ((int)jd_rng_below(chance, (uint32_t)(from - i)) >= need) continue;
        need--;
        if (!apart || !is_in(learn[0], STEPS * TRAINED, i)) sample[n++] = i;
    }
    *error = code(c, learn[0], NEW);
    const double before = code(c, sample, n);
    for (int step = 0; step < STEPS; step++) {
        fill(c, learn[step], TRAINED, in);
        if (jd_fn_run(c->train, in, 3)) return (double)NAN;
    }
    return before - code(c, sample, n);
}

/* ---- choosing by what is expected ----------------------------------------------------------------------------------------------------*/

/* The best mean of the last RECENT rewards. */
enum { RECENT = 30 };
typedef struct chooser {
    double got[CC_CHANNELS][RECENT]; /* in a ring */
    int visits[CC_CHANNELS];
    jd_rng chance;
} chooser;

static double expected(const chooser *c, int channel)
{
    const int n = c->visits[channel] < RECENT ? c->visits[channel] : RECENT;
    double sum = 0;
    for (int i = 0; i < n; i++) sum += c->got[channel][i];
    return n ? sum / n : CC_SYMBOLS; /* more than anything can bring: each is tried */
}

static int choose(chooser *c, int channels, double explore, bool *any)
{
    int best = 0;
    *any = jd_rng_uniform64(&c->chance) < explore;
    if (*any) return (int)jd_rng_below(&c->chance, (uint32_t)channels);
    for (int k = 1; k < channels; k++)
        if (expected(c, k) > expected(c, best)) best = k;
    return best;
}

static bool listen(jd_run *r, cc_result *out, int by, int seed)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int K = out->channels, visits = out->visits;
    const double explore = jd_run_setting(r, "channel_explore");
    compressor *c = jd_alloc_array(ctx, (size_t)K, sizeof *c);
    chooser choice = {.chance = jd_rng_new(cu_seed(r, seed), "curiosity/chooser", (uint64_t)by)};
    cc_channel channel[CC_CHANNELS];
    for (int k = 0; c && k < K; k++) {
        compressor_new(r, &c[k], seed, by, k, visits);
        cc_channel_new(&channel[k], k, cu_seed(r, seed));
    }
    bool whole = true;
    for (int v = 0; whole && !jd_error(ctx) && v < visits; v++) {
        bool any;
        const int k = choose(&choice, K, explore, &any), block = (int)((int64_t)v * CC_BLOCKS / visits);
        double error;
        const double progress = visit(&c[k], &channel[k], &choice.chance, &error);
        choice.got[k][choice.visits[k]++ % RECENT] = by == CC_PROGRESS ? progress : error;
        const size_t at = ((size_t)seed * (size_t)K + (size_t)k) * CC_BLOCKS + (size_t)block;
        out->share[by][at] += (double)CC_BLOCKS / visits;
        if (by == CC_PROGRESS && !any) out->chosen[at]++;
        out->bits[by][at] = error;
        whole = !jd_run_progress(r, (double)(seed * CC_CHOOSERS + by) * visits + v + 1,
                                 (double)out->seeds * CC_CHOOSERS * visits, "%s, visit %d",
                                 by == CC_PROGRESS ? "progress" : "error", v + 1);
    }
    for (int k = 0; c && k < K; k++) compressor_free(ctx, &c[k]);
    jd_free(ctx, c);
    return whole && !jd_error(ctx);
}

/* ---- all seeds -------------------------------------------------------------------------------------------------------------------*/

/* The visit by which a kind had got this part of its visits that were chosen, not explored. */
static double left(const cc_result *c, int seed, cc_kind kind, double part)
{
    double sum[CC_BLOCKS] = {0}, all = 0, so_far = 0;
    for (int k = (int)kind; k < c->channels; k += CC_KINDS)
        for (int b = 0; b < CC_BLOCKS; b++) {
            const double v = c->chosen[(seed * c->channels + k) * CC_BLOCKS + b];
            sum[b] += v;
            all += v;
        }
    int b = 0;
    for (; all > 0 && b < CC_BLOCKS; b++)
        if ((so_far += sum[b]) >= part * all) break;
    return all > 0 ? (double)(b + 1) * c->visits / CC_BLOCKS : 0;
}

bool cc_in_order(const cc_result *c, int seed)
{
    const double *l = c->left[seed];
    return l[CC_CONSTANT] < l[CC_SINE] && l[CC_SINE] < l[CC_AR] && l[CC_AR] < l[CC_TEXT];
}

bool cc_run(jd_run *r, cc_result *c)
{
    jd_ctx *ctx = jd_run_ctx(r);
    *c = (cc_result){.seeds = (int)jd_run_setting(r, "channel_seeds"),
                     .channels = (int)jd_run_setting(r, "channels"),
                     .visits = (int)jd_run_setting(r, "channel_visits")};
    const size_t n = (size_t)c->seeds * (size_t)c->channels * CC_BLOCKS;
    jd_run_stage(r, "channels");
    c->chosen = jd_alloc_array(ctx, n, sizeof(double));
    for (int by = 0; by < CC_CHOOSERS; by++) {
        c->share[by] = jd_alloc_array(ctx, n, sizeof(double));
        c->bits[by] = jd_alloc_array(ctx, n, sizeof(double));
        for (size_t i = 0; c->bits[by] && i < n; i++) c->bits[by][i] = (double)NAN;
    }
    for (int s = 0; s < c->seeds && !jd_error(ctx); s++) {
        for (int by = 0; by < CC_CHOOSERS; by++)
            if ((by == CC_PROGRESS || s < CC_ERROR_SEEDS) && !listen(r, c, by, s)) return false;
        for (int k = 0; k < CC_KINDS; k++) {
            c->half[s][k] = left(c, s, (cc_kind)k, .5);
            c->left[s][k] = left(c, s, (cc_kind)k, .8);
        }
        jd_run_note(r, "channels, seed %d: left constant %.0f, sine %.0f, AR(4) %.0f, text %.0f, noise %.0f", s + 1,
                    c->left[s][CC_CONSTANT], c->left[s][CC_SINE], c->left[s][CC_AR], c->left[s][CC_TEXT],
                    c->left[s][CC_NOISE]);
    }
    return !jd_error(ctx);
}

void cc_result_free(jd_ctx *ctx, cc_result *c)
{
    for (int by = 0; by < CC_CHOOSERS; by++) {
        jd_free(ctx, c->share[by]);
        jd_free(ctx, c->bits[by]);
    }
    jd_free(ctx, c->chosen);
}
