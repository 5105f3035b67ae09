/*
 * control_pole.c - a cart with one or two poles.
 *
 * The compiler's vectors keep the source readable; without fused operations every width gives the same bits.
 */
#include "base/pole_motion.h"
#include "cpu/control.h"

INLINE void interval(const jd_pole_constants *c, int poles, double *state, const double *force, double h, int steps)
{
    const int n = 2 + 2 * poles;
    vd s[JD_POLE_STATE];
    for (int k = 0; k < n; k++) s[k] = *(const vd *)(const void *)(state + k * JD_LANES);
    pole_motion(c, poles, s, *(const vd *)(const void *)force, h, steps);
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
