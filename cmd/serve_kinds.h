/* serve_kinds.h - the parts of serve_answer.c by kind of model. */
#ifndef JD_CMD_SERVE_KINDS_H
#define JD_CMD_SERVE_KINDS_H

#include <jansson.h>

#include "serve.h"

enum { SERVE_PICTURE_SIDE = 1024, SERVE_PICTURE_BYTES = 3 * SERVE_PICTURE_SIDE * SERVE_PICTURE_SIDE + 64 };

/* Classifiers of pictures (serve_picture.c).  A body is "draw W H\n" and W x H bytes of ink (0 none, 255 full), or
 * "picture W H\n" and W x H x 3 bytes of RGB. */
jd_status serve_picture_open(serve_model *m, const json_t *config);
void serve_picture_close(serve_model *m);
json_t *serve_picture_describe(const serve_model *m);
json_t *serve_picture_answer(serve_model *m, const void *body, size_t bytes);

/* Nets that hear (serve_sound.c).  A body is "RATE\n" and mono samples of 16 bits, little-endian. */
enum { SERVE_SOUND_SECONDS = 60, SERVE_SOUND_BYTES = SERVE_SOUND_SECONDS * 48000 * 2 + 64 };
json_t *serve_sound_answer(serve_model *m, const void *body, size_t bytes);

/* Of what a reader has just read: each step's place and the probability of its likeliest letter; the likeliest texts. */
json_t *serve_steps(const reader *r);
json_t *serve_best(const reader *r);

#endif
