/* policy_loss.c - policy gradients as nodes: losses whose gradient is that of the expected return, negated. */
#include "jackdaw/reward.h"

void jd_returns(const float *reward, const int32_t *length, int64_t T, int64_t B, double gamma, float *ret)
{
    for (int64_t b = 0; b < B; b++) {
        double sum = 0;
        for (int64_t t = T - 1; t >= 0; t--) {
            sum = t < length[b] ? (double)reward[t * B + b] + gamma * sum : 0;
            ret[t * B + b] = (float)sum;
        }
    }
}

static jd_node mean_over_episodes(jd_graph *g, jd_node each, jd_node advantage)
{
    const jd_node sum = jd_sum(g, jd_mul(g, each, jd_stop(g, advantage)), JD_ALL_AXES, false);
    return jd_affine(g, sum, 1 / (double)jd_dim(g, advantage, 1), 0);
}

static bool fits(jd_graph *g, const char *what, jd_node x, jd_node advantage)
{
    if (!x.id || !advantage.id) return false;
    if (jd_rank(g, x) == 3 && jd_rank(g, advantage) == 2 && jd_dim(g, x, 0) == jd_dim(g, advantage, 0) &&
        jd_dim(g, x, 1) == jd_dim(g, advantage, 1))
        return true;
    jd_fail(jd_graph_ctx(g), JD_EUSAGE, "%s: give (T,B,A) and an advantage (T,B) of the same T and B", what);
    return false;
}

jd_node jd_policy_loss(jd_graph *g, jd_node logits, jd_node action, jd_node advantage)
{
    if (!fits(g, "policy loss", logits, advantage)) return JD_NONE;
    return mean_over_episodes(g, jd_softmax_xent_each(g, logits, action), advantage);
}

jd_node jd_gauss_policy_loss(jd_graph *g, jd_node mean, jd_node log_sigma, jd_node action, jd_node advantage)
{
    if (!fits(g, "policy loss of normal distributions", mean, advantage)) return JD_NONE;
    /* -log p = (a - mu)^2 / (2 sigma^2) + log sigma + constant */
    const jd_node away = jd_mul(g, jd_sub(g, action, mean), jd_exp(g, jd_neg(g, log_sigma)));
    const jd_node each = jd_add(g, jd_affine(g, jd_square(g, away), .5, 0), log_sigma);
    return mean_over_episodes(g, jd_sum(g, each, JD_AXIS(2), false), advantage);
}
