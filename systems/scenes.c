/* scenes.c - pictures of coloured shapes and what is said of them; see scenes.h. */
#include "scenes.h"

#include <stdio.h>
#include <string.h>

enum { GRID = 3, CELL = SCENE_SIDE / GRID };

static const char *const WORDS[SCENE_VOCABULARY] = {
    [SEQ2SEQ_UNKNOWN] = "?",  [SEQ2SEQ_START] = "<",    [SEQ2SEQ_END] = ">",
    [WORD_CIRCLE] = "circle", [WORD_SQUARE] = "square", [WORD_TRIANGLE] = "triangle",
    [WORD_RED] = "red",       [WORD_GREEN] = "green",   [WORD_BLUE] = "blue",
    [WORD_YELLOW] = "yellow", [WORD_PURPLE] = "purple", [WORD_CYAN] = "cyan",
    [WORD_SMALL] = "small",   [WORD_LARGE] = "large",   [WORD_BIG] = "big",
    [WORD_A] = "a",           [WORD_THERE] = "there",   [WORD_IS] = "is",
    [WORD_WE] = "we",         [WORD_SEE] = "see",       [WORD_ABOVE] = "above",
    [WORD_OVER] = "over",     [WORD_LEFT] = "left",     [WORD_OF] = "of",
    [WORD_TO] = "to",         [WORD_THE] = "the",
};

const char *scene_word(int32_t word)
{
    return word >= 0 && word < SCENE_VOCABULARY ? WORDS[word] : "?";
}

void scene_text(const int32_t *word, size_t n, char *text, size_t room)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < n && at < room; i++)
        at += (size_t)snprintf(text + at, room - at, "%s%s", i ? " " : "", scene_word(word[i]));
}

/* ---- scenes --------------------------------------------------------------------------------------------------------------*/

bool scene_held_out(int colour, int kind)
{
    return (colour == WORD_RED - WORD_RED && kind == WORD_TRIANGLE - WORD_CIRCLE) ||
           (colour == WORD_BLUE - WORD_RED && kind == WORD_CIRCLE - WORD_CIRCLE) ||
           (colour == WORD_YELLOW - WORD_RED && kind == WORD_SQUARE - WORD_CIRCLE);
}

static float uniform(jd_rng *r, double least, double most)
{
    return (float)(least + (most - least) * jd_rng_uniform64(r));
}

static void choose(jd_rng *r, bool held_out, scene_shape *s)
{
    do {
        s->kind = (int)jd_rng_below(r, SCENE_KINDS);
        s->colour = (int)jd_rng_below(r, SCENE_COLOURS);
    } while (scene_held_out(s->colour, s->kind) != held_out);
}

void scene_make(jd_rng *r, scene_which which, scene *s)
{
    uint32_t cell[GRID * GRID];
    for (uint32_t i = 0; i < GRID * GRID; i++) cell[i] = i;
    jd_rng_shuffle(r, cell, GRID * GRID);
    *s = (scene){.n = 1 + (int)jd_rng_below(r, SCENE_SHAPES)};
    const int new = which == SCENE_NEW ? (int)jd_rng_below(r, (uint32_t)s->n) : -1;
    for (int i = 0; i < s->n; i++) {
        scene_shape one = {.cell = (int)cell[i], .large = jd_rng_below(r, 2)};
        choose(r, i == new, &one);
        one.radius = one.large ? uniform(r, 6.2, 7) : uniform(r, 3.8, 4.5);
        const double play = CELL / 2. - (double)one.radius;
        one.x = (float)((one.cell % GRID + .5) * CELL) + uniform(r, -play, play);
        one.y = (float)((one.cell / GRID + .5) * CELL) + uniform(r, -play, play);
        int at = i; /* sorted by cell */
        for (; at > 0 && s->shape[at - 1].cell > one.cell; at--) s->shape[at] = s->shape[at - 1];
        s->shape[at] = one;
    }
}

