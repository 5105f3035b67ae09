/*
 * control_pole.c - a cart with one or two poles (A. Wieland, "Evolving neural network controllers for unstable systems",
 * IJCNN 1991), by Runge-Kutta steps of fourth order, in float64.
 *
 * The compiler's vectors keep the source readable; without fused operations every width gives the same bits.
 */
#include "cpu/control.h"
#include "cpu/isa.h"

#define INLINE static inline __attribute__((always_inline))
#if defined(JD_ISA_avx512)
#define W 8
#elif defined(JD_ISA_avx2)
#define W 4
#else
#define W 2
#endif
typedef double vd __attribute__((vector_size(8 * W), aligned(8), may_alias));
typedef int64_t vl __attribute__((vector_size(8 * W), aligned(8), may_alias)); /* what comparisons give */
typedef uint64_t vu __attribute__((vector_size(8 * W), aligned(8), may_alias));

INLINE vd choose(vl mask, vd a, vd b)
{
    return (vd)(((vu)mask & (vu)a) | (~(vu)mask & (vu)b));
}

/* Reduction by pi/2 in two parts, then Taylor's series on [-pi/4, pi/4]; errors below 1e-15 for |x| < 1e5. */
INLINE void sincos_lanes(vd x, vd *sine, vd *cosine)
{
    const double magic = 0x1.8p52; /* adding it rounds to an integer, which then stands in the lowest bits */
    const vd shifted = x * 0x1.45f306dc9c883p-1 + magic, k = shifted - magic;
    const vu quadrant = (vu)shifted;
    const vd r = (x - k * 0x1.921fb54400000p+0) - k * 0x1.0b4611a626331p-34, z = r * r;
    vd s = z * 2.8114572543455206e-15 - 7.6471637318198165e-13, c = z * 4.7794773323873853e-14 - 1.1470745597729725e-11;
    s = s * z + 1.6059043836821613e-10, c = c * z + 2.0876756987868099e-09;
    s = s * z - 2.5052108385441719e-08, c = c * z - 2.7557319223985888e-07;
    s = s * z + 2.7557319223985893e-06, c = c * z + 2.4801587301587302e-05;
    s = s * z - 1.9841269841269841e-04, c = c * z - 1.3888888888888889e-03;
    s = s * z + 8.3333333333333332e-03, c = c * z + 4.1666666666666664e-02;
    s = (s * z - 1.6666666666666666e-01) * z * r + r, c = (c * z - 0.5) * z + 1.0;
    const vl odd = (vl) - (quadrant & 1);
    const vu sign = (quadrant & 2) << 62, sign_c = ((quadrant + 1) & 2) << 62;
    *sine = (vd)((vu)choose(odd, c, s) ^ sign);
    *cosine = (vd)((vu)choose(odd, s, c) ^ sign_c);
}

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
