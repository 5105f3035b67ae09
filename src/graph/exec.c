/* exec.c - running a plan. */
#include <math.h>

#include "base/ctx.h"
#include "base/flush.h"
#include "base/ranks.h"
#include "graph/offload.h"

static const jd_worker ALONE = {0, 1, NULL};

int jd__plan_end(const jd_plan *p)
{
    const jd_group *g = p->ctx->group;
    return p->exchange && g && g->pushed + 1 < g->local ? p->exchange : p->ninstr;
}

static void run_serial(jd_plan *p)
{
    const uint32_t mode = jd__flush_denormals();
    for (int i = 0; i < p->end; i++) p->instr[i].kernel(&p->instr[i].call, &ALONE);
    jd__arithmetic_end(mode);
}

/* Every member walks the instructions.  Member 0 runs the serial ones; a barrier stands where a parallel instruction
 * begins or ends, so that whatever it reads is complete. */
static void run_member(void *user, const jd_worker *w)
{
    jd_plan *p = user;
    const uint32_t mode = jd__flush_denormals();
    bool waiting = false; /* serial work of member 0 has not been waited for yet */
    for (int i = 0; i < p->end; i++) {
        jd__instr *in = &p->instr[i];
        if (!in->parallel) {
            if (w->id == 0) in->kernel(&in->call, &ALONE);
            waiting = true;
            continue;
        }
        if (waiting) jd_team_barrier(w);
        in->kernel(&in->call, w);
        jd_team_barrier(w);
        waiting = false;
    }
    jd__arithmetic_end(mode);
}

jd_status jd_plan_run(jd_plan *p)
{
    if (!p) return JD_EUSAGE;
    const jd_status status = jd__ctx_status(p->ctx);
    if (status) return status;
    if (p->off) return jd__offload_run(p, NULL, 0);
    if (p->params && p->generation != p->params->generation) jd__plan_rebind(p);
    p->end = jd__plan_end(p);
    if (!p->parallel) {
        run_serial(p);
        return jd__ctx_status(p->ctx);
    }
    jd_team *team = jd__ctx_team(p->ctx);
    if (!team) return jd_error(p->ctx);
    jd_team_run(team, run_member, p);
    return jd__ctx_status(p->ctx);
}

static void run_one(void *user, const jd_worker *w)
{
    const jd__instr *i = user;
    const uint32_t mode = jd__flush_denormals();
    i->kernel(&i->call, w);
    jd__arithmetic_end(mode);
}

void jd__run_instr(jd_plan *p, jd__instr *i)
{
    if (p->off) {
        jd__offload_instr(p, (int)(i - p->instr), 1);
        return;
    }
    jd_team *team = i->parallel ? jd__ctx_team(p->ctx) : NULL;
    if (team)
        jd_team_run(team, run_one, i);
    else
        run_one(i, &ALONE);
}

/* ---- finding a NaN -----------------------------------------------------------------------------------------------------*/

static int64_t first_not_finite(const void *data, const jd_type *t)
{
    const int64_t n = jd__count(t);
    for (int64_t i = 0; i < n; i++)
        if (t->dtype == JD_F32 ? !isfinite(((const float *)data)[i])
                               : t->dtype == JD_F64 && !isfinite(((const double *)data)[i]))
            return i;
    return -1;
}

static jd_status check_instr(jd_plan *p, const jd__instr *in, int number)
{
    for (int k = 0; k < in->call.nin + in->call.nout; k++) {
        const bool input = k < in->call.nin;
        const void *data = input ? in->call.in[k] : in->call.out[k - in->call.nin];
        const jd_type *t = &in->call.in_type[k];
        const int64_t at = data ? first_not_finite(data, t) : -1;
        char shape[64];
        if (at < 0) continue;
        return jd_fail(p->ctx, JD_EDIVERGED,
                       "instruction %d (%s%s%s): %s %d %s has a value that is not finite at element %lld; lower the "
                       "learning rate, clip the gradient, or look at the input data",
                       number, in->call.op->name, in->name[0] ? " of " : "", in->name, input ? "operand" : "result",
                       input ? k : k - in->call.nin, jd__shape_text(t, shape), (long long)at);
    }
    return JD_OK;
}

jd_status jd_plan_check_finite(jd_plan *p)
{
    if (!p) return JD_EUSAGE;
    if (jd_error(p->ctx)) return jd_error(p->ctx);
    if (p->params && p->generation != p->params->generation) jd__plan_rebind(p);
    for (int i = 0; i < p->ninstr; i++) {
        /* An update is not run: the parameters stay as they are. */
        if (p->instr[i].call.op->flags & JD_OP_FENCE) continue;
        jd__run_instr(p, &p->instr[i]);
        if (p->off && jd__offload_fetch(p, i)) return jd_error(p->ctx);
        if (check_instr(p, &p->instr[i], i)) return jd_error(p->ctx);
    }
    return JD_OK;
}
