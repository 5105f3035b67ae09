/*
 * evolve.c - an environment of one's own, and a network that evolves in it: a lander comes down on its place.
 *
 *     cc -o evolve evolve.c $(pkg-config --cflags --libs jackdaw) -lm && ./evolve
 *
 * The lander sees where it is, how fast, how it leans and turns; it has an engine below and jets that turn it.  An episode
 * is worth more the nearer, slower and more upright it touches the ground.  Separable natural evolution strategies look for
 * the weights; every candidate comes down from the same eight places, others in each generation.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jackdaw/jackdaw.h>

enum { X, Y, VX, VY, LEAN, SPIN, STATE };
enum { POPULATION = 64, GENERATIONS = 150, STARTS = 8, TESTS = 1000 };
#define TICK    .1  /* s */
#define GRAVITY 1.6 /* m/s^2, the moon's */
#define ENGINE  4.0 /* m/s^2 */
#define JETS    1.0 /* rad/s^2 */

/* ---- the environment --------------------------------------------------------------------------------------------------*/

static void start(void *user, uint64_t seed, double *s)
{
    jd_rng r = jd_rng_new(seed, "lander", 0);
    (void)user;
    s[X] = 40 * jd_rng_uniform64(&r) - 20;
    s[Y] = 40 + 10 * jd_rng_uniform64(&r);
    s[VX] = 4 * jd_rng_uniform64(&r) - 2;
    s[VY] = -2 * jd_rng_uniform64(&r);
    s[LEAN] = .4 * jd_rng_uniform64(&r) - .2;
}

static double step(void *user, double *s, const float *action, bool *over)
{
    const double push = ENGINE * (double)action[0];
    double sine, cosine;
    (void)user;
    s[SPIN] += TICK * JETS * (double)action[1];
    s[LEAN] += TICK * s[SPIN];
    jd_sincos(s[LEAN], &sine, &cosine);
    s[VX] += TICK * push * sine;
    s[VY] += TICK * (push * cosine - GRAVITY);
    s[X] += TICK * s[VX];
    s[Y] += TICK * s[VY];
    const bool down = s[Y] <= 0, lost = fabs(s[X]) > 100 || s[Y] > 100 || fabs(s[LEAN]) > 3;
    *over = down || lost;
    if (lost) return -200;
    return down ? -fabs(s[X]) - 5 * hypot(s[VX], s[VY]) - 30 * fabs(s[LEAN]) : -.01 * push;
}

static void observe(void *user, const double *s, float *see)
{
    static const double ONE[STATE] = {20, 20, 5, 5, .5, .5}; /* what is shown as 1 */
    (void)user;
    for (int k = 0; k < STATE; k++) see[k] = (float)(s[k] / ONE[k]);
}

static const float WEAKEST[2] = {0, -1}, STRONGEST[2] = {1, 1};
static const jd_env_own LANDER = {.name = "lander",
                                  .state = STATE,
                                  .observation = STATE,
                                  .action = 2,
                                  .action_low = WEAKEST,
                                  .action_high = STRONGEST,
                                  .time_limit = 600,
                                  .start = start,
                                  .step = step,
                                  .observe = observe};

/* ---- evolution --------------------------------------------------------------------------------------------------------*/

/* Mean scores (n) of n candidates over episodes first .. first + count - 1; the steps taken. */
static int64_t try_all(jd_rollout *r, const double *weights, size_t n, int first, int count, double *mean)
{
    static double score[POPULATION];
    static int64_t steps[POPULATION];
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) mean[i] = 0;
    for (int k = 0; k < count; k++) {
        jd_rollout_run(r, weights, false, n, NULL, (uint64_t)(first + k), 0, score, steps);
        for (size_t i = 0; i < n; i++) mean[i] += score[i] / count, sum += steps[i];
    }
    return sum;
}

/* How many of the landings that were never practised are soft, upright and within 3 m. */
static int test(jd_ctx *ctx, jd_rollout *r, const double *weights)
{
    int soft = 0;
    for (int k = 0; k < TESTS; k++) {
        double score = 0;
        jd_rollout_run(r, weights, false, 1, NULL, (uint64_t)(1000000 + k), 0, &score, NULL);
        if (score > -10) soft++;
    }
    return jd_error(ctx) ? 0 : soft;
}

int main(void)
{
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_rollout *r = jd_rollout_new(ctx, &(jd_rollout_options){.env_options = {.own = &LANDER}, .net = {.hidden = 8}});
    jd_search *s = jd_search_new(ctx, &(jd_search_options){.method = JD_SEARCH_SNES,
                                                           .dim = jd_rollout_weights(r),
                                                           .population = POPULATION,
                                                           .budget = POPULATION * GENERATIONS,
                                                           .seed = 1});
    const double *weights;
    double score[POPULATION], seconds = 0;
    int64_t steps = 0;
    size_t n;
    for (int generation = 0; (weights = jd_search_ask(s, &n)); generation++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        steps += try_all(r, weights, n, generation * STARTS, STARTS, score);
        clock_gettime(CLOCK_MONOTONIC, &b);
        seconds += (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        jd_search_tell(s, score);
        const jd_search_status now = jd_search_state(s);
        if (generation % 25 == 24)
            printf("generation %3d: best %6.1f, mean %6.1f\n", generation + 1, now.last_best, now.mean);
    }
    weights = jd_search_center(s);
    if (weights) printf("%d of %d landings from new places are good\n", test(ctx, r, weights), TESTS);
    if (seconds > 0) printf("%.1f million steps a second\n", 1e-6 * (double)steps / seconds);
    if (jd_error(ctx)) fprintf(stderr, "%s\n", jd_error_message(ctx));
    const int failed = jd_error(ctx) != JD_OK;
    jd_search_free(s);
    jd_rollout_free(r);
    jd_ctx_free(ctx);
    return failed;
}
