/* neocognitron.h - what neocognitron.c grows and neocognitron_report.c shows. */
#ifndef NEOCOGNITRON_H
#define NEOCOGNITRON_H

#include "jackdaw/layers.h"
#include "jackdaw/system.h"

enum { NEO_SIDE = 16, NEO_DIGITS = 10, NEO_LAYERS = 3, NEO_PLANES = 64, NEO_SHIFT = 4, NEO_RINGS = NEO_SHIFT + 1 };

/* A digit drawn with a pen one pixel wide: moved by (dx,dy) pixels, turned by `angle` (radians), scaled. */
typedef struct neo_pose {
    double dx, dy, angle, scale;
} neo_pose;
void neo_draw(int digit, neo_pose pose, float *out /* (16,16) */);

typedef struct neo_result {
    int digits, planes;
    int top[NEO_DIGITS];  /* the cell of UC3 that answers the digit as it was shown most, or -1 */
    int own;              /* digits whose top cell is no other's */
    int used[NEO_LAYERS]; /* planes that were reinforced */
    /* shifted: share of the shifts whose larger part is s pixels at which the digit's own cell is on top */
    double right[NEO_DIGITS][NEO_RINGS];
    bool at[NEO_DIGITS][2 * NEO_SHIFT + 1][2 * NEO_SHIFT + 1]; /* [dy][dx] */
    double deformed, noisy; /* the same for turned and scaled digits, and for those with pixels flipped */
} neo_result;

/* The cells as a graph: x (B,16,16,1) -> the results "s1" "c1" ... "c3" (B,1,1,planes). */
typedef struct neo_net {
    int planes;
    double r[NEO_LAYERS], alpha;
} neo_net;
void neo_cells(jd_graph *g, void *net);

void neo_report(jd_run *r, const neo_result *n, jd_params *w, jd_fn *f);

#endif
