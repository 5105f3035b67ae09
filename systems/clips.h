/*
 * clips.h - short films of two shapes that move, and what is said of them: "a red circle moves left and a blue square moves in
 * circles".
 *
 *     clip c;
 *     jd_rng r = jd_rng_new(seed, "clips/train", i);
 *     clip_make(&r, &c);
 *     clip_paint(&c, &r, CLIP_AS_IS, frames);          // (16,32,32,3)
 *     size_t n = clip_caption(&c, word);
 */
#ifndef CLIPS_H
#define CLIPS_H

#include "scenes.h"

enum { CLIP_FRAMES = 16, CLIP_SIDE = 32, CLIP_NUMBERS = CLIP_FRAMES * CLIP_SIDE * CLIP_SIDE * 3, CLIP_SHAPES = 2 };
enum { CLIP_LEFT, CLIP_RIGHT, CLIP_UP, CLIP_DOWN, CLIP_CIRCLES, CLIP_MOTIONS };
extern const char *const clip_motions[CLIP_MOTIONS];

/* Kinds and colours are named as in scenes.h; the other words are these. */
enum {
    CLIP_WORD_A = WORD_SMALL,
    CLIP_WORD_MOVES,
    CLIP_WORD_LEFT, /* then right, up, down and circles, as the motions */
    CLIP_WORD_CIRCLES = CLIP_WORD_LEFT + CLIP_CIRCLES,
    CLIP_WORD_IN,
    CLIP_WORD_AND,
    CLIP_VOCABULARY
};
enum { CLIP_LONGEST = 14 };
void clip_text(const int32_t *word, size_t n, char *text, size_t room);

typedef struct clip_shape {
    int kind, colour, motion;
    double x, y,
        size;     /* where it begins, in pixels, or the middle of its circle; how far it goes, or the circle's radius */
    double turn;  /* of a circle: angle at the beginning, and below 0 or above: */
    double speed; /* radians a frame */
} clip_shape;
/* Two of different colours, in the order of the colours' names in scenes.h: so they are named. */
typedef struct clip {
    clip_shape shape[CLIP_SHAPES];
} clip;

void clip_make(jd_rng *r, clip *c);
/* Where a shape is in frame t. */
void clip_place(const clip_shape *s, int t, double *x, double *y);
typedef enum clip_order { CLIP_AS_IS, CLIP_SHUFFLED } clip_order; /* of the frames */
void clip_paint(const clip *c, jd_rng *r, clip_order order, float *frames);
size_t clip_caption(const clip *c, int32_t *word);
/* Of each colour the kind, or SCENE_KINDS where it is not there, and the motion, -1 there. */
enum { CLIP_HINTS = 2 * SCENE_COLOURS };
void clip_hints(const clip *c, int32_t *hint);

/* motion[i] becomes what is said of shape i, -1 where its colour and kind are not named.  Returns true where the caption names
 * both, and nothing else, with their motions. */
bool clip_judge(const clip *c, const int32_t *word, size_t n, int motion[CLIP_SHAPES]);

#endif