/* ---- painting ------------------------------------------------------------------------------------------------------------*/

void scene_ground(jd_rng *r, float *rgb, int side)
{
    const float base = uniform(r, .2, .5), across = uniform(r, -.15, .15), down = uniform(r, -.15, .15);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const float v = base + across * ((float)x / (float)side - .5f) + down * ((float)y / (float)side - .5f) +
                            .08f * (jd_rng_uniform(r) - .5f);
            for (int c = 0; c < 3; c++) rgb[(y * side + x) * 3 + c] = v;
        }
}

/* Is the point (x, y), from the middle of a shape of radius 1, inside?  All kinds have about the same extent. */
static bool inside(int kind, double x, double y)
{
    if (kind == 0) return x * x + y * y < 1;
    if (kind == 1) return fabs(x) < .9 && fabs(y) < .9;
    return y < .9 && y > -1 && fabs(x) < (y + 1) * .52;
}

void scene_draw(float *rgb, int side, int kind, int colour, double x, double y, double radius, const float *shade)
{
    static const float COLOUR[SCENE_COLOURS][3] = {{.85f, .12f, .12f}, {.12f, .7f, .15f}, {.15f, .25f, .9f},
                                                   {.9f, .85f, .1f},   {.6f, .15f, .75f}, {.1f, .8f, .85f}};
    enum { FINE = 3 };
    const int top = (int)(y - radius - 1), bottom = (int)(y + radius + 1), left = (int)(x - radius - 1),
              right = (int)(x + radius + 1);
    for (int py = top < 0 ? 0 : top; py <= bottom && py < side; py++)
        for (int px = left < 0 ? 0 : left; px <= right && px < side; px++) {
            int covered = 0;
            for (int k = 0; k < FINE * FINE; k++)
                covered += inside(kind, (px + (k % FINE + .5) / FINE - x) / radius,
                                  (py + (k / FINE + .5) / FINE - y) / radius);
            const float part = (float)covered / (FINE * FINE);
            float *p = rgb + (py * side + px) * 3;
            for (int c = 0; c < 3; c++) p[c] += part * (COLOUR[colour][c] + shade[c] - p[c]);
        }
}

void scene_paint(const scene *s, jd_rng *r, float *rgb)
{
    scene_ground(r, rgb, SCENE_SIDE);
    for (int i = 0; i < s->n; i++) {
        const scene_shape *o = &s->shape[i];
        const float light = uniform(r, -.08, .08),
                    shade[3] = {light + uniform(r, -.04, .04), light + uniform(r, -.04, .04),
                                light + uniform(r, -.04, .04)};
        scene_draw(rgb, SCENE_SIDE, o->kind, o->colour, (double)o->x, (double)o->y, (double)o->radius, shade);
    }
}

/* ---- captions ------------------------------------------------------------------------------------------------------------*/

static bool above(const scene_shape *a, const scene_shape *b)
{
    return a->cell / GRID < b->cell / GRID;
}

size_t scene_caption(const scene *s, jd_rng *r, int32_t *word)
{
    size_t n = 0;
    const uint32_t opening = jd_rng_below(r, 4);
    if (opening == 1) word[n++] = WORD_THERE, word[n++] = WORD_IS;
    if (opening == 2) word[n++] = WORD_WE, word[n++] = WORD_SEE;
    for (int i = 0; i < s->n; i++) {
        const scene_shape *o = &s->shape[i];
        word[n++] = WORD_A;
        word[n++] = !o->large ? WORD_SMALL : jd_rng_below(r, 3) ? WORD_LARGE : WORD_BIG;
        word[n++] = WORD_RED + o->colour;
        word[n++] = WORD_CIRCLE + o->kind;
        if (i + 1 == s->n) break;
        const bool other = jd_rng_below(r, 3) == 0;
        if (above(o, o + 1)) {
            word[n++] = other ? WORD_OVER : WORD_ABOVE;
            continue;
        }
        if (other) word[n++] = WORD_TO, word[n++] = WORD_THE;
        word[n++] = WORD_LEFT;
        word[n++] = WORD_OF;
    }
    return n;
}

