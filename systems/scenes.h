/*
 * scenes.h - pictures of coloured shapes, what can truly be said of them, and whether what was said is true.
 *
 *     scene s;
 *     jd_rng r = jd_rng_new(seed, "scenes/train", i);
 *     scene_make(&r, SCENE_SEEN, &s);
 *     scene_paint(&s, &r, rgb);                        // (48,48,3)
 *     size_t n = scene_caption(&s, &r, word);          // "there is a small red circle above a big blue square"
 *     scene_verdict v = scene_judge(&s, word, n);
 *
 * One to three shapes, of 3 kinds, 6 colours and 2 sizes, stand in the cells of a 3 x 3 grid on a textured ground.  A caption
 * names them in the order in which one reads, each with how it stands to the next: above it where its row is higher, else left
 * of it.  It may begin with "there is" or "we see", and say over for above, big for large, to the left of for left of.
 */
#ifndef SCENES_H
#define SCENES_H

#include "jackdaw/system.h"
#include "seq2seq.h"

enum { SCENE_SIDE = 48, SCENE_PIXELS = SCENE_SIDE * SCENE_SIDE * 3, SCENE_SHAPES = 3, SCENE_LONGEST = 28 };
enum { SCENE_KINDS = 3, SCENE_COLOURS = 6 };

/* Words are numbered from SEQ2SEQ_WORDS on. */
enum {
    WORD_CIRCLE = SEQ2SEQ_WORDS,
    WORD_SQUARE,
    WORD_TRIANGLE,
    WORD_RED,
    WORD_GREEN,
    WORD_BLUE,
    WORD_YELLOW,
    WORD_PURPLE,
    WORD_CYAN,
    WORD_SMALL,
    WORD_LARGE,
    WORD_BIG,
    WORD_A,
    WORD_THERE,
    WORD_IS,
    WORD_WE,
    WORD_SEE,
    WORD_ABOVE,
    WORD_OVER,
    WORD_LEFT,
    WORD_OF,
    WORD_TO,
    WORD_THE,
    SCENE_VOCABULARY
};
const char *scene_word(int32_t word);
/* Words with blanks between; at most `room` bytes. */
void scene_text(const int32_t *word, size_t n, char *text, size_t room);

typedef struct scene_shape {
    int kind, colour, cell;
    bool large;
    float x, y, radius; /* pixels */
} scene_shape;

typedef struct scene {
    int n;
    scene_shape shape[SCENE_SHAPES]; /* as one reads: by cell */
} scene;

/* Three pairs of colour and kind are held out: red triangles, blue circles, yellow squares. */
bool scene_held_out(int colour, int kind);
typedef enum scene_which { SCENE_SEEN, SCENE_NEW /* at least one shape is of a pair held out */ } scene_which;
void scene_make(jd_rng *r, scene_which which, scene *s);
/* (48,48,3), 0 to 1. */
void scene_paint(const scene *s, jd_rng *r, float *rgb);
/* Returns the number of words, at most SCENE_LONGEST. */
size_t scene_caption(const scene *s, jd_rng *r, int32_t *word);

/* Labels, -1 where there is none: kind (or SCENE_KINDS: nothing), colour and size of each cell; then the same of each shape in the
 * order in which they are named, and whether it is above the next (1) or left of it (0). */
enum { SCENE_CELLS = 9, SCENE_HINTS = 3 * SCENE_CELLS + 4 * SCENE_SHAPES };
void scene_hints(const scene *s, int32_t *hint /* (3,9), then (4,3) */);

typedef struct scene_verdict {
    bool grammar;    /* what was said is a caption at all */
    bool attributes; /* it names exactly the shapes that are there, in any order */
    bool exact;      /* in the right order, and how they stand to each other is right */
    int named_new;   /* shapes of pairs held out that are named */
    int shapes_new;  /* that are there */
} scene_verdict;
scene_verdict scene_judge(const scene *s, const int32_t *word, size_t n);

/* ---- for other pictures of shapes --------------------------------------------------------------------------------------*/

/* Fills a square picture (side,side,3) with a grey ground that varies from place to place. */
void scene_ground(jd_rng *r, float *rgb, int side);
/* Draws one shape, its edges smooth; `shade` (3) is added to its colour. */
void scene_draw(float *rgb, int side, int kind, int colour, double x, double y, double radius, const float *shade);

#endif
