/*
 * schedule.c - the learning rate as a function of the step.  Only basic operations and the project's own exp, log and
 * cosine: a rate has the same bits on every machine.
 */
#include "base/ctx.h"
#include "base/dmath.h"
#include "jackdaw/train.h"

/* factor^n by squaring. */
static double power(double factor, int64_t n)
{
    double r = 1;
    for (; n > 0; n /= 2, factor *= factor)
        if (n % 2) r *= factor;
    return r;
}

double jd_schedule_at(const jd_schedule *s, int64_t step, int64_t steps)
{
    if (!s) return 0;
    const double last = steps > 1 ? (double)(steps - 1) : 1;
    const double t = step <= 0 ? 0 : (double)step >= last ? 1 : (double)step / last; /* 0..1 over the training */
    const int64_t periods = s->period > 0 && step > 0 ? step / s->period : 0;
    double rate = s->rate;
    switch (s->kind) {
    case JD_CONSTANT: break;
    case JD_GEOMETRIC:
        if (s->rate > 0 && s->end > 0 && t > 0)
            rate = t < 1 ? s->rate * jd__exp64(jd__log64(s->end / s->rate) * t) : s->end;
        break;
    case JD_LINEAR_DECAY: rate = s->rate + (s->end - s->rate) * t; break;
    case JD_HALVING: rate = s->rate * power(0.5, periods); break;
    case JD_COSINE: {
        double sine, cosine;
        jd_sincos(3.14159265358979323846 * t, &sine, &cosine);
        rate = s->end + (s->rate - s->end) * 0.5 * (1 + cosine);
        break;
    }
    case JD_FACTOR:
        rate = s->rate * power(s->factor, periods);
        if (rate < s->end) rate = s->end;
        break;
    }
    if (step < s->warmup) rate *= (double)(step + 1) / (double)s->warmup;
    return rate;
}
