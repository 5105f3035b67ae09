/* clips.c - short films of two shapes that move; see clips.h. */
#include "clips.h"

#include <stdio.h>
#include <string.h>

const char *const clip_motions[CLIP_MOTIONS] = {"left", "right", "up", "down", "circles"};

void clip_text(const int32_t *word, size_t n, char *text, size_t room)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < n && at < room; i++) {
        const int32_t w = word[i];
        const char *name = w < CLIP_WORD_A        ? scene_word(w)
                           : w == CLIP_WORD_A     ? "a"
                           : w == CLIP_WORD_MOVES ? "moves"
                           : w == CLIP_WORD_IN    ? "in"
                           : w == CLIP_WORD_AND   ? "and"
                                                  : clip_motions[w - CLIP_WORD_LEFT];
        at += (size_t)snprintf(text + at, room - at, "%s%s", i ? " " : "", name);
    }
}

/* ---- films ---------------------------------------------------------------------------------------------------------------*/

static double between(jd_rng *r, double least, double most)
{
    return least + (most - least) * jd_rng_uniform64(r);
}

static void make_shape(jd_rng *r, clip_shape *s)
{
    enum { EDGE = 5 }; /* shapes stay inside */
    s->kind = (int)jd_rng_below(r, SCENE_KINDS);
    s->motion = (int)jd_rng_below(r, CLIP_MOTIONS);
    if (s->motion == CLIP_CIRCLES) {
        s->size = between(r, 4, 6);
        s->x = between(r, EDGE + s->size, CLIP_SIDE - EDGE - s->size);
        s->y = between(r, EDGE + s->size, CLIP_SIDE - EDGE - s->size);
        s->turn = between(r, 0, 6.283185307179586);
        s->speed = (jd_rng_below(r, 2) ? 1 : -1) * between(r, .35, .5);
        return;
    }
    s->size = between(r, 9, 15);
    const double along = between(r, EDGE, CLIP_SIDE - EDGE - s->size), across = between(r, EDGE, CLIP_SIDE - EDGE);
    const bool back = s->motion == CLIP_LEFT || s->motion == CLIP_UP,
               flat = s->motion == CLIP_LEFT || s->motion == CLIP_RIGHT;
    const double begin = back ? along + s->size : along;
    s->x = flat ? begin : across;
    s->y = flat ? across : begin;
}

void clip_make(jd_rng *r, clip *c)
{
    *c = (clip){0};
    for (int i = 0; i < CLIP_SHAPES; i++) make_shape(r, &c->shape[i]);
    const int a = (int)jd_rng_below(r, SCENE_COLOURS),
              b = (a + 1 + (int)jd_rng_below(r, SCENE_COLOURS - 1)) % SCENE_COLOURS;
    c->shape[0].colour = a < b ? a : b;
    c->shape[1].colour = a < b ? b : a;
}

void clip_place(const clip_shape *s, int t, double *x, double *y)
{
    const double gone = s->size * t / (CLIP_FRAMES - 1);
    *x = s->x + (s->motion == CLIP_LEFT ? -gone : s->motion == CLIP_RIGHT ? gone : 0);
    *y = s->y + (s->motion == CLIP_UP ? -gone : s->motion == CLIP_DOWN ? gone : 0);
    if (s->motion != CLIP_CIRCLES) return;
    *x = s->x + s->size * cos(s->turn + s->speed * t);
    *y = s->y + s->size * sin(s->turn + s->speed * t);
}

void clip_paint(const clip *c, jd_rng *r, clip_order order, float *frames)
{
    enum { PIXELS = CLIP_SIDE * CLIP_SIDE * 3 };
    uint32_t at[CLIP_FRAMES];
    float ground[PIXELS];
    for (uint32_t t = 0; t < CLIP_FRAMES; t++) at[t] = t;
    scene_ground(r, ground, CLIP_SIDE);
    if (order == CLIP_SHUFFLED) jd_rng_shuffle(r, at, CLIP_FRAMES);
    for (int t = 0; t < CLIP_FRAMES; t++) {
        float *out = frames + (size_t)t * PIXELS;
        memcpy(out, ground, sizeof ground);
        for (int i = 0; i < CLIP_SHAPES; i++) {
            double x, y;
            clip_place(&c->shape[i], (int)at[t], &x, &y);
            scene_draw(out, CLIP_SIDE, c->shape[i].kind, c->shape[i].colour, x, y, 4.5, (const float[3]){0, 0, 0});
        }
    }
}

size_t clip_caption(const clip *c, int32_t *word)
{
    size_t n = 0;
    for (int i = 0; i < CLIP_SHAPES; i++) {
        const clip_shape *s = &c->shape[i];
        if (i) word[n++] = CLIP_WORD_AND;
        word[n++] = CLIP_WORD_A;
        word[n++] = WORD_RED + s->colour;
        word[n++] = WORD_CIRCLE + s->kind;
        word[n++] = CLIP_WORD_MOVES;
        if (s->motion == CLIP_CIRCLES) word[n++] = CLIP_WORD_IN;
        word[n++] = CLIP_WORD_LEFT + s->motion;
    }
    return n;
}

void clip_hints(const clip *c, int32_t *hint)
{
    for (int i = 0; i < CLIP_HINTS; i++) hint[i] = i < SCENE_COLOURS ? SCENE_KINDS : -1;
    for (int i = 0; i < CLIP_SHAPES; i++) {
        hint[c->shape[i].colour] = c->shape[i].kind;
        hint[SCENE_COLOURS + c->shape[i].colour] = c->shape[i].motion;
    }
}

/* ---- is it true? ---------------------------------------------------------------------------------------------------------*/

/* A clause "a COLOUR KIND moves [in] MOTION" at word[at]; returns where it ends, 0 where there is none. */
static size_t clause(const int32_t *word, size_t n, size_t at, clip_shape *s)
{
    if (at + 5 > n || word[at] != CLIP_WORD_A || word[at + 3] != CLIP_WORD_MOVES) return 0;
    s->colour = word[at + 1] - WORD_RED;
    s->kind = word[at + 2] - WORD_CIRCLE;
    const bool in = word[at + 4] == CLIP_WORD_IN;
    at += in ? 5 : 4;
    if (at >= n) return 0;
    s->motion = word[at] - CLIP_WORD_LEFT;
    const bool fits = s->motion >= 0 && s->motion < CLIP_MOTIONS && in == (s->motion == CLIP_CIRCLES) &&
                      s->colour >= 0 && s->colour < SCENE_COLOURS && s->kind >= 0 && s->kind < SCENE_KINDS;
    return fits ? at + 1 : 0;
}

bool clip_judge(const clip *c, const int32_t *word, size_t n, int motion[CLIP_SHAPES])
{
    clip_shape said[CLIP_SHAPES];
    int count = 0, right = 0;
    size_t at = 0;
    bool grammar = true;
    while (grammar && at < n && count < CLIP_SHAPES) {
        if (count && word[at++] != CLIP_WORD_AND) break;
        const size_t end = clause(word, n, at, &said[count]);
        grammar = end > 0;
        count += grammar;
        at = grammar ? end : at;
    }
    for (int i = 0; i < CLIP_SHAPES; i++) {
        motion[i] = -1;
        for (int k = 0; k < count && motion[i] < 0; k++)
            if (said[k].colour == c->shape[i].colour && said[k].kind == c->shape[i].kind) motion[i] = said[k].motion;
        right += motion[i] == c->shape[i].motion;
    }
    return grammar && at == n && count == CLIP_SHAPES && right == CLIP_SHAPES;
}
