/*
 * exchange.c - the mean of a gradient over the shards of a training step (jackdaw/ranks.h).  In the plan of a rank with
 * several shards a step runs up to here for each; with the last the mean is known and the step goes on.  Without shards it
 * is a copy.
 */
#ifndef REAL
#include <string.h>

#include "base/ranks.h"
#include "ops/real.h"
#include "ops/update.h"

static jd_status infer_exchange(jd_infer *c)
{
    c->nout = 1;
    c->out[0] = c->in[0];
    return JD_OK;
}

#define JD_SELF "ops/exchange.c"
#include "ops/twice.h"

const jd_op jd__op_exchange = {.name = "exchange",
                               .doc = "the mean over the shards of a training step",
                               .flags = JD_OP_FENCE | JD_OP_SERIAL,
                               .attr_bytes = sizeof(jd_exchange_attr),
                               .infer = infer_exchange,
                               .ref = {exchange_f32, exchange_f64}};
#else

static void FN(exchange)(const jd_call *c, const jd_worker *worker)
{
    const jd_exchange_attr *a = c->attr;
    const size_t n = (size_t)jd__count(&c->in_type[0]);
    if (worker->id) return;
    if (a->group)
        a->group->mean(a->group, c->in[0], c->out[0], n, sizeof(REAL));
    else
        memcpy(c->out[0], c->in[0], n * sizeof(REAL));
}
#endif
