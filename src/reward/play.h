/*
 * play.h - actors in copies of an environment, in step with each other, and the record of what they did.
 */
#ifndef JD_REWARD_PLAY_H
#define JD_REWARD_PLAY_H

#include "base/ctx.h"
#include "jackdaw/reward.h"

typedef struct jd_stage {
    jd_ctx *ctx;
    const char *name;
    jd_env_options o;
    bool see_action;
    jd_space see, act;
    int input, state; /* what a network sees: observation and action before */
    /* Filled by jd__stage_play. */
    jd_episodes e;
    int64_t copies, capacity; /* of env; steps that fit */
    jd_env *env;
    float *obs, *action, *reward;
    double *states;
    int32_t *length;
    uint8_t *terminated, *end, *late, *over;
    float *now, *did, *got; /* (n,observation), (n,action), (n) */
} jd_stage;

/* Decides for n copies at time t: in (n,input) -> act (n,action).  Copies that have ended are decided for too. */
typedef void jd__actor(void *user, int64_t t, const float *in, float *act);

jd_status jd__stage_open(jd_stage *s, jd_ctx *ctx, const char *env, const jd_env_options *o, bool see_action);
void jd__stage_close(jd_stage *s);
/* One episode of each of n copies; the result is s->e. */
jd_status jd__stage_play(jd_stage *s, int64_t n, const jd_play_options *o, jd__actor *actor, void *user);
/* Numbers the action before as inputs: did (action), NULL at the start -> in (input - observation). */
void jd__stage_see_action(const jd_stage *s, const float *did, float *in);

#endif
