/*
 * pole_motion.h - a cart with one or two poles (A. Wieland, "Evolving neural network controllers for unstable systems",
 * IJCNN 1991), by Runge-Kutta steps of fourth order, in float64 lanes.
 */
#ifndef JD_BASE_POLE_MOTION_H
#define JD_BASE_POLE_MOTION_H

#include "base/lanes64.h"
#include "base/population.h"

#ifdef __cplusplus
namespace jd_lanes
{
#endif

/* d = the derivative of s = (x, x', t1, t1', t2, t2'). */
INLINE void pole_slope(const jd_pole_constants *c, int poles, const vd *s, vd force, vd *d)
{
    const vd zero = {0};
    const vd sign = choose(s[1] > zero, zero + 1.0, choose(s[1] < zero, zero - 1.0, zero));
    vd push = force - c->cart_friction * sign, mass = zero + c->mass, cosine[2], drive[2];
    for (int i = 0; i < poles; i++) {
        const vd w = s[3 + 2 * i];
        vd sine;
        sincos_lanes(s[2 + 2 * i], &sine, &cosine[i]);
        drive[i] = c->friction[i] * w + c->gravity * sine;
        const vd leaned = .75 * c->m[i] * cosine[i];
        push += c->ml[i] * w * w * sine + leaned * drive[i];
        mass += c->m[i] - leaned * cosine[i];
    }
    d[0] = s[1];
    d[1] = push / mass;
    for (int i = 0; i < poles; i++) {
        d[2 + 2 * i] = s[3 + 2 * i];
        d[3 + 2 * i] = c->lever[i] * (d[1] * cosine[i] + drive[i]);
    }
}

/* `steps` steps of length h with a constant force; s (2 + 2 poles) is replaced. */
INLINE void pole_motion(const jd_pole_constants *c, int poles, vd *s, vd force, double h, int steps)
{
    const int n = 2 + 2 * poles;
    vd a[JD_POLE_STATE], b[JD_POLE_STATE], t[JD_POLE_STATE];
    for (int i = 0; i < steps; i++) {
        pole_slope(c, poles, s, force, a);
        for (int k = 0; k < n; k++) t[k] = s[k] + h / 2 * a[k];
        pole_slope(c, poles, t, force, b);
        for (int k = 0; k < n; k++) t[k] = s[k] + h / 2.0 * b[k];
        for (int k = 0; k < n; k++) a[k] += 2.0 * b[k];
        pole_slope(c, poles, t, force, b);
        for (int k = 0; k < n; k++) t[k] = s[k] + h * b[k];
        for (int k = 0; k < n; k++) a[k] += 2.0 * b[k];
        pole_slope(c, poles, t, force, b);
        for (int k = 0; k < n; k++) s[k] += h / 6 * (a[k] + b[k]);
    }
}

#ifdef __cplusplus
}
#endif

#endif
