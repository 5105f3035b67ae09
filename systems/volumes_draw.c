/*
 * volumes_draw.c - synthetic volumes in the manner of electron microscopy: cells with membranes between them.  Gaps in the
 * membranes and dark blobs inside cells are in the picture only, so that the truth needs what stands around a voxel.
 */
#include <math.h>
#include <stdio.h>

#include "volumes.h"

enum { DEPTH = 32, SIDE = 64, CELLS = 40, BLOBS = 10, RADIUS = 2, N = DEPTH * SIDE * SIDE, FLAT = 3 };

static int place(int z, int y, int x)
{
    return (z * SIDE + y) * SIDE + x;
}
static bool inside(int z, int y, int x)
{
    return z >= 0 && z < DEPTH && y >= 0 && y < SIDE && x >= 0 && x < SIDE;
}

/* The nearest seed of every voxel; slices lie FLAT times as far apart as pixels. */
static void find_cells(jd_rng *r, uint8_t *cell)
{
    float seed[CELLS][3];
    for (int k = 0; k < CELLS; k++) {
        seed[k][0] = DEPTH * jd_rng_uniform(r);
        seed[k][1] = SIDE * jd_rng_uniform(r);
        seed[k][2] = SIDE * jd_rng_uniform(r);
    }
    for (int i = 0; i < N; i++) {
        float least = INFINITY;
        for (int k = 0; k < CELLS; k++) {
            const float z = FLAT * ((float)(i / (SIDE * SIDE)) - seed[k][0]);
            const float y = (float)(i / SIDE % SIDE) - seed[k][1], x = (float)(i % SIDE) - seed[k][2];
            const float far = z * z + y * y + x * x;
            if (far >= least) continue;
            least = far;
            cell[i] = (uint8_t)k;
        }
    }
}

/* Voxels that have a neighbour of another cell, and those beside them in the plane. */
static void find_membranes(const uint8_t *cell, uint8_t *edge, uint8_t *membrane)
{
    static const int step[6][3] = {{0, 0, 1}, {0, 0, -1}, {0, 1, 0}, {0, -1, 0}, {1, 0, 0}, {-1, 0, 0}};
    for (int i = 0; i < N; i++) {
        const int z = i / (SIDE * SIDE), y = i / SIDE % SIDE, x = i % SIDE;
        edge[i] = 0;
        for (int k = 0; k < 6; k++) {
            const int a = z + step[k][0], b = y + step[k][1], c = x + step[k][2];
            if (inside(a, b, c) && cell[place(a, b, c)] != cell[i]) edge[i] = 1;
        }
    }
    for (int i = 0; i < N; i++) {
        const int z = i / (SIDE * SIDE), y = i / SIDE % SIDE, x = i % SIDE;
        membrane[i] = edge[i];
        for (int k = 0; k < 4; k++) {
            const int b = y + step[k][1], c = x + step[k][2];
            if (inside(z, b, c) && edge[place(z, b, c)]) membrane[i] = 1;
        }
    }
}

/* The voxels of a ball around i that are membrane (or are not) get the value. */
static int fill_ball(int i, const uint8_t *membrane, bool on, const float *inner, const uint8_t *cell, float *grey)
{
    const int z0 = i / (SIDE * SIDE), y0 = i / SIDE % SIDE, x0 = i % SIDE;
    int filled = 0;
    for (int z = -RADIUS; z <= RADIUS; z++)
        for (int y = -RADIUS; y <= RADIUS; y++)
            for (int x = -RADIUS; x <= RADIUS; x++) {
                if (z * z + y * y + x * x > RADIUS * RADIUS || !inside(z0 + z, y0 + y, x0 + x)) continue;
                const int p = place(z0 + z, y0 + y, x0 + x);
                if ((membrane[p] != 0) != on) continue;
                const float value = on ? inner[cell[p]] : 0.3f;
                filled += grey[p] != value;
                grey[p] = value;
            }
    return filled;
}

/* Gaussian of deviation 1 along one axis; what lies outside counts as the edge. */
static void blur(const float *from, int stride, int n, float *to)
{
    static const double weight[4] = {0.39905, 0.24204, 0.05401, 0.00443}; /* sums to 1 over -3..3 */
    for (int i = 0; i < N; i++) {
        const int at = i / stride % n;
        double sum = weight[0] * (double)from[i];
        for (int k = 1; k < 4; k++) {
            const int down = at - k < 0 ? -at : -k, up = at + k >= n ? n - 1 - at : k;
            sum += weight[k] * ((double)from[i + down * stride] + (double)from[i + up * stride]);
        }
        to[i] = (float)sum;
    }
}

static void draw(uint64_t seed, uint8_t *cell, uint8_t *edge, float *other, volume *v, float *grey)
{
    jd_rng r = jd_rng_new(seed, "cells in a volume", 0);
    float inner[CELLS];
    find_cells(&r, cell);
    find_membranes(cell, edge, v->label);
    int membrane = 0;
    for (int k = 0; k < CELLS; k++) inner[k] = 0.75f + 0.05f * (float)jd_rng_normal(&r);
    for (int i = 0; i < N; i++) {
        membrane += v->label[i];
        grey[i] = v->label[i] ? 0.3f : inner[cell[i]];
    }
    for (int gap = 0; gap < membrane * 6 / 100;) {
        const int i = (int)jd_rng_below(&r, N);
        if (v->label[i]) gap += fill_ball(i, v->label, true, inner, cell, grey);
    }
    for (int k = 0; k < BLOBS;) {
        const int i = (int)jd_rng_below(&r, N);
        if (v->label[i]) continue;
        fill_ball(i, v->label, false, inner, cell, grey);
        k++;
    }
    blur(grey, 1, SIDE, other);
    blur(other, SIDE, SIDE, grey);
    blur(grey, SIDE * SIDE, DEPTH, other);
    for (int i = 0; i < N; i++) grey[i] = other[i] + 0.12f * (float)jd_rng_normal(&r);
}

jd_status volumes_draw_cells(jd_ctx *ctx, size_t first, size_t n, volumes *out)
{
    volumes s = {.classes = 2, .v = jd_alloc_array(ctx, n + 1, sizeof *s.v)};
    uint8_t *cell = jd_alloc_array(ctx, N, 1), *edge = jd_alloc_array(ctx, N, 1);
    jd_volume grey = {.frames = 1, .depth = DEPTH, .height = SIDE, .width = SIDE};
    float *other = jd_alloc_array(ctx, N, sizeof *other);
    grey.voxels = jd_alloc_array(ctx, N, sizeof *grey.voxels);
    for (size_t i = 0; i < n && s.v && !jd_error(ctx); i++) {
        volume *v = &s.v[s.n++];
        *v = (volume){.D = DEPTH, .H = SIDE, .W = SIDE};
        v->x = jd_alloc_array(ctx, N * JD_VOLUME_INPUTS, sizeof *v->x);
        v->label = jd_alloc_array(ctx, N, 1);
        if (jd_error(ctx)) break;
        draw(first + i, cell, edge, other, v, grey.voxels);
        snprintf(v->name, sizeof v->name, "synthetic %zu", first + i);
        jd_volume_inputs(ctx, &grey, v->x);
    }
    jd_free(ctx, cell);
    jd_free(ctx, edge);
    jd_free(ctx, other);
    jd_volume_free(ctx, &grey);
    if (jd_error(ctx))
        volumes_free(ctx, &s);
    else
        *out = s;
    return jd_error(ctx);
}
