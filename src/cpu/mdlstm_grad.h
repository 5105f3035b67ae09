/* mdlstm_grad.h - what the two parts of the multi-dimensional LSTM's gradient share. */
#ifndef JD_CPU_MDLSTM_GRAD_H
#define JD_CPU_MDLSTM_GRAD_H

#include "cpu/cpu.h"
#include "cpu/wave.h"

typedef struct mdback {
    jd_wave v;
    jd_md_space s;
    const jd_mdlstm_attr *a;
    const float *peep, *x, *y, *gates, *cells, *dy;
    size_t H, N, K, nH, width; /* width: floats between states */
    size_t rows, done;         /* of the sums during the scans: points that wait in the block, and those before it */
    float *sum;                /* where they go */
} mdback;

/* The errors of direction d at the first place of the arrays: (B P,G). */
static inline float *jd__mdlstm_delta(const mdback *m, size_t d)
{
    return m->s.delta + d * m->v.z.B * m->v.z.P * m->v.z.G;
}

/* Gate rows g0..g1-1 of direction d of the gradients of [W | R], into s.product. */
void JD_K(jd__mdlstm_outer)(mdback *m, int d, size_t g0, size_t g1);

/* During the scans: room for the errors of so many lanes, (lanes,G); what they meet, in step k of direction d; and the end
 * of the sum. */
float *JD_K(jd__mdlstm_room)(mdback *m, size_t lanes);
void JD_K(jd__mdlstm_meet)(mdback *m, int d, int k, size_t l0, size_t l1, const jd_rows *rows);
void JD_K(jd__mdlstm_end)(mdback *m);

#endif