void scene_hints(const scene *s, int32_t *hint)
{
    int32_t *named = hint + 3 * SCENE_CELLS;
    for (int i = 0; i < SCENE_HINTS; i++) hint[i] = -1;
    for (int i = 0; i < SCENE_CELLS; i++) hint[i] = SCENE_KINDS;
    for (int i = 0; i < SCENE_SHAPES; i++) named[i] = SCENE_KINDS;
    for (int i = 0; i < s->n; i++) {
        const scene_shape *o = &s->shape[i];
        const int32_t is[3] = {o->kind, o->colour, o->large};
        for (int k = 0; k < 3; k++) hint[k * SCENE_CELLS + o->cell] = named[k * SCENE_SHAPES + i] = is[k];
        if (i + 1 < s->n) named[3 * SCENE_SHAPES + i] = above(o, o + 1);
    }
}

/* ---- is it true? ---------------------------------------------------------------------------------------------------------*/

typedef struct sentence {
    const int32_t *word;
    size_t n, at;
} sentence;

static bool next(sentence *w, int32_t word)
{
    if (w->at >= w->n || w->word[w->at] != word) return false;
    w->at++;
    return true;
}

static bool read_shape(sentence *w, scene_shape *o)
{
    if (!next(w, WORD_A) || w->at + 3 > w->n) return false;
    const int32_t *v = w->word + w->at;
    w->at += 3;
    *o = (scene_shape){.large = v[0] != WORD_SMALL, .colour = v[1] - WORD_RED, .kind = v[2] - WORD_CIRCLE};
    return v[0] >= WORD_SMALL && v[0] <= WORD_BIG && o->colour >= 0 && o->colour < SCENE_COLOURS && o->kind >= 0 &&
           o->kind < SCENE_KINDS;
}

/* 1: above, 0: left of, -1: neither. */
static int read_relation(sentence *w)
{
    if (next(w, WORD_ABOVE) || next(w, WORD_OVER)) return 1;
    if (next(w, WORD_TO) && !next(w, WORD_THE)) return -1;
    return next(w, WORD_LEFT) && next(w, WORD_OF) ? 0 : -1;
}

static bool alike(const scene_shape *a, const scene_shape *b)
{
    return a->kind == b->kind && a->colour == b->colour && a->large == b->large;
}

scene_verdict scene_judge(const scene *s, const int32_t *word, size_t n)
{
    sentence w = {word, n, 0};
    scene_shape said[SCENE_SHAPES];
    int count = 0, relation[SCENE_SHAPES] = {0}, matched = 0;
    bool taken[SCENE_SHAPES] = {false};
    scene_verdict v = {.grammar = true};
    if (next(&w, WORD_THERE))
        v.grammar = next(&w, WORD_IS);
    else if (next(&w, WORD_WE))
        v.grammar = next(&w, WORD_SEE);
    while (v.grammar) {
        v.grammar = count < SCENE_SHAPES && read_shape(&w, &said[count]);
        if (!v.grammar || w.at == n) break;
        v.grammar = (relation[count++] = read_relation(&w)) >= 0;
    }
    count += v.grammar;
    v.exact = v.grammar && count == s->n;
    for (int i = 0; i < s->n; i++) { /* each that is there against one that was named, each of which counts once */
        const scene_shape *o = &s->shape[i];
        const bool new = scene_held_out(o->colour, o->kind);
        int k = 0;
        while (k < count && (taken[k] || !alike(o, &said[k]))) k++;
        v.shapes_new += new;
        if (k < count) {
            taken[k] = true;
            matched++;
            v.named_new += new;
        }
        if (v.exact) v.exact = alike(o, &said[i]) && (i + 1 == s->n || relation[i] == above(o, o + 1));
    }
    v.attributes = v.grammar && count == s->n && matched == s->n;
    return v;
}
