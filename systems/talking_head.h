/* talking_head.h - parts of the system talking-head: principal components of faces, figures, and what the report shows. */
#ifndef TALKING_HEAD_H
#define TALKING_HEAD_H

#include "claims.h"
#include "frames.h"
#include "phones.h"

enum { HEAD_CONTEXT = 1, HEAD_STEP = 20 /* ms */, HEAD_SEEDS = 10 };
enum { HEAD_DEEP, HEAD_ONE, HEAD_DNN, HEAD_NETS };
extern const char *const head_names[HEAD_NETS];

/* Principal components of landmarks: face = mean + sum of c_k component_k, those kept that hold 99.9 % of the variance. */
typedef struct head_faces {
    int kept;
    double mean[PHONES_FACE], component[PHONES_FACE][PHONES_FACE], variance[PHONES_FACE];
} head_faces;
/* Of n faces (n,16).  Jacobi's rotations; the largest entry of a component is positive. */
void head_components(const float *face, int64_t n, head_faces *f);
void head_coefficients(const head_faces *f, const float *face, float *c);
void head_face(const head_faces *f, const float *c, float *face);

typedef struct head_seed {
    frames_net net[HEAD_NETS];
    double square
        [HEAD_NETS]; /* mean square error of a landmark's coordinate, 1e-6 of the mouth's width at rest, squared */
    double still;    /* of the mean face */
} head_seed;

/* One test sentence of the first seed: landmarks of the target, then of each net (T,16). */
typedef struct head_shown {
    phones_sentence sentence;
    int64_t T;
    float *face[HEAD_NETS + 1];
} head_shown;

void head_report(jd_run *r, const head_seed *s, int seeds, const head_faces *f, const head_shown *k, const claims *c);

#endif
