/*
 * control_pole.c - a cart with one or two poles (A. Wieland, "Evolving neural network controllers for unstable systems",
 * IJCNN 1991), by Runge-Kutta steps of fourth order, in float64.
 *
 * The compiler's vectors keep the source readable; without fused operations every width gives the same bits.
 */
#include "cpu/control.h"
#include "cpu/lanes64.h"

/* d = the derivative of s = (x, x', t1, t1', t2, t2'). */
INLINE void slope(const jd_pole_constants *c, int poles, const vd *s, vd force, vd *d)
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

INLINE void interval(const jd_pole_constants *c, int poles, double *state, const double *force, double h, int steps)
{
    const int n = 2 + 2 * poles;
    vd s[6], a[6], b[6], t[6];
    const vd f = *(const vd *)(const void *)force;
    for (int k = 0; k < n; k++) s[k] = *(const vd *)(const void *)(state + k * JD_LANES);
    for (int i = 0; i < steps; i++) {
        slope(c, poles, s, f, a);
        for (int k = 0; k < n; k++) t[k] = s[k] + h / 2 * a[k];
        slope(c, poles, t, f, b);
        for (int k = 0; k < n; k++) t[k] = s[k] + h / 2.0 * b[k];
        for (int k = 0; k < n; k++) a[k] += 2.0 * b[k];
        slope(c, poles, t, f, b);
        for (int k = 0; k < n; k++) t[k] = s[k] + h * b[k];
        for (int k = 0; k < n; k++) a[k] += 2.0 * b[k];
        slope(c, poles, t, f, b);
        for (int k = 0; k < n; k++) s[k] += h / 6 * (a[k] + b[k]);
    }
    for (int k = 0; k < n; k++) *(vd *)(void *)(state + k * JD_LANES) = s[k];
}

void JD_K(jd__pole_lanes)(const jd_pole_constants *c, double *s, const double *force, double h, int steps)
{
    for (int v = 0; v < JD_LANES; v += W)
        if (c->poles == 2)
            interval(c, 2, s + v, force + v, h, steps);
        else
            interval(c, 1, s + v, force + v, h, steps);
}
